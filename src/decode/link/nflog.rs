//! NFLOG: attributes of a packet that Linux netfilter logged, the packet itself among them.

use super::raw;
use crate::decode::layer::Layer;
use crate::decode::{Outcome, Skip};

/// Family, version, resource.
const HEADER_LEN: usize = 4;
/// Length and type of an attribute; its value is padded to this.
const ATTRIBUTE_HEADER_LEN: usize = 4;
/// The attribute that holds the packet.
const PAYLOAD: u16 = 9;
/// Bits of the type that are flags.
const TYPE_MASK: u16 = 0x3fff;

/// Decodes the packet. Lengths and types are in the byte order of the machine that captured; types are small, which tells it.
pub(super) fn decode(layer: Layer<'_>) -> Outcome<'_> {
    let mut layer = layer.after(HEADER_LEN).ok_or(Skip::TruncatedLink)?;
    loop {
        let Some(&[a, b, c, d]) = layer.bytes.first_chunk() else { return Err(Skip::TruncatedLink) };
        let little = u16::from_le_bytes([c, d]) & TYPE_MASK <= u16::from_be_bytes([c, d]) & TYPE_MASK;
        let number = |bytes: [u8; 2]| if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) };
        let length = usize::from(number([a, b])).max(ATTRIBUTE_HEADER_LEN);
        if number([c, d]) & TYPE_MASK == PAYLOAD {
            let payload = layer.limit(length).after(ATTRIBUTE_HEADER_LEN).ok_or(Skip::TruncatedLink)?;
            return raw::decode(payload);
        }
        layer = layer.after(length.next_multiple_of(ATTRIBUTE_HEADER_LEN)).ok_or(Skip::TruncatedLink)?;
    }
}
