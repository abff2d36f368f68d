//! What was seen and what was not looked at, over all rooms, and the laws that the numbers obey.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use crate::correlation::{Method, Oddities};
use crate::decode::DecodeStats;
use crate::limits;
use crate::reassembly::{FragmentStats, SctpStats};
use crate::sip::{Anomaly, FramerStats, Message, NotSip, StartLine};
use crate::stream::{HepStats, StreamStats, WebSocketStats};

/// SIP messages by method and status code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageKinds {
    methods: BTreeMap<Method, u64>,
    other_methods: BTreeMap<Box<[u8]>, u64>,
    unnamed_methods: u64,
    statuses: BTreeMap<u16, u64>,
}

impl MessageKinds {
    /// Counts a request with this method, which has this name.
    pub fn request(&mut self, method: Method, name: &[u8]) {
        match method {
            Method::Other => self.other_method(name, 1),
            known => *self.methods.entry(known).or_default() += 1,
        }
    }

    /// Counts a response.
    pub fn response(&mut self, status: u16) {
        *self.statuses.entry(status).or_default() += 1;
    }

    fn other_method(&mut self, name: &[u8], count: u64) {
        let has_room =
            self.other_methods.len() < limits::MAX_METHOD_NAMES && name.len() <= limits::MAX_METHOD_NAME_BYTES;
        if let Some(known) = self.other_methods.get_mut(name) {
            *known += count;
        } else if has_room {
            self.other_methods.insert(name.into(), count);
        } else {
            self.unnamed_methods += count;
        }
    }

    /// Requests by method; unregistered methods beyond the limit stand under `(other)`.
    pub fn requests_by_method(&self) -> BTreeMap<String, u64> {
        let known = self.methods.iter().filter_map(|(method, count)| Some((method.name()?.to_owned(), *count)));
        let other = self.other_methods.iter().map(|(name, count)| (crate::sip::to_text(name), *count));
        let mut all: BTreeMap<String, u64> = known.chain(other).collect();
        if self.unnamed_methods > 0 {
            all.insert("(other)".to_owned(), self.unnamed_methods);
        }
        all
    }

    /// Responses by status code.
    pub fn responses_by_status(&self) -> BTreeMap<String, u64> {
        self.statuses.iter().map(|(status, count)| (status.to_string(), *count)).collect()
    }

    /// All messages.
    pub fn total(&self) -> u64 {
        let named = self.methods.values().chain(self.other_methods.values()).chain(self.statuses.values());
        named.sum::<u64>() + self.unnamed_methods
    }
}

impl AddAssign<&Self> for MessageKinds {
    fn add_assign(&mut self, other: &Self) {
        self.unnamed_methods += other.unnamed_methods;
        for (method, count) in &other.methods {
            *self.methods.entry(*method).or_default() += count;
        }
        for (name, count) in &other.other_methods {
            self.other_method(name, *count);
        }
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
    }
}

/// What became of everything that looked like SIP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageCounters {
    /// Datagrams and pieces of streams that looked like a message.
    pub framed: u64,
    /// Of those, the ones that are a message.
    pub parsed: u64,
    /// Those that are none.
    pub rejected: u64,
    /// Messages without what correlation needs.
    pub uncorrelated: u64,
    /// The messages.
    pub kinds: MessageKinds,
    anomalies: BTreeMap<Anomaly, u64>,
    causes: BTreeMap<NotSip, u64>,
}

impl MessageCounters {
    /// Counts the outcome of reading a message.
    pub fn count(&mut self, read: &Result<Message<'_>, NotSip>) {
        self.framed += 1;
        let message = match read {
            Ok(message) => message,
            Err(cause) => {
                self.rejected += 1;
                *self.causes.entry(*cause).or_default() += 1;
                return;
            }
        };
        self.parsed += 1;
        match message.start_line {
            StartLine::Request { method, .. } => self.kinds.request(Method::of(method), method),
            StartLine::Response { status, .. } => self.kinds.response(status),
        }
        for (anomaly, _) in message.anomalies() {
            *self.anomalies.entry(*anomaly).or_default() += 1;
        }
    }

