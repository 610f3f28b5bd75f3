//! How a request is let in: keys, OAuth 2 tokens and their renewal, tickets for a signed text.
//!
//! Whoever finds no token, or one about to end, renews it while the others wait; a refused one is
//! renewed only if it is still the one that was refused. So a token that ends under ten requests is
//! renewed once. Where a renewal replaces the refresh token, or a person signed in, the tokens are
//! in the [`crate::vault`], and a renewal is one across processes too: it takes the vault's lock,
//! looks whether another process has renewed meanwhile, and stores what it got before using it.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use lockstep_model::Timestamp;
use serde_json::{Map, Value};
use ureq::http::{HeaderMap, Request};

use super::address;
use super::client::{Client, Endpoint, TokenState};
use super::jwt;
use super::jwt::{LIVES_S, claim_of};
use super::rsa::sign;
use super::template::{percent_encoded, render, render_value};
use super::value::{HEADERS, at, text};
use super::written::{Jwt, Moved, Sends, Signed, Token};
use crate::Trouble;
use crate::coding::base64;
use crate::http::NoAnswer;
use crate::vault::{Credentials, hex, random};

/// A token is better renewed so long before it ends.
const BEFORE_THE_END_MS: i64 = 30_000;
/// An answer with a token is not larger.
const MOST_BYTES: u64 = 1 << 20;

/// What a request carries.
#[derive(Default)]
pub struct Admission {
    pub headers: Vec<(String, String)>,
    /// Never shown.
    pub query: Vec<(String, String)>,
    /// The token in it, where it can be renewed.
    pub token: Option<String>,
}

impl Admission {
    fn fixed(authorization: String) -> Admission {
        Admission { headers: vec![("Authorization".into(), authorization)], ..Admission::default() }
    }
}

impl Client {
    /// Made of settings alone: what a record holds can't change who is asking.
    pub(super) fn authorization(&self, endpoint: &Endpoint) -> Result<Option<Admission>, NoAnswer> {
        let context = &Value::Object(self.settings.clone());
        let not_sent = |message: String| NoAnswer::NotSent(Trouble::Misconfigured(message));
        let fixed = |authorization: String| Some(Admission::fixed(authorization));
        if let Some(basic) = &endpoint.auth.basic {
            let both = render(basic, context).map_err(not_sent)?;
            if !both.is_empty() || endpoint.auth.token.is_none() && endpoint.auth.signed.is_none() {
                return Ok(fixed(format!("Basic {}", base64(both.as_bytes()))));
            }
        }
        if let Some(bearer) = &endpoint.auth.bearer {
            return Ok(fixed(format!("Bearer {}", render(bearer, context).map_err(not_sent)?)));
        }
        let signed = self.signed(endpoint).map_err(NoAnswer::NotSent)?;
        if signed.is_none() && endpoint.auth.token.is_none() && endpoint.auth.jwt.is_none() {
            return Ok(None);
        }
        let mut held = endpoint.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.until.is_some_and(|until| Instant::now() >= until) {
            held.token = None;
        }
        if held.token.is_none() {
            match (signed, &endpoint.auth.token, &endpoint.auth.jwt) {
                (Some(signed), _, _) => self.fetch_ticket(signed, &mut held),
                (None, Some(token), _) => self.renew(endpoint, token, &mut held),
                (None, None, Some(jwt)) => self.make_token(jwt, &mut held),
                (None, None, None) => Ok(()),
            }
            .map_err(NoAnswer::NotSent)?;
        }
        let Some(token) = held.token.clone() else { return Ok(None) };
        drop(held);
        let mut context = self.settings.clone();
        if let Some(signed) = signed {
            context.insert("ticket".into(), token.as_str().into());
            let authorization =
                render(&signed.authorization, &Value::Object(context)).map_err(not_sent)?;
            return Ok(Some(Admission { token: Some(token), ..Admission::fixed(authorization) }));
        }
        let (sends, cookies) = match (&endpoint.auth.token, &endpoint.auth.jwt) {
            (Some(how), _) => (how.sends.as_ref(), how.cookies),
            (None, Some(how)) => (how.sends.as_ref(), false),
            (None, None) => (None, false),
        };
        context.insert("token".into(), token.as_str().into());
        let mut admission = match (sends, cookies) {
            (Some(sends), _) => carried(sends, &Value::Object(context)).map_err(not_sent)?,
            (None, true) => Admission {
                headers: vec![("Cookie".into(), token.clone())],
                ..Admission::default()
            },
            (None, false) => Admission::fixed(format!("Bearer {token}")),
        };
        admission.token = Some(token);
        Ok(Some(admission))
    }

