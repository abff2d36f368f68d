//! Reads the messages of listed calls again, so that a report can show them as they are.

use std::collections::BTreeMap;

use crate::analysis::Analysis;
use crate::capture::read_again;
use crate::correlation::{ListedMessage, Place};
use crate::extent::Extent;
use crate::limits::{MAX_QUOTED_BYTES, MAX_QUOTED_MESSAGE_BYTES};
use crate::redact::Pseudonyms;
use crate::sip::Message;

/// Reads the messages of the listed calls again, those that repeat another left out, until there are too many bytes. What cannot
/// be read again is not quoted: what came by a pipe, lies in two files, or was relayed in compressed form, and files that have
/// changed since. With `pseudonyms` they are quoted with these.
pub fn quote(analysis: &mut Analysis, pseudonyms: Option<&Pseudonyms>) {
    let mut wanted: Vec<ListedMessage<'_>> = Vec::new();
    let mut bytes = 0_u64;
    for message in analysis.listed.iter().flat_map(|dialog| dialog.messages()) {
        let length: u64 = message.extents.iter().map(|extent| u64::from(extent.length)).sum();
        let is_within_input = message.extents.iter().all(|extent| extent.input == message.place.input);
        if message.repeat_of.is_some() || !is_within_input || length == 0 || length > MAX_QUOTED_MESSAGE_BYTES {
            continue;
        }
        bytes = bytes.saturating_add(length);
        if bytes > MAX_QUOTED_BYTES {
            break;
        }
        wanted.push(message);
    }
    let mut quotes: Vec<(Place, Box<[u8]>)> = Vec::new();
    let mut by_input: BTreeMap<u32, Vec<ListedMessage<'_>>> = BTreeMap::new();
    for message in wanted {
        by_input.entry(message.place.input).or_default().push(message);
    }
    for (input, messages) in by_input {
        let path = usize::try_from(input).ok().and_then(|index| analysis.inputs.get(index)).map(|info| &info.path);
        let Some(path) = path else { continue };
        let extents: Vec<Extent> = messages.iter().flat_map(|message| message.extents.iter().copied()).collect();
        let mut pieces = read_again(path, &extents).into_iter();
        for message in messages {
            let pieces: Vec<Option<Vec<u8>>> = pieces.by_ref().take(message.extents.len()).collect();
            let whole = pieces.into_iter().collect::<Option<Vec<_>>>().map(|pieces| pieces.concat());
            quotes.extend(whole.and_then(|whole| Some((message.place, message_in(&message, whole, pseudonyms)?))));
        }
    }
    analysis.quotes = quotes.into_iter().collect();
}

/// The message within bytes that hold it, from its start line on; nothing if that is not in them.
fn message_in(message: &ListedMessage<'_>, bytes: Vec<u8>, pseudonyms: Option<&Pseudonyms>) -> Option<Box<[u8]>> {
    let bytes = match pseudonyms {
        None => bytes,
        Some(pseudonyms) => {
            let read = Message::parse(&bytes).or_else(|_| Message::parse_cut(&bytes)).ok()?;
            pseudonyms.message(&read)
        }
    };
    let at = memchr::memmem::find(&bytes, message.start_line)?;
    Some(bytes.get(at..)?.into())
}
