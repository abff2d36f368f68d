use std::io;

use proptest::prelude::*;

use super::*;
use crate::capture::testing::{Pcap, Pcapng};
use crate::capture::{Damage, Frame};
use crate::limits::MAX_RECORD_BYTES;

/// Gives bytes in pieces of changing size, with interruptions, and fails at the end if told to.
struct Trickle {
    bytes: Vec<u8>,
    position: usize,
    turn: usize,
    fails: bool,
}

impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.turn += 1;
        if self.turn.is_multiple_of(3) {
            return Err(ErrorKind::Interrupted.into());
        }
        let rest = &self.bytes[self.position..];
        if rest.is_empty() && self.fails {
            return Err(io::Error::other("the disk is gone"));
        }
        let count = rest.len().min(buffer.len()).min(1 + self.turn * 7 % 50);
        buffer[..count].copy_from_slice(&rest[..count]);
        self.position += count;
        Ok(count)
    }
}

fn trickle(bytes: &[u8]) -> Trickle {
    Trickle { bytes: bytes.to_vec(), position: 0, turn: 0, fails: false }
}

/// All there is to a frame, owned.
#[derive(Debug, PartialEq)]
struct Row {
    number: u64,
    times: (Timestamp, Timestamp),
    link: LinkType,
    wire_len: u32,
    bytes: Vec<u8>,
    offset: u64,
}

impl From<Frame<'_>> for Row {
    fn from(frame: Frame<'_>) -> Self {
        Self {
            number: frame.number,
            times: (frame.time, frame.watermark),
            link: frame.link,
            wire_len: frame.wire_len,
            bytes: frame.bytes.to_vec(),
            offset: frame.offset,
        }
    }
}

fn read(stream: Trickle, size: usize, look: bool) -> (Vec<Row>, InputInfo, usize) {
    let mut info = InputInfo::new("test".into(), None);
    let mut reader = match Reader::open(Box::new(stream)) {
        Ok(reader) => reader,
        Err(problem) => {
            info.problem = Some(problem);
            return (Vec::new(), info, 0);
        }
    };
    let first = if look { reader.look() } else { None };
    reader.begin(Place::default(), Watermark::new(), false);
    let (mut rows, mut windows, mut buffer) = (Vec::new(), 0, Vec::new());
    while let Some(window) = reader.next_window(size, buffer) {
        let frames: Vec<Frame<'_>> = window.frames().collect();
        assert_eq!(frames.len() as u64, window.frame_count);
        if let (Some(first), Some(last)) = (frames.first(), frames.last()) {
            assert_eq!((window.first_frame, window.low, window.high), (first.number, first.watermark, last.watermark));
            windows += 1;
        }
        rows.extend(frames.into_iter().map(Row::from));
        buffer = window.into_buffer();
    }
    reader.describe(&mut info);
    assert_eq!(info.frames, rows.len() as u64);
    if look {
        assert_eq!(first, rows.first().map(|row| (row.times.0, row.link)));
    }
    (rows, info, windows)
}

fn nanos(nanos: i64) -> Timestamp {
    Timestamp::from_nanos(nanos)
}

/// Two sections in different orders, all kinds of packet blocks, blocks between, and payloads that hold capture records.
fn mixed() -> Vec<u8> {
    let inner = Pcapng::new(false).interface(1, 0, &[]).enhanced(0, 9, 3, b"bad").bytes();
    let nanoseconds = [&9_u16.to_be_bytes()[..], &1_u16.to_be_bytes(), &[9, 0, 0, 0]].concat();
    let mut first = Pcapng::new(true).interface(1, 64, &nanoseconds).interface(101, 0, &[]);
    for stamp in 0..12_u32 {
        let data = vec![0xab; usize::try_from(stamp).unwrap() * 5];
        first = first
            .enhanced(stamp % 3, 1_000 + u64::from(stamp) * 3, 200, &data)
            .block(4, b"name")
            .simple(9, b"simpleton");
    }
    let second = Pcapng::new(false)
        .enhanced(0, 1, 1, b"none")
        .interface(113, 0, &[])
        .obsolete(0, 77, 5, &inner)
        .block(9, b"journal")
        .enhanced(0, 99, 5, &inner);
    [first.bytes(), second.bytes()].concat()
}

fn plain() -> Vec<u8> {
    let inner = Pcap::new(1).record(nanos(3), 3, b"bad").bytes();
    (0..40_u8)
        .fold(Pcap::new(1), |file, index| {
            let data = if index % 5 == 0 { inner.clone() } else { vec![index; usize::from(index)] };
            file.record(nanos(1_000_000_000 + i64::from(index ^ 3)), 90, &data)
        })
        .bytes()
}

#[test]
fn window_size_changes_nothing_about_the_frames() {
    for (file, frames) in [(plain(), 40), (mixed(), 28)] {
        let (expected, info, windows) = read(trickle(&file), 1 << 20, false);
        assert_eq!((expected.len(), windows), (frames, 1));
        assert_eq!((info.complete, info.problem.clone(), info.bytes_read), (true, None, file.len() as u64));
        for row in &expected {
            let start = usize::try_from(row.offset).unwrap();
            assert_eq!(&file[start..start + row.bytes.len()], row.bytes);
        }
        for size in 1..200 {
            for look in [false, true] {
                let (rows, described, windows) = read(trickle(&file), size, look);
                assert_eq!(rows, expected, "windows of {size}");
                assert_eq!(described, info);
                assert!(look || size > 16 || windows == frames, "{windows} windows of {size}");
            }
        }
    }
}

