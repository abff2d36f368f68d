//! The result of a run, before it takes the shape of a report.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::capture::InputInfo;
use crate::correlation::{
    CallStats, ListedDialog, Negotiation, NegotiationOutcome, Place, Redirect, RedirectOutcome, Tried,
};
use crate::counters::{Counters, MessageKinds};
use crate::findings::{Severity, Stated};

/// A redirect with what became of it.
#[derive(Clone, Debug)]
pub struct JudgedRedirect {
    /// The redirect.
    pub redirect: Box<Redirect>,
    /// What became of it.
    pub outcome: RedirectOutcome,
    /// Whether its client called the old address again later.
    pub still_calling_old: bool,
    /// Whether it is a 301 that holds for long enough to be stored.
    pub for_good: bool,
    /// The findings about it, as indices into [`Analysis::findings`].
    pub findings: Vec<usize>,
}

/// A negotiation with what became of it.
#[derive(Clone, Debug)]
pub struct JudgedNegotiation {
    /// The negotiation.
    pub negotiation: Box<Negotiation>,
    /// What became of it.
    pub outcome: NegotiationOutcome,
    /// The findings about it, as indices into [`Analysis::findings`].
    pub findings: Vec<usize>,
}

/// Calls and their messages.
#[derive(Clone, Debug, Default)]
pub struct CallTotals {
    /// Distinct Call-IDs.
    pub calls: u64,
    /// Of those, the ones with an INVITE.
    pub invite_calls: u64,
    /// SIP messages.
    pub messages: MessageKinds,
    /// Dialogs.
    pub dialogs: u64,
}

/// Everything that a run found. All lists are in order of time, then input, then frame.
#[derive(Debug, Default)]
pub struct Analysis {
    /// The inputs, in the order given.
    pub inputs: Vec<InputInfo>,
    /// What was seen and what was not looked at.
    pub counters: Counters,
    /// Calls and their messages.
    pub calls: CallStats,
    /// What was asked for: all calls, or those that the filter takes and those linked to them.
    pub totals: CallTotals,
    /// Packets that the capture holds twice.
    pub mirror_duplicates: u64,
    /// The redirects.
    pub redirects: Vec<JudgedRedirect>,
    /// The negotiations.
    pub negotiations: Vec<JudgedNegotiation>,
    /// The findings.
    pub findings: Vec<Box<Stated>>,
    /// Findings left out because they are known.
    pub known_findings: u64,
    /// What could not be decided, by rule.
    pub indeterminate: BTreeMap<&'static str, u64>,
    /// The dialogs that were asked for.
    pub listed: Vec<Box<ListedDialog>>,
    /// The messages of those dialogs as they are on the wire, as far as they were read again.
    pub quotes: HashMap<Place, Box<[u8]>>,
    /// Names that whoever asked has for addresses; they stand beside them in reports.
    pub names: Arc<BTreeMap<IpAddr, String>>,
    /// What was shown when it was settled and is in none of these lists any more.
    pub shown: Shown,
    /// Losses on TCP streams beyond those that are remembered.
    pub losses_beyond_limit: u64,
    /// How often something odd was seen of elements beyond those that are remembered.
    pub odd_beyond_limit: u64,
    /// Whether more elements ask for short session intervals than are remembered.
    pub sources_beyond_limit: bool,
    /// Calls that ended when their sessions were about to expire, beyond those that are remembered.
    pub endings_beyond_limit: u64,
    /// How often links between calls met a limit.
    pub link_limits_reached: u64,
}

impl Analysis {
    /// Whether there is a redirect, a negotiation, a finding or a dialog in it.
    pub fn has_results(&self) -> bool {
        !(self.redirects.is_empty()
            && self.negotiations.is_empty()
            && self.findings.is_empty()
            && self.listed.is_empty())
    }

    /// The Call-IDs of the calls that are listed, and of those in which they were followed or tried again. One may come more than once.
    pub fn concerned(&self) -> impl Iterator<Item = &[u8]> {
        let listed: HashSet<&[u8]> = self.listed.iter().map(|dialog| dialog.call_id.as_ref()).collect();
        let redirects = self.redirects.iter().map(|judged| &judged.redirect);
        let redirects = redirects.map(|redirect| (redirect.call_id.as_ref(), redirect.follow_up.as_ref()));
        let negotiations = self.negotiations.iter().map(|judged| &judged.negotiation);
        let negotiations = negotiations.flat_map(|all| {
            let retries = all.rounds.iter().filter_map(|round| round.retry.as_ref());
            retries.map(|retry| (all.call_id.as_ref(), Some(&retry.follow_up)))
        });
        let links: Vec<(&[u8], &[u8])> = redirects
            .chain(negotiations)
            .filter_map(|(call_id, next)| Some((call_id, next?.call_id.as_deref()?)))
            .filter(|(call_id, other)| listed.contains(call_id) || listed.contains(other))
            .collect();
        let linked = links.into_iter().flat_map(|(call_id, other)| [call_id, other]);
        self.listed.iter().map(|dialog| dialog.call_id.as_ref()).chain(linked)
    }

