//! The SIP framer as a consumer of TCP streams.

use super::messages::Messages;
use super::odd::bare;
use super::yields::{Envelope, Origin, Spot, Yield};
use crate::correlation::{OddOrigin, Oddity, Sighting};
use crate::decode::{Decoded, decode_relayed};
use crate::extent::Extent;
use crate::limits::QUIET_SECONDS;
use crate::net::{Endpoint, Transport};
use crate::reassembly::{Arrival, Direction, FlowKey, LostPacket};
use crate::sip::{Framed, Framer, FramerVerdict, Message, NotSip, looks_like_sip};
use crate::stream::{Consumer, HepStream, Verdict, WebSocket};
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// Bytes that are missing from a stream of SIP.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loss {
    pub(crate) capture_source: u32,
    pub(crate) path: (Endpoint, Endpoint),
    /// When the last bytes before it had arrived.
    pub(crate) since: Timestamp,
    /// When it showed.
    pub(crate) until: Timestamp,
    /// The watermark then.
    pub(crate) shown: Timestamp,
}

impl Loss {
    /// A packet that fragments are missing of.
    pub(crate) const fn of_packet((capture_source, lost): (u32, LostPacket)) -> Self {
        let path = (Endpoint::new(lost.source, 0), Endpoint::new(lost.destination, 0));
        Self { capture_source, path, since: lost.since, until: lost.until, shown: lost.shown }
    }

    /// A message of which part of the head is missing.
    pub(crate) const fn of_head(envelope: &Envelope<'_>) -> Self {
        let (spot, path) = (envelope.spot, (envelope.source, envelope.destination));
        let (time, shown) = (spot.arrival.time, spot.arrival.watermark);
        Self { capture_source: spot.capture_source, path, since: time, until: time, shown }
    }
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
    pub(crate) fn new(now: Spot, messages: Messages) -> Self {
        Self { given: Yield::into(messages), losses: Vec::new(), now, count: 0 }
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
    place: Place,
    framer: Framer,
    /// What reads the stream in place of the framer, if something lies between.
    between: Option<Between>,
    /// Where the framing was lost, until it is there again.
    lost: Option<Box<Sighting>>,
}

/// What lies between a stream and SIP.
#[derive(Debug)]
enum Between {
    WebSocket(Box<WebSocket>),
    Hep(Box<HepStream>),
}

/// Who sends on a stream to whom, and how far it has come.
#[derive(Debug)]
struct Place {
    capture_source: u32,
    source: Endpoint,
    destination: Endpoint,
    /// Whether there was a message.
    speaks_sip: bool,
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
        self.place.arrived(arrival);
        let (place, lost) = (&mut self.place, &mut self.lost);
        feed(&mut self.framer, &mut |framed| {
            if framed.resynced && lost.is_some() {
                place.resume(lost, Some(place.last.0.frame), context);
            }
            place.message(&framed.parse(), Transport::Tcp, framed.extents, context);
        });
    }

    /// Takes bytes, and notes where what they hold makes the place of the next message unknown.
    fn feed(&mut self, bytes: &[u8], extent: Extent, arrival: Arrival, context: &mut StreamContext<'_>) {
        let before = *self.framer.stats();
        self.give(arrival, context, |framer, sink| framer.data(bytes, extent, sink));
        let after = self.framer.stats();
        if after.framing_lost > before.framing_lost && self.lost.is_none() && self.place.speaks_sip {
            let offset = after.message_bytes + after.keep_alive_bytes + before.skipped_bytes;
            let seen = self.place.sighting(context);
            self.lost = Some(Box::new(Sighting { numbers: [Some(offset), None], ..seen }));
        }
    }

    /// Recognises what lies between stream and SIP in a stream that shows nothing else.
    #[cold]
    fn recognise_between(&mut self, bytes: &[u8]) {
        let web_socket = || WebSocket::open(bytes, looks_like_sip).map(|stream| Between::WebSocket(Box::new(stream)));
        let hep = || HepStream::open(bytes).map(|stream| Between::Hep(Box::new(stream)));
        self.between = web_socket().or_else(hep);
    }

