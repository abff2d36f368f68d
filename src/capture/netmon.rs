//! Microsoft Network Monitor, versions 1 and 2: a header of 128 bytes, frames, and tables behind them.

use super::format::{Halt, Probe, Record, Step};
use super::problem::Damage;
use crate::limits::{MAX_PLAUSIBLE_RECORD_BYTES, MAX_RECORD_BYTES};
use crate::net::LinkType;
use crate::time::Timestamp;

/// Bytes of the file header, which the frames follow.
pub(super) const HEADER_BYTES: usize = 128;
/// Magic numbers of version 1 and 2.
const MAGIC_1: &[u8] = b"RTSS";
const MAGIC_2: &[u8] = b"GMBU";
/// Seconds from 1601-01-01, from which Windows counts, to 1970-01-01.
const SECONDS_FROM_1601: i64 = 11_644_473_600;

/// Whether a file that begins so is of version 1 or 2.
pub(super) fn recognise(head: &[u8]) -> bool {
    head.starts_with(MAGIC_1) || head.starts_with(MAGIC_2)
}

/// The layout of the frames of one file.
#[derive(Clone, Copy, Debug)]
pub(super) struct NetMon {
    second: bool,
    /// Minor version: from 1 on a frame of version 2 tells its link type, from 3 on its time.
    minor: u8,
    link: LinkType,
    start: Timestamp,
    /// Frames that are still to come; tables follow the last one.
    left: u32,
}

impl NetMon {
    /// The layout that the file header tells of, if it is whole.
    pub(super) fn begin(head: &[u8]) -> Option<Self> {
        let (magic, rest) = head.get(..HEADER_BYTES)?.split_first_chunk::<4>()?;
        let ([minor, _, network @ ..], rest) = rest.split_first_chunk::<4>()?;
        let (start, rest) = rest.split_first_chunk::<16>()?;
        let (_, rest) = rest.split_first_chunk::<4>()?;
        let table_bytes = u32::from_le_bytes(*rest.first_chunk()?);
        Some(Self {
            second: magic == MAGIC_2,
            minor: *minor,
            link: link(u16::from_le_bytes(*network)),
            start: system_time(start).unwrap_or_default(),
            left: table_bytes / 4,
        })
    }

    /// Bytes of the header of a frame.
    pub(super) fn record_header_bytes(&self) -> usize {
        if self.second { 16 } else { 8 }
    }

    /// Bytes behind the packet of a frame.
    fn trailer_bytes(&self) -> usize {
        match (self.second, self.minor) {
            (false, _) | (true, 0) => 0,
            (true, 1) => 2,
            (true, 2) => 6,
            (true, _) => 15,
        }
    }

    /// Digits of the second's fraction in the time of a frame.
    fn digits(&self) -> u8 {
        match (self.second, self.minor) {
            (false, _) => 3,
            (true, 0..=2) => 6,
            (true, _) => 7,
        }
    }

    /// Reads the frame at the start of `bytes`.
    pub(super) fn step<'a>(&mut self, bytes: &'a [u8]) -> Result<Step<'a>, Halt> {
        let needed = self.record_header_bytes();
        if self.left == 0 && !bytes.is_empty() {
            return Ok(Step::Other { length: bytes.len() });
        }
        let header = self.header(bytes).ok_or(Halt::Incomplete { needed })?;
        if header.captured > MAX_RECORD_BYTES {
            return Err(Halt::Damaged(Damage::RecordLength(header.captured.into())));
        }
        let end = needed.saturating_add(usize::try_from(header.captured).unwrap_or(usize::MAX));
        let length = end.saturating_add(self.trailer_bytes());
        let record = bytes.get(..length).ok_or(Halt::Incomplete { needed: length })?;
        self.left = self.left.saturating_sub(1);
        let trailer = record.get(end..).unwrap_or_default();
        let own_link = trailer.first_chunk().map(|network| link(u16::from_le_bytes(*network)));
        let link = own_link.unwrap_or(self.link);
        if link == LinkType::NO_PACKET {
            return Ok(Step::Other { length });
        }
        let own_time = trailer.get(6..).and_then(<[u8]>::first_chunk).map(|time| file_time(u64::from_le_bytes(*time)));
        Ok(Step::Frame(Record {
            length,
            start: needed,
            bytes: record.get(needed..end).unwrap_or_default(),
            wire_len: header.original.max(header.captured),
            time: Some(own_time.unwrap_or_else(|| self.start.plus(header.delta_nanos))),
            digits: self.digits(),
            link,
        }))
    }

    /// What the header at the start of `bytes` says, if it may be one.
    pub(super) fn probe(&self, bytes: &[u8]) -> Option<Probe> {
        let header = self.header(bytes)?;
        let captured = usize::try_from(header.captured).ok()?;
        let may_be = (1..=MAX_PLAUSIBLE_RECORD_BYTES).contains(&captured)
            && (header.captured..=MAX_RECORD_BYTES).contains(&header.original);
        let length = self.record_header_bytes().saturating_add(captured).saturating_add(self.trailer_bytes());
        may_be.then(|| Probe { length, time: Some(self.start.plus(header.delta_nanos)) })
    }

    fn header(&self, bytes: &[u8]) -> Option<Header> {
        if self.second {
            let (delta, rest) = bytes.split_first_chunk::<8>()?;
            let (original, rest) = rest.split_first_chunk::<4>()?;
            let micros = i64::try_from(u64::from_le_bytes(*delta)).unwrap_or(i64::MAX);
            Some(Header {
                delta_nanos: micros.saturating_mul(1_000),
                original: u32::from_le_bytes(*original),
                captured: u32::from_le_bytes(*rest.first_chunk()?),
            })
        } else {
            let (delta, rest) = bytes.split_first_chunk::<4>()?;
            let (original, rest) = rest.split_first_chunk::<2>()?;
            Some(Header {
                delta_nanos: i64::from(u32::from_le_bytes(*delta)).saturating_mul(1_000_000),
                original: u16::from_le_bytes(*original).into(),
                captured: u16::from_le_bytes(*rest.first_chunk()?).into(),
            })
        }
    }
}

