//! Rules about what several redirects say together, and the one that says each redirect once.

use super::redirects::{RedirectCase, TogetherCase, at_most_notice_if_relayed, finding, milder_unless_seen, targets};
use super::rule::{Check, Finding, Rule, Scope, Severity, Value};
use super::words::{name, uri};
use crate::correlation::{Evidence, RedirectOutcome, Role};
use crate::time::NANOS_PER_SECOND;

/// The rules whose checks stand here.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "permanent-redirect-conflict",
        severity: Severity::Notice,
        summary: "Two 301 answers for one address name different new addresses.",
        explanation: "301 says that the address has moved for good, and clients may store the new one. Here the same Request-URI got 301 twice \
            with Contacts that have nothing in common, the first still being valid: one of the two is wrong, or the target varies (load \
            sharing, time of day), and then clients store what they should not. Said once for each address.",
        remedy: "Answer 302 if the target varies; else make the entries of all servers agree.",
        references: &["RFC 3261 21.3.2", "RFC 3261 21.3.3"],
        checks: &[Check::Together(conflict)],
    },
    Rule {
        id: "redirect-observed",
        severity: Severity::Info,
        summary: "A request was redirected.",
        explanation: "Each 3xx, once, however many hops and copies show it. Other rules say what is wrong with it, and what came of it; where there \
            is none, the capture may be too short or one-sided to tell what the client did.",
        remedy: "See what the other rules say about it; a longer capture, of both directions, shows what followed.",
        references: &["RFC 3261 21.3"],
        checks: &[Check::Redirect(observed)],
    },
    Rule {
        id: "temporary-redirect-repeated",
        severity: Severity::Info,
        summary: "A client is sent the same way by 302 again and again.",
        explanation: "A 302 without a lifetime holds for one request, so the client has to ask anew each time. Three calls or more of one client \
            to one address got the same Contact: each paid for the detour.",
        remedy: "Add expires to the Contact so that clients can keep it, or answer 301 if it never changes.",
        references: &["RFC 3261 21.3.3"],
        checks: &[Check::Together(repeated)],
    },
];

/// The lifetimes that are proposed, in seconds.
const LIFETIMES: [u64; 6] = [60, 300, 600, 1_800, 3_600, 86_400];

fn conflict(rule: &'static Rule, case: &TogetherCase<'_>, out: &mut Vec<Finding>) {
    let (Some(first), redirect) = (case.conflicts_with, case.redirect) else { return };
    let server = name(&redirect.server);
    let old = uri(redirect.server_request_uri.as_deref());
    let summary = format!(
        "{} said that {old} had moved to {} for good, and {server} says to {}.",
        name(&first.server),
        targets(&first.server_contacts),
        targets(&redirect.server_contacts)
    );
    let remediation = if first.server.endpoint.address == redirect.server.endpoint.address {
        format!("On {server}, answer 302 for {old} if the target varies; else correct the entry.")
    } else {
        format!(
            "Make the entries for {old} on {} and {server} agree, or answer 302 if the target varies.",
            name(&first.server)
        )
    };
    let mut found = finding(rule, case.redirect, summary, remediation);
    let before = first.server_contacts.iter().map(|contact| contact.uri.as_ref().into()).collect();
    found.values.push(("contacts_before", Value::List(before)));
    found.evidence.push(Evidence { place: first.place, role: Role::Other });
    out.push(at_most_notice_if_relayed(found, case.redirect));
}

fn repeated(rule: &'static Rule, case: &TogetherCase<'_>, out: &mut Vec<Finding>) {
    let (Some(tally), redirect) = (case.repeated, case.redirect) else { return };
    let (client, server) = (name(&redirect.client), name(&redirect.server));
    let old = uri(redirect.request_uri.as_deref());
    let times = tally.times;
    let summary = format!("{client} was sent from {old} to {} by 302 in {times} calls.", targets(&redirect.contacts));
    let seconds = u64::try_from(tally.last.since(redirect.time) / NANOS_PER_SECOND).unwrap_or(0);
    let between = seconds / times.saturating_sub(1).max(1);
    let lifetime = LIFETIMES.iter().copied().find(|lifetime| *lifetime >= between).unwrap_or(86_400);
    let remediation = format!(
        "On {server}, add expires={lifetime} to the Contact for {old} so that clients can keep it, or answer 301 if it never changes."
    );
    let mut found = finding(rule, case.redirect, summary, remediation);
    found.scope = Scope::Client;
    found.values.push(("times", Value::Number(times)));
    found.values.push(("proposed_expires_s", Value::Number(lifetime)));
    found.evidence.extend(tally.places.iter().map(|place| Evidence { place: *place, role: Role::Other }));
    out.push(milder_unless_seen(found, case.redirect));
}

fn observed(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    let summary = format!(
        "{} answered {} for {}; targets: {}.",
        name(&redirect.server),
        redirect.status,
        uri(redirect.request_uri.as_deref()),
        targets(&redirect.contacts)
    );
    let remediation = match case.outcome {
        RedirectOutcome::Undetermined => {
            "Nothing has to be done; what the client did cannot be told from this capture.".to_owned()
        }
        _ => "Nothing has to be done for this alone.".to_owned(),
    };
    let mut found = finding(rule, case.redirect, summary, remediation);
    if redirect.maybe_relayed {
        found.context.push(("maybe_relayed", true));
    }
    out.push(found);
}
