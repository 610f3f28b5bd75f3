//! Folders of files: one `.jsonl` (JSON Lines) or `.csv` file for each record type.
//!
//! `with: { folder: data, id: id, modified: updated, encoding: windows-1252 }`: the folder is
//! relative to the project's, `id` names the property that holds a record's id (`id` if not said),
//! `modified` the one that tells when it was last changed, if there is one, `encoding` what a file
//! is written in where it is not UTF-8 and no byte order mark says it. `tables` says what differs
//! for one file, and which mark tells its deleted records (D3).
//!
//! Where things are:
//! - `encoding`, `rows` and `csv`: files as rows of bytes; `table`: opening a file; `take`,
//!   `extract`: a row as a record; `revise`: a record as a row;
//! - `survey`, `sound`: what makes a whole file doubtful, before any of it is believed (R8);
//! - `listing`, `fingerprint`, `stamp`: reading in pages, and knowing what changed (R1, R2);
//!   `index`: reading single records;
//! - `replace`, `edit`, `splice`, `parts`, `ids`, `moments`: writing (P6, P9, C2);
//! - `sample`: what can be said of a file's records without a schema.
//!
//! It knows no flows. What it remembers of rows is in the checkpoint that the store keeps; which
//! files there were and which numbers were used as ids is in the project's folder `.lockstep`
//! (`remembered`, `crate::numbers`).

mod csv;
mod decimals;
mod distinct;
pub(crate) mod edit;
mod encoding;
mod extract;
mod fingerprint;
mod ids;
mod index;
mod listing;
mod members;
mod moments;
mod own;
mod parts;
mod remembered;
mod replace;
mod revise;
mod rows;
mod sample;
mod sound;
mod splice;
mod stamp;
mod survey;
mod table;
mod take;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use lockstep_model::flow::PropertyRef;
use lockstep_model::schema::KnownFrom;
use lockstep_model::{ReadRecord, TypeSchema, Value};
use serde::Deserialize;

use crate::key::Key;
use crate::mark::Mark;
use crate::modified::Modified;
use crate::numbers::Numbers;
use crate::{Answers, Connector, Outcome, Page, ReadRequest, Trouble, Write};
use csv::Header;
use encoding::Encoding;
use index::Index;
use listing::{Beginning, Listing, ReadToEnd};
use own::{Own, Part, Reader};
use sample::Sample;
use table::Table;

/// Batch size: a file is written as a whole, so large batches pay off; more would only take memory.
const WRITES_AT_ONCE: usize = 200_000;

/// Maximum number of looks for records in a file that is replaced meanwhile.
const LOOKS: usize = 5;

/// So many damaged rows of a file are named before it is worked with.
const ROWS_NAMED: usize = 3;

/// What stands under `with:`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    folder: String,
    #[serde(default = "usual_id")]
    id: String,
    #[serde(default)]
    modified: Option<String>,
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    encoding: Option<OfFiles>,
    #[serde(default)]
    tables: BTreeMap<String, OfTable>,
}

/// What differs for one file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfTable {
    #[serde(default)]
    id: Option<Key>,
    #[serde(default)]
    separator: Option<String>,
    #[serde(default)]
    decimal: Option<String>,
    #[serde(default)]
    modified: Option<Modified>,
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    encoding: Option<String>,
    #[serde(default)]
    deleted: Option<Mark>,
}

/// A setting for all files, or by record type.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum OfFiles {
    All(String),
    Each(BTreeMap<String, String>),
}

/// What separates cells.
fn separator(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        _ if text == "tab" => Ok(b'\t'),
        [byte] if !byte.is_ascii_alphanumeric() && !matches!(byte, b'"' | b'\r' | b'\n') => {
            Ok(*byte)
        }
        _ => Err(format!(
            "`separator: {text}` can't separate cells: it is one sign, such as `;`, `,` or `|`, or `tab`"
        )),
    }
}

fn usual_id() -> String {
    "id".into()
}

