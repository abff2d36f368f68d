//! Links between calls: a redirect followed or a 422 retried under another Call-ID, and old addresses dialled again.

use std::collections::VecDeque;
use std::collections::hash_map::Entry;
use std::net::IpAddr;

use foldhash::{HashMap, HashSet};
use xxhash_rust::xxh3::xxh3_64;

use super::calls::{Ended, digest};
use super::facts::{Place, Redirect};
use super::marks::Marks;
use super::record::{Kind, MessageRecord, Method};
use super::redirect::target_key;
use super::view::{TIMEOUT_NANOS, place_of};
use crate::limits;
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// A request to an old address counts from this long after the 301, in nanoseconds.
pub const SETTLED_NANOS: i64 = 2 * NANOS_PER_SECOND;

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
    instance: u64,
    cseq: u32,
    client: IpAddr,
    server: IpAddr,
    method: Method,
    from: u64,
    to: u64,
    uri: u64,
    session: u64,
    /// The branch of a request that opens a call, with its method; 0 if it tells nothing.
    branch: u64,
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
    /// The signal that the last message of a call is, if it is one.
    pub fn of(call: &Ended, now: Timestamp) -> Option<Self> {
        let (record, before) = call.records.split_last()?;
        let text = |span| call.texts.get(span);
        let own_request = || {
            let near = before.iter().rev().take(limits::MAX_RIVALS);
            let mut near =
                near.filter(|other| other.is_request() && other.cseq == record.cseq && other.method == record.method);
            // The request on the hop of the response, else on another.
            near.clone().find(|other| other.top_via == record.top_via).or_else(|| near.next())
        };
        let (kind, request) = match record.kind {
            Kind::Request => {
                let starts = record.to_tag.is_empty() && !matches!(record.method, Method::Ack | Method::Cancel);
                // Only what opens a call: a retry after a challenge, 422 or 3xx belongs to what it retries.
                let same_sender =
                    |other: &MessageRecord| other.is_request() && other.source.address == record.source.address;
                if !starts || before.iter().take(32).any(same_sender) {
                    return None;
                }
                (SignalKind::Start, Some(record))
            }
            Kind::Response(status @ 300..=399) => {
                let mut targets: Vec<u64> = record.contacts().iter().map(|contact| target_key(&contact.uri)).collect();
                targets.sort_unstable();
                targets.dedup();
                (SignalKind::Moved { status, targets: targets.into() }, own_request())
            }
            Kind::Response(422) => (SignalKind::TooSmall, own_request()),
            Kind::Response(_) => return None,
        };
        let request = request?;
        if !request.to_tag.is_empty() {
            return None;
        }
        let to = target_key(text(record.to_uri));
        Some(Self {
            order: (now, record.input, record.frame, record.position),
            place: place_of(record),
            time: record.time,
            call: digest(&call.call_id),
            instance: call.instance,
            cseq: record.cseq,
            client: if record.is_request() { record.source.address } else { record.destination.address },
            server: if record.is_request() { record.destination.address } else { record.source.address },
            method: record.method,
            from: target_key(text(record.from_uri)),
            to,
            // Equal texts of a call have equal spans, and most requests that open a call name the same address twice.
            uri: if request.subject == record.to_uri { to } else { target_key(text(request.subject)) },
            branch: if record.is_request() && !record.marks.has(Marks::OLD_BRANCH) {
                record.top_via ^ record.method as u64
            } else {
                0
            },
            session: if request.session_id.is_empty() { 0 } else { xxh3_64(text(request.session_id)) },
            kind,
        })
    }
}

/// What a retry of the request that got a 422 has: the same Request-URI and To.
fn too_small_target(signal: &Signal) -> u64 {
    let mut both = [0; 16];
    let (uri, to) = both.split_at_mut(8);
    uri.copy_from_slice(&signal.uri.to_le_bytes());
    to.copy_from_slice(&signal.to.to_le_bytes());
    xxh3_64(&both)
}

/// What waits for a request in another call.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    time: Timestamp,
    call: u64,
    instance: u64,
    cseq: u32,
    session: u64,
}

/// What a request must have to be the one waited for: the client, its From or Session-ID, the method and the target.
type Wanted = (IpAddr, u64, Method, u64);

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

