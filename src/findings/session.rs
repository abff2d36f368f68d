//! Rules about refresh and expiry of sessions, dialog by dialog.

use super::rule::{Check, Confidence, Finding, Rule, Scope, Severity, Value};
use super::words::{name, sentence};
use crate::correlation::{Agreement, CallView, Dialog, Evidence, Exchange, Span, Watch, place_of};
use crate::time::{NANOS_PER_SECOND, Timestamp, milliseconds};

/// The rules whose checks stand here.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "timer-bye-on-expiry",
        severity: Severity::Warning,
        summary: "A call was ended by the session timer.",
        explanation: "The BYE came when the party that is not refreshed should give up: at the interval less 32 s or a third of it, \
            whichever is less, after the last refresh. To the users it looks as if calls drop after a fixed time.",
        remedy: "Fix the party that had to refresh.",
        references: &["RFC 4028 10"],
        checks: &[Check::Dialog(bye_on_expiry)],
    },
    Rule {
        id: "timer-refresh-missed",
        severity: Severity::Error,
        summary: "A session was not refreshed by the party that had to.",
        explanation: "The 2xx named a refresher, and no INVITE or UPDATE came from it before the interval was over, though the \
            dialog still stood. The other side may drop the call.",
        remedy: "Fix session refresh on the party named, or let the other side refresh.",
        references: &["RFC 4028 7.2", "RFC 4028 9", "RFC 4028 10"],
        checks: &[Check::Dialog(refresh_missed)],
    },
    Rule {
        id: "timer-session-expired-no-bye",
        severity: Severity::Warning,
        summary: "A session expired, and nobody ended it.",
        explanation: "37 seconds after the interval was over neither side had sent BYE: media ports, licences and billing records \
            stay open.",
        remedy: "Make the party that is not refreshed send BYE before the interval is over.",
        references: &["RFC 4028 10"],
        checks: &[Check::Dialog(expired_no_bye)],
    },
];

/// A call with its dialogs.
#[derive(Debug)]
pub struct DialogCase<'a> {
    /// The messages and transactions of the call.
    pub view: &'a CallView<'a>,
    /// Its dialogs.
    pub dialogs: &'a [Dialog],
    /// Its exchanges in which session timers play a part.
    pub exchanges: &'a [Exchange],
}

/// The longest lead of the BYE of a party that is not refreshed, in seconds (RFC 4028 10).
const LONGEST_LEAD: u64 = 32;
/// How far around the window a BYE still counts as one on expiry, in nanoseconds: a setting of ours.
const SLACK_NANOS: i64 = 5 * NANOS_PER_SECOND;
/// How long after expiry a BYE may come at the latest, in nanoseconds: 32 s for its transaction and the slack.
const CLEAN_UP_NANOS: i64 = 37 * NANOS_PER_SECOND;

/// A stretch of a session: from a 2xx with an interval to the next 2xx, or the end.
struct Stretch<'a> {
    dialog: &'a Dialog,
    agreement: &'a Agreement,
    interval: u64,
    /// When the session expires.
    deadline: Timestamp,
    /// When the next 2xx restarted the clock.
    renewed: Option<Timestamp>,
}

impl Stretch<'_> {
    fn span_nanos(seconds: u64) -> i64 {
        i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(NANOS_PER_SECOND)
    }

    /// The party that had to refresh, for a sentence.
    fn refresher(&self) -> String {
        match self.agreement.refresher_tag {
            Some(tag) => name(self.dialog.party(tag)),
            None => "one of the parties (the 2xx names no refresher)".to_owned(),
        }
    }

    /// The lead with which the other party should end the session, in seconds (RFC 4028 10).
    fn lead(&self) -> u64 {
        LONGEST_LEAD.min(self.interval / 3)
    }

    /// When the party that had to refresh first sent an INVITE or UPDATE.
    fn refresh_sent(&self) -> Option<Timestamp> {
        let from = self.dialog.refreshes.partition_point(|refresh| refresh.time <= self.agreement.time);
        let later = self.dialog.refreshes.get(from..).unwrap_or_default().iter();
        let own = |by: Span| self.agreement.refresher_tag.is_none_or(|tag| tag == by);
        later.filter(|refresh| own(refresh.by)).map(|refresh| refresh.time).next()
    }

    fn refresh_sent_by(&self, time: Timestamp) -> bool {
        self.refresh_sent().is_some_and(|sent| sent <= time)
    }
}

