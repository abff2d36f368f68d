//! Integration tests: whole captures through the library and through the program.
//!
//! Every assertion says which capture it is about. Captures come from three places: `fixtures/` (recordings of real
//! elements), the traffic builders of the benchmarks (made in memory, with a known content), and a folder with the captures of
//! others, which is not part of the project: `REINVITE_CORPUS` names it, and tests over it are skipped where it is not there.
#![forbid(unsafe_code)]

/// Makes traffic with a known content; shared with the generator of the benchmarks.
#[path = "../../benches/traffic/mod.rs"]
pub mod traffic;

/// What the fuzz targets do.
#[cfg(test)]
#[path = "../../fuzz/bodies.rs"]
pub mod fuzz_bodies;

/// Running the library and the program, finding captures, comparing reports.
#[cfg(test)]
mod support;

/// `src/` itself: which room may use which, and what no file may hold.
#[cfg(test)]
mod architecture;
/// Files that change while they are read.
#[cfg(test)]
mod changing;
/// The command line: exit codes, outputs, messages.
#[cfg(test)]
mod cli;
/// Options from a file and from the environment.
#[cfg(test)]
mod config;
/// The counts add up for every capture there is.
#[cfg(test)]
mod conservation;
/// Captures within compression.
#[cfg(test)]
mod containers;
/// Captures that are damaged in the middle.
#[cfg(test)]
mod damage;
/// The same bytes for any number of threads and any cut of the input.
#[cfg(test)]
mod determinism;
/// The commands in the documents name what exists.
#[cfg(test)]
mod docs;
/// Excerpts of captures.
#[cfg(test)]
mod extract;
/// The messages found, against what another program finds in the same captures.
#[cfg(test)]
mod facts;
/// What can be sent without end.
#[cfg(test)]
mod floods;
/// The same traffic in every form that capture files can have.
#[cfg(test)]
mod formats;
/// The fuzz targets over their seeds.
#[cfg(test)]
mod fuzz;
/// Baselines and comparisons of reports.
#[cfg(test)]
mod gates;
/// Captures that are damaged at random.
#[cfg(test)]
mod hostile;
/// The HTML report, in a browser.
#[cfg(test)]
mod html;
/// The recordings of real elements, call by call.
#[cfg(test)]
mod lab;
/// Calls on both sides of a back-to-back user agent.
#[cfg(test)]
mod legs;
/// The same calls on every link layer, over IPv4 and IPv6, whole and in fragments.
#[cfg(test)]
mod links;
/// Captures that hold packets twice.
#[cfg(test)]
mod mirrors;
/// What comes on the ports and connections of SIP besides it.
#[cfg(test)]
mod neighbours;
/// Headers between headers, and tunnels in pieces.
#[cfg(test)]
mod nesting;
/// The same report in every format.
#[cfg(test)]
mod outputs;
/// Captures with pseudonyms.
#[cfg(test)]
mod redact;
/// Captures in several files.
#[cfg(test)]
mod rotation;
/// The published schemas.
#[cfg(test)]
mod schema;
/// The same calls over SCTP.
#[cfg(test)]
mod sctp;
/// The ladders of calls.
#[cfg(test)]
mod show;
/// What networks and captures do to TCP.
#[cfg(test)]
mod tcp;
/// What packets and streams can be made of so that programs run out of memory or time.
#[cfg(test)]
mod transport_floods;
/// Captures that end anywhere.
#[cfg(test)]
mod truncation;
/// Generated populations of calls, against the truth about them.
#[cfg(test)]
mod truth;
/// The same calls inside every tunnel.
#[cfg(test)]
mod tunnels;
/// Alarms over the captures of real elements, each looked at by hand.
#[cfg(test)]
mod verdicts;
/// Calls as they end.
#[cfg(test)]
mod visits;
/// The same calls over WebSocket.
#[cfg(test)]
mod websocket;
