//! Links between calls: a redirect followed or a 422 retried under another Call-ID, and old addresses dialled again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::IpAddr;

use xxhash_rust::xxh3::xxh3_64;

use super::calls::{Ended, digest};
use super::facts::Place;
use super::record::{Kind, MessageRecord, Method};
use super::view::{TIMEOUT_NANOS, place_of};
use crate::limits;
use crate::sip::Uri;
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// A request to an old address counts from this long after the 301, in nanoseconds.
const SETTLED_NANOS: i64 = 2 * NANOS_PER_SECOND;

/// Order of frames over all sources: capture time reached, input, frame, place in the frame.
pub type Order = (Timestamp, u32, u64, u32);

/// A message that may begin or end a link between calls.
#[derive(Clone, Debug)]
pub struct Signal {
    /// Its place in the order of frames.
    pub order: Order,
    place: Place,
    time: Timestamp,
    call: u64,
    cseq: u32,
    client: IpAddr,
    from: u64,
    to: u64,
    uri: u64,
    session: u64,
    kind: SignalKind,
}

#[derive(Clone, Debug)]
enum SignalKind {
    /// A request outside a dialog.
    Start,
    /// A 3xx, with its targets.
    Moved { status: u16, targets: Box<[u64]> },
    /// A 422.
    TooSmall,
}

impl Signal {
    /// The signal that `record` is, if it is one; `call` holds the messages of its call before it.
    pub fn of(record: &MessageRecord, call: &Ended, now: Timestamp) -> Option<Self> {
        let text = |span| call.texts.get(span);
        let earlier = || {
            call.records
                .iter()
                .rev()
                .take(32)
                .filter(|other| other.cseq == record.cseq && other.method == record.method)
        };
        let (kind, request) = match record.kind {
            Kind::Request => {
                let starts = record.to_tag.is_empty() && !matches!(record.method, Method::Ack | Method::Cancel);
                // Only what opens a call: a retry after a challenge, 422 or 3xx belongs to what it retries.
                let same_sender =
                    |other: &MessageRecord| other.is_request() && other.source.address == record.source.address;
                if !starts || call.records.iter().take(32).any(same_sender) {
                    return None;
                }
                (SignalKind::Start, Some(record))
            }
            Kind::Response(status @ 300..=399) => {
                let targets = record.contacts().iter().map(|contact| key(&contact.uri)).collect();
                (SignalKind::Moved { status, targets }, earlier().find(|other| other.is_request()))
            }
            Kind::Response(422) => (SignalKind::TooSmall, earlier().find(|other| other.is_request())),
            Kind::Response(_) => return None,
        };
        let request = request?;
        if !request.to_tag.is_empty() {
            return None;
        }
        Some(Self {
            order: (now, record.input, record.frame, record.position),
            place: place_of(record),
            time: record.time,
            call: digest(&call.call_id),
            cseq: record.cseq,
            client: if record.is_request() { record.source.address } else { record.destination.address },
            from: key(text(record.from_uri)),
            to: key(text(record.to_uri)),
            uri: key(text(request.subject)),
            session: if request.session_id.is_empty() { 0 } else { xxh3_64(text(request.session_id)) },
            kind,
        })
    }
}

/// A key that is equal for URIs that match leniently.
fn key(uri: &[u8]) -> u64 {
    Uri::parse(uri).map_or_else(|_| xxh3_64(uri), |uri| uri.lenient_key())
}

/// What waits for a request in another call.
#[derive(Debug)]
struct Waiting {
    time: Timestamp,
    call: u64,
    cseq: u32,
    session: u64,
    /// The targets of a 3xx; for a 422 the address and To of the refused request.
    targets: Box<[u64]>,
    is_redirect: bool,
}

/// A request that may belong to a redirect or 422 of another call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The request.
    pub start: Place,
    /// When it was sent.
    pub time: Timestamp,
    /// Whether both calls have the same Session-ID.
    pub same_session: bool,
}

/// A request to an address that a 301 had said to be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Again {
    /// The request.
    pub start: Place,
    /// When it was sent.
    pub time: Timestamp,
}

#[derive(Debug, Default)]
struct Permanent {
    since: Timestamp,
    calls: Vec<(u64, Again)>,
}

/// Joins what calls leave open with what other calls begin, in the order of frames.
#[derive(Debug, Default)]
pub struct Links {
    waiting: HashMap<(IpAddr, u64), Vec<Waiting>>,
    waiting_order: VecDeque<(Timestamp, IpAddr, u64)>,
    permanent: HashMap<(IpAddr, u64, u64), Permanent>,
    candidates: HashMap<(u64, u32), Vec<Candidate>>,
    targets: HashSet<Place>,
    limits_reached: u64,
}

