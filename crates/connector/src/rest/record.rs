//! One record: fetched by its id, found by a value, and read out of an answer, with ids in the place
//! of the names that it refers by (P8).

use lockstep_model::flow::PropertyRef;
use lockstep_model::id_text::id_text;
use lockstep_model::value::is_empty;
use lockstep_model::{ReadRecord, Reported, Timestamp, UnknownTime};
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_64;

use super::answer::Answer;
use super::connected::Rest;
use super::errors::says_error;
use super::ids::{apart, id_in, id_variables, with_etag, with_parent};
use super::paged::page_request;
use super::refer::{by, refers_by_name};
use super::value::{at, locate, text};
use super::walk::{Listed, Next, Walk};
use super::written::{FindYaml, GetYaml, Mark as Deleted, Meaning, Paging, TypeYaml};
use super::{errors, value};
use crate::Trouble;
use crate::mark::says;

/// A time of change is not finer than this where nothing else is known.
pub(super) const RESOLUTION_MS: i64 = 1_000;
/// Maximum number of pages that a look-up is followed through.
const MOST_PAGES_FOUND: usize = 20;

/// Why a record that was shown can't be taken in.
pub(super) enum Unread {
    /// It is no object, or has no id.
    NoId,
    /// It has a time of change in no known form.
    Time { id: String, shown: Value },
    /// Its id holds a secret of ours.
    Secret,
    /// It could not be read by itself.
    Alone { id: String, why: String },
}

impl Unread {
    pub(super) fn told(&self, ty: &TypeYaml, id_place: &str) -> String {
        match self {
            Unread::NoId => format!(
                "it has no `{id_place}`, so it can't be told apart from others; it is left out"
            ),
            Unread::Time { id, shown } => format!(
                "{id} has {shown} at `{}`, which is no time in a known form; it is left out. Say its form with `modified-form`, or leave \
                 out `modified`",
                ty.modified.as_deref().unwrap_or_default()
            ),
            Unread::Secret => "its id holds a key of this project; it is left out".into(),
            Unread::Alone { id, why } => format!("{id} is listed and can't be read: {why}"),
        }
    }
}

impl Rest {
    /// A system's record as the hub takes it.
    pub(super) fn read_record(
        &self,
        ty: &TypeYaml,
        watch: &[PropertyRef],
        body: &Value,
    ) -> Result<ReadRecord, Unread> {
        let Some(id) = id_in(ty, body) else { return Err(Unread::NoId) };
        let modified = modified(ty, body).map_err(|UnknownTime| {
            let shown =
                ty.modified.as_ref().and_then(|place| at(body, place)).cloned().unwrap_or_default();
            Unread::Time { id: id.clone(), shown }
        })?;
        let place = |place: &Option<String>| place.as_ref().and_then(|place| at(body, place));
        let deleted = ty
            .deleted
            .as_ref()
            .is_some_and(|mark| at(body, &mark.at).is_some_and(|found| mark.fits(found)));
        let mut values: Vec<Option<Value>> = watch
            .iter()
            .map(|watched| locate(ty, watched).and_then(|l| l.read(body, ty.absent_is_empty)))
            .collect();
        if refers_by_name(ty) && !watch.is_empty() {
            self.with_ids(ty, watch, &mut values)
                .map_err(|trouble| Unread::Alone { id: id.clone(), why: trouble.to_string() })?;
        }
        let mut version = place(&ty.version).and_then(text);
        if self.client.echoes() {
            // R5: what holds a secret is as if it were not told, and neither stored nor passed on.
            let keeps = |value: &Value| !self.client.gives_away(value);
            if !keeps(&json!(id)) {
                return Err(Unread::Secret);
            }
            values.iter_mut().for_each(|value| *value = value.take().filter(keeps));
            version = version.filter(|version| keeps(&json!(version)));
        }
        Ok(ReadRecord { id, version, modified: modified.map(|time| time.at), deleted, values })
    }

    /// The same for an answer to a write, which is done however the answer looks; `None` if it has
    /// no id.
    pub(super) fn record(
        &self,
        ty: &TypeYaml,
        watch: &[PropertyRef],
        body: &Value,
    ) -> Option<ReadRecord> {
        match self.read_record(ty, watch, body) {
            Err(Unread::Time { .. }) => {
                let mut body = body.clone();
                let place = ty.modified.as_deref().unwrap_or_default();
                super::value::put(&mut body, place, Value::Null);
                self.read_record(ty, watch, &body).ok()
            }
            read => read.ok(),
        }
    }

