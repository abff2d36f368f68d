//! pcapng: sections of blocks (draft-ietf-opsawg-pcapng).
//!
//! Blocks of packets are read here and not by the parser crate, because that one lists the options of each packet,
//! which costs an allocation, and gives a packet up for what its options claim.

use std::sync::Arc;

use pcap_parser::{CB_MAGIC, DCB_MAGIC, EPB_MAGIC, IDB_MAGIC, SHB_MAGIC, SJE_MAGIC, SPB_MAGIC};

use super::format::{Halt, Probe, Record, Step};
use super::interface::Interface;
use super::problem::Damage;
use crate::limits::{MAX_INTERFACES, MAX_PLAUSIBLE_RECORD_BYTES, MAX_RECORD_BYTES};
use crate::net::LinkType;

/// Bytes of the shortest Section Header Block, which any file begins with.
pub(super) const HEADER_BYTES: usize = 28;
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
/// The obsolete Packet Block (appendix A).
const PACKET_BLOCK: u32 = 2;
/// Events of sysdig: the kinds that Wireshark 4.0 numbers as frames.
const SYSDIG_EVENTS: [u32; 3] = [0x204, 0x216, 0x221];
/// Bytes around the body of a block: type, length, and the length again.
pub(super) const FRAMING_BYTES: u32 = 12;
/// Bytes of options that a packet has at most in practice.
const MAX_OPTION_BYTES: u32 = 1_024;
/// Bytes before the body of a block.
const BODY_START: usize = 8;

/// Whether a file that begins so is pcapng.
pub(super) fn recognise(head: &[u8]) -> bool {
    if !head.starts_with(&SHB_MAGIC.to_le_bytes()) {
        return false;
    }
    // A file too short to tell is pcapng with a header cut short.
    head.get(8..).and_then(<[u8]>::first_chunk).is_none_or(|magic| byte_order(*magic).is_ok())
}

/// Whether a section with this byte-order magic is big-endian.
fn byte_order(magic: [u8; 4]) -> Result<bool, Damage> {
    if u32::from_le_bytes(magic) == BYTE_ORDER_MAGIC {
        Ok(false)
    } else if u32::from_be_bytes(magic) == BYTE_ORDER_MAGIC {
        Ok(true)
    } else {
        Err(Damage::ByteOrder(u32::from_be_bytes(magic)))
    }
}

/// What the blocks of a section read so far say that later ones need.
///
/// The length a section claims is not used: blocks follow each other whatever it says.
#[derive(Clone, Debug, Default)]
pub(super) struct Pcapng {
    big_endian: bool,
    /// Shared with the windows that began while it was the same.
    interfaces: Arc<Vec<Interface>>,
}

