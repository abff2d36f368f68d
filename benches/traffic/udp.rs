//! UDP datagrams.

use super::ip::{self, Header};
use super::link::Link;
use std::net::SocketAddr;

/// Appends a whole frame with one UDP datagram.
pub fn write_frame(
    out: &mut Vec<u8>,
    link: Link,
    identification: u16,
    source: SocketAddr,
    destination: SocketAddr,
    payload: &[u8],
) {
    let header = header(source, destination, identification);
    link.write_header(out, header.is_ipv6());
    write_packet(out, &header, source.port(), destination.port(), payload);
}

/// An IP packet, without a link layer, with one UDP datagram.
pub fn packet(identification: u16, source: SocketAddr, destination: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let header = header(source, destination, identification);
    let mut out = Vec::with_capacity(payload.len().saturating_add(48));
    write_packet(&mut out, &header, source.port(), destination.port(), payload);
    out
}

fn header(source: SocketAddr, destination: SocketAddr, identification: u16) -> Header {
    Header { source: source.ip(), destination: destination.ip(), protocol: ip::UDP, identification, hop_limit: 64 }
}

fn write_packet(out: &mut Vec<u8>, header: &Header, source_port: u16, destination_port: u16, payload: &[u8]) {
    let length = payload.len().saturating_add(8);
    header.write(out, length);
    let mut udp = [0u8; 8];
    udp[0..2].copy_from_slice(&source_port.to_be_bytes());
    udp[2..4].copy_from_slice(&destination_port.to_be_bytes());
    udp[4..6].copy_from_slice(&ip::length16(length).to_be_bytes());
    // Zero stands for "no checksum", so a checksum of zero is sent as all ones. RFC 768.
    let checksum = match ip::fold(header.pseudo_sum(length) + ip::sum(&udp) + ip::sum(payload)) {
        0 => u16::MAX,
        checksum => checksum,
    };
    udp[6..8].copy_from_slice(&checksum.to_be_bytes());
    out.extend_from_slice(&udp);
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_covers_pseudo_header_and_payload() {
        for (source, destination) in
            [("192.0.2.1:5060", "192.0.2.2:5070"), ("[2001:db8::1]:5060", "[2001:db8::2]:5070")]
        {
            let (source, destination) = (source.parse().unwrap(), destination.parse().unwrap());
            let packet = packet(7, source, destination, b"odd");
            let udp = &packet[packet.len() - 11..];
            assert_eq!(ip::fold(header(source, destination, 7).pseudo_sum(11) + ip::sum(udp)), 0);
        }
    }
}
