//! The same flows captured badly: what may still be said, and what must not be said anew.

use std::collections::BTreeMap;

use super::ladders;
use super::parse::{Act, Arrow, Ladder, Line};
use super::play::{Frame, Played, play};
use crate::tape::{findings, redirects, report_selecting};

/// Rules that need time without loss after what they speak of, or both directions (the codes E, B and L of the
/// catalogue): they go where the capture does not give that.
const NEED_TIME: [&str; 6] = [
    "redirect-ack-missing",
    "redirect-alternatives-untried",
    "redirect-not-followed",
    "redirect-other-target-tried",
    "redirect-target-failed",
    "timer-422-unresolved",
];

/// Rules that a 3xx alone shows, or two copies of it; at most as a notice, since an element further on may have sent it.
const NEED_THE_ANSWER_ONLY: [&str; 12] = [
    "permanent-redirect-expiring",
    "redirect-contact-disallowed-param",
    "redirect-contact-headers",
    "redirect-contact-malformed",
    "redirect-contact-stripped",
    "redirect-contact-unbracketed-params",
    "redirect-contact-unroutable",
    "redirect-expires-malformed",
    "redirect-non-sip-contact",
    "redirect-of-register",
    "redirect-transport-tls-param",
    "redirect-without-contact",
];

const SECOND: u64 = 1_000_000_000;
/// 64*T1.
const TIMEOUT: u64 = 32 * SECOND;

fn is_about_redirects(finding: &str) -> bool {
    finding.starts_with("redirect-") || finding.starts_with("permanent-") || finding.starts_with("temporary-")
}

/// What a part of a flow says for good reason though the whole does not, as a finding of the whole and one of the part.
const HALVES: [(&str, &str, &str); 4] = [
    ("redirect-loop", "redirect-loop-offered", "half a circle is a way back that is offered"),
    ("redirect-loop", "redirect-target-failed", "or a target that fails"),
    ("redirect-branch-reused", "branch-reused", "without the 3xx a branch that is used again is just that"),
    ("timer-422-retry-stale-to-tag", "in-dialog-481", "without the 422 its tag may be that of a dialog"),
];

/// The ladders of redirects and 422 that one capture sees.
fn flows() -> Vec<(String, Ladder)> {
    let mut all = ladders();
    // Flows of many steps are there to be judged whole.
    all.retain(|(name, _)| !name.starts_with("flow-"));
    // What a ladder leaves out on purpose cannot be left out once more.
    let is_unseen = |line: &Line| matches!(&line.act, Act::Send { arrow: Arrow::Unseen, .. });
    all.retain(|(_, ladder)| !ladder.lines.iter().any(is_unseen));
    let is_concerned = |line: &String| is_about_redirects(line) || line.starts_with("timer-422-");
    all.retain(|(_, ladder)| ladder.points.is_empty() && ladder.expect.iter().chain(&ladder.near).any(is_concerned));
    assert!(all.len() > 60);
    all
}

fn said(ladder: &Ladder, captures: &[Vec<u8>]) -> Vec<String> {
    findings(&report_selecting(captures, &ladder.select))
}

fn count(list: &[String]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for line in list {
        *counts.entry(line.as_str()).or_default() += 1;
    }
    counts
}

/// The findings that are worse than a notice and that the undistorted flow does not give, at that severity or a worse one.
fn new_alarms(ladder: &Ladder, found: &[String]) -> Vec<String> {
    let rank = |severity: &str| ["info", "notice", "warning", "error"].iter().position(|name| *name == severity);
    let mut left: Vec<(&str, Option<usize>)> = Vec::new();
    for line in &ladder.expect {
        let (rule, severity) = line.split_once(' ').unwrap();
        left.push((rule, rank(severity)));
    }
    let mut new = Vec::new();
    let has = |rule: &str| ladder.expect.iter().any(|line| line.split(' ').next() == Some(rule));
    for line in found {
        let (rule, severity) = line.split_once(' ').unwrap();
        let is_half = HALVES.iter().any(|(whole, half, _)| *half == rule && has(whole));
        if rank(severity) < rank("warning") || is_half {
            continue;
        }
        match left.iter().position(|(known, worst)| *known == rule && *worst >= rank(severity)) {
            Some(at) => {
                left.remove(at);
            }
            None => new.push(line.clone()),
        }
    }
    new
}

