//! Addresses of From, To, Contact, Route and others: `name-addr` and `addr-spec` with parameters (RFC 3261 20, 25.1).

use super::{HeaderError, Params};
use crate::sip::anomaly::Anomaly;
use crate::sip::scan::find;
use crate::sip::token::{from, is_lws, is_token, part, quoted_length, trim, trim_end};

/// An address with its parameters.
///
/// ```
/// use reinvite::sip::{ListValues, NameAddr, Uri};
///
/// let row = br#""Bob; <him>" <sip:bob;x@h:5070;lr?a=b>;tag=1, sip:carol@h;tag=2"#;
/// let addresses: Vec<NameAddr<'_>> = ListValues::new(row).map(NameAddr::parse).collect::<Result<_, _>>()?;
/// assert_eq!(addresses[0].display_name, Some(&b"Bob; <him>"[..]));
/// let Uri::Sip(uri) = Uri::parse(addresses[0].uri)? else { panic!("another scheme") };
/// assert_eq!((uri.user, uri.host.text(), uri.port, uri.headers), (Some(&b"bob;x"[..]), &b"h"[..], Some(5070), Some(&b"a=b"[..])));
/// // Without brackets the parameter is that of the header.
/// assert_eq!((addresses[1].uri, addresses[1].tag()), (&b"sip:carol@h"[..], Some(&b"2"[..])));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameAddr<'a> {
    /// The display name without its quotes, escapes not undone: [`unescape_quoted`](super::unescape_quoted) does that.
    pub display_name: Option<&'a [u8]>,
    /// The URI without brackets and white space round it. It is not checked here.
    pub uri: &'a [u8],
    /// The parameters of the header, not of the URI.
    pub params: Params<'a>,
    /// The first thing that is odd about it.
    pub oddity: Option<Anomaly>,
}

impl<'a> NameAddr<'a> {
    /// Reads the whole of one value.
    ///
    /// Without brackets the URI ends at the first `;`, `?`, comma or white space, and what follows belongs to the header
    /// (RFC 3261 20). A quoted name that does not end is tolerated as long as a URI in brackets follows.
    pub fn parse(value: &'a [u8]) -> Result<Self, HeaderError> {
        let text = trim(value);
        match text {
            [] => Err(HeaderError::Empty),
            [b'"', behind @ ..] => quoted(behind),
            _ => match find(text, [b'<']) {
                Some(at) if !has_header_params(part(text, 0, at)) => {
                    let name = trim_end(part(text, 0, at));
                    let odd = name.iter().any(|byte| !is_token(*byte) && !is_lws(*byte));
                    let address = bracketed((!name.is_empty()).then_some(name), from(text, at.saturating_add(1)))?;
                    Ok(if odd { address.odd(Anomaly::UnquotedDisplayName) } else { address })
                }
                _ => plain(text),
            },
        }
    }

    /// The `tag` parameter (RFC 3261 19.3).
    pub fn tag(&self) -> Option<&'a [u8]> {
        self.params.get(b"tag")?.value
    }

    fn odd(self, oddity: Anomaly) -> Self {
        Self { oddity: Some(oddity), ..self }
    }
}

/// Behind the opening quote of a display name.
fn quoted(behind: &[u8]) -> Result<NameAddr<'_>, HeaderError> {
    let Some(length) = quoted_length(behind) else {
        let at = find(behind, [b'<']).ok_or(HeaderError::NoUri)?;
        let address = bracketed(Some(trim(part(behind, 0, at))), from(behind, at.saturating_add(1)))?;
        return Ok(address.odd(Anomaly::UnterminatedQuote));
    };
    let name = part(behind, 0, length.saturating_sub(1));
    let rest = from(behind, length);
    let at = find(rest, [b'<']).ok_or(HeaderError::NoUri)?;
    let address = bracketed(Some(name), from(rest, at.saturating_add(1)))?;
    let between = part(rest, 0, at);
    Ok(if between.iter().all(|byte| is_lws(*byte)) { address } else { address.odd(Anomaly::UnquotedDisplayName) })
}

/// Behind `<`.
fn bracketed<'a>(display_name: Option<&'a [u8]>, behind: &'a [u8]) -> Result<NameAddr<'a>, HeaderError> {
    let end = find(behind, [b'>']).ok_or(HeaderError::UnterminatedBracket)?;
    let inside = part(behind, 0, end);
    let uri = trim(inside);
    if uri.is_empty() {
        return Err(HeaderError::NoUri);
    }
    let rest = trim(from(behind, end.saturating_add(1)));
    let oddity = if uri.len() != inside.len() {
        Some(Anomaly::SpaceInBrackets)
    } else if !matches!(rest, [] | [b';', ..]) {
        Some(Anomaly::TextBehindBrackets)
    } else {
        None
    };
    Ok(NameAddr { display_name, uri, params: Params::new(rest), oddity })
}

