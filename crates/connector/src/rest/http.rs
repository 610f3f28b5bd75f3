//! Requests: their addresses, bounded answers, and what went wrong in words that name the system and the request. No message holds a
//! secret: settings never go into one, and addresses are shown without their query.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use lockstep_model::Timestamp;
use serde_json::{Map, Value};
use ureq::Agent;
use ureq::http::Request;
use ureq::unversioned::transport::DefaultConnector;

use super::pace::{Pace, Turn};
use super::template::{percent_encoded, render, render_value};
use super::tokens::Held;
use super::written::{Auth, Manifest, Rate, RequestYaml};
use crate::addresses::Addresses;
use crate::vault::Keep;
use crate::{Traffic, Trouble, bounded};

/// An answer is not larger.
const MOST_BYTES: u64 = 64 << 20;
/// A reading is tried so often when the system asks to come back, and waits no longer than this each time.
const TRIES: u32 = 5;
const PATIENCE: Duration = Duration::from_secs(30);
/// A write that was one too many is sent again here if it need not wait longer than this; else it waits in the outbox.
const MOMENT: Duration = Duration::from_secs(5);

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
    /// The version of what is shown, RFC 9110 `ETag`.
    pub etag: Option<String>,
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
    pub(super) agent: Agent,
    pub(super) title: String,
    pub(super) main: Door,
    /// By the names under the manifest's `apis`.
    pub(super) others: BTreeMap<String, Door>,
    /// The settings, for templates. Secrets among them.
    pub(super) settings: Map<String, Value>,
    pub(super) keep: Option<Keep>,
    rate: Rate,
    pace: Pace,
}

/// One interface of the system: its address and how to be let in.
pub struct Door {
    /// Empty for the main one.
    pub name: String,
    base: String,
    pub auth: Auth,
    headers: BTreeMap<String, String>,
    pub held: Mutex<Held>,
}

impl Door {
    fn new(name: &str, base: &str, auth: &Auth, headers: &BTreeMap<String, String>, settings: &Value) -> Result<Door, Trouble> {
        let base = render(base, settings).map_err(Trouble::Misconfigured)?.trim_end_matches('/').to_string();
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(Trouble::Misconfigured(format!("the address `{base}` is no http:// or https:// address")));
        }
        Ok(Door { name: name.into(), base, auth: auth.clone(), headers: headers.clone(), held: Mutex::default() })
    }
}

