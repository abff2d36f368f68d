//! Segments in order, out of order, doubled, lost, far away.

mod model;

use super::*;
use crate::limits::{HOLE_TIMEOUT_SECONDS, MAX_OUT_OF_ORDER_BYTES, REORDER_NANOS};

/// What was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Event {
    /// Bytes, and the number of the frame they are said to have arrived with.
    Data(Vec<u8>, u64),
    Gap(u64),
    Reset,
}

/// An assembler whose frames are counted.
#[derive(Default)]
struct Fixture {
    assembler: Assembler,
    stats: AssemblerStats,
    now: Timestamp,
    frame: u64,
    events: Vec<Event>,
}

impl Fixture {
    fn synchronized(initial: u32) -> Self {
        let mut fixture = Self::default();
        fixture.segment(SegmentIn { syn: true, ..data(initial, b"") });
        fixture.take();
        fixture
    }

    fn segment(&mut self, segment: SegmentIn<'_>) -> Vec<Event> {
        self.frame += 1;
        let arrival = Arrival { input: 0, frame: self.frame, time: self.now, watermark: self.now };
        let length = u32::try_from(segment.payload.len()).unwrap();
        let extent = Extent { input: 0, offset: self.frame * 1_000_000, length };
        let segment = SegmentIn { arrival, extent, ..segment };
        self.work(|assembler, stats, deliver| assembler.segment(&segment, stats, deliver))
    }

    fn data(&mut self, sequence: u32, payload: &[u8]) -> Vec<Event> {
        self.segment(data(sequence, payload))
    }

    fn acknowledge(&mut self, acknowledgment: u32) -> Vec<Event> {
        let now = self.now;
        self.work(|assembler, stats, deliver| assembler.acknowledge(acknowledgment, now, stats, deliver))
    }

    fn wait(&mut self, nanos: i64) -> Vec<Event> {
        self.now = self.now.plus(nanos);
        self.work(|_, _, _| {})
    }

    fn finish(&mut self) -> Vec<Event> {
        let events = self.work(Assembler::finish);
        assert_eq!(self.stats.held_bytes, 0);
        events
    }

    fn work(&mut self, work: impl FnOnce(&mut Assembler, &mut AssemblerStats, Deliver<'_>)) -> Vec<Event> {
        let events = &mut self.events;
        let mut deliver = |piece: Piece<'_>| {
            events.push(match piece {
                Piece::Data { bytes, extent, arrival } => {
                    assert_eq!(extent.length as usize, bytes.len());
                    Event::Data(bytes.to_vec(), arrival.frame)
                }
                Piece::Gap(length) => Event::Gap(length),
                Piece::Reset => Event::Reset,
            });
        };
        work(&mut self.assembler, &mut self.stats, &mut deliver);
        self.assembler.advance(self.now, &mut self.stats, &mut deliver);
        assert!(self.stats.adds_up(), "{:?}", self.stats);
        assert_eq!(self.stats.held_bytes, self.assembler.held_bytes as u64);
        self.take()
    }

    fn take(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }
}

fn data(sequence: u32, payload: &[u8]) -> SegmentIn<'_> {
    SegmentIn {
        sequence,
        syn: false,
        fin: false,
        payload,
        missing: 0,
        extent: Extent::default(),
        arrival: Arrival::default(),
    }
}

fn got(bytes: &[u8], frame: u64) -> Event {
    Event::Data(bytes.to_vec(), frame)
}

#[test]
fn data_in_order_is_lent_not_copied() {
    let mut assembler = Assembler::default();
    let mut stats = AssemblerStats::default();
    let payload = b"abcdef";
    assembler.segment(&SegmentIn { syn: true, ..data(9, payload) }, &mut stats, &mut |piece| {
        let Piece::Data { bytes, .. } = piece else { panic!("{piece:?}") };
        assert!(std::ptr::eq(bytes, payload.as_slice()));
    });
    assert_eq!(stats.delivered_bytes, 6);
    assert_eq!(assembler.next_sequence(), Some(16));
}

