//! IP fragments to whole packets (RFC 791 3.2, RFC 8200 4.5).

mod packet;
#[cfg(test)]
mod tests;
use std::net::IpAddr;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use self::packet::{Added, FragmentedPacket, Mark};
use super::aged_map::AgedMap;
use super::{FragmentStats, octets};
use crate::decode::{Fragment, ReassembledHead};
use crate::extent::Extent;
use crate::limits::{
    FRAGMENT_COPY_SECONDS, FRAGMENT_TIMEOUT_SECONDS, MAX_FRAGMENT_BYTES, MAX_FRAGMENTED_PACKETS, MAX_PACKET_BYTES,
};
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// What the fragments of one packet have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FragmentKey {
    capture_source: u32,
    source: IpAddr,
    destination: IpAddr,
    /// 0 for IPv6, where the next header is no part of the key (RFC 8200 4.5).
    protocol: u8,
    identification: u32,
}

impl FragmentKey {
    /// The key of a fragment that came from a capture source.
    pub const fn of(capture_source: u32, fragment: &Fragment<'_>) -> Self {
        Self {
            capture_source,
            source: fragment.source,
            destination: fragment.destination,
            protocol: match fragment.source {
                IpAddr::V4(_) => fragment.protocol,
                IpAddr::V6(_) => 0,
            },
            identification: fragment.identification,
        }
    }

    /// A hash that is the same on every run and machine: for shards.
    pub fn hash64(&self) -> u64 {
        let seed = u64::from(self.capture_source) << 32 | u64::from(self.identification);
        let source = xxh3_64_with_seed(&octets(self.source), seed);
        xxh3_64_with_seed(&octets(self.destination), source ^ u64::from(self.protocol))
    }
}

/// A packet put together from fragments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reassembled {
    /// Its headers, to be decoded further.
    pub head: ReassembledHead,
    /// The whole payload.
    pub payload: Vec<u8>,
    /// Where the payload lies in the inputs, in order.
    pub extents: Vec<Extent>,
}

/// A packet that was not whole in time, and may have been anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostPacket {
    /// Who sent it.
    pub source: IpAddr,
    /// Whom it was sent to.
    pub destination: IpAddr,
    /// The watermark at its first fragment.
    pub since: Timestamp,
    /// The watermark at its last fragment.
    pub until: Timestamp,
    /// The watermark when it was given up, or if that never was, at its last fragment.
    pub shown: Timestamp,
}

/// The packets of one shard that have fragments outstanding.
///
/// A packet is given up [`FRAGMENT_TIMEOUT_SECONDS`] after its first fragment, or as the oldest one when there are too many.
/// Copies of the fragments of a packet that became whole a moment ago (mirror ports give them) are known as such.
#[derive(Debug)]
pub struct FragmentTable {
    packets: AgedMap<FragmentKey, FragmentedPacket>,
    /// The fragments of packets that became whole within [`FRAGMENT_COPY_SECONDS`].
    whole: AgedMap<FragmentKey, Vec<Mark>>,
    /// Memory that all packets take, about, in bytes.
    held: usize,
    /// Packets that were given up, with their capture source, until somebody takes them.
    lost: Vec<(u32, LostPacket)>,
    stats: FragmentStats,
}

impl Default for FragmentTable {
    fn default() -> Self {
        Self::new()
    }
}

impl FragmentTable {
    /// An empty table.
    pub fn new() -> Self {
        Self {
            packets: AgedMap::new(),
            whole: AgedMap::new(),
            held: 0,
            lost: Vec::new(),
            stats: FragmentStats::default(),
        }
    }

