//! Drives a run: the only place with threads, and the only one besides the command line that knows all rooms.
//!
//! The windows of a batch are read one after the other and decoded in parallel, each by the thread that read it, and what
//! they give is sorted into a fixed number of shards; then the shards run in parallel, each in the order of frames: first
//! fragments, then flows, then calls. While the messages of a batch go to their calls, the next one is read and decoded.
//! Everything is decided by the frames and their order, never by threads, windows or batches.

mod calls;
mod carriers;
mod chains;
mod chosen;
mod endings;
mod excerpt;
mod intake;
mod judge;
mod keep;
mod messages;
mod odd;
mod packets;
mod pending;
mod quotes;
mod redact;
mod room;
mod sctp;
mod settle;
mod sources;
mod streams;
mod tallies;
mod together;
mod verdicts;
mod watching;
mod yields;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::analysis::Analysis;
use crate::capture::{Feeder, Window};
use crate::correlation::Oddities;
use crate::counters::Counters;
use crate::error::Error;
use crate::options::Options;
use crate::redact::Pseudonyms;
use calls::{CallShards, Sorted};
pub use excerpt::{Excerpt, excerpt};
use intake::Intake;
use messages::Spare;
use packets::{Found, PacketShards};
use pending::Visit;
pub use quotes::quote;
pub use redact::{Redacted, Wanted, redact};
use yields::{Spot, Yield, decode_window};

/// The threads that do the work: as many, or one for each core if `threads` is 0.
///
/// # Errors
///
/// [`Error::Threads`] if the system gives none.
pub fn workers(threads: usize) -> Result<ThreadPool, Error> {
    let builder = ThreadPoolBuilder::new().num_threads(threads);
    builder.build().map_err(|problem| Error::Threads { reason: problem.to_string() })
}

/// Reads the captures and works out everything about the SIP calls in them.
///
/// ```
/// use reinvite::options::Options;
/// use reinvite::report::build;
///
/// let analysis = reinvite::analyze(&["fixtures/lab/clean-udp.pcap".into()], &Options::default())?;
/// let report = build(&analysis);
/// assert_eq!(report.summary.redirects.by_status["301"], 6);
/// assert!(report.findings.iter().any(|finding| finding.rule == "redirect-contact-equals-request-uri"));
/// # Ok::<(), reinvite::error::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::NoCaptureInFolder`], or [`Error::Threads`]. What else is wrong with an input is said in [`Analysis::inputs`].
pub fn analyze(captures: &[PathBuf], options: &Options) -> Result<Analysis, Error> {
    Ok(analyze_feed(Feeder::open(captures, &options.capture)?, options, &workers(options.threads)?))
}

/// The same for inputs that are open already, on threads that are there already.
pub fn analyze_feed(feeder: Feeder, options: &Options, workers: &ThreadPool) -> Analysis {
    workers.install(|| run(feeder, options, false, &mut |_| ControlFlow::Continue(())))
}

/// The same, and shows results to `visit` while the input is still read, even of a pipe that never ends: each call that is over, as soon
/// as nothing can change any more what is said of it. Calls that may be linked are shown together. What can be told at the end only
/// comes with the last results, or in the analysis. If `visit` breaks off, nothing more is read, as if the input were over.
///
/// Inputs that are captured side by side have all their results at the end. So have calls that a filter does not take and that are linked to
/// none that it takes, as long as another use of their Call-ID may change that.
///
/// ```
/// use reinvite::capture::Feeder;
/// use reinvite::options::Options;
/// use reinvite::pipeline::{analyze_live, workers};
///
/// let options = Options::default();
/// let feeder = Feeder::open(&["fixtures/lab/clean-udp.pcap".into()], &options.capture)?;
/// let mut outcomes = Vec::new();
/// let analysis = analyze_live(feeder, &options, &workers(2)?, &mut |settled| {
///     for results in settled {
///         outcomes.extend(results.redirects.iter().map(|judged| judged.outcome));
///     }
///     std::ops::ControlFlow::Continue(())
/// });
/// assert_eq!(outcomes.len(), 7);
/// assert_eq!(analysis.redirects.len(), 7);
/// # Ok::<(), reinvite::error::Error>(())
/// ```
pub fn analyze_live(
    feeder: Feeder,
    options: &Options,
    workers: &ThreadPool,
    visit: &mut (dyn FnMut(&[Analysis]) -> ControlFlow<()> + Send),
) -> Analysis {
    let early = feeder.is_single();
    workers.install(|| run(feeder, options, early, visit))
}

