//! Which calls a run is about.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use regex::bytes::{Regex, RegexBuilder};

use super::{Ended, Kind, MessageRecord};
use crate::sip::is_token;
use crate::time::Timestamp;

/// Bytes that the program of one regular expression may take: enough for what a person writes, nothing that hurts.
const MAX_REGEX_BYTES: usize = 1 << 20;

/// Which calls a run is about: those to which every kind of condition that is given applies. Of several conditions of one kind
/// one must apply. The default is all calls.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Some message of the call is from this time or later.
    pub since: Option<Timestamp>,
    /// Some message of the call is from this time or earlier.
    pub until: Option<Timestamp>,
    /// Some message of the call was sent by or to such an address.
    pub hosts: Vec<Network>,
    /// The method of the request that started the call.
    pub methods: Vec<MethodName>,
    /// Some response of the call has such a status code.
    pub statuses: Vec<StatusCodes>,
    /// The URI of From in the first message of the call.
    pub from: Vec<Pattern>,
    /// The URI of To in the first message of the call.
    pub to: Vec<Pattern>,
    /// The Call-ID.
    pub call_ids: Vec<Pattern>,
}

impl Filter {
    /// Whether it takes every call.
    pub fn is_empty(&self) -> bool {
        self.since.is_none()
            && self.until.is_none()
            && self.hosts.is_empty()
            && self.methods.is_empty()
            && self.statuses.is_empty()
            && self.from.is_empty()
            && self.to.is_empty()
            && self.call_ids.is_empty()
    }

    /// Whether it takes the call, whose records are sorted by time.
    pub fn takes(&self, call: &Ended) -> bool {
        let (Some(first), Some(last)) = (call.records.first(), call.records.last()) else { return self.is_empty() };
        let any_record = |wanted: &dyn Fn(&MessageRecord) -> bool| call.records.iter().any(wanted);
        self.since.is_none_or(|since| last.time >= since)
            && self.until.is_none_or(|until| first.time <= until)
            && any(&self.call_ids, |pattern| pattern.matches(&call.call_id))
            && any(&self.from, |pattern| pattern.matches(call.texts.get(first.from_uri)))
            && any(&self.to, |pattern| pattern.matches(call.texts.get(first.to_uri)))
            && any(&self.methods, |method| method.0.matches(method_of(first)))
            && any(&self.hosts, |network| {
                any_record(&|record| {
                    network.contains(record.source.address) || network.contains(record.destination.address)
                })
            })
            && any(&self.statuses, |codes| {
                any_record(&|record| record.status().is_some_and(|code| codes.contains(code)))
            })
    }
}

fn any<T>(conditions: &[T], applies: impl Fn(&T) -> bool) -> bool {
    conditions.is_empty() || conditions.iter().any(applies)
}

/// The method of the first message of a call; nothing if it is a response that names none.
fn method_of(first: &MessageRecord) -> &[u8] {
    match (first.method.name(), first.kind) {
        (Some(name), _) => name.as_bytes(),
        (None, Kind::Request) => first.method_text(),
        (None, Kind::Response(_)) => &[],
    }
}

/// A text to look for: a part of it, upper and lower case alike, or `/a regular expression/`.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    fn matches(&self, text: &[u8]) -> bool {
        self.0.is_match(text)
    }
}

impl FromStr for Pattern {
    type Err = BadCondition;

    fn from_str(text: &str) -> Result<Self, BadCondition> {
        let expression = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
        let regex = match expression {
            Some(expression) => RegexBuilder::new(expression).size_limit(MAX_REGEX_BYTES).build(),
            None => RegexBuilder::new(&regex::escape(text)).case_insensitive(true).size_limit(MAX_REGEX_BYTES).build(),
        };
        regex.map(Self).map_err(|problem| BadCondition(format!("{text:?} is no regular expression: {problem}")))
    }
}

/// A method: its name, upper and lower case alike, or `/a regular expression/`.
#[derive(Clone, Debug)]
pub struct MethodName(Pattern);

impl FromStr for MethodName {
    type Err = BadCondition;

    fn from_str(text: &str) -> Result<Self, BadCondition> {
        if text.len() > 1 && text.starts_with('/') && text.ends_with('/') {
            return text.parse().map(Self);
        }
        if text.is_empty() || !text.bytes().all(is_token) {
            return Err(BadCondition(format!("{text:?} is no method such as INVITE, nor /an expression/")));
        }
        format!("/^(?i:{})$/", regex::escape(text)).parse().map(Self)
    }
}

