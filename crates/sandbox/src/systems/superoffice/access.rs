//! The way in: OAuth 2 with a refresh token for a person's access, a signed system user token for a
//! ticket.
//!
//! Access tokens live an hour; a ticket six, sliding with each use, and it needs the application's
//! secret beside it. Vendor: sign-in-user/auth-code-flow, auth-application/get-system-user-ticket.

use super::tenant::{CLIENT, CREDENTIALS, REFRESH, SECRET, SuperOffice};
use crate::http::{Reply, Request};
use crate::oauth::Manner;
use crate::systems::emulator::credential;
use crate::util::base64;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// The refresh token is long lived and is not replaced. PKCE is the vendor's option; here it is
/// asked for.
pub(super) const MANNER: Manner = Manner {
    client: CLIENT,
    secret: SECRET,
    refresh: REFRESH,
    prefix: "8A:Cust12345.",
    seconds: 3600,
    rotates: false,
    wrong_client: 401,
};
/// Six hours, sliding with each use.
const TICKET_SECONDS: i64 = 6 * 3600;

/// With a token comes an ID token (OpenID Connect), whose claims hold the system user's token where
/// an administrator signs in. Who signs in here is one; the signature of the web token is none.
pub(super) fn with_id_token(mut reply: Reply) -> Reply {
    if reply.status == 200
        && let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body)
    {
        let part = |value: Value| base64::encode_for_url(value.to_string().as_bytes());
        let claim = |name: &str| format!("http://schemes.superoffice.net/identity/{name}");
        let claims = json!({
            "sub": "administrator@example.com", "aud": CLIENT, claim("ctx"): credential(CREDENTIALS, "SUPEROFFICE_CONTEXT"),
            claim("is_administrator"): "True", claim("system_token"): credential(CREDENTIALS, "SUPEROFFICE_SYSTEM_USER_TOKEN")
        });
        body["id_token"] = json!(format!(
            "{}.{}.c2FuZGJveA",
            part(json!({"alg":"RS256","typ":"JWT"})),
            part(claims)
        ));
        reply.body = body.to_string().into_bytes();
    }
    reply
}

impl SuperOffice {
    /// The system user flow. The signature's form and time are checked, the signature itself is
    /// not: the sandbox has no key pair to check it with.
    pub(super) fn system_user(&mut self, request: &Request, now: Timestamp) -> Reply {
        let body = request.json().unwrap_or(Value::Null);
        let of = |name| credential(CREDENTIALS, name);
        let failed = |message: &str| {
            Reply::json(200, &json!({"IsSuccessful":false,"Token":null,"ErrorMessage":message}))
        };
        if body["ApplicationToken"] != of("SUPEROFFICE_CLIENT_SECRET")
            || body["ContextIdentifier"] != of("SUPEROFFICE_CONTEXT")
        {
            return failed("Application or customer is not known");
        }
        let signed = body["SignedSystemToken"].as_str().unwrap_or_default();
        let mut parts = signed.splitn(3, '.');
        let (token, stamp, signature) = (parts.next(), parts.next(), parts.next());
        let fresh = stamp
            .and_then(|stamp| jiff::civil::DateTime::strptime("%Y%m%d%H%M", stamp).ok())
            .and_then(|at| at.to_zoned(jiff::tz::TimeZone::UTC).ok())
            .is_some_and(|at| {
                now.duration_since(at.timestamp()).abs() < SignedDuration::from_mins(30)
            });
        if token != Some(of("SUPEROFFICE_SYSTEM_USER_TOKEN"))
            || !fresh
            || signature.is_none_or(str::is_empty)
        {
            return failed("The signed system token is not valid");
        }
        let ticket = self.ids.token("7T:");
        self.sessions.insert(ticket.clone(), Some(now + SignedDuration::from_secs(TICKET_SECONDS)));
        let part = |value: Value| base64::encode_for_url(value.to_string().as_bytes());
        // The claim's full name is unverified, so it stands under its short one as well.
        let ticket_claim = "http://schemes.superoffice.net/identity/ticket";
        let jwt = format!(
            "{}.{}.c2FuZGJveA",
            part(json!({"alg":"RS256","typ":"JWT"})),
            part(json!({ticket_claim: ticket, "ticket": ticket}))
        );
        Reply::json(200, &json!({"IsSuccessful":true,"Token":jwt,"ErrorMessage":null}))
    }

    pub(super) fn admitted(&mut self, request: &Request, now: Timestamp) -> bool {
        if let Some(token) = request.credential("Bearer") {
            return self.oauth.admits(token, now);
        }
        let Some(ticket) = request.credential("SOTicket") else {
            return false;
        };
        if request.header("so-apptoken")
            != Some(credential(CREDENTIALS, "SUPEROFFICE_CLIENT_SECRET"))
        {
            return false;
        }
        match self.sessions.get_mut(ticket) {
            Some(None) => true,
            Some(Some(end)) if *end > now => {
                *end = now + SignedDuration::from_secs(TICKET_SECONDS);
                true
            }
            _ => false,
        }
    }
}
