//! The lines of a head: where they end, and which of them make up one header.

use super::header::HeaderName;
use super::scan::{find, find_line_break};
use super::token::{from, is_blank, is_lws, is_token, part, trim_end};

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineEnd {
    /// CRLF, as it must be.
    CrLf,
    /// LF alone.
    Lf,
    /// CR alone, or several CR before LF.
    Cr,
    /// One or more CR are the last bytes there are: more bytes could make it CRLF.
    CrAtEnd,
    /// The bytes end.
    Nothing,
}

/// A line: `bytes[start..end]`; the next one begins at `next`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) end: usize,
    pub(super) next: usize,
    pub(super) ending: LineEnd,
}

/// CR before LF that are one line end with it. More than two are not seen in practice.
const MAX_RETURNS: usize = 8;

/// The line that begins at `start`. Several CR before LF are one line end: they come from text that was converted twice.
pub(super) fn line_at(bytes: &[u8], start: usize) -> Line {
    let rest = bytes.get(start..).unwrap_or_default();
    let Some(length) = find_line_break(rest) else {
        return Line { end: bytes.len(), next: bytes.len(), ending: LineEnd::Nothing };
    };
    let end = start.saturating_add(length);
    let (size, ending) = match rest.get(length..).unwrap_or_default() {
        [b'\r', b'\n', ..] => (2, LineEnd::CrLf),
        [b'\n', ..] => (1, LineEnd::Lf),
        more => {
            let returns = more.iter().take(MAX_RETURNS).take_while(|byte| **byte == b'\r').count();
            match more.get(returns) {
                Some(b'\n') => (returns.saturating_add(1), LineEnd::Cr),
                Some(_) => (1, LineEnd::Cr),
                None => (1, LineEnd::CrAtEnd),
            }
        }
    };
    Line { end, next: end.saturating_add(size), ending }
}

/// Where a head ends, as far as the bytes of a stream tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadEnd {
    /// Behind the blank line, at this offset.
    At(usize),
    /// Not yet; the next look may begin at this offset.
    NotBefore(usize),
}

/// Looks for the blank line from `start`, which is the start of a line that is not the first, or where the last look said. With
/// `last`, no more bytes will come.
pub(super) fn head_end(bytes: &[u8], start: usize, last: bool) -> HeadEnd {
    let mut position = start;
    loop {
        let line = line_at(bytes, position);
        let open = matches!(line.ending, LineEnd::Nothing) || (matches!(line.ending, LineEnd::CrAtEnd) && !last);
        if open {
            // The last character of an unfinished line is enough to see that it is not blank.
            return HeadEnd::NotBefore(position.max(line.end.saturating_sub(1)));
        }
        if line.end == position {
            return HeadEnd::At(line.next);
        }
        position = line.next;
    }
}

/// One header, or a line that is none. Offsets into the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderLine<'a> {
    /// The name at `start` has that length, and the value, which has no white space round it, stands at `value_start`.
    Field { name: HeaderName, start: usize, name_length: usize, value_start: usize, value: &'a [u8] },
    /// Neither a header nor the continuation of one.
    Malformed { start: usize },
}

/// Walks over the headers of a head, from behind its first line to the blank line.
#[derive(Debug)]
pub(super) struct HeaderLines<'a> {
    bytes: &'a [u8],
    /// Start of the next line; once the walk is over, of the body.
    position: usize,
    /// Whether the last line counts although it has no end.
    trust_last: bool,
    /// Whether the blank line was met.
    pub(super) blank_line: bool,
    /// The first line that ends with LF alone.
    pub(super) bare_line_feed: Option<usize>,
    /// The first line that ends with CR alone.
    pub(super) bare_carriage_return: Option<usize>,
}

impl<'a> HeaderLines<'a> {
    /// Begins at the first line. With `trust_last`, the bytes end where the message ends, not where the capture cut it.
    pub(super) fn new(bytes: &'a [u8], trust_last: bool) -> Self {
        Self { bytes, position: 0, trust_last, blank_line: false, bare_line_feed: None, bare_carriage_return: None }
    }

    /// Where the walk has come to.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// The next line as it is, folds not undone: `(start, end)`. `None` when the last line has no end and is not trusted.
    #[inline]
    pub(super) fn line(&mut self) -> Option<(usize, usize)> {
        let start = self.position;
        let rest = from(self.bytes, start);
        if let Some(length) = find_line_break(rest)
            && from(rest, length).starts_with(b"\r\n")
        {
            let end = start.wrapping_add(length);
            self.position = end.wrapping_add(2);
            return Some((start, end));
        }
        self.odd_line()
    }

