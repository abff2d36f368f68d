//! What brings messages together to calls, in shards, and the passes over them.

use rayon::prelude::*;

use super::finished::FinishedCall;
use super::judge::{Judged, judge};
use super::messages::{Messages, Queue};
use super::settle::Pending;
use super::yields::SHARDS;
use crate::capture::Window;
use crate::correlation::{CallStats, Calls, Links, Signal};
use crate::options::Options;
use crate::time::Timestamp;

/// What is shown each call that is over.
pub(crate) type Visit<'v> = &'v mut (dyn FnMut(&FinishedCall<'_>) + Send);

/// The messages of a batch, with the windows that their bytes lie in.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    pub(crate) windows: Vec<Window>,
    pub(crate) messages: Vec<Messages>,
    /// The capture time at the end of the batch, if it has a frame: calls that are over by then end.
    pub(crate) reached: Option<Timestamp>,
}

impl Sorted {
    /// The messages that a batch gave.
    pub(crate) fn new(windows: Vec<Window>, mut messages: Vec<Messages>, reached: Option<Timestamp>) -> Self {
        messages.par_iter_mut().for_each(Messages::sort);
        Self { windows, messages, reached }
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
    pending: Pending,
}

impl Default for CallShards {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| Calls::default()).collect();
        Self { shards, links: Links::default(), pending: Pending::default() }
    }
}

impl CallShards {
    /// Hands the messages of a batch to their calls, and judges the calls that are over.
    pub(crate) fn take(&mut self, sorted: &Sorted, options: &Options, visit: Visit<'_>) {
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
        self.judge(options, visit);
        options.progress.saw_calls(self.shards.iter().map(|calls| calls.stats().calls).sum());
    }

    /// The input is over: so are all calls.
    pub(crate) fn finish(mut self, options: &Options, visit: Visit<'_>) -> (Pending, Links, CallStats) {
        self.shards.par_iter_mut().for_each(Calls::finish);
        self.judge(options, visit);
        let stats = self.shards.iter().fold(CallStats::default(), |mut sum, calls| {
            sum += calls.stats();
            sum
        });
        (self.pending, self.links, stats)
    }

    /// Judges the calls that are over, and keeps what is more than counts.
    fn judge(&mut self, options: &Options, visit: Visit<'_>) {
        let links = &self.links;
        let judged: Vec<Judged> = self
            .shards
            .par_iter_mut()
            .flat_map_iter(|calls| {
                let mut sum = Judged::default();
                let mut kept = Vec::new();
                for call in calls.take_ended() {
                    let judged = judge(call, links, options);
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
        for judged in judged {
            if let Some(call) = FinishedCall::of(&judged) {
                visit(&call);
            }
            self.pending.take(judged);
        }
    }
}

/// Hands the messages of a shard to their calls, in the order of frames.
fn run_calls(calls: &mut Calls, mut queues: Vec<Queue<'_>>) {
    let waiting = queues.iter().flat_map(Queue::waiting);
    let warmed = waiting.map(|(key, message)| calls.warm(key) + head_bytes(message)).fold(0, u64::wrapping_add);
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
