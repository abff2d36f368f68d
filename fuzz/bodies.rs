//! What the fuzz targets do with bytes, as functions: targets call them with what the fuzzer makes up, ordinary tests with the seeds.
//!
//! A body panics if a promise is broken: an answer that contradicts another, a count that does not add up, bytes out that depend
//! on threads or windows. That nothing else panics is what the fuzzer finds out by itself.

use std::io::Cursor;
use std::path::PathBuf;
use std::sync::LazyLock;

use rayon::{ThreadPool, ThreadPoolBuilder};
use reinvite::analysis::Analysis;
use reinvite::capture::{CaptureOptions, Feeder};
use reinvite::decode::{Decoded, decode, link::LINKS};
use reinvite::extent::Extent;
use reinvite::net::LinkType;
use reinvite::options::{DialogsListed, Options};
use reinvite::report::{Spacing, View, by_name};
use reinvite::sip::{
    Anomaly, CSeq, Contact, Event, Framed, Framer, HEADERS, HeaderName, ListValues, Message, MinSe, NameAddr, Params,
    RAck, Reason, Replaces, RetryAfter, Sdp, SessionExpires, SessionId, StartLine, Uri, Via, Warning, looks_like_sip,
    to_text, unquote,
};
use reinvite::stream::WebSocket;

