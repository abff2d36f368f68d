//! Parameters: `;name=value` behind a header value or inside a URI (RFC 3261 25.1, 19.1.1).

use memchr::memchr;

use super::HeaderError;
use crate::sip::scan::find;
use crate::sip::token::{from, is_lws, part, quoted_length, trim};

/// The parameters of one value, from their first semicolon on, in wire order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Params<'a> {
    raw: &'a [u8],
}

/// One parameter. Name and value are without white space round them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param<'a> {
    /// The name as it is written; compare without regard to case.
    pub name: &'a [u8],
    /// The value as it is written, quotes included. `None` without an equals sign.
    pub value: Option<&'a [u8]>,
}

impl<'a> Params<'a> {
    /// Parameters that begin with a semicolon; what stands before the first one is ignored.
    pub(in crate::sip) fn new(raw: &'a [u8]) -> Self {
        Self { raw }
    }

    /// Parameters that must be all there is behind a value, white space apart.
    pub(in crate::sip) fn behind(rest: &'a [u8]) -> Result<Self, HeaderError> {
        match trim(rest) {
            rest @ ([] | [b';', ..]) => Ok(Self::new(rest)),
            _ => Err(HeaderError::TextBehindValue),
        }
    }

    /// The text they were read from.
    pub fn raw(self) -> &'a [u8] {
        self.raw
    }

    /// All parameters; empty ones are passed over.
    pub fn iter(self) -> ParamIter<'a> {
        let rest = match self.raw {
            [b';', rest @ ..] => Some(rest),
            raw => memchr(b';', raw).and_then(|first| raw.get(first.saturating_add(1)..)),
        };
        ParamIter { rest, empty: false }
    }

    /// The first parameter of this name, which is compared without regard to case.
    pub fn get(self, name: &[u8]) -> Option<Param<'a>> {
        self.alone(name).or_else(|| self.iter().find(|param| param.name.eq_ignore_ascii_case(name)))
    }

    /// The same if it is all there is, plainly written, as the tag of most addresses is.
    #[inline]
    fn alone(self, name: &[u8]) -> Option<Param<'a>> {
        let (own, behind) = self.raw.strip_prefix(b";")?.split_at_checked(name.len())?;
        let value = behind.strip_prefix(b"=")?;
        let has_space =
            value.first().is_some_and(|first| is_lws(*first)) || value.last().is_some_and(|last| is_lws(*last));
        let is_plain = own == name && !value.is_empty() && !has_space && find(value, *b";\"").is_none();
        is_plain.then_some(Param { name: own, value: Some(value) })
    }
}

/// Walks over parameters.
#[derive(Clone, Debug)]
pub struct ParamIter<'a> {
    /// Behind the semicolon of the next parameter.
    rest: Option<&'a [u8]>,
    /// Whether an empty parameter was passed over.
    pub(in crate::sip) empty: bool,
}

impl<'a> Iterator for ParamIter<'a> {
    type Item = Param<'a>;

    fn next(&mut self) -> Option<Param<'a>> {
        loop {
            let rest = self.rest.take()?;
            let (end, equals) = extent(rest);
            self.rest = rest.get(end.saturating_add(1)..).filter(|_| end < rest.len());
            let name = trim(part(rest, 0, equals.unwrap_or(end)));
            let value = equals.map(|at| trim(part(rest, at.saturating_add(1), end)));
            if !name.is_empty() || value.is_some() {
                return Some(Param { name, value });
            }
            self.empty = true;
        }
    }
}

/// The end of the parameter, and its first equals sign. A quote that does not end takes the rest.
fn extent(text: &[u8]) -> (usize, Option<usize>) {
    let Some(first) = find(text, [b';', b'=', b'"']) else { return (text.len(), None) };
    match text.get(first) {
        Some(b';') => (first, None),
        Some(b'=') => (end_of_value(text, first.wrapping_add(1)), Some(first)),
        _ => (end_of_value(text, first), None),
    }
}

