//! Topics: from what was typed to a status code or a rule, or to what may have been meant.

use std::fmt;

use super::RuleText;
use super::status::{Code, STATUSES};

/// The longest topic that near misses are sought for, and the longest that is repeated in full, in characters.
const LONGEST_TOPIC: usize = 64;
/// Near misses that are offered.
const MAX_SUGGESTIONS: usize = 5;

/// Something that can be explained.
#[derive(Clone, Copy, Debug)]
pub(super) enum Topic<'a> {
    /// A finding's rule.
    Rule(&'a RuleText<'a>),
    /// A status code, registered or not.
    Status(Code),
}

impl PartialEq for Topic<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Rule(one), Self::Rule(two)) => one.id == two.id,
            (Self::Status(one), Self::Status(two)) => one == two,
            _ => false,
        }
    }
}

impl<'a> Topic<'a> {
    /// Reads a topic as it was typed.
    pub(super) fn read(text: &str, rules: &'a [RuleText<'a>]) -> Result<Self, UnknownTopic> {
        let name = text.trim();
        if let Some(rule) = rules.iter().find(|rule| rule.id.eq_ignore_ascii_case(name)) {
            return Ok(Self::Rule(rule));
        }
        read_code(name).map(Self::Status).ok_or_else(|| UnknownTopic::new(name, rules))
    }
}

/// Reads a status code, alone or at the start of a status line with or without its version. What follows the code is
/// free text (RFC 3261 7.2).
fn read_code(text: &str) -> Option<Code> {
    let text = without_prefix(without_prefix(text, "sip:"), "SIP/2.0 ");
    let digits = text.split_whitespace().next()?;
    if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Code::new(digits.parse().ok()?)
}

/// The text after a prefix, whose case does not matter, or all of it when it begins otherwise.
fn without_prefix<'t>(text: &'t str, prefix: &str) -> &'t str {
    match text.split_at_checked(prefix.len()) {
        Some((head, rest)) if head.eq_ignore_ascii_case(prefix) => rest,
        _ => text,
    }
}

/// A topic that is neither a status code nor a rule; it says what may have been meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct UnknownTopic {
    topic: String,
    nearest: Vec<String>,
}

impl UnknownTopic {
    fn new(topic: &str, rules: &[RuleText<'_>]) -> Self {
        Self { topic: topic.to_owned(), nearest: nearest(topic, rules) }
    }

    /// The topic, as it was typed but for surrounding blanks.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Topics that may have been meant, the most likely first: rule ids, and status codes with their phrase.
    pub fn nearest(&self) -> &[String] {
        &self.nearest
    }
}

impl fmt::Display for UnknownTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.topic.chars().take(LONGEST_TOPIC).collect();
        let cut = if shown.len() < self.topic.len() { "..." } else { "" };
        write!(f, "no topic \"{}{cut}\"; ", shown.escape_debug())?;
        match self.nearest.as_slice() {
            [] if shown.starts_with(|first: char| first.is_ascii_digit()) => f.write_str("status codes are 100 to 699"),
            [] => f.write_str("topics are status codes (100 to 699) and the rule ids that \"reinvite rules\" lists"),
            [only] => write!(f, "did you mean {only}?"),
            [others @ .., last] => write!(f, "did you mean {} or {last}?", others.join(", ")),
        }
    }
}

