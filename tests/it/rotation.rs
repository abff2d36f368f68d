//! Captures in several files: what goes on from one into the next is whole, and several points of capture are told apart.

use std::fs;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use reinvite::limits::MAX_OPEN_FILES;
use serde_json::Value;

use crate::support::essence::outcomes;
use crate::support::program::program;
use crate::support::story::{Who, addresses, assert_told, over_udp, story};
use crate::support::{Run, run_bytes, run_files};
use crate::tcp::{connection, thirds};
use crate::traffic::link::Link;
use crate::traffic::packet::{MICROSECOND, Packet, SECOND, Wire};
use crate::traffic::pcap::{Layout, file};

const LINK: Link = Link::Ethernet;

fn pcap(packets: &[Packet]) -> Vec<u8> {
    file(Layout::usual(LINK), packets).expect("memory")
}

/// The packets, and a datagram of something else every second: a capture that nobody can take for one that stopped meanwhile.
fn with_others(packets: Vec<Packet>) -> Vec<Packet> {
    let (from, to) = addresses(false);
    let mut wire = Wire { link: LINK, identification: 30_000 };
    let (first, last) = (packets[0].time, packets[packets.len() - 1].time);
    let seconds = 1 + (last - first) / SECOND;
    let others = (0..seconds).map(|second| wire.udp(first + second * SECOND + MICROSECOND, from, to, &[0x80; 40]));
    let mut all: Vec<Packet> = packets.into_iter().chain(others).collect();
    all.sort_by_key(|packet| packet.time);
    all
}

/// Puts the packets into files of so many each, whose names say nothing of their order, and of which every other one is packed.
fn rotated(folder: &Path, packets: &[Packet], count: usize) -> Vec<PathBuf> {
    let pieces: Vec<&[Packet]> = packets.chunks(count).collect();
    let mut paths = Vec::new();
    for (number, piece) in pieces.iter().enumerate() {
        let path = folder.join(format!("edge {:03}", (number * 37 + 11) % 997));
        let mut bytes = pcap(piece);
        if number % 2 == 1 {
            let mut packed = Vec::new();
            flate2::read::GzEncoder::new(&bytes[..], flate2::Compression::fast())
                .read_to_end(&mut packed)
                .expect("memory");
            bytes = packed;
        }
        fs::File::create_new(&path).and_then(|mut file| file.write_all(&bytes)).expect("a file of its own");
        paths.push(path);
    }
    paths
}

/// What the report says that does not depend on the files.
fn told(run: &Run) -> Value {
    let mut told = outcomes(&run.report);
    for what in ["sip_messages", "requests", "responses", "calls", "redirects", "negotiations", "findings_by_rule"] {
        told[what] = run.report["summary"][what].clone();
    }
    told
}

#[test]
fn what_goes_on_from_one_file_into_the_next_is_whole() {
    let segments: Vec<Packet> = connection(&thirds).into_iter().map(|sent| sent.packet).collect();
    for (what, packets) in [("fragments", over_udp(LINK, false, Some(96)).0), ("segments", segments)] {
        let packets = with_others(packets);
        let plain = run_bytes(pcap(&packets));
        assert_told(&plain.report, what);
        for count in [1, 2, 5, 31] {
            let name = format!("{what}, {count} packets in a file");
            let folder = tempfile::tempdir().expect("a folder");
            let paths = rotated(folder.path(), &packets, count);
            let backwards: Vec<PathBuf> = paths.iter().rev().cloned().collect();
            for named in [vec![folder.path().to_owned()], vec![folder.path().join("edge*")], backwards] {
                let run = run_files(&named);
                run.assert_conserved(&name);
                assert_eq!(run.report["inputs"].as_array().map(Vec::len), Some(paths.len()), "{name}");
                assert_eq!(told(&run), told(&plain), "{name}, as {}", named[0].display());
            }
        }
    }
}

