//! Rules about 422 answers: whether they were right, and whether they reached the caller (RFC 4028 6, 8.1, 9).

use super::rule::{Check, Finding, Rule, Scope, Severity, Value};
use super::timer_messages::FLOOR;
use super::timers::{NegotiationCase, at_most_notice_if_relayed, finding, has_interval};
use super::words::{name, offer, quoted, seconds};
use crate::correlation::{Round, Seconds};

/// The rules whose checks stand here.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "timer-422-hidden-by-fork",
        severity: Severity::Info,
        summary: "A 422 did not reach the caller: a proxy handed up another answer.",
        explanation: "A proxy that forks hands up one final answer. The caller then never learns which interval that \
            branch wants.",
        remedy: "Offer at least the demanded Min-SE from the start.",
        references: &["RFC 3261 16.7"],
        checks: &[Check::Negotiation(hidden_by_fork)],
    },
    Rule {
        id: "timer-422-loop",
        severity: Severity::Error,
        summary: "A server refuses an interval that it asked for, or the rounds do not end.",
        explanation: "The retry offered what the 422 had demanded, and was refused with the same or a lower Min-SE \
            again; or there were more than five rounds, whoever is to blame. Such calls never get through.",
        remedy: "Fix the interval check of the server; or of the client, if it does not offer what it is asked for.",
        references: &["RFC 4028 6", "RFC 4028 8.1"],
        checks: &[Check::Negotiation(looped)],
    },
    Rule {
        id: "timer-422-min-se-invalid",
        severity: Severity::Error,
        summary: "Min-SE of a 422 is not one number of seconds.",
        explanation: "It is no number, a list, or there more than once: the client cannot know what the server accepts.",
        remedy: "Send Min-SE as one whole number of seconds, at least 90.",
        references: &["RFC 4028 5"],
        checks: &[Check::Negotiation(min_se_invalid)],
    },
    Rule {
        id: "timer-422-observed",
        severity: Severity::Info,
        summary: "A server refused a session interval as too small.",
        explanation: "Each 422, once, however many hops and copies show it. Other rules say what is wrong with it, and \
            what came of it.",
        remedy: "Offer at least the demanded Min-SE from the start.",
        references: &["RFC 4028 6"],
        checks: &[Check::Negotiation(observed)],
    },
    Rule {
        id: "timer-422-treated-as-failure",
        severity: Severity::Notice,
        summary: "A proxy went to another server instead of handing a 422 up.",
        explanation: "The client could have answered the 422 with a larger interval. Trying another server may fail \
            for the same reason.",
        remedy: "Relay 422 to the caller.",
        references: &["RFC 3261 16.7"],
        checks: &[Check::Negotiation(treated_as_failure)],
    },
    Rule {
        id: "timer-422-unjustified",
        severity: Severity::Error,
        summary: "A server refused an interval that was not below its minimum.",
        explanation: "Session-Expires of the request, on the hop on which the 422 was sent, was as large as the Min-SE \
            demanded. Where another element behind may have given the answer it is a notice: a proxy may have lowered \
            the interval.",
        remedy: "Fix the interval check of the server.",
        references: &["RFC 4028 6", "RFC 4028 8.1", "RFC 4028 9"],
        checks: &[Check::Negotiation(unjustified)],
    },
    Rule {
        id: "timer-422-without-interval-in-request",
        severity: Severity::Notice,
        summary: "A server refused the interval of a request that has none.",
        explanation: "422 is for a Session-Expires that is too small. An element behind may have put one in.",
        remedy: "Find the element that puts Session-Expires in, and raise it there.",
        references: &["RFC 4028 6", "RFC 4028 8.1"],
        checks: &[Check::Negotiation(without_interval)],
    },
    Rule {
        id: "timer-422-without-timer-support",
        severity: Severity::Warning,
        summary: "A server answered 422 to a client that does not support session timers.",
        explanation: "Such a client cannot act on 422; the call just fails. A server should raise Session-Expires and \
            Min-SE instead.",
        remedy: "Raise the interval instead of refusing.",
        references: &["RFC 4028 8.1", "RFC 4028 9"],
        checks: &[Check::Negotiation(without_support)],
    },
];

