//! Classic pcap: a header of 24 bytes, then records (draft-ietf-opsawg-pcap), and the variants that vendors made of it.

use pcap_parser::nom::{Err, Needed};
use pcap_parser::{parse_pcap_frame, parse_pcap_frame_be};

use super::format::{Halt, Probe, Record, Step};
use super::problem::Damage;
use super::records::are_near;
use crate::limits::{MAX_PLAUSIBLE_RECORD_BYTES, MAX_RECORD_BYTES};
use crate::net::LinkType;
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// Bytes of the file header.
pub(super) const HEADER_BYTES: usize = 24;
/// Bytes of a record header, as nearly all files have it.
const RECORD_HEADER_BYTES: usize = 16;

/// What a magic number stands for.
struct Magic {
    /// In the byte order of the file.
    number: u32,
    nanoseconds: bool,
    /// Bytes behind the file header.
    extra: usize,
    /// Bytes of a record header; more than one if that must be seen from the records, the usual one first.
    record_headers: &'static [usize],
}

static MAGICS: &[Magic] = &[
    // 24 bytes without another magic number: Red Hat 6.1, with a patch by Kuznetzov; 20: Nokia.
    Magic { number: 0xa1b2_c3d4, nanoseconds: false, extra: 0, record_headers: &[RECORD_HEADER_BYTES, 24, 20] },
    Magic { number: 0xa1b2_3c4d, nanoseconds: true, extra: 0, record_headers: &[RECORD_HEADER_BYTES] },
    // The patch with a magic number of its own: interface, protocol and kind of packet; 28: SuSE 6.3, with the processor.
    Magic { number: 0xa1b2_cd34, nanoseconds: false, extra: 0, record_headers: &[24, 28] },
    // Ixia, hardware and software: the bytes of all records stand behind the file header.
    Magic { number: 0x1c00_01ac, nanoseconds: true, extra: 4, record_headers: &[RECORD_HEADER_BYTES] },
    Magic { number: 0x1c00_01ab, nanoseconds: true, extra: 4, record_headers: &[RECORD_HEADER_BYTES] },
];

/// The magic number that a file begins with, and whether its numbers are big-endian.
fn magic(head: &[u8]) -> Option<(&'static Magic, bool)> {
    let first = head.first_chunk()?;
    [(u32::from_le_bytes(*first), false), (u32::from_be_bytes(*first), true)]
        .into_iter()
        .find_map(|(number, big_endian)| Some((MAGICS.iter().find(|magic| magic.number == number)?, big_endian)))
}

/// Whether a file that begins so is pcap.
pub(super) fn recognise(head: &[u8]) -> bool {
    magic(head).is_some()
}

/// The layout of the records of one file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pcap {
    big_endian: bool,
    nanos_per_unit: i64,
    digits: u8,
    link: LinkType,
    /// Bytes of a record header.
    record_header: usize,
    lengths: Lengths,
}

/// Which of the two lengths of a record comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lengths {
    /// The captured one.
    Usual,
    /// The one on the wire, before version 2.3.
    Swapped,
    /// The smaller one is the captured one: programs of version 2.3 did not agree.
    Either,
}

/// Types of interfaces (RFC 1573) that AIX writes in place of link types, with the numbers of those: Ethernet, token ring, FDDI, loopback.
const AIX_LINKS: [(u32, u16); 4] = [(6, 1), (9, 6), (15, 10), (24, 0)];

impl Pcap {
    /// The layout that the file header, and where that does not tell the records, tell of, and where the first record is.
    pub(super) fn begin(head: &[u8]) -> Option<(Self, usize)> {
        let (magic, big_endian) = magic(head)?;
        let fields: &[[u8; 4]; 6] = head.get(..HEADER_BYTES)?.as_chunks::<4>().0.first_chunk()?;
        let word = |bytes: [u8; 4]| if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
        let [_, version, .., network] = *fields;
        let [v0, v1, v2, v3] = version;
        let (major, minor) = if big_endian { ([v1, v0], [v3, v2]) } else { ([v0, v1], [v2, v3]) };
        let (major, minor) = (u16::from_le_bytes(major), u16::from_le_bytes(minor));
        // The upper half of the field tells of frame check sequences, which decoding by lengths passes over.
        let [low, high, ..] = word(network).to_le_bytes();
        let aix = AIX_LINKS.iter().find(|(kind, _)| (major, minor) == (2, 2) && *kind == word(network));
        let nanoseconds = magic.nanoseconds || aix.is_some();
        let lengths = match (major, minor) {
            (2, _) if aix.is_some() => Lengths::Usual,
            (2, 0..=2) => Lengths::Swapped,
            (2, 3) => Lengths::Either,
            _ => Lengths::Usual,
        };
        let start = HEADER_BYTES.saturating_add(magic.extra);
        let usual = Self {
            big_endian,
            nanos_per_unit: if nanoseconds { 1 } else { 1_000 },
            digits: if nanoseconds { 9 } else { 6 },
            link: LinkType::numbered(aix.map_or_else(|| u16::from_le_bytes([low, high]), |(_, link)| *link)),
            record_header: *magic.record_headers.first()?,
            lengths,
        };
        let records = head.get(start..)?;
        let mut variants = magic.record_headers.iter().map(|bytes| Self { record_header: *bytes, ..usual });
        let pcap = variants.find(|pcap| pcap.fits(records)).unwrap_or(usual);
        Some((pcap, start))
    }

