//! Rules about refresh requests and what they agree on, dialog by dialog (RFC 4028 7.2, 7.4, 9).

use super::rule::{Check, Finding, Rule, Severity, Value};
use super::session::DialogCase;
use super::stretch::{
    Refresh, Stretch, first_and_count, ordered, refreshes, running, span_nanos, stretches_of, times, to_seconds,
};
use super::timer_messages::FLOOR;
use super::words::name;
use crate::correlation::{Agreement, Dialog, Method, Offer, Seconds, Span};

/// The rules whose checks stand here.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "timer-refresh-by-peer",
        severity: Severity::Notice,
        summary: "The party that does not have to refresh does so.",
        explanation: "The 2xx named the other party as refresher, and this one sent UPDATE without an offer, or re-INVITE with an unchanged one, \
            with Session-Expires, and did not become the refresher by it. Both sides refresh then, and their requests may cross (491). What is \
            sent in the first tenth of the interval has other reasons. Said once for each dialog.",
        remedy: "Let the party refresh that the 2xx names; or name the sender as refresher in its request.",
        references: &["RFC 4028 7.2", "RFC 4028 7.4"],
        checks: &[Check::Dialog(by_peer)],
    },
    Rule {
        id: "timer-refresh-interval-changed",
        severity: Severity::Info,
        summary: "A refresh asks for another interval than the one in force.",
        explanation: "A refresh should offer the interval in force, or its Min-SE if that is larger. Another value negotiates anew, which is \
            allowed. Said once for each dialog.",
        remedy: "Repeat the interval in force; or set the wanted one on both sides, so that it is agreed on at once.",
        references: &["RFC 4028 7.4"],
        checks: &[Check::Dialog(interval_changed)],
    },
    Rule {
        id: "timer-refresh-late",
        severity: Severity::Notice,
        summary: "A session was refreshed late.",
        explanation: "A refresh is due at half of the interval. This one came later than that by more than a tenth of the interval (5 s at least), \
            though before the session expired. A single lost message may now end the call. With less than 32 seconds left it is a warning: \
            the peer may give up before. The latest of a dialog is named.",
        remedy: "Refresh at half of the interval.",
        references: &["RFC 4028 7.2", "RFC 4028 9"],
        checks: &[Check::Dialog(late)],
    },
    Rule {
        id: "timer-refresh-missing-min-se",
        severity: Severity::Error,
        summary: "A refresh lacks the Min-SE that its sender was told.",
        explanation: "Who got a 422 in a dialog, or a refresh request with Min-SE, must send Min-SE in its own refreshes, with the largest value \
            heard; or the interval may fall below what the other side accepts. The retry right after a 422 has a rule of its own. Where only \
            the INVITE that made the dialog had Min-SE, or the value is 90, which goes without saying, it is a notice. A 422 before the \
            dialog is forgotten once it stands. Said once for each dialog.",
        remedy: "Add Min-SE with the largest value heard in the dialog to refresh requests.",
        references: &["RFC 4028 7.4"],
        checks: &[Check::Dialog(missing_min_se)],
    },
    Rule {
        id: "timer-refresh-sdp-changed",
        severity: Severity::Info,
        summary: "A refresh raises the version of its session description and changes nothing else.",
        explanation: "A re-INVITE that only refreshes should repeat the description as it is, with the same version in the o= line. With another \
            one the peer must look for changes, and some begin media anew. Said once for each dialog.",
        remedy: "Keep the version in the o= line, or refresh with UPDATE without a description.",
        references: &["RFC 4028 7.4"],
        checks: &[Check::Dialog(sdp_changed)],
    },
    Rule {
        id: "timer-refresh-without-interval",
        severity: Severity::Notice,
        summary: "A refresh leaves Session-Expires out while a session timer runs.",
        explanation: "Every INVITE and UPDATE in the dialog is a refresh, whatever else it is for. Without Session-Expires its 2xx may switch the \
            timer off. Only senders that list timer in Supported are judged: others cannot know better. Said once for each dialog.",
        remedy: "Send Session-Expires with the interval in force, or Min-SE if that is larger.",
        references: &["RFC 4028 7.4"],
        checks: &[Check::Dialog(without_interval)],
    },
    Rule {
        id: "timer-refreshed",
        severity: Severity::Info,
        summary: "A session was refreshed.",
        explanation: "Once for each dialog, with how often, and how far into the interval on average: half is right.",
        remedy: "Nothing has to be done.",
        references: &["RFC 4028 10"],
        checks: &[Check::Dialog(refreshed)],
    },
    Rule {
        id: "timer-refresher-changed",
        severity: Severity::Info,
        summary: "The other party has to refresh from now on.",
        explanation: "Refreshes should keep the roles; another party was named by a 2xx to one. Both sides have to follow that. Said once for each \
            dialog.",
        remedy: "Name the present refresher in refresh requests: uac if the sender refreshes, else uas.",
        references: &["RFC 4028 7.4"],
        checks: &[Check::Dialog(refresher_changed)],
    },
    Rule {
        id: "timer-turned-off",
        severity: Severity::Notice,
        summary: "A session timer was switched off in the middle of a call.",
        explanation: "A 2xx to a refresh without Session-Expires ends the timer: from then on nobody finds out that the call is stale. It often \
            comes with a re-INVITE for hold or a codec that leaves the header out. Said once for each dialog.",
        remedy: "Send Session-Expires in every re-INVITE and UPDATE, and in their 2xx.",
        references: &["RFC 4028 7.2"],
        checks: &[Check::Dialog(turned_off)],
    },
];

