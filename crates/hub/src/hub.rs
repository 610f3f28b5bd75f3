//! The hub: the systems, what is known of them, and who does which part of a run.
//!
//! ```text
//! Hub ─┬─ Reader   asks the systems, takes in what they show
//!      ├─ Decider  has the engine decide on what changed
//!      ├─ Sender   carries out what was decided, remembers what became of it
//!      └─ Ledger   what is known, and how what happens is remembered; asks no system
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;

use lockstep_engine::Plan;
use lockstep_store::Store;

use crate::clock::Clock;
use crate::deciding::decider::Decider;
use crate::error::Result;
use crate::ledger::Ledger;
use crate::reading::reader::Reader;
use crate::sending::sender::Sender;
use crate::systems::{Chance, System, Systems};

/// A project at work: its systems, and what is known of them.
pub struct Hub {
    /// What is known: looked at without asking any system.
    pub ledger: Ledger,
    pub(crate) systems: Systems,
    /// Systems that are not asked for anything, by name: plans to take back go by what is stored.
    pub(crate) unasked: BTreeSet<String>,
    /// In one thread: which of the writes under way is carried out next, and how many are before an
    /// answer is recorded.
    pub(crate) chance: Option<Box<Chance>>,
}

impl Hub {
    /// Puts a hub together. Every system that the plan names must be connected.
    pub fn new(
        plan: Plan,
        systems: Vec<System>,
        store: Box<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Result<Hub> {
        let names = systems.iter().map(|system| system.name.clone()).collect();
        let ledger = Ledger::new(plan, names, store, clock)?;
        Ok(Hub {
            ledger,
            systems: Systems { all: systems, one_thread: false },
            unasked: BTreeSet::new(),
            chance: None,
        })
    }

    /// Plans to take back ask nothing of these systems: their records are as they were read last.
    pub fn without_asking(mut self, systems: BTreeSet<String>) -> Self {
        self.unasked = systems;
        self
    }

    /// Talks to one system after the other, in the caller's thread: everything then happens in an
    /// order that a simulation can repeat.
    pub fn in_one_thread(mut self) -> Self {
        self.systems.one_thread = true;
        self
    }

    /// In one thread: the order in which writes are carried out that are under way together is that
    /// of these numbers, each below the one given; and so is how many of them are carried out
    /// before their answers are recorded.
    pub fn carried_out_by(mut self, chance: Box<Chance>) -> Self {
        self.chance = Some(chance);
        self
    }

    pub(crate) fn reader(&mut self) -> Reader<'_> {
        Reader { ledger: &mut self.ledger, systems: &self.systems }
    }

    pub(crate) fn decider(&mut self) -> Decider<'_> {
        Decider { ledger: &mut self.ledger }
    }

    pub(crate) fn sender(&mut self) -> Sender<'_> {
        let chance = self.chance.as_deref_mut();
        Sender { ledger: &mut self.ledger, systems: &self.systems, chance }
    }
}
