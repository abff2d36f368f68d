//! The command line program.
#![forbid(unsafe_code)]

mod cli;

use std::process::ExitCode;

/// Records are made by one thread and freed by another, which this allocator does without locks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run().into()
}
