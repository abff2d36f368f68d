//! The language in which scenarios are told: requests, answers and pauses, spread over the legs of the path.

use super::super::packet::{MICROSECOND, MILLISECOND, SECOND};
use super::super::random::{Random, scale};
use super::plan::{Answer, Call, Event, EventKind, Mark, Media, Method, Step, Timer, Transaction, What};

/// Timer T1 of RFC 3261 section 17.1.1.1: the first repetition over UDP.
const T1: u64 = 500 * MILLISECOND;

/// How often things happen that are not the scenario's business.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Habits {
    /// Share of requests, and of final answers to INVITE, that are repeated over UDP.
    pub retransmit_share: f64,
    /// Mean length of a conversation, in nanoseconds.
    pub talk: u64,
    /// RTP packets of an answered call, both directions together.
    pub rtp_packets: u32,
}

/// A call being planned. Every operation moves `now` to when its last message has arrived.
#[derive(Debug)]
pub struct Script<'a> {
    call: Call,
    random: &'a mut Random,
    habits: Habits,
    now: u64,
    caller_cseq: u32,
    callee_cseq: u32,
    from_tag: u8,
    /// When a 2xx was repeated that has not been acknowledged yet.
    repeated_success: Option<u64>,
}

impl<'a> Script<'a> {
    /// Begins the plan of a call at a time.
    pub fn new(call: Call, random: &'a mut Random, habits: Habits, now: u64) -> Self {
        let caller_cseq = u32::try_from(random.between(1, 30_000)).unwrap_or(1);
        Self { call, random, habits, now, caller_cseq, callee_cseq: 1, from_tag: 0, repeated_success: None }
    }

    /// Ends the plan: its messages in order of time.
    pub fn finish(mut self) -> Call {
        self.call.steps.sort_by_key(|step| step.at);
        self.call
    }

    /// Lets time pass.
    pub fn wait(&mut self, nanoseconds: u64) {
        self.now = self.now.saturating_add(nanoseconds);
    }

    /// Lets a device think: some milliseconds.
    pub fn think(&mut self) {
        let pause = self.random.between(MILLISECOND, 12 * MILLISECOND);
        self.wait(pause);
    }

    /// True in this share of all calls.
    pub fn chance(&mut self, share: f64) -> bool {
        self.random.chance(share)
    }

    /// One of some values.
    pub fn pick<T: Copy>(&mut self, values: &[T], otherwise: T) -> T {
        self.random.pick(values).copied().unwrap_or(otherwise)
    }

    /// The number of legs of the path.
    pub fn legs(&self) -> u8 {
        u8::try_from(self.call.path.len().saturating_sub(1)).unwrap_or(1)
    }

    /// From now on the caller's initial requests have another From tag, as erratum 1681 of RFC 4028 wants it.
    pub fn change_from_tag(&mut self) {
        self.from_tag = self.from_tag.saturating_add(1);
    }

    /// Registrations of one client share its Call-ID and count on from a number.
    pub fn share_call_id(&mut self, cseq: u32) {
        self.call.shared_call_id = true;
        self.caller_cseq = cseq;
    }

    /// A request outside a dialog, from the caller, that travels the whole path. Not yet sent.
    pub fn initial(&mut self, method: Method, target: u8) -> Transaction {
        let cseq = self.caller_cseq;
        self.caller_cseq = cseq.saturating_add(1);
        Transaction {
            method,
            cseq,
            target,
            from_caller: true,
            legs: self.legs(),
            dialog: None,
            from_tag: self.from_tag,
            timer: Timer::default(),
            supports_timer: false,
            credentials: false,
            sdp: method == Method::Invite,
            branch_of: u8::try_from(self.call.transactions.len()).unwrap_or(u8::MAX),
            answer: Answer::default(),
            request_mark: None,
            answer_mark: None,
        }
    }

    /// A request inside the dialog that an INVITE made. Not yet sent.
    pub fn in_dialog(&mut self, invite: u8, method: Method, from_caller: bool) -> Transaction {
        let from_tag = self.call.transactions.get(usize::from(invite)).map_or(0, |invite| invite.from_tag);
        let cseq = if from_caller {
            self.caller_cseq
        } else {
            self.callee_cseq = self.callee_cseq.saturating_add(1);
            self.callee_cseq
        };
        let mut transaction = self.initial(method, 0);
        if !from_caller {
            self.caller_cseq = transaction.cseq;
        }
        transaction.cseq = cseq;
        transaction.from_caller = from_caller;
        transaction.dialog = Some(invite);
        transaction.from_tag = from_tag;
        transaction
    }

    /// Sends a request over all its legs; proxies (and often the far end) say 100 to an INVITE. Gives its number.
    pub fn send(&mut self, transaction: Transaction) -> u8 {
        let number = u8::try_from(self.call.transactions.len()).unwrap_or(u8::MAX);
        let invite = transaction.method == Method::Invite;
        let legs = transaction.legs;
        self.call.transactions.push(transaction);
        if transaction.method != Method::Ack && !self.call.tcp && self.chance(self.habits.retransmit_share) {
            // The first copy passes the capture and is lost behind it.
            self.step(number, 0, What::Request, false);
            self.wait(T1);
            self.step(number, 0, What::Request, true);
        } else {
            self.step(number, 0, What::Request, false);
        }
        for leg in 1..=legs {
            self.travel();
            if invite && (leg < legs || self.chance(0.5)) {
                self.step(number, leg - 1, What::Response(100), false);
            }
            if leg < legs {
                self.step(number, leg, What::Request, false);
            }
        }
        number
    }

