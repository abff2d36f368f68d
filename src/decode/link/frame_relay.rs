//! Frame Relay with the encapsulation of RFC 2427, or with Cisco's, which has an Ethertype right behind the address.

use crate::decode::layer::Layer;
use crate::decode::{Outcome, Skip, ethertype, ip};

/// The last address byte has its lowest bit set; there are 2 to 4.
const MAX_ADDRESS_LEN: usize = 4;
/// Control: unnumbered information.
const UNNUMBERED: u8 = 0x03;
const PADDING: u8 = 0;
const NLPID_SNAP: u8 = 0x80;
const NLPID_IPV6: u8 = 0x8e;
const NLPID_IPV4: u8 = 0xcc;
const SNAP_ETHERTYPE: [u8; 3] = [0, 0, 0];
const SNAP_BRIDGED: [u8; 3] = [0, 0x80, 0xc2];
/// Bridged Ethernet with and without its check sequence (RFC 2427 4.2): behind padding, or not.
const BRIDGED_ETHERNET: [u16; 2] = [0x0001, 0x0007];

/// Decodes a Frame Relay frame.
pub(super) fn decode(layer: Layer<'_>) -> Outcome<'_> {
    let last = layer.bytes.iter().take(MAX_ADDRESS_LEN).position(|byte| byte & 1 == 1);
    let short = || layer.too_short(Skip::TruncatedLink, Skip::OtherFrameRelay);
    let address_len = last.filter(|last| *last > 0).ok_or_else(short)? + 1;
    let layer = layer.after(address_len).ok_or(Skip::TruncatedLink)?;
    if layer.bytes.first() != Some(&UNNUMBERED) {
        let number = layer.u16_at(0).ok_or(Skip::TruncatedLink)?;
        return other(ethertype::known(number, layer.after(2).ok_or(Skip::TruncatedLink)?));
    }
    let padding = usize::from(layer.bytes.get(1) == Some(&PADDING));
    let protocol = *layer.bytes.get(1 + padding).ok_or(Skip::TruncatedLink)?;
    let payload = layer.after(2 + padding).ok_or(Skip::TruncatedLink)?;
    match protocol {
        NLPID_IPV4 => ip::v4::decode(payload),
        NLPID_IPV6 => ip::v6::decode(payload),
        NLPID_SNAP => snap(payload),
        _ => Err(Skip::OtherFrameRelay),
    }
}

fn snap(layer: Layer<'_>) -> Outcome<'_> {
    let (Some(&organization), Some(number), Some(payload)) =
        (layer.bytes.first_chunk::<3>(), layer.u16_at(3), layer.after(5))
    else {
        return Err(Skip::TruncatedLink);
    };
    match organization {
        SNAP_ETHERTYPE => other(ethertype::known(number, payload)),
        SNAP_BRIDGED if BRIDGED_ETHERNET.contains(&number) => super::ethernet::decode(payload.deeper()?),
        _ => Err(Skip::OtherFrameRelay),
    }
}

fn other(outcome: Outcome<'_>) -> Outcome<'_> {
    outcome.map_err(|skip| if skip == Skip::OtherEthertype { Skip::OtherFrameRelay } else { skip })
}
