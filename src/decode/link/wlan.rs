//! IEEE 802.11 data frames (IEEE 802.11 9.3.2), whose payload begins with LLC.

use crate::decode::layer::Layer;
use crate::decode::{Outcome, Skip, ethertype};

/// Bytes of a header with three addresses, of the fourth address, of QoS control and of HT control.
const HEADER_LEN: usize = 24;
const ADDRESS_LEN: usize = 6;
const QOS_LEN: usize = 2;
const HT_LEN: usize = 4;
/// Bytes of the header of a frame in an aggregate: two addresses and a length.
const SUBFRAME_HEADER_LEN: usize = 14;

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

/// Decodes a data frame. Of an aggregate the first frame is taken.
pub(super) fn decode(layer: Layer<'_>) -> Outcome<'_> {
    let Some(&[control, flags]) = layer.bytes.first_chunk() else { return Err(Skip::TruncatedLink) };
    if control & 3 != 0 || control >> 2 & 3 != DATA || control & SUBTYPE_NO_DATA != 0 {
        return Err(Skip::WlanNoData);
    }
    if flags & PROTECTED != 0 {
        return Err(Skip::WlanEncrypted);
    }
    let addresses_len = HEADER_LEN + if flags & TO_AND_FROM_DS == TO_AND_FROM_DS { ADDRESS_LEN } else { 0 };
    if control & SUBTYPE_QOS == 0 {
        return ethertype::llc(layer.after(addresses_len).ok_or(Skip::TruncatedLink)?);
    }
    let qos = *layer.bytes.get(addresses_len).ok_or(Skip::TruncatedLink)?;
    let header_len = addresses_len + QOS_LEN + if flags & ORDER != 0 { HT_LEN } else { 0 };
    let payload = layer.after(header_len).ok_or(Skip::TruncatedLink)?;
    if qos & AGGREGATE == 0 {
        return ethertype::llc(payload);
    }
    let length = payload.u16_at(2 * ADDRESS_LEN).ok_or(Skip::TruncatedLink)?;
    ethertype::llc(payload.after(SUBFRAME_HEADER_LEN).ok_or(Skip::TruncatedLink)?.limit(usize::from(length)))
}
