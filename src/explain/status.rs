//! Status codes: the six classes, and what each registered code says (IANA "Session Initiation Protocol (SIP)
//! Parameters", Response Codes).

/// A status code from 100 to 699, registered or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Code(u16);

impl Code {
    /// The code, if there is a class for it (RFC 3261 7.2).
    pub(super) fn new(number: u16) -> Option<Self> {
        (100..=699).contains(&number).then_some(Self(number))
    }

    /// The three digits.
    pub(super) fn number(self) -> u16 {
        self.0
    }

    /// The class, which the first digit says.
    pub(super) fn class(self) -> &'static Class {
        match self.0 {
            ..200 => &PROVISIONAL,
            200..300 => &SUCCESS,
            300..400 => &REDIRECTION,
            400..500 => &CLIENT_FAILURE,
            500..600 => &SERVER_FAILURE,
            600.. => &GLOBAL_FAILURE,
        }
    }

    /// What is known of the code, if it is registered.
    pub(super) fn status(self) -> Option<&'static Status> {
        let at = STATUSES.binary_search_by_key(&self.0, |status| status.code).ok()?;
        STATUSES.get(at)
    }
}

/// A class of status codes.
pub(super) struct Class {
    /// Its name, such as `3xx redirection`.
    pub(super) name: &'static str,
    /// What all codes of the class say, as one sentence.
    pub(super) meaning: &'static str,
    /// The code that a client takes an unknown one of this class for.
    pub(super) stands_for: u16,
    /// Where it is written.
    pub(super) reference: &'static str,
}

const PROVISIONAL: Class = Class {
    name: "1xx provisional",
    meaning: "The request is being worked on; a final answer follows.",
    stands_for: 183,
    reference: "RFC 3261 21.1",
};
const SUCCESS: Class = Class {
    name: "2xx success",
    meaning: "The request was understood and accepted.",
    stands_for: 200,
    reference: "RFC 3261 21.2",
};
const REDIRECTION: Class = Class {
    name: "3xx redirection",
    meaning: "The request has to go elsewhere, and Contact says where.",
    stands_for: 300,
    reference: "RFC 3261 21.3",
};
const CLIENT_FAILURE: Class = Class {
    name: "4xx client failure",
    meaning: "This server cannot serve the request as it is; the client should not repeat it without a change.",
    stands_for: 400,
    reference: "RFC 3261 21.4",
};
const SERVER_FAILURE: Class = Class {
    name: "5xx server failure",
    meaning: "The server itself has failed; another one may serve the same request.",
    stands_for: 500,
    reference: "RFC 3261 21.5",
};
const GLOBAL_FAILURE: Class = Class {
    name: "6xx global failure",
    meaning: "No server anywhere will serve the request, so there is no point in trying another.",
    stands_for: 600,
    reference: "RFC 3261 21.6",
};

/// A registered status code.
pub(super) struct Status {
    /// The three digits.
    pub(super) code: u16,
    /// The reason phrase of the registry. Servers may send any other.
    pub(super) reason: &'static str,
    /// Where it is defined.
    pub(super) reference: &'static str,
    /// Headers that matter with it, separated by commas; of the answer, or of the request where `remedy` says so.
    pub(super) headers: &'static str,
    /// What it says, in a sentence or two.
    pub(super) meaning: &'static str,
    /// Who does what about it.
    pub(super) remedy: &'static str,
}

/// A row of the table: the arguments have the order of the fields.
const fn row(
    code: u16,
    reason: &'static str,
    reference: &'static str,
    headers: &'static str,
    meaning: &'static str,
    remedy: &'static str,
) -> Status {
    Status { code, reason, reference, headers, meaning, remedy }
}

