//! TCP connections that carry many calls, with what happens to such connections.
//!
//! Messages share segments or are spread over several, segments come in the wrong order or twice, keep-alives stand between
//! messages, and a connection that has carried much is closed and opened anew when it is idle.

use super::super::packet::{MICROSECOND, MILLISECOND, SECOND};
use super::super::session::{Session, Side};
use super::emitter::Emitter;
use super::plan::Node;
use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;

/// The largest payload of a segment.
const SEGMENT: usize = 1460;
/// Messages after which an idle connection is closed.
const WORN: u64 = 400;

/// Share of writes that are cut at a random place.
const CUT_SHARE: f64 = 0.05;
/// Share of writes in two segments that come in the wrong order.
const REORDER_SHARE: f64 = 0.15;
/// Share of writes whose first segment comes again later.
const REPEAT_SHARE: f64 = 0.005;
/// Share of single segments that are acknowledged at once.
const ACKNOWLEDGE_SHARE: f64 = 0.1;

/// One direction of a connection.
#[derive(Clone, Debug, Default)]
struct Half {
    /// Messages that wait for company.
    pending: Vec<u8>,
    /// Segments that the other side has not acknowledged.
    unacknowledged: usize,
}

/// A connection.
#[derive(Clone, Debug)]
struct Connection {
    client: Node,
    server: Node,
    /// `None` when closed.
    session: Option<Session>,
    to_server: Half,
    to_client: Half,
    /// When its last segment was sent; nothing is sent before.
    free_at: u64,
    /// Calls that use it.
    users: u64,
    messages: u64,
}

/// All connections.
#[derive(Debug, Default)]
pub struct Connections {
    list: Vec<Connection>,
    numbers: HashMap<(Node, Node), usize>,
    /// Connections opened so far.
    pub opened: u64,
}

impl Connections {
    /// The number of the connection between two elements, of which the first opens it.
    pub fn number(&mut self, client: Node, server: Node) -> usize {
        let list = &mut self.list;
        *self.numbers.entry((client, server)).or_insert_with(|| {
            list.push(Connection {
                client,
                server,
                session: None,
                to_server: Half::default(),
                to_client: Half::default(),
                free_at: 0,
                users: 0,
                messages: 0,
            });
            list.len() - 1
        })
    }

    /// A call begins to use a connection, which is closed first if it is worn and idle.
    pub fn join<W: Write>(&mut self, number: usize, now: u64, emitter: &mut Emitter<W>) {
        let Some(connection) = self.list.get_mut(number) else { return };
        // Nothing may come late on a connection that is closed: repeated segments come within less than a second.
        if connection.users == 0 && connection.messages > WORN && now > connection.free_at.saturating_add(SECOND) {
            connection.close(now, emitter);
        }
        connection.users += 1;
    }

    /// A call has ended.
    pub fn leave(&mut self, number: usize) {
        if let Some(connection) = self.list.get_mut(number) {
            connection.users = connection.users.saturating_sub(1);
        }
    }

    /// Sends a message, or keeps it until the next one (or [`Connections::flush`]) if it may wait. Gives the time of its last
    /// segment.
    pub fn send<W: Write>(
        &mut self,
        number: usize,
        from: Side,
        message: &[u8],
        now: u64,
        may_wait: bool,
        emitter: &mut Emitter<W>,
    ) -> u64 {
        let Some(connection) = self.list.get_mut(number) else { return now };
        if connection.session.is_none() {
            connection.open(now, emitter);
            self.opened += 1;
        }
        connection.messages += 1;
        connection.half(from).pending.extend_from_slice(message);
        if !may_wait {
            connection.write(from, now, emitter);
        }
        connection.free_at.max(now)
    }

    /// Sends what waits in both directions.
    pub fn flush<W: Write>(&mut self, number: usize, now: u64, emitter: &mut Emitter<W>) {
        if let Some(connection) = self.list.get_mut(number) {
            connection.write(Side::Client, now, emitter);
            connection.write(Side::Server, now, emitter);
        }
    }

    /// Sends what waits on all connections.
    pub fn flush_all<W: Write>(&mut self, now: u64, emitter: &mut Emitter<W>) {
        for number in 0..self.list.len() {
            self.flush(number, now, emitter);
        }
    }

