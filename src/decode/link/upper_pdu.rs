//! PDUs that Wireshark's dissectors exported: tags with a type and a length, then the PDU.

use std::net::IpAddr;

use crate::decode::layer::Layer;
use crate::decode::{Datagram, Decoded, Outcome, Skip, tunnel};
use crate::net::{Endpoint, Transport};

const TAG_HEADER_LEN: usize = 4;
const END: u16 = 0;
const DISSECTOR: u16 = 12;
const HEURISTIC_DISSECTOR: u16 = 13;
const DISSECTOR_TABLE: u16 = 14;
const IPV4_SOURCE: u16 = 20;
const IPV4_DESTINATION: u16 = 21;
const IPV6_SOURCE: u16 = 22;
const IPV6_DESTINATION: u16 = 23;
const PORT_TYPE: u16 = 24;
const SOURCE_PORT: u16 = 25;
const DESTINATION_PORT: u16 = 26;

/// The dissectors of SIP: on datagrams, on streams, by content.
const SIP: [&[u8]; 4] = [b"sip", b"sip.tcp", b"sip_udp", b"sip_tcp"];

/// The tables of dissectors by port.
const TRANSPORTS: [&[u8]; 3] = [b"udp.port", b"tcp.port", b"sctp.port"];

/// Port types: SCTP, TCP.
const PORT_SCTP: u32 = 1;
const PORT_TCP: u32 = 2;

/// Decodes an exported PDU, if it is a SIP message: a whole one, whatever carried it.
///
/// PDUs of a transport name the table of ports that they would be dissected by, and have to begin like a message. What carries
/// messages inside, such as a tunnel, is left alone: the messages are exported too.
pub(super) fn decode(mut layer: Layer<'_>) -> Outcome<'_> {
    let (mut is_sip, mut is_payload) = (false, false);
    let (mut source, mut destination) = (Endpoint::default(), Endpoint::default());
    let mut transport = Transport::Udp;
    loop {
        let (Some(tag), Some(length)) = (layer.u16_at(0), layer.u16_at(2)) else { return Err(Skip::TruncatedLink) };
        let value = layer.after(TAG_HEADER_LEN).ok_or(Skip::TruncatedLink)?;
        layer = value.after(usize::from(length)).ok_or(Skip::TruncatedLink)?;
        let value = value.limit(usize::from(length)).bytes;
        match tag {
            END => break,
            DISSECTOR | HEURISTIC_DISSECTOR => is_sip = SIP.contains(&text(value)),
            DISSECTOR_TABLE => is_payload = TRANSPORTS.contains(&text(value)),
            IPV4_SOURCE | IPV6_SOURCE => source.address = address(value).unwrap_or(source.address),
            IPV4_DESTINATION | IPV6_DESTINATION => {
                destination.address = address(value).unwrap_or(destination.address);
            }
            SOURCE_PORT => source.port = port(value),
            DESTINATION_PORT => destination.port = port(value),
            PORT_TYPE => {
                transport = match number(value) {
                    PORT_SCTP => Transport::Sctp,
                    PORT_TCP => Transport::Tcp,
                    _ => Transport::Udp,
                }
            }
            _ => {}
        }
    }
    let may_be_sip = is_sip || (is_payload && tunnel::begins_like_sip(layer.bytes));
    if !may_be_sip {
        return Err(Skip::OtherExportedPdu);
    }
    Ok(Decoded::Datagram(Datagram {
        source,
        destination,
        transport,
        relayed_time: None,
        identification: 0,
        payload: layer.bytes,
        missing: layer.missing_u32(),
    }))
}

fn address(value: &[u8]) -> Option<IpAddr> {
    let four = || Some(IpAddr::from(<[u8; 4]>::try_from(value).ok()?));
    four().or_else(|| Some(IpAddr::from(<[u8; 16]>::try_from(value).ok()?)))
}

fn number(value: &[u8]) -> u32 {
    value.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

fn port(value: &[u8]) -> u16 {
    u16::try_from(number(value)).unwrap_or_default()
}

/// A text without the zero bytes that pad it.
fn text(value: &[u8]) -> &[u8] {
    let end = value.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    value.get(..end).unwrap_or_default()
}
