//! HubSpot: contacts, companies, deals, products, line items and owners by the CRM API, version 3
//! (`/crm/v3/objects/…`, the same as `/crm/objects/2026-03/…`): lists, search, batches, archived
//! records; associations by version 4; properties; webhooks as an app of one account has them.
//!
//! Vendor: its pages on CRM objects, search, associations, usage limits and webhooks; paths, bodies
//! and answers as its client for Node has them (npm `@hubspot/api-client`); what users of the service
//! report of its errors.
//!
//! Unverified, and what was chosen: only the standard properties that are listed in `types.rs`; a
//! read leaves out properties that there are none of; parameters that are not described are refused;
//! null is no value (an empty text clears); an update that changes nothing does not count as a
//! change; deleting what is not there is answered with 204; the first company of a contact is its
//! primary one; companies are not tied to contacts by their domain;
//! owners are found by an address in any case; addresses lose blanks and
//! capitals; a page beyond the search's reach is a `VALIDATION_ERROR`; the words of some messages.
//! Not here: OAuth (an app's token does not end), property history, merging, deletion for good,
//! custom objects, daily limits.

mod associations;
mod base;
mod hooks;
mod lists;
mod records;
mod types;

use super::emulator::{Emulator, Limit, Settings, credential};
use crate::calls::{Call, Changed};
use crate::http::{Act, Reply, Request};
use crate::state::Table;
use crate::util::ids::Source;
use crate::util::json as tree;
use crate::util::text::email_key;
use crate::util::time::millis_z;
pub(crate) use base::HubSpot;
use base::{Refusal, body, invalid, keys, not_found, parameters, shown};
use jiff::{SignedDuration, Timestamp};
use lists::{complete, inputs, text_id};
use serde_json::{Value, json};
use types::{EVERY, Kind, NAMES, OBJECTS, Object, Property, STAGES, place};

/// What opens the demo portal.
pub(crate) const CREDENTIALS: &[(&str, &str)] = &[
    ("HUBSPOT_ACCESS_TOKEN", "pat-eu1-sandbox-hubspot-token"),
    ("HUBSPOT_CLIENT_SECRET", "sandbox-hubspot-client-secret"),
];

fn searches(request: &Request) -> bool {
    request.segments.last().is_some_and(|last| last == "search")
}

const LIMITS: &[Limit] = &[
    Limit { requests: 100, window_seconds: 10, applies: |request| !searches(request) },
    Limit { requests: 5, window_seconds: 1, applies: searches },
];

const PORTAL: u64 = 140_012_345;

impl HubSpot {
    pub fn new(settings: Settings) -> Self {
        let mut own = Self {
            tables: OBJECTS.iter().map(|_| Table::new(keys, settings.list_lag)).collect(),
            archived: vec![Vec::new(); OBJECTS.len()],
            owners: Table::new(|_| Vec::new(), SignedDuration::ZERO),
            links: Vec::new(),
            next: 30_000_000_000,
            ids: Source::new(settings.seed, "hubspot"),
            call_at: None,
            events: 100,
            searched: false,
        };
        let founded = Timestamp::now() - SignedDuration::from_hours(24 * 400);
        own.put_owner(
            &json!({"email": "crm@example.com", "firstName": "Runa", "lastName": "Holm"}),
            founded,
        );
        own
    }

    fn put_owner(&mut self, sent: &Value, now: Timestamp) -> Value {
        let id = self.new_id();
        let user: u64 = id.parse().unwrap_or_default();
        let stamp = millis_z(now);
        let owner = json!({"id": id, "email": sent["email"], "type": "PERSON", "firstName": sent["firstName"], "lastName": sent["lastName"],
            "userId": user, "userIdIncludingInactive": user, "createdAt": stamp, "updatedAt": stamp, "archived": false});
        self.owners.put(&id, owner.clone(), now);
        owner
    }

