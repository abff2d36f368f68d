//! Rules about refresh requests that fail, dialog by dialog (RFC 4028 10).

use super::rule::{Check, Finding, Rule, Severity, Value};
use super::session::DialogCase;
use super::stretch::{Refresh, first_and_count, refreshes, span_nanos, times, to_seconds};
use super::timer_messages::FLOOR;
use super::transactions::REQUEST_REPEATS;
use super::words::{offer, seconds};
use crate::correlation::{Dialog, INVITE_REPEATS, Method, Offer, TIMEOUT_NANOS, Watch};
use crate::net::Transport;
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// The rules whose checks stand here.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "timer-422-on-refresh",
        severity: Severity::Warning,
        summary: "A refresh was refused, since its interval is too small.",
        explanation: "422 leaves the dialog as it is, and also the deadline of the session: only a 2xx moves it. The sender must try again with \
            a larger interval before the session expires. Said once for each dialog.",
        remedy: "Make both sides agree on one minimum, so that an interval that was accepted once is accepted again.",
        references: &["RFC 4028 10", "RFC 4028 7.4"],
        checks: &[Check::Dialog(refused)],
    },
    Rule {
        id: "timer-glare-backoff-wrong",
        severity: Severity::Notice,
        summary: "After a collision (491) a request was sent again at the wrong time.",
        explanation: "Who made the Call-ID waits 2.1 to 4 seconds after 491, the other party up to 2 seconds, so that they do not collide again. \
            Here it was earlier, or later by more than half a second though nothing else was open. The beginning of the call must have been \
            captured. Said once for each dialog.",
        remedy: "Wait as RFC 3261 14.1 has it.",
        references: &["RFC 3261 14.1", "RFC 3311 5.3"],
        checks: &[Check::Dialog(backoff_wrong)],
    },
    Rule {
        id: "timer-refresh-failed",
        severity: Severity::Warning,
        summary: "A refresh of a session was refused.",
        explanation: "Only a 2xx keeps the session; the old deadline still runs. Challenges, 422 and collisions have rules of their own. Of \
            re-INVITEs with a new offer only 408 and 481 count here: other answers may be about the offer. Said once for each dialog.",
        remedy: "See what the answer says, fix that, and refresh again before the session expires.",
        references: &["RFC 4028 10", "RFC 5057 5.1"],
        checks: &[Check::Dialog(failed)],
    },
    Rule {
        id: "timer-refresh-failed-no-bye",
        severity: Severity::Warning,
        summary: "A refresh showed that the peer is gone, and the call was not ended.",
        explanation: "After 408, 481 or no answer at all to a refresh its sender should send BYE. Within 32 seconds of capture without loss there \
            was none, and no other refresh. The call stays open on this side, with its media ports and its billing.",
        remedy: "Send BYE when a refresh gets 408, 481 or no answer.",
        references: &["RFC 4028 10", "RFC 3261 12.2.1.2"],
        checks: &[Check::Dialog(failed_no_bye)],
    },
    Rule {
        id: "timer-refresh-glare",
        severity: Severity::Info,
        summary: "Two requests that refresh the session crossed.",
        explanation: "The one was refused with 491, or 500 with Retry-After, since the other was still open. That is no fault; the sender tries \
            again a little later. Said once for each dialog.",
        remedy: "Let one side refresh only; if it happens often, see timer-refresh-by-peer.",
        references: &["RFC 3261 14.2", "RFC 3311 5.2"],
        checks: &[Check::Dialog(glare)],
    },
    Rule {
        id: "timer-refresh-retry-storm",
        severity: Severity::Warning,
        summary: "A refresh is repeated again and again, with the same failure.",
        explanation: "More than three refreshes within half of the interval got the same refusal. Trying the same again does not help, and it loads \
            the peer. Said once for each dialog.",
        remedy: "Act on the status code, or end the call; wait longer between attempts.",
        references: &["RFC 4028 10"],
        checks: &[Check::Dialog(retry_storm)],
    },
];

/// Refresh requests that a session timer plays a part in, of dialogs that have any.
fn timed<'a>(case: &'a DialogCase<'_>) -> impl Iterator<Item = (&'a Dialog, Vec<Refresh<'a>>)> {
    case.dialogs.iter().filter(|dialog| !dialog.refreshes.is_empty()).filter_map(move |dialog| {
        let mut all = refreshes(case, dialog);
        all.retain(Refresh::is_timed);
        (!all.is_empty()).then_some((dialog, all))
    })
}

