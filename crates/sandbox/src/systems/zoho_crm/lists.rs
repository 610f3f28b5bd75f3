//! Lists of records and of deleted records: `fields`, sorting, pages by number and by token,
//! `If-Modified-Since`.

use super::base::{Refusal, ZohoCrm, bad_parameter, refusal, stamp};
use super::fields::{MODULES, Module};
use crate::http::{Reply, Request};
use crate::util::base64;
use crate::util::time;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

/// The most records that pages by number reach.
const REACH: usize = 2000;
const SIZE: usize = 200;
const HOURS: i64 = 24;

const PARAMETERS: [&str; 9] = [
    "fields",
    "ids",
    "sort_by",
    "sort_order",
    "page",
    "per_page",
    "page_token",
    "approved",
    "converted",
];

pub(super) fn missing(name: &str) -> Refusal {
    refusal(
        "REQUIRED_PARAM_MISSING",
        "One of the expected parameter is missing",
        json!({"param_name": name}),
    )
}

pub(super) fn parameters(request: &Request, known: &[&str]) -> Result<(), Refusal> {
    match request.query.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some((name, _)) => Err(bad_parameter(name, "the param given is not supported")),
    }
}

/// Page and size of a page.
pub(super) fn paging(request: &Request) -> Result<(usize, usize), Refusal> {
    let number = |name: &str, or: usize| {
        request.number(name).map(|number| number.unwrap_or(or)).map_err(|_| {
            refusal(
                "INVALID_DATA",
                "invalid data",
                json!({"expected_data_type": "integer", "param_name": name}),
            )
        })
    };
    let (page, size) = (number("page", 1)?, number("per_page", SIZE)?);
    if page == 0 {
        return Err(bad_parameter("page", "invalid data"));
    }
    if size == 0 || size > SIZE {
        return Err(refusal(
            "INVALID_DATA",
            "invalid data",
            json!({"maximum_length": SIZE, "param_name": "per_page"}),
        ));
    }
    Ok((page, size))
}

/// The names in `fields`, up to fifty.
pub(super) fn names(module: &Module, text: &str) -> Result<Vec<String>, Refusal> {
    let names: Vec<String> = text
        .split(',')
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    if names.len() > 50 {
        return Err(refusal(
            "LIMIT_EXCEEDED",
            "Fields limit exceeded",
            json!({"limit": 50, "param_name": "fields"}),
        ));
    }
    match names.iter().find(|name| module.field(name).is_none()) {
        None => Ok(names),
        Some(name) => Err(refusal(
            "INVALID_DATA",
            "the field name given seems to be invalid",
            json!({"param_name": "fields", "api_name": name}),
        )),
    }
}

/// What was asked for of a record, and its id.
pub(super) fn shown(record: &Value, names: Option<&[String]>) -> Value {
    let Some(names) = names else { return record.clone() };
    let mut out = Map::new();
    out.insert("id".to_owned(), record["id"].clone());
    for name in names {
        out.insert(name.clone(), record[name.as_str()].clone());
    }
    Value::Object(out)
}

/// The time of the header, if there is one.
fn since(request: &Request) -> Result<Option<Timestamp>, Refusal> {
    let Some(text) = request.header("if-modified-since") else { return Ok(None) };
    match text.trim().parse::<Timestamp>().ok().or_else(|| time::parse_http(text)) {
        Some(at) => Ok(Some(at)),
        None => Err(refusal(
            "INVALID_DATA",
            "invalid data",
            json!({"expected_data_type": "datetime", "header_name": "If-Modified-Since"}),
        )),
    }
}

fn later(record: &Value, name: &str, limit: Timestamp) -> bool {
    record[name].as_str().and_then(time::parse).is_some_and(|at| at > limit)
}

impl ZohoCrm {
    pub(super) fn list(
        &self,
        at: usize,
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let module = &MODULES[at];
        parameters(request, &PARAMETERS)?;
        let names = names(
            module,
            request
                .param("fields")
                .filter(|text| !text.is_empty())
                .ok_or_else(|| missing("fields"))?,
        )?;
        let (page, size) = paging(request)?;
        let (by, order) = sorting(request)?;
        let since = since(request)?;
        let mut records: Vec<&Value> = self.tables[at].listed(now).collect();
        if let Some(limit) = since {
            records.retain(|record| later(record, "Modified_Time", limit));
            if records.is_empty() {
                return Ok(Reply::empty(304));
            }
        }
        if let Some(ids) = request.param("ids") {
            let ids: Vec<&str> = ids.split(',').map(str::trim).collect();
            records.retain(|record| record["id"].as_str().is_some_and(|id| ids.contains(&id)));
        }
        let place = |record: &Value| {
            let at = record[by].as_str().and_then(time::parse).map_or(0, Timestamp::as_second);
            let id = record["id"].as_str().unwrap_or_default().to_owned();
            if by == "id" { (0, id) } else { (at, id) }
        };
        records.sort_by_key(|record| place(record));
        if order == "desc" {
            records.reverse();
        }
        // A token is bound to the question that it came with.
        let question = format!("{}|{by}|{order}|{size}|{}|{since:?}", module.name, names.join(","));
        let behind = |last: (i64, String)| {
            records.iter().position(|record| match order {
                "desc" => place(record) < last,
                _ => place(record) > last,
            })
        };
        let (skip, page) = match request.param("page_token") {
            Some(token) => {
                let (last, page) = opened(token, &question, now)?;
                (behind(last).unwrap_or(records.len()), page + 1)
            }
            None => (skipped(page, size)?, page),
        };
        let data: Vec<&Value> = records.iter().skip(skip).take(size).copied().collect();
        let Some(last) = data.last() else { return Ok(Reply::empty(204)) };
        let more = records.len() > skip + data.len();
        let until = now + SignedDuration::from_hours(HOURS);
        let token = more.then(|| sealed(&place(last), page, &question, until));
        let info = json!({"per_page": size, "next_page_token": token, "count": data.len(), "sort_by": by, "page": page, "previous_page_token": null,
            "page_token_expiry": token.as_ref().map(|_| stamp(until)), "sort_order": order, "more_records": more});
        let data: Vec<Value> = data.into_iter().map(|record| shown(record, Some(&names))).collect();
        Ok(Reply::json(200, &json!({"data": data, "info": info})))
    }

