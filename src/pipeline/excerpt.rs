//! Writes the packets of the listed calls to a capture of their own. The inputs are read again for it, several times.

use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use foldhash::{HashMap, HashSet};
use rayon::ThreadPool;
use rayon::prelude::*;

use super::Sorting;
use super::carriers::Carriers;
use super::intake::Intake;
use crate::analysis::Analysis;
use crate::capture::{Batch, Feeder, Frame, InputInfo, PacketToWrite, Window, Writer};
use crate::correlation::{MessageRecord, Method, Text, digest};
use crate::error::Error;
use crate::limits::EXCERPT_TICK_SECONDS;
use crate::options::Options;
use crate::time::Timestamp;

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// Calls: those listed, those linked to them, and those that show their clients with other servers.
    pub calls: u64,
    /// Packets of those.
    pub packets: u64,
}

/// Writes, as pcapng, the packets of the calls that the analysis lists and of those linked to them: whole TCP connections and SCTP
/// associations, and all fragments. `place` is what `out` leads to.
///
/// A packet without its content is kept here and there, and the last one, so that the excerpt shows for how long was captured:
/// what did not happen can only be told from that.
///
/// # Errors
///
/// [`Error::Changed`] if an input is not what it was when it was analysed, [`Error::Write`] if `out` fails.
pub fn excerpt(
    analysis: &Analysis,
    options: &Options,
    workers: &ThreadPool,
    (place, out): (&Path, &mut (dyn Write + Send)),
) -> Result<Excerpt, Error> {
    workers.install(|| {
        let again = Again::new(analysis, options);
        let mut wanted = Wanted::of(analysis);
        // A call of which only a later message was named is found as a whole the next time.
        while wanted.is_new {
            wanted = wanted.again();
            again.messages(&mut wanted)?;
        }
        again.batches(|batch| {
            wanted.carriers.trace(&batch.windows);
            Ok(batch.windows)
        })?;
        let failed = |source| Error::Write { path: place.to_owned(), source };
        let mut output = Selected::new(analysis, out).map_err(failed)?;
        again.batches(|batch| {
            output.take(&batch.windows, &again, &wanted.carriers).map_err(failed)?;
            Ok(batch.windows)
        })?;
        let calls = wanted.calls.len() as u64;
        Ok(Excerpt { calls, packets: output.finish().map_err(failed)? })
    })
}

/// The inputs, to be read again.
struct Again<'a> {
    paths: Vec<PathBuf>,
    inputs: &'a [InputInfo],
    options: &'a Options,
}

impl<'a> Again<'a> {
    fn new(analysis: &'a Analysis, options: &'a Options) -> Self {
        let paths = analysis.inputs.iter().map(|input| input.path.clone()).collect();
        Self { paths, inputs: &analysis.inputs, options }
    }

    /// Whether a frame was there when the input was analysed: files may have grown since.
    fn was_there(&self, input: u32, frame: u64) -> bool {
        let known = usize::try_from(input).ok().and_then(|index| self.inputs.get(index));
        known.is_some_and(|known| frame <= known.frames)
    }

    /// Shows all batches; each gives its windows back.
    fn batches(&self, mut take: impl FnMut(Batch) -> Result<Vec<Window>, Error>) -> Result<(), Error> {
        let mut feeder = Feeder::open(&self.paths, &self.options.capture)?;
        let mut spent = Vec::new();
        while let Some(batch) = feeder.next_batch(&mut spent) {
            spent.extend(take(batch)?.into_iter().map(Window::into_buffer));
        }
        self.compare(&feeder.finish())
    }

    /// Fails if the inputs are others than those that were analysed.
    fn compare(&self, now: &[InputInfo]) -> Result<(), Error> {
        let is_same = |before: &InputInfo, now: &InputInfo| {
            before.path == now.path
                && before.frames <= now.frames
                && (now.frames == 0 || before.first_time >= now.first_time)
        };
        let changed = (0..self.inputs.len().max(now.len())).find(|index| {
            !self.inputs.get(*index).zip(now.get(*index)).is_some_and(|(before, now)| is_same(before, now))
        });
        match changed {
            None => Ok(()),
            Some(index) => Err(Error::Changed { path: self.paths.get(index).cloned().unwrap_or_default() }),
        }
    }

