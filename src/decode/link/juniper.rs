//! What Juniper routers put in front of frames that they capture: a magic number, flags, and perhaps extensions.

use super::{ethernet, frame_relay, hdlc};
use crate::decode::layer::Layer;
use crate::decode::{Outcome, Skip, ip, tunnel};

const MAGIC: &[u8; 3] = b"MGC";
/// Magic and flags; the length of the extensions behind them; the protocol in place of a link header.
const HEADER_LEN: usize = 4;
const EXTENSIONS_LEN: usize = 2;
const PROTOCOL_LEN: usize = 4;
/// Flags: the link header was taken off; extensions follow.
const NO_LINK_HEADER: u8 = 0x02;
const EXTENSIONS: u8 = 0x80;

/// Undoes a link header.
type Decode = for<'a> fn(Layer<'a>) -> Outcome<'a>;

pub(super) fn ethernet(layer: Layer<'_>) -> Outcome<'_> {
    behind(layer, ethernet::decode)
}

pub(super) fn ppp(layer: Layer<'_>) -> Outcome<'_> {
    behind(layer, tunnel::ppp::decode)
}

pub(super) fn frame_relay(layer: Layer<'_>) -> Outcome<'_> {
    behind(layer, frame_relay::decode)
}

pub(super) fn cisco_hdlc(layer: Layer<'_>) -> Outcome<'_> {
    behind(layer, hdlc::cisco)
}

fn behind(layer: Layer<'_>, decode: Decode) -> Outcome<'_> {
    let Some(&[.., flags]) = layer.bytes.first_chunk::<HEADER_LEN>() else { return Err(Skip::TruncatedLink) };
    if !layer.bytes.starts_with(MAGIC) {
        return Err(Skip::UnsupportedHardwareType);
    }
    let extensions = if flags & EXTENSIONS == 0 {
        0
    } else {
        EXTENSIONS_LEN + usize::from(layer.u16_at(HEADER_LEN).ok_or(Skip::TruncatedLink)?)
    };
    let content = layer.after(HEADER_LEN + extensions).ok_or(Skip::TruncatedLink)?;
    if flags & NO_LINK_HEADER == 0 {
        return decode(content);
    }
    // The byte order of the protocol is that of the router, so the packet has to say what it is.
    let packet = content.after(PROTOCOL_LEN).ok_or(Skip::TruncatedLink)?;
    match packet.bytes.first().ok_or(Skip::TruncatedLink)? >> 4 {
        4 => ip::v4::decode(packet),
        6 => ip::v6::decode(packet),
        _ => Err(Skip::UnsupportedAddressFamily),
    }
}
