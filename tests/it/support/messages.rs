//! The messages of a capture, found by the rooms one after the other, frame by frame, without the pipeline.
//!
//! What the pipeline does in batches, shards and threads is done here in the plainest way: so the two can be compared, and
//! messages are seen that no call lists.

use std::path::PathBuf;

use reinvite::capture::{CaptureOptions, Feeder};
use reinvite::decode::{Decoded, decode, decode_reassembled, decode_relayed};
use reinvite::extent::Extent;
use reinvite::limits::MAX_FRAGMENT_NESTING;
use reinvite::reassembly::{Arrival, Direction, FlowKey, FragmentTable, SctpPiece, SctpTable, Shown};
use reinvite::sip::{Framed, Framer, FramerVerdict, Message, StartLine, looks_like_sip, may_be_sip, to_text};
use reinvite::stream::{Consumer, FlowTable, HepStream, Verdict, WebSocket};

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The frame that completed it.
    pub(crate) frame: u64,
    /// The method of a request; empty for a response.
    pub(crate) method: String,
    /// The status code of a response; empty for a request.
    pub(crate) status: String,
    /// The number of the `CSeq`; empty if there is none that can be read.
    pub(crate) cseq: String,
    /// The method of the `CSeq`; likewise.
    pub(crate) cseq_method: String,
    /// The Call-ID; empty if there is none.
    pub(crate) call_id: String,
    /// Whether it has what correlation needs, and nothing that spoils it.
    pub(crate) correlates: bool,
}

impl Seen {
    fn of(message: &Message<'_>, frame: u64) -> Self {
        let (method, status) = match message.start_line {
            StartLine::Request { method, .. } => (to_text(method), String::new()),
            StartLine::Response { status, .. } => (String::new(), status.to_string()),
        };
        let cseq = message.cseq();
        Self {
            frame,
            method,
            status,
            cseq: cseq.as_ref().map(|cseq| cseq.number.to_string()).unwrap_or_default(),
            cseq_method: cseq.as_ref().map(|cseq| to_text(cseq.method)).unwrap_or_default(),
            call_id: message.call_id().map(to_text).unwrap_or_default(),
            correlates: message.correlates() && cseq.is_ok() && message.from().is_ok(),
        }
    }
}

/// All messages of a capture, in order of the frames that completed them.
pub(crate) fn messages(capture: PathBuf) -> Vec<Seen> {
    let mut feeder = Feeder::open(&[capture], &CaptureOptions::default()).expect("a capture");
    let mut rooms = Rooms::default();
    let mut spent = Vec::new();
    while let Some(batch) = feeder.next_batch(&mut spent) {
        for window in &batch.windows {
            for frame in window.frames() {
                rooms.now =
                    Arrival { input: window.input, frame: frame.number, time: frame.time, watermark: frame.watermark };
                let length = u32::try_from(frame.bytes.len()).unwrap_or(u32::MAX);
                let extent = Extent { input: window.input, offset: frame.offset, length };
                rooms.packet(window.source, decode(frame.link, frame.bytes, frame.wire_len), extent, 0);
            }
        }
    }
    rooms.flows.finish(&mut rooms.found);
    // Within a frame they stay in the order in which they were found.
    rooms.found.sort_by_key(|seen| seen.frame);
    rooms.found
}

struct Rooms {
    now: Arrival,
    fragments: Vec<FragmentTable>,
    flows: FlowTable<Reader>,
    associations: SctpTable,
    found: Vec<Seen>,
}

impl Default for Rooms {
    fn default() -> Self {
        let fragments = (0..MAX_FRAGMENT_NESTING).map(|_| FragmentTable::new()).collect();
        let associations = SctpTable::new(|bytes, shown| match shown {
            Shown::Whole => looks_like_sip(bytes),
            Shown::Beginning => may_be_sip(bytes),
        });
        Self { now: Arrival::default(), fragments, flows: FlowTable::new(), associations, found: Vec::new() }
    }
}

