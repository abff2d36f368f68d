//! Rules about redirects.

use super::devices::{Setting, called};
use super::rule::{Check, Confidence, Finding, Rule, Scope, Severity, Value};
use super::settings::Settings;
use super::words::{name, status, uri};
use crate::correlation::{
    ContactRecord, Evidence, FollowUp, Link, Method, Place, Redirect, RedirectOutcome, Role, Text, equals,
};
use crate::sip::Uri;
use crate::sip::to_text;
use crate::time::{Timestamp, milliseconds};

/// The rules whose checks stand here.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "permanent-redirect-ignored",
        severity: Severity::Warning,
        summary: "A client still calls an address that a 301 had said to be gone for good.",
        explanation: "301 Moved Permanently means that the client should store the new address. Here the same client (source \
            address and From) called the old one again later, so every call pays for the detour, and fails once the redirect is gone. Where \
            the client went there only because another redirect sent it, the entry of the server that redirected is old: that is a notice.",
        remedy: "Change the address-book or routing entry of that client, or of the server that sends it there, to the Contact of the 301.",
        references: &["RFC 3261 21.3.2", "RFC 3261 8.3"],
        checks: &[Check::Together(ignored), Check::Together(sent_to_old)],
    },
    Rule {
        id: "redirect-chain",
        severity: Severity::Info,
        summary: "A call was redirected several times in a row.",
        explanation: "Each redirect costs a round trip before the call rings, and each entry on the way can break. Two in a row \
            are for information, three and four a notice, five and more a warning.",
        remedy: "Configure the caller, or the first redirecting server, with the final address.",
        references: &["RFC 3261 8.1.3.4"],
        checks: &[Check::Redirect(chain)],
    },
    Rule {
        id: "redirect-contact-equals-request-uri",
        severity: Severity::Error,
        summary: "A redirect points at the very address that was asked for.",
        explanation: "A redirect server must not redirect to a URI equal to the Request-URI. The caller can only try the same \
            again or give up. One sees it when a forwarding entry points at itself, or when a rewrite undoes it.",
        remedy: "Point the entry at a different target, or answer 404 or 480 if there is none.",
        references: &["RFC 3261 8.3", "RFC 3261 19.1.4"],
        checks: &[Check::Redirect(contact_equals_request_uri)],
    },
    Rule {
        id: "redirect-followed",
        severity: Severity::Info,
        summary: "A redirect was followed.",
        explanation: "The caller sent the request to a Contact of the 3xx. For 301 the address book or routing table that still \
            has the old address should be changed, which saves the detour.",
        remedy: "For 301, change the address-book or routing entry to the new address; for 302 there is nothing to change.",
        references: &["RFC 3261 8.1.3.4", "RFC 3261 21.3.2"],
        checks: &[Check::Redirect(followed)],
    },
    Rule {
        id: "redirect-loop",
        severity: Severity::Error,
        summary: "A client was redirected to an address that it had tried already.",
        explanation: "The client went in a circle: an address that it had tried for this call came back as a target, and it went \
            there again. A client must keep a list of the addresses tried and go to none of them twice.",
        remedy: "Break the circle at the entries that point at each other, and update the client.",
        references: &["RFC 3261 8.1.3.4"],
        checks: &[Check::Redirect(looped)],
    },
    Rule {
        id: "redirect-not-followed",
        severity: Severity::Warning,
        summary: "A client got a redirect with a usable Contact and went nowhere.",
        explanation: "Within 32 seconds of capture after the 3xx the client sent nothing to any of its Contacts, and did not \
            cancel. The call is lost. Typical reasons: redirects are switched off in the client, the Contact needs a transport \
            that it does not have, or its policy forbids the target.",
        remedy: "Let the client act on 3xx answers, or have the server proxy the call instead of redirecting it.",
        references: &["RFC 3261 21.3.2", "RFC 3261 8.1.3.4"],
        checks: &[Check::Redirect(not_followed)],
    },
    Rule {
        id: "redirect-without-contact",
        severity: Severity::Warning,
        summary: "A redirect does not say where to.",
        explanation: "The Contact of a 3xx names the new address. Without one the caller has nowhere to go. For 305 it is an \
            error, for 300 to 302 a warning, for others a notice.",
        remedy: "Add a Contact with the new address; answer 410 or 404 if none is known.",
        references: &["RFC 3261 13.3.1.2", "RFC 3261 8.3", "RFC 3261 21.3.4", "RFC 3261 21.4.10"],
        checks: &[Check::Redirect(without_contact)],
    },
];

