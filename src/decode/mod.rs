//! From a frame to what is in it: a datagram, a TCP segment, an IP fragment, or a counted reason to skip it.
//!
//! Stateless: every answer is a function of one frame (or of one packet put together from fragments). Everything is
//! borrowed from the frame, and nothing is allocated but for what a capture agent compressed.
//!
//! Checksums are not looked at: captures taken at the sender hold packets whose checksums the network card fills in later.

mod ethertype;
mod ip;
mod layer;
pub mod link;
mod proxy;
mod recognised;
mod skip;
mod stats;
#[cfg(test)]
mod tests;
mod transport;
mod tunnel;

use std::net::IpAddr;

pub use self::proxy::ProxyHeader;
pub use self::recognised::Recognised;
pub use self::skip::Skip;
pub use self::stats::DecodeStats;
pub use self::transport::sctp::{DataChunk, DataPlace};
pub use self::transport::tcp::TcpFlags;

use self::layer::Layer;
use crate::net::{Endpoint, LinkType, Transport};
use crate::time::Timestamp;

/// What a frame holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded<'a> {
    /// A UDP datagram, or a message that something relayed with the addresses it had.
    Datagram(Datagram<'a>),
    /// A UDP datagram that begins as no SIP message does.
    Recognised(Recognised),
    /// A relayed message that was compressed.
    Unpacked(Box<Unpacked>),
    /// A TCP segment.
    Segment(Segment<'a>),
    /// An SCTP packet.
    Sctp(SctpPacket<'a>),
    /// A piece of an IP packet.
    Fragment(Fragment<'a>),
    /// Several frames in one.
    Aggregate(Aggregate<'a>),
    /// Nothing that is looked at further.
    Skip(Skip),
}

/// A UDP datagram (RFC 768), or a message that a capture agent or a dissector took off another transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Who sent it.
    pub source: Endpoint,
    /// Whom it was sent to.
    pub destination: Endpoint,
    /// What carried it.
    pub transport: Transport,
    /// When it was captured first, if another capture relayed it and says so.
    pub relayed_time: Option<Timestamp>,
    /// The IPv4 identification, 0 for IPv6.
    pub identification: u16,
    /// The payload as far as it was captured; padding of the frame is not part of it.
    pub payload: &'a [u8],
    /// Payload bytes that the headers announce and the capture does not hold.
    pub missing: u32,
}

/// A datagram whose payload was compressed, so that it is not in the frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpacked {
    /// Who sent it.
    pub source: Endpoint,
    /// Whom it was sent to.
    pub destination: Endpoint,
    /// What carried it.
    pub transport: Transport,
    /// When it was captured first, if that is said.
    pub relayed_time: Option<Timestamp>,
    /// The payload.
    pub payload: Vec<u8>,
}

/// Frames that were sent as one (IEEE 802.11 9.3.2.2: A-MSDU).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aggregate<'a> {
    rest: Layer<'a>,
}

impl<'a> Aggregate<'a> {
    /// What each of them holds.
    pub fn frames(mut self) -> impl Iterator<Item = Decoded<'a>> {
        std::iter::from_fn(move || {
            let (first, rest) = link::wlan::split(self.rest)?;
            self.rest = rest;
            Some(first.unwrap_or_else(Decoded::Skip))
        })
    }
}

/// A TCP segment (RFC 9293 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Who sent it.
    pub source: Endpoint,
    /// Whom it was sent to.
    pub destination: Endpoint,
    /// The IPv4 identification, 0 for IPv6.
    pub identification: u16,
    /// The sequence number of the first payload byte, or of the SYN.
    pub sequence: u32,
    /// The next sequence number expected from the other side; means something only with the ACK flag.
    pub acknowledgment: u32,
    /// The flags that matter here.
    pub flags: TcpFlags,
    /// The payload as far as it was captured.
    pub payload: &'a [u8],
    /// Payload bytes that the headers announce and the capture does not hold.
    pub missing: u32,
}

/// An SCTP packet (RFC 9260 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SctpPacket<'a> {
    /// Who sent it.
    pub source: Endpoint,
    /// Whom it was sent to.
    pub destination: Endpoint,
    /// The verification tag, by which its receiver knows the association.
    pub tag: u32,
    /// The chunks as far as they were captured.
    pub chunks: &'a [u8],
    /// Bytes of chunks that the headers announce and the capture does not hold.
    pub missing: u32,
}

/// A piece of an IP packet (RFC 791 3.2, RFC 8200 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// Who sent the packet.
    pub source: IpAddr,
    /// Whom the packet was sent to.
    pub destination: IpAddr,
    /// The protocol of the whole payload; for IPv6 the next header of the fragment header.
    pub protocol: u8,
    /// The identification: 16 bits in IPv4, 32 in IPv6.
    pub identification: u32,
    /// Where in the payload of the whole packet this piece begins, in bytes; at most 65528.
    pub offset: u32,
    /// More pieces follow this one in the packet.
    pub more: bool,
    /// The piece as far as it was captured.
    pub payload: &'a [u8],
    /// Bytes of the piece that the headers announce and the capture does not hold.
    pub missing: u32,
    /// Layers already undone, for the limit on nesting.
    pub depth: u8,
    /// IP packets around the one that is in pieces.
    pub nesting: u8,
}

/// The headers of a packet that was put together from fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReassembledHead {
    /// Who sent the packet.
    pub source: IpAddr,
    /// Whom the packet was sent to.
    pub destination: IpAddr,
    /// The protocol of the payload.
    pub protocol: u8,
    /// The identification that the fragments had in common.
    pub identification: u32,
    /// Layers already undone, the fragmentation among them.
    pub depth: u8,
    /// IP packets around it.
    pub nesting: u8,
}

/// What an inner function answers: something, or the reason why not.
type Outcome<'a> = Result<Decoded<'a>, Skip>;

/// Decodes a frame: `bytes` as captured, `wire_len` as it was on the wire (believed when it is the larger one).
pub fn decode(link: LinkType, bytes: &[u8], wire_len: u32) -> Decoded<'_> {
    link::decode(link, Layer::of_frame(bytes, wire_len)).unwrap_or_else(Decoded::Skip)
}

/// Decodes a packet of a capture agent (HEP 3) that came on a stream.
pub fn decode_relayed(packet: &[u8]) -> Decoded<'_> {
    let layer = Layer::of_frame(packet, u32::try_from(packet.len()).unwrap_or(u32::MAX));
    tunnel::hep::version_3(layer).unwrap_or(Err(Skip::InvalidHep)).unwrap_or_else(Decoded::Skip)
}

/// Decodes a packet that was put together from fragments; may give a fragment again, up to the limit on nesting.
pub fn decode_reassembled<'a>(head: &ReassembledHead, payload: &'a [u8]) -> Decoded<'a> {
    let packet = ip::Packet {
        source: head.source,
        destination: head.destination,
        protocol: head.protocol,
        identification: head.identification,
    };
    ip::payload(packet, Layer::of_reassembled(payload, head.depth, head.nesting)).unwrap_or_else(Decoded::Skip)
}
