//! The same calls over SCTP, however its chunks are made, and what is lost of them.

use std::net::SocketAddr;

use crate::support::essence::outcomes;
use crate::support::story::{Completes, Who, addresses, assert_told, essence_of, story};
use crate::support::{Run, run_bytes};
use crate::traffic::fragment::fragments;
use crate::traffic::ip::Header;
use crate::traffic::link::Link;
use crate::traffic::packet::{MICROSECOND, Packet};
use crate::traffic::pcap::{Layout, file};
use crate::traffic::udp;

const LINK: Link = Link::Raw(101);

/// How messages become chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Form {
    /// Bytes of a piece.
    piece: Option<usize>,
    interleaved: bool,
    unordered: bool,
    /// Streams that take turns.
    streams: u16,
    /// The first transmission sequence number.
    tsn: u32,
    ipv6: bool,
    over_udp: bool,
    /// Bytes of an IP fragment.
    fragment: Option<usize>,
}

const PLAIN: Form = Form {
    piece: None,
    interleaved: false,
    unordered: false,
    streams: 1,
    tsn: 1_000,
    ipv6: false,
    over_udp: false,
    fragment: None,
};

/// One end of an association.
struct End {
    address: SocketAddr,
    peer_tag: u32,
    tsn: u32,
    /// The next message of each stream.
    messages: Vec<u16>,
}

fn chunk(kind: u8, flags: u8, content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let length = u16::try_from(content.len() + 4).expect("short").to_be_bytes();
    let mut chunk = [&[kind, flags], &length[..], &content].concat();
    chunk.resize(chunk.len().next_multiple_of(4), 0);
    chunk
}

impl End {
    /// The chunks of a message.
    fn chunks(&mut self, form: Form, number: usize, text: &[u8]) -> Vec<Vec<u8>> {
        let stream = u16::try_from(number).expect("few") % form.streams;
        let message = &mut self.messages[usize::from(stream)];
        let sequence = *message;
        *message = message.wrapping_add(1);
        let pieces: Vec<&[u8]> = text.chunks(form.piece.unwrap_or(text.len())).collect();
        let last = pieces.len() - 1;
        let chunks = pieces.iter().enumerate().map(|(at, piece)| {
            let flags = u8::from(at == last) | u8::from(at == 0) << 1 | u8::from(form.unordered) << 2;
            let tsn = self.tsn.to_be_bytes();
            self.tsn = self.tsn.wrapping_add(1);
            let (stream, sequence_bytes) = (stream.to_be_bytes(), sequence.to_be_bytes());
            if form.interleaved {
                let fragment = u32::try_from(at).expect("few").to_be_bytes();
                let identifier = u32::from(sequence).to_be_bytes();
                return chunk(64, flags, &[&tsn, &stream, &[0, 0], &identifier, &fragment, piece]);
            }
            chunk(0, flags, &[&tsn, &stream, &sequence_bytes, &[0; 4], piece])
        });
        chunks.collect()
    }

    /// A frame with these chunks.
    fn packets(&self, form: Form, to: SocketAddr, time: u64, identification: u16, chunks: &[Vec<u8>]) -> Vec<Packet> {
        let (from, to) = (self.address, to);
        let ports = [from.port().to_be_bytes(), to.port().to_be_bytes()].concat();
        let payload = [&ports[..], &self.peer_tag.to_be_bytes(), &[0; 4], &chunks.concat()].concat();
        let packet = if form.over_udp {
            let (from, to) = (SocketAddr::new(from.ip(), 9_899), SocketAddr::new(to.ip(), 9_899));
            udp::packet(identification, from, to, &payload)
        } else {
            let header =
                Header { source: from.ip(), destination: to.ip(), protocol: 132, identification, hop_limit: 64 };
            let mut packet = Vec::new();
            header.write(&mut packet, payload.len());
            packet.extend_from_slice(&payload);
            packet
        };
        let parts = match form.fragment {
            Some(piece) => fragments(&packet, piece, identification.into()),
            None => vec![packet],
        };
        parts.into_iter().map(|part| Packet::new(time, LINK, part)).collect()
    }
}

/// The chunks of each message, each in a packet of its own, with what else is needed to make frames of them.
struct Association {
    ends: [End; 2],
    form: Form,
    identification: u16,
}

impl Association {
    fn new(form: Form) -> Self {
        let (phone, server) = addresses(form.ipv6);
        let end = |address, peer_tag| {
            let messages = vec![0; usize::from(form.streams)];
            End { address, peer_tag, tsn: form.tsn, messages }
        };
        Self { ends: [end(phone, 0xaaaa_0001), end(server, 0xbbbb_0002)], form, identification: 0 }
    }

