//! One TCP connection, both directions: whether it is for us, and its end.

use super::opening::{Opening, Passed, Shown};
use super::{Consumer, StreamStats, Verdict};
use crate::decode::Segment;
use crate::extent::Extent;
use crate::limits::{MAX_SEQUENCE_JUMP, MAX_UNDECIDED_BYTES, MAX_UNDECIDED_HELD_BYTES, MAX_UNDECIDED_SEGMENTS};
use crate::reassembly::{Arrival, Assembler, Direction, FlowKey, Pair, Piece, SegmentIn};
use crate::time::Timestamp;

/// One TCP connection, or what is remembered of it.
///
/// A connection is undecided until the consumer of either direction says that it is ours, or both say that it is not, or
/// [`MAX_UNDECIDED_BYTES`] or [`MAX_UNDECIDED_SEGMENTS`] of both directions have shown nothing. Empty lines are not counted
/// among those: they are keep-alives (RFC 5626 3.5.1) and say nothing. A connection that is not ours costs no memory from
/// then on, and its segments are ignored until a new one begins with a SYN.
///
/// A connection that has ended stays known: what is sent again of it is ignored, and anything else begins a new one.
#[derive(Debug)]
pub struct Connection<C> {
    key: FlowKey,
    state: State<C>,
}

#[derive(Debug)]
enum State<C> {
    Live(Box<Live<C>>),
    /// Ended; the end of each direction as far as it is known.
    Ended(Pair<Remains>),
    /// Not for us.
    Dismissed(Pair<Remains>),
}

/// What is remembered of a direction.
#[derive(Clone, Copy, Debug, Default)]
struct Remains {
    initial: Option<u32>,
    next: Option<u32>,
}

#[derive(Debug)]
struct Live<C> {
    assemblers: Pair<Assembler>,
    consumers: Pair<C>,
    /// What both consumers together say; never goes back.
    verdict: Verdict,
    /// What the consumers have seen while undecided.
    seen: Seen,
    openings: Pair<Opening>,
}

/// Bytes that consumers have seen, and in how many pieces.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    bytes: usize,
    pieces: usize,
    /// Headers of load balancers.
    proxy_headers: u8,
    /// What comes is encrypted.
    tls: bool,
}

/// Why a connection goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Farewell {
    Ended,
    Replaced,
    Expired,
    Evicted,
    Unfinished,
}

impl<C: Consumer> Connection<C> {
    /// A connection of which nothing has been seen.
    pub fn new(key: FlowKey, stats: &mut StreamStats) -> Self {
        stats.connections += 1;
        stats.open += 1;
        Self { key, state: State::Live(Live::boxed(&key)) }
    }

    /// The flow.
    pub const fn key(&self) -> &FlowKey {
        &self.key
    }

    /// Takes a segment that goes in `direction`; its payload lies at `extent`.
    pub fn segment(
        &mut self,
        direction: Direction,
        segment: &Segment<'_>,
        extent: Extent,
        arrival: Arrival,
        stats: &mut StreamStats,
        context: &mut C::Context,
    ) {
        if self.is_new(direction, segment) {
            self.farewell(Farewell::Replaced, stats, context);
            *self = Self::new(self.key, stats);
        }
        let State::Live(live) = &mut self.state else { return stats.ignore(segment) };
        if segment.flags.rst {
            stats.ignore(segment);
            if live.assemblers.get(direction).could_reset_with(segment.sequence) {
                stats.reset += 1;
                self.farewell(Farewell::Ended, stats, context);
            }
            return;
        }
        stats.segments += 1;
        stats.bytes += segment.payload.len() as u64;
        live.segment(direction, segment, extent, arrival, stats, context);
        self.conclude(stats, context);
    }

    /// Goes on without what will not come any more; `now` is the watermark.
    pub fn advance(&mut self, now: Timestamp, stats: &mut StreamStats, context: &mut C::Context) {
        if let State::Live(live) = &mut self.state {
            live.each_direction(context, |assembler, deliver| assembler.advance(now, &mut stats.assembler, deliver));
            self.conclude(stats, context);
        }
    }

    /// Goes on without anything that is missing before what is held.
    pub fn release_held(&mut self, stats: &mut StreamStats, context: &mut C::Context) {
        if let State::Live(live) = &mut self.state {
            live.each_direction(context, |assembler, deliver| assembler.release_held(&mut stats.assembler, deliver));
            self.conclude(stats, context);
        }
    }

    /// Memory for what waits for earlier bytes, in both directions; see [`Assembler::held_memory`].
    pub fn held_memory(&self) -> usize {
        match &self.state {
            State::Live(live) => live.held_memory(),
            State::Ended(_) | State::Dismissed(_) => 0,
        }
    }

