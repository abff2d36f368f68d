//! One IP packet of which fragments have arrived.

use xxhash_rust::xxh3::xxh3_64;

use super::{LostPacket, Reassembled};
use crate::decode::{Fragment, ReassembledHead};
use crate::extent::Extent;
use crate::limits::MAX_FRAGMENTS_PER_PACKET;
use crate::reassembly::part;
use crate::time::Timestamp;

/// Memory that a fragment takes beside its bytes, about, in bytes: so many tiny ones count for what they are.
const FRAGMENT_COST: usize = 128;
/// Marks that outlive a packet. Real packets have no more fragments; copies beyond are taken for a new packet.
const MAX_MARKS: usize = 64;

/// What the beginning of a UDP datagram with media has: its protocol, its header, the version behind it.
const UDP: u8 = 17;
const UDP_HEADER_LEN: usize = 8;
const MEDIA_VERSION: u8 = 2;

/// What tells a copy of a fragment from another fragment at the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    offset: u32,
    more: bool,
    length: usize,
    hash: u64,
}

impl Mark {
    pub(super) fn of(fragment: &Fragment<'_>) -> Self {
        Self {
            offset: fragment.offset,
            more: fragment.more,
            length: fragment.payload.len(),
            hash: xxh3_64(fragment.payload),
        }
    }
}

/// What became of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// Some of its bytes were new.
    New,
    /// All its bytes were there already.
    Duplicate,
    /// It contradicts the length of the packet.
    Contradiction,
    /// The packet has as many fragments as it may have.
    TooMany,
}

/// A run of bytes of the packet.
#[derive(Debug)]
struct Piece {
    offset: usize,
    bytes: Vec<u8>,
    extent: Extent,
}

impl Piece {
    const fn end(&self) -> usize {
        self.offset + self.bytes.len()
    }
}

/// One IP packet of which fragments have arrived. The first byte that came for a place stays.
///
/// RFC 8200 4.5 has receivers discard an IPv6 packet whose fragments overlap; here it is kept, because what the receiver
/// made of it is not known, and the overlap is counted.
#[derive(Debug)]
pub(super) struct FragmentedPacket {
    capture_source: u32,
    head: ReassembledHead,
    /// In order of offset; `pieces[i].end() <= pieces[i + 1].offset`; none is empty.
    pieces: Vec<Piece>,
    /// Bytes in all pieces.
    held: usize,
    /// Length of the payload, once the last fragment has come; no piece ends beyond it.
    total: Option<usize>,
    /// The fragments of which bytes are in the pieces.
    marks: Vec<Mark>,
    /// The watermarks at the first and the last fragment.
    came: (Timestamp, Timestamp),
}

impl FragmentedPacket {
    /// An empty packet that `fragment` belongs to.
    pub(super) fn of(capture_source: u32, fragment: &Fragment<'_>, now: Timestamp) -> Self {
        let head = ReassembledHead {
            source: fragment.source,
            destination: fragment.destination,
            protocol: fragment.protocol,
            identification: fragment.identification,
            depth: 0,
            nesting: fragment.nesting,
        };
        Self { capture_source, head, pieces: Vec::new(), held: 0, total: None, marks: Vec::new(), came: (now, now) }
    }

    pub(super) const fn capture_source(&self) -> u32 {
        self.capture_source
    }

    /// Fragments of which bytes are kept.
    pub(super) fn fragments(&self) -> u64 {
        self.marks.len() as u64
    }

    /// Memory that it takes, about, in bytes.
    pub(super) const fn cost(&self) -> usize {
        self.held + self.marks.len() * FRAGMENT_COST
    }

    /// A fragment came, whatever became of it.
    pub(super) const fn note(&mut self, now: Timestamp) {
        self.came.1 = now;
    }

    /// The watermark at its first fragment.
    pub(super) const fn began(&self) -> Timestamp {
        self.came.0
    }

    /// What is lost if it is given up `now`; nothing if the beginning shows that it is media (RFC 3550 5.1).
    pub(super) fn loss(&self, now: Timestamp) -> Option<LostPacket> {
        let start = self.pieces.first().filter(|piece| piece.offset == 0);
        let first = start.and_then(|piece| piece.bytes.get(UDP_HEADER_LEN));
        if self.head.protocol == UDP && first.is_some_and(|first| first >> 6 == MEDIA_VERSION) {
            return None;
        }
        let (since, until) = self.came;
        let shown = now.max(until);
        Some(LostPacket { source: self.head.source, destination: self.head.destination, since, until, shown })
    }

    pub(super) fn is_whole(&self) -> bool {
        self.total == Some(self.held)
    }

    /// Adds a fragment, none of whose bytes are missing, and says whether it differs from what was there.
    pub(super) fn add(&mut self, fragment: &Fragment<'_>, extent: Extent) -> (Added, bool) {
        let start = fragment.offset as usize;
        let end = start + fragment.payload.len();
        let reached = self.pieces.last().map_or(0, Piece::end);
        let fits = match self.total {
            Some(total) => {
                if fragment.more {
                    end <= total
                } else {
                    end == total
                }
            }
            None => fragment.more || reached <= end,
        };
        if !fits {
            return (Added::Contradiction, true);
        }
        if self.marks.len() >= MAX_FRAGMENTS_PER_PACKET {
            return (Added::TooMany, false);
        }
        if !fragment.more {
            self.total = Some(end);
        }
        // RFC 8200 4.5: the next header of the fragment at offset 0 counts.
        if start == 0 {
            self.head.protocol = fragment.protocol;
        }
        self.head.depth = self.head.depth.max(fragment.depth.saturating_add(1));
        let (new, conflict) = self.fill(start, fragment.payload, extent);
        if new == 0 {
            return (Added::Duplicate, conflict);
        }
        self.held += new;
        self.marks.push(Mark::of(fragment));
        (Added::New, conflict)
    }

    /// The packet, which must be whole, and the marks by which copies of its fragments are known.
    pub(super) fn into_whole(self) -> (Reassembled, Vec<Mark>) {
        let mut payload = Vec::with_capacity(self.held);
        let mut extents = Vec::with_capacity(self.pieces.len());
        for piece in &self.pieces {
            payload.extend_from_slice(&piece.bytes);
            extents.push(piece.extent);
        }
        let mut marks = self.marks;
        marks.truncate(MAX_MARKS);
        (Reassembled { head: self.head, payload, extents }, marks)
    }

    /// Puts the bytes that are not there yet in their places; gives their number, and whether others differ.
    fn fill(&mut self, start: usize, bytes: &[u8], extent: Extent) -> (usize, bool) {
        let end = start + bytes.len();
        let (mut at, mut new, mut conflict) = (start, 0, false);
        let mut index = self.pieces.partition_point(|piece| piece.end() <= start);
        while at < end {
            let skip = at - start;
            match self.pieces.get(index) {
                Some(piece) if piece.offset <= at => {
                    let stop = piece.end().min(end);
                    let theirs = piece.bytes.get(at - piece.offset..stop - piece.offset);
                    conflict |= theirs != bytes.get(skip..stop - start);
                    at = stop;
                }
                following => {
                    let stop = following.map_or(end, |piece| piece.offset.min(end));
                    let bytes = bytes.get(skip..stop - start).unwrap_or_default().to_vec();
                    new += bytes.len();
                    let extent = part(extent, skip, bytes.len());
                    self.pieces.insert(index, Piece { offset: at, bytes, extent });
                    at = stop;
                }
            }
            index += 1;
        }
        (new, conflict)
    }
}
