//! Taking the watched properties out of a line of JSON without building a tree of it.
//!
//! Most of a line is of no interest to any flow, and reading a file is a hub's hot path (R2). The
//! watched paths form a trie; the line is parsed once along it, and whatever leaves the trie is
//! skipped by the parser. What comes out is what [`lockstep_model::Path::get`] gives for the same
//! line: a path goes through lists, and the element marked `primary: true` comes first (L3). A test
//! holds the two against each other.

use std::fmt;

use super::distinct;
use lockstep_model::{Path, Value};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The watched paths as a trie. Each path has a slot in what [`Trie::extract`] fills.
#[derive(Debug, Default)]
pub(super) struct Trie {
    root: Node,
    width: usize,
}

#[derive(Debug, Default)]
struct Node {
    /// The slots whose path ends here.
    ends: Vec<usize>,
    /// The slots whose path ends here or below.
    below: Vec<usize>,
    children: Vec<(Box<str>, Node)>,
}

impl Trie {
    /// A trie with one slot for each path, in this order.
    pub(super) fn new<'p>(paths: impl IntoIterator<Item = &'p Path>) -> Self {
        let mut trie = Trie::default();
        for path in paths {
            let slot = trie.width;
            trie.width += 1;
            let mut node = &mut trie.root;
            node.below.push(slot);
            for step in path.steps() {
                let at = match node.children.iter().position(|(name, _)| **name == *step) {
                    Some(at) => at,
                    None => {
                        node.children.push((step.into(), Node::default()));
                        node.children.len() - 1
                    }
                };
                node = &mut node.children[at].1;
                node.below.push(slot);
            }
            node.ends.push(slot);
        }
        trie
    }

    /// Puts the value at each path into `found`, one for each slot; `None` where the line does not
    /// have it (R5).
    pub(super) fn extract(
        &self,
        line: &[u8],
        found: &mut Vec<Option<Value>>,
    ) -> Result<(), serde_json::Error> {
        found.clear();
        found.resize_with(self.width, || None);
        let mut parser = serde_json::Deserializer::from_slice(line);
        Along { node: &self.root, found, primary: None }.deserialize(&mut parser)?;
        parser.end()
    }
}

impl Node {
    /// Fills the slots at and below this node from a value that had to be built, because a path
    /// ends here and others go on.
    fn fill(&self, value: &Value, found: &mut [Option<Value>]) {
        for &slot in &self.ends {
            found[slot] = Some(value.clone());
        }
        for (name, child) in &self.children {
            if child.children.is_empty() {
                let at = Path::of_steps([&**name]).get(value);
                child.ends.iter().for_each(|&slot| found[slot] = at.clone());
            } else if let Some(at) = Path::of_steps([&**name]).get(value) {
                child.fill(&at, found);
            }
        }
    }
}

/// The parser's position in the trie.
struct Along<'a> {
    node: &'a Node,
    found: &'a mut [Option<Value>],
    /// Set where this is an element of a list: whether it is the primary one.
    primary: Option<&'a mut bool>,
}

impl<'de> DeserializeSeed<'de> for Along<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<(), D::Error> {
        let node = self.node;
        if node.ends.is_empty() {
            return parser.deserialize_any(self);
        }
        let value = Value::deserialize(parser)?;
        match (&node.ends[..], node.children.is_empty()) {
            (&[slot], true) => self.found[slot] = Some(value),
            _ => node.fill(&value, self.found),
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for Along<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut met = Met::of(self.node.children.len());
        while let Some(key) =
            map.next_key_seed(KeyOf { node: self.node, element: self.primary.is_some() })?
        {
            if let Some(child) = key.child {
                let (name, node) = &self.node.children[child];
                if !met.insert(child) {
                    return Err(serde::de::Error::custom(distinct::repeated(name)));
                }
                map.next_value_seed(Along { node, found: &mut *self.found, primary: None })?;
                if key.primary
                    && let (Some(flag), Some(&slot)) = (&mut self.primary, node.ends.first())
                {
                    **flag = self.found[slot] == Some(Value::Bool(true));
                }
            } else if key.primary {
                let value: Value = map.next_value()?;
                if let Some(flag) = &mut self.primary {
                    **flag = value == Value::Bool(true);
                }
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        // Most lists have one watched property: no list of lists for it.
        let mut first = Gathered::default();
        let mut others: Vec<Gathered> =
            self.node.below.iter().skip(1).map(|_| Gathered::default()).collect();
        loop {
            let mut primary = false;
            let along =
                Along { node: self.node, found: &mut *self.found, primary: Some(&mut primary) };
            if seq.next_element_seed(along)?.is_none() {
                break;
            }
            for (&slot, gathered) in
                self.node.below.iter().zip(std::iter::once(&mut first).chain(&mut others))
            {
                gathered.take(self.found[slot].take(), primary);
            }
        }
        for (&slot, gathered) in self.node.below.iter().zip(std::iter::once(first).chain(others)) {
            self.found[slot] = Some(Value::Array(gathered.values));
        }
        Ok(())
    }

    /// A parent that is empty has no children: the properties are there, and empty (R5).
    fn visit_unit<E>(self) -> Result<(), E> {
        self.node.below.iter().for_each(|&slot| self.found[slot] = Some(Value::Null));
        Ok(())
    }

    // A plain value where the path goes on: the property is not there.
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

/// Which names of an object have come. Most objects have few.
enum Met {
    Few(u64),
    Many(Vec<bool>),
}

impl Met {
    fn of(names: usize) -> Met {
        if names <= 64 { Met::Few(0) } else { Met::Many(vec![false; names]) }
    }

    /// Whether the name comes for the first time.
    fn insert(&mut self, name: usize) -> bool {
        match self {
            Met::Few(met) => {
                let (before, this) = (*met, 1 << name);
                *met |= this;
                before & this == 0
            }
            Met::Many(met) => !std::mem::replace(&mut met[name], true),
        }
    }
}

/// The values of one path from the elements of a list.
#[derive(Default)]
struct Gathered {
    values: Vec<Value>,
    /// Number of values of primary elements, which come first.
    in_front: usize,
}

impl Gathered {
    fn take(&mut self, value: Option<Value>, primary: bool) {
        if self.values.is_empty() {
            // Most lists have one element; a vector that is left to itself makes room for four.
            self.values.reserve_exact(1);
        }
        let inner = match value {
            None | Some(Value::Null) => return,
            Some(Value::Array(inner)) => inner,
            Some(value) if primary => {
                self.values.insert(self.in_front, value);
                self.in_front += 1;
                return;
            }
            Some(value) => return self.values.push(value),
        };
        if primary {
            let many = inner.len();
            self.values.splice(self.in_front..self.in_front, inner);
            self.in_front += many;
        } else {
            self.values.extend(inner);
        }
    }
}

/// What a key of an object is to the trie.
struct Key {
    child: Option<usize>,
    primary: bool,
}

struct KeyOf<'a> {
    node: &'a Node,
    element: bool,
}

impl<'de> DeserializeSeed<'de> for KeyOf<'_> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<Key, D::Error> {
        // As bytes: a key that is compared with known ones need not be proven to be UTF-8.
        parser.deserialize_bytes(self)
    }
}

