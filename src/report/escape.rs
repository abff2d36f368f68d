//! Text from the network on its way to a person: nothing in it moves a cursor, hides, or changes the order of what is read.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with everything that is not shown as itself as `\u{...}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(deceives) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len().saturating_add(16));
    for character in text.chars() {
        if deceives(character) {
            // A String takes everything.
            let _ = write!(safe, "\\u{{{:x}}}", u32::from(character));
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// Controls; formatting characters that have no look of their own, those of bidirectional text (UAX 9) above all; line ends
/// beyond ASCII; characters that are none (XML 1.0 section 2.2 forbids some of them).
fn deceives(character: char) -> bool {
    character.is_control()
        || matches!(
            u32::from(character),
            0xad | 0x34f
                | 0x61c
                | 0x115f..=0x1160
                | 0x17b4..=0x17b5
                | 0x180b..=0x180f
                | 0x200b..=0x200f
                | 0x2028..=0x202e
                | 0x2060..=0x206f
                | 0x3164
                | 0xfe00..=0xfe0f
                | 0xfeff
                | 0xffa0
                | 0xfff0..=0xfffb
                | 0xfdd0..=0xfdef
                | 0xe0000..=0xe0fff
        )
        || u32::from(character) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_deceives_is_written_out() {
        assert!(matches!(visible("Zoë 電話 \"x\" \\ <sip:a@b>"), Cow::Borrowed(_)));
        for (text, safe) in [
            ("a\x1b[2Jb", "a\\u{1b}[2Jb"),
            ("a\r\nb\tc\u{7f}", "a\\u{d}\\u{a}b\\u{9}c\\u{7f}"),
            ("\u{202e}evil\u{2066}", "\\u{202e}evil\\u{2066}"),
            ("a\u{200b}\u{feff}b\u{2028}c\u{85}", "a\\u{200b}\\u{feff}b\\u{2028}c\\u{85}"),
            ("\u{fffe}\u{1ffff}\u{e0041}", "\\u{fffe}\\u{1ffff}\\u{e0041}"),
        ] {
            assert_eq!(visible(text), safe);
        }
    }
}
