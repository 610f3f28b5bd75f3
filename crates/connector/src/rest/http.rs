//! Requests: their addresses, bounded answers, and what went wrong in words that name the system
//! and the request. No message holds a secret: settings never go into one, and addresses are shown
//! without their query.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lockstep_model::Timestamp;
use serde_json::{Map, Value};
use ureq::Agent;
use ureq::http::{HeaderMap, Request};
use ureq::unversioned::transport::DefaultConnector;

use super::form::as_form;
use super::link::{self, origin};
use super::pace::{Pace, Turn};
use super::secrets::Secrets;
use super::template::{percent_encoded, render, render_optional, render_value};
use super::tokens::Held;
use super::value::{HEADERS, at};
use super::written::{Auth, BodyEncoding, ErrorRule, Manifest, Moved, Rate, RequestYaml};
use crate::addresses::Addresses;
use crate::vault::Keep;
use crate::{Traffic, Trouble, bounded};

/// An answer is not larger.
const MOST_BYTES: u64 = 64 << 20;
/// A reading is tried so often when the system asks to come back, and waits no longer than this
/// each time.
const TRIES: u32 = 5;
const PATIENCE: Duration = Duration::from_secs(30);
/// A request about one record is tried so often, and waits no longer than this: the others must not
/// wait for it (G4).
const TRIES_FOR_ONE: u32 = 2;
const PATIENCE_FOR_ONE: Duration = Duration::from_secs(2);
/// A write that was one too many is sent again here if it need not wait longer than this; else it
/// waits in the outbox.
const MOMENT: Duration = Duration::from_secs(5);
/// However long a system asks to be left alone: it is tried again after so long. No budget that is
/// known is counted over more than a day.
const LONGEST_WAIT_MS: u64 = 24 * 3_600_000;

/// What came of a request.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    /// The server's clock, RFC 9110 `Date`.
    pub date: Option<Timestamp>,
    /// The whole address that was asked, without keys.
    pub url: String,
    /// The address of the next page, RFC 8288 `Link` with `rel="next"`, as it was written.
    pub link: Option<String>,
    pub retry_after_ms: Option<u64>,
    /// The version of what is shown, RFC 9110 `ETag`.
    pub etag: Option<String>,
    pub headers: HeaderMap,
    /// What answers to this request mean, before what the manifest says of all.
    pub rules: Vec<ErrorRule>,
}

impl Answer {
    /// What is at a place of the answer: in its body, or in a header (`$headers.X-Total-Count`).
    pub fn at(&self, place: &str) -> Option<Value> {
        match place.strip_prefix(HEADERS) {
            Some(name) => Some(Value::String(
                String::from_utf8_lossy(self.headers.get(name)?.as_bytes()).into_owned(),
            )),
            None => at(&self.body, place).cloned(),
        }
    }
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

/// The connection to one account. All record types, and all interfaces of the system, share its
/// rate.
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
    moved: Option<Moved>,
    pace: Pace,
    secrets: Secrets,
    /// Some answer has held a secret: whatever is read is looked through from then on.
    echoes: AtomicBool,
}

/// What a request is for, which says how long it may take.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    Listing,
    /// One of the records that a listing names: without it the listing is not complete.
    Listed,
    OneRecord,
    /// Only to see whether it is answered.
    Trial,
}

/// One interface of the system: its address and how to be let in.
pub struct Door {
    /// Empty for the main one.
    pub name: String,
    base: RwLock<String>,
    pub auth: Auth,
    headers: BTreeMap<String, String>,
    pub held: Mutex<Held>,
}

impl Door {
    fn new(
        name: &str,
        base: &str,
        auth: &Auth,
        headers: &BTreeMap<String, String>,
        settings: &Value,
    ) -> Result<Door, Trouble> {
        let base = render(base, settings)
            .map_err(Trouble::Misconfigured)?
            .trim_end_matches('/')
            .to_string();
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(Trouble::Misconfigured(format!(
                "the address `{base}` is no http:// or https:// address"
            )));
        }
        let base = RwLock::new(base);
        Ok(Door {
            name: name.into(),
            base,
            auth: auth.clone(),
            headers: headers.clone(),
            held: Mutex::default(),
        })
    }

    pub fn base(&self) -> String {
        self.base.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The account is somewhere else from now on.
    pub fn moves_to(&self, base: String) {
        *self.base.write().unwrap_or_else(PoisonError::into_inner) = base;
    }
}

