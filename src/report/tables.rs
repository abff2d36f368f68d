//! The tables that one can act on: which address moved where, which server demands which interval.

use std::collections::{BTreeMap, HashMap};

use super::build::{Scribe, q};
use super::model;
use crate::analysis::{Analysis, JudgedNegotiation, JudgedRedirect};
use crate::correlation::{Party, Place, Redirect, Text, equals, matches, target_key};
use crate::limits::{MAX_LISTED_TRIED, MAX_RIVALS};
use crate::sip::Uri;
use crate::sip::to_text;
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// A target with its q in thousandths.
type Aim = (Text, Option<u16>);

/// How many moves of an address in a row are followed to its end.
const MAX_STEPS: u8 = 16;

struct Moved<'a> {
    from: &'a [u8],
    targets: Vec<Aim>,
    /// The seconds for which the latest 301 holds, if it says so.
    lifetime: Option<u64>,
    seen: u64,
    first: (Timestamp, Place),
    last: (Timestamp, Place),
    clients: Vec<model::UpdateClient>,
}

impl<'a> Moved<'a> {
    fn new(from: &'a [u8], redirect: &Redirect) -> Self {
        let now = (redirect.time, redirect.place);
        Self { from, targets: Vec::new(), lifetime: None, seen: 0, first: now, last: now, clients: Vec::new() }
    }

    /// Takes another 301, later than those before. What contradicts it, or has lapsed, holds no longer.
    fn take(&mut self, redirect: &Redirect) {
        let targets: Vec<Aim> = redirect
            .contacts
            .iter()
            .filter(|contact| !contact.uri.is_empty() && !equals(&contact.uri, self.from))
            .map(|contact| (contact.uri.clone(), contact.q_millis))
            .collect();
        let is_known = |known: &[Aim], uri: &[u8]| known.iter().any(|(known, _)| matches(known, uri));
        let age = u64::try_from(redirect.time.since(self.last.0) / NANOS_PER_SECOND).unwrap_or(0);
        let has_lapsed = self.lifetime.is_some_and(|lifetime| age > lifetime);
        if has_lapsed || !targets.iter().any(|(uri, _)| is_known(&self.targets, uri)) {
            self.targets.clear();
        }
        for (uri, q) in targets {
            if !is_known(&self.targets, &uri) && self.targets.len() < MAX_RIVALS {
                self.targets.push((uri, q));
            }
        }
        self.lifetime = redirect.lifetime();
        self.seen += 1;
        self.last = (redirect.time, redirect.place);
    }
}

/// The rows of addresses that compare, by what their hashes share.
type Places = HashMap<u64, Vec<usize>>;

/// What to change in address books and routing tables: from 301 only that hold for long enough to be stored, each old address once,
/// chains followed to their end.
pub(super) fn address_updates(scribe: &Scribe<'_>, analysis: &Analysis) -> Vec<model::AddressUpdate> {
    let mut redirects: Vec<&JudgedRedirect> = analysis.all_redirects().filter(|judged| judged.for_good).collect();
    redirects.sort_by_key(|judged| (judged.redirect.time, judged.redirect.place));
    let mut moved: Vec<Moved<'_>> = Vec::new();
    let mut places = Places::new();
    for judged in redirects {
        let redirect = &judged.redirect;
        let Some(from) = redirect.request_uri.as_deref().filter(|from| has_new_target(redirect, from)) else {
            continue;
        };
        let list = places.entry(target_key(from)).or_default();
        let same = |at: &usize| moved.get(*at).is_some_and(|row| row.from == from || equals(row.from, from));
        let known = list.iter().rev().take(MAX_RIVALS).copied().find(same);
        let at = known.unwrap_or_else(|| {
            list.push(moved.len());
            moved.push(Moved::new(from, redirect));
            moved.len() - 1
        });
        if let Some(row) = moved.get_mut(at) {
            row.take(redirect);
            add_client(&mut row.clients, judged, scribe);
        }
    }
    let update = |row: &Moved<'_>| model::AddressUpdate {
        from_uri: to_text(row.from),
        targets: final_targets(row, &moved, &places)
            .into_iter()
            .map(|(uri, millis)| model::Target { uri: to_text(&uri), q: millis.map(q) })
            .collect(),
        seen: row.seen,
        first_time: scribe.time(row.first.0, row.first.1),
        last_time: scribe.time(row.last.0, row.last.1),
        clients: row.clients.clone(),
    };
    moved.iter().map(update).collect()
}

