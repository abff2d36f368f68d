//! The reasons for which a frame goes no further.

/// Declares [`Skip`] from rows of a doc line, a variant and its name in reports.
macro_rules! skips {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal,)+) => {
        /// Why a frame goes no further: one variant per cause, each counted on its own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Skip {
            $($(#[$doc])+ $variant,)+
        }

        impl Skip {
            /// Every cause, in the order of the variants.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name used in reports.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

skips! {
    /// The record holds no packet, though it is numbered as a frame.
    NoPacket = "no_packet",
    /// The packet names an interface that the capture does not describe, so its link type is not known.
    UnknownInterface = "unknown_interface",
    /// Frames of this LINKTYPE are not understood.
    UnsupportedLinkType = "unsupported_link_type",
    /// The frame ends inside a link header, a VLAN tag or an LLC header.
    TruncatedLink = "truncated_link",
    /// The link header names a device type whose frames are not understood.
    UnsupportedHardwareType = "unsupported_hardware_type",
    /// The link header names an address family other than IPv4 and IPv6.
    UnsupportedAddressFamily = "unsupported_address_family",
    /// ARP or reverse ARP.
    Arp = "arp",
    /// MPLS that carries neither IP nor Ethernet.
    Mpls = "mpls",
    /// PPP over Ethernet: discovery, which carries no packets.
    Pppoe = "pppoe",
    /// PPP with something other than IP or MPLS inside, such as its control protocols.
    OtherPpp = "other_ppp",
    /// Frame Relay with something other than IP inside, such as its management.
    OtherFrameRelay = "other_frame_relay",
    /// An IEEE 802.11 frame that carries no data: management, control, null.
    WlanNoData = "wlan_no_data",
    /// An encrypted IEEE 802.11 frame.
    WlanEncrypted = "wlan_encrypted",
    /// A PDU exported by a dissector other than that of SIP.
    OtherExportedPdu = "other_exported_pdu",
    /// MACsec (IEEE 802.1AE): encrypted or not, what is inside is not looked at.
    Macsec = "macsec",
    /// A provider backbone bridge (IEEE 802.1ah); what is inside is not looked at.
    ProviderBackboneBridge = "provider_backbone_bridge",
    /// LLDP (IEEE 802.1AB).
    Lldp = "lldp",
    /// EAP over LAN (IEEE 802.1X).
    Eapol = "eapol",
    /// IEEE 802.2 LLC or SNAP with something other than IP inside, such as spanning tree.
    OtherLlc = "other_llc",
    /// An Ethertype other than those named here.
    OtherEthertype = "other_ethertype",
    /// More VLAN tags, extension headers and nested packets than are followed.
    TooManyLayers = "too_many_layers",
    /// The IP version is not the one the layer outside announced, or neither 4 nor 6.
    IpVersion = "ip_version",
    /// The frame ends inside the IP header.
    TruncatedIp = "truncated_ip",
    /// The IPv4 header length is below 20 bytes (RFC 791 3.1).
    Ipv4HeaderLength = "ipv4_header_length",
    /// The IPv4 total length is below the header length (RFC 791 3.1).
    Ipv4TotalLength = "ipv4_total_length",
    /// The frame ends inside an IPv6 extension header or an authentication header.
    TruncatedExtensionHeader = "truncated_extension_header",
    /// An extension header or authentication header that is longer than the packet, or invalid.
    ExtensionHeaderLength = "extension_header_length",
    /// An IPv6 packet without a payload (next header 59).
    NoNextHeader = "no_next_header",
    /// ICMP for IPv4. Packets quoted in it are none that were sent.
    Icmp = "icmp",
    /// ICMP for IPv6. Packets quoted in it are none that were sent.
    Icmpv6 = "icmpv6",
    /// IGMP.
    Igmp = "igmp",
    /// The frame ends inside the header of a tunnel.
    TruncatedTunnel = "truncated_tunnel",
    /// A tunnel with something inside that is not understood.
    OtherTunnelPayload = "other_tunnel_payload",
    /// GRE of an unknown version, or with something inside that is not understood.
    Gre = "gre",
    /// ESP: encrypted, or cut short so that nobody can tell.
    Esp = "esp",
    /// L2TP version 3: control messages, or sessions that do not carry Ethernet.
    L2tp = "l2tp",
    /// HEP (Homer) with something other than a SIP message inside.
    OtherHep = "other_hep",
    /// HEP that is cut short, contradicts itself, or whose compressed payload cannot be unpacked.
    InvalidHep = "invalid_hep",
    /// A routing protocol or router redundancy: OSPF, EIGRP, PIM, VRRP.
    Routing = "routing",
    /// An IP protocol other than those named here.
    OtherIpProtocol = "other_ip_protocol",
    /// The frame ends inside the UDP header.
    TruncatedUdp = "truncated_udp",
    /// The UDP length is below 8 bytes, or the IP packet is too short for the header (RFC 768).
    UdpLength = "udp_length",
    /// The frame ends inside the TCP header.
    TruncatedTcp = "truncated_tcp",
    /// The frame ends inside the SCTP header.
    TruncatedSctp = "truncated_sctp",
    /// The IP packet is too short for the SCTP header (RFC 9260 3.1).
    SctpLength = "sctp_length",
    /// The TCP data offset is below 20 bytes or beyond the end of the IP packet (RFC 9293 3.1).
    TcpDataOffset = "tcp_data_offset",
}
