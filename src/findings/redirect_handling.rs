//! Rules about how clients and proxies carry out a redirect, step by step.

use super::redirects::{RedirectCase, finding, milder_unless_seen};
use super::rule::{Check, Confidence, Finding, Rule, Severity, Value};
use super::words::{name, status, uri};
use crate::correlation::{Rare, Redirect, RedirectOutcome, Sent, Text, equals};
use crate::sip::{Uri, to_text};

/// The rules whose checks stand here.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "redirect-alternatives-untried",
        severity: Severity::Notice,
        summary: "A client gave up although a redirect had offered further targets.",
        explanation: "The 3xx named several Contacts. One of them failed with a 4xx or 5xx answer, or with none at all, and within 32 \
            seconds of capture without loss the client tried no other. A client should go on with the next Contact until one takes the \
            request or the list is at its end. Challenges (401, 407), 422 and calls that were given up do not count as failures.",
        remedy: "Let the client go through all Contacts of a 3xx, or offer one that always answers.",
        references: &["RFC 3261 8.1.3.4"],
        checks: &[Check::Redirect(alternatives_untried)],
    },
    Rule {
        id: "redirect-branch-reused",
        severity: Severity::Error,
        summary: "A client followed a redirect with the branch of the request that was redirected.",
        explanation: "The request to a Contact is a new transaction and needs a new branch. With the old one a server may take it for a copy \
            of the request that it has answered, and send the 3xx again or nothing.",
        remedy: "Make a new branch for each request to a Contact.",
        references: &["RFC 3261 8.1.3.4", "RFC 3261 8.1.1.7"],
        checks: &[Check::Redirect(branch_reused)],
    },
    Rule {
        id: "redirect-diversion-dropped",
        severity: Severity::Info,
        summary: "A redirect said on whose behalf it diverts, and the next request does not.",
        explanation: "The 3xx had a Diversion header; the request to its Contact has none, so the new target cannot tell whom the caller had \
            wanted: voice mail opens the wrong box. Diversion was never a standard and many do without it, so this rule is only reported \
            if it is selected by its whole name.",
        remedy: "Copy Diversion from the 3xx into the new request, or use History-Info.",
        references: &["RFC 5806 5.2"],
        checks: &[Check::Redirect(diversion_dropped)],
    },
    Rule {
        id: "redirect-other-target-tried",
        severity: Severity::Notice,
        summary: "After a redirect the client went to an address that no Contact names.",
        explanation: "In the same call the client sent its next request to another Request-URI than those of the Contacts, and within 32 \
            seconds of capture without loss to none of them. It is seen at gateways that take any refusal as a reason to hunt on to their \
            next trunk, and at clients that put the host of their provider in place of the one in the Contact.",
        remedy: "Let the client go to the Contacts of a 3xx, or have the server proxy the request to its target.",
        references: &["RFC 3261 8.1.3.4"],
        checks: &[Check::Redirect(other_target)],
    },
    Rule {
        id: "redirect-overridden-by-fork",
        severity: Severity::Info,
        summary: "A branch was redirected, but another one answered the caller.",
        explanation: "A proxy had forked the request. One branch got a 3xx, and the proxy handed up the final answer of another, as it has to \
            choose one. The caller never learns of the new address.",
        remedy: "Nothing has to be done; for 301, change the entry on the proxy.",
        references: &["RFC 3261 16.7"],
        checks: &[Check::Redirect(overridden)],
    },
    Rule {
        id: "redirect-recursed-contact-leaked",
        severity: Severity::Warning,
        summary: "A proxy tried a Contact itself and hands on a 3xx that still lists it.",
        explanation: "A proxy that follows a redirect must take the Contacts that it tried out of the 3xx that it passes on. Else the caller \
            tries them once more, in vain.",
        remedy: "Let the proxy remove tried Contacts, or not follow redirects at all.",
        references: &["RFC 3261 16.7"],
        checks: &[Check::Redirect(leaked)],
    },
    Rule {
        id: "redirect-recursed-despite-no-recurse",
        severity: Severity::Notice,
        summary: "A proxy followed a redirect although the caller had asked it not to.",
        explanation: "The request had `Request-Disposition: no-recurse`: the caller wants to get 3xx answers and decide itself. The proxy went \
            to the Contact all the same.",
        remedy: "Let the proxy honour Request-Disposition, or do not send no-recurse.",
        references: &["RFC 3841 9.1"],
        checks: &[Check::Redirect(despite_no_recurse)],
    },
    Rule {
        id: "redirect-sent-to-old-destination",
        severity: Severity::Notice,
        summary: "A client followed a redirect in name only: the packet went to the server that had redirected.",
        explanation: "The new Request-URI is the Contact, whose host is another IP address, and there is no Route; yet the packet went to the \
            redirecting server again, which will most likely redirect it once more. Some clients work out the next hop once for each \
            call. A client that sends everything to one server (an outbound proxy) is not meant and not reported.",
        remedy: "Let the client work out the next hop from the new Request-URI.",
        references: &["RFC 3261 8.1.3.4", "RFC 3261 8.1.2"],
        checks: &[Check::Redirect(sent_to_old_destination)],
    },
    Rule {
        id: "redirect-stale-to-tag",
        severity: Severity::Error,
        summary: "A client followed a redirect with the To tag of the 3xx.",
        explanation: "A 3xx makes no dialog, so the next request has no To tag. With one the new server looks for a dialog that it never had, \
            and answers 481.",
        remedy: "Take the tag out of To before the request is sent.",
        references: &["RFC 3261 8.1.1.2"],
        checks: &[Check::Redirect(stale_to_tag)],
    },
];

