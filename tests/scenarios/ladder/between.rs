//! The same flows with something between the actors that changes nothing of what is to be said: proxies, forks, spirals, another
//! leg, challenges.

use std::collections::BTreeMap;

use super::distort::{assert_none, flows, new_alarms, rule_of, said};
use super::parse::{Act, Arrow, Ladder, Line, Way, What};
use super::play::play;
use super::played::Frame;
use crate::tape::{redirects, report_selecting};

/// Rules about single messages as such: they are said of every element that sends them.
const OF_EACH_ELEMENT: [&str; 5] =
    ["capture-truncated", "content-length-mismatch", "cseq-method-mismatch", "header-line-endings", "trailing-octets"];

/// Rules that are surer about a hop behind the first: no proxy that was not seen may have changed the request.
const SURE_BEHIND_THE_FIRST_HOP: [&str; 3] =
    ["timer-422-loop", "timer-422-unjustified", "timer-interval-raised-in-2xx"];

/// The ladders that may be played with elements in between.
fn flows_over_proxies() -> Vec<(String, Ladder)> {
    let mut all = flows();
    all.retain(|(_, ladder)| !ladder.tcp && !ladder.expect.iter().any(|line| OF_EACH_ELEMENT.contains(&rule_of(line))));
    all
}

/// The findings as they are if the hop behind the first was captured.
fn made_sure(findings: &[String]) -> Vec<String> {
    let sure = |line: &String| {
        let rule = rule_of(line);
        if SURE_BEHIND_THE_FIRST_HOP.contains(&rule) { format!("{rule} error") } else { line.clone() }
    };
    findings.iter().map(sure).collect()
}

#[test]
fn proxies_in_between_change_nothing() {
    let mut wrong = Vec::new();
    for (name, mut ladder) in flows_over_proxies() {
        let before = redirects(&report_selecting(&play(&ladder).unwrap().captures(&ladder).unwrap(), &ladder.select));
        ladder.way.relays = 2;
        let report = report_selecting(&play(&ladder).unwrap().captures(&ladder).unwrap(), &ladder.select);
        let mut expected = ladder.expect.clone();
        expected.sort();
        let (found, after) = (super::said(&ladder, &report), redirects(&report));
        let (mut found, mut expected) = (made_sure(&found), made_sure(&expected));
        found.sort();
        expected.sort();
        if found != expected || before != after {
            wrong.push(format!("{name}: expected {expected:?} {before:?}, found {found:?} {after:?}"));
        }
    }
    assert_none(wrong);
}

#[test]
fn one_hop_of_several_raises_no_alarm() {
    let mut wrong = Vec::new();
    for (name, mut ladder) in flows_over_proxies() {
        ladder.way.relays = 2;
        ladder.expect = made_sure(&ladder.expect);
        let played = play(&ladder).unwrap();
        for hop in 0..=2 {
            for others in [true, false] {
                let seen = |frame: &Frame| (frame.hop == hop) != others;
                let found = said(&ladder, &[played.capture(seen, played.end, 0).unwrap()]);
                let new = new_alarms(&ladder, &found);
                if !new.is_empty() {
                    wrong.push(format!("{name} {hop} {others}: {new:?}"));
                }
            }
        }
    }
    assert_none(wrong);
}

/// Whatever stands between the actors, no alarm may come of it.
fn between_raises_no_alarm(way: &Way, legs: usize) {
    let mut wrong = Vec::new();
    for (name, mut ladder) in flows_over_proxies() {
        ladder.way = way.clone();
        let found = said(&ladder, &play(&ladder).unwrap().captures(&ladder).unwrap());
        ladder.expect = made_sure(&vec![ladder.expect; legs].concat());
        let new = new_alarms(&ladder, &found);
        if !new.is_empty() {
            wrong.push(format!("{name}: {new:?}"));
        }
    }
    assert_none(wrong);
}

#[test]
fn spirals_raise_no_alarm() {
    between_raises_no_alarm(&Way { relays: 3, spiral: true, ..Way::default() }, 1);
}

#[test]
fn forks_raise_no_alarm() {
    between_raises_no_alarm(&Way { relays: 1, forks: true, ..Way::default() }, 1);
}

#[test]
fn other_legs_raise_no_alarm() {
    between_raises_no_alarm(&Way { relays: 1, other_leg: true, ..Way::default() }, 2);
}

/// The ladder with a challenge to every new request and every refresh, which are sent again with credentials; none if it fixes what
/// would be new then.
fn challenged(ladder: &Ladder) -> Option<Ladder> {
    let fixes = |line: &Line| match &line.act {
        Act::Send { options, .. } => ["cseq", "branch"].iter().any(|option| options.contains_key(*option)),
        Act::End => false,
    };
    if ladder.lines.iter().any(fixes) {
        return None;
    }
    let mut ladder = ladder.clone();
    for line in std::mem::take(&mut ladder.lines) {
        if let Act::Send { from, to, arrow: Arrow::Seen, what, options, .. } = &line.act
            && let What::Request { method, forward: false, .. } = what
            && matches!(method.as_str(), "INVITE" | "UPDATE" | "REGISTER" | "OPTIONS" | "SUBSCRIBE")
            && !options.contains_key("totag")
        {
            let send = |from: &String, to: &String, what: What| {
                let (from, to, changes) = (from.clone(), to.clone(), Vec::new());
                let act = Act::Send { from, to, arrow: Arrow::Seen, what, options: BTreeMap::new(), changes };
                Line { act, ..line.clone() }
            };
            ladder.lines.push(line.clone());
            let mut challenge = send(to, from, What::Response { status: 407, reason: None, forward: false });
            if let Act::Send { options, .. } = &mut challenge.act {
                options.insert("totag".into(), "challenge".into());
            }
            ladder.lines.push(challenge);
            if method == "INVITE" {
                ladder.lines.push(send(from, to, What::Request { method: "ACK".into(), uri: None, forward: false }));
            }
        }
        ladder.lines.push(line);
    }
    Some(ladder)
}

#[test]
fn challenges_raise_no_alarm() {
    let mut wrong = Vec::new();
    for (name, ladder) in flows() {
        let Some(ladder) = challenged(&ladder) else { continue };
        let found = said(&ladder, &play(&ladder).unwrap().captures(&ladder).unwrap());
        let new = new_alarms(&ladder, &found);
        let gone: Vec<&String> = ladder.expect.iter().filter(|line| !found.contains(line)).collect();
        if !new.is_empty() || !gone.is_empty() {
            wrong.push(format!("{name}: {new:?}, without {gone:?}"));
        }
    }
    assert_none(wrong);
}
