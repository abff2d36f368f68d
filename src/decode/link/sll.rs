//! Linux cooked capture: a header of 16 bytes that ends in the protocol.

use super::{frame_relay, wlan, wlan_header};
use crate::decode::layer::Layer;
use crate::decode::{Outcome, Skip, ethertype};

/// Bytes of the header.
const HEADER_LEN: usize = 16;
/// Protocol: IEEE 802.2 LLC follows.
const PROTOCOL_LLC: u16 = 4;
/// ARPHRD types whose protocol field says nothing: what follows is a frame of theirs.
const FRAME_RELAY: u16 = 770;
const IEEE_802_11: u16 = 801;
const IEEE_802_11_PRISM: u16 = 802;
const IEEE_802_11_RADIOTAP: u16 = 803;
const NETLINK: u16 = 824;

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
    match hardware {
        FRAME_RELAY => return frame_relay::decode(payload),
        IEEE_802_11 => return wlan::decode(payload),
        IEEE_802_11_PRISM => return wlan_header::prism(payload),
        IEEE_802_11_RADIOTAP => return wlan_header::radiotap(payload),
        NETLINK => return Err(Skip::UnsupportedHardwareType),
        _ => {}
    }
    match protocol {
        PROTOCOL_LLC => ethertype::llc(payload),
        // The numbers below the Ethertypes are Linux's own, and none of them means IP.
        0..=1_535 => Err(Skip::OtherEthertype),
        _ => ethertype::decode(protocol, payload),
    }
}