    /// Lets what lies between take the bytes, if anything does. Gives those that it refused.
    fn between(&mut self, bytes: &[u8], extent: Extent, context: &mut StreamContext<'_>) -> Option<Vec<u8>> {
        let place = &mut self.place;
        match &mut self.between {
            None => {}
            Some(Between::WebSocket(web_socket)) => web_socket.data(bytes, &mut |message| {
                // It may begin in an earlier segment, and be masked: the extent is that of the segment that completed it.
                place.message(&Message::parse(message), Transport::Ws, &[extent], context);
            }),
            Some(Between::Hep(hep)) => {
                hep.data(bytes, &mut |packet| {
                    let own = if bytes.as_ptr_range().contains(&packet.as_ptr()) { bytes } else { &[] };
                    place.relayed(&decode_relayed(packet), (own, extent), context);
                });
                if hep.verdict() == Verdict::NotOurs
                    && let Some(Between::Hep(hep)) = self.between.take()
                {
                    return Some(hep.into_refused());
                }
            }
        }
        None
    }

    /// Bytes are missing: nobody knows what they said.
    fn note_loss(&self, context: &mut StreamContext<'_>) {
        // What a capture agent says may be of anybody.
        let nobody = (Endpoint::default(), Endpoint::default());
        let is_relayed = matches!(self.between, Some(Between::Hep(_)));
        let until = context.now.arrival.time;
        let earliest = until.plus(-QUIET_SECONDS * NANOS_PER_SECOND);
        context.losses.push(Loss {
            capture_source: self.place.capture_source,
            path: if is_relayed { nobody } else { (self.place.source, self.place.destination) },
            // Where nothing came before, it began with the connection, of which nobody knows for how long it waited.
            since: if self.place.last.0 == Arrival::default() { earliest } else { self.place.last.0.time },
            until,
            shown: context.now.arrival.watermark,
        });
    }

    /// What lies between is over.
    fn end_between(&mut self, context: &mut StreamContext<'_>) {
        match self.between.take() {
            None => {}
            Some(Between::WebSocket(mut web_socket)) => {
                web_socket.finish();
                context.given.counters.web_sockets += web_socket.stats();
            }
            Some(Between::Hep(mut hep)) => {
                hep.finish();
                context.given.counters.hep += hep.stats();
            }
        }
    }
}

impl Place {
    /// The frame by which everything up to here had arrived.
    fn arrived(&mut self, arrival: Arrival) {
        if self.last.0 != arrival {
            self.last = (arrival, 0);
        }
    }

    /// This place, without a message.
    fn sighting(&self, context: &StreamContext<'_>) -> Sighting {
        bare(&self.envelope(Transport::Tcp, &[], context), context.now.order(context.count))
    }

    /// The framing that was lost is there again, from `frame` on, or the stream is over.
    #[cold]
    fn resume(&self, lost: &mut Option<Box<Sighting>>, frame: Option<u64>, context: &mut StreamContext<'_>) {
        let Some(mut seen) = lost.take() else { return };
        let [_, again] = &mut seen.numbers;
        *again = frame;
        context.given.counters.oddities.add(Oddity::FramingLost, OddOrigin::Element(self.source.address), *seen);
    }

    fn envelope<'e>(&self, transport: Transport, extents: &'e [Extent], context: &StreamContext<'_>) -> Envelope<'e> {
        Envelope {
            spot: Spot { capture_source: self.capture_source, arrival: self.last.0, ..context.now },
            position: self.last.1,
            source: self.source,
            destination: self.destination,
            transport,
            identification: 0,
            extents,
            trailing: 0,
            missing: 0,
        }
    }

    /// Counts what was read, and sends it on if it is a message.
    fn message(
        &mut self,
        read: &Result<Message<'_>, NotSip>,
        transport: Transport,
        extents: &[Extent],
        context: &mut StreamContext<'_>,
    ) {
        context.given.counters.messages.count(read);
        let Ok(message) = read else { return };
        self.speaks_sip = true;
        let envelope = self.envelope(transport, extents, context);
        let order = context.now.order(context.count);
        context.given.message(message, &envelope, order);
        self.last.1 += 1;
        context.count += 1;
    }
}

