//! The stretches of a session between two 2xx, and the refresh requests in them: what rules about refresh and expiry judge.

use super::rule::{Confidence, Finding, Rule, Scope, Value};
use super::session::DialogCase;
use super::words::name;
use crate::correlation::{
    Agreement, Dialog, Evidence, Hop, MessageRecord, Method, Offer, RefreshRequest, Role, Seconds, Span, TimerMarks,
    Watch, refresher_name,
};
use crate::net::Transport;
use crate::time::{NANOS_PER_SECOND, Timestamp, milliseconds};

/// The longest lead of the BYE of a party that is not refreshed, in seconds (RFC 4028 10).
const LONGEST_LEAD: u64 = 32;
/// How many of the requests before and behind one are looked at to see which crossed it.
const NEIGHBOURS: usize = 4;

/// A stretch of a session: from a 2xx with an interval to the next 2xx, or the end.
#[derive(Clone, Copy)]
pub(super) struct Stretch<'a> {
    pub(super) dialog: &'a Dialog,
    pub(super) agreement: &'a Agreement,
    pub(super) interval: u64,
    /// When the session expires.
    pub(super) deadline: Timestamp,
    /// When the next 2xx restarted the clock.
    pub(super) renewed: Option<Timestamp>,
}

/// That many seconds, in nanoseconds.
pub(super) fn span_nanos(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(NANOS_PER_SECOND)
}

pub(super) fn to_seconds(nanos: i64) -> f64 {
    milliseconds(nanos) / 1_000.0
}

impl<'a> Stretch<'a> {
    /// The stretch that begins with the agreement at `at`; none if that agrees on no timer.
    fn of(dialog: &'a Dialog, order: &[&'a Agreement], at: usize) -> Option<Self> {
        let agreement = *order.get(at)?;
        let interval = agreement.interval.filter(|interval| *interval > 0)?;
        // The other side may have refused, or the dialog began before the capture with another agreement: still, this 2xx holds.
        let deadline = agreement.time.plus(span_nanos(interval));
        let renewed = order.get(at.saturating_add(1)).map(|next| next.first);
        Some(Self { dialog, agreement, interval, deadline, renewed })
    }

    /// The party that had to refresh, for a sentence.
    pub(super) fn refresher(&self) -> String {
        match self.agreement.refresher_tag {
            Some(tag) => name(self.dialog.party(tag)),
            None => "one of the parties (the 2xx names no refresher)".to_owned(),
        }
    }

    /// The lead with which the other party should end the session, in seconds (RFC 4028 10).
    pub(super) fn lead(&self) -> u64 {
        LONGEST_LEAD.min(self.interval / 3)
    }

    /// The first INVITE or UPDATE of the party that had to refresh.
    pub(super) fn first_refresh(&self) -> Option<&'a RefreshRequest> {
        let from = self.dialog.refreshes.partition_point(|refresh| refresh.time <= self.agreement.time);
        let later = self.dialog.refreshes.get(from..).unwrap_or_default().iter();
        let own = |by: Span| self.agreement.refresher_tag.is_none_or(|tag| tag == by);
        later.clone().find(|refresh| own(refresh.by))
    }

    pub(super) fn refresh_sent_by(&self, time: Timestamp) -> bool {
        self.first_refresh().is_some_and(|sent| sent.time <= time)
    }

    /// Whether a refresh before that time may have succeeded unseen: the capture lacks its answer, and it was not sent as often as it would
    /// have been; or it lacks the request.
    pub(super) fn may_be_renewed(&self, case: &DialogCase<'_>, time: Timestamp) -> bool {
        let since = self.agreement.time;
        let mut sent = self.dialog.refreshes.iter().filter(|sent| sent.time > since && sent.time < time);
        let is_open = |hop: &Hop| hop.final_answer().is_none() && stopped_sending(hop, time);
        let lacks_answer = sent.any(|sent| case.view.hop(sent.hop).is_some_and(is_open));
        lacks_answer || self.dialog.unseen.iter().any(|unseen| unseen.until > since && unseen.from < time)
    }

    /// What has to hold to say what did not happen in it until then.
    pub(super) fn watch(&self, case: &DialogCase<'_>, until: Timestamp) -> Watch {
        let (capture_source, client, server) = self.dialog.path;
        Watch {
            capture_source,
            from: self.agreement.time,
            until,
            path: (client, server),
            both_directions: self.dialog.both_directions,
            whole: until <= case.view.watched_until && !self.may_be_renewed(case, until),
            on_stream: self.dialog.on_stream,
        }
    }

    /// What every rule about refresh and expiry says of it.
    pub(super) fn values(&self) -> Vec<(&'static str, Value)> {
        let agreement = self.agreement;
        let party = agreement.refresher_tag.map(|tag| self.dialog.party(tag));
        vec![
            ("interval_s", Value::Number(self.interval)),
            ("refresher", agreement.refresher.map_or(Value::None, |side| Value::Word(refresher_name(side)))),
            (
                "refresher_address",
                party.map_or(Value::None, |party| Value::Text(party.endpoint.to_string().into_bytes().into())),
            ),
            ("refresh_due_s", Value::Number(self.interval / 2)),
            ("bye_due_s", Value::Number(self.interval.saturating_sub(self.lead()))),
        ]
    }

    /// A finding about it, at the 2xx that began it, with the last refresh request until `time`.
    pub(super) fn finding(
        &self,
        rule: &'static Rule,
        case: &DialogCase<'_>,
        time: Timestamp,
        texts: (String, String),
    ) -> Finding {
        let mut evidence = vec![self.agreement.evidence];
        let before = self.dialog.refreshes.partition_point(|refresh| refresh.time <= time);
        let latest = before.checked_sub(1).and_then(|at| self.dialog.refreshes.get(at));
        evidence.extend(latest.map(|refresh| refresh.evidence));
        Finding {
            rule,
            severity: rule.severity,
            confidence: Confidence::Strong,
            scope: Scope::Dialog,
            place: self.agreement.evidence.place,
            time: self.agreement.time,
            call_id: case.view.call_id.into(),
            summary: texts.0,
            remediation: texts.1,
            values: self.values(),
            evidence,
            context: vec![("capture_started_mid_dialog", self.dialog.mid_capture)],
            watch: None,
        }
    }
}

