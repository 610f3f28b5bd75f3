//! An element of a list as it would stand in another list (P8, P11, R7).

use lockstep_model::value::{as_stored, coerce, is_empty, like};
use lockstep_model::{PlainType, RecordState, Value};

use super::outcome::Awaited;
use super::reference::{counterpart, id_value};
use super::translate::misshapen;
use crate::keys::each_id;
use crate::plan::{Bearing, Plan, PlanProp};
use crate::sets::elements;
use crate::slice::Slice;

/// What an element becomes in another list.
pub(super) enum Element {
    /// Mostly one; a conversion may make none or several of it.
    Becomes(Vec<Value>),
    /// P8: what it refers to has no counterpart there yet.
    Waits(Awaited),
    /// It can't be converted.
    Fails(String),
}

/// A way from one list to another.
#[derive(Clone, Copy)]
pub(super) struct Way<'a> {
    pub plan: &'a Plan,
    pub slice: &'a Slice,
    pub by: &'a Bearing,
    pub target: &'a PlanProp,
    /// What the target's list shows, by which the JSON type of its elements is told.
    pub shown: &'a Value,
}

impl Way<'_> {
    /// What an element becomes at the other end.
    pub fn translate(&self, element: &Value) -> Element {
        if self.by.reference {
            return self.reference(element);
        }
        let mut value = element.clone();
        for conversion in match &self.by.conversion {
            Ok(conversions) => conversions,
            Err(why) => return Element::Fails(why.clone()),
        } {
            match conversion.apply(&value, self.slice.now) {
                Ok(converted) => value = converted,
                Err(error) => return Element::Fails(error.to_string()),
            }
        }
        let mut became = Vec::new();
        for one in elements(Some(&value)) {
            match self.in_its_terms(one) {
                Ok(one) if is_empty(&one) => {}
                Ok(one) => became.push(one),
                Err(why) => return Element::Fails(why),
            }
        }
        Element::Becomes(became)
    }

    /// R7: an element in the type and the form in which the target stores it.
    fn in_its_terms(&self, value: Value) -> Result<Value, String> {
        if let Some(why) = misshapen(&Value::Array(vec![value.clone()]), self.shown) {
            return Err(why);
        }
        let target = self.target;
        let value = match target.ty {
            PlainType::List | PlainType::Any => {
                let first = self.shown.as_array().and_then(|list| list.first());
                like(value, first.unwrap_or(&Value::Null))
            }
            _ if target.unsure => value,
            ty => coerce(&value, ty)?,
        };
        Ok(as_stored(value, target.stored_as))
    }

    fn reference(&self, element: &Value) -> Element {
        let Way { plan, slice, by, target, .. } = *self;
        let source = plan.prop(by.other, by.theirs);
        let Some(id) = id_of(element) else { return Element::Becomes(vec![]) };
        match counterpart(plan, slice, (source, by.other), target, &id) {
            Ok(referred) => match self.id(referred.counterpart) {
                Ok(id) => match referred.waits(&id, self.shown) {
                    Some(awaited) => Element::Waits(awaited),
                    None => Element::Becomes(vec![id]),
                },
                Err(why) => Element::Fails(why),
            },
            Err(awaited) => Element::Waits(awaited),
        }
    }

    fn id(&self, record: &RecordState) -> Result<Value, String> {
        let first = self.shown.as_array().and_then(|list| list.first());
        id_value(self.plan, self.target, &record.key, first.unwrap_or(&Value::Null))
    }

    /// What an element is, or was before its counterpart was deleted, at the other end: when it
    /// goes at its source, that goes as well.
    pub fn was(&self, element: &Value) -> Vec<Value> {
        if let Element::Becomes(became) = self.translate(element) {
            return became;
        }
        let Some(id) = id_of(element).filter(|_| self.by.reference) else { return vec![] };
        let source = self.plan.prop(self.by.other, self.by.theirs);
        let referred = source.refers_to.iter().filter_map(|ty| self.slice.by_key(*ty, &id));
        let members = referred.flat_map(|one| self.slice.members(one.entity));
        let members = members.filter_map(|id| self.slice.records.get(id));
        let there = members.filter(|one| self.target.refers_to.contains(&one.ty));
        there.filter_map(|one| self.id(one).ok()).collect()
    }

    /// P8: whether what a reference waits for may come: an element that refers to something
    /// outside all flows stays where it is.
    pub fn may_come(&self, awaited: Awaited) -> bool {
        awaited.of().is_some()
            || !self.plan.prop(self.by.other, self.by.theirs).refers_to.is_empty()
    }
}

fn id_of(element: &Value) -> Option<String> {
    let mut found = None;
    each_id(Some(element), &mut |id| found = Some(id.to_string()));
    found
}
