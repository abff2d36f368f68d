//! Every finding about redirects worse than a notice, over all captures of real elements, was looked at by hand in tshark: the
//! verdicts stand in `verdicts.tsv` beside this file. A finding without a verdict fails, and so does a verdict without a finding.

use std::collections::BTreeSet;

use crate::support::captures::{LAB, corpus_captures, lab, name};
use crate::support::run_files;
use crate::support::story::list;

const COLUMNS: [&str; 5] = ["file", "finding", "severity", "verdict", "why"];

/// The families of rules that were looked at.
const FAMILIES: [&str; 3] = ["permanent-", "redirect-", "temporary-"];

/// The file, the id and the severity of a finding.
type Row = (String, String, String);

fn verdicts() -> BTreeSet<Row> {
    let mut lines = include_str!("verdicts.tsv").lines();
    assert_eq!(lines.next().unwrap().split('\t').collect::<Vec<_>>(), COLUMNS, "verdicts.tsv: columns");
    let row = |line: &str| {
        let &[file, finding, severity, verdict, why] = line.split('\t').collect::<Vec<_>>().as_slice() else {
            panic!("verdicts.tsv: columns of {line}");
        };
        assert_eq!(verdict, "true", "verdicts.tsv: a false finding is to be mended: {line}");
        assert!(why.len() > 20, "verdicts.tsv: no reason in {line}");
        (file.to_owned(), finding.to_owned(), severity.to_owned())
    };
    lines.map(row).collect()
}

#[test]
fn every_alarm_about_redirects_was_looked_at() {
    let mut captures: Vec<_> = LAB.iter().map(|name| lab(name)).collect();
    let others: Vec<_> = ["captures", "robustness"].into_iter().flat_map(corpus_captures).collect();
    captures.extend(others);
    let mut found = BTreeSet::new();
    for capture in captures {
        let file = name(&capture);
        let report = run_files(&[capture]).report;
        for finding in list(&report, "findings") {
            let word = |field: &str| finding[field].as_str().unwrap().to_owned();
            let is_concerned = FAMILIES.iter().any(|family| word("rule").starts_with(family));
            if is_concerned && ["warning", "error"].contains(&word("severity").as_str()) {
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
