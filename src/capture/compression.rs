//! The compressions around captures, recognised by content and unpacked while they are read.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bzip2::read::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use lz4_flex::frame;
use lzma_rust2::XzReader;
use zstd::stream::read::Decoder as ZstdDecoder;

use super::reader::Stream;
use super::window::to_u64;
use crate::limits::{
    ARCHIVE_BLOCK_BYTES, MAX_UNPACKED_RATIO, MAX_XZ_MEMORY_KIB, MAX_ZSTD_WINDOW_LOG, MIN_UNPACKED_BYTES,
};

/// A compression that is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// gzip (RFC 1952), with any number of members.
    Gzip,
    /// Zstandard (RFC 8878), with any number of frames.
    Zstd,
    /// The frame format of LZ4, with any number of frames.
    Lz4,
    /// bzip2, with any number of streams.
    Bzip2,
    /// xz, with any number of streams.
    Xz,
}

impl Compression {
    /// The name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
        }
    }
}

/// What decoders read from.
type Packed = BufReader<Counted>;

/// A row of the table of compressions.
struct Row {
    compression: Compression,
    magic: &'static [u8],
    open: fn(Packed) -> io::Result<Stream>,
}

/// The compressions that are undone.
static COMPRESSIONS: &[Row] = &[
    Row {
        compression: Compression::Gzip,
        magic: b"\x1f\x8b\x08",
        open: |packed| Ok(Box::new(MultiGzDecoder::new(packed))),
    },
    Row {
        compression: Compression::Zstd,
        magic: b"\x28\xb5\x2f\xfd",
        open: |packed| {
            let mut decoder = ZstdDecoder::with_buffer(packed)?;
            decoder.window_log_max(MAX_ZSTD_WINDOW_LOG)?;
            Ok(Box::new(decoder))
        },
    },
    Row {
        compression: Compression::Lz4,
        magic: b"\x04\x22\x4d\x18",
        open: |packed| Ok(Box::new(Lz4 { frames: frame::FrameDecoder::new(packed), skipped: false })),
    },
    Row { compression: Compression::Bzip2, magic: b"BZh", open: |packed| Ok(Box::new(MultiBzDecoder::new(packed))) },
    Row {
        compression: Compression::Xz,
        magic: b"\xfd7zXZ\0",
        open: |packed| Ok(Box::new(XzReader::new_mem_limit(packed, true, MAX_XZ_MEMORY_KIB))),
    },
];

/// The compression of a file that begins with these bytes.
pub(super) fn recognise(head: &[u8]) -> Option<Compression> {
    row(head).map(|row| row.compression)
}

fn row(head: &[u8]) -> Option<&'static Row> {
    let mut rest = head;
    // Frames to be skipped (RFC 8878 3.1.2) are the same in zstd and lz4: what they are of shows in the frame behind.
    while let Some((frame, after)) = rest.split_first_chunk::<8>() {
        let [0x50..=0x5f, 0x2a, 0x4d, 0x18, length @ ..] = frame else { break };
        let Some(behind) = usize::try_from(u32::from_le_bytes(*length)).ok().and_then(|length| after.get(length..))
        else {
            break;
        };
        rest = behind;
    }
    COMPRESSIONS.iter().find(|row| rest.starts_with(row.magic))
}

/// An archive that is being unpacked.
#[derive(Debug)]
pub(super) struct Archive {
    pub(super) compression: Compression,
    taken: Arc<AtomicU64>,
}

impl Archive {
    /// Bytes of the archive that have been read.
    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

/// The unpacked stream of an archive of which `head` has been read; `Err` gives both back if it is none.
pub(super) fn unpack(head: Vec<u8>, stream: Stream) -> Result<(Stream, Archive), UnpackError> {
    let Some(row) = row(&head) else { return Err(UnpackError::NotPacked(head, stream)) };
    let taken = Arc::new(AtomicU64::new(0));
    let counted = Counted {
        stream: Box::new(io::Cursor::new(head).chain(stream)),
        taken: Arc::clone(&taken),
        tail: [u8::MAX; TAIL_BYTES],
    };
    let packed = BufReader::with_capacity(ARCHIVE_BLOCK_BYTES, counted);
    let stream = (row.open)(packed).map_err(UnpackError::Failed)?;
    let stream: Stream = Box::new(Bounded { stream, given: 0, taken: Arc::clone(&taken) });
    Ok((stream, Archive { compression: row.compression, taken }))
}

/// Why nothing was unpacked.
pub(super) enum UnpackError {
    /// It is no archive; the head and the rest.
    NotPacked(Vec<u8>, Stream),
    /// The decoder could not be made.
    Failed(io::Error),
}

/// An unpacked stream that ends in an error if it is far longer than any capture is that was packed so small.
struct Bounded<R> {
    stream: R,
    given: u64,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let allowed = self.taken.load(Ordering::Relaxed).saturating_mul(MAX_UNPACKED_RATIO);
        if self.given > allowed.max(MIN_UNPACKED_BYTES) {
            let problem = format!("it unpacks to more than {MAX_UNPACKED_RATIO} times its size");
            return Err(io::Error::other(problem));
        }
        let count = self.stream.read(buffer)?;
        self.given = self.given.saturating_add(to_u64(count));
        Ok(count)
    }
}

