//! SIP: from bytes to messages (RFC 3261 7, 18.3, 19, 20, 25), tolerant of what real elements send.
//!
//! Everything here is pure: a message borrows the bytes it was read from, keeps the order and spelling of the wire, and says
//! what was odd about it. Only [`Framer`] keeps state, for one direction of a stream. Nothing here knows what a call is.
//!
//! ```
//! use reinvite::sip::{Message, Refresher};
//!
//! let message = Message::parse(
//!     b"SIP/2.0 422 Session Interval Too Small\r\n\
//!       Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\nf: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\ni: c\r\nCSeq: 1 INVITE\r\n\
//!       x: 90;refresher=uac\r\nMin-SE: 1800\r\nReason: SIP;cause=422, Q.850\r\nMax-Forwards: many\r\n\r\n",
//! )?;
//! assert!(message.correlates() && message.anomalies().is_empty());
//! assert_eq!(message.min_se().unwrap()?.seconds, 1800);
//! assert_eq!(message.session_expires().unwrap()?.refresher, Some(Refresher::Uac));
//! assert_eq!(message.reasons().next().unwrap()?.cause, Some(422));
//! let error = message.max_forwards().unwrap().unwrap_err();
//! assert!(message.raw()[error.offset..].starts_with(b"many"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What it does not do: decompress SigComp (RFC 3320), read bodies other than session descriptions, or believe a start line anywhere but where one must be.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod anomaly;
mod framer;
mod header;
mod host;
mod lines;
mod message;
mod recognize;
mod scan;
mod sdp;
mod start_line;
mod text;
mod token;
mod uri;
mod uri_equality;

pub use anomaly::Anomaly;
pub use framer::{Framed, Framer, FramerStats, FramerVerdict};
pub use header::{
    CSeq, Contact, Event, HEADERS, Header, HeaderError, HeaderKind, HeaderName, HeaderRow, ListValues, MinSe, NameAddr,
    Param, ParamIter, Params, RAck, Reason, Refresher, Replaces, RetryAfter, SessionExpires, SessionId, Via, Warning,
    unescape_quoted, unquote,
};
pub use host::Host;
pub use message::{ContactList, Contacts, Malformed, Message, Values};
pub use recognize::{looks_like_sip, may_be_sip};
pub use sdp::{Direction, Sdp, SdpCause, SdpConnection, SdpError, SdpMedia, SdpOrigin, origin_version};
pub use start_line::{NotSip, StartLine};
pub use text::{as_text, to_text};
pub(crate) use token::is_token;
pub use uri::{SipUri, TelUri, Uri, UriError};

#[cfg(test)]
mod properties_tests;
#[cfg(test)]
mod torture;
