//! JetBrains YouTrack: users through the Hub REST API, and the paired records of the YouTrack API,
//! which also has groups and organizations (`groups.rs`).
//!
//! Vendor: HUB-REST-API and resource-api-users in the YouTrack developer portal. `fields.rs` has
//! the projection syntax and the `query` language.
//!
//! Unverified in the vendor's documents, and what was chosen: `login` is required on create and
//! `name` falls back to it; `skip`, `top`, `total` stand beside `users`; a Hub list without `$top`
//! has 100 users; the default order is that of the ids; an e-mail or login that is taken is 409
//! with `error_field`; a new address is unverified unless the caller says otherwise and never moves
//! to `unverifiedEmail`; the body of errors beyond `error_description`; deleting needs no
//! successor. No modified time is shown anywhere, as with the vendor.

mod fields;
mod groups;
mod instance;

use super::emulator::{Emulator, Limit, Settings, credential};
use crate::http::{Act, Reply, Request};
use crate::state::Table;
use crate::util::ids::Source;
use crate::util::json as tree;
use crate::util::text::{email_key, looks_like_email};
use fields::Fields;
pub(crate) use instance::YouTrack;
use instance::{API_TOP, Refusal, error, refusal, refused};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// What opens the demo instance.
pub(crate) const CREDENTIALS: &[(&str, &str)] =
    &[("YOUTRACK_TOKEN", "perm:c2FuZGJveA==.NDItMA==.sandboxYouTrackToken")];

/// No limit is published; this one only keeps a runaway caller visible.
const LIMITS: &[Limit] = &[Limit { requests: 600, window_seconds: 60, applies: |_| true }];

const HUB_TOP: usize = 100;

fn keys(user: &Value) -> Vec<String> {
    let mut keys = Vec::new();
    if let Some(login) = tree::filled(user, "login") {
        keys.push(format!("login:{}", login.to_lowercase()));
    }
    if let Some(email) = tree::filled(user, "profile.email.email") {
        keys.push(format!("email:{}", email_key(email)));
    }
    if let Some(pair) = user["_pair"].as_str() {
        keys.push(format!("pair:{pair}"));
    }
    keys
}

impl YouTrack {
    pub fn new(settings: Settings) -> Self {
        let mut youtrack = Self {
            users: Table::new(keys, settings.list_lag),
            groups: Table::new(groups::keys, settings.list_lag),
            organizations: Table::new(groups::keys, settings.list_lag),
            next_set: 0,
            next_pair: 1,
            pairing_delay: settings.youtrack_pairing_delay,
            ids: Source::new(settings.seed, "youtrack"),
            owner: String::new(),
        };
        let root = json!({"login":"root","name":"root","profile":{"email":{"email":"youtrack.admin@example.org","verified":true}}});
        let founded = Timestamp::now() - SignedDuration::from_hours(24 * 400);
        if let Ok(id) = youtrack.create(&root, founded) {
            youtrack.owner = id;
        }
        youtrack.found_groups(founded);
        youtrack
    }

