//! Session descriptions: who made them, where media go, which media there are (RFC 8866 5).

use super::token::{decimal, part};

/// A session description. It borrows the bytes it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sdp<'a> {
    /// The `o=` line.
    pub origin: SdpOrigin<'a>,
    /// The `c=` line of the session.
    pub connection: Option<SdpConnection<'a>>,
    /// The direction of the session, which holds for media that have none of their own.
    pub direction: Direction,
    /// From the first `m=` line on.
    media: SdpLines<'a>,
}

/// Who made a description, and which one it is: an offer with the same origin is the same offer (RFC 3264 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SdpOrigin<'a> {
    /// The user at the host, or `-`.
    pub username: &'a [u8],
    /// The number of the session, as it is written.
    pub session: &'a [u8],
    /// The number of the version, as it is written.
    pub version: &'a [u8],
    /// Network type, address type and address.
    pub connection: SdpConnection<'a>,
}

/// Where media go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SdpConnection<'a> {
    /// `IN` for all that is seen.
    pub network: &'a [u8],
    /// `IP4` or `IP6`.
    pub kind: &'a [u8],
    /// A host name or an address, with the time to live of a multicast address.
    pub address: &'a [u8],
}

/// One `m=` line with what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SdpMedia<'a> {
    /// `audio`, `video`, `image` or another.
    pub kind: &'a [u8],
    /// The port; 0 for media that are refused (RFC 3264 6).
    pub port: u16,
    /// The transport, such as `RTP/AVP`.
    pub protocol: &'a [u8],
    /// The formats, with the white space between them.
    pub formats: &'a [u8],
    /// Its own `c=` line, or that of the session.
    pub connection: Option<SdpConnection<'a>>,
    /// Its own direction, or that of the session.
    pub direction: Direction,
    /// Where its line begins in the description.
    pub offset: usize,
}

/// Which way media go (RFC 8866 6.7). Without an attribute it is both ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// `sendrecv`.
    #[default]
    SendRecv,
    /// `sendonly`.
    SendOnly,
    /// `recvonly`.
    RecvOnly,
    /// `inactive`.
    Inactive,
}

/// Why a description, or one of its lines, cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}, at offset {offset}")]
pub struct SdpError {
    /// What is wrong.
    pub cause: SdpCause,
    /// Where the line begins in the description.
    pub offset: usize,
}

/// What is wrong with a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SdpCause {
    /// It does not begin with `v=0`.
    #[error("there is no version 0")]
    NoVersion,
    /// There is no `o=` line before the media.
    #[error("there is no origin")]
    NoOrigin,
    /// A line that is not a letter, `=` and a value.
    #[error("a line is none")]
    MalformedLine,
    /// An `o=` line without its six parts.
    #[error("the origin is not valid")]
    MalformedOrigin,
    /// A `c=` line without its three parts.
    #[error("the connection is not valid")]
    MalformedConnection,
    /// An `m=` line without its parts, or whose port is none.
    #[error("the media line is not valid")]
    MalformedMedia,
}

/// The version in the `o=` line of a description, without a look at the rest: what tells one description from the next of the
/// same session (RFC 3264 8). A description begins with `v=0` and has its `o=` line next (RFC 8866 5).
pub fn origin_version(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(b"v=0")?;
    let rest = rest.strip_prefix(b"\r").unwrap_or(rest).strip_prefix(b"\no=")?;
    let line = rest.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    line.split(|byte| *byte == b' ').nth(2)
}

impl<'a> Sdp<'a> {
    /// Reads the part of a description that is about the session. Lines may end with LF alone (RFC 8866 5).
    pub fn parse(bytes: &'a [u8]) -> Result<Self, SdpError> {
        let mut lines = SdpLines { bytes, position: 0 };
        match lines.next() {
            Some(Ok(SdpLine { letter: b'v', value: b"0", .. })) => {}
            _ => return Err(SdpError { cause: SdpCause::NoVersion, offset: 0 }),
        }
        let (mut origin, mut section) = (None, Section::default());
        let mut media = lines;
        while let Some(line) = lines.next() {
            let line = line?;
            match line.letter {
                b'm' => break,
                b'o' if origin.is_none() => {
                    let read = SdpOrigin::parse(line.value).ok_or_else(|| line.wrong(SdpCause::MalformedOrigin))?;
                    origin = Some(read);
                }
                _ => section.take(line)?,
            }
            media = lines;
        }
        let origin = origin.ok_or(SdpError { cause: SdpCause::NoOrigin, offset: media.position })?;
        let direction = section.direction.unwrap_or_default();
        Ok(Self { origin, connection: section.connection, direction, media })
    }