    fn request(
        &mut self,
        path: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        match path {
            ["crm", "v3", "objects", name, rest @ ..]
            | ["crm", "objects", "2026-03", name, rest @ ..] => {
                self.objects(named(name)?, rest, request, now)
            }
            ["crm", "v4", "objects", name, id, "associations", rest @ ..] => {
                self.associations(named(name)?, id, rest, request, now)
            }
            ["crm", "v3", "owners", rest @ ..] if request.method == "GET" => {
                self.list_owners(rest, request)
            }
            ["crm", "v3", "properties", name, rest @ ..] if request.method == "GET" => {
                let object = &OBJECTS[named(name)?];
                let all = object.properties.iter().chain(EVERY);
                match rest {
                    [] => {
                        let all: Vec<Value> = all.map(|one| described(object, one)).collect();
                        Ok(Reply::json(200, &json!({"results": all})))
                    }
                    [wanted] => {
                        let one = object.property(wanted).ok_or_else(not_found)?;
                        Ok(Reply::json(200, &described(object, one)))
                    }
                    _ => Err(not_found()),
                }
            }
            ["crm", "v3", "pipelines", "deals" | "deal" | "0-3"] if request.method == "GET" => {
                let stages: Vec<Value> = STAGES
                    .iter()
                    .enumerate()
                    .map(|(n, id)| json!({"id": id, "label": id, "displayOrder": n, "archived": false, "metadata": {"isClosed": id.starts_with("closed").to_string()}}))
                    .collect();
                Ok(Reply::json(
                    200,
                    &json!({"results": [{"id": "default", "label": "Sales Pipeline", "displayOrder": 0, "archived": false, "stages": stages}]}),
                ))
            }
            ["account-info", "v3", "details"] if request.method == "GET" => Ok(Reply::json(
                200,
                &json!({"portalId": PORTAL, "accountType": "STANDARD", "timeZone": "Europe/Oslo", "companyCurrency": "NOK", "additionalCurrencies": [],
                    "uiDomain": "app-eu1.hubspot.com", "dataHostingLocation": "eu1"}),
            )),
            _ => Err(not_found()),
        }
    }

    fn objects(
        &mut self,
        at: usize,
        rest: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let name = OBJECTS[at].name;
        match (request.method.as_str(), rest) {
            ("GET", []) => self.list(at, request),
            ("POST", []) => {
                parameters(request, &[])?;
                let sent = body(request)?;
                let view = self.create(at, &sent, now)?;
                Ok(Reply::json(201, &view).wrote(name, Act::Create, true))
            }
            ("POST", ["search"]) => {
                self.searched = true;
                self.search(at, &body(request)?, now)
            }
            ("POST", ["batch", what]) => self.batch(at, what, request, now),
            ("GET", [id]) => self.one(at, id, request),
            ("PATCH", [id]) => {
                parameters(request, &["idProperty"])?;
                let id = self.by(at, request.param("idProperty"), id)?;
                let (view, changed) = self.update(at, &id, &body(request)?["properties"], now)?;
                Ok(Reply::json(200, &view).wrote(name, Act::Update, changed))
            }
            ("DELETE", [id]) => {
                parameters(request, &[])?;
                let reply = Reply::empty(204);
                let there = self.archive(at, id, now);
                Ok(if there { reply.wrote(name, Act::Delete, true) } else { reply })
            }
            ("GET" | "PUT" | "DELETE", [id, "associations", path @ ..]) => {
                self.associations(at, id, path, request, now)
            }
            _ => Err(base::plain(405, "Method Not Allowed")),
        }
    }

    /// A new record with what it is tied to; its view has everything that was sent.
    fn create(&mut self, at: usize, sent: &Value, now: Timestamp) -> Result<Value, Refusal> {
        let ties = self.wanted(at, sent)?;
        if !sent["properties"].is_object() {
            return Err(invalid("Invalid input JSON: properties are missing"));
        }
        let stored = self.store(at, None, &sent["properties"], now)?;
        for (tie, other) in ties {
            self.tie(tie, &stored.id, &other, now);
        }
        Ok(self.after(at, &stored.id, &sent["properties"]))
    }

    fn update(
        &mut self,
        at: usize,
        id: &str,
        sent: &Value,
        now: Timestamp,
    ) -> Result<(Value, bool), Refusal> {
        if !self.tables[at].contains(id) {
            return Err(not_found());
        }
        if !sent.is_object() {
            return Err(invalid("Invalid input JSON: properties are missing"));
        }
        let stored = self.store(at, Some(id), sent, now)?;
        Ok((self.after(at, id, sent), stored.changed))
    }

    /// A record after it was written.
    fn after(&self, at: usize, id: &str, sent: &Value) -> Value {
        let names: Vec<String> =
            sent.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        self.tables[at].get(id).map_or(Value::Null, |record| shown(at, record, &names))
    }

