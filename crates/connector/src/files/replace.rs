//! Writing: one pass over the file for a whole batch, into a new file beside it that then takes its
//! place.
//!
//! Rows that no write concerns are copied byte for byte, in their order; new records are appended.
//! The new file is on the disk before it takes the name (write, fsync, rename, fsync of the
//! folder), so at every moment the name stands for a whole file. If the file was changed by someone
//! else since the pass began, the pass is made again on the new content: neither edit is lost.
//! Between that last look and the rename there is a gap of microseconds which no portable call can
//! close; a program that replaces the file within it loses.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lockstep_model::flow::PropertyRef;
use lockstep_model::value::is_empty;
use lockstep_model::{ReadRecord, Value};

use super::encoding::Encoding;
use super::fingerprint::{Plain, fingerprint};
use super::ids::{self, Kind};
use super::index::Index;
use super::members::Members;
use super::moments::Now;
use super::own::Written;
use super::revise::Refusal;
use super::rows::ending_of;
use super::sound::Utf8Instead;
use super::survey::repeated;
use super::table::{Opened, Table};
use super::take::{id_of, version_of};
use crate::numbers::Numbers;
use crate::private;
use crate::{Action, Outcome, Trouble, Write};

/// So often a pass is made anew because the file changed meanwhile, before the hub is asked to come
/// back.
const PASSES: usize = 5;
/// No pass takes this long: a new file that is older belongs to nobody.
const LEFTOVER_AGE: Duration = Duration::from_secs(3600);

/// Carries out the writes; `own` takes the rows that were made of what the hub knew.
pub(super) fn write(
    table: &Table,
    numbers: &Numbers,
    watch: &[PropertyRef],
    writes: &[Write],
    own: &mut Vec<Written>,
) -> Vec<Outcome> {
    write_while(table, numbers, watch, writes, own, &mut || ())
}

/// As [`write`]; `meanwhile` is called when a new file is ready, before the last look at the old
/// one.
fn write_while(
    table: &Table,
    used: &Numbers,
    watch: &[PropertyRef],
    writes: &[Write],
    own: &mut Vec<Written>,
    meanwhile: &mut dyn FnMut(),
) -> Vec<Outcome> {
    let (mut numbers, mut twice) = (true, HashSet::new());
    for _ in 0..PASSES {
        let mut pass = Pass::new(table, used, watch, writes);
        match pass.run(numbers, &twice, meanwhile) {
            Ok(End::Done) => {
                own.extend(pass.own);
                return pass
                    .outcomes
                    .into_iter()
                    .map(|outcome| outcome.unwrap_or_else(unreached))
                    .collect();
            }
            Ok(End::ChangedMeanwhile) => {}
            Ok(End::IdsAreNoNumbers) => numbers = false,
            Ok(End::IdsAreRepeated(ids)) => twice.extend(ids),
            Err(trouble) => {
                return writes.iter().map(|_| Outcome::Stopped(trouble.clone())).collect();
            }
        }
    }
    let message = format!("{} is being changed all the time", table.place);
    writes
        .iter()
        .map(|_| Outcome::Later { retry_after_ms: Some(1_000), message: message.clone() })
        .collect()
}

/// A pass gives every write an outcome; should one be left out, it surely was not done.
fn unreached() -> Outcome {
    Outcome::Later { retry_after_ms: None, message: "not reached".into() }
}

enum End {
    Done,
    ChangedMeanwhile,
    /// Ids of records that are to be written stand in several rows.
    IdsAreRepeated(HashSet<String>),
    /// The first id was a number, a later one is not: new ids have to be of the other kind.
    IdsAreNoNumbers,
}

/// One pass over the file.
struct Pass<'a> {
    table: &'a Table,
    used: &'a Numbers,
    watch: &'a [PropertyRef],
    writes: &'a [Write],
    outcomes: Vec<Option<Outcome>>,
    own: Vec<Written>,
    /// The writes to records that should be there, by id.
    to: HashMap<&'a str, Vec<usize>>,
    /// The ids that new records are to have, with the write and whether the id was given to it.
    fresh: HashMap<String, (usize, bool)>,
    /// The same ids by write.
    drawn: Vec<Option<Value>>,
    /// Hashes of all these ids: most rows are concerned by no write, and one look here tells.
    concerned: HashSet<u64, Plain>,
    /// How the members of a record stand: as the file's do, then as the flows name them.
    members: Members,
    changed: bool,
    now: Now,
}

