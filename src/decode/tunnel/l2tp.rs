//! L2TP: version 2 carries PPP over UDP (RFC 2661), version 3 carries frames over UDP or directly on IP (RFC 3931).

use super::{ethernet_frame, ppp, rest};
use crate::decode::ip::Packet;
use crate::decode::layer::Layer;
use crate::decode::link::ethernet;
use crate::decode::{Outcome, Skip};

const CONTROL: u16 = 0x8000;
const LENGTH: u16 = 0x4000;
const SEQUENCE: u16 = 0x0800;
const OFFSET: u16 = 0x0200;
const VERSION: u16 = 0x000f;
/// Bits that are zero in data messages of version 2.
const RESERVED: u16 = 0x35f0;

/// Bytes of cookie and sublayer that may stand between a session and its frame; both ends know, the packet does not say.
const COOKIE_AND_SUBLAYER: [usize; 4] = [0, 4, 8, 12];

/// L2TP over UDP; control messages are none of our business.
pub(super) fn over_udp(layer: Layer<'_>) -> Option<Outcome<'_>> {
    let flags = layer.u16_at(0)?;
    match (flags & CONTROL, flags & VERSION) {
        (0, 2) if flags & RESERVED == 0 => Some(version_2(flags, layer)),
        (0, 3) if flags == 3 => Some(layer.after(8).ok_or(Skip::TruncatedTunnel).and_then(frame)),
        _ => None,
    }
}

/// Version 2: flags, optional length, tunnel, session, optional sequence numbers, optional offset, PPP.
fn version_2(flags: u16, layer: Layer<'_>) -> Outcome<'_> {
    let present = |flag: u16, length: usize| if flags & flag != 0 { length } else { 0 };
    let fixed = 2 + present(LENGTH, 2) + 4 + present(SEQUENCE, 4);
    let offset = match flags & OFFSET {
        0 => 0,
        _ => 2 + usize::from(layer.u16_at(fixed).ok_or(Skip::TruncatedTunnel)?),
    };
    ppp::decode(rest(layer, fixed + offset)?)
}

/// Version 3 directly on IP: a session, which is 0 in control messages.
pub(in crate::decode) fn decode<'a>(_: &Packet, layer: Layer<'a>) -> Outcome<'a> {
    let session = layer.bytes.first_chunk::<4>().ok_or(Skip::TruncatedTunnel)?;
    if *session == [0; 4] {
        return Err(Skip::L2tp);
    }
    frame(rest(layer, 4)?)
}

/// An Ethernet frame behind a cookie and a sublayer of unknown length: where an Ethertype makes sense.
fn frame(layer: Layer<'_>) -> Outcome<'_> {
    let skipped = COOKIE_AND_SUBLAYER.iter().find(|skipped| ethernet::may_begin(layer, **skipped)).ok_or(Skip::L2tp)?;
    ethernet_frame(rest(layer, *skipped)?)
}
