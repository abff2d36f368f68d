//! Contact: an address with a preference and a lifetime (RFC 3261 20.10).

use super::{HeaderError, NameAddr};
use crate::sip::anomaly::Anomaly;
use crate::sip::token::decimal;

/// One value of Contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contact<'a> {
    /// The address with all parameters.
    pub name_addr: NameAddr<'a>,
    /// The q-value in thousandths; `None` if there is none or it is not valid.
    pub q_millis: Option<u16>,
    /// What is wrong with the q-value.
    pub q_error: Option<HeaderError>,
    /// `expires` in seconds, which stops at the largest number there is; `None` if there is none or it is not valid
    /// (an invalid one counts as 3600, RFC 3261 8.3).
    pub expires: Option<u64>,
    /// What is wrong with `expires`.
    pub expires_error: Option<HeaderError>,
    /// The value as it is written.
    pub raw: &'a [u8],
    /// The first thing that is odd about its parameters; [`NameAddr::oddity`] is about the address.
    pub oddity: Option<Anomaly>,
}

impl<'a> Contact<'a> {
    /// Reads one value of the list.
    pub fn parse(raw: &'a [u8]) -> Result<Self, HeaderError> {
        let name_addr = NameAddr::parse(raw)?;
        let mut q = None;
        let mut expires = None;
        let mut params = name_addr.params.iter();
        for param in params.by_ref() {
            if param.name.eq_ignore_ascii_case(b"q") {
                q = q.or_else(|| Some(q_millis(param.value.unwrap_or_default())));
            } else if param.name.eq_ignore_ascii_case(b"expires") {
                let seconds = || decimal(param.value.unwrap_or_default()).ok_or(HeaderError::NotANumber);
                expires = expires.or_else(|| Some(seconds()));
            }
        }
        let oddity = params.empty.then_some(Anomaly::EmptyParameter);
        Ok(Self {
            name_addr,
            q_millis: q.and_then(Result::ok),
            q_error: q.and_then(Result::err),
            expires: expires.and_then(Result::ok),
            expires_error: expires.and_then(Result::err),
            raw,
            oddity,
        })
    }
}

/// `qvalue` in thousandths (RFC 3261 25.1).
fn q_millis(text: &[u8]) -> Result<u16, HeaderError> {
    let (whole, decimals) = match text {
        [whole @ (b'0' | b'1')] => (whole, &[][..]),
        [whole @ (b'0' | b'1'), b'.', decimals @ ..] if decimals.len() <= 3 => (whole, decimals),
        _ => return Err(HeaderError::InvalidQ),
    };
    let mut millis = if *whole == b'1' { 1_000_u16 } else { 0 };
    for (digit, unit) in decimals.iter().zip([100_u16, 10, 1]) {
        if !digit.is_ascii_digit() {
            return Err(HeaderError::InvalidQ);
        }
        millis = millis.saturating_add(u16::from(digit.wrapping_sub(b'0')).saturating_mul(unit));
    }
    if millis <= 1_000 { Ok(millis) } else { Err(HeaderError::InvalidQ) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q_has_three_decimals_and_ends_at_one() {
        for (text, millis) in [
            ("0", 0),
            ("1", 1_000),
            ("0.", 0),
            ("0.33", 330),
            ("0.001", 1),
            ("1.0", 1_000),
            ("1.000", 1_000),
            ("0.7", 700),
        ] {
            assert_eq!(q_millis(text.as_bytes()), Ok(millis), "{text}");
        }
        for text in ["", "2", "1.001", "0.1234", ".5", "-1", "0,5", "0.a", "1.5", "01", "\"1\""] {
            assert_eq!(q_millis(text.as_bytes()), Err(HeaderError::InvalidQ), "{text}");
        }
    }

    #[test]
    fn parameters_are_read_and_errors_kept() {
        let contact = Contact::parse(b"\"A\" <sip:a@b;q=0.1>; newparam =\r\n v ; Q = 0.33;expires=60;q=0.5").unwrap();
        assert_eq!((contact.q_millis, contact.q_error), (Some(330), None));
        assert_eq!((contact.expires, contact.expires_error), (Some(60), None));
        assert_eq!(contact.name_addr.uri, b"sip:a@b;q=0.1");
        let contact = Contact::parse(b"<sip:a@b>;q=7;expires=never").unwrap();
        assert_eq!((contact.q_millis, contact.q_error), (None, Some(HeaderError::InvalidQ)));
        assert_eq!((contact.expires, contact.expires_error), (None, Some(HeaderError::NotANumber)));
        let contact = Contact::parse(b"<sip:a@b>;;;;expires=99999999999999999999").unwrap();
        assert_eq!((contact.expires, contact.oddity), (Some(u64::MAX), Some(Anomaly::EmptyParameter)));
    }
}
