//! Connections with a consumer that reads `ours` and refuses `other`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::decode::{Segment, TcpFlags};
use crate::limits::{
    FLOW_IDLE_SECONDS, HOLE_TIMEOUT_SECONDS, MAX_FLOWS, MAX_SHARD_HELD_BYTES, MAX_SHARD_PENDING_BYTES,
    MAX_UNDECIDED_BYTES, MAX_UNDECIDED_SEGMENTS, REORDER_NANOS,
};
use crate::net::Endpoint;
use crate::time::Timestamp;

const ACK: TcpFlags = TcpFlags { syn: false, fin: false, rst: false, ack: true, psh: false };
const SYN: TcpFlags = TcpFlags { syn: true, ack: false, ..ACK };
const SYN_ACK: TcpFlags = TcpFlags { syn: true, ..ACK };
const FIN: TcpFlags = TcpFlags { fin: true, ..ACK };
const RST: TcpFlags = TcpFlags { rst: true, ack: false, ..ACK };

/// What the consumers tell, by the port of the sender.
type Log = BTreeMap<u16, String>;

/// What a reader says that its text takes, in bytes for each.
const MEMORY_FACTOR: usize = 1_000;

struct Reader {
    port: u16,
    text: String,
}

impl Reader {
    fn tell(&self, what: &str, log: &mut Log) {
        log.entry(self.port).or_default().push_str(what);
    }
}

impl Consumer for Reader {
    type Context = Log;

    fn open(key: &FlowKey, direction: Direction) -> Self {
        Self { port: key.endpoints(direction).0.port, text: String::new() }
    }

    fn begins(&mut self) {}

    fn data(&mut self, bytes: &[u8], _: Extent, _: &Arrival, log: &mut Log) {
        let text = String::from_utf8_lossy(bytes);
        self.text.push_str(&text);
        self.text = self.text.chars().rev().take(16).collect::<Vec<_>>().into_iter().rev().collect();
        if bytes.len() < 100 {
            self.tell(&text, log);
        }
    }

    fn gap(&mut self, length: u64, log: &mut Log) {
        self.tell(&format!("<{length}>"), log);
    }

    fn reset(&mut self, log: &mut Log) {
        self.tell("<reset>", log);
    }

    fn finish(&mut self, log: &mut Log) {
        self.tell("<end>", log);
    }

    fn memory(&self) -> usize {
        self.text.capacity().saturating_mul(MEMORY_FACTOR)
    }

    fn shed(&mut self, log: &mut Log) {
        self.text = String::new();
        self.tell("<shed>", log);
    }

    fn verdict(&self) -> Verdict {
        if self.text.contains("ours") {
            Verdict::Ours
        } else if self.text.contains("other") {
            Verdict::NotOurs
        } else {
            Verdict::Undecided
        }
    }
}

/// The flow between the ports 1 and 2, unless told otherwise.
struct Fixture {
    table: FlowTable<Reader>,
    log: Log,
    now: Timestamp,
    frame: u64,
}

impl Fixture {
    fn new() -> Self {
        Self { table: FlowTable::new(), log: Log::new(), now: Timestamp::default(), frame: 0 }
    }

    /// A connection whose first bytes have the sequence number 1 in both directions.
    fn connected() -> Self {
        let mut fixture = Self::new();
        fixture.segment(1, SYN, 0, 0, "");
        fixture.segment(2, SYN_ACK, 0, 1, "");
        fixture
    }

    fn segment(&mut self, from: u16, flags: TcpFlags, sequence: u32, acknowledgment: u32, payload: &str) {
        self.between(from, 3 - from, flags, (sequence, acknowledgment), payload);
    }

    fn between(&mut self, from: u16, to: u16, flags: TcpFlags, numbers: (u32, u32), payload: &str) {
        self.frame += 1;
        let address = IpAddr::from([192, 0, 2, 1]);
        let segment = Segment {
            source: Endpoint::new(address, from),
            destination: Endpoint::new(address, to),
            identification: 0,
            sequence: numbers.0,
            acknowledgment: numbers.1,
            flags,
            payload: payload.as_bytes(),
            missing: 0,
        };
        let arrival = Arrival { input: 0, frame: self.frame, time: self.now, watermark: self.now };
        self.table.segment(0, &segment, Extent::default(), arrival, &mut self.log);
        assert!(self.table.stats().adds_up(), "{:?}", self.table.stats());
    }

    fn told(&mut self, port: u16) -> String {
        self.log.remove(&port).unwrap_or_default()
    }

