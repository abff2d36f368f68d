//! The command line: what was asked for, what comes out, and the exit code.

mod analyze;
mod exit;
mod explain;
mod filters;
mod output;
mod packaging;
mod show;

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
    /// Explain a status code or a rule; with two or more, what differs between them
    Explain(explain::Explain),
    /// List the rules behind findings
    Rules(explain::Rules),
    /// Write the completions for a shell
    Completions(packaging::Completions),
    /// Write the manual page
    Man,
}

/// Does what the command line asks for.
pub(crate) fn run() -> Exit {
    match Arguments::try_parse() {
        Ok(arguments) => match arguments.command {
            Command::Analyze(command) => command.run(),
            Command::Show(command) => command.run(),
            Command::Explain(command) => command.run(),
            Command::Rules(command) => command.run(),
            Command::Completions(command) => command.run(),
            Command::Man => packaging::man(),
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
    eprintln!("reinvite: {problem}");
}

/// Writes to standard output. Nobody reading it any more is no failure.
fn say(text: &[u8]) -> Exit {
    match io::stdout().lock().write_all(text) {
        Err(problem) if problem.kind() != io::ErrorKind::BrokenPipe => {
            complain(&format!("standard output: {problem}"));
            Exit::Unwritten
        }
        _ => Exit::Done,
    }
}
