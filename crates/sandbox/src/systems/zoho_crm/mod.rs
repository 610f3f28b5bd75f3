//! Zoho CRM, API v8: contacts, accounts, deals, products, invoices and users, search, COQL, deleted
//! records and notifications under `/crm/v8`, and the token endpoint `/oauth/v2/token`.
//!
//! Vendor: its OpenAPI files (zoho/crm-oas v8.0) and the newer ones of 2026 with examples of every
//! answer; its pages on OAuth, search and COQL.
//!
//! Unverified, and what was chosen: a record that is not there is answered with 204, a gone one
//! that is written to with `INVALID_DATA`; names of fields that a module does not have are refused,
//! where the service ignores them; what is the system's own may be sent back as it is; an update
//! that changes nothing leaves the time of change; in this organization a contact's address and a
//! product's code must be unique, which is each organization's to set; `deleted` without anything
//! new is 204; the token endpoint takes ten requests in ten minutes.

mod base;
mod coql;
mod fields;
mod lists;
mod records;
mod search;
mod watch;

use super::emulator::{Emulator, Limit, Settings, credential};
use crate::calls::{Call, Changed};
use crate::http::{Reply, Request};
use crate::state::Table;
use crate::tokens::Tokens;
use crate::util::ids::Source;
pub(crate) use base::ZohoCrm;
use base::{Refusal, bad_parameter, no_module, no_url, refusal, stamp};
use fields::{MODULES, NAMES, SYSTEM, place};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// What opens the demo organization.
pub(crate) const CREDENTIALS: &[(&str, &str)] = &[
    ("ZOHO_CRM_CLIENT_ID", "1000.SANDBOXZOHOCLIENT"),
    ("ZOHO_CRM_CLIENT_SECRET", "sandbox-zoho-secret"),
    ("ZOHO_CRM_REFRESH_TOKEN", "1000.sandboxzohorefresh.token"),
];

const LIMITS: &[Limit] = &[Limit {
    requests: 10,
    window_seconds: 600,
    applies: |request| request.segments.first().is_some_and(|first| first == "oauth"),
}];

impl ZohoCrm {
    pub fn new(settings: Settings) -> Self {
        let founded = Timestamp::now() - SignedDuration::from_hours(24 * 400);
        let mut own = Self {
            tables: (0..=MODULES.len())
                .map(|_| Table::new(records::keys, settings.list_lag))
                .collect(),
            deleted: vec![Vec::new(); MODULES.len()],
            channels: Vec::new(),
            tokens: Tokens::new("1000.", 3600),
            next: 333_000,
            invoices: 0,
            ids: Source::new(settings.seed, "zoho-crm"),
            owner: Value::Null,
        };
        let owner = own.user(
            &json!({"first_name": "Runa", "last_name": "Holm", "email": "crm@example.com"}),
            founded,
        );
        own.owner = json!({"name": owner["full_name"], "id": owner["id"]});
        own
    }

    /// A user; they are made in the account's own pages.
    fn user(&mut self, sent: &Value, now: Timestamp) -> Value {
        let id = self.id();
        let text = |name: &str| sent[name].as_str().unwrap_or_default();
        let name = format!("{} {}", text("first_name"), text("last_name")).trim().to_owned();
        let user = json!({"id": id, "first_name": sent["first_name"], "last_name": sent["last_name"], "full_name": name, "email": sent["email"],
            "phone": sent["phone"], "mobile": sent["mobile"], "status": "active", "confirm": true, "country": "NO", "language": "en_US",
            "role": {"name": "CEO", "id": "4876876000000031151"}, "profile": {"name": "Administrator", "id": "4876876000000031157"},
            "created_time": stamp(now), "Modified_Time": stamp(now)});
        let last = self.tables.len() - 1;
        self.tables[last].put(&id, user.clone(), now);
        user
    }

