//! `reinvite analyze`: the main job.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use reinvite::analysis::Analysis;
use reinvite::capture::{CaptureOptions, Feeder, SourcePolicy};
use reinvite::findings::{RULES, Severity};
use reinvite::options::{DialogsListed, Options, Selection, is_family};
use reinvite::report::{Spacing, View};

use super::filters::Filters;
use super::output::Output;
use super::{Exit, complain};

/// Options of `analyze`.
#[derive(Debug, Args)]
pub(super) struct Analyze {
    /// A file, a folder, a pattern of a rotated set, or - for standard input
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
    /// Where the report goes; repeatable, the ending picks the format, a folder gets a CSV file for each section; - or
    /// nothing: standard output
    #[arg(short, long, value_name = "PATH")]
    output: Vec<PathBuf>,
    /// Format, when the ending cannot say: json, ndjson, text, html, junit, prometheus
    #[arg(short, long, value_name = "NAME")]
    format: Option<String>,
    /// JSON in one line
    #[arg(long)]
    compact: bool,
    /// Which dialogs are listed in full
    #[arg(long, value_enum, default_value_t = Dialogs::Flagged)]
    dialogs: Dialogs,
    /// Report only these findings; a prefix such as timer-422 selects a family
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    select: Vec<String>,
    /// Do not report these findings
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    ignore: Vec<String>,
    /// Mildest severity that is reported
    #[arg(long, value_enum, default_value_t = Level::Info)]
    min_severity: Level,
    /// Exit with 1 if a finding of this severity or above was reported
    #[arg(long, value_enum)]
    fail_on: Option<Level>,
    #[command(flatten)]
    filter: Filters,
    /// Which inputs continue each other, so that calls, streams and fragments go on from one to the next
    #[arg(long, value_enum, default_value_t = Source::Auto)]
    source: Source,
    /// Threads to work with; all cores if not given
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    threads: usize,
    /// No summary on standard error
    #[arg(short, long)]
    quiet: bool,
    /// Bytes of a window of records
    #[arg(long, hide = true, value_name = "BYTES")]
    window_size: Option<usize>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Dialogs {
    None,
    Flagged,
    All,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Level {
    Info,
    Notice,
    Warning,
    Error,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Source {
    Auto,
    Separate,
    Joined,
}

impl From<Level> for Severity {
    fn from(level: Level) -> Self {
        match level {
            Level::Info => Self::Info,
            Level::Notice => Self::Notice,
            Level::Warning => Self::Warning,
            Level::Error => Self::Error,
        }
    }
}

impl Analyze {
    /// Reads the captures and writes the reports.
    pub(super) fn run(self) -> Exit {
        for name in self.select.iter().chain(&self.ignore) {
            if !RULES.iter().any(|rule| is_family(name, rule.id)) {
                complain(&format!("no rule or family of rules is named {name:?}; `reinvite rules` lists them"));
                return Exit::Unusable;
            }
        }
        let options = self.options();
        let opened = reinvite::pipeline::workers(options.threads)
            .and_then(|workers| Ok((workers, Feeder::open(&self.captures, &options.capture)?)));
        let (workers, feeder) = match opened {
            Ok(opened) => opened,
            Err(problem) => return refuse(&problem, Exit::Unusable),
        };
        // What folders and patterns stand for is known now, and no draft of a report can be among it.
        let inputs: Vec<&Path> = self.captures.iter().map(PathBuf::as_path).chain(feeder.captures()).collect();
        let outputs = match Output::open(&self.output, self.format.as_deref(), &inputs) {
            Ok(outputs) => outputs,
            Err((exit, problem)) => return refuse(&problem, exit),
        };
        let options = Options { quotable: outputs.iter().any(Output::quotes), ..options };
        let mut analysis = match reinvite::pipeline::analyze_feed(feeder, &options, &workers) {
            Ok(analysis) => analysis,
            Err(problem) => {
                outputs.into_iter().for_each(Output::abandon);
                return refuse(&problem, Exit::Unusable);
            }
        };
        if options.quotable {
            reinvite::pipeline::quote(&mut analysis);
        }
        let exit = self.judge(&analysis);
        let view = View::new(&analysis);
        let spacing = if self.compact { Spacing::Compact } else { Spacing::Wide };
        let exit =
            workers.install(|| outputs.into_iter().fold(exit, |exit, output| exit.max(write(output, &view, spacing))));
        // The process ends now: giving back what millions of texts took, one by one, would only take time.
        std::mem::forget(analysis);
        exit
    }

    fn options(&self) -> Options {
        let defaults = CaptureOptions::default();
        Options {
            capture: CaptureOptions {
                window_size: self.window_size.unwrap_or(defaults.window_size),
                sources: match self.source {
                    Source::Auto => SourcePolicy::Auto,
                    Source::Separate => SourcePolicy::Separate,
                    Source::Joined => SourcePolicy::Joined,
                },
                ..defaults
            },
            dialogs: match self.dialogs {
                Dialogs::None => DialogsListed::None,
                Dialogs::Flagged => DialogsListed::Flagged,
                Dialogs::All => DialogsListed::All,
            },
            selection: Selection {
                select: self.select.clone(),
                ignore: self.ignore.clone(),
                min_severity: Some(self.min_severity.into()),
            },
            filter: self.filter.filter(),
            threads: self.threads,
            ..Options::default()
        }
    }

    /// Says what is wrong with inputs, and what the exit code is so far.
    fn judge(&self, analysis: &Analysis) -> Exit {
        let mut exit = Exit::Done;
        for input in &analysis.inputs {
            let Some(problem) = &input.problem else { continue };
            if problem.is_fatal() || !self.quiet {
                complain(&format!("{}: {problem}", input.path.display()));
            }
            if problem.is_fatal() {
                exit = exit.max(Exit::Unusable);
            }
        }
        let least = self.fail_on.map(Severity::from);
        if least.is_some_and(|least| analysis.findings.iter().any(|finding| finding.severity >= least)) {
            exit = exit.max(Exit::Findings);
        }
        exit
    }
}

fn refuse(problem: &dyn std::fmt::Display, exit: Exit) -> Exit {
    complain(problem);
    exit
}

fn write(output: Output, view: &View<'_>, spacing: Spacing) -> Exit {
    match output.write(view, spacing) {
        Ok(()) => Exit::Done,
        Err(problem) => {
            complain(&problem);
            Exit::Unwritten
        }
    }
}
