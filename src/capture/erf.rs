//! ERF of Endace cards: records without a file header. Times are little-endian, all else is big-endian.

use super::format::{Halt, Probe, Record, Step};
use super::problem::Damage;
use crate::net::LinkType;
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// Bytes of the shortest file: there is no header, so of the shortest record.
pub(super) const HEADER_BYTES: usize = 16;
/// Bytes of a record header without extensions.
pub(super) const RECORD_HEADER_BYTES: usize = 16;
/// Bytes of an extension header.
const EXTENSION_BYTES: usize = 8;
/// Extension headers that are followed; cards write two or three.
const MAX_EXTENSIONS: usize = 16;
/// Records that must follow each other in the head of a file. There is no magic number.
const NEEDED_RECORDS: usize = 4;

/// The types of records that are known, of 128.
const PAD: u8 = 48;
const LAST_TYPE: u8 = 29;
const META: u8 = 27;

/// Whether a file that begins so is ERF: records that follow each other, in order of time.
pub(super) fn recognise(head: &[u8], whole: bool) -> bool {
    let (mut at, mut before, mut count) = (0_usize, None, 0_usize);
    while let Some(rest) = head.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(probe) = Erf.probe(rest) else {
            return rest.len() < RECORD_HEADER_BYTES && count > 1;
        };
        let goes_on = |before: Timestamp| {
            let ahead = probe.time.map_or(0, |time| time.since(before));
            (-NANOS_PER_SECOND..=MAX_STEP_NANOS).contains(&ahead)
        };
        if !before.is_none_or(goes_on) {
            return false;
        }
        count = count.saturating_add(1);
        if count >= NEEDED_RECORDS {
            return true;
        }
        at = at.saturating_add(probe.length);
        before = probe.time;
    }
    // All records there are, or several and the last of them cut short.
    count > 1 || (count > 0 && at == head.len() && whole)
}

/// How far apart two records may be in time at the start of a file.
const MAX_STEP_NANOS: i64 = 7 * 24 * 3_600 * NANOS_PER_SECOND;

/// The layout of the records.
#[derive(Clone, Copy, Debug)]
pub(super) struct Erf;

impl Erf {
    /// Reads the record at the start of `bytes`.
    pub(super) fn step(self, bytes: &[u8]) -> Result<Step<'_>, Halt> {
        let Some(header) = Header::of(bytes) else { return Err(Halt::Incomplete { needed: RECORD_HEADER_BYTES }) };
        if usize::from(header.length) < RECORD_HEADER_BYTES {
            return Err(Halt::Damaged(Damage::RecordLength(header.length.into())));
        }
        let length = usize::from(header.length);
        let record = bytes.get(..length).ok_or(Halt::Incomplete { needed: length })?;
        if matches!(header.kind & 0x7f, PAD | META) {
            return Ok(Step::Other { length });
        }
        let start = header.packet_start(record);
        let packet = record.get(start..).unwrap_or_default();
        let link = header.link(packet);
        let captured = packet.len().min(usize::from(header.wire_len));
        let bytes = packet.get(..captured).unwrap_or_default();
        Ok(Step::Frame(Record {
            length,
            start: start.min(length),
            bytes,
            wire_len: header.wire_len.into(),
            time: Some(header.time()),
            digits: 9,
            link,
        }))
    }

    /// What the header at the start of `bytes` says, if it may be one.
    pub(super) fn probe(self, bytes: &[u8]) -> Option<Probe> {
        let header = Header::of(bytes)?;
        let kind = header.kind & 0x7f;
        let known = (1..=LAST_TYPE).contains(&kind) || kind == PAD;
        let holds = kind == META
            || kind == PAD
            || (header.wire_len > 0 && u32::from(header.length) < u32::from(header.wire_len).saturating_add(160));
        let length = usize::from(header.length);
        (known && holds && length >= RECORD_HEADER_BYTES)
            .then(|| Probe { length, time: (kind != META && kind != PAD).then(|| header.time()) })
    }
}

/// What a record holds that Wireshark wrote as a packet of another format: where the packet begins, its bytes on the wire, and
/// its link type. Nothing if it is no packet; an error if the header is not whole.
pub(crate) fn within(bytes: &[u8]) -> Result<Option<(usize, u16, LinkType)>, Short> {
    let header = Header::of(bytes).ok_or(Short)?;
    if matches!(header.kind & 0x7f, PAD | META) {
        return Ok(None);
    }
    let start = header.packet_start(bytes);
    let packet = bytes.get(start..).filter(|packet| !packet.is_empty()).ok_or(Short)?;
    Ok(Some((start, header.wire_len, header.link(packet))))
}

/// The header of a record is not whole.
#[derive(Debug)]
pub(crate) struct Short;

/// The fields of a record header, but for those that count losses.
struct Header {
    fraction: u32,
    seconds: u32,
    kind: u8,
    length: u16,
    wire_len: u16,
}

