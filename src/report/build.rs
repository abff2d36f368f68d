//! From the analysis to the report: ids, names, texts and the tables that group results.

use std::fmt::Write;
use std::net::IpAddr;

use foldhash::{HashMap, HashMapExt};

use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::TimeZone;

use super::model;
use super::names::named;
use super::summary::summary;
use super::tables::{address_updates, interval_requirements};
use crate::analysis::{Analysis, JudgedNegotiation, JudgedRedirect};
use crate::correlation::{
    ContactRecord, DialogState, EndCause, Evidence, Link, ListedDialog, ListedMessage, Method, NegotiationOutcome,
    Party, Place, RedirectOutcome, Role, Round, refresher_name,
};
use crate::findings::{Stated, Value};
use crate::sip::{as_text, to_text};
use crate::time::{Rfc3339, Timestamp, milliseconds};

/// An analysis in the shape of a report, item by item: a report of any size is written without building it as a whole.
#[derive(Debug)]
pub struct View<'a> {
    scribe: Scribe<'a>,
    redirect_ids: Vec<String>,
    negotiation_ids: Vec<String>,
    finding_ids: Vec<String>,
    zone: Option<TimeZone>,
}

impl<'a> View<'a> {
    /// The view of an analysis.
    pub fn new(analysis: &'a Analysis) -> Self {
        let first = |judged: &JudgedNegotiation| judged.negotiation.rounds.first().map(|round| round.place);
        Self {
            scribe: Scribe { analysis },
            redirect_ids: ids(analysis.redirects.iter().map(|judged| ("redirect", judged.redirect.place))),
            negotiation_ids: ids(analysis
                .negotiations
                .iter()
                .map(|judged| ("negotiation", first(judged).unwrap_or_default()))),
            finding_ids: ids(analysis.findings.iter().map(|finding| (finding.rule.id, finding.place))),
            zone: None,
        }
    }

    /// What it is a view of.
    pub(super) const fn analysis(&self) -> &'a Analysis {
        self.scribe.analysis
    }

    /// The same, with times in this zone where they are for people.
    pub fn in_zone(self, zone: Option<TimeZone>) -> Self {
        Self { zone, ..self }
    }

    /// A time of the report as people are to read it: in the zone asked for, with the offset from UTC.
    pub fn shown(&self, time: &str) -> String {
        let local = self.zone.as_ref().zip(time.parse::<jiff::Timestamp>().ok()).map(|(zone, instant)| {
            let digits = time.split_once('.').map_or(0, |(_, fraction)| fraction.len().saturating_sub(1));
            let offset = zone.to_offset(instant);
            let printer = DateTimePrinter::new().precision(u8::try_from(digits).ok());
            printer.timestamp_with_offset_to_string(&instant, offset)
        });
        local.unwrap_or_else(|| time.to_owned())
    }

    /// The name that was given for an address.
    pub(super) fn name(&self, address: &str) -> Option<&'a str> {
        self.scribe.analysis.names.get(&address.parse().ok()?).map(String::as_str)
    }

    /// The program.
    pub const fn generator(&self) -> model::Generator {
        model::Generator { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") }
    }

    /// The inputs.
    pub fn inputs(&self) -> Vec<model::Input> {
        self.scribe.analysis.inputs.iter().map(super::inputs::input).collect()
    }

    /// Whether what is wrong with an input makes a run fail; an end that is cut short does not.
    pub fn is_unusable(&self, input: usize) -> bool {
        let info = self.scribe.analysis.inputs.get(input);
        info.and_then(|info| info.problem.as_ref()).is_some_and(crate::capture::Problem::is_fatal)
    }

    /// The counts.
    pub fn summary(&self) -> model::Summary {
        summary(self.scribe.analysis)
    }

    /// How many redirects there are.
    pub const fn redirects(&self) -> usize {
        self.scribe.analysis.redirects.len()
    }

    /// A redirect.
    pub fn redirect(&self, index: usize) -> Option<model::Redirect> {
        let judged = self.scribe.analysis.redirects.get(index)?;
        Some(self.scribe.redirect(judged, self.redirect_ids.get(index)?.clone(), &self.finding_ids))
    }

    /// How many negotiations there are.
    pub const fn negotiations(&self) -> usize {
        self.scribe.analysis.negotiations.len()
    }

    /// A negotiation.
    pub fn negotiation(&self, index: usize) -> Option<model::Negotiation> {
        let judged = self.scribe.analysis.negotiations.get(index)?;
        self.scribe.negotiation(judged, self.negotiation_ids.get(index)?.clone(), &self.finding_ids)
    }

    /// What to change in address books and routing tables.
    pub fn address_updates(&self) -> Vec<model::AddressUpdate> {
        address_updates(&self.scribe, self.scribe.analysis)
    }

    /// What to set where so that no 422 happens.
    pub fn interval_requirements(&self) -> Vec<model::IntervalRequirement> {
        interval_requirements(&self.scribe, self.scribe.analysis)
    }

    /// How many findings there are.
    pub const fn findings(&self) -> usize {
        self.scribe.analysis.findings.len()
    }

    /// A finding.
    pub fn finding(&self, index: usize) -> Option<model::Finding> {
        let finding = self.scribe.analysis.findings.get(index)?;
        Some(self.scribe.finding(finding, self.finding_ids.get(index)?.clone()))
    }

    /// How many dialogs are listed.
    pub const fn dialogs(&self) -> usize {
        self.scribe.analysis.listed.len()
    }

    /// A dialog.
    pub fn dialog(&self, index: usize) -> Option<model::Dialog<'a>> {
        self.scribe.analysis.listed.get(index).map(|dialog| self.scribe.dialog(dialog))
    }

    /// What was not looked at, and why.
    pub fn capture_quality(&self) -> model::CaptureQuality {
        super::quality::quality(self.scribe.analysis)
    }
}

