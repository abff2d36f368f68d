//! What became of redirects and negotiations, and what is wrong with them.

use std::net::IpAddr;

use super::watching::Watching;
use crate::correlation::{Links, Negotiation, NegotiationOutcome, Redirect, RedirectOutcome};
use crate::findings::{NegotiationCase, RedirectCase, Settings, Severity, Stated, judge_negotiation, judge_redirect};
use crate::net::Endpoint;
use crate::options::Options;
use crate::sip::Uri;

/// Whether a Contact can be put into a request.
pub(super) fn is_usable(contact: &[u8]) -> bool {
    Uri::parse(contact).is_ok_and(|uri| matches!(uri, Uri::Sip(_) | Uri::Tel(_)))
}

/// Whether a redirect says that an address has changed for good, and holds for long enough to be stored.
pub(super) fn is_for_good(redirect: &Redirect, settings: &Settings) -> bool {
    redirect.status == 301 && redirect.lifetime().is_none_or(|lifetime| lifetime >= settings.permanent_lifetime_s)
}

/// Whether the capture may be taken in front of one server, or of one port and transport of it, so that a request to a target would not
/// pass there: all targets are elsewhere, and the client was seen with that server only.
fn may_go_unseen(redirect: &Redirect, has_other_servers: bool) -> bool {
    let way = |uri: &[u8]| {
        let uri = Uri::parse(uri).ok()?;
        let uri = uri.as_sip()?;
        // That of the request says nothing new.
        let own = redirect.client.transport.name().as_bytes();
        let transport = uri.transport().map(<[u8]>::to_ascii_lowercase).filter(|transport| transport != own);
        Some((String::from_utf8_lossy(uri.host.text()).to_ascii_lowercase(), uri.port, transport))
    };
    let asked = redirect.request_uri.as_deref().and_then(way);
    // A proxy may stand before the server that redirected.
    let servers = [redirect.watch.path.1, redirect.server.endpoint];
    let elsewhere = |contact: &[u8]| {
        way(contact).is_some_and(|target| {
            let address = target.0.trim_matches(['[', ']']).parse::<IpAddr>().ok();
            let is_server = |server: &Endpoint| {
                Some(server.address) == address && target.1.is_none_or(|port| port == server.port) && target.2.is_none()
            };
            Some(&target) != asked.as_ref() && !servers.iter().any(is_server)
        })
    };
    redirect.contacts.iter().all(|contact| elsewhere(&contact.uri)) && !has_other_servers
}

/// What became of a redirect, what is wrong with it, and the rules that could not be decided.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) outcome: RedirectOutcome,
    pub(super) for_good: bool,
    pub(super) found: Vec<Box<Stated>>,
    pub(super) open: Vec<&'static str>,
}

/// Decides what became of a redirect, and lets the rules judge it. What is known of its client is what the capture had shown when it had
/// been watched for long enough.
pub(super) fn redirect_verdict(
    redirect: &Redirect,
    links: &Links,
    watching: &Watching,
    settings: &Settings,
) -> Verdict {
    let has_target = redirect.contacts.iter().any(|contact| is_usable(&contact.uri));
    let outcome = match &redirect.follow_up {
        Some(_) if redirect.looped => RedirectOutcome::Looped,
        Some(_) => RedirectOutcome::Followed,
        None if !has_target && !redirect.head_cut => RedirectOutcome::NoTarget,
        None if watching.holds(&redirect.watch) => RedirectOutcome::NotFollowed,
        None => RedirectOutcome::Undetermined,
    };
    let has_other_servers = links.sees_servers_of(redirect.client.endpoint.address, redirect.watch.until);
    let may_go_unseen = may_go_unseen(redirect, has_other_servers);
    let case = RedirectCase { redirect, outcome, may_go_unseen, has_other_servers, settings };
    let mut open = Vec::new();
    if outcome == RedirectOutcome::Undetermined {
        open.push("redirect-not-followed");
    }
    let mut found = judge_redirect(&case);
    found.retain(|finding| {
        let is_sure = finding.severity == Severity::Info || !redirect.head_cut;
        let holds = is_sure && finding.watch.is_none_or(|watch| watching.holds(&watch));
        if !holds {
            open.push(finding.rule.id);
        }
        holds
    });
    Verdict { outcome, for_good: is_for_good(redirect, settings), found, open }
}

/// What became of a negotiation, and what is wrong with it.
pub(super) fn negotiation_verdict(
    negotiation: &Negotiation,
    watching: &Watching,
    options: &Options,
) -> (NegotiationOutcome, Vec<Box<Stated>>) {
    let retry = negotiation.rounds.last().and_then(|round| round.retry.as_ref());
    let watched = watching.holds(&negotiation.watch);
    // The answer to the retry, challenges and redirects passed through.
    let outcome = match retry.map(|retry| retry.follow_up.final_status) {
        Some(Some(422)) if watched => NegotiationOutcome::Failed,
        Some(None | Some(422)) => NegotiationOutcome::Undetermined,
        Some(Some(_)) => NegotiationOutcome::Resolved,
        None if !watched => NegotiationOutcome::Undetermined,
        None if negotiation.rounds.len() > 1 => NegotiationOutcome::Failed,
        None => NegotiationOutcome::Abandoned,
    };
    (outcome, judge_negotiation(&NegotiationCase { negotiation, outcome, settings: &options.settings }))
}
