//! The same calls over WebSocket: in frames of all kinds, compressed and not.

use std::net::SocketAddr;

use flate2::{Compress, Compression, FlushCompress};

use crate::support::essence::outcomes;
use crate::support::story::{Who, assert_told, story};
use crate::support::{Run, run_bytes};
use crate::traffic::link::Link;
use crate::traffic::packet::{MICROSECOND, Packet, Wire};
use crate::traffic::pcap::{Layout, file};
use crate::traffic::session::{Session, Side};

const REQUEST: &[u8] = b"GET /ws HTTP/1.1\r\nHost: sip.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: sip\r\n\
    Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

/// How messages become frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Form {
    /// Compressed, and whether messages refer back to earlier ones.
    compressed: Option<bool>,
    /// Bytes of a frame.
    piece: usize,
    /// Bytes of a segment.
    segment: usize,
}

const PLAIN: Form = Form { compressed: None, piece: usize::MAX, segment: usize::MAX };

fn frame(first: u8, payload: &[u8], masked: bool) -> Vec<u8> {
    let mask: &[u8] = if masked { &[0x37, 0xfa, 0x21, 0x3d] } else { &[] };
    let bit = if masked { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match u16::try_from(payload.len()).expect("short") {
        length @ 0..=125 => bytes.push(bit | u8::try_from(length).expect("small")),
        length => {
            bytes.push(bit | 126);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes.extend(mask);
    let key = if masked { mask } else { &[0] };
    bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

/// One end: what it compresses with.
struct End {
    compress: Compress,
    masked: bool,
}

impl End {
    fn new(masked: bool) -> Self {
        Self { compress: Compress::new(Compression::best(), false), masked }
    }

    fn frames(&mut self, form: Form, text: &[u8]) -> Vec<u8> {
        let packed = form.compressed.map(|refers_back| {
            if !refers_back {
                self.compress.reset();
            }
            let mut packed = Vec::with_capacity(text.len() + 100);
            self.compress.compress_vec(text, &mut packed, FlushCompress::Sync).expect("memory");
            packed.truncate(packed.len() - 4);
            packed
        });
        let payload = packed.as_deref().unwrap_or(text);
        let count = payload.chunks(form.piece).count();
        let frames = payload.chunks(form.piece).enumerate().map(|(at, piece)| {
            let first = if at == 0 { 1 | if packed.is_some() { 0x40 } else { 0 } } else { 0 };
            let last = if at + 1 == count { 0x80 } else { 0 };
            // A ping may stand between the frames of a message.
            let ping = if at == 1 { frame(0x89, b"there?", self.masked) } else { Vec::new() };
            [ping, frame(first | last, piece, self.masked)].concat()
        });
        frames.flatten().collect()
    }
}

fn told_by(form: Form) -> Vec<Packet> {
    behind(b"", form)
}

/// The story, with something in front of the upgrade.
fn behind(header: &[u8], form: Form) -> Vec<Packet> {
    let (client, server): (SocketAddr, SocketAddr) =
        ("192.0.2.10:40000".parse().expect("an address"), "192.0.2.11:80".parse().expect("an address"));
    let mut session = Session::new(client, server, 7, 9);
    let mut wire = Wire::new(Link::Ethernet);
    let story = story("WS");
    let start = story[0].time - 100 * MICROSECOND;
    let mut packets: Vec<Packet> = session.opening().iter().map(|segment| wire.tcp(start, segment)).collect();
    let mut ends = [End::new(true), End::new(false)];
    let mut send = |time: u64, side: Side, bytes: &[u8]| {
        let cuts: Vec<usize> = (1..bytes.len()).filter(|at| at % form.segment == 0).collect();
        packets.extend(session.data_cut(side, bytes, &cuts).iter().map(|segment| wire.tcp(time, segment)));
    };
    send(start, Side::Client, &[header, REQUEST].concat());
    send(start, Side::Server, ANSWER);
    for said in story {
        let side = if said.by == Who::Phone { Side::Client } else { Side::Server };
        send(said.time, side, &ends[usize::from(said.by == Who::Server)].frames(form, &said.text));
    }
    packets
}

fn run(name: &str, packets: &[Packet]) -> Run {
    let run = run_bytes(file(Layout::usual(Link::Ethernet), packets).expect("memory"));
    run.assert_conserved(name);
    run
}

#[test]
fn the_same_calls_give_the_same_results_however_frames_are_made() {
    let plain = outcomes(&run("plain", &told_by(PLAIN)).report);
    for compressed in [None, Some(false), Some(true)] {
        for (piece, segment) in [(usize::MAX, usize::MAX), (50, usize::MAX), (usize::MAX, 90), (33, 41)] {
            let form = Form { compressed, piece, segment };
            let name = format!("{form:?}");
            let report = run(&name, &told_by(form)).report;
            assert_told(&report, &name);
            assert_eq!(outcomes(&report), plain, "{name}");
            assert_eq!(report["redirects"][0]["client"]["transport"], "ws", "{name}");
            let counted = if compressed.is_some() { story("WS").len() } else { 0 };
            assert_eq!(report["capture_quality"]["tcp"]["websocket_messages_compressed"], counted, "{name}");
            assert_eq!(report["capture_quality"]["tcp"]["websocket_messages_unreadable"], 0, "{name}");
        }
    }
}

#[test]
fn a_load_balancer_in_front_of_the_upgrade_changes_nothing() {
    let plain = outcomes(&run("plain", &told_by(PLAIN)).report);
    let second = [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", &[9; 12][..]].concat();
    for header in [&b"PROXY TCP4 203.0.113.7 192.0.2.11 56324 80\r\n"[..], &second] {
        for segment in [usize::MAX, 41] {
            let name = format!("{header:?} in segments of {segment}");
            let form = Form { compressed: Some(true), segment, ..PLAIN };
            let report = run(&name, &behind(header, form)).report;
            assert_told(&report, &name);
            assert_eq!(outcomes(&report), plain, "{name}");
            assert_eq!(report["capture_quality"]["tcp"]["proxy_headers"], 1, "{name}");
        }
    }
}

#[test]
fn a_capture_that_begins_within_a_compressed_connection() {
    // Messages that refer to nothing before are read, and show what the connection is.
    for start in [5, 9, 12] {
        let packets = &told_by(Form { compressed: Some(false), ..PLAIN })[start..];
        let run = run("from the middle on", packets);
        assert_eq!(run.messages(), packets.len() as u64, "from frame {start} on");
    }
    // Of those that do, the ones behind a loss cannot be read: they are counted.
    let mut packets = told_by(Form { compressed: Some(true), ..PLAIN });
    packets.remove(7);
    let report = run("a loss", &packets).report;
    let unread = report["capture_quality"]["tcp"]["websocket_messages_unreadable"].as_u64().expect("a number");
    let read = report["summary"]["sip_messages"].as_u64().expect("a number");
    let skipped = report["capture_quality"]["tcp"]["websocket_bytes_skipped"].as_u64().expect("a number");
    assert!(read >= 5 && (unread > 0 || skipped > 0), "{read} read, {unread} not, {skipped} bytes skipped");
}
