//! IPv6 (RFC 8200 3).

use std::net::IpAddr;

use etherparse::Ipv6HeaderSlice;
use etherparse::err::ipv6::HeaderSliceError;

use super::Packet;
use crate::decode::layer::Layer;
use crate::decode::{Outcome, Skip};

/// Bytes of the header.
const HEADER_LEN: usize = 40;

/// Decodes an IPv6 packet.
///
/// A payload length beyond the frame is believed, and the difference missing. A payload length of 0 means the rest of the
/// frame: so jumbograms (RFC 2675) look, and packets that the network card cuts into segments.
pub(in crate::decode) fn decode(layer: Layer<'_>) -> Outcome<'_> {
    let layer = layer.packet()?;
    let header = Ipv6HeaderSlice::from_slice(layer.bytes).map_err(|error| match error {
        HeaderSliceError::Len(_) => Skip::TruncatedIp,
        HeaderSliceError::Content(_) => Skip::IpVersion,
    })?;
    let rest = layer.after(HEADER_LEN).ok_or(Skip::TruncatedIp)?;
    let content = match usize::from(header.payload_length()) {
        0 => rest,
        length => rest.limit(length),
    };
    let packet = Packet {
        source: IpAddr::V6(header.source_addr()),
        destination: IpAddr::V6(header.destination_addr()),
        protocol: header.next_header().0,
        identification: 0,
    };
    super::payload(packet, content)
}
