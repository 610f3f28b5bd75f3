//! Exact Online: accounts, contacts, items, sales orders and invoices with their lines, users, the
//! `sync` resources with deleted records, webhooks, and the sign-in at `/api/oauth2`.
//!
//! Vendor: its reference pages by way of DannyvdSluijs/ExactOnlineRestApiReference (properties,
//! methods); its pages on OData, sign-in, rates and webhooks; what users of the service report of
//! its errors (picqer/exact-php-client).
//!
//! Unverified, and what was chosen: times are UTC; text is compared without regard to case; lists
//! are in the order of keys; a refusal of the application has status 500 and no code; `$select` is
//! not insisted on; the flags of a property hold for the division's legislation too;
//! `sync/Deleted` names the lines of a deleted order or invoice, as the rows of `sync` are lines.

mod base;
mod hooks;
mod lists;
mod records;
mod types;

use super::emulator::{Emulator, Limit, Settings, credential};
use crate::calls::{Call, Changed};
use crate::http::{Act, Reply, Request};
use crate::oauth::{self, Manner};
use crate::state::Table;
use crate::util::ids::Source;
pub(crate) use base::{CREDENTIALS, ExactOnline};
use base::{Refusal, body, keyed, no_segment, quoted, refusal, root};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use types::{NAMES, RESOURCES, place};

fn data(request: &Request) -> bool {
    request.segments.get(1).is_some_and(|second| second == "v1")
}

/// A division's: 60 a minute, 5,000 a day.
const LIMITS: &[Limit] = &[
    Limit { requests: 60, window_seconds: 60, applies: data },
    Limit { requests: 5000, window_seconds: 86_400, applies: data },
];

impl ExactOnline {
    pub fn new(settings: Settings) -> Self {
        let of = |name| credential(CREDENTIALS, name);
        let manner = Manner {
            client: of("EXACT_ONLINE_CLIENT_ID"),
            secret: of("EXACT_ONLINE_CLIENT_SECRET"),
            refresh: of("EXACT_ONLINE_REFRESH_TOKEN"),
            prefix: "stampNL001.",
            seconds: 600,
            rotates: true,
            wrong_client: 400,
        };
        let mut own = Self {
            tables: RESOURCES
                .iter()
                .map(|_| Table::new(records::keys, settings.list_lag))
                .collect(),
            numbers: vec![0; RESOURCES.len()],
            deleted: Vec::new(),
            timestamp: 1_000_000,
            hooks: Vec::new(),
            sign_in: oauth::Server::new(manner),
            ids: Source::new(settings.seed, "exact-online"),
            owner: String::new(),
        };
        let founded = Timestamp::now() - SignedDuration::from_hours(24 * 400);
        let owner = json!({"FullName": "Runa Holm", "FirstName": "Runa", "LastName": "Holm", "Email": "regnskap@example.com"});
        let users = place("Users").unwrap_or_default();
        let made = own.store(users, None, &owner, true, founded);
        debug_assert!(made.is_ok(), "{made:?}");
        own.owner = made.map(|(id, _)| id).unwrap_or_default();
        own
    }

    fn request(
        &mut self,
        path: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        match path {
            ["current", "Me"] => self.me(request, now),
            ["system", "Users"] => {
                self.list(place("Users").unwrap_or_default(), None, request, now)
            }
            [division, rest @ ..] => {
                if *division != credential(CREDENTIALS, "EXACT_ONLINE_DIVISION") {
                    return Err(refusal(
                        403,
                        "Forbidden - Request access to division is not allowed.",
                    ));
                }
                match rest {
                    ["sync", "Deleted"] => self.list_deleted(request),
                    ["sync", first, second] => {
                        let path = format!("{first}/{second}");
                        let at = RESOURCES
                            .iter()
                            .position(|own| {
                                own.sync.is_some_and(|(sync, _)| sync.eq_ignore_ascii_case(&path))
                            })
                            .ok_or_else(|| no_segment(second))?;
                        self.list(at, Some(true), request, now)
                    }
                    ["bulk", _, name] => self.list(
                        place(name).ok_or_else(|| no_segment(name))?,
                        Some(false),
                        request,
                        now,
                    ),
                    ["webhooks", last] => self.webhooks(last, request, now),
                    [area, last] => self.resource(area, last, request, now),
                    _ => Err(no_segment(rest.last().unwrap_or(&""))),
                }
            }
            [] => Err(no_segment("v1")),
        }
    }

    fn resource(
        &mut self,
        area: &str,
        last: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let (name, key) = match keyed(last) {
            Some((name, key)) => (name, Some(key.to_lowercase())),
            None => (last, None),
        };
        let at = RESOURCES
            .iter()
            .position(|own| own.path.eq_ignore_ascii_case(&format!("{area}/{name}")))
            .ok_or_else(|| no_segment(name))?;
        let resource = &RESOURCES[at];
        if key.as_deref().is_some_and(|key| !self.tables[at].contains(key)) {
            return Err(no_segment(name));
        }
        let readable = resource.name == "Users";
        match (request.method.as_str(), key) {
            ("GET", None) => self.list(at, None, request, now),
            ("GET", Some(key)) => self.one(at, &key, request),
            ("POST", None) if !readable => {
                let (id, _) = self.create(at, &body(request)?, now)?;
                let shown = self.shown(at, &id, request);
                Ok(Reply::json(201, &json!({"d": shown}))
                    .header(
                        "location",
                        format!("{}/{}({})", root(request), resource.path, quoted(&id)),
                    )
                    .wrote(resource.name, Act::Create, true))
            }
            ("PUT", Some(key)) if !readable => {
                let (_, changed) = self.store(at, Some(&key), &body(request)?, false, now)?;
                Ok(Reply::empty(204).wrote(resource.name, Act::Update, changed))
            }
            ("DELETE", Some(key)) if !readable => {
                self.delete(at, &key, now)?;
                Ok(Reply::empty(204).wrote(resource.name, Act::Delete, true))
            }
            _ => Err(refusal(405, "Method Not Allowed")),
        }
    }

