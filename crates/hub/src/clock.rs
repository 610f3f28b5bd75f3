//! The clock: the only place where the time of day is read.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lockstep_model::Timestamp;

/// Tells the time, and waits.
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
    /// Returns when about so much time has passed.
    fn wait(&self, duration: Duration);
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn wait(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}
