//! Drives a run: the only place with threads, and the only one besides the command line that knows all rooms.
//!
//! A reader thread cuts the inputs into windows. The windows of a batch are decoded in parallel and what they give is sorted
//! into a fixed number of shards; then the shards run in parallel, each in the order of frames: first fragments, then flows,
//! then calls. While the messages of a batch go to their calls, the next one is decoded and the reader fills the one after it.
//! Everything is decided by the frames and their order, never by threads, windows or batches.

mod calls;
mod carriers;
mod chains;
mod chosen;
mod excerpt;
mod judge;
mod messages;
mod odd;
mod packets;
mod quotes;
mod redact;
mod sctp;
mod settle;
mod sources;
mod streams;
mod tallies;
mod verdicts;
mod watching;
mod yields;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc;

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::analysis::Analysis;
use crate::capture::{Batch, Feeder};
use crate::correlation::Oddities;
use crate::counters::Counters;
use crate::error::Error;
use crate::options::Options;
use calls::{CallShards, Sorted};
pub use excerpt::{Excerpt, excerpt};
use messages::{Messages, Spare};
use packets::PacketShards;
pub use quotes::quote;
pub use redact::{Redacted, redact};
use watching::Watching;
use yields::{Spot, Yield, decode_window};

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
        let mut incoming = incoming.into_iter();
        let mut sorting = Sorting::default();
        sorting.counters.oddities = Oddities::new(!options.filter.is_empty());
        let mut calls = CallShards::default();
        let (pending, links, stats) = workers.install(|| {
            let mut sorted = Sorted::default();
            loop {
                // While the messages of one batch go to their calls, the next batch is sorted into messages.
                let ((), next) = rayon::join(
                    || calls.take(&sorted, options),
                    || {
                        incoming
                            .next()
                            .inspect(|batch| options.progress.read(batch.size()))
                            .map(|batch| sorting.batch(batch))
                    },
                );
                for window in sorted.windows {
                    // The reader may be done; then nobody needs the buffer.
                    let _ = spent.send(window.into_buffer());
                }
                sorted.messages.into_iter().for_each(|list| sorting.spare.give_back(list));
                match next {
                    Some(next) => sorted = next,
                    None => break,
                }
            }
            calls.take(&sorting.finish(), options);
            calls.finish(options)
        });
        let inputs = reader.join().map_err(|_| Error::Threads { reason: "the reader failed".to_owned() })?;
        let mut analysis = Analysis { inputs, calls: stats, counters: sorting.counters(), ..Analysis::default() };
        workers.install(|| pending.settle(&links, &sorting.watching, options, &mut analysis));
        Ok(analysis)
    })
}

/// The first half of the work: from windows to messages, sorted by shard.
#[derive(Debug, Default)]
struct Sorting {
    packets: PacketShards,
    watching: Watching,
    counters: Counters,
    /// The last frame of each capture source, for what comes when the input is over.
    last: BTreeMap<u32, Spot>,
    spare: Spare,
}

impl Sorting {
    fn batch(&mut self, batch: Batch) -> Sorted {
        let windows = batch.windows;
        let lists: Vec<Messages> = (0..windows.len()).map(|at| self.spare.of_window(at)).collect();
        let work = windows.par_iter().zip(lists);
        let yields: Vec<Yield<'_>> = work.map(|(window, list)| decode_window(window, list)).collect();
        for (window, given) in windows.iter().zip(&yields) {
            if let Some((first, last)) = given.ends {
                self.watching.saw(&first, &last, window.after_loss);
                self.last.insert(last.capture_source, last);
            }
        }
        let reached = yields.iter().filter_map(|given| given.ends).map(|(_, last)| last.arrival.watermark).max();
        let found = self.packets.take(yields, reached.unwrap_or_default(), &mut self.spare, &mut self.counters);
        self.watching.lost_all(&found.losses);
        Sorted::new(windows, found.messages, reached)
    }

    /// The input is over: what streams still hold.
    fn finish(&mut self) -> Sorted {
        let Some(last) = self.last.values().max_by_key(|spot| spot.order(0)).copied() else { return Sorted::default() };
        self.spare = Spare::default();
        let found = self.packets.finish(last, &mut self.counters);
        self.watching.lost_all(&found.losses);
        Sorted::new(Vec::new(), found.messages, None)
    }

    /// What was seen and what was not looked at.
    fn counters(&mut self) -> Counters {
        let mut counters = std::mem::take(&mut self.counters);
        counters.fragments = self.packets.fragment_stats();
        counters.sctp = self.packets.sctp_stats();
        counters.streams = self.packets.stream_stats();
        counters
    }
}
