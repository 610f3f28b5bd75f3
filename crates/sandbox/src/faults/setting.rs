//! The setting: how many of a thousand requests to a system are struck by what, for as long as it
//! stands.
//!
//! Which request is struck follows from the seed and the order of the system's requests, so a run
//! of requests that is made again is struck again. Rates are drawn one by one, and one request may
//! be struck by several: slow and rewritten.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

use super::{FaultKind, How, What};
use crate::http::Request;
use crate::systems;
use crate::util::ids::Source;

/// Probability, in matching requests per thousand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// 0 to 1000.
    pub per_mille: u16,
    #[serde(flatten)]
    pub what: What,
}

impl Rate {
    /// Every kind with its defaults can be had so; the fields of `what` say the rest.
    pub fn new(kind: FaultKind, per_mille: u16) -> Self {
        Self { per_mille, what: What::new(kind) }
    }
}

/// The rates of one system. Empty: it behaves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Which requests are struck, at the same rates.
    #[serde(default)]
    pub seed: u64,
    #[serde(default)]
    pub rates: Vec<Rate>,
}

/// How often each kind has struck a system since it was started.
pub type Struck = BTreeMap<FaultKind, u64>;

/// Why a text is no setting.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SettingError {
    #[error("not JSON: {0}")]
    NotJson(String),
    #[error("there is no preset '{0}'; there are {known}", known = PRESETS.join(", "))]
    UnknownPreset(String),
    #[error("'{0}' is nothing that a {1} has; it has {2}")]
    UnknownField(String, &'static str, String),
    #[error("{0}: {1}")]
    Wrong(String, String),
}

/// The settings that have a name.
pub const PRESETS: [&str; 3] = ["none", "some", "many"];

const OF_RATE: [&str; 11] = [
    "per_mille",
    "kind",
    "status",
    "retry_after",
    "delay_ms",
    "for_ms",
    "how",
    "characters",
    "properties",
    "method",
    "path_contains",
];

impl Setting {
    /// A setting by its name: `none`, `some` (everything at low rates), `many` (the same, eight
    /// times as often).
    pub fn preset(name: &str) -> Result<Self, SettingError> {
        let times = match name {
            "none" => return Ok(Self::default()),
            "some" => 1,
            "many" => 8,
            other => return Err(SettingError::UnknownPreset(other.to_owned())),
        };
        let rate = |kind, per_mille: u16| Rate::new(kind, per_mille * times);
        let status = |status, per_mille, retry_after| {
            let mut rate = rate(FaultKind::Status, per_mille);
            (rate.what.status, rate.what.retry_after) = (Some(status), retry_after);
            rate
        };
        let rewrite = |how, per_mille| {
            let mut rate = rate(FaultKind::Rewrite, per_mille);
            rate.what.how = Some(how);
            rate
        };
        let rates = vec![
            rate(FaultKind::LostAnswer, 10),
            rate(FaultKind::Down, 5),
            rate(FaultKind::BrokenJson, 2),
            status(429, 10, Some(1)),
            status(503, 5, Some(1)),
            status(500, 3, None),
            status(502, 3, None),
            rate(FaultKind::Slow, 20),
            rate(FaultKind::StaleRead, 20),
            rate(FaultKind::EmptyList, 5),
            rewrite(How::Trim, 20),
            rewrite(How::Cut, 5),
            rewrite(How::Upper, 5),
            rewrite(How::Round, 5),
            rewrite(How::Reformat, 10),
        ];
        Ok(Self { seed: 1, rates })
    }

    /// Reads a setting: an object, or the name of a preset as a JSON string.
    pub fn read(value: &Value) -> Result<Self, SettingError> {
        if let Some(name) = value.as_str() {
            return Self::preset(name);
        }
        fields(value, "setting", &["seed", "rates"])?;
        for rate in value["rates"].as_array().into_iter().flatten() {
            fields(rate, "rate", &OF_RATE)?;
        }
        let setting: Self = serde_json::from_value(value.clone())
            .map_err(|error| SettingError::Wrong("not a setting".into(), error.to_string()))?;
        match setting.rates.iter().find(|rate| rate.per_mille > 1000) {
            Some(rate) => Err(SettingError::Wrong(
                "per_mille".into(),
                format!("{} is more than all of a thousand", rate.per_mille),
            )),
            None => Ok(setting),
        }
    }

