//! Requests: their addresses, bounded answers, and what went wrong in words that name the system
//! and the request. No message holds a secret: settings never go into one, and addresses are shown
//! without their query.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;
use ureq::http::Request;
use ureq::http::request::Builder;

use super::address::{self, origin, same_origin};
use super::answer::Answer;
use super::client::{Client, Endpoint};
use super::errors::words;
use super::form::as_form;
use super::link;
use super::secrets::cut;
use super::template::{percent_encoded, render, render_optional, render_value};
use super::tokens::Admission;
use super::written::{BodyEncoding, RequestYaml};
use crate::http::{
    LONGEST_WAIT_MS, NoAnswer, PATIENCE, Received, leading_number, once_more, wait_ms,
};
use crate::{Trouble, bounded};

/// An answer is not larger.
const MOST_BYTES: u64 = 64 << 20;
/// A reading is tried so often when the system asks to come back.
const TRIES: u32 = 5;
/// A request about one record is tried so often, and waits no longer than this: the others must not
/// wait for it (G4).
const TRIES_FOR_ONE: u32 = 2;
const PATIENCE_FOR_ONE: Duration = Duration::from_secs(2);
/// A write that was one too many is sent again here if it need not wait longer than this; else it
/// waits in the outbox.
const MOMENT: Duration = Duration::from_secs(5);

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

impl Client {
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
        let mut tries = 0;
        loop {
            tries += 1;
            let answer = once_more(|| self.renewing(request, context, None));
            let answer = answer.map_err(NoAnswer::trouble)?;
            if !matches!(answer.status, 408 | 429 | 500..=599) {
                return Ok(answer);
            }
            let wait = answer
                .retry_after_ms
                .map_or(Duration::from_millis(250 << tries), Duration::from_millis);
            if tries >= most || wait > patience {
                let named = self.name(request, context);
                let told = words(&answer.body).map(|told| format!(" ({told})")).unwrap_or_default();
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
        let endpoint = self.endpoint(request);
        let whole = address::resolve(&endpoint.base(), &answer.url, address);
        let Some((path, query)) = whole.split_once('?').filter(|_| !endpoint.auth.query.is_empty())
        else {
            return whole;
        };
        let is_key = |part: &&str| {
            let name = part.split('=').next().unwrap_or_default();
            endpoint
                .auth
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
                self.refused(self.endpoint(request), &token);
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
        let endpoint = self.endpoint(request);
        let asked = self.asked(endpoint, request, context)?;
        let admission = self.authorization(endpoint)?;
        let builder = self.built(endpoint, request, context, &asked, admission.as_ref())?;
        let named = self.name(request, context);
        let unclear = |error: ureq::http::Error| not_sent(format!("{named}: {error}"));
        let received = match body_of(request, context, body)? {
            Some((kind, body)) => {
                let builder = match kind {
                    Some(kind) => builder.header("Content-Type", kind),
                    None => builder,
                };
                self.http.send(&named, builder.body(body).map_err(unclear)?, MOST_BYTES)?
            }
            None => self.http.send(&named, builder.body(()).map_err(unclear)?, MOST_BYTES)?,
        };
        self.http.heed(&received);
        self.keep_to_what_remains(&received);
        let answer = self.understood(request, &named, asked, received)?;
        Ok((answer, admission.and_then(|admission| admission.token)))
    }

    /// The address of a request, without what lets it in. It leads nowhere but to the system.
    fn asked(
        &self,
        endpoint: &Endpoint,
        request: &RequestYaml,
        context: &Value,
    ) -> Result<String, NoAnswer> {
        let base = endpoint.base();
        let path = render(&request.path, context).map_err(not_sent)?;
        // The next page's address may be whole.
        let is_whole = path.starts_with("http://") || path.starts_with("https://");
        let url = if is_whole { path } else { format!("{base}{path}") };
        // Neither a path nor what a record holds can lead elsewhere: `@example.com` after a host
        // would.
        if !same_origin(&url, &base) {
            let (named, base) = (self.name(request, context), origin(&base));
            return Err(match is_whole {
                true => NoAnswer::NotSent(Trouble::Malformed(format!(
                    "{named}: the next address leads to another host than {base}"
                ))),
                false => not_sent(format!("{named}: its path leads away from {base}")),
            });
        }
        with_query(&url, &request.query, context)
    }

    /// A request as far as it has no body: its address with the keys in it, its headers.
    fn built(
        &self,
        endpoint: &Endpoint,
        request: &RequestYaml,
        context: &Value,
        asked: &str,
        admission: Option<&Admission>,
    ) -> Result<Builder, NoAnswer> {
        let settings = Value::Object(self.settings.clone());
        let mut url = with_query(asked, &endpoint.auth.query, &settings)?;
        for (key, value) in admission.iter().flat_map(|admission| &admission.query) {
            let pair = format!("{}={}", percent_encoded(key), percent_encoded(value));
            url = added(&url, &[pair]);
        }
        let method = request.method.as_deref().unwrap_or("GET");
        let mut builder =
            Request::builder().method(method).uri(&url).header("Accept", "application/json");
        let own =
            endpoint.headers.iter().chain(&endpoint.auth.headers).map(|header| (header, &settings));
        for ((key, value), context) in
            own.chain(request.headers.iter().map(|header| (header, context)))
        {
            if let Some(value) = render_optional(value, context).map_err(not_sent)? {
                builder = builder.header(key.as_str(), value);
            }
        }
        if let Some(admission) = admission {
            for (key, value) in &admission.headers {
                builder = builder.header(key.as_str(), value);
            }
            let signed = self.signed(endpoint).map_err(NoAnswer::NotSent)?;
            for (key, value) in signed.iter().flat_map(|signed| &signed.headers) {
                builder = builder.header(key.as_str(), render(value, &settings).map_err(not_sent)?);
            }
        }
        Ok(builder)
    }

    /// Sends nothing more before the system's own budget is renewed, where it tells that none
    /// remains.
    fn keep_to_what_remains(&self, received: &Received) {
        let told = |name: &Option<String>| name.as_deref().and_then(|name| received.header(name));
        if let (Some(remaining), Some(resets)) =
            (told(&self.rate.remaining), told(&self.rate.resets))
            && leading_number(&remaining).is_some_and(|remaining| remaining < 1.0)
            && let Some(wait) = wait_ms(&resets, received.date)
        {
            self.http.pause(wait);
        }
    }

    /// What came, as JSON.
    fn understood(
        &self,
        request: &RequestYaml,
        named: &str,
        url: String,
        received: Received,
    ) -> Result<Answer, NoAnswer> {
        let unread = |why: bounded::Unread| {
            NoAnswer::Lost(Trouble::Malformed(format!("{named}: expected JSON, and {why}")))
        };
        let (link, etag) = (link::next_page(&received.all("link")), received.header("etag"));
        let Received { status, headers, date, retry_after_ms, text } = received;
        let text = text.map_err(unread)?;
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
                    Value::String(cut(&text, 300))
                }
                Err(why) => return Err(unread(why)),
            }
        };
        let rules = request.errors.clone();
        Ok(Answer { status, body, date, url, link, retry_after_ms, etag, headers, rules })
    }
}

