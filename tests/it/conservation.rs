//! The counts add up for every capture there is: what is read is delivered, skipped, dropped or waiting, and said to be.

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

/// Files with something that is taken for SIP, and how many messages: HTTP after a line `SIP/2.0 200 ok`, as an HTTP server sends
/// it that wants to be misunderstood. The line is that of a response, and a response without headers is counted but never used.
const TAKEN_FOR_SIP: [(&str, u64); 1] = [("OISF__suricata-verify__http-evader-486__input.pcap", 1)];

#[test]
fn odd_and_broken_containers_add_up_and_hold_no_sip() {
    for capture in corpus_captures("robustness") {
        let (run, name) = (run_files(std::slice::from_ref(&capture)), name(&capture));
        run.assert_conserved(&name);
        let expected = TAKEN_FOR_SIP.iter().find(|(file, _)| *file == name).map_or(0, |(_, count)| *count);
        assert_eq!(run.messages(), expected, "{name}: SIP where there is none");
        assert_eq!(run.analysis.calls.calls, 0, "{name}: calls where there are none");
        let input = &run.report["inputs"][0];
        let whole = input["complete"] == true && input["problem"].is_null();
        assert!(whole || input["problem"].is_string(), "{name}: neither complete nor a problem: {input}");
    }
}
