//! Both ends of a TCP connection, with their sequence numbers.
//!
//! Everything comes back as values: what a network may do to them (repeat, reorder, lose) is up to the caller.

use super::packet::{MICROSECOND, Packet, Wire};
use super::tcp::{ACK, FIN, PSH, RST, SYN, Segment};
use std::net::SocketAddr;

/// An end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that opened it.
    Client,
    /// The one that listened.
    Server,
}

impl Side {
    /// The other end.
    pub fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// One end: where it is, and the next sequence number it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    address: SocketAddr,
    next: u32,
}

/// A TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    client: End,
    server: End,
}

impl Session {
    /// A connection not yet opened, whose ends start at these sequence numbers.
    pub fn new(client: SocketAddr, server: SocketAddr, client_sequence: u32, server_sequence: u32) -> Self {
        Self {
            client: End { address: client, next: client_sequence },
            server: End { address: server, next: server_sequence },
        }
    }

    /// The next segment of an end, which moves its sequence number on.
    pub fn segment<'a>(&mut self, from: Side, flags: u8, payload: &'a [u8]) -> Segment<'a> {
        let (sender, receiver) = match from {
            Side::Client => (&mut self.client, &self.server),
            Side::Server => (&mut self.server, &self.client),
        };
        let segment = Segment {
            source: sender.address,
            destination: receiver.address,
            sequence: sender.next,
            acknowledgment: if flags & ACK == 0 { 0 } else { receiver.next },
            flags,
            payload,
        };
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        sender.next = sender.next.wrapping_add(length).wrapping_add(u32::from(flags & (SYN | FIN) != 0));
        segment
    }

    /// The three segments that open the connection.
    pub fn opening(&mut self) -> [Segment<'static>; 3] {
        [
            self.segment(Side::Client, SYN, &[]),
            self.segment(Side::Server, SYN | ACK, &[]),
            self.segment(Side::Client, ACK, &[]),
        ]
    }

    /// The three segments that close the connection, begun by one end.
    pub fn closing(&mut self, first: Side) -> [Segment<'static>; 3] {
        [
            self.segment(first, FIN | ACK, &[]),
            self.segment(first.other(), FIN | ACK, &[]),
            self.segment(first, ACK, &[]),
        ]
    }

    /// Data in one segment.
    pub fn data<'a>(&mut self, from: Side, payload: &'a [u8]) -> Segment<'a> {
        self.segment(from, ACK | PSH, payload)
    }

    /// Data cut into segments at the given offsets (rising; those beyond the end are ignored).
    pub fn data_cut<'a>(&mut self, from: Side, payload: &'a [u8], cuts: &[usize]) -> Vec<Segment<'a>> {
        let mut rest = payload;
        let mut at = 0;
        let mut segments = Vec::new();
        for cut in cuts {
            if let Some((piece, tail)) = rest.split_at_checked(cut.saturating_sub(at)) {
                at = at.saturating_add(piece.len());
                rest = tail;
                segments.push(self.segment(from, ACK, piece));
            }
        }
        segments.push(self.segment(from, ACK | PSH, rest));
        segments
    }

    /// An acknowledgment without data.
    pub fn acknowledgment(&mut self, from: Side) -> Segment<'static> {
        self.segment(from, ACK, &[])
    }

    /// A reset.
    pub fn reset(&mut self, from: Side) -> Segment<'static> {
        self.segment(from, RST | ACK, &[])
    }
}

/// Frames of segments, `MICROSECOND`s apart.
pub fn frames(wire: &mut Wire, time: u64, segments: &[Segment<'_>]) -> Vec<Packet> {
    let times = (0u64..).map(|index| time.saturating_add(index * MICROSECOND));
    segments.iter().zip(times).map(|(segment, time)| wire.tcp(time, segment)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_follow_the_data_and_wrap() {
        let address = |text: &str| text.parse().unwrap();
        let mut session = Session::new(address("192.0.2.1:40000"), address("192.0.2.2:5060"), u32::MAX, 100);
        let [syn, syn_ack, ack] = session.opening();
        assert_eq!((syn.sequence, syn_ack.acknowledgment, ack.sequence, ack.acknowledgment), (u32::MAX, 0, 0, 101));
        let pieces = session.data_cut(Side::Client, b"0123456789", &[3, 7, 99]);
        let seen: Vec<(u32, &[u8])> = pieces.iter().map(|piece| (piece.sequence, piece.payload)).collect();
        assert_eq!(seen, [(0, &b"012"[..]), (3, &b"3456"[..]), (7, &b"789"[..])]);
        assert_eq!(session.acknowledgment(Side::Server).acknowledgment, 10);
        let [_, _, last] = session.closing(Side::Server);
        assert_eq!((last.source.port(), last.sequence, last.acknowledgment), (5060, 102, 11));
    }
}
