//! The shape of `src/`: rooms in flow order, one way, and what no file may hold.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::captures::{files, project};

/// The rooms in flow order, with what stands between them: each may use those before it.
const ORDER: [&str; 13] = [
    "capture",
    "decode",
    "reassembly",
    "stream",
    "sip",
    "redact",
    "correlation",
    "findings",
    "counters",
    "analysis",
    "options",
    "report",
    "pipeline",
];

/// What everything may use.
const BASE: [&str; 6] = ["error", "extent", "limits", "net", "progress", "time"];

/// Those that may use no room at all, and the counters and options that stand between rooms and their users.
const FREE: [&str; 4] = ["lib", "main", "cli", "pipeline"];

/// Lines of a file without its tests.
const MOST_LINES: usize = 500;

/// A source file: its path from `src/`, the room it is in, and its text without comments and tests.
struct Source {
    path: String,
    room: String,
    code: String,
}

fn sources() -> Vec<Source> {
    let root = project().join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for path in files(&folder) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs")
                && !is_test(path.strip_prefix(&root).expect("in src"))
            {
                found.push(source(&root, &path));
            }
        }
    }
    assert!(found.len() > 50, "only {} source files", found.len());
    found
}

/// Files that are compiled for tests only.
fn is_test(path: &Path) -> bool {
    let is_test = |name: &str| ["tests", "testing", "torture"].contains(&name) || name.ends_with("_tests");
    path.with_extension("").iter().any(|part| is_test(&part.to_string_lossy()))
}

fn source(root: &Path, path: &PathBuf) -> Source {
    let text = fs::read_to_string(path).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
    let path = path.strip_prefix(root).expect("in src").to_string_lossy().into_owned();
    let room = path.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned();
    // Tests stand last.
    let mut code = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line == "#[cfg(test)]" && lines.peek().is_some_and(|next| next.starts_with("mod ") && next.ends_with('{')) {
            break;
        }
        code.push(line.split("//").next().unwrap_or_default());
    }
    Source { path, room, code: code.join("\n") }
}

/// The modules of this crate that code names: `crate::name`, and `crate::{name, name::…}`.
fn used(code: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut used = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            used.push(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut start = true;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if start && depth == 0 && !c.is_whitespace() => {
                    used.push(word(&group[at..]));
                    start = false;
                }
                _ => {}
            }
        }
    }
    used.retain(|name| !name.is_empty());
    used
}

#[test]
fn nothing_is_used_downstream() {
    let place = |name: &str| ORDER.iter().position(|room| *room == name);
    let mut wrong = Vec::new();
    for source in sources() {
        if FREE.contains(&source.room.as_str()) {
            continue;
        }
        for used in used(&source.code) {
            let is_own = used == source.room;
            let is_base = BASE.contains(&used.as_str());
            let is_upstream = place(&used).zip(place(&source.room)).is_some_and(|(used, own)| used < own);
            // What everything may use uses nothing but itself.
            if !is_own && !is_base && !is_upstream {
                wrong.push(format!("{} uses crate::{used}", source.path));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "against the flow");
}

#[test]
fn every_module_has_its_place() {
    let known = |room: &str| ORDER.contains(&room) || BASE.contains(&room) || FREE.contains(&room) || room == "explain";
    for source in sources() {
        assert!(known(&source.room), "{}: where in the flow is it? Say so in this test", source.path);
    }
}

#[test]
fn no_file_is_a_giant() {
    for source in sources() {
        let lines = source.code.lines().count();
        assert!(lines <= MOST_LINES, "{}: {lines} lines without tests; {MOST_LINES} is the most", source.path);
    }
}

#[test]
fn no_file_holds_what_is_forbidden() {
    for Source { path, room, code } in sources() {
        assert!(!code.contains("unsafe") || code.contains("#![forbid(unsafe_code)]"), "{path}: unsafe code");
        // What pcap-parser returns is in terms of nom; its user need not know more of it.
        let own = if room == "capture" { code.replace("pcap_parser::nom::", "") } else { code.clone() };
        assert!(!own.contains("nom::") || room == "sip", "{path}: nom stays in the sip room");
        for clock in ["Instant", "SystemTime", "UNIX_EPOCH"] {
            let is_used = code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == clock);
            assert!(!is_used, "{path}: time comes from the capture, not from {clock}");
        }
    }
}

#[test]
fn every_file_says_what_it_is() {
    for source in sources() {
        let text = fs::read_to_string(project().join("src").join(&source.path)).expect("a source file");
        assert!(text.starts_with("//! "), "{}: the first line is to say what the file does", source.path);
    }
}

#[test]
fn the_crate_forbids_unsafe_code() {
    for root in ["src/lib.rs", "src/main.rs"] {
        let text = fs::read_to_string(project().join(root)).expect("a source file");
        assert!(text.contains("#![forbid(unsafe_code)]"), "{root}");
    }
}

#[test]
fn the_test_sees_what_it_looks_for() {
    assert_eq!(used("use crate::sip::{A, B};\nfn f() { crate::net::x() }"), ["sip", "net"]);
    assert_eq!(used("use crate::{\n    decode::{a, b},\n    report,\n};"), ["decode", "report"]);
}
