//! Transactions hop by hop, and how the hops of one request belong together (RFC 3261 17, 16.6).

use foldhash::{HashMap, HashMapExt};

use super::record::{Kind, MessageRecord, Method};
use super::text::Span;
use crate::limits::{MAX_HOPS_OF_REQUEST, MAX_RIVALS};
use crate::net::{Endpoint, Transport};
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// Hops with unrelated Vias belong together if the second begins within this time, in nanoseconds.
const OPAQUE_HOP_NANOS: i64 = 2 * NANOS_PER_SECOND;
/// T1 (RFC 3261 17.1.1.1): no client turns to another server of itself sooner, in nanoseconds.
const T1_NANOS: i64 = NANOS_PER_SECOND / 2;
/// How often a client sends an INVITE again over UDP before it gives up: after 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s (RFC 3261
/// 17.1.1.2).
pub const INVITE_REPEATS: u32 = 6;

/// How a message repeats an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// The capture holds the packet twice.
    Mirror(usize),
    /// The element sent it again.
    Retransmission(usize),
}

impl Repeat {
    /// The first copy.
    pub const fn original(self) -> usize {
        match self {
            Self::Mirror(index) | Self::Retransmission(index) => index,
        }
    }
}

/// A response of a hop transaction, with its copies.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// The first copy.
    pub first: usize,
    /// The last copy that was sent (mirror duplicates aside).
    pub last: usize,
    /// The status code.
    pub status: u16,
    /// The tag of To.
    pub to_tag: Span,
    /// How often it was sent again.
    pub retransmissions: u32,
    /// How often the capture holds a packet of it twice.
    pub mirrors: u32,
}

/// One transaction between two neighbouring elements.
#[derive(Clone, Debug)]
pub struct Hop {
    /// The method of the request (INVITE for what an ACK to a non-2xx belongs to).
    pub method: Method,
    /// The CSeq number.
    pub cseq: u32,
    /// The tag of From.
    pub from_tag: Span,
    /// Who sent the request.
    pub client: Endpoint,
    /// Where it was sent.
    pub server: Endpoint,
    /// What carried it.
    pub transport: Transport,
    /// The first copy of the request, if it was captured.
    pub request: Option<usize>,
    /// How often the request was sent again.
    pub retransmissions: u32,
    /// The responses in order of time, copies folded.
    pub answers: Vec<Answer>,
    /// The first ACK to a final response other than 2xx.
    pub ack: Option<usize>,
    /// The CANCEL of this transaction, or what was answered to it if it was not captured.
    pub cancel: Option<usize>,
    /// The time of its first message.
    pub start: Timestamp,
    /// A message that holds its Via list.
    pub sample: usize,
    /// The hop from which the client had the request.
    pub parent: Option<usize>,
    /// Whether the parent is inferred: the Vias do not show it.
    pub inferred: bool,
}

impl Hop {
    /// The first final response.
    pub fn final_answer(&self) -> Option<&Answer> {
        self.answers.iter().find(|answer| answer.status >= 200)
    }

    /// The status code of the first final response.
    pub fn final_status(&self) -> Option<u16> {
        self.final_answer().map(|answer| answer.status)
    }

    /// Whether it is an INVITE that was sent as often as it can be, and no answer was seen: had one come, the client had stopped.
    pub fn is_unanswered_invite(&self) -> bool {
        self.method == Method::Invite
            && self.answers.is_empty()
            && self.transport == Transport::Udp
            && self.retransmissions >= INVITE_REPEATS
    }
}

/// The hop transactions of a call, in order of their first message, and the part of each message.
#[derive(Debug, Default)]
pub struct Transactions {
    /// The hop transactions.
    pub hops: Vec<Hop>,
    /// For each message, the hop it belongs to. An ACK to a 2xx is no part of a transaction (RFC 3261 13.2.2.4).
    pub hop_of: Vec<Option<usize>>,
    /// For each message, what it repeats.
    pub repeats: Vec<Option<Repeat>>,
}

/// What tells transactions of one call apart on one hop: top Via, CSeq number, and method with ACK counted as INVITE.
type Key = (u64, u32, Method);

