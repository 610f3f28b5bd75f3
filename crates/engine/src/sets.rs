//! Lists as sets of elements that come and go one by one (P11).

use std::collections::HashSet;

use lockstep_model::value::{Terms, is_empty, same};
use lockstep_model::{PlainType, Value};

use crate::confirm::made_of;
use crate::plan::{Bearing, PlanProp};

/// From this length on, most elements are found by what they are, and only the others compared.
const LONG: usize = 16;

/// The elements of a list, without the empty ones. A single value is a list of one.
pub(crate) fn elements(value: Option<&Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(list)) => list.iter().filter(|one| !is_empty(one)).cloned().collect(),
        Some(single) if !is_empty(single) => vec![single.clone()],
        _ => vec![],
    }
}

/// When two elements are the same (R7).
#[derive(Clone, Copy)]
pub(crate) struct Likeness {
    terms: Terms,
    /// Two texts that differ in case only are the same.
    caseless: bool,
    /// They are ids: a system makes nothing else of them.
    pub references: bool,
}

impl Likeness {
    /// Between elements of one property.
    pub fn within(prop: &PlanProp) -> Self {
        Likeness::of(prop.terms(), prop)
    }

    /// Between an element that came to a property and one that stands there.
    pub fn arriving(by: &Bearing, prop: &PlanProp) -> Self {
        Likeness::of(by.terms, prop)
    }

    fn of(terms: Terms, prop: &PlanProp) -> Self {
        Likeness {
            terms: Terms { ty: PlainType::Any, ordered: false, ..terms },
            caseless: prop.stored_as.caseless,
            references: prop.reference_target.is_some(),
        }
    }

    /// Between texts, whose case counts.
    #[cfg(test)]
    pub fn of_texts() -> Self {
        Likeness { terms: Terms::of(PlainType::Any), caseless: false, references: false }
    }

    pub fn same(&self, a: &Value, b: &Value) -> bool {
        same(self.terms, a, b) || self.caseless && same_but_for_case(a, b)
    }

    pub fn is_in(&self, list: &[Value], element: &Value) -> bool {
        list.contains(element) || list.iter().any(|one| self.same(one, element))
    }

    /// Those of `some` that are not in `all`.
    pub fn missing<'v>(&self, some: &'v [Value], all: &[Value]) -> Vec<&'v Value> {
        let known: HashSet<&Value> =
            if all.len() > LONG { all.iter().collect() } else { HashSet::new() };
        some.iter().filter(|one| !known.contains(one) && !self.is_in(all, one)).collect()
    }

    /// Whether two lists hold the same elements.
    pub fn same_set(&self, a: &[Value], b: &[Value]) -> bool {
        self.missing(a, b).is_empty() && self.missing(b, a).is_empty()
    }

    /// Adds an element that is not there yet.
    pub fn add(&self, list: &mut Vec<Value>, element: Value) {
        if !self.is_in(list, &element) {
            list.push(element);
        }
    }

    /// Takes an element out. Gives whether it was there.
    pub fn take_out(&self, list: &mut Vec<Value>, element: &Value) -> bool {
        let before = list.len();
        list.retain(|one| !self.same(one, element));
        list.len() != before
    }

    /// Whether an element is one of these, in whatever form its system keeps it (P3).
    pub fn is_of(&self, list: &[Value], element: &Value) -> bool {
        let made = |one: &Value| !self.references && made_of(one, element);
        self.is_in(list, element) || list.iter().any(made)
    }
}

/// P3 for what a system tells apart by its letters only, not by their case.
pub(crate) fn same_but_for_case(a: &Value, b: &Value) -> bool {
    matches!((a, b), (Value::String(a), Value::String(b)) if a.trim().to_lowercase() == b.trim().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn list(value: Value) -> Vec<Value> {
        elements(Some(&value))
    }

    #[test]
    fn p11_elements_are_compared_by_what_they_are() {
        let (mails, numbers) = (["Ase@Example.com", "ase@example.com"], [json!(1.0), json!(1)]);
        assert!(
            Likeness::of_texts().same(&json!(mails[0]), &json!(mails[1])),
            "mails without case"
        );
        assert!(Likeness::of_texts().same(&numbers[0], &numbers[1]));
        assert!(!Likeness::of_texts().same(&json!("vip"), &json!("VIP")));
        assert_eq!(list(json!(["a", "", null, "b"])), list(json!(["a", "b"])));
        assert_eq!(list(json!("a")), [json!("a")]);
        let many = |n: u32| list((0..n).map(|n| json!(format!("tag {n}"))).collect());
        assert_eq!(Likeness::of_texts().missing(&many(1_001), &many(1_000)), [&json!("tag 1000")]);
    }
}
