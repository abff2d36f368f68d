use serde_json::Value;

use crate::tape::*;

pub(crate) const B: &str = "sip:bob@192.0.2.1";
pub(crate) const C: &str = "sip:carol@192.0.2.1";
pub(crate) const D: &str = "sip:dave@192.0.2.1";

/// What is said of redirects besides that they are there.
fn findings(report: &Value) -> Vec<String> {
    let mut found = crate::tape::findings(report);
    found.retain(|line| line != "redirect-observed info");
    found
}

pub(crate) fn moved(request: &Request, status: u16, contact: &str) -> crate::traffic::sip::Message {
    request.reply(status, "r").contact(format_args!("<{contact}>"))
}

/// A request of Alice to the proxy that gets a 3xx.
pub(crate) fn redirect(
    tape: &mut Tape,
    at: u64,
    call: &str,
    cseq: u32,
    uri: &str,
    status: u16,
    contact: &str,
) -> Request {
    let request = Request::invite(call, cseq, uri);
    tape.ask(at, ALICE, PROXY, &request, moved(&request, status, contact));
    tape.say(at + 8, ALICE, PROXY, &request.ack("r").text());
    request
}

pub(crate) fn call(tape: &mut Tape, at: u64, call: &str, cseq: u32, uri: &str, status: u16) -> Request {
    let request = Request::invite(call, cseq, uri);
    tape.ask(at, ALICE, PROXY, &request, request.reply(status, "b"));
    request
}

#[test]
fn the_same_301_on_three_hops_mirrored_and_repeated_is_one() {
    let mut tape = Tape::new();
    let first = Request::invite("a", 1, B);
    let second = first.clone().by(PROXY, "p");
    let third = second.clone().by(BOB, "q");
    tape.say(0, ALICE, PROXY, &first.text());
    tape.say(1, PROXY, BOB, &second.text());
    tape.say(2, BOB, CAROL, &third.text());
    let contact = |request: &Request| moved(request, 301, C).finish();
    tape.say(10, CAROL, BOB, &contact(&third));
    tape.say(11, BOB, PROXY, &contact(&second));
    tape.say(12, PROXY, ALICE, &contact(&first));
    tape.mirror();
    tape.say(512, PROXY, ALICE, &contact(&first));
    tape.say(513, ALICE, PROXY, &first.ack("r").text());
    call(&mut tape, 600, "a", 2, C, 200);
    let report = tape.report();
    assert_eq!(redirects(&report), ["301 followed \"strong\" 200 200 1/1".replace('"', "")]);
    let row = &report["redirects"][0];
    assert_eq!((&row["hops_seen"], &row["server"]["address"]), (&3.into(), &"192.0.2.30".into()));
    assert_eq!(row["copies"], serde_json::json!({"retransmissions": 1, "mirror_duplicates": 1}));
}

#[test]
fn contacts_tried_in_turn_end_with_the_last() {
    let mut tape = Tape::new();
    let request = Request::invite("a", 1, B);
    let answer = request.reply(302, "r").contact(format_args!("<{C}>;q=0.9, <{D}>;q=0.4"));
    tape.ask(0, ALICE, PROXY, &request, answer);
    call(&mut tape, 100, "a", 2, C, 486);
    call(&mut tape, 200, "a", 3, D, 200);
    let report = tape.report();
    assert_eq!(redirects(&report), ["302 followed strong 486 200 1/1"]);
    let text = report["findings"][0]["summary"].as_str().unwrap();
    assert!(text.contains("ended with 486 there") && text.contains("it all ended with 200"), "{text}");
}

#[test]
fn a_follow_up_may_be_challenged_negotiated_and_redirected() {
    let mut tape = Tape::new();
    redirect(&mut tape, 0, "a", 1, B, 301, C);
    call(&mut tape, 100, "a", 2, C, 407);
    let refused = Request::invite("a", 3, C).timer(90);
    tape.ask(200, ALICE, PROXY, &refused, refused.reply(422, "m").min_se(180));
    redirect(&mut tape, 300, "a", 4, C, 302, D);
    call(&mut tape, 400, "a", 5, D, 200);
    let report = tape.report();
    assert_eq!(redirects(&report), ["301 followed strong 407 200 1/2", "302 followed strong 200 200 2/2"]);
    assert_eq!(negotiations(&report), ["1 resolved 200"]);
}

