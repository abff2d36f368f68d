//! The TCP flows of one shard.

use super::connection::{Connection, Farewell};
use super::{Consumer, StreamStats};
use crate::decode::Segment;
use crate::extent::Extent;
use crate::limits::{FLOW_IDLE_SECONDS, HOLE_TIMEOUT_SECONDS, MAX_FLOWS, MAX_SHARD_HELD_BYTES};
use crate::reassembly::{AgedMap, Arrival, FlowKey};
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// The TCP flows of one shard, each with its latest connection.
///
/// A flow is forgotten [`FLOW_IDLE_SECONDS`] after its last segment, or as the one that was idle for longest when there are
/// too many.
#[derive(Debug)]
pub struct FlowTable<C> {
    flows: AgedMap<FlowKey, Connection<C>>,
    /// The flows that hold something, by when they began to or were last looked at.
    waiting: AgedMap<FlowKey, FlowKey>,
    /// Memory for what is held in all flows.
    held_memory: usize,
    stats: StreamStats,
}

impl<C: Consumer> Default for FlowTable<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Consumer> FlowTable<C> {
    /// An empty table.
    pub fn new() -> Self {
        Self { flows: AgedMap::new(), waiting: AgedMap::new(), held_memory: 0, stats: StreamStats::default() }
    }

    /// Takes a segment that a capture source gave; its payload lies at `extent`. Segments come in capture order, so that
    /// `arrival.watermark` never goes back.
    pub fn segment(
        &mut self,
        source: u32,
        segment: &Segment<'_>,
        extent: Extent,
        arrival: Arrival,
        context: &mut C::Context,
    ) {
        let now = arrival.watermark;
        self.advance(now, context);
        let (key, direction) = FlowKey::of(source, segment.source, segment.destination);
        let connection = match self.flows.touch(&key, now) {
            Some(connection) => connection,
            None if begins_a_flow(segment) => {
                self.make_room(context);
                self.flows.insert(key, Connection::new(key, &mut self.stats), now);
                let Some(connection) = self.flows.get_mut(&key) else { return };
                connection
            }
            None => return self.stats.ignore(segment),
        };
        let before = connection.held_memory();
        connection.segment(direction, segment, extent, arrival, &mut self.stats, context);
        if before > 0 || connection.held_memory() > 0 {
            if self.held_memory - before + connection.held_memory() > MAX_SHARD_HELD_BYTES {
                connection.release_held(&mut self.stats, context);
            }
            let after = connection.held_memory();
            self.note_held(&key, before, after, now);
        }
    }

    /// Goes on without what will not come any more in flows that have had no segment since. [`Self::segment`] does it
    /// too; for a shard that has no segments for long, `now` may be the watermark at any place in frame order.
    pub fn advance(&mut self, now: Timestamp, context: &mut C::Context) {
        while let Some(flow) = self.flows.pop_idle(now, FLOW_IDLE_SECONDS * NANOS_PER_SECOND) {
            self.forget(flow, Farewell::Expired, context);
        }
        while let Some(key) = self.waiting.pop_idle(now, HOLE_TIMEOUT_SECONDS * NANOS_PER_SECOND) {
            let Some(connection) = self.flows.get_mut(&key) else { continue };
            let before = connection.held_memory();
            connection.advance(now, &mut self.stats, context);
            let after = connection.held_memory();
            self.held_memory = self.held_memory - before + after;
            if after > 0 {
                self.waiting.insert(key, key, now);
            }
        }
    }

    /// The input is over: delivers what is held of every flow, the one that was idle for longest first, and forgets them.
    pub fn finish(&mut self, context: &mut C::Context) {
        while let Some(flow) = self.flows.pop_oldest() {
            self.forget(flow, Farewell::Unfinished, context);
        }
    }

    /// Memory for what waits for earlier bytes, in all flows; at most [`MAX_SHARD_HELD_BYTES`] between calls.
    pub const fn held_memory(&self) -> usize {
        self.held_memory
    }

    /// The counts so far.
    pub const fn stats(&self) -> &StreamStats {
        &self.stats
    }

    /// Keeps the account of what a flow holds.
    fn note_held(&mut self, key: &FlowKey, before: usize, after: usize, now: Timestamp) {
        self.held_memory = self.held_memory - before + after;
        if before == 0 && after > 0 {
            self.waiting.insert(*key, *key, now);
        } else if before > 0 && after == 0 {
            self.waiting.remove(key);
        }
    }

    fn make_room(&mut self, context: &mut C::Context) {
        if self.flows.len() >= MAX_FLOWS
            && let Some(flow) = self.flows.pop_oldest()
        {
            self.forget(flow, Farewell::Evicted, context);
        }
    }

    fn forget(&mut self, mut flow: Connection<C>, farewell: Farewell, context: &mut C::Context) {
        let held = flow.held_memory();
        if held > 0 {
            self.held_memory -= held;
            self.waiting.remove(flow.key());
        }
        flow.farewell(farewell, &mut self.stats, context);
    }
}

/// Segments without payload say nothing of a flow that is not known, unless they begin one.
const fn begins_a_flow(segment: &Segment<'_>) -> bool {
    !segment.flags.rst && (segment.flags.syn || !segment.payload.is_empty())
}
