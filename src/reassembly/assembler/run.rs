//! Runs of bytes at their place in a stream.

use crate::extent::Extent;
use crate::reassembly::{Arrival, part};

/// A run of bytes of a stream, borrowed from a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run<'a> {
    /// Place of the first byte; see [`super::Assembler`] on how places are counted.
    pub position: u64,
    /// The bytes that were captured.
    pub bytes: &'a [u8],
    /// Bytes after them that the capture cut off.
    pub missing: u64,
    /// Where the captured bytes lie.
    pub extent: Extent,
    /// The frame in which they came.
    pub arrival: Arrival,
    /// Number of the segment in its direction: the higher, the later.
    pub serial: u64,
}

impl<'a> Run<'a> {
    /// The place after the last byte, captured or not.
    pub(super) const fn end(&self) -> u64 {
        self.position.saturating_add(self.bytes.len() as u64).saturating_add(self.missing)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.missing == 0
    }

    /// What lies before a place, and what lies at or after it.
    pub(super) fn split_at(self, position: u64) -> (Self, Self) {
        let distance = position.saturating_sub(self.position).min(self.end() - self.position);
        let skip = usize::try_from(distance).unwrap_or(usize::MAX).min(self.bytes.len());
        let (before, after) = self.bytes.split_at_checked(skip).unwrap_or((self.bytes, &[]));
        let missing_before = distance - before.len() as u64;
        (
            Self { bytes: before, missing: missing_before, extent: part(self.extent, 0, skip), ..self },
            Self {
                position: self.position + distance,
                bytes: after,
                missing: self.missing - missing_before,
                extent: part(self.extent, skip, after.len()),
                ..self
            },
        )
    }

    /// The captured bytes from one place to before another.
    pub(super) fn between(&self, from: u64, to: u64) -> &'a [u8] {
        let (before, _) = self.split_at(to);
        before.split_at(from).1.bytes
    }

    /// A copy that outlives the segment.
    pub(super) fn to_held(self) -> HeldRun {
        HeldRun {
            position: self.position,
            bytes: self.bytes.into(),
            missing: self.missing,
            extent: self.extent,
            arrival: self.arrival,
            serial: self.serial,
        }
    }
}

/// A run of bytes that waits for an earlier one; see [`Run`].
#[derive(Clone, Debug)]
pub(super) struct HeldRun {
    pub position: u64,
    bytes: Box<[u8]>,
    missing: u64,
    extent: Extent,
    pub arrival: Arrival,
    serial: u64,
}

impl HeldRun {
    pub(super) fn as_run(&self) -> Run<'_> {
        Run {
            position: self.position,
            bytes: &self.bytes,
            missing: self.missing,
            extent: self.extent,
            arrival: self.arrival,
            serial: self.serial,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn end(&self) -> u64 {
        self.as_run().end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_split_anywhere() {
        let extent = Extent { input: 1, offset: 100, length: 4 };
        let run = Run { position: 10, bytes: b"abcd", missing: 3, extent, arrival: Arrival::default(), serial: 0 };
        for at in 0..25 {
            let (before, after) = run.split_at(at);
            assert_eq!([before.bytes, after.bytes].concat(), b"abcd");
            assert_eq!((before.position, before.end(), after.end()), (10, after.position, 17));
            assert_eq!(before.missing + after.missing, 3);
            assert_eq!(before.extent.length as usize, before.bytes.len());
            assert_eq!(after.extent.length as usize, after.bytes.len());
            assert_eq!(after.extent.offset, 100 + before.bytes.len() as u64);
        }
        assert_eq!(run.between(11, 13), b"bc");
        assert_eq!(run.between(13, 16), b"d");
        assert_eq!(run.between(15, 30), b"");
        assert_eq!(run.to_held().as_run().between(0, 99), b"abcd");
    }
}
