//! What every connector must do, as a suite of checks that runs against any of them (one contract
//! suite per trait).
//!
//! A connector's tests make a [`Subject`]: the connector, a record type, and a few values to write.
//! [`check`] then works with it the way the hub does: lists everything, reads changes, creates,
//! looks up, updates, meets a conflict, deletes. It writes records of its own and deletes them
//! again where the connector can.
//!
//! Every check panics with what was promised and what came. It relies on the trait alone, so it
//! does not know how a system rounds or trims: [`lockstep_model::value::equal_as`] and the schema's
//! word on how a value is stored decide (P3).

use std::collections::HashMap;

use lockstep_model::flow::PropertyRef;
use lockstep_model::value::{as_stored, effective, equal_as, is_empty};
use lockstep_model::{PlainType, ReadRecord, TypeSchema, Value};

use crate::{
    Action, Checkpoint, Connector, Outcome, Page, ReadRequest, Trouble, Write, WriteValue,
};

/// More pages than any test system has: a listing that does not end is a fault, not a long test.
const MOST_PAGES: usize = 10_000;

/// A connector under test.
pub struct Subject<'a> {
    pub connector: &'a dyn Connector,
    pub kind: &'a str,
    /// Resolved paths of properties.
    pub watch: Vec<PropertyRef>,
    /// One list of values for each record to create, in the order of `watch`; `Null` leaves the
    /// property out. At least two.
    pub creates: Vec<Vec<Value>>,
    /// A watched property and the value that an update is to give it.
    pub update: (usize, Value),
    /// An id that no record has, in a form that the system would accept.
    pub unknown_id: &'a str,
    /// Updates with a version that is not the latest are refused (P6).
    pub refuses_stale_versions: bool,
}

/// What a whole reading gave.
#[derive(Debug)]
pub struct Reading {
    /// By id, as last shown.
    pub records: HashMap<String, ReadRecord>,
    pub gone: Vec<String>,
    pub faults: Vec<crate::RecordFault>,
    pub checkpoint: Checkpoint,
    /// The last page belonged to a listing of everything.
    pub everything: bool,
    pub pages: usize,
}

/// Reads pages until there is no more.
///
/// # Errors
/// What the connector gives.
///
/// # Panics
/// When a page breaks its promises.
pub fn read_all(
    connector: &dyn Connector,
    kind: &str,
    watch: &[PropertyRef],
    from: Option<Checkpoint>,
    page_size: usize,
) -> Result<Reading, Trouble> {
    let mut reading = Reading {
        records: HashMap::new(),
        gone: Vec::new(),
        faults: Vec::new(),
        checkpoint: from.clone().unwrap_or_default(),
        everything: false,
        pages: 0,
    };
    let mut checkpoint = from;
    loop {
        let Page { records, faults, gone, checkpoint: next, more, everything, .. } = connector
            .read(ReadRequest { kind, watch, checkpoint: checkpoint.as_ref(), page_size })?;
        for record in records {
            assert!(
                !record.id.is_empty(),
                "{kind}: a record without an id was given: it should be a fault"
            );
            assert_eq!(
                record.values.len(),
                watch.len(),
                "{kind} {}: not one value for each watched property",
                record.id
            );
            if record.deleted {
                reading.records.remove(&record.id);
                reading.gone.push(record.id);
            } else {
                reading.records.insert(record.id.clone(), record);
            }
        }
        reading.faults.extend(faults);
        reading.gone.extend(gone);
        reading.pages += 1;
        (reading.checkpoint, reading.everything) = (next.clone(), everything);
        if !more {
            return Ok(reading);
        }
        assert!(reading.pages < MOST_PAGES, "{kind}: the listing does not end: {}", next.text);
        checkpoint = Some(next);
    }
}

