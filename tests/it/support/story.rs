//! A few calls, message by message, that tests carry over any network and put into any file.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::Value;

use super::essence::by_message;
use super::run_bytes;
use crate::traffic::link::Link;
use crate::traffic::packet::{EPOCH, MILLISECOND, Packet, SECOND, Wire};
use crate::traffic::pcap::{Layout, file};
use crate::traffic::sip::{Message, sdp};

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// The caller.
    Phone,
    /// The one that redirects, refuses and answers.
    Server,
}

/// A message on its way.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// When, in nanoseconds since 1970.
    pub(crate) time: u64,
    /// By whom.
    pub(crate) by: Who,
    /// The message.
    pub(crate) text: Vec<u8>,
}

/// Addresses of phone and server.
pub(crate) fn addresses(ipv6: bool) -> (SocketAddr, SocketAddr) {
    let (phone, server) =
        if ipv6 { ("[2001:db8::a]:5060", "[2001:db8::b]:5060") } else { ("192.0.2.10:5060", "192.0.2.11:5060") };
    (phone.parse().expect("an address"), server.parse().expect("an address"))
}

/// Three calls, 23 messages: a 301 that is followed and answered, an INVITE refused with 422 and tried again, and a
/// 302 that nothing comes of, watched for longer than 32 s thanks to an OPTIONS at the end.
pub(crate) fn story(transport: &str) -> Vec<Said> {
    let mut script = Script { transport, said: Vec::new(), time: EPOCH };
    script.moved();
    script.too_small();
    script.ignored();
    script.wait(40 * SECOND);
    let options = script.request("OPTIONS", "sip:example.com", "watch", 1, None).finish();
    script.exchange(options, 200);
    script.said
}

/// The message that a frame of [`over_udp`] completes, by frame.
pub(crate) type Completes = BTreeMap<u64, usize>;

/// The messages as UDP datagrams, cut into IP fragments of `piece` bytes if that is given.
pub(crate) fn over_udp(link: Link, ipv6: bool, piece: Option<usize>) -> (Vec<Packet>, Completes) {
    let (phone, server) = addresses(ipv6);
    let mut wire = Wire::new(link);
    let (mut packets, mut completes) = (Vec::new(), Completes::new());
    for (number, said) in story("UDP").into_iter().enumerate() {
        let (from, to) = if said.by == Who::Phone { (phone, server) } else { (server, phone) };
        let Some(piece) = piece else {
            packets.push(wire.udp(said.time, from, to, &said.text));
            completes.insert(packets.len() as u64, number);
            continue;
        };
        let mut fragments = wire.udp_fragments(said.time, from, to, &said.text, piece);
        // The last fragment comes at the time of the message.
        let last = fragments.last().expect("a fragment").time;
        for fragment in &mut fragments {
            fragment.time -= last - said.time;
        }
        packets.append(&mut fragments);
        completes.insert(packets.len() as u64, number);
    }
    (packets, completes)
}

/// Writes messages down, one after the other.
struct Script<'a> {
    transport: &'a str,
    said: Vec<Said>,
    time: u64,
}