    /// A line that does not end with CRLF.
    #[cold]
    fn odd_line(&mut self) -> Option<(usize, usize)> {
        let start = self.position;
        let line = line_at(self.bytes, start);
        match line.ending {
            LineEnd::CrLf => {}
            LineEnd::Lf => self.bare_line_feed = self.bare_line_feed.or(Some(line.end)),
            LineEnd::Cr => self.bare_carriage_return = self.bare_carriage_return.or(Some(line.end)),
            LineEnd::CrAtEnd if self.trust_last => {
                self.bare_carriage_return = self.bare_carriage_return.or(Some(line.end));
            }
            LineEnd::CrAtEnd => {}
            LineEnd::Nothing if self.trust_last => {}
            LineEnd::Nothing => return None,
        }
        self.position = line.next;
        Some((start, line.end))
    }

    /// Passes over the lines that continue the last one, and gives the end of the last of them.
    #[cold]
    fn folds(&mut self) -> Option<usize> {
        let mut end = self.position;
        while self.bytes.get(self.position).is_some_and(|byte| is_blank(*byte)) {
            (_, end) = self.line()?;
        }
        Some(end)
    }

    /// The next header. `None` at the blank line, at the end, or at a last line that is not trusted.
    #[inline]
    pub(super) fn header(&mut self) -> Option<HeaderLine<'a>> {
        let usual = self.usual_header();
        if usual.is_some() { usual } else { self.any_header() }
    }

    /// A header as nearly all are: a name that is known, one space or none, and a value on one line that ends with CRLF.
    /// `None` says nothing.
    #[inline]
    fn usual_header(&mut self) -> Option<HeaderLine<'a>> {
        let start = self.position;
        let line = self.bytes.get(start..)?;
        let (name, colon) = HeaderName::known_at(line)?;
        let rest = line.get(colon.wrapping_add(1)..)?;
        let (value, behind) = rest.split_at_checked(find_line_break(rest)?)?;
        let [b'\r', b'\n', next, ..] = behind else { return None };
        let (blank, value) = match value {
            [b' ', value @ ..] => (1, value),
            value => (0, value),
        };
        let is_plain = |byte: &u8| *byte > b' ';
        if !value.first().is_some_and(is_plain) || !value.last().is_some_and(is_plain) || is_blank(*next) {
            return None;
        }
        let value_start = start.wrapping_add(colon).wrapping_add(1).wrapping_add(blank);
        self.position = value_start.wrapping_add(value.len()).wrapping_add(2);
        Some(HeaderLine::Field { name, start, name_length: colon, value_start, value })
    }

    fn any_header(&mut self) -> Option<HeaderLine<'a>> {
        if self.position >= self.bytes.len() {
            return None;
        }
        let (start, end) = self.line()?;
        if start == end {
            self.blank_line = true;
            return None;
        }
        let name = header_name(part(self.bytes, start, end));
        let value_end = match self.bytes.get(self.position) {
            Some(b' ' | b'\t') => self.folds()?,
            _ => end,
        };
        let Some((name, length, colon)) = name else { return Some(HeaderLine::Malformed { start }) };
        let value_start = start.wrapping_add(colon).wrapping_add(1);
        let value = part(self.bytes, value_start, value_end);
        let leading = value.iter().position(|byte| !is_lws(*byte)).unwrap_or(value.len());
        let value = trim_end(from(value, leading));
        let value_start = value_start.wrapping_add(leading);
        Some(HeaderLine::Field { name, start, name_length: length, value_start, value })
    }
}

