//! Rules about transactions: answers and acknowledgements that do not come, and answers that should not.

use foldhash::HashSet;

use super::rule::{Check, Confidence, Finding, Rule, Scope, Severity, Value};
use super::session::DialogCase;
use super::settings::Settings;
use super::words::{name, uri};
use crate::correlation::{
    Answer, Bye, CallView, Evidence, Hop, INVITE_REPEATS, MessageRecord, Method, Role, TIMEOUT_NANOS, Watch,
};
use crate::net::Transport;
use crate::sip::to_text;
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// By how much the last copy of a request may be late.
const SLACK_NANOS: i64 = NANOS_PER_SECOND;

/// The rules whose checks stand here.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "ack-missing-2xx",
        severity: Severity::Error,
        summary: "A call was accepted, and the 2xx was never acknowledged.",
        explanation: "The party called repeats its 2xx until the ACK is there. It did so until it gave up (for half a minute, or eleven times, or \
            until it sent BYE in place of the seventh copy or a later one), and within 32 seconds of capture without loss no ACK of that INVITE was \
            seen: such calls are cut then. Who stops earlier (three copies and more count as indeterminate) may have got an ACK that the \
            capture lacks.",
        remedy: "Check that the Contact and Record-Route of the 2xx can be reached by the caller.",
        references: &["RFC 3261 13.3.1.4", "RFC 3261 13.2.2.4"],
        checks: &[Check::Dialog(ack_missing_success)],
    },
    Rule {
        id: "ack-missing-non2xx",
        severity: Severity::Warning,
        summary: "A refusal of an INVITE was sent again and again, since no ACK came.",
        explanation: "Over UDP a server repeats a final answer to an INVITE until the ACK is there. It sent this one until it gave up (for half a \
            minute, or eleven times), and within 32 seconds of capture without loss there was no ACK. Who stops earlier (three copies and more \
            count as indeterminate) may have got an ACK that the capture lacks. For 3xx answers see redirect-ack-missing.",
        remedy: "Check the way back to the client: rport, Via address, firewall.",
        references: &["RFC 3261 17.2.1", "RFC 3261 17.1.1.3"],
        checks: &[Check::Dialog(ack_missing_refusal)],
    },
    Rule {
        id: "invite-no-response",
        severity: Severity::Warning,
        summary: "An INVITE got no answer at all.",
        explanation: "The client sent the INVITE as often as RFC 3261 has it for UDP, seven times in 32 seconds. It would have stopped at any \
            answer.",
        remedy: "Check that the server is up and that firewalls let the request and its answers through.",
        references: &["RFC 3261 17.1.1.2"],
        checks: &[Check::Dialog(invite_unanswered)],
    },
    Rule {
        id: "non-invite-1xx",
        severity: Severity::Notice,
        summary: "A request other than INVITE got a provisional answer beyond 100.",
        explanation: "Provisional answers 101 to 199 to other requests than INVITE serve nothing and are not allowed.",
        remedy: "Send 100 at most, and the final answer at once.",
        references: &["RFC 4320 4.1"],
        checks: &[Check::Dialog(provisional)],
    },
    Rule {
        id: "non-invite-408",
        severity: Severity::Notice,
        summary: "A request other than INVITE got 408.",
        explanation: "A 408 to such a request comes too late by nature: its client has timed out by then, and further 408 of elements on the way \
            add load where there is too much of it.",
        remedy: "Let the element send no answer instead of 408.",
        references: &["RFC 4320 4.2"],
        checks: &[Check::Dialog(timeout_told)],
    },
    Rule {
        id: "request-no-response",
        severity: Severity::Warning,
        summary: "A request other than INVITE got no answer at all.",
        explanation: "The client sent the request as often as RFC 3261 has it for UDP, eleven times in 32 seconds. It would have stopped at a \
            final answer.",
        remedy: "Check that the server is up and that firewalls let the request and its answers through.",
        references: &["RFC 3261 17.1.2.2"],
        checks: &[Check::Dialog(request_unanswered)],
    },
];

/// How often another request is sent again over UDP before its client gives up (RFC 3261 17.1.2.2).
pub(super) const REQUEST_REPEATS: u32 = 10;

