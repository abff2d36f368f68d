//! Redirects within a call, and what the caller did about them (RFC 3261 8.1.3.4).

use foldhash::{HashMap, HashMapExt, HashSet};

use super::attempts::Attempts;
use super::facts::{ChainEnd, Link, Place, Redirect, Role, Tried};
use super::handling::{Handling, Surroundings};
use super::record::{ContactRecord, MessageRecord, Method};
use super::transaction::Hop;
use super::view::{CLOCK_SKEW_NANOS, CallView, Event, TIMEOUT_NANOS, place_of};
use crate::limits::MAX_RIVALS;
use crate::net::Endpoint;
use crate::sip::Uri;

/// The redirects of a call with the hops that follow them.
#[derive(Debug)]
pub struct Redirections {
    events: Vec<Event>,
    /// For each event, the requests to its targets, in order of time.
    targets: Vec<Vec<(usize, Link)>>,
    /// The event that ended a hop.
    by_top: HashMap<usize, usize>,
}

/// The requests of a call by method and target, those to one target in order of time.
type ByTarget = HashMap<(Method, u64), Vec<usize>>;

impl Redirections {
    /// Finds the redirects of a call and what follows each in the same call.
    pub fn find(view: &CallView<'_>) -> Self {
        let mut events = view.events(|status| (300..400).contains(&status));
        if events.is_empty() {
            return Self { events, targets: Vec::new(), by_top: HashMap::new() };
        }
        let mut targets = targets(view, &events);
        // What a proxy got from several branches and handed on as one answer is one redirect.
        let mut is_part =
            events.iter().zip(&targets).map(|(event, targets)| targets.is_empty() && is_part(view, event));
        let parts: Vec<bool> = is_part.by_ref().collect();
        let mut part = parts.iter();
        events.retain(|_| !part.next().copied().unwrap_or(false));
        let mut part = parts.iter();
        targets.retain(|_| !part.next().copied().unwrap_or(false));
        let by_top = events.iter().enumerate().map(|(at, event)| (event.top, at)).collect();
        Self { events, targets, by_top }
    }

    /// The redirect that ended `hop`, as an index into those of the call.
    pub fn index(&self, hop: usize) -> Option<usize> {
        self.by_top.get(&hop).copied()
    }

    /// The hops on which the targets were tried of the redirect that ended `hop`, in order of time.
    pub fn targets(&self, hop: usize) -> &[(usize, Link)] {
        self.index(hop).and_then(|at| self.targets.get(at)).map_or(&[], Vec::as_slice)
    }

    /// Where the redirect with that index is.
    pub fn place(&self, view: &CallView<'_>, index: usize) -> Option<Place> {
        let hop = view.hop(self.events.get(index)?.top)?;
        Some(view.place(hop.final_answer()?.first))
    }

    /// The redirects in order of time.
    pub fn list(&self, view: &CallView<'_>, attempts: &Attempts<'_>) -> Vec<Redirect> {
        if self.events.is_empty() {
            return Vec::new();
        }
        let hops = view.transactions.hops.iter();
        let unanswered = hops.filter(|hop| hop.final_answer().is_none()).filter_map(|hop| hop.parent).collect();
        let went: Vec<Vec<usize>> =
            self.targets.iter().map(|targets| targets.iter().map(|(hop, _)| *hop).collect()).collect();
        let surroundings = Surroundings::of(view, went.iter().map(Vec::as_slice));
        let all = self.events.iter().zip(&self.targets).zip(&went).enumerate();
        all.filter_map(|(index, ((event, targets), went))| {
            let mut redirect = redirect(view, event, targets, attempts, &unanswered)?;
            let is_unsure = |handling: &Handling| {
                handling.may_continue && handling.rare.as_ref().is_some_and(|rare| rare.elsewhere.is_some())
            };
            redirect.handling = surroundings.handling(view, (index, event), went, attempts).unwrap_or_default();
            // Where the client went is not known then, so nothing can be said of where it did not go.
            let misses = view.hop(event.top).is_some_and(|hop| surroundings.missing.next_of(view, hop));
            redirect.watch.whole &= !misses && !is_unsure(&redirect.handling);
            let next = targets.iter().find_map(|(target, _)| attempts.redirect(*target));
            redirect.next = next.and_then(|next| self.place(view, next)).filter(|next| *next != redirect.place);
            Some(redirect)
        })
        .collect()
    }
}

