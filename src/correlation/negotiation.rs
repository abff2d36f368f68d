//! Series of 422 answers within a call (RFC 4028 6, 7.3, 7.4).

use std::net::IpAddr;

use foldhash::{HashMap, HashMapExt, HashSet};

use super::attempts::Attempts;
use super::facts::{Kept, Link, Negotiation, Refused, Retry, Role, Round};
use super::marks::TimerMarks;
use super::missing::Missing;
use super::record::{Method, Seconds};
use super::text::Span;
use super::transaction::Hop;
use super::view::{CallView, Event, TIMEOUT_NANOS, place_of};
use crate::limits::MAX_RIVALS;
use crate::sip::Refresher;
use crate::time::Timestamp;

/// The negotiations of a call, in order of time. Outside a dialog a call has one; in a dialog each refused refresh starts one.
pub fn negotiations(view: &CallView<'_>, attempts: &Attempts<'_>) -> Vec<Negotiation> {
    let mut series: Vec<Vec<Refusal>> = Vec::new();
    // The series that a refusal of that hop would continue: its request is the retry. And the one outside dialogs, by method.
    let mut awaited: HashMap<usize, usize> = HashMap::new();
    let mut outside: HashMap<(Method, bool), usize> = HashMap::new();
    let events = view.events(|status| status == 422);
    let sendings = if events.is_empty() { Sendings::new() } else { sendings(view) };
    for event in events {
        let Some(hop) = view.hop(event.top).filter(|hop| !is_part(view, hop)) else { continue };
        let hidden = is_hidden(view, hop, &sendings);
        let retry = if hidden { None } else { attempts.retry(event.top) };
        let kind = (hop.method, hidden);
        let joined = if view.in_dialog(hop) { awaited.get(&event.top) } else { outside.get(&kind) };
        let at = joined.copied().unwrap_or(series.len());
        if !view.in_dialog(hop) {
            outside.insert(kind, at);
        }
        // The retry may be challenged first.
        let challenged =
            |at: &usize| view.hop(*at).and_then(Hop::final_status).is_some_and(|got| got == 401 || got == 407);
        let retries = std::iter::successors(retry, |at| Some(*at).filter(challenged).and_then(|at| attempts.retry(at)));
        awaited.extend(retries.take(MAX_RIVALS).map(|hop| (hop, at)));
        let refusal = Refusal { event, retry, hidden };
        match series.get_mut(at) {
            Some(rounds) => rounds.push(refusal),
            None => series.push(vec![refusal]),
        }
    }
    if series.is_empty() {
        return Vec::new();
    }
    let unanswered = view.transactions.hops.iter().filter(|hop| hop.final_answer().is_none());
    let known = Known { missing: Missing::of(view), went_on: unanswered.filter_map(|hop| hop.parent).collect() };
    series.iter().filter_map(|rounds| negotiation(view, rounds, attempts, &known)).collect()
}

/// What is worked out for a whole call beforehand.
struct Known {
    missing: Missing,
    /// The hops whose requests went on without an answer to be seen.
    went_on: HashSet<usize>,
}

/// A 422, and the retry that came of it.
struct Refusal {
    event: Event,
    retry: Option<usize>,
    hidden: bool,
}

/// Whether the proxy that got this 422 has handed on that of another branch: then this one is part of the same answer.
fn is_part(view: &CallView<'_>, hop: &Hop) -> bool {
    hop.parent.and_then(|parent| view.hop(parent)).and_then(Hop::final_status) == Some(422)
}

/// When each element last sent a request, whatever the branch.
type Sendings = HashMap<(IpAddr, u32, Span, Method), Timestamp>;

fn sending(hop: &Hop) -> (IpAddr, u32, Span, Method) {
    (hop.client.address, hop.cseq, hop.from_tag, hop.method)
}

fn sendings(view: &CallView<'_>) -> Sendings {
    let mut latest = Sendings::new();
    for hop in &view.transactions.hops {
        let Some(request) = view.request(hop) else { continue };
        latest.entry(sending(hop)).and_modify(|time| *time = request.time.max(*time)).or_insert(request.time);
    }
    latest
}

/// Whether the originator never got this 422, so that it has nothing to retry: a proxy got it for a request that it had
/// forwarded, and gave another answer, or none yet; or it tried another server (RFC 3261 16.7).
fn is_hidden(view: &CallView<'_>, hop: &Hop, sendings: &Sendings) -> bool {
    let answered = hop.final_answer().and_then(|answer| view.record(answer.first)).map(|answer| answer.time);
    let hunts = || sendings.get(&sending(hop)).zip(answered).is_some_and(|(latest, answered)| *latest > answered);
    view.is_kept_by_proxy(hop) || (view.depth(hop) > 1 && hunts())
}

