//! Limits, and chunks in any order.

use proptest::prelude::*;

use super::*;
use crate::decode::DataPlace;
use crate::limits::{MAX_TSN_JUMP, REMEMBERED_TSNS};

struct Fixture {
    table: SctpTable,
    now: Timestamp,
    messages: Vec<(Vec<u8>, bool)>,
    lost: usize,
}

impl Fixture {
    fn new() -> Self {
        let table = SctpTable::new(|bytes, _| bytes.first() != Some(&b'!'));
        Self { table, now: Timestamp::default(), messages: Vec::new(), lost: 0 }
    }

    fn give(&mut self, tag: u32, chunk: &DataChunk<'_>) {
        let (messages, lost) = (&mut self.messages, &mut self.lost);
        let arrival = Arrival { time: self.now, watermark: self.now, ..Arrival::default() };
        let path = (Endpoint::default(), Endpoint::default());
        let key = SctpKey { capture_source: 0, source_port: 1, destination_port: 2, tag };
        let piece = Piece { chunk: *chunk, path, extent: Extent::default(), arrival };
        self.table.stats.chunks += 1;
        self.table.chunk(key, piece, &mut |_, piece| match piece {
            SctpPiece::Message { bytes, cut, .. } => messages.push((bytes.to_vec(), cut)),
            SctpPiece::Lost { .. } => *lost += 1,
        });
        assert!(self.table.stats.adds_up(), "{:?}", self.table.stats);
    }

    fn work(&mut self, work: impl FnOnce(&mut SctpTable, SctpDeliver<'_>)) {
        let (messages, lost) = (&mut self.messages, &mut self.lost);
        work(&mut self.table, &mut |_, piece| match piece {
            SctpPiece::Message { bytes, cut, .. } => messages.push((bytes.to_vec(), cut)),
            SctpPiece::Lost { .. } => *lost += 1,
        });
        assert!(self.table.stats.adds_up(), "{:?}", self.table.stats);
    }

    fn wait(&mut self, seconds: i64) {
        self.now = self.now.plus(seconds * NANOS_PER_SECOND);
        let now = self.now;
        self.work(|table, deliver| table.advance(now, deliver));
    }

    fn finish(&mut self) {
        self.work(SctpTable::finish);
        assert_eq!((self.table.stats.open, self.table.held), (0, 0));
    }
}

fn chunk(tsn: u32, (beginning, ending): (bool, bool), payload: &[u8]) -> DataChunk<'_> {
    DataChunk {
        tsn,
        stream: 0,
        unordered: false,
        beginning,
        ending,
        place: DataPlace::Sequence(0),
        protocol: 0,
        payload,
        missing: 0,
    }
}

#[test]
fn a_number_that_says_something_else_is_of_another_association() {
    let mut fixture = Fixture::new();
    for payload in [b"one", b"two", b"two"] {
        fixture.give(1, &chunk(5, (true, true), payload));
    }
    assert_eq!(fixture.messages.len(), 2);
    assert_eq!(fixture.table.stats.duplicates, 1);
}

#[test]
fn messages_that_never_become_whole_are_given_up_in_time() {
    let mut fixture = Fixture::new();
    fixture.give(1, &chunk(5, (true, false), b"beginning, "));
    fixture.give(1, &chunk(6, (false, false), b"middle"));
    fixture.give(1, &chunk(8, (false, false), b"after the hole"));
    fixture.wait(SCTP_LOSS_SECONDS);
    assert_eq!(fixture.messages, []);
    fixture.wait(1);
    assert_eq!(fixture.messages, [(b"beginning, middle".to_vec(), true)]);
    assert_eq!((fixture.lost, fixture.table.stats.given_up, fixture.table.held), (1, 1, 0));
    fixture.finish();
}

#[test]
fn a_jump_of_numbers_begins_anew() {
    let mut fixture = Fixture::new();
    fixture.give(1, &chunk(5, (true, false), b"lost"));
    let far = u32::try_from(MAX_TSN_JUMP).unwrap() + 7;
    fixture.give(1, &chunk(far, (true, false), b"far"));
    fixture.give(1, &chunk(far + 1, (false, true), b" away"));
    assert_eq!(fixture.messages, [(b"lost".to_vec(), true), (b"far away".to_vec(), false)]);
    assert_eq!(fixture.lost, 0);
}

#[test]
fn memory_is_bounded() {
    let mut fixture = Fixture::new();
    // Middles of messages that have no beginning, each apart from the others.
    for number in 0..20_000_u32 {
        fixture.give(number % 3, &chunk(number.wrapping_mul(6), (false, false), &[b'x'; 500]));
        assert!(fixture.table.held <= MAX_SCTP_SHARD_HELD_BYTES);
    }
    for tag in 0..3_000 {
        fixture.give(tag, &chunk(1, (true, false), &[b'x'; 60_000]));
        assert!(fixture.table.held <= MAX_SCTP_SHARD_HELD_BYTES);
        assert!(fixture.table.directions.len() <= MAX_SCTP_DIRECTIONS);
    }
    assert!(fixture.table.stats.evictions > 0);
    fixture.finish();
}

proptest! {
    #[test]
    fn every_message_comes_once_in_any_order(
        sizes in prop::collection::vec(1_usize..6, 1..12),
        first in any::<u32>(),
        interleaved in any::<bool>(),
        unordered in any::<bool>(),
        seed in prop::collection::vec(any::<u32>(), 72),
        copies in prop::collection::vec(any::<bool>(), 72),
    ) {
        let texts: Vec<Vec<u8>> = (0_u8..).zip(&sizes).map(|(number, size)| vec![b'a' + number; *size]).collect();
        let mut chunks = Vec::new();
        let mut tsn = first;
        for (number, text) in (0_u16..).zip(&texts) {
            for at in 0..text.len() {
                let place = if interleaved {
                    DataPlace::Interleaved { message: number.into(), fragment: u32::try_from(at).unwrap() }
                } else {
                    DataPlace::Sequence(number)
                };
                let ends = (at == 0, at + 1 == text.len());
                chunks.push(DataChunk { place, unordered, ..chunk(tsn, ends, &text[at..=at]) });
                tsn = tsn.wrapping_add(1);
            }
        }
        prop_assume!(chunks.len() < REMEMBERED_TSNS);
        let mut order: Vec<usize> = (0..chunks.len()).collect();
        order.sort_by_key(|at| seed[*at]);
        let mut fixture = Fixture::new();
        for at in order {
            for _ in 0..=usize::from(copies[at]) {
                fixture.give(9, &chunks[at]);
            }
        }
        fixture.finish();
        let mut got: Vec<Vec<u8>> = fixture.messages.iter().map(|(text, _)| text.clone()).collect();
        got.sort();
        prop_assert_eq!(got, texts);
        prop_assert!(fixture.messages.iter().all(|(_, cut)| !cut));
    }
}
