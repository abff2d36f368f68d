//! From a listed call to its ladder.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use super::calls::{Call, Calls};
use super::{Arrow, ArrowKind, Join, Ladder, Lane, MAX_LANES, Note, Step, What};
use crate::analysis::{JudgedNegotiation, JudgedRedirect};
use crate::correlation::{
    ListedAgreement, ListedDialog, ListedMessage, Method, Party, Place, RedirectOutcome, refresher_name,
};
use crate::findings::Severity;
use crate::net::Endpoint;
use crate::sip::to_text;
use crate::time::{Timestamp, milliseconds};

/// Linked calls that are drawn with a call. A chain of redirects through more of them is read call by call.
const MAX_LINKED: usize = 4;

impl<'a> Calls<'a> {
    /// The ladder of a call, with those that a redirect or a 422 links to it.
    pub fn ladder(&self, call: &Call<'a>) -> Ladder {
        let linked = call.linked.iter().take(MAX_LINKED).filter_map(|other| self.get(other));
        let calls: Vec<&Call<'a>> = std::iter::once(call).chain(linked).collect();
        let mut drawing = Drawing::new(&calls, self.names());
        let mut messages: Vec<(usize, usize, ListedMessage<'_>)> = Vec::new();
        for (at, drawn) in calls.iter().enumerate() {
            let forks = forks(&drawn.dialogs);
            for (dialog, fork) in drawn.dialogs.iter().zip(forks) {
                messages.extend(dialog.messages().map(|message| (at, fork, message)));
            }
        }
        messages.sort_by_key(|(_, _, message)| (message.time, message.place));
        for (linked, fork, message) in messages {
            drawing.message(linked, fork, &message);
        }
        for drawn in &calls {
            drawing.remarks(self, drawn);
        }
        Ladder {
            call_id: call.call_id(),
            linked: calls.iter().skip(1).map(|other| other.call_id()).collect(),
            start: call.start(self),
            omitted: calls.iter().flat_map(|call| &call.dialogs).map(|dialog| dialog.omitted).sum(),
            ..drawing.finish()
        }
    }
}

/// For each dialog, the branch of a forked request that it is, from 1; 0 where the request was not forked.
fn forks(dialogs: &[&ListedDialog]) -> Vec<usize> {
    let answered = |dialog: &ListedDialog| {
        let creates = |message: &ListedMessage<'_>| {
            let status = status(message.start_line);
            message.method == Method::Invite && status.is_some_and(|status| (101..300).contains(&status))
        };
        dialog.callee_tag.as_ref()?;
        dialog.messages().find(creates).map(|message| message.cseq)
    };
    let requests: Vec<Option<u32>> = dialogs.iter().map(|dialog| answered(dialog)).collect();
    let same = |cseq: &Option<u32>, others: &[Option<u32>]| others.iter().filter(|other| *other == cseq).count();
    let fork = |(at, cseq): (usize, &Option<u32>)| {
        let is_forked = cseq.is_some() && same(cseq, &requests) > 1;
        if is_forked { same(cseq, requests.get(..at).unwrap_or_default()) + 1 } else { 0 }
    };
    requests.iter().enumerate().map(fork).collect()
}

/// The status code of a start line, if it is that of a response.
fn status(start_line: &[u8]) -> Option<u16> {
    let mut words = start_line.split(|byte| *byte == b' ');
    let is_version = words.next().is_some_and(|word| word.len() > 4 && word.starts_with(b"SIP/"));
    std::str::from_utf8(words.next().filter(|_| is_version)?).ok()?.parse().ok()
}

/// A ladder on its way.
struct Drawing<'c> {
    agents: HashMap<Endpoint, &'c [u8]>,
    names: &'c BTreeMap<IpAddr, String>,
    lanes: Vec<Lane>,
    lane_of: HashMap<Endpoint, usize>,
    steps: Vec<Step>,
    /// The step of each message, also of those that repeat another.
    step_of: HashMap<Place, usize>,
    joins: Vec<Join>,
}