#[test]
fn sequence_numbers_wrap() {
    let mut fixture = Fixture::synchronized(u32::MAX - 3);
    assert_eq!(fixture.data(u32::MAX - 2, b"ab"), [got(b"ab", 2)]);
    assert_eq!(fixture.data(2, b"fg"), []);
    assert_eq!(fixture.data(u32::MAX, b"cde"), [got(b"cde", 4), got(b"fg", 4)]);
    assert_eq!(fixture.finish(), []);
}

#[test]
fn what_was_sent_again_is_dropped() {
    let mut fixture = Fixture::synchronized(0);
    fixture.data(1, b"abcdef");
    assert_eq!(fixture.data(1, b"abcdef"), []);
    assert_eq!(fixture.data(1, b"ab"), []);
    assert_eq!(fixture.data(4, b"defghi"), [got(b"ghi", 5)]);
    assert_eq!((fixture.stats.duplicate_segments, fixture.stats.duplicate_bytes), (2, 11));
}

#[test]
fn out_of_order_data_arrives_with_the_segment_that_fills_the_hole() {
    let mut fixture = Fixture::synchronized(0);
    assert_eq!(fixture.data(7, b"ghi"), []);
    assert_eq!(fixture.data(4, b"def"), []);
    assert_eq!(fixture.data(7, b"ghi"), []);
    assert_eq!(fixture.data(1, b"abc"), [got(b"abc", 5), got(b"def", 5), got(b"ghi", 5)]);
    assert_eq!((fixture.stats.out_of_order_segments, fixture.stats.duplicate_segments), (2, 1));
}

#[test]
fn the_first_byte_wins_where_segments_overlap() {
    let mut fixture = Fixture::synchronized(0);
    fixture.data(4, b"DEF");
    fixture.data(10, b"JK");
    assert_eq!(fixture.stats.conflicts, 0);
    let events = fixture.data(1, b"abcdefghijklm");
    assert_eq!(events, [got(b"abc", 4), got(b"DEF", 4), got(b"ghi", 4), got(b"JK", 4), got(b"lm", 4)]);
    assert_eq!(fixture.stats.conflicts, 1);
    assert_eq!(fixture.data(14, b"n"), [got(b"n", 5)]);
}

#[test]
fn keep_alive_probes_are_nothing() {
    let mut fixture = Fixture::synchronized(0);
    fixture.data(1, b"abc");
    assert_eq!(fixture.data(3, b""), []);
    assert_eq!(fixture.data(3, b"\0"), []);
    assert_eq!(fixture.data(4, b"def"), [got(b"def", 5)]);
    let mut midstream = Fixture::default();
    midstream.acknowledge(100);
    assert_eq!(midstream.data(99, b"\0"), []);
    assert_eq!(midstream.data(100, b"abc"), [got(b"abc", 2)]);
}

#[test]
fn data_may_come_with_the_syn() {
    let mut fixture = Fixture::default();
    assert_eq!(fixture.segment(SegmentIn { syn: true, ..data(0, b"abc") }), [got(b"abc", 1)]);
    assert_eq!(fixture.data(4, b"def"), [got(b"def", 2)]);
    assert_eq!(fixture.assembler.initial(), Some(0));
    assert!(fixture.assembler.could_start_with(0));
    assert!(!fixture.assembler.could_start_with(1));
}

#[test]
fn a_late_syn_settles_the_start() {
    let mut fixture = Fixture::default();
    assert_eq!(fixture.data(4, b"def"), []);
    assert_eq!(fixture.segment(SegmentIn { syn: true, ..data(0, b"") }), []);
    assert_eq!(fixture.data(1, b"abc"), [got(b"abc", 3), got(b"def", 3)]);
}

#[test]
fn midstream_the_first_segments_may_be_swapped() {
    let mut fixture = Fixture::default();
    assert_eq!(fixture.data(1_007, b"ghi"), []);
    assert_eq!(fixture.data(1_007, b"ghi"), []);
    assert_eq!(fixture.data(1_001, b"abcdef"), []);
    assert_eq!(fixture.wait(REORDER_NANOS), [got(b"abcdef", 3), got(b"ghi", 3)]);
    assert_eq!(fixture.data(1_010, b"jkl"), [got(b"jkl", 4)]);
}