/// What may have been meant: first what contains the topic, then rule ids that differ in few letters.
fn nearest(topic: &str, rules: &[RuleText<'_>]) -> Vec<String> {
    let topic = topic.to_lowercase();
    let length = topic.chars().count();
    if length > LONGEST_TOPIC || topic.is_empty() {
        return Vec::new();
    }
    let allowed = (length / 3).max(1);
    let mut found: Vec<(usize, String)> = Vec::new();
    for rule in rules {
        let distance = if length > 2 && rule.id.contains(&topic) { 0 } else { edit_distance(&topic, rule.id) };
        if distance <= allowed {
            found.push((distance, rule.id.to_owned()));
        }
    }
    if length > 2 {
        for status in STATUSES.iter().filter(|status| status.reason.to_lowercase().contains(&topic)) {
            found.push((0, format!("{} ({})", status.code, status.reason)));
        }
    }
    found.sort_by_key(|(distance, _)| *distance);
    found.truncate(MAX_SUGGESTIONS);
    found.into_iter().map(|(_, name)| name).collect()
}

/// The number of letters to insert, delete or replace to turn one text into the other (Levenshtein).
fn edit_distance(one: &str, other: &str) -> usize {
    // `row` holds the distances from the part of `one` read so far to every prefix of `other` but the empty one.
    let mut row: Vec<usize> = (1..=other.chars().count()).collect();
    for (read, letter) in one.chars().enumerate() {
        let mut diagonal = read;
        let mut left = read + 1;
        for (cell, target) in row.iter_mut().zip(other.chars()) {
            let replaced = diagonal + usize::from(letter != target);
            diagonal = *cell;
            left = replaced.min(left + 1).min(diagonal + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_else(|| one.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn rule(id: &'static str) -> RuleText<'static> {
        RuleText { id, severity: "info", summary: "", explanation: "", remedy: "", references: &[] }
    }

    const RULES: &[RuleText<'_>] =
        &[rule("redirect-followed"), rule("redirect-not-followed"), rule("timer-422-observed"), rule("branch-reused")];

    fn code(text: &str) -> Option<u16> {
        match Topic::read(text, RULES) {
            Ok(Topic::Status(code)) => Some(code.number()),
            _ => None,
        }
    }

    #[test]
    fn a_code_may_be_typed_in_several_ways() {
        for text in
            ["301", " 301\t", "sip:301", "SIP: 301", "301 Moved Permanently", "sip/2.0 301 Moved", "SIP/2.0  301"]
        {
            assert_eq!(code(text), Some(301), "{text:?}");
        }
        assert_eq!(code("699"), Some(699));
        assert_eq!(code("100"), Some(100));
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for text in [
            "",
            " ",
            "99",
            "099",
            "700",
            "+301",
            "-301",
            "3010",
            "30",
            "301x",
            "3xx",
            "99999999999999999999",
            "sip:",
            "SIP/2.0",
            "３０１",
            "éé",
        ] {
            assert_eq!(code(text), None, "{text:?}");
        }
    }

    #[test]
    fn rules_are_found_in_any_case() {
        assert!(
            matches!(Topic::read(" Redirect-Followed ", RULES), Ok(Topic::Rule(rule)) if rule.id == "redirect-followed")
        );
    }

    #[test]
    fn near_misses_are_offered() {
        let error = Topic::read("redirect-folowed", RULES).unwrap_err();
        assert_eq!(error.nearest(), ["redirect-followed", "redirect-not-followed"]);
        assert_eq!(
            error.to_string(),
            "no topic \"redirect-folowed\"; did you mean redirect-followed or redirect-not-followed?"
        );
        assert_eq!(
            Topic::read("422-observed", RULES).unwrap_err().to_string(),
            "no topic \"422-observed\"; did you mean timer-422-observed?"
        );
        assert_eq!(
            Topic::read("moved", RULES).unwrap_err().nearest(),
            ["301 (Moved Permanently)", "302 (Moved Temporarily)"]
        );
    }

    #[test]
    fn errors_say_what_topics_there_are() {
        assert_eq!(Topic::read("999", RULES).unwrap_err().to_string(), "no topic \"999\"; status codes are 100 to 699");
        let nothing_near = Topic::read("zzzzzz", RULES).unwrap_err();
        assert!(nothing_near.nearest().is_empty());
        assert!(nothing_near.to_string().contains("100 to 699"));
        assert_eq!(nothing_near.topic(), "zzzzzz");
    }

    #[test]
    fn hostile_topics_are_cut_and_escaped() {
        let error = Topic::read(&format!("\u{1b}[2J{}", "x".repeat(1 << 20)), RULES).unwrap_err();
        let text = error.to_string();
        assert!(text.chars().count() < 250);
        assert!(text.chars().all(|letter| !letter.is_control()));
        assert!(text.contains("..."));
    }

    #[test]
    fn edit_distance_counts_changes() {
        for (one, other, distance) in
            [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("abc", "abc", 0), ("kitten", "sitting", 3), ("ab", "ba", 2)]
        {
            assert_eq!(edit_distance(one, other), distance, "{one} {other}");
            assert_eq!(edit_distance(other, one), distance, "{other} {one}");
        }
    }
}
