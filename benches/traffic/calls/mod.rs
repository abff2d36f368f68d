//! Populations of calls with a known truth: who calls whom, what is answered, and what came of every 3xx and 422.
//!
//! A call is planned as a whole when it starts ([`scenario`] decides what happens, [`script`] when and on which hops), and put
//! into words only when each message is due ([`text`]): thousands of calls at once cost little memory. [`generator`] plays the
//! plans in order of time, [`connection`] carries some of them over TCP, [`emitter`] and [`output`] make, sort and write the frames, and [`truth`]
//! counts what was written.

pub mod connection;
pub mod emitter;
pub mod generator;
pub mod options;
pub mod output;
pub mod plan;
pub mod scenario;
pub mod script;
pub mod text;
pub mod truth;

#[cfg(test)]
mod tests;
