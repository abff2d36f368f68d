//! Where calls that are over wait until nothing can change any more what is said of them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use foldhash::HashMap;

use super::judge::Judged;
use super::settle::Lot;
use super::watching::known_by;
use crate::correlation::{Negotiation, Redirect, TIMEOUT_NANOS, Watch};
use crate::time::Timestamp;

/// Calls that are over. When each is ready, and with which others it goes, follows from its frames and theirs alone.
#[derive(Debug, Default)]
pub(super) struct Room {
    calls: HashMap<u64, Waiting>,
    due: BinaryHeap<Reverse<(Timestamp, u64)>>,
    groups: Groups,
}

#[derive(Debug)]
struct Waiting {
    ready: Timestamp,
    judged: Vec<Judged>,
}

impl Room {
    /// Takes a call that is over.
    pub(super) fn take(&mut self, judged: Judged) {
        let (ready, instance) = (ready(&judged), judged.instance);
        let waiting = self.calls.entry(instance).or_insert_with(|| Waiting { ready, judged: Vec::new() });
        waiting.ready = waiting.ready.max(ready);
        waiting.judged.push(judged);
        self.due.push(Reverse((ready, instance)));
    }

    /// Notes which calls may be linked.
    pub(super) fn tie(&mut self, ties: Vec<(u64, u64)>) {
        for (one, other) in ties {
            self.groups.join(one, other);
        }
    }

    /// Whether a call may be linked to another.
    pub(super) fn is_tied(&self, instance: u64) -> bool {
        self.groups.of.contains_key(&instance)
    }

    /// The calls that are ready at that capture time, those together that may be linked, in the order in which they came to be ready.
    pub(super) fn ready(&mut self, reached: Timestamp) -> Vec<Lot> {
        let mut all = Vec::new();
        while self.due.peek().is_some_and(|Reverse((ready, _))| *ready <= reached) {
            let Some(Reverse((ready, instance))) = self.due.pop() else { break };
            if self.calls.get(&instance).is_some_and(|call| call.ready == ready)
                && let Some(mut instances) = self.groups.ready(instance)
            {
                instances.sort_unstable();
                all.push(self.leave(instances));
            }
        }
        all.sort_by(|(since, instances, _), other| (since, instances).cmp(&(&other.0, &other.1)));
        all.into_iter().map(|(.., lot)| lot).collect()
    }

    /// All calls that are left: the input is over.
    pub(super) fn empty(self) -> Lot {
        let mut left: Vec<Judged> = self.calls.into_values().flat_map(|call| call.judged).collect();
        left.sort_by_key(|judged| (judged.over, judged.instance));
        let mut lot = Lot::default();
        left.into_iter().for_each(|judged| lot.take(judged));
        lot
    }

    fn leave(&mut self, instances: Vec<u64>) -> (Timestamp, Vec<u64>, Lot) {
        let (mut since, mut lot) = (Timestamp::MIN, Lot::default());
        for call in instances.iter().filter_map(|instance| self.calls.remove(instance)) {
            since = since.max(call.ready);
            call.judged.into_iter().for_each(|judged| lot.take(judged));
        }
        (since, instances, lot)
    }
}

/// When nothing can change any more what is said of a call, if that does not depend on others.
fn ready(judged: &Judged) -> Timestamp {
    // `Links` joins what is twice the bound apart in capture time, at most; a call is over no sooner than after its last message.
    let linked = judged.over.plus(2 * TIMEOUT_NANOS);
    let redirects = judged.redirects.iter().flat_map(|redirect| watches_of_redirect(redirect));
    let negotiations = judged.negotiations.iter().filter_map(|negotiation| watch_of_negotiation(negotiation));
    let findings = judged.findings.iter().filter_map(|finding| finding.watch.as_ref());
    let may_hold = |watch: &&Watch| watch.both_directions && watch.whole;
    let watches = redirects.chain(negotiations).chain(findings).filter(may_hold).map(known_by);
    // Which servers a client was seen with is asked as of then.
    let seen = judged.redirects.iter().map(|redirect| redirect.watch.until);
    watches.chain(seen).fold(linked, Timestamp::max)
}

/// What the outcome of a redirect, and what is said of it, may depend on.
fn watches_of_redirect(redirect: &Redirect) -> impl Iterator<Item = &Watch> {
    let is_decided = redirect.follow_up.is_some() && redirect.watch.on_stream;
    let failure = redirect.handling.rare.as_ref().and_then(|rare| rare.failure.as_ref());
    Some(&redirect.watch).filter(|_| !is_decided).into_iter().chain(failure.map(|failure| &failure.watch))
}

/// The same for a negotiation.
fn watch_of_negotiation(negotiation: &Negotiation) -> Option<&Watch> {
    let retry = negotiation.rounds.last().and_then(|round| round.retry.as_ref());
    let ended = retry.and_then(|retry| retry.follow_up.final_status);
    Some(&negotiation.watch).filter(|_| ended.is_none_or(|status| status == 422))
}

/// Calls that may be linked to each other, over any number of links.
#[derive(Debug, Default)]
struct Groups {
    /// For each call that may be linked, its group.
    of: HashMap<u64, u64>,
    /// The groups, each named after one of its calls.
    groups: HashMap<u64, Group>,
}

#[derive(Debug, Default)]
struct Group {
    calls: Vec<u64>,
    /// How many of them are not ready.
    open: usize,
}

impl Groups {
    /// Notes that two calls may be linked. Neither is ready then.
    fn join(&mut self, one: u64, other: u64) {
        let (one, other) = (self.group(one), self.group(other));
        if one == other {
            return;
        }
        // The larger one stays, so that no call is moved often.
        let size = |group| self.groups.get(&group).map_or(0, |group: &Group| group.calls.len());
        let (kept, gone) = if size(one) >= size(other) { (one, other) } else { (other, one) };
        let Some(gone) = self.groups.remove(&gone) else { return };
        for call in &gone.calls {
            self.of.insert(*call, kept);
        }
        let group = self.groups.entry(kept).or_default();
        group.calls.extend(gone.calls);
        group.open += gone.open;
    }

    fn group(&mut self, call: u64) -> u64 {
        *self.of.entry(call).or_insert_with(|| {
            self.groups.insert(call, Group { calls: vec![call], open: 1 });
            call
        })
    }

    /// Notes that a call is ready; gives its whole group if it was the last.
    fn ready(&mut self, call: u64) -> Option<Vec<u64>> {
        let Some(name) = self.of.get(&call) else { return Some(vec![call]) };
        let group = self.groups.get_mut(name)?;
        group.open = group.open.saturating_sub(1);
        if group.open > 0 {
            return None;
        }
        let group = self.groups.remove(name)?;
        for call in &group.calls {
            self.of.remove(call);
        }
        Some(group.calls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_may_be_linked_leave_together() {
        let mut groups = Groups::default();
        assert_eq!(groups.ready(9), Some(vec![9]));
        for (one, other) in [(1, 2), (3, 4), (2, 3), (1, 4)] {
            groups.join(one, other);
        }
        assert_eq!([3, 1, 4].map(|call| groups.ready(call)), [None, None, None]);
        let mut all = groups.ready(2).unwrap();
        all.sort_unstable();
        assert_eq!(all, [1, 2, 3, 4]);
        assert!(groups.of.is_empty() && groups.groups.is_empty());
    }
}
