//! What a list shows before Lockstep writes to it, element by element (P11, P3, R6): whether one
//! that it shows after the write is new can be told only by the form in which it stood there.
//!
//! ```text
//!  stood     tag:vip = vip, tag:old = old
//!  sent      vip, new
//!  shown     tag:vip, tag:old      made of vip; and what was to be taken out: `new` was not kept
//! ```

use lockstep_model::value::equal;
use lockstep_model::{Slot, Value};

use crate::confirm::made_of;
use crate::sets::{Likeness, elements};

const SHOWN: &str = "shown";
const STANDS: &str = "stands";

/// The elements of a list, as its system shows them and as they were put in or given.
#[derive(Clone, Default)]
pub(crate) struct Stood {
    shown: Vec<Value>,
    stands: Vec<Value>,
}

impl Stood {
    /// What a list is known to show.
    pub fn of(likeness: Likeness, slot: &Slot) -> Self {
        let shown = elements(slot.shadow.as_ref());
        let given = slot.given.as_deref().map(|given| elements(Some(given)));
        let stands = stands_for(likeness, given.as_deref(), &shown);
        Stood { shown, stands }
    }

    /// From [`Stood::stored`]. A list is one whose elements are shown as they were put in.
    pub fn read(stored: Option<&Value>) -> Self {
        let (shown, stands) = match stored {
            Some(Value::Object(both)) if both.contains_key(SHOWN) && both.contains_key(STANDS) => {
                (elements(both.get(SHOWN)), elements(both.get(STANDS)))
            }
            list => (elements(list), elements(list)),
        };
        match shown.len() == stands.len() {
            true => Stood { shown, stands },
            false => Stood { stands: shown.clone(), shown },
        }
    }

    pub fn stored(&self) -> Value {
        let [shown, stands] = [&self.shown, &self.stands].map(|list| Value::Array(list.clone()));
        match equal(&shown, &stands) {
            true => stands,
            false => Value::Object(
                [(SHOWN.into(), shown), (STANDS.into(), stands)].into_iter().collect(),
            ),
        }
    }

    pub fn shown(&self) -> &[Value] {
        &self.shown
    }

    pub fn stands(&self) -> &[Value] {
        &self.stands
    }

    /// What an element stood for that is shown as it was.
    pub fn stood_for(&self, likeness: Likeness, shown: &Value) -> Option<&Value> {
        let at = self.shown.iter().position(|one| one == shown);
        let at = at.or_else(|| self.shown.iter().position(|one| likeness.same(one, shown)));
        at.map(|at| &self.stands[at])
    }

    /// Whether an element is one of these, in whatever form.
    pub fn has(&self, likeness: Likeness, element: &Value) -> bool {
        likeness.is_in(&self.shown, element) || likeness.is_of(&self.stands, element)
    }

    /// P3: for each element that is shown the one of those given that its system made it of, where
    /// there is one. What stands there as it did before is made of what it was made of then.
    /// Where the list shows for certain what became of those given, what is left over on both sides
    /// belongs together.
    pub fn made_of(
        &self,
        likeness: Likeness,
        given: &[Value],
        shown: &[Value],
        certain: bool,
    ) -> Vec<Option<usize>> {
        let mut taken = vec![false; given.len()];
        let place = |one: &Value| {
            let exact = given.iter().position(|given| given == one);
            exact.or_else(|| given.iter().position(|given| likeness.same(given, one)))
        };
        let mut found: Vec<Option<usize>> = shown
            .iter()
            .map(|one| {
                let stood = || place(self.stood_for(likeness, one)?);
                let at = place(one).or_else(stood)?;
                taken[at] = true;
                Some(at)
            })
            .collect();
        if likeness.references {
            return found;
        }
        let open = |found: &[Option<usize>], at: usize| {
            let one = &shown[at];
            let stood = || likeness.is_in(&self.stands, one) || likeness.is_in(&self.shown, one);
            found[at].is_none() && !stood()
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

/// What each element of a list stands for, of which this was given.
pub(crate) fn stands_for(
    likeness: Likeness,
    given: Option<&[Value]>,
    shown: &[Value],
) -> Vec<Value> {
    let Some(given) = given else { return shown.to_vec() };
    let made_of = Stood::default().made_of(likeness, given, shown, true);
    let stands = shown.iter().zip(made_of);
    stands.map(|(one, at)| at.map_or_else(|| one.clone(), |at| given[at].clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn list(value: Value) -> Vec<Value> {
        elements(Some(&value))
    }

    #[test]
    fn p3_an_element_that_a_system_keeps_in_another_form_is_the_one_that_it_was_given() {
        let made = |given: Value, shown: Value, before: Value, certain: bool| {
            Stood::read(Some(&before)).made_of(
                Likeness::of_texts(),
                &list(given),
                &list(shown),
                certain,
            )
        };
        let (vip, new) = (Some(0), Some(1));
        let given = || json!(["vip", "new"]);
        assert_eq!(made(given(), json!(["NEW", "VIP"]), json!([]), false), [new, vip]);
        assert_eq!(made(given(), json!(["vip", "tag:new"]), json!([]), true), [vip, new]);
        assert_eq!(made(given(), json!(["vip", "tag:new"]), json!([]), false), [vip, None]);
        assert_eq!(made(given(), json!(["vip", "old"]), json!(["old"]), true), [vip, None]);
        let stood = json!({"shown": ["tag:vip", "tag:old"], "stands": ["vip", "old"]});
        let stayed = || json!(["tag:vip", "tag:old"]);
        assert_eq!(made(given(), stayed(), stood.clone(), true), [vip, None], "`new` has not come");
        assert_eq!(made(given(), json!(["tag:vip", "tag:new"]), stood, true), [vip, new]);
        // One that is there as it was given is made of nothing else.
        assert_eq!(made(json!(["C"]), json!(["C", "C++"]), json!([]), false), [Some(0), None]);
    }
}