fn observed(rule: &'static Rule, case: &NegotiationCase<'_>, out: &mut Vec<Finding>) {
    let client = name(&case.negotiation.client);
    for (at, round) in case.negotiation.rounds.iter().enumerate() {
        let server = name(&round.server);
        let demand = match round.demanded.value() {
            Some(_) => format!("wants at least {}", seconds(round.demanded)),
            None => "answered 422 and does not say which minimum it wants".to_owned(),
        };
        let summary = format!("{server} {demand}; {client} offered {}.", offer(round.offered));
        let remedy = match round.demanded.value() {
            Some(demanded) => format!("On {client}, offer Session-Expires of at least {} s.", demanded.max(FLOOR)),
            None => format!("See which minimum {server} has, and offer that from {client}."),
        };
        let mut found = finding(rule, case, round, summary, remedy);
        found.scope = Scope::Exchange;
        found.values.push(("round", Value::Number(at as u64 + 1)));
        out.push(found);
    }
}

fn looped(rule: &'static Rule, case: &NegotiationCase<'_>, out: &mut Vec<Finding>) {
    let rounds = &case.negotiation.rounds;
    let again = rounds.windows(2).find_map(|pair| {
        let [before, after] = pair else { return None };
        let (first, second) = (before.demanded.value()?, after.demanded.value()?);
        let granted = after.refused.session_expires.value()? >= first;
        (after.server.endpoint == before.server.endpoint && granted && second <= first).then_some(after)
    });
    let most = usize::try_from(case.settings.negotiation_rounds).unwrap_or(usize::MAX);
    let Some(round) = again.or_else(|| rounds.get(most)).filter(|_| has_interval(case)) else { return };
    let server = name(&round.server);
    let (refused, count) = (offer(round.refused.session_expires), rounds.len());
    let (summary, remedy) = if again.is_some() {
        (
            format!("{server} refused {refused} and asked for {} again, in {count} rounds.", seconds(round.demanded)),
            format!("On {server}, fix the check of session intervals: it rejects what it asked for."),
        )
    } else {
        let client = name(&case.negotiation.client);
        let largest = case.negotiation.required_min_se();
        let too_little = largest.zip(round.offered.value()).is_some_and(|(least, offered)| offered < least);
        let remedy = match largest.filter(|_| too_little) {
            Some(least) => format!("On {client}, offer what the 422 ask for: {least} s and more."),
            None => format!(
                "Align the minima of the elements between {client} and {server}: each asks for more than the one before."
            ),
        };
        let asked = seconds(round.demanded);
        (
            format!("{client} was refused {count} times; at last {server} refused {refused} and asked for {asked}."),
            remedy,
        )
    };
    let mut found = finding(rule, case, round, summary, remedy);
    found.values.push(("refused_session_expires_s", round.refused.session_expires.value().into()));
    found.values.push(("rounds", Value::Number(rounds.len() as u64)));
    if round.refused.maybe_relayed {
        found.severity = Severity::Notice;
        found.context.push(("maybe_relayed", true));
    }
    out.push(found);
}

/// One finding for each round that is so.
fn each(
    rule: &'static Rule,
    case: &NegotiationCase<'_>,
    out: &mut Vec<Finding>,
    is_so: impl Fn(&Round) -> bool,
    texts: impl Fn(&str, &Round) -> (String, String),
) {
    for round in case.negotiation.rounds.iter().filter(|round| has_interval(case) && is_so(round)) {
        let (summary, remedy) = texts(&name(&round.server), round);
        let mut found = finding(rule, case, round, summary, remedy);
        found.scope = Scope::Exchange;
        found.values.push(("refused_session_expires_s", round.refused.session_expires.value().into()));
        if !round.demanded_raw.is_empty() {
            found.values.push(("min_se_raw", round.demanded_raw.as_slice().into()));
        }
        out.push(at_most_notice_if_relayed(found, round));
    }
}