/// A redirect whose outcome is known.
#[derive(Debug)]
pub struct RedirectCase<'a> {
    /// The redirect.
    pub redirect: &'a Redirect,
    /// What became of it.
    pub outcome: RedirectOutcome,
    /// Whether requests to its targets may go where the capture does not see them.
    pub may_go_unseen: bool,
    /// Whether the client was seen with other servers too.
    pub has_other_servers: bool,
    /// The thresholds of the run.
    pub settings: &'a Settings,
}

/// A redirect whose outcome is known, with what other calls say about it, however long before or after.
#[derive(Debug)]
pub struct TogetherCase<'a> {
    /// The redirect.
    pub redirect: &'a Redirect,
    /// What became of it.
    pub outcome: RedirectOutcome,
    /// Later requests of the same client to the old address, for a 301.
    pub ignored_by: &'a [OldAddressDialled],
    /// An earlier 301 for the same address, still valid, that names other targets.
    pub conflicts_with: Option<&'a Redirect>,
    /// The earlier 301 that had told the client that the target to which this one led it is no longer there.
    pub leads_to_old: Option<&'a Redirect>,
    /// The calls of the client to which a 302 said the same, if this is the first of several.
    pub repeated: Option<&'a Repeated>,
}

/// How often a 302 without a lifetime came again.
#[derive(Clone, Debug)]
pub struct Repeated {
    /// In how many calls it was seen.
    pub times: u64,
    /// When for the last time.
    pub last: Timestamp,
    /// Where else it is, the first of them.
    pub places: Vec<Place>,
}

/// A request to an address that a 301 had said to be gone.
#[derive(Clone, Debug)]
pub struct OldAddressDialled {
    /// Where it is.
    pub place: Place,
    /// When it was sent.
    pub time: Timestamp,
    /// Its Call-ID.
    pub call_id: Text,
}

pub(super) fn finding(rule: &'static Rule, redirect: &Redirect, summary: String, remediation: String) -> Finding {
    Finding {
        rule,
        severity: rule.severity,
        confidence: Confidence::Strong,
        scope: Scope::Exchange,
        place: redirect.place,
        time: redirect.time,
        call_id: redirect.call_id.clone(),
        summary,
        remediation,
        values: vec![
            ("status", Value::Number(u64::from(redirect.status))),
            ("request_uri", redirect.request_uri.as_deref().into()),
            ("contacts", Value::List(redirect.contacts.iter().map(|contact| contact.uri.as_ref().into()).collect())),
        ],
        evidence: redirect.evidence.clone(),
        context: vec![("hop1_seen", redirect.hop1_seen)],
        watch: None,
    }
}

/// Judged on the hop nearest the originator: milder if that was not captured, or the link is weak.
pub(super) fn milder_unless_seen(mut found: Finding, redirect: &Redirect) -> Finding {
    if !redirect.hop1_seen {
        found.severity = found.severity.milder();
    }
    weigh_link(found, redirect)
}

pub(super) fn weigh_link(mut found: Finding, redirect: &Redirect) -> Finding {
    match redirect.follow_up.as_ref().map(|next| next.link) {
        Some(Link::Weak) => {
            found.severity = found.severity.milder();
            found.confidence = Confidence::Weak;
        }
        Some(Link::Medium) => found.confidence = Confidence::Medium,
        Some(Link::Strong) | None => {}
    }
    found
}

