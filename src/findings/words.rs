//! Words that the sentences of several rules share.

use crate::correlation::{Party, Seconds, Text};
use crate::sip::to_text;

/// Names an element: what it calls itself, and its address.
pub(super) fn name(party: &Party) -> String {
    match &party.agent {
        Some(agent) => format!("{} at {}", to_text(agent), party.endpoint),
        None => party.endpoint.to_string(),
    }
}

/// A URI as found.
pub(super) fn uri(uri: Option<&[u8]>) -> String {
    uri.map_or_else(|| "an unknown URI".to_owned(), to_text)
}

/// Header values as found, as the end of a sentence; nothing if there are none.
pub(super) fn quoted(values: &[Text]) -> String {
    let quotes: Vec<String> = values.iter().map(|value| format!("\"{}\"", to_text(value))).collect();
    if quotes.is_empty() { String::new() } else { format!(": {}", quotes.join(" and ")) }
}

/// The name of a party as the beginning of a sentence. What an element calls itself stays as it is.
pub(super) fn sentence(text: &str) -> String {
    text.strip_prefix("one of").map_or_else(|| text.to_owned(), |rest| format!("One of{rest}"))
}

/// What a request offers as Session-Expires.
pub(super) fn offer(value: Seconds) -> String {
    match value {
        Seconds::Absent => "no session interval".to_owned(),
        Seconds::Malformed => "an unreadable Session-Expires".to_owned(),
        Seconds::Value(seconds) => format!("Session-Expires {seconds} s"),
    }
}

/// A header value in seconds.
pub(super) fn seconds(value: Seconds) -> String {
    match value {
        Seconds::Absent => "no value".to_owned(),
        Seconds::Malformed => "an unreadable value".to_owned(),
        Seconds::Value(seconds) => format!("{seconds} s"),
    }
}

/// A status code, or that there was none.
pub(super) fn status(status: Option<u16>) -> String {
    status.map_or_else(|| "without a final answer".to_owned(), |status| format!("with {status}"))
}
