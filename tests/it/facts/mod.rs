//! The messages found in the captures of others, against what tshark 4.0 finds there.
//!
//! tshark is no oracle: every difference stands explained in `differences.tsv` beside this file. A difference that is not
//! explained fails, and so does an explanation that is not needed any more.

mod explained;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::captures::{LAB, corpus, corpus_captures, lab, name};
use crate::support::messages::{Seen, messages};
use crate::support::run_files;
use crate::support::story::list;
use explained::explained;

/// What is compared of the messages that a frame completes, as columns of the facts are called.
const FIELDS: [&str; 5] = ["method", "status", "cseq", "cseq_method", "call_id"];

/// The fields of the messages of a frame; values of several messages are joined by `|`.
type Fields = [String; FIELDS.len()];

/// A difference: the file, the frame, the field (or `frame`, if only one side has any message there), tshark's value and ours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Difference {
    file: String,
    frame: u64,
    field: String,
    tshark: String,
    ours: String,
}

#[test]
fn every_difference_from_tshark_is_explained() {
    let mut found = BTreeSet::new();
    let captures = corpus_captures("captures");
    if captures.is_empty() {
        return;
    }
    for capture in &captures {
        let file = name(capture);
        let facts = corpus("facts").expect("facts beside captures").join(format!("{file}.tsv"));
        found.extend(differences(&file, &facts_of(&facts), &seen_by_frame(&messages(capture.clone()))));
    }
    for name in LAB {
        let facts = corpus("facts").expect("facts beside captures").join(format!("lab__{name}.pcap.tsv"));
        found.extend(differences(name, &facts_of(&facts), &seen_by_frame(&messages(lab(name)))));
    }
    let explained = explained();
    let show = |differences: Vec<&Difference>| {
        let row = |difference: &&Difference| {
            let Difference { file, frame, field, tshark, ours } = difference;
            format!("{file}\t{frame}\t{field}\t{tshark}\t{ours}\n")
        };
        differences.iter().map(row).collect::<String>()
    };
    let new = show(found.difference(&explained).collect());
    assert_eq!(new, "", "differences that differences.tsv does not explain (file, frame, field, tshark, ours)");
    let gone = show(explained.difference(&found).collect());
    assert_eq!(gone, "", "explanations in differences.tsv that nothing needs any more");
}

/// The pipeline, with its shards and batches, finds what the rooms find one after the other; and dialogs list all of it that is
/// good for correlation.
#[test]
fn dialogs_list_every_message_that_correlates() {
    let captures = corpus_captures("captures");
    for capture in captures.into_iter().chain(LAB.map(lab)) {
        let file = name(&capture);
        let run = run_files(std::slice::from_ref(&capture));
        let listed: Vec<Line> = listed(&run.report);
        let seen = if run.report["inputs"][0]["format"].is_null() { Vec::new() } else { messages(capture) };
        assert_eq!(
            run.messages(),
            seen.len() as u64,
            "{file}: messages counted by the pipeline and found by the rooms"
        );
        let mut wanted: Vec<Line> = seen.iter().filter(|seen| seen.correlates).map(line).collect();
        wanted.sort();
        assert_eq!(listed, wanted, "{file}: messages in dialogs, and messages that correlate");
        let uncorrelated = run.report["capture_quality"]["sip"]["uncorrelated"].as_u64();
        assert_eq!(uncorrelated, Some((seen.len() - wanted.len()) as u64), "{file}: messages that do not correlate");
    }
}

/// Frame, method or status, `CSeq` and Call-ID.
type Line = (u64, String, String, String);

fn line(seen: &Seen) -> Line {
    let what = if seen.method.is_empty() { &seen.status } else { &seen.method };
    (seen.frame, what.clone(), seen.cseq.clone(), seen.call_id.clone())
}

fn listed(report: &Value) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for dialog in list(report, "dialogs") {
        for message in dialog["messages"].as_array().expect("messages") {
            let words: Vec<&str> = message["start_line"].as_str().expect("a start line").split(' ').collect();
            let what = if words[0].eq_ignore_ascii_case("SIP/2.0") { words[1] } else { words[0] };
            let cseq = message["cseq"].as_str().expect("a CSeq").split(' ').next().unwrap_or_default();
            let call_id = dialog["call_id"].as_str().expect("a Call-ID");
            lines.push((
                message["frame"].as_u64().expect("a frame"),
                what.to_owned(),
                cseq.to_owned(),
                call_id.to_owned(),
            ));
        }
    }
    lines.sort();
    lines
}

fn differences(file: &str, facts: &BTreeMap<u64, Fields>, ours: &BTreeMap<u64, Fields>) -> Vec<Difference> {
    let frames: BTreeSet<u64> = facts.keys().chain(ours.keys()).copied().collect();
    let mut found = Vec::new();
    for frame in frames {
        let difference = |field: &str, tshark: &str, ours: &str| Difference {
            file: file.to_owned(),
            frame,
            field: field.to_owned(),
            tshark: tshark.to_owned(),
            ours: ours.to_owned(),
        };
        match (facts.get(&frame), ours.get(&frame)) {
            (Some(facts), Some(ours)) => {
                let unlike = FIELDS.iter().zip(facts.iter().zip(ours)).filter(|(_, (facts, ours))| facts != ours);
                found.extend(unlike.map(|(field, (facts, ours))| difference(field, facts, ours)));
            }
            (Some(_), None) => found.push(difference("frame", "SIP", "nothing")),
            (None, _) => found.push(difference("frame", "nothing", "SIP")),
        }
    }
    found
}

fn seen_by_frame(seen: &[Seen]) -> BTreeMap<u64, Fields> {
    let mut frames: BTreeMap<u64, Fields> = BTreeMap::new();
    for seen in seen {
        let fields = frames.entry(seen.frame).or_default();
        let values = [&seen.method, &seen.status, &seen.cseq, &seen.cseq_method, &seen.call_id];
        // tshark leaves out what a message does not have.
        for (field, value) in fields.iter_mut().zip(values).filter(|(_, value)| !value.is_empty()) {
            if !field.is_empty() {
                field.push('|');
            }
            field.push_str(value);
        }
    }
    frames
}

fn facts_of(path: &Path) -> BTreeMap<u64, Fields> {
    let text = fs::read(path).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
    let text = String::from_utf8_lossy(&text);
    let mut rows = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    assert_eq!(rows.next().expect("a header")[1..6], FIELDS, "{}: columns", path.display());
    let row = |row: Vec<&str>| (row[0].parse().expect("a frame"), std::array::from_fn(|at| row[at + 1].to_owned()));
    rows.map(row).collect()
}
