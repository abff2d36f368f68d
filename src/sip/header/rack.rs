//! RAck and RSeq: which provisional response is acknowledged (RFC 3262 7.1, 7.2).

use super::{CSeq, HeaderError};
use crate::sip::token::{decimal, digits1, lws0, lws1, trim};

/// The value of RAck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RAck<'a> {
    /// The RSeq of the response.
    pub response_number: u32,
    /// The CSeq of the response.
    pub cseq: CSeq<'a>,
}

impl<'a> RAck<'a> {
    /// Reads `response-num LWS CSeq-num LWS Method`.
    pub fn parse(value: &'a [u8]) -> Result<Self, HeaderError> {
        let (rest, digits) =
            lws0(value).and_then(|(rest, _)| digits1(rest)).map_err(|_: nom::Err<()>| HeaderError::NotANumber)?;
        let (rest, _) = lws1(rest).map_err(|_: nom::Err<()>| HeaderError::NotANumber)?;
        Ok(Self { response_number: number32(digits)?, cseq: CSeq::parse(rest)? })
    }
}

/// The value of RSeq, or any other header that is a number of 32 bits.
pub(in crate::sip) fn number32(value: &[u8]) -> Result<u32, HeaderError> {
    let number = decimal(trim(value)).ok_or(HeaderError::NotANumber)?;
    u32::try_from(number).map_err(|_| HeaderError::NumberTooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_numbers_and_the_method() {
        let rack = RAck::parse(b"776656 1\r\n INVITE").unwrap();
        assert_eq!((rack.response_number, rack.cseq), (776_656, CSeq { number: 1, method: b"INVITE" }));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, error) in [
            ("", HeaderError::NotANumber),
            ("1", HeaderError::NotANumber),
            ("4294967296 1 INVITE", HeaderError::NumberTooLarge),
            ("1 4294967296 INVITE", HeaderError::NumberTooLarge),
            ("1 INVITE", HeaderError::NotANumber),
            ("1 2", HeaderError::NoMethod),
        ] {
            assert_eq!(RAck::parse(text.as_bytes()), Err(error), "{text}");
        }
        assert_eq!(number32(b" 0007 "), Ok(7));
        assert_eq!(number32(b"7 8"), Err(HeaderError::NotANumber));
    }
}
