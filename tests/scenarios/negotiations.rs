use crate::tape::*;

const B: &str = "sip:bob@192.0.2.1";

fn refuse(tape: &mut Tape, at: u64, request: &Request, min_se: u32) {
    tape.ask(at, ALICE, PROXY, request, request.reply(422, "m").min_se(min_se));
    if request.method == "INVITE" {
        tape.say(at + 8, ALICE, PROXY, &request.ack("m").text());
    }
}

fn accept(tape: &mut Tape, at: u64, request: &Request) {
    tape.ask(at, ALICE, PROXY, request, request.reply(200, "b"));
}

fn retry(cseq: u32, seconds: u32) -> Request {
    Request::invite("a", cseq, B).timer(seconds).with("Min-SE", seconds)
}

#[test]
fn a_ladder_is_one_negotiation() {
    let mut tape = Tape::new();
    refuse(&mut tape, 0, &Request::invite("a", 1, B).timer(50), 3600);
    refuse(&mut tape, 100, &retry(2, 3600), 4000);
    let challenged = retry(3, 4000);
    tape.ask(200, ALICE, PROXY, &challenged, challenged.reply(407, "p"));
    refuse(&mut tape, 300, &retry(4, 4000), 5000);
    let last = retry(5, 5000).tags("new", None);
    accept(&mut tape, 400, &last);
    let report = tape.report();
    assert_eq!(negotiations(&report), ["3 resolved 200"]);
    let expected = [
        "timer-422-ladder notice",
        "timer-422-observed info",
        "timer-422-observed info",
        "timer-422-observed info",
        "timer-422-resolved info",
        "timer-interval-below-90 notice",
        "timer-not-granted info",
    ];
    assert_eq!(findings(&report), expected);
}

#[test]
fn what_comes_of_retries_is_told() {
    let run = |next: &dyn Fn(&mut Tape), until| {
        let mut tape = Tape::new();
        refuse(&mut tape, 0, &Request::invite("a", 1, B).timer(90), 180);
        next(&mut tape);
        tape.until(until);
        let report = tape.report();
        let mut findings = findings(&report);
        findings.retain(|finding| finding.starts_with("timer-422-") && finding != "timer-422-observed info");
        (negotiations(&report)[0].clone(), findings)
    };
    let none = |_: &mut Tape| {};
    assert_eq!(run(&none, 60_000), ("1 abandoned null".into(), vec!["timer-422-unresolved warning".into()]));
    assert_eq!(run(&none, 20_000), ("1 undetermined null".into(), vec![]));
    let open = |tape: &mut Tape| tape.say(100, ALICE, PROXY, &retry(2, 180).text());
    assert_eq!(run(&open, 60_000), ("1 undetermined null".into(), vec![]));
    let small = |tape: &mut Tape| accept(tape, 100, &Request::invite("a", 2, B).timer(120).with("Min-SE", 180));
    let expected = vec!["timer-422-resolved info".into(), "timer-422-retry-interval-too-small error".into()];
    assert_eq!(run(&small, 60_000), ("1 resolved 200".into(), expected));
    let without = |tape: &mut Tape| accept(tape, 100, &Request::invite("a", 2, B).timer(180));
    let expected = vec!["timer-422-resolved info".into(), "timer-422-retry-missing-min-se error".into()];
    assert_eq!(run(&without, 60_000), ("1 resolved 200".into(), expected));
    // Without a timer at all there is nothing to carry.
    let plain = |tape: &mut Tape| accept(tape, 100, &Request::invite("a", 2, B));
    let given_up = vec![
        "timer-422-resolved info".into(),
        "timer-422-retry-dropped-supported warning".into(),
        "timer-422-retry-without-interval notice".into(),
    ];
    assert_eq!(run(&plain, 60_000), ("1 resolved 200".into(), given_up));
    let same_number = |tape: &mut Tape| {
        accept(tape, 100, &Request { vias: vec![(ALICE.into(), "z9hG4bKx".into())], ..retry(1, 180) });
    };
    assert_eq!(run(&same_number, 60_000).0, "1 resolved 200");
    let moved = |tape: &mut Tape| {
        let request = retry(2, 180);
        tape.ask(100, ALICE, PROXY, &request, request.reply(302, "r").contact("<sip:carol@192.0.2.1>"));
        accept(tape, 200, &Request::invite("a", 3, "sip:carol@192.0.2.1").timer(180).with("Min-SE", 180));
    };
    assert_eq!(run(&moved, 60_000).0, "1 resolved 200");
    let failed = |tape: &mut Tape| refuse(tape, 100, &retry(2, 180), 240);
    let expected = vec!["timer-422-ladder notice".into(), "timer-422-unresolved warning".into()];
    assert_eq!(run(&failed, 60_000), ("2 failed 422".into(), expected));
}

#[test]
fn another_attempt_is_no_retry() {
    let mut tape = Tape::new();
    refuse(&mut tape, 0, &Request::invite("a", 1, B).timer(90), 180);
    // The next address of a list, not the one that refused.
    let other = Request::invite("a", 2, "sip:carol@192.0.2.1").timer(90);
    accept(&mut tape, 100, &other);
    tape.until(60_000);
    assert_eq!(negotiations(&tape.report()), ["1 abandoned null"]);
}

#[test]
fn a_user_who_dials_again_retries_nothing() {
    let run = |again: Request| {
        let mut tape = Tape::new();
        refuse(&mut tape, 0, &Request::invite("a", 1, B).timer(90), 180);
        accept(&mut tape, 10_000, &Request { call_id: "b".into(), ..again });
        tape.until(60_000);
        negotiations(&tape.report())
    };
    assert_eq!(run(Request::invite("a", 1, B).timer(90)), ["1 abandoned null"]);
    assert_eq!(run(retry(1, 180)), ["1 resolved 200"]);
}

