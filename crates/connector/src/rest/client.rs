//! The connection to one account: its addresses, its settings, its rate, and the tokens that it
//! holds. Requests are sent by `requests`, tokens renewed by `tokens`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::address::origin;
use super::given::number;
use super::secrets::{Secrets, cut};
use super::template::render;
use super::written::{Auth, Manifest, Moved, Rate, RequestYaml};
use crate::http::{Http, Limits};
use crate::vault::{Credentials, VaultEntry};
use crate::{Traffic, Trouble};

/// A longer path is cut in messages.
const LONGEST_PATH: usize = 200;

/// The connection to one account. All record types, and all interfaces of the system, share its
/// rate.
pub struct Client {
    pub http: Http,
    pub title: String,
    pub main: Endpoint,
    /// By the names under the manifest's `apis`.
    pub others: BTreeMap<String, Endpoint>,
    /// The settings, for templates. Secrets among them.
    pub settings: Map<String, Value>,
    pub keep: Option<VaultEntry>,
    pub rate: Rate,
    pub moved: Option<Moved>,
    pub secrets: Secrets,
    /// Some answer has held a secret: whatever is read is looked through from then on.
    pub echoes: AtomicBool,
}

/// One interface of the system: its address and how to be let in.
pub struct Endpoint {
    /// Empty for the main one.
    pub name: String,
    base: RwLock<String>,
    pub auth: Auth,
    pub headers: BTreeMap<String, String>,
    pub held: Mutex<TokenState>,
}

impl Endpoint {
    fn new(
        name: &str,
        base: &str,
        auth: &Auth,
        headers: &BTreeMap<String, String>,
        settings: &Value,
    ) -> Result<Endpoint, Trouble> {
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
        Ok(Endpoint {
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

/// What a token request gave.
#[derive(Default)]
pub struct TokenState {
    pub token: Option<String>,
    /// When it is better renewed before it is refused.
    pub until: Option<Instant>,
    /// A refresh token that replaced the one in the settings, where a system hands out a new one
    /// each time.
    pub refresh: Option<String>,
    /// The last one that was refused, so that it is not taken from the vault again.
    pub refused: Option<String>,
    /// What a renewal gave and the disk did not take.
    pub unsaved: Option<Credentials>,
}

/// Requests in a minute. A project that gives a rate of its own, above the manifest's, raises them.
pub(super) fn per_minute(
    settings: &Map<String, Value>,
    rate: &super::written::Rate,
) -> Option<u32> {
    let own = number(settings, "rate_per_second").map_or(0.0, |own| own * 60.0);
    // As many as the number can hold are as good as all.
    rate.per_minute.map(|most| most.max(own as u32))
}

impl Client {
    /// A client for a manifest with its settings. Nothing is sent yet.
    pub fn new(
        manifest: &Manifest,
        settings: Map<String, Value>,
        keep: Option<VaultEntry>,
    ) -> Result<Client, Trouble> {
        let timeout =
            number(&settings, "timeout_s").map_or(Duration::from_secs(60), Duration::from_secs_f64);
        let rate = &manifest.rate;
        let at_once = number(&settings, "at_once").map(|at_once| at_once as usize);
        let limits = Limits {
            per_second: number(&settings, "rate_per_second").or(rate.per_second),
            per_minute: per_minute(&settings, rate),
            per_day: rate.per_day,
            at_once: at_once.or(rate.at_once),
        };
        let context = Value::Object(settings.clone());
        let main = Endpoint::new("", &manifest.base, &manifest.auth, &manifest.headers, &context)?;
        let endpoint = |(name, api): (&String, &super::written::Api)| {
            Ok((name.clone(), Endpoint::new(name, &api.base, &api.auth, &api.headers, &context)?))
        };
        let others = manifest.apis.iter().map(endpoint).collect::<Result<_, Trouble>>()?;
        Ok(Client {
            http: Http::new(timeout, &limits),
            title: manifest.title.clone(),
            main,
            others,
            secrets: Secrets::of(manifest, &settings),
            settings,
            keep,
            rate: manifest.rate.clone(),
            moved: manifest.moved.clone(),
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
        self.http.traffic()
    }

    /// How many requests may be under way at one time.
    pub fn at_once(&self) -> usize {
        self.http.at_once()
    }

    /// Which server is asked, for messages.
    pub fn server(&self) -> String {
        origin(&self.main.base())
    }

    pub fn endpoint(&self, request: &RequestYaml) -> &Endpoint {
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

    /// How a request is named in messages: by the path that was asked for, without its query and
    /// without the secrets that a template may have put into it.
    pub fn name(&self, request: &RequestYaml, context: &Value) -> String {
        let path = render(&request.path, context).ok().filter(|path| !path.is_empty());
        let path = path.as_deref().unwrap_or(&request.path);
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let path = cut(&self.secrets.cover(path.to_string(), &[]), LONGEST_PATH);
        format!("{} {} {path}", self.title, request.method.as_deref().unwrap_or("GET"))
    }

    /// Every token that was used or given and not replaced: none is to be told.
    pub fn tokens(&self) -> Vec<String> {
        let of = |endpoint: &Endpoint| {
            let held = endpoint.held.lock().unwrap_or_else(PoisonError::into_inner);
            let TokenState { token, refresh, refused, unsaved, .. } = &*held;
            let unsaved = unsaved.iter().flat_map(|kept| [&kept.access, &kept.refresh]);
            [token, refresh, refused]
                .into_iter()
                .chain(unsaved)
                .flatten()
                .cloned()
                .collect::<Vec<_>>()
        };
        std::iter::once(&self.main).chain(self.others.values()).flat_map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_of_the_projects_own_raises_what_a_minute_takes_and_never_lowers_it() {
        let rate = super::super::written::Rate { per_minute: Some(60), ..Default::default() };
        let of = |own: Value| {
            let settings = serde_json::json!({ "rate_per_second": own });
            per_minute(settings.as_object().unwrap(), &rate)
        };
        assert_eq!(of(serde_json::json!(10)), Some(600));
        assert_eq!(of(serde_json::json!("2.5")), Some(150));
        assert_eq!(of(serde_json::json!(0.1)), Some(60));
        assert_eq!(per_minute(&Map::new(), &rate), Some(60));
        assert_eq!(per_minute(&Map::new(), &Default::default()), None);
    }
}
