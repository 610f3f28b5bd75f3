//! How requests prove who sends them: keys, tokens, sessions, signatures.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// How requests prove who sends them.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Auth {
    /// Basic authentication: `user:password`. Where it renders to nothing, the others are used.
    pub basic: Option<String>,
    /// A bearer token that does not expire.
    pub bearer: Option<String>,
    /// Keys in headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Keys in the query of every request. No message shows them.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// A token that is asked for, fetched when there is none and when one is refused: OAuth 2, or a
    /// session of the system's own.
    pub token: Option<Token>,
    /// A web token of our own making, signed with a key that the system knows.
    pub jwt: Option<Jwt>,
    /// A ticket for a signed text. Where it is given and its `key` is not empty, it is used instead
    /// of `token`.
    pub signed: Option<Signed>,
}

/// A token request. As RFC 6749 has it where nothing else is said: a POST of form fields,
/// `access_token` and `expires_in` in the answer, and `Authorization: Bearer …` with each request.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Token {
    pub url: String,
    /// `POST` if not said; with GET or DELETE no body is sent.
    pub method: Option<String>,
    /// In the address. No message shows it.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// `user:password` of the client, for basic authentication.
    pub basic: Option<String>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// For a refresh token or client credentials. `{{ refresh_token }}` is the latest one.
    /// Templates of a token request also see `{{ now }}` (seconds since 1970), `{{ today }}`,
    /// `{{ tomorrow }}`, `{{ in_two_days }}` (`2026-01-31`, in UTC; the last is a day to come
    /// wherever the system is) and `{{ assertion }}`.
    #[serde(default)]
    pub form: BTreeMap<String, String>,
    /// A JSON body in place of the form.
    pub json: Option<Value>,
    /// A signed web token by which the client proves who it is (RFC 7523): `{{ assertion }}`.
    pub assertion: Option<Jwt>,
    /// Where the token is in the answer; `access_token` if not said. `$headers.NAME` is a header.
    pub at: Option<String>,
    /// The answer sets cookies, and these are the token: they are sent with each request.
    #[serde(default)]
    pub cookies: bool,
    /// Where the answer says for how many seconds it is good; `expires_in` if not said …
    pub lives_at: Option<String>,
    /// … or until when …
    pub ends_at: Option<String>,
    /// … or, where it does not say, for how many seconds it is.
    pub lives_s: Option<u64>,
    /// Where a new refresh token is; `refresh_token` if not said.
    pub refresh_at: Option<String>,
    /// How requests carry it, as `{{ token }}`; as a bearer token if not said.
    pub sends: Option<Sends>,
    /// How a person signs in (`lockstep connect`), where a refresh token comes from a sign-in.
    pub sign_in: Option<SignIn>,
}

/// How requests carry a token, `{{ token }}`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Sends {
    /// In basic authentication: `0:{{ token }}`.
    pub basic: Option<String>,
    /// In headers: `Authorization: "Zoho-oauthtoken {{ token }}"`.
    pub headers: BTreeMap<String, String>,
    /// In the query. No message shows it.
    pub query: BTreeMap<String, String>,
}

/// A JSON web token that is made here (RFC 7515, RFC 7519). Its templates see the settings,
/// `{{ now }}` (seconds since 1970) and `{{ random }}`, another text for each. `iat` and `exp` are
/// set where the claims do not say them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Jwt {
    pub algorithm: Algorithm,
    /// The shared secret for `HS…`, the private key (PEM) for `RS256`.
    pub key: String,
    /// How a shared secret is written.
    #[serde(default)]
    pub key_encoding: KeyEncoding,
    /// Besides `alg` and `typ`: `kid`.
    #[serde(default)]
    pub header: BTreeMap<String, Value>,
    #[serde(default)]
    pub claims: BTreeMap<String, Value>,
    /// For so many seconds it is good; 300 if not said.
    pub lives_s: Option<u64>,
    /// How requests carry it, as `{{ token }}`; as a bearer token if not said.
    pub sends: Option<Sends>,
}

/// How a web token is signed (RFC 7518, section 3.1).
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
pub enum Algorithm {
    HS256,
    HS384,
    HS512,
    RS256,
}

/// How a key is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum KeyEncoding {
    /// As it is.
    #[default]
    Text,
    Hex,
    Base64,
}

/// The authorization code grant with PKCE (RFC 6749, section 4.1; RFC 7636), with an address of
/// this machine to come back to (RFC 8252). The code is exchanged at the token's `url` with the
/// fields of its `form`, less the refresh token.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SignIn {
    /// The page at which a person signs in.
    pub authorize: String,
    /// The client's id, as the page wants it.
    pub client: String,
    pub scope: Option<String>,
    /// What else the page wants in its query.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Settings that a sign-in tells, each by the claim of the ID token that has it; the last part
    /// of a claim's name is enough. `lockstep connect` says so, and with `--show-claims` shows
    /// them.
    #[serde(default)]
    pub tells: BTreeMap<String, String>,
}

/// A text signed with a private key (RSA, SHA-256) is exchanged for a ticket.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Signed {
    /// The private key: PEM, PKCS#8 or PKCS#1.
    pub key: String,
    /// What is signed; `{{ minute }}` is the time as 202611211030, in UTC. `{{ signed }}` is then
    /// this text, a dot, and the signature in base64.
    pub text: String,
    pub url: String,
    /// The request's JSON body.
    pub body: Value,
    /// Where in the answer the ticket is, or a JSON web token that holds it.
    pub at: String,
    /// The claim of the web token that is the ticket; the last part of its name is enough.
    pub claim: Option<String>,
    /// Where in the answer the reason is, if there is no ticket.
    pub message: Option<String>,
    /// The `Authorization` header: `SOTicket {{ ticket }}`.
    pub authorization: String,
    /// Further headers of every request that carries the ticket.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}