    /// One record's body by its id; `None` if the system says that it is not there. An error is no
    /// such word, whatever its status.
    pub(super) fn fetch(
        &self,
        ty: &TypeYaml,
        get: &GetYaml,
        id: &str,
    ) -> Result<Option<Value>, Trouble> {
        self.fetch_patiently(ty, get, id, false)
    }

    pub(super) fn fetch_patiently(
        &self,
        ty: &TypeYaml,
        get: &GetYaml,
        id: &str,
        patience: bool,
    ) -> Result<Option<Value>, Trouble> {
        if ty.parent.is_some() && !id.contains('/') {
            // R3: known from another interface. That it can't be asked for is no word that it is
            // gone.
            return Err(Trouble::Malformed(format!(
                "{}: the ids of these records have the form PARENT/ID, and {id} has not: it can't be asked for, and is not taken for deleted",
                self.client.name(&get.request, &self.client.context(id_variables(ty, id)))
            )));
        }
        let found =
            self.fetch_with(get, id_variables(ty, id).to_vec(), Some((ty, id)), patience)?;
        let found = match (found, apart(ty, id)) {
            (Some(body), Some((parent, _))) => Some(with_parent(&body, parent)),
            (found, _) => found,
        };
        if let Some(body) = &found
            && id_in(ty, body).is_none()
        {
            return Err(Trouble::Malformed(format!(
                "{}: expected the record {id}, and the answer has no `{}`: it is taken neither for the record nor for its deletion",
                self.client.name(&get.request, &self.client.context(id_variables(ty, id))),
                ty.id
            )));
        }
        Ok(found)
    }

