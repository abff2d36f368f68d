//! Rules about the headers of session timers in answers (RFC 4028 7.2, 9).

use std::net::IpAddr;

use super::rule::{Check, Finding, Rule, Severity};
use super::session::DialogCase;
use super::timer_messages::{FLOOR, Judged, answers, answers_to_client, answers_with_headers, successes, word};
use super::words::name;
use crate::correlation::{Method, Seconds, TimerMarks, refresher_name};
use crate::sip::Refresher;

/// The rules whose checks stand here.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "timer-422-unexpected-method",
        severity: Severity::Error,
        summary: "422 answers a request that has no session interval.",
        explanation: "422 is about session intervals, which only INVITE and UPDATE negotiate.",
        remedy: "Answer with the status of the actual defect.",
        references: &["RFC 4028 6", "RFC 5057 5.1"],
        checks: &[Check::Dialog(unexpected_method)],
    },
    Rule {
        id: "timer-extension-rejected",
        severity: Severity::Warning,
        summary: "A request was refused because it required session timers.",
        explanation: "The peer does not know RFC 4028, and the request insisted on it with Require or Proxy-Require. The \
            call failed, or had to be tried again.",
        remedy: "Drop timer from Require and Proxy-Require; list it in Supported only.",
        references: &["RFC 3261 8.1.3.5", "RFC 4028 7.1"],
        checks: &[Check::Dialog(extension_rejected)],
    },
    Rule {
        id: "timer-interval-2xx-below-min-se",
        severity: Severity::Error,
        summary: "A 2xx agrees on less than the Min-SE of its request.",
        explanation: "The server may lower the interval, but not below the Min-SE of the request.",
        remedy: "Answer with at least the Min-SE of the request.",
        references: &["RFC 4028 9"],
        checks: &[Check::Dialog(interval_below_requested_min_se)],
    },
    Rule {
        id: "timer-interval-raised-in-2xx",
        severity: Severity::Error,
        summary: "A 2xx agrees on more than was asked for.",
        explanation: "A server may lower the interval, never raise it. Where only the first hop was captured it is a \
            notice, since a proxy may have raised the request; so it is where the request does not support timers, or asks for less than its \
            own Min-SE or 90 s, which proxies have to raise.",
        remedy: "Answer with at most the interval of the request, or refuse with 422.",
        references: &["RFC 4028 9"],
        checks: &[Check::Dialog(interval_raised)],
    },
    Rule {
        id: "timer-min-se-in-response",
        severity: Severity::Warning,
        summary: "A response other than 422 has Min-SE.",
        explanation: "Among responses only 422 may carry Min-SE. Said once for each request and sender, provisional answers included.",
        remedy: "Leave Min-SE out.",
        references: &["RFC 4028 5"],
        checks: &[Check::Dialog(min_se_in_response)],
    },
    Rule {
        id: "timer-not-granted",
        severity: Severity::Info,
        summary: "A session timer was asked for and not granted.",
        explanation: "The 2xx has no Session-Expires: the peer, and all proxies on the way, lack RFC 4028 or do not want \
            it. The session does not expire; only the caller can check that it still stands.",
        remedy: "Enable session timers on the peer if stale calls must be found.",
        references: &["RFC 4028 7.2"],
        checks: &[Check::Dialog(not_granted)],
    },
    Rule {
        id: "timer-refresher-missing",
        severity: Severity::Error,
        summary: "A 2xx agrees on an interval and names no refresher.",
        explanation: "The 2xx must say who refreshes. Without it both sides may wait for the other until the session \
            expires, or both refresh.",
        remedy: "Add ;refresher=uac or ;refresher=uas to the Session-Expires of the 2xx.",
        references: &["RFC 4028 9"],
        checks: &[Check::Dialog(refresher_missing)],
    },
    Rule {
        id: "timer-refresher-overridden",
        severity: Severity::Error,
        summary: "A 2xx names another refresher than its request.",
        explanation: "If a request that supports timers names the refresher, the 2xx must name the same. Otherwise the \
            two sides may disagree, and the session expires. It is a notice where refresher=uac may be that of a proxy for a server without \
            timers: uas was asked for, and the Record-Route of the 2xx shows elements that were not captured.",
        remedy: "Echo the refresher of the request.",
        references: &["RFC 4028 9"],
        checks: &[Check::Dialog(refresher_overridden)],
    },
    Rule {
        id: "timer-refresher-uac-unsupported",
        severity: Severity::Error,
        summary: "A 2xx makes a client refresh that does not support it.",
        explanation: "Without timer in Supported of the request only the server can refresh.",
        remedy: "Answer refresher=uas, or without a timer.",
        references: &["RFC 4028 9"],
        checks: &[Check::Dialog(refresher_uac_unsupported)],
    },
    Rule {
        id: "timer-require-missing",
        severity: Severity::Error,
        summary: "A 2xx agrees on a session timer without Require: timer.",
        explanation: "With refresher=uac it is mandatory: a client that ignores the header never refreshes. With \
            refresher=uas it is recommended if the request supports timers, and a notice.",
        remedy: "Add Require: timer to the 2xx.",
        references: &["RFC 4028 9"],
        checks: &[Check::Dialog(require_missing)],
    },
    Rule {
        id: "timer-require-without-interval",
        severity: Severity::Error,
        summary: "A 2xx requires timers and has no interval.",
        explanation: "Require: timer in a 2xx tells the client to read Session-Expires, which is not there.",
        remedy: "Add Session-Expires with a refresher, or drop timer from Require.",
        references: &["RFC 4028 7.2"],
        checks: &[Check::Dialog(require_without_interval)],
    },
];

