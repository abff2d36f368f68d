//! Reads one input in large blocks and cuts it into windows at record boundaries.

mod search;

use std::io::{self, ErrorKind, Read};

use super::compression::{self, Archive, UnpackError, unpack};
use super::cursor::Cursor;
use super::format::{FormatRow, HEAD_BYTES, Halt, recognise};
use super::info::{InputInfo, Tally};
use super::problem::{Found, Problem};
use super::read_ahead::ReadAhead;
use super::watermark::Watermark;
use super::window::{Window, grow, to_u64};
use crate::limits::{HEAD_WINDOW_BYTES, MAX_PLAUSIBLE_RECORD_BYTES};
use crate::net::LinkType;
use crate::time::Timestamp;
use search::{Losses, Stop, is_void};

/// Where bytes come from. A decompressor is one more of these, put around another.
pub(super) type Stream = Box<dyn Read + Send>;

/// Reads one input.
pub(super) struct Reader {
    stream: Stream,
    /// The compression that the stream undoes.
    archive: Option<Archive>,
    row: &'static FormatRow,
    /// Input, source and rank of the windows, once known.
    place: Place,
    /// Between windows: the state behind the last one, at position 0.
    cursor: Cursor,
    /// Bytes read that no window has yet, less than a record or the start of the input, behind the last record of the
    /// last window: if what follows cannot be a record, its length was wrong.
    carry: Vec<u8>,
    /// Bytes of that record.
    kept: usize,
    /// Offset of `carry` in the input.
    offset: u64,
    /// Bytes that the stream has given.
    given: u64,
    /// Whether it is worked on while it comes: a window then ends where the stream has nothing more at present.
    is_live: bool,
    /// Whether the last window ended there.
    is_waiting: bool,
    /// The first window with a frame, if it was looked for and not taken yet.
    head: Option<Window>,
    /// Whether no further window can be read; why, if not because the input is at its end.
    ended: bool,
    problem: Option<Problem>,
    /// Why no record could be read behind the last window, until the next one is looked for.
    stopped: Option<Stop>,
    losses: Losses,
    /// Bytes of the next window at most: few behind damage, since there may be more of it, and what is read behind it must
    /// be read again.
    pace: usize,
    tally: Tally,
}

/// Where windows belong.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) input: u32,
    pub(super) source: u32,
    pub(super) rank: u32,
}

impl Reader {
    /// Reads the start of a stream and recognises its compression and its format.
    pub(super) fn open(mut stream: Stream) -> Result<Self, Problem> {
        let not_a_capture = |found| Problem::NotACapture { found, from_folder: false };
        let (head, failure) = read_head(&mut stream);
        let unreadable = |error: &io::Error| Problem::Unreadable { offset: 0, reason: error.to_string() };
        let broken = failure.as_ref().map(unreadable);
        if let Some(error) = failure {
            // What was read may be a capture all the same.
            stream = Box::new(Broken(Some(error)));
        }
        let (mut carry, mut stream, archive, mut problem) = match unpack(head, stream) {
            Err(UnpackError::NotPacked(head, stream)) => (head, stream, None, None),
            Err(UnpackError::Failed(error)) => return Err(unreadable(&error)),
            Ok((stream, archive)) => {
                let mut stream: Stream = Box::new(ReadAhead::new(stream));
                let (head, failure) = read_head(&mut stream);
                let problem = failure.map(|error| failed(Some(&archive), 0, &error));
                (head, stream, Some(archive), problem)
            }
        };
        let (row, layout, start) = match (&archive, recognise(&carry)) {
            (Some(archive), Err(_)) if problem.is_some() => {
                return Err(not_a_capture(Found::BrokenArchive(archive.compression)));
            }
            (Some(archive), Err(found)) => {
                let outer = archive.compression;
                let nested = compression::recognise(&carry).map(|inner| Found::Nested { outer, inner });
                return Err(not_a_capture(nested.unwrap_or(found)));
            }
            (_, recognised) => recognised.map_err(|found| broken.unwrap_or_else(|| not_a_capture(found)))?,
        };
        if problem.is_some() {
            // A decoder that has failed is not asked again.
            stream = Box::new(io::empty());
        }
        let given = to_u64(carry.len());
        carry.drain(..start.min(carry.len()));
        Ok(Self {
            stream,
            archive,
            row,
            place: Place::default(),
            cursor: Cursor::new(layout),
            carry,
            kept: 0,
            offset: to_u64(start),
            given,
            is_live: false,
            is_waiting: false,
            head: None,
            ended: false,
            problem: problem.take(),
            stopped: None,
            losses: Losses::default(),
            pace: usize::MAX,
            tally: Tally::default(),
        })
    }

    /// Says that the stream comes as it is made, such as a pipe. What is packed comes in pieces of its own size.
    pub(super) const fn follow(&mut self) {
        self.is_live = self.archive.is_none();
    }

    /// Whether the last window ended where the stream had nothing more at that moment.
    pub(super) const fn is_waiting(&self) -> bool {
        self.is_waiting
    }