impl Pcapng {
    /// Reads the block at the start of `bytes`. Changes nothing unless the block is whole.
    #[inline(always)]
    pub(super) fn step<'a>(&mut self, bytes: &'a [u8]) -> Result<Step<'a>, Halt> {
        let Some(([t0, t1, t2, t3, l0, l1, l2, l3, magic @ ..], _)) = bytes.split_first_chunk::<12>() else {
            return Err(Halt::Incomplete { needed: 12 });
        };
        let kind = [*t0, *t1, *t2, *t3];
        // This type reads the same in both orders, and its byte order is its own.
        let new_section = u32::from_le_bytes(kind) == SHB_MAGIC;
        let big_endian = if new_section { byte_order(*magic).map_err(Halt::Damaged)? } else { self.big_endian };
        let order = Order { big_endian };
        let leading = order.u32([*l0, *l1, *l2, *l3]);
        if !(FRAMING_BYTES..=MAX_RECORD_BYTES).contains(&leading) || !leading.is_multiple_of(4) {
            return Err(Halt::Damaged(Damage::BlockLength(leading)));
        }
        let length = usize::try_from(leading).unwrap_or(usize::MAX);
        let Some((body, trailer)) = bytes.get(BODY_START..length).and_then(<[u8]>::split_last_chunk::<4>) else {
            return Err(Halt::Incomplete { needed: length });
        };
        let trailing = order.u32(*trailer);
        if trailing != leading {
            return Err(Halt::Damaged(Damage::BlockTrailer { leading, trailing }));
        }
        Ok(match order.u32(kind) {
            EPB_MAGIC => Step::Frame(self.enhanced(body, length)),
            SHB_MAGIC => {
                *self = Self { big_endian, interfaces: Arc::default() };
                Step::Other { length }
            }
            kind => self.rare(kind, body, length),
        })
    }

    /// A block that is neither an Enhanced Packet Block nor the start of a section.
    #[inline(never)]
    fn rare<'a>(&mut self, kind: u32, body: &'a [u8], length: usize) -> Step<'a> {
        match kind {
            SPB_MAGIC => Step::Frame(self.simple(body, length)),
            PACKET_BLOCK => Step::Frame(self.obsolete(body, length)),
            IDB_MAGIC => {
                // Beyond the limit an interface is as unknown as one that was never described.
                if self.interfaces.len() < MAX_INTERFACES {
                    Arc::make_mut(&mut self.interfaces).push(Interface::parse(body, self.big_endian));
                }
                Step::Other { length }
            }
            SJE_MAGIC | CB_MAGIC | DCB_MAGIC => Step::Frame(no_packet(length)),
            kind if SYSDIG_EVENTS.contains(&kind) => Step::Frame(no_packet(length)),
            _ => Step::Other { length },
        }
    }

    /// What the block at the start of `bytes` says, if it may be one: whole, as long as it says twice, and of an interface
    /// that is known if any is.
    pub(super) fn probe(&self, bytes: &[u8]) -> Option<Probe> {
        let ([kind, leading, magic], _) = bytes.first_chunk::<12>()?.as_chunks::<4>().0.split_first_chunk::<3>()?;
        let new_section = u32::from_le_bytes(*kind) == SHB_MAGIC;
        let order = if new_section { Order { big_endian: byte_order(*magic).ok()? } } else { self.order() };
        let length = usize::try_from(order.u32(*leading)).ok()?;
        if order.u32(*kind) == 0 || length > MAX_PLAUSIBLE_RECORD_BYTES || !length.is_multiple_of(4) {
            return None;
        }
        let (body, trailing) = bytes.get(BODY_START..length)?.split_last_chunk::<4>()?;
        if trailing != leading {
            return None;
        }
        let time = match order.u32(*kind) {
            EPB_MAGIC => {
                let packet = self.enhanced(body, length);
                let is_known = packet.link != LinkType::NO_PACKET
                    && (packet.link != LinkType::NO_INTERFACE || self.interfaces.is_empty());
                is_known.then_some(packet.time)?
            }
            _ => None,
        };
        Some(Probe { length, time })
    }

    /// Whether the length of the block at the start of `bytes`, which is cut short, fits that of the packet in it.
    pub(super) fn begins_soundly(&self, bytes: &[u8]) -> bool {
        let Some((head, _)) = bytes.split_first_chunk::<28>() else { return true };
        let [kind, length, .., captured, _] = head.as_chunks::<4>().0 else { return false };
        let [kind, length, captured] = [kind, length, captured].map(|word| self.order().u32(*word));
        let packet = captured.saturating_add(FRAMING_BYTES).saturating_add(20);
        match kind {
            EPB_MAGIC | PACKET_BLOCK => (packet..=packet.saturating_add(MAX_OPTION_BYTES)).contains(&length),
            _ => usize::try_from(length).is_ok_and(|length| length <= MAX_PLAUSIBLE_RECORD_BYTES),
        }
    }

    /// An Enhanced Packet Block (4.3).
    #[inline]
    fn enhanced<'a>(&self, body: &'a [u8], length: usize) -> Record<'a> {
        let Some((fields, data)) = words(body) else { return no_packet(length) };
        let [interface, high, low, captured, original] = fields.map(|word| self.order().u32(word));
        self.packet(interface, (high, low), (captured, original), data, length)
    }

    /// The obsolete Packet Block (appendix A): as the Enhanced one, but the interface shares its word with a drop count.
    fn obsolete<'a>(&self, body: &'a [u8], length: usize) -> Record<'a> {
        let Some((fields, data)) = words(body) else { return no_packet(length) };
        let [[i0, i1, ..], ..] = fields;
        let interface = self.order().u16([i0, i1]).into();
        let [_, high, low, captured, original] = fields.map(|word| self.order().u32(word));
        self.packet(interface, (high, low), (captured, original), data, length)
    }

    /// A packet with a time stamp. A block whose framing is sound but that claims more packet than it has is given with
    /// what is there.
    #[inline]
    fn packet<'a>(
        &self,
        interface: u32,
        (high, low): (u32, u32),
        (captured, original): (u32, u32),
        data: &'a [u8],
        length: usize,
    ) -> Record<'a> {
        let interface = usize::try_from(interface).ok().and_then(|index| self.interfaces.get(index));
        let bytes = prefix(data, captured);
        Record {
            length,
            start: 28,
            bytes,
            wire_len: original.max(u32::try_from(bytes.len()).unwrap_or(u32::MAX)),
            time: interface.map(|interface| interface.time(high, low)),
            digits: interface.map_or(0, |interface| interface.digits),
            link: interface.map_or(LinkType::NO_INTERFACE, |interface| interface.link),
        }
    }

    /// A Simple Packet Block (4.4): of the first interface, without a time, as long as the snap length and the block allow.
    fn simple<'a>(&self, body: &'a [u8], length: usize) -> Record<'a> {
        let Some((original, data)) = body.split_first_chunk::<4>() else { return no_packet(length) };
        let original = self.order().u32(*original);
        let interface = self.interfaces.first();
        let snap = interface.map_or(0, |interface| interface.snap_length);
        let bytes = prefix(data, if snap == 0 { original } else { original.min(snap) });
        Record {
            start: 12,
            bytes,
            wire_len: original,
            link: interface.map_or(LinkType::NO_INTERFACE, |interface| interface.link),
            ..no_packet(length)
        }
    }

    fn order(&self) -> Order {
        Order { big_endian: self.big_endian }
    }
}

