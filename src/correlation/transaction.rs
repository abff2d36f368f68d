//! Transactions hop by hop, and how the hops of one request belong together (RFC 3261 17, 16.6).

use foldhash::{HashMap, HashMapExt};

use super::record::{Kind, MessageRecord, Method};
use super::text::Span;
use crate::net::{Endpoint, Transport};
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// Hops with unrelated Vias belong together if the second begins within this time, in nanoseconds.
const OPAQUE_HOP_NANOS: i64 = 2 * NANOS_PER_SECOND;

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
    /// The CANCEL of this transaction.
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
            Kind::Request => add_request(&mut found.hops, &mut by_key, index, record),
            Kind::Response(status) => add_response(&mut found.hops, &mut by_key, index, record, status),
        };
        found.hop_of.push(hop);
        found.repeats.push(repeat.map(Repeat::Retransmission));
    }
    relate(&mut found.hops, records, vias);
    found
}

fn answer_of<'a>(hop: &'a mut Hop, record: &MessageRecord) -> Option<&'a mut Answer> {
    let status = record.status()?;
    hop.answers.iter_mut().find(|answer| answer.status == status && answer.to_tag == record.to_tag)
}

fn add_request(
    hops: &mut Vec<Hop>,
    by_key: &mut HashMap<Key, Vec<usize>>,
    index: usize,
    record: &MessageRecord,
) -> (Option<usize>, Option<usize>) {
    let transaction = |method| (record.top_via, record.cseq, method);
    let on_this_path = |hops: &[Hop], candidates: Option<&Vec<usize>>| {
        let candidates = candidates?;
        let path = |at: &&usize| {
            hops.get(**at).is_some_and(|hop| hop.client == record.source && hop.server == record.destination)
        };
        candidates.iter().find(path).copied()
    };
    match record.method {
        Method::Ack => {
            // Only the ACK to a non-2xx has the branch of its INVITE (RFC 3261 17.1.1.3).
            let hop = on_this_path(hops, by_key.get(&transaction(Method::Invite)));
            let first = hop.and_then(|at| hops.get_mut(at)).and_then(|hop| {
                let first = hop.ack;
                hop.ack = first.or(Some(index));
                first
            });
            return (hop, first);
        }
        Method::Cancel => {
            if let Some(hop) =
                on_this_path(hops, by_key.get(&transaction(Method::Invite))).and_then(|at| hops.get_mut(at))
            {
                hop.cancel = hop.cancel.or(Some(index));
            }
        }
        _ => {}
    }
    if let Some(at) = on_this_path(hops, by_key.get(&transaction(record.method)))
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
    record: &MessageRecord,
    status: u16,
) -> (Option<usize>, Option<usize>) {
    let candidates = by_key.entry((record.top_via, record.cseq, record.method)).or_default();
    // Responses go where Via says, so the ports need not mirror those of the request (RFC 3261 18.2.2, RFC 3581 4).
    let closeness = |at: &usize| {
        hops.get(*at).map_or(0, |hop| {
            let back = hop.client == record.destination && hop.server == record.source;
            let same_hosts =
                hop.client.address == record.destination.address && hop.server.address == record.source.address;
            let one_host =
                hop.client.address == record.destination.address || hop.server.address == record.source.address;
            if back {
                4
            } else if same_hosts {
                3
            } else if one_host {
                2
            } else {
                1
            }
        })
    };
    let best = candidates
        .iter()
        .copied()
        .rev()
        .max_by_key(|at| closeness(at))
        .filter(|at| closeness(at) > 1 || candidates.len() == 1);
    let at = best.unwrap_or_else(|| {
        let at = hops.len();
        let mut hop = new_hop(index, record);
        hop.client = record.destination;
        hop.server = record.source;
        hops.push(hop);
        candidates.push(at);
        at
    });
    let Some(hop) = hops.get_mut(at) else { return (None, None) };
    if let Some(answer) = answer_of(hop, record) {
        // A 1xx may come again with another content; only finals are sure to be repeats, but both count as one answer.
        answer.last = index;
        answer.retransmissions += 1;
        return (Some(at), Some(answer.first));
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
            // The same list on another path: an element that forwards without a Via of its own, or a rewritten address.
            let earlier = |other: &&usize| depth > 0 || **other < at;
            let hands_on =
                |other: &&usize| hops.get(**other).is_some_and(|other| other.server.address == hop.client.address);
            let mut candidates = same.iter().filter(|other| **other != at).filter(earlier);
            candidates.clone().find(hands_on).or_else(|| candidates.next()).copied()
        });
        found.push(shown.map(|parent| (parent, false)));
    }
    for (at, hop) in hops.iter().enumerate() {
        if found.get(at).is_some_and(Option::is_some) {
            continue;
        }
        let inferred = hops.iter().enumerate().take(at).rev().take(64).find(|(other_at, other)| {
            let hands_on = hop.client == other.server
                || (hop.client.address == other.server.address && hop.client.address != other.client.address);
            let apart = hop.start.since(other.start);
            hands_on
                && !leads_to(&found, *other_at, at)
                && other.method == hop.method
                && other.cseq == hop.cseq
                && other.from_tag == hop.from_tag
                && (0..OPAQUE_HOP_NANOS).contains(&apart)
        });
        if let Some((parent, _)) = inferred
            && let Some(slot) = found.get_mut(at)
        {
            *slot = Some((parent, true));
        }
    }
    for (hop, parent) in hops.iter_mut().zip(found) {
        if let Some((parent, inferred)) = parent {
            hop.parent = Some(parent);
            hop.inferred = inferred;
        }
    }
}

/// Whether going up from `from` comes to `to`.
fn leads_to(parents: &[Option<(usize, bool)>], from: usize, to: usize) -> bool {
    let mut at = from;
    for _ in 0..parents.len() {
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
