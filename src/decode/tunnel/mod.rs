//! Packets inside packets: what carries an inner packet is undone, a file for each kind.
//!
//! A tunnel over UDP has a port of its own, but the port proves nothing: a datagram whose content does not agree stays a
//! datagram. Each tunnel is a layer, so that the limit on nesting bounds the recursion.

pub(super) mod esp;
mod geneve;
pub(super) mod gre;
mod gtp;
pub(super) mod hep;
pub(super) mod l2tp;
pub(super) mod mpls;
pub(super) mod ppp;
mod teredo;
mod turn;
mod tzsp;
mod vxlan;

use super::layer::Layer;
use super::transport::sctp;
use super::transport::udp::Ends;
use super::{Decoded, Outcome, ProxyHeader, Skip, ip};

/// Undoes a tunnel header over UDP; `None` if the content is none of that tunnel.
type OverUdp = for<'a> fn(Layer<'a>) -> Option<Outcome<'a>>;

/// The tunnel that has this UDP port.
const fn by_port(port: u16) -> Option<OverUdp> {
    Some(match port {
        1_701 => l2tp::over_udp,
        2_152 => gtp::over_udp,
        3_544 => teredo::over_udp,
        4_500 => esp::over_udp,
        4_789 | 8_472 => vxlan::over_udp,
        4_790 => vxlan::generic_over_udp,
        6_081 => geneve::over_udp,
        6_635 => mpls::over_udp,
        37_008 => tzsp::over_udp,
        _ => return None,
    })
}

/// Decodes what a UDP datagram carries if it is a tunnel, STUN, or a copy that a capture agent sends (HEP).
#[inline]
pub(super) fn over_udp<'a>(packet: &ip::Packet, ends: Ends, layer: Layer<'a>) -> Option<Outcome<'a>> {
    let (source_port, destination_port) = (ends.source.port, ends.destination.port);
    if let Some(inner) = by_port(destination_port).or_else(|| by_port(source_port)).and_then(|undo| undo(layer)) {
        return Some(inner);
    }
    if (source_port == sctp::UDP_PORT || destination_port == sctp::UDP_PORT)
        && let Some(inner) = sctp::over_udp(packet, layer)
    {
        return Some(inner);
    }
    match layer.bytes.first() {
        Some(b'H') if layer.bytes.starts_with(hep::MAGIC) => hep::version_3(layer),
        Some(1 | 2) => hep::version_1_or_2(layer).or_else(|| turn::over_udp(ends, layer)),
        Some(0 | 3 | 0x40..=0x4f) => turn::over_udp(ends, layer),
        Some(b'\r') => proxied(ends, layer),
        _ => None,
    }
}

/// A datagram that a load balancer passed on.
#[cold]
fn proxied<'a>(ends: Ends, layer: Layer<'a>) -> Option<Outcome<'a>> {
    let ProxyHeader::Whole(length) = ProxyHeader::at(layer.bytes) else { return None };
    Some(Ok(Decoded::Datagram(ends.datagram(layer.after(length)?))))
}

/// Whether it begins with a version or a method, as a SIP message does (RFC 3261 7).
pub(super) fn begins_like_sip(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    line.starts_with(b"SIP/") || line.windows(5).any(|part| part == b" SIP/")
}

/// Decodes an IP packet of the version that its first byte names, if it is one.
fn ip_packet(layer: Layer<'_>) -> Option<Outcome<'_>> {
    match layer.bytes.first()? >> 4 {
        4 => Some(ip::v4::decode(layer)),
        6 => Some(ip::v6::decode(layer)),
        _ => None,
    }
}

/// Decodes an Ethernet frame one layer further in.
fn ethernet_frame(layer: Layer<'_>) -> Outcome<'_> {
    super::link::ethernet::decode(layer.deeper()?)
}

/// What follows the first `length` bytes of a tunnel header.
fn rest(layer: Layer<'_>, length: usize) -> Result<Layer<'_>, Skip> {
    layer.after(length).ok_or(Skip::TruncatedTunnel)
}
