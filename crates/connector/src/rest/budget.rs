//! Budgets that some lists have besides the account's rate: so many requests in any sixty seconds.
//! They are waited for, however long a listing takes: what would be refused is not sent.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A little more than a minute, as the system counts when requests arrive.
const WINDOW: Duration = Duration::from_secs(61);

/// When the last requests left.
#[derive(Default)]
pub struct Budget(VecDeque<Instant>);

impl Budget {
    /// Counts one more request, and gives how long it has to wait.
    pub fn take(&mut self, most: usize, now: Instant) -> Duration {
        let most = most.max(1);
        while self.0.len() > most {
            self.0.pop_front();
        }
        let free = self.0.front().filter(|_| self.0.len() == most).map(|first| *first + WINDOW);
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
        for _ in 0..10 {
            assert_eq!(budget.take(10, began), Duration::ZERO);
        }
        assert_eq!(budget.take(10, began), WINDOW);
        // The one that waited counts from when it left.
        let later = began + WINDOW;
        for _ in 0..9 {
            assert_eq!(budget.take(10, later), Duration::ZERO);
        }
        assert_eq!(budget.take(10, later), WINDOW);
        assert_eq!(budget.take(10, later + WINDOW + WINDOW), Duration::ZERO);
    }
}