    fn chunks(&mut self, by: Who, number: usize, text: &[u8]) -> Vec<Vec<u8>> {
        self.ends[usize::from(by == Who::Server)].chunks(self.form, number, text)
    }

    fn packets(&mut self, by: Who, time: u64, chunks: &[Vec<u8>]) -> Vec<Packet> {
        self.identification += 1;
        let [phone, server] = &self.ends;
        let (from, to) = if by == Who::Phone { (phone, server) } else { (server, phone) };
        from.packets(self.form, to.address, time, self.identification, chunks)
    }
}

/// The story, each chunk in a packet of its own, in the order that `order` gives to the packets of a message.
fn told_by(form: Form, order: impl Fn(usize, Vec<Packet>) -> Vec<Packet>) -> (Vec<Packet>, Completes) {
    let mut association = Association::new(form);
    let (mut packets, mut completes) = (Vec::new(), Completes::new());
    for (number, said) in story("SCTP").into_iter().enumerate() {
        let mut of_message = Vec::new();
        for chunk in association.chunks(said.by, number, &said.text) {
            of_message.extend(association.packets(said.by, said.time, &[chunk]));
        }
        packets.extend(order(number, of_message));
        completes.insert(packets.len() as u64, number);
    }
    (packets, completes)
}

fn run(name: &str, packets: &[Packet]) -> Run {
    let run = run_bytes(file(Layout::usual(LINK), packets).expect("memory"));
    run.assert_conserved(name);
    run
}

fn in_order(_: usize, packets: Vec<Packet>) -> Vec<Packet> {
    packets
}

#[test]
fn the_same_calls_give_the_same_results_however_chunks_are_made() {
    let (packets, completes) = told_by(PLAIN, in_order);
    let plain = essence_of("plain", LINK, &packets, &completes);
    assert_eq!(plain["redirects"][0]["client"]["transport"], "sctp");
    let pieces = Form { piece: Some(200), ..PLAIN };
    let interleaved = Form { interleaved: true, ..pieces };
    for form in [
        pieces,
        Form { piece: Some(1), ..PLAIN },
        Form { unordered: true, ..pieces },
        Form { streams: 3, ..pieces },
        Form { tsn: u32::MAX - 5, ..pieces },
        Form { tsn: u32::MAX - 5, ..PLAIN },
        interleaved,
        Form { interleaved: true, ..PLAIN },
        Form { unordered: true, streams: 4, tsn: u32::MAX, ..interleaved },
        Form { ipv6: true, ..PLAIN },
        Form { ipv6: true, fragment: Some(96), ..PLAIN },
        Form { fragment: Some(64), ..pieces },
        Form { over_udp: true, ..PLAIN },
        Form { over_udp: true, ..pieces },
        Form { over_udp: true, ipv6: true, fragment: Some(96), ..interleaved },
    ] {
        let (packets, completes) = told_by(form, in_order);
        assert_eq!(essence_of(&format!("{form:?}"), LINK, &packets, &completes), plain, "{form:?}");
    }
}

#[test]
fn pieces_come_in_any_order_and_twice() {
    let (packets, completes) = told_by(PLAIN, in_order);
    let plain = essence_of("plain", LINK, &packets, &completes);
    for interleaved in [false, true] {
        for piece in [60, 300] {
            let form = Form { piece: Some(piece), interleaved, ..PLAIN };
            let backwards = |_, packets: Vec<Packet>| packets.into_iter().rev().collect();
            let (packets, completes) = told_by(form, backwards);
            assert_eq!(essence_of(&format!("backwards: {form:?}"), LINK, &packets, &completes), plain, "{form:?}");
            let twice = |_, packets: Vec<Packet>| {
                let last = packets.len() - 1;
                let again: Vec<Packet> = packets[..last].to_vec();
                again.into_iter().chain(packets).collect()
            };
            let (packets, completes) = told_by(form, twice);
            assert_eq!(essence_of(&format!("twice: {form:?}"), LINK, &packets, &completes), plain, "{form:?}");
        }
    }
}

