//! What may stand between two actors: stateless proxies (RFC 3261 16.11), which add a Via and change nothing else; a target that is
//! tried beside the one that counts; an element that has a call of its own on the other side.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{Ipv4Addr, SocketAddr};

use super::parse::Way;
use crate::traffic::sip::Message;

fn digest(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The relays between two actors in the order in which requests pass them.
pub(super) fn relays_between(client: SocketAddr, server: SocketAddr, way: &Way) -> Vec<SocketAddr> {
    let at = |number: usize| if way.spiral { number % 2 } else { number };
    (0..way.relays).map(|number| relay_between(client, server, at(number))).collect()
}

/// The address of a relay between two actors, the same in every run.
fn relay_between(client: SocketAddr, server: SocketAddr, at: usize) -> SocketAddr {
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

/// What passes between the last relay and another target of a new INVITE, which is busy.
pub(super) fn fork(
    client: SocketAddr,
    relays: &[SocketAddr],
    message: &[u8],
) -> Vec<(SocketAddr, SocketAddr, Vec<u8>)> {
    let text = String::from_utf8_lossy(message);
    let is_new = text.starts_with("INVITE ") && header(&text, "To").is_some_and(|to| !to.contains(";tag="));
    let Some(relay) = relays.last().copied().filter(|_| is_new) else { return Vec::new() };
    let target = other_host(client);
    let mut vias = vias_of(relays, message);
    if let Some(top) = vias.last_mut() {
        top.push_str("fork");
    }
    let vias: String = vias.iter().rev().map(|via| format!("Via: {via}\r\n")).collect();
    let Some((start, rest)) = text.split_once("\r\n") else { return Vec::new() };
    let request = format!("{start}\r\n{vias}{rest}");
    let busy = Message::reply(request.as_bytes(), 486, Some("busy")).finish();
    let busy_text = String::from_utf8_lossy(&busy).into_owned();
    let to = header(&busy_text, "To").unwrap_or_default();
    let top = format!("Via: {}", vias.split("Via: ").nth(1).unwrap_or_default());
    let kept = |name: &str| header(&text, name).map(|line| format!("{line}\r\n")).unwrap_or_default();
    let cseq = kept("CSeq").replace("INVITE", "ACK");
    let ack = format!(
        "{}\r\n{top}{}{to}\r\n{}{cseq}Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
        start.replacen("INVITE", "ACK", 1),
        kept("From"),
        kept("Call-ID"),
    );
    vec![(relay, target, request.into_bytes()), (target, relay, busy), (relay, target, ack.into_bytes())]
}

/// The address of another host, made of that of an actor.
pub(super) fn other_host(actor: SocketAddr) -> SocketAddr {
    let [.., high, low] = digest((actor, "other")).to_be_bytes();
    SocketAddr::new(Ipv4Addr::new(203, 0, 113, high ^ low).into(), 5060)
}

/// The message as it is on the other leg: with another Call-ID, other tags and branches.
pub(super) fn on_other_leg(message: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(message);
    let other = text.replace("Call-ID: ", "Call-ID: leg-").replace(";tag=", ";tag=leg-");
    other.replace(";branch=z9hG4bK", ";branch=z9hG4bKleg").into_bytes()
}
