//! Addresses and host names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Pseudonyms;
use super::scramble::{Domain, permute, scramble};
use crate::sip::Host;

/// Names that say nothing about anybody.
const KEPT_NAMES: [&[u8]; 3] = [b"localhost", b"anonymous.invalid", b"unknown.invalid"];
/// Last labels that are reserved (RFC 2606, RFC 6761, RFC 8375): what is under them is in no public name system.
const RESERVED: [&[u8]; 8] =
    [b"invalid", b"local", b"localhost", b"test", b"example", b"internal", b"arpa", b"localdomain"];

impl Pseudonyms {
    /// The pseudonym of an address. Addresses with a prefix in common keep one in common; written out it is as long; it is private,
    /// link-local, shared, reserved for documentation or for groups if the address is; unspecified and loopback
    /// addresses stay.
    pub fn address(&self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(address) => IpAddr::V4(self.ipv4(address)),
            IpAddr::V6(address) => IpAddr::V6(self.ipv6(address)),
        }
    }

    fn ipv4(&self, address: Ipv4Addr) -> Ipv4Addr {
        let kept = kept_octets(address);
        let mut now = address;
        loop {
            let mut octets = now.octets();
            let before = octets;
            for (at, octet) in octets.iter_mut().enumerate().skip(kept) {
                let prefix = before.get(..at).unwrap_or_default();
                // As many digits as before.
                let (least, size) = match *octet {
                    0..=9 => (0, 10),
                    10..=99 => (10, 90),
                    100.. => (100, 156),
                };
                let place = permute(&self.key, prefix, u32::from(octet.saturating_sub(least)), size);
                *octet = least.saturating_add(u8::try_from(place).unwrap_or(0));
            }
            now = octets.into();
            if kept_octets(now) == kept {
                return now;
            }
        }
    }

    fn ipv6(&self, address: Ipv6Addr) -> Ipv6Addr {
        if let Some(inner) = address.to_ipv4_mapped() {
            return self.ipv4(inner).to_ipv6_mapped();
        }
        let kept = kept_groups(address);
        let mut now = address;
        loop {
            let mut groups = now.segments();
            let before = groups;
            for (at, group) in groups.iter_mut().enumerate().skip(kept) {
                let prefix: Vec<u8> = before.iter().take(at).flat_map(|group| group.to_be_bytes()).collect();
                // As many hexadecimal digits as before.
                let (least, size) = match *group {
                    0 => continue,
                    1..=0xf => (1, 0xf),
                    0x10..=0xff => (0x10, 0xf0),
                    0x100..=0xfff => (0x100, 0xf00),
                    0x1000.. => (0x1000, 0xf000),
                };
                let place = permute(&self.key, &prefix, u32::from(group.saturating_sub(least)), size);
                *group = least.saturating_add(u16::try_from(place).unwrap_or(0));
            }
            now = groups.into();
            if kept_groups(now) == kept && now.to_ipv4_mapped().is_none() {
                return now;
            }
        }
    }

    /// A host and a port, which stays.
    pub(super) fn host_port(&self, text: &mut [u8]) {
        let host = if text.starts_with(b"[") {
            text.iter().position(|byte| *byte == b']').map_or(text.len(), |at| at.saturating_add(1))
        } else {
            let colon = text.iter().position(|byte| *byte == b':').unwrap_or(text.len());
            let is_port = text.iter().skip(colon.saturating_add(1)).all(|byte| byte.is_ascii_digit() || *byte == b' ');
            if is_port { colon } else { text.len() }
        };
        self.host(text.get_mut(..host).unwrap_or_default());
    }

    /// A host name or an IP address.
    pub(super) fn host(&self, text: &mut [u8]) {
        let start = text.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let end = text.len().saturating_sub(text.iter().rev().take_while(|byte| byte.is_ascii_whitespace()).count());
        let Some(host) = text.get_mut(start..end) else { return };
        match Host::new(host).ip() {
            Some(IpAddr::V4(address)) => {
                let pseudonym = self.ipv4(address).to_string();
                if pseudonym.len() == host.len() {
                    host.copy_from_slice(pseudonym.as_bytes());
                } else {
                    self.words(Domain::Host, host);
                }
            }
            Some(IpAddr::V6(address)) => self.ipv6_text(address, host),
            None => self.host_name(host),
        }
    }

    /// Writes the pseudonym of an IPv6 address as the address is written.
    fn ipv6_text(&self, address: Ipv6Addr, text: &mut [u8]) {
        let pseudonym = self.ipv6(address);
        let groups = pseudonym.segments();
        let written = String::from_utf8_lossy(text).into_owned();
        let inside = written.trim_matches(['[', ']']);
        let (head, tail) = inside.split_once("::").unwrap_or((inside, ""));
        let width = |part: &str| {
            part.split(':').filter(|word| !word.is_empty()).map(|word| if word.contains('.') { 2 } else { 1 }).sum()
        };
        let skipped: usize = 8_usize.saturating_sub(width(tail));
        let words = |part: &str, first: usize| -> String {
            let mut at = first;
            let words = part.split(':').map(|word| {
                let group = groups.get(at).copied().unwrap_or(0);
                at = at.saturating_add(1);
                match word.len() {
                    0 => String::new(),
                    _ if word.contains('.') => {
                        let low = groups.get(at).copied().unwrap_or(0);
                        Ipv4Addr::from(u32::from(group) << 16 | u32::from(low)).to_string()
                    }
                    length if word.bytes().any(|byte| byte.is_ascii_uppercase()) => format!("{group:0length$X}"),
                    length => format!("{group:0length$x}"),
                }
            });
            words.collect::<Vec<_>>().join(":")
        };
        let new = match inside.contains("::") {
            true => format!("{}::{}", words(head, 0), words(tail, skipped)),
            false => words(head, 0),
        };
        let new = written.replacen(inside, &new, 1);
        if new.len() == text.len() && Host::new(new.as_bytes()).ip() == Some(IpAddr::V6(pseudonym)) {
            text.copy_from_slice(new.as_bytes());
        } else {
            self.words(Domain::Hex, text);
        }
    }

    /// A host name, label by label from its end.
    fn host_name(&self, name: &mut [u8]) {
        if KEPT_NAMES.iter().any(|kept| name.eq_ignore_ascii_case(kept)) {
            return;
        }
        let original = name.to_ascii_lowercase();
        let mut end = name.len();
        loop {
            let start = name.get(..end).unwrap_or_default().iter().rposition(|byte| *byte == b'.');
            let from = start.map_or(0, |dot| dot.saturating_add(1));
            let label = original.get(from..end).unwrap_or_default();
            let is_last = end == name.len();
            if !(is_last && from > 0 && RESERVED.contains(&label)) {
                let parent = original.get(end..).unwrap_or_default();
                scramble(&self.key, Domain::Host, parent, name.get_mut(from..end).unwrap_or_default());
            }
            match start {
                Some(dot) => end = dot,
                None => return,
            }
        }
    }
}

/// How many octets say of what kind an address is, so that they stay.
const fn kept_octets(address: Ipv4Addr) -> usize {
    match address.octets() {
        [0 | 127, ..] | [255, 255, 255, 255] => 4,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => 3,
        [172, 16..=31, ..] | [192, 168, ..] | [169, 254, ..] | [100, 64..=127, ..] => 2,
        [10 | 224..=255, ..] => 1,
        _ => 0,
    }
}

/// The same for groups of IPv6.
const fn kept_groups(address: Ipv6Addr) -> usize {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => 8,
        [0x2001, 0xdb8, ..] => 2,
        [0xfc00..=0xffff, ..] => 1,
        _ => 0,
    }
}
