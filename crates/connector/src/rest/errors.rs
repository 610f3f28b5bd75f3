//! What answers mean: the manifest's rules first, then what HTTP itself says.

use lockstep_model::flow::PropertyRef;
use serde_json::Value;

use super::answer::Answer;
use super::ids::id_in;
use super::secrets::cut;
use super::value::{at, locate, text};
use super::written::{ErrorRule, Manifest, Meaning, TypeYaml};
use crate::http::NoAnswer;
use crate::{Outcome, Trouble, WriteValue};

/// A write as far as its answer is to be understood.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub ty: &'a TypeYaml,
    pub watch: &'a [PropertyRef],
    /// Which properties were sent, where that helps to tell which one is refused.
    pub sent: &'a [WriteValue],
    /// Where the record is in a good answer.
    pub item: Option<&'a str>,
}

/// The outcome of a write that did not answer as it should. `None`: it did.
pub fn outcome(
    manifest: &Manifest,
    asked: Asked<'_>,
    named: &str,
    answer: &Answer,
) -> Option<Outcome> {
    let Asked { ty, watch, .. } = asked;
    let rule = rule_for(manifest, answer);
    let message = |rule: Option<&ErrorRule>| {
        let told = rule.and_then(|rule| {
            rule.message.iter().find_map(|place| at(&answer.body, place)).map(said)
        });
        let told = told.filter(|told| !told.is_empty()).or_else(|| words(&answer.body));
        with_meaning(told.unwrap_or_else(|| format!("{named} answered {}", answer.status)), rule)
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
            id: rule
                .and_then(|rule| rule.id.as_ref())
                .and_then(|place| at(&answer.body, place))
                .and_then(text),
            message: message(rule),
        },
        Meaning::Conflict => Outcome::Conflict { message: message(rule) },
        Meaning::Gone => Outcome::Gone { message: message(rule) },
        Meaning::Unknown => Outcome::Unknown { message: message(rule) },
        Meaning::Later => {
            Outcome::Later { retry_after_ms: answer.retry_after_ms, message: message(rule) }
        }
        Meaning::Unauthorized if answer.status == 401 => Outcome::Stopped(unauthorized(manifest)),
        // One record that may not be touched is no reason to leave the others alone.
        Meaning::Rejected | Meaning::Unauthorized => {
            let blamed = rule.and_then(|rule| blamed(rule, ty, watch, &answer.body));
            let names_one = answer.status != 401 && answer.status != 403;
            Outcome::Rejected {
                prop: blamed.or_else(|| guessed(asked, &answer.body).filter(|_| names_one)),
                message: message(rule),
            }
        }
    })
}

/// The same for a write of one record: some systems say with 200 that nothing was done (G4).
pub fn outcome_of_one(
    manifest: &Manifest,
    asked: Asked<'_>,
    named: &str,
    answer: &Answer,
) -> Option<Outcome> {
    let outcome = outcome(manifest, asked, named, answer);
    if outcome.is_some()
        || !(200..300).contains(&answer.status)
        || shows_a_record(asked, &answer.body)
    {
        return outcome;
    }
    let error = says_error(&answer.body)?;
    let message =
        format!("{named} answered {}: {}", answer.status, words(&answer.body).unwrap_or(error));
    Some(Outcome::Rejected { prop: guessed(asked, &answer.body), message })
}