/// A finding about the transaction on `hop`, with its request and `answer` as evidence.
pub(super) fn finding(
    rule: &'static Rule,
    case: &DialogCase<'_>,
    hop: &Hop,
    answer: Option<&Answer>,
    texts: (String, String),
) -> Option<Finding> {
    let view = case.view;
    let at = answer.map(|answer| answer.first).or(hop.request)?;
    let mut evidence: Vec<Evidence> =
        hop.request.map(|index| view.evidence(index, Role::Request)).into_iter().collect();
    evidence.extend(answer.map(|answer| view.evidence(answer.first, Role::Response)));
    Some(Finding {
        rule,
        severity: rule.severity,
        confidence: Confidence::Strong,
        scope: Scope::Exchange,
        place: view.place(at),
        time: view.record(at)?.time,
        call_id: view.call_id.into(),
        summary: texts.0,
        remediation: texts.1,
        values: vec![
            ("request_uri", view.request_uri(hop).into()),
            ("status", answer.map(|answer| u64::from(answer.status)).into()),
        ],
        evidence,
        context: vec![("hop1_seen", view.depth(hop) <= 1)],
        watch: None,
    })
}

/// The name of the method of a hop.
pub(super) fn method(hop: &Hop) -> &'static str {
    hop.method.name().unwrap_or("request")
}

/// The client of a hop; the User-Agent of a request that proxies handed on is not theirs.
pub(super) fn client(view: &CallView<'_>, hop: &Hop) -> String {
    if view.depth(hop) > 1 { hop.client.to_string() } else { name(&view.client(hop)) }
}

/// When the request of a hop was sent last.
fn last_copy(view: &CallView<'_>, hop: &Hop) -> Timestamp {
    let is_copy = |record: &&MessageRecord| {
        record.is_request()
            && (record.method, record.cseq) == (hop.method, hop.cseq)
            && (record.source, record.destination) == (hop.client, hop.server)
            && record.from_tag == hop.from_tag
    };
    view.records.iter().filter(is_copy).map(|record| record.time).max().unwrap_or(hop.start)
}

/// Whether an ACK to that answer was captured anywhere: it may have gone another way.
fn has_ack(view: &CallView<'_>, hop: &Hop, answer: &Answer) -> bool {
    let is_ack = |record: &&MessageRecord| {
        record.is_request()
            && record.method == Method::Ack
            && record.cseq == hop.cseq
            && record.from_tag == hop.from_tag
            && record.to_tag == answer.to_tag
    };
    hop.ack.is_some() || view.records.iter().any(|record| is_ack(&record))
}

/// The finding that an answer of `hop` was repeated and not acknowledged.
fn unacknowledged(
    rule: &'static Rule,
    case: &DialogCase<'_>,
    hop: &Hop,
    answer: &Answer,
    remedy: impl Fn(&str) -> String,
) -> Option<Finding> {
    let view = case.view;
    let copies = u64::from(answer.retransmissions).saturating_add(1);
    // A 2xx is repeated on any transport (RFC 3261 13.3.1.4).
    let is_repeatable = hop.transport == Transport::Udp || answer.status < 300;
    let is_repeated = hop.method == Method::Invite && is_repeatable && copies >= case.settings.ack_missing_copies;
    if !is_repeated || hop.request.is_none() || has_ack(view, hop, answer) {
        return None;
    }
    let (first, last) = (view.record(answer.first)?.time, view.record(answer.last)?.time);
    let client = client(view, hop);
    let summary = format!(
        "{copies} copies of {} to the INVITE for {} went to {client}, and no ACK came.",
        answer.status,
        uri(view.request_uri(hop))
    );
    let mut found = finding(rule, case, hop, Some(answer), (summary, remedy(&client)))?;
    found.values.push(("copies", Value::Number(copies)));
    let gave_up = gave_up(copies, last.since(first), case.settings) || cut_short(case, answer, copies, last);
    let watch = view.watch(hop, last, TIMEOUT_NANOS);
    found.watch = Some(Watch { whole: watch.whole && gave_up, ..watch });
    Some(found)
}

