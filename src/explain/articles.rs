//! The long texts about the codes that this program is about: redirection, and intervals that are too small.

/// All that is said of one status code beyond its row of the table.
pub(super) struct Article {
    /// The code; the table has a row for it.
    pub(super) code: u16,
    /// What it means, as paragraphs.
    pub(super) meaning: &'static [&'static str],
    /// When one sees it, as a list.
    pub(super) occasions: &'static [&'static str],
    /// How to fix it, as a list: which device, which header, which kind of setting.
    pub(super) remedies: &'static [&'static str],
    /// Ids of the rules that look at it, the most telling first.
    pub(super) rules: &'static [&'static str],
    /// RFC and sections.
    pub(super) references: &'static [&'static str],
}

/// The article about a code, if there is one.
pub(super) fn article(code: u16) -> Option<&'static Article> {
    ARTICLES.iter().find(|article| article.code == code)
}

/// All articles, in ascending order of their codes.
pub(super) const ARTICLES: &[Article] = &[
    MULTIPLE_CHOICES,
    MOVED_PERMANENTLY,
    MOVED_TEMPORARILY,
    USE_PROXY,
    ALTERNATIVE_SERVICE,
    SESSION_INTERVAL_TOO_SMALL,
    INTERVAL_TOO_BRIEF,
];

const MULTIPLE_CHOICES: Article = Article {
    code: 300,
    meaning: &[
        "The address in the Request-URI stands for several places, and the server leaves the choice to the caller. \
         Contact should list the places, each with a q value from 0 to 1 if some are to be preferred. A body may \
         hold the list too, for a person to choose from.",
        "The caller's device may ask its user or try the Contacts by itself, customarily from the highest q to the \
         lowest. If one fails it should go on to the next. A client also takes any 3xx that it does not know for a \
         300.",
    ],
    occasions: &[
        "A user has several devices or numbers, and a redirect server or location service does not fork the call \
         itself.",
        "A routing server gives alternative routes or gateways in one answer.",
    ],
    remedies: &[
        "Caller (phone, PBX, SBC): switch on the handling of redirects, with more than one Contact, or put a proxy \
         in front that tries the Contacts on its behalf.",
        "Redirecting server: list full SIP URIs in angle brackets with q values; with a single target answer 302 or \
         301, which leave nothing to ask the user.",
        "Where the choice need not be the caller's: let the proxy fork the call instead of redirecting it.",
    ],
    rules: &[
        "redirect-observed",
        "redirect-followed",
        "redirect-not-followed",
        "redirect-without-contact",
        "redirect-alternatives-untried",
        "redirect-q-order-inverted",
        "redirect-target-failed",
    ],
    references: &["RFC 3261 21.3.1", "RFC 3261 8.1.3.2 (unknown 3xx)", "RFC 3261 8.1.3.4", "RFC 3261 8.3"],
};

