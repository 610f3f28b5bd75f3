//! Requests: authentication, rate, bounded answers, and what went wrong in words that name the system and the request. No message holds a
//! secret: settings never go into one, and addresses are shown without their query.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lockstep_model::Timestamp;
use serde_json::{Map, Value};
use ureq::Agent;
use ureq::http::Request;

use super::template::{percent_encoded, render, render_value};
use super::written::{Auth, Manifest, RequestYaml, Token};
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
    pub date: Option<Timestamp>,
    /// The address of the next page, RFC 8288 `Link` with `rel="next"`.
    pub link: Option<String>,
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

/// The connection to one account. All record types, and all interfaces of the system, share its rate.
pub struct Client {
    agent: Agent,
    title: String,
    main: Door,
    /// By the names under the manifest's `apis`.
    others: BTreeMap<String, Door>,
    /// The settings, for templates. Secrets among them.
    settings: Map<String, Value>,
    pace: Mutex<Pace>,
}

/// One interface of the system: its address and how to be let in.
struct Door {
    base: String,
    auth: Auth,
    headers: BTreeMap<String, String>,
    held: Mutex<Held>,
}

/// What a token request gave.
#[derive(Default)]
struct Held {
    token: Option<String>,
    /// When it is better renewed before it is refused.
    until: Option<Instant>,
    /// A refresh token that replaced the one in the settings, where a system hands out a new one each time.
    refresh: Option<String>,
}

struct Pace {
    per_second: f64,
    /// When the next request may leave.
    next: Instant,
}

