//! Calls from the system (webhooks): who calls is proven by a signature (HMAC, RFC 2104; or a web
//! token, `jwt`), an old call or one that came before does nothing, and what it says is only a hint
//! to read now (R4).

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use base64::alphabet::STANDARD;
use lockstep_model::Timestamp;
use ring::hmac;
use serde_json::Value;
use serde_json::value::RawValue;

use super::client::Client;
use super::jwt;
use super::register::Registration;
use super::template::{is_template, render, render_value};
use super::value::{HEADERS, at, text};
use super::written::{Encoding, Hash, Part, Repeated, Signature, Trial, WebToken, Webhook};
use crate::coding::unbase64;
use crate::vault::unhex;
use crate::{Call, Heard, Named};

/// Maximum number of calls remembered; an older one is rejected by its time.
const REMEMBERED: usize = 10_000;
const MAX_AGE_S: i64 = 300;
/// A larger number is in milliseconds.
const SECONDS_UNTIL: i64 = 100_000_000_000;

/// Signatures of calls that came.
#[derive(Default)]
pub struct Calls(Mutex<VecDeque<Vec<u8>>>);

impl Calls {
    /// Whether it came before; remembered from now on.
    fn again(&self, signature: &[u8]) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.iter().any(|known| known == signature) {
            return true;
        }
        if seen.len() == REMEMBERED {
            seen.pop_front();
        }
        seen.push_back(signature.to_vec());
        false
    }

    /// What a call asks for, if it comes from the system.
    pub(super) fn heard(
        &self,
        hook: &Webhook,
        client: &Client,
        registration: &Registration,
        call: &Call,
    ) -> Heard {
        if let Some(name) = &hook.challenge_query
            && let Some((_, wanted)) = call.query.iter().find(|(key, _)| key == name)
        {
            return Heard::Challenge(wanted.clone());
        }
        if hook.trial.iter().any(|trial| tries(*trial, call)) {
            return Heard::Again;
        }
        if let Some(signature) = &hook.signature {
            match proven(signature, client, registration, call) {
                Err(why) => return Heard::Refused(why),
                Ok(proof) if self.again(&proof) => return Heard::Again,
                Ok(_) => {}
            }
        }
        let body = match &hook.jwt {
            Some(how) => match claims(how, client, call) {
                Err(why) => return Heard::Refused(why),
                Ok((proof, _)) if self.again(&proof) => return Heard::Again,
                Ok((_, claims)) => Some(claims),
            },
            // What is not signed is not read either.
            None => match hook.signature.as_ref().and_then(|signature| signature.of.as_ref()) {
                Some(part) => serde_json::from_slice(&call.body)
                    .ok()
                    .and_then(|body: Value| body.get(part).cloned()),
                None => serde_json::from_slice(&call.body).ok(),
            },
        };
        let Some(body) = body
            .and_then(|body| hook.open.iter().try_fold(body, |body, place| opened(&body, place)))
        else {
            return Heard::Refused(
                "the call's body is not JSON, or not of the form that the manifest says".into(),
            );
        };
        if let Some(wanted) =
            hook.challenge_at.as_ref().and_then(|place| at(&body, place)).and_then(text)
        {
            return Heard::Challenge(wanted);
        }
        if let Some(repeated) = &hook.repeats
            && let Err(why) = repeats(repeated, hook, (client, registration), call, &body)
        {
            return Heard::Refused(why);
        }
        let Some(word) = hook.word.as_ref().filter(|_| !hook.types.is_empty()) else {
            return Heard::Hint(vec![]);
        };
        match named(hook, word, client, call, &body) {
            Err(why) => Heard::Refused(why),
            Ok(None) => Heard::Refused("the call has no events where the manifest says".into()),
            // What is none of our record types is no reason to read anything.
            Ok(Some(named)) if named.is_empty() => Heard::Again,
            Ok(Some(named)) => Heard::Hint(named),
        }
    }
}

/// Whether a call only tries if somebody answers.
fn tries(trial: Trial, call: &Call) -> bool {
    match trial {
        Trial::Empty => call.body.iter().all(u8::is_ascii_whitespace),
        Trial::Form => call
            .header("content-type")
            .is_some_and(|told| told.starts_with("application/x-www-form-urlencoded")),
    }
}

