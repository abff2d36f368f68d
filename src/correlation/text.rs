//! The words of a call, each kept once.

use std::ops::Range;

use foldhash::{HashMap, HashMapExt};
use xxhash_rust::xxh3::xxh3_64;

/// Where a text lies in a [`Texts`], or in the message it was found in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    start: u32,
    length: u32,
}

impl Span {
    /// The span of `part` inside `whole`, empty if it does not lie there.
    ///
    /// Both must be slices of one buffer, as the parts of a parsed message are.
    pub fn of(whole: &[u8], part: &[u8]) -> Self {
        let start = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
        if start > whole.len() || part.len() > whole.len() - start {
            return Self::default();
        }
        match (u32::try_from(start), u32::try_from(part.len())) {
            (Ok(start), Ok(length)) => Self { start, length },
            _ => Self::default(),
        }
    }

    /// The text that the span points at, empty if `whole` is not what it was made for.
    pub fn within(self, whole: &[u8]) -> &[u8] {
        let start = self.start as usize;
        whole.get(start..start.saturating_add(self.length as usize)).unwrap_or_default()
    }

    /// Where it lies.
    pub const fn range(self) -> Range<usize> {
        self.start as usize..self.start as usize + self.length as usize
    }

    /// Whether there is no text.
    pub const fn is_empty(self) -> bool {
        self.length == 0
    }
}

/// Up to how many texts are looked through one by one; more are found by digest.
const FEW: usize = 32;
/// Octets of text that most calls have at least; room for them is made at once.
const USUAL_BYTES: usize = 512;

/// The words of a call: tags, URIs and reason phrases, each kept once, so that equal texts have equal spans.
///
/// The messages of a call repeat each other, so this holds a fraction of their text.
#[derive(Debug, Default)]
pub struct Texts {
    bytes: Vec<u8>,
    spans: Vec<Span>,
    by_digest: HashMap<u64, Span>,
}

impl Texts {
    /// No words, with room for those of a usual call.
    pub fn with_room() -> Self {
        Self { bytes: Vec::with_capacity(USUAL_BYTES), spans: Vec::with_capacity(FEW / 2), by_digest: HashMap::new() }
    }

    /// Keeps `text`, which may well be what stands at `hint`, and says where.
    pub fn keep_near(&mut self, text: &[u8], hint: Span) -> Span {
        if is_same(hint.within(&self.bytes), text) { hint } else { self.keep(text) }
    }

    /// Keeps `text`, and says where.
    pub fn keep(&mut self, text: &[u8]) -> Span {
        if text.is_empty() {
            return Span::default();
        }
        let known = if self.by_digest.is_empty() {
            let as_long = |span: &&Span| span.length as usize == text.len();
            self.spans.iter().filter(as_long).find(|span| is_same(span.within(&self.bytes), text))
        } else {
            self.by_digest.get(&xxh3_64(text)).filter(|span| span.within(&self.bytes) == text)
        };
        if let Some(span) = known {
            return *span;
        }
        let (Ok(start), Ok(length)) = (u32::try_from(self.bytes.len()), u32::try_from(text.len())) else {
            return Span::default();
        };
        let span = Span { start, length };
        self.bytes.extend_from_slice(text);
        if self.spans.len() < FEW {
            self.spans.push(span);
        } else {
            if self.by_digest.is_empty() {
                self.by_digest.extend(self.spans.iter().map(|span| (xxh3_64(span.within(&self.bytes)), *span)));
            }
            self.by_digest.insert(xxh3_64(text), span);
        }
        span
    }

    /// Reads a little of all of it, so that it is near.
    pub fn warm(&self) -> u64 {
        /// Bytes that memory gives at a time.
        const LINE: usize = 64;
        let spans = self.spans.first().map_or(0, |span| span.length);
        u64::from(spans) + self.bytes.iter().step_by(LINE).take(FEW).map(|byte| u64::from(*byte)).sum::<u64>()
    }

    /// The text at `span`.
    pub fn get(&self, span: Span) -> &[u8] {
        span.within(&self.bytes)
    }
}

/// Whether both are the same. The texts are short, so that a call to compare them would take longer than comparing them: in steps of
/// sixteen or eight bytes, of which the last overlaps with the one before.
#[inline]
fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    if let (Some(last), Some(other_last)) = (one.last_chunk::<16>(), other.last_chunk::<16>()) {
        let mut blocks = one.as_chunks::<16>().0.iter().zip(other.as_chunks::<16>().0);
        return last == other_last && blocks.all(|(block, other)| block == other);
    }
    match (one.first_chunk::<8>(), other.first_chunk::<8>()) {
        (Some(first), Some(other_first)) => first == other_first && one.last_chunk::<8>() == other.last_chunk::<8>(),
        _ => one.iter().zip(other).all(|(byte, other)| byte == other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_already_is_kept_once() {
        let mut texts = Texts::default();
        let first = texts.keep(b"sip:alice@example.com");
        let other = texts.keep(b"sip:bob@example.com");
        assert_eq!(texts.keep(b"sip:alice@example.com"), first);
        assert_eq!(texts.get(other), b"sip:bob@example.com");
        assert!(texts.keep(b"").is_empty());
    }

    #[test]
    fn equal_texts_have_equal_spans_however_many_there_are() {
        let mut texts = Texts::default();
        let spans: Vec<Span> = (0..200).map(|n| texts.keep(format!("tag{n}").as_bytes())).collect();
        for (n, span) in spans.iter().enumerate() {
            assert_eq!(texts.get(*span), format!("tag{n}").as_bytes());
            assert_eq!(texts.keep(format!("tag{n}").as_bytes()), *span);
        }
    }

    #[test]
    fn one_byte_more_or_other_tells_texts_apart() {
        for length in 0..40 {
            let text: Vec<u8> = (0..length).collect();
            assert!(is_same(&text, &text.clone()) && !is_same(&text, &[&text[..], b"x"].concat()));
            for at in 0..text.len() {
                let mut other = text.clone();
                other[at] ^= 0x80;
                assert!(!is_same(&text, &other), "{length} {at}");
            }
        }
    }

    #[test]
    fn a_part_of_another_buffer_is_no_part() {
        let whole = b"abc".to_vec();
        assert_eq!(Span::of(&whole, &whole[1..]).within(&whole), b"bc");
        assert!(Span::of(&whole, b"zzzzzzzzzzzzzzzz").is_empty());
    }
}
