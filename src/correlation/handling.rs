//! What clients and proxies did around a redirect, besides going to its targets (RFC 3261 8.1.3.4, 16.7).

use foldhash::HashMap;

use super::attempts::Attempts;
use super::facts::{Evidence, Party, Role, Text, Watch};
use super::missing::Missing;
use super::record::{MessageRecord, Method};
use super::redirect::{matches, target_key};
use super::transaction::Hop;
use super::view::{CallView, Event, TIMEOUT_NANOS, place_of};
use crate::limits::MAX_RIVALS;
use crate::sip::Uri;

/// What was done about a redirect. There is one for each redirect of a run, so what is rare is boxed.
#[derive(Clone, Debug, Default)]
pub struct Handling {
    /// How the request to the first target was sent, if it is of the same call.
    pub sent: Option<Sent>,
    /// What is seldom to be said.
    pub rare: Option<Box<Rare>>,
    /// Whether the target tried last never answered, however often it was asked.
    pub timed_out: bool,
    /// Whether a redirect that the capture lacks may have named other targets: the request goes elsewhere than To says.
    pub may_continue: bool,
    /// The final answer that a proxy handed up in place of the 3xx because another branch gave it.
    pub outvoted_by: Option<u16>,
    /// Whether the client went on to a target of an earlier redirect of the call.
    pub moved_on: bool,
    /// Whether the caller asked proxies not to follow redirects (RFC 3841 9.1).
    pub no_recurse: bool,
    /// Whether the 3xx has a Diversion (RFC 5806).
    pub diverted: bool,
}

/// What is done about few redirects.
#[derive(Clone, Debug, Default)]
pub struct Rare {
    /// The To tag of the 3xx in a request to a target that is outside dialogs.
    pub stale_to_tag: Option<Text>,
    /// How the target tried last failed, if others were left.
    pub failure: Option<Failure>,
    /// A request to a URI that no redirect of the call named, where its targets were not tried.
    pub elsewhere: Option<Elsewhere>,
    /// A target that a proxy tried and still lists in the 3xx that it hands on.
    pub leak: Option<Leak>,
}

/// How a request to a target was sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// Whether it went to the server that had redirected.
    pub to_same_server: bool,
    /// Whether it has a Route.
    pub routed: bool,
    /// Whether it has the branch of the request that was redirected.
    pub same_branch: bool,
    /// Whether it has a Diversion.
    pub diverted: bool,
}

/// How a target failed while others were left.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The status code, 400 to 599; none if no answer came.
    pub status: Option<u16>,
    /// The SIP Contacts to which no request of the call went.
    pub untried: Vec<Text>,
    /// What must hold to say that none of them was tried later.
    pub watch: Watch,
}

/// A request that went elsewhere.
#[derive(Clone, Debug)]
pub struct Elsewhere {
    /// Its Request-URI.
    pub uri: Text,
    /// Whether the user in it is that of a Contact.
    pub same_user: bool,
    /// The frame that shows it.
    pub evidence: Evidence,
}

/// A target that a proxy tried and lists all the same.
#[derive(Clone, Debug)]
pub struct Leak {
    /// The proxy.
    pub proxy: Party,
    /// The target.
    pub uri: Text,
    /// The frame of the request to it.
    pub evidence: Evidence,
}

/// What the redirects of a call have to be seen against, worked out once for all of them.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    /// The hops that were made from each hop.
    children: HashMap<usize, Vec<usize>>,
    /// The hops of all requests by method and target; of those to one target that compare alike the first.
    asked: HashMap<(Method, u64), Vec<usize>>,
    /// For each hop that went to a target, the first redirect of the call that names it.
    targets: HashMap<usize, usize>,
    /// What the capture lacks.
    pub(super) missing: Missing,
}

