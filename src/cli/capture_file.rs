//! A place for a capture that is written whole or not at all.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use reinvite::error::Error;

use super::Exit;
use super::output::{cannot_write, discard, draft, is_same_file};

/// A capture in the making, written beside its place.
#[derive(Debug)]
pub(super) struct CaptureFile {
    place: PathBuf,
    draft: PathBuf,
    file: File,
}

impl CaptureFile {
    /// Opens the place, which must be none of the inputs.
    pub(super) fn open(path: &Path, inputs: &[&Path]) -> Result<Self, (Exit, String)> {
        let refuse = |text: &str| Err((Exit::Unusable, format!("{}: {text}", path.display())));
        if path.extension().is_none_or(|ending| ending != "pcapng") {
            return refuse("what is written is pcapng; give it a name that ends in .pcapng");
        }
        if inputs.iter().any(|input| is_same_file(input, path)) {
            return refuse("is an input; name another file");
        }
        let (place, draft, file) = draft(path).map_err(|problem| cannot_write(path, &problem))?;
        Ok(Self { place, draft, file })
    }

    /// Where to write, and what that will be.
    pub(super) fn out(&mut self) -> (&Path, &mut (dyn Write + Send)) {
        (&self.place, &mut self.file)
    }

    /// It is whole: moves it to its place.
    pub(super) fn place(self) -> Result<(), Error> {
        fs::rename(&self.draft, &self.place).map_err(|source| {
            discard(&self.draft, &self.place);
            Error::Write { path: self.place, source }
        })
    }

    /// Leaves nothing behind.
    pub(super) fn abandon(self) {
        discard(&self.draft, &self.place);
    }
}