/// Sorts the messages of a call, given in order of time, into transactions.
pub fn transactions(records: &[MessageRecord], vias: &[u64], mirrors: &[Option<usize>]) -> Transactions {
    let mut found = Transactions {
        hops: Vec::with_capacity(records.len() / 3 + 1),
        hop_of: Vec::with_capacity(records.len()),
        repeats: Vec::with_capacity(records.len()),
    };
    let mut by_key: HashMap<Key, Vec<usize>> = HashMap::with_capacity(records.len() / 2 + 1);
    for (index, record) in records.iter().enumerate() {
        if let Some(original) = mirrors.get(index).copied().flatten() {
            let hop = found.hop_of.get(original).copied().flatten();
            if let (Some(hop), Some(_)) = (hop, record.status())
                && let Some(hop) = found.hops.get_mut(hop)
                && let Some(answer) = answer_of(hop, record)
            {
                answer.mirrors += 1;
            }
            found.hop_of.push(hop);
            found.repeats.push(Some(Repeat::Mirror(original)));
            continue;
        }
        let (hop, repeat) = match record.kind {
            Kind::Request => add_request(&mut found.hops, &mut by_key, index, records, record),
            Kind::Response(status) => add_response(&mut found.hops, &mut by_key, index, (records, record), status),
        };
        found.hop_of.push(hop);
        found.repeats.push(repeat.map(Repeat::Retransmission));
    }
    relate(&mut found.hops, records, vias);
    found
}

fn answer_of<'a>(hop: &'a mut Hop, record: &MessageRecord) -> Option<&'a mut Answer> {
    let status = record.status()?;
    let near = hop.answers.iter_mut().rev().take(MAX_RIVALS);
    near.into_iter().find(|answer| answer.status == status && answer.to_tag == record.to_tag)
}

/// Whether a request on the path of `hop` is another copy of its request.
///
/// Branches without the cookie, or of nothing else, tell no transactions apart (RFC 3261 17.2.3, RFC 4475 3.2.1), and some
/// clients use a branch again. So the URI and the tags count too, and after a refusal only the same octets are a copy.
fn is_copy(hop: &Hop, records: &[MessageRecord], record: &MessageRecord) -> bool {
    let Some(first) = hop.request.and_then(|index| records.get(index)) else { return hop.from_tag == record.from_tag };
    let same = first.subject == record.subject && first.from_tag == record.from_tag && first.to_tag == record.to_tag;
    first.digest == record.digest || (same && hop.final_status().is_none_or(|status| status < 300))
}

fn add_request(
    hops: &mut Vec<Hop>,
    by_key: &mut HashMap<Key, Vec<usize>>,
    index: usize,
    records: &[MessageRecord],
    record: &MessageRecord,
) -> (Option<usize>, Option<usize>) {
    let transaction = |method| (record.top_via, record.cseq, method);
    let on_this_path = |hops: &[Hop], method: Method, fits: &dyn Fn(&Hop) -> bool| {
        let near = by_key.get(&transaction(method))?.iter().rev().take(MAX_RIVALS);
        let path = |hop: &Hop| hop.client == record.source && hop.server == record.destination;
        near.copied().find(|at| hops.get(*at).is_some_and(|hop| path(hop) && fits(hop)))
    };
    match record.method {
        Method::Ack => {
            // Only the ACK to a non-2xx has the branch of its INVITE (RFC 3261 17.1.1.3), and the tag of the response.
            let refused = |hop: &Hop| hop.final_answer().is_some_and(|answer| answer.to_tag == record.to_tag);
            let hop = on_this_path(hops, Method::Invite, &refused);
            let hop = hop.or_else(|| on_this_path(hops, Method::Invite, &|_| true));
            let first = hop.and_then(|at| hops.get_mut(at)).and_then(|hop| {
                let first = hop.ack;
                hop.ack = first.or(Some(index));
                first
            });
            return (hop, first);
        }
        Method::Cancel => {
            let target = on_this_path(hops, Method::Invite, &|_| true);
            if let Some(hop) = target.and_then(|at| hops.get_mut(at)) {
                hop.cancel = hop.cancel.or(Some(index));
            }
        }
        _ => {}
    }
    if let Some(at) = on_this_path(hops, record.method, &|hop| is_copy(hop, records, record))
        && let Some(hop) = hops.get_mut(at)
    {
        let first = hop.request;
        if first.is_some() {
            hop.retransmissions += 1;
        } else {
            // The response was captured before its request: clocks of merged captures, or an interface that delivers late.
            hop.request = Some(index);
            hop.sample = index;
            hop.start = hop.start.min(record.time);
        }
        return (Some(at), first);
    }
    let mut hop = new_hop(index, record);
    hop.request = Some(index);
    let at = hops.len();
    hops.push(hop);
    by_key.entry(transaction(record.method)).or_default().push(at);
    (Some(at), None)
}

