use proptest::prelude::*;

use super::*;
use crate::limits::MAX_HEADERS;
use crate::sip::header::Refresher;

const REDIRECT: &str = "SIP/2.0 301 Moved Permanently\r\n\
    Via: SIP/2.0/UDP proxy.example.com;branch=z9hG4bK1;received=192.0.2.7, SIP/2.0/TCP [2001:db8::9]:5070;branch=z9hG4bK2\r\n\
    v: SIP/2.0/TLS ua.example.net;branch=z9hG4bK3\r\n\
    f: \"Alice\" <sip:alice@example.net>;tag=a1\r\n\
    To: sip:bob@example.com;tag=b2\r\n\
    i: x@y\r\n\
    CSeq: 7 INVITE\r\n\
    m: <sip:bob@one.example>;q=0.5;expires=60, \"B, ob\" <sips:bob@two.example>\r\n\
    Contact: <tel:+12015550123>;q=2\r\n\
    k: timer, 100rel\r\n\
    x: 1800;refresher=uas\r\n\
    Min-SE: 90\r\n\
    Server: test (a, b)\r\n\
    Expires: 3600\r\n\
    l: 4\r\n\
    \r\n\
    body";

fn parse(text: &str) -> Message<'_> {
    Message::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn odd(message: &Message<'_>) -> Vec<Anomaly> {
    message.anomalies().iter().map(|(anomaly, _)| *anomaly).collect()
}

/// A request that is right, with these headers besides and this body.
fn request(headers: &str, body: &str) -> String {
    format!(
        "INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\n\
         Call-ID: c\r\nCSeq: 1 INVITE\r\n{headers}\r\n{body}"
    )
}

#[test]
fn everything_is_read_from_a_redirect() {
    let message = parse(REDIRECT);
    assert_eq!(odd(&message), []);
    assert!(message.correlates());
    assert_eq!((message.status(), message.method()), (Some(301), None));
    assert_eq!(message.body, b"body");
    assert_eq!(message.raw(), REDIRECT.as_bytes());
    assert_eq!(message.call_id(), Some(&b"x@y"[..]));
    assert_eq!(message.cseq(), Ok(CSeq { number: 7, method: b"INVITE" }));
    let from = message.from().unwrap();
    assert_eq!(
        (from.display_name, from.uri, from.tag()),
        (Some(&b"Alice"[..]), &b"sip:alice@example.net"[..], Some(&b"a1"[..]))
    );
    let to = message.to().unwrap();
    assert_eq!((to.uri, to.tag()), (&b"sip:bob@example.com"[..], Some(&b"b2"[..])));
    let hosts: Vec<&[u8]> = message.vias().map(|via| via.unwrap().sent_by.text()).collect();
    assert_eq!(hosts, [&b"proxy.example.com"[..], b"[2001:db8::9]", b"ua.example.net"]);
    assert_eq!(message.top_via().unwrap().branch, Some(&b"z9hG4bK1"[..]));
    let session = message.session_expires().unwrap().unwrap();
    assert_eq!((session.seconds, session.refresher), (1_800, Some(Refresher::Uas)));
    assert_eq!(message.min_se().unwrap().unwrap().seconds, 90);
    assert!(message.has_option_tag(HeaderName::Supported, b"TIMER"));
    assert!(!message.has_option_tag(HeaderName::Require, b"timer"));
    assert_eq!(message.server(), Some(&b"test (a, b)"[..]));
    assert_eq!(message.expires(), Some(Ok(3_600)));
    assert_eq!(message.content_length(), Some(Ok(4)));
}

#[test]
fn contacts_keep_their_own_preference() {
    let message = parse(REDIRECT);
    let Contacts::List(list) = message.contacts() else { panic!("a wildcard") };
    let found: Vec<_> =
        list.map(|contact| contact.map(|c| (c.name_addr.uri, c.q_millis, c.q_error, c.expires)).unwrap()).collect();
    assert_eq!(
        found,
        [
            (&b"sip:bob@one.example"[..], Some(500), None, Some(60)),
            (b"sips:bob@two.example", None, None, None),
            (b"tel:+12015550123", None, Some(HeaderError::InvalidQ), None),
        ]
    );
}

