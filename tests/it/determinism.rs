//! The same bytes come out, however many threads work and however the input is cut.

use std::fs;

use reinvite::capture::CaptureOptions;
use reinvite::options::{DialogsListed, Options};

use crate::support::captures::{LAB, corpus, lab};
use crate::support::{Run, feeder, run_feeder, workers};
use crate::traffic::calls::generator::generate;
use crate::traffic::calls::options::{Amount, Options as Wanted};
use crate::traffic::link::Link;
use crate::traffic::packet::{EPOCH, Packet, SECOND, Wire};
use crate::traffic::pcap::{Layout, file};

/// Numbers of threads.
const THREADS: [usize; 3] = [1, 2, 8];

/// Bytes of a window that holds any of these captures whole.
const WHOLE: usize = 16 << 20;

/// Bytes of a window and windows of a batch: a record each, small, usual, all at once.
const CUTS: [(usize, usize); 6] = [(1, 1), (1, 64), (100, 3), (4_096, 1), (4_096, 8), (WHOLE, 8)];

/// Fails unless all cuts and numbers of threads give the same bytes; gives the run.
fn assert_same_bytes(name: &str, captures: &[Vec<u8>], dialogs: DialogsListed, cuts: &[(usize, usize)]) -> Run {
    let run = |threads: usize, (window_size, windows_per_batch): (usize, usize)| {
        let capture = CaptureOptions { window_size, windows_per_batch, ..CaptureOptions::default() };
        let options = Options { capture, dialogs, ..Options::default() };
        run_feeder(feeder(captures.to_vec(), &options.capture), &options, &workers(threads))
    };
    let usual = CaptureOptions::default();
    let first = run(2, (usual.window_size, usual.windows_per_batch));
    first.assert_conserved(name);
    for cut in cuts {
        for threads in THREADS {
            let other = run(threads, *cut);
            let line = first.text.lines().zip(other.text.lines()).find(|(one, other)| one != other);
            assert!(first.text == other.text, "{name}, threads {threads}, cut {cut:?}: first difference {line:?}");
        }
    }
    first
}

#[test]
fn lab_recordings() {
    for name in LAB {
        let capture = fs::read(lab(name)).expect("a fixture");
        assert_same_bytes(name, &[capture], DialogsListed::All, &CUTS);
    }
}

#[test]
fn lab_recordings_together() {
    let captures = LAB.map(|name| fs::read(lab(name)).expect("a fixture"));
    let run = assert_same_bytes("all recordings", &captures, DialogsListed::All, &CUTS);
    assert_eq!(run.messages(), 89 + 19 + 22 + 76 + 163 + 48, "all recordings: messages");
}

#[test]
fn captures_of_others() {
    let names = [
        "irontec__sngrep__ipv6frag.pcap",
        "irontec__sngrep__aaa.pcap",
        "ntop__nDPI__fuzz-2006-06-26-2594.pcap",
        "ntop__nDPI__webex.pcap",
        "open5gs__open5gs__ipsec_to_ipsec_call.pcapng",
        "aboutsip__pkts__fragmented_tcp_sip.pcap",
        "arkime__arkime__arkime_synthetic.pcap",
    ];
    let Some(folder) = corpus("captures") else { return };
    for name in names {
        let capture = fs::read(folder.join(name)).expect("a capture");
        assert_same_bytes(name, &[capture], DialogsListed::All, &[(1, 1), (100, 3), (4_096, 8), (WHOLE, 8)]);
    }
}

/// About 2,000 calls with TCP, fragments, mirror copies and retransmissions.
#[test]
fn generated_calls() {
    let wanted = Wanted {
        amount: Amount::Calls(2_000),
        calls_per_second: 40,
        seed: 5,
        fragment_share: 0.1,
        mirror_share: 0.05,
        retransmit_share: 0.1,
        ..Wanted::default()
    };
    let (truth, capture) = generate(wanted, Vec::new()).expect("memory");
    let cuts = [(4_096, 1), (100_000, 3), (WHOLE, 8)];
    let run = assert_same_bytes("2,000 calls", &[capture], DialogsListed::Flagged, &cuts);
    assert_eq!(run.messages(), truth["sip_messages"].as_u64().unwrap_or_default(), "2,000 calls: messages");
}

/// A record for each window is slow, so with fewer calls.
#[test]
fn generated_calls_record_by_record() {
    let wanted =
        Wanted { amount: Amount::Calls(100), calls_per_second: 5, seed: 6, fragment_share: 0.3, ..Wanted::default() };
    let (_, capture) = generate(wanted, Vec::new()).expect("memory");
    assert_same_bytes("100 calls", &[capture], DialogsListed::All, &[(1, 1), (100, 7)]);
}

/// Datagrams that hold a capture file each: nothing in them may be taken for a record, wherever the input is cut.
#[test]
fn captures_within_captures() {
    let inner = fs::read(lab("clean-udp")).expect("a fixture");
    let (from, to) = ("192.0.2.1:9".parse().expect("an address"), "192.0.2.2:9".parse().expect("an address"));
    let mut wire = Wire::new(Link::Ethernet);
    let mut packets: Vec<Packet> = Vec::new();
    for (number, piece) in (0_u64..).zip(inner.chunks(1_400).chain([&inner[24..1_500], &inner[..60_000]])) {
        packets.push(wire.udp(EPOCH + number * SECOND, from, to, &[b"\x01", piece].concat()));
    }
    let capture = file(Layout::usual(Link::Ethernet), &packets).expect("memory");
    let run = assert_same_bytes("captures in datagrams", &[capture], DialogsListed::All, &CUTS);
    assert_eq!(run.report["summary"]["frames"], packets.len(), "captures in datagrams: frames");
    assert_eq!(run.messages(), 0, "captures in datagrams: no SIP on the wire");
}
