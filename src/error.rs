//! The fatal error: what ends a run.

use std::io;
use std::path::PathBuf;

/// What ends a run, with what it is about and what to do. What is wrong with one input is a
/// [`Problem`](crate::capture::Problem), and ends nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A folder holds no capture at all.
    #[error("{}: no capture in this folder; name a file, or a folder that holds pcap or pcapng files", path.display())]
    NoCaptureInFolder {
        /// The folder.
        path: PathBuf,
    },
    /// Threads could not be started, or one failed.
    #[error("cannot work in threads: {reason}; try --threads 1")]
    Threads {
        /// What the system said.
        reason: String,
    },
    /// What was to be written could not be.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The output.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An input that is to be read a second time is not what it was the first time.
    #[error("{}: has changed since it was read; its packets cannot be told apart any more", path.display())]
    Changed {
        /// The input.
        path: PathBuf,
    },
}