#[test]
fn the_wildcard_stands_alone() {
    assert!(matches!(parse(&request("Contact: *\r\n", "")).contacts(), Contacts::Wildcard));
    let text = request("m: *, <sip:a@b>\r\n", "");
    let message = parse(&text);
    let Contacts::List(mut list) = message.contacts() else { panic!("a wildcard") };
    assert_eq!(list.next(), Some(Err(HeaderError::WildcardBesideOthers)));
    assert_eq!(list.next().map(|contact| contact.is_ok()), Some(true));
    assert_eq!(odd(&message), [Anomaly::MalformedContact]);
    assert!(matches!(parse(&request("", "")).contacts(), Contacts::List(list) if list.clone().count() == 0));
}

#[test]
fn headers_keep_order_spelling_and_place() {
    let text = request("x-Odd : \r\n  a\r\n\tb\r\nSubject:\r\n", "");
    let message = parse(&text);
    let header = message.headers().find(|header| header.raw_name == b"x-Odd").unwrap();
    assert_eq!((header.name, header.value), (HeaderName::Other, &b"a\r\n\tb"[..]));
    assert!(text[header.offset as usize..].starts_with("x-Odd"));
    assert_eq!(message.header(HeaderName::Subject).unwrap().value, b"");
    let names: Vec<&[u8]> = message.headers().map(|header| header.raw_name).collect();
    assert_eq!(names, [&b"Via"[..], b"From", b"To", b"Call-ID", b"CSeq", b"x-Odd", b"Subject"]);
    assert_eq!(odd(&message), []);
}

#[test]
fn content_length_cuts_the_body_of_a_datagram() {
    for (headers, body, rest, odds) in [
        ("Content-Length: 4\r\n", "body", "", vec![]),
        ("Content-Length: 4\r\n", "body", "more", vec![Anomaly::TrailingOctets]),
        ("Content-Length: 9\r\n", "body", "", vec![Anomaly::ContentLengthTooLarge]),
        ("", "body", "", vec![]),
        ("Content-Length: -4\r\n", "body", "", vec![Anomaly::MalformedContentLength]),
        ("l: 4\r\nContent-Length: 04\r\n", "body", "", vec![Anomaly::HeaderRepeated]),
        ("l: 4\r\nContent-Length: 5\r\n", "body", "more", vec![Anomaly::ContentLengthConflict]),
        ("l: 99999999999999999999\r\n", "body", "", vec![Anomaly::ContentLengthTooLarge]),
    ] {
        let text = request(headers, &format!("{body}{rest}"));
        let message = parse(&text);
        assert_eq!((message.body, odd(&message)), (body.as_bytes(), odds), "{headers:?}");
        assert_eq!(message.raw().len(), text.len() - rest.len());
        assert!(message.correlates());
    }
}

#[test]
fn what_the_capture_cut_is_not_the_fault_of_the_sender() {
    let text = request("Content-Length: 9\r\n", "body");
    let message = Message::parse_cut(text.as_bytes()).unwrap();
    assert_eq!((message.body, odd(&message)), (&b"body"[..], vec![Anomaly::BodyIncomplete]));
    let head = text.find("\r\n\r\n").unwrap();
    let message = Message::parse_cut(&text.as_bytes()[..head - 3]).unwrap();
    assert_eq!(odd(&message), [Anomaly::HeadCut]);
    assert_eq!(message.content_length(), None, "a line that is cut is not believed");
    assert!(message.correlates());
    assert_eq!(Message::parse_cut(b"SIP/2.0 301 Mov").err(), Some(NotSip::StartLineCut));
    let message = parse(&text[..head + 2]);
    assert_eq!((message.content_length(), odd(&message)), (Some(Ok(9)), vec![Anomaly::BlankLineMissing]));
}

