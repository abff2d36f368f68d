//! Plays a ladder: makes the messages that the actors send, and the captures that see them.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::message::Message;
use super::parse::{Act, Actor, Arrow, Change, Ladder, What};
use super::played::{Frame, Played};
use super::relay::{fork, on_other_leg, other_host, relays_between, vias_of, with_vias_of};
use crate::traffic::link::Link;
use crate::traffic::packet::{EPOCH, MILLISECOND, Packet, Wire};
use crate::traffic::session::{Session, Side, frames};
use crate::traffic::sip::reason;

type Options = BTreeMap<String, String>;

/// A request on its way between two actors, and what was answered.
#[derive(Debug)]
struct Hop {
    from: String,
    to: String,
    method: String,
    request: Message,
    /// The answers, the latest last.
    answers: Vec<(u16, Message)>,
}

#[derive(Debug)]
struct Player<'l> {
    ladder: &'l Ladder,
    hops: Vec<Hop>,
    /// The last message from one to the other.
    last: BTreeMap<(String, String), Vec<u8>>,
    /// The last CSeq number by Call-ID and From tag.
    cseq: BTreeMap<(String, String), u32>,
    branches: u32,
    /// The To of the first request of each call.
    first_to: BTreeMap<String, String>,
    wire: Wire,
    sessions: BTreeMap<(String, String), Session>,
    frames: Vec<Frame>,
}

/// Plays a ladder.
pub(crate) fn play(ladder: &Ladder) -> Result<Played, String> {
    let mut player = Player {
        ladder,
        hops: Vec::new(),
        last: BTreeMap::new(),
        cseq: BTreeMap::new(),
        branches: 0,
        first_to: BTreeMap::new(),
        wire: Wire::new(Link::Ethernet),
        sessions: BTreeMap::new(),
        frames: Vec::new(),
    };
    let mut end = 0;
    for (number, line) in ladder.lines.iter().enumerate() {
        end = EPOCH + line.time;
        if let Act::Send { from, to, arrow, what, options, changes } = &line.act {
            let message = player
                .message(from, to, what, options, changes)
                .map_err(|problem| format!("line {}: {problem}", line.number))?;
            let captured = changes.iter().find_map(|change| match change {
                Change::Captured(bytes) => Some(*bytes),
                _ => None,
            });
            player.send(end, (from, to), *arrow, number, &message, captured);
            player.last.insert((from.clone(), to.clone()), message);
        }
    }
    Ok(Played { frames: player.frames, wire: player.wire, end })
}