fn late(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for dialog in running(case) {
        let mut worst: Option<(Stretch<'_>, i64, i64)> = None;
        let mut count = 0;
        for stretch in stretches_of(dialog).into_iter().filter(|stretch| stretch.agreement.refresher_tag.is_some()) {
            let Some(sent) = stretch.first_refresh() else { continue };
            if sent.time > stretch.deadline || stretch.renewed.is_some_and(|renewed| renewed <= sent.time) {
                continue;
            }
            let (after, left) = (sent.time.since(stretch.agreement.time), stretch.deadline.since(sent.time));
            let half = span_nanos(stretch.interval) / 2;
            if after <= half.saturating_add(case.settings.refresh_late_slack(stretch.interval)) {
                continue;
            }
            count += 1;
            if worst.is_none_or(|(_, _, least)| left < least) {
                worst = Some((stretch, after, left));
            }
        }
        let Some((stretch, after, left)) = worst else { continue };
        let (party, due) = (stretch.refresher(), stretch.interval / 2);
        let summary = format!(
            "{party} refreshed the session of {} s only after {:.1} s; {:.1} s were left{}.",
            stretch.interval,
            to_seconds(after),
            to_seconds(left),
            times(count)
        );
        let remediation = format!("On {party}, refresh after {due} s, half of the interval of {} s.", stretch.interval);
        let time = stretch.agreement.time.plus(after);
        let mut found = stretch.finding(rule, case, time, (summary, remediation));
        if left < span_nanos(32) {
            found.severity = Severity::Warning;
        }
        found.values.push(("after_s", Value::Decimal(to_seconds(after))));
        found.values.push(("left_s", Value::Decimal(to_seconds(left))));
        found.values.push(("times", Value::Number(count)));
        // An earlier one may have been lost by the capture.
        let mut watch = stretch.watch(case, time);
        watch.both_directions = true;
        found.watch = Some(watch);
        out.push(found);
    }
}

/// The 2xx that keep a timer running, each with the one before.
fn renewals<'a>(order: &[&'a Agreement]) -> impl Iterator<Item = (&'a Agreement, u64, &'a Agreement)> {
    order.windows(2).filter_map(|pair| {
        let [before, after] = pair else { return None };
        let interval = before.interval.filter(|interval| *interval > 0)?;
        after.is_refresh.then_some((*before, interval, *after))
    })
}