    /// A web token of our own.
    fn make_token(&self, how: &Jwt, held: &mut TokenState) -> Result<(), Trouble> {
        let lives = how.lives_s.unwrap_or(LIVES_S);
        held.token = Some(self.made(how)?);
        held.until = Instant::now().checked_add(Duration::from_secs(lives - (lives / 4).min(30)));
        Ok(())
    }

    fn made(&self, how: &Jwt) -> Result<String, Trouble> {
        let mut context = self.settings.clone();
        context.insert("now".into(), now_s().into());
        context.insert("random".into(), hex(&random::<16>()?).into());
        jwt::made(how, &Value::Object(context), now_s()).map_err(|why| {
            Trouble::Unauthorized(format!(
                "{}: the key under `with:` in lockstep.yaml {why}",
                self.title
            ))
        })
    }

    /// The signed exchange, where its key is given.
    pub(super) fn signed<'d>(&self, endpoint: &'d Endpoint) -> Result<Option<&'d Signed>, Trouble> {
        let Some(signed) = &endpoint.auth.signed else { return Ok(None) };
        let key = render(&signed.key, &Value::Object(self.settings.clone()))
            .map_err(Trouble::Misconfigured)?;
        Ok((!key.trim().is_empty()).then_some(signed))
    }

    /// A token was refused: the next request renews it, unless another one has done so already.
    pub(super) fn refused(&self, endpoint: &Endpoint, token: &str) {
        let mut held = endpoint.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.refused = Some(token.to_string());
        if held.token.as_deref() == Some(token) {
            held.token = None;
        }
    }

    fn renew(
        &self,
        endpoint: &Endpoint,
        token: &Token,
        held: &mut TokenState,
    ) -> Result<(), Trouble> {
        let setting =
            self.settings.get("refresh_token").and_then(Value::as_str).unwrap_or_default();
        let refreshes = refreshes(token);
        let keep = self.keep.as_ref().filter(|_| refreshes || token.sign_in.is_some());
        let place = |system: &str| {
            if endpoint.name.is_empty() {
                system.to_string()
            } else {
                format!("{system}/{}", endpoint.name)
            }
        };
        let _alone = keep.map(|keep| keep.vault.lock()).transpose()?;
        if let (Some(keep), Some(unsaved)) = (keep, held.unsaved.take()) {
            // Nothing else knows this refresh token: until it is on the disk nothing goes on.
            if let Err(trouble) = keep.vault.write(&place(&keep.system), &unsaved) {
                held.unsaved = Some(unsaved);
                return Err(trouble);
            }
        }
        let print = Some(fingerprint(setting));
        let kept = match keep {
            Some(keep) => {
                keep.vault.read(&place(&keep.system))?.filter(|kept| kept.setting == print)
            }
            None => None,
        };
        if let Some(kept) = &kept
            && let Some(access) =
                kept.access.as_ref().filter(|access| held.refused.as_ref() != Some(*access))
            && let Some(left) = kept
                .until_ms
                .map(|until| until - now_ms() - BEFORE_THE_END_MS)
                .filter(|left| *left > 0)
        {
            held.until = Instant::now().checked_add(Duration::from_millis(left.unsigned_abs()));
            held.token = Some(access.clone());
            return Ok(());
        }
        let refresh = kept.as_ref().and_then(|kept| kept.refresh.clone()).or(held.refresh.clone());
        let refresh = refresh.or((!setting.is_empty()).then(|| setting.to_string()));
        if refreshes && refresh.is_none() {
            return Err(Trouble::Unauthorized(format!(
                "nobody has signed in to {} yet",
                self.title
            )));
        }
        held.refresh = refresh.clone();
        let mut settings = self.settings.clone();
        if let Some(refresh) = &refresh {
            settings.insert("refresh_token".into(), refresh.as_str().into());
        }
        if let Some(how) = &token.assertion {
            settings.insert("assertion".into(), self.made(how)?.into());
        }
        let (now, day) = (jiff::Timestamp::now(), jiff::SignedDuration::from_hours(24));
        settings.insert("now".into(), now.as_second().into());
        settings.insert("today".into(), now.strftime("%Y-%m-%d").to_string().into());
        settings.insert("tomorrow".into(), (now + day).strftime("%Y-%m-%d").to_string().into());
        let in_two_days = (now + day + day).strftime("%Y-%m-%d").to_string();
        settings.insert("in_two_days".into(), in_two_days.into());
        let context = Value::Object(settings);
        let mut form = Vec::new();
        for (key, value) in &token.form {
            form.push((key.as_str(), render(value, &context).map_err(Trouble::Misconfigured)?));
        }
        let given = self.ask_for_token(token, &context, &form)?;
        let rotated = given.refresh.is_some() && given.refresh != refresh;
        let fresh = given.kept(refresh, print);
        held.refresh = fresh.refresh.clone();
        // Tokens that nobody signed in for and that do not change need no keeping.
        if let Some(keep) = keep.filter(|_| rotated || kept.is_some())
            && let Err(trouble) = keep.vault.write(&place(&keep.system), &fresh)
        {
            held.unsaved = Some(fresh);
            return Err(trouble);
        }
        held.until = given.until();
        held.token = Some(given.access);
        held.refused = None;
        Ok(())
    }

    /// One token request (RFC 6749, sections 4.1.3, 4.4 and 6). Nothing of a request that needs the
    /// token has been sent yet.
    pub(super) fn ask_for_token(
        &self,
        token: &Token,
        context: &Value,
        form: &[(&str, String)],
    ) -> Result<Given, Trouble> {
        let wrong = Trouble::Misconfigured;
        let url = render(&token.url, context).map_err(wrong)?;
        let mut headers = Map::new();
        for (key, value) in &token.headers {
            headers.insert(key.clone(), render(value, context).map_err(wrong)?.into());
        }
        if let Some(basic) = &token.basic {
            let both = render(basic, context).map_err(wrong)?;
            headers.insert(
                "Authorization".into(),
                format!("Basic {}", base64(both.as_bytes())).into(),
            );
        }
        let method = token.method.as_deref().unwrap_or("POST");
        let mut query = Vec::new();
        for (key, value) in &token.query {
            query.push(format!(
                "{}={}",
                percent_encoded(key),
                percent_encoded(&render(value, context).map_err(wrong)?)
            ));
        }
        let url = match query.is_empty() {
            true => url,
            false => {
                format!("{url}{}{}", if url.contains('?') { '&' } else { '?' }, query.join("&"))
            }
        };
        let body = match &token.json {
            _ if matches!(method, "GET" | "DELETE") => None,
            Some(json) => {
                Some(("application/json", render_value(json, context).map_err(wrong)?.to_string()))
            }
            None => {
                let pair = |(key, value): &(&str, String)| {
                    format!("{}={}", percent_encoded(key), percent_encoded(value))
                };
                let form: Vec<String> = form.iter().map(pair).collect();
                Some(("application/x-www-form-urlencoded", form.join("&")))
            }
        };
        let (named, status, answer) = self.ask_for_key(method, &url, &headers, body)?;
        let place = token.at.as_deref().unwrap_or("access_token");
        let text = |place: &str| {
            answer_at(&answer, place).as_ref().and_then(text).filter(|text| !text.is_empty())
        };
        let access = if token.cookies { cookies(&answer) } else { text(place) };
        if let Some(access) = access.filter(|_| (200..300).contains(&status)) {
            let lives = answer_at(&answer, token.lives_at.as_deref().unwrap_or("expires_in"));
            let lives = lives.and_then(|v| {
                v.as_u64()
                    .or_else(|| v.as_f64().map(|n| n as u64))
                    .or_else(|| v.as_str()?.trim().parse().ok())
            });
            let ends = token.ends_at.as_ref().and_then(|place| answer_at(&answer, place));
            let ends = ends.and_then(|value| Timestamp::read(&value).ok().flatten());
            let until_end =
                ends.map(|end| u64::try_from((end.at.0 - now_ms()) / 1000).unwrap_or(0));
            let refresh = text(token.refresh_at.as_deref().unwrap_or("refresh_token"));
            let lives = until_end.or(lives).or(token.lives_s);
            return Ok(Given { access, lives, refresh, id_token: text("id_token") });
        }
        match status {
            200..=299 if token.cookies => Err(Trouble::Malformed(format!(
                "{named}: expected cookies, and the answer sets none"
            ))),
            200..=299 => Err(Trouble::Malformed(format!(
                "{named}: expected a token at `{place}`, and the answer has none: say with `at` where it is"
            ))),
            _ => {
                // RFC 6749, section 5.2: a word such as invalid_client or invalid_grant.
                let error = text("error").unwrap_or_default();
                let why = if error.is_empty() { String::new() } else { format!(", {error}") };
                Err(Trouble::Unauthorized(if error == "invalid_grant" && token.sign_in.is_some() {
                    format!(
                        "{} gives no access token (status {status}{why}): the sign-in has ended or was revoked",
                        self.title
                    )
                } else {
                    format!(
                        "{} gives no access token (status {status}{why}): check the keys under `with:` in lockstep.yaml and in .env, and that its access has not been revoked",
                        self.title
                    )
                }))
            }
        }
    }

    /// A ticket for a signed text, as SuperOffice gives it to a system user.
    fn fetch_ticket(&self, signed: &Signed, held: &mut TokenState) -> Result<(), Trouble> {
        let wrong = Trouble::Misconfigured;
        let mut context = self.settings.clone();
        context.insert(
            "minute".into(),
            jiff::Timestamp::now().strftime("%Y%m%d%H%M").to_string().into(),
        );
        let text = render(&signed.text, &Value::Object(context.clone())).map_err(wrong)?;
        let key = render(&signed.key, &Value::Object(context.clone())).map_err(wrong)?;
        let signature = sign(&key, text.as_bytes()).map_err(|why| {
            Trouble::Unauthorized(format!(
                "{}: the private key under `with:` in lockstep.yaml {why}",
                self.title
            ))
        })?;
        context.insert("signed".into(), format!("{text}.{}", base64(&signature)).into());
        let context = Value::Object(context);
        let url = render(&signed.url, &context).map_err(wrong)?;
        let body = render_value(&signed.body, &context).map_err(wrong)?;
        let (named, status, answer) =
            self.post(&url, "application/json", &Map::new(), body.to_string())?;
        let given = at(&answer, &signed.at)
            .and_then(Value::as_str)
            .filter(|_| (200..300).contains(&status));
        let Some(given) = given else {
            let told = signed
                .message
                .as_ref()
                .and_then(|place| at(&answer, place))
                .and_then(Value::as_str)
                .unwrap_or_default();
            return Err(Trouble::Unauthorized(format!(
                "{} gives no ticket (status {status}): {told}. Check the private key and the other keys under `with:` in lockstep.yaml and in .env",
                self.title
            )));
        };
        let ticket = match &signed.claim {
            None => Some(given.to_string()),
            Some(claim) => claim_of(given, claim),
        };
        let Some(ticket) = ticket else {
            let claim = signed.claim.as_deref().unwrap_or_default();
            return Err(Trouble::Malformed(format!(
                "{named}: expected a web token with the claim `{claim}`, and it has none"
            )));
        };
        held.token = Some(ticket);
        held.until = None;
        Ok(())
    }

    /// Asks where an account is that does not live at `base` any more, and goes there from now on.
    /// Gives whether it is somewhere else.
    pub(super) fn follow(&self, moved: &Moved) -> Result<bool, Trouble> {
        let wrong = Trouble::Misconfigured;
        let settings = Value::Object(self.settings.clone());
        let url = render(&moved.url, &settings).map_err(wrong)?;
        let named = format!("{} GET {url}", self.title);
        let request = Request::builder().uri(&url).header("Accept", "application/json").body(());
        let request =
            request.map_err(|error| Trouble::Misconfigured(format!("{named}: {error}")))?;
        let received = self.http.send(&named, request, MOST_BYTES).map_err(NoAnswer::trouble)?;
        let status = received.status;
        let answer: Value = received
            .text
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        if status != 200 || !answer.is_object() {
            return Err(Trouble::Unreachable(format!(
                "{named} answered {status}, and does not tell where the account is"
            )));
        }
        if moved
            .running
            .as_ref()
            .is_some_and(|place| at(&answer, place) != Some(&Value::Bool(true)))
        {
            let state = moved
                .state
                .as_ref()
                .and_then(|place| at(&answer, place))
                .and_then(Value::as_str)
                .unwrap_or("not running");
            return Err(Trouble::Unreachable(format!(
                "{} is not available now: the account's state is {state}",
                self.title
            )));
        }
        let mut context = self.settings.clone();
        context.insert("answer".into(), answer);
        let base = render(&moved.base, &Value::Object(context))
            .map_err(wrong)?
            .trim_end_matches('/')
            .to_string();
        let before = self.main.base();
        if base == before {
            return Ok(false);
        }
        // Keys are sent there: it is the vendor's own domain, and no less protected.
        if !address::same_domain(&before, &base) {
            return Err(Trouble::Misconfigured(format!(
                "{named}: the account is said to have moved to {}, which does not belong to the domain of {}: nothing is sent there",
                address::origin(&base),
                address::origin(&before)
            )));
        }
        self.main.moves_to(base);
        Ok(true)
    }

    /// Posts what gives a ticket. Says how the request is named, and what status and JSON came.
    fn post(
        &self,
        url: &str,
        kind: &'static str,
        headers: &Map<String, Value>,
        body: String,
    ) -> Result<(String, u16, Value), Trouble> {
        let (named, status, answer) = self.ask_for_key("POST", url, headers, Some((kind, body)))?;
        Ok((named, status, answer.body))
    }

    /// Asks for what lets requests in. Says how the request is named, and what came.
    fn ask_for_key(
        &self,
        method: &str,
        url: &str,
        headers: &Map<String, Value>,
        body: Option<(&'static str, String)>,
    ) -> Result<(String, u16, Key), Trouble> {
        let named = format!("{} {method} {}", self.title, url.split('?').next().unwrap_or(url));
        let mut builder =
            Request::builder().method(method).uri(url).header("Accept", "application/json");
        for (key, value) in headers {
            builder = builder.header(key.as_str(), value.as_str().unwrap_or_default());
        }
        let wrong = |error: ureq::http::Error| Trouble::Misconfigured(format!("{named}: {error}"));
        let received = match body {
            Some((kind, body)) => {
                let request = builder.header("Content-Type", kind).body(body).map_err(wrong)?;
                self.http.send(&named, request, MOST_BYTES)
            }
            None => self.http.send(&named, builder.body(()).map_err(wrong)?, MOST_BYTES),
        };
        let received = received.map_err(NoAnswer::trouble)?;
        let status = received.status;
        let body: Value =
            received.text.ok().map_or(Value::Null, |text| match serde_json::from_str(&text) {
                Ok(body) => body,
                // A token that is the whole answer is one word.
                Err(_) if !text.trim().contains(char::is_whitespace) => {
                    Value::String(text.trim().to_string())
                }
                Err(_) => Value::Null,
            });
        match status {
            408 | 429 => Err(Trouble::Busy {
                retry_after_ms: None,
                message: format!("{named} answered {status} and asks to come back later"),
            }),
            500..=599 => Err(Trouble::Unreachable(format!(
                "{named} answered {status}: the system is not well"
            ))),
            404 | 405 | 300..=399 => Err(Trouble::Misconfigured(format!(
                "{named} answered {status}: no tokens are given there; check the address under `with:`"
            ))),
            _ => Ok((named, status, Key { body, headers: received.headers })),
        }
    }
}

