//! One direction of a TCP flow: from segments in capture order to bytes in order (RFC 9293 3.4, 3.10.7.4).

mod hole;
mod order;
mod run;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::order::Out;
use self::run::{HeldRun, Run};
use super::{Arrival, AssemblerStats};
use crate::extent::Extent;
use crate::limits::{MAX_SEQUENCE_JUMP, MAX_START_REORDER_BYTES};
use crate::time::Timestamp;

/// What one direction takes of a segment.
#[derive(Clone, Copy, Debug)]
pub struct SegmentIn<'a> {
    /// The sequence number.
    pub sequence: u32,
    /// The SYN flag.
    pub syn: bool,
    /// The FIN flag.
    pub fin: bool,
    /// The payload as far as it was captured.
    pub payload: &'a [u8],
    /// Payload bytes after it that the capture cut off.
    pub missing: u32,
    /// Where the payload lies in the input; of length 0 when that is not known.
    pub extent: Extent,
    /// The frame.
    pub arrival: Arrival,
}

/// What comes next in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Bytes that follow the ones before.
    Data {
        /// The bytes.
        bytes: &'a [u8],
        /// Where they lie in the input.
        extent: Extent,
        /// The frame by which everything up to the end of these bytes, back to the last gap, had arrived.
        arrival: Arrival,
    },
    /// Bytes, so many, that the capture does not hold.
    Gap(u64),
    /// What follows has nothing to do with what came before, though no SYN was seen in between.
    Reset,
}

/// Where the pieces go.
pub type Deliver<'d> = &'d mut dyn FnMut(Piece<'_>);

/// One direction of a TCP connection. Keeps only what cannot be delivered yet.
///
/// Places in the stream are counted in 64 bits, the low 32 of which are the sequence number, so that it may wrap.
///
/// **The start.** A SYN says where the stream starts. Without one (the capture began later) it starts at the first payload,
/// but that is held until the order is certain, since capturing may have swapped the first segments: until the other side
/// acknowledges something near it, or a segment comes more than [`REORDER_NANOS`](crate::limits::REORDER_NANOS) later.
///
/// **Holes.** What comes after a hole is held. The hole becomes a gap when the other side has acknowledged it (then the
/// capture lost it, not the network) and `REORDER_NANOS` have passed, when
/// [`HOLE_TIMEOUT_SECONDS`](crate::limits::HOLE_TIMEOUT_SECONDS) have passed, when too much is held, or at the end.
///
/// **Overlaps.** What came first stays. What differs from bytes still held is counted; what was delivered is not kept, so
/// there differences are not seen.
///
/// **Jumps.** A segment further than [`MAX_SEQUENCE_JUMP`] from the place expected is a stray: it is put aside, and if the
/// next stray continues it, the stream has moved there (a port used again without the SYN captured).
#[derive(Debug, Default)]
pub struct Assembler {
    start: Start,
    /// The sequence number of the SYN, if one was seen.
    initial: Option<u32>,
    /// The place of the first byte not delivered. While probing, of the first byte held.
    next: u64,
    /// Where the stream was settled to begin.
    base: u64,
    /// By position; disjoint; each at `next` or after it. When settled, and between calls, after it.
    held: BTreeMap<u64, HeldRun>,
    /// Bytes in `held` and in `stray`.
    held_bytes: usize,
    /// The place up to which the other side has acknowledged; says nothing unless above `next`.
    acknowledged: u64,
    /// When `acknowledged` first was above `next`.
    acknowledged_since: Timestamp,
    /// The place after the last byte, if a FIN was seen.
    end: Option<u64>,
    stray: Option<Box<HeldRun>>,
    /// Segments seen.
    serial: u64,
    /// The latest frame that brought bytes since the last gap, with its serial.
    latest: (u64, Arrival),
}

/// What is known of the start of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Start {
    /// Nothing.
    #[default]
    Unknown,
    /// The other side has acknowledged up to `next`.
    Acknowledged,
    /// Payload is held whose order is not certain.
    Probing,
    /// The stream starts at `base`.
    Settled,
}

/// Memory of a node of a tree of held runs, in bytes: room for eleven, however few there are.
const NODE_COST: usize = 11 * (size_of::<u64>() + size_of::<HeldRun>());
/// Runs that are in each node at least, but for the first.
const RUNS_OF_NODE: usize = 5;
/// Low bits of a place: the sequence number.
const SEQUENCE_MASK: u64 = u32::MAX as u64;
/// Places begin here, so that earlier ones need no sign.
const FIRST_EPOCH: u64 = 1 << 32;

impl Assembler {
    /// Takes a segment of this direction and delivers what is now in order.
    pub fn segment(&mut self, segment: &SegmentIn<'_>, stats: &mut AssemblerStats, deliver: Deliver<'_>) {
        let out = &mut Out { stats, deliver };
        self.serial += 1;
        out.stats.segments += 1;
        out.stats.bytes += segment.payload.len() as u64;
        let mut sequence = segment.sequence;
        if segment.syn {
            sequence = sequence.wrapping_add(1);
            self.synchronize(segment.sequence, out);
        }
        let run = Run {
            position: self.place(sequence),
            bytes: segment.payload,
            // A length that no window allows is a lie of the frame about its length on the wire.
            missing: Some(u64::from(segment.missing)).filter(|missing| *missing < MAX_SEQUENCE_JUMP).unwrap_or(0),
            extent: segment.extent,
            arrival: segment.arrival,
            serial: self.serial,
        };
        if !run.is_empty() {
            self.payload(run, out);
        }
        if segment.fin {
            self.finalize(sequence_of(run.end()));
        }
    }

