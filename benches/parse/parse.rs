//! How fast SIP messages are parsed, beside other parsers: bytes a second and allocations for a message.
//!
//! Every parser reads the messages of one made-up capture full of signalling, and then what correlation needs of each: the start
//! line, Call-ID, CSeq, tags, top Via with branch. Ours has read all that, and judged it, when `parse` returns; the others read some
//! of it on demand, and what they cannot give is left out.

use std::hint::black_box;
use std::sync::LazyLock;

use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher};
use reinvite::decode::{Decoded, decode};
use reinvite::net::LinkType;
use reinvite::sip::Message;

#[path = "../traffic/mod.rs"]
#[expect(dead_code, reason = "one of many uses")]
mod traffic;

use traffic::calls::generator::generate;
use traffic::calls::options::{Amount, Options};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

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
    divan::main();
}

fn each(bencher: Bencher<'_, '_>, read: impl Fn(&[u8]) + Sync) {
    let bytes: usize = MESSAGES.iter().map(Vec::len).sum();
    bencher.counter(BytesCount::new(bytes)).counter(ItemsCount::new(MESSAGES.len())).bench(|| {
        MESSAGES.iter().for_each(|message| read(message));
    });
}

/// This parser: everything that correlation needs is read by `parse`.
#[divan::bench]
fn reinvite(bencher: Bencher<'_, '_>) {
    each(bencher, |bytes| {
        let message = Message::parse(bytes).expect("a message");
        let tags = (message.from().map(|from| from.tag()), message.to().map(|to| to.tag()));
        black_box((message.start_line, message.call_id(), message.cseq(), tags, message.top_via().map(|via| via.branch)));
    });
}

/// The crate `rsip`: headers are kept as text, and those needed are read.
#[divan::bench]
fn rsip(bencher: Bencher<'_, '_>) {
    use rsip::prelude::{HeadersExt, ToTypedHeader};
    each(bencher, |bytes| {
        let message = rsip::SipMessage::try_from(bytes).expect("a message");
        let from = message.from_header().ok().and_then(|from| from.typed().ok());
        let to = message.to_header().ok().and_then(|to| to.typed().ok());
        let via = message.via_header().ok().and_then(|via| via.typed().ok());
        let cseq = message.cseq_header().ok().and_then(|cseq| cseq.typed().ok());
        black_box((message.call_id_header().is_ok(), cseq, from, to, via));
    });
}

/// The crate `sipmsg`: a message is split into headers, whose values are read as far as it knows them.
#[divan::bench]
fn sipmsg(bencher: Bencher<'_, '_>) {
    each(bencher, |bytes| {
        let is_response = bytes.starts_with(b"SIP/");
        if is_response {
            black_box(sipmsg::SipResponse::parse(bytes).is_ok());
        } else {
            black_box(sipmsg::SipRequest::parse(bytes).is_ok());
        }
    });
}
