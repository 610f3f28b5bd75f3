//! Putting a value where a path points in a JSON record, and reading properties that carry a
//! condition.
//!
//! P9: a single value written into a list replaces the element it came from (`displaced`), else the
//! primary one, else it is appended; other elements stay. Null takes the element away. A path alone
//! does not tell whether a step that is missing is a list: [`Shape`] knows that from the other
//! records of the file.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_model::flow::{Having, PropertyRef};
use lockstep_model::value::{equal, is_added, is_empty};
use lockstep_model::{Path, Value, path};
use serde_json::Map;

use super::csv;
use super::members::Members;

/// Where lists are in the records of a file, and in which order the members of objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Paths of lists; true where their elements are marked `primary`.
    pub lists: BTreeMap<String, bool>,
    /// Paths at which nothing but whole numbers stands: ids and references among them keep their
    /// JSON type (R7).
    pub numbers: BTreeSet<String>,
    pub members: Members,
}

impl Shape {
    /// R7: a value as it is read where lists are: a single one is a list of one.
    pub(crate) fn in_its_kind(
        &self,
        property: &PropertyRef,
        value: Option<Value>,
    ) -> Option<Value> {
        match value {
            Some(single) if !single.is_array() && !is_empty(&single) && self.is_list(property) => {
                Some(Value::Array(vec![single]))
            }
            other => other,
        }
    }

    pub(crate) fn is_list(&self, property: &PropertyRef) -> bool {
        self.lists.contains_key(property.path.as_str())
    }
}

/// What a record holds at a property, its condition considered.
///
/// Where the two paths part within a list, the elements that satisfy the condition count; else the
/// record must satisfy it, and if it does not, it says nothing of this property (R5).
pub(crate) fn read(record: &Value, property: &PropertyRef) -> Option<Value> {
    match &property.when {
        None => property.path.get(record),
        Some(having) => walk(record, &steps_of(&property.path), &Condition::of(having)),
    }
}

fn steps_of(path: &Path) -> Vec<&str> {
    path.steps().collect()
}

/// What is left of a condition after the steps it shares with the path.
#[derive(Clone, Debug)]
struct Condition<'a> {
    steps: Vec<&'a str>,
    value: &'a str,
}

impl<'a> Condition<'a> {
    fn of(having: &'a Having) -> Self {
        Condition { steps: steps_of(&having.path), value: having.value.trim() }
    }

    /// Whether it is decided at an object from which the path goes on by `step`.
    fn parts_at(&self, step: &str) -> bool {
        self.steps.len() < 2 || self.steps[0] != step
    }

    fn below(&self) -> Condition<'a> {
        Condition { steps: self.steps[1..].to_vec(), value: self.value }
    }

    /// Whether the object satisfies it; `None` where the object does not tell. Without a word it is
    /// the one that has no such marker.
    fn holds(&self, object: &Value) -> Option<bool> {
        let found = Path::of_steps(self.steps.iter().copied()).get(object);
        if self.value.is_empty() {
            return Some(match found {
                Some(Value::Array(list)) => list.iter().all(is_empty),
                Some(value) => is_empty(&value),
                None => true,
            });
        }
        let found = found?;
        let same = |value: &Value| match csv::text_for(value) {
            Ok(text) => text.trim() == self.value,
            Err(_) => false,
        };
        match &found {
            Value::Array(list) => Some(list.iter().any(same)),
            value if is_empty(value) => None,
            value => Some(same(value)),
        }
    }
}

fn walk(value: &Value, steps: &[&str], condition: &Condition<'_>) -> Option<Value> {
    let Some((step, rest)) = steps.split_first() else {
        return Some(value.clone());
    };
    match value {
        Value::Object(map) if condition.parts_at(step) => (condition.holds(value) == Some(true))
            .then(|| Path::of_steps(steps.iter().copied()).get(&Value::Object(map.clone())))?,
        Value::Object(map) => walk(map.get(*step)?, rest, &condition.below()),
        Value::Array(elements) => {
            let ordered = elements
                .iter()
                .filter(|e| is_primary(e))
                .chain(elements.iter().filter(|e| !is_primary(e)));
            let mut found = Vec::new();
            for element in ordered {
                match walk(element, steps, condition) {
                    Some(Value::Array(inner)) => found.extend(inner),
                    Some(Value::Null) | None => {}
                    Some(inner) => found.push(inner),
                }
            }
            Some(Value::Array(found))
        }
        Value::Null => Some(Value::Null),
        _ => None,
    }
}