impl Script<'_> {
    /// 301, followed in the same call, answered, ended.
    fn moved(&mut self) {
        let invite = self.invite("sip:old@example.com", "moved", 1, (1800, None));
        let moved = Message::reply(&invite, 301, Some("s1"))
            .contact("\"The new one\" <sip:new@example.com>;q=0.7, <sip:other@example.com>;q=0.1")
            .finish();
        self.refused(invite, moved, "sip:old@example.com", ("moved", 1));
        let invite = self.invite("sip:new@example.com", "moved", 2, (1800, None));
        self.answered(invite, "sip:new@example.com", ("moved", 2), 1800);
    }

    /// 422, tried again with what it asks for, answered, ended.
    fn too_small(&mut self) {
        let invite = self.invite("sip:slow@example.com", "small", 7, (90, Some(90)));
        let refusal = Message::reply(&invite, 422, Some("s2")).min_se(600).server("Server/1").finish();
        self.refused(invite, refusal, "sip:slow@example.com", ("small", 7));
        let invite = self.invite("sip:slow@example.com", "small", 8, (600, Some(600)));
        self.answered(invite, "sip:slow@example.com", ("small", 8), 600);
    }

    /// 302 that nothing comes of.
    fn ignored(&mut self) {
        let invite = self.invite("sip:away@example.com", "ignored", 3, (1800, None));
        let moved = Message::reply(&invite, 302, Some("s3")).contact("<sip:there@example.com>;expires=60").finish();
        self.refused(invite, moved, "sip:away@example.com", ("ignored", 3));
    }

    fn invite(&self, uri: &str, call: &str, cseq: u32, (interval, minimum): (u32, Option<u32>)) -> Vec<u8> {
        let invite = self.request("INVITE", uri, call, cseq, None).supported("timer").session_expires(interval, None);
        let invite = match minimum {
            Some(minimum) => invite.min_se(minimum),
            None => invite,
        };
        invite.contact("<sip:alice@phone.example.com>").sdp(&sdp("192.0.2.10", 4000))
    }

    fn request(&self, method: &str, uri: &str, call: &str, cseq: u32, to_tag: Option<&str>) -> Message {
        let cseq_method = method;
        // An ACK to a refusal has the branch of its INVITE.
        let branch = if method == "ACK" && to_tag.is_some_and(|tag| tag.starts_with('s')) { "INVITE" } else { method };
        Message::request(method, uri)
            .via(self.transport, "phone.example.com", format_args!("z9hG4bK{call}{cseq}{branch}"))
            .max_forwards(70)
            .from("<sip:alice@example.com>", format_args!("tag-{call}"))
            .to("<sip:callee@example.com>", to_tag)
            .call_id(format_args!("{call}@phone.example.com"))
            .cseq(cseq, cseq_method)
            .user_agent("Phone/1")
    }

    fn refused(&mut self, invite: Vec<u8>, answer: Vec<u8>, uri: &str, (call, cseq): (&str, u32)) {
        let tag = String::from_utf8_lossy(&answer);
        let tag = tag.split(";tag=s").nth(1).and_then(|rest| rest.split("\r\n").next()).map(|rest| format!("s{rest}"));
        self.say(Who::Phone, invite);
        self.say(Who::Server, answer);
        let ack = self.request("ACK", uri, call, cseq, tag.as_deref()).finish();
        self.say(Who::Phone, ack);
    }

    fn answered(&mut self, invite: Vec<u8>, uri: &str, (call, cseq): (&str, u32), interval: u32) {
        let ringing = Message::reply(&invite, 180, Some("callee")).contact("<sip:callee@server.example.com>").finish();
        let answer = Message::reply(&invite, 200, Some("callee"))
            .contact("<sip:callee@server.example.com>")
            .header("Require", "timer")
            .session_expires(interval, Some("uac"))
            .sdp(&sdp("192.0.2.11", 5000));
        self.say(Who::Phone, invite);
        self.say(Who::Server, ringing);
        self.wait(2 * SECOND);
        self.say(Who::Server, answer);
        let ack = self.request("ACK", uri, call, cseq, Some("callee")).finish();
        self.say(Who::Phone, ack);
        self.wait(5 * SECOND);
        let bye = self.request("BYE", uri, call, cseq + 1, Some("callee")).finish();
        self.exchange(bye, 200);
    }

    fn exchange(&mut self, request: Vec<u8>, status: u16) {
        let answer = Message::reply(&request, status, Some("callee")).finish();
        self.say(Who::Phone, request);
        self.say(Who::Server, answer);
    }

    fn say(&mut self, by: Who, text: Vec<u8>) {
        self.said.push(Said { time: self.time, by, text });
        self.wait(20 * MILLISECOND);
    }

    fn wait(&mut self, time: u64) {
        self.time += time;
    }
}

/// What any analysis must say of [`story`], whatever carried it; for the assertions of several tests.
pub(crate) fn assert_told(report: &Value, name: &str) {
    let told: Vec<_> = list(report, "redirects")
        .map(|redirect| (redirect["status"].as_u64(), redirect["outcome"].as_str(), redirect["final_status"].as_u64()))
        .collect();
    let wanted = [(Some(301), Some("followed"), Some(200)), (Some(302), Some("not_followed"), Some(302))];
    assert_eq!(told, wanted, "{name}: redirects");
    let told: Vec<_> = list(report, "negotiations")
        .map(|negotiation| (negotiation["outcome"].as_str(), negotiation["agreed_session_expires_s"].as_u64()))
        .collect();
    assert_eq!(told, [(Some("resolved"), Some(600))], "{name}: negotiations");
    assert_eq!(report["summary"]["sip_messages"], story("UDP").len(), "{name}: messages");
}

/// What the report of a capture of the whole [`story`] says, with IPv6 addresses as the IPv4 addresses they stand for; fails
/// where it does not say what it must.
pub(crate) fn essence_of(name: &str, link: Link, packets: &[Packet], completes: &Completes) -> Value {
    let run = run_bytes(file(Layout::usual(link), packets).expect("memory"));
    run.assert_conserved(name);
    assert_told(&run.report, name);
    let told = by_message(&run.report, completes).to_string();
    let (six, four) = (addresses(true), addresses(false));
    let told = [(six.0, four.0), (six.1, four.1)].iter().fold(told, |told, (six, four)| {
        let told = told.replace(&six.to_string(), &four.to_string());
        told.replace(&six.ip().to_string(), &four.ip().to_string())
    });
    serde_json::from_str(&told).expect("JSON")
}

/// A section of a report.
pub(crate) fn list<'a>(report: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    report[name].as_array().into_iter().flatten()
}
