//! `reinvite explain` and `reinvite rules`: what codes and rules mean.

use clap::Args;

use reinvite::explain::{RuleText, explain};
use reinvite::findings::RULES;

use super::words::ListFormat;
use super::{Exit, complain, say};

/// Options of `explain`.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// Status codes or rules; nothing: an overview
    #[arg(value_name = "TOPIC")]
    topics: Vec<String>,
}

/// Options of `rules`.
#[derive(Debug, Args)]
pub(super) struct Rules {
    /// How the list is written
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    format: ListFormat,
}

impl Explain {
    /// Writes the explanation.
    pub(super) fn run(self) -> Exit {
        let rules: Vec<RuleText<'_>> = RULES
            .iter()
            .map(|rule| RuleText {
                id: rule.id,
                severity: rule.severity.name(),
                summary: rule.summary,
                explanation: rule.explanation,
                remedy: rule.remedy,
                references: rule.references,
            })
            .collect();
        match explain(&self.topics, &rules) {
            Ok(text) => say(text.as_bytes()),
            Err(problem) => {
                complain(&problem);
                Exit::Unusable
            }
        }
    }
}

impl Rules {
    /// Writes the list.
    pub(super) fn run(self) -> Exit {
        let text = match self.format {
            ListFormat::Text => {
                let row = |rule: &reinvite::findings::Rule| {
                    format!("{:<8} {:<36} {}\n", rule.severity.name(), rule.id, rule.summary)
                };
                RULES.iter().copied().map(row).collect()
            }
            ListFormat::Json => {
                let row = |rule: &reinvite::findings::Rule| {
                    serde_json::json!({
                        "id": rule.id,
                        "severity": rule.severity.name(),
                        "summary": rule.summary,
                        "explanation": rule.explanation,
                        "remedy": rule.remedy,
                        "references": rule.references,
                    })
                };
                let rows: Vec<serde_json::Value> = RULES.iter().copied().map(row).collect();
                format!("{:#}\n", serde_json::Value::from(rows))
            }
        };
        say(text.as_bytes())
    }
}
