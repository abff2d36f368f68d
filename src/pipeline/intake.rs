//! The windows of a batch, read by the threads that work on them: so their bytes are still near the processor that decodes
//! them, and nobody waits for a thread that only reads.

use std::sync::{Mutex, OnceLock, PoisonError};

use rayon::prelude::*;

use super::messages::{Messages, Spare};
use crate::capture::{Batch, Feeder, InputInfo, Window};

/// Gives windows to the threads of a run.
pub(crate) struct Intake {
    feeder: Feeder,
    /// What was read for a batch and belongs to the next.
    held: Option<Batch>,
    spent: Vec<Vec<u8>>,
    windows_per_batch: usize,
}

/// The windows of a batch, each in its place, those that are not read yet left out.
#[derive(Debug)]
pub(crate) struct Slots(Vec<OnceLock<Window>>);

/// What the threads take from, one at a time.
struct Hand<'a> {
    intake: &'a mut Intake,
    spare: &'a mut Spare,
    next: usize,
}

impl Intake {
    /// An intake of all that a feeder gives, in batches of so many windows.
    pub(crate) const fn new(feeder: Feeder, windows_per_batch: usize) -> Self {
        Self { feeder, held: None, spent: Vec::new(), windows_per_batch }
    }

    /// Begins the next batch, if there is one.
    pub(crate) fn begin(&mut self) -> Option<Slots> {
        let first = self.held.take().or_else(|| self.feeder.next_part(&mut self.spent))?;
        // The windows of several sources are one batch, since they lie side by side.
        let is_whole = first.windows.len() > 1;
        let mut slots: Vec<OnceLock<Window>> = first.windows.into_iter().map(OnceLock::from).collect();
        if !is_whole {
            slots.resize_with(self.windows_per_batch.max(1), OnceLock::new);
        }
        Some(Slots(slots))
    }

    /// Reads one window more, if the batch goes on.
    fn next_window(&mut self) -> Option<Window> {
        // What is there is worked on before more is waited for.
        if self.held.is_some() || self.feeder.is_waiting() {
            return None;
        }
        let mut part = self.feeder.next_part(&mut self.spent)?;
        if part.windows.len() == 1 {
            return part.windows.pop();
        }
        self.held = Some(part);
        None
    }

    /// Takes back the buffers of windows that are done with.
    pub(crate) fn give_back(&mut self, windows: Vec<Window>) {
        self.spent.extend(windows.into_iter().map(Window::into_buffer));
    }

    /// What is known of the inputs so far, as far as reports of results need it.
    pub(crate) fn inputs(&self) -> Vec<InputInfo> {
        self.feeder.outline()
    }

    /// What is known of the inputs.
    pub(crate) fn finish(self) -> Vec<InputInfo> {
        self.feeder.finish()
    }
}

impl Slots {
    /// Works on all windows of the batch in parallel, each with a list for its messages; the results in the order of windows.
    pub(crate) fn work<'w, R: Send>(
        &'w self,
        intake: &mut Intake,
        spare: &mut Spare,
        work: impl Fn(&'w Window, Messages) -> R + Sync,
    ) -> Vec<R> {
        let hand = Mutex::new(Hand { intake, spare, next: 0 });
        let tasks = self.0.par_iter().with_max_len(1);
        let done = tasks.filter_map(|_| self.take(&hand).map(|(at, window, list)| (at, work(window, list))));
        let mut done: Vec<(usize, R)> = done.collect();
        done.sort_unstable_by_key(|(at, _)| *at);
        done.into_iter().map(|(_, result)| result).collect()
    }

    /// The next window that nobody works on.
    fn take<'w>(&'w self, hand: &Mutex<Hand<'_>>) -> Option<(usize, &'w Window, Messages)> {
        let mut hand = hand.lock().unwrap_or_else(PoisonError::into_inner);
        let at = hand.next;
        let slot = self.0.get(at)?;
        if slot.get().is_none() {
            let window = hand.intake.next_window()?;
            slot.get_or_init(|| window);
        }
        hand.next += 1;
        Some((at, slot.get()?, hand.spare.of_window(at)))
    }

    /// The windows that were read.
    pub(crate) fn windows(&self) -> impl Iterator<Item = &Window> {
        self.0.iter().filter_map(OnceLock::get)
    }

    /// The same, taken out.
    pub(crate) fn into_windows(self) -> Vec<Window> {
        self.0.into_iter().filter_map(OnceLock::into_inner).collect()
    }
}
