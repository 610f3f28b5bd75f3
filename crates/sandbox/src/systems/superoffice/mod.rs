//! SuperOffice CRM Online, REST WebAPI v1: Person, Contact, Ticket, User, Sale, Project, Product; the
//! lines of quotes as rows of the archive.
//!
//! Lists are archive rows (flat, `archive.rs`), entities are read by id (`entities.rs`),
//! `access.rs` is the way in. Here: the entity operations with their conditions, and errors.
//! Vendor: docs.superoffice.com, REST WebAPI; SuperOfficeDocs/docs.
//!
//! Unverified in the vendor's documents, and what was chosen: REST `DELETE` is final (afterwards
//! 404), a deletion by a person in the user interface is soft (a Contact shows `Deleted: 1`, a
//! Ticket `BaseStatus: "Deleted"`, a Person 404; none is listed); an unknown referenced id is 400;
//! the error types of 401 and 403; an unchanged save moves no stamp; a change of an e-mail or phone
//! alone moves `UpdatedDate`; a TicketEntity's `TimeToReply` is never written; a page without
//! `$top` has 500 rows; a project and a product need a name, a sale nothing; a sale's person must be
//! one of its company; a product out of the assortment is not listed and can be read by its id.

mod access;
mod archive;
mod entities;
mod tenant;

use super::emulator::{Emulator, Limit, Settings, credential};
use crate::http::{Act, Reply, Request};
use crate::oauth::Server;
use crate::state::Table;
use crate::util::ids::Source;
use crate::util::json::{self, PatchError};
use crate::util::time;
use entities::Kind;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::HashMap;
use tenant::error;
pub(crate) use tenant::{CREDENTIALS, SuperOffice};

/// The collection that holds the tenant itself.
const TENANT: &str = "Tenant";

/// The vendor publishes no number; this one only keeps a runaway caller visible.
const LIMITS: &[Limit] = &[Limit { requests: 600, window_seconds: 60, applies: |_| true }];

impl SuperOffice {
    pub fn new(settings: Settings) -> Self {
        let table = |keys| Table::new(keys, settings.list_lag);
        let mut ids = Source::new(settings.seed, "superoffice");
        let first = 1 + ids.below(20) as i64;
        Self {
            tables: [
                table(entities::person_keys),
                table(|_| Vec::new()),
                table(|_| Vec::new()),
                table(|user| vec![format!("person:{}", user["Person"]["PersonId"])]),
                table(|_| Vec::new()),
                table(|_| Vec::new()),
                table(|_| Vec::new()),
                table(|_| Vec::new()),
            ],
            next_id: [
                first,
                first + 1,
                first + 1000,
                2,
                first + 40,
                first + 3,
                first + 7,
                first + 90,
            ],
            ids,
            oauth: Server::new(access::MANNER),
            sessions: HashMap::from([(
                credential(CREDENTIALS, "SUPEROFFICE_TICKET").to_owned(),
                None,
            )]),
            host: String::new(),
            running: true,
        }
    }

    fn tenant(&self) -> Value {
        json!({"ContextIdentifier":credential(CREDENTIALS, "SUPEROFFICE_CONTEXT"),"Host":self.host,"IsRunning":self.running})
    }

    // ---- entities
    // ---------------------------------------------------------------------------------------------

