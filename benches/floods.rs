//! Writes a capture that is meant to hurt to standard output, as it is made: nothing big is held, or lies on a disk.
//!
//! `cargo run --release --example floods -- NAME [COUNT] | reinvite analyze -`; `benches/floods.sh` measures all of them.
#![forbid(unsafe_code)]

pub mod traffic;

use std::io::{self, BufWriter, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use traffic::ip::Header;
use traffic::link::Link;
use traffic::packet::{EPOCH, MICROSECOND, MILLISECOND, SECOND};
use traffic::pcap::{Layout, PcapWriter};
use traffic::pcapng::{Interface, PcapngWriter};
use traffic::{tcp, udp};

/// A year, in nanoseconds.
const YEAR: u64 = 365 * 86_400 * SECOND;
/// The start of a message on a stream that goes on.
const START: &str = "INVITE sip:a@example.com SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK1\r\nX: ";
/// What makes a WebSocket of a connection.
const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: sip\r\n\r\n";
/// Bytes of a piece of a stream.
const PIECE: usize = 60_000;

type Out<'o> = &'o mut dyn Write;
/// Writes a flood of so many of what it is about.
type Flood = fn(Out<'_>, u64) -> io::Result<()>;

/// The name of each flood, what is counted in it, how many there usually are, and what makes it.
const FLOODS: &[(&str, &str, u64, Flood)] = &[
    ("call-ids", "calls with one INVITE each", 10_000_000, call_ids),
    ("one-shard", "calls whose Call-IDs have digests that are equal in their last ten bits", 1_000_000, one_shard),
    ("one-branch", "calls with the same branch", 1_000_000, one_branch),
    ("dialogs", "dialogs in one Call-ID", 1_000_000, dialogs),
    ("to-tags", "answers with To tags of their own to one INVITE", 1_000_000, to_tags),
    ("chain", "redirects in a row in one Call-ID", 200_000, chain),
    ("chain-of-calls", "redirects in a row, each in a Call-ID of its own", 200_000, chain_of_calls),
    ("vias", "messages with 80000 Via values each", 100, |out, count| rows(out, count, "v:", "SIP/2.0/U h,", 80_000)),
    ("headers", "messages with 100000 headers each", 100, |out, count| rows(out, count, "", "X:y\r\n", 100_000)),
    ("contacts", "redirects with 100000 Contacts each", 100, |out, count| rows(out, count, "", "m:sip:a\r\n", 100_000)),
    ("endless-head", "bytes of a head without an end", 1 << 30, |out, count| endless(out, count, "")),
    ("endless-body", "bytes of a body of 2^62 bytes", 1 << 30, |out, count| {
        endless(out, count, "y\r\nContent-Length: 4611686018427387904\r\n\r\n")
    }),
    ("half-open", "connections of one SYN each", 1_000_000, half_open),
    ("begun", "connections with a message of 1 kB begun on each", 1_000_000, begun),
    ("websockets", "WebSockets with frames of 2^63 bytes, or of none", 1_000_000, websockets),
    ("fragments", "first fragments of packets that never become whole", 2_000_000, fragments),
    ("overlaps", "fragments that overlap, 50 of each packet", 2_000_000, overlaps),
    ("tunnels", "packets in 60 tunnels each", 1_000_000, tunnels),
    ("empty", "packets whose payload has no bytes", 10_000_000, empty),
    ("times", "messages whose times jump by years, forward and backward", 1_000_000, times),
    ("interfaces", "interfaces of one pcapng section", 1_000_000, interfaces),
    ("long-blocks", "pcapng blocks that claim 4 GB", 1_000_000, long_blocks),
    ("options", "pcapng options that claim more than there is", 1_000_000, options),
    ("zeros", "records of nothing, all zeros", 1_000_000, zeros),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let written = match FLOODS.iter().find(|row| row.0 == name) {
        Some((_, _, usual, flood)) => match arguments.next().map_or(Ok(*usual), |count| count.parse()) {
            Ok(count) => flood(&mut out, count),
            Err(problem) => Err(io::Error::other(problem)),
        },
        None => FLOODS.iter().try_for_each(|(name, what, usual, _)| writeln!(out, "{name}\t{usual}\t{what}")),
    };
    match written.and_then(|()| out.flush()) {
        // Whoever reads may stop.
        Err(problem) if problem.kind() != io::ErrorKind::BrokenPipe => {
            let _ = writeln!(io::stderr(), "floods: {problem}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

fn capture(out: Out<'_>) -> io::Result<PcapWriter<Out<'_>>> {
    PcapWriter::new(out, Layout::usual(Link::Raw(101)))
}

fn put(capture: &mut PcapWriter<Out<'_>>, time: u64, packet: &[u8]) -> io::Result<()> {
    capture.record(time, u32::try_from(packet.len()).unwrap_or(u32::MAX), packet)
}

/// One of many that send.
fn sender(number: u64) -> SocketAddr {
    let bits = u32::try_from(number % (1 << 24)).unwrap_or(0);
    (IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 | bits)), 5_060).into()
}

fn victim() -> SocketAddr {
    (IpAddr::from([192, 0, 2, 1]), 5_060).into()
}

/// A request to the victim, or its answer.
fn say(capture: &mut PcapWriter<Out<'_>>, time: u64, asks: bool, text: &str) -> io::Result<()> {
    let (from, to) = if asks { (sender(1), victim()) } else { (victim(), sender(1)) };
    put(capture, time, &udp::packet(1, from, to, text.as_bytes()))
}

fn message(start: &str, branch: &str, (from, to): (&str, &str), call: &str, cseq: u64, more: &str) -> String {
    let tag = if to.is_empty() { "" } else { ";tag=" };
    format!(
        "{start}\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK{branch}\r\nFrom: <sip:a@h>;tag={from}\r\nTo: <sip:b@h>{tag}{to}\r\n\
         Call-ID: {call}\r\nCSeq: {cseq} INVITE\r\n{more}Content-Length: 0\r\n\r\n"
    )
}

const INVITE: &str = "INVITE sip:b@h SIP/2.0";

fn call_ids(out: Out<'_>, count: u64) -> io::Result<()> {
    let mut capture = capture(out)?;
    (0..count).try_for_each(|n| {
        let name = n.to_string();
        say(&mut capture, EPOCH + n * 10 * MICROSECOND, true, &message(INVITE, &name, ("1", ""), &name, 1, ""))
    })
}

fn one_shard(out: Out<'_>, count: u64) -> io::Result<()> {
    let mut capture = capture(out)?;
    let names = (0_u64..)
        .map(|n| n.to_string())
        .filter(|name| xxhash_rust::xxh3::xxh3_64(name.as_bytes()).is_multiple_of(1_024));
    (0..count).zip(names).try_for_each(|(n, name)| {
        say(&mut capture, EPOCH + n * 10 * MICROSECOND, true, &message(INVITE, &name, ("1", ""), &name, 1, ""))
    })
}

fn one_branch(out: Out<'_>, count: u64) -> io::Result<()> {
    let mut capture = capture(out)?;
    (0..count).try_for_each(|n| {
        let text = message(INVITE, "same", ("1", ""), &n.to_string(), 1, "");
        say(&mut capture, EPOCH + n * 10 * MICROSECOND, true, &text)
    })
}

fn dialogs(out: Out<'_>, count: u64) -> io::Result<()> {
    let mut capture = capture(out)?;
    (0..count).try_for_each(|n| {
        let (time, from) = (EPOCH + n * 100 * MICROSECOND, n.to_string());
        say(&mut capture, time, true, &message(INVITE, &from, (&from, ""), "c", 1, ""))?;
        say(&mut capture, time + MICROSECOND, false, &message("SIP/2.0 200 OK", &from, (&from, &from), "c", 1, ""))
    })
}

fn to_tags(out: Out<'_>, count: u64) -> io::Result<()> {
    let mut capture = capture(out)?;
    say(&mut capture, EPOCH, true, &message(INVITE, "1", ("f", ""), "c", 1, ""))?;
    (0..count).try_for_each(|n| {
        let answer = message("SIP/2.0 200 OK", "1", ("f", &format!("t{n}")), "c", 1, "");
        say(&mut capture, EPOCH + n * 10 * MICROSECOND, false, &answer)
    })
}

fn chain(out: Out<'_>, count: u64) -> io::Result<()> {
    links(out, count, |_| "c".to_owned())
}

fn chain_of_calls(out: Out<'_>, count: u64) -> io::Result<()> {
    links(out, count, |n| format!("c{n}"))
}

fn links(out: Out<'_>, count: u64, call: fn(u64) -> String) -> io::Result<()> {
    let mut capture = capture(out)?;
    (0..count).try_for_each(|n| {
        let (time, branch, call) = (EPOCH + n * 200 * MICROSECOND, n.to_string(), call(n));
        let asked = format!("INVITE sip:u{n}@h SIP/2.0");
        say(&mut capture, time, true, &message(&asked, &branch, ("f", ""), &call, n + 1, ""))?;
        let contact = format!("Contact: <sip:u{}@h>\r\n", n + 1);
        let moved = message("SIP/2.0 302 Moved", &branch, ("f", "t"), &call, n + 1, &contact);
        say(&mut capture, time + 100 * MICROSECOND, false, &moved)
    })
}

/// A stream from one end to the other, in pieces.
fn stream(
    capture: &mut PcapWriter<Out<'_>>,
    time: u64,
    (source, destination): (SocketAddr, SocketAddr),
    at: &mut u32,
    bytes: &[u8],
) -> io::Result<()> {
    bytes.chunks(PIECE).try_for_each(|payload| {
        let segment = tcp::Segment { source, destination, sequence: *at, acknowledgment: 1, flags: tcp::ACK, payload };
        let mut packet = Vec::new();
        segment.write_frame(&mut packet, Link::Raw(101), 1);
        *at = at.wrapping_add(u32::try_from(payload.len()).unwrap_or(0));
        put(capture, time, &packet)
    })
}

/// Requests and their answers with as many of one row as there may be, over TCP.
fn rows(out: Out<'_>, count: u64, before: &str, row: &str, rows: usize) -> io::Result<()> {
    let mut capture = capture(out)?;
    let many = format!("{before}{}\r\n", row.repeat(rows).trim_end_matches(['\r', '\n', ',']));
    let (mut up, mut down) = (1, 1);
    (0..count).try_for_each(|n| {
        let (time, name) = (EPOCH + n * 10 * MILLISECOND, n.to_string());
        let text = |start: &str, tag: &str| message(start, &name, ("1", tag), &name, 1, &many).replace("/UDP", "/TCP");
        stream(&mut capture, time, (sender(1), victim()), &mut up, text(INVITE, "").as_bytes())?;
        let answer = text("SIP/2.0 302 Moved", "t");
        stream(&mut capture, time + MILLISECOND, (victim(), sender(1)), &mut down, answer.as_bytes())
    })
}

fn endless(out: Out<'_>, count: u64, then: &str) -> io::Result<()> {
    let mut capture = capture(out)?;
    let (ends, mut at) = ((sender(1), victim()), 1);
    stream(&mut capture, EPOCH, ends, &mut at, format!("{START}{then}").as_bytes())?;
    let piece = [b'x'; PIECE];
    (0..count.div_ceil(PIECE as u64))
        .try_for_each(|n| stream(&mut capture, EPOCH + n * MILLISECOND, ends, &mut at, &piece))
}

fn segment(capture: &mut PcapWriter<Out<'_>>, number: u64, flags: u8, payload: &[u8]) -> io::Result<()> {
    let (source, destination) = (sender(number), victim());
    let mut packet = Vec::new();
    let segment = tcp::Segment { source, destination, sequence: 1, acknowledgment: 0, flags, payload };
    segment.write_frame(&mut packet, Link::Raw(101), 1);
    put(capture, EPOCH + number * 10 * MICROSECOND, &packet)
}

fn half_open(out: Out<'_>, count: u64) -> io::Result<()> {
    let mut capture = capture(out)?;
    (0..count).try_for_each(|n| segment(&mut capture, n, tcp::SYN, b""))
}

fn begun(out: Out<'_>, count: u64) -> io::Result<()> {
    let mut capture = capture(out)?;
    let start = [START.as_bytes(), &[b'x'; 1_000]].concat();
    (0..count).try_for_each(|n| segment(&mut capture, n, tcp::ACK, &start))
}

fn websockets(out: Out<'_>, count: u64) -> io::Result<()> {
    let mut capture = capture(out)?;
    let longest = [UPGRADE, &[0x81, 0x7f, 0x7f], &[0xff; 7], &[b'x'; 500]].concat();
    let invalid = [UPGRADE, &[0x81, 0x7f, 0x80], &[0; 7], &[b'x'; 500]].concat();
    let none = [UPGRADE, &[0x81, 0].repeat(300)].concat();
    let kinds = [longest, invalid, none];
    (0..count).zip(kinds.iter().cycle()).try_for_each(|(n, bytes)| segment(&mut capture, n, tcp::ACK, bytes))
}

fn in_ip(number: u64, protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let (source, destination) = (sender(number).ip(), victim().ip());
    let mut packet = Vec::new();
    Header { source, destination, protocol, identification: 1, hop_limit: 9 }.write(&mut packet, payload.len());
    if let Some(place) = packet.get_mut(6..8) {
        place.copy_from_slice(&fragment.to_be_bytes());
    }
    packet.extend_from_slice(payload);
    packet
}

fn fragments(out: Out<'_>, count: u64) -> io::Result<()> {
    let mut capture = capture(out)?;
    (0..count).try_for_each(|n| put(&mut capture, EPOCH + n * 10 * MICROSECOND, &in_ip(n, 17, 0x2000, &[b'x'; 1_200])))
}

fn overlaps(out: Out<'_>, count: u64) -> io::Result<()> {
    let mut capture = capture(out)?;
    (0..count).try_for_each(|n| {
        let offset = u16::try_from(50 - n % 50).unwrap_or(0);
        put(&mut capture, EPOCH + n * 10 * MICROSECOND, &in_ip(n / 50, 17, 0x2000 | offset, &[b'x'; 1_200]))
    })
}

fn tunnels(out: Out<'_>, count: u64) -> io::Result<()> {
    let mut capture = capture(out)?;
    let mut packet = udp::packet(1, sender(1), victim(), b"OPTIONS sip:a SIP/2.0\r\n\r\n");
    for level in 0..60 {
        packet = match level % 2 {
            0 => in_ip(1, 4, 0, &packet),
            _ => in_ip(1, 47, 0, &[&[0, 0, 8, 0], &packet[..]].concat()),
        };
    }
    (0..count).try_for_each(|n| put(&mut capture, EPOCH + n * 10 * MICROSECOND, &packet))
}

fn empty(out: Out<'_>, count: u64) -> io::Result<()> {
    let mut capture = capture(out)?;
    let protocols = [0, 4, 6, 17, 41, 47, 50, 51, 132, 137];
    (0..count)
        .zip(protocols.iter().cycle())
        .try_for_each(|(n, protocol)| put(&mut capture, EPOCH + n * 10 * MICROSECOND, &in_ip(n, *protocol, 0, b"")))
}

fn times(out: Out<'_>, count: u64) -> io::Result<()> {
    let mut capture = capture(out)?;
    (0..count).try_for_each(|n| {
        let time = match n % 5 {
            0 => EPOCH + YEAR * (n % 50),
            1 => EPOCH - YEAR * (n % 40),
            _ => EPOCH + (count - n) * SECOND,
        };
        say(&mut capture, time, true, &message(INVITE, &n.to_string(), ("1", ""), &(n % 1_000).to_string(), n, ""))
    })
}

fn interfaces(out: Out<'_>, count: u64) -> io::Result<()> {
    let mut capture = PcapngWriter::new(out);
    capture.section(false)?;
    let packet = udp::packet(1, sender(1), victim(), message(INVITE, "1", ("1", ""), "1", 1, "").as_bytes());
    (0..count).try_for_each(|n| {
        let interface = capture.interface(Interface::usual(Link::Raw(101)))?;
        if n % 1_000 == 0 {
            capture.enhanced(interface, EPOCH, u32::try_from(packet.len()).unwrap_or(0), &packet)?;
        }
        Ok(())
    })
}

fn long_blocks(out: Out<'_>, count: u64) -> io::Result<()> {
    let mut capture = PcapngWriter::new(&mut *out);
    capture.section(false)?;
    capture.interface(Interface::usual(Link::Raw(101)))?;
    capture.finish()?;
    let block = [[6, 0, 0, 0], [0xfc, 0xff, 0xff, 0xff], [0; 4], [0; 4], [0; 4], [0xff; 4], [0xff; 4], [0xff; 4]];
    (0..count).try_for_each(|_| out.write_all(block.as_flattened()))
}

fn options(out: Out<'_>, count: u64) -> io::Result<()> {
    let mut capture = PcapngWriter::new(out);
    capture.section(false)?;
    // Link type, snapshot length, then an option whose length is beyond the block.
    let description = [&[101, 0, 0, 0, 0, 0, 4, 0][..], &[9, 0, 0xff, 0xff, 1, 2, 3, 4]].concat();
    // Interface 0, time 0, no bytes, then the same.
    let packet = [&[0; 20][..], &[1, 0, 0xff, 0xff, 1, 2, 3, 4]].concat();
    (0..count).try_for_each(|n| if n % 100 == 0 { capture.block(1, &description) } else { capture.block(6, &packet) })
}

fn zeros(out: Out<'_>, count: u64) -> io::Result<()> {
    let capture = capture(out)?;
    let out = capture.finish()?;
    (0..count).try_for_each(|_| out.write_all(&[0; 16]))
}
