//! A rate limiter: requests per second, minute and day, concurrent requests, and the times that the
//! system itself names.
//!
//! All flows and all record types share it, as they share the account. Requests of a rate per
//! second are spread evenly; the longer budgets are windows that slide (the last so many requests
//! lie further apart than the window is long), so that a burst is let through where the system
//! would let it through. What is told by the system itself, `Retry-After` or what remains of its
//! own budget, comes on top.
//!
//! A system counts requests when they arrive, and no two take equally long to get there: sent at
//! exactly the rate that it allows, one in twenty would be one too many. So a margin is kept, which
//! grows while requests are refused all the same. And what counts is when requests have left, not
//! when they were to leave: one that left late may not be followed too soon.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::Traffic;

/// Requests under way at one time where nothing else is said.
const AT_ONCE: usize = 4;
/// By this share less than the stated rate is used.
const MARGIN: f64 = 0.02;
/// The margin where requests are refused all the same, and by how much it grows each time.
const MOST_MARGIN: f64 = 0.25;
const MORE_MARGIN: f64 = 0.01;
/// Number of requests without a rejection after which the margin shrinks again.
const CALM: u64 = 500;
/// Maximum time by which later requests catch up on one that left late.
const CATCH_UP: Duration = Duration::from_millis(25);
/// In a second there are not more than its number of requests, whenever they leave; this is added
/// to the second.
const JITTER: Duration = Duration::from_millis(20);
/// A budget per minute is waited for: this is its longest wait, with the margin.
const A_MINUTE: Duration = Duration::from_secs(76);

/// How fast an account may be asked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    pub per_second: Option<f64>,
    /// In any sixty seconds.
    pub per_minute: Option<u32>,
    /// In any 24 hours, counted from the start of the program.
    pub per_day: Option<u32>,
    /// Under way at one time; 4 if not said.
    pub at_once: Option<usize>,
}

/// The pace of one account.
pub struct RateLimiter {
    state: Mutex<State>,
    /// A request has ended, or another one may be next.
    changed: Condvar,
}

struct State {
    /// Between two requests, without the margin.
    apart: Duration,
    margin: f64,
    windows: Vec<Window>,
    at_once: usize,
    under_way: usize,
    /// When the next request may leave, by the rate.
    next: Instant,
    /// The system asked for a pause until then.
    paused: Instant,
    /// Who waits to send, by number, the first one first.
    waiting: VecDeque<u64>,
    tickets: u64,
    /// Requests since one was refused, or since the margin was changed.
    calm: u64,
    widened: Option<Instant>,
    traffic: Traffic,
}

struct Window {
    most: usize,
    long: Duration,
    /// Besides the margin.
    jitter: Option<Duration>,
    left: VecDeque<Instant>,
}

impl Window {
    fn free(&self, margin: f64) -> Option<Instant> {
        let long = self
            .jitter
            .map_or_else(|| self.long.mul_f64(1.0 + margin), |jitter| self.long + jitter);
        self.left.front().filter(|_| self.left.len() >= self.most).map(|first| *first + long)
    }
}

/// Leave for one request; its end lets another one go.
pub struct Permit<'a>(&'a RateLimiter);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.state().under_way -= 1;
        self.0.changed.notify_all();
    }
}

