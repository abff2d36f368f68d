//! What is known about a capture, counted while it is made.

use super::super::packet::{MILLISECOND, SECOND};
use super::plan::{Call, Event, EventKind, Mark, Transaction, What};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};

/// How long a 3xx or 422 must be watched before nothing coming of it means anything: 64*T1, in nanoseconds.
const WATCH: u64 = 32 * SECOND;

/// Counts of everything written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// SIP messages: every leg, every repetition, every copy by a mirror; over TCP each once.
    pub sip_messages: u64,
    /// Of these, requests by method.
    pub requests: BTreeMap<&'static str, u64>,
    /// Of these, responses by status.
    pub responses: BTreeMap<u16, u64>,
    /// Of these, messages sent again over UDP.
    pub retransmissions: u64,
    /// Of these, datagrams seen twice.
    pub mirror_duplicates: u64,
    /// SIP messages over TCP.
    pub tcp_messages: u64,
    /// Datagrams cut into fragments.
    pub fragmented: u64,
    /// TCP connections opened.
    pub tcp_connections: u64,
    /// RTP packets.
    pub rtp_packets: u64,
    /// Call-IDs.
    pub calls: u64,
    /// Call-IDs with an INVITE.
    pub invite_calls: u64,
    redirects: BTreeMap<u16, u64>,
    redirect_outcomes: Outcomes,
    negotiations: u64,
    negotiation_outcomes: Outcomes,
    watched: VecDeque<Event>,
}

/// Counts of events by outcome.
type Outcomes = BTreeMap<&'static str, u64>;

impl Truth {
    /// Counts a message of a call at the time of its frame, and what it means.
    pub fn message(&mut self, call: &mut Call, transaction: &Transaction, what: What, time: u64) {
        self.count(transaction, what);
        let mark = match what {
            What::Request => transaction.request_mark,
            What::Response(status) if status >= 200 => transaction.answer_mark,
            What::Response(_) | What::Ack => None,
        };
        if let Some(mark) = mark {
            self.mark(&mut call.events, mark, time);
        }
    }

    /// Counts a message that means nothing new: a copy of one before.
    pub fn count(&mut self, transaction: &Transaction, what: What) {
        self.sip_messages += 1;
        match what {
            What::Request => *self.requests.entry(transaction.method.name()).or_default() += 1,
            What::Ack => *self.requests.entry("ACK").or_default() += 1,
            What::Response(status) => *self.responses.entry(status).or_default() += 1,
        }
    }

    /// Takes over the events of a call that has ended, or been cut off; `now` is a time that the capture has reached.
    pub fn close(&mut self, call: &Call, now: u64) {
        for event in call.events.iter().filter(|event| event.asked.is_some()) {
            if decided(event) {
                self.judge(event, now);
            } else {
                self.watched.push_back(*event);
            }
        }
        while let Some(event) = self.watched.front().copied().filter(|event| is_watched(event, now)) {
            self.judge(&event, now);
            self.watched.pop_front();
        }
    }

