//! Reads bytes of an input a second time, by where they lie.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::compression::{UnpackError, unpack};
use super::format::HEAD_BYTES;
use super::reader::Stream;
use crate::extent::Extent;

/// Reads runs of bytes of one input again; each in its place, or nothing where the input has become shorter or cannot be read.
/// The offsets are those in the input without its compression. No more is held than what is asked for.
pub fn read_again(path: &Path, extents: &[Extent]) -> Vec<Option<Vec<u8>>> {
    let mut found = vec![None; extents.len()];
    let mut order: Vec<usize> = (0..extents.len()).collect();
    order.sort_by_key(|at| extents.get(*at).map(|extent| extent.offset));
    let Ok(mut input) = Input::open(path) else { return found };
    for at in order {
        let (Some(extent), Some(place)) = (extents.get(at), found.get_mut(at)) else { continue };
        *place = input.read(extent).ok();
    }
    found
}

/// An input that is read from one place to a later one.
enum Input {
    Plain(File),
    /// Within compression there is no way but through all of it.
    Packed {
        stream: Stream,
        /// Bytes unpacked so far, and the last ones of them.
        reached: u64,
        /// The last bytes that were read, where runs overlap.
        last: (u64, Vec<u8>),
    },
}

impl Input {
    fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let mut head = Vec::new();
        file.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head)?;
        let again = file.try_clone()?;
        match unpack(head, Box::new(file)) {
            Ok((stream, _)) => Ok(Self::Packed { stream, reached: 0, last: (0, Vec::new()) }),
            Err(UnpackError::NotPacked(..)) => Ok(Self::Plain(again)),
            Err(UnpackError::Failed(error)) => Err(error),
        }
    }

    fn read(&mut self, extent: &Extent) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let length = u64::from(extent.length);
        match self {
            Self::Plain(file) => {
                file.seek(SeekFrom::Start(extent.offset))?;
                file.take(length).read_to_end(&mut bytes)?;
            }
            Self::Packed { stream, reached, last } => {
                if extent.offset < *reached {
                    // A copy, or a part, of what was read last.
                    let start = usize::try_from(extent.offset.saturating_sub(last.0)).unwrap_or(usize::MAX);
                    let known = last.1.get(start..).filter(|_| extent.offset >= last.0).unwrap_or_default();
                    bytes.extend(known.iter().take(usize::try_from(length).unwrap_or(usize::MAX)));
                } else {
                    let skipped = extent.offset.saturating_sub(*reached);
                    let passed = io::copy(&mut stream.by_ref().take(skipped), &mut io::sink())?;
                    *reached = reached.saturating_add(passed);
                }
                let missing = length.saturating_sub(bytes.len() as u64);
                let read = stream.by_ref().take(missing).read_to_end(&mut bytes)?;
                *reached = reached.saturating_add(read as u64);
                *last = (extent.offset, bytes.clone());
            }
        }
        if bytes.len() as u64 == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn runs_are_read_in_any_order_from_plain_and_packed_files() {
        let folder = tempfile::tempdir().unwrap();
        let content: Vec<u8> = (0..100_000_u32).flat_map(u32::to_be_bytes).collect();
        let plain = folder.path().join("plain");
        std::fs::write(&plain, &content).unwrap();
        let packed = folder.path().join("packed");
        let mut encoder = flate2::write::GzEncoder::new(File::create(&packed).unwrap(), flate2::Compression::fast());
        encoder.write_all(&content).unwrap();
        encoder.finish().unwrap();
        let runs = [(300_000, 5), (8, 4), (8, 4), (10, 6), (399_990, 10), (399_999, 2), (0, 8)];
        let extents: Vec<Extent> = runs.map(|(offset, length)| Extent { input: 0, offset, length }).to_vec();
        for path in [plain, packed] {
            for ((offset, length), found) in runs.iter().zip(read_again(&path, &extents)) {
                let start = usize::try_from(*offset).unwrap();
                let wanted = content.get(start..start + *length as usize).map(<[u8]>::to_vec);
                assert_eq!(found, wanted, "{} bytes at {offset} of {path:?}", length);
            }
        }
        assert_eq!(read_again(&folder.path().join("none"), &extents), vec![None; extents.len()]);
    }
}
