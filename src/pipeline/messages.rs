//! The messages of a batch on their way to their calls.

use std::sync::Arc;

use super::yields::{SHARDS, shard};
use crate::capture::Window;
use crate::correlation::{Arriving, CallKey, Found, Marks, MessageRecord, Order, Span, extract};
use crate::redact::Pseudonyms;
use crate::sip::Message;

/// A message on its way to its shard.
#[derive(Debug)]
struct Item {
    order: Order,
    key: CallKey,
    /// In the message.
    call_id: Span,
    /// In its window, or in the bytes of its list.
    raw: Span,
    in_window: bool,
}

/// Messages that one window, or the streams or fragments of a batch, gave, in the order of frames.
///
/// There are few such lists, and they are used again for later batches: lists by shard would be many small ones.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    items: Vec<Item>,
    /// What is kept of each.
    records: Vec<MessageRecord>,
    /// The Via digests of all.
    digests: Vec<u64>,
    /// The bytes of messages that do not lie in a window as they are: from streams, fragments and archives.
    bytes: Vec<u8>,
    /// The index of their window in its batch, if they are of one.
    window: Option<usize>,
    /// The indices of the items, those of each shard together and in order.
    by_shard: Vec<u32>,
    /// Where those of each shard begin in `by_shard`, and where the last ones end.
    starts: Vec<u32>,
    /// Headers that tie calls.
    leg_headers: Arc<[Box<[u8]>]>,
}

impl Messages {
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Takes a message with its place among all, if it has what correlation needs.
    pub(crate) fn push(
        &mut self,
        message: &Message<'_>,
        call_id: &[u8],
        found: &Found<'_>,
        order: Order,
        window: &[u8],
    ) -> bool {
        let Some(mut record) = extract(message, found, &mut self.digests) else { return false };
        self.tie(&mut record, message);
        let (raw, in_window) = self.place(message.raw(), window);
        let key = CallKey::of(call_id);
        self.records.push(record);
        self.items.push(Item { order, key, call_id: Span::of(message.raw(), call_id), raw, in_window });
        true
    }

    /// Notes what ties the call of a message to others, if a header that was named says it.
    fn tie(&self, record: &mut MessageRecord, message: &Message<'_>) {
        let value = |name: &[u8]| message.headers().find(|header| header.raw_name.eq_ignore_ascii_case(name));
        if let Some(header) = self.leg_headers.iter().find_map(|name| value(name)) {
            record.session_id = Span::of(message.raw(), header.value.trim_ascii());
        }
    }

    /// Puts pseudonyms into all messages, whose bytes lie in `windows` so far.
    pub(crate) fn redact(&mut self, windows: &[Window], pseudonyms: &Pseudonyms) {
        let window = self.window_bytes(windows);
        let (items, bytes) = (std::mem::take(&mut self.items), std::mem::take(&mut self.bytes));
        let before = std::mem::take(&mut self.records);
        self.digests.clear();
        for (item, before) in items.into_iter().zip(before) {
            let raw = item.raw.within(if item.in_window { window } else { &bytes });
            let redacted = read(raw, &before).map(|message| pseudonyms.message(&message)).unwrap_or_default();
            let again = read(&redacted, &before);
            let Some((message, call_id)) = again.as_ref().and_then(|message| Some((message, message.call_id()?)))
            else {
                continue;
            };
            let found = pseudonymous(&before, pseudonyms);
            let one = [before.extent];
            let more = before.extra.as_ref().map(|extra| extra.extents.as_slice());
            let extents = more.filter(|extents| !extents.is_empty()).unwrap_or(&one);
            self.push(message, call_id, &Found { extents, ..found }, item.order, &[]);
        }
    }

    /// Where `raw` lies, and whether it lies in the window; if not it is kept.
    fn place(&mut self, raw: &[u8], window: &[u8]) -> (Span, bool) {
        let in_window = Span::of(window, raw);
        if !in_window.is_empty() {
            return (in_window, true);
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(raw);
        (Span::of(&self.bytes, self.bytes.get(start..).unwrap_or_default()), false)
    }

    /// All messages, in order.
    pub(crate) fn arriving<'m>(&'m self, windows: &'m [Window]) -> impl Iterator<Item = Arriving<'m>> {
        let queue = Queue { list: self, window: self.window_bytes(windows), rest: &[] };
        self.items.iter().zip(&self.records).map(move |(item, record)| queue.arriving(item, record))
    }

    fn window_bytes<'m>(&self, windows: &'m [Window]) -> &'m [u8] {
        self.window.and_then(|at| windows.get(at)).map_or(&[][..], Window::bytes)
    }

    /// Sorts by shard: the list is whole.
    pub(crate) fn sort(&mut self) {
        let mut ends = [0_u32; SHARDS];
        for item in &self.items {
            if let Some(count) = ends.get_mut(shard(item.key.hash64())) {
                *count += 1;
            }
        }
        let mut sum = 0;
        self.starts.push(0);
        for end in &mut ends {
            sum += std::mem::replace(end, sum);
            self.starts.push(sum);
        }
        self.by_shard.resize(self.items.len(), 0);
        for (index, item) in (0_u32..).zip(&self.items) {
            if let Some(end) = ends.get_mut(shard(item.key.hash64()))
                && let Some(slot) = self.by_shard.get_mut(*end as usize)
            {
                *slot = index;
                *end += 1;
            }
        }
    }

    /// The messages of one shard.
    pub(crate) fn queue<'m>(&'m self, shard: usize, windows: &'m [Window]) -> Queue<'m> {
        let bound = |at: usize| self.starts.get(at).map_or(0, |start| *start as usize);
        Queue {
            list: self,
            window: self.window_bytes(windows),
            rest: self.by_shard.get(bound(shard)..bound(shard + 1)).unwrap_or_default(),
        }
    }
}

