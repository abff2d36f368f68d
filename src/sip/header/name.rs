//! From the bytes of a header name to [`HeaderName`], fast.

use crate::sip::scan::first_in_block;

use super::table::{HEADERS, HeaderKind, HeaderName, HeaderRow, ROWS};

/// Slots of the hash table: a power of two, well over the number of headers so that a look-up rarely meets a second one.
const SLOTS: usize = 1_024;
/// The mark of an empty slot, no row's index.
const EMPTY: u8 = u8::MAX;

/// Row indices by the hash of the spelling; a row whose slot is taken stands in the next free one.
static BY_HASH: [u8; SLOTS] = by_hash();
/// Row indices by compact form.
static BY_LETTER: [u8; 26] = by_letter();

impl HeaderName {
    /// The header of this name, long or compact, in any case.
    pub fn of(name: &[u8]) -> Self {
        let row = match name {
            [letter] => BY_LETTER.get(usize::from(letter.to_ascii_lowercase().wrapping_sub(b'a'))).and_then(row_at),
            _ => by_name(name),
        };
        row.map_or(Self::Other, |row| row.name)
    }

    /// The header whose name stands at the start of the text, right in front of a colon, and the length of the name. It is found
    /// in one look at sixteen bytes; `None` means that a closer look is needed.
    #[inline]
    pub(in crate::sip) fn known_at(text: &[u8]) -> Option<(Self, usize)> {
        let block = text.first_chunk::<16>()?;
        let length = first_in_block(block, [b':'])?;
        let key = fold(u128::from_le_bytes(*block)) & *MASKS.get(length)?;
        let mut slot = key_hash(key);
        loop {
            let (known, name) = *KEYS.get(usize::from(*BY_KEY.get(slot)?))?;
            if known == key {
                return Some((name, length));
            }
            slot = next(slot);
        }
    }

    /// The spelling of the registry; empty for [`HeaderName::Other`].
    pub fn text(self) -> &'static str {
        HEADERS.get(self as usize).map_or("", |row| row.text)
    }

    /// How often it may stand, and whether its values are a comma list.
    pub fn kind(self) -> HeaderKind {
        HEADERS.get(self as usize).map_or(HeaderKind::Rows, |row| row.kind)
    }
}

/// Every byte is one.
const ONES: u128 = u128::MAX / 0xff;
/// The longest name that stands with its colon in sixteen bytes.
const LONGEST_KEY: usize = 15;
/// The bits of a name and its colon, by the length of the name. With the colon no NUL behind a name looks like its end.
static MASKS: [u128; 16] = masks();
/// Names, long and compact, of up to that length, in lower case, with their colon.
static KEYS: [(u128, HeaderName); KEY_COUNT] = keys();
const KEY_COUNT: usize = key_count();
/// Indices into `KEYS` by their hash; one whose slot is taken stands in the next free one.
static BY_KEY: [u8; SLOTS] = by_key();

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler: a bad index does not compile")]
const fn masks() -> [u128; 16] {
    let mut masks = [0xff; 16];
    let mut length = 1;
    while length < 16 {
        masks[length] = (masks[length.wrapping_sub(1)] << 8) | 0xff;
        length = length.wrapping_add(1);
    }
    masks
}

/// Letters in lower case. No other byte becomes one of those that names are made of: a CR does not become a hyphen.
const fn fold(word: u128) -> u128 {
    word | ((word & ONES.wrapping_mul(0x40)) >> 1)
}

#[expect(clippy::cast_possible_truncation, reason = "both halves are used")]
const fn key_hash(key: u128) -> usize {
    let mixed = (key as u64 ^ ((key >> 64) as u64).rotate_left(7)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 54) as usize % SLOTS
}

/// The bytes of a name and its colon as the lowest bytes of a number.
const fn key(name: &[u8]) -> u128 {
    let mut key = b':' as u128;
    let mut rest = name;
    while let [before @ .., last] = rest {
        key = (key << 8) | last.to_ascii_lowercase() as u128;
        rest = before;
    }
    key
}

