//! Captures: paths and streams in, windows of whole records out, and the frames in them.
//!
//! A [`Feeder`] reads large blocks into recycled buffers, walks the record headers, and hands out [`Batch`]es of
//! [`Window`]s that begin and end at true record boundaries. Whoever asks does the reading, one at a time, and iterates over
//! [`Window::frames`]. Archives are unpacked, and pipes read, by threads of their own. Nothing here looks into a packet.
//!
//! **Invariant.** Sizes of windows and batches change where the bytes are cut and nothing else: frame numbers, times,
//! watermarks, sources and link types are functions of the records alone.
//!
//! # Order
//!
//! The global order of frames is (watermark, rank, number). The watermark is the capture time known to be reached in the
//! source of the frame ([`Watermark`]); the rank of an input is its place when the inputs are sorted by the time of
//! their first frame, then path, then place on the command line; the number counts the frames of an input from 1, as
//! Wireshark does. Within a source that is the order in which the frames were captured. Batches follow this order: every frame of a batch
//! comes before every frame of the next one. Within a batch, the windows of one source are in order.
//!
//! # What counts as a frame
//!
//! What Wireshark 4.0 numbers: all records of pcap; in pcapng the Enhanced, Simple and obsolete Packet Blocks, and, as
//! frames with [`LinkType::NO_PACKET`](crate::net::LinkType::NO_PACKET), custom blocks, systemd journal entries and sysdig events.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod again;
mod compression;
mod cursor;
mod erf;
mod expand;
mod feeder;
mod files;
mod format;
mod frame;
mod info;
mod interface;
mod netmon;
mod pattern;
mod pcap;
mod pcapng;
mod problem;
mod read_ahead;
mod reader;
mod records;
mod snoop;
mod source;
mod watermark;
mod window;
mod writer;

#[cfg(test)]
mod testing;

pub use again::read_again;
pub use compression::Compression;
pub(crate) use erf::within as erf_within;
pub use feeder::{Batch, CaptureOptions, Feeder, SourcePolicy};
pub use format::Format;
pub use frame::Frame;
pub use info::InputInfo;
pub use problem::{Damage, Found, Problem};
pub use watermark::Watermark;
pub use window::{Frames, Window};
pub use writer::{PacketToWrite, Writer};