impl Surroundings {
    pub(super) fn of<'a>(view: &CallView<'_>, targets: impl Iterator<Item = &'a [usize]>) -> Self {
        let mut found = Self { missing: Missing::of(view), ..Self::default() };
        for (at, hop) in view.transactions.hops.iter().enumerate() {
            if let Some(parent) = hop.parent {
                found.children.entry(parent).or_default().push(at);
            }
            if let Some(uri) = view.request_uri(hop) {
                let asked = found.asked.entry((hop.method, target_key(uri))).or_default();
                let is_known = |at: &usize| view.hop(*at).and_then(|hop| view.request_uri(hop)) == Some(uri);
                if asked.len() < MAX_RIVALS && !asked.iter().any(is_known) {
                    asked.push(at);
                }
            }
        }
        for (event, targets) in targets.enumerate() {
            for target in targets {
                found.targets.entry(*target).or_insert(event);
            }
        }
        found
    }

    /// The hops that an element made from the same request as hop `at`, without `at`.
    fn siblings(&self, hop: &Hop, at: usize) -> impl Iterator<Item = usize> {
        let children = hop.parent.and_then(|parent| self.children.get(&parent)).map_or(&[][..], Vec::as_slice);
        children.iter().take(MAX_RIVALS).copied().filter(move |other| *other != at)
    }

    /// What was done about the redirect `index` of the call.
    pub(super) fn handling(
        &self,
        view: &CallView<'_>,
        (index, event): (usize, &Event),
        targets: &[usize],
        attempts: &Attempts<'_>,
    ) -> Option<Handling> {
        let hop = view.hop(event.top)?;
        let response = view.record(hop.final_answer()?.first)?;
        let request = view.request(hop);
        let above = hop.parent.and_then(|parent| view.request(view.hop(parent)?));
        let mut handling = Handling {
            no_recurse: above.and_then(|request| request.extra.as_ref()).is_some_and(|extra| extra.no_recurse),
            diverted: response.extra.as_ref().is_some_and(|extra| extra.diverted),
            ..Handling::default()
        };
        let mut rare = Rare { leak: self.leak(view, event), ..Rare::default() };
        if let Some(first) = targets.first().and_then(|first| view.hop(*first)) {
            handling.sent = sent(view, hop, first);
            rare.stale_to_tag = stale_to_tag(view, hop, response, first);
            rare.failure = self.failure(view, event, targets, attempts);
            let end = targets.last().and_then(|last| attempts.end(*last));
            handling.timed_out = end.is_some_and(Hop::is_unanswered_invite);
        } else {
            handling.outvoted_by = self.outvoted_by(view, hop, event.top);
            handling.moved_on = self.look_elsewhere(view, index, hop, response, &mut rare);
            let is_known = self.targets.contains_key(&event.top);
            let is_aimed =
                request.is_some_and(|request| matches(view.texts.get(request.to_uri), view.texts.get(request.subject)));
            handling.may_continue = !is_known && !is_aimed;
        }
        let is_any =
            rare.stale_to_tag.is_some() || rare.failure.is_some() || rare.elsewhere.is_some() || rare.leak.is_some();
        handling.rare = is_any.then(|| Box::new(rare));
        Some(handling)
    }

    /// Whether a request of the call went to that target.
    fn is_asked(&self, view: &CallView<'_>, method: Method, target: &[u8]) -> bool {
        let asked = self.asked.get(&(method, target_key(target))).map_or(&[][..], Vec::as_slice);
        let goes =
            |at: &usize| view.hop(*at).and_then(|hop| view.request_uri(hop)).is_some_and(|uri| matches(target, uri));
        asked.iter().any(goes)
    }

    fn failure(
        &self,
        view: &CallView<'_>,
        event: &Event,
        targets: &[usize],
        attempts: &Attempts<'_>,
    ) -> Option<Failure> {
        let last = *targets.last()?;
        let contacts = view.record(view.hop(event.top)?.final_answer()?.first)?.contacts();
        let method = view.hop(last)?.method;
        let is_sip = |uri: &[u8]| Uri::parse(uri).is_ok_and(|uri| uri.as_sip().is_some());
        let open = contacts.iter().map(|contact| &contact.uri).filter(|uri| is_sip(uri));
        let untried: Vec<Text> = open.filter(|uri| !self.is_asked(view, method, uri)).cloned().collect();
        if untried.is_empty() {
            return None;
        }
        let end = attempts.end(last)?;
        let (status, watch) = match end.final_answer() {
            Some(answer) => (Some(answer.status), view.watch(end, view.record(answer.last)?.time, TIMEOUT_NANOS)),
            // That the client sent all its copies shows that nothing came, whether or not the capture sees that direction.
            None if end.is_unanswered_invite() => {
                (None, Watch { both_directions: true, ..view.watch(end, end.start, 2 * TIMEOUT_NANOS) })
            }
            None => return None,
        };
        // Challenges and intervals can be tried again, and what was given up needs no other target.
        let failed =
            status.is_none_or(|status| (400..600).contains(&status) && !matches!(status, 401 | 407 | 422 | 487));
        let whole = watch.whole && !self.missing.next_of(view, end);
        let failure = || Failure { status, untried, watch: Watch { whole, ..watch } };
        (failed && !view.is_cancelled(end)).then(failure)
    }

    /// A sibling that gave the answer which the proxy handed up in place of the one of `hop`.
    fn outvoted_by(&self, view: &CallView<'_>, hop: &Hop, at: usize) -> Option<u16> {
        let above = view.hop(hop.parent?)?.final_status().filter(|status| !(300..400).contains(status))?;
        // Without the requests a branch that was made of the 3xx looks like any other.
        hop.request?;
        let mut branches = self.siblings(hop, at).filter_map(|other| view.hop(other));
        let gave = |other: &Hop| !other.inferred && other.request.is_some() && other.final_status() == Some(above);
        branches.any(gave).then_some(above)
    }

    fn leak(&self, view: &CallView<'_>, event: &Event) -> Option<Leak> {
        let mut at = event.deepest;
        for _ in 0..event.hops {
            let hop = view.hop(at).filter(|_| at != event.top)?;
            let parent = view.hop(hop.parent?)?;
            if let Some(leak) = self.leak_of(view, at, hop, parent) {
                return Some(leak);
            }
            at = hop.parent?;
        }
        None
    }

    /// A target of the 3xx on `hop` that the proxy tried before it handed the 3xx up on the hop `above`.
    fn leak_of(&self, view: &CallView<'_>, at: usize, hop: &Hop, above: &Hop) -> Option<Leak> {
        let got = view.record(hop.final_answer()?.first)?;
        let given = view.record(above.final_answer()?.first)?;
        let lists = |response: &MessageRecord, uri: &[u8]| {
            response.contacts().iter().take(MAX_RIVALS).any(|contact| matches(&contact.uri, uri))
        };
        self.siblings(hop, at).find_map(|other| {
            let next = view.hop(other).filter(|next| !next.inferred && !hop.inferred)?;
            let request = view.request(next)?;
            let by_proxy = next.client.address == hop.client.address && next.method == hop.method;
            // Only one clock tells what came first.
            let same_clock =
                request.capture_source == got.capture_source && request.capture_source == given.capture_source;
            let between = same_clock && request.order() > got.order() && request.order() < given.order();
            let uri = view.texts.get(request.subject);
            let leaked = by_proxy && between && lists(got, uri) && lists(given, uri);
            leaked.then(|| Leak {
                proxy: view.client(next),
                uri: uri.into(),
                evidence: Evidence { place: place_of(request), role: Role::FollowUp },
            })
        })
    }

    /// Finds where the caller went instead of to the targets of the 3xx; whether that was a target of an earlier redirect.
    fn look_elsewhere(
        &self,
        view: &CallView<'_>,
        index: usize,
        hop: &Hop,
        response: &MessageRecord,
        rare: &mut Rare,
    ) -> bool {
        let hops = &view.transactions.hops;
        let start = hops.partition_point(|next| next.start < hop.start);
        for (at, next) in hops.iter().enumerate().skip(start).take(MAX_RIVALS) {
            let Some(request) = view.request(next) else { continue };
            let same_client = match (hop.parent, next.parent) {
                (None, None) => next.cseq > hop.cseq,
                // A proxy goes on with the branches of the same request.
                (Some(above), Some(other)) => above == other && next.cseq == hop.cseq,
                _ => false,
            };
            let in_time = request.time.since(response.time) <= TIMEOUT_NANOS && view.comes_after(request, response);
            let follows = same_client && in_time && next.method == hop.method && next.from_tag == hop.from_tag;
            if !follows || next.client.address != hop.client.address {
                continue;
            }
            match self.targets.get(&at) {
                Some(event) if *event < index => return true,
                Some(_) => return false,
                None => {}
            }
            let uri = view.texts.get(request.subject);
            let is_old = view.request_uri(hop).is_none_or(|old| matches(old, uri));
            // A proxy may hunt: its targets are its own affair (RFC 3261 16.6).
            let is_caller = hop.parent.is_none() && request.to_tag.is_empty() && !view.in_dialog(hop);
            if is_caller && !is_old && rare.elsewhere.is_none() {
                rare.elsewhere = Some(Elsewhere {
                    uri: uri.into(),
                    same_user: user(uri)
                        .is_some_and(|own| response.contacts().iter().any(|contact| user(&contact.uri) == Some(own))),
                    evidence: Evidence { place: place_of(request), role: Role::Other },
                });
            }
        }
        false
    }
}

fn user(uri: &[u8]) -> Option<&[u8]> {
    Uri::parse(uri).ok()?.as_sip()?.user.filter(|user| !user.is_empty())
}

fn sent(view: &CallView<'_>, hop: &Hop, next: &Hop) -> Option<Sent> {
    let then = view.request(next)?;
    let with_branch = |request: &&MessageRecord| request.has_branch && then.has_branch;
    Some(Sent {
        to_same_server: next.server == hop.server,
        routed: !then.onward.is_empty(),
        same_branch: view.request(hop).filter(with_branch).is_some_and(|request| request.top_via == then.top_via),
        diverted: then.extra.as_ref().is_some_and(|extra| extra.diverted),
    })
}

fn stale_to_tag(view: &CallView<'_>, hop: &Hop, response: &MessageRecord, next: &Hop) -> Option<Text> {
    let then = view.request(next)?;
    let is_new = view.request(hop).is_some_and(|request| request.to_tag.is_empty());
    let is_stale = is_new && !then.to_tag.is_empty() && then.to_tag == response.to_tag;
    is_stale.then(|| view.text(then.to_tag))
}
