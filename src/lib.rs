//! Which SIP calls were told to try again, and what came of it.
#![forbid(unsafe_code)]

pub mod error;
pub mod explain;
pub mod extent;
pub mod limits;
pub mod net;
pub mod time;
