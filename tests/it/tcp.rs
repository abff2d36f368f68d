//! What networks and captures do to TCP: nothing is lost that can be saved, and nothing is claimed across what is lost.

use std::net::SocketAddr;

use crate::support::essence::outcomes;
use crate::support::story::{Said, Who, assert_told, list, story};
use crate::support::{Run, run_bytes};
use crate::traffic::link::Link;
use crate::traffic::packet::{MICROSECOND, Packet, SECOND, Wire};
use crate::traffic::pcap::{Layout, file};
use crate::traffic::session::{Session, Side};
use crate::traffic::tcp::{ACK, SYN, Segment};

/// The places of messages in the story.
const MOVED: usize = 1;
const FOLLOW_UP: usize = 3;
const REFUSAL: usize = 10;
const AWAY: usize = 19;

/// A frame, and what it carries: a piece of a message, or nothing.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) packet: Packet,
    message: Option<usize>,
    piece: usize,
}

fn side(said: &Said) -> Side {
    if said.by == Who::Phone { Side::Client } else { Side::Server }
}

/// The story over one connection, opened and closed in order; `cuts` says where each message is cut. Every piece is acknowledged.
pub(crate) fn connection(cuts: &dyn Fn(usize, &[u8]) -> Vec<usize>) -> Vec<Sent> {
    let (client, server): (SocketAddr, SocketAddr) =
        ("192.0.2.10:40000".parse().expect("an address"), "192.0.2.11:5060".parse().expect("an address"));
    // The sequence numbers of the client wrap around in the middle of it.
    let mut session = Session::new(client, server, u32::MAX - 2_000, 77);
    let mut wire = Wire::new(Link::Ethernet);
    let mut sent: Vec<Sent> = Vec::new();
    let story = story("TCP");
    let (first, last) = (story[0].time, story[story.len() - 1].time);
    let mut send = |time: u64, segment: &Segment<'_>, message: Option<usize>, piece: usize| {
        sent.push(Sent { packet: wire.tcp(time, segment), message, piece });
    };
    for segment in session.opening() {
        send(first - 1_000 * MICROSECOND, &segment, None, 0);
    }
    for (number, said) in story.iter().enumerate() {
        let mut segments = session.data_cut(side(said), &said.text, &cuts(number, &said.text));
        segments.retain(|segment| !segment.payload.is_empty());
        for (piece, segment) in segments.iter().enumerate() {
            let mut acknowledgment = session.acknowledgment(side(said).other());
            let end = u32::try_from(segment.payload.len()).expect("a small piece");
            acknowledgment.acknowledgment = segment.sequence.wrapping_add(end);
            let time = said.time + 10 * MICROSECOND * piece as u64;
            send(time, segment, Some(number), piece);
            send(time + MICROSECOND, &acknowledgment, None, 0);
        }
    }
    for segment in session.closing(Side::Client) {
        send(last + 1_000 * MICROSECOND, &segment, None, 0);
    }
    sent
}

fn whole(_: usize, _: &[u8]) -> Vec<usize> {
    Vec::new()
}

pub(crate) fn thirds(_: usize, text: &[u8]) -> Vec<usize> {
    vec![text.len() / 3, 2 * text.len() / 3]
}

fn run(name: &str, sent: &[Sent]) -> Run {
    let packets: Vec<Packet> = sent.iter().map(|sent| sent.packet.clone()).collect();
    let run = run_bytes(file(Layout::usual(Link::Ethernet), &packets).expect("memory"));
    run.assert_conserved(name);
    run
}

/// Fails unless the report says what it says of one segment for each message.
fn assert_untouched(name: &str, sent: &[Sent]) {
    let (other, plain) = (run(name, sent), run("plain", &connection(&whole)));
    assert_told(&other.report, name);
    assert_eq!(
        outcomes(&other.report),
        outcomes(&plain.report),
        "{name}: not what it is with a segment for each message"
    );
}

