//! What every part of the emulator works on: its state, refusals and times.

use crate::http::Reply;
use crate::state::Table;
use crate::tokens::Tokens;
use crate::util::ids::Source;
use crate::util::time;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// The user's time zone.
pub(super) const ZONE: SignedDuration = SignedDuration::from_hours(1);

#[derive(Clone)]
pub(crate) struct ZohoCrm {
    /// In the order of [`MODULES`], then the users.
    pub(super) tables: Vec<Table>,
    /// What is in the recycle bin, or gone for good: by module.
    pub(super) deleted: Vec<Vec<Value>>,
    pub(super) channels: Vec<Value>,
    pub(super) tokens: Tokens,
    pub(super) next: u64,
    pub(super) invoices: u64,
    pub(super) ids: Source,
    pub(super) owner: Value,
}

/// Why a request, or one record of it, is refused.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) details: Value,
}

pub(super) fn refusal(code: &'static str, message: impl Into<String>, details: Value) -> Refusal {
    Refusal { status: 400, code, message: message.into(), details }
}

impl Refusal {
    pub(super) fn body(&self) -> Value {
        json!({"code": self.code, "details": self.details, "message": self.message, "status": "error"})
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        Reply::json(refusal.status, &refusal.body())
    }
}

pub(super) fn no_url() -> Refusal {
    Refusal {
        status: 404,
        ..refusal(
            "INVALID_URL_PATTERN",
            "Please check if the URL trying to access is a correct one",
            json!({}),
        )
    }
}

pub(super) fn no_module() -> Refusal {
    refusal(
        "INVALID_MODULE",
        "the module name given seems to be invalid",
        json!({"resource_path_index": 0}),
    )
}

pub(super) fn bad_parameter(name: &str, message: &str) -> Refusal {
    refusal("INVALID_DATA", message, json!({"param_name": name}))
}

/// A time as the vendor writes it: `2023-05-10T01:10:47+01:00`.
pub(super) fn stamp(at: Timestamp) -> String {
    format!("{}+01:00", time::seconds_bare(at + ZONE))
}

impl ZohoCrm {
    pub(super) fn id(&mut self) -> String {
        self.next += 1;
        format!("4876876000000{}", self.next)
    }
}
