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
    references: bool,
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

    /// P3: for each element that is shown the one of those given that its system made it of, where
    /// there is one. Where the list shows for certain what became of those given, what is left over
    /// on both sides belongs together, unless it stood there `before`.
    pub fn made_of(
        &self,
        given: &[Value],
        shown: &[Value],
        before: &[Value],
        certain: bool,
    ) -> Vec<Option<usize>> {
        let mut taken = vec![false; given.len()];
        let mut found: Vec<Option<usize>> = shown
            .iter()
            .map(|one| {
                let exact = given.iter().position(|given| given == one);
                let at = exact.or_else(|| given.iter().position(|given| self.same(given, one)))?;
                taken[at] = true;
                Some(at)
            })
            .collect();
        if self.references {
            return found;
        }
        let open = |found: &[Option<usize>], at: usize| {
            found[at].is_none() && !self.is_in(before, &shown[at])
        };
        for at in 0..shown.len() {
            if open(&found, at)
                && let Some(given) =
                    (0..given.len()).find(|ix| !taken[*ix] && made_of(&given[*ix], &shown[at]))
            {
                found[at] = Some(given);
                taken[given] = true;
            }
        }
        let left: Vec<usize> = (0..given.len()).filter(|at| !taken[*at]).collect();
        let new: Vec<usize> = (0..shown.len()).filter(|at| open(&found, *at)).collect();
        if certain && left.len() == new.len() {
            new.into_iter().zip(left).for_each(|(shown, given)| found[shown] = Some(given));
        }
        found
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

    fn texts() -> Likeness {
        let terms = Terms::of(PlainType::Any);
        Likeness { terms, caseless: false, references: false }
    }

    fn list(value: Value) -> Vec<Value> {
        elements(Some(&value))
    }

    #[test]
    fn p11_elements_are_compared_by_what_they_are() {
        let (mails, numbers) = (["Ase@Example.com", "ase@example.com"], [json!(1.0), json!(1)]);
        assert!(texts().same(&json!(mails[0]), &json!(mails[1])), "mails without case");
        assert!(texts().same(&numbers[0], &numbers[1]));
        assert!(!texts().same(&json!("vip"), &json!("VIP")));
        assert_eq!(list(json!(["a", "", null, "b"])), list(json!(["a", "b"])));
        assert_eq!(list(json!("a")), [json!("a")]);
        let many = |n: u32| list((0..n).map(|n| json!(format!("tag {n}"))).collect());
        assert_eq!(texts().missing(&many(1_001), &many(1_000)), [&json!("tag 1000")]);
    }

    #[test]
    fn p3_an_element_that_a_system_keeps_in_another_form_is_the_one_that_it_was_given() {
        let made = |given: Value, shown: Value, before: Value, certain: bool| {
            texts().made_of(&list(given), &list(shown), &list(before), certain)
        };
        let (vip, new) = (Some(0), Some(1));
        let given = || json!(["vip", "new"]);
        assert_eq!(made(given(), json!(["NEW", "VIP"]), json!([]), false), [new, vip]);
        assert_eq!(made(given(), json!(["vip", "tag:new"]), json!([]), true), [vip, new]);
        assert_eq!(made(given(), json!(["vip", "tag:new"]), json!([]), false), [vip, None]);
        assert_eq!(made(given(), json!(["vip", "old"]), json!(["old"]), true), [vip, None]);
        // One that is there as it was given is made of nothing else.
        assert_eq!(made(json!(["C"]), json!(["C", "C++"]), json!([]), false), [Some(0), None]);
    }
}
