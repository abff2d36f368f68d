use crate::tape::*;

const B: &str = "sip:bob@192.0.2.1";
const S: u64 = 1000;

/// An answered call of Alice with this interval; the caller has to refresh.
fn talk(tape: &mut Tape, seconds: u32, refresher: &str) -> Request {
    let invite = Request::invite("a", 1, B).timer(seconds);
    let answer = invite.reply(200, "b").header("Require", "timer").session_expires(seconds, Some(refresher));
    tape.ask(0, ALICE, PROXY, &invite, answer);
    let ack = Request { vias: vec![(ALICE.into(), "z9hG4bKack".into())], ..invite.ack("b") };
    tape.say(10, ALICE, PROXY, &ack.text());
    invite
}

fn within(method: &'static str, cseq: u32) -> Request {
    Request::of(method, "a", cseq, B).tags("a", Some("b"))
}

/// A request of the callee in the dialog.
fn from_callee(method: &'static str, cseq: u32) -> Request {
    let request = Request::of(method, "a", cseq, "sip:alice@192.0.2.10").tags("b", Some("a"));
    Request { from: "sip:bob@example.com".into(), to: "sip:alice@example.com".into(), ..request }
        .hiding(PROXY, &format!("z9hG4bKc{cseq}"))
}

#[test]
fn who_never_refreshes_is_named_unless_it_cannot_be_seen() {
    let run = |until: u64, change: &dyn Fn(&mut Tape)| {
        let mut tape = Tape::new();
        talk(&mut tape, 90, "uac");
        change(&mut tape);
        tape.until(until * S);
        findings(&tape.report())
    };
    let plain = |_: &mut Tape| {};
    let ends_late = |tape: &mut Tape| {
        let bye = from_callee("BYE", 1);
        tape.ask(150 * S, PROXY, ALICE, &bye, bye.reply(200, ""));
    };
    let both = ["timer-refresh-missed error", "timer-session-expired-no-bye warning"];
    assert_eq!(run(200, &ends_late), both);
    assert_eq!(run(200, &plain), both);
    assert_eq!(run(100, &plain), both[..1]);
    assert_eq!(run(80, &plain), [""; 0]);
    let ends = |tape: &mut Tape| {
        let bye = within("BYE", 2);
        tape.ask(20 * S, ALICE, PROXY, &bye, bye.reply(200, ""));
    };
    assert_eq!(run(200, &ends), [""; 0]);
    let unanswered = |tape: &mut Tape| tape.say(20 * S, ALICE, PROXY, &within("BYE", 2).text());
    assert_eq!(run(200, &unanswered), [""; 0]);
    let refreshes = |tape: &mut Tape| {
        let update = within("UPDATE", 2).timer(90);
        tape.ask(
            45 * S,
            ALICE,
            PROXY,
            &update,
            update.reply(200, "").header("Require", "timer").session_expires(90, Some("uac")),
        );
        let bye = within("BYE", 3);
        tape.ask(110 * S, ALICE, PROXY, &bye, bye.reply(200, ""));
    };
    assert_eq!(
        run(300, &refreshes),
        ["timer-bye-on-expiry notice", "timer-refreshed info"],
        "the refresher hung up: perhaps a user"
    );
    let held_by_callee = |tape: &mut Tape| {
        let hold = from_callee("INVITE", 1);
        tape.ask(80 * S, PROXY, ALICE, &hold, hold.reply(200, ""));
    };
    assert_eq!(
        run(300, &held_by_callee),
        ["timer-turned-off notice"],
        "a 2xx without an interval switches the timer off"
    );
    let lost = |tape: &mut Tape| {
        let update = within("UPDATE", 2).timer(90);
        tape.ask(45 * S, ALICE, PROXY, &update, update.reply(481, ""));
    };
    let gone = ["in-dialog-481 warning", "timer-refresh-failed warning", "timer-refresh-failed-no-bye warning"];
    assert_eq!(run(300, &lost), gone, "the dialog was gone");
}

#[test]
fn a_late_refresh_is_called_late() {
    let mut tape = Tape::new();
    talk(&mut tape, 90, "uac");
    let update = within("UPDATE", 2).timer(90);
    tape.ask(
        95 * S,
        ALICE,
        PROXY,
        &update,
        update.reply(200, "").header("Require", "timer").session_expires(90, Some("uac")),
    );
    let bye = within("BYE", 3);
    tape.ask(100 * S, ALICE, PROXY, &bye, bye.reply(200, ""));
    tape.until(300 * S);
    let report = tape.report();
    assert_eq!(findings(&report), ["timer-refresh-missed error", "timer-refreshed info"]);
    let missed =
        report["findings"].as_array().unwrap().iter().find(|found| found["rule"] == "timer-refresh-missed").unwrap();
    assert!(missed["summary"].as_str().unwrap().contains("only after 95.0 s"));
}

#[test]
fn requests_that_bypass_the_capture_are_not_missed() {
    let mut tape = Tape::new();
    let invite = Request::invite("a", 1, B).timer(90);
    tape.ask(
        0,
        ALICE,
        PROXY,
        &invite,
        invite.reply(200, "b").header("Require", "timer").session_expires(90, Some("uac")),
    );
    // The ACK went straight to the callee, and so will refreshes and BYE.
    tape.until(300 * S);
    let report = tape.report();
    assert_eq!(findings(&report), [""; 0]);
    assert_eq!(report["summary"]["indeterminate"]["timer-refresh-missed"], 1);
}

