//! The HTTP messages by which a connection becomes a WebSocket (RFC 6455 4.1, 4.2.2).

use memchr::memmem;

/// How the heads begin.
const BEGINNINGS: [&[u8]; 2] = [b"GET /", b"HTTP/1.1 101"];

/// What a head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// Not whole.
    Open,
    /// It has `length` bytes and upgrades to WebSocket; `sip` if it names SIP as the protocol (RFC 7118 4.1).
    Upgrade { length: usize, sip: bool },
    /// No upgrade to WebSocket.
    Other,
}

/// Whether bytes begin like a head that may be an upgrade, and with enough to be told from anything else.
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    BEGINNINGS.iter().any(|beginning| bytes.starts_with(beginning))
}

/// Reads the head at the beginning of bytes.
pub(super) fn read(bytes: &[u8]) -> Head {
    let Some(end) = memmem::find(bytes, b"\r\n\r\n") else { return Head::Open };
    let (mut upgrades, mut sip) = (false, false);
    for line in bytes.get(..end).unwrap_or_default().split(|byte| *byte == b'\n') {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else { continue };
        let has =
            |token: &[u8]| value.split(|byte| *byte == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(token));
        if name.eq_ignore_ascii_case(b"Upgrade") {
            upgrades |= has(b"websocket");
        } else if name.eq_ignore_ascii_case(b"Sec-WebSocket-Protocol") {
            sip |= has(b"sip");
        }
    }
    if upgrades { Head::Upgrade { length: end + 4, sip } } else { Head::Other }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_upgrade_is_one() {
        let head = b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nupgrade: h2c, WebSocket\r\nSec-WebSocket-Protocol: x, SIP\r\n\r\n";
        assert_eq!(read(head), Head::Upgrade { length: head.len(), sip: true });
        for end in 0..head.len() {
            assert_eq!(read(&head[..end]), Head::Open, "{end} bytes");
        }
        assert_eq!(read(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nupgrade: websocket\r\n\r\n"), Head::Other);
    }
}
