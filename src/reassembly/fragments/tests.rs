//! Fragments in every order, doubled, contradicting, late, too many.

use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;
use crate::limits::MAX_FRAGMENTS_PER_PACKET;

const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const DESTINATION: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

fn fragment(identification: u32, offset: usize, more: bool, payload: &[u8]) -> Fragment<'_> {
    Fragment {
        source: SOURCE,
        destination: DESTINATION,
        protocol: 17,
        identification,
        offset: u32::try_from(offset).unwrap(),
        more,
        payload,
        missing: 0,
        depth: 1,
        nesting: 0,
    }
}

/// A table whose time is set and whose extents are the offsets.
#[derive(Default)]
struct Fixture {
    table: FragmentTable,
    now: Timestamp,
}

impl Fixture {
    fn insert(&mut self, fragment: &Fragment<'_>) -> Option<Reassembled> {
        let extent = Extent {
            input: 0,
            offset: 1_000 + u64::from(fragment.offset),
            length: u32::try_from(fragment.payload.len()).unwrap(),
        };
        let whole = self.table.insert(0, fragment, self.now, extent);
        assert!(self.table.stats().adds_up(), "{:?}", self.table.stats());
        whole
    }

    fn payload(&mut self, fragment: &Fragment<'_>) -> Option<Vec<u8>> {
        self.insert(fragment).map(|whole| whole.payload)
    }
}

#[test]
fn packets_become_whole_in_any_order() {
    let pieces = [fragment(1, 0, true, b"abcdefgh"), fragment(1, 8, true, b"ijklmnop"), fragment(1, 16, false, b"qr")];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut fixture = Fixture::default();
        assert_eq!(fixture.insert(&pieces[order[0]]), None);
        assert_eq!(fixture.insert(&pieces[order[1]]), None);
        let whole = fixture.insert(&pieces[order[2]]).unwrap();
        assert_eq!(whole.payload, b"abcdefghijklmnopqr");
        assert_eq!(
            whole.extents.iter().map(|extent| (extent.offset, extent.length)).collect::<Vec<_>>(),
            [(1_000, 8), (1_008, 8), (1_016, 2)]
        );
        assert_eq!((whole.head.protocol, whole.head.identification, whole.head.depth), (17, 1, 2));
        let stats = fixture.table.stats();
        assert_eq!((stats.used, stats.open, stats.packets), (3, 0, 1));
    }
}

#[test]
fn different_packets_do_not_mix() {
    let mut fixture = Fixture::default();
    let first = fragment(1, 0, true, b"abcdefgh");
    fixture.insert(&first);
    let last = fragment(1, 8, false, b"ij");
    assert_eq!(fixture.insert(&Fragment { identification: 2, ..last }), None);
    assert_eq!(fixture.insert(&Fragment { protocol: 6, ..last }), None);
    assert_eq!(fixture.insert(&Fragment { source: DESTINATION, ..last }), None);
    assert_eq!(fixture.table.insert(1, &last, Timestamp::default(), Extent::default()), None);
    assert_eq!(fixture.payload(&last), Some(b"abcdefghij".to_vec()));
    assert_eq!(fixture.table.stats().open, 4);
}

#[test]
fn the_first_fragment_names_the_protocol_in_ipv6() {
    let six = |protocol, offset, more| Fragment {
        source: "2001:db8::1".parse().unwrap(),
        destination: "2001:db8::2".parse().unwrap(),
        protocol,
        ..fragment(0xdead_beef, offset, more, b"12345678")
    };
    let mut fixture = Fixture::default();
    assert_eq!(fixture.insert(&six(59, 8, false)), None);
    assert_eq!(fixture.insert(&six(60, 0, true)).unwrap().head.protocol, 60);
}

#[test]
fn the_first_byte_wins_where_fragments_overlap() {
    let mut fixture = Fixture::default();
    fixture.insert(&fragment(1, 4, true, b"EFGH"));
    fixture.insert(&fragment(1, 0, true, b"abcdefghij"));
    assert_eq!(fixture.table.stats().conflicts, 1);
    let whole = fixture.insert(&fragment(1, 8, false, b"ijkl")).unwrap();
    assert_eq!(whole.payload, b"abcdEFGHijkl");
    assert_eq!(
        whole.extents.iter().map(|extent| (extent.offset, extent.length)).collect::<Vec<_>>(),
        [(1_000, 4), (1_004, 4), (1_008, 2), (1_010, 2)]
    );
    assert_eq!(fixture.table.stats().conflicts, 1);
}

