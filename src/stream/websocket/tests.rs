use proptest::prelude::*;

use super::*;

const HEAD: &[u8] = b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: sip\r\n\r\n";

fn recognise(bytes: &[u8]) -> bool {
    bytes.starts_with(b"SIP")
}

fn frame(first: u8, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..=125 => bytes.push(masked | u8::try_from(length).unwrap()),
        length => {
            bytes.push(masked | 126);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
    }
    bytes.extend(mask.iter().flatten());
    frame::append(&mut bytes, payload, mask);
    bytes
}

fn read(socket: &mut WebSocket, bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    socket.data(bytes, &mut |message| messages.push(message.to_vec()));
    messages
}

/// Messages whole and in frames, masked and not, with control frames between, and what is not read.
fn conversation() -> (Vec<u8>, Vec<Vec<u8>>) {
    let long = [&b"SIP long "[..], &[b'x'; 300]].concat();
    let mask = Some([1, 2, 3, 250]);
    let bytes = [
        HEAD.to_vec(),
        frame(0x81, b"SIP one", mask),
        frame(0x01, b"SIP", mask),
        frame(0x89, b"ping", mask),
        frame(0x00, b" in ", None),
        frame(0x80, b"pieces", mask),
        frame(0x82, &long, None),
        frame(0x81, b"\r\n", mask),
        frame(0xc1, b"SIP compressed", mask),
        frame(0x81, b"SIP last", mask),
        frame(0x88, b"", mask),
    ];
    (bytes.concat(), vec![b"SIP one".to_vec(), b"SIP in pieces".to_vec(), long, b"SIP last".to_vec()])
}

proptest! {
    #[test]
    fn where_segments_are_cut_does_not_matter(cuts in prop::collection::vec(0_usize..700, 0..20)) {
        let (bytes, expected) = conversation();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| 20 + cut % (bytes.len() - 20)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let mut socket = WebSocket::open(&bytes[..cuts[1]], recognise).unwrap();
        let found: Vec<Vec<u8>> = cuts.windows(2).flat_map(|cut| read(&mut socket, &bytes[cut[0]..cut[1]])).collect();
        prop_assert_eq!(found, expected);
        prop_assert!(socket.stats().conserves(0));
        prop_assert_eq!((socket.stats().control_frames, socket.stats().compressed), (2, 1));
        prop_assert_eq!(socket.verdict(), Verdict::Ours);
    }

    #[test]
    fn every_byte_is_counted_once(bytes in prop::collection::vec(any::<u8>(), 0..400), size in 1_usize..50) {
        let start = frame(0x81, b"SIP x", None);
        let mut socket = WebSocket::open(&start, recognise).unwrap();
        read(&mut socket, &start);
        for piece in bytes.chunks(size) {
            read(&mut socket, piece);
        }
        socket.finish();
        prop_assert!(socket.stats().conserves(0));
    }
}

#[test]
fn a_stream_without_its_upgrade_is_believed_by_its_content_alone() {
    let mask = Some([9, 8, 7, 6]);
    assert!(WebSocket::open(&frame(0x81, b"SIP x", mask), recognise).is_some());
    assert!(WebSocket::open(&frame(0x81, b"MQTT", mask), recognise).is_none());
    assert!(WebSocket::open(b"POST / HTTP/1.1\r\n", recognise).is_none());
}

#[test]
fn plain_http_is_dismissed_with_its_head() {
    let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut socket = WebSocket::open(head, recognise).unwrap();
    assert!(read(&mut socket, head).is_empty());
    assert_eq!(socket.verdict(), Verdict::NotOurs);
    assert!(socket.stats().conserves(0));
}

#[test]
fn a_head_without_an_end_is_given_up() {
    let mut socket = WebSocket::open(b"GET / HTTP/1.1\r\n", recognise).unwrap();
    read(&mut socket, &vec![b'a'; MAX_UPGRADE_BYTES + 1]);
    assert_eq!(socket.verdict(), Verdict::NotOurs);
}

#[test]
fn behind_a_gap_the_next_segment_that_shows_a_message_is_read() {
    let one = frame(0x81, b"SIP one", Some([1, 2, 3, 4]));
    let mut socket = WebSocket::open(&one, recognise).unwrap();
    assert_eq!(read(&mut socket, &one[..8]).len(), 0);
    socket.gap();
    assert!(read(&mut socket, b"\x81\x03two").is_empty());
    assert_eq!(read(&mut socket, &one), [b"SIP one"]);
    assert_eq!(socket.stats().resyncs, 1);
    assert!(socket.stats().conserves(0));
}

#[test]
fn a_frame_that_is_too_long_is_passed_over() {
    let mut socket = WebSocket::open(&frame(0x81, b"SIP x", None), recognise).unwrap();
    let length = MAX_MESSAGE_BYTES + 1;
    let mut bytes = vec![0x81, 127];
    bytes.extend(count(length).to_be_bytes());
    bytes.resize(10 + length, b'x');
    bytes.extend(frame(0x81, b"SIP behind", None));
    let found: Vec<Vec<u8>> = bytes.chunks(1_000).flat_map(|piece| read(&mut socket, piece)).collect();
    assert_eq!(found, [b"SIP behind"]);
    assert_eq!(socket.stats().oversize, 1);
    assert!(socket.stats().conserves(0));
}
