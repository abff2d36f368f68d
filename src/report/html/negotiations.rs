//! Session intervals refused with 422, round by round.

use std::io::{self, Write};

use maud::{Markup, html};

use super::parts::{mark, party, seconds, uri};
use super::{Page, Table};

/// Rounds of one negotiation that are shown.
const MAX_ROUNDS: usize = 20;

impl Page<'_, '_> {
    /// The negotiations, one by one.
    pub(super) fn negotiations(&self, out: &mut dyn Write) -> io::Result<()> {
        let row = |index: usize| self.negotiation(index).unwrap_or_default();
        let table = Table {
            id: "negotiations",
            title: "Session intervals refused with 422",
            lead: "Each series of 422 answers to a request and its retries: what was offered, what was demanded, what was agreed.",
            count: self.view.negotiations(),
            facets: &[("outcome", "Outcome", &["resolved", "abandoned", "failed", "undetermined"])],
            columns: &[
                ("When", "t"),
                ("Client", "t"),
                ("Request", "t"),
                ("Rounds", "n"),
                ("Outcome", "t"),
                ("Agreed", "n"),
                ("Delay", "n"),
                ("Ended with", "n"),
            ],
            row: &row,
        };
        self.table(&table, out)
    }

    fn negotiation(&self, index: usize) -> Option<Markup> {
        let raw = self.view.analysis().negotiations.get(index)?;
        let negotiation = self.view.negotiation(index)?;
        Some(html! {
            tr id=(negotiation.id) data-outcome=(negotiation.outcome) {
                (self.moment(&negotiation.time, &raw.negotiation.call_id, &negotiation.call_id))
                td { (party(&negotiation.client)) }
                td {
                    (negotiation.method) @if negotiation.in_dialog { " " span.small { "within the dialog" } } br;
                    @match &negotiation.request_uri { Some(asked) => (uri(asked)), None => span.small { "not captured" } }
                }
                td data-v=(negotiation.rounds.len()) {
                    ol.rounds {
                        @for round in negotiation.rounds.iter().take(MAX_ROUNDS) {
                            li {
                                "offered " b { (seconds(round.offered_session_expires_s)) } ", wanted at least " b { (seconds(round.demanded_min_se_s)) }
                                " by " (party(&round.server))
                            }
                        }
                    }
                    @if negotiation.rounds.len() > MAX_ROUNDS { p.small { "and " (negotiation.rounds.len() - MAX_ROUNDS) " more" } }
                    @if let Some(retry) = negotiation.retry_session_expires_s { p.small { "last retry with " (retry) " s" } }
                }
                td { (mark(negotiation.outcome)) }
                td.n data-v=(negotiation.agreed_session_expires_s.unwrap_or(0)) {
                    @if let Some(agreed) = negotiation.agreed_session_expires_s { (agreed) " s" }
                    @if let Some(refresher) = negotiation.refresher { br; span.small { (refresher) " refreshes" } }
                }
                td.n data-v=(negotiation.added_delay_ms.unwrap_or(-1.0)) { @if let Some(delay) = negotiation.added_delay_ms { (format!("{delay:.1} ms")) } }
                td.n data-v=(negotiation.final_status.unwrap_or(0)) { @if let Some(status) = negotiation.final_status { (status) } }
            }
        })
    }
}
