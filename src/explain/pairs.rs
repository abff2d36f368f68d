//! Comparisons written for a pair of status codes, where the tables alone would not say enough.

/// The comparison of two status codes.
pub(super) struct Pair {
    /// The codes; the first is told first.
    pub(super) codes: (u16, u16),
    /// The difference in a paragraph or two.
    pub(super) in_short: &'static [&'static str],
    /// What differs, one thing at a time. If empty, the tables of the codes are shown instead.
    pub(super) aspects: &'static [Aspect],
    /// What is to be said of both together.
    pub(super) sections: &'static [Section],
}

/// One thing in which the codes differ.
pub(super) struct Aspect {
    /// What is compared.
    pub(super) name: &'static str,
    /// How it is with the first code.
    pub(super) first: &'static str,
    /// How it is with the second code.
    pub(super) second: &'static str,
}

/// A part of the text under its own heading: paragraphs, then a list.
pub(super) struct Section {
    /// The heading.
    pub(super) heading: &'static str,
    /// The paragraphs.
    pub(super) paragraphs: &'static [&'static str],
    /// The list below them.
    pub(super) items: &'static [&'static str],
}

/// The comparison written for two codes, in whichever order they are given.
pub(super) fn pair(one: u16, other: u16) -> Option<&'static Pair> {
    let codes = (one.min(other), one.max(other));
    PAIRS.iter().find(|pair| pair.codes == codes)
}

/// All written comparisons, in ascending order of their codes; the lower code of a pair comes first.
pub(super) const PAIRS: &[Pair] = &[
    Pair {
        codes: (300, 302),
        in_short: &[
            "A 300 leaves the choice between several Contacts to the caller, who may ask its user. A 302 tells the \
             caller to go on to the Contact at once. With a single target, 302 is the better answer.",
        ],
        aspects: &[],
        sections: &[],
    },
    Pair {
        codes: (301, 302),
        in_short: &[
            "The request that follows is the same. The difference is what the caller remembers: after a 301 the new \
             address replaces the old one for good; after a 302 the old one stays, and the new one holds for this \
             request, or for the seconds that expires says.",
            "So call forwarding and routing by redirects are 302, a number that has moved is 301. A 301 for what \
             changes again sends later calls to the wrong place; a 302 for what has moved for good costs each call \
             a detour for ever.",
        ],
        aspects: &[],
        sections: &[],
    },
    Pair {
        codes: (301, 410),
        in_short: &[
            "Both say that the user has left for good. A 301 knows the new address and gives it in Contact; a 410 \
             says that none is known. A 301 without a Contact should have been a 410.",
        ],
        aspects: &[],
        sections: &[],
    },
    PERMANENT_MOVE_AND_INTERVAL,
    Pair {
        codes: (302, 305),
        in_short: &[
            "After a 302 the Contact becomes the Request-URI: it says to whom. After a 305 the Request-URI stays, \
             and the Contact is a proxy to go through: it says by which way.",
        ],
        aspects: &[],
        sections: &[],
    },
    Pair {
        codes: (404, 410),
        in_short: &[
            "Both say that the user is not there. A 410 is certain that this is for good, so the address can be \
             removed; a 404 is not.",
        ],
        aspects: &[],
        sections: &[],
    },
    Pair {
        codes: (422, 423),
        in_short: &[
            "Both say that an interval is too small, and a header of the answer says what would do. A 422 is about \
             the refresh of a call (INVITE and UPDATE, Session-Expires, answered by Min-SE). A 423 is about the \
             lifetime of a registration, subscription or publication (Expires, answered by Min-Expires).",
            "They are set in different places: the session timer of the phone or trunk, and its registration interval.",
        ],
        aspects: &[],
        sections: &[],
    },
];