fn refreshed(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for dialog in running(case).filter(|dialog| dialog.agreements.len() > 1) {
        let order = ordered(dialog);
        let (mut count, mut waited, mut share) = (0_u32, 0.0, 0.0);
        let mut first: Option<(&Agreement, u64)> = None;
        for (before, interval, after) in renewals(&order).filter(|(_, _, after)| after.interval.is_some()) {
            let offset = to_seconds(after.first.since(before.time));
            count = count.saturating_add(1);
            waited += offset;
            share += offset / to_seconds(span_nanos(interval)).max(1.0);
            first = first.or(Some((after, interval)));
        }
        let Some((first, interval)) = first else { continue };
        let (mean, percent) = (waited / f64::from(count), 100.0 * share / f64::from(count));
        let party = case.view.hop(first.hop).map(|hop| name(dialog.party(hop.from_tag))).unwrap_or_default();
        let often = if count == 1 { "once".to_owned() } else { format!("{count} times") };
        let summary = format!(
            "The session of {interval} s was refreshed {often}, on average {mean:.1} s after the 2xx before ({percent:.0} % of the interval), first by {party}."
        );
        let Some(stretch) = stretches_of(dialog).into_iter().find(|stretch| stretch.agreement.hop == first.hop) else {
            continue;
        };
        let texts = (summary, "Nothing has to be done; half of the interval is recommended.".to_owned());
        let mut found = stretch.finding(rule, case, first.first, texts);
        found.values.push(("refreshes", Value::Number(u64::from(count))));
        found.values.push(("mean_after_s", Value::Decimal(mean)));
        found.values.push(("mean_share_percent", Value::Decimal(percent)));
        out.push(found);
    }
}

/// Whether a refresh made its sender the refresher.
fn took_over(refresh: &Refresh<'_>) -> bool {
    let answered = refresh.dialog.agreements.iter().find(|agreement| agreement.hop == refresh.sent.hop);
    answered.is_some_and(|agreement| agreement.refresher_tag == Some(refresh.sent.by))
}

fn by_peer(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for dialog in running(case) {
        let all = refreshes(case, dialog);
        let wanted = |refresh: &Refresh<'_>| {
            let Some(stretch) = refresh.stretch else { return false };
            stretch.agreement.refresher_tag.is_some_and(|tag| tag != refresh.sent.by)
                && refresh.is_pure()
                && refresh.request.session_expires.value().is_some()
                && refresh.after().is_some_and(|after| after >= span_nanos(stretch.interval) / 10)
                && !took_over(refresh)
        };
        let Some((refresh, count)) = first_and_count(&all, wanted) else { continue };
        let (client, refresher) = (refresh.client(case), refresh.stretch.map(|stretch| stretch.refresher()));
        let refresher = refresher.unwrap_or_default();
        let summary = format!("{client} refreshed the session though {refresher} has to{}.", times(count));
        let remediation = format!(
            "On {client}, leave the refreshing to {refresher}, or take it over: name the sender as refresher in the request (refresher=uac)."
        );
        let mut found = refresh.finding(rule, case, (summary, remediation));
        found.values.push(("times", Value::Number(count)));
        out.push(found);
    }
}

fn without_interval(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for dialog in running(case) {
        let all = refreshes(case, dialog);
        let knows = |by: Span| {
            let mut requests = all.iter().filter(|refresh| refresh.sent.by == by).map(|refresh| refresh.request);
            let first = dialog.agreements.iter().find(|agreement| !agreement.is_refresh);
            let first = first.and_then(|agreement| case.view.hop(agreement.hop));
            let first = first.filter(|hop| hop.from_tag == by).and_then(|hop| case.view.request(hop));
            requests.any(|request| request.supports_timer) || first.is_some_and(|request| request.supports_timer)
        };
        let absent = |refresh: &Refresh<'_>| {
            refresh.stretch.is_some() && refresh.request.session_expires == Seconds::Absent && !refresh.is_glare()
        };
        if !all.iter().any(absent) {
            continue;
        }
        let (caller, callee) = (knows(dialog.caller_tag), knows(dialog.callee_tag));
        let wanted = |refresh: &Refresh<'_>| {
            absent(refresh) && (if refresh.sent.by == dialog.caller_tag { caller } else { callee })
        };
        let Some((refresh, count)) = first_and_count(&all, wanted) else { continue };
        let Some(stretch) = refresh.stretch else { continue };
        let (client, method) = (refresh.client(case), refresh.request.method.name().unwrap_or("a request"));
        let due = refresh.request.min_se.value().unwrap_or(FLOOR).max(stretch.interval);
        let summary = format!(
            "{client} sent {method} without Session-Expires while the session of {} s is timed{}.",
            stretch.interval,
            times(count)
        );
        let remediation =
            format!("On {client}, send \"Session-Expires: {due}\" in every re-INVITE and UPDATE of the call.");
        let mut found = refresh.finding(rule, case, (summary, remediation));
        found.values.push(("times", Value::Number(count)));
        out.push(found);
    }
}

