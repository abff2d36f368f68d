//! HTML: one page that needs nothing else, for a browser, a screen reader and paper. It loads nothing, and nothing from the
//! network becomes more than text in it.

mod calls;
mod moves;
mod negotiations;
mod parts;
mod quality;
mod redirects;
mod summary;
mod timeline;

use std::io::{self, Write};

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::ladder::{Calls, STYLE as LADDER_STYLE};
use super::{Spacing, View};
use parts::{dots, shown};

/// Rows of one table. Browsers sort and filter so many at once without a pause that one feels.
const MAX_ROWS: usize = 10_000;
/// Calls that are drawn. A ladder takes some 20 KB of the page.
const MAX_CALLS: usize = 2_000;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// SHA-256 of the style of the page and of its script, in base64: nothing else is allowed to style or to run.
const STYLE_HASH: &str = "hQ9BEFJ6CvbtXhZj1z3W4DlBZqWskbYRyuEatumsdvY=";
const SCRIPT_HASH: &str = "swFuBHd7JE6qnDz9GWpO/mtSldTw/TQlAJQpeSRnP7E=";

/// Writes the page part by part.
pub(super) fn write(view: &View<'_>, _: Spacing, out: &mut dyn Write) -> io::Result<()> {
    let calls = Calls::of(view.analysis());
    let page = Page { view, drawn: calls::chosen(&calls), calls };
    let mut put = |part: Markup| out.write_all(part.into_string().as_bytes());
    put(page.head())?;
    put(summary::summary(&page))?;
    put(timeline::timeline(view))?;
    page.findings(out)?;
    page.changes(out)?;
    page.redirects(out)?;
    page.moves(out)?;
    page.negotiations(out)?;
    page.drawn_calls(out)?;
    let mut put = |part: Markup| out.write_all(part.into_string().as_bytes());
    put(quality::quality(&page))?;
    put(page.foot())
}

/// What the parts of the page are made from.
struct Page<'v, 'a> {
    view: &'v View<'a>,
    calls: Calls<'a>,
    /// For each call whether it is drawn.
    drawn: Vec<bool>,
}

impl Page<'_, '_> {
    /// A link to the ladder of a call, if it is on the page.
    fn call_link(&self, call_id: &[u8]) -> Markup {
        let drawn = self.calls.place(call_id).filter(|at| self.drawn.get(*at).copied().unwrap_or(false));
        let anchor = drawn.and_then(|at| self.calls.all().get(at)).map(super::ladder::Call::anchor);
        html! {
            @if let Some(anchor) = anchor { a.go href={ "#" (anchor) } { "ladder" } }
        }
    }

    /// The cell that says when, and in which call.
    fn moment(&self, time: &str, call: &[u8], call_id: &str) -> Markup {
        html! {
            td.moment {
                (parts::time(self.view, time))
                div { (self.call_link(call)) span.callid { (shown(call_id)) } }
            }
        }
    }