fn add_response(
    hops: &mut Vec<Hop>,
    by_key: &mut HashMap<Key, Vec<usize>>,
    index: usize,
    (records, record): (&[MessageRecord], &MessageRecord),
    status: u16,
) -> (Option<usize>, Option<usize>) {
    let candidates = by_key.entry((record.top_via, record.cseq, record.method)).or_default();
    let best = candidates
        .iter()
        .copied()
        .rev()
        .take(MAX_RIVALS)
        .filter_map(|at| Some((fitness(hops.get(at)?, record, status), at)))
        .max()
        .filter(|((closeness, ..), _)| *closeness > 1 || candidates.len() == 1)
        .map(|(_, at)| at);
    let is_first = best.is_none();
    let at = best.unwrap_or_else(|| {
        let at = hops.len();
        let mut hop = new_hop(index, record);
        hop.client = record.destination;
        hop.server = record.source;
        hops.push(hop);
        candidates.push(at);
        at
    });
    if is_first && record.method == Method::Cancel {
        note_cancel(hops, by_key, index, record);
    }
    let Some(hop) = hops.get_mut(at) else { return (None, None) };
    if let Some(answer) = answer_of(hop, record) {
        let (first, before) = (answer.first, answer.last);
        answer.last = index;
        answer.retransmissions += 1;
        // A 1xx with another content (RSeq, a session description) counts as the same answer, but it is no copy.
        let is_copy = |at: &usize| records.get(*at).is_some_and(|known| known.digest == record.digest);
        let original = if status >= 200 { Some(first) } else { [first, before].into_iter().find(is_copy) };
        return (Some(at), original);
    }
    hop.answers.push(Answer {
        first: index,
        last: index,
        status,
        to_tag: record.to_tag,
        retransmissions: 0,
        mirrors: 0,
    });
    (Some(at), None)
}

/// Notes that an INVITE was cancelled of which the capture has what was answered to the CANCEL only.
fn note_cancel(hops: &mut [Hop], by_key: &HashMap<Key, Vec<usize>>, index: usize, record: &MessageRecord) {
    let invites = by_key.get(&(record.top_via, record.cseq, Method::Invite)).map_or(&[][..], Vec::as_slice);
    let mut near = invites.iter().rev().take(MAX_RIVALS).copied();
    let path = |at: &usize| {
        hops.get(*at).is_some_and(|hop| {
            (hop.client.address, hop.server.address) == (record.destination.address, record.source.address)
        })
    };
    if let Some(hop) = near.find(path).and_then(|at| hops.get_mut(at)) {
        hop.cancel = hop.cancel.or(Some(index));
    }
}

/// How well a response fits a transaction, compared with others of the same top Via, CSeq and method: by its path, by the tag
/// of From, and by what was answered before.
fn fitness(hop: &Hop, record: &MessageRecord, status: u16) -> (u8, bool, bool, bool) {
    // Responses go where Via says, so the ports need not mirror those of the request (RFC 3261 18.2.2, RFC 3581 4).
    let (to_client, from_server) =
        (hop.client.address == record.destination.address, hop.server.address == record.source.address);
    let closeness = if hop.client == record.destination && hop.server == record.source {
        4
    } else if to_client && from_server {
        3
    } else {
        1 + u8::from(to_client || from_server)
    };
    let answered_so = status >= 200
        && hop.answers.iter().rev().take(MAX_RIVALS).any(|old| old.status == status && old.to_tag == record.to_tag);
    (closeness, hop.from_tag == record.from_tag, answered_so, hop.final_answer().is_none())
}

fn new_hop(index: usize, record: &MessageRecord) -> Hop {
    Hop {
        method: record.method,
        cseq: record.cseq,
        from_tag: record.from_tag,
        client: record.source,
        server: record.destination,
        transport: record.transport,
        request: None,
        retransmissions: 0,
        answers: Vec::new(),
        ack: None,
        cancel: None,
        start: record.time,
        sample: index,
        parent: None,
        inferred: false,
    }
}

