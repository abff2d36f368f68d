//! Names of addresses, as whoever asked has given them.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// A text with the name behind each address that has one.
pub(super) fn named(text: &str, names: &BTreeMap<IpAddr, String>) -> String {
    if names.is_empty() {
        return text.to_owned();
    }
    let word = |word: &str| {
        let rest = word.trim_start_matches('(');
        let bare = rest.trim_end_matches([',', ';', '.', ':', ')']);
        let address = bare.parse::<SocketAddr>().map(|socket| socket.ip()).or_else(|_| bare.parse::<IpAddr>());
        match address.ok().and_then(|address| names.get(&address)) {
            Some(name) => {
                let (before, behind) = (word.len() - rest.len(), rest.strip_prefix(bare).unwrap_or_default());
                format!("{}{bare} ({name}){behind}", word.get(..before).unwrap_or_default())
            }
            None => word.to_owned(),
        }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// An address, or address and port, with its name.
pub(super) fn with_name(address: &str, name: Option<&str>) -> String {
    name.map_or_else(|| address.to_owned(), |name| format!("{address} ({name})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_that_are_addresses_are_named() {
        let names = BTreeMap::from([
            ("192.0.2.1".parse().unwrap(), "sbc".to_owned()),
            ("2001:db8::1".parse().unwrap(), "edge".to_owned()),
        ]);
        for (text, wanted) in [
            ("Phone at 192.0.2.1:5060, again.", "Phone at 192.0.2.1:5060 (sbc), again."),
            ("(192.0.2.1) to [2001:db8::1]:5060: no", "(192.0.2.1 (sbc)) to [2001:db8::1]:5060 (edge): no"),
            ("sip:a@192.0.2.1 192.0.2.10 192.0.2.1.1", "sip:a@192.0.2.1 192.0.2.10 192.0.2.1.1"),
        ] {
            assert_eq!(named(text, &names), wanted);
        }
    }
}
