//! Walking over the values of one header, and over Contacts.

use std::slice::Iter;

use super::{Message, Span};
use crate::sip::header::{Contact, HeaderError, HeaderKind, HeaderName, ListValues};

/// The values of one header over all its rows. Empty ones are passed over.
#[derive(Clone, Debug)]
pub struct Values<'m, 'a> {
    raw: &'a [u8],
    spans: Iter<'m, Span>,
    name: HeaderName,
    row: Option<ListValues<'a>>,
}

impl<'m, 'a> Values<'m, 'a> {
    pub(super) fn new(message: &'m Message<'a>, name: HeaderName) -> Self {
        Self { raw: message.raw, spans: message.headers.iter(), name, row: None }
    }
}

impl<'a> Iterator for Values<'_, 'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            if let Some(value) = self.row.as_mut().and_then(|row| row.find(|value| !is_empty_value(value))) {
                return Some(value);
            }
            let name = self.name;
            let value = self.spans.find(|span| span.name == name)?.value(self.raw);
            if name.kind() == HeaderKind::List {
                self.row = Some(ListValues::new(value));
            } else if !value.is_empty() {
                return Some(value);
            }
        }
    }
}

/// Whether nothing but separators is left of a value of a list.
pub(super) fn is_empty_value(value: &[u8]) -> bool {
    value.iter().all(|byte| matches!(byte, b';' | b' ' | b'\t' | b'\r' | b'\n'))
}

/// What Contact says.
#[derive(Clone, Debug)]
pub enum Contacts<'m, 'a> {
    /// `*`, alone (RFC 3261 10.2.2).
    Wildcard,
    /// Any number of addresses, also none.
    List(ContactList<'m, 'a>),
}

/// Walks over Contacts. A `*` beside others is an error at its place.
#[derive(Clone, Debug)]
pub struct ContactList<'m, 'a> {
    values: Values<'m, 'a>,
}

impl<'m, 'a> Contacts<'m, 'a> {
    pub(super) fn new(message: &'m Message<'a>) -> Self {
        let values = message.values(HeaderName::Contact);
        let mut ahead = values.clone();
        if ahead.next() == Some(b"*") && ahead.next().is_none() {
            return Self::Wildcard;
        }
        Self::List(ContactList { values })
    }
}

impl<'a> Iterator for ContactList<'_, 'a> {
    type Item = Result<Contact<'a>, HeaderError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.values.next().map(Self::contact)
    }
}

impl<'a> ContactList<'_, 'a> {
    /// One value of a list that is not the wildcard alone.
    pub(super) fn contact(value: &'a [u8]) -> Result<Contact<'a>, HeaderError> {
        match value {
            b"*" => Err(HeaderError::WildcardBesideOthers),
            _ => Contact::parse(value),
        }
    }
}
