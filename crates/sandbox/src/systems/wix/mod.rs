//! Wix: Contacts v4, Members v1, Stores Products (catalog v1, and v3 on a second site of the same
//! account).
//!
//! Here: the way in, routing and errors; the record types have a file each, and `query.rs` the
//! query language that they share. Vendor: dev.wix.com, REST reference; the vendor's typed packages
//! for limits and error codes.
//!
//! Unverified in the vendor's documents, and what was chosen: a create answers 200; the first
//! e-mail or phone becomes primary when none is marked; `PATCH` replaces each top-level field of
//! `info` whole; e-mail and phone are trimmed and an e-mail's form is checked; `primaryInfo.phone`
//! shows the number with its calling code in front; queries without a sort come in the order of the
//! ids, which is no order; a request with a key but without a site id is 403; the member's
//! `contact` is a view of the contact it belongs to; writing another `loginEmail` is refused with a
//! field violation.

mod contacts;
mod hooks;
mod info;
mod members;
mod products;
mod products_v3;
mod query;
mod refusal;

use super::emulator::{Emulator, Limit, Settings, credential};
use crate::calls::{Call, Changed};
use crate::http::{Reply, Request};
use crate::state::Table;
use crate::util::ids::Source;
use crate::util::text::email_key;
use jiff::{SignedDuration, Timestamp};
use refusal::failure;
use serde_json::{Value, json};
use std::collections::HashMap;

/// What opens the demo site.
pub(crate) const CREDENTIALS: &[(&str, &str)] = &[
    ("WIX_API_KEY", "IST.sandbox-wix-api-key"),
    ("WIX_SITE_ID", "5d0f3a52-6c1e-4f0a-9d3e-0a8f5b7c1e21"),
    // A newer site, with catalog v3; contacts and members are the same.
    ("WIX_SITE_ID_V3", "7c2e9b14-0d35-4b68-8a47-3e6f1d9c5b02"),
    ("WIX_APP_ID", "9b1f6c2e-3f57-4d0c-8b61-2f1f3c9d7a10"),
    ("WIX_APP_SECRET", "sandbox-wix-app-secret"),
    ("WIX_INSTANCE_ID", "c3d9f4b8-71d2-4a4e-b7a5-6d1e0f2a3b4c"),
    ("WIX_WEBHOOK_KEY", PUBLIC_KEY),
];

/// The app's public key, by which its calls are known, on one line as a variable takes it.
const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAlMlUcEEpVd3ypSg3gCP3\\njS0FDUTC94WUTdw0+VdBeN/YRFIR7eEdfcGbOyG1znU+ERGp4cvlFDCIIgP1lHwh\\nFPsOaeRI3jj+DwBuUbvVmd3M3afSJSYtkaagENQ9ORJRBNDzYzyqja8B0n+uKLU3\\notOU3ISSBwoXpf+Y6z9B6gKgQ341r+50Lc9N/sSIz1uQHeI4/zAdNYexnE2XvGxU\\ndyWnm0nQq7Ox0ApvzNhn1HJlxE13wN4bsvsbhTwiLzu8gMMiCOXIbdqJEnOfkeNR\\n8wNAhEMQ2gmxkDBzkaX6eVxWAEzH6NAVP6XWFjiDAui4d56gHDbV8RsBrl6bRrKL\\n7wIDAQAB\\n-----END PUBLIC KEY-----\\n";

/// 200 requests a minute per app instance.
const LIMITS: &[Limit] = &[Limit { requests: 200, window_seconds: 60, applies: |_| true }];

/// Four hours; unverified.
const TOKEN_SECONDS: i64 = 4 * 3600;

#[derive(Clone)]
pub(crate) struct Wix {
    contacts: Table,
    members: Table,
    products: Table,
    products_v3: Table,
    /// Contacts that were merged away, with the contact they went into.
    merged: HashMap<String, String>,
    next_product_number: i64,
    tokens: HashMap<String, Timestamp>,
    /// Where the app's dashboard says to call.
    call_at: Option<String>,
    ids: Source,
}

