//! Rules about the negotiation of session intervals.

use super::devices::{Setting, called};
use super::rule::{Check, Confidence, Finding, Rule, Scope, Severity, Value};
use super::session;
use super::settings::{Profile, Settings};
use super::timer_messages::FLOOR;
use super::words::{name, offer, seconds, status, uri};
use crate::correlation::{Link, Method, Negotiation, NegotiationOutcome, Retry, Round, Seconds, refresher_name};
use crate::time::milliseconds;

/// The rules whose checks stand here.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "timer-422-ladder",
        severity: Severity::Notice,
        summary: "One after the other, elements asked for ever larger session intervals.",
        explanation: "Each element on the way has its own minimum. The caller learns them one by one, a refused attempt each.",
        remedy: "Align the minima of the elements on the way, or offer the largest at once.",
        references: &["RFC 4028 3", "RFC 4028 7.4", "RFC 4028 13"],
        checks: &[Check::Negotiation(ladder)],
    },
    Rule {
        id: "timer-422-resolved",
        severity: Severity::Info,
        summary: "A session interval was refused, and the retry got another answer.",
        explanation: "The offered Session-Expires was below what a server accepts. The client raised it and tried again. Each \
            such call pays an extra round trip.",
        remedy: "Offer a Session-Expires of at least the demanded Min-SE from the start.",
        references: &["RFC 4028 7.3", "RFC 4028 7.4"],
        checks: &[Check::Negotiation(resolved)],
    },
    Rule {
        id: "timer-422-retry-interval-too-small",
        severity: Severity::Error,
        summary: "A retry after 422 offers less than what was asked for.",
        explanation: "The Session-Expires of a retry must not be below the largest Min-SE of all 422 answers to this call.",
        remedy: "Use the largest Min-SE received, or more.",
        references: &["RFC 4028 7.1", "RFC 4028 7.4"],
        checks: &[Check::Negotiation(retry_interval_too_small)],
    },
    Rule {
        id: "timer-422-retry-missing-min-se",
        severity: Severity::Error,
        summary: "A retry after 422 has no Min-SE.",
        explanation: "Once a 422 was received for a Call-ID, each further INVITE of it before the dialog must carry Min-SE with the \
            largest value received. Without it a proxy may lower the interval again.",
        remedy: "Add Min-SE with the largest value received to the retry.",
        references: &["RFC 4028 7.4"],
        checks: &[Check::Negotiation(retry_missing_min_se)],
    },
    Rule {
        id: "timer-422-unresolved",
        severity: Severity::Warning,
        summary: "A call or refresh ended with 422.",
        explanation: "The client did not try again within 32 seconds of capture. The call failed over a timer setting. Typical \
            reasons: the client knows no 422, or gives up after the first.",
        remedy: "Raise Session-Expires and Min-SE of the client to what was asked for, or lower the minimum of the server (not below 90 s).",
        references: &["RFC 4028 7.3"],
        checks: &[Check::Negotiation(unresolved)],
    },
    Rule {
        id: "timer-422-without-min-se",
        severity: Severity::Error,
        summary: "A 422 does not say which interval would do.",
        explanation: "A 422 must carry Min-SE with the minimum of the server. Without it the client can only guess.",
        remedy: "Add Min-SE to the 422, with a value of at least 90.",
        references: &["RFC 4028 6"],
        checks: &[Check::Negotiation(without_min_se)],
    },
    Rule {
        id: "timer-min-se-below-90",
        severity: Severity::Error,
        summary: "A Min-SE is below the legal minimum of 90 seconds.",
        explanation: "No Min-SE may be below 90. In a 422 it is an error, since clients are told to believe it; in a request a warning.",
        remedy: "Raise it to at least 90.",
        references: &["RFC 4028 5", "RFC 4028 8.1", "RFC 4028 9"],
        checks: &[Check::Negotiation(min_se_below_90), Check::Dialog(session::request_min_se_below_90)],
    },
];