/// The records, or record types, that the events of a call are about; `None` where it has no events.
fn named(
    hook: &Webhook,
    word: &str,
    client: &Client,
    call: &Call,
    body: &Value,
) -> Result<Option<Vec<Named>>, String> {
    let events = match at(body, hook.events.as_deref().unwrap_or("")) {
        None => return Ok(None),
        Some(Value::Array(events)) => events.as_slice(),
        Some(event) => std::slice::from_ref(event),
    };
    let mut named: Vec<Named> = Vec::new();
    for event in events {
        let mut more = vec![("event", event.clone())];
        let Some(word) = told(client, call, event, word, &more)?.and_then(|word| text(&word))
        else {
            continue;
        };
        let begins = |begins: &String| word.starts_with(begins.as_str());
        let kinds: Vec<&String> = hook
            .types
            .iter()
            .filter(|(_, words)| words.all().iter().any(begins))
            .map(|(kind, _)| kind)
            .collect();
        if kinds.is_empty() {
            continue;
        }
        more.push(("word", Value::String(word.clone())));
        let id = match &hook.id {
            Some(place) => told(client, call, event, place, &more)?,
            None => None,
        };
        let ids: Vec<Option<String>> = match id {
            Some(Value::Array(ids)) if !ids.is_empty() => ids.iter().map(text).collect(),
            other => vec![other.as_ref().and_then(text)],
        };
        for (kind, id) in kinds.iter().flat_map(|kind| ids.iter().map(move |id| (kind, id))) {
            let one = Named { kind: (*kind).clone(), id: id.clone() };
            if !named.contains(&one) {
                named.push(one);
            }
        }
    }
    Ok(Some(named))
}

/// What an event says at a place, what a template makes of it, or a header of its call.
fn told(
    client: &Client,
    call: &Call,
    event: &Value,
    place: &str,
    more: &[(&'static str, Value)],
) -> Result<Option<Value>, String> {
    if is_template(place) {
        let made = render_value(&Value::String(place.into()), &client.context(more.to_vec()))?;
        return Ok(Some(made).filter(|made| !made.is_null() && made.as_str() != Some("")));
    }
    Ok(match place.strip_prefix(HEADERS) {
        Some(name) => call.header(name).map(|value| Value::String(value.into())),
        None => at(event, place).cloned(),
    })
}

/// Whether the call repeats the secret: in its header, or in each of its events.
fn repeats(
    how: &Repeated,
    hook: &Webhook,
    (client, registration): (&Client, &Registration),
    call: &Call,
    body: &Value,
) -> Result<(), String> {
    let secrets = secrets(&how.secret, client, registration)?;
    let is_ours = |given: &str| secrets.iter().any(|secret| same(secret, given));
    let wrong = || Err("the call does not repeat the secret".to_string());
    if let Some(name) = &how.header {
        return if call.header(name).is_some_and(is_ours) { Ok(()) } else { wrong() };
    }
    let place = how.at.as_deref().unwrap_or_default();
    if at(body, place).and_then(Value::as_str).is_some_and(is_ours) {
        return Ok(());
    }
    let events = match at(body, hook.events.as_deref().unwrap_or("")) {
        Some(Value::Array(events)) if !events.is_empty() => events.as_slice(),
        _ => return wrong(),
    };
    let all =
        events.iter().all(|event| at(event, place).and_then(Value::as_str).is_some_and(is_ours));
    if all { Ok(()) } else { wrong() }
}

/// Compares in a time that tells nothing of where they differ.
fn same(one: &str, other: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, one.as_bytes());
    hmac::verify(
        &key,
        b"",
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, other.as_bytes()), b"").as_ref(),
    )
    .is_ok()
}

/// The secrets that a call may prove itself with: of a registration made by hand, and of our own.
fn secrets(
    template: &str,
    client: &Client,
    registration: &Registration,
) -> Result<Vec<String>, String> {
    let mut secrets = registration.secrets();
    secrets.push(render(template, &client.context([]))?);
    secrets.retain(|secret| !secret.is_empty());
    match secrets.is_empty() {
        true => Err("there is no secret in the settings to check calls with".into()),
        false => Ok(secrets),
    }
}

/// The address that was called, as the system knows it.
fn address(
    how: &Signature,
    client: &Client,
    registration: &Registration,
    call: &Call,
) -> Result<String, String> {
    let query = call.address.split_once('?').map_or("", |(_, query)| query);
    let told = how.address.as_ref().map(|address| render(address, &client.context([])));
    let told = told.transpose()?.filter(|address| !address.is_empty());
    let known = told.or_else(|| registration.address());
    Ok(match known {
        Some(address) if query.is_empty() || address.contains('?') => address,
        Some(address) => format!("{address}?{query}"),
        None => format!("https://{}{}", call.header("host").unwrap_or_default(), call.address),
    })
}

