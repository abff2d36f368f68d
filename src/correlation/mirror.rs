//! Packets that a capture holds twice: mirror ports, `any` interfaces, several points of capture.

use foldhash::{HashMap, HashMapExt};

use super::record::MessageRecord;
use crate::net::{Endpoint, Transport};

/// Copies with the same IPv4 identification, or on TCP from another source of capture, are mirrors within this time, in nanoseconds.
const SAME_PACKET_NANOS: i64 = 2_000_000_000;
/// Any copies are mirrors within this time, in nanoseconds: no SIP timer is as short.
const ANY_COPY_NANOS: i64 = 10_000_000;

/// Up to how many messages are compared one by one.
const FEW: usize = 32;

/// For each message, in order of time, the earlier one of which it is a mirror duplicate.
///
/// A copy has the same octets between the same endpoints. Retransmissions have too, but come later and as other packets.
pub fn mirrors(records: &[MessageRecord]) -> Vec<Option<usize>> {
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
            .filter(|earlier| records.get(*earlier).is_some_and(|original| is_mirror(original, record)));
        if original.is_none() {
            latest.insert(key, index);
        }
        found.push(original);
    }
    found
}

fn is_mirror(original: &MessageRecord, copy: &MessageRecord) -> bool {
    if original.transport != copy.transport {
        return false;
    }
    let apart = copy.time.since(original.time).abs();
    let same_packet = match copy.transport {
        Transport::Udp => copy.identification != 0 && copy.identification == original.identification,
        _ => copy.capture_source != original.capture_source,
    };
    // On streams, copies within one source of capture have vanished by their sequence numbers: what is left was sent twice.
    let any_copy = copy.transport == Transport::Udp && apart <= ANY_COPY_NANOS;
    any_copy || (same_packet && apart <= SAME_PACKET_NANOS)
}
