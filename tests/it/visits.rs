//! Results are shown when they are settled, not when the input is over.

use std::io::{BufRead, BufReader, Cursor, Read, Write};
use std::ops::ControlFlow;
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use reinvite::capture::{CaptureOptions, Feeder};
use reinvite::correlation::Filter;
use reinvite::options::{DialogsListed, Options};
use reinvite::pipeline::{analyze_live, workers};

use crate::support::captures::{LAB, corpus_captures, lab};
use crate::support::followed::{difference, follow, with_a_day_behind};
use crate::support::program::{program, with_input};
use crate::support::story::{addresses, over_udp};
use crate::traffic::calls::generator::generate;
use crate::traffic::calls::options::{Amount, Options as Wanted};
use crate::traffic::link::Link;
use crate::traffic::packet::{SECOND, Wire};
use crate::traffic::pcap::{Layout, file};

/// Gives its last bytes only when it is told to.
struct Pipe {
    first: Cursor<Vec<u8>>,
    rest: Cursor<Vec<u8>>,
    go_on: Option<Receiver<()>>,
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.first.read(into)?;
        if count > 0 {
            return Ok(count);
        }
        if let Some(go_on) = self.go_on.take()
            && go_on.recv_timeout(Duration::from_secs(120)).is_err()
        {
            return Err(std::io::Error::other("no call was shown before the input ended"));
        }
        self.rest.read(into)
    }
}

#[test]
fn results_are_shown_while_the_input_is_still_read() {
    let (mut packets, _) = over_udp(Link::Ethernet, false, None);
    let (phone, server) = addresses(false);
    let last = packets.last().expect("packets").time;
    let mut wire = Wire::new(Link::Ethernet);
    packets.extend((0..400).map(|tick| wire.udp(last + tick * SECOND, phone, server, &[b'x'; 300])));
    let capture = file(Layout::usual(Link::Ethernet), &packets).expect("memory");
    let (first, rest) = capture.split_at(capture.len() - 20_000);
    let (told, go_on) = channel();
    let pipe = Pipe { first: Cursor::new(first.to_vec()), rest: Cursor::new(rest.to_vec()), go_on: Some(go_on) };
    let capture = CaptureOptions { window_size: 2_048, windows_per_batch: 1, ..CaptureOptions::default() };
    let options = Options { capture, dialogs: DialogsListed::All, ..Options::default() };
    let feeder = Feeder::from_streams(vec![("pipe".into(), Box::new(pipe))], &options.capture);
    let mut shown = Vec::new();
    let analysis = analyze_live(feeder, &options, &workers(2).expect("threads"), &mut |settled| {
        for dialog in settled.iter().flat_map(|results| &results.listed) {
            shown.push(String::from_utf8_lossy(&dialog.call_id).into_owned());
        }
        // The input may be over by now.
        let _ = told.send(());
        ControlFlow::Continue(())
    });
    assert_eq!(analysis.inputs[0].problem, None);
    shown.sort();
    shown.dedup();
    assert_eq!(shown.len(), 4, "{shown:?}");
}

/// Two threads, and one.
fn cuts() -> Vec<(usize, CaptureOptions)> {
    let cut =
        |window_size, windows_per_batch| CaptureOptions { window_size, windows_per_batch, ..CaptureOptions::default() };
    vec![(1, cut(4_096, 1)), (2, cut(100_000, 3)), (1, cut(16 << 20, 8))]
}

/// Fails unless the lines are those of the report that is written at the end, and the same bytes however the input is cut; gives how many
/// of them came early.
fn assert_followed(name: &str, capture: &[u8], options: &Options) -> usize {
    let two = workers(2).expect("threads");
    assert_eq!(difference(capture, options, &two), None, "{name}");
    let first = follow(capture, options, &two);
    for (threads, cut) in cuts() {
        let options = Options { capture: cut, ..options.clone() };
        let other = follow(capture, &options, &workers(threads).expect("threads"));
        let line = first.text.lines().zip(other.text.lines()).find(|(one, other)| one != other);
        assert!(first.text == other.text, "{name}, {threads} threads, {cut:?}: {line:#?}");
    }
    first.early
}

