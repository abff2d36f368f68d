//! IPv4 and IPv6 headers, and the Internet checksum.

use std::net::{IpAddr, Ipv6Addr};

/// Protocol number of TCP.
pub const TCP: u8 = 6;
/// Protocol number of UDP.
pub const UDP: u8 = 17;

/// What an IP header says. Both addresses have the same version; if not, both are written as IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Address of the sender.
    pub source: IpAddr,
    /// Address of the receiver.
    pub destination: IpAddr,
    /// Number of the protocol above.
    pub protocol: u8,
    /// Identification; IPv6 has none outside fragments.
    pub identification: u16,
    /// Time to live, or hop limit.
    pub hop_limit: u8,
}

impl Header {
    /// Whether the header is written as IPv6.
    pub fn is_ipv6(&self) -> bool {
        !(self.source.is_ipv4() && self.destination.is_ipv4())
    }

    /// Appends the header of a packet with `payload_length` bytes above IP. Lengths beyond 16 bits are cut to 65535.
    pub fn write(&self, out: &mut Vec<u8>, payload_length: usize) {
        if let (IpAddr::V4(source), IpAddr::V4(destination)) = (self.source, self.destination) {
            let mut header = [0u8; 20];
            header[0] = 0x45;
            header[2..4].copy_from_slice(&length16(payload_length.saturating_add(20)).to_be_bytes());
            header[4..6].copy_from_slice(&self.identification.to_be_bytes());
            header[8] = self.hop_limit;
            header[9] = self.protocol;
            header[12..16].copy_from_slice(&source.octets());
            header[16..20].copy_from_slice(&destination.octets());
            let checksum = fold(sum(&header));
            header[10..12].copy_from_slice(&checksum.to_be_bytes());
            out.extend_from_slice(&header);
        } else {
            out.extend_from_slice(&[0x60, 0, 0, 0]);
            out.extend_from_slice(&length16(payload_length).to_be_bytes());
            out.extend_from_slice(&[self.protocol, self.hop_limit]);
            out.extend_from_slice(&as_ipv6(self.source).octets());
            out.extend_from_slice(&as_ipv6(self.destination).octets());
        }
    }

    /// The part of a transport checksum that covers the pseudo header, for `length` bytes above IP.
    pub fn pseudo_sum(&self, length: usize) -> u64 {
        let addresses = match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => sum(&source.octets()) + sum(&destination.octets()),
            (source, destination) => sum(&as_ipv6(source).octets()) + sum(&as_ipv6(destination).octets()),
        };
        addresses + u64::from(self.protocol) + u64::from(length16(length))
    }
}

/// An address in the form that an IPv6 header can carry.
fn as_ipv6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

/// A length as a 16-bit field, at most 65535.
pub fn length16(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

/// Adds up 16-bit words in network byte order; an odd last byte counts as the high half of a word. RFC 1071.
pub fn sum(bytes: &[u8]) -> u64 {
    let (quads, rest) = bytes.as_chunks::<4>();
    // A 32-bit word adds both of its halves: folding brings them together.
    let mut total: u64 = quads.iter().map(|quad| u64::from(u32::from_be_bytes(*quad))).sum();
    let mut pairs = rest.chunks(2);
    while let Some([high, low @ ..]) = pairs.next() {
        total += u64::from(*high) << 8 | u64::from(low.first().copied().unwrap_or(0));
    }
    total
}

/// The checksum of words added up by [`sum`]: folded to 16 bits and complemented. RFC 1071.
pub fn fold(mut total: u64) -> u16 {
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    !((total & 0xffff) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn a_header_with_its_checksum_sums_to_zero() {
        let header = Header {
            source: Ipv4Addr::new(192, 0, 2, 1).into(),
            destination: Ipv4Addr::new(198, 51, 100, 255).into(),
            protocol: UDP,
            identification: 0xbeef,
            hop_limit: 64,
        };
        let mut out = Vec::new();
        header.write(&mut out, 100);
        assert_eq!(out.len(), 20);
        assert_eq!(fold(sum(&out)), 0);
    }

    #[test]
    fn the_example_of_rfc_1071_adds_up() {
        assert_eq!(!fold(sum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7])), 0xddf2);
        assert_eq!(!fold(sum(&[0x12, 0x34, 0x56])), 0x1234 + 0x5600);
    }
}
