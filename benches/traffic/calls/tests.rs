//! What must hold for all traffic made here.

use super::generator::generate;
use super::options::{Amount, Format, Options, parse_mix};
use serde_json::Value;

fn made(options: Options) -> (Value, Vec<u8>) {
    generate(options, Vec::new()).unwrap()
}

fn small() -> Options {
    Options { amount: Amount::Calls(300), calls_per_second: 5, ..Options::default() }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    assert_eq!(made(small()), made(small()));
    assert_ne!(made(small()).1, made(Options { seed: 2, ..small() }).1);
}

#[test]
fn the_truth_adds_up() {
    let (truth, file) = made(small());
    let sum = |value: &Value| value.as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum::<u64>();
    assert_eq!(truth["sip_messages"], sum(&truth["requests"]) + sum(&truth["responses"]));
    for section in ["redirects", "negotiations"] {
        assert_eq!(truth[section]["total"], sum(&truth[section]["by_outcome"]), "{section}");
        assert!(truth[section]["total"].as_u64() > Some(5), "{section}");
    }
    assert_eq!(truth["redirects"]["total"], sum(&truth["redirects"]["by_status"]));
    assert_eq!(truth["record_bytes"].as_u64().unwrap() + 24, file.len() as u64);
}

#[test]
fn records_are_whole_and_in_order_of_time() {
    let (truth, file) = made(small());
    let (mut rest, mut frames, mut last) = (&file[24..], 0, 0);
    while !rest.is_empty() {
        let field = |at: usize| u64::from(u32::from_le_bytes(rest[at..at + 4].try_into().unwrap()));
        let time = field(0) * 1_000_000 + field(4);
        assert!(time >= last && field(8) == field(12));
        (last, frames) = (time, frames + 1);
        rest = &rest[16 + usize::try_from(field(8)).unwrap()..];
    }
    assert_eq!(truth["frames"], frames);
}

#[test]
fn a_scenario_on_its_own_has_its_outcome() {
    let cases = [
        ("r301=1", "redirects", "followed", 40),
        ("r301-chain=1", "redirects", "followed", 80),
        ("r301-no-contact=1", "redirects", "no_target", 40),
        ("r301-contacts=1", "redirects", "followed", 40),
        ("r301-loop=1", "redirects", "looped", 40),
        ("timer422=1", "negotiations", "resolved", 40),
        ("timer422-ladder=1", "negotiations", "resolved", 40),
        ("timer422-auth=1", "negotiations", "resolved", 40),
        ("timer422-update=1", "negotiations", "resolved", 40),
    ];
    for (mix, section, outcome, count) in cases {
        let mix_parsed = parse_mix(mix).unwrap();
        let options = Options { amount: Amount::Calls(40), mix: mix_parsed, register_share: 0.0, ..Options::default() };
        let (truth, _) = made(options);
        assert_eq!(truth[section]["by_outcome"][outcome], count, "{mix}");
        assert_eq!((&truth["calls"], &truth["invite_calls"]), (&40.into(), &40.into()), "{mix}");
    }
}

#[test]
fn what_nothing_came_of_is_judged_by_the_watch_time() {
    let mix = parse_mix("r301-not-followed=1,timer422-abandoned=1,timer422-failed=1").unwrap();
    let options = Options { mix, register_share: 0.0, calls_per_second: 2, ..small() };
    let (truth, _) = made(options);
    for (section, outcome) in [("redirects", "not_followed"), ("negotiations", "abandoned"), ("negotiations", "failed")]
    {
        assert!(truth[section]["by_outcome"][outcome].as_u64() > Some(10), "{outcome}");
        assert!(truth[section]["by_outcome"]["undetermined"].as_u64() > Some(0), "{section}");
    }
}

#[test]
fn the_file_ends_at_its_size() {
    let options =
        Options { amount: Amount::Bytes(300_000), format: Format::Pcapng, rtp_packets: 50, ..Options::default() };
    let (truth, file) = made(options);
    assert!((300_000..400_000).contains(&file.len()));
    assert!(truth["rtp_packets"].as_u64() > Some(0));
}