    /// Looks for the messages that are wanted.
    fn messages(&self, wanted: &mut Wanted) -> Result<(), Error> {
        let feeder = Feeder::open(&self.paths, &self.options.capture)?;
        let mut intake = Intake::new(feeder, self.options.capture.windows_per_batch);
        let mut sorting = Sorting::default();
        while let Some(sorted) = sorting.next(&mut intake) {
            wanted.see(&sorted.messages, &sorted.windows, self);
            sorting.give_back(sorted, &mut intake);
        }
        let rest = sorting.finish();
        wanted.see(&rest.messages, &rest.windows, self);
        self.compare(&intake.finish())
    }
}

/// The calls with which a client was seen with a server, and with another.
#[derive(Default)]
struct Client {
    opened: HashSet<u64>,
    first: Option<(IpAddr, Text)>,
    has_two: bool,
}

impl Client {
    /// The calls that show the client with two servers, once they do.
    fn sees(&mut self, record: &MessageRecord, call_id: &[u8]) -> Option<[Text; 2]> {
        let opens =
            record.is_request() && record.to_tag.is_empty() && !matches!(record.method, Method::Ack | Method::Cancel);
        if self.has_two || !opens || !self.opened.insert(digest(call_id)) {
            return None;
        }
        let server = record.destination.address;
        let (known, first) = self.first.get_or_insert_with(|| (server, call_id.into()));
        self.has_two = *known != server;
        self.has_two.then(|| [first.clone(), call_id.into()])
    }
}

/// What is looked for.
struct Wanted {
    calls: HashSet<Text>,
    /// Frames that findings about those calls show: their calls are wanted too.
    shown: HashSet<(u32, u64)>,
    /// The clients of redirects: what is said of them depends on whether they were seen with more than one server.
    clients: HashMap<IpAddr, Client>,
    /// Whether a call was added whose earlier messages may have been passed.
    is_new: bool,
    carriers: Carriers,
}

impl Wanted {
    /// The calls that are listed, those in which they went on, and what findings about them show.
    fn of(analysis: &Analysis) -> Self {
        let mut calls: HashSet<Text> = analysis.listed.iter().map(|dialog| dialog.call_id.clone()).collect();
        let listed = |call_id: &Text| calls.contains(call_id);
        let redirects = analysis.redirects.iter().map(|judged| &judged.redirect);
        let redirects: Vec<_> = redirects.filter(|redirect| listed(&redirect.call_id)).collect();
        let clients = redirects.iter().map(|redirect| (redirect.client.endpoint.address, Client::default())).collect();
        let followed = redirects.iter().filter_map(|redirect| redirect.follow_up.as_ref());
        let negotiations = analysis.negotiations.iter().map(|judged| &judged.negotiation);
        let rounds =
            negotiations.filter(|negotiation| listed(&negotiation.call_id)).flat_map(|negotiation| &negotiation.rounds);
        let retried = rounds.filter_map(|round| Some(&round.retry.as_ref()?.follow_up));
        let linked: Vec<Text> = followed.chain(retried).filter_map(|next| next.call_id.clone()).collect();
        calls.extend(linked);
        let findings = analysis.findings.iter().filter(|finding| calls.contains(&finding.call_id));
        let evidence = findings.flat_map(|finding| &finding.evidence);
        let shown = evidence.map(|shown| (shown.place.input, shown.place.frame)).collect();
        Self { calls, shown, clients, is_new: true, carriers: Carriers::default() }
    }

    /// The same before anything was seen.
    fn again(self) -> Self {
        Self { is_new: false, carriers: Carriers::default(), ..self }
    }

    fn see(&mut self, messages: &[super::messages::Messages], windows: &[Window], again: &Again<'_>) {
        let records = || {
            messages.iter().flat_map(|list| list.arriving(windows)).map(|arriving| (arriving.record, arriving.call_id))
        };
        for (record, call_id) in records().filter(|(record, _)| self.shown.contains(&(record.input, record.frame))) {
            if !self.calls.contains(call_id) && again.was_there(record.input, record.frame) {
                self.calls.insert(call_id.into());
                self.is_new = true;
            }
        }
        for (record, call_id) in records() {
            let client = self.clients.get_mut(&record.source.address);
            for call_id in client.and_then(|client| client.sees(record, call_id)).into_iter().flatten() {
                self.is_new |= self.calls.insert(call_id);
            }
        }
        for (record, _) in records().filter(|(_, call_id)| self.calls.contains(*call_id)) {
            if again.was_there(record.input, record.frame) {
                self.carriers.want(record);
            }
        }
    }
}

