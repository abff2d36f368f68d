//! Frames of all kinds, whole, cut short and lying.

use std::net::{Ipv4Addr, Ipv6Addr};

use etherparse::{IpNumber, PacketBuilder};
use proptest::prelude::*;

use super::*;
use crate::limits::MAX_LAYERS;

const PAYLOAD: &[u8] = b"OPTIONS sip:bob@example.com SIP/2.0\r\n";
const A4: [u8; 4] = [192, 0, 2, 1];
const B4: [u8; 4] = [198, 51, 100, 2];
const A6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const B6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

fn udp4() -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ipv4(A4, B4, 64).udp(5060, 5070).write(&mut bytes, PAYLOAD).unwrap();
    bytes[4..6].copy_from_slice(&[0xab, 0xcd]);
    bytes
}

fn udp6() -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ipv6(A6, B6, 64).udp(5060, 5070).write(&mut bytes, PAYLOAD).unwrap();
    bytes
}

fn tcp4() -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder = PacketBuilder::ipv4(A4, B4, 64).tcp(5060, 5070, 0xffff_fff0, 1_000).ack(77).psh();
    let builder = builder.options(&[etherparse::TcpOptionElement::Timestamp(1, 2)]).unwrap();
    builder.write(&mut bytes, PAYLOAD).unwrap();
    bytes
}

/// An IPv6 packet with `headers` (which must lead to UDP) before a UDP datagram.
fn udp6_after(first: u8, headers: &[u8]) -> Vec<u8> {
    let plain = udp6();
    let mut bytes = plain[..40].to_vec();
    bytes[6] = first;
    let length = u16::try_from(plain.len() - 40 + headers.len()).unwrap();
    bytes[4..6].copy_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(headers);
    bytes.extend_from_slice(&plain[40..]);
    bytes
}

fn ethernet(tags: &[u16], ethertype: u16, packet: &[u8]) -> Vec<u8> {
    let mut bytes = vec![2; 12];
    for tag in tags {
        bytes.extend_from_slice(&tag.to_be_bytes());
        bytes.extend_from_slice(&[0, 7]);
    }
    bytes.extend_from_slice(&ethertype.to_be_bytes());
    bytes.extend_from_slice(packet);
    bytes
}

fn with(prefix: &[u8], packet: &[u8]) -> Vec<u8> {
    [prefix, packet].concat()
}

fn whole(link: LinkType, bytes: &[u8]) -> Decoded<'_> {
    decode(link, bytes, u32::try_from(bytes.len()).unwrap())
}

