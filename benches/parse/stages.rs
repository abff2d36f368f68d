//! How fast each stage is by itself, on one thread: bytes and items a second, and allocations for an item.
//!
//! All stages work on one made-up capture full of signalling. Each does what it does in a run, on what the stage before gave.

use std::hint::black_box;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use reinvite::analysis::Analysis;
use reinvite::capture::{CaptureOptions, Feeder, Window};
use reinvite::correlation::{
    Arriving, Attempts, CallKey, CallView, Calls, Ended, Found, MessageRecord, Redirections, dialogs, exchanges, extract, mirrors,
    negotiations,
};
use reinvite::decode::{Decoded, decode};
use reinvite::extent::Extent;
use reinvite::findings::{DialogCase, Settings, judge_dialog};
use reinvite::options::Options;
use reinvite::report::{Spacing, View, by_name};
use reinvite::sip::{Framer, Message};
use reinvite::time::Timestamp;

mod counting;

#[path = "../traffic/mod.rs"]
#[expect(dead_code, reason = "one of many uses")]
mod traffic;

use counting::allocations_of;
use traffic::calls::generator::generate;
use traffic::calls::options::{Amount, Options as Traffic};

/// Bytes of a segment of the stream that the framer gets.
const SEGMENT_BYTES: usize = 1_460;

/// The capture.
static CAPTURE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let options = Traffic { amount: Amount::Calls(2_000), rtp_packets: 0, ..Traffic::default() };
    generate(options, Vec::new()).expect("memory").1
});
static WINDOW: LazyLock<Window> = LazyLock::new(|| Window::from_capture(CAPTURE.clone()).expect("a capture"));

/// A message over UDP with what is known of its frame.
struct Seen {
    found: Found<'static>,
    bytes: Vec<u8>,
}

static MESSAGES: LazyLock<Vec<Seen>> = LazyLock::new(|| {
    let mut messages = Vec::new();
    for frame in WINDOW.frames() {
        if let Decoded::Datagram(datagram) = decode(frame.link, frame.bytes, frame.wire_len) {
            let found = Found {
                time: frame.time,
                frame: frame.number,
                source: datagram.source,
                destination: datagram.destination,
                identification: datagram.identification,
                ..Found::default()
            };
            messages.push(Seen { found, bytes: datagram.payload.to_vec() });
        }
    }
    assert!(messages.len() > 10_000, "{} messages", messages.len());
    messages
});

/// All of them as one stream.
static STREAM: LazyLock<Vec<u8>> = LazyLock::new(|| MESSAGES.iter().flat_map(|seen| seen.bytes.clone()).collect());

/// A message on its way to its call.
struct Item {
    record: MessageRecord,
    key: CallKey,
    call_id: Vec<u8>,
    message: &'static [u8],
    now: Timestamp,
}

static ITEMS: LazyLock<(Vec<Item>, Vec<u64>)> = LazyLock::new(|| {
    let mut digests = Vec::new();
    let read = |seen: &'static Seen, digests: &mut Vec<u64>| {
        let message = Message::parse(&seen.bytes).ok()?;
        let record = extract(&message, &seen.found, digests)?;
        let call_id = message.call_id()?;
        Some(Item { record, key: CallKey::of(call_id), call_id: call_id.to_vec(), message: message.raw(), now: seen.found.time })
    };
    let items = MESSAGES.iter().filter_map(|seen| read(seen, &mut digests)).collect();
    (items, digests)
});

/// The calls, over.
static ENDED: LazyLock<Vec<Ended>> = LazyLock::new(|| {
    let mut calls = Calls::default();
    hand_over(&mut calls);
    calls.finish();
    calls.take_ended()
});

static ANALYSIS: LazyLock<Analysis> = LazyLock::new(|| run(1));

fn walk() {
    black_box(WINDOW.frames().count());
}

fn decode_all() {
    for frame in WINDOW.frames() {
        black_box(decode(frame.link, frame.bytes, frame.wire_len));
    }
}

fn parse() {
    for seen in MESSAGES.iter() {
        let _ = black_box(Message::parse(&seen.bytes));
    }
}

fn record() {
    let mut digests = Vec::with_capacity(MESSAGES.len() * 4);
    for seen in MESSAGES.iter() {
        if let Ok(message) = Message::parse(&seen.bytes) {
            black_box(extract(&message, &seen.found, &mut digests));
        }
    }
}

