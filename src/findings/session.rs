//! Rules about the expiry of sessions, dialog by dialog.

use foldhash::{HashMap, HashMapExt};

use super::rule::{Check, Confidence, Finding, Rule, Scope, Severity, Value};
use super::settings::Settings;
use super::stretch::{Stretch, running, span_nanos, stretches, stretches_of, to_seconds};
use super::timer_endings::alike;
use super::words::{name, sentence};
use crate::correlation::{Bye, CallView, Dialog, Evidence, Exchange, Hop, MessageRecord, Method, Role, Span, place_of};
use crate::time::Timestamp;

/// The rules whose checks stand here.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "timer-bye-on-expiry",
        severity: Severity::Warning,
        summary: "A call was ended by the session timer.",
        explanation: "The BYE came when the party that is not refreshed should give up: at the interval less 32 s or a third of it, \
            whichever is less, after the last refresh. To the users it looks as if calls drop after a fixed time. A user may hang up by \
            chance at that time, so confidence is medium; it is strong if the BYE says so (Reason). Three calls and more of the same two \
            parties that end within 2 s of the same time are no chance, if most that end then do: that is said once more for all of them, \
            with strong confidence, when the capture is over. Calls of a fixed length, as test tools make them, look the same.",
        remedy: "Fix the party that had to refresh.",
        references: &["RFC 4028 10"],
        checks: &[Check::Dialog(bye_on_expiry), Check::Endings(alike)],
    },
    Rule {
        id: "timer-refresh-missed",
        severity: Severity::Error,
        summary: "A session was not refreshed by the party that had to.",
        explanation: "The 2xx named a refresher, and no INVITE or UPDATE came from it before the interval was over, though the \
            dialog had not ended. The other side may drop the call. Confidence is strong if a later message of the call shows that it still \
            stood (BYE, a late refresh, INFO), else medium: a party may be gone, or the capture may lack the BYE with its answer.",
        remedy: "Fix session refresh on the party named, or let the other side refresh.",
        references: &["RFC 4028 7.2", "RFC 4028 9", "RFC 4028 10"],
        checks: &[Check::Dialog(refresh_missed)],
    },
    Rule {
        id: "timer-session-expired",
        severity: Severity::Error,
        summary: "A session went on after it had expired.",
        explanation: "Five seconds and more after the interval was over without a 2xx to a refresh, the parties still exchanged requests in \
            the dialog, and they were accepted. Proxies on the way that count the interval have dropped the call by then: billing ends, and \
            media may be cut. BYE, and requests of subscriptions in the same dialog, do not count.",
        remedy: "Fix the refresh of the session, and let the party that is not refreshed send BYE in time.",
        references: &["RFC 4028 10"],
        checks: &[Check::Dialog(session_expired)],
    },
    Rule {
        id: "timer-session-expired-no-bye",
        severity: Severity::Warning,
        summary: "A session expired, and nobody ended it.",
        explanation: "37 seconds after the interval was over neither side had sent BYE: media ports, licences and billing records \
            stay open. If nothing of the call was captured later, confidence is medium: a party may be gone, or the capture may lack the BYE \
            with its answer.",
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
    /// The thresholds of rules.
    pub settings: &'a Settings,
}

fn ended_by(dialog: &Dialog, time: Timestamp) -> bool {
    dialog.end.is_some_and(|end| end <= time)
}

/// Whether a message that belongs to the call itself, not to a subscription in its dialog (RFC 5057 5.3), shows that it stood after
/// that time.
fn stands_after(case: &DialogCase<'_>, dialog: &Dialog, time: Timestamp) -> bool {
    let view = case.view;
    let shows = |(index, record): (usize, &MessageRecord)| {
        let is_own = matches!(
            record.method,
            Method::Invite | Method::Update | Method::Ack | Method::Bye | Method::Info | Method::Prack
        );
        let tags = (record.from_tag, record.to_tag);
        let is_here = tags == (dialog.caller_tag, dialog.callee_tag) || tags == (dialog.callee_tag, dialog.caller_tag);
        let hop = view.transactions.hop_of.get(index).copied().flatten().and_then(|at| view.hop(at));
        // Who does not know it any more had it end before.
        let is_lost = || hop.and_then(Hop::final_status).is_some_and(|status| matches!(status, 408 | 481));
        is_own && is_here && !is_lost()
    };
    if dialog.last <= time {
        return false;
    }
    let from = view.records.partition_point(|record| record.time <= time);
    view.records.iter().enumerate().skip(from).any(shows)
}

