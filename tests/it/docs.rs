//! The commands in the documents: programs, examples and fixtures that they name exist.

use std::fmt::Write as _;
use std::fs;

use reinvite::findings::RULES;

use crate::support::captures::{files, project};
use crate::support::program::run;

/// The lines of fenced `sh` blocks of a document.
fn commands(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut within = false;
    for line in text.lines() {
        match line.trim() {
            "```sh" | "```console" | "```bash" => within = true,
            fence if fence.starts_with("```") => within = false,
            command if within => commands.push(command.trim_start_matches("$ ").to_owned()),
            _ => {}
        }
    }
    commands
}

#[test]
fn commands_in_the_documents_name_what_exists() {
    for document in ["README.md", "docs/guide.md"] {
        let path = project().join(document);
        let text = fs::read_to_string(&path).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
        assert_commands_exist(document, &text);
    }
}

/// Fails unless the programs, options, examples and fixtures of all commands exist.
fn assert_commands_exist(document: &str, text: &str) {
    let help = run(&["analyze", "--help"]).out
        + &run(&["--help"]).out
        + &run(&["rules", "--help"]).out
        + &run(&["show", "--help"]).out
        + &run(&["redact", "--help"]).out;
    for command in commands(text) {
        let words: Vec<&str> = command.split_whitespace().take_while(|word| *word != "#").collect();
        for word in &words {
            let word = word.trim_matches(|c| c == '\'' || c == '"');
            if word.starts_with("fixtures/") || word.starts_with("benches/") {
                assert!(project().join(word).exists(), "{document}: {word} does not exist, in: {command}");
            }
        }
        let ours = words.iter().position(|word| *word == "reinvite" || *word == "--");
        let runs_us =
            command.starts_with("reinvite ") || (command.starts_with("cargo run") && !command.contains("--example"));
        if let (true, Some(start)) = (runs_us, ours) {
            let ours: Vec<&str> =
                words[start + 1..].iter().take_while(|word| **word != "|" && **word != ">").copied().collect();
            for option in ours.iter().filter(|word| word.starts_with("--")) {
                let option = option.split('=').next().unwrap_or_default();
                assert!(help.contains(option), "{document}: no option {option}, in: {command}");
            }
        }
        let example = words.windows(2).find(|pair| pair[0] == "--example").map(|pair| pair[1]);
        if let Some(example) = example {
            let manifest = fs::read_to_string(project().join("Cargo.toml")).expect("the manifest");
            assert!(manifest.contains(&format!("name = \"{example}\"")), "{document}: no example {example}: {command}");
        }
    }
}

#[test]
fn the_test_sees_commands() {
    let text = "text\n```sh\n$ reinvite rules\ncargo test\n```\n```json\n{}\n```\n";
    assert_eq!(commands(text), ["reinvite rules", "cargo test"]);
}

/// The page about the rules, made from their rows, each with a ladder that shows it.
fn rules_page() -> String {
    let ladders: Vec<(String, String)> = files(&project().join("fixtures/rules"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "ladder"))
        .map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("a ladder"))
        })
        .collect();
    let shows = |text: &str, rule: &str| {
        text.lines().any(|line| line.strip_prefix("expect ").is_some_and(|line| line.split(' ').next() == Some(rule)))
    };
    let mut page = String::from(
        "# Rules\n\nWhat `reinvite` finds, by name. `reinvite explain RULE` says the same. The page is made from the table of rules; do not edit it.\n",
    );
    for rule in RULES.iter() {
        let own = format!("{}.ladder", rule.id);
        let mut showing = ladders.iter().filter(|(_, text)| shows(text, rule.id));
        let example = showing.clone().find(|(name, _)| *name == own).or_else(|| showing.next()).expect("a ladder");
        let title = example.1.split("\n\n").next().unwrap_or_default().replace('\n', " ");
        let (id, severity, summary) = (rule.id, rule.severity.name(), rule.summary);
        write!(page, "\n## {id}\n\n{summary} Severity: {severity}, or less where the case is less clear.\n\n")
            .expect("text");
        write!(page, "**What it means.** {}\n\n**How to fix it.** {}\n\n", rule.explanation, rule.remedy)
            .expect("text");
        write!(page, "**Example.** {title} ([flow](../fixtures/rules/{}))\n\n", example.0).expect("text");
        writeln!(page, "References: {}.", rule.references.join(", ")).expect("text");
    }
    page
}

#[test]
fn the_page_about_rules_says_what_the_table_says() {
    let (path, page) = (project().join("docs/rules.md"), rules_page());
    if std::env::var_os("REINVITE_RENEW").is_some() {
        fs::write(&path, &page).expect("the page is written");
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        known == page,
        "docs/rules.md is stale; renew it with: REINVITE_RENEW=1 cargo test --test it the_page_about_rules"
    );
}
