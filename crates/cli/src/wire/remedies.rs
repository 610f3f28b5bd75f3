//! What a person can do about something.

use lockstep_model as model;
use schemars::JsonSchema;
use serde::Serialize;

use crate::wording::words;

/// What a person can do.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Remedy {
    /// `answer`, `let-through`, `believe`, …
    kind: String,
    /// For an answer to a review: `accept`, `reject`, `link` or `separate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
    /// For an answer: the record that it names, or is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<String>,
    /// What the answer does: `delete`, `keep`, `try-again`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    does: Option<String>,
    /// In words, with the command.
    text: String,
}

impl From<model::Remedy> for Remedy {
    fn from(from: model::Remedy) -> Self {
        let (answer, record, does) = match &from {
            model::Remedy::Answer { answer, record, does } => {
                (Some(answer.name().to_string()), record.clone(), Some(word(does)))
            }
            _ => (None, None, None),
        };
        Remedy { kind: word(&from), answer, record, does, text: words(&from) }
    }
}

/// The word by which a value is known in JSON.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(serde_json::Value::Object(map)) => map.keys().next().cloned().unwrap_or_default(),
        _ => String::new(),
    }
}
