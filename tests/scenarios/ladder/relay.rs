//! Stateless proxies between two actors (RFC 3261 16.11): they add a Via and change nothing else.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{Ipv4Addr, SocketAddr};

fn digest(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The address of a relay between two actors, the same in every run.
pub(super) fn relay_between(client: SocketAddr, server: SocketAddr, at: usize) -> SocketAddr {
    let number = digest((client.min(server), client.max(server), at));
    let [.., high, low] = number.to_be_bytes();
    SocketAddr::new(Ipv4Addr::new(198, 18 + u8::from(high > 127), high, low).into(), 5060)
}

/// The lines of the head whose value starts a header of that name.
fn header<'m>(message: &'m str, name: &str) -> Option<&'m str> {
    let mut lines = message.split("\r\n").skip(1).take_while(|line| !line.is_empty());
    lines.find(|line| line.split(':').next().is_some_and(|known| known.eq_ignore_ascii_case(name)))
}

/// The Vias that relays add to a request, in the order in which it passes them.
pub(super) fn vias_of(relays: &[SocketAddr], message: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(message);
    let cseq = header(&text, "CSeq").map(|value| value.split_whitespace().nth(1).unwrap_or_default());
    let seed = digest((header(&text, "Via"), header(&text, "Call-ID"), header(&text, "From"), cseq));
    let via = |(at, relay): (usize, &SocketAddr)| format!("SIP/2.0/UDP {relay};branch=z9hG4bKrelay{at}x{seed:016x}");
    relays.iter().enumerate().map(via).collect()
}

/// The message with the Vias of the relays that it has passed, or, for a response, has still to pass.
pub(super) fn with_vias_of(relays: &[SocketAddr], message: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(message);
    let Some((start, rest)) = text.split_once("\r\n") else { return message.to_vec() };
    let vias: String = vias_of(relays, message).iter().rev().map(|via| format!("Via: {via}\r\n")).collect();
    format!("{start}\r\n{vias}{rest}").into_bytes()
}