#[test]
fn circles_are_found_and_use_proxy_is_none() {
    let mut tape = Tape::new();
    redirect(&mut tape, 0, "circle", 1, B, 302, C);
    redirect(&mut tape, 100, "circle", 2, C, 302, B);
    redirect(&mut tape, 200, "circle", 3, B, 302, C);
    let proxied = Request::invite("proxied", 1, B);
    tape.ask(1000, ALICE, PROXY, &proxied, moved(&proxied, 305, "sip:192.0.2.20:5060"));
    let again = Request { vias: vec![(ALICE.into(), "z9hG4bKnew".into())], ..Request::invite("proxied", 2, B) };
    tape.ask(1100, ALICE, BOB, &again, again.reply(200, "b"));
    let report = tape.report();
    let expected = [
        "302 followed strong 302 302 1/3",
        "302 looped strong 302 302 2/3",
        "302 undetermined null null 302 3/3",
        "305 followed strong 200 200 1/1",
    ];
    assert_eq!(redirects(&report), expected);
    let expected = ["redirect-followed info", "redirect-followed info", "redirect-loop error"];
    assert_eq!(findings(&report), expected);
}

#[test]
fn a_proxy_that_tries_the_target_itself_follows() {
    for (hop_one, opaque) in [(true, false), (false, false), (true, true)] {
        let mut tape = Tape::new();
        let first = Request::invite("a", 1, B);
        let forward = |branch: &str, uri: &str| {
            let forwarded = first.clone().aimed_at(uri);
            if opaque { forwarded.hiding(PROXY, &format!("z9hG4bK{branch}")) } else { forwarded.by(PROXY, branch) }
        };
        let (second, third) = (forward("p1", B), forward("p2", C));
        if hop_one {
            tape.say(0, ALICE, PROXY, &first.text());
            tape.say(9000, PROXY, ALICE, &first.reply(200, "c").finish());
        }
        tape.say(1, PROXY, BOB, &second.text());
        tape.say(4000, BOB, PROXY, &moved(&second, 302, C).finish());
        tape.say(4001, PROXY, BOB, &second.ack("r").text());
        tape.say(4002, PROXY, CAROL, &third.text());
        tape.say(8999, CAROL, PROXY, &third.reply(200, "c").finish());
        let report = tape.report();
        assert_eq!(redirects(&report), ["302 followed strong 200 200 1/1"], "{hop_one} {opaque}");
        assert_eq!(report["summary"]["dialogs"], 1);
    }
}

#[test]
fn a_branch_of_a_fork_that_lost_is_nobodys_fault() {
    let mut tape = Tape::new();
    let first = Request::invite("a", 1, B);
    let (left, right) = (first.clone().by(PROXY, "l"), first.clone().by(PROXY, "r"));
    tape.say(0, ALICE, PROXY, &first.text());
    tape.say(1, PROXY, ALICE, &first.reply(100, "").finish());
    tape.say(1, PROXY, BOB, &left.text());
    tape.say(2, PROXY, CAROL, &right.text());
    tape.say(10, BOB, PROXY, &moved(&left, 301, D).finish());
    tape.say(50_000, CAROL, PROXY, &right.reply(200, "c").finish());
    tape.say(50_001, PROXY, ALICE, &first.reply(200, "c").finish());
    tape.until(120_000);
    let report = tape.report();
    assert_eq!(findings(&report), ["redirect-overridden-by-fork info"]);
    assert_eq!(report["summary"]["dialogs"], 1, "answered long after the 301, but the same call");
    assert_eq!(report["summary"]["redirects"]["total"], 1);
}

#[test]
fn several_branches_answered_3xx_are_one_answer() {
    let mut tape = Tape::new();
    let first = Request::invite("a", 1, B);
    let (left, right) = (first.clone().by(PROXY, "l"), first.clone().by(PROXY, "r"));
    tape.say(0, ALICE, PROXY, &first.text());
    tape.say(1, PROXY, BOB, &left.text());
    tape.say(2, PROXY, CAROL, &right.text());
    tape.say(10, BOB, PROXY, &left.reply(302, "x").contact(format_args!("<{C}>")).finish());
    tape.say(11, CAROL, PROXY, &right.reply(302, "y").contact(format_args!("<{D}>")).finish());
    tape.say(12, PROXY, ALICE, &first.reply(302, "x").contact(format_args!("<{C}>, <{D}>")).finish());
    call(&mut tape, 100, "a", 2, D, 200);
    assert_eq!(redirects(&tape.report()), ["302 followed strong 200 200 1/1"]);
}