#[test]
fn a_422_kept_by_a_proxy_is_nothing_to_retry() {
    let mut tape = Tape::new();
    let first = Request::invite("a", 1, B).timer(90);
    let (left, right) = (first.clone().by(PROXY, "l"), first.clone().by(PROXY, "r"));
    tape.say(0, ALICE, PROXY, &first.text());
    tape.say(1, PROXY, ALICE, &first.reply(100, "").finish());
    tape.say(2, PROXY, BOB, &left.text());
    tape.say(10, BOB, PROXY, &left.reply(422, "m").min_se(180).finish());
    tape.say(12, PROXY, CAROL, &right.text());
    tape.say(20, CAROL, PROXY, &right.reply(200, "c").finish());
    tape.say(21, PROXY, ALICE, &first.reply(200, "c").finish());
    tape.until(60_000);
    let kept = [
        "timer-422-hidden-by-fork info",
        "timer-422-observed info",
        "timer-422-treated-as-failure notice",
        "timer-not-granted info",
    ];
    assert_eq!(findings(&tape.report()), kept);
    // The same, captured behind the proxy.
    let mut tape = Tape::new();
    tape.say(2, PROXY, BOB, &left.text());
    tape.say(10, BOB, PROXY, &left.reply(422, "m").min_se(180).finish());
    tape.say(12, PROXY, CAROL, &right.text());
    tape.say(20, CAROL, PROXY, &right.reply(200, "c").finish());
    tape.until(60_000);
    let kept = ["timer-422-observed info", "timer-422-treated-as-failure notice", "timer-not-granted info"];
    assert_eq!(findings(&tape.report()), kept);
}

#[test]
fn in_a_dialog_each_refused_refresh_is_a_negotiation() {
    let mut tape = Tape::new();
    let within = |cseq, seconds| Request::of("UPDATE", "a", cseq, B).tags("a", Some("b")).timer(seconds);
    refuse(&mut tape, 0, &within(1, 90), 180);
    let challenged = within(2, 180).with("Min-SE", 180);
    tape.ask(100, ALICE, PROXY, &challenged, challenged.reply(401, ""));
    refuse(&mut tape, 200, &within(3, 180).with("Min-SE", 180), 240);
    accept(&mut tape, 300, &within(4, 240).with("Min-SE", 240));
    refuse(&mut tape, 100_000, &within(5, 90), 240);
    accept(&mut tape, 200_000, &within(6, 240).with("Min-SE", 240));
    tape.until(300_000);
    assert_eq!(negotiations(&tape.report()), ["2 resolved 200", "1 abandoned null"]);
}

#[test]
fn odd_422_are_described_in_words() {
    let mut tape = Tape::new();
    let bye = Request::of("BYE", "a", 1, B).tags("a", Some("b"));
    tape.ask(0, ALICE, PROXY, &bye, bye.reply(422, "b"));
    let plain = Request::invite("c", 1, B);
    tape.ask(10, ALICE, PROXY, &plain, plain.reply(422, "b"));
    tape.until(60_000);
    let report = tape.report();
    let expected = [
        "timer-422-observed info",
        "timer-422-observed info",
        "timer-422-unexpected-method error",
        "timer-422-unresolved warning",
        "timer-422-without-interval-in-request notice",
        "timer-422-without-min-se error",
        "timer-422-without-min-se error",
        "timer-422-without-timer-support warning",
    ];
    assert_eq!(findings(&report), expected);
    for found in report["findings"].as_array().unwrap() {
        let text = format!("{} {}", found["summary"], found["remediation"]);
        assert!(!text.contains("none") && !text.contains("no value"), "{text}");
    }
}

#[test]
fn a_timer_header_that_cannot_be_taken_as_it_is_is_quoted() {
    let mut tape = Tape::new();
    let long = "9".repeat(200) + "x";
    let invite = Request::invite("a", 1, B).with("Session-Expires", "30 \u{1b}minutes").with("Min-SE", &long);
    tape.ask(0, ALICE, PROXY, &invite, invite.reply(422, "b").header("Min-SE", "90").header("Min-SE", "two"));
    let other = Request::invite("b", 1, B).with("Session-Expires", "1800;refresher=both");
    tape.ask(10, ALICE, PROXY, &other, other.reply(200, "b"));
    let report = tape.report();
    let found = |rule: &str| {
        let mut all = report["findings"].as_array().unwrap().iter().filter(|found| found["rule"] == rule);
        let found = all.next().unwrap_or_else(|| panic!("{rule}"));
        assert!(all.next().is_none(), "{rule}");
        (found["summary"].as_str().unwrap().to_owned(), found["values"].clone())
    };
    let (summary, values) = found("timer-header-malformed");
    assert!(
        summary.ends_with("sent a Session-Expires that is not a number of seconds: \"30 \\x1Bminutes\"."),
        "{summary}"
    );
    assert_eq!(values["session_expires_raw"], serde_json::json!(["30 \\x1Bminutes"]));
    assert_eq!(values["min_se_raw"], serde_json::json!(["9".repeat(128)]), "no more than that is kept");
    let (summary, values) = found("timer-422-min-se-invalid");
    assert!(summary.ends_with("answered 422 with more than one Min-SE: \"90\" and \"two\"."), "{summary}");
    assert_eq!(values["min_se_raw"], serde_json::json!(["90", "two"]));
    let (summary, _) = found("timer-refresher-invalid");
    assert!(summary.ends_with("neither uac nor uas: \"1800;refresher=both\"."), "{summary}");
}