fn extension_rejected(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for judged in answers_to_client(case) {
        if judged.record.status() == Some(420) && judged.record.timer_marks.has(TimerMarks::UNSUPPORTED) {
            let (sender, client) = (judged.sender(), name(&case.view.client(judged.hop)));
            let summary =
                format!("{sender} refused the request of {client} with 420, since it does not know session timers.");
            let remedy =
                format!("On {client}, drop timer from Require and Proxy-Require; \"Supported: timer\" is enough.");
            out.push(judged.finding(rule, judged.at_origin(rule.severity), summary, remedy));
        }
    }
}

fn min_se_in_response(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for exchange in case.exchanges {
        let odd = |judged: &Judged<'_>| {
            judged.record.min_se != Seconds::Absent && judged.record.status().is_some_and(|status| status != 422)
        };
        let mut said: Vec<IpAddr> = Vec::new();
        for judged in answers_with_headers(case, exchange).filter(odd) {
            // Who puts it into one answer to a request does so in the next.
            let sender = judged.record.source.address;
            if said.contains(&sender) {
                continue;
            }
            said.push(sender);
            out.push(misplaced_min_se(rule, &judged));
        }
    }
}

fn misplaced_min_se(rule: &'static Rule, judged: &Judged<'_>) -> Finding {
    let (sender, status) = (judged.sender(), judged.record.status().unwrap_or_default());
    let summary = format!("{sender} put Min-SE into its {status}; among responses only 422 may have it.");
    let remedy = format!("On {sender}, leave Min-SE out of the {status}.");
    judged.about_generator(rule, rule.severity, summary, remedy)
}

fn not_granted(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for judged in answers_to_client(case) {
        let is_success = judged.record.status().is_some_and(|status| status < 300);
        let asked = judged.request.and_then(|request| request.session_expires.value());
        let Some(asked) = asked.filter(|_| judged.hop.method.refreshes_sessions() && is_success) else { continue };
        if judged.record.session_expires == Seconds::Absent {
            let (sender, client) = (judged.sender(), name(&case.view.client(judged.hop)));
            let summary =
                format!("{client} offered Session-Expires {asked} s, and {sender} accepted without a session timer.");
            let remedy = format!(
                "Enable session timers (RFC 4028) on {sender} if stale calls must be found; until then only {client} can refresh."
            );
            out.push(judged.finding(rule, judged.at_origin(rule.severity), summary, remedy));
        }
    }
}

fn interval_raised(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for judged in successes(case) {
        let Some(request) = judged.request else { continue };
        let (Some(asked), Some(given)) = (request.session_expires.value(), judged.record.session_expires.value())
        else {
            continue;
        };
        if given > asked {
            // A proxy that was not seen may have raised the request to its Min-SE: what is below that it has to raise (RFC 4028 8.1).
            let may_be_raised = asked < request.min_se.value().unwrap_or(FLOOR);
            let is_sure = request.supports_timer && judged.depth() > 1 && !may_be_raised;
            let severity = if is_sure { Severity::Error } else { Severity::Notice };
            let sender = judged.sender();
            let summary =
                format!("{sender} raised the session interval in its 2xx from the {asked} s asked for to {given} s.");
            let remedy =
                format!("On {sender}, answer with at most {asked} s, or refuse with 422 and the Min-SE it needs.");
            out.push(judged.about_generator(rule, severity, summary, remedy));
        }
    }
}

fn interval_below_requested_min_se(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for judged in successes(case) {
        let Some(given) = judged.record.session_expires.value() else { continue };
        // Below the floor has a rule of its own.
        let Some(least) = judged.request.and_then(|request| request.min_se.value()).filter(|_| given >= FLOOR) else {
            continue;
        };
        if given < least {
            let sender = judged.sender();
            let summary = format!("{sender} agreed on {given} s although the request said Min-SE {least} s.");
            let remedy = format!("On {sender}, answer with a Session-Expires of at least {least} s.");
            out.push(judged.about_generator(rule, rule.severity, summary, remedy));
        }
    }
}

