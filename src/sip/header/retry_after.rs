//! Retry-After (RFC 3261 20.33).

use super::{HeaderError, Params};
use crate::sip::scan::find;
use crate::sip::token::{decimal, digits1, from, lws0, part};

/// The value of Retry-After.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter<'a> {
    /// When to try again, in seconds, which stops at the largest number there is.
    pub seconds: u64,
    /// The comment without its outer parentheses, escapes not undone.
    pub comment: Option<&'a [u8]>,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> RetryAfter<'a> {
    /// Reads `delta-seconds [comment] *(SEMI retry-param)`. Comments nest and may hold `\` escapes (RFC 3261 25.1).
    pub fn parse(value: &'a [u8]) -> Result<Self, HeaderError> {
        let no_number = |_: nom::Err<()>| HeaderError::NotANumber;
        let (rest, digits) = lws0(value).and_then(|(rest, _)| digits1(rest)).map_err(no_number)?;
        let seconds = decimal(digits).ok_or(HeaderError::NotANumber)?;
        let (rest, _) = lws0(rest).map_err(no_number)?;
        let (comment, rest) = match rest {
            [b'(', behind @ ..] => {
                let length = comment_length(behind).ok_or(HeaderError::UnterminatedComment)?;
                (Some(part(behind, 0, length)), from(behind, length.saturating_add(1)))
            }
            _ => (None, rest),
        };
        Ok(Self { seconds, comment, params: Params::behind(rest)? })
    }
}

/// The length of a comment behind its opening parenthesis, up to the closing one. `None` when it does not end.
fn comment_length(behind: &[u8]) -> Option<usize> {
    let mut position = 0_usize;
    let mut depth = 0_usize;
    loop {
        let rest = behind.get(position..)?;
        let found = find(rest, [b'(', b')', b'\\'])?;
        let at = position.checked_add(found)?;
        position = match rest.get(found) {
            Some(b')') if depth == 0 => return Some(at),
            Some(b')') => {
                depth = depth.saturating_sub(1);
                at.checked_add(1)?
            }
            Some(b'(') => {
                depth = depth.saturating_add(1);
                at.checked_add(1)?
            }
            _ => at.checked_add(2)?,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_comments_and_parameters() {
        let retry = RetryAfter::parse(br"120 (in a (short; \) meeting) );duration=60").unwrap();
        assert_eq!((retry.seconds, retry.comment), (120, Some(&br"in a (short; \) meeting) "[..])));
        assert_eq!(retry.params.get(b"duration").unwrap().value, Some(&b"60"[..]));
        assert_eq!(RetryAfter::parse(b"18000;duration=3600").unwrap().comment, None);
        assert_eq!(RetryAfter::parse(b"99999999999999999999").unwrap().seconds, u64::MAX);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, error) in [
            ("", HeaderError::NotANumber),
            ("-5", HeaderError::NotANumber),
            ("5 (a", HeaderError::UnterminatedComment),
            ("5 (a (b)", HeaderError::UnterminatedComment),
            (r"5 (a\)", HeaderError::UnterminatedComment),
            ("5 (a) b", HeaderError::TextBehindValue),
        ] {
            assert_eq!(RetryAfter::parse(text.as_bytes()), Err(error), "{text}");
        }
    }
}
