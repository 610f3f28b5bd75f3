//! What a system was like a moment ago, for reads that lag behind (rule P5a).
//!
//! A copy of the whole system is taken before a write, while somebody wants stale reads, and not
//! more often than a few times in the span that is asked for: the copies stay few however many
//! writes there are.

use crate::systems::Emulator;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Copies in a span.
const COPIES: u32 = 4;

/// Earlier states, oldest first, each with the time at which it ended.
#[derive(Default)]
pub(crate) struct Past {
    copies: VecDeque<(Instant, Box<dyn Emulator>)>,
}

impl Past {
    /// Keeps the state before a write. `span` is how long somebody may want to see it; zero keeps
    /// nothing.
    pub fn keep(&mut self, emulator: &dyn Emulator, span: Duration, now: Instant) {
        self.copies.retain(|(ended, _)| now.duration_since(*ended) < span);
        if span.is_zero()
            || self
                .copies
                .back()
                .is_some_and(|(ended, _)| now.duration_since(*ended) < span / COPIES)
        {
            return;
        }
        self.copies.push_back((now, emulator.copy()));
    }

    /// The oldest state that ended within the span.
    pub fn within(&self, span: Duration, now: Instant) -> Option<&dyn Emulator> {
        self.copies
            .iter()
            .find(|(ended, _)| now.duration_since(*ended) < span)
            .map(|(_, emulator)| emulator.as_ref())
    }
}
