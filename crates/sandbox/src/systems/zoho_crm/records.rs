//! Writing: one record after the other, each with a result of its own.

use super::base::{Refusal, ZohoCrm, refusal, stamp};
use super::fields::{Field, ITEM, Kind, MODULES, SYSTEM, place};
use super::lists;
use crate::http::{Act, Reply, Request};
use crate::util::json as tree;
use crate::util::shape;
use crate::util::text::{email_key, looks_like_email};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The most records in one request.
const MOST: usize = 100;

/// What became of one record: its id, what was done, whether that changed anything, and of an
/// upsert the field that found it (blank where none did).
type Done = (String, Act, bool, Option<String>);

pub(super) fn keys(record: &Value) -> Vec<String> {
    let mut keys = Vec::new();
    for name in ["Email", "Product_Code", "Account_Name", "Deal_Name", "Product_Name"] {
        if let Some(text) = tree::filled(record, name) {
            keys.push(format!("{name}:{}", email_key(text)));
        }
    }
    keys
}

fn invalid(field: &Field, path: &str, kind: &str) -> Refusal {
    refusal(
        "INVALID_DATA",
        "invalid data",
        json!({"expected_data_type": kind, "api_name": field.name, "json_path": path}),
    )
}

impl ZohoCrm {
    /// A value as a field takes it. Blank text counts as none.
    fn fitting(&self, field: &Field, path: &str, value: &Value) -> Result<Value, Refusal> {
        let wrong = || Err(invalid(field, path, field.kind.json_type()));
        let long = |limit: usize| {
            Err(refusal(
                "INVALID_DATA",
                "invalid data",
                json!({"maximum_length": limit, "api_name": field.name, "json_path": path}),
            ))
        };
        if value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()) {
            return Ok(Value::Null);
        }
        match (field.kind, value) {
            (Kind::Text(_) | Kind::Email | Kind::Phone | Kind::Website, Value::String(text)) => {
                let text = text.trim();
                if text.chars().count() > field.kind.length() {
                    return long(field.kind.length());
                }
                if field.kind == Kind::Email && !looks_like_email(text) {
                    return wrong();
                }
                Ok(json!(text))
            }
            (Kind::Pick(choices), Value::String(text)) if choices.contains(&text.as_str()) => {
                Ok(value.clone())
            }
            (Kind::Integer, Value::Number(number)) if number.is_i64() => Ok(value.clone()),
            (Kind::Double, Value::Number(_)) => Ok(value.clone()),
            (Kind::Boolean, Value::Bool(_)) => Ok(value.clone()),
            (Kind::Date, _) if shape::fits(shape::Kind::Date, value).is_ok() => Ok(value.clone()),
            (Kind::DateTime, Value::String(text)) if text.parse::<Timestamp>().is_ok() => {
                Ok(value.clone())
            }
            (Kind::Lookup(module), Value::Object(_) | Value::String(_)) => {
                let id = value.as_str().or_else(|| value["id"].as_str()).unwrap_or_default();
                let at = place(module).unwrap_or_default();
                match self.tables[at].get(id) {
                    Some(found) => Ok(json!({"name": found[MODULES[at].title], "id": id})),
                    None => Err(refusal(
                        "INVALID_DATA",
                        "the id given seems to be invalid",
                        json!({"api_name": field.name, "json_path": path}),
                    )),
                }
            }
            (Kind::User, Value::Object(_) | Value::String(_)) => {
                let id = value.as_str().or_else(|| value["id"].as_str()).unwrap_or_default();
                match self.tables[MODULES.len()].get(id) {
                    Some(user) => {
                        Ok(json!({"name": user["full_name"], "id": id, "email": user["email"]}))
                    }
                    None => Err(refusal(
                        "INVALID_DATA",
                        "the id given seems to be invalid",
                        json!({"api_name": field.name, "json_path": path}),
                    )),
                }
            }
            (Kind::Subform, Value::Array(_)) => Ok(value.clone()),
            _ => wrong(),
        }
    }

    /// Creates or changes a record; `n` is its place in the request.
    /// Whether nothing is missing, and what must be unique is.
    fn complete(
        &self,
        at: usize,
        id: Option<&str>,
        record: &Value,
        n: usize,
    ) -> Result<(), Refusal> {
        let module = &MODULES[at];
        for field in module.fields {
            let path = format!("$.data[{n}].{}", field.name);
            let value = &record[field.name];
            if field.mandatory && (value.is_null() || value.as_array().is_some_and(Vec::is_empty)) {
                return Err(refusal(
                    "MANDATORY_NOT_FOUND",
                    "required field not found",
                    json!({"api_name": field.name, "json_path": path}),
                ));
            }
            if let (true, Some(text)) = (field.unique, value.as_str()) {
                let key = format!("{}:{}", field.name, email_key(text));
                if let Some(other) = self.tables[at].other_with(&key, id.unwrap_or_default()) {
                    let owner = self.tables[at]
                        .get(other)
                        .map_or(Value::Null, |found| found["Owner"].clone());
                    return Err(refusal(
                        "DUPLICATE_DATA",
                        "duplicate data",
                        json!({"api_name": field.name, "duplicate_record": {"Owner": {"name": owner["name"], "id": owner["id"]},
                            "module": {"api_name": module.name, "id": "4876876000000002175"}, "id": other}, "json_path": path, "id": other, "more_records": false}),
                    ));
                }
            }
        }
        Ok(())
    }

    pub(super) fn store(
        &mut self,
        at: usize,
        id: Option<&str>,
        sent: &Value,
        n: usize,
        now: Timestamp,
    ) -> Result<(String, bool), Refusal> {
        let module = &MODULES[at];
        let before = id.and_then(|id| self.tables[at].get(id)).cloned();
        let mut record = before.clone().unwrap_or_else(|| self.fresh(at));
        for (name, value) in sent.as_object().into_iter().flatten() {
            // Names with a dollar are the service's own.
            if name == "id" || name.starts_with('$') {
                continue;
            }
            let path = format!("$.data[{n}].{name}");
            let Some(field) = module.field(name) else {
                return Err(refusal(
                    "INVALID_DATA",
                    "the field name given seems to be invalid",
                    json!({"api_name": name, "json_path": path}),
                ));
            };
            if field.fixed {
                if record[name.as_str()] != *value {
                    return Err(refusal(
                        "NOT_ALLOWED",
                        "the field is read-only",
                        json!({"api_name": name, "json_path": path}),
                    ));
                }
                continue;
            }
            let value = match field.kind {
                Kind::Subform => self.items(&record[name.as_str()].clone(), value, &path)?,
                _ => self.fitting(field, &path, value)?,
            };
            // Whoever owns a record can be changed, not taken away.
            if !(field.kind == Kind::User && value.is_null()) {
                record[name.as_str()] = value;
            }
        }
        self.complete(at, id, &record, n)?;
        self.derive(at, &mut record);
        if before.as_ref() == Some(&record) {
            return Ok((id.unwrap_or_default().to_owned(), false));
        }
        let user = self.owner.clone();
        let id = match id {
            Some(id) => id.to_owned(),
            None => {
                let id = self.id();
                record["id"] = json!(id);
                record["Created_By"] = user.clone();
                record["Created_Time"] = json!(stamp(now));
                if module.name == "Invoices" {
                    self.invoices += 1;
                    record["Invoice_Number"] =
                        json!((48_768_760_000_000_u64 + self.invoices).to_string());
                }
                id
            }
        };
        record["Modified_By"] = user;
        record["Modified_Time"] = json!(stamp(now));
        self.tables[at].put(&id, record, now);
        Ok((id, true))
    }

    fn fresh(&self, at: usize) -> Value {
        let mut record = Map::new();
        for field in SYSTEM.iter().chain(MODULES[at].fields) {
            let value = match field.kind {
                Kind::Boolean => json!(field.name == "Product_Active"),
                Kind::Subform | Kind::Tags => json!([]),
                _ => Value::Null,
            };
            record.insert(field.name.to_owned(), value);
        }
        let mut record = Value::Object(record);
        let owner = self.tables[MODULES.len()].get(self.owner["id"].as_str().unwrap_or_default());
        record["Owner"] = json!({"name": self.owner["name"], "id": self.owner["id"], "email": owner.map_or(Value::Null, |user| user["email"].clone())});
        record
    }

    fn derive(&self, at: usize, record: &mut Value) {
        let number = |record: &Value, name: &str| record[name].as_f64().unwrap_or(0.0);
        match MODULES[at].name {
            "Contacts" | "Leads" => {
                let parts: Vec<&str> = ["First_Name", "Last_Name"]
                    .iter()
                    .filter_map(|name| tree::filled(record, name))
                    .collect();
                record["Full_Name"] = json!(parts.join(" "));
            }
            "Deals" => {
                let expected = number(record, "Amount") * number(record, "Probability") / 100.0;
                record["Expected_Revenue"] =
                    if record["Amount"].is_null() { Value::Null } else { json!(expected) };
            }
            "Invoices" => {
                let sum: f64 = record["Invoiced_Items"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|item| number(item, "Total"))
                    .sum();
                record["Sub_Total"] = json!(sum);
                record["Grand_Total"] = json!(sum);
                if record["Status"].is_null() {
                    record["Status"] = json!("Created");
                }
            }
            _ => {}
        }
    }

    /// The lines that were sent: those with an id are changed, `_delete` takes one away, others are
    /// new, and those that are not named stay.
    fn price(&self, item: &mut Value) {
        if item["List_Price"].is_null() {
            let products = place("Products").unwrap_or_default();
            let product =
                item["Product_Name"]["id"].as_str().and_then(|id| self.tables[products].get(id));
            item["List_Price"] =
                product.map_or(Value::Null, |product| product["Unit_Price"].clone());
        }
        let number = |name: &str| item[name].as_f64().unwrap_or(0.0);
        let total = number("Quantity") * number("List_Price") - number("Discount");
        item["Total"] = json!(total);
    }

    fn items(&mut self, before: &Value, sent: &Value, path: &str) -> Result<Value, Refusal> {
        let Some(lines) = sent.as_array() else {
            return Err(refusal(
                "INVALID_DATA",
                "invalid data",
                json!({"expected_data_type": "jsonarray", "api_name": "Invoiced_Items", "json_path": path}),
            ));
        };
        let mut all = before.as_array().cloned().unwrap_or_default();
        for (k, line) in lines.iter().enumerate() {
            let known = line["id"].as_str().map(|id| all.iter().position(|one| one["id"] == id));
            let place = match known {
                Some(None) => {
                    return Err(refusal(
                        "INVALID_DATA",
                        "the id given seems to be invalid",
                        json!({"api_name": "id", "json_path": format!("{path}[{k}].id")}),
                    ));
                }
                Some(place) => place,
                None => None,
            };
            if let (Some(place), true) = (place, line.get("_delete").is_some()) {
                all.remove(place);
                continue;
            }
            let mut item = place.map_or_else(
                || json!({"List_Price": null, "Discount": null, "Description": null}),
                |place| all[place].clone(),
            );
            for (name, value) in line.as_object().into_iter().flatten() {
                if name == "id" || name.starts_with('$') {
                    continue;
                }
                let path = format!("{path}[{k}].{name}");
                let Some(field) = ITEM.iter().find(|field| field.name == name && !field.fixed)
                else {
                    return Err(refusal(
                        "INVALID_DATA",
                        "the field name given seems to be invalid",
                        json!({"api_name": name, "json_path": path}),
                    ));
                };
                item[name.as_str()] = self.fitting(field, &path, value)?;
            }
            for field in ITEM.iter().filter(|field| field.mandatory) {
                if item[field.name].is_null() {
                    return Err(refusal(
                        "MANDATORY_NOT_FOUND",
                        "required field not found",
                        json!({"api_name": field.name, "json_path": format!("{path}[{k}].{}", field.name)}),
                    ));
                }
            }
            self.price(&mut item);
            match place {
                Some(place) => all[place] = item,
                None => {
                    item["id"] = json!(self.id());
                    all.push(item);
                }
            }
        }
        Ok(json!(all))
    }

    /// The records of a request's body.
    fn sent(&self, request: &Request) -> Result<(Vec<Value>, Vec<String>), Refusal> {
        let whole = request.json().ok_or_else(|| {
            refusal(
                "INVALID_DATA",
                "either the request body or parameters is in wrong format",
                json!({"resource_path_index": 1}),
            )
        })?;
        let known = [
            "data",
            "trigger",
            "process",
            "duplicate_check_fields",
            "lar_id",
            "apply_feature_execution",
            "skip_feature_execution",
        ];
        if let Some(name) = whole
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
            .find(|name| !known.contains(&name.as_str()))
        {
            return Err(refusal(
                "INVALID_DATA",
                "invalid data",
                json!({"api_name": name, "json_path": format!("$.{name}")}),
            ));
        }
        let data = match &whole["data"] {
            Value::Array(data) if !data.is_empty() => data.clone(),
            Value::Null => {
                return Err(refusal(
                    "MANDATORY_NOT_FOUND",
                    "required field not found",
                    json!({"api_name": "data", "json_path": "$.data"}),
                ));
            }
            _ => {
                return Err(refusal(
                    "INVALID_DATA",
                    "invalid data",
                    json!({"expected_data_type": "jsonarray", "api_name": "data", "json_path": "$.data"}),
                ));
            }
        };
        if data.len() > MOST {
            return Err(refusal(
                "LIMIT_EXCEEDED",
                "The number of records exceeds the limit",
                json!({"limit": MOST, "api_name": "data", "json_path": "$.data"}),
            ));
        }
        let fields = whole["duplicate_check_fields"].as_array().into_iter().flatten();
        Ok((data, fields.filter_map(Value::as_str).map(str::to_owned).collect()))
    }

    pub(super) fn insert(
        &mut self,
        at: usize,
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        lists::parameters(request, &[])?;
        let (data, _) = self.sent(request)?;
        let results = data.iter().enumerate().map(|(n, sent)| {
            self.store(at, None, sent, n, now).map(|(id, _)| (id, Act::Create, true, None))
        });
        let results: Vec<_> = results.collect();
        Ok(self.answered(at, results, 201))
    }

    pub(super) fn update(
        &mut self,
        at: usize,
        id: Option<&str>,
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        lists::parameters(request, &[])?;
        let (data, _) = self.sent(request)?;
        let mut results = Vec::new();
        for (n, sent) in data.iter().enumerate() {
            let own = id.or_else(|| sent["id"].as_str()).unwrap_or_default().to_owned();
            results.push(if own.is_empty() {
                Err(refusal(
                    "MANDATORY_NOT_FOUND",
                    "required field not found",
                    json!({"api_name": "id", "json_path": format!("$.data[{n}].id")}),
                ))
            } else if !self.tables[at].contains(&own) {
                Err(refusal(
                    "INVALID_DATA",
                    "the id given seems to be invalid",
                    json!({"api_name": "id", "json_path": format!("$.data[{n}].id")}),
                ))
            } else {
                self.store(at, Some(&own), sent, n, now)
                    .map(|(id, changed)| (id, Act::Update, changed, None))
            });
        }
        Ok(self.answered(at, results, 200))
    }

    pub(super) fn upsert(
        &mut self,
        at: usize,
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        lists::parameters(request, &[])?;
        let (data, mut check) = self.sent(request)?;
        // Those that the service looks at by itself.
        if check.is_empty() {
            let own = ["Email", "Account_Name", "Deal_Name", "Product_Code", ""][at];
            check.push(own.to_owned());
        }
        if let Some(name) =
            check.iter().find(|name| !name.is_empty() && MODULES[at].field(name).is_none())
        {
            return Err(refusal(
                "INVALID_DATA",
                "invalid data",
                json!({"api_name": "duplicate_check_fields", "json_path": "$.duplicate_check_fields[0]", "given": name}),
            ));
        }
        let mut results = Vec::new();
        for (n, sent) in data.iter().enumerate() {
            let found = check.iter().find_map(|name| {
                let text = sent[name.as_str()].as_str()?;
                let id = self.tables[at].current().find(|record| {
                    record[name.as_str()]
                        .as_str()
                        .is_some_and(|own| email_key(own) == email_key(text))
                })?["id"]
                    .as_str()?;
                Some((name.clone(), id.to_owned()))
            });
            results.push(match found {
                Some((name, id)) => self
                    .store(at, Some(&id), sent, n, now)
                    .map(|(id, changed)| (id, Act::Update, changed, Some(name))),
                None => self
                    .store(at, None, sent, n, now)
                    .map(|(id, _)| (id, Act::Create, true, Some(String::new()))),
            });
        }
        Ok(self.answered(at, results, 200))
    }

    /// One result for each record, in their order; the status tells whether all went well.
    fn answered(&self, at: usize, results: Vec<Result<Done, Refusal>>, status: u16) -> Reply {
        let failed = results.iter().filter(|result| result.is_err()).count();
        let status = match failed {
            0 => status,
            failed if failed == results.len() => 400,
            _ => 207,
        };
        let mut data = Vec::new();
        let mut wrote = Vec::new();
        for result in results {
            data.push(match result {
                Err(refusal) => refusal.body(),
                Ok((id, act, changed, upsert)) => {
                    wrote.push((act, changed));
                    let record = self.tables[at].get(&id).cloned().unwrap_or_default();
                    let message = if act == Act::Create { "record added" } else { "record updated" };
                    let mut one = json!({"code": "SUCCESS", "details": {"Modified_Time": record["Modified_Time"], "Modified_By": record["Modified_By"],
                        "Created_Time": record["Created_Time"], "id": id, "Created_By": record["Created_By"]}, "message": message, "status": "success"});
                    if let Some(field) = upsert {
                        one["action"] = json!(if act == Act::Create { "insert" } else { "update" });
                        one["duplicate_field"] = if field.is_empty() { Value::Null } else { json!(field) };
                    }
                    one
                }
            });
        }
        let reply = Reply::json(status, &json!({"data": data}));
        wrote
            .into_iter()
            .fold(reply, |reply, (act, changed)| reply.wrote(MODULES[at].name, act, changed))
    }

    /// Into the recycle bin.
    pub(super) fn bin(&mut self, at: usize, id: &str, now: Timestamp) -> bool {
        let Some(record) = self.tables[at].get(id).cloned() else { return false };
        let entry = json!({"deleted_by": self.owner, "id": id, "display_name": record[MODULES[at].title], "type": "recycle",
            "created_by": record["Created_By"], "deleted_time": stamp(now)});
        self.deleted[at].push(entry);
        self.tables[at].remove(id, now)
    }

    pub(super) fn delete_one(
        &mut self,
        at: usize,
        id: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        lists::parameters(request, &["wf_trigger"])?;
        if id.bytes().any(|byte| !byte.is_ascii_digit()) {
            return Err(refusal(
                "INVALID_DATA",
                "invalid record id",
                json!({"resource_path_index": 0}),
            ));
        }
        if !self.bin(at, id, now) {
            return Err(refusal(
                "INVALID_DATA",
                "record not deleted",
                json!({"resource_path_index": 1}),
            ));
        }
        let one = json!({"code": "SUCCESS", "details": {"id": id}, "message": "record deleted", "status": "success"});
        Ok(Reply::json(200, &json!({"data": [one]})).wrote(MODULES[at].name, Act::Delete, true))
    }

    pub(super) fn delete_many(
        &mut self,
        at: usize,
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        lists::parameters(request, &["ids", "wf_trigger"])?;
        let ids: Vec<&str> = request
            .param("ids")
            .unwrap_or_default()
            .split(',')
            .filter(|id| !id.is_empty())
            .collect();
        if ids.is_empty() {
            return Err(lists::missing("ids"));
        }
        if ids.len() > MOST {
            return Err(refusal(
                "LIMIT_EXCEEDED",
                "The number of records exceeds the limit",
                json!({"limit": MOST, "param_name": "ids"}),
            ));
        }
        let (mut data, mut gone) = (Vec::new(), 0);
        for id in &ids {
            data.push(match self.bin(at, id, now) {
                true => {
                    gone += 1;
                    json!({"code": "SUCCESS", "details": {"id": id}, "message": "record deleted", "status": "success"})
                }
                false => json!({"code": "INVALID_DATA", "details": {"id": id}, "message": "record not deleted", "status": "error"}),
            });
        }
        let status = if gone == ids.len() {
            200
        } else if gone == 0 {
            400
        } else {
            207
        };
        let reply = Reply::json(status, &json!({"data": data}));
        Ok((0..gone).fold(reply, |reply, _| reply.wrote(MODULES[at].name, Act::Delete, true)))
    }
}
