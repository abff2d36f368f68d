//! Rules about requests: what identifies them, in which order they come, and when they may be sent at all.

use std::net::IpAddr;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use super::elements::branch_of_other_call;
use super::rule::{Check, Confidence, Finding, Rule, Severity, Value};
use super::session::DialogCase;
use super::transactions::{client, finding, method};
use super::words::name;
use crate::correlation::{
    Answer, CallView, Dialog, Evidence, Hop, Marks, MessageRecord, Method, Role, Span, TIMEOUT_NANOS, Watch,
};
use crate::limits::MAX_RIVALS;
use crate::net::Transport;
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// The rules whose checks stand here.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "branch-reused",
        severity: Severity::Error,
        summary: "A client used the branch of an earlier request again.",
        explanation: "The branch of the top Via tells transactions apart, and must be another one in each request but CANCEL and the ACK to a \
            refusal. The same client sent two requests of one method with the same branch and another CSeq number or Call-ID: elements on the \
            way may take the later one for a copy of the earlier, and answer with what they answered then.",
        remedy: "Make the client put a new random branch into every new request.",
        references: &["RFC 3261 8.1.1.7", "RFC 3261 17.2.3"],
        checks: &[Check::Dialog(branch_reused), Check::Oddity(branch_of_other_call)],
    },
    Rule {
        id: "callee-bye-on-early-dialog",
        severity: Severity::Warning,
        summary: "The party called sent BYE before it had answered the call.",
        explanation: "Before its 2xx the party called may refuse the INVITE, but not send BYE: many callers do not expect that, and go on \
            ringing. It is said only if the INVITE was captured with its answers, and what came after the BYE (an answer to the INVITE, \
            or CANCEL) shows that it was still open: a 2xx and its ACK may have been missed.",
        remedy: "Make the party called refuse the INVITE (480, 486, 603) instead of sending BYE.",
        references: &["RFC 3261 15"],
        checks: &[Check::Dialog(callee_bye)],
    },
    Rule {
        id: "cancel-before-provisional",
        severity: Severity::Notice,
        summary: "An INVITE was cancelled before anything was answered.",
        explanation: "A client must wait for a provisional answer before it sends CANCEL: else the CANCEL may arrive before the INVITE, and the \
            phone rings all the same. It is said only if the answers that came later, or the answer to the CANCEL, were captured.",
        remedy: "Make the client hold its CANCEL back until a provisional answer is there.",
        references: &["RFC 3261 9.1"],
        checks: &[Check::Dialog(cancel_early)],
    },
    Rule {
        id: "cseq-out-of-order",
        severity: Severity::Warning,
        summary: "A request in a dialog has a lower CSeq number than one that its sender sent before.",
        explanation: "Each party counts its requests in a dialog upwards; one that comes with a lower number is answered 500. Copies, ACK and CANCEL \
            are left out, and so is what was overtaken on its way and not refused for it: over UDP a request that was lost is sent again for \
            up to 32 seconds, and may then come behind later ones. If such a one was refused with 500 it is a notice.",
        remedy: "Make the sender, or the element that sends in its name, count on from the last CSeq number of the dialog.",
        references: &["RFC 3261 12.2.2"],
        checks: &[Check::Dialog(cseq_behind)],
    },
    Rule {
        id: "final-response-conflict",
        severity: Severity::Warning,
        summary: "One request got two final answers that differ.",
        explanation: "A transaction has one final answer. Several 2xx with other To tags are the answers of several phones, and a 2xx of another \
            phone after a refusal is handed on as it should be; anything else confuses the client, which has acted on the first.",
        remedy: "Find out why the server answered the same request twice: two processes behind one address, or a lost transaction state.",
        references: &["RFC 3261 17.2.1", "RFC 3261 16.7"],
        checks: &[Check::Dialog(two_finals)],
    },
    Rule {
        id: "merged-request",
        severity: Severity::Notice,
        summary: "A request came to a server twice, by two ways or in a loop.",
        explanation: "A request was forked, and two of its copies met again at one server while the first was open; or a server said so with 482. \
            The server takes the second for a merged request and refuses it.",
        remedy: "See in the routing why two targets of one request lead to the same server.",
        references: &["RFC 3261 8.2.2.2", "RFC 3261 16.3"],
        checks: &[Check::Dialog(merged)],
    },
];

