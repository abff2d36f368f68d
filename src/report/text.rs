//! Text for people, in 100 columns: what happened, what is wrong, what to change.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::escape::visible;
use super::names::with_name;
use super::{Spacing, View, model};

const COLUMNS: usize = 100;
/// Findings of one rule that are listed; more are read by programs.
const MAX_OF_RULE: usize = 50;

/// Writes the summary, findings, redirects, negotiations, and the tables to act on.
pub(super) fn write(view: &View<'_>, _: Spacing, out: &mut dyn Write) -> io::Result<()> {
    Page { out, is_coloured: false }.write(view)
}

/// The same with colours, for a terminal.
pub(super) fn write_coloured(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    Page { out, is_coloured: true }.write(view)
}

/// How a terminal shows severities, and titles (ECMA-48 8.3.117).
const COLOURS: [(&str, &str); 4] = [("error", "1;31"), ("warning", "33"), ("notice", "36"), ("info", "2")];
const TITLE: &str = "1";

struct Page<'w> {
    out: &'w mut dyn Write,
    is_coloured: bool,
}

impl Page<'_> {
    fn write(mut self, view: &View<'_>) -> io::Result<()> {
        self.inputs(view)?;
        self.summary(&view.summary())?;
        self.findings(view)?;
        self.redirects(view)?;
        self.negotiations(view)?;
        self.address_updates(&view.address_updates())?;
        self.interval_requirements(&view.interval_requirements())
    }

    fn title(&mut self, title: &str) -> io::Result<()> {
        writeln!(self.out)?;
        self.painted(TITLE, title)?;
        writeln!(self.out, "\n{}", "-".repeat(title.len()))
    }

    /// A text of the program's own in a colour, where there are colours.
    fn painted(&mut self, colour: &str, text: &str) -> io::Result<()> {
        if self.is_coloured {
            write!(self.out, "\x1b[{colour}m{text}\x1b[0m")
        } else {
            self.out.write_all(text.as_bytes())
        }
    }

    /// A text broken into lines behind an indentation; the first line begins with `mark`. A word that fits on no line is
    /// cut where the line ends.
    fn paragraph(&mut self, mark: &str, text: &str) -> io::Result<()> {
        let indentation = mark.width();
        let mut line = mark.to_owned();
        let mut width = indentation;
        for word in visible(text).split(' ') {
            let word_width = word.width();
            if width > indentation && width + 1 + word_width > COLUMNS {
                writeln!(self.out, "{}", line.trim_end())?;
                line = " ".repeat(indentation);
                width = indentation;
            }
            if width > indentation {
                line.push(' ');
                width += 1;
            }
            for character in word.chars() {
                let character_width = character.width().unwrap_or(0);
                if width + character_width > COLUMNS {
                    writeln!(self.out, "{line}")?;
                    line = " ".repeat(indentation);
                    width = indentation;
                }
                line.push(character);
                width += character_width;
            }
        }
        writeln!(self.out, "{}", line.trim_end())
    }

    fn inputs(&mut self, view: &View<'_>) -> io::Result<()> {
        for input in view.inputs() {
            let times = match (&input.first_time, &input.last_time) {
                (Some(first), Some(last)) => format!(", {} to {}", view.shown(first), view.shown(last)),
                _ => String::new(),
            };
            let format = input.format.unwrap_or("no capture");
            self.paragraph("", &format!("{}: {format}, {} frames{times}", input.path, input.frames))?;
            if let Some(problem) = &input.problem {
                self.paragraph("  ! ", problem)?;
            }
        }
        Ok(())
    }

    fn summary(&mut self, summary: &model::Summary) -> io::Result<()> {
        writeln!(
            self.out,
            "{} SIP messages, {} calls ({} with INVITE), {} dialogs",
            summary.sip_messages, summary.calls, summary.invite_calls, summary.dialogs
        )?;
        let counts = |counts: &std::collections::BTreeMap<&str, u64>| {
            let named = counts.iter().filter(|(_, count)| **count > 0).map(|(name, count)| format!("{count} {name}"));
            named.collect::<Vec<_>>().join(", ")
        };
        let rows = [
            ("redirects", summary.redirects.total, counts(&summary.redirects.by_outcome)),
            ("negotiations", summary.negotiations.total, counts(&summary.negotiations.by_outcome)),
            ("findings", summary.findings.values().sum(), counts(&summary.findings)),
        ];
        for (name, total, parts) in rows {
            let parts = if total == 0 { String::new() } else { format!("  ({parts})") };
            writeln!(self.out, "  {name:<14}{total:>8}{}", parts.replace('_', " "))?;
        }
        Ok(())
    }

    fn findings(&mut self, view: &View<'_>) -> io::Result<()> {
        let all: Vec<model::Finding> = (0..view.findings()).filter_map(|index| view.finding(index)).collect();
        if all.is_empty() {
            return Ok(());
        }
        self.title("Findings")?;
        for severity in ["error", "warning", "notice", "info"] {
            let mut rules: Vec<(&str, Vec<&model::Finding>)> = Vec::new();
            for finding in all.iter().filter(|finding| finding.severity == severity) {
                match rules.iter_mut().find(|(rule, _)| *rule == finding.rule) {
                    Some((_, findings)) => findings.push(finding),
                    None => rules.push((finding.rule, vec![finding])),
                }
            }
            for (rule, findings) in rules {
                self.rule(view, severity, rule, &findings)?;
            }
        }
        Ok(())
    }

    /// The findings of one rule; what to do is said once where it is the same for all.
    fn rule(&mut self, view: &View<'_>, severity: &str, rule: &str, findings: &[&model::Finding]) -> io::Result<()> {
        let count = if findings.len() > 1 { format!(", {} times", findings.len()) } else { String::new() };
        // Names of rules are short: they fit on a line.
        let colour = COLOURS.iter().find(|(name, _)| *name == severity).map_or(TITLE, |(_, colour)| colour);
        self.painted(colour, &format!("{severity:<8}"))?;
        writeln!(self.out, "{rule}{count}")?;
        for (index, finding) in findings.iter().take(MAX_OF_RULE).enumerate() {
            self.paragraph("  * ", &finding.summary)?;
            let frames: Vec<String> =
                finding.evidence.iter().map(|evidence| format!("{} ({})", evidence.frame, evidence.role)).collect();
            self.paragraph(
                "    ",
                &format!("{}, frames {}", view.shown(&finding.time), frames.join(", ").replace('_', " ")),
            )?;
            let next = findings.get(index + 1).filter(|_| index + 1 < MAX_OF_RULE);
            let is_last = next.is_none_or(|next| next.remediation != finding.remediation);
            if severity != "info" && is_last && !finding.remediation.is_empty() {
                self.paragraph("    -> ", &finding.remediation)?;
            }
        }
        if let Some(left) = findings.len().checked_sub(MAX_OF_RULE).filter(|left| *left > 0) {
            self.paragraph("    ", &format!("and {left} more, which the JSON report has"))?;
        }
        Ok(())
    }

    fn redirects(&mut self, view: &View<'_>) -> io::Result<()> {
        if view.redirects() > 0 {
            self.title("Redirects")?;
        }
        for redirect in (0..view.redirects()).filter_map(|index| view.redirect(index)) {
            let asked = redirect.request_uri.as_deref().unwrap_or("an unknown URI");
            self.paragraph("* ", &format!("{}  {}  {asked}", view.shown(&redirect.time), redirect.status))?;
            let targets: Vec<&str> =
                redirect.contacts.iter().map(|contact| contact.uri.as_deref().unwrap_or(&contact.raw)).collect();
            let targets = if targets.is_empty() { "nowhere".to_owned() } else { targets.join(", ") };
            self.paragraph("  to    ", &targets)?;
            self.paragraph("  by    ", &party(&redirect.server))?;
            let ended = redirect.final_status.map_or_else(String::new, |status| format!(", ended with {status}"));
            let followed = redirect.followed_to.as_deref().map_or_else(String::new, |uri| format!(" to {uri}"));
            let outcome = redirect.outcome.replace('_', " ");
            self.paragraph("  ->    ", &format!("{}: {outcome}{followed}{ended}", party(&redirect.client)))?;
        }
        Ok(())
    }

    fn negotiations(&mut self, view: &View<'_>) -> io::Result<()> {
        if view.negotiations() > 0 {
            self.title("Session intervals refused with 422")?;
        }
        for negotiation in (0..view.negotiations()).filter_map(|index| view.negotiation(index)) {
            let uri = negotiation.request_uri.as_deref().unwrap_or("an unknown URI");
            let first = format!(
                "{} {} to {uri} by {}",
                view.shown(&negotiation.time),
                negotiation.method,
                party(&negotiation.client)
            );
            self.paragraph("* ", &first)?;
            for round in &negotiation.rounds {
                let (offered, demanded) = (seconds(round.offered_session_expires_s), seconds(round.demanded_min_se_s));
                let text = format!("offered {offered}, {} demands {demanded}", party(&round.server));
                self.paragraph("  ", &text)?;
            }
            let ended = negotiation.final_status.map_or_else(String::new, |status| format!(", ended with {status}"));
            let agreed = negotiation.agreed_session_expires_s;
            let agreed = agreed.map_or_else(String::new, |agreed| format!(", agreed on {agreed} s"));
            self.paragraph("  ", &format!("{}{ended}{agreed}", negotiation.outcome))?;
        }
        Ok(())
    }

    fn address_updates(&mut self, updates: &[model::AddressUpdate]) -> io::Result<()> {
        if !updates.is_empty() {
            self.title("Entries to change")?;
        }
        for update in updates {
            let targets: Vec<&str> = update.targets.iter().map(|target| target.uri.as_str()).collect();
            let text = format!("{} is now {} (seen {} times)", update.from_uri, targets.join(", "), update.seen);
            self.paragraph("* ", &text)?;
            for client in &update.clients {
                let still = if client.still_calling_old { ", still calls the old one" } else { "" };
                let agent = client.user_agent.as_deref().map_or_else(String::new, |agent| format!(" ({agent})"));
                self.paragraph(
                    "  ",
                    &format!("at {} for {}{agent}{still}", address(&client.address, &client.name), client.from),
                )?;
            }
        }
        Ok(())
    }

    fn interval_requirements(&mut self, requirements: &[model::IntervalRequirement]) -> io::Result<()> {
        if !requirements.is_empty() {
            self.title("Intervals to raise")?;
        }
        for requirement in requirements {
            let (server, minimum) = (party(&requirement.server), seconds(requirement.min_se_s));
            self.paragraph(
                "* ",
                &format!("{server} accepts no less than {minimum} (seen {} times)", requirement.seen),
            )?;
            for client in &requirement.clients {
                let agent = client.user_agent.as_deref().map_or_else(String::new, |agent| format!(" ({agent})"));
                let offered = seconds(client.offered_session_expires_s);
                // A minimum below the legal one is to be mended at the server (RFC 4028 5).
                let set = match requirement.min_se_s {
                    Some(least) => format!("; set Session-Expires there to {} s or more", least.max(90)),
                    None => String::new(),
                };
                let text = format!(
                    "{}{agent} offered {offered}, {} times{set}",
                    address(&client.address, &client.name),
                    client.seen
                );
                self.paragraph("  ", &text)?;
            }
        }
        Ok(())
    }
}

