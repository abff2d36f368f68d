//! Headers between headers: IPsec around a transport, IPv6 extension headers, tunnels in pieces, tunnels in tunnels.

use serde_json::Value;

use crate::support::run_bytes;
use crate::support::story::{Completes, essence_of, over_udp};
use crate::traffic::fragment::fragments;
use crate::traffic::link::Link;
use crate::traffic::packet::Packet;
use crate::traffic::pcap::{Layout, file};
use crate::tunnels::{TUNNELS, esp, in_ip, nested};

const UDP: u8 = 17;
const TAGS: Link = Link::Tagged(&[(0x88a8, 20), (0x8100, 7)]);

fn plain() -> Value {
    let (packets, completes) = over_udp(Link::Ethernet, false, None);
    essence_of("plain", Link::Ethernet, &packets, &completes)
}

/// The story with each packet changed, then cut into pieces and tagged twice.
fn changed(name: &str, ipv6: bool, piece: Option<usize>, change: impl Fn(&[u8]) -> Vec<u8>) -> Value {
    let (inner, _) = over_udp(Link::Raw(101), ipv6, None);
    let (mut packets, mut completes) = (Vec::new(), Completes::new());
    for (number, packet) in inner.iter().enumerate() {
        let mut whole = change(&packet.bytes);
        let identification = u16::try_from(number + 1).expect("few");
        if whole[0] >> 4 == 4 {
            whole[4..6].copy_from_slice(&identification.to_be_bytes());
        }
        let pieces = piece.map_or_else(|| vec![whole.clone()], |piece| fragments(&whole, piece, identification.into()));
        packets.extend(pieces.iter().map(|piece| Packet::new(packet.time, TAGS, TAGS.frame(piece))));
        completes.insert(packets.len() as u64, number);
    }
    essence_of(name, TAGS, &packets, &completes)
}

/// An IP packet with something put between its header and its payload: what makes it of the protocol and the payload, and its
/// own protocol.
fn between(packet: &[u8], protocol: u8, make: impl Fn(u8, &[u8]) -> Vec<u8>) -> Vec<u8> {
    let is_ipv6 = packet[0] >> 4 == 6;
    let (header_len, protocol_at, length_at) = if is_ipv6 { (40, 6, 4) } else { (20, 9, 2) };
    let (header, payload) = packet.split_at(header_len);
    let payload = make(header[protocol_at], payload);
    let mut header = header.to_vec();
    header[protocol_at] = protocol;
    let length = payload.len() + if is_ipv6 { 0 } else { header_len };
    header[length_at..length_at + 2].copy_from_slice(&u16::try_from(length).expect("short").to_be_bytes());
    [header, payload].concat()
}

/// An authentication header with so many bytes of authentication data.
fn authenticated(next: u8, payload: &[u8], data: usize) -> Vec<u8> {
    let words = u8::try_from((12 + data) / 4 - 2).expect("small");
    [&[next, words, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1][..], &vec![7; data], payload].concat()
}

#[test]
fn ipsec_around_a_transport_gives_the_same_results() {
    let plain = plain();
    for ipv6 in [false, true] {
        for piece in [None, Some(304)] {
            for data in [0, 12, 16, 20, 24, 32] {
                let name = format!("ESP with {data} bytes of authentication, IPv6: {ipv6}, in pieces of {piece:?}");
                let made =
                    changed(&name, ipv6, piece, |packet| between(packet, 50, |next, payload| esp(payload, next, data)));
                assert_eq!(made, plain, "{name}");
                let name = format!("AH with {data} bytes of authentication, IPv6: {ipv6}, in pieces of {piece:?}");
                let made = changed(&name, ipv6, piece, |packet| {
                    between(packet, 51, |next, payload| authenticated(next, payload, data))
                });
                assert_eq!(made, plain, "{name}");
            }
            let name = format!("AH around ESP, IPv6: {ipv6}, in pieces of {piece:?}");
            let made = changed(&name, ipv6, piece, |packet| {
                between(packet, 51, |next, payload| authenticated(50, &esp(payload, next, 12), 16))
            });
            assert_eq!(made, plain, "{name}");
        }
    }
}

#[test]
fn extension_headers_and_options_give_the_same_results() {
    let plain = plain();
    // Hop-by-hop options, a routing header, destination options, a fragment header of a packet that is whole.
    let headers = [
        (0_u8, vec![60_u8, 0, 1, 4, 0, 0, 0, 0]),
        (60, vec![43, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        (43, [&[44_u8, 2, 2, 0][..], &[0; 4], &[9; 16]].concat()),
        (44, vec![UDP, 0, 0, 0, 0, 0, 0, 9]),
    ];
    for first in 0..headers.len() {
        let chain: Vec<u8> = headers[first..].iter().flat_map(|(_, header)| header.clone()).collect();
        let name = format!("extension headers from {first} on");
        let made = changed(&name, true, None, |packet| {
            between(packet, headers[first].0, |_, payload| [&chain, payload].concat())
        });
        assert_eq!(made, plain, "{name}");
    }
    let made = changed("IPv4 options", false, None, |packet| {
        let mut packet = between(packet, UDP, |_, payload| [&[1, 1, 1, 0, 7, 7, 7, 7], payload].concat());
        packet[0] = 0x47;
        packet
    });
    assert_eq!(made, plain, "IPv4 options");
}

#[test]
fn every_tunnel_in_pieces_behind_tags_gives_the_same_results() {
    let plain = plain();
    for (name, wrap) in TUNNELS {
        for ipv6 in [false, true] {
            let name = format!("{name} in pieces, IPv6: {ipv6}");
            assert_eq!(changed(&name, ipv6, Some(176), wrap), plain, "{name}");
        }
    }
}

#[test]
fn tunnels_in_tunnels_are_followed_up_to_a_limit_that_is_named() {
    let plain = plain();
    let nest = |packet: &[u8], times: usize| {
        (0..times).fold(packet.to_vec(), |packet, time| in_ip(time % 2 == 1, nested(&packet), &[&packet]))
    };
    // Two tags and the packet itself are layers too.
    let most = reinvite::limits::MAX_LAYERS - 3;
    for times in [1, 5, most] {
        let name = format!("{times} tunnels");
        assert_eq!(changed(&name, false, None, |packet| nest(packet, times)), plain, "{name}");
    }
    let (inner, _) = over_udp(Link::Raw(101), false, None);
    let packets: Vec<Packet> =
        inner.iter().map(|packet| Packet::new(packet.time, TAGS, TAGS.frame(&nest(&packet.bytes, most + 1)))).collect();
    let run = run_bytes(file(Layout::usual(TAGS), &packets).expect("memory"));
    run.assert_conserved("too many tunnels");
    assert_eq!(run.messages(), 0);
    assert_eq!(run.report["capture_quality"]["frames"]["skipped"]["too_many_layers"], packets.len());
}