#[test]
fn a_segment_for_each_message() {
    let run = run("plain", &connection(&whole));
    assert_told(&run.report, "plain");
    let quality = &run.report["capture_quality"]["tcp"];
    // What is ignored is the last acknowledgment: the connection is over by then.
    for (name, count) in [("connections_with_sip", 1), ("gaps", 0), ("segments_ignored", 1), ("skipped_bytes", 0)] {
        assert_eq!(quality[name], count, "plain: {name} in {quality}");
    }
}

#[test]
fn several_messages_in_a_segment() {
    let (client, server): (SocketAddr, SocketAddr) =
        ("192.0.2.10:40000".parse().expect("an address"), "192.0.2.11:5060".parse().expect("an address"));
    let mut session = Session::new(client, server, 1, 77);
    let mut wire = Wire::new(Link::Ethernet);
    let story = story("TCP");
    let mut sent: Vec<Sent> = session
        .opening()
        .iter()
        .map(|segment| Sent { packet: wire.tcp(story[0].time - 1_000, segment), message: None, piece: 0 })
        .collect();
    for run in story.chunk_by(|one, next| one.by == next.by) {
        let text: Vec<u8> = run.iter().flat_map(|said| said.text.clone()).collect();
        let segment = session.data(side(&run[0]), &text);
        sent.push(Sent { packet: wire.tcp(run[0].time, &segment), message: None, piece: 0 });
    }
    assert!(sent.len() < story.len(), "no segment has several messages");
    assert_untouched("several messages in a segment", &sent);
}

#[test]
fn a_message_cut_at_every_byte() {
    for message in [MOVED, REFUSAL] {
        for cut in 1..story("TCP")[message].text.len() {
            let cuts = |number: usize, _: &[u8]| if number == message { vec![cut] } else { Vec::new() };
            assert_untouched(&format!("message {message} cut at {cut}"), &connection(&cuts));
        }
    }
}

#[test]
fn messages_in_small_pieces() {
    for size in [1, 2, 7, 64, 100] {
        let cuts = |number: usize, text: &[u8]| {
            // What the connection is must show in its first segments.
            if number == 0 && size < 64 { vec![64] } else { (size..text.len()).step_by(size).collect() }
        };
        assert_untouched(&format!("pieces of {size}"), &connection(&cuts));
    }
}

#[test]
fn segments_out_of_order() {
    for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let sent = connection(&thirds);
        let mut mixed = sent.clone();
        for message in 0..story("TCP").len() {
            let places: Vec<usize> = (0..sent.len()).filter(|at| sent[*at].message == Some(message)).collect();
            assert_eq!(places.len(), 3, "message {message} in thirds");
            for (at, from) in places.iter().zip(order) {
                mixed[*at] = sent[places[from]].clone();
                mixed[*at].packet.time = sent[*at].packet.time;
            }
        }
        // Acknowledgments come when all is there, as a receiver sends them.
        let last_piece =
            |at: &usize| mixed[*at].message.is_some() || sent[*at - 1].piece == 2 || sent[*at - 1].message.is_none();
        let kept: Vec<Sent> =
            (0..mixed.len()).filter(|at| *at < 3 || last_piece(at)).map(|at| mixed[at].clone()).collect();
        assert_untouched(&format!("thirds in order {order:?}"), &kept);
    }
}

#[test]
fn everything_twice() {
    let twice = |sent: Vec<Sent>, delay: u64| -> Vec<Sent> {
        let copy = |sent: Sent| [sent.clone(), Sent { packet: sent.packet.again(delay), ..sent }];
        sent.into_iter().flat_map(copy).collect()
    };
    assert_untouched("mirrored", &twice(connection(&whole), MICROSECOND));
    assert_untouched("mirrored thirds", &twice(connection(&thirds), MICROSECOND));
    // Each message once more after all of the next one.
    let sent = connection(&whole);
    let mut late = Vec::new();
    for (at, now) in sent.iter().enumerate() {
        late.push(now.clone());
        if let Some(earlier) =
            at.checked_sub(2).map(|earlier| &sent[earlier]).filter(|earlier| earlier.message.is_some())
        {
            let delay = now.packet.time - earlier.packet.time;
            late.push(Sent { packet: earlier.packet.again(delay), ..earlier.clone() });
        }
    }
    assert_untouched("late retransmissions", &late);
}

