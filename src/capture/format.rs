//! The capture formats, recognised by content.

use super::problem::{Damage, Found};
use super::records::are_near_if_known;
use super::{erf, netmon, pcap, pcapng, snoop};
use super::{erf::Erf, netmon::NetMon, pcap::Pcap, pcapng::Pcapng, snoop::Snoop};
use crate::limits::MAX_PLAUSIBLE_RECORD_BYTES;
use crate::net::LinkType;
use crate::time::Timestamp;

/// Bytes of an input that are looked at to recognise it: a few records, because some formats have no magic number of their
/// own.
pub(super) const HEAD_BYTES: usize = 16 << 10;

/// A capture format that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Classic pcap (draft-ietf-opsawg-pcap), micro- or nanoseconds, either byte order, and its variants.
    Pcap,
    /// pcapng (draft-ietf-opsawg-pcapng).
    Pcapng,
    /// snoop of Solaris (RFC 1761).
    Snoop,
    /// ERF of Endace cards.
    Erf,
    /// Microsoft Network Monitor, version 1 or 2.
    NetMon,
}

impl Format {
    /// The name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pcap => "pcap",
            Self::Pcapng => "pcapng",
            Self::Snoop => "snoop",
            Self::Erf => "erf",
            Self::NetMon => "netmon",
        }
    }
}

/// A row of the table of formats.
pub(super) struct FormatRow {
    pub(super) format: Format,
    /// Bytes at the start of a file, below which it is nothing yet.
    pub(super) header_bytes: usize,
    /// Whether a file that begins with these bytes (at most [`HEAD_BYTES`]) is in the format.
    recognise: fn(&[u8]) -> bool,
    /// The layout of the records of a file that begins with these bytes, and where the first record is.
    begin: fn(&[u8]) -> Option<(Layout, usize)>,
}

/// The formats that are read. Adding one is a file beside this one, a variant of [`Layout`] and a row.
pub(super) static FORMATS: &[FormatRow] = &[
    FormatRow {
        format: Format::Pcap,
        header_bytes: pcap::HEADER_BYTES,
        recognise: pcap::recognise,
        begin: |head| Pcap::begin(head).map(|(pcap, start)| (Layout::Pcap(pcap), start)),
    },
    FormatRow {
        format: Format::Pcapng,
        header_bytes: pcapng::HEADER_BYTES,
        recognise: pcapng::recognise,
        begin: |_| Some((Layout::Pcapng(Pcapng::default()), 0)),
    },
    FormatRow {
        format: Format::Snoop,
        header_bytes: snoop::HEADER_BYTES,
        recognise: snoop::recognise,
        begin: |head| Some((Layout::Snoop(Snoop::begin(head)?), snoop::HEADER_BYTES)),
    },
    FormatRow {
        format: Format::NetMon,
        header_bytes: netmon::HEADER_BYTES,
        recognise: netmon::recognise,
        begin: |head| Some((Layout::NetMon(NetMon::begin(head)?), netmon::HEADER_BYTES)),
    },
    // Last, because nothing but the records tell it.
    FormatRow {
        format: Format::Erf,
        header_bytes: erf::HEADER_BYTES,
        recognise: |head| erf::recognise(head, head.len() < HEAD_BYTES),
        begin: |_| Some((Layout::Erf(Erf), 0)),
    },
];