fn is_primary(element: &Value) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}

/// One value to put in.
pub(crate) struct Edit<'a> {
    pub value: &'a Value,
    /// P9: the value whose place it takes.
    pub displaced: &'a Value,
    pub shape: &'a Shape,
    /// All watched properties of the record type: an element of a list in which another of them
    /// still holds a value is kept.
    pub watch: &'a [PropertyRef],
}

impl Edit<'_> {
    /// Puts the value in; `Err` says why the record can't hold it there.
    pub(crate) fn put(&self, record: &mut Value, property: &PropertyRef) -> Result<(), String> {
        let condition = property.when.as_ref().map(Condition::of);
        self.at(record, "", &steps_of(&property.path), condition)
    }

    /// `here` is the path so far, `steps` what is left of it, never empty.
    fn at(
        &self,
        at: &mut Value,
        here: &str,
        steps: &[&str],
        condition: Option<Condition<'_>>,
    ) -> Result<(), String> {
        if at.is_null() {
            if self.value.is_null() {
                return Ok(());
            }
            *at = if self.shape.lists.contains_key(here) {
                Value::Array(Vec::new())
            } else {
                Value::Object(Map::new())
            };
        }
        match at {
            Value::Array(_) => self.in_list(at, here, steps, condition),
            Value::Object(_) => self.in_object(at, here, steps, condition),
            _ => Err(format!("`{here}` holds a plain value, so nothing can stand below it")),
        }
    }

    fn in_object(
        &self,
        at: &mut Value,
        here: &str,
        steps: &[&str],
        condition: Option<Condition<'_>>,
    ) -> Result<(), String> {
        let (step, rest) = (steps[0], &steps[1..]);
        let below = match condition {
            Some(condition) if condition.parts_at(step) => {
                self.satisfy(at, here, &condition)?;
                None
            }
            Some(condition) => Some(condition.below()),
            None => None,
        };
        let Value::Object(map) = at else { return Ok(()) };
        let here = join(here, step);
        if rest.is_empty() {
            return self.at_end(map, &here, step);
        }
        if !map.contains_key(step) && self.value.is_null() {
            return Ok(());
        }
        self.at(map.entry(step).or_insert(Value::Null), &here, rest, below)
    }

    /// Sees to it that an object satisfies the condition: one that does not tell is made to.
    fn satisfy(
        &self,
        object: &mut Value,
        here: &str,
        condition: &Condition<'_>,
    ) -> Result<(), String> {
        match condition.holds(object) {
            Some(true) => Ok(()),
            Some(false) if self.value.is_null() => Ok(()),
            Some(false) => Err(format!(
                "the record does not hold “{}” in `{}`",
                condition.value,
                condition.steps.iter().fold(here.to_string(), |here, step| join(&here, step))
            )),
            None if self.value.is_null() => Ok(()),
            None => {
                let value = Value::from(condition.value);
                let edit = Edit {
                    value: &value,
                    displaced: &Value::Null,
                    shape: self.shape,
                    watch: self.watch,
                };
                edit.at(object, here, &condition.steps, None)
            }
        }
    }

    /// R7: the value in the JSON type that the property has elsewhere: an id comes as a text,
    /// whatever it was written as. A text that a number would not write just so (`0150`) stays one.
    fn typed(&self, here: &str, there: Option<&Value>) -> Value {
        let numbers = |value: &Value| match value {
            Value::Array(list) => list.iter().all(|v| v.is_i64() || v.is_u64()) && !list.is_empty(),
            other => other.is_i64() || other.is_u64(),
        };
        if !self.shape.numbers.contains(here) && !there.is_some_and(numbers) {
            return self.value.clone();
        }
        let one = |value: &Value| match value {
            Value::String(text) => match text.parse::<i64>() {
                Ok(number) if number.to_string() == *text => Value::from(number),
                _ => value.clone(),
            },
            other => other.clone(),
        };
        match self.value {
            Value::Array(list) => Value::Array(list.iter().map(one).collect()),
            single => one(single),
        }
    }

    /// The last step: the property itself.
    fn at_end(&self, map: &mut Map<String, Value>, here: &str, step: &str) -> Result<(), String> {
        let as_list = self.shape.lists.contains_key(here);
        let typed = self.typed(here, map.get(step));
        match map.get_mut(step) {
            // A list of plain values, given a single one.
            Some(Value::Array(list)) if !self.value.is_array() => {
                if list.iter().any(Value::is_object) && !self.value.is_null() {
                    return Err(format!(
                        "`{here}` is a list of objects: name one of their properties"
                    ));
                }
                let same =
                    list.iter().position(|v| !is_empty(self.displaced) && equal(v, self.displaced));
                match (same, typed) {
                    (Some(at), Value::Null) => drop(list.remove(at)),
                    (None, Value::Null) => list.clear(),
                    (Some(at), value) => list[at] = value,
                    // P9: at a first link nothing is its own yet.
                    (None, value) if is_added(self.displaced) => list.push(value),
                    (None, value) => match list.first_mut() {
                        Some(first) => *first = value,
                        None => list.push(value),
                    },
                }
            }
            // R7: what is written as a single value, or as an empty text, stays so.
            Some(there) if as_list && !there.is_array() && !there.is_null() && typed.is_array() => {
                match typed {
                    Value::Array(mut list) if !is_empty(there) && list.len() == 1 => {
                        *there = list.remove(0);
                    }
                    Value::Array(list) if is_empty(there) && list.is_empty() => {}
                    list => *there = list,
                }
            }
            Some(there) => *there = typed,
            None if self.value.is_null() => {}
            None if as_list && !self.value.is_array() => {
                map.insert(step.to_string(), Value::Array(vec![typed]));
            }
            None => {
                map.insert(step.to_string(), typed);
            }
        }
        Ok(())
    }

    fn in_list(
        &self,
        at: &mut Value,
        here: &str,
        steps: &[&str],
        condition: Option<Condition<'_>>,
    ) -> Result<(), String> {
        let Value::Array(list) = at else { return Ok(()) };
        if let Value::Array(wanted) = self.value {
            return self.whole_list(list, here, steps, condition, wanted);
        }
        let read = |element: &Value| match &condition {
            Some(condition) => walk(element, steps, condition),
            None => Path::of_steps(steps.iter().copied()).get(element),
        };
        // Without a condition every element counts; with one, those that satisfy it.
        let counts = |element: &Value| match &condition {
            Some(condition) if condition.parts_at(steps[0]) => {
                condition.holds(element) == Some(true)
            }
            _ => true,
        };
        let is_displaced = |element: &Value| match read(element) {
            Some(Value::Array(inner)) => inner.iter().any(|v| equal(v, self.displaced)),
            Some(value) => equal(&value, self.displaced),
            None => false,
        };
        let displaced = if is_empty(self.displaced) {
            None
        } else {
            list.iter().position(|element| counts(element) && is_displaced(element))
        };
        let chosen = match displaced {
            Some(at) => Some(at),
            // The value to take away is not there any more.
            None if self.value.is_null() && !is_empty(self.displaced) => return Ok(()),
            None if is_added(self.displaced) => None,
            None => list
                .iter()
                .position(|e| counts(e) && is_primary(e))
                .or_else(|| list.iter().position(counts)),
        };
        match chosen {
            Some(at) => {
                self.at(&mut list[at], here, steps, condition)?;
                if self.value.is_null() && steps.len() == 1 && self.says_nothing(&list[at], here) {
                    list.remove(at);
                }
                Ok(())
            }
            None if self.value.is_null() => Ok(()),
            None => {
                let mut element = Value::Object(Map::new());
                self.at(&mut element, here, steps, condition)?;
                self.append(list, here, element);
                Ok(())
            }
        }
    }

    /// Adds an element, as the primary one if it is the first.
    fn append(&self, list: &mut Vec<Value>, here: &str, mut element: Value) {
        if list.is_empty()
            && self.shape.lists.get(here) == Some(&true)
            && let Value::Object(map) = &mut element
        {
            map.entry("primary").or_insert(Value::Bool(true));
        }
        list.push(element);
    }

    /// Whether no watched property of this list's elements has a value in this one: what is left of
    /// it (a tag, a label) tells nothing.
    fn says_nothing(&self, element: &Value, list: &str) -> bool {
        let prefix = format!("{list}.");
        let mut below = self
            .watch
            .iter()
            .filter_map(|watched| watched.path.as_str().strip_prefix(prefix.as_str()));
        below.all(|path| Path::new(path).get(element).as_ref().is_none_or(is_empty))
    }

    /// The elements that hold these values, in this order; those that hold another are dropped, new
    /// ones are added.
    fn whole_list(
        &self,
        list: &mut Vec<Value>,
        here: &str,
        steps: &[&str],
        condition: Option<Condition<'_>>,
        wanted: &[Value],
    ) -> Result<(), String> {
        let mut before = std::mem::take(list);
        for value in wanted.iter().filter(|value| !is_empty(value)) {
            let holds = |element: &Value| match &condition {
                Some(condition) => {
                    walk(element, steps, condition).is_some_and(|there| equal(&there, value))
                }
                None => Path::of_steps(steps.iter().copied())
                    .get(element)
                    .is_some_and(|there| equal(&there, value)),
            };
            if let Some(at) = before.iter().position(holds) {
                list.push(before.remove(at));
            } else {
                let mut element = Value::Object(Map::new());
                let edit =
                    Edit { value, displaced: &Value::Null, shape: self.shape, watch: self.watch };
                edit.at(&mut element, here, steps, condition.clone())?;
                self.append(list, here, element);
            }
        }
        // What has no value for this property was not part of the list that was given.
        list.extend(before.into_iter().filter(|element| match &condition {
            Some(condition) => walk(element, steps, condition).is_none_or(|v| is_empty(&v)),
            None => Path::of_steps(steps.iter().copied()).get(element).is_none_or(|v| is_empty(&v)),
        }));
        if self.shape.lists.get(here) == Some(&true) {
            for (at, element) in list.iter_mut().enumerate() {
                if let Some(flag) = element.get_mut("primary") {
                    *flag = Value::Bool(at == 0);
                }
            }
        }
        Ok(())
    }
}

