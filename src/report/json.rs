//! JSON: laid out for people, or in one line. Items are rendered in parallel and written in order.

use std::io::{self, Write};

use rayon::prelude::*;
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::{Spacing, View, model};

/// Items that one task renders.
const ITEMS_PER_TASK: usize = 32;
/// Tasks whose results are held at once: so few that what they give is written before it has gone from the caches.
const TASKS_AT_ONCE: usize = 8;

/// The whole report: with a line for each field, and for each message, contact or piece of evidence; or in one line.
pub(super) fn write(view: &View<'_>, spacing: Spacing, out: &mut dyn Write) -> io::Result<()> {
    Writer { out, spacing, first: true }.report(view)
}

/// Writes the fields of a report one by one.
struct Writer<'w> {
    out: &'w mut dyn Write,
    spacing: Spacing,
    first: bool,
}

impl Writer<'_> {
    fn report(mut self, view: &View<'_>) -> io::Result<()> {
        self.out.write_all(b"{")?;
        self.field("schema_version", &model::SCHEMA_VERSION)?;
        self.field("generator", &view.generator())?;
        self.field("inputs", &view.inputs())?;
        self.field("summary", &view.summary())?;
        self.list("redirects", view.redirects(), &|index| view.redirect(index))?;
        self.list("negotiations", view.negotiations(), &|index| view.negotiation(index))?;
        self.field("address_updates", &view.address_updates())?;
        self.field("interval_requirements", &view.interval_requirements())?;
        self.list("findings", view.findings(), &|index| view.finding(index))?;
        self.list("dialogs", view.dialogs(), &|index| view.dialog(index))?;
        self.field("capture_quality", &view.capture_quality())?;
        self.spacing.new_line(self.out, 0)?;
        self.out.write_all(b"}\n")
    }

    fn name(&mut self, name: &str) -> io::Result<()> {
        if !std::mem::take(&mut self.first) {
            self.out.write_all(b",")?;
        }
        self.spacing.new_line(self.out, 1)?;
        write!(self.out, "\"{name}\"{}", self.spacing.colon())
    }

    fn field<T: Serialize>(&mut self, name: &str, value: &T) -> io::Result<()> {
        self.name(name)?;
        let mut bytes = Vec::new();
        render(value, self.spacing, 1, &mut bytes)?;
        self.out.write_all(&bytes)
    }

    fn list<T: Serialize>(
        &mut self,
        name: &str,
        count: usize,
        item: &(dyn Fn(usize) -> Option<T> + Sync),
    ) -> io::Result<()> {
        self.name(name)?;
        self.out.write_all(b"[")?;
        let spacing = self.spacing;
        let task = |task: usize, bytes: &mut Vec<u8>| {
            let first = task.saturating_mul(ITEMS_PER_TASK);
            bytes.clear();
            for index in first..first.saturating_add(ITEMS_PER_TASK).min(count) {
                let Some(item) = item(index) else { continue };
                bytes.extend_from_slice(if index == 0 { b"" } else { b"," });
                spacing.new_line(bytes, 2)?;
                render(&item, spacing, 2, bytes)?;
            }
            io::Result::Ok(())
        };
        let render = |start: usize, buffers: &mut Vec<Vec<u8>>| {
            let tasks = buffers.par_iter_mut().enumerate();
            tasks.map(|(at, bytes)| task(start.saturating_add(at), bytes)).collect::<io::Result<()>>()
        };
        let (mut rendered, mut next) = (vec![Vec::new(); TASKS_AT_ONCE], vec![Vec::new(); TASKS_AT_ONCE]);
        render(0, &mut rendered)?;
        for start in (0..count.div_ceil(ITEMS_PER_TASK)).step_by(TASKS_AT_ONCE) {
            // While some are written the next are rendered.
            let mut result = Ok(());
            rayon::in_place_scope(|scope| {
                scope.spawn(|_| result = render(start.saturating_add(TASKS_AT_ONCE), &mut next));
                rendered.iter().try_for_each(|bytes| self.out.write_all(bytes))
            })?;
            result?;
            std::mem::swap(&mut rendered, &mut next);
        }
        if count > 0 {
            self.spacing.new_line(self.out, 1)?;
        }
        self.out.write_all(b"]")
    }
}