impl<'c> Drawing<'c> {
    fn new(calls: &[&Call<'c>], names: &'c BTreeMap<IpAddr, String>) -> Self {
        let redirects = calls.iter().flat_map(|call| &call.redirects).map(|judged| &judged.redirect);
        let negotiations = calls.iter().flat_map(|call| &call.negotiations).map(|judged| &judged.negotiation);
        let mut agents = HashMap::new();
        let mut know = |party: &'c Party| {
            if let Some(agent) = party.agent.as_deref() {
                agents.entry(party.endpoint).or_insert(agent);
            }
        };
        for redirect in redirects {
            know(&redirect.client);
            know(&redirect.server);
        }
        for negotiation in negotiations {
            know(&negotiation.client);
            negotiation.rounds.iter().for_each(|round| know(&round.server));
        }
        Self {
            agents,
            names,
            lanes: Vec::new(),
            lane_of: HashMap::new(),
            steps: Vec::new(),
            step_of: HashMap::new(),
            joins: Vec::new(),
        }
    }

    fn lane(&mut self, endpoint: Endpoint) -> usize {
        if let Some(lane) = self.lane_of.get(&endpoint) {
            return *lane;
        }
        let lane = if self.lanes.len() < MAX_LANES {
            let agent = self.agents.get(&endpoint).map(|agent| to_text(agent));
            let name = self.names.get(&endpoint.address);
            let agent = match (name, agent) {
                (Some(name), Some(agent)) => Some(format!("{name}, {agent}")),
                (name, agent) => name.cloned().or(agent),
            };
            self.lanes.push(Lane { endpoint: endpoint.to_string(), agent });
            self.lanes.len() - 1
        } else {
            if let Some(last) = self.lanes.last_mut() {
                *last = Lane { endpoint: "others".to_owned(), agent: None };
            }
            MAX_LANES - 1
        };
        self.lane_of.insert(endpoint, lane);
        lane
    }

    fn message(&mut self, linked: usize, fork: usize, message: &ListedMessage<'_>) {
        if let Some((original, is_mirror)) = message.repeat_of
            && let Some(at) = self.step_of.get(&original).copied()
            && let Some(What::Arrow(arrow)) = self.steps.get_mut(at).map(|step| &mut step.what)
        {
            let count = if is_mirror { &mut arrow.mirrors } else { &mut arrow.retransmissions };
            *count = count.saturating_add(1);
            self.step_of.insert(message.place, at);
            return;
        }
        let (from, to) = (self.lane(message.source), self.lane(message.destination));
        let status = status(message.start_line);
        let kind = match status {
            None => ArrowKind::Request,
            Some(100..=199) => ArrowKind::Provisional,
            Some(200..=299) => ArrowKind::Success,
            Some(300..=399) => ArrowKind::Redirect,
            Some(422) => ArrowKind::IntervalTooSmall,
            Some(_) => ArrowKind::Failure,
        };
        let arrow = Arrow {
            from,
            to,
            start_line: to_text(message.start_line),
            kind,
            place: message.place,
            retransmissions: 0,
            mirrors: 0,
            fork: if status.is_some_and(|status| status > 100) { fork } else { 0 },
            linked,
            notes: Vec::new(),
        };
        self.step_of.insert(message.place, self.steps.len());
        self.steps.push(Step { time: message.time, since_start: 0, what: What::Arrow(Box::new(arrow)) });
    }

    fn note(&mut self, place: Place, text: String, is_finding: bool) {
        let step = self.step_of.get(&place).and_then(|at| self.steps.get_mut(*at));
        if let Some(What::Arrow(arrow)) = step.map(|step| &mut step.what) {
            arrow.notes.push(Note { text, is_finding });
        }
    }

    fn join(&mut self, from: Place, to: Place, is_follow_up: bool) {
        if let (Some(from), Some(to)) = (self.step_of.get(&from), self.step_of.get(&to))
            && from != to
        {
            self.joins.push(Join { from: *from, to: *to, is_follow_up });
        }
    }

    fn remarks(&mut self, calls: &Calls<'c>, call: &Call<'c>) {
        let ended = calls.analysis.inputs.iter().filter_map(|input| input.last_time).max();
        call.redirects.iter().for_each(|judged| self.redirect(judged));
        call.negotiations.iter().for_each(|judged| self.negotiation(judged));
        for dialog in &call.dialogs {
            dialog.agreements.iter().for_each(|agreement| self.agreement(agreement));
            self.deadline(dialog, ended);
        }
        let findings = call.findings.iter().filter_map(|index| calls.finding(*index));
        for finding in findings.filter(|finding| finding.severity > Severity::Info) {
            self.note(finding.place, format!("{}: {}", finding.severity.name(), finding.rule.id), true);
        }
    }

