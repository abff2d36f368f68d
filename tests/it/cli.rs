//! The command line: exit codes, outputs and what is said on standard error.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::support::captures::{LAB, lab};
use crate::support::program::{analyze, program, run, with_input};
use crate::support::run_files;
use crate::support::story::list;

/// The bytes of a lab recording.
fn bytes(name: &str) -> Vec<u8> {
    fs::read(lab(name)).expect("a fixture")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

#[test]
fn an_empty_file_is_no_capture() {
    let folder = folder();
    let empty = folder.path().join("empty.pcap");
    fs::write(&empty, b"").expect("a file");
    let ended = analyze(&empty, &[]).exits(2).complains("empty.pcap").complains("it is empty");
    assert_eq!(ended.report()["inputs"][0]["complete"], false);
}

#[test]
fn a_capture_without_frames_is_complete() {
    let folder = folder();
    let path = folder.path().join("none.pcap");
    fs::write(&path, &bytes("refresh")[..24]).expect("a file");
    let report = analyze(&path, &[]).exits(0).report();
    assert_eq!((&report["inputs"][0]["frames"], &report["inputs"][0]["complete"]), (&0.into(), &true.into()));
}

#[test]
fn a_last_record_cut_short_is_success() {
    let folder = folder();
    let path = folder.path().join("cut.pcap");
    let whole = bytes("refresh");
    fs::write(&path, &whole[..whole.len() - 5]).expect("a file");
    let ended = analyze(&path, &[]).exits(0).complains("cut.pcap").complains("cut short");
    let report = ended.report();
    assert_eq!((&report["inputs"][0]["frames"], &report["inputs"][0]["complete"]), (&21.into(), &false.into()));
    assert_eq!(analyze(&path, &["--quiet"]).exits(0).err, "", "quiet, and no failure");
}

#[test]
fn damage_in_the_middle_is_said_and_what_was_read_is_reported() {
    let folder = folder();
    let path = folder.path().join("damaged.pcap");
    let mut damaged = bytes("clean-udp");
    // The captured length of the eleventh record.
    let mut at = 24;
    for _ in 0..10 {
        at += 16 + u32::from_le_bytes(damaged[at + 8..at + 12].try_into().expect("four bytes")) as usize;
    }
    damaged[at + 8..at + 12].fill(0xff);
    fs::write(&path, &damaged).expect("a file");
    let ended = analyze(&path, &["--quiet"]).exits(2).complains("damaged.pcap").complains(&format!("offset {at}"));
    let report = ended.report();
    assert_eq!(report["inputs"][0]["frames"], 88);
    assert_eq!(report["summary"]["responses"]["422"], 4, "the 422 in frame 2 was read, and those behind the damage");
    let output = folder.path().join("report.json");
    analyze(&path, &["-o", text(&output)]).exits(2);
    let written: Value = serde_json::from_slice(&fs::read(output).expect("the report")).expect("JSON");
    assert_eq!(written, report, "the report is written all the same");
}

#[test]
fn what_is_no_capture_is_named() {
    let folder = folder();
    let path = folder.path().join("notes.txt");
    fs::write(&path, b"SIP/2.0 301 Moved Permanently\r\n").expect("a file");
    analyze(&path, &[]).exits(2).complains("notes.txt").complains("not a capture");
    for (name, head, what) in [
        ("a.pcap.gz", &b"\x1f\x8b\x08\x00\x00\x00\x00\x00"[..], "gzip"),
        ("a.log", b"btsnoop\0\0\0\0\x01\0\0\x03\xea", "btsnoop"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, head).expect("a file");
        analyze(&path, &[]).exits(2).complains(name).complains(what);
    }
}

#[test]
fn a_missing_file_is_named_and_the_others_are_read() {
    let missing = folder().path().join("missing.pcap");
    let ended = run(&["analyze", text(&missing), text(&lab("refresh"))]).exits(2).complains("missing.pcap");
    let report = ended.report();
    assert_eq!(report["summary"]["frames"], 22, "the file that is there was read");
    assert_eq!(list(&report, "inputs").count(), 2);
}

#[test]
fn a_folder_stands_for_the_captures_in_it() {
    let folder = folder();
    for name in LAB {
        fs::copy(lab(name), folder.path().join(name).with_extension("pcap")).expect("a copy");
    }
    fs::write(folder.path().join("notes.txt"), b"not a capture").expect("a file");
    fs::create_dir(folder.path().join("more")).expect("a folder");
    let report = analyze(folder.path(), &["--quiet"]).exits(0).report();
    let inputs: Vec<(bool, &str)> = list(&report, "inputs")
        .map(|input| (input["problem"].is_null(), input["path"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(inputs.len(), LAB.len() + 1, "{inputs:?}");
    let other = inputs.iter().filter(|(is_fine, _)| !is_fine).collect::<Vec<_>>();
    assert!(matches!(other.as_slice(), [(_, path)] if path.ends_with("notes.txt")), "listed, but skipped: {other:?}");
    let all = run_files(&LAB.map(lab));
    assert_eq!(report["summary"]["calls"], all.report["summary"]["calls"], "the same as the files by name");
    assert_eq!(report["summary"]["findings_by_rule"], all.report["summary"]["findings_by_rule"]);
}

#[test]
fn a_folder_without_captures_is_refused() {
    let folder = folder();
    fs::write(folder.path().join("notes.txt"), b"not a capture").expect("a file");
    let ended = analyze(folder.path(), &[]).exits(2).complains(text(folder.path())).complains("no capture");
    assert_eq!(ended.out, "");
}

#[test]
fn several_files_are_one_report_in_the_order_given() {
    let report = run(&["analyze", text(&lab("messy-tcp")), text(&lab("clean-udp"))]).exits(0).report();
    let frames: Vec<_> = list(&report, "inputs").map(|input| input["frames"].as_u64()).collect();
    assert_eq!(frames, [Some(73), Some(89)], "inputs in the order of the command line");
    assert_eq!(report["summary"]["calls"], 11);
    // messy-tcp was recorded before clean-udp: lists are in order of time, places say which input.
    let inputs: Vec<_> = list(&report, "redirects").map(|redirect| redirect["evidence"][0]["input"].as_u64()).collect();
    assert_eq!(inputs, [[Some(0); 4].as_slice(), &[Some(1); 7]].concat(), "redirects in order of time");
}

#[test]
fn standard_input_is_read_once() {
    let ended = with_input(&["analyze", "-"], &bytes("clean-tcp")).exits(0);
    assert_eq!(ended.report()["summary"]["sip_messages"], 19);
    with_input(&["analyze", "-"], b"").exits(2).complains("it is empty");
    let cut = &bytes("clean-tcp")[..9_000];
    assert_eq!(with_input(&["analyze", "-"], cut).exits(0).report()["inputs"][0]["complete"], false);
}

#[test]
fn nobody_reading_is_no_failure() {
    for arguments in [&["analyze", text(&lab("messy-udp")), "--dialogs", "all"][..], &["rules"], &["explain", "301"]] {
        let mut command = program();
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().expect("a pipe").read_to_string(&mut said).expect("text");
        let status = child.wait().expect("the program ends");
        assert_eq!((status.code(), said.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn what_cannot_be_written_is_said() {
    let folder = folder();
    let nowhere = folder.path().join("no/such/folder/report.json");
    analyze(&lab("refresh"), &["-o", text(&nowhere)]).exits(3).complains("report.json");
    let full = Path::new("/dev/full");
    if full.exists() {
        let ended = analyze(&lab("refresh"), &["-f", "json", "-o", text(full)]);
        ended.exits(3).complains("/dev/full");
    }
    // An ending that says nothing is a mistake of the command line; so is an output among others that cannot be.
    let (one, other) = (folder.path().join("report.json"), folder.path().join("report"));
    analyze(&lab("refresh"), &["-o", text(&one), "-o", text(&other)]).exits(2).complains("--format");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing left behind");
}

#[test]
fn outputs_appear_whole_and_alone() {
    let folder = folder();
    let (one, other) = (folder.path().join("a.json"), folder.path().join("b.json"));
    fs::write(&one, b"an older report").expect("a file");
    let ended = analyze(&lab("clean-udp"), &["-o", text(&one), "-o", text(&other), "-o", "-"]).exits(0);
    let json = |path: &Path| -> Value { serde_json::from_slice(&fs::read(path).expect("a report")).expect("JSON") };
    assert_eq!((json(&one), json(&other)), (ended.report(), ended.report()), "the same in all outputs");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2, "and nothing beside them");
    let compact = analyze(&lab("clean-udp"), &["--compact"]).exits(0);
    assert_eq!((compact.out.lines().count(), compact.report()), (1, ended.report()), "the same in one line");
}

#[test]
fn an_input_is_never_overwritten() {
    let folder = folder();
    let path = folder.path().join("capture.json");
    fs::copy(lab("refresh"), &path).expect("a copy");
    let roundabout = folder.path().join(".").join("capture.json");
    analyze(&path, &["-o", text(&roundabout)]).exits(2).complains("capture.json");
    assert_eq!(fs::read(&path).expect("the capture"), bytes("refresh"), "untouched");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing left beside it");
}

#[test]
fn findings_can_fail_a_run() {
    for (name, level, code) in [
        ("clean-udp", "error", 1),
        ("clean-udp", "info", 1),
        ("expiry", "warning", 1),
        ("expiry", "error", 1),
        ("refresh", "notice", 0),
    ] {
        let ended = analyze(&lab(name), &["--fail-on", level]).exits(code);
        assert_eq!(list(&ended.report(), "inputs").count(), 1, "{name}, {level}: the report is there all the same");
    }
    analyze(&lab("expiry"), &["--fail-on", "error", "--ignore", "ack-missing-2xx"]).exits(0);
    // What is not reported does not fail, and of several reasons the highest counts.
    analyze(&lab("clean-udp"), &["--fail-on", "info", "--select", "timer-bye-on-expiry"]).exits(0);
    run(&["analyze", text(&lab("clean-udp")), "/no/such/file", "--fail-on", "error"]).exits(2);
}

#[test]
fn findings_can_be_chosen() {
    let rules = |arguments: &[&str]| -> Vec<String> {
        let report = analyze(&lab("clean-udp"), arguments).exits(0).report();
        let mut rules: Vec<String> =
            list(&report, "findings").map(|finding| finding["rule"].as_str().expect("a rule").to_owned()).collect();
        rules.sort();
        rules.dedup();
        // Redirects and negotiations stay, and name no finding that is not there.
        assert_eq!(list(&report, "redirects").count() + list(&report, "negotiations").count(), 11, "{arguments:?}");
        let ids: Vec<&Value> = list(&report, "findings").map(|finding| &finding["id"]).collect();
        for item in list(&report, "redirects").chain(list(&report, "negotiations")) {
            let named = item["findings"].as_array().expect("a list");
            assert!(named.iter().all(|id| ids.contains(&id)), "{arguments:?}: {named:?}");
        }
        rules
    };
    let all = rules(&[]);
    assert_eq!(all.len(), 10, "{all:?}");
    assert_eq!(rules(&["--select", "redirect-loop"]), ["redirect-loop"]);
    assert_eq!(
        rules(&["--select", "redirect-loop,timer-422"]),
        ["redirect-loop", "timer-422-observed", "timer-422-resolved"]
    );
    let timers = ["timer-422-observed", "timer-422-resolved", "timer-interval-below-recommended"];
    assert_eq!(rules(&["--select", "timer"]), timers);
    assert_eq!(rules(&["--ignore", "redirect,permanent"]), timers);
    let severe = ["redirect-contact-equals-request-uri", "redirect-loop"];
    assert_eq!(rules(&["--min-severity", "error"]), severe);
    assert_eq!(rules(&["--min-severity", "warning"]), [severe[0], severe[1], "redirect-without-contact"]);
}

#[test]
fn unknown_rules_are_refused() {
    for (option, rule) in
        [("--select", "redirect-nothing"), ("--ignore", "loop"), ("--select", "redirect-f"), ("--select", "")]
    {
        let ended = analyze(&lab("refresh"), &[option, rule]).exits(2);
        assert!(ended.out.is_empty() && !ended.err.is_empty(), "{option} {rule:?}: {ended:?}");
    }
}

#[test]
fn dialogs_are_listed_as_asked() {
    let count = |name: &str, which: &str| {
        list(&analyze(&lab(name), &["--dialogs", which]).exits(0).report(), "dialogs").count()
    };
    assert_eq!(count("clean-udp", "none"), 0);
    assert_eq!(count("clean-udp", "flagged"), 6, "every call has a redirect or a negotiation");
    assert_eq!(count("refresh", "flagged"), 0, "nothing to see in this one");
    assert_eq!(count("refresh", "all"), 1);
}

#[test]
fn the_command_line_is_checked() {
    for arguments in [
        &[][..],
        &["analyze"],
        &["analyse", "x.pcap"],
        &["analyze", "x.pcap", "--no-such-option"],
        &["analyze", "x.pcap", "--threads", "many"],
        &["analyze", "x.pcap", "--fail-on", "panic"],
        &["explain", "no-such-topic"],
        &["rules", "--format", "xml"],
    ] {
        let ended = run(arguments).exits(2);
        assert!(ended.out.is_empty() && !ended.err.is_empty(), "{arguments:?}: {ended:?}");
    }
    let format = analyze(&lab("refresh"), &["--format", "no-such-format"]).exits(2);
    assert_eq!(format.out, "");
    format.complains("no-such-format").complains("json");
}

#[test]
fn help_and_version_are_success() {
    assert!(run(&["--version"]).exits(0).out.contains(env!("CARGO_PKG_VERSION")));
    let help = run(&["--help"]).exits(0).out;
    for command in ["analyze", "explain", "rules"] {
        assert!(help.contains(command), "{command} in {help}");
        assert!(run(&[command, "--help"]).exits(0).out.contains("--help"), "{command}");
    }
    let help = run(&["analyze", "--help"]).exits(0).out;
    for option in
        ["--output", "--format", "--dialogs", "--select", "--ignore", "--min-severity", "--fail-on", "--threads"]
    {
        assert!(help.contains(option), "{option} in {help}");
    }
    assert!(!help.contains("window-size"), "options for tests are not shown: {help}");
}

#[test]
fn rules_are_listed() {
    let text = run(&["rules"]).exits(0).out;
    let rows: Vec<Value> = serde_json::from_str(&run(&["rules", "--format", "json"]).exits(0).out).expect("JSON");
    assert_eq!(text.lines().count(), rows.len());
    for (line, row) in text.lines().zip(&rows) {
        for field in ["id", "severity", "summary"] {
            assert!(line.contains(row[field].as_str().expect("text")), "{field} of {row} in {line}");
        }
        let id = row["id"].as_str().expect("text");
        assert!(run(&["explain", id]).exits(0).out.contains(id), "{id}: explained");
    }
}

#[test]
fn codes_are_explained_and_compared() {
    assert!(run(&["explain", "301"]).exits(0).out.contains("301 Moved Permanently"));
    assert!(run(&["explain", "422"]).exits(0).out.contains("Min-SE"));
    let both = run(&["explain", "301", "302"]).exits(0).out;
    assert!(both.contains("301") && both.contains("302"), "{both}");
    assert!(run(&["explain"]).exits(0).out.contains("422"), "an overview");
}

#[test]
fn threads_and_windows_change_nothing() {
    let usual = analyze(&lab("messy-udp"), &[]).exits(0).out;
    for arguments in [&["--threads", "1"][..], &["--threads", "5"], &["--window-size", "1"], &["--source", "joined"]] {
        assert_eq!(analyze(&lab("messy-udp"), arguments).exits(0).out, usual, "{arguments:?}");
    }
}

#[test]
fn conditions_narrow_the_report_down_and_bad_ones_are_explained() {
    let path = lab("clean-udp");
    let report = analyze(&path, &["--to", "moved@", "--status", "3xx"]).exits(0).report();
    let old: Vec<&Value> = list(&report, "redirects").map(|row| &row["request_uri"]).collect();
    assert!(!old.is_empty() && old.iter().all(|uri| uri.as_str().is_some_and(|uri| uri.contains("moved@"))), "{old:?}");
    for (option, value, said) in [
        ("--host", "nowhere", "neither an address nor a prefix"),
        ("--status", "9xx", "neither a status code nor a class"),
        ("--since", "yesterday", "is no time such as"),
        ("--from", "/(/", "is no regular expression"),
    ] {
        analyze(&path, &[option, value]).exits(2).complains(said);
    }
}

#[test]
fn packages_get_a_manual_page_and_completions() {
    let page = run(&["man"]).exits(0).out;
    assert!(
        page.contains(".TH reinvite 1") && page.contains("REINVITE ANALYZE") && page.contains("EXIT STATUS"),
        "{page}"
    );
    assert!(page.contains("\\-\\-fail\\-on"), "options of commands: {page}");
    for shell in ["bash", "zsh", "fish"] {
        assert!(run(&["completions", shell]).exits(0).out.contains("analyze"), "{shell}");
    }
    run(&["completions", "no-shell"]).exits(2);
}
