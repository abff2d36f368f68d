//! Pages about several topics: side by side, aspect by aspect.

use super::articles::article;
use super::pages::{UNKNOWN_CODES, UNREGISTERED, UNREGISTERED_REMEDY, taken_for};
use super::pairs::{PAIRS, Pair, pair};
use super::topic::Topic;
use super::wrap::{Page, widest};

/// What a comparison says of one topic.
struct Side {
    label: String,
    title: String,
    kind: String,
    meaning: String,
    headers: String,
    remedy: String,
    references: String,
}

/// The comparison of two or more different topics: one written for the pair where there is one, else what their
/// tables say, in the order asked for.
pub(super) fn compare(topics: &[Topic<'_>]) -> String {
    let written = match topics {
        [Topic::Status(one), Topic::Status(other)] => pair(one.number(), other.number()),
        _ => None,
    };
    let mut sides: Vec<Side> = topics.iter().map(Side::of).collect();
    if let Some(pair) = written
        && sides.first().is_some_and(|side| side.label != pair.codes.0.to_string())
    {
        // A written text keeps its order, so that both ways of asking give the same page.
        sides.reverse();
    }
    let mut page = Page::new(&title(&sides));
    match written {
        Some(pair) => write_pair(&mut page, pair, &sides),
        None => {
            write_pairs_within(&mut page, topics);
            write_tables(&mut page, &sides);
        }
    }
    page.finish()
}

fn write_pair(page: &mut Page, pair: &Pair, sides: &[Side]) {
    page.heading("In short");
    page.paragraphs(pair.in_short.iter().copied());
    if pair.aspects.is_empty() {
        write_tables(page, sides);
    }
    let width = widest(sides.iter().map(|side| side.label.as_str()));
    for aspect in pair.aspects {
        page.heading(aspect.name);
        for (side, text) in sides.iter().zip([aspect.first, aspect.second]) {
            page.labelled(&side.label, width, text);
        }
    }
    for section in pair.sections {
        page.heading(section.heading);
        page.paragraphs(section.paragraphs.iter().copied());
        page.items(section.items.iter().copied());
    }
}

/// What is written of pairs among several topics.
fn write_pairs_within(page: &mut Page, topics: &[Topic<'_>]) {
    let asked =
        |number: u16| topics.iter().any(|topic| matches!(topic, Topic::Status(code) if code.number() == number));
    for pair in PAIRS.iter().filter(|pair| asked(pair.codes.0) && asked(pair.codes.1)) {
        page.heading(&format!("{} and {} in short", pair.codes.0, pair.codes.1));
        page.paragraphs(pair.in_short.iter().copied());
    }
}

fn write_tables(page: &mut Page, sides: &[Side]) {
    aspect(page, "Class", sides, |side| &side.kind);
    aspect(page, "What it means and when it applies", sides, |side| &side.meaning);
    aspect(page, "Headers that matter", sides, |side| &side.headers);
    aspect(page, "What to do", sides, |side| &side.remedy);
    aspect(page, "References", sides, |side| &side.references);
}

/// One aspect of all sides, said once if it is the same for all of them.
fn aspect(page: &mut Page, heading: &str, sides: &[Side], text: fn(&Side) -> &str) {
    page.heading(heading);
    let mut texts = sides.iter().map(text);
    let first = texts.next().unwrap_or_default();
    if texts.all(|other| other == first) {
        let all = if sides.len() == 2 { "Both" } else { "All" };
        page.paragraphs([format!("{all}: {first}").as_str()]);
        return;
    }
    let width = widest(sides.iter().map(|side| side.label.as_str()));
    for side in sides {
        page.labelled(&side.label, width, text(side));
    }
}

/// The titles as a list: `A and B`, `A, B and C`.
fn title(sides: &[Side]) -> String {
    let titles: Vec<&str> = sides.iter().map(|side| side.title.as_str()).collect();
    match titles.as_slice() {
        [others @ .., last] if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => titles.concat(),
    }
}

impl Side {
    fn of(topic: &Topic<'_>) -> Self {
        match topic {
            Topic::Rule(rule) => Self {
                label: rule.id.to_owned(),
                title: rule.id.to_owned(),
                kind: format!("finding of severity {}", rule.severity),
                meaning: format!("{} {}", rule.summary, rule.explanation),
                headers: NO_HEADERS.to_owned(),
                remedy: rule.remedy.to_owned(),
                references: rule.references.join(", "),
            },
            Topic::Status(code) => {
                let class = code.class();
                let number = code.number();
                let kind = format!("{}. {}", class.name, class.meaning);
                let Some(status) = code.status() else {
                    return Self {
                        label: number.to_string(),
                        title: format!("{number} (not registered)"),
                        kind,
                        meaning: format!("{UNREGISTERED} {}", taken_for(*code)),
                        headers: NO_HEADERS.to_owned(),
                        remedy: UNREGISTERED_REMEDY.to_owned(),
                        references: format!("{}, {UNKNOWN_CODES}", class.reference),
                    };
                };
                let references = article(number)
                    .map_or_else(|| status.reference.to_owned(), |article| article.references.join(", "));
                Self {
                    label: number.to_string(),
                    title: format!("{number} {}", status.reason),
                    kind,
                    meaning: status.meaning.to_owned(),
                    headers: if status.headers.is_empty() { NO_HEADERS } else { status.headers }.to_owned(),
                    remedy: status.remedy.to_owned(),
                    references,
                }
            }
        }
    }
}

const NO_HEADERS: &str = "none in particular";