#[test]
fn not_following_is_claimed_only_where_it_would_be_seen() {
    let run = |contact: &str, change: &dyn Fn(&mut Tape, &Request)| {
        let mut tape = Tape::new();
        let request = redirect(&mut tape, 0, "a", 1, "sip:bob@192.0.2.1", 301, contact);
        change(&mut tape, &request);
        tape.until(60_000);
        tape.report()
    };
    let plain = |_: &mut Tape, _: &Request| {};
    assert_eq!(findings(&run(C, &plain)), ["redirect-not-followed warning"]);
    // The target is elsewhere, and the capture may be taken at the redirecting server.
    assert_eq!(findings(&run("sip:bob@198.51.100.7", &plain)), ["redirect-not-followed notice"]);
    let elsewhere = |tape: &mut Tape, _: &Request| {
        let other = Request::of("OPTIONS", "other", 1, "sip:x@192.0.2.30");
        tape.ask(20, ALICE, CAROL, &other, other.reply(200, "o"));
    };
    assert_eq!(findings(&run("sip:bob@198.51.100.7", &elsewhere)), ["redirect-not-followed warning"]);
    let cancelled = |tape: &mut Tape, request: &Request| {
        let cancel = Request { method: "CANCEL", ..request.clone() };
        tape.say(3, ALICE, PROXY, &cancel.text());
    };
    assert_eq!(findings(&run(C, &cancelled)), ["cancel-before-provisional notice"]);
}

#[test]
fn a_request_of_another_kind_follows_nothing() {
    let mut tape = Tape::new();
    redirect(&mut tape, 0, "a", 1, B, 302, C);
    let options = Request::of("OPTIONS", "b", 1, C);
    tape.ask(1000, ALICE, PROXY, &options, options.reply(200, "o"));
    tape.until(60_000);
    assert_eq!(redirects(&tape.report()), ["302 not_followed null null 302 1/1"]);
}

#[test]
fn other_calls_follow_by_target_or_session() {
    let mut tape = Tape::new();
    redirect(&mut tape, 0, "a", 1, B, 302, C);
    let request = Request::invite("b", 1, C);
    tape.ask(1000, ALICE, PROXY, &request, request.reply(407, "p"));
    redirect(&mut tape, 1100, "b", 2, C, 302, D);
    call(&mut tape, 2000, "c", 1, D, 200);
    // Another From, the same Session-ID; and too late.
    let session = |request: Request| request.with("Session-ID", "0123456789abcdef0123456789abcdef;remote=0");
    let moving = session(Request::invite("d", 1, B));
    tape.ask(3000, ALICE, PROXY, &moving, moved(&moving, 302, C));
    let other = Request { from: "sip:a@other".into(), ..session(Request::invite("e", 1, C)) };
    tape.ask(4000, ALICE, PROXY, &other, other.reply(200, "p"));
    redirect(&mut tape, 10_000, "f", 1, B, 302, C);
    call(&mut tape, 43_000, "g", 1, C, 200);
    tape.until(100_000);
    let expected = [
        "302 followed weak 407 200 1/2",
        "302 followed weak 200 200 2/2",
        "302 followed medium 200 200 1/1",
        "302 not_followed null null 302 1/1",
    ];
    assert_eq!(redirects(&tape.report()), expected);
}

#[test]
fn old_addresses_dialled_again_are_told() {
    let mut tape = Tape::new();
    redirect(&mut tape, 0, "a", 1, B, 301, C);
    call(&mut tape, 100, "a", 2, C, 200);
    redirect(&mut tape, 40_000, "b", 1, B, 301, C);
    call(&mut tape, 40_100, "b", 2, C, 200);
    let message = Request::of("MESSAGE", "m", 1, B);
    tape.ask(50_000, ALICE, PROXY, &message, message.reply(200, "x"));
    let report = tape.report();
    let ignored: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["rule"] == "permanent-redirect-ignored")
        .collect();
    assert_eq!(ignored.len(), 1);
    assert_eq!((&ignored[0]["severity"], &ignored[0]["values"]["times"]), (&"warning".into(), &1.into()));
}

#[test]
fn bare_branches_do_not_merge_attempts() {
    for branch in ["z9hG4bK", "old"] {
        let mut tape = Tape::new();
        let request = |uri: &str| Request::invite("a", 7, uri).hiding(ALICE, branch);
        let first = request(B);
        tape.ask(0, ALICE, PROXY, &first, moved(&first, 302, C));
        tape.say(8, ALICE, PROXY, &first.ack("r").text());
        let second = request(C);
        tape.ask(20, ALICE, PROXY, &second, second.reply(200, "b"));
        let report = tape.report();
        assert_eq!(redirects(&report), ["302 followed strong 200 200 1/1"], "{branch}");
        assert_eq!(report["redirects"][0]["copies"]["retransmissions"], 0);
    }
}