impl Settings {
    fn of(settings: &serde_json::Map<String, Value>) -> Result<Settings, Trouble> {
        let settings: Settings = serde_json::from_value(Value::Object(settings.clone())).map_err(|error| {
            Trouble::Misconfigured(format!(
                "{error}: the settings of a `files` system are `folder`, `id`, `modified`, `created`, `encoding` and `tables`"
            ))
        })?;
        let named = match &settings.encoding {
            None => vec![],
            Some(OfFiles::All(name)) => vec![name],
            Some(OfFiles::Each(names)) => names.values().collect(),
        };
        for name in named
            .into_iter()
            .chain(settings.tables.values().filter_map(|own| own.encoding.as_ref()))
        {
            Encoding::named(name).map_err(Trouble::Misconfigured)?;
        }
        for (kind, own) in &settings.tables {
            settings.sound(kind, own).map_err(|why| {
                Trouble::Misconfigured(format!("{why} (`tables: {{ {kind}: … }}`)"))
            })?;
        }
        Ok(settings)
    }

    /// What is wrong with the settings of one file whatever it holds (G10).
    fn sound(&self, kind: &str, own: &OfTable) -> Result<(), String> {
        if let (Some(_), Some(OfFiles::Each(names))) = (&own.encoding, &self.encoding)
            && names.contains_key(kind)
        {
            return Err(format!("`encoding` is said twice of {kind}: leave one of them out"));
        }
        if let Some(fault) =
            own.id.as_ref().and_then(Key::fault).or(own.modified.as_ref().and_then(Modified::fault))
        {
            return Err(fault);
        }
        own.separator
            .as_deref()
            .map_or(Ok(()), |separator| self::separator(separator).map(drop))?;
        if let Some(decimal) = own.decimal.as_ref().filter(|decimal| *decimal != ",") {
            return Err(format!(
                "`decimal: {decimal}` is none that is known: `decimal: \",\"` is for numbers such as 12,50; a point needs no word"
            ));
        }
        let taken = [("modified", self.modified(kind)), ("created", self.created(kind))];
        let taken = taken.into_iter().filter_map(|(word, column)| Some((column?, word)));
        let times = own
            .modified
            .iter()
            .flat_map(Modified::of_properties)
            .map(|(_, time)| (time, "modified"));
        let taken =
            self.key(kind).iter().map(|column| (column.as_str(), "id")).chain(taken).chain(times);
        own.deleted.as_ref().and_then(|mark| mark.fault(taken)).map_or(Ok(()), Err)
    }

    fn own(&self, kind: &str) -> Option<&OfTable> {
        self.tables.get(kind)
    }

    fn key(&self, kind: &str) -> &[String] {
        let own = self.own(kind).and_then(|own| own.id.as_ref());
        own.map_or(std::slice::from_ref(&self.id), Key::columns)
    }

    fn modified(&self, kind: &str) -> Option<&str> {
        self.own(kind)
            .and_then(|own| own.modified.as_ref()?.of_record())
            .or(self.modified.as_deref())
    }

    /// P1: properties with a time of their own.
    fn times(&self, kind: &str) -> Vec<(lockstep_model::Path, lockstep_model::Path)> {
        let own = self.own(kind).and_then(|own| own.modified.as_ref());
        own.into_iter()
            .flat_map(Modified::of_properties)
            .map(|(property, time)| (property.into(), time.into()))
            .collect()
    }

    fn created(&self, kind: &str) -> Option<&str> {
        self.own(kind).and_then(|own| own.created.as_deref()).or(self.created.as_deref())
    }

    fn mark(&self, kind: &str) -> Option<&Mark> {
        self.own(kind)?.deleted.as_ref()
    }

    /// The columns that the settings of this one file name, each with its setting.
    fn columns(&self, kind: &str) -> Vec<(&str, &'static str)> {
        let Some(own) = self.own(kind) else { return vec![] };
        let key = own.id.iter().flat_map(|key| key.columns()).map(|column| (column.as_str(), "id"));
        let times =
            own.modified.iter().flat_map(Modified::columns).map(|column| (column, "modified"));
        let key = key.chain(times);
        let named = [
            (own.created.as_deref(), "created"),
            (own.deleted.as_ref().map(|mark| mark.at.as_str()), "deleted"),
        ];
        key.chain(named.into_iter().filter_map(|(column, word)| Some((column?, word)))).collect()
    }

