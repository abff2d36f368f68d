//! Classic pcap: a header of 24 bytes, then records (draft-ietf-opsawg-pcap).

use pcap_parser::nom::{Err, Needed};
use pcap_parser::{parse_pcap_frame, parse_pcap_frame_be, parse_pcap_header};

use super::format::{Halt, Probe, Record, Step};
use super::problem::Damage;
use crate::limits::{MAX_PLAUSIBLE_RECORD_BYTES, MAX_RECORD_BYTES};
use crate::net::LinkType;
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// Bytes of the file header.
pub(super) const HEADER_BYTES: usize = 24;
/// Bytes of a record header.
pub(super) const RECORD_HEADER_BYTES: usize = 16;
/// Magic numbers: micro- and nanoseconds, in either byte order.
const MAGICS: [[u8; 4]; 4] =
    [[0xd4, 0xc3, 0xb2, 0xa1], [0xa1, 0xb2, 0xc3, 0xd4], [0x4d, 0x3c, 0xb2, 0xa1], [0xa1, 0xb2, 0x3c, 0x4d]];

/// Whether a file that begins so is pcap.
pub(super) fn recognise(head: &[u8]) -> bool {
    head.first_chunk().is_some_and(|magic| MAGICS.contains(magic))
}

/// The layout of the records of one file.
#[derive(Clone, Debug)]
pub(super) struct Pcap {
    big_endian: bool,
    nanos_per_unit: i64,
    digits: u8,
    link: LinkType,
}

impl Pcap {
    /// The layout that the file header tells of, if it is whole.
    pub(super) fn begin(head: &[u8]) -> Option<Self> {
        let (_, header) = parse_pcap_header(head).ok()?;
        let (nanos_per_unit, digits) = if header.is_nanosecond_precision() { (1, 9) } else { (1_000, 6) };
        // The upper half of the field tells of frame check sequences, which decoding by lengths passes over.
        let [low, high, ..] = header.network.0.to_le_bytes();
        let link = LinkType::numbered(u16::from_le_bytes([low, high]));
        Some(Self { big_endian: header.is_bigendian(), nanos_per_unit, digits, link })
    }

