//! The same traffic in every form that capture files can have: the same report, but for the inputs and the digits of times.

use std::fs;

use reinvite::capture::{CaptureOptions, SourcePolicy};
use reinvite::options::Options;
use serde_json::Value;

use crate::support::captures::{LAB, lab};
use crate::support::essence::without_form;
use crate::support::story::{list, over_udp};
use crate::support::{everything, feeder, program, run_bytes, run_feeder, run_files, workers};
use crate::traffic::link::Link;
use crate::traffic::packet::{Packet, SECOND};
use crate::traffic::pcap::{Layout, file};
use crate::traffic::pcapng::{Interface, PcapngWriter};
use crate::traffic::vendors::{Variant, erf, netmon, snoop};

/// The packets of a lab recording: little-endian pcap with microseconds on Ethernet.
pub(crate) fn packets(name: &str) -> Vec<Packet> {
    let capture = fs::read(lab(name)).expect("a fixture");
    let mut rest = &capture[24..];
    let mut packets = Vec::new();
    while !rest.is_empty() {
        let field = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().expect("four bytes"));
        let (length, wire_len) = (field(8) as usize, field(12));
        let time = u64::from(field(0)) * 1_000_000_000 + u64::from(field(4)) * 1_000;
        packets.push(Packet { time, link: Link::Ethernet, bytes: rest[16..16 + length].to_vec(), wire_len });
        rest = &rest[16 + length..];
    }
    packets
}

fn assert_same(name: &str, capture: Vec<u8>, wanted: &Value) {
    let run = run_bytes(capture);
    run.assert_conserved(name);
    assert!(run.analysis.inputs[0].complete, "{name}: {:?}", run.analysis.inputs);
    assert_eq!(&without_form(&run.report), wanted, "{name}: not what it is as recorded");
}

#[test]
fn pcap_in_both_byte_orders_and_time_units() {
    for name in LAB {
        let wanted = without_form(&run_files(&[lab(name)]).report);
        let packets = packets(name);
        for (big_endian, nanoseconds) in [(false, false), (false, true), (true, false), (true, true)] {
            let layout = Layout { big_endian, nanoseconds, ..Layout::usual(Link::Ethernet) };
            let form = format!("{name}, big-endian: {big_endian}, nanoseconds: {nanoseconds}");
            assert_same(&form, file(layout, &packets).expect("memory"), &wanted);
        }
    }
}

/// A resolution of times, and an offset.
type Clock = (Option<u8>, Option<i64>);

#[test]
fn pcapng_in_both_byte_orders_with_any_clock() {
    let clocks: [Clock; 6] = [
        (None, None),
        (Some(6), None),
        (Some(9), None),
        // 64 bits of picoseconds are seven months.
        (Some(12), Some(1_790_000_000)),
        (Some(6), Some(-3_600)),
        (Some(9), Some(1_000_000_000)),
    ];
    for name in LAB {
        let wanted = without_form(&run_files(&[lab(name)]).report);
        let packets = packets(name);
        for big_endian in [false, true] {
            for (resolution, offset_seconds) in clocks {
                let mut writer = PcapngWriter::new(Vec::new());
                writer.section(big_endian).expect("memory");
                let interface = Interface { resolution, offset_seconds, ..Interface::usual(Link::Ethernet) };
                let interface = writer.interface(interface).expect("memory");
                for packet in &packets {
                    writer.packet(interface, packet).expect("memory");
                }
                let form = format!("{name}, big-endian: {big_endian}, clock {resolution:?} {offset_seconds:?}");
                assert_same(&form, writer.finish().expect("memory"), &wanted);
            }
        }
    }
}

