//! Via (RFC 3261 20.42, RFC 3581).

use std::net::IpAddr;

use nom::Parser;
use nom::character::complete::char;

use super::{HeaderError, Param, Params};
use crate::sip::anomaly::Anomaly;
use crate::sip::host::Host;
use crate::sip::scan::{find, is_plain};
use crate::sip::token::{Parsed, from, is_lws, lws0, lws1, part, port, token1, trim_end};

/// What nearly every Via begins with, which saves looking for white space.
const USUAL_PROTOCOL: &[u8] = b"SIP/2.0/";
/// What every branch of RFC 3261 begins with (8.1.1.7).
const MAGIC_COOKIE: &[u8] = b"z9hG4bK";

/// One value of Via: a hop of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Via<'a> {
    /// The protocol, `SIP`.
    pub protocol: &'a [u8],
    /// Its version, `2.0`.
    pub version: &'a [u8],
    /// The transport, such as `UDP`; compare without regard to case.
    pub transport: &'a [u8],
    /// The host of `sent-by`.
    pub sent_by: Host<'a>,
    /// The port of `sent-by`.
    pub port: Option<u16>,
    /// The branch.
    pub branch: Option<&'a [u8]>,
    /// Where the request came from, as the receiver saw it.
    pub received: Option<&'a [u8]>,
    /// Whether a response is asked for at the source port (RFC 3581), even if no port is filled in.
    pub has_rport: bool,
    /// The source port, as the receiver saw it.
    pub rport: Option<u16>,
    /// All parameters.
    pub params: Params<'a>,
    /// The first thing that is odd about it.
    pub oddity: Option<Anomaly>,
}

impl<'a> Via<'a> {
    /// Reads one value of the list.
    pub fn parse(value: &'a [u8]) -> Result<Self, HeaderError> {
        Self::usual(value).map_or_else(|| Self::any(value), Ok)
    }

    /// A value as nearly all are: of SIP/2.0 over a usual transport, with one space, without quotes, brackets and empty
    /// parameters. `None` says nothing.
    #[inline]
    fn usual(value: &'a [u8]) -> Option<Self> {
        let rest = value.strip_prefix(USUAL_PROTOCOL)?;
        let (transport, behind) = match rest {
            [b'U', b'D', b'P', b' ', behind @ ..]
            | [b'T', b'C', b'P', b' ', behind @ ..]
            | [b'T', b'L', b'S', b' ', behind @ ..] => (part(rest, 0, 3), behind),
            _ => return None,
        };
        if !is_plain(behind) {
            return None;
        }
        let (host_port, mut params) = behind.split_at_checked(find(behind, [b';']).unwrap_or(behind.len()))?;
        let (host, port) = match find(host_port, [b':']) {
            Some(colon) => (part(host_port, 0, colon), Some(port(from(host_port, colon.wrapping_add(1)))?)),
            None => (host_port, None),
        };
        if host.is_empty() {
            return None;
        }
        let mut via = Self {
            protocol: part(value, 0, 3),
            version: part(value, 4, 7),
            transport,
            sent_by: Host::new(host),
            port,
            branch: None,
            received: None,
            has_rport: false,
            rport: None,
            params: Params::new(params),
            oddity: None,
        };
        while let [b';', rest @ ..] = params {
            let (param, behind) = rest.split_at_checked(find(rest, [b';']).unwrap_or(rest.len()))?;
            params = behind;
            if let Some(branch) = param.strip_prefix(b"branch=") {
                via.branch = via.branch.or(Some(branch));
                continue;
            }
            let equals = find(param, [b'=']);
            let name = part(param, 0, equals.unwrap_or(param.len()));
            if name.is_empty() {
                return None;
            }
            via.take_param(&Param { name, value: equals.map(|equals| from(param, equals.wrapping_add(1))) });
        }
        via.check_branch();
        Some(via)
    }

    /// A value in all its forms.
    fn any(value: &'a [u8]) -> Result<Self, HeaderError> {
        let (rest, (protocol, version, transport)) = sent_protocol(value).map_err(|_| HeaderError::NoProtocol)?;
        let (rest, host_port) = host_port(rest);
        let (sent_by, port, oddity) = split_port(host_port)?;
        let params = Params::new(rest);
        let mut via = Self {
            protocol,
            version,
            transport,
            sent_by,
            port,
            branch: None,
            received: None,
            has_rport: false,
            rport: None,
            params,
            oddity,
        };
        via.read_params();
        Ok(via)
    }

    /// Whether the branch is one of RFC 3261, which identifies the transaction: the magic cookie and something more.
    pub fn has_transaction_branch(&self) -> bool {
        self.branch.and_then(|branch| branch.strip_prefix(MAGIC_COOKIE)).is_some_and(|rest| !rest.is_empty())
    }

