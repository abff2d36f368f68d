//! HEP, the encapsulation of Homer: a message with the addresses, time and transport that its capture agent saw.

use std::net::IpAddr;

use super::begins_like_sip;
use crate::decode::layer::Layer;
use crate::decode::{Datagram, Decoded, Outcome, Skip, Unpacked};
use crate::limits::MAX_PACKET_BYTES;
use crate::net::{Endpoint, Transport};
use crate::time::Timestamp;

/// The first bytes of version 3.
pub(super) const MAGIC: &[u8] = b"HEP3";
/// Magic and total length; vendor, type and length of a chunk.
const HEADER_LEN: usize = 6;
const CHUNK_HEADER_LEN: usize = 6;

const PROTOCOL: u16 = 2;
const IPV4_SOURCE: u16 = 3;
const IPV4_DESTINATION: u16 = 4;
const IPV6_SOURCE: u16 = 5;
const IPV6_DESTINATION: u16 = 6;
const SOURCE_PORT: u16 = 7;
const DESTINATION_PORT: u16 = 8;
const SECONDS: u16 = 9;
const MICROSECONDS: u16 = 10;
const PAYLOAD_TYPE: u16 = 11;
const PAYLOAD: u16 = 15;
const COMPRESSED_PAYLOAD: u16 = 16;
/// The payload type of SIP.
const SIP: u8 = 1;

/// IP protocols.
const TCP: u8 = 6;
const UDP: u8 = 17;
const SCTP: u8 = 132;

/// Address families of versions 1 and 2.
const FAMILY_IPV4: u8 = 2;
const FAMILIES_IPV6: [u8; 2] = [10, 30];
/// Bytes of the header of versions 1 and 2 without addresses; of the time in version 2, without and with its padding.
const OLD_HEADER_LEN: usize = 8;
const OLD_TIME_LENS: [usize; 2] = [10, 12];

/// What is said of a message.
struct About {
    source: Endpoint,
    destination: Endpoint,
    transport: Transport,
    seconds: Option<u32>,
    microseconds: u32,
}

impl Default for About {
    fn default() -> Self {
        let nobody = Endpoint::default();
        Self { source: nobody, destination: nobody, transport: Transport::Udp, seconds: None, microseconds: 0 }
    }
}

impl About {
    fn relayed_time(&self) -> Option<Timestamp> {
        let nanos = self.microseconds.min(999_999).saturating_mul(1_000);
        self.seconds.filter(|seconds| *seconds > 0).map(|seconds| Timestamp::from_parts(i64::from(seconds), nanos))
    }

    fn datagram<'a>(&self, payload: Layer<'a>) -> Decoded<'a> {
        Decoded::Datagram(Datagram {
            source: self.source,
            destination: self.destination,
            transport: self.transport,
            relayed_time: self.relayed_time(),
            identification: 0,
            payload: payload.bytes,
            missing: payload.missing_u32(),
        })
    }
}