    fn encoding(&self, kind: &str) -> Encoding {
        let own = self.own(kind).and_then(|own| own.encoding.as_ref());
        let name = own.or(match &self.encoding {
            None => None,
            Some(OfFiles::All(name)) => Some(name),
            Some(OfFiles::Each(names)) => names.get(kind),
        });
        name.and_then(|name| Encoding::named(name).ok()).unwrap_or_default()
    }
}

/// A folder of files, connected.
pub struct FilesConnector {
    settings: Settings,
    schemas: Vec<TypeSchema>,
    /// In the order of the schemas.
    kinds: Vec<(Table, Mutex<State>)>,
    listings: AtomicU64,
    numbers: Numbers,
    /// Record types whose file could not be looked into when the folder was opened, and why.
    damages: Vec<(String, Trouble)>,
}

/// What is kept about a file while the process lives.
#[derive(Default)]
struct State {
    listing: Option<Listing>,
    /// The rows that this process wrote.
    own: Own,
    index: Option<Index>,
}

/// The record types of a folder of files, without connecting.
///
/// # Errors
/// Settings that are wrong, or a folder that can't be read.
pub fn schemas(
    settings: &serde_json::Map<String, Value>,
    project_dir: &Path,
) -> Result<Vec<TypeSchema>, Trouble> {
    FilesConnector::open(settings, project_dir).map(|connector| connector.schemas)
}

/// The record types that can't be worked with as they are, and why: what `check` can tell before a
/// run does.
pub fn damages(
    settings: &serde_json::Map<String, Value>,
    project_dir: &Path,
) -> Vec<(String, Trouble)> {
    let Ok(connector) = FilesConnector::open(settings, project_dir) else { return vec![] };
    // What is a mistake in the settings is told as such.
    let misnamed = connector.misnamed();
    let mut damages = connector.damages;
    damages.retain(|(damaged, _)| misnamed.iter().all(|(kind, _)| kind != damaged));
    for (table, _) in connector
        .kinds
        .iter()
        .filter(|(table, _)| misnamed.iter().all(|(kind, _)| *kind != table.kind))
    {
        if damages.iter().all(|(kind, _)| *kind != table.kind)
            && let Err(trouble) = table.open().and_then(|opened| table.survey(opened))
        {
            damages.push((table.kind.clone(), trouble));
        }
    }
    damages
}

/// Rows that a run would leave alone, by record type: the first few, and how many there are in all
/// (R8). Nothing of a file that can't be worked with as a whole.
pub fn damaged_rows(
    settings: &serde_json::Map<String, Value>,
    project_dir: &Path,
) -> Vec<(String, Vec<crate::RecordFault>, usize)> {
    let Ok(connector) = FilesConnector::open(settings, project_dir) else { return vec![] };
    let rows = connector.kinds.iter().filter_map(|(table, _)| {
        let (faults, all) = Listing::damaged_rows(table, ROWS_NAMED).ok()?;
        (all > 0).then(|| (table.kind.clone(), faults, all))
    });
    rows.collect()
}

/// Settings that have no effect on any file of the folder, in words (G10).
pub fn without_effect(
    settings: &serde_json::Map<String, Value>,
    project_dir: &Path,
) -> Vec<String> {
    FilesConnector::open(settings, project_dir)
        .map(|connector| connector.without_effect())
        .unwrap_or_default()
}

/// Settings of single files that name a column which the file does not have, in words (G10).
pub fn misnamed(settings: &serde_json::Map<String, Value>, project_dir: &Path) -> Vec<String> {
    let connector = FilesConnector::open(settings, project_dir);
    connector
        .map(|connector| connector.misnamed().into_iter().map(|(_, why)| why).collect())
        .unwrap_or_default()
}

/// A file of the folder.
struct Found {
    kind: String,
    file: String,
    is_csv: bool,
    refused: Option<Trouble>,
}