    fn batch(
        &mut self,
        at: usize,
        what: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let sent = body(request)?;
        if what == "read" {
            return self.read_many(at, &sent, request.param("archived") == Some("true"), now);
        }
        let all = inputs(&sent)?;
        let name = OBJECTS[at].name;
        // One that is refused takes the others with it.
        let before = self.clone();
        let mut wrote = Reply::empty(204);
        let (mut results, mut missing) = (Vec::new(), Vec::new());
        for input in &all {
            let id = text_id(&input["id"]);
            let outcome = match what {
                "create" => self.create(at, input, now).map(|view| (view, Act::Create, true)),
                "archive" => {
                    if self.archive(at, &id, now) {
                        wrote = wrote.wrote(name, Act::Delete, true);
                    }
                    continue;
                }
                "update" => self
                    .by(at, input["idProperty"].as_str(), &id)
                    .and_then(|id| self.update(at, &id, &input["properties"], now))
                    .map(|(view, changed)| (view, Act::Update, changed)),
                "upsert" => self.upsert(at, &id, input, now),
                _ => return Err(not_found()),
            };
            match outcome {
                Ok((view, act, changed)) => {
                    wrote = wrote.wrote(name, act, changed);
                    results.push(view);
                }
                Err(refusal) if refusal.status == 404 => missing.push(id),
                Err(refusal) => {
                    *self = before;
                    return Err(refusal);
                }
            }
        }
        if what == "archive" {
            return Ok(wrote);
        }
        let mut reply =
            complete(at, if what == "create" { 201 } else { 200 }, results, missing, now);
        reply.wrote = wrote.wrote;
        Ok(reply)
    }

    fn upsert(
        &mut self,
        at: usize,
        id: &str,
        input: &Value,
        now: Timestamp,
    ) -> Result<(Value, Act, bool), Refusal> {
        let by = input["idProperty"].as_str();
        let known = match self.by(at, by, id) {
            Ok(id) => Some(id).filter(|id| self.tables[at].contains(id)),
            Err(refusal) if refusal.status == 404 => None,
            Err(refusal) => return Err(refusal),
        };
        if let Some(id) = known {
            let (mut view, changed) = self.update(at, &id, &input["properties"], now)?;
            view["new"] = json!(false);
            return Ok((view, Act::Update, changed));
        }
        let mut sent = input.clone();
        match by {
            Some(name) if name != "hs_object_id" => sent["properties"][name] = json!(id),
            _ => return Err(not_found()),
        }
        let mut view = self.create(at, &sent, now)?;
        view["new"] = json!(true);
        Ok((view, Act::Create, true))
    }

    fn list_owners(&self, rest: &[&str], request: &Request) -> Result<Reply, Refusal> {
        parameters(request, &["email", "after", "limit", "archived", "idProperty"])?;
        if let [id] = rest {
            return self.owners.get(id).map(|one| Reply::json(200, one)).ok_or_else(not_found);
        }
        let email = request.param("email");
        let same = |one: &str, two: &str| email_key(one) == email_key(two);
        let after = request.number("after").ok().flatten().unwrap_or(0);
        let size = request.number("limit").ok().flatten().unwrap_or(100);
        if request.param("archived") == Some("true") {
            return Ok(Reply::json(200, &json!({"results": []})));
        }
        let number = |owner: &Value| tree::id_of(&owner["id"]).unwrap_or_default();
        let mut all = self.owners.current().filter(|owner| {
            number(owner) > after as i64
                && email
                    .is_none_or(|email| same(owner["email"].as_str().unwrap_or_default(), email))
        });
        let page: Vec<&Value> = all.by_ref().take(size.clamp(1, 500)).collect();
        let mut body = json!({"results": page});
        if let (Some(last), Some(_)) = (page.last(), all.next()) {
            body["paging"] = json!({"next": {"after": last["id"], "link": format!("{}/crm/v3/owners?after={}", request.base, number(last))}});
        }
        Ok(Reply::json(200, &body))
    }
}

fn named(name: &str) -> Result<usize, Refusal> {
    place(name).ok_or_else(|| invalid(format!("Unable to infer object type from: {name}")))
}

fn described(object: &Object, property: &Property) -> Value {
    let (kind, field) = property.kind.names();
    let options: Vec<Value> = match property.kind {
        Kind::Choice(all) => all
            .iter()
            .enumerate()
            .map(|(n, value)| json!({"label": value, "value": value, "displayOrder": n, "hidden": false}))
            .collect(),
        _ => Vec::new(),
    };
    json!({"name": property.name, "label": property.name, "type": kind, "fieldType": field, "description": "", "groupName": format!("{}information", object.singular),
        "options": options, "displayOrder": -1, "calculated": false, "externalOptions": property.kind == Kind::Owner, "hasUniqueValue": property.name == "hs_object_id",
        "hidden": false, "hubspotDefined": true, "formField": false,
        "modificationMetadata": {"archivable": false, "readOnlyDefinition": true, "readOnlyValue": property.read_only}})
}

