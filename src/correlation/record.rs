//! What correlation and the rules need of one message, small enough to keep for every message of a live call.

use std::borrow::Cow;

use super::marks::{Marks, TimerMarks};
use super::offer::Description;
use super::text::{Span, Texts};
use crate::extent::Extent;
use crate::net::{Endpoint, Transport};
use crate::sip::Refresher;
use crate::time::Timestamp;

/// A SIP method (RFC 3261 7.1 and the methods registered since).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// ACK, RFC 3261.
    Ack,
    /// BYE, RFC 3261.
    Bye,
    /// CANCEL, RFC 3261.
    Cancel,
    /// INFO, RFC 6086.
    Info,
    /// INVITE, RFC 3261.
    Invite,
    /// MESSAGE, RFC 3428.
    Message,
    /// NOTIFY, RFC 6665.
    Notify,
    /// OPTIONS, RFC 3261.
    Options,
    /// PRACK, RFC 3262.
    Prack,
    /// PUBLISH, RFC 3903.
    Publish,
    /// REFER, RFC 3515.
    Refer,
    /// REGISTER, RFC 3261.
    Register,
    /// SUBSCRIBE, RFC 6665.
    Subscribe,
    /// UPDATE, RFC 3311.
    Update,
    /// Any other, legal or not.
    Other,
}

impl Method {
    /// The registered methods with their names.
    pub const NAMED: [(&'static str, Self); 14] = [
        ("ACK", Self::Ack),
        ("BYE", Self::Bye),
        ("CANCEL", Self::Cancel),
        ("INFO", Self::Info),
        ("INVITE", Self::Invite),
        ("MESSAGE", Self::Message),
        ("NOTIFY", Self::Notify),
        ("OPTIONS", Self::Options),
        ("PRACK", Self::Prack),
        ("PUBLISH", Self::Publish),
        ("REFER", Self::Refer),
        ("REGISTER", Self::Register),
        ("SUBSCRIBE", Self::Subscribe),
        ("UPDATE", Self::Update),
    ];

    /// The method of that name; names are compared with case (RFC 3261 7.1).
    pub fn of(name: &[u8]) -> Self {
        // Most messages are of these, which need no search.
        match name {
            b"INVITE" => Self::Invite,
            b"ACK" => Self::Ack,
            b"BYE" => Self::Bye,
            b"REGISTER" => Self::Register,
            b"OPTIONS" => Self::Options,
            _ => Self::NAMED
                .iter()
                .find(|(known, _)| known.as_bytes() == name)
                .map_or(Self::Other, |(_, method)| *method),
        }
    }

    /// Its name, if it is a registered one.
    pub fn name(self) -> Option<&'static str> {
        Self::NAMED.iter().find(|(_, method)| *method == self).map(|(name, _)| *name)
    }

    /// Whether its 2xx may carry a Session-Expires that restarts a session's clock (RFC 4028 2).
    pub const fn refreshes_sessions(self) -> bool {
        matches!(self, Self::Invite | Self::Update)
    }
}

/// Request or response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request.
    Request,
    /// A response with its status code, 100 to 699.
    Response(u16),
}

/// A header with a number of seconds, as found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seconds {
    /// The header is not there.
    #[default]
    Absent,
    /// The header is there, but is not a number of seconds.
    Malformed,
    /// The number, saturating.
    Value(u64),
}

impl Seconds {
    /// The number, if there is one.
    pub const fn value(self) -> Option<u64> {
        match self {
            Self::Value(seconds) => Some(seconds),
            _ => None,
        }
    }
}

/// A Contact of a redirecting response (RFC 3261 20.10).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactRecord {
    /// The URI as on the wire; empty if the value could not be read.
    pub uri: Box<[u8]>,
    /// The display name with its quotes undone.
    pub display_name: Option<Box<[u8]>>,
    /// The q value in thousandths.
    pub q_millis: Option<u16>,
    /// Seconds for which it holds.
    pub expires: Option<u64>,
    /// The value as on the wire.
    pub raw: Box<[u8]>,
}

/// The values of timer headers of which one is malformed, contradicts itself or is there more than once, as on the wire and in its order;
/// of many the first, and the beginning of long ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OddTimers {
    /// Of Session-Expires.
    pub session_expires: Vec<Box<[u8]>>,
    /// Of Min-SE.
    pub min_se: Vec<Box<[u8]>>,
}

