//! What capturing hosts put in front of IEEE 802.11 frames: radiotap, Prism, AVS, and Per-Packet Information.

use super::wlan;
use crate::decode::layer::Layer;
use crate::decode::{Outcome, Skip};
use crate::net::LinkType;

/// Bytes of a Prism header; its length field is not always filled in.
const PRISM_LEN: usize = 144;
/// The first bytes of an AVS header, which some drivers write under the number of Prism.
const AVS_MAGIC: [u8; 3] = [0x80, 0x21, 0x10];
const SMALLEST_AVS_LEN: u32 = 64;
const SMALLEST_RADIOTAP_LEN: usize = 8;
/// Radiotap: the presence word, of which bit 0 is a time of 8 bytes and bit 1 the flags, and bit 31 another presence word.
const PRESENT_TIME: u32 = 1;
const PRESENT_FLAGS: u32 = 2;
const PRESENT_MORE: u32 = 1 << 31;
/// Flags: the header is padded to 4 bytes.
const FLAG_PADDED: u8 = 0x20;

/// Radiotap: version, padding, length (little-endian), presence words, fields.
pub(super) fn radiotap(layer: Layer<'_>) -> Outcome<'_> {
    let length = usize::from(u16_le(layer, 2).ok_or(Skip::TruncatedLink)?);
    if length < SMALLEST_RADIOTAP_LEN {
        return Err(Skip::TruncatedLink);
    }
    let frame = layer.after(length).ok_or(Skip::TruncatedLink)?;
    // Between header and payload stand up to two bytes, so that the payload begins at a multiple of 4.
    if flags(layer) & FLAG_PADDED == 0 { wlan::decode(frame) } else { wlan::padded(frame) }
}

/// The radiotap flags, 0 if there are none.
fn flags(layer: Layer<'_>) -> u8 {
    let words = layer.bytes.get(4..).unwrap_or_default().as_chunks::<4>().0;
    let first = words.first().map_or(0, |word| u32::from_le_bytes(*word));
    if first & PRESENT_FLAGS == 0 {
        return 0;
    }
    let more = words.iter().take_while(|word| u32::from_le_bytes(**word) & PRESENT_MORE != 0).count();
    let fields = 4 + (more + 1) * 4;
    // A time is aligned to 8 bytes.
    let at = if first & PRESENT_TIME != 0 { fields.next_multiple_of(8) + 8 } else { fields };
    layer.bytes.get(at).copied().unwrap_or_default()
}

/// Prism, or AVS under its number.
pub(super) fn prism(layer: Layer<'_>) -> Outcome<'_> {
    if layer.bytes.starts_with(&AVS_MAGIC) {
        return avs(layer);
    }
    wlan::decode(layer.after(PRISM_LEN).ok_or(Skip::TruncatedLink)?)
}

/// AVS: a magic number with its version, the length (big-endian).
pub(super) fn avs(layer: Layer<'_>) -> Outcome<'_> {
    let length = layer.bytes.get(4..).and_then(|bytes| bytes.first_chunk()).ok_or(Skip::TruncatedLink)?;
    let length = u32::from_be_bytes(*length);
    if length < SMALLEST_AVS_LEN {
        return Err(Skip::TruncatedLink);
    }
    let length = usize::try_from(length).map_err(|_| Skip::TruncatedLink)?;
    wlan::decode(layer.after(length).ok_or(Skip::TruncatedLink)?)
}

/// Per-Packet Information: version, flags, length (little-endian), the link type of what follows.
pub(super) fn ppi(layer: Layer<'_>) -> Outcome<'_> {
    let length = usize::from(u16_le(layer, 2).ok_or(Skip::TruncatedLink)?);
    let link = layer.bytes.get(4..).and_then(|bytes| bytes.first_chunk()).ok_or(Skip::TruncatedLink)?;
    let inner = layer.after(length.max(8)).ok_or(Skip::TruncatedLink)?;
    super::decode(LinkType(u32::from_le_bytes(*link)), inner.deeper()?)
}

fn u16_le(layer: Layer<'_>, offset: usize) -> Option<u16> {
    layer.u16_at(offset).map(u16::swap_bytes)
}
