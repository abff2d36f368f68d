//! The same calls on every link layer, over IPv4 and IPv6, whole and in fragments: the same results.

use std::net::{IpAddr, SocketAddr};

use serde_json::Value;

use crate::support::essence::by_message;
use crate::support::run_bytes;
use crate::support::story::{Completes, Who, addresses, essence_of, over_udp, story};
use crate::traffic::link::Link;
use crate::traffic::packet::Packet;
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

/// Puts an IP packet into a frame.
type Wrap = fn(&[u8]) -> Vec<u8>;

fn is_ipv6(packet: &[u8]) -> bool {
    packet[0] >> 4 == 6
}

/// The protocol of PPP, and the Ethertype.
fn ppp(packet: &[u8]) -> [u8; 2] {
    [0, if is_ipv6(packet) { 0x57 } else { 0x21 }]
}

fn ether_type(packet: &[u8]) -> [u8; 2] {
    if is_ipv6(packet) { [0x86, 0xdd] } else { [8, 0] }
}

fn ethernet(packet: &[u8]) -> Vec<u8> {
    Link::Tagged(&[(0x8100, 7)]).frame(packet)
}

fn length(bytes: usize) -> [u8; 2] {
    u16::try_from(bytes).expect("short").to_be_bytes()
}

fn snap(packet: &[u8]) -> Vec<u8> {
    [&[0xaa, 0xaa, 3, 0, 0, 0][..], &ether_type(packet), packet].concat()
}

/// A data frame with QoS.
fn wlan(packet: &[u8]) -> Vec<u8> {
    [&[0x88, 1, 0, 0][..], &[2; 20], &[0, 0], &snap(packet)].concat()
}

fn avs(frame: &[u8]) -> Vec<u8> {
    [&[0x80, 0x21, 0x10, 1, 0, 0, 0, 64][..], &[0; 56], frame].concat()
}

fn nflog(packet: &[u8]) -> Vec<u8> {
    let length = u16::try_from(packet.len() + 4).expect("short").to_le_bytes();
    let family = if is_ipv6(packet) { 10 } else { 2 };
    [&[family, 0, 0, 0][..], &length, &[9, 0], packet].concat()
}

