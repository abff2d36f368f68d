//! The same calls inside every tunnel, whole and in fragments, and relayed by capture agents: the same results.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};

use serde_json::Value;

use crate::support::essence::{by_message, outcomes};
use crate::support::run_bytes;
use crate::support::story::{Completes, Who, addresses, assert_told, essence_of, over_udp, story};
use crate::traffic::fragment::fragments;
use crate::traffic::ip::Header;
use crate::traffic::link::Link;
use crate::traffic::packet::{Packet, Wire};
use crate::traffic::pcap::{Layout, file};
use crate::traffic::session::{Session, Side};
use crate::traffic::udp;

/// Puts an IP packet into an outer one.
pub(crate) type Wrap = fn(&[u8]) -> Vec<u8>;

/// Makes of a message, its time, its sender and its receiver what a capture agent sends.
type Relay = fn(u64, SocketAddr, SocketAddr, &[u8]) -> Vec<u8>;

fn outer(ipv6: bool) -> (SocketAddr, SocketAddr) {
    let (near, far) =
        if ipv6 { ("[2001:db8:ff::1]:0", "[2001:db8:ff::2]:0") } else { ("203.0.113.1:0", "203.0.113.2:0") };
    (near.parse().expect("an address"), far.parse().expect("an address"))
}

pub(crate) fn in_ip(ipv6: bool, protocol: u8, parts: &[&[u8]]) -> Vec<u8> {
    let (source, destination) = outer(ipv6);
    let (source, destination): (IpAddr, IpAddr) = (source.ip(), destination.ip());
    let payload = parts.concat();
    let mut packet = Vec::new();
    let header = Header { source, destination, protocol, identification: 77, hop_limit: 9 };
    header.write(&mut packet, payload.len());
    packet.extend_from_slice(&payload);
    packet
}

fn in_udp(port: u16, parts: &[&[u8]]) -> Vec<u8> {
    let (mut source, mut destination) = outer(false);
    source.set_port(50_000);
    destination.set_port(port);
    udp::packet(77, source, destination, &parts.concat())
}

fn ethernet(packet: &[u8]) -> Vec<u8> {
    Link::Tagged(&[(0x8100, 7)]).frame(packet)
}

/// A frame whose addresses look like the start of an IPv4 packet, and like an Ethertype where one would be behind 4 bytes.
fn misleading(packet: &[u8]) -> Vec<u8> {
    let addresses = [0x46, 0, 0, 0x30, 5, 6, 2, 0, 8, 0, 0x11, 1];
    [&addresses, &ether_type(packet)[..], packet].concat()
}

fn length(bytes: &[u8], more: usize) -> [u8; 2] {
    u16::try_from(bytes.len() + more).expect("short").to_be_bytes()
}

/// An ESP packet in the clear with so many bytes of authentication data.
pub(crate) fn esp(packet: &[u8], next: u8, authentication: usize) -> Vec<u8> {
    let padding: Vec<u8> = (1..=u8::try_from((4 - (packet.len() + 2) % 4) % 4).expect("small")).collect();
    let trailer = [u8::try_from(padding.len()).expect("small"), next];
    [&[0, 0, 16, 1, 0, 0, 0, 5][..], packet, &padding, &trailer, &vec![0xa5; authentication]].concat()
}

fn version(packet: &[u8]) -> u8 {
    packet[0] >> 4
}

/// The IP protocol of a packet in a packet.
pub(crate) fn nested(packet: &[u8]) -> u8 {
    if version(packet) == 4 { 4 } else { 41 }
}

fn ether_type(packet: &[u8]) -> [u8; 2] {
    if version(packet) == 4 { [8, 0] } else { [0x86, 0xdd] }
}

