//! What a finding is about, in terms that stay the same from one capture to the next.

use std::net::IpAddr;
use std::ops::Deref;

use xxhash_rust::xxh3::xxh3_64;

use super::rule::{Finding, Rule};
use super::session::DialogCase;
use super::timer_endings::EndingsCase;
use super::timer_sources::SourceCase;
use super::timers::NegotiationCase;
use crate::correlation::{MessageRecord, OddGroup, OddOrigin, Place, Redirect, Text, place_of};
use crate::sip::Uri;

/// Who and what a finding is about. Ports of clients, tags, Call-IDs and frame numbers change with every capture, so they are no
/// part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// Who has to act on the answer, or sent the request.
    pub client: Option<IpAddr>,
    /// Who answered, or was asked.
    pub server: Option<IpAddr>,
    /// What was asked for: the Request-URI, and within a dialog the URI of To, since the Request-URI is then a Contact that
    /// may be made anew for every call.
    pub uri: Option<Text>,
}

/// The identity of a finding: the same for the same rule about the same subject, in every capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u64);

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl std::str::FromStr for Fingerprint {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

/// A finding with what it is about, which follows from what its rule was given and from the place that it points at.
#[derive(Clone, Debug)]
pub struct Stated {
    /// The finding.
    pub finding: Finding,
    /// What it is about.
    pub subject: Subject,
}

impl Stated {
    /// Its identity in every capture: rule and subject.
    pub fn fingerprint(&self) -> Fingerprint {
        self.subject.fingerprint(self.finding.rule)
    }
}

impl Deref for Stated {
    type Target = Finding;

    fn deref(&self) -> &Finding {
        &self.finding
    }
}

impl Subject {
    /// The subject of a redirect.
    pub(super) fn of_redirect(redirect: &Redirect) -> Self {
        let asked = redirect.request_uri.as_ref().filter(|_| !redirect.in_dialog);
        Self {
            client: Some(redirect.client.endpoint.address),
            server: Some(redirect.server.endpoint.address),
            uri: Some(asked.unwrap_or(&redirect.to).clone()),
        }
    }

    /// The subject of a negotiation, at the round that the finding points at.
    pub(super) fn of_negotiation(case: &NegotiationCase<'_>, place: Place) -> Self {
        let negotiation = case.negotiation;
        let here = negotiation.rounds.iter().find(|round| round.place == place);
        Self {
            client: Some(negotiation.client.endpoint.address),
            server: here.or_else(|| negotiation.rounds.first()).map(|round| round.server.endpoint.address),
            uri: negotiation.request_uri.clone().filter(|_| !negotiation.in_dialog),
        }
    }

    /// The subject of what is odd: the element. An input has another name in every run.
    pub(super) fn of_oddity(group: &OddGroup) -> Self {
        match group.origin {
            OddOrigin::Element(address) => Self { client: Some(address), ..Self::default() },
            OddOrigin::Input(_) => Self::default(),
        }
    }

    /// The subject of what an element does in all its calls.
    pub(super) fn of_source(case: &SourceCase<'_>) -> Self {
        Self { client: Some(case.first.source.endpoint.address), ..Self::default() }
    }

    /// The subject of calls that ended alike: who ended them, and who had to refresh.
    pub(super) fn of_endings(case: &EndingsCase<'_>) -> Self {
        let first = case.endings.first();
        Self {
            client: first.map(|ending| ending.by.endpoint.address),
            server: first.map(|ending| ending.refresher.endpoint.address),
            uri: None,
        }
    }

    /// The subject of a message of a call.
    fn of_message(case: &DialogCase<'_>, record: &MessageRecord) -> Self {
        let ends = (record.source.address, record.destination.address);
        let (client, server) = if record.is_request() { ends } else { (ends.1, ends.0) };
        let starts = record.is_request() && record.to_tag.is_empty();
        let uri = case.view.text(if starts { record.subject } else { record.to_uri });
        Self { client: Some(client), server: Some(server), uri: Some(uri) }
    }

    /// The findings about a call, each about the message that it points at.
    pub(super) fn of_messages(case: &DialogCase<'_>, found: Vec<Finding>) -> Vec<Box<Stated>> {
        if found.is_empty() {
            return Vec::new();
        }
        let mut places: Vec<(Place, &MessageRecord)> =
            case.view.records.iter().map(|record| (place_of(record), record)).collect();
        places.sort_unstable_by_key(|(place, _)| *place);
        let stated = |finding: Finding| {
            let at = places.binary_search_by_key(&finding.place, |(place, _)| *place).ok();
            let message = at.and_then(|at| places.get(at));
            let subject = message.map_or_else(Self::default, |(_, record)| Self::of_message(case, record));
            Box::new(Stated { finding, subject })
        };
        found.into_iter().map(stated).collect()
    }

    /// The identity of what a rule says about it.
    pub fn fingerprint(&self, rule: &Rule) -> Fingerprint {
        let mut bytes = rule.id.as_bytes().to_vec();
        for address in [self.client, self.server] {
            bytes.push(0);
            bytes.extend(address.iter().flat_map(|address| address.to_string().into_bytes()));
        }
        bytes.push(0);
        bytes.extend(self.uri.as_deref().map(plain).unwrap_or_default());
        Fingerprint(xxh3_64(&bytes))
    }
}

/// A URI without what varies for the same address: parameters, headers, the case of the host.
fn plain(uri: &[u8]) -> Vec<u8> {
    let Ok(Uri::Sip(parts)) = Uri::parse(uri) else {
        return uri.split(|byte| *byte == b';').next().unwrap_or_default().to_vec();
    };
    let mut plain = if parts.secure { b"sips:".to_vec() } else { b"sip:".to_vec() };
    if let Some(user) = parts.user {
        plain.extend_from_slice(user);
        plain.push(b'@');
    }
    plain.extend(parts.host.text().to_ascii_lowercase());
    if let Some(port) = parts.port {
        plain.extend(format!(":{port}").into_bytes());
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::RULES;

    #[test]
    fn parameters_and_case_of_hosts_do_not_tell_addresses_apart() {
        for (one, other, same) in [
            ("sip:a@Example.COM;transport=tcp", "SIP:a@example.com?x=y", true),
            ("sip:a@example.com", "sips:a@example.com", false),
            ("sip:a@example.com", "sip:A@example.com", false),
            ("sip:a@example.com:5070", "sip:a@example.com:5080", false),
            ("tel:+49301;x=1", "tel:+49301", true),
        ] {
            let print =
                |uri: &str| Subject { uri: Some(uri.as_bytes().into()), ..Subject::default() }.fingerprint(RULES[0]);
            assert_eq!(print(one) == print(other), same, "{one} {other}");
        }
    }

    #[test]
    fn a_fingerprint_is_read_as_it_is_written() {
        let print = Subject::default().fingerprint(RULES[0]);
        assert_eq!(print.to_string().parse(), Ok(print));
        assert_ne!(Subject::default().fingerprint(RULES[1]), print, "the rule tells findings apart");
        let known = Subject { client: "192.0.2.1".parse().ok(), ..Subject::default() };
        let turned = Subject { server: "192.0.2.1".parse().ok(), ..Subject::default() };
        assert_ne!(known.fingerprint(RULES[0]), turned.fingerprint(RULES[0]));
    }
}
