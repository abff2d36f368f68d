//! Writes the SIP messages of captures anew, with pseudonyms.

use std::io::{self, Write};
use std::path::Path;

use rayon::ThreadPool;
use rayon::prelude::*;

use super::Sorting;
use super::calls::Sorted;
use super::intake::Intake;
use super::yields::Spot;
use crate::capture::{CaptureOptions, Feeder, InputInfo, PacketToWrite, Writer};
use crate::correlation::Arriving;
use crate::error::Error;
use crate::limits::EXCERPT_TICK_SECONDS;
use crate::net::LinkType;
use crate::redact::{Carriage, Pseudonyms};
use crate::sip::{HeaderName, Message};
use crate::time::Timestamp;

/// Bytes on the wire of what only shows that the capture went on.
const SIGN_BYTES: u32 = 20;

/// Chooses calls, by the pseudonyms of their Call-IDs.
pub type Wanted<'a> = dyn Fn(&[u8]) -> bool + Sync + 'a;

/// What was written, and what was read for it.
#[derive(Debug, Default)]
pub struct Redacted {
    /// Messages.
    pub messages: u64,
    /// The inputs.
    pub inputs: Vec<InputInfo>,
}

/// Writes, as pcapng, the SIP messages that belong to calls, with pseudonyms and in packets of their own: IP and UDP with right lengths and
/// checksums, or what Wireshark exports where a stream carried them. Nothing else of the capture is in the file.
/// `wanted` chooses calls by the pseudonyms of their Call-IDs. `place` is what `out` leads to.
///
/// The messages are as long as they were, and the times are as they were; packets without content show for how long was captured.
///
/// # Errors
///
/// [`Error::Write`] if `out` fails.
pub fn redact(
    feeder: Feeder,
    pseudonyms: &Pseudonyms,
    wanted: &Wanted<'_>,
    workers: &ThreadPool,
    (place, out): (&Path, &mut (dyn Write + Send)),
) -> Result<Redacted, Error> {
    let failed = |source| Error::Write { path: place.to_owned(), source };
    workers.install(|| {
        let mut sorting = Sorting::default();
        let mut output = Output::new((pseudonyms, wanted), out).map_err(failed)?;
        let mut intake = Intake::new(feeder, CaptureOptions::default().windows_per_batch);
        while let Some(sorted) = sorting.next(&mut intake) {
            let last = sorting.last_frame();
            output.take(&sorted, last).map_err(failed)?;
            sorting.give_back(sorted, &mut intake);
        }
        let last = sorting.last_frame();
        output.take(&sorting.finish(), last).map_err(failed)?;
        let messages = output.finish().map_err(failed)?;
        Ok(Redacted { messages, inputs: intake.finish() })
    })
}

/// Writes messages with pseudonyms.
struct Output<'a> {
    pseudonyms: &'a Pseudonyms,
    wanted: &'a Wanted<'a>,
    writer: Writer<io::BufWriter<&'a mut (dyn Write + Send)>>,
    written: Option<Timestamp>,
    /// The capture time of the last frame seen.
    reached: Option<Timestamp>,
    messages: u64,
}

impl<'a> Output<'a> {
    fn new(
        (pseudonyms, wanted): (&'a Pseudonyms, &'a Wanted<'a>),
        out: &'a mut (dyn Write + Send),
    ) -> io::Result<Self> {
        let writer = Writer::new(io::BufWriter::new(out), 9)?;
        Ok(Self { pseudonyms, wanted, writer, written: None, reached: None, messages: 0 })
    }

    fn take(&mut self, sorted: &Sorted, last: Option<Spot>) -> io::Result<()> {
        let mut arriving: Vec<Arriving<'_>> =
            sorted.messages.iter().flat_map(|list| list.arriving(&sorted.windows)).collect();
        arriving.sort_by_key(|arriving| (arriving.now, arriving.record.order()));
        let (pseudonyms, wanted) = (self.pseudonyms, self.wanted);
        let packets: Vec<(Timestamp, LinkType, Vec<u8>)> =
            arriving.par_iter().filter_map(|arriving| packet(arriving, pseudonyms, wanted)).collect();
        for (time, link, bytes) in packets {
            self.write(time, link, &bytes)?;
            self.messages += 1;
        }
        self.reached = last.map(|spot| spot.arrival.watermark).max(self.reached);
        match (self.reached, self.written) {
            (Some(reached), None) => self.write(reached, LinkType::RAW, &[]),
            (Some(reached), Some(written)) if reached >= written.plus_seconds(EXCERPT_TICK_SECONDS) => {
                self.write(reached, LinkType::RAW, &[])
            }
            _ => Ok(()),
        }
    }

    fn write(&mut self, time: Timestamp, link: LinkType, bytes: &[u8]) -> io::Result<()> {
        // A packet without content had at least a header.
        let wire_len = u32::try_from(bytes.len()).unwrap_or(u32::MAX).max(SIGN_BYTES);
        self.writer.packet(&PacketToWrite { input: 0, link, time, wire_len, bytes }, "redacted")?;
        self.written = self.written.max(Some(time));
        Ok(())
    }

    /// Ends the file with a sign of how long was captured.
    fn finish(mut self) -> io::Result<u64> {
        if let Some(reached) = self.reached.filter(|reached| Some(*reached) > self.written) {
            self.write(reached, LinkType::RAW, &[])?;
        }
        self.writer.finish()?;
        Ok(self.messages)
    }
}

/// When a message was captured, and a packet with its pseudonym, if its call is wanted.
fn packet(
    arriving: &Arriving<'_>,
    pseudonyms: &Pseudonyms,
    wanted: &Wanted<'_>,
) -> Option<(Timestamp, LinkType, Vec<u8>)> {
    let record = arriving.record;
    if !wanted(&pseudonyms.header(HeaderName::CallId, arriving.call_id)) {
        return None;
    }
    let message = Message::parse(arriving.message).or_else(|_| Message::parse_cut(arriving.message)).ok()?;
    let carriage = Carriage {
        source: pseudonyms.endpoint(record.source),
        destination: pseudonyms.endpoint(record.destination),
        transport: record.transport,
        identification: record.identification,
    };
    let (link, bytes) = carriage.packet(&pseudonyms.message(&message));
    Some((record.time, link, bytes))
}
