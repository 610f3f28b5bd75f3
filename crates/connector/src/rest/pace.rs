//! How fast an account is asked: so many requests a second, a minute, a day, so many at once, and not before the system said so.
//!
//! All flows and all record types share it, as they share the account. Between two requests of a rate per second the same time passes; the
//! longer budgets are windows that slide (the last so many requests lie further apart than the window is long), so that a burst is let
//! through where the system would let it through. What is told by the system itself, `Retry-After` or what remains of its own budget,
//! comes on top.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::written::Rate;
use crate::Traffic;

/// The pace of one account.
pub struct Pace {
    state: Mutex<State>,
    /// One more may be under way.
    ended: Condvar,
}

struct State {
    /// Between two requests.
    apart: Duration,
    windows: Vec<Window>,
    at_once: usize,
    under_way: usize,
    /// When the next request may leave.
    next: Instant,
    traffic: Traffic,
}

struct Window {
    most: usize,
    long: Duration,
    left: VecDeque<Instant>,
}

/// Leave for one request; its end lets another one go.
pub struct Turn<'a>(&'a Pace);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.state().under_way -= 1;
        self.0.ended.notify_one();
    }
}

impl Pace {
    /// By what a manifest states, or a project instead (`per_second`).
    pub fn new(rate: &Rate, per_second: Option<f64>) -> Pace {
        let window = |most: Option<u32>, seconds| {
            let most = most.map(|most| most.max(1) as usize)?;
            Some(Window { most, long: Duration::from_secs(seconds), left: VecDeque::new() })
        };
        let apart = per_second.or(rate.per_second).map_or(Duration::ZERO, |n| Duration::from_secs_f64(1.0 / n.max(0.001)));
        let state = State {
            apart,
            windows: [window(rate.per_minute, 60), window(rate.per_day, 86_400)].into_iter().flatten().collect(),
            at_once: rate.at_once.map_or(usize::MAX, |most| most.max(1)),
            under_way: 0,
            next: Instant::now(),
            traffic: Traffic::default(),
        };
        Pace { state: Mutex::new(state), ended: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for leave to send one request. Gives up, and says for how long it would have to wait, where that is longer than `patience`.
    pub fn turn(&self, patience: Duration) -> Result<Turn<'_>, Duration> {
        let asked = Instant::now();
        let wait = {
            let mut state = self.state();
            while state.under_way >= state.at_once {
                state = self.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let now = Instant::now();
            let full = state.windows.iter().filter(|window| window.left.len() >= window.most);
            let free = full.filter_map(|window| Some(*window.left.front()? + window.long));
            let at = free.chain([state.next, now]).max().unwrap_or(now);
            let wait = at - now;
            if wait > patience {
                return Err(wait);
            }
            state.next = at + state.apart;
            for window in &mut state.windows {
                window.left.push_back(at);
                if window.left.len() > window.most {
                    window.left.pop_front();
                }
            }
            state.under_way += 1;
            state.traffic.sent += 1;
            state.traffic.waited_ms += u64::try_from((at - asked).as_millis()).unwrap_or(u64::MAX);
            wait
        };
        let turn = Turn(self);
        if !wait.is_zero() {
            std::thread::sleep(wait);
        }
        Ok(turn)
    }

    /// The system asked for a pause: nothing leaves before it is over.
    pub fn pause(&self, long: Duration) {
        if let Some(until) = Instant::now().checked_add(long) {
            let mut state = self.state();
            state.next = state.next.max(until);
        }
    }

    /// A request was refused as one too many.
    pub fn refused(&self) {
        self.state().traffic.refused += 1;
    }

    /// What has been sent so far.
    pub fn traffic(&self) -> Traffic {
        self.state().traffic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spent_budget_is_told_with_the_time_until_it_is_whole_again() {
        let pace = Pace::new(&Rate { per_minute: Some(2), ..Rate::default() }, None);
        for _ in 0..2 {
            assert!(pace.turn(Duration::ZERO).is_ok());
        }
        let wait = pace.turn(Duration::from_secs(30)).err().unwrap();
        assert!(wait > Duration::from_secs(55) && wait <= Duration::from_secs(60), "{wait:?}");
        assert_eq!(pace.traffic().sent, 2, "what was not sent is not counted");
    }

    #[test]
    fn a_pause_holds_for_all_that_comes_after() {
        let pace = Pace::new(&Rate::default(), None);
        pace.pause(Duration::from_secs(90));
        assert!(pace.turn(Duration::from_secs(30)).err().unwrap() > Duration::from_secs(85));
    }

    #[test]
    fn no_more_are_under_way_at_once_than_are_allowed() {
        let pace = Pace::new(&Rate { at_once: Some(2), ..Rate::default() }, None);
        let most = Mutex::new((0, 0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let _turn = pace.turn(Duration::from_secs(60)).unwrap_or_else(|_| panic!("no turn"));
                    let now = {
                        let mut most = most.lock().unwrap();
                        most.0 += 1;
                        most.1 = most.1.max(most.0);
                        most.0
                    };
                    assert!(now <= 2, "{now} at once");
                    std::thread::yield_now();
                    most.lock().unwrap().0 -= 1;
                });
            }
        });
        assert!(most.lock().unwrap().1 <= 2);
    }
}
