//! IPv4 (RFC 791 3.1).

use std::net::IpAddr;

use etherparse::Ipv4HeaderSlice;
use etherparse::err::ipv4::{HeaderError, HeaderSliceError};

use super::Packet;
use crate::decode::layer::Layer;
use crate::decode::{Outcome, Skip};

/// Decodes an IPv4 packet.
///
/// A total length beyond the frame is believed, and the difference missing: some tools cut frames without saying so. A
/// total length of 0 means the rest of the frame: so it looks when the network card cuts the segments (TSO).
pub(in crate::decode) fn decode(layer: Layer<'_>) -> Outcome<'_> {
    let layer = layer.packet()?;
    let header = Ipv4HeaderSlice::from_slice(layer.bytes).map_err(|error| match error {
        HeaderSliceError::Len(_) => Skip::TruncatedIp,
        HeaderSliceError::Content(HeaderError::UnexpectedVersion { .. }) => Skip::IpVersion,
        HeaderSliceError::Content(HeaderError::HeaderLengthSmallerThanHeader { .. }) => Skip::Ipv4HeaderLength,
    })?;
    let header_len = header.slice().len();
    let rest = layer.after(header_len).ok_or(Skip::TruncatedIp)?;
    let content = match usize::from(header.total_len()) {
        0 => rest,
        total => rest.limit(total.checked_sub(header_len).ok_or(Skip::Ipv4TotalLength)?),
    };
    let packet = Packet {
        source: IpAddr::V4(header.source_addr()),
        destination: IpAddr::V4(header.destination_addr()),
        protocol: header.protocol().0,
        identification: u32::from(header.identification()),
    };
    let offset = header.fragments_offset().byte_offset();
    if offset != 0 || header.more_fragments() {
        return Ok(packet.fragment(offset, header.more_fragments(), content));
    }
    super::payload(packet, content)
}
