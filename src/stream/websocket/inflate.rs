//! Messages that are compressed (RFC 7692 7.2.2).
//!
//! What a message refers back to may lie in earlier ones. Whether it may was agreed on in the upgrade; here it always may, since
//! senders who agreed not to do so do not.

use flate2::{Decompress, FlushDecompress, Status};

use crate::limits::{FREE_INFLATION_BYTES, MAX_INFLATION_RATIO, MAX_MESSAGE_BYTES};

/// What senders leave out at the end of each message.
const TAIL: &[u8] = &[0, 0, 0xff, 0xff];

/// Memory of a decompressor with its window, about, in bytes.
pub(super) const INFLATER_BYTES: usize = 48 << 10;

/// Unpacks the messages of one direction.
#[derive(Debug)]
pub(super) struct Inflater {
    decompress: Decompress,
    /// Bytes that came in and went out so far.
    taken: usize,
    given: usize,
}

/// Why a message could not be unpacked. What comes after it can only be if it refers to nothing before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unpackable {
    /// It is damaged, or refers to what was not seen.
    Invalid,
    /// It is longer than a message may be, or than such messages become.
    TooLong,
}

impl Default for Inflater {
    fn default() -> Self {
        Self { decompress: Decompress::new(false), taken: 0, given: 0 }
    }
}

impl Inflater {
    /// Unpacks a message.
    pub(super) fn inflate(&mut self, message: &[u8]) -> Result<Vec<u8>, Unpackable> {
        self.taken = self.taken.saturating_add(message.len());
        let allowed = self.taken.saturating_mul(MAX_INFLATION_RATIO).saturating_add(FREE_INFLATION_BYTES);
        let limit = allowed.saturating_sub(self.given).min(MAX_MESSAGE_BYTES);
        let mut unpacked = Vec::with_capacity(message.len().saturating_mul(4).min(limit) + TAIL.len());
        let outcome = [message, TAIL].into_iter().try_for_each(|part| self.part(part, &mut unpacked, limit));
        self.given = self.given.saturating_add(unpacked.len());
        match outcome {
            Ok(()) => Ok(unpacked),
            Err(unpackable) => {
                self.decompress.reset(false);
                Err(unpackable)
            }
        }
    }

    /// Unpacks as much as there is of the beginning of a message.
    pub(super) fn begin(&mut self, start: &[u8]) -> Option<Vec<u8>> {
        let mut unpacked = Vec::with_capacity(start.len().saturating_mul(4));
        self.part(start, &mut unpacked, FREE_INFLATION_BYTES).ok().map(|()| unpacked)
    }

    fn part(&mut self, part: &[u8], unpacked: &mut Vec<u8>, limit: usize) -> Result<(), Unpackable> {
        let mut rest = part;
        loop {
            if unpacked.len() == unpacked.capacity() {
                unpacked.reserve(unpacked.len().max(TAIL.len()));
            }
            let (taken, given) = (self.decompress.total_in(), unpacked.len());
            let status = self.decompress.decompress_vec(rest, unpacked, FlushDecompress::Sync);
            let status = status.map_err(|_| Unpackable::Invalid)?;
            let taken = usize::try_from(self.decompress.total_in() - taken).unwrap_or(usize::MAX);
            rest = rest.get(taken..).unwrap_or_default();
            if unpacked.len() > limit {
                return Err(Unpackable::TooLong);
            }
            match status {
                // A sender may end the stream within a message and begin another (RFC 7692 7.2.3.4).
                Status::StreamEnd => self.decompress.reset(false),
                _ if unpacked.len() == unpacked.capacity() => continue,
                _ if !rest.is_empty() && taken == 0 && unpacked.len() == given => return Err(Unpackable::Invalid),
                _ => {}
            }
            if rest.is_empty() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compress, Compression, FlushCompress};

    use super::*;

    /// Packs messages as a sender does that refers back to earlier ones, or does not.
    pub(crate) fn pack(messages: &[&[u8]], refer_back: bool) -> Vec<Vec<u8>> {
        let mut compress = Compress::new(Compression::best(), false);
        let pack = |message: &&[u8]| {
            if !refer_back {
                compress.reset();
            }
            let mut packed = Vec::with_capacity(message.len() + 1_000);
            compress.compress_vec(message, &mut packed, FlushCompress::Sync).unwrap();
            assert!(packed.ends_with(TAIL));
            packed.truncate(packed.len() - TAIL.len());
            packed
        };
        messages.iter().map(pack).collect()
    }

    #[test]
    fn messages_are_unpacked_whether_they_refer_back_or_not() {
        let long = b"OPTIONS sip:somebody@example.com SIP/2.0\r\n".repeat(500);
        let messages =
            [b"INVITE sip:a@b SIP/2.0".as_slice(), b"INVITE sip:a@c SIP/2.0", &long, b"INVITE sip:a@b SIP/2.0"];
        for refer_back in [false, true] {
            let mut inflater = Inflater::default();
            for (packed, message) in pack(&messages, refer_back).iter().zip(messages) {
                assert_eq!(inflater.inflate(packed).as_deref(), Ok(message));
                assert_eq!(inflater.inflate(&[0]).as_deref(), Ok(&[][..]), "an empty message");
            }
        }
    }

    #[test]
    fn what_refers_to_what_was_not_seen_is_refused() {
        let packed = pack(&[b"INVITE sip:alice@example.com SIP/2.0", b"INVITE sip:alice@example.com SIP/2.0"], true);
        let mut inflater = Inflater::default();
        assert_eq!(inflater.inflate(&packed[1]), Err(Unpackable::Invalid));
        assert!(inflater.inflate(&packed[0]).is_ok());
        assert!(inflater.inflate(&packed[1]).is_ok());
    }

    #[test]
    fn bombs_are_bounded_in_each_message_and_in_all() {
        let packed = pack(&[&vec![b' '; 2 * MAX_MESSAGE_BYTES]], false).remove(0);
        assert_eq!(Inflater::default().inflate(&packed), Err(Unpackable::TooLong));
        let packed = pack(&[&vec![b' '; MAX_MESSAGE_BYTES / 2]], false).remove(0);
        let mut inflater = Inflater::default();
        let read = (0..100).filter(|_| inflater.inflate(&packed).is_ok()).count();
        assert!((1..40).contains(&read), "{read} of 100");
    }

    #[test]
    fn a_stream_that_ends_within_a_message_is_followed_by_another() {
        let mut packed = Vec::with_capacity(1_000);
        Compress::new(Compression::best(), false)
            .compress_vec(b"SIP/2.0 200", &mut packed, FlushCompress::Finish)
            .unwrap();
        let both = [packed.clone(), packed].concat();
        assert_eq!(Inflater::default().inflate(&both).as_deref(), Ok(&b"SIP/2.0 200SIP/2.0 200"[..]));
    }
}