/// When the copies of a request follow the first over UDP, in halves of seconds (T1): RFC 3261 17.1.1.2 for INVITE, 17.1.2.2 for others.
const INVITE_COPIES: [i64; 6] = [1, 3, 7, 15, 31, 63];
const OTHER_COPIES: [i64; 10] = [1, 3, 7, 15, 23, 31, 39, 47, 55, 63];

/// Whether the client of a request of which no answer was captured had stopped to send it by that time before it gave up: then there was
/// an answer.
fn stopped_sending(hop: &Hop, time: Timestamp) -> bool {
    if hop.retransmissions == 0 || hop.transport != Transport::Udp {
        return true;
    }
    let copies = if hop.method == Method::Invite { &INVITE_COPIES[..] } else { &OTHER_COPIES[..] };
    let next = usize::try_from(hop.retransmissions).ok().and_then(|sent| copies.get(sent));
    // A second is left for those that come late.
    next.is_some_and(|halves| time.since(hop.start) > (halves / 2 + 2) * NANOS_PER_SECOND)
}

/// The 2xx of a dialog in the order in which they came first.
pub(super) fn ordered(dialog: &Dialog) -> Vec<&Agreement> {
    let mut order: Vec<&Agreement> = dialog.agreements.iter().collect();
    order.sort_by_key(|agreement| (agreement.first, agreement.time));
    order
}

/// The dialogs in which a session runs: an UPDATE may agree on a timer while the dialog is early, which begins once the call is
/// answered.
pub(super) fn running<'a>(case: &'a DialogCase<'_>) -> impl Iterator<Item = &'a Dialog> {
    case.dialogs.iter().filter(|dialog| dialog.answer.is_some() || dialog.mid_capture)
}

/// The stretches of a dialog in order.
pub(super) fn stretches_of(dialog: &Dialog) -> Vec<Stretch<'_>> {
    let order = ordered(dialog);
    (0..order.len()).filter_map(|at| Stretch::of(dialog, &order, at)).collect()
}

/// The stretches of all dialogs.
pub(super) fn stretches<'a>(case: &'a DialogCase<'_>) -> impl Iterator<Item = Stretch<'a>> {
    running(case).flat_map(stretches_of)
}

/// A request within a dialog that refreshes the session if it gets a 2xx.
pub(super) struct Refresh<'a> {
    pub(super) dialog: &'a Dialog,
    pub(super) sent: &'a RefreshRequest,
    pub(super) hop: &'a Hop,
    pub(super) request: &'a MessageRecord,
    /// Its first final response.
    pub(super) answer: Option<&'a MessageRecord>,
    /// What was in force when it was sent; none if no timer ran, or none that the capture shows.
    pub(super) stretch: Option<Stretch<'a>>,
    /// Whether another one of the dialog was open at the same time.
    crossed: bool,
}