    /// Takes over what may be written.
    fn apply(&self, user: &mut Value, given: &Value, own: &str) -> Result<(), Refusal> {
        let Some(object) = given.as_object() else {
            return Err(refusal(400, "", "A JSON object is expected"));
        };
        for name in ["login", "name"] {
            match object.get(name) {
                None => {}
                Some(Value::String(text)) if !text.trim().is_empty() => {
                    user[name] = json!(text.trim())
                }
                Some(Value::Null) => {}
                Some(Value::String(_)) => {
                    return Err(refusal(
                        400,
                        if name == "login" { "login" } else { "name" },
                        format!("{name} must not be empty"),
                    ));
                }
                Some(_) => {
                    return Err(refusal(
                        400,
                        if name == "login" { "login" } else { "name" },
                        format!("{name} must be a string"),
                    ));
                }
            }
        }
        if let Some(banned) = object.get("banned") {
            user["banned"] = json!(banned.as_bool().ok_or_else(|| refusal(
                400,
                "banned",
                "banned must be a boolean"
            ))?);
        }
        let profile = object.get("profile").unwrap_or(&Value::Null);
        if !profile.is_null() && !profile.is_object() {
            return Err(refusal(
                400,
                "profile",
                "Can't deserialize profile: an object is expected",
            ));
        }
        // Several clients send the address at the top.
        let email = match (profile.get("email"), object.get("email")) {
            (Some(Value::Null), _) => Some(json!({"email": null})),
            (Some(email @ Value::Object(_)), _) => Some(email.clone()),
            (Some(other), _) => {
                return Err(refusal(
                    400,
                    "profile.email",
                    format!(
                        "Can't deserialize profile.email from {other}: an object such as {{\"email\": …}} is expected"
                    ),
                ));
            }
            (None, Some(Value::String(email))) => Some(json!({"email": email})),
            (None, _) => None,
        };
        if let Some(email) = email {
            self.apply_email(user, &email)?;
        }
        if let Some(locale) = profile.get("locale").filter(|locale| locale.is_object()) {
            user["profile"]["locale"] = locale.clone();
        }
        for (name, field, taken) in [
            (
                "login",
                "login",
                tree::filled(user, "login").map(|login| format!("login:{}", login.to_lowercase())),
            ),
            (
                "e-mail address",
                "email",
                tree::filled(user, "profile.email.email")
                    .map(|email| format!("email:{}", email_key(email))),
            ),
        ] {
            if let Some(key) = taken
                && self.users.other_with(&key, own).is_some()
            {
                return Err(refusal(409, field, format!("A user with this {name} already exists")));
            }
        }
        Ok(())
    }

    fn apply_email(&self, user: &mut Value, given: &Value) -> Result<(), Refusal> {
        let stored = user["profile"]["email"]["email"].as_str().map(str::to_owned);
        let verified = given["verified"].as_bool();
        match given.get("email") {
            Some(Value::String(email)) if !email.trim().is_empty() => {
                let email = email.trim();
                if !looks_like_email(email) {
                    return Err(refusal(
                        400,
                        "email",
                        format!("'{email}' is not a valid e-mail address"),
                    ));
                }
                if stored.as_deref() != Some(email) {
                    user["profile"]["email"] = json!({"type":"EmailJSON","email":email,"verified":verified.unwrap_or(false)});
                } else if let Some(verified) = verified {
                    user["profile"]["email"]["verified"] = json!(verified);
                }
            }
            Some(Value::String(_) | Value::Null) => {
                if let Some(profile) = user["profile"].as_object_mut() {
                    profile.remove("email");
                }
            }
            None => {
                if let (Some(verified), Some(_)) = (verified, stored) {
                    user["profile"]["email"]["verified"] = json!(verified);
                }
            }
            Some(_) => return Err(refusal(400, "email", "profile.email.email must be a string")),
        }
        Ok(())
    }

    fn create(&mut self, given: &Value, now: Timestamp) -> Result<String, Refusal> {
        let id = self.ids.uuid();
        let created = now.as_millisecond();
        let mut user = json!({"type":"user","id":id,"login":null,"name":null,"banned":false,"guest":false,"creationTime":created,
            "lastAccessTime":created,"profile":{"avatar":{"type":"defaultavatar","url":format!("/hub/api/rest/avatar/{id}")},
            "locale":{"type":"LocaleJSON","language":"en","name":"en"}},"details":[],"groups":[{"type":"userGroup","id":"registered-users"}],
            "projectRoles":[],"teams":[]});
        self.apply(&mut user, given, &id)?;
        if tree::filled(&user, "login").is_none() {
            return Err(refusal(400, "login", "login is required"));
        }
        if tree::filled(&user, "name").is_none() {
            user["name"] = user["login"].clone();
        }
        user["_pair"] = json!(format!("1-{}", self.next_pair));
        self.next_pair += 1;
        self.users.put(&id, user, now);
        Ok(id)
    }

