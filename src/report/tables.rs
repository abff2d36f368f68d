//! The tables that one can act on: which address moved where, which server demands which interval.

use std::collections::{BTreeMap, HashMap};

use super::build::{Scribe, party, q};
use super::model;
use crate::analysis::{JudgedNegotiation, JudgedRedirect};
use crate::correlation::{Party, Place, Redirect, Text, equals};
use crate::sip::Uri;
use crate::sip::to_text;
use crate::time::Timestamp;

struct Moved<'a> {
    from: &'a [u8],
    targets: Vec<(Text, Option<u16>)>,
    seen: u64,
    first: (Timestamp, Place),
    last: (Timestamp, Place),
    clients: Vec<model::UpdateClient>,
}

/// What to change in address books and routing tables: from 301 only, each old address once, chains followed to their end.
pub(super) fn address_updates(scribe: &Scribe<'_>, redirects: &[JudgedRedirect]) -> Vec<model::AddressUpdate> {
    let mut moved: Vec<Moved<'_>> = Vec::new();
    let mut places: HashMap<&[u8], usize> = HashMap::new();
    for judged in redirects {
        let redirect = &judged.redirect;
        let Some(from) =
            redirect.request_uri.as_deref().filter(|from| redirect.status == 301 && has_new_target(redirect, from))
        else {
            continue;
        };
        let at = *places.entry(from).or_insert_with(|| {
            moved.push(Moved {
                from,
                targets: Vec::new(),
                seen: 0,
                first: (redirect.time, redirect.place),
                last: (redirect.time, redirect.place),
                clients: Vec::new(),
            });
            moved.len() - 1
        });
        let Some(row) = moved.get_mut(at) else { continue };
        row.seen += 1;
        row.last = (redirect.time, redirect.place);
        for contact in redirect.contacts.iter().filter(|contact| !contact.uri.is_empty() && !equals(&contact.uri, from))
        {
            if !row.targets.iter().any(|(uri, _)| *uri == contact.uri) {
                row.targets.push((contact.uri.clone(), contact.q_millis));
            }
        }
        add_client(&mut row.clients, judged);
    }
    let direct: HashMap<&[u8], Vec<(Text, Option<u16>)>> =
        moved.iter().map(|row| (row.from, row.targets.clone())).collect();
    let update = |row: Moved<'_>| model::AddressUpdate {
        from_uri: to_text(row.from),
        targets: final_targets(row.from, &direct)
            .into_iter()
            .map(|(uri, millis)| model::Target { uri: to_text(&uri), q: millis.map(q) })
            .collect(),
        seen: row.seen,
        first_time: scribe.time(row.first.0, row.first.1),
        last_time: scribe.time(row.last.0, row.last.1),
        clients: row.clients,
    };
    moved.into_iter().map(update).collect()
}

fn has_new_target(redirect: &Redirect, from: &[u8]) -> bool {
    redirect.contacts.iter().any(|contact| Uri::parse(&contact.uri).is_ok() && !equals(&contact.uri, from))
}

fn add_client(clients: &mut Vec<model::UpdateClient>, judged: &JudgedRedirect) {
    let redirect = &judged.redirect;
    let client = model::UpdateClient {
        address: redirect.client.endpoint.address.to_string(),
        from: to_text(&redirect.from),
        user_agent: redirect.client.agent.as_deref().map(to_text),
        still_calling_old: judged.still_calling_old,
    };
    match clients.iter_mut().find(|known| known.address == client.address && known.from == client.from) {
        Some(known) => known.still_calling_old |= client.still_calling_old,
        None => clients.push(client),
    }
}

/// Where an address should point: A to C where A moved to B and B to C. A circle keeps its direct targets.
fn final_targets(from: &[u8], direct: &HashMap<&[u8], Vec<(Text, Option<u16>)>>) -> Vec<(Text, Option<u16>)> {
    let own = direct.get(from).cloned().unwrap_or_default();
    let mut found: Vec<(Text, Option<u16>)> = Vec::new();
    let mut open: Vec<(Text, Option<u16>, u8)> = own.iter().rev().map(|(uri, q)| (uri.clone(), *q, 0)).collect();
    let mut seen: Vec<Text> = vec![from.into()];
    while let Some((uri, q, depth)) = open.pop() {
        if seen.contains(&uri) {
            continue;
        }
        seen.push(uri.clone());
        match direct.get(uri.as_ref()).filter(|next| depth < 16 && !next.is_empty()) {
            Some(next) => open.extend(next.iter().rev().map(|(uri, q)| (uri.clone(), *q, depth + 1))),
            None => found.push((uri, q)),
        }
    }
    if found.is_empty() { own } else { found }
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
pub(super) fn interval_requirements(negotiations: &[JudgedNegotiation]) -> Vec<model::IntervalRequirement> {
    let mut rows: Vec<Demand<'_>> = Vec::new();
    let mut places = HashMap::new();
    for judged in negotiations {
        let negotiation = &judged.negotiation;
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
    rows.into_iter().map(requirement).collect()
}

fn requirement(row: Demand<'_>) -> model::IntervalRequirement {
    let client = |((address, user_agent, offered_session_expires_s), seen)| model::IntervalClient {
        address,
        user_agent,
        offered_session_expires_s,
        seen,
    };
    model::IntervalRequirement {
        server: party(row.server),
        min_se_s: row.min_se,
        seen: row.seen,
        clients: row.clients.into_iter().map(client).collect(),
    }
}
