//! The result of a run, before it takes the shape of a report.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use crate::capture::InputInfo;
use crate::correlation::{CallStats, ListedDialog, Negotiation, NegotiationOutcome, Place, Redirect, RedirectOutcome};
use crate::counters::{Counters, MessageKinds};
use crate::findings::Stated;

/// A redirect with what became of it.
#[derive(Clone, Debug)]
pub struct JudgedRedirect {
    /// The redirect.
    pub redirect: Box<Redirect>,
    /// What became of it.
    pub outcome: RedirectOutcome,
    /// Whether its client called the old address again later.
    pub still_calling_old: bool,
    /// Whether it is a 301 that holds for long enough to be stored.
    pub for_good: bool,
    /// The findings about it, as indices into [`Analysis::findings`].
    pub findings: Vec<usize>,
}

/// A negotiation with what became of it.
#[derive(Clone, Debug)]
pub struct JudgedNegotiation {
    /// The negotiation.
    pub negotiation: Box<Negotiation>,
    /// What became of it.
    pub outcome: NegotiationOutcome,
    /// The findings about it, as indices into [`Analysis::findings`].
    pub findings: Vec<usize>,
}

/// Calls and their messages.
#[derive(Clone, Debug, Default)]
pub struct CallTotals {
    /// Distinct Call-IDs.
    pub calls: u64,
    /// Of those, the ones with an INVITE.
    pub invite_calls: u64,
    /// SIP messages.
    pub messages: MessageKinds,
    /// Dialogs.
    pub dialogs: u64,
}

/// Everything that a run found. All lists are in order of time, then input, then frame.
#[derive(Debug, Default)]
pub struct Analysis {
    /// The inputs, in the order given.
    pub inputs: Vec<InputInfo>,
    /// What was seen and what was not looked at.
    pub counters: Counters,
    /// Calls and their messages.
    pub calls: CallStats,
    /// What was asked for: all calls, or those that the filter takes and those linked to them.
    pub totals: CallTotals,
    /// Packets that the capture holds twice.
    pub mirror_duplicates: u64,
    /// The redirects.
    pub redirects: Vec<JudgedRedirect>,
    /// The negotiations.
    pub negotiations: Vec<JudgedNegotiation>,
    /// The findings.
    pub findings: Vec<Box<Stated>>,
    /// Findings left out because they are known.
    pub known_findings: u64,
    /// What could not be decided, by rule.
    pub indeterminate: BTreeMap<&'static str, u64>,
    /// The dialogs that were asked for.
    pub listed: Vec<Box<ListedDialog>>,
    /// The messages of those dialogs as they are on the wire, as far as they were read again.
    pub quotes: HashMap<Place, Box<[u8]>>,
    /// Names that whoever asked has for addresses; they stand beside them in reports.
    pub names: BTreeMap<IpAddr, String>,
    /// Losses on TCP streams beyond those that are remembered.
    pub losses_beyond_limit: u64,
    /// How often something odd was seen of elements beyond those that are remembered.
    pub odd_beyond_limit: u64,
    /// Whether more elements ask for short session intervals than are remembered.
    pub sources_beyond_limit: bool,
    /// How often links between calls met a limit.
    pub link_limits_reached: u64,
}
