//! What is odd about messages, streams and captures as such, counted by who sent them: facts that belong to no call.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::AddAssign;

use super::facts::{Place, Text};
use super::links::Order;
use crate::limits::MAX_ODD_GROUPS;
use crate::net::{Endpoint, Transport};
use crate::time::Timestamp;

/// What is odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Oddity {
    /// A request whose top Via has no branch, or one without the magic cookie (RFC 3261 8.1.1.7).
    OldBranch,
    /// A request whose branch an earlier one of another call had. The number is the CSeq number.
    BranchOfOtherCall,
    /// A request with a CSeq that names another method (RFC 3261 8.1.1.5). The words are the method of CSeq and that of the request.
    MethodMismatch,
    /// A message on a stream without Content-Length (RFC 3261 18.3).
    LengthMissing,
    /// A Content-Length that is no number, contradicts another, or says more than there is. The number is that of octets of the
    /// body that are there, the word the header.
    LengthMismatch,
    /// Octets behind a message in its datagram. The number says how many.
    TrailingOctets,
    /// A request on UDP that is too large for it (RFC 3261 18.1.1), as its originator sent it. The number is that of its octets.
    Oversize,
    /// The same, but how its originator sent it was not captured.
    OversizeOnTheWay,
    /// Lines in a head that end with LF or CR alone (RFC 3261 7.1).
    LineEndings,
    /// A stream in which the place of the next message could not be told. The numbers are the offset in the stream as captured
    /// and the frame from which on it was known again.
    FramingLost,
    /// A message of which the capture holds a first part only. The number is that of the octets missing.
    Truncated,
    /// Bytes of a stream that the capture lacks. The number says how many.
    Gap,
    /// Fragments whose packets lack other pieces. The number says how many.
    LoneFragments,
}

/// Who is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The element with this address.
    Element(IpAddr),
    /// Who made this input.
    Input(u32),
}

/// One time that something odd was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    /// Its place among all messages.
    pub order: Order,
    /// Where it is.
    pub place: Place,
    /// When it was.
    pub time: Timestamp,
    /// Who sent it.
    pub source: Endpoint,
    /// Where it was sent.
    pub destination: Endpoint,
    /// What carried it.
    pub transport: Transport,
    /// The Call-ID, if there is one.
    pub call_id: Text,
    /// What its sender calls itself.
    pub agent: Option<Text>,
    /// Numbers, as the oddity has them.
    pub numbers: [Option<u64>; 2],
    /// Words, as the oddity has them.
    pub words: [Text; 2],
    /// Another place that shows it.
    pub other: Option<Place>,
}

/// Who did it, and the digest of the Call-ID where calls are told apart.
type Key = (Origin, u64);

/// All that is odd in one way and from one origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OddGroup {
    /// What it is.
    pub oddity: Oddity,
    /// Who is to blame.
    pub origin: Origin,
    /// How often it was seen, copies counted.
    pub count: u64,
    /// The sum of its first numbers.
    pub sum: u64,
    /// The first time.
    pub first: Sighting,
}

impl OddGroup {
    fn absorb(&mut self, other: Self) {
        self.count += other.count;
        self.sum = self.sum.saturating_add(other.sum);
        if other.first.order < self.first.order {
            self.first = other.first;
        }
    }
}

/// What is odd, in groups, up to a limit for each oddity. Adding is commutative: of too many groups the first by key stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddities {
    groups: BTreeMap<Oddity, BTreeMap<Key, OddGroup>>,
    by_call: bool,
    total: u64,
}

impl Default for Oddities {
    fn default() -> Self {
        Self::new(true)
    }
}

impl Oddities {
    /// With `by_call`, groups are of one call each.
    pub const fn new(by_call: bool) -> Self {
        Self { groups: BTreeMap::new(), by_call, total: 0 }
    }

    /// Whether groups are of one call each.
    pub const fn is_by_call(&self) -> bool {
        self.by_call
    }

    /// Counts something odd.
    #[cold]
    pub fn add(&mut self, oddity: Oddity, origin: Origin, first: Sighting) {
        let sum = first.numbers.first().copied().flatten().unwrap_or(0);
        self.total += 1;
        self.put(OddGroup { oddity, origin, count: 1, sum, first });
    }

    fn put(&mut self, group: OddGroup) {
        let call = if self.by_call { super::calls::digest(&group.first.call_id) } else { 0 };
        let key = (group.origin, call);
        let groups = self.groups.entry(group.oddity).or_default();
        if let Some(known) = groups.get_mut(&key) {
            known.absorb(group);
        } else if groups.len() < MAX_ODD_GROUPS {
            groups.insert(key, group);
        } else if groups.last_key_value().is_some_and(|(last, _)| key < *last) {
            groups.pop_last();
            groups.insert(key, group);
        }
    }

    /// How often something odd was seen that is in no group, for want of room.
    pub fn overflow(&self) -> u64 {
        let kept: u64 = self.groups.values().flat_map(BTreeMap::values).map(|group| group.count).sum();
        self.total.saturating_sub(kept)
    }

    /// The same with every group as `change` leaves it.
    #[must_use]
    pub fn map(&self, change: impl Fn(&mut OddGroup)) -> Self {
        let mut all = Self { groups: BTreeMap::new(), by_call: self.by_call, total: self.total };
        for group in self.groups.values().flat_map(BTreeMap::values) {
            let mut group = group.clone();
            change(&mut group);
            all.put(group);
        }
        all
    }

    /// The groups of the calls that `wanted` takes, one for each oddity and origin.
    pub fn into_groups(self, wanted: impl Fn(&[u8]) -> bool) -> Vec<OddGroup> {
        let mut all = Self::new(false);
        let groups = self.groups.into_values().flat_map(BTreeMap::into_values);
        for group in groups.filter(|group| wanted(&group.first.call_id)) {
            all.put(group);
        }
        all.groups.into_values().flat_map(BTreeMap::into_values).collect()
    }
}

impl AddAssign<&Self> for Oddities {
    fn add_assign(&mut self, other: &Self) {
        self.total += other.total;
        for group in other.groups.values().flat_map(BTreeMap::values) {
            self.put(group.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(frame: u64, number: u64) -> Sighting {
        Sighting {
            order: (Timestamp::MIN, 0, frame, 0),
            place: Place { input: 0, frame, position: 0 },
            numbers: [Some(number), None],
            ..Sighting::default()
        }
    }

    fn elements(numbers: impl Iterator<Item = u32>) -> Oddities {
        let mut all = Oddities::new(false);
        for number in numbers {
            let origin = Origin::Element(std::net::Ipv4Addr::from(number).into());
            all.add(Oddity::TrailingOctets, origin, sighting(u64::from(number), 2));
        }
        all
    }

    #[test]
    fn what_stays_does_not_depend_on_the_order_of_adding() {
        let count = u32::try_from(MAX_ODD_GROUPS).unwrap() + 100;
        let (up, down) = (elements((0..count).chain(0..10)), elements((0..10).chain((0..count).rev())));
        assert_eq!(up, down);
        assert_eq!((up.groups[&Oddity::TrailingOctets].len(), up.overflow()), (MAX_ODD_GROUPS, 100));
        let mut halves = Oddities::new(false);
        halves += &elements((count / 2..count).chain(0..10));
        halves += &elements(0..count / 2);
        assert_eq!(halves, up);
        let groups = up.into_groups(|_| true);
        assert_eq!((groups[0].count, groups[0].sum, groups[0].first.place.frame), (2, 4, 0));
    }
}
