//! Running the program itself.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The program, not started yet.
pub(crate) fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_reinvite"))
}

/// What came out of a run of the program.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit code.
    pub(crate) code: i32,
    /// Its standard output.
    pub(crate) out: String,
    /// Its standard error.
    pub(crate) err: String,
}

impl Ended {
    /// The report on its standard output.
    pub(crate) fn report(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|problem| panic!("{problem}: no report in {self:?}"))
    }

    /// Fails if the exit code is another one.
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// Fails if standard error lacks a text.
    pub(crate) fn complains(self, text: &str) -> Self {
        assert!(self.err.contains(text), "{text:?} is not in {self:?}");
        self
    }
}

/// Runs the program with these arguments.
pub(crate) fn run<A: AsRef<std::ffi::OsStr>>(arguments: &[A]) -> Ended {
    ended(&program().args(arguments).stdin(Stdio::null()).output().expect("the program starts"))
}

/// Runs the program with these arguments on a capture.
pub(crate) fn analyze(capture: &Path, arguments: &[&str]) -> Ended {
    ended(&program().arg("analyze").arg(capture).args(arguments).stdin(Stdio::null()).output().expect("a program"))
}

/// Runs the program with bytes on its standard input.
pub(crate) fn with_input(arguments: &[&str], input: &[u8]) -> Ended {
    let mut command = program();
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // A program that does not want all of it may close the pipe.
            let _ = stdin.write_all(input);
        });
        ended(&child.wait_with_output().expect("the program ends"))
    })
}

fn ended(output: &Output) -> Ended {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().unwrap_or_else(|| panic!("ended by a signal: {output:?}"));
    Ended { code, out: text(&output.stdout), err: text(&output.stderr) }
}
