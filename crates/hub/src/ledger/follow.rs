//! Who holds a value of a record that it refers to (`company > name`) is decided on anew when that
//! may have changed.

use lockstep_engine::{Observed, follow};
use lockstep_model::matching::reference_hash;
use lockstep_model::{PropIx, RecordState, TypeIx};
use lockstep_store::{AgendaEntry, Commit};

use crate::error::Result;
use crate::ledger::Ledger;

impl Ledger {
    /// What was read of records may be held by those that refer to them.
    pub(crate) fn wake_followers(
        &mut self,
        ty: TypeIx,
        observed: &Observed,
        commit: &mut Commit,
    ) -> Result<()> {
        let hashes = follow::followers(&self.plan, ty, observed);
        self.wake(&hashes, commit)
    }

    /// Lockstep has written to these properties of a record: those that refer to it may hold them,
    /// and it may refer to another record now.
    pub(crate) fn wake_followers_of_write(
        &mut self,
        state: &RecordState,
        written: impl Iterator<Item = PropIx>,
        commit: &mut Commit,
    ) -> Result<()> {
        if self.plan.follow_depth == 0 && !self.plan.combines {
            return Ok(());
        }
        let ty = self.plan.ty(state.ty);
        let (mut is_held, mut refers) = (false, false);
        for prop in written {
            is_held |= ty.props[prop.at()].followed;
            let by = |follows: &lockstep_engine::plan::Follows| follows.by == prop;
            refers |= ty.props.iter().filter_map(|prop| prop.follows.as_ref()).any(by)
                || ty.props.iter().any(|made| made.combines.contains(&prop));
        }
        if refers {
            commit.agenda_added.push(AgendaEntry::new(ty.decide_rank, state.id));
        }
        match is_held {
            true => self.wake(&[reference_hash(&ty.name, &state.key)], commit),
            false => Ok(()),
        }
    }
}
