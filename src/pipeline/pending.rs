//! What finished calls left, until it is settled: at once where somebody waits for it, else at the end of the input.

use std::ops::ControlFlow;

use rayon::prelude::*;

use super::chosen::Chosen;
use super::endings::Endings;
use super::judge::Judged;
use super::keep::{self, Keep};
use super::room::Room;
use super::settle::{Left, Lot};
use super::sources::Sources;
use super::together::Together;
use super::watching::Watching;
use crate::analysis::{Analysis, CallTotals, JudgedRedirect};
use crate::capture::InputInfo;
use crate::correlation::{Links, OddOrigin, Oddities, Oddity, Sighting};
use crate::findings::{EndingsCase, SourceCase, judge_endings, judge_oddity, judge_source};
use crate::options::Options;
use crate::time::Timestamp;

/// What finished calls left.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// The calls that wait for their time, if they are settled while the input is still read.
    room: Option<Room>,
    /// Those that wait for the end of the input.
    lot: Lot,
    /// Those that a filter did not take, with their links: it may take others of the same Call-ID.
    others: Lot,
    left: Left,
    /// What is settled already.
    settled: Analysis,
    dialogs: u64,
    mirrors: u64,
    chosen: Chosen,
    oddities: Oddities,
    sources: Sources,
    endings: Endings,
}

/// What is shown the results that are settled, in the order in which they came to be; those of calls that are linked stand together.
pub(crate) type Visit<'v> = &'v mut (dyn FnMut(&[Analysis]) -> ControlFlow<()> + Send);

impl Pending {
    /// Nothing yet; `early` says whether calls are settled while the input is still read.
    pub(crate) fn new(early: bool) -> Self {
        Self { room: early.then(Room::default), ..Self::default() }
    }

    /// Whether calls are settled while the input is still read.
    pub(crate) const fn is_early(&self) -> bool {
        self.room.is_some()
    }

    /// Notes which calls may be linked.
    pub(crate) fn tie(&mut self, ties: Vec<(u64, u64)>) {
        if let Some(room) = &mut self.room {
            room.tie(ties);
        }
    }

    /// Whether a call may be linked to another.
    pub(crate) fn is_tied(&self, instance: u64) -> bool {
        self.room.as_ref().is_some_and(|room| room.is_tied(instance))
    }

    /// Takes what is known of a finished call.
    pub(crate) fn take(&mut self, mut judged: Judged) {
        self.dialogs += judged.dialogs;
        self.mirrors += judged.mirrors;
        let has_results = judged.has_results();
        if !judged.oversize.is_empty() && judged.tally.is_none() && self.oddities.is_by_call() {
            // Without a filter no call has to be told from another.
            self.oddities = Oddities::new(false);
        }
        for (oddity, seen) in std::mem::take(&mut judged.oversize) {
            self.oddities.add(oddity, OddOrigin::Element(seen.source.address), seen);
        }
        if let Some(tally) = judged.tally.take() {
            judged.selected = tally.selected().cloned();
            self.chosen.take(tally, has_results);
        }
        if let Some(short) = judged.short_interval.take() {
            self.sources.take(short);
        }
        if let Some(ending) = judged.ending.take() {
            self.endings.take(ending);
        }
        match &mut self.room {
            Some(room) => room.take(judged),
            None => self.lot.take(judged),
        }
    }

    /// Settles the calls whose time has come, and shows what came of them; says whether more is wanted.
    pub(crate) fn settle(
        &mut self,
        links: &mut Links,
        watching: &Watching,
        options: &Options,
        (reached, inputs): (Timestamp, &[InputInfo]),
        visit: Visit<'_>,
    ) -> ControlFlow<()> {
        let Some(room) = &mut self.room else { return ControlFlow::Continue(()) };
        let ready = room.ready(reached);
        let settle = |mut lot: Lot, links: &Links| {
            let mut part = Analysis { inputs: inputs.to_vec(), names: options.names.clone(), ..Analysis::default() };
            lot.link(links);
            let wanted = lot.take_wanted();
            let others = if options.filter.is_empty() { Lot::default() } else { lot.part(&wanted) };
            let left = lot.decide((links, watching), options, &|_| true, &mut part);
            keep::sort(&mut part);
            (part, (left, others, wanted))
        };
        let shared: &Links = links;
        let settled: Vec<_> = ready.into_par_iter().map(|lot| settle(lot, shared)).collect();
        let (parts, left): (Vec<Analysis>, Vec<_>) = settled.into_iter().unzip();
        let goes_on = if parts.iter().any(Analysis::has_results) { visit(&parts) } else { ControlFlow::Continue(()) };
        for part in &parts {
            part.asked_elsewhere().for_each(|(instance, cseq)| links.forget_candidates(instance, cseq));
        }
        for (left, others, wanted) in left {
            self.others.absorb(others);
            self.chosen.link(wanted);
            let lasting = left.starts.into_iter().filter(|(place, _)| links.forget_target(*place));
            self.left.starts.extend(lasting);
        }
        for part in parts {
            keep::add(&mut self.settled, part, options.forget_shown);
        }
        goes_on
    }

