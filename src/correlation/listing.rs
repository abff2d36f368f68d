//! Dialogs with their messages, as reports list them.

use super::dialog::{Agreement, Dialog, DialogState, Dialogs, EndCause};
use super::facts::{Place, Text};
use super::record::{Kind, MessageRecord, Method};
use super::text::Span;
use super::transaction::Repeat;
use super::view::{CallView, place_of};
use crate::extent::Extent;
use crate::limits::{self, MAX_RIVALS};
use crate::net::Endpoint;
use crate::sip::Refresher;
use crate::time::Timestamp;

/// A message of a listed dialog.
#[derive(Clone, Copy, Debug)]
pub struct ListedMessage<'a> {
    /// Where it is.
    pub place: Place,
    /// When it was captured.
    pub time: Timestamp,
    /// Who sent it.
    pub source: Endpoint,
    /// Where to.
    pub destination: Endpoint,
    /// The start line.
    pub start_line: &'a [u8],
    /// The CSeq number.
    pub cseq: u32,
    /// The CSeq method, if it is a registered one.
    pub method: Method,
    /// Where the message is that it repeats, and whether it is a mirror duplicate.
    pub repeat_of: Option<(Place, bool)>,
    /// Where its bytes lie, or those of what it is part of; nothing if that was not asked for.
    pub extents: &'a [Extent],
}

/// A message as it is kept until the report is written: there may be hundreds of thousands.
#[derive(Clone, Copy, Debug)]
struct Entry {
    frame: u64,
    time: Timestamp,
    input: u32,
    position: u32,
    cseq: u32,
    /// Where the start line begins among all of the dialog, and its length.
    line: (u32, u32),
    /// Indices of the source and the destination.
    ends: (u16, u16),
    method: Method,
}

/// What a start line is made of, and where it begins among all of a dialog, and its length.
type KnownLine = ((Kind, Method, Span), (u32, u32));

/// The messages of a dialog. They repeat each other: few endpoints send few different start lines.
#[derive(Clone, Debug, Default)]
struct Entries {
    list: Vec<Entry>,
    endpoints: Vec<Endpoint>,
    lines: Vec<u8>,
    /// Which of them repeat another, where that is, and whether they are mirror duplicates.
    repeats: Vec<(u32, Place, bool)>,
    /// For each message where its bytes lie; nothing if that was not asked for.
    extents: Vec<Box<[Extent]>>,
}

impl Entries {
    fn push(&mut self, view: &CallView<'_>, record: &MessageRecord, lines: &mut Vec<KnownLine>) {
        let parts = record.odd_start_line().is_none().then_some((record.kind, record.method, record.subject));
        let known = lines.iter().rev().take(MAX_RIVALS).find(|(known, _)| Some(*known) == parts);
        let line = known.map_or_else(|| self.line(&record.start_line(view.texts)), |(_, line)| *line);
        if let (Some(parts), None) = (parts, known) {
            lines.push((parts, line));
        }
        let ends = (self.endpoint(record.source), self.endpoint(record.destination));
        self.list.push(Entry {
            frame: record.frame,
            time: record.time,
            input: record.input,
            position: record.position,
            cseq: record.cseq,
            line,
            ends,
            method: record.method,
        });
    }

    fn line(&mut self, text: &[u8]) -> (u32, u32) {
        let start = u32::try_from(self.lines.len()).unwrap_or(u32::MAX);
        self.lines.extend_from_slice(text);
        (start, u32::try_from(text.len()).unwrap_or(u32::MAX))
    }

    fn endpoint(&mut self, endpoint: Endpoint) -> u16 {
        let known = self.endpoints.iter().rev().take(MAX_RIVALS).position(|known| *known == endpoint);
        let index = known.map_or(self.endpoints.len(), |back| self.endpoints.len() - 1 - back);
        if known.is_none() {
            self.endpoints.push(endpoint);
        }
        u16::try_from(index).unwrap_or(u16::MAX)
    }

    fn message(&self, entry: &Entry) -> ListedMessage<'_> {
        let endpoint = |index: u16| self.endpoints.get(usize::from(index)).copied().unwrap_or_default();
        let (start, length) = (entry.line.0 as usize, entry.line.1 as usize);
        ListedMessage {
            place: Place { input: entry.input, frame: entry.frame, position: entry.position },
            time: entry.time,
            source: endpoint(entry.ends.0),
            destination: endpoint(entry.ends.1),
            start_line: self.lines.get(start..start.saturating_add(length)).unwrap_or_default(),
            cseq: entry.cseq,
            method: entry.method,
            repeat_of: None,
            extents: &[],
        }
    }

    fn iter(&self) -> impl Iterator<Item = ListedMessage<'_>> {
        let mut repeats = self.repeats.iter().peekable();
        self.list.iter().zip(0_u32..).map(move |(entry, index)| {
            let repeat = repeats.next_if(|(at, ..)| *at == index);
            let repeat_of = repeat.map(|(_, place, mirror)| (*place, *mirror));
            let extents = usize::try_from(index).ok().and_then(|index| self.extents.get(index));
            ListedMessage { repeat_of, extents: extents.map_or(&[], |extents| extents), ..self.message(entry) }
        })
    }
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

