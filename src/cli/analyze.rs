//! `reinvite analyze`: the main job.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use rayon::ThreadPool;

use reinvite::analysis::Analysis;
use reinvite::capture::{CaptureOptions, Feeder, SourcePolicy};
use reinvite::error::Error;
use reinvite::findings::{Fingerprint, RULES, Settings, Severity};
use reinvite::options::{DialogsListed, Options, Selection, is_family};
use reinvite::pipeline::{analyze_feed, analyze_live};
use reinvite::redact::Pseudonyms;
use reinvite::report::earlier::{Earlier, EarlierError};
use reinvite::report::{Spacing, View};

use super::aliases;
use super::capture_file::CaptureFile;
use super::config::{Config, One};
use super::extract;
use super::filters::Filters;
use super::live::Outputs;
use super::output::Output;
use super::progress::{summarise, watched};
use super::redact::pseudonyms;
use super::words::{Level, Shown, Zone};
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
    /// Format, when the ending cannot say: json, ndjson, text, html, junit, prometheus; of a folder: csv, parquet (where built with it)
    #[arg(short, long, value_name = "NAME")]
    format: Option<String>,
    /// JSON in one line
    #[arg(long)]
    compact: bool,
    /// Which dialogs are listed in full; flagged (with a redirect, a negotiation or a finding) if not given
    #[arg(long, value_enum)]
    dialogs: Option<Dialogs>,
    /// Report only these findings; a prefix such as timer-422 selects a family
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    select: Vec<String>,
    /// Do not report these findings
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    ignore: Vec<String>,
    /// Mildest severity that is reported; info if not given
    #[arg(long, value_enum)]
    min_severity: Option<Level>,
    /// Exit with 1 if a finding of this severity or above was reported
    #[arg(long, value_enum)]
    fail_on: Option<Level>,
    /// Leave out findings that this JSON report of an earlier run has, so that only new ones are reported and can fail
    #[arg(long, value_name = "REPORT.json")]
    baseline: Vec<PathBuf>,
    #[command(flatten)]
    filter: Filters,
    /// Names for addresses, in a file like /etc/hosts: an address and a name a line
    #[arg(long, value_name = "PATH")]
    aliases: Option<PathBuf>,
    /// Write the packets of the listed calls to this file, with their fragments and whole TCP connections; needs captures
    /// that can be read twice
    #[arg(long, value_name = "PATH.pcapng")]
    extract: Option<PathBuf>,
    /// A header that ties the calls on both sides of a back-to-back user agent, such as X-Call-ID; Session-ID is used by itself; repeatable
    #[arg(long, value_name = "NAME")]
    leg_header: Vec<String>,
    /// Put pseudonyms in place of users, display names, hosts and addresses in all outputs
    #[arg(long)]
    redact: bool,
    /// What pseudonyms follow from: the same key gives the same ones in every run. Without it they follow from the content of the captures,
    /// so that whoever has the originals can undo them
    #[arg(long, value_name = "SECRET", env = "REINVITE_REDACT_KEY", hide_env_values = true)]
    redact_key: Option<String>,
    /// Which inputs continue each other, so that calls, streams and fragments go on from one to the next
    #[arg(long, value_enum)]
    source: Option<Source>,
    /// Threads to work with; all cores if not given
    #[arg(long, value_name = "N", env = "REINVITE_THREADS")]
    threads: Option<usize>,
    /// Options from this file, in TOML with the same names; what is given here goes before them
    #[arg(long, value_name = "PATH")]
    config: Option<PathBuf>,

    /// Thresholds of rules, which the file may set.
    #[arg(skip)]
    settings: Settings,
    /// Time zone for text and HTML, such as Europe/Berlin; other formats keep UTC
    #[arg(long, value_name = "ZONE")]
    timezone: Option<Zone>,
    /// Whether progress is shown on standard error; auto: if that is a terminal
    #[arg(long, value_enum)]
    progress: Option<Shown>,
    /// Nothing on standard error but failures
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// A summary on standard error even where no terminal is, with what was not looked at
    #[arg(short, long)]
    verbose: bool,
    /// Bytes of a window of records
    #[arg(long, hide = true, value_name = "BYTES")]
    window_size: Option<usize>,
}

#[derive(Clone, Copy, Debug, serde::Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum Dialogs {
    None,
    Flagged,
    All,
}

#[derive(Clone, Copy, Debug, serde::Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum Source {
    Auto,
    Separate,
    Joined,
}

