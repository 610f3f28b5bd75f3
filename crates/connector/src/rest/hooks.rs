//! Calls from the system (webhooks): who calls is proven by a signature (HMAC, RFC 2104, with SHA-256), an old call or one that came before
//! does nothing, and what it says is only a hint to read now (R4).

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use lockstep_model::Timestamp;
use ring::hmac;
use serde_json::{Value, json};

use super::template::render;
use super::tokens::unbase64;
use super::value::{at, text};
use super::written::{Encoding, Signature};
use super::{Rest, errors};
use crate::vault::unhex;
use crate::{Call, Heard, Trouble};

/// So many calls are remembered; an older one is refused by its time.
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
}

impl Rest {
    pub(super) fn heard(&self, call: &Call) -> Heard {
        let Some(hook) = &self.manifest.webhook else { return Heard::NotOffered };
        if let Some(name) = &hook.challenge_query
            && let Some((_, wanted)) = call.query.iter().find(|(key, _)| key == name)
        {
            return Heard::Challenge(wanted.clone());
        }
        if let Some(signature) = &hook.signature {
            match self.proven(signature, call) {
                Err(why) => return Heard::Refused(why),
                Ok(proof) if self.calls.again(&proof) => return Heard::Again,
                Ok(_) => {}
            }
        }
        let body: Value = match serde_json::from_slice(&call.body) {
            Ok(body) => body,
            Err(_) => return Heard::Refused("the call's body is not JSON".into()),
        };
        if let Some(wanted) = hook.challenge_at.as_ref().and_then(|place| at(&body, place)).and_then(text) {
            return Heard::Challenge(wanted);
        }
        let Some(word) = hook.word.as_ref().filter(|_| !hook.types.is_empty()) else { return Heard::Hint(vec![]) };
        let events = match at(&body, hook.events.as_deref().unwrap_or("")) {
            Some(Value::Array(events)) => events.as_slice(),
            Some(event) => std::slice::from_ref(event),
            None => return Heard::Refused("the call has no events where the manifest says".into()),
        };
        let words: Vec<String> = events.iter().filter_map(|event| at(event, word).and_then(text)).collect();
        let meant = |(_, begins): &(&String, &String)| words.iter().any(|word| word.starts_with(begins.as_str()));
        let kinds: Vec<String> = hook.types.iter().filter(meant).map(|(kind, _)| kind.clone()).collect();
        // What is none of our record types is no reason to read anything.
        if kinds.is_empty() { Heard::Again } else { Heard::Hint(kinds) }
    }

    /// The signature, if it is right and the call is fresh.
    fn proven(&self, how: &Signature, call: &Call) -> Result<Vec<u8>, String> {
        let header = |name: &str| {
            let name = name.to_lowercase();
            call.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.trim().to_string())
        };
        let given = header(&how.header).ok_or("the call is not signed")?;
        let given = given.strip_prefix(how.prefix.as_str()).ok_or("the call's signature has another form")?;
        let given = match how.encoding {
            Encoding::Hex => unhex(given),
            Encoding::Base64 => unbase64(given, b'+', b'/'),
        };
        let given = given.ok_or("the call's signature has another form")?;
        let secret = render(&how.secret, &self.client.context([]))?;
        if secret.is_empty() {
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
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        // Compares in constant time.
        hmac::verify(&key, &signed, &given).map_err(|_| "the call's signature is wrong".to_string())?;
        Ok(given)
    }

    pub(super) fn register(&self, url: &str) -> Result<Option<u64>, Trouble> {
        let Some(hook) = &self.manifest.webhook else { return Ok(None) };
        let Some(request) = &hook.register else { return Ok(None) };
        let context = self.client.context([("url", json!(url))]);
        let answer = self.client.read(request, &context)?;
        // It may know the address already.
        if matches!(answer.status, 409 | 422) {
            return Ok(hook.renew_s);
        }
        match errors::trouble(&self.manifest, &self.client.name(request), &answer) {
            Some(trouble) => Err(trouble),
            None => Ok(hook.renew_s),
        }
    }
}

fn moment(time: &str) -> Option<Timestamp> {
    match time.parse::<i64>() {
        Ok(number) if number > SECONDS_UNTIL => Some(Timestamp(number)),
        Ok(number) => Some(Timestamp(number * 1000)),
        Err(_) => Timestamp::parse(time),
    }
}
