//! What a run can be told.

use crate::capture::CaptureOptions;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::correlation::Filter;
use crate::findings::{Fingerprint, ON_REQUEST, Settings, Severity};
use crate::progress::Progress;
use crate::redact::Pseudonyms;

/// Which dialogs a report lists in full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DialogsListed {
    /// None.
    None,
    /// Those with a redirect, a negotiation or a finding of notice and above.
    #[default]
    Flagged,
    /// All.
    All,
}

/// Which findings a report has.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Rules, or prefixes of their names, that are reported; all if empty, but for those [on request](ON_REQUEST).
    pub select: Vec<String>,
    /// Rules, or prefixes of their names, that are not reported.
    pub ignore: Vec<String>,
    /// The mildest severity that is reported.
    pub min_severity: Option<Severity>,
}

impl Selection {
    /// Whether a finding of that rule and severity is reported.
    pub fn takes(&self, rule: &str, severity: Severity) -> bool {
        let names = |list: &[String]| list.iter().any(|name| is_family(name, rule));
        let is_selected = self.select.is_empty() || names(&self.select);
        let is_asked_for = !ON_REQUEST.contains(&rule) || self.select.iter().any(|name| name == rule);
        is_selected && is_asked_for && !names(&self.ignore) && self.min_severity.is_none_or(|least| severity >= least)
    }
}

/// Whether `name` is the rule, or a family of rules such as `timer-422`: whole words at its beginning.
pub fn is_family(name: &str, rule: &str) -> bool {
    rule.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-') || name.ends_with('-'))
}

/// What a run can be told. The defaults are those of the command line.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How inputs are read.
    pub capture: CaptureOptions,
    /// Which dialogs are listed.
    pub dialogs: DialogsListed,
    /// Whether the messages of listed dialogs can be read again, see [`quote`](crate::pipeline::quote).
    pub quotable: bool,
    /// Which findings are reported.
    pub selection: Selection,
    /// Findings that are known, and therefore not reported again.
    pub known: BTreeSet<Fingerprint>,
    /// Which calls are looked at.
    pub filter: Filter,
    /// The thresholds of rules.
    pub settings: Settings,
    /// Threads that work beside the reader; 0 for as many as there are cores.
    pub threads: usize,
    /// Headers that tie the calls on both sides of a back-to-back user agent, besides Session-ID: what has the same value belongs together.
    pub leg_headers: Vec<String>,
    /// What names in the messages are replaced by, in everything that comes out; nothing is if there is none.
    pub pseudonyms: Option<Arc<Pseudonyms>>,
    /// Names for addresses, which stand beside them in reports.
    pub names: Arc<BTreeMap<IpAddr, String>>,
    /// Whether results are forgotten once they were [shown](crate::pipeline::analyze_live), so that a run over an endless input keeps only what the
    /// end of a report needs of them. The lists of the analysis then hold none of them.
    pub forget_shown: bool,
    /// Where the run says how far it is.
    pub progress: Arc<Progress>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_a_whole_word_prefix() {
        let selection = Selection {
            select: vec!["timer-422".into()],
            ignore: vec!["timer-422-ladder".into()],
            min_severity: Some(Severity::Notice),
        };
        assert!(selection.takes("timer-422-unresolved", Severity::Warning));
        assert!(!selection.takes("timer-422-ladder", Severity::Notice));
        assert!(!selection.takes("timer-422-resolved", Severity::Info));
        assert!(!selection.takes("redirect-loop", Severity::Error));
        for no_family in ["time", "", "422"] {
            assert!(!is_family(no_family, "timer-422-ladder"), "{no_family:?}");
        }
    }
}
