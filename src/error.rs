//! The fatal error: what ends a run.

use std::io;
use std::path::PathBuf;

/// What ends a run, or the reading of one input, with the file, the offset and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An input could not be opened or read.
    #[error("{}: cannot read: {source}", path.display())]
    Read {
        /// The input.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An input is no capture.
    #[error("{}: not a capture: {reason}", path.display())]
    NotACapture {
        /// The input.
        path: PathBuf,
        /// What was found instead, and what to do.
        reason: String,
    },
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
    /// The report could not be written.
    #[error("{}: cannot write the report: {source}", path.display())]
    Write {
        /// The output.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
