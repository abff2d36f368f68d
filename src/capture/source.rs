//! A source: one stream of frames, from one input or from several that continue each other.

use std::collections::VecDeque;
use std::path::PathBuf;

use super::info::InputInfo;
use super::reader::{Place, Reader};
use super::watermark::Watermark;
use super::window::{Key, Window};
use crate::net::LinkType;
use crate::time::Timestamp;

/// One stream of frames and what is read of it but not given yet.
pub(super) struct Source {
    /// In order; each has a frame.
    windows: VecDeque<Window>,
    /// The input being read.
    reader: Option<Reader>,
    /// The input last begun: its path, its number, and time and link type of its first frame.
    pub(super) path: PathBuf,
    pub(super) input: u32,
    pub(super) first: Timestamp,
    pub(super) link: LinkType,
    /// Of the last frame read. Every frame that is not read yet comes at it or behind it.
    pub(super) last: Key,
    watermark: Watermark,
    /// Whether something was wrong with the input read last.
    has_lost: bool,
}

impl Source {
    /// A source that nothing has been read from.
    pub(super) fn new() -> Self {
        Self {
            windows: VecDeque::new(),
            reader: None,
            path: PathBuf::new(),
            input: 0,
            first: Timestamp::MIN,
            link: LinkType::NO_PACKET,
            last: Key { watermark: Timestamp::MIN, rank: 0 },
            watermark: Watermark::new(),
            has_lost: false,
        }
    }

    /// Goes on with an input, whose first frame has this time and link type. The one before is at its end.
    pub(super) fn begin(&mut self, mut reader: Reader, place: Place, path: PathBuf, first: (Timestamp, LinkType)) {
        reader.begin(place, self.watermark, self.has_lost);
        self.reader = Some(reader);
        (self.path, self.input, self.first, self.link) = (path, place.input, first.0, first.1);
        self.last = Key { watermark: self.last.watermark.max(first.0), rank: place.rank };
    }

    /// Whether an input is being read.
    pub(super) fn is_reading(&self) -> bool {
        self.reader.is_some()
    }

    /// Whether there is anything to be given or read.
    pub(super) fn is_live(&self) -> bool {
        self.is_reading() || !self.windows.is_empty()
    }

    /// Reads one window on. At the end of the input, writes down what is known of it.
    pub(super) fn read(&mut self, size: usize, recycled: &mut Vec<Vec<u8>>, info: &mut InputInfo) {
        let Some(reader) = &mut self.reader else { return };
        match reader.next_window(size, recycled.pop().unwrap_or_default()) {
            Some(window) if window.frame_count > 0 => {
                self.last.watermark = self.last.watermark.max(window.high);
                self.windows.push_back(window);
            }
            Some(window) => recycled.push(window.into_buffer()),
            None => {
                self.watermark = reader.watermark();
                reader.describe(info);
                self.has_lost = info.problem.is_some();
                self.reader = None;
            }
        }
    }

    /// Whether nothing more was there to be read.
    pub(super) fn is_waiting(&self) -> bool {
        self.reader.as_ref().is_some_and(Reader::is_waiting)
    }

    /// How precise the times of the input being read are so far.
    pub(super) fn digits(&self) -> u8 {
        self.reader.as_ref().map_or(0, Reader::digits)
    }

    /// Writes down what is known of the input being read, which is not read to its end.
    pub(super) fn describe(&mut self, info: &mut InputInfo) {
        if let Some(reader) = &mut self.reader {
            reader.describe(info);
        }
    }

    /// How many whole windows lie within `bound`.
    pub(super) fn ready(&self, bound: Key) -> usize {
        self.windows.partition_point(|window| window.last_key() <= bound)
    }

    /// Moves the frames within `bound` to `given`.
    pub(super) fn give(&mut self, bound: Key, recycled: &mut Vec<Vec<u8>>, given: &mut Vec<Window>) {
        given.extend(self.windows.drain(..self.ready(bound)));
        let Some(window) = self.windows.front_mut() else { return };
        given.extend(window.split_front(bound, recycled));
    }

    /// How many frames read and not given are behind a time.
    pub(super) fn frames_beyond(&self, time: Timestamp) -> u64 {
        self.windows.iter().fold(0, |count, window| window.frames_beyond(time).saturating_add(count))
    }
}
