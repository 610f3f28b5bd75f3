//! Elements of lists as records of their own: the lines of an order, the telephone numbers of a
//! person.
//!
//! `Orders[lines]` is a record type of any system that has `Orders` with a list `lines`, where the
//! project says by which property an element is told from the others of its list. Its records are
//! read with the record that they stand in, and a write to one of them is a write of that record's
//! list, with all else of the list as it stands. So they are added, changed and removed one by one.
//!
//! An element's id is that of the record that it stands in, a slash, and its own (`1001/3`; of a key
//! of several parts `1001/A/3`); its property `$parent` holds the former. What is a slash in an id is written `%2F` there, so that an id
//! begins with another's only where it stands in that one.

mod checkpoint;
mod list;
mod settings;
mod settled;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lockstep_model::flow::PropertyRef;
use lockstep_model::{PlainType, ReadRecord, Timestamp, TypeSchema, Value};

use self::list::{Applied, List};
pub use self::settings::PARENT;
pub(crate) use self::settings::{Kind, kinds, schemas, split};
use self::settled::Written;
use crate::key::{escaped, unescaped};
use crate::{
    Action, Answers, Call, Checkpoint, Connector, Heard, Named, Outcome, Page, Probe, Probed,
    ReadRequest, RecordFault, Settled, Traffic, Trouble, Write, WriteValue,
};

/// Batch size: the writes to one record's list are one write of that list.
const WRITES_AT_ONCE: usize = 100;
/// Maximum number of attempts for a list that changes between read and write.
const TRIES: usize = 4;
/// Number of lock stripes: lists of different stripes are written concurrently.
const STRIPES: usize = 32;

/// Whether the records of one kind are elements of lists of another's, at whatever depth.
pub fn stand_in(kind: &str, parent: &str) -> bool {
    kind.strip_prefix(parent).is_some_and(|rest| rest.starts_with('['))
}

/// What the ids of all elements of a record begin with.
pub fn ids_begin(parent_kind: &str, parent: &str) -> String {
    match parent_kind.ends_with(']') {
        true => format!("{parent}/"),
        false => format!("{}/", escaped(parent)),
    }
}

/// A connector whose lists are record types, too.
pub(crate) struct Elements {
    inner: Box<dyn Connector>,
    kinds: Vec<Kind>,
    types: Vec<TypeSchema>,
    /// Of each kind, who is writing to which of its lists: a list is read and written by one at a
    /// time.
    writing: Vec<[Mutex<()>; STRIPES]>,
    /// What versions of records have become by writes to their lists alone: such a write changes
    /// nothing that a decision on the record was made on, so the version that it was made on still
    /// holds (P6).
    superseded: Mutex<HashMap<(String, String), Versions>>,
    /// What has been written to lists of systems without versions that may show what was before.
    written: Written,
}

/// Versions of a record that writes to its lists have superseded, and the one that it has now.
type Versions = (Vec<String>, String);

impl Elements {
    pub fn over(inner: Box<dyn Connector>, kinds: Vec<Kind>) -> Result<Elements, Trouble> {
        let types = schemas(&kinds, inner.types().to_vec())?;
        let writing = kinds.iter().map(|_| std::array::from_fn(|_| Mutex::new(()))).collect();
        Ok(Elements {
            inner,
            kinds,
            types,
            writing,
            superseded: Mutex::default(),
            written: Written::default(),
        })
    }

    fn kind(&self, name: &str) -> Option<(usize, &Kind)> {
        self.kinds.iter().enumerate().find(|(_, kind)| kind.name == name)
    }

    fn is_of_elements(&self, name: &str) -> bool {
        self.kind(name).is_some()
    }

    /// What the ids of a record's elements begin with.
    fn beginning(kind: &Kind, parent: &str) -> String {
        ids_begin(&kind.parent, parent)
    }

