//! The explained differences.

use std::collections::BTreeSet;

use super::Difference;

/// The columns of the table.
const COLUMNS: [&str; 7] = ["file", "frames", "field", "tshark", "ours", "right", "why"];

/// The differences that `differences.tsv` explains. A row stands for as many as it has frames: `3,7-9` are four.
pub(super) fn explained() -> BTreeSet<Difference> {
    let mut lines = include_str!("differences.tsv").lines();
    assert_eq!(lines.next().expect("a header").split('\t').collect::<Vec<_>>(), COLUMNS, "differences.tsv: columns");
    let mut all = BTreeSet::new();
    for line in lines {
        let row: Vec<&str> = line.split('\t').collect();
        let &[file, frames, field, tshark, ours, right, why] = row.as_slice() else {
            panic!("differences.tsv: {} columns in {line}", row.len());
        };
        assert!(["ours", "tshark", "both", "neither"].contains(&right), "differences.tsv: who is right in {line}");
        assert!(why.len() > 20, "differences.tsv: no explanation in {line}");
        for frame in frames.split(',').flat_map(range) {
            let difference = Difference {
                file: file.to_owned(),
                frame,
                field: field.to_owned(),
                tshark: tshark.to_owned(),
                ours: ours.to_owned(),
            };
            assert!(all.insert(difference), "differences.tsv: frame {frame} twice in {line}");
        }
    }
    all
}

fn range(frames: &str) -> std::ops::RangeInclusive<u64> {
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("differences.tsv: no frames: {frames}"));
    match frames.split_once('-') {
        Some((first, last)) => number(first)..=number(last),
        None => number(frames)..=number(frames),
    }
}
