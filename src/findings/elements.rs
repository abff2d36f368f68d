//! Rules about messages, streams and captures as such: said once for each element, or each input, with how often it was seen.

use super::rule::{Check, Confidence, Finding, Rule, Scope, Severity, Value};
use super::words::name;
use crate::correlation::{Evidence, OddGroup, OddOrigin, Oddity, Party, Role};
use crate::sip::to_text;

/// The rules whose checks stand here.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "branch-missing-or-old",
        severity: Severity::Notice,
        summary: "An element gives its requests no branch as RFC 3261 has it.",
        explanation: "The top Via of its requests has no branch, or one that does not begin with z9hG4bK and go on from there: the element follows \
            RFC 2543, or is broken. Others have to tell its transactions apart by Call-ID, CSeq, tags and Request-URI.",
        remedy: "Update the element.",
        references: &["RFC 3261 8.1.1.7", "RFC 3261 17.2.3"],
        checks: &[Check::Oddity(old_branch)],
    },
    Rule {
        id: "capture-gap",
        severity: Severity::Info,
        summary: "The capture lacks packets.",
        explanation: "Bytes of TCP connections with SIP, or pieces of fragmented packets, are not in the capture. What they held cannot be judged, \
            and nothing is concluded from what did not come on such a connection meanwhile.",
        remedy: "Capture again without drops: a larger buffer, a narrower filter, a faster disk; and capture whole packets (-s 0).",
        references: &["RFC 3261 18.3"],
        checks: &[Check::Oddity(gap)],
    },
    Rule {
        id: "capture-truncated",
        severity: Severity::Info,
        summary: "The capture holds only the first part of some SIP messages.",
        explanation: "The packets were cut when they were captured (a snapshot length). Headers and bodies behind the cut are not known.",
        remedy: "Capture again with whole packets (-s 0).",
        references: &["RFC 3261 18.3"],
        checks: &[Check::Oddity(truncated)],
    },
    Rule {
        id: "content-length-mismatch",
        severity: Severity::Error,
        summary: "A Content-Length is wrong.",
        explanation: "A datagram holds less body than its Content-Length says, although it was captured whole; or Content-Length is no number, or is \
            there twice with two values. Receivers refuse such a request and drop such a response; on a stream they lose the place of the \
            next message.",
        remedy: "Correct the element that writes Content-Length, or whatever changes bodies on the way (an ALG in a router).",
        references: &["RFC 3261 18.3", "RFC 3261 20.14"],
        checks: &[Check::Oddity(length_mismatch)],
    },
    Rule {
        id: "content-length-missing-stream",
        severity: Severity::Error,
        summary: "A message on a stream has no Content-Length.",
        explanation: "On TCP and TLS the end of a message is known by its Content-Length alone, so it must be there, even if it is 0.",
        remedy: "Make the element send Content-Length in every message.",
        references: &["RFC 3261 18.3", "RFC 3261 20.14"],
        checks: &[Check::Oddity(length_missing)],
    },
    Rule {
        id: "cseq-method-mismatch",
        severity: Severity::Error,
        summary: "The CSeq of a request names another method than its start line.",
        explanation: "Both must be the same. Such a request cannot be told to a transaction; it is counted, but not used to find out about calls.",
        remedy: "Correct the element that makes the request.",
        references: &["RFC 3261 8.1.1.5"],
        checks: &[Check::Oddity(method_mismatch)],
    },
    Rule {
        id: "framing-lost",
        severity: Severity::Warning,
        summary: "In a stream the place of the next message could not be told.",
        explanation: "Where a start line had to be there was something else, or a Content-Length that is none: whoever receives that stream loses it \
            as well, and most close the connection. Bytes that the capture lacks are no such case; see capture-gap.",
        remedy: "Look at the stream at that offset: a wrong Content-Length, or something else than SIP between the messages.",
        references: &["RFC 3261 18.3", "RFC 3261 7.5"],
        checks: &[Check::Oddity(framing_lost)],
    },
    Rule {
        id: "header-line-endings",
        severity: Severity::Notice,
        summary: "An element ends header lines with LF or CR alone.",
        explanation: "Lines end with CR and LF. Many parsers take less, some refuse the message.",
        remedy: "Make the element end its lines with CRLF.",
        references: &["RFC 3261 7.1", "RFC 3261 25.1"],
        checks: &[Check::Oddity(line_endings)],
    },
    Rule {
        id: "trailing-octets",
        severity: Severity::Info,
        summary: "Datagrams are longer than the message in them.",
        explanation: "Octets beyond Content-Length are no part of the message, and receivers pass over them. Harmless as such, but it may be a wrong \
            Content-Length that cuts a body off.",
        remedy: "See whether the octets belong to the body; if so, correct Content-Length.",
        references: &["RFC 3261 18.3"],
        checks: &[Check::Oddity(trailing)],
    },
    Rule {
        id: "udp-oversize",
        severity: Severity::Notice,
        summary: "Requests of more than 1300 bytes are sent over UDP.",
        explanation: "A request within 200 bytes of the MTU, or above 1300 if that is not known, has to go over TCP: as a datagram it is cut into \
            fragments, which firewalls and load balancers like to drop. It is judged as its originator sent it; where that was not captured, \
            it is of no more than informational weight.",
        remedy: "Let the client use TCP for large requests, or make them smaller (fewer codecs, compact headers).",
        references: &["RFC 3261 18.1.1"],
        checks: &[Check::Oddity(oversize)],
    },
];

