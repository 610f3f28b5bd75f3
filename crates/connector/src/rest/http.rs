//! Requests: authentication, rate, bounded answers, and what went wrong in words that name the system and the request. No message holds a
//! secret: settings never go into one, and addresses are shown without their query.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use ureq::Agent;
use ureq::http::Request;

use super::template::{percent_encoded, render, render_value};
use super::written::{Manifest, RequestYaml, Token};
use crate::Trouble;

/// An answer is not larger.
const MOST_BYTES: u64 = 64 << 20;
/// A reading is tried so often when the system asks to come back, and waits no longer than this each time.
const TRIES: u32 = 5;
const PATIENCE: Duration = Duration::from_secs(30);

/// What came of a request.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    /// The server's clock, RFC 9110 `Date`.
    pub date: Option<String>,
    pub retry_after_ms: Option<u64>,
}

/// Why there is no answer.
#[derive(Clone, Debug)]
pub enum NoAnswer {
    /// The request did not reach the system.
    NotSent(Trouble),
    /// It may have, and the answer was lost or can't be understood.
    Lost(Trouble),
}

impl NoAnswer {
    /// As trouble with the connection.
    pub fn trouble(self) -> Trouble {
        match self {
            NoAnswer::NotSent(trouble) | NoAnswer::Lost(trouble) => trouble,
        }
    }
}

/// The connection to one account.
pub struct Client {
    agent: Agent,
    title: String,
    base: String,
    auth: super::written::Auth,
    headers: BTreeMap<String, String>,
    /// The settings, for templates. Secrets among them.
    pub settings: Map<String, Value>,
    token: Mutex<Option<String>>,
    pace: Mutex<Pace>,
}

struct Pace {
    per_second: f64,
    /// When the next request may leave.
    next: Instant,
}

