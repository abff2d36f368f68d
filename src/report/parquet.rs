//! Parquet: a file for each table, for SQL and data frames.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;

use super::{Section, View, model};
use crate::time::Timestamp;

/// The tables.
pub(super) const SECTIONS: &[Section] = &[
    Section { file: "redirects.parquet", write: redirects },
    Section { file: "negotiations.parquet", write: negotiations },
    Section { file: "findings.parquet", write: findings },
    Section { file: "messages.parquet", write: messages },
];

/// Rows that are gathered before they are written.
const ROWS_OF_GROUP: usize = 1 << 16;

/// A value, or null.
enum Cell {
    Text(Option<String>),
    Number(Option<i64>),
    Decimal(Option<f64>),
    Flag(Option<bool>),
    /// Nanoseconds since 1970.
    Time(Option<i64>),
}

impl Cell {
    /// Its type, as schemas are written.
    const fn kind(&self) -> (&'static str, &'static str) {
        match self {
            Self::Text(_) => ("binary", " (UTF8)"),
            Self::Number(_) => ("int64", ""),
            Self::Decimal(_) => ("double", ""),
            Self::Flag(_) => ("boolean", ""),
            Self::Time(_) => ("int64", " (TIMESTAMP(NANOS,true))"),
        }
    }
}

/// A row: its values with the names of their columns, the same ones in every row.
type Row = Vec<(&'static str, Cell)>;

fn text(value: impl Into<String>) -> Cell {
    Cell::Text(Some(value.into()))
}

fn some_text(value: &Option<String>) -> Cell {
    Cell::Text(value.clone())
}

fn number(value: impl TryInto<i64>) -> Cell {
    Cell::Number(value.try_into().ok())
}

fn some_number<T: TryInto<i64>>(value: Option<T>) -> Cell {
    Cell::Number(value.and_then(|value| value.try_into().ok()))
}

fn time(time: &str) -> Cell {
    Cell::Time(time.parse::<Timestamp>().ok().map(Timestamp::nanos))
}

/// The columns of an element.
fn party(names: [&'static str; 5], party: Option<&model::Party>) -> Row {
    let [address, name, port, transport, agent] = names;
    vec![
        (address, Cell::Text(party.map(|party| party.address.clone()))),
        (name, Cell::Text(party.and_then(|party| party.name.clone()))),
        (port, some_number(party.map(|party| party.port))),
        (transport, Cell::Text(party.map(|party| party.transport.to_owned()))),
        (agent, Cell::Text(party.and_then(|party| party.user_agent.clone()))),
    ]
}

const CLIENT: [&str; 5] = ["client", "client_name", "client_port", "client_transport", "client_user_agent"];
const SERVER: [&str; 5] = ["server", "server_name", "server_port", "server_transport", "server_user_agent"];

/// The frame that shows it best: the answer, else the first.
fn shown(evidence: &[model::Evidence]) -> Row {
    let best = evidence.iter().find(|shown| shown.role == "response").or_else(|| evidence.first());
    vec![("input", some_number(best.map(|shown| shown.input))), ("frame", some_number(best.map(|shown| shown.frame)))]
}

fn redirects(view: &View<'_>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    let contacts = |redirect: &model::Redirect| {
        let uris = redirect.contacts.iter().map(|contact| contact.uri.as_deref().unwrap_or(&contact.raw));
        uris.collect::<Vec<_>>().join(", ")
    };
    let row = |redirect: &model::Redirect| -> Row {
        let mut row = vec![
            ("id", text(&redirect.id)),
            ("time", time(&redirect.time)),
            ("call_id", text(&redirect.call_id)),
            ("method", text(&redirect.method)),
            ("cseq", number(redirect.cseq)),
            ("in_dialog", Cell::Flag(Some(redirect.in_dialog))),
            ("status", number(redirect.status)),
            ("reason", text(&redirect.reason)),
            ("request_uri", some_text(&redirect.request_uri)),
            ("from_uri", text(&redirect.from)),
            ("to_uri", text(&redirect.to)),
            ("contacts", text(contacts(redirect))),
            ("outcome", text(redirect.outcome)),
            ("followed_to", some_text(&redirect.followed_to)),
            ("followed_in_call", some_text(&redirect.followed_in_call)),
            ("link", Cell::Text(redirect.link.map(str::to_owned))),
            ("delay_ms", Cell::Decimal(redirect.delay_ms)),
            ("attempt_status", some_number(redirect.attempt_status)),
            ("final_status", some_number(redirect.final_status)),
            ("chain_id", text(&redirect.chain.id)),
            ("chain_position", number(redirect.chain.position)),
            ("chain_length", number(redirect.chain.length)),
            ("hops_seen", number(redirect.hops_seen)),
            ("retransmissions", number(redirect.copies.retransmissions)),
            ("mirror_duplicates", number(redirect.copies.mirror_duplicates)),
        ];
        row.extend(party(CLIENT, Some(&redirect.client)));
        row.extend(party(SERVER, Some(&redirect.server)));
        row.extend(shown(&redirect.evidence));
        row
    };
    let rows = (0..view.redirects()).filter_map(|index| view.redirect(index)).map(|redirect| row(&redirect));
    table("redirects", rows, out)
}

fn negotiations(view: &View<'_>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    let row = |negotiation: &model::Negotiation| -> Row {
        let first = negotiation.rounds.first();
        let mut row = vec![
            ("id", text(&negotiation.id)),
            ("time", time(&negotiation.time)),
            ("call_id", text(&negotiation.call_id)),
            ("method", text(&negotiation.method)),
            ("in_dialog", Cell::Flag(Some(negotiation.in_dialog))),
            ("request_uri", some_text(&negotiation.request_uri)),
            ("rounds", number(negotiation.rounds.len())),
            ("outcome", text(negotiation.outcome)),
            ("offered_session_expires_s", some_number(first.and_then(|round| round.offered_session_expires_s))),
            ("required_min_se_s", some_number(negotiation.required_min_se_s)),
            ("retry_session_expires_s", some_number(negotiation.retry_session_expires_s)),
            ("agreed_session_expires_s", some_number(negotiation.agreed_session_expires_s)),
            ("refresher", Cell::Text(negotiation.refresher.map(str::to_owned))),
            ("final_status", some_number(negotiation.final_status)),
            ("added_delay_ms", Cell::Decimal(negotiation.added_delay_ms)),
        ];
        row.extend(party(CLIENT, Some(&negotiation.client)));
        row.extend(party(SERVER, first.map(|round| &round.server)));
        row.extend(shown(first.map_or(&[], |round| round.evidence.as_slice())));
        row
    };
    let all = (0..view.negotiations()).filter_map(|index| view.negotiation(index));
    table("negotiations", all.map(|negotiation| row(&negotiation)), out)
}

