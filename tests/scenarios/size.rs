//! What grows with the capture must not grow faster than it.

use std::time::{Duration, Instant};

use crate::tape::*;

#[expect(clippy::disallowed_methods, reason = "how long the program takes is no time of a capture")]
fn within(limit: u64, tape: Tape) -> serde_json::Value {
    let begun = Instant::now();
    let report = tape.report();
    let taken = begun.elapsed();
    // On a machine that does much else besides it takes several times as long; what grows with the square takes minutes.
    assert!(taken < Duration::from_secs(4 * limit), "{taken:?}");
    report
}

fn target(number: u32) -> String {
    format!("sip:u{number}x@192.0.2.1")
}

#[test]
fn a_long_chain_in_one_call() {
    let mut tape = Tape::new();
    for number in 1..=8_000 {
        let request = Request::invite("a", number, &target(number));
        let contact = format!("<{}>", target(number + 1));
        tape.ask(u64::from(number) * 10, ALICE, PROXY, &request, request.reply(302, "r").contact(contact));
    }
    let report = within(10, tape);
    assert_eq!(report["redirects"][7_998]["chain"]["length"], 8_000);
}

#[test]
fn a_call_that_goes_round_and_round() {
    let mut tape = Tape::new();
    for number in 1..=8_000 {
        let request = Request::invite("a", number, "sip:bob@192.0.2.1");
        tape.ask(
            u64::from(number) * 10,
            ALICE,
            PROXY,
            &request,
            request.reply(302, "r").contact("<sip:bob@192.0.2.1>"),
        );
    }
    let report = within(10, tape);
    assert_eq!(report["redirects"][0]["chain"]["length"], 8_000);
}

#[test]
fn an_endless_negotiation() {
    let mut tape = Tape::new();
    for number in 1..=8_000 {
        let request = Request::invite("a", number, "sip:bob@192.0.2.1").timer(90);
        tape.ask(u64::from(number) * 10, ALICE, PROXY, &request, request.reply(422, "r").min_se(100 + number));
    }
    let report = within(10, tape);
    assert_eq!(negotiations(&report).len(), 1);
}

#[test]
fn a_fork_of_ten_thousand() {
    let mut tape = Tape::new();
    let request = Request::invite("a", 1, "sip:bob@192.0.2.1");
    tape.say(0, ALICE, PROXY, &request.text());
    for number in 0..10_000_u32 {
        let (tag, at) = (format!("t{number}"), u64::from(number) + 10);
        tape.say(at, PROXY, ALICE, &request.reply(180, &tag).finish());
        tape.say(at + 20_000, PROXY, ALICE, &request.reply(200, &tag).finish());
    }
    assert_eq!(within(10, tape)["summary"]["dialogs"], 10_000);
}

#[test]
fn one_transaction_on_thousands_of_paths() {
    let mut tape = Tape::new();
    let request = Request::invite("a", 1, "sip:bob@192.0.2.1");
    for number in 0..20_000_u16 {
        tape.say(u64::from(number), &format!("192.0.2.10:{}", 10_000 + number), PROXY, &request.text());
    }
    within(10, tape);
}

#[test]
fn many_redirects_of_one_caller_all_to_one_target() {
    let mut tape = Tape::new();
    for number in 0..20_000_u32 {
        let at = u64::from(number) * 2;
        let request = Request::invite(&format!("a{number}"), 1, "sip:bob@192.0.2.1");
        tape.ask(at, ALICE, PROXY, &request, request.reply(302, "r").contact("<sip:carol@192.0.2.1>"));
        let next = Request::invite(&format!("b{number}"), 1, "sip:carol@192.0.2.1");
        tape.ask(at + 6, ALICE, PROXY, &next, next.reply(200, "b"));
    }
    let report = within(20, tape);
    assert_eq!(report["summary"]["redirects"]["total"], 20_000);
    assert_eq!(report["summary"]["redirects"]["by_outcome"]["followed"], 20_000);
}

#[test]
fn a_chain_over_thousands_of_calls() {
    let mut tape = Tape::new();
    for number in 0..10_000_u32 {
        let request = Request::invite(&format!("a{number}"), 1, &target(number));
        let contact = format!("<{}>", target(number + 1));
        tape.ask(u64::from(number) * 10, ALICE, PROXY, &request, request.reply(302, "r").contact(contact));
    }
    let report = within(10, tape);
    assert_eq!(report["redirects"][0]["chain"]["length"], 10_000);
}
