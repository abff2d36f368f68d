//! Chains of redirects, within calls and over several.

use std::sync::Arc;

use foldhash::HashMap;

use super::judge::StartOutcome;
use crate::correlation::{ChainEnd, Place, Redirect, Text, Tried, equals, target_key};
use crate::limits::MAX_RIVALS;
use crate::time::Timestamp;

/// The addresses that were asked for in a chain so far, by what they have in common.
#[derive(Debug, Default)]
struct Asked(HashMap<u64, Vec<Text>>);

impl Asked {
    fn add(&mut self, uri: &Text) {
        let known = self.0.entry(target_key(uri)).or_default();
        if known.len() < MAX_RIVALS && !known.iter().any(|old| equals(old, uri)) {
            known.push(uri.clone());
        }
    }

    fn has(&self, uri: &[u8]) -> bool {
        self.0.get(&target_key(uri)).is_some_and(|known| known.iter().any(|old| equals(old, uri)))
    }
}

/// Joins the redirects that follow each other, numbers them, and notes how each chain ended.
pub(super) fn join(redirects: &mut [Box<Redirect>], starts: &HashMap<Place, StartOutcome>) {
    let next = successors(redirects, starts);
    let mut is_continued = vec![false; redirects.len()];
    for flag in next.iter().flatten() {
        if let Some(flag) = is_continued.get_mut(*flag) {
            *flag = true;
        }
    }
    let mut done = vec![false; redirects.len()];
    let heads = (0..redirects.len()).filter(|at| !is_continued.get(*at).copied().unwrap_or(false));
    // Times that run backwards might close a circle: then any of its redirects is the first.
    for head in heads.chain(0..redirects.len()) {
        let mut members = Vec::new();
        let mut at = Some(head);
        while let Some(member) = at {
            let Some(done) = done.get_mut(member).filter(|done| !**done) else { break };
            *done = true;
            members.push(member);
            at = next.get(member).copied().flatten();
        }
        number(redirects, &members);
    }
}

fn number(redirects: &mut [Box<Redirect>], members: &[usize]) {
    let Some(first) = members.first().and_then(|first| redirects.get(*first)).map(|first| first.place) else {
        return;
    };
    let length = u32::try_from(members.len()).unwrap_or(u32::MAX);
    let of_chain: Arc<[Text]> = members.iter().filter_map(|at| asked_for(redirects.get(*at)?)).cloned().collect();
    let (mut asked, mut count) = (Asked::default(), 0);
    for (position, at) in (1..).zip(members) {
        let Some(redirect) = redirects.get_mut(*at) else { continue };
        (redirect.chain, redirect.chain_position, redirect.chain_length) = (first, position, length);
        redirect.tried = Tried::before(&of_chain, count);
        if let Some(own) = asked_for(redirect) {
            asked.add(own);
            count += 1;
        }
        let target = redirect.follow_up.as_ref().map(|next| &next.uri);
        redirect.looped = !asks_by_proxy(redirect) && target.is_some_and(|target| asked.has(target));
    }
    let mut ended: Option<u16> = None;
    let mut end = ChainEnd { time: Timestamp::MIN, ..ChainEnd::default() };
    for at in members.iter().rev() {
        let Some(redirect) = redirects.get_mut(*at) else { continue };
        let is_redirect = |status: &Option<u16>| matches!(status, Some(300..=399));
        if let (Some(ended), Some(follow_up)) = (ended, redirect.follow_up.as_mut()) {
            for status in [&mut follow_up.final_status, &mut redirect.final_status] {
                if is_redirect(status) {
                    *status = Some(ended);
                }
            }
        }
        ended = redirect.final_status;
        end.take(redirect);
    }
    for at in members {
        if let Some(redirect) = redirects.get_mut(*at) {
            redirect.chain_end = end;
        }
    }
}

/// Whether what followed is the same address by another way: Use Proxy (RFC 3261 21.3.4).
fn asks_by_proxy(redirect: &Redirect) -> bool {
    let target = redirect.follow_up.as_ref().map(|next| &next.uri);
    redirect.status == 305 && redirect.request_uri.as_ref().zip(target).is_some_and(|(own, target)| equals(own, target))
}

/// The address of a request that counts as tried once it was redirected.
fn asked_for(redirect: &Redirect) -> Option<&Text> {
    redirect.request_uri.as_ref().filter(|_| !asks_by_proxy(redirect))
}

/// For each redirect the one that came next: in the same call, or in the call in which it was followed. No two have the same.
fn successors(redirects: &[Box<Redirect>], starts: &HashMap<Place, StartOutcome>) -> Vec<Option<usize>> {
    let places: HashMap<Place, usize> = (0..).zip(redirects).map(|(at, redirect)| (redirect.place, at)).collect();
    let mut taken = vec![false; redirects.len()];
    let next = redirects.iter().enumerate().map(|(at, redirect)| {
        let elsewhere = redirect.follow_up.as_ref().filter(|next| next.call_id.is_some());
        let elsewhere = || starts.get(&elsewhere?.place)?.redirect;
        let next = places.get(&redirect.next.or_else(elsewhere)?).copied()?;
        let taken = taken.get_mut(next).filter(|taken| !**taken && next != at)?;
        *taken = true;
        Some(next)
    });
    next.collect()
}
