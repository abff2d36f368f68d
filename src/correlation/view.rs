//! A finished call, sorted into transactions: what redirects, negotiations and dialogs are worked out from.

use foldhash::{HashMap, HashMapExt};

use super::calls::Ended;
use super::facts::{Evidence, FollowUp, Link, Party, Place, Role, Text, Watch};
use super::marks::Marks;
use super::record::MessageRecord;
use super::text::{Span, Texts};
use super::transaction::{Answer, Hop, Transactions, transactions};
use crate::limits;
use crate::net::Transport;
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// 64*T1, RFC 3261 17.1.1.2: how long a client may take to act, in nanoseconds.
pub const TIMEOUT_NANOS: i64 = 32 * NANOS_PER_SECOND;

/// By how much the clocks of two captures that are read together may differ, in nanoseconds.
pub(super) const CLOCK_SKEW_NANOS: i64 = 2 * NANOS_PER_SECOND;

/// The messages of one call and their transactions.
#[derive(Debug)]
pub struct CallView<'a> {
    /// The Call-ID.
    pub call_id: &'a [u8],
    /// [`Ended::instance`].
    pub instance: u64,
    /// The messages in order of time.
    pub records: &'a [MessageRecord],
    /// Their words.
    pub texts: &'a Texts,
    /// Their Via digests.
    pub vias: &'a [u64],
    /// Their transactions.
    pub transactions: Transactions,
    /// Whether messages of this call were judged before.
    pub continued: bool,
    /// Until when its messages are here: what came later was judged apart.
    pub watched_until: Timestamp,
}

/// The same final response, seen on the hops on which it went up.
#[derive(Clone, Debug)]
pub struct Event {
    /// The hop nearest the client.
    pub top: usize,
    /// The hop nearest the server.
    pub deepest: usize,
    /// On how many hops it was seen.
    pub hops: u32,
}

impl<'a> CallView<'a> {
    /// The view of a call that is over, whose messages are in order of time; `mirrors` are those of [`mirrors`](super::mirrors).
    pub fn of(call: &'a Ended, mirrors: &[Option<usize>]) -> Self {
        Self {
            call_id: &call.call_id,
            instance: call.instance,
            records: &call.records,
            texts: &call.texts,
            vias: &call.vias,
            transactions: transactions(&call.records, &call.vias, mirrors),
            continued: call.continued,
            watched_until: call.watched_until,
        }
    }
}

