//! The messages that rules about session timers judge, each on the hop on which it is judged.

use super::devices::{Setting, called};
use super::rule::{Confidence, Finding, Rule, Scope, Severity, Value};
use super::session::DialogCase;
use super::words::{name, quoted};
use crate::correlation::{
    Answered, Evidence, Exchange, Hop, MessageRecord, OddTimers, Party, Role, Text, TimerMarks, place_of,
    refresher_name,
};
use crate::sip::Refresher;

/// The least interval that RFC 4028 4 and 5 allow, in seconds.
pub(super) const FLOOR: u64 = 90;

/// A message on the hop on which it is judged.
pub(super) struct Judged<'a> {
    pub(super) case: &'a DialogCase<'a>,
    pub(super) hop: &'a Hop,
    pub(super) record: &'a MessageRecord,
    /// The request on that hop.
    pub(super) request: Option<&'a MessageRecord>,
}

impl Judged<'_> {
    pub(super) fn depth(&self) -> u32 {
        self.case.view.depth(self.hop)
    }

    /// What a setting is called at who sent the message.
    pub(super) fn setting(&self, setting: Setting) -> String {
        let agent = self.case.view.texts.get(self.record.agent);
        called((!agent.is_empty()).then(|| agent.into()).as_ref(), setting)
    }

    /// Who sent the message.
    pub(super) fn sender(&self) -> String {
        let agent = self.case.view.texts.get(self.record.agent);
        name(&Party {
            endpoint: self.record.source,
            transport: self.record.transport,
            agent: (!agent.is_empty()).then(|| agent.into()),
        })
    }

    /// What a timer header that cannot be taken as it is says, as the end of a sentence.
    pub(super) fn quoted(&self, header: impl Fn(&OddTimers) -> &Vec<Text>) -> String {
        self.record.odd_timers().map(|odd| quoted(header(odd))).unwrap_or_default()
    }

    pub(super) fn finding(
        &self,
        rule: &'static Rule,
        severity: Severity,
        summary: String,
        remediation: String,
    ) -> Finding {
        let role = if self.record.is_request() { Role::Request } else { Role::Answer };
        let mut evidence = Vec::with_capacity(2);
        if !self.record.is_request() {
            evidence.extend(self.request.map(|request| Evidence { place: place_of(request), role: Role::Request }));
        }
        evidence.push(Evidence { place: place_of(self.record), role });
        let refresher = |record: &MessageRecord| {
            record.refresher.map_or(Value::None, |refresher| Value::Word(refresher_name(refresher)))
        };
        let mut values = Vec::with_capacity(8);
        if let Some(request) = self.request {
            values.push(("request_session_expires_s", request.session_expires.value().into()));
            values.push(("request_min_se_s", request.min_se.value().into()));
            values.push(("request_refresher", refresher(request)));
            values.push(("request_supports_timer", request.supports_timer.into()));
        }
        if !self.record.is_request() {
            values.push(("session_expires_s", self.record.session_expires.value().into()));
            values.push(("refresher", refresher(self.record)));
            values.push(("require_timer", self.record.timer_marks.has(TimerMarks::REQUIRE).into()));
        }
        let odd = self.record.odd_timers();
        let raw = odd.map(|odd| [("session_expires_raw", &odd.session_expires), ("min_se_raw", &odd.min_se)]);
        let raw = raw.into_iter().flatten().filter(|(_, list)| !list.is_empty());
        values.extend(raw.map(|(name, list)| (name, list.as_slice().into())));
        Finding {
            rule,
            severity,
            confidence: Confidence::Strong,
            scope: Scope::Exchange,
            place: place_of(self.record),
            time: self.record.time,
            call_id: self.case.view.call_id.into(),
            summary,
            remediation,
            values,
            evidence,
            context: vec![("hop1_seen", self.depth() <= 1)],
            watch: None,
        }
    }

    /// Whether an element further on may have sent the answer: the request went on, and what came back there was not captured.
    fn may_be_relayed(&self) -> bool {
        let view = self.case.view;
        let hops = &view.transactions.hops;
        let is_final = self.record.status().is_some_and(|status| status >= 200);
        let went_on = |hop: &Hop| {
            let above = hop.parent.and_then(|parent| view.hop(parent));
            let is_next = above.is_some_and(|above| std::ptr::eq(above, self.hop));
            is_next && (!is_final || hop.final_answer().is_none())
        };
        // 100 goes no further than the next hop (RFC 3261 16.7).
        self.record.status() != Some(100) && (self.request.is_none() || hops.iter().any(went_on))
    }

    /// A finding about who sent the answer: at most a notice if that may be another one.
    pub(super) fn about_generator(
        &self,
        rule: &'static Rule,
        severity: Severity,
        summary: String,
        remediation: String,
    ) -> Finding {
        let mut found = self.finding(rule, severity, summary, remediation);
        if severity > Severity::Notice && self.may_be_relayed() {
            found.severity = Severity::Notice;
            found.context.push(("maybe_relayed", true));
        }
        found
    }

    /// A severity that needs the message as its originator sent it.
    pub(super) fn at_origin(&self, severity: Severity) -> Severity {
        if self.depth() <= 1 { severity } else { severity.milder() }
    }
}

