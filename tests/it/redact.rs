//! `reinvite redact`: another capture of the same calls, in which nobody can be told.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::captures::{LAB, lab};
use crate::support::program::{analyze, run, with_input};
use crate::traffic::calls::generator::generate;
use crate::traffic::calls::options::{Amount, Options as Traffic};

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// What must be the same: counts, and what is said of each redirect, negotiation and finding but for names.
fn essence(report: &Value) -> Value {
    let items = |section: &str, fields: &[&str]| -> Vec<Value> {
        let list = report[section].as_array().expect("a list");
        let mut rows: Vec<Value> =
            list.iter().map(|item| fields.iter().map(|field| item[*field].clone()).collect()).collect();
        rows.sort_by_key(Value::to_string);
        rows
    };
    let mut summary = report["summary"].clone();
    summary["frames"] = Value::Null;
    json!({
        "summary": summary,
        "redirects": items("redirects", &["status", "reason", "method", "cseq", "outcome", "link", "delay_ms", "attempt_status", "final_status", "hops_seen", "copies"]),
        "negotiations": items("negotiations", &["method", "outcome", "required_min_se_s", "agreed_session_expires_s", "refresher", "final_status", "added_delay_ms"]),
        "findings": items("findings", &["rule", "severity", "confidence", "scope", "references"]),
        "mirrors": report["capture_quality"]["mirror_duplicates"],
    })
}

fn assert_same(name: &str, capture: &Path, more: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let to = folder.path().join("shared.pcapng");
    run(&[&["redact", text(capture), text(&to)][..], more].concat()).exits(0);
    let before = analyze(capture, &["--dialogs", "all"]).exits(0).report();
    let after = analyze(&to, &["--dialogs", "all"]).exits(0).report();
    assert_eq!(essence(&after), essence(&before), "{name}");
    fs::read(&to).expect("a capture")
}

fn has(bytes: &[u8], word: &str) -> bool {
    memchr::memmem::find(bytes, word.as_bytes()).is_some()
}

#[test]
fn recordings_say_the_same_and_name_nobody() {
    for name in LAB {
        let before = fs::read(lab(name)).expect("a fixture");
        let after = assert_same(name, &lab(name), &["--key", "a secret"]);
        for word in ["alice", "newdesk", "moved@", "fallback"] {
            assert!(!has(&after, word), "{name}: {word} (there before: {})", has(&before, word));
        }
    }
}

#[test]
fn populations_say_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    for seed in 61..=63 {
        let traffic = Traffic {
            amount: Amount::Calls(150),
            calls_per_second: 5,
            seed,
            hops: vec![1, 2, 3],
            tcp_share: 0.3,
            fragment_share: 0.3,
            mirror_share: 0.3,
            retransmit_share: 0.3,
            ..Traffic::default()
        };
        let (_, capture) = generate(traffic, Vec::new()).expect("memory");
        let path = folder.path().join(format!("{seed}.pcap"));
        fs::write(&path, &capture).expect("a file");
        let after = assert_same(&format!("seed {seed}"), &path, &[]);
        assert!(!has(&after, "example"), "seed {seed}");
    }
}

#[test]
fn one_key_gives_the_same_names_in_every_capture() {
    let folder = tempfile::tempdir().expect("a folder");
    let callers = |name: &str, key: &[&str]| {
        let to = folder.path().join("out.pcapng");
        run(&[&["redact", text(&lab(name)), text(&to)][..], key].concat()).exits(0);
        let report = analyze(&to, &[]).exits(0).report();
        report["redirects"][0]["from"].as_str().expect("a URI").to_owned()
    };
    let (clean, messy) = (callers("clean-udp", &["--key", "k"]), callers("messy-udp", &["--key", "k"]));
    assert_eq!(clean, messy);
    assert_ne!(callers("clean-udp", &["--key", "other"]), clean);
    assert_ne!(callers("clean-udp", &[]), callers("messy-udp", &[]), "keys from the content");
    assert_eq!(callers("clean-udp", &[]), callers("clean-udp", &[]), "the same twice");
}

#[test]
fn a_pipe_needs_a_key_and_an_input_is_never_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let to = folder.path().join("shared.pcapng");
    let capture = fs::read(lab("clean-udp")).expect("a fixture");
    with_input(&["redact", "-", text(&to)], &capture).exits(2).complains("--key");
    with_input(&["redact", "-", text(&to), "--key", "k"], &capture).exits(0);
    let first = fs::read(&to).expect("a capture");
    run(&["redact", text(&to), text(&to)]).exits(2).complains("is an input");
    assert_eq!(fs::read(&to).expect("a capture"), first);
    run(&["redact", text(&lab("clean-udp")), text(&folder.path().join("x.pcap"))]).exits(2).complains(".pcapng");
    run(&["redact", text(&folder.path().join("none.pcap")), text(&folder.path().join("x.pcapng"))]).exits(2);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing is left behind");
}

