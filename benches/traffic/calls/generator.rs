//! Plays calls in order of time.

use super::super::packet::{EPOCH, MILLISECOND, SECOND, Wire};
use super::super::random::{Random, mix};
use super::super::session::Side;
use super::connection::Connections;
use super::emitter::{Emitter, Fate};
use super::options::{Amount, Options};
use super::output::Output;
use super::plan::{Call, Method, Node, Step, What};
use super::scenario;
use super::script::{Habits, Script};
use super::text;
use super::truth::Truth;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write};
use std::net::SocketAddr;

/// Telephones that use UDP.
const UDP_CLIENTS: u32 = 1000;
/// Telephones that use TCP; their numbers come after the others.
const TCP_CLIENTS: u32 = 200;
/// Servers at the far end.
const GATEWAYS: u32 = 8;
/// Mean length of a conversation without RTP.
const TALK: u64 = 20 * SECOND;
/// How long a message over TCP waits for company.
const PATIENCE: u64 = 8 * MILLISECOND;
/// Time between keep-alives on a connection.
const KEEP_ALIVE: u64 = 90 * SECOND;
/// How much longer than wanted a capture may get, so that its end leaves no outcome to chance.
const GRACE: u64 = 2 * SECOND;
/// Bytes of G.711 in 20 ms.
const RTP_PAYLOAD: usize = 160;

/// Something that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    /// A call begins.
    Arrival,
    /// The next message of a call.
    Message(usize),
    /// The next RTP packet of a conversation.
    Media(usize),
    /// Messages that wait on a connection must go.
    Flush(usize),
    /// A keep-alive on a connection.
    KeepAlive(usize),
}

/// The RTP of a conversation.
#[derive(Clone, Copy, Debug)]
struct Conversation {
    ends: [SocketAddr; 2],
    seed: u64,
    sent: u32,
    left: u32,
}

/// Things that come and go, in places that are used again.
#[derive(Debug)]
struct Slots<T> {
    slots: Vec<Option<T>>,
    free: Vec<usize>,
}

impl<T> Slots<T> {
    fn put(&mut self, value: T) -> usize {
        let number = self.free.pop().unwrap_or(self.slots.len());
        match self.slots.get_mut(number) {
            Some(slot) => *slot = Some(value),
            None => self.slots.push(Some(value)),
        }
        number
    }

    fn take(&mut self, number: usize) -> Option<T> {
        let value = self.slots.get_mut(number)?.take();
        if value.is_some() {
            self.free.push(number);
        }
        value
    }
}

/// Plays calls into a capture.
struct Generator<W> {
    options: Options,
    emitter: Emitter<W>,
    random: Random,
    connections: Connections,
    queue: BinaryHeap<Reverse<(u64, u64, Task)>>,
    order: u64,
    calls: Slots<Call>,
    open: usize,
    started: u64,
    media: Slots<Conversation>,
    /// `CSeq` numbers used up by the registrations of each client.
    registrations: Vec<u32>,
    noise: Vec<u8>,
    truth: Truth,
}

/// Writes the traffic of the options; gives the truth about it, and the writer.
pub fn generate<W: Write>(options: Options, out: W) -> io::Result<(Value, W)> {
    let mut random = Random::new(options.seed);
    let emitter = Emitter {
        output: Output::new(out, options.format, options.link)?,
        random: Random::new(random.bits()),
        wire: Wire::new(options.link),
        fragment_share: options.fragment_share,
        mirror_share: options.mirror_share,
    };
    let noise = (0..1024).flat_map(|_| random.bits().to_le_bytes()).collect();
    let clients = usize::try_from(UDP_CLIENTS + TCP_CLIENTS).unwrap_or(0);
    let mut generator = Generator {
        options,
        emitter,
        random,
        connections: Connections::default(),
        queue: BinaryHeap::new(),
        order: 0,
        calls: Slots { slots: Vec::new(), free: Vec::new() },
        open: 0,
        started: 0,
        media: Slots { slots: Vec::new(), free: Vec::new() },
        registrations: vec![0; clients],
        noise,
        truth: Truth::default(),
    };
    generator.run()?;
    generator.finish()
}