/// How many seconds the session still had.
fn left_seconds(refresh: &Refresh<'_>, at: Timestamp) -> Option<f64> {
    refresh.stretch.map(|stretch| to_seconds(stretch.deadline.since(at)))
}

/// The same as a part of a sentence.
fn left(refresh: &Refresh<'_>, at: Timestamp) -> String {
    match left_seconds(refresh, at) {
        Some(left) if left >= 0.0 => format!("; the session expires {left:.1} s later unless another refresh succeeds"),
        Some(left) => format!("; the session had expired {:.1} s before", -left),
        None => String::new(),
    }
}

/// Whether the tag of its To is only that of an earlier refusal: then there is no dialog (RFC 3261 8.1.1.2).
fn is_stale(case: &DialogCase<'_>, dialog: &Dialog) -> bool {
    let refused = |tag| {
        case.view.transactions.hops.iter().any(|hop| {
            !case.view.in_dialog(hop) && hop.answers.iter().any(|answer| answer.status >= 300 && answer.to_tag == tag)
        })
    };
    dialog.answer.is_none() && (refused(dialog.callee_tag) || refused(dialog.caller_tag))
}

/// Whether nothing but this request shows that there is a dialog.
fn is_alone(dialog: &Dialog, refresh: &Refresh<'_>) -> bool {
    dialog.answer.is_none() && dialog.agreements.is_empty() && dialog.start >= refresh.sent.time
}

fn refused(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for dialog in case.dialogs.iter().filter(|dialog| !dialog.refreshes.is_empty()) {
        let all = refreshes(case, dialog);
        let Some((refresh, count)) = first_and_count(&all, |refresh| refresh.status() == Some(422)) else { continue };
        let Some(answer) = refresh.answer.filter(|_| !is_stale(case, dialog)) else { continue };
        let (client, server) = (refresh.client(case), refresh.server(case));
        let (offered, demanded) = (refresh.request.session_expires, answer.min_se);
        let in_force =
            refresh.stretch.map(|stretch| format!(" ({} s are in force)", stretch.interval)).unwrap_or_default();
        let wanted = match demanded.value() {
            Some(_) => format!("it wants at least {}", seconds(demanded)),
            None => "it does not say what it wants".to_owned(),
        };
        let summary = format!(
            "{server} refused a refresh of {client} with 422: {} was offered{in_force}, and {wanted}{}{}.",
            offer(offered),
            left(refresh, answer.time),
            times(count)
        );
        let least = demanded.value().unwrap_or(FLOOR).max(FLOOR);
        let before = match left_seconds(refresh, answer.time) {
            Some(left) => format!(" within {:.0} s: the old deadline still runs", left.max(0.0)),
            None => " before the session expires: the old deadline still runs".to_owned(),
        };
        let remediation = format!(
            "On {client}, retry with Session-Expires and Min-SE of at least {least} s{before}. Align the minimum on {server} with the interval that it agreed on."
        );
        let mut found = refresh.finding(rule, case, (summary, remediation));
        found.values.push(("demanded_min_se_s", demanded.value().into()));
        found.values.push(("left_s", left_seconds(refresh, answer.time).map_or(Value::None, Value::Decimal)));
        found.values.push(("times", Value::Number(count)));
        out.push(found);
    }
}

/// Whether the refusal of a refresh says that the refresh failed, as far as can be told.
fn has_failed(refresh: &Refresh<'_>) -> bool {
    let Some(status) = refresh.status().filter(|status| *status >= 300) else { return false };
    let other = matches!(status, 401 | 407 | 422) || refresh.is_glare();
    // An offer may be refused for its own sake. One without a body, when a refresh was due, is meant as one.
    let due = refresh.stretch.is_some_and(|stretch| {
        let own = stretch.agreement.refresher_tag == Some(refresh.sent.by);
        let after = refresh.request.time.since(stretch.agreement.time);
        own && refresh.sent.offer == Offer::None && after >= span_nanos(stretch.interval) / 5 * 2
    });
    !other && (refresh.is_pure() || due || matches!(status, 408 | 481))
}

