//! BSD loopback (NULL and LOOP): four bytes of address family.

use crate::decode::layer::Layer;
use crate::decode::{Outcome, Skip, ip};

/// Bytes of the header.
const HEADER_LEN: usize = 4;
/// The family of IPv4 on every system.
const FAMILY_IPV4: u32 = 2;
/// The family of IPv6 on Linux, NetBSD and OpenBSD, FreeBSD, and Darwin.
const FAMILIES_IPV6: [u32; 4] = [10, 24, 28, 30];

/// Decodes a loopback frame.
///
/// NULL has the family in the byte order of the machine that captured, LOOP in network byte order; writers mix them up.
/// Families are small, so of the two readings the smaller one is meant.
pub(super) fn decode(layer: Layer<'_>) -> Outcome<'_> {
    let (Some(&family), Some(payload)) = (layer.bytes.first_chunk(), layer.after(HEADER_LEN)) else {
        return Err(Skip::TruncatedLink);
    };
    match u32::from_be_bytes(family).min(u32::from_le_bytes(family)) {
        FAMILY_IPV4 => ip::v4::decode(payload),
        family if FAMILIES_IPV6.contains(&family) => ip::v6::decode(payload),
        _ => Err(Skip::UnsupportedAddressFamily),
    }
}
