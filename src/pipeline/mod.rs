//! Drives a run: the only place with threads, and the only one besides the command line that knows all rooms.
//!
//! A reader thread cuts the inputs into windows. The windows of a batch are decoded in parallel and what they give is sorted
//! into a fixed number of shards; then the shards run in parallel, each in the order of frames: first fragments, then flows,
//! then calls. While a batch is in work the reader fills the next. Everything is decided by the frames and their order, never
//! by threads, windows or batches.

mod chains;
mod chosen;
mod judge;
mod settle;
mod shards;
mod streams;
mod watching;
mod yields;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc;

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::analysis::Analysis;
use crate::capture::{Batch, Feeder, Window};
use crate::correlation::Links;
use crate::error::Error;
use crate::options::Options;
use settle::Pending;
use shards::Shards;
use watching::Watching;
use yields::{Yield, decode_window};

/// Batches that the reader may be ahead.
const BATCHES_AHEAD: usize = 1;

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
/// # Errors
///
/// [`Error::NoCaptureInFolder`], or [`Error::Threads`]. What else is wrong with an input is said in [`Analysis::inputs`].
pub fn analyze(captures: &[PathBuf], options: &Options) -> Result<Analysis, Error> {
    analyze_feed(Feeder::open(captures, &options.capture)?, options, &workers(options.threads)?)
}

/// The same for inputs that are open already, on threads that are there already.
///
/// # Errors
///
/// [`Error::Threads`] if a thread failed.
pub fn analyze_feed(mut feeder: Feeder, options: &Options, workers: &ThreadPool) -> Result<Analysis, Error> {
    std::thread::scope(|scope| {
        let (batches, incoming) = mpsc::sync_channel::<Batch>(BATCHES_AHEAD);
        let (spent, recycled) = mpsc::channel::<Vec<u8>>();
        let reader = scope.spawn(move || {
            let mut buffers = Vec::new();
            loop {
                buffers.extend(recycled.try_iter());
                let Some(batch) = feeder.next_batch(&mut buffers) else { return feeder.finish() };
                if batches.send(batch).is_err() {
                    return feeder.finish();
                }
            }
        });
        let mut run = Run::default();
        workers.install(|| {
            for batch in incoming {
                run.batch(&batch.windows, options);
                for window in batch.windows {
                    // The reader may be done; then nobody needs the buffer.
                    let _ = spent.send(window.into_buffer());
                }
            }
            run.finish(options);
        });
        let inputs = reader.join().map_err(|_| Error::Threads { reason: "the reader failed".to_owned() })?;
        let mut analysis = workers.install(|| run.settle(options));
        analysis.inputs = inputs;
        Ok(analysis)
    })
}

/// The state of a run.
#[derive(Debug, Default)]
struct Run {
    shards: Shards,
    links: Links,
    pending: Pending,
    watching: Watching,
    analysis: Analysis,
    /// The last frame of each capture source, for what comes when the input is over.
    last: BTreeMap<u32, yields::Spot>,
}

impl Run {
    fn batch(&mut self, windows: &[Window], options: &Options) {
        let yields: Vec<Yield<'_>> = windows.par_iter().map(decode_window).collect();
        for given in &yields {
            if let Some((first, last)) = given.ends {
                self.watching.saw(&first, &last);
                self.last.insert(last.capture_source, last);
            }
        }
        let reached = yields.iter().filter_map(|given| given.ends).map(|(_, last)| last.arrival.watermark).max();
        let found = self.shards.packets(yields, &mut self.analysis.counters);
        self.watching.lost_all(&found.losses);
        self.calls(found.messages, reached, options);
    }

    /// The input is over.
    fn finish(&mut self, options: &Options) {
        let Some(last) = self.last.values().max_by_key(|spot| spot.order(0)).copied() else { return };
        let found = self.shards.finish_streams(last, &mut self.analysis.counters);
        self.watching.lost_all(&found.losses);
        self.calls(found.messages, None, options);
        self.shards.finish_calls();
        self.judge(options);
    }

    fn calls(
        &mut self,
        messages: Vec<Vec<yields::Messages<'_>>>,
        reached: Option<crate::time::Timestamp>,
        options: &Options,
    ) {
        let signals = self.shards.calls(messages, reached);
        self.links.take(&signals);
        self.judge(options);
    }

    fn judge(&mut self, options: &Options) {
        for judged in self.shards.judge(&self.links, options) {
            self.pending.take(judged);
        }
    }

    fn settle(mut self, options: &Options) -> Analysis {
        self.analysis.calls = self.shards.call_stats();
        self.analysis.counters.fragments = self.shards.fragment_stats();
        self.analysis.counters.streams = self.shards.stream_stats();
        self.pending.settle(&self.links, &self.watching, options, &mut self.analysis);
        self.analysis
    }
}
