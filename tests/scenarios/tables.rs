//! The tables that one can act on: address updates, and demands on intervals.

use serde_json::{Value, json};

use crate::redirects::{B, C, D, call, moved, redirect};
use crate::tape::*;

/// The address updates as `old xTIMES -> new …`, without the host.
fn updates(report: &Value) -> Vec<String> {
    let row = |row: &Value| {
        let targets: Vec<&str> =
            row["targets"].as_array().unwrap().iter().map(|target| target["uri"].as_str().unwrap()).collect();
        let text = format!("{} x{} -> {}", row["from_uri"].as_str().unwrap(), row["seen"], targets.join(" "));
        text.replace("@192.0.2.1", "").replace("sip:", "")
    };
    report["address_updates"].as_array().unwrap().iter().map(row).collect()
}

/// A 301 of a lifetime.
fn brief(tape: &mut Tape, at: u64, call: &str, uri: &str, contact: &str, seconds: u64) {
    let request = Request::invite(call, 1, uri);
    let answer = request.reply(301, "r").contact(format_args!("<{contact}>;expires={seconds}"));
    tape.ask(at, ALICE, PROXY, &request, answer);
    tape.say(at + 8, ALICE, PROXY, &request.ack("r").text());
}

#[test]
fn an_old_address_points_to_where_a_chain_ends() {
    let mut tape = Tape::new();
    // B moved to C, and C, in other words, to D: B should become D.
    redirect(&mut tape, 0, "one", 1, B, 301, C);
    redirect(&mut tape, 100, "one", 2, "sip:carol@192.0.2.1:5060", 301, D);
    call(&mut tape, 200, "one", 3, D, 200);
    // The same address as another caller writes it.
    redirect(&mut tape, 1000, "two", 1, "sip:%62ob@192.0.2.1", 301, C);
    // A circle keeps what was said.
    redirect(&mut tape, 5000, "six", 1, "sip:x@192.0.2.1", 301, "sip:y@192.0.2.1");
    redirect(&mut tape, 5100, "seven", 1, "sip:y@192.0.2.1", 301, "sip:x@192.0.2.1");
    assert_eq!(updates(&tape.report()), ["bob x2 -> dave", "carol:5060 x1 -> dave", "x x1 -> y", "y x1 -> x"]);
}

#[test]
fn a_chain_ends_where_a_redirect_is_temporary() {
    let mut tape = Tape::new();
    redirect(&mut tape, 0, "one", 1, B, 301, C);
    redirect(&mut tape, 100, "one", 2, C, 302, D);
    call(&mut tape, 200, "one", 3, D, 200);
    assert_eq!(updates(&tape.report()), ["bob x1 -> carol"]);
    let mut tape = Tape::new();
    redirect(&mut tape, 0, "one", 1, B, 302, C);
    redirect(&mut tape, 100, "one", 2, C, 301, D);
    call(&mut tape, 200, "one", 3, D, 200);
    assert_eq!(updates(&tape.report()), ["carol x1 -> dave"]);
}

#[test]
fn of_301_that_contradict_each_other_the_latest_holds() {
    let mut tape = Tape::new();
    redirect(&mut tape, 0, "one", 1, B, 301, C);
    // Another server says something else.
    let request = Request::invite("two", 1, B);
    tape.ask(1000, ALICE, BOB, &request, moved(&request, 301, D));
    let report = tape.report();
    assert_eq!(updates(&report), ["bob x2 -> dave"]);
    assert!(findings(&report).contains(&"permanent-redirect-conflict notice".into()));
    // The first says what it said before.
    let mut tape = Tape::new();
    redirect(&mut tape, 0, "one", 1, B, 301, C);
    redirect(&mut tape, 1000, "two", 1, B, 301, D);
    redirect(&mut tape, 2000, "three", 1, B, 301, C);
    assert_eq!(updates(&tape.report()), ["bob x3 -> carol"]);
}

