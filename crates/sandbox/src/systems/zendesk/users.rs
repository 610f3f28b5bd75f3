//! Users and their identities. An address is an identity; a user's `email` is the primary one and
//! changes only there.

use super::account::{
    CREDENTIALS, Problem, Zendesk, email_problem, invalid, label, not_found, stamp, text_of,
    trimmed,
};
use crate::http::{Act, Reply, Request};
use crate::systems::emulator::credential;
use crate::util::json as tree;
use crate::util::text::email_key;
use jiff::Timestamp;
use serde_json::{Value, json};

const ROLES: &[&str] = &["end-user", "agent", "admin"];

/// Look-up keys of an identity: its address, and its user.
pub(super) fn identity_keys(identity: &Value) -> Vec<String> {
    let value = identity["value"].as_str().unwrap_or_default();
    let mut keys = vec![format!("user:{}", identity["user_id"])];
    if identity["type"] == "email" {
        keys.push(format!("email:{}", email_key(value)));
    }
    keys
}

/// All addresses of a user in lower case; none for other kinds.
pub(super) fn emails(zendesk: &Zendesk, user: &Value, kind: &str) -> Vec<String> {
    if kind != "user" {
        return Vec::new();
    }
    zendesk
        .identities_of(user["id"].as_i64().unwrap_or(0))
        .iter()
        .filter(|identity| identity["type"] == "email")
        .filter_map(|identity| identity["value"].as_str())
        .map(email_key)
        .collect()
}

impl Zendesk {
    /// The user as whom the credentials act.
    pub(super) fn caller(&self) -> i64 {
        self.user_with_email(credential(CREDENTIALS, "ZENDESK_EMAIL"))
            .and_then(|id| id.parse().ok())
            .unwrap_or(0)
    }

