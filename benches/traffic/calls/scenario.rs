//! What can happen to a call: a table of scenarios.

use super::super::packet::{MILLISECOND, SECOND};
use super::plan::{Answer, EventKind, Mark, Method, Timer};
use super::script::Script;

/// A way a call can go.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name in `--mix`.
    pub name: &'static str,
    /// How often it happens, in relation to the others, unless told otherwise.
    pub weight: f64,
    /// What happens, for the help text.
    pub summary: &'static str,
    /// Plays it.
    pub play: fn(&mut Script<'_>),
}

/// All scenarios. Registrations are apart: see [`register`].
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "plain", weight: 42.0, summary: "answered, no session timer", play: plain },
    Scenario {
        name: "timer",
        weight: 18.0,
        summary: "answered, session timer agreed, ends before a refresh",
        play: timer,
    },
    Scenario { name: "auth", weight: 5.0, summary: "407, then answered", play: auth },
    Scenario { name: "busy", weight: 4.0, summary: "486", play: busy },
    Scenario { name: "cancelled", weight: 3.0, summary: "CANCEL while it rings", play: cancelled },
    Scenario { name: "options", weight: 4.0, summary: "OPTIONS answered 200", play: options },
    Scenario { name: "refresh", weight: 1.5, summary: "session timer of 90 s, refreshed in time", play: refresh },
    Scenario {
        name: "refresh-missed",
        weight: 0.5,
        summary: "never refreshed, BYE just before expiry",
        play: refresh_missed,
    },
    Scenario { name: "r301", weight: 4.0, summary: "301 followed, answered", play: moved },
    Scenario { name: "r302", weight: 3.0, summary: "302 followed, answered", play: moved_temporarily },
    Scenario { name: "r301-not-followed", weight: 1.5, summary: "301, the caller gives up", play: moved_not_followed },
    Scenario { name: "r301-no-contact", weight: 0.5, summary: "301 without Contact", play: moved_nowhere },
    Scenario { name: "r301-chain", weight: 1.0, summary: "301 to an address that is moved too", play: moved_twice },
    Scenario {
        name: "r301-loop",
        weight: 0.5,
        summary: "301 to the address dialled, tried once more",
        play: moved_in_circles,
    },
    Scenario {
        name: "r301-contacts",
        weight: 1.0,
        summary: "301 with two contacts, the first is busy",
        play: moved_two_ways,
    },
    Scenario { name: "r301-auth", weight: 1.0, summary: "301, then 407 at the new address", play: moved_auth },
    Scenario { name: "r301-timer422", weight: 1.0, summary: "301 followed, then 422 resolved", play: moved_too_small },
    Scenario { name: "timer422", weight: 5.0, summary: "422, resolved by a retry", play: too_small },
    Scenario {
        name: "timer422-ladder",
        weight: 1.0,
        summary: "422 with 1800, 422 with 3600, resolved",
        play: too_small_twice,
    },
    Scenario {
        name: "timer422-abandoned",
        weight: 1.0,
        summary: "422, the caller gives up",
        play: too_small_abandoned,
    },
    Scenario {
        name: "timer422-failed",
        weight: 0.5,
        summary: "422, a retry as small, 422, gives up",
        play: too_small_failed,
    },
    Scenario {
        name: "timer422-auth",
        weight: 1.0,
        summary: "407 before or after the 422, resolved",
        play: too_small_auth,
    },
    Scenario {
        name: "timer422-update",
        weight: 0.5,
        summary: "422 to an UPDATE refresh, resolved",
        play: too_small_refresh,
    },
];

/// A registration: 401, then 200. The number is that of its first `CSeq`.
pub fn register(script: &mut Script<'_>, cseq: u32) {
    script.share_call_id(cseq);
    for (credentials, status) in [(false, 401), (true, 200)] {
        let mut register = script.initial(Method::Register, 0);
        register.legs = 1;
        register.credentials = credentials;
        let register = script.send(register);
        script.final_status(register, status);
        script.think();
    }
}

fn plain(script: &mut Script<'_>) {
    let invite = invite(script, 0, Timer::default(), None);
    answered(script, invite, Timer::default());
}

