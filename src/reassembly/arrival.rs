//! When and in which frame something arrived.

use crate::time::Timestamp;

/// The frame in which a segment arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    /// Index of the input.
    pub input: u32,
    /// Number of the frame in its input, from 1.
    pub frame: u64,
    /// Capture time of the frame.
    pub time: Timestamp,
    /// The capture time that is known to be reached; never goes back from one segment to the next. Timeouts go by it.
    pub watermark: Timestamp,
}
