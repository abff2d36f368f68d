//! `reinvite show`: the ladder of one call.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use reinvite::analysis::Analysis;
use reinvite::capture::CaptureOptions;
use reinvite::correlation::{Filter, Pattern};
use reinvite::options::{DialogsListed, Options};
use reinvite::report::ladder::{Call, Calls, Ladder, mermaid, svg, text};
use reinvite::report::visible;

use super::{Exit, aliases, complain, say};

/// Options of `show`.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// Files, folders or patterns, or - for standard input
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
    /// The call: its Call-ID, or a part of it that no other call has; without it, calls to choose from are listed
    #[arg(long, value_name = "ID")]
    call_id: Option<String>,
    /// How the ladder is drawn
    #[arg(short, long, value_enum, default_value_t = Drawn::Text)]
    format: Drawn,
    /// Names for addresses, in a file like /etc/hosts: an address and a name a line
    #[arg(long, value_name = "PATH")]
    aliases: Option<PathBuf>,
    /// Threads to work with; all cores if not given
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    threads: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Drawn {
    Text,
    Mermaid,
    Svg,
}

impl Show {
    /// Reads the captures and draws the call, or lists those to choose from.
    pub(super) fn run(self) -> Exit {
        let options = Options {
            capture: CaptureOptions::default(),
            dialogs: if self.call_id.is_some() { DialogsListed::All } else { DialogsListed::Flagged },
            filter: Filter {
                call_ids: self.call_id.as_deref().and_then(part).into_iter().collect(),
                ..Filter::default()
            },
            threads: self.threads,
            ..Options::default()
        };
        let names = match self.aliases.as_deref().map(aliases::read).transpose() {
            Ok(names) => names.unwrap_or_default(),
            Err(problem) => {
                complain(&problem);
                return Exit::Unusable;
            }
        };
        let analysis = match reinvite::pipeline::analyze(&self.captures, &options) {
            Ok(analysis) => Analysis { names: Arc::new(names), ..analysis },
            Err(problem) => {
                complain(&problem);
                return Exit::Unusable;
            }
        };
        let mut exit = Exit::Done;
        for input in &analysis.inputs {
            if let Some(problem) = input.problem.as_ref().filter(|problem| problem.is_fatal()) {
                complain(&format!("{}: {problem}", input.path.display()));
                exit = Exit::Unusable;
            }
        }
        let calls = Calls::of(&analysis);
        let Some(wanted) = &self.call_id else { return exit.max(list(&calls, calls.all().iter().collect())) };
        let named = |call: &&Call<'_>| call.call_id() == *wanted;
        let holds = |call: &&Call<'_>| call.call_id().to_lowercase().contains(&wanted.to_lowercase());
        let found: Vec<&Call<'_>> = match calls.all().iter().find(named) {
            Some(call) => vec![call],
            None => calls.all().iter().filter(holds).collect(),
        };
        match found.as_slice() {
            [] => {
                complain(&format!("no call has {wanted:?} in its Call-ID"));
                Exit::Unusable
            }
            [call] => exit.max(say(self.draw(&calls.ladder(call)).as_bytes())),
            _ => {
                complain(&format!("{} calls have {wanted:?} in their Call-ID; name one", found.len()));
                list(&calls, found).max(Exit::Unusable)
            }
        }
    }

    fn draw(&self, ladder: &Ladder) -> String {
        match self.format {
            Drawn::Text => text(ladder),
            Drawn::Mermaid => mermaid(ladder),
            Drawn::Svg => svg(ladder),
        }
    }
}

/// One call a line, its Call-ID last and whole, so that it can be copied.
fn list(calls: &Calls<'_>, listed: Vec<&Call<'_>>) -> Exit {
    let mut out = String::new();
    for call in listed {
        let row = format!("{}  {:<12} {}", call.start(calls), call.marks(), call.call_id());
        out.push_str(&visible(&row));
        out.push('\n');
    }
    say(out.as_bytes())
}

/// The condition that leaves calls with that part in their Call-ID. What stands for octets, or could be an expression, is
/// looked for among all calls instead.
fn part(call_id: &str) -> Option<Pattern> {
    call_id.parse().ok().filter(|_| !call_id.starts_with('/') && !call_id.contains('\\'))
}
