//! Link layers: what stands before the IP header in a frame.

/// Source and destination MAC addresses of every Ethernet frame; locally administered.
const MAC_ADDRESSES: [u8; 12] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];

/// A link layer of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Ethernet II without tags.
    Ethernet,
    /// Ethernet II with tags, outermost first: tag protocol (0x8100, 0x88a8, ...) and VLAN number.
    Tagged(&'static [(u16, u16)]),
    /// Linux cooked capture, version 1.
    Sll,
    /// Linux cooked capture, version 2.
    Sll2,
    /// No link layer; the value is one of the link type numbers for that (12, 14, 101, 228, 229).
    Raw(u16),
    /// BSD loopback: the address family as a 32-bit number in the byte order of the capturing machine.
    Null {
        /// Whether that machine was big-endian.
        big_endian: bool,
    },
    /// OpenBSD loopback: the address family in network byte order.
    Loop,
}

impl Link {
    /// The LINKTYPE number, as it stands in capture files.
    pub fn number(self) -> u16 {
        match self {
            Self::Ethernet | Self::Tagged(_) => 1,
            Self::Sll => 113,
            Self::Sll2 => 276,
            Self::Raw(number) => number,
            Self::Null { .. } => 0,
            Self::Loop => 108,
        }
    }

    /// Appends the header that announces an IPv6 (or else IPv4) packet.
    pub fn write_header(self, out: &mut Vec<u8>, ipv6: bool) {
        let ether_type: u16 = if ipv6 { 0x86dd } else { 0x0800 };
        let family: u32 = if ipv6 { 30 } else { 2 };
        match self {
            Self::Ethernet => out.extend_from_slice(&MAC_ADDRESSES),
            Self::Tagged(tags) => {
                out.extend_from_slice(&MAC_ADDRESSES);
                for (protocol, vlan) in tags {
                    out.extend_from_slice(&protocol.to_be_bytes());
                    out.extend_from_slice(&vlan.to_be_bytes());
                }
            }
            // To us, Ethernet hardware, a six-byte address.
            Self::Sll => out.extend_from_slice(&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0]),
            Self::Sll2 => {
                out.extend_from_slice(&ether_type.to_be_bytes());
                // Reserved, interface 2, Ethernet hardware, to us, a six-byte address.
                out.extend_from_slice(&[0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
            }
            Self::Raw(_) => {}
            Self::Null { big_endian: false } => out.extend_from_slice(&family.to_le_bytes()),
            Self::Null { big_endian: true } | Self::Loop => out.extend_from_slice(&family.to_be_bytes()),
        }
        if matches!(self, Self::Ethernet | Self::Tagged(_) | Self::Sll) {
            out.extend_from_slice(&ether_type.to_be_bytes());
        }
    }

    /// A whole frame around an IP packet, whose version is read from its first byte.
    pub fn frame(self, ip_packet: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(ip_packet.len().saturating_add(32));
        self.write_header(&mut out, ip_packet.first().is_some_and(|first| first >> 4 == 6));
        out.extend_from_slice(ip_packet);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::Link;

    #[test]
    fn headers_have_the_length_of_their_format() {
        let length = |link: Link| link.frame(&[0x45]).len() - 1;
        assert_eq!(length(Link::Ethernet), 14);
        assert_eq!(length(Link::Tagged(&[(0x88a8, 7), (0x8100, 8)])), 22);
        assert_eq!(length(Link::Sll), 16);
        assert_eq!(length(Link::Sll2), 20);
        assert_eq!(length(Link::Raw(101)), 0);
        assert_eq!(length(Link::Null { big_endian: false }), 4);
        assert_eq!(length(Link::Loop), 4);
    }

    #[test]
    fn the_version_of_the_packet_sets_the_ether_type() {
        assert_eq!(Link::Ethernet.frame(&[0x60])[12..14], [0x86, 0xdd]);
        assert_eq!(Link::Ethernet.frame(&[0x45])[12..14], [0x08, 0x00]);
    }
}
