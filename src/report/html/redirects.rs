//! Findings, redirects, and what to change because of them.

use std::io::{self, Write};

use maud::{Markup, html};

use super::parts::{cut, dots, evidence, mark, name, party, seconds, shown, uri};
use super::{MAX_ROWS, Page, Table};
use crate::findings::Severity;

/// Clients that are listed of one entry to change.
const MAX_CLIENTS: usize = 20;

impl Page<'_, '_> {
    /// The findings, the worst first.
    pub(super) fn findings(&self, out: &mut dyn Write) -> io::Result<()> {
        let all = &self.view.analysis().findings;
        let mut order: Vec<usize> = (0..all.len()).collect();
        let severity = |index: &usize| all.get(*index).map_or(Severity::Info, |finding| finding.severity);
        order.sort_by_key(|index| std::cmp::Reverse(severity(index)));
        let inputs = self.view.analysis().inputs.len();
        let row = |index: usize| {
            let finding = order.get(index).and_then(|at| Some((all.get(*at)?, self.view.finding(*at)?)));
            html! {
                @if let Some((raw, finding)) = finding {
                    tr id=(finding.id) data-severity=(finding.severity) data-rule=(finding.rule) {
                        td data-v=(index) { (mark(finding.severity)) }
                        td.text {
                            a.rule href={ "#" (finding.id) } { (finding.rule) }
                            @if finding.confidence != "strong" { " " span.small { (finding.confidence) " confidence" } }
                            p { (shown(&finding.summary)) }
                            @if !finding.remediation.is_empty() { p.remedy { (shown(&finding.remediation)) } }
                            p.small { (finding.references.join(", ")) }
                            p.small { "Wireshark: " code { (shown(&finding.wireshark_filter)) } }
                        }
                        td { (evidence(&finding.evidence, inputs)) }
                        (self.moment(&finding.time, &raw.call_id, &finding.call_id))
                    }
                }
            }
        };
        let mut rules: Vec<&str> = all.iter().map(|finding| finding.rule.id).collect();
        rules.sort_unstable();
        rules.dedup();
        let table = Table {
            id: "findings",
            title: "Findings",
            lead: "What is wrong or worth knowing, the worst first: what was seen, what to do, and the frames that show it.",
            count: all.len(),
            facets: &[("severity", "Severity", &["error", "warning", "notice", "info"]), ("rule", "Rule", &rules)],
            columns: &[("Severity", "n"), ("Finding", "t"), ("Frames", ""), ("When", "t")],
            row: &row,
        };
        self.table(&table, out)
    }

