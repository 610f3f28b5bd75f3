//! Registration of webhooks: the system is told where to call when `lockstep run` begins, and again
//! before that ends.
//!
//! A program that starts anew looks first whether the system knows the address, so that restarts
//! don't add up to registrations. One that stops leaves its registration: calls that find nobody
//! are lost, which the next reading on schedule makes good (R4), and the next start finds it again.

use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::answer::Answer;
use super::client::Client;
use super::errors;
use super::value::{at, text};
use super::written::{Manifest, RequestYaml, Webhook};
use crate::Trouble;

/// What is known of this system's registration.
#[derive(Default)]
pub struct Registration(Mutex<Known>);

#[derive(Clone, Default)]
struct Known {
    id: Option<String>,
    /// Made by the system, to sign calls with.
    secret: Option<String>,
    /// Where the system calls.
    address: Option<String>,
}

impl Registration {
    fn known(&self) -> Known {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the system signs its calls with, if it told.
    pub fn secret(&self) -> Option<String> {
        self.known().secret
    }

    /// The address that the system was told.
    pub fn address(&self) -> Option<String> {
        self.known().address
    }

    fn keep(&self, known: Known) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// Sees to it that the system calls this address. Gives after how many seconds it is to be told
    /// again; nothing if it need not.
    pub(super) fn listen(
        &self,
        manifest: &Manifest,
        client: &Client,
        url: &str,
    ) -> Result<Option<u64>, Trouble> {
        let server = Server { manifest, client };
        let Some(hook) = &manifest.webhook else { return Ok(None) };
        let Some(register) = &hook.register else { return Ok(None) };
        let mut known = self.known();
        if known.id.is_none() {
            known.id = server.already_registered(hook, url)?;
        }
        let renewed = match (&known.id, &hook.renew) {
            (Some(id), Some(renew)) => server.renewed(renew, id, url)?,
            // Where nothing ends, what is there is enough.
            (Some(_), None) => hook.renew_s.is_none(),
            (None, _) => false,
        };
        if !renewed {
            let answer = server.asked(register, None, url)?;
            // It may know the address already.
            if !matches!(answer.status, 409 | 422) || hook.registered.is_some() {
                server.expect_success(register, &answer)?;
            }
            known = Known {
                id: hook
                    .register_id
                    .as_ref()
                    .and_then(|place| at(&answer.body, place))
                    .and_then(text),
                secret: None,
                address: None,
            };
        }
        if let (Some(secret), None, Some(id)) = (&hook.secret, &known.secret, &known.id) {
            let answer = server.asked(&secret.request, Some(id), url)?;
            server.expect_success(&secret.request, &answer)?;
            known.secret = at(&answer.body, secret.item.as_deref().unwrap_or(""))
                .and_then(Value::as_str)
                .map(str::to_string);
        }
        known.address = Some(url.to_string());
        self.keep(known);
        Ok(hook.renew_s)
    }
}

/// The system whose calls are registered.
struct Server<'a> {
    manifest: &'a Manifest,
    client: &'a Client,
}

impl Server<'_> {
    /// The id of the registration that the system has of this address.
    fn already_registered(&self, hook: &Webhook, url: &str) -> Result<Option<String>, Trouble> {
        let Some(known) = &hook.registered else { return Ok(None) };
        let answer = self.asked(&known.request, None, url)?;
        self.expect_success(&known.request, &answer)?;
        let Some(Value::Array(all)) = at(&answer.body, known.items.as_deref().unwrap_or("")) else {
            return Ok(None);
        };
        let ours = all.iter().find(|one| at(one, &known.url).and_then(Value::as_str) == Some(url));
        Ok(ours.and_then(|one| at(one, &known.id)).and_then(text))
    }

    /// Whether the system still knew it.
    fn renewed(&self, renew: &RequestYaml, id: &str, url: &str) -> Result<bool, Trouble> {
        let answer = self.asked(renew, Some(id), url)?;
        if matches!(answer.status, 404 | 410) {
            return Ok(false);
        }
        self.expect_success(renew, &answer).map(|()| true)
    }

    fn asked(&self, request: &RequestYaml, id: Option<&str>, url: &str) -> Result<Answer, Trouble> {
        let context =
            self.client.context([("url", json!(url)), ("hook", json!(id.unwrap_or_default()))]);
        self.client.read(request, &context)
    }

    fn expect_success(&self, request: &RequestYaml, answer: &Answer) -> Result<(), Trouble> {
        errors::trouble(self.manifest, &self.client.name(request, &self.client.context([])), answer)
            .map_or(Ok(()), Err)
    }
}
