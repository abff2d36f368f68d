//! For how long, and how well, the capture watched: what absence may be concluded from.

use std::collections::HashMap;
use std::net::IpAddr;

use super::streams::Loss;
use super::yields::Spot;
use crate::correlation::Watch;
use crate::limits::{
    MAX_LOSSES, MAX_LOSSES_OF_PATH, MAX_ROTATION_PAUSE_SECONDS, PACKET_LOSS_SECONDS, STREAM_LOSS_SECONDS,
};
use crate::net::Endpoint;
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// What is known of a source of capture.
#[derive(Debug)]
struct Watched {
    /// The input it was read from last.
    input: u32,
    /// Until when.
    end: Timestamp,
    /// The times in which nobody may have captured, or what was captured is lost, in order.
    pauses: Vec<(Timestamp, Timestamp)>,
    /// When the first of those began that are not remembered.
    paused_since: Option<Timestamp>,
}

impl Watched {
    /// Notes a pause until `begin`; from the first one beyond the limit on all is doubted.
    fn pause(&mut self, begin: Timestamp) {
        if self.pauses.len() < MAX_LOSSES {
            self.pauses.push((self.end, begin));
        } else {
            self.paused_since.get_or_insert(self.end);
        }
    }

    /// Whether a pause lies in a stretch of time, in whole or in part.
    fn paused(&self, from: Timestamp, until: Timestamp) -> bool {
        let next = self.pauses.partition_point(|(_, end)| *end <= from);
        self.pauses.get(next).is_some_and(|(start, _)| *start < until)
            || self.paused_since.is_some_and(|since| since < until)
    }
}

/// When each source of capture ended, and where bytes are missing.
///
/// What was not seen is concluded from once: [`known_by`] that time, from what had shown until then. So it makes no difference whether
/// it is asked at once or at the end of the input.
#[derive(Debug, Default)]
pub(crate) struct Watching {
    sources: HashMap<u32, Watched>,
    losses: HashMap<(u32, IpAddr, IpAddr), Losses>,
    count: usize,
    overflow: u64,
    /// When the first loss showed that is not remembered.
    overflowed: Option<Timestamp>,
}

/// A time in which packets were lost, and when that showed.
#[derive(Clone, Copy, Debug)]
struct Gap {
    since: Timestamp,
    until: Timestamp,
    shown: Timestamp,
}

/// When packets between two hosts were lost.
#[derive(Debug)]
struct Losses {
    gaps: Vec<Gap>,
    /// When the first one showed that is not told apart any more.
    more: Option<Timestamp>,
}

impl Losses {
    fn add(&mut self, gap: Gap) {
        if self.gaps.len() < MAX_LOSSES_OF_PATH {
            self.gaps.push(gap);
        } else {
            self.more.get_or_insert(gap.shown);
        }
    }

    /// Whether one of those that had shown `by` then touches a stretch of time.
    fn touch(&self, from: Timestamp, end: Timestamp, by: Timestamp) -> bool {
        let touches = |gap: &Gap| gap.shown < by && gap.since <= end && gap.until >= from;
        self.more.is_some_and(|more| more < by) || self.gaps.iter().any(touches)
    }
}

/// When it is known what became of what is watched: what is lost on the way shows later.
pub(super) fn known_by(watch: &Watch) -> Timestamp {
    watch.until.plus_seconds(if watch.on_stream { STREAM_LOSS_SECONDS } else { PACKET_LOSS_SECONDS })
}

fn pair(one: IpAddr, other: IpAddr) -> (IpAddr, IpAddr) {
    if one <= other { (one, other) } else { (other, one) }
}

impl Watching {
    /// Notes that a source of capture had frames from `first` to `last`, of one input; `after_loss` says that frames between the
    /// last one before and `first` are lost.
    pub(crate) fn saw(&mut self, first: &Spot, last: &Spot, after_loss: bool) {
        let (input, begin, end) = (first.arrival.input, first.arrival.watermark, last.arrival.watermark);
        let new = || Watched { input, end: begin, pauses: Vec::new(), paused_since: None };
        let watched = self.sources.entry(first.capture_source).or_insert_with(new);
        if watched.input != input && begin.since(watched.end) > MAX_ROTATION_PAUSE_SECONDS * NANOS_PER_SECOND {
            watched.pause(begin);
        } else if after_loss {
            // What is lost may have had the same time as what is left.
            watched.end = watched.end.plus(-1);
            watched.pause(begin.plus(1));
        }
        watched.input = input;
        watched.end = watched.end.max(end);
    }

    /// Notes that bytes between two hosts, or between any if they have no addresses, are missing from a source of capture; up to
    /// the limit.
    pub(crate) fn lost_all(&mut self, losses: &[Loss]) {
        for loss in losses {
            let (one, other) = pair(loss.path.0.address, loss.path.1.address);
            let gap = Gap { since: loss.since, until: loss.until, shown: loss.shown };
            match self.losses.get_mut(&(loss.capture_source, one, other)) {
                Some(losses) if losses.more.is_some() => {}
                _ if self.count >= MAX_LOSSES => {
                    self.overflow += 1;
                    self.overflowed.get_or_insert(loss.shown);
                }
                Some(losses) => {
                    self.count += 1;
                    losses.add(gap);
                }
                None => {
                    self.count += 1;
                    let losses = Losses { gaps: vec![gap], more: None };
                    self.losses.insert((loss.capture_source, one, other), losses);
                }
            }
        }
    }

    /// Losses beyond the limit.
    pub(crate) const fn overflow(&self) -> u64 {
        self.overflow
    }

    /// Whether the capture went on without a pause until the end of `watch`, saw both directions, and lost nothing on its path meanwhile, and all
    /// messages of the call until then were judged together.
    pub(crate) fn holds(&self, watch: &Watch) -> bool {
        let (one, other) = pair(watch.path.0.address, watch.path.1.address);
        let anybody = Endpoint::default().address;
        let paths = [(watch.capture_source, one, other), (watch.capture_source, anybody, anybody)];
        let by = known_by(watch);
        let mut lost = paths.iter().filter_map(|path| self.losses.get(path));
        let went_on = self
            .sources
            .get(&watch.capture_source)
            .is_some_and(|source| source.end >= watch.until && !source.paused(watch.from, watch.until));
        watch.both_directions
            && watch.whole
            && went_on
            && self.overflowed.is_none_or(|first| first >= by)
            && !lost.any(|losses| losses.touch(watch.from, watch.until, by))
    }
}
