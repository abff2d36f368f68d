//! A ladder as SVG: a file of its own, or a part of a page.

use maud::{Markup, PreEscaped, html};
use unicode_width::UnicodeWidthChar;

use super::{Arrow, ArrowKind, Ladder, Step, What, duration, offset, pause};
use crate::report::escape::visible;

/// Room for times on the left.
const MARGIN: usize = 92;
/// From lane to lane.
const SPACING: usize = 240;
/// Room for the names of the lanes.
const HEAD: usize = 62;
/// From message to message.
const ROW: usize = 34;
/// For each remark at a message.
const NOTE: usize = 15;
/// For a pause.
const PAUSE: usize = 24;
/// Characters that fit between two lanes.
const CHARACTERS: usize = 34;

/// How ladders look, for light and dark.
pub(in crate::report) const STYLE: &str = include_str!("style.css");

/// Where a message of a drawing leads to when it is chosen.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::report) struct Anchors<'a> {
    /// What the ids of the messages of this call begin with; none where there is nothing to choose.
    pub(in crate::report) prefix: Option<&'a str>,
}

/// The ladder of a call as an SVG file.
pub fn svg(ladder: &Ladder) -> String {
    let drawing = drawing(ladder, Anchors::default()).into_string();
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{drawing}\n")
}

/// Text without what deceives, cut to a number of columns.
fn cut(text: &str, columns: usize) -> String {
    let text = visible(text);
    let mut width = 0;
    let mut kept = String::new();
    for character in text.chars() {
        width += character.width().unwrap_or(0);
        if width > columns {
            kept.push('\u{2026}');
            break;
        }
        kept.push(character);
    }
    kept
}

/// The middle of a lane.
const fn middle(lane: usize) -> usize {
    MARGIN + SPACING / 2 + lane * SPACING
}

/// Where each step stands: its line, and the line of the pause before it.
fn rows(ladder: &Ladder) -> (Vec<(usize, Option<usize>)>, usize) {
    let mut y = HEAD + 8;
    let mut rows = Vec::with_capacity(ladder.steps.len());
    let mut before: Option<&Step> = None;
    for (index, step) in ladder.steps.iter().enumerate() {
        let paused = pause(before, step).map(|_| {
            y += PAUSE;
            y
        });
        y += ROW;
        rows.push((y, paused));
        y += ladder.join_notes(index).count() * NOTE;
        if let What::Arrow(arrow) = &step.what {
            y += arrow.notes.len() * NOTE;
        }
        before = Some(step);
    }
    (rows, y + 16)
}

/// The ladder as an `svg` element. Without anchors it stands alone and brings its style.
pub(in crate::report) fn drawing(ladder: &Ladder, anchors: Anchors<'_>) -> Markup {
    let (rows, height) = rows(ladder);
    let lanes = ladder.lanes.len().max(1);
    let width = MARGIN + lanes * SPACING + 60;
    let title = format!("Ladder of the call {}", ladder.call_id);
    html! {
        svg.ladder xmlns="http://www.w3.org/2000/svg" width=(width) height=(height)
            viewBox={ "0 0 " (width) " " (height) } role=(if anchors.prefix.is_some() { "group" } else { "img" })
            aria-label=(visible(&title)) {
            title { (visible(&title)) }
            @if anchors.prefix.is_none() {
                style { (PreEscaped(STYLE)) }
                rect.paper width=(width) height=(height) {}
            }
            @for (index, lane) in ladder.lanes.iter().enumerate() {
                line.lane x1=(middle(index)) x2=(middle(index)) y1=(HEAD) y2=(height - 8) {}
                rect.head x=(middle(index) - 102) y="8" width="204" height=(HEAD - 8) rx="6" {}
                text.endpoint x=(middle(index)) y="30" { (cut(&lane.endpoint, 30)) title { (visible(&lane.endpoint)) } }
                @if let Some(agent) = &lane.agent {
                    text.agent x=(middle(index)) y="48" { (cut(agent, 30)) title { (visible(agent)) } }
                }
            }
            @for join in &ladder.joins { (self::join(ladder, &rows, join, width)) }
            @for (index, (step, (y, paused))) in ladder.steps.iter().zip(&rows).enumerate() {
                @if let Some(at) = paused {
                    @let before = index.checked_sub(1).and_then(|before| ladder.steps.get(before));
                    line.pause x1=(MARGIN) x2=(width - 60) y1=(at) y2=(at) {}
                    text.pause x=(MARGIN - 6) y=(at + 4) { (pause(before, step).map(duration).unwrap_or_default()) }
                }
                (self::step(ladder, index, step, *y, anchors))
            }
            @if ladder.omitted > 0 {
                text.note x=(MARGIN) y=(height - 2) { (ladder.omitted) " further messages are not shown" }
            }
        }
    }
}

