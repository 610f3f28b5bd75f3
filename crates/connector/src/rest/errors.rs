//! What answers mean: the manifest's rules first, then what HTTP itself says.

use lockstep_model::flow::PropertyRef;
use serde_json::Value;

use super::http::{Answer, NoAnswer};
use super::value::{at, locate, text};
use super::written::{ErrorRule, Manifest, Meaning, TypeYaml};
use crate::{Outcome, Trouble};

/// The outcome of a write that did not answer as it should. `None`: it did.
pub fn outcome(manifest: &Manifest, ty: &TypeYaml, watch: &[PropertyRef], named: &str, answer: &Answer) -> Option<Outcome> {
    let rule = manifest.errors.iter().find(|rule| fits(rule, answer));
    let message = |rule: Option<&ErrorRule>| {
        let told = rule.and_then(|rule| rule.message.iter().find_map(|place| at(&answer.body, place)).map(said));
        let told = told.or_else(|| {
            ["description", "message", "detail", "title", "error_description", "ErrorMessage", "error"]
                .iter()
                .find_map(|p| at(&answer.body, p))
                .map(said)
        });
        match told {
            Some(told) if !told.is_empty() => told,
            _ => format!("{named} answered {}", answer.status),
        }
    };
    let meaning = match rule {
        Some(rule) => rule.means,
        None => match answer.status {
            200..=299 => return None,
            401 | 403 => Meaning::Unauthorized,
            404 | 410 => Meaning::Gone,
            408 | 429 | 503 => Meaning::Later,
            409 | 412 => Meaning::Conflict,
            // The system may have done it before it failed.
            500..=599 => return Some(Outcome::Unknown { message: message(None) }),
            _ => Meaning::Rejected,
        },
    };
    Some(match meaning {
        Meaning::Duplicate => Outcome::Duplicate {
            id: rule.and_then(|rule| rule.id.as_ref()).and_then(|place| at(&answer.body, place)).and_then(text),
            message: message(rule),
        },
        Meaning::Conflict => Outcome::Conflict { message: message(rule) },
        Meaning::Gone => Outcome::Gone { message: message(rule) },
        Meaning::Later => Outcome::Later { retry_after_ms: answer.retry_after_ms, message: message(rule) },
        Meaning::Unauthorized if answer.status == 401 => Outcome::Stopped(unauthorized(manifest)),
        // One record that may not be touched is no reason to leave the others alone.
        Meaning::Rejected | Meaning::Unauthorized => {
            Outcome::Rejected { prop: rule.and_then(|rule| blamed(rule, ty, watch, &answer.body)), message: message(rule) }
        }
    })
}

/// What an answer to a reading means; `None` where it is as it should be. The manifest's own word comes first, whatever the status.
pub fn meaning<'m>(manifest: &'m Manifest, answer: &Answer) -> Option<(Meaning, Option<&'m ErrorRule>)> {
    if let Some(rule) = manifest.errors.iter().find(|rule| fits(rule, answer)) {
        return Some((rule.means, Some(rule)));
    }
    let meaning = match answer.status {
        200..=299 => return None,
        401 | 403 => Meaning::Unauthorized,
        404 | 410 => Meaning::Gone,
        _ => Meaning::Rejected,
    };
    Some((meaning, None))
}

/// The trouble that an answer to a reading means; `None` where it is as it should be.
pub fn trouble(manifest: &Manifest, named: &str, answer: &Answer) -> Option<Trouble> {
    let (meaning, rule) = meaning(manifest, answer)?;
    let told = rule.and_then(|rule| rule.message.iter().find_map(|place| at(&answer.body, place)).map(said)).unwrap_or_default();
    Some(match meaning {
        // Reading is what the key is for, whatever a refusal means to a single write.
        Meaning::Unauthorized => unauthorized(manifest),
        Meaning::Later => Trouble::Busy {
            retry_after_ms: answer.retry_after_ms,
            message: match told.is_empty() {
                true => format!("{named} answered {} and asks to come back later", answer.status),
                false => format!("{named} answered {} and asks to come back later: {told}", answer.status),
            },
        },
        _ => Trouble::Malformed(format!("{named} answered {}: {told}", answer.status)),
    })
}