#[test]
fn midstream_an_acknowledgment_settles_the_start() {
    let mut fixture = Fixture::default();
    assert_eq!(fixture.data(1_001, b"abc"), []);
    assert_eq!(fixture.acknowledge(1_004), [got(b"abc", 1)]);
    let mut fixture = Fixture::default();
    fixture.acknowledge(1_001);
    assert_eq!(fixture.data(1_001, b"abc"), [got(b"abc", 1)]);
    let mut fixture = Fixture::default();
    fixture.acknowledge(1_001);
    assert_eq!(fixture.data(1_004, b"def"), []);
    assert_eq!(fixture.data(1_001, b"abc"), [got(b"abc", 2), got(b"def", 2)]);
    let mut fixture = Fixture::default();
    fixture.acknowledge(2_000_000_000);
    assert_eq!(fixture.data(1_001, b"abc"), [got(b"abc", 1)]);
}

#[test]
fn midstream_nothing_is_lost_at_the_end() {
    let mut fixture = Fixture::default();
    assert_eq!(fixture.data(1_001, b"abc"), []);
    assert_eq!(fixture.finish(), [got(b"abc", 1)]);
}

#[test]
fn an_acknowledged_hole_is_a_gap_after_a_moment() {
    let mut fixture = Fixture::synchronized(0);
    fixture.data(1, b"abc");
    assert_eq!(fixture.data(7, b"ghi"), []);
    assert_eq!(fixture.acknowledge(10), []);
    assert_eq!(fixture.wait(REORDER_NANOS - 1), []);
    assert_eq!(fixture.wait(1), [Event::Gap(3), got(b"ghi", 3)]);
    assert_eq!(fixture.data(4, b"def"), []);
    assert_eq!((fixture.stats.gaps, fixture.stats.gap_bytes, fixture.stats.duplicate_bytes), (1, 3, 3));
}

#[test]
fn a_hole_acknowledged_long_ago_is_a_gap_at_once() {
    let mut fixture = Fixture::synchronized(0);
    fixture.data(1, b"abc");
    fixture.acknowledge(7);
    fixture.wait(REORDER_NANOS);
    assert_eq!(fixture.data(7, b"ghi"), [Event::Gap(3), got(b"ghi", 3)]);
    assert_eq!(fixture.data(10, b"jkl"), [got(b"jkl", 4)]);
}

#[test]
fn only_what_is_acknowledged_of_a_hole_is_given_up() {
    let mut fixture = Fixture::synchronized(0);
    fixture.data(10, b"jkl");
    fixture.acknowledge(7);
    assert_eq!(fixture.wait(REORDER_NANOS), [Event::Gap(6)]);
    assert_eq!(fixture.data(7, b"ghi"), [got(b"ghi", 3), got(b"jkl", 3)]);
}

#[test]
fn acknowledgments_from_nowhere_are_ignored() {
    let mut fixture = Fixture::synchronized(0);
    fixture.acknowledge(2_000_000_000);
    fixture.acknowledge(0);
    fixture.wait(REORDER_NANOS);
    assert_eq!(fixture.data(4, b"def"), []);
    assert_eq!(fixture.data(1, b"abc"), [got(b"abc", 3), got(b"def", 3)]);
}

#[test]
fn without_acknowledgments_time_makes_a_hole_a_gap() {
    let mut fixture = Fixture::synchronized(0);
    fixture.data(4, b"def");
    assert_eq!(fixture.wait(HOLE_TIMEOUT_SECONDS * 1_000_000_000 - 1), []);
    fixture.data(9, b"ij");
    assert_eq!(fixture.wait(1), [Event::Gap(3), got(b"def", 2)]);
    assert_eq!(fixture.data(7, b"gh"), [got(b"gh", 4), got(b"ij", 4)]);
}

#[test]
fn too_much_held_makes_a_hole_a_gap() {
    let mut fixture = Fixture::synchronized(0);
    let bytes = vec![b'x'; 1 << 16];
    let mut sequence = 2;
    let mut events = Vec::new();
    for _ in 0..=MAX_OUT_OF_ORDER_BYTES >> 16 {
        assert_eq!(events, []);
        events = fixture.data(sequence, &bytes);
        sequence += 1 << 16;
    }
    assert_eq!(events[0], Event::Gap(1));
    assert_eq!(events.len(), 2 + (MAX_OUT_OF_ORDER_BYTES >> 16));
    assert_eq!(fixture.data(sequence, b"abc"), [got(b"abc", fixture.frame)]);
}