fn assert_none(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "{} distortions:\n{}", wrong.len(), wrong.join("\n"));
}

/// No distortion of that kind, numbered from 0 until there are no more, may raise an alarm.
fn raises_no_alarm(distort: impl Fn(&Ladder, &Played, usize) -> Option<Vec<Vec<u8>>>) {
    let mut wrong = Vec::new();
    for (name, ladder) in flows() {
        let played = play(&ladder).unwrap();
        for number in 0.. {
            let Some(captures) = distort(&ladder, &played, number) else { break };
            let found = said(&ladder, &captures);
            let new = new_alarms(&ladder, &found);
            if !new.is_empty() {
                wrong.push(format!("{name} {number}: {new:?}"));
            }
        }
    }
    assert_none(wrong);
}

fn messages(played: &Played) -> usize {
    played.frames.iter().map(|frame| frame.message + 1).max().unwrap_or(0)
}

#[test]
fn mirrored_packets_change_nothing() {
    let mut wrong = Vec::new();
    for (name, mut ladder) in flows() {
        for line in &mut ladder.lines {
            if let Act::Send { arrow, .. } = &mut line.act
                && *arrow == Arrow::Seen
            {
                *arrow = Arrow::SeenTwice;
            }
        }
        let found = said(&ladder, &play(&ladder).unwrap().captures(&ladder).unwrap());
        let mut expected = ladder.expect.clone();
        expected.sort();
        if found != expected {
            wrong.push(format!("{name}: expected {expected:?}, found {found:?}"));
        }
    }
    assert_none(wrong);
}

#[test]
fn proxies_in_between_change_nothing() {
    let mut wrong = Vec::new();
    for (name, mut ladder) in flows() {
        if ladder.tcp {
            continue;
        }
        let before = redirects(&report_selecting(&play(&ladder).unwrap().captures(&ladder).unwrap(), &ladder.select));
        ladder.relays = 2;
        let report = report_selecting(&play(&ladder).unwrap().captures(&ladder).unwrap(), &ladder.select);
        let mut expected = ladder.expect.clone();
        expected.sort();
        let (found, after) = (findings(&report), redirects(&report));
        // Seen beyond the first hop, some are sure.
        let sure = |line: &String| {
            let rule = line.split(' ').next().unwrap();
            if matches!(rule, "timer-422-loop" | "timer-422-unjustified") {
                format!("{rule} error")
            } else {
                line.clone()
            }
        };
        let (mut found, mut expected): (Vec<_>, Vec<_>) =
            (found.iter().map(sure).collect(), expected.iter().map(sure).collect());
        found.sort();
        expected.sort();
        if found != expected || before != after {
            wrong.push(format!("{name}: expected {expected:?} {before:?}, found {found:?} {after:?}"));
        }
    }
    assert_none(wrong);
}

#[test]
fn a_capture_that_ends_at_once_tells_of_no_absence() {
    let mut wrong = Vec::new();
    for (name, ladder) in flows() {
        let played = play(&ladder).unwrap();
        let end = played.last();
        let found = said(&ladder, &[played.capture(|_| true, end, 0).unwrap()]);
        let short = end - played.frames.first().map_or(end, Frame::time) < TIMEOUT;
        let needs_time = |line: &str| NEED_TIME.iter().any(|rule| line.split(' ').next() == Some(rule));
        let known = count(&ladder.expect);
        for (line, times) in count(&found) {
            if times > known.get(line).copied().unwrap_or(0) && !line.starts_with("redirect-observed") {
                wrong.push(format!("{name}: {line} is new"));
            }
            // What a target answered needs no time.
            if short && needs_time(line) && !line.starts_with("redirect-target-failed") {
                wrong.push(format!("{name}: {line} needs time"));
            }
        }
        let found = count(&found);
        for (line, times) in known {
            let stays = !needs_time(line) && !line.starts_with("ack-") && !line.starts_with("invite-");
            if stays && found.get(line).copied().unwrap_or(0) < times {
                wrong.push(format!("{name}: {line} is gone"));
            }
        }
    }
    assert_none(wrong);
}

