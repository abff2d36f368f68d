//! What is known of a finished call: the redirects, negotiations and dialogs that rules judge and reports list.

use std::ops::{Deref, Range};
use std::sync::Arc;

use super::handling::Handling;
use super::record::{ContactRecord, Method, Seconds};
use crate::limits;
use crate::net::{Endpoint, Transport};
use crate::sip::Refresher;
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// Text as on the wire; not always UTF-8.
pub type Text = Box<[u8]>;

/// A place in an input: what ids are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The input.
    pub input: u32,
    /// The frame.
    pub frame: u64,
    /// The place among the messages of that frame.
    pub position: u32,
}

/// Request-URIs that were tried one after the other, in order: part of those of a chain, which all its redirects share.
#[derive(Clone, Debug, Default)]
pub struct Tried {
    of_chain: Arc<[Text]>,
    range: Range<usize>,
}

impl Tried {
    /// The latest of the first `count` in a chain, [`MAX_LISTED_TRIED`](limits::MAX_LISTED_TRIED) at most.
    pub fn before(of_chain: &Arc<[Text]>, count: usize) -> Self {
        let start = count.saturating_sub(limits::MAX_LISTED_TRIED);
        Self { of_chain: Arc::clone(of_chain), range: start..count }
    }
}

impl Deref for Tried {
    type Target = [Text];

    fn deref(&self) -> &[Text] {
        self.of_chain.get(self.range.clone()).unwrap_or_default()
    }
}

/// An element seen in the capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Its address and port.
    pub endpoint: Endpoint,
    /// What carried its messages.
    pub transport: Transport,
    /// What it calls itself in User-Agent or Server.
    pub agent: Option<Text>,
}

/// The part that a frame plays in what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The request that was redirected or refused.
    Request,
    /// The 3xx or 422.
    Response,
    /// The ACK to it.
    Ack,
    /// The request to the new target.
    FollowUp,
    /// The request with another session interval.
    Retry,
    /// The answer to a follow-up, retry or refresh.
    Answer,
    /// A session refresh request.
    Refresh,
    /// A BYE.
    Bye,
    /// Anything else.
    Other,
}

/// A frame that shows what is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Where it is.
    pub place: Place,
    /// What it shows.
    pub role: Role,
}

/// Something that can be said only if the capture went on for long enough without loss. By default it cannot be said at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// The source of capture that has to go on.
    pub capture_source: u32,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// The endpoints between which nothing may be lost meanwhile.
    pub path: (Endpoint, Endpoint),
    /// Whether both directions of the path were seen.
    pub both_directions: bool,
    /// Whether all messages of the call until then were judged together.
    pub whole: bool,
    /// Whether a stream carries them, in which a loss shows only when something comes behind it.
    pub on_stream: bool,
}

/// How sure a follow-up belongs to its redirect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Link {
    /// Same Call-ID and From tag, and the Request-URI is a Contact.
    Strong,
    /// Same Session-ID, or same Call-ID with another From tag.
    Medium,
    /// Another Call-ID: same host, From and target within the time bound.
    Weak,
}

/// The request that followed a redirect, or retried after a 422.
#[derive(Clone, Debug)]
pub struct FollowUp {
    /// Where it is.
    pub place: Place,
    /// When it was sent.
    pub time: Timestamp,
    /// Its Request-URI.
    pub uri: Text,
    /// How sure it belongs here.
    pub link: Link,
    /// The Call-ID, where it is another one.
    pub call_id: Option<Text>,
    /// The answer to it.
    pub attempt_status: Option<u16>,
    /// How that ended, challenges, 422 and further redirects passed through.
    pub final_status: Option<u16>,
}

/// How a chain of redirects ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChainEnd {
    /// When the last request that belongs to it was sent.
    pub time: Timestamp,
    /// Whether a target was reached: answered with a 2xx.
    pub reached: bool,
    /// Whether a target answered as one that is right does: it took the call, was busy or declined, or rang until the caller gave up.
    pub is_right: bool,
}

impl ChainEnd {
    /// Takes in a redirect of the chain, whose final status is known.
    pub fn take(&mut self, redirect: &Redirect) {
        let last = redirect.follow_up.as_ref().map_or(redirect.time, |next| next.time);
        self.time = self.time.max(last);
        let ended = redirect.follow_up.as_ref().and(redirect.final_status);
        self.reached |= ended.is_some_and(|status| status < 300);
        self.is_right |= ended.is_some_and(|status| status < 300 || matches!(status, 486 | 487 | 600 | 603));
    }
}