    fn finish(&mut self) -> StreamStats {
        self.table.finish(&mut self.log);
        let stats = *self.table.stats();
        assert!(stats.adds_up(), "{stats:?}");
        assert_eq!((stats.open, stats.assembler.held_bytes, self.table.held_memory()), (0, 0, 0));
        stats
    }
}

#[test]
fn both_directions_are_read_by_their_own_consumers() {
    let mut fixture = Fixture::connected();
    fixture.segment(1, ACK, 1, 1, "ours?");
    fixture.segment(2, ACK, 1, 6, "yes");
    fixture.segment(1, FIN, 6, 4, "bye");
    fixture.segment(2, FIN, 4, 10, "");
    assert_eq!(fixture.told(1), "ours?bye<end>");
    assert_eq!(fixture.told(2), "yes<end>");
    let stats = fixture.finish();
    assert_eq!((stats.connections, stats.ours, stats.ended, stats.reset), (1, 1, 1, 0));
}

#[test]
fn what_is_sent_again_after_the_end_is_ignored() {
    let mut fixture = Fixture::connected();
    fixture.segment(1, FIN, 1, 1, "ours");
    fixture.segment(2, FIN, 1, 6, "");
    fixture.segment(1, FIN, 1, 2, "ours");
    fixture.segment(1, SYN, 0, 0, "");
    fixture.segment(1, ACK, 6, 2, "");
    assert_eq!(fixture.told(1), "ours<end>");
    let stats = fixture.finish();
    assert_eq!((stats.connections, stats.ignored_segments, stats.ignored_bytes), (1, 3, 4));
}

#[test]
fn a_port_used_again_is_a_new_connection() {
    let mut fixture = Fixture::connected();
    fixture.segment(1, ACK, 1, 1, "ours");
    fixture.segment(1, SYN, 0, 0, "");
    fixture.segment(1, SYN, 5_000, 0, "");
    fixture.segment(2, SYN_ACK, 9_000, 5_001, "");
    fixture.segment(1, ACK, 5_001, 9_001, "again");
    assert_eq!(fixture.told(1), "ours<end>again");
    let stats = fixture.finish();
    assert_eq!((stats.connections, stats.replaced, stats.unfinished), (2, 1, 1));
}

#[test]
fn a_port_used_again_without_its_syn_is_a_new_connection_after_the_end() {
    let mut fixture = Fixture::connected();
    fixture.segment(1, FIN, 1, 1, "ours");
    fixture.segment(2, FIN, 1, 6, "");
    fixture.segment(1, ACK, 3_000_000_000, 7, "again");
    fixture.finish();
    assert_eq!(fixture.told(1), "ours<end>again<end>");
}

#[test]
fn a_syn_replaces_a_connection_that_began_before_the_capture() {
    let mut fixture = Fixture::new();
    fixture.segment(2, ACK, 700, 900, "old");
    fixture.segment(1, SYN, 5_000, 0, "");
    fixture.segment(2, SYN_ACK, 8_000, 5_001, "");
    fixture.segment(2, ACK, 8_001, 5_001, "new");
    assert_eq!(fixture.told(2), "old<end>new");
}

#[test]
fn handshakes_out_of_order_are_one_connection() {
    let mut fixture = Fixture::new();
    fixture.segment(2, SYN_ACK, 100, 1, "");
    fixture.segment(1, SYN, 0, 0, "");
    fixture.segment(1, ACK, 1, 101, "ours");
    assert_eq!(fixture.finish().connections, 1);
}

#[test]
fn a_reset_ends_a_connection_unless_it_comes_from_nowhere() {
    let mut fixture = Fixture::connected();
    fixture.segment(1, ACK, 1, 1, "ours");
    fixture.segment(1, ACK, 9, 1, "late");
    fixture.segment(2, RST, 2_000_000_000, 0, "");
    assert_eq!(fixture.told(1), "ours");
    fixture.segment(2, RST, 1, 0, "");
    assert_eq!(fixture.told(1), "<4>late<end>");
    fixture.segment(1, ACK, 13, 1, "more");
    assert_eq!(fixture.finish().reset, 1);
    assert_eq!(fixture.told(1), "more<end>");
}

