//! Reading: pages of everything, or of what changed since the last reading.
//!
//! The time from which the next reading asks is the server's own clock at the first request of this one (its `Date` header), less the
//! overlap that the manifest gives: it is never later than what was listed, and needs no clock here (R1).

use lockstep_model::flow::PropertyRef;
use lockstep_model::id_text::id_text;
use lockstep_model::{ReadRecord, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::http::Answer;
use super::value::{at, locate, text};
use super::written::{GetYaml, GoneYaml, ListYaml, Mark as Deleted, Paging, ParentsYaml, RequestYaml, TypeYaml};
use super::{Rest, errors};
use crate::{Checkpoint, Page, ReadRequest, RecordFault, Trouble};

/// What the checkpoint's text holds, as JSON.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Mark {
    /// What changed before this has been read.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    /// A listing is under way: where it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Next>,
    /// The server's clock when the listing began.
    #[serde(skip_serializing_if = "Option::is_none")]
    began: Option<Timestamp>,
    /// How many records a page of this listing has.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<usize>,
    /// How many it has shown.
    #[serde(skip_serializing_if = "is_zero")]
    shown: usize,
    /// What the last page showed, so that one which comes for ever is noticed.
    #[serde(skip_serializing_if = "is_zero")]
    page: u64,
    /// Parents whose records have not been listed yet; the first one's are being listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parents: Vec<String>,
    /// Where the list of parents goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    parents_next: Option<Next>,
    /// It was begun anew because a page could not be gone on from.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    anew: bool,
}