    /// The media in wire order. Behind one that cannot be read comes the next one.
    pub fn media(&self) -> impl Iterator<Item = Result<SdpMedia<'a>, SdpError>> {
        let (session, mut lines) = (*self, self.media);
        std::iter::from_fn(move || {
            let first = loop {
                match lines.next()? {
                    Ok(line) if line.letter == b'm' => break line,
                    Ok(_) => {}
                    Err(error) => return Some(Err(error)),
                }
            };
            Some(session.medium(first, &mut lines))
        })
    }

    /// Reads an `m=` line and what belongs to it.
    fn medium(&self, first: SdpLine<'a>, lines: &mut SdpLines<'a>) -> Result<SdpMedia<'a>, SdpError> {
        let media = SdpMedia::parse(first.value, first.offset);
        let mut section = Section::default();
        let mut ahead = *lines;
        while let Some(line) = ahead.next() {
            if matches!(line, Ok(SdpLine { letter: b'm', .. })) {
                break;
            }
            *lines = ahead;
            section.take(line?)?;
        }
        let media = media.ok_or_else(|| first.wrong(SdpCause::MalformedMedia))?;
        let direction = section.direction.unwrap_or(self.direction);
        Ok(SdpMedia { connection: section.connection.or(self.connection), direction, ..media })
    }
}

/// What a description says of the session or of one medium.
#[derive(Default)]
struct Section<'a> {
    connection: Option<SdpConnection<'a>>,
    direction: Option<Direction>,
}

impl<'a> Section<'a> {
    /// Takes a line; of several of a kind the first counts.
    fn take(&mut self, line: SdpLine<'a>) -> Result<(), SdpError> {
        match line.letter {
            b'c' => {
                let read = SdpConnection::parse(line.value).ok_or_else(|| line.wrong(SdpCause::MalformedConnection))?;
                self.connection = self.connection.or(Some(read));
            }
            b'a' => self.direction = self.direction.or_else(|| Direction::parse(line.value)),
            _ => {}
        }
        Ok(())
    }
}

impl Direction {
    fn parse(attribute: &[u8]) -> Option<Self> {
        match attribute {
            b"sendrecv" => Some(Self::SendRecv),
            b"sendonly" => Some(Self::SendOnly),
            b"recvonly" => Some(Self::RecvOnly),
            b"inactive" => Some(Self::Inactive),
            _ => None,
        }
    }
}

impl<'a> SdpOrigin<'a> {
    fn parse(value: &'a [u8]) -> Option<Self> {
        let mut words = words(value);
        let (username, session, version) = (words.next()?, words.next()?, words.next()?);
        Some(Self { username, session, version, connection: SdpConnection::of(words)? })
    }
}

impl<'a> SdpConnection<'a> {
    fn parse(value: &'a [u8]) -> Option<Self> {
        Self::of(words(value))
    }

    fn of(mut words: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let connection = Self { network: words.next()?, kind: words.next()?, address: words.next()? };
        words.next().is_none().then_some(connection)
    }
}

impl<'a> SdpMedia<'a> {
    fn parse(value: &'a [u8], offset: usize) -> Option<Self> {
        let mut words = value.splitn(4, |byte| *byte == b' ');
        let (kind, ports, protocol, formats) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let port = decimal(ports.split(|byte| *byte == b'/').next()?)?;
        let there = [kind, protocol, formats].iter().all(|word| !word.is_empty());
        let media = Self {
            kind,
            port: u16::try_from(port).ok()?,
            protocol,
            formats,
            connection: None,
            direction: Direction::default(),
            offset,
        };
        there.then_some(media)
    }
}

/// The words between spaces.
fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b' ').filter(|word| !word.is_empty())
}

/// One line of a description.
#[derive(Clone, Copy)]
struct SdpLine<'a> {
    letter: u8,
    value: &'a [u8],
    offset: usize,
}

impl SdpLine<'_> {
    fn wrong(&self, cause: SdpCause) -> SdpError {
        SdpError { cause, offset: self.offset }
    }
}