/// The INVITE and UPDATE requests as they left their originators; those that were only challenged are sent again, and judged then.
pub(super) fn requests<'a>(case: &'a DialogCase<'_>) -> impl Iterator<Item = Judged<'a>> {
    case.exchanges.iter().filter_map(move |exchange| {
        let hop = case.view.hop(exchange.root)?;
        let record = case.view.request(hop)?;
        let challenged = exchange.answers.iter().any(|answer| matches!(answer.status, 401 | 407));
        (hop.method.refreshes_sessions() && !challenged).then_some(Judged { case, hop, record, request: Some(record) })
    })
}

/// The final answers on the hop nearest to who gave them.
pub(super) fn answers<'a>(case: &'a DialogCase<'_>) -> impl Iterator<Item = Judged<'a>> {
    answers_at(case, |answer| answer.deepest)
}

/// The final answers on the hop nearest to who asked.
pub(super) fn answers_to_client<'a>(case: &'a DialogCase<'_>) -> impl Iterator<Item = Judged<'a>> {
    answers_at(case, |answer| answer.top)
}

/// The final answers on the hop, and with the message, that `place` picks.
fn answers_at<'a>(
    case: &'a DialogCase<'_>,
    place: fn(&Answered) -> (usize, usize),
) -> impl Iterator<Item = Judged<'a>> {
    case.exchanges.iter().flat_map(|exchange| &exchange.answers).filter_map(move |answer| judged(case, place(answer)))
}

/// The answers of an exchange on the hop nearest to who gave them: the final ones, then the provisional
/// ones that have timer headers.
pub(super) fn answers_with_headers<'a>(
    case: &'a DialogCase<'_>,
    exchange: &'a Exchange,
) -> impl Iterator<Item = Judged<'a>> {
    exchange.answers.iter().chain(&exchange.early).filter_map(move |answer| judged(case, answer.deepest))
}

fn judged<'a>(case: &'a DialogCase<'_>, (hop, record): (usize, usize)) -> Option<Judged<'a>> {
    let (hop, record) = (case.view.hop(hop)?, case.view.record(record)?);
    Some(Judged { case, hop, record, request: case.view.request(hop) })
}

/// The 2xx to INVITE and UPDATE.
pub(super) fn successes<'a>(case: &'a DialogCase<'_>) -> impl Iterator<Item = Judged<'a>> {
    let success = |judged: &Judged<'_>| judged.record.status().is_some_and(|status| status < 300);
    answers(case).filter(move |judged| judged.hop.method.refreshes_sessions() && success(judged))
}

pub(super) fn word(refresher: Option<Refresher>) -> &'static str {
    refresher.map_or("none", refresher_name)
}
