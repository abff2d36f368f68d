//! Series of 422 answers within a call (RFC 4028 6, 7.3, 7.4).

use super::facts::{Link, Negotiation, Retry, Role, Round};
use super::record::{Method, Seconds};
use super::transaction::Hop;
use super::view::{CallView, Event, TIMEOUT_NANOS, place_of};
use crate::sip::Refresher;

/// The negotiations of a call, in order of time. Outside a dialog a call has one; in a dialog each refused refresh starts one.
pub fn negotiations(view: &CallView<'_>, follow: &dyn Fn(usize) -> Option<usize>) -> Vec<Negotiation> {
    let events = view.events(|status| status == 422);
    let mut series: Vec<Vec<(&Event, Option<usize>)>> = Vec::new();
    for event in &events {
        let Some(hop) = view.hop(event.top) else { continue };
        let retry = if hides(view, hop) { None } else { retry_of(view, hop) };
        let joined = series.iter_mut().find(|rounds| continues(view, rounds, event));
        match joined {
            Some(rounds) => rounds.push((event, retry)),
            None => series.push(vec![(event, retry)]),
        }
    }
    series.iter().filter_map(|rounds| negotiation(view, rounds, follow)).collect()
}

/// Whether `event` is another round of a series: the same caller outside a dialog, or the retry inside one.
fn continues(view: &CallView<'_>, rounds: &[(&Event, Option<usize>)], event: &Event) -> bool {
    let Some((last, retry)) = rounds.last() else { return false };
    let (Some(before), Some(now)) = (view.hop(last.top), view.hop(event.top)) else { return false };
    if view.in_dialog(before) != view.in_dialog(now) {
        return false;
    }
    if view.in_dialog(now) {
        return *retry == Some(event.top);
    }
    before.method == now.method && before.parent.is_none() == now.parent.is_none()
}

/// Whether the caller got another answer than this 422, so that it has nothing to retry.
fn hides(view: &CallView<'_>, hop: &Hop) -> bool {
    hop.parent.and_then(|parent| view.hop(parent)).and_then(Hop::final_status).is_some_and(|status| status != 422)
}

/// The retry: outside a dialog any later request of the caller; inside one, what comes before the next refresh would.
fn retry_of(view: &CallView<'_>, hop: &Hop) -> Option<usize> {
    let in_dialog = view.in_dialog(hop);
    let kind = |method: Method| if in_dialog { method.refreshes_sessions() } else { method == hop.method };
    let next = view.next_attempt(hop, kind, in_dialog)?;
    let refused = view.record(hop.final_answer()?.first)?.time;
    let in_time = view.hop(next)?.start.since(refused) <= TIMEOUT_NANOS;
    (in_time || !in_dialog).then_some(next)
}

fn negotiation(
    view: &CallView<'_>,
    rounds: &[(&Event, Option<usize>)],
    follow: &dyn Fn(usize) -> Option<usize>,
) -> Option<Negotiation> {
    let (first_event, _) = rounds.first()?;
    let (last_event, last_retry) = rounds.last()?;
    let hop = view.hop(first_event.top)?;
    let last_hop = view.hop(last_event.top)?;
    let last_answer = last_hop.final_answer()?;
    let response = view.record(hop.final_answer()?.first)?;
    let listed: Vec<Round> = rounds.iter().filter_map(|(event, retry)| round(view, event, *retry, follow)).collect();
    let ended = last_retry.and_then(|at| view.last_hop(at, follow));
    let success = ended.and_then(|hop| hop.final_answer()).filter(|answer| answer.status < 300);
    let success = success.and_then(|answer| view.record(answer.first));
    let first_request = view.request(hop);
    let last_request = listed.iter().rev().find_map(|round| round.retry.as_ref()).map(|retry| retry.follow_up.time);
    Some(Negotiation {
        call_id: view.call_id.into(),
        method: hop.method,
        in_dialog: view.in_dialog(hop),
        client: view.client(hop),
        request_uri: view.request_uri(hop).map(Into::into),
        from: view.text(response.from_uri),
        rounds: listed,
        agreed: success.and_then(|response| response.session_expires.value()),
        refresher: success.and_then(|response| response.refresher),
        added_delay: first_request.zip(last_request).map(|(first, last)| last.since(first.time)),
        hidden: hides(view, hop),
        cancelled: last_hop.cancel.is_some(),
        hop1_seen: view.depth(hop) <= 1,
        watch: view.watch(last_hop, view.record(last_answer.last)?.time, TIMEOUT_NANOS),
    })
}

fn round(
    view: &CallView<'_>,
    event: &Event,
    retry: Option<usize>,
    follow: &dyn Fn(usize) -> Option<usize>,
) -> Option<Round> {
    let hop = view.hop(event.top)?;
    let deepest = view.hop(event.deepest)?;
    let (answer, deep_answer) = (hop.final_answer()?, deepest.final_answer()?);
    let response = view.record(answer.first)?;
    let request = view.request(hop);
    let next = retry.and_then(|index| Some((index, view.hop(index)?)));
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
        evidence,
        retry: next.and_then(|(index, hop)| {
            let request = view.request(hop)?;
            Some(Retry {
                follow_up: view.follow_up(
                    hop,
                    Link::Strong,
                    view.last_hop(index, follow).and_then(Hop::final_status),
                )?,
                session_expires: request.session_expires,
                min_se: request.min_se,
                supports_timer: request.supports_timer,
            })
        }),
    })
}

/// The name of a refresher in reports and on the wire.
pub const fn refresher_name(refresher: Refresher) -> &'static str {
    match refresher {
        Refresher::Uac => "uac",
        Refresher::Uas => "uas",
    }
}
