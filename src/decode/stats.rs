//! What became of the frames.

use std::ops::AddAssign;

use super::{Decoded, Recognised, Skip};

/// Counts of decoded frames by what they held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeStats {
    /// Frames decoded.
    pub frames: u64,
    /// Packets put together from fragments and decoded again.
    pub reassembled: u64,
    /// Frames that hold several.
    pub aggregates: u64,
    /// Frames in those.
    pub aggregated: u64,
    /// UDP datagrams.
    pub datagrams: u64,
    /// TCP segments.
    pub segments: u64,
    /// SCTP packets.
    pub sctp_packets: u64,
    /// IP fragments.
    pub fragments: u64,
    /// Datagrams that are known not to be SIP, in the order of [`Recognised::ALL`].
    recognised: [u64; Recognised::ALL.len()],
    /// Skipped frames and packets, in the order of [`Skip::ALL`].
    skipped: [u64; Skip::ALL.len()],
}

impl Default for DecodeStats {
    fn default() -> Self {
        Self {
            frames: 0,
            reassembled: 0,
            aggregates: 0,
            aggregated: 0,
            datagrams: 0,
            segments: 0,
            sctp_packets: 0,
            fragments: 0,
            recognised: [0; Recognised::ALL.len()],
            skipped: [0; Skip::ALL.len()],
        }
    }
}

impl DecodeStats {
    /// Counts what a frame held.
    pub fn count_frame(&mut self, decoded: &Decoded<'_>) {
        self.frames += 1;
        self.count(decoded);
    }

    /// Counts what a packet put together from fragments held.
    pub fn count_reassembled(&mut self, decoded: &Decoded<'_>) {
        self.reassembled += 1;
        self.count(decoded);
    }

    /// Counts what a frame within another one held.
    pub fn count_aggregated(&mut self, decoded: &Decoded<'_>) {
        self.aggregated += 1;
        self.count(decoded);
    }

    /// Frames and packets skipped for one cause.
    pub fn skipped(&self, skip: Skip) -> u64 {
        self.skipped.get(skip as usize).copied().unwrap_or(0)
    }

    /// Frames and packets skipped for any cause.
    pub fn skipped_total(&self) -> u64 {
        self.skipped.iter().sum()
    }

    /// What datagrams are that are known not to be SIP, each with its count, in the order of [`Recognised::ALL`].
    pub fn recognised(&self) -> impl Iterator<Item = (Recognised, u64)> + '_ {
        Recognised::ALL.iter().copied().zip(self.recognised.iter().copied())
    }

    /// Datagrams that are known not to be SIP.
    pub fn recognised_total(&self) -> u64 {
        self.recognised.iter().sum()
    }

    /// The causes that occurred, each with its count, in the order of [`Skip::ALL`].
    pub fn skips(&self) -> impl Iterator<Item = (Skip, u64)> + '_ {
        Skip::ALL.iter().copied().zip(self.skipped.iter().copied()).filter(|&(_, count)| count > 0)
    }

    /// Conservation: every frame, every one within another and every packet put together is an aggregate, a datagram, a segment, an SCTP packet, a fragment or skipped.
    pub fn adds_up(&self) -> bool {
        self.frames + self.reassembled + self.aggregated
            == self.aggregates
                + self.datagrams
                + self.segments
                + self.sctp_packets
                + self.fragments
                + self.skipped_total()
    }

    fn count(&mut self, decoded: &Decoded<'_>) {
        match decoded {
            Decoded::Datagram(_) | Decoded::Unpacked(_) => self.datagrams += 1,
            Decoded::Recognised(what) => {
                self.datagrams += 1;
                if let Some(count) = self.recognised.get_mut(*what as usize) {
                    *count += 1;
                }
            }
            Decoded::Segment(_) => self.segments += 1,
            Decoded::Sctp(_) => self.sctp_packets += 1,
            Decoded::Aggregate(_) => self.aggregates += 1,
            Decoded::Fragment(_) => self.fragments += 1,
            Decoded::Skip(skip) => {
                if let Some(count) = self.skipped.get_mut(*skip as usize) {
                    *count += 1;
                }
            }
        }
    }
}

impl AddAssign<&Self> for DecodeStats {
    fn add_assign(&mut self, other: &Self) {
        self.frames += other.frames;
        self.reassembled += other.reassembled;
        self.aggregates += other.aggregates;
        self.aggregated += other.aggregated;
        self.datagrams += other.datagrams;
        self.segments += other.segments;
        self.sctp_packets += other.sctp_packets;
        self.fragments += other.fragments;
        for (mine, theirs) in self.recognised.iter_mut().zip(&other.recognised) {
            *mine += theirs;
        }
        for (mine, theirs) in self.skipped.iter_mut().zip(&other.skipped) {
            *mine += theirs;
        }
    }
}