impl Client {
    /// A client for a manifest with its settings. Nothing is sent yet.
    pub fn new(manifest: &Manifest, settings: Map<String, Value>) -> Result<Client, Trouble> {
        let timeout = settings.get("timeout_s").and_then(|v| v.as_str().map_or(v.as_u64(), |t| t.parse().ok())).unwrap_or(60);
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(timeout)))
            .timeout_connect(Some(Duration::from_secs(timeout.min(10))))
            .max_redirects(0)
            .build()
            .new_agent();
        let asked = settings.get("rate_per_second").and_then(|v| v.as_str().map_or(v.as_f64(), |t| t.parse().ok()));
        let per_second = asked.unwrap_or(manifest.rate.per_second).max(0.01);
        let context = Value::Object(settings.clone());
        let base = render(&manifest.base, &context).map_err(Trouble::Misconfigured)?;
        let base = base.trim_end_matches('/').to_string();
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(Trouble::Misconfigured(format!("the address `{base}` is no http:// or https:// address")));
        }
        Ok(Client {
            agent,
            title: manifest.title.clone(),
            base,
            auth: manifest.auth.clone(),
            headers: manifest.headers.clone(),
            settings,
            token: Mutex::new(None),
            pace: Mutex::new(Pace { per_second, next: Instant::now() }),
        })
    }

    /// The variables of every template.
    pub fn context(&self, more: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
        let mut context = self.settings.clone();
        context.extend(more.into_iter().map(|(k, v)| (k.to_string(), v)));
        Value::Object(context)
    }

    /// How a request is named in messages.
    pub fn name(&self, request: &RequestYaml) -> String {
        format!("{} {} {}", self.title, request.method.as_deref().unwrap_or("GET"), request.path)
    }

    /// Sends a request that only reads; waits and tries again where the system asks to.
    pub fn read(&self, request: &RequestYaml, context: &Value) -> Result<Answer, Trouble> {
        let mut tries = 0;
        loop {
            tries += 1;
            let answer = self.send(request, context, None).map_err(NoAnswer::trouble)?;
            if !matches!(answer.status, 408 | 429 | 500..=599) {
                return Ok(answer);
            }
            let wait = answer.retry_after_ms.map_or(Duration::from_millis(250 << tries), Duration::from_millis);
            if tries >= TRIES || wait > PATIENCE {
                let message = format!("{} answered {} and asks to come back later", self.name(request), answer.status);
                return Err(match answer.status {
                    429 => Trouble::Busy { retry_after_ms: answer.retry_after_ms, message },
                    status => Trouble::Unreachable(format!(
                        "{} answered {status}, {tries} times: the system is not well",
                        self.name(request)
                    )),
                });
            }
            std::thread::sleep(wait);
        }
    }

    /// Sends a request once. A key that is refused is renewed once, where it can be.
    pub fn send(&self, request: &RequestYaml, context: &Value, body: Option<&Value>) -> Result<Answer, NoAnswer> {
        let answer = self.send_once(request, context, body)?;
        if answer.status != 401 || self.auth.token.is_none() {
            return Ok(answer);
        }
        *self.token.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
        self.send_once(request, context, body)
    }

    fn send_once(&self, request: &RequestYaml, context: &Value, body: Option<&Value>) -> Result<Answer, NoAnswer> {
        let not_sent = |message: String| NoAnswer::NotSent(Trouble::Misconfigured(message));
        let method = request.method.as_deref().unwrap_or("GET");
        let mut url = render(&request.path, context).map_err(not_sent)?;
        // The next page's address may be whole; it leads nowhere but to the system's own host.
        if url.starts_with("http://") || url.starts_with("https://") {
            if host(&url) != host(&self.base) {
                return Err(not_sent(format!(
                    "{}: the address leads to another host than {}",
                    self.name(request),
                    host(&self.base)
                )));
            }
        } else {
            url = format!("{}{url}", self.base);
        }
        let mut query = Vec::new();
        for (key, value) in &request.query {
            let value = render(value, context).map_err(not_sent)?;
            if !value.is_empty() {
                query.push(format!("{}={}", percent_encoded(key), percent_encoded(&value)));
            }
        }
        if !query.is_empty() {
            url = format!("{url}{}{}", if url.contains('?') { '&' } else { '?' }, query.join("&"));
        }
        let mut builder = Request::builder().method(method).uri(&url).header("Accept", "application/json");
        for (key, value) in self.headers.iter().chain(&self.auth.headers).chain(&request.headers) {
            let value = render(value, context).map_err(not_sent)?;
            if !value.is_empty() {
                builder = builder.header(key.as_str(), value);
            }
        }
        if let Some(value) = self.authorization(context)? {
            builder = builder.header("Authorization", value);
        }
        let made = match (&request.body, body) {
            (_, Some(body)) => Some(body.clone()),
            (Some(template), None) => Some(render_value(template, context).map_err(not_sent)?),
            (None, None) => None,
        };
        let has_type = request.headers.keys().any(|key| key.eq_ignore_ascii_case("content-type"));
        if made.is_some() && !has_type {
            builder = builder.header("Content-Type", "application/json");
        }
        self.wait_for_turn();
        let named = self.name(request);
        let sent = match made {
            Some(body) => {
                let request = builder.body(body.to_string()).map_err(|e| not_sent(format!("{named}: {e}")))?;
                self.agent.run(request)
            }
            None => {
                let request = builder.body(()).map_err(|e| not_sent(format!("{named}: {e}")))?;
                self.agent.run(request)
            }
        };
        let mut response = sent.map_err(|error| self.no_answer(&named, error))?;
        let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_string);
        let date = header("date");
        let retry_after_ms = header("retry-after").and_then(|v| v.trim().parse::<f64>().ok()).map(|s| (s * 1000.0) as u64);
        let status = response.status().as_u16();
        let text = response
            .body_mut()
            .with_config()
            .limit(MOST_BYTES)
            .read_to_string()
            .map_err(|error| NoAnswer::Lost(Trouble::Malformed(format!("{named}: the answer broke off ({error})"))))?;
        let body = if text.trim().is_empty() {
            Value::Null
        } else {
            match serde_json::from_str(&text) {
                Ok(body) => body,
                // An error page in HTML or plain text still has its status.
                Err(_) if !(200..300).contains(&status) => Value::String(text.chars().take(300).collect()),
                Err(error) => {
                    return Err(NoAnswer::Lost(Trouble::Malformed(format!("{named}: expected JSON, and it is not: {error}"))));
                }
            }
        };
        Ok(Answer { status, body, date, retry_after_ms })
    }

    fn no_answer(&self, named: &str, error: ureq::Error) -> NoAnswer {
        use ureq::Error as E;
        let host = host(&self.base);
        match &error {
            E::HostNotFound => {
                NoAnswer::NotSent(Trouble::Unreachable(format!("{host} is not found: is the address right, is there a network?")))
            }
            E::ConnectionFailed => {
                NoAnswer::NotSent(Trouble::Unreachable(format!("{host} does not answer: is it running, is the port right?")))
            }
            E::Io(io) if io.kind() == std::io::ErrorKind::ConnectionRefused => {
                NoAnswer::NotSent(Trouble::Unreachable(format!("{host} refuses connections: is it running, is the port right?")))
            }
            E::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
                NoAnswer::NotSent(Trouble::Unreachable(format!("{host} does not answer in time")))
            }
            _ => NoAnswer::Lost(Trouble::Unreachable(format!("{named}: no answer ({error})"))),
        }
    }

    fn authorization(&self, context: &Value) -> Result<Option<String>, NoAnswer> {
        let not_sent = |message: String| NoAnswer::NotSent(Trouble::Misconfigured(message));
        if let Some(basic) = &self.auth.basic {
            return Ok(Some(format!("Basic {}", base64(render(basic, context).map_err(not_sent)?.as_bytes()))));
        }
        if let Some(bearer) = &self.auth.bearer {
            return Ok(Some(format!("Bearer {}", render(bearer, context).map_err(not_sent)?)));
        }
        let Some(token) = &self.auth.token else { return Ok(None) };
        let mut held = self.token.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if held.is_none() {
            *held = Some(self.fetch_token(token, context)?);
        }
        Ok(held.as_ref().map(|token| format!("Bearer {token}")))
    }

    fn fetch_token(&self, token: &Token, context: &Value) -> Result<String, NoAnswer> {
        let trouble = |message: String| NoAnswer::NotSent(Trouble::Unauthorized(message));
        let wrong = |message: String| NoAnswer::NotSent(Trouble::Misconfigured(message));
        let url = render(&token.url, context).map_err(wrong)?;
        let mut builder = Request::builder().method("POST").uri(&url).header("Content-Type", "application/x-www-form-urlencoded");
        for (key, value) in &token.headers {
            builder = builder.header(key.as_str(), render(value, context).map_err(wrong)?);
        }
        if let Some(basic) = &token.basic {
            builder =
                builder.header("Authorization", format!("Basic {}", base64(render(basic, context).map_err(wrong)?.as_bytes())));
        }
        let mut form = Vec::new();
        for (key, value) in &token.form {
            form.push(format!("{}={}", percent_encoded(key), percent_encoded(&render(value, context).map_err(wrong)?)));
        }
        self.wait_for_turn();
        let request = builder.body(form.join("&")).map_err(|error| wrong(error.to_string()))?;
        let mut response =
            self.agent.run(request).map_err(|error| match self.no_answer(&format!("{} token", self.title), error) {
                NoAnswer::NotSent(trouble) | NoAnswer::Lost(trouble) => NoAnswer::NotSent(trouble),
            })?;
        let status = response.status().as_u16();
        let body: Value = response.body_mut().read_json().unwrap_or_default();
        match body.get("access_token").and_then(Value::as_str) {
            Some(token) => Ok(token.to_string()),
            None => Err(trouble(format!(
                "{} gives no access token (status {status}): check the keys and the refresh token in .env, and that its access has not been revoked",
                self.title
            ))),
        }
    }

    /// Holds a request back until the system's rate allows it.
    fn wait_for_turn(&self) {
        let wait = {
            let mut pace = self.pace.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let now = Instant::now();
            let at = pace.next.max(now);
            pace.next = at + Duration::from_secs_f64(1.0 / pace.per_second);
            at - now
        };
        if !wait.is_zero() {
            std::thread::sleep(wait);
        }
    }
}

/// The host and port of an address.
pub fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

/// RFC 4648, section 4.
pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| (n << 8) | u32::from(*b)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            if place <= chunk.len() {
                out.push(LETTERS[(n >> (18 - 6 * place)) as usize & 63] as char);
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_in_the_rfc() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn hosts_are_told_apart() {
        assert_eq!(host("https://a.example.com:8080/x?y"), "a.example.com:8080");
        assert_ne!(host("https://a.example.com.evil.example.org/"), host("https://a.example.com/"));
    }
}