fn has_new_target(redirect: &Redirect, from: &[u8]) -> bool {
    redirect.contacts.iter().any(|contact| Uri::parse(&contact.uri).is_ok() && !equals(&contact.uri, from))
}

fn add_client(clients: &mut Vec<model::UpdateClient>, judged: &JudgedRedirect, scribe: &Scribe<'_>) {
    let redirect = &judged.redirect;
    let client = model::UpdateClient {
        address: redirect.client.endpoint.address.to_string(),
        name: scribe.name(redirect.client.endpoint.address),
        from: to_text(&redirect.from),
        user_agent: redirect.client.agent.as_deref().map(to_text),
        still_calling_old: judged.still_calling_old,
    };
    match clients.iter_mut().find(|known| known.address == client.address && known.from == client.from) {
        Some(known) => known.still_calling_old |= client.still_calling_old,
        None => clients.push(client),
    }
}

/// Where an address should point: A to C where A moved to B and B to C for good. A circle keeps its direct targets.
fn final_targets(row: &Moved<'_>, moved: &[Moved<'_>], places: &Places) -> Vec<Aim> {
    let next_of = |uri: &[u8]| {
        let list = places.get(&target_key(uri))?;
        let mut rows = list.iter().rev().take(MAX_RIVALS).filter_map(|at| moved.get(*at));
        rows.find(|next| matches(next.from, uri)).map(|next| next.targets.as_slice())
    };
    let mut found: Vec<Aim> = Vec::new();
    let mut open: Vec<(Aim, u8)> = row.targets.iter().rev().map(|aim| (aim.clone(), 0)).collect();
    let mut seen: Vec<Text> = vec![row.from.into()];
    while let Some(((uri, q), depth)) = open.pop() {
        if seen.len() > MAX_LISTED_TRIED || seen.iter().any(|seen| matches(seen, &uri)) {
            continue;
        }
        seen.push(uri.clone());
        match next_of(&uri).filter(|next| depth < MAX_STEPS && !next.is_empty()) {
            Some(next) => open.extend(next.iter().rev().map(|aim| (aim.clone(), depth + 1))),
            None => found.push((uri, q)),
        }
    }
    if found.is_empty() { row.targets.clone() } else { found }
}

/// A client by address, name and what it offered, with how often.
type Clients = BTreeMap<(String, Option<String>, Option<u64>), u64>;

/// The server of a requirement, what it demanded, how often, and of whom.
struct Demand<'a> {
    server: &'a Party,
    min_se: Option<u64>,
    seen: u64,
    clients: Clients,
}

/// What to set where so that no 422 happens: one row for each server and Min-SE it demanded.
pub(super) fn interval_requirements(scribe: &Scribe<'_>, analysis: &Analysis) -> Vec<model::IntervalRequirement> {
    let mut negotiations: Vec<&JudgedNegotiation> = analysis.all_negotiations().collect();
    negotiations.sort_by_key(|judged| judged.negotiation.rounds.first().map(|round| (round.time, round.place)));
    let mut rows: Vec<Demand<'_>> = Vec::new();
    let mut places = HashMap::new();
    // A 422 to another request is a mistake, which says nothing about intervals.
    let asked = negotiations.iter().filter(|judged| judged.negotiation.method.refreshes_sessions());
    for negotiation in asked.map(|judged| &judged.negotiation) {
        for round in &negotiation.rounds {
            let (server, min_se) = (&round.server, round.demanded.value());
            let at = *places.entry((server.endpoint, server.agent.as_deref(), min_se)).or_insert_with(|| {
                rows.push(Demand { server, min_se, seen: 0, clients: Clients::new() });
                rows.len() - 1
            });
            let Some(row) = rows.get_mut(at) else { continue };
            row.seen += 1;
            let client = (
                negotiation.client.endpoint.address.to_string(),
                negotiation.client.agent.as_deref().map(to_text),
                round.offered.value(),
            );
            *row.clients.entry(client).or_default() += 1;
        }
    }
    rows.into_iter().map(|row| requirement(row, scribe)).collect()
}

fn requirement(row: Demand<'_>, scribe: &Scribe<'_>) -> model::IntervalRequirement {
    let client =
        |((address, user_agent, offered_session_expires_s), seen): ((String, _, _), _)| model::IntervalClient {
            name: address.parse().ok().and_then(|address| scribe.name(address)),
            address,
            user_agent,
            offered_session_expires_s,
            seen,
        };
    model::IntervalRequirement {
        server: scribe.party(row.server),
        min_se_s: row.min_se,
        seen: row.seen,
        clients: row.clients.into_iter().map(client).collect(),
    }
}
