//! What brings messages together to calls, in shards, and the passes over them.

use std::ops::ControlFlow;

use rayon::prelude::*;

use super::judge::{Judged, judge};
use super::messages::{Messages, Queue};
use super::packets::Found;
use super::pending::{Pending, Visit};
use super::streams::Loss;
use super::watching::Watching;
use super::yields::{SHARDS, Spot};
use crate::analysis::Analysis;
use crate::capture::{InputInfo, Window};
use crate::correlation::{Calls, Ended, Kind, Links, Signal};
use crate::options::Options;
use crate::time::Timestamp;

/// The messages of a batch, with the windows that their bytes lie in.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    pub(crate) windows: Vec<Window>,
    pub(crate) messages: Vec<Messages>,
    /// The capture time at the end of the batch, if it has a frame: calls that are over by then end.
    pub(crate) reached: Option<Timestamp>,
    /// The first and the last frame of each stretch of a source, and whether frames before it are lost.
    pub(crate) seen: Vec<(Spot, Spot, bool)>,
    /// Where bytes are missing, in the order in which that showed.
    pub(crate) losses: Vec<Loss>,
    /// What is known of the inputs so far, if somebody waits for results.
    pub(crate) inputs: Vec<InputInfo>,
}

impl Sorted {
    /// The messages that a batch gave.
    pub(crate) fn new(windows: Vec<Window>, mut found: Found) -> Self {
        found.messages.par_iter_mut().for_each(Messages::sort);
        found.losses.sort_by_key(|loss| (loss.shown, loss.since, loss.until, loss.capture_source, loss.path));
        Self { windows, messages: found.messages, losses: found.losses, ..Self::default() }
    }

    /// The messages of a shard, by list.
    fn queues(&self, shard: usize) -> Vec<Queue<'_>> {
        let queues = self.messages.iter().map(|list| list.queue(shard, &self.windows));
        queues.filter(|queue| queue.order().is_some()).collect()
    }
}

/// The calls, in shards, and what links them. Each shard sees its messages in the order of frames.
#[derive(Debug)]
pub(crate) struct CallShards {
    shards: Vec<Calls>,
    links: Links,
    watching: Watching,
    pending: Pending,
}

impl CallShards {
    /// No calls yet; `early` says whether they are settled while the input is still read.
    pub(crate) fn new(early: bool) -> Self {
        let shards = (0..SHARDS).map(|_| Calls::default()).collect();
        Self { shards, links: Links::default(), watching: Watching::default(), pending: Pending::new(early) }
    }

    /// Hands the messages of a batch to their calls, and judges the calls that are over; says whether more is wanted.
    pub(crate) fn take(&mut self, sorted: &Sorted, options: &Options, visit: Visit<'_>) -> ControlFlow<()> {
        let mut signals: Vec<Signal> = self
            .shards
            .par_iter_mut()
            .enumerate()
            .flat_map_iter(|(shard, calls)| {
                run_calls(calls, sorted.queues(shard));
                if let Some(reached) = sorted.reached {
                    calls.sweep(reached);
                }
                calls.take_signals()
            })
            .collect();
        signals.sort_unstable_by_key(|signal| signal.order);
        self.links.take(&signals);
        self.pending.tie(self.links.take_ties());
        self.judge(options);
        for (first, last, after_loss) in &sorted.seen {
            self.watching.saw(first, last, *after_loss);
        }
        self.watching.lost_all(&sorted.losses);
        options.progress.saw_calls(self.shards.iter().map(|calls| calls.stats().calls).sum());
        let Some(reached) = sorted.reached else { return ControlFlow::Continue(()) };
        self.pending.settle(&mut self.links, &self.watching, options, (reached, &sorted.inputs), visit)
    }

    /// The input is over: so are all calls. Their results are added to the counts in `analysis`.
    pub(crate) fn finish(mut self, options: &Options, analysis: &mut Analysis, visit: Visit<'_>) {
        self.shards.par_iter_mut().for_each(Calls::finish);
        self.judge(options);
        for calls in &self.shards {
            analysis.calls += calls.stats();
        }
        self.pending.finish((&self.links, &self.watching), options, analysis, visit);
    }

    /// Judges the calls that are over, and keeps what is more than counts.
    fn judge(&mut self, options: &Options) {
        let (links, pending) = (&self.links, &self.pending);
        let judged: Vec<Judged> = self
            .shards
            .par_iter_mut()
            .flat_map_iter(|calls| {
                let mut sum = Judged::default();
                let mut kept = Vec::new();
                for call in calls.take_ended() {
                    let is_awaited = pending.is_early() && (tells(&call) || pending.is_tied(call.instance));
                    let judged = Judged { is_awaited, ..judge(call, links, options) };
                    if judged.is_kept() {
                        kept.push(judged);
                    } else {
                        sum.dialogs += judged.dialogs;
                        sum.mirrors += judged.mirrors;
                    }
                }
                kept.push(sum);
                kept
            })
            .collect();
        judged.into_iter().for_each(|judged| self.pending.take(judged));
    }
}

/// Whether somebody was told in a call to try again, so that another call may follow.
fn tells(call: &Ended) -> bool {
    call.records.iter().any(|record| matches!(record.kind, Kind::Response(300..=399 | 422)))
}

/// Hands the messages of a shard to their calls, in the order of frames.
fn run_calls(calls: &mut Calls, mut queues: Vec<Queue<'_>>) {
    let waiting = queues.iter().flat_map(Queue::waiting);
    let warmed = waiting.map(|(key, message)| calls.warm(key) ^ head_bytes(message)).fold(0, u64::wrapping_add);
    std::hint::black_box(warmed);
    // Those of a single source without streams and fragments follow each other, the others are merged.
    let next = |queues: &[Queue<'_>]| {
        let heads = queues.iter().enumerate().filter_map(|(at, queue)| Some((queue.order()?, at)));
        let (first, rest) = heads.fold((None, None), |(first, second), head| match first {
            Some(known) if head > known => (first, Some(second.map_or(head, |other| head.min(other)))),
            _ => (Some(head), first.or(second)),
        });
        first.map(|(_, at)| (at, rest.map(|(order, _)| order)))
    };
    while let Some((at, until)) = next(&queues) {
        let Some(queue) = queues.get_mut(at) else { return };
        while queue.order().is_some_and(|order| until.is_none_or(|until| order <= until)) {
            let Some(arriving) = queue.next() else { break };
            calls.take(&arriving);
        }
    }
}

/// Reads a little of each part of a head of usual size, so that it is near when its words are looked for.
fn head_bytes(message: &[u8]) -> u64 {
    message.iter().step_by(64).take(8).map(|byte| u64::from(*byte)).sum()
}
