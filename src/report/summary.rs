//! The counts at the head of a report.

use std::collections::BTreeMap;

use super::model;
use crate::analysis::Analysis;
use crate::correlation::{NegotiationOutcome, RedirectOutcome};
use crate::findings::Severity;

/// The counts at the head of a report.
pub(super) fn summary(analysis: &Analysis) -> model::Summary {
    let mut by_status: BTreeMap<String, u64> = BTreeMap::new();
    for judged in &analysis.redirects {
        *by_status.entry(judged.redirect.status.to_string()).or_default() += 1;
    }
    let mut by_rule: BTreeMap<&'static str, u64> = BTreeMap::new();
    for finding in &analysis.findings {
        *by_rule.entry(finding.rule.id).or_default() += 1;
    }
    let totals = &analysis.totals;
    model::Summary {
        frames: analysis.counters.decode.frames,
        sip_messages: totals.messages.total(),
        requests: totals.messages.requests_by_method(),
        responses: totals.messages.responses_by_status(),
        calls: totals.calls,
        invite_calls: totals.invite_calls,
        dialogs: totals.dialogs,
        redirects: model::RedirectCounts {
            total: analysis.redirects.len() as u64,
            by_status,
            by_outcome: counts(&RedirectOutcome::NAMED, analysis.redirects.iter().map(|judged| judged.outcome)),
        },
        negotiations: model::NegotiationCounts {
            total: analysis.negotiations.len() as u64,
            by_outcome: counts(&NegotiationOutcome::NAMED, analysis.negotiations.iter().map(|judged| judged.outcome)),
        },
        findings: counts(&Severity::NAMED, analysis.findings.iter().map(|finding| finding.severity)),
        findings_by_rule: by_rule,
        known_findings: analysis.known_findings,
        indeterminate: analysis.indeterminate.clone(),
    }
}

fn counts<T: Ord + Copy>(named: &[(&'static str, T)], all: impl Iterator<Item = T>) -> BTreeMap<&'static str, u64> {
    let mut counts: BTreeMap<T, u64> = BTreeMap::new();
    for value in all {
        *counts.entry(value).or_default() += 1;
    }
    named.iter().map(|(name, value)| (*name, counts.get(value).copied().unwrap_or(0))).collect()
}