#[test]
#[expect(clippy::print_stdout, reason = "a skipped test must say so")]
fn tshark_finds_every_message_and_no_wrong_checksum() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["messy-udp", "messy-tcp"] {
        let to = folder.path().join("shared.pcapng");
        run(&["redact", text(&lab(name)), text(&to), "--key", "k"]).exits(0);
        let checks = ["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"];
        let count = |filter: &str| {
            let shown = Command::new("tshark").arg("-r").arg(&to).args(checks).args(["-Y", filter]).output();
            shown.ok().map(|shown| String::from_utf8_lossy(&shown.stdout).lines().count())
        };
        let Some(messages) = count("sip") else { return println!("skipped: no tshark") };
        let report = analyze(&to, &[]).exits(0).report();
        assert_eq!(json!(messages), report["summary"]["sip_messages"], "{name}");
        assert_eq!(count("udp.checksum.status == 0 or ip.checksum.status == 0"), Some(0), "{name}");
        assert_eq!(count("_ws.malformed"), Some(0), "{name}");
    }
}

/// Words of people and hosts in the recordings, and the name of the file.
const NAMES: [&str; 5] = ["alice", "newdesk", "moved@", "fallback", "clean-udp.pcap"];

/// What shows where something is: frames are those of the capture itself.
fn frames(report: &Value) -> Value {
    let evidence = |section: &str| -> Value {
        report[section].as_array().expect("a list").iter().map(|item| item["evidence"].clone()).collect()
    };
    json!([evidence("redirects"), evidence("findings"), report["summary"], report["capture_quality"]])
}

#[test]
fn every_output_of_a_report_with_pseudonyms_says_the_same_and_names_nobody() {
    for name in LAB {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |file: &str| text(&folder.path().join(file)).to_owned();
        let files = ["r.json", "r.ndjson", "r.txt", "r.html", "r.junit.xml", "r.prom", "csv/"].map(path);
        let outputs = files.iter().flat_map(|file| ["-o", file.as_str()]);
        let options: Vec<&str> =
            ["--redact", "--redact-key", "a secret", "--dialogs", "all"].into_iter().chain(outputs).collect();
        analyze(&lab(name), &options).exits(0);
        let before = analyze(&lab(name), &["--dialogs", "all"]).exits(0).report();
        let after: Value = serde_json::from_slice(&fs::read(path("r.json")).expect("a report")).expect("JSON");
        assert_eq!(essence(&after), essence(&before), "{name}");
        assert_eq!(frames(&after), frames(&before), "{name}");
        assert_eq!(after["inputs"][0]["path"], "input 1", "{name}");
        let csv = fs::read_dir(path("csv/")).expect("a folder").map(|entry| entry.expect("an entry").path());
        for file in files.iter().map(Into::into).filter(|file: &std::path::PathBuf| file.is_file()).chain(csv) {
            let bytes = fs::read(&file).expect("an output");
            for word in NAMES {
                assert!(!has(&bytes, word), "{name}: {word} in {}", file.display());
            }
            assert!(!bytes.is_empty(), "{name}: {}", file.display());
        }
    }
}

#[test]
fn a_report_has_the_pseudonyms_of_the_redacted_capture() {
    let folder = tempfile::tempdir().expect("a folder");
    let to = folder.path().join("shared.pcapng");
    for key in [&["--key", "k"][..], &[]] {
        run(&[&["redact", text(&lab("messy-udp")), text(&to)][..], key].concat()).exits(0);
        let shared = analyze(&to, &[]).exits(0).report();
        let own: &[&str] = if key.is_empty() { &["--redact"] } else { &["--redact", "--redact-key", "k"] };
        let own = analyze(&lab("messy-udp"), own).exits(0).report();
        let names = |report: &Value| -> Vec<Value> {
            let fields = ["call_id", "request_uri", "from", "to", "client", "server", "contacts"];
            let redirects = report["redirects"].as_array().expect("a list");
            redirects.iter().map(|redirect| fields.iter().map(|field| redirect[*field].clone()).collect()).collect()
        };
        assert_eq!(names(&own), names(&shared));
    }
}

#[test]
fn an_excerpt_with_pseudonyms_says_what_the_report_says() {
    for name in LAB {
        let folder = tempfile::tempdir().expect("a folder");
        let to = folder.path().join("flagged.pcapng");
        let options = ["--redact", "--redact-key", "k", "--extract", text(&to)];
        let report = analyze(&lab(name), &options).exits(0).report();
        let bytes = fs::read(&to).expect("a capture");
        assert!(NAMES.iter().all(|word| !has(&bytes, word)), "{name}");
        let again = analyze(&to, &[]).exits(0).report();
        let told = |report: &Value| -> Vec<(Value, Value, Value)> {
            let list = report["redirects"].as_array().expect("a list").iter();
            list.map(|item| (item["call_id"].clone(), item["outcome"].clone(), item["followed_to"].clone())).collect()
        };
        assert_eq!(told(&again), told(&report), "{name}");
    }
}

#[test]
fn what_needs_names_goes_without_pseudonyms() {
    let folder = tempfile::tempdir().expect("a folder");
    let names = folder.path().join("names");
    fs::write(&names, "127.0.0.1 edge\n").expect("a file");
    let capture = lab("clean-udp");
    analyze(&capture, &["--redact", "--aliases", text(&names)]).exits(2).complains("--aliases");
    analyze(&capture, &["--redact", "--from", "alice"]).exits(2).complains("--from");
    let capture = fs::read(capture).expect("a fixture");
    with_input(&["analyze", "-", "--redact"], &capture).exits(2).complains("--redact-key");
    with_input(&["analyze", "-", "--redact", "--redact-key", "k", "--status", "301"], &capture).exits(0);
}
