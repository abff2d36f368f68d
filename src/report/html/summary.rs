//! What there is, at a glance: the captures, and tiles with counts.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::Page;
use super::parts::{dots, mark, shown, time};

/// Width of the bar in a tile.
const BAR: u64 = 400;

/// The first section.
pub(super) fn summary(page: &Page<'_, '_>) -> Markup {
    let summary = page.view.summary();
    let severities = BTreeMap::from(
        ["error", "warning", "notice", "info"].map(|name| (name, summary.findings.get(name).copied().unwrap_or(0))),
    );
    let order = |names: &[&'static str], counts: &BTreeMap<&'static str, u64>| -> Vec<(&'static str, u64)> {
        names.iter().map(|name| (*name, counts.get(name).copied().unwrap_or(0))).collect()
    };
    let inputs = page.view.inputs();
    html! {
        section #summary {
            h2.quiet { "Summary" }
            div.tiles {
                (tile("Findings", summary.findings.values().sum(), "findings", &order(&["error", "warning", "notice", "info"], &severities)))
                (tile("Redirects", summary.redirects.total, "redirects", &order(
                    &["followed", "looped", "no_target", "not_followed", "undetermined"], &summary.redirects.by_outcome)))
                (tile("Negotiations after 422", summary.negotiations.total, "negotiations", &order(
                    &["resolved", "abandoned", "failed", "undetermined"], &summary.negotiations.by_outcome)))
                div.tile {
                    h3 { "Calls" }
                    p.number { (dots(summary.calls)) }
                    p.small { (dots(summary.invite_calls)) " with INVITE, " (dots(summary.dialogs)) " dialogs, " (dots(summary.sip_messages)) " SIP messages" }
                }
            }
            details.inputs open[inputs.len() <= 3] {
                summary { "Captures " span.total { (inputs.len()) } }
                div.wide { table {
                    thead { tr { th scope="col" { "File" } th scope="col" { "Form" } th.n scope="col" { "Frames" } th scope="col" { "From" } th scope="col" { "To" } th scope="col" { "State" } } }
                    tbody {
                        @for input in inputs.iter().take(super::MAX_ROWS) {
                            tr {
                                td { code { (shown(&input.path)) } }
                                td { (input.format.unwrap_or("no capture")) @if let Some(compression) = input.compression { " in " (compression) } }
                                td.n { (dots(input.frames)) }
                                td { @if let Some(first) = &input.first_time { (time(page.view, first)) } }
                                td { @if let Some(last) = &input.last_time { (time(page.view, last)) } }
                                td {
                                    @if let Some(problem) = &input.problem { span.mark.warning { (shown(problem)) } }
                                    @else { "whole" }
                                }
                            }
                        }
                    }
                } }
            }
        }
    }
}

fn tile(title: &str, total: u64, section: &str, parts: &[(&str, u64)]) -> Markup {
    let mut at = 0;
    html! {
        a.tile href={ "#" (section) } {
            h3 { (title) }
            p.number { (dots(total)) }
            @if total > 0 {
                svg.bar viewBox={ "0 0 " (BAR) " 8" } preserveAspectRatio="none" aria-hidden="true" {
                    @for (name, count) in parts {
                        @let width = count.saturating_mul(BAR) / total.max(1);
                        rect class=(name) x=(at) width=(width.max(u64::from(*count > 0) * 4)) height="8" {}
                        @let next = at + width;
                        ({ at = next; "" })
                    }
                }
            }
            p.small {
                @for (name, count) in parts.iter().filter(|(_, count)| *count > 0) { (dots(*count)) " " (mark(name)) " " }
            }
        }
    }
}