/// An address, or all addresses that begin alike: `192.0.2.0/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        let differing = match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros(),
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros(),
            _ => return false,
        };
        differing >= self.bits
    }
}

impl FromStr for Network {
    type Err = BadCondition;

    fn from_str(text: &str) -> Result<Self, BadCondition> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address = address.trim_matches(['[', ']']).parse::<IpAddr>().ok();
        let all_bits = |address: &IpAddr| if address.is_ipv4() { 32 } else { 128 };
        let network = address.and_then(|address| {
            let bits = match bits {
                Some(bits) => bits.parse().ok().filter(|bits| *bits <= all_bits(&address))?,
                None => all_bits(&address),
            };
            Some(Self { address, bits })
        });
        network.ok_or_else(|| {
            BadCondition(format!("{text:?} is neither an address nor a prefix such as 192.0.2.0/24 or 2001:db8::/32"))
        })
    }
}

/// A status code, or all of a class: `422`, `3xx`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusCodes {
    first: u16,
    last: u16,
}

impl StatusCodes {
    fn contains(&self, status: u16) -> bool {
        (self.first..=self.last).contains(&status)
    }
}

impl FromStr for StatusCodes {
    type Err = BadCondition;

    fn from_str(text: &str) -> Result<Self, BadCondition> {
        let codes = match text.as_bytes() {
            &[class @ b'1'..=b'6', b'x' | b'X', b'x' | b'X'] => {
                let first = u16::from(class - b'0') * 100;
                Some(Self { first, last: first + 99 })
            }
            _ => {
                let code = text.parse::<u16>().ok().filter(|code| (100..700).contains(code));
                code.map(|code| Self { first: code, last: code })
            }
        };
        codes.ok_or_else(|| BadCondition(format!("{text:?} is neither a status code nor a class such as 3xx")))
    }
}

/// What is wrong with a condition, in a sentence that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadCondition(String);

impl fmt::Display for BadCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadCondition {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_part_or_an_expression() {
        let part: Pattern = "Alice@example.com".parse().unwrap();
        assert!(part.matches(b"sip:alice@EXAMPLE.com:5060"));
        assert!(!part.matches(b"sip:alice@exampleXcom"), "a dot is a dot");
        let expression: Pattern = "/^sip:[0-9]+@/".parse().unwrap();
        assert!(expression.matches(b"sip:4711@example.com"));
        assert!(!expression.matches(b"sip:alice@example.com"));
        assert!("/(/".parse::<Pattern>().unwrap_err().to_string().contains("no regular expression"));
        assert!("/a{1000}{1000}{1000}/".parse::<Pattern>().is_err(), "too large a program");
        let slash: Pattern = "/".parse().unwrap();
        assert!(slash.matches(b"a/b"));
        let bytes: Pattern = "x".parse().unwrap();
        assert!(bytes.matches(b"\xff\xfex"));
    }

    #[test]
    fn a_method_is_a_name_or_an_expression() {
        let takes = |wanted: &str, method: &str| wanted.parse::<MethodName>().unwrap().0.matches(method.as_bytes());
        assert!(takes("invite", "INVITE") && !takes("ACK", "PRACK") && !takes("INV", "INVITE"));
        assert!(takes("/INV|REG/", "REGISTER") && !takes("/^INV|^REG/", "OPTIONS") && takes("X.Y", "X.Y"));
        assert!(!takes("X.Y", "XAY"), "a dot is a dot");
        for bad in ["", "INVITE REGISTER", "/(/", "a/b", "/"] {
            assert!(bad.parse::<MethodName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_network_holds_its_addresses() {
        for (network, inside, outside) in [
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.129/25", "192.0.2.200", "192.0.2.127"),
            ("0.0.0.0/0", "255.0.0.1", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("[::1]", "::1", "::2"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{network:?} {inside}");
            assert!(!network.contains(outside.parse().unwrap()), "{network:?} {outside}");
        }
        for bad in ["", "192.0.2", "192.0.2.0/33", "::/129", "192.0.2.0/-1", "192.0.2.0/", "host.example.com"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_status_is_a_code_or_a_class() {
        let class: StatusCodes = "3xx".parse().unwrap();
        assert!(class.contains(300) && class.contains(399) && !class.contains(299) && !class.contains(400));
        let code: StatusCodes = "422".parse().unwrap();
        assert!(code.contains(422) && !code.contains(423));
        for bad in ["", "99", "700", "7xx", "4x", "4xxx", "abc", "-1", "0xx"] {
            assert!(bad.parse::<StatusCodes>().is_err(), "{bad}");
        }
    }
}
