//! Messages with pseudonyms in place of what names people, hosts and calls, octet for octet as long as they were.
//!
//! The same word under the same key gets the same pseudonym, and two words never the same one: who calls whom, what belongs to
//! which call and which address moved where can be read as before. Digits stay digits and letters stay letters, so that lengths,
//! framing and the form of addresses stay right. What nobody knows the meaning of is crossed out: letters and digits become `x`.
//!
//! | what | becomes |
//! | --- | --- |
//! | users, display names, tags, branches, Call-IDs, Session-IDs, words of authentication | pseudonyms |
//! | host names, label by label: hosts of one domain stay in one; IP addresses, also in packets: prefixes in common stay in common, and private ones private | pseudonyms |
//! | `anonymous`, `localhost`, `anonymous.invalid`, loopback and unspecified addresses, the last label of reserved names | kept |
//! | methods, status codes, reason phrases of the registry, numbers, times, option tags, parameters of the standards | kept |
//! | User-Agent and Server | the first word is kept, the rest becomes a pseudonym |
//! | session descriptions: addresses, user names and ids | pseudonyms |
//! | session descriptions: media, ports, formats, directions, versions | kept |
//! | unknown headers, their names, other bodies, keys, other lines of session descriptions | crossed out |
//!
//! **Invariant.** Pure: the result depends on the key and the message alone.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod address;
mod body;
mod packet;
mod scramble;
mod values;

use sha2::{Digest, Sha256};

use crate::net::Endpoint;
use crate::sip::{HeaderName, Message, StartLine};
pub use packet::Carriage;
use scramble::{Domain, cross_out, scramble};

/// Gives pseudonyms under a key.
#[derive(Clone, Debug)]
pub struct Pseudonyms {
    key: [u8; 32],
    /// Headers that name another call, in lower case.
    call_headers: Vec<Vec<u8>>,
}

impl Pseudonyms {
    /// Those of a key, which must be hard to guess: whoever has it can try out which word became which pseudonym.
    pub fn new(key: &[u8]) -> Self {
        let digest = Sha256::new().chain_update(b"reinvite pseudonyms").chain_update(key).finalize();
        Self { key: digest.into(), call_headers: Vec::new() }
    }

    /// The same, with a header that names another call, such as `X-Call-ID`.
    #[must_use]
    pub fn with_call_header(mut self, name: &str) -> Self {
        self.call_headers.push(name.to_ascii_lowercase().into_bytes());
        self
    }

    /// The message with pseudonyms, as long as it was.
    pub fn message(&self, message: &Message<'_>) -> Vec<u8> {
        let raw = message.raw();
        let mut out = raw.to_vec();
        // What is not known to be harmless is crossed out; what is known is put back and rewritten.
        cross_out(&mut out);
        let mut put = |piece: &[u8], rewrite: &dyn Fn(&mut [u8])| {
            let start = (piece.as_ptr() as usize).saturating_sub(raw.as_ptr() as usize);
            if let Some(place) = out.get_mut(start..start.saturating_add(piece.len())) {
                place.copy_from_slice(piece);
                rewrite(place);
            }
        };
        let keep = |_: &mut [u8]| {};
        match message.start_line {
            StartLine::Request { method, uri, .. } => {
                put(raw.get(..line_length(raw)).unwrap_or_default(), &keep);
                put(method, &keep);
                put(uri, &|uri| self.uri(uri));
            }
            StartLine::Response { reason, .. } => {
                put(raw.get(..line_length(raw)).unwrap_or_default(), &keep);
                put(reason, &reason_phrase);
            }
        }
        for header in message.headers() {
            let is_call = self.call_headers.iter().any(|name| header.raw_name.eq_ignore_ascii_case(name));
            if is_call {
                put(header.raw_name, &keep);
                put(header.value, &|value| self.words(Domain::Call, value));
            } else if header.name != HeaderName::Other {
                put(header.raw_name, &keep);
                put(header.value, &|value| self.value(header.name, value));
            }
        }
        let kind = message.header(HeaderName::ContentType).map(|header| header.value).unwrap_or_default();
        if kind.to_ascii_lowercase().starts_with(b"application/sdp") {
            put(message.body, &|body| self.session_description(body));
        }
        out
    }

    /// An endpoint with a pseudonym for its address.
    pub fn endpoint(&self, endpoint: Endpoint) -> Endpoint {
        Endpoint { address: self.address(endpoint.address), ..endpoint }
    }

    /// The value of a header with pseudonyms.
    pub fn header(&self, name: HeaderName, value: &[u8]) -> Box<[u8]> {
        let mut value: Box<[u8]> = value.into();
        self.value(name, &mut value);
        value
    }

    /// Replaces letters and digits of a text as a whole.
    fn words(&self, domain: Domain, text: &mut [u8]) {
        scramble(&self.key, domain, &[], text);
    }
}

/// The words of reason phrases that the registry and common elements use.
const REASON_WORDS: &str = " accept acceptable accepted ack address alternative ambiguous anonymity authentication bad busy call \
    cancelled certificate choices client declined does event everywhere exist extension failed failure first forbidden \
    found gateway gone here implemented info interval invalid is large length local loop media message method moved multiple \
    not ok out outbound package payment pending permanently precondition progress proxy queued rejected request required \
    response ringing security server service session shorter small support supported temporarily temporary terminated time timeout timer \
    to too trying unauthorized unavailable unsupported use version via hops many brief ";

/// Crosses out the words that no usual reason phrase has.
fn reason_phrase(reason: &mut [u8]) {
    for word in reason.split_mut(|byte| !byte.is_ascii_alphabetic()) {
        let known = std::str::from_utf8(word)
            .is_ok_and(|word| REASON_WORDS.contains(&format!(" {} ", word.to_ascii_lowercase())));
        if !known {
            cross_out(word);
        }
    }
    for byte in reason.iter_mut().filter(|byte| byte.is_ascii_digit()) {
        *byte = b'x';
    }
}

/// What a capture is told from others by: its SHA-256.
///
/// # Errors
///
/// What the reader says.
pub fn digest(mut capture: impl std::io::Read) -> std::io::Result<[u8; 32]> {
    let mut digest = Sha256::new();
    let mut block = vec![0; 1 << 16];
    loop {
        let count = capture.read(&mut block)?;
        if count == 0 {
            return Ok(digest.finalize().into());
        }
        digest.update(block.get(..count).unwrap_or_default());
    }
}

/// Octets of the first line.
fn line_length(raw: &[u8]) -> usize {
    memchr::memchr2(b'\r', b'\n', raw).unwrap_or(raw.len())
}

#[cfg(test)]
mod tests;