fn failed(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for (dialog, all) in timed(case) {
        let Some((refresh, count)) = first_and_count(&all, has_failed) else { continue };
        if is_stale(case, dialog) || is_alone(dialog, refresh) {
            continue;
        }
        let (Some(status), Some(answer)) = (refresh.status(), refresh.answer) else { continue };
        let (client, server) = (refresh.client(case), refresh.server(case));
        let method = refresh.request.method.name().unwrap_or("a request");
        let summary = format!(
            "{server} refused a refresh of {client} ({method}) with {status}{}{}.",
            left(refresh, answer.time),
            times(count)
        );
        let remediation = match status {
            408 | 481 => format!("Find out why {server} does not know the call any more; on {client}, send BYE then."),
            405 | 501 if refresh.request.method == Method::Update => {
                format!(
                    "On {client}, refresh with re-INVITE: {server} does not take UPDATE. Or allow UPDATE on {server}."
                )
            }
            _ => format!(
                "See why {server} answers {status} to {method} in a call, and let {client} refresh again in time."
            ),
        };
        let mut found = refresh.finding(rule, case, (summary, remediation));
        found.values.push(("left_s", left_seconds(refresh, answer.time).map_or(Value::None, Value::Decimal)));
        found.values.push(("times", Value::Number(count)));
        out.push(found);
    }
}

/// When a refresh showed that the peer is gone: the time of 408 or 481, or that at which its sender gave up waiting.
fn gone_at(refresh: &Refresh<'_>) -> Option<Timestamp> {
    match refresh.status() {
        Some(408 | 481) => refresh.answer.map(|answer| answer.time),
        Some(_) => None,
        None => {
            // A provisional answer shows that the peer is there.
            let silent = refresh.hop.answers.is_empty();
            // Who gets no answer over UDP sends again; if not, there was one on another way.
            let repeats = match refresh.request.method {
                Method::Invite => INVITE_REPEATS,
                _ => REQUEST_REPEATS,
            };
            let tried = refresh.hop.transport != Transport::Udp || refresh.hop.retransmissions >= repeats;
            (silent && tried).then(|| refresh.sent.time.plus(TIMEOUT_NANOS))
        }
    }
}

fn failed_no_bye(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for (dialog, all) in timed(case) {
        let last = all.iter().rev().find_map(|refresh| Some((refresh, gone_at(refresh)?)));
        let Some((refresh, gone)) = last.filter(|(refresh, _)| !is_stale(case, dialog) && !is_alone(dialog, refresh))
        else {
            continue;
        };
        let limit = gone.plus(TIMEOUT_NANOS);
        let ended = dialog.bye.as_ref().is_some_and(|bye| bye.time <= limit);
        let again = |time: Timestamp| time > refresh.sent.time && time <= limit;
        let renewed = dialog.agreements.iter().any(|agreement| again(agreement.first))
            || dialog.refreshes.iter().any(|other| again(other.time));
        if ended || renewed {
            continue;
        }
        let (client, method) = (refresh.client(case), refresh.request.method.name().unwrap_or("a request"));
        let what = match refresh.status() {
            Some(status) => format!("{status}"),
            None => "no answer".to_owned(),
        };
        let summary = format!("The refresh of {client} ({method}) got {what}, and within 32 s nobody sent BYE.");
        let remediation = format!("On {client}, send BYE when a refresh gets 408, 481 or no answer within 32 s.");
        let mut found = refresh.finding(rule, case, (summary, remediation));
        let (capture_source, one, other) = dialog.path;
        found.watch = Some(Watch {
            capture_source,
            from: refresh.sent.time,
            until: limit,
            path: (one, other),
            both_directions: dialog.both_directions,
            whole: limit <= case.view.watched_until,
            on_stream: dialog.on_stream,
        });
        out.push(found);
    }
}

