//! The values of headers.

use std::ops::Range;

use super::Pseudonyms;
use super::scramble::{Domain, cross_out};
use crate::sip::HeaderName;

/// Words that parameters of the standards have as values; numbers stay too.
const KEPT_WORDS: &[&[u8]] = &[
    b"active",
    b"busy",
    b"called",
    b"calling",
    b"deflection",
    b"dialog",
    b"follow-me",
    b"full",
    b"host",
    b"ip",
    b"name",
    b"no",
    b"no-answer",
    b"off",
    b"on",
    b"passive",
    b"phone",
    b"prflx",
    b"raddr",
    b"relay",
    b"rport",
    b"sctp",
    b"so",
    b"srflx",
    b"tcp",
    b"tcptype",
    b"time-of-day",
    b"tls",
    b"typ",
    b"uac",
    b"uas",
    b"udp",
    b"unavailable",
    b"unconditional",
    b"unknown",
    b"uri",
    b"user-busy",
    b"ws",
    b"wss",
    b"yes",
];

/// Whether a word is a number or one of the standards.
pub(super) fn is_usual(word: &[u8]) -> bool {
    let word = word.strip_prefix(b"=").unwrap_or(word).trim_ascii();
    let word = word.strip_prefix(b"\"").and_then(|word| word.strip_suffix(b"\"")).unwrap_or(word);
    word.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
        || KEPT_WORDS.contains(&word.to_ascii_lowercase().as_slice())
}

/// Parameters whose values are words of the standards or numbers.
const KEPT_PARAMETERS: &[&[u8]] = &[
    b"transport",
    b"user",
    b"method",
    b"ttl",
    b"lr",
    b"ob",
    b"q",
    b"expires",
    b"rport",
    b"reg-id",
    b"comp",
    b"cause",
    b"refresher",
    b"early-only",
    b"keep",
    b"alias",
    b"r2",
    b"privacy",
    b"screen",
    b"party",
    b"counter",
    b"limit",
    b"index",
    b"id",
    b"reason",
    b"retry-after",
    b"duration",
    b"text-direction",
    b"methods",
    b"audio",
    b"video",
    b"np",
    b"isfocus",
];

/// What becomes of the value of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Treatment {
    /// Numbers, option tags and other words of the standards.
    Kept,
    /// Addresses with names and parameters.
    Addresses,
    Vias,
    /// Call-IDs.
    Calls,
    /// A Call-ID and the tags of its dialog.
    CallAndTags,
    Session,
    /// The first word stays.
    Product,
    Credentials,
    /// Words behind a number, if there is one.
    Text,
    /// A protocol that stays, and its parameters.
    Cause,
    /// A number that stays; the rest is crossed out.
    Number,
    /// A number of seconds, which stays if it is no other text, and parameters.
    Seconds,
    /// What stands before parameters stays; those are crossed out.
    First,
    CrossedOut,
}

const fn treatment(name: HeaderName) -> Treatment {
    use HeaderName as H;
    match name {
        H::From | H::To | H::Contact | H::Route | H::RecordRoute | H::Path | H::ServiceRoute | H::ReferTo => {
            Treatment::Addresses
        }
        H::ReferredBy | H::ReplyTo | H::Diversion | H::HistoryInfo | H::PAssertedIdentity => Treatment::Addresses,
        H::PPreferredIdentity | H::PAssociatedUri | H::PCalledPartyId | H::PServedUser => Treatment::Addresses,
        H::Via => Treatment::Vias,
        H::CallId | H::InReplyTo => Treatment::Calls,
        H::Replaces | H::Join | H::TargetDialog => Treatment::CallAndTags,
        H::SessionId => Treatment::Session,
        H::UserAgent | H::Server => Treatment::Product,
        H::Authorization | H::ProxyAuthorization | H::WwwAuthenticate => Treatment::Credentials,
        H::ProxyAuthenticate | H::AuthenticationInfo => Treatment::Credentials,
        H::Warning | H::Subject | H::Organization => Treatment::Text,
        H::Reason => Treatment::Cause,
        H::RetryAfter => Treatment::Number,
        H::ContentType => Treatment::First,
        H::Accept | H::AcceptEncoding | H::AcceptLanguage | H::Allow | H::AllowEvents | H::CSeq => Treatment::Kept,
        H::ContentDisposition | H::ContentEncoding | H::ContentLanguage | H::ContentLength => Treatment::Kept,
        H::Date | H::Event | H::Expires | H::FlowTimer | H::InfoPackage | H::MaxBreadth => Treatment::Kept,
        H::SessionExpires | H::MinSe => Treatment::Seconds,
        H::MaxForwards | H::MimeVersion | H::MinExpires | H::Priority | H::Privacy => Treatment::Kept,
        H::ProxyRequire | H::RAck | H::RecvInfo | H::ReferSub | H::RequestDisposition => Treatment::Kept,
        H::Require | H::RSeq | H::SubscriptionState | H::Supported => Treatment::Kept,
        H::Timestamp | H::Unsupported => Treatment::Kept,
        _ => Treatment::CrossedOut,
    }
}

