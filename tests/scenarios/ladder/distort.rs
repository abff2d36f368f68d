//! The same flows captured badly: what may still be said, and what must not be said anew.

use std::collections::BTreeMap;

use super::ladders;
use super::parse::{Act, Arrow, Change, Ladder, Line, What};
use super::play::play;
use super::played::{Frame, Played};
use crate::tape::report_selecting;

/// Rules that need time without loss after what they speak of, or both directions (the codes E, B and L of the
/// catalogue): they go where the capture does not give that.
const NEED_TIME: [&str; 10] = [
    "redirect-ack-missing",
    "redirect-alternatives-untried",
    "redirect-not-followed",
    "redirect-other-target-tried",
    "redirect-target-failed",
    "request-no-response",
    "timer-422-unresolved",
    "timer-refresh-failed-no-bye",
    "timer-refresh-missed",
    "timer-session-expired-no-bye",
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
const HALVES: [(&str, &str, &str); 7] = [
    ("redirect-loop", "redirect-loop-offered", "half a circle is a way back that is offered"),
    ("redirect-loop", "redirect-target-failed", "or a target that fails"),
    ("redirect-branch-reused", "branch-reused", "without the 3xx a branch that is used again is just that"),
    ("timer-422-retry-stale-to-tag", "in-dialog-481", "without the 422 its tag may be that of a dialog"),
    ("timer-proxy-interval-below-min-se", "timer-interval-below-min-se", "of two hops one shows only what it has"),
    ("timer-proxy-inserted-2xx-incomplete", "timer-refresher-missing", "and not who is to blame"),
    ("redirect-contact-stripped", "redirect-without-contact", "the same"),
];

pub(super) fn rule_of(line: &str) -> &str {
    line.split(' ').next().unwrap()
}

/// The ladders that one capture sees.
pub(super) fn flows() -> Vec<(String, Ladder)> {
    let mut all = ladders();
    // What a ladder leaves out on purpose cannot be left out once more.
    let is_unseen = |line: &Line| matches!(&line.act, Act::Send { arrow: Arrow::Unseen, .. });
    all.retain(|(_, ladder)| !ladder.lines.iter().any(is_unseen));
    all.retain(|(_, ladder)| ladder.points.is_empty());
    assert!(all.len() > 200);
    all
}

pub(super) fn said(ladder: &Ladder, captures: &[Vec<u8>]) -> Vec<String> {
    super::said(ladder, &report_selecting(captures, &ladder.select))
}

fn count(list: &[String]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for line in list {
        *counts.entry(line.as_str()).or_default() += 1;
    }
    counts
}

/// The findings that are worse than a notice and that the undistorted flow does not give, at that severity or a worse one.
pub(super) fn new_alarms(ladder: &Ladder, found: &[String]) -> Vec<String> {
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

pub(super) fn assert_none(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "{} distortions:\n{}", wrong.len(), wrong.join("\n"));
}

/// No distortion of that kind, numbered from 0 until there are no more, may raise an alarm.
fn raises_no_alarm(distort: impl Fn(&Ladder, &Played, usize) -> Option<Vec<Vec<u8>>>) {
    raises_no_alarm_but(&[], distort);
}

/// The same, but for some rules.
fn raises_no_alarm_but(others: &[&str], distort: impl Fn(&Ladder, &Played, usize) -> Option<Vec<Vec<u8>>>) {
    raises_no_alarm_unless(|_, _, rule| others.contains(&rule), distort);
}

/// The same, but for what `may_be` takes: the name of a flow with it, the number, and the rule.
fn raises_no_alarm_unless(
    may_be: impl Fn((&str, &Ladder), usize, &str) -> bool,
    distort: impl Fn(&Ladder, &Played, usize) -> Option<Vec<Vec<u8>>>,
) {
    let mut wrong = Vec::new();
    for (name, ladder) in flows() {
        let played = play(&ladder).unwrap();
        for number in 0.. {
            let Some(captures) = distort(&ladder, &played, number) else { break };
            let found = said(&ladder, &captures);
            let mut new = new_alarms(&ladder, &found);
            new.retain(|line| !may_be((&name, &ladder), number, rule_of(line)));
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
            if times > known.get(line).copied().unwrap_or(0) {
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

/// A capture that lacks `count` messages from `number` on.
fn without(ladder: &Ladder, played: &Played, number: usize, count: usize) -> Option<Vec<Vec<u8>>> {
    // That of a call with another Call-ID the first request is missing cannot be known.
    let is_linked = |line: &String| {
        line.starts_with("redirect-call-id-changed ") || line.starts_with("timer-422-retry-new-call-id ")
    };
    if ladder.expect.iter().any(is_linked) {
        return None;
    }
    let seen = |frame: &Frame| !(number..number + count).contains(&frame.message);
    (number + count <= messages(played)).then(|| vec![played.capture(seen, played.end, 0).unwrap()])
}

#[test]
fn a_lost_message_raises_no_alarm() {
    raises_no_alarm(|ladder, played, number| without(ladder, played, number, 1));
}

/// Rules that rest on that no BYE came, or ask whether there was one: where it is lost with all answers nothing shows it.
const NO_BYE: [&str; 4] =
    ["in-dialog-481", "timer-refresh-failed-no-bye", "timer-refresh-missed", "timer-session-expired-no-bye"];

fn is_bye(line: &Line) -> bool {
    matches!(&line.act, Act::Send { what: What::Request { method, .. }, .. } if method == "BYE")
}

/// What is said though it is not so when a request and its answer are lost, in a flow and by a rule: nothing else shows that there was one,
/// so that it looks as if there was none.
const LOST_WITHOUT_A_TRACE: [(&str, &str, &str); 5] = [
    ("flow-302-to-subscribe", "redirect-not-followed", "the request to the target"),
    ("flow-serial-forking-by-q", "redirect-target-failed", "the request to the next target, until the call seems over"),
    ("timer-refresh-by-peer", "timer-refresh-late", "the only request of the callee, a refresh"),
    ("timer-refresh-failed-no-bye", "timer-refresh-missed", "the last request, a refresh that was refused"),
    ("timer-refresh-missing-min-se-of-invite", "timer-bye-on-expiry", "the only request of the callee, a refresh"),
];

#[test]
fn two_lost_messages_raise_no_alarm() {
    let is_known = |name: &str, rule: &str| LOST_WITHOUT_A_TRACE.iter().any(|known| (known.0, known.1) == (name, rule));
    let lacks_bye = |ladder: &Ladder, number: usize| ladder.lines[number..].iter().take(2).any(is_bye);
    raises_no_alarm_unless(
        |(name, ladder), number, rule| is_known(name, rule) || (NO_BYE.contains(&rule) && lacks_bye(ladder, number)),
        |ladder, played, number| without(ladder, played, number, 2),
    );
}

#[test]
fn a_bye_lost_with_its_answers_raises_no_alarm() {
    let is_answer = |line: &Line| matches!(&line.act, Act::Send { what: What::Response { .. }, .. });
    raises_no_alarm_but(&NO_BYE, |ladder, played, number| {
        let mut byes = (0..ladder.lines.len()).filter(|at| is_bye(&ladder.lines[*at]));
        let from = byes.nth(number)?;
        let more = ladder.lines[from..].iter().take_while(|line| is_bye(line) || is_answer(line)).count();
        let seen = |frame: &Frame| !(from..from + more).contains(&frame.message);
        Some(vec![played.capture(seen, played.end, 0).unwrap()])
    });
}

/// Whether a flow is about how messages are laid out, or sent again because the transport may lose them: on a stream it is another.
fn is_about_datagrams(ladder: &Ladder) -> bool {
    ladder.lines.iter().any(|line| match &line.act {
        Act::Send { what: What::Again, .. } => true,
        Act::Send { changes, .. } => changes.iter().any(|change| match change {
            Change::Behind(_) | Change::Captured(_) | Change::LineFeeds => true,
            Change::Header(name, _) | Change::Without(name) => name == "Content-Length",
            Change::Sdp(_) | Change::Body(_) => false,
        }),
        Act::End => false,
    })
}

#[test]
fn a_gap_in_a_stream_raises_no_alarm() {
    raises_no_alarm(|ladder, played, number| {
        if number >= messages(played) || is_about_datagrams(ladder) {
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

#[test]
fn a_capture_that_ends_anywhere_raises_no_alarm() {
    raises_no_alarm(|_, played, number| {
        let last = played.frames.iter().filter(|frame| frame.message <= number).map(Frame::time).max()?;
        let seen = |frame: &Frame| frame.time() <= last;
        (number < messages(played)).then(|| vec![played.capture(seen, last, 0).unwrap()])
    });
}

#[test]
fn one_pair_of_several_raises_no_alarm() {
    raises_no_alarm(|ladder, played, number| {
        // That a client goes on from another address cannot be known where that is not captured.
        let is_roaming =
            |line: &Line| matches!(&line.act, Act::Send { options, .. } if options.contains_key("fromtag"));
        if ladder.lines.iter().any(is_roaming) {
            return None;
        }
        let names: Vec<&String> = ladder.actors.keys().collect();
        let (one, other) = (names.get(number / names.len())?, names[number % names.len()]);
        let seen = |frame: &Frame| [&frame.from, &frame.to].contains(one) && [&frame.from, &frame.to].contains(&other);
        Some(vec![played.capture(seen, played.end, 0).unwrap()])
    });
}

#[test]
fn frames_cut_short_raise_no_alarm() {
    raises_no_alarm(|_, played, number| {
        let snapshot = [96, 160, 256, 320, 384, 448, 512, 640].get(number)?;
        Some(vec![played.cut(|_| true, played.end, 0, *snapshot).unwrap()])
    });
}

#[test]
fn the_same_capture_twice_raises_no_alarm() {
    raises_no_alarm(|_, played, number| {
        let ahead = [0, 3_000_000, -400_000_000].get(number)?;
        let all = |ahead: i64| played.capture(|_| true, played.end, ahead).unwrap();
        Some(vec![all(0), all(*ahead)])
    });
}
