//! Tripletex API 2: customers, suppliers, contacts, employees, departments, products, orders with
//! lines, invoices, and webhook subscriptions, under `/v2`.
//!
//! Vendor: its OpenAPI description 2.72 with the introduction in it; Tripletex/tripletex-api2
//! (webhooks); answers of the service that others have published (error bodies, what a new record
//! holds, versions).
//!
//! Unverified, and what was chosen: times are UTC without saying so; `changedSince` includes its
//! moment; a filter of the description's default (`isInactive` is false) narrows the lists of
//! customers and suppliers; parameters that are not described are refused, where the service may
//! ignore them; what is read-only may be sent back only as it is; the budget of requests (100 in ten
//! seconds); the words of messages where no answer of the service was found; names of events.

mod base;
mod checks;
mod fields;
mod hooks;
mod lists;
mod orders;
mod records;
mod types;

use super::emulator::{Emulator, Limit, Settings, credential};
use crate::calls::{Call, Changed};
use crate::http::{Act, Reply, Request};
use crate::state::Table;
use crate::tokens::Tokens;
use crate::util::ids::Source;
use crate::util::time;
pub(crate) use base::Tripletex;
use base::{COMPANY, Refusal, body, collection, invalid, not_found, refusal};
use fields::Fields;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use types::{NAMES, RESOURCES, place};

/// What opens the demo company.
pub(crate) const CREDENTIALS: &[(&str, &str)] = &[
    ("TRIPLETEX_CONSUMER_TOKEN", "sandbox-tripletex-consumer"),
    ("TRIPLETEX_EMPLOYEE_TOKEN", "sandbox-tripletex-employee"),
];

const LIMITS: &[Limit] = &[Limit { requests: 100, window_seconds: 10, applies: |_| true }];
impl Tripletex {
    pub fn new(settings: Settings) -> Self {
        let founded = Timestamp::now() - SignedDuration::from_hours(24 * 400);
        let mut own = Self {
            tables: RESOURCES
                .iter()
                .map(|_| Table::new(records::keys, settings.list_lag))
                .collect(),
            subscriptions: Vec::new(),
            tokens: Tokens::new("", 0),
            next: 40_001,
            ids: Source::new(settings.seed, "tripletex"),
            owner: 0,
        };
        for (path, id, mut record) in types::given() {
            record["id"] = json!(id);
            record["version"] = json!(0);
            own.tables[place(path).unwrap_or_default()].put(&id.to_string(), record, founded);
        }
        let department = json!({"name": "Avdeling"});
        let department =
            own.store(place("department").unwrap_or_default(), None, &department, founded);
        let owner = json!({"firstName": "Runa", "lastName": "Holm", "email": "regnskap@example.com", "userType": "EXTENDED",
            "department": {"id": department.map_or(0, |(id, _)| id)}});
        let made = own.store(place("employee").unwrap_or_default(), None, &owner, founded);
        debug_assert!(made.is_ok(), "{made:?}");
        own.owner = made.map_or(0, |(id, _)| id);
        own
    }

    /// `PUT /token/session/:create`: a session until the beginning of a day.
    fn session(&mut self, request: &Request, now: Timestamp) -> Result<Reply, Refusal> {
        let mut asked = [None, None, None];
        for (place, name) in ["consumerToken", "employeeToken", "expirationDate"].iter().enumerate()
        {
            asked[place] = request.param(name);
            if asked[place].is_none_or(str::is_empty) {
                return Err(Refusal {
                    developer: Value::Null,
                    ..invalid(name, "Kan ikke være null.")
                });
            }
        }
        if asked[0] != Some(credential(CREDENTIALS, "TRIPLETEX_CONSUMER_TOKEN")) {
            return Err(refusal(401, 3000, "Unauthorized"));
        }
        if asked[1] != Some(credential(CREDENTIALS, "TRIPLETEX_EMPLOYEE_TOKEN")) {
            return Err(not_found());
        }
        let text = asked[2].unwrap_or_default();
        let until = Some(text).filter(|text| text.len() == 10).and_then(time::parse);
        let Some(until) = until else {
            return Err(invalid("expirationDate", "Ugyldig dato."));
        };
        if until <= now {
            return Err(invalid("expirationDate", "Utløpsdatoen må være etter dagens dato."));
        }
        let token = self.ids.token("");
        self.tokens.until(&token, until);
        self.next += 1;
        Ok(Reply::json(
            200,
            &json!({"value": {"id": self.next, "version": 0, "url": "", "consumerToken": {"id": 1, "url": ""}, "employeeToken": {"id": 1, "url": ""},
                "expirationDate": text, "token": token, "encryptionKey": null}}),
        ))
    }