/// Version 3: magic, total length, chunks of vendor, type, length and value in any order.
pub(in crate::decode) fn version_3(layer: Layer<'_>) -> Option<Outcome<'_>> {
    let total = usize::from(layer.u16_at(MAGIC.len())?);
    Some(layer.limit(total).after(HEADER_LEN).ok_or(Skip::InvalidHep).and_then(chunks))
}

fn chunks(mut layer: Layer<'_>) -> Outcome<'_> {
    let mut about = About::default();
    let (mut is_sip, mut payload, mut compressed) = (true, None, None);
    while !layer.bytes.is_empty() {
        let (Some(vendor), Some(kind), Some(length)) = (layer.u16_at(0), layer.u16_at(2), layer.u16_at(4)) else {
            break;
        };
        let length = usize::from(length).checked_sub(CHUNK_HEADER_LEN).ok_or(Skip::InvalidHep)?;
        let rest = layer.after(CHUNK_HEADER_LEN).ok_or(Skip::InvalidHep)?;
        let value = rest.limit(length);
        layer = rest.after(length.min(rest.bytes.len())).ok_or(Skip::InvalidHep)?;
        // Chunks of other vendors mean something else.
        if vendor != 0 {
            continue;
        }
        match kind {
            PAYLOAD_TYPE => is_sip = value.bytes == [SIP],
            PAYLOAD => payload = Some(value),
            COMPRESSED_PAYLOAD => compressed = Some(value),
            _ => about.note(kind, value.bytes),
        }
    }
    match (payload, compressed) {
        _ if !is_sip => Err(Skip::OtherHep),
        (Some(payload), _) => Ok(about.datagram(payload)),
        (None, Some(compressed)) => unpack(&about, compressed),
        (None, None) => Err(Skip::InvalidHep),
    }
}

impl About {
    fn note(&mut self, kind: u16, value: &[u8]) {
        let long = || value.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
        let short = || value.first_chunk().map_or(0, |bytes| u16::from_be_bytes(*bytes));
        match kind {
            PROTOCOL => self.transport = value.first().map_or(Transport::Udp, |protocol| transport(*protocol)),
            IPV4_SOURCE | IPV6_SOURCE => self.source.address = address(value).unwrap_or(self.source.address),
            IPV4_DESTINATION | IPV6_DESTINATION => {
                self.destination.address = address(value).unwrap_or(self.destination.address);
            }
            SOURCE_PORT => self.source.port = short(),
            DESTINATION_PORT => self.destination.port = short(),
            SECONDS => self.seconds = long(),
            MICROSECONDS => self.microseconds = long().unwrap_or(0),
            _ => {}
        }
    }
}

/// Unpacks a payload that was compressed with zlib or gzip (RFC 1950, RFC 1952).
#[cold]
fn unpack<'a>(about: &About, compressed: Layer<'a>) -> Outcome<'a> {
    use std::io::Read;
    // One byte more than may be, to notice what is too long.
    let limit = u64::try_from(MAX_PACKET_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut payload = Vec::new();
    let bytes = compressed.bytes;
    let read = if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::GzDecoder::new(bytes).take(limit).read_to_end(&mut payload)
    } else {
        flate2::read::ZlibDecoder::new(bytes).take(limit).read_to_end(&mut payload)
    };
    if read.is_err() || payload.len() > MAX_PACKET_BYTES {
        return Err(Skip::InvalidHep);
    }
    Ok(Decoded::Unpacked(Box::new(Unpacked {
        source: about.source,
        destination: about.destination,
        transport: about.transport,
        relayed_time: about.relayed_time(),
        payload,
    })))
}

/// Versions 1 and 2: version, length, family, protocol, ports, addresses; in version 2 a time and an agent; the message.
///
/// Nothing but its content tells it from other datagrams, so the message must begin like one of SIP.
pub(super) fn version_1_or_2(layer: Layer<'_>) -> Option<Outcome<'_>> {
    let &[version, length, family, protocol, ..] = layer.bytes.first_chunk::<OLD_HEADER_LEN>()?;
    let address_len = match family {
        FAMILY_IPV4 => 4,
        _ if FAMILIES_IPV6.contains(&family) => 16,
        _ => return None,
    };
    if !matches!(protocol, TCP | UDP | SCTP) {
        return None;
    }
    let addresses_end = OLD_HEADER_LEN + 2 * address_len;
    let at = |start: usize| address(layer.bytes.get(start..start + address_len)?);
    let mut about = About {
        source: Endpoint::new(at(OLD_HEADER_LEN)?, layer.u16_at(4)?),
        destination: Endpoint::new(at(OLD_HEADER_LEN + address_len)?, layer.u16_at(6)?),
        transport: transport(protocol),
        ..About::default()
    };
    let is_sip = |start: &usize| layer.bytes.get(*start..).is_some_and(begins_like_sip);
    if version == 1 {
        let start = [addresses_end, usize::from(length)].into_iter().find(is_sip)?;
        return Some(Ok(about.datagram(layer.after(start)?)));
    }
    // The time is in the byte order of the agent, which is little-endian wherever it was seen.
    let word = |start: usize| layer.bytes.get(start..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    about.seconds = word(addresses_end);
    about.microseconds = word(addresses_end + 4).unwrap_or(0);
    let starts = OLD_TIME_LENS.map(|length| addresses_end + length);
    let start = starts.into_iter().chain([usize::from(length)]).find(is_sip)?;
    Some(Ok(about.datagram(layer.after(start)?)))
}

fn transport(protocol: u8) -> Transport {
    match protocol {
        TCP => Transport::Tcp,
        SCTP => Transport::Sctp,
        _ => Transport::Udp,
    }
}

fn address(value: &[u8]) -> Option<IpAddr> {
    let four = || Some(IpAddr::from(<[u8; 4]>::try_from(value).ok()?));
    four().or_else(|| Some(IpAddr::from(<[u8; 16]>::try_from(value).ok()?)))
}
