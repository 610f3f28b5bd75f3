//! What every part of the emulator works on: its state, ids, refusals of a mutation.

use crate::http::{Act, Wrote};
use crate::state::Table;
use crate::tokens::Tokens;
use crate::util::ids::Source;
use crate::util::json as tree;
use crate::util::text::email_key;
use jiff::Timestamp;
use serde_json::{Value, json};

/// What opens the demo shop: a token that stands, or an app's own id and secret.
pub(crate) const CREDENTIALS: &[(&str, &str)] = &[
    ("SHOPIFY_ACCESS_TOKEN", "shpat_sandbox_shopify_token"),
    ("SHOPIFY_CLIENT_ID", "sandbox-shopify-client"),
    ("SHOPIFY_CLIENT_SECRET", "shpss_sandbox_shopify_secret"),
];

pub(super) const SCOPES: &[&str] = &[
    "read_customers",
    "write_customers",
    "read_products",
    "write_products",
    "read_orders",
    "read_all_orders",
    "write_orders",
    "read_companies",
    "write_companies",
    "read_draft_orders",
    "write_draft_orders",
];

pub(super) const DOMAIN: &str = "fjellheim-husflid.myshopify.com";
pub(super) const VERSION: &str = "2026-07";

/// The types of records, and the sandbox's collections of them.
pub(super) const KINDS: &[(&str, &str)] = &[
    ("Customer", "customers"),
    ("Product", "products"),
    ("ProductVariant", "productVariants"),
    ("Order", "orders"),
    ("DraftOrder", "draftOrders"),
    ("Company", "companies"),
];
pub(super) const NAMES: &[&str] =
    &["customers", "products", "productVariants", "orders", "draftOrders", "companies"];

pub(super) const CUSTOMER: usize = 0;
pub(super) const PRODUCT: usize = 1;
pub(super) const VARIANT: usize = 2;
pub(super) const ORDER: usize = 3;
pub(super) const DRAFT: usize = 4;
pub(super) const COMPANY: usize = 5;

#[derive(Clone)]
pub(crate) struct Shopify {
    /// In the order of [`KINDS`].
    pub(super) tables: Vec<Table>,
    pub(super) hooks: Vec<Value>,
    pub(super) tokens: Tokens,
    pub(super) ids: Source,
    pub(super) next: u64,
    pub(super) orders: u64,
    pub(super) drafts: u64,
    /// Points that are left, and when that was counted.
    pub(super) points: (f64, Option<Timestamp>),
    /// Multiplies the points; 0 turns the limit off.
    pub(super) scale: f64,
    pub(super) call_at: Option<String>,
    /// What the present request has written.
    pub(super) wrote: Vec<Wrote>,
}

/// Why a mutation does not do what was asked: `userErrors`.
pub(super) type Refused = Vec<(Vec<String>, String)>;

pub(super) fn refused<T>(field: &[&str], message: impl Into<String>) -> Result<T, Refused> {
    Err(vec![(field.iter().map(|name| (*name).to_owned()).collect(), message.into())])
}

/// The number in a global id.
pub(super) fn number(gid: &str) -> &str {
    let last = gid.rsplit('/').next().unwrap_or_default();
    last.split('?').next().unwrap_or_default()
}

/// The kind of record that a global id names.
pub(super) fn kind(gid: &str) -> Option<usize> {
    let name = gid.strip_prefix("gid://shopify/")?.split('/').next()?;
    KINDS.iter().position(|(known, _)| *known == name)
}

pub(super) fn place(collection: &str) -> usize {
    NAMES.iter().position(|name| *name == collection).unwrap_or_default()
}

pub(super) fn id_of(record: &Value) -> &str {
    record["id"].as_str().unwrap_or_default()
}

/// Look-up keys: addresses and telephones of customers, companies' external ids, products' handles, variants of a product,
/// whose an order is.
pub(super) fn keys(record: &Value) -> Vec<String> {
    let mut keys = Vec::new();
    for (name, key) in [
        ("phone", "phone"),
        ("handle", "handle"),
        ("product", "product"),
        ("customer", "customer"),
        ("externalId", "external"),
    ] {
        keys.extend(tree::filled(record, name).map(|value| format!("{key}:{value}")));
    }
    keys.extend(tree::filled(record, "email").map(|email| format!("email:{}", email_key(email))));
    keys
}

impl Shopify {
    pub(super) fn gid(&mut self, name: &str) -> String {
        self.next += 1 + self.ids.below(90);
        format!("gid://shopify/{name}/{}", self.next)
    }

    pub(super) fn record(&self, gid: &str) -> Option<&Value> {
        self.tables[kind(gid)?].get(number(gid))
    }

    /// Stores a record with its time, where it is another one than before; notes what was done.
    pub(super) fn keep(&mut self, at: usize, mut record: Value, now: Timestamp) -> String {
        let gid = id_of(&record).to_owned();
        let before = self.tables[at].get(number(&gid)).cloned();
        let changed = before.as_ref() != Some(&record);
        if changed {
            record["updatedAt"] = json!(crate::util::time::seconds_z(now));
            self.tables[at].put(number(&gid), record, now);
        }
        let act = if before.is_some() { Act::Update } else { Act::Create };
        self.wrote.push(Wrote { collection: KINDS[at].1, act, changed });
        gid
    }

    pub(super) fn drop_record(&mut self, gid: &str, now: Timestamp) {
        let Some(at) = kind(gid) else { return };
        if self.tables[at].remove(number(gid), now) {
            self.wrote.push(Wrote { collection: KINDS[at].1, act: Act::Delete, changed: true });
        }
    }

    /// Those of a kind with a look-up key.
    pub(super) fn with_key(&self, at: usize, key: &str) -> Vec<&Value> {
        self.tables[at].find(key).filter_map(|id| self.tables[at].get(id)).collect()
    }
}

/// An amount as the vendor writes it: two decimals in a price, one at least elsewhere.
pub(super) fn price(value: f64) -> String {
    format!("{value:.2}")
}

pub(super) fn amount(value: &Value) -> f64 {
    match value {
        Value::String(text) => text.parse().unwrap_or(0.0),
        other => other.as_f64().unwrap_or(0.0),
    }
}

/// A list of tags as it is kept: without blanks around, without doubles, in order.
pub(super) fn tags(value: &Value) -> Value {
    let mut all: Vec<&str> = value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .flat_map(|text| text.split(','))
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .collect();
    all.sort_unstable();
    all.dedup();
    json!(all)
}
