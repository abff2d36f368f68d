//! What can be wrong with an input.

use std::fmt;

use super::compression::Compression;
use crate::limits::MAX_RECORD_BYTES;

/// What was wrong with an input. What came before it in the input has been read and given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The last record is cut short by the end of the input, as when the capture is still being written.
    Cut {
        /// Offset of the record.
        offset: u64,
        /// Bytes of it that are there.
        available: u64,
        /// Bytes it needs, as far as its header tells.
        needed: u64,
    },
    /// Record headers cannot be believed. Reading went on where records follow each other again.
    Damaged {
        /// Offset of the first.
        offset: u64,
        /// What is wrong with it.
        what: Damage,
        /// How many places are damaged.
        places: u64,
        /// Bytes there in which no record could be found.
        skipped: u64,
        /// Whether records were found behind the last of these places.
        resumed: bool,
        /// What is wrong besides.
        besides: Option<Box<Self>>,
    },
    /// The input cannot be opened, or reading it failed.
    Unreadable {
        /// Bytes read before that.
        offset: u64,
        /// What the system said.
        reason: String,
    },
    /// The file had fewer bytes when its end was reached than when it was opened: it was cut or written anew meanwhile.
    Shrunk {
        /// Bytes that were there.
        available: u64,
        /// Bytes it had when it was opened.
        expected: u64,
        /// What is wrong besides.
        besides: Option<Box<Self>>,
    },
    /// The file was replaced by another one before its turn came.
    Replaced,
    /// The compression around the input ends early or cannot be undone. What could be unpacked has been read.
    Archive {
        /// The compression.
        compression: Compression,
        /// Bytes of the archive that were read before that.
        offset: u64,
        /// What the decoder said; `None` if the archive only ends early.
        reason: Option<String>,
    },
    /// The input is no capture that can be read here.
    NotACapture {
        /// What it is instead.
        found: Found,
        /// Whether it was not named, but lay in a folder that was.
        from_folder: bool,
    },
}

impl Problem {
    /// Whether the run must not end as if all had gone well. A last record cut short is common and is not, nor is a
    /// file that only lies beside captures, nor is one of a ring that goes on meanwhile.
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Cut { .. } | Self::Replaced | Self::Archive { reason: None, .. } => false,
            Self::Shrunk { besides, .. } => besides.as_ref().is_some_and(|besides| besides.is_fatal()),
            Self::NotACapture { from_folder, .. } => !from_folder,
            Self::Damaged { .. } | Self::Archive { .. } | Self::Unreadable { .. } => true,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut { offset, available, needed } => write!(
                f,
                "the last record, at offset {offset}, is cut short: {available} of {needed} bytes are there; \
                 everything before it was read"
            ),
            Self::Damaged { offset, what, places, skipped, resumed, besides } => {
                if *places == 1 {
                    write!(f, "damaged at offset {offset}: {what}; {skipped} bytes were skipped")?;
                } else {
                    write!(
                        f,
                        "damaged at {places} places, first at offset {offset}: {what}; {skipped} bytes were skipped in all"
                    )?;
                }
                let rest =
                    if *resumed { "everything else was read" } else { "no record was found behind the last of them" };
                write!(f, ", {rest}")?;
                besides.as_ref().map_or(Ok(()), |besides| write!(f, "; besides, {besides}"))
            }
            Self::Shrunk { available, expected, besides } => {
                write!(
                    f,
                    "it became shorter while it was read: {available} of {expected} bytes were still there, and were read"
                )?;
                besides.as_ref().map_or(Ok(()), |besides| write!(f, "; besides, {besides}"))
            }
            Self::Replaced => {
                f.write_str("it was replaced by another file before its turn came; nothing of it was read")
            }
            Self::Unreadable { offset: 0, reason } => write!(f, "cannot be read: {reason}"),
            Self::Unreadable { offset, reason } => {
                write!(f, "cannot be read beyond offset {offset}: {reason}; everything before it was read")
            }
            Self::Archive { compression, offset, reason: None } => write!(
                f,
                "its {} data is cut short, at offset {offset} of the archive; everything before it was read",
                compression.name()
            ),
            Self::Archive { compression, offset, reason: Some(reason) } => write!(
                f,
                "its {} data is damaged before offset {offset} of the archive: {reason}; everything before it was read, \
                 nothing after it",
                compression.name()
            ),
            Self::NotACapture { found, .. } => write!(f, "not a capture: {found}"),
        }
    }
}