fn join(here: &str, step: &str) -> String {
    path::below(here, step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn phone(kind: &str) -> PropertyRef {
        PropertyRef {
            via: vec![],
            path: "phones.number".into(),
            beside: vec![],
            when: Some(Having { path: "phones.name".into(), value: kind.into() }),
        }
    }

    /// Puts `value` in for `displaced` at `property` and compares the record.
    fn check(before: Value, property: &PropertyRef, value: Value, displaced: Value, after: Value) {
        let shape = Shape {
            lists: [
                ("emails".to_string(), true),
                ("phones".to_string(), false),
                ("tags".to_string(), false),
            ]
            .into(),
            ..Shape::default()
        };
        let watch =
            ["emails.email", "address.city", "places.city", "places.zip"].map(PropertyRef::new);
        let mut record = before;
        Edit { value: &value, displaced: &displaced, shape: &shape, watch: &watch }
            .put(&mut record, property)
            .unwrap();
        assert_eq!(record, after);
    }

    #[test]
    fn a_value_replaces_the_element_it_came_from_else_the_primary_one_else_it_is_appended() {
        // P9
        let email = PropertyRef::new("emails.email");
        let two = json!({"emails": [{"email": "a", "tag": "x"}, {"email": "b", "primary": true}]});
        let replaced =
            json!({"emails": [{"email": "c", "tag": "x"}, {"email": "b", "primary": true}]});
        check(two.clone(), &email, json!("c"), json!("a"), replaced);
        let primary =
            json!({"emails": [{"email": "a", "tag": "x"}, {"email": "c", "primary": true}]});
        check(two.clone(), &email, json!("c"), json!("gone"), primary);
        check(
            json!({}),
            &email,
            json!("c"),
            json!(null),
            json!({"emails": [{"email": "c", "primary": true}]}),
        );
        check(
            json!({"emails": []}),
            &email,
            json!("c"),
            json!(null),
            json!({"emails": [{"email": "c", "primary": true}]}),
        );
        check(
            two.clone(),
            &email,
            json!(null),
            json!("b"),
            json!({"emails": [{"email": "a", "tag": "x"}]}),
        );
        check(two.clone(), &email, json!(null), json!("other"), two);
    }

    #[test]
    fn an_element_in_which_another_watched_property_has_a_value_is_not_taken_away() {
        let city = PropertyRef::new("places.city");
        let place = json!({"places": [{"city": "Oslo", "zip": "0150"}]});
        check(
            place,
            &city,
            json!(null),
            json!("Oslo"),
            json!({"places": [{"city": null, "zip": "0150"}]}),
        );
        check(
            json!({"places": [{"city": "Oslo", "tag": "x"}]}),
            &city,
            json!(null),
            json!("Oslo"),
            json!({"places": []}),
        );
    }

    #[test]
    fn a_list_replaces_the_whole_and_keeps_the_elements_that_stay() {
        let email = PropertyRef::new("emails.email");
        check(
            json!({"emails": [{"email": "a", "id": 1, "primary": true}, {"email": "b", "id": 2, "primary": false}]}),
            &email,
            json!(["c", "b"]),
            json!(["a", "b"]),
            json!({"emails": [{"email": "c", "primary": true}, {"email": "b", "id": 2, "primary": false}]}),
        );
        let tags = PropertyRef::new("tags");
        check(
            json!({"tags": ["x", "y"]}),
            &tags,
            json!(["z"]),
            json!(["x", "y"]),
            json!({"tags": ["z"]}),
        );
        check(
            json!({"tags": ["x", "y"]}),
            &tags,
            json!("z"),
            json!("y"),
            json!({"tags": ["x", "z"]}),
        );
        check(json!({}), &tags, json!("z"), json!(null), json!({"tags": ["z"]}));
    }

    #[test]
    fn plain_properties_are_set_emptied_and_made() {
        let city = PropertyRef::new("address.city");
        check(
            json!({"address": {"city": "Oslo", "zip": 1}}),
            &city,
            json!("Bodø"),
            json!("Oslo"),
            json!({"address": {"city": "Bodø", "zip": 1}}),
        );
        check(
            json!({"address": {"city": "Oslo"}}),
            &city,
            json!(null),
            json!("Oslo"),
            json!({"address": {"city": null}}),
        );
        check(json!({}), &city, json!(null), json!(null), json!({}));
        check(
            json!({"address": null}),
            &city,
            json!("Bodø"),
            json!(null),
            json!({"address": {"city": "Bodø"}}),
        );
    }

    #[test]
    fn a_condition_chooses_the_element() {
        let record =
            json!({"phones": [{"name": "Work", "number": "1"}, {"name": "Mobile", "number": "2"}]});
        assert_eq!(read(&record, &phone("Mobile")), Some(json!(["2"])));
        assert_eq!(read(&record, &phone("Fax")), Some(json!([])));
        let after =
            json!({"phones": [{"name": "Work", "number": "1"}, {"name": "Mobile", "number": "3"}]});
        check(record.clone(), &phone("Mobile"), json!("3"), json!("2"), after);
        let after = json!({"phones": [{"name": "Work", "number": "1"}, {"name": "Mobile", "number": "2"}, {"name": "Fax", "number": "3"}]});
        check(record, &phone("Fax"), json!("3"), json!(null), after);
    }

    #[test]
    fn a_condition_on_the_record_is_met_or_the_property_is_not_told() {
        // R5
        let mobile = PropertyRef {
            via: vec![],
            path: "number".into(),
            beside: vec![],
            when: Some(Having { path: "kind".into(), value: "Mobile".into() }),
        };
        assert_eq!(read(&json!({"kind": "Mobile", "number": "1"}), &mobile), Some(json!("1")));
        assert_eq!(read(&json!({"kind": "Work", "number": "1"}), &mobile), None);
        check(
            json!({}),
            &mobile,
            json!("1"),
            json!(null),
            json!({"kind": "Mobile", "number": "1"}),
        );
        let (shape, value) = (Shape::default(), json!("1"));
        let edit = Edit { value: &value, displaced: &Value::Null, shape: &shape, watch: &[] };
        assert!(
            edit.put(&mut json!({"kind": "Work", "number": "2"}), &mobile)
                .unwrap_err()
                .contains("“Mobile” in `kind`")
        );
        assert!(
            edit.put(&mut json!({"kind": "Mobile", "number": {}}), &PropertyRef::new("kind.below"))
                .is_err()
        );
    }
}