    fn entity_request(
        &mut self,
        kind: Kind,
        rest: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Reply {
        if kind == Kind::User
            && !(request.method == "GET" && rest.is_empty())
            && rest != ["default"]
        {
            return error(
                403,
                "SoSecurityException",
                "User is restricted in Online and not available to this application",
            );
        }
        match (request.method.as_str(), rest) {
            // A line of a quote is no entity of this interface.
            _ if kind == Kind::QuoteLine => error(404, "SoNotFoundException", "No such operation"),
            ("PATCH", [_]) if kind == Kind::Product => Reply::empty(405),
            ("GET", []) => self.list(kind, request, now),
            ("GET", ["default"]) => Reply::json(200, &entities::blank(kind)),
            ("POST", []) => self.create(kind, request, now),
            ("POST", ["Validate"]) => {
                let mut problems = json!({});
                if kind == Kind::Contact
                    && json::filled(&request.json().unwrap_or_default(), "Name").is_none()
                {
                    problems["Name"] = json!("Name is required");
                }
                Reply::json(200, &problems)
            }
            ("GET", [id, "Messages"]) if kind == Kind::Ticket => match self.known(kind, id) {
                Ok(_) => Reply::json(200, &json!([])),
                Err(reply) => reply,
            },
            ("GET", [id]) => self.read(kind, id, request),
            ("PUT", [id]) => self.replace(kind, id, request, now),
            ("PATCH", [id]) => self.patch(kind, id, request, now),
            ("DELETE", [id]) => self.delete(kind, id, request, now),
            _ => error(404, "SoNotFoundException", "No such operation"),
        }
    }

    /// The id of an existing record, or the vendor's 404.
    fn known(&self, kind: Kind, id: &str) -> Result<i64, Reply> {
        match id.parse() {
            Ok(number) if self.table(kind).contains(id) => Ok(number),
            _ => Err(error(
                404,
                "SoNotFoundException",
                &format!("{} id {id} not found", kind.name()),
            )),
        }
    }

    fn read(&self, kind: Kind, id: &str, request: &Request) -> Reply {
        if let Err(reply) = self.known(kind, id) {
            return reply;
        }
        let entity = self.render(kind, self.table(kind).get(id).unwrap_or(&Value::Null));
        let changed = self.changed_at(kind, id);
        if let (Some(since), Some(changed)) =
            (request.header("if-modified-since").and_then(time::parse_http), changed)
            && changed <= since
        {
            return Reply::empty(304);
        }
        Reply::json(200, &select(entity, request))
    }

    /// The record's own last change, to the second.
    fn changed_at(&self, kind: Kind, id: &str) -> Option<Timestamp> {
        time::parse(self.table(kind).get(id)?[kind.stamps().1].as_str()?)
    }

    /// 412 when the record changed after `If-Unmodified-Since`. A Ticket's PUT does not document
    /// it.
    fn stale(&self, kind: Kind, id: &str, request: &Request) -> Option<Reply> {
        let since = request.header("if-unmodified-since").and_then(time::parse_http)?;
        let changed = self.changed_at(kind, id)?;
        (changed > since).then(|| {
            error(
                412,
                "SoPreconditionFailedException",
                &format!(
                    "{} has changed since the requested If-Unmodified-Since time",
                    kind.name()
                ),
            )
        })
    }

    fn create(&mut self, kind: Kind, request: &Request, now: Timestamp) -> Reply {
        let Some(body @ Value::Object(_)) = request.json() else {
            return error(400, "SoBadRequestException", "Entity to save is not in request body.");
        };
        match self.save(kind, None, body, now) {
            Ok((id, changed)) => {
                self.saved(kind, id, request).wrote(kind.name(), Act::Create, changed)
            }
            Err(message) => error(400, "SoValidationException", &message),
        }
    }

    fn saved(&self, kind: Kind, id: i64, request: &Request) -> Reply {
        let entity = self.table(kind).get(&id.to_string()).unwrap_or(&Value::Null);
        // Create, too, answers 200 and not 201.
        Reply::json(200, &select(self.render(kind, entity), request))
    }

    fn replace(&mut self, kind: Kind, id: &str, request: &Request, now: Timestamp) -> Reply {
        let Some(body @ Value::Object(_)) = request.json() else {
            return error(400, "SoBadRequestException", "Entity to save is not in request body.");
        };
        let number = match self.known(kind, id) {
            Ok(number) => number,
            Err(reply) => return reply,
        };
        if !matches!(kind, Kind::Ticket | Kind::Product)
            && let Some(reply) = self.stale(kind, id, request)
        {
            return reply;
        }
        match self.save(kind, Some(number), body, now) {
            Ok((id, changed)) => {
                self.saved(kind, id, request).wrote(kind.name(), Act::Update, changed)
            }
            Err(message) => error(400, "SoValidationException", &message),
        }
    }

    fn patch(&mut self, kind: Kind, id: &str, request: &Request, now: Timestamp) -> Reply {
        let number = match self.known(kind, id) {
            Ok(number) => number,
            Err(reply) => return reply,
        };
        if let Some(reply) = self.stale(kind, id, request) {
            return reply;
        }
        let mut entity = self.render(kind, self.table(kind).get(id).unwrap_or(&Value::Null));
        match request.json() {
            Some(operations @ Value::Array(_)) => {
                match json::apply_patch(&mut entity, &operations, false) {
                    Ok(()) => {}
                    Err(PatchError::TestFailed(path)) => {
                        return error(
                            409,
                            "SoConflictException",
                            &format!("Test operation failed for {path}"),
                        );
                    }
                    Err(PatchError::Invalid(message)) => {
                        return error(400, "SoBadRequestException", &message);
                    }
                }
            }
            Some(merge @ Value::Object(_)) => {
                if let Err(message) = entities::merge(&mut entity, &merge) {
                    return error(400, "SoBadRequestException", &message);
                }
            }
            _ => {
                return error(
                    400,
                    "SoBadRequestException",
                    "Patch operations are not in request body.",
                );
            }
        }
        match self.save(kind, Some(number), entity, now) {
            Ok((id, changed)) => {
                self.saved(kind, id, request).wrote(kind.name(), Act::Update, changed)
            }
            Err(message) => error(400, "SoValidationException", &message),
        }
    }

    fn delete(&mut self, kind: Kind, id: &str, request: &Request, now: Timestamp) -> Reply {
        if let Err(reply) = self.known(kind, id) {
            return reply;
        }
        if kind != Kind::Product
            && let Some(reply) = self.stale(kind, id, request)
        {
            return reply;
        }
        self.table_mut(kind).remove(id, now);
        Reply::empty(204).wrote(kind.name(), Act::Delete, true)
    }

    /// Stores an entity: derived and read-only properties are computed, references are checked.
    /// Returns the id and whether anything changed.
    fn save(
        &mut self,
        kind: Kind,
        id: Option<i64>,
        entity: Value,
        now: Timestamp,
    ) -> Result<(i64, bool), String> {
        self.check_references(kind, &entity)?;
        let before = id.and_then(|id| self.table(kind).get(&id.to_string()).cloned());
        let number = match id {
            Some(id) => id,
            None => self.fresh_id(kind),
        };
        let stored = entities::normal(kind, number, before.as_ref(), &entity, now)?;
        let changed = match &before {
            Some(before) => !entities::same_but_stamps(before, &stored),
            None => true,
        };
        if changed {
            self.table_mut(kind).put(&number.to_string(), stored, now);
        }
        Ok((number, changed))
    }

    fn check_references(&self, kind: Kind, entity: &Value) -> Result<(), String> {
        let references: &[(&str, &str, Kind)] = match kind {
            Kind::Person => &[("Contact", "ContactId", Kind::Contact)],
            Kind::Ticket => {
                &[("Person", "PersonId", Kind::Person), ("OwnedBy", "AssociateId", Kind::User)]
            }
            Kind::Sale => &[
                ("Contact", "ContactId", Kind::Contact),
                ("Person", "PersonId", Kind::Person),
                ("Project", "ProjectId", Kind::Project),
                ("Associate", "AssociateId", Kind::User),
            ],
            Kind::Project => &[("Associate", "AssociateId", Kind::User)],
            _ => &[],
        };
        for (property, name, to) in references {
            let value = &entity[*property];
            if !value.is_null() && !value.is_object() {
                return Err(format!("{property} must be an object with {name}"));
            }
            let given = &value[*name];
            if given.is_null() {
                continue;
            }
            let id = json::id_of(given)
                .ok_or_else(|| format!("{property}.{name} must be an integer"))?;
            // 0 stands for none; the largest integer has a meaning of its own for the owner of a
            // ticket.
            if id != 0 && id != 2_147_483_647 && !self.table(*to).contains(&id.to_string()) {
                return Err(format!("{property}.{name}: {} id {id} not found", to.name()));
            }
        }
        let id = |value: &Value| json::id_of(value).filter(|id| *id != 0);
        if kind == Kind::Sale
            && let Some(person) = id(&entity["Person"]["PersonId"])
            && let Some(person) = self.by_id(Kind::Person, &json!(person))
            && id(&person["Contact"]["ContactId"]) != id(&entity["Contact"]["ContactId"])
        {
            return Err("Person.PersonId: the person does not belong to the company".to_owned());
        }
        Ok(())
    }

    /// The entity as it is answered: names of what it refers to are looked up now.
    fn render(&self, kind: Kind, stored: &Value) -> Value {
        let mut entity = stored.clone();
        match kind {
            Kind::Person => {
                entity["Contact"] = self.contact_carrier(&stored["Contact"]["ContactId"])
            }
            Kind::Contact => {
                let id = &stored["ContactId"];
                entity["Persons"] = self
                    .table(Kind::Person)
                    .find(&format!("contact:{id}"))
                    .map(|person| self.person_carrier(&json!(person)))
                    .collect();
            }
            Kind::Ticket => {
                entity["Person"] = self.person_carrier(&stored["Person"]["PersonId"]);
                entity["OwnedBy"] = self.associate_carrier(&stored["OwnedBy"]["AssociateId"]);
            }
            Kind::User => entity["Person"] = self.person_carrier(&stored["Person"]["PersonId"]),
            Kind::Sale => {
                entity["Contact"] = self.contact_carrier(&stored["Contact"]["ContactId"]);
                entity["Person"] = self.person_carrier(&stored["Person"]["PersonId"]);
                entity["Project"] = self.project_carrier(&stored["Project"]["ProjectId"]);
                entity["Associate"] = self.associate_carrier(&stored["Associate"]["AssociateId"]);
            }
            Kind::Project => {
                entity["Associate"] = self.associate_carrier(&stored["Associate"]["AssociateId"]);
            }
            Kind::Product | Kind::QuoteLine => {}
        }
        if let Some(entity) = entity.as_object_mut() {
            entity.retain(|name, _| !name.starts_with('_'));
        }
        entity
    }

    /// What a person adding a user types, turned into a User and its Person.
    fn put_user(&mut self, id: Option<i64>, body: &Value, now: Timestamp) -> Result<i64, String> {
        let known = id.and_then(|id| self.table(Kind::User).get(&id.to_string()).cloned());
        let person = json::id_of(&body["Person"]["PersonId"])
            .or_else(|| json::id_of(&body["personId"]))
            .or_else(|| known.as_ref().and_then(|user| json::id_of(&user["Person"]["PersonId"])))
            .filter(|id| self.table(Kind::Person).contains(&id.to_string()));
        let mut entity = person
            .and_then(|id| self.table(Kind::Person).get(&id.to_string()).cloned())
            .unwrap_or_else(|| entities::blank(Kind::Person));
        for (given, property) in [("firstName", "Firstname"), ("lastName", "Lastname")] {
            if let Some(name) = body[given].as_str() {
                entity[property] = json!(name);
            }
        }
        match &body["personEmail"] {
            Value::String(email) if entity["Emails"][0].is_object() => {
                entity["Emails"][0]["Value"] = json!(email)
            }
            Value::String(email) => entity["Emails"] = json!([{"Value": email}]),
            Value::Null if body.get("personEmail").is_some() => entity["Emails"] = json!([]),
            _ => {}
        }
        if let Some(contact) = body.get("contactId") {
            entity["Contact"] = json!({"ContactId": contact});
        }
        let (person, _) = self.save(Kind::Person, person, entity, now)?;
        let mut user = known.unwrap_or_else(|| entities::blank(Kind::User));
        json::merge(&mut user, body, false);
        if let Some(name) = body["userName"].as_str() {
            user["UserName"] = json!(name);
        }
        if let Some(active) = body["isActive"].as_bool() {
            user["Deleted"] = json!(!active);
        }
        if json::filled(&user, "UserName").is_none() {
            let email = self
                .table(Kind::Person)
                .get(&person.to_string())
                .map_or(Value::Null, |person| person["Emails"][0]["Value"].clone());
            user["UserName"] = json!(email.as_str().unwrap_or("user"));
        }
        user["Person"] = json!({"PersonId": person});
        let (user, _) = self.save(Kind::User, id, user, now)?;
        // The Person of an associate says so.
        if let Some(mut stored) = self.table(Kind::Person).get(&person.to_string()).cloned() {
            stored["IsAssociate"] = json!(true);
            self.table_mut(Kind::Person).put(&person.to_string(), stored, now);
        }
        Ok(user)
    }
}

impl Emulator for SuperOffice {
    fn copy(&self) -> Box<dyn Emulator> {
        Box::new(self.clone())
    }