impl Analyze {
    /// Reads the captures and writes the reports.
    pub(super) fn run(mut self) -> Exit {
        if let Some(path) = self.config.take() {
            match Config::read(&path) {
                Ok(config) => self.fill(config),
                Err(problem) => return refuse(&problem, Exit::Unusable),
            }
        }
        for name in self.select.iter().chain(&self.ignore) {
            if !RULES.iter().any(|rule| is_family(name, rule.id)) {
                complain(&format!("no rule or family of rules is named {name:?}; `reinvite rules` lists them"));
                return Exit::Unusable;
            }
        }
        let known = match self.known() {
            Ok(known) => known,
            Err(problem) => return refuse(&problem, Exit::Unusable),
        };
        let names = match self.aliases.as_deref().map(aliases::read).transpose() {
            Ok(names) => names.unwrap_or_default(),
            Err(problem) => return refuse(&problem, Exit::Unusable),
        };
        let options = Options { names: Arc::new(names), ..self.options(known) };
        let opened = reinvite::pipeline::workers(options.threads)
            .and_then(|workers| Ok((workers, Feeder::open(&self.captures, &options.capture)?)));
        let (workers, feeder) = match opened {
            Ok(opened) => opened,
            Err(problem) => return refuse(&problem, Exit::Unusable),
        };
        // What folders and patterns stand for is known now, and no draft of a report can be among it.
        let read = self.captures.iter().chain(&self.baseline).map(PathBuf::as_path);
        let inputs: Vec<&Path> = read.chain(feeder.captures()).collect();
        let outputs = match Output::open(&self.output, self.format.as_deref(), &inputs) {
            Ok(outputs) => outputs,
            Err((exit, problem)) => return refuse(&problem, exit),
        };
        let pseudonyms = match self.redact.then(|| self.pseudonyms(&feeder)).transpose() {
            Ok(pseudonyms) => pseudonyms.map(Arc::new),
            Err(problem) => {
                outputs.into_iter().for_each(Output::abandon);
                return refuse(&problem, Exit::Unusable);
            }
        };
        let options = Options { pseudonyms, ..options };
        let excerpt = match self.extract.take().map(|path| extract::open(&path, &inputs, feeder.captures(), &options)) {
            None => None,
            Some(Ok(file)) => Some(file),
            Some(Err((exit, problem))) => {
                outputs.into_iter().for_each(Output::abandon);
                return refuse(&problem, exit);
            }
        };
        let mut outputs = Outputs::new(outputs);
        let forget_shown = outputs.forgets() && excerpt.is_none();
        let options = Options { quotable: outputs.quotes(), forget_shown, ..options };
        let mut analysis = watched(self.is_watched(), feeder.expected_bytes(), &options.progress, || {
            if outputs.has_live() {
                analyze_live(feeder, &options, &workers, &mut |settled| outputs.show(settled))
            } else {
                analyze_feed(feeder, &options, &workers)
            }
        });
        if options.quotable {
            reinvite::pipeline::quote(&mut analysis, options.pseudonyms.as_deref());
        }
        let exit = self.judge(&analysis);
        let exit = exit.max(excerpt.map_or(Exit::Done, |file| self.extract(file, &analysis, &options, &workers)));
        if self.redact {
            analysis.conceal_inputs();
        }
        let view = View::new(&analysis).in_zone(self.timezone.take().map(|zone| zone.0));
        let spacing = if self.compact { Spacing::Compact } else { Spacing::Wide };
        let outputs = outputs.into_outputs();
        let exit = workers.install(|| {
            outputs.into_iter().fold(exit, |exit, (output, failure)| exit.max(write(output, failure, &view, spacing)))
        });
        if self.verbose || self.is_watched() {
            summarise(&view, self.verbose);
        }
        // The process ends now: giving back what millions of texts took, one by one, would only take time.
        std::mem::forget(analysis);
        exit
    }

    /// Writes the packets of the listed calls.
    fn extract(&self, file: CaptureFile, analysis: &Analysis, options: &Options, workers: &ThreadPool) -> Exit {
        match extract::write(file, analysis, options, workers) {
            Ok(written) => {
                if self.verbose {
                    complain(&format!("{} packets of {} calls extracted", written.packets, written.calls));
                }
                Exit::Done
            }
            Err(problem @ Error::Write { .. }) => refuse(&problem, Exit::Unwritten),
            Err(problem) => refuse(&problem, Exit::Unusable),
        }
    }

