//! Reason: why a request is sent or a call ends (RFC 3326 2).

use super::{HeaderError, Params};
use crate::sip::token::{decimal, lws0, token1};

/// One value of Reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason<'a> {
    /// The protocol that the cause belongs to: `SIP`, `Q.850` or another; its case does not count.
    pub protocol: &'a [u8],
    /// The cause, which stops at the largest number there is; `None` if there is none or it is not a number.
    pub cause: Option<u64>,
    /// The text as it is written, quotes included; [`unquote`](super::unquote) undoes them.
    pub text: Option<&'a [u8]>,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> Reason<'a> {
    /// Reads `protocol *(SEMI reason-params)`.
    pub fn parse(value: &'a [u8]) -> Result<Self, HeaderError> {
        let (rest, protocol) =
            lws0(value).and_then(|(rest, _)| token1(rest)).map_err(|_: nom::Err<()>| HeaderError::NoProtocol)?;
        let params = Params::behind(rest)?;
        let cause = params.get(b"cause").and_then(|param| param.value).and_then(decimal);
        let text = params.get(b"text").and_then(|param| param.value);
        Ok(Self { protocol, cause, text, params })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_and_texts() {
        let reason = Reason::parse(b"Q.850 ;cause = 16;text=\"Normal; \\\"clear\\\"\"").unwrap();
        assert_eq!((reason.protocol, reason.cause), (&b"Q.850"[..], Some(16)));
        assert_eq!(reason.text, Some(&b"\"Normal; \\\"clear\\\"\""[..]));
        let reason = Reason::parse(b"SIP;CAUSE=x").unwrap();
        assert_eq!((reason.protocol, reason.cause, reason.text), (&b"SIP"[..], None, None));
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(Reason::parse(b";cause=1"), Err(HeaderError::NoProtocol));
        assert_eq!(Reason::parse(b"SIP cause=1"), Err(HeaderError::TextBehindValue));
    }
}
