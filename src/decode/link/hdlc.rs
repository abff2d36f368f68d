//! Serial lines: PPP in HDLC-like framing (RFC 1662), Cisco HDLC (RFC 1547 4.3.1).

use crate::decode::layer::Layer;
use crate::decode::{Outcome, Skip, ethertype, tunnel};

/// Addresses of Cisco HDLC: unicast and broadcast.
const CISCO_ADDRESSES: [u8; 2] = [0x0f, 0x8f];
/// Bytes of address, control and Ethertype.
const CISCO_HEADER_LEN: usize = 4;

/// Decodes a frame of a line that runs PPP or, as its first byte says, Cisco HDLC.
pub(super) fn ppp(layer: Layer<'_>) -> Outcome<'_> {
    if layer.bytes.first().is_some_and(|address| CISCO_ADDRESSES.contains(address)) {
        return cisco(layer);
    }
    tunnel::ppp::decode(layer)
}

/// Decodes a PPP frame behind a byte that says who sent it.
pub(super) fn ppp_with_direction(layer: Layer<'_>) -> Outcome<'_> {
    tunnel::ppp::decode(layer.after(1).ok_or(Skip::TruncatedLink)?)
}

/// Decodes a Cisco HDLC frame.
pub(super) fn cisco(layer: Layer<'_>) -> Outcome<'_> {
    let (Some(number), Some(payload)) = (layer.u16_at(2), layer.after(CISCO_HEADER_LEN)) else {
        return Err(Skip::TruncatedLink);
    };
    ethertype::known(number, payload)
}
