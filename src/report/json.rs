//! JSON: indented, or in one line.

use std::io::{self, Write};

use super::model::Report;

/// The whole report, indented.
pub(super) fn pretty(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    out.write_all(b"\n")
}

/// The whole report in one line.
pub(super) fn compact(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, report)?;
    out.write_all(b"\n")
}
