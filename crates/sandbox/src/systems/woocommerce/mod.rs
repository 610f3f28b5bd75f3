//! WooCommerce: customers, products with their categories, orders and webhooks of REST API v3
//! (`/wp-json/wc/v3`), on a WordPress whose time zone is UTC+1.
//!
//! Vendor: woocommerce/woocommerce-rest-api-docs (wp-api-v3) and the controllers of
//! woocommerce/woocommerce; WordPress for errors, types and dates. Keys are taken by Basic sign-in
//! and in the query, as over https; over plain http a shop wants OAuth 1.0a, which is not here.
//!
//! Unverified, and what was chosen: orders compare dates as posts do (`WP_Date_Query`), though shops
//! may keep them in tables of their own; the code of an unknown customer; no budget of requests,
//! which is the host's.

mod base;
mod lists;
mod orders;
mod records;
mod schema;
mod types;
mod webhooks;

use super::emulator::{Emulator, Limit, Settings, credential};
use crate::calls::{Call, Changed};
use crate::http::{Act, Reply, Request};
use crate::state::Table;
use crate::util::ids::Source;
use crate::util::json as tree;
use crate::util::text::email_key;
pub(crate) use base::WooCommerce;
use base::{CATEGORIES, CUSTOMERS, ORDERS, PRODUCTS, Refusal, body, no_route, refusal, stamp};
use jiff::{SignedDuration, Timestamp};
use lists::{collection, shown, visible};
use serde_json::{Map, Value, json};
use types::{KINDS, NAMES};

/// What opens the demo shop.
pub(crate) const CREDENTIALS: &[(&str, &str)] = &[
    ("WOOCOMMERCE_CONSUMER_KEY", "ck_sandbox000000000000000000000000000000"),
    ("WOOCOMMERCE_CONSUMER_SECRET", "cs_sandbox000000000000000000000000000000"),
];

fn keys(record: &Value) -> Vec<String> {
    let mut keys = Vec::new();
    for name in ["sku", "username", "slug"] {
        if let Some(text) = tree::filled(record, name) {
            keys.push(format!("{name}:{}", text.to_lowercase()));
        }
    }
    if let Some(email) = tree::filled(record, "email") {
        keys.push(format!("email:{}", email_key(email)));
    }
    keys
}

impl WooCommerce {
    pub fn new(settings: Settings) -> Self {
        let mut own = Self {
            tables: KINDS.iter().map(|_| Table::new(keys, settings.list_lag)).collect(),
            webhooks: Vec::new(),
            next: [1, 10, 15, 1],
            ids: Source::new(settings.seed, "woocommerce"),
        };
        let founded = Timestamp::now() - SignedDuration::from_hours(24 * 400);
        let owner = json!({"email":"butikk@example.com","first_name":"Runa","last_name":"Holm","username":"runa"});
        let owner = own.save(CUSTOMERS, None, owner.as_object().unwrap_or(&Map::new()), founded);
        if let Some(mut user) =
            owner.ok().and_then(|(id, _)| own.tables[CUSTOMERS].get(&id).cloned())
        {
            user["role"] = json!("administrator");
            own.tables[CUSTOMERS].put("1", user, founded);
        }
        let general = json!({"name":"Uncategorized","slug":"uncategorized"});
        let made = own.save(CATEGORIES, None, general.as_object().unwrap_or(&Map::new()), founded);
        debug_assert!(made.is_ok(), "{made:?}");
        own
    }

    fn add(&mut self, at: usize, request: &Request, now: Timestamp) -> Result<Reply, Refusal> {
        let sent = body(request)?;
        if sent.get("id").is_some_and(|id| id.as_i64() != Some(0)) {
            return Err(refusal(
                400,
                [
                    "woocommerce_rest_customer_exists",
                    "woocommerce_rest_product_exists",
                    "woocommerce_rest_term_exists",
                    "woocommerce_rest_shop_order_exists",
                ][at],
                "Cannot create existing resource.",
            ));
        }
        if let Some(missing) = [Some("email"), None, Some("name"), None][at]
            .filter(|name| sent.get(*name).is_none_or(Value::is_null))
        {
            return Err(Refusal {
                data: json!({"params": [missing]}),
                ..refusal(
                    400,
                    "rest_missing_callback_param",
                    format!("Missing parameter(s): {missing}"),
                )
            });
        }
        let taken = self.checked(at, &sent, None)?;
        let (id, _) = self.save(at, None, &taken, now)?;
        let record = self.tables[at].get(&id).cloned().unwrap_or_default();
        Ok(Reply::json(201, &shown(at, &record, true, request))
            .header("location", format!("{}/{id}", collection(at, request)))
            .wrote(NAMES[at], Act::Create, true))
    }