fn refresh_missed(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for stretch in stretches(case) {
        // The other side may end a session that is not refreshed a little late: that has a rule of its own.
        let given_up = stretch.dialog.bye.as_ref().is_some_and(|bye| {
            Some(bye.by) != stretch.agreement.refresher_tag
                && bye.time <= stretch.deadline.plus(case.settings.expiry_slack())
        });
        let renewed = stretch.renewed.is_some_and(|time| time <= stretch.deadline);
        let over = ended_by(stretch.dialog, stretch.deadline) || given_up || renewed;
        if over || stretch.refresh_sent_by(stretch.deadline) {
            continue;
        }
        let party = stretch.refresher();
        let when = match stretch.first_refresh() {
            Some(sent) => format!("did so only after {:.1} s", to_seconds(sent.time.since(stretch.agreement.time))),
            None => "never did".to_owned(),
        };
        let party_upper = sentence(&party);
        let summary = format!("{party_upper} had to refresh the session within {} s and {when}.", stretch.interval);
        let remediation = format!(
            "Fix session refresh on {party}: it must send UPDATE or re-INVITE every {} s (half of {} s), or leave the refreshing to the other side.",
            stretch.interval / 2,
            stretch.interval
        );
        let mut found = stretch.finding(rule, case, stretch.deadline, (summary, remediation));
        if !stands_after(case, stretch.dialog, stretch.deadline) {
            found.confidence = Confidence::Medium;
        }
        found.watch = Some(stretch.watch(case, stretch.deadline));
        out.push(found);
    }
}

fn expired_no_bye(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for stretch in stretches(case) {
        let limit = stretch.deadline.plus(case.settings.clean_up());
        if ended_by(stretch.dialog, limit) || stretch.renewed.is_some_and(|time| time <= limit) {
            continue;
        }
        let bye_at = stretch.interval - stretch.lead();
        let other = stretch.agreement.refresher_tag.map(|tag| {
            let caller = tag == stretch.dialog.callee_tag;
            if caller { &stretch.dialog.caller } else { &stretch.dialog.callee }
        });
        let other = other.map_or_else(|| "the other side".to_owned(), name);
        let (span, interval) = (case.settings.clean_up_s, stretch.interval);
        let stands = stands_after(case, stretch.dialog, limit);
        let summary = if stands {
            format!("The session of {interval} s expired, and neither side sent BYE within {span} s of that.")
        } else {
            format!(
                "The session of {interval} s expired; no BYE was captured within {span} s of that, nor anything of the call later."
            )
        };
        let remediation = format!(
            "Make {other} end a session that is not refreshed: BYE {bye_at} s after the last refresh. Fix session refresh on {}.",
            stretch.refresher()
        );
        let mut found = stretch.finding(rule, case, limit, (summary, remediation));
        if !stands {
            found.confidence = Confidence::Medium;
        }
        found.watch = Some(stretch.watch(case, limit));
        out.push(found);
    }
}

/// The requests that show that a session is up if they are accepted, by the tags of their dialog, in order of time.
type Talk<'a> = HashMap<(Span, Span), Vec<(Timestamp, &'a Hop)>>;

fn talk<'a>(view: &'a CallView<'_>) -> Talk<'a> {
    let mut found = Talk::new();
    for hop in &view.transactions.hops {
        let shows =
            matches!(hop.method, Method::Invite | Method::Update | Method::Info | Method::Message | Method::Refer);
        let accepted = shows && hop.final_status().is_some_and(|status| status < 300);
        let Some(request) = view.request(hop).filter(|request| accepted && !request.to_tag.is_empty()) else {
            continue;
        };
        let tags = (request.from_tag.min(request.to_tag), request.from_tag.max(request.to_tag));
        found.entry(tags).or_default().push((request.time, hop));
    }
    found.values_mut().for_each(|list| list.sort_by_key(|(time, _)| *time));
    found
}