#[test]
fn the_server_that_answered_is_blamed_for_its_own_contact_only() {
    let mut tape = Tape::new();
    let first = Request::invite("a", 1, B);
    let second = first.clone().by(PROXY, "p");
    tape.say(0, ALICE, PROXY, &first.text());
    tape.say(1, PROXY, BOB, &second.text());
    tape.say(10, BOB, PROXY, &moved(&second, 301, C).finish());
    // The proxy takes the Contact out.
    tape.say(11, PROXY, ALICE, &first.reply(301, "r").finish());
    let report = tape.report();
    assert_eq!(findings(&report), ["redirect-contact-stripped notice"]);
    assert_eq!(redirects(&report), ["301 no_target null null 301 1/1"]);
}

#[test]
fn other_servers_tried_with_the_same_branch_are_other_attempts() {
    let mut tape = Tape::new();
    let request = Request::invite("a", 1, B);
    tape.say(0, ALICE, PROXY, &request.text());
    tape.say(5, PROXY, ALICE, &request.reply(503, "p").finish());
    tape.say(50, ALICE, BOB, &request.text());
    tape.say(55, BOB, ALICE, &request.reply(200, "b").finish());
    assert_eq!(tape.report()["summary"]["dialogs"], 1);
}

#[test]
fn other_methods_are_redirected_too() {
    for method in ["REGISTER", "OPTIONS", "MESSAGE", "SUBSCRIBE"] {
        let mut tape = Tape::new();
        let request = Request::of(method, "a", 1, B);
        tape.ask(0, ALICE, PROXY, &request, moved(&request, 301, C));
        let next = Request::of(method, "a", 2, C);
        tape.ask(100, ALICE, PROXY, &next, next.reply(200, "b"));
        assert_eq!(redirects(&tape.report()), ["301 followed strong 200 200 1/1"], "{method}");
    }
}

#[test]
fn a_refresh_of_the_session_follows_no_redirect_of_its_call() {
    let mut tape = Tape::new();
    redirect(&mut tape, 0, "a", 1, B, 302, C);
    let within = Request::invite("a", 2, C).tags("a", Some("b"));
    tape.ask(1000, ALICE, PROXY, &within, within.reply(200, "b"));
    tape.until(60_000);
    assert_eq!(redirects(&tape.report()), ["302 not_followed null null 302 1/1"]);
}

#[test]
fn captures_of_both_sides_of_a_proxy_with_clocks_apart_are_one_story() {
    for ahead in [0, 400, 1500] {
        let (mut outside, mut inside) = (Tape::new(), Tape::new());
        let first = Request::invite("a", 1, B);
        let second = first.clone().by(PROXY, "p");
        outside.say(1000, ALICE, PROXY, &first.text());
        inside.say(1001, PROXY, BOB, &second.text());
        inside.say(1010, BOB, PROXY, &moved(&second, 301, C).finish());
        outside.say(1011, PROXY, ALICE, &moved(&first, 301, C).finish());
        let next = Request::invite("a", 2, C);
        outside.say(1100, ALICE, PROXY, &next.text());
        inside.say(1101, PROXY, CAROL, &next.clone().by(PROXY, "q").text());
        inside.say(1110, CAROL, PROXY, &next.clone().by(PROXY, "q").reply(200, "c").finish());
        outside.say(1111, PROXY, ALICE, &next.reply(200, "c").finish());
        let report = report_of(&[outside.file(0), inside.file(ahead)]);
        assert_eq!(redirects(&report), ["301 followed strong 200 200 1/1"], "{ahead}");
        assert_eq!((&report["redirects"][0]["hops_seen"], &report["summary"]["dialogs"]), (&2.into(), &1.into()));
    }
}

#[test]
fn the_same_packets_in_two_captures_count_once() {
    let tape = || {
        let mut tape = Tape::new();
        redirect(&mut tape, 0, "a", 1, B, 301, C);
        call(&mut tape, 100, "a", 2, C, 200);
        tape
    };
    let report = report_of(&[tape().file(0), tape().file(30)]);
    assert_eq!(redirects(&report), ["301 followed strong 200 200 1/1"]);
    assert_eq!(report["redirects"][0]["copies"]["retransmissions"], 0);
}

