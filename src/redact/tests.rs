use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn pseudonyms() -> Pseudonyms {
    Pseudonyms::new(b"a key").with_call_header("X-Call-ID")
}

fn redacted(message: &str) -> String {
    let message = Message::parse(message.as_bytes()).unwrap();
    String::from_utf8(pseudonyms().message(&message)).unwrap()
}

fn word(domain: Domain, text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    pseudonyms().words(domain, &mut bytes);
    String::from_utf8(bytes).unwrap()
}

fn host(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    pseudonyms().host(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

fn uri(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    pseudonyms().uri(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

/// The word "secret" stands wherever somebody may write what is nobody's business.
const TELLTALE: &str = "INVITE sip:secret:secret@secret.example.org;x-secret=secret;maddr=secret.net?Subject=secret SIP/2.0\r\n\
    Via: SIP/2.0/UDP secret.example.org:5060;branch=z9hG4bKsecret;received=198.18.3.4;x=secret, SIP/2.0/TCP [2a01:4f8::5ec]\r\n\
    From: \"Secret \\\"Secret\\\"\" <sip:secret@secret.com>;tag=secret;x-secret=secret\r\n\
    t: Secret Secret <tel:+1-555-0100;phone-context=secret.com>\r\n\
    Call-ID: secret@198.18.3.4\r\n\
    CSeq: 7 INVITE\r\n\
    Contact: <sip:secret@198.18.3.4:5062;transport=tcp;secret=1>;+sip.instance=\"<urn:uuid:secret>\";q=0.5, sip:secret@secret.tld;q=0.4\r\n\
    User-Agent: Phone secret/1.0 (secret)\r\n\
    Authorization: Digest username=\"secret\", realm=\"secret.com\", nonce=\"secret\", uri=\"sip:secret@secret.com\", response=\"secret\", nc=00000001\r\n\
    X-Secret-Header: secret\r\n\
    Record-Route: <sip:secret.org;lr=secret;transport=secret;user=secret>, <urn:uuid:secret>\r\n\
    X-Call-ID: secret@198.18.3.4\r\n\
    P-Access-Network-Info: secret\r\n\
    Subject: secret\r\n\
    Warning: 399 secret.com \"secret\"\r\n\
    Reason: SIP;cause=200;text=\"secret\"\r\n\
    Retry-After: 5 (secret)\r\n\
    Replaces: secret@198.18.3.4;to-tag=secret;from-tag=secret\r\n\
    Session-Expires: 1800;refresher=uac\r\n\
    Supported: timer, replaces\r\n\
    Max-Forwards: 70\r\n\
    secret line without a name\r\n\
    Content-Type: application/sdp\r\n\
    Content-Length: 310\r\n\r\n\
    v=0\r\no=secret 42 43 IN IP4 198.18.3.4\r\ns=secret\r\ni=secret\r\nc=IN IP4 198.18.3.4\r\nt=0 0\r\n\
    m=audio 4000 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\na=crypto:1 secret inline:secret\r\na=secret\r\na=ice-pwd:secret\r\n\
    a=candidate:secret 1 UDP 1 198.18.3.4 4000 typ srflx raddr 198.18.3.5 rport 1 ufrag secret\r\na=sendrecv\r\nsecret\r\n\r\n";

#[test]
fn nothing_private_is_left_and_everything_needed_is() {
    let out = redacted(TELLTALE);
    assert_eq!(out.len(), TELLTALE.len());
    let lower = out.to_ascii_lowercase();
    for gone in ["secret", "198.18.3", "2a01", "555", "0100", "5ec"] {
        assert!(!lower.contains(gone), "{gone} is in {out}");
    }
    for kept in [
        "INVITE sip:",
        " SIP/2.0\r\n",
        "\r\nVia: SIP/2.0/UDP ",
        ":5060;branch=z9hG4bK",
        ", SIP/2.0/TCP [",
        "\r\nt: ",
        "<tel:+",
        "CSeq: 7 INVITE",
        ";transport=tcp",
        ";q=0.5, sip:",
        "User-Agent: Phone ",
        "Digest username=\"",
        "nc=00000001",
        "399 ",
        "cause=200",
        "Retry-After: 5 (",
        "Session-Expires: 1800;refresher=uac",
        "Supported: timer, replaces",
        "m=audio 4000 RTP/AVP 0 8",
        "a=rtpmap:0 PCMU/8000",
        "a=sendrecv\r\n",
        " 43 IN IP4 ",
        "a=candidate:",
    ] {
        assert!(out.contains(kept), "{kept} is not in {out}");
    }
    // The same call, named in three places.
    let message = Message::parse(out.as_bytes()).unwrap();
    let call = String::from_utf8_lossy(message.call_id().unwrap()).into_owned();
    assert!(out.contains(&format!("X-Call-ID: {call}\r\n")) && out.contains(&format!("Replaces: {call};")), "{out}");
    assert_eq!(message.anomalies(), Message::parse(TELLTALE.as_bytes()).unwrap().anomalies());
}

#[test]
fn a_session_interval_that_is_no_number_is_text() {
    let value = |name: &str, value: &str| {
        let text = redacted(&format!("OPTIONS sip:h SIP/2.0\r\n{name}: {value}\r\n\r\n"));
        let line = text.lines().nth(1).unwrap().to_owned();
        line.strip_prefix(&format!("{name}: ")).unwrap().to_owned()
    };
    for kept in ["90", "1800;refresher=uas", " 90 , 120", "-5", "90.5;refresher=uac", ""] {
        assert_eq!(value("Session-Expires", kept).trim(), kept.trim());
    }
    for name in ["Session-Expires", "Min-SE", "x"] {
        let hidden = value(name, "alice@example.com;to=alice");
        assert!(!hidden.contains("alice") && !hidden.contains("example") && hidden.contains('@'), "{hidden}");
    }
}

#[test]
fn addresses_that_are_equal_stay_equal() {
    let same = |one: &str, other: &str| {
        let (one, other) = (uri(one), uri(other));
        let parsed = |text: &str| crate::sip::Uri::parse(text.as_bytes()).map(|uri| uri.lenient_key()).unwrap();
        parsed(&one) == parsed(&other)
    };
    assert!(same("sip:al%69ce@Example.COM", "sip:alice@example.com"));
    assert!(same("sip:+1-212-555-0100@a.b;user=phone", "sip:+1-212-555-0100@a.b"));
    assert!(same("sip:u@[2001:DB8:0:0::1]", "sip:u@[2001:db8::1]"));
    assert!(!same("sip:alice@example.com", "sip:alicf@example.com"));
    assert!(!same("sip:Alice@example.com", "sip:alice@example.com"));
    assert_eq!(word(Domain::User, "+1-212-555").replace('-', ""), word(Domain::User, "+1212555"));
}

#[test]
fn addresses_keep_what_kind_they_are_and_what_they_share() {
    let pseudonyms = pseudonyms();
    let address = |text: &str| pseudonyms.address(text.parse().unwrap());
    for kept in ["127.0.0.1", "0.0.0.0", "::1", "::", "255.255.255.255"] {
        assert_eq!(address(kept).to_string(), kept);
    }
    let begins =
        |text: &str, with: &str| assert!(address(text).to_string().starts_with(with), "{text}: {}", address(text));
    begins("10.1.2.3", "10.");
    begins("192.168.1.2", "192.168.");
    begins("172.20.1.2", "172.20.");
    begins("192.0.2.7", "192.0.2.");
    begins("fe80::1", "fe80::");
    begins("2001:db8:1::7", "2001:db8:");
    let (one, other) = (address("198.18.3.4").to_string(), address("198.18.3.5").to_string());
    assert_ne!(one, other);
    assert_eq!(one.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().0);
    // A public address stays public.
    for last in 0..=255_u8 {
        let std::net::IpAddr::V4(public) = address(&format!("{last}.8.8.8")) else { panic!("IPv4") };
        let original = std::net::Ipv4Addr::new(last, 8, 8, 8);
        assert_eq!((public.is_private(), public.is_multicast()), (original.is_private(), original.is_multicast()));
    }
    // What stands in texts is what stands in packets.
    for text in ["198.18.3.4", "2a01:4f8:0:1::5", "2a01:4f8::", "::ffff:198.18.3.4", "2A01:04F8::00AB"] {
        let parsed: std::net::IpAddr = text.parse().unwrap();
        assert_eq!(
            host(text).parse::<std::net::IpAddr>().unwrap(),
            pseudonyms.address(parsed),
            "{text}: {}",
            host(text)
        );
        assert_eq!(host(text).len(), text.len());
    }
}

#[test]
fn hosts_of_one_domain_stay_in_one() {
    let parent = |text: &str| host(text).split_once('.').unwrap().1.to_owned();
    assert_eq!(parent("a.example.org"), parent("bcd.example.org"));
    assert_ne!(host("a.example.org"), host("b.example.org"));
    assert!(host("pbx.local").ends_with(".local"));
    assert_eq!(host("anonymous.invalid"), "anonymous.invalid");
    assert_eq!(host("PBX.Example.Org").to_ascii_lowercase(), host("pbx.example.org"));
}

#[test]
fn short_words_have_pseudonyms_of_their_own() {
    let all: BTreeSet<String> = (0..10_000).map(|number| word(Domain::User, &format!("{number:04}"))).collect();
    assert_eq!(all.len(), 10_000);
    assert_ne!(word(Domain::User, "1001"), word(Domain::Tag, "1001"));
    let other = Pseudonyms::new(b"another key");
    let mut bytes = b"1001alice".to_vec();
    other.words(Domain::User, &mut bytes);
    assert_ne!(bytes, word(Domain::User, "1001alice").as_bytes());
    assert_eq!(word(Domain::Hex, "0123456789abcdef").chars().filter(char::is_ascii_hexdigit).count(), 16);
}

proptest! {
    #[test]
    fn no_two_words_become_the_same(one in "[a-cA-C0-3.%-]{0,6}", other in "[a-cA-C0-3.%-]{0,6}") {
        for domain in [Domain::Tag, Domain::Call, Domain::Token] {
            prop_assert_eq!(word(domain, &one) == word(domain, &other), one == other);
        }
    }

    #[test]
    fn any_message_keeps_its_length_and_its_punctuation(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0..TELLTALE.len()) {
        let mut text = TELLTALE.as_bytes().to_vec();
        text.splice(at..at, bytes);
        if let Ok(message) = Message::parse(&text) {
            let out = pseudonyms().message(&message);
            prop_assert_eq!(out.len(), message.raw().len());
            for (before, after) in message.raw().iter().zip(&out) {
                let is_word = before.is_ascii_alphanumeric() || !before.is_ascii();
                prop_assert!(is_word || before == after || after.is_ascii_digit(), "{:?} became {:?}", before, after);
            }
        }
    }
}
