//! `--extract`: the packets of the listed calls, as a capture of their own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rayon::ThreadPool;

use reinvite::analysis::Analysis;
use reinvite::error::Error;
use reinvite::options::{DialogsListed, Options};
use reinvite::pipeline::{Excerpt, excerpt};

use super::Exit;
use super::output::{cannot_write, discard, draft, is_same_file};

/// A place for an excerpt, open before the run so that a bad path is known at once.
#[derive(Debug)]
pub(super) struct Extract {
    place: PathBuf,
    draft: PathBuf,
    file: File,
}

impl Extract {
    /// Opens the place. `captures` are read again for it, `inputs` are read at all and never written.
    pub(super) fn open<'a>(
        path: &Path,
        inputs: &[&Path],
        captures: impl Iterator<Item = &'a Path>,
        options: &Options,
    ) -> Result<Self, (Exit, String)> {
        let refuse = |text: &str| Err((Exit::Unusable, format!("{}: {text}", path.display())));
        if path.extension().is_none_or(|ending| ending != "pcapng") {
            return refuse("what --extract writes is pcapng; give it a name that ends in .pcapng");
        }
        if options.dialogs == DialogsListed::None {
            return refuse("--extract writes the calls that --dialogs lists, and it lists none");
        }
        if inputs.iter().any(|input| is_same_file(input, path)) {
            return refuse("is an input; name another file for the excerpt");
        }
        let mut once = captures.filter(|capture| !fs::metadata(capture).is_ok_and(|metadata| metadata.is_file()));
        if let Some(capture) = once.next() {
            return refuse(&format!(
                "--extract reads the captures a second time, and {} can be read only once; write it to a file first",
                capture.display()
            ));
        }
        let (place, draft, file) = draft(path).map_err(|problem| cannot_write(path, &problem))?;
        Ok(Self { place, draft, file })
    }

    /// Writes the excerpt.
    pub(super) fn write(
        mut self,
        analysis: &Analysis,
        options: &Options,
        workers: &ThreadPool,
    ) -> Result<Excerpt, Error> {
        let written = excerpt(analysis, options, workers, (&self.place, &mut self.file));
        let placed = written.and_then(|excerpt| {
            let moved = fs::rename(&self.draft, &self.place);
            moved.map(|()| excerpt).map_err(|source| Error::Write { path: self.place.clone(), source })
        });
        placed.inspect_err(|_| discard(&self.draft, &self.place))
    }

    /// Leaves nothing behind.
    pub(super) fn abandon(self) {
        discard(&self.draft, &self.place);
    }
}
