//! Generated populations of calls, against the truth about them: every count of the truth is a count of the report.

use serde_json::Value;

use crate::support::run_bytes;
use crate::traffic::calls::generator::generate;
use crate::traffic::calls::options::{Amount, Format, Options, parse_mix};
use crate::traffic::link::Link;

/// Fails unless the report has all that the truth has under the same names.
fn assert_true(name: &str, options: Options) {
    let (truth, capture) = generate(options, Vec::new()).expect("memory");
    let run = run_bytes(capture);
    run.assert_conserved(name);
    let summary = &run.report["summary"];
    for field in
        ["frames", "sip_messages", "requests", "responses", "calls", "invite_calls", "redirects", "negotiations"]
    {
        assert_eq!(summary[field], truth[field], "{name}: {field}");
    }
    let quality = &run.report["capture_quality"];
    assert_eq!(quality["mirror_duplicates"], truth["mirror_duplicates"], "{name}: mirror duplicates");
    assert_eq!(quality["fragments"]["packets"], truth["fragmented_datagrams"], "{name}: fragmented datagrams");
    assert_eq!(quality["tcp"]["connections_with_sip"], truth["tcp_connections"], "{name}: connections");
    assert_eq!(quality["sip"]["rejected"], 0, "{name}: rejected messages");
    assert_eq!(quality["sip"]["uncorrelated"], 0, "{name}: messages that do not correlate");
    assert_eq!(quality["limits_reached"], Value::Object(serde_json::Map::default()), "{name}: limits");
}

#[test]
fn usual_mixes_with_several_seeds() {
    for seed in 1..=4 {
        let options = Options { amount: Amount::Calls(400), calls_per_second: 10, seed, ..Options::default() };
        assert_true(&format!("usual mix, seed {seed}"), options);
    }
}

#[test]
fn captures_that_end_in_the_middle_of_things() {
    for seed in 11..=13 {
        let options = Options { amount: Amount::Bytes(1_500_000), calls_per_second: 4, seed, ..Options::default() };
        assert_true(&format!("cut off, seed {seed}"), options);
    }
}

#[test]
fn rough_networks() {
    let options = Options {
        amount: Amount::Calls(300),
        calls_per_second: 5,
        seed: 21,
        hops: vec![1, 2, 3],
        tcp_share: 0.5,
        fragment_share: 0.5,
        mirror_share: 0.4,
        retransmit_share: 0.3,
        format: Format::Pcapng,
        link: Link::Tagged(&[(0x88a8, 20), (0x8100, 7)]),
        ..Options::default()
    };
    assert_true("rough network", options);
}

#[test]
fn every_scenario_of_redirects_and_refusals() {
    let mixes = [
        "r301=1,r302=1",
        "r301-not-followed=1",
        "r301-no-contact=1,r301-loop=1",
        "r301-chain=1,r301-contacts=1",
        "r301-auth=1,r301-timer422=1",
        "timer422=1,timer422-ladder=1",
        "timer422-abandoned=1,timer422-failed=1",
        "timer422-auth=1,timer422-update=1",
        "refresh=1,refresh-missed=1",
    ];
    for (seed, mix) in (31..).zip(mixes) {
        let options = Options {
            amount: Amount::Calls(100),
            calls_per_second: 3,
            seed,
            mix: parse_mix(mix).expect("a mix"),
            ..Options::default()
        };
        assert_true(mix, options);
    }
}

#[test]
fn much_media_beside_few_calls() {
    let options =
        Options { amount: Amount::Calls(40), calls_per_second: 2, rtp_packets: 200, seed: 41, ..Options::default() };
    assert_true("media", options);
}