/// A negotiation whose outcome is known.
#[derive(Debug)]
pub struct NegotiationCase<'a> {
    /// The negotiation.
    pub negotiation: &'a Negotiation,
    /// What became of it.
    pub outcome: NegotiationOutcome,
    /// The thresholds of rules.
    pub settings: &'a Settings,
}

pub(super) fn finding(
    rule: &'static Rule,
    case: &NegotiationCase<'_>,
    round: &Round,
    summary: String,
    remediation: String,
) -> Finding {
    let negotiation = case.negotiation;
    Finding {
        rule,
        severity: rule.severity,
        confidence: Confidence::Strong,
        scope: Scope::Negotiation,
        place: round.place,
        time: round.time,
        call_id: negotiation.call_id.clone(),
        summary,
        remediation,
        values: vec![
            ("offered_session_expires_s", round.offered.value().into()),
            ("offered_min_se_s", round.offered_min_se.value().into()),
            (
                "offered_refresher",
                round.offered_refresher.map_or(Value::None, |side| Value::Word(refresher_name(side))),
            ),
            ("supports_timer", round.supports_timer.into()),
            ("demanded_min_se_s", round.demanded.value().into()),
        ],
        evidence: round.evidence.clone(),
        context: vec![("hop1_seen", negotiation.hop1_seen)],
        watch: None,
    }
}

pub(super) fn milder_unless_seen(mut found: Finding, case: &NegotiationCase<'_>, retry: Option<&Retry>) -> Finding {
    if !case.negotiation.hop1_seen {
        found.severity = found.severity.milder();
    }
    if retry.is_some_and(|retry| retry.follow_up.link == Link::Weak) {
        found.severity = found.severity.milder();
        found.confidence = Confidence::Weak;
    }
    found
}

/// Judged on the deepest hop captured: at most a notice if the 422 may come from further on.
pub(super) fn at_most_notice_if_relayed(mut found: Finding, round: &Round) -> Finding {
    if round.refused.went_on {
        found.severity = found.severity.min(Severity::Notice);
        found.context.push(("maybe_relayed", true));
    }
    found
}

/// The Min-SE of all rounds that say one.
fn demands(negotiation: &Negotiation) -> Value {
    let demanded = negotiation.rounds.iter().filter_map(|round| round.demanded.value());
    Value::List(demanded.map(Value::Number).collect())
}

/// The advice that ends most of these: which device to raise from what to what.
fn raise(case: &NegotiationCase<'_>) -> String {
    let negotiation = case.negotiation;
    let client = name(&negotiation.client);
    let from = match negotiation.rounds.first().map_or(Seconds::Absent, |round| round.offered) {
        Seconds::Value(offered) => format!("raise Session-Expires from {offered} s"),
        Seconds::Absent | Seconds::Malformed => "set Session-Expires".to_owned(),
    };
    let setting = called(negotiation.client.agent.as_ref(), Setting::Interval);
    match negotiation.required_min_se() {
        Some(required) => {
            format!("On {client}, {from} to at least {} s, and Min-SE with it.{setting}", required.max(FLOOR))
        }
        None => {
            format!("On {client}, {from} to what the server accepts; the 422 does not say how much that is.{setting}")
        }
    }
}

/// A session interval is offered, and refused, in INVITE and UPDATE only (RFC 4028 4, 6).
pub(super) fn has_interval(case: &NegotiationCase<'_>) -> bool {
    case.negotiation.method.refreshes_sessions()
}

