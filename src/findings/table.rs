//! The table of rules. A rule is a row; its checks stand with those that read the same facts.

use super::rule::{Check, Rule, Severity};
use super::{redirects, session, timers};

/// All rules, by name.
pub const RULES: &[Rule] = &[
    Rule {
        id: "permanent-redirect-ignored",
        severity: Severity::Warning,
        summary: "A client still calls an address that a 301 had said to be gone for good.",
        explanation: "301 Moved Permanently means that the client should store the new address. Here the same client (source \
            address and From) called the old one again later, so every call pays for the detour, and fails once the redirect is gone.",
        remedy: "Change the address-book or routing entry of that client to the Contact of the 301.",
        references: &["RFC 3261 21.3.2", "RFC 3261 8.3"],
        checks: &[Check::Redirect(redirects::ignored)],
    },
    Rule {
        id: "redirect-chain",
        severity: Severity::Info,
        summary: "A call was redirected several times in a row.",
        explanation: "Each redirect costs a round trip before the call rings, and each entry on the way can break. Two in a row \
            are for information, three and four a notice, five and more a warning.",
        remedy: "Configure the caller, or the first redirecting server, with the final address.",
        references: &["RFC 3261 8.1.3.4"],
        checks: &[Check::Redirect(redirects::chain)],
    },
    Rule {
        id: "redirect-contact-equals-request-uri",
        severity: Severity::Error,
        summary: "A redirect points at the very address that was asked for.",
        explanation: "A redirect server must not redirect to a URI equal to the Request-URI. The caller can only try the same \
            again or give up. One sees it when a forwarding entry points at itself, or when a rewrite undoes it.",
        remedy: "Point the entry at a different target, or answer 404 or 480 if there is none.",
        references: &["RFC 3261 8.3", "RFC 3261 19.1.4"],
        checks: &[Check::Redirect(redirects::contact_equals_request_uri)],
    },
    Rule {
        id: "redirect-followed",
        severity: Severity::Info,
        summary: "A redirect was followed.",
        explanation: "The caller sent the request to a Contact of the 3xx. For 301 the address book or routing table that still \
            has the old address should be changed, which saves the detour.",
        remedy: "For 301, change the address-book or routing entry to the new address; for 302 there is nothing to change.",
        references: &["RFC 3261 8.1.3.4", "RFC 3261 21.3.2"],
        checks: &[Check::Redirect(redirects::followed)],
    },
    Rule {
        id: "redirect-loop",
        severity: Severity::Error,
        summary: "A client was redirected to an address that it had tried already.",
        explanation: "The client went in a circle: an address that it had tried for this call came back as a target, and it went \
            there again. A client must keep a list of the addresses tried and go to none of them twice.",
        remedy: "Break the circle at the entries that point at each other, and update the client.",
        references: &["RFC 3261 8.1.3.4"],
        checks: &[Check::Redirect(redirects::looped)],
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
        checks: &[Check::Redirect(redirects::not_followed)],
    },
    Rule {
        id: "redirect-without-contact",
        severity: Severity::Warning,
        summary: "A redirect does not say where to.",
        explanation: "The Contact of a 3xx names the new address. Without one the caller has nowhere to go. For 305 it is an \
            error, for 300 to 302 a warning, for others a notice.",
        remedy: "Add a Contact with the new address; answer 410 or 404 if none is known.",
        references: &["RFC 3261 13.3.1.2", "RFC 3261 8.3", "RFC 3261 21.3.4", "RFC 3261 21.4.10"],
        checks: &[Check::Redirect(redirects::without_contact)],
    },
    Rule {
        id: "timer-422-ladder",
        severity: Severity::Notice,
        summary: "One after the other, elements asked for ever larger session intervals.",
        explanation: "Each element on the way has its own minimum. The caller learns them one by one, a refused attempt each.",
        remedy: "Align the minima of the elements on the way, or offer the largest at once.",
        references: &["RFC 4028 3", "RFC 4028 7.4", "RFC 4028 13"],
        checks: &[Check::Negotiation(timers::ladder)],
    },
    Rule {
        id: "timer-422-resolved",
        severity: Severity::Info,
        summary: "A session interval was refused, and the retry got another answer.",
        explanation: "The offered Session-Expires was below what a server accepts. The client raised it and tried again. Each \
            such call pays an extra round trip.",
        remedy: "Offer a Session-Expires of at least the demanded Min-SE from the start.",
        references: &["RFC 4028 7.3", "RFC 4028 7.4"],
        checks: &[Check::Negotiation(timers::resolved)],
    },
    Rule {
        id: "timer-422-retry-interval-too-small",
        severity: Severity::Error,
        summary: "A retry after 422 offers less than what was asked for.",
        explanation: "The Session-Expires of a retry must not be below the largest Min-SE of all 422 answers to this call.",
        remedy: "Use the largest Min-SE received, or more.",
        references: &["RFC 4028 7.1", "RFC 4028 7.4"],
        checks: &[Check::Negotiation(timers::retry_interval_too_small)],
    },
    Rule {
        id: "timer-422-retry-missing-min-se",
        severity: Severity::Error,
        summary: "A retry after 422 has no Min-SE.",
        explanation: "Once a 422 was received for a Call-ID, each further INVITE of it before the dialog must carry Min-SE with the \
            largest value received. Without it a proxy may lower the interval again.",
        remedy: "Add Min-SE with the largest value received to the retry.",
        references: &["RFC 4028 7.4"],
        checks: &[Check::Negotiation(timers::retry_missing_min_se)],
    },
    Rule {
        id: "timer-422-unresolved",
        severity: Severity::Warning,
        summary: "A call or refresh ended with 422.",
        explanation: "The client did not try again within 32 seconds of capture. The call failed over a timer setting. Typical \
            reasons: the client knows no 422, or gives up after the first.",
        remedy: "Raise Session-Expires and Min-SE of the client to what was asked for, or lower the minimum of the server (not below 90 s).",
        references: &["RFC 4028 7.3"],
        checks: &[Check::Negotiation(timers::unresolved)],
    },
    Rule {
        id: "timer-422-without-min-se",
        severity: Severity::Error,
        summary: "A 422 does not say which interval would do.",
        explanation: "A 422 must carry Min-SE with the minimum of the server. Without it the client can only guess.",
        remedy: "Add Min-SE to the 422, with a value of at least 90.",
        references: &["RFC 4028 6"],
        checks: &[Check::Negotiation(timers::without_min_se)],
    },
    Rule {
        id: "timer-bye-on-expiry",
        severity: Severity::Warning,
        summary: "A call was ended by the session timer.",
        explanation: "The BYE came when the party that is not refreshed should give up: at the interval less 32 s or a third of it, \
            whichever is less, after the last refresh. To the users it looks as if calls drop after a fixed time.",
        remedy: "Fix the party that had to refresh.",
        references: &["RFC 4028 10"],
        checks: &[Check::Dialog(session::bye_on_expiry)],
    },
    Rule {
        id: "timer-min-se-below-90",
        severity: Severity::Error,
        summary: "A Min-SE is below the legal minimum of 90 seconds.",
        explanation: "No Min-SE may be below 90. In a 422 it is an error, since clients are told to believe it; in a request a warning.",
        remedy: "Raise it to at least 90.",
        references: &["RFC 4028 5", "RFC 4028 8.1", "RFC 4028 9"],
        checks: &[Check::Negotiation(timers::min_se_below_90), Check::Dialog(session::request_min_se_below_90)],
    },
    Rule {
        id: "timer-refresh-missed",
        severity: Severity::Error,
        summary: "A session was not refreshed by the party that had to.",
        explanation: "The 2xx named a refresher, and no INVITE or UPDATE came from it before the interval was over, though the \
            dialog still stood. The other side may drop the call.",
        remedy: "Fix session refresh on the party named, or let the other side refresh.",
        references: &["RFC 4028 7.2", "RFC 4028 9", "RFC 4028 10"],
        checks: &[Check::Dialog(session::refresh_missed)],
    },
    Rule {
        id: "timer-session-expired-no-bye",
        severity: Severity::Warning,
        summary: "A session expired, and nobody ended it.",
        explanation: "37 seconds after the interval was over neither side had sent BYE: media ports, licences and billing records \
            stay open.",
        remedy: "Make the party that is not refreshed send BYE before the interval is over.",
        references: &["RFC 4028 10"],
        checks: &[Check::Dialog(session::expired_no_bye)],
    },
];

/// The rule of that name.
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_unique_and_explained() {
        assert!(RULES.windows(2).all(|pair| pair[0].id < pair[1].id));
        for row in RULES {
            assert!(row.explanation.len() > 40 && row.remedy.len() > 10, "{}", row.id);
            assert!(row.summary.ends_with('.') && !row.references.is_empty() && !row.checks.is_empty(), "{}", row.id);
            assert_eq!(rule(row.id).map(|found| found.id), Some(row.id));
        }
        assert!(rule("nothing").is_none());
    }
}
