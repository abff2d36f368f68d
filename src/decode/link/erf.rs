//! Records of Endace cards (ERF) that were written as the packets of another capture format.

use crate::capture::erf_within;
use crate::decode::layer::Layer;
use crate::decode::{Outcome, Skip};
use crate::net::LinkType;

/// A record header with its extensions, then a frame whose link type the header tells.
pub(super) fn decode(layer: Layer<'_>) -> Outcome<'_> {
    let (start, wire_len, link) = erf_within(layer.bytes).map_err(|_| Skip::TruncatedLink)?.ok_or(Skip::NoPacket)?;
    if link == LinkType::UNNUMBERED {
        return Err(Skip::UnsupportedHardwareType);
    }
    let frame = layer.after(start).ok_or(Skip::TruncatedLink)?.limit(wire_len.into());
    super::decode(link, frame.deeper()?)
}
