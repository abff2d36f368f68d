//! Ladders of calls: every recorded call can be shown, in every form.

use unicode_width::UnicodeWidthStr;

use crate::support::captures::{LAB, lab};
use crate::support::program::run;
use crate::support::story::list;

fn show(name: &str, arguments: &[&str]) -> crate::support::program::Ended {
    let path = lab(name);
    let all: Vec<&str> =
        ["show", path.to_str().expect("a path")].into_iter().chain(arguments.iter().copied()).collect();
    run(&all)
}

#[test]
fn calls_to_choose_from_are_those_that_the_report_flags() {
    for name in LAB {
        let shown = show(name, &[]).exits(0).out;
        let report = crate::support::program::analyze(&lab(name), &[]).exits(0).report();
        let mut flagged: Vec<&str> = list(&report, "dialogs").filter_map(|dialog| dialog["call_id"].as_str()).collect();
        flagged.dedup();
        let listed: Vec<&str> = shown.lines().filter_map(|line| line.split_whitespace().last()).collect();
        assert_eq!(listed, flagged, "{name}");
    }
}

#[test]
fn every_call_can_be_shown_in_every_form() {
    for name in LAB {
        let report = crate::support::program::analyze(&lab(name), &["--dialogs", "all"]).exits(0).report();
        for dialog in list(&report, "dialogs") {
            let call_id = dialog["call_id"].as_str().expect("a Call-ID");
            let text = show(name, &["--call-id", call_id]).exits(0).out;
            for line in text.lines() {
                assert!(line.width() <= 100, "{name}: {line}");
            }
            let svg = show(name, &["--call-id", call_id, "-f", "svg"]).exits(0).out;
            let mermaid = show(name, &["--call-id", call_id, "--format", "mermaid"]).exits(0).out;
            assert!(svg.starts_with("<?xml") && mermaid.starts_with("sequenceDiagram\n"), "{name}");
            for message in
                dialog["messages"].as_array().expect("messages").iter().filter(|one| one["repeat_of"].is_null())
            {
                let frame = format!("#{}", message["frame"]);
                assert!(
                    text.lines().any(|line| line.split_whitespace().nth(1) == Some(&frame)),
                    "{name}: {frame} in\n{text}"
                );
                assert!(svg.contains(&format!("frame {}: ", message["frame"])), "{name}: {frame}");
            }
        }
    }
}

#[test]
fn redirects_and_refusals_are_joined_to_what_came_of_them() {
    let report = crate::support::program::analyze(&lab("clean-udp"), &[]).exits(0).report();
    let followed: Vec<_> = list(&report, "redirects").filter(|redirect| redirect["outcome"] == "followed").collect();
    assert!(!followed.is_empty());
    for redirect in followed {
        let text = show("clean-udp", &["--call-id", redirect["call_id"].as_str().expect("a Call-ID")]).exits(0).out;
        let response =
            redirect["evidence"].as_array().expect("evidence").iter().find(|shown| shown["role"] == "response");
        let frame = &response.expect("a response")["frame"];
        assert!(text.contains(&format!("follows the redirect of frame {frame}")), "{text}");
        assert!(text.contains("tries again after the 422 of frame "), "{text}");
    }
}

#[test]
fn a_part_of_a_call_id_is_enough_if_no_other_call_has_it() {
    let text = show("clean-udp", &[]).exits(0).out;
    let call_id = text.lines().next().and_then(|line| line.split_whitespace().last()).expect("a call");
    let by_part = show("clean-udp", &["--call-id", &call_id[..10]]).exits(0).out;
    assert_eq!(by_part, show("clean-udp", &["--call-id", call_id]).exits(0).out);
    show("clean-udp", &["--call-id", "no such call"]).exits(2).complains("no call has \"no such call\"");
    let ambiguous = show("clean-udp", &["--call-id", ""]).exits(2).complains("name one");
    assert!(ambiguous.out.lines().count() > 1, "the calls to choose from: {ambiguous:?}");
}