impl<'a> Pass<'a> {
    fn new(
        table: &'a Table,
        used: &'a Numbers,
        watch: &'a [PropertyRef],
        writes: &'a [Write],
    ) -> Self {
        let mut to: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut concerned = HashSet::default();
        for (at, write) in writes.iter().enumerate() {
            if let Action::Update { id, .. } | Action::Delete { id, .. } | Action::Restore { id } =
                &write.action
            {
                concerned.insert(fingerprint(id.as_bytes()));
                to.entry(id).or_default().push(at);
            }
        }
        let outcomes = writes.iter().map(|_| None).collect();
        let mut members = table.shape.members.clone();
        watch.iter().for_each(|watched| members.learn_path(&watched.path));
        Pass {
            table,
            used,
            watch,
            writes,
            outcomes,
            own: Vec::new(),
            to,
            fresh: HashMap::new(),
            drawn: vec![None; writes.len()],
            concerned,
            members,
            changed: false,
            now: Now::at(jiff::Timestamp::now()),
        }
    }

    /// `twice` are ids that stand in several rows: which of them is meant can't be told, so none is
    /// written (R8).
    fn run(
        &mut self,
        mut numbers: bool,
        twice: &HashSet<String>,
        meanwhile: &mut dyn FnMut(),
    ) -> Result<End, Trouble> {
        for id in twice {
            for at in self.to.get(id.as_str()).cloned().unwrap_or_default() {
                let message = format!("{}: {}", self.table.place, repeated(id));
                self.outcomes[at] = Some(Outcome::Rejected { prop: None, message });
            }
        }
        let table = self.table;
        let trouble = |error: io::Error| table.trouble(&error);
        let path = table.resolved()?;
        let Opened { mut rows, stamp, header, header_raw } = table.open()?;
        let header = header.as_ref();
        let encoding = rows.source().encoding();
        let form = (header, encoding);
        let ids = table.id_reader(header);
        let mut new_file = NewFile::beside(&path, encoding).map_err(trouble)?;
        new_file.put(&header_raw).map_err(trouble)?;
        let mut kind = Kind::default();
        // A CSV file's last row, whose quotes a new row takes after.
        let mut like = if header.is_some() { header_raw.clone() } else { Vec::new() };
        let before = self.used.used(&table.kind);
        let mut terminated = header_raw.is_empty() || !ending_of(&header_raw).is_empty();
        let mut ending: Option<Vec<u8>> =
            if header_raw.is_empty() { None } else { Some(ending_of(&header_raw).to_vec()) };
        let mut handled: HashSet<u64, Plain> = HashSet::default();
        let mut repeated_ids = HashSet::new();
        let mut doubts = Utf8Instead::of(encoding);
        let width = header.map(|header| (header.delimiter, header.names.len()));
        while let Some(row) = rows.next().map_err(trouble)? {
            doubts.meet(&row);
            if let Some((delimiter, width)) = width {
                table.is_text(&row, encoding)?;
                table.has_its_quotes(&row, delimiter, width)?;
            }
            if !row.is_blank() {
                table.is_not_cut(&row, width)?;
            }
            terminated = !row.ending().is_empty();
            ending.get_or_insert_with(|| row.ending().to_vec());
            let id = if row.is_blank() { None } else { ids.id(row.text) };
            let Some((id, as_number)) = id else {
                new_file.put(row.raw).map_err(trouble)?;
                continue;
            };
            if kind == Kind::default() {
                // Numbers go on after the largest, which is known at the end; other ids are drawn
                // now and looked for on the way.
                numbers &= id.parse::<i64>().is_ok();
                self.draw_ids(!numbers);
            }
            kind.meet(&id, as_number);
            if header.is_some() {
                like.clear();
                like.extend_from_slice(row.text);
            }
            if !self.concerned.contains(&fingerprint(id.as_bytes())) {
                new_file.put(row.raw).map_err(trouble)?;
                continue;
            }
            if let Some(&(at, given)) = self.fresh.get(&*id) {
                self.outcomes[at] = Some(self.already_there(row.text, header, at, given));
            }
            let hash = fingerprint(id.as_bytes());
            let Some(writes) = self.to.remove(&*id).filter(|_| !twice.contains(&*id)) else {
                if handled.contains(&hash) {
                    repeated_ids.insert(id.into_owned());
                }
                new_file.put(row.raw).map_err(trouble)?;
                continue;
            };
            handled.insert(hash);
            let (mark, row_ending) = (row.mark(), row.ending());
            new_file.put(mark).map_err(trouble)?;
            if let Some(text) = self.apply(row.text, form, &writes) {
                new_file.put(&text).and_then(|()| new_file.put(row_ending)).map_err(trouble)?;
            }
        }
        table.is_its_encoding(&doubts)?;
        if !repeated_ids.is_empty() {
            return Ok(End::IdsAreRepeated(repeated_ids));
        }
        if kind == Kind::default() {
            self.draw_ids(before.is_none());
        }
        if let Some(before) = before {
            kind.go_on_after(before);
        }
        // R8: a row that does not tell whose it is may be that of a record which is missed.
        let doubtful = if self.to.is_empty() { None } else { Index::of(table)?.nameless };
        for (id, writes) in std::mem::take(&mut self.to) {
            for at in writes.into_iter().filter(|_| !twice.contains(id)) {
                self.outcomes[at] = Some(match doubtful {
                    Some(line) => Outcome::Conflict { message: table.can_not_tell(line, id) },
                    None => {
                        Outcome::Gone { message: format!("{} has no record {id}", table.place) }
                    }
                });
            }
        }
        let ending = match ending {
            Some(ending) if !ending.is_empty() => ending,
            _ => b"\n".to_vec(),
        };
        for (at, write) in self.writes.iter().enumerate() {
            if self.outcomes[at].is_some() {
                continue;
            }
            let id = match self.drawn[at].take() {
                Some(id) => id,
                None => match kind.next() {
                    Some(id) => id,
                    None => return Ok(End::IdsAreNoNumbers),
                },
            };
            self.outcomes[at] = Some(
                match table.created(id, form, self.watch, &self.members, write, &like, &self.now) {
                    Ok(made) => {
                        if !terminated {
                            new_file.put(&ending).map_err(trouble)?;
                            terminated = true;
                        }
                        new_file
                            .put(&made.row)
                            .and_then(|()| new_file.put(&ending))
                            .map_err(trouble)?;
                        self.changed = true;
                        self.own.push((fingerprint(&made.row), None));
                        Outcome::Done(made.record)
                    }
                    Err(Refusal { prop, message }) => Outcome::Rejected { prop, message },
                },
            );
        }
        if !self.changed {
            return Ok(End::Done);
        }
        new_file.finish(&path).map_err(trouble)?;
        if let Some(used) = kind.used() {
            // R9: before the file has it, so that no process hands the number out again, however
            // this one ends.
            self.used.note(&table.kind, used);
        }
        meanwhile();
        if table.stamp()? != stamp {
            return Ok(End::ChangedMeanwhile);
        }
        new_file.take_the_name_of(&table.resolved()?).map_err(trouble)?;
        Ok(End::Done)
    }

