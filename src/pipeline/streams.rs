//! The SIP framer as a consumer of TCP streams.

use std::borrow::Cow;

use super::yields::{Envelope, Spot, Yield};
use crate::extent::Extent;
use crate::net::{Endpoint, Transport};
use crate::reassembly::{Arrival, Direction, FlowKey};
use crate::sip::{Framed, Framer, FramerVerdict};
use crate::stream::{Consumer, Verdict};
use crate::time::Timestamp;

/// Bytes that are missing from a stream of SIP.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loss {
    pub(crate) capture_source: u32,
    pub(crate) path: (Endpoint, Endpoint),
    /// When the last bytes before it had arrived.
    pub(crate) since: Timestamp,
    /// When it showed.
    pub(crate) until: Timestamp,
}

/// What the streams of a shard give, and the segment that made them give it.
#[derive(Debug)]
pub(crate) struct StreamContext<'w> {
    pub(crate) given: Yield<'w>,
    pub(crate) losses: Vec<Loss>,
    /// The segment in work: what it makes a stream give comes in its place.
    pub(crate) now: Spot,
    /// Messages given in that place.
    pub(crate) count: u32,
}

impl StreamContext<'_> {
    pub(crate) fn new(now: Spot) -> Self {
        Self { given: Yield::default(), losses: Vec::new(), now, count: 0 }
    }

    /// The next segment.
    pub(crate) fn advance(&mut self, now: Spot) {
        self.now = now;
        self.count = 0;
    }
}

/// One direction of a TCP connection, read as SIP.
#[derive(Debug)]
pub(crate) struct SipStream {
    source: Endpoint,
    destination: Endpoint,
    framer: Framer,
    /// The frame that completed the last message, and how many it completed.
    last: (Arrival, u32),
}

impl SipStream {
    fn give(
        &mut self,
        arrival: Arrival,
        context: &mut StreamContext<'_>,
        feed: impl FnOnce(&mut Framer, &mut dyn FnMut(Framed<'_>)),
    ) {
        let Self { source, destination, framer, last } = self;
        if last.0 != arrival {
            *last = (arrival, 0);
        }
        feed(framer, &mut |framed| {
            let read = framed.parse();
            context.given.counters.messages.count(&read);
            let Ok(message) = read else { return };
            let spot = Spot { arrival: last.0, ..context.now };
            let envelope = Envelope {
                spot,
                position: last.1,
                source: *source,
                destination: *destination,
                transport: Transport::Tcp,
                identification: 0,
                extents: framed.extents,
            };
            let order = context.now.order(context.count);
            context.given.message(&message, &envelope, order, Cow::Owned(message.raw().to_vec()));
            last.1 += 1;
            context.count += 1;
        });
    }
}

impl Consumer for SipStream {
    type Context = StreamContext<'static>;

    fn open(key: &FlowKey, direction: Direction) -> Self {
        let (source, destination) = key.endpoints(direction);
        Self { source, destination, framer: Framer::midstream(), last: (Arrival::default(), 0) }
    }

    fn begins(&mut self) {
        if self.framer.stats().bytes == 0 {
            self.framer = Framer::new();
        }
    }

    fn data(&mut self, bytes: &[u8], extent: Extent, arrival: &Arrival, context: &mut Self::Context) {
        self.give(*arrival, context, |framer, sink| framer.data(bytes, extent, sink));
    }

    fn gap(&mut self, length: u64, context: &mut Self::Context) {
        if self.framer.verdict() == FramerVerdict::Sip {
            context.losses.push(Loss {
                capture_source: context.now.capture_source,
                path: (self.source, self.destination),
                since: self.last.0.time,
                until: context.now.arrival.time,
            });
        }
        self.give(self.last.0, context, |framer, sink| framer.gap(length, sink));
    }

    fn reset(&mut self, context: &mut Self::Context) {
        self.give(self.last.0, context, |framer, sink| framer.reset(sink));
    }

    fn finish(&mut self, context: &mut Self::Context) {
        self.give(self.last.0, context, |framer, sink| framer.finish(sink));
        context.given.counters.framer += *self.framer.stats();
    }

    fn verdict(&self) -> Verdict {
        match self.framer.verdict() {
            FramerVerdict::Undecided => Verdict::Undecided,
            FramerVerdict::Sip => Verdict::Ours,
            FramerVerdict::NotSip => Verdict::NotOurs,
        }
    }
}
