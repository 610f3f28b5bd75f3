//! What every part of the emulator works on: its state, refusals and addresses.

use crate::http::{Reply, Request};
use crate::oauth;
use crate::state::Table;
use crate::systems::emulator::credential;
use crate::util::ids::Source;
use crate::util::shape;
use serde_json::{Value, json};

/// What opens the demo division.
pub(crate) const CREDENTIALS: &[(&str, &str)] = &[
    ("EXACT_ONLINE_DIVISION", "2718281"),
    ("EXACT_ONLINE_CLIENT_ID", "5a1b0c6e-27a4-4f53-9a3e-6f0d1c2b3a49"),
    ("EXACT_ONLINE_CLIENT_SECRET", "sandbox-exact"),
    ("EXACT_ONLINE_REFRESH_TOKEN", "stampNL001.sandbox-exact-refresh"),
    ("EXACT_ONLINE_WEBHOOK_SECRET", "sandbox-exact-webhook"),
];

#[derive(Clone)]
pub(crate) struct ExactOnline {
    /// In the order of [`RESOURCES`].
    pub(super) tables: Vec<Table>,
    /// The last number of each kind of record.
    pub(super) numbers: Vec<i64>,
    /// What has been deleted, for `sync/Deleted`.
    pub(super) deleted: Vec<Value>,
    /// Counts every change.
    pub(super) timestamp: i64,
    pub(super) hooks: Vec<Value>,
    pub(super) sign_in: oauth::Server,
    pub(super) ids: Source,
    pub(super) owner: String,
}

/// Why a request is refused.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) message: String,
}

pub(super) fn refusal(status: u16, message: impl Into<String>) -> Refusal {
    Refusal { status, message: message.into() }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        let body =
            json!({"error": {"code": "", "message": {"lang": "", "value": refusal.message}}});
        Reply::json(refusal.status, &body)
    }
}

pub(super) fn no_segment(segment: &str) -> Refusal {
    refusal(404, format!("Resource not found for the segment '{segment}'."))
}

/// `Accounts(guid'…')`: the name and the key.
pub(super) fn keyed(segment: &str) -> Option<(&str, &str)> {
    let (name, key) = segment.strip_suffix("')")?.split_once("(guid'")?;
    shape::is_guid(key).then_some((name, key))
}

pub(super) fn quoted(id: &str) -> String {
    format!("guid'{id}'")
}

/// The address of the division, as the caller wrote it.
pub(super) fn root(request: &Request) -> String {
    format!("{}/api/v1/{}", request.base, credential(CREDENTIALS, "EXACT_ONLINE_DIVISION"))
}

pub(super) fn body(request: &Request) -> Result<Value, Refusal> {
    request.json().filter(Value::is_object).ok_or_else(|| {
        refusal(400, "Error processing request stream. The request body is not a JSON object.")
    })
}