    /// The id that a write gives its new record itself.
    fn given_id(&self, write: &'a Write) -> Option<Value> {
        let given = |id: &lockstep_model::Path| {
            let given = write.values.iter().find(|value| self.watch[value.prop].path == *id)?;
            (!is_empty(&given.value)).then_some(&given.value)
        };
        if self.table.id_rest.is_empty() {
            return given(&self.table.id).cloned();
        }
        id_of(self.table.key().map(|id| given(id).cloned())).map(Value::String)
    }

    /// Settles the ids of new records that do not depend on those in the file.
    fn draw_ids(&mut self, also_uuids: bool) {
        for (at, write) in self.writes.iter().enumerate() {
            if write.action != Action::Create {
                continue;
            }
            let (id, given) = match self.given_id(write) {
                Some(id) => (id, true),
                // Nobody but the flow can know what a new record's key is.
                None if !self.table.id_rest.is_empty() => {
                    let names: Vec<&str> =
                        self.table.key().map(lockstep_model::Path::as_str).collect();
                    let message = format!(
                        "{}: a new record needs `{}`, which make its id",
                        self.table.place,
                        names.join("`, `")
                    );
                    self.outcomes[at] = Some(Outcome::Rejected { prop: None, message });
                    continue;
                }
                None if also_uuids => {
                    (Value::String(ids::uuid(&self.table.kind, write, at as u64)), false)
                }
                None => continue,
            };
            let text = id.as_str().map_or_else(|| id.to_string(), str::to_string);
            if self.fresh.contains_key(&text) {
                let message =
                    format!("{}: two new records are to have the id {text}", self.table.place);
                self.outcomes[at] = Some(Outcome::Duplicate { id: Some(text), message });
            } else {
                self.drawn[at] = Some(id);
                self.concerned.insert(fingerprint(text.as_bytes()));
                self.fresh.insert(text, (at, given));
            }
        }
    }