    /// The id of the record that an element stands in, and what its own id begins with.
    fn parent_of<'i>(&self, kind: &Kind, id: &'i str) -> Option<(String, &'i str)> {
        let (at, _) = id.rmatch_indices('/').nth(kind.id.len() - 1)?;
        let parent = if self.is_of_elements(&kind.parent) {
            id[..at].to_string()
        } else {
            unescaped(&id[..at])
        };
        Some((parent, &id[..=at]))
    }

    /// How long the records of a kind may show what was before a write.
    fn settles_ms(&self, kind: &str) -> i64 {
        self.types.iter().find(|ty| ty.kind == kind).map_or(0, |ty| ty.settles_ms)
    }

    fn has_numbers(&self, kind: &str) -> bool {
        self.types.iter().any(|ty| ty.kind == kind && ty.numeric_ids == Some(true))
    }

    fn list<'k>(&'k self, kind: &'k Kind, parent: &'k ReadRecord) -> Result<List<'k>, String> {
        let value = parent.values.first().and_then(Option::as_ref);
        let described = self
            .types
            .iter()
            .find(|ty| ty.kind == kind.parent)
            .and_then(|ty| ty.property(&kind.list.path));
        let in_text = described.is_some_and(|property| property.ty == PlainType::String);
        let within = self
            .kinds
            .iter()
            .filter(|other| other.parent == kind.name)
            .map(|other| &other.list.path)
            .collect();
        List::of(
            (kind, within),
            &parent.id,
            Self::beginning(kind, &parent.id),
            (self.has_numbers(&kind.parent), in_text, self.inner.shows_all_there_is()),
            value,
        )
    }

    fn lock(&self, kind: usize, parent: &str) -> MutexGuard<'_, ()> {
        let stripe = xxhash_rust::xxh3::xxh3_64(parent.as_bytes()) as usize % STRIPES;
        self.writing[kind][stripe].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These records, in order. `Err` for one that can't be read, which says nothing of the others
    /// (R8).
    fn parents(
        &self,
        kind: &str,
        path: &[PropertyRef],
        ids: &[&str],
    ) -> Result<Vec<Result<Option<ReadRecord>, String>>, Trouble> {
        match self.get_many(kind, path, ids) {
            Ok(records) => {
                return Ok(ids.iter().zip(records).map(|(id, read)| itself(id, read)).collect());
            }
            Err(Trouble::Malformed(_)) => {}
            Err(trouble) => return Err(trouble),
        }
        let one = |id: &&str| match self.get(kind, path, id) {
            Err(Trouble::Malformed(message)) => Ok(Err(message)),
            read => read.map(|read| itself(id, read)),
        };
        ids.iter().map(one).collect()
    }

    /// A page of records in which elements stand, read for the elements that `part` names.
    fn read_parents(&self, request: ReadRequest<'_>, part: &str) -> Result<Page, Trouble> {
        match self.kind(request.kind) {
            Some((_, kind)) => self.read_elements(kind, request, part),
            None => self.inner.read_part(request, part),
        }
    }

    /// A page of elements. `part` names what the reading is for: these, or elements within them.
    fn read_elements(
        &self,
        kind: &Kind,
        request: ReadRequest<'_>,
        part: &str,
    ) -> Result<Page, Trouble> {
        let path = [kind.list.clone()];
        let (inner, mut damaged) =
            request.checkpoint.and_then(|checkpoint| checkpoint::resume(kind, checkpoint)).unzip();
        let mut page = self.read_parents(
            ReadRequest { kind: &kind.parent, watch: &path, checkpoint: inner.as_ref(), ..request },
            part,
        )?;
        let everything = page.everything;
        // Lists of which something could not be read are looked at again, as files are: what is
        // mended need not differ from what it was.
        let mut damaged = damaged.take().unwrap_or_default();
        let mut unreadable = Vec::new();
        if !everything {
            damaged.retain(|id| {
                !page.gone.contains(id) && page.records.iter().all(|record| record.id != *id)
            });
            let ids: Vec<&str> = damaged.iter().map(String::as_str).collect();
            let again = self.parents(&kind.parent, &path, &ids)?;
            for (id, read) in std::mem::take(&mut damaged).into_iter().zip(again) {
                match read {
                    Ok(record) => page.records.extend(record),
                    Err(message) => {
                        unreadable.push(RecordFault {
                            part: false,
                            place: format!("{}/{id}", kind.parent),
                            message,
                            id: None,
                        });
                        damaged.push(id);
                    }
                }
            }
        }
        let mut below = page.below;
        below.extend(page.gone.iter().map(|id| Self::beginning(kind, id)));
        // Which elements stand in a record that can't be read nobody knows.
        let faults = page.faults.into_iter().map(|fault| RecordFault { id: None, ..fault });
        let mut faults: Vec<RecordFault> = faults.chain(unreadable).collect();
        let mut records = Vec::new();
        for parent in &page.records {
            let (found, mut is_shown) = (faults.len(), true);
            match self.list(kind, parent) {
                _ if parent.deleted => {}
                Ok(list) => {
                    is_shown = list.untold().is_none();
                    list.records(request.watch, parent.modified, &mut records, &mut faults);
                }
                Err(message) => faults.push(RecordFault {
                    part: false,
                    place: format!("{}/{}", kind.parent, parent.id),
                    message,
                    id: None,
                }),
            }
            // R8: who is missing from a list in which something can't be told from the rest may be
            // just that.
            match faults.len() > found {
                true => {
                    damaged.push(parent.id.clone());
                    faults[found..]
                        .iter_mut()
                        .filter(|_| everything)
                        .for_each(|fault| fault.id = None);
                }
                false if !everything && is_shown => below.push(Self::beginning(kind, &parent.id)),
                false => {}
            }
        }
        let checkpoint = checkpoint::together(kind, page.checkpoint, damaged);
        Ok(Page { records, faults, gone: vec![], below, checkpoint, more: page.more, everything })
    }

    /// A write to a list of a record has made another version of it.
    fn has_become(&self, kind: &str, before: &ReadRecord, now: Option<&String>) {
        let (Some(before_it), Some(now)) = (&before.version, now) else { return };
        let mut superseded = self.superseded.lock().unwrap_or_else(PoisonError::into_inner);
        let (olds, newest) = superseded.entry((kind.to_string(), before.id.clone())).or_default();
        // Somebody else has changed it in between: what was known before that does not hold.
        if newest != before_it {
            olds.clear();
        }
        olds.push(before_it.clone());
        newest.clone_from(now);
    }

    /// The writes with the versions that theirs have become by writes to lists alone; `None` where
    /// there is no such write.
    fn with_versions_of_now(&self, kind: &str, writes: &[Write]) -> Option<Vec<Write>> {
        let superseded = self.superseded.lock().unwrap_or_else(PoisonError::into_inner);
        if superseded.is_empty() {
            return None;
        }
        let mut writes = writes.to_vec();
        for write in &mut writes {
            let (Action::Update { id, version } | Action::Delete { id, version }) =
                &mut write.action
            else {
                continue;
            };
            let Some((olds, newest)) = superseded.get(&(kind.to_string(), id.clone())) else {
                continue;
            };
            if version.as_ref().is_some_and(|version| olds.contains(version)) {
                *version = Some(newest.clone());
            }
        }
        Some(writes)
    }

    /// The writes by the records whose lists they are about, in order. What names no such record is
    /// answered at once.
    fn by_parent(
        &self,
        kind: &Kind,
        watch: &[PropertyRef],
        writes: &[Write],
        outcomes: &mut [Option<Outcome>],
    ) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for (at, write) in writes.iter().enumerate() {
            let parent = match &write.action {
                Action::Update { id, .. } | Action::Delete { id, .. } | Action::Restore { id } => {
                    self.parent_of(kind, id).map(|(parent, _)| parent)
                }
                Action::Create => {
                    let given =
                        write.values.iter().find(|value| watch[value.prop].path.as_str() == PARENT);
                    given.and_then(|given| lockstep_model::id_text::id_text(&given.value))
                }
            };
            let Some(parent) = parent else {
                outcomes[at] = Some(match write.action {
                    Action::Create => Outcome::Rejected {
                        prop: watch.iter().position(|watched| watched.path.as_str() == PARENT),
                        message: format!(
                            "an element of {} needs {PARENT}: the record that it is to stand in",
                            kind.name
                        ),
                    },
                    _ => Outcome::Gone {
                        message: format!("there is no element of {} with this id", kind.name),
                    },
                });
                continue;
            };
            match known.get(&parent) {
                Some(group) => groups[*group].writes.push(at),
                None => {
                    known.insert(parent.clone(), groups.len());
                    groups.push(Group { parent, writes: vec![at] });
                }
            }
        }
        groups
    }

    /// Writes to elements. `part` names what they are for: these, or elements within them.
    fn write_elements(
        &self,
        (at, described): (usize, &Kind),
        watch: &[PropertyRef],
        writes: &[Write],
        part: &str,
    ) -> Vec<Outcome> {
        let mut outcomes: Vec<Option<Outcome>> = writes.iter().map(|_| None).collect();
        let groups = self.by_parent(described, watch, writes, &mut outcomes);
        // What replaces its file whole takes all lists in one go; of others each list is a request.
        let together = if self.batch(&described.parent) > 1 { groups.len().max(1) } else { 1 };
        let mut groups = groups.into_iter();
        loop {
            let some: Vec<Group> = groups.by_ref().take(together).collect();
            let Some(first) = some.first() else { break };
            let _writing = self.lock(at, if together > 1 { "" } else { &first.parent });
            let mut open: Vec<(Group, String)> =
                some.into_iter().map(|group| (group, String::new())).collect();
            for _ in 0..TRIES {
                let some = open.into_iter().map(|(group, _)| group).collect();
                open = self.write_lists(described, watch, writes, (some, part), &mut outcomes);
                if open.is_empty() {
                    break;
                }
            }
            for (group, message) in open {
                let message = format!(
                    "{} of {} changes all the time: {message}",
                    described.list, group.parent
                );
                let later = Outcome::Later { retry_after_ms: Some(1_000), message };
                group.writes.into_iter().for_each(|at| outcomes[at] = Some(later.clone()));
            }
        }
        let unreached = || Outcome::Later { retry_after_ms: None, message: "not reached".into() };
        outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(unreached)).collect()
    }

    /// Writes to the lists of these records, which are read first; gives those that changed
    /// meanwhile.
    fn write_lists(
        &self,
        kind: &Kind,
        watch: &[PropertyRef],
        writes: &[Write],
        (groups, part): (Vec<Group>, &str),
        outcomes: &mut [Option<Outcome>],
    ) -> Vec<(Group, String)> {
        let path = [kind.list.clone()];
        let ids: Vec<&str> = groups.iter().map(|group| group.parent.as_str()).collect();
        let parents = match self.parents(&kind.parent, &path, &ids) {
            Ok(parents) => parents,
            Err(trouble) => {
                let all = groups.iter().flat_map(|group| &group.writes);
                all.for_each(|at| outcomes[*at] = Some(failed_to_read(&trouble)));
                return vec![];
            }
        };
        let (mut sent, mut under_way) = (Vec::new(), Vec::new());
        for (group, parent) in groups.into_iter().zip(parents) {
            let parent = match parent {
                Ok(parent) => parent,
                Err(message) => {
                    let later = Outcome::Later { retry_after_ms: None, message };
                    group.writes.iter().for_each(|at| outcomes[*at] = Some(later.clone()));
                    continue;
                }
            };
            let Some(parent) = parent.filter(|parent| !parent.deleted) else {
                let message = format!("{} has no record {}", kind.parent, group.parent);
                for at in &group.writes {
                    outcomes[*at] = Some(match writes[*at].action {
                        Action::Create => {
                            Outcome::Rejected { prop: None, message: message.clone() }
                        }
                        _ => Outcome::Gone { message: message.clone() },
                    });
                }
                continue;
            };
            let parent = self.written.newest(&kind.name, parent);
            let mut list = match self.list(kind, &parent) {
                Ok(list) => list,
                Err(message) => {
                    group.writes.iter().for_each(|at| {
                        outcomes[*at] =
                            Some(Outcome::Rejected { prop: None, message: message.clone() })
                    });
                    continue;
                }
            };
            let mut applied: Vec<(usize, Applied)> = Vec::new();
            for &at in &group.writes {
                match list.apply(watch, &writes[at]) {
                    Ok(done) => applied.push((at, done)),
                    Err(outcome) => outcomes[at] = Some(outcome),
                }
            }
            if applied.is_empty() {
                continue;
            }
            let token = applied
                .iter()
                .map(|(at, _)| writes[*at].token.as_str())
                .collect::<Vec<_>>()
                .join("+");
            let value =
                WriteValue { prop: 0, value: list.written(), displaced: Value::Null.into() };
            let action = Action::Update { id: parent.id.clone(), version: parent.version.clone() };
            sent.push(Write { action, values: vec![value], token });
            under_way.push((group, parent, applied));
        }
        let mut again = Vec::new();
        let answers = sent
            .chunks(self.batch(&kind.parent).max(1))
            .flat_map(|some| self.write_part(&kind.parent, &path, some, part));
        let answers: Vec<Outcome> = answers.collect();
        for ((sent, (group, parent, applied)), answer) in sent.iter().zip(under_way).zip(answers) {
            match answer {
                Outcome::Done(answer) => {
                    self.has_become(&kind.parent, &parent, answer.version.as_ref());
                    let settles_ms = self.settles_ms(&kind.parent);
                    self.written.note(&kind.name, &parent, &sent.values[0].value, settles_ms);
                    let shown = answer
                        .values
                        .first()
                        .cloned()
                        .flatten()
                        .unwrap_or_else(|| sent.values[0].value.clone());
                    let parent = ReadRecord {
                        values: vec![Some(shown)],
                        modified: answer.modified,
                        ..parent
                    };
                    let list = self.list(kind, &parent).ok();
                    for (at, done) in applied {
                        outcomes[at] =
                            Some(Outcome::Done(list::answer(list.as_ref(), &done, watch)));
                    }
                }
                Outcome::Conflict { message } => {
                    let writes = applied.into_iter().map(|(at, _)| at).collect();
                    again.push((Group { parent: group.parent, writes }, message));
                }
                other => applied
                    .into_iter()
                    .for_each(|(at, _)| outcomes[at] = Some(of_list(kind, &other))),
            }
        }
        again
    }
}