    /// The address in `received`, with or without brackets (RFC 5118 4.5).
    pub fn received_ip(&self) -> Option<IpAddr> {
        Host::new(self.received?).ip()
    }

    /// Whether both name the same element: hosts as in a URI, ports equal or both left to the default of the transport.
    pub fn same_sent_by(&self, other: &Self) -> bool {
        let default = |via: &Self| if via.transport.eq_ignore_ascii_case(b"TLS") { 5_061 } else { 5_060 };
        self.sent_by.same(&other.sent_by)
            && self.port.unwrap_or_else(|| default(self)) == other.port.unwrap_or_else(|| default(other))
    }

    fn read_params(&mut self) {
        let mut params = self.params.iter();
        for param in params.by_ref() {
            self.take_param(&param);
        }
        if params.empty {
            self.oddity = self.oddity.or(Some(Anomaly::EmptyParameter));
        } else {
            self.check_branch();
        }
    }

    #[inline]
    fn take_param(&mut self, param: &Param<'a>) {
        let name = param.name;
        let is = |known: &[u8]| name == known || name.eq_ignore_ascii_case(known);
        if is(b"branch") {
            self.branch = self.branch.or(param.value);
        } else if is(b"rport") {
            self.rport = self.rport.or_else(|| param.value.and_then(port));
            self.has_rport = true;
        } else if is(b"received") {
            self.received = self.received.or(param.value);
        }
    }

    #[inline]
    fn check_branch(&mut self) {
        if self.branch == Some(MAGIC_COOKIE) {
            self.oddity = self.oddity.or(Some(Anomaly::BareBranchCookie));
        }
    }
}

/// Protocol, version and transport.
type Protocol<'a> = (&'a [u8], &'a [u8], &'a [u8]);

/// `protocol-name SLASH protocol-version SLASH transport LWS`.
fn sent_protocol(input: &[u8]) -> Parsed<'_, Protocol<'_>> {
    let (rest, (_, protocol, _, version, _, transport, _)) =
        (lws0, token1, slash, token1, slash, token1, lws1).parse(input)?;
    Ok((rest, (protocol, version, transport)))
}

fn slash(input: &[u8]) -> Parsed<'_, ()> {
    let (rest, _) = (lws0, char('/'), lws0).parse(input)?;
    Ok((rest, ()))
}

/// `sent-by`: host and port with the white space that may stand round the colon.
fn host_port(input: &[u8]) -> (&[u8], &[u8]) {
    let end = find(input, [b';']).unwrap_or(input.len());
    (from(input, end), trim_end(part(input, 0, end)))
}

