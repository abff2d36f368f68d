//! Linux cooked capture: a header of 16 bytes that ends in the protocol.

use crate::decode::layer::Layer;
use crate::decode::{Outcome, Skip, ethertype};

/// Bytes of the header.
const HEADER_LEN: usize = 16;
/// Protocol: IEEE 802.2 LLC follows.
const PROTOCOL_LLC: u16 = 4;
/// ARPHRD types whose protocol field is no Ethertype: Frame Relay, 802.11 in its three shapes, netlink.
const FOREIGN_HARDWARE: [u16; 5] = [770, 801, 802, 803, 824];

/// Decodes a cooked frame: packet type, ARPHRD type, address length, address (8 bytes), protocol.
pub(super) fn decode(layer: Layer<'_>) -> Outcome<'_> {
    let (Some(hardware), Some(protocol), Some(payload)) = (layer.u16_at(2), layer.u16_at(14), layer.after(HEADER_LEN))
    else {
        return Err(Skip::TruncatedLink);
    };
    payload_of(hardware, protocol, payload)
}

/// Decodes what follows a cooked header of either version.
pub(super) fn payload_of(hardware: u16, protocol: u16, payload: Layer<'_>) -> Outcome<'_> {
    if FOREIGN_HARDWARE.contains(&hardware) {
        return Err(Skip::UnsupportedHardwareType);
    }
    match protocol {
        PROTOCOL_LLC => ethertype::llc(payload),
        // The numbers below the Ethertypes are Linux's own, and none of them means IP.
        0..=1_535 => Err(Skip::OtherEthertype),
        _ => ethertype::decode(protocol, payload),
    }
}
