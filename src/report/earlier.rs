//! An earlier report, as far as baselines and comparisons read it. What is not needed is skipped, so that its size does not matter.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::model::SCHEMA_VERSION;
use crate::findings::Fingerprint;

/// An earlier report.
#[derive(Clone, Debug, Deserialize)]
pub struct Earlier {
    schema_version: String,
    /// Its inputs.
    pub inputs: Vec<EarlierInput>,
    /// Its counts.
    pub summary: EarlierSummary,
    /// Its findings.
    pub findings: Vec<EarlierFinding>,
}

/// An input of an earlier report.
#[derive(Clone, Debug, Deserialize)]
pub struct EarlierInput {
    /// As it was named.
    pub path: String,
    /// Whether it was read to its end.
    pub complete: bool,
}

/// The counts of an earlier report.
#[derive(Clone, Debug, Deserialize)]
pub struct EarlierSummary {
    /// SIP messages.
    pub sip_messages: u64,
    /// Distinct Call-IDs.
    pub calls: u64,
    /// Redirects.
    pub redirects: EarlierCounts,
    /// Negotiations.
    pub negotiations: EarlierCounts,
}

/// How many results of a kind an earlier report has.
#[derive(Clone, Debug, Deserialize)]
pub struct EarlierCounts {
    /// All.
    pub total: u64,
    /// By status code, where they differ in it.
    #[serde(default)]
    pub by_status: BTreeMap<String, u64>,
    /// By outcome.
    pub by_outcome: BTreeMap<String, u64>,
}

/// A finding of an earlier report.
#[derive(Clone, Debug, Deserialize)]
pub struct EarlierFinding {
    /// The rule.
    pub rule: String,
    /// info, notice, warning, error.
    pub severity: String,
    /// What was found.
    pub summary: String,
    /// What to do.
    pub remediation: String,
    fingerprint: String,
    /// Its identity.
    #[serde(skip)]
    pub identity: Fingerprint,
}

/// Why an earlier report cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EarlierError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is no report.
    #[error("{}: not a JSON report of reinvite: {source}", path.display())]
    NoReport {
        /// The file.
        path: PathBuf,
        /// Where and why reading it ended.
        source: serde_json::Error,
    },
    /// Its shape is that of another major version.
    #[error("{}: has schema version {version}, and this program reads those of {SCHEMA_VERSION}", path.display())]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: String,
    },
    /// A fingerprint is none.
    #[error("{}: {text:?} is no fingerprint of a finding", path.display())]
    NoFingerprint {
        /// The file.
        path: PathBuf,
        /// What stands there.
        text: String,
    },
}

impl Earlier {
    /// Reads a report from its JSON file.
    ///
    /// # Errors
    ///
    /// [`EarlierError`] if the file is no report that this program can compare with.
    pub fn read(path: &Path) -> Result<Self, EarlierError> {
        let file = File::open(path).map_err(|source| EarlierError::Unreadable { path: path.to_owned(), source })?;
        let mut report: Self = serde_json::from_reader(BufReader::new(file)).map_err(|source| {
            if source.is_io() {
                EarlierError::Unreadable { path: path.to_owned(), source: source.into() }
            } else {
                EarlierError::NoReport { path: path.to_owned(), source }
            }
        })?;
        let major = |version: &str| version.split('.').next().map(str::to_owned);
        if major(&report.schema_version) != major(SCHEMA_VERSION) {
            return Err(EarlierError::OtherVersion { path: path.to_owned(), version: report.schema_version });
        }
        for finding in &mut report.findings {
            let text = std::mem::take(&mut finding.fingerprint);
            match text.parse() {
                Ok(identity) => finding.identity = identity,
                Err(_) => return Err(EarlierError::NoFingerprint { path: path.to_owned(), text }),
            }
        }
        Ok(report)
    }
}
