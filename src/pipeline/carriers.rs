//! Which frames carry the messages of chosen calls: those that completed one, all of their connections, and all their fragments.

use foldhash::{HashMap, HashSet};
use rayon::prelude::*;

use super::yields::{SHARDS, shard};
use crate::capture::{Frame, Window};
use crate::correlation::MessageRecord;
use crate::decode::{Decoded, Fragment, decode, decode_reassembled};
use crate::extent::Extent;
use crate::limits::{FRAGMENT_COPY_SECONDS, FRAGMENT_TIMEOUT_SECONDS, MAX_FRAGMENT_NESTING, MAX_FRAGMENTED_PACKETS};
use crate::net::{Endpoint, Transport};
use crate::reassembly::{FlowKey, FragmentKey, FragmentTable, SctpKey};
use crate::time::Timestamp;

/// What brings messages as a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Stream {
    Tcp(FlowKey),
    Sctp(FlowKey),
    /// An association may use further addresses.
    Association(SctpKey),
}

/// What of a frame tells that it is needed.
#[derive(Clone, Copy, Debug)]
enum Trace<'w> {
    Stream(Stream),
    Fragment(Fragment<'w>),
}

/// A trace, and where it is.
#[derive(Clone, Copy, Debug)]
struct Found<'w> {
    trace: Trace<'w>,
    capture_source: u32,
    watermark: Timestamp,
    /// Whether its frame completed a message that is wanted.
    is_wanted: bool,
}

/// The frames, streams and fragmented packets that are needed.
#[derive(Debug)]
pub(super) struct Carriers {
    frames: HashSet<(u32, u64)>,
    streams: HashSet<Stream>,
    /// When the fragments of packets came that are needed.
    pieces: HashMap<FragmentKey, Vec<Timestamp>>,
    /// By the key of an inner fragmented packet, the outer ones that brought its fragments.
    around: HashMap<FragmentKey, Vec<(FragmentKey, Timestamp)>>,
    tables: Vec<FragmentTable>,
}

impl Default for Carriers {
    fn default() -> Self {
        Self {
            frames: HashSet::default(),
            streams: HashSet::default(),
            pieces: HashMap::default(),
            around: HashMap::default(),
            tables: (0..SHARDS).map(|_| FragmentTable::new()).collect(),
        }
    }
}

impl Carriers {
    /// A message is wanted.
    pub(super) fn want(&mut self, record: &MessageRecord) {
        self.frames.insert((record.input, record.frame));
        let (flow, _) = FlowKey::of(record.capture_source, record.source, record.destination);
        match record.transport {
            Transport::Udp => {}
            Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss => {
                self.streams.insert(Stream::Tcp(flow));
            }
            Transport::Sctp => {
                self.streams.insert(Stream::Sctp(flow));
            }
        }
    }

    /// Finds the connections of the frames that are wanted, and the other fragments of their packets, in the windows of a batch.
    pub(super) fn trace(&mut self, windows: &[Window]) {
        let found: Vec<Vec<Found<'_>>> = windows.par_iter().map(|window| self.traces(window)).collect();
        for found in found.iter().flatten() {
            match &found.trace {
                Trace::Stream(stream) => {
                    self.streams.insert(*stream);
                }
                Trace::Fragment(fragment) => self.fragment(found, fragment, MAX_FRAGMENT_NESTING),
            }
        }
    }

