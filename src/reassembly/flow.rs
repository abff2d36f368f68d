//! TCP flows: which segments belong together, and the two directions of them.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::octets;
use crate::net::Endpoint;

/// Two endpoints that speak TCP with each other, as one capture source saw them. The same for both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowKey {
    /// The capture source: the same flow seen at two places is two flows.
    pub source: u32,
    /// The endpoint that sorts first.
    pub low: Endpoint,
    /// The other endpoint.
    pub high: Endpoint,
}

/// A direction of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the low to the high endpoint of the key.
    Forward,
    /// From the high to the low endpoint of the key.
    Backward,
}

impl Direction {
    /// The other direction.
    pub const fn reverse(self) -> Self {
        match self {
            Self::Forward => Self::Backward,
            Self::Backward => Self::Forward,
        }
    }
}

impl FlowKey {
    /// The flow of a segment and the direction in which it goes.
    pub fn of(source: u32, from: Endpoint, to: Endpoint) -> (Self, Direction) {
        if from <= to {
            (Self { source, low: from, high: to }, Direction::Forward)
        } else {
            (Self { source, low: to, high: from }, Direction::Backward)
        }
    }

    /// Who sends in a direction, and to whom.
    pub const fn endpoints(&self, direction: Direction) -> (Endpoint, Endpoint) {
        match direction {
            Direction::Forward => (self.low, self.high),
            Direction::Backward => (self.high, self.low),
        }
    }

    /// A hash that is the same on every run and machine: for shards.
    pub fn hash64(&self) -> u64 {
        let seed = u64::from(self.source) << 32 | u64::from(self.low.port) << 16 | u64::from(self.high.port);
        xxh3_64_with_seed(&octets(self.high.address), xxh3_64_with_seed(&octets(self.low.address), seed))
    }
}

/// One thing for each direction of a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair<T> {
    /// The one of [`Direction::Forward`].
    pub forward: T,
    /// The one of [`Direction::Backward`].
    pub backward: T,
}

impl<T> Pair<T> {
    /// The one of a direction.
    pub const fn get(&self, direction: Direction) -> &T {
        match direction {
            Direction::Forward => &self.forward,
            Direction::Backward => &self.backward,
        }
    }

    /// The one of a direction.
    pub const fn get_mut(&mut self, direction: Direction) -> &mut T {
        match direction {
            Direction::Forward => &mut self.forward,
            Direction::Backward => &mut self.backward,
        }
    }

    /// The same question put to both.
    pub fn map<U>(&self, question: impl Fn(&T) -> U) -> Pair<U> {
        Pair { forward: question(&self.forward), backward: question(&self.backward) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_have_one_key() {
        let endpoint = |last, port| Endpoint::new([192, 0, 2, last].into(), port);
        let (a, b) = (endpoint(1, 5060), endpoint(1, 40_000));
        let (key, direction) = FlowKey::of(3, b, a);
        assert_eq!(direction, Direction::Backward);
        assert_eq!(FlowKey::of(3, a, b), (key, direction.reverse()));
        assert_eq!(key.endpoints(direction), (b, a));
        assert_ne!(FlowKey::of(4, a, b).0.hash64(), key.hash64());
        assert_ne!(FlowKey::of(3, a, endpoint(2, 40_000)).0.hash64(), key.hash64());
    }

    #[test]
    fn shards_never_move() {
        let a = Endpoint::new([192, 0, 2, 1].into(), 5060);
        let b = Endpoint::new("2001:db8::1".parse().unwrap(), 5061);
        assert_eq!(FlowKey::of(1, a, b).0.hash64(), FlowKey::of(1, b, a).0.hash64());
    }
}
