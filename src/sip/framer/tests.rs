use proptest::prelude::*;

use super::*;
use crate::limits::MAX_MESSAGE_BYTES;
use crate::sip::anomaly::Anomaly;

/// What a framer gave away: the bytes, where they lie, and whether they were found again and are whole.
type Given = (Vec<u8>, Vec<Extent>, bool, bool);

fn extent(offset: usize, length: usize) -> Extent {
    Extent { input: 3, offset: offset as u64, length: u32::try_from(length).unwrap() }
}

struct Stream {
    framer: Framer,
    offset: usize,
    given: Vec<Given>,
}

impl Stream {
    fn new(framer: Framer) -> Self {
        Self { framer, offset: 1_000, given: Vec::new() }
    }

    fn data(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let bytes = bytes.as_ref();
        let extent = extent(self.offset, bytes.len());
        self.offset += bytes.len();
        self.framer.data(bytes, extent, &mut keep(&mut self.given));
        self.conserves()
    }

    fn gap(&mut self, length: u64) -> &mut Self {
        self.framer.gap(length, &mut keep(&mut self.given));
        self.conserves()
    }

    fn finish(&mut self) -> &mut Self {
        self.framer.finish(&mut keep(&mut self.given));
        assert_eq!(self.framer.pending_bytes(), 0);
        self.conserves()
    }

    fn conserves(&mut self) -> &mut Self {
        assert!(self.framer.stats().conserves(self.framer.pending_bytes() as u64), "{:?}", self.framer);
        self
    }

    fn texts(&self) -> Vec<String> {
        self.given.iter().map(|given| String::from_utf8_lossy(&given.0).into_owned()).collect()
    }
}

fn keep(given: &mut Vec<Given>) -> impl FnMut(Framed<'_>) {
    |framed| {
        let length: usize = framed.extents.iter().map(|extent| extent.length as usize).sum();
        assert_eq!(length, framed.bytes.len(), "extents are as long as the bytes");
        given.push((framed.bytes.to_vec(), framed.extents.to_vec(), framed.resynced, framed.complete));
    }
}