/// R9: the record that was asked for. Where its system shows another one in its place, nothing can
/// be said of its elements, and nothing be written to them.
fn itself(id: &str, read: Option<ReadRecord>) -> Result<Option<ReadRecord>, String> {
    match read {
        Some(other) if other.id != id => Err(format!(
            "the system shows {} in place of {id}, whose elements it is asked for",
            other.id
        )),
        read => Ok(read),
    }
}

/// The writes to the elements of one list.
struct Group {
    parent: String,
    writes: Vec<usize>,
}

/// What an answer about a list says of the writes to its elements.
fn of_list(kind: &Kind, answer: &Outcome) -> Outcome {
    match answer {
        Outcome::Rejected { message, .. } => Outcome::Rejected {
            prop: None,
            message: format!("{} of {}: {message}", kind.list, kind.parent),
        },
        Outcome::Duplicate { message, .. } => {
            Outcome::Rejected { prop: None, message: message.clone() }
        }
        other => other.clone(),
    }
}

fn failed_to_read(trouble: &Trouble) -> Outcome {
    match trouble {
        Trouble::Busy { retry_after_ms, message } => {
            Outcome::Later { retry_after_ms: *retry_after_ms, message: message.clone() }
        }
        other => Outcome::Stopped(other.clone()),
    }
}