const MOVED_PERMANENTLY: Article = Article {
    code: 301,
    meaning: &[
        "The user is no longer at the Request-URI and will not be there again. The Contact header of the answer \
         holds the new address, or several.",
        "The caller should send the request again to the Contact. It should also put the new address wherever the \
         old one is stored, such as address books, dial plans, routing tables and location caches, so that later \
         calls go straight to it. That is what tells a 301 from a 302.",
        "The new request has the Contact URI as its Request-URI, without any method parameter and without headers \
         after a question mark. It is a new transaction with a new branch. From, To and Call-ID are kept as a rule, \
         so To still shows the old address. A client remembers the URIs it has tried and tries none of them twice, \
         which keeps it out of loops.",
        "The move holds without a time limit, unless the Contact has an expires parameter or the answer an Expires \
         header. An address that is new only for a while is better told by a 302.",
    ],
    occasions: &[
        "A number was ported or renamed, or its user was moved to another PBX, tenant or carrier, and the old \
         server keeps a pointer.",
        "A device is still set up with a server name or domain that has been replaced; then REGISTER and OPTIONS \
         are redirected as well.",
        "A routing or number portability server answers every request so. Where the target may be another one \
         tomorrow, 302 is the code to use.",
    ],
    remedies: &[
        "Caller (phone, PBX, SBC): replace the Request-URI by the Contact in address books, speed dials, dial plans \
         and routes. The report lists each pair, and who still calls the old address, under address_updates.",
        "Caller that gives up after the 301: switch on the handling of redirects for that phone, trunk or route, or \
         let the proxy or SBC in front of it follow them.",
        "Redirecting server: give at least one Contact with a reachable address, in angle brackets, that differs \
         from the Request-URI. If no new address is known, 410 is the answer, or 404 if it is unclear whether the \
         user is gone for good.",
        "Keep the pointer on the old server until nobody calls the old address any more: without it the calls fail.",
    ],
    rules: &[
        "redirect-observed",
        "redirect-followed",
        "redirect-not-followed",
        "permanent-redirect-ignored",
        "permanent-redirect-conflict",
        "permanent-redirect-expiring",
        "redirect-without-contact",
        "redirect-contact-malformed",
        "redirect-contact-equals-request-uri",
        "redirect-loop",
        "redirect-chain",
        "redirect-target-failed",
    ],
    references: &[
        "RFC 3261 21.3.2",
        "RFC 3261 8.1.3.4 (what the client does)",
        "RFC 3261 8.3 (what the redirect server does)",
        "RFC 3261 13.3.1.2 (a called device that redirects)",
        "RFC 3261 19.1.1 (what a Contact URI may hold)",
        "RFC 3261 21.4.10 (410)",
    ],
};

const MOVED_TEMPORARILY: Article = Article {
    code: 302,
    meaning: &[
        "The user is elsewhere for now. The caller should send the request again to the Contact and keep the \
         address it has.",
        "How long the new address is good for is said by the expires parameter of the Contact or by the Expires \
         header, in seconds. If neither is there it is good for this one request and must not be remembered. If a \
         remembered address fails, the caller may try the old one once more.",
        "Request-URI, branch, From, To and Call-ID of the new request are those of any redirect: see the article on \
         301.",
    ],
    occasions: &[
        "Call forwarding: a phone or PBX answers with the number that its user chose. A Diversion or History-Info \
         header then tells who diverted and why.",
        "A redirect server does the routing: least cost routing, number portability, load sharing between gateways.",
        "Some servers send 302 for every redirect, also where the move is for good.",
    ],
    remedies: &[
        "Caller (phone, PBX, SBC): switch on the handling of redirects for that phone, trunk or route. Many trunks \
         have it off, since a redirect lets the other side choose where the caller pays for: better limit the \
         targets that may be followed than follow none.",
        "If the caller cannot follow: let the proxy, PBX or SBC of the called side forward the call itself.",
        "Redirecting server: add expires to the Contact if callers may remember it; answer 301 if the move is for \
         good.",
    ],
    rules: &[
        "redirect-observed",
        "redirect-followed",
        "redirect-not-followed",
        "redirect-other-target-tried",
        "redirect-without-contact",
        "redirect-contact-equals-request-uri",
        "redirect-expires-malformed",
        "temporary-redirect-repeated",
        "redirect-loop",
        "redirect-target-failed",
        "redirect-diversion-dropped",
    ],
    references: &[
        "RFC 3261 21.3.3",
        "RFC 3261 8.1.3.4",
        "RFC 3261 8.3",
        "RFC 5806 5 (Diversion)",
        "RFC 7044 (History-Info)",
    ],
};

