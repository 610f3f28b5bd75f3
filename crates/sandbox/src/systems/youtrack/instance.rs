//! The instance: its tables and numbers, and how it refuses.

use crate::http::Reply;
use crate::state::Table;
use crate::util::ids::Source;
use jiff::SignedDuration;
use serde_json::json;

/// The YouTrack API's own default.
pub(super) const API_TOP: usize = 42;

#[derive(Clone)]
pub(crate) struct YouTrack {
    pub(super) users: Table,
    pub(super) groups: Table,
    pub(super) organizations: Table,
    /// The number of the last group or organization.
    pub(super) next_set: i64,
    pub(super) next_pair: i64,
    pub(super) pairing_delay: SignedDuration,
    pub(super) ids: Source,
    /// The user whose token it is.
    pub(super) owner: String,
}

/// Why a user is refused.
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) field: &'static str,
    pub(super) message: String,
}

pub(super) fn refusal(status: u16, field: &'static str, message: impl Into<String>) -> Refusal {
    Refusal { status, field, message: message.into() }
}

pub(super) fn refused(refusal: &Refusal) -> Reply {
    error(refusal.status, refusal.field, &refusal.message)
}

pub(super) fn error(status: u16, field: &str, description: &str) -> Reply {
    let name = match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        429 => "Too Many Requests",
        _ => "Error",
    };
    let mut body = json!({"error":name,"error_description":description,"error_code":status});
    if !field.is_empty() {
        body["error_field"] = json!(field);
    }
    Reply::json(status, &body)
}
