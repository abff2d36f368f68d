//! The recordings of real elements, call by call, against what is known of them from their configuration and logs.

use serde_json::{Value, json};

use crate::support::captures::{LAB, lab};
use crate::support::program;
use crate::support::story::list;
use crate::support::{Run, run_files};

fn recording(name: &str) -> Run {
    let run = run_files(&[lab(name)]);
    run.assert_conserved(name);
    run
}

/// The Call-ID of the call that begins with an INVITE for this user.
fn call_id(report: &Value, user: &str) -> Value {
    let begins = |dialog: &&Value| {
        let line = dialog["messages"][0]["start_line"].as_str().unwrap_or_default();
        line.starts_with(&format!("INVITE sip:{user}@"))
    };
    list(report, "dialogs").find(begins).unwrap_or_else(|| panic!("no call to {user}"))["call_id"].clone()
}

/// The items of a section that belong to the call to this user, with these fields.
fn of_call(report: &Value, section: &str, user: &str, fields: &[&str]) -> Vec<Value> {
    let call_id = call_id(report, user);
    let own = list(report, section).filter(|item| item["call_id"] == call_id);
    own.map(|item| fields.iter().map(|field| ((*field).to_owned(), item[*field].clone())).collect()).collect()
}

/// What is to be known of a redirect. `contacts` are URI, q, expires and display name.
fn redirects(report: &Value, user: &str) -> Vec<Value> {
    const FIELDS: [&str; 13] = [
        "status",
        "method",
        "in_dialog",
        "request_uri",
        "contacts",
        "outcome",
        "followed_to",
        "link",
        "attempt_status",
        "final_status",
        "chain",
        "hops_seen",
        "copies",
    ];
    let mut redirects = of_call(report, "redirects", user, &FIELDS);
    for redirect in &mut redirects {
        for contact in redirect["contacts"].as_array_mut().into_iter().flatten() {
            *contact = json!([contact["uri"], contact["q"], contact["expires_s"], contact["display_name"]]);
        }
        redirect["chain"] = json!([redirect["chain"]["position"], redirect["chain"]["length"]]);
    }
    redirects
}

fn negotiations(report: &Value, user: &str) -> Vec<Value> {
    const FIELDS: [&str; 10] = [
        "method",
        "in_dialog",
        "request_uri",
        "rounds",
        "outcome",
        "retry_session_expires_s",
        "retry_min_se_s",
        "agreed_session_expires_s",
        "refresher",
        "final_status",
    ];
    let mut negotiations = of_call(report, "negotiations", user, &FIELDS);
    for round in negotiations.iter_mut().flat_map(|negotiation| negotiation["rounds"].as_array_mut()).flatten() {
        *round = json!([
            round["offered_session_expires_s"],
            round["offered_min_se_s"],
            round["supports_timer"],
            round["demanded_min_se_s"]
        ]);
    }
    negotiations
}

/// State, end cause, and session timer as interval, refresher and refreshes, of each dialog of a call.
fn dialogs(report: &Value, user: &str) -> Vec<Value> {
    let dialogs = of_call(report, "dialogs", user, &["state", "end_cause", "session_timer", "kind"]);
    let brief = |dialog: &Value| {
        let timer = &dialog["session_timer"];
        let timer = match timer {
            Value::Null => Value::Null,
            timer => json!([timer["interval_s"], timer["refresher"], timer["refreshes"]]),
        };
        json!([dialog["kind"], dialog["state"], dialog["end_cause"], timer])
    };
    dialogs.iter().map(brief).collect()
}

/// The rules of the findings of a call, in order.
fn rules(report: &Value, user: &str) -> Vec<String> {
    let findings = of_call(report, "findings", user, &["rule"]);
    findings.iter().map(|finding| finding["rule"].as_str().unwrap_or_default().to_owned()).collect()
}

/// A redirect that was followed at once in the same call.
fn followed(status: u16, uris: [&str; 2], contacts: Value, then: u16, chain: [u8; 2]) -> Value {
    json!({
        "status": status, "method": "INVITE", "in_dialog": false, "request_uri": uris[0], "contacts": contacts,
        "outcome": "followed", "followed_to": uris[1], "link": "strong", "attempt_status": then, "final_status": 200,
        "chain": chain, "hops_seen": 1, "copies": {"retransmissions": 0, "mirror_duplicates": 0},
    })
}

