//! Where properties are in a system's records: reading them out, and putting them in with all else
//! left as it is (P9).

use lockstep_model::flow::PropertyRef;
use lockstep_model::path::first_step;
use lockstep_model::value::{equal, is_added, is_empty};
use serde_json::{Map, Value, json};

use super::written::{PropertyYaml, TypeWord, TypeYaml};

/// A watched property, found in the manifest.
#[derive(Clone, Debug)]
pub struct Located<'a> {
    pub property: &'a PropertyYaml,
    /// The property's written path, as the manifest lists it.
    pub path: &'a str,
    /// Where it is in the record: that of the list, for a list.
    pub at: String,
    /// For an element of a list or an object: the child that is meant.
    pub child: Option<String>,
    when: Option<(String, String)>,
}

/// Finds a watched property in a record type.
pub fn locate<'a>(ty: &'a TypeYaml, watched: &PropertyRef) -> Option<Located<'a>> {
    let path = watched.path.as_str();
    let (name, property, child) = ty
        .properties
        .get_key_value(path)
        .map(|(name, property)| (name, property, property.value.clone()))
        .or_else(|| {
            // The child of a list or an object that is not a property of its own.
            ty.properties.iter().filter(|(_, p)| p.list || p.value.is_some()).find_map(
                |(name, property)| {
                    let child = path.strip_prefix(name.as_str())?.strip_prefix('.')?;
                    Some((name, property, Some(child.to_string())))
                },
            )
        })?;
    let at = property.at.clone().unwrap_or_else(|| name.clone());
    let when = watched.when.as_ref().map(|having| {
        let inside = having
            .path
            .as_str()
            .strip_prefix(name.as_str())
            .and_then(|rest| rest.strip_prefix('.'));
        (inside.unwrap_or(having.path.as_str()).to_string(), having.value.clone())
    });
    Some(Located { property, path: name, at, child, when })
}

/// With what a place begins that is a header of the answer: `$headers.X-Total-Count`.
pub const HEADERS: &str = "$headers.";

/// What is at a dotted place; lists are not gone through.
pub fn at<'v>(value: &'v Value, place: &str) -> Option<&'v Value> {
    if place.is_empty() {
        return Some(value);
    }
    if let Value::Object(map) = value
        // Some names have dots in them: `odata.nextLink`.
        && let Some(found) = map.get(place)
    {
        return Some(found);
    }
    let (step, rest) = first_step(place);
    let rest = rest.unwrap_or_default();
    let below = match value {
        Value::Array(list) => list.get(step.parse::<usize>().ok()?),
        other => other.get(step),
    };
    at(below?, rest)
}

/// Puts a value at a dotted place; objects on the way are made, and a list where the first step
/// into nothing is 0.
pub fn put(target: &mut Value, place: &str, value: Value) {
    let (step, rest) = first_step(place);
    if target.is_null() && step == "0" {
        *target = json!([]);
    }
    if let (Value::Array(list), Ok(index)) = (&mut *target, step.parse::<usize>())
        && index <= list.len()
    {
        if index == list.len() {
            list.push(Value::Null);
        }
        match rest {
            None => list[index] = value,
            Some(rest) => put(&mut list[index], rest, value),
        }
        return;
    }
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    if let Value::Object(map) = target {
        match rest {
            None => drop(map.insert(step.to_string(), value)),
            Some(rest) => put(map.entry(step.to_string()).or_insert(Value::Null), rest, value),
        }
    }
}

/// Puts a value at a dotted place, beside what is there: objects are joined, and nothing that has a
/// value is replaced.
pub fn put_beside(target: &mut Value, place: &str, value: Value) {
    match at_mut(target, place) {
        Some(held) => beside(held, value),
        None => put(target, place, value),
    }
}

