//! The clock: the only place where the time of day is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lockstep_model::Timestamp;

/// Tells the time, and waits.
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
    /// Returns when about so much time has passed.
    fn wait(&self, duration: Duration);
    /// By how much the times told are ahead of the machine's clock, since that was set back.
    fn behind(&self) -> Option<Duration> {
        None
    }
}

/// A clock that shows less than before by more than this has been set back.
const SET_BACK_MS: i64 = 1_000;

/// A clock that never goes back. What is decided compares times that were told at different
/// moments: an edit after the clock was set back would count as older than what it changes.
pub(crate) struct SteadyClock {
    clock: Arc<dyn Clock>,
    /// How much is added to what the clock says.
    ahead: AtomicI64,
    /// The latest time that was told.
    last: AtomicI64,
}

impl SteadyClock {
    /// Goes on from `recorded`, which was told by another process.
    pub fn new(clock: Arc<dyn Clock>, recorded: Option<Timestamp>) -> SteadyClock {
        SteadyClock {
            clock,
            ahead: AtomicI64::new(0),
            last: AtomicI64::new(recorded.map_or(i64::MIN, |at| at.0)),
        }
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        let real = self.clock.now().0;
        let ahead = self.ahead.load(Ordering::Relaxed);
        let now = real.saturating_add(ahead);
        let last = self.last.fetch_max(now, Ordering::Relaxed);
        // Two threads that look at the same time may come by in either order.
        if last.saturating_sub(now) > SET_BACK_MS {
            self.ahead.store(ahead.saturating_add(last - now), Ordering::Relaxed);
        }
        Timestamp(now.max(last))
    }

    fn wait(&self, duration: Duration) {
        self.clock.wait(duration);
    }

    fn behind(&self) -> Option<Duration> {
        u64::try_from(self.ahead.load(Ordering::Relaxed))
            .ok()
            .filter(|ms| *ms > 0)
            .map(Duration::from_millis)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    struct Shown(AtomicI64);

    impl Clock for Shown {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.load(Ordering::Relaxed))
        }

        fn wait(&self, _: Duration) {}
    }

    #[test]
    fn p1_times_go_on_from_before_where_a_clock_is_set_back() {
        let shown = Arc::new(Shown(AtomicI64::new(10_000)));
        let steady = SteadyClock::new(shown.clone(), Some(Timestamp(3_610_000)));
        assert_eq!(steady.now(), Timestamp(3_610_000), "another process has told that already");
        shown.0.store(15_000, Ordering::Relaxed);
        assert_eq!(
            (steady.now(), steady.behind()),
            (Timestamp(3_615_000), Some(Duration::from_secs(3_600)))
        );
        // Once more, within this process.
        shown.0.store(5_000, Ordering::Relaxed);
        assert_eq!(steady.now(), Timestamp(3_615_000));
        shown.0.store(6_000, Ordering::Relaxed);
        assert_eq!(steady.now(), Timestamp(3_616_000));
        let right = SteadyClock::new(shown, Some(Timestamp(5_500)));
        assert_eq!((right.now(), right.behind()), (Timestamp(6_000), None));
    }
}