    /// Time and link type of the first frame, if there is any. Reads no more than it takes to find it.
    pub(super) fn look(&mut self) -> Option<(Timestamp, LinkType)> {
        while self.head.is_none() {
            let window = self.read(HEAD_WINDOW_BYTES, Vec::new())?;
            if window.frame_count > 0 {
                self.head = Some(window);
            }
        }
        let frame = self.head.as_ref()?.frames().next()?;
        Some((frame.time, frame.link))
    }

    /// Says where the windows belong, what watermark the source has reached, and whether frames of it are lost just before.
    /// Before the first window is taken.
    pub(super) fn begin(&mut self, place: Place, watermark: Watermark, after_loss: bool) {
        self.place = place;
        if let Some(head) = &mut self.head {
            head.after_loss |= after_loss;
            (head.input, head.source, head.rank) = (place.input, place.source, place.rank);
            head.start.watermark = watermark.next_input();
            self.cursor.watermark = head.rewalk().watermark;
        } else {
            self.losses.is_unsaid |= after_loss;
            self.cursor.watermark = watermark.next_input();
        }
    }

    /// The next window of about `size` bytes, or of one record if that is larger; `None` at the end.
    /// A window may be without frames. The buffer is lost if there is no window.
    pub(super) fn next_window(&mut self, size: usize, buffer: Vec<u8>) -> Option<Window> {
        self.head.take().or_else(|| self.read(size, buffer))
    }

    /// Whether it holds a decoder, with the memory that those take.
    pub(super) fn is_unpacking(&self) -> bool {
        self.archive.is_some()
    }

    /// The watermark behind the last window.
    pub(super) fn watermark(&self) -> Watermark {
        self.cursor.watermark
    }

    /// Digits of the second's fraction in the most precise of its times so far.
    pub(super) const fn digits(&self) -> u8 {
        self.tally.digits()
    }

    /// Writes down what is known of the input.
    pub(super) fn describe(&mut self, info: &mut InputInfo) {
        info.format = Some(self.row.format);
        info.compression = self.archive.as_ref().map(|archive| archive.compression);
        info.bytes_read = self.position().saturating_sub(self.losses.skipped());
        info.frames = self.cursor.number.saturating_sub(1);
        self.tally.describe(info);
        info.problem = self.losses.problem(self.problem.take());
        if let Some(expected) = info.size_bytes.filter(|size| self.is_at_end() && self.given < *size) {
            let besides = info.problem.take().map(Box::new);
            info.problem = Some(Problem::Shrunk { available: self.given, expected, besides });
        }
        info.complete = self.ended && info.problem.is_none();
    }

    /// Whether a file was read as it lies there, up to its end.
    fn is_at_end(&self) -> bool {
        self.ended && self.archive.is_none() && !matches!(self.problem, Some(Problem::Unreadable { .. }))
    }

    /// Offset in the input behind the last window.
    fn position(&self) -> u64 {
        self.offset.saturating_add(to_u64(self.kept))
    }

    fn read(&mut self, size: usize, mut buffer: Vec<u8>) -> Option<Window> {
        if let Some(stop) = self.stopped.take() {
            self.search(stop);
        }
        if self.ended {
            return None;
        }
        let mut target = self.kept.saturating_add(size.min(self.pace).max(1));
        self.pace = self.pace.saturating_mul(2);
        if buffer.len() > target.saturating_mul(2) {
            // It has held a huge record, and the next one is unlikely to be.
            buffer.truncate(target);
            buffer.shrink_to_fit();
        }
        grow(&mut buffer, target);
        let start = std::mem::take(&mut self.kept);
        self.cursor.position = start;
        let mut window = self.window();
        let (mut filled, mut input_ended, mut last) = (0_usize, false, 0);
        loop {
            let offset = self.offset.saturating_add(to_u64(filled));
            let (taken, ended) = self.take(buffer.get_mut(filled..target)?, offset);
            filled = filled.saturating_add(taken);
            input_ended |= ended;
            let bytes = buffer.get(..filled)?;
            let (stop, length) = self.walk(bytes, &mut window, input_ended);
            last = if length > 0 { length } else { last };
            match stop {
                Stop::Short { needed } if input_ended => {
                    let is_whole = self.cursor.position == filled;
                    self.ended = is_whole;
                    self.stopped = (!is_whole).then_some(Stop::Short { needed });
                }
                Stop::Short { needed } if self.cursor.position == start => {
                    target = start.saturating_add(needed).max(filled.saturating_add(1));
                    grow(&mut buffer, target);
                    continue;
                }
                Stop::Short { .. } => {}
                stop => self.stopped = Some(stop),
            }
            break;
        }
        let end = self.cursor.position;
        self.kept = match last {
            0 if end == start => start,
            _ if self.cursor.layout.proves_lengths() || last > MAX_PLAUSIBLE_RECORD_BYTES => 0,
            _ => last,
        };
        let carried = end.saturating_sub(self.kept);
        self.carry.splice(..0, buffer.get(carried..filled)?.iter().copied());
        self.offset = self.offset.saturating_add(to_u64(carried));
        self.cursor.position = 0;
        window.end = end;
        window.buffer = buffer;
        Some(window)
    }

