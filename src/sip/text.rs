//! Bytes of a message as text for people and for JSON.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The bytes as a string: UTF-8 is kept, and each byte that is not part of it or of a control character becomes `\xNN`.
///
/// A control character is one below U+0020, U+007F, or one of U+0080 to U+009F, of which both bytes are written. A backslash
/// stands for itself, so text that holds `\x` already reads the same as an escape: this is for reading, not for getting the
/// bytes back.
pub fn to_text(bytes: &[u8]) -> String {
    as_text(bytes).into_owned()
}

/// The same without a copy of what can stay as it is.
pub fn as_text(bytes: &[u8]) -> Cow<'_, str> {
    // Nearly all text of SIP is printable ASCII.
    let plain = bytes.iter().fold(true, |plain, byte| plain & (0x20..0x7f).contains(byte));
    if plain && let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() {
                escape(character.encode_utf8(&mut [0; 4]).as_bytes(), &mut text);
            } else {
                text.push(character);
            }
        }
        escape(chunk.invalid(), &mut text);
    }
    Cow::Owned(text)
}

fn escape(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "\\x{byte:02X}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_stays_and_the_rest_is_escaped() {
        assert_eq!(to_text("Grüße, 世界 \\".as_bytes()), "Grüße, 世界 \\");
        assert_eq!(to_text(b"a\0\x1b[31m\r\n\x7f"), "a\\x00\\x1B[31m\\x0D\\x0A\\x7F");
        assert_eq!(to_text(b"\xff\xc3(\xe4\xb8"), "\\xFF\\xC3(\\xE4\\xB8");
        assert_eq!(to_text("\u{85}".as_bytes()), "\\xC2\\x85");
    }

    proptest! {
        #[test]
        fn no_control_character_comes_out(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(!to_text(&bytes).chars().any(char::is_control));
        }
    }
}
