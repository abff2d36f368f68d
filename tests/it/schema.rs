//! The published schemas: they are what the program prints, every output keeps to them, and nothing leaves them unnoticed.

use std::fs;

use serde_json::{Map, Value};

use crate::support::captures::{LAB, lab, project};
use crate::support::program::{analyze, run};

const DOCUMENTS: [&str; 3] = ["report", "event", "diff"];

fn printed(document: &str) -> Value {
    run(&["schema", document]).exits(0).report()
}

/// What a value breaks of a schema, as a validator of others sees it.
fn breaches(value: &Value, schema: &Value) -> Vec<String> {
    let validator = jsonschema::draft202012::new(schema).expect("a schema");
    validator.iter_errors(value).map(|breach| format!("{}: {breach}", breach.instance_path())).collect()
}

fn keeps_to(value: &Value, schema: &Value, name: &str) {
    let found = breaches(value, schema);
    assert!(found.is_empty(), "{name}: {found:#?}");
}

/// The names of all fields of an object are in its schema.
fn has_only(value: &Value, properties: &Value, name: &str) {
    for field in value.as_object().expect("an object").keys() {
        assert!(properties.get(field).is_some(), "{name}: {field} is in no schema");
    }
}

#[test]
fn every_output_keeps_to_its_schema() {
    let [report, event, diff] = DOCUMENTS.map(printed);
    for name in LAB {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("r.json");
        let ndjson = folder.path().join("r.ndjson");
        let (path, ndjson) = (path.to_str().expect("UTF-8"), ndjson.to_str().expect("UTF-8"));
        analyze(&lab(name), &["--dialogs", "all", "-o", path, "-o", ndjson]).exits(0);
        let value: Value = serde_json::from_slice(&fs::read(path).expect("a report")).expect("JSON");
        keeps_to(&value, &report, name);
        has_only(&value, &report["properties"], name);
        for (section, kind) in [("redirects", "Redirect"), ("negotiations", "Negotiation"), ("findings", "Finding")] {
            for item in value[section].as_array().expect("a list") {
                has_only(item, &report["$defs"][kind]["properties"], name);
            }
        }
        for line in fs::read_to_string(ndjson).expect("lines").lines() {
            keeps_to(&serde_json::from_str(line).expect("JSON"), &event, name);
        }
        let compared = run(&["diff", path, path, "-f", "json"]).exits(0).report();
        keeps_to(&compared, &diff, name);
        let mut broken = value.clone();
        broken["summary"]["calls"] = "six".into();
        broken["inputs"][0].as_object_mut().expect("an input").remove("path");
        let found = breaches(&broken, &report);
        assert_eq!(found.len(), 2, "{found:#?}");
    }
}

/// A schema without the words for people.
fn bare(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, value)| *name != "description" || !value.is_string());
            Value::Object(kept.map(|(name, value)| (name.clone(), bare(value))).collect())
        }
        Value::Array(items) => items.iter().map(bare).collect::<Vec<_>>().into(),
        other => other.clone(),
    }
}

/// What the new schema has no more, or otherwise.
fn lost(old: &Value, new: &Value, path: &str, out: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(before), Value::Object(after)) => {
            for (name, value) in before {
                match after.get(name) {
                    Some(now) => lost(value, now, &format!("{path}/{name}"), out),
                    None => out.push(format!("{path}/{name}")),
                }
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            out.extend(before.iter().filter(|item| !after.contains(item)).map(|item| format!("{path}: {item}")));
        }
        _ if old != new => out.push(format!("{path}: {old} became {new}")),
        _ => {}
    }
}

/// The files under schema/ are what the program prints. `REINVITE_RENEW_SCHEMAS=1` writes them anew, but only what is added: a
/// field that goes or changes needs a new major version, and with it new files.
#[test]
fn the_published_schemas_are_current_and_lose_nothing() {
    for document in DOCUMENTS {
        let path = project().join("schema").join(format!("{document}.schema.json"));
        let now = printed(document);
        let published: Value = fs::read(&path).ok().map_or_else(
            || Value::Object(Map::new()),
            |bytes| serde_json::from_slice(&bytes).unwrap_or_else(|problem| panic!("{}: {problem}", path.display())),
        );
        let mut gone = Vec::new();
        lost(&bare(&published), &bare(&now), "", &mut gone);
        assert!(gone.is_empty(), "{document}: a new major schema version is needed for {gone:#?}");
        if std::env::var_os("REINVITE_RENEW_SCHEMAS").is_some() {
            fs::write(&path, format!("{now:#}\n")).expect("a file");
        } else if path.exists() {
            assert!(published == now, "{}: run the test with REINVITE_RENEW_SCHEMAS=1", path.display());
        }
    }
    assert!(!run(&["schema", "nothing"]).exits(2).err.is_empty());
}