#[test]
fn lines_that_are_followed_are_those_of_the_report() {
    for name in LAB {
        let capture = with_a_day_behind(&std::fs::read(lab(name)).expect("a fixture"));
        for dialogs in [DialogsListed::All, DialogsListed::Flagged, DialogsListed::None] {
            let early = assert_followed(name, &capture, &Options { dialogs, ..Options::default() });
            assert!(early > 0, "{name}: nothing came before the end");
        }
    }
}

/// Some 800 calls over minutes, with losses, fragments and connections.
#[test]
fn lines_of_generated_calls_come_as_the_calls_are_over() {
    let wanted = Wanted {
        amount: Amount::Calls(800),
        calls_per_second: 2,
        seed: 11,
        fragment_share: 0.1,
        mirror_share: 0.05,
        retransmit_share: 0.1,
        ..Wanted::default()
    };
    let (_, capture) = generate(wanted, Vec::new()).expect("memory");
    let early = assert_followed("800 calls", &capture, &Options::default());
    let all = follow(&capture, &Options::default(), &workers(2).expect("threads")).text.lines().count();
    assert!(early > all / 3, "{early} of {all}");
}

/// What a filter takes, and what is linked to it.
fn filters() -> [Filter; 4] {
    [
        Filter { statuses: vec!["302".parse().expect("a status")], ..Filter::default() },
        Filter { statuses: vec!["422".parse().expect("a status")], ..Filter::default() },
        Filter { from: vec!["1".parse().expect("a pattern")], ..Filter::default() },
        Filter { call_ids: vec!["/[0-7]@|[A-M]$/".parse().expect("a pattern")], ..Filter::default() },
    ]
}

#[test]
fn lines_of_some_calls_are_those_of_the_report_about_them() {
    let wanted = Wanted { amount: Amount::Calls(300), calls_per_second: 1, seed: 12, ..Wanted::default() };
    let (_, generated) = generate(wanted, Vec::new()).expect("memory");
    let mut captures = vec![("300 calls", generated)];
    captures.extend(LAB.map(|name| (name, with_a_day_behind(&std::fs::read(lab(name)).expect("a fixture")))));
    let mut early = 0;
    for (name, capture) in captures {
        for filter in filters() {
            early += assert_followed(name, &capture, &Options { filter, ..Options::default() });
        }
    }
    assert!(early > 100, "{early}");
}

#[test]
fn lines_of_captures_of_others_are_those_of_the_report() {
    for path in corpus_captures("captures") {
        let capture = std::fs::read(&path).expect("a capture");
        if capture.len() < 2 << 20 {
            let options = Options { dialogs: DialogsListed::All, ..Options::default() };
            assert_eq!(difference(&capture, &options, &workers(2).expect("threads")), None, "{}", path.display());
        }
    }
}

/// As it is with tcpdump: what is written is told before there is more, and nobody reading any more ends it.
#[test]
fn the_program_tells_what_a_pipe_has_said_so_far() {
    let capture = with_a_day_behind(&std::fs::read(lab("clean-udp")).expect("a fixture"));
    let whole = with_input(&["analyze", "-", "-q", "-f", "ndjson"], &capture).exits(0).out;
    let mut command = program();
    command.args(["analyze", "-", "-q", "-f", "ndjson"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let (mut into, mut from) =
        (child.stdin.take().expect("a pipe"), BufReader::new(child.stdout.take().expect("a pipe")));
    let (first, rest) = capture.split_at(capture.len() - 5_000);
    for piece in first.chunks(1_777) {
        into.write_all(piece).and_then(|()| into.flush()).expect("it reads");
    }
    let mut line = String::new();
    from.read_line(&mut line).expect("a line before the end");
    assert!(line.starts_with('{') && line.ends_with("}\n"), "{line}");
    into.write_all(rest).expect("it reads");
    drop(into);
    from.read_to_string(&mut line).expect("the other lines");
    assert_eq!(line, whole, "the same bytes, however it came");
    assert!(child.wait().expect("it ends").success());

    let mut child = command.spawn().expect("the program starts");
    let mut into = child.stdin.take().expect("a pipe");
    drop(child.stdout.take());
    // It may go at any time from its first line on; there is always more to come.
    while into.write_all(&capture).is_ok() {}
    assert!(child.wait().expect("it ends").success());
}
