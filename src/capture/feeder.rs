//! The feeder: all inputs of a run, as batches of windows in the global order.

use std::path::{Path, PathBuf};

use super::expand::{Candidate, expand};
use super::files::Files;
use super::info::InputInfo;
use super::problem::Problem;
use super::reader::{Place, Reader, Stream};
use super::source::Source;
use super::window::{Key, Window};
use crate::error::Error;
use crate::limits::{
    MAX_ROTATION_CANDIDATES, MAX_ROTATION_OVERLAP_FRAMES, MAX_ROTATION_OVERLAP_SECONDS, MAX_WAITING_OPEN,
    MIN_WINDOW_BYTES,
};
use crate::net::LinkType;
use crate::time::Timestamp;

/// How a [`Feeder`] reads. Only `sources` has any influence on what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaptureOptions {
    /// Bytes of a window. A record that is larger makes a window of its own. A batch should fit the caches that the
    /// threads share: iterating over frames is a walk from header to header.
    pub window_size: usize,
    /// Windows that a batch has at least, but for the last ones.
    pub windows_per_batch: usize,
    /// Which inputs belong together.
    pub sources: SourcePolicy,
}

impl Default for CaptureOptions {
    fn default() -> Self {
        Self { window_size: 192 << 10, windows_per_batch: 8, sources: SourcePolicy::Auto }
    }
}

/// Which inputs make up one source, so that a flow can go on from one into the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SourcePolicy {
    /// An input continues the source of an earlier one with the same link type, if that ends before the time of its own
    /// first frame, or began well before it and ends no more than
    /// [`MAX_ROTATION_OVERLAP_SECONDS`] and [`MAX_ROTATION_OVERLAP_FRAMES`] after the time of its own first frame. If
    /// there are several sources, the one counts whose last path has the longest start in common with its own, and of
    /// those the latest.
    #[default]
    Auto,
    /// Each input is a source.
    Separate,
    /// All inputs are one source, in the order of their first frames.
    Joined,
}

/// Windows to be worked on together. See the order in the documentation of this module.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The windows. Those of one source are in order; those of several sources are not.
    pub windows: Vec<Window>,
}

impl Batch {
    /// Its bytes and frames.
    pub fn size(&self) -> (u64, u64) {
        let windows = self.windows.iter();
        windows.fold((0, 0), |(bytes, frames): (u64, u64), window| {
            (bytes.saturating_add(window.bytes().len() as u64), frames.saturating_add(window.frame_count))
        })
    }
}

/// Reads the inputs of a run.
pub struct Feeder {
    options: CaptureOptions,
    /// In the order of the report.
    inputs: Vec<InputInfo>,
    /// Inputs with a frame that are not begun, the next one last.
    waiting: Vec<Waiting>,
    sources: Vec<Source>,
    /// Those sources that have anything to give or to read, in the order of their beginning.
    live: Vec<usize>,
    files: Files,
}

/// An input whose turn has not come.
struct Waiting {
    input: usize,
    rank: u32,
    first: (Timestamp, LinkType),
    /// The input, if it was kept open.
    reader: Option<Reader>,
}

/// Who holds the order back.
enum Holder {
    Source(usize),
    NextInput,
}

impl Feeder {
    /// Opens the captures of a run: files, folders, patterns, and `-` for standard input.
    ///
    /// A folder stands for the regular files in it, those in its folders left out; a pattern with `*`, `?` or `[...]` in the file name
    /// for the files it matches. A file named twice is read twice, as two inputs. What cannot be read is a
    /// [`Problem`] of that input, and the rest is read.
    ///
    /// # Errors
    ///
    /// [`Error::NoCaptureInFolder`] if a folder holds no capture.
    pub fn open(captures: &[PathBuf], options: &CaptureOptions) -> Result<Self, Error> {
        let expanded = expand(captures);
        let mut in_folder = vec![0_u64; expanded.folders.len()];
        let mut opening = Opening::default();
        for candidate in expanded.candidates {
            let folder = candidate.folder;
            if opening.candidate(candidate)
                && let Some(count) = folder.and_then(|folder| in_folder.get_mut(folder))
            {
                *count = count.saturating_add(1);
            }
        }
        match expanded.folders.into_iter().zip(in_folder).find(|(_, count)| *count == 0) {
            Some((path, _)) => Err(Error::NoCaptureInFolder { path }),
            None => Ok(opening.feeder(*options)),
        }
    }