    /// Takes what is carried, and reads on behind it until `bytes` is full, or there is no more; says whether the stream is at its end.
    fn take(&mut self, bytes: &mut [u8], offset: u64) -> (usize, bool) {
        let carried = self.carry.len().min(bytes.len());
        for (to, from) in bytes.iter_mut().zip(self.carry.drain(..carried)) {
            *to = from;
        }
        let rest = bytes.get_mut(carried..).unwrap_or_default();
        let (count, ended) = self.fill(rest, offset.saturating_add(to_u64(carried)));
        (carried.saturating_add(count), ended)
    }

    /// Reads until `bytes` is full or the stream has no more. A stream that fails is at its end from then on.
    fn fill(&mut self, bytes: &mut [u8], offset: u64) -> (usize, bool) {
        let (count, failure) =
            if self.is_live { fill_once(&mut self.stream, bytes) } else { fill(&mut self.stream, bytes) };
        self.is_waiting = self.is_live && (1..bytes.len()).contains(&count) && failure.is_none();
        self.given = self.given.saturating_add(to_u64(count));
        if let Some(error) = failure {
            self.problem = Some(failed(self.archive.as_ref(), offset.saturating_add(to_u64(count)), &error));
        }
        let ended = count < bytes.len() && !self.is_waiting;
        if ended {
            // Decoders take much memory, and there may be thousands of short inputs of the same time.
            self.stream = Box::new(io::empty());
        }
        (count, ended)
    }

    /// A window that begins here and has nothing in it yet.
    fn window(&self) -> Window {
        Window {
            input: self.place.input,
            source: self.place.source,
            rank: self.place.rank,
            first_frame: self.cursor.number,
            frame_count: 0,
            offset: self.offset,
            buffer: Vec::new(),
            end: 0,
            start: self.cursor.clone(),
            low: Timestamp::MIN,
            high: Timestamp::MIN,
            after_loss: self.losses.is_unsaid,
        }
    }

    /// Passes all whole records of `bytes` that can be believed and counts them; says why it stopped, and how long the last
    /// one is.
    fn walk(&mut self, bytes: &[u8], window: &mut Window, input_ended: bool) -> (Stop, usize) {
        let second = window.first_frame.saturating_add(1);
        let may_lie = !self.cursor.layout.proves_lengths();
        let mut last = 0;
        let stop = loop {
            let record = match self.cursor.seek(bytes) {
                Ok(record) => record,
                Err(Halt::Incomplete { needed }) => break Stop::Short { needed },
                Err(Halt::Damaged(what)) => break Stop::Damaged(what),
            };
            if may_lie && self.is_strange(&record) && !self.is_confirmed(bytes, record.length, input_ended) {
                break Stop::Doubtful { length: record.length, is_void: is_void(&record) };
            }
            let watermark = self.cursor.pass(&record).watermark;
            if self.cursor.number == second {
                window.low = watermark;
            }
            window.high = watermark;
            self.tally.frame(&record);
            last = record.length;
        };
        window.frame_count = self.cursor.number.saturating_sub(window.first_frame);
        self.losses.is_unsaid &= window.frame_count == 0;
        (stop, last)
    }
}

/// What is left of a stream that fails: the error, once.
struct Broken(Option<io::Error>);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// The first bytes of a stream, as many as it takes to recognise it, and what went wrong.
fn read_head(stream: &mut Stream) -> (Vec<u8>, Option<io::Error>) {
    let mut head = vec![0; HEAD_BYTES];
    let (filled, failure) = fill(stream, &mut head);
    head.truncate(filled);
    (head, failure)
}

/// What an error of the stream means, `offset` bytes into what it gives.
fn failed(archive: Option<&Archive>, offset: u64, error: &io::Error) -> Problem {
    match archive {
        None => Problem::Unreadable { offset, reason: error.to_string() },
        Some(archive) => Problem::Archive {
            compression: archive.compression,
            offset: archive.taken(),
            reason: (error.kind() != ErrorKind::UnexpectedEof).then(|| error.to_string()),
        },
    }
}

/// Reads until `bytes` is full or the stream is at its end. Gives how many were read, and what went wrong.
pub(super) fn fill(stream: &mut Stream, bytes: &mut [u8]) -> (usize, Option<io::Error>) {
    let mut filled: usize = 0;
    while let Some(free) = bytes.get_mut(filled..).filter(|free| !free.is_empty()) {
        match stream.read(free) {
            Ok(0) => break,
            Ok(count) => filled = filled.saturating_add(count),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return (filled, Some(error)),
        }
    }
    (filled, None)
}

/// The same for what a stream gives at once.
pub(super) fn fill_once(stream: &mut Stream, bytes: &mut [u8]) -> (usize, Option<io::Error>) {
    loop {
        match stream.read(bytes) {
            Ok(count) => return (count, None),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return (0, Some(error)),
        }
    }
}

#[cfg(test)]
mod tests;
