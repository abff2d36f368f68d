//! `--extract`: the packets of the listed calls, from which the same follows.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use reinvite::capture::Window;
use reinvite::options::Options;

use crate::formats::packets;
use crate::support::captures::{LAB, lab};
use crate::support::everything;
use crate::support::excerpt::{Excerpted, excerpt_of};
use crate::support::program::{analyze, with_input};
use crate::support::story::over_udp;
use crate::traffic::calls::generator::generate;
use crate::traffic::calls::options::{Amount, Format, Options as Traffic, parse_mix};
use crate::traffic::link::Link;
use crate::traffic::packet::Packet;
use crate::traffic::pcap::{Layout, file};
use crate::traffic::pcapng::{Interface, PcapngWriter};
use crate::tunnels;

/// Fails unless the same follows from an excerpt of these captures.
fn assert_same(name: &str, captures: &[PathBuf], options: &Options) -> Excerpted {
    let excerpted = excerpt_of(captures, options);
    assert_eq!(excerpted.problems(), Vec::<String>::new(), "{name}");
    let broken = excerpted.after.counters.broken_laws();
    assert!(broken.is_empty(), "{name}: {broken:?}");
    excerpted
}

fn written(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("a file");
    path
}

fn assert_same_of(name: &str, capture: &[u8], options: &Options) -> Excerpted {
    let folder = tempfile::tempdir().expect("a folder");
    assert_same(name, &[written(folder.path(), "capture", capture)], options)
}

#[test]
fn recordings_of_real_elements() {
    for name in LAB {
        let flagged = assert_same(name, &[lab(name)], &Options::default());
        assert_eq!(flagged.after.listed.len(), flagged.before.listed.len(), "{name}");
        let all = assert_same(name, &[lab(name)], &everything());
        assert_eq!(all.after.counters.messages.parsed, all.before.counters.messages.parsed, "{name}: messages");
    }
}

/// Populations in which most calls are of no interest.
fn populations() -> Vec<(String, Traffic)> {
    let rough = Traffic {
        amount: Amount::Calls(250),
        calls_per_second: 5,
        hops: vec![1, 2, 3],
        tcp_share: 0.4,
        fragment_share: 0.5,
        mirror_share: 0.3,
        retransmit_share: 0.3,
        rtp_packets: 4,
        format: Format::Pcapng,
        ..Traffic::default()
    };
    let mixes = [
        "plain=6,r301=1,r302=1,timer422=1",
        "plain=6,r301-not-followed=1,r301-chain=1,r301-loop=1",
        "plain=6,timer422-abandoned=1,timer422-failed=1,timer422-ladder=1,refresh-missed=1",
    ];
    let named = (51..).zip(mixes).map(|(seed, mix)| {
        let mix_of = parse_mix(mix).expect("a mix");
        (format!("{mix}, seed {seed}"), Traffic { seed, mix: mix_of, ..rough.clone() })
    });
    named.collect()
}

#[test]
fn populations_with_fragments_connections_and_mirror_copies() {
    for (name, traffic) in populations() {
        let (_, capture) = generate(traffic, Vec::new()).expect("memory");
        let excerpted = assert_same_of(&name, &capture, &Options::default());
        let (frames, kept) = (excerpted.before.inputs[0].frames, excerpted.after.inputs[0].frames);
        assert!(kept < frames * 2 / 3 && kept > 100, "{name}: {kept} of {frames} frames kept");
        assert!(excerpted.count.packets <= kept && excerpted.count.packets > 0, "{name}: {:?}", excerpted.count);
        // Nothing is made up: every packet with content is one of the capture.
        let window = Window::from_capture(capture).expect("a capture");
        let known: std::collections::HashSet<_> = window.frames().map(|frame| (frame.time, frame.bytes)).collect();
        let window = Window::from_capture(excerpted.file).expect("a capture");
        let signs = window.frames().filter(|frame| frame.bytes.is_empty()).count() as u64;
        assert_eq!(signs + excerpted.count.packets, kept, "{name}");
        assert!(
            window.frames().all(|frame| frame.bytes.is_empty() || known.contains(&(frame.time, frame.bytes))),
            "{name}: a packet that was not captured"
        );
    }
}

#[test]
fn compressed_captures() {
    let folder = tempfile::tempdir().expect("a folder");
    let content = fs::read(lab("messy-tcp")).expect("a fixture");
    let path = folder.path().join("messy.pcap.gz");
    let mut packer = flate2::write::GzEncoder::new(File::create(&path).expect("a file"), flate2::Compression::fast());
    packer.write_all(&content).expect("a file");
    packer.finish().expect("a file");
    let plain = excerpt_of(&[lab("messy-tcp")], &Options::default());
    let packed = assert_same("gzip", &[path], &Options::default());
    assert_eq!(plain.count, packed.count);
}

#[test]
fn several_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let usual = Layout::usual(Link::Ethernet);
    for name in ["messy-udp", "messy-tcp"] {
        let all = packets(name);
        let (first, second) = all.split_at(all.len() / 2);
        let parts = [("ring.0", first), ("ring.1", second)]
            .map(|(part, packets)| written(folder.path(), part, &file(usual, packets).expect("memory")));
        let rotated = assert_same(&format!("{name}, rotated"), &parts, &Options::default());
        let whole = excerpt_of(&[lab(name)], &Options::default());
        assert_eq!(rotated.count, whole.count, "{name}: cut in two, and whole");
    }
    // Two places of capture, one of which sees all that the other sees.
    let twice =
        [lab("clean-udp"), written(folder.path(), "other.pcap", &fs::read(lab("clean-udp")).expect("a fixture"))];
    let excerpted = assert_same("two places", &twice, &Options::default());
    assert_eq!(excerpted.count.packets, 2 * 89);
}