    fn update(&mut self, id: &str, given: &Value, now: Timestamp) -> Result<bool, Refusal> {
        let mut user = self.users.get(id).cloned().unwrap_or_default();
        self.apply(&mut user, given, id)?;
        Ok(self.users.put(id, user, now))
    }

    // ---- Hub
    // --------------------------------------------------------------------------------------------------

    fn hub(&mut self, rest: &[&str], request: &Request, now: Timestamp) -> Reply {
        let fields = match Fields::parse(request.param("fields").unwrap_or_default()) {
            Ok(fields) => fields,
            Err(message) => return error(400, "fields", &message),
        };
        let body = || request.json().unwrap_or(Value::Null);
        match (request.method.as_str(), rest) {
            ("GET", ["users"]) => self.hub_list(&fields, request, now),
            ("POST", ["users"]) => match self.create(&body(), now) {
                Ok(id) => self.hub_user(&id, &fields).wrote("users", Act::Create, true),
                Err(refusal) => refused(&refusal),
            },
            (method, ["users", id, rest @ ..]) => {
                let id = if *id == "me" { self.owner.clone() } else { (*id).to_owned() };
                if !self.users.contains(&id) {
                    return error(404, "", &format!("User with id {id} not found"));
                }
                match (method, rest) {
                    ("GET", []) => self.hub_user(&id, &fields),
                    ("POST", []) => match self.update(&id, &body(), now) {
                        Ok(changed) => {
                            self.hub_user(&id, &fields).wrote("users", Act::Update, changed)
                        }
                        Err(refusal) => refused(&refusal),
                    },
                    ("DELETE", []) => self.delete(&id, request, now),
                    ("POST", ["userdetails"]) => {
                        let detail = json!({"type":"HubuserdetailsJSON","id":self.ids.uuid()});
                        let mut user = self.users.get(&id).cloned().unwrap_or_default();
                        if let Some(details) = user["details"].as_array_mut() {
                            details.push(detail.clone());
                        }
                        self.users.put(&id, user, now);
                        Reply::json(200, &detail).wrote("users", Act::Update, true)
                    }
                    // There is no PUT and no PATCH.
                    _ => error(405, "", "Method Not Allowed"),
                }
            }
            _ => error(404, "", "Not found"),
        }
    }

    fn hub_user(&self, id: &str, fields: &Fields) -> Reply {
        Reply::json(200, &fields.project(&visible(self.users.get(id).unwrap_or(&Value::Null))))
    }

    fn hub_list(&self, fields: &Fields, request: &Request, now: Timestamp) -> Reply {
        let (Ok(skip), Ok(top)) = (request.number("$skip"), request.number("$top")) else {
            return error(400, "$top", "$skip and $top must be numbers");
        };
        let query = match fields::Query::parse(request.param("query").unwrap_or_default()) {
            Ok(query) => query,
            Err(message) => return error(400, "query", &message),
        };
        let (skip, top) = (skip.unwrap_or(0), top.unwrap_or(HUB_TOP));
        let mut users: Vec<&Value> =
            self.users.listed(now).filter(|user| query.holds(user)).collect();
        if let Some(order) = request.param("orderBy").filter(|text| !text.is_empty()) {
            let (name, down) = match order.split_once([':', ' ']) {
                Some((name, direction)) => (name, direction.eq_ignore_ascii_case("desc")),
                None => (order, false),
            };
            let text = |user: &Value| match tree::at(user, name) {
                Value::String(text) => text.to_lowercase(),
                other => format!("{other:>20}"),
            };
            users.sort_by(|a, b| if down { text(b).cmp(&text(a)) } else { text(a).cmp(&text(b)) });
        }
        let total = users.len();
        let page: Vec<Value> = users
            .into_iter()
            .skip(skip)
            .take(top)
            .map(|user| fields.inner("users").project(&visible(user)))
            .collect();
        Reply::json(
            200,
            &json!({"type":"usersPage","skip":skip,"top":top,"total":total,"users":page}),
        )
    }