    fn tables(&mut self) -> Vec<&mut Table> {
        self.tables.iter_mut().collect()
    }

    fn answer(&mut self, request: &Request, now: Timestamp) -> Reply {
        // `/host-2/Cust12345/…` is asked of another host than `/Cust12345/…`.
        let mut request = request.clone();
        let asked_host = request
            .segments
            .first()
            .filter(|segment| segment.starts_with("host-"))
            .cloned()
            .unwrap_or_default();
        if !asked_host.is_empty() {
            request.segments.remove(0);
        }
        let request = &request;
        if request.is("POST", &["login", "common", "oauth", "tokens"]) {
            let reply = self.oauth.token(request, &mut self.ids, now);
            return access::with_id_token(reply);
        }
        if request.is("GET", &["login", "common", "oauth", "authorize"]) {
            return self.oauth.authorize(request, &mut self.ids, now);
        }
        if request.is("POST", &["login", "api", "PartnerSystemUser", "Authenticate"]) {
            return self.system_user(request, now);
        }
        let tenant = credential(CREDENTIALS, "SUPEROFFICE_CONTEXT");
        if request.is("GET", &["api", "state", "*"]) {
            if !request.segments[2].eq_ignore_ascii_case(tenant) {
                return error(404, "SoNotFoundException", "Unknown customer");
            }
            let host = if self.host.is_empty() {
                request.base.clone()
            } else {
                format!("{}/{}", request.base, self.host)
            };
            let state = if self.running { "Running" } else { "OfflineMaintenance" };
            return Reply::json(
                200,
                &json!({"ContextIdentifier":tenant,"Endpoint":format!("{host}/{tenant}"),"State":state,"IsRunning":self.running,
                    "ValidUntil":time::seconds_z(now + SignedDuration::from_hours(1)),
                    "Api":format!("{host}/{tenant}/api"),"Version":"Release_11.10_2026.02.24-02"}),
            );
        }
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        let [context, api, version, entity, rest @ ..] = segments.as_slice() else {
            return error(404, "SoNotFoundException", "Not found");
        };
        if !api.eq_ignore_ascii_case("api") || !version.eq_ignore_ascii_case("v1") {
            return error(404, "SoNotFoundException", "Not found");
        }
        if !context.eq_ignore_ascii_case(tenant) || asked_host != self.host || !self.running {
            return error(
                421,
                "SoMisdirectedRequestException",
                &format!("{context} does not live here; ask api/state/{context}"),
            );
        }
        if !self.admitted(request, now) {
            return self.unauthorized();
        }
        // Where the application has been given webhooks; none is registered over the interface
        // here.
        if entity.eq_ignore_ascii_case("Webhook") && request.method == "GET" && rest.is_empty() {
            return Reply::json(200, &json!([]));
        }
        // An archive is asked for by its own name: no entity has the lines of quotes.
        if entity.eq_ignore_ascii_case("archive")
            && request.method == "GET"
            && matches!(rest, [provider] if provider.eq_ignore_ascii_case("QuoteLine"))
        {
            return with_zone(self.list(Kind::QuoteLine, request, now), request);
        }
        let Some(kind) = Kind::named(entity) else {
            return error(
                404,
                "SoNotFoundException",
                &format!("{entity} is not part of this sandbox"),
            );
        };
        let reply = self.entity_request(kind, rest, request, now);
        with_zone(reply, request)
    }