fn timer(script: &mut Script<'_>) {
    let seconds = script.pick(&[600, 1800, 3600], 1800);
    let invite = invite(script, 0, Timer::interval(seconds), None);
    answered(script, invite, granted(seconds));
}

fn auth(script: &mut Script<'_>) {
    challenged(script, 0, Timer::default(), None);
    let invite = authorized(script, 0, Timer::default(), None);
    answered(script, invite, Timer::default());
}

fn busy(script: &mut Script<'_>) {
    let invite = invite(script, 0, Timer::default(), None);
    script.think();
    script.final_status(invite, 486);
}

fn cancelled(script: &mut Script<'_>) {
    let invite = invite(script, 0, Timer::default(), None);
    script.provisional(invite, 180);
    script.ring();
    script.cancel(invite);
}

fn options(script: &mut Script<'_>) {
    let mut options = script.initial(Method::Options, 0);
    options.legs = 1;
    let options = script.send(options);
    script.final_status(options, 200);
}

fn refresh(script: &mut Script<'_>) {
    let invite = invite(script, 0, Timer::interval(90), None);
    connect(script, invite, granted(90));
    script.conversation();
    let method = script.pick(&[Method::Update, Method::Invite], Method::Update);
    for _ in 0..2 {
        let pause = script.about(45 * SECOND);
        script.wait(pause);
        refresh_once(script, invite, method, Timer { refresher: Some("uac"), ..Timer::interval(90) });
    }
    script.wait(20 * SECOND);
    hang_up(script, invite, true);
}

fn refresh_missed(script: &mut Script<'_>) {
    let invite = invite(script, 0, Timer::interval(90), None);
    connect(script, invite, granted(90));
    script.conversation();
    // The side that does not refresh leaves a third of the interval before it ends. RFC 4028 section 10.
    script.wait(60 * SECOND);
    hang_up(script, invite, false);
}

fn moved(script: &mut Script<'_>) {
    redirected_then_answered(script, 301);
}

fn moved_temporarily(script: &mut Script<'_>) {
    redirected_then_answered(script, 302);
}

fn redirected_then_answered(script: &mut Script<'_>, status: u16) {
    let first = invite(script, 0, Timer::default(), None);
    let event = redirect(script, first, status, [Some(1), None], false);
    if script.chance(0.1) {
        script.change_from_tag();
    }
    let second = invite(script, 1, Timer::default(), Some(Mark::Followed(event)));
    answered(script, second, Timer::default());
}

fn moved_not_followed(script: &mut Script<'_>) {
    let first = invite(script, 0, Timer::default(), None);
    redirect(script, first, 301, [Some(1), None], false);
}

fn moved_nowhere(script: &mut Script<'_>) {
    let first = invite(script, 0, Timer::default(), None);
    redirect(script, first, 301, [None, None], false);
}

fn moved_twice(script: &mut Script<'_>) {
    let first = invite(script, 0, Timer::default(), None);
    let event = redirect(script, first, 301, [Some(1), None], false);
    let second = invite(script, 1, Timer::default(), Some(Mark::Followed(event)));
    let event = redirect(script, second, 301, [Some(2), None], false);
    let third = invite(script, 2, Timer::default(), Some(Mark::Followed(event)));
    answered(script, third, Timer::default());
}

fn moved_in_circles(script: &mut Script<'_>) {
    let first = invite(script, 0, Timer::default(), None);
    let event = redirect(script, first, 301, [Some(0), None], true);
    let second = invite(script, 0, Timer::default(), Some(Mark::Followed(event)));
    redirect(script, second, 301, [Some(0), None], true);
}

fn moved_two_ways(script: &mut Script<'_>) {
    let first = invite(script, 0, Timer::default(), None);
    let event = redirect(script, first, 301, [Some(1), Some(2)], false);
    let second = invite(script, 1, Timer::default(), Some(Mark::Followed(event)));
    script.think();
    script.final_status(second, 486);
    script.think();
    let third = invite(script, 2, Timer::default(), None);
    answered(script, third, Timer::default());
}

fn moved_auth(script: &mut Script<'_>) {
    let first = invite(script, 0, Timer::default(), None);
    let event = redirect(script, first, 301, [Some(1), None], false);
    challenged(script, 1, Timer::default(), Some(Mark::Followed(event)));
    let third = authorized(script, 1, Timer::default(), None);
    answered(script, third, Timer::default());
}

