//! Any JSON-over-HTTP system, described in a manifest: which requests list, read and write its
//! records, where in the answers things are, and what answers mean. The built-in manifests are in
//! `systems/`; [`written`] is the language.

mod ahead;
mod budget;
mod bulk;
pub mod draft;
mod effect;
mod errors;
mod form;
mod hooks;
mod http;
mod jwt;
mod link;
mod pace;
mod place;
mod probe;
mod read;
mod refer;
mod register;
mod secrets;
mod sign_in;
mod sound;
mod template;
mod tokens;
mod value;
mod walk;
mod write;
pub mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use lockstep_model::flow::PropertyRef;
use lockstep_model::schema::KnownFrom;
use lockstep_model::schema::StoredAs;
use lockstep_model::{
    Capabilities, Kind, Path, PlainType, PropertySchema, ReadRecord, Timestamp, TypeSchema, Value,
};
use serde_json::{Map, json};

use self::http::Client;
pub use self::place::Fault;
pub use self::sign_in::SigningIn;
use self::written::{KindWord, Manifest, TypeWord, TypeYaml};
use crate::vault::Keep;
use crate::{
    Answers, Call, Checkpoint, Connector, Heard, Outcome, Page, Probe, Probed, ReadRequest,
    Settled, Traffic, Trouble, Write,
};

/// A connected system that a manifest describes.
pub struct Rest {
    manifest: Manifest,
    client: Client,
    schemas: Vec<TypeSchema>,
    calls: hooks::Calls,
    registration: register::Registration,
    secrets: secrets::Secrets,
    restarts: Restarts,
    seals: Seals,
    /// When a creation was sent last, by its path, where the manifest wants a pause between two.
    created: Mutex<BTreeMap<String, std::time::Instant>>,
    /// Blank records that creations begin with, by their paths.
    blanks: Mutex<BTreeMap<String, (std::time::Instant, Value)>>,
    /// Settings that the last sign-in told.
    told: Mutex<Vec<(String, String)>>,
    /// Pages that were asked for before their turn.
    ahead: ahead::Ahead,
    /// The budgets of lists, by their names.
    budgets: Mutex<BTreeMap<String, budget::Budget>>,
    /// Ids of what is referred to by name.
    names: refer::Names,
}

/// Record types whose listing has begun anew and not ended since: it does so once.
#[derive(Default)]
struct Restarts(Mutex<BTreeSet<String>>);

impl Restarts {
    /// Whether it may begin anew.
    fn begin(&self, kind: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(kind.to_string())
    }

    fn end(&self, kind: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(kind);
    }
}

/// Texts that hold a secret and that a checkpoint needs: they are known in this process only, by a
/// number.
#[derive(Default)]
struct Seals(Mutex<BTreeMap<String, String>>);

const SEAL: &str = "sealed:";

impl Seals {
    fn seal(&self, text: &str) -> String {
        let seal = format!("{SEAL}{:x}", xxhash_rust::xxh3::xxh3_64(text.as_bytes()));
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Of listings that go on, the last page of each is needed.
        if known.len() >= 1_000 {
            known.clear();
        }
        known.insert(seal.clone(), text.to_string());
        seal
    }

