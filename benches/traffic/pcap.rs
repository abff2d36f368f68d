//! Classic pcap files, in both byte orders and both time units.

use super::link::Link;
use super::packet::Packet;
use std::io::{self, Write};

/// The form of a pcap file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Byte order of the file.
    pub big_endian: bool,
    /// Times in nanoseconds instead of microseconds.
    pub nanoseconds: bool,
    /// The snapshot length that the header names. Packets are not cut by it.
    pub snapshot_length: u32,
    /// The link layer of all packets.
    pub link: Link,
}

impl Layout {
    /// The usual form: little-endian, microseconds, whole packets.
    pub fn usual(link: Link) -> Self {
        Self { big_endian: false, nanoseconds: false, snapshot_length: 262_144, link }
    }
}

/// Writes a pcap file.
#[derive(Debug)]
pub struct PcapWriter<W> {
    out: W,
    layout: Layout,
}

impl<W: Write> PcapWriter<W> {
    /// Writes the file header.
    pub fn new(mut out: W, layout: Layout) -> io::Result<Self> {
        let magic = if layout.nanoseconds { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
        let version: u32 = if layout.big_endian { 2 << 16 | 4 } else { 4 << 16 | 2 };
        let link = u32::from(layout.link.number());
        for field in [magic, version, 0, 0, layout.snapshot_length, link] {
            out.write_all(&bytes32(layout.big_endian, field))?;
        }
        Ok(Self { out, layout })
    }

    /// Writes one record; its time is nanoseconds since 1970.
    pub fn record(&mut self, time: u64, wire_len: u32, bytes: &[u8]) -> io::Result<()> {
        let fraction = time % 1_000_000_000;
        let fraction = if self.layout.nanoseconds { fraction } else { fraction / 1000 };
        let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        let fields =
            [number(time / 1_000_000_000), number(fraction), u32::try_from(bytes.len()).unwrap_or(u32::MAX), wire_len];
        let mut header = [0u8; 16];
        for (slot, field) in header.as_chunks_mut::<4>().0.iter_mut().zip(fields) {
            *slot = bytes32(self.layout.big_endian, field);
        }
        self.out.write_all(&header)?;
        self.out.write_all(bytes)
    }

    /// Writes one packet.
    pub fn packet(&mut self, packet: &Packet) -> io::Result<()> {
        self.record(packet.time, packet.wire_len, &packet.bytes)
    }

    /// Ends the file and gives back where it was written to.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// A whole file in memory.
pub fn file(layout: Layout, packets: &[Packet]) -> io::Result<Vec<u8>> {
    let mut writer = PcapWriter::new(Vec::new(), layout)?;
    packets.iter().try_for_each(|packet| writer.packet(packet))?;
    writer.finish()
}

fn bytes32(big_endian: bool, value: u32) -> [u8; 4] {
    if big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_byte_orders_and_units_have_the_known_layout() {
        let packet = Packet::new(1_000_000_001_002_003, Link::Ethernet, vec![0xaa, 0xbb]).snapped(1);
        let usual = file(Layout::usual(Link::Ethernet), std::slice::from_ref(&packet)).unwrap();
        assert_eq!(usual[..8], [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]);
        assert_eq!(usual[24..], [0x40, 0x42, 0x0f, 0, 0xea, 3, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0xaa]);
        let layout = Layout { big_endian: true, nanoseconds: true, ..Layout::usual(Link::Sll) };
        let other = file(layout, &[packet]).unwrap();
        assert_eq!(other[..8], [0xa1, 0xb2, 0x3c, 0x4d, 0, 2, 0, 4]);
        assert_eq!(other[20..32], [0, 0, 0, 113, 0, 0x0f, 0x42, 0x40, 0, 0x0f, 0x4a, 0x13]);
    }
}
