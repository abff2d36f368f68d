//! VXLAN (RFC 7348), with the group policy and the generic protocol extension.

use super::{ethernet_frame, ip_packet, mpls, rest};
use crate::decode::Outcome;
use crate::decode::layer::Layer;

const HEADER_LEN: usize = 8;
/// The network identifier is valid.
const VALID_IDENTIFIER: u8 = 0x08;
/// The group policy extension (draft-smith-vxlan-group-policy).
const GROUP_POLICY: u8 = 0x80;
/// The next protocol field is valid (VXLAN-GPE).
const NEXT_PROTOCOL: u8 = 0x04;

/// VXLAN: flags, reserved or group policy, network identifier, a reserved zero, then Ethernet.
pub(super) fn over_udp(layer: Layer<'_>) -> Option<Outcome<'_>> {
    let &[flags, _, _, _, _, _, _, reserved] = layer.bytes.first_chunk()?;
    if flags & !GROUP_POLICY != VALID_IDENTIFIER || reserved != 0 {
        return None;
    }
    Some(rest(layer, HEADER_LEN).and_then(ethernet_frame))
}

/// VXLAN-GPE: the fourth byte names the next protocol.
pub(super) fn generic_over_udp(layer: Layer<'_>) -> Option<Outcome<'_>> {
    let &[flags, _, _, next, _, _, _, reserved] = layer.bytes.first_chunk()?;
    if flags & VALID_IDENTIFIER == 0 || reserved != 0 {
        return None;
    }
    let inner = layer.after(HEADER_LEN)?;
    match (flags & NEXT_PROTOCOL != 0, next) {
        (false, 0) | (true, 3) => Some(ethernet_frame(inner)),
        (true, 1 | 2) => ip_packet(inner),
        (true, 5) => Some(mpls::decode(inner)),
        _ => None,
    }
}
