//! An interface of a pcapng section: the link type of its packets and what their time stamps mean.

use crate::net::LinkType;
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// What an Interface Description Block says that packets need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interface {
    pub(super) link: LinkType,
    /// Most bytes captured of a packet; 0 for no limit.
    pub(super) snap_length: u32,
    resolution: Resolution,
    offset_nanos: i64,
    /// Digits of the second's fraction that tell two stamps apart, at most 9.
    pub(super) digits: u8,
}

/// `if_tsresol` in the form that costs least for each packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resolution {
    /// Units of so many nanoseconds.
    Nanos(u64),
    /// So many units a nanosecond.
    PerNano(u64),
    /// Units of 2 to the minus so many seconds.
    Binary(u8),
}

const OPTION_END: u16 = 0;
const OPTION_TIME_RESOLUTION: u16 = 9;
const OPTION_TIME_OFFSET: u16 = 14;

impl Interface {
    /// The interface of a block that is too short to describe one. It keeps its number, so that later ones keep theirs.
    pub(super) const UNKNOWN: Self = Self {
        link: LinkType::NO_INTERFACE,
        snap_length: 0,
        resolution: Resolution::Nanos(1_000),
        offset_nanos: 0,
        digits: 6,
    };

    /// The interface that the body of an Interface Description Block describes (draft-ietf-opsawg-pcapng 4.2).
    ///
    /// An option with a wrong length is passed over, and options end where one claims more than is there.
    pub(super) fn parse(body: &[u8], big_endian: bool) -> Self {
        let u16_of = |bytes: [u8; 2]| if big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) };
        let Some(([l0, l1, _, _, s0, s1, s2, s3], mut options)) = body.split_first_chunk::<8>() else {
            return Self::UNKNOWN;
        };
        let snap = [*s0, *s1, *s2, *s3];
        let mut interface = Self {
            link: LinkType::numbered(u16_of([*l0, *l1])),
            snap_length: if big_endian { u32::from_be_bytes(snap) } else { u32::from_le_bytes(snap) },
            ..Self::UNKNOWN
        };
        while let Some(([c0, c1, n0, n1], rest)) = options.split_first_chunk::<4>() {
            let length = usize::from(u16_of([*n0, *n1]));
            let Some(value) = rest.get(..length) else { break };
            match u16_of([*c0, *c1]) {
                OPTION_END => break,
                OPTION_TIME_RESOLUTION => {
                    if let [value] = value {
                        interface.resolution = Resolution::of(*value);
                        interface.digits = interface.resolution.digits();
                    }
                }
                OPTION_TIME_OFFSET => {
                    if let Ok(value) = <[u8; 8]>::try_from(value) {
                        let seconds = if big_endian { i64::from_be_bytes(value) } else { i64::from_le_bytes(value) };
                        interface.offset_nanos = seconds.saturating_mul(NANOS_PER_SECOND);
                    }
                }
                _ => {}
            }
            options = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        interface
    }

    /// The point in time of a stamp; saturates.
    #[inline]
    pub(super) fn time(&self, high: u32, low: u32) -> Timestamp {
        let stamp = (u64::from(high) << 32) | u64::from(low);
        let nanos = match self.resolution {
            Resolution::Nanos(nanos) => stamp.saturating_mul(nanos),
            Resolution::PerNano(units) => stamp.checked_div(units).unwrap_or_default(),
            Resolution::Binary(bits) => {
                // At most 94 bits before the shift.
                let scaled = u128::from(stamp).saturating_mul(1_000_000_000);
                u64::try_from(scaled.checked_shr(bits.into()).unwrap_or_default()).unwrap_or(u64::MAX)
            }
        };
        Timestamp::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX)).plus(self.offset_nanos)
    }
}

impl Resolution {
    /// The resolution that a value of `if_tsresol` stands for: a negative power of 2 if the highest bit is set, else of 10.
    fn of(value: u8) -> Self {
        let exponent = value & 0x7f;
        if value & 0x80 != 0 {
            return Self::Binary(exponent);
        }
        match exponent {
            0..=9 => Self::Nanos(10_u64.saturating_pow(9_u32.saturating_sub(exponent.into()))),
            _ => Self::PerNano(10_u64.saturating_pow(u32::from(exponent).saturating_sub(9))),
        }
    }

