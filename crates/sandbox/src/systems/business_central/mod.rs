//! Microsoft Dynamics 365 Business Central: API v2.0 (OData 4) and the token endpoint before it.
//!
//! Vendor: the metadata of API v2.0; MicrosoftDocs/dynamics365smb-devitpro-pb (API reference, error
//! codes, webhooks, limits); microsoft/ALAppExtensions (APIV2). Both hosts are here: the sign-in at
//! `/{tenant}/oauth2/v2.0/token`, the service at `/v2.0/{tenant}/{environment}/api/v2.0`.
//!
//! Unverified in the vendor's documents, and what was chosen: text is compared with regard to case;
//! a `$filter` may join only conditions on one property by `or`; lists are in the order of numbers;
//! the words of messages that the list of error codes does not have; parameters that are not
//! OData's are refused, where the service itself may ignore them.

mod base;
mod documents;
mod hooks;
mod list;
mod rules;
mod types;

use super::emulator::{Emulator, Limit, Settings, credential};
use crate::calls::{Call, Changed};
use crate::http::{Act, Reply, Request};
use crate::state::Table;
use crate::tokens::Tokens;
use crate::util::ids::Source;
use crate::util::{shape, time};
pub(crate) use base::{BusinessCentral, CREDENTIALS};
use base::{Refusal, body, etag, keyed, keys, no_segment, not_allowed, refusal, root};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use types::{ENTITIES, SETS, place};

const SCOPE: &str = "https://api.businesscentral.dynamics.com/.default";

/// A user's: 6,000 requests in five minutes.
const LIMITS: &[Limit] = &[Limit {
    requests: 6000,
    window_seconds: 300,
    applies: |request| request.segments.first().is_some_and(|first| first == "v2.0"),
}];

impl BusinessCentral {
    pub fn new(settings: Settings) -> Self {
        let founded = Timestamp::now() - SignedDuration::from_hours(24 * 400);
        let mut own = Self {
            tables: ENTITIES.iter().map(|_| Table::new(keys, settings.list_lag)).collect(),
            numbers: vec![0; ENTITIES.len()],
            subscriptions: Vec::new(),
            tokens: Tokens::new("eyJ0eXAi.", 3599),
            ids: Source::new(settings.seed, "business-central"),
            founded,
        };
        // What every company is set up with.
        for (set, body) in [
            (
                "unitsOfMeasure",
                json!({"code":"PCS","displayName":"Piece","internationalStandardCode":"EA"}),
            ),
            (
                "unitsOfMeasure",
                json!({"code":"HOUR","displayName":"Hour","internationalStandardCode":"HUR"}),
            ),
            (
                "currencies",
                json!({"code":"EUR","displayName":"Euro","symbol":"€","amountDecimalPlaces":"2:2","amountRoundingPrecision":0.01}),
            ),
            (
                "currencies",
                json!({"code":"SEK","displayName":"Svensk krona","symbol":"kr","amountDecimalPlaces":"2:2","amountRoundingPrecision":0.01}),
            ),
            (
                "paymentTerms",
                json!({"code":"14D","displayName":"Netto 14 dager","dueDateCalculation":"14D"}),
            ),
            ("itemCategories", json!({"code":"DIV","displayName":"Diverse"})),
        ] {
            let stored = own.store(place(set).unwrap_or_default(), None, &body, founded);
            debug_assert!(stored.is_ok(), "{stored:?}");
        }
        own
    }

