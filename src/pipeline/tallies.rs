//! What several redirects say together.

use std::collections::hash_map::Entry;
use std::net::IpAddr;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use super::verdicts::is_usable;
use crate::correlation::{ContactRecord, Method, Place, Redirect, SETTLED_NANOS, equals, matches, target_key};
use crate::findings::{Repeated, Settings};
use crate::limits::{MAX_LISTED_REPEATS, MAX_RIVALS};

/// What redirects say together, by the index of the redirect of which it is said.
#[derive(Debug, Default)]
pub(crate) struct Tallies {
    conflicts: HashMap<usize, usize>,
    old_targets: HashMap<usize, usize>,
    repeated: HashMap<usize, Repeated>,
}

/// A client, its From, what it asked for, and the targets that it was given.
type Asked = (IpAddr, u64, u64, Method, u64);

impl Tallies {
    /// Looks through all redirects, given in order of time and numbered in chains.
    pub(crate) fn of(redirects: &[&Redirect], settings: &Settings) -> Self {
        Self {
            conflicts: conflicts(redirects),
            old_targets: old_targets(redirects),
            repeated: repeated(redirects, settings.temporary_repeats),
        }
    }

    /// The earlier 301 that the redirect with that index contradicts.
    pub(crate) fn conflict(&self, index: usize) -> Option<usize> {
        self.conflicts.get(&index).copied()
    }

    /// The earlier 301 that had said that the target to which the redirect with that index led is no longer there.
    pub(crate) fn old_target(&self, index: usize) -> Option<usize> {
        self.old_targets.get(&index).copied()
    }

    /// In how many calls the redirect with that index, the first of them, came again.
    pub(crate) fn repeated(&self, index: usize) -> Option<&Repeated> {
        self.repeated.get(&index)
    }
}

/// For each 301 that is the first to contradict an earlier one that still holds, that one.
fn conflicts(redirects: &[&Redirect]) -> HashMap<usize, usize> {
    /// The 301 answers to requests for one URI that agree, by the latest.
    struct Known {
        latest: usize,
        said: bool,
    }
    let mut found = HashMap::new();
    let mut by_uri: HashMap<(u64, Method), Vec<Known>> = HashMap::new();
    for (index, redirect) in redirects.iter().enumerate().filter(|(_, redirect)| redirect.status == 301) {
        let Some(uri) = redirect.server_request_uri.as_deref() else { continue };
        if !redirect.server_contacts.iter().any(|contact| is_usable(&contact.uri)) {
            continue;
        }
        let list = by_uri.entry((target_key(uri), redirect.method)).or_default();
        let same_uri = |known: &&mut Known| {
            let known = redirects.get(known.latest).and_then(|known| known.server_request_uri.as_deref());
            known.is_some_and(|known| equals(known, uri))
        };
        let Some(known) = list.iter_mut().find(same_uri) else {
            if list.len() < MAX_RIVALS {
                list.push(Known { latest: index, said: false });
            }
            continue;
        };
        if let Some(before) = redirects.get(known.latest).filter(|_| !known.said)
            && before.holds_at(redirect.time)
            && disjoint(&before.server_contacts, &redirect.server_contacts)
        {
            found.insert(index, known.latest);
            known.said = true;
        }
        known.latest = index;
    }
    found
}

/// For each redirect that led its client to an address of which an earlier 301 had told that client that it has changed, that 301; once for
/// each server and address.
fn old_targets(redirects: &[&Redirect]) -> HashMap<usize, usize> {
    let mut found = HashMap::new();
    let mut moved: HashMap<(IpAddr, u64, u64, Method), usize> = HashMap::new();
    let mut said: HashSet<(IpAddr, u64, Method)> = HashSet::new();
    for (index, redirect) in redirects.iter().enumerate() {
        let (client, from) = (redirect.client.endpoint.address, target_key(&redirect.from));
        if let Some(next) = &redirect.follow_up {
            let key = target_key(&next.uri);
            let before = moved.get(&(client, from, key, redirect.method)).copied();
            let told = before.and_then(|at| Some((at, redirects.get(at)?))).filter(|(_, told)| {
                let settled = redirect.time.since(told.chain_end.time) > SETTLED_NANOS && told.chain != redirect.chain;
                let same = told.request_uri.as_deref().is_some_and(|old| equals(old, &next.uri));
                settled && same && told.holds_at(redirect.time)
            });
            let server = redirect.server.endpoint.address;
            if let Some((told, _)) = told.filter(|_| said.insert((server, key, redirect.method))) {
                found.insert(index, told);
            }
        }
        if let Some(old) = redirect.request_uri.as_deref().filter(|_| redirect.status == 301) {
            let is_new = |contact: &ContactRecord| is_usable(&contact.uri) && !equals(&contact.uri, old);
            if redirect.contacts.iter().any(is_new) {
                let known = moved.entry((client, from, target_key(old), redirect.method)).or_insert(index);
                if redirects.get(*known).is_none_or(|known| !known.holds_at(redirect.time)) {
                    *known = index;
                }
            }
        }
    }
    found
}

/// Whether no Contact of the one is among those of the other.
fn disjoint(one: &[ContactRecord], other: &[ContactRecord]) -> bool {
    let has = |uri: &[u8]| other.iter().take(MAX_RIVALS).any(|contact| matches(&contact.uri, uri));
    !one.iter().take(MAX_RIVALS).any(|contact| has(&contact.uri))
}

/// For the first of at least so many 302 answers without a lifetime that say the same to the same client, the others.
fn repeated(redirects: &[&Redirect], least: u64) -> HashMap<usize, Repeated> {
    let mut first: HashMap<Asked, usize> = HashMap::new();
    let mut found: HashMap<usize, Repeated> = HashMap::new();
    let mut counted: HashSet<(usize, Place)> = HashSet::new();
    for (index, redirect) in redirects.iter().enumerate() {
        let Some(uri) = redirect.request_uri.as_deref().filter(|_| redirect.status == 302) else { continue };
        if redirect.in_dialog || redirect.lifetime().is_some() || redirect.contacts.is_empty() {
            continue;
        }
        let mut targets: Vec<u64> = redirect.contacts.iter().map(|contact| target_key(&contact.uri)).collect();
        targets.sort_unstable();
        targets.dedup();
        let targets = targets.iter().fold(0_u64, |all, key| all.rotate_left(7) ^ key);
        let client = redirect.client.endpoint.address;
        let asked = (client, target_key(&redirect.from), target_key(uri), redirect.method, targets);
        let at = match first.entry(asked) {
            Entry::Occupied(first) => *first.get(),
            Entry::Vacant(first) => *first.insert(index),
        };
        // A circle is one call, and has rules of its own.
        if !counted.insert((at, redirect.chain)) {
            continue;
        }
        if at == index {
            continue;
        }
        let tally = found.entry(at).or_insert_with(|| Repeated { times: 1, last: redirect.time, places: Vec::new() });
        tally.times += 1;
        tally.last = redirect.time;
        if tally.places.len() < MAX_LISTED_REPEATS {
            tally.places.push(redirect.place);
        }
    }
    found.retain(|_, tally| tally.times >= least);
    found
}