impl Client {
    /// A client for a manifest with its settings. Nothing is sent yet.
    pub fn new(
        manifest: &Manifest,
        settings: Map<String, Value>,
        keep: Option<Keep>,
    ) -> Result<Client, Trouble> {
        let timeout = super::number(&settings, "timeout_s")
            .map_or(Duration::from_secs(60), Duration::from_secs_f64);
        let at_once = super::number(&settings, "at_once").map(|at_once| at_once as usize);
        let pace = Pace::new(&manifest.rate, super::number(&settings, "rate_per_second"), at_once);
        let config = Agent::config_builder()
            // A connection for each request that may be under way: making one takes longer than
            // most answers.
            .max_idle_connections(pace.at_once().max(3))
            .max_idle_connections_per_host(pace.at_once().max(3))
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
        Ok(Client {
            agent,
            title: manifest.title.clone(),
            main,
            others,
            secrets: Secrets::of(manifest, &settings),
            settings,
            keep,
            rate: manifest.rate.clone(),
            moved: manifest.moved.clone(),
            pace,
            echoes: AtomicBool::new(false),
        })
    }

    /// Whether some answer has held a secret.
    pub fn echoes(&self) -> bool {
        self.echoes.load(Ordering::Relaxed)
    }

    /// Whether a value that was read holds a secret.
    pub fn gives_away(&self, value: &Value) -> bool {
        self.echoes() && self.secrets.are_within(value, &self.tokens())
    }

    /// What was asked so far.
    pub fn traffic(&self) -> Traffic {
        self.pace.traffic()
    }

    /// How many requests may be under way at one time.
    pub fn at_once(&self) -> usize {
        self.pace.at_once()
    }

