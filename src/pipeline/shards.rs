//! The state of a run, in shards, and the passes over them.

use std::cell::OnceCell;

use rayon::prelude::*;

use super::judge::{Judged, judge};
use super::streams::{Loss, SipStream, StreamContext};
use super::yields::{FragmentItem, Messages, Origin, SHARDS, SegmentItem, Spot, Yield};
use crate::correlation::{CallStats, Calls, Links, Signal};
use crate::counters::Counters;
use crate::decode::decode_reassembled;
use crate::limits::MAX_FRAGMENT_NESTING;
use crate::options::Options;
use crate::reassembly::{FragmentStats, FragmentTable, Reassembled};
use crate::stream::{FlowTable, StreamStats};
use crate::time::Timestamp;

/// Packets put together from fragments that one task decodes.
const PACKETS_PER_TASK: usize = 256;

/// A packet put together from fragments, in the place of the last of them.
#[derive(Debug)]
struct Whole {
    spot: Spot,
    packet: Reassembled,
}

/// What a pass over packets found.
#[derive(Debug, Default)]
pub(crate) struct Found<'w> {
    /// Messages by shard of their calls.
    pub(crate) messages: Vec<Vec<Messages<'w>>>,
    /// Bytes missing from streams.
    pub(crate) losses: Vec<Loss>,
}

/// The shards. Each has its own state and sees what is for it in the order of frames.
#[derive(Debug)]
pub(crate) struct Shards {
    /// By nesting of the packets that are in pieces, then by shard.
    fragments: Vec<Vec<FragmentTable>>,
    flows: Vec<FlowTable<SipStream>>,
    calls: Vec<Calls>,
}

impl Default for Shards {
    fn default() -> Self {
        let tables = || (0..SHARDS).map(|_| FragmentTable::new()).collect();
        Self {
            fragments: (0..MAX_FRAGMENT_NESTING).map(|_| tables()).collect(),
            flows: (0..SHARDS).map(|_| FlowTable::new()).collect(),
            calls: (0..SHARDS).map(|_| Calls::default()).collect(),
        }
    }
}

impl Shards {
    /// Takes what the windows of a batch gave, puts fragments and segments together, and gives the messages.
    pub(crate) fn packets<'w>(&mut self, mut yields: Vec<Yield<'w>>, counters: &mut Counters) -> Found<'w> {
        let levels: [OnceCell<Vec<Whole>>; MAX_FRAGMENT_NESTING] = Default::default();
        // What was put together from fragments lives as long as this pass; messages in it are made their own at the end.
        let mut inner: Vec<Yield<'_>> = Vec::new();
        let mut waiting = transpose(yields.iter_mut().map(|given| std::mem::take(&mut given.fragments)));
        for (nesting, (tables, whole)) in self.fragments.iter_mut().zip(&levels).enumerate() {
            if waiting.iter().all(Vec::is_empty) {
                break;
            }
            let due = waiting.iter_mut().map(|list| take_due(list, nesting)).collect();
            let whole = whole.get_or_init(|| reassemble(tables, due));
            let mut next: Vec<Yield<'_>> = whole.par_chunks(PACKETS_PER_TASK).map(decode_whole).collect();
            let inner_fragments = next.iter_mut().map(|given| std::mem::take(&mut given.fragments));
            waiting = transpose(std::iter::once(waiting).chain(inner_fragments));
            inner.append(&mut next);
        }
        counters.nested_too_deep += waiting.iter().map(|list| list.len() as u64).sum::<u64>();
        let outer_segments = yields.iter_mut().map(|given| std::mem::take(&mut given.segments));
        let inner_segments = inner.iter_mut().map(|given| std::mem::take(&mut given.segments));
        let segments: Vec<Vec<SegmentItem<'_>>> = transpose(outer_segments.chain(inner_segments));
        let streams: Vec<StreamContext<'static>> = self
            .flows
            .par_iter_mut()
            .zip(segments)
            .filter_map(|(flows, segments)| run_flows(flows, segments))
            .collect();
        for given in yields.iter().map(|given| &given.counters).chain(inner.iter().map(|given| &given.counters)) {
            *counters += given;
        }
        let mut found = Found { messages: (0..SHARDS).map(|_| Vec::new()).collect(), losses: Vec::new() };
        for given in yields {
            found.add(given.messages);
        }
        for given in inner {
            found.add(given.messages.into_iter().map(Messages::into_owned).collect());
        }
        for stream in streams {
            found.take_streams(stream, counters);
        }
        found
    }

    /// Lets all streams give what they hold: the input is over, and `last` was its last frame.
    pub(crate) fn finish_streams(&mut self, last: Spot, counters: &mut Counters) -> Found<'static> {
        let streams: Vec<StreamContext<'static>> = self
            .flows
            .par_iter_mut()
            .map(|flows| {
                let mut context = StreamContext::new(last);
                flows.finish(&mut context);
                context
            })
            .collect();
        let mut found = Found { messages: (0..SHARDS).map(|_| Vec::new()).collect(), losses: Vec::new() };
        for stream in streams {
            found.take_streams(stream, counters);
        }
        found
    }

    /// Hands the messages of a batch to their calls, and gives what may link calls, in order.
    ///
    /// `reached` is the capture time at the end of the batch: calls that are over by then end.
    pub(crate) fn calls(&mut self, messages: Vec<Vec<Messages<'_>>>, reached: Option<Timestamp>) -> Vec<Signal> {
        let mut signals: Vec<Signal> = self
            .calls
            .par_iter_mut()
            .zip(messages)
            .flat_map_iter(|(calls, lists)| {
                run_calls(calls, lists);
                if let Some(reached) = reached {
                    calls.sweep(reached);
                }
                calls.take_signals()
            })
            .collect();
        signals.sort_by_key(|signal| signal.order);
        signals
    }

    /// The input is over: so are all calls.
    pub(crate) fn finish_calls(&mut self) {
        self.calls.par_iter_mut().for_each(Calls::finish);
    }

    /// Judges the calls that are over; gives what is more than counts.
    pub(crate) fn judge(&mut self, links: &Links, options: &Options) -> Vec<Judged> {
        self.calls
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
            .collect()
    }

    /// What the calls counted.
    pub(crate) fn call_stats(&self) -> CallStats {
        self.calls.iter().fold(CallStats::default(), |mut sum, calls| {
            sum += calls.stats();
            sum
        })
    }

    /// What became of fragments.
    pub(crate) fn fragment_stats(&self) -> FragmentStats {
        self.fragments.iter().flatten().fold(FragmentStats::default(), |mut sum, table| {
            sum += table.stats();
            sum
        })
    }

    /// What became of TCP connections.
    pub(crate) fn stream_stats(&self) -> StreamStats {
        self.flows.iter().fold(StreamStats::default(), |mut sum, flows| {
            sum += flows.stats();
            sum
        })
    }
}