/// A 2xx from which the session of a listed dialog ran anew.
#[derive(Clone, Copy, Debug)]
pub struct ListedAgreement {
    /// When its first copy was seen: the clock before it stops then.
    pub first: Timestamp,
    /// When the session expires that it started; none if it switched the timer off.
    pub deadline: Option<Timestamp>,
    /// Where it is.
    pub place: Place,
    /// Session-Expires in seconds.
    pub interval: Option<u64>,
    /// The refresher, as it says it.
    pub refresher: Option<Refresher>,
    /// Whether it answered a request within the dialog.
    pub is_refresh: bool,
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
    /// From what the session ran, in order of time; the first ones if there are too many.
    pub agreements: Vec<ListedAgreement>,
    /// Its messages in order of time; those of the call before any dialog stand with the first.
    messages: Entries,
    /// Messages that are not listed because there are too many.
    pub omitted: u64,
}

impl ListedDialog {
    /// Its messages in order of time, as many as [`MAX_LISTED_MESSAGES`](limits::MAX_LISTED_MESSAGES).
    pub fn messages(&self) -> impl Iterator<Item = ListedMessage<'_>> {
        self.messages.iter()
    }
}

/// The dialogs of a call with their messages; one entry without a callee where there is none.
/// With `quotable` they say where their bytes lie.
pub fn listing(view: &CallView<'_>, dialogs: &Dialogs, quotable: bool) -> Vec<ListedDialog> {
    let mut listed: Vec<ListedDialog> = dialogs.list().iter().map(|dialog| entry(view, dialog)).collect();
    if listed.is_empty() {
        listed.extend(view.records.first().map(|record| without_dialog(view, record)));
    }
    if let [only] = listed.as_mut_slice() {
        only.messages.list.reserve_exact(view.records.len().min(limits::MAX_LISTED_MESSAGES));
    }
    let mut lines = vec![Vec::new(); listed.len()];
    for (index, record) in view.records.iter().enumerate() {
        let at = dialogs.of(record).unwrap_or(0);
        let (Some(dialog), Some(lines)) = (listed.get_mut(at), lines.get_mut(at)) else { continue };
        let count = dialog.messages.list.len();
        if count >= limits::MAX_LISTED_MESSAGES {
            dialog.omitted += 1;
            continue;
        }
        if count == 0 {
            dialog.place = place_of(record);
            dialog.start = record.time;
        }
        if let Some(repeat) = view.transactions.repeats.get(index).copied().flatten() {
            let at = u32::try_from(count).unwrap_or(u32::MAX);
            let is_mirror = matches!(repeat, Repeat::Mirror(_));
            dialog.messages.repeats.push((at, view.place(repeat.original()), is_mirror));
        }
        dialog.messages.push(view, record, lines);
        if quotable {
            dialog.messages.extents.push(extents(record));
        }
    }
    for dialog in &mut listed {
        dialog.messages.lines.shrink_to_fit();
    }
    listed
}

/// Where the bytes of a message lie.
fn extents(record: &MessageRecord) -> Box<[Extent]> {
    let more = record.extra.as_ref().map(|extra| extra.extents.as_slice()).filter(|extents| !extents.is_empty());
    more.unwrap_or_else(|| std::slice::from_ref(&record.extent)).into()
}

/// When the session expires that an agreement started.
fn deadline(agreement: &Agreement) -> Option<Timestamp> {
    let seconds = i64::try_from(agreement.interval?).unwrap_or(i64::MAX);
    Some(agreement.time.plus_seconds(seconds))
}

fn agreement(agreement: &Agreement) -> ListedAgreement {
    ListedAgreement {
        first: agreement.first,
        deadline: deadline(agreement),
        place: agreement.evidence.place,
        interval: agreement.interval,
        refresher: agreement.refresher,
        is_refresh: agreement.is_refresh,
    }
}

fn entry(view: &CallView<'_>, dialog: &Dialog) -> ListedDialog {
    let last = dialog.agreements.iter().max_by_key(|agreement| agreement.time);
    let timer = last.and_then(|last| {
        Some(ListedTimer {
            interval: last.interval?,
            refresher: last.refresher,
            refreshes: dialog.agreements.iter().filter(|agreement| agreement.is_refresh).count() as u64,
            last_deadline: deadline(last)?,
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
        agreements: dialog.agreements.iter().take(limits::MAX_LISTED_AGREEMENTS).map(agreement).collect(),
        messages: Entries::default(),
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
        agreements: Vec::new(),
        messages: Entries::default(),
        omitted: 0,
    }
}