impl FilesConnector {
    /// Connects a folder: finds the record types in it and takes a sample of each. `settings` is
    /// what stands under `with:`. A file that can't be read is a record type that can't be: it says
    /// so when it is worked with, and the others go on (R8).
    ///
    /// # Errors
    /// [`Trouble::Misconfigured`] for settings that are wrong.
    pub fn open(
        settings: &serde_json::Map<String, Value>,
        project_dir: &Path,
    ) -> Result<FilesConnector, Trouble> {
        let settings = Settings::of(settings)?;
        let folder = project_dir.join(&settings.folder);
        let known = remembered::recall(project_dir, &settings.folder);
        let mut files = match found(&folder, &settings.folder) {
            Ok(files) => files,
            // It was there before: a share that is not connected, a disk that is not mounted.
            Err(_) if !known.is_empty() => vec![],
            Err(error) => {
                return Err(Trouble::Misconfigured(format!(
                    "the folder {} can't be read ({error}): create it, or correct `folder`",
                    folder.display()
                )));
            }
        };
        // A file that was there before is missing, and no mistake in the flows that name it.
        for known in known
            .iter()
            .filter(|known| files.iter().all(|file| file.kind != known.kind))
            .collect::<Vec<_>>()
        {
            files.push(Found {
                kind: known.kind.clone(),
                file: known.file.clone(),
                is_csv: known.is_csv,
                refused: None,
            });
        }
        files.sort_by(|a, b| (&a.kind, &a.file).cmp(&(&b.kind, &b.file)));
        if let Some(OfFiles::Each(names)) = &settings.encoding
            && let Some(kind) =
                names.keys().find(|kind| files.iter().all(|file| file.kind != **kind))
        {
            return Err(no_file(kind, "encoding", &files, &settings));
        }
        if let Some(kind) =
            settings.tables.keys().find(|kind| files.iter().all(|file| file.kind != **kind))
        {
            return Err(no_file(kind, "tables", &files, &settings));
        }
        for file in files.iter().filter(|file| !file.is_csv) {
            let own = settings.own(&file.kind);
            let word = own.and_then(|own| {
                own.separator
                    .as_ref()
                    .map(|_| "separator")
                    .or(own.decimal.as_ref().map(|_| "decimal"))
            });
            if let Some(word) = word {
                return Err(Trouble::Misconfigured(format!(
                    "`{word}` of {} has no effect: {} is no CSV file (`tables: {{ {}: … }}`)",
                    file.kind, file.file, file.kind
                )));
            }
        }
        let (mut schemas, mut kinds, mut damages) = (Vec::new(), Vec::new(), Vec::new());
        for Found { kind, file, is_csv, refused } in files {
            let table = Table {
                path: folder.join(&file),
                folder: folder.clone(),
                refused,
                encoding: settings.encoding(&kind),
                place: Path::new(&settings.folder).join(&file).display().to_string(),
                is_csv,
                separator: settings
                    .own(&kind)
                    .and_then(|own| separator(own.separator.as_deref()?).ok()),
                decimal_comma: settings.own(&kind).is_some_and(|own| own.decimal.is_some()),
                id: settings.key(&kind)[0].as_str().into(),
                id_rest: settings.key(&kind)[1..].iter().map(|id| id.as_str().into()).collect(),
                modified: settings.modified(&kind).map(lockstep_model::Path::from),
                times: settings.times(&kind),
                mark: settings.mark(&kind).cloned(),
                shape: edit::Shape::default(),
                form: None,
                kind,
            };
            let (table, schema) = match sampled(&table) {
                Ok((sample, header)) => with_sample(table, &settings, sample, header.as_ref()),
                Err(trouble) => {
                    damages.push((table.kind.clone(), trouble));
                    let (table, mut schema) =
                        with_sample(table, &settings, Sample::default(), None);
                    if let Some(known) = known.iter().find(|known| known.kind == table.kind) {
                        schema.properties = known.properties();
                    }
                    (table, schema)
                }
            };
            schemas.push(schema);
            kinds.push((table, Mutex::default()));
        }
        let sound = |kind: &str| damages.iter().all(|(damaged, _)| damaged != kind);
        remembered::keep(
            project_dir,
            &settings.folder,
            &known,
            kinds.iter().map(|(table, _)| table).zip(&schemas),
            &sound,
        );
        let numbers = Numbers::of(project_dir, &settings.folder);
        Ok(FilesConnector {
            settings,
            schemas,
            kinds,
            listings: AtomicU64::new(0),
            numbers,
            damages,
        })
    }

