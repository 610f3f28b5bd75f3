//! An OAuth 2 authorization server for emulators that have one: the page of RFC 6749, section 3.1
//! with PKCE (RFC 7636), the token endpoint of section 3.2, revocation (RFC 7009). Refresh tokens
//! are replaced each time, or not; an old one that comes again voids all that came of the same
//! sign-in (RFC 9700, section 2.2.2).
//!
//! The page lets everybody in at once: a person's clicks are not what is emulated. It refuses what
//! a real one refuses: an unknown client, an address to come back to that is not on this machine
//! (RFC 8252, section 7.3), a missing challenge.

use crate::http::{Reply, Request, percent_encode};
use crate::util::base64;
use crate::util::ids::Source;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::collections::HashMap;

/// RFC 6749, section 4.1.2: short-lived, good for one use.
const CODE_SECONDS: i64 = 600;

/// How a vendor's server behaves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    pub client: &'static str,
    pub secret: &'static str,
    /// A refresh token that is there from the beginning.
    pub refresh: &'static str,
    /// What access tokens begin with.
    pub prefix: &'static str,
    pub seconds: i64,
    /// Refresh tokens of sign-ins are replaced when they are used; the one from the beginning never
    /// is.
    pub rotates: bool,
    /// The answer to a wrong client: RFC 6749 allows both.
    pub wrong_client: u16,
}

/// Codes, refresh tokens and the sign-ins that they belong to.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub manner: Manner,
    codes: HashMap<String, Code>,
    refreshes: HashMap<String, Refresh>,
    /// The sign-in of an access token.
    accesses: HashMap<String, (u64, Timestamp)>,
    sign_ins: u64,
}

#[derive(Debug, Clone)]
struct Code {
    challenge: String,
    redirect: String,
    until: Timestamp,
}

#[derive(Debug, Clone, Copy)]
struct Refresh {
    sign_in: u64,
    /// It has been replaced.
    used: bool,
}

impl Server {
    pub fn new(manner: Manner) -> Self {
        let first = Refresh { sign_in: 0, used: false };
        let refreshes = HashMap::from([(manner.refresh.to_owned(), first)]);
        Self { manner, codes: HashMap::new(), refreshes, accesses: HashMap::new(), sign_ins: 0 }
    }

    /// Whether an access token opens.
    pub fn admits(&self, token: &str, now: Timestamp) -> bool {
        self.accesses.get(token).is_some_and(|(_, until)| *until > now)
    }

    /// All access tokens end now.
    pub fn expire(&mut self) {
        self.accesses.clear();
    }

    /// The user takes all consents back: access and refresh tokens end.
    pub fn revoke_all(&mut self) {
        self.accesses.clear();
        self.refreshes.clear();
        self.codes.clear();
    }

    /// The page to sign in at.
    pub fn authorize(&mut self, request: &Request, ids: &mut Source, now: Timestamp) -> Reply {
        let refuse = |why: &str| Reply::text(400, "text/plain; charset=utf-8", format!("{why}\n"));
        if request.param("client_id") != Some(self.manner.client) {
            return refuse("This client is not known.");
        }
        let redirect = request.param("redirect_uri").unwrap_or_default().to_owned();
        let own = ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"]
            .iter()
            .any(|start| redirect.starts_with(start));
        if !own {
            return refuse("The redirect_uri must be on this machine.");
        }
        let state = request.param("state").unwrap_or_default();
        let back = |query: String| {
            let query = format!("{query}&state={}", percent_encode(state));
            Reply::empty(302).header(
                "location",
                format!("{redirect}{}{query}", if redirect.contains('?') { '&' } else { '?' }),
            )
        };
        if request.param("response_type") != Some("code") {
            return back("error=unsupported_response_type".into());
        }
        match (request.param("code_challenge"), request.param("code_challenge_method")) {
            (Some(challenge), Some("S256")) if challenge.len() == 43 => {
                let code = ids.token("code-");
                let until = now + SignedDuration::from_secs(CODE_SECONDS);
                self.codes.insert(
                    code.clone(),
                    Code { challenge: challenge.to_owned(), redirect: redirect.clone(), until },
                );
                back(format!("code={}", percent_encode(&code)))
            }
            _ => back(
                "error=invalid_request&error_description=code_challenge+with+S256+is+required"
                    .into(),
            ),
        }
    }