impl Pseudonyms {
    /// Rewrites the value of a header.
    pub(super) fn value(&self, name: HeaderName, value: &mut [u8]) {
        let number = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let first = find(value, b';').unwrap_or(value.len());
        match treatment(name) {
            Treatment::Kept => {}
            Treatment::Addresses => self.name_addrs(value),
            Treatment::Vias => self.vias(value),
            Treatment::Calls => self.words(Domain::Call, value),
            Treatment::CallAndTags => {
                self.words(Domain::Call, part(value, 0..first));
                self.parameters(part(value, first..usize::MAX), b';');
            }
            Treatment::Session => self.session(value, first),
            Treatment::Product => {
                let product = value.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
                self.words(Domain::Token, part(value, product..usize::MAX));
            }
            Treatment::Credentials => self.credentials(value),
            Treatment::Text => self.words(Domain::Token, part(value, number..usize::MAX)),
            Treatment::Cause => self.parameters(part(value, first..usize::MAX), b';'),
            Treatment::Seconds => {
                let seconds = part(value, 0..first);
                if seconds.iter().any(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii()) {
                    self.words(Domain::Token, seconds);
                }
                self.parameters(part(value, first..usize::MAX), b';');
            }
            Treatment::Number => cross_out(part(value, number..usize::MAX)),
            Treatment::First => cross_out(part(value, first..usize::MAX)),
            Treatment::CrossedOut => cross_out(value),
        }
    }

    /// Two UUIDs in hexadecimal digits (RFC 7989 5); the null UUID stands for one that is not known.
    fn session(&self, value: &mut [u8], first: usize) {
        let is_null = |digits: &[u8]| digits.iter().all(|byte| *byte == b'0');
        let local = part(value, 0..first);
        if !is_null(local) {
            self.words(Domain::Hex, local);
        }
        let rest = part(value, first..usize::MAX);
        let remote = find(rest, b'=').map_or(usize::MAX, |at| at.saturating_add(1));
        let remote = part(rest, remote..usize::MAX);
        if !is_null(remote) {
            self.words(Domain::Hex, remote);
        }
    }

    /// A URI.
    pub(super) fn uri(&self, uri: &mut [u8]) {
        let Some(colon) = find(uri, b':') else { return self.words(Domain::Token, uri) };
        let scheme = uri.get(..colon).unwrap_or_default().trim_ascii().to_ascii_lowercase();
        let rest = part(uri, colon.saturating_add(1)..usize::MAX);
        match scheme.as_slice() {
            b"sip" | b"sips" => self.sip_uri(rest),
            b"tel" => {
                let end = find(rest, b';').unwrap_or(rest.len());
                self.words(Domain::User, part(rest, 0..end));
                self.parameters(part(rest, end..usize::MAX), b';');
            }
            b"urn" if rest.to_ascii_lowercase().starts_with(b"service:") => {}
            _ => self.words(Domain::Token, rest),
        }
    }

