//! Datagrams that are known by their first bytes not to be SIP.
//!
//! Protocols that share a port with SIP are told apart by their first byte (RFC 7983 7); no SIP message begins like them.

/// Declares [`Recognised`] from rows of a doc line, a variant and its name in reports.
macro_rules! recognised {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal,)+) => {
        /// What a datagram is, if it is not SIP and its first bytes say so.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Recognised {
            $($(#[$doc])+ $variant,)+
        }

        impl Recognised {
            /// All of them, in the order of the variants.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name used in reports.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

recognised! {
    /// RTP or RTCP (RFC 3550 5.1, 6.4.1).
    Media = "media",
    /// A keep-alive: nothing but line ends and zeros, or nothing at all (RFC 6263 4.1, RFC 3581 6), or the three letters that a
    /// family of phones sends.
    KeepAlive = "keep_alive",
    /// STUN, TURN among it, with no SIP in it (RFC 8489, RFC 8656).
    Stun = "stun",
    /// Data that a TURN relay passes on, with no SIP in it (RFC 8656 12).
    TurnChannel = "turn_channel",
    /// Compressed signalling; it is not unpacked (RFC 3320).
    SigComp = "sigcomp",
    /// DTLS: encrypted (RFC 9147).
    Dtls = "dtls",
}

/// Keep-alives of this text are sent by phones to their registrar.
const LETTERS: &[u8] = b"jaK";
/// Content types of DTLS records: change cipher spec to heartbeat, and acknowledgements (RFC 9147 4).
const DTLS_TYPES: std::ops::RangeInclusive<u8> = 20..=26;
/// The first byte of the version of DTLS 1.0 and 1.2, which is also that of 1.3.
const DTLS_MAJOR: u8 = 0xfe;
/// Bytes of the header of a DTLS record.
const DTLS_HEADER_LEN: usize = 13;

impl Recognised {
    /// What a datagram that is none of a tunnel and no STUN is; `missing` of its bytes were not captured.
    #[inline]
    pub(super) fn of(payload: &[u8], missing: usize) -> Option<Self> {
        let Some(first) = payload.first() else { return (missing == 0).then_some(Self::KeepAlive) };
        match first {
            0x80..=0xbf => Some(Self::Media),
            b'\r' | b'\n' | 0 => is_keep_alive(payload, missing).then_some(Self::KeepAlive),
            b'j' => (payload == LETTERS && missing == 0).then_some(Self::KeepAlive),
            // The first five bits of a SigComp message are ones (RFC 3320 7).
            0xf8..=0xff => Some(Self::SigComp),
            first if DTLS_TYPES.contains(first) => is_dtls(payload).then_some(Self::Dtls),
            _ => None,
        }
    }
}

#[cold]
fn is_keep_alive(payload: &[u8], missing: usize) -> bool {
    missing == 0 && payload.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0))
}

#[cold]
fn is_dtls(payload: &[u8]) -> bool {
    payload.len() >= DTLS_HEADER_LEN && payload.get(1) == Some(&DTLS_MAJOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell_what_is_no_sip() {
        for (payload, what) in [
            (&[][..], Some(Recognised::KeepAlive)),
            (b"\r\n\r\n", Some(Recognised::KeepAlive)),
            (&[0; 4], Some(Recognised::KeepAlive)),
            (b"jaK", Some(Recognised::KeepAlive)),
            (b"jaKob sip:a SIP/2.0\r\n", None),
            (b"\r\n\r\nSIP/2.0 200 OK\r\n", None),
            (&[0x80, 0], Some(Recognised::Media)),
            (&[0xbf], Some(Recognised::Media)),
            (&[0xf8, 1], Some(Recognised::SigComp)),
            (&[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], Some(Recognised::Dtls)),
            (&[22, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], None),
            (b"INVITE sip:a SIP/2.0\r\n", None),
            (&[0xc3, 0xa4], None),
        ] {
            assert_eq!(Recognised::of(payload, 0), what, "{payload:?}");
        }
        assert_eq!(Recognised::of(b"\r\n", 40), None, "the rest was not captured");
    }
}