/// Judged on the deepest hop captured: at most a notice if the answer may come from further on.
pub(super) fn at_most_notice_if_relayed(mut found: Finding, redirect: &Redirect) -> Finding {
    if redirect.maybe_relayed {
        found.severity = found.severity.min(Severity::Notice);
        found.context.push(("maybe_relayed", true));
    }
    found
}

/// The addresses that Contacts name.
pub(super) fn targets(contacts: &[ContactRecord]) -> String {
    let uris: Vec<String> = contacts.iter().map(|contact| to_text(&contact.uri)).collect();
    if uris.is_empty() { "none".to_owned() } else { uris.join(", ") }
}

fn book_or_table(redirect: &Redirect, target: &[u8]) -> String {
    let old = uri(redirect.request_uri.as_deref());
    let (client, target) = (name(&redirect.client), to_text(target));
    match redirect.status {
        301 => format!("Change the address-book or routing entry for {old} on {client} to {target}."),
        305 => format!("Route calls for {old} from {client} by way of the proxy {target}."),
        _ => format!(
            "Nothing to change for {old} on {client}: this redirect is temporary. If it always goes to {target}, answer 301 instead."
        ),
    }
}

fn followed(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    let Some(next) = redirect.follow_up.as_ref().filter(|_| case.outcome == RedirectOutcome::Followed) else { return };
    let delay = milliseconds(next.time.since(redirect.time));
    let summary = format!(
        "{} for {} was followed by {} to {} after {delay} ms and {}.",
        redirect.status,
        uri(redirect.request_uri.as_deref()),
        name(&redirect.client),
        to_text(&next.uri),
        ended(redirect, next)
    );
    let mut found = finding(rule, case.redirect, summary, book_or_table(redirect, &next.uri));
    found.values.push(("followed_to", next.uri.as_ref().into()));
    found.values.push(("delay_ms", Value::Decimal(delay)));
    found.values.push(("final_status", redirect.final_status.map(u64::from).into()));
    out.push(weigh_link(found, case.redirect));
}

/// How the attempts at the targets ended.
fn ended(redirect: &Redirect, next: &FollowUp) -> String {
    match &redirect.last_target {
        Some(last) => format!(
            "ended {} there; the last of the targets tried was {}, and it all ended {}",
            status(next.final_status),
            to_text(last),
            status(redirect.final_status)
        ),
        None => format!("ended {}", status(next.final_status)),
    }
}

fn not_followed(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    let is_sip = |contact: &[u8]| Uri::parse(contact).is_ok_and(|uri| uri.as_sip().is_some());
    // A client does right not to go where it has been (RFC 3261 8.1.3.4).
    // To is what the caller dialled first, where the request goes elsewhere (RFC 3261 8.1.3.4 keeps it).
    let tried = || redirect.request_uri.iter().chain(redirect.tried.iter()).chain([&redirect.to]);
    let is_old = |contact: &[u8]| tried().any(|old| equals(old, contact));
    let mut contacts = redirect.contacts.iter().map(|contact| contact.uri.as_ref());
    let Some(target) = contacts.find(|contact| is_sip(contact) && !is_old(contact)) else { return };
    // A proxy need not try what one of its branches answered: it chooses the best answer of all (RFC 3261 16.7).
    // Nor need a client that still has targets of an earlier redirect of the call take those of a later one first.
    let is_free = redirect.kept_by_proxy || redirect.handling.moved_on;
    if case.outcome != RedirectOutcome::NotFollowed || redirect.cancelled || is_free {
        return;
    }
    let summary = format!(
        "{} got {} for {} with Contact {}, and no request there was seen within 32 s.",
        name(&redirect.client),
        redirect.status,
        uri(redirect.request_uri.as_deref()),
        targets(&redirect.contacts)
    );
    let remediation = format!(
        "Let {} act on 3xx answers, or have {} proxy the {} to {} instead of redirecting it.{}{}",
        name(&redirect.client),
        name(&redirect.server),
        if redirect.method == Method::Invite { "call" } else { "request" },
        to_text(target),
        if redirect.status == 301 { format!(" {}", book_or_table(redirect, target)) } else { String::new() },
        called(redirect.client.agent.as_ref(), Setting::Redirects)
    );
    let mut found = finding(rule, case.redirect, summary, remediation);
    if !matches!(redirect.status, 301 | 302) {
        found.severity = Severity::Notice;
    }
    if case.may_go_unseen {
        found.severity = found.severity.min(Severity::Notice);
        found.confidence = Confidence::Medium;
        found.context.push(("target_may_be_out_of_sight", true));
    }
    found.values.push(("watched_s", Value::Number(32)));
    out.push(milder_unless_seen(found, case.redirect));
}