impl<'w> Found<'w> {
    fn add(&mut self, messages: Vec<Messages<'w>>) {
        for (all, own) in self.messages.iter_mut().zip(messages) {
            if !own.items.is_empty() {
                all.push(own);
            }
        }
    }

    fn take_streams(&mut self, stream: StreamContext<'static>, counters: &mut Counters) {
        *counters += &stream.given.counters;
        self.add(stream.given.messages);
        self.losses.extend(stream.losses);
    }
}

/// From lists by window and shard to lists by shard.
fn transpose<T>(yields: impl Iterator<Item = Vec<Vec<T>>>) -> Vec<Vec<T>> {
    let mut all: Vec<Vec<T>> = (0..SHARDS).map(|_| Vec::new()).collect();
    for given in yields {
        for (list, mut own) in all.iter_mut().zip(given) {
            if list.is_empty() {
                *list = own;
            } else {
                list.append(&mut own);
            }
        }
    }
    all
}

/// Takes the fragments that are this deep in other packets. All that was around them is put together, whether it came in
/// pieces or not, so that they are all there in the order of frames.
fn take_due<'w>(waiting: &mut Vec<FragmentItem<'w>>, nesting: usize) -> Vec<FragmentItem<'w>> {
    let is_due = |item: &FragmentItem<'_>| usize::from(item.fragment.nesting) <= nesting;
    if waiting.iter().all(is_due) {
        return std::mem::take(waiting);
    }
    waiting.extract_if(.., |item| is_due(item)).collect()
}

fn reassemble(tables: &mut [FragmentTable], waiting: Vec<Vec<FragmentItem<'_>>>) -> Vec<Whole> {
    let by_shard = tables.par_iter_mut().zip(waiting).flat_map_iter(|(table, mut items)| {
        items.sort_by_key(|item| item.spot.order(0));
        let mut whole = Vec::new();
        for item in items {
            let (now, source) = (item.spot.arrival.watermark, item.spot.capture_source);
            if let Some(packet) = table.insert(source, &item.fragment, now, item.extent) {
                whole.push(Whole { spot: item.spot, packet });
            }
        }
        whole
    });
    let mut all: Vec<Whole> = by_shard.collect();
    all.sort_by_key(|whole| whole.spot.order(0));
    all
}

fn decode_whole(packets: &[Whole]) -> Yield<'_> {
    let mut given = Yield::default();
    for Whole { spot, packet } in packets {
        let decoded = decode_reassembled(&packet.head, &packet.payload);
        given.counters.decode.count_reassembled(&decoded);
        given.sort(decoded, *spot, &Origin::Fragments(&packet.extents));
    }
    given
}

fn run_flows(flows: &mut FlowTable<SipStream>, mut segments: Vec<SegmentItem<'_>>) -> Option<StreamContext<'static>> {
    segments.sort_by_key(|item| item.spot.order(0));
    let mut context = StreamContext::new(segments.first()?.spot);
    for item in segments {
        context.advance(item.spot);
        flows.segment(item.spot.capture_source, &item.segment, item.extent, item.spot.arrival, &mut context);
    }
    Some(context)
}

fn run_calls(calls: &mut Calls, lists: Vec<Messages<'_>>) {
    // Each list is in order. Those of a single source without streams and fragments follow each other, the others are merged.
    let mut lists: Vec<(Messages<'_>, usize)> = lists.into_iter().map(|list| (list, 0)).collect();
    let next = |lists: &[(Messages<'_>, usize)]| {
        let heads =
            lists.iter().enumerate().filter_map(|(at, (list, taken))| Some((list.items.get(*taken)?.order, at)));
        let (first, rest) = heads.fold((None, None), |(first, second), head| match first {
            Some(known) if head > known => (first, Some(second.map_or(head, |other| head.min(other)))),
            _ => (Some(head), first.or(second)),
        });
        first.map(|(_, at)| (at, rest.map(|(order, _)| order)))
    };
    while let Some((at, until)) = next(&lists) {
        let Some((list, taken)) = lists.get_mut(at) else { return };
        for item in list.items.iter_mut().skip(*taken) {
            if until.is_some_and(|until| item.order > until) {
                break;
            }
            let call_id = item.call_id.within(&item.raw);
            calls.take(&mut item.record, call_id, &item.raw, &list.digests, item.order.0);
            *taken += 1;
        }
    }
}