/// The end of the parameter whose value, or some quote in front of it, begins at `start`.
fn end_of_value(text: &[u8], start: usize) -> usize {
    let mut position = start;
    while let Some(found) = find(from(text, position), [b';', b'"']) {
        let at = position.wrapping_add(found);
        if text.get(at) == Some(&b';') {
            return at;
        }
        let behind = at.wrapping_add(1);
        match quoted_length(from(text, behind)) {
            Some(length) => position = behind.wrapping_add(length),
            None => break,
        }
    }
    text.len()
}

/// The text of a quoted string without its quotes and with its escapes undone; other text as it is.
pub fn unquote(text: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    let inside = match text {
        [b'"', inside @ .., b'"'] => inside,
        other => other,
    };
    unescape_quoted(inside)
}

/// Undoes the backslash escapes of text from inside a quoted string (RFC 3261 25.1 `quoted-pair`).
pub fn unescape_quoted(inside: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    if memchr(b'\\', inside).is_none() {
        return inside.into();
    }
    let mut plain = Vec::with_capacity(inside.len());
    let mut bytes = inside.iter();
    while let Some(byte) = bytes.next() {
        let meant = if *byte == b'\\' { bytes.next().unwrap_or(byte) } else { byte };
        plain.push(*meant);
    }
    plain.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(text: &str) -> Vec<(String, Option<String>)> {
        let string = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Params::new(text.as_bytes()).iter().map(|param| (string(param.name), param.value.map(string))).collect()
    }

    #[test]
    fn names_and_values_lose_white_space_but_not_quotes() {
        let found = pairs(" ; tag \r\n = \"a;b=\\\"c\" ;lr; x=;=y");
        let expected = [("tag", Some("\"a;b=\\\"c\"")), ("lr", None), ("x", Some("")), ("", Some("y"))];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))));
    }

    #[test]
    fn empty_parameters_are_passed_over_and_noted() {
        let mut iter = Params::new(b";;;;").iter();
        assert_eq!(iter.next(), None);
        assert!(iter.empty);
        let mut iter = Params::new(b";a;b").iter();
        assert_eq!(iter.by_ref().count(), 2);
        assert!(!iter.empty);
        assert_eq!(Params::new(b"").iter().count(), 0);
    }

    #[test]
    fn get_ignores_case_and_takes_the_first() {
        let params = Params::new(b";TAG=1;tag=2");
        assert_eq!(params.get(b"tag").and_then(|param| param.value), Some(&b"1"[..]));
        assert_eq!(params.get(b"ta"), None);
    }

    #[test]
    fn an_unterminated_quote_takes_the_rest() {
        assert_eq!(pairs(";a=\"b;c=d"), [("a".to_owned(), Some("\"b;c=d".to_owned()))]);
    }

    #[test]
    fn quotes_and_escapes_are_undone() {
        assert_eq!(&*unquote(br#""a\"b\\c""#), br#"a"b\c"#);
        assert_eq!(&*unquote(b"plain"), b"plain");
        assert_eq!(&*unquote(b"\""), b"\"");
        assert_eq!(&*unescape_quoted(br"end\"), br"end\");
    }

    proptest! {
        /// Whatever the short cut says is what the walk over all parameters says.
        #[test]
        fn a_parameter_alone_is_read_as_all_are(
            text in "[ x]?;{0,2}[ \t]?(tag|Tag|tags|ta|)[ \r]?=?=?[ \n]?([a-z0-9]{0,4}|\"[a-z;\\\\\"]{0,4}\"?|[ -~\u{e9}]{0,4})[ \t]?(;|;tag=2|)"
        ) {
            let params = Params::new(text.as_bytes());
            let first = params.iter().find(|param| param.name.eq_ignore_ascii_case(b"tag"));
            if let Some(alone) = params.alone(b"tag") {
                prop_assert_eq!(Some(alone), first, "{:?}", text);
            }
            prop_assert_eq!(params.get(b"tag"), first, "{:?}", text);
        }
    }

    #[test]
    fn the_short_cut_is_taken() {
        let params = Params::new(b";tag=1928.a=b");
        assert_eq!(params.alone(b"tag"), params.iter().next());
        assert_eq!(params.alone(b"tag").and_then(|param| param.value), Some(&b"1928.a=b"[..]));
    }
}
