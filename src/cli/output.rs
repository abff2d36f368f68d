//! Where reports go: files that appear whole or not at all, and standard output.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use reinvite::error::Error;
use reinvite::report::{
    FOLDER_FORMATS, FORMATS, FolderFormat, Format, Live, Section, Spacing, View, by_ending, by_name,
};

use super::Exit;

/// A place for a report, open before the run so that a bad path is known at once.
#[derive(Debug)]
pub(super) enum Output {
    /// Standard output.
    Standard(&'static Format),
    /// A file, written beside its place and moved there when it is whole.
    File { place: PathBuf, draft: PathBuf, file: File, format: &'static Format },
    /// A folder, with a file for each table.
    Folder(PathBuf, &'static FolderFormat),
}

impl Output {
    /// Opens the outputs that the command line names; standard output if it names none. If that cannot be, says why and
    /// whether the command line is at fault or the place; nothing is left behind then.
    pub(super) fn open(paths: &[PathBuf], format: Option<&str>, inputs: &[&Path]) -> Result<Vec<Self>, (Exit, String)> {
        let folder = FOLDER_FORMATS.iter().find(|folder| format.is_none_or(|name| name == folder.name));
        let default = match format {
            Some(name) if folder.is_none() => by_name(name),
            _ => FORMATS.first(),
        };
        let names = || {
            let files = FORMATS.iter().map(|format| format.name);
            files.chain(FOLDER_FORMATS.iter().map(|folder| folder.name)).collect::<Vec<_>>().join(", ")
        };
        let unknown = || (Exit::Unusable, format!("no format {}; there are: {}", format.unwrap_or(""), names()));
        let default = default.ok_or_else(unknown)?;
        if let (Some(name), Some(_)) = (format, folder)
            && !paths.iter().any(|path| is_folder(path))
        {
            return Err((
                Exit::Unusable,
                format!("{name} is a folder of files: name one with -o and a slash at its end"),
            ));
        }
        let folder = folder.or(FOLDER_FORMATS.first());
        if paths.is_empty() {
            return Ok(vec![Self::Standard(default)]);
        }
        let mut opened = Vec::with_capacity(paths.len());
        for (index, path) in paths.iter().enumerate() {
            let is_double = paths.iter().take(index).any(|other| other == path);
            let output = if is_double {
                Err((Exit::Unusable, format!("{}: named twice as an output", path.display())))
            } else {
                Self::open_one(path, (format.map(|_| default), default, folder), inputs)
            };
            match output {
                Ok(output) => opened.push(output),
                Err(refusal) => {
                    opened.into_iter().for_each(Self::abandon);
                    return Err(refusal);
                }
            }
        }
        Ok(opened)
    }

    fn open_one(
        path: &Path,
        (chosen, default, folder): (Option<&'static Format>, &'static Format, Option<&'static FolderFormat>),
        inputs: &[&Path],
    ) -> Result<Self, (Exit, String)> {
        if path == Path::new("-") {
            return Ok(Self::Standard(default));
        }
        let folder = folder.filter(|_| is_folder(path));
        let places = match folder {
            Some(folder) => folder.sections.iter().map(|section| path.join(section.file)).collect(),
            None => vec![path.to_owned()],
        };
        if let Some(place) = places.iter().find(|place| inputs.iter().any(|input| is_same_file(input, place))) {
            let text = format!("{}: is an input; name another file for the report", place.display());
            return Err((Exit::Unusable, text));
        }
        if let Some(folder) = folder {
            fs::create_dir_all(path).map_err(|problem| cannot_write(path, &problem))?;
            return Ok(Self::Folder(path.to_owned(), folder));
        }
        let by_name = path.to_str().and_then(by_ending);
        // A device or pipe has no ending to go by.
        let is_special = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir());
        let format = by_name.or(chosen).or_else(|| is_special.then_some(default)).ok_or_else(|| {
            let endings: Vec<&str> = FORMATS.iter().map(|format| format.ending).collect();
            let text = format!(
                "{}: cannot tell the format from this ending; use {}, / for a folder of CSV files, or --format",
                path.display(),
                endings.join(", ")
            );
            (Exit::Unusable, text)
        })?;
        if is_special || format.live.is_some() {
            // A device or pipe cannot be replaced, and what is followed while it grows must not be.
            let mut options = File::options();
            options.write(true).create(true).truncate(true);
            let file = options.open(path).map_err(|problem| cannot_write(path, &problem))?;
            return Ok(Self::File { place: path.to_owned(), draft: path.to_owned(), file, format });
        }
        let (place, draft, file) = draft(path).map_err(|problem| cannot_write(path, &problem))?;
        Ok(Self::File { place, draft, file, format })
    }

    /// Writes the report, or what comes behind the results that were [shown](Self::show). Nobody reading standard output any more is no
    /// failure.
    pub(super) fn write(self, report: &View<'_>, spacing: Spacing) -> Result<(), Error> {
        match self {
            Self::Standard(format) => {
                let mut out = BufWriter::new(io::stdout().lock());
                let written = match format.coloured.filter(|_| shows_colours()) {
                    Some(coloured) => coloured(report, &mut out),
                    None => write(format, report, spacing, &mut out),
                };
                match written.and_then(|()| out.flush()) {
                    Err(problem) if problem.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                    written => written.map_err(|source| Error::Write { path: "standard output".into(), source }),
                }
            }
            Self::File { place, draft, file, format } => {
                let mut out = BufWriter::new(file);
                let written = write(format, report, spacing, &mut out).and_then(|()| out.flush());
                let placed = written.and_then(|()| if draft == place { Ok(()) } else { fs::rename(&draft, &place) });
                placed.map_err(|source| {
                    discard(&draft, &place);
                    Error::Write { path: place.clone(), source }
                })
            }
            Self::Folder(place, folder) => {
                folder.sections.iter().try_for_each(|section| write_section(&place, section, report))
            }
        }
    }

    /// How it is written while the input is still read, if it is.
    pub(super) fn live(&self) -> Option<Live> {
        match self {
            Self::Standard(format) | Self::File { format, .. } => format.live,
            Self::Folder(..) => None,
        }
    }

    /// Writes results that are settled, at once.
    pub(super) fn show(&mut self, results: &[u8]) -> io::Result<()> {
        match self {
            Self::Standard(_) => {
                let mut out = io::stdout().lock();
                out.write_all(results).and_then(|()| out.flush())
            }
            Self::File { file, .. } => file.write_all(results),
            Self::Folder(..) => Ok(()),
        }
    }

    /// What is wrong, if writing failed. Nobody reading standard output any more is no failure.
    pub(super) fn failure(&self, problem: io::Error) -> Option<Error> {
        let path = match self {
            Self::Standard(_) if problem.kind() == io::ErrorKind::BrokenPipe => return None,
            Self::Standard(_) => "standard output".into(),
            Self::File { place, .. } => place.clone(),
            Self::Folder(place, _) => place.clone(),
        };
        Some(Error::Write { path, source: problem })
    }

    /// Whether messages are quoted in it as they are on the wire.
    pub(super) fn quotes(&self) -> bool {
        matches!(self, Self::Standard(format) | Self::File { format, .. } if format.quotes)
    }

    /// Leaves nothing behind.
    pub(super) fn abandon(self) {
        if let Self::File { place, draft, .. } = self {
            discard(&draft, &place);
        }
    }
}

/// Whether standard output is a terminal whose user has nothing against colours (no-color.org).
fn shows_colours() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal() && !refused
}

fn write(format: &Format, report: &View<'_>, spacing: Spacing, out: &mut dyn Write) -> io::Result<()> {
    match format.live {
        Some(live) => (live.end)(report, out),
        None => (format.write)(report, spacing, out),
    }
}

/// Whether a path names a folder for files: it ends in a slash, or a folder is there.
fn is_folder(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"/") || path.is_dir()
}

/// Writes a section beside its place and moves it there.
fn write_section(folder: &Path, section: &Section, report: &View<'_>) -> Result<(), Error> {
    let path = folder.join(section.file);
    let written = draft(&path).and_then(|(place, draft, file)| {
        let mut out = BufWriter::new(file);
        let written = (section.write)(report, &mut out).and_then(|()| out.flush());
        written.and_then(|()| fs::rename(&draft, &place)).inspect_err(|_| discard(&draft, &place))
    });
    written.map_err(|source| Error::Write { path, source })
}

/// The place that a path leads to, over symbolic links, and a new file beside it with the permissions of the one that is there.
pub(super) fn draft(path: &Path) -> io::Result<(PathBuf, PathBuf, File)> {
    let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let draft = place.with_file_name(name);
    let fresh = || File::options().write(true).create_new(true).open(&draft);
    let file = fresh().or_else(|problem| match problem.kind() {
        // Left behind by a process with our number, or put there for us to write through: neither is kept.
        io::ErrorKind::AlreadyExists => fs::remove_file(&draft).and_then(|()| fresh()),
        _ => Err(problem),
    })?;
    if let Ok(metadata) = fs::metadata(&place) {
        // A place that takes no permissions is no reason to write nothing.
        let _ = file.set_permissions(metadata.permissions());
    }
    Ok((place, draft, file))
}

pub(super) fn discard(draft: &Path, place: &Path) {
    if draft != place {
        // It may never have been made; there is nothing else to do about it.
        let _ = fs::remove_file(draft);
    }
}

pub(super) fn cannot_write(path: &Path, problem: &io::Error) -> (Exit, String) {
    (Exit::Unwritten, format!("{}: cannot be written: {problem}", path.display()))
}

/// Whether both paths lead to one existing file.
pub(super) fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}
