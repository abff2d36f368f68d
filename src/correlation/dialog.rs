//! INVITE dialogs of a call and their session timers (RFC 3261 12, RFC 4028).

use foldhash::{HashMap, HashMapExt};

use super::facts::{Evidence, Party, Role};
use super::offer::{Offer, Offers, offers};
use super::record::{MessageRecord, Method};
use super::text::Span;
use super::transaction::{Answer, Hop};
use super::unseen::{self, Unseen};
use super::view::CallView;
use crate::limits::MAX_HOPS_OF_REQUEST;
use crate::net::{Endpoint, Transport};
use crate::sip::Refresher;
use crate::time::Timestamp;

/// How far a dialog came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DialogState {
    /// Only provisional responses so far (RFC 3261 12).
    Early,
    /// Answered.
    Confirmed,
    /// Over.
    Terminated,
}

/// Why a dialog ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EndCause {
    /// A BYE.
    Bye,
    /// A final response other than 2xx.
    Rejected,
    /// A CANCEL.
    Cancelled,
}

/// A 2xx to an INVITE or UPDATE: from it the session runs anew (RFC 4028 7.2, 9).
#[derive(Clone, Debug)]
pub struct Agreement {
    /// When its last copy was seen: the clock starts then.
    pub time: Timestamp,
    /// When its first copy was seen: the clock before it stops then.
    pub first: Timestamp,
    /// Session-Expires in seconds; none switches the timer off.
    pub interval: Option<u64>,
    /// Who has to refresh, as the header says it.
    pub refresher: Option<Refresher>,
    /// The tag of the party that has to refresh.
    pub refresher_tag: Option<Span>,
    /// The frames that show it.
    pub evidence: Evidence,
    /// Whether it answered a request within the dialog.
    pub is_refresh: bool,
    /// The hop of the request that it answers.
    pub hop: usize,
    /// The answer, among the messages of the call.
    pub answer: usize,
}

/// An INVITE or UPDATE within the dialog.
#[derive(Clone, Debug)]
pub struct RefreshRequest {
    /// When it was first sent.
    pub time: Timestamp,
    /// The tag of who sent it.
    pub by: Span,
    /// The frame that shows it.
    pub evidence: Evidence,
    /// Its hop.
    pub hop: usize,
    /// What it offers.
    pub offer: Offer,
}

/// The first BYE of a dialog.
#[derive(Clone, Debug)]
pub struct Bye {
    /// When it was first sent.
    pub time: Timestamp,
    /// The tag of who sent it.
    pub by: Span,
    /// The status code of its answer.
    pub status: Option<u16>,
    /// Its Reason headers.
    pub reason: Box<[u8]>,
    /// The frame that shows it.
    pub evidence: Evidence,
}

/// A dialog that an INVITE created, or that was seen when it existed already.
#[derive(Clone, Debug)]
pub struct Dialog {
    /// The tag of the caller: From of the INVITE.
    pub caller_tag: Span,
    /// The tag of the callee.
    pub callee_tag: Span,
    /// The URI of the caller.
    pub from_uri: Span,
    /// The URI of the callee.
    pub to_uri: Span,
    /// The caller, on the hop nearest to it.
    pub caller: Party,
    /// The callee, as seen on that hop.
    pub callee: Party,
    /// When the first message that belongs to it was seen.
    pub start: Timestamp,
    /// When the first 2xx was seen.
    pub answer: Option<Timestamp>,
    /// When it ended.
    pub end: Option<Timestamp>,
    /// How far it came.
    pub state: DialogState,
    /// Why it ended.
    pub end_cause: Option<EndCause>,
    /// Whether it began before the capture.
    pub mid_capture: bool,
    /// The 2xx that started its session's clock, in order of time.
    pub agreements: Vec<Agreement>,
    /// The INVITE and UPDATE requests within it, in order of time.
    pub refreshes: Vec<RefreshRequest>,
    /// When there may have been others that the capture lacks; only where a timer was agreed on.
    pub unseen: Vec<Unseen>,
    /// The first BYE.
    pub bye: Option<Bye>,
    /// The source of capture and the path of its hop nearest the caller.
    pub path: (u32, Endpoint, Endpoint),
    /// Whether a stream carries its messages there.
    pub on_stream: bool,
    /// When its last message was seen.
    pub last: Timestamp,
    /// Whether requests within the dialog pass the place of capture, and messages from and to the end of that path were seen.
    pub both_directions: bool,
}

