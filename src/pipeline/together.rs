//! What calls say together that are not linked: addresses dialled though they were told to be gone, answers that contradict each
//! other, answers given again and again. It is known at the end of the input only.

use foldhash::{HashMap, HashSet};
use rayon::prelude::*;

use super::judge::StartOutcome;
use super::settle::Left;
use super::tallies::Tallies;
use super::verdicts::{is_for_good, is_usable};
use crate::analysis::Analysis;
use crate::correlation::{Links, Place, Redirect, RedirectOutcome, equals};
use crate::findings::{OldAddressDialled, Settings, Stated, TogetherCase, judge_together};
use crate::options::Options;

/// What redirects say together.
#[derive(Debug)]
pub(super) struct Together {
    /// What is wrong, and whether the capture lacks part of the head of a message of that call.
    pub(super) found: Vec<(Box<Stated>, bool)>,
    /// The redirects whose client called the old address again.
    pub(super) still_calling: HashSet<Place>,
}

impl Together {
    /// Judges the redirects that are settled, and those of `part`. Those of `left` were not asked for, but the others are compared with them.
    pub(super) fn judge(links: &Links, left: &Left, options: &Options, settled: &Analysis, part: &Analysis) -> Self {
        let asked_for = settled.all_redirects().chain(part.all_redirects());
        let asked_for = asked_for.map(|judged| (judged.redirect.as_ref(), Some(judged.outcome)));
        let mut all: Vec<(&Redirect, Option<RedirectOutcome>)> =
            asked_for.chain(left.redirects.iter().map(|redirect| (redirect.as_ref(), None))).collect();
        all.par_sort_by_key(|(redirect, _)| (redirect.time, redirect.place));
        let redirects: Vec<&Redirect> = all.iter().map(|(redirect, _)| *redirect).collect();
        let again = again(&redirects, links, &left.starts, &options.settings);
        let tallies = Tallies::of(&redirects, &options.settings);
        let found = all.par_iter().zip(&again).enumerate().filter_map(|(at, ((redirect, outcome), again))| {
            let case = TogetherCase {
                redirect,
                outcome: (*outcome)?,
                ignored_by: again,
                conflicts_with: tallies.conflict(at).and_then(|other| redirects.get(other)).copied(),
                leads_to_old: tallies.old_target(at).and_then(|other| redirects.get(other)).copied(),
                repeated: tallies.repeated(at),
            };
            Some(judge_together(&case).into_iter().map(|finding| (finding, redirect.head_cut)).collect::<Vec<_>>())
        });
        let found: Vec<Vec<_>> = found.collect();
        let calling = redirects.iter().zip(&again).filter(|(_, again)| !again.is_empty());
        Self {
            found: found.into_iter().flatten().collect(),
            still_calling: calling.map(|(redirect, _)| redirect.place).collect(),
        }
    }
}

/// For each redirect, the later requests to its old address. Each is listed once: with the first 301 for good that its client got for it,
/// else with the first that still held.
fn again(
    redirects: &[&Redirect],
    links: &Links,
    starts: &HashMap<Place, StartOutcome>,
    settings: &Settings,
) -> Vec<Vec<OldAddressDialled>> {
    let mut all = vec![Vec::new(); redirects.len()];
    let mut listed: HashSet<Place> = HashSet::default();
    let moves = || redirects.iter().enumerate().filter(|(_, redirect)| redirect.status == 301);
    let lasting = moves().filter(|(_, redirect)| is_for_good(redirect, settings));
    let others = moves().filter(|(_, redirect)| !is_for_good(redirect, settings));
    for (at, redirect) in lasting.chain(others) {
        // A 301 to the address asked for itself gives nothing to change to.
        let has_new =
            |old: &&[u8]| redirect.contacts.iter().any(|contact| is_usable(&contact.uri) && !equals(&contact.uri, old));
        let Some(old) = redirect.request_uri.as_deref().filter(has_new) else { continue };
        let requests = links.again(redirect, old, redirect.chain_end.time);
        let known = requests.iter().filter_map(|again| starts.get(&again.start));
        // Who dialled another address was sent to this one, by what the capture may lack.
        let meant = known.filter(|start| !start.follows && start.as_dialled && equals(&start.uri, old));
        let meant = meant.filter(|start| redirect.holds_at(start.time) && listed.insert(start.place));
        if let Some(slot) = all.get_mut(at) {
            slot.extend(meant.map(|start| OldAddressDialled {
                place: start.place,
                time: start.time,
                call_id: start.call_id.clone(),
            }));
        }
    }
    all
}
