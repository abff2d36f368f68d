//! What the windows of a batch give, sorted into shards.

use super::messages::Messages;
use super::odd::note;
use super::streams::Loss;
use crate::capture::{Frame, Window};
use crate::correlation::{Found, Order};
use crate::counters::Counters;
use crate::decode::{Datagram, Decoded, Fragment, SctpPacket, Segment, Unpacked};
use crate::extent::Extent;
use crate::net::{Endpoint, Transport};
use crate::reassembly::{Arrival, FlowKey, FragmentKey, SctpKey};
use crate::sip::{Message, NotSip};
use crate::time::Timestamp;

/// The number of shards: a constant, so that limits fall on the same records however many threads there are.
pub(crate) const SHARDS: usize = 32;

pub(crate) fn shard(hash: u64) -> usize {
    usize::try_from(hash % SHARDS as u64).unwrap_or(0)
}

/// Where a frame stands: its source of capture, its place in the order of all frames, and its time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    pub(crate) capture_source: u32,
    pub(crate) rank: u32,
    pub(crate) arrival: Arrival,
}

impl Spot {
    fn of(window: &Window, frame: &Frame<'_>) -> Self {
        let arrival =
            Arrival { input: window.input, frame: frame.number, time: frame.time, watermark: frame.watermark };
        Self { capture_source: window.source, rank: window.rank, arrival }
    }

    /// The same for something that was captured elsewhere at this time, if it is known.
    pub(crate) fn relayed(mut self, time: Option<Timestamp>) -> Self {
        if let Some(time) = time {
            self.arrival.time = time;
        }
        self
    }

    /// Behind all frames that come before the watermark passes `time`: what is given up then comes there.
    pub(crate) fn behind(time: Timestamp) -> Self {
        let arrival = Arrival { frame: u64::MAX, time, watermark: time, ..Arrival::default() };
        Self { capture_source: u32::MAX, rank: u32::MAX, arrival }
    }

    pub(crate) const fn order(&self, position: u32) -> Order {
        (self.arrival.watermark, self.rank, self.arrival.frame, position)
    }
}

/// A fragment on its way to its shard.
#[derive(Debug)]
pub(crate) struct FragmentItem<'w> {
    pub(crate) spot: Spot,
    pub(crate) fragment: Fragment<'w>,
    pub(crate) extent: Extent,
}

/// A segment on its way to its shard. The payload of one that was put together from fragments is its own.
#[derive(Debug)]
pub(crate) struct SegmentItem<'w> {
    pub(crate) spot: Spot,
    pub(crate) segment: Segment<'w>,
    pub(crate) extent: Extent,
}

/// An SCTP packet on its way to its shard.
#[derive(Debug)]
pub(crate) struct SctpItem<'w> {
    pub(crate) spot: Spot,
    pub(crate) packet: SctpPacket<'w>,
    pub(crate) extent: Extent,
}

/// What a window, or anything else that gives packets, has given.
#[derive(Debug)]
pub(crate) struct Yield<'w> {
    pub(crate) fragments: Vec<Vec<FragmentItem<'w>>>,
    pub(crate) segments: Vec<Vec<SegmentItem<'w>>>,
    pub(crate) sctp: Vec<Vec<SctpItem<'w>>>,
    pub(crate) messages: Messages,
    pub(crate) counters: Counters,
    /// Messages of which the capture lacks part of the head.
    pub(crate) losses: Vec<Loss>,
    /// The bytes of the window.
    window: &'w [u8],
    /// The first and the last frame, if there is one.
    pub(crate) ends: Option<(Spot, Spot)>,
}

impl Default for Yield<'_> {
    fn default() -> Self {
        Self {
            fragments: (0..SHARDS).map(|_| Vec::new()).collect(),
            segments: (0..SHARDS).map(|_| Vec::new()).collect(),
            sctp: (0..SHARDS).map(|_| Vec::new()).collect(),
            messages: Messages::default(),
            counters: Counters::default(),
            losses: Vec::new(),
            window: &[],
            ends: None,
        }
    }
}

