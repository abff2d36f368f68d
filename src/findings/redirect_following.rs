//! Rules about what clients and proxies make of a redirect.

use super::redirects::{RedirectCase, finding, in_circle, milder_unless_seen, weigh_link};
use super::rule::{Check, Finding, Rule, Scope, Severity, Value};
use super::transactions::gave_up;
use super::words::{name, status, uri};
use crate::correlation::{ContactRecord, FollowUp, Method, Redirect, RedirectOutcome, Role, Watch, equals, matches};
use crate::net::Transport;
use crate::sip::{Uri, to_text};

/// The rules whose checks stand here.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "redirect-ack-missing",
        severity: Severity::Warning,
        summary: "A 3xx to an INVITE was sent again and again, since no ACK came.",
        explanation: "Over UDP a server repeats a final answer to an INVITE until the ACK is there. It sent this one until it gave up (for half \
            a minute, or eleven times), and within 32 seconds of capture without loss there was no ACK on that hop: the answer does not reach \
            the client, or its ACK goes elsewhere. Who stops earlier (three copies and more count as indeterminate) may have got an ACK that the \
            capture lacks.",
        remedy: "Check the way back to the client: rport, Via address, firewall.",
        references: &["RFC 3261 17.1.1.3", "RFC 3261 17.2.1"],
        checks: &[Check::Redirect(ack_missing)],
    },
    Rule {
        id: "redirect-call-id-changed",
        severity: Severity::Info,
        summary: "A client followed a redirect with another Call-ID.",
        explanation: "A client should keep the Call-ID when it follows a redirect, but may change it. It makes the call harder to trace, and \
            such a link is less sure.",
        remedy: "Nothing has to be done; a client that keeps its Call-ID is easier to trace.",
        references: &["RFC 3261 8.1.3.4"],
        checks: &[Check::Redirect(call_id_changed)],
    },
    Rule {
        id: "redirect-contact-stripped",
        severity: Severity::Notice,
        summary: "An element on the way took the Contact out of a redirect.",
        explanation: "The 3xx had a Contact nearer the server and has none nearer the client, and the element was not seen going there itself. \
            The caller has nowhere to go.",
        remedy: "Let the proxy hand on the Contacts of 3xx answers, or follow them itself.",
        references: &["RFC 3261 16.7"],
        checks: &[Check::Redirect(contact_stripped)],
    },
    Rule {
        id: "redirect-in-dialog",
        severity: Severity::Notice,
        summary: "A request within a dialog was redirected.",
        explanation: "What a 3xx does to a dialog that stands is poorly defined: peers differ, and some end the call.",
        remedy: "Move a call that stands with a re-INVITE that has a new Contact, or with REFER.",
        references: &["RFC 3261 12.2.1.2", "RFC 5057 5.1"],
        checks: &[Check::Redirect(in_dialog)],
    },
    Rule {
        id: "redirect-loop-offered",
        severity: Severity::Warning,
        summary: "A redirect points back to an address that was tried before.",
        explanation: "A Contact is an address at which this chain of redirects has been, or the address that the caller dialled before a proxy \
            changed it. The client did right if it did not go there again, but the entries point at each other.",
        remedy: "Break the circle at the entries that point at each other.",
        references: &["RFC 3261 8.1.3.4", "RFC 3261 16.5"],
        checks: &[Check::Redirect(loop_offered)],
    },
    Rule {
        id: "redirect-of-register",
        severity: Severity::Notice,
        summary: "A registration was redirected.",
        explanation: "REGISTER may be redirected, and some providers do so to spread load. A forged 301 is also a known way to divert \
            registrations, so a target in another domain is a warning.",
        remedy: "Verify that the target belongs to the provider; use TLS for registrations.",
        references: &["RFC 3261 10.3", "RFC 3261 26.1.2"],
        checks: &[Check::Redirect(of_register)],
    },
    Rule {
        id: "redirect-q-order-inverted",
        severity: Severity::Info,
        summary: "A client tried a target of lower preference first.",
        explanation: "Contacts with a higher q come first by custom. A client is free to use another order.",
        remedy: "Nothing has to be done; if the order matters, let the server proxy the call or offer one Contact only.",
        references: &["RFC 3261 8.1.3.4", "RFC 3261 16.6"],
        checks: &[Check::Redirect(q_order)],
    },
    Rule {
        id: "redirect-recursed-by-proxy",
        severity: Severity::Info,
        summary: "A proxy followed a redirect itself.",
        explanation: "The proxy sent the request to a Contact of the 3xx instead of handing the 3xx on. The caller never learns of the new \
            address, so for 301 it is the proxy that has an old entry.",
        remedy: "For 301, change the entry on the proxy; else there is nothing to do.",
        references: &["RFC 3261 16.7"],
        checks: &[Check::Redirect(recursed)],
    },
    Rule {
        id: "redirect-sips-downgrade",
        severity: Severity::Warning,
        summary: "A redirect leads from sips to sip.",
        explanation: "The caller asked for a secured call and is sent to a Contact that is not. Clients should refuse or ask the user; a proxy \
            must not follow, which is an error.",
        remedy: "Return a sips Contact.",
        references: &["RFC 3261 8.1.3.4", "RFC 5630 5.3", "RFC 5630 5.4"],
        checks: &[Check::Redirect(sips_downgrade)],
    },
    Rule {
        id: "redirect-sips-upgrade-recursed",
        severity: Severity::Warning,
        summary: "A proxy followed a redirect from sip to sips itself.",
        explanation: "A proxy must hand such a 3xx on, so that the caller decides whether to call the sips URI.",
        remedy: "Let the proxy hand the 3xx on.",
        references: &["RFC 5630 5.3"],
        checks: &[Check::Redirect(sips_upgrade_recursed)],
    },
    Rule {
        id: "redirect-target-failed",
        severity: Severity::Warning,
        summary: "A redirect was followed, but its targets failed.",
        explanation: "Every target that was tried refused the call. Answers that say that the address is right (486 Busy, 600, 603) and calls \
            that were given up or only challenged (487, 401, 407) do not count.",
        remedy: "Check the target: it may have moved again or not exist.",
        references: &["RFC 3261 8.1.3.4"],
        checks: &[Check::Redirect(target_failed)],
    },
    Rule {
        id: "redirect-uri-not-stripped",
        severity: Severity::Error,
        summary: "A client kept in the Request-URI what it has to take out of a Contact.",
        explanation: "The new Request-URI is the Contact without its headers (behind `?`) and its `method` parameter. With them the next server \
            may refuse the request.",
        remedy: "Strip headers and method before the request is sent.",
        references: &["RFC 3261 8.1.3.4", "RFC 4475 3.1.2.11"],
        checks: &[Check::Redirect(uri_not_stripped)],
    },
];

