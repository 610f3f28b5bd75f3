//! Folders of files: one `.jsonl` (JSON Lines) or `.csv` file for each record type.
//!
//! `with: { folder: data, id: id, modified: updated, encoding: windows-1252 }`: the folder is relative to the project's, `id` names the
//! property that holds a record's id (`id` if not said), `modified` the one that tells when it was last changed, if there is one,
//! `encoding` what a file is written in where it is not UTF-8 and no byte order mark says it.
//!
//! Where things are:
//! - `encoding`, `rows` and `csv`: files as rows of bytes; `table`: a record as a row; `take`, `extract`: a row as a record;
//! - `survey`: what makes a whole file doubtful, before any of it is believed (R8);
//! - `listing`, `fingerprint`, `stamp`: reading in pages, and knowing what changed (R1, R2);
//! - `replace`, `edit`, `splice`, `ids`, `moments`: writing (P6, P9, C2);
//! - `sample`: what can be said of a file's records without a schema.
//!
//! It knows no flows. What it remembers of rows is in the checkpoint that the store keeps; which files there were and which numbers were
//! used as ids is in the project's folder `.lockstep` (`remembered`, `crate::numbers`).

mod csv;
pub(crate) mod edit;
mod encoding;
mod extract;
mod fingerprint;
mod ids;
mod listing;
mod members;
mod moments;
mod remembered;
mod replace;
mod rows;
mod sample;
mod splice;
mod stamp;
mod survey;
mod table;
mod take;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use lockstep_model::flow::PropertyRef;
use lockstep_model::schema::KnownFrom;
use lockstep_model::{ReadRecord, TypeSchema, Value};
use serde::Deserialize;
use xxhash_rust::xxh3::xxh3_64;

use crate::numbers::Numbers;
use crate::{Answers, Connector, Outcome, Page, ReadRequest, Trouble, Write};
use csv::Header;
use encoding::Encoding;
use fingerprint::fingerprint;
use listing::{Beginning, Listing, Plain, ReadToEnd};
use rows::Rows;
use sample::Sample;
use stamp::Stamp;
use survey::{Survey, repeated};
use table::Table;

/// A file is written whole, so many writes at once pay off; more than this would only take memory.
const WRITES_AT_ONCE: usize = 200_000;

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
}

/// A setting for all files, or by record type.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum OfFiles {
    All(String),
    Each(BTreeMap<String, String>),
}

fn usual_id() -> String {
    "id".into()
}

impl Settings {
    fn of(settings: &serde_json::Map<String, Value>) -> Result<Settings, Trouble> {
        let settings: Settings = serde_json::from_value(Value::Object(settings.clone())).map_err(|error| {
            Trouble::Misconfigured(format!(
                "the settings of a `files` system are `folder`, `id`, `modified`, `created` and `encoding`: {error}"
            ))
        })?;
        let named = match &settings.encoding {
            None => vec![],
            Some(OfFiles::All(name)) => vec![name],
            Some(OfFiles::Each(names)) => names.values().collect(),
        };
        for name in named {
            Encoding::named(name).map_err(Trouble::Misconfigured)?;
        }
        Ok(settings)
    }

    fn encoding(&self, kind: &str) -> Encoding {
        let name = match &self.encoding {
            None => None,
            Some(OfFiles::All(name)) => Some(name),
            Some(OfFiles::Each(names)) => names.get(kind),
        };
        name.and_then(|name| Encoding::named(name).ok()).unwrap_or_default()
    }
}

/// A folder of files, connected.
pub struct FilesConnector {
    folder: String,
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
    /// Fingerprints of rows that this process wrote and whose content the hub knows.
    own: HashSet<u64, Plain>,
    index: Option<Index>,
}

/// Where the records are in a file, for reading single ones.
struct Index {
    stamp: Stamp,
    survey: Survey,
    /// Sorted: fingerprint of the id, where its row begins.
    rows: Vec<(u64, u64)>,
    /// The first row that does not tell its id.
    nameless: Option<u64>,
}

/// The record types of a folder of files, without connecting.
///
/// # Errors
/// Settings that are wrong, or a folder that can't be read.
pub fn schemas(settings: &serde_json::Map<String, Value>, project_dir: &Path) -> Result<Vec<TypeSchema>, Trouble> {
    FilesConnector::open(settings, project_dir).map(|connector| connector.schemas)
}

