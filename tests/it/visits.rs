//! Calls are shown when they are over, not when the input is.

use std::io::{Cursor, Read};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use reinvite::capture::{CaptureOptions, Feeder};
use reinvite::options::{DialogsListed, Options};
use reinvite::pipeline::{analyze_calls, workers};

use crate::support::captures::{LAB, lab};
use crate::support::everything;
use crate::support::story::{addresses, over_udp};
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
fn calls_are_shown_while_the_input_is_still_read() {
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
    let analysis = analyze_calls(feeder, &options, &workers(2).expect("threads"), &mut |call| {
        shown.push(String::from_utf8_lossy(call.call_id).into_owned());
        // The input may be over by now.
        let _ = told.send(());
    });
    assert_eq!(analysis.inputs[0].problem, None);
    shown.sort();
    assert_eq!(shown.len(), 4, "{shown:?}");
}

#[test]
fn what_is_shown_is_what_the_report_has() {
    for name in LAB {
        let options = everything();
        let feeder = Feeder::open(&[lab(name)], &options.capture).expect("a fixture");
        let (mut redirects, mut negotiations, mut dialogs) = (0, 0, 0);
        let analysis = analyze_calls(feeder, &options, &workers(2).expect("threads"), &mut |call| {
            redirects += call.redirects.len();
            negotiations += call.negotiations.len();
            dialogs += call.dialogs.len();
        });
        let wanted = (analysis.redirects.len(), analysis.negotiations.len(), analysis.listed.len());
        assert_eq!((redirects, negotiations, dialogs), wanted, "{name}");
    }
}
