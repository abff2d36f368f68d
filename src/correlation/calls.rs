//! The live calls of one shard, by Call-ID, and when each is over.

use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, VecDeque};
use std::hash::BuildHasher;
use std::sync::LazyLock;

use foldhash::quality::RandomState;
use foldhash::{HashMap, HashSet};

use super::links::Signal;
use super::record::{Kind, MessageRecord, Method};
use super::text::{Span, Texts};
use crate::limits;
use crate::time::Timestamp;

/// Messages that most calls have at least; room for them is made at once.
const USUAL_MESSAGES: usize = 8;

/// What the live calls of a shard have seen and done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallStats {
    /// Messages taken.
    pub messages: u64,
    /// Distinct Call-IDs.
    pub calls: u64,
    /// Of those, the ones with an INVITE.
    pub invite_calls: u64,
    /// Times that a Call-ID was judged in another episode.
    pub episodes: u64,
    /// Calls judged early because they had too many messages.
    pub too_long: u64,
    /// Calls judged early because there were too many at once.
    pub evicted: u64,
    /// Finished Call-IDs that are no longer remembered.
    pub forgotten: u64,
}

impl std::ops::AddAssign for CallStats {
    fn add_assign(&mut self, other: Self) {
        self.messages += other.messages;
        self.calls += other.calls;
        self.invite_calls += other.invite_calls;
        self.episodes += other.episodes;
        self.too_long += other.too_long;
        self.evicted += other.evicted;
        self.forgotten += other.forgotten;
    }
}

/// A call that is over: its messages, in the order in which they were seen.
#[derive(Debug)]
pub struct Ended {
    /// The Call-ID.
    pub call_id: Box<[u8]>,
    /// What stands for it among the calls of a run: no other has it, nor has another episode of the same Call-ID.
    pub instance: u64,
    /// Its messages.
    pub records: Vec<MessageRecord>,
    /// Their words.
    pub texts: Texts,
    /// Their Via digests.
    pub vias: Vec<u64>,
    /// Whether messages of this Call-ID were judged before.
    pub continued: bool,
    /// Until when all its messages are here: later ones are judged apart.
    pub watched_until: Timestamp,
}

impl Ended {
    /// Reads a little of each message, so that they are near when they are worked through: asked for in advance, they come all at once.
    pub fn warm(&self) -> u64 {
        self.records.iter().map(MessageRecord::warm).fold(self.texts.warm(), u64::wrapping_add)
    }
}

/// A dialog that stands, as far as the end of its call depends on it.
#[derive(Debug)]
struct Open {
    tags: (Span, Span),
    until: Timestamp,
}

#[derive(Debug)]
struct Live {
    ended: Ended,
    /// [`CallKey::digest`] of its Call-ID.
    digest: u64,
    has_invite: bool,
    standing: Standing,
}

/// What is open in a call, from which follows when it is over.
#[derive(Debug)]
struct Standing {
    quiet_until: Timestamp,
    pending_until: Timestamp,
    /// The Vias of the INVITE that is pending, on the hop nearest its originator.
    pending_vias: u32,
    open: Vec<Open>,
}

impl Standing {
    /// When the call is over if nothing more comes.
    fn deadline(&self) -> Timestamp {
        let open = self.open.iter().map(|dialog| dialog.until).max().unwrap_or(Timestamp::MIN);
        self.quiet_until.max(self.pending_until).max(open)
    }

    /// Keeps what the end of the call follows from.
    fn note(&mut self, record: &MessageRecord, now: Timestamp) {
        self.quiet_until = now.plus_seconds(limits::QUIET_SECONDS);
        match (record.kind, record.method) {
            (Kind::Request, Method::Invite) => {
                self.pending_until = now.plus_seconds(limits::PENDING_INVITE_SECONDS);
                self.pending_vias = self.pending_vias.min(record.vias.count);
            }
            (Kind::Response(100..=199), Method::Invite) => {
                self.pending_until = now.plus_seconds(limits::PENDING_INVITE_SECONDS);
            }
            (Kind::Response(200..=299), method) if method.refreshes_sessions() => {
                if method == Method::Invite {
                    self.pending_until = Timestamp::MIN;
                }
                self.keep_open(record, now);
            }
            // Other branches of a fork may go on ringing: only the answer to the originator ends the attempt.
            (Kind::Response(_), Method::Invite) if record.vias.count <= self.pending_vias => {
                self.pending_until = Timestamp::MIN;
                self.pending_vias = u32::MAX;
            }
            (Kind::Request, Method::Bye) => {
                let (one, other) = (record.from_tag, record.to_tag);
                self.open.retain(|dialog| dialog.tags != (one, other) && dialog.tags != (other, one));
            }
            _ => {}
        }
    }

