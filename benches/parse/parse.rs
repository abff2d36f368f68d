//! How fast SIP messages are parsed, beside other parsers: bytes a second and allocations for a message.
//!
//! Every parser reads the messages of one made-up capture full of signalling, and then what correlation needs of each: the start
//! line, Call-ID, CSeq, tags, top Via with branch. Ours has read all that, and judged it, when `parse` returns; the others read some
//! of it on demand, and what they cannot give is left out.

use std::hint::black_box;
use std::sync::LazyLock;

use divan::counter::{BytesCount, ItemsCount};
use divan::Bencher;
use reinvite::correlation::{Found, extract};
use reinvite::decode::{Decoded, decode};
use reinvite::net::LinkType;
use reinvite::sip::{HeaderName, ListValues, Message, MinSe, SessionExpires};

mod counting;

#[path = "../traffic/mod.rs"]
#[expect(dead_code, reason = "one of many uses")]
mod traffic;

use counting::allocations_of;
use traffic::calls::generator::generate;
use traffic::calls::options::{Amount, Options};

/// The messages: each as it was in its datagram.
static MESSAGES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let options = Options { amount: Amount::Calls(2_000), rtp_packets: 0, ..Options::default() };
    let (_, capture) = generate(options, Vec::new()).expect("memory");
    let mut messages = Vec::new();
    let mut at = 24;
    while let Some(header) = capture.get(at..at + 16) {
        let length = u32::from_le_bytes(header[8..12].try_into().expect("four bytes"));
        let bytes = &capture[at + 16..at + 16 + length as usize];
        if let Decoded::Datagram(datagram) = decode(LinkType::ETHERNET, bytes, length) {
            messages.push(datagram.payload.to_vec());
        }
        at += 16 + length as usize;
    }
    assert!(messages.len() > 10_000, "{} messages", messages.len());
    messages
});

fn main() {
    let bytes: usize = MESSAGES.iter().map(Vec::len).sum();
    println!("{} messages, {} bytes on average", MESSAGES.len(), bytes / MESSAGES.len());
    println!("allocations for a message, with what the parsers keep of it:");
    for (name, read) in READERS {
        let allocations = allocations_of(|| MESSAGES.iter().for_each(|message| read(message)));
        println!("  {name:9} {:.2}", allocations as f64 / MESSAGES.len() as f64);
    }
    divan::main();
}

/// The parsers.
const READERS: [(&str, fn(&[u8])); 3] = [("reinvite", read_ours), ("rsip", read_rsip), ("sipmsg", read_sipmsg)];

fn each(bencher: Bencher<'_, '_>, read: fn(&[u8])) {
    let bytes: usize = MESSAGES.iter().map(Vec::len).sum();
    bencher.counter(BytesCount::new(bytes)).counter(ItemsCount::new(MESSAGES.len())).bench_local(|| {
        MESSAGES.iter().for_each(|message| read(message));
    });
}

/// This parser: what every message has is read by `parse`, and judged; the rest in one walk over the headers.
#[divan::bench]
fn reinvite(bencher: Bencher<'_, '_>) {
    each(bencher, read_ours);
}

fn read_ours(bytes: &[u8]) {
    let message = Message::parse(bytes).expect("a message");
    let from = message.from().map(|from| (from.uri, from.tag()));
    let to = message.to().map(|to| (to.uri, to.tag()));
    let via = message.top_via().map(|via| via.branch);
    let _ = black_box((message.start_line, message.call_id(), message.cseq(), from, to, via));
    let (mut interval, mut least, mut agent, mut session, mut route, mut timer) = (None, None, None, None, None, false);
    for header in message.headers() {
        match header.name {
            HeaderName::SessionExpires => interval = Some(SessionExpires::parse(header.value)),
            HeaderName::MinSe => least = Some(MinSe::parse(header.value)),
            HeaderName::UserAgent | HeaderName::Server => agent = Some(header.value),
            HeaderName::SessionId => session = Some(header.value),
            HeaderName::Route => route = Some(header.value),
            HeaderName::Supported => timer |= ListValues::new(header.value).any(|tag| tag == b"timer"),
            _ => {}
        }
    }
    let _ = black_box((interval, least, agent, session, route, timer, message.body));
}

/// The same with the record that correlation keeps of the message: session timers, URIs, agents, digests, marks as well.
#[divan::bench]
fn reinvite_with_record(bencher: Bencher<'_, '_>) {
    let mut digests = Vec::new();
    let bytes: usize = MESSAGES.iter().map(Vec::len).sum();
    let found = Found::default();
    bencher.counter(BytesCount::new(bytes)).counter(ItemsCount::new(MESSAGES.len())).bench_local(|| {
        digests.clear();
        for bytes in MESSAGES.iter() {
            let message = Message::parse(bytes).expect("a message");
            let _ = black_box(extract(&message, &found, &mut digests));
        }
    });
}

/// The crate `rsip`: headers are kept as text, and those needed are read.
#[divan::bench]
fn rsip(bencher: Bencher<'_, '_>) {
    each(bencher, read_rsip);
}

fn read_rsip(bytes: &[u8]) {
    use rsip::prelude::{HeadersExt, ToTypedHeader};
    let message = rsip::SipMessage::try_from(bytes).expect("a message");
    let from = message.from_header().ok().and_then(|from| from.typed().ok());
    let to = message.to_header().ok().and_then(|to| to.typed().ok());
    let via = message.via_header().ok().and_then(|via| via.typed().ok());
    let cseq = message.cseq_header().ok().and_then(|cseq| cseq.typed().ok());
    let _ = black_box((message.call_id_header().is_ok(), cseq, from, to, via));
}

/// The crate `sipmsg`: a message is split into headers, whose values are read as far as it knows them.
#[divan::bench]
fn sipmsg(bencher: Bencher<'_, '_>) {
    each(bencher, read_sipmsg);
}

fn read_sipmsg(bytes: &[u8]) {
    use sipmsg::NomParser;
    if bytes.starts_with(b"SIP/") {
        let _ = black_box(sipmsg::SipResponse::parse(bytes).is_ok());
    } else {
        let _ = black_box(sipmsg::SipRequest::parse(bytes).is_ok());
    }
}
