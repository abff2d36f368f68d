//! Verdicts on the torture messages of RFC 4475 and RFC 5118: first messages of our own with the same defects, then the
//! originals, if a folder with them is there.

use std::path::PathBuf;

use super::{Anomaly, HeaderName, Message, NotSip, Uri};

/// What is to become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Read, nothing odd.
    Ok,
    /// Read and used, with exactly these oddities.
    Odd(&'static [Anomaly]),
    /// Read but not used for correlation, with exactly these oddities.
    Unusable(&'static [Anomaly]),
    /// Not a SIP message.
    Refused(NotSip),
}

use Verdict::{Odd, Ok, Refused, Unusable};

fn judge(name: &str, bytes: &[u8], expected: Verdict) {
    let parsed = Message::parse(bytes);
    let odd =
        |message: &Message<'_>| -> Vec<Anomaly> { message.anomalies().iter().map(|(anomaly, _)| *anomaly).collect() };
    match (&parsed, expected) {
        (Result::Ok(message), Ok) => assert_eq!((odd(message), message.correlates()), (vec![], true), "{name}"),
        (Result::Ok(message), Odd(list)) => {
            assert_eq!((odd(message), message.correlates()), (list.to_vec(), true), "{name}")
        }
        (Result::Ok(message), Unusable(list)) => {
            assert_eq!((odd(message), message.correlates()), (list.to_vec(), false), "{name}");
        }
        (Err(error), Refused(cause)) => assert_eq!(*error, cause, "{name}"),
        _ => panic!("{name}: {parsed:?} is not {expected:?}"),
    }
    assert_eq!(super::looks_like_sip(bytes), !matches!(expected, Refused(_)), "{name}");
}

/// The rows of RFC 4475, by the names of its archive.
const RFC_4475: &[(&str, Verdict)] = &[
    ("badaspec", Odd(&[Anomaly::SpaceInBrackets])),
    ("badbranch", Odd(&[Anomaly::BareBranchCookie])),
    ("baddate", Odd(&[Anomaly::DateNotGmt])),
    ("baddn", Odd(&[Anomaly::UnquotedDisplayName, Anomaly::BlankLineMissing])),
    ("badinv01", Odd(&[Anomaly::EmptyParameter, Anomaly::EmptyListValue])),
    ("badvers", Unusable(&[Anomaly::UnsupportedVersion])),
    ("bcast", Ok),
    ("bext01", Ok),
    ("bigcode", Refused(NotSip::InvalidStatusCode)),
    ("clerr", Odd(&[Anomaly::ContentLengthTooLarge])),
    ("cparam01", Ok),
    ("cparam02", Ok),
    ("dblreq", Odd(&[Anomaly::TrailingOctets])),
    ("esc01", Ok),
    ("esc02", Ok),
    ("escnull", Ok),
    ("escruri", Odd(&[Anomaly::HeadersInRequestUri])),
    ("insuf", Unusable(&[Anomaly::CallIdMissing, Anomaly::FromMissing, Anomaly::ToMissing])),
    ("intmeth", Ok),
    ("inv2543", Ok),
    ("invut", Ok),
    ("longreq", Ok),
    ("ltgtruri", Odd(&[Anomaly::RequestUriInBrackets])),
    ("lwsdisp", Ok),
    ("lwsruri", Odd(&[Anomaly::SpaceInRequestUri])),
    ("lwsstart", Odd(&[Anomaly::ExtraSpaceInStartLine])),
    ("mcl01", Odd(&[Anomaly::ContentLengthConflict])),
    ("mismatch01", Unusable(&[Anomaly::CseqMethodMismatch])),
    ("mismatch02", Unusable(&[Anomaly::CseqMethodMismatch])),
    ("mpart01", Ok),
    (
        "multi01",
        Unusable(&[
            Anomaly::CseqConflict,
            Anomaly::CallIdConflict,
            Anomaly::ToConflict,
            Anomaly::FromConflict,
            Anomaly::HeaderRepeated,
        ]),
    ),
    ("ncl", Odd(&[Anomaly::MalformedContentLength])),
    ("noreason", Ok),
    ("novelsc", Ok),
    ("quotbal", Odd(&[Anomaly::UnterminatedQuote])),
    ("regaut01", Ok),
    ("regbadct", Odd(&[Anomaly::UriHeadersWithoutBrackets])),
    ("regescrt", Ok),
    ("scalar02", Unusable(&[Anomaly::CseqNumberTooLarge])),
    ("scalarlg", Unusable(&[Anomaly::CseqNumberTooLarge])),
    ("sdp01", Ok),
    ("semiuri", Ok),
    ("test", Refused(NotSip::NoVersion)),
    ("transports", Ok),
    ("trws", Odd(&[Anomaly::TrailingSpaceInStartLine])),
    ("unkscm", Ok),
    ("unksm2", Ok),
    ("unreason", Ok),
    ("wsinv", Ok),
    ("zeromf", Ok),
];

/// The rows of RFC 5118.
const RFC_5118: &[(&str, Verdict)] = &[
    ("ipv4-mapped-ipv6", Odd(&[Anomaly::TrailingOctets])),
    ("ipv6-bad", Odd(&[Anomaly::Ipv6WithoutBrackets])),
    ("ipv6-bug-abnf-3-colons", Odd(&[Anomaly::Ipv6ThreeColons, Anomaly::BlankLineMissing])),
    ("ipv6-correct-abnf-2-colons", Odd(&[Anomaly::BlankLineMissing])),
    ("ipv6-good", Ok),
    ("ipv6-in-sdp", Odd(&[Anomaly::ContentLengthTooLarge])),
    ("mult-ip-in-header", Ok),
    ("mult-ip-in-sdp", Odd(&[Anomaly::TrailingOctets])),
    ("port-ambiguous", Ok),
    ("port-unambiguous", Ok),
    ("via-received-param-no-delim", Ok),
    ("via-received-param-with-delim", Ok),
];

fn corpus(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("REINVITE_CORPUS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    let path = root.join("messages").join(folder);
    path.is_dir().then_some(path)
}

#[expect(clippy::print_stdout, reason = "a test that looks at nothing must say so")]
fn skipped(what: &str) {
    println!("skipped: no {what} here; REINVITE_CORPUS names the folder");
}

fn judge_folder(folder: &str, rows: &[(&str, Verdict)]) {
    let Some(path) = corpus(folder) else { return skipped(folder) };
    for (name, verdict) in rows {
        let bytes = std::fs::read(path.join(format!("{name}.dat"))).unwrap();
        judge(name, &bytes, *verdict);
    }
    let files = std::fs::read_dir(path).unwrap().count();
    assert_eq!(files, rows.len(), "every file has a row");
}

#[test]
fn rfc_4475() {
    judge_folder("resiprocate__rfc4475", RFC_4475);
}

#[test]
fn rfc_5118() {
    judge_folder("rfc5118__bobstack-test", RFC_5118);
}

#[test]
fn every_message_of_the_corpus_is_survived_at_every_length() {
    let Some(path) = corpus("") else { return skipped("messages") };
    let mut messages = 0;
    for folder in std::fs::read_dir(path).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            messages += usize::from(Message::parse(&bytes).is_ok());
            for length in (0..bytes.len().min(8_000)).step_by(3) {
                let _ = Message::parse_cut(&bytes[..length]).map(|message| message.values(HeaderName::Contact).count());
            }
        }
    }
    assert!(messages > 100, "{messages}");
}

