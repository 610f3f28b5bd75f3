//! Lists: OData 3 with pages of 60 records, of 1,000 under `sync` and `bulk`.

use super::base::{ExactOnline, Refusal, quoted, refusal, root};
use super::records::moment;
use super::types::{GONE, RESOURCES, place, synced};
use crate::http::{Reply, Request, percent_encode};
use crate::util::json as tree;
use crate::util::odata::{Case, Filter, Order, Version, select};
use crate::util::shape::{Kind, Property};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

const OPTIONS: [&str; 7] =
    ["$filter", "$orderby", "$select", "$top", "$skip", "$inlinecount", "$expand"];
const PAGE: usize = 60;
const LARGE_PAGE: usize = 1000;

fn syntax(reason: impl std::fmt::Display) -> Refusal {
    refusal(400, format!("Bad Request - Error in query syntax. {reason}"))
}

/// Refuses parameters that are not known.
pub(super) fn parameters(request: &Request) -> Result<(), Refusal> {
    let known = |name: &str| OPTIONS.contains(&name) || name == "$skiptoken" || name == "$format";
    match request.query.iter().find(|(name, _)| !known(name)) {
        None => Ok(()),
        Some((name, _)) => Err(syntax(format!("The query parameter '{name}' is not supported."))),
    }
}

/// The names in `$select`.
pub(super) fn chosen(
    request: &Request,
    model: &str,
    table: &[Property],
) -> Result<Option<Vec<String>>, Refusal> {
    parameters(request)?;
    select(request.param("$select"), &format!("Exact.Web.Api.Models.{model}"), table)
        .map_err(syntax)
}

/// A record as verbose JSON has it: where it is, times as milliseconds.
pub(super) fn written(
    record: &Value,
    table: &[Property],
    names: Option<&[String]>,
    uri: &str,
    model: &str,
) -> Value {
    let mut out = Map::new();
    out.insert(
        "__metadata".to_owned(),
        json!({"uri": uri, "type": format!("Exact.Web.Api.Models.{model}")}),
    );
    for property in table {
        if names.is_some_and(|names| !names.iter().any(|name| name == property.name)) {
            continue;
        }
        let value = &record[property.name];
        let value = match (property.kind, value.as_str()) {
            (Kind::Moment, Some(text)) => moment(text)
                .map_or(Value::Null, |at| json!(format!("/Date({})/", at.as_millisecond()))),
            _ => value.clone(),
        };
        out.insert(property.name.to_owned(), value);
    }
    Value::Object(out)
}

impl ExactOnline {
    pub(super) fn shown(&self, at: usize, id: &str, request: &Request) -> Value {
        let record = self.tables[at].get(id).unwrap_or(&Value::Null);
        self.record(at, record, None, false, request)
    }

    fn record(
        &self,
        at: usize,
        record: &Value,
        names: Option<&[String]>,
        expanded: bool,
        request: &Request,
    ) -> Value {
        let resource = &RESOURCES[at];
        let id = record[resource.key].as_str().unwrap_or_default();
        let uri = format!("{}/{}({})", root(request), resource.path, quoted(id));
        let mut shown = written(record, &resource.properties, names, &uri, resource.model);
        if let Some((lines, key)) = resource.lines
            && (names.is_none() || expanded)
        {
            shown[lines] = match expanded {
                false => json!({"__deferred": {"uri": format!("{uri}/{lines}")}}),
                true => {
                    let place = place(lines).unwrap_or_default();
                    let own: Vec<Value> = self
                        .lines(lines, key, id)
                        .iter()
                        .map(|line| self.record(place, line, None, false, request))
                        .collect();
                    json!({"results": own})
                }
            };
        }
        shown
    }

    fn expands(at: usize, request: &Request) -> Result<bool, Refusal> {
        let wanted = request.param("$expand").unwrap_or_default();
        match RESOURCES[at].lines {
            _ if wanted.is_empty() => Ok(false),
            Some((lines, _)) if lines == wanted => Ok(true),
            _ => Err(syntax(format!("Could not find a property named '{wanted}'."))),
        }
    }

    pub(super) fn one(&self, at: usize, id: &str, request: &Request) -> Result<Reply, Refusal> {
        let names = chosen(request, RESOURCES[at].model, &RESOURCES[at].properties)?;
        let record = self.tables[at].get(id).unwrap_or(&Value::Null);
        let shown = self.record(at, record, names.as_deref(), Self::expands(at, request)?, request);
        Ok(Reply::json(200, &json!({"d": shown})))
    }

