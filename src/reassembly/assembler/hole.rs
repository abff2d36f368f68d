//! Holes: when they are called gaps.

use std::collections::BTreeMap;

use super::order::Out;
use super::{Assembler, Deliver, Start};
use crate::limits::{HOLE_TIMEOUT_SECONDS, MAX_OUT_OF_ORDER_BYTES, MAX_OUT_OF_ORDER_SEGMENTS, REORDER_NANOS};
use crate::reassembly::AssemblerStats;
use crate::time::{NANOS_PER_SECOND, Timestamp};

impl Assembler {
    /// Goes on without what will not come any more; `now` is the watermark. To be called after each segment of the flow, in
    /// either direction.
    pub fn advance(&mut self, now: Timestamp, stats: &mut AssemblerStats, deliver: Deliver<'_>) {
        let out = &mut Out { stats, deliver };
        while let Some((&position, first)) = self.held.first_key_value() {
            let waited = now.since(first.arrival.watermark);
            if self.start == Start::Probing {
                if waited < REORDER_NANOS {
                    return;
                }
                self.settle(out);
            } else if self.acknowledged > self.next && now.since(self.acknowledged_since) >= REORDER_NANOS {
                self.skip_to(self.acknowledged.min(position), out);
                self.drain(out);
            } else if waited >= HOLE_TIMEOUT_SECONDS * NANOS_PER_SECOND
                || self.held_bytes > MAX_OUT_OF_ORDER_BYTES
                || self.held.len() > MAX_OUT_OF_ORDER_SEGMENTS
            {
                self.skip_to(position, out);
                self.drain(out);
            } else {
                return;
            }
        }
        // A map keeps room for what it held once, and there are many flows.
        self.held = BTreeMap::new();
    }

    /// Goes on without anything that is missing before what is held.
    pub fn release_held(&mut self, stats: &mut AssemblerStats, deliver: Deliver<'_>) {
        self.release(&mut Out { stats, deliver });
    }

    /// The stream is over: delivers what is held, and the gap at the end if the other side or a FIN says that there is one.
    pub fn finish(&mut self, stats: &mut AssemblerStats, deliver: Deliver<'_>) {
        let out = &mut Out { stats, deliver };
        self.release(out);
        if self.start == Start::Settled {
            // An acknowledgment may count a FIN that was not captured as a byte.
            let sent = self.end.unwrap_or_else(|| self.acknowledged.saturating_sub(1));
            if sent > self.next {
                self.skip_to(self.end.unwrap_or(self.acknowledged), out);
            }
        }
        self.abandon(out.stats);
    }

    /// Drops what is held, because nobody wants it.
    pub fn abandon(&mut self, stats: &mut AssemblerStats) {
        stats.dropped_bytes += self.held_bytes as u64;
        stats.held_bytes -= self.held_bytes as u64;
        self.held_bytes = 0;
        self.held.clear();
        self.stray = None;
    }

    pub(super) fn release(&mut self, out: &mut Out<'_>) {
        self.settle(out);
        while let Some((&position, _)) = self.held.first_key_value() {
            self.skip_to(position, out);
            self.drain(out);
        }
    }

    /// Notes up to where the other side has acknowledged.
    pub(super) fn note_acknowledged(&mut self, position: u64, now: Timestamp) {
        if position > self.acknowledged {
            if self.acknowledged <= self.next {
                self.acknowledged_since = now;
            }
            self.acknowledged = position;
        }
    }
}
