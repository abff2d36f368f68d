//! The capture time that is known to be reached.

use crate::limits::{WATERMARK_CONFIRM_FRAMES, WATERMARK_JUMP_SECONDS};
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// How far below a jump a frame may lie and still confirm it: neighbours are not always in order.
const SLACK_NANOS: i64 = NANOS_PER_SECOND;
const JUMP_NANOS: i64 = WATERMARK_JUMP_SECONDS * NANOS_PER_SECOND;

/// The capture time that is known to be reached, in frame order.
///
/// A running maximum that does not believe a single frame with a wild time: a jump forward of more than
/// [`WATERMARK_JUMP_SECONDS`] counts only once [`WATERMARK_CONFIRM_FRAMES`] further frames lie at or beyond it. A frame
/// that still shows the old time takes one confirmation back, so that a minority with a wrong clock moves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermark {
    reached: Timestamp,
    /// A jump not believed yet: always more than the jump limit beyond `reached`.
    candidate: Option<Timestamp>,
    /// Frames at or beyond `candidate` after it, less those near `reached`.
    votes: u8,
    /// Whether the next frame is the first of its input, whose time is taken as it is.
    fresh: bool,
}

impl Default for Watermark {
    fn default() -> Self {
        Self { reached: Timestamp::MIN, candidate: None, votes: 0, fresh: true }
    }
}

impl Watermark {
    /// A watermark that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The capture time known to be reached.
    pub fn reached(self) -> Timestamp {
        self.reached
    }

    /// The same watermark at the start of the next input of its source, whose first frame is believed.
    #[must_use]
    pub fn next_input(self) -> Self {
        Self { candidate: None, votes: 0, fresh: true, ..self }
    }

    /// Takes the time of the next frame; gives the capture time known to be reached then.
    #[inline]
    pub fn advance(&mut self, time: Timestamp) -> Timestamp {
        let ahead = time.since(self.reached);
        if self.candidate.is_some() || self.fresh || ahead > JUMP_NANOS {
            self.unusual(time, ahead);
        } else if ahead > 0 {
            self.reached = time;
        }
        self.reached
    }

    /// A frame that is the first, that jumps, or that comes after a jump which is not settled.
    #[cold]
    fn unusual(&mut self, time: Timestamp, ahead: i64) {
        if self.fresh {
            self.fresh = false;
            self.reached = self.reached.max(time);
        } else if ahead <= JUMP_NANOS {
            self.near(time);
        } else {
            self.far(time);
        }
    }

    /// A frame that is no jump.
    fn near(&mut self, time: Timestamp) {
        self.reached = self.reached.max(time);
        let Some(candidate) = self.candidate else { return };
        if candidate.since(self.reached) <= JUMP_NANOS || self.votes == 0 {
            self.candidate = None;
            self.votes = 0;
        } else {
            self.votes = self.votes.saturating_sub(1);
        }
    }

    /// A frame more than the jump limit ahead.
    fn far(&mut self, time: Timestamp) {
        let Some(candidate) = self.candidate else {
            self.candidate = Some(time);
            return;
        };
        // The earlier of two jumps is confirmed by the later one.
        let jump = if time < candidate.plus(-SLACK_NANOS) { time } else { candidate };
        self.candidate = Some(jump);
        self.votes = self.votes.saturating_add(1);
        if self.votes >= WATERMARK_CONFIRM_FRAMES {
            self.reached = if time.since(jump) <= JUMP_NANOS { jump.max(time) } else { jump };
            self.candidate = None;
            self.votes = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_parts(seconds, 0)
    }

    fn run(seconds: &[i64]) -> Vec<i64> {
        let mut watermark = Watermark::new();
        seconds.iter().map(|&second| watermark.advance(at(second)).nanos() / NANOS_PER_SECOND).collect()
    }

    #[test]
    fn it_is_the_running_maximum_in_ordinary_captures() {
        assert_eq!(run(&[10, 12, 11, 12, 3_612]), [10, 12, 12, 12, 3_612]);
    }

    #[test]
    fn a_single_wild_frame_moves_nothing() {
        assert_eq!(run(&[10, 1_000_000, 11, 12, 1_000_000, 13]), [10, 10, 11, 12, 12, 13]);
    }

    #[test]
    fn a_jump_counts_after_eight_further_frames() {
        let mut times = vec![10];
        times.extend((0..10).map(|n| 10_000 + n));
        assert_eq!(run(&times), [10, 10, 10, 10, 10, 10, 10, 10, 10, 10_008, 10_009]);
    }

    #[test]
    fn a_wild_frame_before_a_real_jump_does_not_set_how_far_it_goes() {
        let mut times = vec![10, 900_000_000];
        times.extend([10_000; 8]);
        assert_eq!(run(&times).last(), Some(&10_000));
    }

    #[test]
    fn a_minority_with_a_wrong_clock_is_not_believed() {
        let times: Vec<i64> = (0..1_000).map(|n| if n % 2 == 1 { 900_000_000 } else { n }).collect();
        assert_eq!(run(&times).last(), Some(&998));
    }

    #[test]
    fn the_first_frame_of_the_next_input_is_believed() {
        let mut watermark = Watermark::new();
        watermark.advance(at(10));
        let mut watermark = watermark.next_input();
        assert_eq!(watermark.advance(at(900_000)), at(900_000));
        assert_eq!(watermark.next_input().advance(at(5)), at(900_000));
    }

    proptest! {
        #[test]
        fn it_never_goes_back_and_never_passes_what_was_seen(times in prop::collection::vec(any::<i64>(), 1..64)) {
            let mut watermark = Watermark::new();
            let mut before = Timestamp::MIN;
            let mut highest = Timestamp::MIN;
            for nanos in times {
                let time = Timestamp::from_nanos(nanos);
                highest = highest.max(time);
                let now = watermark.advance(time);
                prop_assert!(before <= now && now <= highest);
                before = now;
            }
        }
    }
}
