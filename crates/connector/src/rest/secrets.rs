//! Secrets are kept out of what is told: a system may repeat in an error what it was sent, key and all, and its words go into messages,
//! reports and the journal. Whatever leaves a connector as words passes by here.

use lockstep_model::Value;
use serde_json::Map;

use super::http::base64;
use super::template::{percent_encoded, render};
use super::written::{Auth, Manifest};
use crate::{Outcome, Trouble};

/// Shorter ones would cover words that mean something else.
const SHORTEST: usize = 4;
const COVER: &str = "•••";

/// What is not to be told.
#[derive(Default)]
pub struct Secrets(Vec<String>);

impl Secrets {
    /// The settings that are marked as secret, and what requests carry to be let in, however it is written on the way.
    pub fn of(manifest: &Manifest, settings: &Map<String, Value>) -> Secrets {
        let mut secrets = Secrets::default();
        let marked = manifest.settings.iter().filter(|(_, setting)| setting.secret);
        for text in marked.filter_map(|(name, _)| settings.get(name)?.as_str()) {
            secrets.add(text);
        }
        let context = Value::Object(settings.clone());
        let auths = std::iter::once(&manifest.auth).chain(manifest.apis.values().map(|api| &api.auth));
        for auth in auths {
            let Auth { basic, bearer, headers, query, token, .. } = auth;
            let pairs = basic.iter().chain(token.iter().filter_map(|token| token.basic.as_ref()));
            for pair in pairs.filter_map(|pair| render(pair, &context).ok()) {
                secrets.add(&base64(pair.as_bytes()));
                secrets.add(pair.split_once(':').map_or("", |(_, password)| password));
            }
            for text in bearer.iter().chain(headers.values()).chain(query.values()).filter(|text| text.contains("{{")) {
                secrets.add(&render(text, &context).unwrap_or_default());
            }
        }
        secrets
    }

    fn add(&mut self, secret: &str) {
        let quoted = serde_json::to_string(secret).unwrap_or_default();
        for form in [secret, &percent_encoded(secret), &base64(secret.as_bytes()), quoted.trim_matches('"')] {
            let form = form.trim();
            if form.len() >= SHORTEST && !self.0.iter().any(|known| known == form) {
                self.0.push(form.to_string());
            }
        }
        // A key of many lines is told line by line as well.
        for line in secret.replace("\\n", "\n").lines().filter(|line| line.len() > 3 * SHORTEST && !line.starts_with("-----")) {
            if !self.0.iter().any(|known| known == line) {
                self.0.push(line.to_string());
            }
        }
        // The longest first: one may be a part of another.
        self.0.sort_by_key(|known| std::cmp::Reverse(known.len()));
    }

    /// The text without secrets, those and these.
    pub fn cover(&self, text: String, more: &[String]) -> String {
        let all = self.0.iter().chain(more.iter().filter(|secret| secret.len() >= SHORTEST));
        all.fold(text, |text, secret| if text.contains(secret.as_str()) { text.replace(secret.as_str(), COVER) } else { text })
    }

    pub fn in_trouble(&self, trouble: Trouble, more: &[String]) -> Trouble {
        let cover = |text| self.cover(text, more);
        match trouble {
            Trouble::Unauthorized(text) => Trouble::Unauthorized(cover(text)),
            Trouble::Unreachable(text) => Trouble::Unreachable(cover(text)),
            Trouble::Busy { retry_after_ms, message } => Trouble::Busy { retry_after_ms, message: cover(message) },
            Trouble::Malformed(text) => Trouble::Malformed(cover(text)),
            Trouble::Misconfigured(text) => Trouble::Misconfigured(cover(text)),
        }
    }

    pub fn in_outcome(&self, outcome: Outcome, more: &[String]) -> Outcome {
        let cover = |text| self.cover(text, more);
        match outcome {
            Outcome::Done(record) => Outcome::Done(record),
            Outcome::Conflict { message } => Outcome::Conflict { message: cover(message) },
            Outcome::Duplicate { id, message } => Outcome::Duplicate { id, message: cover(message) },
            Outcome::Rejected { prop, message } => Outcome::Rejected { prop, message: cover(message) },
            Outcome::Gone { message } => Outcome::Gone { message: cover(message) },
            Outcome::Later { retry_after_ms, message } => Outcome::Later { retry_after_ms, message: cover(message) },
            Outcome::Unknown { message } => Outcome::Unknown { message: cover(message) },
            Outcome::Stopped(trouble) => Outcome::Stopped(self.in_trouble(trouble, more)),
        }
    }
}
