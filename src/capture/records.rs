//! Finds records in damaged data: where several headers follow each other as those of true records do.

use std::cmp::Reverse;
use std::ops::Range;

use super::format::Layout;
use crate::limits::{
    MAX_CARRIED_CAPTURE_BYTES, MAX_SEARCH_RIVALS, MAX_SEARCH_STEPS, PLAUSIBLE_JUMP_SECONDS, SEARCH_RECORDS,
    SEARCH_STRANGE_RECORDS,
};
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// Whether two times are no further apart than those of neighbouring records are.
pub(super) fn are_near(one: Timestamp, other: Timestamp) -> bool {
    one.since(other).unsigned_abs() <= (PLAUSIBLE_JUMP_SECONDS * NANOS_PER_SECOND).unsigned_abs()
}

/// The same, or one of them is not known.
pub(super) fn are_near_if_known(one: Option<Timestamp>, other: Option<Timestamp>) -> bool {
    one.zip(other).is_none_or(|(one, other)| are_near(one, other))
}

/// Whether other records, or the end of the input, follow the record of `length` bytes at the start of `bytes`. `None` if
/// more bytes are needed to tell.
pub(super) fn is_followed(layout: &Layout, bytes: &[u8], length: usize, input_ended: bool) -> Option<bool> {
    let mut next = length;
    for _ in 1..SEARCH_RECORDS {
        let rest = bytes.get(next..).unwrap_or_default();
        if rest.len() < layout.record_header_bytes() {
            return input_ended.then_some(true);
        }
        let Some(probe) = layout.probe(rest) else { return Some(false) };
        next = next.saturating_add(probe.length);
    }
    Some(true)
}

/// What a search found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A record, here.
    At(usize),
    /// None.
    Nothing,
    /// A record here, unless more bytes show that it is carried within another.
    Unclear(usize),
}

/// A search for records.
pub(super) struct Search<'a> {
    pub(super) layout: &'a Layout,
    pub(super) bytes: &'a [u8],
    /// Whether the input ends with these bytes.
    pub(super) input_ended: bool,
    /// Place at which there is no record: those that are found lead beyond it.
    pub(super) beyond: usize,
    /// Time of the record before.
    pub(super) before: Option<Timestamp>,
}

/// Headers that follow each other.
#[derive(Clone, Copy)]
struct Chain {
    count: u8,
    /// Where the last of them begins, or the end of the input if the last record ends there.
    reach: usize,
    /// Where the last record ends.
    end: usize,
    /// Whether more may follow where the bytes end.
    is_open: bool,
    is_near: bool,
}

impl Search<'_> {
    /// The first place of `range` from which records follow each other.
    ///
    /// A packet may carry a capture, whose records follow each other as well, but no further than the packet goes: among
    /// those that begin within each other, the ones count that lead on further.
    pub(super) fn first(&self, mut range: Range<usize>) -> Found {
        let mut steps = MAX_SEARCH_STEPS;
        let found = range.find_map(|at| Some((at, self.proven(at, &mut steps)?)));
        let Some((mut first, mut chain)) = found else { return Found::Nothing };
        for _ in 0..MAX_SEARCH_RIVALS {
            if chain.reach.saturating_sub(first) >= MAX_CARRIED_CAPTURE_BYTES {
                break;
            }
            if chain.is_open {
                return Found::Unclear(first);
            }
            // The last record of a capture that is carried in pieces leads out of the packet, and over the next record.
            let within = first.saturating_add(1)..chain.end.min(self.bytes.len());
            let rivals = within.filter_map(|at| Some((at, self.proven(at, &mut steps)?)));
            let further = rivals.filter(|(_, rival)| rival.reach > chain.reach);
            let Some(rival) = further.max_by_key(|(at, rival)| (rival.reach, Reverse(*at))) else { break };
            (first, chain) = rival;
        }
        Found::At(first)
    }

    /// The headers from here on if there are enough of them, or if they lead right to the end of the input.
    fn proven(&self, at: usize, steps: &mut u32) -> Option<Chain> {
        let chain = self.chain(at, steps)?;
        let needed = if chain.is_near { SEARCH_RECORDS } else { SEARCH_STRANGE_RECORDS };
        let leads_to_end = chain.is_near && self.input_ended && chain.reach == self.bytes.len();
        let is_proof = chain.count >= needed || leads_to_end;
        (is_proof && (at >= self.beyond || chain.reach > self.beyond)).then_some(chain)
    }

    /// Follows the headers that begin here, until they have proven what they can.
    fn chain(&self, at: usize, steps: &mut u32) -> Option<Chain> {
        let mut probe = self.layout.probe(self.bytes.get(at..)?)?;
        let is_near = are_near_if_known(self.before, probe.time);
        let mut chain = Chain { count: 1, reach: at, end: at, is_open: false, is_near };
        while chain.count < SEARCH_STRANGE_RECORDS || chain.reach.saturating_sub(at) < MAX_CARRIED_CAPTURE_BYTES {
            let next = chain.reach.saturating_add(probe.length);
            chain.end = next;
            if next == self.bytes.len() && self.input_ended {
                chain.reach = next;
                break;
            }
            let rest = self.bytes.get(next..).unwrap_or_default();
            let following = self.layout.probe(rest).filter(|_| *steps > 0);
            let Some(following) = following.filter(|following| are_near_if_known(probe.time, following.time)) else {
                chain.is_open = !self.input_ended && self.layout.needs_more(rest);
                break;
            };
            *steps = steps.saturating_sub(1);
            chain.count = chain.count.saturating_add(1);
            chain.reach = next;
            probe = following;
        }
        Some(chain)
    }
}
