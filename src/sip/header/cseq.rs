//! CSeq (RFC 3261 20.16).

use super::HeaderError;
use crate::sip::token::{decimal, digits1, from, is_token, lws0, lws1, part, token1};

/// The number and the method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CSeq<'a> {
    /// The number. It must be below 2**31 (RFC 3261 8.1.1.5).
    pub number: u32,
    /// The method; its case counts.
    pub method: &'a [u8],
}

impl<'a> CSeq<'a> {
    /// Reads `1*DIGIT LWS Method`. A number beyond 32 bits is an error, never another number.
    pub fn parse(value: &'a [u8]) -> Result<Self, HeaderError> {
        Self::usual(value).map_or_else(|| Self::any(value), Ok)
    }

    /// A value in all its forms.
    fn any(value: &'a [u8]) -> Result<Self, HeaderError> {
        let (rest, digits) = lws0(value).and_then(|(rest, _)| digits1(rest)).map_err(|_| HeaderError::NotANumber)?;
        let (rest, _) = lws1(rest).map_err(|_| HeaderError::NoMethod)?;
        let (rest, method) = token1(rest).map_err(|_| HeaderError::NoMethod)?;
        let number =
            decimal(digits).and_then(|number| u32::try_from(number).ok()).ok_or(HeaderError::NumberTooLarge)?;
        match lws0(rest) {
            Ok(([], _)) => Ok(Self { number, method }),
            _ => Err(HeaderError::TextBehindValue),
        }
    }

    /// A value as nearly all are: a number of few digits, one space, and a method. `None` says nothing.
    #[inline]
    fn usual(value: &'a [u8]) -> Option<Self> {
        const MOST_DIGITS: usize = 9;
        let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).take(MOST_DIGITS).count();
        let number = part(value, 0, digits)
            .iter()
            .fold(0_u32, |number, digit| number.wrapping_mul(10).wrapping_add(u32::from(digit.wrapping_sub(b'0'))));
        let method = from(value, digits).strip_prefix(b" ")?;
        let is_plain = digits > 0 && !method.is_empty() && method.iter().all(|byte| is_token(*byte));
        is_plain.then_some(Self { number, method })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_and_methods() {
        assert_eq!(CSeq::parse(b"0009\r\n  INVITE"), Ok(CSeq { number: 9, method: b"INVITE" }));
        assert_eq!(CSeq::parse(b"4294967295 a.b%c "), Ok(CSeq { number: u32::MAX, method: b"a.b%c" }));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, error) in [
            ("4294967296 INVITE", HeaderError::NumberTooLarge),
            ("36893488147419103232 REGISTER", HeaderError::NumberTooLarge),
            ("-1 INVITE", HeaderError::NotANumber),
            ("INVITE", HeaderError::NotANumber),
            ("", HeaderError::NotANumber),
            ("1", HeaderError::NoMethod),
            ("1INVITE", HeaderError::NoMethod),
            ("1 @", HeaderError::NoMethod),
            ("1 INVITE x", HeaderError::TextBehindValue),
        ] {
            assert_eq!(CSeq::parse(text.as_bytes()), Err(error), "{text}");
        }
    }

    proptest! {
        /// Whatever the short cut says is what the grammar says.
        #[test]
        fn usual_values_are_read_as_all_are(
            value in "[ \t]?(0{0,9}[0-9]{0,11})( |  |\t|\r\n |\r|/)?([A-Z]{0,7}|[a-zA-Z.!%*_+`'~-]{1,3}|[ -~]{0,3}|[ -~\u{e9}\0]{0,2})[ \r\n\0x]?"
        ) {
            if let Some(usual) = CSeq::usual(value.as_bytes()) {
                prop_assert_eq!(CSeq::any(value.as_bytes()), Ok(usual), "{:?}", value);
            }
        }
    }

    #[test]
    fn the_short_cut_is_taken() {
        assert_eq!(CSeq::usual(b"999999999 INVITE"), CSeq::any(b"999999999 INVITE").ok());
        assert_eq!(CSeq::usual(b"1 BYE"), Some(CSeq { number: 1, method: b"BYE" }));
    }
}