    /// A record that was to be created is there: the id was taken before, or (C2) this very write
    /// was carried out before.
    fn already_there(
        &self,
        row: &[u8],
        header: Option<&super::csv::Header>,
        at: usize,
        given: bool,
    ) -> Outcome {
        match self.table.extractor(self.watch, header).extract(row, fingerprint(row)) {
            Ok(record) if !given => Outcome::Done(record),
            Ok(record) => {
                let message = format!("{} has a record {} already", self.table.place, record.id);
                Outcome::Duplicate { id: Some(record.id), message }
            }
            Err(unreadable) => {
                let message = format!("{}, write {at}: {}", self.table.place, unreadable.message);
                Outcome::Rejected { prop: None, message }
            }
        }
    }

    /// What becomes of a row under these writes; `None` if it is deleted.
    fn apply(
        &mut self,
        row: &[u8],
        form: (Option<&super::csv::Header>, Encoding),
        writes: &[usize],
    ) -> Option<Vec<u8>> {
        let mut text = Some(row.to_vec());
        for &at in writes {
            let write = &self.writes[at];
            let (id, version) = match &write.action {
                Action::Create => continue,
                Action::Update { id, version } | Action::Delete { id, version } => (id, version),
                Action::Restore { id } => (id, &None),
            };
            let place = &self.table.place;
            let Some(current) = &text else {
                self.outcomes[at] =
                    Some(Outcome::Gone { message: format!("{place} has no record {id} any more") });
                continue;
            };
            let current_version = version_of(fingerprint(current), self.table.layout(form.0));
            if version.as_ref().is_some_and(|version| *version != current_version) {
                let message = format!("{place}: record {id} was changed after it was read");
                self.outcomes[at] = Some(Outcome::Conflict { message });
                continue;
            }
            if matches!(write.action, Action::Restore { .. }) {
                let restored = self.restored(id, current, form);
                if let Ok(row) = &restored
                    && row != current
                {
                    (text, self.changed) = (Some(row.clone()), true);
                }
                let done = || untold(id, self.watch.len(), false);
                self.outcomes[at] =
                    Some(restored.map_or_else(|outcome| outcome, |_| Outcome::Done(done())));
                continue;
            }
            // D3: for whoever reads, it is not there.
            if self.table.is_marked(current, form.0) {
                self.outcomes[at] = Some(Outcome::Gone {
                    message: format!("{place}: record {id} is marked as deleted"),
                });
                continue;
            }
            if matches!(write.action, Action::Delete { .. }) {
                let marked = self.table.marked(current, form, &self.members, &self.now);
                if let Some(Err(Refusal { prop, message })) = marked {
                    self.outcomes[at] = Some(Outcome::Rejected { prop, message });
                    continue;
                }
                let row = marked.and_then(Result::ok).map(|made| made.row);
                if let (Some(row), true) = (&row, version.is_some()) {
                    self.own.push((fingerprint(row), Some(fingerprint(current))));
                }
                self.outcomes[at] = Some(Outcome::Done(untold(id, self.watch.len(), true)));
                (text, self.changed) = (row, true);
                continue;
            }
            self.outcomes[at] = Some(
                match self.table.revised(current, form, self.watch, &self.members, write, &self.now)
                {
                    Ok(made) => {
                        if made.row != *current {
                            self.changed = true;
                            // Without a version to compare, the row may hold an edit that the hub has
                            // not seen.
                            if version.is_some() {
                                let before = Some(fingerprint(current));
                                self.own.push((fingerprint(&made.row), before));
                            }
                            text = Some(made.row);
                        }
                        Outcome::Done(made.record)
                    }
                    Err(Refusal { prop, message }) => Outcome::Rejected { prop, message },
                },
            );
        }
        text
    }