    fn keep_open(&mut self, record: &MessageRecord, now: Timestamp) {
        let interval = record.session_expires.value().map(|seconds| i64::try_from(seconds).unwrap_or(i64::MAX));
        let seconds = interval.map_or(limits::IDLE_DIALOG_SECONDS, |seconds| {
            seconds.min(limits::LONGEST_INTERVAL_SECONDS) + limits::DEADLINE_MARGIN_SECONDS
        });
        let until = now.plus_seconds(seconds);
        let (one, other) = (record.from_tag, record.to_tag);
        match self.open.iter_mut().find(|dialog| dialog.tags == (one, other) || dialog.tags == (other, one)) {
            Some(dialog) => dialog.until = until,
            None => {
                if self.open.len() < limits::MAX_OPEN_DIALOGS {
                    self.open.push(Open { tags: (one, other), until });
                }
            }
        }
    }
}

/// What stands for a Call-ID: two digests, so that no two Call-IDs of a run have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallKey {
    /// Another one in each run, so that nobody can make many calls meet in one place of a table.
    key: u64,
    /// The same in each run: for shards.
    digest: u64,
}

static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::default);

/// A hash that is another one in each run: nobody can make texts that have the same.
pub(super) fn keyed(bytes: &[u8]) -> u64 {
    KEYS.hash_one(bytes)
}

impl CallKey {
    /// The key of a Call-ID.
    pub fn of(call_id: &[u8]) -> Self {
        Self { key: keyed(call_id), digest: digest(call_id) }
    }

    /// A hash that is the same in each run.
    pub const fn hash64(self) -> u64 {
        self.digest
    }
}

/// A message on its way to its call.
#[derive(Clone, Copy, Debug)]
pub struct Arriving<'a> {
    /// Its record; the spans point into `message`, the Vias into `digests`.
    pub record: &'a MessageRecord,
    /// The key of its Call-ID.
    pub key: CallKey,
    /// Its Call-ID.
    pub call_id: &'a [u8],
    /// Its bytes.
    pub message: &'a [u8],
    /// The Via digests of its window.
    pub digests: &'a [u64],
    /// Capture time in the order of frames.
    pub now: Timestamp,
}

/// A bound of a call's deadline, the number of the call, and its place.
type Bound = Reverse<(Timestamp, u64, u32)>;

/// When the call at a place is over. These lie side by side: calls themselves are far from the processor.
#[derive(Clone, Copy, Debug)]
struct Due {
    /// The number of the call.
    number: u64,
    /// The key of the call.
    key: u64,
    /// The bound under which it stands among the deadlines: at most its deadline.
    bound: Timestamp,
    /// When it is over if nothing more comes.
    deadline: Timestamp,
}

/// The calls of one shard.
///
/// A call is over when capture time passes its deadline. That is decided by the messages of the shard and the time that
/// comes with them, so it does not depend on when [`Calls::sweep`] is called.
#[derive(Debug, Default)]
pub struct Calls {
    /// The places of the live calls by [`CallKey::key`].
    places: HashMap<u64, u32>,
    /// The live calls, and nothing at places that are free.
    live: Vec<Option<Live>>,
    /// When they are over, by place.
    due: Vec<Due>,
    /// The places that are free.
    free: Vec<u32>,
    /// A lower bound of each live call's deadline; entries that are not a call's [`Due::bound`] are stale.
    deadlines: BinaryHeap<Bound>,
    finished: HashSet<u64>,
    finished_order: VecDeque<u64>,
    ended: Vec<Ended>,
    signals: Vec<Signal>,
    next_number: u64,
    stats: CallStats,
}

impl Calls {
    /// Takes a message.
    pub fn take(&mut self, arriving: &Arriving<'_>) {
        self.sweep(arriving.now);
        self.add(arriving);
    }

    /// Reads a little of what [`take`](Self::take) will need for a message of this call. Calls are many and their messages far
    /// apart, so that nearly all of it is far from the processor; asked for in advance, it comes all at once.
    pub fn warm(&self, key: CallKey) -> u64 {
        let place = self.places.get(&key.key);
        let Some(Some(live)) = place.and_then(|place| self.live.get(*place as usize)) else { return 0 };
        let last = live.ended.records.last().map_or(0, MessageRecord::warm);
        last.wrapping_add(live.ended.texts.warm()).wrapping_add(live.ended.vias.last().copied().unwrap_or(0))
    }

