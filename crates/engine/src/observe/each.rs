//! P11: which elements of a list have come and gone since it was last seen, where they come and go
//! one by one.
//!
//! ```text
//!  shadow  VIP, New        the system shows its tags with capitals
//!  given   vip, new        what Lockstep sent: VIP stands for `vip`
//!  shown   New, Oslo       read now
//!          ─────────       gone: vip     come: Oslo     stands for: new, Oslo
//! ```

use lockstep_model::value::equal;
use lockstep_model::{Slot, Value};

use crate::plan::PlanProp;
use crate::sets::{Likeness, elements};
use crate::stood::{Stood, stands_for};

/// How sure it is what a reading shows.
#[derive(Clone, Copy)]
pub(super) struct Certainty {
    /// It shows the version that Lockstep's own write of the list made.
    pub own_write: bool,
    /// It was made to see what became of a write.
    pub after_writes: bool,
    /// Its system says that the record was changed since that write.
    pub changed_since: bool,
    /// Nothing has shown since Lockstep's last write what became of it.
    pub unseen: bool,
}

/// What a list shows, compared with what is known of it.
pub(super) struct Shown {
    /// Its elements, each as it was put in or given.
    stands: Vec<Value>,
    /// As the system shows it.
    raw: Vec<Value>,
    gone: Vec<Value>,
    come: Vec<Value>,
    /// R6: an element that was given is not there, or one that was taken out still is.
    pub refused: bool,
}

impl Shown {
    /// Compares what a list shows now with its slot.
    pub fn of(slot: &Slot, prop: &PlanProp, now: &Value, sure: Certainty) -> Self {
        let likeness = Likeness::within(prop);
        let raw = elements(Some(now));
        let known = elements(slot.shadow.as_ref());
        let given = slot.given.as_deref().map(|given| elements(Some(given)));
        match (sure.unseen, given) {
            (true, Some(sent)) => {
                let before = Stood::read(slot.before.as_deref());
                Shown::after_write(likeness, &sent, &before, raw, sure)
            }
            (_, given) => {
                let stood = stands_for(likeness, given.as_deref(), &known);
                Shown::since(likeness, (&known, &stood), raw, sure.own_write)
            }
        }
    }

    /// The first look after a write of `sent` over `before`.
    fn after_write(
        likeness: Likeness,
        sent: &[Value],
        before: &Stood,
        raw: Vec<Value>,
        sure: Certainty,
    ) -> Self {
        let certain = sure.own_write || sure.after_writes && !sure.changed_since;
        let came = sure.changed_since && !likeness.same_set(&raw, before.shown());
        let made_of = before.made_of(likeness, sent, &raw, certain);
        let (mut stands, mut come, mut refused) = (vec![], vec![], false);
        for (one, made_of) in raw.iter().zip(&made_of) {
            match made_of {
                Some(at) => stands.push(sent[*at].clone()),
                None => {
                    stands.push(one.clone());
                    // One that stood there before was to be taken out.
                    let stayed = before.has(likeness, one);
                    refused |= stayed;
                    come.extend((!stayed).then(|| one.clone()));
                }
            }
        }
        let mut gone = vec![];
        for lost in likeness.missing(sent, &stands).into_iter().cloned() {
            // Who takes out what was there before has edited the list, and so has who takes out
            // what was sent, once the rest of it has come; else that never came.
            let was_there = came || likeness.is_in(before.stands(), &lost);
            match was_there && !certain {
                true => gone.push(lost),
                false => refused = true,
            }
        }
        Shown { stands, raw, gone, come, refused }
    }

    /// Any later look.
    fn since(
        likeness: Likeness,
        (known, stood): (&[Value], &[Value]),
        raw: Vec<Value>,
        own_write: bool,
    ) -> Self {
        let stands_for = |one: &Value| {
            let at = known.iter().position(|known| known == one);
            let at = at.or_else(|| known.iter().position(|known| likeness.same(known, one)));
            at.map_or_else(|| one.clone(), |at| stood[at].clone())
        };
        let stands: Vec<Value> = raw.iter().map(stands_for).collect();
        let taken = |some: Vec<&Value>| some.into_iter().cloned().collect::<Vec<_>>();
        let come = taken(likeness.missing(&stands, stood));
        let gone = taken(likeness.missing(stood, &stands));
        // P5: in the version that Lockstep's own write made nobody has taken anything out.
        let refused = own_write && !gone.is_empty();
        Shown { stands, raw, gone: if refused { vec![] } else { gone }, come, refused }
    }

    /// Whether somebody has put in or taken out an element.
    pub fn is_edit(&self) -> bool {
        !self.gone.is_empty() || !self.come.is_empty()
    }

    /// L7: what the list should hold where it was given something, and has met no other since: what
    /// it has not kept of that is nobody's.
    pub fn alone(&self, before: &Slot) -> Option<Value> {
        let is_alone = self.refused && before.carries.is_none();
        is_alone.then(|| Value::Array(self.stands.clone()))
    }

    /// What the list should hold, of which it was known what it should hold before.
    pub fn desired(&self, prop: &PlanProp, before: &Slot) -> Value {
        let likeness = Likeness::within(prop);
        let known = before.claim.as_ref().map(|claim| &claim.value);
        let known = known.or(before.given.as_deref()).or(before.shadow.as_ref());
        let mut desired = elements(known);
        desired.retain(|one| !likeness.is_in(&self.gone, one));
        self.come.iter().for_each(|come| likeness.add(&mut desired, come.clone()));
        Value::Array(desired)
    }

    /// What the list held before this edit, in the same form as [`Shown::given`]. Until it is
    /// decided on what came and went before, the older list is what it is compared with, and what
    /// has come to it meanwhile and been taken out.
    pub fn displaced(&self, prop: &PlanProp, undecided: Option<&Value>) -> Value {
        let likeness = Likeness::within(prop);
        if let Some(older) = undecided {
            let mut older = elements(Some(older));
            self.gone.iter().for_each(|gone| likeness.add(&mut older, gone.clone()));
            return Value::Array(older);
        }
        let mut before = self.stands.clone();
        before.retain(|one| !likeness.is_in(&self.come, one));
        before.extend(self.gone.iter().cloned());
        Value::Array(before)
    }

    /// P3: what the elements stand for, where the system shows any in another form.
    pub fn given(&self) -> Option<Box<Value>> {
        let stands = Value::Array(self.stands.clone());
        (!equal(&stands, &Value::Array(self.raw.clone()))).then(|| Box::new(stands))
    }
}