fn sender(group: &OddGroup) -> String {
    let first = &group.first;
    match &first.agent {
        Some(_) => name(&Party { endpoint: first.source, transport: first.transport, agent: first.agent.clone() }),
        None => first.source.address.to_string(),
    }
}

/// A number of things in words.
fn many(count: u64, one: &str, several: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {several}") }
}

fn finding(rule: &'static Rule, group: &OddGroup, texts: (String, String)) -> Finding {
    let first = &group.first;
    let mut evidence = Vec::new();
    if first.place.frame > 0 {
        evidence.push(Evidence { place: first.place, role: Role::Other });
    }
    evidence.extend(first.other.map(|place| Evidence { place, role: Role::Other }));
    let mut values = vec![("count", Value::Number(group.count))];
    if let OddOrigin::Element(address) = group.origin {
        values.push(("address", Value::Text(address.to_string().into_bytes().into())));
    }
    Finding {
        rule,
        severity: rule.severity,
        confidence: Confidence::Strong,
        scope: match group.origin {
            OddOrigin::Element(_) => Scope::Client,
            OddOrigin::Input(_) => Scope::Capture,
        },
        place: first.place,
        time: first.time,
        call_id: first.call_id.clone(),
        summary: texts.0,
        remediation: texts.1,
        values,
        evidence,
        context: Vec::new(),
        watch: None,
    }
}

fn old_branch(rule: &'static Rule, group: &OddGroup, out: &mut Vec<Finding>) {
    if group.oddity == Oddity::OldBranch {
        let (sender, requests) = (sender(group), many(group.count, "request", "requests"));
        let summary = format!("{sender} sent {requests} without a branch as RFC 3261 has it.");
        let remediation = format!("Update {sender}: it is an element from before RFC 3261, or is broken.");
        out.push(finding(rule, group, (summary, remediation)));
    }
}

/// A branch that an earlier request of another call had; what it is like within a call stands with that rule.
pub(super) fn branch_of_other_call(rule: &'static Rule, group: &OddGroup, out: &mut Vec<Finding>) {
    if group.oddity == Oddity::BranchOfOtherCall {
        let sender = sender(group);
        let summary = format!("{sender} sent requests of two calls in transactions of the same branch.");
        let remediation = format!("Make {sender} use a new branch for every new request.");
        out.push(finding(rule, group, (summary, remediation)));
    }
}

fn gap(rule: &'static Rule, group: &OddGroup, out: &mut Vec<Finding>) {
    let (summary, value) = match group.oddity {
        Oddity::Gap => {
            let places = many(group.count, "place", "places");
            let bytes = many(group.sum, "byte", "bytes");
            (format!("{bytes} of TCP connections with SIP are missing at {places}."), ("missing_bytes", group.sum))
        }
        Oddity::LoneFragments => {
            let pieces = many(group.sum, "fragment", "fragments");
            (format!("Of packets that came in pieces, {pieces} lack other pieces."), ("fragments", group.sum))
        }
        _ => return,
    };
    let remediation = "Capture again without drops (a larger buffer, a narrower filter, a faster disk) and with whole packets (-s 0).";
    let mut found = finding(rule, group, (summary, remediation.to_owned()));
    found.values.push((value.0, Value::Number(value.1)));
    out.push(found);
}

fn truncated(rule: &'static Rule, group: &OddGroup, out: &mut Vec<Finding>) {
    if group.oddity == Oddity::Truncated {
        let messages = many(group.count, "SIP message was", "SIP messages were");
        let summary = format!("{messages} captured in part only; {} are missing.", many(group.sum, "byte", "bytes"));
        let remediation = "Capture again with whole packets (-s 0).".to_owned();
        let mut found = finding(rule, group, (summary, remediation));
        found.values.push(("missing_bytes", Value::Number(group.sum)));
        out.push(found);
    }
}

