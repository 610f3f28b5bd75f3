//! Time that passes when somebody waits for it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use lockstep_hub::Clock;
use lockstep_model::Timestamp;

/// A clock that nobody has to wait for. Every look at it takes a millisecond, so that no two things
/// happen at once.
#[derive(Debug)]
pub struct SimulatedClock {
    now: AtomicI64,
    /// How far the hub's machine is behind, since its clock was set back.
    behind: AtomicI64,
}

impl SimulatedClock {
    /// When the world begins: New Year of 2026, Oslo's morning.
    pub const START: i64 = 1_767_250_800_000;

    /// Begins on a morning in 2026.
    pub fn new() -> Self {
        SimulatedClock { now: AtomicI64::new(Self::START), behind: AtomicI64::new(0) }
    }

    /// Lets time pass.
    pub fn pass(&self, ms: i64) {
        self.now.fetch_add(ms, Ordering::Relaxed);
    }

    /// What time it really is, whatever the hub's machine says.
    pub fn real(&self) -> i64 {
        self.now.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The clock of the hub's machine is set back.
    pub fn set_back(&self, ms: i64) {
        self.behind.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Default for SimulatedClock {
    fn default() -> Self {
        SimulatedClock::new()
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.real() - self.behind.load(Ordering::Relaxed))
    }

    fn wait(&self, duration: Duration) {
        self.pass(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4));
    }
}