    /// Leave for one request; trouble where the system's budget is spent for longer than a run
    /// waits.
    pub(super) fn turn(&self, named: &str) -> Result<Turn<'_>, Trouble> {
        self.pace.turn(PATIENCE).map_err(|wait| Trouble::Busy {
            retry_after_ms: u64::try_from(wait.as_millis()).ok(),
            message: format!(
                "{named} has to wait {} s: the system's rate allows no more requests now",
                wait.as_secs() + 1
            ),
        })
    }

    /// Which server is asked, for messages.
    pub fn server(&self) -> String {
        origin(&self.main.base()).to_string()
    }

    fn door(&self, request: &RequestYaml) -> &Door {
        request.api.as_ref().and_then(|name| self.others.get(name)).unwrap_or(&self.main)
    }

    /// The variables of every template. One without a value is not there.
    pub fn context(&self, more: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
        let mut context = self.settings.clone();
        context.extend(
            more.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.to_string(), v)),
        );
        Value::Object(context)
    }

    /// How a request is named in messages.
    pub fn name(&self, request: &RequestYaml) -> String {
        format!("{} {} {}", self.title, request.method.as_deref().unwrap_or("GET"), request.path)
    }

    /// Sends a request that only reads; waits and tries again where the system asks to.
    pub fn read(&self, request: &RequestYaml, context: &Value) -> Result<Answer, Trouble> {
        self.read_for(For::Listing, request, context)
    }

    /// The same for one record of many. With `patience`, it is waited for as for a page.
    pub fn read_one(
        &self,
        request: &RequestYaml,
        context: &Value,
        patience: bool,
    ) -> Result<Answer, Trouble> {
        self.read_for(if patience { For::Listed } else { For::OneRecord }, request, context)
    }

    /// Sends a request that only reads once, and takes no trouble about it.
    pub fn try_once(&self, request: &RequestYaml, context: &Value) -> Option<Answer> {
        self.read_for(For::Trial, request, context).ok()
    }

    fn read_for(
        &self,
        what: For,
        request: &RequestYaml,
        context: &Value,
    ) -> Result<Answer, Trouble> {
        let (most, patience) = match what {
            For::Listing | For::Listed => (TRIES, PATIENCE),
            For::OneRecord => (TRIES_FOR_ONE, PATIENCE_FOR_ONE),
            For::Trial => (1, Duration::ZERO),
        };
        let (mut tries, mut lost) = (0, 0);
        loop {
            tries += 1;
            let answer = match self.renewing(request, context, None) {
                Ok(answer) => answer,
                // A reading can simply be asked for again: a connection that was closed while it
                // lay idle is no illness.
                Err(NoAnswer::Lost(Trouble::Unreachable(_))) if lost == 0 => {
                    lost += 1;
                    continue;
                }
                Err(failed) => return Err(failed.trouble()),
            };
            if !matches!(answer.status, 408 | 429 | 500..=599) {
                return Ok(answer);
            }
            let wait = answer
                .retry_after_ms
                .map_or(Duration::from_millis(250 << tries), Duration::from_millis);
            if tries >= most || wait > patience {
                let named = self.name(request);
                let told = super::errors::words(&answer.body)
                    .map(|told| format!(" ({told})"))
                    .unwrap_or_default();
                return Err(match answer.status {
                    429 | 503 => Trouble::Busy {
                        retry_after_ms: answer.retry_after_ms,
                        message: format!(
                            "{named} answered {} and asks to come back later{}{told}",
                            answer.status,
                            when(&answer)
                        ),
                    },
                    // The system answers, if not about this record.
                    status if matches!(what, For::OneRecord | For::Listed) => Trouble::Malformed(
                        format!("{named} answered {status}, {tries} times{told}"),
                    ),
                    status => Trouble::Unreachable(format!(
                        "{named} answered {status}, {tries} times{told}: the system is not well"
                    )),
                });
            }
            // After a 429 everybody waits, in `turn`.
            if answer.status != 429 {
                std::thread::sleep(wait);
            }
        }
    }

    /// Where a page's address leads that an answer gave. Our own keys are no part of it: each
    /// request gets them anew.
    pub fn resolved(&self, request: &RequestYaml, answer: &Answer, address: &str) -> String {
        let door = self.door(request);
        let whole = link::resolve(&door.base(), &answer.url, address);
        let Some((path, query)) = whole.split_once('?').filter(|_| !door.auth.query.is_empty())
        else {
            return whole;
        };
        let is_key = |part: &&str| {
            let name = part.split('=').next().unwrap_or_default();
            door.auth
                .query
                .keys()
                .any(|key| key == name || percent_encoded(key).eq_ignore_ascii_case(name))
        };
        let kept: Vec<&str> = query.split('&').filter(|part| !is_key(part)).collect();
        if kept.is_empty() { path.to_string() } else { format!("{path}?{}", kept.join("&")) }
    }

    /// Sends a request that writes. One too many surely was not carried out: it is sent again when
    /// the system says, if that is soon.
    pub fn send(
        &self,
        request: &RequestYaml,
        context: &Value,
        body: Option<&Value>,
    ) -> Result<Answer, NoAnswer> {
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
    fn renewing(
        &self,
        request: &RequestYaml,
        context: &Value,
        body: Option<&Value>,
    ) -> Result<Answer, NoAnswer> {
        let mut first = self.send_once(request, context, body)?;
        // A host that does not have the account has done nothing with the request.
        if let Some(moved) = self
            .moved
            .as_ref()
            .filter(|moved| moved.status == first.0.status && request.api.is_none())
            && self.follow(moved).map_err(NoAnswer::NotSent)?
        {
            first = self.send_once(request, context, body)?;
        }
        match first {
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
        let base = door.base();
        let method = request.method.as_deref().unwrap_or("GET");
        let mut url = render(&request.path, context).map_err(not_sent)?;
        // The next page's address may be whole; it leads nowhere but to the system itself.
        if url.starts_with("http://") || url.starts_with("https://") {
            if origin(&url) != origin(&base) {
                let message = format!(
                    "{}: the next address leads to another host than {}",
                    self.name(request),
                    origin(&base)
                );
                return Err(NoAnswer::NotSent(Trouble::Malformed(message)));
            }
        } else {
            url = format!("{base}{url}");
            // Neither a path nor what a record holds can lead elsewhere: `@example.com` after a
            // host would.
            if origin(&url) != origin(&base) {
                return Err(not_sent(format!(
                    "{}: its path leads away from {}",
                    self.name(request),
                    origin(&base)
                )));
            }
        }
        let mut query = Vec::new();
        let settings = Value::Object(self.settings.clone());
        let with = |url: &str, query: &[String]| match query.is_empty() {
            true => url.to_string(),
            false => {
                format!("{url}{}{}", if url.contains('?') { '&' } else { '?' }, query.join("&"))
            }
        };
        for (key, value) in &request.query {
            if let Some(value) = render_optional(value, context).map_err(not_sent)? {
                query.push(format!("{}={}", percent_encoded(key), percent_encoded(&value)));
            }
        }
        let asked = with(&url, &query);
        let admission = self.authorization(door)?;
        for (key, value) in &door.auth.query {
            if let Some(value) = render_optional(value, &settings).map_err(not_sent)? {
                query.push(format!("{}={}", percent_encoded(key), percent_encoded(&value)));
            }
        }
        for (key, value) in admission.iter().flat_map(|admission| &admission.query) {
            query.push(format!("{}={}", percent_encoded(key), percent_encoded(value)));
        }
        url = with(&url, &query);
        let mut builder =
            Request::builder().method(method).uri(&url).header("Accept", "application/json");
        let own = door.headers.iter().chain(&door.auth.headers).map(|header| (header, &settings));
        for ((key, value), context) in
            own.chain(request.headers.iter().map(|header| (header, context)))
        {
            if let Some(value) = render_optional(value, context).map_err(not_sent)? {
                builder = builder.header(key.as_str(), value);
            }
        }
        if let Some(admission) = &admission {
            for (key, value) in &admission.headers {
                builder = builder.header(key.as_str(), value);
            }
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
        let is_form = request.encoding == BodyEncoding::Form;
        let has_type = request.headers.keys().any(|key| key.eq_ignore_ascii_case("content-type"));
        if made.is_some() && !has_type {
            let kind =
                if is_form { "application/x-www-form-urlencoded" } else { "application/json" };
            builder = builder.header("Content-Type", kind);
        }
        let named = self.name(request);
        let turn = self.turn(&named).map_err(NoAnswer::NotSent)?;
        let sent = match made {
            Some(body) => {
                let body = if is_form { as_form(&body) } else { body.to_string() };
                let request = builder.body(body).map_err(|e| not_sent(format!("{named}: {e}")))?;
                self.agent.run(request)
            }
            None => {
                let request = builder.body(()).map_err(|e| not_sent(format!("{named}: {e}")))?;
                self.agent.run(request)
            }
        };
        let mut response = sent.map_err(|error| no_answer(&named, &base, &error))?;
        let text = |value: &ureq::http::HeaderValue| {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        };
        let header = |name: &str| response.headers().get(name).map(text);
        let date = header("date").and_then(|date| moment(&date));
        let milliseconds = || {
            header("retry-after-ms")?.trim().parse::<u64>().ok().map(|ms| ms.min(LONGEST_WAIT_MS))
        };
        let retry_after_ms =
            header("retry-after").and_then(|value| wait_ms(&value, date)).or_else(milliseconds);
        let links: Vec<String> = response.headers().get_all("link").iter().map(text).collect();
        let link = link::next_page(&links);
        let status = response.status().as_u16();
        let etag = header("etag");
        let count = |name: &Option<String>| name.as_deref().and_then(header);
        if status == 429 {
            self.pace.refused();
            // Whoever else asks this system waits as well.
            self.pace.pause(Duration::from_millis(retry_after_ms.unwrap_or(500)));
        }
        if let (Some(remaining), Some(resets)) =
            (count(&self.rate.remaining), count(&self.rate.resets))
            && leading_number(&remaining).is_some_and(|remaining| remaining < 1.0)
            && let Some(wait) = wait_ms(&resets, date)
        {
            self.pace.pause(Duration::from_millis(wait));
        }
        let unread = |why: bounded::Unread| {
            NoAnswer::Lost(Trouble::Malformed(format!("{named}: expected JSON, and {why}")))
        };
        let text = bounded::text(response.body_mut(), MOST_BYTES).map_err(unread)?;
        // Who renews a token holds it and waits for leave to ask: it must not be waited for with
        // leave in hand.
        drop(turn);
        if self.secrets.are_in(&text, &self.tokens()) {
            self.echoes.store(true, Ordering::Relaxed);
        }
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
        Ok((
            Answer {
                status,
                body,
                date,
                url: asked,
                link,
                retry_after_ms,
                etag,
                headers: std::mem::take(response.headers_mut()),
                rules: request.errors.clone(),
            },
            admission.and_then(|admission| admission.token),
        ))
    }
}

/// Why there is no answer: surely nothing was sent, or the request may have arrived.
pub(super) fn no_answer(named: &str, address: &str, error: &ureq::Error) -> NoAnswer {
    use ureq::Error as E;
    let host = origin(address);
    let unreachable =
        |what: &str| NoAnswer::NotSent(Trouble::Unreachable(format!("{host} {what}")));
    match error {
        E::HostNotFound => unreachable("is not found: is the address right, is there a network?"),
        E::ConnectionFailed => unreachable("does not answer: is it running, is the port right?"),
        E::Io(io) if io.kind() == std::io::ErrorKind::ConnectionRefused => {
            unreachable("refuses connections: is it running, is the port right?")
        }
        E::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
            unreachable("does not answer in time")
        }
        E::Tls(_) | E::Rustls(_) => unreachable(&format!(
            "can't be trusted ({error}): is the address right, is its certificate valid?"
        )),
        _ => NoAnswer::Lost(Trouble::Unreachable(format!("{named}: no answer ({error})"))),
    }
}

/// RFC 9110, section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`; or another form of a time.
fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    // A number of seconds from now is no time.
    let is_time = text.parse::<f64>().is_ok_and(|number| number >= A_UNIX_TIME)
        || text.contains([':', '-', 'T']);
    Timestamp::read(&Value::String(text.to_string()))
        .ok()
        .flatten()
        .filter(|_| is_time)
        .map(|read| read.at)
}