#[test]
fn connections_of_others_are_dropped_until_a_syn() {
    let mut fixture = Fixture::connected();
    fixture.segment(1, ACK, 1, 1, "other");
    fixture.segment(2, ACK, 1, 6, "other");
    fixture.segment(1, ACK, 6, 6, "ours");
    fixture.segment(1, SYN, 0, 0, "");
    assert_eq!((fixture.told(1), fixture.told(2)), ("other".into(), "other".into()));
    fixture.segment(1, SYN, 7_000, 0, "");
    fixture.segment(1, ACK, 7_001, 1, "ours");
    assert_eq!(fixture.told(1), "ours");
    let stats = fixture.finish();
    assert_eq!((stats.connections, stats.dismissed, stats.ours, stats.ignored_segments), (2, 1, 1, 2));
}

#[test]
fn either_direction_settles_both() {
    let mut fixture = Fixture::connected();
    fixture.segment(1, ACK, 1, 1, "other");
    fixture.segment(2, ACK, 1, 6, "ours");
    fixture.segment(1, ACK, 6, 5, "on");
    assert_eq!(fixture.told(1), "otheron");
}

#[test]
fn what_stays_undecided_is_dropped() {
    let mut fixture = Fixture::connected();
    for index in 0..=MAX_UNDECIDED_SEGMENTS {
        assert_eq!(fixture.table.stats().dismissed, 0);
        fixture.segment(1, ACK, 1 + u32::try_from(index).unwrap(), 1, "x");
    }
    assert_eq!(fixture.table.stats().dismissed, 1);
    let mut fixture = Fixture::connected();
    fixture.segment(1, ACK, 1, 1, &"x".repeat(MAX_UNDECIDED_BYTES));
    assert_eq!(fixture.table.stats().dismissed, 0);
    fixture.segment(2, ACK, 1, 1, "x");
    assert_eq!(fixture.table.stats().dismissed, 1);
}

#[test]
fn keep_alives_decide_nothing() {
    let mut fixture = Fixture::connected();
    for turn in 0..100 {
        fixture.segment(1, ACK, 1 + turn * 4, 1 + turn * 2, "\r\n\r\n");
        fixture.segment(2, ACK, 1 + turn * 2, 5 + turn * 4, "\r\n");
    }
    fixture.segment(1, ACK, 401, 201, "ours");
    assert!(fixture.told(1).ends_with("ours"));
    assert_eq!(fixture.finish().ours, 1);
}

#[test]
fn a_start_out_of_order_loses_nothing() {
    let mut fixture = Fixture::new();
    fixture.segment(1, ACK, 1_005, 1, "tail");
    fixture.segment(1, ACK, 1_001, 1, "ours");
    fixture.segment(2, ACK, 1, 1_009, "");
    assert_eq!(fixture.told(1), "ourstail");
}

#[test]
fn held_segments_of_an_undecided_flow_do_not_wait_for_long() {
    let mut fixture = Fixture::connected();
    let bytes = "x".repeat(30_000);
    for index in 0..3 {
        fixture.segment(1, ACK, 100 + index * 30_000, 1, &bytes);
    }
    assert_eq!(fixture.table.stats().dismissed, 1);
    assert_eq!(fixture.table.held_memory(), 0);
}

#[test]
fn the_other_side_tells_what_the_capture_lost() {
    let mut fixture = Fixture::connected();
    fixture.segment(1, ACK, 1, 1, "ours");
    fixture.segment(2, ACK, 1, 10, "yes");
    fixture.now = fixture.now.plus(REORDER_NANOS);
    fixture.segment(1, ACK, 10, 4, "more");
    assert_eq!(fixture.told(1), "ours<5>more");
}

#[test]
fn other_flows_move_the_time_on() {
    let mut fixture = Fixture::connected();
    fixture.segment(1, ACK, 1, 1, "ours");
    fixture.segment(1, ACK, 7, 1, "late");
    fixture.between(7, 8, ACK, (1_000, 0), "ours");
    fixture.now = fixture.now.plus_seconds(HOLE_TIMEOUT_SECONDS).plus(1);
    fixture.between(9, 8, SYN, (1_000, 0), "");
    assert_eq!(fixture.told(1), "ours<2>late");
    assert_eq!(fixture.told(7), "ours");
    assert_eq!(fixture.table.held_memory(), 0);
}

#[test]
fn idle_flows_are_forgotten() {
    let mut fixture = Fixture::connected();
    fixture.segment(1, ACK, 1, 1, "ours");
    fixture.now = fixture.now.plus_seconds(FLOW_IDLE_SECONDS);
    fixture.segment(1, ACK, 5, 1, "more");
    assert_eq!(fixture.told(1), "oursmore");
    fixture.now = fixture.now.plus_seconds(FLOW_IDLE_SECONDS).plus(1);
    fixture.between(7, 8, ACK, (0, 0), "");
    assert_eq!(fixture.told(1), "<end>");
    assert_eq!(fixture.finish().expired, 1);
}

