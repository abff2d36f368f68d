//! Headers: their names, and the grammar of those that matter here.
//!
//! Every function here works on the complete value of one header: there is no waiting for more bytes.

mod contact;
mod cseq;
mod event;
mod list;
mod name;
mod name_addr;
mod params;
mod rack;
mod reason;
mod replaces;
mod retry_after;
mod session_id;
mod session_timer;
mod table;
mod via;
mod warning;

pub use contact::Contact;
pub use cseq::CSeq;
pub use event::Event;
pub use list::ListValues;
pub use name_addr::NameAddr;
pub use params::{Param, ParamIter, Params, unescape_quoted, unquote};
pub use rack::RAck;
pub(in crate::sip) use rack::number32;
pub use reason::Reason;
pub use replaces::Replaces;
pub use retry_after::RetryAfter;
pub use session_id::SessionId;
pub(in crate::sip) use session_timer::delta_seconds;
pub use session_timer::{MinSe, Refresher, SessionExpires};
pub use table::{HEADERS, HeaderKind, HeaderName, HeaderRow};
pub use via::Via;
pub use warning::Warning;

/// A header of a message, as it stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Which header it is.
    pub name: HeaderName,
    /// The name as it is written.
    pub raw_name: &'a [u8],
    /// The value as it is written, folds included, without white space at its start and end.
    pub value: &'a [u8],
    /// Where its line begins in the message.
    pub offset: u32,
}

/// Why a header has no value of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum HeaderError {
    /// The message has no such header.
    #[error("the header is missing")]
    Missing,
    /// There is nothing where the value must be.
    #[error("the value is empty")]
    Empty,
    /// A `<` without `>`.
    #[error("a bracket does not end")]
    UnterminatedBracket,
    /// An address without a URI.
    #[error("there is no URI")]
    NoUri,
    /// No decimal number where one must be.
    #[error("it is not a number")]
    NotANumber,
    /// A number beyond the range of its type.
    #[error("the number is too large")]
    NumberTooLarge,
    /// No method behind the number of a CSeq.
    #[error("there is no method")]
    NoMethod,
    /// No `SIP/2.0/transport` where it must be.
    #[error("there is no protocol")]
    NoProtocol,
    /// No host where one must be.
    #[error("there is no host")]
    NoHost,
    /// A port that is no number up to 65535.
    #[error("the port is not valid")]
    InvalidPort,
    /// A q-value that is not between 0 and 1 with at most three decimals.
    #[error("the q-value is not valid")]
    InvalidQ,
    /// `*` beside other values.
    #[error("the wildcard stands beside others")]
    WildcardBesideOthers,
    /// A comment that does not end.
    #[error("a comment does not end")]
    UnterminatedComment,
    /// No quoted string where one must be.
    #[error("there is no quoted text")]
    NoQuotedText,
    /// No tag where one must be.
    #[error("a tag is missing")]
    NoTag,
    /// Not 32 hexadecimal digits.
    #[error("it is not a UUID")]
    NotAUuid,
    /// Text that the grammar does not know behind the value.
    #[error("there is text behind the value")]
    TextBehindValue,
}
