//! The start line (RFC 3261 7.1, 7.2), and whether bytes begin with one.

use memchr::memrchr2;

use super::anomaly::{Anomalies, Anomaly};
use super::lines::{LineEnd, line_at};
use super::scan::{find, is_plain};
use super::token::{from, has_control, is_blank, is_token, part, trim_end};
use super::uri::scheme_length;
use crate::limits::MAX_START_LINE_BYTES;

/// The first line of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartLine<'a> {
    /// A request.
    Request {
        /// The method; its case counts.
        method: &'a [u8],
        /// The Request-URI, without the brackets that some wrongly put round it.
        uri: &'a [u8],
    },
    /// A response.
    Response {
        /// The status code, three digits.
        status: u16,
        /// The reason phrase, which may be empty.
        reason: &'a [u8],
    },
}

/// Why bytes are not a SIP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum NotSip {
    /// Nothing but line ends and NUL, as keep-alives are.
    #[error("there is nothing but line ends")]
    Empty,
    /// The first line does not begin like a request or a response.
    #[error("the first line is not a start line")]
    NoStartLine,
    /// The first line is a request without a SIP version.
    #[error("the first line has no SIP version")]
    NoVersion,
    /// The first line begins like a response, but the code behind it is not three digits.
    #[error("the status code is not three digits")]
    InvalidStatusCode,
    /// Something stands where the Request-URI must be that is none.
    #[error("there is no Request-URI")]
    NoRequestUri,
    /// The capture cut the first line.
    #[error("the start line is cut")]
    StartLineCut,
    /// None of the headers that every message has, Via, From, Call-ID and CSeq, follows a start line that another protocol may
    /// have borrowed: that of a response, or of a request for a URI of another scheme.
    #[error("no header of SIP follows the start line")]
    NoSipHeader,
    /// More bytes than a message can have.
    #[error("there are too many bytes")]
    TooLong,
}

impl NotSip {
    /// The name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NoStartLine => "no_start_line",
            Self::NoVersion => "no_version",
            Self::InvalidStatusCode => "invalid_status_code",
            Self::NoRequestUri => "no_request_uri",
            Self::StartLineCut => "start_line_cut",
            Self::NoSipHeader => "no_sip_header",
            Self::TooLong => "too_long",
        }
    }
}

/// What bytes begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// A whole start line.
    StartLine,
    /// What may become one when more bytes come.
    Open,
    /// Anything else.
    Other,
}

/// Methods that are believed before any URI (IANA registry of methods). Others need a URI with a scheme.
const METHODS: [&[u8]; 14] = [
    b"INVITE",
    b"ACK",
    b"BYE",
    b"CANCEL",
    b"OPTIONS",
    b"REGISTER",
    b"PRACK",
    b"SUBSCRIBE",
    b"NOTIFY",
    b"PUBLISH",
    b"INFO",
    b"REFER",
    b"MESSAGE",
    b"UPDATE",
];

const VERSION_PREFIX: &[u8] = b"SIP/";

/// Looks at the beginning of bytes that may go on later.
pub(super) fn beginning(bytes: &[u8]) -> Beginning {
    if !may_begin(bytes) {
        return Beginning::Other;
    }
    let line = line_at(bytes, 0);
    match line.ending {
        LineEnd::Nothing | LineEnd::CrAtEnd if bytes.len() > MAX_START_LINE_BYTES => Beginning::Other,
        LineEnd::Nothing | LineEnd::CrAtEnd => Beginning::Open,
        _ => match parse(part(bytes, 0, line.end), &mut Anomalies::default()) {
            Ok(_) => Beginning::StartLine,
            Err(_) => Beginning::Other,
        },
    }
}

/// Whether bytes begin like a response or a request of a registered method, as far as they go.
pub(super) fn begins_like_known(bytes: &[u8]) -> bool {
    let word = bytes.iter().position(|byte| is_blank(*byte)).unwrap_or(bytes.len());
    let start = part(bytes, 0, VERSION_PREFIX.len().min(bytes.len()));
    part(VERSION_PREFIX, 0, start.len()).eq_ignore_ascii_case(start)
        || METHODS.iter().any(|method| match word == bytes.len() {
            true => method.starts_with(bytes),
            false => *method == part(bytes, 0, word),
        })
}

/// Whether the first bytes can belong to a start line. Media, STUN and DNS fail within the first bytes.
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    let Some(end) = bytes.iter().position(|byte| !is_token(*byte)) else {
        return !bytes.is_empty();
    };
    match bytes.get(end) {
        Some(b'/') => end == 3 && starts_without_case(bytes, VERSION_PREFIX),
        Some(b' ' | b'\t') if end > 0 => {
            let method = part(bytes, 0, end);
            let mut target = bytes.get(end..).unwrap_or_default().iter().copied().skip_while(|byte| is_blank(*byte));
            target
                .next()
                .is_none_or(|first| METHODS.contains(&method) && !first.is_ascii_control() || starts_uri(first))
        }
        _ => false,
    }
}

