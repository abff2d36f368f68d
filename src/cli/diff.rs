//! `reinvite diff`: what changed between two reports.

use std::path::PathBuf;

use clap::Args;

use reinvite::report::diff::diff;
use reinvite::report::earlier::Earlier;

use super::words::{Level, ListFormat};
use super::{Exit, complain, say};

/// Options of `diff`.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The JSON report from before
    #[arg(value_name = "OLD.json")]
    old: PathBuf,
    /// The JSON report from after
    #[arg(value_name = "NEW.json")]
    new: PathBuf,
    /// How the comparison is written
    #[arg(short, long, value_enum, default_value_t = ListFormat::Text)]
    format: ListFormat,
    /// The mildest severity with which a new finding makes a report worse
    #[arg(long, value_enum, default_value_t = Level::Warning)]
    fail_on: Level,
}

impl Diff {
    /// Writes the comparison; exit code 1 says that the new report is worse.
    pub(super) fn run(self) -> Exit {
        let reports = Earlier::read(&self.old).and_then(|old| Ok((old, Earlier::read(&self.new)?)));
        let (old, new) = match reports {
            Ok(reports) => reports,
            Err(problem) => {
                complain(&problem);
                return Exit::Unusable;
            }
        };
        let diff = diff(&old, &new, self.fail_on.into());
        let mut text = Vec::new();
        let written = match self.format {
            ListFormat::Text => diff.write_text(&mut text),
            ListFormat::Json => diff.write_json(&mut text),
        };
        if let Err(problem) = written {
            complain(&problem);
            return Exit::Unwritten;
        }
        say(&text).max(if diff.worse { Exit::Findings } else { Exit::Done })
    }
}
