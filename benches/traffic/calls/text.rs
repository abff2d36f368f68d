//! The words of planned messages.

use super::super::sip::{Message, sdp};
use super::plan::{Call, Method, Node, Step, Timer, Transaction, What};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// Purposes of names: see [`Call::name`].
const BRANCH: u8 = 1;
const FROM_TAG: u8 = 2;
const TO_TAG: u8 = 3;
const TARGET: u8 = 4;
const CALL_ID: u8 = 5;
const NONCE: u8 = 6;
const PORT: u8 = 7;

/// The domain of all addresses that are dialled.
const DOMAIN: &str = "voice.example.net";
/// The domain of every second address that a 3xx gives.
const OTHER_DOMAIN: &str = "branch.example.org";
/// What telephones call themselves. Those of the last kind write compact header names.
const TELEPHONES: [&str; 4] = ["Desk Phone 7/4.2.0", "Softclient 5.19", "Handset/2.11", "Doorbell 1.0"];
/// What servers call themselves.
const SERVER: &str = "Gateway 12.4";

/// Writes the message of a step into a buffer, which is emptied first. `None` if the step names what the call does not have.
pub fn render(call: &Call, step: &Step, buffer: Vec<u8>) -> Option<Vec<u8>> {
    let transaction = call.transactions.get(usize::from(step.transaction))?;
    let words = Words { call, transaction, number: step.transaction, leg: step.leg };
    match step.what {
        What::Request => words.request(buffer),
        What::Response(status) => words.response(buffer, status),
        What::Ack => words.hop_ack(buffer),
    }
}

/// The address and port of the caller's, or the callee's, RTP.
pub fn media_port(call: &Call, caller: bool) -> u16 {
    let even = call.name(PORT, u8::from(caller)) % 20_000;
    u16::try_from(even * 2).unwrap_or(0).saturating_add(10_000)
}

/// A number in hexadecimal, 16 digits.
struct Hex(u64);

/// The upper half of a number in hexadecimal, 8 digits.
struct Hex8(u64);

impl fmt::Display for Hex8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0 >> 32)
    }
}

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0u8; 16];
        for (slot, shift) in text.iter_mut().zip((0..64).step_by(4).rev()) {
            let digit = ((self.0 >> shift) & 15) as u8;
            *slot = if digit < 10 { b'0' + digit } else { b'a' - 10 + digit };
        }
        f.write_str(str::from_utf8(&text).unwrap_or(""))
    }
}

/// What the words of one message depend on.
struct Words<'a> {
    call: &'a Call,
    transaction: &'a Transaction,
    number: u8,
    leg: u8,
}

