//! Captures that hold packets twice: copies are set aside, and what was really sent again is not.

use std::net::SocketAddr;

use crate::support::essence::outcomes;
use crate::support::story::{Who, addresses, assert_told, over_udp, story};
use crate::support::{Run, run_bytes};
use crate::tcp::{connection, thirds};
use crate::traffic::link::Link;
use crate::traffic::packet::{MICROSECOND, MILLISECOND, Packet, Wire};
use crate::traffic::pcap::{Layout, file};
use crate::traffic::udp;

/// Bytes of an Ethernet header.
const ETHERNET_LEN: usize = 14;

/// Makes of a frame the copy that another place of the network shows.
type Copy = fn(&[u8]) -> Vec<u8>;

/// The same packet one router further.
fn routed(frame: &[u8]) -> Vec<u8> {
    let mut copy = frame.to_vec();
    copy[..12].copy_from_slice(&[4; 12]);
    copy[ETHERNET_LEN + 8] -= 1;
    // The checksum is one of ones' complement: what is taken from the first byte of a word is added to it.
    let sum = u16::from_be_bytes([copy[ETHERNET_LEN + 10], copy[ETHERNET_LEN + 11]]);
    let (sum, carry) = sum.overflowing_add(0x100);
    copy[ETHERNET_LEN + 10..ETHERNET_LEN + 12].copy_from_slice(&(sum + u16::from(carry)).to_be_bytes());
    copy
}

fn tagged(frame: &[u8]) -> Vec<u8> {
    [&frame[..12], &[0x81, 0, 0, 7], &frame[12..]].concat()
}

/// A packet from a switch to where captures are taken.
fn in_ip(protocol: u8, parts: &[&[u8]]) -> Vec<u8> {
    let payload = parts.concat();
    let length = u16::try_from(payload.len() + 20).expect("short").to_be_bytes();
    let header = [&[0x45, 0][..], &length, &[0, 9, 0, 0, 64, protocol, 0, 0, 203, 0, 113, 1, 203, 0, 113, 2]].concat();
    [&[6; 12][..], &[8, 0], &header, &payload].concat()
}

fn in_gre(frame: &[u8]) -> Vec<u8> {
    in_ip(47, &[&[0, 0, 8, 0], &frame[ETHERNET_LEN..]])
}

fn in_erspan(frame: &[u8]) -> Vec<u8> {
    in_ip(47, &[&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 7, 0, 1, 0, 0, 0, 0], frame])
}

const COPIES: [(&str, Copy); 6] = [
    ("the same frame", |frame| frame.to_vec()),
    ("one router further", routed),
    ("in a VLAN", tagged),
    ("in a VLAN, one router further", |frame| tagged(&routed(frame))),
    ("in GRE", in_gre),
    ("in ERSPAN", in_erspan),
];

fn told_by() -> Vec<Packet> {
    let (phone, server) = addresses(false);
    let mut wire = Wire::new(Link::Ethernet);
    let said = story("UDP").into_iter().map(|said| {
        let (from, to) = if said.by == Who::Phone { (phone, server) } else { (server, phone) };
        wire.udp(said.time, from, to, &said.text)
    });
    said.collect()
}

fn run(name: &str, packets: &[Packet]) -> Run {
    run_on(Link::Ethernet, name, packets)
}

fn run_on(link: Link, name: &str, packets: &[Packet]) -> Run {
    let run = run_bytes(file(Layout::usual(link), packets).expect("memory"));
    run.assert_conserved(name);
    run
}

