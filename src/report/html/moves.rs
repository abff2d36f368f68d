//! Who redirects whom: client, old URI, new URI, with counts.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::IpAddr;

use maud::{Markup, html};

use super::parts::{dots, mark, name, shown, uri};
use super::{Page, Table};
use crate::analysis::JudgedRedirect;
use crate::correlation::RedirectOutcome;
use crate::sip::to_text;

/// Ways that are told apart; what comes beyond is counted with none.
const MAX_WAYS: usize = 100_000;
/// Targets of one way that are shown.
const MAX_TARGETS: usize = 8;

/// All redirects of one client from one URI to the same targets by one server.
struct Way<'a> {
    example: &'a JudgedRedirect,
    count: u64,
    outcomes: [u64; RedirectOutcome::NAMED.len()],
}

/// What makes redirects one way: client, server, old URI, targets.
type Key<'a> = (IpAddr, IpAddr, Option<&'a [u8]>, Vec<&'a [u8]>);

impl Page<'_, '_> {
    /// The ways that redirects took, the most frequent first.
    pub(super) fn moves(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut ways: Vec<Way<'_>> = Vec::new();
        let mut places: HashMap<Key<'_>, usize> = HashMap::new();
        for judged in &self.view.analysis().redirects {
            let redirect = &judged.redirect;
            let targets = redirect.contacts.iter().take(MAX_TARGETS).map(|contact| contact.uri.as_ref()).collect();
            let (client, server) = (redirect.client.endpoint.address, redirect.server.endpoint.address);
            let key = (client, server, redirect.request_uri.as_deref(), targets);
            let known = places.get(&key).copied();
            if known.is_none() && ways.len() >= MAX_WAYS {
                continue;
            }
            let at = known.unwrap_or(ways.len());
            if known.is_none() {
                places.insert(key, at);
                ways.push(Way { example: judged, count: 0, outcomes: [0; RedirectOutcome::NAMED.len()] });
            }
            let Some(way) = ways.get_mut(at) else { continue };
            way.count += 1;
            let outcome = RedirectOutcome::NAMED.iter().position(|(_, named)| *named == judged.outcome);
            outcome.and_then(|outcome| way.outcomes.get_mut(outcome)).into_iter().for_each(|count| *count += 1);
        }
        ways.sort_by_key(|way| std::cmp::Reverse(way.count));
        let row = |index: usize| ways.get(index).map(|way| self.way(way)).unwrap_or_default();
        let table = Table {
            id: "moves",
            title: "Who redirects whom",
            lead: "The same redirects, counted by client, old URI and new URI.",
            count: ways.len(),
            facets: &[],
            columns: &[
                ("Count", "n"),
                ("Client", "t"),
                ("Asked for", "t"),
                ("Sent to", "t"),
                ("By", "t"),
                ("Outcomes", "t"),
                ("Example", ""),
            ],
            row: &row,
        };
        self.table(&table, out)
    }

    fn way(&self, way: &Way<'_>) -> Markup {
        let redirect = &way.example.redirect;
        let names = &self.view.analysis().names;
        html! {
            tr {
                td.n data-v=(way.count) { (dots(way.count)) }
                td {
                    span.endpoint { (redirect.client.endpoint.address) } (name(&names.get(&redirect.client.endpoint.address).cloned()))
                    @if let Some(agent) = redirect.client.agent.as_deref() { span.agent { (shown(&to_text(agent))) } }
                }
                td { @match redirect.request_uri.as_deref() { Some(asked) => (uri(&to_text(asked))), None => span.small { "not captured" } } }
                td {
                    @for contact in redirect.contacts.iter().take(MAX_TARGETS) {
                        (uri(&to_text(if contact.uri.is_empty() { &contact.raw } else { &contact.uri }))) br;
                    }
                    @if redirect.contacts.is_empty() { span.small { "no Contact" } }
                }
                td {
                    span.endpoint { (redirect.server.endpoint.address) } (name(&names.get(&redirect.server.endpoint.address).cloned()))
                    @if let Some(agent) = redirect.server.agent.as_deref() { span.agent { (shown(&to_text(agent))) } }
                }
                td {
                    @for ((name, _), count) in RedirectOutcome::NAMED.iter().zip(way.outcomes).filter(|(_, count)| *count > 0) {
                        (dots(count)) " " (mark(name)) br;
                    }
                }
                td { (self.call_link(&redirect.call_id)) }
            }
        }
    }
}
