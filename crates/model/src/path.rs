//! Dotted paths to properties. A path goes through lists without saying so: `Emails.Value` is the
//! `Value` of every element of `Emails` (L3). Which element counts as *the* value is told by the
//! schema, or is the one marked `primary`, else the first.
//!
//! A name with a dot in it stands in quotation marks behind a dot: `meta."api.endpoint"`, and
//! `."api.endpoint"` where it is the first.

use std::borrow::Cow;
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
    ///
    /// ```
    /// # use lockstep_model::Path;
    /// let steps = |path: &str| Path::new(path).steps().map(String::from).collect::<Vec<_>>();
    /// assert_eq!(steps("info.name"), ["info", "name"]);
    /// assert_eq!(steps("meta.\"api.endpoint\".url"), ["meta", "api.endpoint", "url"]);
    /// assert_eq!(steps(".\"api.endpoint\""), ["api.endpoint"]);
    /// ```
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = &str> {
        steps_of(&self.0).into_iter()
    }

    /// The path that these names make, each as it is called.
    pub fn of_steps<'s>(steps: impl IntoIterator<Item = &'s str>) -> Path {
        let mut text = String::new();
        for step in steps {
            let step = step_text(step);
            if !text.is_empty() || matches!(step, Cow::Owned(_)) {
                text.push('.');
            }
            text.push_str(&step);
        }
        Path(text.into())
    }

    /// This path with another behind it.
    pub fn child(&self, path: &str) -> Path {
        Path::new(format!("{}.{path}", self.0))
    }

    /// Puts a value there in a record of plain objects, which are made where there are none.
    pub fn put(&self, record: &mut Value, value: Value) {
        let mut place = record;
        for step in self.steps() {
            if !place.is_object() {
                *place = Value::Object(serde_json::Map::new());
            }
            place = &mut place[step];
        }
        *place = value;
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

/// A path with one more step, which is called so; the first one, where the path is empty.
pub fn below(path: &str, step: &str) -> String {
    match step_text(step) {
        Cow::Borrowed(step) if path.is_empty() => step.to_string(),
        step => format!("{path}.{step}"),
    }
}

/// A name as a step of a path: in quotation marks where a dot in it would divide it. No path leads
/// to a name that has both in it, nor below another to one that begins and ends with a quotation
/// mark.
fn step_text(name: &str) -> Cow<'_, str> {
    match name.contains('.') && !name.contains('"') {
        true => Cow::Owned(format!("\"{name}\"")),
        false => Cow::Borrowed(name),
    }
}

/// The first step of a path, and what follows it.
///
/// ```
/// use lockstep_model::path::first_step;
/// assert_eq!(first_step("info.name"), ("info", Some("name")));
/// assert_eq!(first_step(".\"odata.type\".x"), ("odata.type", Some("x")));
/// assert_eq!(first_step("name"), ("name", None));
/// ```
pub fn first_step(path: &str) -> (&str, Option<&str>) {
    let quoted = path.strip_prefix('.').unwrap_or(path);
    if quoted.len() < path.len()
        && let Some((name, rest)) = quoted_step(quoted)
    {
        return (name, rest.strip_prefix('.').map(|after| rest_of(rest, after)));
    }
    match path.find('.') {
        Some(at) => (&path[..at], Some(rest_of(&path[at..], &path[at + 1..]))),
        None => (path, None),
    }
}

/// What follows a step, with its dot where a name in quotation marks needs it.
fn rest_of<'p>(with_dot: &'p str, without: &'p str) -> &'p str {
    if quoted_step(without).is_some() { with_dot } else { without }
}

/// The name in quotation marks with which a text begins, if that is a whole step.
fn quoted_step(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.strip_prefix('"')?.split_once('"')?;
    (!name.is_empty() && (rest.is_empty() || rest.starts_with('.'))).then_some((name, rest))
}

fn steps_of(path: &str) -> Vec<&str> {
    if !path.contains(".\"") {
        return path.split('.').collect();
    }
    let (mut steps, mut rest) = (Vec::new(), Some(path));
    while let Some(path) = rest {
        let (step, after) = first_step(path);
        steps.push(step);
        rest = after;
    }
    steps
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
    fn a_name_with_a_dot_is_one_step_where_it_stands_in_quotation_marks() {
        let record = json!({"meta": {"api.endpoint": {"v.1": 7}, "api": {"endpoint": 8}}, "x.y": 9,
            "list": [{"a.b": 1}, {"a.b": 2}]});
        let at = |path: &str| Path::new(path).get(&record);
        assert_eq!(at("meta.\"api.endpoint\".\"v.1\""), Some(json!(7)));
        assert_eq!(at("meta.api.endpoint"), Some(json!(8)));
        assert_eq!(at(".\"x.y\""), Some(json!(9)));
        assert_eq!(at("x.y"), None);
        assert_eq!(at("list.\"a.b\""), Some(json!([1, 2])));
        for steps in [&["meta", "api.endpoint", "v.1"][..], &["x.y"], &["x.y", "z"], &["a", "b"]] {
            let path = Path::of_steps(steps.iter().copied());
            assert_eq!(path.steps().collect::<Vec<_>>(), steps, "{path}");
            let stepwise = steps.iter().fold(String::new(), |path, step| below(&path, step));
            assert_eq!(stepwise, path.as_str());
            let mut made = Value::Null;
            path.put(&mut made, json!("there"));
            assert_eq!(path.get(&made), Some(json!("there")), "{made}");
        }
        // Quotation marks elsewhere are a part of the name.
        for odd in ["\"a.b\"", "a\".b", "a.\"b", "a.\"b\"c.d", "a.\"\""] {
            assert_eq!(
                Path::new(odd).steps().collect::<Vec<_>>(),
                odd.split('.').collect::<Vec<_>>()
            );
        }
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