fn without_contact(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    // An element on the way may have taken the Contact out: then it is not this server's fault.
    if !redirect.contacts.is_empty() || !redirect.server_contacts.is_empty() {
        return;
    }
    let severity = match redirect.status {
        305 => Severity::Error,
        300..=302 => Severity::Warning,
        _ if redirect.body_length == 0 => Severity::Notice,
        _ => return,
    };
    let old = uri(redirect.server_request_uri.as_deref());
    let server = name(&redirect.server);
    let summary =
        format!("{server} answered {} for {old} without a Contact: the caller has nowhere to go.", redirect.status);
    let remediation = format!(
        "On {server}, add a Contact with the new address to the {} for {old}; if none is known, answer 410 (gone for good) or 404 instead.",
        redirect.status
    );
    let mut found = finding(rule, case.redirect, summary, remediation);
    found.severity = severity;
    out.push(at_most_notice_if_relayed(found, case.redirect));
}

fn contact_equals_request_uri(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    let Some(old) = redirect.server_request_uri.as_deref() else { return };
    let Some(same) = redirect.server_contacts.iter().find(|contact| equals(&contact.uri, old)) else { return };
    let server = name(&redirect.server);
    let summary = format!(
        "{server} answered {} for {} with the Contact {}: that is the address it was asked for.",
        redirect.status,
        to_text(old),
        to_text(&same.uri)
    );
    let remediation = format!(
        "On {server}, point the entry for {} at a different target, or answer 404 or 480 if there is none.",
        to_text(old)
    );
    let mut found = finding(rule, case.redirect, summary, remediation);
    found.values.push(("contact", same.uri.as_ref().into()));
    found.values.push(("server_request_uri", old.into()));
    out.push(at_most_notice_if_relayed(found, case.redirect));
}

fn looped(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    let Some(next) = redirect.follow_up.as_ref().filter(|_| case.outcome == RedirectOutcome::Looped) else { return };
    let mut path: Vec<String> = redirect.tried.iter().map(|tried| to_text(tried)).collect();
    path.extend(redirect.request_uri.as_deref().map(to_text));
    path.push(to_text(&next.uri));
    let (client, server) = (name(&redirect.client), name(&redirect.server));
    let summary = format!("{client} was redirected in a circle: {}.", path.join(" → "));
    let remediation = format!(
        "Point the entry for {} on {server} somewhere else than {}; {client} must keep a list of the addresses tried and not go to one twice.",
        uri(redirect.request_uri.as_deref()),
        to_text(&next.uri)
    );
    let mut found = finding(rule, case.redirect, summary, remediation);
    found.scope = Scope::Chain;
    found.values.push(("tried", Value::from(&*redirect.tried)));
    found.values.push(("followed_to", next.uri.as_ref().into()));
    out.push(milder_unless_seen(found, case.redirect));
}

