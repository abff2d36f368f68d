//! A ladder as text, in 100 columns.

use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Arrow, Ladder, Step, What, duration, offset, pause};
use crate::report::escape::visible;

/// Columns of the page.
const COLUMNS: usize = 100;
/// Columns for time and frame.
const MARGIN: usize = 23;
/// Columns from lane to lane: no more than can be read across, no less than an arrow takes.
const SPACING: std::ops::RangeInclusive<usize> = 6..=36;

/// The ladder of a call, with a legend of its lanes; every line fits the page.
pub fn text(ladder: &Ladder) -> String {
    let mut page = Page { out: String::new(), lanes: ladder.lanes.len() };
    page.line(&format!("Call-ID {}", ladder.call_id));
    for (index, linked) in ladder.linked.iter().enumerate() {
        page.line(&format!("  with call {} {linked}", index + 1));
    }
    page.line(&format!("began   {}", ladder.start));
    for (index, lane) in ladder.lanes.iter().enumerate() {
        let agent = lane.agent.as_deref().map_or_else(String::new, |agent| format!("  {agent}"));
        page.line(&format!("{}       {}{agent}", letter(index), lane.endpoint));
    }
    page.out.push('\n');
    page.names();
    let mut before: Option<&Step> = None;
    for (index, step) in ladder.steps.iter().enumerate() {
        if let Some(pause) = pause(before, step) {
            page.blank("", Some(&format!("\u{b7}\u{b7}\u{b7} {}", duration(pause))));
        }
        match &step.what {
            What::Arrow(arrow) => {
                page.arrow(step, arrow);
                for note in ladder.join_notes(index) {
                    page.blank("", Some(&format!("\u{21b3} {note}")));
                }
                for note in &arrow.notes {
                    page.blank("", Some(&format!("{} {}", if note.is_finding { "!" } else { "\u{b7}" }, note.text)));
                }
            }
            What::Deadline(what) => page.blank(&offset(step.since_start), Some(&format!("\u{23f1} {what}"))),
        }
        before = Some(step);
    }
    page.names();
    if ladder.omitted > 0 {
        page.line(&format!("{} further messages are not shown", ladder.omitted));
    }
    page.out
}

/// The name of a lane.
fn letter(lane: usize) -> char {
    u8::try_from(lane).ok().and_then(|lane| b'A'.checked_add(lane)).map_or('?', char::from)
}

/// Text without what deceives, cut to a number of columns.
fn cut(text: &str, columns: usize) -> String {
    let text = visible(text);
    if text.width() <= columns {
        return text.into_owned();
    }
    let mut kept = String::new();
    let mut width = 1;
    for character in text.chars() {
        width += character.width().unwrap_or(0);
        if width > columns {
            break;
        }
        kept.push(character);
    }
    kept.push('\u{2026}');
    kept
}

struct Page {
    out: String,
    lanes: usize,
}

impl Page {
    fn line(&mut self, text: &str) {
        self.out.push_str(cut(text, COLUMNS).trim_end());
        self.out.push('\n');
    }

    /// The column of a lane.
    fn column(&self, lane: usize) -> usize {
        let room = COLUMNS - MARGIN - 2;
        let spacing = (room / self.lanes.max(1)).clamp(*SPACING.start(), *SPACING.end());
        MARGIN + 1 + lane * spacing
    }

    /// The line with the lanes only.
    fn lanes(&self) -> Vec<char> {
        let mut line = vec![' '; COLUMNS];
        for lane in 0..self.lanes {
            line.get_mut(self.column(lane)).into_iter().for_each(|cell| *cell = '\u{2502}');
        }
        line
    }

    fn names(&mut self) {
        let mut line = vec![' '; COLUMNS];
        for lane in 0..self.lanes {
            line.get_mut(self.column(lane)).into_iter().for_each(|cell| *cell = letter(lane));
        }
        self.put(&line, MARGIN, "", "");
    }

