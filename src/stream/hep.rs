//! One direction of a connection on which a capture agent sends what it saw: from bytes in order to packets of HEP version 3.
//!
//! What is in a packet is not known here.

use std::ops::AddAssign;

use memchr::memmem;

use super::Verdict;

/// How a packet begins; its length follows, with this (section 3 of the specification of HEP).
const MAGIC: &[u8] = b"HEP3";
const HEADER_LEN: usize = 6;
/// Vendor, type and length of a chunk.
const CHUNK_HEADER_LEN: usize = 6;
/// Bytes that suffice to know a packet.
const SHOWN_LEN: usize = HEADER_LEN + CHUNK_HEADER_LEN;

/// Reads one direction.
///
/// Every byte that comes in is counted once, unless it is still held: [`HepStats::conserves`].
#[derive(Debug)]
pub struct HepStream {
    /// A packet begins where what is held begins.
    framed: bool,
    /// The bytes that are no whole packet yet; at most one packet.
    held: Vec<u8>,
    verdict: Verdict,
    stats: HepStats,
}

/// What one direction counted, or many together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HepStats {
    /// Bytes that came in.
    pub bytes: u64,
    /// Whole packets.
    pub packets: u64,
    /// Bytes of those packets.
    pub packet_bytes: u64,
    /// Bytes that are part of no whole packet.
    pub skipped_bytes: u64,
    /// Times when something stood where a packet must be that is none.
    pub framing_lost: u64,
    /// Times when a packet was found again.
    pub resyncs: u64,
}

/// What bytes begin with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beginning {
    /// A packet of so many bytes.
    Packet(usize),
    /// Too few bytes to know.
    Open,
    Other,
}

impl HepStream {
    /// Opens a direction if `bytes`, the first that come or the first after nothing was recognised, show a packet, or may begin one.
    pub fn open(bytes: &[u8]) -> Option<Self> {
        let framed = !bytes.is_empty() && beginning(bytes) != Beginning::Other;
        let shows_packet = || find(bytes).is_some_and(|start| bytes.len() >= start + SHOWN_LEN);
        if !framed && !shows_packet() {
            return None;
        }
        Some(Self { framed, held: Vec::new(), verdict: Verdict::Undecided, stats: HepStats::default() })
    }

    /// Takes the next bytes, and gives `sink` each packet that is whole: a part of `bytes` if it lies within them.
    pub fn data(&mut self, bytes: &[u8], sink: &mut dyn FnMut(&[u8])) {
        self.stats.bytes += count(bytes.len());
        if self.held.is_empty() {
            let taken = self.take(bytes, sink);
            self.held.extend_from_slice(bytes.get(taken..).unwrap_or_default());
        } else {
            let mut held = std::mem::take(&mut self.held);
            held.extend_from_slice(bytes);
            let taken = self.take(&held, sink);
            held.drain(..taken);
            self.held = held;
        }
    }

    /// Learns that bytes are lost: the packet in work, and the place of the next one.
    pub fn gap(&mut self) {
        self.finish();
        self.framed = false;
    }

    /// Learns that the stream is over, or that another begins.
    pub fn finish(&mut self) {
        self.stats.skipped_bytes += count(self.held.len());
        self.held = Vec::new();
    }

    /// What the bytes so far say.
    pub const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Memory that it takes, in bytes.
    pub fn memory(&self) -> usize {
        self.held.capacity()
    }

    /// What was counted so far.
    pub const fn stats(&self) -> &HepStats {
        &self.stats
    }