#[track_caller]
fn datagram(link: LinkType, bytes: &[u8]) -> Datagram<'_> {
    match whole(link, bytes) {
        Decoded::Datagram(datagram) => datagram,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_skip(skip: Skip, link: LinkType, bytes: &[u8]) {
    assert_eq!(whole(link, bytes), Decoded::Skip(skip), "{bytes:02x?}");
}

fn pppoe(packet: &[u8]) -> Vec<u8> {
    let length = u16::try_from(packet.len() + 2).unwrap().to_be_bytes();
    [&[0x11, 0, 0, 1][..], &length, &[0, 0x21], packet].concat()
}

/// A data frame with three addresses; what follows them begins `rest`.
fn wlan(control: u8, flags: u8, rest: &[u8]) -> Vec<u8> {
    [&[control, flags, 0, 0][..], &[2; 20], rest].concat()
}

fn avs(frame: &[u8]) -> Vec<u8> {
    [&[0x80, 0x21, 0x10, 1, 0, 0, 0, 64][..], &[0; 56], frame].concat()
}

/// A log entry with a prefix of three bytes, padded, and a packet.
fn nflog(big_endian: bool, packet: &[u8]) -> Vec<u8> {
    let number = |value: usize| {
        let value = u16::try_from(value).unwrap();
        if big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    };
    let (length, payload) = (number(packet.len() + 4), number(9));
    [&[2, 0, 0, 0][..], &number(7), &number(10), b"abc\0", &length, &payload, packet].concat()
}

fn upper_pdu(dissector: &[u8]) -> Vec<u8> {
    let tag = |kind: u8, value: &[u8]| [&[0, kind, 0, u8::try_from(value.len()).unwrap()], value].concat();
    let name = tag(12, &[dissector, &vec![0; 4 - dissector.len() % 4]].concat());
    let ports = [tag(24, &[0, 0, 0, 3]), tag(25, &5060_u32.to_be_bytes()), tag(26, &5070_u32.to_be_bytes())];
    [name, tag(22, &A6), tag(23, &B6), ports.concat(), tag(0, &[]), PAYLOAD.to_vec()].concat()
}

/// Every kind of frame that carries the same UDP datagram.
fn carriers() -> Vec<(&'static str, LinkType, Vec<u8>)> {
    let (udp4, udp6) = (udp4(), udp6());
    let sll = |hardware: u8, protocol: u16, packet: &[u8]| {
        let mut bytes = vec![0, 0, 0, hardware, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0];
        bytes.extend_from_slice(&protocol.to_be_bytes());
        with(&bytes, packet)
    };
    let sll2 = |protocol: u16, packet: &[u8]| {
        let mut bytes = protocol.to_be_bytes().to_vec();
        bytes.extend_from_slice(&[0, 0, 0, 0, 0, 3, 0, 1, 4, 6, 2, 2, 2, 2, 2, 2, 0, 0]);
        with(&bytes, packet)
    };
    let tagged = with(&[0, 7, 8, 0], &udp4);
    let snap = with(&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &udp4);
    let llc_ip = with(&[6, 6, 3], &udp4);
    let llc_len = u16::try_from(snap.len()).unwrap();
    vec![
        ("ethernet", LinkType::ETHERNET, ethernet(&[], 0x0800, &udp4)),
        ("ethernet, IPv6", LinkType::ETHERNET, ethernet(&[], 0x86dd, &udp6)),
        ("802.1Q", LinkType::ETHERNET, ethernet(&[0x8100], 0x0800, &udp4)),
        ("QinQ", LinkType::ETHERNET, ethernet(&[0x88a8, 0x8100], 0x86dd, &udp6)),
        ("QinQinQ", LinkType::ETHERNET, ethernet(&[0x9100, 0x9200, 0x8100], 0x0800, &udp4)),
        ("802.3 SNAP", LinkType::ETHERNET, ethernet(&[], llc_len, &snap)),
        ("802.3 SNAP in VLAN", LinkType::ETHERNET, ethernet(&[0x8100], llc_len, &snap)),
        ("802.3 LLC", LinkType::ETHERNET, ethernet(&[], 40, &llc_ip)),
        ("sll", LinkType::LINUX_SLL, sll(1, 0x0800, &udp4)),
        ("sll, IPv6", LinkType::LINUX_SLL, sll(1, 0x86dd, &udp6)),
        ("sll, VLAN", LinkType::LINUX_SLL, sll(1, 0x8100, &tagged)),
        ("sll, LLC", LinkType::LINUX_SLL, sll(1, 4, &snap)),
        ("sll2", LinkType::LINUX_SLL2, sll2(0x0800, &udp4)),
        ("sll2, IPv6", LinkType::LINUX_SLL2, sll2(0x86dd, &udp6)),
        ("sll2, VLAN", LinkType::LINUX_SLL2, sll2(0x88a8, &tagged)),
        ("raw", LinkType::RAW, udp4.clone()),
        ("raw, IPv6", LinkType::RAW, udp6.clone()),
        ("raw 12", LinkType::RAW_12, udp4.clone()),
        ("raw 14", LinkType::RAW_14, udp6.clone()),
        ("ipv4", LinkType::IPV4, udp4.clone()),
        ("ipv6", LinkType::IPV6, udp6.clone()),
        ("null, little endian", LinkType::NULL, with(&[2, 0, 0, 0], &udp4)),
        ("null, big endian", LinkType::NULL, with(&[0, 0, 0, 2], &udp4)),
        ("loop", LinkType::LOOP, with(&[0, 0, 0, 2], &udp4)),
        ("loop, wrong order", LinkType::LOOP, with(&[2, 0, 0, 0], &udp4)),
        ("null, Linux", LinkType::NULL, with(&[10, 0, 0, 0], &udp6)),
        ("null, NetBSD", LinkType::NULL, with(&[0, 0, 0, 24], &udp6)),
        ("null, FreeBSD", LinkType::NULL, with(&[28, 0, 0, 0], &udp6)),
        ("null, Darwin", LinkType::NULL, with(&[30, 0, 0, 0], &udp6)),
        ("hop-by-hop", LinkType::RAW, udp6_after(0, &[17, 0, 1, 4, 0, 0, 0, 0])),
        ("routing, destination options", LinkType::RAW, {
            udp6_after(43, &[60, 0, 0, 0, 0, 0, 0, 0, 17, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        }),
        ("authentication", LinkType::RAW, udp6_after(51, &[17, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1])),
        ("atomic fragment", LinkType::RAW, udp6_after(44, &[17, 0, 0, 0, 1, 2, 3, 4])),
    ]
}

/// The same for links other than Ethernet, raw IP and what Linux and BSD put in front.
fn more_carriers() -> Vec<(&'static str, LinkType, Vec<u8>)> {
    let (udp4, udp6) = (udp4(), udp6());
    let snap = with(&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &udp4);
    vec![
        ("ppp", LinkType::PPP, with(&[0, 0x21], &udp4)),
        ("ppp, compressed", LinkType::PPP, with(&[0x21], &udp4)),
        ("ppp, IPv6", LinkType::PPP, with(&[0xff, 3, 0, 0x57], &udp6)),
        ("ppp in HDLC", LinkType::PPP_HDLC, with(&[0xff, 3, 0, 0x21], &udp4)),
        ("Cisco HDLC on such a line", LinkType::PPP_HDLC, with(&[0x8f, 0, 0x86, 0xdd], &udp6)),
        ("ppp with direction", LinkType::PPP_WITH_DIRECTION, with(&[1, 0xff, 3, 0, 0x21], &udp4)),
        ("pppoe", LinkType::PPPOE, pppoe(&udp4)),
        ("pppoe on Ethernet", LinkType::ETHERNET, ethernet(&[0x8100], 0x8864, &pppoe(&udp4))),
        ("Cisco HDLC", LinkType::CISCO_HDLC, with(&[0x0f, 0, 8, 0], &udp4)),
        ("Frame Relay", LinkType::FRAME_RELAY, with(&[0x18, 0x41, 3, 0xcc], &udp4)),
        ("Frame Relay, padded", LinkType::FRAME_RELAY, with(&[0x18, 0x40, 0x41, 3, 0, 0x8e], &udp6)),
        ("Frame Relay, SNAP", LinkType::FRAME_RELAY, with(&[0x18, 0x41, 3, 0, 0x80, 0, 0, 0, 8, 0], &udp4)),
        ("Frame Relay, Cisco", LinkType::FRAME_RELAY, with(&[0x18, 0x41, 8, 0], &udp4)),
        ("MPLS", LinkType::MPLS, with(&[0, 1, 0, 64, 0, 2, 1, 64], &udp4)),
        ("MPLS on Ethernet", LinkType::ETHERNET, ethernet(&[], 0x8847, &with(&[0, 2, 1, 64], &udp6))),
        ("pseudowire", LinkType::MPLS, with(&[0, 2, 1, 64], &ethernet(&[], 0x0800, &udp4))),
        ("pseudowire, control word", LinkType::MPLS, {
            with(&[0, 2, 1, 64, 0, 0, 0, 9], &ethernet(&[0x8100], 0x0800, &udp4))
        }),
        ("802.11", LinkType::IEEE_802_11, wlan(8, 2, &snap)),
        ("802.11 QoS, four addresses", LinkType::IEEE_802_11, wlan(0x88, 3, &with(&[0; 8], &snap))),
        ("802.11 aggregate", LinkType::IEEE_802_11, {
            let length = u16::try_from(snap.len()).unwrap().to_be_bytes();
            wlan(0x88, 1, &[&[0x80, 0][..], &[2; 12], &length, &snap].concat())
        }),
        ("radiotap", LinkType::IEEE_802_11_RADIOTAP, with(&[0, 0, 8, 0, 0, 0, 0, 0], &wlan(8, 1, &snap))),
        ("radiotap, padded", LinkType::IEEE_802_11_RADIOTAP, {
            with(&[0, 0, 9, 0, 2, 0, 0, 0, 0x20], &wlan(8, 1, &snap))
        }),
        ("radiotap, padded after QoS", LinkType::IEEE_802_11_RADIOTAP, {
            with(&[0, 0, 9, 0, 2, 0, 0, 0, 0x20], &wlan(0x88, 1, &with(&[0; 4], &snap)))
        }),
        ("Juniper Ethernet", LinkType::JUNIPER_ETHERNET, with(b"MGC\x01", &ethernet(&[], 0x0800, &udp4))),
        ("Juniper Ethernet with extensions", LinkType::JUNIPER_ETHERNET, {
            with(b"MGC\x81\0\x06\x01\x01\x07\x02\x01\x01", &ethernet(&[0x8100], 0x86dd, &udp6))
        }),
        ("Juniper without a link header", LinkType::JUNIPER_ETHERNET, with(b"MGC\x02\x02\0\0\0", &udp4)),
        ("Juniper PPP", LinkType::JUNIPER_PPP, with(b"MGC\x00\xff\x03\0\x57", &udp6)),
        ("Juniper Frame Relay", LinkType::JUNIPER_FRAME_RELAY, with(b"MGC\x00\x18\x41\x03\xcc", &udp4)),
        ("Juniper Cisco HDLC", LinkType::JUNIPER_CHDLC, with(b"MGC\x00\x0f\0\x08\0", &udp4)),
        ("prism", LinkType::IEEE_802_11_PRISM, with(&[0; 144], &wlan(8, 1, &snap))),
        ("avs", LinkType::IEEE_802_11_AVS, avs(&wlan(8, 1, &snap))),
        ("avs as prism", LinkType::IEEE_802_11_PRISM, avs(&wlan(8, 1, &snap))),
        ("ppi", LinkType::PPI, with(&[0, 0, 8, 0, 1, 0, 0, 0], &ethernet(&[], 0x0800, &udp4))),
        ("pktap", LinkType::PKTAP, {
            with(&[16, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9, 9, 9, 9], &ethernet(&[], 0x86dd, &udp6))
        }),
        ("erf", LinkType::ERF, {
            let frame = ethernet(&[], 0x0800, &udp4);
            let (record, wire) = (u16::try_from(frame.len() + 26).unwrap(), u16::try_from(frame.len()).unwrap());
            let lengths = [record.to_be_bytes(), [0, 0], wire.to_be_bytes()].concat();
            [&[0; 8][..], &[0x82, 4], &lengths, &[3, 0, 0, 0, 0, 0, 0, 0], &[0, 0], &frame].concat()
        }),
        ("sll of a monitor", LinkType::LINUX_SLL, {
            with(&[0, 3, 3, 0x21, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0, 0, 4], &wlan(8, 1, &snap))
        }),
        ("nflog", LinkType::NFLOG, nflog(false, &udp4)),
        ("nflog, big endian", LinkType::NFLOG, nflog(true, &udp6)),
        ("upper PDU", LinkType::UPPER_PDU, upper_pdu(b"sip")),
    ]
}

#[test]
fn every_link_type_and_header_yields_the_datagram() {
    for (what, link, bytes) in [carriers(), more_carriers()].concat() {
        let Decoded::Datagram(datagram) = whole(link, &bytes) else { panic!("{what}: {:?}", whole(link, &bytes)) };
        assert_eq!((datagram.payload, datagram.missing), (PAYLOAD, 0), "{what}");
        assert_eq!((datagram.source.port, datagram.destination.port), (5060, 5070), "{what}");
        let (source, identification) = match datagram.source.address {
            IpAddr::V4(address) => (address == Ipv4Addr::from(A4), 0xabcd),
            IpAddr::V6(address) => (address == Ipv6Addr::from(A6), 0),
        };
        assert!(source, "{what}");
        assert_eq!(datagram.identification, identification, "{what}");
    }
    for row in link::LINKS {
        let mut all = carriers().into_iter().chain(more_carriers());
        assert!(all.any(|carrier| carrier.1 == row.link), "no carrier for {}", row.link.name());
    }
}

#[test]
fn frames_cut_at_every_offset_are_truncated_or_miss_bytes() {
    let mut frames = [carriers(), more_carriers()].concat();
    frames.push(("tcp", LinkType::ETHERNET, ethernet(&[], 0x0800, &tcp4())));
    for (what, link, bytes) in frames {
        let wire_len = u32::try_from(bytes.len()).unwrap();
        for end in 0..bytes.len() {
            match decode(link, &bytes[..end], wire_len) {
                Decoded::Skip(skip) => assert!(skip.name().starts_with("truncated_"), "{what} at {end}: {skip:?}"),
                Decoded::Datagram(Datagram { payload, missing, .. })
                | Decoded::Segment(Segment { payload, missing, .. }) => {
                    assert!(missing > 0, "{what} at {end}");
                    assert_eq!(payload, &PAYLOAD[..PAYLOAD.len() - missing as usize], "{what} at {end}");
                }
                Decoded::Aggregate(_)
                | Decoded::Fragment(_)
                | Decoded::Sctp(_)
                | Decoded::Recognised(_)
                | Decoded::Unpacked(_) => {
                    panic!("{what} at {end}")
                }
            }
        }
    }
}

#[test]
fn every_frame_of_an_aggregate_is_found() {
    let snap = with(&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &udp4());
    let one = |content: &[u8]| {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        let mut frame = [&[2; 12][..], &length, content].concat();
        frame.resize(frame.len().next_multiple_of(4), 0);
        frame
    };
    let frames = [one(&snap), one(&[0x42; 9]), one(&snap), vec![1, 2, 3, 4]].concat();
    let bytes = wlan(0x88, 1, &with(&[0x80, 0], &frames));
    let Decoded::Aggregate(aggregate) = whole(LinkType::IEEE_802_11, &bytes) else { panic!("no aggregate") };
    let found: Vec<_> = aggregate.frames().collect();
    let [Decoded::Datagram(first), Decoded::Skip(Skip::OtherLlc), Decoded::Datagram(last)] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!((first.payload, last.payload), (PAYLOAD, PAYLOAD));
}

#[test]
fn only_what_begins_like_rtp_is_media() {
    for first in 0..=u8::MAX {
        let mut bytes = udp4();
        bytes[28] = first;
        let media = whole(LinkType::RAW, &bytes) == Decoded::Recognised(Recognised::Media);
        assert_eq!(media, (0x80..=0xbf).contains(&first), "{first:#x}");
    }
}

#[test]
fn padding_of_the_frame_is_cut() {
    let mut bytes = ethernet(&[], 0x0800, &udp4());
    bytes.extend_from_slice(&[0xee; 18]);
    assert_eq!(datagram(LinkType::ETHERNET, &bytes).payload, PAYLOAD);
    let mut bytes = ethernet(&[], 0x86dd, &udp6());
    bytes.extend_from_slice(&[0xee; 4]);
    assert_eq!(datagram(LinkType::ETHERNET, &bytes).payload, PAYLOAD);
}

#[test]
fn tcp_fields_are_read_past_the_options() {
    let bytes = tcp4();
    let Decoded::Segment(segment) = whole(LinkType::RAW, &bytes) else { panic!() };
    assert_eq!((segment.sequence, segment.acknowledgment), (0xffff_fff0, 77));
    assert_eq!(segment.flags, TcpFlags { ack: true, psh: true, ..TcpFlags::default() });
    assert_eq!(segment.payload, PAYLOAD);
}

#[test]
fn a_total_length_of_zero_means_the_rest_of_the_frame() {
    let mut bytes = tcp4();
    bytes[2..4].fill(0);
    let Decoded::Segment(segment) = decode(LinkType::RAW, &bytes, 9_000) else { panic!() };
    assert_eq!(segment.payload, PAYLOAD);
    assert_eq!(segment.missing as usize, 9_000 - bytes.len());
    let mut bytes = udp6();
    bytes[4..6].fill(0);
    assert_eq!(datagram(LinkType::RAW, &bytes).payload, PAYLOAD);
}

#[test]
fn udp_lengths_that_lie_are_tolerated_or_skipped() {
    let set = |length: usize| {
        let mut bytes = udp4();
        bytes[24..26].copy_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
        bytes
    };
    assert_eq!(datagram(LinkType::RAW, &set(0)).payload, PAYLOAD);
    assert_eq!(whole(LinkType::RAW, &set(8)), Decoded::Recognised(Recognised::KeepAlive));
    assert_eq!(datagram(LinkType::RAW, &set(8 + 7)).payload, b"OPTIONS");
    let bytes = set(8 + PAYLOAD.len() + 100);
    let long = datagram(LinkType::RAW, &bytes);
    assert_eq!((long.payload, long.missing), (PAYLOAD, 100));
    assert_skip(Skip::UdpLength, LinkType::RAW, &set(7));
}

#[test]
fn headers_that_lie_are_skipped_with_their_own_cause() {
    let change = |mut bytes: Vec<u8>, offset: usize, value: &[u8]| {
        bytes[offset..offset + value.len()].copy_from_slice(value);
        bytes
    };
    assert_skip(Skip::IpVersion, LinkType::RAW, &change(udp4(), 0, &[0x55]));
    assert_skip(Skip::IpVersion, LinkType::IPV6, &udp4());
    assert_skip(Skip::IpVersion, LinkType::IPV4, &udp6());
    assert_skip(Skip::IpVersion, LinkType::ETHERNET, &ethernet(&[], 0x0800, &udp6()));
    assert_skip(Skip::Ipv4HeaderLength, LinkType::RAW, &change(udp4(), 0, &[0x44]));
    assert_skip(Skip::Ipv4TotalLength, LinkType::RAW, &change(udp4(), 2, &[0, 19]));
    assert_skip(Skip::UdpLength, LinkType::RAW, &change(udp4(), 2, &[0, 27]));
    assert_skip(Skip::TcpDataOffset, LinkType::RAW, &change(tcp4(), 32, &[0x40]));
    assert_skip(Skip::TcpDataOffset, LinkType::RAW, &change(tcp4(), 2, &[0, 39]));
    assert_skip(Skip::ExtensionHeaderLength, LinkType::RAW, &udp6_after(60, &[17, 255, 0, 0, 0, 0, 0, 0]));
    assert_skip(Skip::ExtensionHeaderLength, LinkType::RAW, &udp6_after(51, &[17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
}

#[test]
fn what_is_not_looked_at_has_a_name() {
    for (ethertype, skip) in [
        (0x0806, Skip::Arp),
        (0x8847, Skip::TruncatedTunnel),
        (0x8863, Skip::Pppoe),
        (0x8864, Skip::Pppoe),
        (0x88e5, Skip::Macsec),
        (0x1234, Skip::OtherEthertype),
        (38, Skip::OtherLlc),
    ] {
        assert_skip(skip, LinkType::ETHERNET, &ethernet(&[], ethertype, &[0x42; 60]));
    }
    for (protocol, skip) in [
        (1, Skip::Icmp),
        (2, Skip::Igmp),
        (50, Skip::Esp),
        (0, Skip::OtherIpProtocol),
        (44, Skip::OtherIpProtocol),
        (253, Skip::OtherIpProtocol),
    ] {
        let mut bytes = udp4();
        bytes[9] = protocol;
        assert_skip(skip, LinkType::RAW, &bytes);
    }
    assert_skip(Skip::NoNextHeader, LinkType::RAW, &udp6_after(59, &[]));
    assert_skip(Skip::Icmpv6, LinkType::RAW, &udp6_after(58, &[]));
    assert_skip(Skip::UnsupportedAddressFamily, LinkType::NULL, &with(&[1, 0, 0, 0], &udp4()));
    assert_skip(Skip::UnsupportedLinkType, LinkType(147), &udp4());
    assert_skip(Skip::OtherExportedPdu, LinkType::UPPER_PDU, &upper_pdu(b"http"));
    assert_skip(Skip::WlanNoData, LinkType::IEEE_802_11, &wlan(0x80, 0, &udp4()));
    assert_skip(Skip::WlanNoData, LinkType::IEEE_802_11, &wlan(0x48, 0, &[]));
    assert_skip(Skip::WlanEncrypted, LinkType::IEEE_802_11, &wlan(8, 0x41, &udp4()));
    assert_skip(Skip::OtherPpp, LinkType::PPP, &[0xff, 3, 0xc0, 0x21, 1, 1, 0, 4]);
    assert_skip(Skip::NoPacket, LinkType::NO_PACKET, &[]);
    let mut netlink = vec![0; 60];
    netlink[2..4].copy_from_slice(&824_u16.to_be_bytes());
    assert_skip(Skip::UnsupportedHardwareType, LinkType::LINUX_SLL, &netlink);
}

#[test]
fn icmp_errors_never_give_the_packet_they_quote() {
    let mut bytes = Vec::new();
    PacketBuilder::ipv4(A4, B4, 64).icmpv4_raw(3, 3, [0; 4]).write(&mut bytes, &udp4()).unwrap();
    assert_skip(Skip::Icmp, LinkType::RAW, &bytes);
}

#[test]
fn nesting_ends_at_the_limit() {
    let tags = |count: usize| ethernet(&vec![0x8100; count], 0x0800, &udp4());
    assert_eq!(datagram(LinkType::ETHERNET, &tags(MAX_LAYERS - 1)).payload, PAYLOAD);
    assert_skip(Skip::TooManyLayers, LinkType::ETHERNET, &tags(MAX_LAYERS));
    let mut headers = [60, 0, 1, 4, 0, 0, 0, 0].repeat(1_000);
    *headers.iter_mut().nth_back(7).unwrap() = 17;
    assert_skip(Skip::TooManyLayers, LinkType::RAW, &udp6_after(60, &headers));
}

#[test]
fn ipv4_fragments_are_told() {
    let mut bytes = udp4();
    bytes[6..8].copy_from_slice(&[0x20, 3]);
    let expected = Fragment {
        source: IpAddr::from(A4),
        destination: IpAddr::from(B4),
        protocol: 17,
        identification: 0xabcd,
        offset: 24,
        more: true,
        payload: &bytes[20..],
        missing: 0,
        depth: 1,
        nesting: 0,
    };
    assert_eq!(whole(LinkType::RAW, &bytes), Decoded::Fragment(expected));
    let cut = &bytes[..bytes.len() - 5];
    let wire_len = u32::try_from(bytes.len()).unwrap();
    let Decoded::Fragment(fragment) = decode(LinkType::RAW, cut, wire_len) else { panic!() };
    assert_eq!(fragment.missing, 5);
    bytes[6..8].copy_from_slice(&[0x1f, 0xff]);
    let Decoded::Fragment(fragment) = whole(LinkType::RAW, &bytes) else { panic!() };
    assert_eq!((fragment.offset, fragment.more), (65_528, false));
    bytes[6..8].copy_from_slice(&[0x40, 0]);
    assert_eq!(datagram(LinkType::RAW, &bytes).payload, PAYLOAD);
}

#[test]
fn ipv6_fragments_are_told_after_other_headers() {
    let bytes = udp6_after(0, &[44, 0, 1, 4, 0, 0, 0, 0, 17, 0, 0, 9, 1, 2, 3, 4]);
    let Decoded::Fragment(fragment) = whole(LinkType::RAW, &bytes) else { panic!() };
    assert_eq!((fragment.protocol, fragment.identification), (17, 0x0102_0304));
    assert_eq!((fragment.offset, fragment.more, fragment.depth), (8, true, 2));
    assert_eq!(fragment.payload.len(), 8 + PAYLOAD.len());
}

#[test]
fn reassembled_packets_are_decoded_again() {
    let bytes = udp4();
    let head = ReassembledHead {
        source: IpAddr::from(A4),
        destination: IpAddr::from(B4),
        protocol: IpNumber::UDP.0,
        identification: 0xabcd,
        depth: 2,
        nesting: 0,
    };
    let Decoded::Datagram(datagram) = decode_reassembled(&head, &bytes[20..]) else { panic!() };
    assert_eq!((datagram.payload, datagram.identification), (PAYLOAD, 0xabcd));
    let six = ReassembledHead { source: IpAddr::from(A6), destination: IpAddr::from(B6), protocol: 44, ..head };
    let nested = [17, 0, 0, 1, 0, 0, 0, 1, 5, 5, 5, 5];
    assert!(matches!(decode_reassembled(&six, &nested), Decoded::Fragment(_)));
    let atomic = [60, 0, 0, 0, 0, 0, 0, 1];
    let deep = ReassembledHead { depth: u8::try_from(MAX_LAYERS).unwrap(), ..six };
    assert_eq!(decode_reassembled(&deep, &atomic), Decoded::Skip(Skip::TooManyLayers));
}

#[test]
fn counts_add_up_and_merge() {
    let (bytes, tcp) = (udp4(), tcp4());
    let mut stats = DecodeStats::default();
    stats.count_frame(&whole(LinkType::RAW, &bytes));
    stats.count_frame(&whole(LinkType::RAW, &tcp));
    stats.count_frame(&Decoded::Skip(Skip::Arp));
    stats.count_reassembled(&Decoded::Skip(Skip::TcpDataOffset));
    let mut sum = stats.clone();
    sum += &stats;
    assert_eq!((sum.frames, sum.reassembled, sum.datagrams, sum.segments), (6, 2, 2, 2));
    assert_eq!(sum.skips().collect::<Vec<_>>(), [(Skip::Arp, 2), (Skip::TcpDataOffset, 2)]);
    assert!(sum.adds_up());
}

#[test]
fn skip_names_are_unique() {
    let mut names: Vec<_> = Skip::ALL.iter().map(|skip| skip.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Skip::ALL.len());
}

proptest! {
    #[test]
    fn any_bytes_decode_to_something(
        row in 0..link::LINKS.len(),
        bytes in prop::collection::vec(any::<u8>(), 0..120),
        wire_len: u32,
    ) {
        let mut stats = DecodeStats::default();
        stats.count_frame(&decode(link::LINKS[row].link, &bytes, wire_len));
        prop_assert!(stats.adds_up());
    }

    #[test]
    fn damaged_frames_never_give_more_than_they_hold(
        carrier in 0..carriers().len(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        wire_len: u32,
    ) {
        let (_, link, mut bytes) = carriers().swap_remove(carrier);
        for (index, value) in damage {
            let index = index.index(bytes.len());
            bytes[index] = value;
        }
        if let Decoded::Datagram(Datagram { payload, .. })
            | Decoded::Segment(Segment { payload, .. })
            | Decoded::Fragment(Fragment { payload, .. }) = decode(link, &bytes, wire_len)
        {
            prop_assert!(payload.len() < bytes.len());
        }
    }
}
