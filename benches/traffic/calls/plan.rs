//! What is planned for one call.

use super::super::random::mix;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// A SIP element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// A telephone.
    Client(u32),
    /// A proxy on the way.
    Proxy(u8),
    /// A server at the far end: redirects, gateways, other telephones, as the call needs.
    Gateway(u8),
}

impl Node {
    /// Where it listens for SIP over UDP, and what its Via says.
    pub fn address(self) -> SocketAddr {
        let ip = match self {
            Self::Client(number) => {
                let [_, high, middle, low] = number.saturating_add(256).to_be_bytes();
                Ipv4Addr::new(10, high, middle, low)
            }
            Self::Proxy(number) => Ipv4Addr::new(198, 51, 100, number.saturating_add(5)),
            Self::Gateway(number) => Ipv4Addr::new(203, 0, 113, number.saturating_add(20)),
        };
        SocketAddr::new(IpAddr::V4(ip), 5060)
    }
}

/// A method that calls here use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// RFC 3261.
    Invite,
    /// RFC 3261; as a transaction of its own only for a 2xx.
    Ack,
    /// RFC 3261.
    Bye,
    /// RFC 3261.
    Cancel,
    /// RFC 3311.
    Update,
    /// RFC 3261.
    Register,
    /// RFC 3261.
    Options,
}

impl Method {
    /// The method as it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invite => "INVITE",
            Self::Ack => "ACK",
            Self::Bye => "BYE",
            Self::Cancel => "CANCEL",
            Self::Update => "UPDATE",
            Self::Register => "REGISTER",
            Self::Options => "OPTIONS",
        }
    }
}

/// What a message says about session timers. RFC 4028.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timer {
    /// Session-Expires, in seconds.
    pub session_expires: Option<u32>,
    /// Min-SE, in seconds.
    pub min_se: Option<u32>,
    /// The refresher named beside Session-Expires.
    pub refresher: Option<&'static str>,
}

impl Timer {
    /// An interval without a lower bound or a refresher.
    pub fn interval(seconds: u32) -> Self {
        Self { session_expires: Some(seconds), ..Self::default() }
    }

    /// The interval and lower bound of a retry after a 422.
    pub fn at_least(seconds: u32) -> Self {
        Self { session_expires: Some(seconds), min_se: Some(seconds), refresher: None }
    }
}

/// The final response to a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Status code; 0 before there is an answer.
    pub status: u16,
    /// Targets of the Contact of a 3xx, in order: see [`Transaction::target`].
    pub contacts: [Option<u8>; 2],
    /// The session timer it grants or, for a 422, demands.
    pub timer: Timer,
}

/// What a message means for an event of the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A 3xx, or the 422 of this round (from 1), to the event.
    Asked(u8, u8),
    /// The request that follows the 3xx of the event.
    Followed(u8),
    /// The retry after the 422 of this round of the event.
    Retried(u8, u8),
    /// The answer other than 422 that ends the event's retries.
    Resolved(u8),
}

/// One request and its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Its method.
    pub method: Method,
    /// Number in `CSeq`.
    pub cseq: u32,
    /// Whom the Request-URI names outside a dialog: 0 is the address dialled, others are addresses that a 3xx gave.
    pub target: u8,
    /// Whether the caller sends it.
    pub from_caller: bool,
    /// How many legs of the path it travels.
    pub legs: u8,
    /// The transaction that made the dialog this one is in.
    pub dialog: Option<u8>,
    /// Which From tag of the caller it carries.
    pub from_tag: u8,
    /// Its session timer.
    pub timer: Timer,
    /// Whether it says that it supports session timers.
    pub supports_timer: bool,
    /// Whether it carries credentials.
    pub credentials: bool,
    /// Whether it carries a session description.
    pub sdp: bool,
    /// The transaction whose branch it carries: itself, but for CANCEL.
    pub branch_of: u8,
    /// Its final answer.
    pub answer: Answer,
    /// What the request means.
    pub request_mark: Option<Mark>,
    /// What the final answer means.
    pub answer_mark: Option<Mark>,
}

/// A message, as far as a step needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The request.
    Request,
    /// A response with this status code.
    Response(u16),
    /// The ACK to a final response other than 2xx.
    Ack,
}

/// A message on one leg at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Nanoseconds since 1970.
    pub at: u64,
    /// The transaction it belongs to.
    pub transaction: u8,
    /// The leg, counted from the sender of the request, from 0.
    pub leg: u8,
    /// Whether it is a repetition.
    pub repeated: bool,
    /// What it is.
    pub what: What,
}

/// What an event of the truth is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A 3xx with this status; without any usable Contact if `no_target`; `looped` if its target was tried before.
    Redirect {
        /// 301, 302, ...
        status: u16,
        /// No Contact.
        no_target: bool,
        /// Following it goes where the caller has been.
        looped: bool,
    },
    /// A series of 422 answers.
    Negotiation,
}

/// An event of the truth, and how far it has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// What it is about.
    pub kind: EventKind,
    /// When its last 3xx or 422 was first seen and last seen; `None` before it happened.
    pub asked: Option<(u64, u64)>,
    /// Rounds of 422 so far; 1 for a 3xx.
    pub rounds: u8,
    /// The round that was last retried.
    pub retried: u8,
    /// Followed, or resolved.
    pub settled: bool,
}

/// RTP that is planned for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Media {
    /// When it begins.
    pub at: u64,
    /// Packets, both directions together.
    pub packets: u32,
}

/// A call, or a registration, or a keep-alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What its names are made of.
    pub seed: u64,
    /// The caller.
    pub client: u32,
    /// The elements on its path, caller first.
    pub path: Vec<Node>,
    /// Whether it goes over TCP.
    pub tcp: bool,
    /// Its requests.
    pub transactions: Vec<Transaction>,
    /// Its messages in order of time.
    pub steps: Vec<Step>,
    /// The next of them.
    pub next: usize,
    /// Its events.
    pub events: Vec<Event>,
    /// Its RTP.
    pub media: Option<Media>,
    /// Whether its first message has been counted.
    pub seen: bool,
    /// Whether it is one of the calls that share the Call-ID of their client (registrations).
    pub shared_call_id: bool,
}

impl Call {
    /// A number that belongs to this call, different for every `purpose` and `index`.
    pub fn name(&self, purpose: u8, index: u8) -> u64 {
        mix(self.seed ^ u64::from(purpose) << 40 ^ u64::from(index) << 48)
    }

    /// The sender and receiver of a request of a transaction on a leg.
    pub fn ends(&self, transaction: &Transaction, leg: u8) -> Option<(Node, Node)> {
        Some((self.on_path(transaction, leg)?, self.on_path(transaction, leg.checked_add(1)?)?))
    }

    /// The element at a place of the path as the request travels it.
    pub fn on_path(&self, transaction: &Transaction, place: u8) -> Option<Node> {
        let place = usize::from(place);
        let index = if transaction.from_caller { place } else { self.path.len().checked_sub(place)?.checked_sub(1)? };
        self.path.get(index).copied()
    }
}