impl Rooms {
    fn packet(&mut self, source: u32, decoded: Decoded<'_>, extent: Extent, nesting: usize) {
        match decoded {
            Decoded::Datagram(datagram) if looks_like_sip(datagram.payload) => {
                let read = match datagram.missing {
                    0 => Message::parse(datagram.payload),
                    _ => Message::parse_cut(datagram.payload),
                };
                self.found.extend(read.ok().map(|message| Seen::of(&message, self.now.frame)));
            }
            Decoded::Sctp(packet) => {
                let (found, frame) = (&mut self.found, self.now.frame);
                self.associations.packet(source, &packet, extent, self.now, &mut |_, piece| {
                    if let SctpPiece::Message { bytes, .. } = piece {
                        found.extend(Message::parse(bytes).ok().map(|message| Seen::of(&message, frame)));
                    }
                });
            }
            Decoded::Segment(segment) => self.flows.segment(source, &segment, extent, self.now, &mut self.found),
            Decoded::Fragment(fragment) => {
                let nesting = nesting.max(usize::from(fragment.nesting));
                let Some(table) = self.fragments.get_mut(nesting) else { return };
                if let Some(whole) = table.insert(source, &fragment, self.now.watermark, extent) {
                    self.packet(source, decode_reassembled(&whole.head, &whole.payload), extent, nesting + 1);
                }
            }
            Decoded::Aggregate(aggregate) => {
                for inner in aggregate.frames() {
                    self.packet(source, inner, extent, nesting);
                }
            }
            Decoded::Unpacked(unpacked) => {
                let read = Message::parse(&unpacked.payload);
                self.found.extend(read.ok().map(|message| Seen::of(&message, self.now.frame)));
            }
            Decoded::Datagram(_) | Decoded::Recognised(_) | Decoded::Skip(_) => {}
        }
    }
}

/// One direction of a TCP connection.
struct Reader {
    framer: Framer,
    web_socket: Option<WebSocket>,
    hep: Option<HepStream>,
    frame: u64,
}

impl Reader {
    fn give(&mut self, found: &mut Vec<Seen>, feed: impl FnOnce(&mut Framer, &mut dyn FnMut(Framed<'_>))) {
        let frame = self.frame;
        feed(&mut self.framer, &mut |framed| {
            found.extend(framed.parse().ok().map(|message| Seen::of(&message, frame)));
        });
    }
}

impl Consumer for Reader {
    type Context = Vec<Seen>;

    fn open(_: &FlowKey, _: Direction) -> Self {
        Self { framer: Framer::midstream(), web_socket: None, hep: None, frame: 0 }
    }

    fn begins(&mut self) {}

    fn data(&mut self, bytes: &[u8], extent: Extent, arrival: &Arrival, found: &mut Vec<Seen>) {
        self.frame = arrival.frame;
        if self.web_socket.is_none() && self.framer.verdict() != FramerVerdict::Sip && self.framer.pending_bytes() == 0
        {
            self.web_socket = WebSocket::open(bytes, looks_like_sip);
        }
        if self.web_socket.is_none() && self.hep.is_none() && self.framer.verdict() != FramerVerdict::Sip {
            self.hep = HepStream::open(bytes);
        }
        if let Some(hep) = &mut self.hep {
            return hep.data(bytes, &mut |packet| {
                if let Decoded::Datagram(datagram) = decode_relayed(packet) {
                    found
                        .extend(Message::parse(datagram.payload).ok().map(|message| Seen::of(&message, arrival.frame)));
                }
            });
        }
        if let Some(web_socket) = &mut self.web_socket {
            return web_socket.data(bytes, &mut |message| {
                found.extend(Message::parse(message).ok().map(|message| Seen::of(&message, arrival.frame)));
            });
        }
        self.give(found, |framer, sink| framer.data(bytes, extent, sink));
    }

    fn gap(&mut self, length: u64, found: &mut Vec<Seen>) {
        if let Some(web_socket) = &mut self.web_socket {
            return web_socket.gap();
        }
        if let Some(hep) = &mut self.hep {
            return hep.gap();
        }
        self.give(found, |framer, sink| framer.gap(length, sink));
    }

    fn reset(&mut self, found: &mut Vec<Seen>) {
        self.web_socket = None;
        self.give(found, |framer, sink| framer.reset(sink));
    }

    fn finish(&mut self, found: &mut Vec<Seen>) {
        self.give(found, |framer, sink| framer.finish(sink));
    }

    fn memory(&self) -> usize {
        0
    }

    fn shed(&mut self, _: &mut Vec<Seen>) {}

    fn verdict(&self) -> Verdict {
        if let Some(web_socket) = &self.web_socket {
            return web_socket.verdict();
        }
        if let Some(hep) = &self.hep {
            return hep.verdict();
        }
        match self.framer.verdict() {
            FramerVerdict::Undecided => Verdict::Undecided,
            FramerVerdict::Sip => Verdict::Ours,
            FramerVerdict::NotSip => Verdict::NotOurs,
        }
    }
}