/// The report of an analysis, as a whole.
pub fn build(analysis: &Analysis) -> model::Report<'_> {
    let view = View::new(analysis);
    model::Report {
        schema_version: model::SCHEMA_VERSION,
        generator: view.generator(),
        inputs: view.inputs(),
        summary: view.summary(),
        redirects: (0..view.redirects()).filter_map(|index| view.redirect(index)).collect(),
        negotiations: (0..view.negotiations()).filter_map(|index| view.negotiation(index)).collect(),
        address_updates: view.address_updates(),
        interval_requirements: view.interval_requirements(),
        findings: (0..view.findings()).filter_map(|index| view.finding(index)).collect(),
        dialogs: (0..view.dialogs()).filter_map(|index| view.dialog(index)).collect(),
        capture_quality: view.capture_quality(),
    }
}

/// Ids made of what they point at, and of nothing else: whoever writes one need not know what is written elsewhere. A further
/// number follows where several point at one message.
fn ids<'a>(named: impl Iterator<Item = (&'a str, Place)>) -> Vec<String> {
    let mut seen: HashMap<(&str, Place), u32> = HashMap::new();
    let id = |(kind, place): (&'a str, Place)| {
        let count = seen.entry((kind, place)).and_modify(|count| *count += 1).or_insert(1);
        match count {
            1 => id_of(kind, place),
            count => format!("{kind}-{}-{}-{}-{count}", place.input, place.frame, number_in_frame(place)),
        }
    };
    named.map(id).collect()
}

/// The id of what points at a message: input and frame, and its number in that frame if it is not the first.
fn id_of(kind: &str, place: Place) -> String {
    match number_in_frame(place) {
        1 => format!("{kind}-{}-{}", place.input, place.frame),
        number => format!("{kind}-{}-{}-{number}", place.input, place.frame),
    }
}

fn number_in_frame(place: Place) -> u64 {
    u64::from(place.position) + 1
}

/// Writes texts and times as the inputs they come from have them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scribe<'a> {
    analysis: &'a Analysis,
}

impl<'a> Scribe<'a> {
    /// A time with the precision of its input.
    pub(super) fn time(&self, time: Timestamp, place: Place) -> String {
        self.written(time, place).to_string()
    }

    fn written(&self, time: Timestamp, place: Place) -> Rfc3339 {
        let input = usize::try_from(place.input).ok().and_then(|index| self.analysis.inputs.get(index));
        time.rfc3339(input.map_or(6, |input| input.digits))
    }

    /// An element as reports show it.
    pub(super) fn party(&self, party: &Party) -> model::Party {
        model::Party {
            address: party.endpoint.address.to_string(),
            name: self.name(party.endpoint.address),
            port: party.endpoint.port,
            transport: party.transport.name(),
            user_agent: party.agent.as_deref().map(to_text),
        }
    }

    /// The name that was given for an address.
    pub(super) fn name(&self, address: IpAddr) -> Option<String> {
        self.analysis.names.get(&address).cloned()
    }