    /// Address book entries and intervals to change.
    pub(super) fn changes(&self, out: &mut dyn Write) -> io::Result<()> {
        let (updates, requirements) = (self.view.address_updates(), self.view.interval_requirements());
        let section = html! {
            section #changes {
                h2 { "What to change" }
                @if updates.is_empty() && requirements.is_empty() { p.lead { "Nothing: no permanent redirect and no 422 was seen." } }
                @if !updates.is_empty() {
                    div data-list {
                        h3 #updates-title { "Entries in address books and routing tables " span.total { (dots(updates.len())) } }
                        div.wide { table aria-labelledby="updates-title" {
                            thead { tr { th scope="col" { "Old" } th scope="col" { "New" } th.n scope="col" { "Seen" } th scope="col" { "Who has it" } } }
                            tbody { @for update in updates.iter().take(MAX_ROWS) { tr {
                                td { (uri(&update.from_uri)) }
                                td { @for target in &update.targets { (uri(&target.uri)) @if let Some(q) = target.q { " " span.small { "q " (q) } } br; } }
                                td.n { (dots(update.seen)) }
                                td {
                                    @for client in update.clients.iter().take(MAX_CLIENTS) {
                                        p.client {
                                            span.endpoint { (client.address) } (name(&client.name)) " for " (uri(&client.from))
                                            @if let Some(agent) = &client.user_agent { span.agent { (shown(agent)) } }
                                            @if client.still_calling_old { " " span.mark.warning { "called it again" } }
                                        }
                                    }
                                    @if update.clients.len() > MAX_CLIENTS { p.small { "and " (update.clients.len() - MAX_CLIENTS) " more" } }
                                }
                            } } }
                        } }
                        button.more type="button" hidden { "Show more" }
                        (cut(updates.len().saturating_sub(MAX_ROWS), "entries"))
                    }
                }
                @if !requirements.is_empty() {
                    div data-list {
                        h3 #intervals-title { "Session intervals " span.total { (dots(requirements.len())) } }
                        div.wide { table aria-labelledby="intervals-title" {
                            thead { tr { th scope="col" { "Server" } th.n scope="col" { "Wants at least" } th.n scope="col" { "Seen" } th scope="col" { "Who offered less" } } }
                            tbody { @for requirement in requirements.iter().take(MAX_ROWS) { tr {
                                td { (party(&requirement.server)) }
                                td.n { (seconds(requirement.min_se_s)) }
                                td.n { (dots(requirement.seen)) }
                                td {
                                    @for client in requirement.clients.iter().take(MAX_CLIENTS) {
                                        p.client {
                                            span.endpoint { (client.address) } (name(&client.name)) " offered " (seconds(client.offered_session_expires_s)) ", " (dots(client.seen)) " \u{d7}"
                                            @if let Some(agent) = &client.user_agent { span.agent { (shown(agent)) } }
                                        }
                                    }
                                    @if requirement.clients.len() > MAX_CLIENTS { p.small { "and " (requirement.clients.len() - MAX_CLIENTS) " more" } }
                                }
                            } } }
                        } }
                        button.more type="button" hidden { "Show more" }
                        (cut(requirements.len().saturating_sub(MAX_ROWS), "servers"))
                    }
                }
            }
        };
        out.write_all(section.into_string().as_bytes())
    }

    /// The redirects, one by one.
    pub(super) fn redirects(&self, out: &mut dyn Write) -> io::Result<()> {
        let row = |index: usize| self.redirect(index).unwrap_or_default();
        let table = Table {
            id: "redirects",
            title: "Redirects",
            lead: "Each 3xx answer to a request, however many hops and copies show it, and what its client made of it.",
            count: self.view.redirects(),
            facets: &[
                ("outcome", "Outcome", &["followed", "looped", "no_target", "not_followed", "undetermined"]),
                ("status", "Status", &["301", "302", "300", "305", "380"]),
            ],
            columns: &[
                ("When", "t"),
                ("Status", "n"),
                ("From", "t"),
                ("To", "t"),
                ("Client", "t"),
                ("Server", "t"),
                ("Outcome", "t"),
                ("After", "n"),
                ("Ended with", "n"),
            ],
            row: &row,
        };
        self.table(&table, out)
    }

    fn redirect(&self, index: usize) -> Option<Markup> {
        let raw = self.view.analysis().redirects.get(index)?;
        let redirect = self.view.redirect(index)?;
        Some(html! {
            tr id=(redirect.id) data-outcome=(redirect.outcome) data-status=(redirect.status) {
                (self.moment(&redirect.time, &raw.redirect.call_id, &redirect.call_id))
                td.n { span.status { (redirect.status) } }
                td { @match &redirect.request_uri { Some(asked) => (uri(asked)), None => span.small { "not captured" } } }
                td {
                    @for contact in redirect.contacts.iter().take(MAX_CLIENTS) {
                        (uri(contact.uri.as_deref().unwrap_or(&contact.raw)))
                        @if let Some(q) = contact.q { " " span.small { "q " (q) } }
                        br;
                    }
                    @if redirect.contacts.is_empty() { span.small { "no Contact" } }
                    @if redirect.chain.length > 1 { p.small { "step " (redirect.chain.position) " of " (redirect.chain.length) } }
                }
                td { (party(&redirect.client)) }
                td { (party(&redirect.server)) }
                td { (mark(redirect.outcome)) @if let Some(link) = redirect.link.filter(|link| *link != "strong") { " " span.small { (link) " link" } } }
                td.n data-v=(redirect.delay_ms.unwrap_or(-1.0)) { @if let Some(delay) = redirect.delay_ms { (format!("{delay:.1} ms")) } }
                td.n data-v=(redirect.final_status.unwrap_or(0)) { @if let Some(status) = redirect.final_status { (status) } }
            }
        })
    }
}
