//! Joins finished calls, decides what became of each redirect and negotiation, and lets the rules judge them.

use std::net::IpAddr;

use foldhash::{HashMap, HashSet, HashSetExt};
use rayon::prelude::*;

use super::chains::Chains;
use super::chosen::Chosen;
use super::judge::{Judged, StartOutcome};
use super::sources::Sources;
use super::tallies::Tallies;
use super::verdicts::{Setting, Verdict, is_usable, negotiation_verdict, redirect_verdict};
use super::watching::Watching;
use crate::analysis::{Analysis, CallTotals, JudgedNegotiation, JudgedRedirect};
use crate::correlation::{
    Candidate, Destination, Evidence, FollowUp, Link, Links, ListedDialog, Method, Negotiation, NegotiationOutcome,
    OddOrigin, Oddities, Oddity, Place, Redirect, Retry, Role, Sighting, TIMEOUT_NANOS, Text, equals, goes_to_any,
    matches,
};
use crate::findings::{OldAddressDialled, Severity, SourceCase, Stated, judge_oddity, judge_source};
use crate::options::{DialogsListed, Options};
use crate::time::NANOS_PER_SECOND;

/// What finished calls left, until the end of input.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    redirects: Vec<Box<Redirect>>,
    negotiations: Vec<Box<Negotiation>>,
    findings: Vec<Box<Stated>>,
    listed: Vec<(Box<ListedDialog>, bool)>,
    starts: HashMap<Place, StartOutcome>,
    dialogs: u64,
    mirrors: u64,
    chosen: Chosen,
    oddities: Oddities,
    sources: Sources,
}

impl Pending {
    /// Takes what is known of a finished call.
    pub(crate) fn take(&mut self, judged: Judged) {
        self.dialogs += judged.dialogs;
        self.mirrors += judged.mirrors;
        let has_results = judged.has_results();
        if !judged.oversize.is_empty() && judged.tally.is_none() && self.oddities.is_by_call() {
            // Without a filter no call has to be told from another.
            self.oddities = Oddities::new(false);
        }
        for (oddity, seen) in judged.oversize {
            self.oddities.add(oddity, OddOrigin::Element(seen.source.address), seen);
        }
        if let Some(tally) = judged.tally {
            self.chosen.take(tally, has_results);
        }
        judged.short_interval.into_iter().for_each(|short| self.sources.take(short));
        self.redirects.extend(judged.redirects);
        self.negotiations.extend(judged.negotiations);
        self.findings.extend(judged.findings);
        let anyway = judged.listed_anyway;
        self.listed.extend(judged.listed.into_iter().map(|dialog| (dialog, anyway)));
        self.starts.extend(judged.starts.into_iter().map(|start| (start.place, start)));
    }

