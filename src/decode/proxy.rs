//! The header that load balancers put in front of what they pass on (PROXY protocol of HAProxy, versions 1 and 2).
//!
//! The addresses in it are those of a connection that the capture does not show, so they are not taken for those of this one.

use crate::limits::MAX_PROXY_HEADER_BYTES;

/// How version 1 begins, and the most bytes of its line (section 2.1).
const VERSION_1: &[u8] = b"PROXY ";
const MAX_LINE_BYTES: usize = 107;
/// How version 2 begins; a version with a command, a family and a length follow (section 2.2).
const VERSION_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const VERSION_2_LEN: usize = 16;

/// What bytes begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyHeader {
    /// No such header.
    None,
    /// A part of one, perhaps.
    Open,
    /// One of so many bytes.
    Whole(usize),
}

impl ProxyHeader {
    /// Looks at the first bytes of a stream or a datagram.
    #[inline]
    pub fn at(bytes: &[u8]) -> Self {
        match bytes.first() {
            Some(b'P') => version_1(bytes),
            Some(b'\r') => version_2(bytes),
            Some(_) => Self::None,
            None => Self::Open,
        }
    }
}

fn version_1(bytes: &[u8]) -> ProxyHeader {
    let seen = bytes.len().min(VERSION_1.len());
    if bytes.get(..seen) != VERSION_1.get(..seen) {
        return ProxyHeader::None;
    }
    let line = bytes.get(..MAX_LINE_BYTES).unwrap_or(bytes);
    match memchr::memmem::find(line, b"\r\n") {
        Some(end) => ProxyHeader::Whole(end + 2),
        None if bytes.len() < MAX_LINE_BYTES => ProxyHeader::Open,
        None => ProxyHeader::None,
    }
}

fn version_2(bytes: &[u8]) -> ProxyHeader {
    let seen = bytes.len().min(VERSION_2.len());
    if bytes.get(..seen) != VERSION_2.get(..seen) {
        return ProxyHeader::None;
    }
    let Some(header) = bytes.first_chunk::<VERSION_2_LEN>() else { return ProxyHeader::Open };
    let &[.., version_and_command, _, high, low] = header;
    let length = VERSION_2_LEN + usize::from(u16::from_be_bytes([high, low]));
    match version_and_command >> 4 {
        2 if bytes.len() >= length => ProxyHeader::Whole(length),
        2 if length <= MAX_PROXY_HEADER_BYTES => ProxyHeader::Open,
        _ => ProxyHeader::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_open_until_they_are_whole() {
        let first = b"PROXY TCP4 192.0.2.1 192.0.2.2 40000 5060\r\n";
        let second = [VERSION_2, &[0x21, 0x11, 0, 12], &[7; 12]].concat();
        for header in [&first[..], &second] {
            for end in 0..header.len() {
                assert_eq!(ProxyHeader::at(&header[..end]), ProxyHeader::Open, "{end} of {header:?}");
            }
            let more = [header, b"INVITE"].concat();
            assert_eq!(ProxyHeader::at(&more), ProxyHeader::Whole(header.len()));
        }
    }

    #[test]
    fn other_beginnings_are_none() {
        let long = [VERSION_1, &[b'x'; 200]].concat();
        for bytes in [&b"PRACK sip:a SIP/2.0\r\n"[..], b"\r\n\r\nINVITE", b"INVITE", &long] {
            assert_eq!(ProxyHeader::at(bytes), ProxyHeader::None, "{bytes:?}");
        }
    }
}