/// Whether the proxy that got this answer has handed on another of the same kind.
fn is_part(view: &CallView<'_>, event: &Event) -> bool {
    let status = |hop: &Hop| hop.final_status().map(|status| status / 100);
    let above = view.hop(event.top).and_then(|hop| Some((status(hop), status(view.hop(hop.parent?)?))));
    above.is_some_and(|(here, there)| here == there)
}

/// For each redirect, the hops on which its targets were tried.
fn targets(view: &CallView<'_>, events: &[Event]) -> Vec<Vec<(usize, Link)>> {
    let mut by_target = ByTarget::new();
    for (index, hop) in view.transactions.hops.iter().enumerate() {
        if let Some(uri) = view.request_uri(hop) {
            by_target.entry((hop.method, target_key(uri))).or_default().push(index);
        }
    }
    let mut taken = vec![false; view.transactions.hops.len()];
    let mut all = vec![Vec::new(); events.len()];
    // A follow-up belongs to the nearest redirect before it, so the latest redirect chooses first.
    for (event, slot) in events.iter().zip(all.iter_mut()).rev() {
        *slot = targets_of(view, event, &by_target, &taken).unwrap_or_default();
        for (hop, _) in slot.iter() {
            if let Some(taken) = taken.get_mut(*hop) {
                *taken = true;
            }
        }
        // What goes to a target again, after a challenge or a 422, tries no other one. One number may be called at several hosts.
        let mut seen: Vec<&[u8]> = Vec::new();
        slot.retain(|(hop, _)| {
            let Some(uri) = view.hop(*hop).and_then(|hop| view.request_uri(hop)) else { return true };
            let is_new = !seen.iter().any(|known| *known == uri || matches(known, uri));
            seen.push(uri);
            is_new
        });
    }
    all
}

fn targets_of(view: &CallView<'_>, event: &Event, by_target: &ByTarget, taken: &[bool]) -> Option<Vec<(usize, Link)>> {
    let hop = view.hop(event.top)?;
    let response = view.record(hop.final_answer()?.first)?;
    let old_uri = view.request_uri(hop);
    let mut keys: Vec<u64> = response.contacts().iter().map(|contact| target_key(&contact.uri)).collect();
    // Use Proxy: the same Request-URI by way of the Contact (RFC 3261 21.3.4).
    keys.extend(old_uri.filter(|_| response.status() == Some(305)).map(target_key));
    keys.sort_unstable();
    keys.dedup();
    let link = |index: usize| {
        let next = view.hop(index)?;
        let request = view.request(next)?;
        let open = index != event.top && !taken.get(index).copied().unwrap_or(true);
        if !open || !continues(view, hop, next) || !view.comes_after(request, response) {
            return None;
        }
        let in_dialog = view.request(hop).map(|request| !request.to_tag.is_empty());
        // Some copy the To tag of the 3xx, as if it had made a dialog.
        let stale = !request.to_tag.is_empty() && request.to_tag == response.to_tag;
        let to_tag = !(request.to_tag.is_empty() || stale && in_dialog == Some(false));
        if in_dialog.is_some_and(|in_dialog| in_dialog != to_tag) {
            return None;
        }
        let link = if next.from_tag == hop.from_tag { Link::Strong } else { Link::Medium };
        let in_time = link == Link::Strong || request.time.since(response.time) <= TIMEOUT_NANOS;
        let goes_by = |server: Endpoint| {
            let (uri, route) = (view.texts.get(request.subject), view.texts.get(request.onward));
            goes_to(response, old_uri, &Destination { uri, route, server })
        };
        // The proxy that a 305 names may stand behind others.
        let passes = || {
            let on = view.transactions.hops.iter().enumerate().filter(|(_, on)| on.cseq == next.cseq);
            let mut on = on.filter(|(at, _)| response.status() == Some(305) && view.root(*at) == index);
            on.any(|(_, on)| goes_by(on.server))
        };
        (in_time && (goes_by(next.server) || passes())).then_some((index, link))
    };
    let mut found = Vec::new();
    for key in keys {
        let list = by_target.get(&(hop.method, key)).map_or(&[][..], Vec::as_slice);
        let start = list.partition_point(|index| view.hop(*index).is_some_and(|next| next.start < hop.start));
        let (before, after) = list.split_at_checked(start).unwrap_or_default();
        // By another clock what came next may seem to have begun before.
        let is_near =
            |index: &&usize| view.hop(**index).is_some_and(|next| next.start.plus(CLOCK_SKEW_NANOS) >= hop.start);
        let before = before.iter().rev().take_while(is_near).take(MAX_RIVALS);
        found.extend(after.iter().take(MAX_RIVALS).chain(before).filter_map(|index| link(*index)));
    }
    // With a new From tag it may be another attempt: not if there is one that is sure.
    let best = found.iter().map(|(_, link)| *link).min()?;
    found.retain(|(_, link)| *link == best);
    found.sort_by_key(|(index, _)| view.hop(*index).and_then(|hop| view.request(hop)).map(MessageRecord::order));
    found.truncate(MAX_RIVALS);
    Some(found)
}