    /// What follows `sip:`.
    fn sip_uri(&self, rest: &mut [u8]) {
        let host = find(rest, b'@').map_or(0, |at| {
            let user = part(rest, 0..at);
            if !user.eq_ignore_ascii_case(b"anonymous") {
                self.words(Domain::User, user);
            }
            at.saturating_add(1)
        });
        let rest = part(rest, host..usize::MAX);
        let headers = find(rest, b'?').unwrap_or(rest.len());
        let parameters = find(rest, b';').unwrap_or(rest.len()).min(headers);
        self.host_port(part(rest, 0..parameters));
        self.parameters(part(rest, parameters..headers), b';');
        for header in pieces(part(rest, headers..usize::MAX), b'&') {
            let value = find(part(rest, headers..usize::MAX).get(header.clone()).unwrap_or_default(), b'=');
            let within = part(part(rest, headers..usize::MAX), header);
            self.words(Domain::Token, part(within, value.unwrap_or(0)..usize::MAX));
        }
    }

    /// Addresses with their display names and parameters, joined by commas.
    fn name_addrs(&self, value: &mut [u8]) {
        for entry in pieces(value, b',') {
            let entry = part(value, entry);
            let open = unquoted(entry, b'<');
            let Some(open) = open else {
                let end = find(entry, b';').unwrap_or(entry.len());
                let start = entry.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == b',').count();
                self.uri(trimmed(part(entry, start..end)));
                self.parameters(part(entry, end..usize::MAX), b';');
                continue;
            };
            self.words(Domain::Name, part(entry, 0..open));
            let rest = part(entry, open.saturating_add(1)..usize::MAX);
            let close = find(rest, b'>').unwrap_or(rest.len());
            self.uri(part(rest, 0..close));
            self.parameters(part(rest, close..usize::MAX), b';');
        }
    }

    fn vias(&self, value: &mut [u8]) {
        for entry in pieces(value, b',') {
            let entry = part(value, entry);
            // The protocol and its version, a transport, then who sent it.
            let slash = entry.iter().enumerate().filter(|(_, byte)| **byte == b'/').nth(1).map(|(at, _)| at);
            let Some(slash) = slash else {
                self.words(Domain::Token, entry);
                continue;
            };
            let is_blank = |byte: &u8| byte.is_ascii_whitespace();
            let after = |from: usize, wanted: bool| {
                let rest = entry.get(from..).unwrap_or_default();
                from.saturating_add(rest.iter().take_while(|byte| is_blank(byte) == wanted).count())
            };
            let transport = after(slash.saturating_add(1), true);
            let sent_by = after(after(transport, false), true);
            let end = find(entry, b';').unwrap_or(entry.len()).max(sent_by);
            self.host_port(trimmed(part(entry, sent_by..end)));
            self.parameters(part(entry, end..usize::MAX), b';');
        }
    }

    /// Parameters, each behind a separator.
    fn parameters(&self, text: &mut [u8], separator: u8) {
        for piece in pieces(text, separator) {
            let piece = part(text, piece);
            let equals = find(piece, b'=').unwrap_or(piece.len());
            let name = piece.get(..equals).unwrap_or_default();
            let name = name.trim_ascii_start().trim_start_matches_byte(separator).trim_ascii().to_ascii_lowercase();
            let value = part(piece, equals..usize::MAX);
            match name.as_slice() {
                b">" | b"" => {}
                known if KEPT_PARAMETERS.contains(&known) => {
                    if !is_usual(value) {
                        self.words(Domain::Token, value);
                    }
                }
                b"tag" | b"from-tag" | b"to-tag" => self.words(Domain::Tag, value),
                b"received" | b"maddr" => {
                    let start = value.iter().take_while(|byte| !byte.is_ascii_alphanumeric() && **byte != b'[').count();
                    self.host_port(trimmed(part(value, start..usize::MAX)));
                }
                b"branch" => {
                    let at = value.iter().take_while(|byte| !byte.is_ascii_alphanumeric()).count();
                    let has_cookie = value.get(at..).is_some_and(|rest| rest.starts_with(b"z9hG4bK"));
                    let start = if has_cookie { at.saturating_add(7) } else { at };
                    self.words(Domain::Branch, part(value, start..usize::MAX));
                }
                known if known.starts_with(b"+") || known == b"gr" || known == b"text" => {
                    self.words(Domain::Token, value)
                }
                _ => self.words(Domain::Token, piece),
            }
        }
    }

    /// A scheme and its parameters (RFC 3261 20.7, RFC 7616).
    fn credentials(&self, value: &mut [u8]) {
        let scheme = value.iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
        let list = part(value, scheme..usize::MAX);
        for piece in pieces(list, b',') {
            let piece = part(list, piece);
            let Some(equals) = find(piece, b'=') else {
                self.words(Domain::Token, piece);
                continue;
            };
            let name = piece.get(..equals).unwrap_or_default().trim_ascii_start().trim_start_matches_byte(b',');
            let name = name.trim_ascii().to_ascii_lowercase();
            let value = part(piece, equals.saturating_add(1)..usize::MAX);
            match name.as_slice() {
                b"qop" | b"algorithm" | b"stale" | b"nc" => {}
                b"username" => self.words(Domain::User, value),
                b"uri" => {
                    let start = value.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == b'"').count();
                    let end = value.iter().rposition(|byte| *byte != b'"' && !byte.is_ascii_whitespace());
                    self.uri(part(value, start..end.map_or(start, |end| end.saturating_add(1))));
                }
                b"realm" => {
                    let start = value.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == b'"').count();
                    let end = value.iter().rposition(|byte| *byte != b'"' && !byte.is_ascii_whitespace());
                    self.host(part(value, start..end.map_or(start, |end| end.saturating_add(1))));
                }
                _ => self.words(Domain::Token, value),
            }
        }
    }
}