/// What a web token says, and what tells it apart from others.
fn claims(how: &WebToken, client: &Client, call: &Call) -> Result<(Vec<u8>, Value), String> {
    let key = render(&how.key, &client.context([]))?;
    if key.trim().is_empty() {
        return Err("there is no public key in the settings to check calls with".into());
    }
    jwt::verified(&key, &call.body, call.at, how.max_age_s.unwrap_or(MAX_AGE_S))
}

/// The body's parts as they are written, where the signature stands among them.
fn parts_of<'c>(how: &Signature, call: &'c Call) -> Option<BTreeMap<String, &'c RawValue>> {
    if how.at.is_none() && how.of.is_none() {
        return None;
    }
    serde_json::from_slice(&call.body).ok()
}

/// The signature, if it is right and the call is fresh.
fn proven(
    how: &Signature,
    client: &Client,
    registration: &Registration,
    call: &Call,
) -> Result<Vec<u8>, String> {
    let parts = parts_of(how, call);
    let given = match (&how.header, &how.at) {
        (Some(header), _) => call.header(header).map(str::to_string),
        (None, Some(name)) => parts
            .as_ref()
            .and_then(|parts| parts.get(name))
            .and_then(|raw| serde_json::from_str(raw.get()).ok()),
        (None, None) => None,
    };
    let given = given.ok_or("the call is not signed")?;
    let given =
        given.strip_prefix(how.prefix.as_str()).ok_or("the call's signature has another form")?;
    let given = match how.encoding {
        Encoding::Hex => unhex(given),
        Encoding::Base64 => unbase64(given, &STANDARD),
    };
    let given = given.ok_or("the call's signature has another form")?;
    let secrets = secrets(&how.secret, client, registration)?;
    let body = match (&how.of, &parts) {
        (None, _) => call.body.as_slice(),
        (Some(name), parts) => {
            let part = parts.as_ref().and_then(|parts| parts.get(name));
            part.ok_or("the call lacks the part that is signed")?.get().as_bytes()
        }
    };
    let signed = signed(how, client, registration, call, body)?;
    let algorithm = match how.hash {
        Hash::Sha256 => hmac::HMAC_SHA256,
        Hash::Sha512 => hmac::HMAC_SHA512,
        Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
    };
    // Compares in constant time.
    let by = |secret: &String| {
        hmac::verify(&hmac::Key::new(algorithm, secret.as_bytes()), &signed, &given).is_ok()
    };
    if secrets.iter().any(by) { Ok(given) } else { Err("the call's signature is wrong".into()) }
}

/// The text that is signed, of a call that is fresh.
fn signed(
    how: &Signature,
    client: &Client,
    registration: &Registration,
    call: &Call,
    body: &[u8],
) -> Result<Vec<u8>, String> {
    let mut time = "";
    if let Some(name) = &how.timestamp {
        time = call.header(name).ok_or("the call does not tell its time")?;
        let sent = moment(time).ok_or("the call's time can't be read")?;
        let most = 1000 * how.max_age_s.unwrap_or(MAX_AGE_S);
        if (call.at.0 - sent.0).abs() > most {
            return Err("the call is too old".into());
        }
    }
    let timed: &[Part] = &[Part::Timestamp, Part::Body];
    let parts = match how.signs.as_slice() {
        [] if how.timestamp.is_some() => timed,
        [] => &timed[1..],
        own => own,
    };
    let mut signed = Vec::new();
    for (n, part) in parts.iter().enumerate() {
        if n > 0 {
            signed.extend_from_slice(how.between.as_bytes());
        }
        match part {
            Part::Method => signed.extend_from_slice(call.method.as_bytes()),
            Part::Timestamp => signed.extend_from_slice(time.as_bytes()),
            Part::Nonce => {
                let header = how.nonce.as_deref().unwrap_or_default();
                let nonce = call.header(header).ok_or("the call lacks a header that is signed")?;
                signed.extend_from_slice(nonce.as_bytes());
            }
            Part::Body => signed.extend_from_slice(body),
            Part::Address => {
                signed.extend_from_slice(address(how, client, registration, call)?.as_bytes());
            }
        }
    }
    signed.extend_from_slice(render(&how.after, &client.context([]))?.as_bytes());
    Ok(signed)
}

/// What the text there holds, as JSON.
fn opened(body: &Value, place: &str) -> Option<Value> {
    serde_json::from_str(at(body, place)?.as_str()?).ok()
}

fn moment(time: &str) -> Option<Timestamp> {
    match time.parse::<i64>() {
        Ok(number) if number > SECONDS_UNTIL => Some(Timestamp(number)),
        Ok(number) => Some(Timestamp(number * 1000)),
        Err(_) => Timestamp::parse(time),
    }
}