fn resolved(rule: &'static Rule, case: &NegotiationCase<'_>, out: &mut Vec<Finding>) {
    let negotiation = case.negotiation;
    let (Some(round), Some(retry)) = (negotiation.rounds.last(), negotiation.last_retry()) else { return };
    if case.outcome != NegotiationOutcome::Resolved || !has_interval(case) {
        return;
    }
    let rounds = negotiation.rounds.len();
    let summary = format!(
        "{} offered {} to {} and was refused with 422 {}; its retry with {} ended {}.",
        name(&negotiation.client),
        offer(negotiation.rounds.first().map_or(Seconds::Absent, |round| round.offered)),
        uri(negotiation.request_uri.as_deref()),
        if rounds == 1 { "once".to_owned() } else { format!("{rounds} times") },
        offer(retry.session_expires),
        status(retry.follow_up.final_status)
    );
    let saved = format!(
        "{} That saves {rounds} round {} for each call.",
        raise(case),
        if rounds == 1 { "trip" } else { "trips" }
    );
    let mut found = finding(rule, case, round, summary, saved);
    found.values.push(("rounds", Value::Number(rounds as u64)));
    found.values.push(("demanded_min_se_s_by_round", demands(negotiation)));
    let delay = negotiation.added_delay.map_or(Value::None, |nanos| Value::Decimal(milliseconds(nanos)));
    found.values.push(("added_delay_ms", delay));
    found.values.push(("agreed_session_expires_s", negotiation.agreed.into()));
    found.values.push(("final_status", retry.follow_up.final_status.map(u64::from).into()));
    out.push(milder_unless_seen(found, case, Some(retry)));
}

fn unresolved(rule: &'static Rule, case: &NegotiationCase<'_>, out: &mut Vec<Finding>) {
    let negotiation = case.negotiation;
    let given_up = matches!(case.outcome, NegotiationOutcome::Abandoned | NegotiationOutcome::Failed);
    let silenced = negotiation.hidden || negotiation.cancelled || !has_interval(case);
    let Some(round) = negotiation.rounds.last().filter(|_| given_up && !silenced) else { return };
    let (client, server) = (name(&negotiation.client), name(&round.server));
    let demanded = match round.demanded {
        Seconds::Value(demanded) => format!("asked for at least {demanded} s"),
        Seconds::Absent | Seconds::Malformed => "did not say what it accepts".to_owned(),
    };
    let summary = format!(
        "{server} refused {} offered by {client} for {} and {demanded}; no further attempt was seen within 32 s.",
        offer(round.offered),
        uri(negotiation.request_uri.as_deref()),
    );
    let lower = match round.demanded.value() {
        Some(demanded) if demanded > FLOOR => {
            let setting = called(round.server.agent.as_ref(), Setting::Minimum);
            format!(" Or lower the minimum on {server} (not below {FLOOR} s).{setting}")
        }
        _ => String::new(),
    };
    let mut found = finding(rule, case, round, summary, format!("{}{lower}", raise(case)));
    // TS 24.229 5.1.2A.1.1 makes the retry mandatory for a UE that supports RFC 4028.
    if case.settings.profile == Profile::Ims && negotiation.method == Method::Invite && round.supports_timer {
        found.severity = Severity::Error;
    }
    found.values.push(("rounds", Value::Number(negotiation.rounds.len() as u64)));
    out.push(milder_unless_seen(found, case, round.retry.as_ref()));
}

fn ladder(rule: &'static Rule, case: &NegotiationCase<'_>, out: &mut Vec<Finding>) {
    let negotiation = case.negotiation;
    let demands: Vec<u64> = negotiation.rounds.iter().filter_map(|round| round.demanded.value()).collect();
    let rounds = demands.len();
    let rising = demands.windows(2).any(|pair| matches!(pair, [before, after] if after > before));
    let Some(round) = negotiation.rounds.last().filter(|_| demands.len() >= 2 && rising) else { return };
    let asked: Vec<String> = negotiation
        .rounds
        .iter()
        .filter(|round| round.demanded.value().is_some())
        .map(|round| format!("{} asks for {}", name(&round.server), seconds(round.demanded)))
        .collect();
    let summary = format!("The minimum rose in the course of {rounds} refusals: {}.", asked.join("; "));
    let remediation = format!("Align the minima: {}. {}", asked.join("; "), raise(case));
    let mut found = finding(rule, case, round, summary, remediation);
    found.values.push(("demanded_min_se_s_by_round", self::demands(negotiation)));
    out.push(milder_unless_seen(found, case, None));
}

