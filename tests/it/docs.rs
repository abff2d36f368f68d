//! The commands in the documents: programs, examples and fixtures that they name exist.

use std::fs;

use crate::support::captures::project;
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
        + &run(&["show", "--help"]).out;
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