fn beside(held: &mut Value, value: Value) {
    match (held, value) {
        (Value::Object(held), Value::Object(more)) => {
            for (key, value) in more {
                match held.get_mut(&key) {
                    Some(held) => beside(held, value),
                    None => drop(held.insert(key, value)),
                }
            }
        }
        (Value::Array(held), Value::Array(more)) if held.len() == more.len() => {
            held.iter_mut().zip(more).for_each(|(held, value)| beside(held, value));
        }
        (held @ Value::Null, value) => *held = value,
        _ => {}
    }
}

fn at_mut<'v>(value: &'v mut Value, place: &str) -> Option<&'v mut Value> {
    if place.is_empty() {
        return Some(value);
    }
    let (step, rest) = first_step(place);
    let rest = rest.unwrap_or_default();
    let below = match value {
        Value::Array(list) => list.get_mut(step.parse::<usize>().ok()?)?,
        other => other.get_mut(step)?,
    };
    at_mut(below, rest)
}

/// A text or number as text, for ids and versions.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A value of the property's declared type, where the system shows it otherwise and nothing is
/// lost: `"0"` of an integer, 1 of a boolean. Decimals stay as they are written (R7).
pub fn shaped(ty: TypeWord, value: Value) -> Value {
    match (ty, &value) {
        (TypeWord::Integer | TypeWord::Minutes, Value::String(text)) => {
            whole_number(text).unwrap_or(value)
        }
        (TypeWord::Float, Value::String(text)) => match serde_json::from_str(text.trim()) {
            Ok(number @ Value::Number(_)) => number,
            _ => value,
        },
        (TypeWord::Boolean, Value::Number(number)) => match number.to_string().as_str() {
            "0" => Value::Bool(false),
            "1" => Value::Bool(true),
            _ => value,
        },
        (TypeWord::Boolean, Value::String(text)) => match text.trim().to_lowercase().as_str() {
            "true" | "1" | "yes" | "y" | "on" => Value::Bool(true),
            "false" | "0" | "no" | "n" | "off" => Value::Bool(false),
            _ => value,
        },
        (TypeWord::String, Value::Number(number)) => Value::String(number.to_string()),
        // OData 2 writes dates so in JSON.
        (TypeWord::Datetime | TypeWord::Date, Value::String(text))
            if text.starts_with("/Date(") =>
        {
            match lockstep_model::Timestamp::read(&value) {
                Ok(Some(time)) => {
                    let whole = time.at.to_string();
                    let day = matches!(ty, TypeWord::Date).then(|| whole.get(..10)).flatten();
                    Value::String(day.map_or(whole.clone(), str::to_string))
                }
                _ => value,
            }
        }
        _ => value,
    }
}

/// Digits as a number, where these are all there is: `007` is something else.
fn whole_number(text: &str) -> Option<Value> {
    match serde_json::from_str(text.trim()) {
        Ok(Value::Number(number))
            if number.to_string().bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') =>
        {
            Some(Value::Number(number))
        }
        _ => None,
    }
}

/// Whether two texts (or numbers) are the same but for case and space around them.
pub fn same_text(a: &Value, b: &Value) -> bool {
    let folded = |v: &Value| text(v).map(|t| t.trim().to_lowercase());
    folded(a).is_some() && folded(a) == folded(b)
}

