//! Writers of captures for the tests of this room.

use crate::time::Timestamp;

/// A little-endian pcap file with nanoseconds.
pub(super) struct Pcap(Vec<u8>);

impl Pcap {
    pub(super) fn new(link: u32) -> Self {
        Self([0xa1b2_3c4d, 0x0004_0002, 0, 0, 0x4_0000, link].map(u32::to_le_bytes).concat())
    }

    pub(super) fn record(mut self, time: Timestamp, wire_len: u32, data: &[u8]) -> Self {
        let seconds = u32::try_from(time.nanos() / 1_000_000_000).unwrap();
        let nanos = u32::try_from(time.nanos() % 1_000_000_000).unwrap();
        let length = u32::try_from(data.len()).unwrap();
        self.0.extend([seconds, nanos, length, wire_len].map(u32::to_le_bytes).concat());
        self.0.extend_from_slice(data);
        self
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        self.0
    }
}

/// A pcapng file of one section.
pub(super) struct Pcapng {
    bytes: Vec<u8>,
    big_endian: bool,
}

impl Pcapng {
    pub(super) fn new(big_endian: bool) -> Self {
        let writer = Self { bytes: Vec::new(), big_endian };
        // The section claims a length that is wrong.
        let body = [writer.word(0x1a2b_3c4d), writer.word(0x0001_0000), writer.word(1), writer.word(1)].concat();
        writer.block(0x0a0d_0d0a, &body)
    }

    fn word(&self, value: u32) -> [u8; 4] {
        if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    pub(super) fn block(mut self, kind: u32, body: &[u8]) -> Self {
        let padded = body.len().next_multiple_of(4);
        let length = self.word(u32::try_from(padded + 12).unwrap());
        self.bytes.extend(self.word(kind));
        self.bytes.extend(length);
        self.bytes.extend_from_slice(body);
        self.bytes.resize(self.bytes.len() + padded - body.len(), 0);
        self.bytes.extend(length);
        self
    }

    pub(super) fn interface(self, link: u16, snap: u32, options: &[u8]) -> Self {
        let link = if self.big_endian { link.to_be_bytes() } else { link.to_le_bytes() };
        let body = [&link[..], &[0, 0], &self.word(snap), options].concat();
        self.block(1, &body)
    }

    /// `stamp` is in units of the interface.
    pub(super) fn enhanced(self, interface: u32, stamp: u64, wire_len: u32, data: &[u8]) -> Self {
        let (high, low) = (u32::try_from(stamp >> 32).unwrap(), u32::try_from(stamp & 0xffff_ffff).unwrap());
        let length = u32::try_from(data.len()).unwrap();
        let mut body = [interface, high, low, length, wire_len].map(|value| self.word(value)).concat();
        body.extend_from_slice(data);
        self.block(6, &body)
    }

    pub(super) fn simple(self, wire_len: u32, data: &[u8]) -> Self {
        let body = [&self.word(wire_len)[..], data].concat();
        self.block(3, &body)
    }

    pub(super) fn obsolete(self, interface: u16, stamp: u32, wire_len: u32, data: &[u8]) -> Self {
        let interface = if self.big_endian { interface.to_be_bytes() } else { interface.to_le_bytes() };
        let length = u32::try_from(data.len()).unwrap();
        let mut body = [&interface[..], &[0xff, 0xff]].concat();
        body.extend([0, stamp, length, wire_len].map(|value| self.word(value)).concat());
        body.extend_from_slice(data);
        self.block(2, &body)
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        self.bytes
    }
}