/// By how much a request may be overtaken on its way on a stream, in nanoseconds: T1 of RFC 3261, the time of a round trip.
const OVERTAKEN_NANOS: i64 = NANOS_PER_SECOND / 2;

/// Requests other than those that share the branch or the number of another by design.
fn counts_itself(hop: &&Hop) -> bool {
    !matches!(hop.method, Method::Ack | Method::Cancel)
}

fn number(value: u32) -> Value {
    Value::Number(u64::from(value))
}

fn branch_reused(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    let view = case.view;
    let mut first: HashMap<(u64, Method, IpAddr), &Hop> = HashMap::new();
    let mut said: HashSet<IpAddr> = HashSet::new();
    for hop in view.transactions.hops.iter().filter(counts_itself).filter(|hop| hop.parent.is_none()) {
        let Some(request) = view.request(hop).filter(|request| !request.marks.has(Marks::OLD_BRANCH)) else { continue };
        let host = hop.client.address;
        let earlier = *first.entry((request.top_via, hop.method, host)).or_insert(hop);
        // After a redirect a rule of its own says it.
        let redirected = earlier.final_status().is_some_and(|status| (300..400).contains(&status));
        if earlier.cseq == hop.cseq || redirected || !said.insert(host) {
            continue;
        }
        let client = client(view, hop);
        let summary = format!(
            "{client} sent {} with CSeq {} and with CSeq {} in transactions of the same branch.",
            method(hop),
            earlier.cseq,
            hop.cseq
        );
        let remediation = format!("Make {client} use a new branch for every new request.");
        let Some(mut found) = finding(rule, case, hop, None, (summary, remediation)) else { continue };
        found.values.push(("cseq", number(hop.cseq)));
        found.values.push(("earlier_cseq", number(earlier.cseq)));
        found.evidence.extend(earlier.request.map(|index| view.evidence(index, Role::Other)));
        out.push(found);
    }
}

/// Whether messages of the call come from several points of capture, whose clocks may differ.
fn has_several_clocks(view: &CallView<'_>) -> bool {
    let mut sources = view.records.iter().map(|record| record.capture_source);
    let first = sources.next();
    sources.any(|source| Some(source) != first)
}

/// The hop of the INVITE on which the answers of a dialog were seen, with the answer that made it early.
fn invite_of<'a>(view: &'a CallView<'_>, dialog: &Dialog) -> Option<&'a Hop> {
    view.transactions.hops.iter().find(|hop| {
        hop.method == Method::Invite
            && hop.request.is_some()
            && hop.from_tag == dialog.caller_tag
            && hop
                .answers
                .iter()
                .any(|answer| answer.to_tag == dialog.callee_tag && (101..200).contains(&answer.status))
    })
}

/// Whether anything before `until` shows that the dialog had been answered, or that its INVITE had been refused.
fn was_decided(view: &CallView<'_>, dialog: &Dialog, invite: &Hop, until: Timestamp) -> bool {
    let before = |index: usize| view.record(index).is_some_and(|record| record.time <= until);
    let refused = invite.answers.iter().any(|answer| answer.status >= 300 && before(answer.first));
    let shows_answer = |record: &&MessageRecord| {
        let from_caller = record.is_request() && record.from_tag == dialog.caller_tag;
        from_caller
            && record.to_tag == dialog.callee_tag
            && record.time <= until
            && !matches!(record.method, Method::Prack | Method::Update | Method::Bye | Method::Info)
    };
    refused || view.records.iter().any(|record| shows_answer(&record))
}

