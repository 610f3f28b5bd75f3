//! The requests that go with a failure, word for word: those that have to do with the trial's
//! records, without what others' records add.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::emulated::{LoggedRequest, Running};
use lockstep_model::Value;

/// So much of a body is shown, in characters.
const BODY_SHOWN: usize = 2_000;
/// Exchanges shown with a failure.
const MOST_EXCHANGES: usize = 40;

/// The requests since some time, by the words in them: a run for thousands of trials makes tens of
/// thousands, and each failure asks for a handful.
#[derive(Default)]
pub struct Exchanges {
    since: u64,
    requests: Vec<LoggedRequest>,
    by_word: HashMap<String, Vec<usize>>,
}

impl Exchanges {
    /// Takes in what was requested since then, or since it was last asked the same.
    fn look(&mut self, sandbox: &Running, since: u64) {
        if self.since != since {
            *self = Exchanges { since, ..Exchanges::default() };
        }
        for request in sandbox.requests(self.requests.last().map_or(since, |last| last.n)) {
            let at = self.requests.len();
            let texts =
                [Some(request.path.as_str()), request.sent.as_deref(), request.answered.as_deref()];
            let words: HashSet<&str> = texts.into_iter().flatten().flat_map(words).collect();
            for word in words {
                match self.by_word.get_mut(word) {
                    Some(places) => places.push(at),
                    None => drop(self.by_word.insert(word.to_string(), vec![at])),
                }
            }
            self.requests.push(request);
        }
    }

    /// Those that may hold one of these, in order.
    fn with(&self, ids: &[&str]) -> Vec<&LoggedRequest> {
        // An id of several words is looked for by its longest.
        let longest = ids.iter().filter_map(|id| words(id).max_by_key(|word| word.len()));
        let places: BTreeSet<usize> =
            longest.filter_map(|word| self.by_word.get(word)).flatten().copied().collect();
        places.into_iter().map(|at| &self.requests[at]).collect()
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// The requests since one that have to do with these records; of lists, only what has.
pub fn exchanges(
    known: &mut Exchanges,
    sandbox: &Running,
    since: u64,
    ids: &[&str],
) -> Vec<String> {
    known.look(sandbox, since);
    let concerns = |text: &str| ids.iter().any(|id| has_word(text, id));
    let mut found = Vec::new();
    for request in known.with(ids) {
        let bodies = [request.sent.as_deref(), request.answered.as_deref()];
        if !concerns(&request.path) && !bodies.iter().flatten().any(|body| concerns(body)) {
            continue;
        }
        let mut text = format!("{} {} → {}", request.method, request.path, request.status);
        for (mark, body) in ["sent", "answered"].iter().zip(bodies) {
            let Some(body) = body.filter(|body| !body.is_empty()) else { continue };
            let shown = match serde_json::from_str::<Value>(body) {
                Ok(body) => narrowed(body, &concerns).to_string(),
                Err(_) => body.to_string(),
            };
            let cut = shown.char_indices().nth(BODY_SHOWN).map_or(shown.len(), |(cut, _)| cut);
            text.push_str(&format!(
                "\n  {mark}: {}{}",
                &shown[..cut],
                if cut < shown.len() { "…" } else { "" }
            ));
        }
        found.push(text);
        if found.len() == MOST_EXCHANGES {
            break;
        }
    }
    found
}

/// A body without those elements of its lists of records that have nothing to do with it.
fn narrowed(body: Value, concerns: &dyn Fn(&str) -> bool) -> Value {
    match body {
        Value::Array(elements)
            if elements.iter().any(Value::is_object)
                && elements.iter().any(|e| concerns(&e.to_string())) =>
        {
            let all = elements.len();
            let mut kept: Vec<Value> =
                elements.into_iter().filter(|element| concerns(&element.to_string())).collect();
            if kept.len() < all {
                kept.push(Value::String(format!("… and {} more", all - kept.len())));
            }
            Value::Array(kept)
        }
        Value::Object(fields) => Value::Object(
            fields.into_iter().map(|(name, value)| (name, narrowed(value, concerns))).collect(),
        ),
        other => other,
    }
}

/// Whether the text has this as a word of its own, not as part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let alone = |at: usize| {
        let before = text[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
        before && text[at + word.len()..].chars().next().is_none_or(|c| !c.is_alphanumeric())
    };
    !word.is_empty() && text.match_indices(word).any(|(at, _)| alone(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn of_a_list_only_what_concerns_the_trial_is_shown() {
        let concerns = |text: &str| has_word(text, "com12");
        let body =
            json!({"total": 2, "items": [{"_id": "com1"}, {"_id": "com12"}, {"_id": "com123"}]});
        assert_eq!(
            narrowed(body, &concerns),
            json!({"total": 2, "items": [{"_id": "com12"}, "… and 2 more"]})
        );
    }
}