    /// Decides everything that was open, at the end of input.
    pub(crate) fn settle(mut self, links: &Links, watching: &Watching, options: &Options, analysis: &mut Analysis) {
        // With keys apart, large things are moved once and in place.
        self.redirects.par_sort_by_cached_key(|redirect| (redirect.time, redirect.place));
        self.negotiations
            .par_sort_by_cached_key(|negotiation| negotiation.rounds.first().map(|round| (round.time, round.place)));
        let mut taken: HashSet<Place> =
            self.redirects.iter().filter_map(|redirect| redirect.follow_up.as_ref()).map(|next| next.place).collect();
        self.link_redirects(links, &mut taken);
        self.link_negotiations(links, &mut taken);
        let all = options.filter.is_empty();
        let mut chosen = std::mem::take(&mut self.chosen);
        if !all {
            chosen.close(&self.redirects, &self.negotiations);
        }
        let wanted = |call_id: &[u8]| all || chosen.has(call_id);
        let chains = Chains::of(&mut self.redirects, &self.starts);
        analysis.redirects.reserve_exact(self.redirects.len());
        analysis.negotiations.reserve_exact(self.negotiations.len());
        let mut judge = Judge { watching, options, analysis, findings: Vec::new() };
        let again = self.again(links, &taken, &chains);
        let settings = &options.settings;
        let tallies = Tallies::of(&self.redirects, settings);
        let setting =
            Setting { redirects: &self.redirects, chains: &chains, tallies: &tallies, links, watching, settings };
        let verdicts: Vec<_> =
            again.par_iter().enumerate().map(|(at, again)| redirect_verdict(&setting, at, again)).collect();
        let judged = self.redirects.into_iter().zip(again).zip(verdicts);
        for ((redirect, again), verdict) in judged.filter(|((redirect, _), _)| wanted(&redirect.call_id)) {
            if let Some(verdict) = verdict {
                judge.redirect(redirect, !again.is_empty(), verdict);
            }
        }
        let verdicts: Vec<_> = self
            .negotiations
            .par_iter()
            .map(|negotiation| negotiation_verdict(negotiation, watching, options))
            .collect();
        let judged = self.negotiations.into_iter().zip(verdicts);
        for (negotiation, verdict) in judged.filter(|(negotiation, _)| wanted(&negotiation.call_id)) {
            judge.negotiation(negotiation, verdict);
        }
        for finding in self.findings.into_iter().filter(|finding| wanted(&finding.call_id)) {
            judge.conditional(finding);
        }
        let mut oddities = std::mem::take(&mut judge.analysis.counters.oddities);
        oddities += &self.oddities;
        for reused in links.branches_reused() {
            if let Some(start) = self.starts.get(&reused.later) {
                let seen = start.sighting(reused.earlier);
                oddities.add(Oddity::BranchOfOtherCall, OddOrigin::Element(start.client), seen);
            }
        }
        if let Some(seen) = lone_fragments(judge.analysis).filter(|_| all) {
            oddities.add(Oddity::LoneFragments, OddOrigin::Input(seen.place.input), seen);
        }
        judge.analysis.odd_beyond_limit = oddities.overflow();
        for group in oddities.into_groups(wanted) {
            judge.keep(judge_oddity(&group));
        }
        let sources_overflowed = self.sources.overflowed();
        for (first, calls) in self.sources.list() {
            judge.keep(judge_source(&SourceCase { first: &first, calls, settings: &options.settings }));
        }
        self.listed.retain(|(dialog, _)| wanted(&dialog.call_id));
        judge.finish(self.listed);
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
        analysis.sources_beyond_limit = sources_overflowed;
        analysis.link_limits_reached = links.limits_reached();
    }

    /// Joins redirects that nothing followed in their own call with requests of other calls; each request joins at most once.
    fn link_redirects(&mut self, links: &Links, taken: &mut HashSet<Place>) {
        // The nearest redirect before a request has it, so the latest chooses first.
        for redirect in self.redirects.iter_mut().rev().filter(|redirect| redirect.follow_up.is_none()) {
            let old = redirect.request_uri.as_deref();
            let fits = |start: &StartOutcome| {
                let (route, server) = (start.way.0.as_ref(), start.way.1);
                let destination = Destination { uri: start.uri.as_ref(), route, server };
                goes_to_any(redirect.status == 305, &redirect.contacts, old, &destination)
            };
            let candidates = links.candidates(&redirect.call_id, redirect.cseq);
            let client = redirect.client.endpoint.address;
            let Some((candidate, start)) = nearest(candidates, &self.starts, taken, client, redirect.time, fits) else {
                continue;
            };
            taken.insert(start.place);
            redirect.evidence.push(Evidence { place: start.place, role: Role::FollowUp });
            redirect.final_status = start.final_status;
            redirect.follow_up = Some(follow_up(start, candidate));
        }
    }

