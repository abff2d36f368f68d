//! SIP messages as text, header by header, in the order in which they are added.
//!
//! ```text
//! let invite = Message::request("INVITE", "sip:bob@example.com")
//!     .via("UDP", "192.0.2.1:5060", "z9hG4bKone")
//!     .from("<sip:alice@example.com>", "a1").to("<sip:bob@example.com>", None)
//!     .call_id("one@192.0.2.1").cseq(1, "INVITE").contact("<sip:alice@192.0.2.1>")
//!     .session_expires(1800, None).sdp(&sdp("192.0.2.1", 4000));
//! let moved = Message::reply(&invite, 301, Some("b1")).contact("<sip:bob@example.org>").finish();
//! ```

use std::fmt::{Arguments, Display};
use std::io::Write;

/// The long and compact forms of header names. RFC 3261 section 7.3.3, RFC 4028 section 4.
const COMPACT: [(&str, &str); 10] = [
    ("Via", "v"),
    ("From", "f"),
    ("To", "t"),
    ("Call-ID", "i"),
    ("Contact", "m"),
    ("Supported", "k"),
    ("Session-Expires", "x"),
    ("Content-Type", "c"),
    ("Content-Length", "l"),
    ("Subject", "s"),
];

/// Headers that a response copies from its request. RFC 3261 section 8.2.6.2, and 12.1.1 for Record-Route.
const COPIED: [&str; 8] = ["Via", "v", "From", "f", "Call-ID", "i", "CSeq", "Record-Route"];

/// A message that is being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    text: Vec<u8>,
    compact: bool,
}

impl Message {
    /// A request with its start line and nothing else.
    pub fn request(method: &str, uri: impl Display) -> Self {
        Self::request_in(Vec::new(), method, uri)
    }

    /// A request written into a buffer, which is emptied first.
    pub fn request_in(mut buffer: Vec<u8>, method: &str, uri: impl Display) -> Self {
        buffer.clear();
        let mut message = Self { text: buffer, compact: false };
        message.append(format_args!("{method} {uri} SIP/2.0\r\n"));
        message
    }

    /// A response with its start line, with the usual reason phrase, and nothing else.
    pub fn response(status: u16) -> Self {
        Self::response_in(Vec::new(), status)
    }

    /// A response written into a buffer, which is emptied first.
    pub fn response_in(mut buffer: Vec<u8>, status: u16) -> Self {
        buffer.clear();
        let mut message = Self { text: buffer, compact: false };
        message.append(format_args!("SIP/2.0 {status} {}\r\n", reason(status)));
        message
    }

    /// A response to a whole request: Via, From, To, Call-ID, CSeq and Record-Route are copied, and the To tag is added if there
    /// is one to add and the request has none.
    pub fn reply(request: &[u8], status: u16, to_tag: Option<&str>) -> Self {
        let mut message = Self::response(status);
        let text = String::from_utf8_lossy(request);
        for line in text.split("\r\n").skip(1).take_while(|line| !line.is_empty()) {
            let name = line.split(':').next().unwrap_or("").trim_end();
            if name.eq_ignore_ascii_case("To") || name == "t" {
                let added = to_tag.filter(|_| !line.contains(";tag="));
                let tag = added.map(|tag| format!(";tag={tag}")).unwrap_or_default();
                message.append(format_args!("{line}{tag}\r\n"));
            } else if COPIED.iter().any(|copied| name.eq_ignore_ascii_case(copied)) {
                message.append(format_args!("{line}\r\n"));
            }
        }
        message
    }

    /// From here on header names are written in their compact form.
    #[must_use]
    pub fn compact(mut self, compact: bool) -> Self {
        self.compact = compact;
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Display) -> Self {
        let name = self.spelled(name);
        self.append(format_args!("{name}: {value}\r\n"));
        self
    }

