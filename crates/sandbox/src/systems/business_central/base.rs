//! What every part of the emulator works on: its state, refusals, names and versions.

use super::types;
use crate::http::{Reply, Request};
use crate::state::Table;
use crate::tokens::Tokens;
use crate::util::base64;
use crate::util::ids::Source;
use crate::util::json as tree;
use jiff::Timestamp;
use serde_json::{Value, json};

/// What opens the demo tenant.
pub(crate) const CREDENTIALS: &[(&str, &str)] = &[
    ("BUSINESS_CENTRAL_TENANT_ID", "6f1d2a9e-0c57-4f6b-9f0a-2f9a5d3c7b10"),
    ("BUSINESS_CENTRAL_ENVIRONMENT", "production"),
    ("BUSINESS_CENTRAL_COMPANY_ID", "b18aed47-c385-49d2-b954-dbdf8ad71780"),
    ("BUSINESS_CENTRAL_CLIENT_ID", "3d5c1b7e-8a42-4d0f-b6d1-5e0f9a7c2e44"),
    ("BUSINESS_CENTRAL_CLIENT_SECRET", "sandbox-business-central-secret"),
];

#[derive(Clone)]
pub(crate) struct BusinessCentral {
    /// In the order of [`ENTITIES`].
    pub(super) tables: Vec<Table>,
    /// The last number of each series.
    pub(super) numbers: Vec<u64>,
    pub(super) subscriptions: Vec<Value>,
    pub(super) tokens: Tokens,
    pub(super) ids: Source,
    pub(super) founded: Timestamp,
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
}

pub(super) fn refusal(status: u16, code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal { status, code, message: message.into() }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        let message = format!("{}  CorrelationId:  {}.", refusal.message, types::NO_ID);
        Reply::json(refusal.status, &json!({"error": {"code": refusal.code, "message": message}}))
    }
}

pub(super) fn bad(message: impl Into<String>) -> Refusal {
    refusal(400, "BadRequest", message)
}

pub(super) fn no_segment(segment: &str) -> Refusal {
    refusal(
        404,
        "BadRequest_ResourceNotFound",
        format!("Resource not found for the segment '{segment}'."),
    )
}

/// What numbers, codes and references are looked up by.
pub(super) fn keys(record: &Value) -> Vec<String> {
    let mut keys = Vec::new();
    for name in ["number", "code"] {
        if let Some(number) = tree::filled(record, name) {
            keys.push(format!("number:{number}"));
        }
    }
    for (name, key) in [
        ("documentId", "document"),
        ("itemId", "item"),
        ("customerId", "customer"),
        ("billToCustomerId", "customer"),
    ] {
        if let Some(id) = tree::filled(record, name) {
            keys.push(format!("{key}:{id}"));
        }
    }
    keys
}

/// `customers(…)`: the set and what stands in the brackets.
pub(super) fn keyed(segment: &str) -> Option<(&str, &str)> {
    segment.strip_suffix(')')?.split_once('(')
}

pub(super) fn not_allowed(method: &str, set: &str) -> Refusal {
    refusal(
        405,
        "BadRequest_MethodNotAllowed",
        format!(
            "'{method}' requests for '{set}' of EdmType 'Collection' are not allowed within Microsoft Dynamics 365 Business Central OData web services."
        ),
    )
}

pub(super) fn body(request: &Request) -> Result<Value, Refusal> {
    request.json().filter(Value::is_object).ok_or_else(|| bad("Invalid Request Body"))
}

/// Where the service is, as the caller wrote it.
pub(super) fn root(request: &Request) -> String {
    let start: Vec<&str> = request.segments.iter().take(5).map(String::as_str).collect();
    format!("{}/{}", request.base, start.join("/"))
}

/// A weak tag of what the record is like.
pub(super) fn etag(record: &Value) -> String {
    let hash = record.to_string().bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("W/\"{}\"", base64::encode(format!("19;{hash};1;00;").as_bytes()))
}
