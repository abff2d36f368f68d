//! The calls on both sides of a back-to-back user agent, tied by a header that it sets.

use std::net::SocketAddr;

use reinvite::options::Options;
use serde_json::Value;

use crate::support::{feeder, run_feeder, workers};
use crate::traffic::link::Link;
use crate::traffic::packet::{EPOCH, MILLISECOND, Packet, SECOND, Wire};
use crate::traffic::pcap::{Layout, file};
use crate::traffic::sip::Message;

/// A call of the back-to-back user agent to a server: its From is another in each call, and so is its Call-ID.
fn call(wire: &mut Wire, at: u64, (uri, call_id): (&str, &str), status: u16, fragments: bool) -> Vec<Packet> {
    let (agent, server): (SocketAddr, SocketAddr) =
        ("192.0.2.1:5060".parse().expect("an address"), "192.0.2.2:5060".parse().expect("an address"));
    let name_addr = format!("<sip:{call_id}@192.0.2.1>");
    let invite = Message::request("INVITE", uri)
        .via("UDP", agent, format_args!("z9hG4bK{call_id}"))
        .from(&name_addr, call_id)
        .to(format_args!("<{uri}>"), None)
        .call_id(call_id)
        .cseq(1, "INVITE")
        .header("X-Call-ID", "leg-a@caller")
        .contact("<sip:192.0.2.1>")
        .finish();
    let answer = Message::reply(&invite, status, Some("there")).contact("<sip:new@192.0.2.2>").finish();
    let mut packets = match fragments {
        true => wire.udp_fragments(at, agent, server, &invite, 200),
        false => vec![wire.udp(at, agent, server, &invite)],
    };
    packets.push(wire.udp(at + 20 * MILLISECOND, server, agent, &answer));
    packets
}

fn redirect(leg_headers: &[&str], fragments: bool) -> Value {
    let mut wire = Wire::new(Link::Ethernet);
    let mut packets = call(&mut wire, EPOCH, ("sip:old@192.0.2.2", "one"), 302, false);
    packets.extend(call(&mut wire, EPOCH + SECOND, ("sip:new@192.0.2.2", "two"), 486, fragments));
    let capture = file(Layout::usual(Link::Ethernet), &packets).expect("memory");
    let leg_headers = leg_headers.iter().map(|name| (*name).to_owned()).collect();
    let options = Options { leg_headers, ..Options::default() };
    let run = run_feeder(feeder(vec![capture], &options.capture), &options, &workers(2));
    run.report["redirects"][0].clone()
}

#[test]
fn a_header_that_is_named_ties_calls() {
    for fragments in [false, true] {
        let tied = redirect(&["X-Session", "x-call-id"], fragments);
        assert_eq!(
            [&tied["link"], &tied["followed_in_call"], &tied["final_status"]],
            ["medium", "two", "486"]
                .map(|word| { if word == "486" { Value::from(486) } else { Value::from(word) } })
                .each_ref(),
            "{tied:#}"
        );
        let apart = redirect(&[], fragments);
        assert_eq!(apart["link"], Value::Null, "{apart:#}");
    }
}
