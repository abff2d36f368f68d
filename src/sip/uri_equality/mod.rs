//! When two URIs are the same: strictly as the RFCs say, and leniently as a person looking for a redirected call would.

use super::header::Param;
use super::scan;
use super::token::part;
use super::uri::{SipUri, TelUri, Uri};
use crate::limits::MAX_COMPARED_PARAMETERS;

/// Parameters that make URIs differ when only one has them (RFC 3261 19.1.4).
const TELLING_PARAMETERS: [&[u8]; 5] = [b"user", b"ttl", b"method", b"maddr", b"transport"];
/// What `%` escapes do not stand for: an escaped one differs from a plain one (RFC 3261 19.1.4).
const RESERVED: &[u8] = b";/?:@&=+$,";

impl Uri<'_> {
    /// Equality of RFC 3261 19.1.4 (`sip`, `sips`), RFC 3966 4 (`tel`), and of scheme and text for others.
    ///
    /// It is not transitive, since parameters that only one side has are mostly ignored. Of very many parameters or
    /// headers only the first [`MAX_COMPARED_PARAMETERS`] are looked at.
    pub fn strictly_equals(&self, other: &Uri<'_>) -> bool {
        match (self, other) {
            (Self::Sip(one), Uri::Sip(another)) => sip_equals(one, another),
            (Self::Tel(one), Uri::Tel(another)) => {
                same_number(one.number, another.number) && tel_params_in(one, another) && tel_params_in(another, one)
            }
            (Self::Other { .. }, Uri::Other { .. }) => same_other(self, other),
            _ => false,
        }
    }

    /// Whether a request to one may be a consequence of being redirected to the other: same user and host, ports equal or
    /// left to their default, `sip` and `sips` alike, parameters and headers ignored. Telephone numbers are compared without their
    /// visual separators, and a `tel` URI matches a `user=phone` URI of the same number at any host.
    pub fn leniently_matches(&self, other: &Uri<'_>) -> bool {
        match (self, other) {
            (Self::Sip(one), Uri::Sip(another)) => {
                same_user(one, another) && one.host.same(&another.host) && same_port(one, another)
            }
            (Self::Tel(one), Uri::Tel(another)) => same_number(one.number, another.number),
            (Self::Tel(tel), Uri::Sip(sip)) => is_phone_of(sip, tel),
            (Self::Sip(sip), Uri::Tel(tel)) => is_phone_of(sip, tel),
            (Self::Other { .. }, Uri::Other { .. }) => same_other(self, other),
            _ => false,
        }
    }

    /// A hash that is equal for all URIs that match leniently. Equal hashes do not mean a match: compare afterwards.
    pub fn lenient_key(&self) -> u64 {
        let mut hash = Hash::new();
        match self {
            Self::Sip(uri) => {
                let user = uri.user.unwrap_or_default();
                let number = subscriber(user);
                if is_plain_number(number) {
                    hash.all(number.iter().map(|digit| u16::from(*digit)));
                } else if is_number(number) {
                    hash.all(digits(number));
                } else {
                    hash.all(units(uri.user.unwrap_or_default()));
                    hash.add(u16::from(uri.user.is_some()));
                    match uri.host.ip() {
                        Some(std::net::IpAddr::V4(ip)) => hash.all(ip.octets().map(u16::from)),
                        Some(std::net::IpAddr::V6(ip)) => hash.all(ip.segments()),
                        None => hash.all(uri.host.text().iter().map(|byte| u16::from(byte.to_ascii_lowercase()))),
                    }
                }
            }
            Self::Tel(uri) => hash.all(digits(uri.number)),
            Self::Other { scheme, rest } => {
                hash.all(scheme.iter().map(|byte| u16::from(byte.to_ascii_lowercase())));
                hash.all(rest.iter().map(|byte| u16::from(*byte)));
            }
        }
        hash.finish()
    }
}

fn sip_equals(one: &SipUri<'_>, another: &SipUri<'_>) -> bool {
    one.secure == another.secure
        && one.port == another.port
        && same_optional(one.user, another.user)
        && same_optional(one.password, another.password)
        && one.host.same(&another.host)
        && sip_params_in(one, another)
        && sip_params_in(another, one)
        && headers_in(one, another)
        && headers_in(another, one)
}

fn same_optional(one: Option<&[u8]>, another: Option<&[u8]>) -> bool {
    match (one, another) {
        (Some(one), Some(another)) => units(one).eq(units(another)),
        (None, None) => true,
        _ => false,
    }
}

/// Whether each parameter of `one` is equal in `another`, or missing there without consequence.
fn sip_params_in(one: &SipUri<'_>, another: &SipUri<'_>) -> bool {
    one.params.iter().take(MAX_COMPARED_PARAMETERS).all(|param| {
        match (find(one.params.iter(), param.name), find(another.params.iter(), param.name)) {
            (Some(first), Some(found)) => same_value(first.value, found.value),
            _ => !TELLING_PARAMETERS.iter().any(|telling| same_text(telling, param.name)),
        }
    })
}

fn tel_params_in(one: &TelUri<'_>, another: &TelUri<'_>) -> bool {
    one.params.iter().take(MAX_COMPARED_PARAMETERS).all(|param| {
        let (first, found) = (find(one.params.iter(), param.name), find(another.params.iter(), param.name));
        matches!((first, found), (Some(first), Some(found)) if same_value(first.value, found.value))
    })
}