    fn limits(&self) -> &'static [Limit] {
        LIMITS
    }

    fn throttled(&self, retry_after: u64) -> Reply {
        error(429, "SoThrottledException", "Too many requests")
            .header("retry-after", retry_after.to_string())
    }

    fn unauthorized(&self) -> Reply {
        error(
            401,
            "SoSessionException",
            "Authentication failed: the ticket or token is missing, wrong or expired",
        )
    }

    fn expire_tokens(&mut self) {
        // The fixed ticket has no end and stays; everything handed out goes.
        self.sessions.retain(|_, end| end.is_none());
        self.oauth.expire();
    }

    fn oauth(&mut self) -> Option<&mut Server> {
        Some(&mut self.oauth)
    }

    fn collections(&self) -> &'static [&'static str] {
        &["Person", "Contact", "Ticket", "User", "Sale", "Project", "Product", "QuoteLine"]
    }

    fn aside(&self) -> &'static [&'static str] {
        &[TENANT]
    }

    fn records(&self, collection: &'static str) -> Vec<Value> {
        if collection == TENANT {
            return vec![self.tenant()];
        }
        let Some(kind) = Kind::named(collection) else {
            return Vec::new();
        };
        self.table(kind)
            .current()
            .map(|stored| match kind {
                Kind::User | Kind::QuoteLine => {
                    // They are seen through their list, so the row's columns stand beside the
                    // entity's properties.
                    let mut shown = self.render(kind, stored);
                    json::merge(&mut shown, &self.row(kind, stored, None), false);
                    shown
                }
                _ => self.render(kind, stored),
            })
            .collect()
    }

    fn id_of(&self, collection: &'static str, record: &Value) -> String {
        if collection == TENANT {
            return credential(CREDENTIALS, "SUPEROFFICE_CONTEXT").to_owned();
        }
        Kind::named(collection)
            .map_or_else(String::new, |kind| record[kind.id_property()].to_string())
    }

    fn put(
        &mut self,
        collection: &'static str,
        body: Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        let kind = Kind::named(collection).ok_or("no such entity")?;
        let id = match kind {
            Kind::User => self.put_user(None, &body, now)?,
            _ => self.save(kind, None, body, now)?.0,
        };
        Ok(self.render(kind, self.table(kind).get(&id.to_string()).unwrap_or(&Value::Null)))
    }

    fn edit(
        &mut self,
        collection: &'static str,
        id: &str,
        patch: &Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        if collection == TENANT {
            // The vendor moves a tenant to another host, or takes it off line.
            if let Some(host) = patch["Host"].as_str() {
                self.host = host.to_owned();
            }
            self.running = patch["IsRunning"].as_bool().unwrap_or(self.running);
            return Ok(self.tenant());
        }
        let kind = Kind::named(collection).ok_or("no such entity")?;
        let number: i64 = id.parse().map_err(|_| "not an id")?;
        if kind == Kind::User {
            self.put_user(Some(number), patch, now)?;
        } else {
            let mut entity = self.table(kind).get(id).cloned().ok_or("no such record")?;
            json::merge(&mut entity, patch, false);
            self.save(kind, Some(number), entity, now)?;
            // What only the server computes can still be set by hand, so that its effect can be
            // tried.
            if kind == Kind::Ticket
                && let (Some(minutes), Some(mut stored)) =
                    (patch.get("TimeToReply"), self.table(kind).get(id).cloned())
            {
                stored["TimeToReply"] = minutes.clone();
                stored["LastChanged"] = json!(time::seconds_bare(now));
                self.table_mut(kind).put(id, stored, now);
            }
        }
        Ok(self.render(kind, self.table(kind).get(id).unwrap_or(&Value::Null)))
    }

    fn remove(
        &mut self,
        collection: &'static str,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, String> {
        let kind = Kind::named(collection).ok_or("no such entity")?;
        let Some(mut stored) = self.table(kind).get(id).cloned() else {
            return Ok(false);
        };
        match kind {
            Kind::Person | Kind::Sale | Kind::Project | Kind::Product | Kind::QuoteLine => {
                return Ok(self.table_mut(kind).remove(id, now));
            }
            Kind::Contact => {
                stored["Deleted"] = json!(1);
                stored["UpdatedDate"] = json!(time::seconds_bare(now));
            }
            Kind::Ticket => {
                stored["BaseStatus"] = json!("Deleted");
                stored["LastChanged"] = json!(time::seconds_bare(now));
            }
            Kind::User => stored["Deleted"] = json!(true),
        }
        self.table_mut(kind).put(id, stored, now);
        Ok(true)
    }
}