fn moved_too_small(script: &mut Script<'_>) {
    let first = invite(script, 0, Timer::interval(90), None);
    let event = redirect(script, first, 301, [Some(1), None], false);
    let second = invite(script, 1, Timer::interval(90), Some(Mark::Followed(event)));
    let event = script.event(EventKind::Negotiation);
    refuse(script, second, event, 1, 180);
    let third = invite(script, 1, Timer::at_least(180), Some(Mark::Retried(event, 1)));
    script.mark_answer(third, Mark::Resolved(event));
    answered(script, third, granted(180));
}

fn too_small(script: &mut Script<'_>) {
    let minimum = script.pick(&[120, 180, 600, 1800], 180);
    let first = invite(script, 0, Timer::interval(90), None);
    let event = script.event(EventKind::Negotiation);
    refuse(script, first, event, 1, minimum);
    if script.chance(0.2) {
        script.change_from_tag();
    }
    let second = invite(script, 0, Timer::at_least(minimum), Some(Mark::Retried(event, 1)));
    script.mark_answer(second, Mark::Resolved(event));
    answered(script, second, granted(minimum));
}

fn too_small_twice(script: &mut Script<'_>) {
    let event = script.event(EventKind::Negotiation);
    // Where there is a proxy, it is the one with the lower demand.
    let mut first = script.initial(Method::Invite, 0);
    first.legs = 1;
    first.timer = Timer::interval(90);
    first.supports_timer = true;
    let first = script.send(first);
    refuse(script, first, event, 1, 1800);
    let second = invite(script, 0, Timer::at_least(1800), Some(Mark::Retried(event, 1)));
    refuse(script, second, event, 2, 3600);
    let third = invite(script, 0, Timer::at_least(3600), Some(Mark::Retried(event, 2)));
    script.mark_answer(third, Mark::Resolved(event));
    answered(script, third, granted(3600));
}

fn too_small_abandoned(script: &mut Script<'_>) {
    let first = invite(script, 0, Timer::interval(90), None);
    let event = script.event(EventKind::Negotiation);
    refuse(script, first, event, 1, 120);
}

fn too_small_failed(script: &mut Script<'_>) {
    let first = invite(script, 0, Timer::interval(90), None);
    let event = script.event(EventKind::Negotiation);
    refuse(script, first, event, 1, 300);
    let second = invite(script, 0, Timer::interval(90), Some(Mark::Retried(event, 1)));
    refuse(script, second, event, 2, 300);
}

fn too_small_auth(script: &mut Script<'_>) {
    let event = script.event(EventKind::Negotiation);
    let retry = Some(Mark::Retried(event, 1));
    if script.chance(0.5) {
        challenged(script, 0, Timer::interval(90), None);
        let first = authorized(script, 0, Timer::interval(90), None);
        refuse(script, first, event, 1, 240);
    } else {
        let first = invite(script, 0, Timer::interval(90), None);
        refuse(script, first, event, 1, 240);
        challenged(script, 0, Timer::at_least(240), retry);
    }
    let last = authorized(script, 0, Timer::at_least(240), retry);
    script.mark_answer(last, Mark::Resolved(event));
    answered(script, last, granted(240));
}

fn too_small_refresh(script: &mut Script<'_>) {
    let invite = invite(script, 0, Timer::interval(90), None);
    connect(script, invite, granted(90));
    script.conversation();
    let pause = script.about(45 * SECOND);
    script.wait(pause);
    let event = script.event(EventKind::Negotiation);
    let mut update = script.in_dialog(invite, Method::Update, true);
    update.timer = Timer { refresher: Some("uac"), ..Timer::interval(90) };
    update.supports_timer = true;
    let update = script.send(update);
    refuse(script, update, event, 1, 120);
    let mut retry = script.in_dialog(invite, Method::Update, true);
    retry.timer = Timer { refresher: Some("uac"), ..Timer::at_least(120) };
    retry.supports_timer = true;
    retry.request_mark = Some(Mark::Retried(event, 1));
    let retry = script.send(retry);
    script.mark_answer(retry, Mark::Resolved(event));
    script.answer(retry, Answer { status: 200, timer: granted(120), ..Answer::default() });
    script.wait(15 * SECOND);
    hang_up(script, invite, true);
}