fn contact_keys(contact: &Value) -> Vec<String> {
    let items = |list: &str| contact["info"][list]["items"].as_array().cloned().unwrap_or_default();
    let mut keys: Vec<String> = items("emails")
        .iter()
        .filter_map(|item| item["email"].as_str())
        .map(|email| format!("email:{}", email_key(email)))
        .collect();
    keys.extend(items("phones").iter().map(|item| format!("phone:{}", info::phone_key(item))));
    keys
}

fn member_keys(member: &Value) -> Vec<String> {
    vec![
        format!("login:{}", email_key(member["loginEmail"].as_str().unwrap_or_default())),
        format!("contact:{}", member["contactId"].as_str().unwrap_or_default()),
    ]
}

impl Wix {
    pub fn new(settings: Settings) -> Self {
        let table = |keys| Table::new(keys, settings.list_lag);
        Self {
            contacts: table(contact_keys),
            members: table(member_keys),
            products: table(|_| Vec::new()),
            products_v3: table(|_| Vec::new()),
            merged: HashMap::new(),
            next_product_number: 1,
            tokens: HashMap::new(),
            call_at: None,
            ids: Source::new(settings.seed, "wix"),
        }
    }

    fn token(&mut self, request: &Request, now: Timestamp) -> Reply {
        let body = request.json().unwrap_or(Value::Null);
        let of = |name| credential(CREDENTIALS, name);
        if body["grant_type"] != "client_credentials" {
            return failure(
                400,
                "UNSUPPORTED_GRANT_TYPE",
                "grant_type must be client_credentials",
                json!({}),
            );
        }
        if body["client_id"] != of("WIX_APP_ID")
            || body["client_secret"] != of("WIX_APP_SECRET")
            || body["instance_id"] != of("WIX_INSTANCE_ID")
        {
            return failure(401, "UNAUTHENTICATED", "app or instance not known", json!({}));
        }
        let token = self.ids.token("OAUTH2.");
        self.tokens.insert(token.clone(), now + SignedDuration::from_secs(TOKEN_SECONDS));
        Reply::json(
            200,
            &json!({"access_token":token,"token_type":"Bearer","expires_in":TOKEN_SECONDS}),
        )
    }

    /// `Err` holds the refusal.
    fn admitted(&self, request: &Request, now: Timestamp) -> Result<(), Reply> {
        let given = request.header("authorization").unwrap_or_default();
        // The key stands raw in the header; a token is accepted with and without "Bearer".
        if self
            .tokens
            .get(given.strip_prefix("Bearer ").unwrap_or(given))
            .is_some_and(|end| *end > now)
        {
            return Ok(());
        }
        if given != credential(CREDENTIALS, "WIX_API_KEY") {
            return Err(self.unauthorized());
        }
        if request.header("wix-site-id") != Some(credential(CREDENTIALS, "WIX_SITE_ID"))
            && !is_v3(request)
        {
            return Err(failure(
                403,
                "FORBIDDEN",
                "the API key has no permission for this site; is the wix-site-id header right?",
                json!({}),
            ));
        }
        Ok(())
    }
}

impl Emulator for Wix {
    fn copy(&self) -> Box<dyn Emulator> {
        Box::new(self.clone())
    }

    fn tables(&mut self) -> Vec<&mut Table> {
        vec![&mut self.contacts, &mut self.members, &mut self.products, &mut self.products_v3]
    }

