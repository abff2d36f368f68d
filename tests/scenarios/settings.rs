//! Thresholds of a run's own, and why some defaults are what they are.

use reinvite::findings::Settings;

use crate::redirects::{B, C, D, call, redirect};
use crate::tape::*;
use crate::traffic::random::Random;

fn has(report: &serde_json::Value, finding: &str) -> bool {
    findings(report).iter().any(|found| found == finding)
}

#[test]
fn lengths_of_chains_have_their_severity() {
    let run = |settings| {
        let mut tape = Tape::new();
        redirect(&mut tape, 0, "a", 1, B, 302, C);
        redirect(&mut tape, 100, "a", 2, C, 302, D);
        call(&mut tape, 200, "a", 3, D, 200);
        tape.judged_by(settings)
    };
    let own = |chain_notice, chain_warning| Settings { chain_notice, chain_warning, ..Settings::default() };
    assert!(has(&run(Settings::default()), "redirect-chain info"));
    assert!(has(&run(own(2, 5)), "redirect-chain notice"));
    assert!(has(&run(own(2, 2)), "redirect-chain warning"));
}

#[test]
fn a_permanent_redirect_may_be_shorter() {
    let run = |permanent_lifetime_s| {
        let mut tape = Tape::new();
        let request = Request::invite("a", 1, B);
        let answer = request.reply(301, "r").contact(format_args!("<{C}>;expires=3600"));
        tape.ask(0, ALICE, PROXY, &request, answer);
        let report = tape.judged_by(Settings { permanent_lifetime_s, ..Settings::default() });
        let entries = report["address_updates"].as_array().unwrap().len();
        (has(&report, "permanent-redirect-expiring notice"), entries)
    };
    assert_eq!(run(Settings::default().permanent_lifetime_s), (true, 0));
    assert_eq!(run(3_600), (false, 1));
}

#[test]
fn temporary_redirects_may_repeat_more_or_less_often() {
    let run = |settings| {
        let mut tape = Tape::new();
        for (at, name) in [(0, "a"), (10_000, "b")] {
            redirect(&mut tape, at, name, 1, B, 302, C);
            call(&mut tape, at + 100, name, 2, C, 200);
        }
        has(&tape.judged_by(settings), "temporary-redirect-repeated info")
    };
    assert!(!run(Settings::default()));
    assert!(run(Settings { temporary_repeats: 2, ..Settings::default() }));
}

#[test]
fn calls_that_end_alike_at_expiry_are_sure_from_some_on() {
    let run = |settings| {
        let mut tape = Tape::new();
        for (number, name) in (0_u64..).zip(["a", "b", "c"]) {
            let at = number * 100_000;
            let invite = Request::invite(name, 1, B).timer(90);
            let answer = invite.reply(200, "b").header("Require", "timer").session_expires(90, Some("uac"));
            tape.ask(at, ALICE, PROXY, &invite, answer);
            let ack = Request { vias: vec![(ALICE.into(), format!("z9hG4bKack{name}"))], ..invite.ack("b") };
            tape.say(at + 10, ALICE, PROXY, &ack.text());
            let bye = Request::of("BYE", name, 1, "sip:alice@192.0.2.10").tags("b", Some("a"));
            let bye = bye.hiding(PROXY, &format!("z9hG4bKbye{name}"));
            tape.ask(at + 60_000 + number * 500, PROXY, ALICE, &bye, bye.reply(200, ""));
        }
        tape.until(400_000);
        let report = tape.judged_by(settings);
        let found = report["findings"].as_array().unwrap().iter();
        let mut found: Vec<String> = found
            .filter(|found| found["rule"] == "timer-bye-on-expiry")
            .map(|found| {
                format!("{} {} {}", found["scope"], found["confidence"], found["evidence"].as_array().unwrap().len())
            })
            .collect();
        found.sort();
        found
    };
    let each = "\"dialog\" \"medium\" 2";
    assert_eq!(run(Settings::default()), ["\"client\" \"strong\" 3", each, each, each]);
    assert_eq!(run(Settings { expiry_repeats: 4, ..Settings::default() }), [each; 3]);
}

/// Calls whose 2xx is sent at these times (in ms), and acknowledged at `ack`, if at all; of the packets 3 % are not captured.
fn unacknowledged(calls: u64, copies: &[u64], ack: Option<u64>, settings: Settings) -> (usize, u64) {
    let mut tape = Tape::new();
    for number in 0..calls {
        let at = number * 50;
        let request = Request::invite(&format!("c{number}"), 1, B);
        tape.say(at, ALICE, PROXY, &request.text());
        let answer = request.reply(200, "b").finish();
        copies.iter().for_each(|after| tape.say(at + after, PROXY, ALICE, &answer));
        if let Some(after) = ack {
            let own = Request { vias: vec![(ALICE.into(), format!("z9hG4bKack{number}"))], ..request.ack("b") };
            tape.say(at + after, ALICE, PROXY, &own.text());
        }
    }
    let mut random = Random::new(7);
    tape.lose(|| random.chance(0.03));
    tape.until(calls * 50 + 120_000);
    let report = tape.judged_by(settings);
    let found = findings(&report).iter().filter(|found| *found == "ack-missing-2xx error").count();
    (found, report["summary"]["indeterminate"]["ack-missing-2xx"].as_u64().unwrap_or(0))
}

/// Where the way is slow, the ACK comes after the third copy. A capture that lacks 3 % of the packets lacks some of these: three copies
/// do not show that no ACK came, and the capture cannot know what it lacks.
#[test]
fn lost_acks_raise_no_alarm_since_senders_stop_at_them() {
    let slow = |settings| unacknowledged(1_000, &[100, 600, 1_600], Some(2_000), settings);
    let (found, indeterminate) = slow(Settings::default());
    assert!(found == 0 && indeterminate > 10, "{found} {indeterminate}");
    let (found, _) = slow(Settings { ack_given_up_copies: 3, ..Settings::default() });
    assert!(found > 10, "with three copies there are {found} false alarms");
    let (_, indeterminate) = slow(Settings { ack_missing_copies: 4, ..Settings::default() });
    assert_eq!(indeterminate, 0);
    // Who never gets an ACK sends eleven copies: with the same loss these calls are found all the same.
    let all = [100, 600, 1_600, 3_600, 7_600, 11_600, 15_600, 19_600, 23_600, 27_600, 31_600];
    let (found, _) = unacknowledged(100, &all, None, Settings::default());
    assert!(found >= 90, "{found} of 100");
}
