//! What happens where no record can be read: the search for the next one, and what is told about it.

use super::super::format::Record;
use super::super::problem::{Damage, Problem};
use super::super::records::{Found, Search, are_near, is_followed};
use super::super::window::to_u64;
use super::Reader;
use crate::limits::{MAX_PLAUSIBLE_RECORD_BYTES, SEARCH_BLOCK_BYTES, SEARCH_START_BYTES};
use crate::time::Timestamp;

/// Why no further record could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The bytes end before the record does, which needs so many as far as it tells.
    Short { needed: usize },
    /// However many bytes follow, it is none.
    Damaged(Damage),
    /// It is one of so many bytes, but strange, and nothing near confirms it. One that is void is not believed: zeros
    /// are what disks leave behind.
    Doubtful { length: usize, is_void: bool },
}

/// Whether a record has a packet without bytes at the start of all time, as zeros say that are no record.
#[inline]
pub(super) fn is_void(record: &Record<'_>) -> bool {
    record.wire_len == 0 && record.time == Some(Timestamp::from_nanos(0))
}

/// What was lost to damage.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// Where, and what was wrong there.
    first: Option<(u64, Damage)>,
    places: u64,
    skipped: u64,
    resumed: bool,
    /// Whether no frame has been given since the last of them.
    pub(super) is_unsaid: bool,
    /// Offset below which strange records are believed, because nothing better was found there.
    believed: u64,
}

impl Losses {
    pub(super) fn skipped(&self) -> u64 {
        self.skipped
    }

    fn add(&mut self, offset: u64, what: Damage, skipped: u64, resumed: bool) {
        self.first = self.first.or(Some((offset, what)));
        self.places = self.places.saturating_add(1);
        self.skipped = self.skipped.saturating_add(skipped);
        self.resumed = resumed;
        self.is_unsaid = true;
    }

    /// What is wrong with an input in which this was lost, and this wrong besides.
    pub(super) fn problem(&self, besides: Option<Problem>) -> Option<Problem> {
        let Some((offset, what)) = self.first else { return besides };
        let Self { places, skipped, resumed, .. } = *self;
        Some(Problem::Damaged { offset, what, places, skipped, resumed, besides: besides.map(Box::new) })
    }
}

impl Reader {
    /// Whether the lengths of a record, or its time after that of the one before, are so unusual that it must be confirmed.
    #[inline]
    pub(super) fn is_strange(&self, record: &Record<'_>) -> bool {
        record.length > MAX_PLAUSIBLE_RECORD_BYTES
            || is_void(record)
            || record.time.is_some_and(|time| self.cursor.number > 1 && !are_near(time, self.cursor.last_time))
    }

    /// Whether the record at the cursor is confirmed by what follows it, as far as that is there, or nothing better is known.
    #[cold]
    pub(super) fn is_confirmed(&self, bytes: &[u8], length: usize, input_ended: bool) -> bool {
        let rest = bytes.get(self.cursor.position..).unwrap_or_default();
        is_followed(&self.cursor.layout, rest, length, input_ended) == Some(true)
            || self.offset.saturating_add(to_u64(self.cursor.position)) < self.losses.believed
    }

    /// Goes on to the next record that others prove to be one, or ends.
    #[cold]
    pub(super) fn search(&mut self, stop: Stop) {
        let place = self.position();
        let before = (self.cursor.number > 1).then_some(self.cursor.last_time);
        let what = match stop {
            Stop::Damaged(what) => what,
            Stop::Doubtful { length, .. } => {
                if self.is_doubt_unfounded(length) {
                    self.losses.believed = place.saturating_add(1);
                    return;
                }
                Damage::Strange
            }
            Stop::Short { needed } => {
                let left = self.carry.get(self.kept..).unwrap_or_default();
                if self.cursor.layout.begins_soundly(left, before) {
                    return self.cut(place, needed);
                }
                Damage::BeyondEnd(to_u64(needed))
            }
        };
        let mut size = SEARCH_START_BYTES;
        loop {
            let target = self.kept.saturating_add(size);
            let input_ended = self.fill_carry(target);
            let bytes = self.carry.get(..target.min(self.carry.len())).unwrap_or_default();
            // What begins in the second half has too little behind it.
            let half = self.kept.saturating_add(size / 2);
            let places = self.kept.min(1)..if input_ended { bytes.len() } else { half };
            let search = Search { layout: &self.cursor.layout, bytes, input_ended, beyond: self.kept, before };
            let found = search.first(places);
            let is_largest = size >= SEARCH_BLOCK_BYTES || input_ended;
            match found {
                Found::At(at) => return self.resume(place, what, at),
                Found::Unclear(at) if is_largest => return self.resume(place, what, at),
                _ if !is_largest => size = size.saturating_mul(4),
                _ if matches!(stop, Stop::Doubtful { is_void: false, .. }) => {
                    self.losses.believed = self.offset.saturating_add(to_u64(half));
                    return;
                }
                _ if input_ended => return self.give_up(place, what, stop),
                _ => self.drop_carry(half),
            }
        }
    }

    /// Goes on with the record at `at` in what is carried.
    fn resume(&mut self, place: u64, what: Damage, at: usize) {
        self.drop_carry(at);
        let skipped = self.position().saturating_sub(place);
        self.losses.add(place, what, skipped, true);
        self.pace = SEARCH_START_BYTES;
    }

    /// Whether the strange record at the start of what is carried is followed by others after all.
    fn is_doubt_unfounded(&mut self, length: usize) -> bool {
        let mut needed = length;
        loop {
            // As much as two records behind it can be.
            needed = needed.saturating_add(MAX_PLAUSIBLE_RECORD_BYTES);
            let input_ended = self.fill_carry(self.kept.saturating_add(needed));
            let rest = self.carry.get(self.kept..).unwrap_or_default();
            if let Some(answer) = is_followed(&self.cursor.layout, rest, length, input_ended) {
                return answer;
            }
        }
    }

    /// Reads until so many bytes are carried; says whether the input is at its end before.
    fn fill_carry(&mut self, target: usize) -> bool {
        let mut ended = false;
        while self.carry.len() < target && !ended {
            let filled = self.carry.len();
            let mut carry = std::mem::take(&mut self.carry);
            carry.resize(target, 0);
            let offset = self.offset.saturating_add(to_u64(filled));
            let count;
            (count, ended) = self.fill(carry.get_mut(filled..).unwrap_or_default(), offset);
            carry.truncate(filled.saturating_add(count));
            self.carry = carry;
        }
        self.carry.len() < target
    }

    /// Forgets the first bytes that are carried, and the record before them.
    fn drop_carry(&mut self, count: usize) {
        self.carry.drain(..count.min(self.carry.len()));
        self.offset = self.offset.saturating_add(to_u64(count));
        self.kept = 0;
    }

    /// No record was found up to the end of the input.
    fn give_up(&mut self, place: u64, what: Damage, stop: Stop) {
        if let Stop::Short { needed } = stop {
            return self.cut(place, needed);
        }
        self.drop_carry(self.carry.len());
        self.losses.add(place, what, self.offset.saturating_sub(place), false);
        self.ended = true;
    }

    /// The input ends within the record at `place`.
    fn cut(&mut self, place: u64, needed: usize) {
        let end = self.offset.saturating_add(to_u64(self.carry.len()));
        let (available, needed) = (end.saturating_sub(place), to_u64(needed));
        self.problem.get_or_insert(Problem::Cut { offset: place, available, needed });
        (self.offset, self.kept) = (place, 0);
        self.carry.clear();
        self.ended = true;
    }
}