    fn delete(&mut self, id: &str, request: &Request, now: Timestamp) -> Reply {
        if id == self.owner {
            return error(403, "", "You cannot delete yourself");
        }
        if let Some(successor) = request.param("successor").filter(|id| !id.is_empty()) {
            let known = self.users.contains(successor)
                || self.users.find(&format!("pair:{successor}")).next().is_some();
            if !known || successor == id {
                return error(400, "successor", "The successor is not a user");
            }
        }
        self.users.remove(id, now);
        Reply::json(200, &json!({})).wrote("users", Act::Delete, true)
    }

    // ---- YouTrack
    // ---------------------------------------------------------------------------------------------

    fn api(&mut self, rest: &[&str], request: &Request, now: Timestamp) -> Reply {
        let fields = match Fields::parse(request.param("fields").unwrap_or_default()) {
            // Without fields only the id comes back.
            Ok(fields) if fields.is_empty() => Fields::only(&["id"]),
            Ok(fields) => fields,
            Err(message) => return error(400, "fields", &message),
        };
        let given = || {
            let mut body = request.json().unwrap_or(Value::Null);
            if let Some(name) = body.get("fullName").cloned() {
                body["name"] = name;
            }
            body
        };
        match (request.method.as_str(), rest) {
            (_, ["groups", rest @ ..]) => {
                self.sets(groups::Kind::Groups, rest, &fields, request, now)
            }
            (_, ["admin", "organizations", rest @ ..]) => {
                self.sets(groups::Kind::Organizations, rest, &fields, request, now)
            }
            ("GET", ["users"]) => self.api_list(&fields, request, now),
            ("POST", ["users"]) => match self.create(&given(), now) {
                Ok(id) => self.api_user(&id, &fields).wrote("users", Act::Create, true),
                Err(refusal) => refused(&refusal),
            },
            (method, ["users", id]) => {
                let id = match *id {
                    "me" => Some(self.owner.clone()),
                    // By its own id, the Hub id or the login.
                    id => self
                        .users
                        .find(&format!("pair:{id}"))
                        .chain(self.users.find(&format!("login:{}", id.to_lowercase())))
                        .next()
                        .map(str::to_owned)
                        .or_else(|| self.users.contains(id).then(|| id.to_owned())),
                };
                let id =
                    id.filter(|id| self.users.get(id).is_some_and(|user| self.paired(user, now)));
                let Some(id) = id else {
                    return error(404, "", "Entity with id not found");
                };
                match method {
                    "GET" => self.api_user(&id, &fields),
                    "POST" => match self.update(&id, &given(), now) {
                        Ok(changed) => {
                            self.api_user(&id, &fields).wrote("users", Act::Update, changed)
                        }
                        Err(refusal) => refused(&refusal),
                    },
                    "DELETE" => self.delete(&id, request, now),
                    _ => error(405, "", "Method Not Allowed"),
                }
            }
            _ => error(404, "", "Not found"),
        }
    }

    fn api_list(&self, fields: &Fields, request: &Request, now: Timestamp) -> Reply {
        let (Ok(skip), Ok(top)) = (request.number("$skip"), request.number("$top")) else {
            return error(400, "$top", "$skip and $top must be numbers");
        };
        let users: Vec<Value> = self
            .users
            .listed(now)
            .filter(|user| self.paired(user, now))
            .skip(skip.unwrap_or(0))
            .take(top.unwrap_or(API_TOP))
            .map(|user| fields.project(&paired_record(user)))
            .collect();
        Reply::json(200, &Value::Array(users))
    }

    fn api_user(&self, id: &str, fields: &Fields) -> Reply {
        Reply::json(
            200,
            &fields.project(&paired_record(self.users.get(id).unwrap_or(&Value::Null))),
        )
    }