/// The header of a frame.
struct Header {
    /// Since the start of the capture.
    delta_nanos: i64,
    original: u32,
    captured: u32,
}

/// The link type of a network: media types of NDIS, those of pcap from 0xe000 on, and from 0xfffb on what is no packet.
fn link(network: u16) -> LinkType {
    match network {
        1 => LinkType::ETHERNET,
        2 => LinkType::numbered(6),
        3 => LinkType::numbered(10),
        // WWAN and raw IP.
        8 | 9 => LinkType::RAW,
        0xe000..=0xefff => LinkType::numbered(network & 0x0fff),
        0xfffb..=0xffff => LinkType::NO_PACKET,
        _ => LinkType::UNNUMBERED,
    }
}

/// A SYSTEMTIME: year, month, day of the week, day, hour, minute, second, milliseconds. Its time zone is not told, so UTC.
fn system_time(bytes: &[u8; 16]) -> Option<Timestamp> {
    let fields: &[[u8; 2]; 8] = bytes.as_chunks().0.first_chunk()?;
    let [year, month, _, day, hour, minute, second, millis] = fields.map(u16::from_le_bytes);
    let small = |value: u16| i8::try_from(value).ok();
    let nanos = i32::from(millis).saturating_mul(1_000_000);
    let date = jiff::civil::Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()?;
    let time = jiff::civil::Time::new(small(hour)?, small(minute)?, small(second)?, nanos).ok()?;
    let point = date.to_datetime(time).to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    i64::try_from(point.as_nanosecond()).ok().map(Timestamp::from_nanos)
}

/// A FILETIME: units of 100 ns since 1601.
fn file_time(units: u64) -> Timestamp {
    let nanos = i128::from(units)
        .saturating_mul(100)
        .saturating_sub(i128::from(SECONDS_FROM_1601).saturating_mul(1_000_000_000));
    Timestamp::from_nanos(i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(magic: &[u8], minor: u8, frames: u32) -> Vec<u8> {
        let mut head = [magic, &[minor, 2, 1, 0]].concat();
        head.extend([2026_u16, 11, 0, 22, 16, 22, 39, 700].into_iter().flat_map(u16::to_le_bytes));
        head.extend([0, frames * 4].into_iter().flat_map(u32::to_le_bytes));
        head.resize(HEADER_BYTES, 0);
        head
    }

    #[test]
    fn frames_of_every_version_are_read() {
        let start = Timestamp::from_parts(1_795_364_559, 700_000_000);
        let second = [&57_u64.to_le_bytes()[..], &60_u32.to_le_bytes(), &3_u32.to_le_bytes(), b"abc"].concat();
        let first = [&57_u32.to_le_bytes()[..], &60_u16.to_le_bytes(), &3_u16.to_le_bytes(), b"abc"].concat();
        // 2026-01-01 in units of 100 ns since 1601.
        let utc = (1_767_225_600_u64 + 11_644_473_600) * 10_000_000;
        let trailers = [vec![], vec![101, 0xe0], [&[101, 0xe0][..], &[9; 4]].concat()];
        let last = [&[101, 0xe0][..], &[9; 4], &utc.to_le_bytes(), &[0]].concat();
        for (magic, minor, frame, trailer, time, link, digits) in [
            (MAGIC_1, 1, &first, &trailers[0], start.plus(57_000_000), LinkType::ETHERNET, 3),
            (MAGIC_2, 0, &second, &trailers[0], start.plus(57_000), LinkType::ETHERNET, 6),
            (MAGIC_2, 1, &second, &trailers[1], start.plus(57_000), LinkType::RAW, 6),
            (MAGIC_2, 2, &second, &trailers[2], start.plus(57_000), LinkType::RAW, 6),
            (MAGIC_2, 3, &second, &last, Timestamp::from_parts(1_767_225_600, 0), LinkType::RAW, 7),
        ] {
            let head = header(magic, minor, 1);
            assert!(recognise(&head));
            let mut netmon = NetMon::begin(&head).unwrap();
            let bytes = [&frame[..], trailer].concat();
            for cut in 0..bytes.len() {
                assert!(matches!(netmon.step(&bytes[..cut]), Err(Halt::Incomplete { .. })), "2.{minor} cut at {cut}");
            }
            let with_table = [&bytes[..], b"table"].concat();
            let Ok(Step::Frame(read)) = netmon.step(&with_table) else { panic!("no frame") };
            assert_eq!((read.length, read.wire_len, read.time), (bytes.len(), 60, Some(time)), "2.{minor}");
            assert_eq!((read.link, read.digits), (link, digits), "2.{minor}");
            assert!(matches!(netmon.step(b"table"), Ok(Step::Other { length: 5 })));
        }
    }
}
