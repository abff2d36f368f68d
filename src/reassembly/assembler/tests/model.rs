//! A stream cut, overlapped, doubled, shuffled and partly lost, against a plain map of bytes.

use proptest::prelude::*;

use super::*;

/// The byte of the stream at a place.
fn byte(place: usize) -> u8 {
    u8::try_from(place * 31 % 251).unwrap()
}

/// A segment of the stream: where it begins, how long it is, how much of it the capture cut off.
#[derive(Clone, Copy, Debug)]
struct Cut {
    start: usize,
    length: usize,
    missing: usize,
}

impl Cut {
    fn payload(self) -> Vec<u8> {
        (self.start..self.start + self.length - self.missing).map(byte).collect()
    }
}

/// Segments of a stream that overlap by chance, some lost, some doubled, each moved by a few places.
fn cuts(snapped: bool) -> impl Strategy<Value = Vec<Cut>> {
    let one = (1_usize..60, 0_usize..30, 0_u8..10, 0_u8..10, 0_usize..6, 0_usize..60);
    prop::collection::vec(one, 1..60).prop_map(move |steps| {
        let mut at = 0;
        let mut placed = Vec::new();
        for (index, (length, overlap, lost, doubled, moved, missing)) in steps.into_iter().enumerate() {
            let start = at - overlap.min(at);
            let end = at + length;
            at = end;
            let missing = if snapped && missing < (end - start) { missing } else { 0 };
            let cut = Cut { start, length: end - start, missing };
            if lost > 0 {
                placed.push((index + moved, cut));
                if doubled == 0 {
                    placed.push((index + 3, cut));
                }
            }
        }
        placed.sort_by_key(|entry| entry.0);
        placed.into_iter().map(|entry| entry.1).collect()
    })
}

/// Follows what is delivered along the stream.
struct Follower {
    at: usize,
    delivered: Vec<bool>,
    extents: u64,
}

impl Follower {
    fn new(at: usize) -> Self {
        Self { at, delivered: vec![false; 8_000], extents: 0 }
    }

    fn follow(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Data { bytes, extent, .. } => {
                for (offset, delivered) in bytes.iter().enumerate() {
                    assert_eq!(*delivered, byte(self.at + offset));
                    self.delivered[self.at + offset] = true;
                }
                self.at += bytes.len();
                self.extents += u64::from(extent.length);
            }
            Piece::Gap(length) => self.at += usize::try_from(length).unwrap(),
            Piece::Reset => panic!("no reset in one stream"),
        }
    }
}

/// Runs the segments through an assembler; `base` is the sequence number of the first byte.
fn run(cuts: &[Cut], base: u32, syn: bool, step: i64) -> (Follower, AssemblerStats) {
    let first = if syn { 0 } else { cuts.iter().map(|cut| cut.start).min().unwrap_or(0) };
    let mut follower = Follower::new(first);
    let mut stats = AssemblerStats::default();
    let mut assembler = Assembler::default();
    let mut deliver = |piece: Piece<'_>| follower.follow(piece);
    if syn {
        let start = SegmentIn { syn: true, ..data(base.wrapping_sub(1), b"") };
        assembler.segment(&start, &mut stats, &mut deliver);
    }
    for (index, cut) in cuts.iter().enumerate() {
        let payload = cut.payload();
        let now = Timestamp::from_nanos(i64::try_from(index).unwrap() * step);
        let segment = SegmentIn {
            missing: u32::try_from(cut.missing).unwrap(),
            extent: Extent { input: 0, offset: 0, length: u32::try_from(payload.len()).unwrap() },
            arrival: Arrival { input: 0, frame: index as u64, time: now, watermark: now },
            ..data(base.wrapping_add(u32::try_from(cut.start).unwrap()), &payload)
        };
        assembler.segment(&segment, &mut stats, &mut deliver);
        assembler.advance(now, &mut stats, &mut deliver);
        assert!(stats.adds_up());
    }
    assembler.finish(&mut stats, &mut deliver);
    (follower, stats)
}

fn check(cuts: &[Cut], base: u32, syn: bool) -> Result<(), TestCaseError> {
    let (follower, stats) = run(cuts, base, syn, 0);
    prop_assert!(stats.adds_up());
    prop_assert_eq!(stats.held_bytes + stats.dropped_bytes, 0);
    prop_assert_eq!(stats.delivered_bytes, follower.extents);
    let end = cuts.iter().map(|cut| cut.start + cut.length).max().unwrap_or(0);
    prop_assert_eq!(follower.at, end);
    let mut expected = vec![false; follower.delivered.len()];
    for cut in cuts {
        expected[cut.start..cut.start + cut.length].fill(true);
    }
    prop_assert_eq!(follower.delivered, expected);
    let first = if syn { 0 } else { cuts.iter().map(|cut| cut.start).min().unwrap_or(0) };
    prop_assert_eq!(stats.delivered_bytes + stats.gap_bytes, (end - first) as u64);
    Ok(())
}

proptest! {
    #[test]
    fn what_arrived_is_delivered_in_order_and_the_rest_is_gaps(cuts in cuts(false), base: u32) {
        check(&cuts, base, true)?;
    }

    #[test]
    fn midstream_too(cuts in cuts(false), base: u32) {
        check(&cuts, base, false)?;
    }

    #[test]
    fn cut_and_late_segments_never_deliver_wrong_bytes(
        cuts in cuts(true),
        base: u32,
        step in 0_i64..2_000_000_000,
    ) {
        let (_, stats) = run(&cuts, base, true, step);
        prop_assert!(stats.adds_up());
        prop_assert_eq!(stats.held_bytes, 0);
    }

    #[test]
    fn any_segments_at_all_are_accounted_for(
        steps in prop::collection::vec((any::<u32>(), 0_u32..3_000, 0_u8..8, 0_usize..40, 0_u32..3, 0_i64..4_000_000_000), 0..60),
    ) {
        let mut fixture = Fixture::default();
        for (anchor, near, kind, length, missing, wait) in steps {
            let sequence = if kind < 6 { near.wrapping_sub(500) } else { anchor };
            fixture.wait(if kind % 2 == 0 { wait } else { 0 });
            if kind == 5 {
                fixture.acknowledge(sequence);
            } else {
                let payload = vec![kind; length];
                fixture.segment(SegmentIn { syn: kind == 4, fin: kind == 3, missing, ..data(sequence, &payload) });
            }
        }
        fixture.finish();
        prop_assert!(fixture.stats.adds_up());
    }
}