#[test]
fn all_that_is_sent_again_is_set_aside() {
    let (packets, _) = told_by(PLAIN, in_order);
    let plain = outcomes(&run("plain", &packets).report);
    // A mirror gives copies within microseconds, a sender after a second; chunks have their numbers both times.
    for delay in [20 * MICROSECOND, 1_100_000 * MICROSECOND] {
        let mut all: Vec<Packet> = packets.iter().flat_map(|packet| [packet.clone(), packet.again(delay)]).collect();
        all.sort_by_key(|packet| packet.time);
        let run = run("again", &all);
        assert_told(&run.report, "again");
        assert_eq!(outcomes(&run.report), plain, "again after {delay}");
        assert_eq!(run.report["capture_quality"]["sctp"]["chunks_duplicate"], packets.len(), "again after {delay}");
    }
}

#[test]
fn several_messages_in_a_packet() {
    let mut association = Association::new(PLAIN);
    let mut packets = Vec::new();
    for same in story("SCTP").chunk_by(|one, next| one.by == next.by) {
        let chunks: Vec<Vec<u8>> = same.iter().flat_map(|said| association.chunks(said.by, 0, &said.text)).collect();
        let all = [vec![chunk(3, 0, &[&[0; 12]])], chunks].concat();
        packets.extend(association.packets(same[0].by, same[0].time, &all));
    }
    assert!(packets.len() < story("SCTP").len(), "no packet has several messages");
    assert_told(&run("bundled", &packets).report, "bundled");
}

/// The place of the 302 that nothing comes of in the story, and of the 301.
const AWAY: usize = 19;
const MOVED: usize = 1;

#[test]
fn what_is_lost_is_missed_and_nothing_is_concluded_from_it() {
    let form = Form { piece: Some(40), ..PLAIN };
    let drop_end = |number, mut packets: Vec<Packet>| {
        if number == MOVED {
            packets.pop();
        }
        packets
    };
    let (packets, _) = told_by(form, drop_end);
    let report = run("the end of the 301 is lost", &packets).report;
    // Its beginning says what it is.
    assert_eq!(report["summary"]["redirects"]["by_status"]["301"], 1);
    assert_eq!(report["capture_quality"]["sctp"]["messages_cut"], 1);
    assert_eq!(report["capture_quality"]["sctp"]["chunks_lost"], 1);

    let drop_start = |number, mut packets: Vec<Packet>| {
        if number == MOVED {
            packets.remove(0);
        }
        packets
    };
    let (packets, _) = told_by(form, drop_start);
    let report = run("the start of the 301 is lost", &packets).report;
    assert_eq!(report["summary"]["redirects"]["total"], 1);

    // A chunk that is lost after the 302 may have been what follows it.
    let drop_after = |number, packets: Vec<Packet>| if number == AWAY + 1 { Vec::new() } else { packets };
    let (packets, _) = told_by(PLAIN, drop_after);
    let report = run("a message after the 302 is lost", &packets).report;
    assert_eq!(report["redirects"][1]["outcome"], "undetermined", "{:#}", report["redirects"]);
}

#[test]
fn other_protocols_cost_nothing() {
    let (phone, server) = addresses(false);
    let mut packets = Vec::new();
    for number in 0..2_000_u16 {
        let tsn = u32::from(number).to_be_bytes();
        let flags = [3, 2, 0, 1][usize::from(number) % 4];
        let chunk = chunk(0, flags, &[&tsn, &[0, 1, 0, 0, 0, 0, 0, 18], &[0; 300]]);
        let end = End { address: phone, peer_tag: 7, tsn: 0, messages: Vec::new() };
        packets.extend(end.packets(PLAIN, server, u64::from(number), number, &[chunk]));
    }
    let report = run("S1AP", &packets).report;
    let quality = &report["capture_quality"]["sctp"];
    assert_eq!((&quality["directions"], &quality["chunks_unwanted"]), (&0.into(), &2_000.into()), "{quality}");
}

#[test]
fn sip_on_the_port_of_sctp_over_udp_is_sip() {
    let (phone, server) = addresses(false);
    let (from, to) = (SocketAddr::new(phone.ip(), 9_899), SocketAddr::new(server.ip(), 9_899));
    let said = story("UDP").into_iter();
    let packets: Vec<Packet> =
        said.map(|said| Packet::new(said.time, LINK, udp::packet(1, from, to, &said.text))).collect();
    assert_eq!(run("plain SIP", &packets).messages(), packets.len() as u64);
}

#[test]
fn packets_cut_anywhere_end_nothing() {
    let form = Form { piece: Some(100), ..PLAIN };
    let (packets, _) = told_by(form, in_order);
    for length in 0..160 {
        let cut: Vec<Packet> = packets.iter().map(|packet| packet.clone().snapped(length)).collect();
        run(&format!("cut at {length}"), &cut);
    }
}