/// Bytes without those at their start that are this one.
trait TrimByte {
    fn trim_start_matches_byte(&self, byte: u8) -> &[u8];
}

impl TrimByte for [u8] {
    fn trim_start_matches_byte(&self, byte: u8) -> &[u8] {
        self.strip_prefix(&[byte]).unwrap_or(self)
    }
}

/// A part of bytes, as far as there are any.
pub(super) fn part(bytes: &mut [u8], range: Range<usize>) -> &mut [u8] {
    let end = range.end.min(bytes.len());
    bytes.get_mut(range.start.min(end)..end).unwrap_or_default()
}

/// Bytes without white space around them.
pub(super) fn trimmed(bytes: &mut [u8]) -> &mut [u8] {
    let start = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let end = bytes.len().saturating_sub(bytes.iter().rev().take_while(|byte| byte.is_ascii_whitespace()).count());
    part(bytes, start..end)
}

pub(super) fn find(bytes: &[u8], wanted: u8) -> Option<usize> {
    memchr::memchr(wanted, bytes)
}

/// The first such byte outside quotes.
fn unquoted(bytes: &[u8], wanted: u8) -> Option<usize> {
    let mut quotes = Quotes::default();
    bytes.iter().position(|byte| !quotes.within(*byte) && *byte == wanted)
}

/// The pieces between separators outside quotes and angle brackets; each begins with its separator, but for the first.
fn pieces(bytes: &[u8], separator: u8) -> Vec<Range<usize>> {
    let mut quotes = Quotes::default();
    let mut depth = false;
    let mut found = Vec::new();
    let mut start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if quotes.within(*byte) {
            continue;
        }
        match *byte {
            b'<' => depth = true,
            b'>' => depth = false,
            byte if byte == separator && !depth && at > start => {
                found.push(start..at);
                start = at;
            }
            _ => {}
        }
    }
    found.push(start..bytes.len());
    found
}

/// Follows quoted strings (RFC 3261 25.1).
#[derive(Default)]
struct Quotes {
    is_open: bool,
    is_escaped: bool,
}

impl Quotes {
    /// Whether this byte, the next one, belongs to a quoted string.
    fn within(&mut self, byte: u8) -> bool {
        let was_open = self.is_open;
        match byte {
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' if self.is_open => self.is_escaped = true,
            b'"' => self.is_open = !self.is_open,
            _ => {}
        }
        was_open || self.is_open
    }
}
