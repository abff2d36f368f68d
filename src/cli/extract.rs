//! `--extract`: the packets of the listed calls, as a capture of their own.

use std::fs;
use std::path::Path;

use rayon::ThreadPool;

use reinvite::analysis::Analysis;
use reinvite::error::Error;
use reinvite::options::{DialogsListed, Options};
use reinvite::pipeline::{Excerpt, excerpt};

use super::Exit;
use super::capture_file::CaptureFile;

/// Opens the place of an excerpt before the run, so that a bad path is known at once. `captures` are read again for it,
/// `inputs` are read at all and never written.
pub(super) fn open<'a>(
    path: &Path,
    inputs: &[&Path],
    captures: impl Iterator<Item = &'a Path>,
    options: &Options,
) -> Result<CaptureFile, (Exit, String)> {
    if options.dialogs == DialogsListed::None {
        return Err((Exit::Unusable, "--extract writes the calls that --dialogs lists, and it lists none".to_owned()));
    }
    let mut once = captures.filter(|capture| !fs::metadata(capture).is_ok_and(|metadata| metadata.is_file()));
    if let Some(capture) = once.next() {
        let text = format!(
            "{}: can be read only once, and --extract reads captures a second time; write it to a file first",
            capture.display()
        );
        return Err((Exit::Unusable, text));
    }
    CaptureFile::open(path, inputs)
}

/// Writes the excerpt.
pub(super) fn write(
    mut file: CaptureFile,
    analysis: &Analysis,
    options: &Options,
    workers: &ThreadPool,
) -> Result<Excerpt, Error> {
    match excerpt(analysis, options, workers, file.out()) {
        Ok(written) => file.place().map(|()| written),
        Err(problem) => {
            file.abandon();
            Err(problem)
        }
    }
}