/// Whether something shows that an INVITE was still open at that time.
fn is_open_after(view: &CallView<'_>, invite: &Hop, time: Timestamp) -> bool {
    let after = |index: usize| view.record(index).is_some_and(|record| record.time > time);
    invite.answers.iter().any(|answer| after(answer.first)) || invite.cancel.is_some_and(after)
}

fn callee_bye(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    let view = case.view;
    for dialog in case.dialogs.iter().filter(|dialog| !dialog.mid_capture) {
        let Some(bye) = dialog.bye.as_ref().filter(|bye| bye.by == dialog.callee_tag) else { continue };
        let answered = dialog.answer.is_some_and(|time| time <= bye.time || has_several_clocks(view));
        let Some(invite) = invite_of(view, dialog).filter(|_| !answered) else { continue };
        if was_decided(view, dialog, invite, bye.time) {
            continue;
        }
        let callee = name(&dialog.callee);
        let summary = format!("{callee} sent BYE before it had answered the INVITE.");
        let remediation = format!("Make {callee} refuse an INVITE that it will not answer, with 480, 486 or 603.");
        let Some(mut found) = finding(rule, case, invite, None, (summary, remediation)) else { continue };
        (found.place, found.time) = (bye.evidence.place, bye.time);
        found.evidence.push(bye.evidence);
        let watch = view.watch(invite, invite.start, bye.time.since(invite.start));
        found.watch = Some(Watch { whole: watch.whole && is_open_after(view, invite, bye.time), ..watch });
        out.push(found);
    }
}

fn cancel_early(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    let view = case.view;
    let cancelled = view.transactions.hops.iter().filter(|hop| hop.parent.is_none() && hop.request.is_some());
    for hop in cancelled.filter(|hop| hop.method == Method::Invite) {
        let cancel = hop.cancel.and_then(|index| Some((index, view.record(index)?)));
        let Some((index, cancel)) = cancel.filter(|(_, cancel)| cancel.is_request()) else { continue };
        let before = |answer: &Answer| {
            view.record(answer.first).is_some_and(|response| {
                response.time <= cancel.time || response.capture_source != cancel.capture_source
            })
        };
        if hop.answers.iter().any(before) {
            continue;
        }
        let client = client(view, hop);
        let waited = cancel.time.since(hop.start);
        let summary = format!("{client} sent CANCEL before there was any answer to its INVITE.");
        let remediation = format!("Make {client} wait for a provisional answer before it sends CANCEL.");
        let Some(mut found) = finding(rule, case, hop, None, (summary, remediation)) else { continue };
        if view.depth(hop) > 1 {
            found.severity = found.severity.milder();
        }
        (found.place, found.time) = (view.place(index), cancel.time);
        found.evidence.push(view.evidence(index, Role::Other));
        found.values.push(("cancelled_after_ms", Value::Decimal(crate::time::milliseconds(waited))));
        let own = view.transactions.hop_of.get(index).copied().flatten().and_then(|at| view.hop(at));
        let both_directions = !hop.answers.is_empty() || own.is_some_and(|own| !own.answers.is_empty());
        found.watch = Some(Watch { both_directions, ..view.watch(hop, hop.start, waited) });
        out.push(found);
    }
}

/// The highest CSeq number of a party in a dialog so far, on one path, and its request.
type Highest<'a> = HashMap<(Span, Span, IpAddr, IpAddr), (u32, &'a MessageRecord)>;

