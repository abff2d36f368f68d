//! Rules about what proxies do to session timers: each needs the hop before and the hop behind the proxy (RFC 4028 8).

use super::rule::{Check, Confidence, Finding, Rule, Scope, Severity, Value};
use super::session::DialogCase;
use super::timer_messages::FLOOR;
use super::words::name;
use crate::correlation::{Evidence, Hop, MessageRecord, Role, Seconds, TimerMarks, place_of, refresher_name};
use crate::sip::Refresher;

/// The rules whose checks stand here.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "timer-proxy-changed-2xx-interval",
        severity: Severity::Error,
        summary: "A proxy changed the session interval of a 2xx.",
        explanation: "The interval in a 2xx is final. If a proxy changes it, the two sides count to different deadlines, and \
            calls drop. Both hops were captured.",
        remedy: "Pass Session-Expires of the 2xx on unchanged.",
        references: &["RFC 4028 8.2"],
        checks: &[Check::Dialog(changed_2xx_interval)],
    },
    Rule {
        id: "timer-proxy-changed-min-se",
        severity: Severity::Error,
        summary: "A proxy changed Min-SE of a request.",
        explanation: "If the client supports timers, a proxy must leave Min-SE alone and answer 422 if it needs more; it must \
            never lower it. Raising it for a client without timers is allowed, and for information only.",
        remedy: "Answer 422 with the needed Min-SE instead.",
        references: &["RFC 4028 8.1"],
        checks: &[Check::Dialog(changed_min_se)],
    },
    Rule {
        id: "timer-proxy-inserted-2xx-incomplete",
        severity: Severity::Error,
        summary: "A proxy put a session interval into a 2xx, but not all that belongs to it.",
        explanation: "A proxy that adds Session-Expires to a 2xx must add refresher=uac and Require: timer as well, or the client \
            does not know that it has to refresh.",
        remedy: "Add ;refresher=uac and Require: timer.",
        references: &["RFC 4028 8.2"],
        checks: &[Check::Dialog(inserted_2xx_incomplete)],
    },
    Rule {
        id: "timer-proxy-interval-below-min-se",
        severity: Severity::Error,
        summary: "A proxy lowered the session interval below what the client accepts.",
        explanation: "A proxy may lower the interval, but not below Min-SE of the request, or 90 s if it has none.",
        remedy: "Lower it to Min-SE at most.",
        references: &["RFC 4028 8.1"],
        checks: &[Check::Dialog(interval_below_min_se)],
    },
    Rule {
        id: "timer-proxy-not-record-routed",
        severity: Severity::Notice,
        summary: "A proxy asked for a session timer and does not stay on the path.",
        explanation: "A proxy that puts in or lowers Session-Expires wants to see refreshes, but without a Record-Route of its own they \
            go past it. Those of other proxies do not help it.",
        remedy: "Add Record-Route, or leave Session-Expires alone.",
        references: &["RFC 4028 8"],
        checks: &[Check::Dialog(not_record_routed)],
    },
    Rule {
        id: "timer-proxy-raised-interval",
        severity: Severity::Error,
        summary: "A proxy raised the session interval of a request.",
        explanation: "A proxy may lower the interval. It may raise it only where it is below Min-SE of the request, and up to that.",
        remedy: "Leave the interval, or lower it.",
        references: &["RFC 4028 8.1"],
        checks: &[Check::Dialog(raised_interval)],
    },
    Rule {
        id: "timer-proxy-set-refresher",
        severity: Severity::Error,
        summary: "A proxy added or changed the refresher of a request.",
        explanation: "Who refreshes is settled between the two ends; a proxy must not name a refresher in a request.",
        remedy: "Leave the refresher alone.",
        references: &["RFC 4028 8.1"],
        checks: &[Check::Dialog(set_refresher)],
    },
];

/// A request or 2xx before and behind one proxy.
struct Passed<'a> {
    case: &'a DialogCase<'a>,
    /// On the hop nearer to the client.
    near: &'a MessageRecord,
    /// On the hop nearer to the server.
    far: &'a MessageRecord,
    /// The hop nearer to the server: its client is the proxy.
    hop: &'a Hop,
}

