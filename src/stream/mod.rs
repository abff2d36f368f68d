//! TCP connections: decides which are for us, and hands their bytes to whoever reads them.
//!
//! The room does not know what it looks for: a [`Consumer`] reads each direction and says whether it is.

mod connection;
mod flow_table;
mod hep;
mod opening;
mod stats;
#[cfg(test)]
mod tests;
mod websocket;

pub use self::connection::Connection;
pub use self::flow_table::FlowTable;
pub use self::hep::{HepStats, HepStream};
pub use self::stats::StreamStats;
pub use self::websocket::{Recognise, WebSocket, WebSocketStats};

use crate::extent::Extent;
use crate::reassembly::{Arrival, Direction, FlowKey};

/// What a consumer makes of the bytes it has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// They say nothing yet.
    #[default]
    Undecided,
    /// This is what the consumer reads; it settles both directions.
    Ours,
    /// This is something else; the other direction may still say otherwise.
    NotOurs,
}

/// Reads one direction of one TCP connection.
///
/// After [`Consumer::finish`] nothing more comes. A connection that is not for us is dropped without it.
pub trait Consumer {
    /// What the caller of [`FlowTable::segment`] has ready for it, such as where results go.
    type Context;

    /// A consumer for a direction of a new connection.
    fn open(key: &FlowKey, direction: Direction) -> Self;

    /// The stream is seen from its first byte on: nothing has come yet, unless a SYN came late.
    fn begins(&mut self);

    /// Takes the next bytes. They come as they were cut into segments. `arrival` is the frame by which everything up to
    /// their end had arrived; `extent` has the length 0 when it is not known where they lie.
    fn data(&mut self, bytes: &[u8], extent: Extent, arrival: &Arrival, context: &mut Self::Context);

    /// The capture lacks the next `length` bytes.
    fn gap(&mut self, length: u64, context: &mut Self::Context);

    /// What comes next has nothing to do with what came before.
    fn reset(&mut self, context: &mut Self::Context);

    /// The stream is over.
    fn finish(&mut self, context: &mut Self::Context);

    /// What the bytes so far say.
    fn verdict(&self) -> Verdict;

    /// Memory for what is no whole message yet, about, in bytes.
    fn memory(&self) -> usize;

    /// Frees that memory. What was not given away is lost.
    fn shed(&mut self, context: &mut Self::Context);
}
