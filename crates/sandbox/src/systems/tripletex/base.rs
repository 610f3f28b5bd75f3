//! What every part of the emulator works on: its state and refusals.

use super::types::NAMES;
use crate::http::{Reply, Request};
use crate::state::Table;
use crate::tokens::Tokens;
use crate::util::ids::Source;
use serde_json::{Value, json};

pub(super) const COMPANY: i64 = 107_927_347;

#[derive(Clone)]
pub(crate) struct Tripletex {
    /// In the order of [`RESOURCES`].
    pub(super) tables: Vec<Table>,
    pub(super) subscriptions: Vec<Value>,
    pub(super) tokens: Tokens,
    pub(super) next: i64,
    pub(super) ids: Source,
    /// The employee whose token it is.
    pub(super) owner: i64,
}

/// Why a request is refused.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: u32,
    pub(super) message: String,
    pub(super) developer: Value,
    /// Field and message of each.
    pub(super) validation: Vec<(Value, String)>,
}

pub(super) fn refusal(status: u16, code: u32, message: impl Into<String>) -> Refusal {
    Refusal {
        status,
        code,
        message: message.into(),
        developer: Value::Null,
        validation: Vec::new(),
    }
}

/// A value that the application does not take.
pub(super) fn invalid(field: &str, message: impl Into<String>) -> Refusal {
    let field = if field.is_empty() { Value::Null } else { json!(field) };
    Refusal {
        developer: json!("VALIDATION_ERROR"),
        validation: vec![(field, message.into())],
        ..refusal(422, 18000, "Validering feilet.")
    }
}

/// A body that does not fit the model.
pub(super) fn unmapped(field: &str, message: &str) -> Refusal {
    Refusal {
        validation: vec![(json!(field), message.to_owned())],
        ..refusal(422, 16000, "Request mapping failed")
    }
}

impl Refusal {
    pub(super) fn reply(self, id: &str) -> Reply {
        let validation = match self.validation.is_empty() {
            true => Value::Null,
            false => self
                .validation
                .iter()
                .map(|(field, message)| json!({"field": field, "message": message, "path": null, "rootId": null}))
                .collect(),
        };
        let body = json!({"status": self.status, "code": self.code, "message": self.message, "link": "https://tripletex.no/v2-docs/",
            "developerMessage": self.developer, "validationMessages": validation, "requestId": id});
        Reply::json(self.status, &body)
    }
}

pub(super) fn not_found() -> Refusal {
    refusal(404, 6000, "Object not found")
}

pub(super) fn collection(at: usize) -> &'static str {
    NAMES.get(at).copied().unwrap_or("")
}

pub(super) fn body(request: &Request) -> Result<Value, Refusal> {
    request.json().filter(Value::is_object).ok_or_else(|| refusal(422, 22000, "Invalid JSON"))
}

impl Tripletex {
    /// Parameters beside `fields`; the value of `fields`.
    pub(super) fn parameters(
        &self,
        request: &Request,
        known: &[&str],
    ) -> Result<Option<String>, Refusal> {
        if let Some((name, _)) =
            request.query.iter().find(|(name, _)| !known.contains(&name.as_str()))
        {
            return Err(Refusal {
                developer: json!(format!("Unknown parameter: {name}")),
                ..refusal(422, 21000, "Param Exception")
            });
        }
        Ok(request.param("fields").map(str::to_owned))
    }

    pub(super) fn record(&self, at: usize, id: i64) -> &Value {
        self.tables[at].get(&id.to_string()).unwrap_or(&Value::Null)
    }
}