/// Which header a line holds, the length of its name without white space, and the offset of the colon.
#[inline(never)]
fn header_name(line: &[u8]) -> Option<(HeaderName, usize, usize)> {
    let colon = find(line, [b':'])?;
    let name = trim_end(part(line, 0, colon));
    let valid = !name.is_empty() && name.iter().all(|byte| is_token(*byte));
    valid.then(|| (HeaderName::of(name), name.len(), colon))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(bytes: &[u8], trust_last: bool) -> (Vec<String>, bool, usize) {
        let mut lines = HeaderLines::new(bytes, trust_last);
        let mut found = Vec::new();
        while let Some(line) = lines.header() {
            found.push(match line {
                HeaderLine::Field { start, name_length, value_start, value, .. } => {
                    assert_eq!(&bytes[value_start..value_start + value.len()], value);
                    format!(
                        "{}={}",
                        String::from_utf8_lossy(&bytes[start..start + name_length]),
                        String::from_utf8_lossy(value)
                    )
                }
                HeaderLine::Malformed { start } => format!("malformed at {start}"),
            });
        }
        (found, lines.blank_line, lines.position())
    }

    proptest! {
        /// Whatever the short cut says is what the walk over any line says, and it comes to the same place.
        #[test]
        fn usual_headers_are_read_as_all_are(
            name in proptest::sample::select(&[
                "Via", "v", "CSEQ", "call-id", "Call\rID", "Max\rForwards", "Max\nForwards", "To\0", "To ", "T\ro", "\r\nTo",
                "Content-Lengths", "Content-Length", "Session-Expires", "Contact\x1a", "\rContact", "@", "", "X-Own",
            ][..]),
            value in "[ \t]{0,2}([a-z:;<>]{0,9}[ \r\n\t\\x80]?){0,3}",
            end in proptest::sample::select(&["\r\n", "\r\n", "\n", "\r", "\r\r\n", ""][..]),
            behind in "(To: x\r\n| x\r\n|\tx|\r\n|\n|x|)",
            trust_last in any::<bool>(),
        ) {
            let text = format!("{name}:{value}{end}{behind}");
            let bytes = text.as_bytes();
            let (mut usual, mut any) = (HeaderLines::new(bytes, trust_last), HeaderLines::new(bytes, trust_last));
            if let Some(header) = usual.usual_header() {
                prop_assert_eq!(any.any_header(), Some(header), "{:?}", text);
                let end = |lines: &HeaderLines<'_>| {
                    (lines.position, lines.blank_line, lines.bare_line_feed, lines.bare_carriage_return)
                };
                prop_assert_eq!(end(&any), end(&usual), "{:?}", text);
            }
        }
    }

    #[test]
    fn a_line_end_in_a_name_is_one() {
        let (found, _, _) = headers(b"Max\rForwards: 70 of them\r\nTo\0: someone somewhere\r\nTo: x\r\n\r\n", true);
        assert_eq!(found, ["malformed at 0", "Forwards=70 of them", "malformed at 26", "To=x"]);
    }

    #[test]
    fn folds_belong_to_their_header() {
        let (found, blank, body) = headers(b"a:\r\n 1\r\n\t2 \r\nb : 3\r\n\r\nbody", true);
        assert_eq!(found, ["a=1\r\n\t2", "b=3"]);
        assert!(blank);
        assert_eq!(body, 22);
    }

    #[test]
    fn every_line_end_is_read_and_noted() {
        for (text, feed, carriage) in [
            (&b"a: 1\r\nb: 2\r\n\r\nx"[..], None, None),
            (b"a: 1\nb: 2\n\nx", Some(4), None),
            (b"a: 1\rb: 2\r\rx", None, Some(4)),
            (b"a: 1\r\r\nb: 2\r\n\r\nx", None, Some(4)),
        ] {
            let mut lines = HeaderLines::new(text, true);
            let mut count = 0;
            while lines.header().is_some() {
                count += 1;
            }
            assert_eq!(
                (count, lines.blank_line, lines.bare_line_feed, lines.bare_carriage_return),
                (2, true, feed, carriage)
            );
            assert_eq!(&text[lines.position()..], b"x");
        }
    }

    #[test]
    fn a_last_line_without_end_counts_only_when_trusted() {
        assert_eq!(headers(b"a: 1\r\nb: 2", true).0, ["a=1", "b=2"]);
        assert_eq!(headers(b"a: 1\r\nb: 2", false).0, ["a=1"]);
        assert_eq!(headers(b"a: 1\r\nb: 2\r\n 3", false).0, ["a=1"], "a header whose fold is cut is not known");
        assert!(!headers(b"a: 1\r\nb: 2", true).1);
    }

    #[test]
    fn lines_that_are_no_headers_are_reported() {
        let (found, _, _) = headers(b" fold\r\nno colon\r\n: x\r\na b: c\r\nd:\r\n\r\n", true);
        assert_eq!(found, ["malformed at 0", "malformed at 7", "malformed at 17", "malformed at 22", "d="]);
    }

    #[test]
    fn the_head_ends_at_the_same_place_however_it_arrives() {
        for text in [&b"a: 1\r\nb: 2\r\n\r\nbody"[..], b"a\n\nbody", b"a\r\rbody", b"a\r\r\n\r\nbody", b"\r\nbody"] {
            let HeadEnd::At(expected) = head_end(text, 0, false) else { panic!("no end in {text:?}") };
            let mut start = 0;
            let mut end = None;
            for length in 0..=text.len() {
                match head_end(&text[..length], start, false) {
                    HeadEnd::At(at) => {
                        end = Some(at);
                        break;
                    }
                    HeadEnd::NotBefore(next) => start = next,
                }
            }
            assert_eq!(end, Some(expected), "{text:?}");
            assert_eq!(&text[expected..], b"body");
        }
    }
}
