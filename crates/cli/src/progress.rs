//! Progress on standard error, where that is a terminal and the work is long.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use lockstep_hub::run::{Progress, RunOptions, Watcher};

/// Shows what a run is at. Draws nothing where standard error is no terminal.
pub struct Bar {
    bar: ProgressBar,
    read: u64,
    decided: u64,
    sent: u64,
}

impl Bar {
    fn new() -> Self {
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        bar.set_style(
            ProgressStyle::with_template("{spinner} {msg} [{elapsed}]").unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        bar.enable_steady_tick(Duration::from_millis(120));
        Bar { bar, read: 0, decided: 0, sent: 0 }
    }
}

impl Watcher for Bar {
    fn tell(&mut self, progress: Progress) {
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
                format!("writing {ty}")
            }
        };
        self.bar.set_message(format!("{at}: {} read, {} decided, {} sent", self.read, self.decided, self.sent));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Options for a run that shows its progress.
pub fn watched<'a>() -> RunOptions<'a> {
    RunOptions { watcher: Box::new(Bar::new()), ..RunOptions::default() }
}