    /// A setting that names what no file has (G10): `modified` and `created`, and those of files of
    /// JSON Lines.
    fn without_effect(&self) -> Vec<String> {
        let (folder, settings) = (&self.settings.folder, &self.settings);
        let seen: Vec<&TypeSchema> = self
            .schemas
            .iter()
            .filter(|schema| schema.known_from != KnownFrom::Declaration)
            .collect();
        let mut told = vec![];
        for (word, what, column) in
            [("modified", "change", &settings.modified), ("created", "creation", &settings.created)]
        {
            let Some(column) = column else { continue };
            let of_others = |schema: &&&TypeSchema| {
                settings.columns(&schema.kind).iter().all(|(_, own)| *own != word)
            };
            let path = lockstep_model::Path::from(column.as_str());
            let has = seen.iter().filter(of_others).any(|schema| schema.property(&path).is_some());
            if !has && !seen.is_empty() {
                told.push(format!("`{word}: {column}` has no effect: no file of {folder} has it, so no time of {what} is known"));
            }
        }
        for schema in seen.iter().filter(|schema| schema.known_from == KnownFrom::Sample) {
            for (column, word) in
                settings.columns(&schema.kind).into_iter().filter(|(_, word)| *word != "id")
            {
                if !schema.has_seen(&column.into()) {
                    told.push(format!(
                        "`{column}`, which `{word}` of {} names, is in no record that was looked at: it has no effect on them",
                        schema.kind
                    ));
                }
            }
        }
        told
    }

    /// By record type, columns that its own settings name and that its file does not have.
    fn misnamed(&self) -> Vec<(String, String)> {
        let mut told = vec![];
        for (table, _) in &self.kinds {
            let columns = self.settings.columns(&table.kind);
            if columns.is_empty() || !table.is_csv {
                continue;
            }
            let Ok(Some(header)) = table.open_as_it_is().map(|opened| opened.header) else {
                continue;
            };
            for (column, word) in
                columns.into_iter().filter(|(column, _)| header.column(column).is_none())
            {
                let message = format!(
                    "`{column}`, which `{word}` of {} names, is no column of {}: it has {}",
                    table.kind,
                    table.place,
                    header.names.join(", ")
                );
                told.push((table.kind.clone(), message));
            }
        }
        told
    }