    /// The text again; as it is where it was not sealed, and nothing where another process did.
    fn open(&self, text: &str) -> Option<String> {
        if !text.starts_with(SEAL) {
            return Some(text.to_string());
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(text).cloned()
    }
}

/// Reads a manifest.
pub fn parse(name: &str, text: &str) -> Result<Manifest, Trouble> {
    examine(text).map_err(|faults| {
        let told: Vec<String> = faults.iter().map(|fault| fault.told(text)).collect();
        Trouble::Misconfigured(format!("the manifest {name}: {}", told.join("\n")))
    })
}

/// The same.
///
/// # Errors
/// All that is wrong, each at its place in the text; one problem where it is no manifest at all.
pub fn examine(text: &str) -> Result<Manifest, Vec<Fault>> {
    let manifest = serde_saphyr::from_str(text).map_err(|error| {
        let span = error.location().and_then(|location| {
            let span = location.span();
            let start = usize::try_from(span.byte_offset()?)
                .ok()
                .filter(|start| text.is_char_boundary(*start))?;
            let end = start + usize::try_from(span.byte_len()?).ok()?;
            Some(start..if text.is_char_boundary(end) { end } else { start })
        });
        let told = error.without_snippet().to_string();
        vec![Fault { message: if span.is_some() { without_place(&told) } else { told }, span }]
    })?;
    sound::settle(manifest, text)
}

/// A message less the place at its end or beginning, which is told otherwise.
fn without_place(told: &str) -> String {
    let told = told.split(" at line ").next().unwrap_or(told);
    match told.strip_prefix("error: line ").and_then(|rest| rest.split_once(": ")) {
        Some((_, rest)) => rest.to_string(),
        None => told.to_string(),
    }
}

impl Rest {
    /// Connects by a manifest. Nothing is asked of the system yet.
    pub fn open(manifest: Manifest, given: &Map<String, Value>) -> Result<Rest, Trouble> {
        Rest::open_kept(manifest, given, None)
    }

    /// The same with a place to keep tokens in.
    pub fn open_kept(
        manifest: Manifest,
        given: &Map<String, Value>,
        keep: Option<Keep>,
    ) -> Result<Rest, Trouble> {
        let settings = settings(&manifest, given, true)?;
        let secrets = secrets::Secrets::of(&manifest, &settings);
        let client = Client::new(&manifest, settings, keep)
            .map_err(|trouble| secrets.in_trouble(trouble, &[]))?;
        Ok(Rest {
            secrets,
            schemas: schemas(&manifest),
            client,
            manifest,
            calls: hooks::Calls::default(),
            registration: register::Registration::default(),
            restarts: Restarts::default(),
            seals: Seals::default(),
            created: Mutex::default(),
            blanks: Mutex::default(),
            told: Mutex::default(),
            ahead: ahead::Ahead::default(),
            budgets: Mutex::default(),
            names: refer::Names::default(),
        })
    }

    fn ty(&self, kind: &str) -> Result<&TypeYaml, Trouble> {
        self.manifest.types.get(kind).ok_or_else(|| {
            let known = self.manifest.types.keys().cloned().collect::<Vec<_>>().join(", ");
            Trouble::Misconfigured(format!(
                "{} has no record type `{kind}`; it has {known}",
                self.manifest.title
            ))
        })
    }
}

impl Rest {
    /// Secrets that the system itself has given.
    fn given_secrets(&self) -> Vec<String> {
        self.client.tokens().into_iter().chain(self.registration.secret()).collect()
    }

    /// Keeps secrets out of what went wrong.
    fn covered<T>(&self, result: Result<T, Trouble>) -> Result<T, Trouble> {
        result.map_err(|trouble| self.secrets.in_trouble(trouble, &self.given_secrets()))
    }

    fn tried(&self) -> Result<String, Trouble> {
        let get = written::RequestYaml { path: self.manifest.test.clone(), ..Default::default() };
        let context = self.client.context([]);
        let answer = self.client.read(&get, &context)?;
        match errors::trouble(&self.manifest, &self.client.name(&get), &answer) {
            Some(trouble) => Err(trouble),
            None => {
                let notices: String =
                    self.manifest.notices.iter().filter_map(|notice| self.notice(notice)).collect();
                Ok(format!(
                    "{} at {} answers, and takes the key{notices}",
                    self.manifest.title,
                    self.client.server()
                ))
            }
        }
    }

    /// What is to be told of this account, if anything.
    fn notice(&self, notice: &written::Notice) -> Option<String> {
        let answer = self.client.try_once(&notice.request, &self.client.context([]))?;
        let answered = errors::meaning(&self.manifest, &answer).is_none();
        let word = value::at(&answer.body, &notice.at).and_then(value::text).filter(|_| answered);
        let says = word
            .and_then(|word| notice.says.get(&word))
            .or_else(|| notice.says.get("otherwise"))?;
        Some(format!("; {says}"))
    }