/// A redirect: one 3xx answer to one request, however many hops and copies show it.
#[derive(Clone, Debug)]
pub struct Redirect {
    /// The response, on the hop nearest the client.
    pub place: Place,
    /// When the response was first seen there.
    pub time: Timestamp,
    /// The Call-ID.
    pub call_id: Text,
    /// The method of the request.
    pub method: Method,
    /// What stands for its call among all calls, see [`Ended::instance`](super::Ended::instance).
    pub instance: u64,
    /// The CSeq number.
    pub cseq: u32,
    /// Whether the request had a To tag.
    pub in_dialog: bool,
    /// 300 to 399.
    pub status: u16,
    /// The reason phrase.
    pub reason: Text,
    /// The Request-URI on the hop nearest the client.
    pub request_uri: Option<Text>,
    /// The Request-URI on the hop nearest the server: what its answer is about.
    pub server_request_uri: Option<Text>,
    /// The URI of From.
    pub from: Text,
    /// The URI of To.
    pub to: Text,
    /// Who has to act on it.
    pub client: Party,
    /// Who answered, on the deepest hop captured.
    pub server: Party,
    /// The Contacts in wire order, as the client got them.
    pub contacts: Vec<ContactRecord>,
    /// The Contacts as the server sent them: elements on the way may change them.
    pub server_contacts: Vec<ContactRecord>,
    /// Seconds of the Expires header.
    pub expires: Option<u64>,
    /// Octets of the body.
    pub body_length: usize,
    /// What followed.
    pub follow_up: Option<FollowUp>,
    /// The target that the client tried last, if it tried more than one.
    pub last_target: Option<Text>,
    /// The redirect that came next in this chain, in the same call.
    pub next: Option<Place>,
    /// Whether a proxy kept it to itself: the request that it had forwarded got another answer, or none yet.
    pub kept_by_proxy: bool,
    /// What else was done about it.
    pub handling: Handling,
    /// Whether the client went to a URI that was tried before in this chain.
    pub looped: bool,
    /// Whether the client gave up the request with a CANCEL.
    pub cancelled: bool,
    /// The status with which its chain ended.
    pub final_status: Option<u16>,
    /// The first redirect of its chain.
    pub chain: Place,
    /// Its place in the chain, from 1.
    pub chain_position: u32,
    /// The redirects of the chain.
    pub chain_length: u32,
    /// How the chain ended.
    pub chain_end: ChainEnd,
    /// The Request-URIs that were tried in this chain before.
    pub tried: Tried,
    /// The frames that show it.
    pub evidence: Vec<Evidence>,
    /// On how many hops the response was seen.
    pub hops_seen: u32,
    /// Whether the request is as its originator sent it (one Via).
    pub hop1_seen: bool,
    /// How often the response was sent again, on the hop nearest the client.
    pub retransmissions: u32,
    /// How often the capture holds a packet of it twice, on that hop.
    pub mirror_duplicates: u32,
    /// What must hold to say that nothing followed.
    pub watch: Watch,
    /// Whether an element further on may have sent it: the request was seen going there, or was not seen at all.
    pub maybe_relayed: bool,
    /// Whether the call was known before its captured part began.
    pub mid_capture: bool,
    /// Whether the capture lacks part of the head of a message of the call.
    pub head_cut: bool,
}

impl Redirect {
    /// The seconds for which it holds, if it says so: the least of its Contacts, else Expires (RFC 3261 8.3).
    pub fn lifetime(&self) -> Option<u64> {
        self.contacts.iter().filter_map(|contact| contact.expires).min().or(self.expires)
    }

    /// Whether it still holds at that time.
    pub fn holds_at(&self, time: Timestamp) -> bool {
        let age = time.since(self.time) / NANOS_PER_SECOND;
        self.lifetime().is_none_or(|lifetime| age <= i64::try_from(lifetime).unwrap_or(i64::MAX))
    }
}

/// What became of a redirect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RedirectOutcome {
    /// The client went to a Contact.
    Followed,
    /// The client went to a URI already tried in the chain.
    Looped,
    /// There was no Contact to go to.
    NoTarget,
    /// The client went nowhere, and was watched for long enough.
    NotFollowed,
    /// Cannot be said: the capture is too short, one-sided or lossy.
    Undetermined,
}

