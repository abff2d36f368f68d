//! The rule about session intervals that are legal but short: once for each element that asks for them (RFC 4028 4).

use super::devices::{Setting, called};
use super::rule::{Check, Confidence, Finding, Rule, Scope, Severity, Value};
use super::session::DialogCase;
use super::settings::Settings;
use super::timer_messages::FLOOR;
use super::words::name;
use crate::correlation::{Evidence, Method, Party, Place, Role, Text, place_of};
use crate::time::Timestamp;

/// The rules whose checks stand here.
pub(super) const RULES: &[Rule] = &[Rule {
    id: "timer-interval-below-recommended",
    severity: Severity::Info,
    summary: "An element asks for a session interval that is shorter than recommended.",
    explanation: "Intervals from 90 s on are legal, but 1800 s and more are recommended: each refresh costs messages and is one more chance to \
        lose the call. The first INVITE of a call is looked at, before any 422. Said once for each source in the whole capture.",
    remedy: "Raise the session interval to 1800 s, unless stale calls have to be found sooner.",
    references: &["RFC 4028 4"],
    checks: &[Check::Source(below_recommended)],
}];

/// An INVITE that asks for a short session interval.
#[derive(Clone, Debug)]
pub struct ShortInterval {
    /// Who sent it.
    pub source: Party,
    /// The interval in seconds.
    pub interval: u64,
    /// When it was sent.
    pub time: Timestamp,
    /// Where it is.
    pub place: Place,
    /// The Call-ID.
    pub call_id: Text,
    /// Whether it is as its originator sent it (one Via).
    pub hop1_seen: bool,
}

/// An element that asks for short session intervals.
#[derive(Debug)]
pub struct SourceCase<'a> {
    /// The first of its requests that does.
    pub first: &'a ShortInterval,
    /// In how many calls it does; not known if there were too many elements to count.
    pub calls: Option<u64>,
    /// The thresholds of rules.
    pub settings: &'a Settings,
}

/// The first INVITE of a call, if it asks for an interval that is legal and shorter than recommended.
pub fn short_interval(case: &DialogCase<'_>) -> Option<ShortInterval> {
    // What comes after a 422 is what the server wanted.
    let first = case.exchanges.first()?;
    let hop = case.view.hop(first.root).filter(|hop| hop.method == Method::Invite)?;
    let request = case.view.request(hop).filter(|request| request.to_tag.is_empty())?;
    let interval = request.session_expires.value()?;
    if !(FLOOR..case.settings.recommended_interval_s).contains(&interval) || case.view.continued {
        return None;
    }
    Some(ShortInterval {
        source: case.view.client(hop),
        interval,
        time: request.time,
        place: place_of(request),
        call_id: case.view.call_id.into(),
        hop1_seen: case.view.depth(hop) <= 1,
    })
}

fn below_recommended(rule: &'static Rule, case: &SourceCase<'_>, out: &mut Vec<Finding>) {
    let short = case.first;
    let (source, recommended) = (name(&short.source), case.settings.recommended_interval_s);
    let often = match case.calls {
        Some(1) | None => String::new(),
        Some(calls) => format!(", in {calls} calls of the capture"),
    };
    let summary = format!(
        "{source} asks for a session interval of {} s; {recommended} s are recommended{often}.",
        short.interval
    );
    let remediation = format!(
        "On {source}, raise the session interval from {} s to {recommended} s, unless stale calls have to be found sooner.{}",
        short.interval,
        called(short.source.agent.as_ref(), Setting::Interval)
    );
    out.push(Finding {
        rule,
        severity: rule.severity,
        confidence: Confidence::Strong,
        scope: Scope::Client,
        place: short.place,
        time: short.time,
        call_id: short.call_id.clone(),
        summary,
        remediation,
        values: vec![
            ("session_expires_s", Value::Number(short.interval)),
            ("recommended_s", Value::Number(recommended)),
            ("calls", case.calls.into()),
        ],
        evidence: vec![Evidence { place: short.place, role: Role::Request }],
        context: vec![("hop1_seen", short.hop1_seen)],
        watch: None,
    });
}