    /// Asks what the manifest wants to have settled.
    fn asked_to_settle(&self, question: &written::Question) -> Settled {
        let mut expected = match question.status.as_slice() {
            [] => "status 200".to_string(),
            all => format!(
                "status {}",
                all.iter().map(u16::to_string).collect::<Vec<_>>().join(" or ")
            ),
        };
        if let Some(place) = &question.at {
            let values = question.is.iter().map(Value::to_string).collect::<Vec<_>>().join(" or ");
            let what = if values.is_empty() { "something".into() } else { values };
            expected = format!("{expected} with {what} at `{place}`");
        }
        let settled = |came: String, holds: Option<bool>| Settled {
            what: question.what.clone(),
            expected,
            came,
            holds,
        };
        let id = match &question.of {
            None => None,
            Some(kind) => match self.first_id(kind) {
                Ok(Some(id)) => Some(id),
                Ok(None) => {
                    return settled(
                        format!("nothing: there is no record of {kind} to ask about"),
                        None,
                    );
                }
                Err(trouble) => return settled(format!("nothing: {trouble}"), None),
            },
        };
        let ty = question.of.as_ref().and_then(|kind| self.manifest.types.get(kind));
        let variables = ty
            .zip(id.as_ref())
            .map(|(ty, id)| read::id_variables(ty, id).to_vec())
            .unwrap_or_default();
        let answer =
            match self.client.read_one(&question.request, &self.client.context(variables), true) {
                Ok(answer) => answer,
                Err(trouble) => return settled(trouble.to_string(), Some(false)),
            };
        let shown = question.at.as_ref().map(|place| value::at(&answer.body, place));
        let fits_status = match question.status.as_slice() {
            [] => answer.status == 200,
            all => all.contains(&answer.status),
        };
        let fits_value = shown.is_none_or(|shown| match shown {
            None | Some(Value::Null) => question.is.contains(&Value::Null),
            Some(shown) => question.is.is_empty() || question.is.contains(shown),
        });
        // A place that is no value itself is told by its kind: what a record holds is nobody's
        // business here.
        let came = match (shown, &question.at) {
            (Some(None), Some(place)) => format!("status {} without `{place}`", answer.status),
            (Some(Some(Value::Object(_))), _) => {
                format!("status {} with an object there", answer.status)
            }
            (Some(Some(Value::Array(list))), _) => {
                format!("status {} with a list of {} there", answer.status, list.len())
            }
            (Some(Some(Value::String(_))), _) if question.is.is_empty() => {
                format!("status {} with a text there", answer.status)
            }
            (Some(Some(value)), _) => format!("status {} with {value} there", answer.status),
            (None, _) | (_, None) => format!("status {}", answer.status),
        };
        let words =
            errors::words(&answer.body).filter(|_| !fits_status).map(|words| format!(" ({words})"));
        settled(came + &words.unwrap_or_default(), Some(fits_status && fits_value))
    }

    /// The id of the first record that a list shows.
    fn first_id(&self, kind: &str) -> Result<Option<String>, Trouble> {
        let page =
            self.next_page(ReadRequest { kind, watch: &[], checkpoint: None, page_size: 1 })?;
        Ok(page.records.into_iter().find(|record| !record.deleted).map(|record| record.id))
    }

    /// The id of the account, where the manifest says how to ask for it.
    fn account_id(&self) -> Result<Option<String>, Trouble> {
        let Some(account) = &self.manifest.account else { return Ok(None) };
        let context = self.client.context([]);
        let answer = self.client.read(&account.request, &context)?;
        let name = self.client.name(&account.request);
        if let Some(trouble) = errors::trouble(&self.manifest, &name, &answer) {
            return Err(trouble);
        }
        match Path::new(&account.at).get(&answer.body) {
            Some(Value::String(id)) if !id.trim().is_empty() => Ok(Some(id.trim().to_string())),
            Some(Value::Number(id)) => Ok(Some(id.to_string())),
            _ => Err(Trouble::Malformed(format!(
                "{name} does not tell whose account it is: there is no id at `{}`",
                account.at
            ))),
        }
    }

