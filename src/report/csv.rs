//! CSV (RFC 4180): a file for each section, safe to open in a spreadsheet.

use std::io::{self, Write};

use super::names::with_name;
use super::{Section, View, model};

/// The sections that are tables.
pub(super) const SECTIONS: &[Section] = &[
    Section { file: "redirects.csv", write: redirects },
    Section { file: "negotiations.csv", write: negotiations },
    Section { file: "address-updates.csv", write: address_updates },
    Section { file: "interval-requirements.csv", write: interval_requirements },
    Section { file: "findings.csv", write: findings },
];

/// Characters with which a spreadsheet begins a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

fn row(out: &mut (dyn Write + Send), values: &[String]) -> io::Result<()> {
    let cells: Vec<String> = values.iter().map(|value| cell(value)).collect();
    write!(out, "{}\r\n", cells.join(","))
}

/// A value with what would make it a formula taken from it by a quote in front, and quoted where it has to be.
fn cell(value: &str) -> String {
    let is_number = value.parse::<f64>().is_ok();
    let guard = if !is_number && value.starts_with(FORMULA) { "'" } else { "" };
    if value.contains([',', '"', '\r', '\n']) || !guard.is_empty() {
        format!("\"{guard}{}\"", value.replace('"', "\"\""))
    } else {
        value.to_owned()
    }
}

fn header(out: &mut (dyn Write + Send), names: &[&str]) -> io::Result<()> {
    write!(out, "{}\r\n", names.join(","))
}

/// A value, or nothing.
fn some<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn endpoint(party: &model::Party) -> String {
    let endpoint = if party.address.contains(':') {
        format!("[{}]:{}", party.address, party.port)
    } else {
        format!("{}:{}", party.address, party.port)
    };
    with_name(&endpoint, party.name.as_deref())
}

fn redirects(view: &View<'_>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    header(
        out,
        &[
            "id",
            "time",
            "call_id",
            "method",
            "cseq",
            "in_dialog",
            "status",
            "reason",
            "request_uri",
            "from",
            "to",
            "client",
            "client_user_agent",
            "server",
            "server_user_agent",
            "contacts",
            "outcome",
            "followed_to",
            "link",
            "delay_ms",
            "attempt_status",
            "final_status",
            "chain",
            "chain_position",
            "chain_length",
        ],
    )?;
    for redirect in (0..view.redirects()).filter_map(|index| view.redirect(index)) {
        let contacts: Vec<&str> = redirect.contacts.iter().map(|contact| contact.raw.as_str()).collect();
        row(
            out,
            &[
                redirect.id,
                redirect.time,
                redirect.call_id,
                redirect.method,
                redirect.cseq.to_string(),
                redirect.in_dialog.to_string(),
                redirect.status.to_string(),
                redirect.reason,
                some(redirect.request_uri),
                redirect.from,
                redirect.to,
                endpoint(&redirect.client),
                some(redirect.client.user_agent.clone()),
                endpoint(&redirect.server),
                some(redirect.server.user_agent.clone()),
                contacts.join(" "),
                redirect.outcome.to_owned(),
                some(redirect.followed_to.clone()),
                some(redirect.link),
                some(redirect.delay_ms),
                some(redirect.attempt_status),
                some(redirect.final_status),
                redirect.chain.id.clone(),
                redirect.chain.position.to_string(),
                redirect.chain.length.to_string(),
            ],
        )?;
    }
    Ok(())
}