#[test]
fn copies_are_set_aside_whatever_is_around_them() {
    let packets = told_by();
    let plain = outcomes(&run("once", &packets).report);
    let count = packets.len();
    for (name, copy) in COPIES {
        // Within the time for anything, and within that for the same IP packet.
        for delay in [3 * MICROSECOND, 2 * MILLISECOND, 900 * MILLISECOND] {
            let name = format!("{name}, after {delay} ns");
            let copies =
                packets.iter().map(|packet| Packet::new(packet.time + delay, Link::Ethernet, copy(&packet.bytes)));
            let mut all: Vec<Packet> = packets.iter().cloned().chain(copies).collect();
            all.sort_by_key(|packet| packet.time);
            let run = run(&name, &all);
            let mut told = outcomes(&run.report);
            let mut once = plain.clone();
            for report in [&mut told, &mut once] {
                report["summary"] = serde_json::Value::Null;
            }
            assert_eq!(run.report["summary"]["sip_messages"], 2 * count, "{name}");
            assert_eq!(run.report["capture_quality"]["mirror_duplicates"], count, "{name}");
            assert_eq!(told["redirects"], once["redirects"], "{name}");
            assert_eq!(told["negotiations"], once["negotiations"], "{name}");
            assert_eq!(run.findings("redirect-not-followed"), 1, "{name}");
        }
    }
}

#[test]
fn what_is_sent_again_is_no_copy() {
    let (phone, server) = addresses(false);
    let story = story("UDP");
    let mut wire = Wire::new(Link::Ethernet);
    // The first INVITE at T1 and 3 T1 (RFC 3261 17.1.1.2), each with a copy by a mirror; the 301 comes late.
    let mut packets = Vec::new();
    for delay in [0, 500, 1_500] {
        let sent = wire.udp(story[0].time + delay * MILLISECOND, phone, server, &story[0].text);
        packets.push(sent.clone());
        packets.push(sent.again(20 * MICROSECOND));
    }
    for said in &story[1..] {
        let (from, to) = if said.by == Who::Phone { (phone, server) } else { (server, phone) };
        packets.push(wire.udp(said.time + 2_000 * MILLISECOND, from, to, &said.text));
    }
    let run = run("sent again", &packets);
    assert_told(
        &{
            let mut report = run.report.clone();
            report["summary"]["sip_messages"] = story.len().into();
            report
        },
        "sent again",
    );
    assert_eq!(run.report["capture_quality"]["mirror_duplicates"], 3);
    assert_eq!(run.report["summary"]["sip_messages"], story.len() + 5);
}

/// The messages of a capture with a frame for each, and for each a copy that `copy` makes of who sent what to whom.
fn seen_twice(name: &str, again: impl Fn(Who, SocketAddr, SocketAddr) -> [(SocketAddr, SocketAddr); 2]) -> Run {
    let (phone, server) = addresses(false);
    let mut packets = Vec::new();
    for (number, said) in (1_u16..).zip(story("UDP")) {
        let (from, to) = if said.by == Who::Phone { (phone, server) } else { (server, phone) };
        // A router that translates addresses keeps the identification.
        for (delay, (from, to)) in [0, 30 * MICROSECOND].into_iter().zip(again(said.by, from, to)) {
            let mut bytes = Vec::new();
            udp::write_frame(&mut bytes, Link::Ethernet, number, from, to, &said.text);
            packets.push(Packet::new(said.time + delay, Link::Ethernet, bytes));
        }
    }
    run(name, &packets)
}

/// A router that translates addresses shows each message on both of its sides: these are two steps of its way, and one call.
#[test]
fn what_passes_a_translation_of_addresses_is_no_copy() {
    let plain = run("once", &told_by()).report;
    let (inner, outer): (SocketAddr, SocketAddr) =
        ("198.51.100.7:31000".parse().expect("an address"), "198.51.100.7:5060".parse().expect("an address"));
    let (phone, server) = addresses(false);
    let translated = seen_twice("translated", |by, from, to| match by {
        Who::Phone => [(from, to), (inner, to)],
        Who::Server => [(from, inner), (from, to)],
    });
    // Phone and server are behind the same router, and know each other by its address.
    let hairpin = seen_twice("hairpin", |by, _, _| match by {
        Who::Phone => [(phone, outer), (inner, server)],
        Who::Server => [(server, inner), (outer, phone)],
    });
    for (name, run) in [("translated", translated), ("hairpin", hairpin)] {
        assert_eq!(run.report["capture_quality"]["mirror_duplicates"], 0, "{name}");
        assert_eq!(run.report["summary"]["sip_messages"], 2 * story("UDP").len(), "{name}");
        for what in ["redirects", "negotiations"] {
            assert_eq!(run.report["summary"][what], plain["summary"][what], "{name}: {what}");
        }
        assert_eq!(run.report["summary"]["findings_by_rule"], plain["summary"]["findings_by_rule"], "{name}");
    }
}