    /// Whether what is asked for can be told without the names that are to be replaced.
    fn may_redact(&self) -> Result<(), String> {
        let what = match () {
            () if !self.redact => return Ok(()),
            () if self.aliases.is_some() => "--aliases gives names",
            () if self.filter.names_anybody() => {
                "--from, --to, --call-id and --host ask for names; write those calls to a file with --extract first"
            }
            () => return Ok(()),
        };
        Err(format!("--redact leaves no names: {what}"))
    }

    fn pseudonyms(&self, feeder: &Feeder) -> Result<Pseudonyms, String> {
        self.may_redact()?;
        pseudonyms(self.redact_key.as_deref(), "--redact-key", feeder.captures(), &self.leg_header)
    }

    /// Takes what a file says where nothing of the kind was given.
    fn fill(&mut self, mut config: Config) {
        self.filter.fill(&mut config);
        config.output.unless(&mut self.output);
        config.select.unless(&mut self.select);
        config.ignore.unless(&mut self.ignore);
        config.baseline.unless(&mut self.baseline);
        self.settings = config.settings;
        self.format = self.format.take().or(config.format);
        self.timezone = self.timezone.take().or_else(|| config.timezone.map(|One(zone)| zone));
        self.extract = self.extract.take().or(config.extract);
        config.leg_header.unless(&mut self.leg_header);
        self.redact |= config.redact;
        self.redact_key = self.redact_key.take().or(config.redact_key);
        self.aliases = self.aliases.take().or(config.aliases);
        self.dialogs = self.dialogs.or(config.dialogs);
        self.min_severity = self.min_severity.or(config.min_severity);
        self.fail_on = self.fail_on.or(config.fail_on);
        self.source = self.source.or(config.source);
        self.threads = self.threads.or(config.threads);
        self.progress = self.progress.or(config.progress);
        self.compact |= config.compact;
        self.verbose |= config.verbose && !self.quiet;
        self.quiet |= config.quiet && !self.verbose;
    }

    /// Whether somebody watches the run.
    fn is_watched(&self) -> bool {
        match self.progress {
            Some(Shown::Always) => true,
            Some(Shown::Never) => false,
            None | Some(Shown::Auto) => !self.quiet && std::io::stderr().is_terminal(),
        }
    }

    /// The findings of the baselines.
    fn known(&self) -> Result<BTreeSet<Fingerprint>, EarlierError> {
        let mut known = BTreeSet::new();
        for path in &self.baseline {
            known.extend(Earlier::read(path)?.findings.iter().map(|finding| finding.identity));
        }
        Ok(known)
    }

    fn options(&self, known: BTreeSet<Fingerprint>) -> Options {
        let defaults = CaptureOptions::default();
        Options {
            capture: CaptureOptions {
                window_size: self.window_size.unwrap_or(defaults.window_size),
                sources: match self.source {
                    None | Some(Source::Auto) => SourcePolicy::Auto,
                    Some(Source::Separate) => SourcePolicy::Separate,
                    Some(Source::Joined) => SourcePolicy::Joined,
                },
                ..defaults
            },
            dialogs: match self.dialogs {
                Some(Dialogs::None) => DialogsListed::None,
                None | Some(Dialogs::Flagged) => DialogsListed::Flagged,
                Some(Dialogs::All) => DialogsListed::All,
            },
            selection: Selection {
                select: self.select.clone(),
                ignore: self.ignore.clone(),
                min_severity: self.min_severity.map(Severity::from),
            },
            known,
            settings: self.settings.clone(),
            leg_headers: self.leg_header.clone(),
            filter: self.filter.filter(),
            progress: Arc::default(),
            threads: self.threads.unwrap_or(0),
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
        if least.is_some_and(|least| analysis.counts().findings.range(least..).next().is_some()) {
            exit = exit.max(Exit::Findings);
        }
        exit
    }
}

fn refuse(problem: &dyn std::fmt::Display, exit: Exit) -> Exit {
    complain(problem);
    exit
}

fn write(output: Output, failure: Option<std::io::Error>, view: &View<'_>, spacing: Spacing) -> Exit {
    let written = match failure {
        Some(failure) => output.failure(failure).map_or(Ok(()), Err),
        None => output.write(view, spacing),
    };
    match written {
        Ok(()) => Exit::Done,
        Err(problem) => {
            complain(&problem);
            Exit::Unwritten
        }
    }
}