    fn token(&mut self, tenant: &str, request: &Request, now: Timestamp) -> Reply {
        let form = request.form();
        let field = |name: &str| {
            form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
        };
        let of = |name| credential(CREDENTIALS, name);
        let error = |status, error: &str, code: u32, message: &str| {
            Reply::json(
                status,
                &json!({"error": error, "error_description": format!("AADSTS{code}: {message}"), "error_codes": [code],
                    "timestamp": time::seconds_z(now).replace('T', " "), "trace_id": types::NO_ID, "correlation_id": types::NO_ID}),
            )
        };
        if tenant != of("BUSINESS_CENTRAL_TENANT_ID") {
            return error(400, "invalid_request", 90002, &format!("Tenant '{tenant}' not found."));
        }
        if field("grant_type") != "client_credentials" {
            let message =
                format!("The app requested an unsupported grant type '{}'.", field("grant_type"));
            return error(400, "unsupported_grant_type", 70003, &message);
        }
        if field("client_id") != of("BUSINESS_CENTRAL_CLIENT_ID") {
            let message = format!(
                "Application with identifier '{}' was not found in the directory.",
                field("client_id")
            );
            return error(400, "unauthorized_client", 700_016, &message);
        }
        if field("client_secret") != of("BUSINESS_CENTRAL_CLIENT_SECRET") {
            return error(401, "invalid_client", 7_000_215, "Invalid client secret provided.");
        }
        if field("scope") != SCOPE {
            let message = format!("The provided value for scope {} is not valid.", field("scope"));
            return error(400, "invalid_scope", 70011, &message);
        }
        let token = self.tokens.issue(&mut self.ids, now);
        let seconds = self.tokens.seconds;
        Reply::json(
            200,
            &json!({"token_type":"Bearer","expires_in":seconds,"ext_expires_in":seconds,"access_token":token}),
        )
    }

    fn api(&mut self, rest: &[&str], request: &Request, now: Timestamp) -> Result<Reply, Refusal> {
        match rest {
            ["companies"] if request.method == "GET" => {
                list::parameters(request)?;
                Ok(Reply::json(
                    200,
                    &json!({"@odata.context": "$metadata#companies", "value": [self.company()]}),
                ))
            }
            ["companies" | "entityDefinitions"] => Err(refusal(
                405,
                "BadRequest_MethodNotAllowed",
                format!(
                    "'{}' requests for 'companies' of EdmType 'Entity' are not allowed within Microsoft Dynamics 365 Business Central OData web services.",
                    request.method
                ),
            )),
            ["subscriptions", ..] => Err(no_segment(rest.last().unwrap_or(&""))),
            [first, rest @ ..] => match keyed(first) {
                Some(("companies", id)) => {
                    if !id.eq_ignore_ascii_case(credential(
                        CREDENTIALS,
                        "BUSINESS_CENTRAL_COMPANY_ID",
                    )) {
                        return Err(refusal(
                            404,
                            "Internal_CompanyNotFound",
                            "Cannot find the company.",
                        ));
                    }
                    self.company_request(rest, request, now)
                }
                _ => Err(no_segment(first)),
            },
            [] => Err(no_segment("api")),
        }
    }

    fn company(&self) -> Value {
        let at = time::millis_z(self.founded);
        json!({"id": credential(CREDENTIALS, "BUSINESS_CENTRAL_COMPANY_ID"), "systemVersion": "26.0.0.0", "timestamp": 20131,
            "name": "Fjellheim Service AS", "displayName": "Fjellheim Service AS", "businessProfileId": "", "systemCreatedAt": at,
            "systemCreatedBy": types::NO_ID, "systemModifiedAt": at, "systemModifiedBy": types::NO_ID})
    }

    fn company_request(
        &mut self,
        rest: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let method = request.method.as_str();
        match rest {
            [] => match method {
                "GET" => Ok(Reply::json(200, &self.company())),
                _ => {
                    Err(refusal(405, "BadRequest_MethodNotAllowed", "Companies can only be read."))
                }
            },
            [set] if place(set).is_some() => {
                let at = place(set).unwrap_or_default();
                match method {
                    "GET" => self.list(at, None, request, now),
                    "POST" => self.create(at, None, request, now),
                    _ => Err(not_allowed(method, set)),
                }
            }
            [one, rest @ ..] => {
                let (at, id) = keyed(one)
                    .and_then(|(set, id)| Some((place(set)?, id)))
                    .ok_or_else(|| no_segment(one))?;
                if !shape::is_guid(id) {
                    return Err(refusal(
                        400,
                        "BadRequest_NotFound",
                        "Bad Request - Error in query syntax.",
                    ));
                }
                let id = id.to_lowercase();
                if !self.tables[at].contains(&id) {
                    return Err(refusal(
                        404,
                        "Internal_RecordNotFound",
                        format!(
                            "The {} does not exist. Identification fields and values: SystemId='{id}'.",
                            ENTITIES[at].caption
                        ),
                    ));
                }
                self.record_request(at, &id, rest, request, now)
            }
        }
    }