/// `$select` on an entity sets everything else to null.
fn select(mut entity: Value, request: &Request) -> Value {
    let Some(wanted) = request.param_any_case("$select").filter(|text| !text.is_empty()) else {
        return entity;
    };
    let wanted: Vec<String> = wanted.split(',').map(|name| name.trim().to_lowercase()).collect();
    if let Some(object) = entity.as_object_mut() {
        for (name, value) in object.iter_mut() {
            if !wanted.contains(&name.to_lowercase()) {
                *value = Value::Null;
            }
        }
    }
    entity
}

/// With `SO-TimeZone: includeTZOffset`, dates carry their offset; otherwise they say nothing of a
/// zone.
fn with_zone(mut reply: Reply, request: &Request) -> Reply {
    let asked = request
        .header("so-timezone")
        .is_some_and(|value| value.eq_ignore_ascii_case("includeTZOffset"));
    if asked && let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body) {
        add_offsets(&mut body);
        reply.body = body.to_string().into_bytes();
    }
    reply
}

fn add_offsets(value: &mut Value) {
    match value {
        Value::String(text) if entities::is_stamp(text) => text.push_str("+00:00"),
        Value::Array(items) => items.iter_mut().for_each(add_offsets),
        Value::Object(object) => object.values_mut().for_each(add_offsets),
        _ => {}
    }
}
