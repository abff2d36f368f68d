//! Integration tests: whole captures through the library and through the program.
//!
//! Every assertion says which capture it is about. Captures come from three places: `fixtures/` (recordings of real
//! elements), the traffic builders of the benchmarks (made in memory, with a known content), and a folder with the captures of
//! others, which is not part of the project: `REINVITE_CORPUS` names it, and tests over it are skipped where it is not there.
#![forbid(unsafe_code)]

/// Makes traffic with a known content; shared with the generator of the benchmarks.
#[path = "../../benches/traffic/mod.rs"]
pub mod traffic;

/// Running the library and the program, finding captures, comparing reports.
#[cfg(test)]
mod support;

/// The recordings of real elements, call by call.
#[cfg(test)]
mod lab;