fn starts_uri(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'<'
}

/// Reads a line without its end. What is odd about it is noted.
pub(super) fn parse<'a>(line: &'a [u8], anomalies: &mut Anomalies) -> Result<StartLine<'a>, NotSip> {
    usual(line).map_or_else(|| whole(line, anomalies), Ok)
}

/// A line as nearly all are, without anything odd. `None` says nothing.
#[inline]
fn usual(line: &[u8]) -> Option<StartLine<'_>> {
    if let [b'S', b'I', b'P', b'/', b'2', b'.', b'0', b' ', behind @ ..] = line {
        let [a @ b'1'..=b'6', b @ b'0'..=b'9', c @ b'0'..=b'9', b' ', reason @ ..] = behind else { return None };
        return Some(StartLine::Response { status: number(*a, *b, *c), reason });
    }
    let text = line.strip_suffix(b" SIP/2.0")?;
    let blank = find(text, [b' '])?;
    let (method, uri) = (part(text, 0, blank), from(text, blank.wrapping_add(1)));
    let plain = !uri.is_empty() && is_plain(uri) && !uri.starts_with(b"<");
    (plain && METHODS.contains(&method)).then_some(StartLine::Request { method, uri })
}

/// A line in all its forms.
fn whole<'a>(line: &'a [u8], anomalies: &mut Anomalies) -> Result<StartLine<'a>, NotSip> {
    if starts_without_case(line, VERSION_PREFIX) { response(line, anomalies) } else { request(line, anomalies) }
}

fn response<'a>(line: &'a [u8], anomalies: &mut Anomalies) -> Result<StartLine<'a>, NotSip> {
    let end = line.iter().position(|byte| is_blank(*byte)).ok_or(NotSip::InvalidStatusCode)?;
    let version = version(part(line, 0, end)).ok_or(NotSip::NoStartLine)?;
    let behind = line.get(end..).unwrap_or_default();
    let blanks = behind.iter().take_while(|byte| is_blank(**byte)).count();
    let (status, rest) = match behind.get(blanks..).unwrap_or_default() {
        [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] => (number(*a, *b, *c), rest),
        _ => return Err(NotSip::InvalidStatusCode),
    };
    let reason = match rest {
        [] => {
            anomalies.push(Anomaly::SpaceBehindStatusMissing, line.len());
            rest
        }
        [b' ' | b'\t', reason @ ..] => reason,
        _ => return Err(NotSip::InvalidStatusCode),
    };
    if blanks > 1 {
        anomalies.push(Anomaly::ExtraSpaceInStartLine, end);
    }
    if version == Version::Other {
        anomalies.push(Anomaly::UnsupportedVersion, 0);
    }
    if !(100..700).contains(&status) {
        anomalies.push(Anomaly::StatusOutOfRange, end.saturating_add(blanks));
    }
    Ok(StartLine::Response { status, reason })
}

fn number(hundreds: u8, tens: u8, ones: u8) -> u16 {
    [hundreds, tens, ones]
        .iter()
        .fold(0_u16, |number, digit| number.saturating_mul(10).saturating_add(u16::from(digit.wrapping_sub(b'0'))))
}

fn request<'a>(line: &'a [u8], anomalies: &mut Anomalies) -> Result<StartLine<'a>, NotSip> {
    let method_end = line.iter().position(|byte| !is_token(*byte)).ok_or(NotSip::NoStartLine)?;
    let method = part(line, 0, method_end);
    let text = trim_end(line);
    let version_start = memrchr2(b' ', b'\t', text).ok_or(NotSip::NoStartLine)?.saturating_add(1);
    let behind = part(text, method_end, version_start);
    let blanks = behind.iter().take_while(|byte| is_blank(**byte)).count();
    if method.is_empty() || blanks == 0 {
        return Err(NotSip::NoStartLine);
    }
    let version = version(text.get(version_start..).unwrap_or_default()).ok_or(NotSip::NoVersion)?;
    let uri_start = method_end.saturating_add(blanks);
    let uri = trim_end(part(text, uri_start, version_start));
    if uri.is_empty() || has_control(uri) {
        return Err(NotSip::NoRequestUri);
    }
    let plain = match uri {
        [b'<', inside @ .., b'>'] => inside,
        other => other,
    };
    if scheme_length(plain).is_none() && !METHODS.contains(&method) {
        return Err(NotSip::NoRequestUri);
    }
    if blanks > 1 || uri_start.saturating_add(uri.len()).saturating_add(1) != version_start {
        anomalies.push(Anomaly::ExtraSpaceInStartLine, method_end);
    }
    if text.len() != line.len() {
        anomalies.push(Anomaly::TrailingSpaceInStartLine, text.len());
    }
    if plain.len() != uri.len() {
        anomalies.push(Anomaly::RequestUriInBrackets, uri_start);
    }
    if find(uri, *b" \t").is_some() {
        anomalies.push(Anomaly::SpaceInRequestUri, uri_start);
    }
    if version == Version::Other {
        anomalies.push(Anomaly::UnsupportedVersion, version_start);
    }
    Ok(StartLine::Request { method, uri: plain })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    /// 2.0
    Two,
    /// Any other.
    Other,
}