    /// Reads the record at the start of `bytes`.
    #[inline(always)]
    pub(super) fn step<'a>(&self, bytes: &'a [u8]) -> Result<Step<'a>, Halt> {
        let parsed = if self.big_endian { parse_pcap_frame_be(bytes) } else { parse_pcap_frame(bytes) };
        match parsed {
            Ok((_, block)) if block.caplen <= MAX_RECORD_BYTES => {
                // Both products fit: 2^32 seconds are less than half of what an i64 holds in nanoseconds.
                let seconds = i64::from(block.ts_sec).saturating_mul(1_000_000_000);
                let fraction = i64::from(block.ts_usec).saturating_mul(self.nanos_per_unit);
                Ok(Step::Frame(Record {
                    length: RECORD_HEADER_BYTES.saturating_add(block.data.len()),
                    start: RECORD_HEADER_BYTES,
                    bytes: block.data,
                    wire_len: block.origlen.max(block.caplen),
                    time: Some(Timestamp::from_nanos(seconds.saturating_add(fraction))),
                    digits: self.digits,
                    link: self.link,
                }))
            }
            Ok((_, block)) => Err(Halt::Damaged(Damage::RecordLength(block.caplen.into()))),
            Err(Err::Incomplete(Needed::Size(missing))) => {
                let needed = bytes.len().saturating_add(missing.get());
                let claimed = needed.saturating_sub(RECORD_HEADER_BYTES);
                match u32::try_from(claimed) {
                    Ok(length) if length <= MAX_RECORD_BYTES => Err(Halt::Incomplete { needed }),
                    _ => Err(Halt::Damaged(Damage::RecordLength(u64::try_from(claimed).unwrap_or(u64::MAX)))),
                }
            }
            Err(_) => Err(Halt::Incomplete { needed: RECORD_HEADER_BYTES }),
        }
    }

    /// What the header at the start of `bytes` says, if it may be one: of a packet that is not empty, not longer than on
    /// the wire, and within a second.
    pub(super) fn probe(&self, bytes: &[u8]) -> Option<Probe> {
        let (words, _) = bytes.first_chunk::<RECORD_HEADER_BYTES>()?.as_chunks::<4>();
        let words: &[[u8; 4]; 4] = words.first_chunk()?;
        let [seconds, fraction, captured, original] =
            words.map(|word| if self.big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) });
        let length = usize::try_from(captured).ok()?;
        let fraction = i64::from(fraction).saturating_mul(self.nanos_per_unit);
        let may_be = (1..=MAX_PLAUSIBLE_RECORD_BYTES).contains(&length)
            && (captured..=MAX_RECORD_BYTES).contains(&original)
            && fraction < NANOS_PER_SECOND;
        let time = Timestamp::from_parts(seconds.into(), 0).plus(fraction);
        may_be.then(|| Probe { length: RECORD_HEADER_BYTES.saturating_add(length), time: Some(time) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::testing;

    fn header(magic: u32, network: u32, big_endian: bool) -> Vec<u8> {
        let word = |value: u32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        [magic, 0, 0, 0, 0xffff, network].map(word).concat()
    }

    fn record(pcap: &Pcap, words: [u32; 4], data: &[u8]) -> Vec<u8> {
        let word = |value: u32| if pcap.big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        [words.map(word).concat(), data.to_vec()].concat()
    }

    #[test]
    fn both_orders_and_both_units_give_the_same_frame() {
        for big_endian in [false, true] {
            for (magic, fraction, digits) in [(0xa1b2_c3d4, 7, 6), (0xa1b2_3c4d, 7_000, 9)] {
                let head = header(magic, 0xf400_0071, big_endian);
                assert!(recognise(&head));
                let pcap = Pcap::begin(&head).unwrap();
                let bytes = record(&pcap, [5, fraction, 3, 60], b"abcdef");
                let Ok(Step::Frame(frame)) = pcap.step(&bytes) else { panic!("no frame") };
                assert_eq!((frame.length, frame.start, frame.bytes, frame.wire_len), (19, 16, &b"abc"[..], 60));
                assert_eq!(frame.time, Some(Timestamp::from_parts(5, 7_000)));
                assert_eq!((frame.digits, frame.link), (digits, LinkType::numbered(0x71)));
            }
        }
    }

    #[test]
    fn a_record_cut_anywhere_asks_for_more_and_never_panics() {
        let pcap = Pcap::begin(&header(0xa1b2_c3d4, 1, false)).unwrap();
        let bytes = record(&pcap, [1, 2, 5, 5], b"hello");
        for cut in 0..bytes.len() {
            let needed = if cut < 16 { 16 } else { 21 };
            assert_eq!(pcap.step(&bytes[..cut]).err(), Some(Halt::Incomplete { needed }), "cut at {cut}");
        }
    }

    #[test]
    fn lengths_beyond_belief_are_damage_and_extreme_times_are_not() {
        let pcap = Pcap::begin(&header(0xa1b2_3c4d, 1, false)).unwrap();
        for length in [MAX_RECORD_BYTES + 1, u32::MAX] {
            let bytes = record(&pcap, [0, 0, length, 0], b"");
            assert_eq!(pcap.step(&bytes).err(), Some(Halt::Damaged(Damage::RecordLength(length.into()))));
        }
        let bytes = record(&pcap, [u32::MAX, u32::MAX, 0, 0], b"");
        let Ok(Step::Frame(frame)) = pcap.step(&bytes) else { panic!("no frame") };
        assert_eq!(frame.time.unwrap().nanos(), 4_294_967_295_000_000_000 + 4_294_967_295);
    }

    #[test]
    fn a_wire_length_below_the_captured_one_is_raised_to_it() {
        let file = testing::Pcap::new(1).record(Timestamp::from_nanos(0), 0, b"abc").bytes();
        let pcap = Pcap::begin(&file).unwrap();
        let Ok(Step::Frame(frame)) = pcap.step(&file[24..]) else { panic!("no frame") };
        assert_eq!(frame.wire_len, 3);
    }
}
