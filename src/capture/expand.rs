//! From what was named on the command line to the inputs: folders, patterns, standard input.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::files::STDIN;
use super::pattern;
use super::problem::Problem;

/// An input before it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) path: PathBuf,
    /// The folder it was found in, as an index into [`Expanded::folders`]; `None` if it was named itself.
    pub(super) folder: Option<usize>,
    /// Bytes it has, if it is a regular file: one that can be opened more than once.
    pub(super) size_bytes: Option<u64>,
    /// Why there is nothing to open.
    pub(super) problem: Option<Problem>,
}

/// What the named paths stand for, in the order in which they were named.
#[derive(Debug, Default)]
pub(super) struct Expanded {
    pub(super) candidates: Vec<Candidate>,
    pub(super) folders: Vec<PathBuf>,
}

/// Replaces each folder by the regular files in it and each pattern by the paths it stands for, sorted by path.
///
/// Folders inside folders are not followed. A path named twice is an input twice. A pattern is one only if there is no
/// file of that very name, and only in the file name.
pub(super) fn expand(named: &[PathBuf]) -> Expanded {
    let mut expanded = Expanded::default();
    for path in named {
        match pattern_paths(path) {
            Some(paths) if paths.is_empty() => {
                expanded.push(
                    path.clone(),
                    None,
                    Err(io::Error::new(io::ErrorKind::NotFound, "no file has such a name")),
                );
            }
            Some(paths) => paths.into_iter().for_each(|path| expanded.path(path)),
            None => expanded.path(path.clone()),
        }
    }
    expanded
}

impl Expanded {
    /// A path that is no pattern.
    fn path(&mut self, path: PathBuf) {
        if path.as_os_str() == STDIN {
            return self.push(path, None, Ok(None));
        }
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => self.folder(path),
            Ok(metadata) => self.push(path, None, Ok(metadata.is_file().then_some(metadata.len()))),
            Err(error) => self.push(path, None, Err(error)),
        }
    }

    fn folder(&mut self, folder: PathBuf) {
        let mut files = match listed(&folder) {
            Ok(files) => files,
            Err(error) => return self.push(folder, None, Err(error)),
        };
        files.sort();
        let index = self.folders.len();
        self.folders.push(folder);
        for path in files {
            // What is gone or is no regular file any more is left out, as it would have been if it had never been there.
            if let Some(metadata) = fs::metadata(&path).ok().filter(fs::Metadata::is_file) {
                self.push(path, Some(index), Ok(Some(metadata.len())));
            }
        }
    }

    fn push(&mut self, path: PathBuf, folder: Option<usize>, size: io::Result<Option<u64>>) {
        let (size_bytes, problem) = match size {
            Ok(size_bytes) => (size_bytes, None),
            Err(error) => (None, Some(Problem::Unreadable { offset: 0, reason: error.to_string() })),
        };
        self.candidates.push(Candidate { path, folder, size_bytes, problem });
    }
}

fn listed(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
}

/// The paths that a pattern stands for, sorted; `None` if the path is none.
fn pattern_paths(path: &Path) -> Option<Vec<PathBuf>> {
    let name = path.file_name()?.to_str().filter(|name| pattern::is_pattern(name))?;
    if fs::symlink_metadata(path).is_ok() {
        return None;
    }
    let parent = path.parent()?;
    let folder = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| {
            let found = entry.ok()?.file_name();
            // A name that is no text has something in place of what is none, which a star or a question mark stands for.
            // Joined to what was named, so that `*.pcap` gives `a.pcap` and not `./a.pcap`.
            pattern::matches(name, &found.to_string_lossy()).then(|| parent.join(found))
        })
        .collect();
    paths.sort();
    Some(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(expanded: &Expanded, root: &Path) -> Vec<String> {
        let relative = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned();
        expanded.candidates.iter().map(|candidate| relative(&candidate.path)).collect()
    }

    #[test]
    fn folders_and_patterns_are_replaced_in_place() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::create_dir_all(at("ring/inner")).unwrap();
        for name in ["ring/b.pcap", "ring/a.pcap", "ring/inner/c.pcap", "x1.pcap", "x2.pcap", "odd[1].pcap"] {
            fs::write(at(name), name).unwrap();
        }
        let expanded =
            expand(&["x2.pcap", "ring", "x?.pcap", "odd[1].pcap", "-", "y*", "missing"].map(|name| match name {
                "-" => PathBuf::from("-"),
                _ => at(name),
            }));
        assert_eq!(
            names(&expanded, root.path()),
            ["x2.pcap", "ring/a.pcap", "ring/b.pcap", "x1.pcap", "x2.pcap", "odd[1].pcap", "-", "y*", "missing"]
        );
        let folders: Vec<_> = expanded.candidates.iter().map(|candidate| candidate.folder).collect();
        assert_eq!(folders[..3], [None, Some(0), Some(0)]);
        assert_eq!(expanded.candidates[1].size_bytes, Some(11));
        assert_eq!(expanded.candidates[6].size_bytes, None);
        let problems: Vec<_> = expanded.candidates.iter().map(|candidate| candidate.problem.is_some()).collect();
        assert_eq!(problems, [false, false, false, false, false, false, false, true, true]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn patterns_stand_for_names_that_are_no_text() {
        use std::os::unix::ffi::OsStrExt;
        let root = tempfile::tempdir().unwrap();
        let odd = root.path().join(std::ffi::OsStr::from_bytes(b"n\xff\xfe.pcap"));
        fs::write(&odd, "1").unwrap();
        for (pattern, matches) in [("*.pcap", true), ("n??.pcap", true), ("n?.pcap", false)] {
            let paths: Vec<PathBuf> =
                expand(&[root.path().join(pattern)]).candidates.into_iter().map(|found| found.path).collect();
            assert_eq!(paths.contains(&odd), matches, "{pattern}: {paths:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_to_files_are_followed_and_broken_ones_left_out() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::create_dir(at("ring")).unwrap();
        fs::write(at("real"), "1234").unwrap();
        std::os::unix::fs::symlink(at("real"), at("ring/link")).unwrap();
        std::os::unix::fs::symlink(at("gone"), at("ring/broken")).unwrap();
        let expanded = expand(&[at("ring")]);
        assert_eq!(names(&expanded, root.path()), ["ring/link"]);
        assert_eq!(expanded.candidates[0].size_bytes, Some(4));
    }
}
