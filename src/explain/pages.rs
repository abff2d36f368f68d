//! Pages about one topic, and the overview.

use super::RuleText;
use super::articles::{ARTICLES, Article, article};
use super::status::{Class, Code, Status};
use super::wrap::{Page, paragraphs_of, widest};

/// What can be explained, and what it is about.
pub(super) fn overview(rules: usize) -> String {
    let mut page = Page::new("SIP requests that are told to try again");
    page.lead(
        "Some answers to a SIP request say neither yes nor no, but: try again, differently. A redirect (3xx) says \
         where to go instead. A 422 says that the session interval is too small, and how large it has to be. Until \
         the caller has done so nothing rings, and until somebody changes a setting the next call takes the same \
         detour.",
    );
    page.heading("Status codes with an article");
    for article in ARTICLES {
        if let Some(status) = Code::new(article.code).and_then(Code::status) {
            page.labelled(&article.code.to_string(), 3, &format!("{}. {}", status.reason, status.meaning));
        }
    }
    page.heading("How to ask");
    let ways = [
        ("reinvite explain 301", "what a status code means, what to do about it, and which rules look at it"),
        ("reinvite explain 301 422", "what differs between two, and when which applies"),
        ("reinvite explain redirect-not-followed", "what a finding of the report means"),
        ("reinvite rules", "the list of all rules"),
    ];
    for (command, purpose) in ways {
        page.labelled(command, widest([command]), purpose);
    }
    page.heading("Topics");
    let topics = format!("All status codes from 100 to 699, and the ids of the {rules} rules. Case does not matter.");
    page.paragraphs([topics.as_str()]);
    page.finish()
}

/// The page about a status code.
pub(super) fn status(code: Code, rules: &[RuleText<'_>]) -> String {
    match code.status() {
        Some(status) => registered(status, code.class(), rules),
        None => unregistered(code),
    }
}

fn registered(status: &Status, class: &Class, rules: &[RuleText<'_>]) -> String {
    let mut page = Page::new(&format!("{} {}", status.code, status.reason));
    page.lead(status.meaning);
    page.heading("Class");
    page.paragraphs([format!("{}. {}", class.name, class.meaning).as_str()]);
    if !status.headers.is_empty() {
        page.heading("Headers that matter");
        page.paragraphs([status.headers]);
    }
    match article(status.code) {
        Some(article) => long(&mut page, article, rules),
        None => {
            page.heading("What to do");
            page.paragraphs([status.remedy]);
            page.heading("References");
            page.items([status.reference]);
        }
    }
    page.finish()
}

/// The parts of a page that only codes with an article have.
fn long(page: &mut Page, article: &Article, rules: &[RuleText<'_>]) {
    page.heading("What it means");
    page.paragraphs(article.meaning.iter().copied());
    page.heading("When one sees it");
    page.items(article.occasions.iter().copied());
    page.heading("How to fix it");
    page.items(article.remedies.iter().copied());
    page.heading("What reinvite reports");
    let mut found = article.rules.iter().filter_map(|id| rules.iter().find(|rule| rule.id == *id)).peekable();
    if found.peek().is_none() {
        page.paragraphs(["Its number among the answers in the summary."]);
    }
    for rule in found {
        page.items([format!("{} ({}): {}", rule.id, rule.severity, rule.summary).as_str()]);
    }
    page.heading("References");
    page.items(article.references.iter().copied());
}

fn unregistered(code: Code) -> String {
    let mut page = Page::new(&format!("{} (not registered)", code.number()));
    page.lead(UNREGISTERED);
    page.heading("Class");
    page.paragraphs([format!("{}. {}", code.class().name, code.class().meaning).as_str()]);
    page.heading("What a client does");
    page.paragraphs([taken_for(code).as_str()]);
    page.heading("What to do");
    page.paragraphs([UNREGISTERED_REMEDY]);
    page.heading("References");
    page.items([code.class().reference, UNKNOWN_CODES]);
    page.finish()
}

/// What is known of an unregistered code.
pub(super) const UNREGISTERED: &str =
    "This code is not registered with IANA; only its class says what it means, unless the sender documents more.";
/// What to do about an unregistered code.
pub(super) const UNREGISTERED_REMEDY: &str =
    "Read the reason phrase, and Reason or Warning headers if there are any; ask the operator or vendor of the sender.";
/// Where the handling of unknown codes is written.
pub(super) const UNKNOWN_CODES: &str = "RFC 3261 8.1.3.2 (unknown codes)";

/// How a client takes a code that it does not know (RFC 3261 8.1.3.2).
pub(super) fn taken_for(code: Code) -> String {
    let number = code.class().stands_for;
    let reason = Code::new(number).and_then(Code::status).map_or("the first of its class", |status| status.reason);
    format!("A client takes a code of this class that it does not know for {number} ({reason}).")
}

/// The page about a rule.
pub(super) fn rule(rule: &RuleText<'_>) -> String {
    let mut page = Page::new(rule.id);
    page.lead(rule.summary);
    page.heading("Severity");
    page.paragraphs([rule.severity]);
    section(&mut page, "What it means", rule.explanation);
    section(&mut page, "What to do", rule.remedy);
    if !rule.references.is_empty() {
        page.heading("References");
        page.items(rule.references.iter().copied());
    }
    page.finish()
}

/// A heading and its paragraphs, or nothing if there are none.
fn section(page: &mut Page, heading: &str, text: &str) {
    let mut paragraphs = paragraphs_of(text).peekable();
    if paragraphs.peek().is_some() {
        page.heading(heading);
        page.paragraphs(paragraphs);
    }
}
