//! Windows: runs of whole records, and the frames in them.

use super::cursor::Cursor;
use super::format::{Layout, recognise};
use super::frame::Frame;
use super::problem::Problem;
use crate::net::LinkType;
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// The first two parts of the global order. Inputs have different ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) watermark: Timestamp,
    pub(super) rank: u32,
}

impl Key {
    /// Behind every frame.
    pub(super) const END: Self = Self { watermark: Timestamp::from_nanos(i64::MAX), rank: u32::MAX };
}

/// A run of whole records of one input.
#[derive(Clone, Debug)]
pub struct Window {
    /// Index of the input in the order of the report.
    pub input: u32,
    /// What flows and fragments belong to; the files of one rotated set share one.
    pub source: u32,
    /// Place of the input among all by the time of its first frame: the second part of the global order.
    pub rank: u32,
    /// Number of the first frame in it.
    pub first_frame: u64,
    /// Number of frames in it.
    pub frame_count: u64,
    /// Offset of the first byte of the buffer in the (decompressed) input.
    pub(super) offset: u64,
    /// Of this, the bytes from `start.position` to `end` are the records.
    pub(super) buffer: Vec<u8>,
    pub(super) end: usize,
    pub(super) start: Cursor,
    /// Watermarks of the first and of the last frame.
    pub(super) low: Timestamp,
    pub(super) high: Timestamp,
    /// Whether frames of its source are lost between the one before its first and that.
    pub after_loss: bool,
}

impl Window {
    /// A window with a whole small capture file, as input and source 0. Records behind a problem are left out.
    pub fn from_capture(file: Vec<u8>) -> Result<Self, Problem> {
        let (_, layout, position) =
            recognise(&file).map_err(|found| Problem::NotACapture { found, from_folder: false })?;
        let mut start = Cursor::new(layout);
        start.position = position;
        Ok(Self::walked(start, file))
    }

    /// A window with these packets, as input and source 0: for tests and measurements.
    ///
    /// Times outside 1970 to 2106 are moved to the nearer end. A packet of more than 16 MiB, and what follows it, is left out.
    pub fn from_packets<'a>(link: LinkType, packets: impl IntoIterator<Item = (Timestamp, &'a [u8])>) -> Self {
        let number = link.number().unwrap_or(u16::MAX).into();
        let mut file: Vec<u8> =
            [0xa1b2_3c4d, 0x0004_0002, 0, 0, 0, number].into_iter().flat_map(u32::to_le_bytes).collect();
        for (time, packet) in packets {
            let nanos = time.nanos().max(0);
            let seconds = u32::try_from(nanos / NANOS_PER_SECOND).unwrap_or(u32::MAX);
            let fraction = u32::try_from(nanos % NANOS_PER_SECOND).unwrap_or_default();
            let length = u32::try_from(packet.len()).unwrap_or(u32::MAX);
            file.extend([seconds, fraction, length, length].into_iter().flat_map(u32::to_le_bytes));
            file.extend_from_slice(packet);
        }
        Self::from_capture(file).unwrap_or_else(|_| Self::empty())
    }

    fn empty() -> Self {
        Self::walked(Cursor::new(Layout::Pcapng(super::pcapng::Pcapng::default())), Vec::new())
    }

    /// The window of all whole records of `buffer` from `start` on.
    fn walked(start: Cursor, buffer: Vec<u8>) -> Self {
        let mut window = Self {
            input: 0,
            source: 0,
            rank: 0,
            first_frame: start.number,
            frame_count: 0,
            offset: 0,
            end: buffer.len(),
            buffer,
            start,
            low: Timestamp::MIN,
            high: Timestamp::MIN,
            after_loss: false,
        };
        let end = window.rewalk();
        window.end = end.position;
        window
    }

    /// Counts the frames and finds their watermarks anew; gives the cursor behind them.
    pub(super) fn rewalk(&mut self) -> Cursor {
        let mut cursor = self.start.clone();
        let bytes = self.buffer.get(..self.end).unwrap_or_default();
        (self.frame_count, self.low, self.high) = (0, Timestamp::MIN, Timestamp::MIN);
        while let Ok(record) = cursor.seek(bytes) {
            self.high = cursor.pass(&record).watermark;
            if self.frame_count == 0 {
                self.low = self.high;
            }
            self.frame_count = self.frame_count.saturating_add(1);
        }
        cursor
    }

    /// The frames, in order.
    pub fn frames(&self) -> Frames<'_> {
        Frames {
            cursor: self.start.clone(),
            bytes: self.buffer.get(..self.end).unwrap_or_default(),
            offset: self.offset,
        }
    }

    /// The records, headers of the format included.
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start.position..self.end).unwrap_or_default()
    }

    /// Offset of [`Window::bytes`] in the (decompressed) input.
    pub fn offset(&self) -> u64 {
        self.offset.saturating_add(to_u64(self.start.position))
    }

    /// The buffer, to be used again.
    pub fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }

    /// The key of its last frame.
    pub(super) fn last_key(&self) -> Key {
        self.key(self.high)
    }

    fn key(&self, watermark: Timestamp) -> Key {
        Key { watermark, rank: self.rank }
    }

    /// Takes the frames within `bound` off the front, as a window in a recycled buffer; `None` if there are none.
    ///
    /// The front is copied, so that a byte is copied at most once however often its window is split.
    pub(super) fn split_front(&mut self, bound: Key, recycled: &mut Vec<Vec<u8>>) -> Option<Self> {
        if self.key(self.low) > bound {
            return None;
        }
        let bytes = self.buffer.get(..self.end)?;
        let mut cursor = self.start.clone();
        let mut high = self.low;
        let rest_low = loop {
            let Ok(record) = cursor.seek(bytes) else { break self.high };
            let watermark = cursor.watermark_of(&record);
            if self.key(watermark) > bound {
                break watermark;
            }
            high = cursor.pass(&record).watermark;
        };
        let frame_count = cursor.number.saturating_sub(self.first_frame);
        if frame_count == 0 {
            return None;
        }
        let front_bytes = bytes.get(self.start.position..cursor.position)?;
        let mut buffer = recycled.pop().unwrap_or_default();
        grow(&mut buffer, front_bytes.len());
        buffer.get_mut(..front_bytes.len())?.copy_from_slice(front_bytes);
        let front = Self {
            frame_count,
            offset: self.offset(),
            end: front_bytes.len(),
            buffer,
            start: Cursor { position: 0, ..self.start.clone() },
            high,
            ..*self
        };
        self.first_frame = cursor.number;
        self.frame_count = self.frame_count.saturating_sub(frame_count);
        self.start = cursor;
        self.low = rest_low;
        self.after_loss = false;
        Some(front)
    }

    /// How many frames have a watermark beyond `bound`.
    pub(super) fn frames_beyond(&self, bound: Timestamp) -> u64 {
        if self.low > bound {
            return self.frame_count;
        }
        if self.high <= bound {
            return 0;
        }
        let within = self.frames().take_while(|frame| frame.watermark <= bound).fold(0_u64, |n, _| n.saturating_add(1));
        self.frame_count.saturating_sub(within)
    }
}

