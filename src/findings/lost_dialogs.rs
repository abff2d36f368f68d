//! The rule about requests within a dialog that the other side does not know (any more).

use super::rule::{Check, Confidence, Finding, Rule, Severity, Value};
use super::session::DialogCase;
use super::transactions::{client, finding, method};
use super::words::name;
use crate::correlation::{CallView, Hop, Method};
use crate::time::Timestamp;

/// The rules whose checks stand here.
pub(super) const RULES: &[Rule] = &[Rule {
    id: "in-dialog-481",
    severity: Severity::Warning,
    summary: "A party does not know the dialog that its peer speaks of.",
    explanation: "481 to a request within a dialog says that the dialog is gone at the one side, while the other still holds it. It is seen \
            after restarts and failovers. Where a BYE had been sent before, or the dialog was early and its INVITE was decided or cancelled, it \
            is usual and not reported; CANCEL and PRACK are left out. Where the capture does not show that there was such a dialog it is a notice.",
    remedy: "Find out why that party lost the dialog: a restart, a failover without state, a load balancer.",
    references: &["RFC 3261 12.2.1.2", "RFC 5057 5.1"],
    checks: &[Check::Dialog(dialog_lost)],
}];

/// Whether the To tag of a request is that of a refusal: it names a dialog that never was.
fn names_refusal(view: &CallView<'_>, hop: &Hop) -> bool {
    let Some(tag) = view.request(hop).map(|request| request.to_tag) else { return false };
    let answers = || {
        view.transactions
            .hops
            .iter()
            .filter(|other| other.method == Method::Invite && other.cseq != hop.cseq)
            .flat_map(|other| &other.answers)
    };
    let given = |refused: bool| answers().any(|answer| answer.to_tag == tag && (answer.status >= 300) == refused);
    given(true) && !given(false)
}

/// Whether the dialog of a request was early and over by that time: its INVITE had been refused, cancelled, or answered by another phone
/// (RFC 3261 12.3, 13.2.2.4).
fn is_early_and_over(view: &CallView<'_>, hop: &Hop, time: Timestamp) -> bool {
    let Some(to_tag) = view.request(hop).map(|request| request.to_tag) else { return false };
    // Without its request an INVITE may have been one within the dialog; its answers tell.
    let invites =
        || view.transactions.hops.iter().filter(|invite| invite.method == Method::Invite && !view.in_dialog(invite));
    let callers = invites().filter(|invite| invite.from_tag == hop.from_tag || invite.from_tag == to_tag);
    let Some(last) = callers.max_by_key(|invite| invite.cseq) else { return false };
    let callee = if last.from_tag == hop.from_tag { to_tag } else { hop.from_tag };
    let before = |index: usize| view.record(index).is_some_and(|record| record.time <= time);
    let same = || invites().filter(|invite| (invite.from_tag, invite.cseq) == (last.from_tag, last.cseq));
    let answers = || same().flat_map(|invite| &invite.answers);
    let rang = answers().any(|answer| (101..200).contains(&answer.status) && answer.to_tag == callee);
    let is_confirmed = answers().any(|answer| (200..300).contains(&answer.status) && answer.to_tag == callee);
    let is_decided = answers().any(|answer| answer.status >= 200 && before(answer.first));
    rang && !is_confirmed && (is_decided || same().any(|invite| invite.cancel.is_some_and(before)))
}

/// Whether the tags of a request are those of a dialog that the capture shows.
#[derive(Clone, Copy)]
enum Tags {
    /// Both are.
    Known,
    /// A dialog of its sender was seen, with another tag of the peer.
    Other,
    /// No dialog was seen.
    Unknown,
}