fn min_se_invalid(rule: &'static Rule, case: &NegotiationCase<'_>, out: &mut Vec<Finding>) {
    each(
        rule,
        case,
        out,
        |round| round.demanded == Seconds::Malformed || round.demanded_again,
        |server, round| {
            let what =
                if round.demanded_again { "more than one Min-SE" } else { "a Min-SE that is not a number of seconds" };
            let least = round.demanded.value().unwrap_or(FLOOR).max(FLOOR);
            (
                format!("{server} answered 422 with {what}{}.", quoted(&round.demanded_raw)),
                format!("On {server}, send \"Min-SE: {least}\" or whatever its minimum is: once, and digits only."),
            )
        },
    );
}

fn unjustified(rule: &'static Rule, case: &NegotiationCase<'_>, out: &mut Vec<Finding>) {
    let from = out.len();
    let values = |round: &Round| Some((round.refused.session_expires.value()?, round.demanded.value()?));
    let enough = |round: &Round| values(round).is_some_and(|(offered, demanded)| offered >= demanded);
    each(rule, case, out, enough, |server, round| {
        let (offered, demanded) = values(round).unwrap_or_default();
        let summary = format!(
            "{server} answered 422 with Min-SE {demanded} s to Session-Expires {offered} s, which is not below it."
        );
        (
            summary,
            format!(
                "On {server}, accept {demanded} s and more, or demand what it really needs. A proxy in between may have lowered the interval."
            ),
        )
    });
    let relayed =
        |place| case.negotiation.rounds.iter().any(|round| round.place == place && round.refused.maybe_relayed);
    let is_new = |found: &&mut Finding| found.severity > Severity::Notice && relayed(found.place);
    for found in out.iter_mut().skip(from).filter(is_new) {
        found.severity = Severity::Notice;
        found.context.push(("maybe_relayed", true));
    }
}

fn without_interval(rule: &'static Rule, case: &NegotiationCase<'_>, out: &mut Vec<Finding>) {
    let none = |round: &Round| round.refused.seen && round.refused.session_expires == Seconds::Absent;
    each(rule, case, out, none, |server, _| {
        let summary = format!("{server} answered 422 to a request without Session-Expires.");
        (summary, format!("See which element behind {server} puts Session-Expires in, and raise it there."))
    });
}

fn without_support(rule: &'static Rule, case: &NegotiationCase<'_>, out: &mut Vec<Finding>) {
    let client = name(&case.negotiation.client);
    let none = |round: &Round| round.refused.seen && !round.refused.supports_timer;
    each(rule, case, out, none, |server, round| {
        let summary = format!("{server} answered 422 to a request of {client} that does not list timer in Supported.");
        let least = round.demanded.value().unwrap_or(FLOOR).max(FLOOR);
        (
            summary,
            format!(
                "On {server}, raise Session-Expires and Min-SE to {least} s instead of refusing; or enable session timers on {client}."
            ),
        )
    });
}

fn hidden_by_fork(rule: &'static Rule, case: &NegotiationCase<'_>, out: &mut Vec<Finding>) {
    each(
        rule,
        case,
        out,
        |round| round.kept.other_answer.is_some(),
        |server, round| {
            let status = round.kept.other_answer.unwrap_or_default();
            let summary = format!(
                "{server} asked for {}, but the caller got {status}, and never learns of it.",
                seconds(round.demanded)
            );
            let least = round.demanded.value().unwrap_or(FLOOR).max(FLOOR);
            (summary, format!("Offer a Session-Expires of at least {least} s from the start."))
        },
    );
}

fn treated_as_failure(rule: &'static Rule, case: &NegotiationCase<'_>, out: &mut Vec<Finding>) {
    let client = name(&case.negotiation.client);
    each(
        rule,
        case,
        out,
        |round| round.kept.next.is_some(),
        |server, round| {
            let next = round.kept.next.map(|next| next.to_string()).unwrap_or_default();
            let summary = format!(
                "{server} asked for {}, and {client} went to {next} instead of handing the 422 up.",
                seconds(round.demanded)
            );
            (summary, format!("On {client}, relay 422 to the caller, who can offer more."))
        },
    );
}