    /// Refusals come with status 200 here, as the vendor's do.
    fn token(&mut self, request: &Request, now: Timestamp) -> Reply {
        let form = request.form();
        let field = |name: &str| {
            let given = request.query.iter().chain(&form).find(|(key, _)| key == name);
            given.map_or("", |(_, value)| value.as_str())
        };
        let of = |name| credential(CREDENTIALS, name);
        let error = |error: &str| Reply::json(200, &json!({"error": error}));
        if field("client_id") != of("ZOHO_CRM_CLIENT_ID") {
            return error("invalid_client");
        }
        if field("client_secret") != of("ZOHO_CRM_CLIENT_SECRET") {
            return error("invalid_client_secret");
        }
        match field("grant_type") {
            "refresh_token" if field("refresh_token") == of("ZOHO_CRM_REFRESH_TOKEN") => {
                let token = self.tokens.issue(&mut self.ids, now);
                Reply::json(
                    200,
                    &json!({"access_token": token, "scope": "ZohoCRM.modules.ALL ZohoCRM.users.READ ZohoCRM.coql.READ ZohoCRM.notifications.ALL",
                        "api_domain": request.base, "token_type": "Bearer", "expires_in": self.tokens.seconds}),
                )
            }
            "refresh_token" | "authorization_code" => error("invalid_code"),
            _ => error("invalid_grant_type"),
        }
    }

    fn request(
        &mut self,
        path: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        match (request.method.as_str(), path) {
            ("POST", ["coql"]) => self.coql(request, now),
            (_, ["actions", "watch"]) => self.watch(request, now),
            ("GET", ["users", rest @ ..]) => self.users(rest, request),
            ("GET", ["settings", "modules"]) => Ok(Reply::json(
                200,
                &json!({"modules": MODULES.iter().map(|module| json!({"api_name": module.name, "module_name": module.name, "singular_label": module.singular,
                    "plural_label": module.name, "api_supported": true, "generated_type": "default"})).collect::<Vec<_>>()}),
            )),
            ("GET", ["settings", "fields"]) => {
                let module = request.param("module").ok_or_else(|| lists::missing("module"))?;
                let module = &MODULES[place(module).ok_or_else(no_module)?];
                let all: Vec<Value> = SYSTEM
                    .iter()
                    .chain(module.fields)
                    .map(|field| json!({"api_name": field.name, "field_label": field.name.replace('_', " "), "data_type": field.kind.data_type(),
                        "system_mandatory": field.mandatory, "read_only": field.fixed, "length": field.kind.length()}))
                    .collect();
                Ok(Reply::json(200, &json!({"fields": all})))
            }
            ("GET", ["org"]) => Ok(Reply::json(
                200,
                &json!({"org": [{"id": "4876876000000020001", "company_name": "Fjellheim Service AS", "country": "Norway", "time_zone": "Europe/Oslo",
                    "currency": "Norwegian Krone - NOK", "iso_code": "NOK", "primary_email": "crm@example.com"}]}),
            )),
            (method, [module, rest @ ..]) => {
                let at = place(module).ok_or_else(no_module)?;
                match (method, rest) {
                    ("GET", []) => self.list(at, request, now),
                    ("GET", ["deleted"]) => self.list_deleted(at, request),
                    ("GET", ["search"]) => self.search(at, request, now),
                    ("POST", []) => self.insert(at, request, now),
                    ("POST", ["upsert"]) => self.upsert(at, request, now),
                    ("PUT", []) => self.update(at, None, request, now),
                    ("DELETE", []) => self.delete_many(at, request, now),
                    ("GET", [id]) => self.one(at, id, request),
                    ("PUT", [id]) => self.update(at, Some(id), request, now),
                    ("DELETE", [id]) => self.delete_one(at, id, request, now),
                    (_, [] | [_]) => Err(refusal(
                        "INVALID_REQUEST_METHOD",
                        "The http request method type is not a valid one",
                        json!({}),
                    )),
                    _ => Err(no_url()),
                }
            }
            _ => Err(no_url()),
        }
    }