/// Runs every check on the subject.
///
/// # Panics
/// When the connector breaks the contract.
pub fn check(subject: &Subject<'_>) {
    let schema = describes_what_is_watched(subject);
    subject
        .connector
        .test()
        .unwrap_or_else(|trouble| panic!("the connection does not work: {trouble}"));
    let first = lists_the_same_in_pages_of_any_size(subject);
    gets_what_it_lists(subject, schema, &first);
    reads_no_more_than_there_is_news(subject, &first);
    unknown_kinds_are_trouble(subject);
    if !schema.can.create {
        return;
    }
    let created = creates(subject, schema);
    finds_by_value(subject, schema, &created);
    if schema.can.update {
        updates(subject, schema, &created[0]);
    }
    if schema.can.delete {
        deletes(subject, schema, &first, created);
    }
}

fn describes_what_is_watched<'a>(subject: &Subject<'a>) -> &'a TypeSchema {
    let schema = subject.connector.types().iter().find(|schema| schema.kind == subject.kind);
    let schema = schema.unwrap_or_else(|| panic!("{} is not among the record types", subject.kind));
    for property in &subject.watch {
        let resolved = schema.resolve(&property.path);
        assert_eq!(
            resolved.as_ref(),
            Some(&property.path),
            "{}: `{}` is not a resolved path",
            subject.kind,
            property.path
        );
    }
    assert!(subject.connector.batch(subject.kind) > 0, "{}: a batch of nothing", subject.kind);
    schema
}

fn all(subject: &Subject<'_>, from: Option<Checkpoint>, page_size: usize) -> Reading {
    read_all(subject.connector, subject.kind, &subject.watch, from, page_size)
        .unwrap_or_else(|trouble| panic!("{}: reading: {trouble}", subject.kind))
}

fn lists_the_same_in_pages_of_any_size(subject: &Subject<'_>) -> Reading {
    let large = all(subject, None, 1000);
    assert!(!large.records.is_empty(), "{}: the test system has no records to list", subject.kind);
    for page_size in [1, 2] {
        let small = all(subject, None, page_size);
        assert_eq!(
            small.records, large.records,
            "{}: pages of {page_size} list something else",
            subject.kind
        );
    }
    large
}

fn gets_what_it_lists(subject: &Subject<'_>, schema: &TypeSchema, listed: &Reading) {
    if !schema.can.get {
        return;
    }
    let mut ids: Vec<&String> = listed.records.keys().collect();
    ids.sort();
    for id in ids.into_iter().take(3) {
        let got = get(subject, id)
            .unwrap_or_else(|| panic!("{} {id} is listed but not there", subject.kind));
        for (prop, (got, listed)) in got.values.iter().zip(&listed.records[id].values).enumerate() {
            // A list may tell less of a record than the record itself.
            if listed.is_some() {
                assert_eq!(
                    got, listed,
                    "{} {id} `{}`: got, listed",
                    subject.kind, subject.watch[prop]
                );
            }
        }
    }
    assert_eq!(
        get(subject, subject.unknown_id),
        None,
        "{}: a record that is not there was got",
        subject.kind
    );
}

fn get(subject: &Subject<'_>, id: &str) -> Option<ReadRecord> {
    let got = subject.connector.get(subject.kind, &subject.watch, id);
    let got = got.unwrap_or_else(|trouble| panic!("{} {id}: get: {trouble}", subject.kind));
    if let Some(record) = &got {
        assert_eq!(
            record.id, id,
            "{}: another record than the one that was asked for",
            subject.kind
        );
        assert_eq!(
            record.values.len(),
            subject.watch.len(),
            "{} {id}: not one value for each watched property",
            subject.kind
        );
    }
    got
}

/// R1: reading on from the last checkpoint shows nothing that is not there, and forgets nothing.
fn reads_no_more_than_there_is_news(subject: &Subject<'_>, first: &Reading) {
    let again = all(subject, Some(first.checkpoint.clone()), 1000);
    assert_eq!(
        again.gone,
        Vec::<String>::new(),
        "{}: records are gone though nothing was deleted",
        subject.kind
    );
    for (id, record) in &again.records {
        let before = first
            .records
            .get(id)
            .unwrap_or_else(|| panic!("{} {id} came from nowhere", subject.kind));
        assert_eq!(
            record.values, before.values,
            "{} {id}: other values though nothing changed",
            subject.kind
        );
    }
    if again.everything {
        assert_eq!(
            again.records.len(),
            first.records.len(),
            "{}: a listing of everything lacks something",
            subject.kind
        );
    }
}