#[test]
fn the_last_fragment_fixes_the_length() {
    let mut fixture = Fixture::default();
    fixture.insert(&fragment(1, 8, false, b"ij"));
    assert_eq!(fixture.insert(&fragment(1, 8, true, b"ijk")), None);
    assert_eq!(fixture.insert(&fragment(1, 16, false, b"qr")), None);
    assert_eq!(fixture.insert(&fragment(1, 0, false, b"abcdefgh")), None);
    assert_eq!(fixture.table.stats().refused, 3);
    assert_eq!(fixture.payload(&fragment(1, 0, true, b"abcdefgh")), Some(b"abcdefghij".to_vec()));
    fixture.insert(&fragment(2, 8, true, b"ijklmnop"));
    assert_eq!(fixture.insert(&fragment(2, 0, false, b"abcdefgh")), None);
    assert_eq!(fixture.table.stats().refused, 4);
}

#[test]
fn what_cannot_be_part_of_a_packet_is_refused() {
    let mut fixture = Fixture::default();
    let bytes = vec![0; 65_535];
    assert_eq!(fixture.insert(&fragment(1, 8, true, &bytes)), None);
    assert_eq!(fixture.insert(&fragment(1, 8, false, b"")), None);
    assert_eq!(fixture.insert(&Fragment { offset: u32::MAX, ..fragment(1, 0, false, b"abc") }), None);
    assert_eq!(fixture.table.stats().refused, 3);
    assert_eq!(fixture.insert(&Fragment { missing: 1, ..fragment(1, 0, true, b"abc") }), None);
    assert_eq!(fixture.table.stats().truncated, 1);
    assert_eq!(fixture.payload(&fragment(1, 0, false, &bytes)).unwrap().len(), 65_535);
}

#[test]
fn copies_are_duplicates_before_and_shortly_after_the_packet_is_whole() {
    let (first, last) = (fragment(1, 0, true, b"abcdefgh"), fragment(1, 8, false, b"ij"));
    let mut fixture = Fixture::default();
    fixture.insert(&first);
    assert_eq!(fixture.insert(&first), None);
    assert!(fixture.insert(&last).is_some());
    fixture.now = Timestamp::from_parts(FRAGMENT_COPY_SECONDS, 0);
    assert_eq!(fixture.insert(&last), None);
    assert_eq!(fixture.table.stats().duplicates, 2);
    assert_eq!(fixture.insert(&fragment(1, 0, true, b"ABCDEFGH")), None);
    assert_eq!(fixture.payload(&fragment(1, 8, false, b"IJ")), Some(b"ABCDEFGHIJ".to_vec()));
    fixture.now = fixture.now.plus_seconds(FRAGMENT_COPY_SECONDS).plus(1);
    fixture.insert(&first);
    assert_eq!(fixture.payload(&last), Some(b"abcdefghij".to_vec()));
}

#[test]
fn incomplete_packets_time_out() {
    let mut fixture = Fixture::default();
    fixture.insert(&fragment(1, 0, true, b"abcdefgh"));
    fixture.now = Timestamp::from_parts(FRAGMENT_TIMEOUT_SECONDS, 0);
    fixture.insert(&fragment(1, 8, true, b"ijklmnop"));
    fixture.now = fixture.now.plus(1);
    assert_eq!(fixture.insert(&fragment(1, 16, false, b"qr")), None);
    let stats = fixture.table.stats();
    assert_eq!((stats.timed_out, stats.open), (2, 1));
}

#[test]
fn the_oldest_packet_goes_when_there_are_too_many() {
    let mut fixture = Fixture::default();
    for identification in 0..=u32::try_from(MAX_FRAGMENTED_PACKETS).unwrap() {
        fixture.insert(&fragment(identification, 0, true, b"abcdefgh"));
    }
    assert_eq!(fixture.table.stats().evicted, 1);
    assert_eq!(fixture.insert(&fragment(0, 8, false, b"ij")), None);
    assert!(fixture.insert(&fragment(2, 8, false, b"ij")).is_some());
}

#[test]
fn memory_is_bounded() {
    let mut fixture = Fixture::default();
    let bytes = vec![0; 60_000];
    for identification in 0..500 {
        fixture.insert(&fragment(identification, 0, true, &bytes));
        assert!(fixture.table.held <= MAX_FRAGMENT_BYTES);
    }
    assert!(fixture.table.stats().evicted > 400);
    let mut fixture = Fixture::default();
    for offset in 0..=MAX_FRAGMENTS_PER_PACKET {
        fixture.insert(&fragment(1, offset * 8, true, b"a"));
    }
    assert_eq!(fixture.table.stats().evicted, MAX_FRAGMENTS_PER_PACKET as u64 + 1);
    assert_eq!(fixture.table.held, 0);
}