    /// Opens streams as inputs with these names.
    pub fn from_streams(streams: Vec<(PathBuf, Stream)>, options: &CaptureOptions) -> Self {
        let mut opening = Opening::default();
        for (path, stream) in streams {
            opening.input(InputInfo::new(path, None), Reader::open(stream), true);
        }
        opening.feeder(*options)
    }

    /// The captures that are read: all inputs but those that are none.
    pub fn captures(&self) -> impl Iterator<Item = &Path> {
        // Of a capture that is not begun the format is not told yet, but nothing is wrong with it either.
        let is_capture = |input: &&InputInfo| input.format.is_some() || input.problem.is_none();
        self.inputs.iter().filter(is_capture).map(|input| input.path.as_path())
    }

    /// The bytes to come, as far as the sizes of the inputs say; compression that is not known yet makes them more.
    pub fn expected_bytes(&self) -> Option<u64> {
        let captures = self.inputs.iter().filter(|input| input.format.is_some() || input.problem.is_none());
        captures.map(|input| input.size_bytes.filter(|_| input.compression.is_none())).sum()
    }

    /// Whether all that is read is one stream of frames, as far as that is known before.
    pub fn is_single(&self) -> bool {
        self.options.sources == SourcePolicy::Joined || self.captures().count() <= 1
    }

    /// Whether what comes next has to be waited for, as far as that showed when the last window was read.
    pub fn is_waiting(&self) -> bool {
        self.live_sources().any(Source::is_waiting)
    }

    /// What is known of the inputs so far: their names, and how precise their times are.
    pub fn outline(&self) -> Vec<InputInfo> {
        let mut inputs = self.inputs.clone();
        for source in &self.sources {
            if let Some(info) = usize::try_from(source.input).ok().and_then(|input| inputs.get_mut(input)) {
                info.digits = info.digits.max(source.digits());
            }
        }
        inputs
    }

    /// The next batch, or `None` when all has been given. Buffers in `recycled` are used again.
    pub fn next_batch(&mut self, recycled: &mut Vec<Vec<u8>>) -> Option<Batch> {
        self.next_windows(Self::wanted, recycled)
    }

    /// The same for a batch that is put together from what is read while it is in work: one window, or a whole batch where
    /// the windows of several sources lie side by side.
    pub fn next_part(&mut self, recycled: &mut Vec<Vec<u8>>) -> Option<Batch> {
        self.next_windows(|feeder| if feeder.live.len() > 1 { feeder.wanted() } else { 1 }, recycled)
    }

    /// The next windows, as many as are wanted at least.
    fn next_windows(&mut self, wanted: fn(&Self) -> usize, recycled: &mut Vec<Vec<u8>>) -> Option<Batch> {
        loop {
            let Some((bound, holder)) = self.bound() else {
                return self.give(Key::END, recycled);
            };
            if self.ready(bound) >= wanted(self) {
                return self.give(bound, recycled);
            }
            match holder {
                Holder::Source(source) => self.read(source, recycled),
                Holder::NextInput => self.begin_next(recycled),
            }
        }
    }

    /// What is known of the inputs, in the order of the report. If batches are left, what was read so far.
    pub fn finish(mut self) -> Vec<InputInfo> {
        for source in &mut self.sources {
            if let Some(info) = usize::try_from(source.input).ok().and_then(|input| self.inputs.get_mut(input)) {
                source.describe(info);
            }
        }
        self.inputs
    }

    /// The key up to which all frames have been read, and who must go on so that it rises; `None` if all has been read.
    fn bound(&self) -> Option<(Key, Holder)> {
        let sources = self.live.iter().filter_map(|&index| {
            let source = self.sources.get(index).filter(|source| source.is_reading())?;
            Some((source.last, Holder::Source(index)))
        });
        let slowest = sources.min_by_key(|(key, _)| *key);
        let next =
            self.waiting.last().map(|next| (Key { watermark: next.first.0, rank: next.rank }, Holder::NextInput));
        match (slowest, next) {
            // Within one source, the next input comes behind all of the one before, whatever its time.
            (Some(slowest), Some(_)) if self.options.sources == SourcePolicy::Joined => Some(slowest),
            (Some(slowest), Some(next)) => Some(if slowest.0 < next.0 { slowest } else { next }),
            (slowest, next) => slowest.or(next),
        }
    }

