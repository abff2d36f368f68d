//! PPP (RFC 1661, RFC 1662) and PPP over Ethernet (RFC 2516).

use super::{mpls, rest};
use crate::decode::layer::Layer;
use crate::decode::{Outcome, Skip, ip};

/// Address and control of HDLC-like framing, which links may leave out.
const ALL_STATIONS: u8 = 0xff;
const ALL_STATIONS_UNNUMBERED: [u8; 2] = [ALL_STATIONS, 0x03];

const IPV4: u16 = 0x0021;
const IPV6: u16 = 0x0057;
const MPLS_UNICAST: u16 = 0x0281;
const MPLS_MULTICAST: u16 = 0x0283;

/// Bytes of a PPPoE header.
const PPPOE_HEADER_LEN: usize = 6;
/// Version 1, type 1; code 0: a session.
const PPPOE_SESSION: [u8; 2] = [0x11, 0];

/// Decodes a PPP frame, with or without address and control, whose protocol may be compressed to one byte.
pub(in crate::decode) fn decode(layer: Layer<'_>) -> Outcome<'_> {
    let layer = layer.deeper()?;
    let layer = if layer.bytes.starts_with(&ALL_STATIONS_UNNUMBERED) { rest(layer, 2)? } else { layer };
    let first = *layer.bytes.first().filter(|_| layer.bytes != [ALL_STATIONS]).ok_or(Skip::TruncatedTunnel)?;
    // The least significant bit of a byte is set in the last byte of the protocol only.
    let (protocol, length) =
        if first & 1 == 1 { (u16::from(first), 1) } else { (layer.u16_at(0).ok_or(Skip::TruncatedTunnel)?, 2) };
    let payload = rest(layer, length)?;
    match protocol {
        IPV4 => ip::v4::decode(payload),
        IPV6 => ip::v6::decode(payload),
        MPLS_UNICAST | MPLS_MULTICAST => mpls::decode(payload),
        _ => Err(Skip::OtherPpp),
    }
}

/// Decodes a PPPoE session packet: version, type, code, session, length.
pub(in crate::decode) fn over_ethernet(layer: Layer<'_>) -> Outcome<'_> {
    if !layer.bytes.starts_with(&PPPOE_SESSION) {
        return Err(if layer.bytes.len() < PPPOE_SESSION.len() { Skip::TruncatedTunnel } else { Skip::Pppoe });
    }
    let length = layer.u16_at(4).ok_or(Skip::TruncatedTunnel)?;
    decode(rest(layer, PPPOE_HEADER_LEN)?.limit(usize::from(length)))
}
