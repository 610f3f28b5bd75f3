//! In which order the members of a file's records stand, so that a new record is written as those
//! are that are there.
//!
//! A parsed object does not tell that: it holds its members sorted.

use lockstep_model::{Path, Value, path};

use super::parts::{parts, put_text};

/// The members of an object in their order, each with its own; those of a list are its elements'.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Members(Vec<(String, Members)>);

impl Members {
    /// Takes in the text of a record or of a part of one; what has no members, or can't be read,
    /// teaches nothing. A member that has not been seen before goes behind those that have.
    pub(super) fn learn(&mut self, text: &str) {
        for part in parts(text).unwrap_or_default() {
            let below = match &part.name {
                Some(name) => self.at(name),
                None => &mut *self,
            };
            below.learn(&text[part.value]);
        }
    }

    /// Takes in what a path leads to.
    pub(super) fn learn_path(&mut self, path: &Path) {
        path.steps().fold(self, |at, step| at.at(step));
    }

    /// The place of a member and what is below it.
    fn at(&mut self, name: &str) -> &mut Members {
        let at = self.0.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.0.push((name.to_string(), Members::default()));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }

    /// The paths to all members and theirs, in this order. No path leads to a name that has a dot and
    /// a quotation mark in it.
    pub(super) fn paths(&self, here: &str, found: &mut Vec<String>) {
        for (name, below) in self.0.iter().filter(|(name, _)| !is_out_of_reach(name)) {
            let path = path::below(here, name);
            found.push(path.clone());
            below.paths(&path, found);
        }
    }

    /// The members of one of its members.
    pub(super) fn below(&self, name: &str) -> &Members {
        static NONE: Members = Members(Vec::new());
        self.0.iter().find(|(known, _)| known == name).map_or(&NONE, |(_, below)| below)
    }

    /// The names in the order in which they are written: those that are known first, the others by
    /// the alphabet.
    pub(super) fn order<'a, T>(
        &'a self,
        of: impl Iterator<Item = (&'a String, T)>,
    ) -> Vec<(&'a String, T)> {
        let place = |name: &String| {
            self.0.iter().position(|(known, _)| known == name).unwrap_or(self.0.len())
        };
        let mut all: Vec<_> = of.collect();
        all.sort_by_key(|(name, _)| place(name));
        all
    }

    /// The text of a value.
    pub(super) fn text(&self, value: &Value) -> String {
        let mut out = String::with_capacity(128);
        self.write(value, &mut out);
        out
    }

    fn write(&self, value: &Value, out: &mut String) {
        match value {
            Value::Object(map) => {
                let mut before = '{';
                for (name, value) in self.order(map.iter()) {
                    out.push(before);
                    before = ',';
                    put_text(name, out);
                    out.push(':');
                    self.below(name).write(value, out);
                }
                out.push_str(if map.is_empty() { "{}" } else { "}" });
            }
            Value::Array(list) => {
                out.push('[');
                for (at, element) in list.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    self.write(element, out);
                }
                out.push(']');
            }
            Value::String(text) => put_text(text, out),
            plain => out.push_str(&plain.to_string()),
        }
    }
}

/// Whether no path leads to a member of this name.
pub(super) fn is_out_of_reach(name: &str) -> bool {
    name.contains('.') && name.contains('"')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_new_record_has_its_members_in_the_order_of_those_that_are_there() {
        let mut members = Members::default();
        members.learn(r#"{"id":1,"name":{"last":"Aas","first":"Åse"},"tags":[{"z":1,"a":2}]}"#);
        members.learn(r#" {"c\u0069ty": "Bodø", "id": 2, "name": null, "tags": ["x", [true]]}"#);
        members.learn("{\"broken\":");
        let record = json!({"zip": 1, "alias": "q\"", "tags": [{"a": [], "z": {}}, "x"], "name": {"first": "Liv", "last": "Moe"}, "id": 3,
            "city": null});
        let expected = r#"{"id":3,"name":{"last":"Moe","first":"Liv"},"tags":[{"z":{},"a":[]},"x"],"city":null,"alias":"q\"","zip":1}"#;
        assert_eq!(members.text(&record), expected);
        let mut paths = vec![];
        members.paths("", &mut paths);
        assert_eq!(
            paths,
            ["id", "name", "name.last", "name.first", "tags", "tags.z", "tags.a", "city"]
        );
    }
}
