//! Dotted paths to properties. A path goes through lists without saying so: `Emails.Value` is the
//! `Value` of every element of `Emails` (L3). Which element counts as *the* value is told by the
//! schema, or is the one marked `primary`, else the first.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A dotted path to a property: `info.name.first`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Path(Arc<str>);

impl Path {
    /// The path as written; spaces around it are dropped.
    pub fn new(text: impl AsRef<str>) -> Self {
        Path(text.as_ref().trim().into())
    }

    /// The whole path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names between the dots.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('.')
    }

    /// This path with one more step.
    pub fn child(&self, step: &str) -> Path {
        Path::new(format!("{}.{step}", self.0))
    }

    /// Whether `other` lies below this path.
    pub fn is_parent_of(&self, other: &Path) -> bool {
        other.0.strip_prefix(&*self.0).is_some_and(|rest| rest.starts_with('.'))
    }

    /// What a JSON record holds at this path (R5: `None` where a step is not there at all).
    ///
    /// Where the way leads through a list, the answer is a list: the values of all elements that
    /// have one, that of the element marked `primary: true` first.
    pub fn get(&self, record: &Value) -> Option<Value> {
        let steps: Vec<&str> = self.steps().collect();
        walk(record, &steps)
    }
}

fn walk(value: &Value, steps: &[&str]) -> Option<Value> {
    let Some((step, rest)) = steps.split_first() else {
        return Some(value.clone());
    };
    match value {
        Value::Object(map) => walk(map.get(*step)?, rest),
        Value::Array(elements) => {
            let primary = |element: &&Value| element.get("primary") == Some(&Value::Bool(true));
            let ordered =
                elements.iter().filter(primary).chain(elements.iter().filter(|e| !primary(e)));
            let mut found = Vec::new();
            for element in ordered {
                match walk(element, steps) {
                    Some(Value::Array(inner)) => found.extend(inner),
                    Some(Value::Null) | None => {}
                    Some(inner) => found.push(inner),
                }
            }
            Some(Value::Array(found))
        }
        // A parent that is empty has no children: the property is there, and empty.
        Value::Null => Some(Value::Null),
        _ => None,
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Path {
    fn from(text: &str) -> Self {
        Path::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_goes_through_lists_and_puts_the_primary_element_first() {
        let record = json!({"info": {"name": {"first": "Åse"}, "emails": [
            {"email": "b@example.com"}, {"email": "a@example.com", "primary": true}, {"tag": "WORK"}]}});
        assert_eq!(Path::new("info.name.first").get(&record), Some(json!("Åse")));
        assert_eq!(
            Path::new("info.emails.email").get(&record),
            Some(json!(["a@example.com", "b@example.com"]))
        );
    }

    #[test]
    fn absent_is_not_empty() {
        // R5
        let record = json!({"a": null, "b": {"c": ""}});
        assert_eq!(Path::new("a").get(&record), Some(Value::Null));
        assert_eq!(Path::new("a.below").get(&record), Some(Value::Null));
        assert_eq!(Path::new("b.c").get(&record), Some(json!("")));
        assert_eq!(Path::new("b.d").get(&record), None);
        assert_eq!(Path::new("x").get(&record), None);
    }
}