    /// The client sends a keep-alive, the server answers it. RFC 5626 section 3.5.1.
    pub fn keep_alive<W: Write>(&mut self, number: usize, now: u64, emitter: &mut Emitter<W>) {
        let Some(connection) = self.list.get_mut(number).filter(|connection| connection.session.is_some()) else {
            return;
        };
        for (side, bytes) in [(Side::Client, &b"\r\n\r\n"[..]), (Side::Server, b"\r\n")] {
            connection.half(side).pending.extend_from_slice(bytes);
            connection.write(side, now, emitter);
        }
    }
}

impl Connection {
    fn half(&mut self, from: Side) -> &mut Half {
        match from {
            Side::Client => &mut self.to_server,
            Side::Server => &mut self.to_client,
        }
    }

    fn open<W: Write>(&mut self, now: u64, emitter: &mut Emitter<W>) {
        let port = u16::try_from(emitter.random.between(32_768, 60_999)).unwrap_or(40_000);
        let client = SocketAddr::new(self.client.address().ip(), port);
        let bits = emitter.random.bits();
        let sequences = ((bits >> 32) as u32, (bits & 0xffff_ffff) as u32);
        let mut session = Session::new(client, self.server.address(), sequences.0, sequences.1);
        let mut time = self.free_at.max(now);
        for segment in session.opening() {
            emitter.segment(time, &segment);
            time = time.saturating_add(100 * MICROSECOND);
        }
        self.free_at = time;
        self.session = Some(session);
        self.messages = 0;
    }

    fn close<W: Write>(&mut self, now: u64, emitter: &mut Emitter<W>) {
        self.write(Side::Client, now, emitter);
        self.write(Side::Server, now, emitter);
        let mut time = self.free_at.max(now);
        let segments = self.session.take().map(|mut session| session.closing(Side::Client));
        for segment in segments.iter().flatten() {
            time = time.saturating_add(100 * MICROSECOND);
            emitter.segment(time, segment);
        }
        self.free_at = time.saturating_add(MILLISECOND);
    }

    /// Sends what waits in a direction.
    fn write<W: Write>(&mut self, from: Side, now: u64, emitter: &mut Emitter<W>) {
        let data = std::mem::take(&mut self.half(from).pending);
        let Some(session) = self.session.as_mut().filter(|_| !data.is_empty()) else { return };
        let mut cuts: Vec<usize> = (SEGMENT..data.len()).step_by(SEGMENT).collect();
        if emitter.random.chance(CUT_SHARE) {
            let length = u64::try_from(data.len()).unwrap_or(0);
            cuts.extend(usize::try_from(emitter.random.between(1, length)));
            cuts.sort_unstable();
        }
        let mut segments = session.data_cut(from, &data, &cuts);
        if segments.len() == 2 && emitter.random.chance(REORDER_SHARE) {
            segments.reverse();
        }
        // A connection that is behind sends as fast as it can, or it would never catch up.
        let pause = if self.free_at > now.saturating_add(MILLISECOND) { 0 } else { 20 * MICROSECOND };
        let mut time = self.free_at.max(now);
        for segment in &segments {
            emitter.segment(time, segment);
            time = time.saturating_add(pause);
        }
        if let Some(first) = segments.first().filter(|_| emitter.random.chance(REPEAT_SHARE)) {
            let delay = emitter.random.between(60 * MILLISECOND, 200 * MILLISECOND);
            emitter.segment(time.saturating_add(delay), first);
        }
        let sent = segments.len();
        self.half(from.other()).unacknowledged = 0;
        let half = self.half(from);
        half.unacknowledged += sent;
        if half.unacknowledged >= 2 || emitter.random.chance(ACKNOWLEDGE_SHARE) {
            half.unacknowledged = 0;
            time = time.saturating_add(emitter.random.between(pause, pause.saturating_mul(5)));
            if let Some(session) = &mut self.session {
                emitter.segment(time, &session.acknowledgment(from.other()));
            }
        }
        self.free_at = time;
        // The buffer is used again.
        let half = self.half(from);
        half.pending = data;
        half.pending.clear();
    }
}