fn chain(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    // Said once, of the last redirect of the chain; a circle has its own rule.
    let is_last = redirect.chain_length >= 2 && redirect.chain_position == redirect.chain_length;
    if !is_last || case.outcome == RedirectOutcome::Looped || in_circle(redirect) {
        return;
    }
    let mut path: Vec<String> = redirect.tried.iter().map(|tried| to_text(tried)).collect();
    path.extend(redirect.request_uri.as_deref().map(to_text));
    path.extend(redirect.follow_up.as_ref().map(|next| to_text(&next.uri)));
    let last = redirect.follow_up.as_ref().map(|next| next.uri.as_ref());
    let last = last.or_else(|| redirect.contacts.first().map(|contact| contact.uri.as_ref()));
    let client = name(&redirect.client);
    let summary = format!("{client} was redirected {} times in a row: {}.", redirect.chain_length, path.join(" → "));
    let first = redirect.tried.first().map_or_else(|| "the first address".to_owned(), |first| to_text(first));
    let remediation = match last {
        Some(last) => format!("Configure {client} with the final address {} in place of {first}.", to_text(last)),
        None => format!("Point {first} at its final target at once."),
    };
    let mut found = finding(rule, case.redirect, summary, remediation);
    found.scope = Scope::Chain;
    let length = u64::from(redirect.chain_length);
    found.severity = if length >= case.settings.chain_warning {
        Severity::Warning
    } else if length >= case.settings.chain_notice {
        Severity::Notice
    } else {
        Severity::Info
    };
    found.values.push(("chain_length", Value::Number(length)));
    out.push(milder_unless_seen(found, case.redirect));
}

pub(super) fn in_circle(redirect: &Redirect) -> bool {
    redirect.request_uri.as_ref().is_some_and(|uri| redirect.tried.iter().any(|old| equals(old, uri)))
}

fn ignored(rule: &'static Rule, case: &TogetherCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    let (Some(first), Some(old)) = (case.ignored_by.first(), redirect.request_uri.as_deref()) else { return };
    if redirect.status != 301 {
        return;
    }
    let target = redirect.contacts.first().map(|contact| contact.uri.as_ref()).unwrap_or_default();
    let times = case.ignored_by.len();
    let summary = format!(
        "{} (From {}) still dials {} after it was told 301 with Contact {}: {times} more {} seen.",
        name(&redirect.client),
        to_text(&redirect.from),
        to_text(old),
        targets(&redirect.contacts),
        if times == 1 { "request" } else { "requests" }
    );
    let mut found = finding(rule, case.redirect, summary, book_or_table(redirect, target));
    found.scope = Scope::Client;
    // That the new address is right must have been seen, or that the client never tried it.
    if !redirect.chain_end.is_right && case.outcome != RedirectOutcome::NotFollowed {
        found.severity = found.severity.min(Severity::Notice);
    }
    // Behind a proxy, or without a name (RFC 3323 4.1), it may have been another telephone.
    let is_anonymous = redirect.from.to_ascii_lowercase().ends_with(b".invalid");
    if !redirect.hop1_seen || is_anonymous {
        found.severity = found.severity.min(Severity::Notice);
        found.confidence = Confidence::Medium;
    }
    found.evidence.extend(case.ignored_by.iter().map(|dialled| Evidence { place: dialled.place, role: Role::Other }));
    found.values.push(("times", Value::Number(times as u64)));
    found.values.push(("first_again_in_call", first.call_id.as_ref().into()));
    out.push(found);
}

/// The client knows that the address is old; the server that sends it there does not.
fn sent_to_old(rule: &'static Rule, case: &TogetherCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    let (Some(told), Some(next)) = (case.leads_to_old, redirect.follow_up.as_ref()) else { return };
    let (client, server) = (name(&redirect.client), name(&redirect.server));
    let (asked, old) = (uri(redirect.server_request_uri.as_deref()), to_text(&next.uri));
    let new = targets(&told.contacts);
    let summary = format!(
        "{server} redirects {asked} to {old}, of which {client} had been told by 301 that it has moved to {new}."
    );
    let mut found =
        finding(rule, redirect, summary, format!("On {server}, change the entry for {asked} from {old} to {new}."));
    found.severity = Severity::Notice;
    found.evidence.push(Evidence { place: told.place, role: Role::Other });
    found.values.push(("old_target", next.uri.as_ref().into()));
    found
        .values
        .push(("new_targets", Value::List(told.contacts.iter().map(|contact| contact.uri.as_ref().into()).collect())));
    out.push(weigh_link(found, redirect));
}
