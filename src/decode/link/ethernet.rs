//! Ethernet II and IEEE 802.3: two addresses of 6 bytes, then an Ethertype or a length.

use crate::decode::layer::Layer;
use crate::decode::{Outcome, Skip, ethertype};

/// Bytes of the header.
const HEADER_LEN: usize = 14;

/// Decodes an Ethernet frame. Addresses are not looked at: mirror ports show frames for anyone.
pub(in crate::decode) fn decode(layer: Layer<'_>) -> Outcome<'_> {
    let (Some(number), Some(payload)) = (layer.u16_at(12), layer.after(HEADER_LEN)) else {
        return Err(Skip::TruncatedLink);
    };
    ethertype::decode(number, payload)
}
