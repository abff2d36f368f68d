//! A message: its start line, its headers as they stand, its body, and what is odd about it.

mod read;
mod typed;
mod values;

use super::anomaly::{Anomalies, Anomaly};
use super::header::{
    CSeq, Contact, Header, HeaderError, HeaderName, MinSe, NameAddr, SessionExpires, Via, delta_seconds,
};
use super::sdp::{Sdp, SdpError};
use super::start_line::{NotSip, StartLine};
use super::token::part;
use super::uri::{Uri, UriError};

pub(super) use read::{Origin, content_length};
pub use typed::Malformed;
pub use values::{ContactList, Contacts, Values};

/// A SIP message. It borrows the bytes it was read from.
///
/// What correlation needs has been read when it is there; other values are read when they are asked for. Nothing that is wrong is hidden:
/// a value that cannot be read is an error with its cause, and what was tolerated stands among the anomalies with its offset.
///
/// ```
/// use reinvite::sip::{Anomaly, Contacts, HeaderName, Message};
///
/// let bytes = b"SIP/2.0 302 Moved\nVia: SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/TCP b\nf: <sip:a@h>;tag=1\nTo: <sip:b@h>;tag=2\n\
///     i: c\nCSeq: 7 INVITE\nContact: \"B, ob\" <sip:bob@h>;q=0.5, <tel:+12015550123>\n\n";
/// let message = Message::parse(bytes)?;
/// assert_eq!((message.status(), message.cseq()?.number, message.call_id()), (Some(302), 7, Some(&b"c"[..])));
/// // In wire order, as they stand there.
/// let names: Vec<&[u8]> = message.headers().map(|header| header.raw_name).collect();
/// assert_eq!(names, [&b"Via"[..], b"f", b"To", b"i", b"CSeq", b"Contact"]);
/// // Long and compact names are one, and so are rows and lists.
/// assert_eq!(message.values(HeaderName::Via).count(), 2);
/// let Contacts::List(list) = message.contacts() else { panic!("not a wildcard") };
/// let uris: Vec<&[u8]> = list.filter_map(Result::ok).map(|contact| contact.name_addr.uri).collect();
/// assert_eq!(uris, [&b"sip:bob@h"[..], b"tel:+12015550123"]);
/// // Lines that end with LF alone are tolerated, and said to be.
/// assert_eq!(message.anomalies(), [(Anomaly::BareLineFeed, 17)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Message<'a> {
    /// The start line.
    pub start_line: StartLine<'a>,
    /// The body, as long as Content-Length says and the bytes go.
    pub body: &'a [u8],
    /// From the start line to the end of the body.
    raw: &'a [u8],
    leading_octets: usize,
    /// In wire order; all offsets lie in `raw`.
    headers: Vec<Span>,
    anomalies: Anomalies,
    call_id: Option<&'a [u8]>,
    cseq: Result<CSeq<'a>, HeaderError>,
    from: Result<NameAddr<'a>, HeaderError>,
    to: Result<NameAddr<'a>, HeaderError>,
    top_via: Result<Via<'a>, HeaderError>,
    via_count: usize,
    request_uri: Option<Result<Uri<'a>, UriError>>,
    content_length: Option<Result<u64, HeaderError>>,
}

/// Where a header lies in the message: `start..start + name_length` and `value_start..value_end`.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    value_start: u32,
    value_end: u32,
    name_length: u16,
    name: HeaderName,
}

impl<'a> Message<'a> {
    /// Reads a message that is all of a datagram, after any CR, LF and NUL in front. Content-Length cuts the body; without it
    /// the body is all the rest (RFC 3261 18.3).
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NotSip> {
        read::read(bytes, Origin::Datagram)
    }

    /// Reads the first part of a datagram whose rest the capture does not hold. A last line without end is not believed.
    pub fn parse_cut(bytes: &'a [u8]) -> Result<Self, NotSip> {
        read::read(bytes, Origin::CutDatagram)
    }

    /// Reads a message that a framer cut out of a stream.
    pub(super) fn parse_framed(bytes: &'a [u8], origin: Origin) -> Result<Self, NotSip> {
        read::read(bytes, origin)
    }

    /// The bytes of the message, from its start line to the end of its body.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// How many bytes of padding were skipped in front of the start line; [`raw`](Self::raw) begins behind them.
    pub fn leading_octets(&self) -> usize {
        self.leading_octets
    }

    /// Whether the message can be used to find out which transactions and calls there are: it has a Call-ID, a From and a CSeq,
    /// and no anomaly that [spoils correlation](Anomaly::spoils_correlation).
    pub fn correlates(&self) -> bool {
        !self.anomalies.spoiled() && self.call_id.is_some() && self.from.is_ok() && self.cseq.is_ok()
    }

    /// What is odd, in the order in which it was found, each kind once, with its offset in [`raw`](Self::raw).
    pub fn anomalies(&self) -> &[(Anomaly, u32)] {
        self.anomalies.listed()
    }

    /// Whether the capture holds only part of its head: that a header is not there says nothing then.
    pub fn is_head_cut(&self) -> bool {
        self.anomalies.has_head_cut()
    }