fn is_zero<T: Default + PartialEq>(number: &T) -> bool {
    *number == T::default()
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Next {
    Offset(usize),
    Page(usize),
    Cursor(String),
    Address(String),
}

impl Rest {
    /// The next page of a record type.
    pub(super) fn next_page(&self, request: ReadRequest<'_>) -> Result<Page, Trouble> {
        let mark: Mark = match request.checkpoint {
            Some(checkpoint) => serde_json::from_str(&checkpoint.text).unwrap_or_default(),
            None => Mark::default(),
        };
        match self.page(request, &mark) {
            // Cursors and addresses of pages grow old, and a system may have moved: once, the listing begins anew.
            Err(Trouble::Malformed(_)) if mark.next.is_some() && !mark.anew => {
                self.page(request, &Mark { since: mark.since, anew: true, ..Mark::default() })
            }
            page => page,
        }
    }

    fn page(&self, request: ReadRequest<'_>, mark: &Mark) -> Result<Page, Trouble> {
        let ty = self.ty(request.kind)?;
        let (list, since) = match (&ty.changes, mark.since) {
            (Some(changes), Some(since)) => (changes, Some(since)),
            _ => (&ty.list, None),
        };
        let mut mark = mark.clone();
        if let Some(parents) = &list.parents
            && mark.parents.is_empty()
        {
            let Parents { ids, next, date } = self.parents(parents, &mark, since)?;
            mark.began = mark.began.or(date);
            mark.parents_next = next;
            if ids.is_empty() {
                return Ok(self.ended(ty, mark, since, vec![], vec![]));
            }
            mark.parents = ids;
        }
        let parent = mark.parents.first().cloned();
        let limit = mark.limit.unwrap_or_else(|| list.paging.limit(request.page_size));
        let (answer, named) = self.ask(list, &mark, limit, since, parent.as_deref())?;
        let items = self.items(list.items.as_deref(), &named, &answer)?;
        mark.began = mark.began.or(answer.date);
        let stops = list.stops_at_since && since.is_some_and(|since| items.iter().any(|item| older(ty, item, since)));
        let next = following(&list.paging, &mark, limit, &answer, items.len()).filter(|_| !stops);
        let page = fingerprint(items, list.each_id.as_ref().unwrap_or(&ty.id));
        if next.is_some() && (next == mark.next || !items.is_empty() && page == mark.page) {
            return Err(Trouble::Malformed(format!(
                "{named}: expected the next page, and the same page comes again and again: the listing is given up"
            )));
        }
        let (mut records, mut faults) = (Vec::with_capacity(items.len()), vec![]);
        for (place, item) in items.iter().enumerate() {
            match self.record_of(ty, list, request.watch, item, parent.as_deref())? {
                Some(record) => records.push(record),
                None => faults.push(RecordFault {
                    place: format!("{named}, record {}", mark.shown + place + 1),
                    message: format!(
                        "it has no `{}`, so it can't be told apart from others; it is left out",
                        list.each_id.as_ref().unwrap_or(&ty.id)
                    ),
                    id: None,
                }),
            }
        }
        if next.is_some() {
            mark.shown += items.len();
            (mark.next, mark.limit, mark.page) = (next, Some(limit), page);
            return Ok(going_on(mark, since, records, faults));
        }
        if !mark.parents.is_empty() {
            mark.parents.remove(0);
            (mark.next, mark.shown, mark.page, mark.limit) = (None, 0, 0, None);
            if !mark.parents.is_empty() || mark.parents_next.is_some() {
                return Ok(going_on(mark, since, records, faults));
            }
        }
        let mut page = self.ended(ty, mark, since, records, faults);
        if let (Some(gone), Some(since)) = (&ty.gone, since) {
            page.gone = self.gone(gone, since)?;
        }
        Ok(page)
    }

    /// The last page: the next reading asks for what changed since this one began.
    fn ended(
        &self,
        ty: &TypeYaml,
        mark: Mark,
        since: Option<Timestamp>,
        records: Vec<ReadRecord>,
        faults: Vec<RecordFault>,
    ) -> Page {
        // Without the server's clock the next reading lists everything: late, but nothing is missed.
        let overlap_ms = ty.changes.as_ref().map_or(0, |changes| 1000 * changes.overlap_s);
        let mark = Mark { since: mark.began.map(|began| began.plus_ms(-overlap_ms)), ..Mark::default() };
        Page { more: false, ..going_on(mark, since, records, faults) }
    }

    /// Asks for one page of a list.
    fn ask(
        &self,
        list: &ListYaml,
        mark: &Mark,
        limit: usize,
        since: Option<Timestamp>,
        parent: Option<&str>,
    ) -> Result<(Answer, String), Trouble> {
        let (mut asked, mut variables) = page_request(&list.request, &list.paging, mark, limit, since);
        if let Some(Next::Address(address)) = &mark.next {
            asked.path = self.client.resolved(&list.request, address);
            asked.query.clear();
        }
        variables.extend(parent.map(|parent| ("parent", json!(parent))));
        let named = self.client.name(&list.request);
        let answer = self.client.read(&asked, &self.client.context(variables))?;
        match errors::trouble(&self.manifest, &named, &answer) {
            Some(trouble) => Err(trouble),
            None => Ok((answer, named)),
        }
    }

    /// A page of parents: their ids, and where their list goes on.
    fn parents(&self, parents: &ParentsYaml, mark: &Mark, since: Option<Timestamp>) -> Result<Parents, Trouble> {
        let list = plain_list(&parents.request, &parents.items, &parents.paging);
        let limit = list.paging.limit(0);
        let mut at_page = Mark { next: mark.parents_next.clone(), ..Mark::default() };
        loop {
            let (answer, named) = self.ask(&list, &at_page, limit, since, None)?;
            let items = self.items(list.items.as_deref(), &named, &answer)?;
            let ids: Vec<String> = items.iter().filter_map(|item| at(item, &parents.id).and_then(text)).collect();
            at_page.shown = match &at_page.next {
                Some(Next::Offset(offset)) => *offset,
                _ => 0,
            };
            let next = following(&list.paging, &at_page, limit, &answer, items.len());
            if next.is_some() && next == at_page.next {
                return Err(Trouble::Malformed(format!(
                    "{named}: expected the next page, and the same page comes again and again: the listing is given up"
                )));
            }
            // A page without any is passed over, so that an empty answer means the end.
            if !ids.is_empty() || next.is_none() {
                return Ok(Parents { ids, next, date: answer.date });
            }
            at_page.next = next;
        }
    }

    /// What was deleted since a time.
    fn gone(&self, gone: &GoneYaml, since: Timestamp) -> Result<Vec<String>, Trouble> {
        let list = plain_list(&gone.request, &gone.items, &gone.paging);
        let limit = list.paging.limit(0);
        let (mut mark, mut ids) = (Mark::default(), vec![]);
        loop {
            let (answer, named) = self.ask(&list, &mark, limit, Some(since), None)?;
            let items = self.items(list.items.as_deref(), &named, &answer)?;
            ids.extend(items.iter().filter_map(|item| at(item, gone.id.as_deref().unwrap_or("")).and_then(text)));
            let next = following(&list.paging, &mark, limit, &answer, items.len());
            let page = fingerprint(items, gone.id.as_deref().unwrap_or(""));
            match next {
                None => return Ok(ids),
                Some(_) if next == mark.next || page == mark.page && !items.is_empty() => {
                    return Err(Trouble::Malformed(format!(
                        "{named}: expected the next page, and the same page comes again and again: the listing is given up"
                    )));
                }
                Some(_) => {
                    mark.shown += items.len();
                    (mark.next, mark.page) = (next, page);
                }
            }
        }
    }

    fn items<'v>(&self, place: Option<&str>, named: &str, answer: &'v Answer) -> Result<&'v [Value], Trouble> {
        // No content: an empty list.
        if answer.body.is_null() {
            return Ok(&[]);
        }
        match at(&answer.body, place.unwrap_or("")) {
            Some(Value::Array(items)) => Ok(items),
            _ => Err(Trouble::Malformed(format!(
                "{named}: expected a list of records at `{}`, and the answer has none there",
                place.unwrap_or("the top")
            ))),
        }
    }

    /// A listed item as a record; read by itself where the list only names ids.
    fn record_of(
        &self,
        ty: &TypeYaml,
        list: &ListYaml,
        watch: &[PropertyRef],
        item: &Value,
        parent: Option<&str>,
    ) -> Result<Option<ReadRecord>, Trouble> {
        let Some(each) = &list.each_id else {
            return Ok(match parent {
                Some(parent) => self.record(ty, watch, &with_parent(item, parent)),
                None => self.record(ty, watch, item),
            });
        };
        let Some(id) = at(item, each).and_then(text) else { return Ok(None) };
        let id = parent.map_or(id.clone(), |parent| format!("{parent}/{id}"));
        let Some(get) = &ty.get else { return Ok(None) };
        match self.fetch(ty, get, &id)? {
            Some(body) => Ok(self.record(ty, watch, &body)),
            // Deleted between the list and the look-up.
            None => Ok(Some(ReadRecord { id, version: None, modified: None, deleted: true, values: vec![None; watch.len()] })),
        }
    }

    /// A system's record as the hub takes it; `None` if it has no id.
    pub(super) fn record(&self, ty: &TypeYaml, watch: &[PropertyRef], body: &Value) -> Option<ReadRecord> {
        let id = id_in(ty, body)?;
        let place = |place: &Option<String>| place.as_ref().and_then(|place| at(body, place));
        let deleted = ty.deleted.as_ref().is_some_and(|mark| at(body, &mark.at).is_some_and(|found| mark.fits(found)));
        let values = watch.iter().map(|watched| locate(ty, watched).and_then(|l| l.read(body, ty.absent_is_empty))).collect();
        Some(ReadRecord {
            id,
            version: place(&ty.version).and_then(text),
            modified: place(&ty.modified).and_then(Value::as_str).and_then(Timestamp::parse),
            deleted,
            values,
        })
    }

    /// One record's body by its id; `None` if it is not there.
    pub(super) fn fetch(&self, ty: &TypeYaml, get: &GetYaml, id: &str) -> Result<Option<Value>, Trouble> {
        let found = self.fetch_with(get, id_variables(ty, id).to_vec())?;
        Ok(match (found, id.split_once('/')) {
            (Some(body), Some((parent, _))) if has_parents(ty) => Some(with_parent(&body, parent)),
            (found, _) => found,
        })
    }

    /// What a request for one record gives.
    pub(super) fn fetch_with(&self, get: &GetYaml, variables: Vec<(&'static str, Value)>) -> Result<Option<Value>, Trouble> {
        let context = self.client.context(variables);
        let named = self.client.name(&get.request);
        let answer = self.client.read(&get.request, &context)?;
        if matches!(answer.status, 404 | 410) {
            return Ok(None);
        }
        if let Some(trouble) = errors::trouble(&self.manifest, &named, &answer) {
            return Err(trouble);
        }
        match at(&answer.body, get.item.as_deref().unwrap_or("")) {
            Some(Value::Array(found)) => Ok(found.first().cloned()),
            Some(Value::Null) | None => Ok(None),
            Some(record) => Ok(Some(with_etag(record.clone(), &answer))),
        }
    }
}

