//! Small parts of the page.

use maud::{Markup, html};

use crate::report::escape::visible;
use crate::report::{View, model};

/// Text from the network: nothing in it hides or turns the direction of reading. The page escapes it besides.
pub(super) fn shown(text: &str) -> std::borrow::Cow<'_, str> {
    visible(text)
}

/// A number with its thousands apart.
pub(super) fn dots(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or(u64::MAX).to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            // A thin space that does not break.
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A time of a report, as people read it.
pub(super) fn time(view: &View<'_>, time: &str) -> Markup {
    html! { time datetime=(time) { (view.shown(time).replacen('T', " ", 1).trim_end_matches('Z')) } }
}

/// An element with its address.
pub(super) fn party(party: &model::Party) -> Markup {
    let endpoint = if party.address.contains(':') {
        format!("[{}]:{}", party.address, party.port)
    } else {
        format!("{}:{}", party.address, party.port)
    };
    html! {
        span.endpoint { (endpoint) } (name(&party.name))
        @if let Some(agent) = &party.user_agent { span.agent { (shown(agent)) } }
    }
}

/// The name that was given for an address.
pub(super) fn name(name: &Option<String>) -> Markup {
    html! { @if let Some(name) = name { " " span.name { (shown(name)) } } }
}

/// A URI, as text.
pub(super) fn uri(uri: &str) -> Markup {
    html! { code.uri { (shown(uri)) } }
}

/// An outcome or severity as a mark with its colour.
pub(super) fn mark(word: &str) -> Markup {
    html! { span class={ "mark " (word) } { (word.replace('_', " ")) } }
}

/// The frames that show something.
pub(super) fn evidence(evidence: &[model::Evidence], inputs: usize) -> Markup {
    html! {
        ul.frames aria-label="Frames" {
            @for shown in evidence {
                li { @if inputs > 1 { (shown.input) ":" } (shown.frame) " " small { (shown.role.replace('_', " ")) } }
            }
        }
    }
}

/// Seconds, or that there were none.
pub(super) fn seconds(value: Option<u64>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| format!("{value} s"))
}

/// What a page holds only the first ones of.
pub(super) fn cut(left: usize, what: &str) -> Markup {
    html! {
        @if left > 0 { p.cut { (dots(left)) " further " (what) " are not on this page; the JSON report has all." } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([dots(7_u32), dots(1_234_567_u32)], ["7".to_owned(), "1\u{202f}234\u{202f}567".to_owned()]);
    }

    #[test]
    fn text_from_the_network_stays_text() {
        let hostile = uri("<script>\"'&\u{202e}").into_string();
        assert_eq!(hostile, "<code class=\"uri\">&lt;script&gt;&quot;'&amp;\\u{202e}</code>");
    }
}
