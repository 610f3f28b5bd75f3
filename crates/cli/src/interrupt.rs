//! Ctrl-C: the first one lets what is under way come to its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Sets `stop` at the first interruption, and prints a line; a second one ends the program.
pub fn stop_when_interrupted(stop: Arc<AtomicBool>, line: &'static str) {
    use tokio::signal::unix::{SignalKind, signal};
    let (ready, is_ready) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
            return;
        };
        runtime.block_on(async {
            let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
            let (Ok(mut interrupted), Ok(mut asked_to_end)) = signals else { return };
            let _ = ready.send(());
            let mut asked = 0;
            loop {
                tokio::select! {
                    _ = interrupted.recv() => {}
                    _ = asked_to_end.recv() => {}
                }
                asked += 1;
                if asked > 1 {
                    std::process::exit(1);
                }
                note!("{line}");
                stop.store(true, Ordering::Relaxed);
            }
        });
    });
    // Nothing is begun before somebody listens. Where nobody can, an interruption ends the program
    // at once.
    let _ = is_ready.recv();
}
