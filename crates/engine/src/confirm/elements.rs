//! What a system answers of a list that was sent, element by element (P11, R6).

use lockstep_model::value::equal;
use lockstep_model::{Slot, Value};

use crate::plan::PlanProp;
use crate::sets::{Likeness, elements};
use crate::stood::Stood;

/// What an answer tells of a list that was sent.
pub(super) struct Elements {
    /// What it shows, but for what was neither sent nor there before: somebody's own, which the
    /// next read takes for the edit that it is.
    pub shown: Value,
    /// P3: what the elements shown stand for, where that is another form.
    pub given: Option<Value>,
    /// R6: every element that was sent is there, and none that was taken out.
    pub kept: bool,
}

impl Elements {
    /// `before` is what the list held before it was sent.
    pub fn answered(prop: &PlanProp, sent: &Value, before: &Stood, shown: &Value) -> Self {
        let likeness = Likeness::within(prop);
        let [sent, shown] = [sent, shown].map(|list| elements(Some(list)));
        let made_of = before.made_of(likeness, &sent, &shown, true);
        let (mut known, mut stands, mut kept) = (vec![], vec![], true);
        for (one, made_of) in shown.into_iter().zip(made_of) {
            let stayed = made_of.is_none() && before.has(likeness, &one);
            kept &= !stayed;
            if made_of.is_some() || stayed {
                stands.push(made_of.map_or_else(|| one.clone(), |at| sent[at].clone()));
                known.push(one);
            }
        }
        kept &= likeness.missing(&sent, &stands).is_empty();
        let (shown, stands) = (Value::Array(known), Value::Array(stands));
        Elements { given: Some(stands).filter(|stands| !equal(stands, &shown)), shown, kept }
    }
}

/// C2, P5: what a list shows of a write whose answer was lost, where that has landed: an element
/// that it put in is there, in whatever form, or all that it took out is gone.
///
/// Elements that the write left as they were and that are gone since stand in it still: who has
/// taken them out has edited the list, which the next look sees.
pub(super) fn landed(prop: &PlanProp, slot: &Slot, sent: &Value, shown: &Value) -> Option<Value> {
    let likeness = Likeness::within(prop);
    let stood = Stood::of(likeness, slot);
    let before = stood.stands();
    let [sent, mut shown] = [sent, shown].map(|list| elements(Some(list)));
    let (put_in, taken_out) = (likeness.missing(&sent, before), likeness.missing(before, &sent));
    let is_there = |one: &&&Value| {
        let is_it = |shown: &Value| likeness.is_of(std::slice::from_ref(**one), shown);
        let stood_there =
            |shown: &Value| likeness.is_in(before, shown) || likeness.is_in(stood.shown(), shown);
        shown.iter().any(|shown| is_it(shown) && !stood_there(shown))
    };
    let stayed = |shown: &Value| match stood.stood_for(likeness, shown) {
        Some(element) => !likeness.is_in(&sent, element),
        None => likeness.is_of(before, shown) && !likeness.is_of(&sent, shown),
    };
    let has_landed = match put_in.is_empty() {
        true => !taken_out.is_empty() && !shown.iter().any(stayed),
        false => put_in.iter().any(|one| is_there(&one)),
    };
    if !has_landed {
        return None;
    }
    let is_left = |element: &Value| likeness.is_in(&sent, element);
    let gone = |shown: &[Value], one: &Value| !shown.iter().any(|now| likeness.same(now, one));
    let both = stood.shown().iter().zip(before);
    let held = both.filter(|(_, element)| is_left(element)).map(|(one, _)| one);
    let gone: Vec<Value> = held.filter(|one| gone(&shown, one)).cloned().collect();
    shown.extend(gone);
    Some(Value::Array(shown))
}