/// Two points of capture, of which each lacks what the other one has.
#[test]
fn captures_of_two_points_are_one_story() {
    let (packets, _) = over_udp(LINK, false, None);
    let packets = with_others(packets);
    let plain = told(&run_bytes(pcap(&packets)));
    let folder = tempfile::tempdir().expect("a folder");
    let paths = ["core.pcap", "edge.pcap"].map(|name| folder.path().join(name));
    // The second clock is 400 microseconds late.
    let late = packets.iter().map(|packet| packet.again(400 * MICROSECOND));
    let each = [
        packets.iter().enumerate().filter(|(number, _)| number % 3 != 0).map(|(_, packet)| packet.clone()).collect(),
        late.enumerate().filter(|(number, _)| number % 3 != 1).map(|(_, packet)| packet).collect::<Vec<_>>(),
    ];
    for (path, packets) in paths.iter().zip(&each) {
        fs::write(path, pcap(packets)).expect("a capture");
    }
    let run = run_files(&paths);
    run.assert_conserved("two points");
    let copies = run.report["capture_quality"]["mirror_duplicates"].as_u64().expect("a count");
    assert!(copies > 0 && run.messages() == story("UDP").len() as u64 + copies, "{copies} of {}", run.messages());
    for what in ["calls", "redirects", "negotiations", "findings_by_rule"] {
        assert_eq!(told(&run)[what], plain[what], "{what}");
    }
}

/// The same connection at two points: each has its own loss, and what is whole at one of them is found.
#[test]
fn a_connection_at_two_points_is_two_streams() {
    let sent: Vec<Packet> = connection(&thirds).into_iter().map(|sent| sent.packet).collect();
    let sent = with_others(sent);
    let plain = told(&run_bytes(pcap(&sent)));
    let folder = tempfile::tempdir().expect("a folder");
    let paths = ["core.pcap", "edge.pcap"].map(|name| folder.path().join(name));
    let data: Vec<usize> = (0..sent.len()).filter(|at| sent[*at].bytes.len() > 200).collect();
    // One loses a piece of the 301, the other one a piece of what follows it.
    for (path, (lost, delay)) in paths.iter().zip([(data[4], 0), (data[10], 300 * MICROSECOND)]) {
        let rest: Vec<Packet> = (0..sent.len()).filter(|at| *at != lost).map(|at| sent[at].again(delay)).collect();
        fs::write(path, pcap(&rest)).expect("a capture");
    }
    let run = run_files(&paths);
    run.assert_conserved("two points");
    assert_eq!(run.report["capture_quality"]["tcp"]["connections_with_sip"], 2);
    assert_eq!(run.report["capture_quality"]["tcp"]["gaps"], 2, "{:#}", run.report["capture_quality"]["tcp"]);
    for what in ["calls", "redirects", "negotiations"] {
        assert_eq!(told(&run)[what], plain[what], "{what}");
    }
}

/// A capture for each call, all of the same hours: more files than may be open, each longer than what is read of it at once.
#[cfg(unix)]
#[test]
fn captures_of_the_same_time_are_read_with_few_files_open() {
    let folder = tempfile::tempdir().expect("a folder");
    let count = MAX_OPEN_FILES + 40;
    let (phone, server) = addresses(false);
    let said = story("UDP");
    for number in 0..count {
        let mut wire = Wire::new(LINK);
        let port = 10_000 + u16::try_from(number).expect("few");
        let phone = SocketAddr::new(phone.ip(), port);
        // Sound between the start of the call and its end.
        let sound = (0..500).map(|place| wire.udp(said[4].time + place * SECOND / 500, phone, server, &[0x80; 172]));
        let mut packets: Vec<Packet> = sound.collect();
        packets.extend(said.iter().map(|said| {
            let text = String::from_utf8(said.text.clone()).expect("text");
            let text = text
                .replace("Call-ID: ", &format!("Call-ID: {number}-"))
                .replace("z9hG4bK", &format!("z9hG4bK{number}"));
            let (from, to) = if said.by == Who::Phone { (phone, server) } else { (server, phone) };
            wire.udp(said.time, from, to, text.as_bytes())
        }));
        packets.sort_by_key(|packet| packet.time);
        fs::write(folder.path().join(format!("{number}.pcap")), pcap(&packets)).expect("a capture");
    }
    // What the program needs besides: its standard streams, and what its threads wait with.
    let limit = MAX_OPEN_FILES + 30;
    let script = format!("ulimit -n {limit} && exec \"$0\" analyze \"$1\"");
    let mut shell = Command::new("sh");
    let output = shell.args(["-c", &script]).arg(program().get_program()).arg(folder.path()).output().expect("a shell");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!(report["summary"]["sip_messages"], count * said.len());
    assert_eq!(report["summary"]["redirects"]["by_outcome"]["followed"], count);
}