fn findings(view: &View<'_>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    let row = |finding: &model::Finding| -> Row {
        let mut row = vec![
            ("id", text(&finding.id)),
            ("time", time(&finding.time)),
            ("rule", text(finding.rule)),
            ("severity", text(finding.severity)),
            ("confidence", text(finding.confidence)),
            ("scope", text(finding.scope)),
            ("call_id", Cell::Text(Some(finding.call_id.clone()).filter(|call_id| !call_id.is_empty()))),
            ("client", some_text(&finding.subject.client)),
            ("server", some_text(&finding.subject.server)),
            ("uri", some_text(&finding.subject.uri)),
            ("fingerprint", text(&finding.fingerprint)),
            ("summary", text(&finding.summary)),
            ("remediation", text(&finding.remediation)),
            ("values", Cell::Text(serde_json::to_string(&finding.values).ok())),
            ("wireshark_filter", text(&finding.wireshark_filter)),
        ];
        row.extend(shown(&finding.evidence));
        row
    };
    table("findings", (0..view.findings()).filter_map(|index| view.finding(index)).map(|finding| row(&finding)), out)
}

/// The messages of the dialogs that are listed.
fn messages(view: &View<'_>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    let row = |dialog: &model::Dialog<'_>, message: &model::Message<'_>| -> Row {
        let repeated = message.repeat_of.as_ref();
        vec![
            ("call_id", text(&dialog.call_id)),
            ("from_tag", text(&dialog.from_tag)),
            ("to_tag", some_text(&dialog.to_tag)),
            ("input", number(message.input)),
            ("frame", number(message.frame)),
            ("time", time(&message.time)),
            ("source", text(message.src.as_str())),
            ("destination", text(message.dst.as_str())),
            ("start_line", text(message.start_line.as_ref())),
            ("cseq", text(message.cseq.as_str())),
            ("repeats_input", some_number(repeated.map(|repeated| repeated.input))),
            ("repeats_frame", some_number(repeated.map(|repeated| repeated.frame))),
            ("repeat_kind", Cell::Text(repeated.map(|repeated| repeated.kind.to_owned()))),
        ]
    };
    let dialogs = (0..view.dialogs()).filter_map(|index| view.dialog(index));
    let rows =
        dialogs.flat_map(|dialog| dialog.messages.iter().map(|message| row(&dialog, message)).collect::<Vec<_>>());
    table("messages", rows, out)
}

