//! TCP (RFC 9293 3.1).

use etherparse::TcpHeaderSlice;
use etherparse::err::tcp::HeaderSliceError;

use crate::decode::ip::Packet;
use crate::decode::layer::Layer;
use crate::decode::{Decoded, Outcome, Segment, Skip};
use crate::net::Endpoint;

/// The flags of a TCP segment that matter here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpFlags {
    /// The sender begins: the sequence number is the one before its first byte.
    pub syn: bool,
    /// The sender ends after this segment.
    pub fin: bool,
    /// The connection is reset.
    pub rst: bool,
    /// The acknowledgment number counts.
    pub ack: bool,
    /// The sender asked for delivery.
    pub psh: bool,
}

/// Decodes a TCP segment; options are skipped.
pub(in crate::decode) fn decode<'a>(packet: &Packet, layer: Layer<'a>) -> Outcome<'a> {
    let short = || layer.too_short(Skip::TruncatedTcp, Skip::TcpDataOffset);
    let header = TcpHeaderSlice::from_slice(layer.bytes).map_err(|error| match error {
        HeaderSliceError::Len(_) => short(),
        HeaderSliceError::Content(_) => Skip::TcpDataOffset,
    })?;
    let content = layer.after(header.slice().len()).ok_or_else(short)?;
    Ok(Decoded::Segment(Segment {
        source: Endpoint::new(packet.source, header.source_port()),
        destination: Endpoint::new(packet.destination, header.destination_port()),
        identification: packet.ipv4_identification(),
        sequence: header.sequence_number(),
        acknowledgment: header.acknowledgment_number(),
        flags: TcpFlags {
            syn: header.syn(),
            fin: header.fin(),
            rst: header.rst(),
            ack: header.ack(),
            psh: header.psh(),
        },
        payload: content.bytes,
        missing: content.missing_u32(),
    }))
}
