//! Session descriptions (RFC 8866).

use super::Pseudonyms;
use super::scramble::{Domain, cross_out};
use super::values::{find, is_usual, part};

/// Attributes that say nothing about anybody.
const KEPT_ATTRIBUTES: [&[u8]; 17] = [
    b"rtpmap",
    b"fmtp",
    b"ptime",
    b"maxptime",
    b"sendrecv",
    b"sendonly",
    b"recvonly",
    b"inactive",
    b"rtcp-mux",
    b"setup",
    b"group",
    b"mid",
    b"rtcp-fb",
    b"extmap",
    b"silenceSupp",
    b"direction",
    b"curr",
];

impl Pseudonyms {
    /// Rewrites a session description line by line.
    pub(super) fn session_description(&self, body: &mut [u8]) {
        let mut at = 0;
        while at < body.len() {
            let rest = part(body, at..usize::MAX);
            let end = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
            self.line(part(rest, 0..end));
            at = at.saturating_add(end).saturating_add(1);
        }
    }

    fn line(&self, line: &mut [u8]) {
        let Some(kind) = line.first().copied().filter(|_| line.get(1) == Some(&b'=')) else {
            return cross_out(line);
        };
        let value = part(line, 2..usize::MAX);
        match kind {
            b'v' | b't' | b'r' | b'm' | b'b' => {}
            b'o' => self.origin(value),
            b'c' => self.last_word(value),
            b's' if value == b"-" || value == b" " => {}
            b'a' => {
                let end = find(value, b':').unwrap_or(value.len());
                let name = value.get(..end).unwrap_or_default();
                match name {
                    b"rtcp" => self.last_word(value),
                    b"candidate" => self.candidate(part(value, end..usize::MAX)),
                    name if KEPT_ATTRIBUTES.contains(&name) => {}
                    b"crypto" | b"fingerprint" | b"ice-ufrag" | b"ice-pwd" => cross_out(part(value, end..usize::MAX)),
                    _ => cross_out(value),
                }
            }
            _ => cross_out(value),
        }
    }

    /// User name, session, version, network, kind of address, address.
    fn origin(&self, value: &mut [u8]) {
        let user = find(value, b' ').unwrap_or(value.len());
        self.words(Domain::User, part(value, 0..user));
        let rest = part(value, user.saturating_add(1)..usize::MAX);
        let session = find(rest, b' ').unwrap_or(rest.len());
        self.words(Domain::Token, part(rest, 0..session));
        self.last_word(part(rest, session..usize::MAX));
    }

    /// An address at the end, with a lifetime and a count that stay.
    fn last_word(&self, value: &mut [u8]) {
        let start = value.iter().rposition(|byte| *byte == b' ').map_or(value.len(), |at| at.saturating_add(1));
        let word = part(value, start..usize::MAX);
        let end = find(word, b'/').unwrap_or(word.len());
        self.host(part(word, 0..end));
    }

    /// Foundation, component, transport and priority; then an address, and later perhaps another.
    fn candidate(&self, value: &mut [u8]) {
        let mut at = 0;
        let mut index = 0_usize;
        let mut before: Vec<u8> = Vec::new();
        while at < value.len() {
            let rest = part(value, at..usize::MAX);
            let end = find(rest, b' ').unwrap_or(rest.len());
            let word = part(rest, 0..end);
            let now = word.to_vec();
            if index == 4 || before == b"raddr" {
                self.host(word);
            } else if index == 0 {
                self.words(Domain::Token, word);
            } else if !is_usual(word) {
                cross_out(word);
            }
            before = now;
            index = index.saturating_add(1);
            at = at.saturating_add(end).saturating_add(1);
        }
    }
}
