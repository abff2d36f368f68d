//! Baselines and comparisons: a defect is known again in another capture, and a new one is seen.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::captures::{LAB, lab};
use crate::support::program::{analyze, run};
use crate::support::story::{addresses, list};
use crate::traffic::link::Link;
use crate::traffic::packet::{EPOCH, MILLISECOND, Wire};
use crate::traffic::pcap::{Layout, file};
use crate::traffic::sip::Message;

/// A capture of calls, each of which is told to go to the very address that it asked for; `noise` packets stand before each.
fn looping(folder: &Path, name: &str, calls: &[(&str, &str)], noise: usize) -> PathBuf {
    let (phone, server) = addresses(false);
    let mut wire = Wire::new(Link::Ethernet);
    let mut packets = Vec::new();
    let mut time = EPOCH;
    for (user, call_id) in calls {
        for _ in 0..noise {
            packets.push(wire.udp(time, phone, server, b"no SIP at all"));
        }
        let uri = format!("sip:{user}@example.com");
        let invite = Message::request("INVITE", format_args!("{uri}"))
            .via("UDP", "phone.example.com", format!("z9hG4bK{call_id}"))
            .max_forwards(70)
            .from("<sip:alice@example.com>", call_id)
            .to(format!("<{uri}>"), None)
            .call_id(call_id)
            .cseq(1, "INVITE")
            .finish();
        let moved = Message::reply(&invite, 301, Some("s")).header("Contact", format!("<{uri}>")).finish();
        packets.push(wire.udp(time, phone, server, &invite));
        packets.push(wire.udp(time + MILLISECOND, server, phone, &moved));
        time += 1_000 * MILLISECOND;
    }
    let path = folder.join(name);
    fs::write(&path, file(Layout::usual(Link::Ethernet), &packets).expect("memory")).expect("a file");
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn report(capture: &Path, path: &Path) {
    analyze(capture, &["-q", "-o", text(path)]).exits(0);
}

fn compare(old: &Path, new: &Path, code: i32) -> Value {
    run(&["diff", text(old), text(new), "--format", "json"]).exits(code).report()
}

#[test]
fn what_the_baseline_has_is_not_reported_again() {
    for name in LAB {
        let folder = tempfile::tempdir().expect("a folder");
        let known = folder.path().join("known.json");
        report(&lab(name), &known);
        let all = analyze(&lab(name), &[]).exits(0).report();
        let ended = analyze(&lab(name), &["--baseline", text(&known), "--fail-on", "info"]).exits(0).report();
        assert_eq!(list(&ended, "findings").count(), 0, "{name}");
        assert_eq!(ended["summary"]["known_findings"], list(&all, "findings").count(), "{name}");
        assert!(list(&ended, "redirects").all(|redirect| redirect["findings"] == Value::Array(Vec::new())), "{name}");
        let same = compare(&known, &known, 0);
        assert_eq!((&same["worse"], &same["new_findings"]), (&false.into(), &Value::Array(Vec::new())), "{name}");
    }
}

#[test]
fn a_defect_is_known_in_another_capture_and_a_new_one_is_seen() {
    let folder = tempfile::tempdir().expect("a folder");
    let old = looping(folder.path(), "old.pcap", &[("a", "one"), ("b", "two")], 0);
    let new = looping(folder.path(), "new.pcap", &[("b", "three"), ("c", "four"), ("b", "five")], 7);
    let (known, later) = (folder.path().join("known.json"), folder.path().join("later.json"));
    report(&old, &known);
    report(&new, &later);
    let ended = analyze(&new, &["--baseline", text(&known), "--fail-on", "error"]).exits(1).report();
    let rule = "redirect-contact-equals-request-uri";
    let uris: Vec<&Value> = list(&ended, "findings")
        .filter(|finding| finding["rule"] == rule)
        .map(|finding| &finding["subject"]["uri"])
        .collect();
    assert_eq!(uris, ["sip:c@example.com"], "{ended:#}");
    let diff = compare(&known, &later, 1);
    let about = |section: &str| -> Vec<(u64, u64)> {
        let of_rule = list(&diff, section).filter(|change| change["rule"] == rule);
        of_rule.map(|change| (change["old"].as_u64().unwrap(), change["new"].as_u64().unwrap())).collect()
    };
    assert_eq!((about("new_findings"), about("gone_findings")), (vec![(0, 1)], vec![(1, 0)]), "{diff:#}");
    assert_eq!(about("changed_findings"), [(1, 2)]);
    let said = run(&["diff", text(&known), text(&later)]).exits(1).out;
    assert!(said.contains("worse:") && said.contains("new error: redirect-contact") && said.contains("calls 2 → 3"));
}

#[test]
fn a_baseline_or_report_that_is_none_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let known = folder.path().join("known.json");
    report(&lab("clean-udp"), &known);
    let whole = fs::read_to_string(&known).expect("a report");
    let print =
        list(&serde_json::from_str(&whole).expect("JSON"), "findings").next().expect("a finding")["fingerprint"]
            .as_str()
            .expect("text")
            .to_owned();
    let broken = folder.path().join("broken.json");
    for (content, said) in [
        (whole[..whole.len() / 2].to_owned(), "not a JSON report"),
        ("{}".to_owned(), "not a JSON report"),
        (whole.replacen("\"1.", "\"2.", 1), "schema version"),
        (whole.replace(&print, "no hex"), "no fingerprint"),
    ] {
        fs::write(&broken, content).expect("a file");
        analyze(&lab("clean-udp"), &["--baseline", text(&broken)]).exits(2).complains("broken.json").complains(said);
        run(&["diff", text(&known), text(&broken)]).exits(2).complains("broken.json").complains(said);
        run(&["diff", text(&broken), text(&known)]).exits(2).complains(said);
    }
    run(&["diff", text(&known), "/no/such.json"]).exits(2).complains("/no/such.json");
    // What is read is never written over.
    analyze(&lab("clean-udp"), &["--baseline", text(&known), "-o", text(&known)]).exits(2).complains("is an input");
    assert_eq!(fs::read_to_string(&known).expect("a report"), whole);
}
