//! What each request of a call led to: retries after challenges and 422, targets of redirects.

use foldhash::{HashMap, HashMapExt};
use std::cell::OnceCell;

use super::record::MessageRecord;
use super::redirect::{Redirections, matches};
use super::text::Span;
use super::transaction::Hop;
use super::view::{CallView, TIMEOUT_NANOS};
use crate::limits::MAX_RIVALS;

/// The attempts of a call. They are worked out when first asked for: most calls need none.
#[derive(Debug)]
pub struct Attempts<'v> {
    view: &'v CallView<'v>,
    redirections: &'v Redirections,
    outcomes: OnceCell<Vec<Outcome>>,
}

/// What came of the request of a hop.
#[derive(Clone, Copy, Debug)]
struct Outcome {
    /// The retry after a challenge or 422.
    retry: Option<usize>,
    /// The hop with which the attempt ended.
    end: usize,
    /// The index of the first redirect it met.
    redirect: Option<usize>,
}

/// The requests of one originator: those outside a dialog together, those in a dialog by From tag. In order of time.
type Later = HashMap<Option<Span>, Vec<usize>>;

impl<'v> Attempts<'v> {
    /// The attempts of a call with its redirects.
    pub fn of(view: &'v CallView<'v>, redirections: &'v Redirections) -> Self {
        Self { view, redirections, outcomes: OnceCell::new() }
    }

    fn outcome(&self, hop: usize) -> Option<&Outcome> {
        self.outcomes.get_or_init(|| self.outcomes()).get(hop)
    }

    /// The request that the originator of hop `at` sent next because of the 401, 407 or 422 it got.
    pub fn retry(&self, at: usize) -> Option<usize> {
        self.outcome(at)?.retry
    }

    /// The hop with which the attempt of hop `at` ended: challenges and 422 passed through to the retry, redirects to their targets.
    pub fn end(&self, at: usize) -> Option<&'v Hop> {
        self.view.hop(self.outcome(at)?.end)
    }

    /// The first redirect that the attempt of hop `at` met, as an index into those of the call.
    pub fn redirect(&self, at: usize) -> Option<usize> {
        self.outcome(at)?.redirect
    }

    fn outcomes(&self) -> Vec<Outcome> {
        let hops = &self.view.transactions.hops;
        let later = self.later();
        let idle = |end| Outcome { retry: None, end, redirect: None };
        let mut outcomes: Vec<Outcome> = (0..hops.len()).map(idle).collect();
        let mut order: Vec<usize> = (0..hops.len()).collect();
        order.sort_by_key(|at| hops.get(*at).and_then(|hop| self.view.record(hop.sample)).map(MessageRecord::order));
        // What comes of a request is known when that of all later ones is.
        for at in order.into_iter().rev() {
            let status = hops.get(at).and_then(Hop::final_status);
            let outcome = match status {
                Some(300..=399) => self.redirected(at, &outcomes),
                Some(401 | 407 | 422) => {
                    let retry = self.find_retry(at, &later);
                    let then = retry.and_then(|retry| outcomes.get(retry)).copied().unwrap_or_else(|| idle(at));
                    Outcome { retry, ..then }
                }
                _ => idle(at),
            };
            if let Some(slot) = outcomes.get_mut(at) {
                *slot = outcome;
            }
        }
        outcomes
    }

    /// A redirected attempt ends with the target that was reached, else with the one tried last.
    fn redirected(&self, at: usize, outcomes: &[Outcome]) -> Outcome {
        let succeeded =
            |end: &usize| self.view.hop(*end).and_then(Hop::final_status).is_some_and(|status| status < 300);
        let ends = self.redirections.targets(at).iter().filter_map(|(target, _)| outcomes.get(*target));
        let mut ends = ends.map(|outcome| outcome.end);
        let mut last = at;
        let reached = ends.find(|end| {
            last = *end;
            succeeded(end)
        });
        Outcome { retry: None, end: reached.unwrap_or(last), redirect: self.redirections.index(at) }
    }

    fn later(&self) -> Later {
        let mut later = Later::new();
        for (index, hop) in self.view.transactions.hops.iter().enumerate().filter(|(_, hop)| hop.parent.is_none()) {
            if let Some(request) = self.view.request(hop) {
                let dialog = (!request.to_tag.is_empty()).then_some(hop.from_tag);
                later.entry(dialog).or_default().push(index);
            }
        }
        later
    }

    /// The next request of the same originator: a higher CSeq number and, outside a dialog, the same Request-URI.
    fn find_retry(&self, at: usize, later: &Later) -> Option<usize> {
        let view = self.view;
        let (status, root) = (view.hop(at)?.final_status()?, view.root(at));
        let hop = view.hop(root)?;
        // Only what the originator got can make it try again. Where only its requests were captured that is not known.
        let relayed = if hop.answers.is_empty() { view.hop(at)? } else { hop };
        let answer = relayed.final_answer().filter(|answer| answer.status == status)?;
        let answer = view.record(answer.first)?;
        let request = view.request(hop);
        // Without the request, whether others of that originator were in a dialog is the best guess.
        let in_dialog = match request {
            Some(request) => !request.to_tag.is_empty(),
            None => !answer.to_tag.is_empty() && later.contains_key(&Some(hop.from_tag)),
        };
        let list = later.get(&in_dialog.then_some(hop.from_tag))?;
        // Some retry with the To tag of the refusal, as if it had made a dialog.
        let stale = |next: &usize| {
            status == 422
                && view.hop(*next).and_then(|next| view.request(next)).is_some_and(|next| next.to_tag == answer.to_tag)
        };
        let stray = later.get(&Some(hop.from_tag)).filter(|_| !in_dialog && !answer.to_tag.is_empty());
        let stray = stray.into_iter().flatten().take(MAX_RIVALS).copied().filter(stale);
        let start = list.partition_point(|next| view.hop(*next).is_some_and(|next| next.start < hop.start));
        list.iter().skip(start).take(MAX_RIVALS).copied().chain(stray).filter(|next| *next != root).find(|next| {
            let Some(next) = view.hop(*next) else { return false };
            let Some(then) = view.request(next) else { return false };
            let in_time = then.time.since(answer.time) <= TIMEOUT_NANOS;
            let either = in_dialog && status == 422 && hop.method.refreshes_sessions();
            let same_method = next.method == hop.method || (either && next.method.refreshes_sessions());
            let same_target = in_dialog
                || request.is_none_or(|request| {
                    request.subject == then.subject
                        || matches(view.texts.get(request.subject), view.texts.get(then.subject))
                });
            // With a new From tag, or long after, it may be another attempt that shares the Call-ID.
            let sure = in_time || (next.from_tag == hop.from_tag && !(in_dialog && status == 422));
            let renumbered = next.cseq > hop.cseq || self.answers_422(request, then, status);
            same_method && same_target && sure && renumbered && view.comes_after(then, answer)
        })
    }

    /// Whether a request whose CSeq number is no higher shows by its headers that it answers a 422, and comes from the originator: a
    /// proxy that tries another server keeps the number too.
    fn answers_422(&self, request: Option<&MessageRecord>, then: &MessageRecord, status: u16) -> bool {
        let timer = |record: &MessageRecord| (record.session_expires, record.min_se);
        status == 422
            && then.vias.count <= 1
            && request.is_some_and(|request| request.vias.count <= 1 && timer(request) != timer(then))
    }
}
