//! Points in time as captures record them.

use std::fmt;
use std::str::FromStr;

/// Nanoseconds in a second.
pub const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// Nanoseconds as milliseconds, to the microsecond.
#[expect(clippy::cast_precision_loss, reason = "a duration is far below 2^52 microseconds")]
pub fn milliseconds(nanos: i64) -> f64 {
    (nanos / 1_000) as f64 / 1_000.0
}

/// A point in time: nanoseconds since 1970-01-01T00:00:00Z, negative before it.
///
/// The range is 1677 to 2262; what lies outside saturates. It always comes from a capture, never from a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest point that can be held.
    pub const MIN: Self = Self(i64::MIN);

    /// The point `nanos` nanoseconds after 1970-01-01T00:00:00Z.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The point `seconds` and `nanos` after 1970-01-01T00:00:00Z, saturating.
    pub const fn from_parts(seconds: i64, nanos: u32) -> Self {
        Self(seconds.saturating_mul(NANOS_PER_SECOND).saturating_add(nanos as i64))
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Nanoseconds from `earlier` to `self`, negative if `earlier` is the later one; saturates.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The point `nanos` nanoseconds later, saturating.
    pub const fn plus(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// The point `seconds` later, saturating.
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        self.plus(seconds.saturating_mul(NANOS_PER_SECOND))
    }

    /// RFC 3339 text in UTC with `digits` (0 to 9) digits of the second's fraction.
    pub fn rfc3339(self, digits: u8) -> Rfc3339 {
        Rfc3339 { time: self, digits: digits.min(9) }
    }
}

/// A text that is no point in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadTime(String);

impl fmt::Display for BadTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no time such as 2026-01-31T12:00:00Z, 2026-01-31 12:00 (UTC), 2026-01-31 or 1769860800.5",
            self.0
        )
    }
}

impl std::error::Error for BadTime {}

/// RFC 3339; a date, or date and time, in UTC if it names no offset; or seconds since 1970-01-01T00:00:00Z.
impl FromStr for Timestamp {
    type Err = BadTime;

    fn from_str(text: &str) -> Result<Self, BadTime> {
        let utc =
            |time: jiff::civil::DateTime| time.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|time| time.timestamp());
        let parsed = text
            .parse::<jiff::Timestamp>()
            .ok()
            .or_else(|| text.parse::<jiff::civil::DateTime>().ok().and_then(utc))
            .or_else(|| seconds_since_epoch(text));
        let nanos = parsed.map(|time| i64::try_from(time.as_nanosecond()));
        nanos.and_then(Result::ok).map(Self).ok_or_else(|| BadTime(text.to_owned()))
    }
}

/// Seconds with at most nine digits behind the point, as capture tools print times.
fn seconds_since_epoch(text: &str) -> Option<jiff::Timestamp> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let negative = seconds.starts_with('-');
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanos: i32 = format!("{fraction:0<9}").parse().ok()?;
    jiff::Timestamp::new(seconds.parse().ok()?, if negative { -nanos } else { nanos }).ok()
}

/// Displays a [`Timestamp`] as RFC 3339 text in UTC.
#[derive(Clone, Copy, Debug)]
pub struct Rfc3339 {
    time: Timestamp,
    digits: u8,
}

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.time.0.div_euclid(NANOS_PER_SECOND);
        let nanos = self.time.0.rem_euclid(NANOS_PER_SECOND);
        let of_day = seconds.rem_euclid(86_400);
        let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
        // All years that nanoseconds in 64 bits reach have four digits, so the text has a fixed form.
        let mut text = *b"0000-00-00T00:00:00.000000000";
        for (range, value) in [
            (0..4, year),
            (5..7, month),
            (8..10, day),
            (11..13, of_day / 3_600),
            (14..16, of_day / 60 % 60),
            (17..19, of_day % 60),
            (20..29, nanos),
        ] {
            put_digits(text.get_mut(range).unwrap_or_default(), value);
        }
        let length = if self.digits == 0 { 19 } else { 20 + usize::from(self.digits) };
        let text = text.get(..length).unwrap_or_default();
        f.write_str(std::str::from_utf8(text).unwrap_or_default())?;
        f.write_str("Z")
    }
}

/// Writes the last digits of a number, as many as there is room for.
fn put_digits(room: &mut [u8], mut value: i64) {
    for place in room.iter_mut().rev() {
        *place = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
    }
}

/// The proleptic Gregorian date of a day counted from 1970-01-01.
///
/// Years are counted from March so that the leap day ends one; an era is the 400 years after which dates repeat.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_matches_known_dates() {
        for (seconds, nanos, digits, text) in [
            (0, 0, 0, "1970-01-01T00:00:00Z"),
            (1_709_164_800, 5_000, 6, "2024-02-29T00:00:00.000005Z"),
            (1_709_251_199, 999_999_999, 9, "2024-02-29T23:59:59.999999999Z"),
            (4_102_444_800, 0, 3, "2100-01-01T00:00:00.000Z"),
            (-1, 500_000_000, 1, "1969-12-31T23:59:59.5Z"),
            (951_782_400, 0, 0, "2000-02-29T00:00:00Z"),
        ] {
            assert_eq!(Timestamp::from_parts(seconds, nanos).rfc3339(digits).to_string(), text);
        }
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, seconds, nanos) in [
            ("2024-02-29T00:00:00.000005Z", 1_709_164_800, 5_000),
            ("2024-02-29T02:00:00+02:00", 1_709_164_800, 0),
            ("2024-02-29 00:00:00", 1_709_164_800, 0),
            ("2024-02-29T00:00", 1_709_164_800, 0),
            ("2024-02-29", 1_709_164_800, 0),
            ("1709164800", 1_709_164_800, 0),
            ("1709164800.000005", 1_709_164_800, 5_000),
            ("-1.5", -2, 500_000_000),
        ] {
            assert_eq!(text.parse(), Ok(Timestamp::from_parts(seconds, nanos)), "{text}");
        }
        for bad in
            ["", "now", "12:00", "2024-02-30", "1.2.3", "1.1234567891", "99999999999999", "9999-12-31", "1.-5", "-"]
        {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad}");
        }
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Timestamp::from_parts(i64::MAX, 0).plus_seconds(5).nanos(), i64::MAX);
        assert_eq!(Timestamp::MIN.since(Timestamp::from_nanos(1)), i64::MIN);
    }
}
