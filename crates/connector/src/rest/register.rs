//! Registration of webhooks: the system is told where to call when `lockstep run` begins, and again
//! before that ends.
//!
//! A program that starts anew looks first whether the system knows the address, so that restarts
//! don't add up to registrations. One that stops leaves its registration: calls that find nobody
//! are lost, which the next reading on schedule makes good (R4), and the next start finds it again.
//!
//! Some systems are told once for each kind of event: each such *topic* is registered by itself, and
//! one that is refused keeps no other from being registered.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::answer::Answer;
use super::client::Client;
use super::errors;
use super::template::{is_template, render};
use super::value::{at, text};
use super::written::{Manifest, Meaning, Registered, RequestYaml, Webhook};
use crate::Trouble;

/// The bits of a number that JSON's numbers hold exactly.
const EXACT_BITS: u32 = 53;

/// What is known of this system's registrations.
#[derive(Default)]
pub struct Registration(Mutex<State>);

#[derive(Clone, Default)]
struct State {
    /// Where the system calls.
    address: Option<String>,
    /// By topic; that of a system without topics is empty.
    known: BTreeMap<String, Known>,
}

#[derive(Clone, Default)]
struct Known {
    id: Option<String>,
    /// Made by the system, to sign calls with.
    secret: Option<String>,
}

impl Registration {
    fn state(&self) -> State {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the system signs its calls with, where it told.
    pub fn secrets(&self) -> Vec<String> {
        self.state().known.into_values().filter_map(|known| known.secret).collect()
    }

    /// The address that the system was told, or a person has told it.
    pub fn address(&self) -> Option<String> {
        self.state().address
    }

    fn keep(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Sees to it that the system calls this address when something of these record types changes.
    /// Gives after how many seconds it is to be told again; nothing if it need not.
    pub(super) fn listen(
        &self,
        manifest: &Manifest,
        client: &Client,
        url: &str,
        kinds: &[String],
    ) -> Result<Option<u64>, Trouble> {
        let Some(hook) = &manifest.webhook else { return Ok(None) };
        self.keep(|state| state.address = Some(url.to_string()));
        let Some(register) = &hook.register else { return Ok(None) };
        can_be_checked(manifest, client, hook)?;
        let topics: Vec<&str> = match hook.topics.is_empty() {
            true => vec![""],
            false => {
                let of = |kind: &String| hook.topics.get(kind).into_iter().flatten();
                kinds.iter().flat_map(of).map(String::as_str).collect()
            }
        };
        let mut there = None;
        let mut refused = None;
        for topic in topics {
            let server = Server { manifest, client, hook, url, topic };
            let before = self.state().known.get(topic).cloned().unwrap_or_default();
            match server.told(register, before, &mut there) {
                Ok(known) => self.keep(|state| drop(state.known.insert(topic.into(), known))),
                // A key that is refused is refused for all of them.
                Err(trouble @ Trouble::Unauthorized(_)) => return Err(trouble),
                Err(trouble) => refused = refused.or(Some(trouble)),
            }
        }
        match refused {
            Some(trouble) => Err(trouble),
            None => Ok(hook.renew_s),
        }
    }
}

/// Whether there is a secret to check calls with: a system whose calls would all be refused is not
/// told where to call.
fn can_be_checked(manifest: &Manifest, client: &Client, hook: &Webhook) -> Result<(), Trouble> {
    let secret = hook.signature.as_ref().map(|signature| &signature.secret);
    let Some(secret) = secret.or(hook.repeats.as_ref().map(|repeated| &repeated.secret)) else {
        return Ok(());
    };
    let given = render(secret, &client.context([])).map_err(Trouble::Misconfigured)?;
    if !given.is_empty() || hook.secret.is_some() {
        return Ok(());
    }
    let wanted = manifest.settings.iter().find(|(name, _)| secret.contains(name.as_str()));
    let wanted = wanted.map_or_else(
        || "a secret".to_string(),
        |(name, setting)| format!("`{name}` ({})", setting.what),
    );
    Err(Trouble::Misconfigured(format!(
        "its calls could not be told from forged ones. Give {wanted} under `with:`; until then it is read on schedule only"
    )))
}

/// The system whose calls are registered, and what for.
struct Server<'a> {
    manifest: &'a Manifest,
    client: &'a Client,
    hook: &'a Webhook,
    url: &'a str,
    topic: &'a str,
}

impl Server<'_> {
    /// Sees to it that the system knows the address for this topic. `there` is what it says that it
    /// knows, where one request tells that for all topics.
    fn told(
        &self,
        register: &RequestYaml,
        mut known: Known,
        there: &mut Option<Value>,
    ) -> Result<Known, Trouble> {
        let hook = self.hook;
        if known.id.is_none()
            && let Some(how) = &hook.registered
        {
            known.id = self.already_registered(how, there)?;
        }
        let renewed = match (&known.id, &hook.renew) {
            (Some(id), Some(renew)) => self.renewed(renew, id)?,
            // Where nothing ends, what is there is enough.
            (Some(_), None) => hook.renew_s.is_none(),
            (None, _) => false,
        };
        if !renewed {
            let answer = self.asked(register, None)?;
            // It may know the address already.
            if !matches!(answer.status, 409 | 422) || hook.registered.is_some() {
                self.expect_success(register, &answer)?;
            }
            let id = hook.register_id.as_ref().and_then(|place| at(&answer.body, place));
            known = Known { id: id.and_then(text), secret: None };
        }
        if let (Some(secret), None, Some(id)) = (&hook.secret, &known.secret, &known.id) {
            let answer = self.asked(&secret.request, Some(id))?;
            self.expect_success(&secret.request, &answer)?;
            known.secret = at(&answer.body, secret.item.as_deref().unwrap_or(""))
                .and_then(Value::as_str)
                .map(str::to_string);
        }
        Ok(known)
    }

