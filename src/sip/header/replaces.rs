//! Replaces: the dialog that an INVITE takes the place of (RFC 3891 6.1).

use super::{HeaderError, Params};
use crate::sip::scan::find;
use crate::sip::token::{from, is_lws, part, trim};

/// The value of Replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaces<'a> {
    /// The Call-ID of the dialog; its case counts.
    pub call_id: &'a [u8],
    /// The tag of the side that receives the Replaces.
    pub to_tag: &'a [u8],
    /// The tag of the other side.
    pub from_tag: &'a [u8],
    /// Whether only an early dialog may be replaced.
    pub early_only: bool,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> Replaces<'a> {
    /// Reads `callid *(SEMI replaces-param)`. Both tags must be there (RFC 3891 6.1).
    pub fn parse(value: &'a [u8]) -> Result<Self, HeaderError> {
        let end = find(value, [b';']).unwrap_or(value.len());
        let call_id = trim(part(value, 0, end));
        if call_id.is_empty() {
            return Err(HeaderError::Empty);
        }
        if call_id.iter().any(|byte| is_lws(*byte)) {
            return Err(HeaderError::TextBehindValue);
        }
        let params = Params::new(from(value, end));
        let tag = |name: &[u8]| params.get(name).and_then(|param| param.value).ok_or(HeaderError::NoTag);
        let (to_tag, from_tag) = (tag(b"to-tag")?, tag(b"from-tag")?);
        Ok(Self { call_id, to_tag, from_tag, early_only: params.get(b"early-only").is_some(), params })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialog_is_named() {
        let replaces = Replaces::parse(b"98@x.y , z;From-Tag=f").unwrap_err();
        assert_eq!(replaces, HeaderError::TextBehindValue);
        let replaces = Replaces::parse(b"<9\"8>@x.y\r\n ;From-Tag=f; to-tag = t;early-only").unwrap();
        assert_eq!((replaces.call_id, replaces.early_only), (&b"<9\"8>@x.y"[..], true));
        assert_eq!((replaces.from_tag, replaces.to_tag), (&b"f"[..], &b"t"[..]));
        assert!(!Replaces::parse(b"a;to-tag=t;from-tag=f").unwrap().early_only);
    }

    #[test]
    fn without_both_tags_there_is_no_dialog() {
        for text in ["a", "a;to-tag=1", "a;from-tag=1", "a;to-tag;from-tag=1"] {
            assert_eq!(Replaces::parse(text.as_bytes()), Err(HeaderError::NoTag), "{text}");
        }
        assert_eq!(Replaces::parse(b";to-tag=1;from-tag=2"), Err(HeaderError::Empty));
    }
}
