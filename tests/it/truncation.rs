//! Captures that end anywhere: nothing panics, the counts add up, and what was whole before the end is found.

use std::fs;

use crate::support::captures::{LAB, lab};
use crate::support::{Run, run_bytes};

/// Where each record of a little-endian pcap file ends.
fn record_ends(capture: &[u8]) -> Vec<usize> {
    let mut ends = vec![24];
    while let Some(header) = ends.last().and_then(|end| capture.get(*end..end + 16)) {
        let length = u32::from_le_bytes(header[8..12].try_into().expect("four bytes")) as usize;
        ends.push(ends.last().expect("an end") + 16 + length);
    }
    assert_eq!(ends.last(), Some(&capture.len()), "not a little-endian pcap file");
    ends
}

fn assert_cut(run: &Run, name: &str, length: usize, ends: &[usize]) {
    let name = format!("{name} cut at {length}");
    run.assert_conserved(&name);
    let input = &run.report["inputs"][0];
    if length < 24 {
        assert!(run.analysis.inputs[0].problem.as_ref().is_some_and(|problem| problem.is_fatal()), "{name}: {input}");
        return;
    }
    let frames = ends.iter().filter(|end| **end <= length).count() - 1;
    assert_eq!(input["frames"], frames, "{name}: whole frames");
    assert_eq!(input["complete"], ends.contains(&length), "{name}: {input}");
    let fatal = run.analysis.inputs[0].problem.as_ref().is_some_and(|problem| problem.is_fatal());
    assert!(!fatal, "{name}: a last record cut short is no failure: {input}");
}

#[test]
fn recordings_cut_anywhere() {
    for name in LAB {
        let capture = fs::read(lab(name)).expect("a fixture");
        let ends = record_ends(&capture);
        // The smallest recording at every offset, the others at offsets that no period of records has.
        let every = if name == "refresh" { capture.len() } else { 60 };
        let lengths = (0..every).chain((every..capture.len()).step_by(257)).chain(ends.iter().copied());
        for length in lengths {
            assert_cut(&run_bytes(capture[..length].to_vec()), name, length, &ends);
        }
    }
}
