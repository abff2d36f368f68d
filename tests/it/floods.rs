//! Floods in small: what an attacker can send without end stays bounded, is counted, and is said.

use std::fmt::Write as _;

use serde_json::Value;

use crate::support::{Run, run_bytes};
use crate::traffic::link::Link;
use crate::traffic::packet::{EPOCH, MICROSECOND, MILLISECOND, Packet, SECOND, Wire};
use crate::traffic::pcap::{Layout, file};
use reinvite::sip::{Anomaly, HeaderName, Message};

/// Messages between one client and one server: when, whether from the client, and what.
fn run(messages: impl Iterator<Item = (u64, bool, String)>) -> Run {
    let (client, server) =
        ("192.0.2.10:5060".parse().expect("an address"), "192.0.2.1:5060".parse().expect("an address"));
    let mut wire = Wire::new(Link::Ethernet);
    let packets: Vec<Packet> = messages
        .map(|(time, asks, text)| {
            let (from, to) = if asks { (client, server) } else { (server, client) };
            wire.udp(time, from, to, text.as_bytes())
        })
        .collect();
    let run = run_bytes(file(Layout::usual(Link::Ethernet), &packets).expect("memory"));
    run.assert_conserved("flood");
    run
}

fn message(start: &str, branch: &str, tags: (&str, &str), call: &str, cseq: &str, more: &str) -> String {
    let to_tag = if tags.1.is_empty() { String::new() } else { format!(";tag={}", tags.1) };
    format!(
        "{start}\r\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK{branch}\r\nFrom: <sip:a@h>;tag={}\r\nTo: <sip:b@h>{to_tag}\r\n\
         Call-ID: {call}\r\nCSeq: {cseq}\r\n{more}Content-Length: 0\r\n\r\n",
        tags.0
    )
}

fn limits(run: &Run) -> &Value {
    &run.report["capture_quality"]["limits_reached"]
}

const INVITE: &str = "INVITE sip:b@h SIP/2.0";

#[test]
fn many_calls_are_counted() {
    let calls = 30_000;
    let run = run((0..calls).map(|n| {
        (
            EPOCH + n * 10 * MICROSECOND,
            true,
            message("OPTIONS sip:b@h SIP/2.0", &n.to_string(), ("1", ""), &n.to_string(), "1 OPTIONS", ""),
        )
    }));
    assert_eq!((run.analysis.calls.calls, run.messages()), (calls, calls));
    assert_eq!(*limits(&run), serde_json::json!({}));
}

#[test]
fn dialogs_without_end_in_one_call_are_judged_in_parts() {
    let pairs = 20_000_u64;
    let run = run((0..2 * pairs).map(|n| {
        let (number, asks) = (n / 2, n % 2 == 0);
        let (from, to) = (format!("f{number}"), if asks { String::new() } else { format!("t{number}") });
        let start = if asks { INVITE } else { "SIP/2.0 200 OK" };
        (EPOCH + n * 50 * MICROSECOND, asks, message(start, &number.to_string(), (&from, &to), "c", "1 INVITE", ""))
    }));
    assert_eq!((run.analysis.calls.calls, run.messages()), (1, 2 * pairs));
    assert_eq!(run.analysis.totals.dialogs, pairs);
    assert_eq!(limits(&run)["calls_too_long"], 1);
}

#[test]
fn tags_without_end_in_one_transaction_are_answers_of_many_phones() {
    let answers = 30_000_u64;
    let run = run((0..=answers).map(|n| match n {
        0 => (EPOCH, true, message(INVITE, "1", ("f", ""), "c", "1 INVITE", "")),
        _ => {
            let tag = format!("t{n}");
            (EPOCH + n * 10 * MICROSECOND, false, message("SIP/2.0 200 OK", "1", ("f", &tag), "c", "1 INVITE", ""))
        }
    }));
    assert_eq!(run.messages(), answers + 1);
    assert_eq!(run.findings("final-response-conflict"), 0);
}

#[test]
fn a_redirect_chain_without_end_is_one_chain_and_its_parts() {
    let links = 12_000_u64;
    let run = run((0..2 * links).map(|n| {
        let (number, asks) = (n / 2, n % 2 == 0);
        let (cseq, branch) = (format!("{} INVITE", number + 1), number.to_string());
        let time = EPOCH + n * MILLISECOND;
        if asks {
            (time, true, message(&format!("INVITE sip:u{number}@h SIP/2.0"), &branch, ("f", ""), "c", &cseq, ""))
        } else {
            let contact = format!("Contact: <sip:u{}@h>\r\n", number + 1);
            (time, false, message("SIP/2.0 302 Moved", &branch, ("f", "t"), "c", &cseq, &contact))
        }
    }));
    assert_eq!(run.report["summary"]["redirects"]["total"], links);
    assert_eq!(run.findings("redirect-followed") as u64, links - 1);
}

