//! Whether a datagram is SIP, by its content.

use super::anomaly::Anomalies;
use super::lines::line_at;
use super::start_line::{Beginning, beginning, may_begin, parse};
use super::token::part;

/// Whether a datagram begins with a SIP start line, after any CR, LF and NUL.
///
/// Media, STUN, DNS and SigComp are refused at their first bytes. Nothing else in front of the start line is skipped: text
/// that quotes SIP is not SIP. The parser may still refuse what is accepted here only if it was cut.
pub fn looks_like_sip(bytes: &[u8]) -> bool {
    let bytes = without_padding(bytes);
    may_begin(bytes) && parse(part(bytes, 0, line_at(bytes, 0).end), &mut Anomalies::default()).is_ok()
}

/// Whether bytes that go on later begin, or may turn out to begin, with a SIP start line.
pub fn may_be_sip(bytes: &[u8]) -> bool {
    let idle = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let bytes = bytes.get(idle..).unwrap_or_default();
    bytes.is_empty() || beginning(bytes) != Beginning::Other
}

/// The bytes behind the CR, LF and NUL that keep-alives and some senders put in front (RFC 3261 7.5).
pub(super) fn without_padding(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let [b'\r' | b'\n' | 0, behind @ ..] = rest {
        rest = behind;
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sip_is_recognised_on_its_own() {
        for text in [
            "INVITE sip:a@b SIP/2.0\r\n",
            "\r\n\0\r\nSIP/2.0 200 OK\r\n\r\n",
            "SIP/2.0 100 \r\n",
            "INVITE <sip:a@b> SIP/2.0 \n",
            "OPTIONS sip:a@b SIP/2.0",
        ] {
            assert!(looks_like_sip(text.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn sip_inside_something_else_is_not() {
        for text in [
            "",
            "\r\n\r\n",
            "jaK",
            "\0\0\0\0",
            "HTTP/1.1 200 OK\r\n\r\n",
            "<DBREGISTER sip:a SIP/2.0\r\n",
            "x INVITE sip:a@b SIP/2.0\r\n",
            "SIP/2.0 4294967301 x\r\n",
            "INVITE sip:alan@jasomi.com\r\n",
            "<134>1 log: INVITE sip:a@b SIP/2.0\r\n",
            "INVITE sip:a@",
        ] {
            assert!(!looks_like_sip(text.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn a_beginning_may_be_sip_until_it_cannot() {
        let text = b"\r\nINVITE sip:a@b SIP/2.0\r\nVia: x";
        for end in 0..text.len() {
            assert!(may_be_sip(&text[..end]), "{end} bytes");
        }
        for text in ["\0\0\0\x01", "GET / HTTP/1.1\r\n", "INVITE sip:a\r\n"] {
            assert!(!may_be_sip(text.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn no_media_packet_is_sip() {
        for first in 0x80..=u8::MAX {
            assert!(!looks_like_sip(&[first, b'A', b' ', b's', b'i', b'p', b':']));
        }
        assert!(!looks_like_sip(&[0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42, b'I', b'N']));
    }
}
