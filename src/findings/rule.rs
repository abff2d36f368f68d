//! What a rule and a finding are.

use super::redirects::{RedirectCase, TogetherCase};
use super::session::DialogCase;
use super::timer_endings::EndingsCase;
use super::timer_sources::SourceCase;
use super::timers::NegotiationCase;
use crate::correlation::{Evidence, OddGroup, Place, Text, Watch};
use crate::time::Timestamp;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Odd, or a matter of taste.
    Notice,
    /// Likely to cost calls or time.
    Warning,
    /// Against a MUST of a standard, or a call was lost.
    Error,
}

impl Severity {
    /// All of them, mildest first, with the names used in reports.
    pub const NAMED: [(&'static str, Self); 4] =
        [("info", Self::Info), ("notice", Self::Notice), ("warning", Self::Warning), ("error", Self::Error)];

    /// The name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// One level milder.
    pub const fn milder(self) -> Self {
        match self {
            Self::Error => Self::Warning,
            Self::Warning => Self::Notice,
            Self::Notice | Self::Info => Self::Info,
        }
    }
}

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confidence {
    /// The frames show it.
    Strong,
    /// Another reading is possible.
    Medium,
    /// Rests on a weak link between calls.
    Weak,
}

impl Confidence {
    /// The name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Strong => "strong",
            Self::Medium => "medium",
            Self::Weak => "weak",
        }
    }
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A request and its answer.
    Exchange,
    /// A series of 422 answers.
    Negotiation,
    /// A series of redirects.
    Chain,
    /// A dialog.
    Dialog,
    /// A client, or another element, over several calls.
    Client,
    /// An input.
    Capture,
}

impl Scope {
    /// The name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exchange => "exchange",
            Self::Negotiation => "negotiation",
            Self::Chain => "chain",
            Self::Dialog => "dialog",
            Self::Client => "client",
            Self::Capture => "capture",
        }
    }
}

/// A value that a decision rests on.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Not known, or not there.
    None,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Number(u64),
    /// A number of milliseconds or seconds with a fraction.
    Decimal(f64),
    /// A text from the network, as on the wire.
    Text(Text),
    /// A word of ours.
    Word(&'static str),
    /// Several values.
    List(Vec<Self>),
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Number(value)
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Text(value.into())
    }
}

impl From<&[Text]> for Value {
    fn from(values: &[Text]) -> Self {
        Self::List(values.iter().map(|value| value.as_ref().into()).collect())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::None, Into::into)
    }
}

/// What a rule looks at.
#[derive(Clone, Copy)]
pub enum Check {
    /// A redirect.
    Redirect(fn(&'static Rule, &RedirectCase<'_>, &mut Vec<Finding>)),
    /// A redirect, with what other calls say about it.
    Together(fn(&'static Rule, &TogetherCase<'_>, &mut Vec<Finding>)),
    /// A negotiation.
    Negotiation(fn(&'static Rule, &NegotiationCase<'_>, &mut Vec<Finding>)),
    /// What is odd about an element or an input.
    Oddity(fn(&'static Rule, &OddGroup, &mut Vec<Finding>)),
    /// A call with its dialogs.
    Dialog(fn(&'static Rule, &DialogCase<'_>, &mut Vec<Finding>)),
    /// An element, over all its calls.
    Source(fn(&'static Rule, &SourceCase<'_>, &mut Vec<Finding>)),
    /// Calls of the same two parties that ended alike when their sessions were about to expire.
    Endings(fn(&'static Rule, &EndingsCase<'_>, &mut Vec<Finding>)),
}

/// A rule: a row of [`RULES`](super::RULES).
pub struct Rule {
    /// Its name, after the defect.
    pub id: &'static str,
    /// The severity it has when nothing speaks against it.
    pub severity: Severity,
    /// What it says, in one line.
    pub summary: &'static str,
    /// What it means and when one sees it.
    pub explanation: &'static str,
    /// How to fix it.
    pub remedy: &'static str,
    /// RFC and section.
    pub references: &'static [&'static str],
    /// The functions that decide, one for each kind of facts it looks at.
    pub checks: &'static [Check],
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}

/// Something that a rule found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// How much it matters here.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// What it is about.
    pub scope: Scope,
    /// What it points at: its id is made of it.
    pub place: Place,
    /// When that was seen.
    pub time: Timestamp,
    /// The Call-ID.
    pub call_id: Text,
    /// What was found, in one sentence with the values.
    pub summary: String,
    /// What to do, with the values.
    pub remediation: String,
    /// The values that the decision rests on.
    pub values: Vec<(&'static str, Value)>,
    /// The frames that show it.
    pub evidence: Vec<Evidence>,
    /// What is known of the place of capture.
    pub context: Vec<(&'static str, bool)>,
    /// What must hold for it to be said at all.
    pub watch: Option<Watch>,
}
