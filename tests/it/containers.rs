//! Compressed captures: the same report as of what is in them, and what was whole before an archive ends or is damaged.

use std::fs;
use std::io::{Read, Write};

use crate::formats::packets;
use crate::support::captures::lab;
use crate::support::essence::without_form;
use crate::support::{Run, run_bytes};
use crate::traffic::link::Link;
use crate::traffic::pcap::{Layout, file};
use crate::traffic::pcapng;
use crate::traffic::vendors::{erf, netmon, snoop};

/// The compressions by their names in reports.
type Pack = fn(&[u8]) -> Vec<u8>;
const PACKS: [(&str, Pack); 5] = [("gzip", gzip), ("zstd", zstd), ("lz4", lz4), ("bzip2", bzip2), ("xz", xz)];

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let level = flate2::Compression::default();
    flate2::read::GzEncoder::new(bytes, level).read_to_end(&mut packed).expect("memory");
    packed
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).expect("memory")
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    bzip2::read::BzEncoder::new(bytes, bzip2::Compression::default()).read_to_end(&mut packed).expect("memory");
    packed
}

/// An xz stream of chunks that are stored as they are.
fn xz(bytes: &[u8]) -> Vec<u8> {
    let checked = |bytes: Vec<u8>| [&bytes[..], &crc32(&bytes).to_le_bytes()].concat();
    let padded = |mut bytes: Vec<u8>| {
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    let varint = |mut value: usize| {
        let mut digits = Vec::new();
        while value >= 0x80 {
            digits.push(u8::try_from(value & 0x7f).expect("seven bits") | 0x80);
            value >>= 7;
        }
        digits.push(u8::try_from(value).expect("seven bits"));
        digits
    };
    let flags = [0, 1];
    let mut chunks = Vec::new();
    for (index, chunk) in bytes.chunks(1 << 16).enumerate() {
        chunks.push(if index == 0 { 1 } else { 2 });
        chunks.extend(u16::try_from(chunk.len() - 1).expect("a chunk").to_be_bytes());
        chunks.extend_from_slice(chunk);
    }
    chunks.push(0);
    let block_header = checked(vec![2, 0, 0x21, 1, 0x16, 0, 0, 0]);
    let unpadded = block_header.len() + chunks.len() + 4;
    let index = checked(padded([vec![0, 1], varint(unpadded), varint(bytes.len())].concat()));
    let backward = u32::try_from(index.len() / 4 - 1).expect("a small index").to_le_bytes();
    let footer = [&backward[..], &flags].concat();
    [
        b"\xfd7zXZ\0".to_vec(),
        checked(flags.to_vec()),
        block_header,
        padded(chunks),
        crc32(bytes).to_le_bytes().to_vec(),
        index,
        crc32(&footer).to_le_bytes().to_vec(),
        footer,
        b"YZ".to_vec(),
    ]
    .concat()
}

/// The checksum of xz and Ethernet (IEEE 802.3), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

fn capture() -> Vec<u8> {
    fs::read(lab("refresh")).expect("a fixture")
}

fn is_fatal(run: &Run) -> bool {
    run.analysis.inputs[0].problem.as_ref().is_some_and(|problem| problem.is_fatal())
}

#[test]
fn every_compression_gives_the_report_of_what_is_in_it() {
    let capture = capture();
    let wanted = without_form(&run_bytes(capture.clone()).report);
    let (front, back) = capture.split_at(1_000);
    for (name, pack) in PACKS {
        for packed in [pack(&capture), [pack(front), pack(back)].concat()] {
            let run = run_bytes(packed);
            run.assert_conserved(name);
            assert_eq!(run.report["inputs"][0]["compression"], name);
            assert_eq!(run.report["inputs"][0]["complete"], true, "{name}: {:?}", run.analysis.inputs);
            assert_eq!(without_form(&run.report), wanted, "{name}");
        }
    }
}

/// What is in an archive may be in any format: it is recognised as outside of one.
#[test]
fn every_format_is_read_in_every_compression() {
    let packets = packets("refresh");
    let link = Link::Ethernet;
    let pcapng = pcapng::file(&packets).expect("memory");
    let pcap = file(Layout { nanoseconds: true, big_endian: true, ..Layout::usual(link) }, &packets).expect("memory");
    for (format, capture) in [
        ("pcap", pcap),
        ("pcapng", pcapng),
        ("snoop", snoop(&packets)),
        ("erf", erf(&packets, 1)),
        ("netmon", netmon(&packets, true, 3)),
    ] {
        let wanted = without_form(&run_bytes(capture.clone()).report);
        for (name, pack) in PACKS {
            let name = format!("{format} in {name}");
            let run = run_bytes(pack(&capture));
            run.assert_conserved(&name);
            assert_eq!(run.report["inputs"][0]["format"], format, "{name}");
            assert_eq!(without_form(&run.report), wanted, "{name}");
        }
    }
}

#[test]
fn frames_to_be_skipped_are_skipped() {
    let capture = capture();
    let wanted = without_form(&run_bytes(capture.clone()).report);
    let skipped = b"\x53\x2a\x4d\x18\x03\0\0\0abc".to_vec();
    let (front, back) = capture.split_at(1_000);
    for (name, pack) in [("zstd", zstd as Pack), ("lz4", lz4)] {
        let run = run_bytes([skipped.clone(), pack(front), skipped.clone(), pack(back), skipped.clone()].concat());
        assert_eq!(run.report["inputs"][0]["complete"], true, "{name}: {:?}", run.analysis.inputs);
        assert_eq!(without_form(&run.report), wanted, "{name}");
    }
}

#[test]
fn an_archive_in_an_archive_is_refused() {
    for (outer, pack) in PACKS {
        for (inner, pack_inner) in PACKS {
            let run = run_bytes(pack(&pack_inner(&capture())));
            let problem = run.report["inputs"][0]["problem"].as_str().unwrap_or_default();
            assert!(is_fatal(&run) && problem.contains(inner) && problem.contains(outer), "{problem}");
        }
    }
}

#[test]
fn an_archive_cut_anywhere_gives_what_could_be_unpacked() {
    let capture = capture();
    let whole = run_bytes(capture.clone()).report["inputs"][0]["frames"].as_u64();
    for (name, pack) in PACKS {
        let packed = pack(&capture);
        for cut in (0..packed.len()).step_by(7) {
            let run = run_bytes(packed[..cut].to_vec());
            run.assert_conserved(name);
            let input = &run.report["inputs"][0];
            assert_eq!(input["complete"], false, "{name} cut at {cut}: {input}");
            assert!(input["problem"].is_string() && input["frames"].as_u64() <= whole, "{name} cut at {cut}: {input}");
        }
    }
    // Deflate gives what it has, so that most of a gzip file survives its end.
    let packed = gzip(&capture);
    let run = run_bytes(packed[..packed.len() - 9].to_vec());
    assert!(run.report["inputs"][0]["frames"].as_u64() > Some(0) && !is_fatal(&run), "{:?}", run.analysis.inputs);
}

#[test]
fn a_damaged_archive_is_told_from_one_cut_short() {
    for (name, pack) in PACKS {
        let mut packed = pack(&capture());
        packed.extend(pack(&[7; 300]));
        let good = packed.len();
        packed.extend(b"no archive begins here, nor anywhere behind");
        let run = run_bytes(packed);
        let problem = run.report["inputs"][0]["problem"].as_str().unwrap_or_default();
        assert!(is_fatal(&run), "{name}, {good} good bytes: {problem}");
    }
}

/// What was written when the power failed: the rest of the file is zeros. And archives that unpack to nothing else.
#[test]
fn zeros_are_no_records() {
    let capture = capture();
    let frames = run_bytes(capture.clone()).report["inputs"][0]["frames"].clone();
    let zeros = [&capture[..], &vec![0; 8 << 20]].concat();
    for (name, pack) in [
        ("plain", (|bytes: &[u8]| bytes.to_vec()) as Pack),
        ("gzip", gzip),
        ("zstd", zstd),
        ("lz4", lz4),
        ("bzip2", bzip2),
    ] {
        let run = run_bytes(pack(&zeros));
        run.assert_conserved(name);
        assert!(is_fatal(&run), "{name}: {:?}", run.analysis.inputs);
        assert_eq!(run.report["inputs"][0]["frames"], frames, "{name}: {:?}", run.analysis.inputs);
    }
}