    /// D2: a deleted record's row without the mark that says so.
    fn restored(
        &self,
        id: &str,
        row: &[u8],
        form: (Option<&super::csv::Header>, Encoding),
    ) -> Result<Vec<u8>, Outcome> {
        let unset = self.table.mark.as_ref().and_then(crate::mark::Mark::unset);
        match unset.filter(|_| self.table.is_marked(row, form.0)) {
            Some(unset) => self
                .table
                .with_mark(row, form, &self.members, &self.now, unset)
                .map(|made| made.row)
                .map_err(|Refusal { prop, message }| Outcome::Rejected { prop, message }),
            None => {
                let message = format!("{}: record {id} is not marked", self.table.place);
                Err(Outcome::Gone { message })
            }
        }
    }
}

/// A record that was written, of which nothing more is told.
fn untold(id: &str, props: usize, deleted: bool) -> ReadRecord {
    ReadRecord { id: id.into(), version: None, modified: None, deleted, values: vec![None; props] }
}

/// Removes what a process that was killed in the middle of a pass has left. It may as well stay, so
/// errors are nothing to tell.
fn remove_leftovers(path: &Path, prefix: &str) {
    let entries =
        path.parent().and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix)) {
        let modified = entry.metadata().and_then(|metadata| metadata.modified()).ok();
        if modified
            .and_then(|modified| modified.elapsed().ok())
            .is_some_and(|age| age > LEFTOVER_AGE)
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The file that is to take another's place; removed if it does not come to that.
struct NewFile {
    path: PathBuf,
    out: Option<BufWriter<File>>,
    encoding: Encoding,
}

impl NewFile {
    /// A file beside this one, with a name that is no record type's. Nobody else can read it before
    /// it has the permissions of the old one.
    fn beside(path: &Path, encoding: Encoding) -> io::Result<NewFile> {
        let prefix =
            format!(".{}.lockstep-", path.file_name().unwrap_or_default().to_string_lossy());
        remove_leftovers(path, &prefix);
        let (path, file) = private::new_beside(path, &prefix)?;
        Ok(NewFile { path, out: Some(BufWriter::with_capacity(1 << 20, file)), encoding })
    }

    /// Bytes of UTF-8, whole characters.
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.out {
            Some(out) => out.write_all(&self.encoding.encode(bytes)?),
            None => Ok(()),
        }
    }

    /// Everything is on the disk, with the owner and the permissions of the old file.
    fn finish(&mut self, old: &Path) -> io::Result<()> {
        if let Some(out) = self.out.take() {
            let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
            let old = fs::metadata(old)?;
            #[cfg(unix)]
            {
                use std::os::unix::fs::{MetadataExt as _, fchown};
                let new = file.metadata()?;
                if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
                    // Only some may give a file away; who may not keeps it, with the permissions it
                    // had.
                    let _ = fchown(&file, Some(old.uid()), Some(old.gid()));
                }
            }
            file.set_permissions(old.permissions())?;
            file.sync_all()?;
        }
        Ok(())
    }

    fn take_the_name_of(self, old: &Path) -> io::Result<()> {
        fs::rename(&self.path, old)?;
        // That the new name outlives a power cut is the folder's matter; not every file system lets
        // a folder be synced.
        if let Some(folder) = old.parent()
            && let Ok(folder) = File::open(folder)
        {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        self.out = None;
        // After the rename there is nothing of that name, which is as it should be.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WriteValue;
    use crate::files::edit::Shape;

    fn table(folder: &Path) -> Table {
        Table {
            kind: "Contacts".into(),
            path: folder.join("Contacts.jsonl"),
            folder: folder.to_path_buf(),
            refused: None,
            encoding: Encoding::Utf8,
            place: "data/Contacts.jsonl".into(),
            is_csv: false,
            separator: None,
            decimal_comma: false,
            id: "id".into(),
            id_rest: vec![],
            modified: None,
            times: vec![],
            mark: None,
            shape: Shape::default(),
            form: None,
        }
    }

    fn rename_one() -> Write {
        let value = WriteValue { prop: 0, value: "Ragnhild".into(), displaced: Value::Null.into() };
        Write {
            action: Action::Update { id: "1".into(), version: None },
            values: vec![value],
            token: "t".into(),
        }
    }

    #[test]
    fn an_edit_made_between_the_pass_and_the_replacement_is_not_lost() {
        let folder = tempfile::tempdir().unwrap();
        let table = table(folder.path());
        fs::write(&table.path, "{\"id\":1,\"name\":\"Åse\"}\n").unwrap();
        let mut edits = 0;
        let outcomes = write_while(
            &table,
            &Numbers::of(folder.path(), "."),
            &[PropertyRef::new("name")],
            &[rename_one()],
            &mut vec![],
            &mut || {
                if edits == 0 {
                    fs::write(
                        &table.path,
                        "{\"id\":1,\"name\":\"Åse\",\"city\":\"Bodø\"}\n{\"id\":2}\n",
                    )
                    .unwrap();
                }
                edits += 1;
            },
        );
        assert!(matches!(outcomes[..], [Outcome::Done(_)]), "{outcomes:?}");
        let text = fs::read_to_string(&table.path).unwrap();
        assert_eq!(text, "{\"id\":1,\"name\":\"Ragnhild\",\"city\":\"Bodø\"}\n{\"id\":2}\n");
        assert_eq!(edits, 2, "the pass was made again");
    }

    #[test]
    fn the_first_record_of_a_file_stands_as_the_flows_name_its_properties() {
        let folder = tempfile::tempdir().unwrap();
        let mut table = table(folder.path());
        table.shape.members.learn_path(&table.id);
        fs::write(&table.path, "").unwrap();
        let watch = ["name", "address.zip", "address.city", "age"].map(PropertyRef::new);
        let value = |prop, value: &str| WriteValue {
            prop,
            value: value.into(),
            displaced: Value::Null.into(),
        };
        let values = vec![value(3, "7"), value(2, "Bodø"), value(1, "8001"), value(0, "Åse")];
        let create = Write { action: Action::Create, values, token: "t".into() };
        let outcomes =
            write(&table, &Numbers::of(folder.path(), "."), &watch, &[create], &mut vec![]);
        let [Outcome::Done(made)] = &outcomes[..] else { panic!("{outcomes:?}") };
        let expected = format!(
            r#"{{"id":"{}","name":"Åse","address":{{"zip":"8001","city":"Bodø"}},"age":"7"}}"#,
            made.id
        );
        assert_eq!(fs::read_to_string(&table.path).unwrap(), format!("{expected}\n"));
    }

    #[test]
    fn a_file_that_never_rests_is_left_for_later_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let table = table(folder.path());
        fs::write(&table.path, "{\"id\":1}\n").unwrap();
        let mut edits = 0;
        let outcomes = write_while(
            &table,
            &Numbers::of(folder.path(), "."),
            &[PropertyRef::new("name")],
            &[rename_one()],
            &mut vec![],
            &mut || {
                edits += 1;
                fs::write(&table.path, format!("{{\"id\":1,\"n\":{edits}}}\n")).unwrap();
            },
        );
        assert!(matches!(outcomes[..], [Outcome::Later { .. }]), "{outcomes:?}");
        assert_eq!(
            fs::read_to_string(&table.path).unwrap(),
            format!("{{\"id\":1,\"n\":{PASSES}}}\n")
        );
        let beside = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(
            beside.filter(|name| name != ".lockstep").collect::<Vec<_>>(),
            ["Contacts.jsonl"]
        );
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_another_is_writing_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let table = table(folder.path());
        fs::write(&table.path, "{\"id\":1}\n").unwrap();
        let (old, young) = (
            folder.path().join(".Contacts.jsonl.lockstep-0"),
            folder.path().join(".Contacts.jsonl.lockstep-1"),
        );
        File::create(&old)
            .unwrap()
            .set_modified(std::time::SystemTime::now() - 2 * LEFTOVER_AGE)
            .unwrap();
        fs::write(&young, "").unwrap();
        write(
            &table,
            &Numbers::of(folder.path(), "."),
            &[PropertyRef::new("name")],
            &[rename_one()],
            &mut vec![],
        );
        assert!(!old.exists() && young.exists());
    }
}
