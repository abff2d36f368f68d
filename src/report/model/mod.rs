//! The report as it is written: the only types that serialise. Names and meanings are a contract.

mod dialog;
mod event;
mod quality;
mod tables;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

pub use dialog::{Dialog, Message, RepeatOf, SessionTimer, Short};
pub use event::{Event, EventFields, EventKind};
pub use quality::{CaptureQuality, Frames, Sip};
pub use tables::{AddressUpdate, IntervalClient, IntervalRequirement, Target, UpdateClient};

/// The version of the shape of the report. The major part changes when a field changes its meaning or goes.
pub const SCHEMA_VERSION: &str = "1.0";

/// The whole report.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Report<'a> {
    /// [`SCHEMA_VERSION`].
    pub schema_version: &'static str,
    /// The program.
    pub generator: Generator,
    /// The inputs, in the order given.
    pub inputs: Vec<Input>,
    /// The counts.
    pub summary: Summary,
    /// The redirects, in order of time.
    pub redirects: Vec<Redirect>,
    /// The negotiations, in order of time.
    pub negotiations: Vec<Negotiation>,
    /// What to change in address books and routing tables.
    pub address_updates: Vec<AddressUpdate>,
    /// What to set where so that no 422 happens.
    pub interval_requirements: Vec<IntervalRequirement>,
    /// The findings, in order of time.
    pub findings: Vec<Finding>,
    /// The dialogs asked for, in order of time.
    pub dialogs: Vec<Dialog<'a>>,
    /// What was not looked at, and why.
    pub capture_quality: CaptureQuality,
}

/// The program that wrote the report.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Generator {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// An input.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Input {
    /// As it was named.
    pub path: String,
    /// `pcap`, `pcapng`; null if it is no capture.
    pub format: Option<&'static str>,
    /// The compression around it.
    pub compression: Option<&'static str>,
    /// Its size in bytes; null for a stream.
    pub size_bytes: Option<u64>,
    /// Its frames.
    pub frames: u64,
    /// The earliest time of a frame.
    pub first_time: Option<String>,
    /// The latest time of a frame.
    pub last_time: Option<String>,
    /// The link types of its frames, in order of their first use.
    pub link_types: Vec<String>,
    /// Whether it was read to its end, and its end is not cut.
    pub complete: bool,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// The counts.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Summary {
    /// Frames of all inputs.
    pub frames: u64,
    /// SIP messages, each copy counted.
    pub sip_messages: u64,
    /// Requests by method.
    pub requests: BTreeMap<String, u64>,
    /// Responses by status code.
    pub responses: BTreeMap<String, u64>,
    /// Distinct Call-IDs.
    pub calls: u64,
    /// Those with an INVITE.
    pub invite_calls: u64,
    /// Dialogs that INVITEs created or that were seen.
    pub dialogs: u64,
    /// Redirects.
    pub redirects: RedirectCounts,
    /// Negotiations.
    pub negotiations: NegotiationCounts,
    /// Findings by severity.
    pub findings: BTreeMap<&'static str, u64>,
    /// Findings by rule.
    pub findings_by_rule: BTreeMap<&'static str, u64>,
    /// Findings left out because the baseline has them.
    pub known_findings: u64,
    /// What could not be decided, by rule.
    pub indeterminate: BTreeMap<&'static str, u64>,
}

/// How many redirects there are.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct RedirectCounts {
    /// All.
    pub total: u64,
    /// By status code.
    pub by_status: BTreeMap<String, u64>,
    /// By outcome.
    pub by_outcome: BTreeMap<&'static str, u64>,
}

/// How many negotiations there are.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct NegotiationCounts {
    /// All.
    pub total: u64,
    /// By outcome.
    pub by_outcome: BTreeMap<&'static str, u64>,
}

/// An element seen in the capture.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Party {
    /// Its IP address.
    pub address: String,
    /// The name that was given for the address.
    pub name: Option<String>,
    /// Its port.
    pub port: u16,
    /// `udp`, `tcp`.
    pub transport: &'static str,
    /// User-Agent or Server.
    pub user_agent: Option<String>,
}

/// A Contact of a redirect.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Contact {
    /// The URI as on the wire; null if the value could not be read.
    pub uri: Option<String>,
    /// The display name.
    pub display_name: Option<String>,
    /// Its q value.
    pub q: Option<f64>,
    /// Seconds for which it holds.
    pub expires_s: Option<u64>,
    /// The value as on the wire.
    pub raw: String,
}

/// A frame that shows what is claimed.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Evidence {
    /// Index of the input.
    pub input: u32,
    /// The frame, as Wireshark numbers it.
    pub frame: u64,
    /// The part it plays.
    pub role: &'static str,
}

/// The place of a redirect in its chain.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Chain {
    /// Its id.
    pub id: String,
    /// The place, from 1.
    pub position: u32,
    /// The redirects in it.
    pub length: u32,
}

/// Copies of a response on the hop nearest the client.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Copies {
    /// Sent again.
    pub retransmissions: u32,
    /// Captured twice.
    pub mirror_duplicates: u32,
}