/// A target: its name, which is that of its folder of seeds, and what it does.
pub type Body = (&'static str, fn(&[u8]));

/// All targets.
pub const BODIES: &[Body] = &[
    ("message", message),
    ("uri", uri),
    ("header", header),
    ("sdp", sdp),
    ("framer", framer),
    ("frame", frame),
    ("hep", hep),
    ("websocket", websocket),
    ("fragments", fragments),
    ("segments", segments),
    ("sctp", sctp),
    ("file", file),
    ("differential", differential),
];

/// A message that is all of a datagram, or its first part.
pub fn message(bytes: &[u8]) {
    for cut in [false, true] {
        let read = |bytes| if cut { Message::parse_cut(bytes) } else { Message::parse(bytes) };
        let Ok(message) = read(bytes) else { continue };
        assert!(looks_like_sip(bytes), "a message that does not look like one");
        let raw = message.raw();
        assert!(message.leading_octets() + raw.len() <= bytes.len());
        assert!(raw.ends_with(message.body));
        for (_, offset) in message.anomalies() {
            assert!(*offset as usize <= raw.len(), "an anomaly behind the message");
        }
        let mut before = 0;
        for header in message.headers() {
            assert!(header.offset as usize >= before && raw[header.offset as usize..].starts_with(header.raw_name));
            assert_eq!(header.name, HeaderName::of(header.raw_name), "a name that is read in two ways");
            before = header.offset as usize;
        }
        for row in HEADERS {
            assert!(message.values(row.name).count() <= raw.len() + message.all(row.name).count());
        }
        let _ = message.contacts();
        let _ = (message.vias().count(), message.first_contact(), message.session_expires(), message.min_se());
        let _ = (message.expires(), message.content_length(), message.max_forwards(), message.request_uri());
        let _ = (message.reasons().count(), message.warnings().count(), message.diversions().count());
        let _ = (message.history().count(), message.session_id(), message.replaces(), message.event());
        let _ = (message.rack(), message.rseq(), message.retry_after(), message.dispositions().count());
        if let Some(Ok(found)) = message.sdp() {
            let _ = found.media().count();
        }
        if let StartLine::Request { uri, .. } = message.start_line {
            assert_eq!(message.request_uri(), Some(Uri::parse(uri)));
        }
        // What was read is read again in the same way: nothing behind the message counts. Where the head is cut, its last line does.
        let lacks_blank_line = message.anomalies().iter().any(|(found, _)| *found == Anomaly::BlankLineMissing);
        let is_cut = message.is_head_cut() || lacks_blank_line;
        if let Some(again) = Some(raw).filter(|_| !is_cut).and_then(|raw| read(raw).ok()) {
            assert_eq!(
                (again.start_line, again.call_id(), again.cseq()),
                (message.start_line, message.call_id(), message.cseq())
            );
        }
    }
}

/// The same with a space in front, which no short cut for what is usual takes.
fn spaced(text: &[u8]) -> Vec<u8> {
    [b" ", text].concat()
}

/// Two URIs, parted by NUL.
pub fn uri(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let (one, other) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    assert_eq!(Uri::parse(one), Uri::parse(&spaced(one)), "white space in front changes a URI");
    let (Ok(one), Ok(other)) = (Uri::parse(one), Uri::parse(other)) else { return };
    for uri in [&one, &other] {
        assert!(uri.strictly_equals(uri) || uri.as_sip().is_some(), "a URI that is not itself");
        assert!(uri.leniently_matches(uri), "a URI that does not match itself");
        if let Some(sip) = uri.as_sip() {
            let _ = (sip.transport(), sip.is_phone(), sip.default_port(), sip.host.ip());
        }
    }
    assert_eq!(one.strictly_equals(&other), other.strictly_equals(&one), "equality is not symmetric");
    assert_eq!(one.leniently_matches(&other), other.leniently_matches(&one), "matching is not symmetric");
    if one.leniently_matches(&other) {
        assert_eq!(one.lenient_key(), other.lenient_key(), "URIs that match have two keys");
    }
}

/// A header value.
pub fn header(bytes: &[u8]) {
    let values: Vec<&[u8]> = ListValues::new(bytes).collect();
    let length: usize = values.iter().map(|value| value.len()).sum();
    assert!(length <= bytes.len(), "a list is longer than its row");
    for value in values.into_iter().chain([bytes]) {
        assert_eq!(Via::parse(value), Via::parse(&spaced(value)), "white space in front changes a Via");
        assert_eq!(CSeq::parse(value), CSeq::parse(&spaced(value)), "white space in front changes a CSeq");
        if let Ok(via) = Via::parse(value) {
            let _ =
                (via.has_transaction_branch(), via.received_ip(), via.same_sent_by(&via), via.params.iter().count());
        }
        if let Ok(address) = NameAddr::parse(value) {
            let tag = address.params.iter().find(|param| param.name.eq_ignore_ascii_case(b"tag"));
            assert_eq!(address.params.get(b"tag"), tag, "a parameter that is read in two ways");
            let _ = (address.tag(), Uri::parse(address.uri), address.display_name.map(unquote));
        }
        let _ = (Contact::parse(value), CSeq::parse(value), SessionExpires::parse(value), MinSe::parse(value));
        let _ = (Reason::parse(value), Replaces::parse(value), RetryAfter::parse(value), Warning::parse(value));
        let _ = (Event::parse(value), RAck::parse(value), SessionId::parse(value), to_text(value));
    }
    let _ = params(bytes);
}

fn params(bytes: &[u8]) -> Option<Params<'_>> {
    NameAddr::parse(bytes).ok().map(|address| address.params)
}

/// A session description.
pub fn sdp(bytes: &[u8]) {
    if let Ok(sdp) = Sdp::parse(bytes) {
        for media in sdp.media().flatten() {
            let _ = format!("{media:?}");
        }
    }
}

/// What a framer gave: the bytes of each message and whether it is whole.
type Given = Vec<(Vec<u8>, bool)>;

fn framed<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Given, Framer) {
    let mut framer = Framer::new();
    let mut given = Given::new();
    let mut sink = |framed: Framed<'_>| {
        let _ = framed.parse();
        given.push((framed.bytes.to_vec(), framed.complete));
    };
    for piece in pieces {
        framer.data(piece, Extent::default(), &mut sink);
    }
    framer.finish(&mut sink);
    assert!(framer.stats().conserves(0), "bytes of a stream are lost: {:?}", framer.stats());
    (given, framer)
}