fn cseq_behind(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    let view = case.view;
    let numbered = || view.transactions.hops.iter().filter(counts_itself).filter(|hop| hop.parent.is_none());
    // As nearly always: then nothing is behind, and no table is needed to see it.
    if numbered().is_sorted_by_key(|hop| hop.cseq) {
        return;
    }
    let mut highest = Highest::new();
    let mut sent: HashSet<(Method, u32, Span, Span)> = HashSet::new();
    let mut said: HashSet<(Span, Span)> = HashSet::new();
    for hop in numbered() {
        let Some(request) = view.request(hop) else { continue };
        let path = |to_tag| (hop.from_tag, to_tag, hop.client.address, hop.server.address);
        if request.to_tag.is_empty() {
            let made = hop.answers.iter().filter(|answer| (101..300).contains(&answer.status));
            for answer in made.filter(|answer| !answer.to_tag.is_empty()).take(MAX_RIVALS) {
                raise(&mut highest, path(answer.to_tag), hop.cseq, request);
            }
            continue;
        }
        let is_first = sent.insert((hop.method, hop.cseq, hop.from_tag, request.to_tag));
        let before = highest.get(&path(request.to_tag)).copied();
        raise(&mut highest, path(request.to_tag), hop.cseq, request);
        let Some((number_before, other)) = before.filter(|(before, _)| *before > hop.cseq && is_first) else {
            continue;
        };
        // The first copies may have been lost, or not captured. Nothing is sent after BYE that could overtake it.
        let delay = if hop.transport == Transport::Udp { TIMEOUT_NANOS } else { OVERTAKEN_NANOS };
        let overtaken = hop.method != Method::Bye && request.time.since(other.time) < delay;
        let harmless = overtaken && hop.final_status() != Some(500);
        let other_clock = request.capture_source != other.capture_source;
        if harmless || other_clock || !said.insert((hop.from_tag, request.to_tag)) {
            continue;
        }
        let client = client(view, hop);
        let summary = format!(
            "{client} sent {} with CSeq {} after a request with CSeq {number_before} in the same dialog.",
            method(hop),
            hop.cseq
        );
        let remediation =
            format!("Make {client} count on: the next CSeq number was {} at least.", number_before.saturating_add(1));
        let Some(mut found) = finding(rule, case, hop, hop.final_answer(), (summary, remediation)) else { continue };
        (found.place, found.time) = (crate::correlation::place_of(request), request.time);
        if overtaken {
            // It was refused, but who sent it may have done so in order.
            (found.severity, found.confidence) = (Severity::Notice, Confidence::Medium);
            found.remediation.push_str(" Or an earlier copy was lost on its way, and this one overtaken.");
        }
        found.values.push(("cseq", number(hop.cseq)));
        found.values.push(("highest_cseq", number(number_before)));
        found.evidence.push(Evidence { place: crate::correlation::place_of(other), role: Role::Other });
        out.push(found);
    }
}

fn raise<'a>(highest: &mut Highest<'a>, key: (Span, Span, IpAddr, IpAddr), number: u32, request: &'a MessageRecord) {
    let known = highest.entry(key).or_insert((number, request));
    if known.0 < number {
        *known = (number, request);
    }
}

/// Two final answers of a hop that do not go together.
fn conflict(hop: &Hop) -> Option<(&Answer, &Answer)> {
    let mut finals = hop.answers.iter().filter(|answer| answer.status >= 200);
    let first = finals.next()?;
    let other = finals.find(|answer| {
        let another_phone =
            hop.method == Method::Invite && (200..300).contains(&answer.status) && answer.to_tag != first.to_tag;
        answer.status != first.status && !another_phone
    })?;
    Some((first, other))
}

fn two_finals(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    let view = case.view;
    let hops = &view.transactions.hops;
    for (index, hop) in hops.iter().enumerate().filter(|(_, hop)| hop.request.is_some()) {
        let Some((first, other)) = conflict(hop) else { continue };
        // Proxies hand up what they get: who is to blame is the element furthest down.
        if hops.iter().any(|deeper| deeper.parent == Some(index) && conflict(deeper).is_some()) {
            continue;
        }
        let top_via = |hop: &Hop| view.request(hop).map(|request| request.top_via);
        // A client that uses a branch again has asked twice.
        let asked_twice = |rival: &Hop| {
            (rival.cseq, rival.method, rival.client) == (hop.cseq, hop.method, hop.client)
                && top_via(rival) == top_via(hop)
        };
        if hops.iter().enumerate().any(|(at, rival)| at != index && asked_twice(rival)) {
            continue;
        }
        let server = name(&view.server(hop, first));
        let summary = format!("{server} answered {} and {} to the same {}.", first.status, other.status, method(hop));
        let remediation = format!("Find out on {server} why one request was answered twice, and answer it once.");
        let Some(mut found) = finding(rule, case, hop, Some(first), (summary, remediation)) else { continue };
        found.values.push(("other_status", Value::Number(u64::from(other.status))));
        found.evidence.push(view.evidence(other.first, Role::Other));
        out.push(found);
    }
}