    fn got(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        id: &str,
    ) -> Result<Option<ReadRecord>, Trouble> {
        let ty = self.ty(kind)?;
        if let Some(get) = &ty.get {
            let Some(body) = self.fetch(ty, get, id)? else { return Ok(None) };
            let record = self.read_record(ty, watch, &body).map_err(|unread| {
                Trouble::Malformed(format!(
                    "{}: {}",
                    self.client.name(&get.request),
                    unread.told(ty, &ty.id)
                ))
            })?;
            return Ok(Some(record).filter(|record| !record.deleted));
        }
        // Only the list has it.
        let (mut checkpoint, mut unread) = (None, None);
        loop {
            let page = self.next_page(ReadRequest {
                kind,
                watch,
                checkpoint: checkpoint.as_ref(),
                page_size: 0,
            })?;
            if let Some(found) = page.records.into_iter().find(|record| record.id == id) {
                return Ok(Some(found).filter(|record| !record.deleted));
            }
            unread = unread.or(page
                .faults
                .into_iter()
                .find(|fault| fault.id.as_deref().is_none_or(|known| known == id)));
            match (page.more, unread) {
                (true, kept) => unread = kept,
                (false, None) => return Ok(None),
                // What can't be read may be the one.
                (false, Some(fault)) => {
                    return Err(Trouble::Malformed(format!("{}: {}", fault.place, fault.message)));
                }
            }
            checkpoint = Some(page.checkpoint);
        }
    }

    fn written(&self, kind: &str, watch: &[PropertyRef], writes: &[Write]) -> Vec<Outcome> {
        let Ok(ty) = self.ty(kind) else {
            return writes.iter().map(|write| self.write_one(kind, watch, write)).collect();
        };
        let mut outcomes = Vec::with_capacity(writes.len());
        while let Some(first) = writes.get(outcomes.len()) {
            let rest = &writes[outcomes.len()..];
            let same = |write: &&Write| {
                std::mem::discriminant(&write.action) == std::mem::discriminant(&first.action)
            };
            let together = rest.iter().take_while(same).count();
            match self.bulk_of(ty, &first.action) {
                Some(bulk) if together > 1 => {
                    outcomes.extend(self.write_bulk(
                        ty,
                        bulk,
                        watch,
                        &rest[..together.min(bulk.1.most)],
                    ));
                }
                _ => outcomes.push(self.write_one_of(ty, watch, first)),
            }
        }
        outcomes
    }