fn session_expired(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    let mut known: Option<Talk<'_>> = None;
    for stretch in stretches(case) {
        let dialog = stretch.dialog;
        let from = stretch.deadline.plus(case.settings.expiry_slack());
        if ended_by(dialog, from) || stretch.renewed.is_some_and(|time| time <= from) {
            continue;
        }
        let tags = (dialog.caller_tag.min(dialog.callee_tag), dialog.caller_tag.max(dialog.callee_tag));
        let list = known.get_or_insert_with(|| talk(case.view)).get(&tags).map(Vec::as_slice).unwrap_or_default();
        let begin = list.partition_point(|(time, _)| *time <= from);
        let meanwhile = |time: Timestamp| {
            stretch.renewed.is_none_or(|renewed| time <= renewed) && dialog.end.is_none_or(|end| time < end)
        };
        let later = list.get(begin..).unwrap_or_default().iter().take_while(|(time, _)| meanwhile(*time));
        let Some((time, hop)) = later.last() else { continue };
        let (method, past) = (hop.method.name().unwrap_or("a request"), to_seconds(time.since(stretch.deadline)));
        let summary = format!(
            "The session of {} s ran on for {past:.1} s and more after it had expired: {} was still accepted.",
            stretch.interval, method
        );
        let remediation = format!(
            "Fix session refresh on {}: it must get a 2xx to UPDATE or re-INVITE every {} s at the latest, best after {} s.",
            stretch.refresher(),
            stretch.interval,
            stretch.interval / 2
        );
        let mut found = stretch.finding(rule, case, *time, (summary, remediation));
        found.values.push(("past_expiry_s", Value::Decimal(past)));
        found.evidence.extend(hop.request.map(|index| case.view.evidence(index, Role::Other)));
        found.watch = Some(stretch.watch(case, *time));
        out.push(found);
    }
}

/// A BYE that came when a session that is not refreshed is given up.
pub(super) struct ByeOnExpiry<'a> {
    pub(super) stretch: Stretch<'a>,
    pub(super) bye: &'a Bye,
    /// The nanoseconds from the last 2xx.
    pub(super) after: i64,
    /// Whether no refresh had been sent.
    missed: bool,
    /// Whether it says why it was sent.
    told: bool,
    /// Whether it is as likely that a user hung up.
    pub(super) unclear: bool,
}

/// The BYEs that came when a session that is not refreshed is given up.
pub(super) fn byes_on_expiry<'a>(case: &'a DialogCase<'_>) -> impl Iterator<Item = ByeOnExpiry<'a>> {
    let ended = running(case).filter(|dialog| dialog.bye.is_some() && !dialog.agreements.is_empty());
    ended.flat_map(stretches_of).filter_map(|stretch| {
        let bye = stretch.dialog.bye.as_ref()?;
        if stretch.renewed.is_some_and(|time| time <= bye.time) {
            return None;
        }
        let after = bye.time.since(stretch.agreement.time);
        let opens = span_nanos(stretch.interval - stretch.lead()) - case.settings.expiry_slack();
        let closes = span_nanos(stretch.interval).saturating_add(case.settings.expiry_slack());
        if after < opens || after > closes || stretch.may_be_renewed(case, bye.time) {
            return None;
        }
        let missed = !stretch.refresh_sent_by(bye.time);
        let told = names_expiry(&bye.reason);
        // Who has to refresh gives up only after a refresh that failed: else its user hung up, as far as one can see.
        let by_refresher = stretch.agreement.refresher_tag == Some(bye.by);
        Some(ByeOnExpiry { stretch, bye, after, missed, told, unclear: !told && by_refresher && missed })
    })
}

fn bye_on_expiry(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for ByeOnExpiry { stretch, bye, after, missed, told, unclear } in byes_on_expiry(case) {
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
            to_seconds(after),
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
        let mut found = stretch.finding(rule, case, bye.time, (summary, remediation));
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
        found.values.push(("bye_after_s", Value::Decimal(to_seconds(after))));
        found.values.push(("refresh_missed", Value::Bool(missed)));
        out.push(found);
    }
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
        let evidence = Evidence { place: place_of(request), role: Role::Request };
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