#[test]
fn a_file_cut_anywhere_gives_what_is_whole_and_says_where_it_was_cut() {
    for file in [plain(), mixed()] {
        let (expected, ..) = read(trickle(&file), 1 << 20, false);
        for cut in 0..file.len() {
            let (rows, info, _) = read(trickle(&file[..cut]), 64, cut % 2 == 0);
            assert_eq!(rows[..], expected[..rows.len()], "cut at {cut}");
            match info.problem {
                None => assert!(info.complete && info.bytes_read == cut as u64),
                Some(Problem::Cut { offset, available, needed }) => {
                    assert!(!info.complete && info.bytes_read == offset);
                    assert_eq!(offset + available, cut as u64);
                    assert!(available < needed);
                }
                Some(Problem::NotACapture { .. }) => assert!(cut < 28),
                other => panic!("cut at {cut}: {other:?}"),
            }
        }
    }
}

#[test]
fn header_only_files_are_captures() {
    for file in [Pcap::new(1).bytes(), Pcapng::new(false).bytes(), Pcapng::new(true).interface(1, 0, &[]).bytes()] {
        let (rows, info, _) = read(trickle(&file), 64, true);
        assert_eq!((rows.len(), info.complete, info.problem, info.digits), (0, true, None, 0));
    }
}

#[test]
fn records_far_larger_than_a_window_are_read() {
    let huge = vec![7; MAX_RECORD_BYTES as usize];
    let after = (2..40_000).fold(Pcap::new(1).record(nanos(1), 0, &huge), |file, n| file.record(nanos(n), 0, b"after"));
    let file = after.bytes();
    let mut reader = Reader::open(Box::new(io::Cursor::new(file))).map_err(|problem| problem.to_string()).unwrap();
    let window = reader.next_window(64, Vec::new()).unwrap();
    assert_eq!(window.frame_count, 0, "so large a record must be confirmed");
    let window = reader.next_window(64, window.into_buffer()).unwrap();
    let lengths: Vec<_> = window.frames().map(|frame| frame.bytes.len()).collect();
    assert_eq!(lengths, [huge.len()]);
    let window = reader.next_window(64, window.into_buffer()).unwrap();
    assert_eq!(window.frames().next().map(|frame| frame.bytes), Some(&b"after"[..]));
    assert!(window.into_buffer().capacity() < 1_000, "a buffer that was large once does not stay so");
}

#[test]
fn damage_is_placed_and_what_is_around_it_is_kept() {
    let good = plain();
    let header = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0, 0, 0, 0];
    let what = Damage::RecordLength(0xff00_0000);
    let (expected, ..) = read(trickle(&good), 1 << 20, false);
    for (rest, resumed) in [(&good[24..], true), (&[0x55; 30_000], false)] {
        let bad = [&good[..], &header, rest].concat();
        let skipped = if resumed { 16 } else { 30_016 };
        for size in [1, 50, 5_000] {
            let (rows, info, _) = read(trickle(&bad), size, false);
            assert_eq!(rows[..40], expected);
            assert_eq!(rows.len(), if resumed { 80 } else { 40 });
            let problem =
                Problem::Damaged { offset: good.len() as u64, what, places: 1, skipped, resumed, besides: None };
            assert_eq!(info.problem, Some(problem));
            assert_eq!(info.bytes_read, bad.len() as u64 - skipped);
            assert!(!info.complete);
        }
    }
}

#[test]
fn a_failing_disk_loses_nothing_that_was_read() {
    let file = plain();
    for cut in [24, 500, file.len() - 1, file.len()] {
        let (expected, ..) = read(trickle(&file[..cut]), 1 << 20, false);
        let (rows, info, _) = read(Trickle { fails: true, ..trickle(&file[..cut]) }, 100, false);
        assert_eq!(rows, expected);
        assert!(!info.complete);
        let reason = "the disk is gone".to_owned();
        assert_eq!(info.problem, Some(Problem::Unreadable { offset: cut as u64, reason }));
    }
}

#[test]
fn what_is_counted_of_an_input() {
    let (rows, info, _) = read(trickle(&mixed()), 64, false);
    assert_eq!(info.digits, 9);
    let links = [LinkType::numbered(1), LinkType::numbered(101), LinkType::NO_INTERFACE, LinkType::numbered(113)];
    assert_eq!(info.link_types, links);
    assert_eq!(info.first_time, Some(nanos(1_000)));
    assert_eq!(info.last_time, rows.iter().map(|row| row.times.0).max());
    assert_eq!(rows.iter().filter(|row| row.link == LinkType::NO_PACKET).count(), 1);
}

#[test]
fn frames_without_time_have_that_of_the_frame_before() {
    let file = Pcapng::new(false)
        .interface(1, 0, &[])
        .simple(1, b"a")
        .enhanced(0, 5, 1, b"b")
        .simple(1, b"c")
        .block(9, b"journal")
        .bytes();
    for size in [1, 1_000] {
        let (rows, ..) = read(trickle(&file), size, false);
        let times: Vec<_> = rows.iter().map(|row| row.times.0.nanos()).collect();
        assert_eq!(times, [0, 5_000, 5_000, 5_000]);
    }
}

proptest! {
    #[test]
    fn any_bytes_end_without_panic_and_alike_for_any_window(
        which in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        size in 1_usize..300,
    ) {
        let mut file = if which { mixed() } else { plain() };
        for (at, value) in changes {
            let at = at.index(file.len());
            file[at] = value;
        }
        let (rows, info, _) = read(trickle(&file), size, false);
        let (expected, expected_info, _) = read(trickle(&file), 1 << 20, true);
        prop_assert_eq!(rows, expected);
        prop_assert_eq!(info, expected_info);
    }
}