/// What an answer to a reading means; `None` where it is as it should be. The manifest's own word
/// comes first, whatever the status.
pub fn meaning<'m>(
    manifest: &'m Manifest,
    answer: &'m Answer,
) -> Option<(Meaning, Option<&'m ErrorRule>)> {
    if let Some(rule) = rule_for(manifest, answer) {
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
    let told = rule
        .and_then(|rule| rule.message.iter().find_map(|place| at(&answer.body, place)).map(said));
    let told = with_meaning(
        told.filter(|told| !told.is_empty()).or_else(|| words(&answer.body)).unwrap_or_default(),
        rule,
    );
    Some(match meaning {
        // Reading is what the key is for, whatever a refusal means to a single write.
        Meaning::Unauthorized => {
            match (unauthorized(manifest), rule.and_then(|rule| rule.says.as_ref())) {
                (Trouble::Unauthorized(told), Some(says)) => {
                    Trouble::Unauthorized(format!("{told}. {says}"))
                }
                (trouble, _) => trouble,
            }
        }
        Meaning::Later | Meaning::Unknown => Trouble::Busy {
            retry_after_ms: answer.retry_after_ms,
            message: match told.is_empty() {
                true => format!("{named} answered {} and asks to come back later", answer.status),
                false => format!(
                    "{named} answered {} and asks to come back later: {told}",
                    answer.status
                ),
            },
        },
        _ if told.is_empty() => Trouble::Malformed(format!("{named} answered {}", answer.status)),
        _ => Trouble::Malformed(format!("{named} answered {}: {told}", answer.status)),
    })
}

/// The same for a request about one record: that this one may not be read is no reason to leave the
/// others alone.
pub fn trouble_with_one(manifest: &Manifest, named: &str, answer: &Answer) -> Option<Trouble> {
    match meaning(manifest, answer)? {
        (Meaning::Unauthorized, _) if answer.status != 401 => {
            let rule = rule_for(manifest, answer);
            let told = with_meaning(words(&answer.body).unwrap_or_default(), rule);
            let told = if told.is_empty() { told } else { format!(" ({told})") };
            Some(Trouble::Malformed(format!(
                "{named} answered {}: this record may not be read with this key{told}",
                answer.status
            )))
        }
        _ => trouble(manifest, named, answer),
    }
}

/// The system's own words, and what the manifest says that they mean.
fn with_meaning(told: String, rule: Option<&ErrorRule>) -> String {
    match rule.and_then(|rule| rule.says.as_ref()) {
        Some(says) if told.is_empty() => says.clone(),
        Some(says) => format!("{}. {says}", told.trim_end_matches('.')),
        None => told,
    }
}

/// What to do about a key that is refused.
pub fn unauthorized(manifest: &Manifest) -> Trouble {
    let secrets: Vec<&str> =
        manifest.settings.iter().filter(|(_, s)| s.secret).map(|(name, _)| name.as_str()).collect();
    let what = if secrets.is_empty() { "the settings".into() } else { secrets.join(", ") };
    Trouble::Unauthorized(format!(
        "{} refuses the key: check {what} under `with:` in lockstep.yaml (and the variables in .env)",
        manifest.title,
    ))
}

/// The outcome of a write that got no answer.
pub fn unanswered(no_answer: NoAnswer) -> Outcome {
    match no_answer {
        NoAnswer::NotSent(trouble) => Outcome::Stopped(trouble),
        NoAnswer::Lost(trouble) => Outcome::Unknown { message: trouble.to_string() },
    }
}

/// The first rule that fits: of the request, then of the manifest.
fn rule_for<'m>(manifest: &'m Manifest, answer: &'m Answer) -> Option<&'m ErrorRule> {
    answer.rules.iter().chain(&manifest.errors).find(|rule| fits(rule, answer))
}

fn fits(rule: &ErrorRule, answer: &Answer) -> bool {
    if rule.status.is_some_and(|status| status != answer.status) {
        return false;
    }
    match &rule.at {
        None => true,
        Some(place) => at(&answer.body, place).is_some_and(|found| {
            let text = said(found).to_lowercase();
            let has = rule.has.is_empty()
                || rule.has.iter().any(|word| text.contains(&word.to_lowercase()));
            has && (rule.is.is_empty() || rule.is.contains(found))
        }),
    }
}

fn said(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // Zendesk's details: an object of lists of objects that each have a description.
        Value::Object(map) => {
            map.values().map(said).filter(|t| !t.is_empty()).collect::<Vec<_>>().join("; ")
        }
        Value::Array(list) => {
            let one = |v: &Value| v.get("description").map_or_else(|| said(v), said);
            list.iter().map(one).collect::<Vec<_>>().join("; ")
        }
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Places at which systems commonly say in words what is wrong.
const WORDS: [&str; 14] = [
    "description",
    "message",
    "Message",
    "detail",
    "title",
    "error_description",
    "ErrorMessage",
    "error.message",
    "error",
    "errors",
    "reason",
    "details",
    "msg",
    "fault",
];
/// Maximum length of a system's message in ours, in characters.
const MOST_WORDS: usize = 400;

/// What an answer says is wrong, where the manifest does not say where to look.
pub(super) fn words(body: &Value) -> Option<String> {
    let list =
        |value: &Value| value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
    let told = match body {
        // A page in HTML says nothing that helps.
        Value::String(text) => Some(text.trim().to_string()).filter(|text| !text.starts_with('<')),
        // Some answer with an object of properties, each with what is wrong with it.
        Value::Object(map) if !map.is_empty() && map.values().all(list) => Some(by_name(body)),
        Value::Array(_) => Some(by_name(body)),
        _ => {
            let mut told: Vec<String> = vec![];
            for place in WORDS {
                let more = at(body, place)
                    .filter(|found| !found.is_boolean() && !found.is_number())
                    .map(by_name);
                // `errors` tells more than the `message` above it.
                if let Some(more) = more.filter(|more| {
                    !more.is_empty() && !told.iter().any(|known| known.contains(more.as_str()))
                }) && (told.is_empty() || matches!(place, "errors" | "details"))
                {
                    told.push(more);
                }
            }
            Some(told.join(": "))
        }
    };
    let told = told.filter(|told| !told.is_empty())?;
    Some(cut(&told, MOST_WORDS))
}

/// Texts below a value, each with the name of the property that it is about, where that is its key.
fn by_name(value: &Value) -> String {
    match value {
        Value::Object(map)
            if !["message", "description", "detail", "msg"]
                .iter()
                .any(|key| map.contains_key(*key)) =>
        {
            let told = map
                .iter()
                .map(|(key, value)| (key, by_name(value)))
                .filter(|(_, told)| !told.is_empty());
            told.map(|(key, told)| format!("{key}: {told}")).collect::<Vec<_>>().join("; ")
        }
        Value::Object(map) => {
            let told = ["message", "description", "detail", "msg"]
                .iter()
                .find_map(|key| map.get(*key))
                .map(said)
                .unwrap_or_default();
            let about =
                NAMES.iter().find_map(|key| map.get(*key)).map(last_name).unwrap_or_default();
            if about.is_empty() || told.contains(&about) {
                told
            } else {
                format!("{about}: {told}")
            }
        }
        Value::Array(list) => {
            list.iter().map(by_name).filter(|told| !told.is_empty()).collect::<Vec<_>>().join("; ")
        }
        value => said(value),
    }
}

/// Keys under which systems commonly name the property that they refuse.
const NAMES: [&str; 13] = [
    "field",
    "fieldName",
    "field_name",
    "property",
    "propertyName",
    "param",
    "parameter",
    "attribute",
    "pointer",
    "source",
    "path",
    "loc",
    "name",
];
/// Keys below which they commonly list what is wrong, by property.
const LISTS: [&str; 8] = [
    "errors",
    "error",
    "fields",
    "fieldErrors",
    "field_errors",
    "details",
    "violations",
    "invalid-params",
];

/// The last name in a path, a JSON pointer, or a list of steps.
fn last_name(value: &Value) -> String {
    match value {
        Value::String(text) => text
            .rsplit(['/', '.'])
            .next()
            .unwrap_or_default()
            .trim_matches(['[', ']', '"', '\''])
            .to_string(),
        Value::Array(list) => {
            list.iter().rev().find(|step| step.is_string()).map(last_name).unwrap_or_default()
        }
        Value::Object(map) => {
            map.get("pointer").or_else(|| map.get("parameter")).map(last_name).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// G4: the sent property that an answer seems to refuse, where the manifest does not say how to
/// tell: named as common forms of errors do, in so many letters. `None` if none is.
fn guessed(asked: Asked<'_>, body: &Value) -> Option<usize> {
    let mut names = vec![];
    named_in(body, true, 0, &mut names);
    let is = |value: &&WriteValue| {
        let Some(located) = locate(asked.ty, &asked.watch[value.prop]) else { return false };
        let last = |path: &str| path.rsplit('.').next().unwrap_or(path).to_string();
        let own = [located.at.as_str(), located.path, &last(&located.at), &last(located.path)]
            .map(str::to_lowercase);
        names.iter().any(|name| own.contains(&name.to_lowercase()))
    };
    let mut found = asked.sent.iter().filter(is).map(|value| value.prop);
    found.next()
}

/// The names that an error gives to properties. `keys`: the keys here are such names.
fn named_in(value: &Value, keys: bool, depth: usize, names: &mut Vec<String>) {
    if depth > 6 {
        return;
    }
    match value {
        Value::Object(map) => {
            let holds_texts = |value: &Value| match value {
                Value::String(_) => depth > 0,
                Value::Array(list) => list.iter().all(|one| one.is_string() || one.is_object()),
                _ => false,
            };
            for (key, inner) in map {
                if NAMES.contains(&key.as_str()) {
                    names.push(last_name(inner));
                }
                let listed = LISTS.contains(&key.as_str());
                if keys && !listed && !NAMES.contains(&key.as_str()) && holds_texts(inner) {
                    names.push(key.clone());
                }
                named_in(inner, listed, depth + 1, names);
            }
        }
        Value::Array(list) => {
            list.iter().for_each(|inner| named_in(inner, false, depth + 1, names))
        }
        _ => {}
    }
}

/// Whether an answer shows a record, and not only that something went wrong.
fn shows_a_record(asked: Asked<'_>, body: &Value) -> bool {
    let Some(shown) = at(body, asked.item.unwrap_or("")) else { return false };
    let shows = |value: &WriteValue| {
        let located = locate(asked.ty, &asked.watch[value.prop]);
        located.is_some_and(|located| at(shown, &located.at).is_some_and(|held| !held.is_null()))
    };
    id_in(asked.ty, shown).is_some() || asked.sent.iter().any(shows)
}

/// For a duplicate that the system does not name: the watched property by which it can be looked
/// up.
pub fn duplicate_of(
    manifest: &Manifest,
    ty: &TypeYaml,
    watch: &[PropertyRef],
    answer: &Answer,
) -> Option<usize> {
    let rule = rule_for(manifest, answer)?;
    if rule.means == Meaning::Duplicate { blamed(rule, ty, watch, &answer.body) } else { None }
}

/// The watched property that an answer blames: named in a text, or as a key.
fn blamed(rule: &ErrorRule, ty: &TypeYaml, watch: &[PropertyRef], body: &Value) -> Option<usize> {
    if let Some(path) = &rule.blames {
        return watch
            .iter()
            .position(|watched| locate(ty, watched).is_some_and(|located| located.path == path));
    }
    // A place that names one decides: a text that follows speaks of more than it is about.
    rule.property.iter().find_map(|place| {
        let named: Vec<String> = match at(body, place)? {
            Value::Object(map) => map.keys().cloned().collect(),
            Value::String(text) => vec![text.clone()],
            Value::Array(list) => {
                list.iter().filter_map(Value::as_str).map(str::to_string).collect()
            }
            _ => Vec::new(),
        };
        named_among(ty, watch, &named)
    })
}

/// The first watched property that is among the words of texts.
fn named_among(ty: &TypeYaml, watch: &[PropertyRef], texts: &[String]) -> Option<usize> {
    let words = |text: &String| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '.')
            .map(|w| w.trim_matches('.').to_lowercase())
            .collect()
    };
    let named: Vec<Vec<String>> = texts.iter().map(words).collect();
    watch.iter().position(|watched| {
        let Some(located) = locate(ty, watched) else { return false };
        let places = [located.at.to_lowercase(), located.path.to_lowercase()];
        named.iter().flatten().any(|word| {
            places.iter().any(|place| {
                word == place
                    || word.ends_with(&format!(".{place}"))
                    || word.starts_with(&format!("{place}."))
            })
        })
    })
}

/// What an answer of status 200 says of an error, in the ways that are common. A manifest's
/// `errors` come before this.
pub fn says_error(body: &Value) -> Option<String> {
    let map = body.as_object()?;
    let told = |value: &Value| match value {
        Value::Null | Value::Bool(false) => None,
        Value::String(text) => (!text.trim().is_empty()).then(|| text.clone()),
        Value::Number(number) => {
            number.as_f64().is_some_and(|n| n != 0.0).then(|| number.to_string())
        }
        Value::Array(list) => (!list.is_empty()).then(|| value.to_string()),
        Value::Object(map) => (!map.is_empty()).then(|| value.to_string()),
        Value::Bool(true) => Some("error: true".into()),
    };
    let named = ["error", "errors", "exception", "fault"]
        .iter()
        .find_map(|name| map.get(*name).and_then(told));
    let failed = || {
        let status = map.get("status").and_then(Value::as_str).map(str::to_lowercase);
        let fails =
            ["success", "ok"].iter().any(|name| map.get(*name) == Some(&Value::Bool(false)))
                || status.is_some_and(|status| {
                    matches!(status.as_str(), "error" | "fail" | "failed" | "failure")
                });
        let message =
            map.get("message").and_then(Value::as_str).unwrap_or("it says that it failed");
        fails.then(|| message.to_string())
    };
    named.or_else(failed).map(|told| cut(&told, 300))
}

/// Nothing has been written yet: it can simply be tried again.
pub fn busy(trouble: Trouble) -> Outcome {
    match trouble {
        Trouble::Busy { retry_after_ms, message } => Outcome::Later { retry_after_ms, message },
        Trouble::Malformed(message) => Outcome::Later { retry_after_ms: None, message },
        other => Outcome::Stopped(other),
    }
}
