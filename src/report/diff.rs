//! What changed from one report to the next: which defects are new, which are gone, and whether it got worse.

use std::collections::BTreeMap;
use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::earlier::{Earlier, EarlierCounts, EarlierFinding};
use super::escape::visible;
use super::model::SCHEMA_VERSION;
use crate::findings::{Fingerprint, Severity};

/// Outcomes in which a call was lost or may have been.
const BAD_OUTCOMES: [&str; 5] = ["abandoned", "failed", "looped", "no_target", "not_followed"];

/// What changed.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Diff {
    /// The version of the shape of reports.
    pub schema_version: &'static str,
    /// Whether the new report is worse.
    pub worse: bool,
    /// Why, in sentences.
    pub reasons: Vec<String>,
    /// Whether all inputs of both were read to their end.
    pub complete: bool,
    /// Counts that differ or that are about outcomes.
    pub counts: Vec<Count>,
    /// Findings that the old report has not, each subject once.
    pub new_findings: Vec<Change>,
    /// Findings that the new report has no more.
    pub gone_findings: Vec<Change>,
    /// Findings that both have, but not as severe or not as often.
    pub changed_findings: Vec<Change>,
}

/// A count in both reports.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Count {
    /// Its name: the section, and the outcome or status.
    pub name: String,
    /// In the old report.
    pub old: u64,
    /// In the new one.
    pub new: u64,
}

/// A finding about one subject.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Change {
    /// Its identity.
    pub fingerprint: String,
    /// The rule.
    pub rule: String,
    /// The highest severity, in the new report if it is there.
    pub severity: String,
    /// How often it is in the old report.
    pub old: u64,
    /// How often in the new one.
    pub new: u64,
    /// What was found, the first time.
    pub summary: String,
    /// What to do.
    pub remediation: String,
}

/// What one report says of one subject.
struct Said<'a> {
    first: &'a EarlierFinding,
    severity: Severity,
    times: u64,
}

fn severity(name: &str) -> Severity {
    // An unknown one is of a later version; it is better taken too seriously than not at all.
    Severity::NAMED.iter().find(|(known, _)| *known == name).map_or(Severity::Error, |(_, severity)| *severity)
}

fn by_subject(report: &Earlier) -> BTreeMap<Fingerprint, Said<'_>> {
    let mut all: BTreeMap<Fingerprint, Said<'_>> = BTreeMap::new();
    for finding in &report.findings {
        let severity = severity(&finding.severity);
        let said = all.entry(finding.identity).or_insert(Said { first: finding, severity, times: 0 });
        said.severity = said.severity.max(severity);
        said.times += 1;
    }
    all
}

/// Compares two reports. It got worse if a defect of the severity `least` or above is new or became that severe, or if more
/// calls, and a larger share of them, ended badly.
pub fn diff(old: &Earlier, new: &Earlier, least: Severity) -> Diff {
    let mut reasons = Vec::new();
    let (before, after) = (by_subject(old), by_subject(new));
    let change = |identity: &Fingerprint, said: &Said<'_>, times: (u64, u64)| Change {
        fingerprint: identity.to_string(),
        rule: said.first.rule.clone(),
        severity: said.severity.name().to_owned(),
        old: times.0,
        new: times.1,
        summary: said.first.summary.clone(),
        remediation: said.first.remediation.clone(),
    };
    let (mut new_findings, mut changed_findings) = (Vec::new(), Vec::new());
    for (identity, said) in &after {
        match before.get(identity) {
            None => {
                if said.severity >= least {
                    reasons.push(format!("new {}: {}: {}", said.severity.name(), said.first.rule, said.first.summary));
                }
                new_findings.push(change(identity, said, (0, said.times)));
            }
            Some(known) if (known.severity, known.times) != (said.severity, said.times) => {
                if said.severity >= least && said.severity > known.severity {
                    reasons.push(format!(
                        "{} instead of {}: {}: {}",
                        said.severity.name(),
                        known.severity.name(),
                        said.first.rule,
                        said.first.summary
                    ));
                }
                changed_findings.push(change(identity, said, (known.times, said.times)));
            }
            Some(_) => {}
        }
    }
    let gone = before.iter().filter(|(identity, _)| !after.contains_key(identity));
    let mut gone_findings: Vec<Change> = gone.map(|(identity, said)| change(identity, said, (said.times, 0))).collect();
    for list in [&mut new_findings, &mut gone_findings, &mut changed_findings] {
        list.sort_by(|one, other| {
            let order = |change: &Change| std::cmp::Reverse(severity(&change.severity));
            (order(one), &one.rule, &one.summary).cmp(&(order(other), &other.rule, &other.summary))
        });
    }
    let counts = counts(old, new, &mut reasons);
    let complete = old.inputs.iter().chain(&new.inputs).all(|input| input.complete);
    Diff {
        schema_version: SCHEMA_VERSION,
        worse: !reasons.is_empty(),
        reasons,
        complete,
        counts,
        new_findings,
        gone_findings,
        changed_findings,
    }
}

