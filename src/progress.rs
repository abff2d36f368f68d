//! How far a run is: written by the run, read by whoever shows it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of a run so far. They are there for people who wait; results never depend on them.
#[derive(Debug, Default)]
pub struct Progress {
    bytes: AtomicU64,
    frames: AtomicU64,
    calls: AtomicU64,
}

impl Progress {
    /// A batch was read.
    pub(crate) fn read(&self, (bytes, frames): (u64, u64)) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.frames.fetch_add(frames, Ordering::Relaxed);
    }

    /// So many calls were seen.
    pub(crate) fn saw_calls(&self, calls: u64) {
        self.calls.store(calls, Ordering::Relaxed);
    }

    /// Bytes of capture files, without their compression.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Frames.
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// Calls.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }
}