#[test]
fn the_flow_idle_for_longest_goes_when_there_are_too_many() {
    let mut fixture = Fixture::new();
    for port in 0..=MAX_FLOWS as u64 {
        let (from, to) = (u16::try_from(port % 60_000).unwrap(), u16::try_from(60_000 + port / 60_000).unwrap());
        fixture.between(from, to, SYN, (0, 0), "");
        if port % 10_000 == 0 {
            fixture.between(0, 60_000, SYN, (0, 0), "");
        }
    }
    assert_eq!(fixture.table.stats().evicted, 1);
    fixture.between(0, 60_000, ACK, (1, 1), "ours");
    assert_eq!(fixture.told(0), "ours");
    assert_eq!(fixture.finish().unfinished, MAX_FLOWS as u64);
}

#[test]
fn flows_of_nothing_are_not_remembered() {
    let mut fixture = Fixture::new();
    fixture.segment(1, ACK, 1, 1, "");
    fixture.segment(1, FIN, 1, 1, "");
    fixture.segment(1, RST, 1, 1, "reset text");
    let stats = fixture.finish();
    assert_eq!((stats.connections, stats.ignored_segments, stats.ignored_bytes), (0, 3, 10));
}

#[test]
fn memory_for_what_is_held_is_bounded() {
    let mut fixture = Fixture::new();
    let bytes = "x".repeat(60_000);
    for port in 0..50 {
        fixture.between(port, 9_000, SYN, (0, 0), "");
        fixture.between(port, 9_000, ACK, (1, 0), "ours");
        for index in 0..17 {
            fixture.between(port, 9_000, ACK, (100 + index * 60_000, 0), &bytes);
            assert!(fixture.table.held_memory() <= MAX_SHARD_HELD_BYTES);
        }
    }
    assert!(fixture.table.stats().assembler.gaps > 0);
    fixture.finish();
}

#[test]
fn memory_of_consumers_is_bounded() {
    let mut fixture = Fixture::new();
    for port in 0..10_000 {
        fixture.between(port, 20_000, SYN, (0, 0), "");
        fixture.between(port, 20_000, ACK, (1, 0), "ours, but not whole");
        assert!(fixture.table.pending_memory() <= MAX_SHARD_PENDING_BYTES);
    }
    assert!(fixture.told(0).ends_with("<shed>"), "the one idle for longest goes first");
    assert!(!fixture.told(9_999).contains("<shed>"));
    assert!(fixture.table.stats().shed > 0);
    fixture.finish();
    assert_eq!(fixture.table.pending_memory(), 0);
}

#[test]
fn what_is_due_comes_at_its_time_whenever_it_is_asked_for() {
    let mut told = Vec::new();
    for step in [100_000_000, 1_000_000_000, 60_000_000_000] {
        let mut fixture = Fixture::connected();
        fixture.segment(1, ACK, 1, 1, "ours");
        fixture.segment(1, ACK, 10, 1, "behind a hole");
        let mut at = Vec::new();
        while fixture.now < Timestamp::from_nanos(2 * 3_600 * 1_000_000_000) {
            fixture.now = fixture.now.plus(step);
            while let Some(due) = fixture.table.due().filter(|due| *due < fixture.now) {
                fixture.table.advance(due, &mut fixture.log);
                at.push((due, fixture.told(1)));
            }
        }
        told.push(at);
    }
    assert!(told[0][0].1.ends_with("<5>behind a hole"), "{told:?}");
    assert!(told[0][1].1.ends_with("<end>"), "{told:?}");
    assert_eq!((&told[0], &told[0]), (&told[1], &told[2]));
}

proptest! {
    #[test]
    fn any_segments_at_all_are_accounted_for(
        steps in prop::collection::vec((1_u16..4, 0_u32..6, 0_u32..400, 0_usize..5, 0_i64..5_000_000_000), 0..120),
    ) {
        let mut fixture = Fixture::new();
        for (from, kind, near, text, wait) in steps {
            let flags = [ACK, ACK, ACK, SYN, FIN, RST][kind as usize];
            let payload = ["", "x", "ours", "other", "a longer piece of text"][text];
            if near % 7 == 0 {
                fixture.now = fixture.now.plus(wait);
            }
            let sequence = if near == 399 { 3_000_000_000 } else { near };
            fixture.between(from, 5 - from, flags, (sequence, near + 20), payload);
        }
        fixture.finish();
    }
}