/// The time from the first to the last copy of an answer whose sender gave up, in nanoseconds: 64*T1 less the longest pause, and the slack.
const GIVEN_UP_AFTER_NANOS: i64 = TIMEOUT_NANOS - LONGEST_PAUSE_NANOS - SLACK_NANOS;
/// T2: the longest time between two copies, in nanoseconds (RFC 3261 17.2.1).
const LONGEST_PAUSE_NANOS: i64 = 4 * NANOS_PER_SECOND;

/// Whether who sent that many copies in that time gave up waiting for an ACK: else it may have stopped because of one that the capture
/// lacks.
pub(super) fn gave_up(copies: u64, within: i64, settings: &Settings) -> bool {
    copies >= settings.ack_given_up_copies || within >= GIVEN_UP_AFTER_NANOS
}

/// The copies after which some give a call up, half of the time that RFC 3261 13.3.1.4 has.
const FEWEST_COPIES: u64 = 7;

/// Whether who sent a 2xx sent BYE when the next copy was due.
fn cut_short(case: &DialogCase<'_>, answer: &Answer, copies: u64, last: Timestamp) -> bool {
    let dialog = case.dialogs.iter().find(|dialog| dialog.callee_tag == answer.to_tag);
    let bye = dialog.and_then(|dialog| dialog.bye.as_ref()).filter(|bye| bye.by == answer.to_tag);
    let due = |bye: &Bye| (0..=LONGEST_PAUSE_NANOS + SLACK_NANOS).contains(&bye.time.since(last));
    answer.status < 300 && copies >= FEWEST_COPIES && bye.is_some_and(due)
}

fn ack_missing_success(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    let mut found = Vec::new();
    for (index, hop) in case.view.transactions.hops.iter().enumerate() {
        let successes = hop.answers.iter().filter(|answer| (200..300).contains(&answer.status));
        found.extend(successes.filter_map(|answer| {
            let record = case.view.record(answer.first)?;
            let contact = case.view.texts.get(record.onward);
            let remedy = |client: &str| reach(client, answer.status, contact, record.record_routes > 0);
            let mut found = unacknowledged(rule, case, hop, answer, remedy)?;
            found.values.push(("contact", Some(contact).filter(|contact| !contact.is_empty()).into()));
            Some((index, found))
        }));
    }
    out.extend(nearest_to_client(case, found));
}

/// What to check if no ACK to a 2xx came: whether its client can send one to where it has to go (RFC 3261 12.2.1.1, 13.2.2.4).
fn reach(client: &str, status: u16, contact: &[u8], has_route: bool) -> String {
    let contact =
        if contact.is_empty() { "the Contact".to_owned() } else { format!("{}, the Contact", to_text(contact)) };
    if has_route {
        format!(
            "Check that {client} can reach the Record-Route of the {status}, by way of which its ACK goes to {contact}."
        )
    } else {
        format!("Check that {client} can reach {contact} of the {status}: its ACK goes there.")
    }
}

fn ack_missing_refusal(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    let remedy = |client: &str| {
        format!("Check the way back to {client}: rport, the address in its Via, firewalls; and that it sends ACK.")
    };
    let hops = case.view.transactions.hops.iter().enumerate();
    let found = hops.filter_map(|(index, hop)| {
        let refusal = hop.final_answer().filter(|answer| answer.status >= 400)?;
        Some((index, unacknowledged(rule, case, hop, refusal, remedy)?))
    });
    out.extend(nearest_to_client(case, found.collect()));
}

/// Of findings on several hops of one request those on the hop nearest the client: a proxy without state repeats what it gets.
fn nearest_to_client(case: &DialogCase<'_>, found: Vec<(usize, Finding)>) -> impl Iterator<Item = Finding> {
    let all: HashSet<usize> = found.iter().map(|(index, _)| *index).collect();
    let parent = |index: usize| case.view.hop(index).and_then(|hop| hop.parent);
    found
        .into_iter()
        .filter(move |(index, _)| parent(*index).is_none_or(|above| !all.contains(&above)))
        .map(|(_, found)| found)
}

/// Of findings on several hops of one request those on the hop nearest the server.
fn nearest_to_server(case: &DialogCase<'_>, found: Vec<(usize, Finding)>) -> impl Iterator<Item = Finding> {
    let above: HashSet<usize> = found.iter().filter_map(|(index, _)| case.view.hop(*index)?.parent).collect();
    found.into_iter().filter(move |(index, _)| !above.contains(index)).map(|(_, found)| found)
}