    /// Reads a file of settings: one setting, which holds for all systems; or
    /// `{"systems": {"wix": …}}`, where the systems that are not named behave.
    pub fn read_file(text: &str) -> Result<Vec<(String, Self)>, SettingError> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| SettingError::NotJson(error.to_string()))?;
        let Some(systems) = value.get("systems") else { return Ok(Self::read(&value)?.for_all()) };
        fields(&value, "file of settings", &["systems"])?;
        fields(systems, "sandbox", &systems::all().collect::<Vec<_>>())?;
        let one = |(name, setting): (&String, &Value)| {
            let wrong = |error: SettingError| SettingError::Wrong(name.clone(), error.to_string());
            Self::read(setting).map(|setting| (name.clone(), setting)).map_err(wrong)
        };
        systems.as_object().into_iter().flatten().map(one).collect()
    }

    /// The same for each system, with a seed of its own.
    pub fn for_all(&self) -> Vec<(String, Self)> {
        systems::all().map(|name| (name.to_owned(), self.clone())).collect()
    }

    /// How far back stale reads may look.
    pub(crate) fn span(&self) -> Duration {
        let stale = self
            .rates
            .iter()
            .filter(|rate| rate.what.kind == FaultKind::StaleRead && rate.per_mille > 0);
        stale.map(|rate| lag(&rate.what)).max().unwrap_or_default()
    }
}

/// How far a stale read lags behind.
pub(crate) fn lag(what: &What) -> Duration {
    Duration::from_millis(what.for_ms.unwrap_or(2000))
}

fn fields(value: &Value, of: &'static str, known: &[&str]) -> Result<(), SettingError> {
    let Some(object) = value.as_object() else {
        return Err(SettingError::Wrong(
            format!("a {of}"),
            "a JSON object is expected, or the name of a preset".into(),
        ));
    };
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(SettingError::UnknownField(key.clone(), of, known.join(", "))),
        None => Ok(()),
    }
}

/// A setting at work on one system.
pub(crate) struct Standing {
    setting: Setting,
    source: Source,
    struck: Struck,
}

impl Standing {
    pub fn new(system: &str, setting: Setting) -> Self {
        Self { source: Source::new(setting.seed, system), setting, struck: Struck::new() }
    }

    /// Another setting from now on; what has struck so far stays counted.
    pub fn set(&mut self, system: &str, setting: Setting) {
        self.source = Source::new(setting.seed, system);
        self.setting = setting;
    }

    pub fn setting(&self) -> &Setting {
        &self.setting
    }

    pub fn struck(&self) -> &Struck {
        &self.struck
    }

    /// Draws for one request.
    pub fn draw(&mut self, request: &Request, path: &str) -> Vec<What> {
        let Self { setting, source, .. } = self;
        let matching = setting.rates.iter().filter(|rate| rate.what.matches(request, path));
        matching
            .filter(|rate| source.below(1000) < u64::from(rate.per_mille))
            .map(|rate| rate.what.clone())
            .collect()
    }

    /// Counts what really struck.
    pub fn count(&mut self, kind: FaultKind) {
        *self.struck.entry(kind).or_default() += 1;
    }

    /// The setting and the counts, for people.
    pub fn shown(&self) -> Value {
        json!({"seed": self.setting.seed, "rates": self.setting.rates, "struck": self.struck})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_a_setting_is_told() {
        let read = |text: &str| {
            Setting::read_file(text).map(|all| all.len()).map_err(|error| error.to_string())
        };
        assert_eq!(read(r#""some""#), Ok(systems::all().count()));
        assert_eq!(
            read(
                r#"{"systems":{"wix":"many","zendesk":{"rates":[{"kind":"slow","per_mille":1000}]}}}"#
            ),
            Ok(2)
        );
        let told = |text: &str, part: &str| {
            let error = read(text).unwrap_err();
            assert!(error.contains(part), "{error}");
        };
        told(r#""most""#, "there are none, some, many");
        told(
            r#"{"rates":[{"kind":"slow","per_mile":3}]}"#,
            "'per_mile' is nothing that a rate has",
        );
        told(r#"{"rates":[{"kind":"slow"}]}"#, "per_mille");
        told(r#"{"rates":[{"kind":"slowly","per_mille":3}]}"#, "slowly");
        told(r#"{"rates":[{"kind":"slow","per_mille":1001}]}"#, "1001 is more than all");
        told(r#"{"systems":{"nobody":"some"}}"#, "nobody");
        told("rates: 3", "not JSON");
    }

    #[test]
    fn the_presets_hold_every_kind_that_ends_by_itself() {
        let some = Setting::preset("some").unwrap();
        for kind in [
            "lost-answer",
            "down",
            "broken-json",
            "status",
            "slow",
            "stale-read",
            "empty-list",
            "rewrite",
        ] {
            let kind: FaultKind = serde_json::from_value(Value::from(kind)).unwrap();
            assert!(some.rates.iter().any(|rate| rate.what.kind == kind), "{kind:?}");
        }
        assert!(some.rates.iter().all(|rate| rate.per_mille <= 20));
        assert_eq!(Setting::read(&serde_json::to_value(&some).unwrap()), Ok(some));
    }
}