/// Makes a buffer at least `length` long. A recycled one keeps its length, so that its bytes are not zeroed again.
pub(super) fn grow(buffer: &mut Vec<u8>, length: usize) {
    if buffer.len() < length {
        buffer.resize(length, 0);
    }
}

pub(super) fn to_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// The frames of a window, in order.
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    cursor: Cursor,
    bytes: &'a [u8],
    offset: u64,
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    #[inline]
    fn next(&mut self) -> Option<Frame<'a>> {
        let record = self.cursor.seek(self.bytes).ok()?;
        let number = self.cursor.number;
        let offset = self.offset.saturating_add(to_u64(self.cursor.position.saturating_add(record.start)));
        let times = self.cursor.pass(&record);
        Some(Frame {
            number,
            time: times.time,
            watermark: times.watermark,
            link: record.link,
            wire_len: record.wire_len,
            bytes: record.bytes,
            offset,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::problem::Found;
    use crate::capture::testing::Pcapng;

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    #[test]
    fn packets_come_back_as_they_were_given() {
        let packets: [(Timestamp, &[u8]); 3] = [(at(5), b"a"), (at(1_700_000_000_000_000_001), b""), (at(7), b"ccc")];
        let window = Window::from_packets(LinkType::numbered(101), packets);
        let frames: Vec<_> = window.frames().collect();
        assert_eq!(window.frame_count, 3);
        for (index, (frame, (time, bytes))) in frames.iter().zip(packets).enumerate() {
            assert_eq!((frame.number, frame.time, frame.bytes), (index as u64 + 1, time, bytes));
            let start = usize::try_from(frame.offset - window.offset()).unwrap();
            assert_eq!(&window.bytes()[start..start + bytes.len()], bytes);
        }
    }

    #[test]
    fn a_file_that_ends_early_gives_what_is_whole() {
        let file = Pcapng::new(false).interface(1, 0, &[]).enhanced(0, 1, 3, b"abc").enhanced(0, 2, 3, b"def").bytes();
        for cut in 0..=file.len() {
            let frames = Window::from_capture(file[..cut].to_vec()).map_or(0, |window| window.frames().count());
            assert_eq!(frames, usize::from(cut >= 84) + usize::from(cut >= 120), "cut at {cut}");
        }
        assert_eq!(
            Window::from_capture(Vec::new()).err(),
            Some(Problem::NotACapture { found: Found::Empty, from_folder: false })
        );
    }

    #[test]
    fn splitting_changes_nothing_about_the_frames() {
        let mut writer = Pcapng::new(true).interface(1, 0, &[]);
        for stamp in 0..20 {
            writer = writer.enhanced(0, stamp / 2, 60, &[u8::try_from(stamp).unwrap(); 3]);
            if stamp == 9 {
                // Lies between what is split below, and must count once.
                writer = writer.interface(101, 0, &[]);
            }
            if stamp > 10 {
                writer = writer.enhanced(1, stamp / 2, 60, b"x").simple(4, b"s");
            }
        }
        let whole = Window::from_capture(writer.bytes()).unwrap();
        let expected: Vec<_> = whole.frames().collect();
        for step in 1..12 {
            let (mut rest, mut fronts) = (whole.clone(), Vec::new());
            for bound in (0..12).step_by(step) {
                fronts.extend(rest.split_front(Key { watermark: at(bound * 1_000), rank: 0 }, &mut vec![vec![7; 5]]));
                assert!(rest.frame_count == 0 || rest.low > at(bound * 1_000));
            }
            fronts.push(rest);
            let given: Vec<_> = fronts.iter().flat_map(Window::frames).collect();
            assert_eq!(given, expected);
            for window in &fronts {
                assert_eq!(window.frames().count() as u64, window.frame_count);
                assert_eq!(window.frames().next().map_or(window.low, |frame| frame.watermark), window.low);
                assert_eq!(window.frames().last().map_or(window.high, |frame| frame.watermark), window.high);
            }
        }
    }

    #[test]
    fn frames_beyond_a_bound_are_counted() {
        let window = Window::from_packets(LinkType::numbered(1), (0..10).map(|n| (at(n), &b"x"[..])));
        for bound in -1..11 {
            assert_eq!(window.frames_beyond(at(bound)), u64::try_from((9 - bound).clamp(0, 10)).unwrap());
        }
    }
}
