//! Folders of files: one `.jsonl` (JSON Lines) or `.csv` file for each record type.
//!
//! `with: { folder: data, id: id, modified: updated }`: the folder is relative to the project's, `id` names the property that holds
//! a record's id (`id` if not said), `modified` the one that tells when it was last changed, if there is one.
//!
//! Where things are:
//! - `rows` and `csv`: files as rows of bytes; `table`: a record as a row; `take`, `extract`: a row as a record;
//! - `listing`, `fingerprint`, `stamp`: reading in pages, and knowing what changed (R1, R2);
//! - `replace`, `edit`, `splice`, `ids`, `moments`: writing (P6, P9, C2);
//! - `sample`: what can be said of a file's records without a schema.
//!
//! It knows no flows and keeps nothing outside the folder: what it remembers is in the checkpoint that the store keeps.

mod csv;
mod edit;
mod extract;
mod fingerprint;
mod ids;
mod listing;
mod members;
mod moments;
mod replace;
mod rows;
mod sample;
mod splice;
mod stamp;
mod table;
mod take;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use lockstep_model::flow::PropertyRef;
use lockstep_model::{ReadRecord, TypeSchema, Value};
use serde::Deserialize;
use xxhash_rust::xxh3::xxh3_64;

use crate::{Connector, Outcome, Page, ReadRequest, Trouble, Write};
use fingerprint::fingerprint;
use listing::{Beginning, Listing, Plain};
use rows::Rows;
use sample::Sample;
use stamp::Stamp;
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
}

fn usual_id() -> String {
    "id".into()
}

/// A folder of files, connected.
pub struct FilesConnector {
    folder: String,
    schemas: Vec<TypeSchema>,
    /// In the order of the schemas.
    kinds: Vec<(Table, Mutex<State>)>,
    listings: AtomicU64,
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

impl FilesConnector {
    /// Connects a folder: finds the record types in it and takes a sample of each. `settings` is what stands under `with:`.
    ///
    /// # Errors
    /// [`Trouble::Misconfigured`] for settings that are wrong, [`Trouble::Unreachable`] for files that can't be read.
    pub fn open(settings: &serde_json::Map<String, Value>, project_dir: &Path) -> Result<FilesConnector, Trouble> {
        let settings: Settings = serde_json::from_value(Value::Object(settings.clone())).map_err(|error| {
            Trouble::Misconfigured(format!("the settings of a `files` system are `folder`, `id` and `modified`: {error}"))
        })?;
        let folder = project_dir.join(&settings.folder);
        let entries = fs::read_dir(&folder).map_err(|error| {
            Trouble::Misconfigured(format!(
                "the folder {} can't be read ({error}): create it, or correct `folder`",
                folder.display()
            ))
        })?;
        let mut files: Vec<(String, bool, std::path::PathBuf)> = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| Trouble::Unreachable(format!("{}: {error}", folder.display())))?.path();
            let (Some(kind), Some(extension)) = (path.file_stem().and_then(|s| s.to_str()), path.extension()) else { continue };
            if kind.starts_with('.') || !(extension == "jsonl" || extension == "csv") || !path.is_file() {
                continue;
            }
            files.push((kind.to_string(), extension == "csv", path.clone()));
        }
        files.sort();
        if let Some(pair) = files.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(Trouble::Misconfigured(format!(
                "the record type {} has two files in {}, a .jsonl and a .csv: keep one",
                pair[0].0,
                folder.display()
            )));
        }
        let (mut schemas, mut kinds) = (Vec::new(), Vec::new());
        for (kind, is_csv, path) in files {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let place = Path::new(&settings.folder).join(&*name).display().to_string();
            let (table, schema) = sampled(kind, place, is_csv, path, &settings)?;
            schemas.push(schema);
            kinds.push((table, Mutex::default()));
        }
        Ok(FilesConnector { folder: settings.folder, schemas, kinds, listings: AtomicU64::new(0) })
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