impl Words<'_> {
    fn request(&self, buffer: Vec<u8>) -> Option<Vec<u8>> {
        let transaction = self.transaction;
        let method = transaction.method;
        let message = Message::request_in(buffer, method.name(), self.request_uri())
            .compact(self.leg == 0 && transaction.from_caller && self.is_compact());
        let message =
            if method == Method::Cancel { self.via(message, self.leg, false)? } else { self.vias(message, false)? };
        let mut message = self.routes(message)?.max_forwards(70u8.saturating_sub(self.leg));
        message = self.parties(message, transaction.dialog.is_some(), method);
        if matches!(method, Method::Invite | Method::Update | Method::Register) {
            message = message.contact(format_args!("<{}>", self.own_contact(transaction.from_caller)));
        }
        message = self.credentials(message);
        if method == Method::Register {
            message = message.header("Expires", 600);
        }
        if transaction.supports_timer {
            message = message.supported("timer");
        }
        if matches!(method, Method::Invite | Method::Update) {
            message = timers(message, transaction.timer).header("Allow", "INVITE, ACK, CANCEL, BYE, UPDATE");
        }
        message =
            if transaction.from_caller { message.user_agent(self.telephone()) } else { message.user_agent(SERVER) };
        Some(self.end(message, transaction.sdp, transaction.from_caller))
    }

    fn response(&self, buffer: Vec<u8>, status: u16) -> Option<Vec<u8>> {
        let transaction = self.transaction;
        let (method, answer) = (transaction.method, transaction.answer);
        let message = Message::response_in(buffer, status);
        let mut message =
            if method == Method::Cancel { self.via(message, self.leg, true)? } else { self.vias(message, true)? };
        let makes_dialog = method == Method::Invite && transaction.dialog.is_none() && (101..300).contains(&status);
        if makes_dialog {
            message = self.record_routes(message, transaction.legs)?;
        }
        message = self.parties(message, status > 100 || transaction.dialog.is_some(), method);
        let success = (200..300).contains(&status);
        match status {
            180..300 if matches!(method, Method::Invite | Method::Update | Method::Register) => {
                let caller = transaction.from_caller == (method == Method::Register);
                message = message.contact(format_args!("<{}>", self.own_contact(caller)));
            }
            300..=399 => message = self.moved_to(message, answer.contacts),
            401 | 407 => message = self.challenge(message, status),
            422 => message = timers(message, answer.timer),
            _ => {}
        }
        if success && answer.timer.session_expires.is_some() {
            message = timers(message.header("Require", "timer"), answer.timer);
        }
        if success && method == Method::Invite {
            message = message.supported("timer");
        }
        message = if transaction.from_caller { message.server(SERVER) } else { message.server(self.telephone()) };
        let with_body = success && method == Method::Invite && transaction.sdp;
        Some(self.end(message, with_body, !transaction.from_caller))
    }

    /// The ACK of one hop to a final response other than 2xx. RFC 3261 section 17.1.1.3.
    fn hop_ack(&self, buffer: Vec<u8>) -> Option<Vec<u8>> {
        let message = Message::request_in(buffer, "ACK", self.request_uri());
        let message = self.via(message, self.leg, false)?.max_forwards(70);
        Some(self.parties(message, true, Method::Ack).finish())
    }

    /// From, To, Call-ID and `CSeq`. Every request but the first of a dialog, and every response but 100, has a To tag.
    fn parties(&self, message: Message, to_tag: bool, method: Method) -> Message {
        let call = self.call;
        let caller_tag = Hex8(call.name(FROM_TAG, self.transaction.from_tag));
        let callee_tag = Hex8(call.name(TO_TAG, self.dialog_root()));
        let (client, callee) = (call.client, Target { call, number: 0 });
        let message = if !self.transaction.from_caller {
            message
                .from(format_args!("<{callee}>"), callee_tag)
                .to(format_args!("\"Desk {client}\" <sip:2{client:05}@{DOMAIN}>;tag={caller_tag}"), None)
        } else {
            let message = message.from(format_args!("\"Desk {client}\" <sip:2{client:05}@{DOMAIN}>"), caller_tag);
            if to_tag {
                message.to(format_args!("<{callee}>;tag={callee_tag}"), None)
            } else {
                message.to(format_args!("<{callee}>"), None)
            }
        };
        let host = Node::Client(client).address().ip();
        let message = if call.shared_call_id {
            message.call_id(format_args!("reg-{client}@{host}"))
        } else {
            message.call_id(format_args!("{}@{host}", Hex(call.name(CALL_ID, 0))))
        };
        message.cseq(self.transaction.cseq, method.name())
    }

    /// The number of the INVITE that made the dialog, or else of this request itself.
    fn dialog_root(&self) -> u8 {
        let (mut number, mut dialog) = (self.number, self.transaction.dialog);
        while let Some(parent) = dialog {
            number = parent;
            dialog = self.call.transactions.get(usize::from(parent)).and_then(|parent| parent.dialog);
        }
        number
    }

    /// The Request-URI: the target of the dialog, or whom the caller tries.
    fn request_uri(&self) -> Uri<'_> {
        match (self.transaction.method, self.transaction.dialog) {
            (Method::Register | Method::Options, _) => Uri::Domain,
            (_, None) => Uri::Target(Target { call: self.call, number: self.transaction.target }),
            (_, Some(_)) => self.own_contact(!self.transaction.from_caller),
        }
    }

    /// Where the caller, or the callee, wants to be reached.
    fn own_contact(&self, caller: bool) -> Uri<'_> {
        let node = if caller { self.call.path.first() } else { self.call.path.last() };
        let address = node.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |node| node.address().ip());
        Uri::Contact { caller, client: self.call.client, address, tcp: self.call.tcp }
    }

    /// All Vias as they are on this leg, last hop first.
    fn vias(&self, mut message: Message, response: bool) -> Option<Message> {
        for place in (0..=self.leg).rev() {
            message = self.via(message, place, response)?;
        }
        Some(message)
    }

    /// The Via of the element at a place of the path. The second element, and every response, fills in where the first
    /// is. RFC 3581.
    fn via(&self, message: Message, place: u8, response: bool) -> Option<Message> {
        let address = self.call.on_path(self.transaction, place)?.address();
        let branch = Hex(self.call.name(BRANCH, self.transaction.branch_of) ^ u64::from(place));
        let transport = if self.call.tcp { "TCP" } else { "UDP" };
        Some(match (place, response || self.leg > place) {
            (0, true) => {
                let (ip, port) = (address.ip(), address.port());
                message.via(transport, address, format_args!("z9hG4bK{branch};received={ip};rport={port}"))
            }
            (0, false) => message.via(transport, address, format_args!("z9hG4bK{branch};rport")),
            _ => message.via(transport, address, format_args!("z9hG4bK{branch}")),
        })
    }

    /// Record-Route of an initial INVITE, Route inside a dialog: the proxies passed, or yet to pass.
    fn routes(&self, message: Message) -> Option<Message> {
        match (self.transaction.method, self.transaction.dialog) {
            (Method::Invite, None) => self.record_routes(message, self.leg.saturating_add(1)),
            (_, None) => Some(message),
            (_, Some(_)) => {
                let mut message = message;
                for place in self.leg.saturating_add(1)..self.transaction.legs {
                    let address = self.call.on_path(self.transaction, place)?.address();
                    message = message.header("Route", format_args!("<sip:{};lr>", address.ip()));
                }
                Some(message)
            }
        }
    }

    /// Record-Route of the proxies before a place of the path, the latest first.
    fn record_routes(&self, mut message: Message, before: u8) -> Option<Message> {
        for place in (1..before).rev() {
            let address = self.call.on_path(self.transaction, place)?.address();
            message = message.header("Record-Route", format_args!("<sip:{};lr>", address.ip()));
        }
        Some(message)
    }

    /// The Contact of a 3xx.
    fn moved_to(&self, message: Message, contacts: [Option<u8>; 2]) -> Message {
        let target = |number| Uri::Target(Target { call: self.call, number });
        match contacts {
            [Some(first), Some(second)] => {
                message.contact(format_args!("\"New desk\" <{}>;q=0.9, <{}>;q=0.5", target(first), target(second)))
            }
            [Some(only), None] => message.contact(format_args!("<{}>", target(only))),
            _ => message,
        }
    }

    fn challenge(&self, message: Message, status: u16) -> Message {
        let name = if status == 401 { "WWW-Authenticate" } else { "Proxy-Authenticate" };
        let nonce = Hex(self.call.name(NONCE, 0));
        message.header(name, format_args!("Digest realm=\"{DOMAIN}\", nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\""))
    }

    fn credentials(&self, message: Message) -> Message {
        if !self.transaction.credentials {
            return message;
        }
        let register = self.transaction.method == Method::Register;
        let name = if register { "Authorization" } else { "Proxy-Authorization" };
        let (nonce, digest) = (Hex(self.call.name(NONCE, 0)), Hex(self.call.name(NONCE, self.number)));
        let (client, uri) = (self.call.client, self.request_uri());
        message.header(
            name,
            format_args!(
                "Digest username=\"2{client:05}\", realm=\"{DOMAIN}\", nonce=\"{nonce}\", uri=\"{uri}\", \
                 response=\"{digest}{nonce}\", algorithm=MD5, cnonce=\"{digest}\", qop=auth, nc=00000001"
            ),
        )
    }

    fn telephone(&self) -> &'static str {
        let kind = usize::try_from(self.call.client % 4).unwrap_or(0);
        TELEPHONES.get(kind).copied().unwrap_or("")
    }

    fn is_compact(&self) -> bool {
        self.call.client % 4 == 3
    }

    /// Ends a message, with the session description of the caller or the callee if it carries one.
    fn end(&self, message: Message, description: bool, caller: bool) -> Vec<u8> {
        let node = if caller { self.call.path.first() } else { self.call.path.last() };
        match node {
            Some(node) if description => message.sdp(&sdp(node.address().ip(), media_port(self.call, caller))),
            _ => message.finish(),
        }
    }
}

