//! Putting runs in order: what is delivered, what is held, what is a duplicate.

use super::run::Run;
use super::{Assembler, Deliver, FIRST_EPOCH, Piece, SEQUENCE_MASK, Start, sequence_of};
use crate::limits::MAX_START_REORDER_BYTES;
use crate::reassembly::{Arrival, AssemblerStats};

/// Where the pieces and the counts go.
pub(super) struct Out<'o> {
    pub stats: &'o mut AssemblerStats,
    pub deliver: Deliver<'o>,
}

impl Assembler {
    /// Puts a run in its place; delivers it, and what waited for it, when that is the next one.
    pub(super) fn merge(&mut self, run: Run<'_>, out: &mut Out<'_>) {
        let mut rest = run;
        if self.start == Start::Settled {
            if rest.position == self.next && self.held.is_empty() {
                return self.emit(rest, out);
            }
            let (old, new) = rest.split_at(self.next);
            out.stats.duplicate_bytes += old.bytes.len() as u64;
            rest = new;
        }
        self.compare(rest, out.stats);
        let (mut is_new, mut is_early) = (false, false);
        while !rest.is_empty() {
            if self.start == Start::Settled {
                rest = rest.split_at(self.next).1;
            }
            let covered = self.held.range(..=rest.position).next_back().map_or(0, |(_, held)| held.end());
            if covered > rest.position {
                rest = rest.split_at(covered).1;
                continue;
            }
            let stop = self.held.range(rest.position..).next().map_or(u64::MAX, |(position, _)| *position);
            let (free, after) = rest.split_at(stop);
            rest = after;
            if free.is_empty() {
                continue;
            }
            is_new = true;
            if self.start == Start::Settled && free.position == self.next {
                self.emit(free, out);
                self.drain(out);
            } else {
                is_early = true;
                self.hold(free, out.stats);
            }
        }
        out.stats.out_of_order_segments += u64::from(is_early && self.start == Start::Settled);
        out.stats.duplicate_segments += u64::from(!is_new && !run.bytes.is_empty());
        if self.start == Start::Probing {
            self.next = self.next.min(run.position);
            if self.held_bytes as u64 > MAX_START_REORDER_BYTES {
                self.settle(out);
            }
        }
    }

    /// Delivers what is held at `next`.
    pub(super) fn drain(&mut self, out: &mut Out<'_>) {
        while let Some(entry) = self.held.first_entry() {
            if *entry.key() != self.next {
                return;
            }
            let held = entry.remove();
            self.held_bytes -= held.len();
            out.stats.held_bytes -= held.len() as u64;
            self.emit(held.as_run(), out);
        }
    }

    /// Calls everything before `position`, which is above `next` and not above anything held, a gap.
    pub(super) fn skip_to(&mut self, position: u64, out: &mut Out<'_>) {
        let length = position.saturating_sub(self.next);
        self.next = position;
        self.latest = (0, Arrival::default());
        out.stats.gaps += 1;
        out.stats.gap_bytes += length;
        (out.deliver)(Piece::Gap(length));
    }

    /// Takes a run that is too far away to belong to the stream; when it continues the one before, the stream is there.
    pub(super) fn stray(&mut self, run: Run<'_>, out: &mut Out<'_>) {
        if let Some(stray) = self.stray.take() {
            if run.position == stray.position {
                out.stats.duplicate_bytes += run.bytes.len() as u64;
                out.stats.duplicate_segments += 1;
                self.stray = Some(stray);
                return;
            }
            self.held_bytes -= stray.len();
            out.stats.held_bytes -= stray.len() as u64;
            if run.position >= stray.end() && run.position - stray.end() <= MAX_START_REORDER_BYTES {
                self.release(out);
                self.jump_to(stray.position, out);
                self.emit(Run { position: self.next, ..stray.as_run() }, out);
                return self.merge(Run { position: self.place(sequence_of(run.position)), ..run }, out);
            }
            out.stats.dropped_bytes += stray.len() as u64;
        }
        self.held_bytes += run.bytes.len();
        out.stats.held_bytes += run.bytes.len() as u64;
        self.stray = Some(Box::new(run.to_held()));
    }

    /// The stream goes on elsewhere; nothing is held.
    fn jump_to(&mut self, position: u64, out: &mut Out<'_>) {
        self.settle_at(FIRST_EPOCH + (position & SEQUENCE_MASK));
        self.acknowledged = 0;
        self.initial = None;
        self.end = None;
        self.latest = (0, Arrival::default());
        out.stats.resets += 1;
        (out.deliver)(Piece::Reset);
    }

    /// Delivers a run that is next in order.
    fn emit(&mut self, run: Run<'_>, out: &mut Out<'_>) {
        self.next = run.position.saturating_add(run.bytes.len() as u64);
        if run.serial > self.latest.0 {
            self.latest = (run.serial, run.arrival);
        }
        if !run.bytes.is_empty() {
            out.stats.delivered_bytes += run.bytes.len() as u64;
            (out.deliver)(Piece::Data { bytes: run.bytes, extent: run.extent, arrival: self.latest.1 });
        }
        if run.missing > 0 {
            self.skip_to(run.end(), out);
        }
    }

    /// Keeps a run, whose place is free, for later.
    fn hold(&mut self, run: Run<'_>, stats: &mut AssemblerStats) {
        self.held_bytes += run.bytes.len();
        stats.held_bytes += run.bytes.len() as u64;
        self.held.insert(run.position, run.to_held());
    }

    /// Counts the bytes of a run whose place is taken by held ones, and whether they differ.
    fn compare(&self, run: Run<'_>, stats: &mut AssemblerStats) {
        let end = run.end();
        let mut conflict = false;
        for (_, held) in self.held.range(..end).rev().take_while(|(_, held)| held.end() > run.position) {
            let (from, to) = (run.position.max(held.position), end.min(held.end()));
            let (ours, theirs) = (run.between(from, to), held.as_run().between(from, to));
            stats.duplicate_bytes += ours.len() as u64;
            conflict |= ours.iter().zip(theirs).any(|(ours, theirs)| ours != theirs);
        }
        stats.conflicts += u64::from(conflict);
    }
}