#[test]
fn retransmissions_with_other_borders() {
    let (client, server): (SocketAddr, SocketAddr) =
        ("192.0.2.10:40000".parse().expect("an address"), "192.0.2.11:5060".parse().expect("an address"));
    let mut session = Session::new(client, server, 1, 77);
    let mut wire = Wire::new(Link::Ethernet);
    let mut sent = Vec::new();
    for said in story("TCP") {
        let length = said.text.len();
        let whole = session.data(side(&said), &said.text);
        for (from, to) in
            [(0, length / 2), (length / 4, length - 9), (length / 3, length / 2), (0, length - 9), (9, length)]
        {
            let offset = u32::try_from(from).expect("a small message");
            let part =
                Segment { sequence: whole.sequence.wrapping_add(offset), payload: &said.text[from..to], ..whole };
            sent.push(Sent { packet: wire.tcp(said.time, &part), message: None, piece: 0 });
        }
    }
    assert_untouched("overlapping segments, from the middle of the connection on", &sent);
}

#[test]
fn keep_alives_between_messages() {
    let (client, server): (SocketAddr, SocketAddr) =
        ("192.0.2.10:40000".parse().expect("an address"), "192.0.2.11:5060".parse().expect("an address"));
    let mut session = Session::new(client, server, 1, 77);
    let mut wire = Wire::new(Link::Ethernet);
    let mut sent = Vec::new();
    let mut send = |time: u64, segment: &Segment<'_>| {
        sent.push(Sent { packet: wire.tcp(time, segment), message: None, piece: 0 });
    };
    let story = story("TCP");
    for segment in session.opening() {
        send(story[0].time - 1_000, &segment);
    }
    for said in &story {
        // RFC 5626 4.4.1: two CRLF go, one comes back. Then a probe of TCP itself: the byte before the next one, and none.
        let ping = session.data(Side::Client, b"\r\n\r\n");
        send(said.time - 500, &ping);
        let pong = session.data(Side::Server, b"\r\n");
        send(said.time - 400, &pong);
        for (by, payload) in [(Side::Client, &b"\0"[..]), (Side::Server, b"\0"), (Side::Client, b"")] {
            let next = session.acknowledgment(by);
            send(said.time - 300, &Segment { sequence: next.sequence.wrapping_sub(1), payload, ..next });
        }
        send(said.time, &session.data(side(said), &said.text));
    }
    assert_untouched("keep-alives", &sent);
}

/// The same ports again: after an orderly end, after a reset, and without any end that the capture has.
#[test]
fn a_second_connection_between_the_same_ports() {
    let (client, server): (SocketAddr, SocketAddr) =
        ("192.0.2.10:40000".parse().expect("an address"), "192.0.2.11:5060".parse().expect("an address"));
    let story = story("TCP");
    for end in ["closed", "reset", "left open"] {
        let mut wire = Wire::new(Link::Ethernet);
        let mut sent = Vec::new();
        let mut send = |time: u64, segments: &[Segment<'_>]| {
            let frames =
                segments.iter().map(|segment| Sent { packet: wire.tcp(time, segment), message: None, piece: 0 });
            sent.extend(frames);
        };
        let (first, second) = story.split_at(REFUSAL - 1);
        // The second one begins with sequence numbers that lie within the first one.
        for (part, sequence) in [(first, 10_000), (second, 11_000)] {
            let mut session = Session::new(client, server, sequence, sequence);
            send(part[0].time - 1_000, &session.opening());
            for said in part {
                send(said.time, &[session.data(side(said), &said.text)]);
            }
            let last = part[part.len() - 1].time + 1_000;
            match end {
                "closed" => send(last, &session.closing(Side::Server)),
                "reset" => send(last, &[session.reset(Side::Client)]),
                _ => {}
            }
        }
        assert_untouched(&format!("a second connection, the first one {end}"), &sent);
    }
}

