//! IEEE 802.11 data frames (IEEE 802.11 9.3.2), whose payload begins with LLC.

use crate::decode::layer::Layer;
use crate::decode::{Aggregate, Decoded, Outcome, Skip, ethertype};

/// Bytes of a header with three addresses, of the fourth address, of QoS control and of HT control.
const HEADER_LEN: usize = 24;
const ADDRESS_LEN: usize = 6;
const QOS_LEN: usize = 2;
const HT_LEN: usize = 4;
/// Bytes of the header of a frame in an aggregate: two addresses and a length.
const SUBFRAME_HEADER_LEN: usize = 14;

/// What frames in an aggregate begin at multiples of, and the payload where drivers pad headers.
const PADDED_TO: usize = 4;

/// Frame control: the type, of which 2 is data, and the bits of the subtype.
const DATA: u8 = 2;
const SUBTYPE_NO_DATA: u8 = 0x40;
const SUBTYPE_QOS: u8 = 0x80;
/// Frame control, second byte.
const TO_AND_FROM_DS: u8 = 0x03;
const PROTECTED: u8 = 0x40;
const ORDER: u8 = 0x80;
/// QoS control: the payload is an aggregate (A-MSDU).
const AGGREGATE: u8 = 0x80;

/// Decodes a data frame.
pub(super) fn decode(layer: Layer<'_>) -> Outcome<'_> {
    frame(layer, false)
}

/// Decodes a data frame whose payload begins at a multiple of 4 bytes, as some drivers write it.
pub(super) fn padded(layer: Layer<'_>) -> Outcome<'_> {
    frame(layer, true)
}

fn frame(layer: Layer<'_>, is_padded: bool) -> Outcome<'_> {
    let Some(&[control, flags]) = layer.bytes.first_chunk() else { return Err(Skip::TruncatedLink) };
    if control & 3 != 0 || control >> 2 & 3 != DATA || control & SUBTYPE_NO_DATA != 0 {
        return Err(Skip::WlanNoData);
    }
    if flags & PROTECTED != 0 {
        return Err(Skip::WlanEncrypted);
    }
    let addresses_len = HEADER_LEN + if flags & TO_AND_FROM_DS == TO_AND_FROM_DS { ADDRESS_LEN } else { 0 };
    let has_qos = control & SUBTYPE_QOS != 0;
    let qos_len = if has_qos { QOS_LEN + if flags & ORDER != 0 { HT_LEN } else { 0 } } else { 0 };
    let header_len = addresses_len + qos_len;
    let header_len = if is_padded { header_len.next_multiple_of(PADDED_TO) } else { header_len };
    let qos = if has_qos { *layer.bytes.get(addresses_len).ok_or(Skip::TruncatedLink)? } else { 0 };
    let payload = layer.after(header_len).ok_or(Skip::TruncatedLink)?;
    if qos & AGGREGATE == 0 { ethertype::llc(payload) } else { aggregate(payload) }
}

/// The frames of an aggregate; the only one by itself.
fn aggregate(layer: Layer<'_>) -> Outcome<'_> {
    let (first, rest) = split(layer).ok_or(Skip::TruncatedLink)?;
    if split(rest).is_none() { first } else { Ok(Decoded::Aggregate(Aggregate { rest: layer.deeper()? })) }
}

/// The first frame of an aggregate, and those behind it: two addresses, a length, LLC, padding to a multiple of 4 bytes.
pub(in crate::decode) fn split(layer: Layer<'_>) -> Option<(Outcome<'_>, Layer<'_>)> {
    let length = usize::from(layer.u16_at(2 * ADDRESS_LEN)?);
    let content = layer.after(SUBFRAME_HEADER_LEN)?;
    let end = (SUBFRAME_HEADER_LEN + length).next_multiple_of(PADDED_TO).min(layer.bytes.len());
    Some((ethertype::llc(content.limit(length)), layer.after(end)?))
}
