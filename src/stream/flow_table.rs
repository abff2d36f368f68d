//! The TCP flows of one shard.

use super::connection::{Connection, Farewell};
use super::{Consumer, StreamStats};
use crate::decode::Segment;
use crate::extent::Extent;
use crate::limits::{FLOW_IDLE_SECONDS, MAX_FLOWS, MAX_SHARD_HELD_BYTES};
use crate::reassembly::{AgedMap, Arrival, FlowKey};
use crate::time::NANOS_PER_SECOND;

/// The TCP flows of one shard, each with its latest connection.
///
/// A flow is forgotten [`FLOW_IDLE_SECONDS`] after its last segment, or as the one that was idle for longest when there are
/// too many.
#[derive(Debug)]
pub struct FlowTable<C> {
    flows: AgedMap<FlowKey, Connection<C>>,
    /// Bytes that wait for earlier ones, in all flows.
    held: usize,
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
        Self { flows: AgedMap::new(), held: 0, stats: StreamStats::default() }
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
        while let Some(flow) = self.flows.pop_idle(now, FLOW_IDLE_SECONDS * NANOS_PER_SECOND) {
            self.forget(flow, Farewell::Expired, context);
        }
        let (key, direction) = FlowKey::of(source, segment.source, segment.destination);
        let connection = match self.flows.touch(&key, now) {
            Some(connection) => connection,
            None if begins_a_flow(segment) => {
                self.make_room(context);
                self.flows.insert(key, Connection::new(key, &mut self.stats), now);
                let Some(connection) = self.flows.get_mut(&key) else { return };
                connection
            }
            None => {
                self.stats.ignore(segment);
                return;
            }
        };
        let held_before = connection.held_bytes();
        connection.segment(direction, segment, extent, arrival, &mut self.stats, context);
        self.held = self.held - held_before + connection.held_bytes();
        if self.held > MAX_SHARD_HELD_BYTES {
            let held_before = connection.held_bytes();
            connection.release_held(&mut self.stats, context);
            self.held = self.held - held_before + connection.held_bytes();
        }
    }

    /// The input is over: delivers what is held of every flow, the one that was idle for longest first, and forgets them.
    pub fn finish(&mut self, context: &mut C::Context) {
        while let Some(flow) = self.flows.pop_oldest() {
            self.forget(flow, Farewell::Unfinished, context);
        }
    }

    /// Bytes that wait for earlier ones, in all flows.
    pub const fn held(&self) -> usize {
        self.held
    }

    /// The counts so far.
    pub const fn stats(&self) -> &StreamStats {
        &self.stats
    }

    fn make_room(&mut self, context: &mut C::Context) {
        if self.flows.len() >= MAX_FLOWS
            && let Some(flow) = self.flows.pop_oldest()
        {
            self.forget(flow, Farewell::Evicted, context);
        }
    }

    fn forget(&mut self, mut flow: Connection<C>, farewell: Farewell, context: &mut C::Context) {
        self.held -= flow.held_bytes();
        flow.farewell(farewell, &mut self.stats, context);
    }
}

/// Segments without payload say nothing of a flow that is not known, unless they begin one.
const fn begins_a_flow(segment: &Segment<'_>) -> bool {
    !segment.flags.rst && (segment.flags.syn || !segment.payload.is_empty())
}
