//! IP: from a packet to what it carries, by protocol.

mod extension;
pub(super) mod v4;
pub(super) mod v6;

use std::net::IpAddr;

use super::layer::Layer;
use super::transport::{sctp, tcp, udp};
use super::{Decoded, Fragment, Outcome, Skip, tunnel};

/// What the IP header says of the payload.
#[derive(Clone, Copy)]
pub(super) struct Packet {
    pub source: IpAddr,
    pub destination: IpAddr,
    /// The protocol of the payload as far as headers are undone.
    pub protocol: u8,
    /// The identification; 0 for an IPv6 packet that was never fragmented.
    pub identification: u32,
}

impl Packet {
    /// The identification in IPv4, where it tells copies of a packet from retransmissions; else 0.
    pub(super) fn ipv4_identification(&self) -> u16 {
        match self.source {
            IpAddr::V4(_) => u16::try_from(self.identification).unwrap_or(0),
            IpAddr::V6(_) => 0,
        }
    }

    /// The piece of a packet that `layer` holds.
    fn fragment<'a>(&self, offset: u16, more: bool, layer: Layer<'a>) -> Decoded<'a> {
        Decoded::Fragment(Fragment {
            source: self.source,
            destination: self.destination,
            protocol: self.protocol,
            identification: self.identification,
            offset: u32::from(offset),
            more,
            payload: layer.bytes,
            missing: layer.missing_u32(),
            depth: layer.depth(),
            nesting: layer.nesting(),
        })
    }
}

/// What is done with an IP protocol.
enum Action {
    /// A transport.
    Decode(for<'a> fn(&Packet, Layer<'a>) -> Outcome<'a>),
    /// Something that is not looked at.
    Skip(Skip),
}

/// The IP protocols that are known, those of most packets first.
static PROTOCOLS: &[(u8, Action)] = &[
    (17, Action::Decode(udp::decode)),
    (6, Action::Decode(tcp::decode)),
    (1, Action::Skip(Skip::Icmp)),
    (58, Action::Skip(Skip::Icmpv6)),
    (2, Action::Skip(Skip::Igmp)),
    (4, Action::Decode(ipv4_in_ip)),
    (41, Action::Decode(ipv6_in_ip)),
    (47, Action::Decode(tunnel::gre::decode)),
    (50, Action::Decode(tunnel::esp::decode)),
    (59, Action::Skip(Skip::NoNextHeader)),
    (88, Action::Skip(Skip::Routing)),
    (89, Action::Skip(Skip::Routing)),
    (103, Action::Skip(Skip::Routing)),
    (112, Action::Skip(Skip::Routing)),
    (115, Action::Decode(tunnel::l2tp::decode)),
    (132, Action::Decode(sctp::decode)),
    (137, Action::Decode(mpls_in_ip)),
];

/// IPv4 in IP (RFC 2003, RFC 2473).
fn ipv4_in_ip<'a>(_: &Packet, layer: Layer<'a>) -> Outcome<'a> {
    v4::decode(layer)
}

/// IPv6 in IP (RFC 4213, RFC 2473).
fn ipv6_in_ip<'a>(_: &Packet, layer: Layer<'a>) -> Outcome<'a> {
    v6::decode(layer)
}

/// MPLS in IP (RFC 4023).
fn mpls_in_ip<'a>(_: &Packet, layer: Layer<'a>) -> Outcome<'a> {
    tunnel::mpls::decode(layer)
}

/// Decodes what an IP packet carries, after its extension headers.
#[inline]
pub(super) fn payload(packet: Packet, layer: Layer<'_>) -> Outcome<'_> {
    match PROTOCOLS.iter().find(|row| row.0 == packet.protocol) {
        Some((_, Action::Decode(decode))) => decode(&packet, layer),
        Some((_, Action::Skip(skip))) => Err(*skip),
        None => after_extension(packet, layer),
    }
}

/// Decodes what follows an extension header. Each is a layer, so that the limit on nesting bounds the recursion.
fn after_extension(packet: Packet, layer: Layer<'_>) -> Outcome<'_> {
    match extension::undo(packet, layer)? {
        extension::Undone::Header(protocol, rest) => payload(Packet { protocol, ..packet }, rest),
        extension::Undone::Fragment(fragment) => Ok(fragment),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_unique() {
        for (index, (number, _)) in PROTOCOLS.iter().enumerate() {
            assert!(PROTOCOLS.iter().skip(index + 1).all(|row| row.0 != *number), "{number} twice");
        }
    }
}
