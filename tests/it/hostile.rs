//! Captures from broken disks and hostile hands: cut, with bits that flipped, and with records that are missing, doubled or in another
//! order. Nothing panics, the counts add up, and findings point at frames that there are.

use std::fs;
use std::ops::Range;

use rayon::ThreadPool;

use crate::support::captures::{corpus_captures, fixtures, name};
use crate::support::{everything, feeder, run_feeder, workers};

/// Variants of each capture in the usual run of the tests.
const SAMPLE: u64 = 40;
/// Variants of all captures together in the long run.
const MANY: u64 = 100_000;
/// Bytes up to which a capture is cut at every offset in the long run, and damaged at all.
const SMALL: usize = 20_000;

/// Numbers that look like chance, the same in every run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, below: usize) -> usize {
        // The generator of Steele, Lea and Flood (SplitMix64).
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((number ^ (number >> 31)) % below.max(1) as u64).expect("below a usize")
    }
}

/// Where the records of a pcap file lie; none if it is no pcap file in the byte order of most machines.
fn records(capture: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if !capture.starts_with(&[0xd4, 0xc3, 0xb2, 0xa1]) {
        return found;
    }
    let mut at = 24;
    while let Some(length) = capture.get(at + 8..at + 12) {
        let end = at + 16 + u32::from_le_bytes(length.try_into().expect("four bytes")) as usize;
        if end > capture.len() {
            break;
        }
        found.push(at..end);
        at = end;
    }
    found
}

/// A damaged capture.
fn variant(capture: &[u8], seed: u64) -> Vec<u8> {
    let mut dice = Dice(seed);
    let mut records = records(capture);
    let mut damaged = capture.to_vec();
    if records.len() > 1 && dice.throw(2) == 0 {
        for _ in 0..=dice.throw(4) {
            let (one, other) = (dice.throw(records.len()), dice.throw(records.len()));
            match dice.throw(4) {
                0 => records.swap(one, other),
                1 if records.len() > 2 => drop(records.remove(one)),
                2 => records.insert(other, records[one].clone()),
                _ => records[one.min(other)..].rotate_left(1),
            }
        }
        damaged.truncate(24);
        records.iter().for_each(|record| damaged.extend_from_slice(&capture[record.clone()]));
    }
    for _ in 0..dice.throw(6) {
        let at = dice.throw(damaged.len());
        match dice.throw(4) {
            0 | 1 => damaged[at] ^= 1 << dice.throw(8),
            2 => damaged[at] = [0, 0xff, 0x7f, 0x80, b'\r', b'\n', b';', b','][dice.throw(8)],
            _ => damaged[at] = damaged[dice.throw(at + 1)],
        }
    }
    if dice.throw(5) == 0 {
        damaged.truncate(dice.throw(damaged.len() + 1));
    }
    damaged
}

fn assert_survived(capture: Vec<u8>, what: &str, threads: &ThreadPool) {
    let options = everything();
    let run = run_feeder(feeder(vec![capture], &options.capture), &options, threads);
    run.assert_conserved(what);
    let frames = run.analysis.inputs[0].frames;
    for finding in &run.analysis.findings {
        let seen = finding.evidence.iter().all(|evidence| (1..=frames).contains(&evidence.place.frame));
        assert!(seen, "{what}: {} points at frames that there are not: {:?}", finding.rule.id, finding.evidence);
    }
}

fn small_captures() -> Vec<(String, Vec<u8>)> {
    let paths = fixtures().into_iter().chain(corpus_captures("captures")).chain(corpus_captures("robustness"));
    let read = paths.map(|path| (name(&path), fs::read(&path).expect("a capture")));
    read.filter(|(_, capture)| (1..=SMALL).contains(&capture.len())).collect()
}

#[test]
fn damaged_captures_are_survived() {
    let threads = workers(1);
    for path in fixtures() {
        let (name, capture) = (name(&path), fs::read(&path).expect("a capture"));
        for seed in 0..SAMPLE {
            assert_survived(variant(&capture, seed), &format!("{name}, seed {seed}"), &threads);
        }
    }
}

/// Shares the work among threads, each with a run of its own at a time.
fn in_parallel(count: u64, each: impl Fn(u64, &ThreadPool) + Sync) {
    let workers_at_once = 2;
    std::thread::scope(|scope| {
        for first in 0..workers_at_once {
            let each = &each;
            scope.spawn(move || {
                let threads = workers(1);
                let share = usize::try_from(workers_at_once).expect("few");
                (first..count).step_by(share).for_each(|number| each(number, &threads));
            });
        }
    });
}

#[test]
#[ignore = "takes minutes"]
fn a_hundred_thousand_damaged_captures_are_survived() {
    let captures = small_captures();
    in_parallel(MANY, |number, threads| {
        let (name, capture) = &captures[usize::try_from(number).expect("few") % captures.len()];
        assert_survived(variant(capture, number), &format!("{name}, seed {number}"), threads);
    });
}

#[test]
#[ignore = "takes minutes"]
fn small_captures_cut_anywhere_are_survived() {
    for (name, capture) in small_captures().into_iter().filter(|(_, capture)| capture.len() <= SMALL / 4) {
        in_parallel(capture.len() as u64, |length, threads| {
            let length = usize::try_from(length).expect("small");
            assert_survived(capture[..length].to_vec(), &format!("{name} cut at {length}"), threads);
        });
    }
}
