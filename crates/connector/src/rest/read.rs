//! Reading: pages of everything, or of what changed since the last reading.
//!
//! The time from which the next reading asks is the server's own clock at the first request of this one (its `Date` header), less the
//! overlap that the manifest gives: it is never later than what was listed, and needs no clock here (R1).

use lockstep_model::flow::PropertyRef;
use lockstep_model::{ReadRecord, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::http::Answer;
use super::value::{at, locate, text};
use super::written::{GetYaml, ListYaml, Mark as Deleted, Paging, RequestYaml, TypeYaml};
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
        let limit = mark.limit.unwrap_or_else(|| list.paging.limit(request.page_size));
        let (asked, variables) = page_request(list, mark, limit, since);
        let context = self.client.context(variables);
        let named = self.client.name(&list.request);
        let answer = self.client.read(&asked, &context)?;
        if let Some(trouble) = errors::trouble(&self.manifest, &named, &answer) {
            return Err(trouble);
        }
        let items = self.items(list, &named, &answer)?;
        let began = mark.began.or(answer.date);
        let shown = mark.shown + items.len();
        let next = following(list, mark, limit, &answer, items.len());
        let page = fingerprint(items, list.each_id.as_ref().unwrap_or(&ty.id));
        if next.is_some() && (next == mark.next || !items.is_empty() && page == mark.page) {
            return Err(Trouble::Malformed(format!("{named} shows the same page again and again: the listing is given up")));
        }
        let (mut records, mut faults) = (Vec::with_capacity(items.len()), vec![]);
        for (place, item) in items.iter().enumerate() {
            match self.record_of(ty, list, request.watch, item)? {
                Some(record) => records.push(record),
                None => faults.push(RecordFault {
                    place: format!("{named}, record {}", mark.shown + place + 1),
                    message: format!(
                        "it has no `{}`, so it can't be told apart from others; it is left out",
                        list.each_id.as_ref().unwrap_or(&ty.id)
                    ),
                }),
            }
        }
        let more = next.is_some();
        let mark = if more {
            Mark { since, next, began, limit: Some(limit), shown, page, anew: mark.anew }
        } else {
            // Without the server's clock the next reading lists everything: late, but nothing is missed.
            let overlap_ms = ty.changes.as_ref().map_or(0, |changes| 1000 * changes.overlap_s);
            Mark { since: began.map(|began| began.plus_ms(-overlap_ms)), ..Mark::default() }
        };
        let checkpoint = Checkpoint { text: serde_json::to_string(&mark).unwrap_or_default(), bytes: vec![] };
        Ok(Page { records, faults, gone: vec![], checkpoint, more, everything: since.is_none() })
    }

    fn items<'v>(&self, list: &ListYaml, named: &str, answer: &'v Answer) -> Result<&'v [Value], Trouble> {
        // No content: an empty list.
        if answer.body.is_null() {
            return Ok(&[]);
        }
        match at(&answer.body, list.items.as_deref().unwrap_or("")) {
            Some(Value::Array(items)) => Ok(items),
            _ => Err(Trouble::Malformed(format!(
                "{named}: expected a list of records at `{}`, and the answer has none there",
                list.items.as_deref().unwrap_or("the top")
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
    ) -> Result<Option<ReadRecord>, Trouble> {
        let Some(each) = &list.each_id else { return Ok(self.record(ty, watch, item)) };
        let Some(id) = at(item, each).and_then(text) else { return Ok(None) };
        let Some(get) = &ty.get else { return Ok(None) };
        match self.fetch(get, vec![("id", json!(id))])? {
            Some(body) => Ok(self.record(ty, watch, &body)),
            // Deleted between the list and the look-up.
            None => Ok(Some(ReadRecord { id, version: None, modified: None, deleted: true, values: vec![None; watch.len()] })),
        }
    }

    /// A system's record as the hub takes it; `None` if it has no id.
    pub(super) fn record(&self, ty: &TypeYaml, watch: &[PropertyRef], body: &Value) -> Option<ReadRecord> {
        let id = at(body, &ty.id).and_then(text)?;
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

    /// One record's body; `None` if it is not there.
    pub(super) fn fetch(&self, get: &GetYaml, variables: Vec<(&'static str, Value)>) -> Result<Option<Value>, Trouble> {
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
            Some(record) => Ok(Some(record.clone())),
        }
    }
}

/// The request for a page, and the variables of its templates.
fn page_request(
    list: &ListYaml,
    mark: &Mark,
    limit: usize,
    since: Option<Timestamp>,
) -> (RequestYaml, Vec<(&'static str, Value)>) {
    let mut asked = list.request.clone();
    let mut variables = vec![("limit", json!(limit))];
    if let Some(since) = since {
        let whole = since.to_string();
        // Without zone and fractions, and as a Unix time, as some systems want it.
        variables.push(("since_plain", json!(whole.get(..19).unwrap_or(&whole))));
        variables.push(("since_unix", json!(since.0.div_euclid(1000))));
        variables.push(("since", json!(whole)));
    }
    match (&list.paging, &mark.next) {
        (Paging::Offset { .. }, Some(Next::Offset(offset))) => variables.push(("offset", json!(offset))),
        (Paging::Offset { .. }, _) => variables.push(("offset", json!(0))),
        (Paging::Page { .. }, Some(Next::Page(page))) => variables.push(("page", json!(page))),
        (Paging::Page { .. }, _) => variables.push(("page", json!(1))),
        (Paging::Cursor { .. }, Some(Next::Cursor(cursor))) => variables.push(("cursor", json!(cursor))),
        (Paging::Next { .. } | Paging::Link { .. }, Some(Next::Address(address))) => {
            asked.path = address.clone();
            asked.query.clear();
        }
        (Paging::None | Paging::Cursor { .. } | Paging::Next { .. } | Paging::Link { .. }, _) => {}
    }
    (asked, variables)
}

/// Where a listing goes on after this page.
fn following(list: &ListYaml, mark: &Mark, limit: usize, answer: &Answer, count: usize) -> Option<Next> {
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
    match &list.paging {
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
