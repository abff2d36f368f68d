//! A frame, as the rooms downstream see it.

use std::fmt;

use crate::time::Timestamp;

/// One frame of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Number of the frame in its input, from 1, as Wireshark shows it.
    pub number: u64,
    /// When it was captured. A frame without a time has that of the frame before it in the input, or 1970-01-01.
    pub time: Timestamp,
    /// Capture time known to be reached in the source of the frame. Never goes back.
    pub watermark: Timestamp,
    /// What the bytes begin with.
    pub link: LinkKind,
    /// Bytes the packet had on the wire; never less than `bytes` holds.
    pub wire_len: u32,
    /// The captured bytes, without any header of the capture format.
    pub bytes: &'a [u8],
    /// Offset of `bytes` in the (decompressed) input.
    pub offset: u64,
}

/// What the bytes of a frame begin with: a LINKTYPE number of the capture, or the reason why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkKind(u32);

impl LinkKind {
    /// The frame is numbered by Wireshark but holds no packet: a journal entry, an event, a custom block.
    pub const NO_PACKET: Self = Self(1 << 16);
    /// The packet names an interface that its section does not describe, so nobody knows what it begins with.
    pub const NO_INTERFACE: Self = Self(1 << 17);

    /// The link type with this number in the registry of LINKTYPE values.
    pub const fn linktype(number: u16) -> Self {
        Self(number as u32)
    }

    /// The LINKTYPE number, if the frame has one.
    pub fn number(self) -> Option<u16> {
        u16::try_from(self.0).ok()
    }
}

impl fmt::Display for LinkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NO_PACKET => f.write_str("no packet"),
            Self::NO_INTERFACE => f.write_str("unknown interface"),
            Self(number) => write!(f, "{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_linktype_is_distinct_from_the_reasons_for_having_none() {
        assert_eq!(LinkKind::linktype(u16::MAX).number(), Some(u16::MAX));
        assert_eq!(LinkKind::NO_PACKET.number(), None);
        assert_eq!(LinkKind::NO_INTERFACE.number(), None);
        assert_eq!(LinkKind::linktype(113).to_string(), "113");
    }
}
