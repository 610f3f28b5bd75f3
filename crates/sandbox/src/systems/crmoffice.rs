//! CRMOffice: contacts, companies, activities, users. A placeholder, not a fact.
//!
//! No public description of this vendor's interface exists; the wire format is the suggested
//! contract at the end of the facts about it: `{items}` in one answer, merge patch, problem
//! details, GUIDs, OpenID Connect tokens. Only the paths of the two lists, `items` on companies,
//! the bare array of users and the property names are known from outside. Chosen where the contract
//! is silent: lists are not paged; unknown properties are dropped; values must be strings; a
//! contact needs a given or a family name; a company needs nothing; an activity needs a subject, its
//! times are RFC 3339, and its `ownerId` is any text, as nothing says what it leads to; a `company.id` must exist; the
//! refresh token of a sign-in is replaced each time it is used, the demo portal's own is not;
//! `createdAt` and `modifiedAt` only where asked for.

use super::emulator::{Emulator, Limit, Settings};
use crate::http::{Act, Reply, Request};
use crate::oauth::{Manner, Server};
use crate::state::Table;
use crate::util::ids::Source;
use crate::util::{json as tree, time};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

const CLIENT: &str = "sandbox-crmoffice-client";
const SECRET: &str = "sandbox-crmoffice-secret";
const REFRESH: &str = "sandbox-crmoffice-refresh";

/// What opens the demo portal.
pub(crate) const CREDENTIALS: &[(&str, &str)] = &[
    ("CRMOFFICE_CLIENT_ID", CLIENT),
    ("CRMOFFICE_CLIENT_SECRET", SECRET),
    ("CRMOFFICE_REFRESH_TOKEN", REFRESH),
];

const LIMITS: &[Limit] = &[Limit { requests: 20, window_seconds: 1, applies: |_| true }];
/// As servers of the IdentityServer kind do it by default: a refresh token is good once.
const MANNER: Manner = Manner {
    client: CLIENT,
    secret: SECRET,
    refresh: REFRESH,
    prefix: "crm.",
    seconds: 3600,
    rotates: true,
    wrong_client: 400,
};

const TEXTS_OF_CONTACT: &[&str] = &["givenName", "familyName", "directPhone", "mobilePhone"];
const TEXTS_OF_COMPANY: &[&str] = &["name", "orgNr"];
const TEXTS_OF_ACTIVITY: &[&str] = &["subject", "startsAt", "endsAt", "ownerId"];
const ADDRESSES: &[&str] = &["postAddress", "visitAddress"];
const TEXTS_OF_ADDRESS: &[&str] = &["streetAddress", "postCode", "postalArea", "country"];
const TEXTS_OF_USER: &[&str] = &["userName", "givenName", "familyName"];

#[derive(Clone)]
pub(crate) struct CrmOffice {
    contacts: Table,
    companies: Table,
    activities: Table,
    users: Table,
    stamps: bool,
    oauth: Server,
    ids: Source,
}

impl CrmOffice {
    pub fn new(settings: Settings) -> Self {
        let table = || Table::new(|_| Vec::new(), settings.list_lag);
        Self {
            contacts: table(),
            companies: table(),
            activities: table(),
            users: table(),
            stamps: settings.crmoffice_stamps,
            oauth: Server::new(MANNER),
            ids: Source::new(settings.seed, "crmoffice"),
        }
    }

    fn table(&mut self, collection: &str) -> &mut Table {
        match collection {
            "companies" => &mut self.companies,
            "activities" => &mut self.activities,
            "users" => &mut self.users,
            _ => &mut self.contacts,
        }
    }

