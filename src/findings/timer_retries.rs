//! Rules about the retry after a 422 (RFC 4028 7.1, 7.3, 7.4).

use super::rule::{Check, Finding, Rule, Severity, Value};
use super::timers::{NegotiationCase, finding, milder_unless_seen, retries};
use super::words::name;
use crate::correlation::{Link, Retry, Round, Seconds};

/// The rules whose checks stand here.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "timer-422-retry-cseq-not-increased",
        severity: Severity::Warning,
        summary: "A retry after 422 does not have a higher CSeq number.",
        explanation: "The retry is a new request and needs a higher number; servers may take it for a copy of the old.",
        remedy: "Raise CSeq by one.",
        references: &["RFC 4028 7.3", "RFC 3261 8.1.3.5"],
        checks: &[Check::Negotiation(cseq_not_increased)],
    },
    Rule {
        id: "timer-422-retry-dropped-supported",
        severity: Severity::Warning,
        summary: "A retry after 422 no longer lists timer in Supported.",
        explanation: "The refused request did. Servers now treat the client as one without session timers.",
        remedy: "Keep Supported: timer.",
        references: &["RFC 4028 7.1", "RFC 4028 7.4"],
        checks: &[Check::Negotiation(dropped_supported)],
    },
    Rule {
        id: "timer-422-retry-min-se-not-max",
        severity: Severity::Error,
        summary: "Min-SE of a retry is not the largest that was demanded.",
        explanation: "After several 422 the client must use the largest Min-SE of all of them, not that of the last.",
        remedy: "Use the largest Min-SE received.",
        references: &["RFC 4028 7.4"],
        checks: &[Check::Negotiation(min_se_not_max)],
    },
    Rule {
        id: "timer-422-retry-new-call-id",
        severity: Severity::Warning,
        summary: "A retry after 422 seems to have another Call-ID.",
        explanation: "The retry should keep Call-ID, To and From: what is known about minimum intervals belongs to the \
            Call-ID. The two calls are linked by address, From and target only.",
        remedy: "Keep the Call-ID for the retry.",
        references: &["RFC 4028 7.3"],
        checks: &[Check::Negotiation(new_call_id)],
    },
    Rule {
        id: "timer-422-retry-stale-to-tag",
        severity: Severity::Error,
        summary: "A retry of a refused call has the To tag of the 422.",
        explanation: "A 422 makes no dialog. With its tag the retry seems to be within a dialog that nobody knows, and \
            gets 481.",
        remedy: "Leave the To tag out.",
        references: &["RFC 3261 8.1.1.2"],
        checks: &[Check::Negotiation(stale_to_tag)],
    },
    Rule {
        id: "timer-422-retry-without-interval",
        severity: Severity::Notice,
        summary: "A retry after 422 gives up the session timer.",
        explanation: "The retry has no Session-Expires. That is allowed, and another element may put one in.",
        remedy: "Send Session-Expires of at least the demanded Min-SE if the session is to be watched.",
        references: &["RFC 4028 7.1"],
        checks: &[Check::Negotiation(without_interval)],
    },
];

/// One finding for each retry that is so, with the texts made from the client, the retry and the largest Min-SE demanded.
fn each(
    rule: &'static Rule,
    case: &NegotiationCase<'_>,
    out: &mut Vec<Finding>,
    is_so: impl Fn(&Round, &Retry, u64) -> bool,
    texts: impl Fn(&str, &Retry, u64) -> (String, String),
) {
    let client = name(&case.negotiation.client);
    for (round, retry, largest) in retries(case.negotiation).filter(|(round, retry, most)| is_so(round, retry, *most)) {
        let (summary, remedy) = texts(&client, retry, largest);
        let mut found = finding(rule, case, round, summary, remedy);
        found.values.push(("retry_session_expires_s", retry.session_expires.value().into()));
        found.values.push(("retry_min_se_s", retry.min_se.value().into()));
        found.values.push(("largest_min_se_s", Value::Number(largest)));
        out.push(milder_unless_seen(found, case, Some(retry)));
    }
}

fn without_interval(rule: &'static Rule, case: &NegotiationCase<'_>, out: &mut Vec<Finding>) {
    let none = |_: &Round, retry: &Retry, _| retry.session_expires == Seconds::Absent;
    each(rule, case, out, none, |client, _, largest| {
        let summary = format!("{client} retried after 422 without Session-Expires: it gives up the session timer.");
        (summary, format!("Allowed. To keep the timer, send Session-Expires of at least {largest} s from {client}."))
    });
}

fn min_se_not_max(rule: &'static Rule, case: &NegotiationCase<'_>, out: &mut Vec<Finding>) {
    // What was demanded of another call does not bind.
    let below = |_: &Round, retry: &Retry, largest| {
        retry.follow_up.call_id.is_none() && retry.min_se.value().is_some_and(|value| value < largest)
    };
    each(rule, case, out, below, |client, retry, largest| {
        let value = retry.min_se.value().unwrap_or_default();
        let summary = format!("{client} retried with Min-SE {value} s although {largest} s had been demanded.");
        (
            summary,
            format!("On {client}, use the largest Min-SE of all 422 of the call, {largest} s, not that of the last."),
        )
    });
}

fn new_call_id(rule: &'static Rule, case: &NegotiationCase<'_>, out: &mut Vec<Finding>) {
    let from = out.len();
    let other = |_: &Round, retry: &Retry, _| retry.follow_up.call_id.is_some();
    each(rule, case, out, other, |client, _, _| {
        let summary = format!("{client} seems to have retried after 422 with another Call-ID.");
        (
            summary,
            format!(
                "On {client}, keep the Call-ID, To and From for the retry: the memory of minimum intervals belongs to the Call-ID."
            ),
        )
    });
    // The weak link is the finding itself.
    for found in out.iter_mut().skip(from) {
        found.severity = if case.negotiation.hop1_seen { rule.severity } else { rule.severity.milder() };
    }
}

fn cseq_not_increased(rule: &'static Rule, case: &NegotiationCase<'_>, out: &mut Vec<Finding>) {
    let same = |round: &Round, retry: &Retry, _| retry.cseq.is_some_and(|cseq| cseq <= round.cseq);
    each(rule, case, out, same, |client, retry, _| {
        let cseq = retry.cseq.unwrap_or_default();
        let summary = format!("{client} retried after 422 with CSeq {cseq}, which is not higher than before.");
        (summary, format!("On {client}, raise CSeq for the retry, to {} or more.", u64::from(cseq) + 1))
    });
}

fn stale_to_tag(rule: &'static Rule, case: &NegotiationCase<'_>, out: &mut Vec<Finding>) {
    let stale = |_: &Round, retry: &Retry, _| retry.stale_to_tag;
    each(rule, case, out, stale, |client, _, _| {
        let summary = format!("{client} retried with the To tag of the 422, as if there were a dialog.");
        (summary, format!("On {client}, send the retry without a To tag."))
    });
}

fn dropped_supported(rule: &'static Rule, case: &NegotiationCase<'_>, out: &mut Vec<Finding>) {
    let dropped = |round: &Round, retry: &Retry, _| {
        round.request_seen && round.supports_timer && !retry.supports_timer && retry.follow_up.link == Link::Strong
    };
    each(rule, case, out, dropped, |client, _, _| {
        let summary = format!("{client} listed timer in Supported before the 422, and no longer in its retry.");
        (summary, format!("On {client}, keep \"Supported: timer\" in the retry."))
    });
}
