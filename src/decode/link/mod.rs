//! Link types: a row and a file each.

mod erf;
pub(super) mod ethernet;
mod frame_relay;
mod hdlc;
mod juniper;
mod loopback;
mod nflog;
mod pktap;
mod raw;
mod sll;
mod sll2;
mod upper_pdu;
pub(super) mod wlan;
mod wlan_header;

use super::layer::Layer;
use super::{Outcome, Skip, tunnel};
use crate::net::LinkType;

/// A link type that is understood.
pub struct Link {
    /// Its LINKTYPE number.
    pub link: LinkType,
    /// Undoes the link header.
    pub(super) decode: for<'a> fn(Layer<'a>) -> Outcome<'a>,
}

/// The link types that are understood, by number.
pub static LINKS: &[Link] = &[
    Link { link: LinkType::NULL, decode: loopback::decode },
    Link { link: LinkType::ETHERNET, decode: ethernet::decode },
    Link { link: LinkType::PPP, decode: tunnel::ppp::decode },
    Link { link: LinkType::RAW_12, decode: raw::decode },
    Link { link: LinkType::RAW_14, decode: raw::decode },
    Link { link: LinkType::PPP_HDLC, decode: hdlc::ppp },
    Link { link: LinkType::PPPOE, decode: tunnel::ppp::over_ethernet },
    Link { link: LinkType::RAW, decode: raw::decode },
    Link { link: LinkType::CISCO_HDLC, decode: hdlc::cisco },
    Link { link: LinkType::IEEE_802_11, decode: wlan::decode },
    Link { link: LinkType::FRAME_RELAY, decode: frame_relay::decode },
    Link { link: LinkType::LOOP, decode: loopback::decode },
    Link { link: LinkType::LINUX_SLL, decode: sll::decode },
    Link { link: LinkType::IEEE_802_11_PRISM, decode: wlan_header::prism },
    Link { link: LinkType::IEEE_802_11_RADIOTAP, decode: wlan_header::radiotap },
    Link { link: LinkType::IEEE_802_11_AVS, decode: wlan_header::avs },
    Link { link: LinkType::JUNIPER_ETHERNET, decode: juniper::ethernet },
    Link { link: LinkType::JUNIPER_PPP, decode: juniper::ppp },
    Link { link: LinkType::JUNIPER_FRAME_RELAY, decode: juniper::frame_relay },
    Link { link: LinkType::JUNIPER_CHDLC, decode: juniper::cisco_hdlc },
    Link { link: LinkType::PPI, decode: wlan_header::ppi },
    Link { link: LinkType::ERF, decode: erf::decode },
    Link { link: LinkType::PPP_WITH_DIRECTION, decode: hdlc::ppp_with_direction },
    Link { link: LinkType::MPLS, decode: tunnel::mpls::decode },
    Link { link: LinkType::IPV4, decode: super::ip::v4::decode },
    Link { link: LinkType::IPV6, decode: super::ip::v6::decode },
    Link { link: LinkType::NFLOG, decode: nflog::decode },
    Link { link: LinkType::UPPER_PDU, decode: upper_pdu::decode },
    Link { link: LinkType::PKTAP, decode: pktap::decode },
    Link { link: LinkType::LINUX_SLL2, decode: sll2::decode },
];

/// Decodes a frame of this link type.
pub(super) fn decode(link: LinkType, layer: Layer<'_>) -> Outcome<'_> {
    match LINKS.iter().find(|row| row.link == link) {
        Some(row) => (row.decode)(layer),
        None => Err(match link {
            LinkType::NO_PACKET => Skip::NoPacket,
            LinkType::NO_INTERFACE => Skip::UnknownInterface,
            _ => Skip::UnsupportedLinkType,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_sorted_unique_and_named() {
        assert!(LINKS.is_sorted_by(|a, b| a.link < b.link));
        for row in LINKS {
            assert!(row.link.known_name().is_some(), "{:?} has no name", row.link);
        }
    }
}
