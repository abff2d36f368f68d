//! URIs: `sip`, `sips`, `tel` and others (RFC 3261 19.1.1, RFC 3966).

use memchr::memrchr;

use super::anomaly::Anomaly;
use super::header::Params;
use super::host::Host;
use super::scan::find;
use super::token::{from, part, port, trim, trim_end};

/// A URI, borrowed from the message. Escapes are left as they are; they are undone when URIs are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uri<'a> {
    /// `sip` or `sips`.
    Sip(SipUri<'a>),
    /// `tel`.
    Tel(TelUri<'a>),
    /// Any other scheme.
    Other {
        /// The scheme as it is written.
        scheme: &'a [u8],
        /// What stands behind its colon.
        rest: &'a [u8],
    },
}

/// A SIP or SIPS URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SipUri<'a> {
    /// Whether the scheme is `sips`.
    pub secure: bool,
    /// The user part without the password. It may hold `;`, `?` and more.
    pub user: Option<&'a [u8]>,
    /// The password.
    pub password: Option<&'a [u8]>,
    /// The host.
    pub host: Host<'a>,
    /// The port, if there is one: none is not the same as the default (RFC 3261 19.1.4).
    pub port: Option<u16>,
    /// The parameters of the URI.
    pub params: Params<'a>,
    /// The headers, without the question mark.
    pub headers: Option<&'a [u8]>,
    /// The first thing that is odd about it.
    pub oddity: Option<Anomaly>,
}

/// A telephone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TelUri<'a> {
    /// The number with its visual separators, and with `+` in front if it is global.
    pub number: &'a [u8],
    /// The parameters.
    pub params: Params<'a>,
}

/// Why text is not a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum UriError {
    /// No scheme and colon at its start.
    #[error("there is no scheme")]
    NoScheme,
    /// No host where one must be.
    #[error("there is no host")]
    NoHost,
    /// An IPv6 literal whose bracket does not end.
    #[error("the bracket of the address does not end")]
    UnterminatedBracket,
    /// A port that is no number up to 65535.
    #[error("the port is not valid")]
    InvalidPort,
    /// No number in a `tel` URI.
    #[error("there is no number")]
    NoNumber,
}

impl<'a> Uri<'a> {
    /// Reads the whole text, white space round it aside.
    ///
    /// A SIP URI is split at its last `@` first, since the user part may hold what separates other parts.
    pub fn parse(text: &'a [u8]) -> Result<Self, UriError> {
        if let Some(rest) = text.strip_prefix(b"sip:") {
            return SipUri::parse(false, trim_end(rest)).map(Self::Sip);
        }
        let text = trim(text);
        let colon = scheme_length(text).ok_or(UriError::NoScheme)?;
        let scheme = part(text, 0, colon);
        let rest = from(text, colon.saturating_add(1));
        if scheme.eq_ignore_ascii_case(b"sip") {
            SipUri::parse(false, rest).map(Self::Sip)
        } else if scheme.eq_ignore_ascii_case(b"sips") {
            SipUri::parse(true, rest).map(Self::Sip)
        } else if scheme.eq_ignore_ascii_case(b"tel") {
            TelUri::parse(rest).map(Self::Tel)
        } else {
            Ok(Self::Other { scheme, rest })
        }
    }

    /// The parts of a `sip` or `sips` URI.
    pub fn as_sip(&self) -> Option<&SipUri<'a>> {
        match self {
            Self::Sip(uri) => Some(uri),
            _ => None,
        }
    }
}

/// The length of the scheme in front of the first colon (RFC 3986 3.1).
pub(super) fn scheme_length(text: &[u8]) -> Option<usize> {
    let letter = text.first()?.is_ascii_alphabetic();
    let end = text.iter().position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')))?;
    (letter && text.get(end) == Some(&b':')).then_some(end)
}

impl<'a> SipUri<'a> {
    fn parse(secure: bool, rest: &'a [u8]) -> Result<Self, UriError> {
        let (user_info, rest) = match memrchr(b'@', rest) {
            Some(at) => (Some(part(rest, 0, at)), from(rest, at.saturating_add(1))),
            None => (None, rest),
        };
        let (user, password) = match user_info.map(|info| (info, find(info, [b':']))) {
            Some((info, Some(colon))) => (Some(part(info, 0, colon)), Some(from(info, colon.saturating_add(1)))),
            Some((info, None)) => (Some(info), None),
            None => (None, None),
        };
        let end = find(rest, [b';', b'?']).unwrap_or(rest.len());
        let (host, port, oddity) = host_port(trim(part(rest, 0, end)))?;
        let behind = from(rest, end);
        let question = find(behind, [b'?']);
        let params = Params::new(part(behind, 0, question.unwrap_or(behind.len())));
        let headers = question.map(|at| from(behind, at.saturating_add(1)));
        Ok(Self { secure, user, password, host, port, params, headers, oddity })
    }