fn refresher_missing(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for judged in successes(case) {
        let odd = judged.record.timer_marks.has(TimerMarks::ODD_REFRESHER);
        let Some(given) = judged.record.session_expires.value() else { continue };
        if judged.record.refresher.is_none() && !odd {
            let sender = judged.sender();
            let supports = judged.request.is_some_and(|request| request.supports_timer);
            let side = judged.request.and_then(|request| request.refresher).map_or("uas", refresher_name);
            let summary =
                format!("{sender} agreed on {given} s without saying who refreshes: each side may wait for the other.");
            let require = if supports { " and \"Require: timer\"" } else { "" };
            let remedy = format!("On {sender}, add \";refresher={side}\" to Session-Expires of the 2xx{require}.");
            out.push(judged.about_generator(rule, rule.severity, summary, remedy));
        }
    }
}

fn refresher_overridden(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for judged in successes(case) {
        let (asked, given) = (judged.request.and_then(|request| request.refresher), judged.record.refresher);
        let supports = judged.request.is_some_and(|request| request.supports_timer);
        if asked.is_some() && given.is_some() && asked != given && supports {
            let sender = judged.sender();
            let (asked, given) = (word(asked), word(given));
            let summary = format!("The request named refresher={asked}, and {sender} answered refresher={given}.");
            let remedy = format!("On {sender}, echo refresher={asked}: who sent the request has the choice.");
            let severity = if may_be_inserted(&judged) { Severity::Notice } else { rule.severity };
            out.push(judged.about_generator(rule, severity, summary, remedy));
        }
    }
}

/// Whether a proxy that was not seen may have put Session-Expires into a 2xx of a server without timers: that has to be refresher=uac
/// (RFC 4028 8.2), and a proxy that wants a timer stays on the path (RFC 4028 8).
fn may_be_inserted(judged: &Judged<'_>) -> bool {
    let asked = judged.request.map_or(0, |request| request.record_routes);
    judged.record.refresher == Some(Refresher::Uac) && judged.record.record_routes > asked
}

fn refresher_uac_unsupported(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for judged in successes(case) {
        if judged.record.refresher == Some(Refresher::Uac)
            && judged.request.is_some_and(|request| !request.supports_timer)
        {
            let (sender, client) = (judged.sender(), name(&case.view.client(judged.hop)));
            let summary = format!(
                "{sender} made {client} the refresher (refresher=uac), which does not list timer in Supported."
            );
            let remedy = format!("On {sender}, answer refresher=uas and refresh itself, or leave Session-Expires out.");
            out.push(judged.about_generator(rule, rule.severity, summary, remedy));
        }
    }
}

fn require_missing(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for judged in successes(case).filter(|judged| !judged.record.timer_marks.has(TimerMarks::REQUIRE)) {
        let supports = judged.request.is_some_and(|request| request.supports_timer);
        let severity = match judged.record.refresher {
            Some(Refresher::Uac) => Severity::Error,
            Some(Refresher::Uas) if supports => Severity::Notice,
            _ => continue,
        };
        let (sender, side) = (judged.sender(), word(judged.record.refresher));
        let summary = format!("{sender} agreed on a session timer with refresher={side} without \"Require: timer\".");
        let remedy = format!("On {sender}, add \"Require: timer\" to the 2xx.");
        out.push(judged.about_generator(rule, severity, summary, remedy));
    }
}

fn require_without_interval(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for judged in successes(case) {
        if judged.record.timer_marks.has(TimerMarks::REQUIRE) && judged.record.session_expires == Seconds::Absent {
            let sender = judged.sender();
            let summary = format!("{sender} sent \"Require: timer\" in a 2xx without Session-Expires.");
            let remedy =
                format!("On {sender}, add Session-Expires with a refresher to that 2xx, or drop timer from Require.");
            out.push(judged.about_generator(rule, rule.severity, summary, remedy));
        }
    }
}

fn unexpected_method(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    let odd = |judged: &Judged<'_>| !judged.hop.method.refreshes_sessions() && judged.hop.method != Method::Ack;
    for judged in answers(case).filter(|judged| judged.record.status() == Some(422) && odd(judged)) {
        let (sender, method) = (judged.sender(), judged.hop.method.name().unwrap_or("another request"));
        let summary = format!("{sender} answered {method} with 422, which is for INVITE and UPDATE only.");
        let remedy = format!(
            "On {sender}, answer {method} with the status of its own defect; session intervals play no part in it."
        );
        out.push(judged.about_generator(rule, rule.severity, summary, remedy));
    }
}
