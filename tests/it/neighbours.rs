//! What comes on the ports and connections of SIP besides it: recognised and counted; what carries SIP is undone.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::Value;

use crate::support::essence::{by_message, outcomes};
use crate::support::story::{Who, addresses, assert_told, story};
use crate::support::{Run, run_bytes};
use crate::traffic::link::Link;
use crate::traffic::packet::{MICROSECOND, Packet, Wire};
use crate::traffic::pcap::{Layout, file};
use crate::traffic::session::{Session, Side};

fn run(name: &str, packets: &[Packet]) -> Run {
    let run = run_bytes(file(Layout::usual(Link::Ethernet), packets).expect("memory"));
    run.assert_conserved(name);
    run
}

/// The story with each message made a datagram by `wrap`, between the addresses that it gives.
fn told(name: &str, wrap: impl Fn(Who, &[u8]) -> (SocketAddr, SocketAddr, Vec<u8>)) -> Value {
    let mut wire = Wire::new(Link::Ethernet);
    let (mut packets, mut completes) = (Vec::new(), BTreeMap::new());
    for (number, said) in story("UDP").into_iter().enumerate() {
        let (from, to, payload) = wrap(said.by, &said.text);
        packets.push(wire.udp(said.time, from, to, &payload));
        completes.insert(packets.len() as u64, number);
    }
    let run = run(name, &packets);
    assert_told(&run.report, name);
    assert_eq!(run.report["capture_quality"]["datagrams"]["sip"], packets.len(), "{name}");
    by_message(&run.report, &completes)
}

fn ends(by: Who) -> (SocketAddr, SocketAddr) {
    let (phone, server) = addresses(false);
    if by == Who::Phone { (phone, server) } else { (server, phone) }
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).expect("short").to_be_bytes();
    let mut attribute = [&kind.to_be_bytes(), &length, value].concat();
    attribute.resize(attribute.len().next_multiple_of(4), 0);
    attribute
}

fn stun(kind: u16, attributes: &[Vec<u8>]) -> Vec<u8> {
    let content = attributes.concat();
    let length = u16::try_from(content.len()).expect("short").to_be_bytes();
    [&kind.to_be_bytes()[..], &length, &[0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], &content]
        .concat()
}

fn xor_address(address: SocketAddr) -> Vec<u8> {
    let cookie = [0x21, 0x12, 0xa4, 0x42];
    let SocketAddr::V4(address) = address else { panic!("not IPv4") };
    let port = address.port().to_be_bytes().into_iter().zip(cookie).map(|(a, b)| a ^ b);
    let octets = address.ip().octets().into_iter().zip(cookie).map(|(a, b)| a ^ b);
    [0, 1].into_iter().chain(port).chain(octets).collect()
}

#[test]
fn sip_through_a_relay_and_a_load_balancer_gives_the_same_results() {
    let plain = told("plain", |by, text| (ends(by).0, ends(by).1, text.to_vec()));
    let channel = told("channel data", |by, text| {
        let length = u16::try_from(text.len()).expect("short").to_be_bytes();
        (ends(by).0, ends(by).1, [&[0x40, 1], &length, text].concat())
    });
    assert_eq!(channel, plain, "channel data");
    let padded = told("channel data with padding", |by, text| {
        let length = u16::try_from(text.len()).expect("short").to_be_bytes();
        let mut data = [&[0x4f, 0xff], &length, text].concat();
        data.resize(data.len().next_multiple_of(4), 0);
        (ends(by).0, ends(by).1, data)
    });
    assert_eq!(padded, plain, "channel data with padding");
    // A phone hands the relay what it sends to the server, and gets what the server sent.
    let relay: SocketAddr = "198.51.100.9:3478".parse().expect("an address");
    let (phone, server) = addresses(false);
    let indications = told("indications", |by, text| {
        let peer = attribute(0x12, &xor_address(server));
        match by {
            Who::Phone => (phone, relay, stun(0x16, &[peer, attribute(0x13, text)])),
            Who::Server => (relay, phone, stun(0x17, &[attribute(0x13, text), peer])),
        }
    });
    assert_eq!(indications, plain, "indications");
    let proxied = told("a header of version 2", |by, text| {
        let header = [b"\r\n\r\n\0\r\nQUIT\n\x21\x12\0\x0c", &[9; 12][..]].concat();
        (ends(by).0, ends(by).1, [&header, text].concat())
    });
    assert_eq!(proxied, plain, "a header of version 2");
}

