//! What follows a link header, by its Ethertype.

use super::layer::Layer;
use super::{Outcome, Skip, ip, tunnel};

/// Values of an Ethertype field up to this one are the length of an IEEE 802.3 frame.
const MAX_LENGTH: u16 = 1_500;
/// The LLC service access points of SNAP, and of IP directly on LLC.
const LLC_SAP_SNAP: u8 = 0xaa;
const LLC_SAP_IP: u8 = 0x06;
/// LLC control: unnumbered information.
const LLC_UNNUMBERED: u8 = 0x03;
/// SNAP organization codes whose protocol field is an Ethertype: RFC 1042 and bridge-tunnel (IEEE 802.1H).
const SNAP_RFC_1042: [u8; 3] = [0, 0, 0];
const SNAP_BRIDGE_TUNNEL: [u8; 3] = [0, 0, 0xf8];

/// The Ethertypes of IP.
pub(super) const IPV4: u16 = 0x0800;
pub(super) const IPV6: u16 = 0x86dd;

/// What is done with an Ethertype.
enum Action {
    /// A header that is undone.
    Decode(for<'a> fn(Layer<'a>) -> Outcome<'a>),
    /// Something that is not looked at.
    Skip(Skip),
}

/// The Ethertypes that are known, those of most frames first.
static ETHERTYPES: &[(u16, Action)] = &[
    (IPV4, Action::Decode(ip::v4::decode)),
    (IPV6, Action::Decode(ip::v6::decode)),
    (0x8100, Action::Decode(vlan)),
    (0x88a8, Action::Decode(vlan)),
    (0x9100, Action::Decode(vlan)),
    (0x9200, Action::Decode(vlan)),
    (0x9300, Action::Decode(vlan)),
    (0x0806, Action::Skip(Skip::Arp)),
    (0x8035, Action::Skip(Skip::Arp)),
    (0x8847, Action::Decode(tunnel::mpls::decode)),
    (0x8848, Action::Decode(tunnel::mpls::decode)),
    (0x8863, Action::Skip(Skip::Pppoe)),
    (0x8864, Action::Decode(tunnel::ppp::over_ethernet)),
    (0x888e, Action::Skip(Skip::Eapol)),
    (0x88cc, Action::Skip(Skip::Lldp)),
    (0x88e5, Action::Skip(Skip::Macsec)),
    (0x88e7, Action::Skip(Skip::ProviderBackboneBridge)),
];

/// Decodes what follows an Ethertype or, in an IEEE 802.3 frame, a length.
pub(super) fn decode(ethertype: u16, layer: Layer<'_>) -> Outcome<'_> {
    if ethertype <= MAX_LENGTH {
        return llc(layer);
    }
    known(ethertype, layer)
}

/// Decodes an IEEE 802.2 LLC header, which may carry a SNAP header.
pub(super) fn llc(layer: Layer<'_>) -> Outcome<'_> {
    let Some(&[destination_sap, source_sap, control]) = layer.bytes.first_chunk() else {
        return Err(Skip::TruncatedLink);
    };
    match (destination_sap, source_sap, control) {
        (LLC_SAP_IP, LLC_SAP_IP, LLC_UNNUMBERED) => {
            ip::v4::decode(layer.after(3).ok_or(Skip::TruncatedLink)?.deeper()?)
        }
        (LLC_SAP_SNAP, LLC_SAP_SNAP, LLC_UNNUMBERED) => {
            let snap = layer.after(3).ok_or(Skip::TruncatedLink)?;
            let Some(&organization) = snap.bytes.first_chunk::<3>() else {
                return Err(Skip::TruncatedLink);
            };
            if organization != SNAP_RFC_1042 && organization != SNAP_BRIDGE_TUNNEL {
                return Err(Skip::OtherLlc);
            }
            let ethertype = snap.u16_at(3).ok_or(Skip::TruncatedLink)?;
            known(ethertype, snap.after(5).ok_or(Skip::TruncatedLink)?.deeper()?)
        }
        _ => Err(Skip::OtherLlc),
    }
}

/// Whether this is the Ethertype of something that is known by name.
pub(super) fn is_known(ethertype: u16) -> bool {
    ETHERTYPES.iter().any(|row| row.0 == ethertype)
}

/// Decodes what follows an Ethertype that is no length.
pub(super) fn known(ethertype: u16, layer: Layer<'_>) -> Outcome<'_> {
    match ETHERTYPES.iter().find(|row| row.0 == ethertype) {
        Some((_, Action::Decode(decode))) => decode(layer),
        Some((_, Action::Skip(skip))) => Err(*skip),
        None => Err(Skip::OtherEthertype),
    }
}

/// Decodes a VLAN tag (IEEE 802.1Q 9.6) after its Ethertype: two bytes of tag, then the next Ethertype.
fn vlan(layer: Layer<'_>) -> Outcome<'_> {
    let layer = layer.deeper()?;
    let ethertype = layer.u16_at(2).ok_or(Skip::TruncatedLink)?;
    decode(ethertype, layer.after(4).ok_or(Skip::TruncatedLink)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ethertypes_are_unique_and_no_lengths() {
        for (index, (number, _)) in ETHERTYPES.iter().enumerate() {
            assert!(*number > MAX_LENGTH);
            assert!(ETHERTYPES.iter().skip(index + 1).all(|row| row.0 != *number), "{number:#06x} twice");
        }
    }
}