    fn record_request(
        &mut self,
        at: usize,
        id: &str,
        rest: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let entity = &ENTITIES[at];
        match (request.method.as_str(), rest) {
            ("GET", []) => self.one(at, id, request),
            ("PATCH", []) => {
                self.matches(at, id, request, true)?;
                let (_, changed) = self.store(at, Some(id), &body(request)?, now)?;
                Ok(self.shown(at, id, 200, request).wrote(entity.set, Act::Update, changed))
            }
            ("DELETE", []) => {
                self.matches(at, id, request, false)?;
                self.delete(at, id, now)?;
                Ok(Reply::empty(204).wrote(entity.set, Act::Delete, true))
            }
            ("POST", ["Microsoft.NAV.post"]) if entity.set == "salesInvoices" => {
                self.post(at, id, now)?;
                Ok(Reply::empty(204).wrote(entity.set, Act::Update, true))
            }
            (method @ ("GET" | "POST"), [lines]) if *lines == format!("{}Lines", entity.name) => {
                let lines = place(lines).unwrap_or_default();
                match method {
                    "GET" => self.list(lines, Some(id), request, now),
                    _ => self.create(lines, Some(id), request, now),
                }
            }
            (method, []) => Err(not_allowed(method, entity.set)),
            (_, rest) => Err(no_segment(rest[0])),
        }
    }

    /// Creates a record, with the lines that came with it.
    fn create(
        &mut self,
        at: usize,
        document: Option<&str>,
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let entity = &ENTITIES[at];
        let mut sent = body(request)?;
        if let Some(document) = document {
            sent["documentId"] = json!(document);
        }
        let lines_name = format!("{}Lines", entity.name);
        let lines = sent.as_object_mut().and_then(|sent| sent.remove(&lines_name));
        let mut before = lines.is_some().then(|| self.clone());
        let made = self.store(at, None, &sent, now).and_then(|(id, _)| {
            let place = place(&lines_name).unwrap_or_default();
            for line in lines.iter().flat_map(|lines| lines.as_array().into_iter().flatten()) {
                let mut line = line.clone();
                line["documentId"] = json!(id);
                self.store(place, None, &line, now)?;
            }
            Ok(id)
        });
        match made {
            Ok(id) => {
                let reply = self.shown(at, &id, 201, request);
                Ok(reply
                    .header(
                        "location",
                        format!(
                            "{}/companies({})/{}({id})",
                            root(request),
                            credential(CREDENTIALS, "BUSINESS_CENTRAL_COMPANY_ID"),
                            entity.set
                        ),
                    )
                    .wrote(entity.set, Act::Create, true))
            }
            Err(refused) => {
                // One request is one transaction.
                if let Some(before) = before.take() {
                    *self = before;
                }
                Err(refused)
            }
        }
    }

    /// A change needs the version that it is of; a deletion compares one that is sent.
    fn matches(&self, at: usize, id: &str, request: &Request, needed: bool) -> Result<(), Refusal> {
        let missing = refusal(
            400,
            "BadRequest_InvalidToken",
            "Could not validate the client concurrency token required by the service. Please provide a valid token in the client request.",
        );
        let tag = match request.header("if-match").map(str::trim) {
            None if needed => return Err(missing),
            None | Some("*") => return Ok(()),
            Some(tag) if !tag.starts_with("W/\"") => return Err(missing),
            Some(tag) => tag,
        };
        if self.tables[at].get(id).is_some_and(|record| etag(record) == tag) {
            return Ok(());
        }
        Err(refusal(409, "Request_EntityChanged", "Another user has already changed the record."))
    }