/// The same for a request about one record: that this one may not be read is no reason to leave the others alone.
pub fn trouble_with_one(manifest: &Manifest, named: &str, answer: &Answer) -> Option<Trouble> {
    match meaning(manifest, answer)? {
        (Meaning::Unauthorized, _) if answer.status != 401 => {
            Some(Trouble::Malformed(format!("{named} answered {}: this record may not be read with this key", answer.status)))
        }
        _ => trouble(manifest, named, answer),
    }
}

/// What to do about a key that is refused.
pub fn unauthorized(manifest: &Manifest) -> Trouble {
    let secrets: Vec<&str> = manifest.settings.iter().filter(|(_, s)| s.secret).map(|(name, _)| name.as_str()).collect();
    Trouble::Unauthorized(format!(
        "{} refuses the key: check {} under `with:` in lockstep.yaml (and the variables in .env), then run `lockstep connect`",
        manifest.title,
        secrets.join(", ")
    ))
}

/// The outcome of a write that got no answer.
pub fn unanswered(no_answer: NoAnswer) -> Outcome {
    match no_answer {
        NoAnswer::NotSent(trouble) => Outcome::Stopped(trouble),
        NoAnswer::Lost(trouble) => Outcome::Unknown { message: trouble.to_string() },
    }
}

fn fits(rule: &ErrorRule, answer: &Answer) -> bool {
    if rule.status.is_some_and(|status| status != answer.status) {
        return false;
    }
    match &rule.at {
        None => true,
        Some(place) => at(&answer.body, place).is_some_and(|found| {
            let text = said(found).to_lowercase();
            let has = rule.has.is_empty() || rule.has.iter().any(|word| text.contains(&word.to_lowercase()));
            has && (rule.is.is_empty() || rule.is.contains(found))
        }),
    }
}

fn said(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // Zendesk's details: an object of lists of objects that each have a description.
        Value::Object(map) => map.values().map(said).filter(|t| !t.is_empty()).collect::<Vec<_>>().join("; "),
        Value::Array(list) => {
            let one = |v: &Value| v.get("description").map_or_else(|| said(v), said);
            list.iter().map(one).collect::<Vec<_>>().join("; ")
        }
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// For a duplicate that the system does not name: the watched property by which it can be looked up.
pub fn duplicate_of(manifest: &Manifest, ty: &TypeYaml, watch: &[PropertyRef], answer: &Answer) -> Option<usize> {
    let rule = manifest.errors.iter().find(|rule| fits(rule, answer))?;
    if rule.means == Meaning::Duplicate { blamed(rule, ty, watch, &answer.body) } else { None }
}

/// The watched property that an answer blames: named in a text, or as a key.
fn blamed(rule: &ErrorRule, ty: &TypeYaml, watch: &[PropertyRef], body: &Value) -> Option<usize> {
    if let Some(path) = &rule.blames {
        return watch.iter().position(|watched| locate(ty, watched).is_some_and(|located| located.path == path));
    }
    let mut named = Vec::new();
    for place in &rule.property {
        match at(body, place) {
            Some(Value::Object(map)) => named.extend(map.keys().cloned()),
            Some(Value::String(text)) => named.push(text.clone()),
            Some(Value::Array(list)) => named.extend(list.iter().filter_map(Value::as_str).map(str::to_string)),
            _ => {}
        }
    }
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '.').map(|w| w.trim_matches('.').to_lowercase()).collect()
    };
    let named: Vec<Vec<String>> = named.iter().map(|text| words(text)).collect();
    watch.iter().position(|watched| {
        let Some(located) = locate(ty, watched) else { return false };
        let places = [located.at.to_lowercase(), located.path.to_lowercase()];
        named.iter().flatten().any(|word| {
            places
                .iter()
                .any(|place| word == place || word.ends_with(&format!(".{place}")) || word.starts_with(&format!("{place}.")))
        })
    })
}