    /// The records that hold this value; `None` where the manifest has no look-up by it.
    fn look_up(
        &self,
        ty: &TypeYaml,
        watch: &[PropertyRef],
        prop: usize,
        value: &Value,
    ) -> Result<Option<Vec<ReadRecord>>, Trouble> {
        let Some(located) = value::locate(ty, &watch[prop]) else { return Ok(None) };
        let Some(find) = ty.find.get(located.path) else { return Ok(None) };
        let context = self.client.context([("value", value.clone())]);
        let named = self.client.name(&find.request);
        let answer = self.client.read_one(&find.request, &context, false)?;
        if errors::meaning(&self.manifest, &answer)
            .is_some_and(|(meaning, _)| meaning == written::Meaning::Gone)
        {
            return Ok(Some(vec![]));
        }
        if let Some(trouble) = errors::trouble(&self.manifest, &named, &answer) {
            return Err(trouble);
        }
        // C2: an answer that does not say what was found is no word that there is nothing.
        let unclear = |why: String| {
            let message = format!("{named}: expected what was found, and {why}");
            Err(Trouble::Busy { retry_after_ms: None, message })
        };
        let shown = match value::at(&answer.body, find.item.as_deref().unwrap_or("")) {
            _ if answer.status == 204 => &[],
            Some(Value::Array(found)) if !found.is_empty() => found.as_slice(),
            Some(one @ Value::Object(map)) if !map.is_empty() && read::id_in(ty, one).is_some() => {
                std::slice::from_ref(one)
            }
            found => match (read::says_error(&answer.body), found) {
                (Some(error), _) => return unclear(format!("the answer has an error: {error}")),
                (None, Some(Value::Array(_))) => &[],
                (None, Some(Value::Null)) if find.item.is_some() => &[],
                (None, _) => return unclear("the answer has neither a record nor a list".into()),
            },
        };
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
        for body in shown {
            match self.read_record(ty, watch, body) {
                Ok(record) if !record.deleted && holds(&record) => found.push(record),
                Ok(_) => {}
                // It may be the one that is looked for.
                Err(unread) => return unclear(unread.told(ty, &ty.id)),
            }
        }
        Ok(Some(found))
    }
}

/// The settings with their defaults. An unknown one is told with the known ones; so is a missing
/// one, if they are `needed`.
pub fn settings(
    manifest: &Manifest,
    given: &Map<String, Value>,
    needed: bool,
) -> Result<Map<String, Value>, Trouble> {
    const COMMON: [&str; 3] = ["timeout_s", "rate_per_second", "at_once"];
    let known = || {
        manifest.settings.keys().map(String::as_str).chain(COMMON).collect::<Vec<_>>().join(", ")
    };
    let mut settings = Map::new();
    // A request that waits for longer than a day, or for no time at all, is a mistake.
    for (name, least, most) in [
        ("timeout_s", 0.001, 86_400.0),
        ("rate_per_second", 0.001, 100_000.0),
        ("at_once", 1.0, 64.0),
    ] {
        let open =
            |value: &Value| value.as_str().is_some_and(|text| !needed && text.contains("${"));
        let Some(value) = given.get(name).filter(|value| !open(value)) else { continue };
        if !number(given, name).is_some_and(|number| (least..=most).contains(&number)) {
            return Err(Trouble::Misconfigured(format!(
                "`{name}` is {value}: a number from {least} to {most} is expected"
            )));
        }
    }
    for (name, value) in given {
        if !manifest.settings.contains_key(name) && !COMMON.contains(&name.as_str()) {
            return Err(Trouble::Misconfigured(format!(
                "{} has no setting `{name}`; it has {}",
                manifest.title,
                known()
            )));
        }
        settings.insert(name.clone(), value.clone());
    }
    for (name, setting) in &manifest.settings {
        if settings
            .get(name)
            .is_some_and(|value| !matches!(value, Value::String(text) if text.is_empty()))
        {
            continue;
        }
        match &setting.default {
            Some(default) => drop(settings.insert(name.clone(), json!(default))),
            None if setting.unless.as_ref().is_some_and(|other| is_given(given, other)) => {}
            None if needed => {
                return Err(Trouble::Misconfigured(format!(
                    "{} needs the setting `{name}`: {}",
                    manifest.title, setting.what
                )));
            }
            None => {}
        }
    }
    // A default may follow from other settings: an address from an address. It sees what was given,
    // and plain defaults.
    let given = Value::Object(settings.clone());
    for setting in settings.values_mut() {
        if let Value::String(text) = setting
            && (text.contains("{%") || text.contains("{{"))
            && manifest.settings.values().any(|known| known.default.as_deref() == Some(text))
        {
            *text = template::render(text, &given).map_err(Trouble::Misconfigured)?;
        }
    }
    Ok(settings)
}

/// Whether a setting has a value, be it one that comes from the environment.
pub fn is_given(given: &Map<String, Value>, name: &str) -> bool {
    given.get(name).is_some_and(|value| !value.is_null() && value.as_str() != Some(""))
}

/// A setting that is a number, also where it came as text out of an environment variable.
fn number(settings: &Map<String, Value>, name: &str) -> Option<f64> {
    settings.get(name).and_then(|v| v.as_str().map_or(v.as_f64(), |text| text.trim().parse().ok()))
}

/// The record types of a manifest, as the plan of flows needs them.
pub fn schemas(manifest: &Manifest) -> Vec<TypeSchema> {
    manifest.types.iter().map(|(kind, ty)| schema(kind, ty, manifest.complete)).collect()
}

/// How long a creation of unknown outcome may still be under way where the manifest states no delay
/// (C2).
const UNSTATED_MS: i64 = 60_000;

fn schema(kind: &str, ty: &TypeYaml, complete: bool) -> TypeSchema {
    let properties = ty
        .properties
        .iter()
        .map(|(path, p)| PropertySchema {
            path: Path::new(path),
            ty: p.ty.map_or(PlainType::String, plain),
            list: p.list,
            value: p.value.clone(),
            derived_from: p.derived_from.as_deref().map(Path::new),
            read_only: p.read_only,
            create_only: p.create_only,
            required: p.required,
            reference: p.reference.clone(),
            kind: p.kind.map_or(Kind::Seen, kind_of),
            // The primary element is put first; where none is marked, lists of objects are sets
            // like any other.
            ordered: p.ordered || p.primary.is_some(),
            assumed: p.ty.is_none() && !complete,
            stored_as: StoredAs {
                trimmed: p.trimmed,
                caseless: p.caseless,
                max_chars: p.max_chars,
                ..StoredAs::default()
            },
            modified: p.modified.as_deref().map(Path::new),
            note: p.note.clone(),
        })
        .collect();
    TypeSchema {
        kind: kind.into(),
        properties,
        known_from: KnownFrom::Declaration,
        open: false,
        can: Capabilities {
            create: ty.create.is_some(),
            update: ty.update.is_some(),
            delete: ty.delete.is_some(),
            since: ty.changes.is_some(),
            find: !ty.find.is_empty(),
            get: ty.get.is_some(),
            tells_deletions: ty.gone.is_some()
                || ty.deleted.as_ref().is_some_and(|mark| mark.told_by_changes),
        },
        absent_is_empty: ty.absent_is_empty,
        settles_ms: ty.settles_ms.unwrap_or(0),
        unknown_ms: ty.settles_ms.unwrap_or(UNSTATED_MS),
        created: ty.created.as_deref().map(Path::new),
        tells_times: ty.modified.is_some(),
        numeric_ids: ty
            .properties
            .get(&ty.id)
            .and_then(|id| id.ty)
            .map(|word| matches!(word, TypeWord::Integer)),
        note: ty.note.clone(),
        ..TypeSchema::open(kind)
    }
}

fn kind_of(word: KindWord) -> Kind {
    match word {
        KindWord::Text => Kind::Text,
        KindWord::Exact => Kind::Exact,
        KindWord::Email => Kind::Email,
        KindWord::Phone => Kind::Phone,
        KindWord::Url => Kind::Url,
        KindWord::Number => Kind::Number,
        KindWord::Boolean => Kind::Boolean,
        KindWord::Date => Kind::Date,
        KindWord::Instant => Kind::Instant,
    }
}

fn plain(word: TypeWord) -> PlainType {
    match word {
        TypeWord::String => PlainType::String,
        TypeWord::Integer => PlainType::Integer,
        TypeWord::Float => PlainType::Float,
        TypeWord::Decimal => PlainType::Decimal,
        TypeWord::Boolean => PlainType::Boolean,
        TypeWord::List => PlainType::List,
        TypeWord::Datetime => PlainType::Datetime,
        TypeWord::Date => PlainType::Date,
        TypeWord::Minutes => PlainType::Minutes,
        TypeWord::Any => PlainType::Any,
    }
}

impl Connector for Rest {
    fn types(&self) -> &[TypeSchema] {
        &self.schemas
    }

