//! The same report in every format: each says what the JSON says.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::captures::{LAB, lab};
use crate::support::program::{analyze, run};
use crate::support::story::addresses;
use crate::traffic::link::Link;
use crate::traffic::packet::{EPOCH, MILLISECOND, Wire};
use crate::traffic::pcap::{Layout, file};
use crate::traffic::sip::Message;

/// The report of a capture as JSON, and in all other formats from one run, in a folder.
fn all(name: &str, folder: &Path) -> Value {
    let path = |file: &str| folder.join(file).to_str().expect("UTF-8").to_owned();
    let outputs = [path("r.json"), path("r.ndjson"), path("r.txt"), path("r.junit.xml"), path("r.prom"), path("csv/")];
    let arguments: Vec<&str> = outputs.iter().flat_map(|output| ["-o", output.as_str()]).collect();
    analyze(&lab(name), &arguments).exits(0);
    serde_json::from_str(&fs::read_to_string(&outputs[0]).expect("a report")).expect("JSON")
}

fn read(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).unwrap_or_else(|problem| panic!("{file}: {problem}"))
}

fn items<'a>(report: &'a Value, section: &str) -> &'a [Value] {
    report[section].as_array().expect("a list")
}

#[test]
fn every_line_of_ndjson_is_an_item_of_the_report() {
    for name in LAB {
        let folder = tempfile::tempdir().expect("a folder");
        let report = all(name, folder.path());
        let text = read(folder.path(), "r.ndjson");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let of = |kind: &str| lines.iter().filter(|line| line["record_type"] == kind).collect::<Vec<_>>();
        for (kind, section) in [
            ("input", "inputs"),
            ("redirect", "redirects"),
            ("negotiation", "negotiations"),
            ("address_update", "address_updates"),
            ("interval_requirement", "interval_requirements"),
            ("finding", "findings"),
            ("dialog", "dialogs"),
        ] {
            let (found, expected) = (of(kind), items(&report, section));
            assert_eq!(found.len(), expected.len(), "{name}: {kind}");
            for item in expected {
                let fields = item.as_object().expect("an object");
                let says = |line: &&&Value| fields.iter().all(|(field, value)| &line[field] == value);
                let line = found.iter().find(says).unwrap_or_else(|| panic!("{name}: no line for {item:#}"));
                assert_eq!(line["event"]["action"], kind, "{name}");
                assert!(line["@timestamp"].is_string(), "{name}: {line}");
            }
        }
        let summary = of("summary");
        assert_eq!(summary.len(), 1, "{name}");
        assert_eq!(summary[0]["sip_messages"], report["summary"]["sip_messages"], "{name}");
        for redirect in of("redirect") {
            assert_eq!(redirect["sip"]["code"], redirect["status"], "{name}");
            assert_eq!(redirect["source"]["ip"], redirect["server"]["address"], "{name}");
        }
    }
}

#[test]
fn text_names_every_finding_and_fits_the_page() {
    for name in LAB {
        let folder = tempfile::tempdir().expect("a folder");
        let report = all(name, folder.path());
        let text = read(folder.path(), "r.txt");
        for finding in items(&report, "findings") {
            assert!(text.contains(finding["rule"].as_str().expect("a rule")), "{name}: {finding:#}");
        }
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{name}: {line}");
        }
    }
}

#[test]
fn junit_fails_the_rules_that_the_report_warns_of() {
    for name in LAB {
        let folder = tempfile::tempdir().expect("a folder");
        let report = all(name, folder.path());
        let xml = read(folder.path(), "r.junit.xml");
        let serious = items(&report, "findings").iter().filter(|finding| {
            finding["severity"].as_str().is_some_and(|severity| matches!(severity, "warning" | "error"))
        });
        assert_eq!(xml.matches("<failure ").count(), serious.count(), "{name}: {xml}");
        let rules = report["summary"]["findings_by_rule"].as_object().expect("counts");
        let found = rules.values().filter(|count| count.as_u64() > Some(0)).count();
        assert_eq!(xml.matches("<testcase ").count(), found, "{name}: {xml}");
        assert_eq!(xml.matches("<testcase ").count(), xml.matches("</testcase>").count(), "{name}");
    }
}

