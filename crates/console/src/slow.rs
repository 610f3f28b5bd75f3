//! Sign-in is slowed where it fails: each address and each account waits longer from failure to
//! failure.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// So many failures are free: people mistype.
const FREE: u32 = 5;
/// Longest wait.
const LONGEST: Duration = Duration::from_secs(300);
/// A failure is forgotten after this.
const FORGOTTEN: Duration = Duration::from_secs(3_600);
/// Maximum number of addresses and accounts that are remembered.
const MOST: usize = 10_000;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Who {
    Address(IpAddr),
    Account(String),
}

/// What has failed of late.
#[derive(Debug, Default)]
pub(crate) struct Slow {
    failures: HashMap<Who, (u32, Instant)>,
}

fn of(address: IpAddr, account: &str) -> [Who; 2] {
    // A name of any length is remembered shortly.
    [Who::Address(address), Who::Account(account.chars().take(100).collect())]
}

impl Slow {
    /// How long this one has to wait before trying again; nothing where it may try.
    pub fn waits(&self, address: IpAddr, account: &str, now: Instant) -> Option<Duration> {
        let left = |who: &Who| {
            let (failures, at) = self.failures.get(who)?;
            let over = failures.checked_sub(FREE)?;
            let wait = Duration::from_secs(1 << over.min(20)).min(LONGEST);
            (*at + wait).checked_duration_since(now).filter(|left| !left.is_zero())
        };
        of(address, account).iter().filter_map(left).max()
    }

    /// It failed.
    pub fn failed(&mut self, address: IpAddr, account: &str, now: Instant) {
        if self.failures.len() >= MOST {
            self.failures.retain(|_, (_, at)| now.duration_since(*at) < LONGEST);
        }
        for who in of(address, account) {
            let (failures, at) = self.failures.entry(who).or_insert((0, now));
            *failures = if now.duration_since(*at) > FORGOTTEN { 1 } else { *failures + 1 };
            *at = now;
        }
    }

    /// It went well: the account's failures are forgotten. Those of the address are not: who has an
    /// account of its own would have free tries at others by it.
    pub fn succeeded(&mut self, account: &str) {
        self.failures.remove(&Who::Account(account.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_slow_the_address_and_the_account() {
        let (mut slow, now) = (Slow::default(), Instant::now());
        let (here, there) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for _ in 0..FREE {
            assert_eq!(slow.waits(here, "liv", now), None);
            slow.failed(here, "liv", now);
        }
        let first = slow.waits(here, "liv", now).unwrap();
        assert_eq!(slow.waits(there, "liv", now), Some(first), "the account, from elsewhere");
        assert_eq!(slow.waits(here, "odd", now), Some(first), "another account, from here");
        assert_eq!(slow.waits(there, "odd", now), None);
        slow.failed(here, "liv", now);
        assert_eq!(slow.waits(here, "liv", now), Some(2 * first), "longer each time");
        assert_eq!(slow.waits(here, "liv", now + 2 * first), None, "and then it may try");
        for _ in 0..40 {
            slow.failed(here, "liv", now);
        }
        assert_eq!(slow.waits(there, "liv", now), Some(LONGEST));
        slow.succeeded("liv");
        assert_eq!(slow.waits(there, "liv", now), None);
        assert_eq!(slow.waits(here, "liv", now), Some(LONGEST), "the address is not forgiven");
        slow.failed(here, "x", now + 2 * FORGOTTEN);
        assert_eq!(slow.waits(here, "x", now + 2 * FORGOTTEN), None, "old failures are forgotten");
    }
}
