//! What was not looked at, and why.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

/// What was looked at, what was not, and why.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct CaptureQuality {
    /// Frames read, frames aggregated and packets reassembled = aggregates + datagrams + segments + SCTP packets + fragments + skipped.
    pub frames: Frames,
    /// UDP datagrams and what agents relayed, by what they are.
    pub datagrams: BTreeMap<&'static str, u64>,
    /// Pieces of IP packets.
    pub fragments: BTreeMap<&'static str, u64>,
    /// TCP segments and streams.
    pub tcp: BTreeMap<&'static str, u64>,
    /// SCTP chunks with data: chunks = used + duplicates + unwanted + given_up.
    pub sctp: BTreeMap<&'static str, u64>,
    /// SIP: framed = parsed + rejected.
    pub sip: Sip,
    /// Packets that the capture holds twice; set aside before correlation.
    pub mirror_duplicates: u64,
    /// Limits that were reached, with how often.
    pub limits_reached: BTreeMap<&'static str, u64>,
}

/// What became of the frames.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Frames {
    /// All.
    pub read: u64,
    /// Packets put together from fragments, each looked at like a frame.
    pub reassembled: u64,
    /// Frames that hold several.
    pub aggregates: u64,
    /// Frames in those, each looked at by itself.
    pub aggregated: u64,
    /// UDP datagrams.
    pub datagrams: u64,
    /// TCP segments.
    pub segments: u64,
    /// SCTP packets.
    pub sctp_packets: u64,
    /// Fragments of IP packets.
    pub fragments: u64,
    /// Not looked at, by cause.
    pub skipped: BTreeMap<&'static str, u64>,
}

/// What became of what looked like SIP.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Sip {
    /// Datagrams and pieces of streams taken for a message.
    pub framed: u64,
    /// Of those, the ones that are.
    pub parsed: u64,
    /// Those that are none.
    pub rejected: u64,
    /// Why those are none.
    pub rejected_causes: BTreeMap<&'static str, u64>,
    /// Parsed, but without what correlation needs.
    pub uncorrelated: u64,
    /// Oddities that were tolerated, by kind.
    pub anomalies: BTreeMap<&'static str, u64>,
}
