//! TZSP: frames that an access point or router sends to an analyser.

use super::{ethernet_frame, rest};
use crate::decode::layer::Layer;
use crate::decode::{Outcome, Skip, link};
use crate::net::LinkType;

const HEADER_LEN: usize = 4;
const VERSION: u8 = 1;
const PADDING_TAG: u8 = 0;
const END_TAG: u8 = 1;
const ETHERNET: u16 = 1;
const IEEE_802_11: u16 = 18;

/// Version, type, encapsulated protocol, tags up to an end tag, then the frame.
pub(super) fn over_udp(layer: Layer<'_>) -> Option<Outcome<'_>> {
    let &[VERSION, 0 | 1, _, _] = layer.bytes.first_chunk()? else { return None };
    let protocol = layer.u16_at(2)?;
    let frame = after_tags(layer.after(HEADER_LEN)?)?;
    match protocol {
        ETHERNET => Some(ethernet_frame(frame)),
        IEEE_802_11 => Some(frame.deeper().and_then(|frame| link::decode(LinkType::IEEE_802_11, frame))),
        _ => Some(Err(Skip::OtherTunnelPayload)),
    }
}

fn after_tags(mut layer: Layer<'_>) -> Option<Layer<'_>> {
    loop {
        let length = match *layer.bytes.first()? {
            END_TAG => return layer.after(1),
            PADDING_TAG => 1,
            _ => 2 + usize::from(*layer.bytes.get(1)?),
        };
        layer = rest(layer, length).ok()?;
    }
}