    fn kind(&self, kind: &str) -> Result<(&Table, MutexGuard<'_, State>), Trouble> {
        let found = self.kinds.iter().find(|(table, _)| table.kind == kind).ok_or_else(|| {
            Trouble::Misconfigured(format!(
                "there is no {kind}.jsonl or {kind}.csv in {}: create it (empty if there are no records yet); the folder has {}",
                self.settings.folder,
                self.kind_names()
            ))
        })?;
        // A panic elsewhere leaves nothing half done here: the state is a memory that can be made
        // anew.
        Ok((&found.0, found.1.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    fn kind_names(&self) -> String {
        if self.kinds.is_empty() {
            return "no .jsonl or .csv files".into();
        }
        self.kinds.iter().map(|(table, _)| table.kind.as_str()).collect::<Vec<_>>().join(", ")
    }

    fn read_as(&self, request: ReadRequest<'_>, part: Part<'_>) -> Result<Page, Trouble> {
        let (table, mut state) = self.kind(request.kind)?;
        let state = &mut *state;
        let watch = listing::watch_mark(table, request.watch, part);
        let before = ReadToEnd::of(request.checkpoint);
        if let Some(used) = before.as_ref().and_then(ReadToEnd::used) {
            self.numbers.note(&table.kind, used);
        }
        let known = match Beginning::of(request.checkpoint, table.stamp()?, &watch) {
            Beginning::Nothing => {
                let checkpoint = request.checkpoint.cloned().unwrap_or_default();
                return Ok(Page {
                    records: Vec::new(),
                    faults: Vec::new(),
                    gone: Vec::new(),
                    below: Vec::new(),
                    checkpoint,
                    more: false,
                    everything: false,
                });
            }
            Beginning::GoOn { token, page } => {
                // The listing that the checkpoint speaks of, at that page; else it has to begin
                // anew.
                state.listing.take_if(|listing| {
                    listing.token != token || listing.page != page || listing.watch != watch
                });
                None
            }
            Beginning::Changes(known) => {
                state.listing = None;
                Some(known)
            }
            Beginning::Everything => {
                state.listing = None;
                None
            }
        };
        if state.listing.is_none() {
            let from = (self.token(), known, before.as_ref());
            let own = (&state.own, &Reader::new(part, request.watch));
            state.listing = Some(Listing::begin(table, request.watch, from, own)?);
        }
        let Some(listing) = &mut state.listing else {
            return Err(Trouble::Unreachable(format!("{}: not open", table.place)));
        };
        if let Some(used) = listing.survey.ids.used() {
            self.numbers.note(&table.kind, used);
        }
        let page = listing.next_page(table, self.numbers.used(&table.kind), request.page_size);
        match &page {
            Ok(page) if page.more => {}
            Ok(_) => {
                // The checkpoint knows them now, unless the file was replaced after this listing
                // had opened it.
                if table.stamp().is_ok_and(|stamp| stamp == listing.stamp) {
                    state.own.has_read(part, listing.own_until);
                }
                state.listing = None;
            }
            Err(_) => state.listing = None,
        }
        page
    }

    fn write_as(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        writes: &[Write],
        part: Part<'_>,
    ) -> Vec<Outcome> {
        match self.kind(kind) {
            Ok((table, mut state)) => {
                let mut rows = vec![];
                let outcomes = replace::write(table, &self.numbers, watch, writes, &mut rows);
                state.own.note(part, watch, rows);
                outcomes
            }
            Err(trouble) => writes.iter().map(|_| Outcome::Stopped(trouble.clone())).collect(),
        }
    }

    fn token(&self) -> String {
        let number = self.listings.fetch_add(1, Ordering::Relaxed);
        let moment = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |passed| passed.as_nanos());
        format!("{moment:x}-{number}")
    }
}

/// The files of a folder that are record types.
fn found(folder: &Path, named: &str) -> std::io::Result<Vec<Found>> {
    let mut files: Vec<Found> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let (Some(kind), Some(extension)) =
            (path.file_stem().and_then(|s| s.to_str()), path.extension())
        else {
            continue;
        };
        let is_csv = extension.eq_ignore_ascii_case("csv");
        let is_link = path.is_symlink();
        if kind.starts_with('.')
            || !(is_csv || extension.eq_ignore_ascii_case("jsonl"))
            || !(is_link || path.is_file())
        {
            continue;
        }
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.push(Found { kind: kind.to_string(), file, is_csv, refused: None });
    }
    files.sort_by(|a, b| (&a.kind, &a.file).cmp(&(&b.kind, &b.file)));
    let names: Vec<String> = files.iter().map(|file| file.kind.clone()).collect();
    let mut both: Vec<Found> = Vec::new();
    for file in files {
        if names.iter().filter(|name| **name == file.kind).count() == 1 {
            both.push(file);
        } else if both.last().is_none_or(|last| last.kind != file.kind) {
            let message = format!(
                "the record type {} has two files in {named}, a .jsonl and a .csv: keep one",
                file.kind
            );
            both.push(Found { refused: Some(Trouble::Malformed(message)), ..file });
        }
    }
    Ok(both)
}

/// `word` names a record type that no file is.
fn no_file(kind: &str, word: &str, files: &[Found], settings: &Settings) -> Trouble {
    let there: Vec<&str> = files.iter().map(|file| file.kind.as_str()).collect();
    Trouble::Misconfigured(format!(
        "`{kind}`, which `{word}` names, is not there: there is no {kind}.csv or {kind}.jsonl in {}; it has {}",
        settings.folder,
        there.join(", ")
    ))
}

/// A look into a file.
fn sampled(table: &Table) -> Result<(Sample, Option<Header>), Trouble> {
    let trouble = |error: std::io::Error| table.trouble(&error);
    let mut opened = table.open()?;
    let Some(header) = opened.header.clone() else {
        let mut source = opened.rows.into_source();
        source.rewind().map_err(trouble)?;
        return Ok((
            Sample::of_lines(&mut source, table.modified.as_ref()).map_err(trouble)?,
            None,
        ));
    };
    let mut sample = Sample::default();
    // The form of times, from the first rows that have one.
    if let Some(column) = table.modified.as_ref().and_then(|path| header.column(path.as_str())) {
        for _ in 0..100 {
            let Some(row) = opened.rows.next().map_err(trouble)? else { break };
            let cells = csv::split(row.text, header.delimiter);
            sample.modified = sample
                .modified
                .or_else(|| cells.get(column).and_then(|c| moments::Form::of(&csv::value_of(c))));
        }
    }
    Ok((sample, Some(header)))
}

fn with_sample(
    mut table: Table,
    settings: &Settings,
    sample: Sample,
    header: Option<&Header>,
) -> (Table, TypeSchema) {
    table.shape = sample.shape();
    // In a file without records the id comes first.
    for id in std::iter::once(&table.id).chain(&table.id_rest) {
        table.shape.members.learn_path(id);
        table.shape.lists.remove(id.as_str());
    }
    let (key, modified) = (settings.key(&table.kind), settings.modified(&table.kind));
    let mut schema = sample::schema(&table.kind, key, modified, &sample, header);
    schema.created = settings.created(&table.kind).map(lockstep_model::Path::from);
    schema.mark = settings.mark(&table.kind).map(|mark| mark.at.as_str().into());
    schema.can.restore = settings.mark(&table.kind).is_some_and(Mark::can_be_taken_off);
    for (property, time) in &table.times {
        for described in &mut schema.properties {
            if described.path == *property {
                described.modified = Some(time.clone());
            }
            described.read_only |= described.path == *time;
        }
    }
    table.form = sample.modified;
    (table, schema)
}

impl Connector for FilesConnector {
    fn answers(&self, _: &str, _: bool) -> Answers {
        Answers::Stored
    }

