//! What puts packets together from fragments and segments, in shards, and the pass over them.

use std::cell::OnceCell;

use rayon::prelude::*;

use super::messages::{Messages, Spare};
use super::sctp::{finish_sctp, run_sctp, table};
use super::streams::{Loss, SipStream, StreamContext};
use super::yields::{FragmentItem, Origin, SHARDS, SctpItem, SegmentItem, Spot, Yield};
use crate::counters::Counters;
use crate::decode::decode_reassembled;
use crate::limits::MAX_FRAGMENT_NESTING;
use crate::reassembly::{FragmentStats, FragmentTable, Reassembled, SctpStats, SctpTable};
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
pub(crate) struct Found {
    /// Messages.
    pub(crate) messages: Vec<Messages>,
    /// Bytes missing from streams.
    pub(crate) losses: Vec<Loss>,
}

/// The shards. Each has its own state and sees what is for it in the order of frames.
#[derive(Debug)]
pub(crate) struct PacketShards {
    /// By nesting of the packets that are in pieces, then by shard.
    fragments: Vec<Vec<FragmentTable>>,
    flows: Vec<FlowTable<SipStream>>,
    associations: Vec<SctpTable>,
}

impl Default for PacketShards {
    fn default() -> Self {
        let tables = || (0..SHARDS).map(|_| FragmentTable::new()).collect();
        Self {
            fragments: (0..MAX_FRAGMENT_NESTING).map(|_| tables()).collect(),
            flows: (0..SHARDS).map(|_| FlowTable::new()).collect(),
            associations: (0..SHARDS).map(|_| table()).collect(),
        }
    }
}

