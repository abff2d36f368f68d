//! NDJSON: an object a line, with the fields of the Elastic Common Schema that log shippers look for.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Spacing, View, model};

/// Writes every result, input and table row, and the summary, as a line each.
pub(super) fn write(view: &View<'_>, _: Spacing, out: &mut dyn Write) -> io::Result<()> {
    results(view, out)?;
    end(view, out)
}

/// Writes the redirects, negotiations, findings and dialogs.
pub(super) fn results(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut lines = Lines { out, last_time: None };
    for redirect in (0..view.redirects()).filter_map(|index| view.redirect(index)) {
        lines.write("redirect", "event", Some(redirect.time.clone()), &redirect, redirect_fields(&redirect))?;
    }
    for negotiation in (0..view.negotiations()).filter_map(|index| view.negotiation(index)) {
        let fields = negotiation_fields(&negotiation);
        lines.write("negotiation", "event", Some(negotiation.time.clone()), &negotiation, fields)?;
    }
    for finding in (0..view.findings()).filter_map(|index| view.finding(index)) {
        let fields = object(json!({"sip": {"call_id": finding.call_id}}));
        lines.write("finding", "alert", Some(finding.time.clone()), &finding, fields)?;
    }
    for dialog in (0..view.dialogs()).filter_map(|index| view.dialog(index)) {
        let fields = object(json!({"sip": {"call_id": dialog.call_id}}));
        lines.write("dialog", "event", Some(dialog.start_time.clone()), &dialog, fields)?;
    }
    Ok(())
}

/// Writes what is known at the end: inputs, tables and the summary.
pub(super) fn end(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut lines = Lines { out, last_time: None };
    for input in view.inputs() {
        lines.write("input", "metric", input.first_time.clone(), &input, Map::new())?;
    }
    for row in view.address_updates() {
        lines.write("address_update", "metric", Some(row.last_time.clone()), &row, Map::new())?;
    }
    for row in view.interval_requirements() {
        lines.write("interval_requirement", "metric", None, &row, Map::new())?;
    }
    let last = view.inputs().into_iter().filter_map(|input| input.last_time).max();
    lines.write("summary", "metric", last, &view.summary(), Map::new())
}

struct Lines<'w> {
    out: &'w mut dyn Write,
    /// The time of the line before, for rows that have none.
    last_time: Option<String>,
}

impl Lines<'_> {
    fn write<T: Serialize>(
        &mut self,
        record_type: &str,
        kind: &str,
        time: Option<String>,
        body: &T,
        fields: Map<String, Value>,
    ) -> io::Result<()> {
        let mut line = object(serde_json::to_value(body)?);
        self.last_time = time.or_else(|| self.last_time.take());
        line.extend(fields);
        line.extend(object(json!({
            "record_type": record_type,
            "schema_version": model::SCHEMA_VERSION,
            "@timestamp": self.last_time,
            "event": {"kind": kind, "dataset": format!("reinvite.{record_type}"), "module": "reinvite", "action": record_type},
        })));
        serde_json::to_writer(&mut *self.out, &line)?;
        self.out.write_all(b"\n")
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// Who sends or receives; the name that was given for the address is its domain.
fn endpoint(party: &model::Party) -> Value {
    let mut endpoint = json!({"ip": party.address, "port": party.port});
    if let (Some(name), Value::Object(fields)) = (&party.name, &mut endpoint) {
        fields.insert("domain".to_owned(), name.clone().into());
    }
    endpoint
}

fn redirect_fields(redirect: &model::Redirect) -> Map<String, Value> {
    let (client, server) = (&redirect.client, &redirect.server);
    object(json!({
        "source": endpoint(server),
        "destination": endpoint(client),
        "network": {"transport": server.transport, "protocol": "sip"},
        "user_agent": {"original": client.user_agent},
        "sip": {
            "type": "response", "call_id": redirect.call_id, "method": redirect.method, "code": redirect.status,
            "status": redirect.reason, "cseq": {"code": redirect.cseq, "method": redirect.method},
            "uri": {"original": redirect.request_uri},
            "from": {"uri": {"original": redirect.from}}, "to": {"uri": {"original": redirect.to}},
        },
    }))
}

fn negotiation_fields(negotiation: &model::Negotiation) -> Map<String, Value> {
    let client = &negotiation.client;
    let server = negotiation.rounds.first().map(|round| &round.server);
    object(json!({
        "source": server.map(endpoint),
        "destination": endpoint(client),
        "network": {"transport": client.transport, "protocol": "sip"},
        "user_agent": {"original": client.user_agent},
        "sip": {
            "type": "response", "call_id": negotiation.call_id, "method": negotiation.method, "code": 422,
            "uri": {"original": negotiation.request_uri},
        },
    }))
}
