//! Rules about the Contacts of a redirect: what a client can make of them by themselves.

use std::net::{IpAddr, Ipv4Addr};

use super::redirects::{RedirectCase, at_most_notice_if_relayed, finding};
use super::rule::{Check, Finding, Rule, Severity, Value};
use super::words::{name, uri};
use crate::correlation::{ContactRecord, Redirect};
use crate::sip::{Contact, HeaderName, SipUri, Uri, to_text};

/// The rules whose checks stand here.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "permanent-redirect-expiring",
        severity: Severity::Notice,
        summary: "A 301 is said to hold for less than a day.",
        explanation: "301 means that the address has changed for good, yet its Contact, or Expires, limits how long the new one holds. \
            A client that stores it has to throw it away soon, and calls the old address again. 302 says what is meant. It is seen where \
            a server answers 301 from a registration or a forwarding of the day.",
        remedy: "Answer 302 with that lifetime, or 301 without one.",
        references: &["RFC 3261 8.3", "RFC 3261 21.3.3"],
        checks: &[Check::Redirect(permanent_expiring)],
    },
    Rule {
        id: "redirect-contact-disallowed-param",
        severity: Severity::Notice,
        summary: "A URI in the Contact of a redirect has a parameter that may not stand there.",
        explanation: "`method` and `lr` have no meaning in the Contact of a redirect. Clients should ignore them; some copy them into the \
            Request-URI, where `lr` may turn the next hop into a loose router.",
        remedy: "Leave method and lr out of the Contact.",
        references: &["RFC 3261 19.1.1"],
        checks: &[Check::Redirect(disallowed_param)],
    },
    Rule {
        id: "redirect-contact-headers",
        severity: Severity::Notice,
        summary: "A URI in the Contact of a redirect asks for headers.",
        explanation: "What stands behind `?` in the Contact should become headers of the next request. Clients do so in part or not at all, \
            and should not honour what would pretend another sender, way or ability: with From, Call-ID, CSeq, Via, Record-Route, Route, \
            Accept, Accept-Encoding, Accept-Language, Allow, Contact, Organization, Supported or User-Agent (or their compact forms) it is \
            a warning.",
        remedy: "Leave the headers out of the Contact.",
        references: &["RFC 3261 19.1.5", "RFC 3261 8.1.3.4"],
        checks: &[Check::Redirect(contact_headers)],
    },
    Rule {
        id: "redirect-contact-malformed",
        severity: Severity::Error,
        summary: "A redirect has a Contact that cannot be read.",
        explanation: "No value of Contact is a URI, or it is `*`, which only REGISTER knows. The caller has nowhere to go. It is seen where \
            a target is put in from a form or a database without its scheme.",
        remedy: "Write the Contact as <sip:user@host>.",
        references: &["RFC 3261 25.1", "RFC 3261 20.10"],
        checks: &[Check::Redirect(malformed)],
    },
    Rule {
        id: "redirect-contact-unbracketed-params",
        severity: Severity::Warning,
        summary: "A parameter that was meant for the URI of a redirect target belongs to the header.",
        explanation: "Without angle brackets all that follows a semicolon is a parameter of the Contact header, not of the URI: transport, \
            maddr and others are lost for the client that goes there. A question mark may not stand there without brackets at all.",
        remedy: "Put the URI with its parameters into angle brackets.",
        references: &["RFC 8217 3", "RFC 3261 20"],
        checks: &[Check::Redirect(unbracketed)],
    },
    Rule {
        id: "redirect-contact-unroutable",
        severity: Severity::Notice,
        summary: "A redirect points at an address that the client cannot reach.",
        explanation: "The Contact is 0.0.0.0 or ::, a loopback or link-local address, or a private one while the client has a public one. \
            It is seen where a server behind address translation puts in what it calls itself.",
        remedy: "Advertise an address that clients can reach.",
        references: &["RFC 3261 8.3"],
        checks: &[Check::Redirect(unroutable)],
    },
    Rule {
        id: "redirect-expires-malformed",
        severity: Severity::Notice,
        summary: "The lifetime of a redirect target is not a number that fits.",
        explanation: "`expires` of a Contact is a number of seconds below 2^32. What cannot be read counts as an hour, which is hardly what \
            was meant.",
        remedy: "Write expires as a plain number of seconds, or leave it out.",
        references: &["RFC 3261 8.3", "RFC 4475 3.1.2.4"],
        checks: &[Check::Redirect(expires_malformed)],
    },
    Rule {
        id: "redirect-non-sip-contact",
        severity: Severity::Info,
        summary: "A redirect points at something else than a SIP address.",
        explanation: "A Contact may have any scheme (tel, mailto, http), but many clients follow sip and sips only. Where no sip or sips \
            Contact stands beside it, it is a warning.",
        remedy: "Offer a sip or sips Contact as well.",
        references: &["RFC 3261 8.3", "RFC 3261 16.7"],
        checks: &[Check::Redirect(non_sip)],
    },
    Rule {
        id: "redirect-transport-tls-param",
        severity: Severity::Notice,
        summary: "A redirect target asks for TLS with transport=tls.",
        explanation: "That value is deprecated: what it promises for further hops is not defined, and clients differ in what they make of it.",
        remedy: "Use a sips URI, or let NAPTR records of the domain choose TLS.",
        references: &["RFC 5630 5.4"],
        checks: &[Check::Redirect(transport_tls)],
    },
];

