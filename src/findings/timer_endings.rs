//! Calls of the same two parties that end alike when their sessions are about to expire (RFC 4028 10): one may be chance, several are not.

use super::rule::{Confidence, Finding, Rule, Scope, Value};
use super::session::{DialogCase, byes_on_expiry};
use super::settings::Settings;
use super::stretch::to_seconds;
use super::words::name;
use crate::correlation::{Evidence, Party, Text};
use crate::limits::MAX_LISTED_REPEATS;
use crate::time::Timestamp;

/// A call that ended when its session was about to expire.
#[derive(Clone, Debug)]
pub struct Ending {
    /// Who sent BYE.
    pub by: Party,
    /// Who had to refresh.
    pub refresher: Party,
    /// The session interval in seconds.
    pub interval: u64,
    /// How long after the last 2xx the BYE came, in nanoseconds.
    pub after: i64,
    /// When it came.
    pub time: Timestamp,
    /// The frame that shows it.
    pub evidence: Evidence,
    /// The Call-ID.
    pub call_id: Text,
}

/// Calls that ended alike, in order of time.
#[derive(Debug)]
pub struct EndingsCase<'a> {
    /// The calls.
    pub endings: &'a [Ending],
    /// The thresholds of rules.
    pub settings: &'a Settings,
}

/// How a call ended, if that was when its session was about to expire and nothing else explains it but the timer, or chance.
pub fn ending(case: &DialogCase<'_>) -> Option<Ending> {
    let found = byes_on_expiry(case).find(|found| !found.unclear && found.stretch.dialog.both_directions)?;
    let (stretch, bye) = (found.stretch, found.bye);
    let refresher = stretch.agreement.refresher_tag.filter(|_| !case.view.has_cut_heads())?;
    Some(Ending {
        by: stretch.dialog.party(bye.by).clone(),
        refresher: stretch.dialog.party(refresher).clone(),
        interval: stretch.interval,
        after: found.after,
        time: bye.time,
        evidence: bye.evidence,
        call_id: case.view.call_id.into(),
    })
}

/// The check for calls that ended alike.
pub(super) fn alike(rule: &'static Rule, case: &EndingsCase<'_>, out: &mut Vec<Finding>) {
    let calls = case.endings.len() as u64;
    let Some(first) = case.endings.first().filter(|_| calls >= case.settings.expiry_repeats) else { return };
    let (by, refresher, interval) = (name(&first.by), name(&first.refresher), first.interval);
    let times = || case.endings.iter().map(|ending| ending.after);
    let (least, most) = (times().min().unwrap_or(first.after), times().max().unwrap_or(first.after));
    let (least, most) = (to_seconds(least), to_seconds(most));
    let summary = format!(
        "{calls} calls between {by} and {refresher} ended alike: {by} sent BYE {least:.1} to {most:.1} s after the last 2xx of a session of {interval} s. Users do not hang up like that: the session timer ended these calls, unless something else ends calls after that time."
    );
    let remediation = format!(
        "Fix session refresh on {refresher}: it should send UPDATE or re-INVITE after {} s, half of the interval, and no refresh got through in any of these calls.",
        interval / 2
    );
    let listed = case.endings.iter().take(MAX_LISTED_REPEATS);
    out.push(Finding {
        rule,
        severity: rule.severity,
        confidence: Confidence::Strong,
        scope: Scope::Client,
        place: first.evidence.place,
        time: first.time,
        call_id: first.call_id.clone(),
        summary,
        remediation,
        values: vec![
            ("calls", Value::Number(calls)),
            ("interval_s", Value::Number(interval)),
            ("bye_after_s_least", Value::Decimal(least)),
            ("bye_after_s_most", Value::Decimal(most)),
            ("refresher_address", Value::Text(first.refresher.endpoint.to_string().into_bytes().into())),
        ],
        evidence: listed.map(|ending| ending.evidence).collect(),
        context: Vec::new(),
        watch: None,
    });
}