/// Whether each header of `one` is in `another` with the same value.
fn headers_in(one: &SipUri<'_>, another: &SipUri<'_>) -> bool {
    headers(one).take(MAX_COMPARED_PARAMETERS).all(|header| {
        let (first, found) = (find(headers(one), header.name), find(headers(another), header.name));
        matches!((first, found), (Some(first), Some(found)) if same_value(first.value, found.value))
    })
}

fn headers<'a>(uri: &SipUri<'a>) -> impl Iterator<Item = Param<'a>> {
    let fields = uri.headers.unwrap_or_default().split(|byte| *byte == b'&');
    fields.filter(|field| !field.is_empty()).map(|field| {
        let mut sides = field.splitn(2, |byte| *byte == b'=');
        Param { name: sides.next().unwrap_or_default(), value: sides.next() }
    })
}

fn find<'a>(params: impl Iterator<Item = Param<'a>>, name: &[u8]) -> Option<Param<'a>> {
    params.take(MAX_COMPARED_PARAMETERS).find(|param| same_text(param.name, name))
}

fn same_value(one: Option<&[u8]>, another: Option<&[u8]>) -> bool {
    match (one, another) {
        (Some(one), Some(another)) => same_text(one, another),
        (None, None) => true,
        _ => false,
    }
}

/// Equal without regard to case and escapes.
fn same_text(one: &[u8], another: &[u8]) -> bool {
    units(one).map(lower).eq(units(another).map(lower))
}

fn same_other(one: &Uri<'_>, another: &Uri<'_>) -> bool {
    match (one, another) {
        (Uri::Other { scheme, rest }, Uri::Other { scheme: other_scheme, rest: other_rest }) => {
            scheme.eq_ignore_ascii_case(other_scheme) && rest == other_rest
        }
        _ => false,
    }
}

fn same_user(one: &SipUri<'_>, another: &SipUri<'_>) -> bool {
    let users = (one.user.unwrap_or_default(), another.user.unwrap_or_default());
    if one.user.is_some() == another.user.is_some() && units(users.0).eq(units(users.1)) {
        return true;
    }
    let numbers = (subscriber(users.0), subscriber(users.1));
    (one.is_phone() || another.is_phone())
        && is_number(numbers.0)
        && is_number(numbers.1)
        && same_number(numbers.0, numbers.1)
}

/// Whether the user part is the telephone number (RFC 3261 19.1.6).
fn is_phone_of(sip: &SipUri<'_>, tel: &TelUri<'_>) -> bool {
    let number = subscriber(sip.user.unwrap_or_default());
    sip.is_phone() && is_number(number) && is_number(tel.number) && same_number(number, tel.number)
}

/// Equal, equal once defaults are filled in, or each the default of its own scheme.
fn same_port(one: &SipUri<'_>, another: &SipUri<'_>) -> bool {
    let effective = |uri: &SipUri<'_>| uri.port.unwrap_or_else(|| uri.default_port());
    let default = |uri: &SipUri<'_>| effective(uri) == uri.default_port();
    one.port == another.port || effective(one) == effective(another) || (default(one) && default(another))
}

/// The number in a user part: what stands in front of its own parameters.
fn subscriber(user: &[u8]) -> &[u8] {
    part(user, 0, scan::find(user, [b';']).unwrap_or(user.len()))
}

/// Whether it reads as a telephone number: at least one digit, nothing but what belongs to one.
fn is_number(text: &[u8]) -> bool {
    let digit = |unit: u16| u8::try_from(unit).is_ok_and(|byte| byte.is_ascii_digit());
    let (plus, rest) = match text {
        [b'+', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let star = |unit: u16| !plus && (unit == u16::from(b'*') || unit == u16::from(b'#'));
    let mut has_digit = false;
    digits(rest).all(|unit| {
        has_digit |= digit(unit);
        digit(unit) || star(unit)
    }) && has_digit
}

fn same_number(one: &[u8], another: &[u8]) -> bool {
    digits(one).eq(digits(another))
}

/// The same for what has nothing but digits, as most numbers do.
#[inline]
fn is_plain_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// The number without its visual separators (RFC 3966 3), in lower case.
fn digits(number: &[u8]) -> impl Iterator<Item = u16> {
    units(number).filter(|unit| !b"-.()".iter().any(|separator| u16::from(*separator) == *unit)).map(lower)
}

fn lower(unit: u16) -> u16 {
    u8::try_from(unit).map_or(unit, |byte| u16::from(byte.to_ascii_lowercase()))
}

/// The characters of a part of a URI with escapes undone once. An escaped reserved character is not the plain one, so it is
/// given above the bytes.
fn units(text: &[u8]) -> impl Iterator<Item = u16> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if let [b'%', high, low, behind @ ..] = rest
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            rest = behind;
            let byte = high.wrapping_shl(4) | low;
            return Some(if RESERVED.contains(&byte) { 0x100 | u16::from(byte) } else { u16::from(byte) });
        }
        let (first, behind) = rest.split_first()?;
        rest = behind;
        Some(u16::from(*first))
    })
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// FNV-1a over 16-bit units with a final mix. No key: the same on every run, and who makes URIs collide on purpose gains
/// no more than by dialling one number at many hosts.
struct Hash(u64);

impl Hash {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, unit: u16) {
        self.0 = (self.0 ^ u64::from(unit)).wrapping_mul(0x0000_0100_0000_01b3);
    }

    fn all(&mut self, units: impl IntoIterator<Item = u16>) {
        units.into_iter().for_each(|unit| self.add(unit));
        self.add(0xffff);
    }

    fn finish(self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        mixed ^ (mixed >> 32)
    }
}

#[cfg(test)]
mod tests;