/// Magic numbers of what is not read, and where they stand, so that the message can say what to do.
static FOREIGN: &[(usize, &[u8], Found)] = &[
    (0, b"PK\x03\x04", Found::Archive("zip")),
    (0, b"7z\xbc\xaf\x27\x1c", Found::Archive("7z")),
    (0, b"Rar!\x1a\x07", Found::Archive("rar")),
    (257, b"ustar", Found::Archive("tar")),
    (0, b"\x1f\x9d", Found::Archive("compress")),
    (0, b"LZIP", Found::Archive("lzip")),
    (0, b"\x5d\0\0", Found::Archive("lzma")),
    (0, b"btsnoop\0", Found::OtherCapture("btsnoop")),
    (0, b"ObserverPktBuffe", Found::OtherCapture("Observer")),
    (0, b"\x05VNF", Found::OtherCapture("Visual Networks")),
    (0, b"TRSNIFF data", Found::OtherCapture("Sniffer")),
    (0, b"XCP\0", Found::OtherCapture("NetXRay")),
    (0, b"\x7fver", Found::OtherCapture("OmniPeek")),
    (0, b"\xaa\xaa\xaa\xaa", Found::OtherCapture("5Views")),
    (0, b"\x01\x10\x4c\0", Found::OtherCapture("LANalyzer")),
    (0, b"\x07\x10\x4c\0", Found::OtherCapture("LANalyzer")),
    (0, b"TR\0d\0", Found::OtherCapture("HP-UX nettl")),
    (0, b"iptrace ", Found::OtherCapture("AIX iptrace")),
    (0, b"+---------+---------------+", Found::OtherCapture("K12 text")),
    (0, b"\0\0\x02\0\x12\x05\0\x10", Found::OtherCapture("K12 rf5")),
    (0, b"Session Transcript", Found::OtherCapture("DCT2000")),
    (0, b"EyeSDN", Found::OtherCapture("EyeSDN")),
];

/// The row of the format that a file beginning with these bytes is in, the layout of its records, and where they begin.
///
/// `head` is the whole file if it has fewer than [`HEAD_BYTES`] bytes.
pub(super) fn recognise(head: &[u8]) -> Result<(&'static FormatRow, Layout, usize), Found> {
    if head.is_empty() {
        return Err(Found::Empty);
    }
    if let Some(row) = FORMATS.iter().find(|row| (row.recognise)(head)) {
        let short = Found::ShortHeader { format: row.format.name(), available: head.len(), needed: row.header_bytes };
        if head.len() < row.header_bytes {
            return Err(short);
        }
        let (layout, start) = (row.begin)(head).ok_or(short)?;
        return Ok((row, layout, start));
    }
    let is_there = |(at, magic, _): &&(usize, &[u8], _)| head.get(*at..).is_some_and(|rest| rest.starts_with(magic));
    if let Some((_, _, found)) = FOREIGN.iter().find(is_there) {
        return Err(*found);
    }
    let mut first = [0; 4];
    for (to, from) in first.iter_mut().zip(head) {
        *to = *from;
    }
    Err(Found::Unknown { first, length: head.len().min(4) })
}

/// How the records of an input are laid out, and what of the records before must be known to read on.
#[derive(Clone, Debug)]
pub(super) enum Layout {
    Pcap(Pcap),
    Pcapng(Pcapng),
    Snoop(Snoop),
    Erf(Erf),
    NetMon(NetMon),
}

impl Layout {
    /// Reads the record at the start of `bytes`. Changes nothing unless the record is whole.
    #[inline(always)]
    pub(super) fn step<'a>(&mut self, bytes: &'a [u8]) -> Result<Step<'a>, Halt> {
        match self {
            Self::Pcap(pcap) => pcap.step(bytes),
            Self::Pcapng(pcapng) => pcapng.step(bytes),
            Self::Snoop(snoop) => snoop.step(bytes),
            Self::Erf(erf) => erf.step(bytes),
            Self::NetMon(netmon) => netmon.step(bytes),
        }
    }

    /// What the header at the start of `bytes` says, if it may be that of a record: a search through damaged data asks.
    pub(super) fn probe(&self, bytes: &[u8]) -> Option<Probe> {
        match self {
            Self::Pcap(pcap) => pcap.probe(bytes),
            Self::Pcapng(pcapng) => pcapng.probe(bytes),
            Self::Snoop(snoop) => snoop.probe(bytes),
            Self::Erf(erf) => erf.probe(bytes),
            Self::NetMon(netmon) => netmon.probe(bytes),
        }
    }

    /// Whether a record that is cut short at the end of `bytes` agrees with itself as far as it is there, and its time with
    /// the time before.
    pub(super) fn begins_soundly(&self, bytes: &[u8], before: Option<Timestamp>) -> bool {
        match self {
            Self::Pcapng(pcapng) => pcapng.begins_soundly(bytes),
            _ if bytes.len() < self.record_header_bytes() => true,
            _ => self.probe(bytes).is_some_and(|probe| are_near_if_known(before, probe.time)),
        }
    }

    /// Bytes of the header of a record.
    pub(super) fn record_header_bytes(&self) -> usize {
        match self {
            Self::Pcap(pcap) => pcap.record_header_bytes(),
            Self::Pcapng(_) => pcapng::FRAMING_BYTES as usize,
            Self::Snoop(_) => snoop::RECORD_HEADER_BYTES,
            Self::Erf(_) => erf::RECORD_HEADER_BYTES,
            Self::NetMon(netmon) => netmon.record_header_bytes(),
        }
    }

    /// Whether [`Layout::probe`] may have failed because `bytes` end.
    pub(super) fn needs_more(&self, bytes: &[u8]) -> bool {
        bytes.len() < if self.proves_lengths() { MAX_PLAUSIBLE_RECORD_BYTES } else { self.record_header_bytes() }
    }

    /// Whether a record says its length twice, so that a wrong one shows in the record itself and not in what follows.
    pub(super) fn proves_lengths(&self) -> bool {
        matches!(self, Self::Pcapng(_))
    }
}