    /// The bytes so far, if they turned out to begin no packet; for another reader.
    pub fn into_refused(mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    /// Takes what can be taken, and gives how many bytes that were.
    fn take(&mut self, bytes: &[u8], sink: &mut dyn FnMut(&[u8])) -> usize {
        let mut taken = 0;
        while let Some(rest @ [_, ..]) = bytes.get(taken..) {
            if !self.framed {
                let start = find(rest).unwrap_or(rest.len());
                self.stats.skipped_bytes += count(start);
                taken += start;
                if rest.len() - start < SHOWN_LEN {
                    break;
                }
                self.stats.resyncs += 1;
                self.framed = true;
                continue;
            }
            match beginning(rest) {
                Beginning::Packet(length) => {
                    let Some(packet) = rest.get(..length) else { break };
                    self.verdict = Verdict::Ours;
                    self.stats.packets += 1;
                    self.stats.packet_bytes += count(length);
                    sink(packet);
                    taken += length;
                }
                Beginning::Open => break,
                Beginning::Other if self.verdict == Verdict::Undecided => {
                    self.verdict = Verdict::NotOurs;
                    break;
                }
                Beginning::Other => {
                    self.stats.framing_lost += 1;
                    self.framed = false;
                }
            }
        }
        taken
    }
}

/// Where the first packet begins that shows in bytes, or may begin at their end.
fn find(bytes: &[u8]) -> Option<usize> {
    let whole = memmem::find_iter(bytes, MAGIC);
    let shown =
        whole.into_iter().find(|start| bytes.get(*start..).is_some_and(|rest| beginning(rest) != Beginning::Other));
    shown.or_else(|| {
        let last = bytes.len().saturating_sub(MAGIC.len() - 1);
        (last..bytes.len()).find(|start| bytes.get(*start..).is_some_and(|rest| MAGIC.starts_with(rest)))
    })
}

/// Looks at the header of a packet and that of its first chunk.
fn beginning(bytes: &[u8]) -> Beginning {
    let seen = bytes.len().min(MAGIC.len());
    if bytes.get(..seen) != MAGIC.get(..seen) {
        return Beginning::Other;
    }
    let (Some(total), Some(chunk)) = (u16_at(bytes, MAGIC.len()), u16_at(bytes, HEADER_LEN + 4)) else {
        return Beginning::Open;
    };
    let fits = chunk >= CHUNK_HEADER_LEN && HEADER_LEN + chunk <= total;
    if fits { Beginning::Packet(total) } else { Beginning::Other }
}

fn u16_at(bytes: &[u8], start: usize) -> Option<usize> {
    bytes.get(start..)?.first_chunk().map(|bytes| usize::from(u16::from_be_bytes(*bytes)))
}

const fn count(length: usize) -> u64 {
    length as u64
}

impl HepStats {
    /// Whether every byte is accounted for, when `pending` are still held.
    pub const fn conserves(&self, pending: u64) -> bool {
        self.bytes == self.packet_bytes + self.skipped_bytes + pending
    }
}

impl AddAssign<&Self> for HepStats {
    fn add_assign(&mut self, other: &Self) {
        self.bytes += other.bytes;
        self.packets += other.packets;
        self.packet_bytes += other.packet_bytes;
        self.skipped_bytes += other.skipped_bytes;
        self.framing_lost += other.framing_lost;
        self.resyncs += other.resyncs;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(number: u8) -> Vec<u8> {
        let content = vec![number; usize::from(number)];
        let length = |more: usize| u16::try_from(content.len() + more).unwrap().to_be_bytes();
        [MAGIC, &length(12), &[0, 0, 0, 15], &length(6), &content].concat()
    }

    fn read(stream: &mut HepStream, bytes: &[u8]) -> Vec<u8> {
        let mut numbers = Vec::new();
        stream.data(bytes, &mut |packet| numbers.push(packet[12]));
        assert!(stream.stats.conserves(count(stream.held.len())), "{:?}", stream.stats);
        numbers
    }

    #[test]
    fn packets_are_cut_anywhere() {
        let bytes = [packet(3), packet(30), packet(9)].concat();
        for first in 1..bytes.len() {
            for second in [first, (first + bytes.len()) / 2] {
                let mut stream = HepStream::open(&bytes[..first]).unwrap();
                let parts = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                let numbers: Vec<u8> = parts.iter().flat_map(|part| read(&mut stream, part)).collect();
                assert_eq!(numbers, [3, 30, 9], "cut at {first} and {second}");
                assert_eq!(stream.verdict(), Verdict::Ours);
            }
        }
    }

    #[test]
    fn packets_are_found_again_behind_a_gap_and_in_the_middle() {
        let bytes = [packet(3), packet(30), packet(9), packet(7)].concat();
        let second = packet(3).len();
        for start in second + 1..second + packet(30).len() {
            let mut stream = HepStream::open(&bytes[start..]).unwrap();
            assert_eq!(read(&mut stream, &bytes[start..]), [9, 7], "from {start} on");
            assert_eq!(stream.stats.resyncs, 1);
            let mut stream = HepStream::open(&bytes).unwrap();
            assert_eq!(read(&mut stream, &bytes[..start]), [3]);
            stream.gap();
            // Cut where the next packet begins, and around it.
            let (before, behind) = bytes[start..].split_at((second + packet(30).len() + 2 - start).min(20));
            assert_eq!([read(&mut stream, before), read(&mut stream, behind)].concat(), [9, 7], "gap at {start}");
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        for bytes in [&b"HEP4"[..], b"INVITE sip:a SIP/2.0\r\n", b"", b"HEP3\0\x01\0\0\0\x01\0\x09", b"x HEP3"] {
            assert!(HepStream::open(bytes).is_none(), "{bytes:?}");
        }
        let mut stream = HepStream::open(b"HE").unwrap();
        read(&mut stream, b"HE");
        read(&mut stream, b"LLO sip:a SIP/2.0\r\n");
        assert_eq!(stream.verdict(), Verdict::NotOurs);
        assert_eq!(stream.into_refused(), b"HELLO sip:a SIP/2.0\r\n");
    }
}