    /// Takes over what is known and well formed; `whole` empties what is not given.
    fn changed(
        &self,
        collection: &str,
        stored: &Value,
        given: &Value,
        whole: bool,
    ) -> Result<Value, (String, String)> {
        let refuse = |field: &str, message: &str| Err((field.to_owned(), message.to_owned()));
        let Some(given) = given.as_object() else {
            return refuse("", "A JSON object is expected.");
        };
        let mut record = if whole { json!({"id": stored["id"]}) } else { stored.clone() };
        let texts = match collection {
            "companies" => TEXTS_OF_COMPANY,
            "activities" => TEXTS_OF_ACTIVITY,
            "users" => TEXTS_OF_USER,
            _ => TEXTS_OF_CONTACT,
        };
        let addresses = match collection {
            "companies" => ADDRESSES,
            "activities" => &["address"],
            _ => &[],
        };
        for (name, value) in given {
            match name.as_str() {
                known if texts.contains(&known) => match value {
                    Value::String(_) => record[known] = value.clone(),
                    Value::Null => remove(&mut record, known),
                    _ => return refuse(known, "The value must be a string."),
                },
                known if addresses.contains(&known) => match value {
                    Value::Null => remove(&mut record, known),
                    Value::Object(address) => {
                        let mut merged = if whole {
                            Map::new()
                        } else {
                            record[known].as_object().cloned().unwrap_or_default()
                        };
                        for (part, value) in address {
                            if TEXTS_OF_ADDRESS.contains(&part.as_str()) {
                                match value {
                                    Value::String(_) => {
                                        merged.insert(part.clone(), value.clone());
                                    }
                                    Value::Null => {
                                        merged.remove(part);
                                    }
                                    _ => {
                                        return refuse(
                                            &format!("{known}.{part}"),
                                            "The value must be a string.",
                                        );
                                    }
                                }
                            }
                        }
                        record[known] = Value::Object(merged);
                    }
                    _ => return refuse(known, "The value must be an object."),
                },
                "company" if collection == "contacts" => match value {
                    Value::Null => remove(&mut record, "company"),
                    Value::Object(company) => match company.get("id") {
                        None | Some(Value::Null) => remove(&mut record, "company"),
                        Some(Value::String(id)) if self.companies.contains(id) => {
                            record["company"] = json!({"id": id})
                        }
                        Some(_) => return refuse("company.id", "No company has this id."),
                    },
                    _ => return refuse("company", "The value must be an object."),
                },
                _ => {}
            }
        }
        let named = tree::filled(&record, "givenName").is_some()
            || tree::filled(&record, "familyName").is_some();
        if collection == "contacts" && !named {
            return refuse("givenName", "A given name or a family name is required.");
        }
        if collection == "activities" {
            if tree::filled(&record, "subject").is_none() {
                return refuse("subject", "The value is required.");
            }
            for name in ["startsAt", "endsAt"] {
                if tree::filled(&record, name).is_some_and(|at| time::parse(at).is_none()) {
                    return refuse(name, "The value must be a time.");
                }
            }
        }
        if collection == "users" && tree::filled(&record, "userName").is_none() {
            return refuse("userName", "The value is required.");
        }
        Ok(record)
    }

    /// Stores under a new id, or over `stored`. Returns the record and whether anything changed.
    fn store(
        &mut self,
        collection: &'static str,
        stored: Option<&Value>,
        given: &Value,
        whole: bool,
        now: Timestamp,
    ) -> Result<(Value, bool), (String, String)> {
        let blank = json!({});
        let mut record = self.changed(collection, stored.unwrap_or(&blank), given, whole)?;
        let stamp = json!(time::millis_z(now));
        let kept = stored.map(|stored| {
            (stored["id"].clone(), stored["createdAt"].clone(), stored["modifiedAt"].clone())
        });
        let mut own = Map::new();
        let id = match &kept {
            Some((id, ..)) => id.clone(),
            None if collection == "users" => record["userName"].clone(),
            None => json!(self.ids.uuid()),
        };
        own.insert("id".to_owned(), id.clone());
        if let Some(fields) = record.as_object_mut() {
            for name in ["id", "createdAt", "modifiedAt"] {
                fields.remove(name);
            }
            own.append(fields);
        }
        let mut record = Value::Object(own);
        let same = stored.is_some_and(|stored| without_stamps(stored) == without_stamps(&record));
        let (created, modified) = match kept {
            Some((_, created, modified)) => (created, if same { modified } else { stamp }),
            None => (stamp.clone(), stamp),
        };
        record["createdAt"] = created;
        record["modifiedAt"] = modified;
        let key = id.as_str().unwrap_or_default().to_owned();
        self.table(collection).put(&key, record.clone(), now);
        Ok((record, !same))
    }

    /// Stamps are kept always and shown only where the sandbox was started so.
    fn shown(&self, record: &Value) -> Value {
        if self.stamps { record.clone() } else { without_stamps(record) }
    }

    fn resource(
        &mut self,
        collection: &'static str,
        rest: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Reply {
        let method = request.method.as_str();
        match (method, rest) {
            ("GET", []) => self.list(collection, now),
            ("POST", []) => {
                let Some(body) = request.json() else {
                    return problem(400, "Bad Request", "The body is not JSON.", None);
                };
                match self.store(collection, None, &body, true, now) {
                    Ok((record, _)) => Reply::json(201, &self.shown(&record))
                        .header(
                            "location",
                            format!(
                                "{}/{collection}/{}",
                                request.base,
                                record["id"].as_str().unwrap_or_default()
                            ),
                        )
                        .wrote(collection, Act::Create, true),
                    Err((field, message)) => invalid(&field, &message),
                }
            }
            (_, [id]) => {
                let Some(stored) = self.table(collection).get(id).cloned() else {
                    return problem(
                        404,
                        "Not Found",
                        &format!("No {collection} record has the id {id}."),
                        None,
                    );
                };
                match method {
                    "GET" => Reply::json(200, &self.shown(&stored)),
                    "PATCH" | "PUT" => {
                        let Some(body) = request.json() else {
                            return problem(400, "Bad Request", "The body is not JSON.", None);
                        };
                        match self.store(collection, Some(&stored), &body, method == "PUT", now) {
                            Ok((record, changed)) => Reply::json(200, &self.shown(&record)).wrote(
                                collection,
                                Act::Update,
                                changed,
                            ),
                            Err((field, message)) => invalid(&field, &message),
                        }
                    }
                    "DELETE" => {
                        self.table(collection).remove(id, now);
                        Reply::empty(204).wrote(collection, Act::Delete, true)
                    }
                    _ => problem(405, "Method Not Allowed", method, None),
                }
            }
            _ => problem(404, "Not Found", "No such resource.", None),
        }
    }

    fn list(&mut self, collection: &'static str, now: Timestamp) -> Reply {
        // The one program that is known to list asks for no pages, so nothing is known of any:
        // parameters are ignored, as unknown ones are.
        let all: Vec<Value> = self.table(collection).listed(now).cloned().collect();
        let items: Vec<Value> = all.iter().map(|record| self.shown(record)).collect();
        if collection == "users" {
            // A bare array, known by userName.
            let users: Vec<Value> = items
                .into_iter()
                .map(|mut user| {
                    remove(&mut user, "id");
                    user
                })
                .collect();
            return Reply::json(200, &Value::Array(users));
        }
        Reply::json(200, &json!({"items": items}))
    }
}

impl Emulator for CrmOffice {
    fn copy(&self) -> Box<dyn Emulator> {
        Box::new(self.clone())
    }

