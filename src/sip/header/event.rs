//! Event: the package that a subscription is about (RFC 6665 8.2.1).

use super::{HeaderError, Params};
use crate::sip::token::{lws0, token1};

/// The value of Event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The package with its templates, such as `presence.winfo`.
    pub package: &'a [u8],
    /// What tells subscriptions of one dialog apart.
    pub id: Option<&'a [u8]>,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> Event<'a> {
    /// Reads `event-type *(SEMI event-param)`.
    pub fn parse(value: &'a [u8]) -> Result<Self, HeaderError> {
        let (rest, package) =
            lws0(value).and_then(|(rest, _)| token1(rest)).map_err(|_: nom::Err<()>| HeaderError::Empty)?;
        let params = Params::behind(rest)?;
        Ok(Self { package, id: params.get(b"id").and_then(|param| param.value), params })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_and_ids() {
        let event = Event::parse(b" presence.winfo ;ID=7").unwrap();
        assert_eq!((event.package, event.id), (&b"presence.winfo"[..], Some(&b"7"[..])));
        assert_eq!(Event::parse(b"refer").unwrap().id, None);
        assert_eq!(Event::parse(b";id=7"), Err(HeaderError::Empty));
        assert_eq!(Event::parse(b"refer, dialog"), Err(HeaderError::TextBehindValue));
    }
}
