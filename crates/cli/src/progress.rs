//! Progress on standard error, where that is a terminal that can be drawn on and the work is long.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use lockstep_hub::{Progress, RunOptions, Watcher};

/// Shows what a run is at. Draws nothing where standard error is no terminal.
pub struct Bar {
    bar: ProgressBar,
    /// It is a plan: nothing is written.
    plans: bool,
    read: u64,
    decided: u64,
    sent: u64,
}

impl Bar {
    fn new(plans: bool) -> Self {
        let draws = std::io::stderr().is_terminal() && !crate::screen::is_dumb();
        let bar = if draws && !crate::screen::quiet() {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::hidden()
        };
        bar.set_style(
            ProgressStyle::with_template("{spinner} [{elapsed}] {wide_msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        bar.enable_steady_tick(Duration::from_millis(120));
        Bar { bar, plans, read: 0, decided: 0, sent: 0 }
    }

    /// Where it stands, in words.
    fn words(&mut self, progress: Progress) -> String {
        let at = match progress {
            Progress::Read { ty, records } => {
                self.read += records as u64;
                format!("reading {ty}")
            }
            Progress::Decided { records } => {
                self.decided += records as u64;
                "deciding".into()
            }
            Progress::Sending { ty, writes } => {
                self.sent += writes as u64;
                if self.plans {
                    format!("what would be written to {ty}")
                } else {
                    format!("writing {ty}")
                }
            }
        };
        let Bar { read, decided, sent, .. } = self;
        match self.plans {
            true => format!("planning, {at}: {read} read, {decided} decided, {sent} to be written"),
            false => format!("{at}: {read} read, {decided} decided, {sent} sent"),
        }
    }
}

impl Watcher for Bar {
    fn tell(&mut self, progress: Progress) {
        let words = self.words(progress);
        self.bar.set_message(words);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Options for a run, or a plan, that shows its progress.
pub fn watched<'a>(plans: bool) -> RunOptions<'a> {
    RunOptions { watcher: Box::new(Bar::new(plans)), ..RunOptions::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_says_that_it_plans_and_never_that_it_writes() {
        let sending = || Progress::Sending { ty: "shop.Customers".into(), writes: 3 };
        let mut plan = Bar::new(true);
        assert!(
            plan.words(Progress::Read { ty: "crm.People".into(), records: 2 })
                .starts_with("planning, reading crm.People: 2 read")
        );
        let said = plan.words(sending());
        assert_eq!(
            said,
            "planning, what would be written to shop.Customers: 2 read, 0 decided, 3 to be written"
        );
        assert_eq!(
            Bar::new(false).words(sending()),
            "writing shop.Customers: 0 read, 0 decided, 3 sent"
        );
    }
}
