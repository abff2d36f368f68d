//! Which calls of the same two parties ended alike when their sessions were about to expire.

use std::net::IpAddr;

use crate::findings::Ending;
use crate::limits::MAX_ENDINGS;
use crate::time::NANOS_PER_SECOND;

/// How far apart, in nanoseconds, calls may end that one timer ends at the same time of their sessions: those of many elements tick once
/// a second.
const SAME_TIME: i64 = 2 * NANOS_PER_SECOND;

/// The earliest calls that ended when their sessions were about to expire.
#[derive(Debug, Default)]
pub(crate) struct Endings {
    known: Vec<Ending>,
    taken: u64,
}

/// Who sent BYE, who had to refresh, and the interval.
type Parties = (IpAddr, IpAddr, u64);

fn parties(ending: &Ending) -> Parties {
    (ending.by.endpoint.address, ending.refresher.endpoint.address, ending.interval)
}

impl Endings {
    /// Takes how a call ended.
    pub(crate) fn take(&mut self, ending: Ending) {
        self.taken += 1;
        self.known.push(ending);
        // Calls come in an order that depends on batches. What is among the earliest keeps its place whatever the order.
        if self.known.len() >= 2 * MAX_ENDINGS {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.known.sort_unstable_by_key(|ending| (ending.time, ending.evidence.place));
        self.known.truncate(MAX_ENDINGS);
    }

    /// The calls of each two parties most of which ended at the same time of their sessions, in order of time; and how many calls are not
    /// remembered.
    pub(crate) fn list(mut self) -> (Vec<Vec<Ending>>, u64) {
        self.cut();
        let forgotten = self.taken - self.known.len() as u64;
        self.known.sort_by_key(|ending| (parties(ending), ending.after, ending.time, ending.evidence.place));
        let groups = self.known.chunk_by(|one, other| parties(one) == parties(other));
        let alike = groups.filter_map(|group| {
            let alike = densest(group);
            // Users end calls at any time: where most ended at other times, a few that are near each other are chance.
            (2 * alike.len() > group.len()).then(|| {
                let mut alike = alike.to_vec();
                alike.sort_by_key(|ending| (ending.time, ending.evidence.place));
                alike
            })
        });
        (alike.collect(), forgotten)
    }
}

/// The most of these that ended at the same time of their sessions, which they are in order of.
fn densest(group: &[Ending]) -> &[Ending] {
    let mut best: &[Ending] = &[];
    let mut from = 0;
    for (at, last) in group.iter().enumerate() {
        while group.get(from).is_some_and(|first| last.after - first.after > SAME_TIME) {
            from += 1;
        }
        if let Some(alike) = group.get(from..=at).filter(|alike| alike.len() > best.len()) {
            best = alike;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correlation::{Evidence, Party, Place, Role};
    use crate::net::{Endpoint, Transport};
    use crate::time::Timestamp;

    fn ending(by: u8, after_ms: i64, frame: u64) -> Ending {
        let party = |last| Party {
            endpoint: Endpoint { address: IpAddr::from([192, 0, 2, last]), port: 5060 },
            transport: Transport::Udp,
            agent: None,
        };
        Ending {
            by: party(by),
            refresher: party(100),
            interval: 90,
            after: after_ms * (NANOS_PER_SECOND / 1_000),
            time: Timestamp::default(),
            evidence: Evidence { place: Place { frame, ..Place::default() }, role: Role::Bye },
            call_id: (*b"call").into(),
        }
    }

    fn listed(endings: impl Iterator<Item = Ending>) -> (Vec<Vec<u64>>, u64) {
        let mut all = Endings::default();
        endings.for_each(|ending| all.take(ending));
        let (groups, forgotten) = all.list();
        (
            groups.iter().map(|group| group.iter().map(|ending| ending.evidence.place.frame).collect()).collect(),
            forgotten,
        )
    }

    #[test]
    fn calls_that_end_at_the_same_time_stand_together() {
        let times = [(1, 60_000, 9), (1, 61_900, 3), (2, 60_000, 5), (1, 70_000, 2), (1, 62_000, 7)];
        let all = || times.into_iter().map(|(by, after, frame)| ending(by, after, frame));
        let (groups, forgotten) = listed(all());
        assert_eq!((groups, forgotten), (vec![vec![3, 7, 9], vec![5]], 0));
        assert_eq!(listed(all().collect::<Vec<_>>().into_iter().rev()).0, listed(all()).0);
    }

    #[test]
    fn a_few_among_many_are_chance() {
        let spread = (0..8_u32).map(|at| ending(1, 60_000 + 4_000 * i64::from(at), u64::from(at)));
        let near = (10..15_u32).map(|at| ending(1, 60_000 + i64::from(at), u64::from(at)));
        assert_eq!(listed(spread.chain(near)).0, [[0; 0]; 0]);
    }

    #[test]
    fn the_earliest_are_kept_whatever_the_order() {
        let count = 3 * MAX_ENDINGS as u64;
        let (groups, forgotten) = listed((0..count).map(|frame| ending(1, 60_000, frame)));
        assert_eq!((groups[0].len(), forgotten), (MAX_ENDINGS, count - MAX_ENDINGS as u64));
        assert_eq!(listed((0..count).rev().map(|frame| ending(1, 60_000, frame))), (groups, forgotten));
    }
}
