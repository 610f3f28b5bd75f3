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
use super::written::{GetYaml, ListYaml, Paging, RequestYaml, TypeYaml};
use super::{Rest, errors};
use crate::{Checkpoint, Page, ReadRequest, RecordFault, Trouble};

/// What the checkpoint's text holds, as JSON.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Mark {
    /// What changed before this has been read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    /// A listing is under way: where it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<Next>,
    /// The server's clock when the listing began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    began: Option<Timestamp>,
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
        let ty = self.ty(request.kind)?;
        let mark: Mark = match request.checkpoint {
            Some(checkpoint) => serde_json::from_str(&checkpoint.text).unwrap_or_default(),
            None => Mark::default(),
        };
        let (list, since) = match (&ty.changes, mark.since) {
            (Some(changes), Some(since)) => (changes, Some(since)),
            _ => (&ty.list, None),
        };
        let (asked, variables) = self.page_request(list, &mark, since);
        let context = self.client.context(variables);
        let named = self.client.name(&asked);
        let answer = self.client.read(&asked, &context)?;
        if let Some(trouble) = errors::trouble(&self.manifest, &named, &answer) {
            return Err(trouble);
        }
        let items = self.items(list, &named, &answer)?;
        let count = items.len();
        let began = mark.began.or_else(|| answer.date.as_deref().and_then(http_date));
        let next = following(list, &mark, &answer, count);
        if next.is_some() && next == mark.next {
            return Err(Trouble::Malformed(format!("{named} names the same next page again and again: the listing is given up")));
        }
        let (mut records, mut faults) = (Vec::with_capacity(count), vec![]);
        for (place, item) in items.iter().enumerate() {
            match self.record_of(ty, list, request.watch, item)? {
                Some(record) => records.push(record),
                None => faults.push(RecordFault {
                    place: format!("{named}, record {} of its page", place + 1),
                    message: format!(
                        "it has no `{}`, so it can't be told apart from others; it is left out",
                        list.each_id.as_ref().unwrap_or(&ty.id)
                    ),
                }),
            }
        }
        let more = next.is_some();
        let mark = if more {
            Mark { since, next, began }
        } else {
            // Without the server's clock the next reading lists everything: late, but nothing is missed.
            Mark {
                since: began.map(|began| began.plus_ms(-1000 * ty.changes.as_ref().map_or(0, |c| c.overlap_s))),
                next: None,
                began: None,
            }
        };
        let checkpoint = Checkpoint { text: serde_json::to_string(&mark).unwrap_or_default(), bytes: vec![] };
        Ok(Page { records, faults, gone: vec![], checkpoint, more, everything: since.is_none() })
    }

    fn page_request(&self, list: &ListYaml, mark: &Mark, since: Option<Timestamp>) -> (RequestYaml, Vec<(&'static str, Value)>) {
        let mut asked = list.request.clone();
        let mut variables: Vec<(&'static str, Value)> = vec![];
        if let Some(since) = since {
            let whole = since.to_string();
            variables.push(("since", json!(whole)));
            // Without zone and fractions, and as a Unix time, as some systems want it.
            variables.push(("since_plain", json!(whole.get(..19).unwrap_or(&whole))));
            variables.push(("since_unix", json!(since.0.div_euclid(1000))));
        }
        match &list.paging {
            Paging::None => {}
            Paging::Offset { limit } => {
                let offset = if let Some(Next::Offset(offset)) = mark.next { offset } else { 0 };
                variables.extend([("offset", json!(offset)), ("limit", json!(limit))]);
            }
            Paging::Page { limit } => {
                let page = if let Some(Next::Page(page)) = mark.next { page } else { 1 };
                variables.extend([("page", json!(page)), ("limit", json!(limit))]);
            }
            Paging::Cursor { limit, .. } => {
                variables.push(("limit", json!(limit)));
                if let Some(Next::Cursor(cursor)) = &mark.next {
                    variables.push(("cursor", json!(cursor)));
                }
            }
            Paging::Next { limit, .. } => {
                variables.push(("limit", json!(limit)));
                if let Some(Next::Address(address)) = &mark.next {
                    asked.path = address.clone();
                    asked.query.clear();
                }
            }
        }
        (asked, variables)
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
        let deleted = ty.deleted.as_ref().is_some_and(|mark| at(body, &mark.at).is_some_and(|found| mark.is.contains(found)));
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

/// Where a listing goes on after this page.
fn following(list: &ListYaml, mark: &Mark, answer: &Answer, count: usize) -> Option<Next> {
    let told = |place: &str| at(&answer.body, place).and_then(text);
    let goes_on = |more: &Option<String>| more.as_ref().is_none_or(|place| at(&answer.body, place) == Some(&Value::Bool(true)));
    match &list.paging {
        Paging::None => None,
        Paging::Offset { limit } if count >= *limit => {
            Some(Next::Offset(if let Some(Next::Offset(offset)) = mark.next { offset + count } else { count }))
        }
        Paging::Page { limit } if count >= *limit => {
            Some(Next::Page(if let Some(Next::Page(page)) = mark.next { page + 1 } else { 2 }))
        }
        Paging::Offset { .. } | Paging::Page { .. } => None,
        Paging::Cursor { at, more, .. } => told(at).filter(|_| goes_on(more) && count > 0).map(Next::Cursor),
        Paging::Next { at, more, .. } => told(at).filter(|_| goes_on(more)).map(Next::Address),
    }
}

/// RFC 9110, section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_clock_is_read() {
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Timestamp(784_111_777_000)));
    }
}