fn rare(redirect: &Redirect) -> Option<&Rare> {
    redirect.handling.rare.as_deref()
}

fn sent<'a>(case: &RedirectCase<'a>) -> Option<&'a Sent> {
    case.redirect.handling.sent.as_ref()
}

fn old(redirect: &Redirect) -> String {
    uri(redirect.request_uri.as_deref())
}

fn target(redirect: &Redirect) -> String {
    uri(redirect.follow_up.as_ref().map(|next| next.uri.as_ref()))
}

fn list(uris: &[&[u8]]) -> String {
    uris.iter().map(|uri| to_text(uri)).collect::<Vec<_>>().join(", ")
}

fn alternatives_untried(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    let Some(failure) = rare(redirect).and_then(|rare| rare.failure.as_ref()) else { return };
    let tried: Option<&Text> = redirect.last_target.as_ref().or_else(|| Some(&redirect.follow_up.as_ref()?.uri));
    let Some(tried) = tried.filter(|_| !redirect.chain_end.reached && !redirect.cancelled) else { return };
    // A client does right not to go where it has been (RFC 3261 8.1.3.4).
    let is_old = |uri: &&[u8]| redirect.request_uri.iter().chain(redirect.tried.iter()).any(|old| equals(old, uri));
    let untried: Vec<&[u8]> = failure.untried.iter().map(AsRef::as_ref).filter(|uri| !is_old(uri)).collect();
    if untried.is_empty() {
        return;
    }
    let (client, left) = (name(&redirect.client), list(&untried));
    let summary = format!(
        "{client} got {} with {} Contacts for {}; {} ended {}, and {left} was never tried.",
        redirect.status,
        redirect.contacts.len(),
        old(redirect),
        to_text(tried),
        status(failure.status)
    );
    let remediation = format!("Let {client} go on to {left} when {} fails.", to_text(tried));
    let mut found = finding(rule, case.redirect, summary, remediation);
    found.values.push(("failed", tried.as_ref().into()));
    found.values.push(("failed_with", failure.status.map(u64::from).into()));
    found.values.push(("untried", Value::List(untried.into_iter().map(Into::into).collect())));
    found.watch = Some(failure.watch);
    out.push(milder_unless_seen(found, case.redirect));
}

fn branch_reused(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    if !sent(case).is_some_and(|sent| sent.same_branch) {
        return;
    }
    let client = name(&redirect.client);
    let summary = format!(
        "{client} followed {} for {} to {} with the branch of the request that was redirected.",
        redirect.status,
        old(redirect),
        target(redirect)
    );
    let remediation = format!("On {client}, make a new branch for the request to {}.", target(redirect));
    out.push(milder_unless_seen(finding(rule, case.redirect, summary, remediation), case.redirect));
}

fn diversion_dropped(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    if !redirect.handling.diverted || sent(case).is_none_or(|sent| sent.diverted) {
        return;
    }
    let client = name(&redirect.client);
    let summary = format!(
        "The {} of {} for {} had a Diversion, and the request of {client} to {} has none.",
        redirect.status,
        name(&redirect.server),
        old(redirect),
        target(redirect)
    );
    let remediation = format!("On {client}, copy Diversion from the 3xx into the request to {}.", target(redirect));
    out.push(milder_unless_seen(finding(rule, case.redirect, summary, remediation), case.redirect));
}