impl Door {
    fn new(base: &str, auth: &Auth, headers: &BTreeMap<String, String>, settings: &Value) -> Result<Door, Trouble> {
        let base = render(base, settings).map_err(Trouble::Misconfigured)?.trim_end_matches('/').to_string();
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(Trouble::Misconfigured(format!("the address `{base}` is no http:// or https:// address")));
        }
        Ok(Door { base, auth: auth.clone(), headers: headers.clone(), held: Mutex::default() })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client {
    /// A client for a manifest with its settings. Nothing is sent yet.
    pub fn new(manifest: &Manifest, settings: Map<String, Value>) -> Result<Client, Trouble> {
        let number = |name: &str| settings.get(name).and_then(|v| v.as_str().map_or(v.as_f64(), |t| t.trim().parse().ok()));
        let timeout = number("timeout_s").filter(|s| *s > 0.0).map_or(Duration::from_secs(60), Duration::from_secs_f64);
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(timeout))
            .timeout_connect(Some(timeout.min(Duration::from_secs(10))))
            .max_redirects(0)
            .user_agent(concat!("lockstep/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        let per_second = number("rate_per_second").unwrap_or(manifest.rate.per_second).max(0.01);
        let context = Value::Object(settings.clone());
        let main = Door::new(&manifest.base, &manifest.auth, &manifest.headers, &context)?;
        let door = |(name, api): (&String, &super::written::Api)| {
            Ok((name.clone(), Door::new(&api.base, &api.auth, &api.headers, &context)?))
        };
        let others = manifest.apis.iter().map(door).collect::<Result<_, Trouble>>()?;
        let pace = Mutex::new(Pace { per_second, next: Instant::now() });
        Ok(Client { agent, title: manifest.title.clone(), main, others, settings, pace })
    }

    /// Which server is asked, for messages.
    pub fn server(&self) -> &str {
        origin(&self.main.base)
    }

    fn door(&self, request: &RequestYaml) -> &Door {
        request.api.as_ref().and_then(|name| self.others.get(name)).unwrap_or(&self.main)
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
        let (mut tries, mut lost) = (0, 0);
        loop {
            tries += 1;
            let answer = match self.send(request, context, None) {
                Ok(answer) => answer,
                // A reading can simply be asked for again: a connection that was closed while it lay idle is no illness.
                Err(NoAnswer::Lost(Trouble::Unreachable(_))) if lost == 0 => {
                    lost += 1;
                    continue;
                }
                Err(failed) => return Err(failed.trouble()),
            };
            if !matches!(answer.status, 408 | 429 | 500..=599) {
                return Ok(answer);
            }
            let wait = answer.retry_after_ms.map_or(Duration::from_millis(250 << tries), Duration::from_millis);
            if tries >= TRIES || wait > PATIENCE {
                let message = format!("{} answered {} and asks to come back later", self.name(request), answer.status);
                return Err(match answer.status {
                    429 | 503 => Trouble::Busy { retry_after_ms: answer.retry_after_ms, message },
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
        let door = self.door(request);
        if answer.status != 401 || door.auth.token.is_none() {
            return Ok(answer);
        }
        door.held().token = None;
        self.send_once(request, context, body)
    }

    fn send_once(&self, request: &RequestYaml, context: &Value, body: Option<&Value>) -> Result<Answer, NoAnswer> {
        let not_sent = |message: String| NoAnswer::NotSent(Trouble::Misconfigured(message));
        let door = self.door(request);
        let method = request.method.as_deref().unwrap_or("GET");
        let mut url = render(&request.path, context).map_err(not_sent)?;
        // The next page's address may be whole; it leads nowhere but to the system itself.
        if url.starts_with("http://") || url.starts_with("https://") {
            if origin(&url) != origin(&door.base) {
                let message =
                    format!("{}: the next address leads to another host than {}", self.name(request), origin(&door.base));
                return Err(NoAnswer::NotSent(Trouble::Malformed(message)));
            }
        } else {
            url = format!("{}{url}", door.base);
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
        let settings = Value::Object(self.settings.clone());
        let own = door.headers.iter().chain(&door.auth.headers).map(|header| (header, &settings));
        for ((key, value), context) in own.chain(request.headers.iter().map(|header| (header, context))) {
            let value = render(value, context).map_err(not_sent)?;
            if !value.is_empty() {
                builder = builder.header(key.as_str(), value);
            }
        }
        if let Some(value) = self.authorization(door)? {
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
        let mut response = sent.map_err(|error| no_answer(&named, &door.base, &error))?;
        let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_string);
        let date = header("date").as_deref().and_then(http_date);
        let retry_after_ms = header("retry-after").and_then(|value| retry_after(&value, date));
        let links = response.headers().get_all("link").iter().filter_map(|value| value.to_str().ok());
        let link = links.flat_map(|value| value.split(',')).find_map(next_link).map(str::to_string);
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
        Ok(Answer { status, body, date, link, retry_after_ms })
    }

    /// Made of settings alone: what a record holds can't change who is asking.
    fn authorization(&self, door: &Door) -> Result<Option<String>, NoAnswer> {
        let context = &Value::Object(self.settings.clone());
        let not_sent = |message: String| NoAnswer::NotSent(Trouble::Misconfigured(message));
        if let Some(basic) = &door.auth.basic {
            return Ok(Some(format!("Basic {}", base64(render(basic, context).map_err(not_sent)?.as_bytes()))));
        }
        if let Some(bearer) = &door.auth.bearer {
            return Ok(Some(format!("Bearer {}", render(bearer, context).map_err(not_sent)?)));
        }
        let Some(token) = &door.auth.token else { return Ok(None) };
        let mut held = door.held();
        if held.until.is_some_and(|until| Instant::now() >= until) {
            held.token = None;
        }
        if held.token.is_none() {
            self.fetch_token(token, &mut held).map_err(NoAnswer::NotSent)?;
        }
        Ok(held.token.as_ref().map(|token| format!("Bearer {token}")))
    }

    /// Asks for a token (RFC 6749, sections 4.4 and 6). Nothing of the request that needs it has been sent yet.
    fn fetch_token(&self, token: &Token, held: &mut Held) -> Result<(), Trouble> {
        let wrong = Trouble::Misconfigured;
        let mut settings = self.settings.clone();
        if let Some(refresh) = &held.refresh {
            settings.insert("refresh_token".into(), refresh.as_str().into());
        }
        let context = &Value::Object(settings);
        let url = render(&token.url, context).map_err(wrong)?;
        let mut builder = Request::builder().method("POST").uri(&url).header("Content-Type", "application/x-www-form-urlencoded");
        builder = builder.header("Accept", "application/json");
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
        let named = format!("{} POST {}", self.title, url.split('?').next().unwrap_or(&url));
        self.wait_for_turn();
        let request = builder.body(form.join("&")).map_err(|error| wrong(format!("{named}: {error}")))?;
        let mut response = self.agent.run(request).map_err(|error| no_answer(&named, &url, &error).trouble())?;
        let status = response.status().as_u16();
        let body: Value = response.body_mut().with_config().limit(1 << 20).read_json().unwrap_or_default();
        let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_string);
        if let Some(token) = text("access_token").filter(|_| (200..300).contains(&status)) {
            // RFC 6749, section 5.1: seconds. Renewed a little before they are over.
            let lives = body.get("expires_in").and_then(|v| v.as_u64().or_else(|| v.as_str()?.parse().ok()));
            held.until = lives.filter(|s| *s > 60).and_then(|s| Instant::now().checked_add(Duration::from_secs(s - 30)));
            held.token = Some(token);
            held.refresh = text("refresh_token").or(held.refresh.take());
            return Ok(());
        }
        match status {
            408 | 429 => Err(Trouble::Busy {
                retry_after_ms: None,
                message: format!("{named} answered {status} and asks to come back later"),
            }),
            500..=599 => Err(Trouble::Unreachable(format!("{named} answered {status}: the system is not well"))),
            404 | 405 | 300..=399 => {
                Err(wrong(format!("{named} answered {status}: no tokens are given there; check the address under `with:`")))
            }
            200..=299 => Err(Trouble::Malformed(format!("{named}: expected JSON with an access_token, and the answer has none"))),
            _ => {
                // RFC 6749, section 5.2: a word such as invalid_client or invalid_grant.
                let why = text("error").map(|error| format!(", {error}")).unwrap_or_default();
                Err(Trouble::Unauthorized(format!(
                    "{} gives no access token (status {status}{why}): check the keys under `with:` in lockstep.yaml and in .env, and that its access has not been revoked; then run `lockstep connect`",
                    self.title
                )))
            }
        }
    }

    /// Holds a request back until the system's rate allows it.
    fn wait_for_turn(&self) {
        let wait = {
            let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
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

/// Why there is no answer: surely nothing was sent, or the request may have arrived.
fn no_answer(named: &str, address: &str, error: &ureq::Error) -> NoAnswer {
    use ureq::Error as E;
    let host = origin(address);
    let unreachable = |what: &str| NoAnswer::NotSent(Trouble::Unreachable(format!("{host} {what}")));
    match error {
        E::HostNotFound => unreachable("is not found: is the address right, is there a network?"),
        E::ConnectionFailed => unreachable("does not answer: is it running, is the port right?"),
        E::Io(io) if io.kind() == std::io::ErrorKind::ConnectionRefused => {
            unreachable("refuses connections: is it running, is the port right?")
        }
        E::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => unreachable("does not answer in time"),
        E::Tls(_) | E::Rustls(_) => {
            unreachable(&format!("can't be trusted ({error}): is the address right, is its certificate valid?"))
        }
        _ => NoAnswer::Lost(Trouble::Unreachable(format!("{named}: no answer ({error})"))),
    }
}

/// Scheme, host and port of an address: what a key may be sent to.
fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#', '\\']).map_or(url.len(), |at| start + at);
    &url[..end]
}

/// RFC 9110, section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp(at.as_millisecond()))
}

/// RFC 9110, section 10.2.3: seconds, or a time, which is taken by the server's own clock. In milliseconds.
fn retry_after(value: &str, now: Option<Timestamp>) -> Option<u64> {
    if let Ok(seconds) = value.trim().parse::<f64>() {
        return Some((seconds.max(0.0) * 1000.0) as u64);
    }
    Some(u64::try_from(http_date(value)?.0 - now?.0).unwrap_or(0))
}

/// The address of a link to the next page: `<https://example.com/?page=2>; rel="next"`.
fn next_link(link: &str) -> Option<&str> {
    let (address, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let is_next = |parameter: &str| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        name.trim().eq_ignore_ascii_case("rel")
            && value.trim().trim_matches('"').split(' ').any(|rel| rel.eq_ignore_ascii_case("next"))
    };
    parameters.split(';').any(is_next).then_some(address)
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
    fn headers_are_read_as_the_rfcs_have_them() {
        let now = http_date("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(now, Some(Timestamp(784_111_777_000)));
        assert_eq!(retry_after("7", now), Some(7000));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now), Some(60_000));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:48:37 GMT", now), Some(0));
        assert_eq!(retry_after("soon", now), None);
        assert_eq!(next_link(" </people?page=2>; title=x; rel=\"last next\""), Some("/people?page=2"));
        assert_eq!(next_link("</people?page=1>; rel=prev"), None);
    }

    #[test]
    fn hosts_are_told_apart() {
        assert_eq!(origin("https://a.example.com:8080/x?y"), "https://a.example.com:8080");
        assert_ne!(origin("https://a.example.com.example.org/"), origin("https://a.example.com/"));
        assert_ne!(origin("https://a.example.com@example.org/"), origin("https://a.example.com/"));
        assert_ne!(origin("http://a.example.com/"), origin("https://a.example.com/"), "a key is not sent in the clear");
    }
}