pub(crate) const TUNNELS: [(&str, Wrap); 52] = [
    ("IP in IPv4", |inner| in_ip(false, nested(inner), &[inner])),
    ("IP in IPv6", |inner| in_ip(true, nested(inner), &[inner])),
    ("IP in IP in IP", |inner| in_ip(true, 4, &[&in_ip(false, nested(inner), &[inner])])),
    ("GRE", |inner| in_ip(false, 47, &[&[0, 0], &ether_type(inner), inner])),
    ("GRE over IPv6, checksum, key, sequence", |inner| {
        in_ip(true, 47, &[&[0xb0, 0], &ether_type(inner), &[1, 2, 0, 0, 0, 0, 0, 7, 0, 0, 0, 9], inner])
    }),
    ("GRE with a source route", |inner| {
        in_ip(false, 47, &[&[0x40, 0], &ether_type(inner), &[0; 4], &[8, 0, 0, 4, 1, 2, 3, 4, 0, 0, 0, 0], inner])
    }),
    ("Ethernet in GRE with a key", |inner| in_ip(false, 47, &[&[0x20, 0, 0x65, 0x58, 0, 0, 0, 7], &ethernet(inner)])),
    ("PPP in GRE version 1", |inner| {
        let protocol = if version(inner) == 4 { 0x21 } else { 0x57 };
        in_ip(false, 47, &[&[0x30, 0x81, 0x88, 0x0b, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 1, 0xff, 3, 0, protocol], inner])
    }),
    ("ERSPAN I", |inner| in_ip(false, 47, &[&[0, 0, 0x88, 0xbe], &ethernet(inner)])),
    ("ERSPAN II", |inner| {
        in_ip(false, 47, &[&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 7, 0, 1, 0, 0, 0, 0], &ethernet(inner)])
    }),
    ("ERSPAN III", |inner| {
        in_ip(false, 47, &[&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 7, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], &ethernet(inner)])
    }),
    ("ERSPAN III with a subheader", |inner| {
        let header = [0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 7, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1];
        in_ip(false, 47, &[&header, &[3; 8], &ethernet(inner)])
    }),
    ("IP in ERSPAN III", |inner| {
        let header = [0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 7, 0, 1, 0, 0, 0, 0, 0, 0, 8, 0];
        in_ip(false, 47, &[&header, inner])
    }),
    ("MPLS in GRE", |inner| in_ip(true, 47, &[&[0, 0, 0x88, 0x47, 0, 2, 1, 64], inner])),
    ("VXLAN", |inner| in_udp(4_789, &[&[8, 0, 0, 0, 0, 0, 7, 0], &ethernet(inner)])),
    ("VXLAN with a group policy", |inner| in_udp(8_472, &[&[0x88, 0, 0, 9, 0, 0, 7, 0], &ethernet(inner)])),
    ("VXLAN-GPE", |inner| in_udp(4_790, &[&[0x0c, 0, 0, if version(inner) == 4 { 1 } else { 2 }, 0, 0, 7, 0], inner])),
    ("Ethernet in VXLAN-GPE", |inner| in_udp(4_790, &[&[0x0c, 0, 0, 3, 0, 0, 7, 0], &ethernet(inner)])),
    ("MPLS in VXLAN-GPE", |inner| in_udp(4_790, &[&[0x0c, 0, 0, 5, 0, 0, 7, 0, 0, 2, 1, 64], inner])),
    ("GENEVE", |inner| in_udp(6_081, &[&[2, 0, 0x65, 0x58, 0, 0, 7, 0, 1, 2, 3, 1, 0, 0, 0, 0], &ethernet(inner)])),
    ("IP in GENEVE", |inner| in_udp(6_081, &[&[0, 0], &ether_type(inner), &[0, 0, 7, 0], inner])),
    ("GTP-U", |inner| in_udp(2_152, &[&[0x30, 255], &length(inner, 0), &[0, 0, 0, 7], inner])),
    ("GTP-U with a sequence number", |inner| {
        in_udp(2_152, &[&[0x32, 255], &length(inner, 4), &[0, 0, 0, 7, 0, 1, 0, 0], inner])
    }),
    ("GTP-U with an N-PDU number, over IPv6", |inner| {
        let fields = [&[0x31, 255][..], &length(inner, 4), &[0, 0, 0, 7, 0, 0, 9, 0x85]].concat();
        let datagram = [&[0xc3, 0x50, 0x08, 0x68][..], &length(inner, 20), &[0, 0], &fields, inner].concat();
        in_ip(true, 17, &[&datagram])
    }),
    ("GTP-U with extension headers", |inner| {
        let header = [0, 0, 0, 7, 0, 0, 0, 0x85, 1, 0, 9, 0x40, 2, 1, 2, 3, 4, 5, 6, 0];
        in_udp(2_152, &[&[0x34, 255], &length(inner, 16), &header, inner])
    }),
    ("L2TPv2", |inner| {
        let protocol = if version(inner) == 4 { 0x21 } else { 0x57 };
        in_udp(1_701, &[&[0, 2, 0, 1, 0, 2, 0xff, 3, 0, protocol], inner])
    }),
    ("L2TPv2 with all fields", |inner| {
        let protocol = if version(inner) == 4 { 0x21 } else { 0x57 };
        let fields = [0, 1, 0, 2, 0, 3, 0, 4, 0, 2, 9, 9, 0xff, 3, 0, protocol];
        in_udp(1_701, &[&[0x4a, 2], &length(inner, 20), &fields, inner])
    }),
    ("L2TPv3 over UDP", |inner| in_udp(1_701, &[&[0, 3, 0, 0, 0, 0, 0, 5], &ethernet(inner)])),
    ("L2TPv3 over UDP, cookie of 8", |inner| {
        in_udp(1_701, &[&[0, 3, 0, 0, 0, 0, 0, 5, 1, 2, 3, 4, 5, 6, 7, 8], &misleading(inner)])
    }),
    ("L2TPv3 on IP", |inner| in_ip(false, 115, &[&[0, 0, 0, 5], &ethernet(inner)])),
    ("L2TPv3 on IP, sublayer", |inner| in_ip(false, 115, &[&[0, 0, 0, 5, 0x40, 0, 0, 9], &ethernet(inner)])),
    ("L2TPv3 on IP, cookie of 4", |inner| in_ip(false, 115, &[&[0, 0, 0, 5, 1, 2, 3, 4], &misleading(inner)])),
    ("L2TPv3 on IPv6, cookie of 8", |inner| {
        in_ip(true, 115, &[&[0, 0, 0, 5, 1, 2, 3, 4, 5, 6, 7, 8], &ethernet(inner)])
    }),
    ("L2TPv3 on IP, cookie of 8 and sublayer", |inner| {
        in_ip(false, 115, &[&[0, 0, 0, 5, 1, 2, 3, 4, 5, 6, 7, 8, 0x40, 0, 0, 9], &misleading(inner)])
    }),
    ("ESP tunnel, HMAC-96", |inner| in_ip(false, 50, &[&esp(inner, nested(inner), 12)])),
    ("ESP tunnel, HMAC-SHA-256", |inner| in_ip(true, 50, &[&esp(inner, nested(inner), 16)])),
    ("ESP tunnel, no authentication, over UDP", |inner| in_udp(4_500, &[&esp(inner, nested(inner), 0)])),
    ("ESP tunnel, HMAC-SHA-384", |inner| in_ip(false, 50, &[&esp(inner, nested(inner), 24)])),
    ("ESP tunnel, HMAC-SHA-512, over UDP", |inner| in_udp(4_500, &[&esp(inner, nested(inner), 32)])),
    ("ESP tunnel, HMAC-160", |inner| in_ip(true, 50, &[&esp(inner, nested(inner), 20)])),
    ("AH", |inner| in_ip(false, 51, &[&[nested(inner), 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1], &[7; 12], inner])),
    ("TZSP", |inner| in_udp(37_008, &[&[1, 0, 0, 1, 0, 10, 1, 5, 1], &ethernet(inner)])),
    ("IEEE 802.11 in TZSP", |inner| {
        let frame = [&[8, 1, 0, 0][..], &[2; 20], &[0xaa, 0xaa, 3, 0, 0, 0], &ether_type(inner), inner].concat();
        in_udp(37_008, &[&[1, 0, 0, 18, 0, 0, 1], &frame])
    }),
    ("MPLS over UDP", |inner| in_udp(6_635, &[&[0, 1, 0, 64, 0, 2, 1, 64], inner])),
    ("MPLS in IP", |inner| in_ip(false, 137, &[&[0, 2, 1, 64], inner])),
    ("a pseudowire in MPLS in IP", |inner| in_ip(false, 137, &[&[0, 2, 1, 64], &misleading(inner)])),
    ("a pseudowire with a control word in MPLS over UDP", |inner| {
        in_udp(6_635, &[&[0, 1, 0, 64, 0, 2, 1, 64, 0, 0, 0, 9], &misleading(inner)])
    }),
    ("IP in VXLAN in GRE", |inner| {
        in_ip(false, 47, &[&[0, 0, 8, 0], &in_udp(4_789, &[&[8, 0, 0, 0, 0, 0, 7, 0], &ethernet(inner)])])
    }),
    ("Teredo", |inner| in_udp(3_544, &[&in_six(inner)])),
    ("Teredo with an origin", |inner| in_udp(3_544, &[&[0, 0, 1, 2, 3, 4, 5, 6], &in_six(inner)])),
    ("Teredo with an authentication", |inner| {
        in_udp(3_544, &[&[0, 1, 2, 3, 9, 9, 8, 8, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0], &in_six(inner)])
    }),
    ("Teredo with both", |inner| {
        in_udp(3_544, &[&[0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 1, 2, 3, 4, 5, 6], &in_six(inner)])
    }),
];