fn old(redirect: &Redirect) -> String {
    uri(redirect.request_uri.as_deref())
}

/// What followed, if the frames show for sure that it did.
fn sure(redirect: &Redirect) -> Option<&FollowUp> {
    redirect.follow_up.as_ref().filter(|next| next.call_id.is_none())
}

fn is_sips(uri: &[u8]) -> Option<bool> {
    Uri::parse(uri).ok()?.as_sip().map(|uri| uri.secure)
}

fn ack_missing(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    let copies = u64::from(redirect.retransmissions).saturating_add(1);
    let has_ack = redirect.evidence.iter().any(|evidence| evidence.role == Role::Ack);
    let is_repeatable = redirect.method == Method::Invite && redirect.client.transport == Transport::Udp;
    if !is_repeatable || copies < case.settings.ack_missing_copies || has_ack {
        return;
    }
    let client = name(&redirect.client);
    let summary =
        format!("{copies} copies of {} for {} went to {client}, and no ACK came.", redirect.status, old(redirect));
    let remediation =
        format!("Check the way back to {client}: rport, the address in its Via, firewalls; and that it sends ACK.");
    let mut found = finding(rule, case.redirect, summary, remediation);
    found.values.push(("copies", Value::Number(copies)));
    // What is watched begins with the last copy.
    let gave_up = gave_up(copies, redirect.watch.from.since(redirect.time), case.settings);
    found.watch = Some(Watch { whole: redirect.watch.whole && gave_up, ..redirect.watch });
    out.push(found);
}

fn call_id_changed(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    let Some((next, call_id)) = redirect.follow_up.as_ref().and_then(|next| Some((next, next.call_id.as_ref()?)))
    else {
        return;
    };
    let client = name(&redirect.client);
    let summary = format!(
        "{client} followed {} for {} to {} with another Call-ID.",
        redirect.status,
        old(redirect),
        to_text(&next.uri)
    );
    let remediation =
        format!("Nothing has to be done; if {client} can keep its Call-ID, its calls are easier to trace.");
    let mut found = finding(rule, case.redirect, summary, remediation);
    found.values.push(("new_call_id", call_id.as_ref().into()));
    out.push(weigh_link(found, case.redirect));
}

fn contact_stripped(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    if !redirect.contacts.is_empty() || redirect.server_contacts.is_empty() || redirect.follow_up.is_some() {
        return;
    }
    let server = name(&redirect.server);
    let sent: Vec<Value> = redirect.server_contacts.iter().map(|contact| contact.raw.as_ref().into()).collect();
    let summary = format!(
        "The {} of {server} for {} had a Contact, but has none where {} got it.",
        redirect.status,
        old(redirect),
        name(&redirect.client)
    );
    let remediation =
        format!("Let the proxy between {} and {server} hand on the Contacts of 3xx answers.", name(&redirect.client));
    let mut found = finding(rule, case.redirect, summary, remediation);
    found.values.push(("server_contacts", Value::List(sent)));
    out.push(found);
}