#[test]
fn what_identifies_a_message_must_be_there_once() {
    let whole = request("", "");
    for (line, anomaly, correlates) in [
        ("Call-ID: c\r\n", Anomaly::CallIdMissing, false),
        ("From: <sip:a@h>;tag=1\r\n", Anomaly::FromMissing, false),
        ("CSeq: 1 INVITE\r\n", Anomaly::CseqMissing, false),
        ("To: <sip:b@h>\r\n", Anomaly::ToMissing, true),
        ("Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n", Anomaly::ViaMissing, true),
    ] {
        let message = whole.replace(line, "");
        assert_eq!((odd(&parse(&message)), parse(&message).correlates()), (vec![anomaly], correlates), "{line}");
    }
    for (line, anomaly, correlates) in [
        ("i: d\r\n", Anomaly::CallIdConflict, false),
        ("i: c\r\n", Anomaly::HeaderRepeated, true),
        ("f: <sip:a@h>;tag=2\r\n", Anomaly::FromConflict, false),
        ("t: <sip:c@h>\r\n", Anomaly::ToConflict, false),
        ("CSeq: 2 INVITE\r\n", Anomaly::CseqConflict, false),
        ("Max-Forwards: 1\r\nMax-Forwards: 2\r\n", Anomaly::HeaderRepeated, true),
    ] {
        let text = request(line, "");
        let message = parse(&text);
        assert_eq!((odd(&message), message.correlates()), (vec![anomaly], correlates), "{line}");
        assert_eq!((message.call_id(), message.cseq().unwrap().number), (Some(&b"c"[..]), 1), "the first counts");
    }
}

#[test]
fn cseq_is_never_another_number() {
    for (cseq, anomaly, correlates) in [
        ("4294967296 INVITE", Anomaly::CseqNumberTooLarge, false),
        ("2147483648 INVITE", Anomaly::CseqNumberAbove31Bits, true),
        ("1 ACK", Anomaly::CseqMethodMismatch, false),
        ("1 invite", Anomaly::CseqMethodMismatch, false),
        ("x INVITE", Anomaly::MalformedCseq, false),
    ] {
        let text = request("", "").replace("1 INVITE", cseq);
        assert_eq!((odd(&parse(&text)), parse(&text).correlates()), (vec![anomaly], correlates), "{cseq}");
    }
}

#[test]
fn oddities_stand_where_they_are() {
    let text = request("Contact: < sip:a@b >\r\n", "");
    let message = parse(&text);
    let (anomaly, at) = message.anomalies()[0];
    assert_eq!(anomaly, Anomaly::SpaceInBrackets);
    assert!(text[at as usize..].starts_with("Contact"));
    for (headers, anomaly) in [
        ("Date: Fri, 01 Jan 2010 16:00:00 EST\r\n", Anomaly::DateNotGmt),
        ("v: SIP/2.0/UDP h;branch=z9hG4bK\r\n", Anomaly::BareBranchCookie),
        ("Via: SIP/2.0/UDP h,\r\n", Anomaly::EmptyListValue),
        ("Via: UDP h\r\n", Anomaly::MalformedVia),
        ("Contact: <sip:a@b>;;\r\n", Anomaly::EmptyParameter),
        ("Contact: bob\r\nm:\r\n", Anomaly::EmptyListValue),
        ("no colon\r\n", Anomaly::MalformedHeaderLine),
        ("X: y\n", Anomaly::BareLineFeed),
        ("X: y\rZ: 1\r\n", Anomaly::BareCarriageReturn),
        ("X: y\r\r\n", Anomaly::BareCarriageReturn),
    ] {
        assert_eq!(odd(&parse(&request(headers, ""))), [anomaly], "{headers:?}");
    }
    assert_eq!(odd(&parse(&request("Date: Fri, 01 Jan 2010 16:00:00 GMT\r\n", ""))), []);
}