#[test]
fn bytes_the_capture_cut_off_are_a_gap_at_once() {
    let mut fixture = Fixture::synchronized(0);
    let cut = SegmentIn { missing: 4, ..data(1, b"ab") };
    assert_eq!(fixture.segment(cut), [got(b"ab", 2), Event::Gap(4)]);
    assert_eq!(fixture.segment(cut), []);
    assert_eq!(fixture.data(7, b"gh"), [got(b"gh", 4)]);
    assert_eq!(fixture.segment(SegmentIn { missing: 2, ..data(11, b"kl") }), []);
    assert_eq!(fixture.data(15, b"op"), []);
    assert_eq!(fixture.data(9, b"ij"), [got(b"ij", 7), got(b"kl", 7), Event::Gap(2), got(b"op", 6)]);
    assert_eq!(fixture.segment(SegmentIn { missing: u32::MAX, ..data(17, b"q") }), [got(b"q", 8)]);
}

#[test]
fn a_stream_that_jumps_goes_on_where_it_is() {
    let mut fixture = Fixture::synchronized(0);
    fixture.data(1, b"abc");
    fixture.data(7, b"ghi");
    assert_eq!(fixture.data(3_000_000_000, b"ABC"), []);
    assert_eq!(fixture.data(3_000_000_000, b"ABC"), []);
    let events = fixture.data(3_000_000_003, b"DEF");
    assert_eq!(events, [Event::Gap(3), got(b"ghi", 3), Event::Reset, got(b"ABC", 4), got(b"DEF", 6)]);
    assert_eq!(fixture.data(3_000_000_006, b"GHI"), [got(b"GHI", 7)]);
    assert!(fixture.assembler.could_start_with(2_999_999_999));
}

#[test]
fn strays_do_not_move_a_stream() {
    let mut fixture = Fixture::synchronized(0);
    fixture.data(1, b"abc");
    for (index, sequence) in [3_000_000_000, 2_000_000_000, 1_000_000_000, 3_000_000_000].into_iter().enumerate() {
        assert_eq!(fixture.data(sequence, b"xyz"), [], "{index}");
    }
    assert_eq!(fixture.data(4, b"def"), [got(b"def", 7)]);
    assert_eq!(fixture.finish(), []);
    assert_eq!(fixture.stats.dropped_bytes, 12);
}

#[test]
fn a_stream_ends_when_all_before_the_fin_was_delivered() {
    let mut fixture = Fixture::synchronized(0);
    assert_eq!(fixture.segment(SegmentIn { fin: true, ..data(4, b"def") }), []);
    assert!(!fixture.assembler.has_ended());
    assert_eq!(fixture.data(1, b"abc"), [got(b"abc", 3), got(b"def", 3)]);
    assert!(fixture.assembler.has_ended());
    fixture.acknowledge(8);
    assert_eq!(fixture.finish(), []);
    let mut alone = Fixture::default();
    alone.segment(SegmentIn { fin: true, ..data(4, b"") });
    assert!(alone.assembler.has_ended());
}

#[test]
fn the_end_tells_what_is_missing() {
    let mut fixture = Fixture::synchronized(0);
    fixture.data(1, b"abc");
    fixture.acknowledge(5);
    assert_eq!(fixture.finish(), []);
    let mut fixture = Fixture::synchronized(0);
    fixture.data(1, b"abc");
    fixture.acknowledge(14);
    assert_eq!(fixture.finish(), [Event::Gap(10)]);
    let mut fixture = Fixture::synchronized(0);
    fixture.data(1, b"abc");
    fixture.segment(SegmentIn { fin: true, ..data(10, b"") });
    fixture.acknowledge(11);
    assert_eq!(fixture.finish(), [Event::Gap(6)]);
}

#[test]
fn what_nobody_wants_is_dropped() {
    let mut fixture = Fixture::synchronized(0);
    fixture.data(4, b"def");
    fixture.data(3_000_000_000, b"xyz");
    fixture.assembler.abandon(&mut fixture.stats);
    assert_eq!((fixture.stats.dropped_bytes, fixture.stats.held_bytes), (6, 0));
    assert_eq!(fixture.finish(), []);
}