#[test]
fn a_capture_that_begins_late_raises_no_alarm() {
    raises_no_alarm(|_, played, number| {
        let seen = |frame: &Frame| frame.message > number;
        (number + 1 < messages(played)).then(|| vec![played.capture(seen, played.end, 0).unwrap()])
    });
}

#[test]
fn one_direction_raises_no_alarm() {
    raises_no_alarm(|ladder, played, number| {
        let actor = ladder.actors.keys().nth(number / 2)?;
        let seen = |frame: &Frame| if number % 2 == 0 { frame.from == *actor } else { frame.to == *actor };
        Some(vec![played.capture(seen, played.end, 0).unwrap()])
    });
}

#[test]
fn requests_alone_say_nothing_and_answers_alone_what_they_show() {
    let mut wrong = Vec::new();
    for (name, ladder) in flows() {
        let played = play(&ladder).unwrap();
        let requests = said(&ladder, &[played.capture(|frame| frame.is_request, played.end, 0).unwrap()]);
        let redirects: Vec<&String> = requests.iter().filter(|line| is_about_redirects(line)).collect();
        if !redirects.is_empty() || !new_alarms(&ladder, &requests).is_empty() {
            wrong.push(format!("{name}: requests alone say {requests:?}"));
        }
        let answers = said(&ladder, &[played.capture(|frame| !frame.is_request, played.end, 0).unwrap()]);
        let shown = |line: &str| NEED_THE_ANSWER_ONLY.iter().any(|rule| line.split(' ').next() == Some(rule));
        let claims =
            |line: &&String| is_about_redirects(line) && !shown(line) && !line.starts_with("redirect-observed");
        let about_following: Vec<&String> = answers.iter().filter(claims).collect();
        if !about_following.is_empty() || !new_alarms(&ladder, &answers).is_empty() {
            wrong.push(format!("{name}: answers alone say {answers:?}"));
        }
        for line in ladder.expect.iter().filter(|line| shown(line)) {
            let rule = line.split(' ').next().unwrap();
            if !answers.iter().any(|found| found.split(' ').next() == Some(rule)) {
                wrong.push(format!("{name}: answers alone show {line}, and say {answers:?}"));
            }
        }
    }
    assert_none(wrong);
}

#[test]
fn a_lost_message_raises_no_alarm() {
    raises_no_alarm(|ladder, played, number| {
        // That of a call with another Call-ID the first request is missing cannot be known.
        let is_linked = |line: &String| {
            line.starts_with("redirect-call-id-changed ") || line.starts_with("timer-422-retry-new-call-id ")
        };
        if ladder.expect.iter().any(is_linked) {
            return None;
        }
        let seen = |frame: &Frame| frame.message != number;
        (number < messages(played)).then(|| vec![played.capture(seen, played.end, 0).unwrap()])
    });
}

#[test]
fn a_gap_in_a_stream_raises_no_alarm() {
    raises_no_alarm(|ladder, played, number| {
        if number >= messages(played) {
            return None;
        }
        let mut ladder = ladder.clone();
        ladder.tcp = true;
        if let Act::Send { arrow, .. } = &mut ladder.lines[number].act {
            *arrow = Arrow::Unseen;
        }
        Some(play(&ladder).unwrap().captures(&ladder).unwrap())
    });
}

#[test]
fn clocks_that_differ_raise_no_alarm() {
    let offsets = [-1_500_000_000, -200_000_000, 200_000_000, 1_500_000_000];
    raises_no_alarm(|ladder, played, number| {
        let ahead = *offsets.get(number % 4)?;
        // What one actor sends, or all that it sends and receives, is captured beside it; the rest elsewhere.
        let actor = ladder.actors.keys().nth(number / 8)?;
        let beside = |frame: &Frame| frame.from == *actor || (number / 4 % 2 == 1 && frame.to == *actor);
        let here = played.capture(beside, played.end, ahead).unwrap();
        Some(vec![here, played.capture(|frame| !beside(frame), played.end, 0).unwrap()])
    });
}
