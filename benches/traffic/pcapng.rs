//! pcapng files, block by block: sections, interfaces with their own clocks, and all three kinds of packet block.

use super::link::Link;
use super::packet::Packet;
use std::io::{self, Write};

/// Block type: section header.
const SECTION_HEADER: u32 = 0x0a0d_0d0a;
/// Block type: interface description.
const INTERFACE_DESCRIPTION: u32 = 1;
/// Block type: packet, obsolete.
const OBSOLETE_PACKET: u32 = 2;
/// Block type: simple packet.
const SIMPLE_PACKET: u32 = 3;
/// Block type: enhanced packet.
const ENHANCED_PACKET: u32 = 6;

/// What an interface description block says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The link layer.
    pub link: Link,
    /// Snapshot length; 0 is none. Simple packets are cut by it, others are not.
    pub snapshot_length: u32,
    /// Option `if_tsresol`: a power of ten (`6`: microseconds), or of two with the top bit set. None means microseconds.
    pub resolution: Option<u8>,
    /// Option `if_tsoffset`: seconds added to every time.
    pub offset_seconds: Option<i64>,
}

impl Interface {
    /// An interface without options.
    pub fn usual(link: Link) -> Self {
        Self { link, snapshot_length: 0, resolution: None, offset_seconds: None }
    }

    /// A time in nanoseconds since 1970 as this interface counts it.
    fn ticks(&self, time: u64) -> u64 {
        let resolution = self.resolution.unwrap_or(6);
        let exponent = u32::from(resolution & 0x7f);
        let base: u128 = if resolution & 0x80 == 0 { 10 } else { 2 };
        let offset = i128::from(self.offset_seconds.unwrap_or(0)) * 1_000_000_000;
        let since = u128::try_from(i128::from(time) - offset).unwrap_or(0);
        let ticks = since.saturating_mul(base.saturating_pow(exponent)) / 1_000_000_000;
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }
}

/// Writes a pcapng file. A section comes first, then interfaces, then packets.
#[derive(Debug)]
pub struct PcapngWriter<W> {
    out: W,
    big_endian: bool,
    interfaces: Vec<Interface>,
    body: Vec<u8>,
}

impl<W: Write> PcapngWriter<W> {
    /// A writer that has written nothing yet.
    pub fn new(out: W) -> Self {
        Self { out, big_endian: false, interfaces: Vec::new(), body: Vec::new() }
    }

    /// Begins a section in this byte order; it has no interfaces yet.
    pub fn section(&mut self, big_endian: bool) -> io::Result<()> {
        self.big_endian = big_endian;
        self.interfaces.clear();
        self.number32(0x1a2b_3c4d);
        self.number16(1);
        self.number16(0);
        // The length of the section is not known beforehand.
        self.body.extend_from_slice(&[0xff; 8]);
        self.end_block(SECTION_HEADER)
    }

    /// Describes an interface and gives its number.
    pub fn interface(&mut self, interface: Interface) -> io::Result<u32> {
        self.number16(interface.link.number());
        self.number16(0);
        self.number32(interface.snapshot_length);
        if let Some(resolution) = interface.resolution {
            self.option(9, &[resolution]);
        }
        if let Some(seconds) = interface.offset_seconds {
            let bytes = if self.big_endian { seconds.to_be_bytes() } else { seconds.to_le_bytes() };
            self.option(14, &bytes);
        }
        if interface.resolution.is_some() || interface.offset_seconds.is_some() {
            self.option(0, &[]);
        }
        self.interfaces.push(interface);
        self.end_block(INTERFACE_DESCRIPTION)?;
        Ok(u32::try_from(self.interfaces.len()).unwrap_or(u32::MAX).saturating_sub(1))
    }

    /// Writes an enhanced packet block.
    pub fn enhanced(&mut self, interface: u32, time: u64, wire_len: u32, bytes: &[u8]) -> io::Result<()> {
        self.number32(interface);
        self.timed_packet(interface, time, wire_len, bytes);
        self.end_block(ENHANCED_PACKET)
    }

    /// Writes a packet block, the obsolete forerunner of the enhanced one.
    pub fn obsolete(&mut self, interface: u16, drops: u16, time: u64, wire_len: u32, bytes: &[u8]) -> io::Result<()> {
        self.number16(interface);
        self.number16(drops);
        self.timed_packet(u32::from(interface), time, wire_len, bytes);
        self.end_block(OBSOLETE_PACKET)
    }