fn frame_stream() {
    let mut framer = Framer::new();
    for segment in STREAM.chunks(SEGMENT_BYTES) {
        framer.data(segment, Extent::default(), &mut |framed| {
            let _ = black_box(framed.parse());
        });
    }
}

fn hand_over(calls: &mut Calls) {
    let (items, digests) = &*ITEMS;
    for item in items {
        let Item { record, key, call_id, message, now } = item;
        calls.take(&Arriving { record, key: *key, call_id, message, digests, now: *now });
    }
}

fn to_calls() {
    let mut calls = Calls::default();
    hand_over(&mut calls);
    black_box(calls.take_ended());
}

/// Works out the facts of each call, and shows them.
fn each_call(mut show: impl FnMut(&DialogCase<'_>)) {
    let settings = Settings::default();
    for call in ENDED.iter() {
        let mirrors = mirrors(&call.records, Settings::default().mirror_spans());
        let view = CallView::of(call, &mirrors);
        let redirections = Redirections::find(&view);
        let attempts = Attempts::of(&view, &redirections);
        black_box((redirections.list(&view, &attempts), negotiations(&view, &attempts)));
        let (dialogs, exchanges) = (dialogs(&view), exchanges(&view));
        show(&DialogCase { view: &view, dialogs: dialogs.list(), exchanges: &exchanges, settings: &settings });
    }
}

fn facts() {
    each_call(|case| {
        black_box(case);
    });
}

fn facts_and_rules() {
    each_call(|case| {
        black_box(judge_dialog(case));
    });
}

fn run(threads: usize) -> Analysis {
    let stream: Box<dyn std::io::Read + Send> = Box::new(Cursor::new(CAPTURE.clone()));
    let feeder = Feeder::from_streams(vec![(PathBuf::from("memory"), stream)], &CaptureOptions::default());
    let workers = reinvite::pipeline::workers(threads).expect("threads");
    reinvite::pipeline::analyze_feed(feeder, &Options::default(), &workers)
}

fn all_on_one_thread() {
    black_box(run(1));
}

fn all_on_two_threads() {
    black_box(run(2));
}

fn report() {
    let format = by_name("json").expect("a format");
    (format.write)(&View::new(&ANALYSIS), Spacing::Wide, &mut std::io::sink()).expect("a sink");
}

/// A stage: its name, what it does, how many bytes it reads and how many items it gives.
type Stage = (&'static str, fn(), fn() -> usize, fn() -> usize);

fn frames() -> usize {
    WINDOW.frames().count()
}

fn message_bytes() -> usize {
    STREAM.len()
}

const STAGES: [Stage; 11] = [
    ("capture: walk over records", walk, || CAPTURE.len(), frames),
    ("decode: frames to datagrams", decode_all, || CAPTURE.len(), frames),
    ("sip: parse", parse, message_bytes, || MESSAGES.len()),
    ("sip and correlation: parse, record", record, message_bytes, || MESSAGES.len()),
    ("sip: frame a stream, parse", frame_stream, message_bytes, || MESSAGES.len()),
    ("correlation: hand to calls", to_calls, message_bytes, || MESSAGES.len()),
    ("correlation: facts of calls", facts, message_bytes, || ENDED.len()),
    ("the same with rules", facts_and_rules, message_bytes, || ENDED.len()),
    ("report: JSON of all", report, || CAPTURE.len(), || ANALYSIS.listed.len()),
    ("pipeline, one thread", all_on_one_thread, || CAPTURE.len(), frames),
    ("pipeline, two threads", all_on_two_threads, || CAPTURE.len(), frames),
];

#[divan::bench(args = STAGES.map(|(name, ..)| name), sample_count = 30)]
fn stages(bencher: Bencher<'_, '_>, name: &str) {
    let (_, work, bytes, items) = STAGES.iter().find(|(known, ..)| *known == name).expect("a stage");
    bencher.counter(BytesCount::new(bytes())).counter(ItemsCount::new(items())).bench_local(work);
}

fn main() {
    println!("allocations for an item:");
    for (name, work, _, items) in STAGES {
        // What a stage is given is made before.
        work();
        println!("  {name:36} {:.2}", allocations_of(work) as f64 / items() as f64);
    }
    divan::main();
}
