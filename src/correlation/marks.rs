//! What a message says about session timers besides the two values: a set of marks.

use crate::sip::{HeaderName, ListValues, Message, SessionExpires};

/// A set of marks (RFC 4028 4, 5, 12.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimerMarks(u16);

impl TimerMarks {
    /// Require lists `timer`.
    pub const REQUIRE: Self = Self(1);
    /// Proxy-Require lists `timer`.
    pub const PROXY_REQUIRE: Self = Self(2);
    /// Unsupported lists `timer`.
    pub const UNSUPPORTED: Self = Self(4);
    /// Session-Expires, or a parameter of it, is there more than once.
    pub const SESSION_EXPIRES_AGAIN: Self = Self(8);
    /// Min-SE is there more than once.
    pub const MIN_SE_AGAIN: Self = Self(16);
    /// Session-Expires has a refresher that is neither `uac` nor `uas`.
    pub const ODD_REFRESHER: Self = Self(32);
    /// The message has a body.
    pub const BODY: Self = Self(64);
    /// There is a Retry-After.
    pub const RETRY_AFTER: Self = Self(128);

    /// What keeps a header from being taken as it is.
    pub(super) const ODD: Self = Self::SESSION_EXPIRES_AGAIN.and(Self::MIN_SE_AGAIN).and(Self::ODD_REFRESHER);

    /// Whether all of `marks` are set.
    pub const fn has(self, marks: Self) -> bool {
        self.0 & marks.0 == marks.0
    }

    /// Whether any of `marks` is set.
    pub const fn has_any(self, marks: Self) -> bool {
        self.0 & marks.0 != 0
    }

    /// The marks of both.
    pub const fn and(self, marks: Self) -> Self {
        Self(self.0 | marks.0)
    }

    /// Sets `marks` if `given`.
    pub const fn set(&mut self, marks: Self, given: bool) {
        if given {
            self.0 |= marks.0;
        }
    }
}

/// A set of marks about the message as such.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks(u8);

impl Marks {
    /// The branch of the top Via does not begin with the magic cookie, or there is none (RFC 3261 8.1.1.7).
    pub const OLD_BRANCH: Self = Self(1);
    /// It has more octets than a request on UDP may have (RFC 3261 18.1.1).
    pub const OVERSIZE: Self = Self(2);
    /// The capture lacks part of its head: what is not there says nothing.
    pub const HEAD_CUT: Self = Self(4);

    /// Whether all of `marks` are set.
    pub const fn has(self, marks: Self) -> bool {
        self.0 & marks.0 == marks.0
    }

    /// Sets `marks` if `given`.
    pub const fn set(&mut self, marks: Self, given: bool) {
        if given {
            self.0 |= marks.0;
        }
    }
}

/// Whether a list of option tags has `timer` (RFC 4028 12.3).
pub(super) fn lists_timer(value: &[u8]) -> bool {
    ListValues::new(value).any(|tag| tag.eq_ignore_ascii_case(b"timer"))
}

/// Looks closer at a message that has one of the two headers.
#[cold]
pub(super) fn mark_values(message: &Message<'_>, marks: &mut TimerMarks) {
    let values = |name| message.headers().filter(move |header| header.name == name).map(|header| header.value);
    marks.set(TimerMarks::MIN_SE_AGAIN, values(HeaderName::MinSe).count() > 1);
    marks.set(TimerMarks::SESSION_EXPIRES_AGAIN, values(HeaderName::SessionExpires).count() > 1);
    let Some(Ok(first)) = values(HeaderName::SessionExpires).next().map(SessionExpires::parse) else { return };
    let named = |param: &crate::sip::Param<'_>| param.name.eq_ignore_ascii_case(b"refresher");
    let count = first.params.iter().filter(named).count();
    marks.set(TimerMarks::SESSION_EXPIRES_AGAIN, count > 1);
    marks.set(TimerMarks::ODD_REFRESHER, count > 0 && first.refresher.is_none());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_told_apart() {
        let mut marks = TimerMarks::default();
        marks.set(TimerMarks::REQUIRE, true);
        marks.set(TimerMarks::BODY, false);
        assert!(marks.has(TimerMarks::REQUIRE) && !marks.has(TimerMarks::BODY));
        assert!(marks.has_any(TimerMarks::REQUIRE.and(TimerMarks::BODY)));
        assert!(lists_timer(b"100rel, TIMER") && !lists_timer(b"timers"));
    }
}
