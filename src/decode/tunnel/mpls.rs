//! MPLS (RFC 3032), Ethernet pseudowires in it (RFC 4448), and MPLS over UDP (RFC 7510).

use super::{ethernet_frame, ip_packet, rest};
use crate::decode::layer::Layer;
use crate::decode::{Outcome, Skip, ethertype};
use crate::limits::MAX_LAYERS;

/// Bytes of a label stack entry, and of the control word of a pseudowire.
const ENTRY_LEN: usize = 4;
const CONTROL_WORD_LEN: usize = 4;
/// Where the Ethertype stands in an Ethernet frame.
const ETHERTYPE_AT: usize = 12;

/// Decodes what a label stack carries.
///
/// The stack does not say what that is. IP has its version in the first half byte; a pseudowire has a control word that begins
/// with 0, or none. Where Ethernet begins is told by where its Ethertype makes sense.
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
    let is_ethernet = |skipped: usize| layer.u16_at(skipped + ETHERTYPE_AT).is_some_and(ethertype::is_known);
    if is_ip(layer) {
        return ip_packet(layer).unwrap_or(Err(Skip::Mpls));
    }
    if is_ethernet(0) {
        return ethernet_frame(layer);
    }
    if layer.bytes.first().is_some_and(|first| first >> 4 == 0) && is_ethernet(CONTROL_WORD_LEN) {
        return ethernet_frame(rest(layer, CONTROL_WORD_LEN)?);
    }
    Err(layer.too_short(Skip::TruncatedTunnel, Skip::Mpls))
}

/// Whether it begins like an IP packet whose length is not beyond the frame.
fn is_ip(layer: Layer<'_>) -> bool {
    let room = layer.bytes.len().saturating_add(layer.missing);
    match layer.bytes.first() {
        Some(0x45..=0x4f) => layer.u16_at(2).is_some_and(|length| usize::from(length) <= room),
        Some(0x60..=0x6f) => layer.u16_at(4).is_some_and(|length| usize::from(length).saturating_add(40) <= room),
        _ => false,
    }
}

/// MPLS over UDP, if a label stack with an end and something known inside is there.
pub(super) fn over_udp(layer: Layer<'_>) -> Option<Outcome<'_>> {
    match decode(layer) {
        Err(Skip::Mpls | Skip::TruncatedTunnel | Skip::TooManyLayers) => None,
        inner => Some(inner),
    }
}
