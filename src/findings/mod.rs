//! Findings: what is wrong, whose fault it is, and what to set where. Pure functions over the facts of finished calls.

mod devices;
mod elements;
mod lost_dialogs;
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
mod timer_endings;
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

pub use redirects::{OldAddressDialled, RedirectCase, Repeated, TogetherCase};
pub use rule::{Check, Confidence, Finding, Rule, Scope, Severity, Value};
pub use session::DialogCase;
pub use settings::{Profile, Settings};
pub use subject::{Fingerprint, Stated, Subject};
pub use table::{ON_REQUEST, RULES, rule};
pub use timer_endings::{Ending, EndingsCase, ending};
pub use timer_sources::{ShortInterval, SourceCase, short_interval};
pub use timers::NegotiationCase;

use std::sync::LazyLock;

use crate::correlation::OddGroup;

/// What those checks of all rules find that look at facts of one kind; they are picked once.
macro_rules! judge {
    ($kind:ident, $case:expr) => {{
        static CHECKS: LazyLock<Vec<(&'static Rule, &'static Check)>> = LazyLock::new(|| {
            let all = RULES.iter().flat_map(|rule| rule.checks.iter().map(move |check| (*rule, check)));
            all.filter(|(_, check)| matches!(check, Check::$kind(_))).collect()
        });
        let mut found = Vec::new();
        for (rule, check) in CHECKS.iter() {
            if let Check::$kind(check) = check {
                check(rule, $case, &mut found);
            }
        }
        found
    }};
}

fn stated(found: Vec<Finding>, subject: impl Fn(&Finding) -> Subject) -> Vec<Box<Stated>> {
    found.into_iter().map(|finding| Box::new(Stated { subject: subject(&finding), finding })).collect()
}

/// The findings about a redirect whose outcome is known. Those with a [`Finding::watch`] hold only if the capture went on that
/// long without loss.
pub fn judge_redirect(case: &RedirectCase<'_>) -> Vec<Box<Stated>> {
    stated(judge!(Redirect, case), |_| Subject::of_redirect(case.redirect))
}

/// The findings about a redirect that rest on what other calls say.
pub fn judge_together(case: &TogetherCase<'_>) -> Vec<Box<Stated>> {
    stated(judge!(Together, case), |_| Subject::of_redirect(case.redirect))
}

/// The findings about a negotiation whose outcome is known.
pub fn judge_negotiation(case: &NegotiationCase<'_>) -> Vec<Box<Stated>> {
    stated(judge!(Negotiation, case), |finding| Subject::of_negotiation(case, finding.place))
}

/// The findings about what is odd about an element or an input.
pub fn judge_oddity(group: &OddGroup) -> Vec<Box<Stated>> {
    stated(judge!(Oddity, group), |_| Subject::of_oddity(group))
}

/// The findings about an element, over all its calls.
pub fn judge_source(case: &SourceCase<'_>) -> Vec<Box<Stated>> {
    stated(judge!(Source, case), |_| Subject::of_source(case))
}

/// The findings about calls that ended alike.
pub fn judge_endings(case: &EndingsCase<'_>) -> Vec<Box<Stated>> {
    stated(judge!(Endings, case), |_| Subject::of_endings(case))
}

/// The findings about a dialog. Those with a [`Finding::watch`] hold only if the capture went on that long without loss.
pub fn judge_dialog(case: &DialogCase<'_>) -> Vec<Box<Stated>> {
    let found = judge!(Dialog, case);
    Subject::of_messages(case, found)
}
