//! Options from a file, in TOML, with the names that they have on the command line. What stands on the command line wins.

use std::fmt::{self, Display};
use std::fs;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};

use reinvite::correlation::{MethodName, Network, Pattern, StatusCodes};
use reinvite::findings::Settings;
use reinvite::time::Timestamp;

use super::analyze::{Dialogs, Source};
use super::words::{Level, Shown, Zone};

/// What a file can say.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Config {
    pub(super) output: Many<PathBuf>,
    pub(super) format: Option<String>,
    pub(super) compact: bool,
    pub(super) dialogs: Option<Dialogs>,
    pub(super) select: Many<String>,
    pub(super) ignore: Many<String>,
    pub(super) min_severity: Option<Level>,
    pub(super) fail_on: Option<Level>,
    pub(super) baseline: Many<PathBuf>,
    pub(super) from: Many<Pattern>,
    pub(super) to: Many<Pattern>,
    pub(super) call_id: Many<Pattern>,
    pub(super) host: Many<Network>,
    pub(super) method: Many<MethodName>,
    pub(super) status: Many<StatusCodes>,
    pub(super) since: Option<One<Timestamp>>,
    pub(super) until: Option<One<Timestamp>>,
    pub(super) extract: Option<PathBuf>,
    pub(super) leg_header: Many<String>,
    pub(super) redact: bool,
    pub(super) redact_key: Option<String>,
    pub(super) aliases: Option<PathBuf>,
    pub(super) source: Option<Source>,
    pub(super) threads: Option<usize>,
    pub(super) timezone: Option<One<Zone>>,
    pub(super) progress: Option<Shown>,
    pub(super) quiet: bool,
    pub(super) verbose: bool,
    /// Thresholds of rules; they can be set here only.
    pub(super) settings: Settings,
}

impl Config {
    /// Reads a file; what is wrong with it is said with its line.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|problem| format!("{}: {problem}", path.display()))?;
        toml::from_str(&text).map_err(|problem| format!("{}: {}", path.display(), problem.to_string().trim_end()))
    }
}

/// Values of an option that can be given several times: a list, or one alone.
#[derive(Debug)]
pub(super) struct Many<T>(Vec<T>);

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Many<T> {
    /// Those of the command line, or if there are none, these.
    pub(super) fn unless(self, given: &mut Vec<T>) {
        if given.is_empty() {
            *given = self.0;
        }
    }
}

/// A value that is read as on the command line.
#[derive(Debug)]
pub(super) struct One<T>(pub(super) T);

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for One<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word<T>(PhantomData<T>);
        impl<T: FromStr<Err: Display>> Visitor<'_> for Word<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
                text.parse().map_err(de::Error::custom)
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
                self.visit_str(&number.to_string())
            }
        }
        deserializer.deserialize_any(Word(PhantomData)).map(Self)
    }
}

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Values<T>(PhantomData<T>);
        impl<'de, T: FromStr<Err: Display>> Visitor<'de> for Values<T> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<T>, E> {
                text.parse().map(|value| vec![value]).map_err(de::Error::custom)
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Vec<T>, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Vec<T>, A::Error> {
                let mut all = Vec::new();
                while let Some(One(value)) = values.next_element()? {
                    all.push(value);
                }
                Ok(all)
            }
        }
        deserializer.deserialize_any(Values(PhantomData)).map(Self)
    }
}
