//! GENEVE (RFC 8926).

use super::{ethernet_frame, rest};
use crate::decode::layer::Layer;
use crate::decode::{Outcome, Skip, ethertype};

const HEADER_LEN: usize = 8;
const TRANSPARENT_ETHERNET_BRIDGING: u16 = 0x6558;

/// Version and length of the options in words, flags, protocol, network identifier, a reserved zero, the options.
pub(super) fn over_udp(layer: Layer<'_>) -> Option<Outcome<'_>> {
    let &[version_and_length, flags, _, _, _, _, _, reserved] = layer.bytes.first_chunk()?;
    if version_and_length >> 6 != 0 || flags & 0x3f != 0 || reserved != 0 {
        return None;
    }
    let protocol = layer.u16_at(2)?;
    let options = usize::from(version_and_length & 0x3f) * 4;
    if protocol != TRANSPARENT_ETHERNET_BRIDGING && !ethertype::is_known(protocol) {
        return None;
    }
    let inner = rest(layer, HEADER_LEN + options);
    Some(inner.and_then(|inner| match protocol {
        TRANSPARENT_ETHERNET_BRIDGING => ethernet_frame(inner),
        _ => ethertype::known(protocol, inner.deeper()?).map_err(|skip| match skip {
            Skip::OtherEthertype => Skip::OtherTunnelPayload,
            other => other,
        }),
    }))
}
