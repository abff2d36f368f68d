//! One direction of a WebSocket connection: from bytes in order to messages (RFC 6455; RFC 7118 for SIP).
//!
//! What messages are for is not known here: whoever opens a [`WebSocket`] says how they are recognised.

mod frame;
mod inflate;
mod stats;
mod upgrade;

pub use self::stats::WebSocketStats;

use self::frame::{Header, Kind, Parsed};
use self::inflate::{INFLATER_BYTES, Inflater, Unpackable};
use self::upgrade::Head;
use super::Verdict;
use crate::limits::{MAX_MESSAGE_BYTES, MAX_UPGRADE_BYTES};

/// Tells whether a message, or as much of it as there is, is of the application that is looked for.
pub type Recognise = fn(&[u8]) -> bool;

/// Reads one direction.
///
/// Every byte that comes in is counted once, unless it is still held: [`WebSocketStats::conserves`].
#[derive(Debug)]
pub struct WebSocket {
    state: State,
    recognise: Recognise,
    /// The bytes that are no whole frame yet, or the head of the upgrade so far.
    held: Vec<u8>,
    /// The message so far, without headers and masks.
    message: Vec<u8>,
    /// What the frames that follow belong to.
    gathering: Gathering,
    /// The message so far is compressed.
    compressed: bool,
    /// What unpacks messages, once one was compressed; it remembers earlier ones.
    inflater: Option<Box<Inflater>>,
    verdict: Verdict,
    stats: WebSocketStats,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the head of an HTTP message that may be an upgrade.
    Upgrade,
    /// A frame begins where what is held begins.
    Frames,
    /// In the payload of a frame that is not kept; so much of it is still to come.
    Passing(u64),
    /// Nobody knows where the next frame begins: one is believed at the start of a segment if it shows a message of the
    /// application.
    Lost,
    /// No WebSocket.
    Other,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Gathering {
    #[default]
    Nothing,
    Message,
    /// A message that is not read: it is too long, or its beginning is lost.
    Unread,
}

impl WebSocket {
    /// Opens a direction if `bytes`, the first that come or the first after nothing was recognised, can be one: the head of
    /// an upgrade, or a frame whose message is recognised.
    pub fn open(bytes: &[u8], recognise: Recognise) -> Option<Self> {
        let state = if upgrade::may_begin(bytes) {
            State::Upgrade
        } else if shows_message(bytes, recognise) {
            State::Frames
        } else {
            return None;
        };
        Some(Self {
            state,
            recognise,
            held: Vec::new(),
            message: Vec::new(),
            gathering: Gathering::Nothing,
            compressed: false,
            inflater: None,
            verdict: Verdict::Undecided,
            stats: WebSocketStats::default(),
        })
    }

    /// Takes the next bytes, and gives `sink` each message that is whole.
    pub fn data(&mut self, bytes: &[u8], sink: &mut dyn FnMut(&[u8])) {
        self.stats.bytes += count(bytes.len());
        let mut bytes = bytes;
        if let State::Passing(left) = self.state {
            let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            self.stats.skipped_bytes += count(here);
            bytes = bytes.get(here..).unwrap_or_default();
            let left = left.saturating_sub(count(here));
            self.state = if left == 0 { State::Frames } else { State::Passing(left) };
        }
        if self.state == State::Lost && shows_message(bytes, self.recognise) {
            self.stats.resyncs += 1;
            self.state = State::Frames;
        }
        if matches!(self.state, State::Lost | State::Other) {
            self.stats.skipped_bytes += count(bytes.len());
            return;
        }
        if !bytes.is_empty() {
            self.held.extend_from_slice(bytes);
            let held = std::mem::take(&mut self.held);
            let taken = self.take(&held, sink);
            if self.held_is_kept() {
                self.held = held;
                self.held.drain(..taken);
            } else {
                self.stats.skipped_bytes += count(held.len().saturating_sub(taken));
            }
        }
    }

    /// Learns that bytes are lost: the message in work, and the place of the next frame.
    pub fn gap(&mut self) {
        self.drop_held();
        self.state = if self.state == State::Other { State::Other } else { State::Lost };
    }

    /// Learns that the stream is over, or that another begins.
    pub fn finish(&mut self) {
        self.drop_held();
    }

    /// What the bytes so far say.
    pub const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Memory that it takes, about, in bytes.
    pub fn memory(&self) -> usize {
        let inflater = if self.inflater.is_some() { INFLATER_BYTES } else { 0 };
        self.held.capacity() + self.message.capacity() + inflater
    }

    /// What was counted so far.
    pub const fn stats(&self) -> &WebSocketStats {
        &self.stats
    }

    const fn held_is_kept(&self) -> bool {
        matches!(self.state, State::Upgrade | State::Frames)
    }

    fn drop_held(&mut self) {
        self.stats.skipped_bytes += count(self.held.len());
        (self.held, self.message) = (Vec::new(), Vec::new());
        self.inflater = None;
        self.gathering = Gathering::Nothing;
    }