    fn request(
        &mut self,
        path: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let (at, rest) = match path {
            ["products", "categories", rest @ ..] => (CATEGORIES, rest),
            ["webhooks", rest @ ..] => return self.webhook_request(rest, request, now),
            [name, rest @ ..] => (
                NAMES
                    .iter()
                    .position(|known| known == name && *name != "categories")
                    .ok_or_else(no_route)?,
                rest,
            ),
            [] => return Err(no_route()),
        };
        match (request.method.as_str(), rest) {
            ("GET", []) => self.list(at, request, now),
            ("POST", []) => self.add(at, request, now),
            (method, [id]) if id.bytes().all(|byte| byte.is_ascii_digit()) => {
                let change = matches!(method, "PUT" | "PATCH" | "POST");
                let Some(record) = self.tables[at].get(id).cloned() else {
                    let status = if change { 400 } else { 404 };
                    return Err(no_record(at, status));
                };
                match method {
                    "GET" => {
                        let parameters = lists::parameters(
                            request,
                            &[&[
                                schema::open("context", schema::Shape::OneOf(&["view", "edit"])),
                                schema::open("_fields", schema::Shape::Text),
                                schema::open("dp", schema::Shape::Whole),
                            ]],
                        )?;
                        let edit =
                            parameters.get("context").is_some_and(|context| context == "edit");
                        let shown = shown(at, &record, edit, request);
                        Ok(Reply::json(200, &lists::fields(shown, &parameters)))
                    }
                    "DELETE" => self.delete(at, id, &record, request, now),
                    _ if change => {
                        let taken = self.checked(at, &body(request)?, Some(&record))?;
                        let (_, changed) = self.save(at, Some(id), &taken, now)?;
                        let record = self.tables[at].get(id).cloned().unwrap_or_default();
                        Ok(Reply::json(200, &shown(at, &record, true, request)).wrote(
                            NAMES[at],
                            Act::Update,
                            changed,
                        ))
                    }
                    _ => Err(no_route()),
                }
            }
            _ => Err(no_route()),
        }
    }

    /// What was sent, if it fits. Creating a customer does not look at the form of the address.
    fn checked(
        &self,
        at: usize,
        sent: &Value,
        record: Option<&Value>,
    ) -> Result<Map<String, Value>, Refusal> {
        let pairs = sent.as_object().into_iter().flatten();
        let mut fields = KINDS[at].fields.to_vec();
        if let (CUSTOMERS, None, Some(email)) =
            (at, record, fields.iter_mut().find(|field| field.name == "email"))
        {
            email.shape = schema::Shape::Text;
        }
        let view = record.map(|record| visible(at, record));
        schema::taken(
            &fields,
            pairs.map(|(name, value)| (name.as_str(), value.clone())),
            view.as_ref(),
        )
    }

    fn delete(
        &mut self,
        at: usize,
        id: &str,
        record: &Value,
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let parameters = lists::parameters(
            request,
            &[&[
                schema::open("force", schema::Shape::Flag),
                schema::open("reassign", schema::Shape::Whole),
            ]],
        )?;
        let force = parameters.get("force").is_some_and(|force| force == true);
        if !force && matches!(at, CUSTOMERS | CATEGORIES) {
            let what = if at == CUSTOMERS { "Customers do" } else { "Resource does" };
            return Err(refusal(
                501,
                "woocommerce_rest_trash_not_supported",
                format!("{what} not support trashing."),
            ));
        }
        if at == CUSTOMERS && record["role"] != "customer" {
            return Err(refusal(
                403,
                "woocommerce_rest_cannot_delete",
                format!(
                    "Sorry, users with {} role cannot be deleted via this endpoint. Allowed roles: customer, subscriber",
                    record["role"].as_str().unwrap_or_default()
                ),
            ));
        }
        if !force && record["status"] == "trash" {
            let what = if at == ORDERS { "shop_order" } else { "product" };
            return Err(refusal(
                410,
                "woocommerce_rest_already_trashed",
                format!("The {what} has already been deleted."),
            ));
        }
        let shown = shown(at, record, true, request);
        self.take_away(at, id, force, now);
        Ok(Reply::json(200, &shown).wrote(NAMES[at], Act::Delete, true))
    }