    fn answer(&mut self, request: &Request, now: Timestamp) -> Reply {
        if request.is("POST", &["oauth2", "token"]) {
            return self.token(request, now);
        }
        if let Err(refusal) = self.admitted(request, now) {
            return refusal;
        }
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        match (request.method.as_str(), segments.as_slice()) {
            (_, ["contacts", "v4", "contacts", rest @ ..]) => {
                self.contacts_request(rest, request, now)
            }
            (_, ["members", "v1", "members", rest @ ..]) => {
                self.members_request(rest, request, now)
            }
            ("GET", ["stores", "v3", "provision", "version"]) => {
                let version = if is_v3(request) { "V3_CATALOG" } else { "V1_CATALOG" };
                Reply::json(200, &json!({"catalogVersion": version}))
            }
            // A site has one catalog version; the other one's calls are answered 428. The codes are
            // unverified.
            (_, ["stores", "v3", ..]) if !is_v3(request) => failure(
                428,
                "CATALOG_V1_SITE_CALLING_CATALOG_V3_API",
                "this site has catalog version V1_CATALOG",
                json!({}),
            ),
            (_, ["stores", "v3", "products", rest @ ..]) => {
                self.products_v3_request(rest, request, now)
            }
            (_, ["stores" | "stores-reader", "v1", ..]) if is_v3(request) => failure(
                428,
                "CATALOG_V3_SITE_CALLING_CATALOG_V1_API",
                "this site has catalog version V3_CATALOG",
                json!({}),
            ),
            (_, ["stores" | "stores-reader", "v1", "products", rest @ ..]) => {
                self.products_request(rest, request, now)
            }
            _ => Reply::json(404, &json!({"message":"","details":{}})),
        }
    }

    fn limits(&self) -> &'static [Limit] {
        LIMITS
    }

    fn throttled(&self, retry_after: u64) -> Reply {
        failure(429, "RESOURCE_EXHAUSTED", "too many requests", json!({}))
            .header("retry-after", retry_after.to_string())
    }

    fn unauthorized(&self) -> Reply {
        failure(
            401,
            "UNAUTHENTICATED",
            "the API key or token is missing, wrong or expired",
            json!({}),
        )
    }

    fn expire_tokens(&mut self) {
        self.tokens.clear();
    }

    fn collections(&self) -> &'static [&'static str] {
        &["contacts", "members", "products", "products-v3"]
    }

    fn records(&self, collection: &'static str) -> Vec<Value> {
        match collection {
            "members" => self.members.current().map(|member| self.full_member(member)).collect(),
            "products" => self.products.current().cloned().collect(),
            "products-v3" => self.products_v3.current().cloned().collect(),
            _ => self.contacts.current().cloned().collect(),
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
        match collection {
            "members" => self.put_member(&body, now),
            "products" => self.put_product(&body, now).map_err(|refusal| refusal.message()),
            "products-v3" => self.put_product_v3(&body, now).map_err(|refusal| refusal.message()),
            _ => {
                let info = body.get("info").cloned().unwrap_or_else(|| json!({}));
                let contact = self.new_contact(&info, now).map_err(|refusal| refusal.message())?;
                match body.get("primaryInfo") {
                    Some(_) => {
                        let id = contact["id"].as_str().unwrap_or_default().to_owned();
                        self.edit_contact(&id, &json!({"primaryInfo": body["primaryInfo"]}), now)
                    }
                    None => Ok(contact),
                }
            }
        }
    }

    fn edit(
        &mut self,
        collection: &'static str,
        id: &str,
        patch: &Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        match collection {
            "members" => self.edit_member(id, patch, now),
            "products" => self.edit_product(id, patch, now).map_err(|refusal| refusal.message()),
            "products-v3" => {
                self.edit_product_v3(id, patch, false, now).map_err(|refusal| refusal.message())
            }
            _ => self.edit_contact(id, patch, now),
        }
    }

    fn calls(&mut self, changed: &Changed<'_>, now: Timestamp) -> Vec<Call> {
        self.event_calls(changed, now)
    }

    fn call_at(&mut self, url: &str) -> bool {
        self.call_at = Some(url.to_owned());
        true
    }

    fn remove(
        &mut self,
        collection: &'static str,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, String> {
        Ok(match collection {
            "members" => self.members.remove(id, now),
            "products" => self.products.remove(id, now),
            "products-v3" => self.products_v3.remove(id, now),
            _ => {
                // Whoever deletes a site member's contact by hand deletes the member with it.
                let members: Vec<String> =
                    self.members.find(&format!("contact:{id}")).map(str::to_owned).collect();
                for member in members {
                    self.members.remove(&member, now);
                }
                self.contacts.remove(id, now)
            }
        })
    }
}

/// Whether a request is for the site with catalog v3.
fn is_v3(request: &Request) -> bool {
    request.header("wix-site-id") == Some(credential(CREDENTIALS, "WIX_SITE_ID_V3"))
}
