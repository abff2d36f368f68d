//! What brings messages together to calls, in shards, and the passes over them.

use rayon::prelude::*;

use super::judge::{Judged, judge};
use super::settle::Pending;
use super::yields::{Messages, SHARDS};
use crate::capture::Window;
use crate::correlation::{CallStats, Calls, Links, Signal};
use crate::options::Options;
use crate::time::Timestamp;

/// The messages of a batch, sorted by shard of their calls, with the windows that their bytes lie in.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    pub(crate) windows: Vec<Window>,
    pub(crate) messages: Vec<Vec<Messages>>,
    /// The capture time at the end of the batch, if it has a frame: calls that are over by then end.
    pub(crate) reached: Option<Timestamp>,
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
    /// Hands the messages of a batch to their calls, and judges the calls that are over. Gives the windows back.
    pub(crate) fn take(&mut self, sorted: Sorted, options: &Options) -> Vec<Window> {
        let Sorted { windows, messages, reached } = sorted;
        let mut signals: Vec<Signal> = self
            .shards
            .par_iter_mut()
            .zip(messages)
            .flat_map_iter(|(calls, lists)| {
                run_calls(calls, lists, &windows);
                if let Some(reached) = reached {
                    calls.sweep(reached);
                }
                calls.take_signals()
            })
            .collect();
        signals.sort_by_key(|signal| signal.order);
        self.links.take(&signals);
        self.judge(options);
        windows
    }

    /// The input is over: so are all calls.
    pub(crate) fn finish(mut self, options: &Options) -> (Pending, Links, CallStats) {
        self.shards.par_iter_mut().for_each(Calls::finish);
        self.judge(options);
        let stats = self.shards.iter().fold(CallStats::default(), |mut sum, calls| {
            sum += calls.stats();
            sum
        });
        (self.pending, self.links, stats)
    }

    /// Judges the calls that are over, and keeps what is more than counts.
    fn judge(&mut self, options: &Options) {
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
            self.pending.take(judged);
        }
    }
}

fn run_calls(calls: &mut Calls, lists: Vec<Messages>, windows: &[Window]) {
    // Each list is in order. Those of a single source without streams and fragments follow each other, the others are merged.
    let mut lists: Vec<(Messages, usize)> = lists.into_iter().map(|list| (list, 0)).collect();
    let next = |lists: &[(Messages, usize)]| {
        let heads = lists.iter().enumerate().filter_map(|(at, (list, taken))| Some((list.order(*taken)?, at)));
        let (first, rest) = heads.fold((None, None), |(first, second), head| match first {
            Some(known) if head > known => (first, Some(second.map_or(head, |other| head.min(other)))),
            _ => (Some(head), first.or(second)),
        });
        first.map(|(_, at)| (at, rest.map(|(order, _)| order)))
    };
    while let Some((at, until)) = next(&lists) {
        let Some((list, taken)) = lists.get_mut(at) else { return };
        list.take_from(taken, windows, |record, call_id, raw, digests, order| {
            let in_turn = until.is_none_or(|until| order <= until);
            if in_turn {
                calls.take(record, call_id, raw, digests, order.0);
            }
            in_turn
        });
    }
}