/// An `addr-spec` without brackets.
fn plain(text: &[u8]) -> Result<NameAddr<'_>, HeaderError> {
    let end = text.iter().position(|byte| matches!(byte, b';' | b'?' | b',') || is_lws(*byte)).unwrap_or(text.len());
    let uri = part(text, 0, end);
    if uri.is_empty() {
        return Err(HeaderError::NoUri);
    }
    let rest = from(text, end);
    let oddity = (rest.first() == Some(&b'?')).then_some(Anomaly::UriHeadersWithoutBrackets);
    Ok(NameAddr { display_name: None, uri, params: Params::new(rest), oddity })
}

/// Whether the text before a `<` is a URI with parameters, one of which holds the `<` in its value.
fn has_header_params(before: &[u8]) -> bool {
    let scheme = before.iter().position(|byte| !is_token(*byte));
    scheme.is_some_and(|end| before.get(end) == Some(&b':')) && find(before, [b';']).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ok(text: &str) -> (Option<&str>, &str, Option<&str>, Option<Anomaly>) {
        let address = NameAddr::parse(text.as_bytes()).unwrap();
        let string = |bytes| std::str::from_utf8(bytes).unwrap();
        (address.display_name.map(string), string(address.uri), address.tag().map(string), address.oddity)
    }

    #[test]
    fn brackets_and_names() {
        assert_eq!(ok("<sip:a@b;lr>;tag=1"), (None, "sip:a@b;lr", Some("1"), None));
        assert_eq!(ok("\"A \\\"B\\\", <C>\" <sip:a@b>"), (Some("A \\\"B\\\", <C>"), "sip:a@b", None, None));
        assert_eq!(ok("caller<sip:a@b>;x;tag=2"), (Some("caller"), "sip:a@b", Some("2"), None));
        assert_eq!(ok("\"\"<sip:a@b>"), (Some(""), "sip:a@b", None, None));
        assert_eq!(ok("A. Bell\r\n <sip:a@b>\r\n ;\r\n tag = 3"), (Some("A. Bell"), "sip:a@b", Some("3"), None));
    }

    #[test]
    fn without_brackets_parameters_belong_to_the_header() {
        assert_eq!(ok("sip:a@b;tag=1"), (None, "sip:a@b", Some("1"), None));
        assert_eq!(ok("sip:a@b ;   tag    = 1"), (None, "sip:a@b", Some("1"), None));
        assert_eq!(ok("sip:a@b;x=\"<\";tag=1"), (None, "sip:a@b", Some("1"), None));
        let odd = Some(Anomaly::UriHeadersWithoutBrackets);
        assert_eq!(ok("sip:a@b?Route=%3Csip:c%3E;tag=4"), (None, "sip:a@b", Some("4"), odd));
    }

    #[test]
    fn tolerated_oddities_are_named() {
        assert_eq!(ok("\"W, T\" < sip:t@w >").3, Some(Anomaly::SpaceInBrackets));
        assert_eq!(
            ok("Bell, A <sip:a@b>;tag=43"),
            (Some("Bell, A"), "sip:a@b", Some("43"), Some(Anomaly::UnquotedDisplayName))
        );
        assert_eq!(
            ok("\"Mr. J <sip:j@x>;tag=1"),
            (Some("Mr. J"), "sip:j@x", Some("1"), Some(Anomaly::UnterminatedQuote))
        );
        assert_eq!(ok("<sip:a@b> x;tag=1"), (None, "sip:a@b", Some("1"), Some(Anomaly::TextBehindBrackets)));
    }

    #[test]
    fn what_has_no_uri_is_refused() {
        for (text, error) in [
            ("", HeaderError::Empty),
            (" \r\n ", HeaderError::Empty),
            ("\"A\"", HeaderError::NoUri),
            ("\"A", HeaderError::NoUri),
            ("<>", HeaderError::NoUri),
            ("< >", HeaderError::NoUri),
            (";tag=1", HeaderError::NoUri),
            ("<sip:a@b", HeaderError::UnterminatedBracket),
            ("\"A\" <sip:a@b", HeaderError::UnterminatedBracket),
        ] {
            assert_eq!(NameAddr::parse(text.as_bytes()), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn addresses_come_back(
            name in proptest::option::of("[a-z \\pL<>,;]{0,8}"),
            uri in "sip:[a-z;?,]{1,8}@[a-z]{1,8}(;lr)?",
            tag in proptest::option::of("[a-z0-9]{1,8}"),
            space in "[ \t]{0,2}",
        ) {
            let quoted = name.as_ref().map(|name| format!("\"{name}\"{space}")).unwrap_or_default();
            let params = tag.as_ref().map(|tag| format!("{space};{space}tag{space}={tag}")).unwrap_or_default();
            let text = format!("{quoted}<{uri}>{params}");
            prop_assert_eq!(ok(&text), (name.as_deref(), uri.as_str(), tag.as_deref(), None));
        }

        #[test]
        fn anything_is_read_without_panic(text in proptest::collection::vec(proptest::sample::select(&b"a:\"\\<>;?=, \r\n\0\xff"[..]), 0..30)) {
            if let Ok(address) = NameAddr::parse(&text) {
                prop_assert!(!address.uri.is_empty());
                let _ = address.params.iter().count();
            }
        }
    }
}