impl Player<'_> {
    fn actor(&self, name: &str) -> Result<&Actor, String> {
        self.ladder.actors.get(name).ok_or_else(|| format!("{name} is no actor"))
    }

    fn message(
        &mut self,
        from: &str,
        to: &str,
        what: &What,
        options: &Options,
        changes: &[Change],
    ) -> Result<Vec<u8>, String> {
        let address = self.actor(from)?.address.ip().to_string();
        match what {
            What::Again => {
                self.last.get(&(from.into(), to.into())).cloned().ok_or_else(|| "nothing was sent before".into())
            }
            What::Request { method, uri, forward } => {
                let uri = uri.as_deref();
                let mut request = if *forward {
                    self.forwarded(from, method, uri, options)?
                } else {
                    self.request(from, to, method, uri, options)?
                };
                request.change(changes, &address);
                let text = request.text();
                let (from, to, method) = (from.to_owned(), to.to_owned(), method.clone());
                self.hops.push(Hop { from, to, method, request, answers: Vec::new() });
                Ok(text)
            }
            What::Response { status, reason, forward } => {
                let mut answer = if *forward {
                    self.passed_back(from, *status)?
                } else {
                    self.answer(from, to, *status, reason.as_deref(), options)?
                };
                answer.change(changes, &address);
                let hop = self.asked(from, to, options.get("to").map(String::as_str))?;
                let text = answer.text();
                hop.answers.push((*status, answer));
                Ok(text)
            }
        }
    }

    /// The latest request that `to` sent to `from`, ACK aside.
    fn asked(&mut self, from: &str, to: &str, method: Option<&str>) -> Result<&mut Hop, String> {
        let wanted = |hop: &&mut Hop| {
            hop.from == to && hop.to == from && hop.method != "ACK" && method.is_none_or(|method| hop.method == method)
        };
        self.hops.iter_mut().rev().find(wanted).ok_or_else(|| format!("{to} asked {from} for nothing"))
    }

    fn via(&mut self, from: &str, branch: Option<&String>) -> Result<String, String> {
        self.branches += 1;
        let branch = branch.cloned().unwrap_or_else(|| format!("z9hG4bK{from}{}", self.branches));
        let transport = if self.ladder.tcp { "TCP" } else { "UDP" };
        Ok(format!("SIP/2.0/{transport} {};branch={branch}", self.actor(from)?.address))
    }

    fn request(
        &mut self,
        from: &str,
        to: &str,
        method: &str,
        uri: Option<&str>,
        options: &Options,
    ) -> Result<Message, String> {
        match (method, uri) {
            ("ACK" | "CANCEL", None) => self.companion(from, to, method, options),
            (_, Some(uri)) => self.initial(from, method, uri, options),
            (_, None) => self.in_dialog(from, to, method, options),
        }
    }

    /// A request outside dialogs.
    fn initial(&mut self, from: &str, method: &str, uri: &str, options: &Options) -> Result<Message, String> {
        let call = options.get("call").cloned().unwrap_or_else(|| "call".into());
        let tag = options.get("fromtag").cloned().unwrap_or_else(|| format!("{from}-{call}"));
        let mut request = Message::new(format!("{method} {uri} SIP/2.0"));
        request.push_via(self.via(from, options.get("branch"))?);
        request.add("Max-Forwards", "70");
        let sender = options.get("from").cloned().unwrap_or_else(|| format!("sip:{from}@example.com"));
        request.add("From", format!("<{sender}>;tag={tag}"));
        let first = self.first_to.entry(call.clone()).or_insert_with(|| uri.to_owned()).clone();
        let target = options.get("to").cloned().unwrap_or(first);
        let to_tag = options.get("totag").map(|tag| format!(";tag={tag}")).unwrap_or_default();
        request.add("To", format!("<{target}>{to_tag}"));
        request.add("Call-ID", format!("{call}@example.com"));
        self.finish(request, from, method, (&call, &tag), options)
    }

    /// A request in the dialog that the latest INVITE between the two made.
    fn in_dialog(&mut self, from: &str, to: &str, method: &str, options: &Options) -> Result<Message, String> {
        let tagged = |hop: &&Hop| {
            let between = (hop.from == from && hop.to == to) || (hop.from == to && hop.to == from);
            let call = options.get("call").map(|call| format!("{call}@example.com"));
            let same = call.is_none() || hop.request.get("Call-ID") == call.as_deref();
            let has_answer = hop.answers.iter().any(|(status, answer)| *status < 300 && answer.tag("To").is_some());
            hop.method == "INVITE" && between && same && has_answer
        };
        let hop = self.hops.iter().rev().find(tagged).ok_or("there is no dialog between the two")?;
        let known = |(status, answer): &&(u16, Message)| *status < 300 && answer.tag("To").is_some();
        let answer = &hop.answers.iter().rev().find(known).ok_or("there is no dialog")?.1;
        let mut parties = [answer.get("From").unwrap_or_default(), answer.get("To").unwrap_or_default()];
        if hop.from != from {
            parties.reverse();
        }
        let [own, peer] = parties.map(str::to_owned);
        let call = answer.get("Call-ID").unwrap_or_default().to_owned();
        let uri = format!("sip:{to}@{}", self.actor(to)?.address);
        let mut request = Message::new(format!("{method} {uri} SIP/2.0"));
        request.push_via(self.via(from, options.get("branch"))?);
        request.add("Max-Forwards", "70");
        request.add("From", own);
        request.add("To", peer);
        request.add("Call-ID", call.clone());
        let tag = request.tag("From").unwrap_or_default();
        self.finish(request, from, method, (call.trim_end_matches("@example.com"), &tag), options)
    }

    /// Adds what every request of its own has: CSeq, Contact, User-Agent.
    fn finish(
        &mut self,
        mut request: Message,
        from: &str,
        method: &str,
        (call, tag): (&str, &str),
        options: &Options,
    ) -> Result<Message, String> {
        let counted = self.cseq.entry((call.to_owned(), tag.to_owned())).or_default();
        let number = match options.get("cseq") {
            Some(number) => number.parse().map_err(|_| "cseq is no number")?,
            None => *counted + 1,
        };
        *counted = number;
        request.add("CSeq", format!("{number} {method}"));
        let actor = self.actor(from)?;
        if matches!(method, "INVITE" | "UPDATE" | "SUBSCRIBE" | "REGISTER" | "REFER" | "NOTIFY") {
            request.add("Contact", format!("<sip:{from}@{}>", actor.address));
        }
        if let Some(product) = &actor.product {
            request.add("User-Agent", product.as_str());
        }
        Ok(request)
    }

    /// ACK or CANCEL to the latest INVITE from the one to the other.
    fn companion(&mut self, from: &str, to: &str, method: &str, options: &Options) -> Result<Message, String> {
        let invite = |hop: &&Hop| hop.from == from && hop.to == to && hop.method == "INVITE";
        let hop = self.hops.iter().rev().find(invite).ok_or("there is no INVITE")?;
        let answer = hop.answers.last().filter(|_| method == "ACK").cloned();
        let mut request = hop.request.clone();
        let keep = ["From", "To", "Call-ID", "Max-Forwards", "Route", "User-Agent"];
        let top = request.vias().first().map(|via| (*via).to_owned()).unwrap_or_default();
        request.headers.retain(|(name, _)| keep.contains(&name.as_str()));
        request.body.clear();
        request.start = format!("{method}{}", request.start.trim_start_matches("INVITE"));
        request.add("CSeq", format!("{} {method}", hop.request.cseq()));
        let accepted = answer.as_ref().is_some_and(|(status, _)| *status < 300);
        let via = if accepted { self.via(from, options.get("branch"))? } else { top };
        request.push_via(via);
        if let Some((_, answer)) = answer {
            request.set("To", answer.get("To").unwrap_or_default());
        }
        Ok(request)
    }

    /// What `from` last received with this method, with one more Via.
    fn forwarded(&mut self, from: &str, method: &str, uri: Option<&str>, options: &Options) -> Result<Message, String> {
        let received = |hop: &&Hop| hop.to == from && hop.method == method;
        let hop = self.hops.iter().rev().find(received).ok_or_else(|| format!("{from} received no {method}"))?;
        let mut request = hop.request.clone();
        for via in vias_of(&self.relays(&hop.from, &hop.to)?, &request.text()) {
            request.push_via(via);
        }
        let via = self.via(from, options.get("branch"))?;
        request.push_via(via);
        if let Some(uri) = uri {
            request.start = format!("{method} {uri} SIP/2.0");
        }
        let hops = request.get("Max-Forwards").and_then(|hops| hops.parse::<u8>().ok());
        if let Some(hops) = hops {
            request.set("Max-Forwards", hops.saturating_sub(1).to_string());
        }
        Ok(request)
    }

    fn answer(
        &mut self,
        from: &str,
        to: &str,
        status: u16,
        phrase: Option<&str>,
        options: &Options,
    ) -> Result<Message, String> {
        let actor = self.actor(from)?.clone();
        let hop = self.asked(from, to, options.get("to").map(String::as_str))?;
        let mut answer = Message::new(format!("SIP/2.0 {status} {}", phrase.unwrap_or_else(|| reason(status))));
        for (name, value) in &hop.request.headers {
            if matches!(name.as_str(), "Via" | "From" | "To" | "Call-ID" | "CSeq" | "Record-Route") {
                answer.add(name, value.as_str());
            }
        }
        if answer.tag("To").is_none() && status > 100 {
            let tag = options.get("totag").cloned().unwrap_or_else(|| format!("{from}-tag"));
            let value = format!("{};tag={tag}", answer.get("To").unwrap_or_default());
            answer.set("To", value);
        }
        if status / 100 == 2 && matches!(hop.method.as_str(), "INVITE" | "UPDATE") {
            answer.add("Contact", format!("<sip:{from}@{}>", actor.address));
        }
        if let Some(product) = &actor.product {
            answer.add("Server", product.as_str());
        }
        Ok(answer)
    }

    /// What `from` last received with this status, with one Via less.
    fn passed_back(&self, from: &str, status: u16) -> Result<Message, String> {
        let found = self.hops.iter().rev().filter(|hop| hop.from == from).find_map(|hop| {
            hop.answers.iter().rev().find(|(known, _)| *known == status).map(|(_, answer)| answer.clone())
        });
        let mut answer = found.ok_or_else(|| format!("{from} received no {status}"))?;
        // Its own, and those of the relays, which they take off themselves.
        for _ in 0..=self.ladder.way.relays {
            answer.pop_via();
        }
        Ok(answer)
    }

    fn send(
        &mut self,
        time: u64,
        (from, to): (&str, &str),
        arrow: Arrow,
        number: usize,
        message: &[u8],
        captured: Option<usize>,
    ) {
        let (Some(source), Some(destination)) = (self.ladder.actors.get(from), self.ladder.actors.get(to)) else {
            return;
        };
        let (source, destination) = (source.address, destination.address);
        let packets = if self.ladder.tcp {
            let (key, side) = if from < to { ((from, to), Side::Client) } else { ((to, from), Side::Server) };
            let key = (key.0.to_owned(), key.1.to_owned());
            let (client, server) = if side == Side::Client { (source, destination) } else { (destination, source) };
            let mut packets = Vec::new();
            let session = self.sessions.entry(key).or_insert_with(|| {
                let mut session = Session::new(client, server, 1_000, 9_000);
                packets = frames(&mut self.wire, time, &session.opening());
                session
            });
            let segment = session.data(side, message);
            let data = frames(&mut self.wire, time + MILLISECOND / 100, &[segment]);
            packets.extend(data.into_iter().filter(|_| arrow != Arrow::Unseen));
            packets
        } else if arrow == Arrow::Unseen {
            Vec::new()
        } else if self.ladder.way.relays > 0 {
            let packets = self.relayed(time, source, destination, message);
            let is_request = !message.starts_with(b"SIP/2.0");
            self.frames.extend(packets.into_iter().map(|(hop, packet)| {
                let (from, to) = (from.to_owned(), to.to_owned());
                Frame { from, to, message: number, is_request, hop, packet }
            }));
            Vec::new()
        } else {
            let packet = self.wire.udp(time, source, destination, message);
            let bytes = packet.bytes.len();
            vec![packet.snapped(captured.map_or(bytes, |captured| bytes - message.len() + captured))]
        };
        let is_request = !message.starts_with(b"SIP/2.0");
        for packet in packets {
            let copy = (arrow == Arrow::SeenTwice).then(|| packet.again(MILLISECOND / 10));
            for packet in [Some(packet), copy].into_iter().flatten() {
                self.frames.push(Frame {
                    from: from.into(),
                    to: to.into(),
                    message: number,
                    is_request,
                    hop: 0,
                    packet,
                });
            }
        }
    }

    /// The relays between who asks and who is asked.
    fn relays(&self, client: &str, server: &str) -> Result<Vec<SocketAddr>, String> {
        let (client, server) = (self.actor(client)?.address, self.actor(server)?.address);
        Ok(relays_between(client, server, &self.ladder.way))
    }

    /// A message on its way over stateless proxies, a tenth of a millisecond for each hop.
    fn relayed(
        &mut self,
        time: u64,
        source: SocketAddr,
        destination: SocketAddr,
        message: &[u8],
    ) -> Vec<(usize, Packet)> {
        let is_request = !message.starts_with(b"SIP/2.0");
        // Both directions pass the same relays; the client's side comes first.
        let (client, server) = if is_request { (source, destination) } else { (destination, source) };
        let relays = relays_between(client, server, &self.ladder.way);
        let mut way = vec![client];
        way.extend(&relays);
        way.push(server);
        let mut packets = Vec::new();
        let hops: Vec<usize> = (0..=relays.len()).collect();
        let hops: Vec<usize> = if is_request { hops } else { hops.into_iter().rev().collect() };
        for (delay, hop) in (0..).zip(hops) {
            let text = with_vias_of(&relays[..hop], message);
            let (near, far) = (way[hop], way[hop + 1]);
            let (from, to) = if is_request { (near, far) } else { (far, near) };
            packets.push((hop, self.wire.udp(time + delay * MILLISECOND / 10, from, to, &text)));
        }
        let time = time + MILLISECOND / 2;
        if self.ladder.way.forks {
            for (delay, (from, to, text)) in (1..).zip(fork(client, &relays, message)) {
                packets.push((relays.len(), self.wire.udp(time + delay * MILLISECOND / 10, from, to, &text)));
            }
        }
        if self.ladder.way.other_leg {
            let (near, far) = (other_host(client), other_host(server));
            let (from, to) = if is_request { (near, far) } else { (far, near) };
            packets.push((relays.len() + 1, self.wire.udp(time, from, to, &on_other_leg(message))));
        }
        packets
    }
}