    fn redirect(&self, judged: &JudgedRedirect, id: String, finding_ids: &[String]) -> model::Redirect {
        let redirect = &judged.redirect;
        let next = redirect.follow_up.as_ref();
        model::Redirect {
            id,
            time: self.time(redirect.time, redirect.place),
            call_id: to_text(&redirect.call_id),
            method: method_name(redirect.method),
            cseq: redirect.cseq,
            in_dialog: redirect.in_dialog,
            status: redirect.status,
            reason: to_text(&redirect.reason),
            request_uri: redirect.request_uri.as_deref().map(to_text),
            from: to_text(&redirect.from),
            to: to_text(&redirect.to),
            client: self.party(&redirect.client),
            server: self.party(&redirect.server),
            contacts: redirect.contacts.iter().map(contact).collect(),
            outcome: name_of(&RedirectOutcome::NAMED, judged.outcome),
            followed_to: next.map(|next| to_text(&next.uri)),
            link: next.map(|next| link_name(next.link)),
            followed_in_call: next.and_then(|next| next.call_id.as_deref()).map(to_text),
            delay_ms: next.and_then(|next| delay(next.time.since(redirect.time))),
            attempt_status: next.and_then(|next| next.attempt_status),
            final_status: redirect.final_status,
            chain: model::Chain {
                id: id_of("chain", redirect.chain),
                position: redirect.chain_position,
                length: redirect.chain_length,
            },
            evidence: evidence(&redirect.evidence),
            hops_seen: redirect.hops_seen,
            copies: model::Copies {
                retransmissions: redirect.retransmissions,
                mirror_duplicates: redirect.mirror_duplicates,
            },
            findings: ids_of(&judged.findings, finding_ids),
        }
    }

    fn negotiation(
        &self,
        judged: &JudgedNegotiation,
        id: String,
        finding_ids: &[String],
    ) -> Option<model::Negotiation> {
        let negotiation = &judged.negotiation;
        let first = negotiation.rounds.first()?;
        let retry = negotiation.last_retry();
        Some(model::Negotiation {
            id,
            time: self.time(first.time, first.place),
            call_id: to_text(&negotiation.call_id),
            method: method_name(negotiation.method),
            in_dialog: negotiation.in_dialog,
            client: self.party(&negotiation.client),
            request_uri: negotiation.request_uri.as_deref().map(to_text),
            rounds: negotiation.rounds.iter().map(|round| self.round(round)).collect(),
            outcome: name_of(&NegotiationOutcome::NAMED, judged.outcome),
            required_min_se_s: negotiation.required_min_se(),
            retry_session_expires_s: retry.and_then(|retry| retry.session_expires.value()),
            retry_min_se_s: retry.and_then(|retry| retry.min_se.value()),
            agreed_session_expires_s: negotiation.agreed,
            refresher: negotiation.refresher.map(refresher_name),
            final_status: retry.and_then(|retry| retry.follow_up.final_status),
            added_delay_ms: negotiation.added_delay.and_then(delay),
            findings: ids_of(&judged.findings, finding_ids),
        })
    }

    fn round(&self, round: &Round) -> model::Round {
        model::Round {
            time: self.time(round.time, round.place),
            cseq: round.cseq,
            server: self.party(&round.server),
            offered_session_expires_s: round.offered.value(),
            offered_min_se_s: round.offered_min_se.value(),
            offered_refresher: round.offered_refresher.map(refresher_name),
            supports_timer: round.request_seen.then_some(round.supports_timer),
            demanded_min_se_s: round.demanded.value(),
            evidence: evidence(&round.evidence),
        }
    }

    fn finding(&self, finding: &Stated, id: String) -> model::Finding {
        let call_id = to_text(&finding.call_id);
        model::Finding {
            id,
            rule: finding.rule.id,
            severity: finding.severity.name(),
            confidence: finding.confidence.name(),
            scope: finding.scope.name(),
            time: self.time(finding.time, finding.place),
            subject: model::Subject {
                client: finding.subject.client.map(|address| address.to_string()),
                server: finding.subject.server.map(|address| address.to_string()),
                uri: finding.subject.uri.as_deref().map(to_text),
            },
            fingerprint: finding.fingerprint().to_string(),
            summary: named(&finding.summary, &self.analysis.names),
            remediation: named(&finding.remediation, &self.analysis.names),
            values: finding.values.iter().map(|(name, found)| (*name, value(found))).collect(),
            references: finding.rule.references,
            evidence: evidence(&finding.evidence),
            wireshark_filter: wireshark_filter(&call_id, finding),
            context: finding.context.iter().copied().collect(),
            call_id,
        }
    }