    fn head(&self) -> Markup {
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{STYLE_HASH}'; script-src 'sha256-{SCRIPT_HASH}'; base-uri 'none'; form-action 'none'"
        );
        let inputs = self.view.inputs();
        let name = match inputs.as_slice() {
            [one] => one.path.clone(),
            many => format!("{} captures", many.len()),
        };
        html! {
            (DOCTYPE)
            (PreEscaped("<html lang=\"en\">"))
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width,initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="color-scheme" content="light dark";
                title { "reinvite: " (shown(&name)) }
                style { (PreEscaped(LADDER_STYLE)) (PreEscaped(STYLE)) }
                script { (PreEscaped(SCRIPT)) }
            }
            (PreEscaped("<body>"))
            a.skip href="#findings" { "Skip to the findings" }
            header.top {
                div.brand {
                    h1 { "reinvite" }
                    p { (shown(&name)) }
                }
                search {
                    input #q type="search" autocomplete="off" spellcheck="false"
                        placeholder="Filter by Call-ID, URI, address, rule \u{2026}" aria-label="Filter everything on this page";
                }
                nav aria-label="Sections" {
                    @for (anchor, name) in [
                        ("summary", "Summary"), ("findings", "Findings"), ("changes", "To change"), ("redirects", "Redirects"),
                        ("moves", "Who moved"), ("negotiations", "422"), ("calls", "Calls"), ("quality", "Not looked at"),
                    ] { a href={ "#" (anchor) } { (name) } }
                }
            }
            (PreEscaped("<main>"))
        }
    }

    fn foot(&self) -> Markup {
        let generator = self.view.generator();
        html! {
            (PreEscaped("</main>"))
            footer {
                p {
                    "Written by " (generator.name) " " (generator.version) ". Times are UTC. Frames are numbered as Wireshark numbers them. "
                    "This page holds what it shows and loads nothing."
                }
            }
            (PreEscaped("</body></html>\n"))
        }
    }

    /// A table with its tools; rows are written one by one.
    fn table(&self, table: &Table<'_>, out: &mut dyn Write) -> io::Result<()> {
        let head = html! {
            h2 id={ (table.id) "-title" } { (table.title) " " span.total { (dots(table.count)) } }
            p.lead { (table.lead) }
            @if table.count > 0 {
                div.tools {
                    @for (facet, name, values) in table.facets {
                        label { (name) " "
                            select data-facet=(facet) {
                                option value="" { "all" }
                                @for value in *values { option value=(value) { (value.replace('_', " ")) } }
                            }
                        }
                    }
                    span.count role="status" {}
                }
            }
        };
        write!(out, "<section id=\"{}\" data-list>{}", table.id, head.into_string())?;
        if table.count > 0 {
            let columns = html! {
                thead { tr {
                    @for (name, kind) in table.columns {
                        th.by[!kind.is_empty()] scope="col" {
                            @if kind.is_empty() { (name) } @else { button type="button" data-sort=(kind) { (name) } }
                        }
                    }
                } }
            };
            write!(
                out,
                "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-labelledby=\"{0}-title\"><table aria-labelledby=\"{0}-title\">{1}<tbody>",
                table.id,
                columns.into_string()
            )?;
            for index in 0..table.count.min(MAX_ROWS) {
                out.write_all((table.row)(index).into_string().as_bytes())?;
            }
            out.write_all(b"</tbody></table></div>")?;
            let more = html! {
                button.more type="button" hidden { "Show more" }
                @if table.count > MAX_ROWS {
                    p.cut { (dots(table.count - MAX_ROWS)) " further rows are not on this page; the JSON report has all." }
                }
            };
            out.write_all(more.into_string().as_bytes())?;
        }
        out.write_all(b"</section>")
    }
}

/// A filter of a table: its name in rows, its name for people, the values there are.
type Facet<'t> = (&'t str, &'t str, &'t [&'t str]);

/// A table to be written.
struct Table<'t> {
    id: &'t str,
    title: &'t str,
    lead: &'t str,
    count: usize,
    facets: &'t [Facet<'t>],
    /// Name, and how it is sorted: `n` by number, `t` by text, nothing: not at all.
    columns: &'t [(&'t str, &'t str)],
    row: &'t dyn Fn(usize) -> Markup,
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_policy_allows_the_style_and_script_there_are() {
        let hash = |text: &str| base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text));
        assert_eq!(STYLE_HASH, hash(&format!("{LADDER_STYLE}{STYLE}")));
        assert_eq!(SCRIPT_HASH, hash(SCRIPT));
    }

    #[test]
    fn a_page_of_nothing_is_whole() {
        let analysis = crate::analysis::Analysis::default();
        let mut bytes = Vec::new();
        write(&View::new(&analysis), Spacing::Wide, &mut bytes).unwrap();
        let page = String::from_utf8(bytes).unwrap();
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    }
}