fn other_target(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    let Some(elsewhere) = rare(redirect).and_then(|rare| rare.elsewhere.as_ref()) else { return };
    if case.outcome != RedirectOutcome::NotFollowed || redirect.cancelled || redirect.handling.moved_on {
        return;
    }
    let (client, there) = (name(&redirect.client), to_text(&elsewhere.uri));
    let targets: Vec<&[u8]> = redirect.contacts.iter().map(|contact| contact.uri.as_ref()).collect();
    let targets = list(&targets);
    let summary = format!(
        "{client} got {} for {} with Contact {targets}, and went to {there} instead.",
        redirect.status,
        old(redirect)
    );
    let remediation = if elsewhere.same_user {
        format!("Let {client} put the whole Contact {targets} into the Request-URI, not its user alone.")
    } else {
        format!("Let {client} go to {targets} instead of hunting on to {there}.")
    };
    let mut found = finding(rule, case.redirect, summary, remediation);
    found.values.push(("went_to", elsewhere.uri.as_ref().into()));
    found.evidence.push(elsewhere.evidence);
    out.push(milder_unless_seen(found, case.redirect));
}

fn overridden(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    let Some(other) = redirect.handling.outvoted_by else { return };
    let proxy = name(&redirect.client);
    let summary = format!(
        "{} answered {} for {} on one branch; {proxy} handed up the {other} of another.",
        name(&redirect.server),
        redirect.status,
        old(redirect)
    );
    let remediation = match redirect.contacts.first().filter(|_| redirect.status == 301) {
        Some(contact) => format!("Change the entry for {} on {proxy} to {}.", old(redirect), to_text(&contact.uri)),
        None => format!("Nothing has to be done: {proxy} has to choose one answer."),
    };
    let mut found = finding(rule, case.redirect, summary, remediation);
    found.values.push(("handed_up", Value::Number(u64::from(other))));
    out.push(found);
}

fn leaked(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    let Some(leak) = rare(redirect).and_then(|rare| rare.leak.as_ref()) else { return };
    let (proxy, there) = (name(&leak.proxy), to_text(&leak.uri));
    let summary = format!(
        "{proxy} tried {there} itself, and the {} for {} that it handed on lists it all the same.",
        redirect.status,
        old(redirect)
    );
    let remediation = format!("Let {proxy} take {there} out of the Contacts once it has tried it.");
    let mut found = finding(rule, case.redirect, summary, remediation);
    found.values.push(("tried", leak.uri.as_ref().into()));
    found.evidence.push(leak.evidence);
    out.push(found);
}

fn despite_no_recurse(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    let followed = redirect.kept_by_proxy && sent(case).is_some();
    if !followed || !redirect.handling.no_recurse {
        return;
    }
    let proxy = name(&redirect.client);
    let summary = format!(
        "{proxy} followed the {} for {} to {} although the request asks for no-recurse.",
        redirect.status,
        old(redirect),
        target(redirect)
    );
    let remediation = format!("Let {proxy} hand 3xx answers on where Request-Disposition says no-recurse.");
    out.push(finding(rule, case.redirect, summary, remediation));
}

fn sent_to_old_destination(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    let (Some(sent), Some(next)) = (sent(case), redirect.follow_up.as_ref()) else { return };
    let there = redirect.watch.path.1;
    let Some(expected) = Uri::parse(&next.uri).ok().and_then(|uri| {
        let uri = uri.as_sip()?;
        // Where maddr is given, the packet goes there (RFC 3261 19.1.1).
        uri.host.ip().filter(|_| uri.params.get(b"maddr").is_none()).map(|address| address.to_canonical())
    }) else {
        return;
    };
    let is_old = sent.to_same_server && !sent.routed && redirect.status != 305;
    if !is_old || expected == there.address.to_canonical() || !case.has_other_servers {
        return;
    }
    let client = name(&redirect.client);
    let summary = format!(
        "{client} followed {} for {} to {}, but sent the packet to {there}, which had redirected it.",
        redirect.status,
        old(redirect),
        to_text(&next.uri)
    );
    let remediation = format!(
        "Let {client} send the request for {} to {expected}, or leave it if {there} is its outbound proxy by intent.",
        to_text(&next.uri)
    );
    let mut found = finding(rule, case.redirect, summary, remediation);
    found.confidence = Confidence::Medium;
    found.values.push(("sent_to", Value::Text(there.to_string().into_bytes().into())));
    found.values.push(("expected", Value::Text(expected.to_string().into_bytes().into())));
    out.push(milder_unless_seen(found, case.redirect));
}

fn stale_to_tag(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    let Some(tag) = rare(redirect).and_then(|rare| rare.stale_to_tag.as_ref()) else { return };
    let client = name(&redirect.client);
    let summary = format!(
        "{client} followed {} for {} to {} with the To tag {} of the 3xx.",
        redirect.status,
        old(redirect),
        target(redirect),
        to_text(tag)
    );
    let remediation = format!("On {client}, take the tag {} out of To: a 3xx makes no dialog.", to_text(tag));
    let mut found = finding(rule, case.redirect, summary, remediation);
    found.values.push(("to_tag", tag.as_ref().into()));
    out.push(milder_unless_seen(found, case.redirect));
}
