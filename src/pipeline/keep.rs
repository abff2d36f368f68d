//! Which findings and dialogs are kept, and their order.

use foldhash::HashSet;
use rayon::prelude::*;

use super::settle::Listed;
use super::verdicts::Verdict;
use super::watching::Watching;
use crate::analysis::{Analysis, JudgedNegotiation, JudgedRedirect};
use crate::correlation::{Negotiation, NegotiationOutcome, Redirect};
use crate::findings::{Severity, Stated};
use crate::options::{DialogsListed, Options};

/// Puts what was decided into an analysis.
pub(super) struct Keep<'a> {
    pub(super) options: &'a Options,
    pub(super) analysis: &'a mut Analysis,
}

impl Keep<'_> {
    /// Keeps a redirect with its findings.
    pub(super) fn redirect(&mut self, redirect: Box<Redirect>, verdict: Verdict) {
        verdict.open.into_iter().for_each(|rule| self.indeterminate(rule));
        let findings = verdict.found.into_iter().filter_map(|finding| self.finding(finding)).collect();
        let (outcome, for_good) = (verdict.outcome, verdict.for_good);
        let judged = JudgedRedirect { redirect, outcome, still_calling_old: false, for_good, findings };
        self.analysis.redirects.push(judged);
    }

    /// Keeps a negotiation with its findings.
    pub(super) fn negotiation(
        &mut self,
        negotiation: Box<Negotiation>,
        (outcome, found): (NegotiationOutcome, Vec<Box<Stated>>),
    ) {
        if outcome == NegotiationOutcome::Undetermined {
            self.indeterminate("timer-422-unresolved");
        }
        let head_cut = negotiation.head_cut;
        let findings = found.into_iter().filter_map(|finding| self.unless_cut(finding, head_cut)).collect();
        self.analysis.negotiations.push(JudgedNegotiation { negotiation, outcome, findings });
    }

    /// Keeps a finding that may rest on how long the capture went on; says whether it flags its call.
    pub(super) fn conditional(&mut self, finding: Box<Stated>, watching: &Watching) -> bool {
        if finding.watch.is_some_and(|watch| !watching.holds(&watch)) {
            self.indeterminate(finding.rule.id);
            return false;
        }
        let flags = finding.severity >= Severity::Notice;
        self.finding(finding).is_some() && flags
    }

    /// Keeps a finding, unless it is more than information and rests on a call of which the capture lacks part of the head of a message.
    pub(super) fn unless_cut(&mut self, finding: Box<Stated>, head_cut: bool) -> Option<usize> {
        if finding.severity == Severity::Info || !head_cut {
            return self.finding(finding);
        }
        self.indeterminate(finding.rule.id);
        None
    }

    /// Keeps a finding that was asked for and is not known, and says at which place it stands.
    pub(super) fn finding(&mut self, finding: Box<Stated>) -> Option<usize> {
        if !self.options.selection.takes(finding.rule.id, finding.severity) {
            return None;
        }
        if !self.options.known.is_empty() && self.options.known.contains(&finding.fingerprint()) {
            self.analysis.known_findings += 1;
            return None;
        }
        self.analysis.findings.push(finding);
        Some(self.analysis.findings.len() - 1)
    }

    /// Keeps those of some findings that were asked for and are not known.
    pub(super) fn all(&mut self, found: Vec<Box<Stated>>) {
        for finding in found {
            self.finding(finding);
        }
    }

    /// Keeps the dialogs that were asked for.
    pub(super) fn dialogs(&mut self, listed: impl Iterator<Item = Listed>, flagged: &HashSet<u64>) {
        let wanted = |listed: &Listed| match self.options.dialogs {
            DialogsListed::None => false,
            DialogsListed::Flagged => listed.anyway || flagged.contains(&listed.instance),
            DialogsListed::All => true,
        };
        self.analysis.listed.extend(listed.filter(wanted).map(|listed| listed.dialog));
    }

    fn indeterminate(&mut self, rule: &'static str) {
        if self.options.selection.takes(rule, Severity::Error) {
            *self.analysis.indeterminate.entry(rule).or_default() += 1;
        }
    }
}

/// Adds the results of settled calls to others; if they are forgotten, only what the end of a report needs of them.
pub(super) fn add(all: &mut Analysis, part: Analysis, is_forgotten: bool) {
    all.known_findings += part.known_findings;
    for (rule, count) in part.indeterminate {
        *all.indeterminate.entry(rule).or_default() += count;
    }
    if is_forgotten {
        all.shown.take(part.redirects, part.negotiations, &part.findings);
        return;
    }
    if !all.has_results() {
        (all.redirects, all.negotiations) = (part.redirects, part.negotiations);
        (all.findings, all.listed) = (part.findings, part.listed);
        return;
    }
    let behind = all.findings.len();
    let moved = |places: &mut Vec<usize>| places.iter_mut().for_each(|place| *place += behind);
    all.redirects.extend(part.redirects.into_iter().map(|mut judged| {
        moved(&mut judged.findings);
        judged
    }));
    all.negotiations.extend(part.negotiations.into_iter().map(|mut judged| {
        moved(&mut judged.findings);
        judged
    }));
    all.findings.extend(part.findings);
    all.listed.extend(part.listed);
}

/// Puts results in order of time.
pub(super) fn sort(analysis: &mut Analysis) {
    analysis.redirects.par_sort_by_key(|judged| (judged.redirect.time, judged.redirect.place));
    let first = |judged: &JudgedNegotiation| judged.negotiation.rounds.first().map(|round| (round.time, round.place));
    analysis.negotiations.par_sort_by_key(first);
    let keys = analysis.findings.iter().enumerate();
    let mut order: Vec<_> = keys.map(|(old, finding)| (finding.time, finding.place, finding.rule.id, old)).collect();
    order.par_sort_unstable();
    let mut new_place = vec![0; order.len()];
    for (new, (.., old)) in order.iter().enumerate() {
        if let Some(place) = new_place.get_mut(*old) {
            *place = new;
        }
    }
    let mut unordered: Vec<Option<Box<Stated>>> =
        std::mem::take(&mut analysis.findings).into_iter().map(Some).collect();
    analysis.findings = order.iter().filter_map(|(.., old)| unordered.get_mut(*old).and_then(Option::take)).collect();
    let renumber = |places: &mut Vec<usize>| {
        for place in places.iter_mut() {
            *place = new_place.get(*place).copied().unwrap_or(*place);
        }
        places.sort_unstable();
    };
    analysis.redirects.iter_mut().for_each(|redirect| renumber(&mut redirect.findings));
    analysis.negotiations.iter_mut().for_each(|negotiation| renumber(&mut negotiation.findings));
    analysis.listed.par_sort_unstable_by(|one, other| {
        (one.start, one.place, &one.callee_tag).cmp(&(other.start, other.place, &other.callee_tag))
    });
}
