//! A line of NDJSON: the body of an item of the report, and the fields of the Elastic Common Schema.

use schemars::JsonSchema;
use serde::Serialize;

use super::{AddressUpdate, Dialog, Finding, Input, IntervalRequirement, Negotiation, Redirect, Summary};

/// The body of a line by its `record_type`.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[expect(clippy::large_enum_variant, reason = "there is its schema, and no value of it")]
#[serde(tag = "record_type", rename_all = "snake_case")]
pub enum EventKind<'a> {
    /// An input.
    Input(Input),
    /// A redirect.
    Redirect(Redirect),
    /// A negotiation.
    Negotiation(Negotiation),
    /// A row of the table of addresses.
    AddressUpdate(AddressUpdate),
    /// A row of the table of intervals.
    IntervalRequirement(IntervalRequirement),
    /// A finding.
    Finding(Finding),
    /// A dialog.
    Dialog(Dialog<'a>),
    /// The counts, at the end.
    Summary(Summary),
}

/// What log shippers look for (ECS 8).
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct EventFields {
    /// metric, event, alert.
    pub kind: String,
    /// `reinvite.` and the record type.
    pub dataset: String,
    /// The program.
    pub module: String,
    /// The record type.
    pub action: String,
}

/// A line of NDJSON. Redirects and negotiations also have `source`, `destination`, `network`, `user_agent` and `sip` as ECS and
/// Packetbeat name them.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Event<'a> {
    /// The body.
    #[serde(flatten)]
    pub body: EventKind<'a>,
    /// The version of the shape.
    pub schema_version: String,
    /// When it happened; of rows without a time that of the row before.
    #[serde(rename = "@timestamp")]
    pub timestamp: Option<String>,
    /// What kind of line it is.
    pub event: EventFields,
}