/// A stream, cut by the first byte into pieces. As long as its framing is kept, cuts change nothing.
pub fn framer(bytes: &[u8]) {
    let Some((size, stream)) = bytes.split_first() else { return };
    let (whole, framer) = framed(std::iter::once(stream));
    let (pieces, _) = framed(stream.chunks(usize::from(*size).max(1)));
    if framer.stats().framing_lost == 0 && framer.stats().skipped_bytes == 0 {
        assert_eq!(whole, pieces, "a cut changes what is in a stream");
    }
    // Losses are survived.
    let mut framer = Framer::midstream();
    for piece in stream.chunks(usize::from(*size).max(1)) {
        framer.data(piece, Extent::default(), &mut |framed| drop(framed.parse()));
        framer.gap(u64::from(*size % 7), &mut |_| ());
    }
    framer.reset(&mut |_| ());
    assert!(framer.stats().conserves(0));
}

/// A frame, on each link layer.
pub fn frame(bytes: &[u8]) {
    let (length, bytes) = bytes.split_first().map_or((0, bytes), |(length, rest)| (u32::from(*length), rest));
    let wire_len = u32::try_from(bytes.len()).unwrap_or(u32::MAX).saturating_add(length);
    for row in LINKS {
        match decode(row.link, bytes, wire_len) {
            Decoded::Datagram(datagram) => assert!(datagram.payload.len() <= bytes.len()),
            Decoded::Segment(segment) => assert!(segment.payload.len() <= bytes.len()),
            Decoded::Fragment(fragment) => assert!(fragment.payload.len() <= bytes.len() && fragment.offset <= 65_528),
            _ => {}
        }
    }
}

/// An IPv4 packet.
fn packet(protocol: u8, identification: u16, fragment: u16, (from, to): (u8, u8), payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(20 + payload.len()).unwrap_or(u16::MAX);
    let mut packet = vec![0x45, 0];
    packet.extend_from_slice(&length.to_be_bytes());
    packet.extend_from_slice(&identification.to_be_bytes());
    packet.extend_from_slice(&fragment.to_be_bytes());
    packet.extend_from_slice(&[64, protocol, 0, 0, 192, 0, 2, from, 192, 0, 2, to]);
    packet.extend_from_slice(payload);
    packet
}

fn udp(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).unwrap_or(u16::MAX);
    let mut datagram = [from.to_be_bytes(), to.to_be_bytes(), length.to_be_bytes(), [0, 0]].concat();
    datagram.extend_from_slice(payload);
    datagram
}

/// What a capture agent sends.
pub fn hep(bytes: &[u8]) {
    let bytes = &bytes[..bytes.len().min(60_000)];
    let packet = packet(17, 1, 0, (1, 2), &udp(9_060, 9_060, bytes));
    let _ = decode(LinkType::RAW, &packet, u32::try_from(packet.len()).unwrap_or(u32::MAX));
}

/// A WebSocket, cut by the first byte into pieces. As long as its framing is kept, cuts change nothing: once it is lost, a frame is
/// looked for at the start of a piece.
pub fn websocket(bytes: &[u8]) {
    let Some((size, stream)) = bytes.split_first() else { return };
    let given = |size: usize| {
        let mut given: Vec<Vec<u8>> = Vec::new();
        let mut socket = WebSocket::open(stream, looks_like_sip)?;
        for piece in stream.chunks(size.max(1)) {
            socket.data(piece, &mut |message| given.push(message.to_vec()));
        }
        socket.finish();
        assert!(socket.stats().conserves(0), "bytes of a WebSocket are lost: {:?}", socket.stats());
        Some((given, socket.stats().framing_lost))
    };
    if let (Some((whole, 0)), Some((pieces, 0))) = (given(stream.len()), given(usize::from(*size))) {
        assert_eq!(whole, pieces, "a cut changes what is in a WebSocket");
    }
}

static ONE: LazyLock<ThreadPool> = LazyLock::new(|| threads(1));
static EIGHT: LazyLock<ThreadPool> = LazyLock::new(|| threads(8));

