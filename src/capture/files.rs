//! Files that are read side by side: only so many are kept open, any other is opened for each read.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::read_ahead::ReadAhead;
use super::reader::Stream;
use super::window::to_u64;
use crate::limits::MAX_OPEN_FILES;

/// Name of standard input.
pub(super) const STDIN: &str = "-";

/// The files of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Files {
    open: Arc<AtomicUsize>,
}

impl Files {
    /// Opens an input.
    pub(super) fn open(&self, path: &Path) -> io::Result<Stream> {
        if path.as_os_str() == STDIN {
            return Ok(Box::new(ReadAhead::of_pipe(Box::new(io::stdin()))));
        }
        let file = File::open(path)?;
        match file.metadata() {
            Ok(metadata) if metadata.is_file() => Ok(Box::new(SharedFile {
                path: path.to_owned(),
                identity: identity(&metadata),
                at: 0,
                kept: self.keep(file),
                has_ended: false,
                files: self.clone(),
            })),
            // What is no file, such as a named pipe, comes when it comes.
            _ => Ok(Box::new(ReadAhead::of_pipe(Box::new(file)))),
        }
    }

    /// The file, to be kept open, if there are not enough of those.
    fn keep(&self, file: File) -> Option<Kept> {
        let kept = Kept { file, open: Arc::clone(&self.open) };
        (self.open.fetch_add(1, Ordering::Relaxed) < MAX_OPEN_FILES).then_some(kept)
    }
}

/// A file that counts as open.
struct Kept {
    file: File,
    open: Arc<AtomicUsize>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A file that may be closed between two reads.
struct SharedFile {
    path: PathBuf,
    identity: Identity,
    /// Where the next read begins.
    at: u64,
    kept: Option<Kept>,
    has_ended: bool,
    files: Files,
}

impl Read for SharedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.has_ended || buffer.is_empty() {
            return Ok(0);
        }
        let count = match &mut self.kept {
            Some(kept) => kept.file.read(buffer)?,
            None => {
                let mut file = self.reopen()?;
                let count = file.read(buffer)?;
                self.kept = self.files.keep(file);
                count
            }
        };
        self.at = self.at.saturating_add(to_u64(count));
        if count == 0 {
            self.has_ended = true;
            self.kept = None;
        }
        Ok(count)
    }
}

impl SharedFile {
    fn reopen(&self) -> io::Result<File> {
        let mut file = File::open(&self.path)?;
        if identity(&file.metadata()?) != self.identity {
            return Err(io::Error::other("it was replaced by another file"));
        }
        file.seek(SeekFrom::Start(self.at))?;
        Ok(file)
    }
}

/// What tells a file from another one of the same name; elsewhere than on Unix there is nothing of the kind.
#[cfg(unix)]
type Identity = (u64, u64);
#[cfg(not(unix))]
type Identity = ();

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Identity {}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_beyond_the_limit_are_read_in_pieces_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let content =
            |number: usize| (0..1_000).map(|at| u8::try_from((at + number) % 251).unwrap()).collect::<Vec<u8>>();
        let files = Files::default();
        let mut open: Vec<(Stream, Vec<u8>)> = (0..MAX_OPEN_FILES + 9)
            .map(|number| {
                let path = folder.path().join(number.to_string());
                fs::write(&path, content(number)).unwrap();
                (files.open(&path).unwrap(), Vec::new())
            })
            .collect();
        assert_eq!(files.open.load(Ordering::Relaxed), MAX_OPEN_FILES);
        for _ in 0..12 {
            for (stream, read) in &mut open {
                let mut piece = [0; 100];
                let count = stream.read(&mut piece).unwrap();
                read.extend_from_slice(&piece[..count]);
            }
        }
        for (number, (_, read)) in open.iter().enumerate() {
            assert_eq!(*read, content(number), "file {number}");
        }
        assert_eq!(files.open.load(Ordering::Relaxed), 0, "all are at their end");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_is_another_one_when_it_is_opened_again_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let [path, other] = ["ring", "new"].map(|name| folder.path().join(name));
        fs::write(&path, [1; 100]).unwrap();
        let files = Files::default();
        files.open.store(MAX_OPEN_FILES, Ordering::Relaxed);
        let mut stream = files.open(&path).unwrap();
        assert_eq!(stream.read(&mut [0; 10]).unwrap(), 10);
        fs::write(&other, [2; 100]).unwrap();
        fs::rename(&other, &path).unwrap();
        assert!(stream.read(&mut [0; 10]).is_err());
    }
}