impl Passed<'_> {
    fn proxy(&self) -> String {
        name(&self.case.view.client(self.hop))
    }

    fn finding(
        &self,
        rule: &'static Rule,
        summary: String,
        remediation: String,
        values: [(&'static str, Value); 2],
    ) -> Finding {
        let role = if self.near.is_request() { Role::Request } else { Role::Answer };
        Finding {
            rule,
            severity: rule.severity,
            confidence: Confidence::Strong,
            scope: Scope::Exchange,
            place: place_of(self.far),
            time: self.far.time,
            call_id: self.case.view.call_id.into(),
            summary,
            remediation,
            values: values.to_vec(),
            evidence: vec![Evidence { place: place_of(self.near), role }, Evidence { place: place_of(self.far), role }],
            context: Vec::new(),
            watch: None,
        }
    }
}

/// The hop before and the hop behind each proxy. A host that sends to itself is no less a proxy (a spiral); one hop alone is none.
fn pairs<'a>(case: &'a DialogCase<'_>) -> impl Iterator<Item = (&'a Hop, &'a Hop)> {
    let all = case.exchanges.iter().flat_map(|exchange| &exchange.forwarded);
    let hops = all.filter_map(|(near, far)| Some((case.view.hop(*near)?, case.view.hop(*far)?)));
    // What left from another address than the one it came to passed an element that was not seen in between.
    hops.filter(|(near, far)| near.method.refreshes_sessions() && near.server.address == far.client.address)
}

fn requests<'a>(case: &'a DialogCase<'_>) -> impl Iterator<Item = Passed<'a>> {
    pairs(case).filter_map(move |(near, far)| {
        Some(Passed { case, near: case.view.request(near)?, far: case.view.request(far)?, hop: far })
    })
}

fn successes<'a>(case: &'a DialogCase<'_>) -> impl Iterator<Item = Passed<'a>> {
    pairs(case).flat_map(move |(near, far)| {
        let of_far = far.answers.iter().filter(|answer| (200..300).contains(&answer.status));
        of_far.filter_map(move |deep| {
            let above = near.answers.iter().find(|above| above.status == deep.status && above.to_tag == deep.to_tag)?;
            Some(Passed { case, near: case.view.record(above.first)?, far: case.view.record(deep.first)?, hop: far })
        })
    })
}

fn least(request: &MessageRecord) -> u64 {
    request.min_se.value().unwrap_or(FLOOR)
}

fn raised_interval(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for passed in requests(case) {
        let (Some(before), Some(after)) = (passed.near.session_expires.value(), passed.far.session_expires.value())
        else {
            continue;
        };
        if after > before && before >= least(passed.near) {
            let proxy = passed.proxy();
            let summary = format!(
                "{proxy} raised Session-Expires of a request from {before} s to {after} s; it may only lower it."
            );
            let remedy = format!("On {proxy}, pass on {before} s or less, or refuse with 422 and the Min-SE it needs.");
            out.push(passed.finding(rule, summary, remedy, [("before_s", before.into()), ("after_s", after.into())]));
        }
    }
}

fn interval_below_min_se(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for passed in requests(case) {
        let (Some(after), least) = (passed.far.session_expires.value(), least(passed.far)) else { continue };
        // What came in too low already is the client's doing.
        let own = passed.near.session_expires != passed.far.session_expires || passed.near.min_se != passed.far.min_se;
        if own && after < least {
            let proxy = passed.proxy();
            let summary = format!("{proxy} sent Session-Expires {after} s on; the lowest value here is {least} s.");
            let remedy = format!("On {proxy}, do not lower the session interval below {least} s.");
            out.push(passed.finding(rule, summary, remedy, [("after_s", after.into()), ("lowest_s", least.into())]));
        }
    }
}