impl CallView<'_> {
    /// The hop at `index`.
    pub fn hop(&self, index: usize) -> Option<&Hop> {
        self.transactions.hops.get(index)
    }

    /// The message at `index`.
    pub fn record(&self, index: usize) -> Option<&MessageRecord> {
        self.records.get(index)
    }

    /// The captured request of a hop.
    pub fn request(&self, hop: &Hop) -> Option<&MessageRecord> {
        hop.request.and_then(|index| self.record(index))
    }

    /// The text at `span`, owned.
    pub fn text(&self, span: Span) -> Text {
        self.texts.get(span).into()
    }

    /// The Request-URI of a hop.
    pub fn request_uri(&self, hop: &Hop) -> Option<&[u8]> {
        self.request(hop).map(|request| self.texts.get(request.subject))
    }

    /// Where the message at `index` is.
    pub fn place(&self, index: usize) -> Place {
        self.record(index).map(place_of).unwrap_or_default()
    }

    /// The message at `index` as evidence.
    pub fn evidence(&self, index: usize, role: Role) -> Evidence {
        Evidence { place: self.place(index), role }
    }

    /// The number of Vias of a hop, 1 for the originating one.
    pub fn depth(&self, hop: &Hop) -> u32 {
        self.record(hop.sample).map_or(0, |record| record.vias.count)
    }

    /// The client of a hop, named by its request.
    pub fn client(&self, hop: &Hop) -> Party {
        let agent = self.request(hop).map(|request| self.texts.get(request.agent));
        Party {
            endpoint: hop.client,
            transport: hop.transport,
            agent: agent.filter(|name| !name.is_empty()).map(Into::into),
        }
    }

    /// The server of a hop, named by one of its responses.
    pub fn server(&self, hop: &Hop, answer: &Answer) -> Party {
        let agent = self.record(answer.first).map(|response| self.texts.get(response.agent));
        Party {
            endpoint: hop.server,
            transport: hop.transport,
            agent: agent.filter(|name| !name.is_empty()).map(Into::into),
        }
    }

    /// Whether the request of a hop belongs to a dialog: it has a To tag (RFC 3261 12.2).
    pub fn in_dialog(&self, hop: &Hop) -> bool {
        self.request(hop).is_some_and(|request| !request.to_tag.is_empty())
    }

    /// What has to hold to say that nothing came within `nanos` after `from` from the client of `hop`.
    pub fn watch(&self, hop: &Hop, from: Timestamp, nanos: i64) -> Watch {
        Watch {
            capture_source: self.record(hop.sample).map_or(0, |record| record.capture_source),
            from,
            until: from.plus(nanos),
            path: (hop.client, hop.server),
            both_directions: hop.request.is_some() && !hop.answers.is_empty(),
            whole: from.plus(nanos) <= self.watched_until && !self.runs_backwards(hop),
            on_stream: hop.transport != Transport::Udp,
        }
    }

    /// Whether an answer of `hop` stands before its request, or the ACK before what it acknowledges: clocks of captures that are read
    /// together differ, and times say nothing.
    fn runs_backwards(&self, hop: &Hop) -> bool {
        let time = |index: usize| self.record(index).map(|record| record.time);
        let first = hop.answers.first().and_then(|answer| time(answer.first));
        let last = hop.final_answer().and_then(|answer| time(answer.first));
        let is_before =
            |one: Option<Timestamp>, other: Option<Timestamp>| one.zip(other).is_some_and(|(one, other)| one < other);
        is_before(first, hop.request.and_then(time)) || is_before(hop.ack.and_then(time), last)
    }

    /// Whether the capture lacks part of the head of a message of the call.
    pub fn has_cut_heads(&self) -> bool {
        self.records.iter().any(|record| record.marks.has(Marks::HEAD_CUT))
    }

    /// The final responses of which `wanted` says yes, each once, in order of time.
    ///
    /// Only the first final response of a transaction counts: the client acts on that one.
    pub fn events(&self, wanted: impl Fn(u16) -> bool) -> Vec<Event> {
        let hops = &self.transactions.hops;
        let mut events: Vec<Event> = Vec::new();
        let mut places: HashMap<usize, usize> = HashMap::new();
        let mut rivals: HashMap<(usize, u16), u32> = HashMap::new();
        let concerned = |hop: &Hop| hop.final_status().filter(|status| wanted(*status));
        for hop in hops {
            if let (Some(parent), Some(status)) = (hop.parent, concerned(hop)) {
                *rivals.entry((parent, status)).or_default() += 1;
            }
        }
        for (index, hop) in hops.iter().enumerate().filter(|(_, hop)| concerned(hop).is_some()) {
            let (top, depth) = self.top_of(index, &rivals);
            let deeper = |event: &Event| hops.get(event.deepest).is_some_and(|old| self.depth(hop) > self.depth(old));
            match places.get(&top).and_then(|at| events.get_mut(*at)) {
                Some(event) => {
                    event.hops += 1;
                    if deeper(event) || (depth > 0 && event.deepest == event.top) {
                        event.deepest = index;
                    }
                }
                None => {
                    places.insert(top, events.len());
                    events.push(Event { top, deepest: index, hops: 1 });
                }
            }
        }
        events.sort_by_key(|event| {
            let answer = hops.get(event.top).and_then(Hop::final_answer);
            answer.and_then(|answer| self.record(answer.first)).map(MessageRecord::order)
        });
        events
    }

    /// The hop up to which the final response of `index` was relayed unchanged, and how many hops that is above it.
    fn top_of(&self, index: usize, rivals: &HashMap<(usize, u16), u32>) -> (usize, usize) {
        let hops = &self.transactions.hops;
        let mut top = index;
        for steps in 0..hops.len() {
            let Some(hop) = hops.get(top) else { return (top, steps) };
            let above = hop.parent.filter(|parent| {
                let (Some(here), Some(there)) = (hop.final_answer(), hops.get(*parent).and_then(Hop::final_answer))
                else {
                    return false;
                };
                let alone = rivals.get(&(*parent, here.status)).is_none_or(|count| *count < 2);
                here.status == there.status && (here.to_tag == there.to_tag || alone)
            });
            match above {
                Some(parent) => top = parent,
                None => return (top, steps),
            }
        }
        (top, hops.len())
    }

    /// The hop on which the request of hop `at` left its originator, as far as it was captured.
    pub fn root(&self, at: usize) -> usize {
        let mut root = at;
        for _ in 0..2 * limits::MAX_HOPS_OF_REQUEST {
            match self.hop(root).and_then(|hop| hop.parent) {
                Some(parent) => root = parent,
                None => break,
            }
        }
        root
    }

    /// Whether the request of `hop`, or the one it was made from, was cancelled.
    pub fn is_cancelled(&self, hop: &Hop) -> bool {
        let above = std::iter::successors(Some(hop), |hop| hop.parent.and_then(|parent| self.hop(parent)));
        above.take(limits::MAX_HOPS_OF_REQUEST).any(|hop| hop.cancel.is_some())
    }

    /// Whether the final response of `hop` went no further up: the request that a proxy had forwarded got another, or none yet.
    pub fn is_kept_by_proxy(&self, hop: &Hop) -> bool {
        let above = hop.parent.and_then(|parent| self.hop(parent));
        // Without any response that way the capture is one-sided, and tells nothing.
        above.is_some_and(|above| !above.answers.is_empty() && above.final_status() != hop.final_status())
    }

    /// Whether `request` was sent after `answer`. The clocks of two captures of one run may differ; then a higher CSeq number tells.
    pub fn comes_after(&self, request: &MessageRecord, answer: &MessageRecord) -> bool {
        request.order() > answer.order()
            || (request.capture_source != answer.capture_source
                && request.cseq > answer.cseq
                && answer.time.since(request.time) < CLOCK_SKEW_NANOS)
    }

    /// The request of `hop` as the one that came next in this call.
    pub fn follow_up(&self, hop: &Hop, link: Link, final_status: Option<u16>) -> Option<FollowUp> {
        let request = self.request(hop)?;
        Some(FollowUp {
            place: place_of(request),
            time: request.time,
            uri: self.text(request.subject),
            link,
            call_id: None,
            attempt_status: hop.final_status(),
            final_status,
        })
    }
}

/// Where a message is.
pub fn place_of(record: &MessageRecord) -> Place {
    Place { input: record.input, frame: record.frame, position: record.position }
}
