//! When requests of a dialog may have gone unseen.

use foldhash::{HashMap, HashMapExt, HashSet};

use super::dialog::Dialogs;
use super::record::Method;
use super::text::Span;
use super::view::{CallView, TIMEOUT_NANOS};
use crate::time::Timestamp;

/// A time in which requests of a dialog were sent that the capture lacks: numbers of CSeq are left out, or only an answer is there.
#[derive(Clone, Copy, Debug)]
pub struct Unseen {
    /// When the last request before was seen.
    pub from: Timestamp,
    /// When the next, or the answer, was seen.
    pub until: Timestamp,
}

/// Finds for each dialog the times in which requests may have gone unseen. Numbers may be left out for other reasons (RFC 3261
/// 12.2.1.1), so nothing follows from that but doubt.
pub(super) fn note(view: &CallView<'_>, found: &mut Dialogs) {
    let mut highest: HashMap<(Span, Span), (u32, Timestamp)> = HashMap::new();
    let hops = view.transactions.hops.iter().filter(|hop| !matches!(hop.method, Method::Ack | Method::Cancel));
    for hop in hops {
        let request = view.request(hop);
        let mut sent = |peer: Span| {
            let Some(dialog) = found.between(hop.from_tag, peer).and_then(|at| found.get_mut(at)) else { return };
            let before = highest.get(&(hop.from_tag, peer)).copied();
            let began = before.is_none() && hop.method == Method::Invite && hop.from_tag == dialog.caller_tag;
            let is_new = before.is_none_or(|(number, _)| hop.cseq > number);
            let is_left_out = before.is_some_and(|(number, _)| hop.cseq > number.saturating_add(1));
            let is_lost = request.is_none() && hop.method.refreshes_sessions() && is_new && !began;
            if is_left_out || is_lost {
                let from = before.map_or(hop.start, |(_, time)| time);
                dialog.unseen.push(Unseen { from, until: hop.start });
            }
            if is_new {
                highest.insert((hop.from_tag, peer), (hop.cseq, hop.start));
            }
        };
        match request.filter(|request| !request.to_tag.is_empty()) {
            Some(request) => sent(request.to_tag),
            None => hop.answers.iter().for_each(|answer| sent(answer.to_tag)),
        }
    }
    note_invites(view, found);
}

/// An ACK tells of an INVITE, though that and its answers were not captured.
fn note_invites(view: &CallView<'_>, found: &mut Dialogs) {
    let invites = view.transactions.hops.iter().filter(|hop| hop.method == Method::Invite);
    let seen: HashSet<(Span, u32)> = invites.map(|hop| (hop.from_tag, hop.cseq)).collect();
    for ack in view.records.iter().filter(|record| record.method == Method::Ack && record.is_request()) {
        if seen.contains(&(ack.from_tag, ack.cseq)) {
            continue;
        }
        if let Some(dialog) = found.of(ack).and_then(|at| found.get_mut(at)) {
            // It follows its INVITE within the time for which that is repeated.
            dialog.unseen.push(Unseen { from: ack.time.plus(-TIMEOUT_NANOS), until: ack.time });
        }
    }
}