    /// What a request for one record gives. Of several, the one of this type and id, if it is
    /// named.
    pub(super) fn fetch_with(
        &self,
        get: &GetYaml,
        variables: Vec<(&'static str, Value)>,
        wanted: Option<(&TypeYaml, &str)>,
        patience: bool,
    ) -> Result<Option<Value>, Trouble> {
        let context = self.client.context(variables);
        let named = self.client.name(&get.request, &context);
        let answer = self.client.read_one(&get.request, &context, patience)?;
        if errors::meaning(&self.manifest, &answer)
            .is_some_and(|(meaning, _)| meaning == Meaning::Gone)
        {
            return Ok(None);
        }
        if let Some(trouble) = errors::trouble_with_one(&self.manifest, &named, &answer) {
            return Err(trouble);
        }
        let no_record = |why: &str| {
            Err(Trouble::Malformed(format!(
                "{named}: expected a record, and {why}: that is no word that it was deleted. Where it is one, say `means: gone` in `errors`"
            )))
        };
        let absent = || match says_error(&answer.body) {
            Some(error) => no_record(&format!("the answer has an error ({error})")),
            None => Ok(None),
        };
        match at(&answer.body, get.item.as_deref().unwrap_or("")) {
            Some(Value::Array(found)) => {
                let ids = |body: &&Value| {
                    wanted.is_some_and(|(ty, id)| {
                        at(body, &ty.id).and_then(id_text).is_some_and(|own| is_id(ty, id, &own))
                    })
                };
                match (found.iter().find(ids), found.as_slice()) {
                    (Some(record), _) => Ok(Some(with_etag(record.clone(), &answer))),
                    // R3: a list at a place that the manifest names is the answer of a search.
                    (None, []) if get.item.is_some() => absent(),
                    (None, []) => no_record("the answer is an empty list"),
                    (None, [only]) => Ok(Some(with_etag(only.clone(), &answer))),
                    (None, _) => no_record("the answer has several others"),
                }
            }
            // The place is there, and says that it holds none.
            Some(Value::Null) if get.item.is_some() => absent(),
            Some(Value::Object(record)) if !record.is_empty() => {
                Ok(Some(with_etag(Value::Object(record.clone()), &answer)))
            }
            _ => match says_error(&answer.body) {
                Some(error) => no_record(&format!("the answer has an error ({error})")),
                None => no_record("the answer has none"),
            },
        }
    }

    /// The records that hold this value; `None` where the manifest has no look-up by it.
    pub(super) fn look_up(
        &self,
        ty: &TypeYaml,
        watch: &[PropertyRef],
        prop: usize,
        value: &Value,
    ) -> Result<Option<Vec<ReadRecord>>, Trouble> {
        let Some(located) = value::locate(ty, &watch[prop]) else { return Ok(None) };
        let Some(find) = ty.find.get(located.path) else { return Ok(None) };
        // A system's search may find more than was asked for: what is like the value, and what is
        // deleted.
        let holds = |record: &ReadRecord| {
            let held = record.values[prop].as_ref();
            held.is_some_and(|held| match held {
                Value::Array(elements) => {
                    elements.iter().any(|element| value::same_text(element, value))
                }
                held => value::same_text(held, value),
            })
        };
        let mut found = Vec::new();
        for (body, named) in self.found_by(ty, find, value)? {
            match self.read_record(ty, watch, &body) {
                Ok(record) if !record.deleted && holds(&record) => found.push(record),
                Ok(_) => {}
                // It may be the one that is looked for.
                Err(unread) => return Err(unclear(&named, &unread.told(ty, &ty.id))),
            }
        }
        Ok(Some(found))
    }

    /// What a look-up shows, from its first page to its last, each with the request that it came
    /// by. C2: an answer that does not say what was found, or that there is more and not where, is
    /// no word that there is nothing.
    fn found_by(
        &self,
        ty: &TypeYaml,
        find: &FindYaml,
        value: &Value,
    ) -> Result<Vec<(Value, String)>, Trouble> {
        let paging = match (&find.paging, &ty.list.paging) {
            (Some(paging), _) => paging,
            // The address of a next page is whole: it can be followed without another word.
            (None, listed @ (Paging::Next { .. } | Paging::Link { .. })) => listed,
            (None, _) => &Paging::None,
        };
        let limit = paging.limit(0);
        let (mut walk, mut found) = (Walk::default(), vec![]);
        for _ in 0..MOST_PAGES_FOUND {
            let (mut asked, mut variables) =
                page_request(&find.request, paging, &walk, None, limit, None);
            if let Some(Next::Address(address)) = &walk.next {
                asked.path.clone_from(address);
                asked.query.clear();
            }
            variables.push(("value", value.clone()));
            let context = self.client.context(variables);
            let named = self.client.name(&find.request, &context);
            self.wait_for_budget(find.budget.as_ref());
            let answer = self.client.read_one(&asked, &context, false)?;
            if errors::meaning(&self.manifest, &answer)
                .is_some_and(|(meaning, _)| meaning == Meaning::Gone)
            {
                return Ok(found);
            }
            if let Some(trouble) = errors::trouble(&self.manifest, &named, &answer) {
                return Err(trouble);
            }
            let shown = shown_by(ty, find, &named, &answer)?;
            let listed = Listed {
                paging,
                named: &named,
                limit,
                answer: &answer,
                items: shown,
                id: &ty.id,
                first: None,
                whole: false,
            };
            if find.paging.is_none()
                && Walk::tells_of_more(Listed { paging: &ty.list.paging, ..listed })
            {
                return Err(unclear(
                    &named,
                    "there is more than the answer shows: say `paging` in `find`",
                ));
            }
            found.extend(shown.iter().map(|body| (body.clone(), named.clone())));
            let next_address =
                |address: &str| self.client.resolved(&find.request, &answer, address);
            let goes_on = walk.pass(listed, false, &next_address);
            if !goes_on.map_err(|trouble| unclear(&named, &trouble.to_string()))? {
                return Ok(found);
            }
        }
        Err(Trouble::Busy {
            retry_after_ms: None,
            message: format!(
                "{}: more than {MOST_PAGES_FOUND} pages were found: the look-up does not ask for one value alone",
                self.client.name(&find.request, &self.client.context([("value", value.clone())]))
            ),
        })
    }

    /// The values of a record with ids in the place of names. A name that nobody has stays as it
    /// is: a reference that leads nowhere.
    fn with_ids(
        &self,
        ty: &TypeYaml,
        watch: &[PropertyRef],
        values: &mut [Option<Value>],
    ) -> Result<(), Trouble> {
        for (watched, value) in watch.iter().zip(values) {
            let Some((kind, path)) = locate(ty, watched).and_then(|located| by(located.property))
            else {
                continue;
            };
            let Some(value) = value else { continue };
            match value {
                Value::Array(list) => {
                    for one in list {
                        *one = self.id_of(kind, path, one)?;
                    }
                }
                one => *one = self.id_of(kind, path, one)?,
            }
        }
        Ok(())
    }

    fn id_of(&self, kind: &str, path: &str, name: &Value) -> Result<Value, Trouble> {
        let Some(text) = id_text(name).filter(|_| !is_empty(name)) else { return Ok(name.clone()) };
        if let Some(id) = self.names.known(kind, &text) {
            return Ok(json!(id));
        }
        let found = self.look_up(self.ty(kind)?, &[PropertyRef::new(path)], 0, name)?;
        match found.as_deref() {
            Some([only]) => {
                self.names.learn(kind, &text, &only.id);
                Ok(json!(only.id))
            }
            Some([]) | None => Ok(name.clone()),
            Some(several) => Err(Trouble::Malformed(format!(
                "{} records of {kind} have {name} at `{path}`: it is not said which is meant",
                several.len()
            ))),
        }
    }
}

fn unclear(named: &str, why: &str) -> Trouble {
    let message = format!("{named}: expected what was found, and {why}");
    Trouble::Busy { retry_after_ms: None, message }
}

/// The records that an answer to a look-up shows.
fn shown_by<'a>(
    ty: &TypeYaml,
    find: &FindYaml,
    named: &str,
    answer: &'a Answer,
) -> Result<&'a [Value], Trouble> {
    Ok(match value::at(&answer.body, find.item.as_deref().unwrap_or("")) {
        _ if answer.status == 204 => &[],
        Some(Value::Array(found)) if !found.is_empty() => found.as_slice(),
        Some(one @ Value::Object(map)) if !map.is_empty() && id_in(ty, one).is_some() => {
            std::slice::from_ref(one)
        }
        found => match (says_error(&answer.body), found) {
            (Some(error), _) => {
                return Err(unclear(named, &format!("the answer has an error: {error}")));
            }
            (None, Some(Value::Array(_))) => &[],
            (None, Some(Value::Null)) if find.item.is_some() => &[],
            (None, _) => return Err(unclear(named, "the answer has neither a record nor a list")),
        },
    })
}