fn stretches<'a>(case: &'a DialogCase<'_>) -> impl Iterator<Item = Stretch<'a>> {
    // An UPDATE may agree on a timer while the dialog is early: it runs once the call is answered.
    case.dialogs.iter().filter(|dialog| dialog.answer.is_some() || dialog.mid_capture).flat_map(|dialog| {
        let mut order: Vec<&Agreement> = dialog.agreements.iter().collect();
        order.sort_by_key(|agreement| agreement.time);
        let later: Vec<Option<Timestamp>> =
            (1..=order.len()).map(|next| order.get(next).map(|next| next.first)).collect();
        order.into_iter().zip(later).filter_map(move |(agreement, renewed)| {
            let interval = agreement.interval.filter(|interval| *interval > 0)?;
            // The other side may have refused, or the dialog began before the capture with another agreement: still, this 2xx holds.
            let deadline = agreement.time.plus(Stretch::span_nanos(interval));
            Some(Stretch { dialog, agreement, interval, deadline, renewed })
        })
    })
}

fn finding(
    rule: &'static Rule,
    case: &DialogCase<'_>,
    stretch: &Stretch<'_>,
    time: Timestamp,
    texts: (String, String),
) -> Finding {
    let mut evidence = vec![stretch.agreement.evidence];
    evidence.extend(
        stretch.dialog.refreshes.iter().rev().find(|refresh| refresh.time <= time).map(|refresh| refresh.evidence),
    );
    Finding {
        rule,
        severity: rule.severity,
        confidence: Confidence::Strong,
        scope: Scope::Dialog,
        place: stretch.agreement.evidence.place,
        time: stretch.agreement.time,
        call_id: case.view.call_id.into(),
        summary: texts.0,
        remediation: texts.1,
        values: vec![
            ("interval_s", Value::Number(stretch.interval)),
            (
                "refresher",
                stretch
                    .agreement
                    .refresher
                    .map_or(Value::None, |side| Value::Word(crate::correlation::refresher_name(side))),
            ),
            (
                "refresher_address",
                stretch.agreement.refresher_tag.map_or(Value::None, |tag| {
                    Value::Text(stretch.dialog.party(tag).endpoint.to_string().into_bytes().into())
                }),
            ),
        ],
        evidence,
        context: vec![("capture_started_mid_dialog", stretch.dialog.mid_capture)],
        watch: None,
    }
}

fn watch(case: &DialogCase<'_>, stretch: &Stretch<'_>, until: Timestamp) -> Watch {
    let (capture_source, client, server) = stretch.dialog.path;
    Watch {
        capture_source,
        from: stretch.agreement.time,
        until,
        path: (client, server),
        both_directions: stretch.dialog.both_directions,
        whole: until <= case.view.watched_until,
    }
}

fn ended_by(dialog: &Dialog, time: Timestamp) -> bool {
    dialog.end.is_some_and(|end| end <= time)
}

fn refresh_missed(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for stretch in stretches(case) {
        // The other side may end a session that is not refreshed a little late: that has a rule of its own.
        let given_up = stretch.dialog.bye.as_ref().is_some_and(|bye| {
            Some(bye.by) != stretch.agreement.refresher_tag && bye.time <= stretch.deadline.plus(SLACK_NANOS)
        });
        let renewed = stretch.renewed.is_some_and(|time| time <= stretch.deadline);
        let over = ended_by(stretch.dialog, stretch.deadline) || given_up || renewed;
        if over || stretch.refresh_sent_by(stretch.deadline) {
            continue;
        }
        let party = stretch.refresher();
        let when = match stretch.refresh_sent() {
            Some(sent) => format!("did so only after {:.1} s", seconds(sent.since(stretch.agreement.time))),
            None => "never did".to_owned(),
        };
        let party_upper = sentence(&party);
        let summary = format!("{party_upper} had to refresh the session within {} s and {when}.", stretch.interval);
        let remediation = format!(
            "Fix session refresh on {party}: it must send UPDATE or re-INVITE every {} s (half of {} s), or leave the refreshing to the other side.",
            stretch.interval / 2,
            stretch.interval
        );
        let mut found = finding(rule, case, &stretch, stretch.deadline, (summary, remediation));
        found.watch = Some(watch(case, &stretch, stretch.deadline));
        out.push(found);
    }
}

fn expired_no_bye(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for stretch in stretches(case) {
        let limit = stretch.deadline.plus(CLEAN_UP_NANOS);
        if ended_by(stretch.dialog, limit) || stretch.renewed.is_some_and(|time| time <= limit) {
            continue;
        }
        let bye_at = stretch.interval - stretch.lead();
        let other = stretch.agreement.refresher_tag.map(|tag| {
            let caller = tag == stretch.dialog.callee_tag;
            if caller { &stretch.dialog.caller } else { &stretch.dialog.callee }
        });
        let other = other.map_or_else(|| "the other side".to_owned(), name);
        let summary =
            format!("The session of {} s expired, and neither side sent BYE within 37 s of that.", stretch.interval);
        let remediation = format!(
            "Make {other} end a session that is not refreshed: BYE {bye_at} s after the last refresh. Fix session refresh on {}.",
            stretch.refresher()
        );
        let mut found = finding(rule, case, &stretch, limit, (summary, remediation));
        found.values.push(("bye_due_s", Value::Number(bye_at)));
        found.watch = Some(watch(case, &stretch, limit));
        out.push(found);
    }
}