#[test]
fn datagrams_that_are_no_sip_are_counted_by_what_they_are() {
    let (phone, server) = addresses(false);
    let mut wire = Wire::new(Link::Ethernet);
    let binding = stun(1, &[]);
    let old = [&[0, 1, 0, 0][..], &[7; 16]].concat();
    let other = [&[0x40, 1, 0, 4][..], b"data"].concat();
    let dtls = [&[22, 0xfe, 0xfd][..], &[0; 20]].concat();
    let kinds: [(&str, &[u8]); 11] = [
        ("keep_alive", b"\r\n\r\n"),
        ("keep_alive", b"\0\0\0\0"),
        ("keep_alive", b""),
        ("keep_alive", b"jaK"),
        ("stun", &binding),
        ("stun", &old),
        ("turn_channel", &other),
        ("sigcomp", &[0xf8, 1, 2, 3]),
        ("dtls", &dtls),
        ("media", &[0x80; 172]),
        ("other", b"@\x01hello"),
    ];
    let mut wanted: BTreeMap<&str, u64> = BTreeMap::from([("sip", 0)]);
    let mut packets = Vec::new();
    for (kind, payload) in kinds {
        *wanted.entry(kind).or_default() += 1;
        packets.push(wire.udp(packets.len() as u64, phone, server, payload));
    }
    let report = run("neighbours", &packets).report;
    assert_eq!(report["capture_quality"]["datagrams"], serde_json::to_value(wanted).expect("JSON"));
}

const CLIENT: &str = "192.0.2.10:40000";
const SERVER: &str = "192.0.2.11:5060";

/// The story over one connection on which the client first sends `header`, cut after so many bytes; 0 puts the header and the first message
/// into one segment.
fn behind(header: &[u8], cut: usize) -> Vec<Packet> {
    let mut session = Session::new(CLIENT.parse().expect("an address"), SERVER.parse().expect("an address"), 7, 9);
    let mut wire = Wire::new(Link::Ethernet);
    let story = story("TCP");
    let start = story[0].time - 50 * MICROSECOND;
    let mut packets: Vec<Packet> = session.opening().iter().map(|segment| wire.tcp(start, segment)).collect();
    for (number, said) in story.iter().enumerate() {
        let side = if said.by == Who::Phone { Side::Client } else { Side::Server };
        let text = if number == 0 { [header, &said.text].concat() } else { said.text.clone() };
        let cuts = if number == 0 && cut > 0 { vec![cut] } else { Vec::new() };
        packets.extend(session.data_cut(side, &text, &cuts).iter().map(|segment| wire.tcp(said.time, segment)));
    }
    packets
}

#[test]
fn headers_of_load_balancers_are_taken_off_wherever_they_are_cut() {
    let plain = outcomes(&run("no header", &behind(b"", 0)).report);
    let second = [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x13", &[9; 12][..], &[4, 0, 4, 1, 2, 3, 4]].concat();
    let first = b"PROXY TCP4 203.0.113.7 192.0.2.11 56324 5060\r\n";
    for header in [&first[..], b"PROXY UNKNOWN\r\n", &second] {
        for cut in 0..header.len() + 20 {
            let name = format!("{header:?} cut at {cut}");
            let report = run(&name, &behind(header, cut)).report;
            assert_told(&report, &name);
            assert_eq!(outcomes(&report), plain, "{name}");
            let quality = &report["capture_quality"]["tcp"];
            assert_eq!((&quality["proxy_headers"], &quality["skipped_bytes"]), (&1.into(), &0.into()), "{name}");
            assert_eq!(report["redirects"][0]["client"]["address"], "192.0.2.10", "{name}");
        }
    }
}

#[test]
fn the_first_bytes_of_a_stream_are_kept_if_they_are_no_header() {
    for (start, cut) in [(&b""[..], 1), (b"", 2), (b"\r\n\r\n", 4), (b"\r\n\r\n", 5), (b"\r\n", 1)] {
        let run = run("no header", &behind(start, cut));
        assert_told(&run.report, "no header");
        assert_eq!(run.report["capture_quality"]["tcp"]["proxy_headers"], 0);
    }
}

#[test]
fn encrypted_connections_are_counted_and_dropped_at_once() {
    let mut wire = Wire::new(Link::Ethernet);
    let mut packets = Vec::new();
    let hello = [&[22, 3, 1, 2, 0, 1][..], &[7; 511]].concat();
    for (port, header) in [(40_000, &b""[..]), (40_001, b"PROXY TCP4 203.0.113.7 192.0.2.11 56324 5061\r\n")] {
        let client = SocketAddr::new("192.0.2.10".parse().expect("an address"), port);
        let mut session = Session::new(client, "192.0.2.11:5061".parse().expect("an address"), 7, 9);
        packets.extend(session.opening().iter().map(|segment| wire.tcp(1, segment)));
        let first = [header, &hello].concat();
        packets.push(wire.tcp(2, &session.data(Side::Client, &first)));
        for time in 3..9 {
            packets.push(wire.tcp(time, &session.data(Side::Server, &[23, 3, 3, 0, 5, 1, 2, 3, 4, 5])));
        }
    }
    let report = run("TLS", &packets).report;
    let quality = &report["capture_quality"]["tcp"];
    let counted = ["connections", "connections_dismissed", "connections_tls", "proxy_headers", "segments_ignored"]
        .map(|name| &quality[name]);
    assert_eq!(counted, [2, 2, 2, 1, 12], "{quality}");
}
