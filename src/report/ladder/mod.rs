//! Ladders: the messages of a call between its endpoints, from top to bottom in time, and what was found at each.

mod calls;
mod draw;
mod mermaid;
mod svg;
mod text;

use std::fmt::Display;

pub use calls::{Call, Calls};
pub use mermaid::mermaid;
pub use svg::svg;
pub(super) use svg::{Anchors, STYLE, drawing};
pub use text::text;

use crate::correlation::Place;
use crate::time::Timestamp;

/// The lanes of a ladder; endpoints beyond share the last one. More are no picture any more.
pub const MAX_LANES: usize = 12;
/// From this pause on, in nanoseconds, time stands between two messages: nothing within one transaction takes longer.
const PAUSE_NANOS: i64 = 2_000_000_000;

/// A call as a picture, before it is drawn.
#[derive(Clone, Debug)]
pub struct Ladder {
    /// The Call-ID.
    pub call_id: String,
    /// The Call-IDs of calls that are drawn with it, since a redirect leads from one to the other.
    pub linked: Vec<String>,
    /// When it began, in the form of reports.
    pub start: String,
    /// The endpoints, in order of their first message.
    pub lanes: Vec<Lane>,
    /// What happened, in order of time.
    pub steps: Vec<Step>,
    /// Which request came of which answer.
    pub joins: Vec<Join>,
    /// Messages that are not drawn because there are too many.
    pub omitted: u64,
}

/// An endpoint.
#[derive(Clone, Debug)]
pub struct Lane {
    /// Address and port.
    pub endpoint: String,
    /// The name that was given for it, and what it calls itself, as far as that is known.
    pub agent: Option<String>,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Step {
    /// When.
    pub time: Timestamp,
    /// Nanoseconds since the call began.
    pub since_start: i64,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum What {
    /// A message, with its copies.
    Arrow(Box<Arrow>),
    /// The session of a dialog expires unless it was refreshed.
    Deadline(String),
}

/// A message from one endpoint to another.
#[derive(Clone, Debug)]
pub struct Arrow {
    /// The lane of its sender.
    pub from: usize,
    /// The lane of its receiver.
    pub to: usize,
    /// Its start line.
    pub start_line: String,
    /// What it is.
    pub kind: ArrowKind,
    /// Where it is.
    pub place: Place,
    /// How often it was sent again.
    pub retransmissions: u32,
    /// How often the capture holds the same packet again.
    pub mirrors: u32,
    /// The branch of a forked request that it belongs to, from 1; 0 if the request was not forked.
    pub fork: usize,
    /// The linked call that it belongs to, from 1; 0 if it is of the call itself.
    pub linked: usize,
    /// What there is to know about it.
    pub notes: Vec<Note>,
}

/// A remark at a message.
#[derive(Clone, Debug)]
pub struct Note {
    /// What it says.
    pub text: String,
    /// Whether it is about something that is wrong.
    pub is_finding: bool,
}

/// What a message is, as far as it is drawn differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrowKind {
    /// A request.
    Request,
    /// A provisional response.
    Provisional,
    /// A success.
    Success,
    /// A redirect.
    Redirect,
    /// 422.
    IntervalTooSmall,
    /// Another failure.
    Failure,
}

/// A request that came of an answer.
#[derive(Clone, Debug)]
pub struct Join {
    /// The step of the answer.
    pub from: usize,
    /// The step of the request.
    pub to: usize,
    /// Whether it follows a redirect; else it is a retry after a 422.
    pub is_follow_up: bool,
}

impl Arrow {
    /// What stands at the arrow: a request without its version, a response without it too; with its copies.
    pub fn label(&self) -> String {
        let line = self.start_line.strip_prefix("SIP/2.0 ").or_else(|| self.start_line.strip_suffix(" SIP/2.0"));
        let mut label = line.unwrap_or(&self.start_line).to_owned();
        if self.fork > 0 {
            label.push_str(&format!(" (fork {})", self.fork));
        }
        label
    }

    /// How often it was seen, if more than once.
    pub fn copies(&self) -> Option<String> {
        let times = |count: u32, what: &str| (count > 0).then(|| format!("{what} {count} \u{d7}"));
        let parts = [times(self.retransmissions, "sent again"), times(self.mirrors, "captured again")];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

impl Ladder {
    /// The ladder with no more than so many steps: the first ones.
    pub(super) fn shortened(mut self, steps: usize) -> Self {
        self.omitted += self.steps.len().saturating_sub(steps) as u64;
        self.steps.truncate(steps);
        self.joins.retain(|join| join.from < steps && join.to < steps);
        self
    }

    /// The joins that begin or end at a step, as remarks.
    pub(super) fn join_notes(&self, step: usize) -> impl Iterator<Item = String> + '_ {
        let frame = |at: usize| match self.steps.get(at).map(|step| &step.what) {
            Some(What::Arrow(arrow)) => arrow.place.frame,
            _ => 0,
        };
        self.joins.iter().filter(move |join| join.to == step).map(move |join| {
            let what = if join.is_follow_up { "follows the redirect" } else { "tries again after the 422" };
            format!("{what} of frame {}", frame(join.from))
        })
    }
}

/// A pause that is drawn, before a step that follows another.
fn pause(before: Option<&Step>, step: &Step) -> Option<i64> {
    before.map(|before| step.time.since(before.time)).filter(|pause| *pause >= PAUSE_NANOS)
}

/// A span of time for people.
pub(super) fn duration(nanos: i64) -> String {
    let seconds = nanos / 1_000_000_000;
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let part = |count: i64, unit: &dyn Display| if count > 0 { format!("{count} {unit} ") } else { String::new() };
    let text = if seconds < 60 {
        format!("{}.{} s", seconds, nanos / 100_000_000 % 10)
    } else {
        format!("{}{}{}", part(hours, &"h"), part(minutes, &"min"), part(rest, &"s"))
    };
    text.trim_end().to_owned()
}

/// Seconds since the start, with microseconds.
pub(super) fn offset(nanos: i64) -> String {
    let micros = nanos / 1_000;
    format!("+{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_are_read_at_a_glance() {
        let second = 1_000_000_000;
        assert_eq!(duration(2_340_000_000), "2.3 s");
        assert_eq!(duration(60 * second), "1 min");
        assert_eq!(duration((3_600 + 5) * second), "1 h 5 s");
        assert_eq!(offset(12_000_034_567), "+12.000034");
    }
}
