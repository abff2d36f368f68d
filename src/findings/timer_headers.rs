//! Rules about the headers of session timers in requests, and in any message (RFC 4028 4, 5, 7.1).

use super::devices::Setting;
use super::rule::{Check, Finding, Rule, Severity};
use super::session::DialogCase;
use super::timer_messages::{FLOOR, Judged, answers, answers_with_headers, requests, successes, word};
use crate::correlation::{Seconds, TimerMarks};

/// The rules whose checks stand here.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "timer-header-duplicated",
        severity: Severity::Warning,
        summary: "Session-Expires or Min-SE is in a message more than once.",
        explanation: "Both headers take one value. With two, peers act on either; Session-Expires also counts under its \
            compact name x.",
        remedy: "Send the header once.",
        references: &["RFC 3261 7.3.1", "RFC 4028 4"],
        checks: &[Check::Dialog(header_duplicated)],
    },
    Rule {
        id: "timer-header-malformed",
        severity: Severity::Error,
        summary: "Session-Expires or Min-SE is not a number of seconds.",
        explanation: "The value must be decimal digits. Peers refuse the message with 400 or ignore the timer.",
        remedy: "Send whole seconds.",
        references: &["RFC 4028 4", "RFC 4028 5"],
        checks: &[Check::Dialog(header_malformed)],
    },
    Rule {
        id: "timer-header-misplaced",
        severity: Severity::Notice,
        summary: "Session-Expires stands where it has no meaning.",
        explanation: "The header is for INVITE and UPDATE requests and their 2xx. It is often put into a 422 by mistake \
            for Min-SE, or into 180 and 183. Said once for each call.",
        remedy: "Leave it out there.",
        references: &["RFC 4028 4"],
        checks: &[Check::Dialog(header_misplaced)],
    },
    Rule {
        id: "timer-interval-below-90",
        severity: Severity::Error,
        summary: "A session interval is below 90 seconds.",
        explanation: "90 seconds is the least interval. In a 2xx it is an error; in a request a notice, since servers \
            answer 422 to it. Of requests the first of a call is named.",
        remedy: "Raise the session interval to at least 90 s; 1800 s is recommended.",
        references: &["RFC 4028 4", "RFC 4028 9"],
        checks: &[Check::Dialog(interval_below_90)],
    },
    Rule {
        id: "timer-interval-below-min-se",
        severity: Severity::Error,
        summary: "A request offers less than its own Min-SE.",
        explanation: "Session-Expires of a request must not be below its Min-SE. Servers may refuse the request, or \
            ignore either header.",
        remedy: "Raise Session-Expires to Min-SE, or lower Min-SE.",
        references: &["RFC 4028 7.1", "RFC 4028 8.1"],
        checks: &[Check::Dialog(interval_below_min_se)],
    },
    Rule {
        id: "timer-refresher-invalid",
        severity: Severity::Error,
        summary: "A refresher is neither uac nor uas.",
        explanation: "Other values tell nobody who has to refresh; the session may expire.",
        remedy: "Write uac or uas.",
        references: &["RFC 4028 4"],
        checks: &[Check::Dialog(refresher_invalid)],
    },
    Rule {
        id: "timer-refresher-without-support",
        severity: Severity::Notice,
        summary: "A request names a refresher without supporting timers.",
        explanation: "The combination is not allowed; servers may ignore the refresher.",
        remedy: "Add Supported: timer, or leave the refresher out.",
        references: &["RFC 4028 9"],
        checks: &[Check::Dialog(refresher_without_support)],
    },
    Rule {
        id: "timer-require-in-request",
        severity: Severity::Info,
        summary: "A request insists on session timers.",
        explanation: "Require or Proxy-Require: timer makes peers without RFC 4028 refuse the call with 420.",
        remedy: "Use Supported: timer alone.",
        references: &["RFC 4028 7.1"],
        checks: &[Check::Dialog(require_in_request)],
    },
    Rule {
        id: "timer-supported-missing",
        severity: Severity::Warning,
        summary: "A client offers an interval without listing timer in Supported.",
        explanation: "Servers then treat the client as one that knows no timers: they cannot make it refresh, and cannot \
            tell it their minimum. Judged where the request has one Via only, since proxies may add Session-Expires.",
        remedy: "Add Supported: timer.",
        references: &["RFC 4028 7.1"],
        checks: &[Check::Dialog(supported_missing)],
    },
];

fn header_malformed(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for judged in requests(case).chain(successes(case)) {
        let broken = |value: Seconds| value == Seconds::Malformed;
        let (header, text) = match (broken(judged.record.session_expires), broken(judged.record.min_se)) {
            (true, _) => ("Session-Expires", judged.quoted(|odd| &odd.session_expires)),
            (false, true) => ("Min-SE", judged.quoted(|odd| &odd.min_se)),
            (false, false) => continue,
        };
        let sender = judged.sender();
        let summary = format!("{sender} sent a {header} that is not a number of seconds{text}.");
        let remedy = format!("On {sender}, send {header} as whole seconds, for example \"{header}: 1800\".");
        out.push(judged.finding(rule, rule.severity, summary, remedy));
    }
}

fn header_duplicated(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for judged in requests(case).chain(answers(case)) {
        let (header, text) = if judged.record.timer_marks.has(TimerMarks::SESSION_EXPIRES_AGAIN) {
            ("Session-Expires (compact: x) or a parameter of it", judged.quoted(|odd| &odd.session_expires))
        } else if judged.record.timer_marks.has(TimerMarks::MIN_SE_AGAIN) && judged.record.status() != Some(422) {
            // For a 422 there is a rule of its own.
            ("Min-SE", judged.quoted(|odd| &odd.min_se))
        } else {
            continue;
        };
        let sender = judged.sender();
        let summary = format!("{sender} sent {header} more than once in one message{text}; peers may take either.");
        out.push(judged.finding(rule, rule.severity, summary, format!("On {sender}, send {header} once.")));
    }
}

