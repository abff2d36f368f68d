//! ESP with the NULL cipher (RFC 4303, RFC 2410), on IP and over UDP (RFC 3948): IMS signalling is often only authenticated.
//!
//! Nothing in a packet says that it is not encrypted, nor how long its authentication data is. It is taken as clear where
//! all of its trailer and of the header inside agree, which encrypted bytes do once in millions of packets.

use super::{ip, rest};
use crate::decode::ip::Packet;
use crate::decode::layer::Layer;
use crate::decode::{Outcome, Skip};

/// Security parameters index and sequence number.
const HEADER_LEN: usize = 8;
/// Bytes of authentication data, the usual first: HMAC-96, HMAC-SHA-256-128, none, SHA-384-192, SHA-512-256, HMAC-160.
const AUTHENTICATION_LENS: [usize; 6] = [12, 16, 0, 24, 32, 20];
/// Pad length and next header.
const TRAILER_LEN: usize = 2;
const IPV4: u8 = 4;
const TCP: u8 = 6;
const UDP: u8 = 17;
const IPV6: u8 = 41;

/// Decodes what an ESP packet carries, if it is in the clear.
pub(in crate::decode) fn decode<'a>(packet: &Packet, layer: Layer<'a>) -> Outcome<'a> {
    let layer = layer.deeper()?;
    let (protocol, payload) = clear(layer).ok_or(Skip::Esp)?;
    ip::payload(Packet { protocol, ..*packet }, payload)
}

/// ESP over UDP. Key exchange begins with four zero bytes, a keep-alive is one byte.
///
/// Only tunnels are followed: the addresses of a packet in transport mode are those of the datagram, which the port is not.
pub(super) fn over_udp(layer: Layer<'_>) -> Option<Outcome<'_>> {
    if layer.bytes.starts_with(&[0; 4]) {
        return None;
    }
    let (protocol, payload) = clear(layer)?;
    match protocol {
        IPV4 => Some(payload.deeper().and_then(ip::v4::decode)),
        IPV6 => Some(payload.deeper().and_then(ip::v6::decode)),
        _ => None,
    }
}

/// The protocol and the payload of a packet in the clear.
fn clear(layer: Layer<'_>) -> Option<(u8, Layer<'_>)> {
    if layer.missing > 0 {
        return None;
    }
    AUTHENTICATION_LENS.iter().find_map(|authentication| clear_with(layer, *authentication))
}

fn clear_with(layer: Layer<'_>, authentication: usize) -> Option<(u8, Layer<'_>)> {
    let body = rest(layer, HEADER_LEN).ok()?;
    let body_len = body.bytes.len().checked_sub(authentication)?;
    // Pad length and next header end on a word boundary (RFC 4303 2.4).
    if body_len % 4 != 0 {
        return None;
    }
    let (content, trailer) = body.bytes.get(..body_len)?.split_last_chunk::<TRAILER_LEN>()?;
    let &[pad_length, protocol] = trailer;
    let length = content.len().checked_sub(usize::from(pad_length))?;
    // The padding is 1, 2, 3 and so on (RFC 4303 2.4).
    if !content.get(length..)?.iter().zip(1..=u8::MAX).all(|(byte, expected)| *byte == expected) {
        return None;
    }
    let payload = body.limit(length);
    agrees(protocol, payload).then_some((protocol, payload))
}

/// Whether the payload begins with a header of that protocol that fits it to the byte.
fn agrees(protocol: u8, payload: Layer<'_>) -> bool {
    let length = payload.bytes.len();
    let first = payload.bytes.first().copied().unwrap_or_default();
    let says = |at: usize| payload.u16_at(at).map(usize::from);
    match protocol {
        IPV4 => first >> 4 == 4 && says(2) == Some(length),
        IPV6 => first >> 4 == 6 && says(4).map(|says| says + 40) == Some(length),
        UDP => length >= 8 && says(4) == Some(length),
        TCP => payload.u16_at(12).is_some_and(|word| {
            let header = usize::from(word >> 12) * 4;
            // The reserved bits are zero, and some flag is set.
            (20..=length).contains(&header) && word & 0x0e00 == 0 && word & 0x003f != 0
        }),
        _ => false,
    }
}
