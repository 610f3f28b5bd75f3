//! Time that passes when somebody waits for it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use lockstep_hub::Clock;
use lockstep_model::Timestamp;

/// A clock that nobody has to wait for. Every look at it takes a millisecond, so that no two things happen at once.
#[derive(Debug)]
pub struct SimulatedClock(AtomicI64);

impl SimulatedClock {
    /// When the world begins: New Year of 2026, Oslo's morning.
    pub const START: i64 = 1_767_250_800_000;

    /// Begins on a morning in 2026.
    pub fn new() -> Self {
        SimulatedClock(AtomicI64::new(Self::START))
    }

    /// Lets time pass.
    pub fn pass(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Default for SimulatedClock {
    fn default() -> Self {
        SimulatedClock::new()
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn wait(&self, duration: Duration) {
        self.pass(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4));
    }
}