    fn redirect(&mut self, judged: &JudgedRedirect) {
        let redirect = &judged.redirect;
        let target = |contact: &crate::correlation::ContactRecord| {
            let uri = if contact.uri.is_empty() { &contact.raw } else { &contact.uri };
            let q = contact.q_millis.map_or_else(String::new, |q| format!(" (q {})", f64::from(q) / 1_000.0));
            format!("{}{q}", to_text(uri))
        };
        let targets: Vec<String> = redirect.contacts.iter().map(target).collect();
        let targets = if targets.is_empty() { "no Contact".to_owned() } else { targets.join(", ") };
        let outcome = RedirectOutcome::NAMED.iter().find(|(_, named)| *named == judged.outcome);
        let outcome = outcome.map_or("", |(name, _)| *name).replace('_', " ");
        let next = redirect.follow_up.as_ref();
        let delay = next.map(|next| next.time.since(redirect.time)).filter(|delay| *delay >= 0);
        let delay = delay.map_or_else(String::new, |delay| format!(" after {} ms", milliseconds(delay)));
        self.note(redirect.place, format!("to {targets}: {outcome}{delay}"), false);
        if let Some(next) = next {
            self.join(redirect.place, next.place, true);
        }
    }

    fn negotiation(&mut self, judged: &JudgedNegotiation) {
        for round in &judged.negotiation.rounds {
            let seconds = |value: Option<u64>| value.map_or_else(|| "nothing".to_owned(), |value| format!("{value} s"));
            let (offered, demanded) = (seconds(round.offered.value()), seconds(round.demanded.value()));
            self.note(round.place, format!("offered {offered}, Min-SE {demanded} demanded"), false);
            if let Some(retry) = &round.retry {
                self.join(round.place, retry.follow_up.place, false);
            }
        }
    }

    fn agreement(&mut self, agreement: &ListedAgreement) {
        let text = match (agreement.interval, agreement.is_refresh) {
            (Some(interval), is_refresh) => {
                let by =
                    agreement.refresher.map_or_else(String::new, |by| format!(", {} refreshes", refresher_name(by)));
                let what = if is_refresh { "session refreshed" } else { "session timer" };
                format!("{what}: {interval} s{by}")
            }
            (None, true) => "session timer off".to_owned(),
            (None, false) => return,
        };
        self.note(agreement.place, text, false);
    }

    /// The deadlines that nothing came before: neither a refresh nor the end of the dialog.
    fn deadline(&mut self, dialog: &ListedDialog, ended: Option<Timestamp>) {
        let after = dialog.agreements.iter().skip(1).map(|next| Some(next.first)).chain([dialog.end]);
        for (agreement, next) in dialog.agreements.iter().zip(after) {
            let Some(deadline) = agreement.deadline.filter(|deadline| next.is_none_or(|next| next > *deadline)) else {
                continue;
            };
            let interval = agreement.interval.unwrap_or_default();
            let text = if ended.is_some_and(|ended| deadline > ended) {
                format!("session deadline ({interval} s), after the end of the capture")
            } else {
                format!("session deadline: {interval} s, and no refresh was seen")
            };
            self.steps.push(Step { time: deadline, since_start: 0, what: What::Deadline(text) });
        }
    }

    /// Puts everything in order of time.
    fn finish(mut self) -> Ladder {
        let mut order: Vec<usize> = (0..self.steps.len()).collect();
        // What is no message was added last, and messages were in order.
        order.sort_by_key(|at| self.steps.get(*at).map(|step| step.time));
        let mut now_at = vec![0; order.len()];
        for (now, before) in order.iter().enumerate() {
            now_at.get_mut(*before).into_iter().for_each(|at| *at = now);
        }
        for join in &mut self.joins {
            join.from = now_at.get(join.from).copied().unwrap_or_default();
            join.to = now_at.get(join.to).copied().unwrap_or_default();
        }
        let start = order.first().and_then(|at| self.steps.get(*at)).map_or(Timestamp::MIN, |step| step.time);
        for step in &mut self.steps {
            step.since_start = step.time.since(start);
        }
        self.steps.sort_by_key(|step| step.time);
        self.joins.sort_by_key(|join| (join.from, join.to));
        Ladder {
            call_id: String::new(),
            linked: Vec::new(),
            start: String::new(),
            lanes: self.lanes,
            steps: self.steps,
            joins: self.joins,
            omitted: 0,
        }
    }
}
