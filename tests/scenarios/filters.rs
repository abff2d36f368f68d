//! What is left of a report when only some calls are asked for.

use reinvite::correlation::Filter;
use reinvite::time::Timestamp;
use serde_json::{Value, json};

use crate::tape::*;
use crate::traffic::packet::EPOCH;

const B: &str = "sip:bob@192.0.2.1";
const C: &str = "sip:carol@192.0.2.1";

/// Four calls: a registration, a call that is redirected and followed under another Call-ID, one that meets a 422, and a plain one.
fn tape() -> Tape {
    let mut tape = Tape::new();
    let register = Request::of("REGISTER", "register", 1, "sip:192.0.2.1");
    tape.ask(0, ALICE, PROXY, &register, register.reply(200, "r"));
    let first = Request::invite("moved", 1, B);
    tape.ask(10_000, ALICE, PROXY, &first, first.reply(301, "r").contact(format_args!("<{C}>")));
    tape.say(10_010, ALICE, PROXY, &first.ack("r").text());
    let next = Request::invite("next", 1, C);
    tape.ask(10_100, ALICE, PROXY, &next, next.reply(486, "c"));
    let refused = Request::invite("timer", 1, B).timer(90);
    tape.ask(60_000, ALICE, BOB, &refused, refused.reply(422, "m").min_se(180));
    let retry = Request::invite("timer", 2, B).timer(180).with("Min-SE", 180);
    tape.ask(60_100, ALICE, BOB, &retry, retry.reply(486, "b"));
    let plain = Request::invite("plain", 1, B);
    tape.ask(120_000, CAROL, BOB, &plain, plain.reply(486, "b"));
    tape.until(300_000);
    tape
}

/// Calls, messages, redirects, negotiations.
fn counts(report: &Value) -> Value {
    let summary = &report["summary"];
    json!([summary["calls"], summary["sip_messages"], summary["redirects"]["total"], summary["negotiations"]["total"]])
}

fn filtered(change: impl FnOnce(&mut Filter)) -> Value {
    let mut filter = Filter::default();
    change(&mut filter);
    tape().filtered(filter)
}

fn at(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp::from_nanos(i64::try_from(EPOCH).unwrap()).plus_seconds(seconds))
}

#[test]
fn without_conditions_everything_is_there() {
    assert_eq!(counts(&filtered(|_| {})), json!([5, 13, 1, 1]));
}

#[test]
fn each_condition_takes_its_calls() {
    assert_eq!(
        counts(&filtered(|filter| filter.methods = vec!["register".parse().expect("a method")])),
        json!([1, 2, 0, 0])
    );
    assert_eq!(counts(&filtered(|filter| filter.call_ids = vec!["TIMER".parse().unwrap()])), json!([1, 4, 0, 1]));
    assert_eq!(counts(&filtered(|filter| filter.statuses = vec!["422".parse().unwrap()])), json!([1, 4, 0, 1]));
    assert_eq!(counts(&filtered(|filter| filter.hosts = vec!["192.0.2.30".parse().unwrap()])), json!([1, 2, 0, 0]));
    assert_eq!(counts(&filtered(|filter| filter.hosts = vec!["192.0.2.16/28".parse().unwrap()])), json!([2, 6, 0, 1]));
    assert_eq!(counts(&filtered(|filter| filter.from = vec!["/^sip:alice@/".parse().unwrap()])), json!([5, 13, 1, 1]));
    assert_eq!(counts(&filtered(|filter| filter.to = vec!["nobody".parse().unwrap()])), json!([0, 0, 0, 0]));
}

#[test]
fn calls_that_are_linked_stay_in() {
    for call_id in ["moved", "next"] {
        let report = filtered(|filter| filter.call_ids = vec![call_id.parse().unwrap()]);
        assert_eq!(counts(&report), json!([2, 5, 1, 0]), "{call_id}");
        assert_eq!(report["redirects"][0]["followed_in_call"], "next");
        assert_eq!(report["address_updates"].as_array().map(Vec::len), Some(1));
    }
}

#[test]
fn conditions_of_several_kinds_all_apply_and_of_one_kind_one_does() {
    let report = filtered(|filter| {
        filter.call_ids = vec!["timer".parse().unwrap(), "plain".parse().unwrap()];
        filter.statuses = vec!["4xx".parse().unwrap()];
    });
    assert_eq!(counts(&report), json!([2, 6, 0, 1]));
    let report = filtered(|filter| {
        filter.call_ids = vec!["timer".parse().unwrap()];
        filter.methods = vec!["REGISTER".parse().expect("a method")];
    });
    assert_eq!(counts(&report), json!([0, 0, 0, 0]));
}

#[test]
fn times_take_calls_that_reach_into_them() {
    assert_eq!(counts(&filtered(|filter| filter.since = at(60))), json!([2, 6, 0, 1]));
    assert_eq!(counts(&filtered(|filter| filter.until = at(9))), json!([1, 2, 0, 0]));
    let within = filtered(|filter| (filter.since, filter.until) = (at(5), at(30)));
    assert_eq!(counts(&within), json!([2, 5, 1, 0]));
}

#[test]
fn the_quality_of_the_capture_counts_everything() {
    let (all, none) = (filtered(|_| {}), filtered(|filter| filter.call_ids = vec!["nobody".parse().unwrap()]));
    assert_eq!(all["capture_quality"], none["capture_quality"]);
    assert_eq!(none["findings"], json!([]));
    assert_eq!(none["dialogs"], json!([]));
}
