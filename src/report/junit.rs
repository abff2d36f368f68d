//! JUnit XML: a test case for each rule, which fails with the findings of warning and above.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::escape::visible;
use super::{Spacing, View, model};

/// Writes a suite with the rules that found something; notices and milder findings are output of a case that passes.
pub(super) fn write(view: &View<'_>, _: Spacing, out: &mut dyn Write) -> io::Result<()> {
    let mut by_rule: BTreeMap<&str, Vec<model::Finding>> = BTreeMap::new();
    for finding in (0..view.findings()).filter_map(|index| view.finding(index)) {
        by_rule.entry(finding.rule).or_default().push(finding);
    }
    // An end that is cut short, and what only lies beside captures, fail no run; so they are no errors here.
    let inputs = view.inputs().into_iter().enumerate().filter(|(index, _)| view.is_unusable(*index));
    let problems: Vec<(String, String)> =
        inputs.map(|(_, input)| (input.path, input.problem.unwrap_or_default())).collect();
    let failing = by_rule.values().filter(|findings| findings.iter().any(fails)).count();
    let tests = by_rule.len() + problems.len();
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(
        out,
        "<testsuites name=\"reinvite\" tests=\"{tests}\" failures=\"{failing}\" errors=\"{}\">",
        problems.len()
    )?;
    writeln!(
        out,
        "  <testsuite name=\"findings\" tests=\"{tests}\" failures=\"{failing}\" errors=\"{}\">",
        problems.len()
    )?;
    for (path, problem) in &problems {
        writeln!(out, "    <testcase classname=\"reinvite.input\" name=\"{}\">", escape(path))?;
        writeln!(out, "      <error message=\"{}\"/>\n    </testcase>", escape(problem))?;
    }
    for (rule, findings) in &by_rule {
        writeln!(out, "    <testcase classname=\"reinvite.rule\" name=\"{}\">", escape(rule))?;
        for finding in findings.iter().filter(|finding| fails(finding)) {
            let (summary, severity) = (escape(&finding.summary), escape(finding.severity));
            writeln!(out, "      <failure type=\"{severity}\" message=\"{summary}\">{}</failure>", details(finding))?;
        }
        for finding in findings.iter().filter(|finding| !fails(finding)) {
            writeln!(out, "      <system-out>{}: {}</system-out>", escape(finding.severity), escape(&finding.summary))?;
        }
        writeln!(out, "    </testcase>")?;
    }
    writeln!(out, "  </testsuite>\n</testsuites>")
}

fn fails(finding: &model::Finding) -> bool {
    matches!(finding.severity, "warning" | "error")
}

fn details(finding: &model::Finding) -> String {
    let frames: Vec<String> = finding.evidence.iter().map(|evidence| evidence.frame.to_string()).collect();
    format!(
        "{}\nCall-ID: {}\nFrames: {}\nWireshark: {}",
        escape(&finding.remediation),
        escape(&finding.call_id),
        frames.join(", "),
        escape(&finding.wireshark_filter)
    )
}

/// Text in which nothing is markup and every character is one that XML 1.0 allows.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(escape("<a b=\"c\">&\u{0}\u{202e}"), "&lt;a b=&quot;c&quot;&gt;&amp;\\u{0}\\u{202e}");
    }
}
