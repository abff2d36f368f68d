//! Cutting one direction of a stream into messages (RFC 3261 7.5, 18.3).
//!
//! A start line is believed only where one must be: at the start of the stream, right behind a whole message, and, once the
//! framing is lost, at the start of a chunk, which is the start of a segment. It is never looked for inside a body.

mod measure;
mod stats;

use super::message::{Message, Origin};
use super::start_line::{Beginning, NotSip, beginning, begins_like_known};
use super::token::{from, part};
use crate::extent::Extent;

use measure::{Measure, measure};
pub use stats::FramerStats;

/// What is known about the direction of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FramerVerdict {
    /// Nothing yet.
    #[default]
    Undecided,
    /// A start line was recognised.
    Sip,
    /// Where a start line had to be there was something else, and never one since.
    NotSip,
}

/// A message of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framed<'a> {
    /// The message, from its start line on.
    pub bytes: &'a [u8],
    /// Where its bytes lie, adjacent runs joined.
    pub extents: &'a [Extent],
    /// Whether it was found by looking for a start line, not right behind another message.
    pub resynced: bool,
    /// Whether all of its body is there. The head always is.
    pub complete: bool,
}

impl<'a> Framed<'a> {
    /// Reads the message.
    pub fn parse(&self) -> Result<Message<'a>, NotSip> {
        Message::parse_framed(self.bytes, Origin::Stream { complete: self.complete })
    }
}

/// Where in the stream the next byte lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Where a start line must be. What is held may become one.
    Start,
    /// Nobody knows where: a start line is believed at the start of a chunk if it is that of a response or of a registered
    /// method, since the end of a body would make up other methods. What is held may become one.
    Seeking,
    /// In a head, all of which is held; the line at this offset is the first that is not known to be whole.
    Head(usize),
    /// In a body; the message, which is held from its start line on, ends at this length.
    Body(usize),
    /// In a body of which this much is still to come, but a part is lost and the message was given away without it.
    Skipping(u64),
}

/// Cuts one direction of a stream into messages.
///
/// ```
/// use reinvite::extent::Extent;
/// use reinvite::sip::{Framed, Framer};
///
/// let mut framer = Framer::new();
/// let mut bodies = Vec::new();
/// let mut sink = |framed: Framed<'_>| bodies.push(framed.parse().map(|message| message.body.to_vec()));
/// // Wherever segments end; CR and LF between messages are keep-alives.
/// for segment in [&b"\r\n\r\nMESSAGE sip:a SIP/2.0\r\nl: 5\r\n\r\nhel"[..], b"loMESSAGE sip:a SIP/2.0\r\nl: 2\r\n\r\nyo"] {
///     framer.data(segment, Extent::default(), &mut sink);
/// }
/// framer.finish(&mut sink);
/// assert_eq!(bodies, [Ok(b"hello".to_vec()), Ok(b"yo".to_vec())]);
/// assert_eq!((framer.stats().messages, framer.stats().keep_alive_bytes), (2, 4));
/// ```
///
/// Every byte that comes in is counted once: as part of a message that was given away, as keep-alive, or as skipped, unless it is
/// still held: [`FramerStats::conserves`].
#[derive(Clone, Debug)]
pub struct Framer {
    state: State,
    /// The message so far; at most [`MAX_MESSAGE_BYTES`](crate::limits::MAX_MESSAGE_BYTES) and a chunk. Empty as long as messages lie within their chunks.
    held: Vec<u8>,
    /// Where what is held lies.
    extents: Vec<Extent>,
    /// Whether the message so far was found by looking for it.
    resynced: bool,
    verdict: FramerVerdict,
    stats: FramerStats,
}

/// Bytes of a chunk that were not taken yet.
#[derive(Clone, Copy)]
struct Chunk<'a> {
    bytes: &'a [u8],
    /// Where all of the chunk lies.
    extent: Extent,
    /// How many bytes the chunk had.
    length: usize,
    /// Whether `bytes` begins where the chunk does, keep-alives aside.
    fresh: bool,
}

impl Default for Framer {
    fn default() -> Self {
        Self::new()
    }
}

impl Framer {
    /// For a stream that is seen from its first byte on.
    pub fn new() -> Self {
        Self::at(State::Start)
    }

