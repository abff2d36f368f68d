//! Redirects within a call, and what the caller did about them (RFC 3261 8.1.3.4).

use super::facts::{Link, Place, Redirect, Role, Text};
use super::record::{ContactRecord, MessageRecord, Method};
use super::transaction::Hop;
use super::view::{CallView, Event, TIMEOUT_NANOS, place_of};
use crate::sip::Uri;

/// The redirects of a call with the hops that follow them.
#[derive(Debug)]
pub struct Redirections {
    events: Vec<Event>,
    links: Vec<Option<(usize, Link)>>,
}

impl Redirections {
    /// Finds the redirects of a call and what follows each in the same call.
    pub fn find(view: &CallView<'_>) -> Self {
        let events = view.events(|status| (300..400).contains(&status));
        let links = links(view, &events);
        Self { events, links }
    }

    /// The hop that follows the redirect that ended `hop`.
    pub fn follow(&self, hop: usize) -> Option<usize> {
        let at = self.events.iter().position(|event| event.top == hop)?;
        self.links.get(at).copied().flatten().map(|(next, _)| next)
    }

    /// The redirects in order of time, with their places in their chains.
    pub fn list(&self, view: &CallView<'_>) -> Vec<Redirect> {
        let follow = |hop: usize| self.follow(hop);
        let mut found: Vec<Redirect> = Vec::with_capacity(self.events.len());
        let mut kept: Vec<usize> = Vec::with_capacity(self.events.len());
        for (at, (event, link)) in self.events.iter().zip(&self.links).enumerate() {
            if let Some(redirect) = redirect(view, event, *link, &follow) {
                found.push(redirect);
                kept.push(at);
            }
        }
        chain(&mut found, &kept, &self.events, &self.links, view);
        found
    }
}

/// For each redirect, the hop that follows it.
fn links(view: &CallView<'_>, events: &[Event]) -> Vec<Option<(usize, Link)>> {
    let mut taken = vec![false; view.transactions.hops.len()];
    let mut links = vec![None; events.len()];
    // A follow-up belongs to the nearest redirect before it, so the latest redirect chooses first.
    for (event, slot) in events.iter().zip(links.iter_mut()).rev() {
        let found = follow_up(view, event, &taken);
        if let Some((hop, _)) = found
            && let Some(taken) = taken.get_mut(hop)
        {
            *taken = true;
        }
        *slot = found;
    }
    links
}

fn follow_up(view: &CallView<'_>, event: &Event, taken: &[bool]) -> Option<(usize, Link)> {
    let hop = view.hop(event.top)?;
    let response = view.record(hop.final_answer()?.first)?;
    let old_uri = view.request_uri(hop);
    let candidates = view.transactions.hops.iter().enumerate().filter_map(|(index, next)| {
        if index == event.top || next.method != hop.method || taken.get(index).copied().unwrap_or(true) {
            return None;
        }
        let request = view.request(next)?;
        if request.order() <= response.order() || !continues(hop, next) {
            return None;
        }
        let link = if next.from_tag == hop.from_tag { Link::Strong } else { Link::Medium };
        let in_time = link == Link::Strong || request.time.since(response.time) <= TIMEOUT_NANOS;
        (in_time && goes_to(view, response, old_uri, next, request)).then_some((index, link, request.order()))
    });
    candidates.min_by_key(|(_, link, order)| (*link, *order)).map(|(index, link, _)| (index, link))
}

/// Whether `next` can be what the client of `hop` sent next: the caller with a new CSeq number, or a proxy that keeps the
/// number and forwards the same request on another branch (RFC 3261 16.6 item 8).
fn continues(hop: &Hop, next: &Hop) -> bool {
    match (hop.parent, next.parent) {
        (None, None) => next.cseq >= hop.cseq,
        (Some(above), Some(other)) => {
            above == other && next.cseq == hop.cseq && next.client.address == hop.client.address
        }
        // The hop towards the caller was captured for one of them only.
        (Some(_), None) => next.cseq > hop.cseq,
        (None, Some(_)) => false,
    }
}

/// Whether a request goes where a 3xx says.
fn goes_to(
    view: &CallView<'_>,
    response: &MessageRecord,
    old_uri: Option<&[u8]>,
    next: &Hop,
    request: &MessageRecord,
) -> bool {
    let uri = view.texts.get(request.subject);
    if response.status() == Some(305) {
        // Use Proxy: the same Request-URI by way of the Contact (RFC 3261 21.3.4).
        let route = view.texts.get(request.route);
        let destination = next.server.to_string();
        let same_target = old_uri.is_some_and(|old| matches(old, uri));
        let by_way = |contact: &ContactRecord| host_port(&contact.uri) == destination || route_is(route, &contact.uri);
        return (same_target && response.contacts().iter().any(by_way))
            || response.contacts().iter().any(|contact| matches(&contact.uri, uri));
    }
    response.contacts().iter().any(|contact| matches(&contact.uri, uri))
}