/// Teredo takes IPv6 only; IPv4 is packed once more.
fn in_six(packet: &[u8]) -> Vec<u8> {
    if version(packet) == 6 { packet.to_vec() } else { in_ip(true, 4, &[packet]) }
}

/// What the story gives, with IPv6 addresses as the IPv4 addresses they stand for.
fn told(wrap: Wrap, ipv6: bool, piece: Option<usize>, name: &str) -> Value {
    let (inner, completes) = over_udp(Link::Raw(101), ipv6, piece);
    let wrapped = inner.iter().map(|packet| Packet::new(packet.time, Link::Raw(101), wrap(&packet.bytes)));
    essence_of(name, Link::Raw(101), &wrapped.collect::<Vec<_>>(), &completes)
}

#[test]
fn the_same_calls_give_the_same_results_in_every_tunnel() {
    let plain = told(<[u8]>::to_vec, false, None, "no tunnel");
    for (name, wrap) in TUNNELS {
        for ipv6 in [false, true] {
            for piece in [None, Some(400)] {
                let name = format!("{name}, IPv6: {ipv6}, in pieces of {piece:?}");
                assert_eq!(told(wrap, ipv6, piece, &name), plain, "{name}: not what it is without a tunnel");
            }
        }
    }
}

/// Fragments in tunnels whose packets are fragments again, but for small ones; and the message that each frame completes.
pub(crate) fn carriers_in_pieces() -> (Vec<Packet>, Completes) {
    let (inner, completes) = over_udp(Link::Raw(101), false, Some(400));
    let (near, far) = outer(false);
    let (mut packets, mut completed) = (Vec::new(), Completes::new());
    for (number, piece) in (1_u64..).zip(&inner) {
        let tunnel = [&[0x30, 255][..], &length(&piece.bytes, 0), &[0, 0, 0, 7], &piece.bytes].concat();
        let (near, far) = (SocketAddr::new(near.ip(), 2_152), SocketAddr::new(far.ip(), 2_152));
        let identification = u16::try_from(number).expect("few");
        let whole = udp::packet(identification, near, far, &tunnel);
        let carriers = if piece.bytes.len() > 400 { fragments(&whole, 256, 0) } else { vec![whole] };
        packets.extend(carriers.into_iter().map(|carrier| Packet::new(piece.time, Link::Raw(101), carrier)));
        if let Some(message) = completes.get(&number) {
            completed.insert(packets.len() as u64, *message);
        }
    }
    (packets, completed)
}