fn negotiations(view: &View<'_>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    header(
        out,
        &[
            "id",
            "time",
            "call_id",
            "method",
            "in_dialog",
            "request_uri",
            "client",
            "client_user_agent",
            "rounds",
            "servers",
            "outcome",
            "required_min_se_s",
            "retry_session_expires_s",
            "retry_min_se_s",
            "agreed_session_expires_s",
            "refresher",
            "final_status",
            "added_delay_ms",
        ],
    )?;
    for negotiation in (0..view.negotiations()).filter_map(|index| view.negotiation(index)) {
        let mut servers: Vec<String> = negotiation.rounds.iter().map(|round| endpoint(&round.server)).collect();
        servers.dedup();
        row(
            out,
            &[
                negotiation.id,
                negotiation.time,
                negotiation.call_id,
                negotiation.method,
                negotiation.in_dialog.to_string(),
                some(negotiation.request_uri),
                endpoint(&negotiation.client),
                some(negotiation.client.user_agent.clone()),
                negotiation.rounds.len().to_string(),
                servers.join(" "),
                negotiation.outcome.to_owned(),
                some(negotiation.required_min_se_s),
                some(negotiation.retry_session_expires_s),
                some(negotiation.retry_min_se_s),
                some(negotiation.agreed_session_expires_s),
                some(negotiation.refresher),
                some(negotiation.final_status),
                some(negotiation.added_delay_ms),
            ],
        )?;
    }
    Ok(())
}

fn address_updates(view: &View<'_>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    header(
        out,
        &[
            "from_uri",
            "targets",
            "seen",
            "first_time",
            "last_time",
            "client",
            "client_from",
            "client_user_agent",
            "still_calling_old",
        ],
    )?;
    for update in view.address_updates() {
        let targets: Vec<&str> = update.targets.iter().map(|target| target.uri.as_str()).collect();
        for client in &update.clients {
            row(
                out,
                &[
                    update.from_uri.clone(),
                    targets.join(" "),
                    update.seen.to_string(),
                    update.first_time.clone(),
                    update.last_time.clone(),
                    with_name(&client.address, client.name.as_deref()),
                    client.from.clone(),
                    some(client.user_agent.clone()),
                    client.still_calling_old.to_string(),
                ],
            )?;
        }
    }
    Ok(())
}

fn interval_requirements(view: &View<'_>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    header(
        out,
        &[
            "server",
            "server_user_agent",
            "min_se_s",
            "seen",
            "client",
            "client_user_agent",
            "offered_session_expires_s",
            "client_seen",
        ],
    )?;
    for requirement in view.interval_requirements() {
        for client in &requirement.clients {
            row(
                out,
                &[
                    endpoint(&requirement.server),
                    some(requirement.server.user_agent.clone()),
                    some(requirement.min_se_s),
                    requirement.seen.to_string(),
                    with_name(&client.address, client.name.as_deref()),
                    some(client.user_agent.clone()),
                    some(client.offered_session_expires_s),
                    client.seen.to_string(),
                ],
            )?;
        }
    }
    Ok(())
}

fn findings(view: &View<'_>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    header(
        out,
        &[
            "id",
            "time",
            "rule",
            "severity",
            "confidence",
            "scope",
            "call_id",
            "summary",
            "remediation",
            "references",
            "frames",
            "wireshark_filter",
        ],
    )?;
    for finding in (0..view.findings()).filter_map(|index| view.finding(index)) {
        let frame = |evidence: &model::Evidence| format!("{}:{}", evidence.input, evidence.frame);
        let frames: Vec<String> = finding.evidence.iter().map(frame).collect();
        row(
            out,
            &[
                finding.id,
                finding.time,
                finding.rule.to_owned(),
                finding.severity.to_owned(),
                finding.confidence.to_owned(),
                finding.scope.to_owned(),
                finding.call_id,
                finding.summary,
                finding.remediation,
                finding.references.join("; "),
                frames.join(" "),
                finding.wireshark_filter,
            ],
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_the_network_becomes_a_formula() {
        assert_eq!(cell("=HYPERLINK(\"http://x\")"), "\"'=HYPERLINK(\"\"http://x\"\")\"");
        assert_eq!(cell("+49301234@example.com"), "\"'+49301234@example.com\"");
        assert_eq!(cell("@SUM(A1)"), "\"'@SUM(A1)\"");
        assert_eq!((cell("-1.5"), cell("sip:a@b")), ("-1.5".to_owned(), "sip:a@b".to_owned()));
        assert_eq!(cell("a,b"), "\"a,b\"");
    }
}