impl Refresh<'_> {
    pub(super) fn status(&self) -> Option<u16> {
        self.answer.and_then(MessageRecord::status)
    }

    /// Whether a session timer plays a part in it.
    pub(super) fn is_timed(&self) -> bool {
        self.stretch.is_some() || self.request.session_expires != Seconds::Absent
    }

    /// Whether it does nothing but refresh: an UPDATE without an offer, or an offer that changes nothing.
    pub(super) fn is_pure(&self) -> bool {
        match self.sent.offer {
            Offer::None => self.request.method == Method::Update,
            Offer::Same | Offer::OtherVersion => true,
            Offer::Changed | Offer::Unknown => false,
        }
    }

    /// Whether it was refused because it crossed another one (RFC 3261 14.2, RFC 3311 5.2).
    pub(super) fn is_glare(&self) -> bool {
        let told_to_wait = self.answer.is_some_and(|answer| answer.timer_marks.has(TimerMarks::RETRY_AFTER));
        match self.status() {
            Some(491) => true,
            Some(500) => told_to_wait && self.crossed,
            _ => false,
        }
    }

    /// Who sent it.
    pub(super) fn client(&self, case: &DialogCase<'_>) -> String {
        let client = case.view.client(self.hop);
        // Some leave User-Agent out of what they send within a dialog.
        if client.agent.is_some() { name(&client) } else { name(self.dialog.party(self.sent.by)) }
    }

    /// Who answered.
    pub(super) fn server(&self, case: &DialogCase<'_>) -> String {
        match self.hop.final_answer() {
            Some(answer) => name(&case.view.server(self.hop, answer)),
            None => self.hop.server.to_string(),
        }
    }

    /// The nanoseconds from the 2xx that was in force.
    pub(super) fn after(&self) -> Option<i64> {
        self.stretch.map(|stretch| self.request.time.since(stretch.agreement.time))
    }

    pub(super) fn finding(
        &self,
        rule: &'static Rule,
        case: &DialogCase<'_>,
        (summary, remediation): (String, String),
    ) -> Finding {
        let mut evidence = Vec::with_capacity(3);
        evidence.extend(self.stretch.map(|stretch| stretch.agreement.evidence));
        evidence.push(self.sent.evidence);
        evidence.extend(
            self.answer.map(|answer| Evidence { place: crate::correlation::place_of(answer), role: Role::Answer }),
        );
        let mut values = self.stretch.map(|stretch| stretch.values()).unwrap_or_default();
        values.push(("request_session_expires_s", self.request.session_expires.value().into()));
        values.push(("request_min_se_s", self.request.min_se.value().into()));
        values.push(("status", self.status().map(u64::from).into()));
        values.push(("after_s", self.after().map_or(Value::None, |after| Value::Decimal(to_seconds(after)))));
        Finding {
            rule,
            severity: rule.severity,
            confidence: Confidence::Strong,
            scope: Scope::Dialog,
            place: self.sent.evidence.place,
            time: self.sent.time,
            call_id: case.view.call_id.into(),
            summary,
            remediation,
            values,
            evidence,
            context: vec![
                ("capture_started_mid_dialog", self.dialog.mid_capture),
                ("hop1_seen", case.view.depth(self.hop) <= 1),
            ],
            watch: None,
        }
    }
}

/// The refresh requests of a dialog in order of time.
pub(super) fn refreshes<'a>(case: &'a DialogCase<'_>, dialog: &'a Dialog) -> Vec<Refresh<'a>> {
    if dialog.refreshes.is_empty() {
        return Vec::new();
    }
    let runs = dialog.answer.is_some() || dialog.mid_capture;
    let order = if runs { ordered(dialog) } else { Vec::new() };
    let mut found: Vec<Refresh<'a>> = dialog
        .refreshes
        .iter()
        .filter_map(|sent| {
            let hop = case.view.hop(sent.hop)?;
            let request = case.view.request(hop)?;
            let before = order.partition_point(|agreement| agreement.first <= sent.time);
            let stretch = before.checked_sub(1).and_then(|at| Stretch::of(dialog, &order, at));
            let answer = hop.final_answer().and_then(|answer| case.view.record(answer.first));
            Some(Refresh { dialog, sent, hop, request, answer, stretch, crossed: false })
        })
        .collect();
    let open = |refresh: &Refresh<'_>, at: Timestamp| {
        refresh.sent.time <= at && refresh.answer.is_none_or(|answer| answer.time >= at)
    };
    let crossed: Vec<bool> = found
        .iter()
        .enumerate()
        .map(|(at, own)| {
            let near = found.iter().enumerate().skip(at.saturating_sub(NEIGHBOURS)).take(2 * NEIGHBOURS + 1);
            near.filter(|(other, _)| *other != at)
                .any(|(_, other)| open(other, own.sent.time) || open(own, other.sent.time))
        })
        .collect();
    for (refresh, crossed) in found.iter_mut().zip(crossed) {
        refresh.crossed = crossed;
    }
    found
}

/// The refresh requests of one dialog of which `wanted` says yes, if there are any: the first, and how many.
pub(super) fn first_and_count<'r, 'a>(
    refreshes: &'r [Refresh<'a>],
    wanted: impl Fn(&Refresh<'a>) -> bool,
) -> Option<(&'r Refresh<'a>, u64)> {
    let mut all = refreshes.iter().filter(|refresh| wanted(refresh));
    let first = all.next()?;
    Some((first, u64::try_from(all.count()).unwrap_or(u64::MAX).saturating_add(1)))
}

/// How often something happened in a dialog, as the end of a sentence.
pub(super) fn times(count: u64) -> String {
    if count > 1 { format!(" ({count} times in this dialog)") } else { String::new() }
}