impl Tags {
    fn of(view: &CallView<'_>, hop: &Hop) -> Self {
        let Some(request) = view.request(hop) else { return Self::Unknown };
        let (own, peer) = (request.from_tag, request.to_tag);
        let mut found = Self::Unknown;
        // A 2xx, or a provisional answer, names both parties of a dialog.
        for (other, answer) in
            view.transactions.hops.iter().flat_map(|other| other.answers.iter().map(move |answer| (other, answer)))
        {
            if !(101..300).contains(&answer.status) || answer.to_tag.is_empty() {
                continue;
            }
            let pair = (other.from_tag, answer.to_tag);
            if pair == (own, peer) || pair == (peer, own) {
                return Self::Known;
            }
            if pair.0 == own || pair.1 == own {
                found = Self::Other;
            }
        }
        found
    }

    /// Whether the capture shows enough to say that the dialog was there, or that it was another one.
    fn is_sure(self, view: &CallView<'_>, hop: &Hop) -> bool {
        let begins = |other: &Hop| other.request.is_some() && !view.in_dialog(other);
        let peer = view.request(hop).map(|request| request.to_tag);
        let own = |other: &Hop| other.from_tag == hop.from_tag || Some(other.from_tag) == peer;
        match self {
            Self::Known => true,
            // Of several phones that ring each has a dialog of its own, until one answers.
            Self::Other => {
                matches!(hop.method, Method::Notify | Method::Subscribe)
                    || view.transactions.hops.iter().any(|other| begins(other) && own(other))
            }
            Self::Unknown => false,
        }
    }

    fn value(self) -> Value {
        match self {
            Self::Known => Value::Bool(true),
            Self::Other => Value::Bool(false),
            Self::Unknown => Value::None,
        }
    }
}

fn dialog_lost(rule: &'static Rule, case: &DialogCase<'_>, out: &mut Vec<Finding>) {
    let view = case.view;
    if !view.transactions.hops.iter().any(|hop| hop.final_status() == Some(481)) {
        return;
    }
    let byes = || view.transactions.hops.iter().filter(|hop| hop.method == Method::Bye);
    for event in view.events(|status| status == 481) {
        let (Some(hop), Some(deepest)) = (view.hop(event.top), view.hop(event.deepest)) else { continue };
        let (Some(answer), Some(deep_answer)) = (hop.final_answer(), deepest.final_answer()) else { continue };
        // The hops of one BYE share a CSeq number and a From tag; any other BYE may have ended the dialog.
        let same = |bye: &Hop| hop.method == Method::Bye && bye.cseq == hop.cseq && bye.from_tag == hop.from_tag;
        let answered = view.record(answer.first).map(|record| record.time);
        // When a BYE was sent of which only the answer was captured is not known.
        let ended = byes().any(|bye| !same(bye) && (bye.request.is_none() || Some(bye.start) <= answered));
        if ended
            || !view.in_dialog(hop)
            || names_refusal(view, hop)
            || answered.is_some_and(|time| is_early_and_over(view, hop, time))
            || matches!(hop.method, Method::Cancel | Method::Prack)
        {
            continue;
        }
        let server = name(&view.server(deepest, deep_answer));
        let client = client(view, hop);
        let tags = Tags::of(view, hop);
        let why = match tags {
            Tags::Known => "it has lost the dialog",
            Tags::Other => "no dialog that was captured has its tags",
            Tags::Unknown => "it does not know the dialog",
        };
        let summary = format!("{server} answered 481 to {} of {client}: {why}.", method(hop));
        let remediation = match tags {
            Tags::Known => format!(
                "Find out why {server} lost the dialog, whose tags are those of the request: a restart, a failover without state, a load balancer."
            ),
            Tags::Other => format!(
                "Find out why {client}, or something on the way, sends other tags than the dialog has; {server} is right to refuse them."
            ),
            Tags::Unknown => format!(
                "Compare the tags of the request with those of the dialog: if they are the same, {server} lost it (a restart, a \
                 failover without state, a load balancer); if not, {client} or something on the way changed them."
            ),
        };
        let Some(mut found) = finding(rule, case, hop, Some(answer), (summary, remediation)) else { continue };
        if !tags.is_sure(view, hop) {
            // What the capture lacks may have ended the dialog.
            (found.severity, found.confidence) = (Severity::Notice, Confidence::Medium);
        }
        found.values.push(("tags_of_the_dialog", tags.value()));
        out.push(found);
    }
}
