//! IP fragmentation: a whole packet cut into the fragments a router (or, in IPv6, the sender) would make of it.

use super::ip::{fold, length16, sum};

/// Bytes of an IPv4 header without options.
const IPV4_HEADER: usize = 20;
/// Bytes of an IPv6 header.
const IPV6_HEADER: usize = 40;
/// Next header number of the IPv6 fragment header.
const FRAGMENT_HEADER: u8 = 44;

/// Cuts an IP packet into fragments that carry `piece` bytes each (rounded down to a multiple of 8, at least 8).
///
/// The packet has no link layer, no IPv4 options and no IPv6 extension headers. `identification` is used by IPv6 only, IPv4
/// keeps its own. A packet that fits into one piece, or that is none, comes back whole.
pub fn fragments(ip_packet: &[u8], piece: usize, identification: u32) -> Vec<Vec<u8>> {
    let piece = (piece & !7).max(8);
    let ipv6 = ip_packet.first().is_some_and(|first| first >> 4 == 6);
    let header_length = if ipv6 { IPV6_HEADER } else { IPV4_HEADER };
    let Some((header, payload)) = ip_packet.split_at_checked(header_length) else {
        return vec![ip_packet.to_vec()];
    };
    if payload.len() <= piece {
        return vec![ip_packet.to_vec()];
    }
    let count = payload.len().div_ceil(piece);
    let pieces = payload.chunks(piece).enumerate();
    pieces
        .map(|(index, data)| {
            let units = length16(index * piece / 8);
            let more = index + 1 < count;
            if ipv6 {
                ipv6_fragment(header, data, units, more, identification)
            } else {
                ipv4_fragment(header, data, units, more)
            }
        })
        .collect()
}

fn ipv4_fragment(header: &[u8], data: &[u8], units: u16, more: bool) -> Vec<u8> {
    let mut head = [0u8; IPV4_HEADER];
    head.copy_from_slice(header);
    head[2..4].copy_from_slice(&length16(data.len() + IPV4_HEADER).to_be_bytes());
    head[6..8].copy_from_slice(&(units & 0x1fff | u16::from(more) << 13).to_be_bytes());
    head[10..12].fill(0);
    let checksum = fold(sum(&head));
    head[10..12].copy_from_slice(&checksum.to_be_bytes());
    [head.as_slice(), data].concat()
}

fn ipv6_fragment(header: &[u8], data: &[u8], units: u16, more: bool, identification: u32) -> Vec<u8> {
    let mut head = [0u8; IPV6_HEADER];
    head.copy_from_slice(header);
    let mut extension = [0u8; 8];
    extension[0] = head[6];
    extension[2..4].copy_from_slice(&(units << 3 | u16::from(more)).to_be_bytes());
    extension[4..8].copy_from_slice(&identification.to_be_bytes());
    head[4..6].copy_from_slice(&length16(data.len() + extension.len()).to_be_bytes());
    head[6] = FRAGMENT_HEADER;
    [head.as_slice(), &extension, data].concat()
}

#[cfg(test)]
mod tests {
    use super::super::udp;
    use super::*;

    fn packet(source: &str, length: usize) -> Vec<u8> {
        let payload: Vec<u8> = (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect();
        udp::packet(77, source.parse().unwrap(), source.parse().unwrap(), &payload)
    }

    #[test]
    fn pieces_put_together_are_the_payload() {
        for (source, header) in [("192.0.2.1:5060", IPV4_HEADER), ("[2001:db8::1]:5060", IPV6_HEADER + 8)] {
            let whole = packet(source, 1000);
            let parts = fragments(&whole, 300, 9);
            assert_eq!(parts.len(), 4);
            let joined: Vec<u8> = parts.iter().flat_map(|part| part[header..].to_vec()).collect();
            assert_eq!(joined, whole[whole.len() - 1008..]);
        }
    }

    #[test]
    fn offsets_and_the_more_flag_are_set() {
        let parts = fragments(&packet("192.0.2.1:5060", 40), 16, 0);
        let fields: Vec<[u8; 2]> = parts.iter().map(|part| [part[6], part[7]]).collect();
        assert_eq!(fields, [[0x20, 0], [0x20, 2], [0, 4]]);
        assert!(parts.iter().all(|part| fold(sum(&part[..20])) == 0));
    }

    #[test]
    fn what_fits_stays_whole() {
        let whole = packet("192.0.2.1:5060", 8);
        assert_eq!(fragments(&whole, 16, 0), vec![whole.clone()]);
        assert_eq!(fragments(&[0x45], 16, 0), vec![vec![0x45]]);
    }
}
