//! One direction of an association: which chunks are new, and what they make whole.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::holes::Holes;
use super::runs::Runs;
use super::{Give, Piece, SctpKey, SctpPiece, SctpStats};
use crate::limits::{MAX_TSN_JUMP, REMEMBERED_TSNS};
use crate::net::Endpoint;
use crate::reassembly::octets;
use crate::time::Timestamp;

/// One direction of an association.
#[derive(Debug)]
pub(super) struct Association {
    key: SctpKey,
    /// The chunks seen last, each at its number modulo [`REMEMBERED_TSNS`], with digests of what they said.
    seen: Vec<Option<Seen>>,
    /// The highest number so far, counted on where numbers wrap around.
    highest: Option<u64>,
    /// When, and on which path, the last chunk came.
    last: (Timestamp, (Endpoint, Endpoint)),
    holes: Holes,
    runs: Runs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    tsn: u32,
    digest: u32,
}

impl Association {
    pub(super) fn new(key: SctpKey) -> Self {
        Self {
            key,
            seen: Vec::new(),
            highest: None,
            last: (Timestamp::default(), (Endpoint::default(), Endpoint::default())),
            holes: Holes::default(),
            runs: Runs::default(),
        }
    }

    pub(super) const fn key(&self) -> &SctpKey {
        &self.key
    }

    /// Memory for pieces of messages, about, in bytes.
    pub(super) const fn held(&self) -> usize {
        self.runs.held()
    }

    /// Whether it waits for chunks.
    pub(super) fn waits(&self) -> bool {
        !self.holes.is_empty() || !self.runs.is_empty()
    }

    /// Takes a chunk.
    pub(super) fn chunk(&mut self, piece: &Piece<'_>, is_wanted: bool, stats: &mut SctpStats, give: Give<'_>) {
        if !self.is_new(piece) {
            stats.duplicates += 1;
            return;
        }
        let number = self.place(piece, stats, give);
        self.last = (piece.arrival.time, piece.path);
        let chunk = &piece.chunk;
        if !is_wanted {
            stats.unwanted += 1;
        } else if chunk.beginning && (chunk.ending || chunk.missing > 0) {
            stats.used += 1;
            stats.messages += 1;
            stats.cut += u64::from(chunk.missing > 0);
            give(SctpPiece::Message {
                path: piece.path,
                bytes: chunk.payload,
                extents: &[piece.extent],
                cut: chunk.missing > 0,
                arrival: piece.arrival,
            });
        } else if chunk.missing > 0 || chunk.payload.is_empty() {
            stats.given_up += 1;
        } else {
            self.runs.add(piece, number, stats, give);
        }
    }

    /// Gives up what will not come any more.
    pub(super) fn advance(&mut self, now: Timestamp, stats: &mut SctpStats, give: Give<'_>) {
        let path = self.last.1;
        self.holes.advance(now, &mut |lost, since| {
            stats.lost_chunks += lost;
            give(SctpPiece::Lost { path, since });
        });
        self.runs.advance(now, stats, give);
    }

    /// Gives up all messages that are not whole.
    pub(super) fn give_up_held(&mut self, stats: &mut SctpStats, give: Give<'_>) {
        self.runs.give_up_all(stats, give);
    }

    /// No more chunks will come.
    pub(super) fn finish(&mut self, stats: &mut SctpStats, give: Give<'_>) {
        let path = self.last.1;
        self.holes.finish(&mut |lost, since| {
            stats.lost_chunks += lost;
            give(SctpPiece::Lost { path, since });
        });
        self.runs.give_up_all(stats, give);
    }

    /// Whether the chunk was not seen before. What says something else under the same number is of another association that
    /// has the same tag.
    fn is_new(&mut self, piece: &Piece<'_>) -> bool {
        let chunk = &piece.chunk;
        // A message that is sent again to another address of its receiver is another one, as are those of others with this tag.
        let seed = if chunk.beginning && chunk.ending { path_digest(piece.path) } else { 0 };
        let seen = Seen { tsn: chunk.tsn, digest: low_bits(xxh3_64_with_seed(chunk.payload, seed)) };
        if self.seen.is_empty() {
            self.seen.resize(REMEMBERED_TSNS, None);
        }
        let slot = usize::try_from(chunk.tsn).unwrap_or(0) % REMEMBERED_TSNS;
        self.seen.get_mut(slot).is_some_and(|place| place.replace(seen) != Some(seen))
    }

    /// The number of a chunk, counted on where numbers wrap around; notes the numbers left out before it.
    fn place(&mut self, piece: &Piece<'_>, stats: &mut SctpStats, give: Give<'_>) -> u64 {
        /// Room for numbers before the first one seen.
        const FIRST: u64 = 1 << 32;
        let tsn = piece.chunk.tsn;
        let Some(highest) = self.highest else {
            let number = FIRST + u64::from(tsn);
            self.highest = Some(number);
            return number;
        };
        let distance = i64::from(tsn.wrapping_sub(low_bits(highest)).cast_signed());
        if distance.unsigned_abs() > MAX_TSN_JUMP {
            self.holes = Holes::default();
            self.runs.give_up_all(stats, give);
            let number = FIRST + u64::from(tsn);
            self.highest = Some(number);
            return number;
        }
        let number = highest.saturating_add_signed(distance);
        if number > highest {
            let path = self.last.1;
            self.holes.open(highest + 1, number, self.last.0, piece.arrival.watermark, &mut |lost, since| {
                stats.lost_chunks += lost;
                give(SctpPiece::Lost { path, since });
            });
            self.highest = Some(number);
        } else {
            self.holes.fill(number);
        }
        number
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only these bits are asked for")]
const fn low_bits(number: u64) -> u32 {
    number as u32
}

fn path_digest((source, destination): (Endpoint, Endpoint)) -> u64 {
    xxh3_64_with_seed(&octets(destination.address), xxh3_64_with_seed(&octets(source.address), 0))
}