#[test]
fn pcapng_with_sections_interfaces_and_every_packet_block() {
    for name in LAB {
        let wanted = without_form(&run_files(&[lab(name)]).report);
        let mut writer = PcapngWriter::new(Vec::new());
        for (number, packet) in packets(name).iter().enumerate() {
            // A new section with other byte order, interfaces and clocks after every few packets.
            if number % 7 == 0 {
                writer.section(number % 2 == 1).expect("memory");
                for (resolution, offset_seconds) in [(None, None), (Some(9), Some(7)), (Some(6), None)] {
                    let interface = Interface { resolution, offset_seconds, ..Interface::usual(Link::Ethernet) };
                    writer.interface(interface).expect("memory");
                }
                // A block of a type that nobody knows, and statistics of an interface.
                writer.block(0x0bad_b10c, &[1, 2, 3, 4]).expect("memory");
                writer.block(5, &[0; 12]).expect("memory");
            }
            match number % 4 {
                0 => writer.packet(0, packet).expect("memory"),
                1 => writer.packet(1, packet).expect("memory"),
                _ => writer.obsolete(2, 0, packet.time, packet.wire_len, &packet.bytes).expect("memory"),
            }
        }
        assert_same(&format!("{name} in sections"), writer.finish().expect("memory"), &wanted);
    }
}

/// Simple packets have no time: with all at once, redirects and negotiations are still what they are.
#[test]
fn pcapng_with_simple_packets() {
    let name = "clean-udp";
    let mut writer = PcapngWriter::new(Vec::new());
    writer.section(false).expect("memory");
    writer.interface(Interface::usual(Link::Ethernet)).expect("memory");
    for packet in packets(name) {
        writer.simple(packet.wire_len, &packet.bytes).expect("memory");
    }
    let run = run_bytes(writer.finish().expect("memory"));
    run.assert_conserved(name);
    let recorded = run_files(&[lab(name)]).report;
    for field in ["frames", "sip_messages", "requests", "responses", "calls", "redirects", "negotiations"] {
        assert_eq!(run.report["summary"][field], recorded["summary"][field], "{name} in simple packets: {field}");
    }
}

/// Magic number, bytes behind the header of each record.
const VARIANTS: [(&str, u32, usize); 7] = [
    ("as patched by Kuznetzov", 0xa1b2_cd34, 8),
    ("SuSE 6.3", 0xa1b2_cd34, 12),
    ("Red Hat 6.1", 0xa1b2_c3d4, 8),
    ("Nokia", 0xa1b2_c3d4, 4),
    ("Ixia hardware", 0x1c00_01ac, 0),
    ("Ixia software", 0x1c00_01ab, 0),
    ("a snapshot length that is wrong", 0xa1b2_c3d4, 0),
];

#[test]
fn pcap_as_vendors_write_it() {
    for name in LAB {
        let wanted = without_form(&run_files(&[lab(name)]).report);
        let packets = packets(name);
        for (form, magic, record_extra) in VARIANTS {
            for big_endian in [false, true] {
                let variant = Variant { big_endian, snapshot_length: 0x44, ..Variant::new(magic, record_extra) };
                assert_same(&format!("{name}, {form}, big-endian: {big_endian}"), variant.file(&packets), &wanted);
            }
        }
        let usual = Variant::new(0xa1b2_c3d4, 0);
        let old = Variant { minor: 2, swapped: true, ..usual };
        let aix = Variant { minor: 2, network: 6, nanoseconds: true, big_endian: true, ..usual };
        let other = Variant { minor: 3, network: 1, ..usual };
        for (form, variant) in
            [("2.2", old), ("AIX", aix), ("2.3", other), ("2.3 swapped", Variant { swapped: true, ..other })]
        {
            assert_same(&format!("{name}, {form}"), variant.file(&packets), &wanted);
        }
    }
}