#[test]
fn keys_of_ipv6_leave_out_the_next_header() {
    let four = fragment(1, 0, true, b"a");
    assert_ne!(FragmentKey::of(0, &four), FragmentKey::of(0, &Fragment { protocol: 6, ..four }));
    let six = Fragment { source: "2001:db8::1".parse().unwrap(), ..four };
    let key = FragmentKey::of(0, &six);
    assert_eq!(key, FragmentKey::of(0, &Fragment { protocol: 6, ..six }));
    assert_ne!(key.hash64(), FragmentKey::of(1, &six).hash64());
}

#[test]
fn what_never_becomes_whole_is_lost_unless_it_is_media() {
    let mut fixture = Fixture::default();
    let sip = [&[0; 8][..], b"INVITE s"].concat();
    let media = [&[0; 8][..], &[0x80; 8]].concat();
    fixture.insert(&fragment(1, 0, true, &sip));
    fixture.insert(&fragment(2, 0, true, &media));
    fixture.insert(&fragment(3, 8, false, b"the end"));
    fixture.insert(&Fragment { missing: 3, ..fragment(4, 0, true, &sip) });
    let first = fixture.now;
    fixture.now = fixture.now.plus_seconds(2);
    fixture.insert(&fragment(1, 16, true, &sip));
    assert_eq!(fixture.table.waiting().count(), 2);
    assert_eq!(fixture.table.take_lost().len(), 1, "the one that was cut");
    fixture.now = fixture.now.plus_seconds(FRAGMENT_TIMEOUT_SECONDS + 1);
    fixture.insert(&fragment(5, 0, true, &media));
    let lost = fixture.table.take_lost();
    let (until, shown) = (first.plus_seconds(2), first.plus_seconds(FRAGMENT_TIMEOUT_SECONDS));
    assert_eq!(lost[0], (0, LostPacket { source: SOURCE, destination: DESTINATION, since: first, until, shown }));
    assert_eq!((lost.len(), fixture.table.waiting().count()), (2, 0));
}

proptest! {
    #[test]
    fn any_cover_of_a_packet_in_any_order_makes_it_whole(
        payload in prop::collection::vec(any::<u8>(), 2..400),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 1..12),
        overlap in 0_usize..20,
        order in prop::collection::vec(any::<prop::sample::Index>(), 40),
    ) {
        let mut bounds: Vec<usize> = cuts.iter().map(|cut| cut.index(payload.len())).collect();
        bounds.extend([0, payload.len()]);
        bounds.sort_unstable();
        bounds.dedup();
        let mut pieces: Vec<_> = bounds
            .windows(2)
            .map(|bounds| {
                let start = bounds[0].saturating_sub(overlap);
                fragment(7, start, bounds[1] < payload.len(), &payload[start..bounds[1]])
            })
            .collect();
        for index in &order {
            let piece = pieces.remove(index.index(pieces.len()));
            pieces.push(piece);
        }
        let mut fixture = Fixture::default();
        let mut whole = Vec::new();
        for piece in &pieces {
            whole.extend(fixture.insert(piece));
        }
        prop_assert_eq!(whole.len(), 1);
        prop_assert_eq!(&whole[0].payload, &payload);
        prop_assert_eq!(whole[0].extents.iter().map(|extent| extent.length as usize).sum::<usize>(), payload.len());
        prop_assert_eq!(fixture.table.stats().conflicts, 0);
    }

    #[test]
    fn counts_add_up_whatever_comes(
        inserts in prop::collection::vec((0_u32..4, 0_usize..6, any::<bool>(), 0_usize..30, 0_u32..2, 0_i64..40), 0..80),
    ) {
        let mut fixture = Fixture::default();
        let mut used = 0;
        for (identification, offset, more, length, missing, wait) in inserts {
            fixture.now = fixture.now.plus_seconds(wait / 4);
            let bytes = vec![u8::try_from(wait).unwrap(); length];
            let whole = fixture.insert(&Fragment { missing, ..fragment(identification, offset * 8, more, &bytes) });
            used += u64::from(whole.is_some());
        }
        prop_assert_eq!(fixture.table.stats().packets, used);
    }
}