    /// Whether the records at the start of a file follow each other if they have these headers. One proves nothing.
    fn fits(&self, records: &[u8]) -> bool {
        let (mut at, mut count, mut before) = (0_usize, 0_u8, None);
        while count < FITTING_RECORDS {
            let rest = records.get(at..).unwrap_or_default();
            if rest.len() < self.record_header {
                return count > 1;
            }
            let Some(probe) = self.probe(rest) else { return false };
            if before.zip(probe.time).is_some_and(|(before, time)| !are_near(before, time)) {
                return false;
            }
            (at, count, before) = (at.saturating_add(probe.length), count.saturating_add(1), probe.time);
        }
        true
    }

    /// Bytes of a record header.
    pub(super) fn record_header_bytes(&self) -> usize {
        self.record_header
    }

    /// Captured length and length on the wire, in this order, of what a record says first and second.
    fn lengths(&self, first: u32, second: u32) -> (u32, u32) {
        match self.lengths {
            Lengths::Usual => (first, second),
            Lengths::Swapped => (second, first),
            Lengths::Either => (first.min(second), first.max(second)),
        }
    }

    /// The fields of a record header: time, captured length, length on the wire.
    fn header(&self, bytes: &[u8]) -> Option<(Timestamp, u32, u32)> {
        let words: &[[u8; 4]; 4] = bytes.get(..self.record_header)?.as_chunks::<4>().0.first_chunk()?;
        let [seconds, fraction, first, second] =
            words.map(|word| if self.big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) });
        let (captured, original) = self.lengths(first, second);
        let fraction = i64::from(fraction).saturating_mul(self.nanos_per_unit);
        Some((Timestamp::from_parts(seconds.into(), 0).plus(fraction), captured, original))
    }

    /// A record of a variant.
    #[cold]
    fn variant<'a>(&self, bytes: &'a [u8]) -> Result<Step<'a>, Halt> {
        let (time, captured, original) = self.header(bytes).ok_or(Halt::Incomplete { needed: self.record_header })?;
        if captured > MAX_RECORD_BYTES {
            return Err(Halt::Damaged(Damage::RecordLength(captured.into())));
        }
        let length = self.record_header.saturating_add(usize::try_from(captured).unwrap_or(usize::MAX));
        let record = bytes.get(self.record_header..length).ok_or(Halt::Incomplete { needed: length })?;
        Ok(Step::Frame(Record {
            length,
            start: self.record_header,
            bytes: record,
            wire_len: original.max(captured),
            time: Some(time),
            digits: self.digits,
            link: self.link,
        }))
    }

    /// Reads the record at the start of `bytes`.
    #[inline(always)]
    pub(super) fn step<'a>(&self, bytes: &'a [u8]) -> Result<Step<'a>, Halt> {
        if self.record_header != RECORD_HEADER_BYTES || self.lengths != Lengths::Usual {
            return self.variant(bytes);
        }
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
        let (time, captured, original) = self.header(bytes)?;
        let length = usize::try_from(captured).ok()?;
        let whole_second = time.nanos().div_euclid(NANOS_PER_SECOND);
        let may_be = (1..=MAX_PLAUSIBLE_RECORD_BYTES).contains(&length)
            && (captured..=MAX_RECORD_BYTES).contains(&original)
            && self.seconds(bytes) == Some(whole_second);
        may_be.then(|| Probe { length: self.record_header.saturating_add(length), time: Some(time) })
    }

    /// The seconds of a record header.
    fn seconds(&self, bytes: &[u8]) -> Option<i64> {
        let word = *bytes.first_chunk()?;
        Some(i64::from(if self.big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }))
    }
}

/// Records that tell a variant from another.
const FITTING_RECORDS: u8 = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::testing;

    fn header(magic: u32, network: u32, big_endian: bool) -> Vec<u8> {
        let word = |value: u32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        let version = if big_endian { 0x0002_0004 } else { 0x0004_0002 };
        [magic, version, 0, 0, 0xffff, network].map(word).concat()
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
                let pcap = Pcap::begin(&head).unwrap().0;
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
        let pcap = Pcap::begin(&header(0xa1b2_c3d4, 1, false)).unwrap().0;
        let bytes = record(&pcap, [1, 2, 5, 5], b"hello");
        for cut in 0..bytes.len() {
            let needed = if cut < 16 { 16 } else { 21 };
            assert_eq!(pcap.step(&bytes[..cut]).err(), Some(Halt::Incomplete { needed }), "cut at {cut}");
        }
    }

    #[test]
    fn lengths_beyond_belief_are_damage_and_extreme_times_are_not() {
        let pcap = Pcap::begin(&header(0xa1b2_3c4d, 1, false)).unwrap().0;
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
        let pcap = Pcap::begin(&file).unwrap().0;
        let Ok(Step::Frame(frame)) = pcap.step(&file[24..]) else { panic!("no frame") };
        assert_eq!(frame.wire_len, 3);
    }
}