fn in_dialog(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    if !redirect.in_dialog {
        return;
    }
    let (client, server) = (name(&redirect.client), name(&redirect.server));
    let summary = format!("{server} answered {} to a request of {client} within a dialog.", redirect.status);
    let remediation =
        format!("On {server}, move calls that stand with a re-INVITE that has a new Contact, or with REFER.");
    out.push(milder_unless_seen(finding(rule, case.redirect, summary, remediation), case.redirect));
}

fn loop_offered(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    if case.outcome == RedirectOutcome::Looped || in_circle(redirect) {
        return;
    }
    // The address dialled counts where a proxy has changed it; an equal one that nobody changed has a rule of its own.
    let dialled = redirect.request_uri.as_deref().filter(|dialled| {
        redirect.hop1_seen && redirect.server_request_uri.as_deref().is_some_and(|asked| !equals(asked, dialled))
    });
    let is_old = |contact: &&ContactRecord| {
        redirect.tried.iter().map(AsRef::as_ref).chain(dialled).any(|tried| equals(tried, &contact.uri))
    };
    let Some(contact) = redirect.contacts.iter().find(is_old) else { return };
    let back = to_text(&contact.uri);
    let server = name(&redirect.server);
    let asked = uri(redirect.server_request_uri.as_deref());
    let summary = format!("{server} redirected {asked} back to {back}, where the call came from.");
    let remediation = format!(
        "Point the entry for {asked} on {server}, or the one for {back}, somewhere else: they lead to each other."
    );
    let mut found = finding(rule, case.redirect, summary, remediation);
    found.scope = Scope::Chain;
    found.values.push(("contact", contact.uri.as_ref().into()));
    out.push(milder_unless_seen(found, case.redirect));
}

/// The last two labels of a name, lower case; `None` for an address.
fn domain(uri: &[u8]) -> Option<String> {
    let uri = Uri::parse(uri).ok()?;
    let host = uri.as_sip()?.host;
    if host.ip().is_some() {
        return None;
    }
    let name = String::from_utf8_lossy(host.text()).to_ascii_lowercase();
    let labels: Vec<&str> = name.trim_end_matches('.').rsplit('.').take(2).collect();
    Some(labels.join("."))
}

fn of_register(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    if redirect.method != Method::Register {
        return;
    }
    let own = redirect.request_uri.as_deref().and_then(domain);
    let mut targets = redirect.contacts.iter().filter_map(|contact| domain(&contact.uri));
    let elsewhere = targets.find(|target| own.as_ref().is_some_and(|own| own != target));
    let target = redirect.contacts.first().map_or_else(|| "no Contact".to_owned(), |contact| to_text(&contact.uri));
    let summary = format!(
        "{} redirected the registration of {} with {} to {target}.",
        name(&redirect.server),
        to_text(&redirect.to),
        redirect.status
    );
    let remediation = format!(
        "Verify that {target} belongs to the provider: a forged redirect diverts registrations. TLS prevents it."
    );
    let mut found = finding(rule, case.redirect, summary, remediation);
    if let Some(elsewhere) = elsewhere {
        found.severity = Severity::Warning;
        found.values.push(("other_domain", Value::Text(elsewhere.into_bytes().into())));
    }
    out.push(milder_unless_seen(found, case.redirect));
}

fn q_order(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    let (Some(first), Some(last)) = (sure(redirect), redirect.last_target.as_deref()) else { return };
    let q = |target: &[u8]| {
        let contact = redirect.contacts.iter().find(|contact| matches(&contact.uri, target))?;
        // Without q a target counts as 1 (RFC 3841 7.2.3).
        Some(contact.q_millis.unwrap_or(1_000))
    };
    let (Some(first_q), Some(last_q)) = (q(&first.uri), q(last)) else { return };
    if first_q >= last_q {
        return;
    }
    let summary = format!(
        "{} tried {} (q {}) before {} (q {}).",
        name(&redirect.client),
        to_text(&first.uri),
        f64::from(first_q) / 1_000.0,
        to_text(last),
        f64::from(last_q) / 1_000.0
    );
    let remediation = "Nothing has to be done: trying the highest q first is customary, not mandatory.".to_owned();
    out.push(milder_unless_seen(finding(rule, case.redirect, summary, remediation), case.redirect));
}

