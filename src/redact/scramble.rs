//! Words to pseudonyms of the same form: a permutation of all words of one form, chosen by the key.

use sha2::{Digest, Sha256};

/// What a word is: the same word as a user and as a tag gets different pseudonyms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Domain {
    User,
    Name,
    Host,
    Tag,
    Branch,
    Call,
    /// Letters beyond f stay what they are.
    Hex,
    Token,
    Address,
}

/// Halves are mixed with each other so often.
const ROUNDS: u8 = 8;

/// A letter or digit of a word, and where it stands: alone, or escaped as `%41`.
struct Unit {
    at: usize,
    escaped: bool,
    /// Its place in its alphabet, and how many letters that has.
    value: u8,
    size: u8,
    /// The first letter of its alphabet as it is written.
    base: u8,
}

/// Replaces the letters and digits of `text`. Where case has no meaning ([`Domain::Host`], [`Domain::Hex`]) it plays no part and stays; characters
/// beyond ASCII become `x`. `context` makes it another permutation.
pub(super) fn scramble(key: &[u8; 32], domain: Domain, context: &[u8], text: &mut [u8]) {
    let folds = matches!(domain, Domain::Host | Domain::Hex);
    let mut units = units(domain, text);
    let sizes: Vec<u8> =
        units.iter().map(|unit| if folds || unit.base != b'A' { unit.size } else { unit.size | 0x80 }).collect();
    let mut values: Vec<u8> = units.iter().map(|unit| unit.value).collect();
    let half = values.len() / 2;
    for round in 0..ROUNDS {
        let (left, right) = values.split_at_mut(half);
        let (left_sizes, right_sizes) = sizes.split_at(half);
        let (changed, others, own_sizes) =
            if round % 2 == 0 { (right, &*left, right_sizes) } else { (left, &*right, left_sizes) };
        let mut stream = Stream::new(key, domain, round, &[context, &sizes, others]);
        for (value, size) in changed.iter_mut().zip(own_sizes) {
            let size = u32::from(size & 0x7f).max(1);
            let sum = u32::from(*value).saturating_add(stream.next()).checked_rem(size).unwrap_or(0);
            *value = u8::try_from(sum).unwrap_or(0);
        }
    }
    for (unit, value) in units.iter_mut().zip(values) {
        unit.value = value;
        unit.write(text);
    }
    for byte in text.iter_mut().filter(|byte| !byte.is_ascii()) {
        *byte = b'x';
    }
}

/// A number below `size`: a permutation of all of them.
pub(super) fn permute(key: &[u8; 32], context: &[u8], value: u32, size: u32) -> u32 {
    // The smallest square of a power of two that holds them all; what falls out of range goes round again.
    let bits = u32::BITS.saturating_sub(size.saturating_sub(1).leading_zeros()).div_ceil(2).max(1);
    let mask = 1_u32.checked_shl(bits).unwrap_or(0).wrapping_sub(1);
    let mut now = value;
    loop {
        let (mut left, mut right) = (now.checked_shr(bits).unwrap_or(0) & mask, now & mask);
        for round in 0..ROUNDS {
            let mut stream =
                Stream::new(key, Domain::Address, round, &[context, &right.to_be_bytes(), &size.to_be_bytes()]);
            (left, right) = (right, (left ^ stream.next()) & mask);
        }
        now = left.checked_shl(bits).unwrap_or(0) | right;
        if now < size {
            return now;
        }
    }
}

/// Crosses out letters and digits, and what is not ASCII.
pub(super) fn cross_out(text: &mut [u8]) {
    for byte in text.iter_mut().filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii()) {
        *byte = b'x';
    }
}

fn units(domain: Domain, text: &[u8]) -> Vec<Unit> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.get(at).copied() {
        let escape = (domain == Domain::User && byte == b'%').then(|| escaped(text, at)).flatten();
        let unit = alphabet(domain, escape.unwrap_or(byte));
        if let Some((base, size, value)) = unit {
            found.push(Unit { at, escaped: escape.is_some(), value, size, base });
        }
        at = at.saturating_add(if escape.is_some() { 3 } else { 1 });
    }
    found
}

/// The octet that is escaped here.
fn escaped(text: &[u8], at: usize) -> Option<u8> {
    let digits = std::str::from_utf8(text.get(at.saturating_add(1)..at.saturating_add(3))?).ok()?;
    u8::from_str_radix(digits, 16).ok()
}

/// The first letter of the alphabet of a character, its size, and the place of the character in it.
fn alphabet(domain: Domain, byte: u8) -> Option<(u8, u8, u8)> {
    let place = |base: u8| byte.saturating_sub(base);
    match byte {
        b'0'..=b'9' if domain == Domain::Hex => Some((b'0', 16, place(b'0'))),
        b'a'..=b'f' if domain == Domain::Hex => Some((b'0', 16, place(b'a').saturating_add(10))),
        b'A'..=b'F' if domain == Domain::Hex => Some((b'0', 16, place(b'A').saturating_add(10))),
        _ if domain == Domain::Hex => None,
        b'0'..=b'9' => Some((b'0', 10, place(b'0'))),
        b'a'..=b'z' => Some((b'a', 26, place(b'a'))),
        b'A'..=b'Z' => Some((b'A', 26, place(b'A'))),
        _ => None,
    }
}

impl Unit {
    fn write(&self, text: &mut [u8]) {
        let is_digit_of_hex = self.size == 16;
        let byte = match self.value {
            value @ 10.. if is_digit_of_hex => b'a'.saturating_add(value.saturating_sub(10)),
            value => self.base.saturating_add(value),
        };
        if self.escaped {
            let digit = |value: u8| b"0123456789ABCDEF".get(usize::from(value)).copied().unwrap_or(b'0');
            let digits = [digit(byte >> 4), digit(byte & 0xf)];
            let start = self.at.saturating_add(1);
            if let Some(place) = text.get_mut(start..start.saturating_add(2)) {
                place.copy_from_slice(&digits);
            }
        } else if let Some(place) = text.get_mut(self.at) {
            *place = byte;
        }
    }
}

/// Numbers that follow from a key and what goes with it.
struct Stream {
    base: Sha256,
    block: [u8; 32],
    used: usize,
    count: u32,
}

impl Stream {
    fn new(key: &[u8; 32], domain: Domain, round: u8, parts: &[&[u8]]) -> Self {
        let mut base = Sha256::new().chain_update(key).chain_update([domain as u8, round]);
        for part in parts {
            base.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            base.update(part);
        }
        Self { base, block: [0; 32], used: 32, count: 0 }
    }

    fn next(&mut self) -> u32 {
        if self.used >= self.block.len() {
            self.block = self.base.clone().chain_update(self.count.to_be_bytes()).finalize().into();
            self.count = self.count.saturating_add(1);
            self.used = 0;
        }
        let bytes = self.block.get(self.used..self.used.saturating_add(4)).and_then(|bytes| bytes.try_into().ok());
        self.used = self.used.saturating_add(4);
        // Sums with it stay in range.
        bytes.map_or(0, u32::from_be_bytes) >> 8
    }
}