    /// How many more oddities were found than [`anomalies`](Self::anomalies) lists: repeated ones, and those beyond the limit.
    pub fn anomalies_omitted(&self) -> u32 {
        self.anomalies.omitted()
    }

    /// The status code of a response.
    pub fn status(&self) -> Option<u16> {
        match self.start_line {
            StartLine::Response { status, .. } => Some(status),
            StartLine::Request { .. } => None,
        }
    }

    /// The method of a request.
    pub fn method(&self) -> Option<&'a [u8]> {
        match self.start_line {
            StartLine::Request { method, .. } => Some(method),
            StartLine::Response { .. } => None,
        }
    }

    /// The Request-URI of a request.
    pub fn request_uri(&self) -> Option<Result<Uri<'a>, UriError>> {
        self.request_uri
    }

    /// How many Vias there are, those that cannot be read included.
    pub fn via_count(&self) -> usize {
        self.via_count
    }

    /// All headers in wire order.
    pub fn headers(&self) -> impl Iterator<Item = Header<'a>> {
        self.headers.iter().map(|span| span.header(self.raw))
    }

    /// The headers of one name, long and compact forms alike, in wire order.
    pub fn all(&self, name: HeaderName) -> impl Iterator<Item = Header<'a>> {
        self.headers.iter().filter(move |span| span.name == name).map(|span| span.header(self.raw))
    }

    /// The first header of this name.
    pub fn header(&self, name: HeaderName) -> Option<Header<'a>> {
        self.all(name).next()
    }

    /// The values of a header over all its rows; those of a list header are split at commas (RFC 3261 7.3.1). Empty values are
    /// passed over.
    pub fn values(&self, name: HeaderName) -> Values<'_, 'a> {
        Values::new(self, name)
    }

    /// The Call-ID; its case counts. The first one if there are several.
    pub fn call_id(&self) -> Option<&'a [u8]> {
        self.call_id
    }

    /// CSeq. The first one if there are several.
    pub fn cseq(&self) -> Result<CSeq<'a>, HeaderError> {
        self.cseq
    }

    /// From. The first one if there are several.
    pub fn from(&self) -> Result<NameAddr<'a>, HeaderError> {
        self.from
    }

    /// To. The first one if there are several.
    pub fn to(&self) -> Result<NameAddr<'a>, HeaderError> {
        self.to
    }

    /// The first Via: the hop that sent the request.
    pub fn top_via(&self) -> Result<Via<'a>, HeaderError> {
        self.top_via
    }

    /// All Vias, the hop that sent the request first.
    pub fn vias(&self) -> impl Iterator<Item = Result<Via<'a>, HeaderError>> {
        let top = self.top_via;
        let values = self.values(HeaderName::Via).enumerate();
        values.map(move |(index, value)| if index == 0 { top } else { Via::parse(value) })
    }

    /// All Contacts.
    pub fn contacts(&self) -> Contacts<'_, 'a> {
        Contacts::new(self)
    }

    /// The first Contact that can be read.
    pub fn first_contact(&self) -> Option<Contact<'a>> {
        match self.contacts() {
            Contacts::Wildcard => None,
            Contacts::List(mut list) => list.find_map(Result::ok),
        }
    }

    /// Session-Expires (RFC 4028 4), long or compact.
    pub fn session_expires(&self) -> Option<Result<SessionExpires<'a>, HeaderError>> {
        self.header(HeaderName::SessionExpires).map(|header| SessionExpires::parse(header.value))
    }

    /// Min-SE (RFC 4028 5).
    pub fn min_se(&self) -> Option<Result<MinSe<'a>, HeaderError>> {
        self.header(HeaderName::MinSe).map(|header| MinSe::parse(header.value))
    }

    /// Whether a list header such as Supported, Require or Allow holds this tag; its case does not count.
    pub fn has_option_tag(&self, name: HeaderName, tag: &[u8]) -> bool {
        self.values(name).any(|value| value.eq_ignore_ascii_case(tag))
    }

    /// Content-Length; a number that is too large stops at the largest there is. The first one if there are several.
    pub fn content_length(&self) -> Option<Result<u64, HeaderError>> {
        self.content_length
    }

    /// Expires in seconds; a number that is too large stops at the largest there is.
    pub fn expires(&self) -> Option<Result<u64, HeaderError>> {
        self.header(HeaderName::Expires).map(|header| delta_seconds(header.value).map(|(seconds, _)| seconds))
    }

    /// The value of User-Agent.
    pub fn user_agent(&self) -> Option<&'a [u8]> {
        self.header(HeaderName::UserAgent).map(|header| header.value)
    }

    /// The value of Server.
    pub fn server(&self) -> Option<&'a [u8]> {
        self.header(HeaderName::Server).map(|header| header.value)
    }
}

impl Span {
    fn header<'a>(&self, raw: &'a [u8]) -> Header<'a> {
        Header { name: self.name, raw_name: self.raw_name(raw), value: self.value(raw), offset: self.start }
    }

    fn raw_name<'a>(&self, raw: &'a [u8]) -> &'a [u8] {
        part(raw, index(self.start), index(self.start).saturating_add(usize::from(self.name_length)))
    }

    fn value<'a>(&self, raw: &'a [u8]) -> &'a [u8] {
        part(raw, index(self.value_start), index(self.value_end))
    }
}

fn index(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