    /// Whole windows that could be given.
    fn ready(&self, bound: Key) -> usize {
        self.live_sources().fold(0, |count, source| source.ready(bound).saturating_add(count))
    }

    /// Whole windows that a batch should have: more if they are smaller because many sources share the memory.
    fn wanted(&self) -> usize {
        let share = self.options.window_size.checked_div(self.window_size()).unwrap_or(1).max(1);
        self.options.windows_per_batch.max(1).saturating_mul(share)
    }

    fn window_size(&self) -> usize {
        let reading = self.live_sources().filter(|source| source.is_reading()).count().max(1);
        let share = self.options.window_size.checked_div(reading).unwrap_or(0);
        share.max(MIN_WINDOW_BYTES).min(self.options.window_size).max(1)
    }

    fn live_sources(&self) -> impl Iterator<Item = &Source> {
        self.live.iter().filter_map(|&index| self.sources.get(index))
    }

    /// Gives all frames up to `bound`.
    fn give(&mut self, bound: Key, recycled: &mut Vec<Vec<u8>>) -> Option<Batch> {
        let mut windows = Vec::new();
        for &index in &self.live {
            if let Some(source) = self.sources.get_mut(index) {
                source.give(bound, recycled, &mut windows);
            }
        }
        let sources = &self.sources;
        self.live.retain(|&index| sources.get(index).is_some_and(Source::is_live));
        (!windows.is_empty()).then_some(Batch { windows })
    }

    /// Reads one window of a source.
    fn read(&mut self, index: usize, recycled: &mut Vec<Vec<u8>>) {
        let size = self.window_size();
        if let Some(source) = self.sources.get_mut(index)
            && let Some(info) = usize::try_from(source.input).ok().and_then(|input| self.inputs.get_mut(input))
        {
            source.read(size, recycled, info);
        }
    }

    /// Begins the next input, or reads on in what it may continue.
    fn begin_next(&mut self, recycled: &mut Vec<Vec<u8>>) {
        let Some(next) = self.waiting.last() else { return };
        let Some(path) = self.inputs.get(next.input).map(|info| info.path.clone()) else { return };
        let source = match self.options.sources {
            SourcePolicy::Separate => None,
            SourcePolicy::Joined => self.sources.len().checked_sub(1),
            SourcePolicy::Auto => match self.continued(&path, next.first) {
                Continued::Not => None,
                Continued::Source(source) => Some(source),
                Continued::Undecided(source) => return self.read(source, recycled),
            },
        };
        let Some(mut next) = self.waiting.pop() else { return };
        let reader = match next.reader.take() {
            Some(reader) => reader,
            None => match reopen(&self.files, &path).and_then(|reader| unchanged(reader, next.first)) {
                Ok(reader) => reader,
                Err(problem) => {
                    if let Some(info) = self.inputs.get_mut(next.input) {
                        info.problem = Some(problem);
                    }
                    return;
                }
            },
        };
        let index = source.unwrap_or(self.sources.len());
        if index == self.sources.len() {
            self.sources.push(Source::new());
        }
        if !self.live.contains(&index) {
            self.live.push(index);
        }
        let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        let place = Place { input: number(next.input), source: number(index), rank: next.rank };
        if let Some(source) = self.sources.get_mut(index) {
            source.begin(reader, place, path, next.first);
        }
    }

