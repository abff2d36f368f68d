//! Words that options of several commands take.

use std::str::FromStr;

use clap::ValueEnum;
use jiff::tz::TimeZone;

use reinvite::findings::Severity;

/// A severity.
#[derive(Clone, Copy, Debug, serde::Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Info,
    Notice,
    Warning,
    Error,
}

impl From<Level> for Severity {
    fn from(level: Level) -> Self {
        match level {
            Level::Info => Self::Info,
            Level::Notice => Self::Notice,
            Level::Warning => Self::Warning,
            Level::Error => Self::Error,
        }
    }
}

/// For people or for programs.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ListFormat {
    Text,
    Json,
}

/// When progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum Shown {
    Auto,
    Always,
    Never,
}

/// A time zone by its name, such as Europe/Berlin.
#[derive(Clone, Debug)]
pub(super) struct Zone(pub(super) TimeZone);

impl FromStr for Zone {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        // The zones that come with the program are the same on every machine.
        jiff::tz::TimeZoneDatabase::bundled()
            .get(name)
            .map(Self)
            .map_err(|_| format!("no time zone is named {name:?}; names are such as Europe/Berlin or UTC"))
    }
}