impl RedirectOutcome {
    /// All of them, with the names used in reports.
    pub const NAMED: [(&'static str, Self); 5] = [
        ("followed", Self::Followed),
        ("looped", Self::Looped),
        ("no_target", Self::NoTarget),
        ("not_followed", Self::NotFollowed),
        ("undetermined", Self::Undetermined),
    ];
}

/// A round of a negotiation: a request and the 422 it got.
#[derive(Clone, Debug)]
pub struct Round {
    /// The 422, on the hop nearest the client.
    pub place: Place,
    /// When it was first seen there.
    pub time: Timestamp,
    /// The CSeq number.
    pub cseq: u32,
    /// Who refused, on the deepest hop captured.
    pub server: Party,
    /// Whether the request was captured.
    pub request_seen: bool,
    /// Session-Expires of the request.
    pub offered: Seconds,
    /// Min-SE of the request.
    pub offered_min_se: Seconds,
    /// The refresher that the request names.
    pub offered_refresher: Option<Refresher>,
    /// Whether the request lists `timer` in Supported.
    pub supports_timer: bool,
    /// Min-SE of the 422.
    pub demanded: Seconds,
    /// Whether the 422 has Min-SE more than once.
    pub demanded_again: bool,
    /// The values of Min-SE of the 422 as on the wire, if it cannot be taken as it is.
    pub demanded_raw: Vec<Text>,
    /// The request as it was on the hop on which the 422 was sent.
    pub refused: Refused,
    /// What the element that got the 422 did instead of handing it up.
    pub kept: Kept,
    /// The frames that show it.
    pub evidence: Vec<Evidence>,
    /// The request that came next.
    pub retry: Option<Retry>,
}

/// A request as the server saw it that refused it, as far as it was captured.
#[derive(Clone, Copy, Debug, Default)]
pub struct Refused {
    /// Whether it was captured there.
    pub seen: bool,
    /// Its Session-Expires.
    pub session_expires: Seconds,
    /// Whether it lists `timer` in Supported.
    pub supports_timer: bool,
    /// Whether the server may have had the answer from another element, to which the request went with another interval.
    pub maybe_relayed: bool,
    /// Whether the request was seen going on from there without an answer to be seen, or was not captured at all.
    pub went_on: bool,
}

/// What a proxy did with a 422 that it did not hand up (RFC 3261 16.7).
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// The final answer that it handed up.
    pub other_answer: Option<u16>,
    /// The server that it tried next.
    pub next: Option<Endpoint>,
}

/// A request after a 422.
#[derive(Clone, Debug)]
pub struct Retry {
    /// Its CSeq number, if it is of the same call.
    pub cseq: Option<u32>,
    /// Whether it has the To tag of the 422 though there is no dialog.
    pub stale_to_tag: bool,
    /// What it is and how it ended.
    pub follow_up: FollowUp,
    /// Its Session-Expires.
    pub session_expires: Seconds,
    /// Its Min-SE.
    pub min_se: Seconds,
    /// Whether it lists `timer` in Supported.
    pub supports_timer: bool,
}

/// A series of 422 answers to one request and its retries (RFC 4028 7.4).
#[derive(Clone, Debug)]
pub struct Negotiation {
    /// The Call-ID.
    pub call_id: Text,
    /// What stands for its call among all calls, see [`Ended::instance`](super::Ended::instance).
    pub instance: u64,
    /// INVITE or UPDATE, or whatever got a 422.
    pub method: Method,
    /// Whether the first request had a To tag.
    pub in_dialog: bool,
    /// Who has to act on it.
    pub client: Party,
    /// The Request-URI of the first request.
    pub request_uri: Option<Text>,
    /// The URI of From.
    pub from: Text,
    /// The rounds, at least one.
    pub rounds: Vec<Round>,
    /// Session-Expires of the 2xx that ended it.
    pub agreed: Option<u64>,
    /// The refresher of that 2xx.
    pub refresher: Option<Refresher>,
    /// The time from the first request to the last retry, in nanoseconds.
    pub added_delay: Option<i64>,
    /// Whether the originator of the request never learned of it: another answer went up.
    pub hidden: bool,
    /// Whether the client gave up with a CANCEL.
    pub cancelled: bool,
    /// Whether the first request is as its originator sent it (one Via).
    pub hop1_seen: bool,
    /// What must hold to say that no retry came.
    pub watch: Watch,
    /// Whether the capture lacks part of the head of a message of the call.
    pub head_cut: bool,
}

impl Negotiation {
    /// The largest Min-SE that was demanded, in seconds.
    pub fn required_min_se(&self) -> Option<u64> {
        self.rounds.iter().filter_map(|round| round.demanded.value()).max()
    }

    /// The last retry.
    pub fn last_retry(&self) -> Option<&Retry> {
        self.rounds.iter().rev().find_map(|round| round.retry.as_ref())
    }
}

/// What became of a negotiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NegotiationOutcome {
    /// A retry ended in something other than 422.
    Resolved,
    /// No retry came.
    Abandoned,
    /// The last answer to a retry is 422.
    Failed,
    /// Cannot be said.
    Undetermined,
}

impl NegotiationOutcome {
    /// All of them, with the names used in reports.
    pub const NAMED: [(&'static str, Self); 4] = [
        ("resolved", Self::Resolved),
        ("abandoned", Self::Abandoned),
        ("failed", Self::Failed),
        ("undetermined", Self::Undetermined),
    ];
}
