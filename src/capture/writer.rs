//! Writes pcapng (draft-ietf-opsawg-pcapng): one section, an interface for each input and link type.

use std::io::{self, Write};

use super::window::to_u64;
use crate::net::LinkType;
use crate::time::Timestamp;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
const IF_DESCRIPTION: u16 = 3;
const IF_TSRESOL: u16 = 9;
const SHB_USERAPPL: u16 = 4;
/// Names are cut here: options have 16 bits for their length.
const MAX_NAME_BYTES: usize = 1_000;

/// A packet to be written.
#[derive(Clone, Copy, Debug)]
pub struct PacketToWrite<'p> {
    /// The input it comes from.
    pub input: u32,
    /// What it begins with.
    pub link: LinkType,
    /// When it was captured.
    pub time: Timestamp,
    /// Bytes it had on the wire.
    pub wire_len: u32,
    /// The bytes that were captured.
    pub bytes: &'p [u8],
}

/// Writes packets, and the interfaces that they need in front of the first that needs them.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    /// Digits of a second's fraction, 6 to 9.
    digits: u8,
    interfaces: Vec<(u32, LinkType)>,
}

impl<W: Write> Writer<W> {
    /// Begins a file whose times have so many digits of a second's fraction; never less than six.
    ///
    /// # Errors
    ///
    /// What `out` says.
    pub fn new(mut out: W, digits: u8) -> io::Result<Self> {
        let application = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));
        let fixed = [BYTE_ORDER_MAGIC.to_le_bytes().as_slice(), &[1, 0, 0, 0], &[0xff; 8]].concat();
        let body = [fixed, option(SHB_USERAPPL, application.as_bytes()), option(0, &[])].concat();
        block(&mut out, SECTION_HEADER, &[&body])?;
        Ok(Self { out, digits: digits.clamp(6, 9), interfaces: Vec::new() })
    }

    /// Writes a packet; `name` is that of its input. One whose link type has no number cannot be written, and is left out:
    /// says whether it was written.
    ///
    /// # Errors
    ///
    /// What the output says.
    pub fn packet(&mut self, packet: &PacketToWrite<'_>, name: &str) -> io::Result<bool> {
        let Some(number) = packet.link.number() else { return Ok(false) };
        let key = (packet.input, packet.link);
        let known = self.interfaces.iter().position(|known| *known == key);
        let index = known.unwrap_or(self.interfaces.len());
        if known.is_none() {
            let fixed = [number.to_le_bytes(), [0; 2], [0; 2], [0; 2]].concat();
            let name = name.as_bytes().get(..MAX_NAME_BYTES).unwrap_or(name.as_bytes());
            let options = [option(IF_DESCRIPTION, name), option(IF_TSRESOL, &[self.digits]), option(0, &[])];
            block(&mut self.out, INTERFACE_DESCRIPTION, &[&fixed, &options.concat()])?;
            self.interfaces.push(key);
        }
        let unit = 10_u64.saturating_pow(9_u32.saturating_sub(self.digits.into()));
        let stamp = u64::try_from(packet.time.nanos()).unwrap_or(0).checked_div(unit).unwrap_or(0);
        let high_first = stamp.rotate_left(32).to_le_bytes();
        let length = u32::try_from(packet.bytes.len()).unwrap_or(u32::MAX);
        let interface = u32::try_from(index).unwrap_or(u32::MAX).to_le_bytes();
        let lengths = [length.to_le_bytes(), packet.wire_len.max(length).to_le_bytes()].concat();
        block(&mut self.out, ENHANCED_PACKET, &[&interface, &high_first, &lengths, packet.bytes])?;
        Ok(true)
    }

    /// Writes what is still held back.
    ///
    /// # Errors
    ///
    /// What the output says.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// An option with its padding; without a value, the end of options.
fn option(code: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    let mut bytes = [code.to_le_bytes(), length.to_le_bytes()].concat();
    bytes.extend_from_slice(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// A block with this body, padded to 32 bits.
fn block(out: &mut impl Write, kind: u32, body: &[&[u8]]) -> io::Result<()> {
    let length = body.iter().fold(0_u64, |sum, part| sum.saturating_add(to_u64(part.len())));
    let padding = length.next_multiple_of(4).saturating_sub(length);
    let total = u32::try_from(length.saturating_add(padding).saturating_add(12)).unwrap_or(u32::MAX).to_le_bytes();
    out.write_all(&kind.to_le_bytes())?;
    out.write_all(&total)?;
    body.iter().try_for_each(|part| out.write_all(part))?;
    out.write_all([0; 3].get(..usize::try_from(padding).unwrap_or(0)).unwrap_or_default())?;
    out.write_all(&total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Window;

    #[test]
    fn what_is_written_is_read_back() {
        let time = |nanos: i64| Timestamp::from_nanos(1_700_000_000_000_000_000 + nanos);
        let packet =
            |input, link, nanos, wire_len, bytes| PacketToWrite { input, link, time: time(nanos), wire_len, bytes };
        let packets = [
            packet(0, LinkType::ETHERNET, 1, 5, &b"abcde"[..]),
            packet(1, LinkType::RAW, 2, 1_500, b"cut"),
            packet(0, LinkType::ETHERNET, 3, 60, b""),
            packet(0, LinkType::LINUX_SLL, 4, 4, b"four"),
        ];
        let mut file = Vec::new();
        let mut writer = Writer::new(&mut file, 9).unwrap();
        for packet in &packets {
            assert!(writer.packet(packet, &"name".repeat(400)).unwrap());
        }
        assert!(!writer.packet(&packet(0, LinkType::NO_PACKET, 5, 0, b""), "").unwrap());
        writer.finish().unwrap();
        let window = Window::from_capture(file).unwrap();
        assert_eq!(window.frame_count, 4);
        for (frame, packet) in window.frames().zip(packets) {
            let wanted = (packet.link, packet.time, packet.wire_len, packet.bytes);
            assert_eq!((frame.link, frame.time, frame.wire_len, frame.bytes), wanted);
        }
    }
}
