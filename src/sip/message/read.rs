//! Reading a message: one pass over its head, then the body.

use super::values::{ContactList, is_empty_value};
use super::{Message, Span};
use crate::limits::MAX_HEADERS;
use crate::sip::anomaly::{Anomalies, Anomaly};
use crate::sip::header::{CSeq, HeaderError, HeaderKind, HeaderName, ListValues, NameAddr, Via};
use crate::sip::lines::{HeaderLine, HeaderLines};
use crate::sip::recognize::without_padding;
use crate::sip::start_line::{NotSip, StartLine, may_begin, parse};
use crate::sip::token::{decimal, from, part};
use crate::sip::uri::{Uri, UriError};

/// Room for the headers of a usual message, so that the list grows once.
const USUAL_HEADERS: usize = 24;

/// Where the bytes of a message come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sip) enum Origin {
    /// A whole datagram.
    Datagram,
    /// The first part of a datagram.
    CutDatagram,
    /// A stream that was cut into messages.
    Stream {
        /// Whether all of the body is there.
        complete: bool,
    },
}

impl Origin {
    /// Whether bytes are missing behind those that are there.
    fn is_cut(self) -> bool {
        matches!(self, Self::CutDatagram | Self::Stream { complete: false })
    }
}

/// The number in a Content-Length.
pub(in crate::sip) fn content_length(value: &[u8]) -> Result<u64, HeaderError> {
    decimal(value).ok_or(HeaderError::NotANumber)
}

pub(super) fn read(bytes: &[u8], origin: Origin) -> Result<Message<'_>, NotSip> {
    let raw = without_padding(bytes);
    if raw.is_empty() {
        return Err(NotSip::Empty);
    }
    if u32::try_from(bytes.len()).is_err() {
        return Err(NotSip::TooLong);
    }
    if !may_begin(raw) {
        return Err(NotSip::NoStartLine);
    }
    let mut anomalies = Anomalies::default();
    let mut lines = HeaderLines::new(raw, origin != Origin::CutDatagram);
    let (start, end) = lines.line().ok_or(NotSip::StartLineCut)?;
    let start_line = parse(part(raw, start, end), &mut anomalies)?;
    let mut reader = Reader::new(raw, anomalies);
    while let Some(line) = lines.header() {
        match line {
            HeaderLine::Field { name, start, name_length, value_start, value } => {
                reader.field(name, (start, name_length), (value_start, value));
            }
            HeaderLine::Malformed { start } => reader.anomalies.push(Anomaly::MalformedHeaderLine, start),
        }
    }
    for (found, anomaly) in
        [(lines.bare_line_feed, Anomaly::BareLineFeed), (lines.bare_carriage_return, Anomaly::BareCarriageReturn)]
    {
        if let Some(offset) = found {
            reader.anomalies.push(anomaly, offset);
        }
    }
    // Requests for SIP URIs are SIP, whatever they lack. A head that the capture cut may have had the headers behind the cut.
    let may_be_another = match start_line {
        StartLine::Response { .. } => true,
        StartLine::Request { uri, .. } => !matches!(Uri::parse(uri), Ok(Uri::Sip(_) | Uri::Tel(_))),
    };
    if may_be_another && reader.lacks_all() && (lines.blank_line || !origin.is_cut()) {
        return Err(NotSip::NoSipHeader);
    }
    let head_end = lines.position();
    reader.check(&start_line, head_end);
    let body_end = if lines.blank_line {
        reader.body_end(head_end, origin)
    } else {
        reader.anomalies.push(if origin.is_cut() { Anomaly::HeadCut } else { Anomaly::BlankLineMissing }, head_end);
        head_end
    };
    let leading_octets = bytes.len().saturating_sub(raw.len());
    Ok(reader.finish(start_line, leading_octets, part(raw, 0, body_end), part(raw, head_end, body_end)))
}

/// What is known of the headers so far.
struct Reader<'a> {
    raw: &'a [u8],
    headers: Vec<Span>,
    anomalies: Anomalies,
    seen: Seen,
    call_id: Option<&'a [u8]>,
    cseq: Option<&'a [u8]>,
    from: Option<&'a [u8]>,
    to: Option<&'a [u8]>,
    content_length: Option<Result<u64, HeaderError>>,
    /// Whether there are two values of Content-Length.
    length_conflict: bool,
    parsed_cseq: Result<CSeq<'a>, HeaderError>,
    parsed_from: Result<NameAddr<'a>, HeaderError>,
    parsed_to: Result<NameAddr<'a>, HeaderError>,
    top_via: Result<Via<'a>, HeaderError>,
    via_count: usize,
    cseq_offset: usize,
    request_uri: Option<Result<Uri<'a>, UriError>>,
    /// Whether `*` is among the Contacts.
    wildcard: bool,
}