    /// Memory of both consumers and for what may be a header; see [`Consumer::memory`].
    pub fn pending_memory(&self) -> usize {
        match &self.state {
            State::Live(live) => live.pending_memory(),
            State::Ended(_) | State::Dismissed(_) => 0,
        }
    }

    /// Frees what consumers hold.
    pub(super) fn shed(&mut self, stats: &mut StreamStats, context: &mut C::Context) {
        if let State::Live(live) = &mut self.state {
            stats.shed += 1;
            live.release_openings(context);
            live.consumers.forward.shed(context);
            live.consumers.backward.shed(context);
        }
    }

    /// Delivers what is held and ends the consumers, if the connection is live.
    pub(super) fn farewell(&mut self, farewell: Farewell, stats: &mut StreamStats, context: &mut C::Context) {
        let State::Live(live) = &mut self.state else { return };
        live.each_direction(context, |assembler, deliver| assembler.finish(&mut stats.assembler, deliver));
        live.release_openings(context);
        live.consumers.forward.finish(context);
        live.consumers.backward.finish(context);
        live.judge(stats);
        stats.open -= 1;
        *match farewell {
            Farewell::Ended => &mut stats.ended,
            Farewell::Replaced => &mut stats.replaced,
            Farewell::Expired => &mut stats.expired,
            Farewell::Evicted => &mut stats.evicted,
            Farewell::Unfinished => &mut stats.unfinished,
        } += 1;
        self.state = State::Ended(live.remains());
    }

    /// Settles the verdict, and dismisses or ends the connection if it is time.
    fn conclude(&mut self, stats: &mut StreamStats, context: &mut C::Context) {
        let State::Live(live) = &mut self.state else { return };
        live.judge(stats);
        if live.verdict == Verdict::NotOurs {
            live.assemblers.forward.abandon(&mut stats.assembler);
            live.assemblers.backward.abandon(&mut stats.assembler);
            stats.dismissed += 1;
            stats.open -= 1;
            self.state = State::Dismissed(live.remains());
        } else if live.assemblers.forward.has_ended() && live.assemblers.backward.has_ended() {
            self.farewell(Farewell::Ended, stats, context);
        }
    }

    /// The segment begins another connection than the one known.
    fn is_new(&self, direction: Direction, segment: &Segment<'_>) -> bool {
        if segment.flags.rst {
            return false;
        }
        match &self.state {
            State::Live(live) => segment.flags.syn && live.is_replaced_by(direction, segment),
            State::Dismissed(remains) => segment.flags.syn && remains.get(direction).initial != Some(segment.sequence),
            State::Ended(remains) => {
                let remains = remains.get(direction);
                if segment.flags.syn {
                    remains.initial != Some(segment.sequence)
                } else {
                    !segment.payload.is_empty() && !remains.has_seen(segment)
                }
            }
        }
    }
}

impl Remains {
    /// Nothing of the payload lies beyond the end.
    fn has_seen(self, segment: &Segment<'_>) -> bool {
        let Some(next) = self.next else { return false };
        let length = u32::try_from(segment.payload.len()).unwrap_or(u32::MAX);
        let beyond_end = next.wrapping_sub(segment.sequence.wrapping_add(length));
        u64::from(beyond_end) <= MAX_SEQUENCE_JUMP
    }
}

impl<C: Consumer> Live<C> {
    fn boxed(key: &FlowKey) -> Box<Self> {
        Box::new(Self {
            assemblers: Pair::default(),
            consumers: Pair { forward: C::open(key, Direction::Forward), backward: C::open(key, Direction::Backward) },
            verdict: Verdict::Undecided,
            seen: Seen::default(),
            openings: Pair::default(),
        })
    }

    fn segment(
        &mut self,
        direction: Direction,
        segment: &Segment<'_>,
        extent: Extent,
        arrival: Arrival,
        stats: &mut StreamStats,
        context: &mut C::Context,
    ) {
        let counts = &mut stats.assembler;
        // What the segment acknowledges came before what it says.
        if segment.flags.ack {
            self.one_direction(direction.reverse(), context, |assembler, deliver| {
                assembler.acknowledge(segment.acknowledgment, arrival.watermark, counts, deliver);
            });
        }
        let taken = SegmentIn {
            sequence: segment.sequence,
            syn: segment.flags.syn,
            fin: segment.flags.fin,
            payload: segment.payload,
            missing: segment.missing,
            extent,
            arrival,
        };
        if segment.flags.syn {
            self.consumers.get_mut(direction).begins();
        }
        self.one_direction(direction, context, |assembler, deliver| assembler.segment(&taken, counts, deliver));
        self.each_direction(context, |assembler, deliver| assembler.advance(arrival.watermark, counts, deliver));
        if self.held_memory() > MAX_UNDECIDED_HELD_BYTES && self.is_undecided() {
            self.each_direction(context, |assembler, deliver| assembler.release_held(counts, deliver));
        }
    }

