//! Call flows written down as ladders, in `fixtures/rules`, with exactly the findings they must give.

mod between;
mod distort;
mod message;
mod parse;
mod play;
mod played;
mod relay;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use reinvite::correlation::Filter;
use reinvite::findings::RULES;
use reinvite::options::Options;
use reinvite::pipeline::workers;

use crate::excerpt::excerpt_of;
use crate::followed::{difference, with_a_day_behind};
use crate::tape::{SHORT, all_findings, files, findings, negotiations, redirects, report_selecting};
use parse::{Ladder, parse};
use play::play;

fn ladders() -> Vec<(String, Ladder)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/rules");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "ladder"));
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let ladder = parse(&text).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
        (name, ladder)
    };
    paths.into_iter().map(read).collect()
}

/// The findings that a report has about a ladder.
fn said(ladder: &Ladder, report: &serde_json::Value) -> Vec<String> {
    let names_short = ladder.near.iter().chain(&ladder.expect).any(|line| line.starts_with(SHORT));
    if names_short { all_findings(report) } else { findings(report) }
}

/// What is wrong with the report of a ladder.
fn problems(ladder: &Ladder) -> Result<(), String> {
    let report = report_selecting(&play(ladder)?.captures(ladder)?, &ladder.select);
    let sorted = |list: &[String]| {
        let mut list = list.to_vec();
        list.sort();
        list
    };
    let compare = |what: &str, expected: &[String], found: &[String]| {
        if expected == found { Ok(()) } else { Err(format!("{what}: expected {expected:#?}, found {found:#?}")) }
    };
    let found = said(ladder, &report);
    compare("findings", &sorted(&ladder.expect), &found)?;
    let open = report["summary"]["indeterminate"].as_object().unwrap();
    let times = |count: &serde_json::Value| usize::try_from(count.as_u64().unwrap()).unwrap();
    let open: Vec<String> = open.iter().flat_map(|(rule, count)| vec![rule.clone(); times(count)]).collect();
    compare("indeterminate", &sorted(&ladder.open), &sorted(&open))?;
    if !ladder.redirects.is_empty() {
        compare("redirects", &ladder.redirects, &redirects(&report))?;
    }
    if !ladder.negotiations.is_empty() {
        compare("negotiations", &ladder.negotiations, &negotiations(&report))?;
    }
    Ok(())
}

#[test]
fn every_ladder_gives_its_findings_and_no_others() {
    let wrong: Vec<String> = ladders()
        .iter()
        .filter_map(|(name, ladder)| problems(ladder).err().map(|problem| format!("{name}.ladder: {problem}")))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_excerpt_of_a_ladder_says_the_same_of_the_calls_in_it() {
    let mut wrong = Vec::new();
    for (name, ladder) in ladders() {
        let captures = play(&ladder).and_then(|played| played.captures(&ladder)).unwrap();
        let (_files, paths) = files(&captures);
        let problems = excerpt_of(&paths, &Options::default()).problems();
        wrong.extend(problems.into_iter().map(|problem| format!("{name}.ladder: {problem}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Most ladders end before everything in them can be told; with a day behind them all of it comes before the end.
#[test]
fn lines_about_a_ladder_that_are_followed_are_those_of_its_report() {
    let workers = workers(2).unwrap();
    let mut wrong = Vec::new();
    for (name, ladder) in ladders() {
        let captures = play(&ladder).and_then(|played| played.captures(&ladder)).unwrap();
        for capture in captures {
            for capture in [with_a_day_behind(&capture), capture] {
                let some = Filter { statuses: vec!["3xx".parse().unwrap()], ..Filter::default() };
                for filter in [Filter::default(), some] {
                    let options = Options { filter, ..Options::default() };
                    let difference = difference(&capture, &options, &workers);
                    wrong.extend(difference.map(|difference| format!("{name}.ladder: {difference}")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_fires_in_a_ladder_and_is_missed_closely_in_another() {
    let ladders = ladders();
    let mut fires: BTreeSet<&str> = BTreeSet::new();
    let mut near: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, ladder) in &ladders {
        fires.extend(ladder.expect.iter().filter_map(|line| line.split(' ').next()));
        for rule in &ladder.near {
            assert!(RULES.iter().any(|row| row.id == rule), "{name}.ladder: no rule {rule}");
            let fires_too = ladder.expect.iter().any(|line| line.split(' ').next() == Some(rule));
            assert!(!fires_too, "{name}.ladder: {rule} is near and expected");
            near.insert(rule, name);
        }
    }
    let lacking: Vec<&str> =
        RULES.iter().map(|rule| rule.id).filter(|rule| !(fires.contains(rule) && near.contains_key(rule))).collect();
    assert!(lacking.is_empty(), "rules without a ladder in which they fire and one that comes near: {lacking:#?}");
}
