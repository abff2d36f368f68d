//! Findings: what is wrong, whose fault it is, and what to set where. Pure functions over the facts of finished calls.

mod devices;
mod elements;
mod redirect_contacts;
mod redirect_following;
mod redirect_handling;
mod redirect_tallies;
mod redirects;
mod requests;
mod rule;
mod session;
mod settings;
mod stretch;
mod subject;
mod table;
mod timer_answers;
mod timer_failures;
mod timer_headers;
mod timer_messages;
mod timer_proxies;
mod timer_refreshes;
mod timer_refusals;
mod timer_retries;
mod timer_sources;
mod timers;
mod transactions;
mod words;

pub use redirects::{OldAddressDialled, RedirectCase, Repeated};
pub use rule::{Check, Confidence, Finding, Rule, Scope, Severity, Value};
pub use session::DialogCase;
pub use settings::{Profile, Settings};
pub use subject::{Fingerprint, Stated, Subject};
pub use table::{ON_REQUEST, RULES, rule};
pub use timer_sources::{ShortInterval, SourceCase, short_interval};
pub use timers::NegotiationCase;

use crate::correlation::OddGroup;

/// Lets all checks of all rules decide, of which `decide` runs those that look at what it knows.
fn judge(decide: impl Fn(&'static Rule, &Check, &mut Vec<Finding>)) -> Vec<Finding> {
    let mut found = Vec::new();
    for rule in RULES.iter().copied() {
        for check in rule.checks {
            decide(rule, check, &mut found);
        }
    }
    found
}

/// The findings about a redirect whose outcome is known. Those with a [`Finding::watch`] hold only if the capture went on that
/// long without loss.
pub fn judge_redirect(case: &RedirectCase<'_>) -> Vec<Stated> {
    let found = judge(|rule, check, found| {
        if let Check::Redirect(check) = check {
            check(rule, case, found);
        }
    });
    about_redirect(case, found)
}

/// The finding about a redirect of which [`judge_redirect`] has said nothing that holds.
pub fn judge_plain_redirect(case: &RedirectCase<'_>) -> Vec<Stated> {
    let found = judge(|rule, check, found| {
        if let Check::PlainRedirect(check) = check {
            check(rule, case, found);
        }
    });
    about_redirect(case, found)
}

fn about_redirect(case: &RedirectCase<'_>, found: Vec<Finding>) -> Vec<Stated> {
    let stated = |finding| Stated { finding, subject: Subject::of_redirect(case.redirect) };
    found.into_iter().map(stated).collect()
}

/// The findings about a negotiation whose outcome is known.
pub fn judge_negotiation(case: &NegotiationCase<'_>) -> Vec<Stated> {
    let found = judge(|rule, check, found| {
        if let Check::Negotiation(check) = check {
            check(rule, case, found);
        }
    });
    let stated = |finding: Finding| Stated { subject: Subject::of_negotiation(case, finding.place), finding };
    found.into_iter().map(stated).collect()
}

/// The findings about what is odd about an element or an input.
pub fn judge_oddity(group: &OddGroup) -> Vec<Stated> {
    let found = judge(|rule, check, found| {
        if let Check::Oddity(check) = check {
            check(rule, group, found);
        }
    });
    let stated = |finding| Stated { finding, subject: Subject::of_oddity(group) };
    found.into_iter().map(stated).collect()
}

/// The findings about an element, over all its calls.
pub fn judge_source(case: &SourceCase<'_>) -> Vec<Stated> {
    let found = judge(|rule, check, found| {
        if let Check::Source(check) = check {
            check(rule, case, found);
        }
    });
    let stated = |finding| Stated { finding, subject: Subject::of_source(case) };
    found.into_iter().map(stated).collect()
}

/// The findings about a dialog. Those with a [`Finding::watch`] hold only if the capture went on that long without loss.
pub fn judge_dialog(case: &DialogCase<'_>) -> Vec<Stated> {
    let found = judge(|rule, check, found| {
        if let Check::Dialog(check) = check {
            check(rule, case, found);
        }
    });
    Subject::of_messages(case, found)
}