/// The finding that a request was sent as often as it can be.
fn unanswered(rule: &'static Rule, case: &DialogCase<'_>, hop: &Hop, repeats: u32) -> Option<Finding> {
    let view = case.view;
    if !hop.answers.is_empty() || hop.transport != Transport::Udp || hop.retransmissions < repeats {
        return None;
    }
    // An INVITE may be sent again every now and then after a provisional answer (RFC 3581 3) that the capture lacks.
    if last_copy(view, hop).since(hop.start) > TIMEOUT_NANOS + SLACK_NANOS {
        return None;
    }
    let (client, server) = (client(view, hop), hop.server);
    let copies = hop.retransmissions.saturating_add(1);
    let summary = format!("{client} sent {copies} copies of its {} to {server}, and no answer came.", method(hop));
    let remediation = format!("Check that {server} is up, and that firewalls let requests and answers through.");
    let mut found = finding(rule, case, hop, None, (summary, remediation))?;
    found.values.push(("copies", Value::Number(u64::from(copies))));
    // That the client went on shows that nothing came, whether or not the capture sees that direction.
    found.watch = Some(Watch { both_directions: true, ..view.watch(hop, hop.start, TIMEOUT_NANOS) });
    Some(found)
}

fn invite_unanswered(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    let hops = case.view.transactions.hops.iter().enumerate().filter(|(_, hop)| hop.method == Method::Invite);
    let found = hops.filter_map(|(index, hop)| Some((index, unanswered(rule, case, hop, INVITE_REPEATS)?)));
    out.extend(nearest_to_server(case, found.collect()));
}

fn request_unanswered(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    let others = |(_, hop): &(usize, &Hop)| !matches!(hop.method, Method::Invite | Method::Ack);
    let hops = case.view.transactions.hops.iter().enumerate().filter(others);
    let found = hops.filter_map(|(index, hop)| Some((index, unanswered(rule, case, hop, REQUEST_REPEATS)?)));
    out.extend(nearest_to_server(case, found.collect()));
}

/// The answers that `wanted` takes to requests other than INVITE, each on the hop nearest the server.
fn other_answers(
    rule: &'static Rule,
    case: &DialogCase<'_>,
    wanted: impl Fn(u16) -> bool,
    remedy: impl Fn(&Hop) -> String,
    out: &mut Vec<Finding>,
) {
    let hops = &case.view.transactions.hops;
    for (index, hop) in hops.iter().enumerate().filter(|(_, hop)| hop.method != Method::Invite) {
        let Some(answer) = hop.answers.iter().find(|answer| wanted(answer.status)) else { continue };
        let has = |deeper: &Hop| deeper.answers.iter().any(|other| other.status == answer.status);
        if hops.iter().any(|deeper| deeper.parent == Some(index) && has(deeper)) {
            continue;
        }
        let server = name(&case.view.server(hop, answer));
        let summary = format!("{server} answered {} to {}.", answer.status, method(hop));
        let remediation = format!("On {server}, {}", remedy(hop));
        out.extend(finding(rule, case, hop, Some(answer), (summary, remediation)));
    }
}

fn provisional(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    let remedy = |hop: &Hop| format!("send no provisional answer but 100 to {}.", method(hop));
    other_answers(rule, case, |status| (101..200).contains(&status), remedy, out);
}

fn timeout_told(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    let remedy = |hop: &Hop| format!("send no answer to {} instead of 408.", method(hop));
    other_answers(rule, case, |status| status == 408, remedy, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gets_no_ack_says_where_it_has_to_go() {
        for (contact, has_route, text) in [
            ("sip:bob@192.0.2.20", false, "sip:bob@192.0.2.20, the Contact of the 200: its ACK goes there."),
            ("", false, "the Contact of the 200: its ACK goes there."),
            (
                "sip:b\x1b",
                true,
                "the Record-Route of the 200, by way of which its ACK goes to sip:b\\x1B, the Contact.",
            ),
        ] {
            let said = reach("alice", 200, contact.as_bytes(), has_route);
            assert_eq!(said, format!("Check that alice can reach {text}"));
        }
    }
}
