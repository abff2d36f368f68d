//! Files that are written, cut or replaced while they are read, as those of a ring of captures are.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use reinvite::capture::Feeder;
use reinvite::limits::MAX_WAITING_OPEN;

use crate::support::captures::lab;
use crate::support::{Run, everything, run_feeder, workers};
use crate::traffic::link::Link;
use crate::traffic::packet::{EPOCH, Packet, SECOND, Wire};
use crate::traffic::pcap::{Layout, file};

/// Opens files, has something happen to them, and reads them to their end.
fn run_while(name: &str, captures: &[PathBuf], happens: impl FnOnce()) -> Run {
    let options = everything();
    let feeder = Feeder::open(captures, &options.capture).expect("captures");
    happens();
    let run = run_feeder(feeder, &options, &workers(2));
    run.assert_conserved(name);
    run
}

/// Bytes behind which a file has not been read when it has been opened.
const LATER: usize = 600_000;

/// A capture that is larger than what is read of it when it is opened, and where each of its records ends.
fn large() -> (Vec<u8>, Vec<usize>) {
    let mut wire = Wire::new(Link::Ethernet);
    let (from, to) = ("192.0.2.1:9".parse().expect("an address"), "192.0.2.2:9".parse().expect("an address"));
    let packets: Vec<Packet> =
        (0..1_000).map(|number| wire.udp(EPOCH + number * 1_000_000, from, to, &[b'x'; 1_000])).collect();
    let ends = (1..=packets.len()).map(|count| 24 + count * (16 + packets[0].bytes.len())).collect();
    (file(Layout::usual(Link::Ethernet), &packets).expect("memory"), ends)
}

fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).open(path).and_then(|mut file| file.write_all(bytes)).expect("a file that grows");
}

fn cut(path: &Path, length: usize) {
    let file = OpenOptions::new().write(true).open(path).expect("a file");
    file.set_len(length as u64).expect("a file that is cut");
}

#[test]
fn what_is_written_behind_the_end_is_read_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("live.pcap");
    let (bytes, ends) = large();
    fs::write(&path, &bytes[..ends[700]]).expect("a capture");
    let run = run_while("grows", std::slice::from_ref(&path), || append(&path, &bytes[ends[700]..ends[900] + 9]));
    let input = &run.report["inputs"][0];
    assert_eq!((&input["frames"], &input["complete"]), (&901.into(), &false.into()));
    assert!(input["problem"].as_str().is_some_and(|problem| problem.contains("cut short: 9 of")), "{input}");
    assert!(!run.analysis.inputs[0].problem.as_ref().expect("a note").is_fatal());
}

#[test]
fn a_file_that_becomes_shorter_is_read_as_far_as_it_goes_and_that_is_said() {
    let (bytes, ends) = large();
    for (more, frames) in [(0, 801), (1, 801), (500, 801)] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ring.pcap");
        fs::write(&path, &bytes).expect("a capture");
        let left = ends[800] + more;
        assert!(left > LATER);
        let run = run_while("shrinks", std::slice::from_ref(&path), || cut(&path, left));
        let input = &run.report["inputs"][0];
        let problem = input["problem"].as_str().unwrap_or_default();
        assert!(problem.contains(&format!("became shorter while it was read: {left} of {}", bytes.len())), "{input}");
        assert_eq!((&input["frames"], &input["complete"]), (&frames.into(), &false.into()), "{more} bytes more");
        assert!(!run.analysis.inputs[0].problem.as_ref().expect("a note").is_fatal());
    }
}

/// A ring comes around: the file is emptied and written from its start.
#[test]
fn a_file_that_is_written_anew_gives_what_was_read_of_the_old_one_and_a_note() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ring.pcap");
    let (bytes, ends) = large();
    fs::write(&path, &bytes).expect("a capture");
    let anew = fs::read(lab("messy-udp")).expect("a fixture");
    let run = run_while("written anew", std::slice::from_ref(&path), || fs::write(&path, &anew).expect("a capture"));
    let input = &run.report["inputs"][0];
    let problem = input["problem"].as_str().unwrap_or_default();
    assert!(problem.contains("became shorter while it was read"), "{input}");
    assert!(input["frames"].as_u64() < Some(ends.len() as u64), "{input}");
}

#[test]
fn a_file_that_was_replaced_before_its_turn_is_not_taken_for_the_old_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let one = |number: u64, payload: &[u8]| {
        let (from, to) = ("192.0.2.1:5060".parse().expect("an address"), "192.0.2.2:5060".parse().expect("an address"));
        let packet = Wire::new(Link::Ethernet).udp(EPOCH + number * SECOND, from, to, payload);
        file(Layout::usual(Link::Ethernet), &[packet]).expect("memory")
    };
    let count = MAX_WAITING_OPEN as u64 + 3;
    let paths: Vec<PathBuf> = (0..count).map(|number| folder.path().join(format!("{number:03}.pcap"))).collect();
    for (number, path) in (0..).zip(&paths) {
        fs::write(path, one(number, b"x")).expect("a capture");
    }
    let run = run_while("replaced", &paths, || {
        // Replaced, gone, grown; the last of those that are kept open is gone too, and read all the same.
        fs::write(&paths[MAX_WAITING_OPEN], one(5_000, b"y")).expect("a capture");
        fs::remove_file(&paths[MAX_WAITING_OPEN + 1]).expect("a file");
        append(&paths[MAX_WAITING_OPEN + 2], &one(count + 1, b"z")[24..]);
        fs::remove_file(&paths[MAX_WAITING_OPEN - 1]).expect("a file");
    });
    let inputs = run.report["inputs"].as_array().expect("inputs");
    let tell =
        |number: usize| (inputs[number]["frames"].as_u64(), inputs[number]["problem"].as_str().unwrap_or("none"));
    assert_eq!(tell(MAX_WAITING_OPEN - 1), (Some(1), "none"));
    let (frames, problem) = tell(MAX_WAITING_OPEN);
    assert!(frames == Some(0) && problem.contains("replaced by another file"), "{problem}");
    let (frames, problem) = tell(MAX_WAITING_OPEN + 1);
    assert!(frames == Some(0) && problem.contains("cannot be read"), "{problem}");
    assert_eq!(tell(MAX_WAITING_OPEN + 2), (Some(2), "none"));
    // All but the two that are lost, and the one that came.
    assert_eq!(run.report["summary"]["frames"], count - 1);
}
