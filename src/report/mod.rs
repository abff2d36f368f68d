//! Reports: an analysis as bytes. Knows nothing of how it was found.

mod build;
mod csv;
pub mod diff;
pub mod earlier;
mod escape;
mod html;
mod inputs;
mod json;
mod junit;
pub mod ladder;
pub mod model;
mod names;
mod ndjson;
#[cfg(feature = "parquet")]
mod parquet;
mod prometheus;
mod quality;
pub mod schema;
mod summary;
mod tables;
mod text;

use std::io::{self, Write};

pub use build::{View, build};
pub use escape::visible;

/// A form in which a report can be written.
#[derive(Clone, Copy)]
pub struct Format {
    /// Its name, as `--format` takes it.
    pub name: &'static str,
    /// The ending of file names that picks it.
    pub ending: &'static str,
    /// What it is for.
    pub summary: &'static str,
    /// How it is written to a terminal that shows colours, if that is another way.
    pub coloured: Option<WritePart>,
    /// How it is written while the input is still read, if it can be; its file is written in place then, so that it can be followed.
    pub live: Option<Live>,
    /// Whether it quotes messages as they are on the wire.
    pub quotes: bool,
    /// Writes a report.
    pub write: fn(&View<'_>, Spacing, &mut dyn Write) -> io::Result<()>,
}

/// Writes a report, or a part of it, in the one way there is.
pub type WritePart = fn(&View<'_>, &mut dyn Write) -> io::Result<()>;

/// How a report is written piece by piece.
#[derive(Clone, Copy, Debug)]
pub struct Live {
    /// Writes results that are settled.
    pub results: WritePart,
    /// Writes what comes behind all results.
    pub end: WritePart,
}

impl std::fmt::Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// How much room a format takes that can do with less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spacing {
    /// Lines and spaces for people.
    #[default]
    Wide,
    /// As few bytes as possible: JSON in one line.
    Compact,
}

/// All formats.
pub const FORMATS: &[Format] = &[
    Format {
        name: "json",
        ending: ".json",
        summary: "the whole report",
        live: None,
        quotes: false,
        write: json::write,
        coloured: None,
    },
    Format {
        name: "ndjson",
        ending: ".ndjson",
        summary: "an object a line, in ECS form",
        live: Some(Live { results: ndjson::results, end: ndjson::end }),
        quotes: false,
        write: ndjson::write,
        coloured: None,
    },
    Format {
        name: "text",
        ending: ".txt",
        summary: "for people, in 100 columns",
        live: None,
        quotes: false,
        write: text::write,
        coloured: Some(text::write_coloured),
    },
    Format {
        name: "html",
        ending: ".html",
        summary: "one page for a browser, with the ladder of each call",
        live: None,
        quotes: true,
        write: html::write,
        coloured: None,
    },
    Format {
        name: "junit",
        ending: ".junit.xml",
        summary: "a test case for each rule",
        live: None,
        quotes: false,
        write: junit::write,
        coloured: None,
    },
    Format {
        name: "prometheus",
        ending: ".prom",
        summary: "counts for the textfile collector",
        live: None,
        quotes: false,
        write: prometheus::write,
        coloured: None,
    },
];

/// A form in which a report is a folder of files, one for each table.
#[derive(Clone, Copy, Debug)]
pub struct FolderFormat {
    /// Its name, as `--format` takes it.
    pub name: &'static str,
    /// The files.
    pub sections: &'static [Section],
}

/// A table as a file.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// The name of the file.
    pub file: &'static str,
    /// Writes it.
    pub write: fn(&View<'_>, &mut (dyn Write + Send)) -> io::Result<()>,
}

/// All forms of folders; the first one is that of a folder of which nothing else is said.
pub const FOLDER_FORMATS: &[FolderFormat] = &[
    FolderFormat { name: "csv", sections: csv::SECTIONS },
    #[cfg(feature = "parquet")]
    FolderFormat { name: "parquet", sections: parquet::SECTIONS },
];

/// The format of that name.
pub fn by_name(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// The format that the ending of a file name picks: the longest that fits.
pub fn by_ending(path: &str) -> Option<&'static Format> {
    FORMATS.iter().filter(|format| path.ends_with(format.ending)).max_by_key(|format| format.ending.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_endings_are_unique() {
        for (index, format) in FORMATS.iter().enumerate() {
            let others = || FORMATS.iter().skip(index + 1);
            assert!(others().all(|other| other.name != format.name && other.ending != format.ending));
            assert_eq!(by_name(format.name).map(|found| found.name), Some(format.name));
            assert!(!format.summary.is_empty());
        }
        assert_eq!(by_ending("a.json").map(|format| format.name), Some("json"));
        assert!(by_ending("a.pcap").is_none());
    }
}
