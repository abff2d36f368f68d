//! Dialogs with their messages, as reports list them.

use super::dialog::{Dialog, DialogState, Dialogs, EndCause};
use super::facts::{Place, Text};
use super::record::{MessageRecord, Method};
use super::text::Span;
use super::transaction::Repeat;
use super::view::{CallView, place_of};
use crate::limits;
use crate::net::Endpoint;
use crate::sip::Refresher;
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// A message of a listed dialog.
#[derive(Clone, Debug)]
pub struct ListedMessage {
    /// Where it is.
    pub place: Place,
    /// When it was captured.
    pub time: Timestamp,
    /// Who sent it.
    pub source: Endpoint,
    /// Where to.
    pub destination: Endpoint,
    /// The start line.
    pub start_line: Text,
    /// The CSeq number.
    pub cseq: u32,
    /// The CSeq method, if it is a registered one.
    pub method: Method,
    /// Where the message is that it repeats, and whether it is a mirror duplicate.
    pub repeat_of: Option<(Place, bool)>,
}

/// The session timer of a listed dialog.
#[derive(Clone, Copy, Debug)]
pub struct ListedTimer {
    /// The interval in force at last, in seconds.
    pub interval: u64,
    /// The refresher, as that answer says it.
    pub refresher: Option<Refresher>,
    /// Answered refreshes.
    pub refreshes: u64,
    /// When the session expires, or expired, last.
    pub last_deadline: Timestamp,
}

/// A dialog with its messages, or a call that came to no dialog.
#[derive(Clone, Debug)]
pub struct ListedDialog {
    /// Where its first message is.
    pub place: Place,
    /// The Call-ID.
    pub call_id: Text,
    /// The tag of the caller.
    pub caller_tag: Text,
    /// The tag of the callee; none where no dialog came about.
    pub callee_tag: Option<Text>,
    /// The method that began it.
    pub method: Method,
    /// How far it came; none where no dialog came about.
    pub state: Option<DialogState>,
    /// The URI of the caller.
    pub from: Text,
    /// The URI of the callee.
    pub to: Text,
    /// When its first message was seen.
    pub start: Timestamp,
    /// When it was answered.
    pub answer: Option<Timestamp>,
    /// When it ended.
    pub end: Option<Timestamp>,
    /// Why it ended.
    pub end_cause: Option<EndCause>,
    /// Its session timer.
    pub timer: Option<ListedTimer>,
    /// Its messages in order of time; those of the call before any dialog stand with the first.
    pub messages: Vec<ListedMessage>,
    /// Messages that are not listed because there are too many.
    pub omitted: u64,
}

/// The dialogs of a call with their messages; one entry without a callee where there is none.
pub fn listing(view: &CallView<'_>, dialogs: &Dialogs) -> Vec<ListedDialog> {
    let mut listed: Vec<ListedDialog> = dialogs.list().iter().map(|dialog| entry(view, dialog)).collect();
    if listed.is_empty() {
        listed.extend(view.records.first().map(|record| without_dialog(view, record)));
    }
    for (index, record) in view.records.iter().enumerate() {
        let at = dialogs.of(record).unwrap_or(0);
        let Some(dialog) = listed.get_mut(at) else { continue };
        if dialog.messages.len() >= limits::MAX_LISTED_MESSAGES {
            dialog.omitted += 1;
            continue;
        }
        if dialog.messages.is_empty() {
            dialog.place = place_of(record);
            dialog.start = record.time;
        }
        let repeat = view.transactions.repeats.get(index).copied().flatten();
        dialog.messages.push(ListedMessage {
            place: place_of(record),
            time: record.time,
            source: record.source,
            destination: record.destination,
            start_line: view.text(record.start_line),
            cseq: record.cseq,
            method: record.method,
            repeat_of: repeat.map(|repeat| (view.place(repeat.original()), matches!(repeat, Repeat::Mirror(_)))),
        });
    }
    listed
}

fn entry(view: &CallView<'_>, dialog: &Dialog) -> ListedDialog {
    let last = dialog.agreements.iter().max_by_key(|agreement| agreement.time);
    let timer = last.and_then(|last| {
        let interval = last.interval?;
        let nanos = i64::try_from(interval).unwrap_or(i64::MAX).saturating_mul(NANOS_PER_SECOND);
        Some(ListedTimer {
            interval,
            refresher: last.refresher,
            refreshes: dialog.agreements.iter().filter(|agreement| agreement.is_refresh).count() as u64,
            last_deadline: last.time.plus(nanos),
        })
    });
    ListedDialog {
        place: Place::default(),
        call_id: view.call_id.into(),
        caller_tag: view.text(dialog.caller_tag),
        callee_tag: Some(view.text(dialog.callee_tag)),
        method: Method::Invite,
        state: Some(dialog.state),
        from: view.text(dialog.from_uri),
        to: view.text(dialog.to_uri),
        start: dialog.start,
        answer: dialog.answer,
        end: dialog.end,
        end_cause: dialog.end_cause,
        timer,
        messages: Vec::new(),
        omitted: 0,
    }
}

fn without_dialog(view: &CallView<'_>, first: &MessageRecord) -> ListedDialog {
    let text = |span: Span| view.text(span);
    ListedDialog {
        place: place_of(first),
        call_id: view.call_id.into(),
        caller_tag: text(first.from_tag),
        callee_tag: None,
        method: first.method,
        state: None,
        from: text(first.from_uri),
        to: text(first.to_uri),
        start: first.time,
        answer: None,
        end: None,
        end_cause: None,
        timer: None,
        messages: Vec::new(),
        omitted: 0,
    }
}