/// The links that carry IP in other ways, by number.
const WRAPPED: [(&str, u16, Wrap); 46] = [
    ("PPP", 9, |packet| [&[0xff, 3][..], &ppp(packet), packet].concat()),
    ("PPP in HDLC", 50, |packet| [&[0xff, 3][..], &ppp(packet), packet].concat()),
    ("PPPoE", 51, |packet| [&[0x11, 0, 0, 7][..], &length(packet.len() + 2), &ppp(packet), packet].concat()),
    ("PPPoE on Ethernet", 1, |packet| {
        let header = [&[2; 12][..], &[0x88, 0x64, 0x11, 0, 0, 7], &length(packet.len() + 2), &ppp(packet)].concat();
        [&header, packet].concat()
    }),
    ("PPPoE in two VLANs", 1, |packet| {
        let header = [&[2; 12][..], &[0x88, 0xa8, 0, 9, 0x81, 0, 0, 7, 0x88, 0x64, 0x11, 0, 0, 7]].concat();
        [&header, &length(packet.len() + 2)[..], &ppp(packet), packet].concat()
    }),
    ("SNAP on Ethernet", 1, |packet| [&[2; 12][..], &length(packet.len() + 8), &snap(packet)].concat()),
    ("SNAP behind a VLAN tag", 1, |packet| {
        [&[2; 12][..], &[0x81, 0, 0, 7], &length(packet.len() + 8), &snap(packet)].concat()
    }),
    ("MPLS with three labels in a VLAN", 1, |packet| {
        let labels = [0, 1, 0, 64, 0, 2, 0, 64, 0, 3, 1, 64];
        [&[2; 12][..], &[0x81, 0, 0, 7, 0x88, 0x47], &labels, packet].concat()
    }),
    ("twelve tags", 1, |packet| [&[2; 12][..], &[0x81, 0, 0, 7].repeat(12), &ether_type(packet), packet].concat()),
    ("PPP without address, protocol in a byte", 9, |packet| [&ppp(packet)[1..], packet].concat()),
    ("SLL with a tag", 113, |packet| {
        [&[0, 4, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0, 0x81, 0, 0, 7][..], &ether_type(packet), packet].concat()
    }),
    ("SLL of a tunnel without addresses", 113, |packet| {
        [&[0, 4, 0xff, 0xfe, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &ether_type(packet), packet].concat()
    }),
    ("SLL of a monitor", 113, |packet| {
        [&[0, 3, 3, 0x23, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0, 0, 4, 0, 0, 8, 0, 0, 0, 0, 0][..], &wlan(packet)].concat()
    }),
    ("SLL2 with a tag", 276, |packet| {
        [&[0x81, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6][..], &[2; 8], &[0, 7], &ether_type(packet), packet].concat()
    }),
    ("Cisco HDLC", 104, |packet| [&[0x0f, 0][..], &ether_type(packet), packet].concat()),
    ("802.11", 105, wlan),
    ("802.11 without QoS", 105, |packet| [&[8, 1, 0, 0][..], &[2; 20], &snap(packet)].concat()),
    ("802.11 with four addresses", 105, |packet| [&[8, 3, 0, 0][..], &[2; 26], &snap(packet)].concat()),
    ("802.11 with four addresses, QoS and HT control", 105, |packet| {
        [&[0x88, 0x83, 0, 0][..], &[2; 26], &[0, 0, 1, 2, 3, 4], &snap(packet)].concat()
    }),
    ("802.11 with its check sequence", 105, |packet| [&wlan(packet)[..], &[9; 4]].concat()),
    ("802.11, an aggregate of one", 105, |packet| {
        let inner = snap(packet);
        [&[0x88, 1, 0, 0][..], &[2; 20], &[0x80, 0], &[2; 12], &length(inner.len()), &inner].concat()
    }),
    ("802.11, an aggregate of two", 105, |packet| {
        let (inner, noise) = (snap(packet), [0x42; 9]);
        let padding = vec![0; (4 - (inner.len() + 14) % 4) % 4];
        let first = [&[2; 12][..], &length(noise.len()), &noise, &[0]].concat();
        let second = [&[2; 12][..], &length(inner.len()), &inner, &padding].concat();
        [&[0x88, 1, 0, 0][..], &[2; 20], &[0x80, 0], &first, &second].concat()
    }),
    ("Frame Relay", 107, |packet| [&[0x18, 0x41, 3, if is_ipv6(packet) { 0x8e } else { 0xcc }][..], packet].concat()),
    ("Frame Relay as Cisco has it", 107, |packet| [&[0x18, 0x41][..], &ether_type(packet), packet].concat()),
    ("Frame Relay with SNAP and an address of four bytes", 107, |packet| {
        [&[0x18, 0x40, 0x40, 0x41, 3, 0, 0x80, 0, 0, 0][..], &ether_type(packet), packet].concat()
    }),
    ("Ethernet bridged over Frame Relay", 107, |packet| {
        [&[0x18, 0x41, 3, 0, 0x80, 0, 0x80, 0xc2, 0, 7][..], &ethernet(packet)].concat()
    }),
    ("Prism", 119, |packet| [&[0; 144][..], &wlan(packet)].concat()),
    ("AVS under the number of Prism", 119, |packet| avs(&wlan(packet))),
    ("radiotap", 127, |packet| [&[0, 0, 8, 0, 0, 0, 0, 0][..], &wlan(packet)].concat()),
    ("radiotap, payload padded", 127, |packet| {
        [&[0, 0, 9, 0, 2, 0, 0, 0, 0x20, 0x88, 1, 0, 0][..], &[2; 20], &[0; 4], &snap(packet)].concat()
    }),
    ("AVS", 163, |packet| avs(&wlan(packet))),
    ("Juniper Ethernet", 178, |packet| [&b"MGC\x01"[..], &ethernet(packet)].concat()),
    ("Juniper Ethernet with extensions", 178, |packet| {
        [&b"MGC\x80\0\x06\x01\x01\x07\x02\x01\x01"[..], &ethernet(packet)].concat()
    }),
    ("Juniper PPP", 179, |packet| [&b"MGC\0\xff\x03"[..], &ppp(packet), packet].concat()),
    ("Juniper Frame Relay", 180, |packet| {
        [&b"MGC\0\x18\x41\x03"[..], &[if is_ipv6(packet) { 0x8e } else { 0xcc }], packet].concat()
    }),
    ("Juniper Cisco HDLC", 181, |packet| [&b"MGC\0\x0f\0"[..], &ether_type(packet), packet].concat()),
    ("PPI", 192, |packet| [&[0, 0, 8, 0, 1, 0, 0, 0][..], &ethernet(packet)].concat()),
    ("PPI of a radio", 192, |packet| [&[0, 0, 12, 0, 105, 0, 0, 0, 9, 9, 0, 0][..], &wlan(packet)].concat()),
    ("PKTAP", 258, |packet| {
        let header = [&[108, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0][..], &[0; 96]].concat();
        [&header, &ethernet(packet)[..]].concat()
    }),
    ("a record of an Endace card", 197, |packet| {
        let frame = ethernet(packet);
        let (record, wire) = (length(frame.len() + 18), length(frame.len()));
        [&[0; 8][..], &[2, 4], &record, &[0, 0], &wire, &[0, 0], &frame].concat()
    }),
    ("PPP with direction", 204, |packet| [&[1, 0xff, 3][..], &ppp(packet), packet].concat()),
    ("MPLS", 219, |packet| [&[0, 1, 0, 64, 0, 2, 1, 64][..], packet].concat()),
    ("a pseudowire", 219, |packet| [&[0, 2, 1, 64, 0, 0, 0, 9][..], &ethernet(packet)].concat()),
    ("a pseudowire without control word", 219, |packet| [&[0, 2, 1, 64][..], &ethernet(packet)].concat()),
    ("NFLOG", 239, nflog),
    ("NFLOG, big-endian, behind other attributes", 239, |packet| {
        let prefix = [0, 7, 0, 10, b'a', b'b', 0, 0];
        let family = if is_ipv6(packet) { 10 } else { 2 };
        [&[family, 0, 0, 0][..], &prefix, &length(packet.len() + 4), &[0, 9], packet].concat()
    }),
];

#[test]
fn the_same_calls_give_the_same_results_on_links_of_all_kinds() {
    let plain = told(Link::Ethernet, false, None, "Ethernet");
    for (name, number, wrap) in WRAPPED {
        for ipv6 in [false, true] {
            for piece in [None, Some(96)] {
                let name = format!("{name}, IPv6: {ipv6}, in pieces of {piece:?}");
                let (packets, completes) = over_udp(Link::Raw(101), ipv6, piece);
                let link = Link::Raw(number);
                let wrapped = packets.iter().map(|packet| Packet::new(packet.time, link, wrap(&packet.bytes)));
                let packets: Vec<Packet> = wrapped.collect();
                assert_eq!(essence_of(&name, link, &packets, &completes), plain, "{name}: not what it is on Ethernet");
            }
        }
    }
}

fn tag(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[0, kind][..], &length(value.len()), value].concat()
}

