//! INVITE dialogs of a call and their session timers (RFC 3261 12, RFC 4028).

use super::facts::{Evidence, Party, Role};
use super::record::{MessageRecord, Method};
use super::text::Span;
use super::transaction::{Answer, Hop};
use super::view::CallView;
use crate::net::Endpoint;
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
    /// The first BYE.
    pub bye: Option<Bye>,
    /// The source of capture and the path of its hop nearest the caller.
    pub path: (u32, Endpoint, Endpoint),
    /// When its last message was seen.
    pub last: Timestamp,
    /// Whether messages from and to the end of that path were seen.
    pub both_directions: bool,
}

impl Dialog {
    /// Whether the two tags are those of this dialog, in either order.
    pub fn has(&self, one: Span, other: Span) -> bool {
        (self.caller_tag == one && self.callee_tag == other) || (self.caller_tag == other && self.callee_tag == one)
    }

    /// The party with that tag.
    pub fn party(&self, tag: Span) -> &Party {
        if tag == self.caller_tag { &self.caller } else { &self.callee }
    }
}

/// The INVITE dialogs of a call in order of their first message.
pub fn dialogs(view: &CallView<'_>) -> Vec<Dialog> {
    let mut found = Vec::new();
    // Each exchange is judged once, on the hop nearest to whoever sent the request.
    for hop in view.transactions.hops.iter().filter(|hop| hop.parent.is_none()) {
        match hop.method {
            Method::Invite | Method::Update => session(view, &mut found, hop),
            Method::Bye => bye(view, &mut found, hop),
            _ => {}
        }
    }
    let mut seen = vec![(false, false); found.len()];
    for record in view.records {
        let Some(at) = dialog_of(&found, record) else { continue };
        let (Some(dialog), Some((sent, received))) = (found.get_mut(at), seen.get_mut(at)) else { continue };
        dialog.last = dialog.last.max(record.time);
        *sent |= record.source == dialog.path.1;
        *received |= record.destination == dialog.path.1;
        dialog.both_directions = *sent && *received;
    }
    found
}

fn session(view: &CallView<'_>, found: &mut Vec<Dialog>, hop: &Hop) {
    let request = view.request(hop);
    let in_dialog = request.is_some_and(|request| !request.to_tag.is_empty());
    if let (Some(request), true) = (request, in_dialog) {
        let at = find_or_add(view, found, hop, request.to_tag, true);
        if let (Some(dialog), Some(index)) = (found.get_mut(at), hop.request) {
            let evidence = view.evidence(index, Role::Refresh);
            dialog.refreshes.push(RefreshRequest { time: request.time, by: hop.from_tag, evidence });
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
        let known = found.iter().any(|dialog| dialog.has(hop.from_tag, answer.to_tag));
        let at = find_or_add(
            view,
            found,
            hop,
            answer.to_tag,
            in_dialog || (request.is_none() && hop.method == Method::Update),
        );
        let Some(dialog) = found.get_mut(at) else { continue };
        if answer.status >= 200 {
            agree(view, dialog, hop, answer, in_dialog || (request.is_none() && known));
        }
    }
    if in_dialog || hop.method != Method::Invite {
        return;
    }
    let Some(end) = rejected.and_then(|answer| view.record(answer.first)) else { return };
    let cause = if hop.cancel.is_some() { EndCause::Cancelled } else { EndCause::Rejected };
    let tags: Vec<Span> = hop.answers.iter().map(|answer| answer.to_tag).collect();
    for dialog in found.iter_mut().filter(|dialog| {
        dialog.state == DialogState::Early && dialog.caller_tag == hop.from_tag && tags.contains(&dialog.callee_tag)
    }) {
        dialog.state = DialogState::Terminated;
        dialog.end = Some(end.time);
        dialog.end_cause = Some(cause);
    }
}

fn agree(view: &CallView<'_>, dialog: &mut Dialog, hop: &Hop, answer: &Answer, is_refresh: bool) {
    let (Some(response), Some(last)) = (view.record(answer.first), view.record(answer.last)) else { return };
    if dialog.state == DialogState::Early {
        dialog.state = DialogState::Confirmed;
    }
    if !is_refresh && hop.method == Method::Invite {
        dialog.answer = dialog.answer.or(Some(response.time));
        dialog.callee = view.server(hop, answer);
    }
    dialog.agreements.push(Agreement {
        time: last.time,
        interval: response.session_expires.value(),
        refresher: response.refresher,
        refresher_tag: response.refresher.map(|refresher| match refresher {
            Refresher::Uac => hop.from_tag,
            Refresher::Uas => answer.to_tag,
        }),
        evidence: view.evidence(answer.first, Role::Answer),
        is_refresh,
    });
}

fn bye(view: &CallView<'_>, found: &mut Vec<Dialog>, hop: &Hop) {
    let Some(sample) = view.record(hop.sample) else { return };
    let to_tag = sample.to_tag;
    if to_tag.is_empty() {
        return;
    }
    let at = find_or_add(view, found, hop, to_tag, true);
    let Some(dialog) = found.get_mut(at) else { return };
    dialog.state = DialogState::Terminated;
    if dialog.bye.is_some() {
        return;
    }
    dialog.end = Some(hop.start);
    dialog.end_cause = Some(EndCause::Bye);
    let index = hop.request.unwrap_or(hop.sample);
    let reason = view.request(hop).and_then(|request| request.extra.as_ref()).map(|extra| extra.reason.clone());
    dialog.bye = Some(Bye {
        time: hop.start,
        by: hop.from_tag,
        status: hop.final_status(),
        reason: reason.unwrap_or_default(),
        evidence: view.evidence(index, Role::Bye),
    });
}

/// The index of the dialog between From of `hop` and `to_tag`.
fn find_or_add(view: &CallView<'_>, found: &mut Vec<Dialog>, hop: &Hop, to_tag: Span, mid_capture: bool) -> usize {
    if let Some(at) = found.iter().position(|dialog| dialog.has(hop.from_tag, to_tag)) {
        return at;
    }
    let sample = view.record(hop.sample);
    let server = hop.answers.first().map(|answer| view.server(hop, answer));
    found.push(Dialog {
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
        bye: None,
        path: (sample.map_or(0, |record| record.capture_source), hop.client, hop.server),
        last: hop.start,
        both_directions: false,
    });
    found.len() - 1
}

/// The index of the dialog that a message belongs to.
pub fn dialog_of(dialogs: &[Dialog], record: &MessageRecord) -> Option<usize> {
    dialogs.iter().position(|dialog| dialog.has(record.from_tag, record.to_tag))
}
