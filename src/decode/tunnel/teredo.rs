//! Teredo (RFC 4380): IPv6 over UDP through address translation.

use crate::decode::layer::Layer;
use crate::decode::{Outcome, ip};

const AUTHENTICATION: [u8; 2] = [0, 1];
const ORIGIN: [u8; 2] = [0, 0];
/// Bytes of an origin indication; of an authentication without identifier and value.
const ORIGIN_LEN: usize = 8;
const AUTHENTICATION_LEN: usize = 13;

/// An optional authentication, an optional origin indication, then an IPv6 packet.
pub(super) fn over_udp(mut layer: Layer<'_>) -> Option<Outcome<'_>> {
    if layer.bytes.starts_with(&AUTHENTICATION) {
        let (identifier, value) = (*layer.bytes.get(2)?, *layer.bytes.get(3)?);
        layer = layer.after(AUTHENTICATION_LEN + usize::from(identifier) + usize::from(value))?;
    }
    if layer.bytes.starts_with(&ORIGIN) {
        layer = layer.after(ORIGIN_LEN)?;
    }
    (layer.bytes.first()? >> 4 == 6).then(|| ip::v6::decode(layer))
}
