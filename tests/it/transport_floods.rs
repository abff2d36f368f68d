//! Captures full of what makes programs run out of memory or time: bounds hold, counts add up, and the calls among it are told.

use std::net::{IpAddr, Ipv4Addr};

use crate::support::story::{Who, addresses, assert_told, story};
use crate::support::{Run, run_bytes};
use crate::traffic::ip::Header;
use crate::traffic::link::Link;
use crate::traffic::packet::{EPOCH, MICROSECOND, Packet};
use crate::traffic::pcap::{Layout, file};
use crate::traffic::{tcp, udp};

/// Makes the packets of one sender of a flood; each has its own number.
type Flood = fn(u32) -> Vec<Vec<u8>>;

fn sender(number: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number))
}

fn victim() -> IpAddr {
    IpAddr::from([192, 0, 2, 250])
}

fn in_ip(number: u32, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let identification = u16::try_from(number & 0xffff).expect("16 bits");
    let header = Header { source: sender(number), destination: victim(), protocol, identification, hop_limit: 9 };
    let mut packet = Vec::new();
    header.write(&mut packet, payload.len());
    packet.extend_from_slice(payload);
    packet
}

/// A piece of a packet at an offset in units of 8 bytes; more follow it.
fn piece(number: u32, offset: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = in_ip(number, 17, payload);
    packet[6..8].copy_from_slice(&(0x2000 | offset).to_be_bytes());
    packet
}

fn segment(number: u32, sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    let segment = tcp::Segment {
        source: (sender(number), 5_060).into(),
        destination: (victim(), 5_060).into(),
        sequence,
        acknowledgment: 0,
        flags,
        payload,
    };
    segment.write_frame(&mut frame, Link::Raw(101), 1);
    frame
}

fn sctp(number: u32, chunks: &[u8]) -> Vec<u8> {
    let header = [&[0x13, 0xc4, 0x13, 0xc4][..], &number.to_be_bytes(), &[0; 4]].concat();
    in_ip(number, 132, &[&header, chunks].concat())
}

fn data_chunk(flags: u8, tsn: u32, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 16).expect("short").to_be_bytes();
    let mut chunk = [&[0, flags], &length[..], &tsn.to_be_bytes(), &[0; 8], payload].concat();
    chunk.resize(chunk.len().next_multiple_of(4), 0);
    chunk
}

const START: &[u8] = b"INVITE sip:a@example.com SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK1\r\nX: ";
const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: sip\r\n\r\n";

fn half_open(number: u32) -> Vec<Vec<u8>> {
    vec![segment(number, number, tcp::SYN, b"")]
}

fn unfinished(number: u32) -> Vec<Vec<u8>> {
    vec![segment(number, 1, tcp::ACK, &[START, &[b'x'; 1_000]].concat())]
}

fn behind_holes(number: u32) -> Vec<Vec<u8>> {
    let start = segment(number, 1, tcp::ACK, START);
    let behind = (1..20).map(|at| segment(number, 1 + at * 2_000, tcp::ACK, &[b'x'; 500]));
    std::iter::once(start).chain(behind).collect()
}

fn incomplete(number: u32) -> Vec<Vec<u8>> {
    vec![piece(number, 0, &[b'x'; 1_200])]
}

fn overlapping(number: u32) -> Vec<Vec<u8>> {
    (0..50).map(|at| piece(number, 50 - at, &[b'x'; 1_200])).collect()
}

fn empty(number: u32) -> Vec<Vec<u8>> {
    let none: &[u8] = b"";
    let protocols = [0, 4, 6, 17, 41, 47, 50, 51, 132, 137].map(|protocol| in_ip(number, protocol, none));
    let datagram = udp::packet(1, (sender(number), 9_899).into(), (victim(), 5_060).into(), none);
    let chunks = [sctp(number, none), sctp(number, &[0; 4]), sctp(number, &data_chunk(3, 1, none))];
    let segments = [segment(number, 1, tcp::ACK, none), piece(number, 0, none), Vec::new()];
    [&protocols[..], &[datagram], &chunks, &segments].concat()
}

fn endless_frames(number: u32) -> Vec<Vec<u8>> {
    let longest = [UPGRADE, &[0x81, 0x7f, 0x7f], &[0xff; 7], &[b'x'; 500]].concat();
    let invalid = [UPGRADE, &[0x81, 0x7f, 0x80], &[0; 7], &[b'x'; 500]].concat();
    let zeros = [UPGRADE, &[0x81, 0].repeat(300)].concat();
    [longest, invalid, zeros].map(|bytes| segment(number, 1, tcp::ACK, &bytes)).to_vec()
}

fn nested(number: u32) -> Vec<Vec<u8>> {
    let mut packet =
        udp::packet(1, (sender(number), 5_060).into(), (victim(), 5_060).into(), b"OPTIONS sip:a SIP/2.0\r\n\r\n");
    for level in 0..60 {
        packet = if level % 2 == 0 {
            in_ip(number, 4, &packet)
        } else {
            in_ip(number, 47, &[&[0, 0, 8, 0], &packet[..]].concat())
        };
    }
    vec![packet]
}

fn begun_messages(number: u32) -> Vec<Vec<u8>> {
    vec![sctp(number, &data_chunk(2, number, &[START, &[b'x'; 1_000]].concat()))]
}

fn scattered_pieces(number: u32) -> Vec<Vec<u8>> {
    let chunks: Vec<u8> = (0..60).flat_map(|at| data_chunk(0, (number * 60 + at) * 2, b"data")).collect();
    vec![sctp(7, &chunks)]
}

/// The name, what one sender does, and how many do it.
const FLOODS: [(&str, Flood, u32); 11] = [
    ("half-open connections", half_open, 30_000),
    ("messages on TCP that never end", unfinished, 3_000),
    ("segments behind holes", behind_holes, 1_000),
    ("fragments of packets that never become whole", incomplete, 40_000),
    ("fragments that overlap", overlapping, 300),
    ("everything of length zero", empty, 300),
    ("WebSocket frames without an end", endless_frames, 500),
    ("tunnels in tunnels", nested, 300),
    ("messages on SCTP that never end", begun_messages, 40_000),
    ("pieces on SCTP apart from each other", scattered_pieces, 500),
    ("one sender of many messages that never end", |_| unfinished(1), 1_000),
];

fn run(name: &str, packets: &[Packet]) -> Run {
    let run = run_bytes(file(Layout::usual(Link::Raw(101)), packets).expect("memory"));
    run.assert_conserved(name);
    run
}

#[test]
fn the_calls_in_a_flood_are_told() {
    let (phone, server) = addresses(false);
    let said = story("UDP").into_iter().zip(1_u16..).map(|(said, identification)| {
        let (from, to) = if said.by == Who::Phone { (phone, server) } else { (server, phone) };
        Packet::new(said.time, Link::Raw(101), udp::packet(identification, from, to, &said.text))
    });
    let told: Vec<Packet> = said.collect();
    for (name, flood, senders) in FLOODS {
        let flood = (0..senders).flat_map(|number| {
            let time = EPOCH + u64::from(number) * 50 * MICROSECOND;
            flood(number).into_iter().map(move |packet| Packet::new(time, Link::Raw(101), packet))
        });
        let mut all: Vec<Packet> = flood.chain(told.iter().cloned()).collect();
        all.sort_by_key(|packet| packet.time);
        let run = run(name, &all);
        let mut report = run.report.clone();
        // A flood may hold messages of its own, none of which is of a call.
        report["summary"]["sip_messages"] = told.len().into();
        assert_told(&report, name);
        assert!(run.messages() >= told.len() as u64, "{name}");
    }
}