    /// Takes an acknowledgment number of the other direction; `now` is the watermark of its frame.
    pub fn acknowledge(
        &mut self,
        acknowledgment: u32,
        now: Timestamp,
        stats: &mut AssemblerStats,
        deliver: Deliver<'_>,
    ) {
        let position = self.place(acknowledgment);
        let near = position.abs_diff(self.next) <= MAX_SEQUENCE_JUMP;
        match self.start {
            Start::Unknown => {
                self.next = position;
                self.start = Start::Acknowledged;
            }
            Start::Acknowledged => self.next = if near { self.next.max(position) } else { position },
            Start::Probing if near && position.saturating_add(MAX_START_REORDER_BYTES) >= self.next => {
                self.settle_at(self.next.min(position));
                self.note_acknowledged(position, now);
                self.drain(&mut Out { stats, deliver });
            }
            Start::Settled if near => self.note_acknowledged(position, now),
            Start::Probing | Start::Settled => {}
        }
    }

    /// The sequence number of the SYN, if one was seen.
    pub const fn initial(&self) -> Option<u32> {
        self.initial
    }

    /// The next sequence number expected, once payload, a SYN or a FIN has said so.
    pub fn next_sequence(&self) -> Option<u32> {
        (self.start == Start::Settled).then(|| sequence_of(self.next))
    }

    /// Payload was seen.
    pub fn has_data(&self) -> bool {
        self.held_bytes > 0 || (self.start == Start::Settled && self.next != self.base)
    }

    /// A SYN with this sequence number could be the one of this stream.
    pub fn could_start_with(&self, initial: u32) -> bool {
        let base = self.place(initial.wrapping_add(1));
        match (self.initial, self.start) {
            (Some(known), _) => known == initial,
            (None, Start::Unknown | Start::Acknowledged) => true,
            (None, Start::Probing) => base <= self.next && self.next - base <= MAX_START_REORDER_BYTES,
            (None, Start::Settled) => base <= self.base && self.base - base <= MAX_START_REORDER_BYTES,
        }
    }

    /// A reset with this sequence number is meant for this stream (RFC 9293 3.10.7.4, with room for what was not captured).
    pub fn could_reset_with(&self, sequence: u32) -> bool {
        match self.start {
            Start::Unknown | Start::Acknowledged => true,
            Start::Probing | Start::Settled => self.place(sequence).abs_diff(self.next) <= MAX_SEQUENCE_JUMP,
        }
    }

    /// Everything up to the FIN was delivered.
    pub fn has_ended(&self) -> bool {
        self.start == Start::Settled && self.end.is_some_and(|end| end <= self.next)
    }

    /// Memory that what waits for earlier bytes takes, about, in bytes; 0 when nothing waits.
    pub fn held_memory(&self) -> usize {
        let nodes = self.held.len().div_ceil(RUNS_OF_NODE) * NODE_COST;
        let stray = usize::from(self.stray.is_some()) * size_of::<HeldRun>();
        self.held_bytes + nodes + stray
    }

    /// The place of a sequence number: the one nearest to `next`.
    fn place(&self, sequence: u32) -> u64 {
        if self.start == Start::Unknown {
            return FIRST_EPOCH + u64::from(sequence);
        }
        let distance = sequence.wrapping_sub(sequence_of(self.next)).cast_signed();
        self.next.saturating_add_signed(i64::from(distance))
    }

    /// Takes a SYN.
    fn synchronize(&mut self, initial: u32, out: &mut Out<'_>) {
        if self.initial.is_some() || !self.could_start_with(initial) {
            return;
        }
        self.initial = Some(initial);
        if self.start != Start::Settled {
            self.settle_at(self.place(initial.wrapping_add(1)));
            self.drain(out);
        }
    }

    /// Takes a FIN, which stands after the byte before `sequence`.
    fn finalize(&mut self, sequence: u32) {
        let end = self.place(sequence);
        if matches!(self.start, Start::Unknown | Start::Acknowledged) {
            self.settle_at(end);
        }
        if end.abs_diff(self.next) <= MAX_SEQUENCE_JUMP {
            self.end.get_or_insert(end);
        }
    }

    /// Puts payload, some of it perhaps not captured, in its place.
    fn payload(&mut self, run: Run<'_>, out: &mut Out<'_>) {
        match self.start {
            Start::Unknown => {
                self.next = run.position;
                self.start = Start::Probing;
            }
            Start::Acknowledged => self.start_near_acknowledged(&run),
            Start::Probing if run.position.abs_diff(self.next) > MAX_START_REORDER_BYTES => self.settle(out),
            Start::Probing | Start::Settled => {}
        }
        if run.position.abs_diff(self.next) > MAX_SEQUENCE_JUMP {
            self.stray(run, out);
        } else {
            self.merge(run, out);
        }
    }

    /// Settles the start by the first payload when the other side has acknowledged up to `next` before it came.
    fn start_near_acknowledged(&mut self, run: &Run<'_>) {
        let is_near = run.position.abs_diff(self.next) <= MAX_START_REORDER_BYTES;
        // The probe of a keep-alive (RFC 9293 3.8.4): a byte of no meaning before the one expected.
        let is_probe = run.bytes.len() == 1 && run.end() == self.next;
        self.settle_at(if is_probe || (is_near && run.position > self.next) { self.next } else { run.position });
    }

    /// The stream starts at `base`, which is not above anything held.
    const fn settle_at(&mut self, base: u64) {
        self.start = Start::Settled;
        self.next = base;
        self.base = base;
    }

    /// Gives up waiting for an earlier start.
    fn settle(&mut self, out: &mut Out<'_>) {
        if self.start == Start::Probing {
            self.settle_at(self.next);
            self.drain(out);
        }
    }
}

/// The sequence number of a place.
fn sequence_of(position: u64) -> u32 {
    (position & SEQUENCE_MASK) as u32
}
