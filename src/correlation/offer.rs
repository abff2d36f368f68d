//! What a request within a dialog offers, compared with what its sender described last (RFC 3264 8, RFC 4028 7.4).

use std::num::NonZeroU32;

use foldhash::{HashMap, HashMapExt};
use std::net::IpAddr;
use xxhash_rust::xxh3::xxh3_64;

use super::record::{MessageRecord, Method};
use super::text::Span;
use super::view::CallView;
use crate::sip::origin_version;

/// A session description, small enough to keep of every message that has one: digests, which are only compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// Of all but the version of its origin.
    content: NonZeroU32,
    /// Of that version.
    version: u32,
}

#[expect(clippy::cast_possible_truncation, reason = "half of a digest is one")]
fn digest(bytes: &[u8]) -> u32 {
    xxh3_64(bytes) as u32
}

impl Description {
    /// The description in the body of a message, if its method offers or answers media and the body is one and nothing else.
    pub(super) fn of(method: Method, body: &[u8]) -> Option<Self> {
        if body.is_empty() || !matches!(method, Method::Invite | Method::Update | Method::Prack | Method::Ack) {
            return None;
        }
        let version = origin_version(body)?;
        let start = version.as_ptr().addr().checked_sub(body.as_ptr().addr())?;
        let (before, behind) = (body.get(..start)?, body.get(start.checked_add(version.len())?..)?);
        let content = digest(before).rotate_left(13) ^ digest(behind);
        Some(Self { content: NonZeroU32::new(content).unwrap_or(NonZeroU32::MIN), version: digest(version) })
    }
}

/// What a request offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Offer {
    /// It has no body.
    None,
    /// What its sender described last, to the octet.
    Same,
    /// The same but for the version of its origin.
    OtherVersion,
    /// Something else than before.
    Changed,
    /// That cannot be said: nothing was seen to compare it with, or its body is no description alone.
    #[default]
    Unknown,
}

/// What each request within a dialog offers, by its place among the messages of the call.
pub(super) type Offers = HashMap<usize, Offer>;

fn asks_within_dialog(record: &MessageRecord) -> bool {
    record.is_request() && record.method.refreshes_sessions() && !record.to_tag.is_empty()
}

/// What the INVITE and UPDATE requests within the dialogs of a call offer.
pub(super) fn offers(view: &CallView<'_>) -> Offers {
    let mut found = Offers::new();
    if !view.records.iter().any(asks_within_dialog) {
        return found;
    }
    // Elements on the way may change descriptions, so each address is compared with itself.
    let mut latest: HashMap<(Span, IpAddr), Description> = HashMap::new();
    for (at, record) in view.records.iter().enumerate() {
        let sender = (if record.is_request() { record.from_tag } else { record.to_tag }, record.source.address);
        if asks_within_dialog(record) {
            let offer = match (record.description, latest.get(&sender)) {
                (None, _) if !record.has_body() => Offer::None,
                (Some(new), Some(old)) if new == *old => Offer::Same,
                (Some(new), Some(old)) if new.content == old.content => Offer::OtherVersion,
                (Some(_), Some(_)) => Offer::Changed,
                _ => Offer::Unknown,
            };
            found.insert(at, offer);
        }
        if let Some(description) = record.description {
            latest.insert(sender, description);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_version_of_the_origin_is_left_out_of_the_comparison() {
        let sdp = |text: &str| Description::of(Method::Invite, text.as_bytes()).unwrap();
        let first = sdp("v=0\r\no=- 7 1 IN IP4 h\r\ns=-\r\n");
        assert_eq!(first, sdp("v=0\r\no=- 7 1 IN IP4 h\r\ns=-\r\n"));
        let next = sdp("v=0\r\no=- 7 2 IN IP4 h\r\ns=-\r\n");
        assert!(first != next && first.content == next.content);
        for other in ["v=0\r\no=- 8 1 IN IP4 h\r\ns=-\r\n", "v=0\r\no=- 7 1 IN IP4 h\r\ns=-\r\na=sendonly\r\n"] {
            assert_ne!(first.content, sdp(other).content);
        }
        assert!(Description::of(Method::Info, b"v=0\no=- 7 1 IN IP4 h\n").is_none());
        for none in ["", "v=0", "v=0\r\n", "v=0\r\ns=-\r\n", "v=0\no=- 7", "--boundary\r\nv=0\r\n"] {
            assert!(Description::of(Method::Invite, none.as_bytes()).is_none(), "{none:?}");
        }
        assert!(size_of::<Option<Description>>() == 8);
    }
}
