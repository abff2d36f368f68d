//! Which SIP calls were told to try again, and what came of it.
#![forbid(unsafe_code)]

pub mod decode;
pub mod capture;
pub mod error;
pub mod extent;
pub mod limits;
pub mod net;
pub mod reassembly;
pub mod stream;
pub mod time;
