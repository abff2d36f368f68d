//! What a status code or a rule means, for a person: the texts behind `reinvite explain`.
//!
//! The texts know nothing of captures. Rules are handed in as [`RuleText`], so that this room depends on no other.

mod articles;
mod compare;
mod pages;
mod pairs;
mod status;
mod topic;
mod wrap;

pub use topic::UnknownTopic;

use topic::Topic;

/// A rule as `explain` shows it.
#[derive(Clone, Copy, Debug)]
pub struct RuleText<'a> {
    /// The stable name, such as `redirect-not-followed`.
    pub id: &'a str,
    /// The severity in lower case, such as `warning`.
    pub severity: &'a str,
    /// One sentence: what was found.
    pub summary: &'a str,
    /// When the rule fires and why that matters; blank lines part paragraphs.
    pub explanation: &'a str,
    /// What to change, and where; blank lines part paragraphs.
    pub remedy: &'a str,
    /// RFC and section of each source.
    pub references: &'a [&'a str],
}

/// The text for the topics, as lines of at most 100 columns with a line end after the last one.
///
/// No topic gives an overview, one topic its article, several a comparison. A topic is a rule id or a status code from
/// 100 to 699, registered or not; `sip:301`, `301 Moved Permanently` and a whole status line name a code too. Case,
/// surrounding blanks and repetitions do not matter. A word of a rule's text that is wider than a line is not broken.
pub fn explain(topics: &[String], rules: &[RuleText<'_>]) -> Result<String, UnknownTopic> {
    let mut found: Vec<Topic<'_>> = Vec::with_capacity(topics.len());
    for text in topics {
        let topic = Topic::read(text, rules)?;
        if !found.contains(&topic) {
            found.push(topic);
        }
    }
    Ok(match found.as_slice() {
        [] => pages::overview(rules.len()),
        [Topic::Status(code)] => pages::status(*code, rules),
        [Topic::Rule(rule)] => pages::rule(rule),
        several => compare::compare(several),
    })
}

/// The ids of all rules that the articles point to. An article leaves out those that the rules handed in do not have,
/// so whoever owns the rules can check that none is missing.
pub fn mentioned_rules() -> impl Iterator<Item = &'static str> {
    articles::ARTICLES.iter().flat_map(|article| article.rules.iter().copied())
}

#[cfg(test)]
mod tests;
