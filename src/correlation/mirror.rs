//! Packets that a capture holds twice: mirror ports, `any` interfaces, several points of capture.

use foldhash::{HashMap, HashMapExt};

use super::record::MessageRecord;
use crate::net::{Endpoint, Transport};

/// Within which times copies are mirrors, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct MirrorSpans {
    /// Any copies: no SIP timer is as short.
    pub any_copy: i64,
    /// Copies with the same IPv4 identification, or on TCP from another source of capture.
    pub same_packet: i64,
}

/// Up to how many messages are compared one by one.
const FEW: usize = 32;

/// For each message, in order of time, the earlier one of which it is a mirror duplicate.
///
/// A copy has the same octets between the same endpoints. Retransmissions have too, but come later and as other packets.
pub fn mirrors(records: &[MessageRecord], spans: MirrorSpans) -> Vec<Option<usize>> {
    let mut found = Vec::with_capacity(records.len());
    // Most calls are short and have no two messages alike, which is seen at once.
    let is_alike = |(index, record): (usize, &MessageRecord)| {
        records.iter().skip(index + 1).any(|other| other.digest == record.digest)
    };
    if records.len() <= FEW && !records.iter().enumerate().any(is_alike) {
        found.resize(records.len(), None);
        return found;
    }
    let mut latest: HashMap<(u64, Endpoint, Endpoint), usize> = HashMap::with_capacity(records.len());
    for (index, record) in records.iter().enumerate() {
        let key = (record.digest, record.source, record.destination);
        let original = latest
            .get(&key)
            .copied()
            .filter(|earlier| records.get(*earlier).is_some_and(|original| is_mirror(original, record, spans)));
        if original.is_none() {
            latest.insert(key, index);
        }
        found.push(original);
    }
    found
}

fn is_mirror(original: &MessageRecord, copy: &MessageRecord, spans: MirrorSpans) -> bool {
    if original.transport != copy.transport {
        return false;
    }
    let apart = copy.time.since(original.time).abs();
    let same_packet = match copy.transport {
        Transport::Udp => copy.identification != 0 && copy.identification == original.identification,
        _ => copy.capture_source != original.capture_source,
    };
    // On streams, copies within one source of capture have vanished by their sequence numbers: what is left was sent twice.
    let any_copy = copy.transport == Transport::Udp && apart <= spans.any_copy;
    any_copy || (same_packet && apart <= spans.same_packet)
}