impl Connector for Elements {
    fn types(&self) -> &[TypeSchema] {
        &self.types
    }

    fn read(&self, request: ReadRequest<'_>) -> Result<Page, Trouble> {
        let Some((_, kind)) = self.kind(request.kind) else {
            let page = self.inner.read(request)?;
            // From now on these are known by the versions that they are shown with.
            let mut superseded = self.superseded.lock().unwrap_or_else(PoisonError::into_inner);
            if !superseded.is_empty() {
                page.records.iter().for_each(|record| {
                    drop(superseded.remove(&(request.kind.to_string(), record.id.clone())))
                });
            }
            return Ok(page);
        };
        self.read_elements(kind, request, &kind.name)
    }

    fn get(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        id: &str,
    ) -> Result<Option<ReadRecord>, Trouble> {
        let Some((_, described)) = self.kind(kind) else { return self.inner.get(kind, watch, id) };
        let Some((parent, _)) = self.parent_of(described, id) else { return Ok(None) };
        let path = std::slice::from_ref(&described.list);
        let read = self.get(&described.parent, path, &parent)?;
        let Some(parent) = itself(&parent, read).map_err(Trouble::Malformed)? else {
            return Ok(None);
        };
        let list = self.list(described, &parent).map_err(Trouble::Malformed)?;
        list.record(id, watch, parent.modified).map_err(Trouble::Malformed)
    }

