//! The table of rules, put together from the rows that stand with their checks.

use std::sync::LazyLock;

use super::rule::Rule;
use super::{
    elements, lost_dialogs, redirect_contacts, redirect_following, redirect_handling, redirect_tallies, redirects,
    requests, session, timer_answers, timer_failures, timer_headers, timer_proxies, timer_refreshes, timer_refusals,
    timer_retries, timer_sources, timers, transactions,
};

/// The rows of each file.
const TABLES: &[&[Rule]] = &[
    elements::RULES,
    lost_dialogs::RULES,
    redirect_contacts::RULES,
    redirect_following::RULES,
    redirect_handling::RULES,
    redirect_tallies::RULES,
    redirects::RULES,
    requests::RULES,
    session::RULES,
    timer_answers::RULES,
    timer_failures::RULES,
    timer_headers::RULES,
    timer_proxies::RULES,
    timer_refreshes::RULES,
    timer_refusals::RULES,
    timer_retries::RULES,
    timer_sources::RULES,
    timers::RULES,
    transactions::RULES,
];

/// The rules that are reported only if they are selected by their whole name: what they find is a matter of taste.
pub const ON_REQUEST: &[&str] = &["redirect-diversion-dropped"];

/// All rules, by name.
pub static RULES: LazyLock<Vec<&'static Rule>> = LazyLock::new(|| {
    let mut rules: Vec<&'static Rule> = TABLES.iter().copied().flatten().collect();
    rules.sort_by_key(|rule| rule.id);
    rules
});

/// The rule of that name.
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_unique_and_explained() {
        assert!(RULES.windows(2).all(|pair| pair[0].id < pair[1].id));
        for table in TABLES {
            assert!(table.windows(2).all(|pair| pair[0].id < pair[1].id), "{table:?}");
        }
        for row in RULES.iter() {
            assert!(row.explanation.len() > 40 && row.remedy.len() > 10, "{}", row.id);
            assert!(row.summary.ends_with('.') && !row.references.is_empty() && !row.checks.is_empty(), "{}", row.id);
            assert_eq!(rule(row.id).map(|found| found.id), Some(row.id));
        }
        assert!(ON_REQUEST.iter().all(|id| rule(id).is_some()) && rule("nothing").is_none());
    }
}