impl Dialog {
    /// The party with that tag.
    pub fn party(&self, tag: Span) -> &Party {
        if tag == self.caller_tag { &self.caller } else { &self.callee }
    }

    /// Ends it, if it has not ended before.
    fn finish(&mut self, time: Timestamp, cause: EndCause) {
        self.state = DialogState::Terminated;
        if self.end.is_none() {
            self.end = Some(time);
            self.end_cause = Some(cause);
        }
    }
}

/// The dialogs of a call, in order of their first message, and by their tags.
#[derive(Debug, Default)]
pub struct Dialogs {
    list: Vec<Dialog>,
    by_tags: HashMap<(Span, Span), usize>,
}

/// The two tags of a dialog in an order that does not depend on who sent the message.
fn tags(one: Span, other: Span) -> (Span, Span) {
    if one <= other { (one, other) } else { (other, one) }
}

impl Dialogs {
    /// The dialogs in order.
    pub fn list(&self) -> &[Dialog] {
        &self.list
    }

    /// The index of the dialog that a message belongs to.
    pub fn of(&self, record: &MessageRecord) -> Option<usize> {
        self.between(record.from_tag, record.to_tag)
    }

    /// The index of the dialog between those tags.
    pub(super) fn between(&self, one: Span, other: Span) -> Option<usize> {
        self.by_tags.get(&tags(one, other)).copied()
    }

    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut Dialog> {
        self.list.get_mut(at)
    }
}

/// The INVITE dialogs of a call in order of their first message.
pub fn dialogs(view: &CallView<'_>) -> Dialogs {
    let mut found = Dialogs::default();
    let known = Known { ends: far_ends(view), offers: offers(view) };
    // Each exchange is judged once, on the hop nearest to whoever sent the request; if its answers were not captured there, on the next.
    for (at, hop) in view.transactions.hops.iter().enumerate().filter(|(_, hop)| is_nearest_answered(view, hop)) {
        match hop.method {
            Method::Invite | Method::Update => session(view, &mut found, &known, at, hop),
            Method::Bye => bye(view, &mut found, hop),
            _ => {}
        }
        let gone =
            |answer: &&Answer| ends_dialog(answer.status) && !matches!(hop.method, Method::Cancel | Method::Prack);
        if let Some(answer) = hop.final_answer().filter(gone)
            && let Some(request) = view.request(hop).filter(|request| !request.to_tag.is_empty())
            && let Some(dialog) = found.of(request).and_then(|at| found.get_mut(at))
            && let Some(response) = view.record(answer.first)
        {
            dialog.finish(response.time, EndCause::Rejected);
        }
    }
    if found.list.iter().any(|dialog| dialog.agreements.iter().any(|agreement| agreement.interval.is_some())) {
        unseen::note(view, &mut found);
    }
    let mut seen = vec![(false, false, false); found.list.len()];
    for record in view.records {
        let Some(at) = found.of(record) else { continue };
        let (Some(dialog), Some((sent, received, within))) = (found.list.get_mut(at), seen.get_mut(at)) else {
            continue;
        };
        dialog.last = dialog.last.max(record.time);
        *sent |= record.source == dialog.path.1;
        *received |= record.destination == dialog.path.1;
        // The ACK to a 2xx goes where all later requests go, which need not be the way of the INVITE (RFC 3261 12.2.1.1).
        *within |= record.is_request();
        dialog.both_directions = *sent && *received && *within;
    }
    found
}

/// Whether an answer to a request within a dialog means that the peer does not know it (any more), or cannot be reached
/// (RFC 3261 12.2.1.2, RFC 5057 5.1).
const fn ends_dialog(status: u16) -> bool {
    matches!(status, 404 | 408 | 410 | 416 | 481..=485 | 502 | 604)
}