    fn test(&self) -> Result<String, Trouble> {
        self.covered(self.tried())
    }

    fn gone_is_certain(&self) -> bool {
        false
    }

    fn to_settle(&self) -> Vec<Settled> {
        let secrets = self.given_secrets();
        let covered =
            |text: String| match self.secrets.in_trouble(Trouble::Malformed(text), &secrets) {
                Trouble::Malformed(text) => text,
                other => other.to_string(),
            };
        let settled = self.manifest.to_settle.iter().map(|question| self.asked_to_settle(question));
        settled.map(|settled| Settled { came: covered(settled.came), ..settled }).collect()
    }

    fn account(&self) -> Result<Option<String>, Trouble> {
        self.covered(self.account_id())
    }

    fn read(&self, request: ReadRequest<'_>) -> Result<Page, Trouble> {
        self.covered(self.next_page(request))
    }

    fn get(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        id: &str,
    ) -> Result<Option<ReadRecord>, Trouble> {
        self.covered(self.got(kind, watch, id))
    }

    fn find(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        prop: usize,
        value: &Value,
    ) -> Result<Option<Vec<ReadRecord>>, Trouble> {
        self.covered(self.ty(kind).and_then(|ty| self.look_up(ty, watch, prop, value)))
    }

    fn hear(&self, call: &Call) -> Heard {
        self.heard(call)
    }

