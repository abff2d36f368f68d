//! The command line: what was asked for, what comes out, and the exit code.

mod aliases;
mod analyze;
mod capture_file;
mod config;
mod diff;
mod exit;
mod explain;
mod extract;
mod filters;
mod live;
mod output;
mod packaging;
mod progress;
mod redact;
mod schema;
mod show;
mod words;

use std::io::{self, Write};
use std::sync::LazyLock;

use clap::{Parser, Subcommand};

pub(crate) use exit::Exit;

/// What `--version` says: enough to tell from a bug report what was built.
static BUILD: LazyLock<String> = LazyLock::new(|| {
    let libc = if cfg!(target_env = "musl") { "musl, " } else { "" };
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    // Whoever builds from a checkout may say which.
    let commit = option_env!("REINVITE_COMMIT").map_or_else(String::new, |commit| format!("\ncommit {commit}"));
    format!(
        "{} ({}-{}, {libc}{profile})\nreport schema {}, {} rules{commit}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH,
        std::env::consts::OS,
        reinvite::report::model::SCHEMA_VERSION,
        reinvite::findings::RULES.len(),
    )
});

/// Which SIP calls were told to try again (3xx, 422), and what came of it.
#[derive(Debug, Parser)]
#[command(name = "reinvite", version, long_version = BUILD.as_str(), about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read captures and report their redirects, session interval negotiations and what is wrong with them
    Analyze(Box<analyze::Analyze>),
    /// Show one call as a ladder; without a Call-ID, list the calls to choose from
    Show(show::Show),
    /// Say what changed between two reports; exit with 1 if the new one is worse
    Diff(diff::Diff),
    /// Write the SIP messages of a capture anew, with pseudonyms, so that it can be shown to others
    Redact(redact::Redact),
    /// Explain a status code or a rule; with two or more, what differs between them
    Explain(explain::Explain),
    /// List the rules behind findings
    Rules(explain::Rules),
    /// Write the completions for a shell
    Completions(packaging::Completions),
    /// Write the manual page
    Man,
    /// Print the JSON Schema of what the program writes
    Schema(schema::Schema),
}

/// Does what the command line asks for.
pub(crate) fn run() -> Exit {
    match Arguments::try_parse() {
        Ok(arguments) => match arguments.command {
            Command::Analyze(command) => command.run(),
            Command::Show(command) => command.run(),
            Command::Redact(command) => command.run(),
            Command::Explain(command) => command.run(),
            Command::Rules(command) => command.run(),
            Command::Completions(command) => command.run(),
            Command::Man => packaging::man(),
            Command::Diff(command) => command.run(),
            Command::Schema(command) => command.run(),
        },
        Err(problem) => {
            let exit = if problem.use_stderr() { Exit::Unusable } else { Exit::Done };
            // Help that nobody reads is no failure.
            let _ = problem.print();
            exit
        }
    }
}

/// Says what went wrong, on standard error.
#[expect(clippy::print_stderr, reason = "this is where the program speaks to people")]
fn complain(problem: &dyn std::fmt::Display) {
    let text = problem.to_string();
    let lines: Vec<_> = text.lines().map(reinvite::report::visible).collect();
    eprintln!("reinvite: {}", lines.join("\n"));
}

/// Writes to standard output. Nobody reading it any more is no failure.
fn say(text: &[u8]) -> Exit {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(problem) if problem.kind() != io::ErrorKind::BrokenPipe => {
            complain(&format!("standard output: {problem}"));
            Exit::Unwritten
        }
        _ => Exit::Done,
    }
}
