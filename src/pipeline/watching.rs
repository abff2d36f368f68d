//! For how long, and how well, the capture watched: what absence may be concluded from.

use std::collections::HashMap;
use std::net::IpAddr;

use super::streams::Loss;
use super::yields::Spot;
use crate::correlation::Watch;
use crate::limits::{MAX_LOSSES, MAX_LOSSES_OF_PATH, MAX_ROTATION_PAUSE_SECONDS};
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
}

impl Watched {
    /// Notes a pause until `begin`; beyond the limit the last one is prolonged, so that no less is doubted than must be.
    fn pause(&mut self, begin: Timestamp) {
        let is_full = self.pauses.len() >= MAX_LOSSES;
        match self.pauses.last_mut() {
            Some((_, end)) if is_full => *end = begin,
            _ => self.pauses.push((self.end, begin)),
        }
    }

    /// Whether a pause lies in a stretch of time, in whole or in part.
    fn paused(&self, from: Timestamp, until: Timestamp) -> bool {
        let next = self.pauses.partition_point(|(_, end)| *end <= from);
        self.pauses.get(next).is_some_and(|(start, _)| *start < until)
    }
}

/// When each source of capture ended, and where bytes are missing.
#[derive(Debug, Default)]
pub(crate) struct Watching {
    sources: HashMap<u32, Watched>,
    losses: HashMap<(u32, IpAddr, IpAddr), Losses>,
    count: usize,
    overflow: u64,
}

/// When packets between two hosts were lost.
#[derive(Debug)]
enum Losses {
    /// In these times.
    Within(Vec<(Timestamp, Timestamp)>),
    /// So often that it is not told apart.
    Always,
}

impl Losses {
    fn add(&mut self, since: Timestamp, until: Timestamp) {
        if let Self::Within(times) = self {
            times.push((since, until));
            if times.len() >= MAX_LOSSES_OF_PATH {
                *self = Self::Always;
            }
        }
    }

    fn touch(&self, from: Timestamp, end: Timestamp) -> bool {
        match self {
            Self::Within(times) => times.iter().any(|(since, until)| *since <= end && *until >= from),
            Self::Always => true,
        }
    }
}

fn pair(one: IpAddr, other: IpAddr) -> (IpAddr, IpAddr) {
    if one <= other { (one, other) } else { (other, one) }
}

impl Watching {
    /// Notes that a source of capture had frames from `first` to `last`, of one input; `after_loss` says that frames between the
    /// last one before and `first` are lost.
    pub(crate) fn saw(&mut self, first: &Spot, last: &Spot, after_loss: bool) {
        let (input, begin, end) = (first.arrival.input, first.arrival.watermark, last.arrival.watermark);
        let new = || Watched { input, end: begin, pauses: Vec::new() };
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
            let known = self.losses.get_mut(&(loss.capture_source, one, other));
            match known {
                Some(Losses::Always) => {}
                _ if self.count >= MAX_LOSSES => self.overflow += 1,
                Some(losses) => {
                    self.count += 1;
                    losses.add(loss.since, loss.until);
                }
                None => {
                    self.count += 1;
                    let times = Losses::Within(vec![(loss.since, loss.until)]);
                    self.losses.insert((loss.capture_source, one, other), times);
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
        let mut lost = paths.iter().filter_map(|path| self.losses.get(path));
        let went_on = self
            .sources
            .get(&watch.capture_source)
            .is_some_and(|source| source.end >= watch.until && !source.paused(watch.from, watch.until));
        watch.both_directions
            && watch.whole
            && went_on
            && self.overflow == 0
            && !lost.any(|losses| losses.touch(watch.from, watch.until))
    }
}