fn sampled(
    kind: String,
    place: String,
    is_csv: bool,
    path: std::path::PathBuf,
    settings: &Settings,
) -> Result<(Table, TypeSchema), Trouble> {
    let modified = settings.modified.as_deref().map(lockstep_model::Path::from);
    let mut table =
        Table { kind, path, place, is_csv, id: settings.id.as_str().into(), modified, shape: edit::Shape::default(), form: None };
    let (sample, header) = if is_csv {
        let mut opened = table.open()?;
        let mut sample = Sample::default();
        // The form of times, from the first rows that have one.
        let (header, extractor) = (opened.header.clone(), table.modified.clone());
        if let (Some(header), Some(path)) = (&header, extractor)
            && let Some(column) = header.column(path.as_str())
        {
            for _ in 0..100 {
                let Some(row) = opened.rows.next().map_err(|error| table.trouble(&error))? else { break };
                let cells = csv::split(row.text, header.delimiter);
                sample.modified =
                    sample.modified.or_else(|| cells.get(column).and_then(|c| moments::Form::of(&csv::value_of(c))));
            }
        }
        (sample, header)
    } else {
        let mut file = File::open(&table.path).map_err(|error| table.trouble(&error))?;
        (Sample::of_lines(&mut file, table.modified.as_ref()).map_err(|error| table.trouble(&error))?, None)
    };
    table.shape = sample.shape();
    // In a file without records the id comes first.
    table.shape.members.learn_path(&table.id);
    let schema = sample::schema(&table.kind, &settings.id, settings.modified.as_deref(), &sample, header.as_ref());
    table.form = sample.modified;
    Ok((table, schema))
}

impl Connector for FilesConnector {
    fn types(&self) -> &[TypeSchema] {
        &self.schemas
    }

    fn knows_own_writes(&self) -> bool {
        true
    }

    fn test(&self) -> Result<String, Trouble> {
        for (table, _) in &self.kinds {
            table.open()?;
        }
        Ok(format!("folder {}: {}", self.folder, self.kind_names()))
    }

    fn read(&self, request: ReadRequest<'_>) -> Result<Page, Trouble> {
        let (table, mut state) = self.kind(request.kind)?;
        let state = &mut *state;
        let watch = listing::watch_mark(table, request.watch);
        let known = match Beginning::of(request.checkpoint, table.stamp()?, &watch) {
            Beginning::Nothing => {
                let checkpoint = request.checkpoint.cloned().unwrap_or_default();
                return Ok(Page {
                    records: Vec::new(),
                    faults: Vec::new(),
                    gone: Vec::new(),
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
            state.listing = Some(Listing::begin(table, request.watch, self.token(), known)?);
        }
        let Some(listing) = &mut state.listing else { return Err(Trouble::Unreachable(format!("{}: not open", table.place))) };
        let page = listing.next_page(table, &state.own, request.page_size);
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
        let (table, mut state) = self.kind(kind)?;
        let trouble = |error: std::io::Error| table.trouble(&error);
        let stamp = table.stamp()?;
        if state.index.as_ref().is_none_or(|index| index.stamp != stamp || !stamp.unsettled_for(SystemTime::now()).is_zero()) {
            state.index = Some(Index::of(table)?);
        }
        let Some(index) = &state.index else { return Ok(None) };
        let print = xxh3_64(id.as_bytes());
        let from = index.rows.partition_point(|&(row, _)| row < print);
        for &(_, offset) in index.rows[from..].iter().take_while(|&&(row, _)| row == print) {
            let opened = table.open()?;
            let mut file = File::open(&table.path).map_err(trouble)?;
            file.seek(SeekFrom::Start(offset)).map_err(trouble)?;
            let mut rows = Rows::lines(file);
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
            Some(line) => Err(Trouble::Malformed(format!(
                "{}:{line} can't be read, so whether it is the record {id} can't be told: correct the line",
                table.place
            ))),
            None => Ok(None),
        }
    }

    /// A file can't be asked for a value other than by reading all of it.
    fn find(&self, _: &str, _: &[PropertyRef], _: usize, _: &Value) -> Result<Option<Vec<ReadRecord>>, Trouble> {
        Ok(None)
    }

    fn write(&self, kind: &str, watch: &[PropertyRef], writes: &[Write]) -> Vec<Outcome> {
        match self.kind(kind) {
            Ok((table, mut state)) => replace::write(table, watch, writes, &mut state.own),
            Err(trouble) => writes.iter().map(|_| Outcome::Stopped(trouble.clone())).collect(),
        }
    }

    fn batch(&self, _: &str) -> usize {
        WRITES_AT_ONCE
    }
}

impl Index {
    fn of(table: &Table) -> Result<Index, Trouble> {
        let mut opened = table.open()?;
        let ids = table.id_reader(opened.header.as_ref());
        let (mut rows, mut nameless) = (Vec::new(), None);
        loop {
            let offset = opened.rows.bytes();
            let Some(row) = opened.rows.next().map_err(|error| table.trouble(&error))? else { break };
            match ids.id(row.text) {
                Some((id, _)) => rows.push((xxh3_64(id.as_bytes()), offset)),
                None if row.is_blank() => {}
                None => nameless = nameless.or(Some(row.line)),
            }
        }
        rows.sort_unstable();
        Ok(Index { stamp: opened.stamp, rows, nameless })
    }
}