    /// A provisional answer from the far end.
    pub fn provisional(&mut self, transaction: u8, status: u16) {
        self.respond(transaction, status);
    }

    /// The final answer; one other than 2xx to an INVITE is acknowledged on every leg.
    pub fn answer(&mut self, transaction: u8, answer: Answer) {
        let Some(stored) = self.call.transactions.get_mut(usize::from(transaction)) else { return };
        stored.answer = answer;
        let (method, legs) = (stored.method, stored.legs);
        let repeatable = method == Method::Invite && !self.call.tcp && (answer.status >= 300 || legs == 1);
        let repeated = repeatable && self.chance(self.habits.retransmit_share);
        let begun = self.now;
        self.respond(transaction, answer.status);
        if repeated {
            // The first ACK passes the capture and is lost behind it; only the leg next to the server sees the repetition.
            let after = self.now;
            self.now = begun.saturating_add(T1);
            self.step(transaction, legs.saturating_sub(1), What::Response(answer.status), true);
            if answer.status >= 300 {
                self.travel();
                self.step(transaction, legs.saturating_sub(1), What::Ack, true);
            } else {
                self.repeated_success = Some(self.now);
            }
            self.now = after;
        }
    }

    /// The final answer of a plain success or failure.
    pub fn final_status(&mut self, transaction: u8, status: u16) {
        self.answer(transaction, Answer { status, ..Answer::default() });
    }

    /// The ACK to a 2xx, end to end.
    pub fn acknowledge(&mut self, invite: u8) {
        let mut ack = self.in_dialog(invite, Method::Ack, true);
        self.caller_cseq = ack.cseq;
        ack.sdp = false;
        ack.cseq = self.call.transactions.get(usize::from(invite)).map_or(1, |invite| invite.cseq);
        let ack = self.send(ack);
        if let Some(time) = self.repeated_success.take() {
            let after = self.now;
            self.now = time;
            self.travel();
            self.step(ack, 0, What::Request, true);
            self.now = after;
        }
    }

    /// Cancels an INVITE leg by leg; the INVITE is answered 487.
    pub fn cancel(&mut self, invite: u8) {
        let Some(original) = self.call.transactions.get(usize::from(invite)).copied() else { return };
        let cancel = Transaction { method: Method::Cancel, sdp: false, branch_of: invite, ..original };
        let number = u8::try_from(self.call.transactions.len()).unwrap_or(u8::MAX);
        self.call.transactions.push(Transaction { answer: Answer { status: 200, ..Answer::default() }, ..cancel });
        for leg in 0..original.legs {
            self.step(number, leg, What::Request, false);
            self.travel();
            self.step(number, leg, What::Response(200), false);
        }
        self.final_status(invite, 487);
    }

    /// Announces an event; what it is made of says so by marks.
    pub fn event(&mut self, kind: EventKind) -> u8 {
        let number = u8::try_from(self.call.events.len()).unwrap_or(u8::MAX);
        self.call.events.push(Event { kind, asked: None, rounds: 0, retried: 0, settled: false });
        number
    }

    /// Says what the final answer of a request means.
    pub fn mark_answer(&mut self, transaction: u8, mark: Mark) {
        if let Some(transaction) = self.call.transactions.get_mut(usize::from(transaction)) {
            transaction.answer_mark = Some(mark);
        }
    }

    /// Plans the RTP of the conversation that begins now, and gives how long the conversation lasts.
    pub fn conversation(&mut self) -> u64 {
        let talk = self.random.exponential(self.habits.talk).max(SECOND);
        if self.habits.rtp_packets == 0 {
            return talk;
        }
        let packets = self.habits.rtp_packets;
        self.call.media = Some(Media { at: self.now.saturating_add(5 * MILLISECOND), packets });
        // One packet each way every 20 ms.
        (u64::from(packets) * 10 * MILLISECOND).saturating_add(100 * MILLISECOND)
    }

    /// How long it rings.
    pub fn ring(&mut self) {
        let ring = self.random.exponential(3 * SECOND).clamp(200 * MILLISECOND, 12 * SECOND);
        self.wait(ring);
    }

    /// A share of a time, for a little variety around it.
    pub fn about(&mut self, nanoseconds: u64) -> u64 {
        let factor = 0.98 + f64::from(u32::try_from(self.random.below(40)).unwrap_or(0)) / 1000.0;
        scale(nanoseconds, factor)
    }

    /// A response travels back over all legs of its request.
    fn respond(&mut self, transaction: u8, status: u16) {
        let Some(stored) = self.call.transactions.get(usize::from(transaction)).copied() else { return };
        let acknowledged = stored.method == Method::Invite && status >= 300;
        self.travel();
        for leg in (0..stored.legs).rev() {
            self.step(transaction, leg, What::Response(status), false);
            self.travel();
            if acknowledged {
                self.step(transaction, leg, What::Ack, false);
            }
        }
    }

    /// The time a message needs to the next element and through it.
    fn travel(&mut self) {
        let delay = self.random.between(150 * MICROSECOND, 1500 * MICROSECOND);
        self.wait(delay);
    }

    fn step(&mut self, transaction: u8, leg: u8, what: What, repeated: bool) {
        self.call.steps.push(Step { at: self.now, transaction, leg, repeated, what });
    }
}
