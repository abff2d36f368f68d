//! The counts add up for every capture there is: what is read is delivered, skipped, dropped or waiting, and said to be.

use serde_json::json;

use crate::support::captures::{corpus_captures, fixtures, name};
use crate::support::run_files;

#[test]
fn fixtures_add_up() {
    for capture in fixtures() {
        run_files(std::slice::from_ref(&capture)).assert_conserved(&name(&capture));
    }
}

#[test]
fn captures_of_others_add_up() {
    for capture in corpus_captures("captures") {
        run_files(std::slice::from_ref(&capture)).assert_conserved(&name(&capture));
    }
}

#[test]
fn odd_and_broken_containers_add_up_and_hold_no_sip() {
    for capture in corpus_captures("robustness") {
        let (run, name) = (run_files(std::slice::from_ref(&capture)), name(&capture));
        run.assert_conserved(&name);
        assert_eq!(run.messages(), 0, "{name}: SIP where there is none");
        // HTTP behind a line `SIP/2.0 200 ok`, as a server sends it that wants to be misunderstood.
        let borrows_a_line = name == "OISF__suricata-verify__http-evader-486__input.pcap";
        let causes = if borrows_a_line { json!({"no_sip_header": 1}) } else { json!({}) };
        assert_eq!(run.report["capture_quality"]["sip"]["rejected_causes"], causes, "{name}");
        assert_eq!(run.analysis.calls.calls, 0, "{name}: calls where there are none");
        let input = &run.report["inputs"][0];
        let whole = input["complete"] == true && input["problem"].is_null();
        assert!(whole || input["problem"].is_string(), "{name}: neither complete nor a problem: {input}");
    }
}
