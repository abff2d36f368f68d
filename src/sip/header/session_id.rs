//! Session-ID: what stays the same over back-to-back user agents (RFC 7989 5).

use super::{HeaderError, Params};
use crate::sip::token::{from, part, trim};

/// How long a UUID is without hyphens.
const UUID_LENGTH: usize = 32;

/// The value of Session-ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionId<'a> {
    /// The UUID of the sender: 32 hexadecimal digits, all zero for one that is not known.
    pub local: &'a [u8],
    /// The UUID of the other side; `None` from elements of before RFC 7989, or when it is no UUID.
    pub remote: Option<&'a [u8]>,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> SessionId<'a> {
    /// Reads `local-uuid *(SEMI sess-id-param)`. Digits in upper case are tolerated.
    pub fn parse(value: &'a [u8]) -> Result<Self, HeaderError> {
        let value = trim(value);
        let local = part(value, 0, UUID_LENGTH);
        if !is_uuid(local) {
            return Err(HeaderError::NotAUuid);
        }
        let params = Params::behind(from(value, UUID_LENGTH))?;
        let remote = params.get(b"remote").and_then(|param| param.value).filter(|uuid| is_uuid(uuid));
        Ok(Self { local, remote, params })
    }
}

fn is_uuid(text: &[u8]) -> bool {
    text.len() == UUID_LENGTH && text.iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "ab30317f1a784dc48ff824d0d3715d86";
    const NIL: &str = "00000000000000000000000000000000";

    #[test]
    fn both_sides() {
        let text = format!(" {A} ; remote={NIL};x");
        let id = SessionId::parse(text.as_bytes()).unwrap();
        assert_eq!((id.local, id.remote), (A.as_bytes(), Some(NIL.as_bytes())));
        assert_eq!(SessionId::parse(A.as_bytes()).unwrap().remote, None);
        let short = format!("{A};remote=00");
        assert_eq!(SessionId::parse(short.as_bytes()).unwrap().remote, None);
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(SessionId::parse(b"ab30317f"), Err(HeaderError::NotAUuid));
        assert_eq!(SessionId::parse(b"gb30317f1a784dc48ff824d0d3715d86"), Err(HeaderError::NotAUuid));
        let long = format!("{A}0");
        assert_eq!(SessionId::parse(long.as_bytes()), Err(HeaderError::TextBehindValue));
    }
}