/// What few messages have.
#[derive(Clone, Debug, Default)]
pub struct Extra {
    /// The start line, if it is not what [`MessageRecord::start_line`] makes of the rest.
    pub start_line: Option<Box<[u8]>>,
    /// The Contacts of a 3xx, in wire order.
    pub contacts: Vec<ContactRecord>,
    /// Seconds of the Expires header of a 3xx.
    pub expires: Option<u64>,
    /// The Reason headers (RFC 3326) of a BYE or CANCEL.
    pub reason: Box<[u8]>,
    /// Where the bytes lie, if in more than one piece.
    pub extents: Vec<Extent>,
    /// Octets of the message.
    pub octets: usize,
    /// Octets of the body of a 3xx.
    pub body_length: usize,
    /// Whether there is a Diversion (RFC 5806).
    pub diverted: bool,
    /// Whether Request-Disposition lists `no-recurse` (RFC 3841 9.1).
    pub no_recurse: bool,
    /// Timer headers that cannot be taken as they are.
    pub odd_timers: Option<Box<OddTimers>>,
}

/// One SIP message as correlation sees it. The spans point into the message until [`MessageRecord::settle`], then into the call's [`Texts`].
#[derive(Clone, Debug)]
pub struct MessageRecord {
    /// When the frame that completed it was captured.
    pub time: Timestamp,
    /// The frame that completed it, as Wireshark numbers it.
    pub frame: u64,
    /// The input it came from.
    pub input: u32,
    /// The capture source of that input: inputs that continue each other share one.
    pub capture_source: u32,
    /// Its place among the messages that the same frame completed.
    pub position: u32,
    /// Who sent it.
    pub source: Endpoint,
    /// Where it was sent.
    pub destination: Endpoint,
    /// What carried it.
    pub transport: Transport,
    /// The IPv4 identification of the datagram, 0 if there is none.
    pub identification: u16,
    /// A digest of all its octets, which is only compared: it is another one in each run.
    pub digest: u64,
    /// Where its octets lie (the first piece).
    pub extent: Extent,
    /// Request or response.
    pub kind: Kind,
    /// The method of the request, or that of the CSeq of a response.
    pub method: Method,
    /// The CSeq number.
    pub cseq: u32,
    /// The Request-URI, or the reason phrase.
    pub subject: Span,
    /// The URI of From.
    pub from_uri: Span,
    /// The tag of From.
    pub from_tag: Span,
    /// The URI of To.
    pub to_uri: Span,
    /// The tag of To; empty if there is none.
    pub to_tag: Span,
    /// User-Agent of a request; Server, else User-Agent, of a response.
    pub agent: Span,
    /// Where it, or what comes of it, goes: the URI of the top Route of an INVITE; that of the Contact of a 2xx to INVITE, which the ACK
    /// has as its Request-URI (RFC 3261 12.2.1.1).
    pub onward: Span,
    /// The local UUID of Session-ID (RFC 7989).
    pub session_id: Span,
    /// Whether the top Via has a branch that tells its transaction: the cookie and more (RFC 3261 17.2.3).
    pub has_branch: bool,
    /// Digest of the top Via (protocol, sent-by, branch): what identifies its transaction on this hop (RFC 3261 17).
    pub top_via: u64,
    /// The digests of the Via list from each Via to the last: `[0]` stands for the whole list. In the call's list of digests.
    pub vias: ViaRange,
    /// Session-Expires (RFC 4028 4).
    pub session_expires: Seconds,
    /// The refresher it names.
    pub refresher: Option<Refresher>,
    /// Min-SE (RFC 4028 5).
    pub min_se: Seconds,
    /// Whether Supported lists `timer`.
    pub supports_timer: bool,
    /// What else it says about session timers.
    pub timer_marks: TimerMarks,
    /// Octets of its Record-Route values: whoever puts one in makes it more.
    pub record_routes: u16,
    /// What is said of the message as such.
    pub marks: Marks,
    /// The session description in its body, of methods that offer and answer media (RFC 3264).
    pub description: Option<Description>,
    /// What few messages have.
    pub extra: Option<Box<Extra>>,
}

/// How many of the latest Via digests of a call are looked through for those of another message.
const LOOK_BACK: usize = 64;

/// Where the Via digests of a message lie in the list of its window, later of its call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ViaRange {
    /// Index of the digest of the whole list.
    pub start: u32,
    /// Number of Vias.
    pub count: u32,
}