/// What a proxy did about a redirect that it kept to itself.
fn recursion(redirect: &Redirect) -> Option<&FollowUp> {
    sure(redirect).filter(|_| redirect.kept_by_proxy)
}

fn recursed(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    let Some(next) = recursion(redirect) else { return };
    let (proxy, target) = (name(&redirect.client), to_text(&next.uri));
    let summary = format!("{proxy} handled the {} for {} itself and went to {target}.", redirect.status, old(redirect));
    let remediation = match redirect.status {
        301 => format!("Change the entry for {} on {proxy} to {target}.", old(redirect)),
        _ => format!("Nothing has to be done: {proxy} may follow redirects for its callers."),
    };
    out.push(finding(rule, case.redirect, summary, remediation));
}

fn sips_downgrade(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    if redirect.request_uri.as_deref().and_then(is_sips) != Some(true) {
        return;
    }
    let Some(contact) = redirect.contacts.iter().find(|contact| is_sips(&contact.uri) == Some(false)) else { return };
    let server = name(&redirect.server);
    let summary = format!(
        "{server} answered {} for {} with {}, which is not secured.",
        redirect.status,
        old(redirect),
        to_text(&contact.uri)
    );
    let remediation = format!("On {server}, return a sips Contact for {}.", old(redirect));
    let mut found = finding(rule, case.redirect, summary, remediation);
    let followed = recursion(redirect).is_some_and(|next| is_sips(&next.uri) == Some(false));
    found.values.push(("followed_by_proxy", Value::Bool(followed)));
    if followed {
        found.severity = Severity::Error;
        out.push(found);
    } else {
        out.push(milder_unless_seen(found, case.redirect));
    }
}

fn sips_upgrade_recursed(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    let Some(next) = recursion(redirect).filter(|next| is_sips(&next.uri) == Some(true)) else { return };
    if redirect.request_uri.as_deref().and_then(is_sips) != Some(false) {
        return;
    }
    let proxy = name(&redirect.client);
    let summary =
        format!("{proxy} followed the {} for {} to {} itself.", redirect.status, old(redirect), to_text(&next.uri));
    let remediation = format!("Let {proxy} hand the {} on, so that the caller decides about sips.", redirect.status);
    out.push(finding(rule, case.redirect, summary, remediation));
}

fn target_failed(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    let Some(next) = redirect.follow_up.as_ref() else { return };
    // Said of the last redirect of a chain: the others led to the next one.
    let is_last = redirect.chain_position == redirect.chain_length && case.outcome == RedirectOutcome::Followed;
    let is_refusal = match redirect.final_status {
        Some(status) => (400..700).contains(&status) && !matches!(status, 401 | 407 | 422 | 486 | 487 | 600 | 603),
        None => redirect.handling.timed_out,
    };
    if !is_last || !is_refusal || redirect.cancelled || redirect.chain_end.reached {
        return;
    }
    let target = to_text(redirect.last_target.as_ref().unwrap_or(&next.uri));
    let summary = format!(
        "{} was sent from {} to {target} by {}, and that ended {}.",
        name(&redirect.client),
        old(redirect),
        redirect.status,
        status(redirect.final_status)
    );
    let remediation = format!(
        "Check {target}, to which {} sends calls for {}: {}.",
        name(&redirect.server),
        old(redirect),
        redirect
            .final_status
            .map_or_else(|| "nothing answers there".to_owned(), |status| format!("it answered {status}"))
    );
    let mut found = finding(rule, case.redirect, summary, remediation);
    found.scope = Scope::Chain;
    found.values.push(("target", redirect.last_target.as_ref().unwrap_or(&next.uri).as_ref().into()));
    found.values.push(("final_status", redirect.final_status.map(u64::from).into()));
    // Another Contact may still be tried.
    found.watch = redirect.handling.rare.as_ref().and_then(|rare| rare.failure.as_ref()).map(|failure| failure.watch);
    out.push(milder_unless_seen(found, case.redirect));
}

fn uri_not_stripped(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    let Some(next) = sure(redirect) else { return };
    let kept = Uri::parse(&next.uri).is_ok_and(|uri| {
        uri.as_sip().is_some_and(|uri| {
            uri.headers.is_some_and(|headers| !headers.is_empty()) || uri.params.get(b"method").is_some()
        })
    });
    if !kept {
        return;
    }
    let client = name(&redirect.client);
    let summary = format!("{client} followed {} with the Request-URI {}.", redirect.status, to_text(&next.uri));
    let remediation = format!(
        "On {client}, strip headers and the method parameter from a Contact before it becomes the Request-URI."
    );
    let mut found = finding(rule, case.redirect, summary, remediation);
    found.values.push(("followed_to", next.uri.as_ref().into()));
    out.push(milder_unless_seen(found, case.redirect));
}