    pub(super) fn one(&self, at: usize, id: &str, request: &Request) -> Result<Reply, Refusal> {
        parameters(request, &["fields", "approved", "converted"])?;
        let names = request.param("fields").map(|text| names(&MODULES[at], text)).transpose()?;
        if id.bytes().any(|byte| !byte.is_ascii_digit()) {
            return Err(refusal(
                "INVALID_DATA",
                "the id given seems to be invalid",
                json!({"resource_path_index": 1}),
            ));
        }
        let Some(record) = self.tables[at].get(id) else { return Ok(Reply::empty(204)) };
        if since(request)?.is_some_and(|limit| !later(record, "Modified_Time", limit)) {
            return Ok(Reply::empty(304));
        }
        Ok(Reply::json(200, &json!({"data": [shown(record, names.as_deref())]})))
    }

    pub(super) fn list_deleted(&self, at: usize, request: &Request) -> Result<Reply, Refusal> {
        parameters(request, &["type", "page", "per_page"])?;
        let kind = request.param("type").unwrap_or("all");
        if !["all", "recycle", "permanent"].contains(&kind) {
            return Err(refusal(
                "PATTERN_NOT_MATCHED",
                "Please check whether the input values are correct",
                json!({"param_name": "type"}),
            ));
        }
        let (page, size) = paging(request)?;
        let limit = since(request)?;
        let all: Vec<&Value> = self.deleted[at]
            .iter()
            .rev()
            .filter(|one| kind == "all" || one["type"] == kind)
            .filter(|one| limit.is_none_or(|limit| later(one, "deleted_time", limit)))
            .collect();
        let data: Vec<&Value> = all.iter().skip((page - 1) * size).take(size).copied().collect();
        if data.is_empty() {
            return Ok(Reply::empty(204));
        }
        let info = json!({"per_page": size, "count": data.len(), "page": page, "more_records": all.len() > page * size});
        Ok(Reply::json(200, &json!({"data": data, "info": info})))
    }
}

fn sealed(last: &(i64, String), page: usize, question: &str, until: Timestamp) -> String {
    let token =
        json!({"last": last, "page": page, "question": question, "until": until.as_second()});
    base64::encode_for_url(token.to_string().as_bytes())
}

fn opened(token: &str, question: &str, now: Timestamp) -> Result<((i64, String), usize), Refusal> {
    let value: Value = base64::decode(token)
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    let last: Option<(i64, String)> = serde_json::from_value(value["last"].clone()).ok();
    match last {
        Some(last) if value["question"] == question => {
            if value["until"].as_i64().is_some_and(|until| until <= now.as_second()) {
                return Err(refusal(
                    "EXPIRED_VALUE",
                    "Page token expired",
                    json!({"api_name": "page_token", "json_path": "$.query.page_token"}),
                ));
            }
            Ok((last, value["page"].as_u64().unwrap_or(1) as usize))
        }
        _ => Err(refusal(
            "TOKEN_BOUND_DATA_MISMATCH",
            "The page_token given seems to be invalid or input param is added or altered or deleted",
            json!({"param_name": "page_token"}),
        )),
    }
}

/// The property to sort by, and the direction.
fn sorting(request: &Request) -> Result<(&str, &str), Refusal> {
    let by = request.param("sort_by").unwrap_or("id");
    if !["id", "Created_Time", "Modified_Time"].contains(&by) {
        return Err(bad_parameter("sort_by", "invalid data"));
    }
    let order = request.param("sort_order").unwrap_or("desc");
    if !["asc", "desc"].contains(&order) {
        return Err(bad_parameter("sort_order", "invalid data"));
    }
    if request.param("page").is_some() && request.param("page_token").is_some() {
        return Err(refusal(
            "AMBIGUITY_DURING_PROCESSING",
            "You cannot use both page and page_token",
            json!({"param_name": "page_token"}),
        ));
    }
    Ok((by, order))
}

/// What stands before a page that is asked for by its number.
fn skipped(page: usize, size: usize) -> Result<usize, Refusal> {
    if page * size > REACH {
        return Err(refusal(
            "DISCRETE_PAGINATION_LIMIT_EXCEEDED",
            "You can only get the first 2000 records without using page_token param.",
            json!({"limit": REACH}),
        ));
    }
    Ok((page - 1) * size)
}
