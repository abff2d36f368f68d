//! The header of one WebSocket frame (RFC 6455 5.2).

/// Payload that a control frame may have (RFC 6455 5.5).
const MAX_CONTROL_BYTES: u64 = 125;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The first frame of a message, of text or of bytes.
    First,
    /// A further frame of a message.
    Continuation,
    /// Close, ping or pong; may stand between the frames of a message.
    Control,
}

/// A header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    /// The last frame of its message.
    pub(super) last: bool,
    /// The message is compressed (RFC 7692 6); said in its first frame.
    pub(super) compressed: bool,
    pub(super) mask: Option<[u8; 4]>,
    /// Bytes of the header.
    pub(super) length: usize,
    /// Bytes of the payload.
    pub(super) payload: u64,
}

/// What bytes begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    Header(Header),
    /// A header that is not whole.
    Open,
    /// No header.
    Invalid,
}

/// Reads a header. Lengths that are not the shortest form, or of 2^63 and more, are invalid.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let [first, second, rest @ ..] = bytes else { return Parsed::Open };
    let (last, compressed) = (first & 0x80 != 0, first & 0x40 != 0);
    let kind = match first & 0x0f {
        0 => Kind::Continuation,
        1 | 2 => Kind::First,
        8..=10 => Kind::Control,
        _ => return Parsed::Invalid,
    };
    if first & 0x30 != 0 || compressed && kind != Kind::First {
        return Parsed::Invalid;
    }
    let (payload, extended) = match second & 0x7f {
        126 => match rest.first_chunk() {
            Some(length) => (u64::from(u16::from_be_bytes(*length)), 2),
            None => return Parsed::Open,
        },
        127 => match rest.first_chunk() {
            Some(length) => (u64::from_be_bytes(*length), 8),
            None => return Parsed::Open,
        },
        length => (u64::from(length), 0),
    };
    let shortest = match extended {
        0 => true,
        2 => payload > 125,
        _ => payload > u64::from(u16::MAX) && payload >> 63 == 0,
    };
    if !shortest || kind == Kind::Control && (!last || payload > MAX_CONTROL_BYTES) {
        return Parsed::Invalid;
    }
    let mask = if second & 0x80 == 0 {
        None
    } else {
        match rest.get(extended..).and_then(<[u8]>::first_chunk) {
            Some(mask) => Some(*mask),
            None => return Parsed::Open,
        }
    };
    let length = 2 + extended + if mask.is_some() { 4 } else { 0 };
    Parsed::Header(Header { kind, last, compressed, mask, length, payload })
}

/// Appends a payload to `message`, unmasked (RFC 6455 5.3).
pub(super) fn append(message: &mut Vec<u8>, payload: &[u8], mask: Option<[u8; 4]>) {
    match mask {
        None => message.extend_from_slice(payload),
        Some(mask) => message.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_headers_are_invalid() {
        for bytes in [
            &[0x83, 0x01, b'x'][..],
            &[0x91, 0x01, b'x'],
            &[0x09, 0x00],
            &[0x89, 126, 0, 126],
            &[0x81, 126, 0, 125],
            &[0xc0, 0x01, b'x'],
            &[0x81, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff],
            &[0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(parse(bytes), Parsed::Invalid, "{bytes:?}");
        }
    }

    #[test]
    fn headers_are_open_until_they_are_whole() {
        let header = [0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4];
        for end in 0..header.len() {
            assert_eq!(parse(&header[..end]), Parsed::Open, "{end} bytes");
        }
        let Parsed::Header(whole) = parse(&header) else { panic!("no header") };
        assert_eq!((whole.payload, whole.mask, whole.length), (65_536, Some([1, 2, 3, 4]), 14));
    }
}
