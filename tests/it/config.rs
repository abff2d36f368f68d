//! Options from a file and from the environment.

use std::fs;
use std::process::Stdio;

use serde_json::Value;

use crate::support::captures::lab;
use crate::support::program::{analyze, program};
use crate::support::story::list;

fn with(config: &str, arguments: &[&str]) -> crate::support::program::Ended {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("reinvite.toml");
    fs::write(&path, config).expect("a file");
    analyze(&lab("clean-udp"), &[&["--config", path.to_str().expect("UTF-8")], arguments].concat())
}

fn rules(report: &Value) -> Vec<&str> {
    let mut rules: Vec<&str> = list(report, "findings").filter_map(|finding| finding["rule"].as_str()).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

#[test]
fn a_file_says_what_the_command_line_does_not() {
    let config =
        "select = \"redirect-loop\"\nfail-on = \"error\"\nthreads = 1\ndialogs = \"none\"\nstatus = [\"3xx\", 422]\n";
    let report = with(config, &[]).exits(1).report();
    assert_eq!(rules(&report), ["redirect-loop"]);
    assert_eq!(list(&report, "dialogs").count(), 0);
    let report = with(config, &["--select", "timer-422", "--dialogs", "all"]).exits(0).report();
    assert_eq!(rules(&report), ["timer-422-observed", "timer-422-resolved"]);
    assert!(list(&report, "dialogs").count() > 0);
}

#[test]
fn a_file_sets_thresholds_of_rules() {
    let short = "timer-interval-below-recommended";
    let has = |config: &str| rules(&with(config, &[]).exits(0).report()).contains(&short);
    assert!(has("") && has("[settings]\nprofile = \"ims\"\n"));
    assert!(!has("[settings]\nrecommended-interval-s = 90\n"));
}

#[test]
fn the_thresholds_in_the_guide_are_the_defaults() {
    let guide = include_str!("../../docs/guide.md");
    let (_, rest) = guide.split_once("[settings]\n").expect("a table of settings");
    let (table, _) = rest.split_once("```").expect("its end");
    let names: Vec<&str> = table.lines().filter_map(|line| line.split(" = ").next()).collect();
    let text = table.replace("\"ims\"", "\"standard\"");
    let said: reinvite::findings::Settings = toml::from_str(&text).expect("settings");
    assert_eq!(said, reinvite::findings::Settings::default());
    let all = serde_json::to_value(&said).expect("an object");
    for name in all.as_object().expect("an object").keys() {
        assert!(names.contains(&name.as_str()), "docs/guide.md: {name} is missing");
    }
}

#[test]
fn mistakes_in_a_file_are_said_with_their_line() {
    for (config, said) in [
        ("\nselekt = \"redirect\"\n", "line 2"),
        ("select = [\"timer\"]\nfail-on = \"panic\"\n", "line 2"),
        ("\n\nthreads = \"many\"\n", "line 3"),
        ("host = [\"192.0.2.1\", \"nowhere\"]\n", "neither an address nor a prefix"),
        ("since = \"yesterday\"\n", "is no time such as"),
        ("timezone = \"Europe/Atlantis\"\n", "no time zone is named"),
        ("select = \n", "line 1"),
        ("[settings]\nrefresh-failure = 9\n", "line 2"),
        ("select = \"redirect-nothing\"\n", "no rule or family"),
    ] {
        let ended = with(config, &[]).exits(2).complains(said);
        assert_eq!(ended.out, "", "{config}");
    }
    analyze(&lab("refresh"), &["--config", "/no/such.toml"]).exits(2).complains("/no/such.toml");
}

#[test]
fn the_environment_says_how_many_threads() {
    let run = |threads: &str| {
        let mut command = program();
        command.arg("analyze").arg(lab("refresh")).env("REINVITE_THREADS", threads).stdin(Stdio::null());
        command.output().expect("a program").status.code()
    };
    assert_eq!((run("1"), run("many")), (Some(0), Some(2)));
}

#[test]
fn text_has_times_in_the_zone_asked_for_and_json_has_not() {
    let text = analyze(&lab("clean-udp"), &["-f", "text", "--timezone", "Asia/Kathmandu"]).exits(0).out;
    assert!(text.contains("+05:45") && !text.contains("Z,"), "{text}");
    let usual = analyze(&lab("clean-udp"), &[]).exits(0).out;
    assert_eq!(analyze(&lab("clean-udp"), &["--timezone", "Asia/Kathmandu"]).exits(0).out, usual);
    analyze(&lab("clean-udp"), &["--timezone", "Nowhere"]).exits(2).complains("no time zone is named");
}

#[test]
fn a_summary_is_written_where_it_is_asked_for() {
    let said = analyze(&lab("clean-udp"), &["-v"]).exits(0).complains("6 calls").complains("7 redirects");
    assert!(said.err.contains("limits reached: nothing"), "{}", said.err);
    assert_eq!(analyze(&lab("clean-udp"), &[]).exits(0).err, "", "nobody watches");
    assert_eq!(analyze(&lab("clean-udp"), &["-q", "-v"]).exits(2).out, "", "one or the other");
    analyze(&lab("clean-udp"), &["--progress", "always"]).exits(0).complains("findings");
    assert_eq!(analyze(&lab("clean-udp"), &["--progress", "never"]).exits(0).err, "");
}
