//! From fragments and segments in capture order to whole packets and ordered bytes.
//!
//! Everything is decided by the frames alone: by their contents, their order and their capture time, never by how they
//! were batched. So the same capture gives the same bytes, gaps and counts on every run.

mod aged_map;
mod arrival;
mod assembler;
mod flow;
mod fragments;
mod sctp;
mod stats;

pub use self::arrival::Arrival;
pub use self::assembler::{Assembler, Deliver, Piece, SegmentIn};
pub use self::flow::{Direction, FlowKey, Pair};
pub use self::fragments::{FragmentKey, FragmentTable, LostPacket, Reassembled};
pub use self::sctp::{SctpDeliver, SctpKey, SctpPiece, SctpTable, Shown, Wanted};
pub use self::stats::{AssemblerStats, FragmentStats, SctpStats};

pub(crate) use self::aged_map::AgedMap;

use std::net::IpAddr;

use crate::extent::Extent;

/// The part of an extent that begins `skip` bytes into it and is at most `length` bytes long.
fn part(extent: Extent, skip: usize, length: usize) -> Extent {
    let skip = u32::try_from(skip).unwrap_or(u32::MAX).min(extent.length);
    let length = u32::try_from(length).unwrap_or(u32::MAX).min(extent.length - skip);
    Extent { input: extent.input, offset: extent.offset.saturating_add(u64::from(skip)), length }
}

/// The bytes of an address, the same on every machine.
const fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}
