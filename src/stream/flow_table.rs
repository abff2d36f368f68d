//! The TCP flows of one shard.

use super::connection::{Connection, Farewell};
use super::{Consumer, StreamStats};
use crate::decode::Segment;
use crate::extent::Extent;
use crate::limits::{
    FLOW_IDLE_SECONDS, HOLE_TIMEOUT_SECONDS, MAX_FLOWS, MAX_SHARD_HELD_BYTES, MAX_SHARD_PENDING_BYTES,
};
use crate::reassembly::{AgedMap, Arrival, FlowKey};
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// How long a hole is waited for, and a flow.
const HOLE_NANOS: i64 = HOLE_TIMEOUT_SECONDS * NANOS_PER_SECOND;
const IDLE_NANOS: i64 = FLOW_IDLE_SECONDS * NANOS_PER_SECOND;

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
    /// The flows whose consumers hold something, by when they had a segment last.
    pending: AgedMap<FlowKey, FlowKey>,
    /// Memory of all consumers.
    pending_memory: usize,
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
        Self {
            flows: AgedMap::new(),
            waiting: AgedMap::new(),
            held_memory: 0,
            pending: AgedMap::new(),
            pending_memory: 0,
            stats: StreamStats::default(),
        }
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
        let (before, pending_before) = (connection.held_memory(), connection.pending_memory());
        connection.segment(direction, segment, extent, arrival, &mut self.stats, context);
        if before > 0 || connection.held_memory() > 0 {
            if self.held_memory - before + connection.held_memory() > MAX_SHARD_HELD_BYTES {
                connection.release_held(&mut self.stats, context);
            }
            let after = connection.held_memory();
            let pending = connection.pending_memory();
            self.note_held(&key, before, after, now);
            self.note_pending(&key, pending_before, pending, now, context);
            return;
        }
        let pending = connection.pending_memory();
        self.note_pending(&key, pending_before, pending, now, context);
    }

    /// When something has to be given up next: a hole that was not filled, a flow that was idle for too long.
    pub fn due(&self) -> Option<Timestamp> {
        let hole = self.waiting.oldest_since().map(|since| since.plus(HOLE_NANOS + 1));
        let idle = self.flows.oldest_since().map(|since| since.plus(IDLE_NANOS + 1));
        hole.into_iter().chain(idle).min()
    }

    /// Goes on without what will not come any more in flows that have had no segment since; `now` is a watermark.
    /// [`Self::segment`] does it too. What comes of it depends on `now` alone where it is called at each time that [`Self::due`]
    /// gives.
    pub fn advance(&mut self, now: Timestamp, context: &mut C::Context) {
        while let Some(flow) = self.flows.pop_idle(now, IDLE_NANOS) {
            self.forget(flow, Farewell::Expired, context);
        }
        while let Some(key) = self.waiting.pop_idle(now, HOLE_NANOS) {
            let Some(connection) = self.flows.get_mut(&key) else { continue };
            let (before, pending_before) = (connection.held_memory(), connection.pending_memory());
            connection.advance(now, &mut self.stats, context);
            let (after, pending) = (connection.held_memory(), connection.pending_memory());
            self.held_memory = self.held_memory - before + after;
            self.note_pending(&key, pending_before, pending, now, context);
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

    /// Memory of all consumers; at most [`MAX_SHARD_PENDING_BYTES`] between calls.
    pub const fn pending_memory(&self) -> usize {
        self.pending_memory
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

    /// Keeps the account of what the consumers of a flow hold, and frees what was idle for longest if that is too much.
    fn note_pending(&mut self, key: &FlowKey, before: usize, after: usize, now: Timestamp, context: &mut C::Context) {
        if before == 0 && after == 0 {
            return;
        }
        self.pending_memory = self.pending_memory - before + after;
        if after == 0 {
            self.pending.remove(key);
        } else if self.pending.touch(key, now).is_none() {
            self.pending.insert(*key, *key, now);
        }
        while self.pending_memory > MAX_SHARD_PENDING_BYTES
            && let Some(key) = self.pending.pop_oldest()
            && let Some(connection) = self.flows.get_mut(&key)
        {
            let before = connection.pending_memory();
            connection.shed(&mut self.stats, context);
            self.pending_memory = self.pending_memory - before + connection.pending_memory();
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
        self.pending_memory -= flow.pending_memory();
        self.pending.remove(flow.key());
        flow.farewell(farewell, &mut self.stats, context);
    }
}

/// Segments without payload say nothing of a flow that is not known, unless they begin one.
const fn begins_a_flow(segment: &Segment<'_>) -> bool {
    !segment.flags.rst && (segment.flags.syn || !segment.payload.is_empty())
}