    fn get_many(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        ids: &[&str],
    ) -> Result<Vec<Option<ReadRecord>>, Trouble> {
        match self.is_of_elements(kind) {
            true => ids.iter().map(|id| self.get(kind, watch, id)).collect(),
            false => self.inner.get_many(kind, watch, ids),
        }
    }

    fn find(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        prop: usize,
        value: &Value,
    ) -> Result<Option<Vec<ReadRecord>>, Trouble> {
        if self.is_of_elements(kind) { Ok(None) } else { self.inner.find(kind, watch, prop, value) }
    }

    fn write(&self, kind: &str, watch: &[PropertyRef], writes: &[Write]) -> Vec<Outcome> {
        if let Some(place) = self.kind(kind) {
            return self.write_elements(place, watch, writes, kind);
        }
        match self.with_versions_of_now(kind, writes) {
            Some(writes) => self.inner.write(kind, watch, &writes),
            None => self.inner.write(kind, watch, writes),
        }
    }

    fn write_part(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        writes: &[Write],
        part: &str,
    ) -> Vec<Outcome> {
        match self.kind(kind) {
            Some(place) => self.write_elements(place, watch, writes, part),
            None => self.inner.write_part(kind, watch, writes, part),
        }
    }

    fn batch(&self, kind: &str) -> usize {
        match self.kind(kind) {
            Some((_, described)) => self.batch(&described.parent).max(WRITES_AT_ONCE),
            None => self.inner.batch(kind),
        }
    }

