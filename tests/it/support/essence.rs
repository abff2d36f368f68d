//! What reports of the same calls must have in common, however the calls were captured.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// A report without what may differ between captures of the same traffic in different file formats: the inputs, and how many
/// digits of a second's fraction a time has.
pub(crate) fn without_form(report: &Value) -> Value {
    let mut report = report.clone();
    report["inputs"] = Value::Null;
    visit(&mut report, &mut |key, value| {
        if let Some(text) = value.as_str()
            && (key == "time" || key.ends_with("_time") || key == "last_deadline")
        {
            let (whole, fraction) = text.trim_end_matches('Z').split_once('.').unwrap_or((text, ""));
            *value = json!(format!("{whole}.{}", fraction.trim_end_matches('0')));
        }
    });
    report
}

/// Redirects, negotiations, findings, dialogs and counts of a report, with each frame replaced by the message it completes and
/// without what depends on how packets were cut and numbered.
///
/// `messages` has the number of the message for each frame that completes one.
pub(crate) fn by_message(report: &Value, messages: &BTreeMap<u64, usize>) -> Value {
    let mut kept = sections(report, &["redirects", "negotiations", "findings", "dialogs"]);
    kept["address_updates"] = report["address_updates"].clone();
    kept["interval_requirements"] = report["interval_requirements"].clone();
    kept["summary"] = report["summary"].clone();
    kept["summary"]["frames"] = Value::Null;
    visit(&mut kept, &mut |key, value| match (key, &*value) {
        ("frame", Value::Number(frame)) => {
            let message = frame.as_u64().and_then(|frame| messages.get(&frame));
            *value = json!(message.unwrap_or_else(|| panic!("frame {frame} completes no message")));
        }
        ("id" | "findings", Value::String(id)) => {
            let renamed = id.split('-').map(|part| {
                let message = part.parse().ok().and_then(|frame: u64| messages.get(&frame));
                message.map_or_else(|| part.to_owned(), |message| format!("m{message}"))
            });
            *value = json!(renamed.collect::<Vec<_>>().join("-"));
        }
        // Made of addresses, which stand beside it.
        ("fingerprint", Value::String(_)) => *value = Value::Null,
        _ => {}
    });
    kept
}

/// What became of the calls: redirects, negotiations and findings without places, times and delays.
pub(crate) fn outcomes(report: &Value) -> Value {
    const PLACES: [&str; 11] = [
        "id",
        "chain_id",
        "time",
        "evidence",
        "findings_ids",
        "delay_ms",
        "added_delay_ms",
        "findings",
        "summary",
        "values",
        "copies",
    ];
    let mut kept = sections(report, &["redirects", "negotiations", "findings"]);
    for section in kept.as_object_mut().expect("sections").values_mut() {
        strip(section, &PLACES);
    }
    kept
}

fn sections(report: &Value, names: &[&str]) -> Value {
    Value::Object(names.iter().map(|name| ((*name).to_owned(), report[*name].clone())).collect::<Map<_, _>>())
}

fn strip(value: &mut Value, names: &[&str]) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !names.contains(&name.as_str()));
            fields.values_mut().for_each(|value| strip(value, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| strip(value, names)),
        _ => {}
    }
}

/// Shows every value that is no object with its key; the items of a list have that of the list.
fn visit(value: &mut Value, change: &mut dyn FnMut(&str, &mut Value)) {
    fn walk(key: &str, value: &mut Value, change: &mut dyn FnMut(&str, &mut Value)) {
        match value {
            Value::Object(fields) => fields.iter_mut().for_each(|(key, value)| walk(key, value, change)),
            Value::Array(items) => items.iter_mut().for_each(|value| walk(key, value, change)),
            _ => change(key, value),
        }
    }
    walk("", value, change);
}
