//! Tests of whole pages.

use proptest::prelude::*;

use super::wrap::WIDTH;
use super::*;

const RULES: &[RuleText<'_>] = &[
    RuleText {
        id: "redirect-not-followed",
        severity: "warning",
        summary: "A redirect was not followed.",
        explanation: "No request to a Contact was seen\nwithin 32 s.\n\nThe caller lost the call.",
        remedy: "Let the caller act on 3xx.",
        references: &["RFC 3261 21.3.2", "RFC 3261 8.1.3.4"],
    },
    RuleText {
        id: "timer-422-ladder",
        severity: "notice",
        summary: "Several servers asked for rising intervals.",
        explanation: "Each 422 cost a round.",
        remedy: "Align the minima.",
        references: &["RFC 4028 7.4"],
    },
];

fn page(topics: &[&str]) -> String {
    let topics: Vec<String> = topics.iter().map(|&topic| topic.to_owned()).collect();
    explain(&topics, RULES).unwrap()
}

/// What holds for every page.
fn check(text: &str) {
    assert!(text.ends_with('\n') && !text.ends_with("\n\n"));
    assert!(!text.contains("\n\n\n"));
    for line in text.lines() {
        assert!(line.chars().count() <= WIDTH, "{line}");
        assert!(!line.ends_with(' '), "{line:?}");
        assert!(line.chars().all(|letter| !letter.is_control()), "{line:?}");
    }
}

/// The lines below a heading.
fn section<'t>(text: &'t str, heading: &str) -> Vec<&'t str> {
    text.lines().skip_while(|line| *line != heading).skip(1).take_while(|line| !line.is_empty()).collect()
}

#[test]
fn every_code_has_a_page_with_class_and_reference() {
    for number in 100..=699 {
        let text = page(&[&number.to_string()]);
        check(&text);
        assert!(text.starts_with(&format!("{number} ")));
        assert!(section(&text, "Class")[0].starts_with(&format!("  {}xx ", number / 100)));
        assert!(section(&text, "References")[0].contains("RFC "));
    }
}

#[test]
fn the_overview_names_every_article_and_the_size_of_the_catalogue() {
    let text = page(&[]);
    check(&text);
    for article in articles::ARTICLES {
        assert!(text.contains(&format!("\n  {}  ", article.code)));
    }
    assert!(text.contains("ids of the 2 rules"));
}

#[test]
fn an_article_lists_the_rules_there_are() {
    let text = page(&["301"]);
    assert_eq!(
        section(&text, "What reinvite reports"),
        ["  - redirect-not-followed (warning): A redirect was not followed."]
    );
    assert_eq!(section(&page(&["423"]), "What reinvite reports"), ["  Its number among the answers in the summary."]);
    assert!(mentioned_rules().any(|id| id == "timer-422-ladder"));
}

#[test]
fn an_unregistered_code_is_taken_for_another_of_its_class() {
    for (code, stands_for) in
        [("150", "183"), ("299", "200"), ("399", "300"), ("499", "400"), ("599", "500"), ("699", "600")]
    {
        let text = page(&[code]);
        assert!(text.contains("not registered with IANA"));
        assert!(text.contains(&format!("does not know for {stands_for} (")), "{code}");
        assert!(text.contains("RFC 3261 8.1.3.2"));
    }
}

#[test]
fn a_rule_has_all_its_parts() {
    let text = page(&["REDIRECT-not-followed"]);
    check(&text);
    assert_eq!(
        text,
        "redirect-not-followed\n\nA redirect was not followed.\n\nSeverity\n  warning\n\nWhat it means\n  \
         No request to a Contact was seen within 32 s.\n\n  The caller lost the call.\n\nWhat to do\n  \
         Let the caller act on 3xx.\n\nReferences\n  - RFC 3261 21.3.2\n  - RFC 3261 8.1.3.4\n"
    );
}

#[test]
fn a_written_pair_reads_the_same_in_both_orders() {
    for pair in pairs::PAIRS {
        let (one, other) = (pair.codes.0.to_string(), pair.codes.1.to_string());
        let text = page(&[&one, &other]);
        check(&text);
        assert_eq!(text, page(&[&other, &one]));
    }
}

#[test]
fn the_pair_301_and_422_is_told_side_by_side() {
    let text = page(&["422", "301"]);
    assert!(text.starts_with("301 Moved Permanently and 422 Session Interval Too Small\n"));
    let headers = section(&text, "Which header carries the answer");
    assert!(headers[0].starts_with("  301  Contact:") && headers[1].starts_with("  422  Min-SE:"));
    assert!(section(&text, "In short")[0].contains("try again, differently"));
    assert_eq!(section(&text, "Both in one call").iter().filter(|line| line.starts_with("  - ")).count(), 3);
}

#[test]
fn several_topics_show_the_pairs_among_them() {
    let text = page(&["422", "302", "timer-422-ladder", "301"]);
    check(&text);
    let headings: Vec<&str> = text.lines().filter(|line| line.ends_with(" in short")).collect();
    assert_eq!(headings, ["301 and 302 in short", "301 and 422 in short"]);
}

#[test]
fn what_is_equal_is_said_once() {
    let text = page(&["486", "603", "600"]);
    check(&text);
    assert!(text.starts_with("486 Busy Here, 603 Decline and 600 Busy Everywhere\n"));
    assert_eq!(section(&text, "Headers that matter"), ["  All: Retry-After"]);
    assert_eq!(section(&page(&["100", "180"]), "Headers that matter"), ["  Both: none in particular"]);
}

#[test]
fn codes_and_rules_can_be_compared() {
    let text = page(&["499", "timer-422-ladder"]);
    check(&text);
    assert!(text.starts_with("499 (not registered) and timer-422-ladder\n"));
    assert!(section(&text, "Class").contains(&"    finding of severity notice"));
}

#[test]
fn a_topic_given_twice_is_one_topic() {
    assert_eq!(page(&["301", "SIP:301", " 301 Gone elsewhere"]), page(&["301"]));
    assert_eq!(page(&["timer-422-ladder", "TIMER-422-LADDER"]), page(&["timer-422-ladder"]));
}

#[test]
fn one_unknown_topic_fails_all() {
    let error = explain(&["301".to_owned(), "302x".to_owned()], RULES).unwrap_err();
    assert_eq!(error.topic(), "302x");
    assert!(error.to_string().contains("status codes are 100 to 699"));
}

#[test]
fn pages_need_no_rules() {
    for topics in [vec![], vec!["422".to_owned()], vec!["301".to_owned(), "422".to_owned()]] {
        check(&explain(&topics, &[]).unwrap());
    }
}

proptest! {
    #[test]
    fn comparisons_say_the_same_in_either_order(one in 100u16..=699, other in 100u16..=699) {
        let forth = page(&[&one.to_string(), &other.to_string()]);
        let back = page(&[&other.to_string(), &one.to_string()]);
        check(&forth);
        let sorted = |text: &str| {
            let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            words.sort();
            words
        };
        prop_assert_eq!(sorted(&forth), sorted(&back));
    }

    #[test]
    fn no_topic_panics(topic in any::<String>(), length in 0usize..8) {
        let cut: String = topic.chars().take(length).collect();
        for text in [topic, cut] {
            match explain(&[text], RULES) {
                Ok(page) => check(&page),
                Err(error) => prop_assert!(error.to_string().chars().all(|letter| !letter.is_control())),
            }
        }
    }
}
