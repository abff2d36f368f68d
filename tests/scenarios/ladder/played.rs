//! What passes the wire when a ladder is played, and captures of it.

use super::parse::{Ladder, Point};
use crate::traffic::link::Link;
use crate::traffic::packet::{Packet, Wire};
use crate::traffic::pcap;

/// A frame on the wire.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) from: String,
    pub(crate) to: String,
    /// The number of its message in the flow, from 0.
    pub(crate) message: usize,
    /// Whether that is a request.
    pub(crate) is_request: bool,
    /// The number of its hop, from 0 at who asked.
    pub(crate) hop: usize,
    pub(super) packet: Packet,
}

impl Frame {
    /// When it passes, in nanoseconds.
    pub(crate) fn time(&self) -> u64 {
        self.packet.time
    }
}

/// What passes the wire when a ladder is played.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) frames: Vec<Frame>,
    pub(super) wire: Wire,
    /// When the flow ends.
    pub(crate) end: u64,
}

impl Played {
    /// A capture of the frames that `sees` takes, until `end`, with a clock that is ahead.
    pub(crate) fn capture(&self, sees: impl Fn(&Frame) -> bool, end: u64, ahead: i64) -> Result<Vec<u8>, String> {
        self.cut(sees, end, ahead, usize::MAX)
    }

    /// The same with no more than `snapshot` bytes of each frame.
    pub(crate) fn cut(
        &self,
        sees: impl Fn(&Frame) -> bool,
        end: u64,
        ahead: i64,
        snapshot: usize,
    ) -> Result<Vec<u8>, String> {
        let seen = self.frames.iter().filter(|frame| sees(frame));
        let mut packets: Vec<Packet> = seen.map(|frame| frame.packet.clone().snapped(snapshot)).collect();
        let mut wire = self.wire;
        packets.push(wire.udp(end, "192.0.2.99:9".parse().unwrap(), "192.0.2.98:9".parse().unwrap(), b"end"));
        packets.sort_by_key(|packet| packet.time);
        for packet in &mut packets {
            packet.time = packet.time.saturating_add_signed(ahead);
        }
        pcap::file(pcap::Layout::usual(Link::Ethernet), &packets).map_err(|error| error.to_string())
    }

    /// The time of the last frame.
    pub(crate) fn last(&self) -> u64 {
        self.frames.iter().map(Frame::time).max().unwrap_or(self.end)
    }

    /// The captures that the ladder names.
    pub(crate) fn captures(&self, ladder: &Ladder) -> Result<Vec<Vec<u8>>, String> {
        if ladder.points.is_empty() {
            return Ok(vec![self.capture(|_| true, self.end, 0)?]);
        }
        let of = |point: &Point| {
            let sees = |frame: &Frame| point.sees.iter().any(|(one, other)| *one == frame.from && *other == frame.to);
            self.capture(sees, self.end, point.ahead)
        };
        ladder.points.iter().map(of).collect()
    }
}