/// What a person's patch sets: null takes a value away.
fn typed(patch: &Value) -> Value {
    let mut properties = patch["properties"].clone();
    for (_, value) in properties.as_object_mut().into_iter().flatten() {
        if value.is_null() {
            *value = json!("");
        }
    }
    if properties.is_null() { json!({}) } else { properties }
}

impl Emulator for HubSpot {
    fn copy(&self) -> Box<dyn Emulator> {
        Box::new(self.clone())
    }

    fn tables(&mut self) -> Vec<&mut Table> {
        self.tables.iter_mut().chain(std::iter::once(&mut self.owners)).collect()
    }

    fn answer(&mut self, request: &Request, now: Timestamp) -> Reply {
        self.searched = false;
        if request.credential("bearer") != Some(credential(CREDENTIALS, "HUBSPOT_ACCESS_TOKEN")) {
            return self.unauthorized();
        }
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        match self.request(&segments, request, now) {
            Ok(reply) => reply,
            Err(refusal) => self.refuse(refusal),
        }
    }

    fn limits(&self) -> &'static [Limit] {
        LIMITS
    }

    fn throttled(&self, _retry_after: u64) -> Reply {
        let (name, policy) = if self.searched {
            ("secondly", "SECONDLY")
        } else {
            ("ten_secondly_rolling", "TEN_SECONDLY_ROLLING")
        };
        Reply::json(
            429,
            &json!({"status": "error", "message": format!("You have reached your {name} limit."), "errorType": "RATE_LIMIT",
                "correlationId": "5f1c2a3e-0b7d-4c9a-9d52-6a0f3c1e8b47", "policyName": policy}),
        )
    }

    fn unauthorized(&self) -> Reply {
        Reply::json(
            401,
            &json!({"status": "error", "category": "INVALID_AUTHENTICATION", "correlationId": "c2f0b7d4-6e19-4a35-8f0d-1b9e7a5c3d28",
                "message": "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview"}),
        )
    }

    fn rate_headers(&self, reply: Reply, limit: u32, remaining: u32, _resets_in: u64) -> Reply {
        if self.searched {
            return reply;
        }
        reply
            .header("x-hubspot-ratelimit-interval-milliseconds", "10000")
            .header("x-hubspot-ratelimit-max", limit.to_string())
            .header("x-hubspot-ratelimit-remaining", remaining.to_string())
    }

    fn expire_tokens(&mut self) {}

    fn collections(&self) -> &'static [&'static str] {
        NAMES
    }

    fn records(&self, collection: &'static str) -> Vec<Value> {
        let table = place(collection).map_or(&self.owners, |at| &self.tables[at]);
        table.current().cloned().collect()
    }

    fn id_of(&self, _collection: &'static str, record: &Value) -> String {
        record["id"].as_str().unwrap_or_default().to_owned()
    }

    fn put(
        &mut self,
        collection: &'static str,
        body: Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        let Some(at) = place(collection) else { return Ok(self.put_owner(&body, now)) };
        let ties = self.wanted(at, &body).map_err(|refusal| refusal.message)?;
        let stored = self.store(at, None, &typed(&body), now).map_err(|refusal| refusal.message)?;
        ties.into_iter().for_each(|(tie, other)| self.tie(tie, &stored.id, &other, now));
        Ok(self.tables[at].get(&stored.id).cloned().unwrap_or_default())
    }

    fn edit(
        &mut self,
        collection: &'static str,
        id: &str,
        patch: &Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        let Some(at) = place(collection) else {
            let mut owner = self.owners.get(id).cloned().unwrap_or_default();
            tree::merge(&mut owner, patch, false);
            owner["updatedAt"] = json!(millis_z(now));
            self.owners.put(id, owner.clone(), now);
            return Ok(owner);
        };
        self.store(at, Some(id), &typed(patch), now).map_err(|refusal| refusal.message)?;
        Ok(self.tables[at].get(id).cloned().unwrap_or_default())
    }

    fn remove(
        &mut self,
        collection: &'static str,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, String> {
        Ok(match place(collection) {
            Some(at) => self.archive(at, id, now),
            None => self.owners.remove(id, now),
        })
    }

    fn calls(&mut self, changed: &Changed<'_>, now: Timestamp) -> Vec<Call> {
        self.events_of(changed, now)
    }

    fn call_at(&mut self, url: &str) -> bool {
        self.call_at = Some(url.to_owned());
        true
    }
}