/// Decodes the frames of a window, and puts the messages in them into `messages`.
pub(crate) fn decode_window(window: &Window, messages: Messages) -> Yield<'_> {
    let mut given = Yield { window: window.bytes(), ..Yield::into(messages) };
    for frame in window.frames() {
        let spot = Spot::of(window, &frame);
        let decoded = crate::decode::decode(frame.link, frame.bytes, frame.wire_len);
        given.counters.decode.count_frame(&decoded);
        let whole = Extent {
            input: window.input,
            offset: frame.offset,
            length: u32::try_from(frame.bytes.len()).unwrap_or(u32::MAX),
        };
        given.sort(decoded, spot, &Origin::Frame { bytes: frame.bytes, extent: whole });
        given.ends = Some((given.ends.map_or(spot, |(first, _)| first), spot));
    }
    given
}

/// Where the bytes of a packet lie.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin<'e> {
    /// In a frame.
    Frame { bytes: &'e [u8], extent: Extent },
    /// In the fragments it was put together from.
    Fragments(&'e [Extent]),
}

impl Origin<'_> {
    /// Where `part` lies; for a packet put together from fragments that is not told apart.
    pub(crate) fn extent(&self, part: &[u8]) -> Extent {
        match self {
            Self::Frame { bytes, extent } => {
                let skipped = (part.as_ptr() as usize).saturating_sub(bytes.as_ptr() as usize);
                Extent {
                    input: extent.input,
                    offset: extent.offset.saturating_add(skipped as u64),
                    length: u32::try_from(part.len()).unwrap_or(u32::MAX),
                }
            }
            Self::Fragments(_) => Extent::default(),
        }
    }
}

impl<'w> Yield<'w> {
    /// One that puts messages into `messages`.
    pub(crate) fn into(messages: Messages) -> Self {
        Self { messages, ..Self::default() }
    }

    /// Sends what a packet holds to the shard it belongs to.
    pub(crate) fn sort(&mut self, decoded: Decoded<'w>, spot: Spot, origin: &Origin<'_>) {
        match decoded {
            Decoded::Datagram(datagram) => self.datagram(&datagram, spot, origin),
            Decoded::Segment(segment) => {
                let (key, _) = FlowKey::of(spot.capture_source, segment.source, segment.destination);
                let extent = origin.extent(segment.payload);
                if let Some(list) = self.segments.get_mut(shard(key.hash64())) {
                    list.push(SegmentItem { spot, segment, extent });
                }
            }
            Decoded::Sctp(packet) => self.sctp_packet(packet, spot, origin),
            Decoded::Fragment(fragment) => {
                let key = FragmentKey::of(spot.capture_source, &fragment);
                let extent = origin.extent(fragment.payload);
                if let Some(list) = self.fragments.get_mut(shard(key.hash64())) {
                    list.push(FragmentItem { spot, fragment, extent });
                }
            }
            Decoded::Unpacked(unpacked) => self.unpacked(&unpacked, spot),
            Decoded::Aggregate(aggregate) => {
                for inner in aggregate.frames() {
                    self.counters.decode.count_aggregated(&inner);
                    self.sort(inner, spot, origin);
                }
            }
            Decoded::Recognised(_) | Decoded::Skip(_) => {}
        }
    }

    /// Only packets with data matter.
    #[cold]
    fn sctp_packet(&mut self, packet: SctpPacket<'w>, spot: Spot, origin: &Origin<'_>) {
        if packet.data_chunks().next().is_some()
            && let Some(list) = self.sctp.get_mut(shard(SctpKey::of(spot.capture_source, &packet).hash64()))
        {
            list.push(SctpItem { spot, packet, extent: origin.extent(packet.chunks) });
        }
    }