    fn me(&self, request: &Request, now: Timestamp) -> Result<Reply, Refusal> {
        if request.method != "GET" {
            return Err(refusal(405, "Method Not Allowed"));
        }
        let user = self.tables[place("Users").unwrap_or_default()]
            .get(&self.owner)
            .cloned()
            .unwrap_or_default();
        let division: i64 =
            credential(CREDENTIALS, "EXACT_ONLINE_DIVISION").parse().unwrap_or_default();
        let mut me = json!({"UserID": self.owner, "CurrentDivision": division, "AccountingDivision": division, "FullName": user["FullName"],
            "FirstName": user["FirstName"], "LastName": user["LastName"], "Email": user["Email"], "UserName": user["Email"], "Language": "nb-NO",
            "LanguageCode": "nb-NO", "Legislation": 1, "ServerTime": crate::util::time::millis_z(now).replace('Z', ""), "ServerUtcOffset": 0,
            "IsClientUser": false, "IsMyFirmLiteUser": false, "IsMyFirmPortalUser": false});
        for property in types::WHO.iter() {
            if me.get(property.name).is_none() {
                me[property.name] = Value::Null;
            }
        }
        let names = lists::chosen(request, "Me", &types::WHO)?;
        let uri = format!("{}/current/Me({})", root(request), quoted(&self.owner));
        let shown = lists::written(&me, &types::WHO, names.as_deref(), &uri, "System.Me");
        Ok(Reply::json(200, &json!({"d": {"results": [shown]}})))
    }
}

impl Emulator for ExactOnline {
    fn copy(&self) -> Box<dyn Emulator> {
        Box::new(self.clone())
    }

    fn tables(&mut self) -> Vec<&mut Table> {
        self.tables.iter_mut().collect()
    }

    fn answer(&mut self, request: &Request, now: Timestamp) -> Reply {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("GET", ["api", "oauth2", "auth"]) => {
                self.sign_in.authorize(request, &mut self.ids, now)
            }
            ("POST", ["api", "oauth2", "token"]) => self.sign_in.token(request, &mut self.ids, now),
            (_, ["api", "v1", path @ ..]) => {
                if !request
                    .credential("bearer")
                    .is_some_and(|token| self.sign_in.admits(token, now))
                {
                    return self.unauthorized();
                }
                self.request(path, request, now).unwrap_or_else(Reply::from)
            }
            (_, segments) => no_segment(segments.last().unwrap_or(&"")).into(),
        }
    }

    fn limits(&self) -> &'static [Limit] {
        LIMITS
    }

    fn throttled(&self, retry_after: u64) -> Reply {
        Reply::from(refusal(429, "Too Many Requests"))
            .header("x-ratelimit-minutely-remaining", "0")
            .header("retry-after", retry_after.to_string())
    }

    fn rate_headers(&self, reply: Reply, limit: u32, remaining: u32, resets_in: u64) -> Reply {
        let until =
            Timestamp::now() + SignedDuration::from_secs(i64::try_from(resets_in).unwrap_or(60));
        reply
            .header("x-ratelimit-minutely-limit", limit.to_string())
            .header("x-ratelimit-minutely-remaining", remaining.to_string())
            .header("x-ratelimit-minutely-reset", until.as_millisecond().to_string())
    }

    fn unauthorized(&self) -> Reply {
        Reply::from(refusal(401, "Unauthorized - The request requires user authentication"))
            .header("www-authenticate", "Bearer realm=\"exactonline\"")
    }

    fn expire_tokens(&mut self) {
        self.sign_in.expire();
    }

    fn oauth(&mut self) -> Option<&mut oauth::Server> {
        Some(&mut self.sign_in)
    }

    fn collections(&self) -> &'static [&'static str] {
        NAMES
    }

    fn records(&self, collection: &'static str) -> Vec<Value> {
        self.tables[place(collection).unwrap_or_default()].current().cloned().collect()
    }

    fn id_of(&self, collection: &'static str, record: &Value) -> String {
        let at = place(collection).unwrap_or_default();
        record[RESOURCES[at].key].as_str().unwrap_or_default().to_owned()
    }

    fn put(
        &mut self,
        collection: &'static str,
        body: Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        let at = place(collection).unwrap_or_default();
        let made = match collection {
            "Users" => self.store(at, None, &body, true, now),
            _ => self.create(at, &body, now),
        };
        let (id, _) = made.map_err(|refusal| refusal.message)?;
        Ok(self.tables[at].get(&id).cloned().unwrap_or_default())
    }

    fn edit(
        &mut self,
        collection: &'static str,
        id: &str,
        patch: &Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        let at = place(collection).unwrap_or_default();
        self.store(at, Some(id), patch, collection == "Users", now)
            .map_err(|refusal| refusal.message)?;
        Ok(self.tables[at].get(id).cloned().unwrap_or_default())
    }

    fn remove(
        &mut self,
        collection: &'static str,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, String> {
        let at = place(collection).unwrap_or_default();
        if !self.tables[at].contains(id) {
            return Ok(false);
        }
        self.delete(at, id, now).map_err(|refusal| refusal.message)?;
        Ok(true)
    }

    fn calls(&mut self, changed: &Changed<'_>, now: Timestamp) -> Vec<Call> {
        self.notifications(changed, now)
    }
}
