//! Decides what became of the redirects and negotiations of calls that are over, and lets the rules judge them.
//!
//! What is decided rests on these calls, on those that they are linked to, and on what had shown by a time that follows from them. So
//! it is the same whether they are settled as soon as that time has come, or with all others at the end of the input.

use std::net::IpAddr;

use foldhash::{HashMap, HashSet, HashSetExt};
use rayon::prelude::*;

use super::chains;
use super::chosen::spread;
use super::judge::{Judged, StartOutcome};
use super::keep::Keep;
use super::verdicts::{negotiation_verdict, redirect_verdict};
use super::watching::Watching;
use crate::analysis::Analysis;
use crate::correlation::{
    Candidate, Destination, Evidence, FollowUp, Link, Links, ListedDialog, Negotiation, Place, Redirect, Retry, Role,
    TIMEOUT_NANOS, Text, goes_to_any, matches,
};
use crate::findings::Stated;
use crate::options::Options;

/// Calls that are over, with all calls that they are linked to.
#[derive(Debug, Default)]
pub(crate) struct Lot {
    redirects: Vec<Box<Redirect>>,
    negotiations: Vec<Box<Negotiation>>,
    findings: Vec<(u64, Box<Stated>)>,
    listed: Vec<Listed>,
    starts: HashMap<Place, StartOutcome>,
    /// The calls that a filter takes.
    selected: HashSet<Text>,
}

/// A dialog that may be listed.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) dialog: Box<ListedDialog>,
    /// What stands for its call.
    pub(super) instance: u64,
    /// Whether it is listed whatever becomes of the findings of its call.
    pub(super) anyway: bool,
}

/// What is left of settled calls besides the results.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// Redirects of calls that were not asked for: others are compared with them all the same.
    pub(super) redirects: Vec<Box<Redirect>>,
    /// The requests that may follow something.
    pub(super) starts: HashMap<Place, StartOutcome>,
}

impl Lot {
    /// Takes what is known of a finished call.
    pub(crate) fn take(&mut self, judged: Judged) {
        let (instance, anyway) = (judged.instance, judged.listed_anyway);
        self.selected.extend(judged.selected);
        self.redirects.extend(judged.redirects);
        self.negotiations.extend(judged.negotiations);
        self.findings.extend(judged.findings.into_iter().map(|finding| (instance, finding)));
        self.listed.extend(judged.listed.into_iter().map(|dialog| Listed { dialog, instance, anyway }));
        self.starts.extend(judged.starts.into_iter().map(|start| (start.place, start)));
    }

    /// Its redirects.
    pub(super) fn redirects(&self) -> &[Box<Redirect>] {
        &self.redirects
    }

    /// Its negotiations.
    pub(super) fn negotiations(&self) -> &[Box<Negotiation>] {
        &self.negotiations
    }

    /// The calls that a filter takes, and those that are linked to them, once they are [linked](Self::link).
    pub(super) fn take_wanted(&mut self) -> HashSet<Text> {
        let mut wanted = std::mem::take(&mut self.selected);
        if !wanted.is_empty() {
            spread(&mut wanted, &self.redirects, &self.negotiations);
        }
        wanted
    }

    /// Takes out the calls that are not among these.
    pub(super) fn part(&mut self, wanted: &HashSet<Text>) -> Self {
        let others = |call_id: &Text| !wanted.contains(call_id);
        Self {
            redirects: self.redirects.extract_if(.., |redirect| others(&redirect.call_id)).collect(),
            negotiations: self.negotiations.extract_if(.., |negotiation| others(&negotiation.call_id)).collect(),
            findings: self.findings.extract_if(.., |(_, finding)| others(&finding.call_id)).collect(),
            listed: self.listed.extract_if(.., |listed| others(&listed.dialog.call_id)).collect(),
            ..Self::default()
        }
    }

    /// Takes in calls that are linked already.
    pub(super) fn absorb(&mut self, linked: Self) {
        self.redirects.extend(linked.redirects);
        self.negotiations.extend(linked.negotiations);
        self.findings.extend(linked.findings);
        self.listed.extend(linked.listed);
    }

    /// Joins the calls with each other.
    pub(super) fn link(&mut self, links: &Links) {
        // With keys apart, large things are moved once and in place.
        self.redirects.par_sort_by_cached_key(|redirect| (redirect.time, redirect.place));
        self.negotiations
            .par_sort_by_cached_key(|negotiation| negotiation.rounds.first().map(|round| (round.time, round.place)));
        let mut taken: HashSet<Place> =
            self.redirects.iter().filter_map(|redirect| redirect.follow_up.as_ref()).map(|next| next.place).collect();
        self.link_redirects(links, &mut taken);
        self.link_negotiations(links, &mut taken);
        let followed = self.redirects.iter().filter_map(|redirect| redirect.follow_up.as_ref());
        let retried = self.negotiations.iter().filter_map(|negotiation| negotiation.rounds.last()?.retry.as_ref());
        let retried = retried.map(|retry| &retry.follow_up).filter(|next| next.call_id.is_some());
        for place in followed.chain(retried).map(|next| next.place) {
            if let Some(start) = self.starts.get_mut(&place) {
                start.follows = true;
            }
        }
        chains::join(&mut self.redirects, &self.starts);
    }

    /// Decides what became of the calls that are wanted, by Call-ID; what they gave is put into `analysis`, in no order yet.
    pub(super) fn decide(
        self,
        (links, watching): (&Links, &Watching),
        options: &Options,
        wanted: &(dyn Fn(&[u8]) -> bool + Sync),
        analysis: &mut Analysis,
    ) -> Left {
        let settings = &options.settings;
        let verdict = |redirect: &Redirect| {
            wanted(&redirect.call_id).then(|| redirect_verdict(redirect, links, watching, settings))
        };
        let verdicts: Vec<_> = self.redirects.par_iter().map(|redirect| verdict(redirect)).collect();
        analysis.redirects.reserve_exact(self.redirects.len());
        analysis.negotiations.reserve_exact(self.negotiations.len());
        let mut keep = Keep { options, analysis };
        let mut left = Left { redirects: Vec::new(), starts: self.starts };
        for (redirect, verdict) in self.redirects.into_iter().zip(verdicts) {
            match verdict {
                Some(verdict) => keep.redirect(redirect, verdict),
                None => left.redirects.push(redirect),
            }
        }
        let verdicts: Vec<_> = self
            .negotiations
            .par_iter()
            .map(|negotiation| negotiation_verdict(negotiation, watching, options))
            .collect();
        let judged = self.negotiations.into_iter().zip(verdicts);
        for (negotiation, verdict) in judged.filter(|(negotiation, _)| wanted(&negotiation.call_id)) {
            keep.negotiation(negotiation, verdict);
        }
        let mut flagged = HashSet::new();
        for (instance, finding) in self.findings.into_iter().filter(|(_, finding)| wanted(&finding.call_id)) {
            if keep.conditional(finding, watching) {
                flagged.insert(instance);
            }
        }
        keep.dialogs(self.listed.into_iter().filter(|listed| wanted(&listed.dialog.call_id)), &flagged);
        left
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
            let candidates = links.candidates(redirect.instance, redirect.cseq);
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
            let candidates = links.candidates(negotiation.instance, round.cseq);
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
