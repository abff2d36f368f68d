//! For how long, and how well, the capture watched: what absence may be concluded from.

use std::collections::HashMap;
use std::net::IpAddr;

use super::streams::Loss;
use crate::correlation::Watch;
use crate::limits::MAX_LOSSES;
use crate::net::Endpoint;
use crate::time::Timestamp;

/// When each source of capture ended, and where bytes are missing.
#[derive(Debug, Default)]
pub(crate) struct Watching {
    ends: HashMap<u32, Timestamp>,
    losses: HashMap<(u32, IpAddr, IpAddr), Vec<Timestamp>>,
    count: usize,
    overflow: u64,
}

fn pair(one: IpAddr, other: IpAddr) -> (IpAddr, IpAddr) {
    if one <= other { (one, other) } else { (other, one) }
}

impl Watching {
    /// Notes that a source of capture had a frame at `time`.
    pub(crate) fn saw(&mut self, capture_source: u32, time: Timestamp) {
        let end = self.ends.entry(capture_source).or_insert(time);
        *end = (*end).max(time);
    }

    /// Notes that bytes between two hosts are missing from a source of capture.
    fn lost(&mut self, capture_source: u32, path: (Endpoint, Endpoint), time: Timestamp) {
        let (one, other) = pair(path.0.address, path.1.address);
        self.losses.entry((capture_source, one, other)).or_default().push(time);
    }

    /// Notes all of them, up to the limit.
    pub(crate) fn lost_all(&mut self, losses: &[Loss]) {
        for loss in losses {
            if self.count >= MAX_LOSSES {
                self.overflow += 1;
                continue;
            }
            self.count += 1;
            self.lost(loss.capture_source, loss.path, loss.time);
        }
    }

    /// Losses beyond the limit.
    pub(crate) const fn overflow(&self) -> u64 {
        self.overflow
    }

    /// Whether the capture went on until the end of `watch`, saw both directions, and lost nothing on its path meanwhile, and all
    /// messages of the call until then were judged together.
    pub(crate) fn holds(&self, watch: &Watch) -> bool {
        let (one, other) = pair(watch.path.0.address, watch.path.1.address);
        let lost = self.losses.get(&(watch.capture_source, one, other)).into_iter().flatten();
        let went_on = self.ends.get(&watch.capture_source).is_some_and(|end| *end >= watch.until);
        watch.both_directions
            && watch.whole
            && went_on
            && !lost.into_iter().any(|time| (watch.from..=watch.until).contains(time))
    }
}