/// Whether no hop nearer to the originator shows how its request was answered.
fn is_nearest_answered(view: &CallView<'_>, hop: &Hop) -> bool {
    let mut above = hop.parent.and_then(|parent| view.hop(parent));
    for _ in 0..MAX_HOPS_OF_REQUEST {
        match above {
            Some(hop) if !hop.answers.is_empty() => return false,
            Some(hop) => above = hop.parent.and_then(|parent| view.hop(parent)),
            None => return true,
        }
    }
    true
}

/// The hop of the deepest element that was seen to answer with a 2xx, by the originating hop and the tag in the answer.
type FarEnds = HashMap<(usize, Span), usize>;

fn far_ends(view: &CallView<'_>) -> FarEnds {
    let mut ends = FarEnds::new();
    let invites = view.transactions.hops.iter().enumerate().filter(|(_, hop)| hop.method == Method::Invite);
    for (at, hop) in invites.filter(|(_, hop)| hop.parent.is_some()) {
        let depth = view.depth(hop);
        for answer in hop.answers.iter().filter(|answer| (200..300).contains(&answer.status)) {
            let mut above = hop.parent;
            for _ in 0..MAX_HOPS_OF_REQUEST {
                let Some(root) = above else { break };
                let end = ends.entry((root, answer.to_tag)).or_insert(at);
                if view.hop(*end).is_some_and(|old| view.depth(old) <= depth) {
                    *end = at;
                }
                above = view.hop(root).and_then(|hop| hop.parent);
            }
        }
    }
    ends
}

/// What is worked out for a whole call beforehand.
struct Known {
    ends: FarEnds,
    offers: Offers,
}

fn session(view: &CallView<'_>, found: &mut Dialogs, known: &Known, at: usize, hop: &Hop) {
    let own = at;
    let request = view.request(hop);
    let in_dialog = request.is_some_and(|request| !request.to_tag.is_empty());
    if let (Some(request), true) = (request, in_dialog) {
        let at = find_or_add(view, found, hop, request.to_tag, true);
        // What nobody answered is listed once, where it was sent first.
        let counts = hop.parent.is_none() || !hop.answers.is_empty();
        if let (Some(dialog), Some(index)) = (found.get_mut(at).filter(|_| counts), hop.request) {
            dialog.refreshes.push(RefreshRequest {
                time: request.time,
                by: hop.from_tag,
                evidence: view.evidence(index, Role::Refresh),
                hop: own,
                offer: known.offers.get(&index).copied().unwrap_or_default(),
            });
        }
    }
    let rejected = hop.final_answer().filter(|answer| answer.status >= 300);
    for answer in
        hop.answers.iter().filter(|answer| answer.status > 100 && answer.status < 300 && !answer.to_tag.is_empty())
    {
        if answer.status < 200 && (in_dialog || hop.method != Method::Invite) {
            continue;
        }
        // A response alone does not tell whether its request was within a dialog; one that is known by now was.
        let existed = found.between(hop.from_tag, answer.to_tag).is_some();
        let at = find_or_add(
            view,
            found,
            hop,
            answer.to_tag,
            in_dialog || (request.is_none() && hop.method == Method::Update),
        );
        let Some(dialog) = found.get_mut(at) else { continue };
        if answer.status >= 200 {
            agree(view, dialog, (own, hop), answer, in_dialog || (request.is_none() && existed));
            let end = known.ends.get(&(own, answer.to_tag)).and_then(|end| view.hop(*end)).filter(|_| !in_dialog);
            if let Some((end, answer)) = end.and_then(|end| Some((end, end.final_answer()?))) {
                dialog.callee = view.server(end, answer);
            }
        }
    }
    if in_dialog || hop.method != Method::Invite {
        return;
    }
    let Some(end) = rejected.and_then(|answer| view.record(answer.first)) else { return };
    let cause = if hop.cancel.is_some() { EndCause::Cancelled } else { EndCause::Rejected };
    for answer in &hop.answers {
        let dialog = found.between(hop.from_tag, answer.to_tag).and_then(|at| found.get_mut(at));
        if let Some(dialog) = dialog.filter(|dialog| dialog.state == DialogState::Early) {
            dialog.finish(end.time, cause);
        }
    }
}

