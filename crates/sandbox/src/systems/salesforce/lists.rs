//! Reading: one record, queries in pages, what was updated and deleted in a span of time.

use super::base::{Refusal, Salesforce, not_found, refusal, stamp};
use super::soql::{self, Path, Query};
use super::types::{Kind, OBJECTS, place};
use crate::http::{Reply, Request};
use crate::util::time;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const PAGE: usize = 2000;

/// Refuses parameters that are not known.
pub(super) fn parameters(request: &Request, known: &[&str]) -> Result<(), Refusal> {
    match request.query.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some((name, _)) => {
            Err(refusal(400, "INVALID_PARAMETER", format!("Unexpected parameter: {name}")))
        }
    }
}

/// The part of the path with the version: `/services/data/v62.0`.
fn root(request: &Request) -> String {
    let version = request.segments.get(2).map_or("", String::as_str);
    format!("/services/data/{version}")
}

fn attributes(at: usize, id: &Value, request: &Request) -> Value {
    let name = OBJECTS[at].name;
    json!({"type": name, "url": format!("{}/sobjects/{name}/{}", root(request), id.as_str().unwrap_or_default())})
}

impl Salesforce {
    pub(super) fn one(&self, at: usize, id: &str, request: &Request) -> Result<Reply, Refusal> {
        parameters(request, &["fields"])?;
        let object = &OBJECTS[at];
        let record = self.tables[at].get(id).ok_or_else(not_found)?;
        let mut shown = json!({"attributes": attributes(at, &record["Id"], request)});
        match request.param("fields").filter(|text| !text.is_empty()) {
            None => {
                for field in &object.fields {
                    shown[field.name] = record[field.name].clone();
                }
            }
            Some(names) => {
                for name in names.split(',').map(str::trim) {
                    let field = object.field(name).ok_or_else(|| {
                        refusal(
                            400,
                            "INVALID_FIELD",
                            format!("No such column '{name}' on sobject of type {}", object.name),
                        )
                    })?;
                    shown[field.name] = record[field.name].clone();
                }
                shown["Id"] = record["Id"].clone();
            }
        }
        Ok(Reply::json(200, &shown))
    }

    /// The value at a path.
    fn at(&self, record: &Value, path: &Path) -> Value {
        match path.through {
            None => record[path.field.name].clone(),
            Some((by, _)) => record[by]
                .as_str()
                .and_then(|id| self.record(id))
                .map_or(Value::Null, |(_, other)| other[path.field.name].clone()),
        }
    }

    fn row(&self, query: &Query, record: &Value, request: &Request) -> Value {
        let mut row = json!({"attributes": attributes(query.at, &record["Id"], request)});
        for path in &query.columns {
            let Some((by, called)) = path.through else {
                row[path.field.name] = record[path.field.name].clone();
                continue;
            };
            match record[by].as_str().and_then(|id| self.record(id)) {
                None => row[called] = Value::Null,
                Some((other, found)) => {
                    if row[called].is_null() {
                        row[called] =
                            json!({"attributes": attributes(other, &found["Id"], request)});
                    }
                    row[called][path.field.name] = found[path.field.name].clone();
                }
            }
        }
        row
    }

    pub(super) fn query(
        &mut self,
        everything: bool,
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        parameters(request, &["q"])?;
        let text = request
            .param("q")
            .filter(|text| !text.is_empty())
            .ok_or_else(|| refusal(400, "MALFORMED_QUERY", "SOQL statement may not be empty"))?;
        let query = soql::parse(text)?;
        let lookup = |record: &Value, path: &Path| self.at(record, path);
        let gone = self.deleted[query.at].iter().filter(|_| everything);
        let mut found: Vec<&Value> = self.tables[query.at]
            .listed(now)
            .chain(gone)
            .filter(|record| query.holds(record, &lookup))
            .collect();
        found.sort_by(|a, b| query.order(a, b, &lookup));
        let found = found.into_iter().skip(query.offset).take(query.limit.unwrap_or(usize::MAX));
        if query.columns.is_empty() {
            return Ok(Reply::json(
                200,
                &json!({"totalSize": found.count(), "done": true, "records": []}),
            ));
        }
        let rows: Vec<Value> = found.map(|record| self.row(&query, record, request)).collect();
        if rows.len() <= batch(request) {
            return Ok(Reply::json(
                200,
                &json!({"totalSize": rows.len(), "done": true, "records": rows}),
            ));
        }
        let locator = self.new_id("01g");
        self.cursors.push((locator.clone(), rows));
        self.page(&locator, 0, request)
    }

    /// The rest of an answer, from a row on.
    pub(super) fn more(&self, locator: &str, request: &Request) -> Result<Reply, Refusal> {
        let (id, from) = locator.split_once('-').unwrap_or((locator, ""));
        let from = from.parse().map_err(|_| bad_locator())?;
        self.page(id, from, request)
    }