/// Smaller numbers are seconds from now: three years.
const A_UNIX_TIME: f64 = 1e8;

/// How long to wait, in milliseconds, as `Retry-After` (RFC 9110, section 10.2.3) and vendors' own
/// headers say it: seconds from now, a Unix time in whatever unit, or a date; by the server's own
/// clock where it told. Never longer than a day.
fn wait_ms(value: &str, now: Option<Timestamp>) -> Option<u64> {
    if let Some(at) = moment(value) {
        let now = now.map_or_else(|| jiff::Timestamp::now().as_millisecond(), |now| now.0);
        return Some(u64::try_from(at.0.saturating_sub(now)).unwrap_or(0).min(LONGEST_WAIT_MS));
    }
    let seconds = leading_number(value)?;
    Some(((seconds.max(0.0) * 1000.0) as u64).min(LONGEST_WAIT_MS))
}

/// `120`, `120 s`, `120, 3600;w=60`: the number at the beginning.
fn leading_number(value: &str) -> Option<f64> {
    let value = value.trim();
    let end =
        value.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-')).unwrap_or(value.len());
    let unit = value[end..].trim_start();
    // Minutes would be another number.
    let known = unit.is_empty()
        || unit.starts_with([',', ';'])
        || matches!(unit, "s" | "sec" | "second" | "seconds");
    value[..end].parse().ok().filter(|number: &f64| known && number.is_finite())
}

