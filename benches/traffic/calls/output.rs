//! Frames on their way to the file: sorted by time, repeated by a mirror port now and then.

use super::super::link::Link;
use super::super::packet::MICROSECOND;
use super::super::pcap::{Layout, PcapWriter};
use super::super::pcapng::{Interface, PcapngWriter};
use super::options::Format;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write};

/// A capture file of either format.
#[derive(Debug)]
enum File<W> {
    Pcap(PcapWriter<W>),
    Pcapng(PcapngWriter<W>),
}

/// A frame that waits for its time.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    time: u64,
    order: u64,
    bytes: Vec<u8>,
}

/// Sorts frames and writes them.
///
/// Invariant: no frame is added at a time before the last one given to [`Output::write_before`].
#[derive(Debug)]
pub struct Output<W> {
    file: File<W>,
    waiting: BinaryHeap<Reverse<Waiting>>,
    spare: Vec<Vec<u8>>,
    order: u64,
    frames: u64,
    bytes: u64,
    latest: u64,
}

impl<W: Write> Output<W> {
    /// Begins a file.
    pub fn new(out: W, format: Format, link: Link) -> io::Result<Self> {
        let file = match format {
            Format::Pcap => File::Pcap(PcapWriter::new(out, Layout::usual(link))?),
            Format::Pcapng => {
                let mut writer = PcapngWriter::new(out);
                writer.section(false)?;
                writer.interface(Interface { resolution: Some(9), ..Interface::usual(link) })?;
                File::Pcapng(writer)
            }
        };
        let (waiting, spare) = (BinaryHeap::new(), Vec::new());
        Ok(Self { file, waiting, spare, order: 0, frames: 0, bytes: 0, latest: 0 })
    }

    /// An empty buffer for a frame.
    pub fn buffer(&mut self) -> Vec<u8> {
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.clear();
        buffer
    }

    /// Takes back a buffer that is not needed any more.
    pub fn give_back(&mut self, buffer: Vec<u8>) {
        self.spare.push(buffer);
    }

    /// Takes a frame to be written at a time, which is cut to whole microseconds.
    pub fn add(&mut self, time: u64, bytes: Vec<u8>) {
        let time = time - time % MICROSECOND;
        self.latest = self.latest.max(time);
        self.order = self.order.wrapping_add(1);
        self.waiting.push(Reverse(Waiting { time, order: self.order, bytes }));
    }

    /// Writes all frames before a time.
    pub fn write_before(&mut self, time: u64) -> io::Result<()> {
        while self.waiting.peek().is_some_and(|Reverse(first)| first.time < time) {
            self.write_first()?;
        }
        Ok(())
    }

    /// Writes what is left and ends the file.
    pub fn finish(&mut self) -> io::Result<()> {
        while !self.waiting.is_empty() {
            self.write_first()?;
        }
        Ok(())
    }

    /// Ends the file and gives back where it was written to.
    pub fn into_inner(self) -> io::Result<W> {
        match self.file {
            File::Pcap(writer) => writer.finish(),
            File::Pcapng(writer) => writer.finish(),
        }
    }

    /// Frames written so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Bytes of frames, with their record headers, written so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The time of the last frame there is so far, written or not.
    pub fn latest(&self) -> u64 {
        self.latest
    }

    fn write_first(&mut self) -> io::Result<()> {
        let Some(Reverse(first)) = self.waiting.pop() else { return Ok(()) };
        let length = u32::try_from(first.bytes.len()).unwrap_or(u32::MAX);
        let overhead = match &mut self.file {
            File::Pcap(writer) => {
                writer.record(first.time, length, &first.bytes)?;
                16
            }
            File::Pcapng(writer) => {
                writer.enhanced(0, first.time, length, &first.bytes)?;
                32
            }
        };
        self.frames += 1;
        self.bytes += u64::from(length) + overhead;
        self.spare.push(first.bytes);
        Ok(())
    }
}
