//! When it happened: columns of redirects and 422 answers over the time of the captures.

use maud::{Markup, html};

use crate::report::View;
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// Columns of the picture.
const COLUMNS: usize = 100;
/// Width of a column, with the room between two.
const WIDTH: usize = 10;
/// Height of the tallest column.
const HEIGHT: u64 = 120;
/// Room on the left and on top.
const LEFT: usize = 44;
const TOP: u64 = 14;

/// What is counted, from bottom to top, with what it is called.
const KINDS: [(&str, &str); 4] = [("moved", "301"), ("temporary", "302"), ("other", "other 3xx"), ("interval", "422")];

/// The section with the picture; nothing if there is nothing to show.
pub(super) fn timeline(view: &View<'_>) -> Markup {
    let analysis = view.analysis();
    let clock = |time: Timestamp| clock(view, time);
    let redirects = analysis.redirects.iter().map(|judged| {
        let kind = match judged.redirect.status {
            301 => 0,
            302 => 1,
            _ => 2,
        };
        (judged.redirect.time, kind)
    });
    let rounds =
        analysis.negotiations.iter().flat_map(|judged| &judged.negotiation.rounds).map(|round| (round.time, 3));
    let events: Vec<(Timestamp, usize)> = redirects.chain(rounds).collect();
    let times = || events.iter().map(|(time, _)| *time);
    let first = analysis.inputs.iter().filter_map(|input| input.first_time).chain(times()).min();
    let last = analysis.inputs.iter().filter_map(|input| input.last_time).chain(times()).max();
    let (Some(first), Some(last), false) = (first, last, events.is_empty()) else { return html! {} };
    let span = last.since(first).max(1);
    let columns = columns(&events, first, span);
    let tallest = columns.iter().map(|column| column.iter().sum()).max().unwrap_or(1).max(1);
    let width = LEFT + COLUMNS * WIDTH + 8;
    let foot = TOP + HEIGHT;
    html! {
        section #timeline {
            h2 { "When" }
            p.legend {
                @for (index, (class, name)) in KINDS.iter().enumerate() {
                    @let count = events.iter().filter(|(_, kind)| *kind == index).count();
                    @if count > 0 { span { span class={ "key " (class) } {} (name) " (" (count) ")" } }
                }
            }
            div.wide {
                svg.timeline viewBox={ "0 0 " (width) " " (foot + 24) } role="img"
                    aria-label={ "Redirects and 422 answers from " (clock(first)) " to " (clock(last)) ", at most " (tallest) " in one column" } {
                    line.axis x1=(LEFT) x2=(width) y1=(foot) y2=(foot) {}
                    line.grid x1=(LEFT) x2=(width) y1=(TOP) y2=(TOP) {}
                    text.scale x=(LEFT - 6) y=(TOP + 4) { (tallest) }
                    text.scale x=(LEFT - 6) y=(foot) { "0" }
                    @for (index, column) in columns.iter().enumerate().filter(|(_, column)| column.iter().any(|count| *count > 0)) {
                        (self::column(index, column, tallest, &label(&clock, (first, span), index, column)))
                    }
                    @for part in 0..=4_i64 {
                        @let at = LEFT + COLUMNS * WIDTH * usize::try_from(part).unwrap_or(0) / 4;
                        text class={ "tick p" (part) } x=(at) y=(foot + 18) { (clock(first.plus(span / 4 * part))) }
                    }
                }
            }
        }
    }
}

/// The counts of each column.
fn columns(events: &[(Timestamp, usize)], first: Timestamp, span: i64) -> Vec<[u64; KINDS.len()]> {
    let mut columns = vec![[0; KINDS.len()]; COLUMNS];
    for (time, kind) in events {
        let share = i128::from(time.since(first)) * COLUMNS as i128 / i128::from(span);
        let at = usize::try_from(share).unwrap_or(0).min(COLUMNS - 1);
        columns.get_mut(at).and_then(|column| column.get_mut(*kind)).into_iter().for_each(|count| *count += 1);
    }
    columns
}

fn column(index: usize, column: &[u64; KINDS.len()], tallest: u64, label: &str) -> Markup {
    let x = LEFT + index * WIDTH + 1;
    let mut below = 0;
    html! {
        g {
            title { (label) }
            @for (count, (class, _)) in column.iter().zip(KINDS).filter(|(count, _)| **count > 0) {
                @let bottom = below * HEIGHT / tallest;
                @let top = ((below + count) * HEIGHT / tallest).max(bottom + 2);
                rect class=(class) x=(x) y=((TOP + HEIGHT).saturating_sub(top)) width=(WIDTH - 2) height=(top - bottom) rx="1" {}
                ({ below += count; "" })
            }
        }
    }
}

fn label(
    clock: &dyn Fn(Timestamp) -> String,
    (first, span): (Timestamp, i64),
    index: usize,
    column: &[u64; KINDS.len()],
) -> String {
    let part = |index: usize| first.plus(span / COLUMNS as i64 * i64::try_from(index).unwrap_or(0));
    let counts: Vec<String> = column
        .iter()
        .zip(KINDS)
        .filter(|(count, _)| **count > 0)
        .map(|(count, (_, name))| format!("{count} \u{d7} {name}"))
        .collect();
    format!("{} to {}: {}", clock(part(index)), clock(part(index + 1)), counts.join(", "))
}

/// A time of day; with tenths of a second, since captures may be short.
fn clock(view: &View<'_>, time: Timestamp) -> String {
    let text = view.shown(&time.rfc3339(1).to_string());
    let of_day = text.get(11..21).unwrap_or(&text).to_owned();
    if time.nanos() % NANOS_PER_SECOND == 0 { of_day.trim_end_matches(".0").to_owned() } else { of_day }
}