/// A PDU that a dissector exported, as it is named in these tags, with the addresses and ports that it had.
fn exported(by: &[u8], from: SocketAddr, to: SocketAddr, text: &[u8]) -> Vec<u8> {
    let address = |address: SocketAddr| match address.ip() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let (source, destination) = if from.is_ipv4() { (20, 21) } else { (22, 23) };
    let addresses = [tag(source, &address(from)), tag(destination, &address(to))].concat();
    let port = |address: SocketAddr| u32::from(address.port()).to_be_bytes();
    // UDP, which has the number 3 there.
    let ports = [tag(24, &[0, 0, 0, 3]), tag(25, &port(from)), tag(26, &port(to))].concat();
    [by, &addresses, &ports, &tag(0, b""), text].concat()
}

#[test]
fn exported_pdus_give_the_same_results() {
    let plain = told(Link::Ethernet, false, None, "Ethernet");
    // By the dissector of SIP, by one that looks at the content, by the table of ports that chooses the dissector.
    let by_port = [tag(14, b"udp.port\0\0\0\0"), tag(32, &[0, 0, 0x13, 0xc4])].concat();
    for by in [tag(12, b"sip\0"), tag(13, b"sip_udp\0"), by_port.clone()] {
        for ipv6 in [false, true] {
            let (phone, server) = addresses(ipv6);
            let (mut packets, mut completes) = (Vec::new(), Completes::new());
            for (number, said) in story("UDP").into_iter().enumerate() {
                let (from, to) = if said.by == Who::Phone { (phone, server) } else { (server, phone) };
                packets.push(Packet::new(said.time, Link::Raw(252), exported(&by, from, to, &said.text)));
                completes.insert(packets.len() as u64, number);
            }
            assert_eq!(essence_of("exported", Link::Raw(252), &packets, &completes), plain, "{by:?}, IPv6: {ipv6}");
        }
    }
    // What else goes by ports is no message, and is counted.
    let (phone, server) = addresses(false);
    let other = Packet::new(0, Link::Raw(252), exported(&by_port, phone, server, b"\x80\x08 some sound"));
    let report = run_bytes(file(Layout::usual(Link::Raw(252)), &[other]).expect("memory")).report;
    assert_eq!(report["capture_quality"]["frames"]["skipped"]["other_exported_pdu"], 1);
}

#[test]
fn every_link_type_tells_the_story() {
    let mut told: Vec<u32> = LINKS.iter().map(|(_, link)| link.number().into()).collect();
    told.extend(WRAPPED.iter().map(|(_, number, _)| u32::from(*number)));
    told.extend([229, 252]);
    for row in reinvite::decode::link::LINKS {
        assert!(told.contains(&row.link.0), "no story over {}", row.link.name());
    }
}

/// What fragments were lost of may have been anything.
#[test]
fn nothing_is_claimed_across_packets_that_fragments_are_missing_of() {
    let (packets, completes) = over_udp(Link::Ethernet, false, Some(96));
    let outcome = |packets: &[Packet]| {
        let run = run_bytes(file(Layout::usual(Link::Ethernet), packets).expect("memory"));
        run.assert_conserved("fragments lost");
        run.report["redirects"][1]["outcome"].clone()
    };
    assert_eq!(outcome(&packets), "not_followed");
    // The ACK to the 302, and the 180 of the first call.
    for (message, wanted) in [(20, "undetermined"), (4, "not_followed")] {
        let last = completes.iter().find(|(_, completed)| **completed == message).map(|(frame, _)| *frame);
        let mut rest = packets.clone();
        rest.remove(usize::try_from(last.expect("a frame")).expect("few") - 1);
        assert_eq!(outcome(&rest), wanted, "a fragment of message {message} lost");
    }
}

/// What a report says of the story, with IPv6 addresses as the IPv4 addresses they stand for.
fn told(link: Link, ipv6: bool, piece: Option<usize>, name: &str) -> Value {
    let (packets, completes) = over_udp(link, ipv6, piece);
    essence_of(name, link, &packets, &completes)
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