/// Cuts `host [COLON port]`.
fn split_port(text: &[u8]) -> Result<(Host<'_>, Option<u16>, Option<Anomaly>), HeaderError> {
    let (host, rest) = match text.first() {
        Some(b'[') => {
            let end = find(text, [b']']).ok_or(HeaderError::NoHost)?.saturating_add(1);
            (part(text, 0, end), from(text, end))
        }
        _ => {
            let end = find(text, [b':', b' ', b'\t', b'\r', b'\n']).unwrap_or(text.len());
            (part(text, 0, end), from(text, end))
        }
    };
    if host.is_empty() || host == b"[]" {
        return Err(HeaderError::NoHost);
    }
    let rest = from(rest, rest.iter().position(|byte| !is_lws(*byte)).unwrap_or(rest.len()));
    let digits = match rest {
        [] => return Ok((Host::new(host), None, None)),
        [b':', digits @ ..] => crate::sip::token::trim(digits),
        _ => return Err(HeaderError::TextBehindValue),
    };
    if let Some(port) = port(digits) {
        return Ok((Host::new(host), Some(port), None));
    }
    let whole = Host::new(text);
    if whole.ip().is_some_and(|ip| ip.is_ipv6()) {
        return Ok((whole, None, Some(Anomaly::Ipv6WithoutBrackets)));
    }
    Err(HeaderError::InvalidPort)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ok(text: &str) -> Via<'_> {
        Via::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn white_space_is_allowed_where_the_grammar_has_it() {
        let via = ok("SIP  /    2.0\r\n /UDP\r\n    192.0.2.2 : 5070 ; branch=\r\n z9hG4bK30239;rport");
        assert_eq!((via.protocol, via.version, via.transport), (&b"SIP"[..], &b"2.0"[..], &b"UDP"[..]));
        assert_eq!((via.sent_by.text(), via.port), (&b"192.0.2.2"[..], Some(5_070)));
        assert_eq!(via.branch, Some(&b"z9hG4bK30239"[..]));
        assert_eq!((via.has_rport, via.rport, via.oddity), (true, None, None));
        assert!(via.has_transaction_branch());
    }

    #[test]
    fn white_space_is_allowed_behind_each_slash() {
        for text in ["SIP/2.0/ UDP h", "SIP/2.0/\r\n UDP  h", "SIP/ 2.0/UDP\th", "SIP /2.0/UDP h", " SIP/2.0/UDP h"] {
            let via = ok(text);
            assert_eq!((via.protocol, via.version, via.transport), (&b"SIP"[..], &b"2.0"[..], &b"UDP"[..]), "{text:?}");
            assert_eq!(via.sent_by.text(), b"h", "{text:?}");
        }
    }

    proptest! {
        /// Whatever the short cut says is what the walk over any value says.
        #[test]
        fn usual_values_are_read_as_all_are(
            protocol in "( )?SIP(/|/ | /)(2\\.0|2\\.0|3\\.0)(/|/ )(UDP|UDP|TCP|TLS|udp|[A-Z-]{0,4})( |  |\t|\r\n |)",
            host in "[a-z0-9.\\[\\]]{0,12}(:|:5060|:0|:65536|: 5060|:x|)",
            params in "(;|;;|; )?(;?(branch|Branch|rport|RPORT|received|ttl|x||\u{e9})(=|=| =|)(z9hG4bK|z9hG4bK7.a|5060|[0-9a-f.:\\[\\]]{0,9}|\"[;a\\\\]?\"?|\r\n|=| )){0,5}(;|)",
        ) {
            let text = protocol + &host + &params;
            if let Some(usual) = Via::usual(text.as_bytes()) {
                prop_assert_eq!(Via::any(text.as_bytes()), Ok(usual), "{:?}", text);
            }
        }
    }

    #[test]
    fn the_short_cut_is_taken() {
        for text in [
            "SIP/2.0/UDP h;branch=z9hG4bK1",
            "SIP/2.0/TCP 192.0.2.1:5060;rport;branch=z9hG4bK77ef4c2312983.1;received=192.0.2.7;x=y",
            "SIP/2.0/TLS host.example.com",
        ] {
            assert_eq!(Via::usual(text.as_bytes()), Via::any(text.as_bytes()).ok(), "{text}");
        }
    }

    #[test]
    fn parameters_are_found_in_any_case_and_order() {
        let via = ok("SIP/2.0/TLS h;Received=192.0.2.1;RPORT=5080;x;Branch=abc");
        assert_eq!((via.received_ip(), via.rport), (Some("192.0.2.1".parse().unwrap()), Some(5_080)));
        assert_eq!(via.branch, Some(&b"abc"[..]));
        assert!(!via.has_transaction_branch());
    }

    #[test]
    fn ipv6_with_and_without_brackets() {
        let via = ok("SIP/2.0/UDP [2001:db8::9:1]:6050;received=[2001:db8::9:255]");
        assert_eq!((via.sent_by.ip(), via.port), (Some("2001:db8::9:1".parse().unwrap()), Some(6_050)));
        assert_eq!(via.received_ip(), Some("2001:db8::9:255".parse().unwrap()));
        assert_eq!(ok("SIP/2.0/UDP [::1];received=2001:db8::9:255").received_ip(), via.received_ip());
        let via = ok("SIP/2.0/UDP 2001:db8::9:a;branch=x");
        assert_eq!((via.port, via.oddity), (None, Some(Anomaly::Ipv6WithoutBrackets)));
    }

    #[test]
    fn oddities_and_errors() {
        assert_eq!(ok("SIP/2.0/UDP 192.0.2.15;;").oddity, Some(Anomaly::EmptyParameter));
        assert_eq!(ok("SIP/2.0/UDP h;branch=z9hG4bK").oddity, Some(Anomaly::BareBranchCookie));
        for (text, error) in [
            ("", HeaderError::NoProtocol),
            ("SIP/2.0 h", HeaderError::NoProtocol),
            ("SIP/2.0/UDP", HeaderError::NoProtocol),
            ("SIP/2.0/UDP ", HeaderError::NoHost),
            ("SIP/2.0/UDP ;branch=x", HeaderError::NoHost),
            ("SIP/2.0/UDP []", HeaderError::NoHost),
            ("SIP/2.0/UDP h:65536", HeaderError::InvalidPort),
            ("SIP/2.0/UDP h:x", HeaderError::InvalidPort),
            ("SIP/2.0/UDP h x", HeaderError::TextBehindValue),
        ] {
            assert_eq!(Via::parse(text.as_bytes()), Err(error), "{text}");
        }
    }

    #[test]
    fn sent_by_is_compared_with_default_ports() {
        assert!(ok("SIP/2.0/UDP Host").same_sent_by(&ok("SIP/2.0/UDP host:5060")));
        assert!(ok("SIP/2.0/TLS host").same_sent_by(&ok("SIP/2.0/TLS host:5061")));
        assert!(!ok("SIP/2.0/TLS host").same_sent_by(&ok("SIP/2.0/TLS host:5060")));
        assert!(!ok("SIP/2.0/UDP host").same_sent_by(&ok("SIP/2.0/UDP other")));
    }
}
