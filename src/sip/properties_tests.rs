//! What holds for all URIs, lists, parameters, heads and streams: they are made from parts, and the parts must come back.

use proptest::prelude::*;

use super::*;
use crate::extent::Extent;

/// White space as senders put it between the parts of a value.
fn blank() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => Just(""), 1 => Just(" "), 1 => Just("\t "), 1 => Just("\r\n ")]
}

/// The value of a parameter: a token, or a quoted string with what separates things elsewhere.
fn param_value() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z0-9.!%*_+`'~-]{1,8}", "\"([a-z ,;<>=?@]|\\\\\"|\\\\\\\\){0,8}\""]
}

fn param() -> impl Strategy<Value = (String, Option<String>)> {
    ("[a-z][a-z0-9-]{0,6}", proptest::option::of(param_value()))
}

/// The text of parameters, with white space where it may stand.
fn params_text(params: &[(String, Option<String>)], blank: &str) -> String {
    let one = |(name, value): &(String, Option<String>)| match value {
        Some(value) => format!("{blank};{blank}{name}{blank}={blank}{value}"),
        None => format!("{blank};{blank}{name}"),
    };
    params.iter().map(one).collect()
}

fn read_params(params: Params<'_>) -> Vec<(String, Option<String>)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    params.iter().map(|param| (text(param.name), param.value.map(text))).collect()
}

/// An address in brackets, with a display name and parameters.
#[derive(Clone, Debug)]
struct Address {
    name: Option<String>,
    uri: String,
    params: Vec<(String, Option<String>)>,
    blank: &'static str,
}

impl Address {
    fn text(&self) -> String {
        let name = self.name.as_ref().map(|name| format!("\"{name}\"")).unwrap_or_default();
        format!("{name}{}<{}>{}", self.blank, self.uri, params_text(&self.params, self.blank))
    }
}

fn address() -> impl Strategy<Value = Address> {
    let name = proptest::option::of("[a-zA-Z]([a-zA-Z ,;<>@:]|\\\\\"|\\\\\\\\){0,12}");
    let uri = "sips?:[a-z,;?&=+$/-]{0,6}@[a-z]{1,6}(:[1-9][0-9]{0,3})?(;[a-z]{1,4}(=[a-z]{1,4})?){0,2}(\\?[a-z]{1,3}=[a-z,]{1,3})?";
    (name, uri, proptest::collection::vec(param(), 0..4), blank()).prop_map(|(name, uri, params, blank)| Address {
        name,
        uri,
        params,
        blank,
    })
}

/// A header that nobody knows, with a value that may be folded.
fn header() -> impl Strategy<Value = (String, String)> {
    ("X-[a-zA-Z0-9]{1,6}", "[!-~]{1,6}((\r\n | |\t|, )[!-~]{1,6}){0,3}")
}

/// The parts of a SIP URI: user, host, port, parameters.
type UriParts = (Option<String>, String, Option<u16>, Vec<(String, Option<String>)>);

fn uri_parts() -> impl Strategy<Value = UriParts> {
    let host = prop_oneof![
        "[a-z][a-z0-9]{0,5}(\\.[a-z]{1,4}){0,2}",
        Just("192.0.2.1".to_owned()),
        Just("[2001:db8::1]".to_owned())
    ];
    let params = proptest::collection::btree_map("[a-z]{1,5}", proptest::option::of("[a-zA-Z0-9]{1,5}"), 0..4);
    let user = proptest::option::of("[a-zA-Z0-9;?/,&=+$!~*'().-]{1,10}");
    (user, host, proptest::option::of(1_u16..), params.prop_map(|map| map.into_iter().collect()))
}

fn uri_text((user, host, port, params): &UriParts) -> String {
    let user = user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("sip:{user}{host}{port}{}", params_text(params, ""))
}

proptest! {
    #[test]
    fn parts_of_a_uri_come_back(parts in uri_parts()) {
        let text = uri_text(&parts);
        let Ok(Uri::Sip(uri)) = Uri::parse(text.as_bytes()) else { panic!("{text}") };
        prop_assert_eq!(uri.user.map(<[u8]>::to_vec), parts.0.clone().map(String::into_bytes));
        prop_assert_eq!(uri.host.text(), parts.1.as_bytes());
        prop_assert_eq!(uri.port, parts.2);
        prop_assert_eq!(read_params(uri.params), parts.3);
        prop_assert_eq!(uri.oddity, None);
    }

    #[test]
    fn uris_equal_themselves_in_another_spelling(parts in uri_parts()) {
        let one = uri_text(&parts);
        let (user, host, port, mut params) = parts;
        params.reverse();
        // Each letter of the user escaped, the host and the names and values of parameters in upper case.
        let user = user.map(|user| {
            user.chars().map(|c| if c.is_ascii_alphanumeric() { format!("%{:02x}", c as u32) } else { c.to_string() }).collect()
        });
        let upper = |(name, value): (String, Option<String>)| {
            (name.to_ascii_uppercase(), value.map(|value| value.to_ascii_uppercase()))
        };
        let other = uri_text(&(user, host.to_ascii_uppercase(), port, params.into_iter().map(upper).collect()));
        let (one, other) = (Uri::parse(one.as_bytes()).unwrap(), Uri::parse(other.as_bytes()).unwrap());
        prop_assert!(one.strictly_equals(&one) && one.strictly_equals(&other) && other.strictly_equals(&one));
        prop_assert!(one.leniently_matches(&other));
        prop_assert_eq!(one.lenient_key(), other.lenient_key());
    }

    #[test]
    fn values_of_a_list_come_back(list in proptest::collection::vec(address(), 1..6), between in blank()) {
        let texts: Vec<String> = list.iter().map(Address::text).collect();
        let row = texts.join(&format!("{between},{between}"));
        let values: Vec<&[u8]> = ListValues::new(row.as_bytes()).collect();
        prop_assert_eq!(values.len(), list.len());
        for (value, address) in values.into_iter().zip(&list) {
            let read = NameAddr::parse(value).unwrap();
            prop_assert_eq!(read.display_name.map(<[u8]>::to_vec), address.name.clone().map(String::into_bytes));
            prop_assert_eq!(read.uri, address.uri.as_bytes());
            prop_assert_eq!(read_params(read.params), address.params.clone());
            prop_assert_eq!(read.oddity, None);
        }
    }

    #[test]
    fn headers_of_a_message_come_back(
        headers in proptest::collection::vec(header(), 0..8), end in prop_oneof![Just("\r\n"), Just("\n")], body in "[ -~]{0,20}"
    ) {
        let known = "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\nf: <sip:a@h>;tag=1\r\nt: <sip:b@h>\r\ni: c\r\nCSeq: 1 BYE";
        let rest: String = headers.iter().map(|(name, value)| format!("\r\n{name} :{value}")).collect();
        let text = format!("BYE sip:b@h SIP/2.0\r\n{known}{rest}\r\nl: {}\r\n\r\n", body.len()).replace("\r\n", end) + &body;
        let message = Message::parse(text.as_bytes()).unwrap();
        let read: Vec<(&[u8], &[u8])> = message.headers().skip(5).map(|header| (header.raw_name, header.value)).collect();
        prop_assert_eq!(read.len(), headers.len() + 1);
        for ((name, value), (read_name, read_value)) in headers.iter().zip(read) {
            prop_assert_eq!(name.as_bytes(), read_name);
            let value = value.replace("\r\n", end);
            prop_assert_eq!(value.as_bytes(), read_value);
        }
        prop_assert_eq!(message.body, body.as_bytes());
        prop_assert!(message.correlates());
    }
}

#[test]
fn a_stream_cut_in_two_anywhere_gives_the_same() {
    let one = "\r\n\r\nOPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP h\r\nl: 5\r\nX: a\r\n b\r\n\r\nSIP/2";
    let stream = format!("{one}{one}\r\nSIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\nACK sip:a SIP/2.0\ni: 1\n\n{one}");
    let given = |cut: usize| {
        let (mut framer, mut given) = (Framer::new(), Vec::new());
        let (first, second) = stream.as_bytes().split_at(cut);
        for piece in [first, second] {
            framer.data(piece, Extent::default(), &mut |framed| given.push(framed.bytes.to_vec()));
        }
        framer.finish(&mut |framed| given.push(framed.bytes.to_vec()));
        assert!(framer.stats().conserves(0));
        given
    };
    let whole = given(0);
    assert_eq!(whole.len(), 5);
    for cut in 1..stream.len() {
        assert_eq!(given(cut), whole, "cut at {cut}");
    }
}
