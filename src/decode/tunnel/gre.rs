//! GRE (RFC 2784, RFC 2890, RFC 1701; version 1: RFC 2637), and ERSPAN in it.

use super::{ethernet_frame, ip_packet, ppp, rest};
use crate::decode::ip::Packet;
use crate::decode::layer::Layer;
use crate::decode::{Outcome, Skip, ethertype};

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGMENT: u16 = 0x0080;
const VERSION: u16 = 0x0007;

const TRANSPARENT_ETHERNET_BRIDGING: u16 = 0x6558;
const PPP: u16 = 0x880b;
const ERSPAN_1_OR_2: u16 = 0x88be;
const ERSPAN_3: u16 = 0x22eb;

/// Bytes of the header of ERSPAN type II.
const ERSPAN_2_LEN: usize = 8;
/// Bytes of the header of ERSPAN type III, and of the subheader that its last bit announces.
const ERSPAN_3_LEN: usize = 12;
const ERSPAN_3_SUBHEADER_LEN: usize = 8;

/// Decodes what a GRE packet carries.
pub(in crate::decode) fn decode<'a>(_: &Packet, layer: Layer<'a>) -> Outcome<'a> {
    let layer = layer.deeper()?;
    let (Some(flags), Some(protocol)) = (layer.u16_at(0), layer.u16_at(2)) else { return Err(Skip::TruncatedTunnel) };
    let payload = match flags & VERSION {
        0 => {
            let present = |flag: u16| if flags & flag != 0 { 4 } else { 0 };
            let length = 4 + present(CHECKSUM | ROUTING) + present(KEY) + present(SEQUENCE);
            let payload = rest(layer, length)?;
            if flags & ROUTING != 0 { after_routing(payload)? } else { payload }
        }
        1 => rest(
            layer,
            8 + if flags & SEQUENCE != 0 { 4 } else { 0 } + if flags & ACKNOWLEDGMENT != 0 { 4 } else { 0 },
        )?,
        _ => return Err(Skip::Gre),
    };
    match protocol {
        TRANSPARENT_ETHERNET_BRIDGING => ethernet_frame(payload),
        PPP => ppp::decode(payload),
        // Type I has no header of its own; type II has one, and always a sequence number (draft-foschiano-erspan).
        ERSPAN_1_OR_2 if flags & SEQUENCE == 0 => ethernet_frame(payload),
        ERSPAN_1_OR_2 => ethernet_frame(rest(payload, ERSPAN_2_LEN)?),
        ERSPAN_3 => erspan_3(payload),
        _ => ethertype::known(protocol, payload).map_err(|skip| match skip {
            Skip::OtherEthertype => Skip::Gre,
            other => other,
        }),
    }
}

/// What follows the source route entries of RFC 1701: family, offset, length, and as many bytes; the last one is empty.
fn after_routing(mut layer: Layer<'_>) -> Result<Layer<'_>, Skip> {
    loop {
        let (Some(family), Some(&length)) = (layer.u16_at(0), layer.bytes.get(3)) else {
            return Err(Skip::TruncatedTunnel);
        };
        layer = rest(layer, 4 + usize::from(length))?;
        if family == 0 && length == 0 {
            return Ok(layer);
        }
    }
}

fn erspan_3(layer: Layer<'_>) -> Outcome<'_> {
    let last = layer.u16_at(ERSPAN_3_LEN - 2).ok_or(Skip::TruncatedTunnel)?;
    let subheader = if last & 1 != 0 { ERSPAN_3_SUBHEADER_LEN } else { 0 };
    let frame = rest(layer, ERSPAN_3_LEN + subheader)?;
    // The frame type: 0 Ethernet, 2 IP.
    match last >> 10 & 0x1f {
        0 => ethernet_frame(frame),
        2 => ip_packet(frame).unwrap_or(Err(Skip::Gre)),
        _ => Err(Skip::Gre),
    }
}