    fn dialog(&self, dialog: &'a ListedDialog) -> model::Dialog<'a> {
        let time = |time: Timestamp| self.time(time, dialog.place);
        model::Dialog {
            call_id: to_text(&dialog.call_id),
            from_tag: to_text(&dialog.caller_tag),
            to_tag: dialog.callee_tag.as_deref().map(to_text),
            kind: method_name(dialog.method).to_ascii_lowercase(),
            state: match dialog.state {
                None => "none",
                Some(DialogState::Early) => "early",
                Some(DialogState::Confirmed) => "confirmed",
                Some(DialogState::Terminated) => "terminated",
            },
            from: to_text(&dialog.from),
            to: to_text(&dialog.to),
            start_time: time(dialog.start),
            answer_time: dialog.answer.map(time),
            end_time: dialog.end.map(time),
            end_cause: dialog.end_cause.map(|cause| match cause {
                EndCause::Bye => "bye",
                EndCause::Rejected => "rejected",
                EndCause::Cancelled => "cancelled",
            }),
            session_timer: dialog.timer.map(|timer| model::SessionTimer {
                interval_s: timer.interval,
                refresher: timer.refresher.map(refresher_name),
                refreshes: timer.refreshes,
                last_deadline: time(timer.last_deadline),
            }),
            messages: dialog.messages().map(|message| self.message(&message)).collect(),
            messages_omitted: dialog.omitted,
        }
    }

    fn message<'m>(&self, message: &ListedMessage<'m>) -> model::Message<'m> {
        model::Message {
            input: message.place.input,
            frame: message.place.frame,
            time: short(format_args!("{}", self.written(message.time, message.place))),
            src: short(format_args!("{}", message.source)),
            dst: short(format_args!("{}", message.destination)),
            start_line: as_text(message.start_line),
            cseq: short(format_args!("{} {}", message.cseq, message.method.name().unwrap_or(OTHER_METHOD))),
            repeat_of: message.repeat_of.map(|(place, is_mirror)| model::RepeatOf {
                input: place.input,
                frame: place.frame,
                kind: if is_mirror { "mirror_duplicate" } else { "retransmission" },
            }),
        }
    }
}

/// Text that is short by its nature.
fn short(text: std::fmt::Arguments<'_>) -> model::Short {
    let mut short = model::Short::new();
    // There is room for the longest.
    let _ = short.write_fmt(text);
    short
}

/// The ids of the findings at `places`.
fn ids_of(places: &[usize], finding_ids: &[String]) -> Vec<String> {
    places.iter().filter_map(|place| finding_ids.get(*place)).cloned().collect()
}

fn name_of<T: PartialEq>(named: &[(&'static str, T)], value: T) -> &'static str {
    named.iter().find(|(_, known)| *known == value).map_or("", |(name, _)| name)
}

/// What stands for a method that is not registered.
const OTHER_METHOD: &str = "OTHER";

fn method_name(method: Method) -> String {
    method.name().unwrap_or(OTHER_METHOD).to_owned()
}

fn contact(contact: &ContactRecord) -> model::Contact {
    model::Contact {
        uri: Some(to_text(&contact.uri)).filter(|uri| !uri.is_empty()),
        display_name: contact.display_name.as_deref().map(to_text),
        q: contact.q_millis.map(q),
        expires_s: contact.expires,
        raw: to_text(&contact.raw),
    }
}

/// A q value from its thousandths.
pub(super) fn q(millis: u16) -> f64 {
    f64::from(millis) / 1_000.0
}

/// A delay in milliseconds. One below zero says that clocks of merged captures differ, so it is not known.
fn delay(nanos: i64) -> Option<f64> {
    (nanos >= 0).then(|| milliseconds(nanos))
}

const fn link_name(link: Link) -> &'static str {
    match link {
        Link::Strong => "strong",
        Link::Medium => "medium",
        Link::Weak => "weak",
    }
}

fn evidence(shown: &[Evidence]) -> Vec<model::Evidence> {
    let role = |role: Role| match role {
        Role::Request => "request",
        Role::Response => "response",
        Role::Ack => "ack",
        Role::FollowUp => "follow_up",
        Role::Retry => "retry",
        Role::Answer => "answer",
        Role::Refresh => "refresh",
        Role::Bye => "bye",
        Role::Other => "other",
    };
    shown
        .iter()
        .map(|shown| model::Evidence { input: shown.place.input, frame: shown.place.frame, role: role(shown.role) })
        .collect()
}

fn value(found: &Value) -> serde_json::Value {
    match found {
        Value::None => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Number(value) => (*value).into(),
        Value::Decimal(value) => (*value).into(),
        Value::Text(text) => to_text(text).into(),
        Value::Word(word) => (*word).into(),
        Value::List(list) => list.iter().map(value).collect::<Vec<_>>().into(),
    }
}

/// A display filter for the call, or for the frame if it is about no call; quotes and backslashes in the Call-ID are escaped as Wireshark wants them.
fn wireshark_filter(call_id: &str, finding: &Stated) -> String {
    if call_id.is_empty() {
        return match finding.place.frame {
            0 => "ip.flags.mf == 1 || ip.frag_offset > 0 || ipv6.fraghdr".to_owned(),
            frame => format!("frame.number == {frame}"),
        };
    }
    format!("sip.Call-ID == \"{}\"", call_id.replace('\\', "\\\\").replace('"', "\\\""))
}