fn interval_changed(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    let expected = |refresh: &Refresh<'_>| {
        let interval = refresh.stretch?.interval;
        Some(refresh.request.min_se.value().unwrap_or(FLOOR).max(interval))
    };
    for dialog in running(case) {
        let all = refreshes(case, dialog);
        let wanted = |refresh: &Refresh<'_>| {
            let offered = refresh.request.session_expires.value();
            offered.zip(expected(refresh)).is_some_and(|(offered, expected)| offered != expected)
        };
        let Some((refresh, count)) = first_and_count(&all, wanted) else { continue };
        let (Some(stretch), Some(expected)) = (refresh.stretch, expected(refresh)) else { continue };
        let (client, offered) = (refresh.client(case), refresh.request.session_expires.value().unwrap_or_default());
        let summary = format!(
            "{client} refreshed with Session-Expires {offered} s while {} s are in force{}.",
            stretch.interval,
            times(count)
        );
        let remediation = format!(
            "On {client}, repeat the {expected} s in refreshes; if {offered} s are wanted, set that on both sides so that it is agreed on at once."
        );
        let mut found = refresh.finding(rule, case, (summary, remediation));
        found.values.push(("expected_session_expires_s", Value::Number(expected)));
        found.values.push(("times", Value::Number(count)));
        out.push(found);
    }
}

/// The largest Min-SE that a party has heard in a dialog.
#[derive(Clone, Copy, Default)]
struct Heard {
    /// From the INVITE that made the dialog.
    at_first: Option<u64>,
    /// From 422 answers and refresh requests since.
    since: Option<u64>,
    /// Whether its last request got a 422, so that the next one is the retry.
    refused: bool,
}

fn missing_min_se(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for dialog in running(case).filter(|dialog| !dialog.refreshes.is_empty()) {
        let all = refreshes(case, dialog);
        let mut heard = [Heard::default(); 2];
        let first = dialog.agreements.iter().find(|agreement| !agreement.is_refresh);
        let first = first.and_then(|agreement| case.view.request(case.view.hop(agreement.hop)?));
        let [_, callee] = &mut heard;
        callee.at_first = first.and_then(|request| request.min_se.value()).filter(|least| *least > FLOOR);
        let mut worst: Option<(&Refresh<'_>, u64, Severity)> = None;
        let mut count = 0;
        for refresh in &all {
            let by_caller = refresh.sent.by == dialog.caller_tag;
            let [caller, callee] = &mut heard;
            let (own, peer) = if by_caller { (caller, callee) } else { (callee, caller) };
            let uses_timer = refresh.request.supports_timer || refresh.request.session_expires != Seconds::Absent;
            if refresh.is_timed() && refresh.request.min_se == Seconds::Absent && uses_timer && !own.refused {
                let largest = own.since.max(own.at_first);
                let severity =
                    if own.since.is_some_and(|since| since > FLOOR) { Severity::Error } else { Severity::Notice };
                if let Some(largest) = largest {
                    count += 1;
                    if worst.is_none_or(|(_, _, known)| severity > known) {
                        worst = Some((refresh, largest, severity));
                    }
                }
            }
            peer.since = peer.since.max(refresh.request.min_se.value());
            own.refused = refresh.status() == Some(422) || (own.refused && matches!(refresh.status(), Some(401 | 407)));
            if let Some(answer) = refresh.answer.filter(|answer| answer.status() == Some(422)) {
                own.since = own.since.max(answer.min_se.value());
            }
        }
        let Some((refresh, largest, severity)) = worst else { continue };
        let (client, method) = (refresh.client(case), refresh.request.method.name().unwrap_or("a request"));
        let summary = format!(
            "{client} refreshed with {method} without Min-SE, although it had been told {largest} s in this call{}.",
            times(count)
        );
        let remediation = format!("On {client}, add \"Min-SE: {largest}\" to refresh requests of this call.");
        let mut found = refresh.finding(rule, case, (summary, remediation));
        found.severity = severity;
        found.values.push(("largest_min_se_s", Value::Number(largest)));
        found.values.push(("times", Value::Number(count)));
        out.push(found);
    }
}

fn sdp_changed(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for dialog in running(case) {
        let all = refreshes(case, dialog);
        let wanted = |refresh: &Refresh<'_>| {
            refresh.is_timed() && refresh.request.method == Method::Invite && refresh.sent.offer == Offer::OtherVersion
        };
        let Some((refresh, count)) = first_and_count(&all, wanted) else { continue };
        let client = refresh.client(case);
        let summary = format!(
            "{client} refreshed with a re-INVITE whose session description has a new version and nothing else new{}.",
            times(count)
        );
        let remediation = format!(
            "On {client}, keep the version in the o= line in refreshes, or refresh with UPDATE without a body."
        );
        let mut found = refresh.finding(rule, case, (summary, remediation));
        found.values.push(("times", Value::Number(count)));
        out.push(found);
    }
}

