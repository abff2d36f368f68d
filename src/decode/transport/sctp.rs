//! SCTP (RFC 9260), its chunks with user data among them those with interleaving (RFC 8260), and SCTP over UDP (RFC 6951).

use crate::decode::ip::Packet;
use crate::decode::layer::Layer;
use crate::decode::{Decoded, Outcome, SctpPacket, Skip};
use crate::net::Endpoint;

/// The UDP port of SCTP (RFC 6951 5.1).
pub(in crate::decode) const UDP_PORT: u16 = 9_899;

/// Ports, verification tag and checksum (RFC 9260 3.1).
const HEADER_LEN: usize = 12;
/// Type, flags and length of a chunk (RFC 9260 3.2).
const CHUNK_HEADER_LEN: usize = 4;
/// Chunks begin at multiples of this (RFC 9260 3.2).
const CHUNK_ALIGNMENT: usize = 4;

const DATA: u8 = 0;
const I_DATA: u8 = 64;
/// Header, TSN, stream, sequence number and protocol of DATA (RFC 9260 3.3.1).
const DATA_LEN: usize = 16;
/// Header, TSN, stream, reserved, message identifier, protocol or fragment sequence number of I-DATA (RFC 8260 2.1).
const I_DATA_LEN: usize = 20;

/// Flags of both.
const ENDING: u8 = 0x01;
const BEGINNING: u8 = 0x02;
const UNORDERED: u8 = 0x04;

/// The highest type of the chunks of RFC 9260 and AUTH (RFC 4895).
const LAST_PLAIN_TYPE: u8 = 15;
/// I-DATA, ASCONF-ACK, packet drop, RE-CONFIG, padding, FORWARD-TSN, ASCONF, I-FORWARD-TSN (RFC 8260, 5061, 6525, 4820, 3758).
const OTHER_TYPES: [u8; 8] = [I_DATA, 0x80, 0x81, 0x82, 0x84, 0xc0, 0xc1, 0xc2];

/// A chunk with user data: a message or a piece of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataChunk<'a> {
    /// Transmission sequence number: each chunk with data has the next one.
    pub tsn: u32,
    /// The stream.
    pub stream: u16,
    /// The message may be given to its receiver before earlier ones.
    pub unordered: bool,
    /// The first piece of a message.
    pub beginning: bool,
    /// The last piece of a message.
    pub ending: bool,
    /// How pieces of a message are known.
    pub place: DataPlace,
    /// The payload protocol, 0 where none is said; only the first piece of an interleaved message has one.
    pub protocol: u32,
    /// The data as far as it was captured.
    pub payload: &'a [u8],
    /// Bytes of the data that the capture does not hold.
    pub missing: u32,
}

/// What tells the pieces of a message from those of others, and their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataPlace {
    /// Pieces have this stream sequence number and transmission sequence numbers that follow each other (RFC 9260 6.9).
    Sequence(u16),
    /// Pieces have this message identifier, and are numbered from 0 (RFC 8260 2.1).
    Interleaved {
        /// The message of its stream.
        message: u32,
        /// The piece of the message.
        fragment: u32,
    },
}

/// The chunks of a packet, for [`SctpPacket::data_chunks`].
#[derive(Clone, Copy, Debug)]
struct Chunk<'a> {
    kind: u8,
    flags: u8,
    /// The chunk with its header and without padding.
    content: Layer<'a>,
    /// What follows it.
    rest: Layer<'a>,
}

/// Decodes an SCTP packet. What its chunks hold is for [`SctpPacket::data_chunks`].
pub(in crate::decode) fn decode<'a>(packet: &Packet, layer: Layer<'a>) -> Outcome<'a> {
    let short = || layer.too_short(Skip::TruncatedSctp, Skip::SctpLength);
    let (Some(source_port), Some(destination_port)) = (layer.u16_at(0), layer.u16_at(2)) else { return Err(short()) };
    let tag = layer.bytes.get(4..).and_then(<[u8]>::first_chunk).ok_or_else(short)?;
    let chunks = layer.after(HEADER_LEN).ok_or_else(short)?;
    Ok(Decoded::Sctp(SctpPacket {
        source: Endpoint::new(packet.source, source_port),
        destination: Endpoint::new(packet.destination, destination_port),
        tag: u32::from_be_bytes(*tag),
        chunks: chunks.bytes,
        missing: chunks.missing_u32(),
    }))
}

/// Decodes an SCTP packet in a UDP datagram, if it is one: its chunks are known ones and fill it exactly.
pub(in crate::decode) fn over_udp<'a>(packet: &Packet, layer: Layer<'a>) -> Option<Outcome<'a>> {
    let mut rest = layer.after(HEADER_LEN)?;
    let mut chunks = 0_usize;
    while !rest.bytes.is_empty() {
        let chunk = next_chunk(rest)?;
        let is_known = chunk.kind <= LAST_PLAIN_TYPE || OTHER_TYPES.contains(&chunk.kind);
        if !is_known || chunk.content.missing > rest.missing {
            return None;
        }
        rest = chunk.rest;
        chunks += 1;
    }
    (chunks > 0).then(|| decode(packet, layer))
}

