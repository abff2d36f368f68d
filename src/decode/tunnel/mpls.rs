//! MPLS (RFC 3032), Ethernet pseudowires in it (RFC 4448), and MPLS over UDP (RFC 7510).

use super::{ethernet_frame, ip_packet, rest};
use crate::decode::layer::Layer;
use crate::decode::link::ethernet;
use crate::decode::{Outcome, Skip};
use crate::limits::MAX_LAYERS;

/// Bytes of a label stack entry, and of the control word of a pseudowire.
const ENTRY_LEN: usize = 4;
const CONTROL_WORD_LEN: usize = 4;

/// Decodes what a label stack carries.
///
/// The stack does not say what that is. IP has its version in the first half byte, as an address of Ethernet may have; a pseudowire
/// has a control word that begins with 0, or none. Lengths that fit to the byte, and then Ethertypes that make sense, tell.
pub(in crate::decode) fn decode(layer: Layer<'_>) -> Outcome<'_> {
    let mut layer = layer.deeper()?;
    for _ in 0..MAX_LAYERS {
        let bottom = layer.bytes.get(2).ok_or(Skip::TruncatedTunnel)? & 1 == 1;
        layer = rest(layer, ENTRY_LEN)?;
        if bottom {
            return payload(layer);
        }
    }
    Err(Skip::TooManyLayers)
}

fn payload(layer: Layer<'_>) -> Outcome<'_> {
    let room = layer.bytes.len().saturating_add(layer.missing);
    let length = ip_length(layer);
    if length != Some(room) {
        if ethernet::may_begin(layer, 0) {
            return ethernet_frame(layer);
        }
        if layer.bytes.first().is_some_and(|first| first >> 4 == 0) && ethernet::may_begin(layer, CONTROL_WORD_LEN) {
            return ethernet_frame(rest(layer, CONTROL_WORD_LEN)?);
        }
    }
    if length.is_some_and(|length| length <= room) {
        return ip_packet(layer).unwrap_or(Err(Skip::Mpls));
    }
    Err(layer.too_short(Skip::TruncatedTunnel, Skip::Mpls))
}

/// The length that an IP packet says it has, if this begins like one.
fn ip_length(layer: Layer<'_>) -> Option<usize> {
    match layer.bytes.first()? {
        0x45..=0x4f => layer.u16_at(2).map(usize::from),
        0x60..=0x6f => layer.u16_at(4).map(|length| usize::from(length).saturating_add(40)),
        _ => None,
    }
}

/// MPLS over UDP, if a label stack with an end and something known inside is there.
pub(super) fn over_udp(layer: Layer<'_>) -> Option<Outcome<'_>> {
    match decode(layer) {
        Err(Skip::Mpls | Skip::TruncatedTunnel | Skip::TooManyLayers) => None,
        inner => Some(inner),
    }
}