/// Finds for each hop the one before it on the way of the request.
///
/// The Via list of a request ends in that of the hop before (RFC 3261 16.6). Where an element hides the list, the hop that
/// begins at the element shortly after the other ended there is taken, and marked as inferred.
fn relate(hops: &mut [Hop], records: &[MessageRecord], vias: &[u64]) {
    if hops.len() < 2 {
        return;
    }
    let list_of = |hop: &Hop| records.get(hop.sample).map_or(&[][..], |record| record.vias.within(vias));
    let mut whole: HashMap<(u64, Method, u32), Vec<usize>> = HashMap::with_capacity(hops.len());
    for (at, hop) in hops.iter().enumerate() {
        if let Some(digest) = list_of(hop).first() {
            whole.entry((*digest, hop.method, hop.cseq)).or_default().push(at);
        }
    }
    let mut found = Vec::with_capacity(hops.len());
    for (at, hop) in hops.iter().enumerate() {
        let shown = list_of(hop).iter().enumerate().find_map(|(depth, digest)| {
            let same = whole.get(&(*digest, hop.method, hop.cseq))?;
            let earlier = same.partition_point(|other| *other < at);
            let (before, after) = same.split_at_checked(earlier)?;
            let before = before.iter().rev().take(MAX_RIVALS);
            // Clocks of merged captures differ: the hop before may seem to begin later, but never one with the same Vias.
            let after = after.iter().take(if depth > 0 { MAX_RIVALS } else { 0 });
            let candidates = before.chain(after).filter(|other| {
                **other != at && (depth > 0 || hops.get(**other).is_some_and(|other| is_same_sending(other, hop)))
            });
            let hands_on =
                |other: &&usize| hops.get(**other).is_some_and(|other| other.server.address == hop.client.address);
            candidates.clone().find(hands_on).or_else(|| candidates.clone().next()).copied()
        });
        found.push(shown.map(|parent| (parent, false)));
    }
    infer(hops, &mut found);
    for (hop, parent) in hops.iter_mut().zip(found) {
        if let Some((parent, inferred)) = parent {
            hop.parent = Some(parent);
            hop.inferred = inferred;
        }
    }
}

/// Whether two hops with the same Vias are one request on its way: through a NAT, or an element that adds no Via. A client that
/// turns to another server uses a new branch, or does so after an answer or some time.
fn is_same_sending(before: &Hop, hop: &Hop) -> bool {
    if before.client != hop.client {
        return true;
    }
    let in_time = hop.start.since(before.start) < T1_NANOS;
    before.server != hop.server
        && in_time
        && before.final_status().is_none_or(|status| hop.final_status() == Some(status))
}

/// Finds the hop before where the Vias do not show it: an element that hides the list.
fn infer(hops: &[Hop], found: &mut [Option<(usize, bool)>]) {
    let mut branches: HashMap<(Endpoint, Span, u32, Method), usize> = HashMap::new();
    for (at, hop) in hops.iter().enumerate() {
        if found.get(at).is_some_and(Option::is_some) {
            continue;
        }
        let element = (hop.client, hop.from_tag, hop.cseq, hop.method);
        let inferred = hops.iter().enumerate().take(at).rev().take(MAX_RIVALS).find(|(other_at, other)| {
            let hands_on = hop.client == other.server
                || (hop.client.address == other.server.address && hop.client.address != other.client.address);
            hands_on
                && other.method == hop.method
                && other.cseq == hop.cseq
                && other.from_tag == hop.from_tag
                && (0..OPAQUE_HOP_NANOS).contains(&hop.start.since(other.start))
                && !leads_to(found, *other_at, at)
        });
        // An element that forwarded the request once may do so again later: the next target, or one of a 3xx.
        let parent = inferred.map(|(parent, _)| parent).or_else(|| branches.get(&element).copied());
        let parent = parent.filter(|parent| !leads_to(found, *parent, at));
        if let (Some(parent), Some(slot)) = (parent, found.get_mut(at)) {
            *slot = Some((parent, true));
            branches.insert(element, parent);
        }
    }
}

/// Whether going up from `from` comes to `to`, or further than any request goes.
fn leads_to(parents: &[Option<(usize, bool)>], from: usize, to: usize) -> bool {
    let mut at = from;
    for _ in 0..MAX_HOPS_OF_REQUEST {
        if at == to {
            return true;
        }
        match parents.get(at).copied().flatten() {
            Some((parent, _)) => at = parent,
            None => return false,
        }
    }
    true
}