    /// Lanes with a text over them, beside the first lane.
    fn blank(&mut self, margin: &str, text: Option<&str>) {
        let line = self.lanes();
        let at = MARGIN + 3;
        let text = text.map_or_else(String::new, |text| cut(text, COLUMNS - at));
        self.put(&line, at, &text, margin);
    }

    /// Writes a line with `text` over it from column `at` on.
    fn put(&mut self, line: &[char], at: usize, text: &str, margin: &str) {
        let width = text.width();
        let mut out: String = format!("{margin:<MARGIN$}");
        out.extend(line.iter().take(at).skip(MARGIN));
        out.push_str(text);
        out.extend(line.iter().skip(at + width));
        let _ = writeln!(self.out, "{}", out.trim_end());
    }

    fn arrow(&mut self, step: &Step, arrow: &Arrow) {
        let margin = format!("{:<14}#{}", offset(step.since_start), arrow.place.frame);
        let margin = cut(&margin, MARGIN - 1);
        let mut label = arrow.label();
        if let Some(copies) = arrow.copies() {
            let _ = write!(label, " ({copies})");
        }
        if arrow.linked > 0 {
            let _ = write!(label, " [call {}]", arrow.linked);
        }
        let (from, to) = (self.column(arrow.from), self.column(arrow.to));
        let (left, right) = (from.min(to), from.max(to));
        let mut line = self.lanes();
        if left == right {
            let at = left + 2;
            let label = cut(&format!("\u{21ba} {label}"), COLUMNS.saturating_sub(at));
            return self.put(&line, at, &label, &margin);
        }
        for (at, cell) in line.iter_mut().enumerate().take(right).skip(left + 1) {
            *cell = if at + 1 == right && to > from {
                '\u{25b6}'
            } else if at == left + 1 && to < from {
                '\u{25c0}'
            } else {
                '\u{2500}'
            };
        }
        // The label stands in the arrow; where that has no room, above it.
        let room = (right - left).saturating_sub(7);
        if visible(&label).width() <= room {
            let label = cut(&label, room);
            let at = left + 3 + (room - label.width()) / 2;
            self.put(&line, at, &format!(" {label} "), &margin);
        } else {
            let above = self.lanes();
            let label = cut(&label, COLUMNS - left - 2);
            self.put(&above, left + 2, &label, &margin);
            self.put(&line, left + 1, "", "");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correlation::Place;
    use crate::report::ladder::{ArrowKind, Lane};
    use crate::time::Timestamp;

    fn ladder(lanes: usize, start_line: &str) -> Ladder {
        let arrow = Arrow {
            from: 0,
            to: lanes - 1,
            start_line: start_line.to_owned(),
            kind: ArrowKind::Request,
            place: Place { input: 0, frame: u64::MAX, position: 0 },
            retransmissions: 3,
            mirrors: 1,
            fork: 0,
            linked: 0,
            notes: Vec::new(),
        };
        let endpoint = "[2001:db8:1234:5678:9abc:def0:1234:5678]:50601".to_owned();
        let step = Step { time: Timestamp::MIN, since_start: i64::MAX, what: What::Arrow(Box::new(arrow)) };
        Ladder {
            call_id: "x".repeat(300),
            linked: vec!["\u{1b}[2J".to_owned()],
            start: String::new(),
            lanes: vec![Lane { endpoint, agent: Some("電".repeat(90)) }; lanes],
            steps: vec![step],
            joins: Vec::new(),
            omitted: 3,
        }
    }

    #[test]
    fn every_line_fits_and_nothing_moves_the_cursor() {
        for lanes in 1..=super::super::MAX_LANES {
            for line in ["BYE sip:a SIP/2.0", &format!("INVITE sip:{}\u{202e}\u{7} SIP/2.0", "電話".repeat(60))] {
                let text = text(&ladder(lanes, line));
                for line in text.lines() {
                    assert!(line.width() <= COLUMNS, "{lanes} lanes: {line}");
                    assert!(line.chars().all(|character| !character.is_control() && character != '\u{202e}'));
                }
            }
        }
    }
}