/// What the header of something that may be a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Probe {
    /// Bytes of the record, headers included.
    pub(super) length: usize,
    pub(super) time: Option<Timestamp>,
}

/// A whole record.
pub(super) enum Step<'a> {
    /// One that is a frame.
    Frame(Record<'a>),
    /// One that is not, and its length.
    Other { length: usize },
}

/// A whole record that is a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    /// Bytes of the record, headers included.
    pub(super) length: usize,
    /// Where in the record the packet begins.
    pub(super) start: usize,
    /// The packet.
    pub(super) bytes: &'a [u8],
    /// Its bytes on the wire, not less than `bytes` has.
    pub(super) wire_len: u32,
    pub(super) time: Option<Timestamp>,
    /// Digits of the second's fraction in `time`, at most 9.
    pub(super) digits: u8,
    pub(super) link: LinkType,
}

/// Why there is no whole record at the start of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Halt {
    /// At least so many bytes are needed to tell.
    Incomplete { needed: usize },
    /// However many follow, it is none.
    Damaged(Damage),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_unique_and_fit_the_head() {
        for (index, row) in FORMATS.iter().enumerate() {
            assert!(row.header_bytes <= HEAD_BYTES);
            assert!(FORMATS.iter().skip(index + 1).all(|other| other.format != row.format));
        }
        for (index, (at, magic, _)) in FOREIGN.iter().enumerate() {
            assert!(FOREIGN.iter().skip(index + 1).all(|(from, other, _)| from != at || !other.starts_with(magic)));
            assert!(FORMATS.iter().all(|row| !(row.recognise)(magic)));
            assert!(at + magic.len() <= HEAD_BYTES);
        }
    }

    #[test]
    fn what_is_no_capture_is_named() {
        assert_eq!(recognise(b"").err(), Some(Found::Empty));
        assert_eq!(recognise(b"PK\x03\x04rest").err(), Some(Found::Archive("zip")));
        let tar = [&b"edge.pcap"[..], &[0; 248], b"ustar\x0000"].concat();
        assert_eq!(recognise(&tar).err(), Some(Found::Archive("tar")));
        assert_eq!(recognise(b"\xaa\xaa\xaa\xaa\x20\0").err(), Some(Found::OtherCapture("5Views")));
        assert_eq!(recognise(b"hi").err(), Some(Found::Unknown { first: *b"hi\0\0", length: 2 }));
        assert_eq!(
            recognise(b"\xd4\xc3\xb2\xa1\x02\0").err(),
            Some(Found::ShortHeader { format: "pcap", available: 6, needed: 24 })
        );
        assert_eq!(
            recognise(b"\x0a\x0d\x0d\x0a\x1c\0\0\0").err(),
            Some(Found::ShortHeader { format: "pcapng", available: 8, needed: 28 })
        );
    }
}