    /// For a stream that began before the capture: the tail of a message may come first, and decides nothing.
    pub fn midstream() -> Self {
        Self::at(State::Seeking)
    }

    fn at(state: State) -> Self {
        Self {
            state,
            held: Vec::new(),
            extents: Vec::new(),
            resynced: false,
            verdict: FramerVerdict::Undecided,
            stats: FramerStats::default(),
        }
    }

    /// What is known about the stream.
    pub fn verdict(&self) -> FramerVerdict {
        self.verdict
    }

    /// What was counted so far.
    pub fn stats(&self) -> &FramerStats {
        &self.stats
    }

    /// How many bytes are held since their message is not whole.
    pub fn pending_bytes(&self) -> usize {
        self.held.len()
    }

    /// Memory for what is held, in bytes.
    pub fn memory(&self) -> usize {
        let extents = self.extents.capacity().saturating_mul(size_of::<Extent>());
        self.held.capacity().saturating_add(extents)
    }

    /// Frees that memory; a message that is not whole is lost as behind a gap of any length.
    pub fn shed(&mut self, sink: &mut dyn FnMut(Framed<'_>)) {
        if !self.held.is_empty() {
            self.gap(u64::MAX, sink);
        }
        (self.held, self.extents) = (Vec::new(), Vec::new());
    }

    /// Takes the next bytes, which are one segment or what became readable at once, and gives `sink` each message that is whole.
    ///
    /// If the extent is as long as the bytes, parts of it are given to the messages in it; else (the bytes were decrypted) each
    /// message gets all of it.
    pub fn data(&mut self, bytes: &[u8], extent: Extent, sink: &mut dyn FnMut(Framed<'_>)) {
        add(&mut self.stats.bytes, count(bytes.len()));
        let mut chunk = Chunk { bytes, extent, length: bytes.len(), fresh: true };
        while !chunk.bytes.is_empty() {
            chunk = match self.state {
                State::Start | State::Seeking => self.begin(chunk),
                State::Head(scanned) => self.gather(chunk, scanned, sink),
                State::Body(total) => self.fill(chunk, total, sink),
                State::Skipping(remaining) => self.pass(chunk, remaining),
            };
        }
    }

    /// Learns that the next `length` bytes are lost.
    ///
    /// A message whose head is whole is given away with the body there is; as long as the loss does not reach beyond that body, the
    /// place of the next message is known. Otherwise the message is lost, and a start line has to be found again.
    pub fn gap(&mut self, length: u64, sink: &mut dyn FnMut(Framed<'_>)) {
        let remaining = match self.state {
            State::Skipping(remaining) => Some(remaining),
            State::Body(total) => {
                let missing = count(total.saturating_sub(self.held.len()));
                self.give(false, sink);
                Some(missing)
            }
            State::Head(_) => {
                add(&mut self.stats.cut_by_gap, 1);
                self.drop_held();
                None
            }
            State::Start | State::Seeking => {
                self.drop_held();
                None
            }
        };
        self.state = match remaining.and_then(|remaining| remaining.checked_sub(length)) {
            Some(0) => State::Start,
            Some(rest) => State::Skipping(rest),
            None => self.lose(),
        };
    }

    /// Learns that the stream is over and another one, seen from its first byte on, may come.
    pub fn reset(&mut self, sink: &mut dyn FnMut(Framed<'_>)) {
        self.finish(sink);
        self.state = State::Start;
    }

    /// Learns that no more bytes will come. A message whose head is whole is given away with the body there is.
    pub fn finish(&mut self, sink: &mut dyn FnMut(Framed<'_>)) {
        if let State::Head(scanned) = self.state {
            match measure(&self.held, scanned, true) {
                Measure::Open(_) | Measure::TooLong => add(&mut self.stats.unfinished, 1),
                Measure::Whole { total } => {
                    self.trim_held(total);
                    self.give(self.held.len() >= total, sink);
                }
                Measure::Lost { .. } => self.give(true, sink),
            }
        } else if let State::Body(_) = self.state {
            self.give(false, sink);
        }
        self.drop_held();
        self.state = State::Seeking;
    }

    /// Looks for a start line at the chunk, or at what is held together with it.
    fn begin<'a>(&mut self, chunk: Chunk<'a>) -> Chunk<'a> {
        let seeking = self.state == State::Seeking;
        if self.held.is_empty() {
            let idle = chunk.bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            if idle > 0 && (chunk.fresh || !seeking) {
                add(&mut self.stats.keep_alive_bytes, count(idle));
                return Chunk { bytes: from(chunk.bytes, idle), ..chunk };
            }
            if seeking && !(chunk.fresh && begins_like_known(chunk.bytes)) {
                return self.skip_all(chunk);
            }
            return match beginning(chunk.bytes) {
                Beginning::StartLine => {
                    self.recognise();
                    chunk
                }
                Beginning::Open => self.hold_all(chunk),
                Beginning::Other => {
                    self.mislead();
                    self.skip_all(chunk)
                }
            };
        }
        if seeking && begins_like_known(chunk.bytes) && beginning(chunk.bytes) == Beginning::StartLine {
            self.drop_held();
            return chunk;
        }
        let before = self.held.len();
        self.held.extend_from_slice(chunk.bytes);
        match beginning(&self.held) {
            Beginning::StartLine => {
                self.held.truncate(before);
                self.recognise();
            }
            Beginning::Open => {
                self.held.truncate(before);
                return self.hold_all(chunk);
            }
            Beginning::Other => {
                self.held.truncate(before);
                self.drop_held();
                self.mislead();
            }
        }
        chunk
    }

    /// In a head: takes the chunk, and gives the message away if it is whole.
    fn gather<'a>(&mut self, chunk: Chunk<'a>, scanned: usize, sink: &mut dyn FnMut(Framed<'_>)) -> Chunk<'a> {
        let before = self.held.len();
        if before > 0 {
            self.held.extend_from_slice(chunk.bytes);
        }
        let view = if before > 0 { &self.held } else { chunk.bytes };
        let (total, framing_kept) = match measure(view, scanned, false) {
            Measure::Open(scanned) => {
                self.held.truncate(before);
                self.state = State::Head(scanned);
                return self.hold_all(chunk);
            }
            Measure::TooLong => {
                self.held.truncate(before);
                add(&mut self.stats.oversize, 1);
                self.drop_held();
                self.state = self.lose();
                return self.skip_all(chunk);
            }
            Measure::Whole { total } => (total, true),
            Measure::Lost { head } => (head, false),
        };
        self.held.truncate(before);
        self.state = State::Body(total);
        let rest = self.fill(chunk, total, sink);
        if framing_kept {
            return rest;
        }
        self.state = self.lose();
        Chunk { fresh: false, ..rest }
    }

    /// In a body: takes what belongs to it, and gives the message away if it is whole.
    fn fill<'a>(&mut self, chunk: Chunk<'a>, total: usize, sink: &mut dyn FnMut(Framed<'_>)) -> Chunk<'a> {
        self.trim_held(total);
        let wanted = total.saturating_sub(self.held.len());
        let Some((taken, _)) = chunk.bytes.split_at_checked(wanted) else { return self.hold_all(chunk) };
        let rest = Chunk { bytes: from(chunk.bytes, wanted), fresh: false, ..chunk };
        if self.held.is_empty() {
            let extent = chunk.extent_of(wanted);
            self.deliver(taken, &[extent], true, sink);
        } else {
            self.hold(chunk, wanted);
            self.give(true, sink);
        }
        self.state = State::Start;
        rest
    }

    /// Takes back what is held beyond the end of the message: CR of which only the byte behind them tells that the head ended
    /// before. They stand between messages.
    fn trim_held(&mut self, total: usize) {
        let surplus = self.held.len().saturating_sub(total);
        if surplus > 0 {
            self.held.truncate(total);
            add(&mut self.stats.keep_alive_bytes, count(surplus));
            if let Some(last) = self.extents.last_mut() {
                last.length = last.length.saturating_sub(u32::try_from(surplus).unwrap_or(u32::MAX));
            }
        }
    }

    /// In a body that was given away without its end.
    fn pass<'a>(&mut self, chunk: Chunk<'a>, remaining: u64) -> Chunk<'a> {
        let here = usize::try_from(remaining).unwrap_or(usize::MAX).min(chunk.bytes.len());
        add(&mut self.stats.skipped_bytes, count(here));
        let left = remaining.saturating_sub(count(here));
        self.state = if left == 0 { State::Start } else { State::Skipping(left) };
        Chunk { bytes: from(chunk.bytes, here), fresh: false, ..chunk }
    }

    /// A start line stands at the beginning of what is held, or of the chunk.
    fn recognise(&mut self) {
        self.resynced = self.state == State::Seeking;
        if self.resynced {
            add(&mut self.stats.resyncs, 1);
        }
        self.verdict = FramerVerdict::Sip;
        self.state = State::Head(0);
    }

    /// Something else stands where a start line must be, or might have been.
    fn mislead(&mut self) {
        if self.state == State::Start {
            if self.verdict == FramerVerdict::Undecided {
                self.verdict = FramerVerdict::NotSip;
            }
            self.state = self.lose();
        }
    }

    /// The framing is lost, if it was not before. In a stream that showed no SIP there was none to lose.
    fn lose(&mut self) -> State {
        if self.state != State::Seeking && self.verdict == FramerVerdict::Sip {
            add(&mut self.stats.framing_lost, 1);
        }
        State::Seeking
    }

    fn hold(&mut self, chunk: Chunk<'_>, length: usize) {
        if length == 0 {
            return;
        }
        self.held.extend_from_slice(part(chunk.bytes, 0, length));
        let extent = chunk.extent_of(length);
        match self.extents.last_mut() {
            Some(last) if follows(last, &extent) => last.length = last.length.saturating_add(extent.length),
            Some(last) if *last == extent => {}
            _ => self.extents.push(extent),
        }
    }

    fn hold_all<'a>(&mut self, chunk: Chunk<'a>) -> Chunk<'a> {
        self.hold(chunk, chunk.bytes.len());
        Chunk { bytes: &[], ..chunk }
    }

    fn skip_all<'a>(&mut self, chunk: Chunk<'a>) -> Chunk<'a> {
        add(&mut self.stats.skipped_bytes, count(chunk.bytes.len()));
        Chunk { bytes: &[], ..chunk }
    }

    fn drop_held(&mut self) {
        add(&mut self.stats.skipped_bytes, count(self.held.len()));
        self.clear();
    }

    /// Forgets what is held. Its room is kept for the next message, unless this one was unusual.
    fn clear(&mut self) {
        if self.held.capacity() > USUAL_BYTES || self.extents.capacity() > USUAL_BYTES {
            (self.held, self.extents) = (Vec::new(), Vec::new());
        }
        self.held.clear();
        self.extents.clear();
    }

    /// Gives away what is held.
    fn give(&mut self, complete: bool, sink: &mut dyn FnMut(Framed<'_>)) {
        let held = std::mem::take(&mut self.held);
        let extents = std::mem::take(&mut self.extents);
        self.deliver(&held, &extents, complete, sink);
        (self.held, self.extents) = (held, extents);
        self.clear();
    }

    fn deliver(&mut self, bytes: &[u8], extents: &[Extent], complete: bool, sink: &mut dyn FnMut(Framed<'_>)) {
        add(&mut self.stats.messages, 1);
        add(&mut self.stats.incomplete, u64::from(!complete));
        add(&mut self.stats.message_bytes, count(bytes.len()));
        sink(Framed { bytes, extents, resynced: self.resynced, complete });
    }
}

/// A buffer up to this size is kept for the next message.
const USUAL_BYTES: usize = 8 << 10;

impl Chunk<'_> {
    /// Where the next `length` bytes lie.
    fn extent_of(&self, length: usize) -> Extent {
        let before = self.length.saturating_sub(self.bytes.len());
        if usize::try_from(self.extent.length) != Ok(self.length) {
            return self.extent;
        }
        let offset = self.extent.offset.saturating_add(count(before));
        Extent { offset, length: u32::try_from(length).unwrap_or(u32::MAX), ..self.extent }
    }
}

fn follows(one: &Extent, another: &Extent) -> bool {
    one.input == another.input && one.offset.checked_add(u64::from(one.length)) == Some(another.offset)
}

fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