/// Writes rows as a file. Without a row there is no column either.
fn table(name: &str, rows: impl Iterator<Item = Row>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    let mut rows = rows.peekable();
    let columns = rows.peek().into_iter().flatten().map(|(name, cell)| {
        let (kind, meaning) = cell.kind();
        format!("optional {kind} {name}{meaning};")
    });
    let schema = format!("message {name} {{ {} }}", columns.collect::<Vec<_>>().join(" "));
    let schema = parse_message_type(&schema).map_err(failed)?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties)).map_err(failed)?;
    while rows.peek().is_some() {
        let group: Vec<Row> = rows.by_ref().take(ROWS_OF_GROUP).collect();
        let mut columns: Vec<Vec<Cell>> = Vec::new();
        for row in group {
            columns.resize_with(row.len().max(columns.len()), Vec::new);
            for (column, (_, cell)) in columns.iter_mut().zip(row) {
                column.push(cell);
            }
        }
        let mut group = writer.next_row_group().map_err(failed)?;
        for cells in columns {
            let Some(mut column) = group.next_column().map_err(failed)? else { break };
            put(&mut column, &cells).map_err(failed)?;
            column.close().map_err(failed)?;
        }
        group.close().map_err(failed)?;
    }
    writer.close().map(drop).map_err(failed)
}

fn failed(problem: ParquetError) -> io::Error {
    match problem {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(problem) => *problem,
            Err(inner) => io::Error::other(inner),
        },
        other => io::Error::other(other),
    }
}

/// Writes a column.
fn put(column: &mut SerializedColumnWriter<'_>, cells: &[Cell]) -> Result<(), ParquetError> {
    let text = |cell: &Cell| match cell {
        Cell::Text(value) => value.as_deref().map(ByteArray::from),
        _ => None,
    };
    let number = |cell: &Cell| match cell {
        Cell::Number(value) | Cell::Time(value) => *value,
        _ => None,
    };
    match cells.first() {
        None => Ok(()),
        Some(Cell::Text(_)) => values::<ByteArrayType>(column, cells, text),
        Some(Cell::Number(_) | Cell::Time(_)) => values::<Int64Type>(column, cells, number),
        Some(Cell::Decimal(_)) => values::<DoubleType>(column, cells, |cell| match cell {
            Cell::Decimal(value) => *value,
            _ => None,
        }),
        Some(Cell::Flag(_)) => values::<BoolType>(column, cells, |cell| match cell {
            Cell::Flag(value) => *value,
            _ => None,
        }),
    }
}

fn values<T: DataType>(
    column: &mut SerializedColumnWriter<'_>,
    cells: &[Cell],
    value: impl Fn(&Cell) -> Option<T::T>,
) -> Result<(), ParquetError> {
    let all: Vec<Option<T::T>> = cells.iter().map(value).collect();
    let levels: Vec<i16> = all.iter().map(|value| i16::from(value.is_some())).collect();
    let there: Vec<T::T> = all.into_iter().flatten().collect();
    column.typed::<T>().write_batch(&there, Some(&levels), None).map(drop)
}
