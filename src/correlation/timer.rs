//! The exchanges of a call in which session timers play a part, each with the hops on which its answers can be judged.

use foldhash::{HashMap, HashMapExt};

use super::marks::TimerMarks;
use super::record::{MessageRecord, Seconds};
use super::text::Span;
use super::view::CallView;

/// A request of the call with all its hops and answers.
#[derive(Debug)]
pub struct Exchange {
    /// The hop on which the request left its originator, as far as it was captured.
    pub root: usize,
    /// Its final answers; forks give several.
    pub answers: Vec<Answered>,
    /// Of its provisional answers those with Session-Expires or Min-SE, which do not belong there.
    pub early: Vec<Answered>,
    /// Each hop below it with the hop it was made from, where both Via lists show it and nothing lies between.
    pub forwarded: Vec<(usize, usize)>,
}

/// An answer, on the hops on which it was seen.
#[derive(Debug)]
pub struct Answered {
    /// The status code.
    pub status: u16,
    /// The hop nearest the client, and the response on it.
    pub top: (usize, usize),
    /// The hop nearest the server, and the response on it.
    pub deepest: (usize, usize),
}

fn has_interval(record: &MessageRecord) -> bool {
    record.session_expires != Seconds::Absent || record.min_se != Seconds::Absent
}

/// Whether a message has to do with session timers.
fn concerns_timer(record: &MessageRecord) -> bool {
    const WORDS: TimerMarks = TimerMarks::REQUIRE.and(TimerMarks::PROXY_REQUIRE).and(TimerMarks::UNSUPPORTED);
    has_interval(record) || record.timer_marks.has_any(WORDS) || record.status() == Some(422)
}

/// The exchanges of a call in order of time; none if no message has to do with timers.
pub fn exchanges(view: &CallView<'_>) -> Vec<Exchange> {
    if !view.records.iter().any(concerns_timer) {
        return Vec::new();
    }
    let hops = &view.transactions.hops;
    let mut found: Vec<Exchange> = Vec::new();
    let mut by_root: HashMap<usize, usize> = HashMap::new();
    let mut answers: HashMap<(usize, u16, Span), usize> = HashMap::new();
    for (at, hop) in hops.iter().enumerate() {
        let root = view.root(at);
        let index = *by_root.entry(root).or_insert_with(|| {
            found.push(Exchange { root, answers: Vec::new(), early: Vec::new(), forwarded: Vec::new() });
            found.len() - 1
        });
        let Some(exchange) = found.get_mut(index) else { continue };
        let above = hop.parent.filter(|_| !hop.inferred).and_then(|parent| Some((parent, view.hop(parent)?)));
        if let Some((parent, _)) = above.filter(|(_, above)| view.depth(above) + 1 == view.depth(hop)) {
            exchange.forwarded.push((parent, at));
        }
        for answer in &hop.answers {
            let list = if answer.status >= 200 {
                &mut exchange.answers
            } else if view.record(answer.first).is_some_and(has_interval) {
                &mut exchange.early
            } else {
                continue;
            };
            let new = Answered { status: answer.status, top: (at, answer.first), deepest: (at, answer.first) };
            let key = (root, answer.status, answer.to_tag);
            let place = *answers.entry(key).or_insert(list.len());
            match list.get_mut(place) {
                Some(known) => {
                    let depth = |hop: usize| view.hop(hop).map_or(0, |hop| view.depth(hop));
                    if depth(at) > depth(known.deepest.0) {
                        known.deepest = new.deepest;
                    }
                    if depth(at) < depth(known.top.0) {
                        known.top = new.top;
                    }
                }
                None => list.push(new),
            }
        }
    }
    found
}
