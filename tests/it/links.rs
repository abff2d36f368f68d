//! The same calls on every link layer, over IPv4 and IPv6, whole and in fragments: the same results.

use serde_json::Value;

use crate::support::essence::by_message;
use crate::support::run_bytes;
use crate::support::story::{addresses, assert_told, over_udp};
use crate::traffic::link::Link;
use crate::traffic::pcap::{Layout, file};

const LINKS: [(&str, Link); 14] = [
    ("Ethernet", Link::Ethernet),
    ("VLAN", Link::Tagged(&[(0x8100, 7)])),
    ("QinQ", Link::Tagged(&[(0x88a8, 20), (0x8100, 7)])),
    ("QinQ with the old tag", Link::Tagged(&[(0x9100, 20), (0x8100, 7)])),
    ("SLL", Link::Sll),
    ("SLL2", Link::Sll2),
    ("raw 12", Link::Raw(12)),
    ("raw 14", Link::Raw(14)),
    ("raw 101", Link::Raw(101)),
    ("raw 228 or 229", Link::Raw(228)),
    ("null, little-endian", Link::Null { big_endian: false }),
    ("null, big-endian", Link::Null { big_endian: true }),
    ("loop", Link::Loop),
    ("three tags", Link::Tagged(&[(0x88a8, 1), (0x8100, 2), (0x8100, 3)])),
];

/// What a report says of the story, with IPv6 addresses as the IPv4 addresses they stand for.
fn told(link: Link, ipv6: bool, piece: Option<usize>, name: &str) -> Value {
    let (packets, completes) = over_udp(link, ipv6, piece);
    let run = run_bytes(file(Layout::usual(link), &packets).expect("memory"));
    run.assert_conserved(name);
    assert_told(&run.report, name);
    let told = by_message(&run.report, &completes).to_string();
    let (six, four) = (addresses(true), addresses(false));
    let told = [(six.0, four.0), (six.1, four.1)].iter().fold(told, |told, (six, four)| {
        let told = told.replace(&six.to_string(), &four.to_string());
        told.replace(&six.ip().to_string(), &four.ip().to_string())
    });
    serde_json::from_str(&told).expect("JSON")
}

#[test]
fn the_same_calls_give_the_same_results() {
    let plain = told(Link::Ethernet, false, None, "Ethernet");
    assert!(plain["findings"].as_array().is_some_and(|findings| findings.len() >= 3), "{plain:#}");
    for (name, link) in LINKS {
        for ipv6 in [false, true] {
            // LINKTYPE_IPV4 and LINKTYPE_IPV6 hold one version each.
            let link = if link == Link::Raw(228) && ipv6 { Link::Raw(229) } else { link };
            for piece in [None, Some(1_200), Some(96), Some(8)] {
                let name = format!("{name}, IPv6: {ipv6}, in pieces of {piece:?}");
                assert_eq!(told(link, ipv6, piece, &name), plain, "{name}: not what it is on Ethernet");
            }
        }
    }
}

#[test]
fn fragments_in_any_order_and_twice() {
    let plain = told(Link::Ethernet, false, None, "Ethernet");
    let (packets, completes) = over_udp(Link::Ethernet, false, Some(200));
    let mut last = 0;
    let mut mixed = Vec::new();
    for frame in completes.keys() {
        let (frame, first) = (usize::try_from(*frame).expect("small"), last);
        // Backwards, each but the last one twice: what was first completes the packet now, at the time of the message.
        let mut pieces = packets[first..frame].to_vec();
        let times: Vec<u64> = pieces.iter().map(|piece| piece.time).collect();
        pieces.reverse();
        for (piece, time) in pieces.iter_mut().zip(times) {
            piece.time = time;
        }
        let again: Vec<_> = pieces[..pieces.len() - 1].to_vec();
        mixed.extend(again);
        mixed.append(&mut pieces);
        last = frame;
    }
    let mut doubled = std::collections::BTreeMap::new();
    let (mut frame_now, mut last) = (0, 0);
    for (frame, message) in &completes {
        frame_now += 2 * (frame - last) - 1;
        last = *frame;
        doubled.insert(frame_now, *message);
    }
    let run = run_bytes(file(Layout::usual(Link::Ethernet), &mixed).expect("memory"));
    run.assert_conserved("fragments backwards and twice");
    assert_eq!(by_message(&run.report, &doubled), plain, "fragments backwards and twice");
}
