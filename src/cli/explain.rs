//! `reinvite explain` and `reinvite rules`: what codes and rules mean.

use std::io::{self, Write};

use clap::Args;

use reinvite::findings::RULES;

use super::Exit;

/// Options of `explain`.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// Status codes or rules
    #[arg(value_name = "TOPIC")]
    topics: Vec<String>,
}

/// Options of `rules`.
#[derive(Debug, Args)]
pub(super) struct Rules {}

impl Explain {
    /// Writes the explanation.
    pub(super) fn run(self) -> Exit {
        say(&self.topics.join(" "))
    }
}

impl Rules {
    /// Writes the list.
    pub(super) fn run(self) -> Exit {
        let mut text = String::new();
        for rule in RULES {
            text.push_str(&format!("{:<8} {:<40} {}\n", rule.severity.name(), rule.id, rule.summary));
        }
        say(&text)
    }
}

fn say(text: &str) -> Exit {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(problem) if problem.kind() != io::ErrorKind::BrokenPipe => Exit::Unwritten,
        _ => Exit::Done,
    }
}
