//! Requests: their addresses, bounded answers, and what went wrong in words that name the system
//! and the request. No message holds a secret: settings never go into one, and addresses are shown
//! without their query.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;
use ureq::http::Request;

use super::answer::{Answer, NoAnswer, no_answer};
use super::client::{Client, PATIENCE};
use super::errors::words;
use super::form::as_form;
use super::link::{self, origin};
use super::retry_after::{LONGEST_WAIT_MS, leading_number, moment, wait_ms};
use super::template::{percent_encoded, render, render_optional, render_value};
use super::written::{BodyEncoding, RequestYaml};
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

/// When an answer asks to come back, for a message.
fn when(answer: &Answer) -> String {
    match answer.retry_after_ms {
        Some(ms) if ms >= LONGEST_WAIT_MS => " (in a day or more)".into(),
        Some(ms) => format!(" (in {} s)", ms.div_ceil(1000)),
        None => String::new(),
    }
}
