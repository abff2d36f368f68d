//! Link types, addresses and transports: the words in which all rooms speak of who sent what to whom.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// An address and a port (0 where the transport has none).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// The IP address.
    pub address: IpAddr,
    /// The UDP, TCP or SCTP port.
    pub port: u16,
}

impl Endpoint {
    /// An endpoint of its two parts.
    pub const fn new(address: IpAddr, port: u16) -> Self {
        Self { address, port }
    }
}

impl Default for Endpoint {
    fn default() -> Self {
        Self::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            IpAddr::V4(address) => {
                // The formatting of numbers is slow, and reports hold millions of endpoints.
                let mut text = Digits::default();
                for (octet, separator) in address.octets().into_iter().zip(*b"...:") {
                    text.number(octet.into());
                    text.byte(separator);
                }
                text.number(self.port);
                f.write_str(text.as_str())
            }
            IpAddr::V6(address) => write!(f, "[{address}]:{}", self.port),
        }
    }
}

/// Room for `255.255.255.255:65535`.
#[derive(Default)]
struct Digits {
    bytes: [u8; 21],
    length: usize,
}

impl Digits {
    fn byte(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }

    fn number(&mut self, number: u16) {
        let mut divisor = 10_000;
        while divisor > 1 && number < divisor {
            divisor /= 10;
        }
        while divisor > 0 {
            self.byte(b'0' + u8::try_from(number / divisor % 10).unwrap_or(0));
            divisor /= 10;
        }
    }

    fn as_str(&self) -> &str {
        self.bytes.get(..self.length).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
    }
}

/// What carried a SIP message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// UDP (RFC 3261 18).
    #[default]
    Udp,
    /// TCP (RFC 3261 18).
    Tcp,
    /// TLS over TCP (RFC 3261 26.2.1); seen in the clear only where something handed it on.
    Tls,
    /// SCTP (RFC 4168).
    Sctp,
    /// WebSocket over TCP (RFC 7118).
    Ws,
    /// WebSocket over TLS (RFC 7118).
    Wss,
}

impl Transport {
    /// The name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Sctp => "sctp",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }
}

/// A LINKTYPE number as captures hold it: what the first bytes of a frame are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkType(pub u32);

impl LinkType {
    /// BSD loopback: the address family in the byte order of the capturing machine.
    pub const NULL: Self = Self(0);
    /// Ethernet II and IEEE 802.3.
    pub const ETHERNET: Self = Self(1);
    /// Raw IP, as the value of DLT_RAW on most systems.
    pub const RAW_12: Self = Self(12);
    /// Raw IP, as the value of DLT_RAW on OpenBSD.
    pub const RAW_14: Self = Self(14);
    /// Raw IP, version 4 or 6.
    pub const RAW: Self = Self(101);
    /// OpenBSD loopback: the address family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux cooked capture.
    pub const LINUX_SLL: Self = Self(113);
    /// PPP, as BSD writes it.
    pub const PPP: Self = Self(9);
    /// PPP in HDLC-like framing.
    pub const PPP_HDLC: Self = Self(50);
    /// PPP over Ethernet, without the Ethernet header.
    pub const PPPOE: Self = Self(51);
    /// Cisco HDLC.
    pub const CISCO_HDLC: Self = Self(104);
    /// IEEE 802.11 without a radio header.
    pub const IEEE_802_11: Self = Self(105);
    /// Frame Relay (RFC 2427).
    pub const FRAME_RELAY: Self = Self(107);
    /// IEEE 802.11 behind a Prism header.
    pub const IEEE_802_11_PRISM: Self = Self(119);
    /// IEEE 802.11 behind a radiotap header.
    pub const IEEE_802_11_RADIOTAP: Self = Self(127);
    /// IEEE 802.11 behind an AVS header.
    pub const IEEE_802_11_AVS: Self = Self(163);
    /// Ethernet behind a header of Juniper routers.
    pub const JUNIPER_ETHERNET: Self = Self(178);
    /// PPP behind a header of Juniper routers.
    pub const JUNIPER_PPP: Self = Self(179);
    /// Frame Relay behind a header of Juniper routers.
    pub const JUNIPER_FRAME_RELAY: Self = Self(180);
    /// Cisco HDLC behind a header of Juniper routers.
    pub const JUNIPER_CHDLC: Self = Self(181);
    /// Per-Packet Information in front of another link type.
    pub const PPI: Self = Self(192);
    /// PPP behind a byte of direction.
    pub const PPP_WITH_DIRECTION: Self = Self(204);
    /// MPLS label stacks.
    pub const MPLS: Self = Self(219);
    /// Packets that Linux netfilter logged.
    pub const NFLOG: Self = Self(239);
    /// PDUs that a dissector exported.
    pub const UPPER_PDU: Self = Self(252);
    /// Records of Endace cards, each with its own link type.
    pub const ERF: Self = Self(197);
    /// Frames of several interfaces of macOS, each with its own link type.
    pub const PKTAP: Self = Self(258);
    /// Raw IP, version 4 only.
    pub const IPV4: Self = Self(228);
    /// Raw IP, version 6 only.
    pub const IPV6: Self = Self(229);
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);
    /// No LINKTYPE: the record is numbered as a frame but holds no packet, such as a journal entry, an event, a custom block.
    pub const NO_PACKET: Self = Self(u32::MAX);
    /// No LINKTYPE: the packet names an interface that its section does not describe, so nobody knows what it begins with.
    pub const NO_INTERFACE: Self = Self(u32::MAX - 1);
    /// No LINKTYPE: the capture format has a link layer that pcap has no number for.
    pub const UNNUMBERED: Self = Self(u32::MAX - 2);

    /// The link type with this number in the registry of LINKTYPE values.
    pub const fn numbered(number: u16) -> Self {
        Self(number as u32)
    }

    /// The LINKTYPE number, if there is one.
    pub fn number(self) -> Option<u16> {
        u16::try_from(self.0).ok()
    }

    /// The name used in reports, or nothing for a number that is shown as `linktype_N`; that of link types that are not
    /// read too.
    pub const fn known_name(self) -> Option<&'static str> {
        Some(match self {
            Self::NULL => "null",
            Self::ETHERNET => "ethernet",
            Self::RAW_12 | Self::RAW_14 | Self::RAW => "raw_ip",
            Self::LOOP => "loop",
            Self::LINUX_SLL => "linux_sll",
            Self::PPP => "ppp",
            Self::PPP_HDLC => "ppp_hdlc",
            Self::PPPOE => "pppoe",
            Self::CISCO_HDLC => "cisco_hdlc",
            Self::IEEE_802_11 => "ieee_802_11",
            Self::FRAME_RELAY => "frame_relay",
            Self::IEEE_802_11_PRISM => "ieee_802_11_prism",
            Self::IEEE_802_11_RADIOTAP => "ieee_802_11_radiotap",
            Self::IEEE_802_11_AVS => "ieee_802_11_avs",
            Self::JUNIPER_ETHERNET => "juniper_ethernet",
            Self::JUNIPER_PPP => "juniper_ppp",
            Self::JUNIPER_FRAME_RELAY => "juniper_frame_relay",
            Self::JUNIPER_CHDLC => "juniper_chdlc",
            Self::PPI => "ppi",
            Self::PPP_WITH_DIRECTION => "ppp_with_direction",
            Self::MPLS => "mpls",
            Self::NFLOG => "nflog",
            Self::UPPER_PDU => "wireshark_upper_pdu",
            Self::PKTAP => "pktap",
            Self::ERF => "erf",
            Self::IPV4 => "ipv4",
            Self::IPV6 => "ipv6",
            Self::LINUX_SLL2 => "linux_sll2",
            Self::NO_PACKET => "no_packet",
            Self::NO_INTERFACE => "unknown_interface",
            Self::UNNUMBERED => "other",
            Self(number) => return unread_name(number),
        })
    }

    /// The name used in reports.
    pub fn name(self) -> Cow<'static, str> {
        match self.known_name() {
            Some(name) => Cow::Borrowed(name),
            None => Cow::Owned(format!("linktype_{}", self.0)),
        }
    }
}

