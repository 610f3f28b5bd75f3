//! Calls from the system (webhooks): who calls is proven by a signature (HMAC, RFC 2104; or a web
//! token, `jwt`), an old call or one that came before does nothing, and what it says is only a hint
//! to read now (R4).

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use base64::alphabet::STANDARD;
use lockstep_model::Timestamp;
use ring::hmac;
use serde_json::Value;

use super::client::Client;
use super::jwt;
use super::register::Registration;
use super::template::render;
use super::value::{at, text};
use super::written::{Encoding, Hash, Signature, WebToken, Webhook};
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
            None => serde_json::from_slice(&call.body).ok(),
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
        let Some(word) = hook.word.as_ref().filter(|_| !hook.types.is_empty()) else {
            return Heard::Hint(vec![]);
        };
        let events = match at(&body, hook.events.as_deref().unwrap_or("")) {
            Some(Value::Array(events)) => events.as_slice(),
            Some(event) => std::slice::from_ref(event),
            None => return Heard::Refused("the call has no events where the manifest says".into()),
        };
        let mut named: Vec<Named> = Vec::new();
        for event in events {
            let Some(word) = at(event, word).and_then(text) else { continue };
            let id = hook.id.as_ref().and_then(|place| at(event, place)).and_then(text);
            let kinds = hook
                .types
                .iter()
                .filter(|(_, begins)| word.starts_with(begins.as_str()))
                .map(|(kind, _)| kind);
            for kind in kinds {
                let one = Named { kind: kind.clone(), id: id.clone() };
                if !named.contains(&one) {
                    named.push(one);
                }
            }
        }
        // What is none of our record types is no reason to read anything.
        if named.is_empty() { Heard::Again } else { Heard::Hint(named) }
    }
}

/// What a web token says, and what tells it apart from others.
fn claims(how: &WebToken, client: &Client, call: &Call) -> Result<(Vec<u8>, Value), String> {
    let key = render(&how.key, &client.context([]))?;
    if key.trim().is_empty() {
        return Err("there is no public key in the settings to check calls with".into());
    }
    jwt::verified(&key, &call.body, call.at, how.max_age_s.unwrap_or(MAX_AGE_S))
}

/// The signature, if it is right and the call is fresh.
fn proven(
    how: &Signature,
    client: &Client,
    registration: &Registration,
    call: &Call,
) -> Result<Vec<u8>, String> {
    let header = |name: &str| {
        let name = name.to_lowercase();
        call.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.trim().to_string())
    };
    let given = header(&how.header).ok_or("the call is not signed")?;
    let given =
        given.strip_prefix(how.prefix.as_str()).ok_or("the call's signature has another form")?;
    let given = match how.encoding {
        Encoding::Hex => unhex(given),
        Encoding::Base64 => unbase64(given, &STANDARD),
    };
    let given = given.ok_or("the call's signature has another form")?;
    // Of a registration made by hand, and of our own.
    let secrets = [Some(render(&how.secret, &client.context([]))?), registration.secret()];
    let mut secrets = secrets.into_iter().flatten().filter(|secret| !secret.is_empty()).peekable();
    if secrets.peek().is_none() {
        return Err("there is no secret in the settings to check calls with".into());
    }
    let mut signed = Vec::new();
    if let Some(name) = &how.timestamp {
        let time = header(name).ok_or("the call does not tell its time")?;
        let sent = moment(&time).ok_or("the call's time can't be read")?;
        let most = 1000 * how.max_age_s.unwrap_or(MAX_AGE_S);
        if (call.at.0 - sent.0).abs() > most {
            return Err("the call is too old".into());
        }
        signed.extend_from_slice(time.as_bytes());
        signed.extend_from_slice(how.between.as_bytes());
    }
    signed.extend_from_slice(&call.body);
    signed.extend_from_slice(render(&how.after, &client.context([]))?.as_bytes());
    let algorithm = match how.hash {
        Hash::Sha256 => hmac::HMAC_SHA256,
        Hash::Sha512 => hmac::HMAC_SHA512,
        Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
    };
    // Compares in constant time.
    let by = |secret: String| {
        hmac::verify(&hmac::Key::new(algorithm, secret.as_bytes()), &signed, &given).is_ok()
    };
    if secrets.any(by) { Ok(given) } else { Err("the call's signature is wrong".into()) }
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