    /// The id of the registration that the system has of this address and topic.
    fn already_registered(
        &self,
        how: &Registered,
        there: &mut Option<Value>,
    ) -> Result<Option<String>, Trouble> {
        let all = match there.take() {
            Some(all) => all,
            None => {
                let answer = self.asked(&how.request, None)?;
                if !matches!(errors::meaning(self.manifest, &answer), Some((Meaning::Gone, _))) {
                    self.expect_success(&how.request, &answer)?;
                }
                at(&answer.body, how.items.as_deref().unwrap_or("")).cloned().unwrap_or_default()
            }
        };
        let topic_of = |one: &Value, place: &str| match is_template(place) {
            true => render(place, &self.client.context([("registration", one.clone())])).ok(),
            false => at(one, place).and_then(text),
        };
        let ours = all.as_array().into_iter().flatten().find(|one| {
            let topic = how.topic.as_ref();
            at(one, &how.url).and_then(Value::as_str) == Some(self.url)
                && topic.is_none_or(|place| topic_of(one, place).as_deref() == Some(self.topic))
        });
        let id = ours.and_then(|one| at(one, &how.id)).and_then(text);
        if how.topic.is_some() {
            *there = Some(all);
        }
        Ok(id)
    }

    /// Whether the system still knew it.
    fn renewed(&self, renew: &RequestYaml, id: &str) -> Result<bool, Trouble> {
        let answer = self.asked(renew, Some(id))?;
        match errors::meaning(self.manifest, &answer) {
            Some((Meaning::Gone, _)) => Ok(false),
            _ => self.expect_success(renew, &answer).map(|()| true),
        }
    }

    fn asked(&self, request: &RequestYaml, id: Option<&str>) -> Result<Answer, Trouble> {
        self.client.read(request, &self.context(id))
    }

    fn context(&self, id: Option<&str>) -> Value {
        let lives = self.hook.lives_s.map(|seconds| {
            let ends = jiff::Timestamp::now() + SignedDuration::from_secs(seconds as i64);
            json!(ends.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string())
        });
        let text = format!("{}\n{}", self.url, self.topic);
        let number = xxhash_rust::xxh3::xxh3_64(text.as_bytes()) >> (u64::BITS - EXACT_BITS);
        self.client.context([
            ("url", json!(self.url)),
            ("hook", json!(id.unwrap_or_default())),
            ("topic", json!(self.topic)),
            ("hook_number", json!(number)),
            ("ends", lives.unwrap_or_default()),
        ])
    }

    fn expect_success(&self, request: &RequestYaml, answer: &Answer) -> Result<(), Trouble> {
        let named = self.client.name(request, &self.context(None));
        errors::trouble(self.manifest, &named, answer).map_or(Ok(()), Err)
    }
}