fn retry_storm(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    let most = usize::try_from(case.settings.refresh_failures).unwrap_or(usize::MAX);
    for (_, all) in timed(case) {
        let refusals: Vec<(&Refresh<'_>, u16)> = all
            .iter()
            .filter_map(|refresh| Some((refresh, refresh.status().filter(|status| *status >= 300)?)))
            .filter(|(_, status)| !matches!(status, 401 | 407))
            .collect();
        let storm = refusals.iter().enumerate().find_map(|(at, (first, status))| {
            let interval =
                first.stretch.map(|stretch| stretch.interval).or_else(|| first.request.session_expires.value())?;
            let until = first.sent.time.plus(span_nanos(interval) / 2);
            let own = |refresh: &Refresh<'_>| refresh.sent.by == first.sent.by;
            let alike = refusals.iter().skip(at).take_while(|(refresh, _)| refresh.sent.time <= until);
            let count = alike.filter(|(refresh, other)| own(refresh) && other == status).count();
            (count > most).then_some((*first, *status, count, interval))
        });
        let Some((refresh, status, count, interval)) = storm else { continue };
        let client = refresh.client(case);
        let half = interval / 2;
        let summary = format!("{client} sent {count} refreshes within {half} s, and each got {status}.");
        let remediation = format!(
            "On {client}, act on {status} instead of repeating the refresh, and space attempts out; end the call if it cannot be refreshed."
        );
        let mut found = refresh.finding(rule, case, (summary, remediation));
        found.values.push(("times", Value::Number(u64::try_from(count).unwrap_or(u64::MAX))));
        out.push(found);
    }
}

fn glare(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for (_, all) in timed(case) {
        let Some((refresh, count)) = first_and_count(&all, Refresh::is_glare) else { continue };
        let (client, server) = (refresh.client(case), refresh.server(case));
        let method = refresh.request.method.name().unwrap_or("a request");
        let summary = format!(
            "{method} of {client} crossed another one of the same call: {server} refused it with {}{}.",
            refresh.status().unwrap_or_default(),
            times(count)
        );
        let remediation = "Nothing has to be done if it is rare; else let one side refresh only.".to_owned();
        let mut found = refresh.finding(rule, case, (summary, remediation));
        found.values.push(("times", Value::Number(count)));
        out.push(found);
    }
}

/// How early a request may be sent again after 491 by who made the Call-ID, in nanoseconds: 2.1 s (RFC 3261 14.1), less what a
/// timer may be off.
const EARLIEST_OF_OWNER: i64 = 2_050 * (NANOS_PER_SECOND / 1_000);

fn backoff_wrong(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    // Who made the Call-ID is known only if the beginning was seen.
    for (dialog, all) in timed(case).filter(|(dialog, _)| !dialog.mid_capture) {
        let wrong = all.iter().enumerate().find_map(|(at, refresh)| {
            let answer = refresh.answer.filter(|answer| answer.status() == Some(491))?;
            let later = all.get(at.saturating_add(1)..).unwrap_or_default();
            let same =
                |next: &&Refresh<'_>| next.sent.by == refresh.sent.by && next.request.method == refresh.request.method;
            let next = later.iter().find(same)?;
            let waited = next.sent.time.since(answer.time);
            if next.request.capture_source != answer.capture_source || waited < 0 {
                return None;
            }
            let owner = refresh.sent.by == dialog.caller_tag;
            let latest = case.settings.glare_latest(owner);
            let meanwhile = |time: Timestamp| time > answer.time && time <= next.sent.time;
            let busy = dialog.agreements.iter().any(|agreement| meanwhile(agreement.first))
                || all.iter().any(|other| {
                    let open = other.answer.is_none_or(|end| end.time > answer.time.plus(NANOS_PER_SECOND));
                    other.sent.by != refresh.sent.by && other.sent.time < next.sent.time && open
                });
            let early = owner && waited < EARLIEST_OF_OWNER;
            let late = waited > latest && waited <= TIMEOUT_NANOS && !busy;
            (early || late).then_some((next, waited, owner))
        });
        let Some((refresh, waited, owner)) = wrong else { continue };
        let client = refresh.client(case);
        let (right, role) = if owner {
            ("2.1 to 4 s", "which made the Call-ID")
        } else {
            ("at most 2 s", "which did not make the Call-ID")
        };
        let summary = format!("{client}, {role}, tried again {:.2} s after 491.", to_seconds(waited));
        let remediation = format!("On {client}, wait {right} after 491 before the request is sent again.");
        let mut found = refresh.finding(rule, case, (summary, remediation));
        found.values.push(("waited_s", Value::Decimal(to_seconds(waited))));
        found.values.push(("owner_of_call_id", Value::Bool(owner)));
        out.push(found);
    }
}