    pub(super) fn users_request(
        &mut self,
        rest: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Reply {
        let body = || request.json().map(|body| body["user"].clone()).unwrap_or_default();
        match (request.method.as_str(), rest) {
            ("GET", []) => {
                let role = request.param("role").or_else(|| request.param("role[]"));
                let external = request.param("external_id").map(str::to_lowercase);
                let listed = self.users.listed(now).filter(|user| {
                    user["active"] == true
                        && role.is_none_or(|role| user["role"] == role)
                        && external.as_ref().is_none_or(|external| {
                            tree::filled(user, "external_id")
                                .is_some_and(|own| own.to_lowercase() == *external)
                        })
                });
                self.page("users", listed, request)
            }
            ("GET", ["count"]) => {
                let count = self.users.current().filter(|user| user["active"] == true).count();
                Reply::json(200, &json!({"count":{"value":count,"refreshed_at":stamp(now)}}))
            }
            ("GET", ["me"]) => {
                Reply::json(200, &json!({"user": self.users.get(&self.caller().to_string())}))
            }
            ("GET", ["show_many"]) => self.many("users", &self.users, request),
            ("GET", ["search"]) => self.search_users(request, now),
            ("POST", []) => match self.new_user(&body(), now) {
                Ok(id) => self.user_reply(201, id).wrote("users", Act::Create, true),
                Err(problem) => problem.reply(),
            },
            ("POST", ["create_or_update"]) => self.create_or_update_user(&body(), now),
            // Bulk import of users has to be switched on by the vendor.
            ("POST", ["create_many" | "create_or_update_many"]) => Reply::json(
                403,
                &json!({"error":"Forbidden","description":"Bulk user import is not enabled for this account"}),
            ),
            ("PUT", ["update_many"]) => self.update_many_users(request, now),
            ("DELETE", ["destroy_many"]) => {
                let ids: Vec<String> = request
                    .param("ids")
                    .unwrap_or_default()
                    .split(',')
                    .map(str::to_owned)
                    .collect();
                let mut noted = Reply::empty(200);
                let mut results = Vec::new();
                for id in ids {
                    let success = self.delete_user(&id, now);
                    if success {
                        noted = noted.wrote("users", Act::Delete, true);
                    }
                    results.push(json!({"id": tree::id_of(&json!(id)), "success": success, "action": "delete"}));
                }
                self.job(request, results, noted)
            }
            (method, [id]) => self.one_user(method, id, request, now),
            (method, [id, "identities", rest @ ..]) => {
                if !self.users.contains(id) {
                    return not_found();
                }
                self.identities_request(method, id.parse().unwrap_or(0), rest, request, now)
            }
            _ => Reply::json(404, &json!({"error":"InvalidEndpoint","description":"Not found"})),
        }
    }

    fn one_user(&mut self, method: &str, id: &str, request: &Request, now: Timestamp) -> Reply {
        let Some(user) = self.users.get(id).cloned() else {
            return not_found();
        };
        let number = user["id"].as_i64().unwrap_or(0);
        match method {
            "GET" => self.user_reply(200, number),
            "PUT" => {
                let body = request.json().map(|body| body["user"].clone()).unwrap_or_default();
                match self.change_user(number, &body, now) {
                    Ok(changed) => {
                        self.user_reply(200, number).wrote("users", Act::Update, changed)
                    }
                    Err(problem) => problem.reply(),
                }
            }
            "DELETE" => {
                if !self.delete_user(id, now) {
                    return not_found();
                }
                self.user_reply(200, number).wrote("users", Act::Delete, true)
            }
            _ => Reply::empty(405),
        }
    }

    fn user_reply(&self, status: u16, id: i64) -> Reply {
        let user = self.users.get(&id.to_string());
        let reply = Reply::json(status, &json!({"user": user}));
        if status == 201 {
            return reply.header("location", format!("/api/v2/users/{id}.json"));
        }
        reply
    }

    /// The id of the user who has this address, primary or not.
    pub(super) fn user_with_email(&self, email: &str) -> Option<String> {
        self.identities
            .find(&format!("email:{}", email_key(email)))
            .next()
            .and_then(|identity| self.identities.get(identity))
            .map(|identity| identity["user_id"].to_string())
    }

    pub(super) fn identities_of(&self, user: i64) -> Vec<&Value> {
        self.identities
            .find(&format!("user:{user}"))
            .filter_map(|id| self.identities.get(id))
            .collect()
    }

    fn taken(email: &str) -> Problem {
        Problem::field(
            "email",
            format!("Email: {email} is already being used by another user"),
            "DuplicateValue",
        )
    }

    pub(super) fn new_user(&mut self, given: &Value, now: Timestamp) -> Result<i64, Problem> {
        let mut user = json!({"id":0,"url":"","name":"","email":null,"created_at":stamp(now),"updated_at":stamp(now),"time_zone":"Copenhagen",
            "iana_time_zone":"Europe/Copenhagen","phone":null,"shared_phone_number":null,"photo":null,"locale_id":1,"locale":"en-US",
            "organization_id":null,"role":"end-user","verified":given["verified"] == true,"external_id":null,"tags":[],"alias":null,"active":true,
            "shared":false,"shared_agent":false,"last_login_at":null,"two_factor_auth_enabled":null,"signature":null,"details":null,
            "notes":null,"role_type":null,"custom_role_id":null,"moderator":false,"ticket_restriction":"requested",
            "only_private_comments":false,"restricted_agent":true,"suspended":false,"default_group_id":null,"report_csv":false,
            "user_fields":{}});
        self.take_over(&mut user, given, "")?;
        if tree::filled(&user, "name").is_none() {
            return Err(Problem::field(
                "name",
                "Name: is too short (minimum one character)",
                "BlankValue",
            ));
        }
        let email = text_of(given, "email")?
            .flatten()
            .map(|email| trimmed(&email))
            .filter(|email| !email.is_empty());
        if let Some(email) = &email {
            if let Some(problem) = email_problem("email", email) {
                return Err(problem);
            }
            if self.user_with_email(email).is_some() {
                return Err(Self::taken(email));
            }
        }
        let id = self.fresh_id();
        user["id"] = json!(id);
        user["url"] = json!(Self::url("", "users", id));
        user["email"] = json!(email);
        self.users.put(&id.to_string(), user, now);
        if let Some(email) = email {
            self.put_identity(id, &email, given["verified"] == true, true, now);
            if given["skip_verify_email"] != true {
                self.mail(&email, now);
            }
        }
        Ok(id)
    }

    /// Puts the writable properties of `given` over `user`.
    fn take_over(&self, user: &mut Value, given: &Value, own: &str) -> Result<(), Problem> {
        if !given.is_object() {
            return Err(Problem::Reply(Box::new(invalid(400, "Parameter user is required"))));
        }
        for name in [
            "name",
            "phone",
            "external_id",
            "locale",
            "alias",
            "details",
            "notes",
            "signature",
            "time_zone",
        ] {
            if let Some(text) = text_of(given, name)? {
                let text = text.map(|text| if name == "name" { trimmed(&text) } else { text });
                // An empty text is stored as none, but a name cannot be none.
                user[name] = match text {
                    Some(text) if text.is_empty() && name != "name" => Value::Null,
                    other => json!(other),
                };
            }
        }
        if tree::filled(user, "name").is_none() && given.get("name").is_some() {
            return Err(Problem::field(
                "name",
                "Name: is too short (minimum one character)",
                "BlankValue",
            ));
        }
        if let Some(role) = given.get("role") {
            match role.as_str() {
                Some(role) if ROLES.contains(&role) => user["role"] = json!(role),
                _ => {
                    return Err(Problem::field(
                        "role",
                        format!("Role: {role} is invalid"),
                        "InvalidValue",
                    ));
                }
            }
        }
        if let Some(organization) = given.get("organization_id") {
            user["organization_id"] = self.reference(organization, "organization_id")?;
        }
        for (name, is_right) in
            [("tags", given["tags"].is_array()), ("user_fields", given["user_fields"].is_object())]
        {
            if is_right {
                user[name] = given[name].clone();
            }
        }
        for name in ["verified", "suspended"] {
            if let Some(flag) = given.get(name).and_then(Value::as_bool) {
                user[name] = json!(flag);
            }
        }
        if let Some(external) = tree::filled(user, "external_id")
            && self
                .users
                .other_with(&format!("external:{}", external.to_lowercase()), own)
                .is_some()
        {
            return Err(Problem::field(
                "external_id",
                "External: has already been taken",
                "DuplicateValue",
            ));
        }
        Ok(())
    }

    /// The id of something that exists, or null.
    pub(super) fn reference(&self, given: &Value, field: &str) -> Result<Value, Problem> {
        if given.is_null() || given == "" {
            return Ok(Value::Null);
        }
        let table = if field == "organization_id" { &self.organizations } else { &self.users };
        let known = tree::id_of(given).filter(|id| {
            table.get(&id.to_string()).is_some_and(|record| record["active"] != false)
        });
        match known {
            Some(id) => Ok(json!(id)),
            None => Err(Problem::field(
                field,
                format!("{}: {given} is invalid", label(field)),
                "InvalidValue",
            )),
        }
    }

    /// A partial update. A new address becomes a *secondary* identity; `email` stays what it is.
    pub(super) fn change_user(
        &mut self,
        id: i64,
        given: &Value,
        now: Timestamp,
    ) -> Result<bool, Problem> {
        let key = id.to_string();
        let before = self.users.get(&key).cloned().unwrap_or_default();
        if before["active"] == false {
            return Err(Problem::field(
                "base",
                "Base: a deleted user cannot be changed",
                "InvalidValue",
            ));
        }
        let mut user = before.clone();
        self.take_over(&mut user, given, &key)?;
        let mut added = None;
        if let Some(Some(email)) = text_of(given, "email")?
            .map(|email| email.map(|email| trimmed(&email)).filter(|email| !email.is_empty()))
        {
            if let Some(problem) = email_problem("email", &email) {
                return Err(problem);
            }
            match self.user_with_email(&email) {
                Some(owner) if owner != key => return Err(Self::taken(&email)),
                Some(_) => {}
                None => added = Some(email),
            }
        }
        let changed = user != before || added.is_some();
        if changed {
            user["updated_at"] = stamp(now);
            self.users.put(&key, user, now);
        }
        if let Some(email) = added {
            // Without any address yet, the first one is the primary one.
            let first = before["email"].is_null();
            self.put_identity(id, &email, false, first, now);
            if first {
                self.show_email(id, &email, now);
            }
        }
        Ok(changed)
    }

    fn create_or_update_user(&mut self, given: &Value, now: Timestamp) -> Reply {
        let by_email = given["email"].as_str().and_then(|email| self.user_with_email(email));
        let by_external = tree::filled(given, "external_id").and_then(|external| {
            self.users
                .find(&format!("external:{}", external.to_lowercase()))
                .next()
                .map(str::to_owned)
        });
        match by_external.or(by_email).and_then(|id| id.parse().ok()) {
            Some(id) => {
                let done = self.change_user(id, given, now).and_then(|changed| {
                    // The address keeps its owner and takes over the case in which it was sent.
                    let user = self.users.get(&i64::to_string(&id)).cloned().unwrap_or_default();
                    let rewritten = given["email"].as_str().map(trimmed).filter(|email| {
                        user["email"]
                            .as_str()
                            .is_some_and(|own| own != email && email_key(own) == email_key(email))
                    });
                    match rewritten {
                        Some(email) => self.set_primary_email(id, &email, now).map(|()| true),
                        None => Ok(changed),
                    }
                });
                match done {
                    Ok(changed) => self
                        .user_reply(200, id)
                        .header("location", format!("/api/v2/users/{id}.json"))
                        .wrote("users", Act::Update, changed),
                    Err(problem) => problem.reply(),
                }
            }
            None => match self.new_user(given, now) {
                Ok(id) => self.user_reply(201, id).wrote("users", Act::Create, true),
                Err(problem) => problem.reply(),
            },
        }
    }

    fn update_many_users(&mut self, request: &Request, now: Timestamp) -> Reply {
        let body = request.json().unwrap_or_default();
        let changes: Vec<(i64, Value)> = match request.param("ids") {
            Some(ids) => ids
                .split(',')
                .filter_map(|id| Some((id.trim().parse().ok()?, body["user"].clone())))
                .collect(),
            None => body["users"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|user| Some((tree::id_of(&user["id"])?, user.clone())))
                .collect(),
        };
        if changes.len() > super::account::BULK {
            return invalid(400, "Too many records: 100 at most");
        }
        let mut noted = Reply::empty(200);
        let mut results = Vec::new();
        for (index, (id, given)) in changes.into_iter().enumerate() {
            if !self.users.contains(&id.to_string()) {
                results
                    .push(json!({"index":index,"id":id,"success":false,"error":"RecordNotFound"}));
                continue;
            }
            match self.change_user(id, &given, now) {
                Ok(changed) => {
                    noted = noted.wrote("users", Act::Update, changed);
                    results.push(json!({"index":index,"id":id,"success":true,"action":"update","status":"Updated"}));
                }
                Err(problem) => results
                    .push(json!({"index":index,"id":id,"success":false,"error":problem.message()})),
            }
        }
        self.job(request, results, noted)
    }

    /// Soft: the user stays readable with `active: false` and without addresses.
    pub(super) fn delete_user(&mut self, id: &str, now: Timestamp) -> bool {
        let Some(mut user) = self.users.get(id).filter(|user| user["active"] == true).cloned()
        else {
            return false;
        };
        let identities: Vec<String> =
            self.identities.find(&format!("user:{id}")).map(str::to_owned).collect();
        for identity in identities {
            self.identities.remove(&identity, now);
        }
        user["active"] = json!(false);
        user["external_id"] = Value::Null;
        user["updated_at"] = stamp(now);
        self.users.put(id, user, now);
        true
    }

    /// Searches the addresses and names; it lags as lists do.
    fn search_users(&self, request: &Request, now: Timestamp) -> Reply {
        let query = request
            .param("query")
            .map(|text| text.trim().trim_start_matches("email:").trim_matches('"').to_lowercase());
        let external = request.param("external_id").map(str::to_lowercase);
        let found = self.users.listed(now).filter(|user| {
            if user["active"] != true {
                return false;
            }
            if let Some(external) = &external {
                return tree::filled(user, "external_id")
                    .is_some_and(|own| own.to_lowercase() == *external);
            }
            let Some(query) = query.as_ref().filter(|query| !query.is_empty()) else {
                return true;
            };
            user["name"].as_str().is_some_and(|name| name.to_lowercase().contains(query))
                || emails(self, user, "user").iter().any(|email| email.starts_with(query.as_str()))
        });
        self.page("users", found, request)
    }

    // ---- identities
    // -------------------------------------------------------------------------------------------

    fn identities_request(
        &mut self,
        method: &str,
        user: i64,
        rest: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Reply {
        let body = || request.json().map(|body| body["identity"].clone()).unwrap_or_default();
        match (method, rest) {
            ("GET", []) => Reply::json(200, &json!({"identities": self.identities_of(user)})),
            ("POST", []) => match self.new_identity(user, &body(), now) {
                Ok(id) => {
                    Reply::json(201, &json!({"identity": self.identities.get(&id.to_string())}))
                        .header("location", format!("/api/v2/users/{user}/identities/{id}.json"))
                        .wrote("identities", Act::Create, true)
                }
                Err(problem) => problem.reply(),
            },
            (_, [id, rest @ ..]) => {
                let Some(identity) =
                    self.identities.get(id).filter(|identity| identity["user_id"] == user).cloned()
                else {
                    return not_found();
                };
                let number = identity["id"].as_i64().unwrap_or(0);
                match (method, rest) {
                    ("GET", []) => Reply::json(200, &json!({"identity": identity})),
                    ("PUT", []) => match self.change_identity(number, &body(), now) {
                        Ok(()) => {
                            let after = self.identities.get(id).cloned();
                            let changed = after.as_ref() != Some(&identity);
                            Reply::json(200, &json!({"identity": after})).wrote(
                                "identities",
                                Act::Update,
                                changed,
                            )
                        }
                        Err(problem) => problem.reply(),
                    },
                    ("PUT", ["verify"]) => {
                        match self.change_identity(number, &json!({"verified":true}), now) {
                            Ok(()) => {
                                Reply::json(200, &json!({"identity": self.identities.get(id)}))
                                    .wrote("identities", Act::Update, true)
                            }
                            Err(problem) => problem.reply(),
                        }
                    }
                    ("PUT", ["make_primary"]) => {
                        if identity["type"] != "email" {
                            return invalid(422, "Only an email identity can be primary");
                        }
                        let value = identity["value"].as_str().unwrap_or_default().to_owned();
                        let changed = identity["primary"] != true;
                        self.make_primary(user, number, &value, now);
                        Reply::json(200, &json!({"identities": self.identities_of(user)})).wrote(
                            "identities",
                            Act::Update,
                            changed,
                        )
                    }
                    ("DELETE", []) => {
                        // Refusing to take away the primary address while others stay is
                        // unverified.
                        if identity["primary"] == true && self.identities_of(user).len() > 1 {
                            return Problem::field(
                                "base",
                                "Base: the primary identity cannot be deleted",
                                "InvalidValue",
                            )
                            .reply();
                        }
                        self.identities.remove(id, now);
                        if identity["primary"] == true
                            && let Some(mut stored) = self.users.get(&user.to_string()).cloned()
                        {
                            stored["email"] = Value::Null;
                            stored["updated_at"] = stamp(now);
                            self.users.put(&user.to_string(), stored, now);
                        }
                        Reply::empty(204).wrote("identities", Act::Delete, true)
                    }
                    _ => not_found(),
                }
            }
            _ => Reply::empty(405),
        }
    }

    pub(super) fn new_identity(
        &mut self,
        user: i64,
        given: &Value,
        now: Timestamp,
    ) -> Result<i64, Problem> {
        let kind = given["type"].as_str().unwrap_or("email");
        let Some(value) = tree::filled(given, "value") else {
            return Err(Problem::field("value", "Value: cannot be blank", "BlankValue"));
        };
        if kind == "email" {
            if let Some(problem) = email_problem("value", value) {
                return Err(problem);
            }
            if self.user_with_email(value).is_some() {
                return Err(Problem::field(
                    "value",
                    format!("Value: {value} is already being used by another user"),
                    "DuplicateValue",
                ));
            }
        }
        let first = kind == "email"
            && self.users.get(&user.to_string()).is_some_and(|user| user["email"].is_null());
        let primary = given["primary"] == true || first;
        let value = value.to_owned();
        if kind == "email" && given["skip_verify_email"] != true {
            self.mail(&value, now);
        }
        let value = value.as_str();
        let id = self.put_identity(user, value, given["verified"] == true, primary && first, now);
        if kind != "email"
            && let Some(mut identity) = self.identities.get(&id.to_string()).cloned()
        {
            identity["type"] = json!(kind);
            self.identities.put(&id.to_string(), identity, now);
        }
        if primary {
            self.make_primary(user, id, value, now);
        } else if let Some(mut stored) = self.users.get(&user.to_string()).cloned() {
            stored["updated_at"] = stamp(now);
            self.users.put(&user.to_string(), stored, now);
        }
        Ok(id)
    }

    fn put_identity(
        &mut self,
        user: i64,
        email: &str,
        verified: bool,
        primary: bool,
        now: Timestamp,
    ) -> i64 {
        let id = self.fresh_id();
        let identity = json!({"id":id,"url":format!("/api/v2/users/{user}/identities/{id}.json"),"user_id":user,"type":"email","value":email,
            "verified":verified,"primary":primary,"created_at":stamp(now),"updated_at":stamp(now),"undeliverable_count":0,
            "deliverable_state":"deliverable"});
        self.identities.put(&id.to_string(), identity, now);
        id
    }

    /// Changes an identity's value in place; the primary one's shows as the user's `email`.
    pub(super) fn change_identity(
        &mut self,
        id: i64,
        given: &Value,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let key = id.to_string();
        let Some(mut identity) = self.identities.get(&key).cloned() else {
            return Err(Problem::Reply(Box::new(not_found())));
        };
        let user = identity["user_id"].as_i64().unwrap_or(0);
        if let Some(value) = tree::filled(given, "value").map(trimmed) {
            if identity["type"] == "email" {
                if let Some(problem) = email_problem("value", &value) {
                    return Err(problem);
                }
                if self
                    .identities
                    .other_with(&format!("email:{}", email_key(&value)), &key)
                    .is_some()
                {
                    return Err(Problem::field(
                        "value",
                        format!("Value: {value} is already being used by another user"),
                        "DuplicateValue",
                    ));
                }
            }
            identity["value"] = json!(value);
        }
        if let Some(verified) = given.get("verified").and_then(Value::as_bool) {
            identity["verified"] = json!(verified);
        }
        if self.identities.get(&key) != Some(&identity) {
            identity["updated_at"] = stamp(now);
        }
        let (primary, value) = (identity["primary"] == true, identity["value"].clone());
        self.identities.put(&key, identity, now);
        if primary {
            self.show_email(user, value.as_str().unwrap_or_default(), now);
        }
        Ok(())
    }

    fn make_primary(&mut self, user: i64, id: i64, email: &str, now: Timestamp) {
        let all: Vec<Value> = self.identities_of(user).into_iter().cloned().collect();
        for mut identity in all {
            let primary = identity["id"] == id;
            if identity["primary"] != primary {
                identity["primary"] = json!(primary);
                identity["updated_at"] = stamp(now);
                self.identities.put(&identity["id"].to_string(), identity.clone(), now);
            }
        }
        self.show_email(user, email, now);
    }

    fn show_email(&mut self, user: i64, email: &str, now: Timestamp) {
        let key = user.to_string();
        if let Some(mut stored) = self.users.get(&key).cloned()
            && stored["email"] != email
        {
            stored["email"] = json!(email);
            stored["updated_at"] = stamp(now);
            self.users.put(&key, stored, now);
        }
    }

    /// Makes `email` the primary address, whether it is an identity of the user already or not.
    pub(super) fn set_primary_email(
        &mut self,
        user: i64,
        email: &str,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let own = self
            .identities_of(user)
            .into_iter()
            .find(|identity| {
                email_key(identity["value"].as_str().unwrap_or_default()) == email_key(email)
            })
            .and_then(|identity| identity["id"].as_i64());
        let id = match own {
            Some(id) => {
                self.change_identity(id, &json!({"value": email}), now)?;
                id
            }
            None => {
                self.new_identity(user, &json!({"value": email, "skip_verify_email": true}), now)?
            }
        };
        self.make_primary(user, id, email, now);
        Ok(())
    }
}