    /// Into the bin, or for good.
    fn take_away(&mut self, at: usize, id: &str, force: bool, now: Timestamp) -> bool {
        let Some(mut record) = self.tables[at].get(id).cloned() else { return false };
        if force || matches!(at, CUSTOMERS | CATEGORIES) {
            return self.tables[at].remove(id, now);
        }
        record["status"] = json!("trash");
        stamp(&mut record, "date_modified", Some(now));
        self.tables[at].put(id, record, now)
    }
}

fn no_record(at: usize, status: u16) -> Refusal {
    match at {
        CUSTOMERS => refusal(status, "woocommerce_rest_invalid_id", "Invalid resource ID."),
        PRODUCTS => refusal(status, "woocommerce_rest_product_invalid_id", "Invalid ID."),
        CATEGORIES => refusal(404, "woocommerce_rest_term_invalid", "Resource does not exist."),
        _ => refusal(status, "woocommerce_rest_shop_order_invalid_id", "Invalid ID."),
    }
}

impl Emulator for WooCommerce {
    fn copy(&self) -> Box<dyn Emulator> {
        Box::new(self.clone())
    }

    fn tables(&mut self) -> Vec<&mut Table> {
        self.tables.iter_mut().collect()
    }

    fn answer(&mut self, request: &Request, now: Timestamp) -> Reply {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        let ["wp-json", "wc", "v3", rest @ ..] = segments.as_slice() else {
            return no_route().into();
        };
        let query = |name| request.param(name).map(str::to_owned);
        let given =
            request.basic().or_else(|| Some((query("consumer_key")?, query("consumer_secret")?)));
        let problem = match given {
            None => Some(refusal(
                401,
                "woocommerce_rest_cannot_view",
                "Sorry, you cannot list resources.",
            )),
            Some((key, _)) if key != credential(CREDENTIALS, "WOOCOMMERCE_CONSUMER_KEY") => Some(
                refusal(401, "woocommerce_rest_authentication_error", "Consumer key is invalid."),
            ),
            Some((_, secret))
                if secret != credential(CREDENTIALS, "WOOCOMMERCE_CONSUMER_SECRET") =>
            {
                Some(refusal(
                    401,
                    "woocommerce_rest_authentication_error",
                    "Consumer secret is invalid.",
                ))
            }
            Some(_) => None,
        };
        match problem {
            Some(problem) => problem.into(),
            None => self.request(rest, request, now).unwrap_or_else(Reply::from),
        }
    }

    fn limits(&self) -> &'static [Limit] {
        &[]
    }

    fn throttled(&self, retry_after: u64) -> Reply {
        // What a host in front of a shop answers.
        Reply::text(
            429,
            "text/html; charset=utf-8",
            "<html><body><h1>Too Many Requests</h1></body></html>",
        )
        .header("retry-after", retry_after.to_string())
    }

    fn unauthorized(&self) -> Reply {
        refusal(401, "woocommerce_rest_authentication_error", "Consumer key is invalid.").into()
    }

    /// Keys do not expire.
    fn expire_tokens(&mut self) {}

    fn collections(&self) -> &'static [&'static str] {
        NAMES
    }

    fn records(&self, collection: &'static str) -> Vec<Value> {
        let at = NAMES.iter().position(|name| *name == collection).unwrap_or_default();
        self.tables[at].current().cloned().collect()
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
        let taken = self.checked(at, &body, None).map_err(|refusal| refusal.message)?;
        let (id, _) = self.save(at, None, &taken, now).map_err(|refusal| refusal.message)?;
        Ok(self.tables[at].get(&id).cloned().unwrap_or_default())
    }

    fn edit(
        &mut self,
        collection: &'static str,
        id: &str,
        patch: &Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        let at = NAMES.iter().position(|name| *name == collection).unwrap_or_default();
        let record = self.tables[at].get(id).cloned().unwrap_or_default();
        let taken = self
            .checked(at, patch, Some(&record))
            .map_err(|refusal| format!("{}: {}", refusal.message, refusal.data))?;
        self.save(at, Some(id), &taken, now).map_err(|refusal| refusal.message)?;
        Ok(self.tables[at].get(id).cloned().unwrap_or_default())
    }

    fn remove(
        &mut self,
        collection: &'static str,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, String> {
        let at = NAMES.iter().position(|name| *name == collection).unwrap_or_default();
        Ok(self.take_away(at, id, false, now))
    }

    fn calls(&mut self, changed: &Changed<'_>, _now: Timestamp) -> Vec<Call> {
        self.deliveries(changed)
    }
}
