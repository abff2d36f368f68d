//! UDP (RFC 768).

use etherparse::UdpHeaderSlice;

use crate::decode::ip::Packet;
use crate::decode::layer::Layer;
use crate::decode::{Datagram, Decoded, Outcome, Recognised, Skip, tunnel};
use crate::net::{Endpoint, Transport};

/// Bytes of the header.
const HEADER_LEN: usize = 8;

/// Who sent a datagram to whom, in which packet.
#[derive(Clone, Copy)]
pub(in crate::decode) struct Ends {
    pub source: Endpoint,
    pub destination: Endpoint,
    pub identification: u16,
}

impl Ends {
    /// The datagram with this payload.
    #[inline]
    pub(in crate::decode) fn datagram<'a>(&self, payload: Layer<'a>) -> Datagram<'a> {
        Datagram {
            source: self.source,
            destination: self.destination,
            transport: Transport::Udp,
            relayed_time: None,
            identification: self.identification,
            payload: payload.bytes,
            missing: payload.missing_u32(),
        }
    }
}

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
    let ends = Ends {
        source: Endpoint::new(packet.source, header.source_port()),
        destination: Endpoint::new(packet.destination, header.destination_port()),
        identification: packet.ipv4_identification(),
    };
    if let Some(inner) = tunnel::over_udp(packet, ends, content) {
        return inner;
    }
    if let Some(what) = Recognised::of(content.bytes, content.missing) {
        return Ok(Decoded::Recognised(what));
    }
    Ok(Decoded::Datagram(ends.datagram(content)))
}
