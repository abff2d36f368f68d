//! Prometheus text exposition, for the textfile collector of node_exporter. Labels come from closed sets and from servers, whose
//! number is bounded.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::escape::visible;
use super::{Spacing, View};

/// Servers that are told apart; what the others did is counted under `other`.
const MAX_SERVERS: usize = 100;

/// Writes the counts of the summary, and redirects and demanded intervals by server.
pub(super) fn write(view: &View<'_>, _: Spacing, out: &mut dyn Write) -> io::Result<()> {
    let summary = view.summary();
    let mut metrics = Metrics { out };
    metrics.one("frames", "Frames read.", summary.frames)?;
    metrics.one("sip_messages", "SIP messages found, each copy counted.", summary.sip_messages)?;
    metrics.one("calls", "Distinct Call-IDs.", summary.calls)?;
    metrics.one("invite_calls", "Distinct Call-IDs with an INVITE.", summary.invite_calls)?;
    metrics.one("dialogs", "Dialogs.", summary.dialogs)?;
    metrics.by("requests", "Requests by method.", "method", &summary.requests)?;
    metrics.by("responses", "Responses by status code.", "status", &summary.responses)?;
    metrics.by("redirects_by_status", "Redirects by status code.", "status", &summary.redirects.by_status)?;
    metrics.by("redirects", "Redirects by outcome.", "outcome", &summary.redirects.by_outcome)?;
    metrics.by(
        "negotiations",
        "Negotiations of session intervals by outcome.",
        "outcome",
        &summary.negotiations.by_outcome,
    )?;
    metrics.by("findings", "Findings by severity.", "severity", &summary.findings)?;
    metrics.by("findings_by_rule", "Findings by rule.", "rule", &summary.findings_by_rule)?;
    metrics.by("indeterminate", "What could not be decided, by rule.", "rule", &summary.indeterminate)?;
    let servers =
        (0..view.redirects()).filter_map(|index| view.redirect(index)).map(|redirect| redirect.server.address);
    metrics.by_server(view, "redirects_by_server", "Redirects by the server that answered.", &bounded(servers))?;
    let refusing = (0..view.negotiations()).filter_map(|index| view.negotiation(index));
    let refusing = refusing.flat_map(|negotiation| negotiation.rounds).map(|round| round.server.address);
    let refusals = bounded(refusing);
    metrics.by_server(view, "interval_refusals_by_server", "422 answers by the server that sent them.", &refusals)?;
    let complete = view.inputs().iter().filter(|input| input.complete).count();
    metrics.one("inputs", "Inputs.", u64::try_from(view.inputs().len()).unwrap_or(u64::MAX))?;
    metrics.one("inputs_complete", "Inputs read to their end.", u64::try_from(complete).unwrap_or(u64::MAX))
}

/// How often each value occurs: the first in order, and all others together.
fn bounded(values: impl Iterator<Item = String>) -> BTreeMap<String, u64> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    let mut by_count: Vec<(String, u64)> = counts.into_iter().collect();
    by_count.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let rest = by_count.split_off(by_count.len().min(MAX_SERVERS));
    let mut kept: BTreeMap<String, u64> = by_count.into_iter().collect();
    if !rest.is_empty() {
        kept.insert("other".to_owned(), rest.iter().map(|(_, count)| count).sum());
    }
    kept
}

struct Metrics<'w> {
    out: &'w mut dyn Write,
}

impl Metrics<'_> {
    /// What one run counts: a gauge, since the next run counts anew.
    fn head(&mut self, name: &str, help: &str) -> io::Result<()> {
        writeln!(self.out, "# HELP reinvite_{name} {help}\n# TYPE reinvite_{name} gauge")
    }

    fn one(&mut self, name: &str, help: &str, value: u64) -> io::Result<()> {
        self.head(name, help)?;
        writeln!(self.out, "reinvite_{name} {value}")
    }

    fn by<K: AsRef<str>>(&mut self, name: &str, help: &str, label: &str, counts: &BTreeMap<K, u64>) -> io::Result<()> {
        self.labelled(name, help, counts, &|value| format!("{label}=\"{}\"", escape(value)))
    }

    /// Servers by their address, with the name that was given for it, if any.
    fn by_server(&mut self, view: &View<'_>, name: &str, help: &str, counts: &BTreeMap<String, u64>) -> io::Result<()> {
        self.labelled(name, help, counts, &|server| {
            let known = view.name(server).map(|name| format!(",name=\"{}\"", escape(&visible(name))));
            format!("server=\"{}\"{}", escape(server), known.unwrap_or_default())
        })
    }

    fn labelled<K: AsRef<str>>(
        &mut self,
        name: &str,
        help: &str,
        counts: &BTreeMap<K, u64>,
        labels: &dyn Fn(&str) -> String,
    ) -> io::Result<()> {
        if counts.is_empty() {
            return Ok(());
        }
        self.head(name, help)?;
        for (value, count) in counts {
            writeln!(self.out, "reinvite_{name}{{{}}} {count}", labels(value.as_ref()))?;
        }
        Ok(())
    }
}

/// A label value: backslash, quote and line feed are escaped.
fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_labels_is_bounded_and_nothing_is_lost() {
        let values = (0..500_u32).flat_map(|n| std::iter::repeat_n(format!("10.0.0.{n}"), if n == 7 { 9 } else { 1 }));
        let counts = bounded(values);
        assert_eq!(counts.len(), MAX_SERVERS + 1);
        assert_eq!((counts["10.0.0.7"], counts.values().sum::<u64>()), (9, 508));
    }

    #[test]
    fn label_values_cannot_end_their_quotes() {
        assert_eq!(escape("a\"} 1\n\\"), "a\\\"} 1\\n\\\\");
    }
}