    /// Whether a frame is needed.
    pub(super) fn need(&self, window: &Window, frame: &Frame<'_>) -> bool {
        let is_piece = |fragment: &Fragment<'_>| {
            let times = self.pieces.get(&FragmentKey::of(window.source, fragment));
            times.is_some_and(|times| times.iter().any(|time| are_near(*time, frame.watermark)))
        };
        self.frames.contains(&(window.input, frame.number))
            || traces(window.source, decode(frame.link, frame.bytes, frame.wire_len)).any(|trace| match trace {
                Trace::Stream(stream) => self.streams.contains(&stream),
                Trace::Fragment(fragment) => is_piece(&fragment),
            })
    }

    fn traces<'w>(&self, window: &'w Window) -> Vec<Found<'w>> {
        let frames = window.frames().flat_map(|frame| {
            let is_wanted = self.frames.contains(&(window.input, frame.number));
            let traces = traces(window.source, decode(frame.link, frame.bytes, frame.wire_len));
            let needed = traces.filter(move |trace| is_wanted || matches!(trace, Trace::Fragment(_)));
            needed.map(move |trace| Found {
                trace,
                capture_source: window.source,
                watermark: frame.watermark,
                is_wanted,
            })
        });
        frames.collect()
    }

    /// Takes a fragment, and looks into the packet that it makes whole.
    fn fragment(&mut self, found: &Found<'_>, fragment: &Fragment<'_>, levels: usize) {
        let (source, now) = (found.capture_source, found.watermark);
        let key = FragmentKey::of(source, fragment);
        if found.is_wanted {
            self.want_pieces(key, now);
        }
        let Some(table) = self.tables.get_mut(shard(key.hash64())) else { return };
        let Some(whole) = table.insert(source, fragment, now, Extent::default()) else { return };
        for trace in traces(source, decode_reassembled(&whole.head, &whole.payload)) {
            match trace {
                Trace::Stream(stream) if found.is_wanted => {
                    self.streams.insert(stream);
                }
                Trace::Stream(stream) if self.streams.contains(&stream) => self.want_pieces(key, now),
                Trace::Stream(_) => {}
                Trace::Fragment(inner) if levels > 0 => {
                    if self.around.len() >= MAX_FRAGMENTED_PACKETS {
                        // Those before are whole or never will be.
                        self.around.clear();
                    }
                    self.around.entry(FragmentKey::of(source, &inner)).or_default().push((key, now));
                    self.fragment(found, &inner, levels - 1);
                }
                Trace::Fragment(_) => {}
            }
        }
    }

    /// All fragments with this key that came about now are needed, and those that brought them.
    fn want_pieces(&mut self, key: FragmentKey, now: Timestamp) {
        let mut open = vec![(key, now)];
        while let Some((key, now)) = open.pop() {
            let times = self.pieces.entry(key).or_default();
            if times.contains(&now) {
                continue;
            }
            times.push(now);
            let around = self.around.get(&key).into_iter().flatten();
            open.extend(around.filter(|(_, time)| are_near(*time, now)));
        }
    }
}

/// Whether fragments may be of one packet.
fn are_near(one: Timestamp, other: Timestamp) -> bool {
    one.plus_seconds(FRAGMENT_TIMEOUT_SECONDS) >= other && other.plus_seconds(FRAGMENT_COPY_SECONDS) >= one
}

/// What of a packet can be part of something larger.
fn traces(capture_source: u32, decoded: Decoded<'_>) -> Box<dyn Iterator<Item = Trace<'_>> + '_> {
    let flow = |source: Endpoint, destination: Endpoint| FlowKey::of(capture_source, source, destination).0;
    let stream = |stream: Stream| std::iter::once(Trace::Stream(stream));
    match decoded {
        Decoded::Segment(segment) => Box::new(stream(Stream::Tcp(flow(segment.source, segment.destination)))),
        Decoded::Sctp(packet) => {
            let by_tag = Stream::Association(SctpKey::of(capture_source, &packet));
            let by_address = Stream::Sctp(flow(packet.source, packet.destination));
            Box::new(stream(by_tag).chain(stream(by_address)))
        }
        Decoded::Fragment(fragment) => Box::new(std::iter::once(Trace::Fragment(fragment))),
        Decoded::Aggregate(aggregate) => {
            Box::new(aggregate.frames().flat_map(move |frame| traces(capture_source, frame)))
        }
        Decoded::Datagram(_) | Decoded::Recognised(_) | Decoded::Unpacked(_) | Decoded::Skip(_) => {
            Box::new(std::iter::empty())
        }
    }
}
