//! Session-Expires and Min-SE (RFC 4028 4, 5).

use super::{HeaderError, Params};
use crate::sip::token::{decimal, digits1, lws0};

/// Which side of a session refreshes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refresher {
    /// The client of the transaction.
    Uac,
    /// The server of the transaction.
    Uas,
}

/// Session-Expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionExpires<'a> {
    /// The interval in seconds, which stops at the largest number there is.
    pub seconds: u64,
    /// Who refreshes; `None` also when `refresher` has another value than the two of the RFC.
    pub refresher: Option<Refresher>,
    /// All parameters.
    pub params: Params<'a>,
    /// The value as it is written.
    pub raw: &'a [u8],
}

/// Min-SE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MinSe<'a> {
    /// The smallest interval that is accepted, in seconds, which stops at the largest number there is.
    pub seconds: u64,
    /// All parameters.
    pub params: Params<'a>,
    /// The value as it is written.
    pub raw: &'a [u8],
}

impl<'a> SessionExpires<'a> {
    /// Reads the value of one header row.
    pub fn parse(raw: &'a [u8]) -> Result<Self, HeaderError> {
        let (seconds, params) = delta_seconds(raw)?;
        let refresher = params.get(b"refresher").and_then(|param| param.value).and_then(Refresher::of);
        Ok(Self { seconds, refresher, params, raw })
    }
}

impl<'a> MinSe<'a> {
    /// Reads the value of one header row.
    pub fn parse(raw: &'a [u8]) -> Result<Self, HeaderError> {
        let (seconds, params) = delta_seconds(raw)?;
        Ok(Self { seconds, params, raw })
    }
}

impl Refresher {
    fn of(value: &[u8]) -> Option<Self> {
        if value.eq_ignore_ascii_case(b"uac") {
            Some(Self::Uac)
        } else {
            value.eq_ignore_ascii_case(b"uas").then_some(Self::Uas)
        }
    }
}

/// `delta-seconds *(SEMI generic-param)`.
pub(in crate::sip) fn delta_seconds(value: &[u8]) -> Result<(u64, Params<'_>), HeaderError> {
    let (rest, digits) = lws0(value).and_then(|(rest, _)| digits1(rest)).map_err(|_| HeaderError::NotANumber)?;
    let (rest, _) = lws0(rest).map_err(|_| HeaderError::NotANumber)?;
    let seconds = decimal(digits).ok_or(HeaderError::NotANumber)?;
    match rest {
        [] | [b';', ..] => Ok((seconds, Params::new(rest))),
        _ => Err(HeaderError::TextBehindValue),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refreshers_ignore_case_and_white_space() {
        for (text, seconds, refresher) in [
            ("1800", 1_800, None),
            ("90;refresher=uac", 90, Some(Refresher::Uac)),
            ("0090 ; Refresher = UAS ; x=y", 90, Some(Refresher::Uas)),
            ("90;x;refresher=uax", 90, None),
            ("90;refresher", 90, None),
            ("18446744073709551616", u64::MAX, None),
        ] {
            let parsed = SessionExpires::parse(text.as_bytes()).unwrap();
            assert_eq!((parsed.seconds, parsed.refresher, parsed.raw), (seconds, refresher, text.as_bytes()));
        }
        assert_eq!(MinSe::parse(b"3600;lr").map(|min| min.seconds), Ok(3_600));
    }

    #[test]
    fn what_is_no_number_is_an_error() {
        for text in ["", ";refresher=uac", "-90", "ninety"] {
            assert_eq!(SessionExpires::parse(text.as_bytes()), Err(HeaderError::NotANumber), "{text}");
        }
        assert_eq!(MinSe::parse(b"90, 120"), Err(HeaderError::TextBehindValue));
        assert_eq!(MinSe::parse(b"90.5"), Err(HeaderError::TextBehindValue));
    }
}