fn party(party: &model::Party) -> String {
    let agent = party.user_agent.as_deref().map_or_else(String::new, |agent| format!(" ({agent})"));
    format!("{}{agent}", address(&format!("{}:{}", party.address, party.port), &party.name))
}

fn address(address: &str, name: &Option<String>) -> String {
    with_name(address, name.as_deref())
}

fn seconds(seconds: Option<u64>) -> String {
    seconds.map_or_else(|| "nothing".to_owned(), |seconds| format!("{seconds} s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(mark: &str, text: &str) -> Vec<String> {
        let mut bytes = Vec::new();
        Page { out: &mut bytes, is_coloured: false }.paragraph(mark, text).unwrap();
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn lines_fit_and_long_words_are_cut() {
        let text = format!("{} {}", "word ".repeat(60).trim_end(), "x".repeat(150));
        let lines = lines("  * ", &text);
        assert!(lines.iter().all(|line| line.len() <= COLUMNS), "{lines:?}");
        assert!(lines.len() >= 5 && lines[0].starts_with("  * word"));
        assert_eq!(lines.concat().matches('x').count(), 150, "nothing is lost");
    }

    #[test]
    fn signs_that_take_two_columns_are_counted_as_such() {
        let lines = lines("", &"電".repeat(60));
        assert_eq!(lines.iter().map(|line| line.chars().count()).collect::<Vec<_>>(), [50, 10]);
    }
}