impl ViaRange {
    /// The digests in `all`.
    pub fn within(self, all: &[u64]) -> &[u64] {
        let start = self.start as usize;
        all.get(start..start.saturating_add(self.count as usize)).unwrap_or_default()
    }
}

impl MessageRecord {
    /// Whether it is a request.
    pub const fn is_request(&self) -> bool {
        matches!(self.kind, Kind::Request)
    }

    /// The status code of a response.
    pub const fn status(&self) -> Option<u16> {
        match self.kind {
            Kind::Request => None,
            Kind::Response(status) => Some(status),
        }
    }

    /// The start line as on the wire.
    pub fn start_line<'a>(&'a self, texts: &Texts) -> Cow<'a, [u8]> {
        if let Some(line) = self.odd_start_line() {
            return line.into();
        }
        let subject = texts.get(self.subject);
        let line = match self.kind {
            Kind::Request => [self.method.name().unwrap_or_default().as_bytes(), b" ", subject, b" SIP/2.0"].concat(),
            Kind::Response(status) => [b"SIP/2.0 ", status.to_string().as_bytes(), b" ", subject].concat(),
        };
        line.into()
    }

    /// The start line, if it does not follow from the method or status code and the Request-URI or reason phrase.
    pub fn odd_start_line(&self) -> Option<&[u8]> {
        self.extra.as_ref().and_then(|extra| extra.start_line.as_deref())
    }

    /// The method of a request as its start line spells it.
    pub fn method_text(&self) -> &[u8] {
        match self.odd_start_line() {
            Some(line) => line.split(|byte| *byte == b' ').next().unwrap_or_default(),
            None => self.method.name().unwrap_or_default().as_bytes(),
        }
    }

    /// Whether it has a body.
    pub const fn has_body(&self) -> bool {
        self.timer_marks.has(TimerMarks::BODY)
    }

    /// The order of all messages of a run at one place of capture and among several: time, input, frame, place in the frame.
    pub const fn order(&self) -> (Timestamp, u32, u64, u32) {
        (self.time, self.input, self.frame, self.position)
    }

    /// The Contacts of a 3xx.
    pub fn contacts(&self) -> &[ContactRecord] {
        self.extra.as_ref().map_or(&[], |extra| extra.contacts.as_slice())
    }

    /// Its timer headers, if they cannot be taken as they are.
    pub fn odd_timers(&self) -> Option<&OddTimers> {
        self.extra.as_ref().and_then(|extra| extra.odd_timers.as_deref())
    }

    /// Reads a little of all parts of the record, so that it is near.
    pub(super) fn warm(&self) -> u64 {
        let Self { time, digest, top_via, subject, session_id, source, destination, cseq, marks, .. } = self;
        let numbers = u64::from(*cseq) ^ u64::from(source.port) ^ u64::from(destination.port);
        let spans = subject.range().start ^ session_id.range().start;
        time.nanos().unsigned_abs() ^ digest ^ top_via ^ numbers ^ spans as u64 ^ u64::from(marks.has(Marks::HEAD_CUT))
    }

    fn spans(&mut self) -> [&mut Span; 8] {
        [
            &mut self.subject,
            &mut self.from_uri,
            &mut self.from_tag,
            &mut self.to_uri,
            &mut self.to_tag,
            &mut self.agent,
            &mut self.onward,
            &mut self.session_id,
        ]
    }

    /// Moves the record from the message and window it was found in to its call, of which `before` is the latest record.
    pub fn settle(
        &mut self,
        message: &[u8],
        digests: &[u64],
        before: Option<&mut Self>,
        texts: &mut Texts,
        vias: &mut Vec<u64>,
    ) {
        // Most texts of a message are those of the message before, which is looked at first.
        let hints = before.map(|record| record.spans().map(|span| *span)).unwrap_or_default();
        for (span, hint) in self.spans().into_iter().zip(hints) {
            *span = texts.keep_near(span.within(message), hint);
        }
        let own = self.vias.within(digests);
        // The first digest stands for the whole list.
        let latest = vias.len().saturating_sub(LOOK_BACK);
        let known = vias.iter().skip(latest).rposition(|digest| Some(digest) == own.first()).map(|back| latest + back);
        let known = known.filter(|start| vias.get(*start..).is_some_and(|list| list.starts_with(own)));
        let start = known.unwrap_or_else(|| {
            vias.extend_from_slice(own);
            vias.len() - own.len()
        });
        self.vias.start = u32::try_from(start).unwrap_or(u32::MAX);
    }
}