fn unknown_kinds_are_trouble(subject: &Subject<'_>) {
    let request =
        ReadRequest { kind: "NoSuchRecordType", watch: &[], checkpoint: None, page_size: 10 };
    match subject.connector.read(request) {
        Err(Trouble::Misconfigured(message)) => {
            assert!(
                message.contains("NoSuchRecordType"),
                "the message does not name the record type: {message}"
            );
        }
        other => panic!("a record type that is not there should be a misconfiguration: {other:?}"),
    }
}

fn write(subject: &Subject<'_>, writes: &[Write]) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for some in writes.chunks(subject.connector.batch(subject.kind)) {
        outcomes.extend(subject.connector.write(subject.kind, &subject.watch, some));
    }
    assert_eq!(outcomes.len(), writes.len(), "{}: not one outcome for each write", subject.kind);
    outcomes
}

fn done(subject: &Subject<'_>, outcome: Outcome) -> ReadRecord {
    match outcome {
        Outcome::Done(record) => record,
        other => panic!("{}: not done: {other:?}", subject.kind),
    }
}

/// Whether a property holds what was written, in the system's own terms (P3).
fn holds(
    schema: &TypeSchema,
    property: &PropertyRef,
    held: Option<&Value>,
    written: &Value,
) -> bool {
    let described = schema.describe(&property.path);
    let ty = described.map_or(PlainType::Any, |described| described.ty);
    let stored = described.map_or_else(Default::default, |described| described.stored_as);
    let held = held.unwrap_or(&Value::Null);
    let whole = written.is_array();
    equal_as(ty, effective(held, whole), &as_stored(written.clone(), stored))
}

/// C1: a created record is complete, and the outcome tells its id.
fn creates(subject: &Subject<'_>, schema: &TypeSchema) -> Vec<ReadRecord> {
    let writes: Vec<Write> = subject
        .creates
        .iter()
        .enumerate()
        .map(|(at, values)| Write {
            action: Action::Create,
            values: values
                .iter()
                .enumerate()
                .filter(|(_, value)| !is_empty(value))
                .map(|(prop, value)| WriteValue {
                    prop,
                    value: value.clone(),
                    displaced: Value::Null.into(),
                })
                .collect(),
            token: format!("contract-create-{at}"),
        })
        .collect();
    let created: Vec<ReadRecord> =
        write(subject, &writes).into_iter().map(|outcome| done(subject, outcome)).collect();
    let listed = all(subject, None, 1000);
    for (record, values) in created.iter().zip(&subject.creates) {
        let id = &record.id;
        let shown = listed
            .records
            .get(id)
            .unwrap_or_else(|| panic!("{} {id} was created but is not listed", subject.kind));
        for (prop, value) in values.iter().enumerate().filter(|(_, value)| !is_empty(value)) {
            let property = &subject.watch[prop];
            for (from, held) in
                [("listed", &shown.values[prop]), ("answered", &record.values[prop])]
            {
                let untold = from == "answered" && held.is_none();
                assert!(
                    untold || holds(schema, property, held.as_ref(), value),
                    "{} {id} `{property}`: created with {value}, {from} {held:?}",
                    subject.kind
                );
            }
        }
    }
    let mut ids: Vec<&str> = created.iter().map(|record| record.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), created.len(), "{}: two records were given the same id", subject.kind);
    created
}

fn finds_by_value(subject: &Subject<'_>, schema: &TypeSchema, created: &[ReadRecord]) {
    for (prop, value) in subject.creates[0].iter().enumerate().filter(|(_, value)| !is_empty(value))
    {
        let found = subject.connector.find(subject.kind, &subject.watch, prop, value);
        match found.unwrap_or_else(|trouble| {
            panic!("{}: find `{}`: {trouble}", subject.kind, subject.watch[prop])
        }) {
            None => {}
            Some(found) => {
                assert!(
                    schema.can.find,
                    "{}: it finds, but the schema says it can't",
                    subject.kind
                );
                let ids: Vec<&str> = found.iter().map(|record| record.id.as_str()).collect();
                let (id, path) = (created[0].id.as_str(), &subject.watch[prop]);
                assert!(
                    ids.contains(&id),
                    "{}: looking for {value} in `{path}` finds {ids:?}, not {id}",
                    subject.kind
                );
            }
        }
    }
}