impl PacketShards {
    /// Takes what the windows of a batch gave, puts fragments and segments together, and gives the messages.
    /// `reached` is the capture time at their end.
    pub(crate) fn take<'w>(
        &mut self,
        mut yields: Vec<Yield<'w>>,
        reached: Timestamp,
        spare: &mut Spare,
        counters: &mut Counters,
    ) -> Found {
        let levels: [OnceCell<Vec<Whole>>; MAX_FRAGMENT_NESTING] = Default::default();
        let mut inner: Vec<Yield<'_>> = Vec::new();
        let mut waiting = transpose(yields.iter_mut().map(|given| std::mem::take(&mut given.fragments)));
        for (nesting, (tables, whole)) in self.fragments.iter_mut().zip(&levels).enumerate() {
            if waiting.iter().all(Vec::is_empty) {
                break;
            }
            let due = waiting.iter_mut().map(|list| take_due(list, nesting)).collect();
            let whole = whole.get_or_init(|| reassemble(tables, due));
            let list = || spare.of_few();
            let mut next: Vec<Yield<'_>> =
                whole.par_chunks(PACKETS_PER_TASK).map(|packets| decode_whole(packets, list())).collect();
            let inner_fragments = next.iter_mut().map(|given| std::mem::take(&mut given.fragments));
            waiting = transpose(std::iter::once(waiting).chain(inner_fragments));
            inner.append(&mut next);
        }
        counters.nested_too_deep += waiting.iter().map(|list| list.len() as u64).sum::<u64>();
        let outer_segments = yields.iter_mut().map(|given| std::mem::take(&mut given.segments));
        let inner_segments = inner.iter_mut().map(|given| std::mem::take(&mut given.segments));
        let segments: Vec<Vec<SegmentItem<'_>>> = transpose(outer_segments.chain(inner_segments));
        let lists = segments.iter().map(|list| list.first().map(|_| spare.of_streams()).unwrap_or_default());
        let lists: Vec<Messages> = lists.collect();
        let streams: Vec<StreamContext<'static>> = self
            .flows
            .par_iter_mut()
            .zip(segments)
            .zip(lists)
            .filter_map(|((flows, segments), list)| run_flows(flows, segments, reached, list))
            .collect();
        let associations = self.sctp(&mut yields, &mut inner, (reached, spare));
        for given in yields.iter().map(|given| &given.counters).chain(inner.iter().map(|given| &given.counters)) {
            *counters += given;
        }
        let mut found = Found { losses: self.lost_packets(reached), ..Found::default() };
        for mut given in yields.into_iter().chain(inner) {
            found.losses.append(&mut given.losses);
            found.add(given.messages);
        }
        for stream in streams.into_iter().chain(associations) {
            found.take_streams(stream, counters);
        }
        found
    }

    /// Packets of which the capture lacks fragments.
    fn lost_packets(&mut self, reached: Timestamp) -> Vec<Loss> {
        let tables = self.fragments.iter_mut().flatten();
        let lost = tables.flat_map(|table| {
            table.expire(reached);
            table.take_lost()
        });
        lost.map(Loss::of_packet).collect()
    }

    fn sctp(
        &mut self,
        yields: &mut [Yield<'_>],
        inner: &mut [Yield<'_>],
        (reached, spare): (Timestamp, &Spare),
    ) -> Vec<StreamContext<'static>> {
        let outer = yields.iter_mut().map(|given| std::mem::take(&mut given.sctp));
        let packets: Vec<Vec<SctpItem<'_>>> =
            transpose(outer.chain(inner.iter_mut().map(|given| std::mem::take(&mut given.sctp))));
        let shards = self.associations.par_iter_mut().zip(packets);
        shards.filter_map(|(associations, packets)| run_sctp(associations, packets, reached, spare)).collect()
    }

    /// Lets all streams give what they hold: the input is over, and `last` was its last frame.
    pub(crate) fn finish(&mut self, last: Spot, spare: &Spare, counters: &mut Counters) -> Found {
        let streams: Vec<StreamContext<'static>> = self
            .flows
            .par_iter_mut()
            .map(|flows| {
                let mut context = StreamContext::new(last, spare.of_few());
                flows.finish(&mut context);
                context
            })
            .collect();
        let associations: Vec<StreamContext<'static>> = self
            .associations
            .par_iter_mut()
            .map(|associations| finish_sctp(associations, last, spare.of_few()))
            .collect();
        let waiting = self.fragments.iter().flatten().flat_map(FragmentTable::waiting);
        let mut found = Found { losses: waiting.map(Loss::of_packet).collect(), ..Found::default() };
        for stream in streams.into_iter().chain(associations) {
            found.take_streams(stream, counters);
        }
        found
    }

    /// What became of fragments.
    pub(crate) fn fragment_stats(&self) -> FragmentStats {
        self.fragments.iter().flatten().fold(FragmentStats::default(), |mut sum, table| {
            sum += table.stats();
            sum
        })
    }

    /// What became of SCTP chunks.
    pub(crate) fn sctp_stats(&self) -> SctpStats {
        self.associations.iter().fold(SctpStats::default(), |mut sum, associations| {
            sum += associations.stats();
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

impl Found {
    fn add(&mut self, messages: Messages) {
        if !messages.is_empty() {
            self.messages.push(messages);
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

fn decode_whole(packets: &[Whole], messages: Messages) -> Yield<'_> {
    let mut given = Yield::into(messages);
    for Whole { spot, packet } in packets {
        let decoded = decode_reassembled(&packet.head, &packet.payload);
        given.counters.decode.count_reassembled(&decoded);
        given.sort(decoded, *spot, &Origin::Fragments(&packet.extents));
    }
    given
}

/// Takes the segments of a batch, and gives up what is due until `reached`.
fn run_flows(
    flows: &mut FlowTable<SipStream>,
    mut segments: Vec<SegmentItem<'_>>,
    reached: Timestamp,
    list: Messages,
) -> Option<StreamContext<'static>> {
    if segments.is_empty() && flows.due().is_none_or(|due| due >= reached) {
        return None;
    }
    segments.sort_by_key(|item| item.spot.order(0));
    let mut context = StreamContext::new(Spot::behind(reached), list);
    let give_up = |flows: &mut FlowTable<SipStream>, now: Timestamp, context: &mut StreamContext<'static>| {
        while let Some(due) = flows.due().filter(|due| *due < now) {
            context.advance(Spot::behind(due));
            flows.advance(due, context);
        }
    };
    for item in segments {
        give_up(flows, item.spot.arrival.watermark, &mut context);
        context.advance(item.spot);
        flows.segment(item.spot.capture_source, &item.segment, item.extent, item.spot.arrival, &mut context);
    }
    give_up(flows, reached, &mut context);
    Some(context)
}