fn render<T: Serialize>(value: &T, spacing: Spacing, depth: usize, bytes: &mut Vec<u8>) -> io::Result<()> {
    let layout = Layout { spacing, depth, is_filled: false };
    Ok(value.serialize(&mut Serializer::with_formatter(bytes, layout))?)
}

impl Spacing {
    fn new_line<W: Write + ?Sized>(self, out: &mut W, depth: usize) -> io::Result<()> {
        if self == Self::Compact {
            return Ok(());
        }
        out.write_all(b"\n")?;
        (0..depth).try_for_each(|_| out.write_all(b"  "))
    }

    const fn colon(self) -> &'static str {
        match self {
            Self::Wide => ": ",
            Self::Compact => ":",
        }
    }
}

/// The layout: down to the fields of an item and the elements of its lists each has a line, what is deeper shares one.
#[derive(Debug)]
struct Layout {
    spacing: Spacing,
    /// How many objects and arrays are open, the report itself counted.
    depth: usize,
    /// Whether the innermost of them has a value.
    is_filled: bool,
}

/// Objects open from this depth on share a line.
const SHALLOWEST_OBJECT_IN_LINE: usize = 4;
/// Arrays open from this depth on share a line.
const SHALLOWEST_ARRAY_IN_LINE: usize = 5;

impl Layout {
    fn separate<W: Write + ?Sized>(&self, out: &mut W, first: bool, in_line_from: usize) -> io::Result<()> {
        if !first {
            out.write_all(b",")?;
        }
        if self.depth < in_line_from {
            return self.spacing.new_line(out, self.depth);
        }
        if first || self.spacing == Spacing::Compact { Ok(()) } else { out.write_all(b" ") }
    }

    fn close<W: Write + ?Sized>(&mut self, out: &mut W, bracket: &[u8], in_line_from: usize) -> io::Result<()> {
        let has_lines = self.is_filled && self.depth < in_line_from;
        self.depth = self.depth.saturating_sub(1);
        self.is_filled = true;
        if has_lines {
            self.spacing.new_line(out, self.depth)?;
        }
        out.write_all(bracket)
    }

    fn open(&mut self) {
        self.depth = self.depth.saturating_add(1);
        self.is_filled = false;
    }
}

impl Formatter for Layout {
    fn begin_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.open();
        out.write_all(b"[")
    }

    fn end_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"]", SHALLOWEST_ARRAY_IN_LINE)
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.separate(out, first, SHALLOWEST_ARRAY_IN_LINE)
    }

    fn end_array_value<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.is_filled = true;
        Ok(())
    }

    fn begin_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.open();
        out.write_all(b"{")
    }

    fn end_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"}", SHALLOWEST_OBJECT_IN_LINE)
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.separate(out, first, SHALLOWEST_OBJECT_IN_LINE)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(self.spacing.colon().as_bytes())
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.is_filled = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn laid_out(value: &serde_json::Value, spacing: Spacing) -> String {
        let mut bytes = Vec::new();
        render(value, spacing, 2, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn an_item_has_a_line_for_each_field_and_element() {
        let item = json!({"a": 1, "b": {"x": 1, "y": [1, 2]}, "c": [{"p": [{}]}, {"p": []}], "d": [], "e": {}});
        let lines = "{\n      \"a\": 1,\n      \"b\": {\"x\": 1, \"y\": [1, 2]},\n      \"c\": [\n        {\"p\": [{}]},\n        {\"p\": []}\n      ],\n      \"d\": [],\n      \"e\": {}\n    }";
        assert_eq!(laid_out(&item, Spacing::Wide), lines);
        assert_eq!(laid_out(&item, Spacing::Compact), item.to_string());
    }

    #[test]
    fn a_report_of_nothing_is_written_as_it_is_built() {
        let analysis = crate::analysis::Analysis::default();
        let built = serde_json::to_value(super::super::build(&analysis)).unwrap();
        for spacing in [Spacing::Wide, Spacing::Compact] {
            let mut bytes = Vec::new();
            write(&View::new(&analysis), spacing, &mut bytes).unwrap();
            assert_eq!(serde_json::from_slice::<serde_json::Value>(&bytes).unwrap(), built);
        }
    }
}