fn without_min_se(rule: &'static Rule, case: &NegotiationCase<'_>, out: &mut Vec<Finding>) {
    for round in case.negotiation.rounds.iter().filter(|round| round.demanded == Seconds::Absent) {
        let server = name(&round.server);
        let summary = format!(
            "{server} answered 422 to {} of {} without Min-SE: the client cannot know what it accepts.",
            offer(round.offered),
            name(&case.negotiation.client)
        );
        let remediation =
            format!("On {server}, add Min-SE with the minimum it accepts (at least {FLOOR} s) to its 422.");
        let mut found = finding(rule, case, round, summary, remediation);
        found.scope = Scope::Exchange;
        out.push(at_most_notice_if_relayed(found, round));
    }
}

fn min_se_below_90(rule: &'static Rule, case: &NegotiationCase<'_>, out: &mut Vec<Finding>) {
    for round in &case.negotiation.rounds {
        let Some(value) = round.demanded.value().filter(|value| *value < FLOOR) else { continue };
        let server = name(&round.server);
        let summary = format!("{server} asks for Min-SE {value} s in its 422; the minimum legal value is {FLOOR} s.");
        let remediation = format!(
            "On {server}, raise the minimum session interval from {value} s to at least {FLOOR} s.{}",
            called(round.server.agent.as_ref(), Setting::Minimum)
        );
        let mut found = finding(rule, case, round, summary, remediation);
        found.scope = Scope::Exchange;
        out.push(at_most_notice_if_relayed(found, round));
    }
}

/// Each retry with the largest Min-SE demanded up to then.
pub(super) fn retries(negotiation: &Negotiation) -> impl Iterator<Item = (&Round, &Retry, u64)> {
    let mut largest = 0;
    negotiation.rounds.iter().filter_map(move |round| {
        largest = largest.max(round.demanded.value().unwrap_or(0));
        round.retry.as_ref().filter(|_| largest > 0).map(|retry| (round, retry, largest))
    })
}

fn retry_interval_too_small(rule: &'static Rule, case: &NegotiationCase<'_>, out: &mut Vec<Finding>) {
    for (round, retry, largest) in retries(case.negotiation) {
        let Some(offered) = retry.session_expires.value().filter(|offered| *offered < largest) else { continue };
        let client = name(&case.negotiation.client);
        let summary = format!(
            "{client} retried with Session-Expires {offered} s although at least {largest} s had been asked for, last by {}.",
            name(&round.server)
        );
        let remediation = format!(
            "On {client}, use Session-Expires of at least {largest} s after that 422; raise its setting from {offered} s."
        );
        let mut found = finding(rule, case, round, summary, remediation);
        found.values.push(("retry_session_expires_s", Value::Number(offered)));
        found.values.push(("largest_min_se_s", Value::Number(largest)));
        out.push(milder_unless_seen(found, case, Some(retry)));
    }
}

fn retry_missing_min_se(rule: &'static Rule, case: &NegotiationCase<'_>, out: &mut Vec<Finding>) {
    for (round, retry, largest) in retries(case.negotiation) {
        // A retry without any sign of RFC 4028 has given up the timer, and owes no Min-SE. Nor does one of another call.
        let uses_timer = retry.supports_timer || retry.session_expires != Seconds::Absent;
        if retry.min_se != Seconds::Absent || !uses_timer || retry.follow_up.call_id.is_some() {
            continue;
        }
        let client = name(&case.negotiation.client);
        let summary = format!("{client} retried after 422 without Min-SE; it must carry Min-SE: {largest}.");
        let remediation = format!(
            "On {client}, add Min-SE: {largest} to the retry, so that no later element lowers the interval again."
        );
        let mut found = finding(rule, case, round, summary, remediation);
        found.values.push(("largest_min_se_s", Value::Number(largest)));
        out.push(milder_unless_seen(found, case, Some(retry)));
    }
}