fn length_mismatch(rule: &'static Rule, group: &OddGroup, out: &mut Vec<Finding>) {
    if group.oddity == Oddity::LengthMismatch {
        let sender = sender(group);
        let [header, _] = &group.first.words;
        let body = group.first.numbers.first().copied().flatten();
        let summary = format!(
            "{sender} sent {} with a wrong Content-Length: {} where the body has {}.",
            many(group.count, "message", "messages"),
            to_text(header),
            many(body.unwrap_or(0), "byte", "bytes")
        );
        let remediation = format!("Correct Content-Length on {sender}, or on what changes its bodies on the way.");
        let mut found = finding(rule, group, (summary, remediation));
        found.values.push(("content_length", Value::Text(header.clone())));
        found.values.push(("body_bytes", body.into()));
        out.push(found);
    }
}

fn length_missing(rule: &'static Rule, group: &OddGroup, out: &mut Vec<Finding>) {
    if group.oddity == Oddity::LengthMissing {
        let sender = sender(group);
        let messages = many(group.count, "message", "messages");
        let summary = format!("{sender} sent {messages} on a stream without Content-Length.");
        let remediation = format!("Make {sender} send Content-Length in every message, also if it is 0.");
        out.push(finding(rule, group, (summary, remediation)));
    }
}

fn method_mismatch(rule: &'static Rule, group: &OddGroup, out: &mut Vec<Finding>) {
    if group.oddity == Oddity::MethodMismatch {
        let sender = sender(group);
        let [named, method] = &group.first.words;
        let summary = format!(
            "{sender} sent {} of which CSeq and start line name two methods: {} and {}.",
            many(group.count, "request", "requests"),
            to_text(named),
            to_text(method)
        );
        let remediation = format!("Make {sender} name the method of the request in CSeq.");
        let mut found = finding(rule, group, (summary, remediation));
        found.values.push(("cseq_method", Value::Text(named.clone())));
        found.values.push(("method", Value::Text(method.clone())));
        out.push(found);
    }
}

fn framing_lost(rule: &'static Rule, group: &OddGroup, out: &mut Vec<Finding>) {
    if group.oddity == Oddity::FramingLost {
        let first = &group.first;
        let [offset, again] = first.numbers;
        let resumed = again.map_or_else(
            || "no start line was found again".to_owned(),
            |frame| format!("the next start line was found in frame {frame}"),
        );
        let summary = format!(
            "In the stream from {} to {} the place of the next message was lost at byte {}; {resumed}.",
            first.source,
            first.destination,
            offset.unwrap_or(0)
        );
        let remediation = format!(
            "See what {} sends at that place: a wrong Content-Length, or something else than SIP.",
            first.source
        );
        let mut found = finding(rule, group, (summary, remediation));
        found.values.push(("stream_offset", offset.into()));
        found.values.push(("resumed_in_frame", again.into()));
        out.push(found);
    }
}

fn line_endings(rule: &'static Rule, group: &OddGroup, out: &mut Vec<Finding>) {
    if group.oddity == Oddity::LineEndings {
        let (sender, messages) = (sender(group), many(group.count, "message", "messages"));
        let summary = format!("{sender} sent {messages} with header lines that end with LF or CR alone.");
        let remediation = format!("Make {sender} end its lines with CRLF.");
        out.push(finding(rule, group, (summary, remediation)));
    }
}

fn trailing(rule: &'static Rule, group: &OddGroup, out: &mut Vec<Finding>) {
    if group.oddity == Oddity::TrailingOctets {
        let sender = sender(group);
        let octets = group.first.numbers.first().copied().flatten();
        let summary = format!(
            "{sender} sent {} with octets behind their message ({} in the first).",
            many(group.count, "datagram", "datagrams"),
            octets.unwrap_or(0)
        );
        let remediation =
            format!("See whether those octets belong to the body; if so, correct Content-Length on {sender}.");
        let mut found = finding(rule, group, (summary, remediation));
        found.values.push(("octets", octets.into()));
        out.push(found);
    }
}

fn oversize(rule: &'static Rule, group: &OddGroup, out: &mut Vec<Finding>) {
    let hop1_seen = match group.oddity {
        Oddity::Oversize => true,
        Oddity::OversizeOnTheWay => false,
        _ => return,
    };
    let sender = sender(group);
    let octets = group.first.numbers.first().copied().flatten();
    let summary = format!(
        "{sender} sent {} of more than 1300 bytes over UDP ({} in the first).",
        many(group.count, "request", "requests"),
        octets.unwrap_or(0)
    );
    let remediation = format!("Let {sender} use TCP for large requests, or make them smaller.");
    let mut found = finding(rule, group, (summary, remediation));
    if !hop1_seen {
        found.severity = found.severity.milder();
    }
    found.values.push(("bytes", octets.into()));
    found.context.push(("hop1_seen", hop1_seen));
    out.push(found);
}