    /// Writes a simple packet block: first interface, no time.
    pub fn simple(&mut self, wire_len: u32, bytes: &[u8]) -> io::Result<()> {
        self.number32(wire_len);
        self.padded(bytes);
        self.end_block(SIMPLE_PACKET)
    }

    /// Writes a packet as an enhanced block.
    pub fn packet(&mut self, interface: u32, packet: &Packet) -> io::Result<()> {
        self.enhanced(interface, packet.time, packet.wire_len, &packet.bytes)
    }

    /// Writes a block of any type; the body is padded to a multiple of four.
    pub fn block(&mut self, block_type: u32, body: &[u8]) -> io::Result<()> {
        self.padded(body);
        self.end_block(block_type)
    }

    /// Ends the file and gives back where it was written to.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }

    fn timed_packet(&mut self, interface: u32, time: u64, wire_len: u32, bytes: &[u8]) {
        let described = usize::try_from(interface).ok().and_then(|index| self.interfaces.get(index));
        let ticks = described.map_or(0, |interface| interface.ticks(time));
        self.number32((ticks >> 32) as u32);
        self.number32((ticks & 0xffff_ffff) as u32);
        self.number32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        self.number32(wire_len);
        self.padded(bytes);
    }

    fn option(&mut self, code: u16, value: &[u8]) {
        self.number16(code);
        self.number16(u16::try_from(value.len()).unwrap_or(u16::MAX));
        self.padded(value);
    }

    fn padded(&mut self, bytes: &[u8]) {
        self.body.extend_from_slice(bytes);
        let whole = self.body.len().next_multiple_of(4);
        self.body.resize(whole, 0);
    }

    fn number16(&mut self, value: u16) {
        self.body.extend_from_slice(&if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn number32(&mut self, value: u32) {
        self.body.extend_from_slice(&bytes32(self.big_endian, value));
    }

    fn end_block(&mut self, block_type: u32) -> io::Result<()> {
        let length = bytes32(self.big_endian, u32::try_from(self.body.len().saturating_add(12)).unwrap_or(u32::MAX));
        self.out.write_all(&bytes32(self.big_endian, block_type))?;
        self.out.write_all(&length)?;
        self.out.write_all(&self.body)?;
        self.body.clear();
        self.out.write_all(&length)
    }
}

/// A whole file in memory: one little-endian section, an interface for every link layer in order of first use.
pub fn file(packets: &[Packet]) -> io::Result<Vec<u8>> {
    let mut writer = PcapngWriter::new(Vec::new());
    writer.section(false)?;
    let mut links = Vec::new();
    for packet in packets {
        let known = links.iter().position(|link| *link == packet.link);
        let interface = match known.map(u32::try_from) {
            Some(number) => number.unwrap_or(u32::MAX),
            None => {
                links.push(packet.link);
                writer.interface(Interface { resolution: Some(9), ..Interface::usual(packet.link) })?
            }
        };
        writer.packet(interface, packet)?;
    }
    writer.finish()
}

fn bytes32(big_endian: bool, value: u32) -> [u8; 4] {
    if big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_have_both_lengths_and_padding() {
        let mut writer = PcapngWriter::new(Vec::new());
        writer.section(true).unwrap();
        let number = writer.interface(Interface { resolution: Some(9), ..Interface::usual(Link::Raw(101)) }).unwrap();
        assert_eq!(number, 0);
        writer.simple(9, &[1, 2, 3, 4, 5]).unwrap();
        let bytes = writer.finish().unwrap();
        assert_eq!(bytes[..16], [0x0a, 0x0d, 0x0d, 0x0a, 0, 0, 0, 28, 0x1a, 0x2b, 0x3c, 0x4d, 0, 1, 0, 0]);
        assert_eq!(bytes[28..40], [0, 0, 0, 1, 0, 0, 0, 32, 0, 101, 0, 0]);
        assert_eq!(bytes[60..], [0, 0, 0, 3, 0, 0, 0, 24, 0, 0, 0, 9, 1, 2, 3, 4, 5, 0, 0, 0, 0, 0, 0, 24]);
    }

    #[test]
    fn clocks_count_in_their_own_unit() {
        let ticks = |resolution, offset_seconds| {
            Interface { resolution, offset_seconds, ..Interface::usual(Link::Ethernet) }.ticks(5_250_000_000)
        };
        assert_eq!(ticks(None, None), 5_250_000);
        assert_eq!(ticks(Some(9), None), 5_250_000_000);
        assert_eq!(ticks(Some(0x80 | 2), Some(4)), 5);
        assert_eq!(ticks(Some(6), Some(-1)), 6_250_000);
    }
}