    /// Takes the head and the whole frames at the beginning of what is held, and gives how many bytes they have.
    fn take(&mut self, held: &[u8], sink: &mut dyn FnMut(&[u8])) -> usize {
        let mut taken = 0;
        if self.state == State::Upgrade {
            match upgrade::read(held) {
                Head::Open if held.len() <= MAX_UPGRADE_BYTES => return 0,
                Head::Open | Head::Other => {
                    (self.state, self.verdict) = (State::Other, Verdict::NotOurs);
                    return 0;
                }
                Head::Upgrade { length, sip } => {
                    self.stats.upgrades += 1;
                    self.stats.head_bytes += count(length);
                    self.state = State::Frames;
                    if sip {
                        self.verdict = Verdict::Ours;
                    }
                    taken = length;
                }
            }
        }
        while let (State::Frames, Some(rest @ [_, ..])) = (self.state, held.get(taken..)) {
            let header = match frame::parse(rest) {
                Parsed::Header(header) => header,
                Parsed::Open => return taken,
                Parsed::Invalid => {
                    self.lose();
                    return taken;
                }
            };
            let kept = header.payload <= count(MAX_MESSAGE_BYTES);
            let length = usize::try_from(header.payload).unwrap_or(usize::MAX);
            let payload = rest.get(header.length..header.length.saturating_add(length));
            match payload {
                Some(payload) => {
                    taken += header.length + payload.len();
                    self.stats.frame_bytes += count(header.length + payload.len());
                    self.frame(header, payload, sink);
                }
                None if kept => return taken,
                None => {
                    self.stats.oversize += 1;
                    self.unread(header);
                    let here = rest.len().saturating_sub(header.length);
                    taken += header.length;
                    self.stats.frame_bytes += count(header.length);
                    self.state = State::Passing(header.payload.saturating_sub(count(here)));
                }
            }
        }
        taken
    }

    /// Takes a whole frame.
    fn frame(&mut self, header: Header, payload: &[u8], sink: &mut dyn FnMut(&[u8])) {
        self.stats.frames += 1;
        match header.kind {
            Kind::Control => {
                self.stats.control_frames += 1;
                return;
            }
            Kind::First => {
                self.message.clear();
                self.gathering = Gathering::Message;
                self.compressed = header.compressed;
                self.stats.compressed += u64::from(header.compressed);
            }
            Kind::Continuation => {}
        }
        if self.gathering != Gathering::Message {
            return self.unread(header);
        }
        if self.message.len().saturating_add(payload.len()) > MAX_MESSAGE_BYTES {
            self.stats.oversize += 1;
            return self.unread(header);
        }
        frame::append(&mut self.message, payload, header.mask);
        if header.last {
            self.give(sink);
        }
    }

    fn give(&mut self, sink: &mut dyn FnMut(&[u8])) {
        self.gathering = Gathering::Nothing;
        let mut message = std::mem::take(&mut self.message);
        if self.compressed {
            message = match self.inflater.get_or_insert_default().inflate(&message) {
                Ok(message) => message,
                Err(why) => {
                    self.stats.unreadable += 1;
                    self.stats.oversize += u64::from(why == Unpackable::TooLong);
                    return;
                }
            };
        }
        self.stats.messages += 1;
        if (self.recognise)(&message) {
            self.verdict = Verdict::Ours;
            sink(&message);
        } else {
            self.stats.other_messages += 1;
            if self.verdict == Verdict::Undecided && !is_keep_alive(&message) {
                self.verdict = Verdict::NotOurs;
            }
        }
        message.clear();
        self.message = message;
    }

    /// The message that the frame belongs to is not read.
    fn unread(&mut self, header: Header) {
        self.message = Vec::new();
        self.inflater = None;
        self.gathering = if header.last { Gathering::Nothing } else { Gathering::Unread };
    }

    fn lose(&mut self) {
        self.stats.framing_lost += 1;
        self.gathering = Gathering::Nothing;
        self.message = Vec::new();
        self.inflater = None;
        self.state = State::Lost;
        if self.verdict == Verdict::Undecided {
            (self.state, self.verdict) = (State::Other, Verdict::NotOurs);
        }
    }
}

/// Keep-alives of RFC 5626 3.5.1 go in messages of their own (RFC 7118 6).
fn is_keep_alive(message: &[u8]) -> bool {
    message.iter().all(|byte| matches!(byte, b'\r' | b'\n'))
}

/// Whether a frame stands at the beginning whose message, as far as it is there, is recognised.
fn shows_message(bytes: &[u8], recognise: Recognise) -> bool {
    /// Bytes of a message that suffice to recognise it by its first line.
    const ENOUGH: usize = 4 << 10;
    let Parsed::Header(header) = frame::parse(bytes) else { return false };
    if header.kind != Kind::First {
        return false;
    }
    let payload = bytes.get(header.length..).unwrap_or_default();
    let shown = usize::try_from(header.payload).unwrap_or(usize::MAX).min(payload.len()).min(ENOUGH);
    let mut start = Vec::new();
    frame::append(&mut start, payload.get(..shown).unwrap_or_default(), header.mask);
    if header.compressed {
        return Inflater::default().begin(&start).is_some_and(|start| recognise(&start));
    }
    recognise(&start)
}

const fn count(length: usize) -> u64 {
    length as u64
}

#[cfg(test)]
mod tests;