impl Visitor<'_> for KeyOf<'_> {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a property's name")
    }

    /// A number that no machine type holds comes as an object with one key, which is none of the
    /// record's.
    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Key, E> {
        self.visit_bytes(name.as_bytes())
    }

    fn visit_bytes<E: serde::de::Error>(self, name: &[u8]) -> Result<Key, E> {
        Ok(Key {
            child: self.node.children.iter().position(|(child, _)| child.as_bytes() == name),
            primary: self.element && name == b"primary",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The trie and [`Path::get`] must give the same for any line.
    fn check(line: &str, paths: &[&str]) {
        let paths: Vec<Path> = paths.iter().map(|&path| path.into()).collect();
        let record: Value = serde_json::from_str(line).unwrap();
        let expected: Vec<Option<Value>> = paths.iter().map(|path| path.get(&record)).collect();
        let mut found = vec![Some(Value::from("of the line before"))];
        Trie::new(&paths).extract(line.as_bytes(), &mut found).unwrap();
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn a_line_gives_what_its_paths_give() {
        // L3, R5
        let paths = [
            "id",
            "name.first",
            "emails.email",
            "emails.primary",
            "phones",
            "phones.number",
            "a.b.c",
            "name",
            "a.b",
            "gone",
        ];
        for line in [
            r#"{"id":1,"name":{"first":"Åse","last":"Li"},"emails":[{"email":"b@example.no"},{"primary":true,"email":"a@example.no"}]}"#,
            r#"{"emails":[{"email":"b@example.no","primary":true},{"email":["x","y"],"primary":true},{"email":null},{},7,null]}"#,
            r#"{"name":null,"emails":null,"phones":[{"number":"1"},{"number":2}],"a":[{"b":[{"c":1},{"c":[2,3]}]},{"b":{"c":4}}]}"#,
            r#"{"name":"Åse","emails":"x","phones":"1","a":{"b":"c"}}"#,
            r#"{"id":12345678901234567890123,"name":1.5,"a":{"b":2e3},"phones":[1.25,{"number":0.1},{"number":1e400}],"gone":-0.0}"#,
            r#"{"na\u006de":{"first":"\u00c5se \"x\""},"emails":[],"a":{"b":[[{"c":1}],{"c":2}]},"other":[1,{"deep":[{}]}]}"#,
            "{}",
        ] {
            check(line, &paths);
        }
    }

    #[test]
    fn r8_a_name_that_is_there_twice_is_an_error() {
        let trie = Trie::new(&[Path::new("id"), Path::new("name.first")]);
        for line in [
            r#"{"id":1,"id":2}"#,
            r#"{"id":1,"name":{"first":"Liv","first":"Siv"}}"#,
            r#"{"id":1,"name":{"first":"Liv"},"name":null}"#,
        ] {
            let error = trie.extract(line.as_bytes(), &mut Vec::new()).unwrap_err();
            assert!(error.to_string().contains("is there twice"), "{line}: {error}");
        }
    }

    #[test]
    fn a_broken_line_is_an_error_even_after_the_last_watched_property() {
        let trie = Trie::new(&[Path::new("id")]);
        for line in [r#"{"id":1,"x":}"#, r#"{"id":1"#, r#"{"id":1} {}"#, ""] {
            assert!(trie.extract(line.as_bytes(), &mut Vec::new()).is_err(), "{line}");
        }
    }
}