/// The names of link types that are not read but come along in captures, from the list at tcpdump.org.
const fn unread_name(number: u32) -> Option<&'static str> {
    Some(match number {
        6 => "token_ring",
        7 => "arcnet",
        8 => "slip",
        10 => "fddi",
        99 => "symantec_firewall",
        100 => "atm_rfc1483",
        114 => "localtalk",
        117 => "pflog",
        122 => "fibre_channel_ip",
        123 => "atm_sunatm",
        129 => "arcnet_linux",
        138 => "firewire_ip",
        139 => "mtp2_with_pseudo_header",
        140 => "mtp2",
        141 => "mtp3",
        142 => "sccp",
        143 => "docsis",
        147..=162 => "user",
        165 => "bacnet_ms_tp",
        177 => "linux_lapd",
        187 => "bluetooth_hci_h4",
        189 => "usb_linux",
        195 => "ieee_802_15_4",
        201 => "bluetooth_hci_h4_with_direction",
        220 => "usb_linux_mmapped",
        227 => "can_socketcan",
        230 => "ieee_802_15_4_no_fcs",
        240 => "netanalyzer",
        241 => "netanalyzer_transparent",
        242 => "ip_over_infiniband",
        247 => "infiniband",
        248 => "sctp",
        249 => "usbpcap",
        251 => "bluetooth_le",
        253 => "netlink",
        254 => "bluetooth_linux_monitor",
        266 => "usb_darwin",
        281 => "dsa_tag_broadcom",
        282 => "dsa_tag_broadcom_prepended",
        284 => "dsa_tag",
        285 => "dsa_tag_extended",
        290 => "windows_events",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv6Addr, SocketAddr};

    use super::*;

    #[test]
    fn endpoints_are_written_as_socket_addresses_are() {
        for address in [[0, 0, 0, 0], [255, 255, 255, 255], [10, 0, 200, 9], [1, 20, 100, 101]] {
            for port in [0, 1, 9, 10, 99, 100, 5_060, 65_535] {
                let address = IpAddr::from(address);
                let expected = SocketAddr::new(address, port).to_string();
                assert_eq!(Endpoint::new(address, port).to_string(), expected);
            }
        }
        assert_eq!(Endpoint::new(Ipv6Addr::LOCALHOST.into(), 5_060).to_string(), "[::1]:5060");
    }
}
