//! A finished call, sorted into transactions: what redirects, negotiations and dialogs are worked out from.

use super::facts::{Evidence, FollowUp, Link, Party, Place, Role, Text, Watch};
use super::record::{MessageRecord, Method};
use super::text::{Span, Texts};
use super::transaction::{Answer, Hop, Transactions};
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// 64*T1, RFC 3261 17.1.1.2: how long a client may take to act, in nanoseconds.
pub const TIMEOUT_NANOS: i64 = 32 * NANOS_PER_SECOND;

/// The messages of one call and their transactions.
#[derive(Debug)]
pub struct CallView<'a> {
    /// The Call-ID.
    pub call_id: &'a [u8],
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
        }
    }

    /// The final responses of which `wanted` says yes, each once, in order of time.
    ///
    /// Only the first final response of a transaction counts: the client acts on that one.
    pub fn events(&self, wanted: impl Fn(u16) -> bool) -> Vec<Event> {
        let hops = &self.transactions.hops;
        let mut events: Vec<Event> = Vec::new();
        for (index, hop) in hops.iter().enumerate() {
            if !hop.final_status().is_some_and(&wanted) {
                continue;
            }
            let (top, depth) = self.top_of(index);
            let deeper = |event: &Event| hops.get(event.deepest).is_some_and(|old| self.depth(hop) > self.depth(old));
            match events.iter_mut().find(|event| event.top == top) {
                Some(event) => {
                    event.hops += 1;
                    if deeper(event) || (depth > 0 && event.deepest == event.top) {
                        event.deepest = index;
                    }
                }
                None => events.push(Event { top, deepest: index, hops: 1 }),
            }
        }
        events.sort_by_key(|event| {
            let answer = hops.get(event.top).and_then(Hop::final_answer);
            answer.and_then(|answer| self.record(answer.first)).map(MessageRecord::order)
        });
        events
    }

    /// The hop up to which the final response of `index` was relayed unchanged, and how many hops that is above it.
    fn top_of(&self, index: usize) -> (usize, usize) {
        let hops = &self.transactions.hops;
        let mut top = index;
        for steps in 0..hops.len() {
            let Some(hop) = hops.get(top) else { return (top, steps) };
            let above = hop.parent.filter(|parent| {
                let (Some(here), Some(there)) = (hop.final_answer(), hops.get(*parent).and_then(Hop::final_answer))
                else {
                    return false;
                };
                let same_status = here.status == there.status;
                let rivals = hops
                    .iter()
                    .filter(|other| other.parent == Some(*parent) && other.final_status() == Some(here.status));
                same_status && (here.to_tag == there.to_tag || rivals.take(2).count() == 1)
            });
            match above {
                Some(parent) => top = parent,
                None => return (top, steps),
            }
        }
        (top, hops.len())
    }

    /// The next request that the same caller sent after `hop` was answered: a higher CSeq, on the hop nearest the caller.
    pub fn next_attempt(&self, hop: &Hop, methods: impl Fn(Method) -> bool, in_dialog: bool) -> Option<usize> {
        let after = hop.final_answer().and_then(|answer| self.record(answer.first)).map(MessageRecord::order)?;
        let later = self.transactions.hops.iter().enumerate().filter(|(_, next)| {
            next.parent.is_none()
                && next.cseq > hop.cseq
                && methods(next.method)
                && self
                    .request(next)
                    .is_some_and(|request| request.order() > after && request.to_tag.is_empty() != in_dialog)
                && (!in_dialog || next.from_tag == hop.from_tag)
        });
        later.min_by_key(|(_, next)| next.start).map(|(index, _)| index)
    }

    /// The hop with which an attempt ended in the end: challenges and 422 passed through to the retry, redirects as `follow` says.
    pub fn last_hop(&self, start: usize, follow: &dyn Fn(usize) -> Option<usize>) -> Option<&Hop> {
        let mut at = start;
        for _ in 0..self.transactions.hops.len() {
            let hop = self.hop(at)?;
            let next = match hop.final_status() {
                Some(300..=399) => follow(at),
                Some(401 | 407 | 422) => self.next_attempt(hop, |method| method == hop.method, self.in_dialog(hop)),
                _ => None,
            };
            match next {
                Some(next) if next != at => at = next,
                _ => return Some(hop),
            }
        }
        None
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
