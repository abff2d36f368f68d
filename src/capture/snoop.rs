//! snoop: a header of 16 bytes, then records, all big-endian (RFC 1761).

use super::format::{Halt, Probe, Record, Step};
use super::problem::Damage;
use crate::limits::{MAX_PLAUSIBLE_RECORD_BYTES, MAX_RECORD_BYTES};
use crate::net::LinkType;
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// Bytes of the file header.
pub(super) const HEADER_BYTES: usize = 16;
/// Bytes of a record header.
pub(super) const RECORD_HEADER_BYTES: usize = 24;
/// Identification pattern of the file header.
const MAGIC: &[u8] = b"snoop\0\0\0";

/// Whether a file that begins so is snoop.
pub(super) fn recognise(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// The layout of the records of one file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Snoop {
    link: LinkType,
}

impl Snoop {
    /// The layout that the file header tells of, if it is whole.
    pub(super) fn begin(head: &[u8]) -> Option<Self> {
        let data_link = u32::from_be_bytes(*head.get(12..)?.first_chunk()?);
        Some(Self { link: link(data_link) })
    }

    /// Reads the record at the start of `bytes`.
    pub(super) fn step<'a>(&self, bytes: &'a [u8]) -> Result<Step<'a>, Halt> {
        let Some(header) = Header::of(bytes) else { return Err(Halt::Incomplete { needed: RECORD_HEADER_BYTES }) };
        let length = usize::try_from(header.record).unwrap_or(usize::MAX);
        let sound = header.record <= MAX_RECORD_BYTES && header.captured.saturating_add(24) <= header.record;
        if !sound {
            return Err(Halt::Damaged(Damage::RecordLength(header.record.into())));
        }
        let record = bytes.get(RECORD_HEADER_BYTES..length).ok_or(Halt::Incomplete { needed: length })?;
        let captured = usize::try_from(header.captured).unwrap_or(usize::MAX);
        Ok(Step::Frame(Record {
            length,
            start: RECORD_HEADER_BYTES,
            bytes: record.get(..captured).unwrap_or(record),
            wire_len: header.original.max(header.captured),
            time: Some(header.time()),
            digits: 6,
            link: self.link,
        }))
    }

    /// What the header at the start of `bytes` says, if it may be one: of a packet that is not empty, not longer than on
    /// the wire, and padded to no more than it takes.
    pub(super) fn probe(&self, bytes: &[u8]) -> Option<Probe> {
        let header = Header::of(bytes)?;
        let length = usize::try_from(header.record).ok()?;
        let padding = header.record.checked_sub(header.captured)?.checked_sub(24)?;
        let may_be = header.captured > 0
            && header.captured <= header.original
            && header.original <= MAX_RECORD_BYTES
            && length <= MAX_PLAUSIBLE_RECORD_BYTES
            && padding < 8
            && i64::from(header.micros) < 1_000_000;
        may_be.then(|| Probe { length, time: Some(header.time()) })
    }
}

/// The fields of a record header, but for the drops.
struct Header {
    original: u32,
    captured: u32,
    record: u32,
    seconds: u32,
    micros: u32,
}

impl Header {
    fn of(bytes: &[u8]) -> Option<Self> {
        let (words, _) = bytes.first_chunk::<RECORD_HEADER_BYTES>()?.as_chunks::<4>();
        let words: &[[u8; 4]; 6] = words.first_chunk()?;
        let [original, captured, record, _, seconds, micros] = words.map(u32::from_be_bytes);
        Some(Self { original, captured, record, seconds, micros })
    }

    fn time(&self) -> Timestamp {
        let fraction = i64::from(self.micros).saturating_mul(1_000);
        Timestamp::from_nanos(i64::from(self.seconds).saturating_mul(NANOS_PER_SECOND).saturating_add(fraction))
    }
}

/// The link type of a data link (RFC 1761 3): those that have one.
fn link(data_link: u32) -> LinkType {
    match data_link {
        0 | 4 => LinkType::ETHERNET,
        // Token ring and FDDI, by their numbers in the registry.
        2 => LinkType::numbered(6),
        8 => LinkType::numbered(10),
        // As newer systems write it: IP without a link header.
        0x19 => LinkType::RAW,
        _ => LinkType::UNNUMBERED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(words: [u32; 6], data: &[u8]) -> Vec<u8> {
        [words.map(u32::to_be_bytes).concat(), data.to_vec()].concat()
    }

    #[test]
    fn a_record_is_read_without_its_padding() {
        let head = [&b"snoop\0\0\0"[..], &2_u32.to_be_bytes(), &4_u32.to_be_bytes()].concat();
        assert!(recognise(&head));
        let snoop = Snoop::begin(&head).unwrap();
        let bytes = record([60, 3, 28, 0, 5, 7], b"abc\0rest");
        let Ok(Step::Frame(frame)) = snoop.step(&bytes) else { panic!("no frame") };
        assert_eq!((frame.length, frame.start, frame.bytes, frame.wire_len), (28, 24, &b"abc"[..], 60));
        assert_eq!((frame.time, frame.link), (Some(Timestamp::from_parts(5, 7_000)), LinkType::ETHERNET));
        assert_eq!(snoop.probe(&bytes).map(|probe| probe.length), Some(28));
        for cut in 0..28 {
            let needed = if cut < 24 { 24 } else { 28 };
            assert_eq!(snoop.step(&bytes[..cut]).err(), Some(Halt::Incomplete { needed }), "cut at {cut}");
        }
    }

    #[test]
    fn a_record_shorter_than_its_packet_is_damage() {
        let snoop = Snoop { link: LinkType::ETHERNET };
        for (captured, length) in [(5, 28), (0, 23), (u32::MAX, 100), (0, u32::MAX)] {
            let bytes = record([60, captured, length, 0, 0, 0], &[0; 90]);
            assert_eq!(snoop.step(&bytes).err(), Some(Halt::Damaged(Damage::RecordLength(length.into()))));
            assert_eq!(snoop.probe(&bytes), None);
        }
    }
}
