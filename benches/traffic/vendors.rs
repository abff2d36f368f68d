//! Capture files of other makers: what vendors made of pcap, snoop, ERF, Network Monitor.

use super::packet::Packet;

/// A variant of pcap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The magic number, as little-endian files have it.
    pub magic: u32,
    /// Byte order of the file.
    pub big_endian: bool,
    /// Minor version; below 3 the lengths of a record are swapped.
    pub minor: u16,
    /// What stands for the link layer.
    pub network: u32,
    /// Bytes behind the file header.
    pub extra: usize,
    /// Bytes behind the usual header of a record.
    pub record_extra: usize,
    /// Times in nanoseconds.
    pub nanoseconds: bool,
    /// Whether the length on the wire comes before the captured one.
    pub swapped: bool,
    /// The snapshot length that the header names; packets are not cut by it.
    pub snapshot_length: u32,
}

impl Variant {
    /// Little-endian Ethernet with this magic number and so many bytes behind the header of each record.
    pub fn new(magic: u32, record_extra: usize) -> Self {
        let nanoseconds = !matches!(magic, 0xa1b2_c3d4 | 0xa1b2_cd34);
        let extra = if matches!(magic, 0x1c00_01ab | 0x1c00_01ac) { 4 } else { 0 };
        Self {
            magic,
            big_endian: false,
            minor: 4,
            network: 1,
            extra,
            record_extra,
            nanoseconds,
            swapped: false,
            snapshot_length: 262_144,
        }
    }

    /// A whole file.
    pub fn file(self, packets: &[Packet]) -> Vec<u8> {
        let word = |value: u32| if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        let half = |value: u16| if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        let mut file = word(self.magic).to_vec();
        file.extend([half(2), half(self.minor)].concat());
        file.extend([0, 0, self.snapshot_length, self.network].map(word).concat());
        file.resize(file.len().saturating_add(self.extra), 0x5a);
        for packet in packets {
            let fraction = packet.time % 1_000_000_000;
            let fraction = if self.nanoseconds { fraction } else { fraction / 1_000 };
            let (captured, original) = (length(packet), packet.wire_len);
            let lengths = if self.swapped { [original, captured] } else { [captured, original] };
            file.extend([number(packet.time / 1_000_000_000), number(fraction)].map(word).concat());
            file.extend(lengths.map(word).concat());
            file.resize(file.len().saturating_add(self.record_extra), 0x5a);
            file.extend_from_slice(&packet.bytes);
        }
        file
    }
}

fn number(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn length(packet: &Packet) -> u32 {
    u32::try_from(packet.bytes.len()).unwrap_or(u32::MAX)
}

/// snoop (RFC 1761) on Ethernet, with records padded to four bytes.
pub fn snoop(packets: &[Packet]) -> Vec<u8> {
    let mut file = b"snoop\0\0\0\0\0\0\x02\0\0\0\x04".to_vec();
    for packet in packets {
        let padded = packet.bytes.len().next_multiple_of(4);
        let record = u32::try_from(padded.saturating_add(24)).unwrap_or(u32::MAX);
        let (seconds, micros) = (packet.time / 1_000_000_000, packet.time % 1_000_000_000 / 1_000);
        let words = [packet.wire_len, length(packet), record, 3, number(seconds), number(micros)];
        file.extend(words.map(u32::to_be_bytes).concat());
        let end = file.len().saturating_add(padded);
        file.extend_from_slice(&packet.bytes);
        file.resize(end, 0);
    }
    file
}

/// ERF on Ethernet, with so many extension headers, and records of padding between.
pub fn erf(packets: &[Packet], extensions: usize) -> Vec<u8> {
    let mut file = Vec::new();
    for packet in packets {
        let padded = packet.bytes.len().saturating_add(2).next_multiple_of(8);
        let record = padded.saturating_add(16).saturating_add(extensions.saturating_mul(8));
        // Rounded up, so that rounding down gives the nanoseconds back.
        let fraction = ((packet.time % 1_000_000_000) << 32).div_ceil(1_000_000_000);
        file.extend([number(fraction), number(packet.time / 1_000_000_000)].map(u32::to_le_bytes).concat());
        file.extend([if extensions > 0 { 0x82 } else { 2 }, 4]);
        file.extend(u16::try_from(record).unwrap_or(u16::MAX).to_be_bytes());
        file.extend([0, 0]);
        file.extend(u16::try_from(packet.wire_len).unwrap_or(u16::MAX).to_be_bytes());
        for left in (0..extensions).rev() {
            file.extend([if left > 0 { 0x85 } else { 0x05 }, 1, 2, 3, 4, 5, 6, 7]);
        }
        let end = file.len().saturating_add(padded);
        file.extend([0, 0]);
        file.extend_from_slice(&packet.bytes);
        file.resize(end, 0);
    }
    file
}

/// Network Monitor 1 or 2 on Ethernet, from 2026-11-01 00:00:00 on; `minor` is that of version 2.
pub fn netmon(packets: &[Packet], second: bool, minor: u8) -> Vec<u8> {
    let start = 1_793_491_200_000_000_000_u64;
    let (mut frames, mut places) = (Vec::new(), Vec::new());
    for packet in packets {
        places.push(number(frames.len().saturating_add(128) as u64));
        let delta = packet.time.saturating_sub(start);
        if second {
            frames.extend((delta / 1_000).to_le_bytes());
            frames.extend([packet.wire_len, length(packet)].map(u32::to_le_bytes).concat());
        } else {
            frames.extend(number(delta / 1_000_000).to_le_bytes());
            let short = |value: u32| u16::try_from(value).unwrap_or(u16::MAX).to_le_bytes();
            frames.extend([short(packet.wire_len), short(length(packet))].concat());
        }
        frames.extend_from_slice(&packet.bytes);
        if second && minor > 0 {
            frames.extend(1_u16.to_le_bytes());
        }
        if second && minor > 1 {
            frames.extend(u32::MAX.to_le_bytes());
        }
        if second && minor > 2 {
            frames.extend((packet.time / 100).saturating_add(116_444_736_000_000_000).to_le_bytes());
            frames.push(0);
        }
    }
    let mut file = if second { b"GMBU".to_vec() } else { b"RTSS".to_vec() };
    file.extend([if second { minor } else { 1 }, if second { 2 } else { 1 }, 1, 0]);
    file.extend([2026_u16, 11, 0, 1, 0, 0, 0, 0].into_iter().flat_map(u16::to_le_bytes));
    let table = number(frames.len().saturating_add(128) as u64);
    file.extend([table, number(places.len().saturating_mul(4) as u64)].map(u32::to_le_bytes).concat());
    file.resize(128, 0);
    file.extend(frames);
    file.extend(places.into_iter().flat_map(u32::to_le_bytes));
    file
}