/// Session-Expires and Min-SE, as far as they are there.
fn timers(message: Message, timer: Timer) -> Message {
    let message = match timer.session_expires {
        Some(seconds) => message.session_expires(seconds, timer.refresher),
        None => message,
    };
    match timer.min_se {
        Some(seconds) => message.min_se(seconds),
        None => message,
    }
}

/// An address that is dialled: 0 is the one the caller begins with.
struct Target<'a> {
    call: &'a Call,
    number: u8,
}

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.call.name(TARGET, self.number) % 100_000_000;
        match self.number {
            0 => write!(f, "sip:49{digits:08}@{DOMAIN}"),
            number if number % 2 == 0 => write!(f, "sip:8{number}{digits:08}@{OTHER_DOMAIN}"),
            number => write!(f, "sip:8{number}{digits:08}@{DOMAIN}"),
        }
    }
}

/// A URI that a message names.
enum Uri<'a> {
    /// The domain itself.
    Domain,
    /// Somebody dialled.
    Target(Target<'a>),
    /// The device of a party.
    Contact { caller: bool, client: u32, address: IpAddr, tcp: bool },
}

impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain => write!(f, "sip:{DOMAIN}"),
            Self::Target(target) => target.fmt(f),
            Self::Contact { caller, client, address, tcp } => {
                let transport = if *tcp { ";transport=tcp" } else { "" };
                match caller {
                    true => write!(f, "sip:2{client:05}@{address}:5060{transport}"),
                    false => write!(f, "sip:gw@{address}:5060{transport}"),
                }
            }
        }
    }
}