impl<W: Write> Generator<W> {
    fn run(&mut self) -> io::Result<()> {
        self.later(EPOCH, Task::Arrival);
        let mut full_since = None;
        while let Some(Reverse((now, _, task))) = self.queue.pop() {
            self.emitter.output.write_before(now)?;
            if let Amount::Bytes(size) = self.options.amount
                && self.emitter.output.bytes() >= size
            {
                let since = *full_since.get_or_insert(now);
                let calls = self.calls.slots.iter().flatten();
                if now > since + GRACE || !self.truth.is_ambiguous(calls, self.emitter.output.latest()) {
                    break;
                }
            }
            match task {
                Task::Arrival => self.arrival(now),
                Task::Message(number) => self.message(number, now),
                Task::Media(number) => self.packet(number, now),
                Task::Flush(number) => self.connections.flush(number, now, &mut self.emitter),
                // The capture ends with its calls, not with a keep-alive long after.
                Task::KeepAlive(number) if self.open > 0 || self.expects_more() => {
                    self.connections.keep_alive(number, now, &mut self.emitter);
                    self.later(now + KEEP_ALIVE, task);
                }
                Task::KeepAlive(_) => {}
            }
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<(Value, W)> {
        let now = self.emitter.output.latest();
        self.connections.flush_all(now, &mut self.emitter);
        self.emitter.output.finish()?;
        for call in self.calls.slots.iter().flatten() {
            self.truth.close(call, now);
        }
        self.truth.tcp_connections = self.connections.opened;
        let output = self.emitter.output;
        let (end, frames, bytes) = (output.latest(), output.frames(), output.bytes());
        let mut truth = self.truth.to_json(end, frames);
        if let Some(truth) = truth.as_object_mut() {
            truth.insert("seed".to_owned(), json!(self.options.seed));
            truth.insert("record_bytes".to_owned(), json!(bytes));
            truth.insert("duration_ms".to_owned(), json!((end - EPOCH.min(end)) / MILLISECOND));
        }
        Ok((truth, output.into_inner()?))
    }

    fn later(&mut self, time: u64, task: Task) {
        self.order += 1;
        self.queue.push(Reverse((time, self.order, task)));
    }

    /// Whether calls are still to begin.
    fn expects_more(&self) -> bool {
        match self.options.amount {
            Amount::Bytes(_) => true,
            Amount::Calls(calls) => self.started < calls,
        }
    }

    /// Begins a call, and sees to the next one.
    fn arrival(&mut self, now: u64) {
        if !self.expects_more() {
            return;
        }
        if self.options.open_calls.is_some_and(|limit| self.open >= limit) {
            self.later(now + 5 * MILLISECOND, Task::Arrival);
            return;
        }
        let interval = SECOND / u64::from(self.options.calls_per_second.max(1));
        let next = now + self.random.exponential(interval);
        self.later(next, Task::Arrival);
        self.started += 1;
        self.open += 1;
        let call = self.plan(now);
        if let Some(number) = self.first_connection(&call) {
            self.connections.join(number, now, &mut self.emitter);
        }
        if let Some(media) = call.media {
            self.plan_media(&call, media.at, media.packets);
        }
        let first = call.steps.first().map_or(now, |step| step.at);
        let number = self.calls.put(call);
        self.later(first, Task::Message(number));
    }

    fn plan(&mut self, now: u64) -> Call {
        let random = &mut self.random;
        let tcp = random.chance(self.options.tcp_share);
        let client = if tcp {
            random.between(UDP_CLIENTS.into(), (UDP_CLIENTS + TCP_CLIENTS).into())
        } else {
            random.below(UDP_CLIENTS.into())
        };
        let client = u32::try_from(client).unwrap_or(0);
        let gateway = Node::Gateway(u8::try_from(client % GATEWAYS).unwrap_or(0));
        let client_node = Node::Client(client);
        let path = match random.pick(&self.options.hops).copied().unwrap_or(1) {
            0 | 1 => vec![client_node, gateway],
            2 => vec![client_node, Node::Proxy(0), gateway],
            _ => vec![client_node, Node::Proxy(0), Node::Proxy(1), gateway],
        };
        let call = Call {
            seed: random.bits(),
            client,
            path,
            tcp,
            transactions: Vec::new(),
            steps: Vec::new(),
            next: 0,
            events: Vec::new(),
            media: None,
            seen: false,
            shared_call_id: false,
        };
        let registers = random.chance(self.options.register_share);
        let play = pick_weighted(&self.options.mix, random);
        let habits = Habits {
            retransmit_share: self.options.retransmit_share,
            talk: TALK,
            rtp_packets: self.options.rtp_packets,
        };
        let used = usize::try_from(client).ok().and_then(|client| self.registrations.get_mut(client));
        let mut script = Script::new(call, random, habits, now);
        let mut seen = false;
        match (registers, play, used) {
            (false, Some(play), _) => play(&mut script),
            (_, _, Some(used)) => {
                scenario::register(&mut script, used.saturating_add(1));
                seen = *used > 0;
                *used = used.saturating_add(2);
            }
            _ => {}
        }
        let mut call = script.finish();
        call.seen = seen;
        call
    }

    /// The connection of the telephone of a call, if it uses one.
    fn first_connection(&mut self, call: &Call) -> Option<usize> {
        match call.path.as_slice() {
            [client, server, ..] if call.tcp => Some(self.connections.number(*client, *server)),
            _ => None,
        }
    }

    /// Sends the next message of a call.
    fn message(&mut self, number: usize, now: u64) {
        let Some(mut call) = self.calls.take(number) else { return };
        if let Some(step) = call.steps.get(call.next).copied() {
            call.next += 1;
            self.play(&mut call, step, now);
        }
        match call.steps.get(call.next) {
            Some(next) => {
                let at = next.at;
                let number = self.calls.put(call);
                self.later(at, Task::Message(number));
            }
            None => {
                self.open = self.open.saturating_sub(1);
                if let Some(connection) = self.first_connection(&call) {
                    self.connections.leave(connection);
                }
                self.truth.close(&call, now);
            }
        }
    }

    fn play(&mut self, call: &mut Call, step: Step, now: u64) {
        let Some(transaction) = call.transactions.get(usize::from(step.transaction)).copied() else { return };
        let Some((first, second)) = call.ends(&transaction, step.leg) else { return };
        let is_response = matches!(step.what, What::Response(_));
        let (source, destination) = if is_response { (second, first) } else { (first, second) };
        let Some(message) = text::render(call, &step, self.emitter.output.buffer()) else { return };
        if call.tcp {
            let (client, server) = if transaction.from_caller { (first, second) } else { (second, first) };
            let from = if source == client { Side::Client } else { Side::Server };
            let number = self.connections.number(client, server);
            let opened = self.connections.opened;
            let may_wait = self.may_wait(step.what);
            let time = self.connections.send(number, from, &message, now, may_wait, &mut self.emitter);
            if may_wait {
                self.later(now + PATIENCE, Task::Flush(number));
            }
            if self.connections.opened > opened {
                self.later(now + KEEP_ALIVE, Task::KeepAlive(number));
            }
            self.truth.tcp_messages += 1;
            self.truth.message(call, &transaction, step.what, time);
        } else {
            let fate = self.emitter.datagram(now, source.address(), destination.address(), &message);
            self.truth.message(call, &transaction, step.what, now);
            match fate {
                Fate::Whole => {}
                Fate::Fragmented => self.truth.fragmented += 1,
                Fate::Mirrored => {
                    self.truth.count(&transaction, step.what);
                    self.truth.mirror_duplicates += 1;
                }
            }
        }
        self.emitter.output.give_back(message);
        self.truth.retransmissions += u64::from(step.repeated);
        if !call.seen {
            call.seen = true;
            self.truth.calls += 1;
            self.truth.invite_calls += u64::from(transaction.method == Method::Invite);
        }
    }

    /// Messages that mean nothing to an event may wait for others to share a segment with.
    fn may_wait(&mut self, what: What) -> bool {
        match what {
            What::Ack => self.random.chance(0.5),
            What::Response(100..200) => self.random.chance(0.2),
            _ => false,
        }
    }

    fn plan_media(&mut self, call: &Call, at: u64, packets: u32) {
        let end = |node: Option<&Node>, caller| {
            let ip = node.copied().unwrap_or(Node::Client(call.client)).address().ip();
            SocketAddr::new(ip, text::media_port(call, caller))
        };
        let ends = [end(call.path.first(), true), end(call.path.last(), false)];
        let number = self.media.put(Conversation { ends, seed: call.seed, sent: 0, left: packets });
        self.later(at, Task::Media(number));
    }

    /// Sends one RTP packet; the directions take turns. RFC 3550 section 5.1.
    fn packet(&mut self, number: usize, now: u64) {
        let Some(mut conversation) = self.media.take(number) else { return };
        let forth = conversation.sent % 2 == 0;
        let [caller, callee] = conversation.ends;
        let (source, destination) = if forth { (caller, callee) } else { (callee, caller) };
        let tick = conversation.sent / 2;
        let bits = mix(conversation.seed ^ u64::from(forth));
        let mut packet = self.emitter.output.buffer();
        packet.extend_from_slice(&[0x80, if tick == 0 { 0x88 } else { 8 }]);
        packet.extend_from_slice(&((u64::from(tick).wrapping_add(bits) & 0xffff) as u16).to_be_bytes());
        packet
            .extend_from_slice(&((u64::from(tick * 160).wrapping_add(bits >> 16) & 0xffff_ffff) as u32).to_be_bytes());
        packet.extend_from_slice(&((bits >> 32) as u32).to_be_bytes());
        let start = usize::try_from(mix(bits ^ u64::from(tick)) % 8000).unwrap_or(0);
        packet.extend(self.noise.iter().skip(start).take(RTP_PAYLOAD));
        self.emitter.media(now, source, destination, &packet);
        self.emitter.output.give_back(packet);
        self.truth.rtp_packets += 1;
        conversation.sent += 1;
        conversation.left = conversation.left.saturating_sub(1);
        if conversation.left > 0 {
            let number = self.media.put(conversation);
            self.later(now + 10 * MILLISECOND, Task::Media(number));
        }
    }
}

/// One of the scenarios, according to their weights; `None` if none has any.
fn pick_weighted(mix: &[(&'static scenario::Scenario, f64)], random: &mut Random) -> Option<fn(&mut Script<'_>)> {
    let total: f64 = mix.iter().map(|(_, weight)| weight).sum();
    let mut left = total;
    for (scenario, weight) in mix {
        // The chance of this one, given that none before it was taken.
        if *weight > 0.0 && random.chance(weight / left) {
            return Some(scenario.play);
        }
        left -= weight;
    }
    mix.iter().rev().find(|(_, weight)| *weight > 0.0).map(|(scenario, _)| scenario.play)
}
