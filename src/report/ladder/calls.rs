//! The listed calls of an analysis, each with what was found about it.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use crate::analysis::{Analysis, JudgedNegotiation, JudgedRedirect};
use crate::correlation::{ListedDialog, Text};
use crate::findings::{Finding, Severity};
use crate::sip::to_text;

/// A call that the analysis lists.
#[derive(Debug, Default)]
pub struct Call<'a> {
    /// The Call-ID.
    pub(super) call_id: &'a [u8],
    /// Its dialogs in order of time; at least one.
    pub(super) dialogs: Vec<&'a ListedDialog>,
    /// Its redirects.
    pub(super) redirects: Vec<&'a JudgedRedirect>,
    /// Its negotiations.
    pub(super) negotiations: Vec<&'a JudgedNegotiation>,
    /// Its findings, as indices into those of the analysis.
    pub(in crate::report) findings: Vec<usize>,
    /// The worst of its findings.
    pub(in crate::report) worst: Option<Severity>,
    /// Calls that a redirect leads to or that lead here.
    pub(super) linked: Vec<&'a Text>,
}

/// The calls that an analysis lists, in order of time.
#[derive(Debug)]
pub struct Calls<'a> {
    pub(super) analysis: &'a Analysis,
    calls: Vec<Call<'a>>,
    places: HashMap<&'a [u8], usize>,
}

impl<'a> Calls<'a> {
    /// Names that were given for addresses.
    pub(super) fn names(&self) -> &'a BTreeMap<IpAddr, String> {
        &self.analysis.names
    }

    /// Gathers what belongs to each listed call.
    pub fn of(analysis: &'a Analysis) -> Self {
        let mut calls: Vec<Call<'a>> = Vec::new();
        let mut places: HashMap<&'a [u8], usize> = HashMap::new();
        for dialog in &analysis.listed {
            let at = *places.entry(&dialog.call_id).or_insert_with(|| {
                calls.push(Call { call_id: &dialog.call_id, ..Call::default() });
                calls.len() - 1
            });
            calls.get_mut(at).into_iter().for_each(|call| call.dialogs.push(dialog));
        }
        let mut all = Self { analysis, calls, places };
        for judged in &analysis.redirects {
            let redirect = &judged.redirect;
            let next = redirect.follow_up.as_ref().and_then(|next| next.call_id.as_ref());
            all.with(&redirect.call_id, |call| {
                call.redirects.push(judged);
                call.link(next);
            });
            if let Some(next) = next {
                all.with(next, |call| call.link(Some(&redirect.call_id)));
            }
        }
        for judged in &analysis.negotiations {
            let retries = judged.negotiation.rounds.iter().filter_map(|round| round.retry.as_ref());
            let elsewhere: Vec<&Text> = retries.filter_map(|retry| retry.follow_up.call_id.as_ref()).collect();
            all.with(&judged.negotiation.call_id, |call| {
                call.negotiations.push(judged);
                elsewhere.iter().for_each(|other| call.link(Some(other)));
            });
            for other in elsewhere {
                all.with(other, |call| call.link(Some(&judged.negotiation.call_id)));
            }
        }
        for (index, finding) in analysis.findings.iter().enumerate() {
            all.with(&finding.call_id, |call| {
                call.findings.push(index);
                call.worst = call.worst.max(Some(finding.severity));
            });
        }
        all
    }

    fn with(&mut self, call_id: &[u8], change: impl FnOnce(&mut Call<'a>)) {
        if let Some(call) = self.places.get(call_id).and_then(|at| self.calls.get_mut(*at)) {
            change(call);
        }
    }

    /// All of them.
    pub fn all(&self) -> &[Call<'a>] {
        &self.calls
    }

    /// The call with that Call-ID, as bytes.
    pub(super) fn get(&self, call_id: &[u8]) -> Option<&Call<'a>> {
        self.places.get(call_id).and_then(|at| self.calls.get(*at))
    }

    /// The place of a call among all.
    pub(in crate::report) fn place(&self, call_id: &[u8]) -> Option<usize> {
        self.places.get(call_id).copied()
    }

    /// A finding of a call.
    pub(super) fn finding(&self, index: usize) -> Option<&'a Finding> {
        self.analysis.findings.get(index).map(|stated| &stated.finding)
    }
}

impl<'a> Call<'a> {
    fn link(&mut self, other: Option<&'a Text>) {
        if let Some(other) = other.filter(|other| other.as_ref() != self.call_id && !self.linked.contains(other)) {
            self.linked.push(other);
        }
    }

    /// The Call-ID.
    pub fn call_id(&self) -> String {
        to_text(self.call_id)
    }

    /// Who called, by the URI of From.
    pub fn from(&self) -> String {
        self.dialogs.first().map_or_else(String::new, |dialog| to_text(&dialog.from))
    }

    /// Who was called, by the URI of To.
    pub fn to(&self) -> String {
        self.dialogs.first().map_or_else(String::new, |dialog| to_text(&dialog.to))
    }

    /// When its first message was seen, in the form of reports.
    pub fn start(&self, calls: &Calls<'_>) -> String {
        let Some(dialog) = self.first() else { return String::new() };
        let input = usize::try_from(dialog.place.input).ok().and_then(|index| calls.analysis.inputs.get(index));
        dialog.start.rfc3339(input.map_or(6, |input| input.digits)).to_string()
    }

    fn first(&self) -> Option<&&'a ListedDialog> {
        self.dialogs.iter().min_by_key(|dialog| dialog.start)
    }

    /// What is remarkable about it, in a few words.
    pub fn marks(&self) -> String {
        let worst = self.worst.filter(|worst| *worst > Severity::Info).map_or("", Severity::name);
        format!("{} {worst}", self.statuses()).trim().to_owned()
    }

    /// The status codes for which it is listed.
    pub(in crate::report) fn statuses(&self) -> String {
        let redirects = self.redirects.iter().map(|judged| judged.redirect.status);
        let mut statuses: Vec<u16> = redirects.chain((!self.negotiations.is_empty()).then_some(422)).collect();
        statuses.sort_unstable();
        statuses.dedup();
        statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(" ")
    }

    /// What a page names it by: where its first message is.
    pub(in crate::report) fn anchor(&self) -> String {
        let place = self.dialogs.first().map(|dialog| dialog.place).unwrap_or_default();
        match place.position {
            0 => format!("call-{}-{}", place.input, place.frame),
            position => format!("call-{}-{}-p{position}", place.input, place.frame),
        }
    }
}