/// A small last piece fits into its tunnel whole, the others do not.
#[test]
fn pieces_come_together_whether_what_carried_them_came_in_pieces_or_not() {
    let plain = told(<[u8]>::to_vec, false, None, "no tunnel");
    let (packets, completed) = carriers_in_pieces();
    let run = run_bytes(file(Layout::usual(Link::Raw(101)), &packets).expect("memory"));
    run.assert_conserved("carriers in pieces and whole");
    assert_eq!(by_message(&run.report, &completed), plain, "carriers in pieces and whole");
}

#[test]
fn a_packet_cut_anywhere_in_a_tunnel_ends_nothing() {
    let (inner, _) = over_udp(Link::Raw(101), false, None);
    for (name, wrap) in TUNNELS {
        let whole = wrap(&inner[0].bytes);
        let cut = (0..whole.len()).map(|end| Packet::new(0, Link::Raw(101), whole.clone()).snapped(end));
        let run = run_bytes(file(Layout::usual(Link::Raw(101)), &cut.collect::<Vec<_>>()).expect("memory"));
        run.assert_conserved(name);
        assert_eq!(run.analysis.counters.decode.frames, whole.len() as u64, "{name}");
    }
}

#[test]
fn the_port_of_a_tunnel_alone_proves_nothing() {
    let (_, server) = addresses(false);
    let text = &story("UDP")[0].text;
    for port in [1_701, 2_152, 3_544, 4_500, 4_789, 4_790, 6_081, 6_635, 8_472, 9_060, 37_008] {
        let from = SocketAddr::new(server.ip(), port);
        let packet = Packet::new(0, Link::Raw(101), udp::packet(1, from, server, text));
        let run = run_bytes(file(Layout::usual(Link::Raw(101)), &[packet]).expect("memory"));
        assert_eq!(run.messages(), 1, "port {port}");
    }
}