    /// The same for the last round of negotiations without a retry.
    fn link_negotiations(&mut self, links: &Links, taken: &mut HashSet<Place>) {
        for negotiation in self.negotiations.iter_mut().rev().filter(|negotiation| !negotiation.in_dialog) {
            let (client, first_uri) = (negotiation.client.endpoint.address, negotiation.request_uri.clone());
            let Some(round) = negotiation.rounds.last_mut().filter(|round| round.retry.is_none()) else { continue };
            // A user who dials again offers the same again: only another offer shows that the client has reacted.
            let fits = |start: &StartOutcome| {
                let same_offer = (start.session_expires, start.min_se) == (round.offered, round.offered_min_se);
                !same_offer && first_uri.as_deref().is_some_and(|uri| matches(uri, &start.uri))
            };
            let candidates = links.candidates(&negotiation.call_id, round.cseq);
            let Some((candidate, start)) = nearest(candidates, &self.starts, taken, client, round.time, fits) else {
                continue;
            };
            taken.insert(start.place);
            (negotiation.agreed, negotiation.refresher) = start.agreed;
            round.evidence.push(Evidence { place: start.place, role: Role::Retry });
            round.retry = Some(Retry {
                cseq: None,
                stale_to_tag: false,
                follow_up: follow_up(start, candidate),
                session_expires: start.session_expires,
                min_se: start.min_se,
                supports_timer: start.supports_timer,
            });
        }
    }

    /// For each redirect, the later requests to its old address, listed with the first 301 that its client got for it.
    fn again(&self, links: &Links, taken: &HashSet<Place>, chains: &Chains) -> Vec<Vec<OldAddressDialled>> {
        let mut said: HashSet<(IpAddr, Method, Text, Text)> = HashSet::new();
        let mut all = Vec::with_capacity(self.redirects.len());
        for redirect in &self.redirects {
            let mut found = Vec::new();
            // A 301 to the address asked for itself gives nothing to change to.
            let has_new = |old: &[u8]| {
                let mut contacts = redirect.contacts.iter();
                contacts.any(|contact| is_usable(&contact.uri) && !equals(&contact.uri, old))
            };
            if let Some(old) = redirect.request_uri.as_deref().filter(|old| redirect.status == 301 && has_new(old)) {
                let client = redirect.client.endpoint.address;
                let first = said.insert((client, redirect.method, redirect.from.clone(), old.into()));
                let requests = links.again(redirect, old, chains.end_of(redirect));
                let expires = redirect.lifetime();
                let starts = requests.iter().filter(|_| first).filter(|again| !taken.contains(&again.start));
                found.extend(
                    starts
                        .filter_map(|again| self.starts.get(&again.start))
                        .filter(|start| {
                            let age = start.time.since(redirect.time) / NANOS_PER_SECOND;
                            equals(&start.uri, old)
                                && expires.is_none_or(|expires| age <= i64::try_from(expires).unwrap_or(i64::MAX))
                        })
                        .map(|start| OldAddressDialled {
                            place: start.place,
                            time: start.time,
                            call_id: start.call_id.clone(),
                        }),
                );
            }
            all.push(found);
        }
        all
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

fn follow_up(start: &StartOutcome, candidate: &Candidate) -> FollowUp {
    FollowUp {
        place: start.place,
        time: start.time,
        uri: start.uri.clone(),
        link: if candidate.same_session { Link::Medium } else { Link::Weak },
        call_id: Some(start.call_id.clone()),
        attempt_status: start.attempt_status,
        final_status: start.final_status,
    }
}

/// The nearest candidate that is not taken and fits.
fn nearest<'a>(
    candidates: &'a [Candidate],
    starts: &'a HashMap<Place, StartOutcome>,
    taken: &HashSet<Place>,
    client: IpAddr,
    since: crate::time::Timestamp,
    fits: impl Fn(&StartOutcome) -> bool,
) -> Option<(&'a Candidate, &'a StartOutcome)> {
    let open = candidates.iter().filter(|candidate| !taken.contains(&candidate.start));
    let known = open.filter_map(|candidate| Some((candidate, starts.get(&candidate.start)?)));
    let fitting = known.filter(|(_, start)| {
        let apart = start.time.since(since);
        start.client == client && (0..=TIMEOUT_NANOS).contains(&apart) && fits(start)
    });
    fitting.min_by_key(|(candidate, start)| (!candidate.same_session, start.time, start.place))
}

/// Decides outcomes and gathers findings.
struct Judge<'a> {
    watching: &'a Watching,
    options: &'a Options,
    analysis: &'a mut Analysis,
    findings: Vec<Box<Stated>>,
}

