//! Reports that are written line by line while the input is read: they have the lines of the one that is written at its end.

use std::io::{Cursor, Read};
use std::ops::ControlFlow;
use std::path::PathBuf;

use rayon::ThreadPool;
use reinvite::capture::Feeder;
use reinvite::options::Options;
use reinvite::pipeline::{analyze_feed, analyze_live};
use reinvite::report::{Live, Spacing, View, by_name};

/// The lines of a report, and how many of them came before the input was over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Followed {
    pub(crate) text: String,
    pub(crate) early: usize,
}

fn feeder(capture: &[u8], options: &Options) -> Feeder {
    let stream: Box<dyn Read + Send> = Box::new(Cursor::new(capture.to_vec()));
    Feeder::from_streams(vec![(PathBuf::from("memory"), stream)], &options.capture)
}

fn live() -> Live {
    by_name("ndjson").and_then(|format| format.live).expect("a format that can be followed")
}

/// Follows the report of a capture, whose results are forgotten as they come.
pub(crate) fn follow(capture: &[u8], options: &Options, workers: &ThreadPool) -> Followed {
    let options = Options { forget_shown: true, ..options.clone() };
    let (mut bytes, mut before) = (Vec::new(), 0);
    let analysis = analyze_live(feeder(capture, &options), &options, workers, &mut |settled| {
        before = bytes.len();
        for results in settled {
            (live().results)(&View::new(results), &mut bytes).expect("memory");
        }
        ControlFlow::Continue(())
    });
    assert!(!analysis.has_results(), "what was shown is forgotten");
    // The last to be shown is what came at the end.
    let early = bytes[..before].iter().filter(|byte| **byte == b'\n').count();
    workers.install(|| (live().end)(&View::new(&analysis), &mut bytes)).expect("memory");
    Followed { text: String::from_utf8(bytes).expect("UTF-8"), early }
}

/// The same, as it is written at the end of the input.
pub(crate) fn at_the_end(capture: &[u8], options: &Options, workers: &ThreadPool) -> String {
    let analysis = analyze_feed(feeder(capture, options), options, workers);
    let mut bytes = Vec::new();
    let format = by_name("ndjson").expect("a format");
    workers.install(|| (format.write)(&View::new(&analysis), Spacing::Wide, &mut bytes)).expect("memory");
    String::from_utf8(bytes).expect("UTF-8")
}

/// What differs between the lines of a report that is followed and those of the one that is written at the end, in any order.
pub(crate) fn difference(capture: &[u8], options: &Options, workers: &ThreadPool) -> Option<String> {
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let (followed, whole) = (follow(capture, options, workers), at_the_end(capture, options, workers));
    let (followed, whole) = (sorted(&followed.text), sorted(&whole));
    let missing = whole.iter().find(|line| !followed.contains(line)).map(|line| format!("missing: {line}"));
    missing
        .or_else(|| followed.iter().find(|line| !whole.contains(line)).map(|line| format!("too much: {line}")))
        .or_else(|| (followed.len() != whole.len()).then(|| format!("{} lines for {}", followed.len(), whole.len())))
}

/// A little-endian pcap file with microseconds that goes on for a day: everything that it shows is over before its end.
pub(crate) fn with_a_day_behind(capture: &[u8]) -> Vec<u8> {
    let mut all = capture.to_vec();
    let (mut at, mut last) = (24, 0_u32);
    while let Some(header) = capture.get(at..at + 16) {
        let field = |from: usize| u32::from_le_bytes(header[from..from + 4].try_into().expect("four bytes"));
        last = last.max(field(0));
        at += 16 + field(8) as usize;
    }
    for seconds in (100..86_400).step_by(100) {
        let frame = [0; 60];
        for field in [last + seconds, 0, 60, 60] {
            all.extend(field.to_le_bytes());
        }
        all.extend(frame);
    }
    all
}