const fn is_short(row: &HeaderRow) -> bool {
    row.text.len() <= LONGEST_KEY
}

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler: a bad index does not compile")]
const fn key_count() -> usize {
    let mut count = 0_usize;
    let mut row = 0;
    while row < ROWS.len() {
        count = count.wrapping_add(is_short(&ROWS[row]) as usize).wrapping_add(ROWS[row].compact.is_some() as usize);
        row = row.wrapping_add(1);
    }
    count
}

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler: a bad index does not compile")]
const fn keys() -> [(u128, HeaderName); KEY_COUNT] {
    let mut keys = [(0, HeaderName::Other); KEY_COUNT];
    let mut count = 0_usize;
    let mut row = 0;
    while row < ROWS.len() {
        let HeaderRow { name, text, compact, .. } = ROWS[row];
        if is_short(&ROWS[row]) {
            keys[count] = (key(text.as_bytes()), name);
            count = count.wrapping_add(1);
        }
        if let Some(letter) = compact {
            keys[count] = (key(&[letter]), name);
            count = count.wrapping_add(1);
        }
        row = row.wrapping_add(1);
    }
    keys
}

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "evaluated by the compiler: a bad index does not compile, and a test holds that the keys fit into a byte"
)]
const fn by_key() -> [u8; SLOTS] {
    let keys = keys();
    let mut slots = [EMPTY; SLOTS];
    let mut index = 0;
    while index < KEY_COUNT {
        let mut slot = key_hash(keys[index].0);
        while slots[slot] != EMPTY {
            slot = next(slot);
        }
        slots[slot] = index as u8;
        index = index.wrapping_add(1);
    }
    slots
}

fn row_at(index: &u8) -> Option<&'static HeaderRow> {
    HEADERS.get(usize::from(*index))
}

fn by_name(name: &[u8]) -> Option<&'static HeaderRow> {
    let mut slot = hash(name);
    loop {
        let row = BY_HASH.get(slot).and_then(row_at)?;
        let text = row.text.as_bytes();
        if text == name || text.eq_ignore_ascii_case(name) {
            return Some(row);
        }
        slot = next(slot);
    }
}

const fn next(slot: usize) -> usize {
    slot.wrapping_add(1) % SLOTS
}