fn message(number: usize, body: &str) -> String {
    format!("MESSAGE sip:a SIP/2.0\r\nCall-ID: {number}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn several_messages_and_keep_alives_in_one_chunk() {
    let (one, two) = (message(1, "SIP/2.0 200 OK\r\n"), message(2, ""));
    let mut stream = Stream::new(Framer::new());
    stream.data(format!("\r\n\r\n{one}\r\n{two}\r\n\r\n")).finish();
    assert_eq!(stream.texts(), [one.clone(), two.clone()]);
    assert_eq!(stream.given[0].1, [extent(1_004, one.len())]);
    assert_eq!(stream.given[1].1, [extent(1_006 + one.len(), two.len())]);
    assert_eq!(stream.framer.stats().keep_alive_bytes, 10);
    assert_eq!((stream.framer.verdict(), stream.framer.stats().skipped_bytes), (FramerVerdict::Sip, 0));
}

#[test]
fn extents_that_do_not_adjoin_stay_apart() {
    let text = message(1, "body");
    let mut stream = Stream::new(Framer::new());
    stream.data(&text[..5]).data(&text[5..10]);
    stream.offset = 5_000;
    stream.data(&text[10..]);
    assert_eq!(stream.given[0].1, [extent(1_000, 10), extent(5_000, text.len() - 10)]);
}

#[test]
fn decrypted_bytes_get_the_whole_extent() {
    let text = message(1, "") + &message(2, "");
    let mut framer = Framer::new();
    let mut seen = Vec::new();
    framer.data(text.as_bytes(), extent(7, 500), &mut |framed| seen.push(framed.extents.to_vec()));
    assert_eq!(seen, [[extent(7, 500)], [extent(7, 500)]]);
}

#[test]
fn without_content_length_there_is_no_body() {
    let head = "BYE sip:a SIP/2.0\r\nCall-ID: 1\r\n\r\n";
    let next = message(2, "");
    let mut stream = Stream::new(Framer::new());
    stream.data(format!("{head}{next}"));
    assert_eq!(stream.texts(), [head, next.as_str()]);
    let framed = Framed { bytes: head.as_bytes(), extents: &[], resynced: false, complete: true };
    let parsed = framed.parse().unwrap();
    assert!(parsed.anomalies().iter().any(|(anomaly, _)| *anomaly == Anomaly::ContentLengthMissingOnStream));
}

#[test]
fn a_content_length_that_cannot_be_used_loses_the_framing() {
    let (inside, next) = (message(8, ""), message(9, ""));
    for length in ["l: -1\r\n", "l: 3\r\nContent-Length: 4\r\n"] {
        let head = format!("BYE sip:a SIP/2.0\r\n{length}\r\n");
        let mut stream = Stream::new(Framer::new());
        stream.data(format!("{head}body{inside}")).data("more").data(&next);
        assert_eq!(stream.texts(), [head, next.clone()], "never inside what may be a body");
        assert_eq!((stream.given[0].2, stream.given[1].2), (false, true));
        assert_eq!((stream.framer.stats().framing_lost, stream.framer.stats().resyncs), (1, 1));
    }
}

#[test]
fn a_stream_that_began_before_the_capture() {
    let next = message(1, "");
    let mut stream = Stream::new(Framer::midstream());
    stream.data(format!("the tail of a body\r\n{next}"));
    assert_eq!(stream.framer.verdict(), FramerVerdict::Undecided);
    stream.data("\r\n\r\n").data(&next[..3]).data("=").data(&next[..9]).data(&next[9..]).data(&next);
    assert_eq!(stream.texts(), [&*next, &*next]);
    assert_eq!((stream.given[0].2, stream.given[1].2), (true, false));
    assert_eq!(stream.framer.verdict(), FramerVerdict::Sip);
}

#[test]
fn other_protocols_are_not_sip() {
    for bytes in [&b"GET / HTTP/1.1\r\n"[..], b"\x16\x03\x01\x02\x00", b"\0\x01\x02", b"OPTIONS rtsp://a RTSP/1.0\r\n"]
    {
        let mut stream = Stream::new(Framer::new());
        stream.data(bytes);
        assert_eq!(stream.framer.verdict(), FramerVerdict::NotSip, "{bytes:?}");
        let mut stream = Stream::new(Framer::midstream());
        stream.data(bytes);
        assert_eq!(stream.framer.verdict(), FramerVerdict::Undecided);
        let mut stream = Stream::new(Framer::new());
        for byte in bytes {
            stream.data([*byte]);
        }
        assert_eq!(stream.framer.verdict(), FramerVerdict::NotSip, "byte by byte: {bytes:?}");
    }
    let mut stream = Stream::new(Framer::new());
    stream.data("\r\n\r\n").data("INV");
    assert_eq!(stream.framer.verdict(), FramerVerdict::Undecided);
}

#[test]
fn a_gap_within_a_body_keeps_the_message_and_the_framing() {
    let (one, two) = (message(1, "0123456789"), message(2, ""));
    let cut = one.len() - 6;
    let mut stream = Stream::new(Framer::new());
    stream.data(&one[..cut]).gap(4).data(format!("{}{two}", &one[cut + 4..]));
    assert_eq!(stream.texts(), [one[..cut].to_owned(), two.clone()]);
    assert_eq!((stream.given[0].3, stream.given[1].3), (false, true));
    assert_eq!((stream.given[0].2, stream.given[1].2), (false, false));
    assert_eq!(stream.framer.stats().skipped_bytes, 2);
    let mut stream = Stream::new(Framer::new());
    stream.data(&one[..cut]).gap(2).gap(4).data(&two);
    assert_eq!((stream.texts().len(), stream.given[1].2), (2, false), "up to the end of the body");
    let framed = Framed { bytes: &one.as_bytes()[..cut], extents: &[], resynced: false, complete: false };
    let odd: Vec<Anomaly> = framed.parse().unwrap().anomalies().iter().map(|(anomaly, _)| *anomaly).collect();
    assert!(odd.contains(&Anomaly::BodyIncomplete) && !odd.contains(&Anomaly::ContentLengthTooLarge));
}

#[test]
fn a_gap_beyond_a_body_keeps_the_message_only() {
    let (one, two) = (message(1, "0123456789"), message(2, ""));
    let mut stream = Stream::new(Framer::new());
    stream.data(&one[..one.len() - 5]).gap(6).data(format!("x{two}")).data(&two);
    assert_eq!(stream.texts(), [&one[..one.len() - 5], &*two]);
    assert_eq!((stream.given[0].3, stream.given[1].2), (false, true));
}

#[test]
fn a_gap_within_a_head_loses_the_message() {
    let (one, two) = (message(1, ""), message(2, ""));
    let mut stream = Stream::new(Framer::new());
    stream.data(&one[..30]).gap(5).data(&one[35..]).data(&two);
    assert_eq!(stream.texts(), [two]);
    assert_eq!((stream.framer.stats().cut_by_gap, stream.framer.stats().framing_lost), (1, 1));
}

#[test]
fn the_end_gives_away_what_has_a_head() {
    let text = message(1, "body");
    let mut stream = Stream::new(Framer::new());
    stream.data(&text[..text.len() - 1]).finish();
    assert_eq!((stream.texts(), stream.given[0].3), (vec![text[..text.len() - 1].to_owned()], false));
    let mut stream = Stream::new(Framer::new());
    stream.data(&text[..30]).finish();
    assert_eq!((stream.given.len(), stream.framer.stats().unfinished), (0, 1));
    let mut stream = Stream::new(Framer::new());
    stream.data("BYE sip:a SIP/2.0\r\rX").finish();
    assert_eq!(stream.texts(), ["BYE sip:a SIP/2.0\r\r"]);
    let mut stream = Stream::new(Framer::new());
    stream.data("BYE sip:a SIP/2.0\r\nl: 0\r\n\r").finish();
    assert_eq!((stream.texts().len(), stream.given[0].3), (1, true));
}

#[test]
fn a_reset_begins_a_new_stream() {
    let text = message(1, "body");
    let mut stream = Stream::new(Framer::new());
    stream.data(&text[..text.len() - 1]);
    stream.framer.reset(&mut keep(&mut stream.given));
    stream.data(&text);
    assert_eq!((stream.given.len(), stream.given[1].2), (2, false));
}

#[test]
fn a_message_that_is_too_long_is_dropped() {
    let next = message(2, "");
    let head = format!("BYE sip:a SIP/2.0\r\nl: {MAX_MESSAGE_BYTES}\r\n\r\n");
    let mut stream = Stream::new(Framer::new());
    stream.data(format!("{head}{next}")).data("xyz").data(&next);
    assert_eq!((stream.texts(), stream.framer.stats().oversize), (vec![next.clone()], 1));
    let mut stream = Stream::new(Framer::new());
    stream.data("BYE sip:a SIP/2.0\r\n");
    for _ in 0..=MAX_MESSAGE_BYTES / 1_000 {
        stream.data("x".repeat(1_000));
    }
    stream.data(&next);
    assert_eq!((stream.texts(), stream.framer.stats().oversize), (vec![next], 1));
    assert!(stream.framer.held.capacity() <= USUAL_BYTES);
}

#[test]
fn a_line_that_comes_byte_by_byte_is_not_scanned_again_and_again() {
    for filler in ["x", "\r"] {
        let mut stream = Stream::new(Framer::new());
        stream.data("BYE sip:a SIP/2.0\r\nX: y");
        for _ in 0..200_000 {
            stream.data(filler);
        }
        stream.data("\r\n\r\n").finish();
        assert_eq!(stream.given.len(), 1);
    }
}

/// Streams of messages as elements send them, well or badly.
fn streams() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(
        &[
            "\r\n\r\n",
            "\r\n",
            "\n",
            "MESSAGE sip:a SIP/2.0\r\nl: 0\r\n\r\n",
            "SIP/2.0 301 Moved\nContent-Length : 5\nX: y\n\nab\r\nc",
            "INVITE sip:a SIP/2.0\r\nl:\r\n 19\r\nl: 19\r\n\r\nBYE sip:b SIP/2.0\r\n",
            "BYE sip:a SIP/2.0\rX: y\r\r",
            "BYE sip:a SIP/2.0\r\r\nl: 2\r\r\n\r\n\r\r",
            "ACK sip:a SIP/2.0\r\n\r\n",
            "\r\r",
        ][..],
    );
    proptest::collection::vec(piece, 1..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn cuts_change_nothing(text in streams(), cuts in proptest::collection::vec(0_usize..400, 0..12)) {
        let mut whole = Stream::new(Framer::new());
        whole.data(&text).finish();
        let mut bytewise = Stream::new(Framer::new());
        for byte in text.as_bytes() {
            bytewise.data([*byte]);
        }
        bytewise.finish();
        let mut places: Vec<usize> = cuts.into_iter().filter(|cut| *cut < text.len()).collect();
        places.extend([0, text.len()]);
        places.sort_unstable();
        let mut pieces = Stream::new(Framer::new());
        for pair in places.windows(2) {
            pieces.data(&text[pair[0]..pair[1]]);
        }
        pieces.finish();
        prop_assert_eq!(&whole.given, &bytewise.given);
        prop_assert_eq!(&whole.given, &pieces.given);
        prop_assert_eq!(whole.framer.stats(), bytewise.framer.stats());
        prop_assert_eq!(whole.framer.verdict(), pieces.framer.verdict());
    }

    #[test]
    fn anything_in_any_order_is_survived(steps in proptest::collection::vec(
        prop_oneof![
            streams().prop_map(Ok),
            "[a-zA-Z:/ .\r\n0-9]{0,20}".prop_map(Ok),
            (0_u64..40).prop_map(Err),
        ], 0..12), midstream in any::<bool>()) {
        let mut stream = Stream::new(if midstream { Framer::midstream() } else { Framer::new() });
        for step in &steps {
            match step {
                Ok(text) => stream.data(text),
                Err(length) => stream.gap(*length),
            };
        }
        stream.finish();
        for (bytes, extents, resynced, complete) in &stream.given {
            let framed = Framed { bytes, extents, resynced: *resynced, complete: *complete };
            prop_assert!(matches!(framed.parse(), Ok(_) | Err(NotSip::NoSipHeader)));
        }
    }
}
