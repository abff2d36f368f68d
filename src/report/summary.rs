//! The counts at the head of a report.

use std::collections::BTreeMap;

use super::model;
use crate::analysis::Analysis;
use crate::correlation::{NegotiationOutcome, RedirectOutcome};
use crate::findings::Severity;

/// The counts at the head of a report.
pub(super) fn summary(analysis: &Analysis) -> model::Summary {
    let found = analysis.counts();
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
            total: found.redirects.values().sum(),
            by_status: found.statuses.iter().map(|(status, count)| (status.to_string(), *count)).collect(),
            by_outcome: named(&RedirectOutcome::NAMED, &found.redirects),
        },
        negotiations: model::NegotiationCounts {
            total: found.negotiations.values().sum(),
            by_outcome: named(&NegotiationOutcome::NAMED, &found.negotiations),
        },
        findings: named(&Severity::NAMED, &found.findings),
        findings_by_rule: found.rules,
        known_findings: analysis.known_findings,
        indeterminate: analysis.indeterminate.clone(),
    }
}

fn named<T: Ord + Copy>(named: &[(&'static str, T)], counts: &BTreeMap<T, u64>) -> BTreeMap<&'static str, u64> {
    named.iter().map(|(name, value)| (*name, counts.get(value).copied().unwrap_or(0))).collect()
}
