//! Made-up network traffic with a known content: frames, SIP text, capture files and whole populations of calls.
//!
//! Independent of the library on purpose: what a capture holds is known from how it was made, not from reading it.
//! Frames are values ([`packet::Packet`]), so that a test can shuffle, repeat, cut or drop them before they are written.
//!
//! Bottom up: [`link`], [`ip`], [`fragment`], [`udp`], [`tcp`] write headers; [`packet`] and [`session`] give whole frames;
//! [`pcap`], [`pcapng`] and [`vendors`] write files; [`sip`] writes messages; [`calls`] plays calls and knows the truth about them.

pub mod calls;
pub mod fragment;
pub mod ip;
pub mod link;
pub mod packet;
pub mod pcap;
pub mod pcapng;
pub mod random;
pub mod session;
pub mod sip;
pub mod tcp;
pub mod udp;
pub mod vendors;
