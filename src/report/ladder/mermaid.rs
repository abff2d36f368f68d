//! A ladder as a Mermaid sequence diagram.

use std::fmt::Write;

use super::{ArrowKind, Ladder, Step, What, duration, offset, pause};
use crate::report::escape::visible;

/// The ladder of a call in the language of Mermaid, for a page that draws it.
pub fn mermaid(ladder: &Ladder) -> String {
    let mut out = String::from("sequenceDiagram\n");
    // A String takes everything.
    for (index, lane) in ladder.lanes.iter().enumerate() {
        let agent = lane.agent.as_deref().map_or_else(String::new, |agent| format!("<br/>{}", escaped(agent)));
        let _ = writeln!(out, "  participant L{index} as {}{agent}", escaped(&lane.endpoint));
    }
    let last = ladder.lanes.len().saturating_sub(1);
    let over = if last == 0 { "L0".to_owned() } else { format!("L0,L{last}") };
    let mut before: Option<&Step> = None;
    for (index, step) in ladder.steps.iter().enumerate() {
        if let Some(pause) = pause(before, step) {
            let _ = writeln!(out, "  Note over {over}: {}", escaped(&duration(pause)));
        }
        match &step.what {
            What::Arrow(arrow) => {
                let line = match arrow.kind {
                    ArrowKind::Request => "->>",
                    ArrowKind::Redirect | ArrowKind::IntervalTooSmall | ArrowKind::Failure => "--x",
                    ArrowKind::Provisional | ArrowKind::Success => "-->>",
                };
                let copies = arrow.copies().map_or_else(String::new, |copies| format!(" ({copies})"));
                let label = escaped(&format!("{}{copies}", arrow.label()));
                let _ = writeln!(out, "  L{}{line}L{}: {label}", arrow.from, arrow.to);
                let joined = ladder.join_notes(index);
                let notes: Vec<String> = joined.chain(arrow.notes.iter().map(|note| note.text.clone())).collect();
                if !notes.is_empty() {
                    let notes: Vec<String> = notes.iter().map(|note| escaped(note)).collect();
                    let _ = writeln!(out, "  Note right of L{}: {}", arrow.to, notes.join("<br/>"));
                }
            }
            What::Deadline(what) => {
                let text = escaped(&format!("{} {what}", offset(step.since_start)));
                let _ = writeln!(out, "  Note over {over}: {text}");
            }
        }
        before = Some(step);
    }
    out
}

/// Text that means nothing to Mermaid: what may is written by its number, as its documentation says.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, word) in visible(text).split(' ').enumerate() {
        if index > 0 {
            out.push(' ');
        }
        // The word alone would end a block.
        let is_end = word.eq_ignore_ascii_case("end");
        for character in word.chars() {
            let plain = character.is_alphanumeric() || ".-_/@=,()+".contains(character);
            if plain && !is_end {
                out.push(character);
            } else {
                let _ = write!(out, "#{};", u32::from(character));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_the_network_is_language() {
        assert_eq!(escaped("301 Moved"), "301 Moved");
        let hostile = escaped("end; <script> %% \"x\": #quot;\nend");
        assert_eq!(
            hostile,
            "#101;#110;#100;#59; #60;script#62; #37;#37; #34;x#34;#58; #35;quot#59;#92;u#123;a#125;end".replacen(
                "#101;#110;#100;#59;",
                "end#59;",
                1
            )
        );
        assert_eq!(escaped("an end"), "an #101;#110;#100;");
    }
}
