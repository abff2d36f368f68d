//! A place in the records of an input, with all that must be known to read on from there.

use super::format::{Halt, Layout, Record, Step};
use super::watermark::Watermark;
use crate::time::Timestamp;

/// A place in the records of an input. The one walk over records that reading, splitting and iterating share.
#[derive(Clone, Debug)]
pub(super) struct Cursor {
    pub(super) layout: Layout,
    /// As it is before the next frame.
    pub(super) watermark: Watermark,
    /// Time of the frame before, for frames that have none.
    pub(super) last_time: Timestamp,
    /// Number of the next frame.
    pub(super) number: u64,
    /// Where in the bytes the next record begins; not beyond their end.
    pub(super) position: usize,
}

/// Times of a frame.
#[derive(Clone, Copy)]
pub(super) struct Times {
    pub(super) time: Timestamp,
    pub(super) watermark: Timestamp,
}

impl Cursor {
    /// The start of the records of an input.
    pub(super) fn new(layout: Layout) -> Self {
        let last_time = Timestamp::from_nanos(0);
        Self { layout, watermark: Watermark::new(), last_time, number: 1, position: 0 }
    }

    /// The next record that is a frame, after passing those that are none. Does not pass the frame.
    #[inline(always)]
    pub(super) fn seek<'a>(&mut self, bytes: &'a [u8]) -> Result<Record<'a>, Halt> {
        loop {
            let rest = bytes.get(self.position..).unwrap_or_default();
            match self.layout.step(rest)? {
                Step::Frame(record) => return Ok(record),
                Step::Other { length } => self.position = self.position.saturating_add(length),
            }
        }
    }

    /// The watermark of the frame that [`Cursor::seek`] gave.
    #[inline]
    pub(super) fn watermark_of(&self, record: &Record<'_>) -> Timestamp {
        let mut watermark = self.watermark;
        watermark.advance(record.time.unwrap_or(self.last_time))
    }

    /// Passes the frame that [`Cursor::seek`] gave.
    #[inline(always)]
    pub(super) fn pass(&mut self, record: &Record<'_>) -> Times {
        let time = record.time.unwrap_or(self.last_time);
        self.last_time = time;
        self.number = self.number.saturating_add(1);
        self.position = self.position.saturating_add(record.length);
        Times { time, watermark: self.watermark.advance(time) }
    }
}