fn run(feeder: Feeder, options: &Options, early: bool, visit: Visit<'_>) -> Analysis {
    let mut intake = Intake::new(feeder, options.capture.windows_per_batch);
    let mut sorting = Sorting {
        early,
        spare: Spare::new(&options.leg_headers),
        pseudonyms: options.pseudonyms.clone(),
        ..Sorting::default()
    };
    sorting.counters.oddities = Oddities::new(!options.filter.is_empty());
    let mut calls = CallShards::new(early);
    let mut sorted = Sorted::default();
    loop {
        // While the messages of one batch go to their calls, the next batch is sorted into messages.
        let (goes_on, next) = rayon::join(|| calls.take(&sorted, options, &mut *visit), || sorting.next(&mut intake));
        for window in &sorted.windows {
            options.progress.read((window.bytes().len() as u64, window.frame_count));
        }
        sorting.give_back(sorted, &mut intake);
        match next {
            Some(next) if goes_on.is_continue() => sorted = next,
            _ => break,
        }
    }
    let _ = calls.take(&sorting.finish(), options, &mut *visit);
    let inputs = intake.finish();
    let names = Arc::clone(&options.names);
    let mut analysis = Analysis { inputs, names, counters: sorting.counters(), ..Analysis::default() };
    calls.finish(options, &mut analysis, visit);
    analysis
}

/// The first half of the work: from windows to messages, sorted by shard.
#[derive(Debug, Default)]
struct Sorting {
    /// Whether results are shown while the input is still read.
    early: bool,
    packets: PacketShards,
    counters: Counters,
    /// The last frame of each capture source, for what comes when the input is over.
    last: BTreeMap<u32, Spot>,
    spare: Spare,
    /// What names are replaced by before calls see any.
    pseudonyms: Option<Arc<Pseudonyms>>,
}

impl Sorting {
    /// Reads and sorts the next batch, if there is one.
    fn next(&mut self, intake: &mut Intake) -> Option<Sorted> {
        let slots = intake.begin()?;
        let yields: Vec<Yield<'_>> = slots.work(intake, &mut self.spare, decode_window);
        let mut seen = Vec::with_capacity(yields.len());
        for (window, given) in slots.windows().zip(&yields) {
            if let Some((first, last)) = given.ends {
                seen.push((first, last, window.after_loss));
                self.last.insert(last.capture_source, last);
            }
        }
        let reached = yields.iter().filter_map(|given| given.ends).map(|(_, last)| last.arrival.watermark).max();
        let found = self.packets.take(yields, reached.unwrap_or_default(), &mut self.spare, &mut self.counters);
        let inputs = if self.early { intake.inputs() } else { Vec::new() };
        Some(Sorted { reached, seen, inputs, ..self.sorted(slots.into_windows(), found) })
    }

    /// The last of all frames so far.
    fn last_frame(&self) -> Option<Spot> {
        self.last.values().max_by_key(|spot| spot.order(0)).copied()
    }

    /// Takes back the memory of a batch that is done with.
    fn give_back(&mut self, sorted: Sorted, intake: &mut Intake) {
        intake.give_back(sorted.windows);
        sorted.messages.into_iter().for_each(|list| self.spare.give_back(list));
    }

    /// The input is over: what streams still hold.
    fn finish(&mut self) -> Sorted {
        let Some(last) = self.last_frame() else { return Sorted::default() };
        let found = self.packets.finish(last, &self.spare, &mut self.counters);
        self.spare = Spare::default();
        self.sorted(Vec::new(), found)
    }

    /// What was found, with pseudonyms if there are any.
    fn sorted(&self, windows: Vec<Window>, mut found: Found) -> Sorted {
        if let Some(pseudonyms) = &self.pseudonyms {
            found.messages.par_iter_mut().for_each(|list| list.redact(&windows, pseudonyms));
            for (one, other) in found.losses.iter_mut().map(|loss| (&mut loss.path.0, &mut loss.path.1)) {
                (*one, *other) = (pseudonyms.endpoint(*one), pseudonyms.endpoint(*other));
            }
        }
        Sorted::new(windows, found)
    }

    /// What was seen and what was not looked at.
    fn counters(&mut self) -> Counters {
        let mut counters = std::mem::take(&mut self.counters);
        counters.fragments = self.packets.fragment_stats();
        counters.sctp = self.packets.sctp_stats();
        counters.streams = self.packets.stream_stats();
        if let Some(pseudonyms) = &self.pseudonyms {
            counters.oddities = odd::redact(&counters.oddities, pseudonyms);
        }
        counters
    }
}
