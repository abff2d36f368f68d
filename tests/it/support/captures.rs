//! Where captures are.

use std::fs;
use std::path::{Path, PathBuf};

/// The lab recordings, without their ending.
pub(crate) const LAB: [&str; 6] = ["clean-udp", "clean-tcp", "refresh", "expiry", "messy-udp", "messy-tcp"];

/// The top folder of the project.
pub(crate) fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A lab recording.
pub(crate) fn lab(name: &str) -> PathBuf {
    project().join("fixtures/lab").join(name).with_extension("pcap")
}

/// All files under `fixtures/` that are captures.
pub(crate) fn fixtures() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![project().join("fixtures")];
    while let Some(folder) = folders.pop() {
        for path in files(&folder) {
            if path.is_dir() {
                folders.push(path);
            } else if matches!(path.extension().and_then(|ending| ending.to_str()), Some("pcap" | "pcapng")) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(found.len() >= LAB.len(), "fixtures are missing: {found:?}");
    found
}

/// A folder of the shared corpus; says so, once for each test, if it is not there.
#[expect(clippy::print_stdout, reason = "a skipped test must say so")]
pub(crate) fn corpus(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("REINVITE_CORPUS").map_or_else(|| project().join("../shared/corpus"), PathBuf::from);
    let folder = root.join(folder);
    if !folder.is_dir() {
        println!("skipped: no shared corpus");
        return None;
    }
    Some(folder)
}

/// The captures of a folder of the shared corpus; none if it is not there.
pub(crate) fn corpus_captures(folder: &str) -> Vec<PathBuf> {
    let is_capture = |path: &PathBuf| path.is_file() && path.extension().is_some_and(|ending| ending != "tsv");
    corpus(folder).map_or_else(Vec::new, |folder| files(&folder).into_iter().filter(is_capture).collect())
}

/// What a folder holds, sorted.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|problem| panic!("{}: {problem}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

/// The name of a file, for messages.
pub(crate) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