    fn answers(&self, kind: &str, creates: bool) -> Answers {
        match self.kind(kind) {
            Some((_, described)) => self.answers(&described.parent, false),
            None => self.inner.answers(kind, creates),
        }
    }

    fn changes_since(&self, kind: &str, since: Timestamp) -> Option<Checkpoint> {
        match self.kind(kind) {
            Some((_, described)) => self
                .changes_since(&described.parent, since)
                .map(|inner| checkpoint::together(described, inner, vec![])),
            None => self.inner.changes_since(kind, since),
        }
    }

    fn hear(&self, call: &Call) -> Heard {
        match self.inner.hear(call) {
            Heard::Hint(mut named) => {
                // What changed of a record may be an element of it.
                for kind in &self.kinds {
                    if named.iter().any(|named| named.kind == kind.parent) {
                        named.push(Named { kind: kind.name.clone(), id: None });
                    }
                }
                Heard::Hint(named)
            }
            other => other,
        }
    }

    fn probe(&self, kind: &str, probe: Probe<'_>) -> Result<Option<Probed>, Trouble> {
        if self.is_of_elements(kind) { Ok(None) } else { self.inner.probe(kind, probe) }
    }

    fn test(&self) -> Result<String, Trouble> {
        self.inner.test()
    }

    fn account(&self) -> Result<Option<String>, Trouble> {
        self.inner.account()
    }

    fn knows_own_writes(&self) -> bool {
        self.inner.knows_own_writes()
    }

    fn is_down(&self) -> bool {
        self.inner.is_down()
    }

    fn types_fail_alone(&self) -> bool {
        self.inner.types_fail_alone()
    }

    fn gone_is_certain(&self) -> bool {
        self.inner.gone_is_certain()
    }

    fn shows_all_there_is(&self) -> bool {
        self.inner.shows_all_there_is()
    }

    fn tells_faults_each_time(&self) -> bool {
        self.inner.tells_faults_each_time()
    }

    fn listen_at(&self, url: &str, kinds: &[String]) -> Result<Option<u64>, Trouble> {
        // Who wants to know of elements wants to know of the records that have them.
        let parent = |kind: &String| match self.kinds.iter().find(|own| own.name == *kind) {
            Some(own) => own.parent.clone(),
            None => kind.clone(),
        };
        let kinds: BTreeSet<String> = kinds.iter().map(parent).collect();
        self.inner.listen_at(url, &kinds.into_iter().collect::<Vec<_>>())
    }

    fn makes_no_calls(&self) -> Option<&str> {
        self.inner.makes_no_calls()
    }

    fn wants_an_address(&self) -> bool {
        self.inner.wants_an_address()
    }

    fn pace(&self) -> Option<String> {
        self.inner.pace()
    }

    fn to_settle(&self) -> Vec<Settled> {
        self.inner.to_settle()
    }

    fn traffic(&self) -> Traffic {
        self.inner.traffic()
    }

    fn at_once(&self) -> usize {
        self.inner.at_once()
    }
}