impl Place {
    /// Sends on the message that a capture agent relayed, if it is one. `chunk` is what the packet is a part of, and where that lies.
    fn relayed(&mut self, decoded: &Decoded<'_>, chunk: (&[u8], Extent), context: &mut StreamContext<'_>) {
        let (source, destination, transport, time, payload, missing) = match decoded {
            Decoded::Datagram(said) => {
                (said.source, said.destination, said.transport, said.relayed_time, said.payload, said.missing)
            }
            Decoded::Unpacked(said) => {
                (said.source, said.destination, said.transport, said.relayed_time, &said.payload[..], 0)
            }
            _ => return,
        };
        let Ok(message) = context.given.read(payload, missing > 0) else { return };
        let within = !chunk.0.is_empty() && matches!(decoded, Decoded::Datagram(_));
        let extent =
            if within { Origin::Frame { bytes: chunk.0, extent: chunk.1 }.extent(message.raw()) } else { chunk.1 };
        let envelope = Envelope {
            spot: Spot { capture_source: self.capture_source, arrival: self.last.0, ..context.now }.relayed(time),
            position: self.last.1,
            source,
            destination,
            transport,
            identification: 0,
            extents: &[extent],
            trailing: 0,
            missing,
        };
        context.given.message(&message, &envelope, context.now.order(context.count));
        self.last.1 += 1;
        context.count += 1;
    }
}

impl Consumer for SipStream {
    type Context = StreamContext<'static>;

    fn open(key: &FlowKey, direction: Direction) -> Self {
        let (source, destination) = key.endpoints(direction);
        let place =
            Place { capture_source: key.source, source, destination, speaks_sip: false, last: (Arrival::default(), 0) };
        Self { place, framer: Framer::midstream(), between: None, lost: None }
    }

    fn begins(&mut self) {
        if self.framer.stats().bytes == 0 {
            self.framer = Framer::new();
        }
    }

    fn data(&mut self, bytes: &[u8], extent: Extent, arrival: &Arrival, context: &mut Self::Context) {
        if self.between.is_none() && self.framer.verdict() != FramerVerdict::Sip && self.framer.pending_bytes() == 0 {
            self.recognise_between(bytes);
        }
        if self.between.is_none() {
            return self.feed(bytes, extent, *arrival, context);
        }
        self.place.arrived(*arrival);
        if let Some(refused) = self.between(bytes, extent, context) {
            let unknown = Extent { length: 0, ..extent };
            self.feed(&refused, unknown, *arrival, context);
        }
    }

    fn gap(&mut self, length: u64, context: &mut Self::Context) {
        self.note_loss(context);
        if self.verdict() == Verdict::Ours && self.place.speaks_sip {
            // What is given up in time shows in no frame, but behind the last one.
            let now = context.now.arrival;
            let arrival = if now.frame == u64::MAX { self.place.last.0 } else { now };
            let place = crate::correlation::Place { input: arrival.input, frame: arrival.frame, position: 0 };
            let seen =
                Sighting { place, time: arrival.time, numbers: [Some(length), None], ..self.place.sighting(context) };
            context.given.counters.oddities.add(Oddity::Gap, OddOrigin::Input(arrival.input), seen);
        }
        match &mut self.between {
            Some(Between::WebSocket(web_socket)) => web_socket.gap(),
            Some(Between::Hep(hep)) => hep.gap(),
            None => self.give(self.place.last.0, context, |framer, sink| framer.gap(length, sink)),
        }
    }

    fn memory(&self) -> usize {
        let between = match &self.between {
            Some(Between::WebSocket(web_socket)) => web_socket.memory(),
            Some(Between::Hep(hep)) => hep.memory(),
            None => 0,
        };
        self.framer.memory() + between
    }

    fn shed(&mut self, context: &mut Self::Context) {
        if self.between.is_some() || self.framer.pending_bytes() > 0 {
            self.note_loss(context);
        }
        match &mut self.between {
            Some(Between::WebSocket(web_socket)) => web_socket.gap(),
            Some(Between::Hep(hep)) => hep.gap(),
            None => {}
        }
        self.give(self.place.last.0, context, |framer, sink| framer.shed(sink));
    }

    fn reset(&mut self, context: &mut Self::Context) {
        self.end_between(context);
        self.give(self.place.last.0, context, |framer, sink| framer.reset(sink));
        self.place.resume(&mut self.lost, None, context);
    }

    fn finish(&mut self, context: &mut Self::Context) {
        self.end_between(context);
        self.give(self.place.last.0, context, |framer, sink| framer.finish(sink));
        self.place.resume(&mut self.lost, None, context);
        context.given.counters.framer += *self.framer.stats();
    }

    fn verdict(&self) -> Verdict {
        match &self.between {
            Some(Between::WebSocket(web_socket)) => return web_socket.verdict(),
            Some(Between::Hep(hep)) => return hep.verdict(),
            None => {}
        }
        match self.framer.verdict() {
            FramerVerdict::Undecided => Verdict::Undecided,
            FramerVerdict::Sip => Verdict::Ours,
            FramerVerdict::NotSip => Verdict::NotOurs,
        }
    }
}