fn bye_on_expiry(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for stretch in stretches(case) {
        let Some(bye) = &stretch.dialog.bye else { continue };
        if stretch.renewed.is_some_and(|time| time <= bye.time) {
            continue;
        }
        let after = bye.time.since(stretch.agreement.time);
        let opens = Stretch::span_nanos(stretch.interval - stretch.lead()) - SLACK_NANOS;
        let closes = Stretch::span_nanos(stretch.interval).saturating_add(SLACK_NANOS);
        if after < opens || after > closes {
            continue;
        }
        let missed = !stretch.refresh_sent_by(bye.time);
        let told = names_expiry(&bye.reason);
        // Who has to refresh gives up only after a refresh that failed: else its user hung up, as far as one can see.
        let by_refresher = stretch.agreement.refresher_tag == Some(bye.by);
        let unclear = !told && by_refresher && missed;
        let party = stretch.refresher();
        let cause = match (told, unclear) {
            (true, _) => ", and its Reason says why: the session timer ended the call, not a user",
            (false, false) => {
                ", which is when a party that is not refreshed gives up: the session timer most likely ended the call, not a user"
            }
            (false, true) => ", without having refreshed it: the session timer may have ended the call, or its user",
        };
        let summary = format!(
            "{} sent BYE {:.1} s after {} of a session of {} s{cause}.",
            name(stretch.dialog.party(bye.by)),
            seconds(after),
            if stretch.agreement.is_refresh { "the last refresh" } else { "the start" },
            stretch.interval
        );
        let remediation = if missed {
            format!(
                "Fix session refresh on {party}: it should have sent UPDATE or re-INVITE after {} s, half of the interval, and did not.",
                stretch.interval / 2
            )
        } else {
            format!("See why the refresh by {party} did not succeed: only a 2xx keeps the session.")
        };
        let mut found = finding(rule, case, &stretch, bye.time, (summary, remediation));
        found.confidence = if told { Confidence::Strong } else { Confidence::Medium };
        if unclear {
            found.severity = Severity::Notice;
        }
        if !stretch.dialog.both_directions {
            // A refresh may have gone unseen.
            found.severity = Severity::Notice;
            found.context.push(("one_sided", true));
        }
        found.evidence.push(bye.evidence);
        found.values.push(("bye_after_s", Value::Decimal(seconds(after))));
        found.values.push(("refresh_missed", Value::Bool(missed)));
        out.push(found);
    }
}

fn seconds(nanos: i64) -> f64 {
    milliseconds(nanos) / 1_000.0
}

/// Whether a Reason header (RFC 3326) says that the session timed out.
fn names_expiry(reason: &[u8]) -> bool {
    let reason = reason.to_ascii_lowercase();
    let says = |word: &[u8]| reason.windows(word.len()).any(|window| window == word);
    says(b"cause=408") || says(b"expire") || says(b"session timer") || says(b"refresh")
}

/// A Min-SE below the floor in a request of the originator, once for each value in a call.
pub(super) fn request_min_se_below_90(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    let mut said: Vec<u64> = Vec::new();
    for hop in case.view.transactions.hops.iter().filter(|hop| hop.parent.is_none() && hop.method.refreshes_sessions())
    {
        let Some(request) = case.view.request(hop) else { continue };
        let Some(value) = request.min_se.value().filter(|value| *value < 90 && !said.contains(value)) else { continue };
        said.push(value);
        let client = name(&case.view.client(hop));
        let evidence = Evidence { place: place_of(request), role: crate::correlation::Role::Request };
        let hop1_seen = case.view.depth(hop) <= 1;
        out.push(Finding {
            rule,
            severity: if hop1_seen { Severity::Warning } else { Severity::Notice },
            confidence: Confidence::Strong,
            scope: Scope::Exchange,
            place: evidence.place,
            time: request.time,
            call_id: case.view.call_id.into(),
            summary: format!("{client} sent Min-SE {value} s; the minimum legal value is 90 s."),
            remediation: format!(
                "On {client}, raise the minimum session interval (Min-SE) from {value} s to at least 90 s."
            ),
            values: vec![("min_se_s", Value::Number(value))],
            evidence: vec![evidence],
            context: vec![("hop1_seen", hop1_seen)],
            watch: None,
        });
    }
}