fn negotiation(view: &CallView<'_>, rounds: &[Refusal], attempts: &Attempts<'_>, known: &Known) -> Option<Negotiation> {
    let (first, last) = (rounds.first()?, rounds.last()?);
    let hop = view.hop(first.event.top)?;
    let last_hop = view.hop(last.event.top)?;
    let last_answer = last_hop.final_answer()?;
    let mut watch = view.watch(last_hop, view.record(last_answer.last)?.time, TIMEOUT_NANOS);
    // Whether there was a retry is not known then.
    watch.whole &= last.retry.is_some() || !known.missing.next_of(view, last_hop);
    let response = view.record(hop.final_answer()?.first)?;
    let listed: Vec<Round> = rounds.iter().filter_map(|refusal| round(view, refusal, attempts, known)).collect();
    let ended = last.retry.and_then(|at| attempts.end(at));
    let success = ended.and_then(|hop| hop.final_answer()).filter(|answer| answer.status < 300);
    let success = success.and_then(|answer| view.record(answer.first));
    let first_request = view.request(hop);
    let last_request = listed.iter().rev().find_map(|round| round.retry.as_ref()).map(|retry| retry.follow_up.time);
    Some(Negotiation {
        call_id: view.call_id.into(),
        instance: view.instance,
        method: hop.method,
        in_dialog: view.in_dialog(hop),
        client: view.client(hop),
        request_uri: view.request_uri(hop).map(Into::into),
        from: view.text(response.from_uri),
        rounds: listed,
        agreed: success.and_then(|response| response.session_expires.value()),
        refresher: success.and_then(|response| response.refresher),
        added_delay: first_request.zip(last_request).map(|(first, last)| last.since(first.time)),
        hidden: last.hidden,
        cancelled: view.is_cancelled(last_hop),
        hop1_seen: view.depth(hop) <= 1,
        watch,
        head_cut: view.has_cut_heads(),
    })
}

fn round(view: &CallView<'_>, refusal: &Refusal, attempts: &Attempts<'_>, known: &Known) -> Option<Round> {
    let Refusal { event, retry, .. } = refusal;
    let hop = view.hop(event.top)?;
    let deepest = view.hop(event.deepest)?;
    let (answer, deep_answer) = (hop.final_answer()?, deepest.final_answer()?);
    let response = view.record(answer.first)?;
    let request = view.request(hop);
    let event_hop = hop;
    let next = (*retry).and_then(|index| Some((index, view.hop(index)?)));
    let mut evidence = Vec::with_capacity(4);
    evidence.extend(hop.request.map(|index| view.evidence(index, Role::Request)));
    evidence.push(view.evidence(answer.first, Role::Response));
    evidence.extend(hop.ack.map(|index| view.evidence(index, Role::Ack)));
    evidence.extend(next.and_then(|(_, hop)| hop.request).map(|index| view.evidence(index, Role::Retry)));
    Some(Round {
        place: place_of(response),
        time: response.time,
        cseq: hop.cseq,
        server: view.server(deepest, deep_answer),
        request_seen: request.is_some(),
        offered: request.map_or(Seconds::Absent, |request| request.session_expires),
        offered_min_se: request.map_or(Seconds::Absent, |request| request.min_se),
        offered_refresher: request.and_then(|request| request.refresher),
        supports_timer: request.is_some_and(|request| request.supports_timer),
        demanded: response.min_se,
        demanded_again: response.timer_marks.has(TimerMarks::MIN_SE_AGAIN),
        demanded_raw: response.odd_timers().map(|odd| odd.min_se.clone()).unwrap_or_default(),
        refused: refused(view, deepest, known.went_on.contains(&event.deepest)),
        kept: if refusal.hidden { kept(view, hop) } else { Kept::default() },
        evidence,
        retry: next.and_then(|(index, hop)| {
            // Without the request that was refused it is not known whether there was a dialog.
            let outside = request.is_some() && !view.in_dialog(event_hop);
            let request = view.request(hop)?;
            let stale = outside && request.to_tag == response.to_tag && !request.to_tag.is_empty();
            Some(Retry {
                cseq: Some(hop.cseq),
                stale_to_tag: stale,
                follow_up: view.follow_up(hop, Link::Strong, attempts.end(index).and_then(Hop::final_status))?,
                session_expires: request.session_expires,
                min_se: request.min_se,
                supports_timer: request.supports_timer,
            })
        }),
    })
}

fn refused(view: &CallView<'_>, hop: &Hop, went_on: bool) -> Refused {
    let Some(request) = view.request(hop) else {
        return Refused { maybe_relayed: true, went_on: true, ..Refused::default() };
    };
    // Who forwards an INVITE tells the client that it will take a while (RFC 3261 16.2).
    let provisional = hop.answers.iter().any(|answer| answer.status < 200);
    Refused {
        seen: true,
        session_expires: request.session_expires,
        supports_timer: request.supports_timer,
        maybe_relayed: view.depth(hop) <= 1 || provisional,
        went_on,
    }
}

fn kept(view: &CallView<'_>, hop: &Hop) -> Kept {
    let above = hop.parent.and_then(|parent| view.hop(parent));
    let answered = hop.final_answer().and_then(|answer| view.record(answer.first));
    let next = view.transactions.hops.iter().find(|next| {
        let Some((request, answered)) = view.request(next).zip(answered) else { return false };
        sending(next) == sending(hop) && next.parent == hop.parent && request.time > answered.time
    });
    Kept {
        other_answer: above.and_then(Hop::final_status).filter(|status| *status != 422),
        next: next.map(|next| next.server),
    }
}

/// The name of a refresher in reports and on the wire.
pub const fn refresher_name(refresher: Refresher) -> &'static str {
    match refresher {
        Refresher::Uac => "uac",
        Refresher::Uas => "uas",
    }
}