#[test]
fn prometheus_counts_what_the_summary_counts() {
    for name in LAB {
        let folder = tempfile::tempdir().expect("a folder");
        let report = all(name, folder.path());
        let text = read(folder.path(), "r.prom");
        let samples: BTreeMap<&str, u64> = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.rsplit_once(' ').expect("a value"))
            .map(|(series, value)| (series, value.parse().expect("a number")))
            .collect();
        assert_eq!(Some(samples["reinvite_sip_messages"]), report["summary"]["sip_messages"].as_u64(), "{name}");
        for (outcome, count) in report["summary"]["redirects"]["by_outcome"].as_object().expect("counts") {
            let series = format!("reinvite_redirects{{outcome=\"{outcome}\"}}");
            assert_eq!(samples.get(series.as_str()).copied(), count.as_u64(), "{name}: {series}");
        }
    }
}

#[test]
fn csv_has_a_row_for_each_item() {
    for name in LAB {
        let folder = tempfile::tempdir().expect("a folder");
        let report = all(name, folder.path());
        for (file, section) in [("redirects", "redirects"), ("negotiations", "negotiations"), ("findings", "findings")]
        {
            let text = read(folder.path(), &format!("csv/{file}.csv"));
            let rows: Vec<&str> = text.split_terminator("\r\n").collect();
            assert_eq!(rows.len(), items(&report, section).len() + 1, "{name}: {file}");
            for (row, item) in rows.iter().skip(1).zip(items(&report, section)) {
                assert!(row.starts_with(item["id"].as_str().expect("an id")), "{name}: {row}");
            }
        }
        let (updates, intervals) = (read(folder.path(), "csv/address-updates.csv"), "csv/interval-requirements.csv");
        for update in items(&report, "address_updates") {
            assert!(updates.contains(update["from_uri"].as_str().expect("a URI")), "{name}: {updates}");
        }
        assert_eq!(
            read(folder.path(), intervals).lines().count() > 1,
            !items(&report, "interval_requirements").is_empty()
        );
        let left: Vec<_> = fs::read_dir(folder.path().join("csv")).expect("a folder").collect();
        assert_eq!(left.len(), 5, "{name}: {left:?}");
    }
}

/// A capture is never the place of a report, whether it is named, or a folder or pattern stands for it.
#[test]
fn a_capture_is_never_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = fs::read(lab("refresh")).expect("a fixture");
    let (capture, table) = (folder.path().join("a.json"), folder.path().join("findings.csv"));
    let (pattern, slash) = (folder.path().join("*.json"), folder.path().join(""));
    for (input, place) in
        [(folder.path(), capture.as_path()), (&pattern, &capture), (&table, &slash), (folder.path(), &slash)]
    {
        fs::write(&capture, &whole).expect("a file");
        fs::write(&table, &whole).expect("a file");
        let place = place.to_str().expect("UTF-8");
        analyze(input, &["-o", place]).exits(2).complains("is an input");
        assert!(
            [&capture, &table].iter().all(|path| fs::read(path).expect("a capture") == whole),
            "{place}: untouched"
        );
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2, "{place}: nothing left behind");
    }
}

/// A report in the folder that is read is no capture: it may be written again, and its draft is not among the inputs.
#[test]
fn a_report_beside_the_captures_is_no_input_of_its_own_run() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::copy(lab("refresh"), folder.path().join("a.pcap")).expect("a copy");
    let report = folder.path().join("report.json");
    let mut inputs = Vec::new();
    for _ in 0..2 {
        analyze(folder.path(), &["-q", "-o", report.to_str().expect("UTF-8")]).exits(0);
        let report: Value = serde_json::from_slice(&fs::read(&report).expect("a report")).expect("JSON");
        inputs.push(items(&report, "inputs").len());
    }
    assert_eq!(inputs, [1, 2], "the capture; and the report of the run before, which is no capture");
}

#[test]
fn an_output_is_named_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("r.json");
    let path = path.to_str().expect("UTF-8");
    for twice in [path, "-"] {
        let ended = run(&["analyze", lab("refresh").to_str().expect("UTF-8"), "-o", twice, "-o", twice]).exits(2);
        assert_eq!(ended.complains("named twice").out, "");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing left behind");
}

/// Who follows an NDJSON file keeps seeing it; who reads another format never sees half of it.
#[test]
fn only_ndjson_is_written_in_place() {
    let folder = tempfile::tempdir().expect("a folder");
    for (file, is_followed) in [("r.ndjson", true), ("r.json", false), ("r.txt", false)] {
        let (path, link) = (folder.path().join(file), folder.path().join(format!("{file}.link")));
        fs::write(&path, "x".repeat(100_000)).expect("a file");
        fs::hard_link(&path, &link).expect("a link");
        analyze(&lab("refresh"), &["-o", path.to_str().expect("UTF-8")]).exits(0);
        let (written, followed) = (fs::read(&path).expect("a report"), fs::read(&link).expect("the old file"));
        assert_eq!(written == followed, is_followed, "{file}");
        assert!(!written.ends_with(b"x"), "{file}: nothing of the old file is left");
    }
}