/// A redirect without a follow-up.
fn stopped(uri: &str, contacts: Value, outcome: &str, chain: [u8; 2]) -> Value {
    json!({
        "status": 301, "method": "INVITE", "in_dialog": false, "request_uri": uri, "contacts": contacts,
        "outcome": outcome, "followed_to": null, "link": null, "attempt_status": null, "final_status": 301,
        "chain": chain, "hops_seen": 1, "copies": {"retransmissions": 0, "mirror_duplicates": 0},
    })
}

/// One refusal of 90 s, one retry with exactly what was asked for, answered.
fn resolved(uri: &str, demanded: u32) -> Value {
    json!({
        "method": "INVITE", "in_dialog": false, "request_uri": uri, "rounds": [[90, 90, true, demanded]],
        "outcome": "resolved", "retry_session_expires_s": demanded, "retry_min_se_s": demanded,
        "agreed_session_expires_s": demanded, "refresher": "uac", "final_status": 200,
    })
}

const MOVED: &str = "sip:moved@127.0.0.1:5070";
const NEWDESK: &str = "sip:newdesk@127.0.0.1:5070";

fn new_desks() -> Value {
    json!([[NEWDESK, 0.9, null, "New desk"], ["sip:fallback@127.0.0.1:5070", 0.4, null, null]])
}

/// What the six calls over UDP have in common in both recordings of them.
fn assert_six_calls(report: &Value, name: &str) {
    let none = Vec::<Value>::new();
    let users = ["desk", "moved", "loop", "nocontact", "temp", "chain"];
    let wanted = [
        vec![],
        vec![followed(301, [MOVED, NEWDESK], new_desks(), 422, [1, 1])],
        {
            let uri = "sip:loop@127.0.0.1:5070";
            let contacts = json!([[uri, null, null, null]]);
            let mut first = followed(301, [uri, uri], contacts.clone(), 301, [1, 2]);
            (first["outcome"], first["final_status"]) = (json!("looped"), json!(301));
            // The recording ends 6 s later: too soon to say that nothing came of the second one.
            vec![first, stopped(uri, contacts, "undetermined", [2, 2])]
        },
        vec![stopped("sip:nocontact@127.0.0.1:5070", json!([]), "no_target", [1, 1])],
        vec![followed(302, ["sip:temp@127.0.0.1:5070", NEWDESK], json!([[NEWDESK, null, 30, null]]), 422, [1, 1])],
        vec![
            followed(301, ["sip:chain@127.0.0.1:5070", MOVED], json!([[MOVED, null, null, null]]), 301, [1, 2]),
            followed(301, [MOVED, NEWDESK], new_desks(), 422, [2, 2]),
        ],
    ];
    for (user, wanted) in users.iter().zip(wanted) {
        assert_eq!(redirects(report, user), wanted, "{name}, {user}: redirects");
    }
    for user in ["moved", "temp", "chain"] {
        assert_eq!(negotiations(report, user), [resolved(NEWDESK, 180)], "{name}, {user}: negotiations");
    }
    assert_eq!(negotiations(report, "desk"), [resolved("sip:desk@127.0.0.1:5070", 180)], "{name}, desk: negotiations");
    for user in ["loop", "nocontact"] {
        assert_eq!(negotiations(report, user), none, "{name}, {user}: negotiations");
        assert_eq!(dialogs(report, user), [json!(["invite", "none", null, null])], "{name}, {user}: no dialog");
    }
    let rules_wanted: [&[&str]; 6] = [
        &["timer-interval-below-recommended", "timer-422-observed", "timer-422-resolved"],
        &["redirect-followed", "redirect-observed", "timer-422-observed", "timer-422-resolved"],
        &[
            "redirect-contact-equals-request-uri",
            "redirect-loop",
            "redirect-observed",
            "redirect-contact-equals-request-uri",
            "redirect-observed",
        ],
        &["redirect-observed", "redirect-without-contact"],
        &["redirect-followed", "redirect-observed", "timer-422-observed", "timer-422-resolved"],
        &[
            // The caller had been told that sip:moved has moved: the entry of the server is old.
            "permanent-redirect-ignored",
            "redirect-followed",
            "redirect-observed",
            "redirect-chain",
            "redirect-followed",
            "redirect-observed",
            "timer-422-observed",
            "timer-422-resolved",
        ],
    ];
    let messy = name == "messy-udp";
    for (user, wanted) in users.iter().zip(rules_wanted) {
        let mut wanted = wanted.to_vec();
        if messy && *user == "chain" {
            // The INVITE that the proxy had refused with 422 went on all the same, and its refusal came up too.
            wanted.insert(6, "final-response-conflict");
        }
        if messy && wanted.contains(&"timer-422-observed") {
            // The 100 to the INVITE that went on has what was meant for the 422.
            wanted.push("timer-min-se-in-response");
        }
        assert_eq!(rules(report, user), wanted, "{name}, {user}: findings");
    }
    let summary = &report["summary"];
    assert_eq!(summary["calls"], 6, "{name}");
    let findings = json!({"error": 3, "warning": if messy { 6 } else { 1 }, "notice": 1, "info": 21});
    assert_eq!(summary["findings"], findings, "{name}");
}

