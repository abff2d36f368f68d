//! A frame, as the rooms downstream see it.

use crate::net::LinkType;
use crate::time::Timestamp;

/// One frame of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Number of the frame in its input, from 1, as Wireshark shows it.
    pub number: u64,
    /// When it was captured. A frame without a time has that of the frame before it in the input, or 1970-01-01.
    pub time: Timestamp,
    /// Capture time known to be reached in the source of the frame. Never goes back.
    pub watermark: Timestamp,
    /// What the bytes begin with.
    pub link: LinkType,
    /// Bytes the packet had on the wire; never less than `bytes` holds.
    pub wire_len: u32,
    /// The captured bytes, without any header of the capture format.
    pub bytes: &'a [u8],
    /// Offset of `bytes` in the (decompressed) input.
    pub offset: u64,
}