    /// Whether the capture, if it ended at this time, would leave it to a few milliseconds whether an event was watched.
    pub fn is_ambiguous<'a>(&'a self, calls: impl Iterator<Item = &'a Call>, end: u64) -> bool {
        let open = calls.flat_map(|call| call.events.iter()).filter(|event| !decided(event));
        self.watched.iter().chain(open).any(|event| {
            event.asked.is_some_and(|(first, last)| {
                let slack = 2 * MILLISECOND;
                (first + WATCH).saturating_sub(slack) <= end && end <= last + WATCH + slack
            })
        })
    }

    /// The truth as JSON, for a capture that ended at this time with so many frames. All calls are closed.
    pub fn to_json(mut self, end: u64, frames: u64) -> Value {
        for event in std::mem::take(&mut self.watched) {
            self.judge(&event, end);
        }
        let with = |outcomes: &Outcomes, names: &[&'static str]| -> Value {
            names.iter().map(|name| ((*name).to_owned(), json!(outcomes.get(name).copied().unwrap_or(0)))).collect()
        };
        let by_status = |counts: &BTreeMap<u16, u64>| -> Value {
            counts.iter().map(|(status, count)| (status.to_string(), json!(count))).collect()
        };
        json!({
            "frames": frames,
            "sip_messages": self.sip_messages,
            "requests": self.requests,
            "responses": by_status(&self.responses),
            "calls": self.calls,
            "invite_calls": self.invite_calls,
            "redirects": {
                "total": self.redirects.values().sum::<u64>(),
                "by_status": by_status(&self.redirects),
                "by_outcome": with(
                    &self.redirect_outcomes,
                    &["followed", "looped", "no_target", "not_followed", "undetermined"],
                ),
            },
            "negotiations": {
                "total": self.negotiations,
                "by_outcome": with(&self.negotiation_outcomes, &["resolved", "abandoned", "failed", "undetermined"]),
            },
            "mirror_duplicates": self.mirror_duplicates,
            "retransmissions": self.retransmissions,
            "fragmented_datagrams": self.fragmented,
            "tcp_messages": self.tcp_messages,
            "tcp_connections": self.tcp_connections,
            "rtp_packets": self.rtp_packets,
        })
    }

    fn mark(&mut self, events: &mut [Event], mark: Mark, time: u64) {
        let (Mark::Asked(number, _) | Mark::Followed(number) | Mark::Retried(number, _) | Mark::Resolved(number)) =
            mark;
        let Some(event) = events.get_mut(usize::from(number)) else { return };
        match mark {
            Mark::Asked(_, round) => {
                if event.asked.is_none() {
                    match event.kind {
                        EventKind::Redirect { status, .. } => *self.redirects.entry(status).or_default() += 1,
                        EventKind::Negotiation => self.negotiations += 1,
                    }
                }
                let first = if round > event.rounds { None } else { event.asked };
                event.asked = Some((first.map_or(time, |(first, _)| first), time));
                event.rounds = event.rounds.max(round);
            }
            Mark::Retried(_, round) => event.retried = event.retried.max(round),
            Mark::Followed(_) | Mark::Resolved(_) => event.settled = true,
        }
    }

    /// Counts the outcome of an event that happened, in a capture that has reached this time.
    fn judge(&mut self, event: &Event, now: u64) {
        let watched = is_watched(event, now);
        match event.kind {
            EventKind::Redirect { no_target, looped, .. } => {
                let outcome = match (no_target, event.settled, looped) {
                    (true, ..) => "no_target",
                    (_, true, true) => "looped",
                    (_, true, false) => "followed",
                    _ if watched => "not_followed",
                    _ => "undetermined",
                };
                *self.redirect_outcomes.entry(outcome).or_default() += 1;
            }
            EventKind::Negotiation => {
                let outcome = match (event.settled, event.retried >= event.rounds) {
                    (true, _) => "resolved",
                    (_, true) => "undetermined",
                    _ if !watched => "undetermined",
                    _ if event.rounds > 1 => "failed",
                    _ => "abandoned",
                };
                *self.negotiation_outcomes.entry(outcome).or_default() += 1;
            }
        }
    }
}

/// Whether the outcome of an event depends no more on how long it was watched.
fn decided(event: &Event) -> bool {
    event.settled || matches!(event.kind, EventKind::Redirect { no_target: true, .. })
}

/// Whether a capture that has reached a time has watched an event for long enough.
fn is_watched(event: &Event, now: u64) -> bool {
    event.asked.is_some_and(|(_, last)| now >= last + WATCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(event: Event, end: u64) -> String {
        let mut truth = Truth::default();
        truth.watched.push_back(event);
        let json = truth.to_json(end, 0);
        let section = if event.kind == EventKind::Negotiation { "negotiations" } else { "redirects" };
        let outcomes = json[section]["by_outcome"].as_object().unwrap();
        outcomes.iter().find(|(_, count)| **count == json!(1)).map(|(name, _)| name.clone()).unwrap()
    }

    #[test]
    fn an_event_must_be_watched_for_32_seconds() {
        let kind = EventKind::Redirect { status: 301, no_target: false, looped: false };
        let event = Event { kind, asked: Some((SECOND, SECOND)), rounds: 1, retried: 0, settled: false };
        assert_eq!(outcome(event, 33 * SECOND), "not_followed");
        assert_eq!(outcome(event, 33 * SECOND - 1), "undetermined");
        assert_eq!(outcome(Event { settled: true, ..event }, SECOND), "followed");
    }

    #[test]
    fn a_negotiation_ends_by_its_last_round() {
        let event = Event { kind: EventKind::Negotiation, asked: Some((0, 0)), rounds: 1, retried: 0, settled: false };
        assert_eq!(outcome(event, 40 * SECOND), "abandoned");
        assert_eq!(outcome(Event { rounds: 2, retried: 1, ..event }, 40 * SECOND), "failed");
        assert_eq!(outcome(Event { retried: 1, ..event }, 40 * SECOND), "undetermined");
        assert_eq!(outcome(Event { retried: 1, settled: true, ..event }, 0), "resolved");
    }
}
