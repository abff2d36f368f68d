//! What is known of an input: its counts, and what was wrong with it.

use std::path::PathBuf;

use super::compression::Compression;
use super::format::{Format, Record};
use super::problem::Problem;
use crate::limits::MAX_LISTED_LINK_TYPES;
use crate::net::LinkType;
use crate::time::Timestamp;

/// What is known of an input once it has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputInfo {
    /// The input as it was named or found in its folder; `-` is standard input.
    pub path: PathBuf,
    /// Its format; `None` if it is no capture or could not be opened.
    pub format: Option<Format>,
    /// The compression around it.
    pub compression: Option<Compression>,
    /// Bytes of the file as it lies there, if it is a regular one.
    pub size_bytes: Option<u64>,
    /// Bytes of whole records (and of the file header) that were read, unpacked.
    pub bytes_read: u64,
    /// Frames that were read.
    pub frames: u64,
    /// The earliest time of a frame.
    pub first_time: Option<Timestamp>,
    /// The latest time of a frame.
    pub last_time: Option<Timestamp>,
    /// Digits of the second's fraction in the most precise of its times, 0 to 9.
    pub digits: u8,
    /// Link types of its frames in the order of first use, [`LinkType::NO_INTERFACE`] included; at most
    /// [`MAX_LISTED_LINK_TYPES`].
    pub link_types: Vec<LinkType>,
    /// Whether the input was read to its end and the last record is whole.
    pub complete: bool,
    /// What was wrong with it.
    pub problem: Option<Problem>,
}

impl InputInfo {
    /// An input of which nothing is known yet.
    pub(super) fn new(path: PathBuf, size_bytes: Option<u64>) -> Self {
        Self {
            path,
            format: None,
            compression: None,
            size_bytes,
            bytes_read: 0,
            frames: 0,
            first_time: None,
            last_time: None,
            digits: 0,
            link_types: Vec::new(),
            complete: false,
            problem: None,
        }
    }
}

/// Counts of one input while it is read. Frames are not among them: their numbers count them.
#[derive(Debug)]
pub(super) struct Tally {
    /// Earliest and latest time; the first is the greater one while there is none.
    first_time: Timestamp,
    last_time: Timestamp,
    digits: u8,
    link_types: Vec<LinkType>,
    /// Link type and digits of the last frame, so that most frames need no look at the list.
    last: (LinkType, u8),
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            first_time: Timestamp::from_nanos(i64::MAX),
            last_time: Timestamp::MIN,
            digits: 0,
            link_types: Vec::new(),
            last: (LinkType::NO_PACKET, 0),
        }
    }
}

impl Tally {
    /// Counts a frame.
    #[inline]
    pub(super) fn frame(&mut self, record: &Record<'_>) {
        if let Some(time) = record.time {
            self.first_time = self.first_time.min(time);
            self.last_time = self.last_time.max(time);
        }
        if self.last != (record.link, record.digits) {
            self.kind(record.link, record.digits);
        }
    }

    #[cold]
    fn kind(&mut self, link: LinkType, digits: u8) {
        self.last = (link, digits);
        self.digits = self.digits.max(digits);
        let listed = link == LinkType::NO_PACKET || self.link_types.contains(&link);
        if !listed && self.link_types.len() < MAX_LISTED_LINK_TYPES {
            self.link_types.push(link);
        }
    }

    /// Digits of the second's fraction in the most precise of its times so far.
    pub(super) const fn digits(&self) -> u8 {
        self.digits
    }

    /// Writes the counts down.
    pub(super) fn describe(&self, info: &mut InputInfo) {
        let timed = self.first_time <= self.last_time;
        info.first_time = timed.then_some(self.first_time);
        info.last_time = timed.then_some(self.last_time);
        info.digits = self.digits;
        info.link_types.clone_from(&self.link_types);
    }
}
