//! The tables that one can act on.

use schemars::JsonSchema;
use serde::Serialize;

use super::Party;

/// A target of an address update.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Target {
    /// The URI as on the wire.
    pub uri: String,
    /// Its q value.
    pub q: Option<f64>,
}

/// A client that was told of a new address.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct UpdateClient {
    /// Its IP address.
    pub address: String,
    /// The name that was given for the address.
    pub name: Option<String>,
    /// The URI of From.
    pub from: String,
    /// What it calls itself.
    pub user_agent: Option<String>,
    /// Whether it called the old address again later.
    pub still_calling_old: bool,
}

/// An address that has moved for good.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct AddressUpdate {
    /// The old address.
    pub from_uri: String,
    /// The new ones.
    pub targets: Vec<Target>,
    /// How many 301 said so.
    pub seen: u64,
    /// When first.
    pub first_time: String,
    /// When last.
    pub last_time: String,
    /// Who was told.
    pub clients: Vec<UpdateClient>,
}

/// A client that offered too small an interval.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct IntervalClient {
    /// Its IP address.
    pub address: String,
    /// The name that was given for the address.
    pub name: Option<String>,
    /// What it calls itself.
    pub user_agent: Option<String>,
    /// What it offered.
    pub offered_session_expires_s: Option<u64>,
    /// How often.
    pub seen: u64,
}

/// The minimum that a server demands.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct IntervalRequirement {
    /// The server.
    pub server: Party,
    /// Its Min-SE; null if its 422 has none.
    pub min_se_s: Option<u64>,
    /// How often it said so.
    pub seen: u64,
    /// Who was told.
    pub clients: Vec<IntervalClient>,
}