/// What fails no run is no error: a last record cut short, and a file beside captures. What does is one.
#[test]
fn junit_calls_inputs_errors_only_if_the_run_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = fs::read(lab("refresh")).expect("a fixture");
    fs::write(folder.path().join("cut.pcap"), &whole[..whole.len() - 5]).expect("a file");
    fs::write(folder.path().join("notes.txt"), b"not a capture").expect("a file");
    let xml = analyze(folder.path(), &["-q", "-f", "junit"]).exits(0).out;
    assert!(xml.contains("errors=\"0\"") && !xml.contains("<error"), "{xml}");
    let xml = analyze(&folder.path().join("notes.txt"), &["-q", "-f", "junit"]).exits(2).out;
    assert!(xml.contains("errors=\"1\"") && xml.contains("<error message="), "{xml}");
}

/// What a hostile element says: control characters, changes of direction, what is not seen, markup, and no blank to break at.
#[test]
fn what_the_network_says_stays_text_and_on_the_page() {
    let (phone, server) = addresses(false);
    let mut wire = Wire::new(Link::Ethernet);
    let name = "\u{202e}\u{2066}\u{200b}\u{1b}[2J<b>&\"]]>電話";
    let invite = Message::request("INVITE", format_args!("sip:{}@example.com", "x".repeat(300)))
        .via("UDP", "phone.example.com", "z9hG4bKa")
        .max_forwards(70)
        .from("<sip:alice@example.com>", "a")
        .to("<sip:callee@example.com>", None)
        .call_id("hostile")
        .cseq(1, "INVITE")
        .user_agent(name)
        .finish();
    let moved = Message::reply(&invite, 301, Some("s")).server(name).finish();
    let packets = [wire.udp(EPOCH, phone, server, &invite), wire.udp(EPOCH + MILLISECOND, server, phone, &moved)];
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hostile.pcap");
    fs::write(&path, file(Layout::usual(Link::Ethernet), &packets).expect("memory")).expect("a file");
    for format in ["text", "junit"] {
        let out = analyze(&path, &["-q", "-f", format]).exits(0).out;
        let hidden = |c: char| (c.is_control() && c != '\n') || ['\u{200b}', '\u{202e}', '\u{2066}'].contains(&c);
        assert_eq!(out.find(hidden), None, "{format}: {out}");
        assert!(out.contains("\\u{202e}") && out.contains("電話"), "{format}: what is hidden is shown: {out}");
        assert!(format == "text" || !(out.contains("<b>") || out.contains("]]>")), "{format}: {out}");
        assert!(format == "junit" || out.lines().all(|line| line.chars().count() <= 100), "{format}: {out}");
    }
}

/// A link leads on: what it points to is replaced, with its permissions, and the link stays.
#[cfg(unix)]
#[test]
fn an_output_is_written_where_a_link_leads() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().expect("a folder");
    let (place, link) = (folder.path().join("real.json"), folder.path().join("link.json"));
    fs::write(&place, "old").expect("a file");
    fs::set_permissions(&place, fs::Permissions::from_mode(0o640)).expect("permissions");
    symlink(&place, &link).expect("a link");
    analyze(&lab("refresh"), &["-q", "-o", link.to_str().expect("UTF-8")]).exits(0);
    assert!(fs::symlink_metadata(&link).expect("a link").is_symlink());
    assert!(fs::read_to_string(&place).expect("a report").starts_with('{'));
    assert_eq!(fs::metadata(&place).expect("a file").permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2, "nothing left behind");
}

/// What is said on standard error moves no cursor, whatever files are called.
#[test]
fn names_of_files_do_not_reach_the_terminal_as_they_are() {
    let ended = analyze(Path::new("/no/\u{1b}[2J\u{202e}such.pcap"), &[]).exits(2).complains("\\u{1b}[2J\\u{202e}such");
    assert!(!ended.err.contains('\u{1b}'), "{:?}", ended.err);
}