    /// Puts numbers in place of the names of inputs.
    pub fn conceal_inputs(&mut self) {
        for (number, input) in (1..).zip(&mut self.inputs) {
            input.path = format!("input {number}").into();
        }
    }

    /// The redirects, with what is remembered of those that were shown.
    pub(crate) fn all_redirects(&self) -> impl Iterator<Item = &JudgedRedirect> {
        self.redirects.iter().chain(&self.shown.redirects)
    }

    /// The negotiations, with what is remembered of those that were shown.
    pub(crate) fn all_negotiations(&self) -> impl Iterator<Item = &JudgedNegotiation> {
        self.negotiations.iter().chain(&self.shown.negotiations)
    }

    /// For each redirect and 422, what stands for its call, and its CSeq number.
    pub(crate) fn asked_elsewhere(&self) -> impl Iterator<Item = (u64, u32)> {
        let redirects = self.redirects.iter().map(|judged| (judged.redirect.instance, judged.redirect.cseq));
        let negotiations = self.negotiations.iter().map(|judged| &judged.negotiation);
        redirects.chain(negotiations.flat_map(|all| all.rounds.iter().map(|round| (all.instance, round.cseq))))
    }

    /// How many results there are, with those that were shown.
    pub fn counts(&self) -> ResultCounts {
        let mut counts = self.shown.counts.clone();
        counts.add(&self.redirects, &self.negotiations, &self.findings);
        counts
    }
}

/// How many results there are of each kind.
#[derive(Clone, Debug, Default)]
pub struct ResultCounts {
    /// Redirects, by status code.
    pub statuses: BTreeMap<u16, u64>,
    /// Redirects, by what became of them.
    pub redirects: BTreeMap<RedirectOutcome, u64>,
    /// Negotiations, by what became of them.
    pub negotiations: BTreeMap<NegotiationOutcome, u64>,
    /// Findings, by severity.
    pub findings: BTreeMap<Severity, u64>,
    /// Findings, by rule.
    pub rules: BTreeMap<&'static str, u64>,
}

impl ResultCounts {
    fn add(&mut self, redirects: &[JudgedRedirect], negotiations: &[JudgedNegotiation], findings: &[Box<Stated>]) {
        for judged in redirects {
            *self.statuses.entry(judged.redirect.status).or_default() += 1;
            *self.redirects.entry(judged.outcome).or_default() += 1;
        }
        for judged in negotiations {
            *self.negotiations.entry(judged.outcome).or_default() += 1;
        }
        for finding in findings {
            *self.findings.entry(finding.severity).or_default() += 1;
            *self.rules.entry(finding.rule.id).or_default() += 1;
        }
    }
}

/// What is remembered of results that were shown when they were settled, if they are
/// [forgotten](crate::options::Options::forget_shown) then: what the end of a report needs.
#[derive(Debug, Default)]
pub struct Shown {
    counts: ResultCounts,
    /// The redirects that others are compared with.
    pub redirects: Vec<JudgedRedirect>,
    /// The negotiations, without their evidence.
    pub negotiations: Vec<JudgedNegotiation>,
}

impl Shown {
    /// Takes results that were shown.
    pub(crate) fn take(
        &mut self,
        redirects: Vec<JudgedRedirect>,
        negotiations: Vec<JudgedNegotiation>,
        findings: &[Box<Stated>],
    ) {
        self.counts.add(&redirects, &negotiations, findings);
        let compared = redirects.into_iter().filter(|judged| matches!(judged.redirect.status, 301 | 302));
        self.redirects.extend(compared.map(|mut judged| {
            judged.findings = Vec::new();
            judged.redirect.tried = Tried::default();
            judged
        }));
        self.negotiations.extend(negotiations.into_iter().map(|mut judged| {
            judged.findings = Vec::new();
            judged.negotiation.rounds.iter_mut().for_each(|round| round.evidence = Vec::new());
            judged
        }));
    }
}