    fn tables(&mut self) -> Vec<&mut Table> {
        vec![&mut self.contacts, &mut self.companies, &mut self.activities, &mut self.users]
    }

    fn answer(&mut self, request: &Request, now: Timestamp) -> Reply {
        if request.is("POST", &["connect", "token"]) {
            return self.oauth.token(request, &mut self.ids, now);
        }
        if request.is("GET", &["connect", "authorize"]) {
            return self.oauth.authorize(request, &mut self.ids, now);
        }
        if request.is("POST", &["connect", "revocation"]) {
            return self.oauth.revoke(request);
        }
        let valid = request.credential("Bearer").is_some_and(|token| self.oauth.admits(token, now));
        if !valid {
            return self.unauthorized();
        }
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["contacts", rest @ ..] => self.resource("contacts", rest, request, now),
            ["companies", rest @ ..] => self.resource("companies", rest, request, now),
            ["users", rest @ ..] => self.resource("users", rest, request, now),
            ["activities", rest @ ..] => self.resource("activities", rest, request, now),
            _ => problem(404, "Not Found", "No such resource.", None),
        }
    }

    fn limits(&self) -> &'static [Limit] {
        LIMITS
    }

    fn throttled(&self, retry_after: u64) -> Reply {
        problem(429, "Too Many Requests", "The request budget is spent.", None)
            .header("retry-after", retry_after.to_string())
    }

    fn unauthorized(&self) -> Reply {
        problem(401, "Unauthorized", "The access token is missing, wrong or expired.", None)
            .header("www-authenticate", "Bearer error=\"invalid_token\"")
    }

    fn expire_tokens(&mut self) {
        self.oauth.expire();
    }

    fn oauth(&mut self) -> Option<&mut Server> {
        Some(&mut self.oauth)
    }

    fn collections(&self) -> &'static [&'static str] {
        &["contacts", "companies", "activities", "users"]
    }

    fn records(&self, collection: &'static str) -> Vec<Value> {
        let table = match collection {
            "companies" => &self.companies,
            "activities" => &self.activities,
            "users" => &self.users,
            _ => &self.contacts,
        };
        table.current().map(|record| self.shown(record)).collect()
    }

    fn id_of(&self, _: &'static str, record: &Value) -> String {
        record["id"].as_str().unwrap_or_default().to_owned()
    }

    fn put(
        &mut self,
        collection: &'static str,
        body: Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        let (record, _) = self
            .store(collection, None, &body, true, now)
            .map_err(|(field, message)| format!("{field}: {message}"))?;
        Ok(self.shown(&record))
    }

    fn edit(
        &mut self,
        collection: &'static str,
        id: &str,
        patch: &Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        let stored = self.table(collection).get(id).cloned().ok_or("no such record")?;
        let (record, _) = self
            .store(collection, Some(&stored), patch, false, now)
            .map_err(|(field, message)| format!("{field}: {message}"))?;
        Ok(self.shown(&record))
    }

    fn remove(
        &mut self,
        collection: &'static str,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, String> {
        Ok(self.table(collection).remove(id, now))
    }
}

fn remove(record: &mut Value, name: &str) {
    if let Some(object) = record.as_object_mut() {
        object.remove(name);
    }
}

fn without_stamps(record: &Value) -> Value {
    let mut record = record.clone();
    remove(&mut record, "createdAt");
    remove(&mut record, "modifiedAt");
    record
}

fn problem(status: u16, title: &str, detail: &str, errors: Option<Value>) -> Reply {
    let mut body = json!({"type":"about:blank","title":title,"status":status,"detail":detail});
    if let Some(errors) = errors {
        body["errors"] = errors;
    }
    Reply::json(status, &body).header("content-type", "application/problem+json")
}

fn invalid(field: &str, message: &str) -> Reply {
    problem(
        400,
        "One or more validation errors occurred.",
        message,
        Some(json!({field: [message]})),
    )
}
