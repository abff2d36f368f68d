//! From a parsed message to what correlation keeps of it.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::calls::keyed;
use super::marks::{Marks, TimerMarks, lists_timer, mark_values};
use super::offer::Description;
use super::record::{ContactRecord, Extra, Kind, MessageRecord, Method, OddTimers, Seconds, ViaRange};
use super::text::Span;
use crate::extent::Extent;
use crate::limits;
use crate::net::{Endpoint, Transport};
use crate::sip::{Contacts, HeaderName, ListValues, Message, MinSe, NameAddr, SessionExpires, StartLine, Via, unquote};
use crate::time::Timestamp;

/// Where and when a message was found, and who sent it to whom.
#[derive(Clone, Debug, Default)]
pub struct Found<'a> {
    /// When the frame that completed it was captured.
    pub time: Timestamp,
    /// That frame.
    pub frame: u64,
    /// The input.
    pub input: u32,
    /// The capture source.
    pub capture_source: u32,
    /// Its place among the messages that the frame completed.
    pub position: u32,
    /// Who sent it.
    pub source: Endpoint,
    /// Where it was sent.
    pub destination: Endpoint,
    /// What carried it.
    pub transport: Transport,
    /// The IPv4 identification, 0 if there is none.
    pub identification: u16,
    /// Where its bytes lie.
    pub extents: &'a [Extent],
}

/// The headers that correlation reads, each the first of its name, found in one pass.
#[derive(Default)]
struct Picked<'a> {
    session_expires: Option<&'a [u8]>,
    min_se: Option<&'a [u8]>,
    user_agent: Option<&'a [u8]>,
    server: Option<&'a [u8]>,
    session_id: Option<&'a [u8]>,
    route: Option<&'a [u8]>,
    contact: Option<&'a [u8]>,
    supports_timer: bool,
    timer_marks: TimerMarks,
    record_routes: usize,
    has_reason: bool,
    diverted: bool,
    no_recurse: bool,
}

impl<'a> Picked<'a> {
    fn of(message: &Message<'a>) -> Self {
        let mut picked = Self::default();
        for header in message.headers() {
            let place = match header.name {
                HeaderName::SessionExpires => &mut picked.session_expires,
                HeaderName::MinSe => &mut picked.min_se,
                HeaderName::UserAgent => &mut picked.user_agent,
                HeaderName::Server => &mut picked.server,
                HeaderName::SessionId => &mut picked.session_id,
                HeaderName::Route => &mut picked.route,
                HeaderName::Contact => &mut picked.contact,
                HeaderName::Supported => {
                    picked.supports_timer |= lists_timer(header.value);
                    continue;
                }
                HeaderName::Require => {
                    picked.timer_marks.set(TimerMarks::REQUIRE, lists_timer(header.value));
                    continue;
                }
                HeaderName::ProxyRequire => {
                    picked.timer_marks.set(TimerMarks::PROXY_REQUIRE, lists_timer(header.value));
                    continue;
                }
                HeaderName::Unsupported => {
                    picked.timer_marks.set(TimerMarks::UNSUPPORTED, lists_timer(header.value));
                    continue;
                }
                HeaderName::RecordRoute => {
                    picked.record_routes = picked.record_routes.saturating_add(header.value.len());
                    continue;
                }
                HeaderName::RetryAfter => {
                    picked.timer_marks.set(TimerMarks::RETRY_AFTER, true);
                    continue;
                }
                HeaderName::Reason => {
                    picked.has_reason = true;
                    continue;
                }
                HeaderName::Diversion => {
                    picked.diverted = true;
                    continue;
                }
                HeaderName::RequestDisposition => {
                    let mut directives = ListValues::new(header.value);
                    picked.no_recurse |= directives.any(|directive| directive.eq_ignore_ascii_case(b"no-recurse"));
                    continue;
                }
                _ => continue,
            };
            if place.is_none() {
                *place = Some(header.value);
            }
        }
        picked.timer_marks.set(TimerMarks::BODY, !message.body.is_empty());
        if picked.session_expires.is_some() || picked.min_se.is_some() {
            mark_values(message, &mut picked.timer_marks);
        }
        picked
    }
}