/// The parameters of a SIP URI (RFC 3261 19.1.1).
const URI_PARAMS: [&[u8]; 6] = [b"transport", b"maddr", b"user", b"lr", b"ttl", b"method"];

/// The headers that clients should not take from a URI (RFC 3261 19.1.5).
const DANGEROUS: [HeaderName; 14] = [
    HeaderName::From,
    HeaderName::CallId,
    HeaderName::CSeq,
    HeaderName::Via,
    HeaderName::RecordRoute,
    HeaderName::Route,
    HeaderName::Accept,
    HeaderName::AcceptEncoding,
    HeaderName::AcceptLanguage,
    HeaderName::Allow,
    HeaderName::Contact,
    HeaderName::Organization,
    HeaderName::Supported,
    HeaderName::UserAgent,
];

fn is_one_of(names: &[&[u8]], name: &[u8]) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Judged on the deepest hop captured: what the server sent.
fn sent(redirect: &Redirect) -> &[ContactRecord] {
    &redirect.server_contacts
}

/// The first Contact of the server with a SIP URI that `is_wrong`.
fn first_sip<'a>(redirect: &'a Redirect, is_wrong: impl Fn(&SipUri<'a>) -> bool) -> Option<&'a ContactRecord> {
    sent(redirect).iter().find(|contact| Uri::parse(&contact.uri).is_ok_and(|uri| uri.as_sip().is_some_and(&is_wrong)))
}

/// A finding about one Contact, judged on the hop nearest the server.
fn about(rule: &'static Rule, case: &RedirectCase<'_>, contact: &ContactRecord, what: &str, remedy: &str) -> Finding {
    let redirect = case.redirect;
    let server = name(&redirect.server);
    let old = uri(redirect.server_request_uri.as_deref());
    let summary =
        format!("{server} answered {} for {old} with the Contact {}: {what}.", redirect.status, to_text(&contact.raw));
    let mut found = finding(rule, case.redirect, summary, format!("On {server}, {remedy}"));
    found.values.push(("contact", contact.raw.as_ref().into()));
    found
}

fn malformed(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let contacts = sent(case.redirect);
    let Some(first) = contacts.first().filter(|_| contacts.iter().all(|contact| Uri::parse(&contact.uri).is_err()))
    else {
        return;
    };
    let remedy = "write the new address as <sip:user@host>; answer 410 or 404 if none is known.";
    out.push(at_most_notice_if_relayed(about(rule, case, first, "that is no address", remedy), case.redirect));
}

fn unbracketed(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let lost = |contact: &ContactRecord| {
        if contact.raw.contains(&b'<') || contact.uri.is_empty() {
            return None;
        }
        let has_headers = contact.uri.contains(&b'?');
        let parsed = Contact::parse(&contact.raw).ok()?;
        let param = parsed.name_addr.params.iter().find(|param| is_one_of(&URI_PARAMS, param.name));
        param.map(|param| to_text(param.name)).or_else(|| has_headers.then(|| "?".to_owned()))
    };
    let Some((contact, param)) = sent(case.redirect).iter().find_map(|contact| Some((contact, lost(contact)?))) else {
        return;
    };
    let what = format!("without angle brackets, {param} is no part of the URI and is lost");
    let remedy = format!("write <{}>.", to_text(&contact.raw));
    let mut found = about(rule, case, contact, &what, &remedy);
    found.values.push(("parameter", Value::Text(param.into_bytes().into())));
    out.push(at_most_notice_if_relayed(found, case.redirect));
}

fn expires_malformed(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let is_wrong = |contact: &&ContactRecord| {
        Contact::parse(&contact.raw).is_ok_and(|contact| {
            contact.expires_error.is_some() || contact.expires.is_some_and(|seconds| seconds > u64::from(u32::MAX))
        })
    };
    let Some(contact) = sent(case.redirect).iter().find(is_wrong) else { return };
    let remedy = "write expires as a number of seconds below 4294967296, or leave it out.";
    let found = about(rule, case, contact, "its expires is no such number, and clients take it for 3600 s", remedy);
    out.push(at_most_notice_if_relayed(found, case.redirect));
}

fn permanent_expiring(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let redirect = case.redirect;
    let readable = |contact: &ContactRecord| {
        Contact::parse(&contact.raw).ok().filter(|contact| contact.expires_error.is_none())?.expires
    };
    let contacts = sent(redirect);
    let Some(first) = contacts.first().filter(|_| redirect.status == 301) else { return };
    let own = contacts.iter().find_map(|contact| Some((contact, readable(contact)?)));
    let Some((contact, seconds)) = own
        .or_else(|| Some((first, redirect.expires?)))
        .filter(|(_, seconds)| *seconds < case.settings.permanent_lifetime_s)
    else {
        return;
    };
    let what = format!("a change for good that holds for {seconds} s only");
    let remedy = format!("answer 302 with expires={seconds}, or 301 without a lifetime.");
    let mut found = about(rule, case, contact, &what, &remedy);
    found.values.push(("lifetime_s", Value::Number(seconds)));
    out.push(at_most_notice_if_relayed(found, case.redirect));
}

fn transport_tls(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let asks = |uri: &SipUri<'_>| uri.transport().is_some_and(|transport| transport.eq_ignore_ascii_case(b"tls"));
    let Some(contact) = first_sip(case.redirect, asks) else { return };
    let remedy = "use a sips URI without transport=tls, or NAPTR records that prefer TLS.";
    out.push(at_most_notice_if_relayed(
        about(rule, case, contact, "transport=tls is deprecated", remedy),
        case.redirect,
    ));
}

fn disallowed_param(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let has = |uri: &SipUri<'_>| uri.params.iter().any(|param| is_one_of(&[b"method", b"lr"], param.name));
    let Some(contact) = first_sip(case.redirect, has) else { return };
    let what = "method and lr may not stand in the Contact of a redirect";
    out.push(at_most_notice_if_relayed(
        about(rule, case, contact, what, "leave method and lr out of the URI."),
        case.redirect,
    ));
}

fn contact_headers(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let Some(contact) = first_sip(case.redirect, |uri| uri.headers.is_some_and(|headers| !headers.is_empty())) else {
        return;
    };
    let parsed = Uri::parse(&contact.uri).ok();
    let headers = parsed.as_ref().and_then(Uri::as_sip).and_then(|uri| uri.headers).unwrap_or_default();
    let names: Vec<&[u8]> =
        headers.split(|byte| *byte == b'&').filter_map(|header| header.split(|byte| *byte == b'=').next()).collect();
    let list = names.iter().map(|name| to_text(name)).collect::<Vec<_>>().join(", ");
    let what = format!("it asks the client to set {list}");
    let mut found = about(rule, case, contact, &what, &format!("leave {list} out of the URI."));
    if names.iter().any(|name| DANGEROUS.contains(&HeaderName::of(name))) {
        found.severity = Severity::Warning;
    }
    found.values.push(("headers", Value::List(names.into_iter().map(Into::into).collect())));
    out.push(at_most_notice_if_relayed(found, case.redirect));
}

fn non_sip(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let contacts = sent(case.redirect);
    let is_other = |contact: &&ContactRecord| Uri::parse(&contact.uri).is_ok_and(|uri| uri.as_sip().is_none());
    let Some(contact) = contacts.iter().find(is_other) else { return };
    let scheme = to_text(contact.uri.split(|byte| *byte == b':').next().unwrap_or_default());
    let what = format!("many clients cannot follow {scheme}");
    let mut found = about(rule, case, contact, &what, "offer a sip or sips Contact as well.");
    if first_sip(case.redirect, |_| true).is_none() {
        found.severity = Severity::Warning;
    }
    out.push(at_most_notice_if_relayed(found, case.redirect));
}

fn unroutable(rule: &'static Rule, case: &RedirectCase<'_>, out: &mut Vec<Finding>) {
    let client = case.redirect.client.endpoint.address.to_canonical();
    let Some((contact, reach)) = sent(case.redirect).iter().find_map(|contact| {
        let uri = Uri::parse(&contact.uri).ok()?;
        let address = uri.as_sip()?.host.ip()?.to_canonical();
        let reach = Reach::of(address);
        // Whoever shares the address range can reach it: a test bench on one host, a private network.
        let is_far = reach == Reach::Nowhere || (reach != Reach::Everywhere && Reach::of(client) > reach);
        is_far.then_some((contact, reach))
    }) else {
        return;
    };
    let what = format!("{} cannot reach {} address", name(&case.redirect.client), reach.words());
    out.push(about(rule, case, contact, &what, "advertise an address that clients can reach."));
}

/// The addresses of providers that translate (RFC 6598).
const fn is_shared(address: Ipv4Addr) -> bool {
    matches!(address.octets(), [100, 64..=127, ..])
}

/// From where an address can be reached.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Nowhere,
    Host,
    Link,
    Site,
    Everywhere,
}

impl Reach {
    fn of(address: IpAddr) -> Self {
        let (is_link, is_site) = match address {
            IpAddr::V4(address) => (address.is_link_local(), address.is_private() || is_shared(address)),
            IpAddr::V6(address) => (address.is_unicast_link_local(), address.is_unique_local()),
        };
        if address.is_unspecified() {
            Self::Nowhere
        } else if address.is_loopback() {
            Self::Host
        } else if is_link {
            Self::Link
        } else if is_site {
            Self::Site
        } else {
            Self::Everywhere
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Nowhere => "the unspecified",
            Self::Host => "a loopback",
            Self::Link => "a link-local",
            Self::Site => "a private",
            Self::Everywhere => "a public",
        }
    }
}
