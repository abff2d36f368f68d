//! The calls concerned, each with its ladder and its messages.

use std::io::{self, Write};

use maud::{Markup, html};

use super::parts::{cut, dots, mark, shown, time};
use super::{MAX_CALLS, Page};
use crate::report::ladder::{Anchors, Arrow, Call, Calls, What, drawing, offset};
use crate::sip::to_text;

/// Steps of a ladder that the page draws; more are found by `reinvite show`.
const MAX_STEPS: usize = 300;

/// Which calls are drawn: all, or the worst if there are too many.
pub(super) fn chosen(calls: &Calls<'_>) -> Vec<bool> {
    let all = calls.all();
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(all.get(*at).and_then(|call| call.worst)));
    let mut drawn = vec![false; all.len()];
    for at in order.into_iter().take(MAX_CALLS) {
        drawn.get_mut(at).into_iter().for_each(|drawn| *drawn = true);
    }
    drawn
}

impl Page<'_, '_> {
    /// The calls that are drawn.
    pub(super) fn drawn_calls(&self, out: &mut dyn Write) -> io::Result<()> {
        let all = self.calls.all();
        let left = all.len().saturating_sub(MAX_CALLS);
        let head = html! {
            h2 { "Calls" " " span.total { (dots(all.len())) } }
            p.lead { "Every call with a redirect, a 422 or a finding. Open one for its ladder; choose a message there to read it." }
            div.tools { span.count role="status" {} }
        };
        write!(out, "<section id=\"calls\" data-list>{}<div class=\"items\">", head.into_string())?;
        for (call, _) in all.iter().zip(&self.drawn).filter(|(_, drawn)| **drawn) {
            out.write_all(self.call(call).into_string().as_bytes())?;
        }
        let foot = html! { button.more type="button" hidden { "Show more" } (cut(left, "calls")) };
        write!(out, "</div>{}</section>", foot.into_string())
    }

    fn call(&self, call: &Call<'_>) -> Markup {
        let anchor = call.anchor();
        let ladder = self.calls.ladder(call).shortened(MAX_STEPS);
        let worst = call.worst.map(crate::findings::Severity::name);
        html! {
            details.call id=(anchor) {
                summary {
                    (time(self.view, &ladder.start)) " "
                    @if let Some(worst) = worst { (mark(worst)) }
                    span.statuses { (call.statuses()) }
                    span.who { (shown(&call.from())) " \u{2192} " (shown(&call.to())) }
                    span.callid { (shown(&ladder.call_id)) }
                }
                @if !call.findings.is_empty() {
                    ul.found {
                        @for finding in call.findings.iter().filter_map(|index| self.view.finding(*index)).take(50) {
                            li { (mark(finding.severity)) " " a href={ "#" (finding.id) } { (finding.rule) } " " (shown(&finding.summary)) }
                        }
                    }
                }
                div.flow {
                    div.wide tabindex="0" role="region" aria-label="Ladder" { (drawing(&ladder, Anchors { prefix: Some(&anchor) })) }
                    div.messages role="group" aria-label="Messages" {
                        @for (index, step) in ladder.steps.iter().enumerate() {
                            @if let What::Arrow(arrow) = &step.what {
                                (self.message(&anchor, index, step.since_start, arrow, &ladder))
                            }
                        }
                    }
                }
            }
        }
    }

    /// The message as it is on the wire, as far as it could be read again.
    fn quote(&self, arrow: &Arrow) -> Markup {
        let quote = self.view.analysis().quotes.get(&arrow.place);
        html! {
            @match quote {
                Some(bytes) => pre tabindex="0" {
                    @for line in bytes.split(|byte| *byte == b'\n') {
                        (shown(&to_text(line.strip_suffix(b"\r").unwrap_or(line)))) "\n"
                    }
                },
                None => { pre tabindex="0" { (shown(&arrow.start_line)) } p.small { "The rest of it is not on this page." } },
            }
        }
    }

    fn message(
        &self,
        anchor: &str,
        index: usize,
        since: i64,
        arrow: &Arrow,
        ladder: &crate::report::ladder::Ladder,
    ) -> Markup {
        let end = |lane: usize| ladder.lanes.get(lane).map_or("", |lane| lane.endpoint.as_str());
        html! {
            details.message id={ (anchor) "-" (index) } name=(anchor) {
                summary { span.at { (offset(since)) } " " (shown(&arrow.label())) }
                p.small {
                    "frame " (arrow.place.frame)
                    @if self.view.analysis().inputs.len() > 1 { " of input " (arrow.place.input) }
                    ", " (end(arrow.from)) " \u{2192} " (end(arrow.to))
                    @if let Some(copies) = arrow.copies() { ", " (copies) }
                    @if let Some(linked) = arrow.linked.checked_sub(1).and_then(|at| ladder.linked.get(at)) { ", call " (shown(linked)) }
                }
                @for note in ladder.join_notes(index) { p.small { "\u{21b3} " (note) } }
                @for note in &arrow.notes { p class=(if note.is_finding { "small wrong" } else { "small" }) { (shown(&note.text)) } }
                (self.quote(arrow))
            }
        }
    }
}