/// A hash that is equal for URIs that match leniently.
pub fn target_key(uri: &[u8]) -> u64 {
    Uri::parse(uri).map_or_else(|_| xxhash_rust::xxh3::xxh3_64(uri), |uri| uri.lenient_key())
}

/// Whether `next` can be what the client of `hop` sent next: the caller with a new CSeq number, or a proxy that keeps the
/// number and forwards the same request on another branch (RFC 3261 16.6 item 8).
fn continues(view: &CallView<'_>, hop: &Hop, next: &Hop) -> bool {
    match (hop.parent, next.parent) {
        (None, None) => next.cseq >= hop.cseq,
        (Some(above), Some(other)) => {
            above == other && next.cseq == hop.cseq && next.client.address == hop.client.address
        }
        // The hop towards the caller was captured for one of them only.
        (Some(_), None) => next.cseq > hop.cseq,
        // The same where its answers were captured there, but not the request.
        (None, Some(above)) => view.hop(above).is_some_and(|above| {
            let is_lost = above.request.is_none() && above.parent.is_none();
            is_lost && above.client.address == hop.client.address && next.cseq > hop.cseq
        }),
    }
}

/// Where a request goes.
#[derive(Clone, Copy, Debug)]
pub struct Destination<'a> {
    /// Its Request-URI.
    pub uri: &'a [u8],
    /// The URI of its top Route; empty if there is none.
    pub route: &'a [u8],
    /// Where it was sent.
    pub server: Endpoint,
}

/// Whether a request goes where a 3xx to a request for `old_uri` says.
fn goes_to(response: &MessageRecord, old_uri: Option<&[u8]>, next: &Destination<'_>) -> bool {
    goes_to_any(response.status() == Some(305), response.contacts(), old_uri, next)
}

/// The same, from what is kept of a 3xx.
pub fn goes_to_any(by_proxy: bool, contacts: &[ContactRecord], old_uri: Option<&[u8]>, next: &Destination<'_>) -> bool {
    // Use Proxy: the same Request-URI by way of the Contact (RFC 3261 21.3.4).
    if by_proxy && old_uri.is_some_and(|old| matches(old, next.uri)) {
        let destination = next.server.to_string();
        let by_way =
            |contact: &ContactRecord| host_port(&contact.uri) == destination || route_is(next.route, &contact.uri);
        return contacts.iter().any(by_way);
    }
    contacts.iter().any(|contact| matches(&contact.uri, next.uri))
}

/// Lenient comparison.
pub fn matches(contact: &[u8], uri: &[u8]) -> bool {
    match (Uri::parse(contact), Uri::parse(uri)) {
        (Ok(contact), Ok(uri)) => contact.leniently_matches(&uri),
        _ => contact == uri && !uri.is_empty(),
    }
}