/// The record types that can't be worked with as they are, and why: what `check` can tell before a run does.
pub fn damages(settings: &serde_json::Map<String, Value>, project_dir: &Path) -> Vec<(String, Trouble)> {
    let Ok(connector) = FilesConnector::open(settings, project_dir) else { return vec![] };
    let mut damages = connector.damages;
    for (table, _) in &connector.kinds {
        if damages.iter().all(|(kind, _)| *kind != table.kind)
            && let Err(trouble) = table.open().and_then(|opened| table.survey(opened))
        {
            damages.push((table.kind.clone(), trouble));
        }
    }
    damages
}

/// A setting that has no effect on any file of the folder, in words (G10).
pub fn without_effect(settings: &serde_json::Map<String, Value>, project_dir: &Path) -> Option<String> {
    FilesConnector::open(settings, project_dir).ok()?.time_without_effect()
}

/// A file of the folder.
struct Found {
    kind: String,
    file: String,
    is_csv: bool,
    refused: Option<Trouble>,
}

impl FilesConnector {
    /// Connects a folder: finds the record types in it and takes a sample of each. `settings` is what stands under `with:`. A file that
    /// can't be read is a record type that can't be: it says so when it is worked with, and the others go on (R8).
    ///
    /// # Errors
    /// [`Trouble::Misconfigured`] for settings that are wrong.
    pub fn open(settings: &serde_json::Map<String, Value>, project_dir: &Path) -> Result<FilesConnector, Trouble> {
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
        for known in known.iter().filter(|known| files.iter().all(|file| file.kind != known.kind)).collect::<Vec<_>>() {
            files.push(Found { kind: known.kind.clone(), file: known.file.clone(), is_csv: known.is_csv, refused: None });
        }
        files.sort_by(|a, b| (&a.kind, &a.file).cmp(&(&b.kind, &b.file)));
        if let Some(OfFiles::Each(names)) = &settings.encoding
            && let Some(kind) = names.keys().find(|kind| files.iter().all(|file| file.kind != **kind))
        {
            let there: Vec<&str> = files.iter().map(|file| file.kind.as_str()).collect();
            return Err(Trouble::Misconfigured(format!(
                "`encoding` names {kind}, and there is no {kind}.csv or {kind}.jsonl in {}; it has {}",
                settings.folder,
                there.join(", ")
            )));
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
                id: settings.id.as_str().into(),
                modified: settings.modified.as_deref().map(lockstep_model::Path::from),
                shape: edit::Shape::default(),
                form: None,
                kind,
            };
            let (table, schema) = match sampled(&table) {
                Ok((sample, header)) => with_sample(table, &settings, sample, header.as_ref()),
                Err(trouble) => {
                    damages.push((table.kind.clone(), trouble));
                    let (table, mut schema) = with_sample(table, &settings, Sample::default(), None);
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
        remembered::keep(project_dir, &settings.folder, &known, kinds.iter().map(|(table, _)| table).zip(&schemas), &sound);
        let numbers = Numbers::of(project_dir, &settings.folder);
        Ok(FilesConnector { folder: settings.folder, schemas, kinds, listings: AtomicU64::new(0), numbers, damages })
    }

    /// `modified` or `created` names what no file has (G10): then no such time is known of any record.
    fn time_without_effect(&self) -> Option<String> {
        let modified = self.kinds.first().and_then(|(table, _)| table.modified.as_ref());
        let created = self.schemas.first().and_then(|schema| schema.created.as_ref());
        let seen = |schema: &&TypeSchema| schema.known_from != KnownFrom::Declaration;
        let known: Vec<&TypeSchema> = self.schemas.iter().filter(seen).collect();
        [("modified", "change", modified), ("created", "creation", created)].into_iter().find_map(|(setting, what, path)| {
            let path = path?;
            let has = known.is_empty() || known.iter().any(|schema| schema.property(path).is_some());
            let message =
                || format!("`{setting}: {path}` has no effect: no file of {} has it, so no time of {what} is known", self.folder);
            (!has).then(message)
        })
    }

    fn kind(&self, kind: &str) -> Result<(&Table, MutexGuard<'_, State>), Trouble> {
        let found = self.kinds.iter().find(|(table, _)| table.kind == kind).ok_or_else(|| {
            Trouble::Misconfigured(format!(
                "there is no {kind}.jsonl or {kind}.csv in {}: create it (empty if there are no records yet); the folder has {}",
                self.folder,
                self.kind_names()
            ))
        })?;
        // A panic elsewhere leaves nothing half done here: the state is a memory that can be made anew.
        Ok((&found.0, found.1.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    fn kind_names(&self) -> String {
        if self.kinds.is_empty() {
            return "no .jsonl or .csv files".into();
        }
        self.kinds.iter().map(|(table, _)| table.kind.as_str()).collect::<Vec<_>>().join(", ")
    }

    fn token(&self) -> String {
        let number = self.listings.fetch_add(1, Ordering::Relaxed);
        let moment = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |passed| passed.as_nanos());
        format!("{moment:x}-{number}")
    }
}

/// The files of a folder that are record types.
fn found(folder: &Path, named: &str) -> std::io::Result<Vec<Found>> {
    let mut files: Vec<Found> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let (Some(kind), Some(extension)) = (path.file_stem().and_then(|s| s.to_str()), path.extension()) else { continue };
        let is_csv = extension.eq_ignore_ascii_case("csv");
        let is_link = path.is_symlink();
        if kind.starts_with('.') || !(is_csv || extension.eq_ignore_ascii_case("jsonl")) || !(is_link || path.is_file()) {
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
            let message = format!("the record type {} has two files in {named}, a .jsonl and a .csv: keep one", file.kind);
            both.push(Found { refused: Some(Trouble::Malformed(message)), ..file });
        }
    }
    Ok(both)
}

/// A look into a file.
fn sampled(table: &Table) -> Result<(Sample, Option<Header>), Trouble> {
    let trouble = |error: std::io::Error| table.trouble(&error);
    let mut opened = table.open()?;
    let Some(header) = opened.header.clone() else {
        let mut source = opened.rows.into_source();
        source.rewind().map_err(trouble)?;
        return Ok((Sample::of_lines(&mut source, table.modified.as_ref()).map_err(trouble)?, None));
    };
    let mut sample = Sample::default();
    // The form of times, from the first rows that have one.
    if let Some(column) = table.modified.as_ref().and_then(|path| header.column(path.as_str())) {
        for _ in 0..100 {
            let Some(row) = opened.rows.next().map_err(trouble)? else { break };
            let cells = csv::split(row.text, header.delimiter);
            sample.modified = sample.modified.or_else(|| cells.get(column).and_then(|c| moments::Form::of(&csv::value_of(c))));
        }
    }
    Ok((sample, Some(header)))
}

fn with_sample(mut table: Table, settings: &Settings, sample: Sample, header: Option<&Header>) -> (Table, TypeSchema) {
    table.shape = sample.shape();
    // In a file without records the id comes first.
    table.shape.members.learn_path(&table.id);
    let mut schema = sample::schema(&table.kind, &settings.id, settings.modified.as_deref(), &sample, header);
    schema.created = settings.created.as_deref().map(lockstep_model::Path::from);
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

    fn tells_faults_each_time(&self) -> bool {
        true
    }

    fn test(&self) -> Result<String, Trouble> {
        let damaged = self.damages.first();
        if let Some((_, trouble)) = damaged.filter(|_| self.damages.len() == self.kinds.len()) {
            return Err(trouble.clone());
        }
        if let Some((_, trouble)) = damaged {
            return Ok(format!("folder {}: {}; but {trouble}", self.folder, self.kind_names()));
        }
        Ok(format!("folder {}: {}", self.folder, self.kind_names()))
    }

    fn read(&self, request: ReadRequest<'_>) -> Result<Page, Trouble> {
        let (table, mut state) = self.kind(request.kind)?;
        let state = &mut *state;
        let watch = listing::watch_mark(table, request.watch);
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
                // The listing that the checkpoint speaks of, at that page; else it has to begin anew.
                state.listing.take_if(|listing| listing.token != token || listing.page != page || listing.watch != watch);
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
            state.listing = Some(Listing::begin(table, request.watch, from, &state.own)?);
        }
        let Some(listing) = &mut state.listing else { return Err(Trouble::Unreachable(format!("{}: not open", table.place))) };
        if let Some(used) = listing.survey.ids.used() {
            self.numbers.note(&table.kind, used);
        }
        let page = listing.next_page(table, self.numbers.used(&table.kind), request.page_size);
        match &page {
            Ok(page) if page.more => {}
            Ok(_) => {
                // The checkpoint knows them now, unless the file was replaced after this listing had opened it.
                if table.stamp().is_ok_and(|stamp| stamp == listing.stamp) {
                    state.own = HashSet::default();
                }
                state.listing = None;
            }
            Err(_) => state.listing = None,
        }
        page
    }

    fn get(&self, kind: &str, watch: &[PropertyRef], id: &str) -> Result<Option<ReadRecord>, Trouble> {
        Ok(self.get_many(kind, watch, &[id])?.into_iter().next().flatten())
    }

    fn get_many(&self, kind: &str, watch: &[PropertyRef], ids: &[&str]) -> Result<Vec<Option<ReadRecord>>, Trouble> {
        let (table, mut state) = self.kind(kind)?;
        let stamp = table.stamp()?;
        if state.index.as_ref().is_none_or(|index| index.stamp != stamp || !stamp.unsettled_for(SystemTime::now()).is_zero()) {
            state.index = Some(Index::of(table)?);
        }
        let Some(index) = &state.index else { return Ok(vec![None; ids.len()]) };
        ids.iter().map(|id| index.record(table, watch, id)).collect()
    }

    /// A file can't be asked for a value other than by reading all of it.
    fn find(&self, _: &str, _: &[PropertyRef], _: usize, _: &Value) -> Result<Option<Vec<ReadRecord>>, Trouble> {
        Ok(None)
    }

    fn write(&self, kind: &str, watch: &[PropertyRef], writes: &[Write]) -> Vec<Outcome> {
        match self.kind(kind) {
            Ok((table, mut state)) => replace::write(table, &self.numbers, watch, writes, &mut state.own),
            Err(trouble) => writes.iter().map(|_| Outcome::Stopped(trouble.clone())).collect(),
        }
    }

    fn batch(&self, _: &str) -> usize {
        WRITES_AT_ONCE
    }
}

impl Index {
    /// The record with this id, as its row holds it now.
    fn record(&self, table: &Table, watch: &[PropertyRef], id: &str) -> Result<Option<ReadRecord>, Trouble> {
        let index = self;
        let trouble = |error: std::io::Error| table.trouble(&error);
        if index.survey.is_repeated(id) {
            return Err(Trouble::Malformed(format!("{}: {}", table.place, repeated(id))));
        }
        let print = xxh3_64(id.as_bytes());
        let from = index.rows.partition_point(|&(row, _)| row < print);
        for &(_, offset) in index.rows[from..].iter().take_while(|&&(row, _)| row == print) {
            let opened = table.open()?;
            let mut source = opened.rows.into_source();
            source.skip_to(offset).map_err(trouble)?;
            let mut rows = Rows::lines(source);
            if let Some(header) = &opened.header {
                rows = rows.with_cells(header.delimiter);
            }
            let Some(row) = rows.next().map_err(trouble)? else { continue };
            match table.extractor(watch, opened.header.as_ref()).extract(row.text, fingerprint(row.text)) {
                Ok(record) if record.id == id => return Ok(Some(record)),
                Ok(_) => {}
                Err(unreadable) => {
                    return Err(Trouble::Malformed(format!("{}, record {id}: {}", table.place, unreadable.message)));
                }
            }
        }
        match index.nameless {
            // It may be the one that is asked for: to say that it is gone would be a guess.
            Some(line) => Err(Trouble::Malformed(table.can_not_tell(line, id))),
            None => Ok(None),
        }
    }

    fn of(table: &Table) -> Result<Index, Trouble> {
        let (mut opened, survey) = table.survey(table.open()?)?;
        let ids = table.id_reader(opened.header.as_ref());
        let (mut rows, mut nameless) = (Vec::new(), None);
        loop {
            let offset = opened.rows.bytes();
            let Some(row) = opened.rows.next().map_err(|error| table.trouble(&error))? else { break };
            match ids.id(row.text) {
                Some((id, _)) => {
                    if survey.is_repeated(&id) {
                        nameless = nameless.or(Some(row.line));
                    }
                    rows.push((xxh3_64(id.as_bytes()), offset));
                }
                None if row.is_blank() || opened.header.as_ref().is_some_and(|header| header.is_empty_row(row.text)) => {}
                None => nameless = nameless.or(Some(row.line)),
            }
        }
        rows.sort_unstable();
        Ok(Index { stamp: opened.stamp, survey, rows, nameless })
    }
}
