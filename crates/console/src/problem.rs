//! What goes wrong, as RFC 9457 has it for programs and as a page for people.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use lockstep_hub::{HubError, LookError};
use lockstep_model::Remedy;
use lockstep_service::Refusal;
use schemars::JsonSchema;
use serde::Serialize;

use crate::words;

/// A problem.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Problem {
    /// A URN that names the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    /// What is the case here, and what to do.
    pub detail: String,
    /// How many seconds to wait before trying again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

impl Problem {
    /// A problem of this kind (`no-such-review`).
    pub fn new(status: StatusCode, kind: &str, title: &str, detail: impl Into<String>) -> Self {
        Problem {
            kind: format!("urn:lockstep:problem:{kind}"),
            title: title.into(),
            status: status.as_u16(),
            detail: detail.into(),
            retry_after: None,
        }
    }

    pub fn not_found(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::NOT_FOUND, "not-found", "There is no such thing", detail)
    }

    /// What was asked for makes no sense.
    pub fn wrong(detail: impl Into<String>) -> Self {
        let title = "This can't be done as it was asked";
        Problem::new(StatusCode::BAD_REQUEST, "wrong", title, detail)
    }

    /// It made sense, and things are not as whoever asked has seen them.
    pub fn conflict(detail: impl Into<String>) -> Self {
        let title = "Things have changed meanwhile";
        Problem::new(StatusCode::CONFLICT, "conflict", title, detail)
    }

    /// What is stored can't be read.
    pub fn of_store(error: impl std::fmt::Display) -> Self {
        Problem::unavailable(error.to_string())
    }

    /// It can't be done now, and may be later.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        let title = "The service can't do this now";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", title, detail)
    }

    pub(crate) fn not_signed_in() -> Self {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "not-signed-in",
            "Nobody is signed in",
            "show a token that has not ended: `Authorization: Bearer TOKEN`; `lockstep token create` makes one",
        )
    }

    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::FORBIDDEN, "forbidden", "You may not do this", detail)
    }

    pub(crate) fn code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn of_remedies(message: &str, remedies: &[Remedy]) -> String {
        let ways: Vec<String> = remedies.iter().map(words::remedy).collect();
        match ways.is_empty() {
            true => message.into(),
            false => format!("{message}; {}", ways.join("; ")),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Wrong(why) => {
                Problem::wrong(Problem::of_remedies(&why.message, &why.remedies))
            }
            Refusal::Person(why) => {
                Problem::unavailable(Problem::of_remedies(&why.message, &why.remedies))
            }
        }
    }
}

impl From<LookError> for Problem {
    fn from(error: LookError) -> Self {
        match error {
            LookError::Store(message) => Problem::unavailable(message),
            LookError::NoRecord(_) | LookError::NoType { .. } | LookError::NoProperty { .. } => {
                Problem::not_found(error.to_string())
            }
            LookError::NoName(_) => Problem::wrong(error.to_string()),
        }
    }
}

impl From<HubError> for Problem {
    fn from(error: HubError) -> Self {
        Refusal::from(error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_string(&self).unwrap_or_default();
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.code(), kind, body).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == 401 {
            let scheme = axum::http::HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}
