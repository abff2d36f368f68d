//! The calls that a filter takes, and those that are linked to them.

use foldhash::{HashMap, HashMapExt, HashSet};

use crate::analysis::CallTotals;
use crate::correlation::{Ended, Kind, Method, Negotiation, Redirect, Text, digest};
use crate::counters::MessageKinds;

/// What one call adds to the totals.
#[derive(Debug)]
pub(crate) struct Tally {
    call_id: Text,
    has_invite: bool,
    messages: MessageKinds,
    dialogs: u64,
    /// Whether the filter takes the call.
    selected: bool,
}

impl Tally {
    /// The Call-ID, if the filter takes the call.
    pub(crate) fn selected(&self) -> Option<&Text> {
        Some(&self.call_id).filter(|_| self.selected)
    }

    pub(crate) fn of(call: &Ended, dialogs: u64, selected: bool) -> Self {
        let mut messages = MessageKinds::default();
        let mut has_invite = false;
        for record in &call.records {
            has_invite |= record.method == Method::Invite;
            match record.kind {
                Kind::Response(status) => messages.response(status),
                Kind::Request => messages.request(record.method, record.method_text()),
            }
        }
        Self { call_id: call.call_id.as_ref().into(), has_invite, messages, dialogs, selected }
    }
}

/// The calls that a filter takes as far as they are over, and those that may turn out to be linked to them.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    /// Digests of the Call-IDs, and whether an INVITE was among their messages.
    calls: HashMap<u64, bool>,
    totals: CallTotals,
    /// Those with results.
    call_ids: HashSet<Text>,
    others: Vec<Tally>,
}

impl Chosen {
    /// Takes a call; `has_results` says whether anything of it may be reported or linked.
    pub(crate) fn take(&mut self, tally: Tally, has_results: bool) {
        if !tally.selected {
            self.others.push(tally);
            return;
        }
        self.add(&tally);
        if has_results {
            self.call_ids.insert(tally.call_id);
        }
    }

    fn add(&mut self, tally: &Tally) {
        *self.calls.entry(digest(&tally.call_id)).or_default() |= tally.has_invite;
        self.totals.messages += &tally.messages;
        self.totals.dialogs += tally.dialogs;
    }

    /// Takes in calls that are linked to others that were chosen.
    pub(crate) fn link(&mut self, call_ids: HashSet<Text>) {
        self.call_ids.extend(call_ids);
    }

    /// Takes in what is linked to the calls chosen, now that all links are known.
    pub(crate) fn close(&mut self, redirects: &[Box<Redirect>], negotiations: &[Box<Negotiation>]) {
        spread(&mut self.call_ids, redirects, negotiations);
        for tally in std::mem::take(&mut self.others) {
            if self.call_ids.contains(&tally.call_id) {
                self.add(&tally);
            }
        }
    }

    /// Whether results of this call are reported.
    pub(crate) fn has(&self, call_id: &[u8]) -> bool {
        self.call_ids.contains(call_id)
    }

    /// All calls chosen.
    pub(crate) fn totals(mut self) -> CallTotals {
        self.totals.calls = self.calls.len() as u64;
        self.totals.invite_calls = self.calls.values().filter(|has_invite| **has_invite).count() as u64;
        self.totals
    }
}

/// Adds to calls what these redirects and negotiations link to them, over any number of links.
pub(super) fn spread(call_ids: &mut HashSet<Text>, redirects: &[Box<Redirect>], negotiations: &[Box<Negotiation>]) {
    let mut neighbours: HashMap<&Text, Vec<&Text>> = HashMap::new();
    let mut tie = |one, other| {
        neighbours.entry(one).or_default().push(other);
        neighbours.entry(other).or_default().push(one);
    };
    for redirect in redirects {
        if let Some(other) = redirect.follow_up.as_ref().and_then(|next| next.call_id.as_ref()) {
            tie(&redirect.call_id, other);
        }
    }
    for negotiation in negotiations {
        let retries = negotiation.rounds.iter().filter_map(|round| round.retry.as_ref());
        for other in retries.filter_map(|retry| retry.follow_up.call_id.as_ref()) {
            tie(&negotiation.call_id, other);
        }
    }
    let mut open: Vec<&Text> = neighbours.keys().copied().filter(|call_id| call_ids.contains(*call_id)).collect();
    while let Some(call_id) = open.pop() {
        for other in neighbours.remove(call_id).into_iter().flatten() {
            if call_ids.insert(other.clone()) {
                open.push(other);
            }
        }
    }
}
