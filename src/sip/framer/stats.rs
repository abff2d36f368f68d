//! What a framer counts.

use std::ops::AddAssign;

/// What one framer counted, or many together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FramerStats {
    /// Bytes that came in.
    pub bytes: u64,
    /// Messages that were given away.
    pub messages: u64,
    /// Bytes of those messages.
    pub message_bytes: u64,
    /// Messages among them without all of their body.
    pub incomplete: u64,
    /// Bytes of CR and LF between messages (RFC 5626 3.5.1 and RFC 3261 7.5 alike).
    pub keep_alive_bytes: u64,
    /// Bytes that are part of nothing that was given away.
    pub skipped_bytes: u64,
    /// Times when the place of the next message became unknown.
    pub framing_lost: u64,
    /// Messages that were found again, or for the first time in a stream that began before the capture.
    pub resyncs: u64,
    /// Messages that were dropped since they are too long.
    pub oversize: u64,
    /// Messages that were dropped since a part of their head is lost.
    pub cut_by_gap: u64,
    /// Messages that were dropped since the stream ended in their head.
    pub unfinished: u64,
}

impl FramerStats {
    /// Whether every byte is accounted for, when `pending` are still held.
    pub fn conserves(&self, pending: u64) -> bool {
        let accounted = [self.message_bytes, self.keep_alive_bytes, self.skipped_bytes, pending];
        accounted.iter().try_fold(0_u64, |sum, bytes| sum.checked_add(*bytes)) == Some(self.bytes)
    }
}

impl AddAssign for FramerStats {
    fn add_assign(&mut self, other: Self) {
        let Self {
            bytes,
            messages,
            message_bytes,
            incomplete,
            keep_alive_bytes,
            skipped_bytes,
            framing_lost,
            resyncs,
            oversize,
            cut_by_gap,
            unfinished,
        } = other;
        for (sum, more) in [
            (&mut self.bytes, bytes),
            (&mut self.messages, messages),
            (&mut self.message_bytes, message_bytes),
            (&mut self.incomplete, incomplete),
            (&mut self.keep_alive_bytes, keep_alive_bytes),
            (&mut self.skipped_bytes, skipped_bytes),
            (&mut self.framing_lost, framing_lost),
            (&mut self.resyncs, resyncs),
            (&mut self.oversize, oversize),
            (&mut self.cut_by_gap, cut_by_gap),
            (&mut self.unfinished, unfinished),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}
