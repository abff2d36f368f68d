//! Frames as values, and a wire that makes them.

use super::fragment;
use super::link::Link;
use super::tcp::Segment;
use super::udp;
use std::net::SocketAddr;

/// Nanoseconds in a microsecond.
pub const MICROSECOND: u64 = 1_000;
/// Nanoseconds in a millisecond.
pub const MILLISECOND: u64 = 1_000_000;
/// Nanoseconds in a second.
pub const SECOND: u64 = 1_000_000_000;
/// When captures made here begin, unless told otherwise: 2026-01-01 00:00:00 UTC, in nanoseconds since 1970.
pub const EPOCH: u64 = 1_767_225_600 * SECOND;

/// One captured frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Nanoseconds since 1970.
    pub time: u64,
    /// The link layer it was captured on.
    pub link: Link,
    /// The bytes captured.
    pub bytes: Vec<u8>,
    /// The length the frame had on the wire; at least that of `bytes`.
    pub wire_len: u32,
}

impl Packet {
    /// A frame captured whole.
    pub fn new(time: u64, link: Link, bytes: Vec<u8>) -> Self {
        let wire_len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        Self { time, link, bytes, wire_len }
    }

    /// The same frame as a capture with this snapshot length has it.
    pub fn snapped(mut self, snapshot_length: usize) -> Self {
        self.bytes.truncate(snapshot_length);
        self
    }

    /// The same frame seen again later, as a mirror port or a second capture point shows it.
    pub fn again(&self, delay: u64) -> Self {
        Self { time: self.time.saturating_add(delay), ..self.clone() }
    }
}

/// Makes frames of one link layer, with rising IPv4 identifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire {
    /// The link layer of the frames.
    pub link: Link,
    /// Identification of the next packet.
    pub identification: u16,
}

impl Wire {
    /// A wire whose first packet has identification 1.
    pub fn new(link: Link) -> Self {
        Self { link, identification: 1 }
    }

    /// The identification of the next packet; never 0, which says nothing.
    pub fn next_identification(&mut self) -> u16 {
        let current = self.identification;
        self.identification = current.checked_add(1).unwrap_or(1);
        current
    }

    /// A UDP datagram.
    pub fn udp(&mut self, time: u64, source: SocketAddr, destination: SocketAddr, payload: &[u8]) -> Packet {
        let mut bytes = Vec::new();
        udp::write_frame(&mut bytes, self.link, self.next_identification(), source, destination, payload);
        Packet::new(time, self.link, bytes)
    }

    /// A UDP datagram cut into IP fragments of `piece` bytes, 10 microseconds apart.
    pub fn udp_fragments(
        &mut self,
        time: u64,
        source: SocketAddr,
        destination: SocketAddr,
        payload: &[u8],
        piece: usize,
    ) -> Vec<Packet> {
        let identification = self.next_identification();
        let whole = udp::packet(identification, source, destination, payload);
        let times = (0u64..).map(|index| time.saturating_add(index * 10 * MICROSECOND));
        let parts = fragment::fragments(&whole, piece, u32::from(identification));
        parts.iter().zip(times).map(|(part, time)| Packet::new(time, self.link, self.link.frame(part))).collect()
    }

    /// A TCP segment.
    pub fn tcp(&mut self, time: u64, segment: &Segment<'_>) -> Packet {
        let mut bytes = Vec::new();
        segment.write_frame(&mut bytes, self.link, self.next_identification());
        Packet::new(time, self.link, bytes)
    }
}
