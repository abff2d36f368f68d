//! Character classes and the smallest pieces of the grammar (RFC 3261 25.1).

use nom::IResult;
use nom::bytes::complete::{take_while, take_while1};

use super::scan::find;

/// What a grammar function of this room gives: the rest and the value. The error carries nothing, callers name the cause.
pub(super) type Parsed<'a, T> = IResult<&'a [u8], T, ()>;

const TOKEN: u8 = 1;
const LWS: u8 = 2;

/// The classes of every byte.
static CLASSES: [u8; 256] = classes();

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler: a bad index does not compile")]
const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte: u8 = 0;
    loop {
        let token = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~');
        let white = matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        table[byte as usize] = if token { TOKEN } else { 0 } | if white { LWS } else { 0 };
        if byte == u8::MAX {
            return table;
        }
        byte = byte.wrapping_add(1);
    }
}

#[inline]
fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(0)
}

/// Whether there is a control character other than a tab.
pub(super) fn has_control(text: &[u8]) -> bool {
    // Without an early end, so that many bytes are looked at together.
    text.iter().fold(false, |found, byte| found | (byte.is_ascii_control() & (*byte != b'\t')))
}

/// A character of `token`.
pub(crate) fn is_token(byte: u8) -> bool {
    class(byte) & TOKEN != 0
}

/// White space inside a header value, where a fold counts as white space (RFC 3261 7.3.1).
pub(super) fn is_lws(byte: u8) -> bool {
    class(byte) & LWS != 0
}

/// A space or a tab: white space within one line.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// `[LWS]`.
pub(super) fn lws0(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while(is_lws)(input)
}

/// `LWS`.
pub(super) fn lws1(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while1(is_lws)(input)
}

/// `token`.
pub(super) fn token1(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while1(is_token)(input)
}

/// `1*DIGIT`.
pub(super) fn digits1(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while1(|byte: u8| byte.is_ascii_digit())(input)
}

/// The text without white space at its start and end.
#[inline]
pub(super) fn trim(text: &[u8]) -> &[u8] {
    match text {
        // As nearly all text is: no white space is above the space.
        [first, .., last] if *first > b' ' && *last > b' ' => text,
        _ => trim_both(text),
    }
}

#[inline(never)]
fn trim_both(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_lws(*first)
    {
        text = rest;
    }
    trim_end(text)
}

/// The text without white space at its end.
#[inline]
pub(super) fn trim_end(mut text: &[u8]) -> &[u8] {
    while let [rest @ .., last] = text
        && is_lws(*last)
    {
        text = rest;
    }
    text
}

/// The value of digits alone, which stops at the largest number there is; `None` when there is anything else, or nothing.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, byte| {
        byte.is_ascii_digit().then(|| number.saturating_mul(10).saturating_add(u64::from(byte.wrapping_sub(b'0'))))
    })
}

/// The value of digits alone that are a port number.
pub(super) fn port(digits: &[u8]) -> Option<u16> {
    decimal(digits).and_then(|number| u16::try_from(number).ok())
}

/// The length of a quoted string, its closing quote included, behind its opening quote. `None` when it does not end.
pub(super) fn quoted_length(behind_quote: &[u8]) -> Option<usize> {
    let mut position = 0_usize;
    loop {
        let rest = behind_quote.get(position..)?;
        let found = find(rest, [b'"', b'\\'])?;
        let at = position.checked_add(found)?;
        if rest.get(found) == Some(&b'"') {
            return at.checked_add(1);
        }
        position = at.checked_add(2)?;
    }
}

/// `bytes[start..end]`, or nothing when that is not inside.
pub(super) fn part(bytes: &[u8], start: usize, end: usize) -> &[u8] {
    bytes.get(start..end).unwrap_or_default()
}

/// `bytes[start..]`, or nothing when that is not inside.
pub(super) fn from(bytes: &[u8], start: usize) -> &[u8] {
    bytes.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_those_of_the_rfc() {
        for byte in 0..=u8::MAX {
            let expected = byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte);
            assert_eq!(is_token(byte), expected, "{byte:#04x}");
            assert_eq!(is_lws(byte), b" \t\r\n".contains(&byte), "{byte:#04x}");
        }
    }

    #[test]
    fn decimals_stop_at_the_largest_number() {
        assert_eq!(decimal(b"0068"), Some(68));
        assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(decimal(b"18446744073709551616"), Some(u64::MAX));
        assert_eq!(decimal(b"-1"), None);
        assert_eq!(decimal(b""), None);
        assert_eq!(port(b"65535"), Some(65_535));
        assert_eq!(port(b"65536"), None);
    }

    #[test]
    fn quoted_strings_end_at_an_unescaped_quote() {
        assert_eq!(quoted_length(br#"a\"b" x"#), Some(5));
        assert_eq!(quoted_length(br#"a\\" x"#), Some(4));
        assert_eq!(quoted_length(br#"a\""#), None);
        assert_eq!(quoted_length(br"a\"), None);
        assert_eq!(quoted_length(b""), None);
    }

    #[test]
    fn trimming_takes_folds_too() {
        assert_eq!(trim(b" \r\n a b\t\r\n "), b"a b");
        assert_eq!(trim(b" \r\n\t"), b"");
    }
}