/// Strict comparison (RFC 3261 19.1.4).
pub fn equals(one: &[u8], other: &[u8]) -> bool {
    match (Uri::parse(one), Uri::parse(other)) {
        (Ok(one), Ok(other)) => one.strictly_equals(&other),
        _ => false,
    }
}

fn host_port(uri: &[u8]) -> String {
    let uri = Uri::parse(uri).ok();
    uri.as_ref().and_then(Uri::as_sip).map_or_else(String::new, |uri| {
        format!("{}:{}", String::from_utf8_lossy(uri.host.text()), uri.port.unwrap_or_else(|| uri.default_port()))
    })
}

fn route_is(route: &[u8], contact: &[u8]) -> bool {
    let host = |uri: &[u8]| host_port(uri).to_ascii_lowercase();
    !route.is_empty() && !host(route).is_empty() && host(route) == host(contact)
}

fn redirect(
    view: &CallView<'_>,
    event: &Event,
    targets: &[(usize, Link)],
    attempts: &Attempts<'_>,
    unanswered: &HashSet<usize>,
) -> Option<Redirect> {
    let hop = view.hop(event.top)?;
    let deepest = view.hop(event.deepest)?;
    let (answer, deep_answer) = (hop.final_answer()?, deepest.final_answer()?);
    let response = view.record(answer.first)?;
    let last = view.record(answer.last)?;
    let next = targets.first().and_then(|(next, link)| Some((*next, *link, view.hop(*next)?)));
    let follow_up =
        next.and_then(|(at, link, hop)| view.follow_up(hop, link, attempts.end(at).and_then(Hop::final_status)));
    let ended = attempts.end(event.top).filter(|_| follow_up.is_some()).map_or(Some(answer.status), Hop::final_status);
    let last_target =
        targets.get(1..).and_then(<[_]>::last).and_then(|(target, _)| view.request_uri(view.hop(*target)?));
    let mut evidence = Vec::with_capacity(4);
    evidence.extend(hop.request.map(|index| view.evidence(index, Role::Request)));
    evidence.push(view.evidence(answer.first, Role::Response));
    evidence.extend(hop.ack.map(|index| view.evidence(index, Role::Ack)));
    let tried = targets.iter().filter_map(|(target, _)| view.hop(*target)?.request);
    evidence.extend(tried.map(|index| view.evidence(index, Role::FollowUp)));
    Some(Redirect {
        place: place_of(response),
        time: response.time,
        call_id: view.call_id.into(),
        instance: view.instance,
        method: hop.method,
        cseq: hop.cseq,
        in_dialog: view.in_dialog(hop),
        status: answer.status,
        reason: view.text(response.subject),
        request_uri: view.request_uri(hop).map(Into::into),
        server_request_uri: view.request_uri(deepest).map(Into::into),
        from: view.text(response.from_uri),
        to: view.text(response.to_uri),
        client: view.client(hop),
        server: view.server(deepest, deep_answer),
        contacts: response.contacts().to_vec(),
        server_contacts: view.record(deep_answer.first).map_or_else(Vec::new, |record| record.contacts().to_vec()),
        expires: response.extra.as_ref().and_then(|extra| extra.expires),
        body_length: response.extra.as_ref().map_or(0, |extra| extra.body_length),
        final_status: ended,
        last_target: last_target.map(Into::into),
        next: None,
        kept_by_proxy: view.is_kept_by_proxy(hop),
        follow_up,
        handling: Handling::default(),
        looped: false,
        cancelled: view.is_cancelled(hop),
        chain: Place::default(),
        chain_position: 1,
        chain_length: 1,
        chain_end: ChainEnd::default(),
        tried: Tried::default(),
        evidence,
        hops_seen: event.hops,
        hop1_seen: view.depth(hop) <= 1,
        retransmissions: answer.retransmissions,
        mirror_duplicates: answer.mirrors,
        watch: view.watch(hop, last.time, TIMEOUT_NANOS),
        maybe_relayed: unanswered.contains(&event.deepest) || deepest.request.is_none(),
        mid_capture: view.continued || hop.request.is_none(),
        head_cut: view.has_cut_heads(),
    })
}
