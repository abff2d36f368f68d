//! Looking for one of a few bytes in short text.
//!
//! The parts of a header are ten to forty bytes long. There a search that looks at eight bytes at a time right where it is
//! needed is faster than a call to one that is made for long text.

use memchr::memchr2;

/// Every byte is one.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The highest bit of every byte.
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// The offset of the first byte that is one of `needles`.
#[inline]
pub(super) fn find<const N: usize>(text: &[u8], needles: [u8; N]) -> Option<usize> {
    let (words, rest) = text.as_chunks::<8>();
    let mut position = 0_usize;
    for word in words {
        let found = matches(u64::from_le_bytes(*word), needles);
        if found != 0 {
            return Some(position.wrapping_add(lowest(found)));
        }
        position = position.wrapping_add(8);
    }
    match text.last_chunk::<8>() {
        // The last eight bytes overlap with what was looked at, where there is nothing to be found.
        Some(word) if !rest.is_empty() => {
            let found = matches(u64::from_le_bytes(*word), needles);
            (found != 0).then(|| text.len().wrapping_sub(8).wrapping_add(lowest(found)))
        }
        _ => rest.iter().position(|byte| needles.contains(byte)).map(|found| position.wrapping_add(found)),
    }
}

/// The offset of the first CR or LF. Nearly all text has no byte below 16 before that, which is quicker to see.
#[inline]
pub(super) fn find_line_break(text: &[u8]) -> Option<usize> {
    let below_16 = |word: u64| word.wrapping_sub(ONES.wrapping_mul(16)) & !word & HIGH_BITS;
    let mut position = 0_usize;
    for word in text.as_chunks::<8>().0 {
        let found = below_16(u64::from_le_bytes(*word));
        if found != 0 {
            let offset = lowest(found);
            if matches!(word.get(offset), Some(b'\r' | b'\n')) {
                return Some(position.wrapping_add(offset));
            }
            break;
        }
        position = position.wrapping_add(8);
    }
    memchr2(b'\r', b'\n', text.get(position..)?).map(|found| position.wrapping_add(found))
}

/// A word whose lowest bit that is set is the high bit of the first byte that is one of `needles`. Bits above it may be wrong,
/// since the subtraction borrows.
#[inline]
fn matches<const N: usize>(word: u64, needles: [u8; N]) -> u64 {
    needles.iter().fold(0, |found, needle| {
        let zero_where_equal = word ^ ONES.wrapping_mul(u64::from(*needle));
        found | (zero_where_equal.wrapping_sub(ONES) & !zero_where_equal & HIGH_BITS)
    })
}

/// The number of the byte of the lowest bit, of which there is one.
#[inline]
fn lowest(found: u64) -> usize {
    usize::try_from(found.trailing_zeros() / 8).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_first_is_found(text in proptest::collection::vec(prop_oneof![
            4 => any::<u8>(),
            8 => Just(b'x'),
            2 => proptest::sample::select(&b"\r\n\t\0\x0b\x0e\x10\x8d;:<=,\xbb"[..]),
        ], 0..64)) {
            prop_assert_eq!(find(&text, [b';']), text.iter().position(|byte| *byte == b';'));
            prop_assert_eq!(find(&text, [b'<', b'=', b',']), text.iter().position(|byte| b"<=,".contains(byte)));
            let expected = text.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            prop_assert_eq!(find(&text, [b'\r', b'\n']), expected);
            prop_assert_eq!(find_line_break(&text), expected);
        }
    }
}