#[test]
fn a_branch_that_is_always_the_same_tells_calls_apart_all_the_same() {
    let calls = 5_000_u64;
    let run = run((0..calls)
        .map(|n| (EPOCH + n * MILLISECOND, true, message(INVITE, "same", ("1", ""), &n.to_string(), "1 INVITE", ""))));
    assert_eq!(run.analysis.calls.calls, calls);
    assert_eq!(run.findings("branch-reused"), 1, "said once for the client");
    let one_call = one_call_of(3_000);
    assert_eq!(one_call.findings("branch-reused"), 1, "said once for the call");
}

/// One call, whose requests have one branch and rising numbers.
fn one_call_of(requests: u64) -> Run {
    run((0..requests).map(|n| {
        (EPOCH + n * MILLISECOND, true, message(INVITE, "same", ("1", ""), "c", &format!("{} INVITE", n + 1), ""))
    }))
}

#[test]
fn times_that_jump_and_run_backwards_lose_no_message() {
    let messages = 3_000_u64;
    let year = 365 * 86_400 * SECOND;
    let run = run((0..messages).map(|n| {
        let time = match n % 5 {
            0 => EPOCH + year * (n % 50),
            1 => EPOCH - (n % 40) * year,
            _ => EPOCH + (messages - n) * SECOND,
        };
        (time, true, message(INVITE, &n.to_string(), ("1", ""), &(n % 100).to_string(), &format!("{n} INVITE"), ""))
    }));
    assert_eq!(run.messages(), messages);
    assert_eq!(run.analysis.calls.calls, 100);
}

#[test]
fn numbers_beyond_their_range_are_survived_and_never_wrap() {
    let huge = "Session-Expires: 18446744073709551616;refresher=uac\r\nMin-SE: 99999999999999999999\r\nExpires: 99999999999999999999\r\n\
        Contact: <sip:x@y>;expires=99999999999999999999;q=99999\r\n";
    let statuses = [422, 301, 200];
    let run = run((0..60_u64).map(|n| {
        let (number, asks) = (n / 2, n % 2 == 0);
        let cseq = format!("{} INVITE", 2_147_483_645_u64 + number % 6);
        let start = if asks {
            INVITE.to_owned()
        } else {
            format!("SIP/2.0 {} X", statuses[usize::try_from(number % 3).expect("few")])
        };
        let tags = ("1", if asks { "" } else { "t" });
        (EPOCH + n * MILLISECOND, asks, message(&start, &number.to_string(), tags, &number.to_string(), &cseq, huge))
    }));
    assert_eq!(run.messages(), 60);
    let text = &run.text;
    assert!(text.contains("18446744073709551615"), "saturated, not wrapped");
}

#[test]
fn headers_without_end_are_read_up_to_a_limit_and_that_is_said() {
    for line in ["Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n", "Contact: <sip:a@b>\r\n", "X: y\r\n"] {
        let mut text = format!("{INVITE}\r\n");
        (0..100_000).for_each(|_| text.push_str(line));
        text.push_str("\r\n");
        let message = Message::parse(text.as_bytes()).expect("a message");
        assert!(message.anomalies().iter().any(|(anomaly, _)| *anomaly == Anomaly::TooManyHeaders), "{line}");
    }
    let mut text = format!("{INVITE}\r\nVia: SIP/2.0/UDP h");
    (0..100_000).for_each(|n| write!(text, ",SIP/2.0/UDP h{n}").expect("memory"));
    text.push_str("\r\n\r\n");
    let message = Message::parse(text.as_bytes()).expect("a message");
    assert_eq!(message.values(HeaderName::Via).count(), 100_001);
}

#[test]
fn forged_senders_of_odd_messages_take_room_up_to_a_limit_for_each_oddity() {
    let senders = 9_000_u32;
    let server = "192.0.2.1:5060".parse().expect("an address");
    let mut wire = Wire::new(Link::Ethernet);
    let packets: Vec<Packet> = (0..senders)
        .map(|n| {
            let from = std::net::SocketAddr::new(std::net::Ipv4Addr::from(0x0A00_0000 + n).into(), 5_060);
            let text = message(INVITE, "", ("1", ""), &n.to_string(), "1 INVITE", "").replace("\r\n", "\n");
            wire.udp(EPOCH + u64::from(n) * MICROSECOND, from, server, text.as_bytes())
        })
        .collect();
    let run = run_bytes(file(Layout::usual(Link::Ethernet), &packets).expect("memory"));
    run.assert_conserved("flood");
    let kept = reinvite::limits::MAX_ODD_GROUPS;
    assert_eq!((run.findings("header-line-endings"), run.findings("branch-missing-or-old")), (kept, kept));
    assert_eq!(limits(&run)["odd_elements"], 2 * (u64::from(senders) - kept as u64));
}