/// The answer to a request for a token.
struct Key {
    body: Value,
    headers: HeaderMap,
}

/// What an answer has at a place, be it in a header.
fn answer_at(answer: &Key, place: &str) -> Option<Value> {
    match place.strip_prefix(HEADERS) {
        Some(name) => answer.headers.get(name)?.to_str().ok().map(Value::from),
        None => at(&answer.body, place).cloned(),
    }
}

/// The cookies that an answer sets, as they are sent back (RFC 6265, section 4.2): without their
/// attributes.
fn cookies(answer: &Key) -> Option<String> {
    let set = answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let pairs: Vec<&str> = set
        .filter_map(|cookie| cookie.split(';').next())
        .map(str::trim)
        .filter(|c| c.contains('='))
        .collect();
    (!pairs.is_empty()).then(|| pairs.join("; "))
}

/// What a request carries, as the manifest says it.
fn carried(sends: &Sends, context: &Value) -> Result<Admission, String> {
    let mut admission = Admission::default();
    if let Some(basic) = &sends.basic {
        let both = render(basic, context)?;
        admission
            .headers
            .push(("Authorization".into(), format!("Basic {}", base64(both.as_bytes()))));
    }
    for (key, value) in &sends.headers {
        admission.headers.push((key.clone(), render(value, context)?));
    }
    for (key, value) in &sends.query {
        admission.query.push((key.clone(), render(value, context)?));
    }
    Ok(admission)
}