#[test]
fn a_move_for_a_short_time_makes_no_entry_and_changes_none() {
    let mut tape = Tape::new();
    brief(&mut tape, 0, "one", B, C, 60);
    let report = tape.report();
    assert_eq!(updates(&report), [""; 0]);
    assert!(findings(&report).contains(&"permanent-redirect-expiring notice".into()));
    let mut tape = Tape::new();
    redirect(&mut tape, 0, "one", 1, B, 301, C);
    brief(&mut tape, 1000, "two", B, D, 60);
    brief(&mut tape, 2000, "three", C, D, 60);
    assert_eq!(updates(&tape.report()), ["bob x1 -> carol"]);
    // A day is long enough.
    let mut tape = Tape::new();
    brief(&mut tape, 0, "one", B, C, 86_400);
    assert_eq!(updates(&tape.report()), ["bob x1 -> carol"]);
}

#[test]
fn who_still_calls_an_old_address_is_told_from_who_does_not() {
    let mut tape = Tape::new();
    redirect(&mut tape, 0, "one", 1, B, 301, C);
    call(&mut tape, 100, "one", 2, C, 200);
    let of_erin = |call_id: &str, cseq, uri: &str| Request {
        from: "sip:erin@example.com".into(),
        ..Request::invite(call_id, cseq, uri)
    };
    let erin = of_erin("two", 1, B);
    tape.ask(1000, ALICE, PROXY, &erin, moved(&erin, 301, C));
    let next = of_erin("two", 2, C);
    tape.ask(1100, ALICE, PROXY, &next, next.reply(200, "b"));
    // Alice has learnt nothing, Erin has.
    redirect(&mut tape, 60_000, "three", 1, B, 301, C);
    call(&mut tape, 60_100, "three", 2, C, 200);
    let later = of_erin("four", 1, C);
    tape.ask(61_000, ALICE, PROXY, &later, later.reply(200, "b"));
    let report = tape.report();
    assert_eq!(updates(&report), ["bob x3 -> carol"]);
    let clients: Vec<_> = report["address_updates"][0]["clients"]
        .as_array()
        .unwrap()
        .iter()
        .map(|client| (client["from"].as_str().unwrap(), client["still_calling_old"].as_bool().unwrap()))
        .collect();
    assert_eq!(clients, [("sip:alice@example.com", true), ("sip:erin@example.com", false)]);
}

#[test]
fn each_minimum_of_each_server_is_a_demand_of_its_own() {
    let mut tape = Tape::new();
    let mut refused = |at, server: &str, call_id: &str, cseq, offer, min_se| {
        let request = Request::invite(call_id, cseq, B).timer(offer);
        tape.ask(at, ALICE, server, &request, request.reply(422, "m").min_se(min_se));
        tape.say(at + 8, ALICE, server, &request.ack("m").text());
    };
    refused(0, PROXY, "one", 1, 90, 180);
    refused(1000, PROXY, "two", 1, 90, 180);
    refused(2000, PROXY, "three", 1, 120, 180);
    // Another server, and later the first one with another minimum.
    refused(3000, BOB, "four", 1, 90, 600);
    refused(4000, PROXY, "five", 1, 180, 300);
    let report = tape.report();
    let rows: Vec<_> = report["interval_requirements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let client = |client: &Value| json!([client["offered_session_expires_s"], client["seen"]]);
            let clients: Vec<_> = row["clients"].as_array().unwrap().iter().map(client).collect();
            json!([row["server"]["address"], row["min_se_s"], row["seen"], clients])
        })
        .collect();
    let expected = [
        json!(["192.0.2.1", 180, 3, [[90, 2], [120, 1]]]),
        json!(["192.0.2.20", 600, 1, [[90, 1]]]),
        json!(["192.0.2.1", 300, 1, [[180, 1]]]),
    ];
    assert_eq!(rows, expected);
}