/// The place of the 2xx with which a change began, for a finding about what it ended.
fn changed<'a>(
    dialog: &'a Dialog,
    wanted: impl Fn(&Agreement, &Agreement) -> bool,
) -> Option<(Stretch<'a>, &'a Agreement, u64)> {
    let order = ordered(dialog);
    let mut all = renewals(&order).filter(|(before, _, after)| wanted(before, after));
    let (before, _, after) = all.next()?;
    let count = u64::try_from(all.count()).unwrap_or(u64::MAX).saturating_add(1);
    let stretch = stretches_of(dialog).into_iter().find(|stretch| std::ptr::eq(stretch.agreement, before))?;
    Some((stretch, after, count))
}

fn refresher_changed(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for dialog in running(case).filter(|dialog| dialog.agreements.len() > 1) {
        let other = |before: &Agreement, after: &Agreement| {
            let tags = before.refresher_tag.zip(after.refresher_tag).filter(|_| after.interval.is_some());
            tags.is_some_and(|(before, after)| before != after)
        };
        let Some((stretch, after, count)) = changed(dialog, other) else { continue };
        let (old, new) =
            (stretch.refresher(), after.refresher_tag.map(|tag| name(dialog.party(tag))).unwrap_or_default());
        let seconds = to_seconds(after.first.since(stretch.agreement.time));
        let summary = format!("{old} had to refresh the session; from {seconds:.1} s on {new} has to{}.", times(count));
        let remediation =
            "Nothing has to be done if both sides follow; else let refresh requests name the present refresher."
                .to_owned();
        let mut found = stretch.finding(rule, case, after.first, (summary, remediation));
        found.evidence.push(after.evidence);
        found.values.push(("times", Value::Number(count)));
        out.push(found);
    }
}

fn turned_off(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for dialog in running(case).filter(|dialog| dialog.agreements.len() > 1) {
        let off = |_: &Agreement, after: &Agreement| {
            case.view.record(after.answer).is_some_and(|answer| answer.session_expires == Seconds::Absent)
        };
        let Some((stretch, after, count)) = changed(dialog, off) else { continue };
        let Some(hop) = case.view.hop(after.hop) else { continue };
        let (client, asked) =
            (name(&case.view.client(hop)), case.view.request(hop).map(|request| request.session_expires));
        let server = hop.final_answer().map(|answer| name(&case.view.server(hop, answer))).unwrap_or_default();
        let method = hop.method.name().unwrap_or("a request");
        let left_out = asked == Some(Seconds::Absent);
        let why = if left_out { ", which had none either" } else { "" };
        let summary = format!(
            "{server} switched the session timer of {} s off: its 2xx to {method} of {client} has no Session-Expires{why}{}.",
            stretch.interval,
            times(count)
        );
        let at = if left_out { format!("{client} and {server}") } else { server };
        let remediation = format!(
            "On {at}, send \"Session-Expires: {}\" in every re-INVITE and UPDATE and in their 2xx.",
            stretch.interval
        );
        let mut found = stretch.finding(rule, case, after.first, (summary, remediation));
        found.evidence.push(after.evidence);
        found.values.push(("times", Value::Number(count)));
        out.push(found);
    }
}