fn threads(count: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(count).build().expect("threads")
}

/// Analyses a capture in memory, and looks whether its numbers add up. Fuzzed times may be far apart, so all dialogs are listed.
fn analyse(capture: &[u8], window_size: usize, windows_per_batch: usize, threads: &ThreadPool) -> Analysis {
    let capture_options = CaptureOptions { window_size, windows_per_batch, ..CaptureOptions::default() };
    let options = Options { capture: capture_options, dialogs: DialogsListed::All, ..Options::default() };
    let stream: Box<dyn std::io::Read + Send> = Box::new(Cursor::new(capture.to_vec()));
    let feeder = Feeder::from_streams(vec![(PathBuf::from("memory"), stream)], &options.capture);
    let analysis = reinvite::pipeline::analyze_feed(feeder, &options, threads);
    let broken = analysis.counters.broken_laws();
    assert!(broken.is_empty(), "{broken:?}");
    analysis
}

fn report(analysis: &Analysis, threads: &ThreadPool) -> String {
    let mut bytes = Vec::new();
    let format = by_name("json").expect("a format");
    threads.install(|| (format.write)(&View::new(analysis), Spacing::Wide, &mut bytes)).expect("memory");
    String::from_utf8(bytes).expect("UTF-8")
}

/// A pcap of raw IP packets, a millisecond apart.
fn pcap(packets: &[Vec<u8>]) -> Vec<u8> {
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0];
    for (at, packet) in (0_u32..).zip(packets) {
        let length = u32::try_from(packet.len()).unwrap_or(u32::MAX);
        for word in [1_700_000_000 + at / 1_000, at % 1_000 * 1_000, length, length] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        file.extend_from_slice(packet);
    }
    file
}

/// A message that pieces are cut from.
const TEXT: &[u8] = b"SIP/2.0 301 Moved Permanently\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKfuzz\r\n\
    From: <sip:a@192.0.2.1>;tag=1\r\nTo: <sip:b@192.0.2.2>;tag=2\r\nCall-ID: fuzz\r\nCSeq: 1 INVITE\r\n\
    Contact: <sip:c@192.0.2.3>\r\nContent-Length: 0\r\n\r\n";

/// Fragments of a packet: four bytes say which of which packet, how long, and whether more follow.
pub fn fragments(bytes: &[u8]) {
    let datagram = udp(5_060, 5_060, TEXT);
    let piece = |what: &[u8]| {
        let start = usize::from(what[0]) * 8;
        let end = (start + usize::from(what[1])).min(datagram.len());
        let part = datagram.get(start..end).unwrap_or_default();
        let more = if what[2] & 1 == 1 { 0x2000 } else { 0 };
        packet(17, u16::from(what[3] & 3), u16::from(what[0]) | more, (1 + (what[2] >> 7), 2), part)
    };
    let packets: Vec<Vec<u8>> = bytes.chunks_exact(4).take(256).map(piece).collect();
    analyse(&pcap(&packets), 4_096, 2, &ONE);
}

/// Segments of a connection: four bytes say where they begin, how long they are, their flags and which way they go.
pub fn segments(bytes: &[u8]) {
    let stream = [TEXT, b"\r\n\r\n", TEXT].concat();
    let segment = |what: &[u8]| {
        let start = u32::from(what[0]) * 3;
        let from = usize::try_from(start).unwrap_or(usize::MAX);
        let part = stream.get(from..(from + usize::from(what[1])).min(stream.len())).unwrap_or_default();
        let up = what[2] & 0x80 == 0;
        let (ports, ends) = if up { ([5_060_u16, 5_070], (1, 2)) } else { ([5_070, 5_060], (2, 1)) };
        let flags = [0x10, 0x18, 0x02, 0x12, 0x11, 0x04, 0x14, 0x10][usize::from(what[2] & 7)];
        // Near the end of the sequence space.
        let sequence = u32::MAX.wrapping_sub(u32::from(what[3] & 1) * 1_000).wrapping_add(start);
        let mut header = [ports[0].to_be_bytes(), ports[1].to_be_bytes()].concat();
        header.extend_from_slice(&sequence.to_be_bytes());
        header.extend_from_slice(&u32::MAX.wrapping_add(u32::from(what[3]) * 5).to_be_bytes());
        header.extend_from_slice(&[0x50, flags, 0x10, 0, 0, 0, 0, 0]);
        header.extend_from_slice(part);
        packet(6, u16::from(what[3]), 0, ends, &header)
    };
    let packets: Vec<Vec<u8>> = bytes.chunks_exact(4).take(256).map(segment).collect();
    analyse(&pcap(&packets), 4_096, 2, &ONE);
}