/// Walks over the lines of a description; empty ones are passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SdpLines<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Iterator for SdpLines<'a> {
    type Item = Result<SdpLine<'a>, SdpError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let offset = self.position;
            let rest = self.bytes.get(offset..).filter(|rest| !rest.is_empty())?;
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            self.position = offset.saturating_add(length).saturating_add(1);
            let line = part(rest, 0, length);
            match line.strip_suffix(b"\r").unwrap_or(line) {
                [] => {}
                [letter, b'=', value @ ..] if letter.is_ascii_alphabetic() => {
                    return Some(Ok(SdpLine { letter: *letter, value, offset }));
                }
                _ => return Some(Err(SdpError { cause: SdpCause::MalformedLine, offset })),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OFFER: &str = "v=0\r\no=alice 2890844526 7 IN IP6 2001:db8::1\r\ns= \r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
        a=sendonly\r\nm=audio 49170/2 RTP/AVP 0 8 97\r\na=rtpmap:0 PCMU/8000\r\na=inactive\r\nm=video 0 RTP/AVP 31\n\
        c=IN IP4 224.2.1.1/127\n";

    fn wrong(text: &str) -> SdpError {
        match Sdp::parse(text.as_bytes()) {
            Ok(sdp) => sdp.media().find_map(Result::err).unwrap(),
            Err(error) => error,
        }
    }

    #[test]
    fn session_and_media() {
        let sdp = Sdp::parse(OFFER.as_bytes()).unwrap();
        assert_eq!((sdp.origin.username, sdp.origin.session), (&b"alice"[..], &b"2890844526"[..]));
        assert_eq!((sdp.origin.version, sdp.origin.connection.address), (&b"7"[..], &b"2001:db8::1"[..]));
        assert_eq!((sdp.connection.unwrap().address, sdp.direction), (&b"192.0.2.1"[..], Direction::SendOnly));
        let media: Vec<SdpMedia<'_>> = sdp.media().map(Result::unwrap).collect();
        let [audio, video] = media.as_slice() else { panic!("{media:?}") };
        assert_eq!((audio.kind, audio.port, audio.formats), (&b"audio"[..], 49_170, &b"0 8 97"[..]));
        assert_eq!((audio.connection, audio.direction), (sdp.connection, Direction::Inactive));
        assert_eq!((video.port, video.direction), (0, Direction::SendOnly));
        assert_eq!(video.connection.unwrap().address, b"224.2.1.1/127");
        assert_eq!(Some(video.offset), OFFER.find("m=video"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let head = "v=0\r\no=- 1 1 IN IP4 h\r\n";
        for (text, cause, offset) in [
            (String::new(), SdpCause::NoVersion, 0),
            ("v=1\r\n".to_owned(), SdpCause::NoVersion, 0),
            ("v=0\r\nm=audio 1 RTP/AVP 0\r\n".to_owned(), SdpCause::NoOrigin, 5),
            ("v=0\r\no=- 1 1 IN IP4\r\n".to_owned(), SdpCause::MalformedOrigin, 5),
            (format!("{head}c=IN IP4\r\n"), SdpCause::MalformedConnection, head.len()),
            (format!("{head}--boundary\r\n"), SdpCause::MalformedLine, head.len()),
            (format!("{head}m=audio 65536 RTP/AVP 0\r\n"), SdpCause::MalformedMedia, head.len()),
            (format!("{head}m=audio 1 RTP/AVP\r\n"), SdpCause::MalformedMedia, head.len()),
        ] {
            assert_eq!(wrong(&text), SdpError { cause, offset }, "{text:?}");
        }
    }

    #[test]
    fn behind_a_wrong_medium_comes_the_next() {
        let text = "v=0\r\no=- 1 1 IN IP4 h\r\nm=audio x RTP/AVP 0\r\na=sendonly\r\nm=video 6 RTP/AVP 31\r\n";
        let sdp = Sdp::parse(text.as_bytes()).unwrap();
        let ports: Vec<Option<u16>> = sdp.media().map(|media| media.ok().map(|media| media.port)).collect();
        assert_eq!(ports, [None, Some(6)]);
        assert_eq!(sdp.media().last().unwrap().unwrap().direction, Direction::SendRecv);
    }

    #[test]
    fn a_description_cut_anywhere_is_read_or_refused() {
        for end in 0..OFFER.len() {
            if let Ok(sdp) = Sdp::parse(OFFER.get(..end).unwrap().as_bytes()) {
                assert!(sdp.media().count() <= 2);
            }
        }
    }

    proptest! {
        #[test]
        fn walking_ends_and_does_not_panic(text in "v=0\n(o=- 1 1 IN IP4 h\n)?([mcao]=[a-z0-9 /]{0,12}\r?\n|[a-z=]{0,3}\n){0,9}") {
            if let Ok(sdp) = Sdp::parse(text.as_bytes()) {
                prop_assert!(sdp.media().count() <= text.lines().count());
            }
        }
    }
}
