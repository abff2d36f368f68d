//! SIP: from bytes to messages (RFC 3261 7, 18.3, 19, 20, 25), tolerant of what real elements send.
//!
//! Everything here is pure: a message borrows the bytes it was read from, keeps the order and spelling of the wire, and says
//! what was odd about it. Only [`Framer`] keeps state, for one direction of a stream. Nothing here knows what a call is.
//!
//! What it does not do: decompress SigComp (RFC 3320), look into bodies, or believe a start line anywhere but where one must be.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod anomaly;
mod framer;
mod header;
mod host;
mod lines;
mod message;
mod recognize;
mod scan;
mod start_line;
mod text;
mod token;
mod uri;
mod uri_equality;

pub use anomaly::Anomaly;
pub use framer::{Framed, Framer, FramerStats, FramerVerdict};
pub use header::{
    CSeq, Contact, HEADERS, Header, HeaderError, HeaderKind, HeaderName, HeaderRow, ListValues, MinSe, NameAddr, Param,
    ParamIter, Params, Refresher, SessionExpires, Via, unescape_quoted, unquote,
};
pub use host::Host;
pub use message::{ContactList, Contacts, Message, Values};
pub use recognize::looks_like_sip;
pub use start_line::{NotSip, StartLine};
pub use text::{as_text, to_text};
pub use uri::{SipUri, TelUri, Uri, UriError};

#[cfg(test)]
mod torture;