const USE_PROXY: Article = Article {
    code: 305,
    meaning: &[
        "The called device takes this request only through a proxy, and Contact names that proxy. The caller \
         repeats this one request by way of it.",
        "Unlike with 301 and 302 the Contact does not replace the Request-URI: it says through whom, not to whom. \
         Only a called device (UAS) may answer so, and nothing is to be remembered for later requests.",
    ],
    occasions: &[
        "Rare. A phone or PBX that was called directly insists on the proxy that serves it, so that the call is \
         authenticated, charged or filtered.",
    ],
    remedies: &[
        "Caller: enter the proxy as outbound proxy or route for that destination, so that the first request takes \
         the right way.",
        "Called device: name the proxy in Contact. Without it nobody can act on the answer.",
        "A client that does not know 305 takes it for a 300 and goes to the Contact instead of through it. Where \
         that happens, let the DNS lead to the proxy in the first place.",
    ],
    rules: &["redirect-observed", "redirect-followed", "redirect-not-followed", "redirect-without-contact"],
    references: &["RFC 3261 21.3.4", "RFC 3261 8.1.3.4"],
};

const ALTERNATIVE_SERVICE: Article = Article {
    code: 380,
    meaning: &[
        "The call failed, but another service may do. The body of the answer describes the alternatives. SIP itself \
         defines no format for it, so only clients that know the Content-Type can act. A Contact is optional.",
    ],
    occasions: &[
        "In mobile (IMS) networks: somebody dialled an emergency number as an ordinary call, and an XML body tells \
         the phone to place an emergency call.",
        "Elsewhere it is rare.",
    ],
    remedies: &[
        "Caller: see whether the device knows the Content-Type of the body. If not, the call simply failed.",
        "Server: use 302 with a Contact if the alternative is an address, which every client understands.",
    ],
    rules: &["redirect-observed", "redirect-not-followed", "redirect-without-contact"],
    references: &["RFC 3261 21.3.5", "3GPP TS 24.229 (emergency calls)"],
};

const SESSION_INTERVAL_TOO_SMALL: Article = Article {
    code: 422,
    meaning: &[
        "With session timers (RFC 4028) a call has to be refreshed from time to time, so that servers notice one \
         that died silently. The caller offers in Session-Expires how many seconds may pass between refreshes. A \
         422 says that this is below what a server on the way, or the called device, accepts.",
        "Min-SE in the 422 says what that server accepts, in seconds. It has to be there. The floor is 90 s: no \
         server may ask for less. 1800 s is the recommended interval.",
        "The caller may then retry; if it does not, the call has failed. The retry is a new transaction with the \
         same Call-ID, a CSeq one higher, and with Session-Expires and Min-SE at least that value; after several \
         422s at least the largest of them. A retry of the first INVITE carries no To tag, since no dialog exists. \
         Each server on the way has its own minimum, so several rounds are possible.",
        "Once the call is up, the 2xx has set the interval and who refreshes it (refresher=uac or uas). That party \
         sends a re-INVITE or UPDATE, best at half the interval. If none comes the other party should end the call \
         with a BYE shortly before the deadline: 32 s or a third of the interval before it, whichever is less. With \
         1800 s: refresh at 900 s, BYE at 1768 s, end at 1800 s.",
        "A 422 to a refresh ends nothing and extends nothing: the call goes on, and the retry has to succeed before \
         the old deadline. Min-SE values from before the call was up no longer count by then, so a first refresh \
         without Min-SE is right; those received during the call do.",
    ],
    occasions: &[
        "A phone, PBX or trunk offers a short interval, such as 90 or 120 s, and the SBC or carrier wants 600, 900 \
         or 1800 s.",
        "Two servers on one way have different minima: the caller climbs a ladder of 422s with each call.",
        "A re-INVITE during the call, for hold or another codec, offers less than what was agreed before.",
        "The offer was lowered, or put in, by a proxy between the caller and the server that refuses.",
    ],
    remedies: &[
        "Caller (phone, PBX, trunk): set the session timer interval (Session-Expires) to at least the Min-SE asked \
         for; 1800 s is recommended. The report lists who has to set what under interval_requirements.",
        "Server that refuses (SBC, proxy, PBX): lower its minimum (Min-SE) if there is no need for it; not below 90 s.",
        "Several servers on one way: give them the same minimum, or set the caller to the largest.",
        "Caller that gives up after the 422: update it, raise its interval, or switch session timers off in it.",
        "Proxy or gateway that takes a 422 for a failed trunk and tries the next: let it pass the 422 to the caller.",
        "Server that sends no Min-SE, or refuses what it has asked for: that is a fault of the server.",
    ],
    rules: &[
        "timer-422-observed",
        "timer-422-resolved",
        "timer-422-unresolved",
        "timer-422-ladder",
        "timer-422-loop",
        "timer-422-without-min-se",
        "timer-min-se-below-90",
        "timer-422-retry-interval-too-small",
        "timer-422-retry-missing-min-se",
        "timer-422-unjustified",
        "timer-422-on-refresh",
        "timer-422-treated-as-failure",
        "timer-refresh-missed",
        "timer-bye-on-expiry",
    ],
    references: &[
        "RFC 4028 6 (the 422)",
        "RFC 4028 4 and 5 (Session-Expires, Min-SE)",
        "RFC 4028 7.3 and 7.4 (the retry)",
        "RFC 4028 8.1 and 9 (who may refuse)",
        "RFC 4028 10 (refresh and BYE)",
        "RFC 4028 13 (an example with two rounds)",
    ],
};

