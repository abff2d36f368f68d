//! What the tests share.

pub(crate) mod browser;
pub(crate) mod captures;
pub(crate) mod essence;
pub(crate) mod excerpt;
pub(crate) mod followed;
pub(crate) mod messages;
pub(crate) mod program;
pub(crate) mod story;

use std::io::Cursor;
use std::path::PathBuf;
use std::sync::LazyLock;

use rayon::{ThreadPool, ThreadPoolBuilder};
use reinvite::analysis::Analysis;
use reinvite::capture::{CaptureOptions, Feeder};
use reinvite::options::{DialogsListed, Options};
use reinvite::report::{Spacing, View, by_name};
use serde_json::Value;

/// The threads of all runs that are not about threads.
static WORKERS: LazyLock<ThreadPool> = LazyLock::new(|| workers(2));

/// What a run gave.
#[derive(Debug)]
pub(crate) struct Run {
    /// The analysis.
    pub(crate) analysis: Analysis,
    /// The report as it is written.
    pub(crate) text: String,
    /// The report, read back.
    pub(crate) report: Value,
}

impl Run {
    /// Fails if the counts of the rooms do not add up.
    pub(crate) fn assert_conserved(&self, name: &str) {
        let broken = self.analysis.counters.broken_laws();
        assert!(broken.is_empty(), "{name}: {broken:?} in {:#?}", self.analysis.counters);
    }

    /// Messages found.
    pub(crate) fn messages(&self) -> u64 {
        self.analysis.counters.messages.parsed
    }

    /// Findings of a rule.
    pub(crate) fn findings(&self, rule: &str) -> usize {
        self.analysis.findings.iter().filter(|finding| finding.rule.id == rule).count()
    }
}

/// So many threads.
pub(crate) fn workers(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().expect("threads")
}

/// The usual options, and all dialogs.
pub(crate) fn everything() -> Options {
    Options { dialogs: DialogsListed::All, ..Options::default() }
}

/// Runs over files.
pub(crate) fn run_files(captures: &[PathBuf]) -> Run {
    let options = everything();
    let feeder = Feeder::open(captures, &options.capture).expect("captures");
    run_feeder(feeder, &options, &WORKERS)
}

/// Runs over a capture in memory, which reports call `memory`.
pub(crate) fn run_bytes(capture: Vec<u8>) -> Run {
    let options = everything();
    run_feeder(feeder(vec![capture], &options.capture), &options, &WORKERS)
}

/// Reads captures in memory, which reports call `memory`.
pub(crate) fn feeder(captures: Vec<Vec<u8>>, options: &CaptureOptions) -> Feeder {
    let streams = captures.into_iter().map(|bytes| {
        let stream: Box<dyn std::io::Read + Send> = Box::new(Cursor::new(bytes));
        (PathBuf::from("memory"), stream)
    });
    Feeder::from_streams(streams.collect(), options)
}

/// Runs over inputs that are open.
pub(crate) fn run_feeder(feeder: Feeder, options: &Options, workers: &ThreadPool) -> Run {
    let analysis = reinvite::pipeline::analyze_feed(feeder, options, workers);
    let text = workers.install(|| render(&analysis));
    let report = serde_json::from_str(&text).expect("the report is JSON");
    Run { analysis, text, report }
}

/// The report as the program writes it.
pub(crate) fn render(analysis: &Analysis) -> String {
    let mut bytes = Vec::new();
    let format = by_name("json").expect("a format");
    (format.write)(&View::new(analysis), Spacing::Wide, &mut bytes).expect("memory");
    String::from_utf8(bytes).expect("UTF-8")
}