    fn page(&self, locator: &str, from: usize, request: &Request) -> Result<Reply, Refusal> {
        let (_, rows) =
            self.cursors.iter().find(|(id, _)| id == locator).ok_or_else(bad_locator)?;
        let records: Vec<&Value> = rows.iter().skip(from).take(batch(request)).collect();
        let end = from + records.len();
        let mut body =
            json!({"totalSize": rows.len(), "done": end >= rows.len(), "records": records});
        if end < rows.len() {
            body["nextRecordsUrl"] = json!(format!("{}/query/{locator}-{end}", root(request)));
        }
        Ok(Reply::json(200, &body))
    }

    /// `updated` and `deleted`: ids between two minutes.
    pub(super) fn span(
        &self,
        at: usize,
        gone: bool,
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        parameters(request, &["start", "end"])?;
        let minute = |name: &str| -> Result<Timestamp, Refusal> {
            let text = request.param(name).unwrap_or_default();
            // Seconds are not looked at.
            time::parse(text)
                .filter(|_| text.len() > 10)
                .map(|at| at - SignedDuration::from_secs(at.as_second() % 60))
                .ok_or_else(|| {
                    refusal(
                        400,
                        "INVALID_REPLICATION_DATE",
                        format!("{name}: a date and time is needed"),
                    )
                })
        };
        let (start, end) = (minute("start")?, minute("end")?);
        if end <= start {
            return Err(refusal(
                400,
                "INVALID_REPLICATION_DATE",
                "endDate must be at least one minute greater than startDate",
            ));
        }
        if start < now - SignedDuration::from_hours(24 * 30) {
            return Err(refusal(
                400,
                "INVALID_REPLICATION_DATE",
                "startDate before org replication enabled date",
            ));
        }
        let moment = |record: &Value| record["SystemModstamp"].as_str().and_then(time::parse);
        let within = |record: &&Value| moment(record).is_some_and(|at| start <= at && at < end);
        let covered = stamp(end.min(now - SignedDuration::from_secs(now.as_second() % 60)));
        if !gone {
            let ids: Vec<&Value> =
                self.tables[at].listed(now).filter(within).map(|record| &record["Id"]).collect();
            return Ok(Reply::json(200, &json!({"ids": ids, "latestDateCovered": covered})));
        }
        let deleted: Vec<Value> = self.deleted[at]
            .iter()
            .filter(within)
            .map(|record| json!({"id": record["Id"], "deletedDate": record["SystemModstamp"]}))
            .collect();
        let earliest = stamp(now - SignedDuration::from_hours(24 * 15));
        Ok(Reply::json(
            200,
            &json!({"deletedRecords": deleted, "earliestDateAvailable": earliest, "latestDateCovered": covered}),
        ))
    }
}

fn bad_locator() -> Refusal {
    refusal(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
}

/// The rows of a page: 2,000, or what `Sforce-Query-Options` asks for from 200 on.
fn batch(request: &Request) -> usize {
    let asked = request
        .header("sforce-query-options")
        .and_then(|text| text.split_once("batchSize="))
        .and_then(|(_, size)| size.trim().parse::<usize>().ok());
    asked.map_or(PAGE, |size| size.clamp(200, PAGE))
}

/// An object as it is described.
pub(super) fn describe(at: usize, whole: bool, request: &Request) -> Value {
    let object = &OBJECTS[at];
    let base = format!("{}/sobjects/{}", root(request), object.name);
    let mut shown = json!({"name": object.name, "label": object.name, "keyPrefix": object.prefix, "custom": false, "createable": true,
        "updateable": true, "deletable": object.name != "User", "queryable": true, "retrieveable": true, "replicateable": true,
        "urls": {"sobject": base, "describe": format!("{base}/describe"), "rowTemplate": format!("{base}/{{ID}}")}});
    if whole {
        shown["fields"] = object
            .fields
            .iter()
            .map(|field| {
                let length = match field.kind {
                    Kind::Text(most) => most,
                    Kind::Email => 80,
                    Kind::Id | Kind::Reference(_) => 18,
                    _ => 0,
                };
                let to: Vec<&str> = match field.kind {
                    Kind::Reference(object) => place(object).map(|at| OBJECTS[at].name).into_iter().collect(),
                    _ => Vec::new(),
                };
                json!({"name": field.name, "label": field.name, "type": field.kind.name(), "length": length, "createable": field.created,
                    "updateable": field.updated, "nillable": !object.required.contains(&field.name) && field.kind != Kind::Flag,
                    "custom": false, "referenceTo": to, "relationshipName": field.relation().map(|(name, _)| name)})
            })
            .collect();
    }
    shown
}
