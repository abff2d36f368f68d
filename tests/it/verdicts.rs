//! Every finding worse than a notice, over all captures of real elements, was looked at by hand in tshark: the verdicts stand in
//! `verdicts.tsv` beside this file, those for the same reason in one row. A finding without a verdict fails, and so does a verdict
//! without a finding.

use std::collections::BTreeSet;

use crate::support::captures::{LAB, corpus_captures, lab, name};
use crate::support::run_files;
use crate::support::story::list;

/// `places` are what ids end in behind the name of the rule: `0-39` is frame 39 of the first input.
const COLUMNS: [&str; 6] = ["file", "rule", "places", "severity", "verdict", "why"];

/// The file, the id and the severity of a finding.
type Row = (String, String, String);

fn verdicts() -> BTreeSet<Row> {
    let mut lines = include_str!("verdicts.tsv").lines();
    assert_eq!(lines.next().unwrap().split('\t').collect::<Vec<_>>(), COLUMNS, "verdicts.tsv: columns");
    let mut rows = BTreeSet::new();
    for line in lines {
        let &[file, rule, places, severity, verdict, why] = line.split('\t').collect::<Vec<_>>().as_slice() else {
            panic!("verdicts.tsv: columns of {line}");
        };
        assert_eq!(verdict, "true", "verdicts.tsv: a false finding is to be mended: {line}");
        assert!(why.len() > 20, "verdicts.tsv: no reason in {line}");
        for place in places.split(' ') {
            let is_new = rows.insert((file.to_owned(), format!("{rule}-{place}"), severity.to_owned()));
            assert!(is_new, "verdicts.tsv: twice: {line}");
        }
    }
    rows
}

#[test]
fn every_alarm_was_looked_at() {
    let mut captures: Vec<_> = LAB.iter().map(|name| lab(name)).collect();
    let others: Vec<_> = ["captures", "robustness"].into_iter().flat_map(corpus_captures).collect();
    captures.extend(others);
    let mut found = BTreeSet::new();
    for capture in captures {
        let file = name(&capture);
        let report = run_files(&[capture]).report;
        for finding in list(&report, "findings") {
            let word = |field: &str| finding[field].as_str().unwrap().to_owned();
            if ["warning", "error"].contains(&word("severity").as_str()) {
                found.insert((file.clone(), word("id"), word("severity")));
            }
        }
    }
    let verdicts = verdicts();
    let new: Vec<_> = found.difference(&verdicts).collect();
    assert!(new.is_empty(), "without a verdict: {new:#?}");
    let gone: Vec<_> = verdicts.difference(&found).collect();
    assert!(gone.is_empty(), "verdicts without a finding: {gone:#?}");
}
