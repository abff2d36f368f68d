//! PKTAP: what macOS puts in front of frames when it captures on several interfaces at once.

use crate::decode::layer::Layer;
use crate::decode::{Outcome, Skip};
use crate::net::LinkType;

/// Where the kind of record and the link type of the frame stand, all numbers little-endian.
const KIND_AT: usize = 4;
const LINK_AT: usize = 8;
/// Bytes of the header up to the link type; the rest names the interface and the process.
const SMALLEST_LEN: usize = 12;
/// The kind of a record that holds a frame.
const PACKET: u32 = 1;

/// Length of the header, kind of record, link type of the frame behind the header.
pub(super) fn decode(layer: Layer<'_>) -> Outcome<'_> {
    let word = |start: usize| layer.bytes.get(start..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    let (Some(length), Some(kind), Some(link)) = (word(0), word(KIND_AT), word(LINK_AT)) else {
        return Err(Skip::TruncatedLink);
    };
    if kind != PACKET {
        return Err(Skip::NoPacket);
    }
    let length = usize::try_from(length).map_err(|_| Skip::TruncatedLink)?;
    let frame = layer.after(length.max(SMALLEST_LEN)).ok_or(Skip::TruncatedLink)?;
    super::decode(LinkType(link), frame.deeper()?)
}
