//! UDP (RFC 768).

use etherparse::UdpHeaderSlice;

use crate::decode::ip::Packet;
use crate::decode::layer::Layer;
use crate::decode::{Datagram, Decoded, Outcome, Skip, tunnel};
use crate::net::{Endpoint, Transport};

/// Bytes of the header.
const HEADER_LEN: usize = 8;

/// The version of RTP and RTCP, in the two highest bits of their first byte.
const MEDIA_VERSION: u8 = 2;

/// Decodes a UDP datagram.
///
/// A length beyond the IP packet is believed, and the difference missing; a length of 0 means the rest of the packet (RFC
/// 2675 4).
pub(in crate::decode) fn decode<'a>(packet: &Packet, layer: Layer<'a>) -> Outcome<'a> {
    let short = || layer.too_short(Skip::TruncatedUdp, Skip::UdpLength);
    let header = UdpHeaderSlice::from_slice(layer.bytes).map_err(|_| short())?;
    let rest = layer.after(HEADER_LEN).ok_or_else(short)?;
    let content = match usize::from(header.length()) {
        0 => rest,
        length => rest.limit(length.checked_sub(HEADER_LEN).ok_or(Skip::UdpLength)?),
    };
    let (source_port, destination_port) = (header.source_port(), header.destination_port());
    if let Some(inner) = tunnel::over_udp(packet, source_port, destination_port, content) {
        return inner;
    }
    if content.bytes.first().is_some_and(|first| first >> 6 == MEDIA_VERSION) {
        return Ok(Decoded::Media);
    }
    Ok(Decoded::Datagram(Datagram {
        source: Endpoint::new(packet.source, source_port),
        destination: Endpoint::new(packet.destination, destination_port),
        transport: Transport::Udp,
        relayed_time: None,
        identification: packet.ipv4_identification(),
        payload: content.bytes,
        missing: content.missing_u32(),
    }))
}