#[test]
fn a_bye_on_expiry_names_both_ends() {
    let mut tape = Tape::new();
    let first = Request::invite("a", 1, B).timer(120);
    let second = first.clone().by(PROXY, "p");
    tape.say(0, ALICE, PROXY, &first.text());
    tape.say(1, PROXY, BOB, &second.text());
    tape.say(
        10,
        BOB,
        PROXY,
        &second.reply(200, "b").header("Require", "timer").session_expires(120, Some("uac")).finish(),
    );
    tape.say(
        11,
        PROXY,
        ALICE,
        &first.reply(200, "b").header("Require", "timer").session_expires(120, Some("uac")).finish(),
    );
    tape.say(12, ALICE, PROXY, &Request { vias: vec![(ALICE.into(), "z9hG4bKk".into())], ..first.ack("b") }.text());
    let bye = from_callee("BYE", 1).hiding(BOB, "z9hG4bKbye");
    tape.say(88 * S, BOB, PROXY, &bye.text());
    tape.until(200 * S);
    let report = tape.report();
    assert_eq!(findings(&report), ["timer-bye-on-expiry warning"]);
    let all = report["findings"].as_array().unwrap();
    let found = all.iter().find(|found| found["rule"] == "timer-bye-on-expiry").unwrap();
    let text = found["summary"].as_str().unwrap();
    assert!(text.starts_with("Server at 192.0.2.20:5060 sent BYE 88.0 s after"), "{text}");
    assert!(found["remediation"].as_str().unwrap().contains("Phone at 192.0.2.10:5060"));
    assert_eq!(found["confidence"], "medium");
}

#[test]
fn an_interval_agreed_early_runs_only_once_the_call_is_answered() {
    let mut tape = Tape::new();
    let invite = Request::invite("a", 1, B).timer(90);
    tape.say(0, ALICE, PROXY, &invite.text());
    tape.say(10, PROXY, ALICE, &invite.reply(183, "b").finish());
    let update = within("UPDATE", 2).timer(90);
    tape.ask(
        100,
        ALICE,
        PROXY,
        &update,
        update.reply(200, "").header("Require", "timer").session_expires(90, Some("uac")),
    );
    tape.say(60 * S, PROXY, ALICE, &invite.reply(180, "b").finish());
    tape.say(120 * S, PROXY, ALICE, &invite.reply(486, "b").finish());
    tape.until(400 * S);
    assert_eq!(findings(&tape.report()), [""; 0]);
}

#[test]
fn roles_follow_the_last_answer() {
    let mut tape = Tape::new();
    talk(&mut tape, 90, "uac");
    let update = from_callee("UPDATE", 1).timer(90);
    tape.ask(
        40 * S,
        PROXY,
        ALICE,
        &update,
        update.reply(200, "").header("Require", "timer").session_expires(90, Some("uac")),
    );
    let bye = within("BYE", 2);
    tape.ask(200 * S, ALICE, PROXY, &bye, bye.reply(200, ""));
    tape.until(300 * S);
    let report = tape.report();
    let missed =
        report["findings"].as_array().unwrap().iter().find(|row| row["rule"] == "timer-refresh-missed").unwrap();
    // uac of that transaction is the callee.
    assert_eq!(missed["values"]["refresher_address"], "192.0.2.1:5060");
}

#[test]
fn intervals_of_any_size_are_taken() {
    for seconds in [0, 1, 89, 90, 96, 1800, u32::MAX] {
        let mut tape = Tape::new();
        talk(&mut tape, seconds, "uas");
        tape.until(20 * S);
        let report = tape.report();
        assert!(report["summary"]["dialogs"] == 1, "{seconds}");
    }
}

#[test]
fn a_bye_just_after_the_deadline_is_told_once() {
    let mut tape = Tape::new();
    talk(&mut tape, 90, "uac");
    let bye = from_callee("BYE", 1);
    tape.ask(93 * S, PROXY, ALICE, &bye, bye.reply(200, ""));
    tape.until(300 * S);
    assert_eq!(findings(&tape.report()), ["timer-bye-on-expiry warning"]);
}

#[test]
fn what_was_answered_on_a_deeper_hop_only_is_a_dialog_too() {
    let mut tape = Tape::new();
    let first = Request::invite("a", 1, B).timer(90);
    let second = first.clone().by(PROXY, "p");
    tape.say(0, ALICE, PROXY, &first.text());
    tape.say(1, PROXY, BOB, &second.text());
    tape.say(
        10,
        BOB,
        PROXY,
        &second.reply(200, "b").header("Require", "timer").session_expires(90, Some("uac")).finish(),
    );
    let report = tape.report();
    assert_eq!(report["summary"]["dialogs"], 1);
}

#[test]
fn a_ringing_phone_that_says_something_else_does_not_repeat_itself() {
    let mut tape = Tape::new();
    let invite = Request::invite("a", 1, B).timer(1_800);
    let rings = |number: &str| invite.reply(183, "b").header("RSeq", number).session_expires(1_800, None).finish();
    tape.say(0, ALICE, PROXY, &invite.text());
    for (at, number) in [(100, "1"), (1_000, "2"), (1_500, "2")] {
        tape.say(at, PROXY, ALICE, &rings(number));
    }
    let report = tape.report();
    let messages = report["dialogs"][0]["messages"].as_array().unwrap();
    let repeats: Vec<bool> = messages.iter().map(|message| !message["repeat_of"].is_null()).collect();
    assert_eq!(repeats, [false, false, false, true]);
}