    /// Settles what is left: the input is over, and `analysis` has its counts. What came of it is shown, and all results are put into it.
    pub(crate) fn finish(
        mut self,
        (links, watching): (&Links, &Watching),
        options: &Options,
        analysis: &mut Analysis,
        visit: Visit<'_>,
    ) {
        let mut lot = self.room.map(Room::empty).unwrap_or(self.lot);
        lot.link(links);
        lot.absorb(self.others);
        let all = options.filter.is_empty();
        let mut chosen = self.chosen;
        if !all {
            chosen.close(lot.redirects(), lot.negotiations());
        }
        let wanted = |call_id: &[u8]| all || chosen.has(call_id);
        let mut part =
            Analysis { inputs: analysis.inputs.clone(), names: options.names.clone(), ..Analysis::default() };
        let rest = lot.decide((links, watching), options, &wanted, &mut part);
        self.left.redirects.extend(rest.redirects);
        self.left.starts.extend(rest.starts);
        let together = Together::judge(links, &self.left, options, &self.settled, &part);
        let mut keep = Keep { options, analysis: &mut part };
        together.found.into_iter().for_each(|(finding, head_cut)| {
            keep.unless_cut(finding, head_cut);
        });
        let mut oddities = std::mem::take(&mut analysis.counters.oddities);
        oddities += &self.oddities;
        for reused in links.branches_reused() {
            if let Some(start) = self.left.starts.get(&reused.later) {
                let seen = start.sighting(reused.earlier);
                oddities.add(Oddity::BranchOfOtherCall, OddOrigin::Element(start.client), seen);
            }
        }
        if let Some(seen) = lone_fragments(analysis).filter(|_| all) {
            oddities.add(Oddity::LoneFragments, OddOrigin::Input(seen.place.input), seen);
        }
        analysis.odd_beyond_limit = oddities.overflow();
        for group in oddities.into_groups(wanted) {
            keep.all(judge_oddity(&group));
        }
        analysis.sources_beyond_limit = self.sources.overflowed();
        for (first, calls) in self.sources.list() {
            keep.all(judge_source(&SourceCase { first: &first, calls, settings: &options.settings }));
        }
        let (alike, forgotten) = self.endings.list();
        analysis.endings_beyond_limit = forgotten;
        for endings in alike {
            keep.all(judge_endings(&EndingsCase { endings: &endings, settings: &options.settings }));
        }
        keep::sort(&mut part);
        // There is nothing left to be stopped.
        let _ = visit(std::slice::from_ref(&part));
        let is_only = !self.settled.has_results();
        analysis.shown = std::mem::take(&mut self.settled.shown);
        keep::add(analysis, self.settled, false);
        keep::add(analysis, part, options.forget_shown);
        if !is_only {
            keep::sort(analysis);
        }
        let calling = |judged: &mut JudgedRedirect| {
            judged.still_calling_old = together.still_calling.contains(&judged.redirect.place);
        };
        analysis.redirects.iter_mut().chain(&mut analysis.shown.redirects).for_each(calling);
        analysis.totals = if all {
            CallTotals {
                calls: analysis.calls.calls,
                invite_calls: analysis.calls.invite_calls,
                messages: analysis.counters.messages.kinds.clone(),
                dialogs: self.dialogs,
            }
        } else {
            chosen.totals()
        };
        analysis.mirror_duplicates = self.mirrors;
        analysis.losses_beyond_limit = watching.overflow();
        analysis.link_limits_reached = links.limits_reached();
    }
}

/// The fragments of packets that lack other pieces, if there are any in captures with SIP. Where they are is not remembered.
fn lone_fragments(analysis: &Analysis) -> Option<Sighting> {
    let stats = &analysis.counters.fragments;
    let lone = stats.timed_out + stats.open + stats.truncated;
    let time = analysis.inputs.iter().find_map(|input| input.first_time)?;
    (lone > 0 && analysis.counters.messages.framed > 0).then(|| Sighting {
        time,
        numbers: [Some(lone), None],
        ..Sighting::default()
    })
}