    fn request(
        &mut self,
        path: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let method = request.method.as_str();
        match path {
            ["token", "session", ">whoAmI"] if method == "GET" => {
                let host = &request.base;
                let value = json!({"employeeId": self.owner, "actualEmployeeId": self.owner, "companyId": COMPANY, "language": "no",
                    "employee": {"id": self.owner, "url": format!("{}/v2/employee/{}", host.split_once("://").map_or("", |(_, rest)| rest), self.owner)},
                    "company": {"id": COMPANY}, "loggedInWithConnect": false, "employeeIsProxy": false});
                Ok(Reply::json(200, &json!({"value": value})))
            }
            ["token", "session", token] if method == "DELETE" => match self.tokens.end(token) {
                true => Ok(Reply::empty(204)),
                false => Err(not_found()),
            },
            ["event", rest @ ..] => self.events(rest, request, now),
            ["contact", "list"] if method == "DELETE" => self.delete_contacts(request, now),
            ["order", id, ":invoice"] if method == "PUT" => self.invoice_order(id, request, now),
            ["order", "orderline", rest @ ..] => {
                self.resource(place("order/orderline").unwrap_or_default(), rest, request, now)
            }
            ["ledger", "vatType", rest @ ..] => {
                self.resource(place("ledger/vatType").unwrap_or_default(), rest, request, now)
            }
            [name, rest @ ..] => match place(name) {
                Some(at) => self.resource(at, rest, request, now),
                None => Err(not_found()),
            },
            [] => Err(not_found()),
        }
    }

    fn add(&mut self, at: usize, request: &Request, now: Timestamp) -> Result<Reply, Refusal> {
        let resource = &RESOURCES[at];
        let fields = self.parameters(
            request,
            &["fields", "sendToCustomer", "paymentTypeId", "paidAmount"]
                [..if resource.path == "invoice" { 4 } else { 1 }],
        )?;
        let sent = body(request)?;
        let id = match resource.path {
            "invoice" => self.new_invoice(&sent, now)?,
            _ => self.create(at, &sent, now)?,
        };
        let fields = match fields {
            Some(text) => Fields::parse(&text, at)?,
            None => answered(at, &sent),
        };
        let shown = self.shown(at, self.record(at, id), &fields, &request.base);
        Ok(Reply::json(201, &json!({"value": shown})).wrote(collection(at), Act::Create, true))
    }

    fn resource(
        &mut self,
        at: usize,
        rest: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let resource = &RESOURCES[at];
        let method = request.method.as_str();
        let allowed = method == "GET" || resource.methods.contains(&method);
        match rest {
            [] if method == "GET" && !resource.hidden => self.list(at, request, now),
            [] if method == "POST" && allowed => self.add(at, request, now),
            [id] if allowed && matches!(method, "GET" | "PUT" | "DELETE") => {
                let number: i64 = id.parse().map_err(|_| Refusal {
                    developer: json!(format!("Expected number. For input string: \"{id}\"")),
                    ..refusal(400, 12000, "Wrong data format")
                })?;
                if !self.tables[at].contains(&number.to_string()) {
                    return Err(not_found());
                }
                match method {
                    "GET" => {
                        let fields = self.parameters(request, &["fields"])?;
                        let fields = Fields::parse(&fields.unwrap_or_default(), at)?;
                        let shown = self.shown(at, self.record(at, number), &fields, &request.base);
                        Ok(Reply::json(200, &json!({"value": shown})))
                    }
                    "PUT" => {
                        let lines = request.param("updateLinesAndGroups") == Some("true");
                        let fields = self.parameters(
                            request,
                            &["fields", "updateLinesAndGroups"]
                                [..if resource.path == "order" { 2 } else { 1 }],
                        )?;
                        let sent = body(request)?;
                        let changed = self.change(at, number, &sent, lines, now)?;
                        let fields = match fields {
                            Some(text) => Fields::parse(&text, at)?,
                            None => answered(at, &sent),
                        };
                        let shown = self.shown(at, self.record(at, number), &fields, &request.base);
                        Ok(Reply::json(200, &json!({"value": shown})).wrote(
                            collection(at),
                            Act::Update,
                            changed,
                        ))
                    }
                    _ => {
                        self.delete(at, number, now)?;
                        Ok(Reply::empty(204).wrote(collection(at), Act::Delete, true))
                    }
                }
            }
            _ if rest.len() < 2 => Err(refusal(405, 4000, "HTTP 405 Method Not Allowed")),
            _ => Err(not_found()),
        }
    }
}

