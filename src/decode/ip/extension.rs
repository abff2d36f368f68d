//! Headers between IP and the transport: IPv6 extension headers (RFC 8200 4) and the authentication header (RFC 4302).

use std::net::IpAddr;

use etherparse::{IpAuthHeaderSlice, Ipv6FragmentHeaderSlice, Ipv6RawExtHeaderSlice, err};

use super::Packet;
use crate::decode::layer::Layer;
use crate::decode::{Decoded, Skip};

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;
const MOBILITY: u8 = 135;
const HOST_IDENTITY: u8 = 139;
const SHIM6: u8 = 140;

/// Bytes of a fragment header.
const FRAGMENT_HEADER_LEN: usize = 8;

/// What an extension header led to.
pub(super) enum Undone<'a> {
    /// The next protocol, and what follows the header.
    Header(u8, Layer<'a>),
    /// A piece of a packet, of which no more can be said here.
    Fragment(Decoded<'a>),
}

/// Undoes the extension header that `packet.protocol` names.
pub(super) fn undo(packet: Packet, layer: Layer<'_>) -> Result<Undone<'_>, Skip> {
    match (packet.protocol, packet.source) {
        (AUTHENTICATION, _) => authentication(layer),
        (FRAGMENT, IpAddr::V6(_)) => fragment(packet, layer),
        (HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS | MOBILITY | HOST_IDENTITY | SHIM6, IpAddr::V6(_)) => {
            options(layer)
        }
        _ => Err(Skip::OtherIpProtocol),
    }
}

/// A header that begins with the next header and its length in units of 8 bytes, the first not counted.
fn options(layer: Layer<'_>) -> Result<Undone<'_>, Skip> {
    let header = Ipv6RawExtHeaderSlice::from_slice(layer.bytes).map_err(|_| short(layer))?;
    rest(header.next_header().0, layer, header.slice().len())
}

/// An authentication header: its length is in units of 4 bytes, the first two not counted.
fn authentication(layer: Layer<'_>) -> Result<Undone<'_>, Skip> {
    let header = IpAuthHeaderSlice::from_slice(layer.bytes).map_err(|error| match error {
        err::ip_auth::HeaderSliceError::Len(_) => short(layer),
        err::ip_auth::HeaderSliceError::Content(_) => Skip::ExtensionHeaderLength,
    })?;
    rest(header.next_header().0, layer, header.slice().len())
}

/// A fragment header (RFC 8200 4.5). With offset 0 and no more to come the packet is whole (RFC 6946).
fn fragment(mut packet: Packet, layer: Layer<'_>) -> Result<Undone<'_>, Skip> {
    let header = Ipv6FragmentHeaderSlice::from_slice(layer.bytes).map_err(|_| short(layer))?;
    if !header.is_fragmenting_payload() {
        return rest(header.next_header().0, layer, FRAGMENT_HEADER_LEN);
    }
    packet.protocol = header.next_header().0;
    packet.identification = header.identification();
    let content = layer.after(FRAGMENT_HEADER_LEN).ok_or_else(|| short(layer))?;
    Ok(Undone::Fragment(packet.fragment(header.fragment_offset().byte_offset(), header.more_fragments(), content)))
}

fn rest(next_protocol: u8, layer: Layer<'_>, header_len: usize) -> Result<Undone<'_>, Skip> {
    let rest = layer.after(header_len).ok_or_else(|| short(layer))?;
    Ok(Undone::Header(next_protocol, rest.deeper()?))
}

const fn short(layer: Layer<'_>) -> Skip {
    layer.too_short(Skip::TruncatedExtensionHeader, Skip::ExtensionHeaderLength)
}
