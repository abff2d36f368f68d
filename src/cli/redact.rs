//! `reinvite redact`: a capture that can be shown to others.

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::Args;

use reinvite::capture::{CaptureOptions, Feeder};
use reinvite::redact::{Pseudonyms, digest};

use super::capture_file::CaptureFile;
use super::{Exit, complain};

/// Options of `redact`.
#[derive(Debug, Args)]
pub(super) struct Redact {
    /// A capture file, or - for standard input
    #[arg(value_name = "CAPTURE")]
    capture: PathBuf,
    /// Where the redacted capture goes
    #[arg(value_name = "OUTPUT.pcapng")]
    output: PathBuf,
    /// What pseudonyms follow from: the same key gives the same ones in every capture. Without it they follow from the content of
    /// the capture, so that whoever has the original can undo them
    #[arg(long, value_name = "SECRET", env = "REINVITE_REDACT_KEY", hide_env_values = true)]
    key: Option<String>,
    /// A header that names another call, such as X-Call-ID; repeatable
    #[arg(long, value_name = "NAME")]
    leg_header: Vec<String>,
    /// Threads to work with; all cores if not given
    #[arg(long, value_name = "N", env = "REINVITE_THREADS", default_value_t = 0, hide_default_value = true)]
    threads: usize,
}

impl Redact {
    /// Reads the capture and writes the other.
    pub(super) fn run(self) -> Exit {
        match self.redacted() {
            Ok(exit) => exit,
            Err((exit, problem)) => {
                complain(&problem);
                exit
            }
        }
    }

    fn redacted(self) -> Result<Exit, (Exit, String)> {
        let unusable = |problem: &dyn std::fmt::Display| (Exit::Unusable, problem.to_string());
        let capture = std::iter::once(self.capture.as_path());
        let pseudonyms =
            pseudonyms(self.key.as_deref(), "--key", capture, &self.leg_header).map_err(|text| unusable(&text))?;
        let workers = reinvite::pipeline::workers(self.threads).map_err(|problem| unusable(&problem))?;
        let captures = std::slice::from_ref(&self.capture);
        let feeder = Feeder::open(captures, &CaptureOptions::default()).map_err(|problem| unusable(&problem))?;
        let mut output = CaptureFile::open(&self.output, &[self.capture.as_path()])?;
        let written = reinvite::pipeline::redact(feeder, &pseudonyms, &|_| true, &workers, output.out());
        let redacted = match written {
            Ok(redacted) => redacted,
            Err(problem) => {
                output.abandon();
                return Err((Exit::Unwritten, problem.to_string()));
            }
        };
        let mut exit = Exit::Done;
        for input in &redacted.inputs {
            let Some(problem) = &input.problem else { continue };
            complain(&format!("{}: {problem}", input.path.display()));
            if problem.is_fatal() {
                exit = Exit::Unusable;
            }
        }
        output.place().map_err(|problem| (Exit::Unwritten, problem.to_string()))?;
        Ok(exit)
    }
}

/// The pseudonyms that follow from a key, or else from the content of the captures, each of which must be a file then. `option` is what
/// takes the key.
pub(super) fn pseudonyms<'a>(
    key: Option<&str>,
    option: &str,
    captures: impl Iterator<Item = &'a Path>,
    leg_headers: &[String],
) -> Result<Pseudonyms, String> {
    let mut all = Vec::new();
    match key {
        Some(key) => all.extend_from_slice(key.as_bytes()),
        None => {
            for capture in captures {
                if !capture.is_file() {
                    return Err(format!("{}: is no file; give a {option}", capture.display()));
                }
                let digest = File::open(capture).and_then(digest);
                all.extend(digest.map_err(|problem| format!("{}: {problem}", capture.display()))?);
            }
        }
    }
    Ok(leg_headers.iter().fold(Pseudonyms::new(&all), |pseudonyms, name| pseudonyms.with_call_header(name)))
}
