//! Looking for one of a few bytes in short text.
//!
//! The parts of a header are ten to forty bytes long. There a search that looks at sixteen or eight bytes at a time right where it is
//! needed is faster than a call to one that is made for long text.

use wide::u8x16;

/// Every byte is one.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The highest bit of every byte.
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// The offset of the first byte that is one of `needles`.
#[inline]
pub(super) fn find<const N: usize>(text: &[u8], needles: [u8; N]) -> Option<usize> {
    let mut position = 0_usize;
    for block in text.as_chunks::<16>().0 {
        if let Some(offset) = first_in_block(block, needles) {
            return Some(position.wrapping_add(offset));
        }
        position = position.wrapping_add(16);
    }
    if position == text.len() {
        return None;
    }
    if let Some(block) = text.last_chunk::<16>() {
        // The last sixteen bytes overlap with what was looked at, where there is nothing to be found.
        return first_in_block(block, needles).map(|offset| text.len().wrapping_sub(16).wrapping_add(offset));
    }
    find_in_few(text, needles)
}

/// The same for text of less than sixteen bytes.
#[inline]
fn find_in_few<const N: usize>(text: &[u8], needles: [u8; N]) -> Option<usize> {
    let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) else {
        return text.iter().position(|byte| needles.contains(byte));
    };
    let found = in_word(u64::from_le_bytes(*first), needles);
    if found != 0 {
        return Some(lowest(found));
    }
    let found = in_word(u64::from_le_bytes(*last), needles);
    (found != 0).then(|| text.len().wrapping_sub(8).wrapping_add(lowest(found)))
}

/// The offset of the first CR or LF.
#[inline]
pub(super) fn find_line_break(text: &[u8]) -> Option<usize> {
    find(text, *b"\r\n")
}

/// The offset of the first byte of the block that is one of `needles`.
#[inline]
pub(super) fn first_in_block<const N: usize>(block: &[u8; 16], needles: [u8; N]) -> Option<usize> {
    let found = in_block(block, needles);
    (found != 0).then(|| lowest_of(found))
}

/// Whether there is no white space, no control character, no `"` and no `[`.
#[inline]
pub(super) fn is_plain(text: &[u8]) -> bool {
    let Some(last) = text.last_chunk::<16>() else { return text.iter().all(|byte| is_plain_byte(*byte)) };
    // Without an early end: nearly all text is plain.
    let odd = text.as_chunks::<16>().0.iter().fold(odd_in(last), |odd, block| odd | odd_in(block));
    odd.none()
}

const fn is_plain_byte(byte: u8) -> bool {
    !(byte <= b' ' || byte == 0x7f || byte == b'"' || byte == b'[')
}

/// All bits of each byte that is not plain.
#[inline]
fn odd_in(block: &[u8; 16]) -> u8x16 {
    let block = u8x16::from(*block);
    let low = block.simd_eq(block.min(u8x16::splat(b' ')));
    [0x7f, b'"', b'['].iter().fold(low, |odd, byte| odd | block.simd_eq(u8x16::splat(*byte)))
}

/// A bit for each byte of the block that is one of `needles`, the lowest for the first.
#[inline]
fn in_block<const N: usize>(block: &[u8; 16], needles: [u8; N]) -> u32 {
    let block = u8x16::from(*block);
    needles.iter().fold(u8x16::ZERO, |found, needle| found | block.simd_eq(u8x16::splat(*needle))).to_bitmask()
}

/// A word whose lowest bit that is set is the high bit of the first byte that is one of `needles`. Bits above it may be wrong,
/// since the subtraction borrows.
#[inline]
fn in_word<const N: usize>(word: u64, needles: [u8; N]) -> u64 {
    needles.iter().fold(0, |found, needle| {
        let zero_where_equal = word ^ ONES.wrapping_mul(u64::from(*needle));
        found | (zero_where_equal.wrapping_sub(ONES) & !zero_where_equal & HIGH_BITS)
    })
}

/// The number of the lowest bit, of which there is one.
#[inline]
fn lowest_of(found: u32) -> usize {
    usize::try_from(found.trailing_zeros()).unwrap_or(0)
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

    /// Compares with a plain search, for one to seven needles.
    fn is_first(text: &[u8]) -> Result<(), TestCaseError> {
        fn check<const N: usize>(text: &[u8]) -> Result<(), TestCaseError> {
            let needles: [u8; N] = *NEEDLES.first_chunk().unwrap();
            prop_assert_eq!(find(text, needles), text.iter().position(|byte| needles.contains(byte)), "{:?}", needles);
            Ok(())
        }
        check::<1>(text)?;
        check::<2>(text)?;
        check::<3>(text)?;
        check::<4>(text)?;
        check::<5>(text)?;
        check::<6>(text)?;
        check::<7>(text)
    }

    /// Neighbours of each other, the ends of the range of bytes, and what separates things.
    const NEEDLES: &[u8; 7] = b"\r\n\0;\xff<=";

    #[test]
    fn a_needle_is_found_at_every_place_of_every_length() {
        for length in 0..=40 {
            // What the subtraction of a borrow may take for a needle stands behind each.
            for filler in [b'x', b'\x01', b':', b'\x0c', b'\x80', b'\xfe'] {
                is_first(&vec![filler; length]).unwrap();
                for (at, needle) in (0..length).flat_map(|at| NEEDLES.iter().map(move |needle| (at, *needle))) {
                    let mut text = vec![filler; length];
                    text[at] = needle;
                    is_first(&text).unwrap();
                }
            }
        }
    }

    proptest! {
        #[test]
        fn plain_is_what_has_plain_bytes_alone(
            mut text in proptest::collection::vec(b'!'..=b'~', 0..70), odd in any::<u8>(), at in 0_usize..70
        ) {
            prop_assert_eq!(is_plain(&text), text.iter().all(|byte| is_plain_byte(*byte)));
            text.retain(|byte| is_plain_byte(*byte));
            prop_assert!(is_plain(&text));
            if let Some(byte) = text.get_mut(at) {
                *byte = odd;
                prop_assert_eq!(is_plain(&text), is_plain_byte(odd));
            }
        }

        #[test]
        fn the_first_is_found(text in proptest::collection::vec(prop_oneof![
            4 => any::<u8>(),
            8 => Just(b'x'),
            2 => proptest::sample::select(&b"\r\n\t\0\x0b\x0e\x10\x8d;:<=,\xbb"[..]),
        ], 0..64)) {
            is_first(&text)?;
            prop_assert_eq!(find_line_break(&text), text.iter().position(|byte| matches!(byte, b'\r' | b'\n')));
        }
    }
}