    /// Which source an input continues whose first frame has this time and link type.
    fn continued(&self, path: &Path, (time, link): (Timestamp, LinkType)) -> Continued {
        let latest = self.sources.iter().enumerate().rev().take(MAX_ROTATION_CANDIDATES);
        let alike = latest.filter(|(_, source)| source.link == link);
        let Some((index, source)) =
            alike.max_by_key(|(_, source)| (common_start(&source.path, path), source.last.rank))
        else {
            return Continued::Not;
        };
        let tolerated = time.plus_seconds(MAX_ROTATION_OVERLAP_SECONDS);
        // Two short captures of the same moment run side by side, however soon the first one ends.
        let began_before = source.first.plus_seconds(MAX_ROTATION_OVERLAP_SECONDS) < time;
        let limit = if began_before { tolerated } else { time };
        if source.last.watermark > limit || source.frames_beyond(time) > MAX_ROTATION_OVERLAP_FRAMES {
            Continued::Not
        } else if source.is_reading() {
            Continued::Undecided(index)
        } else {
            Continued::Source(index)
        }
    }
}

/// Whether an input continues a source.
enum Continued {
    Not,
    Source(usize),
    /// This one, if it ends soon.
    Undecided(usize),
}

/// Bytes that two paths have in common at their start.
fn common_start(one: &Path, other: &Path) -> usize {
    let (one, other) = (one.as_os_str().as_encoded_bytes(), other.as_os_str().as_encoded_bytes());
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

/// Opens a file again whose first frame has been seen.
fn reopen(files: &Files, path: &Path) -> Result<Reader, Problem> {
    let stream = files.open(path).map_err(|error| Problem::Unreadable { offset: 0, reason: error.to_string() })?;
    Reader::open(stream)
}

/// The reader of a file, if that still begins with a frame of this time and link type.
fn unchanged(mut reader: Reader, first: (Timestamp, LinkType)) -> Result<Reader, Problem> {
    if reader.look() == Some(first) { Ok(reader) } else { Err(Problem::Replaced) }
}

/// Inputs on their way into a [`Feeder`].
#[derive(Default)]
struct Opening {
    inputs: Vec<InputInfo>,
    waiting: Vec<Waiting>,
    files: Files,
    kept_open: usize,
}

impl Opening {
    /// Takes an input in; says whether it is a capture.
    fn candidate(&mut self, candidate: Candidate) -> bool {
        let Candidate { path, folder, size_bytes, problem } = candidate;
        let opened = match problem {
            Some(problem) => Err(problem),
            None => reopen(&self.files, &path),
        };
        let opened = opened.map_err(|problem| match problem {
            Problem::NotACapture { found, .. } => Problem::NotACapture { found, from_folder: folder.is_some() },
            other => other,
        });
        let only_once = size_bytes.is_none();
        self.input(InputInfo::new(path, size_bytes), opened, only_once)
    }

    /// Takes an input in; says whether it is a capture. One that can be opened `only_once` stays open.
    fn input(&mut self, mut info: InputInfo, opened: Result<Reader, Problem>, only_once: bool) -> bool {
        let capture = opened.is_ok();
        match opened {
            Err(problem) => info.problem = Some(problem),
            Ok(mut reader) => match Self::look(&mut reader, only_once) {
                None => reader.describe(&mut info),
                Some(first) => {
                    let keep = only_once || (self.kept_open < MAX_WAITING_OPEN && !reader.is_unpacking());
                    self.kept_open = self.kept_open.saturating_add(usize::from(keep));
                    let (input, reader) = (self.inputs.len(), keep.then_some(reader));
                    self.waiting.push(Waiting { input, rank: 0, first, reader });
                }
            },
        }
        self.inputs.push(info);
        capture
    }

    /// Time and link type of the first frame. What can be read once only is worked on as it comes.
    fn look(reader: &mut Reader, only_once: bool) -> Option<(Timestamp, LinkType)> {
        if only_once {
            reader.follow();
        }
        reader.look()
    }

    fn feeder(self, options: CaptureOptions) -> Feeder {
        let Self { inputs, mut waiting, files, .. } = self;
        waiting.sort_by_cached_key(|waiting| {
            (waiting.first.0, inputs.get(waiting.input).map(|info| info.path.clone()), waiting.input)
        });
        for (rank, waiting) in (0..).zip(&mut waiting) {
            waiting.rank = rank;
        }
        waiting.reverse();
        Feeder { options, inputs, waiting, sources: Vec::new(), live: Vec::new(), files }
    }
}

#[cfg(test)]
#[path = "feeder_tests.rs"]
mod tests;