    /// Anomalies by name.
    pub fn anomalies_by_name(&self) -> BTreeMap<&'static str, u64> {
        self.anomalies.iter().map(|(anomaly, count)| (anomaly.name(), *count)).collect()
    }

    /// What was no message after all, by cause.
    pub fn rejected_by_cause(&self) -> BTreeMap<&'static str, u64> {
        self.causes.iter().map(|(cause, count)| (cause.name(), *count)).collect()
    }

    /// Conservation: framed = parsed + rejected, and each message is a request or a response.
    pub fn adds_up(&self) -> bool {
        self.framed == self.parsed + self.rejected && self.parsed == self.kinds.total()
    }
}

impl AddAssign<&Self> for MessageCounters {
    fn add_assign(&mut self, other: &Self) {
        self.framed += other.framed;
        self.parsed += other.parsed;
        self.rejected += other.rejected;
        self.uncorrelated += other.uncorrelated;
        self.kinds += &other.kinds;
        for (cause, count) in &other.causes {
            *self.causes.entry(*cause).or_default() += count;
        }
        for (anomaly, count) in &other.anomalies {
            *self.anomalies.entry(*anomaly).or_default() += count;
        }
    }
}

/// The counters of all rooms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames and what they held.
    pub decode: DecodeStats,
    /// Fragments of IP packets.
    pub fragments: FragmentStats,
    /// Datagrams that look like SIP.
    pub sip_datagrams: u64,
    /// Datagrams of which nobody knows what they are.
    pub other_datagrams: u64,
    /// Packets that were fragmented again and again, beyond the limit.
    pub nested_too_deep: u64,
    /// TCP connections.
    pub streams: StreamStats,
    /// SCTP associations.
    pub sctp: SctpStats,
    /// WebSockets on TCP connections.
    pub web_sockets: WebSocketStats,
    /// Connections of capture agents.
    pub hep: HepStats,
    /// Messages cut out of TCP streams.
    pub framer: FramerStats,
    /// SIP messages.
    pub messages: MessageCounters,
    /// What is odd about messages, streams and inputs, by who is to blame.
    pub oddities: Oddities,
}

impl AddAssign<&Self> for Counters {
    fn add_assign(&mut self, other: &Self) {
        self.decode += &other.decode;
        self.fragments += &other.fragments;
        self.sip_datagrams += other.sip_datagrams;
        self.other_datagrams += other.other_datagrams;
        self.nested_too_deep += other.nested_too_deep;
        self.streams += &other.streams;
        self.sctp += &other.sctp;
        self.web_sockets += &other.web_sockets;
        self.hep += &other.hep;
        self.framer += other.framer;
        self.messages += &other.messages;
        self.oddities += &other.oddities;
    }
}

impl Counters {
    /// The laws of conservation that do not hold, by name: none, if all is well.
    ///
    /// They are meant for the end of a run, when nothing waits any more but fragments.
    pub fn broken_laws(&self) -> Vec<&'static str> {
        let laws = [
            ("frames = datagrams + segments + SCTP packets + fragments + skipped", self.decode.adds_up()),
            (
                "datagrams = SIP + recognised + other",
                self.decode.datagrams == self.sip_datagrams + self.decode.recognised_total() + self.other_datagrams,
            ),
            (
                "fragments seen = fragments taken",
                self.decode.fragments == self.fragments.fragments + self.nested_too_deep,
            ),
            ("fragments = used + duplicate + given up + waiting", self.fragments.adds_up()),
            ("whole packets = packets decoded again", self.fragments.packets == self.decode.reassembled),
            ("segments seen = segments taken", self.decode.segments == self.streams.segments),
            ("stream bytes = delivered + duplicate + dropped + ignored", self.streams.adds_up()),
            ("SCTP chunks = used + duplicate + unwanted + given up", self.sctp.adds_up() && self.sctp.open == 0),
            ("framer bytes = messages + keep-alives + skipped", self.framer.conserves(0)),
            ("web socket bytes = heads + frames + skipped", self.web_sockets.conserves(0)),
            ("HEP bytes = packets + skipped", self.hep.conserves(0)),
            ("framed = parsed + rejected", self.messages.adds_up()),
        ];
        laws.into_iter().filter(|(_, holds)| !holds).map(|(name, _)| name).collect()
    }
}