    /// Adds a fragment; gives the whole packet when this was the last piece missing.
    ///
    /// `now` is the watermark of the frame. A fragment that the capture cut cannot help: its packet stays incomplete unless
    /// another copy comes.
    pub fn insert(
        &mut self,
        source: u32,
        fragment: &Fragment<'_>,
        now: Timestamp,
        extent: Extent,
    ) -> Option<Reassembled> {
        self.expire(now);
        self.stats.fragments += 1;
        if fragment.missing > 0 {
            self.stats.truncated += 1;
            let mut packet = FragmentedPacket::of(source, fragment, now);
            if !fragment.payload.is_empty() {
                packet.add(fragment, extent);
            }
            self.lost.extend(packet.loss(now).map(|loss| (source, loss)));
            return None;
        }
        let end = (fragment.offset as usize).saturating_add(fragment.payload.len());
        if fragment.payload.is_empty() || end > MAX_PACKET_BYTES {
            self.stats.refused += 1;
            return None;
        }
        let key = FragmentKey::of(source, fragment);
        if self.whole.get_mut(&key).is_some_and(|marks| marks.contains(&Mark::of(fragment))) {
            self.stats.duplicates += 1;
            return None;
        }
        let packet = match self.packets.get_mut(&key) {
            Some(packet) => packet,
            None => self.begin(key, fragment, now)?,
        };
        packet.note(now);
        let cost = packet.cost();
        let (added, conflict) = packet.add(fragment, extent);
        let is_whole = packet.is_whole();
        self.held += packet.cost() - cost;
        self.stats.conflicts += u64::from(conflict);
        match added {
            Added::New => self.stats.open += 1,
            Added::Duplicate => self.stats.duplicates += 1,
            Added::Contradiction => self.stats.refused += 1,
            Added::TooMany => {
                self.stats.evicted += 1;
                let packet = self.packets.remove(&key);
                self.give_up(packet, now, |stats| &mut stats.evicted);
            }
        }
        if is_whole && let Some(packet) = self.packets.remove(&key) {
            return Some(self.complete(key, packet, now));
        }
        while self.held > MAX_FRAGMENT_BYTES {
            let packet = self.packets.pop_oldest();
            self.give_up(packet, now, |stats| &mut stats.evicted);
        }
        None
    }

    /// The counts so far; `open` is what waits now.
    pub const fn stats(&self) -> &FragmentStats {
        &self.stats
    }

    /// Takes the packets that were given up since the last time, with their capture source.
    pub fn take_lost(&mut self) -> Vec<(u32, LostPacket)> {
        std::mem::take(&mut self.lost)
    }

    /// The packets that wait for fragments, with their capture source: if no more come, they are lost too.
    pub fn waiting(&self) -> impl Iterator<Item = (u32, LostPacket)> + '_ {
        self.packets.values().filter_map(|packet| Some((packet.capture_source(), packet.loss(Timestamp::MIN)?)))
    }

    /// Begins a packet, in the place of the oldest one if there are too many.
    fn begin(&mut self, key: FragmentKey, fragment: &Fragment<'_>, now: Timestamp) -> Option<&mut FragmentedPacket> {
        if self.packets.len() >= MAX_FRAGMENTED_PACKETS {
            let packet = self.packets.pop_oldest();
            self.give_up(packet, now, |stats| &mut stats.evicted);
        }
        self.packets.insert(key, FragmentedPacket::of(key.capture_source, fragment, now), now);
        self.packets.get_mut(&key)
    }

    fn complete(&mut self, key: FragmentKey, packet: FragmentedPacket, now: Timestamp) -> Reassembled {
        self.stats.packets += 1;
        self.stats.used += packet.fragments();
        self.stats.open -= packet.fragments();
        self.held -= packet.cost();
        let (reassembled, marks) = packet.into_whole();
        if self.whole.len() >= MAX_FRAGMENTED_PACKETS {
            self.whole.pop_oldest();
        }
        self.whole.insert(key, marks, now);
        reassembled
    }

    /// Gives up the packets that have waited for too long. That is decided by the frames that come, so it does not matter when this is
    /// called without one.
    pub fn expire(&mut self, now: Timestamp) {
        let longest = FRAGMENT_TIMEOUT_SECONDS * NANOS_PER_SECOND;
        while let Some(packet) = self.packets.pop_idle(now, longest) {
            let due = packet.began().plus(longest);
            self.give_up(Some(packet), due, |stats| &mut stats.timed_out);
        }
        while self.whole.pop_idle(now, FRAGMENT_COPY_SECONDS * NANOS_PER_SECOND).is_some() {}
    }

    fn give_up(&mut self, packet: Option<FragmentedPacket>, now: Timestamp, cause: fn(&mut FragmentStats) -> &mut u64) {
        if let Some(packet) = packet {
            self.stats.open -= packet.fragments();
            *cause(&mut self.stats) += packet.fragments();
            self.held -= packet.cost();
            self.lost.extend(packet.loss(now).map(|loss| (packet.capture_source(), loss)));
        }
    }
}