#[test]
fn a_redirect_within_a_dialog_is_followed_within_it() {
    let mut tape = Tape::new();
    let invite = |cseq, uri| Request::invite("a", cseq, uri).tags("a", Some("b"));
    let refresh = invite(5, B);
    tape.ask(0, ALICE, PROXY, &refresh, moved(&refresh, 302, C));
    let next = invite(6, C);
    tape.ask(100, ALICE, PROXY, &next, next.reply(200, ""));
    let report = tape.report();
    assert_eq!(redirects(&report), ["302 followed strong 200 200 1/1"]);
    assert_eq!(report["redirects"][0]["in_dialog"], true);
}

#[test]
fn a_nat_between_two_places_of_capture_makes_no_second_redirect() {
    const OUTSIDE: &str = "198.51.100.9:40000";
    let mut tape = Tape::new();
    let request = Request::invite("a", 1, B);
    let answer = moved(&request, 301, C).finish();
    tape.say(0, ALICE, PROXY, &request.text());
    tape.say(1, OUTSIDE, PROXY, &request.text());
    tape.say(5, PROXY, OUTSIDE, &answer);
    tape.say(6, PROXY, ALICE, &answer);
    let next = Request::invite("a", 2, C);
    tape.say(100, ALICE, PROXY, &next.text());
    tape.say(101, OUTSIDE, PROXY, &next.text());
    tape.say(105, PROXY, OUTSIDE, &next.reply(200, "b").finish());
    tape.say(106, PROXY, ALICE, &next.reply(200, "b").finish());
    let report = tape.report();
    assert_eq!(redirects(&report), ["301 followed strong 200 200 1/1"]);
    assert_eq!(report["summary"]["dialogs"], 1);
}

#[test]
fn targets_are_recognised_in_the_forms_in_which_they_are_sent() {
    let forms = [
        ("tel:+1-201-555-0123", "sip:+12015550123@192.0.2.1;user=phone"),
        ("sip:carol@192.0.2.1;method=INVITE?Subject=hello", "sip:carol@192.0.2.1"),
        ("sip:carol@192.0.2.1;transport=tcp", "sip:carol@192.0.2.1:5060"),
        ("sips:carol@192.0.2.1", "sips:carol@192.0.2.1"),
    ];
    for (contact, uri) in forms {
        let mut tape = Tape::new();
        redirect(&mut tape, 0, "a", 1, B, 302, contact);
        call(&mut tape, 100, "a", 2, uri, 200);
        assert_eq!(redirects(&tape.report()), ["302 followed strong 200 200 1/1"], "{contact}");
    }
}

#[test]
fn a_301_to_itself_leaves_no_old_address() {
    let mut tape = Tape::new();
    redirect(&mut tape, 0, "a", 1, B, 301, B);
    redirect(&mut tape, 40_000, "b", 1, B, 301, B);
    let found = findings(&tape.report());
    assert_eq!(found, ["redirect-contact-equals-request-uri error"; 2]);
}

#[test]
fn one_way_of_the_traffic_tells_of_no_absence() {
    let request = Request::invite("a", 1, B);
    let mut answers = Tape::new();
    answers.say(5, PROXY, ALICE, &moved(&request, 301, C).finish());
    answers.until(60_000);
    let report = answers.report();
    assert_eq!(redirects(&report), ["301 undetermined null null 301 1/1"]);
    assert_eq!(crate::tape::findings(&report), ["redirect-observed info"]);
    let mut requests = Tape::new();
    requests.say(0, ALICE, PROXY, &request.text());
    requests.until(60_000);
    assert_eq!(findings(&requests.report()), [""; 0]);
}

#[test]
fn a_late_answer_to_a_cancelled_invite_makes_a_dialog() {
    let mut tape = Tape::new();
    let request = Request::invite("a", 1, B);
    let cancel = Request { method: "CANCEL", ..request.clone() };
    tape.say(0, ALICE, PROXY, &request.text());
    tape.say(1, PROXY, ALICE, &request.reply(100, "").finish());
    tape.ask(1000, ALICE, PROXY, &cancel, cancel.reply(200, "x"));
    tape.say(1006, PROXY, ALICE, &request.reply(200, "b").finish());
    let bye = Request::of("BYE", "a", 2, B).tags("a", Some("b"));
    tape.ask(1100, ALICE, PROXY, &bye, bye.reply(200, ""));
    tape.until(60_000);
    let report = tape.report();
    assert_eq!((&report["summary"]["dialogs"], findings(&report)), (&1.into(), vec![]));
}
