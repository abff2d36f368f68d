//! Headers that are read when asked for. What cannot be read is an error with the place of the value.

use super::{Message, Sdp, SdpError};
use crate::sip::header::{
    Event, HeaderError, HeaderName, NameAddr, RAck, Reason, Replaces, RetryAfter, SessionId, Warning, number32,
};

/// A header value that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}, at offset {offset}")]
pub struct Malformed {
    /// What is wrong.
    pub error: HeaderError,
    /// Where the value begins in [`Message::raw`].
    pub offset: usize,
}

impl<'a> Message<'a> {
    /// All values of Reason (RFC 3326).
    pub fn reasons(&self) -> impl Iterator<Item = Result<Reason<'a>, Malformed>> {
        self.typed_values(HeaderName::Reason, Reason::parse)
    }

    /// All values of Warning (RFC 3261 20.43).
    pub fn warnings(&self) -> impl Iterator<Item = Result<Warning<'a>, Malformed>> {
        self.typed_values(HeaderName::Warning, Warning::parse)
    }

    /// All values of Diversion, the latest diversion first (RFC 5806).
    pub fn diversions(&self) -> impl Iterator<Item = Result<NameAddr<'a>, Malformed>> {
        self.typed_values(HeaderName::Diversion, NameAddr::parse)
    }

    /// All values of History-Info; `index` and what the target was made from are among the parameters (RFC 7044 5).
    pub fn history(&self) -> impl Iterator<Item = Result<NameAddr<'a>, Malformed>> {
        self.typed_values(HeaderName::HistoryInfo, NameAddr::parse)
    }

    /// Session-ID (RFC 7989).
    pub fn session_id(&self) -> Option<Result<SessionId<'a>, Malformed>> {
        self.typed(HeaderName::SessionId, SessionId::parse)
    }

    /// Replaces (RFC 3891).
    pub fn replaces(&self) -> Option<Result<Replaces<'a>, Malformed>> {
        self.typed(HeaderName::Replaces, Replaces::parse)
    }

    /// Event, long or compact (RFC 6665).
    pub fn event(&self) -> Option<Result<Event<'a>, Malformed>> {
        self.typed(HeaderName::Event, Event::parse)
    }

    /// RAck (RFC 3262 7.2).
    pub fn rack(&self) -> Option<Result<RAck<'a>, Malformed>> {
        self.typed(HeaderName::RAck, RAck::parse)
    }

    /// RSeq (RFC 3262 7.1).
    pub fn rseq(&self) -> Option<Result<u32, Malformed>> {
        self.typed(HeaderName::RSeq, number32)
    }

    /// Retry-After (RFC 3261 20.33).
    pub fn retry_after(&self) -> Option<Result<RetryAfter<'a>, Malformed>> {
        self.typed(HeaderName::RetryAfter, RetryAfter::parse)
    }

    /// Max-Forwards, a number up to 255 (RFC 3261 20.22).
    pub fn max_forwards(&self) -> Option<Result<u8, Malformed>> {
        self.typed(HeaderName::MaxForwards, |value| {
            u8::try_from(number32(value)?).map_err(|_| HeaderError::NumberTooLarge)
        })
    }

    /// The directives of Request-Disposition, such as `no-fork` (RFC 3841 9.1).
    pub fn dispositions(&self) -> impl Iterator<Item = &'a [u8]> {
        self.values(HeaderName::RequestDisposition)
    }

    /// The session description that is the body; `None` when Content-Type says that it is something else, or there is no body.
    pub fn sdp(&self) -> Option<Result<Sdp<'a>, SdpError>> {
        let value = self.header(HeaderName::ContentType)?.value;
        let end = value.iter().position(|byte| *byte == b';').unwrap_or(value.len());
        let media_type = value.get(..end)?.trim_ascii();
        let is_sdp = media_type.eq_ignore_ascii_case(b"application/sdp") && !self.body.is_empty();
        is_sdp.then(|| Sdp::parse(self.body))
    }

    fn typed_values<T>(
        &self,
        name: HeaderName,
        parse: fn(&'a [u8]) -> Result<T, HeaderError>,
    ) -> impl Iterator<Item = Result<T, Malformed>> {
        self.values(name).map(move |value| self.read(value, parse))
    }

    fn typed<T>(
        &self,
        name: HeaderName,
        parse: fn(&'a [u8]) -> Result<T, HeaderError>,
    ) -> Option<Result<T, Malformed>> {
        self.header(name).map(|header| self.read(header.value, parse))
    }

    /// Reads a value, which is a part of the message.
    fn read<T>(&self, value: &'a [u8], parse: fn(&'a [u8]) -> Result<T, HeaderError>) -> Result<T, Malformed> {
        let offset = || value.as_ptr().addr().saturating_sub(self.raw.as_ptr().addr());
        parse(value).map_err(|error| Malformed { error, offset: offset() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(headers: &str, body: &str) -> String {
        format!(
            "INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\n\
             Call-ID: c\r\nCSeq: 1 INVITE\r\n{headers}\r\n{body}"
        )
    }

    #[test]
    fn lists_go_over_rows_and_commas() {
        let text = message(
            "Reason: SIP;cause=480;text=\"a, b\", Q.850;cause=16\r\nReason: Preemption;cause=1\r\n\
             Diversion: <sip:b@h>;reason=no-answer, \"C\" <tel:+1>;counter=2\r\n\
             History-Info: <sip:b@h?Reason=SIP%3Bcause%3D302>;index=1, <sip:c@h>;index=1.1;mp=1\r\n\
             Warning: 399 h \"x, y\", 301 k \"z\"\r\nd: proxy, no-fork\r\n",
            "",
        );
        let message = Message::parse(text.as_bytes()).unwrap();
        let causes: Vec<Option<u64>> = message.reasons().map(|reason| reason.unwrap().cause).collect();
        assert_eq!(causes, [Some(480), Some(16), Some(1)]);
        let diverted: Vec<&[u8]> = message.diversions().map(|address| address.unwrap().uri).collect();
        assert_eq!(diverted, [&b"sip:b@h"[..], b"tel:+1"]);
        let indices: Vec<_> =
            message.history().map(|entry| entry.unwrap().params.get(b"index").unwrap().value).collect();
        assert_eq!(indices, [Some(&b"1"[..]), Some(b"1.1")]);
        let codes: Vec<u16> = message.warnings().map(|warning| warning.unwrap().code).collect();
        assert_eq!(codes, [399, 301]);
        assert!(message.dispositions().eq([&b"proxy"[..], b"no-fork"]));
    }

    #[test]
    fn single_headers_are_read() {
        let text = message(
            "Max-Forwards: 0068\r\nRSeq: 7\r\nRAck: 7 1 INVITE\r\nRetry-After: 5 (x)\r\no: refer;id=3\r\n\
             Replaces: d;to-tag=t;from-tag=f\r\nSession-ID: ab30317f1a784dc48ff824d0d3715d86\r\n",
            "",
        );
        let message = Message::parse(text.as_bytes()).unwrap();
        assert_eq!(message.max_forwards(), Some(Ok(68)));
        assert_eq!(message.rseq(), Some(Ok(7)));
        assert_eq!(message.rack().unwrap().unwrap().response_number, 7);
        assert_eq!(message.retry_after().unwrap().unwrap().seconds, 5);
        assert_eq!(message.event().unwrap().unwrap().id, Some(&b"3"[..]));
        assert_eq!(message.replaces().unwrap().unwrap().call_id, b"d");
        assert!(message.session_id().unwrap().is_ok());
        assert_eq!(message.sdp(), None);
    }

    #[test]
    fn an_error_says_where_its_value_begins() {
        let text = message("Max-Forwards:  256\r\nReason: SIP, ;cause=1\r\n", "");
        let message = Message::parse(format!("\r\n{text}").leak().as_bytes()).unwrap();
        let at = |value: &str| text.find(value).unwrap();
        let too_large = Malformed { error: HeaderError::NumberTooLarge, offset: at("256") };
        assert_eq!(message.max_forwards(), Some(Err(too_large)));
        let no_protocol = Malformed { error: HeaderError::NoProtocol, offset: at(";cause=1") };
        assert_eq!(message.reasons().nth(1), Some(Err(no_protocol)));
    }

    #[test]
    fn only_a_body_of_that_type_is_a_session_description() {
        let body = "v=0\r\no=a 1 2 IN IP4 h\r\ns=-\r\nt=0 0\r\n";
        for (headers, there) in
            [("c: Application/SDP ; charset=utf-8\r\n", true), ("Content-Type: message/sip\r\n", false), ("", false)]
        {
            let text = message(headers, body);
            let message = Message::parse(text.as_bytes()).unwrap();
            assert_eq!(message.sdp().is_some_and(|sdp| sdp.unwrap().origin.version == b"2"), there, "{headers}");
        }
    }
}