    /// A user created in Hub appears in YouTrack a little later.
    fn paired(&self, user: &Value, now: Timestamp) -> bool {
        let created = user["creationTime"].as_i64().unwrap_or(0);
        now.as_millisecond() >= created + self.pairing_delay.as_millis() as i64
    }
}

impl Emulator for YouTrack {
    fn copy(&self) -> Box<dyn Emulator> {
        Box::new(self.clone())
    }

    fn tables(&mut self) -> Vec<&mut Table> {
        vec![&mut self.users, &mut self.groups, &mut self.organizations]
    }

    fn answer(&mut self, request: &Request, now: Timestamp) -> Reply {
        if request.credential("Bearer") != Some(credential(CREDENTIALS, "YOUTRACK_TOKEN")) {
            return self.unauthorized();
        }
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["hub", "api", "rest", rest @ ..] | ["hub", "rest", rest @ ..] => {
                self.hub(rest, request, now)
            }
            ["api", rest @ ..] => self.api(rest, request, now),
            _ => error(404, "", "Not found"),
        }
    }

    fn limits(&self) -> &'static [Limit] {
        LIMITS
    }

    fn throttled(&self, retry_after: u64) -> Reply {
        error(429, "", "Too Many Requests").header("retry-after", retry_after.to_string())
    }

    fn unauthorized(&self) -> Reply {
        error(401, "", "Authentication failed: the token is missing, wrong or revoked")
            .header("www-authenticate", "Bearer")
    }

    fn expire_tokens(&mut self) {
        // A permanent token does not expire.
    }

    fn collections(&self) -> &'static [&'static str] {
        &["users", "groups", "organizations"]
    }

    fn records(&self, collection: &'static str) -> Vec<Value> {
        match groups::Kind::named(collection) {
            Some(kind) => {
                let ids = self.set(kind).current().filter_map(|record| record["id"].as_str());
                ids.map(|id| self.shown(kind, id)).collect()
            }
            None => self.users.current().map(visible).collect(),
        }
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
        if let Some(kind) = groups::Kind::named(collection) {
            let id = self.save(kind, None, &body, now).map_err(|refusal| refusal.message)?;
            return Ok(self.shown(kind, &id));
        }
        let mut body = body;
        if tree::filled(&body, "login").is_none()
            && let Some(email) = tree::filled(&body, "profile.email.email")
        {
            body["login"] = json!(email.split('@').next().unwrap_or_default());
        }
        let id = self.create(&body, now).map_err(|refusal| refusal.message)?;
        Ok(visible(self.users.get(&id).unwrap_or(&Value::Null)))
    }

    fn edit(
        &mut self,
        collection: &'static str,
        id: &str,
        patch: &Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        if let Some(kind) = groups::Kind::named(collection) {
            self.save(kind, Some(id), patch, now).map_err(|refusal| refusal.message)?;
            return Ok(self.shown(kind, id));
        }
        self.update(id, patch, now).map_err(|refusal| refusal.message)?;
        Ok(visible(self.users.get(id).unwrap_or(&Value::Null)))
    }

    fn remove(
        &mut self,
        collection: &'static str,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, String> {
        Ok(match groups::Kind::named(collection) {
            Some(groups::Kind::Groups) => self.groups.remove(id, now),
            Some(groups::Kind::Organizations) => self.organizations.remove(id, now),
            None => self.users.remove(id, now),
        })
    }
}

/// The Hub user without what only the sandbox keeps.
fn visible(user: &Value) -> Value {
    let mut user = user.clone();
    if let Some(object) = user.as_object_mut() {
        object.remove("_pair");
    }
    user
}

/// The same user as YouTrack's own API shows it.
fn paired_record(user: &Value) -> Value {
    json!({"$type":"User","id":user["_pair"],"ringId":user["id"],"login":user["login"],"fullName":user["name"],
        "email":user["profile"]["email"]["email"],"guest":user["guest"],"online":false,"banned":user["banned"],
        "avatarUrl":user["profile"]["avatar"]["url"]})
}