/// A message of which a record was made, read again.
fn read<'m>(raw: &'m [u8], record: &MessageRecord) -> Option<Message<'m>> {
    if record.marks.has(Marks::HEAD_CUT) {
        return Message::parse_cut(raw).ok();
    }
    Message::parse(raw).or_else(|_| Message::parse_cut(raw)).ok()
}

/// Where a message was found, with pseudonyms for the addresses.
fn pseudonymous(record: &MessageRecord, pseudonyms: &Pseudonyms) -> Found<'static> {
    Found {
        time: record.time,
        frame: record.frame,
        input: record.input,
        capture_source: record.capture_source,
        position: record.position,
        source: pseudonyms.endpoint(record.source),
        destination: pseudonyms.endpoint(record.destination),
        transport: record.transport,
        identification: record.identification,
        extents: &[],
    }
}

/// Lists without messages, with room for those to come. Windows have more of them than the streams of a shard.
#[derive(Debug, Default)]
pub(crate) struct Spare {
    windows: Vec<Messages>,
    streams: Vec<Messages>,
    leg_headers: Arc<[Box<[u8]>]>,
}

impl Spare {
    /// None yet; `leg_headers` tie calls.
    pub(crate) fn new(leg_headers: &[String]) -> Self {
        let names = leg_headers.iter().map(|name| name.as_bytes().into());
        Self { leg_headers: names.collect(), ..Self::default() }
    }

    /// For the messages of what is found once in a while.
    pub(crate) fn of_few(&self) -> Messages {
        Messages { leg_headers: Arc::clone(&self.leg_headers), ..Messages::default() }
    }

    /// For the messages of the window at `index`.
    pub(crate) fn of_window(&mut self, index: usize) -> Messages {
        Messages { window: Some(index), ..self.windows.pop().unwrap_or_else(|| self.of_few()) }
    }

    /// For the messages of streams.
    pub(crate) fn of_streams(&mut self) -> Messages {
        self.streams.pop().unwrap_or_else(|| self.of_few())
    }

    /// Takes back a list whose messages have gone to their calls.
    pub(crate) fn give_back(&mut self, mut list: Messages) {
        list.items.clear();
        list.records.clear();
        list.digests.clear();
        list.bytes.clear();
        list.by_shard.clear();
        list.starts.clear();
        let lists = if list.window.is_some() { &mut self.windows } else { &mut self.streams };
        if lists.len() < SHARDS {
            lists.push(list);
        }
    }
}

/// The messages of one shard in a list that are still to be handed to their calls, in the order of frames.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Queue<'m> {
    list: &'m Messages,
    window: &'m [u8],
    rest: &'m [u32],
}

impl<'m> Queue<'m> {
    fn item(&self, index: u32) -> Option<&'m Item> {
        self.list.items.get(index as usize)
    }

    fn raw(&self, item: &Item) -> &'m [u8] {
        item.raw.within(if item.in_window { self.window } else { &self.list.bytes })
    }

    /// The place of the next message.
    pub(crate) fn order(&self) -> Option<Order> {
        Some(self.item(*self.rest.first()?)?.order)
    }

    /// Takes the next message.
    pub(crate) fn next(&mut self) -> Option<Arriving<'m>> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(self.arriving(self.item(*first)?, self.list.records.get(*first as usize)?))
    }

    fn arriving(&self, item: &'m Item, record: &'m MessageRecord) -> Arriving<'m> {
        let message = self.raw(item);
        Arriving {
            record,
            key: item.key,
            call_id: item.call_id.within(message),
            message,
            digests: &self.list.digests,
            now: item.order.0,
        }
    }

    /// The keys and bytes of the messages to come.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (CallKey, &'m [u8])> {
        self.rest.iter().filter_map(|index| self.item(*index)).map(|item| (item.key, self.raw(item)))
    }
}
