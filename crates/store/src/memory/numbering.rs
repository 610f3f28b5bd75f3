//! Putting what is stored into the plan's numbers, and what the plan says into the store's.

use lockstep_model::change::Counterpart;
use lockstep_model::{
    Change, Claim, ClaimStamp, FlowIx, PropIx, RecordId, RecordState, Slot, TypeIx,
};

use super::catalogue::Bound;

/// One way or the other.
#[derive(Clone, Copy)]
pub(super) enum Numbering<'a> {
    /// From the plan's numbers to the store's.
    In(&'a Bound),
    /// From the store's numbers to the plan's; what the plan does not name is left out.
    Out(&'a Bound),
}

impl Numbering<'_> {
    pub(super) fn ty(self, ty: TypeIx) -> Option<TypeIx> {
        match self {
            Numbering::In(bound) => bound.types.get(ty.at()).map(|known| known.row),
            Numbering::Out(bound) => bound.of_row.get(&ty).copied(),
        }
    }

    /// A property of a record type, which is given by the numbers that are left.
    pub(super) fn prop(self, ty: TypeIx, prop: PropIx) -> Option<PropIx> {
        match self {
            Numbering::In(bound) => bound.types.get(ty.at())?.props.get(prop.at()).copied(),
            Numbering::Out(bound) => {
                let known = &bound.types[self.ty(ty)?.at()];
                known.props.iter().position(|own| *own == prop).map(|at| PropIx(at as u16))
            }
        }
    }

    /// How many properties a record type has in the new numbers.
    fn width(self, ty: TypeIx, slots: usize) -> usize {
        match self {
            Numbering::In(_) => {
                let own = (0..slots).filter_map(|at| self.prop(ty, PropIx(at as u16)));
                own.map(|prop| prop.at() + 1).max().unwrap_or(0)
            }
            Numbering::Out(bound) => self.ty(ty).map_or(0, |ty| bound.types[ty.at()].props.len()),
        }
    }

    /// A record; `None` where its record type is not named. `type_of` tells the record type of
    /// another, by the numbers that are left.
    pub(super) fn record(
        self,
        state: &RecordState,
        type_of: &dyn Fn(RecordId) -> Option<TypeIx>,
    ) -> Option<RecordState> {
        let ty = self.ty(state.ty)?;
        let mut slots = vec![Slot::default(); self.width(state.ty, state.slots.len())];
        for (at, slot) in state.slots.iter().enumerate() {
            if let Some(prop) = self.prop(state.ty, PropIx(at as u16)) {
                slots[prop.at()] = Slot {
                    claim: slot.claim.as_ref().map(|claim| self.claim(claim)),
                    carries: slot.carries.and_then(|stamp| self.stamp(stamp, type_of)),
                    ..slot.clone()
                };
            }
        }
        Some(RecordState { ty, slots, ..state.clone() })
    }

    fn claim(self, claim: &Claim) -> Claim {
        let named = |(ty, props): &(TypeIx, Vec<PropIx>)| {
            let props = props.iter().filter_map(|prop| self.prop(*ty, *prop)).collect();
            Some((self.ty(*ty)?, props))
        };
        let mut goes: Vec<_> = claim.goes.iter().filter_map(named).collect();
        goes.sort_unstable_by_key(|(ty, _)| *ty);
        Claim { goes, ..claim.clone() }
    }

    /// Of a record that nobody knows, the number is kept as it was.
    pub(super) fn stamp(
        self,
        stamp: ClaimStamp,
        type_of: &dyn Fn(RecordId) -> Option<TypeIx>,
    ) -> Option<ClaimStamp> {
        match type_of(stamp.record) {
            None => Some(stamp),
            Some(ty) => Some(ClaimStamp { prop: self.prop(ty, stamp.prop)?, ..stamp }),
        }
    }

    /// A change of an intent that writes to a record type.
    pub(super) fn change(
        self,
        ty: TypeIx,
        change: &Change,
        type_of: &dyn Fn(RecordId) -> Option<TypeIx>,
    ) -> Option<Change> {
        let counterpart_of = match change.counterpart_of {
            Some(Counterpart { of, ty }) => Some(Counterpart { of, ty: self.ty(ty)? }),
            None => None,
        };
        Some(Change {
            prop: self.prop(ty, change.prop)?,
            counterpart_of,
            claim: self.stamp(change.claim, type_of)?,
            ..change.clone()
        })
    }
}

/// The row of a record type from which something comes to one of the plan by a flow.
pub(super) fn source_by(bound: &Bound, to: TypeIx, flow: FlowIx) -> Option<TypeIx> {
    let at = bound.types[to.at()].flows.iter().position(|one| *one == flow)?;
    bound.types.get(at).map(|ty| ty.row)
}

/// The flow by which something came to a record type of the plan from another.
pub(super) fn flow(bound: &Bound, to: TypeIx, from: Option<TypeIx>) -> FlowIx {
    let flows = &bound.types[to.at()].flows;
    flows.get(from.unwrap_or(to).at()).copied().unwrap_or(FlowIx(0))
}