    /// Adds a message to its call, which begins with it if there is none.
    fn add(&mut self, arriving: &Arriving<'_>) {
        let Arriving { key, now, .. } = *arriving;
        let place = self.places.get(&key.key).copied().unwrap_or_else(|| self.begin(arriving));
        let index = place as usize;
        let (Some(Some(live)), Some(due)) = (self.live.get_mut(index), self.due.get_mut(index)) else { return };
        if live.digest != key.digest {
            // Should two Call-IDs meet after all, the first one ends here.
            self.end(place);
            return self.add(arriving);
        }
        self.stats.messages += 1;
        live.ended.records.push(arriving.record.clone());
        let Ended { records, texts, vias, continued, .. } = &mut live.ended;
        let Some((record, before)) = records.split_last_mut() else { return };
        record.settle(arriving.message, arriving.digests, before.last_mut(), texts, vias);
        if record.is_request() && record.method == Method::Invite && !live.has_invite {
            live.has_invite = true;
            self.stats.invite_calls += u64::from(!*continued);
        }
        // Behind a long pause of the capture a few frames come before their time is believed; one with a wrong clock keeps its call no
        // longer than this.
        let heard = now.max(record.time.min(now.plus_seconds(limits::LONGEST_INTERVAL_SECONDS)));
        live.standing.note(record, heard);
        due.deadline = live.standing.deadline();
        if due.deadline < due.bound {
            due.bound = due.deadline;
            self.deadlines.push(Reverse((due.bound, due.number, place)));
        }
        if let Some(signal) = Signal::of(&live.ended, now) {
            self.signals.push(signal);
        }
        if live.ended.records.len() >= limits::MAX_MESSAGES_PER_CALL {
            self.stats.too_long += 1;
            live.ended.watched_until = now;
            self.end(place);
        }
    }

    /// Begins a call, and gives its place.
    fn begin(&mut self, arriving: &Arriving<'_>) -> u32 {
        let Arriving { key: CallKey { key, digest }, call_id, now, .. } = *arriving;
        if self.places.len() >= limits::MAX_LIVE_CALLS {
            self.stats.evicted += 1;
            self.end_next(now);
        }
        let continued = self.finished.contains(&digest);
        if continued {
            self.stats.episodes += 1;
        } else {
            self.stats.calls += 1;
        }
        self.next_number += 1;
        let ended = Ended {
            call_id: call_id.into(),
            instance: if continued { digest ^ place_digest(arriving.record) } else { digest },
            records: Vec::with_capacity(USUAL_MESSAGES),
            texts: Texts::with_room(),
            vias: Vec::with_capacity(USUAL_MESSAGES),
            continued,
            watched_until: Timestamp::from_nanos(i64::MAX),
        };
        let quiet_until = now.plus_seconds(limits::QUIET_SECONDS);
        let live = Some(Live {
            ended,
            digest,
            has_invite: false,
            standing: Standing { quiet_until, pending_until: Timestamp::MIN, pending_vias: u32::MAX, open: Vec::new() },
        });
        let due = Due { number: self.next_number, key, bound: quiet_until, deadline: quiet_until };
        let place = self.free.pop().unwrap_or_else(|| u32::try_from(self.live.len()).unwrap_or(u32::MAX));
        match (self.live.get_mut(place as usize), self.due.get_mut(place as usize)) {
            (Some(old), Some(old_due)) => (*old, *old_due) = (live, due),
            _ => {
                self.live.push(live);
                self.due.push(due);
            }
        }
        self.deadlines.push(Reverse((due.bound, due.number, place)));
        self.places.insert(key, place);
        place
    }

    /// Ends the calls whose deadline has passed, the earliest first.
    pub fn sweep(&mut self, now: Timestamp) {
        while let Some(Reverse((bound, _, _))) = self.deadlines.peek() {
            if *bound > now {
                return;
            }
            self.pop();
        }
    }

    /// Takes the earliest bound: ends its call if that is its deadline, else puts the deadline in its place.
    fn pop(&mut self) -> bool {
        let Some(mut earliest) = self.deadlines.peek_mut() else { return true };
        let Reverse((bound, number, place)) = *earliest;
        let due = self.due.get_mut(place as usize).filter(|due| due.number == number && due.bound == bound);
        let Some(due) = due else {
            PeekMut::pop(earliest);
            return false;
        };
        let deadline = due.deadline;
        if deadline <= bound {
            PeekMut::pop(earliest);
            if let Some(Some(live)) = self.live.get_mut(place as usize) {
                live.ended.watched_until = deadline;
            }
            self.end(place);
            return true;
        }
        due.bound = deadline;
        *earliest = Reverse((deadline, number, place));
        false
    }

