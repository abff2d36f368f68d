//! What became of fragments and segments.

use std::ops::AddAssign;

/// Counts of IP fragments. Each fragment is in exactly one of the counts that [`Self::adds_up`] names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FragmentStats {
    /// Fragments given to the table.
    pub fragments: u64,
    /// Fragments that became part of a whole packet.
    pub used: u64,
    /// Fragments of which every byte was there already.
    pub duplicates: u64,
    /// Fragments of which the capture holds a part only.
    pub truncated: u64,
    /// Fragments that are empty, end beyond 65535 bytes, or contradict the length that others gave the packet.
    pub refused: u64,
    /// Fragments of packets that were not whole in time.
    pub timed_out: u64,
    /// Fragments of packets that were given up for a limit.
    pub evicted: u64,
    /// Fragments that wait for the rest of their packet.
    pub open: u64,
    /// Packets put together.
    pub packets: u64,
    /// Fragments that said something else about bytes that were there already.
    pub conflicts: u64,
}

impl FragmentStats {
    /// Conservation: every fragment is in exactly one of the counts.
    pub const fn adds_up(&self) -> bool {
        self.fragments
            == self.used + self.duplicates + self.truncated + self.refused + self.timed_out + self.evicted + self.open
    }
}

impl AddAssign<&Self> for FragmentStats {
    fn add_assign(&mut self, other: &Self) {
        self.fragments += other.fragments;
        self.used += other.used;
        self.duplicates += other.duplicates;
        self.truncated += other.truncated;
        self.refused += other.refused;
        self.timed_out += other.timed_out;
        self.evicted += other.evicted;
        self.open += other.open;
        self.packets += other.packets;
        self.conflicts += other.conflicts;
    }
}

/// Counts of TCP segments and their payload. Each captured payload byte is in exactly one of the counts that
/// [`Self::adds_up`] names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AssemblerStats {
    /// Segments taken.
    pub segments: u64,
    /// Segments with a payload that came before an earlier part of their stream.
    pub out_of_order_segments: u64,
    /// Segments with a payload of which nothing was new: retransmissions, keep-alive probes, copies of a mirror port.
    pub duplicate_segments: u64,
    /// Captured payload bytes taken.
    pub bytes: u64,
    /// Bytes delivered in order.
    pub delivered_bytes: u64,
    /// Bytes whose place in the stream was taken, or delivered past, already.
    pub duplicate_bytes: u64,
    /// Bytes without a place in the stream, or held when their flow was dropped.
    pub dropped_bytes: u64,
    /// Bytes that wait for an earlier part of their stream.
    pub held_bytes: u64,
    /// Holes that the stream went on without.
    pub gaps: u64,
    /// Bytes in those holes.
    pub gap_bytes: u64,
    /// Segments that said something else about bytes that were held already.
    pub conflicts: u64,
    /// Times a stream went on at a sequence number that has nothing to do with the one before.
    pub resets: u64,
}

impl AssemblerStats {
    /// Conservation: every captured byte is in exactly one of the counts.
    pub const fn adds_up(&self) -> bool {
        self.bytes == self.delivered_bytes + self.duplicate_bytes + self.dropped_bytes + self.held_bytes
    }
}

impl AddAssign<&Self> for AssemblerStats {
    fn add_assign(&mut self, other: &Self) {
        self.segments += other.segments;
        self.out_of_order_segments += other.out_of_order_segments;
        self.duplicate_segments += other.duplicate_segments;
        self.bytes += other.bytes;
        self.delivered_bytes += other.delivered_bytes;
        self.duplicate_bytes += other.duplicate_bytes;
        self.dropped_bytes += other.dropped_bytes;
        self.held_bytes += other.held_bytes;
        self.gaps += other.gaps;
        self.gap_bytes += other.gap_bytes;
        self.conflicts += other.conflicts;
        self.resets += other.resets;
    }
}

/// Counts of SCTP chunks with data. Each chunk is in exactly one of the counts that [`Self::adds_up`] names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SctpStats {
    /// Packets with such chunks.
    pub packets: u64,
    /// Directions of associations that had messages that are wanted.
    pub directions: u64,
    /// Chunks with data.
    pub chunks: u64,
    /// Chunks that became part of a message that was given away.
    pub used: u64,
    /// Chunks that were seen before.
    pub duplicates: u64,
    /// Chunks of messages that are not wanted.
    pub unwanted: u64,
    /// Chunks of messages whose beginning is missing, or of which the capture holds a part only.
    pub given_up: u64,
    /// Chunks that wait for others of their message.
    pub open: u64,
    /// Messages given away.
    pub messages: u64,
    /// Messages among them whose end is missing.
    pub cut: u64,
    /// Chunks that the capture lacks.
    pub lost_chunks: u64,
    /// Times something was given up for a limit.
    pub evictions: u64,
}

impl SctpStats {
    /// Conservation: every chunk is in exactly one of the counts.
    pub const fn adds_up(&self) -> bool {
        self.chunks == self.used + self.duplicates + self.unwanted + self.given_up + self.open
    }
}

impl AddAssign<&Self> for SctpStats {
    fn add_assign(&mut self, other: &Self) {
        self.packets += other.packets;
        self.directions += other.directions;
        self.chunks += other.chunks;
        self.used += other.used;
        self.duplicates += other.duplicates;
        self.unwanted += other.unwanted;
        self.given_up += other.given_up;
        self.open += other.open;
        self.messages += other.messages;
        self.cut += other.cut;
        self.lost_chunks += other.lost_chunks;
        self.evictions += other.evictions;
    }
}