impl Client {
    /// A client for a manifest with its settings. Nothing is sent yet.
    pub fn new(manifest: &Manifest, settings: Map<String, Value>, keep: Option<Keep>) -> Result<Client, Trouble> {
        let number = |name: &str| settings.get(name).and_then(|v| v.as_str().map_or(v.as_f64(), |t| t.trim().parse().ok()));
        let timeout = number("timeout_s").filter(|s| *s > 0.0).map_or(Duration::from_secs(60), Duration::from_secs_f64);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(timeout))
            .timeout_connect(Some(timeout.min(Duration::from_secs(10))))
            .max_redirects(0)
            .user_agent(concat!("lockstep/", env!("CARGO_PKG_VERSION")))
            .build();
        let agent = Agent::with_parts(config, DefaultConnector::default(), Addresses::default());
        let context = Value::Object(settings.clone());
        let main = Door::new("", &manifest.base, &manifest.auth, &manifest.headers, &context)?;
        let door = |(name, api): (&String, &super::written::Api)| {
            Ok((name.clone(), Door::new(name, &api.base, &api.auth, &api.headers, &context)?))
        };
        let others = manifest.apis.iter().map(door).collect::<Result<_, Trouble>>()?;
        let pace = Pace::new(&manifest.rate, number("rate_per_second"));
        Ok(Client { agent, title: manifest.title.clone(), main, others, settings, keep, rate: manifest.rate.clone(), pace })
    }

    /// What was asked so far.
    pub fn traffic(&self) -> Traffic {
        self.pace.traffic()
    }

    /// Leave for one request; trouble where the system's budget is spent for longer than a run waits.
    pub(super) fn turn(&self, named: &str) -> Result<Turn<'_>, Trouble> {
        self.pace.turn(PATIENCE).map_err(|wait| Trouble::Busy {
            retry_after_ms: u64::try_from(wait.as_millis()).ok(),
            message: format!("{named} has to wait {} s: the system's rate allows no more requests now", wait.as_secs() + 1),
        })
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
            let answer = match self.renewing(request, context, None) {
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
            // After a 429 everybody waits, in `turn`.
            if answer.status != 429 {
                std::thread::sleep(wait);
            }
        }
    }

    /// Where a page's address leads that the system gave: whole, or below the address that it stands in. No template can be in it.
    pub fn resolved(&self, request: &RequestYaml, address: &str) -> String {
        let base = &self.door(request).base;
        let address = address.trim().replace('{', "%7B").replace('}', "%7D").replace(' ', "%20");
        let below = &base[origin(base).len()..];
        match address.chars().next() {
            Some('?') => format!("{}{address}", request.path.split('?').next().unwrap_or_default()),
            Some('/') if !below.is_empty() && address.starts_with(below) => format!("{}{address}", origin(base)),
            _ => address,
        }
    }

    /// Sends a request that writes. One too many surely was not carried out: it is sent again when the system says, if that is soon.
    pub fn send(&self, request: &RequestYaml, context: &Value, body: Option<&Value>) -> Result<Answer, NoAnswer> {
        let mut tries = 0;
        loop {
            tries += 1;
            let answer = self.renewing(request, context, body)?;
            let soon = answer.retry_after_ms.is_some_and(|ms| Duration::from_millis(ms) <= MOMENT);
            if answer.status != 429 || tries >= TRIES || !soon {
                return Ok(answer);
            }
        }
    }

    /// Sends a request; a key that is refused is renewed once, where it can be.
    fn renewing(&self, request: &RequestYaml, context: &Value, body: Option<&Value>) -> Result<Answer, NoAnswer> {
        match self.send_once(request, context, body)? {
            (answer, Some(token)) if answer.status == 401 => {
                self.refused(self.door(request), &token);
                Ok(self.send_once(request, context, body)?.0)
            }
            (answer, _) => Ok(answer),
        }
    }

    /// Sends a request once; gives the token that it carried, where that can be renewed.
    fn send_once(
        &self,
        request: &RequestYaml,
        context: &Value,
        body: Option<&Value>,
    ) -> Result<(Answer, Option<String>), NoAnswer> {
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
            // Neither a path nor what a record holds can lead elsewhere: `@example.com` after a host would.
            if origin(&url) != origin(&door.base) {
                return Err(not_sent(format!("{}: its path leads away from {}", self.name(request), origin(&door.base))));
            }
        }
        let mut query = Vec::new();
        let settings = Value::Object(self.settings.clone());
        let keys = door.auth.query.iter().map(|pair| (pair, &settings));
        for ((key, value), context) in request.query.iter().map(|pair| (pair, context)).chain(keys) {
            let value = render(value, context).map_err(not_sent)?;
            if !value.is_empty() {
                query.push(format!("{}={}", percent_encoded(key), percent_encoded(&value)));
            }
        }
        if !query.is_empty() {
            url = format!("{url}{}{}", if url.contains('?') { '&' } else { '?' }, query.join("&"));
        }
        let mut builder = Request::builder().method(method).uri(&url).header("Accept", "application/json");
        let own = door.headers.iter().chain(&door.auth.headers).map(|header| (header, &settings));
        for ((key, value), context) in own.chain(request.headers.iter().map(|header| (header, context))) {
            let value = render(value, context).map_err(not_sent)?;
            if !value.is_empty() {
                builder = builder.header(key.as_str(), value);
            }
        }
        let admission = self.authorization(door)?;
        if let Some(admission) = &admission {
            builder = builder.header("Authorization", &admission.authorization);
            let signed = self.signed(door).map_err(NoAnswer::NotSent)?;
            for (key, value) in signed.iter().flat_map(|signed| &signed.headers) {
                builder = builder.header(key.as_str(), render(value, &settings).map_err(not_sent)?);
            }
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
        let named = self.name(request);
        let _turn = self.turn(&named).map_err(NoAnswer::NotSent)?;
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
        let etag = header("etag");
        let count = |name: &Option<String>| name.as_deref().and_then(header);
        if status == 429 {
            self.pace.refused();
            // Whoever else asks this system waits as well.
            self.pace.pause(Duration::from_millis(retry_after_ms.unwrap_or(500)));
        }
        if let (Some(remaining), Some(resets)) = (count(&self.rate.remaining), count(&self.rate.resets))
            && remaining.trim().parse::<f64>().is_ok_and(|remaining| remaining < 1.0)
            && let Some(wait) = reset_in(&resets, date)
        {
            self.pace.pause(Duration::from_millis(wait));
        }
        let unread = |why: bounded::Unread| NoAnswer::Lost(Trouble::Malformed(format!("{named}: expected JSON, and {why}")));
        let text = bounded::text(response.body_mut(), MOST_BYTES).map_err(unread)?;
        let body = if text.trim().is_empty() {
            Value::Null
        } else {
            match bounded::json(&text) {
                Ok(body) => body,
                // An error page in HTML or plain text still has its status.
                Err(bounded::Unread::NoJson(_)) if !(200..300).contains(&status) => {
                    Value::String(text.chars().take(300).collect())
                }
                Err(why) => return Err(unread(why)),
            }
        };
        Ok((Answer { status, body, date, link, retry_after_ms, etag }, admission.and_then(|admission| admission.token)))
    }
}

/// Why there is no answer: surely nothing was sent, or the request may have arrived.
pub(super) fn no_answer(named: &str, address: &str, error: &ureq::Error) -> NoAnswer {
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

/// When a budget is renewed, as vendors tell it: seconds from now, a Unix time in seconds, or a date. In milliseconds from now.
fn reset_in(value: &str, now: Option<Timestamp>) -> Option<u64> {
    const A_UNIX_TIME: f64 = 1e9;
    match value.trim().parse::<f64>() {
        Ok(seconds) if seconds > A_UNIX_TIME => u64::try_from((seconds * 1000.0) as i64 - now?.0).ok(),
        _ => retry_after(value, now),
    }
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