    /// Ends the call that would end first.
    fn end_next(&mut self, now: Timestamp) {
        while !self.pop() {}
        if let Some(ended) = self.ended.last_mut() {
            ended.watched_until = ended.watched_until.min(now);
        }
    }

    /// Ends the call at a place, which is free from then on.
    fn end(&mut self, place: u32) {
        let Some(live) = self.leave(place) else { return };
        self.ended.push(live.ended);
        if self.finished.insert(live.digest) {
            self.finished_order.push_back(live.digest);
        }
        if self.finished_order.len() > limits::MAX_FINISHED_CALL_IDS
            && let Some(oldest) = self.finished_order.pop_front()
        {
            self.finished.remove(&oldest);
            self.stats.forgotten += 1;
        }
    }

    /// Takes the call at a place away.
    fn leave(&mut self, place: u32) -> Option<Live> {
        let live = self.live.get_mut(place as usize)?.take()?;
        let due = self.due.get_mut(place as usize)?;
        self.places.remove(&due.key);
        // No call has this number, so that bounds of the one that left are stale.
        due.number = 0;
        self.free.push(place);
        Some(live)
    }

    /// Ends all calls: the input is over.
    pub fn finish(&mut self) {
        while let Some(Reverse((_, number, place))) = self.deadlines.pop() {
            if self.due.get(place as usize).is_some_and(|due| due.number == number)
                && let Some(live) = self.leave(place)
            {
                self.ended.push(live.ended);
            }
        }
    }

    /// The calls that ended since this was last asked.
    pub fn take_ended(&mut self) -> Vec<Ended> {
        std::mem::take(&mut self.ended)
    }

    /// What may link calls, since this was last asked.
    pub fn take_signals(&mut self) -> Vec<Signal> {
        std::mem::take(&mut self.signals)
    }

    /// The counters.
    pub const fn stats(&self) -> CallStats {
        self.stats
    }
}

/// A digest of the place of a message.
fn place_digest(record: &MessageRecord) -> u64 {
    let place = [u64::from(record.input), record.frame, u64::from(record.position)].map(u64::to_le_bytes);
    xxhash_rust::xxh3::xxh3_64(place.as_flattened())
}

/// The digest of a Call-ID.
pub fn digest(call_id: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(call_id)
}

#[cfg(test)]
mod tests {
    use super::super::extract::{Found, extract};
    use super::*;
    use crate::sip::Message;

    fn take(calls: &mut Calls, call_id: &str, now: Timestamp) {
        let text = format!(
            "OPTIONS sip:b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:b>\r\n\
             Call-ID: {call_id}\r\nCSeq: 1 OPTIONS\r\n\r\n"
        );
        let message = Message::parse(text.as_bytes()).unwrap();
        let found = Found { time: now, frame: 1, ..Found::default() };
        let mut digests = Vec::new();
        let record = extract(&message, &found, &mut digests).unwrap();
        let call_id = call_id.as_bytes();
        let message = message.raw();
        calls.take(&Arriving { record: &record, key: CallKey::of(call_id), call_id, message, digests: &digests, now });
    }

    #[test]
    fn a_capture_at_the_end_of_time_comes_to_an_end() {
        let mut calls = Calls::default();
        for now in [i64::MAX - 1, i64::MAX, i64::MAX] {
            take(&mut calls, "a", Timestamp::from_nanos(now));
        }
        calls.finish();
        assert_eq!(calls.take_ended().iter().map(|ended| ended.records.len()).sum::<usize>(), 3);
        assert_eq!(calls.stats().calls, 1);
    }

    #[test]
    fn a_call_ends_after_64_t1_of_quiet_and_goes_on_as_another_episode() {
        let mut calls = Calls::default();
        let at = |seconds| Timestamp::from_parts(seconds, 0);
        take(&mut calls, "a", at(0));
        take(&mut calls, "a", at(31));
        take(&mut calls, "b", at(62));
        assert!(calls.take_ended().is_empty());
        take(&mut calls, "a", at(63));
        calls.sweep(at(63));
        let ended = calls.take_ended();
        assert_eq!(ended.iter().map(|ended| (ended.records.len(), ended.continued)).collect::<Vec<_>>(), [(2, false)]);
        calls.finish();
        let continued: Vec<bool> = calls.take_ended().iter().map(|ended| ended.continued).collect();
        assert_eq!(continued.iter().filter(|continued| **continued).count(), 1);
        assert_eq!((calls.stats().calls, calls.stats().episodes), (2, 1));
    }
}