/// The record of a message that [correlates](Message::correlates); its spans point into [`Message::raw`], its Via digests are
/// added to `digests`. `None` if it lacks what correlation needs.
pub fn extract(message: &Message<'_>, found: &Found<'_>, digests: &mut Vec<u64>) -> Option<MessageRecord> {
    let raw = message.raw();
    let span = |part: &[u8]| Span::of(raw, part);
    let (cseq, from) = (message.cseq().ok()?, message.from().ok()?);
    let to = message.to().ok();
    let (kind, subject) = match message.start_line {
        StartLine::Request { uri, .. } => (Kind::Request, span(uri)),
        StartLine::Response { status, reason } => (Kind::Response(status), span(reason)),
    };
    let method = Method::of(cseq.method);
    let odd_start_line = !has_usual_start_line(message, (cseq.method, method), subject);
    let tag = |address: Option<&NameAddr<'_>>| address.and_then(NameAddr::tag).map(span).unwrap_or_default();
    let picked = Picked::of(message);
    let session_expires = picked.session_expires.map(|value| SessionExpires::parse(value).ok());
    let min_se = picked.min_se.map(|value| MinSe::parse(value).ok());
    let agent = match kind {
        Kind::Request => picked.user_agent,
        Kind::Response(_) => picked.server.or(picked.user_agent),
    };
    let local_id = picked.session_id.and_then(|value| value.split(|byte| *byte == b';').next());
    let onward = match kind {
        Kind::Request if method == Method::Invite => picked.route,
        Kind::Response(200..=299) if method == Method::Invite => picked.contact,
        _ => None,
    };
    let onward = onward.and_then(|value| NameAddr::parse(ListValues::new(value).next()?).ok());
    let (top_via, vias) = via_digests(message, digests);
    let is_malformed = matches!(session_expires, Some(None)) || matches!(min_se, Some(None));
    let odd_timers = is_malformed || picked.timer_marks.has_any(TimerMarks::ODD);
    Some(MessageRecord {
        time: found.time,
        frame: found.frame,
        input: found.input,
        capture_source: found.capture_source,
        position: found.position,
        source: found.source,
        destination: found.destination,
        transport: found.transport,
        identification: found.identification,
        digest: keyed(raw),
        extent: found.extents.first().copied().unwrap_or_default(),
        kind,
        method,
        cseq: cseq.number,
        subject,
        from_uri: span(from.uri),
        from_tag: tag(Some(&from)),
        to_uri: to.map(|to| span(to.uri)).unwrap_or_default(),
        to_tag: tag(to.as_ref()),
        agent: agent.map(span).unwrap_or_default(),
        onward: onward.map(|address| span(address.uri)).unwrap_or_default(),
        session_id: local_id.map(|local| span(local.trim_ascii())).unwrap_or_default(),
        has_branch: message.top_via().is_ok_and(|via| via.branch.is_some_and(has_cookie)),
        top_via,
        vias,
        session_expires: seconds(session_expires.map(|found| found.map(|found| found.seconds))),
        refresher: session_expires.flatten().and_then(|found| found.refresher),
        min_se: seconds(min_se.map(|found| found.map(|found| found.seconds))),
        supports_timer: picked.supports_timer,
        timer_marks: picked.timer_marks,
        record_routes: u16::try_from(picked.record_routes).unwrap_or(u16::MAX),
        marks: marks(message),
        description: Description::of(method, message.body),
        extra: extra(message, (kind, method), &picked, found.extents, (odd_start_line, odd_timers)),
    })
}

/// Octets of a request on UDP beyond which it must go over another transport, where the MTU is not known (RFC 3261 18.1.1).
const MAX_UDP_REQUEST: usize = 1_300;

/// What is said of the message as such.
fn marks(message: &Message<'_>) -> Marks {
    let mut marks = Marks::default();
    marks.set(Marks::OVERSIZE, message.raw().len() > MAX_UDP_REQUEST);
    marks.set(Marks::OLD_BRANCH, !message.top_via().is_ok_and(|via| via.has_transaction_branch()));
    marks.set(Marks::HEAD_CUT, message.is_head_cut());
    marks
}

/// Whether the start line is what follows from the kind of a record, its method and its subject, so that it need not be kept.
fn has_usual_start_line(message: &Message<'_>, (cseq_method, method): (&[u8], Method), subject: Span) -> bool {
    let raw = message.raw();
    let (word_end, end): (usize, &[u8]) = match message.start_line {
        StartLine::Request { method: own, .. } if own == cseq_method && method != Method::Other => {
            (own.len(), b" SIP/2.0")
        }
        StartLine::Response { .. } if raw.starts_with(b"SIP/2.0 ") => ("SIP/2.0 200".len(), b""),
        _ => return false,
    };
    let start = word_end + 1;
    // Where there is no reason phrase, nothing says where it would stand.
    let subject = if subject.is_empty() { start..start } else { subject.range() };
    raw.get(word_end) == Some(&b' ')
        && subject.start == start
        && raw.get(subject.end..).and_then(|rest| rest.strip_prefix(end)).is_some_and(|rest| line_end(rest) == 0)
}

