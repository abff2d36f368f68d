//! What a WebSocket counts.

use std::ops::AddAssign;

/// What one direction of a WebSocket counted, or many together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WebSocketStats {
    /// Bytes that came in.
    pub bytes: u64,
    /// Bytes of heads of upgrades.
    pub head_bytes: u64,
    /// Bytes of frames that were taken.
    pub frame_bytes: u64,
    /// Bytes that are part of no frame that was taken.
    pub skipped_bytes: u64,
    /// Heads of upgrades.
    pub upgrades: u64,
    /// Whole frames.
    pub frames: u64,
    /// Of those, close, ping and pong.
    pub control_frames: u64,
    /// Whole messages that could be read.
    pub messages: u64,
    /// Of those, the ones that were not recognised.
    pub other_messages: u64,
    /// Compressed messages.
    pub compressed: u64,
    /// Of those, the ones that could not be unpacked.
    pub unreadable: u64,
    /// Messages that were dropped since they are too long.
    pub oversize: u64,
    /// Times when something stood where a frame must be that is none.
    pub framing_lost: u64,
    /// Times when a frame was found again.
    pub resyncs: u64,
}

impl WebSocketStats {
    /// Whether every byte is accounted for, when `pending` are still held.
    pub const fn conserves(&self, pending: u64) -> bool {
        self.bytes == self.head_bytes + self.frame_bytes + self.skipped_bytes + pending
    }
}

impl AddAssign<&Self> for WebSocketStats {
    fn add_assign(&mut self, other: &Self) {
        self.bytes += other.bytes;
        self.head_bytes += other.head_bytes;
        self.frame_bytes += other.frame_bytes;
        self.skipped_bytes += other.skipped_bytes;
        self.upgrades += other.upgrades;
        self.frames += other.frames;
        self.control_frames += other.control_frames;
        self.messages += other.messages;
        self.other_messages += other.other_messages;
        self.compressed += other.compressed;
        self.unreadable += other.unreadable;
        self.oversize += other.oversize;
        self.framing_lost += other.framing_lost;
        self.resyncs += other.resyncs;
    }
}