    fn is_undecided(&self) -> bool {
        self.verdict == Verdict::Undecided && self.verdict_of_both() == Verdict::Undecided
    }

    /// What the consumers say now.
    fn verdict_of_both(&self) -> Verdict {
        match (self.consumers.forward.verdict(), self.consumers.backward.verdict()) {
            (Verdict::Ours, _) | (_, Verdict::Ours) => Verdict::Ours,
            (Verdict::NotOurs, Verdict::NotOurs) => Verdict::NotOurs,
            _ if self.seen.tls
                || self.seen.bytes > MAX_UNDECIDED_BYTES
                || self.seen.pieces > MAX_UNDECIDED_SEGMENTS =>
            {
                Verdict::NotOurs
            }
            _ => Verdict::Undecided,
        }
    }

    /// Settles the verdict, if what was seen suffices.
    fn judge(&mut self, stats: &mut StreamStats) {
        stats.proxy_headers += u64::from(std::mem::take(&mut self.seen.proxy_headers));
        if self.verdict != Verdict::Undecided {
            return;
        }
        self.verdict = self.verdict_of_both();
        stats.ours += u64::from(self.verdict == Verdict::Ours);
        stats.tls += u64::from(self.verdict == Verdict::NotOurs && self.seen.tls);
    }

    /// A SYN that cannot be the one by which this connection began.
    fn is_replaced_by(&self, direction: Direction, segment: &Segment<'_>) -> bool {
        let this = self.assemblers.get(direction);
        let peer = self.assemblers.get(direction.reverse());
        // The first SYN of a connection finds nothing, or the SYN of the peer where capturing swapped the two.
        let peer_is_older = !segment.flags.ack && peer.initial().is_none() && peer.has_data();
        !this.could_start_with(segment.sequence) || (this.initial().is_none() && peer_is_older)
    }

    /// Lets consumers have what may have been the header of a load balancer.
    fn release_openings(&mut self, context: &mut C::Context) {
        for direction in [Direction::Forward, Direction::Backward] {
            let consumer = self.consumers.get_mut(direction);
            self.openings.get_mut(direction).release(&mut |passed| {
                consumer.data(passed.bytes, passed.extent, &passed.arrival, context);
            });
        }
    }

    fn pending_memory(&self) -> usize {
        let openings = self.openings.forward.memory() + self.openings.backward.memory();
        self.consumers.forward.memory() + self.consumers.backward.memory() + openings
    }

    fn held_memory(&self) -> usize {
        self.assemblers.forward.held_memory() + self.assemblers.backward.held_memory()
    }

    fn remains(&self) -> Pair<Remains> {
        self.assemblers.map(|assembler| Remains { initial: assembler.initial(), next: assembler.next_sequence() })
    }

    fn each_direction(
        &mut self,
        context: &mut C::Context,
        mut work: impl FnMut(&mut Assembler, &mut dyn FnMut(Piece<'_>)),
    ) {
        self.one_direction(Direction::Forward, context, &mut work);
        self.one_direction(Direction::Backward, context, &mut work);
    }

    /// Lets the assembler of a direction do something, and its consumer take what comes of it.
    fn one_direction(
        &mut self,
        direction: Direction,
        context: &mut C::Context,
        mut work: impl FnMut(&mut Assembler, &mut dyn FnMut(Piece<'_>)),
    ) {
        let consumer = self.consumers.get_mut(direction);
        let opening = self.openings.get_mut(direction);
        let seen = &mut self.seen;
        work(self.assemblers.get_mut(direction), &mut |piece| match piece {
            Piece::Data { bytes, extent, arrival } if opening.is_over() => {
                seen.count(bytes);
                consumer.data(bytes, extent, &arrival, context);
            }
            Piece::Data { bytes, extent, arrival } => {
                seen.count(bytes);
                seen.note(opening.take(Passed { bytes, extent, arrival }, &mut |passed| {
                    consumer.data(passed.bytes, passed.extent, &passed.arrival, context);
                }));
            }
            Piece::Gap(length) => {
                opening.release(&mut |passed| consumer.data(passed.bytes, passed.extent, &passed.arrival, context));
                consumer.gap(length, context);
            }
            Piece::Reset => {
                opening.release(&mut |passed| consumer.data(passed.bytes, passed.extent, &passed.arrival, context));
                *opening = Opening::default();
                consumer.reset(context);
            }
        });
    }
}

impl Seen {
    fn note(&mut self, shown: Shown) {
        self.tls |= shown.tls;
        self.proxy_headers = self.proxy_headers.saturating_add(shown.proxied.into());
    }

    fn count(&mut self, bytes: &[u8]) {
        if self.pieces <= MAX_UNDECIDED_SEGMENTS && bytes.iter().any(|byte| !matches!(byte, b'\r' | b'\n')) {
            self.bytes = self.bytes.saturating_add(bytes.len());
            self.pieces += 1;
        }
    }
}