/// All registered codes, in ascending order.
#[rustfmt::skip] // A row is three lines: who it is, what it says, what to do. rustfmt would give each argument its own.
pub(super) const STATUSES: &[Status] = &[
    row(100, "Trying", "RFC 3261 21.1.1", "",
        "The next server has the request and works on it; the client stops repeating it.",
        "Nothing. If no final answer follows, look beyond the server that sent it."),
    row(180, "Ringing", "RFC 3261 21.1.2", "",
        "The called device is alerting its user.",
        "Nothing."),
    row(181, "Call Is Being Forwarded", "RFC 3261 21.1.3", "",
        "A server sends the call on to other destinations itself, which a 3xx would have left to the caller.",
        "Nothing."),
    row(182, "Queued", "RFC 3261 21.1.4", "",
        "The called party cannot take the call now, and the server holds it until it can.",
        "Nothing; the caller waits or hangs up."),
    row(183, "Session Progress", "RFC 3261 21.1.5", "",
        "The call is getting on, in a way that no other 1xx names; often it brings sound before the answer.",
        "Nothing."),
    row(199, "Early Dialog Terminated", "RFC 6228", "Reason",
        "One branch of a forked call has ended while others go on; the caller can free what it held for it.",
        "Nothing. Reason tells which final answer ended the branch."),
    row(200, "OK", "RFC 3261 21.2.1", "",
        "The request has succeeded. What that means depends on the method: for INVITE, the call is answered.",
        "Nothing. Only a 2xx to INVITE or UPDATE extends a session that has a timer."),
    row(202, "Accepted (Deprecated)", "RFC 6665", "",
        "The request was accepted but may not be complete. Deprecated: subscribers take it for 200.",
        "Server: send 200 instead."),
    row(204, "No Notification", "RFC 5839", "Suppress-If-Match, SIP-ETag",
        "The subscription succeeded, and no NOTIFY follows since the subscriber knows the state already.",
        "Nothing."),
    row(300, "Multiple Choices", "RFC 3261 21.3.1", "Contact",
        "The address stands for several places, and the caller may choose one of those in Contact.",
        "Caller: try the Contacts, or let the user choose. Server: give one target if there is but one."),
    row(301, "Moved Permanently", "RFC 3261 21.3.2", "Contact, Expires",
        "The user is no longer at the Request-URI and will not return; Contact has the new address for good.",
        "Caller: send the request to the Contact, and replace the old address wherever it is stored."),
    row(302, "Moved Temporarily", "RFC 3261 21.3.3", "Contact, Expires",
        "The user is elsewhere for now; Contact has the address for this request, or for as long as expires says.",
        "Caller: send the request to the Contact, keep the old address. Server: add expires if callers may cache it."),
    row(305, "Use Proxy", "RFC 3261 21.3.4", "Contact",
        "The called device takes this request only through the proxy in Contact.",
        "Caller: repeat this one request through that proxy, with the Request-URI as it was."),
    row(380, "Alternative Service", "RFC 3261 21.3.5", "Contact, Content-Type",
        "The call failed, but another service may do; the body of the answer describes it.",
        "Caller: read the body if its type is known. Server: use another code for clients that cannot read it."),
    row(400, "Bad Request", "RFC 3261 21.4.1", "",
        "The request is malformed; the reason phrase should name the fault.",
        "Client: correct the message. Look for damage by a gateway or SBC on the way."),
    row(401, "Unauthorized", "RFC 3261 21.4.2", "WWW-Authenticate, Authorization",
        "A user agent or registrar wants credentials. The first one in an exchange is routine.",
        "Client: repeat with Authorization. If it comes again: check user, password and realm."),
    row(402, "Payment Required", "RFC 3261 21.4.3", "",
        "Reserved for future use.",
        "Ask the operator of the server what it means by it."),
    row(403, "Forbidden", "RFC 3261 21.4.4", "",
        "The server understood the request and refuses it; credentials will not help.",
        "Client: do not repeat. Look at permissions, barring, and source address rules on the server."),
    row(404, "Not Found", "RFC 3261 21.4.5", "",
        "The server knows for certain that no such user exists in the domain of the Request-URI.",
        "Caller: correct the address. Server: answer 301 if it knows the new address, 410 if the user left for good."),
    row(405, "Method Not Allowed", "RFC 3261 21.4.6", "Allow",
        "The method is known but not allowed for this address; Allow lists those that are.",
        "Client: use a method that Allow lists."),
    row(406, "Not Acceptable", "RFC 3261 21.4.7", "Accept",
        "The server can only answer with content that the Accept header of the request rules out.",
        "Client: accept more types."),
    row(407, "Proxy Authentication Required", "RFC 3261 21.4.8", "Proxy-Authenticate, Proxy-Authorization",
        "A proxy wants credentials. The first one in an exchange is routine.",
        "Client: repeat with Proxy-Authorization. If it comes again: check user, password and realm."),
    row(408, "Request Timeout", "RFC 3261 21.4.9", "",
        "No answer could be had in time, for instance since the user was not located soon enough.",
        "Look at the next hop of the server that sent it. The client may repeat the request later."),
    row(410, "Gone", "RFC 3261 21.4.10", "",
        "The user has left for good and no forwarding address is known.",
        "Caller: remove the address. Server: answer 301 where a new address is known, 404 if it is unsure."),
    row(412, "Conditional Request Failed", "RFC 3903", "SIP-If-Match, SIP-ETag",
        "The state that a PUBLISH wanted to change is no longer there.",
        "Client: publish the state anew, without SIP-If-Match."),
    row(413, "Request Entity Too Large", "RFC 3261 21.4.11", "Retry-After",
        "The body is larger than the server is willing to take.",
        "Client: send a smaller body."),
    row(414, "Request-URI Too Long", "RFC 3261 21.4.12", "",
        "The Request-URI is longer than the server is willing to read.",
        "Client: shorten the Request-URI; look for an element that keeps adding parameters."),
    row(415, "Unsupported Media Type", "RFC 3261 21.4.13", "Accept, Accept-Encoding, Accept-Language",
        "The server cannot read a body of this type or encoding; the answer lists what it can.",
        "Client: send a type that Accept lists."),
    row(416, "Unsupported URI Scheme", "RFC 3261 21.4.14", "",
        "The server does not know the scheme of the Request-URI.",
        "Client: repeat with a SIP URI."),
    row(417, "Unknown Resource-Priority", "RFC 4412", "Resource-Priority, Accept-Resource-Priority",
        "The request insists on a resource priority, and the server knows none of those it names.",
        "Client: use a priority that Accept-Resource-Priority lists, or do not insist."),
    row(420, "Bad Extension", "RFC 3261 21.4.15", "Require, Proxy-Require, Unsupported",
        "The request requires an extension that the server lacks; Unsupported names it.",
        "Client: repeat without requiring what Unsupported lists."),
    row(421, "Extension Required", "RFC 3261 21.4.16", "Require, Supported",
        "The server insists on an extension that the request does not list in Supported; Require names it.",
        "Client: support it and say so. Server: serve the request without it if that can be done."),
    row(422, "Session Interval Too Small", "RFC 4028 6", "Session-Expires, Min-SE",
        "The Session-Expires of the request is below what the server accepts; Min-SE says what it accepts.",
        "Caller: repeat with Session-Expires and Min-SE at least that; set a larger interval for good."),
    row(423, "Interval Too Brief", "RFC 3261 21.4.17", "Expires, Min-Expires",
        "The lifetime asked for a registration, subscription or publication is below the least the server accepts.",
        "Client: repeat with a lifetime of at least Min-Expires, and set it for good."),
    row(424, "Bad Location Information", "RFC 6442", "Geolocation, Geolocation-Error",
        "The location in the request is malformed, cannot be fetched, or is not good enough.",
        "Client: correct the location; Geolocation-Error gives the cause."),
    row(425, "Bad Alert Message", "RFC 8876", "AlertMsg-Error",
        "The alert of a data-only emergency request cannot be used.",
        "Client: correct the alert; AlertMsg-Error gives the cause."),
    row(428, "Use Identity Header", "RFC 8224", "Identity",
        "The server wants a signed caller identity, and the request has none.",
        "Originating provider: sign the request."),
    row(429, "Provide Referrer Identity", "RFC 3892", "Referred-By",
        "The request follows a REFER, and the server wants proof of who referred.",
        "Client: obtain the referrer's token and repeat with it."),
    row(430, "Flow Failed", "RFC 5626", "",
        "The edge proxy has lost the connection to the device.",
        "Proxy behind it: try another registered flow of the same device."),
    row(433, "Anonymity Disallowed", "RFC 5079", "",
        "The called party takes no anonymous calls.",
        "Caller: repeat without hiding who calls."),
    row(436, "Bad Identity Info", "RFC 8224", "Identity",
        "The certificate that Identity points to cannot be fetched.",
        "Originating provider: make the address in the info parameter reachable."),
    row(437, "Unsupported Credential", "RFC 8224", "Identity",
        "The certificate that signs the identity is not one the server trusts.",
        "Originating provider: sign with a certificate of an authority that the verifier accepts."),
    row(438, "Invalid Identity Header", "RFC 8224", "Identity",
        "The signature of the caller identity does not fit the request.",
        "Look for an element that changed a signed part of the request after signing."),
    row(439, "First Hop Lacks Outbound Support", "RFC 5626", "",
        "The device asked for outbound registration, but the first proxy on its way does not support it.",
        "Client: register without outbound, or use a proxy that supports it."),
    row(440, "Max-Breadth Exceeded", "RFC 5393", "Max-Breadth",
        "The request would have to fork into more branches than it allows.",
        "Look for needless forking; a proxy can try targets one after the other instead."),
    row(469, "Bad Info Package", "RFC 6086", "Info-Package, Recv-Info",
        "The INFO belongs to a package that the receiver did not ask for.",
        "Client: send only packages that Recv-Info lists."),
    row(470, "Consent Needed", "RFC 5360", "Permission-Missing",
        "A recipient has not agreed to be reached through this relay.",
        "Client: obtain the permission; Permission-Missing names who has to give it."),
    row(480, "Temporarily Unavailable", "RFC 3261 21.4.18", "Retry-After",
        "The user is known but cannot be reached now: not registered, not logged in, or not to be disturbed.",
        "Caller: try later. Look at the registration of the called device."),
    row(481, "Call/Transaction Does Not Exist", "RFC 3261 21.4.19", "",
        "The request belongs to a dialog or transaction that the server does not have, or no longer has.",
        "Client: end the dialog. Look for a restart, a failover, or a session that expired at one end only."),
    row(482, "Loop Detected", "RFC 3261 21.4.20", "Via",
        "The request came back to a server it has passed, or reached one server on two ways.",
        "Look at the routes between the servers in Via."),
    row(483, "Too Many Hops", "RFC 3261 21.4.21", "Max-Forwards",
        "The request passed more servers than Max-Forwards allows; mostly it went round in a circle.",
        "Look at the routes between the servers in Via."),
    row(484, "Address Incomplete", "RFC 3261 21.4.22", "",
        "The number in the Request-URI is too short; with overlap dialling more digits follow.",
        "Caller: dial the rest. Look at the digit map of the phone and at prefixes that were stripped."),
    row(485, "Ambiguous", "RFC 3261 21.4.23", "Contact",
        "The Request-URI fits several users. Contact may list them for the user to choose; this is no redirect.",
        "Caller: choose one."),
    row(486, "Busy Here", "RFC 3261 21.4.24", "Retry-After",
        "The called device cannot take another call; another device of the user might.",
        "Caller: try later."),
    row(487, "Request Terminated", "RFC 3261 21.4.25", "",
        "The request was ended by a BYE or CANCEL before it was answered.",
        "Nothing; it is the usual end of a call that the caller gave up."),
    row(488, "Not Acceptable Here", "RFC 3261 21.4.26", "Warning",
        "The called device cannot take the session as offered: no codec, address type or security in common.",
        "Caller: offer what the other side supports; Warning and the body may say what."),
    row(489, "Bad Event", "RFC 6665", "Event, Allow-Events",
        "The server does not know the event package that is subscribed to.",
        "Client: subscribe to a package that Allow-Events lists."),
    row(491, "Request Pending", "RFC 3261 21.4.27", "",
        "Both sides changed the session at the same time.",
        "Client: wait as RFC 3261 14.1 says (2.1 to 4 s for the owner of the Call-ID, else 0 to 2 s), then repeat."),
    row(493, "Undecipherable", "RFC 3261 21.4.28", "",
        "The encrypted body is not for a key that the receiver has.",
        "Client: encrypt for the right certificate; the body of the answer may hold it."),
    row(494, "Security Agreement Required", "RFC 3329", "Security-Client, Security-Server, Require",
        "The first hop wants to agree on security before it serves requests; Security-Server lists the mechanisms.",
        "Client: set up one of them, then repeat."),
    row(500, "Server Internal Error", "RFC 3261 21.5.1", "Retry-After",
        "Something unexpected happened in the server; it is also the answer to a CSeq that goes back.",
        "Look at the logs of the server. With Retry-After the client may repeat then."),
    row(501, "Not Implemented", "RFC 3261 21.5.2", "",
        "The server does not know the method at all.",
        "Client: do without the method; OPTIONS or Allow tells beforehand."),
    row(502, "Bad Gateway", "RFC 3261 21.5.3", "",
        "A gateway or proxy got an invalid answer from the server behind it.",
        "Look at the hop behind the server that sent it."),
    row(503, "Service Unavailable", "RFC 3261 21.5.4", "Retry-After",
        "The server is overloaded or under maintenance.",
        "Client: use another server, this one not before Retry-After."),
    row(504, "Server Time-out", "RFC 3261 21.5.5", "",
        "Another server that was needed, for instance a name server or database, did not answer in time.",
        "Look at what the server that sent it depends on."),
    row(505, "Version Not Supported", "RFC 3261 21.5.6", "",
        "The server does not support the SIP version of the request.",
        "Client: send SIP/2.0. Look for a damaged start line."),
    row(513, "Message Too Large", "RFC 3261 21.5.7", "",
        "The message is longer than the server can handle.",
        "Client: send less; look for long route sets and bodies."),
    row(555, "Push Notification Service Not Supported", "RFC 8599", "Contact",
        "The proxy or registrar does not support the push service that the Contact of the REGISTER names.",
        "Client: use a push service that the server supports, or register without."),
    row(580, "Precondition Failure", "RFC 3312", "Require",
        "Conditions set for the session, such as reserved bandwidth, cannot be met.",
        "Look at resource reservation on both sides, or offer the session without mandatory conditions."),
    row(600, "Busy Everywhere", "RFC 3261 21.6.1", "Retry-After",
        "The user is reached, is busy, and no other device or mailbox of the user will take the call.",
        "Caller: try later."),
    row(603, "Decline", "RFC 3261 21.6.2", "Retry-After",
        "The user is reached and does not want to take part.",
        "Caller: accept that. Look at screening and do-not-disturb if the user says otherwise."),
    row(604, "Does Not Exist Anywhere", "RFC 3261 21.6.3", "",
        "The server knows for certain that the user of the Request-URI exists nowhere.",
        "Caller: correct the address."),
    row(606, "Not Acceptable", "RFC 3261 21.6.4", "Warning",
        "The user is willing, but no device of the user can take the session as offered.",
        "Caller: offer something else; Warning and the body may say what."),
    row(607, "Unwanted", "RFC 8197", "",
        "The called person says that the call is unwanted; later calls of this caller may be blocked.",
        "Caller: do not call again. A legitimate caller asks the provider of the called person."),
    row(608, "Rejected", "RFC 8688", "Call-Info",
        "A call-screening service on the way, not a person, refused the call.",
        "Caller: contact the service that Call-Info names if the call was legitimate."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_unique() {
        assert!(STATUSES.is_sorted_by(|one, next| one.code < next.code));
        assert_eq!(STATUSES.len(), 75);
    }

    #[test]
    fn rows_are_complete_sentences() {
        for status in STATUSES {
            let code = status.code;
            assert!(Code::new(code).is_some(), "{code}");
            assert!(!status.reason.is_empty(), "{code}");
            assert!(status.reference.starts_with("RFC "), "{code}");
            assert!(status.meaning.ends_with('.') && status.remedy.ends_with('.'), "{code}");
            assert!(status.headers.is_empty() || status.headers.split(", ").all(is_header_name), "{code}");
            for text in [status.reason, status.headers, status.meaning, status.remedy] {
                assert!(text.is_ascii() && !text.contains("  "), "{code}");
            }
        }
    }

    fn is_header_name(name: &str) -> bool {
        name.starts_with(|first: char| first.is_ascii_uppercase())
            && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
    }

    #[test]
    fn phrases_are_those_of_the_registry() {
        for (code, reason) in [
            (100, "Trying"),
            (181, "Call Is Being Forwarded"),
            (300, "Multiple Choices"),
            (301, "Moved Permanently"),
            (302, "Moved Temporarily"),
            (305, "Use Proxy"),
            (380, "Alternative Service"),
            (408, "Request Timeout"),
            (422, "Session Interval Too Small"),
            (423, "Interval Too Brief"),
            (481, "Call/Transaction Does Not Exist"),
            (504, "Server Time-out"),
            (608, "Rejected"),
        ] {
            assert_eq!(Code::new(code).unwrap().status().unwrap().reason, reason);
        }
    }

    #[test]
    fn sections_of_rfc_3261_rise_within_their_class() {
        let sections: Vec<(u16, u16)> = STATUSES
            .iter()
            .filter_map(|status| status.reference.strip_prefix("RFC 3261 21."))
            .map(|section| section.split_once('.').unwrap())
            .map(|(class, item)| (class.parse().unwrap(), item.parse().unwrap()))
            .collect();
        assert_eq!(sections.len(), 50);
        assert!(
            sections.is_sorted_by(
                |one, next| (next.0 == one.0 && next.1 == one.1 + 1) || (next.0 == one.0 + 1 && next.1 == 1)
            )
        );
    }

    #[test]
    fn every_code_has_the_class_of_its_first_digit() {
        assert_eq!(Code::new(99), None);
        assert_eq!(Code::new(700), None);
        assert_eq!(Code::new(u16::MAX), None);
        for number in 100..=699 {
            let class = Code::new(number).unwrap().class();
            assert!(class.name.starts_with(&format!("{}xx ", number / 100)));
            assert!(class.reference.ends_with(&format!(".{}", number / 100)));
            assert_eq!(class.stands_for / 100, number / 100);
        }
    }

    #[test]
    fn unregistered_codes_have_no_row() {
        for number in [101, 306, 399, 409, 411, 499, 699] {
            assert!(Code::new(number).unwrap().status().is_none(), "{number}");
        }
    }
}
