//! The bytes of one layer of a frame, and how many of them the capture lacks.

use super::Skip;
use crate::limits::MAX_LAYERS;

/// What is left of a frame once the layers outside it are undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layer<'a> {
    /// The captured bytes.
    pub bytes: &'a [u8],
    /// Bytes that belong after them and were not captured.
    pub missing: usize,
    /// Layers already undone; at most [`MAX_LAYERS`].
    depth: u8,
    /// IP headers among them.
    packets: u8,
}

impl<'a> Layer<'a> {
    /// A whole frame.
    pub(super) fn of_frame(bytes: &'a [u8], wire_len: u32) -> Self {
        let wire_len = usize::try_from(wire_len).unwrap_or(usize::MAX);
        Self { bytes, missing: wire_len.saturating_sub(bytes.len()), depth: 0, packets: 0 }
    }

    /// The payload of a packet put together from fragments, which had `nesting` packets around it.
    pub(super) const fn of_reassembled(bytes: &'a [u8], depth: u8, nesting: u8) -> Self {
        Self { bytes, missing: 0, depth, packets: nesting.saturating_add(1) }
    }

    /// Chunks that were taken out of their packet before.
    pub(super) fn of_chunks(bytes: &'a [u8], missing: u32) -> Self {
        Self { bytes, missing: usize::try_from(missing).unwrap_or(usize::MAX), depth: 0, packets: 0 }
    }

    /// What follows the first `length` bytes, or nothing if fewer were captured.
    pub(super) fn after(self, length: usize) -> Option<Self> {
        Some(Self { bytes: self.bytes.get(length..)?, ..self })
    }

    /// The first `length` bytes as a header says: the rest is padding, and what is not there is missing.
    pub(super) fn limit(self, length: usize) -> Self {
        let bytes = self.bytes.get(..length).unwrap_or(self.bytes);
        Self { bytes, missing: length.saturating_sub(bytes.len()), ..self }
    }

    /// The same bytes one layer further in.
    pub(super) fn deeper(self) -> Result<Self, Skip> {
        match self.depth.checked_add(1) {
            Some(depth) if usize::from(depth) <= MAX_LAYERS => Ok(Self { depth, ..self }),
            _ => Err(Skip::TooManyLayers),
        }
    }

    /// The same bytes, known to begin with an IP header.
    pub(super) fn packet(self) -> Result<Self, Skip> {
        Ok(Self { packets: self.packets.saturating_add(1), ..self.deeper()? })
    }

    /// The two bytes at `offset`, in network byte order.
    pub(super) fn u16_at(self, offset: usize) -> Option<u16> {
        Some(u16::from_be_bytes(*self.bytes.get(offset..)?.first_chunk()?))
    }

    /// `truncated` if the capture cut this layer short, else `invalid`: the headers themselves leave no room.
    pub(super) const fn too_short(self, truncated: Skip, invalid: Skip) -> Skip {
        if self.missing > 0 { truncated } else { invalid }
    }

    /// [`Self::missing`] as the public types hold it; saturates.
    pub(super) fn missing_u32(self) -> u32 {
        u32::try_from(self.missing).unwrap_or(u32::MAX)
    }

    /// Layers already undone.
    pub(super) const fn depth(self) -> u8 {
        self.depth
    }

    /// IP packets around the one whose payload this is.
    pub(super) const fn nesting(self) -> u8 {
        self.packets.saturating_sub(1)
    }
}