fn merged(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    let view = case.view;
    let hops = &view.transactions.hops;
    let mut said: HashSet<usize> = HashSet::new();
    if hops.iter().any(|hop| hop.final_status() == Some(482)) {
        for event in view.events(|status| status == 482) {
            let Some((hop, answer)) = view.hop(event.deepest).and_then(|hop| Some((hop, hop.final_answer()?))) else {
                continue;
            };
            let server = name(&view.server(hop, answer));
            let summary = format!("{server} answered 482 to {}: it had that request already.", method(hop));
            out.extend(merge_finding(rule, case, hop, Some(answer), (summary, &server)));
            said.insert(event.deepest);
        }
    }
    let mut open: HashMap<(Method, u32, Span, IpAddr, u16), Vec<usize>> = HashMap::new();
    for (index, hop) in hops.iter().enumerate().filter(|(_, hop)| counts_itself(hop)) {
        let Some(request) = view.request(hop).filter(|request| request.to_tag.is_empty()) else { continue };
        let key = (hop.method, hop.cseq, hop.from_tag, hop.server.address, hop.server.port);
        let near = open.entry(key).or_default();
        let met =
            near.iter().rev().take(MAX_RIVALS).copied().find(|at| {
                hops.get(*at).is_some_and(|other| is_merged_with(view, (*at, other), (index, hop), request))
            });
        near.push(index);
        let Some(other) = met.and_then(|at| hops.get(at)).filter(|_| !said.contains(&index)) else { continue };
        let server = hop.server.to_string();
        let summary =
            format!("The same {} came to {server} twice, from {} and from {}.", method(hop), other.client, hop.client);
        let Some(mut found) = merge_finding(rule, case, hop, hop.final_answer(), (summary, &server)) else { continue };
        found.evidence.extend(other.request.map(|at| view.evidence(at, Role::Other)));
        out.push(found);
    }
}

fn merge_finding(
    rule: &'static Rule,
    case: &DialogCase<'_>,
    hop: &Hop,
    answer: Option<&Answer>,
    (summary, server): (String, &str),
) -> Option<Finding> {
    let remediation = format!("See in the routing why one request comes to {server} by two ways.");
    finding(rule, case, hop, answer, (summary, remediation))
}

/// Whether the request of `hop` met, at a server that hands nothing on, the request of `other` while that was open.
fn is_merged_with(
    view: &CallView<'_>,
    (other_index, other): (usize, &Hop),
    (index, hop): (usize, &Hop),
    request: &MessageRecord,
) -> bool {
    let Some(earlier) = view.request(other).filter(|earlier| earlier.top_via != request.top_via) else { return false };
    let answered = other.final_answer().and_then(|answer| view.record(answer.first)).map(|answer| answer.time);
    let is_open = answered.is_none_or(|time| time > request.time) && earlier.capture_source == request.capture_source;
    let hops = &view.transactions.hops;
    let hands_on = || hops.iter().any(|next| next.client.address == hop.server.address && next.method == hop.method);
    let one_way = other.client == hop.client && other.parent.is_none();
    // Both come from one request that was forked: a client that tries again with another branch is no merging.
    let forked = view.root(index) == view.root(other_index);
    is_open && forked && !one_way && !hands_on()
}