/// Where the line ends that the text begins with.
fn line_end(text: &[u8]) -> usize {
    text.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(text.len())
}

const fn seconds(found: Option<Option<u64>>) -> Seconds {
    match found {
        None => Seconds::Absent,
        Some(None) => Seconds::Malformed,
        Some(Some(seconds)) => Seconds::Value(seconds),
    }
}

/// The digest of the top Via, and the digests of the list from each Via to the last.
///
/// What receivers add (`received`, `rport`) is no part of them, so that requests and responses of all hops compare.
fn via_digests(message: &Message<'_>, digests: &mut Vec<u64>) -> (u64, ViaRange) {
    let start = digests.len();
    // The top Via has been read already.
    digests.push(message.top_via().map_or(0, |via| via_digest(&via)));
    if message.via_count() > 1 {
        for value in message.values(HeaderName::Via).skip(1).take(limits::MAX_VIAS - 1) {
            digests.push(Via::parse(value).map_or(0, |via| via_digest(&via)));
        }
    }
    let own = digests.get_mut(start..).unwrap_or_default();
    let top = own.first().copied().unwrap_or(0);
    // RFC 2543 elements give no branch, or always the bare cookie: then the To tag and Call-ID would have to tell transactions
    // apart (RFC 3261 17.2.3). CSeq and method are part of the key, and the call is given, which leaves the Request-URI.
    let mut below = 0_u64;
    for digest in own.iter_mut().rev() {
        below = (below ^ *digest).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29) ^ *digest;
        *digest = below;
    }
    let range = ViaRange {
        start: u32::try_from(start).unwrap_or(u32::MAX),
        count: u32::try_from(digests.len() - start).unwrap_or(u32::MAX),
    };
    (top, range)
}

/// Whether a branch has the magic cookie and more behind it (RFC 3261 8.1.1.7).
fn has_cookie(branch: &[u8]) -> bool {
    const COOKIE: &[u8] = b"z9hG4bK";
    branch.len() > COOKIE.len() && branch.get(..COOKIE.len()).is_some_and(|start| start.eq_ignore_ascii_case(COOKIE))
}

fn via_digest(via: &Via<'_>) -> u64 {
    let mut lower = [0_u8; 128];
    let host = via.sent_by.text();
    let host = match lower.get_mut(..host.len()) {
        Some(lower) => {
            lower.copy_from_slice(host);
            lower.make_ascii_lowercase();
            xxh3_64(lower)
        }
        None => xxh3_64(host),
    };
    xxh3_64_with_seed(via.branch.unwrap_or_default(), host ^ u64::from(via.port.unwrap_or(0)))
}

/// What few messages have: the Contacts of a 3xx, the Reason of a BYE or CANCEL, timer headers that are odd, bytes in pieces.
fn extra(
    message: &Message<'_>,
    (kind, method): (Kind, Method),
    picked: &Picked<'_>,
    extents: &[Extent],
    (odd_start_line, odd_timers): (bool, bool),
) -> Option<Box<Extra>> {
    let redirects = matches!(kind, Kind::Response(300..=399));
    let ends = picked.has_reason && kind == Kind::Request && matches!(method, Method::Bye | Method::Cancel);
    let reason = if ends { joined(message, HeaderName::Reason) } else { Vec::new() };
    let starts = kind == Kind::Request && (picked.diverted || picked.no_recurse);
    let large = kind == Kind::Request && message.raw().len() > MAX_UDP_REQUEST;
    let odd = odd_start_line || odd_timers;
    if !redirects && !starts && !large && !odd && reason.is_empty() && extents.len() < 2 {
        return None;
    }
    Some(Box::new(Extra {
        start_line: odd_start_line.then(|| start_line(message)),
        contacts: if redirects { contacts(message) } else { Vec::new() },
        expires: if redirects { message.expires().and_then(Result::ok) } else { None },
        reason: reason.into(),
        extents: if extents.len() > 1 { extents.to_vec() } else { Vec::new() },
        octets: message.raw().len(),
        body_length: message.body.len(),
        diverted: picked.diverted,
        no_recurse: picked.no_recurse,
        odd_timers: odd_timers.then(|| Box::new(self::odd_timers(message))),
    }))
}

