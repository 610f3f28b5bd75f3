//! One record type's file, and opening it.

use std::fs::File;
use std::path::PathBuf;
use std::time::SystemTime;

use lockstep_model::Path;

use super::csv::Header;
use super::edit::Shape;
use super::encoding::{Encoding, Source};
use super::moments::Form;
use super::rows::Rows;
use super::stamp::Stamp;
use crate::Trouble;
use crate::mark::Mark;

/// The file that holds a record type.
#[derive(Debug)]
pub(super) struct Table {
    pub kind: String,
    pub path: PathBuf,
    /// The folder of the system, which the file must not lead out of.
    pub folder: PathBuf,
    /// Why the record type can't be worked with whatever the file holds.
    pub refused: Option<Trouble>,
    /// Unless a byte order mark says another.
    pub encoding: Encoding,
    /// The path as messages name it: from the project's folder.
    pub place: String,
    pub is_csv: bool,
    /// What separates the cells, where the settings say it.
    pub separator: Option<u8>,
    /// Whether numbers are written with a decimal comma in its cells.
    pub decimal_comma: bool,
    pub id: Path,
    /// What the id is made of besides.
    pub id_rest: Vec<Path>,
    /// The property that tells when a record was last changed.
    pub modified: Option<Path>,
    /// The properties that have a time of their own, each with where it is.
    pub times: Vec<(Path, Path)>,
    /// What says that a record is deleted (D3).
    pub mark: Option<Mark>,
    pub shape: Shape,
    /// How that time is written, where a record does not show it.
    pub form: Option<Form>,
}

/// A file opened for reading, the first row of a CSV file read.
pub(super) struct Opened {
    pub rows: Rows<Source>,
    pub stamp: Stamp,
    pub header: Option<Header>,
    /// The bytes of the first row of a CSV file.
    pub header_raw: Vec<u8>,
}

impl Table {
    /// What a record's id is made of.
    pub(super) fn key(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(&self.id).chain(&self.id_rest)
    }

    /// Whether a column's numbers have a decimal comma. An id is no number.
    pub(super) fn has_decimal_comma(&self, column: &Path) -> bool {
        self.decimal_comma && self.key().all(|id| id != column)
    }

    /// How cells become values, as a number that differs when it does: what a row of a CSV file
    /// says depends on its first row. 0 for JSON Lines.
    pub(super) fn layout(&self, header: Option<&Header>) -> u64 {
        header.map_or(0, |header| header.layout() ^ u64::from(self.decimal_comma))
    }

    /// Opens the file. Where it was changed this very moment it waits until a further change would
    /// show in the stamp.
    pub(super) fn open(&self) -> Result<Opened, Trouble> {
        let opened = self.open_as_it_is()?;
        if let Some(header) = &opened.header {
            self.has_its_columns(header)?;
        }
        Ok(opened)
    }

    /// The same, whatever columns it has.
    pub(super) fn open_as_it_is(&self) -> Result<Opened, Trouble> {
        let stamp = self.stamp()?;
        let wait = stamp.unsettled_for(SystemTime::now());
        // Only file systems that count whole seconds make it longer; then the caller has to live
        // with the doubt.
        if !wait.is_zero() && wait.as_millis() < 100 {
            std::thread::sleep(wait);
        }
        let file = File::open(self.resolved()?).map_err(|error| self.trouble(&error))?;
        let stamp = Stamp::of(&file.metadata().map_err(|error| self.trouble(&error))?);
        let source = Source::new(file, self.encoding).map_err(|error| self.trouble(&error))?;
        let encoding = source.encoding();
        let mut rows = Rows::lines(source);
        let (mut header, mut header_raw) = (None, Vec::new());
        if self.is_csv {
            let first = rows.header().map_err(|error| self.trouble(&error))?;
            if let Some(row) = &first {
                self.is_text(row, encoding)?;
                self.has_its_quotes(row, 0, 1)?;
            }
            let row = first.as_ref().map_or(&[][..], |row| row.text);
            if let (None, Some((one, other))) = (self.separator, Header::tie(row)) {
                return Err(Trouble::Malformed(format!(
                    "{}: the first row has as many {one:?} as {other:?}, so it does not tell what separates the cells: nothing of the file \
                     is taken or written. Say `separator` in the system's settings, or put quotes around the names",
                    self.place
                )));
            }
            let parsed = self
                .separator
                .map_or_else(|| Header::parse(row), |separator| Header::separated(row, separator));
            header_raw.extend_from_slice(first.map_or(&[], |row| row.raw));
            rows = rows.with_cells(parsed.delimiter);
            header = Some(parsed);
        }
        Ok(Opened { rows, stamp, header, header_raw })
    }

