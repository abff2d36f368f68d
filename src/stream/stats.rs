//! What became of TCP connections.

use std::ops::AddAssign;

use crate::decode::Segment;
use crate::reassembly::AssemblerStats;

/// Counts of TCP connections and their segments. Each connection is in exactly one of the counts that [`Self::adds_up`]
/// names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamStats {
    /// Connections begun: each by a SYN, or by payload where none was known.
    pub connections: u64,
    /// Connections that proved to be ours, however they ended.
    pub ours: u64,
    /// Connections that ended with a FIN in both directions, or a RST.
    pub ended: u64,
    /// Of those, the ones that ended with a RST.
    pub reset: u64,
    /// Connections in whose place a new one began, with another initial sequence number.
    pub replaced: u64,
    /// Connections that proved not to be ours.
    pub dismissed: u64,
    /// Of those, the ones that are encrypted: they begin like TLS (RFC 8446 5.1).
    pub tls: u64,
    /// Headers of load balancers at the beginning of streams (PROXY protocol); they were taken off.
    pub proxy_headers: u64,
    /// Connections that were idle for too long.
    pub expired: u64,
    /// Connections that were given up for a limit.
    pub evicted: u64,
    /// Times a connection lost what was no whole message yet, for a limit.
    pub shed: u64,
    /// Connections that were still there when the input ended.
    pub unfinished: u64,
    /// Connections that are there now.
    pub open: u64,
    /// Segments given to the table.
    pub segments: u64,
    /// Segments of connections that were ended or dismissed, of none, or with a RST.
    pub ignored_segments: u64,
    /// Captured payload bytes given to the table.
    pub bytes: u64,
    /// Captured payload bytes of ignored segments.
    pub ignored_bytes: u64,
    /// The segments that were not ignored.
    pub assembler: AssemblerStats,
}

impl StreamStats {
    /// Counts a segment that says nothing.
    pub(super) const fn ignore(&mut self, segment: &Segment<'_>) {
        self.segments += 1;
        self.ignored_segments += 1;
        self.bytes += segment.payload.len() as u64;
        self.ignored_bytes += segment.payload.len() as u64;
    }

    /// Conservation: every connection, segment and captured byte is in exactly one of the counts.
    pub const fn adds_up(&self) -> bool {
        self.connections
            == self.ended + self.replaced + self.dismissed + self.expired + self.evicted + self.unfinished + self.open
            && self.segments == self.ignored_segments + self.assembler.segments
            && self.bytes == self.ignored_bytes + self.assembler.bytes
            && self.assembler.adds_up()
    }
}

impl AddAssign<&Self> for StreamStats {
    fn add_assign(&mut self, other: &Self) {
        self.connections += other.connections;
        self.ours += other.ours;
        self.ended += other.ended;
        self.reset += other.reset;
        self.replaced += other.replaced;
        self.dismissed += other.dismissed;
        self.tls += other.tls;
        self.proxy_headers += other.proxy_headers;
        self.expired += other.expired;
        self.evicted += other.evicted;
        self.shed += other.shed;
        self.unfinished += other.unfinished;
        self.open += other.open;
        self.segments += other.segments;
        self.ignored_segments += other.ignored_segments;
        self.bytes += other.bytes;
        self.ignored_bytes += other.ignored_bytes;
        self.assembler += &other.assembler;
    }
}
