//! From messages that are odd as such to the facts about their senders.

use super::yields::Envelope;
use crate::correlation::{Method, OddOrigin, Oddities, Oddity, Order, Place, Sighting, Text};
use crate::net::Transport;
use crate::redact::Pseudonyms;
use crate::sip::{Anomaly, HeaderName, Message, StartLine};

/// Counts what is odd about a message.
pub(crate) fn note(message: &Message<'_>, envelope: &Envelope<'_>, order: Order, out: &mut Oddities) {
    let is_request = message.status().is_none();
    let lacks_branch = || !message.top_via().is_ok_and(|via| via.has_transaction_branch());
    let old_branch = is_request && lacks_branch() && !message.is_head_cut();
    if old_branch || !message.anomalies().is_empty() {
        note_all(message, envelope, order, old_branch, out);
    }
}

/// The same with pseudonyms for whom they are about.
pub(crate) fn redact(oddities: &Oddities, pseudonyms: &Pseudonyms) -> Oddities {
    oddities.map(|group| {
        if let OddOrigin::Element(address) = &mut group.origin {
            *address = pseudonyms.address(*address);
        }
        let seen = &mut group.first;
        seen.source = pseudonyms.endpoint(seen.source);
        seen.destination = pseudonyms.endpoint(seen.destination);
        seen.call_id = pseudonyms.header(HeaderName::CallId, &seen.call_id);
        seen.agent = seen.agent.take().map(|agent| pseudonyms.header(HeaderName::UserAgent, &agent));
        // Numbers and methods are kept; what pretends to be one is not.
        for word in seen.words.iter_mut().filter(|word| Method::of(word) == Method::Other) {
            let is_number = |byte: &u8| byte.is_ascii_digit() || b" -+,".contains(byte);
            word.iter_mut().filter(|byte| !is_number(byte)).for_each(|byte| *byte = b'x');
        }
    })
}

#[cold]
fn note_all(message: &Message<'_>, envelope: &Envelope<'_>, order: Order, old_branch: bool, out: &mut Oddities) {
    let element = OddOrigin::Element(envelope.source.address);
    if old_branch {
        out.add(Oddity::OldBranch, element, sighting(message, envelope, order));
    }
    let mut noted: Vec<Oddity> = Vec::new();
    for (anomaly, _) in message.anomalies() {
        let Some(oddity) = oddity(*anomaly, envelope.transport).filter(|oddity| !noted.contains(oddity)) else {
            continue;
        };
        noted.push(oddity);
        let mut seen = sighting(message, envelope, order);
        let origin = match oddity {
            Oddity::Truncated => OddOrigin::Input(envelope.spot.arrival.input),
            _ => element,
        };
        match oddity {
            Oddity::MethodMismatch => {
                let method = match message.start_line {
                    StartLine::Request { method, .. } => method,
                    StartLine::Response { .. } => b"",
                };
                let named = message.cseq().map(|cseq| cseq.method).unwrap_or_default();
                seen.words = [named.into(), method.into()];
            }
            Oddity::LengthMismatch => {
                let lengths: Vec<&[u8]> =
                    message.all(HeaderName::ContentLength).map(|header| header.value).take(4).collect();
                seen.numbers = [Some(message.body.len() as u64), None];
                seen.words = [lengths.join(&b" and "[..]).into(), Text::default()];
            }
            Oddity::TrailingOctets => seen.numbers = [Some(u64::from(envelope.trailing)), None],
            Oddity::Truncated => seen.numbers = [Some(u64::from(envelope.missing)), None],
            _ => {}
        }
        out.add(oddity, origin, seen);
    }
}

/// What a tolerated oddity of a message says about its sender; nothing if it is of the message alone.
const fn oddity(anomaly: Anomaly, transport: Transport) -> Option<Oddity> {
    match anomaly {
        Anomaly::BareLineFeed | Anomaly::BareCarriageReturn => Some(Oddity::LineEndings),
        Anomaly::CseqMethodMismatch => Some(Oddity::MethodMismatch),
        Anomaly::MalformedContentLength | Anomaly::ContentLengthConflict | Anomaly::ContentLengthTooLarge => {
            Some(Oddity::LengthMismatch)
        }
        Anomaly::TrailingOctets if matches!(transport, Transport::Udp) => Some(Oddity::TrailingOctets),
        Anomaly::ContentLengthMissingOnStream => Some(Oddity::LengthMissing),
        // On a stream the rest is missing for a gap, or since the stream ended.
        Anomaly::HeadCut | Anomaly::BodyIncomplete if matches!(transport, Transport::Udp) => Some(Oddity::Truncated),
        _ => None,
    }
}

fn sighting(message: &Message<'_>, envelope: &Envelope<'_>, order: Order) -> Sighting {
    let agent = match message.status() {
        None => message.user_agent(),
        Some(_) => message.server().or_else(|| message.user_agent()),
    };
    Sighting {
        call_id: message.call_id().map(Into::into).unwrap_or_default(),
        // What a proxy hands on names another element.
        agent: agent.filter(|_| message.status().is_some() || message.vias().nth(1).is_none()).map(Into::into),
        ..bare(envelope, order)
    }
}

/// Where something was seen that is in no message.
pub(crate) fn bare(envelope: &Envelope<'_>, order: Order) -> Sighting {
    let arrival = &envelope.spot.arrival;
    Sighting {
        order,
        place: Place { input: arrival.input, frame: arrival.frame, position: envelope.position },
        time: arrival.time,
        source: envelope.source,
        destination: envelope.destination,
        transport: envelope.transport,
        call_id: Text::default(),
        agent: None,
        numbers: [None; 2],
        words: Default::default(),
        other: None,
    }
}