    fn users(&self, rest: &[&str], request: &Request) -> Result<Reply, Refusal> {
        lists::parameters(request, &["type", "page", "per_page", "ids"])?;
        let table = &self.tables[MODULES.len()];
        if let [id] = rest {
            return Ok(match table.get(id) {
                Some(user) => Reply::json(200, &json!({"users": [user]})),
                None => Reply::empty(204),
            });
        }
        let kind = request.param("type").unwrap_or("AllUsers");
        let known = [
            "AllUsers",
            "ActiveUsers",
            "AdminUsers",
            "ActiveConfirmedUsers",
            "ConfirmedUsers",
            "NotConfirmedUsers",
            "DeactiveUsers",
            "DeletedUsers",
            "CurrentUser",
        ];
        if !known.contains(&kind) {
            return Err(bad_parameter("type", "invalid data"));
        }
        let all: Vec<&Value> = table
            .current()
            .filter(|user| match kind {
                "CurrentUser" => user["id"] == self.owner["id"],
                "DeactiveUsers" | "DeletedUsers" => user["status"] != "active",
                "ActiveUsers" | "ActiveConfirmedUsers" => user["status"] == "active",
                "NotConfirmedUsers" => user["confirm"] == false,
                _ => true,
            })
            .collect();
        let (page, size) = lists::paging(request)?;
        let users: Vec<&Value> = all.iter().skip((page - 1) * size).take(size).copied().collect();
        if users.is_empty() {
            return Ok(Reply::empty(204));
        }
        let info = json!({"per_page": size, "count": users.len(), "page": page, "more_records": all.len() > page * size});
        Ok(Reply::json(200, &json!({"users": users, "info": info})))
    }
}

impl Emulator for ZohoCrm {
    fn copy(&self) -> Box<dyn Emulator> {
        Box::new(self.clone())
    }

    fn tables(&mut self) -> Vec<&mut Table> {
        self.tables.iter_mut().take(MODULES.len()).collect()
    }

    fn answer(&mut self, request: &Request, now: Timestamp) -> Reply {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("POST", ["oauth", "v2", "token"]) => self.token(request, now),
            (_, ["crm", "v8", path @ ..]) => match request.credential("zoho-oauthtoken") {
                None => Refusal {
                    status: 401,
                    ..refusal("AUTHENTICATION_FAILURE", "Authentication failed", json!({}))
                }
                .into(),
                Some(token) if !self.tokens.admits(token, now) => self.unauthorized(),
                Some(_) => self.request(path, request, now).unwrap_or_else(Reply::from),
            },
            _ => no_url().into(),
        }
    }

    fn limits(&self) -> &'static [Limit] {
        LIMITS
    }

    fn throttled(&self, retry_after: u64) -> Reply {
        let body = json!({"error": "Access Denied", "error_description": "You have made too many requests continuously. Please try again after some time."});
        Reply::json(429, &body).header("retry-after", retry_after.to_string())
    }

    fn unauthorized(&self) -> Reply {
        Refusal { status: 401, ..refusal("INVALID_TOKEN", "invalid oauth token", json!({})) }.into()
    }

    fn expire_tokens(&mut self) {
        self.tokens.expire();
    }

    fn collections(&self) -> &'static [&'static str] {
        NAMES
    }

    fn records(&self, collection: &'static str) -> Vec<Value> {
        let at = NAMES.iter().position(|name| *name == collection).unwrap_or_default();
        self.tables[at].current().cloned().collect()
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
        let Some(at) = place(collection) else { return Ok(self.user(&body, now)) };
        let (id, _) =
            self.store(at, None, &body, 0, now).map_err(|refusal| refusal.body().to_string())?;
        Ok(self.tables[at].get(&id).cloned().unwrap_or_default())
    }

    fn edit(
        &mut self,
        collection: &'static str,
        id: &str,
        patch: &Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        let Some(at) = place(collection) else {
            let table = &mut self.tables[MODULES.len()];
            let mut user = table.get(id).cloned().unwrap_or_default();
            crate::util::json::merge(&mut user, patch, false);
            user["Modified_Time"] = json!(stamp(now));
            table.put(id, user.clone(), now);
            return Ok(user);
        };
        self.store(at, Some(id), patch, 0, now).map_err(|refusal| refusal.body().to_string())?;
        Ok(self.tables[at].get(id).cloned().unwrap_or_default())
    }

    fn remove(
        &mut self,
        collection: &'static str,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, String> {
        match place(collection) {
            Some(at) => Ok(self.bin(at, id, now)),
            None => {
                Err("users are not deleted, but deactivated: set `status` to inactive".to_owned())
            }
        }
    }

    fn calls(&mut self, changed: &Changed<'_>, now: Timestamp) -> Vec<Call> {
        self.notifications(changed, now)
    }
}
