//! The numbers of chunks that did not come yet.

use std::collections::VecDeque;

use crate::limits::{MAX_SCTP_HOLES, SCTP_LOSS_SECONDS};
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// Runs of numbers that were left out, the one noticed first in front.
#[derive(Debug, Default)]
pub(super) struct Holes {
    list: VecDeque<Hole>,
}

#[derive(Clone, Copy, Debug)]
struct Hole {
    start: u64,
    /// The number behind the last one.
    end: u64,
    /// When the chunk before it came.
    since: Timestamp,
    /// The watermark when it was noticed.
    noticed: Timestamp,
}

/// Takes how many chunks are lost, and since when.
type Lose<'a> = &'a mut dyn FnMut(u64, Timestamp);

impl Holes {
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Notes that the numbers from `start` up to `end` are left out, if there are any.
    pub(super) fn open(&mut self, start: u64, end: u64, since: Timestamp, now: Timestamp, lose: Lose<'_>) {
        if start < end {
            self.add(self.list.len(), Hole { start, end, since, noticed: now }, lose);
        }
    }

    /// The chunk with this number came after all.
    pub(super) fn fill(&mut self, number: u64) {
        let Some(at) = self.list.iter().position(|hole| (hole.start..hole.end).contains(&number)) else { return };
        let Some(hole) = self.list.remove(at) else { return };
        // What is left of a hole was there before, so there is room but for one.
        if number + 1 < hole.end && self.list.len() < MAX_SCTP_HOLES {
            self.list.insert(at, Hole { start: number + 1, ..hole });
        }
        if hole.start < number && self.list.len() < MAX_SCTP_HOLES {
            self.list.insert(at, Hole { end: number, ..hole });
        }
    }

    /// What has been missing for too long is lost.
    pub(super) fn advance(&mut self, now: Timestamp, lose: Lose<'_>) {
        let is_over = |hole: &Hole| now.since(hole.noticed) > SCTP_LOSS_SECONDS * NANOS_PER_SECOND;
        while let Some(hole) = self.list.pop_front_if(|hole| is_over(hole)) {
            lose(hole.end - hole.start, hole.since);
        }
    }

    /// All that is missing is lost.
    pub(super) fn finish(&mut self, lose: Lose<'_>) {
        for hole in std::mem::take(&mut self.list) {
            lose(hole.end - hole.start, hole.since);
        }
    }

    fn add(&mut self, at: usize, hole: Hole, lose: Lose<'_>) {
        self.list.insert(at, hole);
        if self.list.len() > MAX_SCTP_HOLES
            && let Some(hole) = self.list.pop_front()
        {
            lose(hole.end - hole.start, hole.since);
        }
    }
}