/// Mixes the length with the first, the middle and the last two letters, which is enough to tell most headers apart.
const fn hash(name: &[u8]) -> usize {
    let [first, .., before, last] = name else { return 0 };
    let (head, _) = name.split_at((name.len() / 2).wrapping_add(1));
    let middle = match head {
        [.., middle] => *middle,
        [] => 0,
    };
    let letters = u32::from_le_bytes([*first, *before, *last, middle]) | 0x2020_2020;
    let [length, ..] = name.len().to_le_bytes();
    let length = length as u32;
    let mixed = letters.wrapping_add(length.wrapping_mul(0x0101)).wrapping_mul(0x9e37_79b1);
    (mixed >> 22) as usize % SLOTS
}

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "evaluated by the compiler: a bad index does not compile, and a test holds that the rows fit into a byte"
)]
const fn by_hash() -> [u8; SLOTS] {
    let mut slots = [EMPTY; SLOTS];
    let mut row = 0;
    while row < ROWS.len() {
        let mut slot = hash(ROWS[row].text.as_bytes());
        while slots[slot] != EMPTY {
            slot = next(slot);
        }
        slots[slot] = row as u8;
        row = row.wrapping_add(1);
    }
    slots
}

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "evaluated by the compiler: a bad index does not compile, and a test holds that the rows fit into a byte"
)]
const fn by_letter() -> [u8; 26] {
    let mut letters = [EMPTY; 26];
    let mut row = 0;
    while row < ROWS.len() {
        if let Some(letter) = ROWS[row].compact {
            letters[letter.wrapping_sub(b'a') as usize] = row as u8;
        }
        row = row.wrapping_add(1);
    }
    letters
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_are_sorted_unique_and_in_the_order_of_the_names() {
        assert!(HEADERS.len() < usize::from(EMPTY));
        let texts: Vec<String> = HEADERS.iter().map(|row| row.text.to_ascii_lowercase()).collect();
        assert!(texts.is_sorted_by(|a, b| a < b), "sorted and unique");
        for (index, row) in HEADERS.iter().enumerate() {
            assert_eq!(row.name as usize, index, "{}", row.text);
            assert_eq!(row.name.text(), row.text);
            assert_eq!(row.name.kind(), row.kind);
        }
        let compact: BTreeSet<u8> = HEADERS.iter().filter_map(|row| row.compact).collect();
        assert_eq!(compact.len(), HEADERS.iter().filter(|row| row.compact.is_some()).count());
        assert_eq!(compact.len(), 20, "19 of the registry and the withdrawn n");
        assert!(compact.iter().all(u8::is_ascii_lowercase));
    }

    #[test]
    fn every_header_is_found_in_any_case() {
        for row in HEADERS {
            for text in [row.text.to_owned(), row.text.to_ascii_lowercase(), row.text.to_ascii_uppercase()] {
                assert_eq!(HeaderName::of(text.as_bytes()), row.name, "{text}");
            }
            if let Some(letter) = row.compact {
                assert_eq!(HeaderName::of(&[letter]), row.name);
                assert_eq!(HeaderName::of(&[letter.to_ascii_uppercase()]), row.name);
            }
        }
    }

    #[test]
    fn other_names_are_other() {
        for name in [&b""[..], b"z", b"{", b"\xff", b"C%6Fntact", b"Contac", b"Contacts", b"Via ", b"X-Via", b"To\0"] {
            assert_eq!(HeaderName::of(name), HeaderName::Other, "{name:?}");
        }
        assert_eq!(HeaderName::Other.text(), "");
        assert_eq!(HeaderName::Other.kind(), HeaderKind::Rows);
        assert_eq!(HeaderName::of(&[b'a'; 5_000]), HeaderName::Other);
    }

    #[test]
    fn both_look_ups_agree() {
        assert!(KEY_COUNT < usize::from(EMPTY));
        let mut found = 0;
        for row in HEADERS {
            for text in [row.text.to_owned(), row.text.to_ascii_uppercase(), row.text.to_ascii_lowercase()] {
                let line = format!("{text}: some value of the header");
                let expected = (text.len() <= LONGEST_KEY).then_some((row.name, text.len()));
                assert_eq!(HeaderName::known_at(line.as_bytes()), expected, "{text}");
                found += usize::from(expected.is_some());
            }
        }
        assert_eq!(found, 3 * HEADERS.iter().filter(|row| is_short(row)).count());
        for byte in 0..=u8::MAX {
            let line = [&[byte], &b":               "[..]].concat();
            let known = HeaderName::known_at(&line).map_or(HeaderName::Other, |(name, _)| name);
            assert_eq!(known, HeaderName::of(&[byte]), "{byte}");
        }
        for line in [
            "Max\rForwards: 70 ",
            "To\0: <sip:a@b.c>",
            "Via : SIP/2.0/UDP host",
            "Vi: SIP/2.0/UDP host",
            ": SIP/2.0/UDP host x",
            "no colon within sixteen",
            "Via:short",
        ] {
            assert_eq!(HeaderName::known_at(line.as_bytes()), None, "{line}");
        }
    }

    proptest! {
        /// Names with a byte changed, put in or taken out: the look at sixteen bytes finds what the other finds, and nothing else.
        #[test]
        fn both_look_ups_agree_about_changed_names(
            row in 0..HEADERS.len(), at in 0..24_usize, byte in any::<u8>(), kind in 0..4_u8, behind in "[ :a-z]{0,16}"
        ) {
            let mut name = HEADERS[row].text.as_bytes().to_vec();
            let at = at % name.len();
            match kind {
                0 => name[at] = byte,
                1 => name[at] ^= 1 << (byte % 8),
                2 => name.insert(at + 1, byte),
                _ => drop(name.remove(at)),
            }
            let text = [&name, &b":"[..], behind.as_bytes()].concat();
            let colon = text.iter().position(|byte| *byte == b':').unwrap();
            let known = match HeaderName::of(&text[..colon]) {
                HeaderName::Other => None,
                name => Some((name, colon)).filter(|_| colon <= LONGEST_KEY && text.len() > LONGEST_KEY),
            };
            prop_assert_eq!(HeaderName::known_at(&text), known, "{:?}", text);
        }
    }

    #[test]
    fn look_ups_stay_short() {
        let worst = HEADERS
            .iter()
            .map(|row| {
                let mut slot = hash(row.text.as_bytes());
                let mut steps = 1;
                while BY_HASH[slot] as usize != row.name as usize {
                    slot = next(slot);
                    steps += 1;
                }
                steps
            })
            .max();
        assert!(worst <= Some(4), "{worst:?}");
    }
}