/// Kinds of SCTP chunks: data three times as often as what begins, moves on or ends an association.
const CHUNKS: [u8; 8] = [0, 64, 0, 64, 0, 1, 192, 6];

/// Chunks of an association: five bytes say what number a chunk has, where its part of the message begins and how long it is, its flags
/// with its kind and the way it goes, and its place among the pieces.
pub fn sctp(bytes: &[u8]) {
    let mut packets: Vec<Vec<u8>> = Vec::new();
    let mut held = Vec::new();
    for what in bytes.chunks_exact(5).take(256) {
        let start = usize::from(what[1]);
        let part = TEXT.get(start..(start + usize::from(what[2])).min(TEXT.len())).unwrap_or_default();
        let kind = CHUNKS[usize::from(what[3] >> 3 & 7)];
        // Near the end of the numbers.
        let number = u32::MAX.wrapping_sub(100).wrapping_add(u32::from(what[0]));
        let (stream, place) = (u16::from(what[4] >> 6), u16::from(what[4] & 7));
        let mut content = number.to_be_bytes().to_vec();
        content.extend_from_slice(&stream.to_be_bytes());
        content.extend_from_slice(&if kind == 64 { 0_u16 } else { place }.to_be_bytes());
        if kind == 64 {
            content.extend_from_slice(&u32::from(place).to_be_bytes());
        }
        content.extend_from_slice(&u32::from(what[4] >> 3 & 7).to_be_bytes());
        content.extend_from_slice(part);
        let length = u16::try_from(content.len() + 4).unwrap_or(u16::MAX);
        held.extend_from_slice(&[kind, what[3] & 7]);
        held.extend_from_slice(&length.to_be_bytes());
        held.extend_from_slice(&content);
        held.resize(held.len().next_multiple_of(4), 0);
        // Some wait for the next one, and share its packet.
        if what[3] & 0x40 == 0 || held.len() > 30_000 {
            let (ports, ends) =
                if what[3] & 0x80 == 0 { ([5_060_u16, 5_070], (1, 2)) } else { ([5_070, 5_060], (2, 1)) };
            let header = [&ports[0].to_be_bytes()[..], &ports[1].to_be_bytes(), &[0; 8]].concat();
            packets.push(packet(132, 0, 0, ends, &[header, std::mem::take(&mut held)].concat()));
        }
    }
    analyse(&pcap(&packets), 4_096, 2, &ONE);
}

/// A whole capture.
pub fn file(bytes: &[u8]) {
    report(&analyse(bytes, 64 << 10, 4, &ONE), &ONE);
}

/// A whole capture with 1 and 8 threads and windows of several sizes: the same bytes come out.
pub fn differential(bytes: &[u8]) {
    let first = report(&analyse(bytes, 64 << 10, 4, &ONE), &ONE);
    for (window_size, windows_per_batch) in [(1, 1), (100, 3), (4_096, 8)] {
        let other = report(&analyse(bytes, window_size, windows_per_batch, &EIGHT), &EIGHT);
        let line = first.lines().zip(other.lines()).find(|(one, other)| one != other);
        assert!(first == other, "window {window_size}, batch {windows_per_batch}: {line:?}");
    }
}