/// The chunk at the beginning; nothing where a chunk header is not whole or says less than its own length.
fn next_chunk(layer: Layer<'_>) -> Option<Chunk<'_>> {
    let &[kind, flags, ..] = layer.bytes.first_chunk::<CHUNK_HEADER_LEN>()?;
    let length = usize::from(layer.u16_at(2)?);
    if length < CHUNK_HEADER_LEN {
        return None;
    }
    // The padding of the last chunk may be left out.
    let end = length.next_multiple_of(CHUNK_ALIGNMENT).min(layer.bytes.len());
    Some(Chunk { kind, flags, content: layer.limit(length), rest: layer.after(end)? })
}

impl<'a> SctpPacket<'a> {
    /// The chunks with user data, in order, as far as chunks follow each other.
    pub fn data_chunks(&self) -> impl Iterator<Item = DataChunk<'a>> + use<'a> {
        let mut rest = Layer::of_chunks(self.chunks, self.missing);
        let chunks = std::iter::from_fn(move || {
            let chunk = next_chunk(rest)?;
            rest = chunk.rest;
            Some(chunk)
        });
        chunks.filter_map(|chunk| chunk.data())
    }
}

impl<'a> Chunk<'a> {
    /// The user data, if it holds any.
    fn data(&self) -> Option<DataChunk<'a>> {
        let bytes = self.content.bytes;
        let long = |start: usize| bytes.get(start..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
        let (place, header, protocol) = match self.kind {
            DATA => (DataPlace::Sequence(self.content.u16_at(10)?), DATA_LEN, long(12)?),
            I_DATA => {
                let (message, word) = (long(12)?, long(16)?);
                let begins = self.flags & BEGINNING != 0;
                let (fragment, protocol) = if begins { (0, word) } else { (word, 0) };
                (DataPlace::Interleaved { message, fragment }, I_DATA_LEN, protocol)
            }
            _ => return None,
        };
        let payload = self.content.after(header)?;
        Some(DataChunk {
            tsn: long(4)?,
            stream: self.content.u16_at(8)?,
            unordered: self.flags & UNORDERED != 0,
            beginning: self.flags & BEGINNING != 0,
            ending: self.flags & ENDING != 0,
            place,
            protocol,
            payload: payload.bytes,
            missing: payload.missing_u32(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(kind: u8, flags: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len() + 4).unwrap().to_be_bytes();
        let mut bytes = [&[kind, flags], &length[..], content].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn packet(chunks: &[u8]) -> SctpPacket<'_> {
        SctpPacket { source: Endpoint::default(), destination: Endpoint::default(), tag: 7, chunks, missing: 0 }
    }

    #[test]
    fn chunks_of_both_kinds_are_read_among_others() {
        let data = [&[0, 0, 0, 9, 0, 3, 0, 5, 0, 0, 0, 0][..], b"one"].concat();
        let interleaved = [&[0, 0, 0, 10, 0, 3, 0, 0, 0, 0, 0, 6, 0, 0, 0, 2][..], b"two"].concat();
        let bytes = [chunk(11, 0, &[]), chunk(0, 3, &data), chunk(3, 0, &[0; 12]), chunk(64, 5, &interleaved)].concat();
        let found: Vec<_> = packet(&bytes).data_chunks().collect();
        let first = DataChunk {
            tsn: 9,
            stream: 3,
            unordered: false,
            beginning: true,
            ending: true,
            place: DataPlace::Sequence(5),
            protocol: 0,
            payload: b"one",
            missing: 0,
        };
        let second = DataChunk {
            tsn: 10,
            unordered: true,
            beginning: false,
            place: DataPlace::Interleaved { message: 6, fragment: 2 },
            payload: b"two",
            ..first
        };
        assert_eq!(found, [first, second]);
    }

    #[test]
    fn lengths_that_lie_end_the_packet() {
        for bytes in [&[0, 3, 0, 3, 1, 2, 3, 4][..], &[0, 3, 0], &[0, 3, 0, 16, 0, 0, 0, 1]] {
            assert_eq!(packet(bytes).data_chunks().count(), 0, "{bytes:?}");
        }
        let data = [&[0, 0, 0, 9, 0, 3, 0, 5, 0, 0, 0, 0][..], b"SIP/2.0 200 OK"].concat();
        let whole = chunk(0, 3, &data);
        for end in 16..30 {
            let found: Vec<_> = packet(&whole[..end]).data_chunks().collect();
            assert_eq!(found.first().map(|chunk| chunk.missing as usize), Some(30 - end), "cut at {end}");
        }
    }
}