    /// Posting makes an open invoice of a draft, under another number.
    fn post(&mut self, at: usize, id: &str, now: Timestamp) -> Result<(), Refusal> {
        let mut invoice = self.tables[at].get(id).cloned().unwrap_or_default();
        if invoice["status"] != "Draft" {
            return Err(rules::dialog("The document is posted already."));
        }
        let lines = place("salesInvoiceLines").unwrap_or_default();
        if self.lines(lines, id).next().is_none() {
            return Err(rules::dialog(
                "There is nothing to post because the document does not contain a quantity or amount.",
            ));
        }
        self.numbers[at] += 1;
        invoice["number"] = json!(format!("PS-INV{:06}", 103_000 + self.numbers[at]));
        invoice["status"] = json!("Open");
        invoice["lastModifiedDateTime"] = json!(time::millis_z(now));
        self.tables[at].put(id, invoice, now);
        Ok(())
    }
}

impl Emulator for BusinessCentral {
    fn copy(&self) -> Box<dyn Emulator> {
        Box::new(self.clone())
    }

    fn tables(&mut self) -> Vec<&mut Table> {
        self.tables.iter_mut().collect()
    }

    fn answer(&mut self, request: &Request, now: Timestamp) -> Reply {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        let of = |name| credential(CREDENTIALS, name);
        match (request.method.as_str(), segments.as_slice()) {
            ("POST", [tenant, "oauth2", "v2.0", "token"]) => self.token(tenant, request, now),
            (_, ["v2.0", tenant, environment, "api", "v2.0", rest @ ..]) => {
                if !request.credential("bearer").is_some_and(|token| self.tokens.admits(token, now))
                {
                    return self.unauthorized();
                }
                if *tenant != of("BUSINESS_CENTRAL_TENANT_ID")
                    || !environment.eq_ignore_ascii_case(of("BUSINESS_CENTRAL_ENVIRONMENT"))
                {
                    let message = format!("Environment does not exist: {tenant}/{environment}.");
                    return refusal(404, "NoEnvironment", message).into();
                }
                match rest {
                    [first, rest @ ..] if first.starts_with("subscriptions") => self
                        .subscriptions_request(first, rest, request, now)
                        .unwrap_or_else(Reply::from),
                    rest => self.api(rest, request, now).unwrap_or_else(Reply::from),
                }
            }
            (_, segments) => no_segment(segments.last().unwrap_or(&"")).into(),
        }
    }

    fn limits(&self) -> &'static [Limit] {
        LIMITS
    }

    fn throttled(&self, retry_after: u64) -> Reply {
        let message = "Too many requests reached. Actual (6000). Maximum (6000).";
        Reply::from(refusal(429, "Application_TooManyRequests", message))
            .header("retry-after", retry_after.to_string())
    }

    fn unauthorized(&self) -> Reply {
        let message = "The server has rejected the client credentials.";
        Reply::from(refusal(401, "Authentication_InvalidCredentials", message))
            .header("www-authenticate", "Bearer realm=\"\"")
    }

    fn expire_tokens(&mut self) {
        self.tokens.expire();
    }

    fn collections(&self) -> &'static [&'static str] {
        SETS
    }

    fn records(&self, collection: &'static str) -> Vec<Value> {
        let at = place(collection).unwrap_or_default();
        self.tables[at].current().map(|record| list::tagged(record, None)).collect()
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
        let at = place(collection).unwrap_or_default();
        let (id, _) = self.store(at, None, &body, now).map_err(|refusal| refusal.message)?;
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
        self.store(at, Some(id), patch, now).map_err(|refusal| refusal.message)?;
        Ok(self.tables[at].get(id).cloned().unwrap_or_default())
    }

    fn remove(
        &mut self,
        collection: &'static str,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, String> {
        let at = place(collection).unwrap_or_default();
        self.delete(at, id, now).map_err(|refusal| refusal.message)
    }

    fn calls(&mut self, changed: &Changed<'_>, now: Timestamp) -> Vec<Call> {
        self.notifications(changed, now)
    }
}
