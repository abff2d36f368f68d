//! What a network does to frames on their way to the capture: fragments, copies by a mirror port.

use super::super::packet::{MICROSECOND, Wire};
use super::super::random::Random;
use super::super::tcp::Segment;
use super::super::udp;
use super::output::Output;
use std::io::Write;
use std::net::SocketAddr;

/// Bytes above IP in a fragment.
const PIECE: usize = 512;

/// Makes frames and gives them to the output.
#[derive(Debug)]
pub struct Emitter<W> {
    /// Where the frames go.
    pub output: Output<W>,
    /// Chance, also for those who use the emitter.
    pub random: Random,
    /// What makes the frames.
    pub wire: Wire,
    /// Share of datagrams over 512 bytes that are cut into fragments.
    pub fragment_share: f64,
    /// Share of frames that are seen twice.
    pub mirror_share: f64,
}

/// What happened to a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Seen once.
    Whole,
    /// Seen once, in fragments.
    Fragmented,
    /// Seen twice.
    Mirrored,
}

impl<W: Write> Emitter<W> {
    /// A datagram with SIP in it.
    pub fn datagram(&mut self, time: u64, source: SocketAddr, destination: SocketAddr, payload: &[u8]) -> Fate {
        if payload.len() > PIECE && self.random.chance(self.fragment_share) {
            let mut packets = self.wire.udp_fragments(time, source, destination, payload, PIECE);
            if self.random.chance(0.2) {
                packets.reverse();
            }
            // Reversed, they still come at rising times.
            let times = (0u64..).map(|index| time.saturating_add(index * 10 * MICROSECOND));
            for (packet, time) in packets.into_iter().zip(times) {
                self.output.add(time, packet.bytes);
            }
            return Fate::Fragmented;
        }
        let mut bytes = self.output.buffer();
        let identification = self.wire.next_identification();
        udp::write_frame(&mut bytes, self.wire.link, identification, source, destination, payload);
        if self.frame(time, bytes) { Fate::Mirrored } else { Fate::Whole }
    }

    /// A datagram with media in it.
    pub fn media(&mut self, time: u64, source: SocketAddr, destination: SocketAddr, payload: &[u8]) {
        let mut bytes = self.output.buffer();
        let identification = self.wire.next_identification();
        udp::write_frame(&mut bytes, self.wire.link, identification, source, destination, payload);
        self.output.add(time, bytes);
    }

    /// A TCP segment.
    pub fn segment(&mut self, time: u64, segment: &Segment<'_>) {
        let mut bytes = self.output.buffer();
        let identification = self.wire.next_identification();
        segment.write_frame(&mut bytes, self.wire.link, identification);
        self.frame(time, bytes);
    }

    /// A frame, and often enough its copy; whether there was a copy.
    fn frame(&mut self, time: u64, bytes: Vec<u8>) -> bool {
        let mirrored = self.random.chance(self.mirror_share);
        if mirrored {
            let delay = self.random.between(50 * MICROSECOND, 900 * MICROSECOND);
            self.output.add(time.saturating_add(delay), bytes.clone());
        }
        self.output.add(time, bytes);
        mirrored
    }
}