/// Two requests of one client, of one method and with one branch, in two calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BranchReused {
    /// The first of them.
    pub earlier: Place,
    /// The one that had its branch.
    pub later: Place,
}

/// What is remembered of a client.
#[derive(Debug)]
struct Client {
    /// The server that it was seen with first.
    server: IpAddr,
    /// When it was seen with another.
    several_since: Option<Timestamp>,
    /// The branch, call with CSeq number, and place of the last request with which it opened a call.
    last: (u64, (u64, u32), Place),
    /// Whether it was seen to use a branch in two calls.
    reuses_branches: bool,
}

#[derive(Debug, Default)]
struct Permanent {
    since: Timestamp,
    calls: Vec<(u64, Again)>,
}

/// Joins what calls leave open with what other calls begin, in the order of frames.
#[derive(Debug, Default)]
pub struct Links {
    /// In order of time.
    waiting: HashMap<Wanted, VecDeque<Waiting>>,
    waiting_order: VecDeque<(Timestamp, Wanted)>,
    permanent: HashMap<(IpAddr, u64, u64, Method), Permanent>,
    clients: HashMap<IpAddr, Client>,
    branches_reused: Vec<BranchReused>,
    candidates: HashMap<(u64, u32), Vec<Candidate>>,
    targets: HashSet<Place>,
    /// Those of them that are asked about at the end of the input too.
    lasting: HashSet<Place>,
    /// The calls that candidates tie together, since somebody asked.
    ties: Vec<(u64, u64)>,
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
                    // Use Proxy: the same target by another way (RFC 3261 21.3.4).
                    let same = (*status == 305).then_some(signal.uri);
                    for target in targets.iter().copied().chain(same) {
                        self.wait(signal, target);
                    }
                }
                SignalKind::TooSmall => self.wait(signal, too_small_target(signal)),
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
            .entry((signal.client, signal.from, signal.uri, signal.method))
            .or_insert_with(|| Permanent { since: signal.time, calls: Vec::new() });
        row.since = row.since.min(signal.time);
    }

    fn wait(&mut self, signal: &Signal, target: u64) {
        let session = (signal.session != 0).then_some(signal.session);
        for who in std::iter::once(signal.from).chain(session) {
            if self.waiting_order.len() >= limits::MAX_PENDING_LINKS {
                self.limits_reached += 1;
                return;
            }
            let wanted = (signal.client, who, signal.method, target);
            let list = self.waiting.entry(wanted).or_default();
            // A copy of the answer changes nothing.
            if list.back().is_some_and(|last| last.instance == signal.instance && last.cseq == signal.cseq) {
                continue;
            }
            list.push_back(Waiting {
                time: signal.time,
                call: signal.call,
                instance: signal.instance,
                cseq: signal.cseq,
                session: signal.session,
            });
            self.waiting_order.push_back((signal.order.0, wanted));
        }
    }

    /// Forgets what has waited for too long. Capture time may run ahead of a message's own, so twice the bound is kept.
    fn forget(&mut self, now: Timestamp) {
        while let Some((since, wanted)) = self.waiting_order.front().copied() {
            if now.since(since) <= 2 * TIMEOUT_NANOS {
                return;
            }
            self.waiting_order.pop_front();
            if let Entry::Occupied(mut list) = self.waiting.entry(wanted) {
                list.get_mut().pop_front();
                if list.get().is_empty() {
                    list.remove();
                }
            }
        }
    }

    fn start(&mut self, signal: &Signal) {
        self.note_client(signal);
        let session = (signal.session != 0).then_some(signal.session);
        let keys = std::iter::once(signal.from).chain(session);
        for target in [signal.uri, too_small_target(signal)] {
            for who in keys.clone() {
                let Some(list) = self.waiting.get(&(signal.client, who, signal.method, target)) else { continue };
                for waiting in list.iter().rev().take(limits::MAX_LINK_CANDIDATES) {
                    let apart = signal.time.since(waiting.time);
                    if waiting.call == signal.call || !(0..=TIMEOUT_NANOS).contains(&apart) {
                        continue;
                    }
                    let same_session = signal.session != 0 && signal.session == waiting.session;
                    let candidate = Candidate { start: signal.place, time: signal.time, same_session };
                    let candidates = self.candidates.entry((waiting.instance, waiting.cseq)).or_default();
                    if candidates.len() < limits::MAX_LINK_CANDIDATES && !candidates.contains(&candidate) {
                        candidates.push(candidate);
                        self.targets.insert(signal.place);
                        self.ties.push((waiting.instance, signal.instance));
                    }
                }
            }
        }
        if let Some(row) = self.permanent.get_mut(&(signal.client, signal.from, signal.uri, signal.method))
            && signal.time.since(row.since) > SETTLED_NANOS
        {
            if row.calls.len() < limits::MAX_OLD_ADDRESS_CALLS {
                row.calls.push((signal.call, Again { start: signal.place, time: signal.time }));
                self.targets.insert(signal.place);
                self.lasting.insert(signal.place);
            } else {
                self.limits_reached += 1;
            }
        }
    }

    fn note_client(&mut self, signal: &Signal) {
        let has_room = self.clients.len() < limits::MAX_CLIENTS;
        let last = (signal.branch, (signal.call, signal.cseq), signal.place);
        match self.clients.entry(signal.client) {
            Entry::Occupied(mut client) => {
                let client = client.get_mut();
                if client.server != signal.server {
                    client.several_since.get_or_insert(signal.order.0);
                }
                let (branch, call, earlier) = std::mem::replace(&mut client.last, last);
                if branch == signal.branch
                    && branch != 0
                    && call != (signal.call, signal.cseq)
                    && !client.reuses_branches
                {
                    client.reuses_branches = true;
                    self.branches_reused.push(BranchReused { earlier, later: signal.place });
                    self.targets.insert(signal.place);
                    self.lasting.insert(signal.place);
                }
            }
            Entry::Vacant(client) if has_room => {
                client.insert(Client { server: signal.server, several_since: None, last, reuses_branches: false });
            }
            Entry::Vacant(_) => self.limits_reached += 1,
        }
    }

    /// The clients that used the branch of one call in the next, each once.
    pub fn branches_reused(&self) -> &[BranchReused] {
        &self.branches_reused
    }

    /// Whether the capture has shown a client with more than one server by then, so that it is not taken in front of a single one.
    pub fn sees_servers_of(&self, client: IpAddr, by: Timestamp) -> bool {
        self.clients.get(&client).and_then(|client| client.several_since).is_some_and(|since| since <= by)
    }

    /// Whether another call asks how the request at `place` ended.
    pub fn is_target(&self, place: Place) -> bool {
        self.targets.contains(&place)
    }

    /// Whether any call is asked about.
    pub fn has_targets(&self) -> bool {
        !self.targets.is_empty()
    }

    /// The requests of other calls that may follow the redirect or 422 with that CSeq number of the call that is known as `instance`.
    pub fn candidates(&self, instance: u64, cseq: u32) -> &[Candidate] {
        self.candidates.get(&(instance, cseq)).map_or(&[], Vec::as_slice)
    }

    /// The pairs of calls of which one may follow what the other was told, since this was last asked. Neither is over for so long then that it
    /// could be settled.
    pub fn take_ties(&mut self) -> Vec<(u64, u64)> {
        std::mem::take(&mut self.ties)
    }

    /// Forgets candidates that were chosen from.
    pub fn forget_candidates(&mut self, instance: u64, cseq: u32) {
        self.candidates.remove(&(instance, cseq));
    }

    /// Forgets a request whose end is known, unless it is asked about at the end of the input too.
    pub fn forget_target(&mut self, place: Place) -> bool {
        let lasts = self.lasting.contains(&place);
        if !lasts {
            self.targets.remove(&place);
        }
        lasts
    }

    /// The requests of other calls of that client to the address `old` that the 301 `redirect` said to be gone, after `since`.
    pub fn again(&self, redirect: &Redirect, old: &[u8], since: Timestamp) -> Vec<Again> {
        let client = redirect.client.endpoint.address;
        let row = self.permanent.get(&(client, target_key(&redirect.from), target_key(old), redirect.method));
        let Some(row) = row else { return Vec::new() };
        let own = digest(&redirect.call_id);
        let later = |again: &Again| again.time.since(since) > SETTLED_NANOS;
        row.calls.iter().filter(|(call, again)| *call != own && later(again)).map(|(_, again)| *again).collect()
    }

    /// How often a limit kept something from being remembered.
    pub const fn limits_reached(&self) -> u64 {
        self.limits_reached
    }
}
