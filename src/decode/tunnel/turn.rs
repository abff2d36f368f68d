//! STUN and TURN over UDP (RFC 8489 5, RFC 8656): what clients and relays hand each other, SIP among it.
//!
//! A relay knows which peer a channel stands for, one datagram does not: a message in a channel has the addresses of the datagram.

use super::super::transport::udp::Ends;
use super::begins_like_sip;
use crate::decode::layer::Layer;
use crate::decode::{Decoded, Outcome, Recognised};
use crate::net::Endpoint;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a STUN header has behind type and length (RFC 8489 5).
const COOKIE: u32 = 0x2112_a442;
const HEADER_LEN: usize = 20;
const ATTRIBUTE_HEADER_LEN: usize = 4;
/// The requests and answers of STUN without the cookie (RFC 3489 11.1).
const OLD_TYPES: [u16; 6] = [0x0001, 0x0101, 0x0111, 0x0002, 0x0102, 0x0112];
/// To be relayed, and relayed (RFC 8656 17).
const SEND_INDICATION: u16 = 0x0016;
const DATA_INDICATION: u16 = 0x0017;
const XOR_PEER_ADDRESS: u16 = 0x0012;
const DATA: u16 = 0x0013;
/// Channel number and length (RFC 8656 12.4).
const CHANNEL_HEADER_LEN: usize = 4;

/// Decodes STUN and channel data; `None` if it is neither.
#[cold]
pub(super) fn over_udp<'a>(ends: Ends, layer: Layer<'a>) -> Option<Outcome<'a>> {
    if layer.bytes.first()? >> 6 == 0 { stun(ends, layer) } else { channel(ends, layer) }
}

fn stun<'a>(ends: Ends, layer: Layer<'a>) -> Option<Outcome<'a>> {
    let (kind, length) = (layer.u16_at(0)?, layer.u16_at(2)?);
    let whole = layer.bytes.len().saturating_add(layer.missing);
    let fits = usize::from(length) + HEADER_LEN == whole;
    if long(layer.bytes, 4)? != COOKIE && !(fits && OLD_TYPES.contains(&kind)) {
        return None;
    }
    let relayed = matches!(kind, SEND_INDICATION | DATA_INDICATION).then(|| relayed(ends, kind, layer)).flatten();
    Some(Ok(relayed.unwrap_or(Decoded::Recognised(Recognised::Stun))))
}

/// The SIP message in an indication, with the address of the peer.
fn relayed<'a>(ends: Ends, kind: u16, layer: Layer<'a>) -> Option<Decoded<'a>> {
    let (mut data, mut peer) = (None, None);
    let transaction = layer.bytes.get(4..HEADER_LEN)?;
    let mut rest = layer.after(HEADER_LEN)?;
    while let (Some(attribute), Some(length)) = (rest.u16_at(0), rest.u16_at(2)) {
        let value = rest.after(ATTRIBUTE_HEADER_LEN)?;
        let end = usize::from(length).next_multiple_of(4).min(value.bytes.len());
        let content = value.limit(usize::from(length));
        match attribute {
            DATA => data = Some(content),
            XOR_PEER_ADDRESS => peer = address(content.bytes, transaction),
            _ => {}
        }
        rest = value.after(end)?;
    }
    let content = data.filter(|content| begins_like_sip(content.bytes))?;
    let ends = match (kind, peer) {
        (SEND_INDICATION, Some(peer)) => Ends { destination: peer, ..ends },
        (DATA_INDICATION, Some(peer)) => Ends { source: peer, ..ends },
        _ => ends,
    };
    Some(Decoded::Datagram(ends.datagram(content)))
}

/// An address that is exclusive-ored with cookie and transaction (RFC 8489 14.2).
fn address(value: &[u8], transaction: &[u8]) -> Option<Endpoint> {
    let mut plain = value.get(2..)?.iter().zip(transaction.iter().take(2).chain(transaction)).map(|(a, b)| a ^ b);
    let port = u16::from_be_bytes([plain.next()?, plain.next()?]);
    let octets: Vec<u8> = plain.collect();
    let address = match octets.len() {
        4 => IpAddr::from(Ipv4Addr::from(*octets.first_chunk()?)),
        16 => IpAddr::from(Ipv6Addr::from(*octets.first_chunk()?)),
        _ => return None,
    };
    Some(Endpoint::new(address, port))
}

/// Channel data: a channel of 0x4000 to 0x4fff, a length that fits, the data, perhaps padding (RFC 8656 12.5).
fn channel<'a>(ends: Ends, layer: Layer<'a>) -> Option<Outcome<'a>> {
    let header: &[u8; CHANNEL_HEADER_LEN] = layer.bytes.first_chunk()?;
    let length = usize::from(layer.u16_at(2)?);
    let rest = layer.after(CHANNEL_HEADER_LEN)?;
    let here = rest.bytes.len().saturating_add(rest.missing);
    // Words, which other protocols begin with, are lengths of more than 16 KiB.
    if header.iter().all(u8::is_ascii_graphic) || !(length == here || length.next_multiple_of(4) == here) {
        return None;
    }
    let content = rest.limit(length);
    if begins_like_sip(content.bytes) {
        return Some(Ok(Decoded::Datagram(ends.datagram(content))));
    }
    Some(Ok(Decoded::Recognised(Recognised::TurnChannel)))
}

fn long(bytes: &[u8], start: usize) -> Option<u32> {
    bytes.get(start..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}