#[test]
fn details_of_rfc_4475() {
    let Some(path) = corpus("resiprocate__rfc4475") else { return skipped("resiprocate__rfc4475") };
    let file = |name: &str| std::fs::read(path.join(format!("{name}.dat"))).unwrap();
    let bytes = file("wsinv");
    let wsinv = Message::parse(&bytes).unwrap();
    assert_eq!((wsinv.vias().count(), wsinv.cseq().unwrap().number), (3, 9));
    assert_eq!(wsinv.to().unwrap().tag(), Some(&b"1918181833n"[..]));
    assert_eq!(wsinv.from().unwrap().tag(), Some(&b"98asjd8"[..]));
    assert_eq!(wsinv.first_contact().unwrap().q_millis, Some(330));
    assert_eq!(wsinv.content_length(), Some(Result::Ok(150)));
    let bytes = file("longreq");
    assert_eq!(Message::parse(&bytes).unwrap().vias().filter(Result::is_ok).count(), 34);
    let bytes = file("esc02");
    assert_eq!(Message::parse(&bytes).unwrap().values(HeaderName::Contact).count(), 2);
    let bytes = file("intmeth");
    let intmeth = Message::parse(&bytes).unwrap();
    assert!(intmeth.call_id().unwrap().starts_with(b"intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"]["));
    assert!(matches!(intmeth.request_uri(), Some(Result::Ok(Uri::Sip(uri))) if uri.host.text() == b"example.com"));
    let bytes = file("dblreq");
    assert_eq!(Message::parse(&bytes).unwrap().raw().len() + 450, bytes.len());
    let bytes = file("scalarlg");
    assert_eq!(
        Message::parse(&bytes).unwrap().header(HeaderName::CSeq).unwrap().value,
        b"9292394834772304023312 OPTIONS"
    );
    let bytes = file("regescrt");
    let uri = Message::parse(&bytes).unwrap().first_contact().unwrap().name_addr.uri;
    assert!(matches!(Uri::parse(uri), Result::Ok(Uri::Sip(uri)) if uri.headers.is_some()));
}

/// What the messages of our own have in common.
fn own(start: &str, headers: &[&str]) -> String {
    let mut text = format!("{start}\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKa\r\nCall-ID: \"<a>\\(@b\r\n");
    for (name, usual) in [("From", "sip:a@h;tag=1"), ("To", "sip:b@h"), ("CSeq", "1 OPTIONS")] {
        if !headers.iter().any(|header| header.to_ascii_lowercase().starts_with(&name.to_ascii_lowercase())) {
            text += &format!("{name}: {usual}\r\n");
        }
    }
    text + &headers.join("\r\n") + if headers.is_empty() { "\r\n" } else { "\r\n\r\n" }
}

#[test]
fn messages_of_our_own() {
    const START: &str = "OPTIONS sip:b@h SIP/2.0";
    let rows: &[(&str, &[&str], Verdict)] = &[
        (START, &[], Ok),
        (START, &["TO :\r\n sip:b@h ;   tag    = 1", "cseq: 0001\r\n  OPTIONS", "s :", "NewHeader: a\r\n b"], Ok),
        (
            START,
            &[
                "To: \"BEL:\\\x07 NUL:\\\0 DEL:\\\x7f\" <sip:b@h>",
                "From: a~` b'2'+_ c*%!.- <sip:a@h>;p=\"\u{44f}\";tag=1",
            ],
            Ok,
        ),
        (START, &["Contact: <sip:a@h>", "C%6Fntact: x,,"], Ok),
        (START, &["To: \"W, T\" < sip:b@h >"], Odd(&[Anomaly::SpaceInBrackets])),
        (START, &["To: W, T <sip:b@h>"], Odd(&[Anomaly::UnquotedDisplayName])),
        (START, &["To: \"W. T <sip:b@h>"], Odd(&[Anomaly::UnterminatedQuote])),
        (START, &["Via: SIP/2.0/UDP h;;,;,,"], Odd(&[Anomaly::EmptyParameter, Anomaly::EmptyListValue])),
        (START, &["Contact: sip:a@h?Route=%3Csip:c%3E"], Odd(&[Anomaly::UriHeadersWithoutBrackets])),
        (START, &["CSeq: 36893488147419103232 OPTIONS"], Unusable(&[Anomaly::CseqNumberTooLarge])),
        (START, &["CSeq: 1 INVITE"], Unusable(&[Anomaly::CseqMethodMismatch])),
        (START, &["From: sip:a@h;tag=1", "f: sip:a@h;tag=2"], Unusable(&[Anomaly::FromConflict])),
        ("OPTIONS <sip:b@h> SIP/2.0", &[], Odd(&[Anomaly::RequestUriInBrackets])),
        ("OPTIONS sip:b@h; lr SIP/2.0", &[], Odd(&[Anomaly::SpaceInRequestUri])),
        ("OPTIONS  sip:b@h  SIP/2.0", &[], Odd(&[Anomaly::ExtraSpaceInStartLine])),
        ("OPTIONS sip:b@h SIP/2.0  ", &[], Odd(&[Anomaly::TrailingSpaceInStartLine])),
        ("OPTIONS sip:b@h?Route=%3Csip:c%3E SIP/2.0", &[], Odd(&[Anomaly::HeadersInRequestUri])),
        ("OPTIONS sip:2001:db8::10 SIP/2.0", &[], Odd(&[Anomaly::Ipv6WithoutBrackets])),
        ("OPTIONS sip:b@[2001:db8:::192.0.2.1] SIP/2.0", &[], Odd(&[Anomaly::Ipv6ThreeColons])),
        ("OPTIONS nobody-knows:this SIP/2.0", &[], Ok),
        ("OPTIONS sip:b@h SIP/7.0", &[], Unusable(&[Anomaly::UnsupportedVersion])),
        ("OPTIONS sip:b@h", &[], Refused(NotSip::NoVersion)),
        ("SIP/2.0 100 ", &[], Ok),
        ("SIP/2.0 200 = 2**3 * 5**2 \u{43d}\u{43e}", &[], Ok),
        ("SIP/2.0 4294967301 no", &[], Refused(NotSip::InvalidStatusCode)),
    ];
    for (start, headers, verdict) in rows {
        let text = own(start, headers);
        judge(&text, text.as_bytes(), *verdict);
    }
}