impl<'a> Reader<'a> {
    fn new(raw: &'a [u8], anomalies: Anomalies) -> Self {
        Self {
            raw,
            headers: Vec::with_capacity(USUAL_HEADERS),
            anomalies,
            seen: Seen::default(),
            call_id: None,
            cseq: None,
            from: None,
            to: None,
            content_length: None,
            length_conflict: false,
            parsed_cseq: Err(HeaderError::Missing),
            parsed_from: Err(HeaderError::Missing),
            parsed_to: Err(HeaderError::Missing),
            top_via: Err(HeaderError::Missing),
            via_count: 0,
            cseq_offset: 0,
            request_uri: None,
            wildcard: false,
        }
    }

    /// Takes a header with where it begins and the length of its name, and its value with where that begins.
    fn field(
        &mut self,
        name: HeaderName,
        (start, name_length): (usize, usize),
        (value_start, value): (usize, &'a [u8]),
    ) {
        let (Ok(name_length), Some(start_offset), Some(value_from), Some(length)) =
            (u16::try_from(name_length), offset(start), offset(value_start), offset(value.len()))
        else {
            self.anomalies.push(Anomaly::MalformedHeaderLine, start);
            return;
        };
        if self.headers.len() >= MAX_HEADERS {
            self.anomalies.push(Anomaly::TooManyHeaders, start);
            return;
        }
        self.headers.push(Span {
            start: start_offset,
            value_start: value_from,
            value_end: value_from.wrapping_add(length),
            name_length,
            name,
        });
        let repeated = name.kind() == HeaderKind::Single && self.seen.insert(name);
        match name {
            HeaderName::Via => self.vias(value, start),
            HeaderName::Contact => self.contacts(value, start),
            HeaderName::Date if !is_gmt(value) => {
                self.anomalies.push(Anomaly::DateNotGmt, start);
            }
            _ if repeated => self.repeated(name, value, start),
            HeaderName::CallId => self.call_id = Some(value).filter(|value| !value.is_empty()),
            HeaderName::CSeq => self.cseq(value, start),
            HeaderName::From => {
                self.from = Some(value);
                self.parsed_from = self.address(value, start, Anomaly::MalformedFrom);
            }
            HeaderName::To => {
                self.to = Some(value);
                self.parsed_to = self.address(value, start, Anomaly::MalformedTo);
            }
            HeaderName::ContentLength => {
                let length = content_length(value);
                if length.is_err() {
                    self.anomalies.push(Anomaly::MalformedContentLength, start);
                }
                self.content_length = Some(length);
            }
            _ => {}
        }
    }

    /// Takes a header that may stand once and stood before.
    fn repeated(&mut self, name: HeaderName, value: &[u8], start: usize) {
        let (same, conflict) = match name {
            HeaderName::CallId => (self.call_id == Some(value), Anomaly::CallIdConflict),
            HeaderName::CSeq => (self.cseq == Some(value), Anomaly::CseqConflict),
            HeaderName::From => (self.from == Some(value), Anomaly::FromConflict),
            HeaderName::To => (self.to == Some(value), Anomaly::ToConflict),
            HeaderName::ContentLength => {
                let same = self.content_length == Some(content_length(value));
                self.length_conflict |= !same;
                (same, Anomaly::ContentLengthConflict)
            }
            _ => (true, Anomaly::HeaderRepeated),
        };
        self.anomalies.push(if same { Anomaly::HeaderRepeated } else { conflict }, start);
    }

    fn cseq(&mut self, value: &'a [u8], start: usize) {
        self.cseq = Some(value);
        self.cseq_offset = start;
        self.parsed_cseq = CSeq::parse(value);
        match self.parsed_cseq {
            Ok(cseq) if cseq.number > i32::MAX.unsigned_abs() => {
                self.anomalies.push(Anomaly::CseqNumberAbove31Bits, start);
            }
            Ok(_) => {}
            Err(HeaderError::NumberTooLarge) => self.anomalies.push(Anomaly::CseqNumberTooLarge, start),
            Err(_) => self.anomalies.push(Anomaly::MalformedCseq, start),
        }
    }

    fn address(&mut self, value: &'a [u8], start: usize, malformed: Anomaly) -> Result<NameAddr<'a>, HeaderError> {
        let address = NameAddr::parse(value);
        let odd = address.map_or(Some(malformed), |address| address.oddity);
        if let Some(anomaly) = odd {
            self.anomalies.push(anomaly, start);
        }
        address
    }

    fn vias(&mut self, row: &'a [u8], start: usize) {
        for value in ListValues::new(row) {
            if is_empty_value(value) {
                self.anomalies.push(Anomaly::EmptyListValue, start);
                continue;
            }
            self.via_count = self.via_count.saturating_add(1);
            let via = Via::parse(value);
            if let Some(anomaly) = via.map_or(Some(Anomaly::MalformedVia), |via| via.oddity) {
                self.anomalies.push(anomaly, start);
            }
            if self.top_via == Err(HeaderError::Missing) {
                self.top_via = via;
            }
        }
    }

    fn contacts(&mut self, row: &'a [u8], start: usize) {
        let alone = !self.seen.insert(HeaderName::Contact);
        self.wildcard |= row == b"*";
        if self.wildcard && !alone {
            self.anomalies.push(Anomaly::MalformedContact, start);
        }
        if row == b"*" {
            return;
        }
        for value in ListValues::new(row) {
            if is_empty_value(value) {
                self.anomalies.push(Anomaly::EmptyListValue, start);
                continue;
            }
            match ContactList::contact(value) {
                Ok(contact) => {
                    for anomaly in [contact.name_addr.oddity, contact.oddity].into_iter().flatten() {
                        self.anomalies.push(anomaly, start);
                    }
                }
                Err(_) => self.anomalies.push(Anomaly::MalformedContact, start),
            }
        }
    }

    /// Whether there is none of the headers that every message has.
    fn lacks_all(&self) -> bool {
        let via = self.top_via != Err(HeaderError::Missing);
        !via && self.from.is_none() && self.call_id.is_none() && self.cseq.is_none()
    }

    /// Checks what needs the whole head.
    fn check(&mut self, start_line: &StartLine<'a>, head_end: usize) {
        for (missing, anomaly) in [
            (self.call_id.is_none(), Anomaly::CallIdMissing),
            (self.from.is_none(), Anomaly::FromMissing),
            (self.to.is_none(), Anomaly::ToMissing),
            (self.cseq.is_none(), Anomaly::CseqMissing),
            (self.top_via == Err(HeaderError::Missing), Anomaly::ViaMissing),
        ] {
            if missing {
                self.anomalies.push(anomaly, head_end);
            }
        }
        if let StartLine::Request { method, uri } = start_line {
            if self.parsed_cseq.is_ok_and(|cseq| cseq.method != *method) {
                self.anomalies.push(Anomaly::CseqMethodMismatch, self.cseq_offset);
            }
            let at = method.len().saturating_add(1);
            let uri = Uri::parse(uri);
            self.request_uri = Some(uri);
            match uri {
                Ok(Uri::Sip(uri)) => {
                    if let Some(anomaly) = uri.headers.map(|_| Anomaly::HeadersInRequestUri).or(uri.oddity) {
                        self.anomalies.push(anomaly, at);
                    }
                }
                Ok(_) => {}
                Err(_) => self.anomalies.push(Anomaly::MalformedRequestUri, at),
            }
        }
    }

    /// Where the body ends.
    fn body_end(&mut self, head_end: usize, origin: Origin) -> usize {
        let available = from(self.raw, head_end).len();
        let stream = matches!(origin, Origin::Stream { .. });
        if self.length_conflict && stream {
            return self.raw.len();
        }
        let Some(length) = self.content_length else {
            if stream {
                self.anomalies.push(Anomaly::ContentLengthMissingOnStream, head_end);
            } else if origin.is_cut() {
                self.anomalies.push(Anomaly::BodyIncomplete, self.raw.len());
            }
            return self.raw.len();
        };
        let Ok(length) = length.map(|length| usize::try_from(length).unwrap_or(usize::MAX)) else {
            return self.raw.len();
        };
        if length < available {
            let end = head_end.saturating_add(length);
            if !self.length_conflict {
                self.anomalies.push(Anomaly::TrailingOctets, end);
            }
            return end;
        }
        if length > available {
            let cut = if origin.is_cut() { Anomaly::BodyIncomplete } else { Anomaly::ContentLengthTooLarge };
            self.anomalies.push(cut, self.raw.len());
        }
        self.raw.len()
    }

    fn finish(self, start_line: StartLine<'a>, leading_octets: usize, raw: &'a [u8], body: &'a [u8]) -> Message<'a> {
        Message {
            start_line,
            body,
            raw,
            leading_octets,
            headers: self.headers,
            anomalies: self.anomalies,
            call_id: self.call_id,
            cseq: self.parsed_cseq,
            from: self.parsed_from,
            to: self.parsed_to,
            top_via: self.top_via,
            via_count: self.via_count,
            request_uri: self.request_uri,
            content_length: self.content_length,
        }
    }
}

fn offset(position: usize) -> Option<u32> {
    u32::try_from(position).ok()
}

/// Whether a Date is in GMT, as it must be (RFC 3261 20.17).
fn is_gmt(date: &[u8]) -> bool {
    date.last_chunk::<3>().is_some_and(|zone| zone.eq_ignore_ascii_case(b"GMT"))
}

/// Which headers were seen.
#[derive(Default)]
struct Seen([u64; 4]);

impl Seen {
    /// Notes a header; true if it was noted before.
    fn insert(&mut self, name: HeaderName) -> bool {
        let number = name as u8;
        let mask = 1_u64.wrapping_shl(u32::from(number % 64));
        let Some(word) = self.0.get_mut(usize::from(number / 64)) else { return false };
        let before = *word & mask != 0;
        *word |= mask;
        before
    }
}