pub(crate) fn chunk(kind: u16, value: &[u8]) -> Vec<u8> {
    [&[0, 0][..], &kind.to_be_bytes(), &length(value, 6), value].concat()
}

fn octets(address: SocketAddr) -> Vec<u8> {
    match address.ip() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn hep_3(time: u64, from: SocketAddr, to: SocketAddr, payload: Vec<u8>) -> Vec<u8> {
    let seconds = u32::try_from(time / 1_000_000_000).expect("before 2106").to_be_bytes();
    let micros = u32::try_from(time % 1_000_000_000 / 1_000).expect("small").to_be_bytes();
    let (family, source, destination) = if from.is_ipv4() { (2, 3, 4) } else { (10, 5, 6) };
    let chunks = [
        chunk(1, &[family]),
        chunk(2, &[17]),
        chunk(source, &octets(from)),
        chunk(destination, &octets(to)),
        chunk(7, &from.port().to_be_bytes()),
        chunk(8, &to.port().to_be_bytes()),
        chunk(9, &seconds),
        chunk(10, &micros),
        chunk(11, &[1]),
        chunk(12, &[0, 0, 0, 9]),
        payload,
    ]
    .concat();
    [&b"HEP3"[..], &length(&chunks, 6), &chunks].concat()
}

fn hep_old(version: u8, time: u64, from: SocketAddr, to: SocketAddr, text: &[u8]) -> Vec<u8> {
    let ports = [from.port().to_be_bytes(), to.port().to_be_bytes()].concat();
    let addresses = [octets(from), octets(to)].concat();
    let length = 8 + addresses.len() + if version == 1 { 0 } else { 12 };
    let family = if from.is_ipv4() { 2 } else { 10 };
    let mut header = [&[version, u8::try_from(length).expect("short"), family, 17][..], &ports].concat();
    header.extend(addresses);
    if version == 2 {
        header.extend(u32::try_from(time / 1_000_000_000).expect("before 2106").to_le_bytes());
        header.extend(u32::try_from(time % 1_000_000_000 / 1_000).expect("small").to_le_bytes());
        header.extend([9, 0, 0, 0]);
    }
    header.extend_from_slice(text);
    header
}

/// Compresses with zlib.
fn packed(text: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(text).expect("memory");
    packer.finish().expect("memory")
}

#[test]
fn what_capture_agents_relay_has_the_addresses_and_times_they_saw() {
    let plain = told(<[u8]>::to_vec, false, None, "not relayed");
    let relayed: [(&str, Relay); 4] = [
        ("HEP 3", |time, from, to, text| hep_3(time, from, to, chunk(15, text))),
        ("HEP 3, compressed", |time, from, to, text| hep_3(time, from, to, chunk(16, &packed(text)))),
        ("HEP 2", |time, from, to, text| hep_old(2, time, from, to, text)),
        ("HEP 1", |time, from, to, text| hep_old(1, time, from, to, text)),
    ];
    for (name, relay) in relayed {
        for ipv6 in [false, true] {
            let name = format!("{name}, IPv6: {ipv6}");
            // An agent is late, which shows in nothing but HEP 1.
            let late = if name.starts_with("HEP 1") { 0 } else { 700_000_000 };
            let (phone, server) = addresses(ipv6);
            let (mut packets, mut completes) = (Vec::new(), Completes::new());
            for (number, said) in story("UDP").into_iter().enumerate() {
                let (from, to) = if said.by == Who::Phone { (phone, server) } else { (server, phone) };
                let relayed = in_udp(9_060, &[&relay(said.time, from, to, &said.text)]);
                packets.push(Packet::new(said.time + late, Link::Raw(101), relayed));
                completes.insert(packets.len() as u64, number);
            }
            assert_eq!(essence_of(&name, Link::Raw(101), &packets, &completes), plain, "{name}");
        }
    }
}

/// What an agent sends over a connection, in segments of so many bytes at most; times are those of the messages.
pub(crate) fn over_a_connection(payload: Wrap, piece: Option<usize>) -> Vec<Packet> {
    let (phone, server) = addresses(false);
    let agent: SocketAddr = "198.51.100.7:50000".parse().expect("an address");
    let homer: SocketAddr = "198.51.100.8:9060".parse().expect("an address");
    let mut session = Session::new(agent, homer, u32::MAX - 3_000, 9);
    let mut wire = Wire::new(Link::Ethernet);
    let story = story("UDP");
    let mut packets: Vec<Packet> =
        session.opening().iter().map(|segment| wire.tcp(story[0].time - 1_000, segment)).collect();
    for said in story {
        let (from, to) = if said.by == Who::Phone { (phone, server) } else { (server, phone) };
        let relayed = hep_3(said.time, from, to, payload(&said.text));
        let cuts: Vec<usize> = piece.map(|piece| (piece..relayed.len()).step_by(piece).collect()).unwrap_or_default();
        packets
            .extend(session.data_cut(Side::Client, &relayed, &cuts).iter().map(|segment| wire.tcp(said.time, segment)));
    }
    packets
}

#[test]
fn capture_agents_send_over_connections_too() {
    let plain =
        run_bytes(file(Layout::usual(Link::Raw(101)), &over_udp(Link::Raw(101), false, None).0).expect("memory"));
    let plain = outcomes(&plain.report);
    let payloads: [Wrap; 2] = [|text| chunk(15, text), |text| chunk(16, &packed(text))];
    for payload in payloads {
        for piece in [None, Some(40), Some(41), Some(500)] {
            let name = format!("HEP over TCP in pieces of {piece:?}");
            let run =
                run_bytes(file(Layout::usual(Link::Ethernet), &over_a_connection(payload, piece)).expect("memory"));
            run.assert_conserved(&name);
            assert_told(&run.report, &name);
            assert_eq!(outcomes(&run.report), plain, "{name}");
            assert_eq!(run.report["capture_quality"]["tcp"]["hep_packets"], story("UDP").len(), "{name}");
        }
    }
}

#[test]
fn a_loss_on_the_connection_of_a_capture_agent_takes_few_messages_with_it() {
    let packets = over_a_connection(|text| chunk(15, text), None);
    let count = story("UDP").len();
    for lost in 0..count {
        let name = format!("message {lost} of an agent lost");
        let mut rest = packets.clone();
        rest.remove(3 + lost);
        let run = run_bytes(file(Layout::usual(Link::Ethernet), &rest).expect("memory"));
        run.assert_conserved(&name);
        assert_eq!(run.messages(), count as u64 - 1, "{name}");
    }
    // What was lost after the 302 may have been what followed it.
    let mut rest = packets;
    let away = rest.len() - 3;
    rest.remove(away);
    let run = run_bytes(file(Layout::usual(Link::Ethernet), &rest).expect("memory"));
    assert_eq!(run.report["redirects"][1]["outcome"], "undetermined", "{:#}", run.report["redirects"]);
}

#[test]
fn a_payload_that_unpacks_without_end_is_refused() {
    let (phone, server) = addresses(false);
    let bomb = packed(&vec![b' '; 8 << 20]);
    let packet = in_udp(9_060, &[&hep_3(1, phone, server, chunk(16, &bomb))]);
    let run =
        run_bytes(file(Layout::usual(Link::Raw(101)), &[Packet::new(0, Link::Raw(101), packet)]).expect("memory"));
    run.assert_conserved("bomb");
    assert_eq!(run.messages(), 0);
    assert_eq!(run.report["capture_quality"]["frames"]["skipped"]["invalid_hep"], 1, "{:#}", run.report);
}