/// `SIP-Version`; its case does not count.
fn version(text: &[u8]) -> Option<Version> {
    if text.eq_ignore_ascii_case(b"SIP/2.0") {
        return Some(Version::Two);
    }
    if !starts_without_case(text, VERSION_PREFIX) {
        return None;
    }
    let mut numbers = text.get(VERSION_PREFIX.len()..)?.split(|byte| *byte == b'.');
    let is_number = |digits: Option<&[u8]>| digits.is_some_and(|d| !d.is_empty() && d.iter().all(u8::is_ascii_digit));
    (is_number(numbers.next()) && is_number(numbers.next()) && numbers.next().is_none()).then_some(Version::Other)
}

fn starts_without_case(text: &[u8], prefix: &[u8]) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever the short cut says is what is read of any line, and nothing is odd about it.
        #[test]
        fn usual_lines_are_read_as_all_are(
            start in "(SIP/2\\.0|sip/2\\.0|SIP/3\\.0|INVITE|ACK|BYE|REGISTER|OPTIONS|UPDATE|[a-zA-Z]{0,5})( |  |\t|)",
            middle in "([0-7][0-9]{1,3}|<?sips?:[a-z0-9;<>@.\"\\x7f\\x00]{0,20}( |\t)?[ -~\u{e9}]{0,4}>?|)( |  |)",
            end in "(SIP/2\\.0|sip/2\\.0|OK|Moved Permanently|)( )?",
        ) {
            let line = start + &middle + &end;
            if let Some(usual) = usual(line.as_bytes()) {
                let mut anomalies = Anomalies::default();
                prop_assert_eq!(whole(line.as_bytes(), &mut anomalies), Ok(usual), "{:?}", line);
                prop_assert_eq!(anomalies.listed(), []);
            }
        }
    }

    #[test]
    fn the_short_cut_is_taken() {
        for line in ["INVITE sip:a@example.com;x=y SIP/2.0", "SIP/2.0 301 Moved Permanently", "SIP/2.0 100 "] {
            assert_eq!(usual(line.as_bytes()), whole(line.as_bytes(), &mut Anomalies::default()).ok(), "{line}");
        }
    }

    fn read(line: &str) -> (Result<StartLine<'_>, NotSip>, Vec<Anomaly>) {
        let mut anomalies = Anomalies::default();
        let parsed = parse(line.as_bytes(), &mut anomalies);
        (parsed, anomalies.listed().iter().map(|(anomaly, _)| *anomaly).collect())
    }

    #[test]
    fn requests_and_what_is_odd_about_them() {
        for (line, uri, odd) in [
            ("INVITE sip:a@b SIP/2.0", "sip:a@b", vec![]),
            ("INVITE sip:a@b sip/2.0", "sip:a@b", vec![]),
            ("INVITE  sip:a@b  SIP/2.0", "sip:a@b", vec![Anomaly::ExtraSpaceInStartLine]),
            ("INVITE sip:a@b SIP/2.0  ", "sip:a@b", vec![Anomaly::TrailingSpaceInStartLine]),
            ("INVITE <sip:a@b> SIP/2.0", "sip:a@b", vec![Anomaly::RequestUriInBrackets]),
            ("INVITE sip:a@b; lr SIP/2.0", "sip:a@b; lr", vec![Anomaly::SpaceInRequestUri]),
            ("INVITE sip:a@b SIP/7.0", "sip:a@b", vec![Anomaly::UnsupportedVersion]),
            ("INVITE 1234 SIP/2.0", "1234", vec![]),
        ] {
            let (parsed, anomalies) = read(line);
            assert_eq!(parsed, Ok(StartLine::Request { method: b"INVITE", uri: uri.as_bytes() }), "{line}");
            assert_eq!(anomalies, odd, "{line}");
        }
        let (parsed, _) = read("!odd-Method0_*+`.%'~ x:y SIP/2.0");
        assert_eq!(parsed, Ok(StartLine::Request { method: b"!odd-Method0_*+`.%'~", uri: b"x:y" }));
    }

    #[test]
    fn responses_and_what_is_odd_about_them() {
        for (line, status, reason, odd) in [
            ("SIP/2.0 200 OK", 200, "OK", vec![]),
            ("sip/2.0 100 ", 100, "", vec![]),
            ("SIP/2.0 100", 100, "", vec![Anomaly::SpaceBehindStatusMissing]),
            ("SIP/2.0  422 a  b ", 422, "a  b ", vec![Anomaly::ExtraSpaceInStartLine]),
            ("SIP/3.0 200 OK", 200, "OK", vec![Anomaly::UnsupportedVersion]),
            ("SIP/2.0 099 x", 99, "x", vec![Anomaly::StatusOutOfRange]),
            ("SIP/2.0 700 x", 700, "x", vec![Anomaly::StatusOutOfRange]),
        ] {
            let (parsed, anomalies) = read(line);
            assert_eq!(parsed, Ok(StartLine::Response { status, reason: reason.as_bytes() }), "{line}");
            assert_eq!(anomalies, odd, "{line}");
        }
    }

    #[test]
    fn what_is_no_start_line_is_refused() {
        for (line, cause) in [
            ("", NotSip::NoStartLine),
            ("INVITE", NotSip::NoStartLine),
            ("INVITE sip:a@b", NotSip::NoVersion),
            ("INVITE SIP/2.0", NotSip::NoRequestUri),
            ("GET / HTTP/1.1", NotSip::NoVersion),
            ("GET / SIP/2.0", NotSip::NoRequestUri),
            ("OPTIONS rtsp://a RTSP/1.0", NotSip::NoVersion),
            ("a b c SIP/2.0", NotSip::NoRequestUri),
            ("INVITE sip:\0a SIP/2.0", NotSip::NoRequestUri),
            ("INVITE sip:a SIP/2", NotSip::NoVersion),
            ("INVITE sip:a SIP/2.0.1", NotSip::NoVersion),
            ("(x) sip:a SIP/2.0", NotSip::NoStartLine),
            ("SIP/2.0 4294967301 x", NotSip::InvalidStatusCode),
            ("SIP/2.0 20 x", NotSip::InvalidStatusCode),
            ("SIP/2.0 2000 x", NotSip::InvalidStatusCode),
            ("SIP/2.0", NotSip::InvalidStatusCode),
            ("SIP/x 200 OK", NotSip::NoStartLine),
        ] {
            assert_eq!(read(line).0, Err(cause), "{line}");
        }
    }

    #[test]
    fn a_start_line_is_open_until_it_ends() {
        for line in ["INVITE sip:a@b SIP/2.0\r\n", "SIP/2.0 301 Moved\n", "x y:z SIP/2.0\r\n", "sip/2.0 200 OK\r\nx"] {
            let end = line.find('\n').unwrap();
            for length in 1..line.len() {
                let expected = if length > end { Beginning::StartLine } else { Beginning::Open };
                assert_eq!(beginning(&line.as_bytes()[..length]), expected, "{:?}", &line[..length]);
            }
        }
    }

    #[test]
    fn other_protocols_are_told_apart_early() {
        for bytes in [
            &b"GET / HTTP"[..],
            b"HTTP/1.1 ",
            b"\x16\x03\x01",
            b"\x80\x00\x12",
            b"\x00\x01\x00\x08\x21\x12\xa4\x42",
            b"ab\x01\x00\x00\x01",
            b"{\"a\":1}",
            b"v=0\r\n",
            b"OPTIONS rtsp://a RTSP/1.0\r\n",
            b"SIP/2.0 4294967301 x\r\n",
            b"SIX/",
            b"",
        ] {
            assert_eq!(beginning(bytes), Beginning::Other, "{bytes:?}");
        }
        assert_eq!(beginning(&vec![b'a'; MAX_START_LINE_BYTES + 1]), Beginning::Other);
    }

    #[test]
    fn known_beginnings() {
        for bytes in ["", "S", "sip/2.0 2", "I", "INVITE", "INVITE ", "ACK sip:a"] {
            assert!(begins_like_known(bytes.as_bytes()), "{bytes}");
        }
        for bytes in ["SIX", "INVITES", "INVITES sip:a", "more", "IN sip:a", "invite sip:a"] {
            assert!(!begins_like_known(bytes.as_bytes()), "{bytes}");
        }
    }
}