/// Without the capture of a segment, all other messages are found, wherever it was; and the 301 is never said to be not followed.
#[test]
fn a_lost_segment_takes_one_message_with_it() {
    let count = story("TCP").len();
    for lost in 0..count {
        let sent: Vec<Sent> = connection(&whole).into_iter().filter(|sent| sent.message != Some(lost)).collect();
        let run = run(&format!("message {lost} lost"), &sent);
        assert_eq!(run.messages(), count as u64 - 1, "message {lost} lost");
        for piece in 0..3 {
            let name = format!("piece {piece} of message {lost} lost");
            let is_lost = |sent: &Sent| (sent.message, sent.piece) == (Some(lost), piece);
            let sent: Vec<Sent> = connection(&thirds).into_iter().filter(|sent| !is_lost(sent)).collect();
            let run = self::run(&name, &sent);
            assert!(run.messages() + 1 >= count as u64, "{name}: {} of {count} messages", run.messages());
            let claimed = list(&run.report, "findings")
                .any(|finding| finding["rule"] == "redirect-not-followed" && finding["values"]["status"] == 301);
            assert!(!claimed, "{name}: the 301 was followed, but perhaps not seen to be");
        }
    }
}

/// The 302 that nothing came of: its outcome, and how often it was claimed that it was not followed.
fn claimed(name: &str, sent: &[Sent]) -> (String, usize) {
    let run = run(name, sent);
    let away = list(&run.report, "redirects").find(|redirect| redirect["status"] == 302).expect("the 302");
    (away["outcome"].as_str().expect("an outcome").to_owned(), run.findings("redirect-not-followed"))
}

#[test]
fn nothing_is_claimed_across_a_loss() {
    let sent = connection(&whole);
    assert_eq!(claimed("nothing lost", &sent), ("not_followed".to_owned(), 1), "nothing lost");
    // What was lost right after the 302 can have been an INVITE; a keep-alive some seconds later shows that something was.
    let mut sent = sent;
    let lost = sent.iter().position(|sent| sent.message == Some(AWAY + 1)).expect("an ACK");
    let ping = story("TCP").len() - 2;
    let next = sent.iter().position(|sent| sent.message == Some(ping)).expect("an OPTIONS");
    let delay = sent[next].packet.time - sent[lost].packet.time;
    sent[next].packet.time -= delay - 5 * SECOND;
    sent.remove(lost);
    let probe = sent.remove(next - 1);
    let mut later = probe.clone();
    later.packet.time += 40 * SECOND;
    sent.insert(lost + 1, probe);
    sent.push(later);
    let (outcome, findings) = claimed("a loss after the 302", &sent);
    assert_eq!((outcome.as_str(), findings), ("undetermined", 0), "a loss after the 302");
    // What was lost before the INVITE that it answers says nothing about it.
    let sent: Vec<Sent> = connection(&whole).into_iter().filter(|sent| sent.message != Some(FOLLOW_UP + 2)).collect();
    assert_eq!(claimed("a loss before the 302", &sent), ("not_followed".to_owned(), 1), "a loss long before the 302");
}

#[test]
fn nothing_is_claimed_across_a_loss_that_shows_late() {
    // The peer acknowledges bytes that the capture lacks, but nothing follows them for 40 s.
    let sent: Vec<Sent> = connection(&whole).into_iter().filter(|sent| sent.message != Some(AWAY + 1)).collect();
    let (outcome, findings) = claimed("a loss that shows late", &sent);
    assert_eq!((outcome.as_str(), findings), ("undetermined", 0), "a loss that shows late");
}

/// A capture that begins within the connection finds every message that is whole in it.
#[test]
fn a_capture_that_begins_anywhere() {
    for cuts in [&whole as &dyn Fn(usize, &[u8]) -> Vec<usize>, &thirds] {
        let sent = connection(cuts);
        for start in 0..sent.len() {
            let name = format!("from frame {} of {} on", start + 1, sent.len());
            let rest = &sent[start..];
            let begins = |sent: &&Sent| sent.message.is_some() && sent.piece == 0;
            let whole = rest.iter().filter(begins).count();
            assert_eq!(run(&name, rest).messages(), whole as u64, "{name}: messages");
        }
    }
}