/// An answer to a write shows the addresses and lines that were sent.
fn answered(at: usize, sent: &Value) -> Fields {
    RESOURCES[at]
        .properties
        .iter()
        .filter(|property| property.kind == types::Kind::Address)
        .filter(|property| sent[property.name].is_object())
        .fold(Fields::everything(), |fields, property| fields.with(property.name))
}

impl Emulator for Tripletex {
    fn copy(&self) -> Box<dyn Emulator> {
        Box::new(self.clone())
    }

    fn tables(&mut self) -> Vec<&mut Table> {
        // Countries, currencies and VAT types are nobody's records.
        self.tables.iter_mut().take(NAMES.len()).collect()
    }

    fn answer(&mut self, request: &Request, now: Timestamp) -> Reply {
        let id = self.ids.uuid();
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        let answered = match segments.as_slice() {
            ["v2", "token", "session", ":create"] if request.method == "PUT" => {
                self.session(request, now)
            }
            ["v2", path @ ..] => {
                let company = COMPANY.to_string();
                let admitted = request.basic().is_some_and(|(user, token)| {
                    (user.is_empty() || user == "0" || user == company)
                        && self.tokens.admits(&token, now)
                });
                match admitted {
                    true => self.request(path, request, now),
                    false => Err(refusal(401, 3000, "Unauthorized")),
                }
            }
            _ => Err(not_found()),
        };
        answered.unwrap_or_else(|refusal| refusal.reply(&id)).header("x-tlx-request-id", id)
    }

    fn limits(&self) -> &'static [Limit] {
        LIMITS
    }

    fn throttled(&self, retry_after: u64) -> Reply {
        refusal(
            429,
            4290,
            "Too many requests. Please limit usage to stay within the request rate limit.",
        )
        .reply(&retry_after.to_string())
        .header("x-rate-limit-remaining", "0")
        .header("x-rate-limit-reset", retry_after.to_string())
    }

    fn rate_headers(&self, reply: Reply, limit: u32, remaining: u32, resets_in: u64) -> Reply {
        reply
            .header("x-rate-limit-limit", limit.to_string())
            .header("x-rate-limit-remaining", remaining.to_string())
            .header("x-rate-limit-reset", resets_in.to_string())
    }

    fn unauthorized(&self) -> Reply {
        refusal(401, 3000, "Unauthorized").reply("")
    }

    fn expire_tokens(&mut self) {
        self.tokens.expire();
    }

    fn collections(&self) -> &'static [&'static str] {
        NAMES
    }

    fn records(&self, collection: &'static str) -> Vec<Value> {
        let at = NAMES.iter().position(|name| *name == collection).unwrap_or_default();
        self.tables[at].current().map(records::plain).collect()
    }

    fn id_of(&self, _collection: &'static str, record: &Value) -> String {
        record["id"].to_string()
    }

    fn put(
        &mut self,
        collection: &'static str,
        body: Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        let at = NAMES.iter().position(|name| *name == collection).unwrap_or_default();
        let made = match RESOURCES[at].path {
            "invoice" => self.new_invoice(&body, now),
            _ => self.create(at, &body, now),
        };
        let id = made.map_err(|refusal| format!("{} {:?}", refusal.message, refusal.validation))?;
        Ok(records::plain(self.record(at, id)))
    }

    fn edit(
        &mut self,
        collection: &'static str,
        id: &str,
        patch: &Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        let at = NAMES.iter().position(|name| *name == collection).unwrap_or_default();
        let number = id.parse().unwrap_or(0);
        self.change(at, number, patch, true, now)
            .map_err(|refusal| format!("{} {:?}", refusal.message, refusal.validation))?;
        Ok(records::plain(self.record(at, number)))
    }

    fn remove(
        &mut self,
        collection: &'static str,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, String> {
        let at = NAMES.iter().position(|name| *name == collection).unwrap_or_default();
        if !self.tables[at].contains(id) {
            return Ok(false);
        }
        self.delete(at, id.parse().unwrap_or(0), now)
            .map_err(|refusal| format!("{} {:?}", refusal.message, refusal.validation))?;
        Ok(true)
    }

    fn calls(&mut self, changed: &Changed<'_>, _now: Timestamp) -> Vec<Call> {
        self.notifications(changed)
    }
}
