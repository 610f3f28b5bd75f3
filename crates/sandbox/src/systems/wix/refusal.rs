//! Refusals, as the vendor words them.

use crate::http::Reply;
use serde_json::{Value, json};

/// A refusal with the vendor's application error code.
pub(super) fn failure(status: u16, code: &str, description: &str, data: Value) -> Reply {
    Reply::json(
        status,
        &json!({"message":description,"details":{"applicationError":{"code":code,"description":description,"data":data}}}),
    )
}

/// Why the content of a request is refused, before it is an answer.
#[derive(Debug, Clone)]
pub(super) enum Refusal {
    /// 400 with a field violation.
    Field { field: String, description: String, rule: &'static str },
    /// Any status with an application error code.
    Code { status: u16, code: &'static str, description: String, data: Value },
}

impl Refusal {
    pub fn field(
        field: impl Into<String>,
        description: impl Into<String>,
        rule: &'static str,
    ) -> Self {
        Self::Field { field: field.into(), description: description.into(), rule }
    }

    pub fn code(status: u16, code: &'static str, description: impl Into<String>) -> Self {
        Self::Code { status, code, description: description.into(), data: json!({}) }
    }

    pub fn message(self) -> String {
        match self {
            Self::Field { field, description, .. } => format!("{field}: {description}"),
            Self::Code { code, description, .. } => format!("{code}: {description}"),
        }
    }

    pub fn reply(self) -> Reply {
        match self {
            Self::Field { field, description, rule } => Reply::json(
                400,
                &json!({"message":format!("{field} {description}"),"details":{"validationError":{"fieldViolations":[
                    {"field":field,"description":description,"violatedRule":rule,"data":{}}]}}}),
            ),
            Self::Code { status, code, description, data } => {
                failure(status, code, &description, data)
            }
        }
    }
}
