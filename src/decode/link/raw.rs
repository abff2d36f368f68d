//! Raw IP: no link header at all.

use crate::decode::layer::Layer;
use crate::decode::{Outcome, Skip, ip};

/// Decodes an IP packet of the version that its first byte names.
pub(super) fn decode(layer: Layer<'_>) -> Outcome<'_> {
    match layer.bytes.first().map(|byte| byte >> 4) {
        Some(4) => ip::v4::decode(layer),
        Some(6) => ip::v6::decode(layer),
        Some(_) => Err(Skip::IpVersion),
        None => Err(Skip::TruncatedIp),
    }
}