    fn types(&self) -> &[TypeSchema] {
        &self.schemas
    }

    fn knows_own_writes(&self) -> bool {
        true
    }

    fn types_fail_alone(&self) -> bool {
        true
    }

    fn shows_all_there_is(&self) -> bool {
        true
    }

    fn tells_faults_each_time(&self) -> bool {
        true
    }

    fn test(&self) -> Result<String, Trouble> {
        let damaged = self.damages.first();
        if let Some((_, trouble)) = damaged.filter(|_| self.damages.len() == self.kinds.len()) {
            return Err(trouble.clone());
        }
        if let Some((_, trouble)) = damaged {
            return Ok(format!(
                "folder {}: {}; but {trouble}",
                self.settings.folder,
                self.kind_names()
            ));
        }
        Ok(format!("folder {}: {}", self.settings.folder, self.kind_names()))
    }

    fn read(&self, request: ReadRequest<'_>) -> Result<Page, Trouble> {
        self.read_as(request, None)
    }

    fn read_part(&self, request: ReadRequest<'_>, part: &str) -> Result<Page, Trouble> {
        self.read_as(request, Some(part))
    }

    fn get(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        id: &str,
    ) -> Result<Option<ReadRecord>, Trouble> {
        Ok(self.get_many(kind, watch, &[id])?.into_iter().next().flatten())
    }

    fn get_many(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        ids: &[&str],
    ) -> Result<Vec<Option<ReadRecord>>, Trouble> {
        let (table, mut state) = self.kind(kind)?;
        for _ in 0..LOOKS {
            let stamp = table.stamp()?;
            if state.index.as_ref().is_none_or(|index| {
                index.stamp != stamp || !stamp.unsettled_for(SystemTime::now()).is_zero()
            }) {
                state.index = Some(Index::of(table)?);
            }
            if let Some(index) = &state.index
                && let Some(records) = index.records(table, watch, ids)?
            {
                return Ok(records);
            }
        }
        let message = format!("{} is being changed all the time", table.place);
        Err(Trouble::Busy { retry_after_ms: Some(1_000), message })
    }

    /// A file can't be asked for a value other than by reading all of it.
    fn find(
        &self,
        _: &str,
        _: &[PropertyRef],
        _: usize,
        _: &Value,
    ) -> Result<Option<Vec<ReadRecord>>, Trouble> {
        Ok(None)
    }

    fn write(&self, kind: &str, watch: &[PropertyRef], writes: &[Write]) -> Vec<Outcome> {
        self.write_as(kind, watch, writes, None)
    }

    fn write_part(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        writes: &[Write],
        part: &str,
    ) -> Vec<Outcome> {
        self.write_as(kind, watch, writes, Some(part))
    }

    fn batch(&self, _: &str) -> usize {
        WRITES_AT_ONCE
    }
}