#[test]
fn padding_in_front_is_skipped() {
    let text = format!("\r\n\0\r\n{}", request("", "x"));
    let message = parse(&text);
    assert_eq!((message.leading_octets(), message.body), (5, &b"x"[..]));
    assert_eq!(message.raw(), &text.as_bytes()[5..]);
    assert_eq!(Message::parse(b"\r\n\r\n\0").err(), Some(NotSip::Empty));
    assert_eq!(Message::parse(b"").err(), Some(NotSip::Empty));
}

#[test]
fn headers_are_bounded() {
    let text = request(&"a: b\r\n".repeat(2 * MAX_HEADERS), "x");
    let message = parse(&text);
    assert_eq!(message.headers().count(), MAX_HEADERS);
    assert_eq!((odd(&message), message.body), (vec![Anomaly::TooManyHeaders], &b"x"[..]));
    let text = request(&format!("{}: b\r\n", "a".repeat(70_000)), "x");
    assert_eq!(odd(&parse(&text)), [Anomaly::MalformedHeaderLine]);
}

/// Calls everything there is to call.
fn exercise(message: &Message<'_>) {
    assert!(message.raw().ends_with(message.body));
    for header in message.headers() {
        assert_eq!(&message.raw()[header.offset as usize..][..header.raw_name.len()], header.raw_name);
        let _ = message.values(header.name).count();
    }
    for (_, offset) in message.anomalies() {
        assert!(*offset as usize <= message.raw().len() + 1);
    }
    assert_eq!(message.top_via().is_ok(), message.vias().next().is_some_and(|via| via.is_ok()));
    let _ = (message.vias().count(), message.session_expires(), message.min_se(), message.expires());
    if let Contacts::List(list) = message.contacts() {
        let _ = list.filter_map(Result::ok).filter(|contact| Uri::parse(contact.name_addr.uri).is_ok()).count();
    }
}

#[test]
fn every_truncation_is_survived() {
    for length in 0..REDIRECT.len() {
        let bytes = &REDIRECT.as_bytes()[..length];
        for message in [Message::parse(bytes), Message::parse_cut(bytes)].into_iter().flatten() {
            exercise(&message);
            assert!(!message.anomalies().is_empty(), "{length}");
        }
    }
}

proptest! {
    #[test]
    fn every_damage_is_survived(damage in proptest::collection::vec((0..REDIRECT.len(), any::<u8>()), 1..12)) {
        let mut bytes = REDIRECT.as_bytes().to_vec();
        for (at, byte) in damage {
            bytes[at] = byte;
        }
        if let Ok(message) = Message::parse(&bytes) {
            exercise(&message);
        }
    }

    #[test]
    fn lines_in_any_order_are_survived(lines in proptest::collection::vec(
        proptest::sample::select(&["Via: ,;", "m: *,\"", "f: <", "l: 3", "CSeq: 1", " fold", "", "x", "t:\t", "Date: x", "i: ", "v: SIP/2.0/UDP [::"][..]), 0..12,
    ), end in proptest::sample::select(&["\r\n", "\n", "\r", "\r\r\n"][..])) {
        let text = format!("BYE sip:a SIP/2.0{end}{}", lines.join(end));
        exercise(&parse(&text));
    }
}

#[test]
fn a_start_line_that_was_borrowed_is_refused_for_that() {
    let http = "SIP/2.0 200 ok\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi";
    assert_eq!(Message::parse(http.as_bytes()).unwrap_err(), NotSip::NoSipHeader);
    assert_eq!(Message::parse(b"OPTIONS http://a SIP/2.0\r\nHost: a\r\n\r\n").unwrap_err(), NotSip::NoSipHeader);
    // The capture may have cut off what makes it SIP.
    assert!(Message::parse_cut(http.split("\r\n\r\n").next().unwrap().as_bytes()).is_ok());
    for sip in ["OPTIONS sip:a SIP/2.0\r\nHost: a\r\n\r\n", "SIP/2.0 200 ok\r\ni: 1\r\n\r\n"] {
        assert!(Message::parse(sip.as_bytes()).is_ok(), "{sip}");
    }
}