#[test]
fn clean_udp() {
    let name = "clean-udp";
    let report = recording(name).report;
    assert_six_calls(&report, name);
    for user in ["desk", "moved", "temp", "chain"] {
        let wanted = [json!(["invite", "terminated", "bye", [180, "uac", 0]])];
        assert_eq!(dialogs(&report, user), wanted, "{name}, {user}: dialogs");
    }
    assert_eq!(report["summary"]["indeterminate"], json!({"redirect-not-followed": 1}), "{name}");
}

#[test]
fn messy_udp() {
    let name = "messy-udp";
    let report = recording(name).report;
    assert_six_calls(&report, name);
    let good = json!(["invite", "terminated", "bye", [180, "uac", 0]]);
    // The leg of the refused INVITE: answered with 90 s, never acknowledged, and the recording ends before anybody ends it.
    let orphan = json!(["invite", "confirmed", null, [90, "uac", 0]]);
    for user in ["desk", "moved", "temp"] {
        assert_eq!(dialogs(&report, user), [orphan.clone(), good.clone()], "{name}, {user}: dialogs");
    }
    // Here the callee answered the refused INVITE, which came second, with 486.
    assert_eq!(dialogs(&report, "chain"), [good], "{name}, chain: dialogs");
    let indeterminate = json!({"ack-missing-2xx": 3, "redirect-not-followed": 1, "timer-refresh-missed": 3, "timer-session-expired-no-bye": 3});
    assert_eq!(report["summary"]["indeterminate"], indeterminate, "{name}");
}

#[test]
fn clean_tcp() {
    let name = "clean-tcp";
    let report = recording(name).report;
    let desk = "sip:desk@127.0.0.1:5070;transport=tcp";
    assert_eq!(negotiations(&report, "desk"), [resolved(desk, 240)], "{name}, desk: negotiations");
    assert_eq!(dialogs(&report, "desk"), [json!(["invite", "terminated", "bye", [240, "uac", 0]])], "{name}, desk");
    let wanted = ["timer-interval-below-recommended", "timer-422-observed", "timer-422-resolved"];
    assert_eq!(rules(&report, "desk"), wanted, "{name}, desk: findings");
    // The recording ends 1 s after the 301: nothing may be claimed.
    let chain =
        stopped("sip:chain@127.0.0.1:5070;transport=tcp", json!([[MOVED, null, null, null]]), "undetermined", [1, 1]);
    assert_eq!(redirects(&report, "chain"), [chain], "{name}, chain: redirects");
    assert_eq!(rules(&report, "chain"), ["redirect-observed"], "{name}, chain: findings");
    assert_eq!(report["summary"]["indeterminate"], json!({"redirect-not-followed": 1}), "{name}");
}

#[test]
fn messy_tcp() {
    let name = "messy-tcp";
    let report = recording(name).report;
    let desk = "sip:desk@127.0.0.1:5070;transport=tcp";
    assert_eq!(negotiations(&report, "desk"), [resolved(desk, 180)], "{name}, desk: negotiations");
    // The caller acknowledges both legs and ends both, first the one it asked for.
    let legs = [90, 180].map(|interval| json!(["invite", "terminated", "bye", [interval, "uac", 0]]));
    assert_eq!(dialogs(&report, "desk"), legs, "{name}, desk: dialogs");
    let cases = [
        ("moved", new_desks(), "undetermined"),
        ("loop", json!([["sip:loop@127.0.0.1:5070", null, null, null]]), "undetermined"),
        ("nocontact", json!([]), "no_target"),
        ("chain", json!([[MOVED, null, null, null]]), "undetermined"),
    ];
    for (user, contacts, outcome) in cases {
        let uri = format!("sip:{user}@127.0.0.1:5070;transport=tcp");
        assert_eq!(redirects(&report, user), [stopped(&uri, contacts, outcome, [1, 1])], "{name}, {user}: redirects");
        assert_eq!(negotiations(&report, user), Vec::<Value>::new(), "{name}, {user}: negotiations");
    }
    let all = json!({
        "redirect-observed": 4, "redirect-without-contact": 1, "timer-422-observed": 1, "timer-422-resolved": 1,
        "timer-interval-below-recommended": 1, "timer-min-se-in-response": 1
    });
    assert_eq!(report["summary"]["findings_by_rule"], all, "{name}: findings");
}

