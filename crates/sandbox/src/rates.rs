//! Request budgets per fixed window, as the vendors publish them, times a scale.

use crate::http::Request;
use crate::systems::Limit;
use std::time::{Duration, Instant};

/// Where a request stands against the budgets that apply to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Within all budgets; the numbers are those of the first one that applies.
    Within { limit: u32, remaining: u32, resets_in: u64 },
    /// Over one; try again in so many seconds.
    Over { retry_after: u64 },
    /// No budget applies.
    Free,
}

/// The windows of one system.
#[derive(Debug)]
pub(crate) struct Rates {
    limits: &'static [Limit],
    /// Multiplies every budget; 0 means no limits.
    scale: f64,
    windows: Vec<Option<(Instant, u32)>>,
}

impl Rates {
    pub fn new(limits: &'static [Limit], scale: f64) -> Self {
        Self { limits, scale, windows: vec![None; limits.len()] }
    }

    /// Counts one request.
    pub fn take(&mut self, request: &Request, now: Instant) -> Standing {
        let mut standing = Standing::Free;
        if self.scale <= 0.0 {
            return standing;
        }
        for (limit, window) in self.limits.iter().zip(&mut self.windows) {
            if !(limit.applies)(request) {
                continue;
            }
            let length = Duration::from_secs(limit.window_seconds);
            let budget =
                (f64::from(limit.requests) * self.scale).ceil().min(f64::from(u32::MAX)) as u32;
            let (started, used) = match *window {
                Some((started, used)) if now.duration_since(started) < length => (started, used),
                _ => (now, 0),
            };
            let resets_in = (length - now.duration_since(started)).as_secs().max(1);
            if used >= budget {
                *window = Some((started, used));
                return Standing::Over { retry_after: resets_in };
            }
            *window = Some((started, used + 1));
            if standing == Standing::Free {
                standing =
                    Standing::Within { limit: budget, remaining: budget - used - 1, resets_in };
            }
        }
        standing
    }
}