fn updates(subject: &Subject<'_>, schema: &TypeSchema, created: &ReadRecord) {
    let id = &created.id;
    let before = get(subject, id)
        .unwrap_or_else(|| panic!("{} {id} was created but is not there", subject.kind));
    let (prop, value) = &subject.update;
    let displaced =
        effective(before.values[*prop].as_ref().unwrap_or(&Value::Null), value.is_array()).clone();
    let update = |version: Option<String>, value: &Value, displaced: &Value| Write {
        action: Action::Update { id: id.clone(), version },
        values: vec![WriteValue {
            prop: *prop,
            value: value.clone(),
            displaced: displaced.clone().into(),
        }],
        token: "contract-update".into(),
    };
    let answer = done(
        subject,
        write(subject, &[update(before.version.clone(), value, &displaced)]).remove(0),
    );
    assert_eq!(answer.id, *id, "{}: the outcome of an update names another record", subject.kind);
    let after = get(subject, id)
        .unwrap_or_else(|| panic!("{} {id} is not there after an update", subject.kind));
    assert!(
        holds(schema, &subject.watch[*prop], after.values[*prop].as_ref(), value),
        "{} {id}: {after:?}",
        subject.kind
    );
    for (other, (was, is)) in before.values.iter().zip(&after.values).enumerate() {
        assert!(
            other == *prop || was == is,
            "{} {id} `{}`: changed by a write that does not concern it",
            subject.kind,
            subject.watch[other]
        );
    }
    // P6: what was decided on a state that is not there any more is not written.
    if subject.refuses_stale_versions {
        let stale = write(subject, &[update(before.version.clone(), &displaced, value)]).remove(0);
        assert!(
            matches!(stale, Outcome::Conflict { .. }),
            "{} {id}: an older version was overwritten: {stale:?}",
            subject.kind
        );
        assert_eq!(
            get(subject, id).map(|record| record.values),
            Some(after.values),
            "{} {id}: a refused write left a trace",
            subject.kind
        );
    }
    let mut nobody = update(None, value, &Value::Null);
    nobody.action = Action::Update { id: subject.unknown_id.into(), version: None };
    let outcome = write(subject, &[nobody]).remove(0);
    assert!(
        matches!(outcome, Outcome::Gone { .. }),
        "{}: an update of nobody: {outcome:?}",
        subject.kind
    );
}

/// A deleted record is not got and not listed; that it is deleted already is no failure.
fn deletes(subject: &Subject<'_>, schema: &TypeSchema, before: &Reading, created: Vec<ReadRecord>) {
    let checkpoint = all(subject, None, 1000).checkpoint;
    for record in &created {
        let delete = Write {
            action: Action::Delete { id: record.id.clone(), version: None },
            values: Vec::new(),
            token: "contract-delete".into(),
        };
        done(subject, write(subject, std::slice::from_ref(&delete)).remove(0));
        assert_eq!(
            get(subject, &record.id),
            None,
            "{} {} was deleted but is there",
            subject.kind,
            record.id
        );
        let again = write(subject, &[delete]).remove(0);
        assert!(
            matches!(again, Outcome::Gone { .. } | Outcome::Done(_)),
            "{}: deleted twice: {again:?}",
            subject.kind
        );
    }
    let after = all(subject, Some(checkpoint), 1000);
    for record in &created {
        assert!(
            !after.records.contains_key(&record.id),
            "{} {} was deleted but is shown",
            subject.kind,
            record.id
        );
        let told = after.gone.contains(&record.id);
        assert!(
            told || !schema.can.tells_deletions,
            "{} {}: its deletion is not told",
            subject.kind,
            record.id
        );
    }
    let left = all(subject, None, 1000);
    assert_eq!(
        left.records.len(),
        before.records.len(),
        "{}: others than the created ones went",
        subject.kind
    );
}
