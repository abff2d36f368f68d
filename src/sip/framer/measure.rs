//! How long a message is, from its head.

use memchr::memchr2_iter;

use crate::limits::MAX_MESSAGE_BYTES;
use crate::sip::header::HeaderName;
use crate::sip::lines::{HeadEnd, HeaderLine, HeaderLines, head_end, line_at};
use crate::sip::message::content_length;
use crate::sip::token::{from, part};

/// What the bytes from a start line on say about the length of their message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// The head is not whole; the next look may begin at this offset.
    Open(usize),
    /// Head and body have this many bytes. Without Content-Length there is no body.
    Whole {
        /// The length.
        total: usize,
    },
    /// The head has this many bytes, but it does not say where the body ends.
    Lost {
        /// The length of the head.
        head: usize,
    },
    /// More than a message can have.
    TooLong,
}

/// Measures a message. `scanned` is where the last look ended. With `last`, no more bytes will come.
pub(super) fn measure(bytes: &[u8], scanned: usize, last: bool) -> Measure {
    let start = if scanned == 0 { line_at(bytes, 0).next } else { scanned };
    let head = match head_end(bytes, start, last) {
        HeadEnd::At(head) if head <= MAX_MESSAGE_BYTES => head,
        HeadEnd::NotBefore(next) if bytes.len() <= MAX_MESSAGE_BYTES => return Measure::Open(next),
        _ => return Measure::TooLong,
    };
    let Some(length) = length_of_body(part(bytes, 0, head)) else { return Measure::Lost { head } };
    let total = usize::try_from(length).ok().and_then(|length| head.checked_add(length));
    match total {
        Some(total) if total <= MAX_MESSAGE_BYTES => Measure::Whole { total },
        _ => Measure::TooLong,
    }
}

/// The Content-Length of a head. `None` if one is not a number or two differ.
fn length_of_body(head: &[u8]) -> Option<u64> {
    let mut found = None;
    // Only a line that begins like one of the names is looked at. Nearly all lines end with LF; those that end with CR alone
    // begin behind it.
    for end in memchr2_iter(b'\r', b'\n', head) {
        let line = from(head, end.saturating_add(1));
        if !matches!(line.first(), Some(b'C' | b'c' | b'L' | b'l')) {
            continue;
        }
        let Some(HeaderLine::Field { name: HeaderName::ContentLength, value_start, value_end, .. }) =
            HeaderLines::new(line, true).header()
        else {
            continue;
        };
        let length = content_length(part(line, value_start, value_end)).ok()?;
        if found.is_some_and(|before| before != length) {
            return None;
        }
        found = Some(length);
    }
    Some(found.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(head: &str) -> Measure {
        measure(head.as_bytes(), 0, false)
    }

    #[test]
    fn content_length_in_all_its_forms() {
        let start = "BYE sip:a SIP/2.0\r\n";
        for (header, length) in [
            ("Content-Length: 7\r\n", 7),
            ("CONTENT-length \t: 0007\r\n", 7),
            ("l:7\r\n", 7),
            ("L:\r\n 7\r\n", 7),
            ("l:7\r\nContent-Length: 07\r\n", 7),
            ("Content-Lengths: 7\r\n", 0),
            ("X: l: 7\r\n", 0),
            ("", 0),
        ] {
            let head = format!("{start}{header}\r\n");
            assert_eq!(total(&head), Measure::Whole { total: head.len() + length }, "{header:?}");
        }
        for header in ["l: -999\r\n", "l: x\r\n", "l:\r\n", "l: 1, 2\r\n", "l: 13\r\nl: 5\r\n"] {
            let head = format!("{start}{header}\r\n");
            assert_eq!(total(&head), Measure::Lost { head: head.len() }, "{header:?}");
        }
    }

    #[test]
    fn what_is_too_long_is_said_at_once() {
        assert_eq!(total("BYE sip:a SIP/2.0\r\nl: 99999999999999999999\r\n\r\n"), Measure::TooLong);
        let head = format!("BYE sip:a SIP/2.0\r\nX: {}", "x".repeat(MAX_MESSAGE_BYTES));
        assert_eq!(total(&head), Measure::TooLong);
    }

    #[test]
    fn an_open_head_is_not_scanned_again() {
        let head = "BYE sip:a SIP/2.0\r\nX: y\r\nZ";
        assert_eq!(total(head), Measure::Open(25));
        assert_eq!(measure(format!("{head}: 1\r\n\r\n").as_bytes(), 25, false), Measure::Whole { total: 33 });
    }
}