    /// A relayed message that was compressed: its bytes are nowhere in the input.
    #[cold]
    fn unpacked(&mut self, unpacked: &Unpacked, spot: Spot) {
        let Ok(message) = self.read_datagram(&unpacked.payload, false) else { return };
        let envelope = Envelope {
            spot: spot.relayed(unpacked.relayed_time),
            position: 0,
            source: unpacked.source,
            destination: unpacked.destination,
            transport: unpacked.transport,
            identification: 0,
            extents: &[],
            trailing: trailing(&message, &unpacked.payload),
            missing: 0,
        };
        self.message(&message, &envelope, spot.order(0));
    }

    /// The same for a datagram, which is counted too.
    fn read_datagram<'m>(&mut self, payload: &'m [u8], cut: bool) -> Result<Message<'m>, NotSip> {
        let framed = self.counters.messages.framed;
        let message = self.read(payload, cut);
        let looks_like_sip = self.counters.messages.framed > framed;
        *if looks_like_sip { &mut self.counters.sip_datagrams } else { &mut self.counters.other_datagrams } += 1;
        message
    }

    /// Reads a message that fills something, and counts it if it looks like one.
    pub(crate) fn read<'m>(&mut self, payload: &'m [u8], cut: bool) -> Result<Message<'m>, NotSip> {
        let read = if cut { Message::parse_cut(payload) } else { Message::parse(payload) };
        if !matches!(read, Err(NotSip::Empty | NotSip::NoStartLine | NotSip::NoVersion)) {
            self.counters.messages.count(&read);
        }
        read
    }

    fn datagram(&mut self, datagram: &Datagram<'w>, spot: Spot, origin: &Origin<'_>) {
        let Ok(message) = &self.read_datagram(datagram.payload, datagram.missing > 0) else { return };
        let own = [origin.extent(message.raw())];
        let extents = match origin {
            Origin::Frame { .. } => &own[..],
            Origin::Fragments(extents) => extents,
        };
        let envelope = Envelope {
            spot: spot.relayed(datagram.relayed_time),
            position: 0,
            source: datagram.source,
            destination: datagram.destination,
            transport: datagram.transport,
            identification: datagram.identification,
            extents,
            trailing: trailing(message, datagram.payload),
            missing: datagram.missing,
        };
        self.message(message, &envelope, spot.order(0));
    }

    /// Sends a message to the shard of its call. `order` is its place among all messages.
    pub(crate) fn message(&mut self, message: &Message<'_>, envelope: &Envelope<'_>, order: Order) {
        note(message, envelope, order, &mut self.counters.oddities);
        if envelope.missing > 0 && message.is_head_cut() {
            self.losses.push(Loss::of_head(envelope));
        }
        let Some(call_id) = message.call_id().filter(|_| message.correlates()) else {
            self.counters.messages.uncorrelated += 1;
            return;
        };
        if !self.messages.push(message, call_id, &envelope.found(), order, self.window) {
            self.counters.messages.uncorrelated += 1;
        }
    }
}

/// How many octets of a datagram are behind the message in it.
fn trailing(message: &Message<'_>, payload: &[u8]) -> u32 {
    let behind = payload.len().saturating_sub(message.leading_octets()).saturating_sub(message.raw().len());
    u32::try_from(behind).unwrap_or(u32::MAX)
}

/// Who sent a message to whom, and where it was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope<'e> {
    pub(crate) spot: Spot,
    pub(crate) position: u32,
    pub(crate) source: Endpoint,
    pub(crate) destination: Endpoint,
    pub(crate) transport: Transport,
    pub(crate) identification: u16,
    pub(crate) extents: &'e [Extent],
    /// Octets of its datagram behind the message.
    pub(crate) trailing: u32,
    /// Octets of its datagram that the capture lacks.
    pub(crate) missing: u32,
}

impl<'e> Envelope<'e> {
    pub(crate) const fn found(&self) -> Found<'e> {
        Found {
            time: self.spot.arrival.time,
            frame: self.spot.arrival.frame,
            input: self.spot.arrival.input,
            capture_source: self.spot.capture_source,
            position: self.position,
            source: self.source,
            destination: self.destination,
            transport: self.transport,
            identification: self.identification,
            extents: self.extents,
        }
    }
}
