//! Dialogs and their messages.

use std::borrow::Cow;

use arrayvec::ArrayString;
use schemars::JsonSchema;
use serde::Serialize;

/// The session timer of a dialog.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct SessionTimer {
    /// The interval in force at last.
    pub interval_s: u64,
    /// uac, uas: as the header of that answer says.
    pub refresher: Option<&'static str>,
    /// Answered refreshes.
    pub refreshes: u64,
    /// When the session expires, or expired, last.
    pub last_deadline: String,
}

/// The message that another repeats.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct RepeatOf {
    /// Index of the input.
    pub input: u32,
    /// The frame.
    pub frame: u64,
    /// retransmission, mirror_duplicate.
    pub kind: &'static str,
}

/// Short text of a message, of which there may be hundreds of thousands: it needs no memory of its own. The longest is an IPv6
/// address that ends in an IPv4 one, in brackets and with a port.
pub type Short = ArrayString<56>;

/// A message of a dialog.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Message<'a> {
    /// Index of the input.
    pub input: u32,
    /// The frame.
    pub frame: u64,
    /// When it was captured.
    pub time: Short,
    /// Who sent it.
    pub src: Short,
    /// Where to.
    pub dst: Short,
    /// The start line.
    pub start_line: Cow<'a, str>,
    /// Number and method.
    pub cseq: Short,
    /// What it repeats.
    pub repeat_of: Option<RepeatOf>,
}

/// A dialog, or a call that came to none.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Dialog<'a> {
    /// The Call-ID.
    pub call_id: String,
    /// The tag of the caller.
    pub from_tag: String,
    /// The tag of the callee; null where no dialog came about.
    pub to_tag: Option<String>,
    /// invite, or the method in lower case.
    pub kind: String,
    /// early, confirmed, terminated; none where no dialog came about.
    pub state: &'static str,
    /// The URI of the caller.
    pub from: String,
    /// The URI of the callee.
    pub to: String,
    /// When its first message was seen.
    pub start_time: String,
    /// When it was answered.
    pub answer_time: Option<String>,
    /// When it ended.
    pub end_time: Option<String>,
    /// bye, rejected, cancelled.
    pub end_cause: Option<&'static str>,
    /// Its session timer.
    pub session_timer: Option<SessionTimer>,
    /// Its messages; those of the call before it stand with its first dialog.
    pub messages: Vec<Message<'a>>,
    /// Messages not listed because there are too many.
    pub messages_omitted: u64,
}