    /// The value of the `transport` parameter.
    pub fn transport(&self) -> Option<&'a [u8]> {
        self.params.get(b"transport")?.value
    }

    /// Whether the user part is a telephone number (`user=phone`, RFC 3261 19.1.1).
    pub fn is_phone(&self) -> bool {
        self.params.get(b"user").and_then(|param| param.value).is_some_and(|user| user.eq_ignore_ascii_case(b"phone"))
    }

    /// The port that is used when there is none: 5061 for `sips` and for TLS, else 5060 (RFC 3261 19.1.2).
    pub fn default_port(&self) -> u16 {
        let tls = self.secure || self.transport().is_some_and(|transport| transport.eq_ignore_ascii_case(b"tls"));
        if tls { 5_061 } else { 5_060 }
    }
}

impl<'a> TelUri<'a> {
    fn parse(rest: &'a [u8]) -> Result<Self, UriError> {
        let end = find(rest, [b';']).unwrap_or(rest.len());
        let number = trim(part(rest, 0, end));
        if number.is_empty() {
            return Err(UriError::NoNumber);
        }
        Ok(Self { number, params: Params::new(from(rest, end)) })
    }
}

/// Cuts `host [":" port]`.
fn host_port(text: &[u8]) -> Result<(Host<'_>, Option<u16>, Option<Anomaly>), UriError> {
    let (host, rest) = match text.first() {
        None => return Err(UriError::NoHost),
        Some(b'[') => {
            let end = find(text, [b']']).ok_or(UriError::UnterminatedBracket)?.saturating_add(1);
            (part(text, 0, end), from(text, end))
        }
        Some(_) => {
            let end = find(text, [b':']).unwrap_or(text.len());
            (part(text, 0, end), from(text, end))
        }
    };
    let host = Host::new(host);
    if host.text().is_empty() || host.text() == b"[]" {
        let whole = Host::new(text);
        return match whole.ip() {
            Some(_) => Ok((whole, None, Some(Anomaly::Ipv6WithoutBrackets))),
            None => Err(UriError::NoHost),
        };
    }
    let oddity = if host.text().starts_with(b"[") && host.has_three_colons() {
        Some(Anomaly::Ipv6ThreeColons)
    } else {
        find(host.text(), *b" \t\r\n").map(|_| Anomaly::SpaceInRequestUri)
    };
    let digits = match rest {
        [] | [b':'] => return Ok((host, None, oddity)),
        [b':', digits @ ..] => digits,
        _ => return Err(UriError::InvalidPort),
    };
    if let Some(port) = port(digits) {
        return Ok((host, Some(port), oddity));
    }
    let whole = Host::new(text);
    match whole.ip() {
        Some(ip) if ip.is_ipv6() => Ok((whole, None, Some(Anomaly::Ipv6WithoutBrackets))),
        _ => Err(UriError::InvalidPort),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sip(text: &str) -> SipUri<'_> {
        match Uri::parse(text.as_bytes()) {
            Ok(Uri::Sip(uri)) => uri,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn all_parts() {
        let uri = sip("SIPS:alice:secret@Example.com:5071;transport=tcp;lr?Subject=x&Priority=y");
        assert!(uri.secure);
        assert_eq!((uri.user, uri.password), (Some(&b"alice"[..]), Some(&b"secret"[..])));
        assert_eq!((uri.host.text(), uri.port), (&b"Example.com"[..], Some(5_071)));
        assert_eq!(uri.transport(), Some(&b"tcp"[..]));
        assert_eq!(uri.headers, Some(&b"Subject=x&Priority=y"[..]));
        assert_eq!(uri.default_port(), 5_061);
    }

    #[test]
    fn the_user_part_may_hold_separators() {
        let uri = sip("sip:user;par=u%40example.net@example.com");
        assert_eq!((uri.user, uri.host.text()), (Some(&b"user;par=u%40example.net"[..]), &b"example.com"[..]));
        let uri = sip(
            "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
        );
        assert_eq!(uri.host.text(), b"example.com");
        assert_eq!(uri.user, Some(&b"1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"[..]));
    }

    #[test]
    fn ipv6_literals() {
        let uri = sip("sip:[2001:db8::10]:5070");
        assert_eq!((uri.host.ip(), uri.port, uri.oddity), (Some("2001:db8::10".parse().unwrap()), Some(5_070), None));
        let uri = sip("sip:[2001:db8::10:5070]");
        assert_eq!((uri.host.ip(), uri.port), (Some("2001:db8::10:5070".parse().unwrap()), None));
        let uri = sip("sip:2001:db8::10");
        assert_eq!((uri.host.text(), uri.oddity), (&b"2001:db8::10"[..], Some(Anomaly::Ipv6WithoutBrackets)));
        let uri = sip("sip:user@[2001:db8:::192.0.2.1]");
        assert_eq!(uri.oddity, Some(Anomaly::Ipv6ThreeColons));
        assert_eq!(Uri::parse(b"sip:[::1"), Err(UriError::UnterminatedBracket));
    }

    #[test]
    fn other_schemes() {
        let Ok(Uri::Tel(tel)) = Uri::parse(b"TEL:+1-201-555-0123;ext=5") else { panic!() };
        assert_eq!(tel.number, b"+1-201-555-0123");
        assert_eq!(
            Uri::parse(b"soap.beep://192.0.2.103:3002"),
            Ok(Uri::Other { scheme: b"soap.beep", rest: b"//192.0.2.103:3002" })
        );
    }

    #[test]
    fn what_is_no_uri_is_refused() {
        for (text, error) in [
            ("", UriError::NoScheme),
            ("alice@example.com", UriError::NoScheme),
            ("5:x", UriError::NoScheme),
            (":x", UriError::NoScheme),
            ("sip:", UriError::NoHost),
            ("sip:alice@", UriError::NoHost),
            ("sip:;lr", UriError::NoHost),
            ("sip:[]", UriError::NoHost),
            ("sip:h:65536", UriError::InvalidPort),
            ("sip:h:x", UriError::InvalidPort),
            ("sip:[::1]x", UriError::InvalidPort),
            ("tel:", UriError::NoNumber),
            ("tel:;ext=1", UriError::NoNumber),
        ] {
            assert_eq!(Uri::parse(text.as_bytes()), Err(error), "{text}");
        }
        assert_eq!(sip("sip:h:").port, None);
    }

    proptest! {
        /// White space in front and upper case keep off the short cut for what begins with `sip:`; all else must be the same.
        #[test]
        fn usual_schemes_are_read_as_all_are(rest in "[ \t\r\n]{0,2}[a-z0-9@:;?=&%\\[\\]. \"<>\\x80]{0,24}[ \t\r\n]{0,2}") {
            let usual = format!("sip:{rest}");
            for other in [format!(" {usual}"), format!("\r\n\t{usual}"), format!("SIP:{rest}"), format!("{usual}\r\n ")] {
                prop_assert_eq!(Uri::parse(usual.as_bytes()), Uri::parse(other.as_bytes()), "{:?}", other);
            }
        }

        #[test]
        fn anything_is_read_without_panic(text in "(sips?|tel|x)?:?[a-z0-9@:;?=&%\\[\\]. +]{0,30}") {
            let _ = Uri::parse(text.as_bytes());
        }

        #[test]
        fn parts_come_back(
            user in proptest::option::of("[a-zA-Z0-9;?/,&=+$]{1,10}"),
            host in "([a-z]{1,5}\\.[a-z]{1,3}|\\[2001:db8::[0-9]{1,3}\\]|10\\.0\\.0\\.[1-9])",
            port in proptest::option::of(0..=u16::MAX),
            params in "(;[a-z]{1,5}(=[a-z0-9]{1,5})?){0,3}",
            headers in proptest::option::of("[a-z]{1,5}=[a-z%0-9]{0,5}"),
        ) {
            let mut text = "sip:".to_owned();
            if let Some(user) = &user { text += &format!("{user}@"); }
            text += &host;
            if let Some(port) = port { text += &format!(":{port}"); }
            text += &params;
            if let Some(headers) = &headers { text += &format!("?{headers}"); }
            let uri = sip(&text);
            prop_assert_eq!(uri.user, user.as_deref().map(str::as_bytes));
            prop_assert_eq!(uri.host.text(), host.as_bytes());
            prop_assert_eq!(uri.port, port);
            prop_assert_eq!(uri.params.raw(), params.as_bytes());
            prop_assert_eq!(uri.headers, headers.as_deref().map(str::as_bytes));
        }
    }
}
