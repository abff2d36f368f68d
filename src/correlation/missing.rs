//! Which requests of a call the capture lacks, as far as it shows.

use std::collections::BTreeMap;
use std::net::IpAddr;

use foldhash::{HashMap, HashSet};

use super::record::Method;
use super::text::Span;
use super::transaction::Hop;
use super::view::CallView;
use crate::limits::MAX_RIVALS;
use crate::time::Timestamp;

/// What is known of requests that the capture of a call lacks.
#[derive(Debug, Default)]
pub(super) struct Missing {
    /// By From tag, the CSeq numbers of which anything was seen, and whether a request was among it.
    numbers: HashMap<Span, BTreeMap<u32, bool>>,
    /// The hops of which only answers were seen.
    headless: Vec<usize>,
    /// The ACKs of refused INVITEs of which nothing else was seen.
    strays: Vec<usize>,
    /// By host, when a From tag was first seen there of which the request that began with it was not; of several the latest.
    unbegun: HashMap<IpAddr, Timestamp>,
}

impl Missing {
    pub(super) fn of(view: &CallView<'_>) -> Self {
        let mut found = Self::default();
        let hops = view.transactions.hops.iter().enumerate();
        found.headless.extend(hops.filter(|(_, hop)| hop.request.is_none()).map(|(at, _)| at));
        found.note_unbegun(view);
        found.note_strays(view);
        for record in view.records.iter().filter(|record| record.method != Method::Cancel) {
            let number = found.numbers.entry(record.from_tag).or_default().entry(record.cseq).or_default();
            *number |= record.is_request() && record.method != Method::Ack;
        }
        found
    }

    /// An ACK whose branch no INVITE has acknowledges a 2xx, or a refusal of an INVITE that the capture lacks with its answer.
    fn note_strays(&mut self, view: &CallView<'_>) {
        let mut invites: HashMap<(Span, u32), Vec<&Hop>> = HashMap::default();
        for hop in view.transactions.hops.iter().filter(|hop| hop.method == Method::Invite) {
            invites.entry((hop.from_tag, hop.cseq)).or_default().push(hop);
        }
        let parts = view.records.iter().zip(&view.transactions.hop_of).enumerate();
        let acks =
            parts.filter(|(_, (record, hop))| record.method == Method::Ack && record.is_request() && hop.is_none());
        for (at, (ack, _)) in acks.filter(|(_, (ack, _))| ack.has_branch).take(MAX_RIVALS) {
            let hops = invites.get(&(ack.from_tag, ack.cseq)).map_or(&[][..], Vec::as_slice);
            let explains = |hop: &&Hop| {
                let is_its = view.record(hop.sample).is_some_and(|sample| sample.top_via == ack.top_via);
                is_its
                    || hop
                        .answers
                        .iter()
                        .any(|answer| (200..300).contains(&answer.status) && answer.to_tag == ack.to_tag)
            };
            // Some elements make a branch for every ACK; these acknowledge nothing with that of the INVITE.
            let is_proper = hops.iter().any(|hop| hop.ack.is_some());
            if is_proper && !hops.iter().take(MAX_RIVALS).any(explains) {
                self.strays.push(at);
            }
        }
    }

    fn note_unbegun(&mut self, view: &CallView<'_>) {
        let mut begun: HashSet<Span> = HashSet::default();
        let mut first: Vec<(Span, IpAddr, Timestamp)> = Vec::new();
        for record in view.records {
            let host = if record.is_request() { record.source } else { record.destination };
            let is_known = begun.contains(&record.from_tag)
                || first.iter().rev().take(MAX_RIVALS).any(|(tag, ..)| *tag == record.from_tag);
            if !is_known {
                first.push((record.from_tag, host.address, record.time));
            }
            // What is answered has begun; and who answers has a tag of its own.
            let tag = if record.is_request() { record.from_tag } else { record.to_tag };
            if !record.is_request() || record.to_tag.is_empty() {
                begun.insert(tag);
            }
        }
        for (_, host, time) in first.into_iter().filter(|(tag, ..)| !begun.contains(tag)) {
            let latest = self.unbegun.entry(host).or_insert(time);
            *latest = time.max(*latest);
        }
    }

    /// Whether the capture lacks a request that the client of `hop` sent next: answers to it or an ACK are there, or a CSeq number is
    /// left out. What that client did is not known then.
    pub(super) fn next_of(&self, view: &CallView<'_>, hop: &Hop) -> bool {
        let is_next = |next: &Hop| {
            !std::ptr::eq(next, hop)
                && next.method == hop.method
                && next.from_tag == hop.from_tag
                && next.client.address == hop.client.address
                && (next.cseq == hop.cseq || (next.cseq > hop.cseq && next.parent.is_none()))
        };
        if self.headless.iter().take(MAX_RIVALS).any(|at| view.hop(*at).is_some_and(is_next)) {
            return true;
        }
        let is_stray = |at: &usize| {
            view.record(*at).is_some_and(|ack| {
                (ack.from_tag, ack.source.address) == (hop.from_tag, hop.client.address)
                    && ack.cseq >= hop.cseq
                    && ack.time > hop.start
            })
        };
        if hop.method == Method::Invite && self.strays.iter().any(is_stray) {
            return true;
        }
        // The client may have gone on with another From tag.
        let unbegun = self.unbegun.get(&hop.client.address).filter(|_| hop.parent.is_none());
        if unbegun.is_some_and(|latest| *latest > hop.start) {
            return true;
        }
        let numbers = self.numbers.get(&hop.from_tag).filter(|_| hop.parent.is_none());
        let next = numbers.and_then(|numbers| numbers.range(hop.cseq.saturating_add(1)..).next());
        next.is_some_and(|(number, is_seen)| !is_seen || *number > hop.cseq.saturating_add(1))
    }
}