/// Why a record header cannot be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// A pcap record claims more bytes than [`MAX_RECORD_BYTES`].
    RecordLength(u64),
    /// A pcapng block claims more bytes than [`MAX_RECORD_BYTES`], fewer than 12, or no multiple of 4.
    BlockLength(u32),
    /// The length at the end of a pcapng block is not the one at its start.
    BlockTrailer {
        /// The length at the start.
        leading: u32,
        /// The length at the end.
        trailing: u32,
    },
    /// A pcapng Section Header Block whose byte-order magic is neither order's.
    ByteOrder(u32),
    /// A record whose length or time is far from usual, and that no other record follows.
    Strange,
    /// A record claims more bytes than there are, and others begin within them.
    BeyondEnd(u64),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RecordLength(length) => {
                write!(f, "a record claims {length} bytes, and more than {MAX_RECORD_BYTES} are not believed")
            }
            Self::BlockLength(length) if *length > MAX_RECORD_BYTES => {
                write!(f, "a block claims {length} bytes, and more than {MAX_RECORD_BYTES} are not believed")
            }
            Self::BlockLength(length) => {
                write!(f, "a block claims {length} bytes, which is no multiple of 4 from 12 on")
            }
            Self::BlockTrailer { leading, trailing } => {
                write!(f, "a block claims {leading} bytes at its start and {trailing} at its end")
            }
            Self::ByteOrder(magic) => write!(f, "a section header has the byte-order magic {magic:#010x}"),
            Self::Strange => f.write_str("a record has an unusual length or time, and none follows it"),
            Self::BeyondEnd(length) => {
                write!(f, "a record claims {length} bytes, more than there are, and others begin within them")
            }
        }
    }
}

/// What an input is that is no capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It has no bytes.
    Empty,
    /// An archive or a compression that is not undone; its name.
    Archive(&'static str),
    /// An archive within an archive.
    Nested {
        /// The compression outside.
        outer: Compression,
        /// The compression inside.
        inner: Compression,
    },
    /// An archive from which not even the start of a capture can be unpacked.
    BrokenArchive(Compression),
    /// A capture in a format that is not read; its name.
    OtherCapture(&'static str),
    /// The header of a capture file, cut short.
    ShortHeader {
        /// The format.
        format: &'static str,
        /// Bytes that are there.
        available: usize,
        /// Bytes it needs.
        needed: usize,
    },
    /// Anything else, with its first bytes.
    Unknown {
        /// The first bytes; only `length` of them count.
        first: [u8; 4],
        /// How many there are.
        length: usize,
    },
}

/// What makes of any capture that Wireshark reads one that is read here.
const CONVERT: &str = "editcap -F pcapng OLD NEW.pcapng";

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::Archive(name) => write!(f, "it is a {name} archive, which is not unpacked here; unpack it first"),
            Self::Nested { outer, inner } => write!(
                f,
                "it is compressed with {}, and what is in it with {}; only one is unpacked, so unpack the outer one first",
                outer.name(),
                inner.name()
            ),
            Self::BrokenArchive(compression) => {
                write!(f, "its {} data is damaged or cut short before any capture begins in it", compression.name())
            }
            Self::OtherCapture(name) => {
                write!(f, "it is in the format {name}, which is not read here; convert it first: {CONVERT}")
            }
            Self::ShortHeader { format, available, needed } => {
                write!(f, "its {format} header is cut short, {available} of {needed} bytes are there")
            }
            Self::Unknown { first, length } => {
                f.write_str("it begins with the bytes")?;
                for byte in first.iter().take(*length) {
                    write!(f, " {byte:02x}")?;
                }
                write!(f, ", which no known format does; if Wireshark opens it, convert it first: {CONVERT}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_name_the_place_and_what_to_do() {
        let cut = Problem::Cut { offset: 24, available: 3, needed: 16 };
        assert_eq!(
            cut.to_string(),
            "the last record, at offset 24, is cut short: 3 of 16 bytes are there; everything before it was read"
        );
        let zip = Problem::NotACapture { found: Found::Archive("zip"), from_folder: false };
        assert_eq!(zip.to_string(), "not a capture: it is a zip archive, which is not unpacked here; unpack it first");
        assert_eq!(
            Found::OtherCapture("5Views").to_string(),
            "it is in the format 5Views, which is not read here; convert it first: editcap -F pcapng OLD NEW.pcapng"
        );
        let cut = Problem::Archive { compression: Compression::Gzip, offset: 77, reason: None };
        assert_eq!(
            cut.to_string(),
            "its gzip data is cut short, at offset 77 of the archive; everything before it was read"
        );
        let text = Found::Unknown { first: *b"ab\0\0", length: 2 };
        assert!(text.to_string().starts_with("it begins with the bytes 61 62, which"));
    }

    #[test]
    fn only_what_the_user_must_know_is_fatal() {
        assert!(!Problem::Cut { offset: 0, available: 1, needed: 2 }.is_fatal());
        assert!(!Problem::Archive { compression: Compression::Xz, offset: 0, reason: None }.is_fatal());
        assert!(Problem::Archive { compression: Compression::Xz, offset: 0, reason: Some(String::new()) }.is_fatal());
        let what = Damage::BlockLength(3);
        let besides = None;
        assert!(Problem::Damaged { offset: 0, what, places: 1, skipped: 3, resumed: true, besides }.is_fatal());
        assert!(Problem::Unreadable { offset: 0, reason: String::new() }.is_fatal());
        assert!(Problem::NotACapture { found: Found::Empty, from_folder: false }.is_fatal());
        assert!(!Problem::NotACapture { found: Found::Empty, from_folder: true }.is_fatal());
        assert!(!Problem::Replaced.is_fatal());
        let damaged = Problem::Damaged { offset: 0, what, places: 1, skipped: 3, resumed: true, besides: None };
        for (besides, is_fatal) in [(None, false), (Some(Box::new(damaged)), true)] {
            assert_eq!(Problem::Shrunk { available: 1, expected: 2, besides }.is_fatal(), is_fatal);
        }
    }
}