fn counts(old: &Earlier, new: &Earlier, reasons: &mut Vec<String>) -> Vec<Count> {
    let (before, after) = (&old.summary, &new.summary);
    let mut counts = vec![
        Count { name: "sip_messages".to_owned(), old: before.sip_messages, new: after.sip_messages },
        Count { name: "calls".to_owned(), old: before.calls, new: after.calls },
    ];
    let sections = [
        ("redirects", &before.redirects, &after.redirects),
        ("negotiations", &before.negotiations, &after.negotiations),
    ];
    for (section, before, after) in sections {
        counts.push(Count { name: section.to_owned(), old: before.total, new: after.total });
        for (name, old, new) in pairs(&before.by_status, &after.by_status) {
            counts.push(Count { name: format!("{section}.{name}"), old, new });
        }
        for (name, old, new) in pairs(&before.by_outcome, &after.by_outcome) {
            if BAD_OUTCOMES.contains(&name) && is_larger_share((old, before), (new, after)) {
                reasons.push(format!(
                    "{section} {}: {old} of {} → {new} of {}",
                    words(name),
                    before.total,
                    after.total
                ));
            }
            counts.push(Count { name: format!("{section}.{name}"), old, new });
        }
    }
    counts
}

/// Whether something happened more often, and more often in proportion: captures differ in length.
fn is_larger_share((old, before): (u64, &EarlierCounts), (new, after): (u64, &EarlierCounts)) -> bool {
    let share = |part: u64, other: &EarlierCounts| u128::from(part) * u128::from(other.total.max(1));
    new > old && share(new, before) > share(old, after)
}

fn pairs<'a>(
    old: &'a BTreeMap<String, u64>,
    new: &'a BTreeMap<String, u64>,
) -> impl Iterator<Item = (&'a str, u64, u64)> {
    let mut names: Vec<&str> = old.keys().chain(new.keys()).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let count = |counts: &BTreeMap<String, u64>, name| counts.get(name).copied().unwrap_or(0);
    names.into_iter().map(move |name| (name, count(old, name), count(new, name)))
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}

impl Diff {
    /// Writes it as JSON.
    ///
    /// # Errors
    ///
    /// What writing met.
    pub fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        out.write_all(b"\n")
    }

    /// Writes it for people.
    ///
    /// # Errors
    ///
    /// What writing met.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for count in self.counts.iter().filter(|count| count.old != count.new) {
            writeln!(out, "{} {} → {}", words(&visible(&count.name).replace('.', " ")), count.old, count.new)?;
        }
        for (title, list) in
            [("new", &self.new_findings), ("changed", &self.changed_findings), ("gone", &self.gone_findings)]
        {
            for change in list {
                let times = if title == "changed" {
                    format!("{} → {} times", change.old, change.new)
                } else {
                    format!("{} times", change.old.max(change.new))
                };
                let (severity, rule) = (visible(&change.severity), visible(&change.rule));
                writeln!(out, "{title} {severity}: {rule} ({times}): {}", visible(&change.summary))?;
                if title == "new" && !change.remediation.is_empty() {
                    writeln!(out, "    -> {}", visible(&change.remediation))?;
                }
            }
        }
        if !self.complete {
            writeln!(out, "not all inputs were read to their end: what is missing may be in what was not read")?;
        }
        match (self.worse, self.is_same()) {
            (true, _) => {
                writeln!(out, "worse:")?;
                self.reasons.iter().try_for_each(|reason| writeln!(out, "  {}", visible(reason)))
            }
            (false, true) => writeln!(out, "no change"),
            (false, false) => writeln!(out, "not worse"),
        }
    }

    fn is_same(&self) -> bool {
        self.new_findings.is_empty()
            && self.gone_findings.is_empty()
            && self.changed_findings.is_empty()
            && self.counts.iter().all(|count| count.old == count.new)
    }
}