impl RateLimiter {
    pub fn new(limits: &Limits) -> RateLimiter {
        let per_second = limits.per_second.map(|n| n.max(0.001));
        let window = |most: Option<u32>, seconds| {
            let most = most.map(|most| most.max(1) as usize)?;
            Some(Window {
                most,
                long: Duration::from_secs(seconds),
                jitter: None,
                left: VecDeque::new(),
            })
        };
        // However late some of them left, there are no more of them in any second. A part of a
        // request can't be counted so.
        let second = per_second.filter(|n| *n >= 2.0 && n.fract() == 0.0).map(|n| Window {
            most: n as usize,
            long: Duration::from_secs(1),
            jitter: Some(JITTER),
            left: VecDeque::new(),
        });
        let now = Instant::now();
        let state = State {
            apart: per_second.map_or(Duration::ZERO, |n| Duration::from_secs_f64(1.0 / n)),
            margin: MARGIN,
            windows: [second, window(limits.per_minute, 60), window(limits.per_day, 86_400)]
                .into_iter()
                .flatten()
                .collect(),
            at_once: limits.at_once.unwrap_or(AT_ONCE).max(1),
            under_way: 0,
            next: now,
            paused: now,
            waiting: VecDeque::new(),
            tickets: 0,
            calm: 0,
            widened: None,
            traffic: Traffic::default(),
        };
        RateLimiter { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many requests may be under way at one time.
    pub fn at_once(&self) -> usize {
        self.state().at_once
    }

    /// Waits for leave to send one request. Gives up, and says for how long it would have to wait,
    /// where that is longer than `patience`; a budget per minute is waited for.
    pub fn turn(&self, patience: Duration) -> Result<Permit<'_>, Duration> {
        let asked = Instant::now();
        let mut state = self.state();
        let ticket = state.tickets;
        state.tickets += 1;
        state.waiting.push_back(ticket);
        loop {
            let now = Instant::now();
            let (wait, too_long) = state.wait(now, patience);
            if too_long {
                state.waiting.retain(|waiting| *waiting != ticket);
                drop(state);
                self.changed.notify_all();
                return Err(wait);
            }
            let is_first = state.waiting.front() == Some(&ticket);
            if is_first && state.under_way < state.at_once && wait.is_zero() {
                state.waiting.pop_front();
                state.leaves(now);
                state.traffic.waited_ms +=
                    u64::try_from((now - asked).as_millis()).unwrap_or(u64::MAX);
                drop(state);
                self.changed.notify_all();
                return Ok(Permit(self));
            }
            state = match is_first && !wait.is_zero() {
                true => {
                    self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0
                }
                false => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// The system asked for a pause: nothing leaves before it is over.
    pub fn pause(&self, long: Duration) {
        if let Some(until) = Instant::now().checked_add(long) {
            let mut state = self.state();
            state.paused = state.paused.max(until);
        }
    }

    /// A request was refused as one too many.
    pub fn refused(&self) {
        let mut state = self.state();
        state.traffic.refused += 1;
        state.calm = 0;
        // Those that were under way together are refused for one reason.
        let now = Instant::now();
        if state.widened.is_none_or(|at| now - at >= Duration::from_secs(1)) {
            state.margin = (state.margin + MORE_MARGIN).min(MOST_MARGIN);
            state.widened = Some(now);
        }
    }

    /// What has been sent so far.
    pub fn traffic(&self) -> Traffic {
        self.state().traffic
    }
}

impl State {
    /// How long the next request has to wait, and whether that is too long.
    fn wait(&self, now: Instant, patience: Duration) -> (Duration, bool) {
        let until = |at: Instant| at.saturating_duration_since(now);
        let told = until(self.paused).max(until(self.next));
        let budgets = self
            .windows
            .iter()
            .filter_map(|window| window.free(self.margin))
            .map(until)
            .max()
            .unwrap_or_default();
        (told.max(budgets), told > patience || budgets > patience.max(A_MINUTE))
    }

    /// Counts a request that leaves now.
    fn leaves(&mut self, now: Instant) {
        let due = now.checked_sub(CATCH_UP).unwrap_or(now).max(self.next);
        self.next = due + self.apart.mul_f64(1.0 + self.margin);
        for window in &mut self.windows {
            window.left.push_back(now);
            if window.left.len() > window.most {
                window.left.pop_front();
            }
        }
        self.under_way += 1;
        self.traffic.sent += 1;
        self.calm += 1;
        if self.calm >= CALM {
            (self.calm, self.margin) = (0, (self.margin * 0.9).max(MARGIN));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spent_budget_is_told_with_the_time_until_it_is_whole_again() {
        let pace = RateLimiter::new(&Limits { per_day: Some(2), ..Limits::default() });
        for _ in 0..2 {
            assert!(pace.turn(Duration::ZERO).is_ok());
        }
        let wait = pace.turn(Duration::from_secs(30)).err().unwrap();
        assert!(
            wait > Duration::from_secs(86_000) && wait <= Duration::from_secs(90_000),
            "{wait:?}"
        );
        assert_eq!(pace.traffic().sent, 2, "what was not sent is not counted");
    }

    #[test]
    fn a_pause_holds_for_all_that_comes_after() {
        let pace = RateLimiter::new(&Limits::default());
        pace.pause(Duration::from_secs(90));
        assert!(pace.turn(Duration::from_secs(30)).err().unwrap() > Duration::from_secs(85));
    }

    #[test]
    fn no_more_are_under_way_at_once_than_are_allowed() {
        let pace = RateLimiter::new(&Limits { at_once: Some(2), ..Limits::default() });
        let most = Mutex::new((0, 0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let _turn =
                        pace.turn(Duration::from_secs(60)).unwrap_or_else(|_| panic!("no turn"));
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

    /// When so many requests arrive that are sent as fast as may be. Each leaves up to 9 ms late,
    /// and is up to 14 ms on its way.
    fn arrivals(rate: &Limits, most: usize) -> Vec<Duration> {
        let pace = RateLimiter::new(rate);
        let mut state = pace.state();
        let began = Instant::now();
        let (mut now, mut chance) = (began, 7_u64);
        let mut below = |end: u64| {
            chance = chance
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            Duration::from_millis((chance >> 33) % end)
        };
        let mut arrived: Vec<Duration> = (0..most)
            .map(|_| {
                let (wait, too_long) = state.wait(now, Duration::from_secs(60));
                assert!(!too_long);
                now += if wait.is_zero() { wait } else { wait + below(10) };
                state.leaves(now);
                now + below(15) - began
            })
            .collect();
        arrived.sort_unstable();
        arrived
    }

    #[test]
    fn a_rate_is_used_and_never_exceeded_whatever_window_the_system_counts_by() {
        let second =
            |n: u32| (Limits { per_second: Some(f64::from(n)), ..Limits::default() }, n, 1.0);
        let minute = |n: u32| (Limits { per_minute: Some(n), ..Limits::default() }, n, 60.0);
        for (rate, most, long) in [
            second(2),
            second(5),
            second(10),
            second(50),
            second(100),
            second(400),
            minute(60),
            minute(700),
        ] {
            let arrived = arrivals(&rate, 40 * most as usize + 1);
            let (n, long) = (most as usize, Duration::from_secs_f64(long));
            let refused = arrived.windows(n + 1).filter(|some| some[n] - some[0] < long).count();
            assert_eq!(refused, 0, "a sliding window of {most} in {long:?}");
            // A bucket that holds as many and fills evenly.
            let (mut tokens, mut before) = (f64::from(most), Duration::ZERO);
            for at in &arrived {
                tokens = (tokens
                    + (*at - before).as_secs_f64() * f64::from(most) / long.as_secs_f64())
                .min(f64::from(most))
                    - 1.0;
                before = *at;
                assert!(tokens >= 0.0, "a bucket of {most} in {long:?}");
            }
            let took = arrived[arrived.len() - 1] - arrived[0];
            let used = (40.0 * long.as_secs_f64()) / took.as_secs_f64();
            assert!(used >= 0.95, "{used} of {most} in {long:?}");
        }
    }

    #[test]
    fn a_refusal_widens_the_margin_and_calm_narrows_it() {
        let pace = RateLimiter::new(&Limits { per_second: Some(1_000_000.0), ..Limits::default() });
        pace.refused();
        pace.refused();
        let margin = pace.state().margin;
        assert!(
            (margin - MARGIN - MORE_MARGIN).abs() < 1e-9,
            "once for those that are refused together: {margin}"
        );
        for _ in 0..2 * CALM {
            assert!(pace.turn(Duration::from_secs(60)).is_ok());
        }
        assert!(pace.state().margin < margin);
    }
}
