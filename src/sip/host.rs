//! Hosts: names and addresses (RFC 3261 25.1, RFC 5954).

use std::net::{IpAddr, Ipv6Addr};
use std::str::from_utf8;

use memchr::memmem;

/// The longest text that can be an IPv6 address, with one colon too many.
const LONGEST_IPV6: usize = 46;

/// A host name or an IP literal, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host<'a> {
    text: &'a [u8],
}

impl<'a> Host<'a> {
    /// A host; the text is not checked.
    pub fn new(text: &'a [u8]) -> Self {
        Self { text }
    }

    /// The text as it is written, with the brackets of an IPv6 literal.
    pub fn text(&self) -> &'a [u8] {
        self.text
    }

    /// The address, if it is an IP literal. IPv6 is read with or without brackets, and with three colons before an IPv4
    /// part, which an older grammar allowed (RFC 5954 4.1).
    pub fn ip(&self) -> Option<IpAddr> {
        let inside = match self.text {
            [b'[', inside @ .., b']'] => inside,
            other => other,
        };
        let candidate = inside.first().is_some_and(|byte| byte.is_ascii_hexdigit() || *byte == b':');
        if !candidate || inside.len() > LONGEST_IPV6 {
            return None;
        }
        from_utf8(inside).ok()?.parse().ok().or_else(|| ipv6_with_three_colons(inside).map(IpAddr::V6))
    }

    /// Whether it has three colons in a row.
    pub fn has_three_colons(&self) -> bool {
        memmem::find(self.text, b":::").is_some()
    }

    /// Whether both are the same: IP literals by value, names without regard to case (RFC 5954 4.2).
    pub fn same(&self, other: &Host<'_>) -> bool {
        self.text.eq_ignore_ascii_case(other.text)
            || matches!((self.ip(), other.ip()), (Some(one), Some(another)) if one == another)
    }
}

fn ipv6_with_three_colons(text: &[u8]) -> Option<Ipv6Addr> {
    let at = memmem::find(text, b":::")?;
    let (before, after) = text.split_at_checked(at)?;
    let mut copy = [0; LONGEST_IPV6];
    let length = text.len().checked_sub(1)?;
    let (head, tail) = copy.get_mut(..length)?.split_at_mut_checked(at)?;
    head.copy_from_slice(before);
    tail.copy_from_slice(after.get(1..)?);
    from_utf8(copy.get(..length)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Option<IpAddr> {
        Host::new(text.as_bytes()).ip()
    }

    #[test]
    fn literals_are_addresses_and_names_are_not() {
        assert_eq!(ip("192.0.2.1"), "192.0.2.1".parse().ok());
        assert_eq!(ip("[2001:db8::1]"), "2001:db8::1".parse().ok());
        assert_eq!(ip("2001:db8::1"), "2001:db8::1".parse().ok());
        assert_eq!(ip("[2001:db8:::192.0.2.1]"), "2001:db8::192.0.2.1".parse().ok());
        for name in ["example.com", "abc", "", "[]", "[", "256.1.1.1", "1.2.3", ":::::", "[fe80::1%eth0]"] {
            assert_eq!(ip(name), None, "{name}");
        }
        assert_eq!(ip(&":".repeat(10_000)), None);
    }

    #[test]
    fn sameness() {
        let same = |one: &str, other: &str| Host::new(one.as_bytes()).same(&Host::new(other.as_bytes()));
        assert!(same("Example.COM", "example.com"));
        assert!(same("[2001:DB8:0::1]", "[2001:db8::1]"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
        assert!(!same("[::ffff:192.0.2.1]", "192.0.2.1"));
        assert!(!same("example.com", "192.0.2.1"));
    }
}
