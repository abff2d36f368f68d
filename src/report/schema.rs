//! JSON Schemas of what is written, made from the types that write it.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::diff::Diff;
use super::model::{Event, Report};

/// A document with a schema.
#[derive(Clone, Copy, Debug)]
pub struct Document {
    /// Its name.
    pub name: &'static str,
    /// Its schema.
    pub schema: fn() -> Value,
}

/// All documents with a schema.
pub const DOCUMENTS: &[Document] = &[
    Document { name: "report", schema: of::<Report<'static>> },
    Document { name: "event", schema: of::<Event<'static>> },
    Document { name: "diff", schema: of::<Diff> },
];

/// The schema of the document of that name.
pub fn schema(name: &str) -> Option<Value> {
    DOCUMENTS.iter().find(|document| document.name == name).map(|document| (document.schema)())
}

/// As the type serialises: every field is there, unknown ones as null.
fn of<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>().to_value()
}