    fn listen_at(&self, url: &str) -> Result<Option<u64>, Trouble> {
        self.covered(self.listen(url))
    }

    fn wants_an_address(&self) -> bool {
        self.manifest.webhook.as_ref().is_some_and(|hook| hook.register.is_some())
    }

    fn pace(&self) -> Option<String> {
        let rate = &self.manifest.rate;
        let own = number(&self.client.settings, "rate_per_second");
        let limits = [
            own.or(rate.per_second).map(|n| format!("{n} a second")),
            rate.per_minute.map(|n| format!("{n} a minute")),
            rate.per_day.map(|n| format!("{n} a day")),
            Some(format!("{} at once", self.client.at_once())),
        ];
        let limits: Vec<String> = limits.into_iter().flatten().collect();
        (!limits.is_empty()).then(|| limits.join(", "))
    }

    fn probe(&self, kind: &str, probe: Probe<'_>) -> Result<Option<Probed>, Trouble> {
        self.covered(self.probed(kind, probe))
    }

    fn changes_since(&self, kind: &str, since: Timestamp) -> Option<Checkpoint> {
        self.ty(kind).ok()?.changes.as_ref()?;
        Some(read::checkpoint_since(since))
    }

    fn traffic(&self) -> Traffic {
        self.client.traffic()
    }

    fn answers(&self, kind: &str, creates: bool) -> Answers {
        let Ok(ty) = self.ty(kind) else { return Answers::Believed };
        let how = if creates { &ty.create } else { &ty.update };
        match how.as_ref() {
            Some(how) if how.read_after == Some(true) && ty.get.is_some() => Answers::Stored,
            // A request for many would be followed by one for each of them.
            Some(how) if how.read_after.is_none() && how.bulk.is_none() => Answers::Unsure,
            _ => Answers::Believed,
        }
    }

    fn write(&self, kind: &str, watch: &[PropertyRef], writes: &[Write]) -> Vec<Outcome> {
        // P5a: no page that was asked for before is taken for what is there now.
        self.ahead.forget_all();
        let outcomes = self.written(kind, watch, writes);
        let tokens = self.given_secrets();
        outcomes.into_iter().map(|outcome| self.secrets.in_outcome(outcome, &tokens)).collect()
    }

    fn at_once(&self) -> usize {
        self.client.at_once()
    }

    fn batch(&self, kind: &str) -> usize {
        let most =
            |how: &Option<written::WriteYaml>| how.as_ref()?.bulk.as_ref().map(|bulk| bulk.most);
        self.ty(kind).ok().and_then(|ty| most(&ty.create).max(most(&ty.update))).unwrap_or(1)
    }
}
