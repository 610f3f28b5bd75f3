//! The settings of a connected system: what was given, with the defaults of its manifest.

use serde_json::{Map, Value, json};

use super::template;
use super::written::Manifest;
use crate::Trouble;

/// The settings with their defaults. An unknown one is told with the known ones; so is a missing
/// one, if they are `needed`.
pub fn settings(
    manifest: &Manifest,
    given: &Map<String, Value>,
    needed: bool,
) -> Result<Map<String, Value>, Trouble> {
    const COMMON: [&str; 3] = ["timeout_s", "rate_per_second", "at_once"];
    let known = || {
        manifest.settings.keys().map(String::as_str).chain(COMMON).collect::<Vec<_>>().join(", ")
    };
    let mut settings = Map::new();
    // A request that waits for longer than a day, or for no time at all, is a mistake.
    for (name, least, most) in [
        ("timeout_s", 0.001, 86_400.0),
        ("rate_per_second", 0.001, 100_000.0),
        ("at_once", 1.0, 64.0),
    ] {
        let open =
            |value: &Value| value.as_str().is_some_and(|text| !needed && text.contains("${"));
        let Some(value) = given.get(name).filter(|value| !open(value)) else { continue };
        if !number(given, name).is_some_and(|number| (least..=most).contains(&number)) {
            return Err(Trouble::Misconfigured(format!(
                "`{name}` is {value}: a number from {least} to {most} is expected"
            )));
        }
    }
    for (name, value) in given {
        if !manifest.settings.contains_key(name) && !COMMON.contains(&name.as_str()) {
            return Err(Trouble::Misconfigured(format!(
                "{} has no setting `{name}`; it has {}",
                manifest.title,
                known()
            )));
        }
        settings.insert(name.clone(), value.clone());
    }
    for (name, setting) in &manifest.settings {
        if settings
            .get(name)
            .is_some_and(|value| !matches!(value, Value::String(text) if text.is_empty()))
        {
            continue;
        }
        match &setting.default {
            Some(default) => drop(settings.insert(name.clone(), json!(default))),
            None if setting.unless.as_ref().is_some_and(|other| is_given(given, other)) => {}
            None if needed => {
                return Err(Trouble::Misconfigured(format!(
                    "{} needs the setting `{name}`: {}",
                    manifest.title, setting.what
                )));
            }
            None => {}
        }
    }
    // A default may follow from other settings: an address from an address. It sees what was given,
    // and plain defaults.
    let given = Value::Object(settings.clone());
    for setting in settings.values_mut() {
        if let Value::String(text) = setting
            && (text.contains("{%") || text.contains("{{"))
            && manifest.settings.values().any(|known| known.default.as_deref() == Some(text))
        {
            *text = template::render(text, &given).map_err(Trouble::Misconfigured)?;
        }
    }
    Ok(settings)
}

/// Whether a setting has a value, be it one that comes from the environment.
pub fn is_given(given: &Map<String, Value>, name: &str) -> bool {
    given.get(name).is_some_and(|value| !value.is_null() && value.as_str() != Some(""))
}

/// A setting that is a number, also where it came as text out of an environment variable.
pub fn number(settings: &Map<String, Value>, name: &str) -> Option<f64> {
    settings.get(name).and_then(|v| v.as_str().map_or(v.as_f64(), |text| text.trim().parse().ok()))
}
