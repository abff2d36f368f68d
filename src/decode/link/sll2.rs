//! Linux cooked capture, version 2: a header of 20 bytes that begins with the protocol.

use super::sll;
use crate::decode::layer::Layer;
use crate::decode::{Outcome, Skip};

/// Bytes of the header.
const HEADER_LEN: usize = 20;

/// Decodes a cooked frame: protocol, reserved, interface index, ARPHRD type, packet type, address length, address.
pub(super) fn decode(layer: Layer<'_>) -> Outcome<'_> {
    let (Some(protocol), Some(hardware), Some(payload)) = (layer.u16_at(0), layer.u16_at(8), layer.after(HEADER_LEN))
    else {
        return Err(Skip::TruncatedLink);
    };
    sll::payload_of(hardware, protocol, payload)
}