    /// Digits of the second's fraction that tell two stamps apart, at most 9.
    fn digits(self) -> u8 {
        match self {
            Self::Nanos(nanos) => 9_u8.saturating_sub(u8::try_from(nanos.checked_ilog10().unwrap_or(0)).unwrap_or(9)),
            Self::PerNano(_) => 9,
            // A factor of 2 is 0.30103 digits.
            Self::Binary(bits) => {
                u8::try_from(u32::from(bits).saturating_mul(30_103).div_ceil(100_000)).map_or(9, |digits| digits.min(9))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(code: u16, value: &[u8], big_endian: bool) -> Vec<u8> {
        let half = |value: u16| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        let mut bytes = [half(code), half(u16::try_from(value.len()).unwrap())].concat();
        bytes.extend_from_slice(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn with_resolution(value: u8) -> Interface {
        Interface::parse(&[vec![1, 0, 0, 0, 0, 0, 0, 0], option(9, &[value], false)].concat(), false)
    }

    #[test]
    fn stamps_are_microseconds_unless_said_otherwise() {
        let interface = Interface::parse(&[1, 0, 0, 0, 0, 4, 0, 0], false);
        assert_eq!((interface.link, interface.snap_length), (LinkType::numbered(1), 1_024));
        // The example of draft-ietf-opsawg-pcapng 4.6.
        let time = interface.time(0x0004_c397, 0x64ca_47aa);
        assert_eq!(time.rfc3339(6).to_string(), "2012-06-29T07:28:25.298858Z");
        assert_eq!(interface.digits, 6);
    }

    #[test]
    fn resolutions_of_both_bases() {
        for (value, stamp, nanos, digits) in [
            (0, 3, 3_000_000_000, 0),
            (3, 1_500, 1_500_000_000, 3),
            (9, 12, 12, 9),
            (12, 1_999, 1, 9),
            (127, u32::MAX, 0, 9),
            (0x80, 2, 2_000_000_000, 0),
            (0x81, 3, 1_500_000_000, 1),
            (0x8a, 512, 500_000_000, 4),
            (0xa0, 1 << 31, 500_000_000, 9),
            (0xff, u32::MAX, 0, 9),
        ] {
            let interface = with_resolution(value);
            assert_eq!(interface.time(0, stamp).nanos(), nanos, "if_tsresol {value:#x}");
            assert_eq!(interface.digits, digits, "if_tsresol {value:#x}");
        }
    }

    #[test]
    fn extreme_stamps_saturate() {
        for value in 0..=255 {
            let _ = with_resolution(value).time(u32::MAX, u32::MAX);
        }
        assert_eq!(with_resolution(0).time(u32::MAX, u32::MAX).nanos(), i64::MAX);
    }

    #[test]
    fn offsets_in_both_orders() {
        for big_endian in [false, true] {
            let offset = -3_600_i64;
            let value = if big_endian { offset.to_be_bytes() } else { offset.to_le_bytes() };
            let options = [option(2, b"eth0", big_endian), option(14, &value, big_endian)].concat();
            let interface = Interface::parse(&[vec![0; 8], options].concat(), big_endian);
            assert_eq!(interface.time(0, 0), Timestamp::from_parts(-3_600, 0));
        }
    }

    #[test]
    fn options_that_lie_are_passed_over() {
        let plain = Interface::parse(&[0; 8], false);
        for lie in [
            option(9, &[9, 9], false),
            option(14, &[1], false),
            [option(0, &[], false), option(9, &[9], false)].concat(),
            vec![2, 0, 0xff, 0xff, 9, 0, 1, 0, 9, 0, 0, 0],
            vec![9, 0, 1],
        ] {
            assert_eq!(Interface::parse(&[vec![0; 8], lie].concat(), false), plain);
        }
        assert_eq!(Interface::parse(&[0; 7], false), Interface::UNKNOWN);
        // The padding of the last option may be missing.
        let cut = &option(9, &[9], false)[..5];
        assert_eq!(Interface::parse(&[&[0; 8], cut].concat(), false).digits, 9);
    }
}
