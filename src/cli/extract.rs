//! `--extract`: the packets of the listed calls, as a capture of their own.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use rayon::ThreadPool;

use reinvite::analysis::Analysis;
use reinvite::capture::Feeder;
use reinvite::error::Error;
use reinvite::options::{DialogsListed, Options};
use reinvite::pipeline::{Excerpt, excerpt, redact};
use reinvite::redact::Pseudonyms;

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

/// Writes the excerpt; with pseudonyms, the messages of the calls in packets of their own.
pub(super) fn write(
    mut file: CaptureFile,
    analysis: &Analysis,
    options: &Options,
    workers: &ThreadPool,
) -> Result<Excerpt, Error> {
    let written = match &options.pseudonyms {
        None => excerpt(analysis, options, workers, file.out()),
        Some(pseudonyms) => redacted(analysis, options, pseudonyms, workers, file.out()),
    };
    match written {
        Ok(written) => file.place().map(|()| written),
        Err(problem) => {
            file.abandon();
            Err(problem)
        }
    }
}

/// Writes the messages of the listed calls, and of those linked to them, with pseudonyms.
fn redacted(
    analysis: &Analysis,
    options: &Options,
    pseudonyms: &Pseudonyms,
    workers: &ThreadPool,
    out: (&Path, &mut (dyn Write + Send)),
) -> Result<Excerpt, Error> {
    let captures: Vec<PathBuf> = analysis.inputs.iter().map(|input| input.path.clone()).collect();
    let calls: HashSet<&[u8]> = analysis.concerned().collect();
    let feeder = Feeder::open(&captures, &options.capture)?;
    let written = redact(feeder, pseudonyms, &|call_id| calls.contains(call_id), workers, out)?;
    Ok(Excerpt { calls: calls.len() as u64, packets: written.messages })
}
