//! Ethernet II and IEEE 802.3: two addresses of 6 bytes, then an Ethertype or a length.

use crate::decode::layer::Layer;
use crate::decode::{Outcome, Skip, ethertype};

/// Bytes of the header, and where in it the Ethertype stands.
const HEADER_LEN: usize = 14;
const ETHERTYPE_AT: usize = 12;

/// Decodes an Ethernet frame. Addresses are not looked at: mirror ports show frames for anyone.
pub(in crate::decode) fn decode(layer: Layer<'_>) -> Outcome<'_> {
    let (Some(number), Some(payload)) = (layer.u16_at(ETHERTYPE_AT), layer.after(HEADER_LEN)) else {
        return Err(Skip::TruncatedLink);
    };
    ethertype::decode(number, payload)
}

/// Whether an Ethernet frame may begin after `skipped` bytes: its Ethertype is known, and IP behind it has the version that it
/// says. For tunnels that do not tell what they carry, or how long their own header is.
pub(in crate::decode) fn may_begin(layer: Layer<'_>, skipped: usize) -> bool {
    let Some(frame) = layer.after(skipped) else { return false };
    let version = || frame.bytes.get(HEADER_LEN).map(|first| first >> 4);
    match frame.u16_at(ETHERTYPE_AT) {
        Some(ethertype::IPV4) => version() == Some(4),
        Some(ethertype::IPV6) => version() == Some(6),
        Some(number) => ethertype::is_known(number),
        None => false,
    }
}
