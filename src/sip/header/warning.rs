//! Warning (RFC 3261 20.43).

use super::HeaderError;
use crate::sip::token::{decimal, from, is_lws, part, quoted_length, trim};

/// One value of Warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warning<'a> {
    /// The code of three digits.
    pub code: u16,
    /// Who warns: a host with or without a port, or a pseudonym.
    pub agent: &'a [u8],
    /// The text as it is written, quotes included; [`unquote`](super::unquote) undoes them.
    pub text: &'a [u8],
}

impl<'a> Warning<'a> {
    /// Reads `warn-code SP warn-agent SP warn-text`.
    pub fn parse(value: &'a [u8]) -> Result<Self, HeaderError> {
        let (digits, rest) = word(value);
        let code = decimal(digits).filter(|_| digits.len() == 3).ok_or(HeaderError::NotANumber)?;
        let code = u16::try_from(code).map_err(|_| HeaderError::NumberTooLarge)?;
        let (agent, text) = word(rest);
        if agent.is_empty() || agent.first() == Some(&b'"') {
            return Err(HeaderError::NoHost);
        }
        let [b'"', behind @ ..] = text else { return Err(HeaderError::NoQuotedText) };
        match quoted_length(behind) {
            None => Err(HeaderError::NoQuotedText),
            Some(length) if length < behind.len() => Err(HeaderError::TextBehindValue),
            Some(_) => Ok(Self { code, agent, text }),
        }
    }
}

/// The text up to white space, and what is behind that.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let text = trim(text);
    let end = text.iter().position(|byte| is_lws(*byte)).unwrap_or(text.len());
    (part(text, 0, end), trim(from(text, end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_agent_and_text() {
        let warning = Warning::parse(b"307  isi.edu:5060\r\n \"Session \\\"x\\\", not understood\"").unwrap();
        assert_eq!((warning.code, warning.agent), (307, &b"isi.edu:5060"[..]));
        assert_eq!(warning.text, b"\"Session \\\"x\\\", not understood\"");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, error) in [
            ("", HeaderError::NotANumber),
            ("30 h \"x\"", HeaderError::NotANumber),
            ("3999 h \"x\"", HeaderError::NotANumber),
            ("399", HeaderError::NoHost),
            ("399 \"x\"", HeaderError::NoHost),
            ("399 h x", HeaderError::NoQuotedText),
            ("399 h \"x", HeaderError::NoQuotedText),
            ("399 h \"x\" y", HeaderError::TextBehindValue),
        ] {
            assert_eq!(Warning::parse(text.as_bytes()), Err(error), "{text}");
        }
    }
}
