//! Budgets that some requests have besides the account's rate: so many in any sixty seconds, or in
//! any second. They are waited for, however long a listing takes: what would be refused is not sent.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::written::{BudgetYaml, PerSecond};

impl BudgetYaml {
    /// How many requests, and in how long a time: a little more than is said, as the system counts
    /// when requests arrive.
    pub(super) fn limit(self) -> (u32, Duration) {
        match self {
            BudgetYaml::PerMinute(most) => (most, Duration::from_secs(61)),
            BudgetYaml::PerSecond(PerSecond { per_second }) => {
                (per_second, Duration::from_millis(1_100))
            }
        }
    }
}

/// When the last requests left.
#[derive(Default)]
pub struct Budget(VecDeque<Instant>);

impl Budget {
    /// Counts one more request, and gives how long it has to wait.
    pub fn take(&mut self, most: usize, window: Duration, now: Instant) -> Duration {
        let most = most.max(1);
        while self.0.len() > most {
            self.0.pop_front();
        }
        let free = self.0.front().filter(|_| self.0.len() == most).map(|first| *first + window);
        let at = free.map_or(now, |free| free.max(now));
        self.0.push_back(at);
        at - now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_let_through_and_what_follows_waits_for_the_window() {
        let (mut budget, began) = (Budget::default(), Instant::now());
        let (most, window) = BudgetYaml::PerMinute(10).limit();
        let most = most as usize;
        for _ in 0..10 {
            assert_eq!(budget.take(most, window, began), Duration::ZERO);
        }
        assert_eq!(budget.take(most, window, began), window);
        // The one that waited counts from when it left.
        let later = began + window;
        for _ in 0..9 {
            assert_eq!(budget.take(most, window, later), Duration::ZERO);
        }
        assert_eq!(budget.take(most, window, later), window);
        assert_eq!(budget.take(most, window, later + window + window), Duration::ZERO);
    }

    #[test]
    fn a_budget_by_the_second_lets_no_minute_through_at_once() {
        let (mut budget, began) = (Budget::default(), Instant::now());
        let (most, window) = BudgetYaml::PerSecond(PerSecond { per_second: 4 }).limit();
        let waits: Vec<Duration> =
            (0..240).map(|_| budget.take(most as usize, window, began)).collect();
        assert_eq!(waits[3], Duration::ZERO);
        assert_eq!(waits[4], window);
        assert_eq!(waits[239], window * 59);
    }
}