impl Located<'_> {
    /// What a record holds (R5: `None` where it does not tell).
    pub fn read(&self, record: &Value, absent_is_empty: bool) -> Option<Value> {
        let found = self.found(record, absent_is_empty)?;
        if self.property.none.iter().any(|none| lockstep_model::value::equal(none, &found)) {
            return Some(Value::Null);
        }
        Some(match self.property.ty {
            None => found,
            Some(ty) => match found {
                Value::Array(elements) if self.property.list => {
                    elements.into_iter().map(|one| shaped(ty, one)).collect()
                }
                one => shaped(ty, one),
            },
        })
    }

    fn found(&self, record: &Value, absent_is_empty: bool) -> Option<Value> {
        let absent = || absent_is_empty.then_some(Value::Null);
        // R5: a record that does not satisfy the condition says nothing of this property.
        if !self.property.list && !self.has(record) {
            return None;
        }
        let Some(found) = at(record, &self.at) else {
            return if self.property.list && absent_is_empty { Some(json!([])) } else { absent() };
        };
        if !self.property.list {
            return match &self.child {
                Some(child) => match found {
                    Value::Null => Some(Value::Null),
                    object => at(object, child).cloned().or_else(absent),
                },
                None => Some(found.clone()),
            };
        }
        let Value::Array(elements) = found else { return Some(json!([])) };
        let (first, rest): (Vec<&Value>, Vec<&Value>) =
            elements.iter().filter(|e| self.has(e)).partition(|e| self.is_primary(e));
        let value = |element: &&Value| match &self.child {
            Some(child) => at(element, child).cloned(),
            None => Some((*element).clone()),
        };
        Some(Value::Array(
            first.iter().chain(&rest).filter_map(value).filter(|v| !v.is_null()).collect(),
        ))
    }

    /// Puts a value into the record; `Null` empties. Other elements of a list stay as they are,
    /// with their ids.
    pub fn write(&self, record: &mut Value, value: &Value, displaced: &Value) {
        let empties = value.is_null();
        // Emptied in the way in which the system itself says that there is none.
        let value =
            if value.is_null() { self.property.none.first().unwrap_or(value) } else { value };
        if !self.property.list {
            match (&self.child, &self.property.element) {
                // An object with fixed siblings is emptied whole.
                (Some(_), Some(_)) if empties => put(record, &self.at, value.clone()),
                (Some(child), Some(fixed)) => {
                    let mut object = fixed.clone();
                    put(&mut object, child, value.clone());
                    put(record, &self.at, object);
                }
                (Some(child), None) => put(record, &format!("{}.{child}", self.at), value.clone()),
                (None, _) => put(record, &self.at, value.clone()),
            }
            return;
        }
        let mut elements = match at(record, &self.at) {
            Some(Value::Array(elements)) => elements.clone(),
            _ => vec![],
        };
        match value {
            Value::Array(whole) => elements = self.whole(&elements, whole),
            single => self.single(&mut elements, single, displaced),
        }
        put(record, &self.at, Value::Array(elements));
    }

    /// In a new record: makes it one that satisfies the property's condition, unless it says
    /// something else there.
    pub fn satisfy(&self, record: &mut Value) {
        if let Some((path, having)) =
            self.when.as_ref().filter(|(_, having)| !self.property.list && !having.is_empty())
            && at(record, path).is_none_or(Value::is_null)
        {
            put(record, path, Value::String(having.clone()));
        }
    }

    /// P9: in the place of the element it came from, else of the primary one, else a new one.
    fn single(&self, elements: &mut Vec<Value>, value: &Value, displaced: &Value) {
        let mine: Vec<usize> = (0..elements.len()).filter(|i| self.has(&elements[*i])).collect();
        let held = |i: &&usize| {
            !is_empty(displaced)
                && self.value_of(&elements[**i]).is_some_and(|v| equal(&v, displaced))
        };
        // P9: at a first link nothing is its own yet.
        if is_added(displaced) && !is_empty(value) {
            elements.push(self.element(value, elements.is_empty()));
            return;
        }
        let place = mine
            .iter()
            .find(held)
            .or_else(|| mine.iter().find(|i| self.is_primary(&elements[**i])))
            .or(mine.first())
            .copied();
        match (place, is_empty(value)) {
            (Some(place), true) => {
                let was_primary = self.is_primary(&elements[place]);
                elements.remove(place);
                // The next one becomes the primary, as it does where the first one is it.
                if let (true, Some(flag), Some(next)) =
                    (was_primary, &self.property.primary, elements.first_mut())
                {
                    put(next, flag, Value::Bool(true));
                }
            }
            (Some(place), false) => match &self.child {
                Some(child) => {
                    if let Value::Object(element) = &mut elements[place] {
                        element.retain(|name, _| !self.property.made_of_value.contains(name));
                    }
                    put(&mut elements[place], child, value.clone());
                }
                None => elements[place] = value.clone(),
            },
            (None, true) => {}
            (None, false) => elements.push(self.element(value, elements.is_empty())),
        }
    }

    fn whole(&self, elements: &[Value], values: &[Value]) -> Vec<Value> {
        let keep = |value: &Value| {
            elements.iter().find(|e| self.value_of(e).is_some_and(|v| equal(&v, value))).cloned()
        };
        values
            .iter()
            .enumerate()
            .map(|(n, value)| keep(value).unwrap_or_else(|| self.element(value, n == 0)))
            .collect()
    }

    /// A new element. Where nothing but the order tells, the first is the primary one.
    fn element(&self, value: &Value, first: bool) -> Value {
        let Some(child) = &self.child else { return value.clone() };
        let mut element = self.property.element.clone().unwrap_or_else(|| json!({}));
        put(&mut element, child, value.clone());
        if let Some((path, having)) = self.when.as_ref().filter(|(_, having)| !having.is_empty()) {
            put(&mut element, path, Value::String(having.clone()));
        }
        if let (Some(flag), true) = (&self.property.primary, first) {
            put(&mut element, flag, Value::Bool(true));
        }
        element
    }

    fn value_of(&self, element: &Value) -> Option<Value> {
        match &self.child {
            Some(child) => at(element, child).cloned(),
            None => Some(element.clone()),
        }
    }

    fn is_primary(&self, element: &Value) -> bool {
        self.property
            .primary
            .as_ref()
            .is_some_and(|flag| at(element, flag) == Some(&Value::Bool(true)))
    }

    fn has(&self, element: &Value) -> bool {
        self.when.as_ref().is_none_or(|(path, value)| {
            at(element, path).and_then(text).unwrap_or_default() == *value
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emails() -> TypeYaml {
        serde_saphyr::from_str(
            "id: id\nlist: { request: { path: / }, paging: none }\nproperties:\n  info.emails: { list: true, at: info.emails.items, value: email, primary: primary, element: { tag: MAIN } }\n",
        )
        .unwrap()
    }

    #[test]
    fn names_may_have_dots() {
        let answer = json!({"odata.nextLink": "x", "errors": [{"field": "email"}], "a": {"b": 1}});
        assert_eq!(at(&answer, "odata.nextLink"), Some(&json!("x")));
        assert_eq!(at(&answer, "errors.0.field"), Some(&json!("email")));
        assert_eq!(at(&answer, "a.b"), Some(&json!(1)));
        assert_eq!(
            (at(&answer, "a.b.c"), at(&answer, "a.c"), at(&answer, "errors.1")),
            (None, None, None)
        );
    }

    #[test]
    fn numeric_steps_make_lists_and_lead_into_them() {
        let mut body = json!({"kept": {"0": "x"}, "list": [{"a": 1}, {"a": 2}]});
        put(&mut body, "members.0.email", json!("ase@example.com"));
        put(&mut body, "members.0.name", json!("Åse"));
        put(&mut body, "list.1.a", json!(3));
        put(&mut body, "kept.0", json!("y"));
        let members = json!([{"email": "ase@example.com", "name": "Åse"}]);
        assert_eq!(
            body,
            json!({"kept": {"0": "y"}, "list": [{"a": 1}, {"a": 3}], "members": members})
        );
    }

    #[test]
    fn c1_what_stands_beside_a_record_replaces_nothing_of_it() {
        let mut body = json!({"variables": {"input": {"name": "Åse", "id": null}}, "members": [{"email": "ase@example.com"}]});
        put_beside(
            &mut body,
            "variables",
            json!({"input": {"id": 7, "name": "other"}, "dry": true}),
        );
        put_beside(&mut body, "members.0.role", json!("guest"));
        put_beside(&mut body, "query", json!("mutation"));
        let variables = json!({"input": {"name": "Åse", "id": 7}, "dry": true});
        let members = json!([{"email": "ase@example.com", "role": "guest"}]);
        assert_eq!(body, json!({"variables": variables, "members": members, "query": "mutation"}));
    }

    #[test]
    fn r7_what_is_read_has_the_type_that_the_manifest_says() {
        for (ty, shown, read) in [
            (TypeWord::Integer, json!("0"), json!(0)),
            (TypeWord::Integer, json!("-12"), json!(-12)),
            (TypeWord::Integer, json!("007"), json!("007")),
            (TypeWord::Integer, json!("many"), json!("many")),
            (TypeWord::Boolean, json!(1), json!(true)),
            (TypeWord::Boolean, json!("0"), json!(false)),
            (TypeWord::Boolean, json!(2), json!(2)),
            (TypeWord::Float, json!("1.50"), serde_json::from_str("1.50").unwrap()),
            (TypeWord::Decimal, json!("1.50"), json!("1.50")),
            (TypeWord::String, json!(1530), json!("1530")),
            (TypeWord::Date, json!("/Date(1714521600000)/"), json!("2024-05-01")),
            (TypeWord::Datetime, json!("/Date(1714557600000)/"), json!("2024-05-01T10:00:00Z")),
            (TypeWord::Datetime, json!("/Date(soon)/"), json!("/Date(soon)/")),
            (TypeWord::String, json!("/Date(0)/"), json!("/Date(0)/")),
            (TypeWord::Any, json!("1"), json!("1")),
        ] {
            assert_eq!(shaped(ty, shown.clone()).to_string(), read.to_string(), "{ty:?} {shown}");
        }
    }

    #[test]
    fn p8_an_object_keeps_its_fixed_siblings_and_is_emptied_whole() {
        let ty: TypeYaml = serde_saphyr::from_str(
            "id: id\nlist: { request: { path: / }, paging: none }\nproperties:\n  company: { value: objectId, element: { __type: Pointer, className: Company }, none: [{ __op: Delete }] }\n",
        )
        .unwrap();
        let located = locate(&ty, &PropertyRef::new("company")).unwrap();
        let mut record = json!({});
        located.write(&mut record, &json!("c7"), &Value::Null);
        assert_eq!(
            record["company"],
            json!({"__type": "Pointer", "className": "Company", "objectId": "c7"})
        );
        assert_eq!(located.read(&record, false), Some(json!("c7")));
        located.write(&mut record, &Value::Null, &json!("c7"));
        assert_eq!(record["company"], json!({"__op": "Delete"}));
    }

    #[test]
    fn p9_a_single_value_replaces_its_own_element_and_the_others_stay() {
        let ty = emails();
        let located = locate(&ty, &PropertyRef::new("info.emails.email")).unwrap();
        let mut record = json!({"info": {"emails": {"items": [
            {"id": "1", "email": "a@example.com"}, {"id": "2", "email": "b@example.com", "primary": true}]}}});
        assert_eq!(located.read(&record, false), Some(json!(["b@example.com", "a@example.com"])));
        located.write(&mut record, &json!("c@example.com"), &json!("a@example.com"));
        assert_eq!(
            record["info"]["emails"]["items"][0],
            json!({"id": "1", "email": "c@example.com"})
        );
        // What it displaced is not there any more: the primary one.
        located.write(&mut record, &json!("d@example.com"), &json!("x@example.com"));
        assert_eq!(
            record["info"]["emails"]["items"][1],
            json!({"id": "2", "email": "d@example.com", "primary": true})
        );
        located.write(&mut record, &Value::Null, &json!("d@example.com"));
        assert_eq!(
            record["info"]["emails"]["items"],
            json!([{"id": "1", "email": "c@example.com", "primary": true}])
        );
    }

    #[test]
    fn p9_an_empty_list_gets_a_primary_element() {
        let ty = emails();
        let located = locate(&ty, &PropertyRef::new("info.emails.email")).unwrap();
        let mut record = json!({});
        located.write(&mut record, &json!("a@example.com"), &Value::Null);
        assert_eq!(
            record["info"]["emails"]["items"],
            json!([{"tag": "MAIN", "email": "a@example.com", "primary": true}])
        );
    }
}