/// Without an identification only the time tells copies: later ones count as sent again, and change nothing else.
#[test]
fn copies_over_ipv6_are_told_by_time() {
    let (packets, _) = over_udp(Link::Ethernet, true, None);
    let plain = run("once", &packets).report;
    for (delay, copies) in [(20 * MICROSECOND, packets.len()), (9 * MILLISECOND, packets.len()), (11 * MILLISECOND, 0)]
    {
        let name = format!("after {delay} ns");
        let mut all: Vec<Packet> = packets.iter().flat_map(|packet| [packet.clone(), packet.again(delay)]).collect();
        all.sort_by_key(|packet| packet.time);
        let run = run(&name, &all);
        assert_eq!(run.report["capture_quality"]["mirror_duplicates"], copies, "{name}");
        for what in ["redirects", "negotiations", "findings_by_rule"] {
            assert_eq!(run.report["summary"][what], plain["summary"][what], "{name}: {what}");
        }
    }
}

/// On `any`, a packet shows once for each interface it passes: as coming in, as going out, with and without a tag.
#[test]
fn copies_on_several_interfaces_are_set_aside() {
    for (link, header) in [(Link::Sll, 14), (Link::Sll2, 20)] {
        let (packets, _) = over_udp(link, false, None);
        let plain = run_on(link, "once", &packets).report;
        let copies = packets.iter().map(|packet| {
            let mut bytes = packet.bytes.clone();
            if link == Link::Sll {
                // Going out, with a tag.
                bytes[1] = 4;
                bytes.splice(header..header, [0x81, 0, 0, 7]);
            } else {
                // Another interface, a bridge without addresses, going out.
                bytes[7] = 9;
                bytes[10] = 4;
            }
            Packet::new(packet.time + 3 * MICROSECOND, link, bytes)
        });
        let mut all: Vec<Packet> = packets.iter().cloned().chain(copies).collect();
        all.sort_by_key(|packet| packet.time);
        let run = run_on(link, "twice", &all);
        assert_eq!(run.report["capture_quality"]["mirror_duplicates"], packets.len(), "{link:?}");
        for what in ["redirects", "negotiations", "findings_by_rule"] {
            assert_eq!(run.report["summary"][what], plain["summary"][what], "{link:?}: {what}");
        }
    }
}

/// Copies of segments, behind those that follow: what is one connection stays one, and nothing is read twice.
#[test]
fn copies_of_segments_are_set_aside_however_they_interleave() {
    let sent: Vec<Packet> = connection(&thirds).into_iter().map(|sent| sent.packet).collect();
    let plain = outcomes(&run("once", &sent).report);
    for (name, copy) in COPIES {
        for delay in [3 * MICROSECOND, 15 * MICROSECOND, 25 * MILLISECOND, 700 * MILLISECOND] {
            let name = format!("{name}, after {delay} ns");
            let copies =
                sent.iter().map(|packet| Packet::new(packet.time + delay, Link::Ethernet, copy(&packet.bytes)));
            let mut all: Vec<Packet> = sent.iter().cloned().chain(copies).collect();
            all.sort_by_key(|packet| packet.time);
            let run = run(&name, &all);
            assert_told(&run.report, &name);
            assert_eq!(outcomes(&run.report), plain, "{name}");
            assert_eq!(run.report["capture_quality"]["tcp"]["connections_with_sip"], 1, "{name}");
        }
    }
}
