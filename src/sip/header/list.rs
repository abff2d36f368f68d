//! The values of a comma list (RFC 3261 7.3.1).

use crate::sip::scan::find;
use crate::sip::token::{from, part, quoted_length, trim};

/// Cuts the value of a list header at its commas, not at those inside a quoted string or `<...>`.
///
/// A quote or bracket that does not end takes all the rest. White space round a value is cut off; empty values are kept.
#[derive(Clone, Debug)]
pub struct ListValues<'a> {
    /// What is left, or `None` behind the last value.
    rest: Option<&'a [u8]>,
}

impl<'a> ListValues<'a> {
    /// The values of the value of one header row.
    pub fn new(value: &'a [u8]) -> Self {
        Self { rest: Some(value) }
    }
}

impl<'a> Iterator for ListValues<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest.take()?;
        let end = comma(rest).unwrap_or(rest.len());
        self.rest = rest.get(end.saturating_add(1)..).filter(|_| end < rest.len());
        Some(trim(part(rest, 0, end)))
    }
}

/// The offset of the first comma that separates values.
fn comma(text: &[u8]) -> Option<usize> {
    let mut position = 0_usize;
    loop {
        let rest = from(text, position);
        let found = find(rest, *b",\"<")?;
        let behind = from(rest, found.saturating_add(1));
        let skip = match rest.get(found)? {
            b'"' => quoted_length(behind)?,
            b'<' => find(behind, [b'>'])?.saturating_add(1),
            _ => return Some(position.saturating_add(found)),
        };
        position = position.saturating_add(found).saturating_add(1).saturating_add(skip);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(text: &[u8]) -> Vec<&[u8]> {
        ListValues::new(text).collect()
    }

    #[test]
    fn commas_in_quotes_and_brackets_do_not_separate() {
        assert_eq!(
            values(br#""a, \", b" <sip:a,b@c> , <sip:d>;x="1,2",e"#),
            [&br#""a, \", b" <sip:a,b@c>"#[..], br#"<sip:d>;x="1,2""#, b"e"]
        );
    }

    #[test]
    fn empty_values_are_kept() {
        assert_eq!(values(b""), [b""]);
        assert_eq!(values(b" , a ,"), [&b""[..], b"a", b""]);
    }

    #[test]
    fn what_does_not_end_takes_the_rest() {
        assert_eq!(values(br#"a, "b, c"#), [&b"a"[..], br#""b, c"#]);
        assert_eq!(values(b"a, <b, c"), [&b"a"[..], b"<b, c"]);
        assert_eq!(values(br#"a, "b\"#), [&b"a"[..], br#""b\"#]);
    }

    proptest! {
        #[test]
        fn joined_values_come_back(
            list in proptest::collection::vec(r#"("([a-z, ]|\\["\\])*" )?<sip:[a-z,;]{1,8}>(;[a-z]{1,3}=("[,<]*"|[a-z]{1,3}))?"#, 1..6),
            separator in "[ \t]{0,2},[ \t]{0,2}",
        ) {
            let joined = list.join(&separator);
            let found: Vec<&[u8]> = values(joined.as_bytes());
            let expected: Vec<&[u8]> = list.iter().map(String::as_bytes).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn nothing_is_lost(text in proptest::collection::vec(proptest::sample::select(&b"a,\"\\<> ;\r\n"[..]), 0..40)) {
            let kept: usize = values(&text).iter().map(|value| value.len()).sum();
            prop_assert!(kept <= text.len());
            prop_assert!(!values(&text).is_empty());
        }
    }
}
