//! Plain text pages: titles, headings, paragraphs and lists, wrapped at [`WIDTH`] columns.

/// The widest line, in columns.
pub(super) const WIDTH: usize = 100;
/// Columns before the text under a heading.
const INDENT: usize = 2;
/// The widest label that stands beside its text; a wider one stands on a line of its own.
const WIDEST_LABEL: usize = 12;

/// A page being written, from top to bottom.
pub(super) struct Page {
    text: String,
}

impl Page {
    /// A page that begins with its title.
    pub(super) fn new(title: &str) -> Self {
        let mut page = Self { text: String::with_capacity(4_096) };
        page.wrap("", 0, title);
        page
    }

    /// Text below the title, before the first heading.
    pub(super) fn lead(&mut self, text: &str) {
        self.text.push('\n');
        self.wrap("", 0, text);
    }

    /// A heading, parted from what stands before it by a blank line.
    pub(super) fn heading(&mut self, text: &str) {
        self.text.push('\n');
        self.wrap("", 0, text);
    }

    /// Indented paragraphs with blank lines between them.
    pub(super) fn paragraphs<'a>(&mut self, paragraphs: impl IntoIterator<Item = &'a str>) {
        for (index, paragraph) in paragraphs.into_iter().enumerate() {
            if index > 0 {
                self.text.push('\n');
            }
            self.wrap(&" ".repeat(INDENT), INDENT, paragraph);
        }
    }

    /// A list, one item after the other.
    pub(super) fn items<'a>(&mut self, items: impl IntoIterator<Item = &'a str>) {
        for item in items {
            self.wrap("  - ", INDENT + 2, item);
        }
    }

    /// Text beside its label, which fills at least `label_width` columns; below the label when that is too wide.
    pub(super) fn labelled(&mut self, label: &str, label_width: usize, text: &str) {
        if label_width > WIDEST_LABEL {
            self.wrap(&" ".repeat(INDENT), INDENT, label);
            self.wrap(&" ".repeat(INDENT + 2), INDENT + 2, text);
        } else {
            let first = format!("{:INDENT$}{label:label_width$}  ", "");
            self.wrap(&first, INDENT + label_width + 2, text);
        }
    }

    /// The whole text; it ends with a line end.
    pub(super) fn finish(self) -> String {
        self.text
    }

    /// Writes the words of `text`: `first` begins the first line, `hanging` blanks begin the others. A word that fits
    /// on no line stands alone. A number keeps its unit beside it, and an RFC its number.
    fn wrap(&mut self, first: &str, hanging: usize, text: &str) {
        self.text.push_str(first);
        let mut column = first.chars().count();
        let mut at_start = true;
        let mut words = text.split_whitespace().peekable();
        while let Some(word) = words.next() {
            let width = word.chars().count();
            if !at_start {
                let follower = words.peek().filter(|next| stay_together(word, next));
                let kept = follower.map_or(0, |next| next.chars().count().saturating_add(1));
                if column.saturating_add(width).saturating_add(kept) < WIDTH {
                    self.text.push(' ');
                    column += 1;
                } else {
                    self.text.push('\n');
                    self.text.extend(std::iter::repeat_n(' ', hanging));
                    column = hanging;
                }
            }
            self.text.push_str(word);
            column = column.saturating_add(width);
            at_start = false;
        }
        let end = self.text.trim_end_matches(' ').len();
        self.text.truncate(end);
        self.text.push('\n');
    }
}

/// Whether a line end between two words would part a number from its unit, or an RFC from its number.
fn stay_together(word: &str, next: &str) -> bool {
    let unit = next.trim_end_matches(|letter: char| letter.is_ascii_punctuation());
    word == "RFC" || (word.ends_with(|last: char| last.is_ascii_digit()) && matches!(unit, "s" | "ms"))
}

/// The paragraphs of a text, which are parted by blank lines.
pub(super) fn paragraphs_of(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty())
}

/// The width of the widest label, in columns.
pub(super) fn widest<'a>(labels: impl IntoIterator<Item = &'a str>) -> usize {
    labels.into_iter().map(|label| label.chars().count()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_hang_under_their_label() {
        let mut page = Page::new("Title");
        page.heading("Heading");
        page.labelled("301", 3, &"word ".repeat(30));
        let text = page.finish();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..3], ["Title", "", "Heading"]);
        assert!(lines[3].starts_with("  301  word word"));
        assert!(lines[4].starts_with("       word word"));
    }

    #[test]
    fn a_line_may_be_exactly_as_wide_as_the_page() {
        let page = Page::new(&format!("{} {} x", "a".repeat(49), "b".repeat(50)));
        assert_eq!(page.finish().lines().map(str::len).collect::<Vec<_>>(), [100, 1]);
    }

    #[test]
    fn a_number_keeps_its_unit() {
        for (pair, last) in [("90 s.", "90 s."), ("RFC 4028", "RFC 4028"), ("90 seconds", "seconds")] {
            let page = Page::new(&format!("{} {pair}", "a".repeat(96)));
            assert_eq!(page.finish().lines().last(), Some(last), "{pair}");
        }
    }

    #[test]
    fn a_wide_label_stands_above_its_text() {
        let mut page = Page::new("t");
        page.labelled("redirect-not-followed", 21, "text");
        assert_eq!(page.finish(), "t\n  redirect-not-followed\n    text\n");
    }

    #[test]
    fn a_word_wider_than_the_page_stands_alone() {
        let page = Page::new(&format!("a {} b", "x".repeat(200)));
        assert_eq!(page.finish().lines().map(str::len).collect::<Vec<_>>(), [1, 200, 1]);
    }

    #[test]
    fn empty_text_leaves_no_trailing_blanks() {
        let mut page = Page::new("t");
        page.labelled("301", 3, " ");
        assert_eq!(page.finish(), "t\n  301\n");
    }

    #[test]
    fn blank_lines_part_paragraphs() {
        assert_eq!(paragraphs_of("a\nb\n\n\n c\n").collect::<Vec<_>>(), ["a\nb", "c"]);
        assert_eq!(paragraphs_of("").count(), 0);
    }

    proptest! {
        #[test]
        fn wrapping_keeps_the_words_and_the_width(words in prop::collection::vec("[a-zé≥-]{1,20}", 1..80)) {
            let mut page = Page::new("t");
            page.items([words.join("  ").as_str()]);
            let text = page.finish();
            prop_assert!(text.lines().all(|line| line.chars().count() <= WIDTH));
            let back: Vec<&str> = text.split_whitespace().skip(2).collect();
            prop_assert_eq!(back, words);
        }
    }
}