#[cold]
fn start_line(message: &Message<'_>) -> Box<[u8]> {
    let raw = message.raw();
    raw.get(..line_end(raw)).unwrap_or_default().into()
}

#[cold]
fn odd_timers(message: &Message<'_>) -> OddTimers {
    let values = |name| {
        let all = message.headers().filter(move |header| header.name == name).take(limits::MAX_ODD_TIMER_VALUES);
        let cut = |value: &[u8]| value.get(..limits::MAX_ODD_TIMER_OCTETS).unwrap_or(value).into();
        all.map(|header| cut(header.value)).collect()
    };
    OddTimers { session_expires: values(HeaderName::SessionExpires), min_se: values(HeaderName::MinSe) }
}

fn joined(message: &Message<'_>, name: HeaderName) -> Vec<u8> {
    message.values(name).collect::<Vec<_>>().join(&b", "[..])
}

fn contacts(message: &Message<'_>) -> Vec<ContactRecord> {
    let Contacts::List(list) = message.contacts() else {
        return vec![ContactRecord { raw: (*b"*").into(), ..ContactRecord::default() }];
    };
    let read = message.values(HeaderName::Contact).zip(list).take(limits::MAX_CONTACTS);
    read.map(|(raw, contact)| match contact {
        Ok(contact) => ContactRecord {
            uri: contact.name_addr.uri.into(),
            display_name: contact.name_addr.display_name.map(|name| unquote(name).as_ref().into()),
            q_millis: contact.q_millis,
            // A lifetime that cannot be read counts as an hour (RFC 3261 8.3).
            expires: contact.expires.or_else(|| contact.expires_error.map(|_| 3_600)),
            raw: contact.raw.into(),
        },
        Err(_) => ContactRecord { raw: raw.into(), ..ContactRecord::default() },
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::text::Texts;
    use super::*;

    #[test]
    fn start_lines_are_as_on_the_wire_however_odd() {
        for (line, cseq, is_kept) in [
            ("INVITE sip:bob@example.com SIP/2.0", "INVITE", false),
            ("ACK sip:bob@example.com;x=y SIP/2.0", "ACK", false),
            ("SIP/2.0 200 OK", "INVITE", false),
            ("SIP/2.0 100 trying -- your call is important to us", "INVITE", false),
            ("SIP/2.0 480 ", "INVITE", false),
            ("SIP/2.0 480", "INVITE", true),
            ("sip/2.0 200 OK", "INVITE", true),
            ("SIP/2.0 200 OK ", "INVITE", false),
            ("SIP/2.0  200 OK", "INVITE", true),
            ("SIP/2.0 200  OK", "INVITE", false),
            ("INVITE sip:bob@example.com SIP/2.0", "OPTIONS", true),
            ("INVITE  sip:bob@example.com SIP/2.0", "INVITE", true),
            ("INVITE <sip:bob@example.com> SIP/2.0", "INVITE", true),
            ("INVITE sip:bob@example.com sip/2.0", "INVITE", true),
            ("NEWMETHOD sip:bob@example.com SIP/2.0", "NEWMETHOD", true),
        ] {
            for end in ["\r\n", "\n"] {
                let head = format!(
                    "Via: SIP/2.0/UDP a;branch=z9hG4bK1{end}From: <sip:a>;tag=1{end}To: <sip:b>{end}Call-ID: x{end}CSeq: 1 {cseq}{end}"
                );
                let text = format!("{line}{end}{head}{end}");
                let message = Message::parse(text.as_bytes()).unwrap();
                let mut digests = Vec::new();
                let mut record = extract(&message, &Found::default(), &mut digests).unwrap();
                let (mut texts, mut vias) = (Texts::default(), Vec::new());
                record.settle(message.raw(), &digests, None, &mut texts, &mut vias);
                assert_eq!(record.start_line(&texts), line.as_bytes(), "{text:?}");
                assert_eq!(record.odd_start_line().is_some(), is_kept, "{text:?}");
                if record.is_request() {
                    let method = line.split(' ').next().unwrap_or_default();
                    assert_eq!(record.method_text(), method.as_bytes());
                }
            }
        }
    }
}