/// When an answer asks to come back, for a message.
fn when(answer: &Answer) -> String {
    match answer.retry_after_ms {
        Some(ms) if ms >= LONGEST_WAIT_MS => " (in a day or more)".into(),
        Some(ms) => format!(" (in {} s)", ms.div_ceil(1000)),
        None => String::new(),
    }
}

/// RFC 4648, section 4.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g4_a_wait_is_read_in_every_form_and_never_longer_than_a_day() {
        let now = moment("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(now, Some(Timestamp(784_111_777_000)));
        for (value, ms) in [
            ("7", Some(7_000)),
            ("0", Some(0)),
            ("-5", Some(0)),
            ("1.5", Some(1_500)),
            ("7 s", Some(7_000)),
            ("7 seconds", Some(7_000)),
            ("7, 7", Some(7_000)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60_000)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60_000)),
            ("Sun Nov  6 08:50:37 1994", Some(60_000)),
            ("1994-11-06T08:50:37Z", Some(60_000)),
            ("Sun, 06 Nov 1994 08:48:37 GMT", Some(0)),
            ("784111837", Some(60_000)),
            ("784111837000", Some(60_000)),
            ("784111717", Some(0)),
            ("1796042977", Some(LONGEST_WAIT_MS)),
            ("86400", Some(LONGEST_WAIT_MS)),
            ("99999999", Some(LONGEST_WAIT_MS)),
            ("99999999999999999999999", Some(LONGEST_WAIT_MS)),
            ("1e400", None),
            ("NaN", None),
            ("inf", None),
            ("soon", None),
            ("2 minutes", None),
            ("", None),
        ] {
            assert_eq!(wait_ms(value, now), ms, "{value}");
        }
        // Without the server's clock it is this one.
        assert_eq!(wait_ms("784111837", None), Some(0));
    }
}