impl Header {
    fn of(bytes: &[u8]) -> Option<Self> {
        let [f0, f1, f2, f3, s0, s1, s2, s3, kind, _, l0, l1, _, _, w0, w1] =
            *bytes.first_chunk::<RECORD_HEADER_BYTES>()?;
        Some(Self {
            fraction: u32::from_le_bytes([f0, f1, f2, f3]),
            seconds: u32::from_le_bytes([s0, s1, s2, s3]),
            kind,
            length: u16::from_be_bytes([l0, l1]),
            wire_len: u16::from_be_bytes([w0, w1]),
        })
    }

    /// The fraction is in units of 2^-32 seconds, rounded down as Wireshark does.
    fn time(&self) -> Timestamp {
        let nanos = u64::from(self.fraction).saturating_mul(1_000_000_000) >> 32;
        Timestamp::from_parts(self.seconds.into(), u32::try_from(nanos).unwrap_or(0))
    }

    /// Where the packet begins: behind extension headers, each of which tells whether another follows, and what the type of
    /// the record puts before it.
    fn packet_start(&self, record: &[u8]) -> usize {
        let (mut start, mut more) = (RECORD_HEADER_BYTES, self.kind & 0x80 != 0);
        for _ in 0..MAX_EXTENSIONS {
            if !more {
                break;
            }
            more = record.get(start).is_some_and(|first| first & 0x80 != 0);
            start = start.saturating_add(EXTENSION_BYTES);
        }
        let before = match self.kind & 0x7f {
            // Ethernet: offset and padding, so that what follows its header is aligned.
            2 | 11 | 16 | 20 => 2,
            // Many channels: a header of their own.
            5 | 17 => 4,
            _ => 0,
        };
        start.saturating_add(before)
    }

    /// What the packet begins with.
    fn link(&self, packet: &[u8]) -> LinkType {
        match self.kind & 0x7f {
            2 | 11 | 16 | 20 => LinkType::ETHERNET,
            // HDLC on POS: address and control tell Cisco's from PPP.
            1 | 5 | 10 | 15 | 17 | 19 => match packet {
                [0x0f | 0x8f, 0, ..] => LinkType::CISCO_HDLC,
                _ => LinkType::PPP_HDLC,
            },
            22 => LinkType::IPV4,
            23 => LinkType::IPV6,
            _ => LinkType::UNNUMBERED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, wire_len: u16, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(16 + body.len()).unwrap();
        let mut bytes = [0, 0, 0, 0x80, 5, 0, 0, 0, kind, 4].to_vec();
        bytes.extend(length.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(wire_len.to_be_bytes());
        bytes.extend_from_slice(body);
        bytes
    }

    #[test]
    fn packets_stand_behind_extensions_and_padding() {
        let mut body = [[0x90, 0, 0, 0, 0, 0, 0, 0], [0x10, 0, 0, 0, 0, 0, 0, 0]].concat();
        body.extend_from_slice(b"\0\0abcd");
        for (kind, body, link) in [
            (2, &b"\0\0abcd"[..], LinkType::ETHERNET),
            (0x82, &body, LinkType::ETHERNET),
            (22, b"abcd", LinkType::IPV4),
            (21, b"abcd", LinkType::UNNUMBERED),
        ] {
            let bytes = record(kind, 4, body);
            let Ok(Step::Frame(frame)) = Erf.step(&bytes) else { panic!("no frame") };
            assert_eq!((frame.bytes, frame.link, frame.length), (&b"abcd"[..], link, bytes.len()));
            assert_eq!(&bytes[frame.start..frame.start + 4], b"abcd");
            assert_eq!(frame.time, Some(Timestamp::from_parts(5, 500_000_000)));
            for cut in 0..bytes.len() {
                assert!(matches!(Erf.step(&bytes[..cut]), Err(Halt::Incomplete { .. })), "cut at {cut}");
            }
        }
    }

    #[test]
    fn extensions_without_end_do_no_harm() {
        let bytes = record(0x82, 4, &[0x80; 40]);
        assert!(matches!(Erf.step(&bytes), Ok(Step::Frame(Record { bytes: [], .. }))));
    }

    #[test]
    fn records_in_order_are_recognised_and_other_bytes_are_not() {
        let one = record(2, 4, b"\0\0abcd");
        assert!(recognise(&one, true) && recognise(&one.repeat(9), false) && recognise(&one.repeat(9)[..80], false));
        assert!(!recognise(&one[..21], true));
        assert!(!recognise(&[0; 64], true) && !recognise(&[0xff; 64], true) && !recognise(b"", true));
        assert!(!recognise(b"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c\r\n\r\n", true));
        let late = [one.clone(), vec![0xff; 8], one[8..].to_vec()].concat();
        assert!(!recognise(&late, true));
    }
}