impl Judge<'_> {
    fn redirect(&mut self, redirect: Box<Redirect>, still_calling_old: bool, verdict: Verdict) {
        for rule in verdict.open {
            self.indeterminate(rule);
        }
        let findings = self.keep(verdict.found);
        self.analysis.redirects.push(JudgedRedirect {
            redirect,
            outcome: verdict.outcome,
            still_calling_old,
            for_good: verdict.for_good,
            findings,
        });
    }

    fn negotiation(&mut self, negotiation: Box<Negotiation>, verdict: (NegotiationOutcome, Vec<Box<Stated>>)) {
        let (outcome, mut found) = verdict;
        found.retain(|finding| {
            let is_sure = finding.severity == Severity::Info || !negotiation.head_cut;
            if !is_sure {
                self.indeterminate(finding.rule.id);
            }
            is_sure
        });
        if outcome == NegotiationOutcome::Undetermined {
            self.indeterminate("timer-422-unresolved");
        }
        let findings = self.keep(found);
        self.analysis.negotiations.push(JudgedNegotiation { negotiation, outcome, findings });
    }

    fn conditional(&mut self, finding: Box<Stated>) {
        match finding.watch {
            Some(watch) if !self.watching.holds(&watch) => self.indeterminate(finding.rule.id),
            _ => {
                self.keep(vec![finding]);
            }
        }
    }

    fn indeterminate(&mut self, rule: &'static str) {
        if self.options.selection.takes(rule, Severity::Error) {
            *self.analysis.indeterminate.entry(rule).or_default() += 1;
        }
    }

    /// Keeps the findings that were asked for and are not known, and says at which places they stand.
    fn keep(&mut self, found: Vec<Box<Stated>>) -> Vec<usize> {
        let mut places = Vec::with_capacity(found.len());
        for finding in found {
            if !self.options.selection.takes(finding.rule.id, finding.severity) {
                continue;
            }
            if !self.options.known.is_empty() && self.options.known.contains(&finding.fingerprint()) {
                self.analysis.known_findings += 1;
            } else {
                places.push(self.findings.len());
                self.findings.push(finding);
            }
        }
        places
    }

    /// Puts findings and dialogs in order.
    fn finish(self, listed: Vec<(Box<ListedDialog>, bool)>) {
        let keys = self.findings.iter().enumerate();
        let mut order: Vec<_> =
            keys.map(|(old, finding)| (finding.time, finding.place, finding.rule.id, old)).collect();
        order.par_sort_unstable();
        let mut new_place = vec![0; order.len()];
        for (new, (.., old)) in order.iter().enumerate() {
            if let Some(place) = new_place.get_mut(*old) {
                *place = new;
            }
        }
        let mut unordered: Vec<Option<Box<Stated>>> = self.findings.into_iter().map(Some).collect();
        let findings: Vec<Box<Stated>> =
            order.iter().filter_map(|(.., old)| unordered.get_mut(*old).and_then(Option::take)).collect();
        drop(unordered);
        let renumber = |places: &mut Vec<usize>| {
            for place in places.iter_mut() {
                *place = new_place.get(*place).copied().unwrap_or(*place);
            }
            places.sort_unstable();
        };
        self.analysis.redirects.iter_mut().for_each(|redirect| renumber(&mut redirect.findings));
        self.analysis.negotiations.iter_mut().for_each(|negotiation| renumber(&mut negotiation.findings));
        let flagged: HashSet<&[u8]> = findings
            .iter()
            .filter(|finding| finding.severity >= Severity::Notice)
            .map(|finding| finding.call_id.as_ref())
            .collect();
        let wanted = |dialog: &ListedDialog, anyway: bool| match self.options.dialogs {
            DialogsListed::None => false,
            DialogsListed::Flagged => anyway || flagged.contains(dialog.call_id.as_ref()),
            DialogsListed::All => true,
        };
        let mut kept: Vec<Box<ListedDialog>> =
            listed.into_iter().filter(|(dialog, anyway)| wanted(dialog, *anyway)).map(|(dialog, _)| dialog).collect();
        kept.par_sort_unstable_by(|one, other| {
            (one.start, one.place, &one.callee_tag).cmp(&(other.start, other.place, &other.callee_tag))
        });
        self.analysis.listed = kept;
        self.analysis.findings = findings;
    }
}
