//! How long a message is, from its head.

use memchr::{memchr_iter, memchr2_iter};

use crate::limits::MAX_MESSAGE_BYTES;
use crate::sip::header::HeaderName;
use crate::sip::lines::{HeadEnd, HeaderLine, HeaderLines, head_end, line_at};
use crate::sip::message::content_length;
use crate::sip::token::{from, is_blank, is_token, part};

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
    // However small the pieces are in which a head comes, all of this looks at each byte a few times at most.
    if scanned <= bytes.len() / 2
        && let Some(plain) = measure_plain(bytes)
    {
        return plain;
    }
    measure_any(bytes, scanned, last)
}

/// The same line by line.
fn measure_any(bytes: &[u8], scanned: usize, last: bool) -> Measure {
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

/// The measure of a message as nearly all are: every line of its head ends with CRLF, and Content-Length stands once. `None`
/// says nothing.
fn measure_plain(bytes: &[u8]) -> Option<Measure> {
    let mut length = None;
    let (mut lines, mut behind) = (0_usize, 0);
    for end in memchr_iter(b'\n', bytes) {
        if bytes.get(end.wrapping_sub(1)) != Some(&b'\r') {
            return None;
        }
        lines = lines.wrapping_add(1);
        behind = end.wrapping_add(1);
        match from(bytes, end.wrapping_add(1)) {
            [b'\r', b'\n', ..] => {
                let head = end.wrapping_add(3);
                // The blank line has a CR too.
                let returns = memchr_iter(b'\r', part(bytes, 0, head)).count();
                let total = head.checked_add(length?)?;
                let is_plain = returns == lines.wrapping_add(1) && total <= MAX_MESSAGE_BYTES;
                return is_plain.then_some(Measure::Whole { total });
            }
            line @ [b'C' | b'c' | b'L' | b'l', ..] => {
                let known = HeaderName::known_at(line);
                if known.is_none() && may_be_length(line) {
                    return None;
                }
                if let Some((HeaderName::ContentLength, colon)) = known {
                    let value = from(line, colon.wrapping_add(1));
                    let value = value.strip_prefix(b" ").unwrap_or(value);
                    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
                    let is_plain = matches!(from(value, digits), [b'\r', b'\n', next, ..] if !is_blank(*next));
                    if length.is_some() || !is_plain {
                        return None;
                    }
                    length = Some(usize::try_from(content_length(part(value, 0, digits)).ok()?).ok()?);
                }
            }
            _ => {}
        }
    }
    // The head is open. The last character of an unfinished line is enough to see that it is not blank.
    let is_plain = lines > 0 && bytes.len() <= MAX_MESSAGE_BYTES && memchr_iter(b'\r', bytes).count() == lines;
    is_plain.then(|| Measure::Open(behind.max(bytes.len().saturating_sub(1))))
}

/// Whether a line that begins like Content-Length, long or compact, may be one that is written oddly.
fn may_be_length(line: &[u8]) -> bool {
    const NAME: &[u8] = b"Content-Length";
    let compact = line.get(1).is_none_or(|second| !is_token(*second));
    compact || line.get(..NAME.len()).is_none_or(|start| start.eq_ignore_ascii_case(NAME))
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
        let Some(HeaderLine::Field { name: HeaderName::ContentLength, value, .. }) =
            HeaderLines::new(line, true).header()
        else {
            continue;
        };
        let length = content_length(value).ok()?;
        if found.is_some_and(|before| before != length) {
            return None;
        }
        found = Some(length);
    }
    Some(found.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    proptest! {
        /// Whatever the short cut says is what the walk over all lines says.
        #[test]
        fn plain_messages_are_measured_as_all_are(
            lines in proptest::collection::vec(
                proptest::sample::select(&[
                    "Content-Length: 7", "content-length:7", "l: 7", "L:8", "Content-Length : 7", "Content-Length:  7",
                    "Content-Length: 07", "l: x", "l:", "Content-Lengths: 1", "Contact: <sip:a>", "Custom: x", "lx: 1",
                    " 7", "\t7", "X: y", "", "a\rb", "l: 99999999999999999999", "Content\rLength: 7", "l\0: 7", "Content-Length\0: 7",
                ][..]),
                0..6,
            ),
            ends in proptest::collection::vec(proptest::sample::select(&["\r\n", "\r\n", "\r\n", "\n", "\r", "\r\r\n"][..]), 8),
            body in "[a-z\r\n]{0,20}",
        ) {
            let mut text = format!("BYE sip:a SIP/2.0{}", ends[7]);
            for (line, end) in lines.iter().zip(&ends) {
                text += line;
                text += end;
            }
            text += ends[6];
            text += &body;
            for length in 0..=text.len() {
                let bytes = &text.as_bytes()[..length];
                if let Some(plain) = measure_plain(bytes) {
                    prop_assert_eq!(measure_any(bytes, 0, false), plain, "{:?}", &text[..length]);
                }
            }
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
