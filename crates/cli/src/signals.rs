//! What signals ask of a running service: to end, and to read its secrets anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lockstep_service::{Queue, notify};
use tokio::signal::unix::{SignalKind, signal};

/// A service that was asked to end does so within ten seconds: a system that does not answer by
/// then is left, and what became of the write is found out by the next start (C2).
const PATIENCE: Duration = Duration::from_millis(9_500);

/// SIGTERM and Ctrl-C set `stop` and print a line; a second one ends the program at once. SIGHUP
/// has the secrets read anew.
pub fn heed(stop: Arc<AtomicBool>, queue: Queue, line: &'static str) {
    let (ready, is_ready) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
            return;
        };
        runtime.block_on(async {
            let signals = (
                signal(SignalKind::interrupt()),
                signal(SignalKind::terminate()),
                signal(SignalKind::hangup()),
            );
            let (Ok(mut interrupted), Ok(mut asked_to_end), Ok(mut hung_up)) = signals else {
                return;
            };
            let _ = ready.send(());
            loop {
                tokio::select! {
                    _ = hung_up.recv() => {
                        queue.renew();
                        continue;
                    }
                    _ = interrupted.recv() => {}
                    _ = asked_to_end.recv() => {}
                }
                if stop.swap(true, Ordering::Relaxed) {
                    std::process::exit(1);
                }
                notify("STOPPING=1");
                note!("{line}");
                std::thread::spawn(end_in_time);
            }
        });
    });
    // Nothing is begun before somebody listens.
    let _ = is_ready.recv();
}

fn end_in_time() {
    std::thread::sleep(PATIENCE);
    eprintln!(
        "! ended before every system had answered: what became of the writes under way is found out by the next start (C2)"
    );
    std::process::exit(0);
}