    /// R8: the columns without which no row can be understood, each once.
    fn has_its_columns(&self, header: &Header) -> Result<(), Trouble> {
        if let Some(id) = self.key().find(|id| header.column(id.as_str()).is_none()) {
            return Err(Trouble::Malformed(format!(
                "{}: the first row names no column `{}`, which holds the ids (columns: {}); add it, or name another with `id:` \
                 in the system's settings",
                self.place,
                id,
                header.names.join(", ")
            )));
        }
        if let Some(mark) = self.mark.as_ref().filter(|mark| header.column(&mark.at).is_none()) {
            // D3: without it the deleted would all come back.
            return Err(Trouble::Malformed(format!(
                "{}: the first row names no column `{}`, by which `deleted` tells what is deleted: nothing of the file is taken or \
                 written. Add it, or correct `deleted` (columns: {})",
                self.place,
                mark.at,
                header.names.join(", ")
            )));
        }
        if let Some(name) = header.repeated() {
            // Which of the two is meant can't be told.
            return Err(Trouble::Malformed(format!(
                "{}: the first row names the column `{name}` more than once: nothing of the file is taken or written before each \
                 column has a name of its own",
                self.place
            )));
        }
        Ok(())
    }

    /// An opened file that was read from, from its first record on.
    pub(super) fn again(&self, opened: Opened) -> Result<Opened, Trouble> {
        let Opened { rows, stamp, header, header_raw } = opened;
        let mut source = rows.into_source();
        source.rewind().map_err(|error| self.trouble(&error))?;
        let mut rows = Rows::lines(source);
        if let Some(header) = &header {
            rows.header().map_err(|error| self.trouble(&error))?;
            rows = rows.with_cells(header.delimiter);
        }
        Ok(Opened { rows, stamp, header, header_raw })
    }

    /// The file itself, where its name is a link. A link that leads out of the folder is not
    /// followed: whoever may put a file into the folder would read and replace any other by it.
    pub(super) fn resolved(&self) -> Result<PathBuf, Trouble> {
        if let Some(trouble) = &self.refused {
            return Err(trouble.clone());
        }
        let trouble = |error: std::io::Error| self.trouble(&error);
        let path = std::fs::canonicalize(&self.path).map_err(trouble)?;
        let folder = std::fs::canonicalize(&self.folder).map_err(trouble)?;
        if !path.starts_with(&folder) {
            return Err(Trouble::Malformed(format!(
                "{} is a link that leads out of the folder: it is neither read nor written. Put the file itself there, or name its own \
                 folder in the system's settings",
                self.place
            )));
        }
        if !std::fs::metadata(&path).map_err(trouble)?.is_file() {
            return Err(Trouble::Malformed(format!("{} is no file", self.place)));
        }
        Ok(path)
    }

    /// The file's stamp now.
    pub(super) fn stamp(&self) -> Result<Stamp, Trouble> {
        std::fs::metadata(self.resolved()?)
            .map(|metadata| Stamp::of(&metadata))
            .map_err(|error| self.trouble(&error))
    }

    /// What an error of the file system means.
    pub(super) fn trouble(&self, error: &std::io::Error) -> Trouble {
        match error.kind() {
            std::io::ErrorKind::NotFound => Trouble::Unreachable(format!(
                "{} is not there any more: put it back, or make an empty file of that name if there are no records",
                self.place
            )),
            std::io::ErrorKind::InvalidData => Trouble::Malformed(format!(
                "{}: {error}; nothing of the file is taken or written",
                self.place
            )),
            _ => Trouble::Unreachable(format!("{}: {error}", self.place)),
        }
    }
}