impl Links {
    /// Takes the signals of a stretch of frames, in order.
    pub fn take(&mut self, signals: &[Signal]) {
        for signal in signals {
            self.forget(signal.order.0);
            match &signal.kind {
                SignalKind::Start => self.start(signal),
                SignalKind::Moved { status, targets } => {
                    if *status == 301 && !targets.is_empty() {
                        self.moved(signal);
                    }
                    self.wait(signal, targets.clone(), true);
                }
                SignalKind::TooSmall => self.wait(signal, Box::new([signal.uri, signal.to]), false),
            }
        }
    }

    fn moved(&mut self, signal: &Signal) {
        if self.permanent.len() >= limits::MAX_PERMANENT_REDIRECTS {
            self.limits_reached += 1;
            return;
        }
        let row = self
            .permanent
            .entry((signal.client, signal.from, signal.uri))
            .or_insert_with(|| Permanent { since: signal.time, calls: Vec::new() });
        row.since = row.since.min(signal.time);
    }

    fn wait(&mut self, signal: &Signal, targets: Box<[u64]>, is_redirect: bool) {
        if self.waiting_order.len() >= limits::MAX_PENDING_LINKS {
            self.limits_reached += 1;
            return;
        }
        let key = (signal.client, signal.from);
        self.waiting_order.push_back((signal.order.0, key.0, key.1));
        self.waiting.entry(key).or_default().push(Waiting {
            time: signal.time,
            call: signal.call,
            cseq: signal.cseq,
            session: signal.session,
            targets,
            is_redirect,
        });
    }

    /// Forgets what has waited for too long. Capture time may run ahead of a message's own, so twice the bound is kept.
    fn forget(&mut self, now: Timestamp) {
        while let Some((since, client, from)) = self.waiting_order.front().copied() {
            if now.since(since) <= 2 * TIMEOUT_NANOS {
                return;
            }
            self.waiting_order.pop_front();
            if let Some(waiting) = self.waiting.get_mut(&(client, from)) {
                if !waiting.is_empty() {
                    waiting.remove(0);
                }
                if waiting.is_empty() {
                    self.waiting.remove(&(client, from));
                }
            }
        }
    }

    fn start(&mut self, signal: &Signal) {
        for waiting in self.waiting.get(&(signal.client, signal.from)).into_iter().flatten() {
            let apart = signal.time.since(waiting.time);
            let same_session = signal.session != 0 && signal.session == waiting.session;
            let goes_there = if waiting.is_redirect {
                waiting.targets.contains(&signal.uri)
            } else {
                *waiting.targets == [signal.uri, signal.to]
            };
            if waiting.call == signal.call || !(0..=TIMEOUT_NANOS).contains(&apart) || !(goes_there || same_session) {
                continue;
            }
            let candidate = Candidate { start: signal.place, time: signal.time, same_session };
            self.candidates.entry((waiting.call, waiting.cseq)).or_default().push(candidate);
            self.targets.insert(signal.place);
        }
        if let Some(row) = self.permanent.get_mut(&(signal.client, signal.from, signal.uri))
            && signal.time.since(row.since) > SETTLED_NANOS
        {
            if row.calls.len() < limits::MAX_OLD_ADDRESS_CALLS {
                row.calls.push((signal.call, Again { start: signal.place, time: signal.time }));
                self.targets.insert(signal.place);
            } else {
                self.limits_reached += 1;
            }
        }
    }

    /// Whether another call asks how the request at `place` ended.
    pub fn is_target(&self, place: Place) -> bool {
        self.targets.contains(&place)
    }

    /// Whether any call is asked about.
    pub fn has_targets(&self) -> bool {
        !self.targets.is_empty()
    }

    /// The requests of other calls that may follow the redirect or 422 with that Call-ID and CSeq number.
    pub fn candidates(&self, call_id: &[u8], cseq: u32) -> &[Candidate] {
        self.candidates.get(&(digest(call_id), cseq)).map_or(&[], Vec::as_slice)
    }

    /// The requests of other calls of that client to an address that a 301 in `call_id` said to be gone, after `since`.
    pub fn again(&self, call_id: &[u8], client: IpAddr, from: &[u8], old: &[u8], since: Timestamp) -> Vec<Again> {
        let Some(row) = self.permanent.get(&(client, key(from), key(old))) else { return Vec::new() };
        let own = digest(call_id);
        let later = |again: &Again| again.time.since(since) > SETTLED_NANOS;
        row.calls.iter().filter(|(call, again)| *call != own && later(again)).map(|(_, again)| *again).collect()
    }

    /// How often a limit kept something from being remembered.
    pub const fn limits_reached(&self) -> u64 {
        self.limits_reached
    }
}