/// A message behind a hole comes when nobody waits for the hole any more, though its connection says nothing from then on.
#[test]
fn what_is_held_on_a_quiet_connection_is_read_before_its_call_is_judged() {
    let (client, server): (SocketAddr, SocketAddr) =
        ("192.0.2.10:40000".parse().expect("an address"), "192.0.2.11:5060".parse().expect("an address"));
    let mut session = Session::new(client, server, 1, 77);
    let mut wire = Wire::new(Link::Ethernet);
    let story = story("TCP");
    let mut packets: Vec<Packet> =
        session.opening().iter().map(|segment| wire.tcp(story[0].time - 1_000, segment)).collect();
    packets.push(wire.tcp(story[0].time, &session.data(Side::Client, &story[0].text)));
    // Not captured.
    session.data(Side::Server, b"\r\n");
    packets.push(wire.tcp(story[MOVED].time, &session.data(Side::Server, &story[MOVED].text)));
    for minute in 1..40 {
        packets.push(wire.udp(story[MOVED].time + minute * 60 * SECOND, client, server, b"\r\n\r\n"));
    }
    let run = run_bytes(file(Layout::usual(Link::Ethernet), &packets).expect("memory"));
    run.assert_conserved("a quiet connection");
    assert_eq!(run.report["summary"]["redirects"]["total"], 1, "{:#}", run.report["summary"]);
}

#[test]
fn one_direction_alone_is_read_and_nothing_concluded_from_the_silence_of_the_other() {
    let story = story("TCP");
    for side in [Who::Phone, Who::Server] {
        let sent: Vec<Sent> = connection(&thirds)
            .into_iter()
            .filter(|sent| sent.message.is_some_and(|message| story[message].by == side))
            .collect();
        let name = format!("only {side:?}");
        let run = run(&name, &sent);
        assert_eq!(run.messages(), story.iter().filter(|said| said.by == side).count() as u64, "{name}");
        assert_eq!(run.findings("redirect-not-followed"), 0, "{name}");
    }
}

#[test]
fn a_message_in_the_segment_that_opens_the_connection() {
    let (client, server): (SocketAddr, SocketAddr) =
        ("192.0.2.10:40000".parse().expect("an address"), "192.0.2.11:5060".parse().expect("an address"));
    let mut session = Session::new(client, server, u32::MAX, 77);
    let mut wire = Wire::new(Link::Ethernet);
    let mut sent = Vec::new();
    for (number, said) in story("TCP").iter().enumerate() {
        let segments = match number {
            0 => vec![session.segment(Side::Client, SYN, &said.text), session.segment(Side::Server, SYN | ACK, b"")],
            _ => vec![session.data(side(said), &said.text)],
        };
        sent.extend(segments.iter().map(|segment| Sent {
            packet: wire.tcp(said.time, segment),
            message: None,
            piece: 0,
        }));
    }
    assert_untouched("data on the SYN", &sent);
}

#[test]
fn of_segments_that_say_different_things_the_first_holds() {
    let mut sent = connection(&thirds);
    let at = |sent: &[Sent], piece| {
        sent.iter().position(|sent| (sent.message, sent.piece) == (Some(MOVED), piece)).expect("a piece")
    };
    // The second third comes twice before the first one, and says something else the second time.
    let (first, second) = (at(&sent, 0), at(&sent, 1));
    let times = (sent[first].packet.time, sent[second].packet.time);
    let mut early = sent[second].clone();
    early.packet.time = times.0;
    let mut other = early.clone();
    let length = other.packet.bytes.len();
    other.packet.bytes[length - 30..].fill(b'?');
    let mut late = sent[first].clone();
    late.packet.time = times.1;
    // Without the acknowledgments between them.
    sent.splice(first..=second, [early, other, late]);
    assert_untouched("segments that contradict each other", &sent);
    let run = run("segments that contradict each other", &sent);
    assert_eq!(run.report["capture_quality"]["tcp"]["conflicts"], 1);
}
