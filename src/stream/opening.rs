//! The first bytes of a direction: the header of a load balancer is taken off, and encryption is recognised.

use crate::decode::ProxyHeader;
use crate::extent::Extent;
use crate::reassembly::Arrival;

/// Content types of TLS records: change cipher spec to heartbeat (RFC 8446 5.1).
const TLS_TYPES: std::ops::RangeInclusive<u8> = 20..=24;
/// Bytes of the header of a TLS record, and the most that it may announce (RFC 5246 6.2.3).
const TLS_HEADER_LEN: usize = 5;
const MAX_TLS_RECORD_BYTES: u16 = (16 << 10) + 2_048;

/// Bytes that go on to the consumer.
pub(super) struct Passed<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) extent: Extent,
    pub(super) arrival: Arrival,
}

/// What was seen of the beginning of a direction.
#[derive(Debug, Default)]
pub(super) enum Opening {
    /// Nothing, or only keep-alives.
    #[default]
    Before,
    /// What may become the header of a load balancer, where it lies, and the frame in which its end arrived.
    Held(Box<(Vec<u8>, Extent, Arrival)>),
    /// All that matters.
    After,
}

/// What the first bytes show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    /// A header of a load balancer was taken off.
    pub(super) proxied: bool,
    /// What follows is encrypted.
    pub(super) tls: bool,
}

impl Opening {
    pub(super) const fn is_over(&self) -> bool {
        matches!(self, Self::After)
    }

    pub(super) fn memory(&self) -> usize {
        match self {
            Self::Held(held) => held.0.capacity(),
            Self::Before | Self::After => 0,
        }
    }

    /// Takes bytes of the beginning, and gives those that go on.
    #[cold]
    pub(super) fn take(&mut self, taken: Passed<'_>, pass: &mut dyn FnMut(Passed<'_>)) -> Shown {
        let held = match std::mem::take(self) {
            Self::After => {
                *self = Self::After;
                pass(taken);
                return Shown::default();
            }
            Self::Before => None,
            Self::Held(held) => Some(held),
        };
        let before = held.as_ref().map_or(0, |held| held.0.len());
        let joined = held.as_ref().map(|held| [&held.0, taken.bytes].concat());
        let bytes = joined.as_deref().unwrap_or(taken.bytes);
        let (proxied, length) = match ProxyHeader::at(bytes) {
            ProxyHeader::Open => {
                // It is not told apart where several pieces lie.
                let extent = if before == 0 { taken.extent } else { Extent { length: 0, ..taken.extent } };
                *self = Self::Held(Box::new((bytes.to_vec(), extent, taken.arrival)));
                return Shown::default();
            }
            ProxyHeader::None => (false, 0),
            ProxyHeader::Whole(length) => (true, length),
        };
        let rest = bytes.get(length..).unwrap_or_default();
        let tls = is_tls(rest);
        *self = if rest.is_empty() { Self::Before } else { Self::After };
        if let Some(held) = held.filter(|_| !proxied) {
            let (bytes, extent, arrival) = *held;
            pass(Passed { bytes: &bytes, extent, arrival });
        }
        let skipped = length.saturating_sub(before);
        if let Some(bytes @ [_, ..]) = taken.bytes.get(skipped..) {
            pass(Passed { bytes, extent: behind(taken.extent, skipped), arrival: taken.arrival });
        }
        Shown { proxied, tls }
    }

    /// The beginning is over: gives what is held.
    pub(super) fn release(&mut self, pass: &mut dyn FnMut(Passed<'_>)) {
        if let Self::Held(held) = std::mem::replace(self, Self::After) {
            let (bytes, extent, arrival) = *held;
            pass(Passed { bytes: &bytes, extent, arrival });
        }
    }
}

/// Whether bytes begin with the header of a TLS record.
fn is_tls(bytes: &[u8]) -> bool {
    let Some(&[kind, major, minor, high, low]) = bytes.first_chunk::<TLS_HEADER_LEN>() else { return false };
    let length = u16::from_be_bytes([high, low]);
    TLS_TYPES.contains(&kind) && major == 3 && minor <= 4 && (1..=MAX_TLS_RECORD_BYTES).contains(&length)
}

/// Where what follows the first `skipped` bytes lies.
fn behind(extent: Extent, skipped: usize) -> Extent {
    let skipped = u32::try_from(skipped).unwrap_or(u32::MAX).min(extent.length);
    Extent { offset: extent.offset.saturating_add(u64::from(skipped)), length: extent.length - skipped, ..extent }
}