const PERMANENT_MOVE_AND_INTERVAL: Pair = Pair {
    codes: (301, 422),
    in_short: &[
        "Both say: try again, differently. A 301 changes where the request goes, a 422 changes how long the session \
         may last between two refreshes. In both cases the answer itself holds the new value, a well-behaved caller \
         retries at once, and somebody should change a setting so that the next call needs no retry.",
    ],
    aspects: &[
        Aspect {
            name: "Class",
            first: "3xx redirection.",
            second: "4xx client failure, but one that is meant to be retried.",
        },
        Aspect {
            name: "What is wrong with the request",
            first: "The address. The user is no longer at the Request-URI, and will not return.",
            second: "The offer. Session-Expires is below what a server on the way accepts; the address is right.",
        },
        Aspect {
            name: "Who answers so",
            first: "A redirect server, registrar or PBX that knows the new address, or the called device.",
            second: "Any proxy or SBC on the way that has a minimum, or the called device.",
        },
        Aspect {
            name: "Which requests",
            first: "Any but ACK and CANCEL; mostly INVITE, also REGISTER, OPTIONS and MESSAGE.",
            second: "INVITE and UPDATE only.",
        },
        Aspect {
            name: "Which header carries the answer",
            first: "Contact: the new address, or several, perhaps with q and expires.",
            second: "Min-SE: the least interval that is accepted, in seconds, never below 90.",
        },
        Aspect {
            name: "Who has to act",
            first: "The caller, or a proxy before it that follows the redirect on its behalf.",
            second: "The caller. A proxy should pass the 422 on, and not try another server with the same offer.",
        },
        Aspect {
            name: "What changes in the new request",
            first: "The Request-URI becomes the Contact, and so does the next hop unless a route says otherwise. \
                    Session-Expires stays.",
            second: "Session-Expires and Min-SE rise to at least the Min-SE received. The Request-URI stays.",
        },
        Aspect {
            name: "Call-ID, From and To",
            first: "Kept as a rule, so To still shows the old address. A new Call-ID is allowed.",
            second: "Should be kept; the largest Min-SE is remembered per Call-ID. The From tag may be new.",
        },
        Aspect {
            name: "CSeq and branch",
            first: "The branch is new. RFC 3261 says nothing of CSeq: callers raise it, a proxy that follows keeps it.",
            second: "The branch is new, and CSeq is one higher.",
        },
        Aspect {
            name: "Dialog",
            first: "A first INVITE leaves no dialog behind: the new request has no To tag. Within a call a redirect \
                    is ill-defined and rare.",
            second: "A first INVITE leaves no dialog behind: the new request has no To tag. Within a call the \
                     dialog lives on, and the old deadline still runs.",
        },
        Aspect {
            name: "How often",
            first: "Once for each move; no URI is tried twice. Several in a row are a chain, and coming back is a \
                    loop.",
            second: "Once for each server with a higher minimum than the last. Asking twice for the same value is a \
                     fault of the server.",
        },
        Aspect {
            name: "What must be changed for good",
            first: "The old address, in address books, dial plans and routes of the caller: replace it by the Contact.",
            second: "The session interval of the caller: at least the largest Min-SE on the way, 1800 s being \
                     recommended. Or the minimum of the server: lower it, to 90 s at the least.",
        },
        Aspect {
            name: "What happens if nobody does",
            first: "Each call takes the detour, and fails once the old server is switched off.",
            second: "Each call takes a round more, and fails for callers that do not retry.",
        },
        Aspect {
            name: "Where the report has it",
            first: "redirects, and address_updates for what to change.",
            second: "negotiations, and interval_requirements for what to change.",
        },
        Aspect {
            name: "References",
            first: "RFC 3261 21.3.2, 8.1.3.4, 8.3.",
            second: "RFC 4028 5, 6, 7.3, 7.4, 8.1, 9, 10.",
        },
    ],
    sections: &[
        Section {
            heading: "When which applies",
            paragraphs: &[],
            items: &[
                "301: the server knows that the user has another address for good. If it is another one only for \
                 now, 302; if no address is known, 410.",
                "422: the request came to the right place and says that its sender supports session timers \
                 (Supported: timer), but its Session-Expires is below the server's minimum. If the sender does not \
                 support timers, a proxy should raise the values itself instead of refusing. For a registration, \
                 423.",
            ],
        },
        Section {
            heading: "Both in one call",
            paragraphs: &[
                "The old server looks at the address only, the new one at the session as well. So the usual order \
                 is 301 first, then 422 at the new target:",
            ],
            items: &[
                "INVITE sip:old@example.com, Session-Expires: 90. Answer: 301, Contact: <sip:new@example.com>. ACK.",
                "INVITE sip:new@example.com, Session-Expires: 90. Answer: 422, Min-SE: 180. ACK.",
                "INVITE sip:new@example.com, Session-Expires: 180, Min-SE: 180. Answer: 200. ACK.",
            ],
        },
        Section {
            heading: "What to mind then",
            paragraphs: &[],
            items: &[
                "The retry after the 422 goes to the new address, not back to the old one.",
                "If the 422 comes first, from a proxy before the redirect, the request to the Contact carries that \
                 Min-SE too as long as the Call-ID is the same.",
                "Both settings need changing: correcting the address alone leaves the 422, correcting the interval \
                 alone leaves the 301.",
                "In the report the redirect then has attempt_status 422 and final_status 200, and the negotiation \
                 is listed beside it.",
            ],
        },
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_sorted_and_unique() {
        assert!(PAIRS.is_sorted_by(|one, next| one.codes < next.codes));
        assert!(PAIRS.iter().all(|pair| pair.codes.0 < pair.codes.1 && !pair.in_short.is_empty()));
    }

    #[test]
    fn a_pair_is_found_in_either_order() {
        assert_eq!(pair(422, 301).unwrap().codes, (301, 422));
        assert_eq!(pair(301, 422).unwrap().codes, (301, 422));
        assert!(pair(301, 301).is_none());
        assert!(pair(180, 200).is_none());
    }

    #[test]
    fn texts_are_plain_sentences() {
        for pair in PAIRS {
            let aspects = pair.aspects.iter().flat_map(|aspect| [aspect.first, aspect.second]);
            let sections =
                pair.sections.iter().flat_map(|section| section.paragraphs.iter().chain(section.items).copied());
            for text in pair.in_short.iter().copied().chain(aspects).chain(sections) {
                assert!(
                    text.is_ascii() && text.ends_with(['.', ':']) && !text.contains("  "),
                    "{:?}: {text}",
                    pair.codes
                );
            }
        }
    }

    #[test]
    fn the_pair_301_and_422_covers_what_an_engineer_asks() {
        let pair = pair(301, 422).unwrap();
        let names: Vec<&str> = pair.aspects.iter().map(|aspect| aspect.name).collect();
        for name in [
            "Who has to act",
            "Which header carries the answer",
            "CSeq and branch",
            "Dialog",
            "What must be changed for good",
        ] {
            assert!(names.contains(&name), "{name}");
        }
        let headings: Vec<&str> = pair.sections.iter().map(|section| section.heading).collect();
        assert!(headings.contains(&"When which applies") && headings.contains(&"Both in one call"));
    }
}
