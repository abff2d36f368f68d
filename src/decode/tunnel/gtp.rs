//! GTP-U version 1 (3GPP TS 29.281): user packets of mobile networks, those of IMS among them.

use super::{ip_packet, rest};
use crate::decode::layer::Layer;
use crate::decode::{Outcome, Skip};

/// Version 1, protocol type GTP.
const VERSION_AND_TYPE: u8 = 0x30;
const VERSION_AND_TYPE_MASK: u8 = 0xf0;
/// Extension headers, a sequence number or an N-PDU number follow: if any does, so does the room for all.
const OPTIONAL_FIELDS: u8 = 0x07;
const EXTENSION: u8 = 0x04;
/// The message type of user packets.
const USER_PACKET: u8 = 255;
const HEADER_LEN: usize = 8;
const OPTIONAL_LEN: usize = 4;

/// Flags, type, length, tunnel identifier, optional fields, extension headers, then IP.
pub(super) fn over_udp(layer: Layer<'_>) -> Option<Outcome<'_>> {
    let &[flags, message, ..] = layer.bytes.first_chunk::<HEADER_LEN>()?;
    if flags & VERSION_AND_TYPE_MASK != VERSION_AND_TYPE || message != USER_PACKET {
        return None;
    }
    let length = usize::from(layer.u16_at(2)?);
    if length > layer.bytes.len().saturating_add(layer.missing).saturating_sub(HEADER_LEN) {
        return None;
    }
    Some(payload(layer, flags, length))
}

fn payload(layer: Layer<'_>, flags: u8, length: usize) -> Outcome<'_> {
    let mut inner = rest(layer, HEADER_LEN)?.limit(length);
    if flags & OPTIONAL_FIELDS != 0 {
        let mut next = *inner.bytes.get(OPTIONAL_LEN - 1).ok_or(Skip::TruncatedTunnel)?;
        inner = rest(inner, OPTIONAL_LEN)?;
        // An extension header: its length in words, content, the type of the next one.
        while flags & EXTENSION != 0 && next != 0 {
            let words = usize::from(*inner.bytes.first().ok_or(Skip::TruncatedTunnel)?);
            let length = words.max(1) * 4;
            next = *inner.bytes.get(length - 1).ok_or(Skip::TruncatedTunnel)?;
            inner = rest(inner, length)?;
        }
    }
    ip_packet(inner).unwrap_or(Err(Skip::OtherTunnelPayload))
}