#[test]
fn captures_of_other_programs() {
    for name in LAB {
        let recorded = run_files(&[lab(name)]).report;
        let wanted = without_form(&recorded);
        let packets = packets(name);
        for (form, capture, format) in [
            ("snoop", snoop(&packets), "snoop"),
            ("ERF", erf(&packets, 0), "erf"),
            ("ERF with extensions", erf(&packets, 3), "erf"),
            ("Network Monitor 2.0", netmon(&packets, true, 0), "netmon"),
            ("Network Monitor 2.1", netmon(&packets, true, 1), "netmon"),
            ("Network Monitor 2.2", netmon(&packets, true, 2), "netmon"),
            ("Network Monitor 2.3", netmon(&packets, true, 3), "netmon"),
        ] {
            assert_eq!(run_bytes(capture.clone()).report["inputs"][0]["format"], format, "{name} as {form}");
            assert_same(&format!("{name} as {form}"), capture, &wanted);
        }
        // Its times are to the millisecond.
        let run = run_bytes(netmon(&packets, false, 0));
        for field in ["frames", "sip_messages", "requests", "responses", "calls", "redirects", "negotiations"] {
            assert_eq!(
                run.report["summary"][field], recorded["summary"][field],
                "{name} as Network Monitor 1: {field}"
            );
        }
    }
}

/// No file that is cut short is taken for another format, and none makes up frames.
#[test]
fn files_of_vendors_cut_anywhere() {
    let packets = packets("refresh");
    let usual = file(Layout::usual(Link::Ethernet), &packets).expect("memory");
    let variant = |magic, extra| Variant::new(magic, extra).file(&packets);
    let whole = packets.len() as u64;
    for (form, capture, format) in [
        ("pcap", usual, "pcap"),
        ("Kuznetzov", variant(0xa1b2_cd34, 8), "pcap"),
        ("Nokia", variant(0xa1b2_c3d4, 4), "pcap"),
        ("snoop", snoop(&packets), "snoop"),
        ("ERF", erf(&packets, 1), "erf"),
        ("Network Monitor", netmon(&packets, true, 1), "netmon"),
    ] {
        let mut before = 0;
        for cut in (0..capture.len()).step_by(13) {
            let run = run_bytes(capture[..cut].to_vec());
            run.assert_conserved(form);
            let input = &run.report["inputs"][0];
            let frames = input["frames"].as_u64().expect("frames");
            assert!(before <= frames && frames <= whole, "{form} cut at {cut}: {input}");
            assert!(frames == 0 || input["format"] == format, "{form} cut at {cut}: {input}");
            before = frames;
        }
    }
}

#[test]
fn standard_input_is_an_input_like_any_other() {
    for name in LAB {
        let wanted = without_form(&run_files(&[lab(name)]).report);
        let bytes = fs::read(lab(name)).expect("a fixture");
        let ended = program::with_input(&["analyze", "-", "--dialogs", "all"], &bytes).exits(0);
        assert_eq!(without_form(&ended.report()), wanted, "{name} on standard input");
        assert_eq!(ended.report()["inputs"][0]["path"], "-", "{name} on standard input");
    }
}

#[test]
fn the_time_between_the_files_of_a_collection_was_not_watched() {
    let link = Link::Ethernet;
    let (mut packets, _) = over_udp(link, false, None);
    // 40 s after the 302, of which nothing came, an OPTIONS and its answer.
    let rest = packets.split_off(packets.len() - 2);
    let claimed = |first: &[Packet]| {
        let files = [first, &rest].map(|packets| file(Layout::usual(link), packets).expect("memory"));
        let options = everything();
        let options =
            Options { capture: CaptureOptions { sources: SourcePolicy::Joined, ..options.capture }, ..options };
        let run = run_feeder(feeder(files.into(), &options.capture), &options, &workers(2));
        let away = list(&run.report, "redirects").find(|redirect| redirect["status"] == 302).expect("the 302").clone();
        (away["outcome"].as_str().expect("an outcome").to_owned(), run.findings("redirect-not-followed"))
    };
    assert_eq!(claimed(&packets), ("undetermined".to_owned(), 0), "nobody captured for 40 s");
    // A file that goes on until the next one begins was being captured all the while.
    let mut last = packets.last().expect("a packet").clone();
    last.time = rest[0].time - SECOND;
    last.bytes.truncate(14);
    packets.push(last);
    assert_eq!(claimed(&packets), ("not_followed".to_owned(), 1), "captured until the next file");
}