    /// Adds anything as it is: odd header lines, above all. Line ends are the caller's.
    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.text.extend_from_slice(bytes);
        self
    }

    /// Adds a Via; parameters can be appended to the branch.
    #[must_use]
    pub fn via(self, transport: &str, sent_by: impl Display, branch: impl Display) -> Self {
        self.header("Via", format_args!("SIP/2.0/{transport} {sent_by};branch={branch}"))
    }

    /// Adds Max-Forwards.
    #[must_use]
    pub fn max_forwards(self, hops: u8) -> Self {
        self.header("Max-Forwards", hops)
    }

    /// Adds From with its tag.
    #[must_use]
    pub fn from(self, name_addr: impl Display, tag: impl Display) -> Self {
        self.header("From", format_args!("{name_addr};tag={tag}"))
    }

    /// Adds To, with a tag if there is one.
    #[must_use]
    pub fn to(self, name_addr: impl Display, tag: Option<&str>) -> Self {
        match tag {
            Some(tag) => self.header("To", format_args!("{name_addr};tag={tag}")),
            None => self.header("To", name_addr),
        }
    }

    /// Adds Call-ID.
    #[must_use]
    pub fn call_id(self, call_id: impl Display) -> Self {
        self.header("Call-ID", call_id)
    }

    /// Adds `CSeq`.
    #[must_use]
    pub fn cseq(self, number: u32, method: &str) -> Self {
        self.header("CSeq", format_args!("{number} {method}"))
    }

    /// Adds a Contact; several values may be given at once, with commas.
    #[must_use]
    pub fn contact(self, value: impl Display) -> Self {
        self.header("Contact", value)
    }

    /// Adds Supported.
    #[must_use]
    pub fn supported(self, option_tags: &str) -> Self {
        self.header("Supported", option_tags)
    }

    /// Adds Session-Expires, in seconds, with the refresher (`uac` or `uas`) if one is named.
    #[must_use]
    pub fn session_expires(self, seconds: u32, refresher: Option<&str>) -> Self {
        match refresher {
            Some(refresher) => self.header("Session-Expires", format_args!("{seconds};refresher={refresher}")),
            None => self.header("Session-Expires", seconds),
        }
    }

    /// Adds Min-SE, in seconds.
    #[must_use]
    pub fn min_se(self, seconds: u32) -> Self {
        self.header("Min-SE", seconds)
    }

    /// Adds User-Agent.
    #[must_use]
    pub fn user_agent(self, name: &str) -> Self {
        self.header("User-Agent", name)
    }

    /// Adds Server.
    #[must_use]
    pub fn server(self, name: &str) -> Self {
        self.header("Server", name)
    }

    /// Ends the message with a body and its Content-Type and Content-Length.
    pub fn body(self, content_type: &str, body: &[u8]) -> Vec<u8> {
        let mut message = self.header("Content-Type", content_type).header("Content-Length", body.len());
        message.text.extend_from_slice(b"\r\n");
        message.text.extend_from_slice(body);
        message.text
    }

    /// Ends the message with a session description.
    pub fn sdp(self, description: &str) -> Vec<u8> {
        self.body("application/sdp", description.as_bytes())
    }

    /// Ends the message without a body.
    pub fn finish(self) -> Vec<u8> {
        let mut message = self.header("Content-Length", 0);
        message.text.extend_from_slice(b"\r\n");
        message.text
    }

    /// Ends the message without a body and without Content-Length.
    pub fn finish_without_length(mut self) -> Vec<u8> {
        self.text.extend_from_slice(b"\r\n");
        self.text
    }

    fn spelled<'a>(&self, name: &'a str) -> &'a str {
        let found = if self.compact { COMPACT.iter().find(|(long, _)| *long == name) } else { None };
        found.map_or(name, |(_, short)| short)
    }

    fn append(&mut self, text: Arguments<'_>) {
        // Writing to a vector cannot fail.
        let _ = self.text.write_fmt(text);
    }
}

/// A session description: an offer, or answer, of G.711 at an address and port.
pub fn sdp(address: impl Display, port: u16) -> String {
    format!(
        "v=0\r\no=- {port} 1 IN IP4 {address}\r\ns=call\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 0\r\n\
         a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n"
    )
}

/// The reason phrase that goes with a status code. RFC 3261 section 21, RFC 4028 section 6.
pub fn reason(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        183 => "Session Progress",
        200 => "OK",
        202 => "Accepted",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        305 => "Use Proxy",
        380 => "Alternative Service",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        422 => "Session Interval Too Small",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        486 => "Busy Here",
        487 => "Request Terminated",
        491 => "Request Pending",
        500 => "Server Internal Error",
        503 => "Service Unavailable",
        600 => "Busy Everywhere",
        603 => "Decline",
        _ => "Other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite() -> Message {
        Message::request("INVITE", "sip:bob@example.com")
            .via("UDP", "192.0.2.1:5060", "z9hG4bKone")
            .from("<sip:alice@example.com>", "a1")
            .to("<sip:bob@example.com>", None)
            .call_id("one")
            .cseq(1, "INVITE")
    }

    #[test]
    fn headers_stand_in_the_order_in_which_they_were_added() {
        let text = String::from_utf8(invite().min_se(90).body("text/plain", b"hi")).unwrap();
        assert_eq!(
            text,
            "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKone\r\n\
             From: <sip:alice@example.com>;tag=a1\r\nTo: <sip:bob@example.com>\r\nCall-ID: one\r\nCSeq: 1 INVITE\r\n\
             Min-SE: 90\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi"
        );
    }

    #[test]
    fn a_reply_copies_what_it_must_and_adds_the_tag_once() {
        let first = Message::reply(&invite().finish(), 301, Some("b1")).contact("<sip:new@example.com>").finish();
        let text = String::from_utf8(first.clone()).unwrap();
        assert_eq!(
            text,
            "SIP/2.0 301 Moved Permanently\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKone\r\n\
             From: <sip:alice@example.com>;tag=a1\r\nTo: <sip:bob@example.com>;tag=b1\r\nCall-ID: one\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:new@example.com>\r\nContent-Length: 0\r\n\r\n"
        );
        let again = String::from_utf8(Message::reply(&first, 200, Some("b2")).finish()).unwrap();
        assert!(again.contains("tag=b1") && !again.contains("tag=b2"));
    }

    #[test]
    fn compact_names_are_used_when_asked_for() {
        let text =
            Message::request("BYE", "sip:a@b").compact(true).call_id("x").session_expires(90, Some("uac")).finish();
        assert_eq!(text, b"BYE sip:a@b SIP/2.0\r\ni: x\r\nx: 90;refresher=uac\r\nl: 0\r\n\r\n");
    }
}