/// A frame that holds no packet and has no time.
fn no_packet<'a>(length: usize) -> Record<'a> {
    Record { length, start: BODY_START, bytes: &[], wire_len: 0, time: None, digits: 0, link: LinkType::NO_PACKET }
}

/// The five words before the data of a packet, and the rest.
#[inline]
fn words(body: &[u8]) -> Option<([[u8; 4]; 5], &[u8])> {
    let (head, data) = body.split_first_chunk::<20>()?;
    let (words, _) = head.as_chunks::<4>();
    Some((*words.first_chunk()?, data))
}

/// The first `length` bytes, or all if there are fewer.
#[inline]
fn prefix(data: &[u8], length: u32) -> &[u8] {
    usize::try_from(length).ok().and_then(|length| data.get(..length)).unwrap_or(data)
}

/// The byte order of a section.
#[derive(Clone, Copy)]
struct Order {
    big_endian: bool,
}

impl Order {
    #[inline]
    fn u16(self, bytes: [u8; 2]) -> u16 {
        if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    #[inline]
    fn u32(self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::testing::Pcapng as Writer;
    use crate::time::Timestamp;

    /// All frames of a file as (link number, bytes, wire length, time), and why it stopped where.
    #[expect(clippy::type_complexity, reason = "a row of the tests below")]
    fn read(file: &[u8]) -> (Vec<(Option<u16>, Vec<u8>, u32, Option<i64>)>, usize, Halt) {
        let (mut pcapng, mut position, mut frames) = (Pcapng::default(), 0, Vec::new());
        loop {
            match pcapng.step(&file[position..]) {
                Ok(Step::Frame(frame)) => {
                    let time = frame.time.map(Timestamp::nanos);
                    assert!(frame.start + frame.bytes.len() + 4 <= frame.length);
                    frames.push((frame.link.number(), frame.bytes.to_vec(), frame.wire_len, time));
                    position += frame.length;
                }
                Ok(Step::Other { length }) => position += length,
                Err(halt) => return (frames, position, halt),
            }
        }
    }

    #[test]
    fn all_packet_blocks_in_both_orders() {
        for big_endian in [false, true] {
            let file = Writer::new(big_endian)
                .interface(101, 2, &[])
                .interface(1, 0, &[])
                .enhanced(1, 7, 90, b"abcde")
                .simple(5, b"vwxyz")
                .obsolete(1, 8, 3, b"123")
                .bytes();
            let (frames, end, halt) = read(&file);
            assert_eq!(
                frames,
                [
                    (Some(1), b"abcde".to_vec(), 90, Some(7_000)),
                    (Some(101), b"vw".to_vec(), 5, None),
                    (Some(1), b"123".to_vec(), 3, Some(8_000)),
                ]
            );
            assert_eq!((end, halt), (file.len(), Halt::Incomplete { needed: 12 }));
        }
    }

    #[test]
    fn a_section_forgets_the_interfaces_and_the_order_of_the_one_before() {
        let file = [
            Writer::new(true).interface(1, 0, &[]).enhanced(0, 1, 1, b"a").bytes(),
            Writer::new(false).enhanced(0, 2, 1, b"b").interface(113, 0, &[]).enhanced(0, 3, 1, b"c").bytes(),
        ]
        .concat();
        let (frames, ..) = read(&file);
        let links: Vec<_> = frames.iter().map(|frame| frame.0).collect();
        assert_eq!(links, [Some(1), None, Some(113)]);
        assert_eq!(frames[1].3, None, "nobody knows the unit of its stamp");
    }

    #[test]
    fn blocks_that_wireshark_numbers_are_frames_without_packet() {
        let mut writer = Writer::new(false);
        for kind in [SJE_MAGIC, CB_MAGIC, DCB_MAGIC, 0x204, 0x216, 0x221] {
            writer = writer.block(kind, &[0; 16]);
        }
        // Names, statistics, secrets, process information, other sysdig blocks, the unknown.
        for kind in [4, 5, 10, 0x8000_0001, 0x201, 0x208, 0x7777] {
            writer = writer.block(kind, &[0; 16]);
        }
        let (frames, ..) = read(&writer.bytes());
        assert_eq!(frames, vec![(None, vec![], 0, None); 6]);
    }

    #[test]
    fn claims_about_packets_are_cut_to_the_block() {
        let mut body = [0_u32, 0, 5, u32::MAX, 2].map(u32::to_le_bytes).concat();
        body.extend_from_slice(b"abcd");
        let file = Writer::new(false)
            .interface(1, 0, &[])
            .block(EPB_MAGIC, &body)
            .block(EPB_MAGIC, b"short")
            .block(SPB_MAGIC, b"")
            .simple(u32::MAX, b"wxyz")
            .bytes();
        let (frames, ..) = read(&file);
        assert_eq!(frames[0], (Some(1), b"abcd".to_vec(), 4, Some(5_000)));
        assert_eq!((frames[1].0, frames[2].0), (None, None));
        assert_eq!(frames[3], (Some(1), b"wxyz".to_vec(), u32::MAX, None));
    }

    #[test]
    fn framing_that_cannot_be_is_damage() {
        let good = Writer::new(false).interface(1, 0, &[]).bytes();
        let tail = |bytes: &[u8]| read(&[&good[..], bytes].concat()).2;
        for length in [0, 11, 13, MAX_RECORD_BYTES + 4, u32::MAX] {
            let block = [&6_u32.to_le_bytes()[..], &length.to_le_bytes(), &[0; 16]].concat();
            assert_eq!(tail(&block), Halt::Damaged(Damage::BlockLength(length)));
        }
        let block = [6_u32, 16, 0, 20].map(u32::to_le_bytes).concat();
        assert_eq!(tail(&block), Halt::Damaged(Damage::BlockTrailer { leading: 16, trailing: 20 }));
        let block = [SHB_MAGIC, 28, 0x0102_0304, 0].map(u32::to_be_bytes).concat();
        assert_eq!(tail(&block), Halt::Damaged(Damage::ByteOrder(0x0102_0304)));
        let block = [6_u32, 16, 0].map(u32::to_le_bytes).concat();
        assert_eq!(tail(&block), Halt::Incomplete { needed: 16 });
    }

    #[test]
    fn interfaces_beyond_the_limit_are_unknown() {
        let mut pcapng = Pcapng { interfaces: Arc::new(vec![Interface::UNKNOWN; MAX_INTERFACES]), big_endian: false };
        let block = Writer::new(false).interface(1, 0, &[]).bytes().split_off(28);
        assert!(pcapng.step(&block).is_ok());
        assert_eq!(pcapng.interfaces.len(), MAX_INTERFACES);
    }
}