/// What makes values of what the system shows, as a number that differs when it does (R1).
pub(super) fn layout(ty: &TypeYaml) -> u64 {
    let times = (&ty.modified, &ty.modified_form, &ty.created);
    let mut text = format!("{:?}", (&ty.id, &ty.parent, &ty.deleted, ty.absent_is_empty, times));
    for (path, own) in &ty.properties {
        let shape = (own.list, &own.value, &own.primary, &own.none);
        let refers = (&own.reference, &own.reference_by);
        text.push_str(&format!("\n{path} {:?}", (&own.at, &own.modified, shape, refers)));
    }
    xxh3_64(text.as_bytes())
}

/// Whether an id in an answer is the one asked for, which may have its parent's before it.
fn is_id(ty: &TypeYaml, wanted: &str, own: &str) -> bool {
    wanted == own || apart(ty, wanted).is_some_and(|(_, wanted)| wanted == own)
}

/// The time of a record's last change.
pub(super) fn modified(ty: &TypeYaml, body: &Value) -> Result<Option<Reported>, UnknownTime> {
    let Some(value) = ty.modified.as_ref().and_then(|place| at(body, place)) else {
        return Ok(None);
    };
    let Some(form) = &ty.modified_form else { return Timestamp::read(value) };
    let text = match value {
        Value::Null => return Ok(None),
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        value => text(value).ok_or(UnknownTime)?,
    };
    let parsed = jiff::fmt::strtime::parse(form, text.trim()).map_err(|_| UnknownTime)?;
    let offset = parsed.offset().unwrap_or(jiff::tz::Offset::UTC);
    let (time, date) = (parsed.to_datetime(), || parsed.to_date().map(|date| date.at(0, 0, 0, 0)));
    let at = time
        .or_else(|_| date())
        .and_then(|local| offset.to_timestamp(local))
        .map_err(|_| UnknownTime)?;
    let resolution_ms = match form {
        form if !["%H", "%I", "%T", "%R"].iter().any(|hours| form.contains(hours)) => 86_400_000,
        form if !["%S", "%T"].iter().any(|seconds| form.contains(seconds)) => 60_000,
        _ => RESOLUTION_MS,
    };
    Ok(Some(Reported { at: Timestamp(at.as_millisecond()), resolution_ms }))
}

impl Deleted {
    fn fits(&self, found: &Value) -> bool {
        let one_of = |values: &[Value]| values.iter().any(|value| says(value, found));
        one_of(&self.is) || (!self.is_not.is_empty() && !is_empty(found) && !one_of(&self.is_not))
    }
}