#[test]
fn several_interfaces() {
    let all = packets("messy-udp");
    let mut writer = PcapngWriter::new(Vec::new());
    writer.section(true).expect("memory");
    let ethernet = writer.interface(Interface::usual(Link::Ethernet)).expect("memory");
    let raw = writer.interface(Interface::usual(Link::Raw(101))).expect("memory");
    for (number, packet) in all.iter().enumerate() {
        if number % 3 == 0 {
            let bytes = packet.bytes[14..].to_vec();
            let packet = Packet { link: Link::Raw(101), wire_len: packet.wire_len - 14, bytes, ..packet.clone() };
            writer.packet(raw, &packet).expect("memory");
        } else {
            writer.packet(ethernet, packet).expect("memory");
        }
    }
    let capture = writer.finish().expect("memory");
    let excerpted = assert_same_of("Ethernet and raw IP", &capture, &Options::default());
    assert_eq!(excerpted.after.inputs[0].link_types, excerpted.before.inputs[0].link_types);
    assert_eq!(excerpted.count, excerpt_of(&[lab("messy-udp")], &Options::default()).count);
}

#[test]
fn calls_in_tunnels_and_in_fragments_of_fragments() {
    for (name, wrap) in tunnels::TUNNELS {
        let (inner, _) = over_udp(Link::Raw(101), false, Some(400));
        let wrapped = inner.iter().map(|packet| Packet::new(packet.time, Link::Raw(101), wrap(&packet.bytes)));
        let packets: Vec<Packet> = wrapped.collect();
        assert_keeps_all(name, &packets);
    }
    assert_keeps_all("carriers in pieces and whole", &tunnels::carriers_in_pieces().0);
    let relayed = tunnels::over_a_connection(|text| tunnels::chunk(15, text), Some(40));
    let capture = file(Layout::usual(Link::Ethernet), &relayed).expect("memory");
    let excerpted = assert_same_of("HEP over TCP", &capture, &everything());
    assert_eq!(excerpted.count.packets, relayed.len() as u64, "HEP over TCP: the whole connection");
}

/// The packets of a story are all needed.
fn assert_keeps_all(name: &str, packets: &[Packet]) {
    let capture = file(Layout::usual(Link::Raw(101)), packets).expect("memory");
    let excerpted = assert_same_of(name, &capture, &everything());
    assert_eq!(excerpted.count.packets, packets.len() as u64, "{name}");
}

fn extract(capture: &Path, to: &Path, more: &[&str]) -> crate::support::program::Ended {
    analyze(capture, &[&["--extract", to.to_str().expect("UTF-8"), "-o", "/dev/null"][..], more].concat())
}

#[test]
fn the_program_writes_it_whole_or_not_at_all_and_never_over_an_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let to = folder.path().join("flagged.pcapng");
    extract(&lab("messy-udp"), &to, &["-v"]).exits(0).complains("packets of 6 calls extracted");
    let first = fs::read(&to).expect("an excerpt");
    extract(&lab("messy-udp"), &to, &[]).exits(0);
    assert_eq!(fs::read(&to).expect("an excerpt"), first, "the same twice");
    extract(&to, &to, &[]).exits(2).complains("is an input");
    assert_eq!(fs::read(&to).expect("an excerpt"), first, "an input is as it was");
    extract(&lab("messy-udp"), &folder.path().join("flagged.pcap"), &[]).exits(2).complains(".pcapng");
    extract(&lab("messy-udp"), &to, &["--dialogs", "none"]).exits(2).complains("--dialogs");
    extract(&lab("messy-udp"), &folder.path().join("none/x.pcapng"), &[]).exits(3).complains("cannot be written");
    let capture = fs::read(lab("clean-udp")).expect("a fixture");
    let to = folder.path().join("stdin.pcapng");
    with_input(&["analyze", "-", "--extract", to.to_str().expect("UTF-8")], &capture).exits(2).complains("only once");
    let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
    assert_eq!(left.len(), 1, "nothing is left behind: {left:?}");
}

#[test]
fn a_filter_chooses_the_calls() {
    let folder = tempfile::tempdir().expect("a folder");
    let to = folder.path().join("one.pcapng");
    extract(&lab("messy-udp"), &to, &["--call-id", "nAgPe", "-v"]).exits(0).complains("of 1 calls extracted");
    let report = analyze(&to, &[]).exits(0).report();
    assert_eq!(report["summary"]["calls"], 1);
    assert!(report["dialogs"][0]["call_id"].as_str().is_some_and(|call_id| call_id.starts_with("nAgPe")));
}

#[test]
#[expect(clippy::print_stdout, reason = "a skipped test must say so")]
fn tshark_reads_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let to = folder.path().join("x.pcapng");
    extract(&lab("messy-tcp"), &to, &[]).exits(0);
    let run =
        Command::new("tshark").arg("-r").arg(&to).args(["-Y", "sip", "-T", "fields", "-e", "sip.Call-ID"]).output();
    let Ok(run) = run else { return println!("skipped: no tshark") };
    let seen: std::collections::BTreeSet<_> = String::from_utf8_lossy(&run.stdout).lines().map(str::to_owned).collect();
    let listed = analyze(&to, &[]).exits(0).report();
    let listed = listed["dialogs"].as_array().expect("a list").iter();
    for call_id in listed.filter_map(|dialog| dialog["call_id"].as_str()) {
        assert!(seen.iter().any(|seen| seen.contains(call_id)), "{call_id} is not in {seen:?}");
    }
}