#[test]
fn names_stand_beside_addresses_in_every_output() {
    let folder = tempfile::tempdir().expect("a folder");
    let aliases = folder.path().join("hosts");
    fs::write(&aliases, "# of the lab\n127.0.0.1  lab-host other # both\n\n2001:db8::1\tedge\n").expect("a file");
    let aliases = aliases.to_str().expect("UTF-8");
    let path = |file: &str| folder.path().join(file).to_str().expect("UTF-8").to_owned();
    let outputs = [path("r.json"), path("r.ndjson"), path("r.txt"), path("r.junit.xml"), path("r.html"), path("csv/")];
    let arguments: Vec<&str> = outputs.iter().flat_map(|output| ["-o", output.as_str()]).collect();
    analyze(&lab("clean-udp"), &[&["--aliases", aliases][..], &arguments].concat()).exits(0);
    let report: Value = serde_json::from_str(&read(folder.path(), "r.json")).expect("JSON");
    for redirect in items(&report, "redirects") {
        assert_eq!(redirect["client"]["name"], "lab-host", "{redirect:#}");
    }
    assert_eq!(report["interval_requirements"][0]["clients"][0]["name"], "lab-host");
    assert_eq!(report["address_updates"][0]["clients"][0]["name"], "lab-host");
    let summaries = || items(&report, "findings").iter().filter_map(|finding| finding["summary"].as_str());
    assert!(summaries().any(|summary| summary.contains(" at 127.0.0.1:5070 (lab-host) answered")), "{report:#}");
    for file in ["r.ndjson", "r.txt", "r.junit.xml", "r.html", "csv/redirects.csv", "csv/address-updates.csv"] {
        assert!(read(folder.path(), file).contains("lab-host"), "{file}");
    }
    let capture = lab("messy-udp");
    let show = ["show", capture.to_str().expect("UTF-8"), "--call-id", "nAgPe", "--aliases", aliases];
    assert!(run(&show).exits(0).out.contains("127.0.0.1:5090  lab-host, LabPhone/1.0"));
    let plain: Value = analyze(&capture, &[]).exits(0).report();
    assert_eq!(plain["redirects"][0]["client"]["name"], Value::Null);
    fs::write(folder.path().join("bad"), "127.0.0.1 a\nnobody here\n").expect("a file");
    analyze(&capture, &["--aliases", &path("bad")]).exits(2).complains("bad:2: an address and a name");
}

#[test]
fn a_format_of_folders_needs_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = format!("{}/", folder.path().join("tables").display());
    analyze(&lab("clean-udp"), &["-f", "csv"]).exits(2).complains("-o");
    analyze(&lab("clean-udp"), &["-f", "csv", "-o", &place]).exits(0);
    assert!(folder.path().join("tables/redirects.csv").exists());
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_has_what_the_report_has() {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::RowAccessor as _;

    for name in LAB {
        let folder = tempfile::tempdir().expect("a folder");
        let place = format!("{}/", folder.path().join("tables").display());
        let json = folder.path().join("r.json").display().to_string();
        analyze(&lab(name), &["--dialogs", "all", "-f", "parquet", "-o", &place, "-o", &json]).exits(0);
        let report: Value = serde_json::from_str(&read(folder.path(), "r.json")).expect("JSON");
        let rows = |table: &str| {
            let file = fs::File::open(folder.path().join("tables").join(table)).expect("a table");
            let reader = SerializedFileReader::new(file).expect("Parquet");
            let rows: Vec<_> = reader.get_row_iter(None).expect("rows").map(|row| row.expect("a row")).collect();
            rows
        };
        for section in ["redirects", "negotiations", "findings"] {
            let found: Vec<String> = rows(&format!("{section}.parquet"))
                .iter()
                .map(|row| row.get_string(0).expect("an id").clone())
                .collect();
            let wanted: Vec<&str> = items(&report, section).iter().filter_map(|item| item["id"].as_str()).collect();
            assert_eq!(found, wanted, "{name}: {section}");
        }
        let statuses: Vec<Option<i64>> = rows("redirects.parquet").iter().map(|row| row.get_long(6).ok()).collect();
        let wanted: Vec<Option<i64>> =
            items(&report, "redirects").iter().map(|redirect| redirect["status"].as_i64()).collect();
        assert_eq!(statuses, wanted, "{name}: statuses");
        let messages: usize = items(&report, "dialogs").iter().map(|dialog| items(dialog, "messages").len()).sum();
        assert_eq!(rows("messages.parquet").len(), messages, "{name}: messages");
    }
}
