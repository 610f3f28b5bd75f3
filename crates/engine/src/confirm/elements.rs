//! What a system answers of a list that was sent, element by element (P11, R6).

use lockstep_model::Value;
use lockstep_model::value::equal;

use crate::plan::PlanProp;
use crate::sets::{Likeness, elements};

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
    pub fn answered(prop: &PlanProp, sent: &Value, before: &Value, shown: &Value) -> Self {
        let likeness = Likeness::within(prop);
        let [sent, before, shown] = [sent, before, shown].map(|list| elements(Some(list)));
        let made_of = likeness.made_of(&sent, &shown, &before, true);
        let (mut known, mut stands, mut kept) = (vec![], vec![], true);
        for (one, made_of) in shown.into_iter().zip(made_of) {
            let stayed = made_of.is_none() && likeness.is_of(&before, &one);
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