fn not_sent(message: String) -> NoAnswer {
    NoAnswer::NotSent(Trouble::Misconfigured(message))
}

/// An address with these parameters; one without a value is left out.
fn with_query(
    url: &str,
    query: &BTreeMap<String, String>,
    context: &Value,
) -> Result<String, NoAnswer> {
    let mut pairs = Vec::new();
    for (key, value) in query {
        if let Some(value) = render_optional(value, context).map_err(not_sent)? {
            pairs.push(format!("{}={}", percent_encoded(key), percent_encoded(&value)));
        }
    }
    Ok(added(url, &pairs))
}

fn added(url: &str, pairs: &[String]) -> String {
    match (pairs.is_empty(), url.contains('?')) {
        (true, _) => url.to_string(),
        (false, true) => format!("{url}&{}", pairs.join("&")),
        (false, false) => format!("{url}?{}", pairs.join("&")),
    }
}

/// The body of a request, and its type where no header of the request says it.
fn body_of(
    request: &RequestYaml,
    context: &Value,
    body: Option<&Value>,
) -> Result<Option<(Option<&'static str>, String)>, NoAnswer> {
    let made = match (&request.body, body) {
        (_, Some(body)) => body.clone(),
        (Some(template), None) => render_value(template, context).map_err(not_sent)?,
        (None, None) => return Ok(None),
    };
    let has_type = request.headers.keys().any(|key| key.eq_ignore_ascii_case("content-type"));
    let (kind, body) = match request.encoding == BodyEncoding::Form {
        true => ("application/x-www-form-urlencoded", as_form(&made)),
        false => ("application/json", made.to_string()),
    };
    Ok(Some(((!has_type).then_some(kind), body)))
}

/// When an answer asks to come back, for a message.
fn when(answer: &Answer) -> String {
    match answer.retry_after_ms {
        Some(ms) if ms >= LONGEST_WAIT_MS => " (in a day or more)".into(),
        Some(ms) => format!(" (in {} s)", ms.div_ceil(1000)),
        None => String::new(),
    }
}