/// A page of parents.
struct Parents {
    ids: Vec<String>,
    /// Where their list goes on.
    next: Option<Next>,
    /// The server's clock.
    date: Option<Timestamp>,
}

/// What the interpreter itself puts into a record; never sent.
pub(super) const OWN: [&str; 2] = ["$etag", "$parent"];

/// The record with the version that the answer's header told.
pub(super) fn with_etag(mut record: Value, answer: &Answer) -> Value {
    if let (Some(map), Some(etag)) = (record.as_object_mut(), &answer.etag) {
        map.insert("$etag".into(), json!(etag));
    }
    record
}

pub(super) fn with_parent(item: &Value, parent: &str) -> Value {
    let mut item = item.clone();
    if let Some(map) = item.as_object_mut() {
        map.insert("$parent".into(), json!(parent));
    }
    item
}

pub(super) fn has_parents(ty: &TypeYaml) -> bool {
    ty.list.parents.is_some()
}

/// A record's id: with its parent's, where it is read through one.
pub(super) fn id_in(ty: &TypeYaml, body: &Value) -> Option<String> {
    let id = at(body, &ty.id).and_then(id_text)?;
    match body.get("$parent").and_then(id_text).filter(|_| has_parents(ty)) {
        Some(parent) => Some(format!("{parent}/{id}")),
        None => Some(id),
    }
}