fn header_misplaced(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    let request = |judged: &Judged<'_>| !judged.hop.method.refreshes_sessions();
    let answer = |judged: &Judged<'_>| {
        request(judged) || judged.record.status().is_some_and(|status| !(200..300).contains(&status))
    };
    let roots = case.exchanges.iter().filter_map(|exchange| {
        let hop = case.view.hop(exchange.root)?;
        let record = case.view.request(hop)?;
        Some(Judged { case, hop, record, request: Some(record) })
    });
    let answers = case.exchanges.iter().flat_map(|exchange| answers_with_headers(case, exchange));
    let mut odd = roots.filter(request).chain(answers.filter(answer));
    // One is enough for a call: an element that does it does it always.
    let Some(judged) = odd.find(|judged| judged.record.session_expires != Seconds::Absent) else { return };
    let sender = judged.sender();
    let what = match judged.record.status() {
        Some(status) => format!("a {status} answer to {}", judged.hop.method.name().unwrap_or("a request")),
        None => format!("{} request", judged.hop.method.name().unwrap_or("another")),
    };
    let summary = format!("{sender} sent Session-Expires in {what}, where it has no meaning.");
    let remedy =
        format!("On {sender}, send Session-Expires in INVITE, UPDATE and their 2xx only; peers ignore it elsewhere.");
    out.push(judged.finding(rule, rule.severity, summary, remedy));
}

fn interval_below_90(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    let below = |judged: &Judged<'_>| judged.record.session_expires.value().filter(|value| *value < FLOOR);
    if let Some((judged, value)) = requests(case).find_map(|judged| below(&judged).map(|value| (judged, value))) {
        let sender = judged.sender();
        let summary = format!("{sender} offered Session-Expires {value} s; no interval may be below {FLOOR} s.");
        let remedy = format!(
            "On {sender}, raise the session interval from {value} s to at least {FLOOR} s; 1800 s is recommended.{}",
            judged.setting(Setting::Interval)
        );
        out.push(judged.finding(rule, judged.at_origin(Severity::Notice), summary, remedy));
    }
    for judged in successes(case) {
        let Some(value) = below(&judged) else { continue };
        let sender = judged.sender();
        let summary = format!("{sender} agreed on Session-Expires {value} s; no interval may be below {FLOOR} s.");
        let remedy = format!(
            "On {sender}, set the minimum session interval to at least {FLOOR} s; 1800 s is recommended.{}",
            judged.setting(Setting::Minimum)
        );
        out.push(judged.about_generator(rule, Severity::Error, summary, remedy));
    }
}

fn interval_below_min_se(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for judged in requests(case) {
        let (Some(interval), Some(min_se)) = (judged.record.session_expires.value(), judged.record.min_se.value())
        else {
            continue;
        };
        if interval < min_se {
            let sender = judged.sender();
            let summary = format!("{sender} sent Session-Expires {interval} s below its own Min-SE {min_se} s.");
            let remedy = format!(
                "On {sender}, raise Session-Expires from {interval} s to at least {min_se} s, or lower Min-SE.{}",
                judged.setting(Setting::Interval)
            );
            out.push(judged.finding(rule, judged.at_origin(rule.severity), summary, remedy));
        }
    }
}

fn supported_missing(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    // Beyond the first hop a proxy may have put Session-Expires in.
    for judged in requests(case).filter(|judged| judged.depth() == 1) {
        if judged.record.session_expires != Seconds::Absent && !judged.record.supports_timer {
            let sender = judged.sender();
            let summary = format!("{sender} sent Session-Expires without listing timer in Supported.");
            let remedy = format!("On {sender}, add \"Supported: timer\" (compact k) to every request but ACK.");
            out.push(judged.finding(rule, rule.severity, summary, remedy));
        }
    }
}

fn require_in_request(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    let both = TimerMarks::REQUIRE.and(TimerMarks::PROXY_REQUIRE);
    for judged in requests(case).filter(|judged| judged.record.timer_marks.has_any(both)) {
        let sender = judged.sender();
        let summary =
            format!("{sender} demands RFC 4028 with Require or Proxy-Require: timer; peers without it answer 420.");
        let remedy = format!("On {sender}, use \"Supported: timer\" alone.");
        out.push(judged.finding(rule, judged.at_origin(rule.severity), summary, remedy));
    }
}

fn refresher_invalid(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for judged in requests(case).chain(successes(case)) {
        if judged.record.timer_marks.has(TimerMarks::ODD_REFRESHER) {
            let sender = judged.sender();
            let text = judged.quoted(|odd| &odd.session_expires);
            let summary = format!("{sender} named a refresher that is neither uac nor uas{text}.");
            let remedy = format!("On {sender}, write refresher=uac or refresher=uas, as seen from the request.");
            out.push(judged.finding(rule, rule.severity, summary, remedy));
        }
    }
}

fn refresher_without_support(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for judged in requests(case).filter(|judged| !judged.record.supports_timer && judged.record.refresher.is_some()) {
        let sender = judged.sender();
        let side = word(judged.record.refresher);
        let summary = format!("{sender} named refresher={side} without listing timer in Supported.");
        let remedy = format!("On {sender}, add \"Supported: timer\", or leave the refresher out.");
        out.push(judged.finding(rule, judged.at_origin(rule.severity), summary, remedy));
    }
}
