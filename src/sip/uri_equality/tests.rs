use proptest::prelude::*;

use super::*;

fn uri(text: &str) -> Uri<'_> {
    Uri::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn strict(one: &str, another: &str) -> bool {
    let (one, another) = (uri(one), uri(another));
    assert_eq!(one.strictly_equals(&another), another.strictly_equals(&one), "{one:?} {another:?}");
    one.strictly_equals(&another)
}

fn lenient(one: &str, another: &str) -> bool {
    let (one, another) = (uri(one), uri(another));
    let matches = one.leniently_matches(&another);
    assert_eq!(matches, another.leniently_matches(&one), "{one:?} {another:?}");
    assert!(!matches || one.lenient_key() == another.lenient_key(), "{one:?} {another:?}");
    matches
}

#[test]
fn equal_by_rfc_3261_19_1_4() {
    for (one, another) in [
        ("sip:%61lice@atlanta.example;transport=TCP", "sip:alice@AtLanTa.Example;Transport=tcp"),
        ("sip:carol@chicago.example", "sip:carol@chicago.example;newparam=5"),
        ("sip:carol@chicago.example;security=on", "sip:carol@chicago.example;newparam=5"),
        (
            "sip:b.example;transport=tcp;method=R?to=sip:bob%40b.example",
            "sip:b.example;method=R;transport=tcp?to=sip:bob%40b.example",
        ),
        ("sip:a@b.example?subject=x&priority=y", "sip:a@b.example?priority=y&subject=x"),
        ("sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0::1]"),
        ("sip:a%3bb@c", "sip:a%3Bb@c"),
        ("sip:a@b;lr", "sip:a@b"),
    ] {
        assert!(strict(one, another), "{one} {another}");
    }
}

#[test]
fn different_by_rfc_3261_19_1_4() {
    for (one, another) in [
        ("sip:ALICE@AtLanTa.Example;Transport=udp", "sip:alice@atlanta.example;Transport=UDP"),
        ("sip:bob@b.example", "sip:bob@b.example:5060"),
        ("sip:bob@b.example", "sip:bob@b.example;transport=udp"),
        ("sip:bob@b.example", "sip:bob@b.example:6000;transport=tcp"),
        ("sip:carol@c.example", "sip:carol@c.example?Subject=next%20meeting"),
        ("sip:carol@c.example;security=on", "sip:carol@c.example;security=off"),
        ("sip:a@b", "sips:a@b"),
        ("sip:a@b;user=phone", "sip:a@b"),
        ("sip:a@b;maddr=192.0.2.1", "sip:a@b"),
        ("sip:a@b;ttl=1", "sip:a@b"),
        ("sip:a@b;method=INVITE", "sip:a@b"),
        ("sip:a@b;lr", "sip:a@b;lr=on"),
        ("sip:a:x@b", "sip:a@b"),
        ("sip:@b", "sip:b"),
        ("sip:a;b@c", "sip:a%3Bb@c"),
        ("sip:a%2525@c", "sip:a%25@c"),
        ("sip:phone21.boxesbybob.example", "sip:192.0.2.4"),
        ("sip:a@b?x=1&y=2", "sip:a@b?x=1"),
        ("sip:+15551234@b;user=phone", "tel:+15551234"),
    ] {
        assert!(!strict(one, another), "{one} {another}");
    }
}

#[test]
fn telephone_numbers_by_rfc_3966_4() {
    assert!(strict("tel:+1-201-555-0123", "TEL:+1(201)5550123"));
    assert!(strict("tel:7042;phone-context=Example.com;ext=1", "tel:70.42;ext=1;phone-context=example.COM"));
    assert!(!strict("tel:+12015550123", "tel:12015550123"));
    assert!(!strict("tel:+12015550123", "tel:+12015550123;ext=1"));
    assert!(strict("tel:7A42;phone-context=x", "tel:7a42;phone-context=x"));
}

#[test]
fn other_schemes_compare_as_text() {
    assert!(strict("MAILTO:a@b", "mailto:a@b"));
    assert!(!strict("mailto:a@b", "mailto:A@b"));
    assert!(!lenient("mailto:a@b", "sip:a@b"));
}

