//! SCTP chunks to whole messages (RFC 9260 6.9, RFC 8260 2).
//!
//! Messages are given as soon as they are whole: what order their receiver was given them in says nothing of when they were
//! sent. What the messages are is not known here: whoever opens a [`SctpTable`] says how they are recognised.

mod association;
mod holes;
mod runs;
#[cfg(test)]
mod tests;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use self::association::Association;
use super::{AgedMap, Arrival, SctpStats, part};
use crate::decode::{DataChunk, SctpPacket};
use crate::extent::Extent;
use crate::limits::{
    FLOW_IDLE_SECONDS, MAX_SCTP_DIRECTIONS, MAX_SCTP_HELD_BYTES, MAX_SCTP_SHARD_HELD_BYTES, SCTP_LOSS_SECONDS,
};
use crate::net::Endpoint;
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// How long chunks are waited for, and a direction.
const LOSS_NANOS: i64 = SCTP_LOSS_SECONDS * NANOS_PER_SECOND;
const IDLE_NANOS: i64 = FLOW_IDLE_SECONDS * NANOS_PER_SECOND;

/// One direction of an association, as one capture source saw it.
///
/// Its receiver chose the tag. Addresses are no part of the key: an association may use several (RFC 9260 6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SctpKey {
    capture_source: u32,
    source_port: u16,
    destination_port: u16,
    tag: u32,
}

impl SctpKey {
    /// The direction of a packet that came from a capture source.
    pub const fn of(capture_source: u32, packet: &SctpPacket<'_>) -> Self {
        let (source_port, destination_port) = (packet.source.port, packet.destination.port);
        Self { capture_source, source_port, destination_port, tag: packet.tag }
    }

    /// A hash that is the same on every run and machine: for shards.
    pub fn hash64(&self) -> u64 {
        let ports = u64::from(self.source_port) << 16 | u64::from(self.destination_port);
        xxh3_64_with_seed(&self.tag.to_be_bytes(), u64::from(self.capture_source) << 32 | ports)
    }
}

/// How much of a message is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// All of it, or all that was captured.
    Whole,
    /// Its beginning.
    Beginning,
}

/// Tells whether a message is, or may be, of the application that is looked for.
pub type Wanted = fn(&[u8], Shown) -> bool;

/// What comes out of associations.
#[derive(Clone, Copy, Debug)]
pub enum SctpPiece<'a> {
    /// A message.
    Message {
        /// Who sent it, and to whom.
        path: (Endpoint, Endpoint),
        /// Its bytes.
        bytes: &'a [u8],
        /// Where they lie.
        extents: &'a [Extent],
        /// Its end is missing.
        cut: bool,
        /// The frame by which it was whole.
        arrival: Arrival,
    },
    /// The capture lacks chunks of an association.
    Lost {
        /// Who sent them, and to whom.
        path: (Endpoint, Endpoint),
        /// When the last chunk before them came.
        since: Timestamp,
    },
}

