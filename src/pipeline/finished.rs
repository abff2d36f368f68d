//! A call that is over, for those who do not wait for the end of the input.

use super::judge::Judged;
use crate::correlation::{ListedDialog, Negotiation, Redirect};
use crate::findings::Stated;

/// A call that is over, as far as it can be told by itself. What depends on other calls, and on how long the capture goes on, is decided at
/// the end of the input: whether a redirect was followed in another call, how its chain ended, whether what did not come could have been
/// seen. A Call-ID that is used on and on (registrations) comes again with each of its episodes.
#[derive(Clone, Copy, Debug)]
pub struct FinishedCall<'a> {
    /// The Call-ID.
    pub call_id: &'a [u8],
    /// Its dialogs with their messages, if [`Options::dialogs`](crate::options::Options::dialogs) wants it listed; those that end up in the report may be fewer.
    pub dialogs: &'a [Box<ListedDialog>],
    /// Its redirects.
    pub redirects: &'a [Box<Redirect>],
    /// Its negotiations.
    pub negotiations: &'a [Box<Negotiation>],
    /// What is wrong with its dialogs. A finding with a `watch` holds only if the capture went on until then without a loss.
    pub findings: &'a [Box<Stated>],
}

impl<'a> FinishedCall<'a> {
    /// What there is to show of a call; nothing if that is no more than counts.
    pub(super) fn of(judged: &'a Judged) -> Option<Self> {
        let dialog = judged.listed.first().map(|dialog| &dialog.call_id);
        let redirect = judged.redirects.first().map(|redirect| &redirect.call_id);
        let negotiation = judged.negotiations.first().map(|negotiation| &negotiation.call_id);
        let finding = judged.findings.first().map(|finding| &finding.call_id);
        Some(Self {
            call_id: dialog.or(redirect).or(negotiation).or(finding)?,
            dialogs: &judged.listed,
            redirects: &judged.redirects,
            negotiations: &judged.negotiations,
            findings: &judged.findings,
        })
    }
}