#[test]
fn refresh() {
    let name = "refresh";
    let report = recording(name).report;
    assert_eq!(dialogs(&report, "desk"), [json!(["invite", "terminated", "bye", [90, "uac", 2]])], "{name}: dialogs");
    for section in ["redirects", "negotiations"] {
        assert_eq!(report[section], json!([]), "{name}: {section}");
    }
    assert_eq!(
        report["summary"]["findings_by_rule"],
        json!({"timer-interval-below-recommended": 1, "timer-refreshed": 1}),
        "{name}: findings"
    );
    assert_eq!(report["summary"]["indeterminate"], json!({}), "{name}: everything is there to be judged");
}

#[test]
fn expiry() {
    let name = "expiry";
    let report = recording(name).report;
    assert_eq!(
        negotiations(&report, "desk"),
        [resolved("sip:desk@127.0.0.1:5070", 120)],
        "{name}: the relayed leg is no part of the negotiation"
    );
    let legs = [90, 120].map(|interval| json!(["invite", "terminated", "bye", [interval, "uac", 0]]));
    assert_eq!(dialogs(&report, "desk"), legs, "{name}: dialogs");
    assert_eq!(
        rules(&report, "desk"),
        // The leg of the refused INVITE: its 200 is repeated for 32 s, its BYE answered with 481. The caller of the good leg is dead.
        [
            "timer-interval-below-recommended",
            "timer-422-observed",
            "timer-422-resolved",
            "timer-min-se-in-response",
            "ack-missing-2xx",
            "timer-bye-on-expiry",
            "in-dialog-481",
            "non-invite-408",
        ],
        "{name}: findings"
    );
    let expiry = list(&report, "findings").nth(5).expect("a finding");
    // The BYE says itself why: Reason: SIP;cause=408;text="No session refresh received."
    assert_eq!(expiry["confidence"], "strong", "{name}: {expiry}");
    assert_eq!(expiry["values"]["refresh_missed"], true, "{name}: the caller was to refresh and never did: {expiry}");
}

/// The INVITE that goes to the new address is the follow-up; the one after the 422 goes there again, and follows the 422.
#[test]
fn a_retry_after_a_422_follows_no_redirect() {
    for (name, user, frames) in [
        ("clean-udp", "moved", [15, 17, 20, 21]),
        ("messy-udp", "moved", [29, 31, 34, 35]),
        ("clean-udp", "temp", [47, 48, 49, 50]),
    ] {
        let report = recording(name).report;
        let evidence = of_call(&report, "redirects", user, &["evidence"]);
        let roles = ["request", "response", "ack", "follow_up"];
        let wanted: Vec<Value> =
            frames.iter().zip(roles).map(|(frame, role)| json!({"input": 0, "frame": frame, "role": role})).collect();
        assert_eq!(evidence[0]["evidence"], json!(wanted), "{name}, {user}: evidence");
    }
}

#[test]
fn the_whole_report_is_as_reviewed() {
    for name in LAB {
        let path = lab(name);
        let text = recording(name).text;
        let text = text.replace(&path.display().to_string(), &format!("fixtures/lab/{name}.pcap"));
        let text = text.replace(concat!("\"version\": \"", env!("CARGO_PKG_VERSION"), "\""), "\"version\": \"…\"");
        // Who a finding is about stands in its words too, and the tests of baselines look at it.
        let is_about = |line: &&str| {
            let line = line.trim_start();
            ["\"subject\": ", "\"fingerprint\": ", "\"known_findings\": "].iter().any(|field| line.starts_with(field))
        };
        let text: String = text.split_inclusive('\n').filter(|line| !is_about(line)).collect();
        insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name, text);
        });
    }
}

#[test]
fn the_program_writes_what_the_library_gives() {
    for name in LAB {
        let ended = program::analyze(&lab(name), &["--dialogs", "all"]).exits(0);
        assert_eq!(ended.out, recording(name).text, "{name}");
        assert_eq!(ended.err, "", "{name}: nothing is wrong with the recording");
    }
}