/// Sends an initial INVITE.
fn invite(script: &mut Script<'_>, target: u8, timer: Timer, mark: Option<Mark>) -> u8 {
    let mut invite = script.initial(Method::Invite, target);
    invite.timer = timer;
    invite.supports_timer = timer.session_expires.is_some();
    invite.request_mark = mark;
    script.send(invite)
}

/// Sends an initial INVITE that the first server on the way answers 407.
fn challenged(script: &mut Script<'_>, target: u8, timer: Timer, mark: Option<Mark>) {
    let mut invite = script.initial(Method::Invite, target);
    invite.legs = 1;
    invite.timer = timer;
    invite.supports_timer = timer.session_expires.is_some();
    invite.request_mark = mark;
    let invite = script.send(invite);
    script.final_status(invite, 407);
    script.think();
}

/// Sends an initial INVITE with credentials.
fn authorized(script: &mut Script<'_>, target: u8, timer: Timer, mark: Option<Mark>) -> u8 {
    let mut invite = script.initial(Method::Invite, target);
    invite.timer = timer;
    invite.supports_timer = timer.session_expires.is_some();
    invite.credentials = true;
    invite.request_mark = mark;
    script.send(invite)
}

/// Answers a request by a 3xx, and gives its event.
fn redirect(script: &mut Script<'_>, request: u8, status: u16, contacts: [Option<u8>; 2], looped: bool) -> u8 {
    let no_target = contacts == [None, None];
    let event = script.event(EventKind::Redirect { status, no_target, looped });
    script.mark_answer(request, Mark::Asked(event, 1));
    script.answer(request, Answer { status, contacts, ..Answer::default() });
    script.think();
    event
}

/// Answers a request by a 422.
fn refuse(script: &mut Script<'_>, request: u8, event: u8, round: u8, minimum: u32) {
    script.mark_answer(request, Mark::Asked(event, round));
    let timer = Timer { min_se: Some(minimum), ..Timer::default() };
    script.answer(request, Answer { status: 422, timer, ..Answer::default() });
    script.think();
}

/// The session timer of a 2xx: the caller refreshes.
fn granted(seconds: u32) -> Timer {
    Timer { refresher: Some("uac"), ..Timer::interval(seconds) }
}

/// It rings, is answered and acknowledged.
fn connect(script: &mut Script<'_>, invite: u8, timer: Timer) {
    script.wait(20 * MILLISECOND);
    script.provisional(invite, 180);
    script.ring();
    script.answer(invite, Answer { status: 200, timer, ..Answer::default() });
    script.acknowledge(invite);
}

/// It rings, is answered, they talk, one hangs up.
fn answered(script: &mut Script<'_>, invite: u8, timer: Timer) {
    connect(script, invite, timer);
    let talk = script.conversation();
    script.wait(talk);
    let by_caller = script.chance(0.6);
    hang_up(script, invite, by_caller);
}

fn refresh_once(script: &mut Script<'_>, invite: u8, method: Method, timer: Timer) {
    let mut refresh = script.in_dialog(invite, method, true);
    refresh.timer = timer;
    refresh.supports_timer = true;
    let refresh = script.send(refresh);
    script.think();
    script.answer(refresh, Answer { status: 200, timer, ..Answer::default() });
    if method == Method::Invite {
        script.acknowledge(refresh);
    }
}

fn hang_up(script: &mut Script<'_>, invite: u8, by_caller: bool) {
    let bye = script.in_dialog(invite, Method::Bye, by_caller);
    let bye = script.send(bye);
    script.think();
    script.final_status(bye, 200);
}

#[cfg(test)]
mod tests {
    use super::SCENARIOS;

    #[test]
    fn names_are_unique_and_every_scenario_has_a_weight() {
        for (index, scenario) in SCENARIOS.iter().enumerate() {
            assert!(scenario.weight > 0.0 && !scenario.summary.is_empty());
            assert!(SCENARIOS[..index].iter().all(|other| other.name != scenario.name));
        }
    }
}