#[test]
fn a_followed_redirect_is_recognised() {
    for (one, another) in [
        ("sip:bob@b.example", "sip:bob@B.EXAMPLE:5060;transport=udp?x=y"),
        ("sip:bob@b.example;transport=tls", "sip:bob@b.example:5061"),
        ("sips:bob@b.example", "sip:bob@b.example;transport=tls"),
        ("sips:bob@b.example", "sip:bob@b.example"),
        ("sips:bob@b.example:5061", "sip:bob@b.example:5060"),
        ("sip:bob@[2001:db8::1]", "sip:bob@[2001:db8:0:0::1]:5060"),
        ("sip:+1-201-555-0123@gw;user=phone", "sip:+12015550123@gw"),
        ("tel:+1-201-555-0123;ext=1", "sip:+12015550123;ext=2@gw.example;user=phone"),
        ("tel:*72#", "tel:*-72#"),
        ("sip:%62ob@b.example", "sip:bob:secret@b.example"),
        ("sip:b.example", "sip:b.example;lr"),
    ] {
        assert!(lenient(one, another), "{one} {another}");
    }
}

#[test]
fn another_target_is_not_a_followed_redirect() {
    for (one, another) in [
        ("sip:bob@b.example", "sip:Bob@b.example"),
        ("sip:bob@b.example", "sip:bob@c.example"),
        ("sip:bob@b.example", "sip:bob@b.example:5070"),
        ("sip:bob@192.0.2.1", "sip:bob@192.0.2.2"),
        ("sip:bob@b.example", "sip:b.example"),
        ("sip:1-2@b.example", "sip:12@b.example"),
        ("tel:+12", "sip:+12@gw"),
        ("tel:+12", "tel:12"),
        ("sip:a.b@gw;user=phone", "sip:ab@gw;user=phone"),
    ] {
        assert!(!lenient(one, another), "{one} {another}");
    }
}

#[test]
fn very_many_parameters_cost_no_more_than_the_bound() {
    let many = format!("sip:a@b{}", ";x=1".repeat(200_000));
    assert!(strict(&many, &many));
}

fn any_uri() -> impl Strategy<Value = String> {
    let sip = (
        proptest::sample::select(&["sip", "SIPS", "sips"][..]),
        proptest::sample::select(
            &["", "bob@", "%62ob@", "b%6Fb:p@", "1-2@", "12;x=1@", "+1.2@", "+12@", "@", "a;b@"][..],
        ),
        proptest::sample::select(
            &["h", "H", "192.0.2.1", "[2001:db8::1]", "[2001:DB8:0::1]", "[2001:db8:::1.2.3.4]"][..],
        ),
        proptest::sample::select(&["", ":5060", ":5061", ":7"][..]),
        proptest::collection::vec(
            proptest::sample::select(
                &[";lr", ";x=1", ";x=2", ";user=phone", ";transport=tls", ";transport=TCP", ";%75ser=phone"][..],
            ),
            0..3,
        ),
        proptest::sample::select(&["", "?a=b", "?a=c", "?a=b&c=d", "?c=d&a=b"][..]),
    )
        .prop_map(|(scheme, user, host, port, params, headers)| {
            format!("{scheme}:{user}{host}{port}{}{headers}", params.concat())
        });
    let tel = (
        proptest::sample::select(&["12", "1-2", "+12", "+1.2", "1a", "(1)A", "*", "-"][..]),
        proptest::collection::vec(proptest::sample::select(&[";ext=1", ";ext=2", ";isub=3"][..]), 0..3),
    )
        .prop_map(|(number, params)| format!("tel:{number}{}", params.concat()));
    let other = proptest::sample::select(&["mailto:a", "MAILTO:a", "mailto:A"][..]).prop_map(str::to_owned);
    prop_oneof![6 => sip, 3 => tel, 1 => other]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn equality_is_symmetric_and_matching_follows(one in any_uri(), another in any_uri()) {
        prop_assert!(strict(&one, &one), "reflexive: {}", one);
        prop_assert!(lenient(&one, &one), "reflexive: {}", one);
        let matches = lenient(&one, &another);
        prop_assert!(matches || !strict(&one, &another), "{} {}", one, another);
    }
}
