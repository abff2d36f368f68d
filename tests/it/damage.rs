//! Captures that are damaged in the middle: what is whole is read, before and behind, and nothing is made up.

use std::collections::HashSet;
use std::fs;

use reinvite::capture::{CaptureOptions, InputInfo};

use crate::support::captures::lab;
use crate::support::story::{list, over_udp};
use crate::support::{feeder, run_bytes};
use crate::traffic::link::Link;
use crate::traffic::packet::{EPOCH, Packet, SECOND, Wire};
use crate::traffic::pcap::{Layout, file};
use crate::traffic::pcapng::{Interface, PcapngWriter};
use crate::traffic::random::Random;

/// Where each record of a capture begins, and where the last one ends.
type Places = Vec<usize>;

/// A capture as classic pcap, and as pcapng.
fn forms(packets: &[Packet]) -> [(&'static str, Vec<u8>, Places); 3] {
    let pcap = |big_endian| {
        let layout = Layout { big_endian, ..Layout::usual(Link::Ethernet) };
        let mut places = vec![24];
        for packet in packets {
            places.push(places.last().expect("a place") + 16 + packet.bytes.len());
        }
        (file(layout, packets).expect("memory"), places)
    };
    let mut writer = PcapngWriter::new(Vec::new());
    writer.section(false).expect("memory");
    let interface = writer.interface(Interface::usual(Link::Ethernet)).expect("memory");
    for packet in packets {
        writer.packet(interface, packet).expect("memory");
    }
    let capture = writer.finish().expect("memory");
    let (mut places, mut at) = (Vec::new(), 0);
    while at < capture.len() {
        let word = |at: usize| u32::from_le_bytes(capture[at..at + 4].try_into().expect("four bytes"));
        if word(at) == 6 {
            places.push(at);
        }
        at += word(at + 4) as usize;
    }
    places.push(at);
    let ((little, one), (big, other)) = (pcap(false), pcap(true));
    [("pcap", little, one), ("big-endian pcap", big, other), ("pcapng", capture, places)]
}

/// All frames of a capture, and what is known of it.
fn frames(capture: Vec<u8>) -> (Vec<Vec<u8>>, InputInfo) {
    let mut feeder = feeder(vec![capture], &CaptureOptions::default());
    let (mut frames, mut recycled) = (Vec::new(), Vec::new());
    while let Some(batch) = feeder.next_batch(&mut recycled) {
        for window in batch.windows {
            frames.extend(window.frames().map(|frame| frame.bytes.to_vec()));
            recycled.push(window.into_buffer());
        }
    }
    (frames, feeder.finish().remove(0))
}

fn packets(name: &str) -> Vec<Packet> {
    crate::formats::packets(name)
}

/// Does something to bytes from a place on; gives how far it reached.
type Damager = fn(&mut Vec<u8>, usize, &mut Random) -> usize;

fn below(bound: usize, random: &mut Random) -> usize {
    usize::try_from(random.below(bound as u64)).expect("no more than the bound")
}

fn noise(length: usize, random: &mut Random) -> Vec<u8> {
    (0..length).map(|_| u8::try_from(random.below(256)).expect("a byte")).collect()
}

/// What can happen to a capture.
const DAMAGES: [(&str, Damager); 5] = [
    ("overwritten", |bytes, at, random| {
        let end = (at + 64).min(bytes.len());
        bytes[at..end].copy_from_slice(&noise(end - at, random));
        64
    }),
    ("zeroed", |bytes, at, _| {
        let end = (at + 512).min(bytes.len());
        bytes[at..end].fill(0);
        512
    }),
    ("cut out", |bytes, at, _| {
        let end = (at + 40).min(bytes.len());
        bytes.drain(at..end);
        40
    }),
    ("put in", |bytes, at, random| {
        bytes.splice(at..at, noise(50, random));
        1
    }),
    // At the start of a record of classic pcap that is its length.
    ("a bit turned", |bytes, at, random| {
        let place = (at + 8 + below(4, random)).min(bytes.len() - 1);
        bytes[place] ^= 1 << random.below(8);
        12
    }),
];

#[test]
fn records_around_damage_are_read() {
    let mut random = Random::new(7);
    for name in ["clean-udp", "messy-tcp", "refresh"] {
        for (form, capture, places) in forms(&packets(name)) {
            let (whole, _) = frames(capture.clone());
            assert_eq!(whole.len(), places.len() - 1);
            for index in 1..whole.len() {
                for (what, damage) in DAMAGES {
                    let within = below(places[index + 1] - places[index], &mut random);
                    for at in [places[index], places[index] + within] {
                        let mut damaged = capture.clone();
                        let reach = damage(&mut damaged, at, &mut random);
                        let first_whole = places.iter().filter(|place| **place < at + reach).count();
                        let (found, info) = frames(damaged);
                        if what == "a bit turned" && info.complete {
                            // Records follow each other all the same: nobody can tell.
                            continue;
                        }
                        let found: HashSet<&Vec<u8>> = found.iter().collect();
                        let mut wanted = whole[..index].iter().chain(whole.get(first_whole..).unwrap_or_default());
                        let place = format!("{name} as {form}, record {index} of {}, {what} at {at}", whole.len());
                        assert!(
                            wanted.all(|frame| found.contains(frame)),
                            "{place}: whole records are missing: {info:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn damage_makes_up_no_message() {
    let mut random = Random::new(11);
    let name = "clean-udp";
    for (form, capture, places) in forms(&packets(name)) {
        let whole = run_bytes(capture.clone()).messages();
        for index in (1..places.len() - 1).step_by(3) {
            for (what, damage) in DAMAGES {
                let mut damaged = capture.clone();
                let at = places[index] + below(40, &mut random);
                damage(&mut damaged, at, &mut random);
                let run = run_bytes(damaged);
                let place = format!("{name} as {form}, record {index}, {what} at {at}");
                run.assert_conserved(&place);
                assert!(run.messages() <= whole, "{place}: {} messages of {whole}", run.messages());
                assert!(run.messages() + 4 >= whole, "{place}: {} messages of {whole}", run.messages());
            }
        }
    }
}

#[test]
fn damage_is_told_with_its_places() {
    let mut damaged = fs::read(lab("clean-udp")).expect("a fixture");
    let places = &forms(&packets("clean-udp"))[0].2;
    for index in [10, 30, 50] {
        damaged[places[index] + 11] = 0xff;
    }
    let run = run_bytes(damaged);
    let problem = run.analysis.inputs[0].problem.clone().expect("a problem");
    assert!(problem.is_fatal());
    let told = problem.to_string();
    assert!(told.contains("damaged at 3 places") && told.contains(&places[10].to_string()), "{told}");
    assert_eq!(run.report["inputs"][0]["complete"], false, "{told}");
    assert_eq!(run.report["inputs"][0]["frames"], places.len() - 1 - 3, "{told}");
}

/// Datagrams that carry a capture each, the header of one damaged: the records carried are no records.
#[test]
fn a_capture_within_a_damaged_packet_is_not_read() {
    let inner = fs::read(lab("clean-udp")).expect("a fixture");
    let (from, to) = ("192.0.2.1:9".parse().expect("an address"), "192.0.2.2:9".parse().expect("an address"));
    let mut wire = Wire::new(Link::Ethernet);
    let mut sent: Vec<Packet> = Vec::new();
    for (number, piece) in (0_u64..).zip(inner.chunks(30_000).cycle().take(9)) {
        sent.push(wire.udp(EPOCH + number * SECOND, from, to, &[b"\x01", piece].concat()));
    }
    for (form, capture, places) in forms(&sent) {
        for index in 0..sent.len() - 3 {
            for byte in [7, 11] {
                let mut damaged = capture.clone();
                damaged[places[index] + byte] = 0x7f;
                let run = run_bytes(damaged);
                let place = format!("{form}, record {index}");
                assert_eq!(run.messages(), 0, "{place}: {:?}", run.analysis.inputs);
                assert!(run.analysis.counters.decode.frames <= 9, "{place}: {:?}", run.analysis.inputs);
            }
        }
    }
}

#[test]
fn nothing_is_concluded_from_what_damage_took() {
    let link = Link::Ethernet;
    let (packets, _) = over_udp(link, false, None);
    let claims = |capture: Vec<u8>| run_bytes(capture).findings("redirect-not-followed");
    let whole = file(Layout::usual(link), &packets).expect("memory");
    assert_eq!(claims(whole.clone()), 1, "the redirect that is not followed");
    let run = run_bytes(whole.clone());
    let away = list(&run.report, "redirects").find(|redirect| redirect["outcome"] == "not_followed").expect("it");
    let frame = away["evidence"][0]["frame"].as_u64().expect("a frame");
    let at = packets.iter().zip(0..=frame).fold(24, |at, (packet, _)| at + 16 + packet.bytes.len());
    let mut damaged = whole;
    damaged[at + 11] = 0xff;
    assert_eq!(claims(damaged), 0, "a frame after it is lost: {frame} {away}");
}