    /// `large` tells whether this is `sync` (true) or `bulk` (false) instead of the resource.
    pub(super) fn list(
        &self,
        at: usize,
        large: Option<bool>,
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        if request.method != "GET" {
            return Err(refusal(405, "Method Not Allowed"));
        }
        let resource = &RESOURCES[at];
        let sync = large == Some(true);
        let table = if sync { synced(at) } else { resource.properties.as_slice() };
        let names = chosen(request, resource.model, table)?;
        let expanded = Self::expands(at, request)?;
        let records =
            if sync { self.rows(at, now) } else { self.tables[at].listed(now).cloned().collect() };
        let then: &[&str] = if sync { &["Timestamp"] } else { &[resource.key] };
        let size = if large.is_some() { LARGE_PAGE } else { PAGE };
        let page = paged(request, records, table, resource.model, then, size)?;
        let results: Vec<Value> = page
            .records
            .iter()
            .map(|record| {
                if !sync {
                    return self.record(at, record, names.as_deref(), expanded, request);
                }
                let uri = format!(
                    "{}/sync/{}({})",
                    root(request),
                    resource.sync.map_or("", |(path, _)| path),
                    record["Timestamp"]
                );
                written(record, table, names.as_deref(), &uri, resource.model)
            })
            .collect();
        Ok(page.reply(results))
    }

    /// The rows of `sync`: records, or lines with what is said of all of them.
    fn rows(&self, at: usize, now: Timestamp) -> Vec<Value> {
        let stamped = |mut record: Value| {
            record["Timestamp"] = record["_timestamp"].clone();
            record
        };
        let listed = self.tables[at].listed(now);
        match RESOURCES[at].lines {
            None => listed.cloned().map(stamped).collect(),
            Some((lines, key)) => listed
                .flat_map(|head| {
                    let own = self.lines(lines, key, head[key].as_str().unwrap_or_default());
                    own.into_iter().map(move |line| {
                        let mut row = head.clone();
                        tree::merge(&mut row, &line, false);
                        row
                    })
                })
                .map(stamped)
                .collect(),
        }
    }

    pub(super) fn list_deleted(&self, request: &Request) -> Result<Reply, Refusal> {
        if request.method != "GET" {
            return Err(refusal(405, "Method Not Allowed"));
        }
        let names = chosen(request, "Deleted", &GONE)?;
        let page =
            paged(request, self.deleted.clone(), &GONE, "Deleted", &["Timestamp"], LARGE_PAGE)?;
        let results: Vec<Value> = page
            .records
            .iter()
            .map(|record| {
                let uri = format!("{}/sync/Deleted({})", root(request), record["Timestamp"]);
                written(record, &GONE, names.as_deref(), &uri, "Deleted")
            })
            .collect();
        Ok(page.reply(results))
    }
}

struct Page {
    records: Vec<Value>,
    next: Option<String>,
    count: Option<usize>,
}

impl Page {
    fn reply(&self, results: Vec<Value>) -> Reply {
        let mut body = json!({"d": {"results": results}});
        if let Some(count) = self.count {
            body["d"]["__count"] = json!(count.to_string());
        }
        if let Some(next) = &self.next {
            body["d"]["__next"] = json!(next);
        }
        Reply::json(200, &body)
    }
}

fn paged(
    request: &Request,
    mut records: Vec<Value>,
    table: &[Property],
    model: &str,
    then: &[&str],
    size: usize,
) -> Result<Page, Refusal> {
    let of_type = format!("Exact.Web.Api.Models.{model}");
    if let Some(text) = request.param("$filter").filter(|text| !text.trim().is_empty()) {
        let filter =
            Filter::parse(text, Version::V3, &of_type, table, Case::Folded).map_err(syntax)?;
        records.retain(|record| filter.holds(record));
    }
    let order = Order::parse(request.param("$orderby"), &of_type, table, then).map_err(syntax)?;
    let number = |name: &str| {
        request
            .number(name)
            .map_err(|text| syntax(format!("Incorrect format for {name} argument '{text}'.")))
    };
    let (top, skip) = (number("$top")?, number("$skip")?);
    let count = (request.param("$inlinecount") == Some("allpages")).then_some(records.len());
    order.sort(&mut records);
    match request.param("$skiptoken") {
        Some(token) => order.after(token, &mut records).map_err(syntax)?,
        None => drop(records.drain(..skip.unwrap_or(0).min(records.len()))),
    }
    let wanted = top.unwrap_or(usize::MAX);
    let more = records.len() > size && size < wanted;
    records.truncate(size.min(wanted));
    let next = records.last().filter(|_| more).map(|last| {
        let mut query: Vec<String> = request
            .query
            .iter()
            .filter(|(name, _)| !["$skiptoken", "$skip", "$top"].contains(&name.as_str()))
            .map(|(name, value)| format!("{name}={}", percent_encode(value)))
            .collect();
        if let Some(top) = top {
            query.push(format!("$top={}", top - size));
        }
        query.push(format!("$skiptoken={}", percent_encode(&order.token(last))));
        format!("{}/{}?{}", request.base, request.segments.join("/"), query.join("&"))
    });
    Ok(Page { records, next, count })
}