/// A frame that is written, or may be as a sign that the capture went on.
#[derive(Clone, Copy)]
struct Candidate<'w> {
    order: (Timestamp, u32, u64),
    packet: PacketToWrite<'w>,
    is_needed: bool,
}

/// Writes the frames that are needed.
struct Selected<'a> {
    writer: Writer<io::BufWriter<&'a mut (dyn Write + Send)>>,
    names: Vec<String>,
    /// The watermark of the frame written last.
    written: Option<Timestamp>,
    /// The last frame, without its content, if nothing was written since.
    last: Option<Candidate<'static>>,
    packets: u64,
}

impl<'a> Selected<'a> {
    fn new(analysis: &Analysis, out: &'a mut (dyn Write + Send)) -> io::Result<Self> {
        let digits = analysis.inputs.iter().map(|input| input.digits).max().unwrap_or(0);
        let name = |input: &InputInfo| input.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self {
            writer: Writer::new(io::BufWriter::new(out), digits)?,
            names: analysis.inputs.iter().map(name).collect(),
            written: None,
            last: None,
            packets: 0,
        })
    }

    fn take(&mut self, windows: &[Window], again: &Again<'_>, carriers: &Carriers) -> io::Result<()> {
        let mut found: Vec<Candidate<'_>> =
            windows.par_iter().flat_map_iter(|window| candidates(window, again, carriers)).collect();
        found.par_sort_unstable_by_key(|candidate| candidate.order);
        for candidate in found {
            let is_due =
                self.written.is_none_or(|written| candidate.order.0 >= written.plus_seconds(EXCERPT_TICK_SECONDS));
            if candidate.is_needed || is_due {
                self.write(&candidate)?;
            } else {
                let packet = PacketToWrite { bytes: &[], ..candidate.packet };
                self.last = Some(Candidate { packet, ..candidate });
            }
        }
        Ok(())
    }

    fn write(&mut self, candidate: &Candidate<'_>) -> io::Result<()> {
        let name = usize::try_from(candidate.packet.input).ok().and_then(|index| self.names.get(index));
        if self.writer.packet(&candidate.packet, name.map_or("", String::as_str))? {
            self.packets += u64::from(candidate.is_needed);
            self.written = Some(candidate.order.0);
            self.last = None;
        }
        Ok(())
    }

    /// Ends the file with the last frame; gives how many packets were needed.
    fn finish(mut self) -> io::Result<u64> {
        if let Some(last) = self.last.take() {
            self.write(&last)?;
        }
        self.writer.finish()?;
        Ok(self.packets)
    }
}

/// The frames of a window that are needed, and of the others one for every so many seconds, and the last.
fn candidates<'w>(window: &'w Window, again: &Again<'_>, carriers: &Carriers) -> Vec<Candidate<'w>> {
    let mut found: Vec<Candidate<'w>> = Vec::new();
    let mut sign: Option<Timestamp> = None;
    let mut last = None;
    for frame in window.frames().filter(|frame| again.was_there(window.input, frame.number)) {
        let is_needed = carriers.need(window, &frame);
        let candidate = candidate(window, &frame, is_needed);
        let is_due = sign.is_none_or(|sign| frame.watermark >= sign.plus_seconds(EXCERPT_TICK_SECONDS));
        // The time of a sign is that of the capture, not one that runs ahead of it.
        let is_sign = frame.time == frame.watermark;
        if is_needed || (is_due && is_sign) {
            found.push(candidate);
            sign = is_sign.then_some(frame.watermark).or(sign);
            last = None;
        } else if is_sign {
            last = Some(candidate);
        }
    }
    found.extend(last);
    found
}

fn candidate<'w>(window: &Window, frame: &Frame<'w>, is_needed: bool) -> Candidate<'w> {
    Candidate {
        order: (frame.watermark, window.rank, frame.number),
        packet: PacketToWrite {
            input: window.input,
            link: frame.link,
            time: frame.time,
            wire_len: frame.wire_len,
            bytes: if is_needed { frame.bytes } else { &[] },
        },
        is_needed,
    }
}