fn changed_min_se(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for passed in requests(case).filter(|passed| passed.near.min_se != passed.far.min_se) {
        let (before, after) = (passed.near.min_se.value(), passed.far.min_se.value());
        if passed.near.min_se == Seconds::Malformed || passed.far.min_se == Seconds::Malformed {
            continue;
        }
        let lowered = after.unwrap_or(0) < before.unwrap_or(0);
        let proxy = passed.proxy();
        let word = |value: Option<u64>| value.map_or_else(|| "none".to_owned(), |value| format!("{value} s"));
        let summary = format!("{proxy} changed Min-SE of a request from {} to {}.", word(before), word(after));
        let remedy = match after.filter(|_| !lowered) {
            Some(after) => format!("On {proxy}, answer 422 with Min-SE {after} instead: the client can then choose."),
            None => format!("On {proxy}, pass Min-SE on as it came."),
        };
        let mut found = passed.finding(rule, summary, remedy, [("before_s", before.into()), ("after_s", after.into())]);
        if !passed.near.supports_timer && !lowered {
            found.severity = Severity::Info;
        }
        out.push(found);
    }
}

fn set_refresher(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for passed in requests(case) {
        let Some(after) = passed.far.refresher.filter(|_| passed.near.refresher != passed.far.refresher) else {
            continue;
        };
        let proxy = passed.proxy();
        let word = |refresher: Option<Refresher>| refresher.map_or("none", refresher_name);
        let (before, after) = (word(passed.near.refresher), word(Some(after)));
        let summary = format!("{proxy} changed the refresher of a request from {before} to {after}.");
        let remedy = format!("On {proxy}, leave the refresher of requests alone.");
        let values = [("before", Value::Word(before)), ("after", Value::Word(after))];
        out.push(passed.finding(rule, summary, remedy, values));
    }
}

fn changed_2xx_interval(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for passed in successes(case) {
        let (Some(sent), Some(got)) = (passed.far.session_expires.value(), passed.near.session_expires.value()) else {
            continue;
        };
        if sent != got {
            let proxy = passed.proxy();
            let summary = format!("{proxy} changed Session-Expires of a 2xx from {sent} s to {got} s.");
            let remedy = format!("On {proxy}, pass the {sent} s of the 2xx on: that value is final.");
            out.push(passed.finding(rule, summary, remedy, [("before_s", sent.into()), ("after_s", got.into())]));
        }
    }
}

fn inserted_2xx_incomplete(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    for passed in successes(case).filter(|passed| passed.far.session_expires == Seconds::Absent) {
        let Some(interval) = passed.near.session_expires.value() else { continue };
        let (refresher, require) = (passed.near.refresher, passed.near.timer_marks.has(TimerMarks::REQUIRE));
        if refresher != Some(Refresher::Uac) || !require {
            let proxy = passed.proxy();
            let summary = format!(
                "{proxy} put Session-Expires {interval} s into a 2xx without refresher=uac and \"Require: timer\"."
            );
            let remedy =
                format!("On {proxy}, insert \"Session-Expires: {interval};refresher=uac\" and \"Require: timer\".");
            let values = [("session_expires_s", interval.into()), ("require_timer", require.into())];
            out.push(passed.finding(rule, summary, remedy, values));
        }
    }
}

fn not_record_routed(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    // Within a dialog the route is settled.
    for passed in requests(case).filter(|passed| passed.near.to_tag.is_empty()) {
        let (before, Some(after)) = (passed.near.session_expires.value(), passed.far.session_expires.value()) else {
            continue;
        };
        let asks = before.is_none_or(|before| after < before) && passed.near.session_expires != Seconds::Malformed;
        // Whoever stays on the path puts a value in front of those that came; what is changed otherwise may hide one.
        if asks && passed.far.record_routes == passed.near.record_routes {
            let proxy = passed.proxy();
            let summary = format!(
                "{proxy} asked for a session interval of {after} s, but puts no Record-Route in: refreshes go past it."
            );
            let remedy = format!("On {proxy}, add Record-Route to INVITE, or leave Session-Expires alone.");
            out.push(passed.finding(rule, summary, remedy, [("before_s", before.into()), ("after_s", after.into())]));
        }
    }
}
