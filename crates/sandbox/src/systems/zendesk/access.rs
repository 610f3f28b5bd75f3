//! The way in. OAuth clients get tokens that live half an hour; an API token is taken from those
//! who still have one. Vendor: developer.zendesk.com, OAuth tokens for grant types; OAuth
//! migration; scopes.
//!
//! An account can't make API tokens any more since 2026-10-27, and all end on 2027-04-30; the
//! emulated account has an old one. Unverified: that a form is taken as well as JSON (the vendor's
//! page shows JSON, other programs send forms: both are taken); the body of the answer to a scope
//! that does not suffice. A client that asks for no scope gets `read`.

use super::account::{Access, CREDENTIALS, Zendesk};
use crate::http::{Reply, Request};
use crate::systems::emulator::credential;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const TOKEN_SECONDS: i64 = 1800;

impl Zendesk {
    /// `POST /oauth/tokens`, of which clients' own credentials are emulated.
    pub(super) fn token_request(&mut self, request: &Request, now: Timestamp) -> Reply {
        let body = request.json();
        let form = request.form();
        let field = |name: &str| -> Option<String> {
            match &body {
                Some(body) => body[name].as_str().map(str::to_owned),
                None => form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()),
            }
        };
        let refuse = |status, error: &str, why: &str| {
            Reply::json(status, &json!({"error":error,"error_description":why}))
        };
        if field("grant_type").as_deref() != Some("client_credentials") {
            return refuse(
                400,
                "unsupported_grant_type",
                "The authorization grant type is not supported.",
            );
        }
        let known = |name: &str, given: Option<String>| {
            given.as_deref() == Some(credential(CREDENTIALS, name))
        };
        if !known("ZENDESK_CLIENT_ID", field("client_id"))
            || !known("ZENDESK_CLIENT_SECRET", field("client_secret"))
        {
            return refuse(401, "invalid_client", "Client authentication failed.");
        }
        let scope = field("scope").unwrap_or_else(|| "read".to_owned());
        let token = self.ids.token("");
        let scopes = scope.split_whitespace().map(str::to_owned).collect();
        self.tokens.insert(
            token.clone(),
            Access { until: now + SignedDuration::from_secs(TOKEN_SECONDS), scopes },
        );
        Reply::json(
            200,
            &json!({"access_token":token,"token_type":"bearer","scope":scope,"expires_in":TOKEN_SECONDS}),
        )
    }

    /// Why a request is not let in; `None` where it is.
    pub(super) fn refusal(&self, request: &Request, now: Timestamp) -> Option<Reply> {
        let of = |name| credential(CREDENTIALS, name);
        let by_api_token = request.basic().is_some_and(|(user, password)| {
            user.eq_ignore_ascii_case(&format!("{}/token", of("ZENDESK_EMAIL")))
                && password == of("ZENDESK_API_TOKEN")
        });
        if by_api_token {
            return None;
        }
        let access = request
            .credential("Bearer")
            .and_then(|token| self.tokens.get(token))
            .filter(|access| access.until > now);
        let Some(access) = access else {
            return Some(Reply::json(401, &json!({"error":"Couldn't authenticate you"})));
        };
        let right = if request.method == "GET" { "read" } else { "write" };
        // Addresses belong to no resource whose name a scope could give: `users:write` is not
        // enough for them.
        let resource = request
            .segments
            .get(2)
            .filter(|_| !request.segments.iter().any(|segment| segment.starts_with("identities")));
        let named =
            resource.map(|resource| format!("{}:{right}", resource.trim_end_matches(".json")));
        if access.scopes.iter().any(|scope| scope == right || Some(scope) == named.as_ref()) {
            return None;
        }
        Some(Reply::json(
            403,
            &json!({"error":"Forbidden","description":"You are missing the following required scopes: ".to_owned() + right}),
        ))
    }

    /// All access tokens end; the API token does not.
    pub(super) fn end_tokens(&mut self) {
        self.tokens.clear();
    }

    /// Mails that ask somebody to confirm an address.
    pub(super) fn mail(&mut self, address: &str, now: Timestamp) {
        let id = self.fresh_id();
        let mail: Value = json!({"id":id,"to":address,"sent_at":now.to_string()});
        self.mails.put(&id.to_string(), mail, now);
    }
}
