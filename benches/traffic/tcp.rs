//! TCP segments.

use super::ip::{self, Header};
use super::link::Link;
use std::net::SocketAddr;

/// Flag: no more data from the sender.
pub const FIN: u8 = 0x01;
/// Flag: start of a connection.
pub const SYN: u8 = 0x02;
/// Flag: the connection is gone.
pub const RST: u8 = 0x04;
/// Flag: give what has come to the application.
pub const PSH: u8 = 0x08;
/// Flag: the acknowledgment number counts.
pub const ACK: u8 = 0x10;

/// One TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Address and port of the sender.
    pub source: SocketAddr,
    /// Address and port of the receiver.
    pub destination: SocketAddr,
    /// Sequence number of the first payload byte (of the SYN or FIN itself where there is one).
    pub sequence: u32,
    /// The next sequence number that the sender expects.
    pub acknowledgment: u32,
    /// [`FIN`], [`SYN`], [`RST`], [`PSH`], [`ACK`], put together by `|`.
    pub flags: u8,
    /// The data.
    pub payload: &'a [u8],
}

impl Segment<'_> {
    /// Appends a whole frame with this segment. A SYN carries a maximum segment size of 1460.
    pub fn write_frame(&self, out: &mut Vec<u8>, link: Link, identification: u16) {
        let header = Header {
            source: self.source.ip(),
            destination: self.destination.ip(),
            protocol: ip::TCP,
            identification,
            hop_limit: 64,
        };
        let options: &[u8] = if self.flags & SYN == 0 { &[] } else { &[2, 4, 0x05, 0xb4] };
        let length = self.payload.len().saturating_add(options.len()).saturating_add(20);
        link.write_header(out, header.is_ipv6());
        header.write(out, length);
        let mut tcp = [0u8; 20];
        tcp[0..2].copy_from_slice(&self.source.port().to_be_bytes());
        tcp[2..4].copy_from_slice(&self.destination.port().to_be_bytes());
        tcp[4..8].copy_from_slice(&self.sequence.to_be_bytes());
        tcp[8..12].copy_from_slice(&self.acknowledgment.to_be_bytes());
        tcp[12] = if options.is_empty() { 0x50 } else { 0x60 };
        tcp[13] = self.flags;
        tcp[14..16].copy_from_slice(&0xfff0_u16.to_be_bytes());
        let total = header.pseudo_sum(length) + ip::sum(&tcp) + ip::sum(options) + ip::sum(self.payload);
        tcp[16..18].copy_from_slice(&ip::fold(total).to_be_bytes());
        out.extend_from_slice(&tcp);
        out.extend_from_slice(options);
        out.extend_from_slice(self.payload);
    }
}