/// Where messages go, with the capture source that showed them.
pub type SctpDeliver<'a> = &'a mut dyn FnMut(u32, SctpPiece<'_>);

/// The same for one direction.
type Give<'a> = &'a mut dyn FnMut(SctpPiece<'_>);

/// The associations of one shard that have shown a message that is wanted, or may have.
///
/// A direction is forgotten [`FLOW_IDLE_SECONDS`] after its last chunk with data, or as the one that was idle for longest when
/// there are too many.
#[derive(Debug)]
pub struct SctpTable {
    directions: AgedMap<SctpKey, Association>,
    /// Those that wait for chunks, by when they began to or were last looked at.
    waiting: AgedMap<SctpKey, SctpKey>,
    /// Memory for pieces of messages, in all directions.
    held: usize,
    wanted: Wanted,
    stats: SctpStats,
}

impl SctpTable {
    /// An empty table for what is `wanted`.
    pub fn new(wanted: Wanted) -> Self {
        Self { directions: AgedMap::new(), waiting: AgedMap::new(), held: 0, wanted, stats: SctpStats::default() }
    }

    /// Takes a packet that a capture source gave; its chunks lie at `extent`. Packets come in capture order, so that
    /// `arrival.watermark` never goes back.
    pub fn packet(
        &mut self,
        source: u32,
        packet: &SctpPacket<'_>,
        extent: Extent,
        arrival: Arrival,
        deliver: SctpDeliver<'_>,
    ) {
        self.advance(arrival.watermark, deliver);
        self.stats.packets += 1;
        let key = SctpKey::of(source, packet);
        for chunk in packet.data_chunks() {
            self.stats.chunks += 1;
            let before = (chunk.payload.as_ptr() as usize).saturating_sub(packet.chunks.as_ptr() as usize);
            let extent = match extent.length {
                0 => extent,
                _ => part(extent, before, chunk.payload.len()),
            };
            self.chunk(key, Piece { chunk, path: (packet.source, packet.destination), extent, arrival }, deliver);
        }
    }

    /// When something has to be given up next.
    pub fn due(&self) -> Option<Timestamp> {
        let lost = self.waiting.oldest_since().map(|since| since.plus(LOSS_NANOS + 1));
        let idle = self.directions.oldest_since().map(|since| since.plus(IDLE_NANOS + 1));
        lost.into_iter().chain(idle).min()
    }

    /// Gives up what will not come any more; `now` is a watermark. What comes of it depends on `now` alone where it is called at
    /// each time that [`Self::due`] gives.
    pub fn advance(&mut self, now: Timestamp, deliver: SctpDeliver<'_>) {
        while let Some(direction) = self.directions.pop_idle(now, IDLE_NANOS) {
            self.forget(direction, deliver);
        }
        while let Some(key) = self.waiting.pop_idle(now, LOSS_NANOS) {
            let Some(direction) = self.directions.get_mut(&key) else { continue };
            let before = direction.held();
            direction.advance(now, &mut self.stats, &mut |piece| deliver(key.capture_source, piece));
            self.held = self.held - before + direction.held();
            if direction.waits() {
                self.waiting.insert(key, key, now);
            }
        }
    }

    /// The input is over: gives the beginnings of messages that are not whole, and forgets everything.
    pub fn finish(&mut self, deliver: SctpDeliver<'_>) {
        while let Some(direction) = self.directions.pop_oldest() {
            self.forget(direction, deliver);
        }
    }

    /// The counts so far.
    pub const fn stats(&self) -> &SctpStats {
        &self.stats
    }

    fn chunk(&mut self, key: SctpKey, piece: Piece<'_>, deliver: SctpDeliver<'_>) {
        let now = piece.arrival.watermark;
        let is_wanted = piece.is_wanted(self.wanted);
        let direction = match self.directions.touch(&key, now) {
            Some(direction) => direction,
            None if is_wanted => {
                self.make_room(deliver);
                self.stats.directions += 1;
                self.directions.insert(key, Association::new(key), now);
                let Some(direction) = self.directions.get_mut(&key) else { return };
                direction
            }
            None => {
                self.stats.unwanted += 1;
                return;
            }
        };
        let (before, waited) = (direction.held(), direction.waits());
        let give: Give<'_> = &mut |piece| deliver(key.capture_source, piece);
        direction.chunk(&piece, is_wanted, &mut self.stats, give);
        let others = self.held - before;
        if direction.held() > MAX_SCTP_HELD_BYTES || others + direction.held() > MAX_SCTP_SHARD_HELD_BYTES {
            self.stats.evictions += 1;
            direction.give_up_held(&mut self.stats, give);
        }
        self.held = others + direction.held();
        match (waited, direction.waits()) {
            (false, true) => self.waiting.insert(key, key, now),
            (true, false) => drop(self.waiting.remove(&key)),
            _ => {}
        }
    }

    fn make_room(&mut self, deliver: SctpDeliver<'_>) {
        if self.directions.len() >= MAX_SCTP_DIRECTIONS
            && let Some(direction) = self.directions.pop_oldest()
        {
            self.stats.evictions += 1;
            self.forget(direction, deliver);
        }
    }

    fn forget(&mut self, mut direction: Association, deliver: SctpDeliver<'_>) {
        self.held -= direction.held();
        self.waiting.remove(direction.key());
        let source = direction.key().capture_source;
        direction.finish(&mut self.stats, &mut |piece| deliver(source, piece));
    }
}

/// A chunk with data on its way, and where it was found.
#[derive(Clone, Copy, Debug)]
struct Piece<'a> {
    chunk: DataChunk<'a>,
    path: (Endpoint, Endpoint),
    extent: Extent,
    arrival: Arrival,
}

impl Piece<'_> {
    /// Whether it is a message that is wanted, or may belong to one. RFC 4168 5.1 gives SIP no protocol identifier of its own, so
    /// it has 0.
    fn is_wanted(&self, wanted: Wanted) -> bool {
        let chunk = &self.chunk;
        match (chunk.beginning, chunk.ending) {
            (true, true) => wanted(chunk.payload, Shown::Whole),
            (true, false) => wanted(chunk.payload, Shown::Beginning),
            (false, _) => chunk.protocol == 0,
        }
    }
}