/// A stream whose bytes are counted.
struct Counted {
    stream: Stream,
    taken: Arc<AtomicU64>,
    /// The last bytes read, the very last at the end.
    tail: [u8; TAIL_BYTES],
}

/// Bytes in which the end mark of an lz4 frame stands, with the checksum that may follow it.
const TAIL_BYTES: usize = 8;

impl Counted {
    /// Keeps the end of what was read.
    fn keep_tail(&mut self, read: &[u8]) {
        if let Some(tail) = read.last_chunk() {
            self.tail = *tail;
            return;
        }
        self.tail.rotate_left(read.len());
        if let Some(room) = self.tail.len().checked_sub(read.len()).and_then(|kept| self.tail.get_mut(kept..)) {
            room.copy_from_slice(read);
        }
    }
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.taken.fetch_add(to_u64(count), Ordering::Relaxed);
        self.keep_tail(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

/// All frames of an lz4 file: the decoder ends at the end of each, and at those that are to be skipped.
struct Lz4 {
    frames: frame::FrameDecoder<Packed>,
    /// Whether the last frame was one to be skipped, which has no end mark.
    skipped: bool,
}

impl Read for Lz4 {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match self.frames.read(buffer) {
                Ok(0) if !self.frames.get_mut().fill_buf()?.is_empty() => self.skipped = false,
                Ok(0) if self.is_cut() => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.skipped &= count == 0;
                    return Ok(count);
                }
                Err(error) => {
                    self.skip(skipped(&error).ok_or(error)?)?;
                    self.skipped = true;
                }
            }
        }
    }
}

impl Lz4 {
    /// Whether the file ends without the end mark of a frame, four zero bytes and at most a checksum behind them. The
    /// decoder takes an end between two blocks for the end of the frame.
    fn is_cut(&mut self) -> bool {
        let [checked @ .., e, f, g, h] = self.frames.get_mut().get_mut().tail;
        !self.skipped && [e, f, g, h] != [0; 4] && checked != [0; 4]
    }

    fn skip(&mut self, length: u32) -> io::Result<()> {
        let passed = io::copy(&mut self.frames.get_mut().take(length.into()), &mut io::sink())?;
        if passed == u64::from(length) { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

/// The length of the frame to be skipped that a decoder met.
fn skipped(error: &io::Error) -> Option<u32> {
    match error.get_ref()?.downcast_ref()? {
        frame::Error::SkippableFrame(length) => Some(*length),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_unique() {
        for (index, row) in COMPRESSIONS.iter().enumerate() {
            assert_eq!(recognise(row.magic), Some(row.compression));
            assert!(COMPRESSIONS.iter().skip(index + 1).all(|other| !other.magic.starts_with(row.magic)));
        }
    }

    #[test]
    fn a_stream_that_grows_beyond_belief_ends_in_an_error() {
        let taken = Arc::new(AtomicU64::new(1 << 20));
        let mut zeros = Bounded { stream: io::repeat(0), given: MAX_UNPACKED_RATIO << 20, taken };
        let mut buffer = [0; 64];
        assert_eq!(zeros.read(&mut buffer).unwrap(), 64);
        assert!(zeros.read(&mut buffer).unwrap_err().to_string().contains("times its size"));
        let taken = Arc::new(AtomicU64::new(1));
        let mut small = Bounded { stream: io::repeat(0), given: MIN_UNPACKED_BYTES, taken };
        assert_eq!(small.read(&mut buffer).unwrap(), 64, "a small archive may hold a large capture");
    }

    #[test]
    fn frames_to_be_skipped_are_of_what_follows_them() {
        let skipped = b"\x50\x2a\x4d\x18\x04\0\0\0abcd";
        assert_eq!(recognise(&[&skipped[..], b"\x28\xb5\x2f\xfd"].concat()), Some(Compression::Zstd));
        assert_eq!(recognise(&[&skipped[..], skipped, b"\x04\x22\x4d\x18"].concat()), Some(Compression::Lz4));
        for cut in 0..skipped.len() {
            assert_eq!(recognise(&skipped[..cut]), None);
        }
        assert_eq!(recognise(b"\x50\x2a\x4d\x18\xff\xff\xff\xff\x28\xb5\x2f\xfd"), None);
    }
}