const INTERVAL_TOO_BRIEF: Article = Article {
    code: 423,
    meaning: &[
        "The sibling of 422 for what is refreshed by itself and not within a call: mostly REGISTER, also SUBSCRIBE \
         and PUBLISH. The lifetime asked for is below what the server accepts, and Min-Expires says what it \
         accepts.",
        "The client may retry with a lifetime of at least Min-Expires for every Contact. A registrar may refuse \
         only lifetimes below one hour, and never 0, which removes a registration.",
    ],
    occasions: &[
        "A phone registers for 60 s to keep a NAT binding open, and the registrar wants 300 s or more to save load.",
    ],
    remedies: &[
        "Client: set the registration lifetime to at least Min-Expires, and keep the NAT binding open by \
         keep-alives (RFC 5626) instead.",
        "Registrar: lower its minimum lifetime.",
    ],
    rules: &[],
    references: &["RFC 3261 21.4.17", "RFC 3261 10.2.8", "RFC 3261 10.3", "RFC 3261 20.23 (Min-Expires)", "RFC 6665"],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::status::Code;

    #[test]
    fn articles_are_sorted_and_have_a_row() {
        assert!(ARTICLES.is_sorted_by(|one, next| one.code < next.code));
        for article in ARTICLES {
            assert!(Code::new(article.code).and_then(Code::status).is_some(), "{}", article.code);
        }
        let redirects = super::super::status::STATUSES.iter().filter(|status| status.code / 100 == 3);
        for status in redirects {
            assert!(article(status.code).is_some(), "{}", status.code);
        }
    }

    #[test]
    fn articles_are_complete_and_cite_the_rfc_of_their_row() {
        for article in ARTICLES {
            let status = Code::new(article.code).and_then(Code::status).unwrap();
            assert!(
                article.references.contains(&status.reference) || article.references[0].starts_with(status.reference)
            );
            assert!(!article.occasions.is_empty() && !article.remedies.is_empty());
            for text in [article.meaning, article.occasions, article.remedies].concat() {
                assert!(text.is_ascii() && text.ends_with('.') && !text.contains("  "), "{}: {text}", article.code);
            }
        }
    }

    #[test]
    fn rules_are_named_once_in_an_article() {
        for article in ARTICLES {
            for (index, rule) in article.rules.iter().enumerate() {
                assert!(!article.rules[..index].contains(rule), "{rule}");
            }
        }
    }

    #[test]
    fn the_article_on_301_says_what_to_update() {
        let text = article(301).unwrap().meaning.concat();
        for part in ["no longer at the Request-URI", "Contact", "address books", "routing tables"] {
            assert!(text.contains(part), "{part}");
        }
    }

    #[test]
    fn the_article_on_422_gives_the_numbers() {
        let text = article(422).unwrap().meaning.concat();
        for part in ["Session-Expires", "Min-SE", "90 s", "1800 s", "half the interval", "32 s or a third", "1768 s"] {
            assert!(text.contains(part), "{part}");
        }
    }
}
