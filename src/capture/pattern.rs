//! File name patterns with `*`, `?` and `[...]`, for shells that leave them to the program.

/// Whether a name has a character that stands for others.
pub(super) fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

/// Whether `name` is one of those that `pattern` stands for.
///
/// `*` is any run of characters, `?` any one, `[a-z_]` one of a set and `[!a-z_]` one outside it. As in a shell, a dot
/// at the start of a name must be written. An unclosed `[` stands for itself.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let (mut pattern, mut name) = (pattern, name);
    // Where to go on if what follows the last star does not fit: the pattern behind it, and one character more of the name.
    let mut retry: Option<(&str, &str)> = None;
    loop {
        if let Some(rest) = pattern.strip_prefix('*') {
            retry = Some((rest, name));
            pattern = rest;
            continue;
        }
        let mut characters = name.chars();
        match characters.next() {
            None if pattern.is_empty() => return true,
            None => return false,
            Some(character) => {
                if let Some(rest) = one(pattern, character) {
                    (pattern, name) = (rest, characters.as_str());
                    continue;
                }
            }
        }
        let Some((behind_star, from)) = retry else { return false };
        let mut characters = from.chars();
        characters.next();
        (pattern, name) = (behind_star, characters.as_str());
        retry = Some((pattern, name));
    }
}

/// The pattern behind its first element, if that stands for `character`. The element is no star.
fn one(pattern: &str, character: char) -> Option<&str> {
    let mut elements = pattern.chars();
    match elements.next()? {
        '?' => Some(elements.as_str()),
        '[' => match set(elements.as_str(), character) {
            Some((true, rest)) => Some(rest),
            Some((false, _)) => None,
            None => (character == '[').then_some(elements.as_str()),
        },
        literal => (literal == character).then_some(elements.as_str()),
    }
}

/// Whether a set (from behind its bracket) has the character, and the pattern behind it; `None` if it is not closed.
fn set(text: &str, character: char) -> Option<(bool, &str)> {
    let negated = text.starts_with(['!', '^']);
    let mut members = if negated { text.get(1..)? } else { text }.chars();
    let (mut found, mut first) = (false, true);
    loop {
        let low = members.next()?;
        // A bracket at the start is a member.
        if low == ']' && !first {
            return Some((found != negated, members.as_str()));
        }
        first = false;
        let mut ahead = members.clone();
        let high = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(high)) if high != ']' => {
                members = ahead;
                high
            }
            _ => low,
        };
        found |= (low..=high).contains(&character);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_match_as_in_a_shell() {
        for (pattern, name, expected) in [
            ("*", "a.pcap", true),
            ("*", "", true),
            ("*", ".hidden", false),
            (".*", ".hidden", true),
            ("*.pcap", "trace.pcap", true),
            ("*.pcap", "trace.pcapng", false),
            ("*.pcap*", "trace.pcapng", true),
            ("*a*b", "xaxbxab", true),
            ("*a*b", "xaxbxa", false),
            ("tr?ce", "träce", true),
            ("tr?ce", "trce", false),
            ("t[0-9]", "t7", true),
            ("t[!0-9]", "t7", false),
            ("t[^0-9]", "tx", true),
            ("t[]a]", "t]", true),
            ("t[a-]", "t-", true),
            ("t[", "t[", true),
            ("t[a", "ta", false),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    proptest! {
        #[test]
        fn a_name_matches_itself_and_stars_around_its_parts(name in "[a-zäö]{0,12}", cut in 0_usize..12) {
            prop_assert!(matches(&name, &name));
            let cut = name.char_indices().nth(cut).map_or(name.len(), |(at, _)| at);
            prop_assert!(matches(&[&name[..cut], "*"].concat(), &name));
            prop_assert!(matches(&["*", &name[cut..]].concat(), &name));
        }

        #[test]
        fn anything_is_answered(pattern in "[a*?\\[\\]!^-]{0,16}", name in "[a\\[\\]-]{0,16}") {
            let _ = matches(&pattern, &name);
        }
    }
}