fn agree(view: &CallView<'_>, dialog: &mut Dialog, (at, hop): (usize, &Hop), answer: &Answer, is_refresh: bool) {
    let (Some(response), Some(last)) = (view.record(answer.first), view.record(answer.last)) else { return };
    // An UPDATE may be answered while the dialog is early (RFC 3311 5.1).
    if dialog.state == DialogState::Early && hop.method == Method::Invite {
        dialog.state = DialogState::Confirmed;
    }
    if !is_refresh && hop.method == Method::Invite {
        dialog.answer = dialog.answer.or(Some(response.time));
        dialog.callee = view.server(hop, answer);
    }
    dialog.agreements.push(Agreement {
        time: last.time,
        first: response.time,
        interval: response.session_expires.value(),
        refresher: response.refresher,
        refresher_tag: response.refresher.map(|refresher| match refresher {
            Refresher::Uac => hop.from_tag,
            Refresher::Uas => answer.to_tag,
        }),
        evidence: view.evidence(answer.first, Role::Answer),
        is_refresh,
        hop: at,
        answer: answer.first,
    });
}

fn bye(view: &CallView<'_>, found: &mut Dialogs, hop: &Hop) {
    let Some(sample) = view.record(hop.sample) else { return };
    let to_tag = sample.to_tag;
    if to_tag.is_empty() {
        return;
    }
    let at = find_or_add(view, found, hop, to_tag, true);
    let Some(dialog) = found.get_mut(at) else { return };
    // Where only the answer was captured the request may have been further on, and tells when it was sent.
    let same = |other: &&Hop| {
        (other.method, other.cseq, other.from_tag) == (Method::Bye, hop.cseq, hop.from_tag) && other.request.is_some()
    };
    let further_on = || view.transactions.hops.iter().filter(same).map(|other| other.start).min();
    let sent = if hop.request.is_some() { None } else { further_on() };
    let time = sent.map_or(hop.start, |sent| sent.min(hop.start));
    dialog.finish(time, EndCause::Bye);
    if let Some(bye) = &mut dialog.bye {
        // The same request further on: its answer may have been captured there only.
        bye.status = bye.status.or_else(|| hop.final_status());
        return;
    }
    let index = hop.request.unwrap_or(hop.sample);
    let reason = view.request(hop).and_then(|request| request.extra.as_ref()).map(|extra| extra.reason.clone());
    dialog.bye = Some(Bye {
        time,
        by: hop.from_tag,
        status: hop.final_status(),
        reason: reason.unwrap_or_default(),
        evidence: view.evidence(index, Role::Bye),
    });
}

/// The index of the dialog between From of `hop` and `to_tag`.
fn find_or_add(view: &CallView<'_>, found: &mut Dialogs, hop: &Hop, to_tag: Span, mid_capture: bool) -> usize {
    if let Some(at) = found.between(hop.from_tag, to_tag) {
        return at;
    }
    let sample = view.record(hop.sample);
    let server = hop.answers.first().map(|answer| view.server(hop, answer));
    found.by_tags.insert(tags(hop.from_tag, to_tag), found.list.len());
    found.list.push(Dialog {
        caller_tag: hop.from_tag,
        callee_tag: to_tag,
        from_uri: sample.map(|record| record.from_uri).unwrap_or_default(),
        to_uri: sample.map(|record| record.to_uri).unwrap_or_default(),
        caller: view.client(hop),
        callee: server.unwrap_or(Party { endpoint: hop.server, transport: hop.transport, agent: None }),
        start: hop.start,
        answer: None,
        end: None,
        state: if mid_capture { DialogState::Confirmed } else { DialogState::Early },
        end_cause: None,
        mid_capture: mid_capture || view.continued,
        agreements: Vec::new(),
        refreshes: Vec::new(),
        unseen: Vec::new(),
        bye: None,
        path: (sample.map_or(0, |record| record.capture_source), hop.client, hop.server),
        on_stream: hop.transport != Transport::Udp,
        last: hop.start,
        both_directions: false,
    });
    found.list.len() - 1
}