    /// The token endpoint.
    pub fn token(&mut self, request: &Request, ids: &mut Source, now: Timestamp) -> Reply {
        let form = request.form();
        let field =
            |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let (client, secret) = match request.basic() {
            Some(both) => (Some(both.0), Some(both.1)),
            None => (field("client_id"), field("client_secret")),
        };
        let error = |status, error: &str| {
            Reply::json(status, &json!({"error": error})).header("cache-control", "no-store")
        };
        if client.as_deref() != Some(self.manner.client)
            || secret.as_deref() != Some(self.manner.secret)
        {
            return error(self.manner.wrong_client, "invalid_client");
        }
        match field("grant_type").as_deref() {
            Some("authorization_code") => {
                // Whatever comes of it, a code is good once.
                let code = field("code")
                    .and_then(|code| self.codes.remove(&code))
                    .filter(|code| code.until > now);
                let Some(code) =
                    code.filter(|code| field("redirect_uri").as_ref() == Some(&code.redirect))
                else {
                    return error(400, "invalid_grant");
                };
                let verifier = field("code_verifier").unwrap_or_default();
                if challenge_of(&verifier) != code.challenge {
                    return error(400, "invalid_grant");
                }
                self.sign_ins += 1;
                let refresh = ids.token("refresh-");
                self.refreshes
                    .insert(refresh.clone(), Refresh { sign_in: self.sign_ins, used: false });
                self.give(self.sign_ins, refresh, ids, now)
            }
            Some("refresh_token") => {
                let token = field("refresh_token").unwrap_or_default();
                match self.refreshes.get(&token).copied() {
                    None => error(400, "invalid_grant"),
                    Some(Refresh { sign_in, used: true }) => {
                        // Somebody has an old one: the thief or the owner. Neither goes on.
                        self.end(sign_in);
                        error(400, "invalid_grant")
                    }
                    Some(Refresh { sign_in, used: false }) => {
                        let refresh = if self.manner.rotates && sign_in > 0 {
                            self.refreshes.insert(token, Refresh { sign_in, used: true });
                            let fresh = ids.token("refresh-");
                            self.refreshes.insert(fresh.clone(), Refresh { sign_in, used: false });
                            fresh
                        } else {
                            token
                        };
                        self.give(sign_in, refresh, ids, now)
                    }
                }
            }
            _ => error(400, "unsupported_grant_type"),
        }
    }

    /// RFC 7009: answers 200 whether the token was one or not.
    pub fn revoke(&mut self, request: &Request) -> Reply {
        let token = request
            .form()
            .into_iter()
            .find(|(key, _)| key == "token")
            .map(|(_, value)| value)
            .unwrap_or_default();
        let refresh = self.refreshes.get(&token).map(|refresh| refresh.sign_in);
        if let Some(sign_in) = refresh.or(self.accesses.get(&token).map(|(sign_in, _)| *sign_in)) {
            self.end(sign_in);
        }
        Reply::empty(200)
    }

    fn end(&mut self, sign_in: u64) {
        self.refreshes.retain(|_, refresh| refresh.sign_in != sign_in);
        self.accesses.retain(|_, (of, _)| *of != sign_in);
    }

    fn give(&mut self, sign_in: u64, refresh: String, ids: &mut Source, now: Timestamp) -> Reply {
        let access = ids.token(self.manner.prefix);
        self.accesses.insert(
            access.clone(),
            (sign_in, now + SignedDuration::from_secs(self.manner.seconds)),
        );
        let body = json!({"token_type": "Bearer", "access_token": access, "expires_in": self.manner.seconds, "refresh_token": refresh});
        Reply::json(200, &body).header("cache-control", "no-store")
    }
}

/// RFC 7636, section 4.6.
fn challenge_of(verifier: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes());
    base64::encode_for_url(digest.as_ref())
}
