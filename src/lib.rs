//! Which SIP calls were told to try again, and what came of it.
#![forbid(unsafe_code)]

pub mod analysis;
pub mod capture;
pub mod correlation;
pub mod counters;
pub mod decode;
pub mod error;
pub mod explain;
pub mod extent;
pub mod findings;
pub mod limits;
pub mod net;
pub mod options;
pub mod pipeline;
pub mod progress;
pub mod reassembly;
pub mod redact;
pub mod report;
pub mod sip;
pub mod stream;
pub mod time;

pub use pipeline::analyze;
