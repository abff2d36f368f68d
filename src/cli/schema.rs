//! `reinvite schema`: the exact shape of what the program writes.

use clap::Args;
use clap::builder::PossibleValuesParser;

use reinvite::report::schema::{DOCUMENTS, schema};

use super::{Exit, complain, say};

/// Options of `schema`.
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// The JSON report, a line of NDJSON, or the JSON of `reinvite diff`
    #[arg(default_value = "report", value_parser = PossibleValuesParser::new(DOCUMENTS.iter().map(|document| document.name)))]
    document: String,
}

impl Schema {
    /// Writes the schema.
    pub(super) fn run(self) -> Exit {
        match schema(&self.document) {
            Some(schema) => say(format!("{schema:#}\n").as_bytes()),
            None => {
                complain(&format!("no document is named {:?}", self.document));
                Exit::Unusable
            }
        }
    }
}