fn step(ladder: &Ladder, index: usize, step: &Step, y: usize, anchors: Anchors<'_>) -> Markup {
    let lanes = ladder.lanes.len().max(1);
    let joined: Vec<String> = ladder.join_notes(index).collect();
    html! {
        @match &step.what {
            What::Deadline(what) => {
                line.deadline x1=(middle(0)) x2=(middle(lanes - 1)) y1=(y) y2=(y) {}
                text.time x=(MARGIN - 6) y=(y + 4) { (offset(step.since_start)) }
                text.deadline x=(middle(0) + 10) y=(y - 6) { (what) }
            }
            What::Arrow(arrow) => {
                @let class = class(arrow);
                @let columns = CHARACTERS * arrow.from.abs_diff(arrow.to).max(1);
                @let left = middle(arrow.from.min(arrow.to));
                text.time x=(MARGIN - 6) y=(y + 4) { (offset(step.since_start)) }
                @let drawn = html! {
                    g class=(class) {
                        title { "frame " (arrow.place.frame) ": " (visible(&arrow.start_line)) }
                        rect.hit x=(left) y=(y - 20) width=(columns * SPACING / CHARACTERS) height="26" {}
                        path.line d=(path(arrow, y)) {}
                        path.point d=(point(arrow, y)) {}
                        text.label x=(label_x(arrow)) y=(y - 6) { (cut(&arrow.label(), columns)) }
                        @if let Some(copies) = arrow.copies() {
                            text.copies x=(middle(arrow.from.max(arrow.to)) + 8) y=(y + 4) { (copies) }
                        }
                    }
                };
                @match anchors.prefix {
                    Some(prefix) => a href={ "#" (prefix) "-" (index) } { (drawn) },
                    None => (drawn),
                }
                @for (line, note) in joined.iter().enumerate() {
                    text.note x=(left + 10) y=(y + 15 + line * NOTE) { "\u{21b3} " (note) }
                }
                @for (line, note) in arrow.notes.iter().enumerate() {
                    text class=(if note.is_finding { "note wrong" } else { "note" })
                        x=(left + 10) y=(y + 15 + (joined.len() + line) * NOTE) { (cut(&note.text, 110)) }
                }
            }
        }
    }
}

const fn class(arrow: &Arrow) -> &'static str {
    match (arrow.kind, arrow.linked) {
        (ArrowKind::Request, 0) => "request",
        (ArrowKind::Request, _) => "request linked",
        (ArrowKind::Provisional, 0) => "provisional",
        (ArrowKind::Provisional, _) => "provisional linked",
        (ArrowKind::Success, 0) => "success",
        (ArrowKind::Success, _) => "success linked",
        (ArrowKind::Redirect, 0) => "redirect",
        (ArrowKind::Redirect, _) => "redirect linked",
        (ArrowKind::IntervalTooSmall, 0) => "interval",
        (ArrowKind::IntervalTooSmall, _) => "interval linked",
        (ArrowKind::Failure, 0) => "failure",
        (ArrowKind::Failure, _) => "failure linked",
    }
}

fn label_x(arrow: &Arrow) -> usize {
    if arrow.from == arrow.to { middle(arrow.from) + 60 } else { usize::midpoint(middle(arrow.from), middle(arrow.to)) }
}

/// The line of an arrow. A message of an endpoint to itself goes out and comes back.
fn path(arrow: &Arrow, y: usize) -> String {
    let (from, to) = (middle(arrow.from), middle(arrow.to));
    if from == to { format!("M{from} {}h24v8H{from}", y - 8) } else { format!("M{from} {y}H{to}") }
}

/// The point of an arrow.
fn point(arrow: &Arrow, y: usize) -> String {
    let to = middle(arrow.to);
    let sign = if arrow.to > arrow.from { "-" } else { "" };
    format!("M{to} {y}l{sign}9 -4v8z")
}

/// The link from an answer to the request that came of it, on the right of the lanes.
fn join(ladder: &Ladder, rows: &[(usize, Option<usize>)], join: &super::Join, width: usize) -> Markup {
    let end = |at: usize| match (ladder.steps.get(at).map(|step| &step.what), rows.get(at)) {
        (Some(What::Arrow(arrow)), Some((y, _))) => Some((middle(arrow.from.max(arrow.to)), *y)),
        _ => None,
    };
    let (Some((x1, y1)), Some((x2, y2))) = (end(join.from), end(join.to)) else { return html! {} };
    let x = width.saturating_sub(36);
    html! {
        path class=(if join.is_follow_up { "join follow" } else { "join retry" })
            d={ "M" (x1 + 4) " " (y1) "H" (x) "V" (y2) "H" (x2 + 8) } {}
        path class=(if join.is_follow_up { "tip follow" } else { "tip retry" })
            d={ "M" (x2 + 3) " " (y2) "l8 -4v8z" } {}
    }
}