/// The variables that name a record in a request.
pub(super) fn id_variables(ty: &TypeYaml, id: &str) -> [(&'static str, Value); 2] {
    match id.split_once('/').filter(|_| has_parents(ty)) {
        Some((parent, id)) => [("id", json!(id)), ("parent", json!(parent))],
        None => [("id", json!(id)), ("parent", Value::Null)],
    }
}

fn plain_list(request: &RequestYaml, items: &Option<String>, paging: &Paging) -> ListYaml {
    ListYaml {
        request: request.clone(),
        items: items.clone(),
        paging: paging.clone(),
        each_id: None,
        overlap_s: 0,
        stops_at_since: false,
        parents: None,
    }
}

/// A page after which the listing goes on.
fn going_on(mark: Mark, since: Option<Timestamp>, records: Vec<ReadRecord>, faults: Vec<RecordFault>) -> Page {
    let checkpoint = Checkpoint { text: serde_json::to_string(&mark).unwrap_or_default(), bytes: vec![] };
    Page { records, faults, gone: vec![], checkpoint, more: true, everything: since.is_none() }
}

fn older(ty: &TypeYaml, item: &Value, since: Timestamp) -> bool {
    let modified = ty.modified.as_ref().and_then(|place| at(item, place)).and_then(Value::as_str).and_then(Timestamp::parse);
    modified.is_some_and(|modified| modified < since)
}

/// The request for a page, and the variables of its templates.
fn page_request(
    request: &RequestYaml,
    paging: &Paging,
    mark: &Mark,
    limit: usize,
    since: Option<Timestamp>,
) -> (RequestYaml, Vec<(&'static str, Value)>) {
    let asked = request.clone();
    let mut variables = vec![("limit", json!(limit))];
    if let Some(since) = since {
        let whole = since.to_string();
        // Without zone and fractions, and as a Unix time, as some systems want it.
        variables.push(("since_plain", json!(whole.get(..19).unwrap_or(&whole))));
        variables.push(("since_unix", json!(since.0.div_euclid(1000))));
        variables.push(("since", json!(whole)));
    }
    match (paging, &mark.next) {
        (Paging::Offset { .. }, Some(Next::Offset(offset))) => variables.push(("offset", json!(offset))),
        (Paging::Offset { .. }, _) => variables.push(("offset", json!(0))),
        (Paging::Page { .. }, Some(Next::Page(page))) => variables.push(("page", json!(page))),
        (Paging::Page { .. }, _) => variables.push(("page", json!(1))),
        (Paging::Cursor { .. }, Some(Next::Cursor(cursor))) => variables.push(("cursor", json!(cursor))),
        (Paging::None | Paging::Cursor { .. } | Paging::Next { .. } | Paging::Link { .. }, _) => {}
    }
    (asked, variables)
}

/// Where a listing goes on after this page.
fn following(paging: &Paging, mark: &Mark, limit: usize, answer: &Answer, count: usize) -> Option<Next> {
    let told = |place: &str| at(&answer.body, place).and_then(text);
    let is_true = |place: &String| at(&answer.body, place) == Some(&Value::Bool(true));
    let goes_on =
        |more: &Option<String>, end: &Option<String>| more.as_ref().is_none_or(is_true) && !end.as_ref().is_some_and(is_true);
    let shown = mark.shown + count;
    // A page may be short because the system gives fewer at once than it was asked for.
    let full = |total: &Option<String>| {
        let total = total.as_ref().and_then(|place| at(&answer.body, place)).and_then(Value::as_u64);
        count > 0 && total.map_or(count >= limit, |total| total > shown as u64)
    };
    match paging {
        Paging::None => None,
        Paging::Offset { total, .. } => full(total).then_some(Next::Offset(shown)),
        Paging::Page { total, .. } => {
            full(total).then(|| Next::Page(if let Some(Next::Page(page)) = mark.next { page + 1 } else { 2 }))
        }
        Paging::Cursor { at, more, end, .. } => {
            told(at).filter(|_| goes_on(more, end) && (end.is_some() || count > 0)).map(Next::Cursor)
        }
        Paging::Next { at, more, end, .. } => told(at).filter(|_| goes_on(more, end)).map(Next::Address),
        Paging::Link { .. } => answer.link.clone().map(Next::Address),
    }
}

impl Paging {
    /// How many records to ask for at once: what the system takes, or fewer if fewer are wanted.
    fn limit(&self, wanted: usize) -> usize {
        let most = match self {
            Paging::None => 1,
            Paging::Offset { limit, .. }
            | Paging::Page { limit, .. }
            | Paging::Cursor { limit, .. }
            | Paging::Next { limit, .. }
            | Paging::Link { limit } => *limit,
        };
        if wanted == 0 { most } else { most.min(wanted) }
    }
}

impl Deleted {
    fn fits(&self, found: &Value) -> bool {
        self.is.contains(found) || (!self.is_not.is_empty() && !found.is_null() && !self.is_not.contains(found))
    }
}

/// Tells pages apart by the ids that they show.
fn fingerprint(items: &[Value], id: &str) -> u64 {
    let ids: Vec<String> = items.iter().map(|item| at(item, id).and_then(text).unwrap_or_else(|| item.to_string())).collect();
    xxhash_rust::xxh3::xxh3_64(ids.join("\n").as_bytes())
}
