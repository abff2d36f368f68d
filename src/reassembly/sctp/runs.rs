//! Pieces of messages that are not whole.

use std::collections::BTreeMap;

use super::{Give, Piece, SctpPiece, SctpStats};
use crate::decode::DataPlace;
use crate::extent::Extent;
use crate::limits::{MAX_SCTP_PIECES, SCTP_LOSS_SECONDS};
use crate::net::Endpoint;
use crate::reassembly::Arrival;
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// What the pieces of a message have in common, and which of them one is. Pieces that follow each other have numbers that do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    stream: u16,
    unordered: bool,
    interleaved: bool,
    message: u32,
    number: u64,
}

/// A piece that is held.
#[derive(Debug)]
struct Held {
    bytes: Vec<u8>,
    extent: Extent,
}

/// Pieces of one message that follow each other.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// The number behind the last one.
    end: u64,
    begins: bool,
    ends: bool,
    path: (Endpoint, Endpoint),
    /// The frame of the piece that came last.
    arrival: Arrival,
}

/// The pieces of one direction, and the runs that they form, by where those start.
#[derive(Debug, Default)]
pub(super) struct Runs {
    pieces: BTreeMap<Place, Held>,
    runs: BTreeMap<Place, Run>,
    held: usize,
}

/// Memory that a piece takes besides its bytes, about.
const PIECE_COST: usize = 192;

impl Place {
    fn of(piece: &Piece<'_>, tsn: u64) -> Self {
        let chunk = &piece.chunk;
        let (interleaved, message, number) = match chunk.place {
            // Where the order of messages does not matter, this number says nothing (RFC 9260 6.6).
            DataPlace::Sequence(sequence) => (false, if chunk.unordered { 0 } else { sequence.into() }, tsn),
            DataPlace::Interleaved { message, fragment } => (true, message, fragment.into()),
        };
        Self { stream: chunk.stream, unordered: chunk.unordered, interleaved, message, number }
    }

    const fn at(self, number: u64) -> Self {
        Self { number, ..self }
    }
}

impl Runs {
    pub(super) const fn held(&self) -> usize {
        self.held
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Takes a piece, and gives its message if it is whole now.
    pub(super) fn add(&mut self, piece: &Piece<'_>, tsn: u64, stats: &mut SctpStats, give: Give<'_>) {
        let place = Place::of(piece, tsn);
        if self.pieces.contains_key(&place) {
            // What came first holds.
            stats.duplicates += 1;
            return;
        }
        if self.pieces.len() >= MAX_SCTP_PIECES {
            stats.evictions += 1;
            self.give_up_all(stats, give);
        }
        stats.open += 1;
        self.held += piece.chunk.payload.len() + PIECE_COST;
        self.pieces.insert(place, Held { bytes: piece.chunk.payload.to_vec(), extent: piece.extent });
        let mut start = place;
        let mut run = Run {
            end: place.number + 1,
            begins: piece.chunk.beginning,
            ends: piece.chunk.ending,
            path: piece.path,
            arrival: piece.arrival,
        };
        if !run.ends
            && let Some(next) = self.runs.get(&place.at(run.end)).copied()
            && !next.begins
        {
            self.runs.remove(&place.at(run.end));
            (run.end, run.ends) = (next.end, next.ends);
        }
        if !run.begins
            && let Some((before, earlier)) = self.runs.range_mut(place.at(0)..place).next_back()
            && earlier.end == place.number
            && !earlier.ends
        {
            start = *before;
            run.begins = earlier.begins;
        }
        if run.begins && run.ends {
            self.runs.remove(&start);
            self.give(start, &run, false, stats, give);
        } else {
            self.runs.insert(start, run);
        }
    }

    /// Gives up messages of which nothing has come for too long.
    pub(super) fn advance(&mut self, now: Timestamp, stats: &mut SctpStats, give: Give<'_>) {
        let is_over = |run: &Run| now.since(run.arrival.watermark) > SCTP_LOSS_SECONDS * NANOS_PER_SECOND;
        let over: Vec<(Place, Run)> = self.runs.extract_if(.., |_, run| is_over(run)).collect();
        self.give_up(over, stats, give);
    }

    /// Gives up all messages.
    pub(super) fn give_up_all(&mut self, stats: &mut SctpStats, give: Give<'_>) {
        let all = std::mem::take(&mut self.runs).into_iter().collect();
        self.give_up(all, stats, give);
    }

    /// Gives the beginnings of messages, where they are there.
    fn give_up(&mut self, runs: Vec<(Place, Run)>, stats: &mut SctpStats, give: Give<'_>) {
        for (start, run) in runs {
            if run.begins {
                self.give(start, &run, true, stats, give);
            } else {
                let pieces = self.take(start, &run).len() as u64;
                stats.given_up += pieces;
                stats.open -= pieces;
            }
        }
    }

    fn give(&mut self, start: Place, run: &Run, cut: bool, stats: &mut SctpStats, give: Give<'_>) {
        let pieces = self.take(start, run);
        stats.used += pieces.len() as u64;
        stats.open -= pieces.len() as u64;
        stats.messages += 1;
        stats.cut += u64::from(cut);
        let (bytes, extents): (Vec<_>, Vec<_>) = pieces.into_iter().map(|held| (held.bytes, held.extent)).unzip();
        give(SctpPiece::Message {
            path: run.path,
            bytes: &bytes.concat(),
            extents: &extents,
            cut,
            arrival: run.arrival,
        });
    }

    fn take(&mut self, start: Place, run: &Run) -> Vec<Held> {
        let pieces: Vec<Held> =
            self.pieces.extract_if(start..start.at(run.end), |_, _| true).map(|(_, held)| held).collect();
        self.held -= pieces.iter().map(|held| held.bytes.len() + PIECE_COST).sum::<usize>();
        pieces
    }
}