/// Whether a token is asked for with a refresh token.
pub(super) fn refreshes(token: &Token) -> bool {
    token.form.contains_key("refresh_token")
        || token.json.as_ref().is_some_and(|json| json.get("refresh_token").is_some())
}

fn now_s() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// An access token as a system gave it.
pub struct Given {
    access: String,
    /// RFC 6749, section 5.1: in seconds.
    lives: Option<u64>,
    refresh: Option<String>,
    /// OpenID Connect: who signed in, as a web token.
    pub id_token: Option<String>,
}

impl Given {
    /// A little before it ends; not known where the system does not tell, and then it is used until
    /// it is refused.
    fn until(&self) -> Option<Instant> {
        let before = BEFORE_THE_END_MS.unsigned_abs() / 1000;
        let left = self.lives.filter(|s| *s > 2 * before)? - before;
        Instant::now().checked_add(Duration::from_secs(left))
    }

    /// As it is kept; the refresh token stays the same where no new one came.
    pub fn kept(&self, refresh: Option<String>, setting: Option<String>) -> Credentials {
        let until_ms = self
            .lives
            .and_then(|s| i64::try_from(s).ok()?.checked_mul(1000)?.checked_add(now_ms()));
        Credentials {
            access: Some(self.access.clone()),
            until_ms,
            refresh: self.refresh.clone().or(refresh),
            setting,
        }
    }
}

/// By this machine's clock: what is kept outlives the process, so that no `Instant` will do.
fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Tells settings apart without keeping them.
pub(super) fn fingerprint(setting: &str) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, setting.as_bytes()).as_ref())
}