/// A 3xx answer to a request.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Redirect {
    /// Its id.
    pub id: String,
    /// When the response was first seen.
    pub time: String,
    /// The Call-ID.
    pub call_id: String,
    /// The method.
    pub method: String,
    /// The CSeq number.
    pub cseq: u32,
    /// Whether the request had a To tag.
    pub in_dialog: bool,
    /// 300 to 399.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// The Request-URI; null if the request was not captured.
    pub request_uri: Option<String>,
    /// The URI of From.
    pub from: String,
    /// The URI of To.
    pub to: String,
    /// Who has to act on it.
    pub client: Party,
    /// Who answered.
    pub server: Party,
    /// The Contacts, in wire order.
    pub contacts: Vec<Contact>,
    /// followed, looped, no_target, not_followed, undetermined.
    pub outcome: &'static str,
    /// The Request-URI of the follow-up.
    pub followed_to: Option<String>,
    /// strong, medium, weak.
    pub link: Option<&'static str>,
    /// The Call-ID of the follow-up, where it is another one.
    pub followed_in_call: Option<String>,
    /// From the response to the follow-up, in milliseconds.
    pub delay_ms: Option<f64>,
    /// The answer to the follow-up.
    pub attempt_status: Option<u16>,
    /// How the chain ended.
    pub final_status: Option<u16>,
    /// Its place in its chain.
    pub chain: Chain,
    /// The frames that show it.
    pub evidence: Vec<Evidence>,
    /// On how many hops the response was seen.
    pub hops_seen: u32,
    /// Its copies.
    pub copies: Copies,
    /// The findings about it alone; what it says together with other calls is in the list of findings only.
    pub findings: Vec<String>,
}

/// A request that was refused with 422.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Round {
    /// When the 422 was first seen.
    pub time: String,
    /// The CSeq number.
    pub cseq: u32,
    /// Who refused.
    pub server: Party,
    /// Session-Expires of the request.
    pub offered_session_expires_s: Option<u64>,
    /// Min-SE of the request.
    pub offered_min_se_s: Option<u64>,
    /// The refresher the request names.
    pub offered_refresher: Option<&'static str>,
    /// Whether the request lists `timer` in Supported; null if it was not captured.
    pub supports_timer: Option<bool>,
    /// Min-SE of the 422.
    pub demanded_min_se_s: Option<u64>,
    /// The frames that show it.
    pub evidence: Vec<Evidence>,
}

/// A series of 422 answers to one request and its retries.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Negotiation {
    /// Its id.
    pub id: String,
    /// When the first 422 was seen.
    pub time: String,
    /// The Call-ID.
    pub call_id: String,
    /// The method of the first request.
    pub method: String,
    /// Whether that had a To tag.
    pub in_dialog: bool,
    /// Who has to act on it.
    pub client: Party,
    /// The Request-URI of the first request.
    pub request_uri: Option<String>,
    /// The rounds.
    pub rounds: Vec<Round>,
    /// resolved, abandoned, failed, undetermined.
    pub outcome: &'static str,
    /// The largest Min-SE demanded.
    pub required_min_se_s: Option<u64>,
    /// Session-Expires of the last retry.
    pub retry_session_expires_s: Option<u64>,
    /// Min-SE of the last retry.
    pub retry_min_se_s: Option<u64>,
    /// Session-Expires of the 2xx that ended it.
    pub agreed_session_expires_s: Option<u64>,
    /// uac, uas.
    pub refresher: Option<&'static str>,
    /// How the last retry ended.
    pub final_status: Option<u16>,
    /// From the first request to the last retry, in milliseconds.
    pub added_delay_ms: Option<f64>,
    /// The findings about it.
    pub findings: Vec<String>,
}

/// Who and what a finding is about, in terms that stay the same from one capture to the next.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Subject {
    /// The IP address of who has to act on the answer, or sent the request.
    pub client: Option<String>,
    /// The IP address of who answered, or was asked.
    pub server: Option<String>,
    /// The Request-URI; within a dialog the URI of To.
    pub uri: Option<String>,
}

/// A finding.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Finding {
    /// Its id.
    pub id: String,
    /// The rule.
    pub rule: &'static str,
    /// info, notice, warning, error.
    pub severity: &'static str,
    /// strong, medium, weak.
    pub confidence: &'static str,
    /// exchange, negotiation, chain, dialog, client, capture.
    pub scope: &'static str,
    /// When it was seen.
    pub time: String,
    /// The Call-ID; null for what is about no call.
    #[serde(serialize_with = "null_if_empty")]
    pub call_id: String,
    /// Who and what it is about.
    pub subject: Subject,
    /// Rule and subject as one word: the same in every capture, so that reports can be compared.
    pub fingerprint: String,
    /// What was found.
    pub summary: String,
    /// What to do.
    pub remediation: String,
    /// The values that the decision rests on.
    pub values: BTreeMap<&'static str, serde_json::Value>,
    /// RFC and section.
    pub references: &'static [&'static str],
    /// The frames that show it.
    pub evidence: Vec<Evidence>,
    /// A display filter that shows the call.
    pub wireshark_filter: String,
    /// What is known of the place of capture.
    pub context: BTreeMap<&'static str, bool>,
}

fn null_if_empty<S: serde::Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    (!text.is_empty()).then_some(text).serialize(serializer)
}
