//! Which elements ask for short session intervals, over all calls.

use std::net::IpAddr;

use foldhash::HashMap;

use crate::findings::ShortInterval;
use crate::limits::MAX_SHORT_INTERVAL_SOURCES;

/// The first short interval of each source, and in how many calls there was one.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    known: HashMap<IpAddr, (ShortInterval, u64)>,
    /// Whether some had to be forgotten; then nothing is known of how often.
    forgot: bool,
}

impl Sources {
    /// Takes what a call showed.
    pub(crate) fn take(&mut self, short: ShortInterval) {
        match self.known.get_mut(&short.source.endpoint.address) {
            Some((first, calls)) => {
                *calls += 1;
                if (short.time, short.place) < (first.time, first.place) {
                    *first = short;
                }
            }
            None => {
                self.known.insert(short.source.endpoint.address, (short, 1));
            }
        }
        // Calls come in an order that depends on batches. Who is among the first keeps its place whatever the order.
        if self.known.len() >= 2 * MAX_SHORT_INTERVAL_SOURCES {
            self.forgot = true;
            let kept = std::mem::take(self).sorted();
            self.forgot = true;
            self.known = kept.into_iter().map(|known| (known.0.source.endpoint.address, known)).collect();
        }
    }

    fn sorted(self) -> Vec<(ShortInterval, u64)> {
        let mut all: Vec<(ShortInterval, u64)> = self.known.into_values().collect();
        all.sort_by_key(|(first, _)| (first.time, first.place));
        all.truncate(MAX_SHORT_INTERVAL_SOURCES);
        all
    }

    /// Whether there were more than are remembered.
    pub(crate) fn overflowed(&self) -> bool {
        self.forgot || self.known.len() > MAX_SHORT_INTERVAL_SOURCES
    }

    /// The earliest sources in order of time, each with in how many calls it was, if that is known.
    pub(crate) fn list(self) -> impl Iterator<Item = (ShortInterval, Option<u64>)> {
        let forgot = self.forgot;
        self.sorted().into_iter().map(move |(first, calls)| (first, (!forgot).then_some(calls)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correlation::{Party, Place};
    use crate::net::{Endpoint, Transport};
    use crate::time::Timestamp;

    fn short(number: u32, frame: u64) -> ShortInterval {
        let endpoint = Endpoint { address: IpAddr::from(number.to_be_bytes()), port: 5060 };
        ShortInterval {
            source: Party { endpoint, transport: Transport::Udp, agent: None },
            interval: 600,
            time: Timestamp::default(),
            place: Place { frame, ..Place::default() },
            call_id: (*b"call").into(),
            hop1_seen: true,
        }
    }

    #[test]
    fn the_first_of_each_source_is_kept_whatever_the_order() {
        let mut sources = Sources::default();
        for frame in [7, 3, 9] {
            sources.take(short(1, frame));
        }
        assert!(!sources.overflowed());
        let list: Vec<_> = sources.list().map(|(first, calls)| (first.place.frame, calls)).collect();
        assert_eq!(list, [(3, Some(3))]);
    }

    #[test]
    fn the_earliest_sources_are_kept_and_no_more() {
        let count = 3 * u32::try_from(MAX_SHORT_INTERVAL_SOURCES).unwrap();
        let run = |order: &mut dyn Iterator<Item = u32>| {
            let mut sources = Sources::default();
            order.for_each(|number| sources.take(short(number, u64::from(number))));
            assert!(sources.overflowed());
            sources.list().map(|(first, calls)| (first.place.frame, calls)).collect::<Vec<_>>()
        };
        let forward = run(&mut (0..count));
        assert_eq!(forward.len(), MAX_SHORT_INTERVAL_SOURCES);
        assert_eq!(forward, run(&mut (0..count).rev()));
        assert!(forward.iter().all(|(_, calls)| calls.is_none()));
    }
}