/// Lenient comparison (sip-rules 2.3).
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
    link: Option<(usize, Link)>,
    follow: &dyn Fn(usize) -> Option<usize>,
) -> Option<Redirect> {
    let hop = view.hop(event.top)?;
    let deepest = view.hop(event.deepest)?;
    let (answer, deep_answer) = (hop.final_answer()?, deepest.final_answer()?);
    let response = view.record(answer.first)?;
    let last = view.record(answer.last)?;
    let next = link.and_then(|(next, link)| Some((next, link, view.hop(next)?)));
    let follow_up = next.and_then(|(index, link, hop)| {
        let last = view.last_hop(index, follow).and_then(Hop::final_status);
        view.follow_up(hop, link, last)
    });
    let mut evidence = Vec::with_capacity(4);
    evidence.extend(hop.request.map(|index| view.evidence(index, Role::Request)));
    evidence.push(view.evidence(answer.first, Role::Response));
    evidence.extend(hop.ack.map(|index| view.evidence(index, Role::Ack)));
    evidence.extend(next.and_then(|(_, _, hop)| hop.request).map(|index| view.evidence(index, Role::FollowUp)));
    Some(Redirect {
        place: place_of(response),
        time: response.time,
        call_id: view.call_id.into(),
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
        expires: response.extra.as_ref().and_then(|extra| extra.expires),
        body_length: response.extra.as_ref().map_or(0, |extra| extra.body_length),
        final_status: follow_up.as_ref().map_or(Some(answer.status), |next| next.final_status),
        follow_up,
        looped: false,
        cancelled: hop.cancel.is_some(),
        chain: Place::default(),
        chain_position: 1,
        chain_length: 1,
        tried: Vec::new(),
        evidence,
        hops_seen: event.hops,
        hop1_seen: view.depth(hop) <= 1,
        retransmissions: answer.retransmissions,
        mirror_duplicates: answer.mirrors,
        watch: view.watch(hop, last.time, TIMEOUT_NANOS),
        maybe_relayed: view
            .transactions
            .hops
            .iter()
            .any(|hop| hop.parent == Some(event.deepest) && hop.answers.is_empty()),
        mid_capture: view.continued || hop.request.is_none(),
    })
}

/// Numbers the redirects of each chain.
fn chain(
    found: &mut [Redirect],
    kept: &[usize],
    events: &[Event],
    links: &[Option<(usize, Link)>],
    view: &CallView<'_>,
) {
    let next_of = |at: usize| -> Option<usize> {
        let event = *kept.get(at)?;
        let (next, _) = links.get(event).copied().flatten()?;
        // The follow-up may be challenged or negotiated before it is redirected again.
        let mut hop = next;
        for _ in 0..view.transactions.hops.len() {
            if let Some(next) = kept.iter().position(|event| events.get(*event).is_some_and(|event| event.top == hop)) {
                return (next != at).then_some(next);
            }
            let current = view.hop(hop)?;
            if !matches!(current.final_status(), Some(401 | 407 | 422)) {
                return None;
            }
            hop = view.next_attempt(current, |method: Method| method == current.method, view.in_dialog(current))?;
        }
        None
    };
    let next: Vec<Option<usize>> = (0..found.len()).map(next_of).collect();
    let mut is_continued = vec![false; found.len()];
    for at in next.iter().flatten() {
        if let Some(flag) = is_continued.get_mut(*at) {
            *flag = true;
        }
    }
    for start in (0..found.len()).filter(|at| !is_continued.get(*at).copied().unwrap_or(false)) {
        let mut members = vec![start];
        while let Some(at) = members.last().and_then(|last| next.get(*last).copied().flatten()) {
            if members.contains(&at) {
                break;
            }
            members.push(at);
        }
        let first = found.get(start).map(|redirect| redirect.place).unwrap_or_default();
        let mut tried: Vec<Text> = Vec::new();
        for (position, at) in (1..).zip(&members) {
            let Some(redirect) = found.get_mut(*at) else { continue };
            redirect.chain = first;
            redirect.chain_position = position;
            redirect.chain_length = u32::try_from(members.len()).unwrap_or(u32::MAX);
            redirect.tried.clone_from(&tried);
            tried.extend(redirect.request_uri.clone());
        }
    }
}
